//! Normal form: no conjunction inside a conjunction, no constant inside a connective, no operand twice.

use super::Pred;

/// Joins with `and` (or `or`): flattens, drops the neutral constant and repeats, stops at the deciding one.
pub(super) fn join(preds: impl IntoIterator<Item = Pred>, and: bool) -> Pred {
    let mut out: Vec<Pred> = vec![];
    for pred in preds {
        let inner = match (pred, and) {
            (Pred::And(all), true) | (Pred::Or(all), false) => all,
            (other, _) => vec![other],
        };
        for pred in inner {
            match pred {
                Pred::Const(value) if value == and => {}
                Pred::Const(value) => return Pred::Const(value),
                other if out.iter().any(|o| same(o, &other)) => {}
                other => out.push(other),
            }
        }
    }
    match out.len() {
        0 => Pred::Const(and),
        1 => out.pop().unwrap_or(Pred::Const(and)),
        _ if and => Pred::And(out),
        _ => Pred::Or(out),
    }
}

/// Equal but for the places where they were written.
fn same(a: &Pred, b: &Pred) -> bool {
    match (a, b) {
        (Pred::Test(x), Pred::Test(y)) => x.field == y.field && x.op == y.op,
        (Pred::Not(x), Pred::Not(y)) => same(x, y),
        (Pred::And(x), Pred::And(y)) | (Pred::Or(x), Pred::Or(y)) => {
            x.len() == y.len() && x.iter().zip(y).all(|(x, y)| same(x, y))
        }
        (Pred::Droppable { pred: x, why: w, .. }, Pred::Droppable { pred: y, why: v, .. }) => w == v && same(x, y),
        (Pred::Const(x), Pred::Const(y)) => x == y,
        _ => false,
    }
}
