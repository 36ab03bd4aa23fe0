//! Witnesses: events that show what a rule says, made from the rule alone.
//!
//! For each way in which a rule can fire there is an event that takes it; beside it stand near misses, in which one
//! condition of that way is turned round and nothing else, and an event for each exception. Every event was put to the
//! reference evaluator, or it is not here. The same rule gives the same events, always.
//!
//! A way is a row of single conditions that together make the detection true (`ways`). `solve` finds values field by
//! field: likely ones first, so that events look like those of a sensor, then the shortest text that meets all
//! conditions at once, found by walking their expressions side by side (`machine`, `search`). Where that walk ends
//! without a text, there is none, and the conditions are reported as a contradiction. What must not hold beside a way
//! (exceptions, other ways) is dealt with when it does hold: one of its conditions is turned round, and so on, within a
//! bound.

mod atom;
mod budget;
mod command;
pub mod ecs;
mod machine;
mod maker;
mod on_target;
mod pattern;
pub mod report;
mod scene;
mod search;
mod several;
mod solve;
mod text;
mod variants;
mod ways;
mod words;

pub use budget::Budget;
pub use on_target::{Logged, witnesses_on};
pub use several::on_target::{LoggedSets, witnesses_of_several_on};

use crate::event::Event;
use crate::event::eval::Evaluator;
use crate::ir::Body;
use crate::sema::{Project, Rule};
use crate::source::Span;
use crate::vocabulary::{Kind, Os};
use maker::Maker;

/// What a rule says of a witness.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// The rule fires.
    Fires,
    /// It does not, for one condition alone.
    NearMiss,
    /// It would, but for the exception of this title.
    Excepted(String),
}

impl Verdict {
    /// The words for it.
    #[must_use]
    pub fn words(&self) -> &'static str {
        match self {
            Verdict::Fires => "fires",
            Verdict::NearMiss => "near miss",
            Verdict::Excepted(_) => "excepted",
        }
    }
}

/// Why a witness is what it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Because {
    /// Clauses of the source: those that hold together; of a near miss, the one that does not hold.
    pub clauses: Vec<Span>,
    /// Those among them that stand behind a `not`.
    pub negated: Vec<Span>,
    /// What these leave open: which value, which field.
    pub detail: String,
}

/// Events with what a rule says of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    /// What it says.
    pub verdict: Verdict,
    /// Why.
    pub because: Because,
    /// The events in the order of their times: one, for a rule over single events.
    pub events: Vec<Event<'static>>,
}

/// Conditions that no event meets together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The conditions: where they are written, and what they ask.
    pub conditions: Vec<(Span, String)>,
    /// It was proved; else nothing was found within the bounds of the search.
    pub certain: bool,
    /// The search was cut off after so many steps.
    pub cut_off: Option<u64>,
}

/// All witnesses of a rule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Witnesses {
    /// Each firing one, its near misses behind it; exceptions last.
    pub all: Vec<Witness>,
    /// Ways in which the rule cannot fire.
    pub impossible: Vec<Conflict>,
    /// Conditions that cannot be turned round alone.
    pub never_alone: usize,
    /// The rule has more ways, or longer lists, than were looked at.
    pub cut: bool,
    /// The search was cut off when its budget was spent: ways, near misses and exceptions may lack events.
    pub cut_off: bool,
}

/// Why a rule has no witnesses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// No event makes it fire: where its detection stands, and why.
    Unsatisfiable(Span, Conflict),
}

/// The witnesses of a rule, as events in the language's own fields.
///
/// # Errors
/// No event makes it fire.
pub fn witnesses(rule: &Rule, project: &Project) -> Result<Witnesses, Refused> {
    witnesses_within(rule, project, &Budget::default())
}

/// The same with another budget.
///
/// # Errors
/// No event makes it fire, or none was found before the budget was spent.
pub fn witnesses_within(rule: &Rule, project: &Project, budget: &Budget) -> Result<Witnesses, Refused> {
    if rule.over_several_events().is_some() {
        return several::witnesses(rule, project, budget);
    }
    let mut out = Witnesses::default();
    for (i, kind) in rule.kinds.iter().enumerate() {
        let body = rule.body(project, *kind, &rule.meta.os);
        let evaluator = Evaluator::of_body(rule, &body);
        let systems = rule.meta.os.clone();
        let log = maker::Log { has: &|_| true, seen: &|event| event.clone() };
        budget.share(rule.kinds.len() - i, |part| {
            let setting = Setting { project, rule, kind: *kind, systems, fillers: &[], budget: part.clone() };
            Maker::new(&setting, &body, &evaluator, &log).run(&mut out);
        });
    }
    finish(rule, out, budget)
}

/// Whether an event exists that `body`, made of a rule's conditions and without exceptions, detects: yes, where one was made and
/// confirmed; no, where it is proved that none is; `None`, where the search came to its bounds or the budget is spent.
#[must_use]
pub fn possible(rule: &Rule, project: &Project, body: &Body, budget: &Budget) -> Option<bool> {
    let evaluator = Evaluator::of_body(rule, body);
    let systems = rule.meta.os.clone();
    let setting = Setting { project, rule, kind: body.kind, systems, fillers: &[], budget: budget.clone() };
    let log = maker::Log { has: &|_| true, seen: &|event| event.clone() };
    Maker::new(&setting, body, &evaluator, &log).possible()
}

/// Where witnesses are set.
pub(crate) struct Setting<'a> {
    pub(crate) project: &'a Project,
    pub(crate) rule: &'a Rule,
    pub(crate) kind: Kind,
    pub(crate) systems: Vec<Os>,
    pub(crate) fillers: &'a [String],
    pub(crate) budget: Budget,
}

/// A rule that fires in no way at all is refused.
fn finish(rule: &Rule, out: Witnesses, budget: &Budget) -> Result<Witnesses, Refused> {
    if out.all.iter().any(|w| w.verdict == Verdict::Fires) {
        return Ok(out);
    }
    if out.cut_off {
        let cut_off = Some(budget.all());
        let conflict = Conflict { conditions: vec![], certain: false, cut_off };
        return Err(Refused::Unsatisfiable(rule.detect_span, conflict));
    }
    let mut conflicts = out.impossible;
    // All ways were proved impossible, or the rule may yet fire in one that was not found.
    let doubtful = conflicts.iter().position(|c| !c.certain);
    let certain = doubtful.is_none() && !out.cut;
    let shown = if conflicts.is_empty() { None } else { Some(conflicts.swap_remove(doubtful.unwrap_or(0))) };
    let conditions = shown.map(|c| c.conditions).unwrap_or_default();
    Err(Refused::Unsatisfiable(rule.detect_span, Conflict { conditions, certain, cut_off: None }))
}
