//! Translation validation: what the compiler prints is run on real engines and must mean what the oracle says.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

#[path = "engines/checker.rs"]
mod checker;
#[path = "engines/in_splunk.rs"]
mod in_splunk;
mod oracle;
#[path = "engines/run/mod.rs"]
mod run;
#[path = "engines/spl/mod.rs"]
mod spl;

use arcanary::compile::compile;
use arcanary::event::engine::{Engine, Session};
use arcanary::event::eval::{Evaluator, Verdict};
use arcanary::event::{Event, Value};
use arcanary::target::{Language, Target, Targets};
use arcanary::witness::witnesses_of_several_on;
use oracle::project::{Loaded, files, load};
use oracle::sample::{sample, share};
use run::compare::{Case, Forms, Round, compare};
use run::random::{self, Dice};
use run::temporal::kusto::{self, Question};
use run::temporal::{events as timed, rules};
use run::tree::Made;
use run::{events, queries, report, side_by_side};
use std::collections::HashMap;
use std::io::Write as _;

/// Straight to the stream: what a passing test prints is swallowed.
fn say(text: &str) {
    drop(writeln!(std::io::stderr(), "{text}"));
}

/// What is shipped, the language's cases, and a rule for each corner of its semantics.
fn projects() -> [(&'static str, Loaded); 3] {
    [
        ("rules", load(&files("rules"), "")),
        ("cases", load(&files("tests/cases"), "")),
        ("corners", load(&[], include_str!("oracle/corners.det"))),
    ]
}

/// The rules over single events of some projects, with the names by which reports call them.
fn cases(projects: &[(&'static str, Loaded)]) -> Vec<(usize, String)> {
    let mut out = vec![];
    for (i, (_, loaded)) in projects.iter().enumerate() {
        let rules = loaded.project.rules.values().filter(|r| r.over_several_events().is_none() && r.disabled.is_none());
        out.extend(rules.map(|r| (i, r.name.clone())));
    }
    out
}

#[test]
fn documents_of_the_pack_and_of_the_cases_return_what_the_oracle_says() {
    if checker::tools().is_none() {
        return;
    }
    let start = std::time::Instant::now();
    let projects = projects();
    let named = cases(&projects);
    // The events of a project's tests are put to all of its rules, and what is labelled or recorded to those of every project.
    let mut rounds: Vec<Round> = vec![];
    for (i, (folder, loaded)) in projects.iter().enumerate() {
        let mut events = events::of_tests(&loaded.project);
        events.extend(events::labelled());
        events.extend(events::command_lines());
        let own = named.iter().filter(|(project, _)| *project == i);
        let case = |name: &String| (&loaded.project, &loaded.project.rules[name], format!("{folder}/{name}"));
        let cases: Vec<Case> = own.map(|(_, name)| case(name)).collect();
        rounds.push(Round { cases, events: sample(events::unique(events)), forms: Forms::Each, converted: true });
    }
    let targets = Targets::built_in();
    let targets: Vec<&Target> = targets.all.values().collect();
    let count = report::number(rounds.iter().map(|round| round.events.len()).sum());
    let done = compare(&rounds, &targets);
    let reports: Vec<String> = done.disagreements.iter().map(ToString::to_string).collect();
    say(&format!("{} events, {} targets, {:.0} s; {done}", count, targets.len(), start.elapsed().as_secs_f64()));
    assert!(reports.is_empty(), "{}", reports.join("\n\n"));
    let of = |i: usize| named.iter().filter(|(project, _)| *project == i).count();
    let told = format!("{} rules of the pack, {} cases and {} corners, {count} events.", of(0), of(1), of(2));
    report::section("rules", &format!("{told}\n\n{}", report::compared(&done)));
}

#[test]
fn the_page_of_queries_says_what_each_costs() {
    if checker::tools().is_none() {
        return;
    }
    let pack = arcanary::project::load(&[], &oracle::project::root("rules"));
    assert!(!pack.has_errors());
    let targets: Vec<&Target> = pack.targets.all.values().collect();
    oracle::page::section("docs/queries.md", "queries", &queries::page(&pack, &targets));
}

#[test]
fn documents_return_the_witnesses_of_their_rules_and_no_near_miss() {
    if checker::tools().is_none() {
        return;
    }
    let start = std::time::Instant::now();
    let projects = projects();
    let targets = Targets::built_in();
    let targets: Vec<&Target> = targets.all.values().collect();
    let round = |(i, name): &&(usize, String)| {
        let project = &projects[*i].1.project;
        let rule = &project.rules[name];
        let case = (project, rule, format!("{}/{name}", projects[*i].0));
        Round {
            cases: vec![case],
            events: events::witnesses(project, rule, &targets),
            forms: Forms::InTurn,
            converted: true,
        }
    };
    let rounds = side_by_side(&sample(&cases(&projects)), round);
    let events = rounds.iter().map(|r| r.events.len()).sum();
    let done = compare(&rounds, &targets);
    let reports: Vec<String> = done.disagreements.iter().map(ToString::to_string).collect();
    say(&format!("{events} witnesses, {:.0} s; {done}", start.elapsed().as_secs_f64()));
    assert!(reports.is_empty(), "{}", reports.join("\n\n"));
    let told = format!("{} events, each put to its own rule.", report::number(events));
    report::section("witnesses", &format!("{told}\n\n{}", report::compared(&done)));
}

#[test]
fn kusto_says_of_witnesses_over_several_events_what_they_say_of_themselves() {
    if checker::tools().is_none() {
        return;
    }
    let targets = Targets::built_in();
    let projects = projects();
    for target in targets.all.values().filter(|t| t.language == Language::Kql) {
        let mut asked = vec![];
        for (_, Loaded { project, .. }) in &projects {
            for rule in sample(project.rules.values().filter(|r| r.over_several_events().is_some())) {
                let Ok(document) = compile(rule, project, target) else { continue };
                let sets = witnesses_of_several_on(rule, project, target);
                let sets = sets.unwrap_or_else(|why| panic!("{} on {}: {why:?}", rule.name, target.name));
                asked.push((rule.name.clone(), document.text, sets));
            }
        }
        let (witnesses, wrong) = kusto::witnessed(target, &asked);
        assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n\n"));
        assert!(witnesses > 10, "{witnesses} witnesses on {}", target.name);
    }
}

/// How many random rules are asked about, unless the environment says otherwise.
const RANDOM_RULES: usize = 300;
/// The seed, unless the environment names another one.
const SEED: u64 = 1;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|n| n.parse().unwrap_or_else(|_| panic!("{variable} is a number, not {n}")))
}

/// Cuts a rule down as long as the target's document still goes wrong.
fn shrunk(made: &Made, events: &[oracle::Event], target: &Target) -> String {
    let wrong = |made: &Made, events: &[oracle::Event]| {
        let project = random::resolved(&made.text())?;
        let rule = &project.rules[&made.name];
        let round = Round {
            cases: vec![(&project, rule, made.name.clone())],
            events: events.to_vec(),
            forms: Forms::Each,
            converted: false,
        };
        compare(&[round], &[target]).disagreements.into_iter().next().map(|d| d.to_string())
    };
    let Some(mut report) = wrong(made, events) else { return "it goes wrong among other rules only".to_owned() };
    let mut made = made.clone();
    for _ in 0..12 {
        let found = made.smaller().into_iter().find_map(|less| Some((wrong(&less, events)?, less)));
        let Some((less_report, less)) = found else { break };
        (report, made) = (less_report, less);
    }
    format!("{}{report}", made.text())
}

#[test]
fn random_rules_return_what_the_oracle_says() {
    if checker::tools().is_none() {
        return;
    }
    let start = std::time::Instant::now();
    let wanted = number("ARCANARY_RANDOM_RULES").map_or(share(RANDOM_RULES), |n| usize::try_from(n).unwrap());
    let seed = number("ARCANARY_RANDOM_SEED").unwrap_or(SEED);
    let mut dice = Dice::new(seed);
    let targets = Targets::built_in();
    let targets: Vec<&Target> = targets.all.values().collect();
    let (made, refused) = random::rules(&mut dice, wanted, &targets);
    let rounds = random::rounds(&mut dice, &made);
    let events = rounds.iter().map(|r| r.events.len()).sum();
    let done = compare(&rounds, &targets);
    say(&format!("seed {seed}, {refused} texts refused, {:.0} s; {done}", start.elapsed().as_secs_f64()));
    let brief: Vec<String> = done
        .disagreements
        .iter()
        .map(|d| format!("{} on {} by {}: {} rows", d.rule, d.target, d.engine, d.count))
        .collect();
    // A rule that goes wrong does so on several targets: each rule is cut down once.
    let mut shown: Vec<&str> = vec![];
    let mut reports: Vec<String> = vec![];
    for disagreement in &done.disagreements {
        if reports.len() < REPORTS && !shown.contains(&disagreement.rule.as_str()) {
            shown.push(&disagreement.rule);
            let rule = &made.iter().find(|r| r.made.name == disagreement.rule).unwrap().made;
            let round = rounds.iter().find(|r| r.cases.iter().any(|(.., name)| *name == rule.name)).unwrap();
            let target = targets.iter().find(|t| t.name == disagreement.target).unwrap();
            reports.push(shrunk(rule, &round.events, target));
        }
    }
    assert!(brief.is_empty(), "seed {seed}:\n{}\nthe first ones cut down:\n{}", brief.join("\n"), reports.join("\n\n"));
    if (wanted, seed) == (RANDOM_RULES, SEED) {
        let told = format!("Seed {seed}, {} rules, {} events.", made.len(), report::number(events));
        report::section("random rules", &format!("{told}\n\n{}", report::compared(&done)));
    }
}

/// Disagreements that are cut down and shown.
const REPORTS: usize = 8;

/// How many random rules the evaluator and the oracle are asked about, each on the events of its round.
const EVALUATED_RULES: usize = 3000;

fn product(event: &oracle::Event) -> Event<'_> {
    let mut out = Event::new(event.kind);
    for (id, value) in &event.fields {
        out.set(
            *id,
            match value {
                oracle::Value::Text(text) => Value::of(text.as_str()),
                oracle::Value::Number(n) => Value::Number(*n),
                oracle::Value::Bool(b) => Value::Bool(*b),
            },
        );
    }
    out
}

