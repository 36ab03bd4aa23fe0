//! What `arcanary eval` costs: the shipped rules over 200,000 process events, reading them included, on one core.
//! `cargo bench --bench eval` prints time and events a second; and the same with 1,000 rules more.

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

use arcanary::matching::{Malformed, Match, Options, Run, Sink};
use arcanary::project::Loaded;
use arcanary::sema::resolve;
use arcanary::source::FileId;
use arcanary::syntax;
use criterion::{BenchmarkId, Criterion, Throughput};
use serde_json::{Value, json};

const EVENTS: usize = 200_000;

/// The labelled events again and again, each with a time, a host and a command line of its own.
fn events() -> String {
    let mut labelled: Vec<Value> = vec![];
    for name in ["atomic", "benign"] {
        let path = common::root().join(format!("tests/cases/events/{name}.jsonl"));
        let text = std::fs::read_to_string(path).unwrap();
        labelled.extend(text.lines().map(|l| serde_json::from_str::<Value>(l).unwrap()));
    }
    let mut out = String::new();
    for i in 0..EVENTS {
        // 7,919 is prime: neighbours are not alike.
        let mut event = labelled[i * 7919 % labelled.len()].clone();
        let line = format!("{} x{i}", event["command_line"].as_str().unwrap());
        event["command_line"] = json!(line);
        event["host"] = json!(format!("pc{}", i % 1000));
        event["time"] = json!(format!("2026-11-20T{:02}:{:02}:{:02}Z", i / 3600 % 24, i / 60 % 60, i % 60));
        out.push_str(&event.to_string());
        out.push('\n');
    }
    out
}

/// Takes matches as lines of JSON, and drops them.
struct Nothing(u64);

impl Sink for Nothing {
    fn matched(&mut self, found: &Match) -> bool {
        self.0 += serde_json::to_string(found).unwrap().len() as u64;
        true
    }

    fn malformed(&mut self, _: &str, _: u64, _: Malformed, why: &str) {
        panic!("{why}");
    }
}

/// The pack with `more` rules beside its own: each has a tool of its own, and a folder that it shares the archivers' tests with.
fn pack(more: usize) -> Loaded {
    let mut loaded = common::project("rules");
    let read = |(id, _): &(FileId, _)| syntax::parse(*id, &loaded.sources.get(*id).unwrap().text);
    let mut files: Vec<_> = loaded.files.iter().map(read).collect();
    let mut text = String::new();
    for i in 0..more {
        text.push_str(&format!(
            "rule more_{i} {{ title \"More {i}\" id 00000000-0000-4000-8000-{i:012x} level low os [windows]\n\
             detect process where (process.name is \"tool{i}.exe\" and command_line matches 'x{i}[0-9]+')\n\
             or (runs archiver to create with password and argument under ':\\folder{i}') }}\n"
        ));
    }
    let id = loaded.sources.add("more.det", &text);
    files.push(syntax::parse(id, &text));
    let (project, findings) = resolve(files, &indexmap::IndexMap::new());
    assert!(findings.is_empty(), "{findings:?}");
    loaded.project = project;
    loaded
}

fn main() {
    let text = events();
    let mut criterion = Criterion::default().sample_size(10).configure_from_args();
    let mut group = criterion.benchmark_group("eval");
    group.throughput(Throughput::Elements(EVENTS as u64));
    for more in [0, 1000] {
        let loaded = pack(more);
        let rules = loaded.project.rules.len();
        group.bench_with_input(BenchmarkId::new("rules", rules), &text, |b, text| {
            b.iter(|| {
                let mut run = Run::new(&loaded, &[], Options::default());
                let mut sink = Nothing(0);
                run.file("events", None, text.as_bytes(), None, &mut sink).map_err(|e| format!("{e:?}")).unwrap();
                assert_eq!(run.tally.events, EVENTS as u64);
                sink.0
            });
        });
    }
    group.finish();
    criterion.final_summary();
}
