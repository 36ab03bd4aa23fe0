//! Witnesses of rules over several events: an event for each step, joined as the rule joins them; then the edges of time,
//! other identities, guards and exceptions, each alone. Every set of events was put to the evaluator.
//!
//! An event of a step is made as a rule over one event would be satisfied. Then the fields that join it are copied from
//! the event it is joined with; where a step asks something else of such a field, nothing is found.

use super::maker::{Log, Maker};
use super::scene::BEGINNING;
use super::{Because, Refused, Setting, Verdict, Witness, Witnesses, finish};
use crate::event::engine::Engine;
use crate::event::eval::Evaluator;
use crate::event::stream::{Events, Naming, Row, rows};
use crate::event::{Event, Value};
use crate::ir::{Body, Count, Equal, Joint, Key, Meaning, OneEvent, Pred, Role, Steps};
use crate::sema::{FieldId, Kind, Project, Rule, Type};
use crate::source::Span;
use std::sync::Arc;

const MS: i64 = 1000;
/// Alternatives of one step, and near misses of it, that are shown.
const MOST_OF_A_STEP: usize = 32;
/// A count of more events has no witnesses.
const MOST_COUNTED: u64 = 1000;

/// An event and when it happens, in microseconds since the beginning.
type Timed = (i64, Event<'static>);

/// The witnesses of a rule over several events.
///
/// # Errors
/// No events were found on which it fires.
pub(super) fn witnesses(rule: &Rule, project: &Project) -> Result<Witnesses, Refused> {
    let engine = Arc::new(Engine::new([(rule, project)]));
    let meaning = rule.meaning(project, &rule.meta.os);
    let window = match &meaning {
        Meaning::Steps(steps) => steps.within.micros,
        Meaning::Count(count) => count.within.micros,
        Meaning::Single(_) => 0,
    };
    let apart = window.saturating_mul(3).saturating_add(1000 * MS);
    let mut maker = Several { rule, project, engine, apart, out: Witnesses::default() };
    match meaning {
        Meaning::Steps(steps) => maker.steps(&steps)?,
        Meaning::Count(count) => maker.count(&count)?,
        Meaning::Single(_) => {}
    }
    finish(rule, maker.out)
}

struct Several<'a> {
    rule: &'a Rule,
    project: &'a Project,
    engine: Arc<Engine>,
    /// From the beginning of one witness to that of the next: so far that they have nothing to do with each other.
    apart: i64,
    out: Witnesses,
}

fn id(name: &str) -> Option<FieldId> {
    FieldId::find(name)
}

fn set(event: &mut Event<'static>, name: &str, value: Value<'static>) {
    if let Some(id) = id(name) {
        event.set(id, value);
    }
}

/// The fields of which an identity is made, behind the name that they share with a process's.
fn parts(field: FieldId) -> Vec<&'static str> {
    match (field.def().ty, field.short()) {
        (Type::Identity, "host") => vec!["host.name"],
        (Type::Identity, "user") => vec!["user.name", "user.domain", "user.id"],
        (Type::Identity, "parent") => vec!["parent.entity_id", "parent.pid"],
        (Type::Identity, _) => vec!["process.entity_id", "process.pid"],
        _ => vec![],
    }
}

/// Makes a field of one event equal to one of another.
fn copy(from: &Event<'static>, (left, right): (FieldId, FieldId), to: &mut Event<'static>) {
    let pairs: Vec<(Option<FieldId>, Option<FieldId>)> = match parts(left).is_empty() {
        true => vec![(Some(left), Some(right))],
        false => parts(left).into_iter().map(id).zip(parts(right).into_iter().map(id)).collect(),
    };
    for (left, right) in pairs {
        if let (Some(left), Some(right)) = (left, right) {
            match from.get(right).cloned() {
                Some(value) => to.set(left, value),
                None => to.remove(left),
            }
        }
    }
}

