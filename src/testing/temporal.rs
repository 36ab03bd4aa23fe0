//! Tests of rules over several events: all events of a test go through the streaming evaluator, and what fires, or is
//! excepted, is compared with what the test says.
//!
//! Events that are written out happen at their offsets from the test's start; recorded ones have times of their own.

use super::input::{self, Given};
use super::words::reason;
use super::{Answer, Failure, Outcome, Part, PartKind, Ran, Reason};
use super::{coverage, missed};
use crate::event::engine::Engine;
use crate::event::stream::{Events, Naming, Row, Undecided, rows};
use crate::event::{Event, Value};
use crate::project::Loaded;
use crate::sema::Rule;
use crate::syntax::ast::{self, Detect, TestInput};
use crate::vocabulary::FieldId;
use std::collections::BTreeSet;
use std::sync::Arc;

/// When a test starts whose events do not say so: 2026-01-01, in microseconds since 1970.
const START: i64 = 1_767_225_600_000_000;

/// A test's events, and how their identities are told.
pub(super) struct Asked {
    pub given: Vec<Given>,
    pub events: Vec<Event<'static>>,
    pub naming: Naming,
}

/// Runs all tests of a rule; with the parts that they reach.
pub(super) fn run(rule: &Rule, loaded: &Loaded) -> (Vec<Ran>, Vec<Part>) {
    let engine = Arc::new(Engine::new([(rule, &loaded.project)]));
    let (mut flags, mut exceptions, mut all) = (BTreeSet::new(), BTreeSet::new(), vec![]);
    let mut out = vec![];
    for test in &rule.tests {
        let outcome = match input::events(test, loaded) {
            Err((span, why)) => Outcome::Unreadable(span, why),
            Ok(given) => {
                let asked = asked(test, given);
                let outcome = match rows(&engine, &asked.events, asked.naming) {
                    Err(Undecided) => Outcome::Undecided,
                    Ok(found) => {
                        flags.extend(found.iter().filter(|r| r.fires()).flat_map(|r| r.flags.iter().cloned()));
                        exceptions.extend(found.iter().flat_map(|r| r.excepted_by.iter().cloned()));
                        judge(rule, loaded, &engine, test, &asked, &found)
                    }
                };
                all.extend(asked.events);
                outcome
            }
        };
        out.push(Ran { title: test.title.value.clone(), span: test.title.span, outcome });
    }
    let part = |kind, name: &str, span, reached| Part {
        kind,
        name: name.to_owned(),
        span,
        within: String::new(),
        group: None,
        reached,
    };
    let of_flags =
        rule.flags().iter().map(|f| part(PartKind::Flag, &f.name.text, f.name.span, flags.contains(&f.name.text)));
    let of_exceptions =
        rule.exceptions.iter().map(|e| part(PartKind::Exception, &e.title, e.span(), exceptions.contains(&e.title)));
    let parts = coverage::of_several(rule, loaded, &all).into_iter();
    (out, parts.chain(of_flags).chain(of_exceptions).collect())
}

/// The events with their times.
pub(super) fn asked(test: &ast::Test, given: Vec<Given>) -> Asked {
    let mut events: Vec<Event<'static>> = given.iter().map(|g| g.event.clone()).collect();
    let (Some(time), TestInput::Events(written)) = (FieldId::find("event.time"), &test.input) else {
        return Asked { given, events, naming: Naming::Logged };
    };
    let offset =
        |e: &ast::Event| e.offset.map_or(0, |(s, _)| i64::try_from(s).unwrap_or(i64::MAX)).saturating_mul(1_000_000);
    // A test may say when it starts: the first event that has a time does.
    let start = events.iter().zip(written).find_map(|(event, written)| match event.get(time) {
        Some(Value::Number(n)) => Some(n.saturating_sub(offset(written))),
        _ => None,
    });
    for (event, written) in events.iter_mut().zip(written) {
        event.set(time, Value::Number(start.unwrap_or(START).saturating_add(offset(written))));
    }
    Asked { given, events, naming: Naming::Written }
}

