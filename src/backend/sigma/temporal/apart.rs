//! Whether one event can be the event of two steps.
//!
//! A correlation asks that each of its rules finds something, and one event that two rules find satisfies both. So steps
//! that read one log source must exclude each other, which is looked for where authors write it: in two tests of one
//! column, and in a condition beside its negation.

use crate::ir::{Matcher, Text};
use crate::target::temporal::StepSource;
use crate::target::{Bound, BoundOp, BoundTest, Scalar};

/// Whether no event is in both. `false` says that it is not known.
pub fn apart(a: &StepSource, b: &StepSource) -> bool {
    !std::ptr::eq(a.source, b.source) || exclude(&condition(a), &condition(b))
}

fn condition(source: &StepSource) -> Bound {
    let exceptions = source.exceptions.iter().map(|(_, bound)| bound.clone().not());
    Bound::and(std::iter::once(source.detect.clone()).chain(exceptions).collect())
}

fn exclude(a: &Bound, b: &Bound) -> bool {
    match (a, b) {
        (Bound::Const(false), _) | (_, Bound::Const(false)) => true,
        (Bound::Not(inner), other) | (other, Bound::Not(inner)) if inner.same(other) => true,
        (Bound::Or(all), other) | (other, Bound::Or(all)) => all.iter().all(|one| exclude(one, other)),
        (Bound::And(all), other) | (other, Bound::And(all)) => all.iter().any(|one| exclude(one, other)),
        (Bound::Test(a), Bound::Test(b)) => a.column == b.column && tests_exclude(a, b),
        _ => false,
    }
}

fn tests_exclude(a: &BoundTest, b: &BoundTest) -> bool {
    match (&a.op, &b.op) {
        (BoundOp::In(a), BoundOp::In(b)) => a.iter().all(|x| b.iter().all(|y| differ(x, y))),
        (BoundOp::Text(a), BoundOp::Text(b)) if !a.all && !b.all => texts_exclude(a, b),
        _ => false,
    }
}

fn differ(a: &Scalar, b: &Scalar) -> bool {
    match (a, b) {
        (Scalar::Number(a), Scalar::Number(b)) => a != b,
        (Scalar::Text(a), Scalar::Text(b)) => a.to_lowercase() != b.to_lowercase(),
        _ => false,
    }
}

fn texts_exclude(a: &Text, b: &Text) -> bool {
    let fold = |all: &[String]| all.iter().map(|t| t.to_lowercase()).collect::<Vec<_>>();
    let each = |a: &[String], b: &[String], differ: fn(&str, &str) -> bool| {
        let (a, b) = (fold(a), fold(b));
        a.iter().all(|x| b.iter().all(|y| differ(x, y)))
    };
    match (&a.matcher, &b.matcher) {
        (Matcher::Exact(a), Matcher::Exact(b)) => each(a, b, |a, b| a != b),
        (Matcher::Exact(a), Matcher::EndsWith(b)) | (Matcher::EndsWith(b), Matcher::Exact(a)) => {
            each(a, b, |a, b| !a.ends_with(b))
        }
        (Matcher::Exact(a), Matcher::StartsWith(b)) | (Matcher::StartsWith(b), Matcher::Exact(a)) => {
            each(a, b, |a, b| !a.starts_with(b))
        }
        (Matcher::Exact(a), Matcher::Contains(b)) | (Matcher::Contains(b), Matcher::Exact(a)) => {
            each(a, b, |a, b| !a.contains(b))
        }
        (Matcher::EndsWith(a), Matcher::EndsWith(b)) => each(a, b, |a, b| !a.ends_with(b) && !b.ends_with(a)),
        (Matcher::StartsWith(a), Matcher::StartsWith(b)) => each(a, b, |a, b| !a.starts_with(b) && !b.starts_with(a)),
        _ => false,
    }
}
