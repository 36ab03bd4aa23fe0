//! Rules over several events, compiled: for each step what is asked of an event and what is kept of it, and the
//! conditions that join events.

use super::chain::Chain;
use super::joint::{Cond, Slot};
use super::value::{Naming, Part, Take};
use crate::event::node::{Leaves, Node};
use crate::event::scratch::Scratch;
use crate::event::{Event, HOST_OS};
use crate::ir::{Count, Equal, Joint, Meaning, OneEvent, Role, StepField, Steps};
use crate::sema::Rule;
use crate::vocabulary::{FieldId, Kind, Os};
use std::rc::Rc;

/// A condition on one event, for each kind.
type Asked = Vec<(Kind, Node)>;

fn compile(event: &OneEvent, leaves: &mut Leaves) -> Asked {
    event.each().map(|(kind, pred)| (kind, Node::of(pred, leaves))).collect()
}

fn holds(asked: &Asked, leaves: &Leaves, event: &Event, scratch: &mut Scratch) -> bool {
    let node = asked.iter().find(|(kind, _)| *kind == event.kind);
    node.is_some_and(|(_, node)| node.holds(&leaves.all, event, scratch))
}

/// A step of a rule, or what a count counts: asked of every event that may concern it.
#[derive(Debug)]
pub(in crate::event) struct Unit {
    /// The plan.
    pub(super) plan: usize,
    /// Which step of it.
    pub(super) step: usize,
    systems: Vec<Os>,
    asked: Asked,
    /// Exceptions by their place in the rule.
    exceptions: Vec<(usize, Asked)>,
    bits: Vec<Asked>,
    pub(super) key: Vec<Take>,
    pub(super) values: Vec<Take>,
    /// An event that lacks a value takes no part, as if it lacked a key.
    complete: bool,
}

/// What a unit takes of an event.
pub(super) struct Taken {
    pub(super) key: Rc<[Part]>,
    pub(super) values: Box<[Option<Part>]>,
    pub(super) bits: Box<[bool]>,
    pub(super) excepted: Box<[usize]>,
}

impl Unit {
    /// What is kept of an event; `None` if it does not fit or lacks a key.
    pub(super) fn take(
        &self,
        leaves: &Leaves,
        event: &Event,
        scratch: &mut Scratch,
        naming: Naming,
        excepted: bool,
    ) -> Option<Taken> {
        if self.is_foreign(event) || !holds(&self.asked, leaves, event, scratch) {
            return None;
        }
        let excepting = self.exceptions.iter().filter(|(_, asked)| holds(asked, leaves, event, scratch));
        let held: Box<[usize]> = excepting.map(|(index, _)| *index).collect();
        if !held.is_empty() && !excepted {
            return None;
        }
        let key = self.key.iter().map(|take| take.from(event, naming)).collect::<Option<Rc<[Part]>>>()?;
        let values: Box<[Option<Part>]> = self.values.iter().map(|take| take.from(event, naming)).collect();
        if self.complete && values.contains(&None) {
            return None;
        }
        let bits = self.bits.iter().map(|asked| holds(asked, leaves, event, scratch)).collect();
        Some(Taken { key, values, bits, excepted: held })
    }
}

/// What a step says of an event of one of its kinds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fit {
    /// The step, by its index; 0 for a count.
    pub step: usize,
    /// Whether the event fits it, exceptions aside.
    pub fits: bool,
    /// The keys that the event lacks, by their places.
    pub lacks: Vec<usize>,
}

impl Unit {
    /// What the step says of an event; `None` for events of other kinds and systems.
    pub(in crate::event) fn fit(
        &self,
        leaves: &Leaves,
        event: &Event,
        scratch: &mut Scratch,
        naming: Naming,
    ) -> Option<Fit> {
        let (_, node) = self.asked.iter().find(|(kind, _)| *kind == event.kind && !self.is_foreign(event))?;
        let lacking = self.key.iter().enumerate().filter(|(_, take)| take.from(event, naming).is_none());
        Some(Fit {
            step: self.step,
            fits: node.holds(&leaves.all, event, scratch),
            lacks: lacking.map(|(place, _)| place).collect(),
        })
    }

