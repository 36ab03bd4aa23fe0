//! KQL for Microsoft Sentinel and Defender.
//!
//! Strings are never null in Kusto, so a missing one is empty; a comparison with a missing number is null, and a guard
//! stands before it wherever null and false could differ: below `not` and in columns.

mod arrived;
pub(crate) mod ast;
mod constants;
mod first;
mod lower;
mod own;
mod print;
mod share;
mod temporal;
mod unused;

use super::output::{sources_of, sources_of_steps};
use super::{Fragment, Output, Printed, Sources};
use crate::backend::stage;
use crate::ir::{Count, Role, Steps};
use crate::sema::Rule;
use crate::target::temporal::{BoundStep, CountPlan, StepsPlan};
use crate::target::{Column, How, Note, Plan, RegexParts, Target, Unsupported};

/// Prints a rule as KQL.
///
/// # Errors
/// What the language cannot say.
pub fn print(rule: &Rule, plan: &Plan) -> Result<Printed, Vec<Unsupported>> {
    let columns = lower::outputs(plan);
    let query = lower::query(rule, plan, &columns)?;
    let printed = printed(rule, plan.target, plan.notes.clone(), sources_of(plan), (query, columns), arrived::events);
    Ok(Printed { reads_all: plan.queries.iter().any(|q| !first::leads(&q.detect)), ..printed })
}

/// Prints a rule over steps as KQL.
///
/// # Errors
/// What the language cannot say.
pub fn steps(rule: &Rule, steps: &Steps, plan: &StepsPlan) -> Result<Printed, Vec<Unsupported>> {
    let sources = sources_of_steps(&plan.steps);
    let required = temporal::required(plan);
    let newest = |query, every| arrived::steps(query, &required, every);
    let made = temporal::steps(rule, steps, plan)?;
    let printed = printed(rule, plan.target, plan.notes.clone(), sources, made, newest);
    // One step that reads little is enough: the others are joined with it.
    let reads_all = |step: &BoundStep| step.sources.iter().any(|s| !first::leads(&s.detect));
    let mut required = plan.steps.iter().filter(|s| s.role == Role::Required);
    Ok(Printed { reads_all: required.all(reads_all), ..printed })
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
    let printed = printed(rule, plan.target, notes, sources, temporal::count(rule, count, plan)?, arrived::bursts);
    Ok(Printed { reads_all: plan.events.sources.iter().any(|s| !first::leads(&s.detect)), ..printed })
}

fn printed(
    rule: &Rule,
    target: &Target,
    notes: Vec<Note>,
    sources: Sources,
    (mut made, columns): (ast::Query, Vec<Output>),
    newest: impl Fn(ast::Query, u64) -> ast::Query,
) -> Printed {
    stage::kql(&mut made);
    let text = |mut query: ast::Query| {
        unused::prune(&mut query);
        own::name(&mut query, &temporal::own_columns(target));
        constants::share(&mut query, target.regex_parts == RegexParts::Inline);
        Fragment::Text(print::query(&query))
    };
    let mut fragments = vec![("query", text(made.clone()))];
    let every = rule.meta.schedule.map_or(target.alert.every, |s| s.every);
    if every > 0 {
        fragments.push(("scheduled", text(newest(made, every))));
    }
    Printed { fragments, notes, columns, sources, ..Printed::default() }
}

/// What takes a part of a column.
#[must_use]
pub fn part(how: How, column: &str) -> String {
    print::one(&lower::part(&Column::part(column, how)))
}

/// `text` as the rest of a line comment.
#[must_use]
pub fn comment(text: &str) -> String {
    super::one_line(text)
}
