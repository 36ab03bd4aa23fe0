//! KQL for Microsoft Sentinel and Defender.
//!
//! Strings are never null in Kusto, so a missing one is empty; a comparison with a missing number is null, and a guard
//! stands before it wherever null and false could differ: below `not` and in columns.

mod ast;
mod lower;
mod print;
mod share;

use super::{Fragment, Printed};
use crate::sema::Rule;
use crate::target::{Plan, Unsupported};

/// Room for the comments that stand before a query.
const HEADER: usize = 1000;

/// Whether cheap tests stand in front of those that imply them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pretests {
    All,
    None,
}

/// Prints a rule as KQL.
///
/// # Errors
/// What the language cannot say.
pub fn print(rule: &Rule, plan: &Plan) -> Result<Printed, Vec<Unsupported>> {
    let mut text = print::query(&lower::query(rule, plan, Pretests::All)?, 4);
    if plan.target.max_characters.is_some_and(|most| text.chars().count() + HEADER > most) {
        // Cheap tests in front of others change no answer: where there is no room for them, they go.
        text = print::query(&lower::query(rule, plan, Pretests::None)?, 2);
    }
    Ok(Printed { fragments: vec![("query", Fragment::Text(text))], notes: plan.notes.clone() })
}

/// `text` as the rest of a line comment.
#[must_use]
pub fn comment(text: &str) -> String {
    super::one_line(text)
}
