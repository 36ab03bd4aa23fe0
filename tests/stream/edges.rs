//! What the stream does beside finding rows: what it keeps, and for how long; what it leaves out; when rows come out.

use super::project;
use arcanary::event::engine::{Engine, Session};
use arcanary::event::stream::{Events, Options, Place, Row, Stream};
use arcanary::event::{Event, Value};
use arcanary::vocabulary::{FieldId, Kind};
use std::sync::Arc;

const SECOND: i64 = 1_000_000;

struct Fed {
    stream: Stream,
    session: Session,
    position: u64,
}

impl Fed {
    /// A rule with this detection, and seconds of tolerance.
    fn new(detect: &str, tolerance: i64) -> Fed {
        Fed::with(detect, Options { tolerance: tolerance * SECOND, ..Options::default() })
    }

    fn with(detect: &str, options: Options) -> Fed {
        let text =
            format!("rule r {{ title \"R\" id 00000000-0000-4000-8000-000000000001 level low os [windows] {detect} }}");
        let project = project(&text).expect("no errors");
        let engine = Arc::new(Engine::new([(&project.rules["r"], &project)]));
        Fed { stream: Stream::new(&engine, options), session: Session::default(), position: 0 }
    }

    fn event(&mut self, kind: Kind, time: Option<i64>, fields: &[(&str, &str)]) {
        let id = |name: &str| FieldId::find(name).expect(name);
        let mut event = Event::new(kind);
        for (name, text) in fields {
            let number = text.parse().ok().filter(|_| name.ends_with("pid"));
            event.set(id(name), number.map_or_else(|| Value::of((*text).to_owned()), Value::Number));
        }
        if let Some(time) = time {
            event.set(id("event.time"), Value::Number(time * SECOND));
        }
        self.position += 1;
        let place = Place { file: 0, event: self.position, line: 0 };
        self.stream.take(&event, &mut self.session, place, |_| {});
    }

    /// A process or file event of this name on this host.
    fn is(&mut self, kind: Kind, time: i64, host: &str, name: &str) {
        self.event(kind, Some(time), &[("host.name", host), ("process.name", name)]);
    }

    fn rows(&mut self) -> Vec<Row> {
        std::iter::from_fn(|| self.stream.next_row()).collect()
    }

    fn end(&mut self) -> Vec<Row> {
        self.stream.finish();
        self.rows()
    }
}

fn completing(rows: &[Row]) -> Vec<u64> {
    rows.iter().map(|r| r.place.event).collect()
}

const CHAIN: &str = "detect sequence by host within 10s {
    a: process where process.name is \"a\"   without x: network where process.name is \"x\"
    b: file where process.name is \"b\" and user.name is a.user.name }";
const SEARCH: &str = "detect sequence by host within 10s {
    a: process where process.name is \"a\"   b: process where process.name is \"b\" and not user.name is a.user.name }";
const TOGETHER: &str = "detect together by host within 10s {
    a: process where process.name is \"a\"   b: process where process.name is \"b\" }";
const OPTIONAL: &str = "detect sequence by host within 10s {
    a: process where process.name is \"a\"   b: process where process.name is \"b\"
    optional c: file where process.name is \"c\" }";
const COUNT: &str = "detect count >= 50 by host within 10s of process where process.name in [\"a\", \"b\"]";
const DISTINCT: &str =
    "detect distinct user.name >= 50 by host within 10s of process where process.name in [\"a\", \"b\"]";

#[test]
fn what_is_kept_lies_in_the_window_and_goes_with_it() {
    for detect in [CHAIN, SEARCH, TOGETHER, OPTIONAL, COUNT, DISTINCT] {
        let mut fed = Fed::new(detect, 3);
        for i in 0..4000 {
            // Each second two hosts are new: keys come and go.
            let (host, name) = (format!("h{}", i / 2), ["a", "b", "c", "x"][usize::try_from(i % 4).unwrap()]);
            for kind in [Kind::Process, Kind::File] {
                for host in [host.as_str(), "busy"] {
                    fed.event(kind, Some(i), &[("host.name", host), ("process.name", name), ("user.name", &host[..1])]);
                }
            }
        }
        let held = fed.stream.held();
        // Four events a second, for two windows and the tolerance at most, each in few places.
        assert!(held.most > 4 && held.most < 4 * 23 * 3, "{detect}: {held:?}");
        assert!(held.keys <= 23, "{detect}: {held:?}");
        // A second event shows that the first one's time is over.
        fed.is(Kind::Process, 9_000, "late", "a");
        fed.is(Kind::Process, 9_100, "late", "a");
        let held = fed.stream.held();
        assert!(held.events <= 4 && held.keys <= 1, "{detect}: {held:?}");
    }
}

