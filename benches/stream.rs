//! What rules over several events cost: those of the language's cases beside the shipped rules, over a mixed stream of
//! 1,000,000 events of 1,000 hosts, one of which has 30 % of them. `cargo bench --bench stream` prints time and events a
//! second, and for one run what was found and held, and the processor's time.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a benchmark fails by panicking"
)]

#[path = "../tests/common/mod.rs"]
mod common;

use arcanary::event::engine::{Engine, Session};
use arcanary::event::stream::{Held, Options, Place, Stream};
use arcanary::event::{Event, Value};
use arcanary::project::Loaded;
use arcanary::vocabulary::{FieldId, Kind};
use criterion::{Criterion, Throughput};
use std::sync::Arc;

const EVENTS: u64 = 1_000_000;
/// Events come this many microseconds apart: a million in six hours.
const APART: i64 = 21_600;

/// Numbers from a seed: the same on every machine.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) % n
    }
}

fn id(name: &str) -> FieldId {
    FieldId::find(name).expect(name)
}

/// The fields that differ from one event to the next.
struct Fields {
    time: FieldId,
    host: FieldId,
    user: FieldId,
    pid: FieldId,
    entity: FieldId,
}

/// Events of each kind to be varied; the labelled ones are a twentieth of the processes.
struct Events {
    fields: Fields,
    hosts: Vec<String>,
    users: Vec<String>,
    entities: Vec<String>,
    common: Vec<Event<'static>>,
    labelled: Vec<Event<'static>>,
    files: Vec<Event<'static>>,
    connections: Vec<Event<'static>>,
}

fn event(kind: Kind, fields: &[(&str, &str)]) -> Event<'static> {
    let mut event = Event::new(kind);
    for (name, value) in fields {
        let number = value.parse().ok().filter(|_| !name.ends_with("ip"));
        event.set(id(name), number.map_or_else(|| Value::of((*value).to_owned()), Value::Number));
    }
    event.set(id("host.os"), Value::of("windows"));
    event.derive();
    event
}

impl Events {
    fn new() -> Events {
        let mut labelled = vec![];
        for name in ["atomic", "benign"] {
            let text =
                std::fs::read_to_string(common::root().join(format!("tests/cases/events/{name}.jsonl"))).unwrap();
            for line in text.lines() {
                let json: serde_json::Value = serde_json::from_str(line).unwrap();
                let text = |name: &str| json[name].as_str().unwrap_or_default().to_owned();
                let (image, line, parent) = (text("image"), text("command_line"), text("parent_image"));
                let fields = [("executable", &*image), ("command_line", &*line), ("parent.executable", &*parent)];
                labelled.push(event(Kind::Process, &fields));
            }
        }
        let programs = ["svchost", "chrome", "excel", "teams", "msedge", "powershell", "cmd", "rundll32"];
        let common = (0..400).map(|i| {
            let image = format!(r"C:\Program Files\App{i}\{}.exe", programs[i % programs.len()]);
            let line = format!("\"{image}\" --type=renderer --id {i} --lang en-US --field-trial-handle=18{i}");
            event(
                Kind::Process,
                &[("executable", &image), ("command_line", &line), ("parent.executable", r"C:\Windows\explorer.exe")],
            )
        });
        let files = (0..1000).map(|i| {
            let (folder, extension) = match i % 50 {
                0 => (r"C:\ProgramData", "zip"),
                1 => (r"C:\Windows\Temp", "7z"),
                _ => (r"C:\Users\kim\AppData\Local\App\Cache", ["tmp", "json", "log", "dat"][i % 4]),
            };
            let image = format!(r"C:\Program Files\App{}\{}.exe", i % 400, programs[i % programs.len()]);
            let path = format!(r"{folder}\d{}\f{i}.{extension}", i % 97);
            let action = ["created", "modified", "deleted", "opened"][i % 4];
            let size = (i * 50_000).to_string();
            event(
                Kind::File,
                &[("file.action", action), ("file.path", &path), ("file.size", &size), ("executable", &image)],
            )
        });
        let connections = (0..500).map(|i| {
            let image = format!(r"C:\Program Files\App{}\{}.exe", i % 400, programs[i % programs.len()]);
            let direction = if i % 10 < 7 { "outbound" } else { "inbound" };
            let address = format!("203.0.{}.{}", i % 113, i % 251);
            event(
                Kind::Network,
                &[("network.direction", direction), ("destination.ip", &address), ("executable", &image)],
            )
        });
        Events {
            fields: Fields {
                time: id("event.time"),
                host: id("host.name"),
                user: id("user.name"),
                pid: id("process.pid"),
                entity: id("process.entity_id"),
            },
            hosts: (0..1000).map(|i| format!("WS-{i:04}")).collect(),
            users: (0..2000).map(|i| format!("user{i}")).collect(),
            entities: (0..50_000).map(|i| format!("{{c784477d-1a2b-6741-{i:04x}-000000000800}}")).collect(),
            common: common.collect(),
            labelled,
            files: files.collect(),
            connections: connections.collect(),
        }
    }

