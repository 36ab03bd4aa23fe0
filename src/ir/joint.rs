//! Conditions over the events of several steps: parts that read one event, joined by logic and by equalities.

use super::{Pred, StepField};
use crate::source::Span;
use crate::vocabulary::Kind;
use std::collections::BTreeSet;

/// A condition on one event: what it is, for each kind of event that may stand there. Fields carry no step.
#[derive(Clone, Debug, PartialEq)]
pub struct OneEvent(Vec<(Kind, Pred)>);

impl OneEvent {
    /// From a condition for each kind.
    #[must_use]
    pub fn new(each: Vec<(Kind, Pred)>) -> OneEvent {
        OneEvent(each)
    }

    /// The condition for events of a kind; it never holds for the other kinds.
    #[must_use]
    pub fn of(&self, kind: Kind) -> &Pred {
        self.0.iter().find(|(k, _)| *k == kind).map_or(&Pred::Const(false), |(_, pred)| pred)
    }

    /// The kinds and their conditions, in source order.
    pub fn each(&self) -> impl Iterator<Item = (Kind, &Pred)> {
        self.0.iter().map(|(kind, pred)| (*kind, pred))
    }

    /// The kinds, in source order.
    pub fn kinds(&self) -> impl Iterator<Item = Kind> {
        self.0.iter().map(|(kind, _)| *kind)
    }

    /// Whether it is this constant for every kind.
    #[must_use]
    pub fn is(&self, value: bool) -> bool {
        self.0.iter().all(|(_, pred)| pred.is(value))
    }

    /// Whether it holds where there is no event: no test does.
    #[must_use]
    pub fn holds_on_nothing(&self) -> bool {
        self.0.first().is_some_and(|(_, pred)| pred.holds_on_nothing())
    }

    fn map(self, f: impl Fn(Pred) -> Pred) -> OneEvent {
        OneEvent(self.0.into_iter().map(|(kind, pred)| (kind, f(pred))).collect())
    }

    /// Kind by kind, with another condition on the same event.
    #[must_use]
    pub fn join(&self, other: &OneEvent, and: bool) -> OneEvent {
        let both = |kind, pred: &Pred| {
            let pair = [pred.clone(), other.of(kind).clone()];
            if and { Pred::and(pair) } else { Pred::or(pair) }
        };
        OneEvent(self.0.iter().map(|(kind, pred)| (*kind, both(*kind, pred))).collect())
    }
}

/// Two fields of different steps have equal values, which neither lacks.
#[derive(Clone, Debug, PartialEq)]
pub struct Equal {
    /// The later step's field: of the step itself where it is one of its equalities.
    pub left: StepField,
    /// The other field, of the same type. Identities are both of a host, of a user, or of a process.
    pub right: StepField,
    /// Letters' case counts.
    pub cased: bool,
    /// A target that lacks one of them may leave the equality out: where the author allowed it.
    pub available: Option<Span>,
    /// Where.
    pub span: Span,
}

/// A condition over several steps.
#[derive(Clone, Debug, PartialEq)]
pub enum Joint {
    /// Always, or never.
    Const(bool),
    /// Not this.
    Not(Box<Joint>),
    /// All of these.
    And(Vec<Joint>),
    /// Any of these.
    Or(Vec<Joint>),
    /// Of one step's event alone. No other part of the same connective reads that step alone.
    One(usize, OneEvent),
    /// Two steps' fields are equal.
    Equal(Equal),
    /// A part over several steps that a target which cannot say it may leave out.
    Droppable(Box<Joint>, Span),
}

impl Joint {
    /// All of these, flattened and shortened.
    #[must_use]
    pub fn and(all: impl IntoIterator<Item = Joint>) -> Joint {
        join(all, true)
    }

    /// Any of these, flattened and shortened.
    #[must_use]
    pub fn or(all: impl IntoIterator<Item = Joint>) -> Joint {
        join(all, false)
    }

    /// Not `self`.
    #[must_use]
    #[allow(clippy::should_implement_trait, reason = "a constructor beside `and` and `or`")]
    pub fn not(self) -> Joint {
        match self {
            Joint::Const(value) => Joint::Const(!value),
            Joint::Not(inner) => *inner,
            Joint::One(step, event) => Joint::One(step, event.map(Pred::not)),
            other => Joint::Not(Box::new(other)),
        }
    }

