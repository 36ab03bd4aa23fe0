//! Rules over several events, evaluated as events come in: what they mean, and with bounded memory.
//!
//! [`Engine`] asks each event which steps it fits, among the conditions of all other rules. What fits is
//! held until the tolerance for late events has passed, and then looked at in the order of times, one instant after
//! the other: first all events of an instant are taken in, then what they complete is looked for. A match is found in
//! constant time where that is exact (`chain`), else among the events of the window: by matching steps with events
//! (`assign`) and, where conditions join steps, by search (`search`, within a `budget`). Counts keep as many events as they
//! count (`count`). Everything kept is dropped a window later, and counted. A clock that is wrong by more than a day moves
//! no time but its own (`clock`).

mod assign;
mod budget;
mod chain;
mod clock;
mod count;
mod joint;
mod keyed;
pub(super) mod plan;
mod row;
mod search;
mod shared;
mod starts;
mod state;
pub(super) mod value;

pub use joint::Place;
pub use plan::Fit;
pub use row::{Events, Row};
pub use value::Naming;

use super::Event;
use super::engine::{Detected, Engine, Session};
use super::node::Leaves;
use super::scratch::Scratch;
use clock::{Clock, Decided};
use joint::{Candidate, More};
use plan::{Taken, Unit};
use starts::Starts;
use state::{Hit, State};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;

/// How a stream goes about.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// How late an event may come in, in microseconds of the events' own time.
    pub tolerance: i64,
    /// Matches that exceptions silence come out, too.
    pub excepted: bool,
    /// How identities are told.
    pub naming: Naming,
    /// The most events that may be held at a time, or a sixteenth more; without it, as many as there are.
    pub most: Option<usize>,
}

/// What a stream holds, and what it left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Events that fit a step and are kept for a match, a count or the tolerance; once for each.
    pub events: usize,
    /// Keys of all rules for which something is kept.
    pub keys: usize,
    /// Starts of processes that are known by their numbers.
    pub starts: usize,
    /// The most events that were held when that was looked at: eight times in the longest window, and now.
    pub most: usize,
    /// Events that fit a step, or start a process that is known by its number, and came in later than the tolerance
    /// allows: they were left out.
    pub late: u64,
    /// Events that fit a step and have no time: they were left out.
    pub timeless: u64,
    /// Events of which it was not found out whether they complete a match, because too many others had to be tried.
    pub undecided: u64,
    /// Events that lay more than a day, or the tolerance if that is longer, ahead of those around them: they were left out.
    pub ahead: u64,
}

/// Rules over several events while events come in.
#[derive(Debug)]
pub struct Stream {
    engine: Arc<Engine>,
    options: Options,
    /// By the time at which they happened.
    waiting: BTreeMap<i64, Vec<Arrival>>,
    clock: Clock,
    /// The greatest time that is believed, less the tolerance.
    watermark: i64,
    /// The event that is asked about is put aside: what of it waits to be held.
    aside: Option<Vec<(Arrival, bool)>>,
    states: Vec<State>,
    starts: Option<Starts>,
    /// The longest window.
    longest: i64,
    /// When keys were last forgotten, and how many events were held at most.
    swept: i64,
    most: usize,
    /// No row stops waiting before it.
    next_due: i64,
    /// The number of the event that is asked about, and of the last one that was left out.
    next: u64,
    left_out: u64,
    rows: VecDeque<Row>,
    late: u64,
    timeless: u64,
    ahead: u64,
    /// How many more may come in before it is looked whether too many are held; and that this was so.
    unchecked: usize,
    full: bool,
}

/// Something that waits until the tolerance has passed.
#[derive(Debug)]
enum Arrival {
    Started(Rc<str>, i64),
    Fits(Hit),
}

impl Stream {
    /// A stream for the rules over several events among those of an engine.
    #[must_use]
    pub fn new(engine: &Arc<Engine>, options: Options) -> Stream {
        let processes = engine.units.iter().flat_map(|u| u.key.iter().chain(&u.values)).any(|take| take.is_process());
        Stream {
            engine: Arc::clone(engine),
            options,
            waiting: BTreeMap::new(),
            clock: Clock::new(options.tolerance),
            watermark: i64::MIN,
            aside: None,
            states: engine.plans.iter().map(|p| State::new(p, options.excepted)).collect(),
            starts: (processes && options.naming == Naming::Logged).then(Starts::new),
            longest: engine.plans.iter().map(|p| p.window).max().unwrap_or(0),
            swept: i64::MIN,
            most: 0,
            next_due: i64::MAX,
            next: 0,
            left_out: 0,
            rows: VecDeque::new(),
            late: 0,
            timeless: 0,
            ahead: 0,
            unchecked: options.most.unwrap_or(usize::MAX),
            full: false,
        }
    }

