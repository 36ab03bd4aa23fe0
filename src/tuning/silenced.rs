//! Tests that say that a rule fires, and what of the project's tuning keeps it from doing so.

use super::OTHERWISE;
use crate::diagnostic::{Code, Diagnostic};
use crate::project::Loaded;
use crate::sema::Rule;
use crate::source::Span;
use crate::syntax::ast::{Test, Verdict};
use crate::testing::{Answer, Failure, Outcome, RuleResult};
use indexmap::IndexMap;

/// Tests that must fire, each with how it ended.
fn firing<'a>(rule: &'a Rule, result: &'a RuleResult) -> impl Iterator<Item = (&'a Test, &'a Outcome)> {
    let all = rule.tests.iter().zip(result.tests.iter().map(|ran| &ran.outcome));
    all.filter(|(test, _)| matches!(test.verdict, Verdict::Fires(_)))
}

/// Whether some test shows that the rule fires.
pub(super) fn fires(rule: &Rule, result: &RuleResult) -> bool {
    firing(rule, result).any(|(_, outcome)| match outcome {
        Outcome::Passed => true,
        Outcome::Failed(failure) => matches!(failure.got, Answer::Fires(_)),
        Outcome::Unreadable(..) | Outcome::Undecided => false,
    })
}

/// A finding for each thing in a tuning that silences tests which must fire: it shows the first of them and counts the others.
pub(super) fn tests(rule: &Rule, result: &RuleResult, loaded: &Loaded) -> Vec<Diagnostic> {
    let one = |(test, outcome): (&Test, &Outcome)| match outcome {
        Outcome::Failed(failure) => by(rule, test, failure, loaded),
        Outcome::Passed | Outcome::Unreadable(..) | Outcome::Undecided => None,
    };
    let mut causes: IndexMap<Option<Span>, (Diagnostic, usize)> = IndexMap::new();
    for (cause, diagnostic) in firing(rule, result).filter_map(one) {
        causes.entry(cause).and_modify(|(_, more)| *more += 1).or_insert((diagnostic, 0));
    }
    let counted = |(diagnostic, more): (Diagnostic, usize)| match more {
        0 => diagnostic,
        1 => diagnostic.note("one more test that must fire is suppressed too"),
        n => diagnostic.note(format!("{n} more tests that must fire are suppressed too")),
    };
    causes.into_values().map(counted).collect()
}

/// What keeps a test from firing, if tuning does: the place that it is written at, if it is one, and the finding.
fn by(rule: &Rule, test: &Test, failure: &Failure, loaded: &Loaded) -> Option<(Option<Span>, Diagnostic)> {
    let title = &test.title.value;
    let found = |what: &str| {
        Diagnostic::new(Code::TestSilenced, format!("{what} suppresses test \"{title}\" of `{}`", rule.name))
    };
    let must = "this must fire";
    match &failure.got {
        Answer::Fires(_) => None,
        Answer::Excepted(titles) => {
            let tuned: Vec<_> = rule.exceptions.iter().filter(|e| e.tuned && titles.contains(&e.title)).collect();
            let Some(first) = tuned.first() else { return Some((None, otherwise(rule, test, loaded)?)) };
            let diagnostic = found("a tune").at(first.span(), format!("`{}` matches the test's events", first.title));
            let others = tuned.iter().skip(1);
            let diagnostic = others.fold(diagnostic, |d, e| d.also(e.span(), format!("so does `{}`", e.title)));
            let help = "make the exception narrower, so that it does not match the test's events";
            Some((Some(first.span()), diagnostic.also(test.title.span, must).help(help)))
        }
        Answer::Silent => {
            let threshold = rule.tuned().iter().find(|(key, _)| key == "threshold").map(|(_, span)| *span);
            match (threshold, failure.score) {
                (Some(span), Some(score)) => {
                    let says = format!("the test's events score {score}");
                    Some((Some(span), found("a tuned threshold").at(span, says).also(test.title.span, must)))
                }
                _ => Some((None, otherwise(rule, test, loaded)?)),
            }
        }
    }
}

/// A pack's release passed its tests, so that what fails now fails for this project's params or lists.
fn otherwise(rule: &Rule, test: &Test, loaded: &Loaded) -> Option<Diagnostic> {
    let pack = loaded.pack_of(test.title.span.file)?;
    let message = format!("test \"{}\" of `{}` no longer fires", test.title.value, rule.name);
    Some(
        Diagnostic::new(Code::TestSilenced, message)
            .at(test.title.span, format!("it fired when {} {} was released", pack.receipt.pack, pack.receipt.version))
            .note(OTHERWISE)
            .help(format!("`arcanary test {}` shows the conditions that decide", rule.name)),
    )
}
