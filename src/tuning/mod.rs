//! What a project's tuning does to rules: findings that need a rule's tests, its witnesses or the day.
//!
//! Names, types and keys are stage 2's business ([`crate::sema`]). Here stands what a build must not ship: an exception that
//! silences a test which must fire, tuning that leaves nothing of a rule; and what somebody should look at: an exception
//! past its day, or without effect. "Leaves nothing" and "without effect" are said only where they are proved.

mod day;
mod proof;
mod silenced;

pub use day::today;

use crate::diagnostic::{Code, Diagnostic, sort};
use crate::project::Loaded;
use crate::sema::Rule;
use crate::testing;

/// What is found about the tuning of the rules that the command line means, sorted. Without a day nothing is past it.
///
/// The project has no errors.
#[must_use]
pub fn findings(loaded: &Loaded, today: Option<&str>) -> Vec<Diagnostic> {
    let mut found: Vec<Diagnostic> = loaded.rules().flat_map(|rule| day::past(rule, loaded, today)).collect();
    let reached: Vec<&Rule> =
        loaded.rules().filter(|rule| rule.disabled.is_none() && is_reached(rule, loaded)).collect();
    let results = testing::run(loaded, &reached, &|_| ());
    for (rule, result) in reached.into_iter().zip(&results.rules) {
        found.extend(silenced::tests(rule, result, loaded));
        if !silenced::fires(rule, result) {
            found.extend(proof::taken_away(rule, loaded));
        }
        found.extend(proof::without_effect(rule, loaded));
    }
    sort(&mut found);
    found
}

/// Whether tuning reaches a rule: by a `tune`, or by a param or `extend` of a project that took it from others.
fn is_reached(rule: &Rule, loaded: &Loaded) -> bool {
    !rule.broken && (rule.is_tuned() || loaded.pack_of(rule.span.file).is_some())
}

/// What tuning could have changed a rule in other ways than by exceptions, for messages.
const OTHERWISE: &str = "params and `extend`s of this project change the conditions of the packs it stands on";

/// Points at everything that tunes set of a rule.
fn tuned_at(rule: &Rule, mut diagnostic: Diagnostic) -> Diagnostic {
    let exceptions = rule.exceptions.iter().filter(|e| e.tuned);
    let mut places: Vec<_> = exceptions.map(|e| (e.span(), format!("`{}` is excepted", e.title))).collect();
    let threshold = rule.tuned().iter().filter(|(key, _)| key == "threshold");
    places.extend(threshold.map(|(_, span)| (*span, "this is the threshold".to_owned())));
    if places.is_empty() {
        return diagnostic.at(rule.detect_span, "nothing meets this any more").note(OTHERWISE);
    }
    for (i, (span, text)) in places.into_iter().enumerate() {
        diagnostic = if i == 0 { diagnostic.at(span, text) } else { diagnostic.also(span, text) };
    }
    diagnostic.also(rule.detect_span, "of what is detected here")
}

/// A warning about an exception that could go.
fn covered(message: String) -> Diagnostic {
    Diagnostic::new(Code::Covered, message)
}
