//! KQL for Microsoft Sentinel and Defender.
//!
//! Strings are never null in Kusto, so a missing one is empty; a comparison with a missing number is null, and a guard
//! stands before it wherever null and false could differ: below `not` and in columns.

mod ast;
mod lower;
mod print;

use super::{Fragment, Printed};
use crate::sema::Rule;
use crate::target::{Plan, Unsupported};

/// Prints a rule as KQL.
///
/// # Errors
/// What the language cannot say.
pub fn print(rule: &Rule, plan: &Plan) -> Result<Printed, Vec<Unsupported>> {
    let query = lower::query(rule, plan)?;
    let text = print::query(&query);
    Ok(Printed { characters: text.chars().count(), fragments: vec![("query", Fragment::Text(text))], notes: plan.notes.clone() })
}

/// `text` as the rest of a line comment.
#[must_use]
pub fn comment(text: &str) -> String {
    super::one_line(text)
}
