//! Cheap tests first: an index, then a comparison, then a search, then a regular expression.

use crate::ir::Matcher;
use crate::target::{Bound, BoundOp};

/// What a condition costs, in steps that only their order has a meaning.
#[must_use]
pub fn cost(bound: &Bound) -> u8 {
    match bound {
        Bound::Const(_) => 0,
        Bound::Not(inner) => cost(inner),
        Bound::And(all) | Bound::Or(all) => all.iter().map(cost).max().unwrap_or(0),
        Bound::Test(test) => match &test.op {
            BoundOp::Exists | BoundOp::Order(..) | BoundOp::In(_) => 0,
            BoundOp::Same(..) | BoundOp::Cidr(_) => 1,
            BoundOp::Text(text) => match &text.matcher {
                Matcher::Exact(_) => 0,
                Matcher::StartsWith(_) | Matcher::EndsWith(_) => 1,
                Matcher::Contains(_) => 2,
                Matcher::Like(_) | Matcher::Regex(_) => 3,
            },
        },
    }
}

/// The operands in order of cost; equal ones keep the source's order.
#[must_use]
pub fn by_cost<'a>(all: impl IntoIterator<Item = &'a Bound>) -> Vec<&'a Bound> {
    let mut out: Vec<&Bound> = all.into_iter().collect();
    out.sort_by_key(|b| cost(b));
    out
}
