//! Translation validation: what the compiler prints is run on real engines and must mean what the oracle says.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

#[path = "engines/checker.rs"]
mod checker;
mod oracle;
#[path = "engines/run/mod.rs"]
mod run;
#[path = "engines/spl/mod.rs"]
mod spl;

use arcanary::sema::Project;
use arcanary::target::{Target, Targets};
use oracle::project::{Loaded, files, load};
use run::compare::{Case, Round, compare};
use run::events;
use run::random::{self, Dice};
use run::tree::Made;
use std::io::Write as _;

/// Straight to the stream: what a passing test prints is swallowed.
fn say(text: &str) {
    drop(writeln!(std::io::stderr(), "{text}"));
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
    let projects = [
        ("rules", load(&files("rules"), "")),
        ("cases", load(&files("tests/cases"), "")),
        ("corners", load(&[], include_str!("oracle/corners.det"))),
    ];
    let all: Vec<&Project> = projects.iter().map(|(_, l)| &l.project).collect();
    let mut events: Vec<_> = all.iter().flat_map(|p| events::of_tests(p)).collect();
    events.extend(events::labelled());
    events.extend(events::command_lines());
    let events = events::unique(events);
    let named = cases(&projects);
    let rules: Vec<Case> =
        named.iter().map(|(i, name)| (all[*i], &all[*i].rules[name], format!("{}/{name}", projects[*i].0))).collect();
    let targets = Targets::built_in();
    let targets: Vec<&Target> = targets.all.values().collect();
    let count = events.len();
    let done = compare(&[Round { cases: rules, events }], &targets);
    let reports: Vec<String> = done.disagreements.iter().map(ToString::to_string).collect();
    say(&format!("{} events, {} targets, {:.0} s; {done}", count, targets.len(), start.elapsed().as_secs_f64()));
    assert!(reports.is_empty(), "{}", reports.join("\n\n"));
}

/// How many random rules are asked about, unless the environment says otherwise.
const RANDOM_RULES: usize = 300;
/// Rules that share a set of events.
const A_ROUND: usize = 20;
/// Events made for each rule.
const EVENTS: usize = 8;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|n| n.parse().unwrap_or_else(|_| panic!("{variable} is a number, not {n}")))
}

/// A rule by its text, with its project; `None` if the language refuses it.
fn resolved(text: &str) -> Option<Project> {
    let all = format!("{}{text}", random::UTILITIES);
    let mut sources = arcanary::source::Sources::new();
    let id = sources.add("random", &all);
    let (project, findings) =
        arcanary::sema::resolve(vec![arcanary::syntax::parse(id, &all)], &indexmap::IndexMap::new());
    (!findings.iter().any(arcanary::diagnostic::Diagnostic::is_error)).then_some(project)
}

/// Cuts a rule down as long as the target's document still goes wrong.
fn shrunk(made: &Made, events: &[oracle::Event], target: &Target) -> String {
    let wrong = |made: &Made, events: &[oracle::Event]| {
        let project = resolved(&made.text())?;
        let rule = &project.rules[&made.name];
        let round = Round { cases: vec![(&project, rule, made.name.clone())], events: events.to_vec() };
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
    let wanted = number("ARCANARY_RANDOM_RULES").map_or(RANDOM_RULES, |n| usize::try_from(n).unwrap());
    let seed = number("ARCANARY_RANDOM_SEED").unwrap_or(1);
    let mut dice = Dice::new(seed);
    let mut made = vec![];
    let mut refused = 0;
    while made.len() < wanted {
        let (rule, words) = random::rule(&mut dice, made.len() as u64);
        match resolved(&rule.text()) {
            Some(project) => made.push((rule, words, project)),
            None => refused += 1,
        }
    }
    let rounds: Vec<Round> = made
        .chunks(A_ROUND)
        .map(|all| Round {
            cases: all
                .iter()
                .map(|(rule, _, project)| (project, &project.rules[&rule.name], rule.name.clone()))
                .collect(),
            events: events::unique(
                all.iter()
                    .flat_map(|(rule, words, _)| {
                        (0..EVENTS).map(|_| random::event(&mut dice, rule, words)).collect::<Vec<_>>()
                    })
                    .collect(),
            ),
        })
        .collect();
    let targets = Targets::built_in();
    let targets: Vec<&Target> = targets.all.values().collect();
    let done = compare(&rounds, &targets);
    say(&format!(
        "seed {seed}, {refused} texts refused by the language, {:.0} s; {done}",
        start.elapsed().as_secs_f64()
    ));
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
            let place = made.iter().position(|(rule, ..)| rule.name == disagreement.rule).unwrap();
            let target = targets.iter().find(|t| t.name == disagreement.target).unwrap();
            reports.push(shrunk(&made[place].0, &rounds[place / A_ROUND].events, target));
        }
    }
    assert!(brief.is_empty(), "seed {seed}:\n{}\nthe first ones cut down:\n{}", brief.join("\n"), reports.join("\n\n"));
}

/// Disagreements that are cut down and shown.
const REPORTS: usize = 8;
