//! Rules over several events by brute force: every choice of events for the steps is looked at, every instant of a count.

use super::{Event, Value, holds};
use arcanary::ir::{Count, Equal, Joint, OneEvent, Role, Step, StepField, Steps};
use arcanary::syntax::ast;
use arcanary::vocabulary::{FieldId, Type};
use std::collections::BTreeMap;

/// An event and its time, in microseconds. Identities are fields of it, as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Happened {
    pub time: i64,
    pub event: Event,
}

impl Happened {
    /// The event of a rule's inline test. Host and user are one and the same unless given; a process without an id is known
    /// by its host and its executable.
    pub fn inline(written: &ast::Event) -> Happened {
        let mut event = Event::inline(written);
        let text = |event: &Event, name: &str| event.named(name).map(|v| v.text().to_owned());
        let host = text(&event, "host").or_else(|| text(&event, "host.name")).unwrap_or_else(|| "host".to_owned());
        let user = text(&event, "user").or_else(|| text(&event, "user.name")).unwrap_or_else(|| "user".to_owned());
        let put = |event: &mut Event, name: &str, value: String| {
            event.fields.insert(FieldId::find(name).expect("a field"), Value::Text(value));
        };
        for (name, id, image) in
            [("process", "process.entity_id", "executable"), ("parent", "parent.entity_id", "parent.executable")]
        {
            let known = text(&event, id).or_else(|| text(&event, image));
            if let (Some(known), None) = (known, event.named(name)) {
                put(&mut event, name, format!("{host}/{known}"));
            }
        }
        put(&mut event, "host", host);
        put(&mut event, "user", user);
        let seconds = written.offset.map_or(0, |(seconds, _)| seconds);
        Happened { time: i64::try_from(seconds).expect("an offset") * 1_000_000, event }
    }
}

/// What may be told of a match: the time of each step's event, `None` where there is none, and the flags.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Way {
    pub times: Vec<Option<i64>>,
    pub flags: Vec<bool>,
}

/// A completing event, and what a result may tell of it: events at the very same time are as good as each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub completing: usize,
    pub ways: Vec<Way>,
}

/// A burst: the values of its keys, the first time in the window and the instant at which it fires.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Burst {
    pub keys: Vec<String>,
    pub first: i64,
    pub last: i64,
    /// How many events the window holds.
    pub events: usize,
}

/// The value of a field as values of it compare; `None` where the event lacks it.
fn comparable(field: FieldId, happened: &Happened, cased: bool) -> Option<String> {
    let exact = match field.def().ty {
        Type::Identity => field.short() != "user",
        _ => cased,
    };
    match happened.event.get(field)? {
        Value::Text(text) => Some(super::text::folded(text, exact)),
        Value::Number(n) => Some(n.to_string()),
        Value::Bool(b) => Some(b.to_string()),
    }
}

fn asked(one: &OneEvent, event: &Event) -> bool {
    one.kinds().any(|kind| kind == event.kind) && holds(one.of(event.kind), event)
}

/// Whether an event is one of a step's, exceptions that read it alone included.
fn is_of(step: &Step, happened: &Happened) -> bool {
    asked(&step.events, &happened.event) && !step.exceptions.iter().any(|(_, e)| asked(e, &happened.event))
}

/// Events by step; `None` where a step has none.
type Choice = Vec<Option<usize>>;

struct Search<'a> {
    steps: &'a Steps,
    events: &'a [Happened],
}