#[test]
fn starts_of_processes_are_kept_a_window_long() {
    let mut fed = Fed::new(
        "detect sequence by process within 10s {
            a: process where process.name is \"a\"   b: file where process.name is \"a\" }",
        0,
    );
    for i in 0..1000 {
        let pid = i.to_string();
        fed.event(Kind::Process, Some(i), &[("host.name", "h"), ("process.pid", &pid), ("process.name", "other")]);
    }
    assert!(fed.stream.held().starts <= 22, "{:?}", fed.stream.held());
}

#[test]
fn a_number_used_again_is_another_process() {
    let detect = "detect sequence by host within 10s {
        a: process where process.name is \"a\"   b: file where process.name exists and process is a.process }";
    let mut fed = Fed::new(detect, 0);
    let fields = |name, pid| [("host.name", "h"), ("process.name", name), ("process.pid", pid)];
    fed.event(Kind::Process, Some(1), &fields("a", "7"));
    fed.event(Kind::File, Some(2), &fields("a", "7"));
    fed.event(Kind::Process, Some(3), &fields("other", "8"));
    fed.event(Kind::File, Some(4), &fields("a", "7"));
    fed.event(Kind::Process, Some(5), &fields("other", "7"));
    fed.event(Kind::File, Some(6), &fields("other", "7"));
    assert_eq!(completing(&fed.end()), [2, 4]);
}

#[test]
fn late_events_are_looked_at_in_their_place_or_counted() {
    let mut fed = Fed::new(SEARCH.replace("and not user.name is a.user.name", "").as_str(), 5);
    fed.is(Kind::Process, 10, "h", "a");
    fed.is(Kind::Process, 13, "h", "x");
    fed.is(Kind::Process, 8, "h", "b");
    fed.is(Kind::Process, 12, "h", "b");
    assert!(fed.rows().is_empty(), "it may yet be that an event comes in between");
    fed.is(Kind::Process, 18, "h", "x");
    fed.is(Kind::Process, 12, "h", "b");
    // The time of this one is over; nobody misses what fits no step.
    fed.is(Kind::Process, 12, "h", "x");
    assert_eq!((completing(&fed.rows()), fed.stream.held().late), (vec![4], 1));
    fed.is(Kind::Process, 13, "h", "b");
    fed.event(Kind::Process, None, &[("host.name", "h"), ("process.name", "b")]);
    assert_eq!(completing(&fed.end()), [8]);
    assert_eq!((fed.stream.held().late, fed.stream.held().timeless), (1, 1));
}

#[test]
fn a_row_waits_for_its_optional_event_until_the_window_has_passed() {
    let mut fed = Fed::new(OPTIONAL, 0);
    let chosen = |row: &Row| match &row.events {
        Events::Steps(all) => all.iter().map(|(step, time, _)| (*step, time / SECOND)).collect::<Vec<_>>(),
        Events::Counted { .. } => panic!("steps"),
    };
    fed.is(Kind::Process, 1, "h", "a");
    fed.is(Kind::Process, 2, "h", "b");
    fed.is(Kind::Process, 3, "h", "b");
    fed.is(Kind::File, 5, "h", "c");
    fed.is(Kind::Process, 5, "h", "b");
    assert!(fed.rows().is_empty(), "the instant is not over");
    fed.is(Kind::Process, 6, "h", "x");
    let rows = fed.rows();
    assert_eq!(completing(&rows), [2, 3, 5]);
    assert!(rows.iter().all(|row| chosen(row)[2] == (2, 5)), "{rows:?}");
    fed.is(Kind::Process, 8, "h", "b");
    fed.is(Kind::Process, 11, "h", "x");
    assert!(fed.rows().is_empty(), "an event at the window's end counts");
    fed.is(Kind::Process, 12, "h", "x");
    let rows = fed.rows();
    assert_eq!((completing(&rows), chosen(&rows[0])), (vec![7], vec![(0, 1), (1, 8)]));
}

#[test]
fn rows_of_one_instant_come_out_by_place_whatever_the_order_of_arrival() {
    let mut fed = Fed::new(TOGETHER, 10);
    for (host, name) in [("2", "b"), ("1", "a"), ("2", "a"), ("1", "b"), ("3", "b"), ("3", "a")] {
        fed.is(Kind::Process, 5, host, name);
    }
    // At equal times the event of the highest step completes the match.
    assert_eq!(completing(&fed.end()), [1, 4, 5]);
}

#[test]
fn a_guard_takes_away_the_match_of_its_own_values_and_no_other() {
    let mut fed = Fed::new(
        "detect sequence by host within 5m {
           a: process where command_line contains \"a\"
           without x: network where destination.domain contains \"x\" and user.name is a.user.name
           b: file where file.name contains \"b\" and user.name is a.user.name
           c: library where dll.name contains \"c\"
         }",
        0,
    );
    let mut event = |kind, second, user, field, value| {
        fed.event(kind, Some(second), &[("host.name", "h"), ("user.name", user), (field, value)]);
    };
    event(Kind::Process, 0, "kim", "command_line", "a");
    event(Kind::Process, 1, "lee", "command_line", "a");
    event(Kind::Network, 2, "kim", "destination.domain", "x");
    event(Kind::File, 3, "kim", "file.name", "b");
    event(Kind::Library, 4, "kim", "dll.name", "c");
    event(Kind::File, 5, "lee", "file.name", "b");
    event(Kind::Library, 6, "kim", "dll.name", "c");
    assert_eq!(completing(&fed.end()), [7]);
}

