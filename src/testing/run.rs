//! Runs tests: a thread for each processor takes rule after rule; results come in the order of the rules all the same.

use super::input::{self, Given};
use super::{Answer, Outcome, Ran, Results, RuleResult, coverage, explain, temporal};
use crate::event::Event;
use crate::event::eval::{Evaluator, Verdict};
use crate::project::Loaded;
use crate::sema::Rule;
use crate::syntax::ast;
use crate::vocabulary::FieldId;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Runs the tests of `rules`, which belong to `loaded`. `done` is called from any thread with how many rules are through.
#[must_use]
pub fn run(loaded: &Loaded, rules: &[&Rule], done: &(dyn Fn(usize) + Sync)) -> Results {
    let (next, through) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let work = || {
        let mut out = vec![];
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(rule) = rules.get(index) else { return out };
            out.push((index, one_rule(rule, loaded)));
            done(through.fetch_add(1, Ordering::Relaxed) + 1);
        }
    };
    let threads = thread::available_parallelism().map_or(1, usize::from).min(rules.len());
    let mut all = thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut all = work();
        for other in others {
            match other.join() {
                Ok(some) => all.extend(some),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        all
    });
    all.sort_by_key(|(index, _)| *index);
    Results { rules: all.into_iter().map(|(_, result)| result).collect() }
}

/// An event of a test, and what the rule says of it.
pub(super) struct Seen {
    pub given: Given,
    pub verdict: Verdict,
}

fn one_rule(rule: &Rule, loaded: &Loaded) -> RuleResult {
    let says = |f: fn(&ast::Verdict) -> bool| rule.tests.iter().any(|t| f(&t.verdict));
    let mut result = RuleResult {
        rule: rule.name.clone(),
        span: rule.span,
        tests: vec![],
        has_firing: says(|v| matches!(v, ast::Verdict::Fires(_))),
        has_silent: says(|v| matches!(v, ast::Verdict::Silent)),
        parts: vec![],
    };
    let ran = |test: &ast::Test, outcome| Ran { title: test.title.value.clone(), span: test.title.span, outcome };
    if rule.over_several_events().is_some() {
        (result.tests, result.parts) = temporal::run(rule, loaded);
        return result;
    }
    let evaluator = Evaluator::new(rule, &loaded.project);
    let mut asked = vec![];
    for test in &rule.tests {
        let outcome = match input::events(test, loaded) {
            Err((span, why)) => Outcome::Unreadable(span, why),
            Ok(events) => {
                let seen = |given: Given| Seen { verdict: evaluator.verdict(&given.event), given };
                let seen: Vec<Seen> = events.into_iter().map(seen).collect();
                let outcome = judge(rule, loaded, test, &seen);
                asked.extend(seen);
                outcome
            }
        };
        result.tests.push(ran(test, outcome));
    }
    result.parts = coverage::of(rule, loaded, &asked);
    result
}

/// A test of a rule over single events: some event fires, none is detected, or some is excepted.
fn judge(rule: &Rule, loaded: &Loaded, test: &ast::Test, seen: &[Seen]) -> Outcome {
    let first = |holds: &dyn Fn(&Verdict) -> bool| seen.iter().find(|s| holds(&s.verdict));
    let (expected, passed) = match &test.verdict {
        ast::Verdict::Fires(None) => (Answer::Fires(None), first(&Verdict::fires).is_some()),
        ast::Verdict::Fires(Some(flags)) => {
            let wanted = sorted(flags.names.iter().map(|n| n.text.clone()));
            let passed = first(&Verdict::fires).is_some_and(|s| sorted(s.verdict.flags.clone()) == wanted);
            (Answer::Fires(Some(wanted)), passed)
        }
        ast::Verdict::Silent => (Answer::Silent, first(&|v| v.detected).is_none()),
        ast::Verdict::Excepted(title) => {
            let passed = first(&|v| v.detected && v.excepted_by.contains(&title.value)).is_some();
            (Answer::Excepted(vec![title.value.clone()]), passed)
        }
    };
    match passed {
        true => Outcome::Passed,
        false => explain::failure(rule, loaded, seen, expected),
    }
}

/// The system of an event, if it is none of the rule's: such an event is not looked at.
pub(super) fn foreign_system<'a>(rule: &Rule, event: &'a Event) -> Option<&'a str> {
    let system = FieldId::find("host.os").and_then(|id| event.text(id));
    system.filter(|os| !rule.meta.os.iter().any(|s| s.word() == *os))
}

/// What the rule said, flags in the order of the alphabet.
pub(super) fn answer(verdict: &Verdict) -> Answer {
    match (verdict.detected, verdict.excepted_by.as_slice()) {
        (false, _) => Answer::Silent,
        (true, []) => Answer::Fires(Some(sorted(verdict.flags.clone()))),
        (true, titles) => Answer::Excepted(titles.to_vec()),
    }
}

fn sorted(names: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut names: Vec<String> = names.into_iter().collect();
    names.sort_unstable();
    names
}
