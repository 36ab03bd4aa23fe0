//! Rules over several events in a target's columns.
//!
//! Guarantees: each step has the log sources that may hold its events, and each of these has a value for every column that
//! the step carries to the match. What joins steps has become [`Class`]es of columns with equal values: a language joins on
//! them, and needs no other thought about keys, identities and their guards.

mod bind;
mod class;
mod count;
mod joint;

pub use bind::bind_steps;
pub use count::{CountPlan, bind_count};

use super::{Bound, By, Called, Column, Note, Source, Target};
use crate::ir::{Role, Steps};
use crate::source::Span;
use crate::vocabulary::{FieldId, Kind, Os};

/// A rule over steps on a target.
#[derive(Clone, Debug)]
pub struct StepsPlan<'t> {
    /// The target.
    pub target: &'t Target,
    /// Steps in the rule's order; optional ones that the target lacks are missing.
    pub steps: Vec<BoundStep<'t>>,
    /// Columns with equal values in several steps.
    pub classes: Vec<Class>,
    /// Conditions of the match, beside the classes: each with the step whose place in the match it decides.
    pub conditions: Vec<(usize, Wide)>,
    /// Exceptions over several steps by their index in the rule; dropped ones are missing.
    pub exceptions: Vec<(usize, Wide)>,
    /// Flags by name; dropped ones are missing.
    pub flags: Vec<(String, Wide)>,
    /// Parts under `when available` that are left out, where they are written.
    pub dropped: Vec<Span>,
    /// Columns that a result shows: the step, by its place in `steps`, and its carried column.
    pub show: Vec<Carry>,
    /// Remarks, each once.
    pub notes: Vec<Note>,
}

impl StepsPlan<'_> {
    /// Whether a step asks for values of an earlier one, both by their place in `steps`: where that is missing, this is, too,
    /// whatever else its values equal.
    #[must_use]
    pub fn asks(&self, meant: &Steps, place: usize, earlier: usize) -> bool {
        let index = |place: usize| self.steps.get(place).map(|s| s.index);
        let equalities = index(place).and_then(|i| meant.steps.get(i)).into_iter().flat_map(|s| &s.equalities);
        let mut left = equalities.filter(|e| e.available.is_none_or(|part| !self.dropped.contains(&part)));
        left.any(|e| Some(e.right.step) == index(earlier))
    }
}

/// One step on a target.
#[derive(Clone, Debug)]
pub struct BoundStep<'t> {
    /// Its name.
    pub name: String,
    /// Its index in the rule.
    pub index: usize,
    /// How it takes part.
    pub role: Role,
    /// Where its events lie; one or more.
    pub sources: Vec<StepSource<'t>>,
    /// What it carries to the match.
    pub carried: Vec<Carried>,
    /// Conditions on its event alone that flags, exceptions and other conditions read: carried as columns of truth.
    pub asked: Vec<Asked>,
}

/// One log source of a step.
#[derive(Clone, Debug)]
pub struct StepSource<'t> {
    /// The log source.
    pub source: &'t Source,
    /// The kind of event.
    pub kind: Kind,
    /// The systems that the rule means among the source's.
    pub os: Vec<Os>,
    /// Which events.
    pub detect: Bound,
    /// Exceptions that read this step alone, by index in the rule; dropped ones are missing.
    pub exceptions: Vec<(usize, Bound)>,
    /// What conditions are called in the source.
    pub names: Vec<Called>,
}

/// A column of a step's events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carried {
    /// What it is.
    pub what: What,
    /// How its values compare.
    pub by: By,
    /// Its column in each of the step's sources; `None`: events there lack it.
    pub columns: Vec<Option<Column>>,
}

/// What a carried column is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A field.
    Field(FieldId),
    /// One column of an identity.
    Part(FieldId, usize),
}

/// A condition on one step's event.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The condition in each of the step's sources.
    pub bound: Vec<Bound>,
    /// Whether it holds where an optional step has no event.
    pub on_nothing: bool,
}

/// A carried column of a step, both by their place in the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Carry {
    /// The step.
    pub step: usize,
    /// The column among the step's `carried`.
    pub column: usize,
}

