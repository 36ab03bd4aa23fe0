//! What tests gave, as findings, as JSON and as JUnit cases.

use super::coverage::{Part, PartKind};
use super::temporal::duration;
use super::words::shown;
use super::{Answer, Failure, Outcome, Ran, Results, RuleResult, ShownEvent};
use crate::diagnostic::junit::{Case, Ended, Suite};
use crate::diagnostic::{Code, Diagnostic, Style, place_as_json, to_json, to_text};
use crate::event::{Value, time};
use crate::source::Sources;
use crate::vocabulary::{FieldId, Type};
use indexmap::IndexMap;
use serde_json::{Map, json};
use std::fmt::Write as _;

/// Values of an event are cut to this many characters.
const LONG_VALUE: usize = 300;

/// A finding for each test that failed.
#[must_use]
pub fn failures(results: &Results) -> Vec<Diagnostic> {
    let each = |rule: &RuleResult| rule.tests.iter().filter_map(|t| failure(&rule.rule, t)).collect::<Vec<_>>();
    results.rules.iter().flat_map(each).collect()
}

const TOO_MANY: &str = "too many combinations of these events fit the steps of the rule";

fn failure(rule: &str, ran: &Ran) -> Option<Diagnostic> {
    let message = format!("test \"{}\" of `{rule}` fails", ran.title);
    let diagnostic = Diagnostic::new(Code::TestFailed, message);
    let failure = match &ran.outcome {
        Outcome::Passed => return None,
        Outcome::Unreadable(span, why) => {
            return Some(diagnostic.at(*span, format!("cannot be read: {why}")).also(ran.span, "asks for it"));
        }
        Outcome::Undecided => {
            return Some(
                diagnostic
                    .at(ran.span, format!("cannot be decided: {TOO_MANY}"))
                    .help("name further keys behind `by`, or test with fewer events"),
            );
        }
        Outcome::Failed(failure) => failure,
    };
    let mut diagnostic = diagnostic.at(ran.span, ended(failure));
    for reason in &failure.reasons {
        diagnostic = diagnostic.also(reason.span, reason.text.as_str());
    }
    if failure.more > 0 {
        diagnostic = diagnostic.note(match failure.more {
            1 => "one more condition is not shown".to_owned(),
            n => format!("{n} more conditions are not shown"),
        });
    }
    if let Some(difference) = difference(failure) {
        diagnostic = diagnostic.note(difference);
    }
    Some(diagnostic.lines(failure.events.iter().flat_map(event)))
}

fn ended(failure: &Failure) -> String {
    let score = failure.score.map_or_else(String::new, |score| format!(", at a score of {score}"));
    format!("expected: {}; got: {}{score}", failure.expected, failure.got)
}

/// Which flags are missing, and which are too many.
fn difference(failure: &Failure) -> Option<String> {
    let (Answer::Fires(Some(wanted)), Answer::Fires(Some(got))) = (&failure.expected, &failure.got) else {
        return None;
    };
    let beyond = |a: &[String], b: &[String]| a.iter().filter(|f| !b.contains(f)).cloned().collect::<Vec<_>>();
    let said =
        |what: &str, flags: Vec<String>| (!flags.is_empty()).then(|| format!("{what}: `{}`", flags.join("`, `")));
    let both = [said("expected and not set", beyond(wanted, got)), said("set and not expected", beyond(got, wanted))];
    Some(both.into_iter().flatten().collect::<Vec<_>>().join("; "))
}

/// An event, a field a line.
fn event(event: &ShownEvent) -> Vec<String> {
    let which = if event.of > 1 { format!("event {} of {}, ", event.position, event.of) } else { String::new() };
    let width = event.fields.iter().map(|f| f.id.short().len()).max().unwrap_or(0);
    let when = event.offset.map_or_else(String::new, |o| format!(" at +{}", duration(o)));
    let mut lines = vec![format!("{which}a {} event{when}:", event.kind.word())];
    for field in &event.fields {
        let follows = if field.derived { "  (derived)" } else { "" };
        let value = shown(field.id, &field.value, LONG_VALUE);
        lines.push(format!("  {:width$}  {value}{follows}", field.id.short()));
    }
    lines
}

