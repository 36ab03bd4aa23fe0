//! Rules over several events in KQL. Every step is a `let` with its own filter and columns under the step's name; tables are
//! never joined bare.

mod count;
mod joins;
mod names;
mod step;

use super::ast::{Expr, Query, Step};
use crate::backend::{Output, Shows, exception_line, hides};
use crate::ir::{Role, Steps};
use crate::sema::Rule;
use crate::target::Unsupported;
use crate::target::temporal::StepsPlan;
use joins::{Match, raw, wide_expr};
use names::Names;

pub use count::query as count;
pub use names::own_columns;

/// A query for a rule over steps.
///
/// # Errors
/// A flag that is called like another column of the result.
pub fn steps(rule: &Rule, steps: &Steps, plan: &StepsPlan) -> Result<(Query, Vec<Output>), Vec<Unsupported>> {
    let names = Names::new(plan);
    let lets = step::lets(rule, plan, &names, &raw(plan));
    let mut all = Match::new(steps, plan, &names, lets);
    let mut excepted = vec![];
    for (index, wide) in &plan.exceptions {
        excepted.push(Step::Comment(exception_line(rule, *index)));
        excepted.push(Step::Where(Expr::Not(Box::new(wide_expr(plan, &names, wide)))));
    }
    all.build(excepted);
    let more: Vec<(String, Expr)> =
        plan.flags.iter().map(|(name, wide)| (name.clone(), wide_expr(plan, &names, wide))).collect();
    let (lets, main, mut columns) = all.finish(more);
    let taken = |name: &str| columns.iter().any(|c| c.name == name);
    match plan.flags.iter().find(|(name, _)| taken(name)) {
        Some((name, _)) => Err(vec![hides(rule, name)]),
        None => {
            columns.extend(plan.flags.iter().map(|(name, _)| Output::new(name, Shows::Flag)));
            let sources = plan.steps.iter().flat_map(|s| &s.sources);
            let lists = sources.flat_map(|s| super::lower::lists(&s.names)).collect();
            Ok((Query { lets, main, lists, ..Query::default() }, columns))
        }
    }
}

/// The required steps by their names in the query, each with the `let`s that read its tables.
pub fn required(plan: &StepsPlan) -> Vec<(String, Vec<String>)> {
    let names = Names::new(plan);
    let all = plan.steps.iter().enumerate().filter(|(_, s)| s.role == Role::Required);
    let lets = |name: &str, tables: usize| match tables {
        1 => vec![name.to_owned()],
        _ => (1..=tables).map(|i| format!("{name}{i}")).collect(),
    };
    all.map(|(place, step)| (names.step(place).to_owned(), lets(names.step(place), step.sources.len()))).collect()
}