fn judge(rule: &Rule, loaded: &Loaded, engine: &Engine, test: &ast::Test, asked: &Asked, found: &[Row]) -> Outcome {
    let fires = found.iter().find(|r| r.fires());
    let (expected, passed) = match &test.verdict {
        ast::Verdict::Fires(None) => (Answer::Fires(None), fires.is_some()),
        ast::Verdict::Fires(Some(flags)) => {
            let wanted = sorted(flags.names.iter().map(|n| n.text.clone()));
            let passed = fires.is_some_and(|r| sorted(r.flags.iter().cloned()) == wanted);
            (Answer::Fires(Some(wanted)), passed)
        }
        ast::Verdict::Silent => (Answer::Silent, found.is_empty()),
        ast::Verdict::Excepted(title) => {
            let passed = found.iter().any(|r| r.excepted_by.contains(&title.value));
            (Answer::Excepted(vec![title.value.clone()]), passed)
        }
    };
    if passed {
        return Outcome::Passed;
    }
    // The first row that answers what was asked; of a test that must fire, one that does.
    let decided = fires.filter(|_| !matches!(expected, Answer::Excepted(_))).or(found.first());
    let got = decided.map_or(Answer::Silent, answer);
    let mut reasons = match decided {
        None => missed::why(rule, loaded, engine, asked),
        Some(row) => decided_by(rule, asked, row, &expected),
    };
    let mut known: Vec<Reason> = vec![];
    reasons.retain(|r| {
        let new = !known.iter().any(|k| (k.span, &k.text) == (r.span, &r.text));
        known.push(r.clone());
        new
    });
    let more = reasons.len().saturating_sub(super::MOST_REASONS);
    reasons.truncate(super::MOST_REASONS);
    let start = asked.events.iter().filter_map(happened).min().unwrap_or(START);
    let shown = asked.given.iter().zip(&asked.events).enumerate().map(|(i, (given, event))| {
        let mut shown = given.shown(i, asked.given.len());
        shown.offset = happened(event).map(|t| t.saturating_sub(start));
        shown
    });
    Outcome::Failed(Box::new(Failure { expected, got, score: None, events: shown.collect(), reasons, more }))
}

/// When an event happened, in microseconds since 1970.
pub(super) fn happened(event: &Event) -> Option<i64> {
    match event.get(FieldId::find("event.time")?) {
        Some(Value::Number(time)) => Some(*time),
        _ => None,
    }
}

fn answer(row: &Row) -> Answer {
    match row.fires() {
        true => Answer::Fires(Some(sorted(row.flags.iter().cloned()))),
        false => Answer::Excepted(row.excepted_by.clone()),
    }
}

/// What made a row that the test did not expect: its events, and flags and exceptions that are otherwise.
fn decided_by(rule: &Rule, asked: &Asked, row: &Row, expected: &Answer) -> Vec<Reason> {
    let mut out = vec![];
    if let Answer::Fires(Some(wanted)) = expected {
        for flag in rule.flags() {
            let name = &flag.name.text;
            let text = match (wanted.contains(name), row.flags.contains(name)) {
                (true, false) => format!("`{name}` does not hold"),
                (false, true) => format!("`{name}` holds"),
                _ => continue,
            };
            out.push(reason(flag.name.span, text));
        }
    }
    for exception in rule.exceptions.iter().filter(|e| row.excepted_by.contains(&e.title)) {
        out.push(reason(exception.span(), format!("exception `{}` suppresses it", exception.title)));
    }
    let start = asked.events.iter().filter_map(happened).min().unwrap_or(START);
    let when = |time: i64| duration(time.saturating_sub(start));
    match (&row.events, rule.detect()) {
        (Events::Steps(all), Some(Detect::Steps(steps))) => {
            for (step, time, place) in all {
                if let Some(step) = steps.steps.get(*step) {
                    let text = format!("event {}, at +{}, is `{}`", place.event, when(*time), step.name.text);
                    out.push(reason(step.name.span, text));
                }
            }
        }
        (Events::Counted { first, last, count }, _) => {
            let text = format!(
                "{count} from event {}, at +{}, to event {}, at +{}",
                first.1.event,
                when(first.0),
                last.1.event,
                when(last.0)
            );
            out.push(reason(rule.detect_span, text));
        }
        _ => {}
    }
    out
}

/// `16m`, `1m30s`, `0.001s`
pub(super) fn duration(micros: i64) -> String {
    let (whole, part) = (micros / 1_000_000, micros % 1_000_000);
    if part != 0 {
        let digits = format!("{:06}", part.abs());
        return format!("{whole}.{}s", digits.trim_end_matches('0'));
    }
    let units = [(whole / 86_400, "d"), (whole / 3600 % 24, "h"), (whole / 60 % 60, "m"), (whole % 60, "s")];
    let text: String = units.iter().filter(|(n, _)| *n != 0).map(|(n, unit)| format!("{n}{unit}")).collect();
    if text.is_empty() { "0s".to_owned() } else { text }
}

fn sorted(names: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut names: Vec<String> = names.into_iter().collect();
    names.sort_unstable();
    names
}

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn durations_are_written_as_in_rules() {
        for (micros, text) in [(0, "0s"), (960_000_000, "16m"), (90_000_000, "1m30s"), (900_001_000, "900.001s")] {
            assert_eq!(duration(micros), text);
        }
    }
}