    fn is_foreign(&self, event: &Event) -> bool {
        let os = HOST_OS.and_then(|id| event.text(id));
        os.is_some_and(|os| !self.systems.iter().any(|s| s.word() == os))
    }
}

/// A rule over several events.
#[derive(Debug)]
pub(in crate::event) struct Plan {
    /// The rule's place among those that were compiled.
    pub(super) rule: usize,
    /// Microseconds.
    pub(super) window: i64,
    /// The names of the key's fields.
    pub(super) keys: Vec<FieldId>,
    /// Titles of its exceptions.
    pub(super) titles: Vec<String>,
    pub(super) form: Form,
}

#[derive(Debug)]
pub(super) enum Form {
    Steps(Box<Sequence>),
    Count { at_least: usize, distinct: bool },
}

/// Steps in a window.
#[derive(Debug)]
pub(super) struct Sequence {
    pub(super) ordered: bool,
    pub(super) roles: Vec<Role>,
    pub(super) required: Vec<usize>,
    /// Conditions over required steps.
    pub(super) wanted: Vec<Wanted>,
    pub(super) guards: Vec<Guard>,
    /// Optional steps with what is asked of them beside their events.
    pub(super) optional: Vec<(usize, Vec<Cond>)>,
    pub(super) flags: Vec<(String, Cond)>,
    /// How to find matches without looking at more than one event a step, where that is exact.
    pub(super) chain: Option<Chain>,
    /// It has an exception, of one step or of several.
    pub(super) has_exceptions: bool,
}

/// A condition over required steps.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) cond: Cond,
    /// The steps that it reads.
    pub(super) steps: Vec<usize>,
    /// An exception, by its place in the rule: it must not hold.
    pub(super) exception: Option<usize>,
}

/// No such event between two neighbours.
#[derive(Debug)]
pub(super) struct Guard {
    pub(super) step: usize,
    /// The required steps around it, by their places among the required ones.
    pub(super) before: usize,
    /// What is asked of it beside its event.
    pub(super) conds: Vec<Cond>,
}

/// Compiles a rule over several events into `units` and a plan of the number `plan`; `None` for other rules.
pub(in crate::event) fn plan(
    (place, rule): (usize, &Rule),
    meaning: &Meaning,
    number: usize,
    leaves: &mut Leaves,
    units: &mut Vec<(Unit, OneEvent)>,
) -> Option<Plan> {
    let mut builder = Builder { rule, number, leaves, steps: vec![] };
    let plan = |form, window, keys| {
        let titles = rule.exceptions.iter().map(|e| e.title.clone()).collect();
        Plan { rule: place, window, keys, titles, form }
    };
    let plan = match meaning {
        Meaning::Single(_) => return None,
        Meaning::Count(count) => {
            builder.count(count);
            let at_least = usize::try_from(count.at_least).unwrap_or(usize::MAX);
            let form = Form::Count { at_least, distinct: count.distinct.is_some() };
            plan(form, count.within.micros, count.keys.iter().map(|k| k.field).collect())
        }
        Meaning::Steps(steps) => {
            let form = Form::Steps(Box::new(builder.sequence(steps)));
            plan(form, steps.within.micros, steps.keys.iter().map(|k| k.field).collect())
        }
    };
    units.extend(builder.steps);
    Some(plan)
}

struct Builder<'a> {
    rule: &'a Rule,
    number: usize,
    leaves: &'a mut Leaves,
    steps: Vec<(Unit, OneEvent)>,
}

