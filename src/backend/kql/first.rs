//! The first filter of a query behind its source's own: cheap, served by an index, and implied by the whole detection.

use super::ast::Expr;
use super::lower::{is_indexed, text};
use crate::ir::{Cheap, Matcher};
use crate::target::{Bound, BoundOp, BoundTest, How};

/// Tests of which one holds wherever a condition does.
#[derive(Clone, Debug)]
struct First {
    /// What they cost: names, then beginnings and words, then words of command lines, then searches.
    cost: u8,
    tests: Vec<Expr>,
    /// Where one of them holds, the condition does.
    exact: bool,
}

/// What costs more than this is no filter that leads.
const DEAREST: u8 = 2;

/// The first filter, and what it leaves to be asked of a detection. `None`: nothing cheap is implied.
pub fn filter(detect: &Bound) -> (Option<Expr>, Vec<&Bound>) {
    let conjuncts = detect.conjuncts();
    let each: Vec<Option<First>> = conjuncts.iter().map(|b| of(b)).collect();
    let best = each.iter().enumerate().filter_map(|(i, f)| Some((i, f.as_ref()?)));
    let best = best.min_by_key(|(i, f)| (f.cost, !f.exact, f.tests.len(), *i)).filter(|(_, f)| f.cost <= DEAREST);
    let Some((place, first)) = best else { return (None, conjuncts) };
    let exact = first.exact;
    let rest = conjuncts.iter().enumerate().filter(|(i, _)| !(exact && *i == place)).map(|(_, b)| *b).collect();
    let filter = match first.tests.as_slice() {
        [only] => only.clone(),
        many => Expr::Or(many.to_vec()),
    };
    (Some(filter), rest)
}

/// Whether something cheap narrows down what a detection reads.
pub fn leads(detect: &Bound) -> bool {
    *detect == Bound::Const(false) || filter(detect).0.is_some() || detect.conjuncts().into_iter().any(is_equal)
}

/// Whether a condition compares whole values, which an index finds.
fn is_equal(bound: &Bound) -> bool {
    match bound {
        Bound::Or(all) => all.iter().all(is_equal),
        Bound::And(all) => all.iter().any(is_equal),
        Bound::Test(test) => matches!(test.op, BoundOp::In(_)),
        Bound::Const(_) | Bound::Not(_) => false,
    }
}

fn of(bound: &Bound) -> Option<First> {
    match bound {
        Bound::Const(_) | Bound::Not(_) => None,
        Bound::And(all) => {
            let best = all.iter().filter_map(of).min_by_key(|f| (f.cost, !f.exact, f.tests.len()))?;
            Some(First { exact: false, ..best })
        }
        Bound::Or(all) => {
            let each: Vec<First> = all.iter().map(of).collect::<Option<_>>()?;
            let mut out = First { cost: 0, tests: vec![], exact: true };
            for first in each {
                out.cost = out.cost.max(first.cost);
                out.exact &= first.exact;
                for test in first.tests {
                    if !out.tests.contains(&test) {
                        out.tests.push(test);
                    }
                }
            }
            Some(out)
        }
        Bound::Test(test) => of_test(test),
    }
}

fn of_test(test: &BoundTest) -> Option<First> {
    let column = Expr::column(test.column.name.clone());
    let exact = |cost, tests| Some(First { cost, tests, exact: true });
    let implied = |cost, tests| Some(First { cost, tests, exact: false });
    let one_of =
        |op, texts: Vec<String>| Expr::In(op, Box::new(column.clone()), texts.into_iter().map(Expr::Text).collect());
    let BoundOp::Text(asked) = &test.op else { return None };
    match (test.column.how, &asked.matcher) {
        (How::Whole, Matcher::Exact(_)) => exact(0, vec![text(&column, asked)]),
        (How::Whole, Matcher::StartsWith(_) | Matcher::EndsWith(_)) => exact(1, vec![text(&column, asked)]),
        (How::Whole, Matcher::Contains(values)) if values.iter().all(|v| is_indexed(v)) => {
            exact(1, vec![text(&column, asked)])
        }
        (How::Whole, Matcher::Contains(_)) => exact(DEAREST + 1, vec![text(&column, asked)]),
        // Recorders write whole paths: a name has a separator before it.
        (How::Name, Matcher::Exact(names)) if !asked.cased => {
            implied(0, vec![one_of("has_any", names.iter().map(|n| format!("\\{n}")).collect())])
        }
        (How::Extension, Matcher::Exact(all)) if !asked.cased => implied(1, vec![one_of("has_any", all.clone())]),
        (How::Whole, Matcher::Regex(regex)) if !regex.implied.is_empty() => {
            let terms: Option<Vec<String>> =
                regex.implied.iter().map(|c| if let Cheap::Term(t) = c { Some(t.clone()) } else { None }).collect();
            implied(DEAREST, vec![one_of("has_any", terms?)])
        }
        _ => None,
    }
}