/// Columns whose values are equal in all steps that have them, each column with the same place in every member.
#[derive(Clone, Debug)]
pub struct Class {
    /// A name for it: the field, or the first member's column of an identity.
    pub name: String,
    /// How the values compare.
    pub by: By,
    /// It is of a process: few events share a value.
    pub selective: bool,
    /// The steps that have it, in order, each with its column. An event that lacks it is not in the match, unless it stands
    /// under `lax`.
    pub members: Vec<Carry>,
    /// Members that may lack it: only an optional step or a `without` is compared with them.
    pub lax: Vec<usize>,
}

impl Class {
    /// The column of a step.
    #[must_use]
    pub fn of(&self, step: usize) -> Option<Carry> {
        self.members.iter().copied().find(|c| c.step == step)
    }
}

impl Class {
    /// Whether a match has equal values in these two columns, whatever else is asked of it.
    fn joins(&self, a: Carry, b: Carry) -> bool {
        let has = |c: Carry| self.members.contains(&c) && !self.lax.contains(&c.step);
        has(a) && has(b)
    }
}

/// A condition over several steps.
#[derive(Clone, Debug, PartialEq)]
pub enum Wide {
    /// Always, or never.
    Const(bool),
    /// Not this.
    Not(Box<Wide>),
    /// All of these.
    And(Vec<Wide>),
    /// Any of these.
    Or(Vec<Wide>),
    /// A step's condition: the step, and the place among its `asked`.
    Asked(usize, usize),
    /// Two columns have equal values that neither lacks.
    Equal(Carry, Carry),
}

impl Wide {
    fn join(all: Vec<Wide>, and: bool) -> Wide {
        let mut out = vec![];
        for wide in all {
            match wide {
                Wide::Const(value) if value == and => {}
                Wide::Const(value) => return Wide::Const(value),
                Wide::And(inner) if and => out.extend(inner),
                Wide::Or(inner) if !and => out.extend(inner),
                other => out.push(other),
            }
        }
        match out.len() {
            0 => Wide::Const(and),
            1 => out.pop().unwrap_or(Wide::Const(and)),
            _ if and => Wide::And(out),
            _ => Wide::Or(out),
        }
    }

    /// All of these.
    #[must_use]
    pub fn and(all: Vec<Wide>) -> Wide {
        Wide::join(all, true)
    }

    /// Any of these.
    #[must_use]
    pub fn or(all: Vec<Wide>) -> Wide {
        Wide::join(all, false)
    }

    /// Not `self`.
    #[must_use]
    #[allow(clippy::should_implement_trait, reason = "a constructor beside `and` and `or`")]
    pub fn not(self) -> Wide {
        match self {
            Wide::Const(value) => Wide::Const(!value),
            Wide::Not(inner) => *inner,
            other => Wide::Not(Box::new(other)),
        }
    }

    /// Puts in what joins the steps already.
    fn known(&mut self, joined: &dyn Fn(Carry, Carry) -> bool) {
        let each = |all: &mut Vec<Wide>| {
            let mut all = std::mem::take(all);
            all.iter_mut().for_each(|w| w.known(joined));
            all
        };
        *self = match self {
            Wide::Equal(a, b) if joined(*a, *b) => Wide::Const(true),
            Wide::Not(inner) => {
                inner.known(joined);
                inner.clone().not()
            }
            Wide::And(all) => Wide::and(each(all)),
            Wide::Or(all) => Wide::or(each(all)),
            Wide::Const(_) | Wide::Asked(..) | Wide::Equal(..) => return,
        };
    }

    /// The steps that it reads, by their place in the plan.
    #[must_use]
    pub fn steps(&self) -> Vec<usize> {
        match self {
            Wide::Const(_) => vec![],
            Wide::Not(inner) => inner.steps(),
            Wide::And(all) | Wide::Or(all) => all.iter().flat_map(Wide::steps).collect(),
            Wide::Asked(step, _) => vec![*step],
            Wide::Equal(a, b) => vec![a.step, b.step],
        }
    }
}

/// What an analyst needs of each kind of event in a match of several.
#[must_use]
pub fn default_show(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Process => &["user.domain", "user.name", "process.name", "command_line", "parent.name"],
        Kind::File => &["file.action", "file.path", "file.size", "process.name"],
        Kind::Library => &["dll.path", "process.name"],
        Kind::Network => &["destination.ip", "destination.port", "destination.domain", "process.name"],
        Kind::Script => &["user.name", "script.text", "script.path"],
    }
}
