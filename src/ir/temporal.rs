//! Rules over several events: steps joined by their fields, and counts.
//!
//! Everything here is in normal form. A condition on one event alone stands with that event's step, for each kind of
//! event that the step reads; equalities between steps stand with the later of the two; what remains is a [`Joint`]. No
//! part names a `without` step, and no exception an optional one.

use super::joint::{Equal, Joint, OneEvent};
use super::{Body, Named, Score};
use crate::source::Span;
use crate::vocabulary::{FieldId, Kind};
use std::sync::Arc;

/// What a rule means.
#[derive(Clone, Debug)]
pub enum Meaning {
    /// One event, for each kind that the rule reads.
    Single(Vec<Arc<Body>>),
    /// Several events in a window.
    Steps(Arc<Steps>),
    /// Many events in a window.
    Count(Arc<Count>),
}

impl Meaning {
    /// The score that decides, in a rule with weighted flags.
    #[must_use]
    pub fn score(&self) -> Option<&Score> {
        match self {
            Meaning::Single(bodies) => bodies.first()?.score.as_ref(),
            Meaning::Steps(_) | Meaning::Count(_) => None,
        }
    }
}

/// A field on which events are joined or grouped. An event that lacks it takes part in nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// The field: a value, or `host`, `user`, `process`, `parent` as such.
    pub field: FieldId,
    /// Where.
    pub span: Span,
}

/// How far a match's first and last event may lie apart, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Microseconds, 1 or more.
    pub micros: i64,
    /// Where.
    pub span: Span,
}

/// Several events in a window: `sequence` and `together`.
#[derive(Clone, Debug)]
pub struct Steps {
    /// Times do not decrease from step to step.
    pub ordered: bool,
    /// Equal in all events of a match, each once.
    pub keys: Vec<Key>,
    /// From the first to the last of the required events.
    pub within: Window,
    /// The steps in source order: required ones with `without`s between them, optional ones behind.
    pub steps: Vec<Step>,
    /// Exceptions that read several steps: conditions of the match. The others stand with their steps.
    pub exceptions: Vec<(usize, Joint)>,
    /// Flags, computed on the chosen row.
    pub flags: Vec<JointFlag>,
    /// Fields that a result shows, in order; `None`: those of the steps' kinds.
    pub show: Option<Vec<StepField>>,
    /// What its conditions on one event are called in the source.
    pub names: Vec<Named>,
}

/// A field of a step's event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StepField {
    /// Index of the step.
    pub step: usize,
    /// The field.
    pub field: FieldId,
}

/// How a step takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// There is such an event.
    Required,
    /// It fills columns where there is such an event: the earliest at or after the completing one, and at or after the
    /// optional ones before it that were found, within the window of the first event.
    Optional,
    /// There is no such event from the required step before it to the one behind it, both times included.
    Without,
}

/// One step.
#[derive(Clone, Debug)]
pub struct Step {
    /// Its name.
    pub name: String,
    /// Where its name stands.
    pub span: Span,
    /// How it takes part.
    pub role: Role,
    /// Which events it reads, by their own fields alone.
    pub events: OneEvent,
    /// Exceptions that read this step alone, by their index in the rule: `and not` each of them.
    pub exceptions: Vec<(usize, OneEvent)>,
    /// Fields of its event that equal one of an earlier step.
    pub equalities: Vec<Equal>,
    /// What else is asked of its event together with earlier ones.
    pub conditions: Vec<Joint>,
}

/// A flag of a rule over several events.
#[derive(Clone, Debug)]
pub struct JointFlag {
    /// The column's name.
    pub name: String,
    /// When it is true. What a missing optional event is asked is false.
    pub joint: Joint,
    /// Where.
    pub span: Span,
}

impl Steps {
    /// The required steps with their indexes, in order.
    pub fn required(&self) -> impl Iterator<Item = (usize, &Step)> {
        self.of_role(Role::Required)
    }

    /// The steps of a role with their indexes, in order.
    pub fn of_role(&self, role: Role) -> impl Iterator<Item = (usize, &Step)> {
        self.steps.iter().enumerate().filter(move |(_, s)| s.role == role)
    }

    /// The two required steps between which the `without` step of this index stands.
    #[must_use]
    pub fn gap(&self, without: usize) -> Option<(usize, usize)> {
        let before = self.required().map(|(i, _)| i).filter(|i| *i < without).last()?;
        let behind = self.required().map(|(i, _)| i).find(|i| *i > without)?;
        Some((before, behind))
    }

    /// The kinds of event that it reads, each once, in the order of the reference.
    #[must_use]
    pub fn kinds(&self) -> Vec<Kind> {
        let all: Vec<Kind> = self.steps.iter().flat_map(|s| s.events.kinds()).collect();
        Kind::ALL.into_iter().filter(|k| all.contains(k)).collect()
    }
}

/// Many events in a window. It fires at an instant whose window holds enough of them, unless an instant less than or
/// exactly a window earlier did so already.
#[derive(Clone, Debug)]
pub struct Count {
    /// The field whose different values are counted; `None`: events.
    pub distinct: Option<Key>,
    /// At least this many, 1 or more.
    pub at_least: u64,
    /// Where that stands.
    pub at_least_span: Span,
    /// Per value of these, each once.
    pub keys: Vec<Key>,
    /// The window.
    pub within: Window,
    /// Which events.
    pub events: OneEvent,
    /// Exceptions by their index in the rule: they take events away before these are counted.
    pub exceptions: Vec<(usize, OneEvent)>,
    /// What its conditions are called in the source.
    pub names: Vec<Named>,
}
