//! What the SPL of rules over several events finds, against brute force: random rules, and the cases and shipped rules
//! around their own edges.

use crate::oracle::project::{files, load};
use crate::run::random::{self, Dice};
use crate::run::report;
use crate::run::temporal::around::Around;
use crate::run::temporal::splunk::{self, Logged};
use crate::run::temporal::{events, rules};
use crate::{REPORTS, SEED, TIMED_RULES, number, say};
use arcanary::compile::compile;
use arcanary::target::{Language, Target, Targets};

/// Sets of events for each random rule in Splunk.
const SPLUNK_SETS: usize = 30;

/// Sysmon with one log of files, for rules that ask a file event for no action.
fn sysmon() -> Target {
    let mut target = Targets::built_in().all["splunk-sysmon"].clone();
    let files = target.sources.get_mut(&arcanary::sema::Kind::File).expect("a log of files");
    files.truncate(1);
    files.iter_mut().for_each(|s| s.when.clear());
    target
}

#[test]
fn splunk_finds_the_matches_of_random_rules_over_several_events_that_brute_force_finds() {
    let start = std::time::Instant::now();
    let wanted = number("ARCANARY_TIMED_RULES").map_or(TIMED_RULES, |n| usize::try_from(n).unwrap());
    let seed = number("ARCANARY_RANDOM_SEED").unwrap_or(SEED);
    let mut dice = Dice::new(seed);
    let target = &sysmon();
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
        for rule in loaded.project.rules.values().filter(|r| r.over_several_events().is_some()) {
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
    let met = told.len() > 5 && told.iter().all(|(rule, ..)| most(rule) > Some(10));
    assert!(met, "the events do not meet the rules: {told:?}");
    report::section("cases over several events in Splunk", &report::table(["rule", "target", "rows"], &lines));
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
                for word in ["| join", "| append", "| transaction", "| bin", "| bucket", "time_window", "[search"] {
                    let lines = document.text.lines().filter(|l| !l.trim_start().starts_with("```"));
                    let found: Vec<&str> = lines.filter(|l| l.contains(word)).collect();
                    assert!(found.is_empty(), "{} on {}: {found:?}", rule.name, target.name);
                }
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
