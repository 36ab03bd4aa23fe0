//! Columns that a table of the query's own carries and nothing reads.

use super::ast::{Expr, Pipeline, Query, Step};
use std::collections::HashMap;

/// Takes them away.
pub fn prune(query: &mut Query) {
    while prune_once(query) {}
}

fn prune_once(query: &mut Query) -> bool {
    let mut uses: HashMap<String, usize> = HashMap::new();
    query.each_mut(&mut |e| {
        if let Expr::Column(name) = e {
            *uses.entry(name.clone()).or_default() += 1;
        }
    });
    let mut note = |name: &String| *uses.entry(name.clone()).or_default() += 1;
    query.lets.iter().map(|l| &l.body).chain([&query.main]).for_each(|p| named(p, &mut note));
    let mut changed = false;
    let lets = query.lets.iter_mut().map(|l| &mut l.body);
    let joined =
        query.main.steps.iter_mut().filter_map(|s| if let Step::Join(_, right, _) = s { Some(right) } else { None });
    for body in lets.chain(joined) {
        let Some(Step::Project(columns)) = body.steps.last_mut() else { continue };
        let before = columns.len();
        columns.retain(|(alias, expr)| match (alias, expr) {
            (Some(alias), _) => uses.contains_key(alias),
            // What is passed on under its own name reads itself.
            (None, Expr::Column(name)) => uses.get(name).is_some_and(|n| *n > 1),
            (None, _) => true,
        });
        changed |= columns.len() < before;
    }
    changed
}

/// Names of columns that stand outside of expressions.
fn named(pipeline: &Pipeline, f: &mut impl FnMut(&String)) {
    for step in &pipeline.steps {
        match step {
            Step::Summarize(_, names) | Step::Distinct(names) => names.iter().for_each(&mut *f),
            Step::Join(_, right, names) => {
                names.iter().for_each(&mut *f);
                named(right, f);
            }
            _ => {}
        }
    }
}
