//! The events of a rule's firing tests, for what replays them elsewhere.

use super::input;
use super::temporal::asked;
use crate::event::engine::Engine;
use crate::event::eval::Evaluator;
use crate::event::stream::{Naming, rows};
use crate::event::{Event, Value};
use crate::project::Loaded;
use crate::sema::Rule;
use crate::syntax::ast::{TestInput, Verdict};
use crate::vocabulary::FieldId;
use std::sync::Arc;

/// When the first test starts whose events have no time: 2026-01-01, in microseconds since 1970.
const START: i64 = 1_767_225_600_000_000;
const DAY: i64 = 86_400_000_000;

/// Returns the events of each test that fires, with their times: written events of each test are a day behind those of the
/// test before, so that no test completes another one. A recording that cannot be read is left out.
#[must_use]
pub fn firing(rule: &Rule, loaded: &Loaded) -> Vec<Vec<Event<'static>>> {
    let time = FieldId::find("event.time");
    let mut out = vec![];
    for test in rule.tests.iter().filter(|t| matches!(t.verdict, Verdict::Fires(_))) {
        let Ok(given) = input::events(test, loaded) else { continue };
        let mut events = asked(test, given).events;
        if let (TestInput::Events(_), Some(time)) = (&test.input, time) {
            let first = events.iter().filter_map(Event::time).min().unwrap_or(START);
            let start = START.saturating_add(DAY.saturating_mul(i64::try_from(out.len()).unwrap_or(0)));
            for event in &mut events {
                let since = event.time().map_or(0, |t| t.saturating_sub(first));
                event.set(time, Value::Number(start.saturating_add(since)));
            }
        }
        out.push(events);
    }
    out
}

/// Says whether a rule fires on events, as logs have them.
pub enum Checker {
    /// A rule over single events.
    Single(Box<Evaluator>),
    /// A rule over several.
    Several(Arc<Engine>),
}

impl Checker {
    /// Returns the checker of a rule.
    #[must_use]
    pub fn new(rule: &Rule, loaded: &Loaded) -> Checker {
        match rule.over_several_events() {
            Some(_) => Checker::Several(Arc::new(Engine::new([(rule, &loaded.project)]))),
            None => Checker::Single(Box::new(Evaluator::new(rule, &loaded.project))),
        }
    }

    /// Returns those of a test's events that the rule fires on: all of them, if it needs several and they are enough.
    #[must_use]
    pub fn firing(&self, events: &[Event]) -> Vec<bool> {
        match self {
            Checker::Single(evaluator) => events.iter().map(|event| evaluator.verdict(event).fires()).collect(),
            Checker::Several(engine) => {
                let found = rows(engine, events, Naming::Logged);
                vec![found.is_ok_and(|found| found.iter().any(|row| row.fires())); events.len()]
            }
        }
    }
}