/// What `--missing` finds: rules without both a firing and a silent test, and parts that no test reaches.
#[must_use]
pub fn missing(results: &Results) -> Vec<Diagnostic> {
    let mut out = vec![];
    for result in &results.rules {
        let rule = &result.rule;
        for (has, what) in [(result.has_firing, "no test that fires"), (result.has_silent, "no silent test")] {
            if !has {
                let finding = Diagnostic::new(Code::Untested, format!("rule `{rule}` has {what}"));
                out.push(finding.at(result.span, "a rule needs a firing test and a silent test"));
            }
        }
        let mut same_place: IndexMap<_, Vec<&Part>> = IndexMap::new();
        for part in result.parts.iter().filter(|p| !p.reached) {
            same_place.entry((part.kind, part.span)).or_default().push(part);
        }
        out.extend(same_place.values().filter_map(|parts| unreached(rule, parts)));
    }
    out
}

/// Parts of one place: one, or utilities of one group.
fn unreached(rule: &str, parts: &[&Part]) -> Option<Diagnostic> {
    let first = parts.first()?;
    let names = parts.iter().map(|p| format!("`{}`", p.name)).collect::<Vec<_>>().join(", ");
    let (what, label) = match (first.kind, &first.group) {
        (PartKind::Utility, Some(group)) if parts.len() > 1 => (
            format!("utilities {names} of `{group}` in {}", first.within),
            "no test runs them together with the rest of the condition",
        ),
        (PartKind::Utility, _) => (first.to_string(), "no test runs it together with the rest of the condition"),
        (PartKind::Branch, _) => (first.to_string(), "no test makes it true together with the rest of its condition"),
        (PartKind::Flag, _) => (first.to_string(), "no event of a firing test has it"),
        (PartKind::Exception, _) => (first.to_string(), "no detected event of a test is excepted by it"),
    };
    Some(Diagnostic::new(Code::Untested, format!("no test of `{rule}` covers {what}")).at(first.span, label))
}

/// Coverage for people: each rule with how much is reached, then what is not, with its place.
#[must_use]
pub fn coverage(results: &Results, sources: &Sources) -> String {
    let mut out = String::new();
    for result in results.rules.iter().filter(|r| !r.parts.is_empty()) {
        let reached = result.parts.iter().filter(|p| p.reached).count();
        let _ = writeln!(out, "{}: {reached} of {}", result.rule, result.parts.len());
        for part in result.parts.iter().filter(|p| !p.reached) {
            let _ = writeln!(out, "  {}: {part}", sources.place(part.span));
        }
    }
    out
}

/// Everything as one JSON object; `findings` are those that belong to no test.
#[must_use]
pub fn to_object(results: &Results, findings: &[Diagnostic], sources: &Sources) -> serde_json::Value {
    let tests = results.rules.iter().flat_map(|r| r.tests.iter().map(|t| test(&r.rule, t, sources)));
    let rules = results.rules.iter().map(|r| {
        let parts = r.parts.iter().map(|p| part(p, sources));
        json!({
            "rule": r.rule,
            "has_firing_test": r.has_firing,
            "has_silent_test": r.has_silent,
            "reached": r.parts.iter().filter(|p| p.reached).count(),
            "parts": parts.collect::<Vec<_>>(),
        })
    });
    json!({
        "tests": tests.collect::<Vec<_>>(),
        "coverage": rules.collect::<Vec<_>>(),
        "findings": to_json(findings, sources),
    })
}