impl Search<'_> {
    fn value(&self, field: StepField, choice: &Choice, cased: bool) -> Option<String> {
        comparable(field.field, &self.events[choice[field.step]?], cased)
    }

    fn equal(&self, equal: &Equal, choice: &Choice) -> bool {
        let left = self.value(equal.left, choice, equal.cased);
        left.is_some() && left == self.value(equal.right, choice, equal.cased)
    }

    fn joint(&self, joint: &Joint, choice: &Choice) -> bool {
        match joint {
            Joint::Const(value) => *value,
            Joint::Not(inner) => !self.joint(inner, choice),
            Joint::And(all) => all.iter().all(|j| self.joint(j, choice)),
            Joint::Or(all) => all.iter().any(|j| self.joint(j, choice)),
            Joint::Droppable(inner, _) => self.joint(inner, choice),
            Joint::Equal(equal) => self.equal(equal, choice),
            Joint::One(step, one) => match choice[*step] {
                Some(event) => asked(one, &self.events[event].event),
                None => {
                    let kind = one.kinds().next().expect("a kind");
                    holds(one.of(kind), &Event { kind, fields: BTreeMap::new() })
                }
            },
        }
    }

    /// Whether an event may stand in a step, next to those that are chosen already: keys and what the step asks.
    fn fits(&self, index: usize, event: usize, choice: &Choice) -> bool {
        let step = &self.steps.steps[index];
        let mut with = choice.clone();
        with[index] = Some(event);
        let same_keys = self.steps.keys.iter().all(|key| {
            let own = comparable(key.field, &self.events[event], false);
            let others = choice.iter().flatten().map(|e| comparable(key.field, &self.events[*e], false));
            own.is_some() && others.into_iter().all(|other| other == own)
        });
        is_of(step, &self.events[event])
            && !choice.contains(&Some(event))
            && same_keys
            && step.equalities.iter().all(|e| self.equal(e, &with))
            && step.conditions.iter().all(|c| self.joint(c, &with))
    }

    fn time(&self, event: usize) -> i64 {
        self.events[event].time
    }

    /// Every match: each choice of events for the required steps that fulfils all conditions.
    fn matches(&self) -> Vec<Choice> {
        let mut choices: Vec<Choice> = vec![vec![None; self.steps.steps.len()]];
        for (index, _) in self.steps.required() {
            let mut next = vec![];
            for choice in &choices {
                // A choice that is too long, or out of order, already stays so.
                let times: Vec<i64> = choice.iter().flatten().map(|e| self.time(*e)).collect();
                let in_time = |event: &usize| {
                    let near = times.iter().all(|t| (self.time(*event) - t).abs() <= self.steps.within.micros);
                    near && !(self.steps.ordered && times.iter().any(|t| *t > self.time(*event)))
                };
                for event in (0..self.events.len()).filter(in_time).filter(|e| self.fits(index, *e, choice)) {
                    let mut with = choice.clone();
                    with[index] = Some(event);
                    next.push(with);
                }
            }
            choices = next;
        }
        choices.retain(|choice| {
            let times: Vec<i64> = choice.iter().flatten().map(|e| self.time(*e)).collect();
            let (first, last) = (times.iter().min().expect("steps"), times.iter().max().expect("steps"));
            let in_order = times.windows(2).all(|pair| pair[0] <= pair[1]);
            last - first <= self.steps.within.micros
                && (in_order || !self.steps.ordered)
                && !self.steps.of_role(Role::Without).any(|(index, _)| self.forbidden(index, choice))
                && !self.steps.exceptions.iter().any(|(_, e)| self.joint(e, choice))
        });
        choices
    }

    /// Whether a forbidden event lies in its gap.
    fn forbidden(&self, index: usize, choice: &Choice) -> bool {
        let before = choice[..index].iter().rev().flatten().next().expect("a step before");
        let behind = choice[index..].iter().flatten().next().expect("a step behind");
        let inside = |event: usize| self.time(*before) <= self.time(event) && self.time(event) <= self.time(*behind);
        (0..self.events.len()).any(|event| inside(event) && self.fits(index, event, choice))
    }

    /// The latest event; at equal times that of the highest step.
    fn completing(&self, choice: &Choice) -> usize {
        choice.iter().flatten().copied().max_by_key(|e| self.time(*e)).expect("steps")
    }

    /// The times from first to last: by step in a sequence, else by themselves.
    fn order(&self, choice: &Choice) -> Vec<i64> {
        let mut times: Vec<i64> = choice.iter().flatten().map(|e| self.time(*e)).collect();
        if !self.steps.ordered {
            times.sort_unstable();
        }
        times
    }

    /// Every way of adding the optional steps to a match.
    fn with_optional(&self, choice: &Choice) -> Vec<Choice> {
        let first = self.order(choice).into_iter().min().expect("steps");
        let mut ways = vec![(choice.clone(), self.time(self.completing(choice)))];
        for (index, _) in self.steps.of_role(Role::Optional) {
            ways = ways
                .into_iter()
                .flat_map(|(choice, after)| {
                    let inside =
                        |e: &usize| self.time(*e) >= after && self.time(*e) - first <= self.steps.within.micros;
                    let found: Vec<usize> =
                        (0..self.events.len()).filter(inside).filter(|e| self.fits(index, *e, &choice)).collect();
                    let Some(earliest) = found.iter().map(|e| self.time(*e)).min() else {
                        return vec![(choice, after)];
                    };
                    let best = found.into_iter().filter(|e| self.time(*e) == earliest);
                    best.map(|e| {
                        let mut with = choice.clone();
                        with[index] = Some(e);
                        (with, earliest)
                    })
                    .collect()
                })
                .collect();
        }
        ways.into_iter().map(|(choice, _)| choice).collect()
    }

    fn way(&self, choice: &Choice) -> Way {
        Way {
            times: choice.iter().map(|e| e.map(|e| self.time(e))).collect(),
            flags: self.steps.flags.iter().map(|f| self.joint(&f.joint, choice)).collect(),
        }
    }
}