    /// Takes in an event, and calls `f` with each rule over single events whose detection holds of it, in order. `session` is
    /// that of the stream's engine.
    pub fn take(&mut self, event: &Event, session: &mut Session, place: Place, f: impl FnMut(Detected)) {
        let engine = Arc::clone(&self.engine);
        self.begin(event);
        engine.ask_all(event, session, |unit, leaves, scratch| self.ask(unit, leaves, event, scratch, place), f);
        self.end(event);
    }

    /// An event begins: what is asked next is about it.
    fn begin(&mut self, event: &Event) {
        self.next += 1;
        let Some(time) = event.time() else { return };
        self.aside = self.clock.doubts(time).then(Vec::new);
        if self.starts.is_some()
            && let Some((host, pid)) = value::started(event)
        {
            self.hold(time, Arrival::Started(host, pid), value::is_known(event));
        }
    }

    /// An event may fit a unit.
    fn ask(
        &mut self,
        (index, unit): (usize, &Unit),
        leaves: &Leaves,
        event: &Event,
        scratch: &mut Scratch,
        place: Place,
    ) {
        let Options { naming, excepted, .. } = self.options;
        let Some(Taken { key, values, bits, excepted }) = unit.take(leaves, event, scratch, naming, excepted) else {
            return;
        };
        let Some(time) = event.time() else {
            self.timeless += u64::from(self.left_out != self.next);
            self.left_out = self.next;
            return;
        };
        let more = !bits.is_empty() || !excepted.is_empty();
        let more = more.then(|| Box::new(More { bits, excepted }));
        let event = Rc::new(Candidate { time, serial: self.next, place, values, more });
        let hit = Hit { unit: index, step: unit.step, key, event };
        self.hold(time, Arrival::Fits(hit), false);
    }

    /// Keeps what came in until the tolerance has passed; what comes in later than that is counted, once for each
    /// event, unless nobody misses it.
    fn hold(&mut self, time: i64, arrival: Arrival, dispensable: bool) {
        self.unchecked = self.unchecked.saturating_sub(1);
        if let Some(aside) = &mut self.aside {
            aside.push((arrival, dispensable));
        } else if time >= self.watermark {
            self.waiting.entry(time).or_default().push(arrival);
        } else if !dispensable && self.left_out != self.next {
            self.late += 1;
            self.left_out = self.next;
        }
    }

    /// An event was asked about: what its time shows to be over is looked at.
    fn end(&mut self, event: &Event) {
        let Some(time) = event.time() else { return };
        let aside = self.aside.take().unwrap_or_default();
        let decided = self.clock.seen(time, aside);
        self.believe(decided);
        let watermark = self.clock.newest().unwrap_or(time).saturating_sub(self.options.tolerance);
        if watermark > self.watermark {
            self.watermark = watermark;
            self.advance(watermark);
        }
        if self.unchecked == 0
            && let Some(most) = self.options.most
        {
            let held = self.held();
            self.full |= held.events.max(held.keys) > most;
            self.unchecked = most.saturating_sub(held.events).max(most / 16).max(1);
        }
    }

