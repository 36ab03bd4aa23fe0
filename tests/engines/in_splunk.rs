//! What the SPL of rules over several events finds, against brute force: random rules, and the cases and shipped rules
//! around their own edges.

use crate::oracle::project::{files, load};
use crate::oracle::sample::{sample, share};
use crate::oracle::temporal::Happened;
use crate::oracle::{Event, Value};
use crate::run::random::{self, Dice};
use crate::run::report;
use crate::run::temporal::around::Around;
use crate::run::temporal::splunk::{self, Logged};
use crate::run::temporal::{events, rules};
use crate::{REPORTS, SEED, TIMED_RULES, number, say};
use arcanary::compile::compile;
use arcanary::target::{Language, Targets};
use arcanary::vocabulary::Kind;
use arcanary::witness::witnesses_of_several_on;

/// Sets of events for each random rule in Splunk.
const SPLUNK_SETS: usize = 30;

#[test]
fn splunk_finds_the_matches_of_random_rules_over_several_events_that_brute_force_finds() {
    let start = std::time::Instant::now();
    let wanted = number("ARCANARY_TIMED_RULES").map_or(share(TIMED_RULES), |n| usize::try_from(n).unwrap());
    let seed = number("ARCANARY_RANDOM_SEED").unwrap_or(SEED);
    let mut dice = Dice::new(seed);
    let target = &splunk::sysmon();
    let (mut said, mut refused, mut rows, mut wrong) = (0, std::collections::BTreeMap::new(), 0, vec![]);
    let mut tried = 0;
    while said < wanted {
        tried += 1;
        let made = if dice.one_in(4) { rules::count(&mut dice, tried) } else { rules::steps(&mut dice, tried) };
        let Some(project) = random::resolved(&made.text) else { continue };
        let rule = &project.rules[&made.name];
        let document = match compile(rule, &project, target) {
            Ok(document) => document,
            Err(findings) => {
                let why = findings[0].labels[0].text.clone();
                *refused.entry(why).or_insert(0) += 1;
                continue;
            }
        };
        // The oracle knows all steps.
        if let Some(note) = document.printed.notes.iter().find(|n| n.text.contains("is left out")) {
            *refused.entry(note.text.clone()).or_insert(0) += 1;
            continue;
        }
        said += 1;
        let question = splunk::Question { project: &project, rule, target, query: &document.text };
        let made_of = |n| events::set(&mut dice, made.within, n);
        let sets: Vec<Vec<_>> = (0..SPLUNK_SETS).map(made_of).collect();
        let sets: Vec<Vec<Logged>> = sets.iter().map(|set| question.log(set, &mut dice)).collect();
        match splunk::compare(&question, &sets) {
            Ok(found) => rows += found,
            Err(why) => wrong.push(format!("{}{why}", made.text)),
        }
    }
    let told = format!(
        "Seed {seed}, {said} rules on `splunk-sysmon`, {SPLUNK_SETS} sets of events each, {} rows to return, **{} \
         disagreements**. {} more rules were refused: what `streamstats` carries does not say them.",
        report::number(rows),
        wrong.len(),
        tried - said
    );
    say(&format!("{:.0} s. {told}", start.elapsed().as_secs_f64()));
    if std::env::var_os("ARCANARY_REFUSED").is_some() {
        refused.iter().for_each(|(why, n)| say(&format!("{n:5} {why}")));
    }
    assert!(rows > said, "only {rows} rows: the events do not meet the rules");
    let shown: Vec<&str> = wrong.iter().take(REPORTS).map(String::as_str).collect();
    assert!(shown.is_empty(), "seed {seed}: {} wrong\n{}", wrong.len(), shown.join("\n\n"));
    if (wanted, seed) == (TIMED_RULES, SEED) {
        report::section("several events in Splunk", &told);
    }
}

/// Sets of events for each case in Splunk.
const CASE_SETS: usize = 150;