/// One row for each completing event, in the order of the events.
pub fn rows(steps: &Steps, events: &[Happened]) -> Vec<Row> {
    let search = Search { steps, events };
    let mut by_event: BTreeMap<usize, Vec<Choice>> = BTreeMap::new();
    for choice in search.matches() {
        by_event.entry(search.completing(&choice)).or_default().push(choice);
    }
    by_event
        .into_iter()
        .map(|(completing, choices)| {
            let greatest = choices.iter().map(|c| search.order(c)).max().expect("a match");
            let best = choices.iter().filter(|c| search.order(c) == greatest);
            let mut ways: Vec<Way> = best.flat_map(|c| search.with_optional(c)).map(|c| search.way(&c)).collect();
            ways.sort();
            ways.dedup();
            Row { completing, ways }
        })
        .collect()
}

/// One row for each burst, sorted.
pub fn bursts(count: &Count, events: &[Happened]) -> Vec<Burst> {
    let mut groups: BTreeMap<Vec<String>, Vec<(i64, Option<String>)>> = BTreeMap::new();
    for happened in events {
        let excepted = count.exceptions.iter().any(|(_, e)| asked(e, &happened.event));
        let keys: Option<Vec<String>> = count.keys.iter().map(|k| comparable(k.field, happened, false)).collect();
        let value = count.distinct.map(|k| comparable(k.field, happened, false));
        if let (true, false, Some(keys)) = (asked(&count.events, &happened.event), excepted, keys)
            && value != Some(None)
        {
            groups.entry(keys).or_default().push((happened.time, value.flatten()));
        }
    }
    let mut out = vec![];
    for (keys, group) in groups {
        let inside = |at: i64| group.iter().filter(move |(t, _)| at - count.within.micros <= *t && *t <= at);
        let met = |at: i64| {
            let mut values: Vec<&Option<String>> = inside(at).map(|(_, v)| v).collect();
            if count.distinct.is_some() {
                values.sort();
                values.dedup();
            }
            u64::try_from(values.len()).expect("few events") >= count.at_least
        };
        let mut instants: Vec<i64> = group.iter().map(|(t, _)| *t).filter(|t| met(*t)).collect();
        instants.sort_unstable();
        instants.dedup();
        for last in &instants {
            if !instants.iter().any(|t| last - count.within.micros <= *t && t < last) {
                let first = inside(*last).map(|(t, _)| *t).min().expect("an event");
                out.push(Burst { keys: keys.clone(), first, last: *last, events: inside(*last).count() });
            }
        }
    }
    out.sort();
    out
}
