//! `test`: the tests inside rules, run by the reference evaluator.

use crate::event::Event;
use crate::event::eval::{Evaluator, Verdict};
use crate::project::Loaded;
use crate::sema::Rule;
use crate::source::Span;
use crate::syntax::ast::{self, TestInput};

/// How one test ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// As it says.
    Passed,
    /// Otherwise.
    Failed {
        /// What the test expects.
        expected: String,
        /// What came out.
        got: String,
        /// The condition in the source that decided.
        decided_by: Option<Span>,
    },
    /// It was not run, and why.
    LeftOut(&'static str),
}

/// One test of one rule.
#[derive(Clone, Debug)]
pub struct Ran {
    /// The rule.
    pub rule: String,
    /// The test's title.
    pub title: String,
    /// Where its title stands.
    pub span: Span,
    /// How it ended.
    pub outcome: Outcome,
}

/// Runs the tests of the rules that the command line means; `only` names rules, none means all.
#[must_use]
pub fn run(loaded: &Loaded, only: &[String]) -> Vec<Ran> {
    let mut out = vec![];
    for rule in loaded.rules().filter(|r| only.is_empty() || only.contains(&r.name)) {
        let evaluator = rule.over_several_events().is_none().then(|| Evaluator::new(rule, &loaded.project));
        for test in &rule.tests {
            let outcome = match (&evaluator, &test.input) {
                (None, _) => Outcome::LeftOut("rules over several events are not evaluated yet"),
                (_, TestInput::Recorded { .. }) => Outcome::LeftOut("recorded events are not read yet"),
                (Some(evaluator), TestInput::Events(events)) => one(evaluator, test, events),
            };
            out.push(Ran { rule: rule.name.clone(), title: test.title.value.clone(), span: test.title.span, outcome });
        }
    }
    out
}

/// A test of a rule over single events: some event fires, none is detected, or some is excepted.
fn one(evaluator: &Evaluator, test: &ast::Test, events: &[ast::Event]) -> Outcome {
    let seen: Vec<(Event, Verdict)> = events
        .iter()
        .map(|written| {
            let event = Event::of_test(written);
            let verdict = evaluator.verdict(&event);
            (event, verdict)
        })
        .collect();
    let first = |holds: &dyn Fn(&Verdict) -> bool| seen.iter().find(|(_, v)| holds(v));
    let (expected, passed) = match &test.verdict {
        ast::Verdict::Fires(None) => ("fires".to_owned(), first(&Verdict::fires).is_some()),
        ast::Verdict::Fires(Some(flags)) => {
            let mut wanted: Vec<&str> = flags.names.iter().map(|n| n.text.as_str()).collect();
            wanted.sort_unstable();
            let passed = first(&Verdict::fires).is_some_and(|(_, v)| {
                let mut flags: Vec<&str> = v.flags.iter().map(String::as_str).collect();
                flags.sort_unstable();
                flags == wanted
            });
            (format!("fires with [{}]", wanted.join(", ")), passed)
        }
        ast::Verdict::Silent => ("silent".to_owned(), first(&|v| v.detected).is_none()),
        ast::Verdict::Excepted(title) => {
            let passed = first(&|v| v.detected && v.excepted_by.contains(&title.value)).is_some();
            (format!("excepted by \"{}\"", title.value), passed)
        }
    };
    if passed {
        return Outcome::Passed;
    }
    let shown = seen.iter().find(|(_, v)| v.detected).or(seen.first());
    Outcome::Failed {
        expected,
        got: shown.map_or_else(|| "no event".to_owned(), |(_, v)| words(v)),
        decided_by: shown.and_then(|(event, _)| evaluator.decided_by(event)),
    }
}

fn words(verdict: &Verdict) -> String {
    match (verdict.detected, verdict.excepted_by.as_slice(), verdict.flags.as_slice()) {
        (false, ..) => {
            verdict.score.map_or_else(|| "silent".to_owned(), |score| format!("silent at a score of {score}"))
        }
        (true, [], []) => "fires".to_owned(),
        (true, [], flags) => format!("fires with [{}]", flags.join(", ")),
        (true, titles, _) => format!("excepted by \"{}\"", titles.join("\", \"")),
    }
}

/// Rules that lack a firing or a silent test.
#[must_use]
pub fn missing(loaded: &Loaded, only: &[String]) -> Vec<(String, Span, &'static str)> {
    let mut out = vec![];
    for rule in loaded.rules().filter(|r| only.is_empty() || only.contains(&r.name)) {
        let has = |rule: &Rule, f: fn(&ast::Verdict) -> bool| rule.tests.iter().any(|t| f(&t.verdict));
        if !has(rule, |v| matches!(v, ast::Verdict::Fires(_))) {
            out.push((rule.name.clone(), rule.span, "no test that fires"));
        }
        if !has(rule, |v| matches!(v, ast::Verdict::Silent)) {
            out.push((rule.name.clone(), rule.span, "no silent test"));
        }
    }
    out
}
