//! Witnesses of rules over several events: an event for each step, joined as the rule joins them; then the edges of time,
//! other identities, guards and exceptions, each alone. Every set of events was put to the evaluator.
//!
//! An event of a step is made as a rule over one event would be satisfied. Then the fields that join it are copied from
//! the event it is joined with; where a step asks something else of such a field, nothing is found.

mod count;
mod fields;
pub mod on_target;
mod steps;

use super::maker::{Log, Maker};
use super::scene::BEGINNING;
use super::{Because, Budget, Conflict, Refused, Setting, Verdict, Witness, Witnesses, finish};
use crate::event::engine::Engine;
use crate::event::eval::Evaluator;
use crate::event::stream::{Naming, Row, Undecided, rows};
use crate::event::{Event, Value};
use crate::ir::{Body, Meaning, OneEvent, Pred};
use crate::sema::{Project, Rule};
use crate::source::Span;
use crate::vocabulary::{FieldId, Kind, Os};
use fields::{id, set};
use std::sync::Arc;

const MS: i64 = 1000;
/// Alternatives of one step, and near misses of it, that are shown.
const MOST_OF_A_STEP: usize = 1000;
/// A count of more events has no witnesses.
const MOST_COUNTED: u64 = 1000;

/// An event and when it happens, in microseconds since the beginning.
type Timed = (i64, Event<'static>);

/// Where the events of a rule are logged, and what it means there.
struct World<'a> {
    meaning: Meaning,
    systems: Vec<Os>,
    fillers: &'a [String],
    /// Whether events of a kind have a field.
    has: &'a dyn Fn(Kind, FieldId) -> bool,
    /// An event as its log tells of it; `None`: no log holds it.
    seen: &'a dyn Fn(&Event<'static>) -> Option<Event<'static>>,
    /// Processes without an entity id are known by host and number.
    numbered: bool,
    /// The domain of an account that a rule asks nothing of.
    domain: Option<&'static str>,
    /// What the search may cost.
    budget: Budget,
}

/// The witnesses of a rule over several events, in the language's own fields.
///
/// # Errors
/// No events were found on which it fires.
pub(super) fn witnesses(rule: &Rule, project: &Project, budget: &Budget) -> Result<Witnesses, Refused> {
    let world = World {
        meaning: rule.meaning(project, &rule.meta.os),
        systems: rule.meta.os.clone(),
        fillers: &[],
        has: &|_, _| true,
        seen: &|event| {
            let mut read = event.clone();
            read.derive();
            Some(read)
        },
        numbered: true,
        domain: None,
        budget: budget.clone(),
    };
    made(rule, project, &world)
}

fn made(rule: &Rule, project: &Project, world: &World) -> Result<Witnesses, Refused> {
    let engine = Arc::new(Engine::meaning(rule, &world.meaning));
    let window = match &world.meaning {
        Meaning::Steps(steps) => steps.within.micros,
        Meaning::Count(count) => count.within.micros,
        Meaning::Single(_) => 0,
    };
    let apart = window.saturating_mul(3).saturating_add(1000 * MS);
    let mut maker = Several { rule, project, world, engine, apart, own: true, out: Witnesses::default() };
    match &world.meaning {
        Meaning::Steps(steps) => maker.steps(steps)?,
        Meaning::Count(count) => maker.count(count)?,
        Meaning::Single(_) => {}
    }
    // What joins events is tried and not solved: that none were found proves nothing.
    maker.out.cut_off |= world.budget.is_spent();
    finish(rule, maker.out, &world.budget).map_err(|Refused::Unsatisfiable(span, conflict)| {
        Refused::Unsatisfiable(span, Conflict { certain: false, ..conflict })
    })
}

fn because(clauses: &[Span], detail: &str) -> Because {
    Because { clauses: clauses.to_vec(), negated: vec![], detail: detail.to_owned() }
}

struct Several<'a> {
    rule: &'a Rule,
    project: &'a Project,
    world: &'a World<'a>,
    engine: Arc<Engine>,
    /// From the beginning of one witness to that of the next: so far that they have nothing to do with each other.
    apart: i64,
    /// A process that starts at a later step is another one.
    own: bool,
    out: Witnesses,
}

