//! SPL for Splunk, as raw searches behind macros or as `tstats` on data models.
//!
//! Two expression types that never mix: `Search`, which ignores case, knows wildcards and takes a missing field
//! for false; and `Eval`, which is exact, and before which every field that it reads is filled, because what
//! Splunk makes of a missing one under NOT is documented nowhere.

mod ast;
mod eval;
mod lower;
mod print;
mod search;

use super::{Fragment, Printed};
use crate::mutant::{Mutant, on};
use crate::sema::Rule;
use crate::target::{Note, Plan, Unsupported};

/// Prints a rule as SPL.
///
/// # Errors
/// What the language cannot say.
pub fn print(rule: &Rule, plan: &Plan) -> Result<Printed, Vec<Unsupported>> {
    let query = lower::query(rule, plan)?;
    let text = print::query(&query);
    let mut notes = plan.notes.clone();
    for name in &query.macros {
        if let Some(definition) = plan.target.macros.get(name) {
            notes.push(Note { text: format!("Macro `{name}`: {definition}"), degraded: false });
        }
    }
    Ok(Printed { fragments: vec![("query", Fragment::Text(text))], notes })
}

/// `text` inside a comment of three backticks.
#[must_use]
pub fn comment(text: &str) -> String {
    let line = super::one_line(text);
    if on(Mutant::SplCommentOpen) { line } else { line.replace('`', "'") }
}
