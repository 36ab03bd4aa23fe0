//! The streaming evaluator against brute force: random rules over several events, asked about small random sets of events
//! around the edges; completing events, step times and flags must be the same.
//!
//! `ARCANARY_RANDOM_RULES` and `ARCANARY_RANDOM_SEED` set how many rules there are, and which.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod cost;
mod edges;
mod events;
mod rules;

#[path = "../oracle/mod.rs"]
mod oracle;

use arcanary::event::engine::{Engine, Session};
use arcanary::event::stream::{Events, Options, Place, Row, Stream};
use arcanary::ir::{Meaning, Steps};
use arcanary::sema::{Project, Rule};
use arcanary::source::Sources;
use arcanary::syntax;
use arcanary::vocabulary::Os;
use oracle::temporal::{Burst, Happened, Way, bursts, rows};
use rules::{Numbers, WINDOW};
use std::collections::BTreeMap;
use std::sync::Arc;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(default)
}

/// The project of one rule; `None` if the rule has errors, as one that can never fire has.
fn project(text: &str) -> Option<Project> {
    let mut sources = Sources::new();
    let id = sources.add("random.det", text);
    let (project, findings) = arcanary::sema::resolve(vec![syntax::parse(id, text)], &indexmap::IndexMap::new());
    (!findings.iter().any(arcanary::diagnostic::Diagnostic::is_error)).then_some(project)
}

/// What the evaluator says, with the events coming in as `order` has them; places are positions among `events`.
fn evaluated(rule: &Rule, project: &Project, events: &[Happened], order: &[usize], options: Options) -> Vec<Row> {
    let engine = Arc::new(Engine::new([(rule, project)]));
    let mut stream = Stream::new(&engine, options);
    let mut session = Session::default();
    for position in order {
        let place = Place { file: 0, event: *position as u64, line: 0 };
        let event = events::evaluated(&events[*position]);
        stream.take(&event, &mut session, place, |_| panic!("no rule over one event"));
    }
    stream.finish();
    assert_eq!((stream.held().late, stream.held().timeless), (0, 0));
    std::iter::from_fn(|| stream.next_row()).collect()
}

/// Completing event, or the last instant of a burst, with what may be told of it.
type Told = BTreeMap<(Vec<String>, i64, usize), Vec<Way>>;

fn told(steps: &Steps, row: &Row) -> ((Vec<String>, i64, usize), Way) {
    match &row.events {
        Events::Steps(all) => {
            let mut times = vec![None; steps.steps.len()];
            all.iter().for_each(|(step, time, _)| times[*step] = Some(*time));
            let flags = steps.flags.iter().map(|f| row.flags.contains(&f.name)).collect();
            ((vec![], 0, row.place.event as usize), Way { times, flags })
        }
        Events::Counted { .. } => panic!("a count in a rule of steps"),
    }
}

/// By brute force.
fn expected(steps: &Steps, events: &[Happened]) -> Told {
    rows(steps, events).into_iter().map(|row| ((vec![], 0, row.completing), row.ways)).collect()
}

fn compare_steps(steps: &Steps, got: &[Row], events: &[Happened], excepted: bool) -> Result<usize, String> {
    let full = expected(steps, events);
    let mut bare = steps.clone();
    bare.exceptions.clear();
    bare.steps.iter_mut().for_each(|s| s.exceptions.clear());
    let mut silenced = if excepted { expected(&bare, events) } else { Told::new() };
    silenced.retain(|completing, _| !full.contains_key(completing));
    for (fires, wanted) in [(true, &full), (false, &silenced)] {
        let told: Vec<_> = got.iter().filter(|r| r.fires() == fires).map(|r| told(steps, r)).collect();
        let mut completing: Vec<_> = told.iter().map(|(c, _)| c.clone()).collect();
        completing.sort();
        let all: Vec<_> = wanted.keys().cloned().collect();
        if completing != all {
            return Err(format!("fires: {fires}; completing events are {completing:?}, expected {all:?}"));
        }
        for (completing, way) in told {
            if !wanted[&completing].contains(&way) {
                return Err(format!("event {}: got {way:?}, expected {:?}", completing.2, wanted[&completing]));
            }
        }
    }
    Ok(full.len())
}

