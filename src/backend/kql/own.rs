//! Columns that one step alone carries need no step's name: `DeviceName`, not `StagedDeviceName`, and flags of a step have
//! their own name from the beginning.

use super::ast::{Expr, Pipeline, Query, Step};
use super::lower::pascal;

/// Gives these columns of the target their names back where only one table of the query's own passes them on, and flags
/// theirs.
pub fn name(query: &mut Query, columns: &[String]) {
    for column in columns {
        if let Some(alias) = only_alias(query, column) {
            rename(query, &alias, column);
        }
    }
    for (flag, alias) in flags(query) {
        rename(query, &alias, &flag);
    }
}

fn rename(query: &mut Query, alias: &str, column: &str) {
    query.each_mut(&mut |e| {
        if let Expr::Column(name) = e
            && *name == alias
        {
            column.clone_into(name);
        }
    });
    let all = query.lets.iter_mut().map(|l| &mut l.body).chain([&mut query.main]);
    all.for_each(|body| renamed(body, alias, column));
}

/// Flags that only pass on a condition of a step, with the name that it has there. Nothing else may have the flag's name.
fn flags(query: &mut Query) -> Vec<(String, String)> {
    let Some(Step::Project(columns)) = query.main.steps.last() else { return vec![] };
    let passed = columns.iter().filter_map(|(name, value)| match (name, value) {
        (Some(flag), Expr::Column(alias)) if alias.ends_with(&format!("Is{}", pascal(flag))) => {
            Some((flag.clone(), alias.clone()))
        }
        _ => None,
    });
    let passed: Vec<(String, String)> = passed.collect();
    let asked = |column: &Expr| columns.iter().filter(|(_, value)| value == column).count();
    let once: Vec<(String, String)> =
        passed.into_iter().filter(|(_, alias)| asked(&Expr::Column(alias.clone())) == 1).collect();
    let mut names: Vec<String> = vec![];
    for body in query.lets.iter().map(|l| &l.body) {
        names.extend(body.steps.iter().flat_map(made).filter_map(|(name, _)| name.cloned()));
    }
    query.each_mut(&mut |e| {
        if let Expr::Column(name) = e {
            names.push(name.clone());
        }
    });
    once.into_iter().filter(|(flag, _)| !names.contains(flag)).collect()
}

/// The one name under which tables of the query's own pass a column on, if nothing else has the column's name.
fn only_alias(query: &Query, column: &str) -> Option<String> {
    let mut found: Option<&String> = None;
    for body in query.lets.iter().map(|l| &l.body) {
        for (name, value) in body.steps.iter().flat_map(made) {
            let passed = value.is_some_and(|value| *value == Expr::Column(column.to_owned()));
            match (passed, name) {
                (true, Some(alias)) if alias.ends_with(column) && found.is_none_or(|f| f == alias) => {
                    found = Some(alias)
                }
                (true, _) => return None,
                (false, Some(name)) if name == column => return None,
                (false, _) => {}
            }
        }
    }
    found.cloned()
}

/// The columns that a step makes or passes on.
fn made(step: &Step) -> Vec<(Option<&String>, Option<&Expr>)> {
    match step {
        Step::Project(all) => all.iter().map(|(name, value)| (name.as_ref(), Some(value))).collect(),
        Step::Extend(all) => all.iter().map(|(name, _)| (Some(name), None)).collect(),
        Step::Summarize(all, _) => all.iter().map(|(name, _)| (name.as_ref(), None)).collect(),
        Step::Expand(_, all) => all.iter().map(|(name, ..)| (Some(name), None)).collect(),
        _ => vec![],
    }
}

/// Names that stand outside of expressions, and what is passed on under its own name now.
fn renamed(pipeline: &mut Pipeline, alias: &str, column: &str) {
    let put = |names: &mut Vec<String>| {
        names.iter_mut().filter(|name| *name == alias).for_each(|name| column.clone_into(name));
    };
    for step in &mut pipeline.steps {
        match step {
            Step::Project(all) => all.iter_mut().for_each(|(name, value)| {
                let own = name.as_deref().is_some_and(|name| name == alias || name == column);
                if own && *value == Expr::Column(column.to_owned()) {
                    *name = None;
                }
            }),
            Step::Extend(all) => {
                all.iter_mut().filter(|(name, _)| name == alias).for_each(|(name, _)| column.clone_into(name));
            }
            Step::Summarize(_, names) | Step::Distinct(names) => put(names),
            Step::Join(_, right, names) => {
                put(names);
                renamed(right, alias, column);
            }
            _ => {}
        }
    }
}