#[test]
fn the_evaluator_and_the_oracle_agree_on_random_rules_and_events() {
    let seed = number("ARCANARY_RANDOM_SEED").unwrap_or(SEED);
    let mut dice = Dice::new(seed);
    let (made, refused) = random::rules(&mut dice, share(EVALUATED_RULES), &[]);
    let (mut compared, mut detected, mut wrong) = (0, 0, vec![]);
    for round in random::rounds(&mut dice, &made) {
        // All rules of a round at once, behind their prefilter: what it does not name must not be detected.
        let engine = Engine::new(round.cases.iter().map(|(project, rule, _)| (*rule, *project)));
        let mut session = Session::default();
        let together: Vec<HashMap<usize, Verdict>> = round
            .events
            .iter()
            .map(|event| {
                let mut found = HashMap::new();
                engine.ask(&product(event), &mut session, |d| drop(found.insert(d.rule, d.verdict)));
                found
            })
            .collect();
        for (place, (project, rule, name)) in round.cases.iter().enumerate() {
            let evaluator = Evaluator::new(rule, project);
            for (event, together) in round.events.iter().zip(&together) {
                let expected = oracle::verdict(rule, project, event);
                let verdict = evaluator.verdict(&product(event));
                let asked = together.get(&place).cloned();
                if asked.clone().unwrap_or_default().detected != verdict.detected || asked.is_some_and(|a| a != verdict)
                {
                    wrong.push(format!("{name}: the engine does not say {verdict:?} of {}", event.written()));
                }
                compared += 1;
                detected += usize::from(verdict.detected);
                if (verdict.detected, &verdict.flags, &verdict.excepted_by)
                    != (expected.detected, &expected.flags, &expected.excepted_by)
                {
                    wrong.push(format!("{name}: {verdict:?}, the oracle says {expected:?} of {}", event.written()));
                }
            }
        }
    }
    let told = format!(
        "Seed {seed}, {} rules: {} verdicts, the detection holds in {}, **{} disagreements**.",
        report::number(made.len()),
        report::number(compared),
        report::number(detected),
        wrong.len()
    );
    say(&format!("evaluator: {refused} texts refused. {told}"));
    assert!(wrong.is_empty(), "{} disagreements:\n{}", wrong.len(), wrong[..wrong.len().min(5)].join("\n"));
    assert!(detected > share(10_000), "{detected} detected");
    if seed == SEED {
        report::section("evaluator", &told);
    }
}