impl Several<'_> {
    /// Events of a condition that fire, and near misses with what they turn round.
    fn of(&self, events: &OneEvent, also: &[&OneEvent], not: &[&OneEvent], budget: &Budget) -> Witnesses {
        let mut out = Witnesses::default();
        let kinds: Vec<Kind> = events.kinds().collect();
        for (i, kind) in kinds.iter().copied().enumerate() {
            let with = also.iter().map(|e| e.of(kind).clone());
            let without = not.iter().map(|e| e.of(kind).clone().not());
            let detect = Pred::and(std::iter::once(events.of(kind).clone()).chain(with).chain(without));
            let body = Body { kind, detect, exceptions: vec![], flags: vec![], score: None, names: vec![] };
            let evaluator = Evaluator::of_body(self.rule, &body);
            let (systems, fillers) = (self.world.systems.clone(), self.world.fillers);
            let nothing = || Event::new(kind);
            let log = Log {
                has: &|field| (self.world.has)(kind, field),
                seen: &|event| (self.world.seen)(event).unwrap_or_else(nothing),
            };
            budget.share(kinds.len() - i, |part| {
                let (project, rule, budget) = (self.project, self.rule, part.clone());
                let setting = Setting { project, rule, kind, systems, fillers, budget };
                Maker::new(&setting, &body, &evaluator, &log).run(&mut out);
            });
        }
        out.all.retain(|w| w.events.iter().all(|e| e.fields().next().is_some()));
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
        let logged = |(time, mut event): Timed| {
            let time = || Value::Number(self.beginning().saturating_add(time));
            set(&mut event, "event.time", time());
            let mut seen = (self.world.seen)(&event)?;
            // A log may leave its times to whoever reads it.
            set(&mut seen, "event.time", time());
            Some(seen)
        };
        let Some(events) = all.into_iter().map(logged).collect::<Option<Vec<Event<'static>>>>() else {
            return (vec![], vec![]);
        };
        // A set of which nothing can be said is no witness.
        match rows(&self.engine, &events, Naming::Logged) {
            Ok(rows) => (events, rows),
            Err(Undecided) => (vec![], vec![]),
        }
    }

    /// Takes events in if the rule says of them what is expected; whether it does.
    fn push(&mut self, expected: Verdict, clauses: &[Span], detail: &str, events: &[Timed]) -> bool {
        self.push_as(expected, because(clauses, detail), events)
    }

    fn push_as(&mut self, expected: Verdict, because: Because, events: &[Timed]) -> bool {
        let (events, rows) = self.rows(events);
        if events.is_empty() {
            return false;
        }
        let fits = match &expected {
            Verdict::Fires => rows.iter().any(Row::fires),
            Verdict::NearMiss => rows.is_empty(),
            Verdict::Excepted(title) => {
                !rows.iter().any(Row::fires) && rows.iter().any(|r| r.excepted_by.contains(title))
            }
        };
        if fits {
            self.out.all.push(Witness { verdict: expected, because, events });
        }
        fits
    }

    /// A near miss; one that the rule fires on all the same is counted. What an exception silences is none.
    fn near(&mut self, clauses: &[Span], detail: &str, events: &[Timed]) {
        self.near_as(because(clauses, detail), events);
    }

    fn near_as(&mut self, because: Because, events: &[Timed]) {
        if !self.push_as(Verdict::NearMiss, because, events) {
            let (events, rows) = self.rows(events);
            self.out.never_alone += usize::from(!events.is_empty() && rows.iter().all(Row::fires));
        }
    }

    /// An event of its own: a host, a user and a process, unless it is asked about them.
    fn identified(&self, event: &Event<'static>, number: i64) -> Event<'static> {
        let mut out = event.clone();
        let os = self.world.systems.first().map_or("windows", |os| os.word());
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
        if let (Some(domain), Some(field)) = (self.world.domain, id("user.domain")) {
            out.set(field, event.get(field).cloned().unwrap_or(Value::of(domain)));
        }
        out
    }
}
