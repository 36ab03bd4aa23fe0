//! Many rules at once: each event is asked only what it may answer, and each different test once.
//!
//! Rules over several events take part with each of their steps; what fits goes into a stream (`super::stream`).

use super::Event;
use super::eval::{Compiled, Verdict};
use super::node::Leaves;
use super::prefilter::{Candidates, Needs, Prefilter};
use super::scratch::Scratch;
use super::stream::plan::{Fit, Plan, Unit, plan};
use super::stream::value::Naming;
use crate::ir::{Meaning, OneEvent};
use crate::sema::{Project, Rule};
use crate::source::Span;
use crate::vocabulary::{FieldId, Kind};
use std::collections::HashSet;

/// Compiled rules.
#[derive(Debug)]
pub struct Engine {
    /// Rules over single events; `None` in the place of another.
    rules: Vec<Option<Compiled>>,
    /// Rules over several events.
    pub(super) plans: Vec<Plan>,
    /// Their steps, by plan and step.
    pub(super) units: Vec<Unit>,
    leaves: Leaves,
    /// For each kind of event: rules by their place, then units behind them.
    filters: Vec<(Kind, Prefilter)>,
}

/// What an engine keeps from one event to the next.
#[derive(Debug, Default)]
pub struct Session {
    scratch: Scratch,
    candidates: Candidates,
}

impl Engine {
    /// Compiles rules, each with its project; verdicts and rows name them by their place.
    #[must_use]
    pub fn new<'r>(rules: impl IntoIterator<Item = (&'r Rule, &'r Project)>) -> Engine {
        let rules: Vec<(&Rule, &Project)> = rules.into_iter().collect();
        let single = |rule: &Rule| rule.over_several_events().is_none();
        let mut leaves = Leaves::default();
        let compile =
            |(rule, project): &(&Rule, &Project)| single(rule).then(|| Compiled::new(rule, project, &mut leaves));
        let compiled: Vec<Option<Compiled>> = rules.iter().map(compile).collect();
        let (mut plans, mut steps) = (vec![], vec![]);
        for (place, (rule, project)) in rules.iter().enumerate().filter(|(_, (rule, _))| !single(rule)) {
            let meaning = rule.meaning(project, &rule.meta.os);
            plans.extend(plan((place, rule), &meaning, plans.len(), &mut leaves, &mut steps));
        }
        let needs = |kind| {
            let asked = move |(_, (rule, _)): &(usize, &(&Rule, &Project))| single(rule) && rule.kinds.contains(&kind);
            let of_kind = rules.iter().enumerate().filter(asked);
            let of_rules = of_kind
                .map(move |(i, (rule, project))| (i, Needs::of(&rule.body(project, kind, &rule.meta.os).detect)));
            of_rules.chain(needs_of_steps(rules.len(), &steps, kind)).collect()
        };
        let filters = filters(Kind::ALL.map(|kind| (kind, needs(kind))), &mut leaves);
        let units = steps.into_iter().map(|(unit, _)| unit).collect();
        Engine { rules: compiled, plans, units, leaves, filters }
    }

    /// Compiles one rule over several events, whatever it means.
    #[must_use]
    pub fn meaning(rule: &Rule, meaning: &Meaning) -> Engine {
        let (mut leaves, mut steps) = (Leaves::default(), vec![]);
        let plans = plan((0, rule), meaning, 0, &mut leaves, &mut steps).into_iter().collect();
        let needs = Kind::ALL.map(|kind| (kind, needs_of_steps(1, &steps, kind).collect()));
        let filters = filters(needs, &mut leaves);
        let units = steps.into_iter().map(|(unit, _)| unit).collect();
        Engine { rules: vec![None], plans, units, leaves, filters }
    }

    /// What each step of the rules over several events says of an event.
    #[must_use]
    pub fn fits(&self, event: &Event, naming: Naming) -> Vec<Fit> {
        let mut scratch = Scratch::default();
        self.leaves.begin(&mut scratch);
        self.units.iter().filter_map(|unit| unit.fit(&self.leaves, event, &mut scratch, naming)).collect()
    }

    /// Calls `f` with each rule over single events whose detection holds of the event, in order.
    pub fn ask(&self, event: &Event, session: &mut Session, f: impl FnMut(Detected)) {
        self.ask_all(event, session, |_, _, _| {}, f);
    }

    /// The same; `step` is called for each step of a rule over several events that the event may fit.
    pub(super) fn ask_all(
        &self,
        event: &Event,
        session: &mut Session,
        mut step: impl FnMut((usize, &Unit), &Leaves, &mut Scratch),
        mut f: impl FnMut(Detected),
    ) {
        let Some((_, filter)) = self.filters.iter().find(|(kind, _)| *kind == event.kind) else { return };
        let Session { scratch, candidates } = session;
        self.leaves.begin(scratch);
        filter.look(event, scratch, candidates);
        for candidate in &candidates.rules {
            let Some(compiled) = self.rules.get(*candidate) else {
                let index = *candidate - self.rules.len();
                if let Some(unit) = self.units.get(index) {
                    step((index, unit), &self.leaves, scratch);
                }
                continue;
            };
            let Some(compiled) = compiled else { continue };
            let verdict = compiled.verdict(&self.leaves, event, scratch);
            if verdict.detected {
                f(Detected { rule: *candidate, verdict, engine: self, compiled, event, scratch });
            }
        }
    }
}

/// Rules by their place, and what each needs of events of one kind.
type NeedsOfRules = Vec<(usize, Option<Needs>)>;

/// A prefilter for each kind. It looks for what leaves need in those fields only in which it must look for rules.
fn filters<const KINDS: usize>(needs: [(Kind, NeedsOfRules); KINDS], leaves: &mut Leaves) -> Vec<(Kind, Prefilter)> {
    let of_rules = needs.iter().flat_map(|(_, rules)| rules).filter_map(|(_, needs)| needs.as_ref());
    let looked_up: HashSet<FieldId> = of_rules.flat_map(Needs::fields).collect();
    leaves.prefilter_only(|field| looked_up.contains(&field));
    needs.into_iter().map(|(kind, rules)| (kind, Prefilter::new(rules, &leaves.needs))).collect()
}

/// What the steps that read a kind of event need; steps stand behind `rules` rules.
fn needs_of_steps(
    rules: usize,
    steps: &[(Unit, OneEvent)],
    kind: Kind,
) -> impl Iterator<Item = (usize, Option<Needs>)> {
    let of_kind = steps.iter().enumerate().filter(move |(_, (_, events))| events.kinds().any(|k| k == kind));
    of_kind.map(move |(i, (_, events))| (rules + i, Needs::of(events.of(kind))))
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
