//! What looking for matches costs: steps that the same events fit are assigned to them without trying orders, and where
//! conditions join steps, what is tried is bounded by the number of events.

use super::project;
use arcanary::event::engine::{Engine, Session};
use arcanary::event::stream::{Held, Naming, Options, Place, Row, Stream, Undecided, rows};
use arcanary::event::{Event, Value};
use arcanary::vocabulary::{FieldId, Kind};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Searching orders takes hours; this takes a second, without optimisation and beside other tests some more.
const ENOUGH: Duration = Duration::from_secs(60);

fn engine(detect: &str) -> Arc<Engine> {
    let text =
        format!("rule r {{ title \"R\" id 00000000-0000-4000-8000-000000000001 level low os [windows] {detect} }}");
    let project = project(&text).expect("no errors");
    Arc::new(Engine::new([(&project.rules["r"], &project)]))
}

/// An event of this name on one host, so many milliseconds after the beginning.
fn event(name: &str, user: &str, time: i64) -> Event<'static> {
    let mut event = Event::new(Kind::Process);
    for (field, text) in [("host.name", "h"), ("process.name", name), ("user.name", user)] {
        event.set(FieldId::find(field).expect(field), Value::of(text.to_owned()));
    }
    event.set(FieldId::find("event.time").unwrap(), Value::Number(1_700_000_000_000_000 + time * 1000));
    event
}

fn streamed(engine: &Arc<Engine>, events: impl Iterator<Item = Event<'static>>) -> (Vec<Row>, Held) {
    let began = Instant::now();
    let (mut stream, mut session) = (Stream::new(engine, Options::default()), Session::default());
    for (position, event) in (1..).zip(events) {
        let place = Place { file: 0, event: position, line: 0 };
        stream.take(&event, &mut session, place, |_| {});
    }
    stream.finish();
    assert!(began.elapsed() < ENOUGH, "{:?}", began.elapsed());
    let rows = std::iter::from_fn(|| stream.next_row()).collect();
    (rows, stream.held())
}

/// Steps of these conditions.
fn steps(word: &str, all: &[String]) -> String {
    let each = all.iter().enumerate().map(|(i, asked)| format!("s{i}: process where {asked} "));
    format!("detect {word} by host within 1h {{ {} }}", each.collect::<String>())
}

fn alike(word: &str, many: usize) -> String {
    steps(word, &vec!["process.name is \"a\"".to_owned(); many])
}

/// Steps, of which the last one has one event fewer than it takes.
fn one_short(word: &str, many: usize) -> String {
    let mut all = vec!["process.name is \"a\"".to_owned(); many - 2];
    all.extend(vec!["process.name is \"b\"".to_owned(); 2]);
    steps(word, &all)
}

#[test]
fn steps_that_the_same_events_fit_are_assigned_to_them() {
    for word in ["together", "sequence"] {
        for spread in [0, 1] {
            let (rows, held) = streamed(&engine(&alike(word, 12)), (0..12).map(|i| event("a", "kim", i * spread)));
            // At one instant each event completes a match; else those do that have enough before them.
            assert_eq!((rows.len(), held.undecided), (if spread == 0 { 12 } else { 1 }, 0), "{word}, {spread}");
            let (rows, held) = streamed(&engine(&alike(word, 8)), (0..2000).map(|i| event("a", "kim", i * spread)));
            let expected = if spread == 0 { 2000 } else { 1993 };
            assert_eq!((rows.len(), held.undecided), (expected, 0), "{word}, {spread}");
        }
        let (rows, held) = streamed(&engine(&alike(word, 32)), (0..200).map(|i| event("a", "kim", i)));
        assert_eq!((rows.len(), held.undecided), (169, 0), "{word}");
    }
}

#[test]
fn a_step_that_lacks_an_event_is_seen_without_trying_the_others() {
    for word in ["together", "sequence"] {
        for spread in [0, 1] {
            let name = |i| if i == 700 { "b" } else { "a" };
            let events = (0..2000).map(|i| event(name(i), "kim", i * spread));
            let (rows, held) = streamed(&engine(&one_short(word, 12)), events);
            assert_eq!((rows.len(), held.undecided), (0, 0), "{word}, {spread}");
        }
    }
}

#[test]
fn events_of_a_without_step_cost_no_orders_either() {
    let mut all = vec!["process.name is \"a\"".to_owned(); 12];
    all.insert(6, "process.name is \"x\"".to_owned());
    let detect = steps("sequence", &all).replace("s6:", "without s6:");
    let name = |i: i64| if i % 3 == 0 { "x" } else { "a" };
    let (rows, held) = streamed(&engine(&detect), (0..2000).map(|i| event(name(i), "kim", i)));
    assert_eq!(held.undecided, 0);
    assert!(rows.len() > 600, "{}", rows.len());
}

/// Steps no two of which have one user, on a log of one user.
fn differing(word: &str) -> String {
    let mut all = vec!["process.name is \"a\"".to_owned(); 5];
    all[1] = "process.name is \"a\" and not user.name is s0.user.name".to_owned();
    all[4] = "process.name is \"a\" and not user.name is s3.user.name".to_owned();
    steps(word, &all)
}

#[test]
fn where_too_many_combinations_would_have_to_be_tried_events_are_left_undecided_and_counted() {
    for word in ["together", "sequence"] {
        let (rows, held) = streamed(&engine(&differing(word)), (0..300).map(|i| event("a", "kim", i)));
        assert!(rows.is_empty() && held.undecided > 0, "{word}: {held:?}");
        // Two users are enough, and quickly found.
        let users = |i: i64| ["kim", "lee"][usize::try_from(i % 2).unwrap()];
        let (rows, held) = streamed(&engine(&differing(word)), (0..300).map(|i| event("a", users(i), i)));
        assert_eq!((rows.len(), held.undecided), (296, 0), "{word}");
    }
    let few: Vec<Event> = (0..200).map(|i| event("a", "kim", i)).collect();
    assert_eq!(rows(&engine(&differing("together")), &few, Naming::Logged), Err(Undecided));
}
