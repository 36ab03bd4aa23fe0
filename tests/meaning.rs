//! Rules mean what their own tests say: every inline and recorded test, put to the oracle.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod oracle;

use arcanary::ir::Meaning;
use arcanary::sema::Rule;
use arcanary::syntax::ast::{Test, TestInput, Verdict};
use oracle::project::{Loaded, files, load, root};
use oracle::temporal::{self, Happened};
use oracle::{Event, verdict};
use std::sync::Arc;

/// Rules that look at several events: their tests are put to brute force.
const CASES_OVER_SEVERAL_EVENTS: [&str; 24] = [
    "archive_beside_upload",
    "archive_burst",
    "archive_by_its_utility",
    "archive_commands_of_a_host",
    "archive_named_like_its_maker",
    "archive_staged_after_utility",
    "archive_staged_by_process",
    "archive_then_traffic",
    "archive_then_upload_tool",
    "archive_written_by_its_process",
    "archiver_beside_archive",
    "assistant_packs_and_sends",
    "discovery_in_order",
    "many_archives",
    "office_starts_archiver",
    "one_process_many_addresses",
    "packed_then_encoded",
    "processes_of_a_host",
    "searched_and_archived",
    "secrets_read_then_archived",
    "shell_then_archiver",
    "staged_written_and_sent",
    "two_shells",
    "written_then_scripted_then_sent",
];
const PACK_OVER_SEVERAL_EVENTS: [&str; 13] = [
    "archive_after_unusual_command",
    "archive_staged_by_utility",
    "archive_staged_on_linux",
    "archive_staged_on_macos",
    "archive_then_carrier",
    "archive_then_carrier_unix",
    "archive_then_traffic_of_process",
    "archive_then_traffic_of_user",
    "archive_volumes_burst",
    "archiver_downloaded_then_used",
    "archives_in_many_folders",
    "documents_gathered_then_archived",
    "makecab_staged_then_sent",
];

/// The events of a test; recordings are named from the folder that plays the project's root.
fn events(test: &Test) -> Vec<Event> {
    match &test.input {
        TestInput::Events(events) => events.iter().map(Event::inline).collect(),
        TestInput::Recorded { path, reader } => {
            let file = root("tests/cases").join(&path.value);
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

/// What a rule over several events says of a test's events: how many rows, and the flags of the first one. `applies` says
/// which exceptions do.
fn found(rule: &Rule, loaded: &Loaded, events: &[Happened], applies: &dyn Fn(usize) -> bool) -> (usize, Vec<String>) {
    match rule.meaning(&loaded.project, &rule.meta.os) {
        Meaning::Steps(steps) => {
            let mut steps = Arc::unwrap_or_clone(steps);
            steps.exceptions.retain(|(i, _)| applies(*i));
            steps.steps.iter_mut().for_each(|s| s.exceptions.retain(|(i, _)| applies(*i)));
            let rows = temporal::rows(&steps, events);
            let way = rows.first().and_then(|row| row.ways.first());
            let held = way.map(|w| steps.flags.iter().zip(&w.flags).filter(|(_, held)| **held));
            (rows.len(), held.into_iter().flatten().map(|(f, _)| f.name.clone()).collect())
        }
        Meaning::Count(count) => {
            let mut count = Arc::unwrap_or_clone(count);
            count.exceptions.retain(|(i, _)| applies(*i));
            (temporal::bursts(&count, events).len(), vec![])
        }
        Meaning::Single(_) => panic!("`{}` looks at one event", rule.name),
    }
}

/// What is wrong with a test of a rule over several events, if anything.
fn run_over_several(rule: &Rule, test: &Test, loaded: &Loaded) -> Result<(), String> {
    let TestInput::Events(written) = &test.input else { return Err("recorded events have no offsets".to_owned()) };
    let events: Vec<Happened> = written.iter().map(Happened::inline).collect();
    let (rows, flags) = found(rule, loaded, &events, &|_| true);
    let (detected, _) = found(rule, loaded, &events, &|_| false);
    let passed = match &test.verdict {
        Verdict::Fires(None) => rows > 0,
        Verdict::Fires(Some(named)) => {
            let mut named: Vec<String> = named.names.iter().map(|f| f.text.clone()).collect();
            let mut flags = flags.clone();
            named.sort_unstable();
            flags.sort_unstable();
            rows > 0 && flags == named
        }
        Verdict::Silent => detected == 0,
        Verdict::Excepted(title) => {
            let index = rule.exceptions.iter().position(|e| e.title == title.value);
            detected > found(rule, loaded, &events, &|i| Some(i) == index).0
        }
    };
    if passed { Ok(()) } else { Err(format!("{rows} rows with {flags:?}, {detected} without exceptions")) }
}

/// Runs every test of every rule; returns how many ran.
fn run_all(loaded: &Loaded, over_several: &[&str]) -> usize {
    let (mut ran, mut failures) = (0, vec![]);
    let mut several = vec![];
    for rule in loaded.project.rules.values() {
        assert!(!rule.broken, "`{}` is broken", rule.name);
        if rule.over_several_events().is_some() {
            several.push(rule.name.as_str());
        }
        for test in &rule.tests {
            ran += 1;
            let one = rule.over_several_events().is_none();
            if let Err(why) = if one { run(rule, test, loaded) } else { run_over_several(rule, test, loaded) } {
                let place = loaded.sources.place(test.title.span);
                failures.push(format!("{place}: rule {}, test {:?}: {why}", rule.name, test.title.value));
            }
        }
    }
    assert!(failures.is_empty(), "{} of {ran} tests fail:\n{}", failures.len(), failures.join("\n"));
    several.sort_unstable();
    assert_eq!(several, over_several, "rules over several events");
    assert_eq!(ran, written(loaded), "tests that did not run");
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
