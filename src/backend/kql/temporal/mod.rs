//! Rules over several events in KQL. Every step is a `let` with its own filter and columns under the step's name; tables are
//! never joined bare.

mod count;
mod joins;
mod names;
mod step;

use super::Pretests;
use super::ast::{Expr, Query, Step};
use crate::backend::{exception_line, one_line};
use crate::ir::Steps;
use crate::sema::Rule;
use crate::target::Unsupported;
use crate::target::temporal::StepsPlan;
use joins::{Match, raw, wide_expr};
use names::Names;

pub use count::query as count;

/// A query for a rule over steps.
///
/// # Errors
/// A flag that is called like another column of the result.
pub fn steps(rule: &Rule, steps: &Steps, plan: &StepsPlan, pretests: Pretests) -> Result<Query, Vec<Unsupported>> {
    let names = Names::new(plan);
    let lets = step::lets(rule, plan, &names, &raw(plan), pretests);
    let mut all = Match::new(plan, &names, steps.ordered, steps.within.micros, lets);
    let mut excepted = vec![];
    for (index, wide) in &plan.exceptions {
        excepted.push(Step::Comment(exception_line(rule, *index)));
        excepted.push(Step::Where(Expr::Not(Box::new(wide_expr(plan, &names, wide)))));
    }
    all.build(excepted);
    let mut more: Vec<(String, Expr)> =
        plan.flags.iter().map(|(name, wide)| (name.clone(), wide_expr(plan, &names, wide))).collect();
    let titles = titles(rule, plan);
    if !titles.is_empty() {
        more.push(("Exceptions".to_owned(), Expr::Text(titles.join("; "))));
    }
    let (lets, main, taken) = all.finish(more);
    match plan.flags.iter().find(|(name, _)| taken.contains(name) || name == "Exceptions") {
        Some((name, _)) => Err(vec![Unsupported {
            span: rule.span,
            why: format!("has a column `{name}` already, which the flag would hide"),
        }]),
        None => Ok(Query { lets, main }),
    }
}

/// Titles of the exceptions that a query applies, in the rule's order.
fn titles(rule: &Rule, plan: &StepsPlan) -> Vec<String> {
    let of_steps = plan.steps.iter().flat_map(|s| s.sources.iter().flat_map(|s| s.exceptions.iter().map(|(i, _)| *i)));
    let mut indexes: Vec<usize> = of_steps.chain(plan.exceptions.iter().map(|(i, _)| *i)).collect();
    indexes.sort_unstable();
    indexes.dedup();
    indexes.into_iter().filter_map(|i| rule.exceptions.get(i)).map(|e| one_line(&e.title)).collect()
}
