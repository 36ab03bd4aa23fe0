//! Small random sets of events around the edges: a window, a millisecond more or less, two windows, equal times; other
//! hosts, other or missing identities, numbers used again.

use super::oracle::temporal::Happened;
use super::oracle::{Event, Value};
use super::rules::{Numbers, WINDOW};
use arcanary::event;
use arcanary::sema::{FieldId, Kind};

fn at(n: &mut Numbers) -> i64 {
    const MS: i64 = 1000;
    let edges = [0, 0, MS, WINDOW / 2, WINDOW - MS, WINDOW, WINDOW + MS, 2 * WINDOW, 2 * WINDOW + MS, 2 * WINDOW - MS];
    1_700_000_000_000_000 + edges[n.below(edges.len())]
}

fn kind(n: &mut Numbers) -> Kind {
    [Kind::Process, Kind::File, Kind::Network][n.below(3)]
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

/// With its identities as fields. A process without an entity id is its host's number since the last start of it.
pub fn identified(events: &[Happened]) -> Vec<Happened> {
    let host = |h: &Happened| h.event.named("host.name").map(|v| v.text().to_lowercase());
    let started = |h: &Happened| (h.event.kind == Kind::Process).then(|| h.event.named("process.pid").cloned())?;
    let process = |h: &Happened, of: &str| match h.event.named(&format!("{of}.entity_id")) {
        Some(id) => Some(format!("id {}", id.text())),
        None => {
            let (host, pid) = (host(h)?, h.event.named(&format!("{of}.pid"))?);
            let same = |s: &&Happened| started(s).as_ref() == Some(pid) && self::host_of(s) == Some(host.clone());
            let start = events.iter().filter(same).map(|s| s.time).filter(|t| *t <= h.time).max();
            Some(format!("{host} {} {start:?}", pid.number()))
        }
    };
    let user = |h: &Happened| {
        let name = h.event.named("user.name")?.text().to_lowercase();
        let domain = h.event.named("user.domain").map(|d| d.text().to_lowercase());
        Some(format!("{domain:?} {name}"))
    };
    let mut out = events.to_vec();
    for (now, before) in out.iter_mut().zip(events) {
        let identities = [
            ("host", host(before)),
            ("user", user(before)),
            ("process", process(before, "process")),
            ("parent", process(before, "parent")),
        ];
        for (name, identity) in identities {
            if let Some(text) = identity {
                now.event.fields.insert(FieldId::find(name).unwrap(), Value::Text(text));
            }
        }
    }
    out
}

fn host_of(happened: &Happened) -> Option<String> {
    happened.event.named("host.name").map(|v| v.text().to_lowercase())
}
