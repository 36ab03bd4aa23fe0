//! Rules mean what their own tests say: every inline and recorded test, put to the oracle.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod oracle;

use arcanary::sema::Rule;
use arcanary::syntax::ast::{Test, TestInput, Verdict};
use oracle::project::{Loaded, files, load, root};
use oracle::{Event, verdict};

/// Rules that look at several events: their tests wait for an oracle of their own. A rule that leaves
/// this list must have its tests run.
const CASES_OVER_SEVERAL_EVENTS: [&str; 6] = [
    "archive_burst",
    "archive_staged_after_utility",
    "archive_then_upload_tool",
    "assistant_packs_and_sends",
    "many_archives",
    "secrets_read_then_archived",
];
const PACK_OVER_SEVERAL_EVENTS: [&str; 0] = [];

/// The events of a test; recordings are named from the folder that plays the project's root.
fn events(test: &Test) -> Vec<Event> {
    match &test.input {
        TestInput::Events(events) => events.iter().map(Event::inline).collect(),
        TestInput::Recorded { path, reader } => {
            let file = root("tests/data").join(&path.value);
            let text = std::fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
            oracle::recorded::read(&reader.text, &text)
        }
    }
}

/// What is wrong with a test, if anything.
fn run(rule: &Rule, test: &Test, loaded: &Loaded) -> Result<(), String> {
    let events = events(test);
    let [event] = events.as_slice() else {
        return Err(format!("{} events for a rule over one", events.len()));
    };
    let seen = verdict(rule, &loaded.project, event);
    let (expected, passed) = match &test.verdict {
        Verdict::Fires(None) => ("fires".to_owned(), seen.fires()),
        Verdict::Fires(Some(flags)) => {
            let flags: Vec<&str> = flags.names.iter().map(|f| f.text.as_str()).collect();
            let mut sorted = (flags.clone(), seen.flags.clone());
            sorted.0.sort_unstable();
            sorted.1.sort_unstable();
            (format!("fires with {flags:?}"), seen.fires() && sorted.0 == sorted.1)
        }
        Verdict::Silent => ("silent".to_owned(), !seen.detected),
        Verdict::Excepted(title) => {
            (format!("excepted by {:?}", title.value), seen.detected && seen.excepted_by.contains(&title.value))
        }
    };
    if passed {
        return Ok(());
    }
    Err(format!("expected {expected}, got {seen:?}\n    {}", event.written()))
}

/// Runs every test of every rule over single events; returns how many ran.
fn run_all(loaded: &Loaded, over_several: &[&str]) -> usize {
    let (mut ran, mut waiting, mut failures) = (0, 0, vec![]);
    let mut several = vec![];
    for rule in loaded.project.rules.values() {
        assert!(!rule.broken, "`{}` is broken", rule.name);
        if rule.over_several_events().is_some() {
            several.push(rule.name.as_str());
            waiting += rule.tests.len();
            continue;
        }
        for test in &rule.tests {
            ran += 1;
            if let Err(why) = run(rule, test, loaded) {
                let place = loaded.sources.place(test.title.span);
                failures.push(format!("{place}: rule {}, test {:?}: {why}", rule.name, test.title.value));
            }
        }
    }
    assert!(failures.is_empty(), "{} of {ran} tests fail:\n{}", failures.len(), failures.join("\n"));
    several.sort_unstable();
    assert_eq!(several, over_several, "rules over several events");
    assert_eq!(ran + waiting, written(loaded), "tests that neither ran nor wait");
    ran
}

/// How many tests the files hold, counted in their text.
fn written(loaded: &Loaded) -> usize {
    let lines = loaded.sources.iter().flat_map(|(_, file)| file.text.lines());
    lines.filter(|l| l.trim_start().starts_with("test \"")).count()
}

#[test]
fn rules_of_the_pack_mean_what_their_tests_say() {
    let loaded = load(&files("rules"), "");
    let ran = run_all(&loaded, &PACK_OVER_SEVERAL_EVENTS);
    assert!(ran >= 200, "only {ran} tests");
}

#[test]
fn acceptance_cases_mean_what_their_tests_say() {
    let loaded = load(&files("tests/cases"), "");
    let ran = run_all(&loaded, &CASES_OVER_SEVERAL_EVENTS);
    assert!(ran >= 70, "only {ran} tests");
}

#[test]
fn corners_of_the_semantics_mean_what_their_tests_say() {
    let loaded = load(&[], include_str!("oracle/corners.det"));
    let ran = run_all(&loaded, &[]);
    assert!(ran >= 100, "only {ran} tests");
}

#[test]
fn the_recorded_false_positive_of_case_459_is_found_and_excepted() {
    let loaded = load(&files("tests/cases"), "");
    let rule = &loaded.project.rules["expand_cabinet_files"];
    let recorded =
        rule.tests.iter().find(|t| matches!(t.input, TestInput::Recorded { .. })).expect("the recorded test");
    let mut event = events(recorded).pop().expect("its event");
    let seen = verdict(rule, &loaded.project, &event);
    assert_eq!((seen.detected, seen.excepted_by), (true, vec!["Dell SupportAssist".to_owned()]));
    // Without its parent, the same command line is an alert.
    event.fields.retain(|id, _| !id.def().parent);
    assert!(verdict(rule, &loaded.project, &event).fires());
}

#[test]
fn each_rule_of_the_pack_fires_in_three_tests_and_is_silent_in_three() {
    let loaded = load(&files("rules"), "");
    assert!(!loaded.project.rules.is_empty());
    for rule in loaded.project.rules.values() {
        let fires = rule.tests.iter().filter(|t| matches!(t.verdict, Verdict::Fires(_))).count();
        let silent = rule.tests.iter().filter(|t| matches!(t.verdict, Verdict::Silent)).count();
        assert!(fires >= 3 && silent >= 3, "`{}` has {fires} firing and {silent} silent tests", rule.name);
    }
}
