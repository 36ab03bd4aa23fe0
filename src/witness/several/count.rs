//! Counts: as many events as are wanted, and one too few.

use super::fields::{change, id, parts};
use super::{MOST_COUNTED, MS, Several, Timed};
use crate::event::stream::Naming;
use crate::event::{Event, Value};
use crate::ir::{Count, Key, OneEvent};
use crate::source::Span;
use crate::vocabulary::{FieldId, Type};
use crate::witness::{Refused, Verdict, finish};
use std::net::Ipv4Addr;

impl Several<'_> {
    pub(super) fn count(&mut self, count: &Count) -> Result<(), Refused> {
        let not: Vec<&OneEvent> = count.exceptions.iter().map(|(_, e)| e).collect();
        // As much is left to exceptions.
        let of_events = self.world.budget.share(2, |part| self.of(&count.events, &[], &not, part));
        self.out.cut_off |= of_events.cut_off;
        let made = finish(self.rule, of_events, &self.world.budget)?;
        let first = made.all.iter().find(|w| w.verdict == Verdict::Fires).and_then(|w| w.events.first());
        let Some(first) = first.cloned().filter(|_| count.at_least <= MOST_COUNTED) else { return Ok(()) };
        let first = self.identified(&first, 1);
        let many = i64::try_from(count.at_least).unwrap_or(1);
        let gap = (count.within.micros / (many + 1)).clamp(1, 20_000 * MS);
        let others: Vec<&Event<'static>> =
            made.all.iter().filter(|w| w.verdict == Verdict::Fires).filter_map(|w| w.events.first()).collect();
        let base = self.all_counted(count, &first, &others, gap);
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
            let of = self.of(&count.events, &[exception], &[], &self.world.budget);
            let made = of.all.iter().find(|w| w.verdict == Verdict::Fires).and_then(|w| w.events.first());
            if let (Some(made), Some(titled)) = (made.cloned(), self.rule.exceptions.get(*index)) {
                let (title, span) = (titled.title.clone(), titled.span());
                let made = self.identified(&made, 1);
                let events = self.all_counted(count, &made, &[], gap);
                self.push(Verdict::Excepted(title), &[span], "", &events);
            }
        }
        Ok(())
    }

    /// As many events as are wanted; where values must differ, in values that the condition takes: made of the first one's,
    /// or those of `others`.
    fn all_counted(&self, count: &Count, first: &Event<'static>, others: &[&Event<'static>], gap: i64) -> Vec<Timed> {
        let many = i64::try_from(count.at_least).unwrap_or(1);
        let mut made: Vec<Event<'static>> = (0..many).map(|i| self.counted(count, first, i)).collect();
        if let Some(key) = count.distinct
            && !made.iter().all(|event| self.is_counted(event))
        {
            let value = |event: &Event<'static>| event.get(key.field).cloned();
            made.retain(|event| self.is_counted(event));
            for event in others.iter().map(|event| self.identified(event, 1)) {
                if made.len() < usize::try_from(many).unwrap_or(0) && made.iter().all(|m| value(m) != value(&event)) {
                    made.push(event);
                }
            }
        }
        made.into_iter().zip(0..).map(|(event, i)| (i * gap, event)).collect()
    }

    fn is_counted(&self, event: &Event<'static>) -> bool {
        let seen = (self.world.seen)(event);
        seen.is_some_and(|event| self.engine.fits(&event, Naming::Logged).iter().any(|fit| fit.fits))
    }

    /// One of the events that are counted: of different values, each its own.
    fn counted(&self, count: &Count, event: &Event<'static>, number: i64) -> Event<'static> {
        let mut out = event.clone();
        if number > 0
            && let Some(key) = count.distinct
        {
            if key.field.short() == "file.directory" {
                deeper(&mut out, number);
                return out;
            }
            let names = parts(key.field);
            let fields = if names.is_empty() { vec![key.field] } else { names.into_iter().filter_map(id).collect() };
            for field in fields {
                match out.get(field).cloned() {
                    Some(Value::Text(text)) => out.set(field, Value::of(numbered(&text, field.def().ty, number))),
                    Some(Value::Number(n)) => out.set(field, Value::Number(n.saturating_add(number))),
                    _ => {}
                }
            }
        }
        out
    }
}

/// Another text of the same type.
fn numbered(text: &str, ty: Type, number: i64) -> String {
    let address = text.parse::<Ipv4Addr>().map(u32::from).ok().zip(u32::try_from(number).ok());
    match (ty, address) {
        (Type::Ip, Some((address, number))) => Ipv4Addr::from(address.wrapping_add(number)).to_string(),
        (Type::Hash(digits), _) => format!("{number:0digits$x}"),
        _ => format!("{text}{number}"),
    }
}

/// Puts a file into a folder of this number, in the one that it is in.
fn deeper(event: &mut Event<'static>, number: i64) {
    let [Some(path), Some(directory)] = ["file.path", "file.directory"].map(id) else { return };
    let text = |field| event.text(field).map(str::to_owned);
    let separator =
        if [path, directory].iter().any(|f| event.text(*f).is_some_and(|t| t.contains('/'))) { '/' } else { '\\' };
    if let Some((folder, name)) = text(path).as_deref().and_then(|p| p.rsplit_once(separator)) {
        event.set(path, Value::of(format!("{folder}{separator}{number}{separator}{name}")));
        event.set(directory, Value::of(format!("{folder}{separator}{number}")));
    } else if let Some(folder) = text(directory) {
        event.set(directory, Value::of(format!("{folder}{separator}{number}")));
    }
}