    /// The operands of a conjunction; itself alone if it is none.
    #[must_use]
    pub fn conjuncts(self) -> Vec<Joint> {
        match self {
            Joint::And(all) => all,
            Joint::Const(true) => vec![],
            other => vec![other],
        }
    }

    /// The steps that it reads.
    #[must_use]
    pub fn steps(&self) -> BTreeSet<usize> {
        match self {
            Joint::Const(_) => BTreeSet::new(),
            Joint::Not(inner) | Joint::Droppable(inner, _) => inner.steps(),
            Joint::And(all) | Joint::Or(all) => all.iter().flat_map(Joint::steps).collect(),
            Joint::One(step, _) => BTreeSet::from([*step]),
            Joint::Equal(equal) => BTreeSet::from([equal.left.step, equal.right.step]),
        }
    }

    /// Calls `f` for every equality inside.
    pub fn each_equal<'a>(&'a self, f: &mut impl FnMut(&'a Equal)) {
        match self {
            Joint::Const(_) | Joint::One(..) => {}
            Joint::Not(inner) | Joint::Droppable(inner, _) => inner.each_equal(f),
            Joint::And(all) | Joint::Or(all) => all.iter().for_each(|j| j.each_equal(f)),
            Joint::Equal(equal) => f(equal),
        }
    }
}

/// Joins with `and` (or `or`): flattens, makes one of the parts that read one step alone, drops neutral constants, stops
/// at the deciding one.
fn join(all: impl IntoIterator<Item = Joint>, and: bool) -> Joint {
    let mut out: Vec<Joint> = vec![];
    for joint in all {
        let inner = match (joint, and) {
            (Joint::And(all), true) | (Joint::Or(all), false) => all,
            (other, _) => vec![other],
        };
        for joint in inner {
            add(&mut out, joint, and);
        }
    }
    let constant = |joint: &Joint| match joint {
        Joint::Const(value) => Some(*value),
        Joint::One(_, event) if event.is(true) => Some(true),
        Joint::One(_, event) if event.is(false) => Some(false),
        _ => None,
    };
    if out.iter().any(|j| constant(j) == Some(!and)) {
        return Joint::Const(!and);
    }
    out.retain(|j| constant(j).is_none());
    match out.len() {
        0 => Joint::Const(and),
        1 => out.pop().unwrap_or(Joint::Const(and)),
        _ if and => Joint::And(out),
        _ => Joint::Or(out),
    }
}

fn add(out: &mut Vec<Joint>, joint: Joint, and: bool) {
    let Joint::One(step, event) = &joint else {
        if !out.contains(&joint) {
            out.push(joint);
        }
        return;
    };
    let twin = out.iter_mut().find_map(|j| match j {
        Joint::One(s, e) if s == step => Some(e),
        _ => None,
    });
    match twin {
        Some(before) => *before = before.join(event, and),
        None => out.push(joint),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::{Op, Pred};
    use crate::vocabulary::FieldId;

    fn one(step: usize, field: &str) -> Joint {
        let pred = Pred::test(FieldId::find(field).expect(field), Op::Exists, Span::default());
        Joint::One(step, OneEvent::new(vec![(Kind::Process, pred)]))
    }

    #[test]
    fn parts_of_one_step_become_one_part() {
        let all = Joint::and([one(0, "executable"), one(1, "executable"), one(0, "command_line")]);
        let Joint::And(parts) = &all else { panic!("{all:?}") };
        assert_eq!(parts.len(), 2);
        assert!(
            matches!(&parts[0], Joint::One(0, event) if matches!(event.of(Kind::Process), Pred::And(p) if p.len() == 2))
        );
        assert_eq!(all.steps(), BTreeSet::from([0, 1]));
    }

    #[test]
    fn constants_go_and_a_deciding_one_remains() {
        assert_eq!(Joint::and([Joint::Const(true), one(0, "executable")]), one(0, "executable"));
        assert_eq!(Joint::or([one(1, "executable"), Joint::Const(true)]), Joint::Const(true));
        assert_eq!(Joint::and([]), Joint::Const(true));
    }

    #[test]
    fn what_a_missing_event_is_asked_is_false_and_its_negation_true() {
        let Joint::One(_, asked) = one(0, "executable") else { panic!() };
        let Joint::One(_, negated) = one(0, "executable").not() else { panic!() };
        assert!(!asked.holds_on_nothing() && negated.holds_on_nothing());
    }
}