/// Takes a field away, or gives it a value that nothing else has.
fn change(event: &mut Event<'static>, field: FieldId, remove: bool) {
    let names = parts(field);
    let fields = if names.is_empty() { vec![field] } else { names.into_iter().filter_map(id).collect() };
    for field in fields {
        match event.get(field).cloned() {
            Some(_) if remove => event.remove(field),
            Some(Value::Text(text)) => event.set(field, Value::of(format!("{text}-2"))),
            Some(Value::Number(n)) => event.set(field, Value::Number(n.saturating_add(1_000))),
            _ => {}
        }
    }
}

impl Several<'_> {
    /// Events of a condition that fire, and near misses with what they turn round.
    fn of(&self, events: &OneEvent, also: &[&OneEvent], not: &[&OneEvent]) -> Witnesses {
        let mut out = Witnesses::default();
        for kind in events.kinds() {
            let with = also.iter().map(|e| e.of(kind).clone());
            let without = not.iter().map(|e| e.of(kind).clone().not());
            let detect = Pred::and(std::iter::once(events.of(kind).clone()).chain(with).chain(without));
            let body = Body { kind, detect, exceptions: vec![], flags: vec![], score: None };
            let evaluator = Evaluator::of_body(self.rule, &body);
            let systems = self.rule.meta.os.clone();
            let setting = Setting { project: self.project, rule: self.rule, kind, systems, fillers: &[] };
            let log = Log { has: &|_| true, seen: &|event| event.clone() };
            Maker::new(&setting, &body, &evaluator, &log).run(&mut out);
        }
        out
    }

    /// When the next witness begins, in microseconds since 1970.
    fn beginning(&self) -> i64 {
        let number = i64::try_from(self.out.all.len()).unwrap_or(i64::MAX);
        BEGINNING.saturating_add(self.apart.saturating_mul(number))
    }

    /// What the rule finds in events.
    fn rows(&self, events: &[Timed]) -> (Vec<Event<'static>>, Vec<Row>) {
        let mut all: Vec<Timed> = events.to_vec();
        all.sort_by_key(|(time, _)| *time);
        let events: Vec<Event<'static>> = all
            .into_iter()
            .map(|(time, mut event)| {
                set(&mut event, "event.time", Value::Number(self.beginning().saturating_add(time)));
                event
            })
            .collect();
        let rows = rows(&self.engine, &events, Naming::Logged);
        (events, rows)
    }

    /// Takes events in if the rule says of them what is expected; whether it does.
    fn push(&mut self, expected: Verdict, clauses: &[Span], detail: &str, events: &[Timed]) -> bool {
        let (events, rows) = self.rows(events);
        let fits = match &expected {
            Verdict::Fires => rows.iter().any(Row::fires),
            Verdict::NearMiss => rows.is_empty(),
            Verdict::Excepted(title) => {
                !rows.iter().any(Row::fires) && rows.iter().any(|r| r.excepted_by.contains(title))
            }
        };
        if fits {
            let because = Because { clauses: clauses.to_vec(), detail: detail.to_owned() };
            self.out.all.push(Witness { verdict: expected, because, events });
        }
        fits
    }

    /// A near miss; one that the rule fires on all the same is counted. What an exception silences is none.
    fn near(&mut self, clauses: &[Span], detail: &str, events: &[Timed]) {
        if !self.push(Verdict::NearMiss, clauses, detail, events) {
            let (_, rows) = self.rows(events);
            self.out.never_alone += usize::from(rows.iter().all(Row::fires));
        }
    }

    /// An event of its own: a host, a user and a process, unless it is asked about them.
    fn identified(&self, event: &Event<'static>, number: i64) -> Event<'static> {
        let mut out = event.clone();
        let os = self.rule.meta.os.first().map_or("windows", |os| os.word());
        let entity = format!("{{00000000-0000-4000-8000-{number:012}}}");
        for (name, value) in [
            ("host.name", Value::of("ws-042")),
            ("host.os", Value::of(os)),
            ("user.name", Value::of("kim")),
            ("process.entity_id", Value::of(entity)),
            ("process.pid", Value::Number(4000 + 4 * number)),
        ] {
            if id(name).is_some_and(|id| event.get(id).is_none()) {
                set(&mut out, name, value);
            }
        }
        out
    }

    fn steps(&mut self, steps: &Steps) -> Result<(), Refused> {
        let mut made: Vec<Witnesses> = vec![];
        for step in &steps.steps {
            let not: Vec<&OneEvent> = step.exceptions.iter().map(|(_, e)| e).collect();
            let of_step = self.of(&step.events, &[], &not);
            made.push(match step.role {
                Role::Optional => of_step,
                Role::Required | Role::Without => finish(self.rule, of_step)?,
            });
        }
        let first = |w: &Witnesses| w.all.iter().find(|w| w.verdict == Verdict::Fires)?.events.first().cloned();
        let firsts: Vec<Option<Event<'static>>> = made.iter().map(first).collect();
        let Some(chosen) = self.joined(steps, &firsts) else { return Ok(()) };
        let spans: Vec<Span> = steps.required().map(|(_, s)| s.span).collect();
        let base: Vec<Timed> = chosen.iter().flatten().cloned().collect();
        let required = Required { steps, chosen: &chosen };
        self.push(Verdict::Fires, &spans, "", &base);
        self.alternatives(&required, &made);
        self.times(&required, &spans);
        self.keys(&required);
        self.numbers(&required);
        self.guards(&required, &firsts);
        self.exceptions(&required);
        Ok(())
    }

    /// An event for each required and optional step, with its time, so that the rule fires.
    fn joined(&self, steps: &Steps, firsts: &[Option<Event<'static>>]) -> Option<Vec<Option<Timed>>> {
        let count = i64::try_from(firsts.len()).unwrap_or(i64::MAX);
        // A third of a minute apart, or closer where the window is short.
        let gap = (steps.within.micros / (count + 1) / MS * MS).clamp(1, 20_000 * MS);
        // What equalities leave open may have to differ: users, or nothing.
        [false, true].into_iter().find_map(|differ| {
            let mut out: Vec<Option<Timed>> = vec![None; firsts.len()];
            let mut time = 0;
            for (i, _) in steps.steps.iter().enumerate().filter(|(_, s)| s.role != Role::Without) {
                let Some(event) = firsts.get(i).cloned().flatten() else { continue };
                let event = self.join(steps, &out, i, &event, differ);
                if let Some(slot) = out.get_mut(i) {
                    *slot = Some((time, event));
                }
                time += gap;
            }
            let events: Vec<Timed> = out.iter().flatten().cloned().collect();
            self.rows(&events).1.iter().any(Row::fires).then_some(out)
        })
    }

    /// An event for a step, joined with those that are chosen.
    fn join(
        &self,
        steps: &Steps,
        chosen: &[Option<Timed>],
        index: usize,
        event: &Event<'static>,
        differ: bool,
    ) -> Event<'static> {
        let mut out = self.identified(event, i64::try_from(index).unwrap_or(0) + 1);
        let at = |step: usize| chosen.get(step).and_then(Option::as_ref).map(|(_, event)| event);
        if differ && index > 0 {
            id("user.name").into_iter().for_each(|user| change(&mut out, user, false));
        }
        if let Some(first) = chosen.iter().enumerate().find_map(|(i, e)| e.as_ref().filter(|_| i != index)) {
            steps.keys.iter().for_each(|key| copy(&first.1, (key.field, key.field), &mut out));
        }
        let Some(step) = steps.steps.get(index) else { return out };
        let joined =
            step.conditions.iter().filter_map(|joint| if let Joint::Equal(e) = joint { Some(e) } else { None });
        for Equal { left, right, .. } in step.equalities.iter().chain(joined) {
            if let Some(other) = at(right.step).filter(|_| left.step == index) {
                copy(other, (left.field, right.field), &mut out);
            }
        }
        out
    }

    /// Each step's other ways to fit, and what just does not.
    fn alternatives(&mut self, required: &Required, made: &[Witnesses]) {
        for (i, of_step) in made.iter().enumerate() {
            let Some((time, first)) = required.at(i).cloned() else { continue };
            if required.steps.steps.get(i).is_none_or(|s| s.role != Role::Required) {
                continue;
            }
            let others = of_step.all.iter().filter(|w| w.events.first().is_some_and(|e| *e != first)).skip(1);
            self.out.cut |= of_step.cut || of_step.all.len() > MOST_OF_A_STEP;
            for witness in others.take(MOST_OF_A_STEP) {
                let Some(event) = witness.events.first() else { continue };
                let event = self.join(required.steps, &required.before(i), i, event, false);
                let events = required.with(i, (time, event));
                let Because { clauses, detail } = &witness.because;
                match witness.verdict {
                    Verdict::Fires => _ = self.push(Verdict::Fires, clauses, detail, &events),
                    _ => self.near(clauses, detail, &events),
                }
            }
        }
    }

    /// The window's end and behind it; all at one time; the other way round; a second beginning.
    fn times(&mut self, required: &Required, spans: &[Span]) {
        let window = required.steps.within;
        let within = [window.span];
        self.push(
            Verdict::Fires,
            &within,
            "the last event at the very end of the window",
            &required.last_at(window.micros),
        );
        self.near(&within, "the last event a millisecond behind the window", &required.last_at(window.micros + MS));
        let events: Vec<Timed> = required.events().into_iter().map(|(_, event)| (0, event)).collect();
        self.push(Verdict::Fires, spans, "all at one time", &events);
        if required.steps.ordered {
            let mut times: Vec<i64> = required.events().iter().map(|(time, _)| *time).collect();
            times.reverse();
            let events: Vec<Timed> =
                times.into_iter().zip(required.events()).map(|(t, (_, event))| (t, event)).collect();
            self.near(spans, "the other way round", &events);
        }
        if let Some((index, (time, event))) = required.first() {
            let later = (time + 1, self.identified(event, 90));
            let mut events = required.events();
            let mut again = later.1.clone();
            id("process.pid").into_iter().for_each(|pid| copy(event, (pid, pid), &mut again));
            events.push((later.0, again));
            let (_, rows) = self.rows(&events);
            let beginning = self.beginning();
            let tighter = |row: &Row| match &row.events {
                Events::Steps(all) => {
                    all.iter().any(|(s, t, _)| *s == index && *t == beginning.saturating_add(later.0))
                }
                Events::Counted { .. } => false,
            };
            if rows.iter().any(tighter) {
                self.push(Verdict::Fires, spans, "two beginnings, of which the later one is shown", &events);
            }
        }
    }

    /// Another host, user or process; and none.
    fn keys(&mut self, required: &Required) {
        let Some((last, (time, event))) = required.last() else { return };
        for Key { field, span } in &required.steps.keys {
            for (remove, what) in [(false, "the last event has another one"), (true, "the last event lacks it")] {
                let mut changed = event.clone();
                change(&mut changed, *field, remove);
                self.near(&[*span], what, &required.with(last, (time, changed)));
            }
        }
        for (i, step) in required.steps.required() {
            for equal in step.equalities.iter().filter(|e| e.left.step == i) {
                let Some((time, event)) = required.at(i) else { continue };
                let mut changed = event.clone();
                change(&mut changed, equal.left.field, false);
                self.near(&[equal.span], "these differ", &required.with(i, (*time, changed)));
            }
        }
    }

    /// Processes that are known by their numbers alone, and a number that is used again.
    fn numbers(&mut self, required: &Required) {
        let process = |field: FieldId| field.def().ty == Type::Identity && parts(field).contains(&"process.pid");
        let key = required.steps.keys.iter().find(|k| process(k.field)).map(|k| k.span);
        let equal = required.steps.steps.iter().flat_map(|s| &s.equalities).find(|e| process(e.left.field));
        let Some(span) = key.or(equal.map(|e| e.span)) else { return };
        let entities = ["process.entity_id", "parent.entity_id"].map(id);
        let mut events = required.events();
        for (_, event) in &mut events {
            entities.into_iter().flatten().for_each(|entity| event.remove(entity));
        }
        if !self.push(Verdict::Fires, &[span], "known by host and number", &events) {
            return;
        }
        let (Some((from, one)), Some((to, other))) = (events.first().cloned(), events.last().cloned()) else { return };
        let mut start = self.identified(&Event::new(Kind::Process), 91);
        entities.into_iter().flatten().for_each(|entity| start.remove(entity));
        for name in ["host.name", "process.pid"] {
            let of = if id(name).is_some_and(|id| other.get(id).is_some()) { &other } else { &one };
            id(name).into_iter().for_each(|id| copy(of, (id, id), &mut start));
        }
        set(&mut start, "executable", Value::of(r"C:\Windows\System32\notepad.exe"));
        start.derive();
        events.push((from + (to - from).max(2) / 2, start));
        self.near(&[span], "the number was used again in between", &events);
    }

    /// An event that must not be there: in the gap, and at its ends.
    fn guards(&mut self, required: &Required, firsts: &[Option<Event<'static>>]) {
        for (i, step) in required.steps.of_role(Role::Without) {
            let (Some(event), Some((before, behind))) = (firsts.get(i).cloned().flatten(), required.steps.gap(i))
            else {
                continue;
            };
            let (Some((from, _)), Some((to, _))) = (required.at(before), required.at(behind)) else { continue };
            let event = self.join(required.steps, &required.before(behind), i, &event, false);
            let ends = [
                ((from + to) / 2, "such an event in between"),
                (*from, "such an event at the gap's beginning"),
                (*to, "such an event at the gap's end"),
            ];
            for (time, what) in ends {
                let mut events = required.events();
                events.push((time, event.clone()));
                self.near(&[step.span], what, &events);
            }
        }
    }

    /// An excepted event alone, and beside a real one.
    fn exceptions(&mut self, required: &Required) {
        for (i, step) in required.steps.required() {
            for (index, exception) in &step.exceptions {
                let of = self.of(&step.events, &[exception], &[]);
                let made = of.all.iter().find(|w| w.verdict == Verdict::Fires).and_then(|w| w.events.first());
                let (Some(made), Some((time, _)), Some(titled)) =
                    (made, required.at(i), self.rule.exceptions.get(*index))
                else {
                    continue;
                };
                let (title, span) = (titled.title.clone(), titled.span());
                let event = self.join(required.steps, &required.before(i), i, made, false);
                self.push(Verdict::Excepted(title), &[span], "", &required.with(i, (*time, event.clone())));
                let mut events = required.events();
                events.push((*time, event));
                self.push(Verdict::Fires, &[step.span], "beside an excepted event", &events);
            }
        }
        for (index, joint) in &required.steps.exceptions {
            let (Joint::Equal(Equal { left, right, .. }), Some(titled)) = (joint, self.rule.exceptions.get(*index))
            else {
                continue;
            };
            let (title, span) = (titled.title.clone(), titled.span());
            if let (Some((time, event)), Some((_, other))) = (required.at(left.step), required.at(right.step)) {
                let mut event = event.clone();
                copy(other, (left.field, right.field), &mut event);
                self.push(Verdict::Excepted(title), &[span], "", &required.with(left.step, (*time, event)));
            }
        }
        // Some conditions over several events are not solved; that they have no witness is said.
        let shown = self.out.all.iter().filter(|w| matches!(w.verdict, Verdict::Excepted(_))).count();
        self.out.never_alone += self.rule.exceptions.len().saturating_sub(shown);
    }

    fn count(&mut self, count: &Count) -> Result<(), Refused> {
        let not: Vec<&OneEvent> = count.exceptions.iter().map(|(_, e)| e).collect();
        let made = finish(self.rule, self.of(&count.events, &[], &not))?;
        let first = made.all.iter().find(|w| w.verdict == Verdict::Fires).and_then(|w| w.events.first());
        let Some(first) = first.cloned().filter(|_| count.at_least <= MOST_COUNTED) else { return Ok(()) };
        let first = self.identified(&first, 1);
        let many = i64::try_from(count.at_least).unwrap_or(1);
        let gap = (count.within.micros / (many + 1)).clamp(1, 20_000 * MS);
        let base: Vec<Timed> = (0..many).map(|i| (i * gap, self.counted(count, &first, i))).collect();
        let (spans, within) = ([count.at_least_span], [count.within.span]);
        self.push(Verdict::Fires, &spans, "", &base);
        let last_at = |time: i64| {
            let mut events = base.clone();
            events.last_mut().into_iter().for_each(|last| last.0 = time);
            events
        };
        if many > 1 {
            self.push(
                Verdict::Fires,
                &within,
                "the last event at the very end of the window",
                &last_at(count.within.micros),
            );
            self.near(&within, "the last event a millisecond behind the window", &last_at(count.within.micros + MS));
        }
        self.near(&spans, "one too few", base.get(1..).unwrap_or_default());
        let mut others: Vec<(Span, FieldId, bool, &str)> = vec![];
        for Key { field, span } in &count.keys {
            others.push((*span, *field, false, "the last event has another one"));
            others.push((*span, *field, true, "the last event lacks it"));
        }
        if let Some(Key { field, span }) = count.distinct {
            others.push((span, field, true, "the last event lacks it"));
            let same: Vec<Timed> = base.iter().map(|(time, _)| (*time, first.clone())).collect();
            if many > 1 {
                self.near(&[span], "all the same", &same);
            }
        }
        for (span, field, remove, what) in others.into_iter().filter(|(_, _, remove, _)| *remove || many > 1) {
            let mut events = base.clone();
            events.last_mut().into_iter().for_each(|(_, event)| change(event, field, remove));
            self.near(&[span], what, &events);
        }
        for (index, exception) in &count.exceptions {
            let of = self.of(&count.events, &[exception], &[]);
            let made = of.all.iter().find(|w| w.verdict == Verdict::Fires).and_then(|w| w.events.first());
            if let (Some(made), Some(titled)) = (made.cloned(), self.rule.exceptions.get(*index)) {
                let (title, span) = (titled.title.clone(), titled.span());
                let made = self.identified(&made, 1);
                let events: Vec<Timed> = (0..many).map(|i| (i * gap, self.counted(count, &made, i))).collect();
                self.push(Verdict::Excepted(title), &[span], "", &events);
            }
        }
        Ok(())
    }

    /// One of the events that are counted: of different values, each its own.
    fn counted(&self, count: &Count, event: &Event<'static>, number: i64) -> Event<'static> {
        let mut out = event.clone();
        if number > 0
            && let Some(key) = count.distinct
        {
            let names = parts(key.field);
            let fields = if names.is_empty() { vec![key.field] } else { names.into_iter().filter_map(id).collect() };
            for field in fields {
                match out.get(field).cloned() {
                    Some(Value::Text(text)) => out.set(field, Value::of(format!("{text}{number}"))),
                    Some(Value::Number(n)) => out.set(field, Value::Number(n.saturating_add(number))),
                    _ => {}
                }
            }
        }
        out
    }
}

/// The events that fire, by step.
struct Required<'a> {
    steps: &'a Steps,
    chosen: &'a [Option<Timed>],
}

impl Required<'_> {
    fn at(&self, step: usize) -> Option<&Timed> {
        self.chosen.get(step)?.as_ref()
    }

    /// Those of the required steps.
    fn events(&self) -> Vec<Timed> {
        self.steps.required().filter_map(|(i, _)| self.at(i).cloned()).collect()
    }

    /// With another event in a step's place.
    fn with(&self, step: usize, event: Timed) -> Vec<Timed> {
        let other = |(i, _)| if i == step { Some(event.clone()) } else { self.at(i).cloned() };
        self.steps.required().filter_map(other).collect()
    }

    /// Those before a step.
    fn before(&self, step: usize) -> Vec<Option<Timed>> {
        self.chosen.iter().enumerate().map(|(i, e)| e.clone().filter(|_| i < step)).collect()
    }

    fn first(&self) -> Option<(usize, (i64, &Event<'static>))> {
        self.steps.required().find_map(|(i, _)| self.at(i).map(|(time, event)| (i, (*time, event))))
    }

    fn last(&self) -> Option<(usize, (i64, &Event<'static>))> {
        self.steps.required().filter_map(|(i, _)| self.at(i).map(|(time, event)| (i, (*time, event)))).last()
    }

    /// With the last event at another time.
    fn last_at(&self, time: i64) -> Vec<Timed> {
        let mut events = self.events();
        events.last_mut().into_iter().for_each(|last| last.0 = time);
        events
    }
}
