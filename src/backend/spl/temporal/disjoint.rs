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
                || x.source.datamodel != y.source.datamodel
                || never_both(&x.detect, &y.detect)
        })
    })
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

#[cfg(test)]
mod tests {
    use super::never_both;
    use crate::ir::{Matcher, Text};
    use crate::source::Span;
    use crate::target::{Bound, BoundOp, BoundTest, Column};
    use crate::vocabulary::Type;

    fn test(column: &str, matcher: Matcher) -> Bound {
        let op = BoundOp::Text(Text { matcher, all: false, cased: false });
        Bound::Test(BoundTest { column: Column::whole(column, Type::String), op, span: Span::default() })
    }

    fn ends(column: &str, values: &[&str]) -> Bound {
        test(column, Matcher::EndsWith(values.iter().map(|v| (*v).to_owned()).collect()))
    }

    #[test]
    fn lists_without_a_common_value_exclude_each_other_on_one_column_only() {
        let exact = |column: &str, v: &str| test(column, Matcher::Exact(vec![v.to_owned()]));
        assert!(never_both(&exact("a", "x"), &exact("a", "y")));
        assert!(!never_both(&exact("a", "x"), &exact("a", "X")));
        assert!(!never_both(&exact("a", "x"), &exact("b", "y")));
    }

    #[test]
    fn an_ending_of_an_ending_is_both() {
        assert!(never_both(&ends("a", &["/cmd.exe"]), &ends("a", &["/rar.exe", "/zip.exe"])));
        assert!(!never_both(&ends("a", &["rar.exe"]), &ends("a", &["/winrar.exe"])));
        let whole = test("a", Matcher::Exact(vec!["c:/winrar.exe".to_owned()]));
        assert!(!never_both(&whole, &ends("a", &["rar.exe"])) && never_both(&whole, &ends("a", &["zip.exe"])));
    }

    #[test]
    fn one_operand_decides_a_conjunction_and_all_decide_an_alternative() {
        let (rar, zip) = (ends("a", &["rar.exe"]), ends("a", &["zip.exe"]));
        let other = ends("b", &["x"]);
        assert!(never_both(&Bound::And(vec![other.clone(), rar.clone()]), &zip));
        assert!(!never_both(&Bound::Or(vec![other, rar.clone()]), &zip));
        assert!(
            never_both(&Bound::Or(vec![rar.clone()]), &zip) && never_both(&Bound::Not(Box::new(rar.clone())), &rar)
        );
        assert!(!never_both(&test("a", Matcher::Contains(vec!["r".into()])), &zip));
    }
}
