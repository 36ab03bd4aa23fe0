//! Conditions that a query holds several times become columns that are computed once: `Shared1`, `Shared2`, …
//!
//! A rule over a group of utilities asks the same of a command line in its detection and in its flags; written out each
//! time, such a query would not fit into a Sentinel rule. The columns stand behind a cheap test that the whole
//! condition implies, so that they are computed for few rows, and are not part of the result.

use super::ast::{Expr, Step};
use super::print;
use std::collections::HashMap;

/// What is shorter than this is better read in place.
const SHORTEST: usize = 60;
/// How many characters a column must spare.
const LEAST_SPARED: usize = 150;

/// Replaces what stands in `steps` more than once; the columns to compute first.
pub fn share(steps: &mut [Step]) -> Vec<Step> {
    let mut columns: Vec<(String, Expr)> = vec![];
    while let Some(best) = best(steps, &columns) {
        let name = format!("Shared{}", columns.len() + 1);
        let column = Expr::Column(name.clone());
        for expr in expressions(steps) {
            replace(expr, &best, &column);
        }
        for (_, expr) in &mut columns {
            replace(expr, &best, &column);
        }
        columns.push((name, best));
    }
    ordered(columns).into_iter().map(|c| Step::Extend(vec![c])).collect()
}

/// A column stands behind those that it reads.
fn ordered(columns: Vec<(String, Expr)>) -> Vec<(String, Expr)> {
    let mut rest = columns;
    let mut out: Vec<(String, Expr)> = vec![];
    while !rest.is_empty() {
        let ready = rest.iter().position(|(_, expr)| {
            rest.iter().all(|(name, _)| {
                let mut found = false;
                visit(expr, &mut |e| found |= *e == Expr::Column(name.clone()));
                !found
            })
        });
        out.push(rest.remove(ready.unwrap_or(0)));
    }
    out
}

/// The conditions of a pipeline's steps; a source's own filters are short and left alone.
fn expressions(steps: &mut [Step]) -> impl Iterator<Item = &mut Expr> {
    steps.iter_mut().flat_map(|step| match step {
        Step::Where(expr) => vec![expr],
        Step::Extend(all) => all.iter_mut().map(|(_, e)| e).collect(),
        Step::Comment(_) | Step::Project(_) => vec![],
    })
}

/// The part whose sharing spares most; ties go to the one that stands first.
fn best(steps: &mut [Step], columns: &[(String, Expr)]) -> Option<Expr> {
    let mut counts: HashMap<String, usize> = HashMap::new();
    let mut order: Vec<(String, Expr)> = vec![];
    let mut count = |expr: &Expr| {
        visit(expr, &mut |e| {
            if !matches!(e, Expr::And(_) | Expr::Or(_) | Expr::Not(_) | Expr::Matches(..) | Expr::In(..)) {
                return;
            }
            let text = print::expr(e);
            if text.len() >= SHORTEST {
                let n = counts.entry(text.clone()).or_default();
                *n += 1;
                if *n == 2 {
                    order.push((text, e.clone()));
                }
            }
        });
    };
    for expr in expressions(steps) {
        count(expr);
    }
    for (_, expr) in columns {
        count(expr);
    }
    let spared = |text: &str| {
        let n = counts.get(text).copied().unwrap_or(0);
        (text.len().saturating_sub(8)) * n.saturating_sub(1)
    };
    let mut found: Option<(usize, Expr)> = None;
    for (text, expr) in order {
        let spared = spared(&text);
        if spared >= LEAST_SPARED && found.as_ref().is_none_or(|(most, _)| spared > *most) {
            found = Some((spared, expr));
        }
    }
    found.map(|(_, expr)| expr)
}

fn visit(expr: &Expr, f: &mut impl FnMut(&Expr)) {
    f(expr);
    match expr {
        Expr::And(all) | Expr::Or(all) | Expr::Call(_, all) => all.iter().for_each(|e| visit(e, f)),
        Expr::Not(inner) | Expr::Matches(inner, _) => visit(inner, f),
        Expr::Binary(_, a, b) => {
            visit(a, f);
            visit(b, f);
        }
        Expr::In(_, a, _) => visit(a, f),
        Expr::Column(_) | Expr::Text(_) | Expr::Number(_) | Expr::Bool(_) => {}
    }
}

fn replace(expr: &mut Expr, old: &Expr, new: &Expr) {
    if expr == old {
        *expr = new.clone();
        return;
    }
    match expr {
        Expr::And(all) | Expr::Or(all) => all.iter_mut().for_each(|e| replace(e, old, new)),
        Expr::Not(inner) => replace(inner, old, new),
        _ => {}
    }
}
