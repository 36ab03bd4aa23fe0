//! Cheap tests first: an index, then a comparison, then a search, then a regular expression.

use crate::ir::{Cheap, Matcher, Text};
use crate::mutant::{Mutant, on};
use crate::target::{Bound, BoundOp, BoundTest};

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

/// A cheap condition that holds wherever this one does: equalities, beginnings and endings only. `None`: there is none
/// worth having, or the condition is as cheap itself.
#[must_use]
pub fn implied(bound: &Bound) -> Option<Bound> {
    if cost(bound) <= 1 { None } else { cheap(bound) }
}

fn cheap(bound: &Bound) -> Option<Bound> {
    if cost(bound) <= 1 && !matches!(bound, Bound::Not(_) | Bound::Const(_)) {
        return Some(bound.clone());
    }
    match bound {
        Bound::And(all) => {
            let some: Vec<Bound> = all.iter().filter_map(cheap).collect();
            (!some.is_empty()).then(|| Bound::and(some))
        }
        Bound::Or(all) if on(Mutant::CheapOfSome) => Some(Bound::or(all.iter().filter_map(cheap).collect())),
        Bound::Or(all) => Some(Bound::or(all.iter().map(cheap).collect::<Option<_>>()?)),
        Bound::Test(test) => beginning(test),
        Bound::Not(_) | Bound::Const(_) => None,
    }
}

/// A regular expression that begins with known text.
fn beginning(test: &BoundTest) -> Option<Bound> {
    let BoundOp::Text(Text { matcher: Matcher::Regex(regex), .. }) = &test.op else { return None };
    let starts: Option<Vec<String>> =
        regex.implied.iter().map(|c| if let Cheap::Start(t) = c { Some(t.clone()) } else { None }).collect();
    let matcher = Matcher::StartsWith(starts.filter(|s| !s.is_empty())?);
    let op = BoundOp::Text(Text { matcher, all: false, cased: regex.cased });
    Some(Bound::Test(BoundTest { op, ..test.clone() }))
}
