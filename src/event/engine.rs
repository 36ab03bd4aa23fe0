//! Many rules at once: each event is asked only what it may answer, and each different test once.

use super::Event;
use super::eval::{Compiled, Verdict};
use super::node::Leaves;
use super::prefilter::{Needs, Prefilter};
use super::scratch::Scratch;
use crate::sema::{Kind, Project, Rule};
use crate::source::Span;

/// Compiled rules over single events.
#[derive(Debug)]
pub struct Engine {
    rules: Vec<Compiled>,
    leaves: Leaves,
    filters: Vec<(Kind, Prefilter)>,
}

/// What an engine keeps from one event to the next.
#[derive(Debug, Default)]
pub struct Session {
    scratch: Scratch,
    text: String,
    candidates: Vec<usize>,
}

impl Engine {
    /// Compiles rules over single events, each with its project; verdicts name them by their place.
    #[must_use]
    pub fn new<'r>(rules: impl IntoIterator<Item = (&'r Rule, &'r Project)>) -> Engine {
        let rules: Vec<(&Rule, &Project)> = rules.into_iter().collect();
        let mut leaves = Leaves::default();
        let compiled = rules.iter().map(|(rule, project)| Compiled::new(rule, project, &mut leaves)).collect();
        let filters = Kind::ALL.map(|kind| {
            let of_kind = rules.iter().enumerate().filter(|(_, (rule, _))| rule.kinds.contains(&kind));
            let needs =
                of_kind.map(|(i, (rule, project))| (i, Needs::of(&rule.body(project, kind, &rule.meta.os).detect)));
            (kind, Prefilter::new(needs))
        });
        Engine { rules: compiled, leaves, filters: filters.into() }
    }

    /// Calls `f` with each rule whose detection holds of the event, in order.
    pub fn ask(&self, event: &Event, session: &mut Session, mut f: impl FnMut(Detected)) {
        let Some((_, filter)) = self.filters.iter().find(|(kind, _)| *kind == event.kind) else { return };
        let Session { scratch, text, candidates } = session;
        filter.candidates(event, text, candidates);
        if candidates.is_empty() {
            return;
        }
        scratch.next(self.leaves.all.len());
        for rule in candidates {
            let Some(compiled) = self.rules.get(*rule) else { continue };
            let verdict = compiled.verdict(&self.leaves, event, scratch);
            if verdict.detected {
                f(Detected { rule: *rule, verdict, engine: self, compiled, event, scratch });
            }
        }
    }
}

/// A rule whose detection holds of an event.
pub struct Detected<'e> {
    /// The rule's place.
    pub rule: usize,
    /// What it says.
    pub verdict: Verdict,
    engine: &'e Engine,
    compiled: &'e Compiled,
    event: &'e Event<'e>,
    scratch: &'e mut Scratch,
}

impl Detected<'_> {
    /// The tests that make the detection hold, in the order of the source; `true` marks one that had to fail.
    pub fn clauses(&mut self) -> Vec<(Span, bool)> {
        self.compiled.clauses(&self.engine.leaves, self.event, self.scratch)
    }
}
