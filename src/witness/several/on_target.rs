//! Witnesses of rules over several events as rows of a target's logs: what the rule means there, asked of the events that
//! are read back from their rows.

use super::super::{Budget, Refused, Witness, Witnesses};
use super::fields::{id, set};
use super::{World, made};
use crate::backend::sigma;
use crate::event::row;
use crate::event::{Event, Value};
use crate::ir::{Count, Meaning, Role, Steps};
use crate::sema::{Project, Rule};
use crate::target::temporal::{BoundStep, bind_count, bind_steps};
use crate::target::{By, Language, Source, Target, Unsupported, kept};
use crate::vocabulary::{FieldId, Kind, Os};
use serde_json::{Map, Value as Json};
use std::sync::Arc;
use uuid::Uuid;

/// A process whose start is in no log started so many seconds before it was first seen.
const OLDER: i64 = 60;

/// The witnesses of a rule over several events in a target's logs.
pub struct LoggedSets<'t> {
    target: &'t Target,
    os: Os,
    /// The witnesses; events are as read back from their rows.
    pub witnesses: Witnesses,
}

/// The witnesses of a rule over several events in the logs of a target: of the first of the rule's systems on which there
/// are some.
///
/// # Errors
/// The target cannot say the rule: nothing. No events of its logs make it fire: why.
pub fn witnesses_of_several_on<'t>(
    rule: &Rule,
    project: &Project,
    target: &'t Target,
) -> Result<LoggedSets<'t>, Option<Refused>> {
    let budget = Budget::default();
    let mut refused = None;
    for os in &rule.meta.os {
        let Ok(Some(meaning)) = meaning(rule, project, target, *os) else { continue };
        let logs = Logs { target, os: *os };
        let world = World {
            meaning,
            systems: vec![*os],
            fillers: &target.filler,
            has: &|kind, field| logs.has(kind, field),
            seen: &|event| logs.seen(event),
            numbered: logs.numbered(),
            domain: Some("CORP"),
            budget: budget.clone(),
        };
        match made(rule, project, &world) {
            Ok(witnesses) => return Ok(LoggedSets { target, os: *os, witnesses }),
            Err(error) => _ = refused.get_or_insert(error),
        }
    }
    Err(refused)
}

/// What a rule means in the target's logs of a system; `None`: these hold no match.
fn meaning(rule: &Rule, project: &Project, target: &Target, os: Os) -> Result<Option<Meaning>, Vec<Unsupported>> {
    let there = |step: &BoundStep| step.sources.iter().any(|s| s.os.contains(&os));
    Ok(match rule.meaning(project, &rule.meta.os) {
        Meaning::Steps(whole) => {
            let said = |steps: &Steps| match target.language {
                Language::Sigma => sigma::temporal::fit(rule, steps).map(|(steps, _)| steps),
                Language::Kql | Language::Spl => Ok(steps.clone()),
            };
            let plan = bind_steps(rule, &said(&whole)?, project, target)?;
            let Meaning::Steps(of_system) = rule.meaning(project, &[os]) else { return Ok(None) };
            if !plan.steps.iter().filter(|s| s.role == Role::Required).all(there) {
                return Ok(None);
            }
            Some(Meaning::Steps(Arc::new(kept::steps(&said(&of_system)?, &plan, os))))
        }
        Meaning::Count(whole) => {
            let plan = bind_count(rule, &whole, project, target)?;
            let Meaning::Count(of_system) = rule.meaning(project, &[os]) else { return Ok(None) };
            let kept = |count: &Count| Meaning::Count(Arc::new(kept::count(count, &plan, os)));
            there(&plan.events).then(|| kept(&of_system))
        }
        Meaning::Single(_) => None,
    })
}

/// A target's logs of one system.
#[derive(Clone, Copy)]
struct Logs<'t> {
    target: &'t Target,
    os: Os,
}

impl<'t> Logs<'t> {
    fn sources(self, kind: Kind) -> impl Iterator<Item = &'t Source> {
        let all = self.target.sources.get(&kind).map_or(&[][..], Vec::as_slice);
        all.iter().filter(move |s| s.os.contains(&self.os))
    }

    /// The log that an event goes to: one that is constant in a field holds only events of its words.
    fn source(self, event: &Event) -> Option<&'t Source> {
        let admits = |source: &&Source| {
            source.when.iter().all(|(field, words)| event.text(*field).is_none_or(|w| words.iter().any(|o| o == w)))
        };
        self.sources(event.kind).find(admits)
    }

    fn has(self, kind: Kind, field: FieldId) -> bool {
        let constant = |source: &Source| source.when.iter().any(|(f, _)| *f == field);
        self.sources(kind).any(|s| constant(s) || self.target.mapping_in(s, field, kind).is_some())
    }

    /// Whether processes are known by their numbers, and by when they started.
    fn numbered(self) -> bool {
        let process = id("process").and_then(|process| self.target.identity(process, Kind::Process));
        process.is_some_and(|parts| parts.iter().any(|p| p.by == By::Number))
    }

    /// An event as read back from its row. A process has the one name that the target's identity has for it.
    fn seen(self, event: &Event<'static>) -> Option<Event<'static>> {
        let source = self.source(event)?;
        let row = row::write(self.target, source, self.os, event);
        let mut seen = row::read(self.target, source, event.kind, &row);
        for (entity, number) in [("process.entity_id", "process.pid"), ("parent.entity_id", "parent.pid")] {
            let (Some(entity), Some(number)) = (id(entity), id(number)) else { continue };
            if self.numbered() {
                seen.remove(entity);
            } else if seen.get(entity).is_none() {
                seen.remove(number);
            }
        }
        Some(seen)
    }
}