const DAY: i64 = 86_400;

/// Pairs of events that match, a second apart, from this second on; `between` is called before each.
fn pairs(fed: &mut Fed, from: i64, many: i64, mut between: impl FnMut(&mut Fed, i64)) {
    for i in 0..many {
        let (host, time) = (format!("h{i}"), from + i);
        between(fed, i);
        fed.is(Kind::Process, time, &host, "a");
        fed.is(Kind::Process, time, &host, "b");
    }
}

#[test]
fn a_clock_that_is_a_day_ahead_makes_no_other_event_late() {
    // The first event, one in the midst, the last one, and every fifth: of years, and of little more than a day.
    for ahead in [DAY + 2000, 9000 * DAY] {
        for wrong in [&[0][..], &[1], &[500], &[999], &[0, 1, 2, 500, 501, 502, 503]] {
            let mut fed = Fed::new(TOGETHER, 5);
            pairs(&mut fed, 1000, 1000, |fed, i| {
                if wrong.contains(&i) {
                    fed.is(Kind::Process, 1000 + i + ahead, "wrong", "a");
                }
            });
            let rows = fed.end();
            let held = fed.stream.held();
            assert_eq!((rows.len(), held.late, held.ahead), (1000, 0, wrong.len() as u64), "{ahead}, {wrong:?}");
        }
        let mut fed = Fed::new(TOGETHER, 5);
        pairs(&mut fed, 1000, 1000, |fed, i| {
            if i % 5 == 0 {
                fed.is(Kind::Process, 1000 + i + ahead, "wrong", "a");
            }
        });
        assert!(fed.stream.held().most < 100, "{:?}", fed.stream.held());
        let (rows, held) = (fed.end(), fed.stream.held());
        assert_eq!((rows.len(), held.late, held.ahead), (1000, 0, 200), "{ahead}");
    }
}

#[test]
fn a_log_may_leave_days_out_and_may_begin_with_a_clock_that_is_behind() {
    // Days pass in which nothing happens; at the end too.
    let mut fed = Fed::new(TOGETHER, 5);
    for day in [0, 3, 400, 402, 404] {
        pairs(&mut fed, day * DAY, if day < 404 { 100 } else { 1 }, |_, _| {});
    }
    let (rows, held) = (fed.end(), fed.stream.held());
    assert_eq!((rows.len(), held.late, held.ahead), (401, 0, 0));
    // A log of one event every other day.
    let mut fed = Fed::new(&TOGETHER.replace("10s", "90d"), 5);
    for day in 0..40 {
        fed.is(Kind::Process, day * 2 * DAY, "h", if day % 2 == 0 { "a" } else { "b" });
    }
    let (rows, held) = (fed.end(), fed.stream.held());
    assert_eq!((rows.len(), held.late, held.ahead), (39, 0, 0));
    // One clock stands at the beginning of time.
    let mut fed = Fed::new(TOGETHER, 5);
    fed.is(Kind::Process, 0, "h0", "a");
    pairs(&mut fed, 20_000 * DAY, 1000, |_, _| {});
    let (rows, held) = (fed.end(), fed.stream.held());
    assert_eq!((rows.len(), held.late, held.ahead), (1000, 0, 0));
    // A tolerance of days is one.
    let mut fed = Fed::new(TOGETHER, 3 * DAY);
    pairs(&mut fed, 0, 100, |fed, i| fed.is(Kind::Process, i + 2 * DAY, "later", "a"));
    let (rows, held) = (fed.end(), fed.stream.held());
    assert_eq!((rows.len(), held.late, held.ahead), (100, 0, 0));
}

#[test]
fn more_events_than_may_be_held_stop_the_stream() {
    for detect in [CHAIN, SEARCH, TOGETHER, OPTIONAL, COUNT, DISTINCT] {
        let options = Options { most: Some(1000), ..Options::default() };
        let mut fed = Fed::with(&detect.replace("10s", "10m"), options);
        let mut fill = |hosts: i64, time: i64| {
            for host in 0..hosts {
                let host = format!("{time} {host}");
                let fields = [("host.name", host.as_str()), ("process.name", "a"), ("user.name", "kim")];
                fed.event(Kind::Process, Some(time), &fields);
            }
            fed.stream.is_full()
        };
        // Windows that pass make room.
        assert!((0..20).all(|i| !fill(400, i * 700)), "{detect}");
        assert!(fill(2000, 15_000), "{detect}");
        assert!(fed.stream.held().events < 3000, "{detect}: {:?}", fed.stream.held());
    }
}