    /// Puts all events through the rules; what is held at the end, and how many rows came out.
    fn run(&self, engine: &Arc<Engine>) -> (Held, u64) {
        let (mut n, mut session, mut rows, mut alerts) = (Numbers(0x2545_f491_4f6c_dd1d), Session::default(), 0, 0_u64);
        let mut stream = Stream::new(engine, Options { tolerance: 60_000_000, ..Options::default() });
        let mut pools = [self.common.clone(), self.labelled.clone(), self.files.clone(), self.connections.clone()];
        for i in 0..EVENTS {
            let pool = match n.below(100) {
                0..2 => 1,
                2..40 => 0,
                40..80 => 2,
                _ => 3,
            };
            let at = n.below(pools[pool].len() as u64);
            let event = &mut pools[pool][usize::try_from(at).unwrap()];
            let host = if n.below(10) < 3 { 0 } else { n.below(1000) };
            let (host, process) = (usize::try_from(host).unwrap(), n.below(50));
            // Up to five seconds late.
            let late = if n.below(20) == 0 { i64::try_from(n.below(5_000_000)).unwrap() } else { 0 };
            let time = 1_790_000_000_000_000 + i64::try_from(i).unwrap() * APART - late;
            event.set(self.fields.time, Value::Number(time));
            event.set(self.fields.host, Value::of(self.hosts[host].clone()));
            event.set(self.fields.user, Value::of(self.users[host * 2 + usize::from(process % 2 == 0)].clone()));
            event.set(self.fields.pid, Value::Number(i64::try_from(process * 4).unwrap()));
            // Every other host knows its processes by more than their numbers.
            if host % 2 == 0 {
                let known = host * 50 + usize::try_from(process).unwrap();
                event.set(self.fields.entity, Value::of(self.entities[known].clone()));
            } else {
                event.remove(self.fields.entity);
            }
            let place = Place { file: 0, event: i, line: i };
            stream.take(event, &mut session, place, |_| alerts += 1);
            while stream.next_row().is_some() {
                rows += 1;
            }
        }
        let held = stream.held();
        stream.finish();
        while stream.next_row().is_some() {
            rows += 1;
        }
        assert!(alerts > 0 && rows > 0, "{alerts} alerts, {rows} rows");
        (held, rows)
    }
}

/// Nanoseconds on a processor, where the system tells.
fn on_processor() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_whitespace().next()?.parse().ok()
}

fn main() {
    let loaded: Vec<Loaded> = ["rules", "tests/cases"].map(common::project).into();
    let rules: Vec<_> = loaded.iter().flat_map(|l| l.project.rules.values().map(|r| (r, &l.project))).collect();
    let several = rules.iter().filter(|(r, _)| r.over_several_events().is_some()).count();
    let engine = Arc::new(Engine::new(rules.iter().copied()));
    let events = Events::new();
    let before = on_processor();
    let (held, rows) = events.run(&engine);
    println!("{} rules, {several} of them over several events; {rows} rows\n{held:?}", rules.len());
    if let Some(nanoseconds) = on_processor().zip(before).map(|(now, before)| now - before) {
        let each = nanoseconds / EVENTS as f64;
        println!("{:.2} s of one processor, {:.0} events in each of them", nanoseconds / 1e9, 1e9 / each);
    }
    assert!(held.events < 200_000, "{held:?}");
    let mut criterion = Criterion::default().sample_size(10).configure_from_args();
    let mut group = criterion.benchmark_group("stream");
    group.throughput(Throughput::Elements(EVENTS));
    group.bench_function("mixed", |b| b.iter(|| events.run(&engine)));
    group.finish();
    criterion.final_summary();
}
