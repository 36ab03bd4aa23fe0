//! Conditions that a query holds several times become columns that are computed once: `Shared1`, `Shared2`, …
//!
//! A rule over a group of utilities asks the same of a command line in its detection and in its flags; written out each
//! time, such a query would not fit into a Sentinel rule. The columns stand behind a cheap test that the whole
//! condition implies, so that they are computed for few rows, and are not part of the result.

use super::ast::{Expr, Step};
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

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
    let mut count = Count::default();
    for expr in expressions(steps) {
        count.add(expr);
    }
    for (_, expr) in columns {
        count.add(expr);
    }
    let mut found: Option<(usize, &Part)> = None;
    for part in &count.parts {
        let spared = part.width.saturating_sub(NAME) * part.times.saturating_sub(1);
        if spared >= LEAST_SPARED && found.is_none_or(|(most, _)| spared > most) {
            found = Some((spared, part));
        }
    }
    found.map(|(_, part)| part.expr.clone())
}

/// A shared column's name is about as wide as this.
const NAME: usize = 8;

/// A part that could be shared.
struct Part {
    expr: Expr,
    width: usize,
    times: usize,
}

/// Parts by their hash, in the order in which they were met.
#[derive(Default)]
struct Count {
    parts: Vec<Part>,
    by_hash: HashMap<u64, usize>,
}

impl Count {
    /// Counts all parts of an expression; its hash and its width in print.
    fn add(&mut self, expr: &Expr) -> (u64, usize) {
        let mut hasher = DefaultHasher::new();
        std::mem::discriminant(expr).hash(&mut hasher);
        let mut width = 0;
        let mut inner = |e: &Expr, width: &mut usize, this: &mut Self| {
            let (hash, wide) = this.add(e);
            hash.hash(&mut hasher);
            *width += wide + 5;
        };
        match expr {
            Expr::And(all) | Expr::Or(all) => all.iter().for_each(|e| inner(e, &mut width, self)),
            Expr::Not(e) => inner(e, &mut width, self),
            leaf => {
                leaf.hash(&mut hasher);
                width = leaf_width(leaf);
            }
        }
        let hash = hasher.finish();
        let sharable = matches!(expr, Expr::And(_) | Expr::Or(_) | Expr::Not(_) | Expr::Matches(..) | Expr::In(..));
        if sharable && width >= SHORTEST {
            match self.by_hash.get(&hash).and_then(|i| self.parts.get_mut(*i)) {
                Some(part) => part.times += 1,
                None => {
                    self.by_hash.insert(hash, self.parts.len());
                    self.parts.push(Part { expr: expr.clone(), width, times: 1 });
                }
            }
        }
        (hash, width)
    }
}

/// The width of what holds no connective.
fn leaf_width(expr: &Expr) -> usize {
    match expr {
        Expr::Column(name) => name.len(),
        Expr::Text(text) => text.len() + 3,
        Expr::Number(_) | Expr::Bool(_) => 5,
        Expr::Call(name, all) => name.len() + 2 + all.iter().map(|e| leaf_width(e) + 2).sum::<usize>(),
        Expr::Binary(op, a, b) => leaf_width(a) + op.len() + 2 + leaf_width(b),
        Expr::In(op, a, all) => leaf_width(a) + op.len() + 4 + all.iter().map(|e| leaf_width(e) + 2).sum::<usize>(),
        Expr::Matches(a, pattern) => leaf_width(a) + pattern.len() + 18,
        Expr::And(_) | Expr::Or(_) | Expr::Not(_) => 0,
    }
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
