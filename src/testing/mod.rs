//! `test`: the tests inside rules, run by the reference evaluator, and what they leave untested.
//!
//! [`run`] gives structured results; [`report`] makes findings, JSON and JUnit cases of them.
//!
//! ```text
//! input ─ run ─ explain ─ report
//!  the    each   why one   as findings,
//!  events test   failed    JSON, JUnit
//!           ├ coverage: what no test reaches
//!           └ temporal ─ missed: the same for rules over several events
//! ```

pub mod coverage;
mod explain;
mod firing;
mod input;
mod missed;
pub mod report;
mod run;
mod select;
mod temporal;
mod words;

pub use coverage::{Part, PartKind};
pub use firing::{Checker, firing};
pub use run::run;
pub use select::{Selected, select};

use crate::event::Value;
use crate::source::Span;
use crate::vocabulary::{FieldId, Kind};
use std::fmt;

/// More reasons than this are counted, not shown.
const MOST_REASONS: usize = 6;

/// What came out, rule by rule.
#[derive(Clone, Debug, Default)]
pub struct Results {
    /// The rules, in the order in which they were given.
    pub rules: Vec<RuleResult>,
}

/// What came out for one rule.
#[derive(Clone, Debug)]
pub struct RuleResult {
    /// Its name.
    pub rule: String,
    /// Where its name stands.
    pub span: Span,
    /// Its tests, in order.
    pub tests: Vec<Ran>,
    /// Whether some test says that it fires.
    pub has_firing: bool,
    /// Whether some test says that it is silent.
    pub has_silent: bool,
    /// What its tests can reach; of a rule over several events, its flags and exceptions.
    pub parts: Vec<Part>,
}

/// One test.
#[derive(Clone, Debug)]
pub struct Ran {
    /// Its title.
    pub title: String,
    /// Where its title stands.
    pub span: Span,
    /// How it ended.
    pub outcome: Outcome,
}

/// How a test ended.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// As it says.
    Passed,
    /// Otherwise.
    Failed(Box<Failure>),
    /// Its recording cannot be read: where it is named, and why.
    Unreadable(Span, String),
    /// Too many combinations of its events fit the steps of its rule.
    Undecided,
}

/// Why a test failed.
#[derive(Clone, Debug)]
pub struct Failure {
    /// What the test says.
    pub expected: Answer,
    /// What came out.
    pub got: Answer,
    /// What its weighted flags come to, if the rule has any and its condition holds.
    pub score: Option<u64>,
    /// The event that decided; of a rule over several events, all events of the test.
    pub events: Vec<ShownEvent>,
    /// The conditions that decided, the most telling ones.
    pub reasons: Vec<Reason>,
    /// How many more there are.
    pub more: usize,
}

/// What a rule says of an event, or is meant to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It fires; with exactly these flags, in the order of the alphabet, if a test gives them.
    Fires(Option<Vec<String>>),
    /// The detection does not hold.
    Silent,
    /// The detection holds, and these exceptions silence it.
    Excepted(Vec<String>),
}

impl Answer {
    /// `fires`, `silent` or `excepted`.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Answer::Fires(_) => "fires",
            Answer::Silent => "silent",
            Answer::Excepted(_) => "excepted",
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Answer::Fires(Some(flags)) if !flags.is_empty() => write!(f, "fires with [{}]", flags.join(", ")),
            Answer::Fires(Some(_)) => f.write_str("fires without flags"),
            Answer::Fires(None) => f.write_str("fires"),
            Answer::Silent => f.write_str("silent"),
            Answer::Excepted(titles) => write!(f, "excepted by \"{}\"", titles.join("\", \"")),
        }
    }
}

/// An event as a failure shows it.
#[derive(Clone, Debug)]
pub struct ShownEvent {
    /// Its place among the test's events, from 1.
    pub position: usize,
    /// How many events the test has.
    pub of: usize,
    /// Microseconds after the first one, in a test of a rule over several events.
    pub offset: Option<i64>,
    /// Its kind.
    pub kind: Kind,
    /// Its fields: those that the test writes, in its order, then what was derived from them.
    pub fields: Vec<ShownField>,
}

/// A field of an event as a failure shows it.
#[derive(Clone, Debug)]
pub struct ShownField {
    /// The field.
    pub id: FieldId,
    /// Its value.
    pub value: Value<'static>,
    /// The test does not write it: it follows from another field.
    pub derived: bool,
}

/// A condition in the source, and what it makes of the event.
#[derive(Clone, Debug)]
pub struct Reason {
    /// Where.
    pub span: Span,
    /// What.
    pub text: String,
}

impl Results {
    /// Every test.
    pub fn tests(&self) -> impl Iterator<Item = &Ran> {
        self.rules.iter().flat_map(|r| &r.tests)
    }

    /// Everything that tests can reach.
    pub fn parts(&self) -> impl Iterator<Item = &Part> {
        self.rules.iter().flat_map(|r| &r.parts)
    }
}
