//! Rows: matches as they come out, and those that still wait for optional events.

use super::joint::{Bound, Candidate, Place, at};
use super::keyed::Key;
use super::plan::{Plan, Sequence};
use super::value::Part;
use crate::vocabulary::FieldId;
use std::rc::Rc;

/// What a rule over several events found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The rule's place.
    pub rule: usize,
    /// When it was complete, in microseconds since 1970.
    pub time: i64,
    /// The event that completed it; of a count, the last of the instant.
    pub place: Place,
    /// The steps with their events; of a count, the first and the last event of the window.
    pub events: Events,
    /// The fields that all events share, as they are compared.
    pub keys: Vec<(FieldId, String)>,
    /// Flags that hold.
    pub flags: Vec<String>,
    /// Titles of the exceptions that silence it.
    pub excepted_by: Vec<String>,
}

/// The events of a row, each with its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Events {
    /// By the step's index, in the order of the source; optional steps that found nothing are left out.
    Steps(Vec<(usize, i64, Place)>),
    /// Of a count.
    Counted {
        /// The first event of the window.
        first: (i64, Place),
        /// The last one.
        last: (i64, Place),
        /// How many events, or different values.
        count: usize,
    },
}

impl Row {
    /// Whether an alert comes out.
    #[must_use]
    pub fn fires(&self) -> bool {
        self.excepted_by.is_empty()
    }
}

/// A chosen match that may yet find optional events.
#[derive(Debug)]
pub(super) struct Waiting {
    /// Tells it apart.
    pub(super) number: u64,
    pub(super) bound: Bound,
    /// The completing event.
    pub(super) last: Rc<Candidate>,
    /// Its required steps' exceptions were not asked.
    pub(super) excepted: bool,
}

impl Waiting {
    /// The last instant at which an optional event counts.
    pub(super) fn deadline(&self, sequence: &Sequence, window: i64) -> i64 {
        let required = sequence.required.iter().filter_map(|s| at(&self.bound, *s));
        required.map(|e| e.time).min().unwrap_or(self.last.time).saturating_add(window)
    }

    /// Whether all optional steps have their events.
    pub(super) fn is_complete(&self, sequence: &Sequence) -> bool {
        sequence.optional.iter().all(|(step, _)| at(&self.bound, *step).is_some())
    }

    /// Takes an event for an optional step if it is its first one. Events come in the order of times, then steps: what was
    /// bound to later steps while this one was missing is bound anew.
    pub(super) fn offer(&mut self, sequence: &Sequence, step: usize, event: &Rc<Candidate>) {
        let Some(place) = sequence.optional.iter().position(|(s, _)| *s == step) else { return };
        let Some((_, conds)) = sequence.optional.get(place) else { return };
        let taken = |e: &Rc<Candidate>| e.serial == event.serial;
        if at(&self.bound, step).is_some() || self.bound.iter().flatten().any(taken) || event.time < self.last.time {
            return;
        }
        let later: Vec<usize> = sequence.optional.iter().skip(place + 1).map(|(s, _)| *s).collect();
        let mut bound = self.bound.clone();
        for (i, slot) in bound.iter_mut().enumerate() {
            if i == step {
                *slot = Some(Rc::clone(event));
            } else if later.contains(&i) {
                *slot = None;
            }
        }
        if conds.iter().all(|c| c.holds(&bound)) {
            self.bound = bound;
        }
    }

    /// The row, with what is bound.
    pub(super) fn row(&self, plan: &Plan, sequence: &Sequence, key: &Key) -> Row {
        let bound = &self.bound;
        let mut excepted_by = vec![];
        if self.excepted {
            let single = bound.iter().flatten().flat_map(|e| e.excepted().iter().copied());
            let joint = sequence.wanted.iter().filter(|w| w.cond.holds(bound)).filter_map(|w| w.exception);
            let mut held: Vec<usize> = single.chain(joint).collect();
            held.sort_unstable();
            held.dedup();
            excepted_by = titles(plan, &held);
        }
        let chosen = bound.iter().enumerate().filter_map(|(i, e)| e.as_ref().map(|e| (i, e.time, e.place)));
        Row {
            rule: plan.rule,
            time: self.last.time,
            place: self.last.place,
            events: Events::Steps(chosen.collect()),
            keys: keys(plan, key),
            flags: sequence.flags.iter().filter(|(_, cond)| cond.holds(bound)).map(|(name, _)| name.clone()).collect(),
            excepted_by,
        }
    }
}

pub(super) fn titles(plan: &Plan, exceptions: &[usize]) -> Vec<String> {
    exceptions.iter().filter_map(|i| plan.titles.get(*i).cloned()).collect()
}

pub(super) fn keys(plan: &Plan, key: &Key) -> Vec<(FieldId, String)> {
    plan.keys.iter().copied().zip(key.iter().map(Part::shown)).collect()
}