impl LoggedSets<'_> {
    /// The rows of a witness, each with its log: a table, macro, data model or log source. `number` tells rows of one run
    /// apart, and grows with each.
    #[must_use]
    pub fn rows(&self, witness: &Witness, number: &mut usize) -> Vec<(String, Map<String, Json>)> {
        let logs = Logs { target: self.target, os: self.os };
        let row = |event: &Event| {
            let source = logs.source(event)?;
            *number += 1;
            let mut row = row::write(self.target, source, self.os, event);
            self.identify(source, event, &witness.events, &mut row);
            let time = id("event.time");
            if let Some(Value::Number(micros)) = time.and_then(|id| event.get(id))
                && time.is_some_and(|id| self.target.mapping(id, event.kind).is_none())
            {
                row.insert("@timestamp".to_owned(), Json::from(crate::event::time::format(*micros)));
            }
            let identifiers = row::identifiers(self.target, &row, *number);
            row.extend(identifiers);
            let host =
                id("host").and_then(|host| self.target.identity_in(source, host, event.kind)).unwrap_or_default();
            let own = |column: &String| !host.iter().any(|p| p.column == *column);
            for part in self.target.event.iter().filter(|p| own(&p.column)) {
                let id = 10_000 + *number;
                let id = if part.by == By::Number { Json::from(id) } else { Json::from(id.to_string()) };
                row.insert(part.column.clone(), id);
            }
            let place = match source.logsource.is_empty() {
                true => source.word().unwrap_or("").to_owned(),
                false => source.logsource.values().cloned().collect::<Vec<_>>().join("/"),
            };
            Some((place, row))
        };
        witness.events.iter().filter_map(row).collect()
    }

    /// Columns of identities that no field of the language stands for: a host's id, and when a process started.
    fn identify(&self, source: &Source, event: &Event, all: &[Event<'static>], row: &mut Map<String, Json>) {
        for name in ["host", "process", "parent"] {
            let parts = id(name).and_then(|id| self.target.identity_in(source, id, event.kind)).unwrap_or_default();
            for part in parts {
                let value = match part.by {
                    By::Id if name == "host" && !row.contains_key(&part.column) => host_id(event).map(Json::from),
                    By::Time => started(event, name, all).map(|time| self.time(time)),
                    _ => None,
                };
                if let Some(value) = value {
                    row.insert(part.column.clone(), value);
                }
            }
        }
    }

    fn time(&self, micros: i64) -> Json {
        let mut event = Event::new(Kind::Process);
        set(&mut event, "event.time", Value::Number(micros));
        let source = Source::default();
        let row = row::write(self.target, &source, self.os, &event);
        row.into_iter().next().map_or(Json::Null, |(_, value)| value)
    }
}

/// What a sensor calls the host of this name.
fn host_id(event: &Event) -> Option<String> {
    let name = event.text(id("host.name")?)?.to_lowercase();
    let id = Uuid::new_v5(&Uuid::NAMESPACE_DNS, name.as_bytes()).simple().to_string();
    Some(format!("{id}{}", id.get(..8)?))
}

/// When a process of an event started: with its latest start in these events until then, or before them all.
fn started(event: &Event, whose: &str, all: &[Event<'static>]) -> Option<i64> {
    let number = |event: &Event<'_>, name: &str| match event.get(id(name)?) {
        Some(Value::Number(n)) => Some(*n),
        _ => None,
    };
    let host = |event: &Event<'_>| event.text(id("host.name")?).map(str::to_lowercase);
    let (pid, time) = (number(event, &format!("{whose}.pid"))?, number(event, "event.time")?);
    let starts = all.iter().filter(|e| e.kind == Kind::Process && host(e) == host(event));
    let same = starts.filter(|e| number(e, "process.pid") == Some(pid)).filter_map(|e| number(e, "event.time"));
    let first = all.iter().filter_map(|e| number(e, "event.time")).min().unwrap_or(time);
    Some(same.filter(|t| *t <= time).max().unwrap_or(first - OLDER * 1_000_000))
}
