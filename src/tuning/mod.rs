//! What a project's tuning does to rules: findings that need a rule's tests, its witnesses or the day.
//!
//! Names, types and keys are stage 2's business ([`crate::sema`]). Here stands what a build must not ship: an exception that
//! silences a test which must fire, tuning that leaves nothing of a rule; and what somebody should look at: an exception
//! past its day, or without effect. "Leaves nothing" and "without effect" are said only where they are proved.

mod day;
mod proof;
mod silenced;

pub use day::today;

use crate::diagnostic::{Diagnostic, sort};
use crate::project::Loaded;
use crate::sema::Rule;
use crate::testing;
use crate::witness::Budget;

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
        let budget = Budget::default();
        found.extend(silenced::tests(rule, result, loaded));
        if !silenced::fires(rule, result) {
            found.extend(proof::taken_away(rule, loaded, &budget));
        }
        found.extend(proof::without_effect(rule, loaded, &budget));
    }
    sort(&mut found);
    found
}

/// Whether tuning reaches a rule: by a `tune`, or by a param or `extend` of a project that took it from others.
fn is_reached(rule: &Rule, loaded: &Loaded) -> bool {
    !rule.broken && (rule.is_tuned() || loaded.pack_of(rule.span.file).is_some())
}

/// What else of a project's tuning may have changed a pack's rule, for messages.
const OTHERWISE: &str = "this project's params and `extend`s change the conditions of its packs";
