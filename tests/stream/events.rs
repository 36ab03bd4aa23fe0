//! Small random sets of events around the edges: a window, a millisecond more or less, two windows, equal times; other
//! hosts, other or missing identities, numbers used again.

use super::oracle::temporal::Happened;
use super::oracle::{Event, Value};
use super::rules::{Numbers, WINDOW};
use arcanary::event;
use arcanary::vocabulary::{FieldId, Kind};

fn at(n: &mut Numbers) -> i64 {
    const MS: i64 = 1000;
    let edges = [0, 0, MS, WINDOW / 2, WINDOW - MS, WINDOW, WINDOW + MS, 2 * WINDOW, 2 * WINDOW + MS, 2 * WINDOW - MS];
    1_700_000_000_000_000 + edges[n.below(edges.len())]
}

fn kind(n: &mut Numbers) -> Kind {
    [Kind::Process, Kind::Process, Kind::File, Kind::Network, Kind::File, Kind::Library][n.below(6)]
}

/// An event; `rich`: it lacks next to nothing, and what it has is most often the same.
fn event(n: &mut Numbers, rich: bool) -> Event {
    let lacking = if rich { 3 } else { 15 };
    let mut text = |name: &'static str, of: &[&str], lacks: usize| {
        let usual = if rich && n.percent(60) { of[0] } else { n.one(of) };
        let value = if n.percent(lacks) { String::new() } else { usual.to_owned() };
        (name, Value::Text(value))
    };
    let mut fields = vec![
        text("host.name", &["ws", "WS", "other"], lacking),
        text("user.name", &["kim", "KIM", "lee"], lacking),
        text("user.domain", &["corp", "CORP"], 70),
        text("process.name", &["a", "b", "c"], lacking),
        text("process.entity_id", &["g1", "G1", "g2"], 80),
        text("parent.entity_id", &["g1", "g2"], 90),
        text("host.os", &["windows", "windows", "linux"], 50),
    ];
    for (name, of) in [("process.pid", [7, 7, 8, 9]), ("parent.pid", [7, 8, 9, 9])] {
        if !n.percent(lacking) {
            fields.push((name, Value::Number(of[n.below(4)])));
        }
    }
    Event::new(kind(n), fields)
}

/// Events in the order in which they happened.
pub fn set(n: &mut Numbers) -> Vec<Happened> {
    let (many, rich) = (2 + n.below(8), n.percent(70));
    let mut out: Vec<Happened> = (0..many).map(|_| Happened { time: at(n), event: event(n, rich) }).collect();
    out.sort_by_key(|h| h.time);
    out
}

/// The same, in the order in which they come in: each at most `late` behind one that happened later.
pub fn arriving(n: &mut Numbers, events: &[Happened], late: i64) -> Vec<usize> {
    let delays = [0, late / 2, late];
    let mut order: Vec<(i64, usize, usize)> =
        events.iter().enumerate().map(|(i, h)| (h.time + delays[n.below(3)], n.below(100), i)).collect();
    order.sort_unstable();
    order.into_iter().map(|(_, _, i)| i).collect()
}

/// As the evaluator takes it.
pub fn evaluated(happened: &Happened) -> event::Event<'static> {
    let mut out = event::Event::new(happened.event.kind);
    for (id, value) in &happened.event.fields {
        out.set(
            *id,
            match value {
                Value::Text(text) => event::Value::of(text.clone()),
                Value::Number(number) => event::Value::Number(*number),
                Value::Bool(value) => event::Value::Bool(*value),
            },
        );
    }
    out.set(FieldId::find("event.time").unwrap(), event::Value::Number(happened.time));
    out
}