    /// Whether more events had to be held than may be: the stream does not go on from here.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.full
    }

    /// Holds events whose time was doubted, or leaves them out.
    fn believe(&mut self, decided: Vec<Decided>) {
        for decided in decided {
            let aside = match decided {
                Decided::Ahead => {
                    self.ahead += 1;
                    continue;
                }
                Decided::Anew(aside, ahead) => {
                    self.ahead += u64::from(ahead);
                    self.begin_anew();
                    self.watermark = aside.time.saturating_sub(self.options.tolerance);
                    aside
                }
                Decided::Believed(aside) | Decided::Late(aside) => aside,
            };
            // Numbers of events that were put aside are over: each counts as one more.
            let late = self.late;
            for (arrival, dispensable) in aside.arrivals {
                self.left_out = if self.late == late { 0 } else { self.next };
                self.hold(aside.time, arrival, dispensable);
            }
        }
    }

    /// What came in so far has a time that nothing else has: it is forgotten, but for the rows that it made.
    fn begin_anew(&mut self) {
        self.due(i64::MAX);
        self.waiting.clear();
        for (state, plan) in self.states.iter_mut().zip(&self.engine.plans) {
            state.begin_anew(plan, self.options.excepted);
        }
        self.starts = self.starts.take().map(|_| Starts::new());
        self.swept = i64::MIN;
        self.next_due = i64::MAX;
    }

    /// No event comes in any more: everything is looked at, and no row waits any longer.
    pub fn finish(&mut self) {
        let decided = self.clock.finish();
        self.believe(decided);
        self.most = self.held().most;
        self.watermark = i64::MAX;
        self.advance(i64::MAX);
    }

    /// The next row. Rows come out when they are decided: at their instant, or when they need not wait for an optional
    /// event any longer; those of one moment by time, rule and place.
    pub fn next_row(&mut self) -> Option<Row> {
        self.rows.pop_front()
    }

    /// Looks at every instant before `until`.
    fn advance(&mut self, until: i64) {
        while let Some((time, _)) = self.waiting.first_key_value()
            && (*time < until || until == i64::MAX)
            && let Some((time, arrivals)) = self.waiting.pop_first()
        {
            self.due(time);
            self.sweep(time);
            self.instant(time, arrivals);
        }
        self.due(until);
        self.sweep(until);
    }

    fn due(&mut self, now: i64) {
        if self.next_due >= now && now != i64::MAX {
            return;
        }
        let mut rows = vec![];
        for (state, plan) in self.states.iter_mut().zip(&self.engine.plans) {
            state.due(plan, now, &mut rows);
        }
        self.next_due = self.states.iter().filter_map(State::deadline).min().unwrap_or(i64::MAX);
        self.out(rows);
    }

    /// Forgets what no event can be joined with any more.
    fn sweep(&mut self, now: i64) {
        // At the end all that is left may still be asked for.
        if now == i64::MAX || now.saturating_sub(self.swept) < self.longest / 8 {
            return;
        }
        self.swept = now;
        self.most = self.held().most;
        for (state, plan) in self.states.iter_mut().zip(&self.engine.plans) {
            state.expire(now.saturating_sub(plan.window));
        }
        if let Some(starts) = &mut self.starts {
            starts.expire(now.saturating_sub(self.longest));
        }
    }

    fn instant(&mut self, now: i64, arrivals: Vec<Arrival>) {
        let mut hits = vec![];
        for arrival in arrivals {
            match (arrival, &mut self.starts) {
                (Arrival::Fits(hit), _) => hits.push(hit),
                (Arrival::Started(host, pid), Some(starts)) => starts.add((host, pid), now),
                (Arrival::Started(..), None) => {}
            }
        }
        if let Some(starts) = &mut self.starts {
            hits.iter_mut().for_each(|hit| resolve(hit, starts, now));
        }
        // Units are numbered by plan and step.
        hits.sort_by_key(|hit| (hit.unit, hit.event.serial));
        let mut rows = vec![];
        let engine = Arc::clone(&self.engine);
        let plan_of = |hit: &Hit| engine.units.get(hit.unit).map(|u| u.plan);
        for of_plan in hits.chunk_by(|a, b| plan_of(a) == plan_of(b)) {
            let Some(number) = of_plan.first().and_then(plan_of) else { continue };
            if let (Some(state), Some(plan)) = (self.states.get_mut(number), engine.plans.get(number)) {
                state.instant(plan, now, of_plan, self.options.excepted, &mut rows);
                self.next_due = self.next_due.min(state.deadline().unwrap_or(i64::MAX));
            }
        }
        self.out(rows);
    }

    fn out(&mut self, mut rows: Vec<Row>) {
        rows.sort_by_key(|row| (row.time, row.rule, row.place));
        self.rows.extend(rows);
    }

    /// What is held now, and what was left out so far.
    #[must_use]
    pub fn held(&self) -> Held {
        let mut held = Held { late: self.late, timeless: self.timeless, ahead: self.ahead, ..Held::default() };
        held.events = self.waiting.values().map(Vec::len).sum::<usize>() + self.clock.held();
        for state in &self.states {
            let (events, keys) = state.held();
            held.events += events;
            held.keys += keys;
            held.undecided += state.undecided();
        }
        held.starts = self.starts.as_ref().map_or(0, Starts::len);
        held.most = self.most.max(held.events);
        held
    }
}

/// So many combinations of events fit the steps that the rows were not found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Undecided;

/// What the rules over several events of an engine find in a few events, in the order of rows' times; their places are
/// the events' positions, from 1. Events may stand in any order.
///
/// # Errors
/// Too many combinations of events fit the steps.
pub fn rows(engine: &Arc<Engine>, events: &[Event], naming: Naming) -> Result<Vec<Row>, Undecided> {
    let mut stream = Stream::new(engine, Options { tolerance: i64::MAX, excepted: true, naming, most: None });
    let mut session = Session::default();
    for (position, event) in (1..).zip(events) {
        let place = Place { file: 0, event: position, line: 0 };
        stream.take(event, &mut session, place, |_| {});
    }
    stream.finish();
    if stream.held().undecided > 0 {
        return Err(Undecided);
    }
    let mut rows: Vec<Row> = stream.rows.into();
    rows.sort_by_key(|row| (row.time, row.rule, row.place));
    Ok(rows)
}

/// Tells processes that are known by their numbers.
fn resolve(hit: &mut Hit, starts: &mut Starts, now: i64) {
    let by_number = |part: &value::Part| matches!(part, value::Part::Pid(..));
    if hit.key.iter().any(by_number) {
        let mut key = hit.key.to_vec();
        key.iter_mut().for_each(|part| starts.resolve(part, now));
        hit.key = key.into();
    }
    if let Some(event) = Rc::get_mut(&mut hit.event) {
        event.values.iter_mut().flatten().for_each(|part| starts.resolve(part, now));
    }
}