fn compare_counts(count: &arcanary::ir::Count, got: &[Row], events: &[Happened]) -> Result<usize, String> {
    let wanted: Vec<(i64, i64)> =
        bursts(count, events).iter().map(|Burst { first, last, .. }| (*last, *first)).collect();
    let burst = |row: &Row| match row.events {
        Events::Counted { first, last, .. } => (last.0, first.0),
        Events::Steps(_) => panic!("steps in a count"),
    };
    let (mut got, mut wanted): (Vec<_>, _) = (got.iter().filter(|r| r.fires()).map(burst).collect(), wanted);
    got.sort_unstable();
    wanted.sort_unstable();
    if got == wanted { Ok(wanted.len()) } else { Err(format!("bursts are {got:?}, expected {wanted:?}")) }
}

/// Compares; how many rows came out.
fn compare(
    rule: &Rule,
    project: &Project,
    events: &[Happened],
    order: &[usize],
    options: Options,
) -> Result<usize, String> {
    let got = evaluated(rule, project, events, order, options);
    let ours = |h: &&Happened| h.event.runs_on(&rule.meta.os);
    // The oracle has no systems: events of others do not take part, but for the processes that they start.
    let positions: Vec<usize> = (0..events.len()).filter(|i| ours(&&events[*i])).collect();
    let known = oracle::identity::identified(events);
    let asked: Vec<Happened> = positions.iter().map(|i| known[*i].clone()).collect();
    let mut got = got;
    for row in &mut got {
        let position = positions.iter().position(|p| *p as u64 == row.place.event).expect("an event of our system");
        row.place.event = position as u64;
    }
    match rule.meaning(project, &[Os::Windows]) {
        Meaning::Steps(steps) => compare_steps(&steps, &got, &asked, options.excepted),
        Meaning::Count(count) => compare_counts(&count, &got, &asked),
        Meaning::Single(_) => panic!("a rule over one event"),
    }
}

#[test]
fn evaluator_and_brute_force_agree_on_random_rules_and_events() {
    let (rules, seed) = (setting("ARCANARY_RANDOM_RULES", 200), setting("ARCANARY_RANDOM_SEED", 1));
    let (mut compared, mut found, mut fired) = (0, 0, 0);
    for number in 0..rules {
        let mut n = Numbers::new(seed * 1_000_003 + number);
        let text = rules::rule(&mut n);
        let Some(project) = project(&text) else { continue };
        let rule = &project.rules["r"];
        let mut fires = false;
        for _ in 0..40 {
            let events = events::set(&mut n);
            let late = [0, 0, WINDOW / 2, WINDOW, 3 * WINDOW][n.below(5)];
            let options = Options { tolerance: late, excepted: n.percent(40), ..Options::default() };
            let order = events::arriving(&mut n, &events, late);
            match compare(rule, &project, &events, &order, options) {
                Ok(rows) => {
                    found += rows;
                    fires |= rows > 0;
                }
                Err(why) => {
                    let shown: Vec<String> = events
                        .iter()
                        .map(|h| format!("{} {}", h.time - 1_700_000_000_000_000, h.event.written()))
                        .collect();
                    panic!("rule {number}: {why}\n{text}\n{options:?}, in the order {order:?}\n{}", shown.join("\n"));
                }
            }
        }
        compared += 1;
        fired += u64::from(fires);
    }
    println!("{compared} rules, {fired} of them fired, {found} rows");
    assert!(compared * 10 >= rules * 6, "only {compared} of {rules} rules are free of errors");
    assert!(fired * 10 >= compared * 4, "only {fired} of {compared} rules fired at all");
}