/// Random rules over several events, unless the environment says otherwise, and sets of events for each window.
const TIMED_RULES: usize = 120;
const SETS: usize = 40;

#[test]
fn matches_of_random_rules_over_several_events_are_those_of_brute_force() {
    if checker::tools().is_none() {
        return;
    }
    let start = std::time::Instant::now();
    let wanted = number("ARCANARY_TIMED_RULES").map_or(share(TIMED_RULES), |n| usize::try_from(n).unwrap());
    let seed = number("ARCANARY_RANDOM_SEED").unwrap_or(SEED);
    let mut dice = Dice::new(seed);
    let targets = Targets::built_in();
    let mut made = vec![];
    let mut refused = 0;
    while made.len() < wanted {
        let rule =
            if dice.one_in(4) { rules::count(&mut dice, made.len()) } else { rules::steps(&mut dice, made.len()) };
        match random::resolved(&rule.text) {
            Some(project) => made.push((rule, project)),
            None => refused += 1,
        }
    }
    let compiled = made.iter().filter_map(|(rule, project)| {
        let resolved = &project.rules[&rule.name];
        let query = compile(resolved, project, &targets.all["defender"]).ok()?.text;
        Some(Question { project, rule: resolved, within: rule.within, query })
    });
    let questions: Vec<Question> = compiled.collect();
    let group = |within: i64, dice: &mut Dice| {
        let sets = (0..SETS).map(|n| timed::set(dice, within, n)).collect();
        kusto::Group { within, sets }
    };
    let groups: Vec<kusto::Group> = rules::WINDOWS.iter().map(|within| group(*within, &mut dice)).collect();
    let unsupported = made.len() - questions.len();
    let done = kusto::compare(&questions, &groups);
    let lines =
        questions.iter().map(|q| serde_json::json!({ "name": q.rule.name, "schema": "defender", "query": q.query }));
    for answer in checker::run(checker::Checker::Kusto, lines.collect()) {
        assert_eq!(answer["diagnostics"], serde_json::json!([]), "{answer}");
    }
    let told = format!(
        "Seed {seed}, {} rules on `defender`, {} sets of events each, {} rows to return, **{} disagreements**.",
        questions.len(),
        SETS,
        report::number(done.rows),
        done.wrong.len()
    );
    let took = start.elapsed().as_secs_f64();
    say(&format!("{unsupported} refused, {refused} texts refused by the language, {took:.0} s. {told}"));
    assert!(done.rows > questions.len(), "only {} rows: the events do not meet the rules", done.rows);
    assert!(unsupported * 4 < made.len(), "{unsupported} rules refused");
    let shown: Vec<&str> = done.wrong.iter().take(REPORTS).map(String::as_str).collect();
    let texts = |report: &str| made.iter().find(|(r, _)| report.starts_with(&format!("{}:", r.name)));
    let shown: Vec<String> =
        shown.iter().map(|r| format!("{}{r}", texts(r).map_or("", |(rule, _)| &rule.text))).collect();
    assert!(shown.is_empty(), "seed {seed}: {} wrong\n{}", done.wrong.len(), shown.join("\n\n"));
    if (wanted, seed) == (TIMED_RULES, SEED) {
        report::section("several events", &told);
    }
}
