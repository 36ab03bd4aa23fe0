//! Normal form: no conjunction inside a conjunction, no constant inside a connective, no operand twice.

use super::Pred;
use foldhash::fast::FixedState;
use std::collections::HashMap;
use std::hash::{BuildHasher as _, Hash, Hasher};

/// Joins with `and` (or `or`): flattens, drops the neutral constant and repeats, stops at the deciding one.
pub(super) fn join(preds: impl IntoIterator<Item = Pred>, and: bool) -> Pred {
    let mut out: Distinct<Pred> = Distinct::default();
    for pred in preds {
        let inner = match (pred, and) {
            (Pred::And(all), true) | (Pred::Or(all), false) => all,
            (other, _) => vec![other],
        };
        for pred in inner {
            match pred {
                Pred::Const(value) if value == and => {}
                Pred::Const(value) => return Pred::Const(value),
                other => out.add(other, |h, p| feed(h, p), same),
            }
        }
    }
    let mut out = out.all;
    match out.len() {
        0 => Pred::Const(and),
        1 => out.pop().unwrap_or(Pred::Const(and)),
        _ if and => Pred::And(out),
        _ => Pred::Or(out),
    }
}

/// Values that differ, in order. Few are compared with each other, many by a number that equal ones share.
pub(crate) struct Distinct<T> {
    pub(crate) all: Vec<T>,
    places: HashMap<u64, Vec<usize>, FixedState>,
}

impl<T> Default for Distinct<T> {
    fn default() -> Self {
        Self { all: vec![], places: HashMap::default() }
    }
}

impl<T> Distinct<T> {
    /// So few are compared faster than put in a table.
    const FEW: usize = 8;

    /// Adds a value unless it is there. `feed` gives a hasher what equal values share.
    pub(crate) fn add(&mut self, value: T, feed: impl Fn(&mut dyn Hasher, &T), same: impl Fn(&T, &T) -> bool) {
        if self.all.len() < Self::FEW {
            if !self.all.iter().any(|other| same(other, &value)) {
                self.all.push(value);
            }
            return;
        }
        let number = |value: &T| {
            let mut hasher = FixedState::default().build_hasher();
            feed(&mut hasher, value);
            hasher.finish()
        };
        if self.places.is_empty() {
            for (place, value) in self.all.iter().enumerate() {
                self.places.entry(number(value)).or_default().push(place);
            }
        }
        let twins = self.places.entry(number(&value)).or_default();
        if !twins.iter().any(|place| self.all.get(*place).is_some_and(|other| same(other, &value))) {
            twins.push(self.all.len());
            self.all.push(value);
        }
    }
}

/// What conditions that are [`same`] share.
fn feed(mut hasher: &mut dyn Hasher, pred: &Pred) {
    std::mem::discriminant(pred).hash(&mut hasher);
    match pred {
        Pred::Const(value) => value.hash(&mut hasher),
        Pred::Test(test) => (test.field, &test.op).hash(&mut hasher),
        Pred::Not(inner) | Pred::Droppable { pred: inner, .. } => feed(hasher, inner),
        Pred::And(all) | Pred::Or(all) => all.iter().for_each(|p| feed(hasher, p)),
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
