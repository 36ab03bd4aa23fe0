//! Conditions over several events, compiled: what each event answers alone was asked when it came in.

use super::value::Part;
use std::rc::Rc;

/// A place in a source of events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Which of the files, from 0.
    pub file: usize,
    /// Which record of it, from 1.
    pub event: u64,
    /// The line on which that begins, from 1.
    pub line: u64,
}

/// What is kept of an event that fits a step.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) time: i64,
    /// Events in the order in which they came in.
    pub(super) serial: u64,
    pub(super) place: Place,
    /// The values that its step's equalities compare, by slot.
    pub(super) values: Box<[Option<Part>]>,
    /// Most events have none of it.
    pub(super) more: Option<Box<More>>,
}

/// What only some rules ask of an event.
#[derive(Debug)]
pub(super) struct More {
    /// What it answers to conditions over several events, by bit.
    pub(super) bits: Box<[bool]>,
    /// Exceptions of its step that hold, by their place in the rule.
    pub(super) excepted: Box<[usize]>,
}

impl Candidate {
    pub(super) fn says(&self, bit: usize) -> bool {
        self.more.as_ref().is_some_and(|more| more.bits.get(bit) == Some(&true))
    }

    pub(super) fn excepted(&self) -> &[usize] {
        self.more.as_ref().map_or(&[], |more| &more.excepted)
    }
}

/// The events chosen so far, by step.
pub(super) type Bound = Vec<Option<Rc<Candidate>>>;

/// A value of a step's event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Slot {
    pub(super) step: usize,
    pub(super) slot: usize,
}

/// A condition over several steps.
#[derive(Debug)]
pub(super) enum Cond {
    Const(bool),
    Not(Box<Cond>),
    And(Vec<Cond>),
    Or(Vec<Cond>),
    /// An answer of one step's event; `nothing` is what a missing one says.
    Bit {
        step: usize,
        bit: usize,
        nothing: bool,
    },
    Equal(Slot, Slot),
}

impl Cond {
    /// Whether it holds of the events that are bound; the others are missing.
    pub(super) fn holds(&self, bound: &Bound) -> bool {
        match self {
            Cond::Const(value) => *value,
            Cond::Not(inner) => !inner.holds(bound),
            Cond::And(all) => all.iter().all(|c| c.holds(bound)),
            Cond::Or(all) => all.iter().any(|c| c.holds(bound)),
            Cond::Bit { step, bit, nothing } => match at(bound, *step) {
                Some(event) => event.says(*bit),
                None => *nothing,
            },
            Cond::Equal(a, b) => matches!((value(bound, *a), value(bound, *b)), (Some(a), Some(b)) if a == b),
        }
    }
}

/// The event that is bound to a step.
pub(super) fn at(bound: &Bound, step: usize) -> Option<&Rc<Candidate>> {
    bound.get(step)?.as_ref()
}

fn value(bound: &Bound, slot: Slot) -> Option<&Part> {
    at(bound, slot.step)?.values.get(slot.slot)?.as_ref()
}