impl Builder<'_> {
    fn unit(&mut self, events: &OneEvent, exceptions: &[(usize, OneEvent)], key: Vec<Take>) {
        let unit = Unit {
            plan: self.number,
            step: self.steps.len(),
            systems: self.rule.meta.os.clone(),
            asked: compile(events, self.leaves),
            exceptions: exceptions.iter().map(|(i, e)| (*i, compile(e, self.leaves))).collect(),
            bits: vec![],
            key,
            values: vec![],
            complete: false,
        };
        self.steps.push((unit, events.clone()));
    }

    fn count(&mut self, count: &Count) {
        self.unit(&count.events, &count.exceptions, count.keys.iter().map(|k| Take::key(k.field)).collect());
        if let (Some(key), Some((unit, _))) = (count.distinct, self.steps.first_mut()) {
            unit.values.push(Take::key(key.field));
            unit.complete = true;
        }
    }

    fn sequence(&mut self, steps: &Steps) -> Sequence {
        let shared = super::shared::of(steps);
        for (i, step) in steps.steps.iter().enumerate() {
            let keys = steps.keys.iter().map(|k| Take::key(k.field));
            let keys = keys.chain(shared.iter().filter_map(|class| class.take(i))).collect();
            self.unit(&step.events, &step.exceptions, keys);
        }
        let required: Vec<usize> = steps.required().map(|(i, _)| i).collect();
        let (mut wanted, mut guards, mut optional) = (vec![], vec![], vec![]);
        for (i, step) in steps.steps.iter().enumerate() {
            let equal = step.equalities.iter().filter(|e| !shared.iter().any(|class| class.says(e)));
            let joints = equal.map(|e| Joint::Equal(e.clone())).chain(step.conditions.iter().cloned());
            let joints: Vec<Joint> = joints.collect();
            match step.role {
                Role::Required => wanted.extend(joints.iter().map(|j| self.wanted(j, None))),
                Role::Optional => optional.push((i, joints.iter().map(|j| self.cond(j)).collect())),
                Role::Without => {
                    let before = required.iter().filter(|r| **r < i).count().saturating_sub(1);
                    guards.push(Guard { step: i, before, conds: joints.iter().map(|j| self.cond(j)).collect() });
                }
            }
        }
        wanted.extend(steps.exceptions.iter().map(|(index, joint)| self.wanted(joint, Some(*index))));
        let flags = steps.flags.iter().map(|f| (f.name.clone(), self.cond(&f.joint))).collect();
        let mut sequence = Sequence {
            ordered: steps.ordered,
            roles: steps.steps.iter().map(|s| s.role).collect(),
            required,
            wanted,
            guards,
            optional,
            flags,
            chain: None,
            has_exceptions: !self.rule.exceptions.is_empty(),
        };
        sequence.chain = Chain::of(&sequence, steps);
        sequence
    }

    fn wanted(&mut self, joint: &Joint, exception: Option<usize>) -> Wanted {
        Wanted { cond: self.cond(joint), steps: joint.steps().into_iter().collect(), exception }
    }

    fn cond(&mut self, joint: &Joint) -> Cond {
        match joint {
            Joint::Const(value) => Cond::Const(*value),
            Joint::Not(inner) => Cond::Not(Box::new(self.cond(inner))),
            Joint::Droppable(inner, _) => self.cond(inner),
            Joint::And(all) => Cond::And(all.iter().map(|j| self.cond(j)).collect()),
            Joint::Or(all) => Cond::Or(all.iter().map(|j| self.cond(j)).collect()),
            Joint::One(step, event) => self.bit(*step, event),
            Joint::Equal(Equal { left, right, cased, .. }) => {
                Cond::Equal(self.slot(*left, *cased), self.slot(*right, *cased))
            }
        }
    }

    fn bit(&mut self, step: usize, event: &OneEvent) -> Cond {
        let asked = compile(event, self.leaves);
        let Some((unit, _)) = self.steps.get_mut(step) else { return Cond::Const(false) };
        unit.bits.push(asked);
        Cond::Bit { step, bit: unit.bits.len() - 1, nothing: event.holds_on_nothing() }
    }

    fn slot(&mut self, StepField { step, field }: StepField, cased: bool) -> Slot {
        let take = Take::of(field, cased);
        let Some((unit, _)) = self.steps.get_mut(step) else { return Slot { step, slot: usize::MAX } };
        let slot = unit.values.iter().position(|t| *t == take).unwrap_or_else(|| {
            unit.values.push(take);
            unit.values.len() - 1
        });
        Slot { step, slot }
    }
}