#[test]
fn splunk_finds_the_matches_of_the_cases_over_several_events_that_brute_force_finds() {
    let mut dice = Dice::new(number("ARCANARY_RANDOM_SEED").unwrap_or(SEED));
    let targets = Targets::built_in();
    let (mut told, mut wrong) = (vec![], vec![]);
    for folder in ["rules", "tests/cases"] {
        let loaded = load(&files(folder), "");
        for rule in sample(loaded.project.rules.values().filter(|r| r.over_several_events().is_some())) {
            let around = Around::new(rule, &loaded.project);
            for target in targets.all.values().filter(|t| t.language == Language::Spl) {
                let Ok(document) = compile(rule, &loaded.project, target) else { continue };
                // What its author let the target leave out is asked by the oracle still.
                if document.printed.notes.iter().any(|n| n.degraded && n.text.contains("left out")) {
                    continue;
                }
                let question = splunk::Question { project: &loaded.project, rule, target, query: &document.text };
                let sets: Vec<Vec<_>> = (0..CASE_SETS).map(|n| around.set(&mut dice, n)).collect();
                let sets: Vec<Vec<Logged>> = sets.iter().map(|set| question.log(set, &mut dice)).collect();
                match splunk::compare(&question, &sets) {
                    Ok(rows) => told.push((rule.name.clone(), target.name.clone(), report::number(rows))),
                    Err(why) => wrong.push(why),
                }
            }
        }
    }
    let lines: Vec<[String; 3]> = told.iter().map(|(rule, on, rows)| [rule, on, rows].map(Clone::clone)).collect();
    let found = |rows: &String| rows.replace(',', "").parse::<usize>().expect("a number");
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    // A target may log none of a rule's events: another one does.
    let most = |rule: &String| told.iter().filter(|(r, ..)| r == rule).map(|(_, _, rows)| found(rows)).max();
    let met = told.len() > share(5) && told.iter().all(|(rule, ..)| most(rule) > Some(10));
    assert!(met, "the events do not meet the rules: {told:?}");
    report::section("cases over several events in Splunk", &report::table(["rule", "target", "rows"], &lines));
}

#[test]
fn values_in_a_data_model_are_counted_exactly_although_its_rows_are_seconds() {
    let rule = "rule r { title \"R\" id 00000000-0000-4000-8000-000000000001 level low os [windows]
        detect distinct file.directory >= 3 by host within 5s of file where file.action is created }";
    let project = random::resolved(rule).expect("a rule");
    let target = &Targets::built_in().all["splunk-cim"];
    let document = compile(&project.rules["r"], &project, target).expect("a document");
    let question = splunk::Question { project: &project, rule: &project.rules["r"], target, query: &document.text };
    let mut dice = Dice::new(SEED);
    let sets: Vec<Vec<Logged>> = (0..400).map(|n| question.log(&directories(&mut dice, n), &mut dice)).collect();
    let rows = splunk::compare(&question, &sets).unwrap_or_else(|why| panic!("{why}"));
    assert!(rows > 100, "only {rows} rows: the events do not meet the rule");
}

#[test]
fn rows_of_one_time_stand_in_the_order_of_their_steps_whatever_the_order_in_the_log() {
    let rule = "rule r { title \"R\" id 00000000-0000-4000-8000-000000000001 level low os [windows]
        detect sequence by host within 5s {
          a: process where command_line contains \"a\"
          without x: network where destination.port is 443
          b: file where file.action is created
        } }";
    let project = random::resolved(rule).expect("a rule");
    let rule = &project.rules["r"];
    let target = &Targets::built_in().all["splunk-sysmon"];
    let document = compile(rule, &project, target).expect("a document");
    let question = splunk::Question { project: &project, rule, target, query: &document.text };
    let text = |value: &str| Value::Text(value.to_owned());
    let at = |set: i64, kind, name, value| Happened {
        time: (1_767_225_600 + set * 1000) * 1_000_000,
        event: Event::new(kind, [("host", text("h")), (name, value)]),
    };
    let start = |set| at(set, Kind::Process, "command_line", text("a"));
    let created = |set| at(set, Kind::File, "file.action", text("created"));
    let sent = |set| at(set, Kind::Network, "destination.port", Value::Number(443));
    let sets = [
        vec![created(0), start(0)],
        vec![start(1), created(1)],
        vec![created(2), sent(2), start(2)],
        vec![created(3), start(3), sent(3)],
    ];
    let mut dice = Dice::new(SEED);
    let sets = sets.map(|set| question.log(&set, &mut dice));
    assert_eq!(splunk::compare(&question, &sets), Ok(2));
}

