//! Whether one event could be two steps at once. The answer "no" is proved from filters and lists of values.

use crate::backend::spl::lower::filters_differ;
use crate::ir::Matcher;
use crate::target::temporal::BoundStep;
use crate::target::{Bound, BoundOp, Scalar};

/// Whether no event can be both steps.
pub fn disjoint(a: &BoundStep, b: &BoundStep) -> bool {
    a.sources.iter().all(|x| {
        b.sources.iter().all(|y| {
            filters_differ(x.source, y.source)
                || x.source != y.source && apart(x.source, y.source)
                || never_both(&x.detect, &y.detect)
        })
    })
}

/// Events of different data models, or of different macros, are different events.
fn apart(a: &crate::target::Source, b: &crate::target::Source) -> bool {
    a.datamodel != b.datamodel
}

/// Whether two conditions cannot hold on one event.
fn never_both(a: &Bound, b: &Bound) -> bool {
    match (a, b) {
        (Bound::Const(false), _) | (_, Bound::Const(false)) => true,
        (Bound::Or(all), other) | (other, Bound::Or(all)) => all.iter().all(|x| never_both(x, other)),
        (Bound::And(all), other) | (other, Bound::And(all)) => all.iter().any(|x| never_both(x, other)),
        (Bound::Not(x), other) | (other, Bound::Not(x)) => **x == *other,
        (Bound::Test(x), Bound::Test(y)) => {
            x.column == y.column && matches!((values(&x.op), values(&y.op)), (Some(v), Some(w)) if v.excludes(&w))
        }
        _ => false,
    }
}

/// The values that a test of a column takes.
enum Values {
    /// One of these, in small letters.
    Whole(Vec<String>),
    /// It ends with one of these.
    Ending(Vec<String>),
}

fn values(op: &BoundOp) -> Option<Values> {
    let small = |all: &[String]| all.iter().map(|v| v.to_lowercase()).collect();
    match op {
        BoundOp::In(all) => Some(Values::Whole(
            all.iter()
                .map(|v| match v {
                    Scalar::Number(n) => n.to_string(),
                    Scalar::Text(t) => t.to_lowercase(),
                })
                .collect(),
        )),
        BoundOp::Text(text) => match &text.matcher {
            Matcher::Exact(all) if !text.all || all.len() == 1 => Some(Values::Whole(small(all))),
            Matcher::EndsWith(all) if !text.all || all.len() == 1 => Some(Values::Ending(small(all))),
            _ => None,
        },
        _ => None,
    }
}

impl Values {
    /// Whether no value is in both.
    fn excludes(&self, other: &Values) -> bool {
        let none =
            |a: &[String], b: &[String], both: fn(&str, &str) -> bool| a.iter().all(|x| b.iter().all(|y| !both(x, y)));
        match (self, other) {
            (Values::Whole(a), Values::Whole(b)) => none(a, b, |x, y| x == y),
            (Values::Whole(a), Values::Ending(b)) | (Values::Ending(b), Values::Whole(a)) => {
                none(a, b, |x, y| x.ends_with(y))
            }
            (Values::Ending(a), Values::Ending(b)) => none(a, b, |x, y| x.ends_with(y) || y.ends_with(x)),
        }
    }
}
