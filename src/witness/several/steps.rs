//! Steps: an event for each, joined as the rule joins them, and what changes alone.

use super::fields::{another_process, change, copy, id, parts, set};
use super::{MOST_OF_A_STEP, MS, Several, Timed};
use crate::event::stream::{Events, Row};
use crate::event::{Event, Value};
use crate::ir::{Equal, Joint, Key, OneEvent, Role, Steps};
use crate::source::Span;
use crate::vocabulary::{FieldId, Kind, Type};
use crate::witness::{Refused, Verdict, Witnesses, finish};

impl Several<'_> {
    pub(super) fn steps(&mut self, steps: &Steps) -> Result<(), Refused> {
        let mut made: Vec<Witnesses> = vec![];
        for (i, step) in steps.steps.iter().enumerate() {
            // One share is left to exceptions.
            let parts = steps.steps.len() - i + 1;
            let not: Vec<&OneEvent> = step.exceptions.iter().map(|(_, e)| e).collect();
            let of_step = self.world.budget.share(parts, |part| self.of(&step.events, &[], &not, part));
            self.out.cut_off |= of_step.cut_off;
            made.push(match step.role {
                Role::Optional => of_step,
                Role::Required | Role::Without => finish(self.rule, of_step, &self.world.budget)?,
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
    fn joined(&mut self, steps: &Steps, firsts: &[Option<Event<'static>>]) -> Option<Vec<Option<Timed>>> {
        let count = i64::try_from(firsts.len()).unwrap_or(i64::MAX);
        // A third of a minute apart, or closer where the window is short.
        let gap = (steps.within.micros / (count + 1) / MS * MS).clamp(1, 20_000 * MS);
        // What equalities leave open may have to differ: users, or nothing. Processes do, unless the rule asks for one.
        [(true, false), (true, true), (false, false), (false, true)].into_iter().find_map(|(own, differ)| {
            self.own = own;
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
        if self.own && index > 0 && out.kind == Kind::Process {
            another_process(&mut out, i64::try_from(index).unwrap_or(0));
        }
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
                let because = witness.because.clone();
                match witness.verdict {
                    Verdict::Fires => _ = self.push_as(Verdict::Fires, because, &events),
                    _ => self.near_as(because, &events),
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
        if !self.world.numbered {
            return;
        }
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
                let of = self.of(&step.events, &[exception], &[], &self.world.budget);
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