fn test(rule: &str, ran: &Ran, sources: &Sources) -> serde_json::Value {
    let mut out = Map::new();
    out.insert("rule".to_owned(), json!(rule));
    out.insert("test".to_owned(), json!(ran.title));
    out.insert("place".to_owned(), place_as_json(ran.span, sources, []));
    let mut add = |name: &str, value| out.insert(name.to_owned(), value);
    match &ran.outcome {
        Outcome::Passed => {
            add("outcome", json!("passed"));
        }
        Outcome::Unreadable(_, why) => {
            add("outcome", json!("unreadable"));
            add("why", json!(why));
        }
        Outcome::Undecided => {
            add("outcome", json!("undecided"));
            add("why", json!(TOO_MANY));
        }
        Outcome::Failed(failure) => {
            add("outcome", json!("failed"));
            add("expected", said(&failure.expected));
            add("got", said(&failure.got));
            if let Some(score) = failure.score {
                add("score", json!(score));
            }
            match failure.events.as_slice() {
                [event] if event.offset.is_none() => add("event", event_as_json(event)),
                events => add("events", events.iter().map(event_as_json).collect()),
            };
            let reasons = failure.reasons.iter().map(|r| place_as_json(r.span, sources, [("text", json!(r.text))]));
            add("reasons", reasons.collect());
        }
    }
    out.into()
}

fn said(answer: &Answer) -> serde_json::Value {
    match answer {
        Answer::Fires(Some(flags)) => json!({ "verdict": answer.word(), "flags": flags }),
        Answer::Excepted(titles) => json!({ "verdict": answer.word(), "exceptions": titles }),
        Answer::Fires(None) | Answer::Silent => json!({ "verdict": answer.word() }),
    }
}

fn event_as_json(event: &ShownEvent) -> serde_json::Value {
    let value = |id: FieldId, value: &Value| match value {
        Value::Number(n) if id.def().ty == Type::Time => json!(time::format(*n)),
        Value::Number(n) => json!(n),
        Value::Bool(b) => json!(b),
        Value::Text(text) => json!(text),
    };
    let fields: Map<_, _> = event.fields.iter().map(|f| (f.id.short().to_owned(), value(f.id, &f.value))).collect();
    let derived: Vec<&str> = event.fields.iter().filter(|f| f.derived).map(|f| f.id.short()).collect();
    let mut out =
        json!({ "position": event.position, "kind": event.kind.word(), "fields": fields, "derived": derived });
    if let (Some(offset), Some(out)) = (event.offset, out.as_object_mut()) {
        out.insert("offset".to_owned(), json!(duration(offset)));
    }
    out
}

fn part(part: &Part, sources: &Sources) -> serde_json::Value {
    let more = [
        ("kind", json!(part.kind.word())),
        ("name", json!(part.name)),
        ("group", json!(part.group)),
        ("within", json!((!part.within.is_empty()).then_some(&part.within))),
        ("reached", json!(part.reached)),
    ];
    place_as_json(part.span, sources, more)
}

/// A suite for each rule that has tests.
#[must_use]
pub fn suites(results: &Results, sources: &Sources) -> Vec<Suite> {
    let with_tests = results.rules.iter().filter(|r| !r.tests.is_empty());
    let suite = |r: &RuleResult| Suite {
        name: r.rule.clone(),
        cases: r.tests.iter().map(|t| case(&r.rule, t, sources)).collect(),
    };
    with_tests.map(suite).collect()
}

fn case(rule: &str, ran: &Ran, sources: &Sources) -> Case {
    let text = || failure(rule, ran).map(|d| to_text(&d, sources, Style::Plain)).unwrap_or_default();
    let ended = match &ran.outcome {
        Outcome::Passed => Ended::Passed,
        Outcome::Unreadable(_, why) => Ended::Error(why.clone(), text()),
        Outcome::Undecided => Ended::Error(TOO_MANY.to_owned(), text()),
        Outcome::Failed(failure) => Ended::Failed(ended(failure), text()),
    };
    Case { name: ran.title.clone(), span: Some(ran.span), ended }
}