/// Files of a few folders, several of them in the same second; sets lie far apart.
fn directories(dice: &mut Dice, set: usize) -> Vec<Happened> {
    let base = 1_767_225_600 + i64::try_from(set).expect("few sets") * 100_000;
    let file = |dice: &mut Dice| {
        let tenths = i64::try_from(dice.pick(&[0, 50]) + dice.below(10)).expect("few");
        let path = format!(r"C:\{}\{}.zip", dice.pick(&["a", "b", "c"]), dice.pick(&["x", "y"]));
        let host = *dice.pick(&["h", "H", "i"]);
        let fields = [("file.action", "created"), ("file.path", &path), ("host", host)];
        let text = |(name, value): (&'static str, &str)| (name, Value::Text(value.to_owned()));
        let event = Event::new(Kind::File, fields.map(text));
        Happened { time: base * 1_000_000 + tenths * 100_000, event }
    };
    (0..8).map(|_| file(dice)).collect()
}

#[test]
fn splunk_says_of_witnesses_over_several_events_what_they_say_of_themselves() {
    let targets = Targets::built_in();
    let (mut asked, mut wrong) = (0, vec![]);
    for folder in ["rules", "tests/cases"] {
        let loaded = load(&files(folder), "");
        for rule in loaded.project.rules.values().filter(|r| r.over_several_events().is_some()) {
            for target in targets.all.values().filter(|t| t.language == Language::Spl) {
                let Ok(document) = compile(rule, &loaded.project, target) else { continue };
                let question = splunk::Question { project: &loaded.project, rule, target, query: &document.text };
                match witnesses_of_several_on(rule, &loaded.project, target) {
                    Ok(sets) => match splunk::witnessed(&question, &sets) {
                        Ok(witnesses) => asked += witnesses,
                        Err(why) => wrong.push(why),
                    },
                    Err(why) => wrong.push(format!("{} on {}: {why:?}", rule.name, target.name)),
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n\n"));
    assert!(asked > 300, "{asked} witnesses");
}

#[test]
fn no_query_of_several_events_joins_appends_or_cuts_time() {
    let targets = Targets::built_in();
    let mut asked = 0;
    for folder in ["rules", "tests/cases"] {
        let loaded = load(&files(folder), "");
        for rule in loaded.project.rules.values().filter(|r| r.over_several_events().is_some()) {
            for target in targets.all.values().filter(|t| t.language == Language::Spl) {
                let Ok(document) = compile(rule, &loaded.project, target) else { continue };
                asked += 1;
                for word in ["| join", "| append", "| transaction", "| bin", "| bucket", "time_window"] {
                    let lines = document.text.lines().filter(|l| !l.trim_start().starts_with("```"));
                    let found: Vec<&str> = lines.filter(|l| l.contains(word)).collect();
                    assert!(found.is_empty(), "{} on {}: {found:?}", rule.name, target.name);
                }
                // What a subsearch's limits may cost is told.
                let told =
                    document.printed.notes.iter().filter(|n| n.text.contains("a subsearch finds: at most 10,000"));
                assert_eq!(told.count(), document.text.matches("[search").count(), "{}", rule.name);
                let sorts = document.text.lines().filter(|l| l.starts_with("| sort"));
                assert!(
                    sorts.clone().count() > 0 && sorts.clone().all(|l| l.starts_with("| sort 0 ")),
                    "{}",
                    rule.name
                );
            }
        }
    }
    assert!(asked > 10, "{asked} queries");
}
