//! KQL for Microsoft Sentinel and Defender.
//!
//! Strings are never null in Kusto, so a missing one is empty; a comparison with a missing number is null, and a guard
//! stands before it wherever null and false could differ: below `not` and in columns.

mod arrived;
mod ast;
mod lower;
mod print;
mod share;
mod temporal;

use super::output::{sources_of, sources_of_steps};
use super::{Fragment, Output, Printed, Sources};
use crate::ir::{Count, Steps};
use crate::sema::Rule;
use crate::target::temporal::{CountPlan, StepsPlan};
use crate::target::{Note, Plan, Target, Unsupported};

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
    let columns = lower::outputs(plan);
    let query = |pretests| Ok((lower::query(rule, plan, &columns, pretests)?, columns.clone()));
    printed(rule, plan.target, &plan.notes, sources_of(plan), query, arrived::events)
}

/// Prints a rule over steps as KQL.
///
/// # Errors
/// What the language cannot say.
pub fn steps(rule: &Rule, steps: &Steps, plan: &StepsPlan) -> Result<Printed, Vec<Unsupported>> {
    let sources = sources_of_steps(&plan.steps);
    let query = |pretests| temporal::steps(rule, steps, plan, pretests);
    let required = temporal::required(plan);
    let newest = |query, every| arrived::steps(query, &required, every);
    printed(rule, plan.target, &plan.notes, sources, query, newest)
}

/// Prints a count as KQL.
///
/// # Errors
/// What the language cannot say.
pub fn count(rule: &Rule, count: &Count, plan: &CountPlan) -> Result<Printed, Vec<Unsupported>> {
    let mut notes = plan.notes.clone();
    let text =
        "A group that has more than 1,048,576 events in the query's time range is counted in part: lists end there.";
    notes.push(Note { text: text.to_owned(), degraded: false });
    let sources = sources_of_steps([&plan.events]);
    let query = |pretests| temporal::count(rule, count, plan, pretests);
    printed(rule, plan.target, &notes, sources, query, arrived::bursts)
}

fn printed(
    rule: &Rule,
    target: &Target,
    notes: &[Note],
    sources: Sources,
    query: impl Fn(Pretests) -> Result<(ast::Query, Vec<Output>), Vec<Unsupported>>,
    newest: impl Fn(ast::Query, u64) -> ast::Query,
) -> Result<Printed, Vec<Unsupported>> {
    let (mut made, columns) = query(Pretests::All)?;
    let (mut indent, mut text) = (4, print::query(&made, 4));
    if target.max_characters.is_some_and(|most| text.chars().count() + HEADER > most) {
        // Cheap tests in front of others change no answer: where there is no room for them, they go.
        (made, indent) = (query(Pretests::None)?.0, 2);
        text = print::query(&made, indent);
    }
    let mut fragments = vec![("query", Fragment::Text(text))];
    let every = rule.meta.schedule.map_or(target.alert.every, |s| s.every);
    if every > 0 {
        fragments.push(("scheduled", Fragment::Text(print::query(&newest(made, every), indent))));
    }
    Ok(Printed { fragments, notes: notes.to_vec(), columns, sources, reach: 0 })
}

/// `text` as the rest of a line comment.
#[must_use]
pub fn comment(text: &str) -> String {
    super::one_line(text)
}
