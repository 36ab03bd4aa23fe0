//! The reference evaluator against the oracle: every rule asked about every event that any test writes out.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod common;
mod oracle;

use arcanary::event::Event;
use arcanary::event::clauses::Clauses;
use arcanary::event::engine::{Engine, Session};
use arcanary::event::eval::{Evaluator, Verdict};
use arcanary::project::Loaded;
use arcanary::sema::Rule;
use arcanary::syntax::ast::{self, TestInput};
use arcanary::vocabulary::FieldId;

fn events(loaded: &Loaded) -> Vec<&ast::Event> {
    let tests = loaded.project.rules.values().flat_map(|r| &r.tests);
    tests
        .flat_map(|t| match &t.input {
            TestInput::Events(events) => events.as_slice(),
            TestInput::Recorded { .. } => &[],
        })
        .collect()
}

/// Whether a rule's conditions, asked clause by clause, detect an event.
fn by_clauses(rule: &Rule, clauses: &[Clauses], event: &Event) -> bool {
    let system = FieldId::find("host.os").and_then(|id| event.text(id));
    let of_system = system.is_none_or(|system| rule.meta.os.iter().any(|os| os.word() == system));
    clauses.iter().filter(|c| of_system && c.kind == event.kind && c.detect.holds(event)).any(|c| {
        let held = rule.flags().iter().zip(&c.flags).filter(|(_, clause)| clause.holds(event));
        let score: u64 = held.filter_map(|(flag, _)| Some(flag.weight?.0)).sum();
        rule.threshold.is_none_or(|(threshold, _)| score >= threshold)
    })
}

#[test]
fn evaluator_and_oracle_agree_on_every_rule_and_every_written_event() {
    let projects =
        [common::project("rules"), common::project("tests/cases"), common::project("tests/oracle/corners.det")];
    let written: Vec<&ast::Event> = projects.iter().flat_map(events).collect();
    let (mut compared, mut detected) = (0, 0);
    for loaded in &projects {
        for rule in loaded.project.rules.values().filter(|r| r.over_several_events().is_none()) {
            let evaluator = Evaluator::new(rule, &loaded.project);
            let clauses: Vec<Clauses> =
                rule.kinds.iter().filter_map(|kind| Clauses::new(rule, &loaded.project, *kind)).collect();
            for event in &written {
                let expected = oracle::verdict(rule, &loaded.project, &oracle::Event::inline(event));
                let verdict = evaluator.verdict(&Event::of_test(event));
                let got = (verdict.detected, verdict.flags.clone(), verdict.excepted_by.clone());
                assert_eq!(got, (expected.detected, expected.flags, expected.excepted_by), "{}: {event:?}", rule.name);
                let again = by_clauses(rule, &clauses, &Event::of_test(event));
                assert_eq!(again, verdict.detected, "clause by clause, {}: {event:?}", rule.name);
                compared += 1;
                detected += usize::from(verdict.detected);
            }
        }
    }
    assert!(compared > 20_000 && detected > 500, "{compared} compared, {detected} detected");
}

/// What an engine says of an event: the place of each rule that it detects, with its verdict.
fn asked(engine: &Engine, event: &Event, session: &mut Session) -> Vec<(usize, Verdict)> {
    let mut out = vec![];
    engine.ask(event, session, |detected| out.push((detected.rule, detected.verdict)));
    out
}

#[test]
fn many_rules_at_once_say_what_each_says_alone() {
    let projects =
        [common::project("rules"), common::project("tests/cases"), common::project("tests/oracle/corners.det")];
    let written: Vec<&ast::Event> = projects.iter().flat_map(events).collect();
    for loaded in &projects {
        let rules: Vec<_> = loaded.project.rules.values().filter(|r| r.over_several_events().is_none()).collect();
        let alone: Vec<Evaluator> = rules.iter().map(|r| Evaluator::new(r, &loaded.project)).collect();
        let engine = Engine::new(rules.iter().map(|rule| (*rule, &loaded.project)));
        let mut session = Session::default();
        for event in written.iter().map(|e| Event::of_test(e)) {
            let each = alone.iter().map(|e| e.verdict(&event)).enumerate().filter(|(_, v)| v.detected);
            assert_eq!(asked(&engine, &event, &mut session), each.collect::<Vec<_>>(), "{event:?}");
        }
    }
}
