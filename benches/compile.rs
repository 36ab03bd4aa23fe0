//! Compile cost: the shipped rules, 1 to 1,000 copies, for every target, as `arcanary build` does it: a thread a target.
//! `cargo bench` prints time and rules × targets a second; the cost must be linear in the number of rules.
//!
//! Then `arcanary build` as a whole process, from its start to its end, into a new folder: the shipped pack on all targets
//! (the goal is 60 ms), and 1,300 simple rules, one a file, on one target (130 ms).

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, reason = "a benchmark fails by panicking")]

use arcanary::build::build;
use arcanary::project::Loaded;
use arcanary::sema;
use arcanary::source::Sources;
use arcanary::syntax;
use arcanary::target::Targets;
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput};
use std::path::Path;

/// The pack's shared files, and the text of one of its rules without its name and id.
fn pack() -> (String, Vec<String>) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
    let mut shared = String::new();
    let mut rules = vec![];
    let mut folders = vec![root];
    while let Some(folder) = folders.pop() {
        let mut entries: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
        entries.sort();
        for path in entries {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "det") {
                let text = std::fs::read_to_string(&path).unwrap();
                if text.contains("\nrule ") || text.starts_with("rule ") {
                    rules.push(text)
                } else {
                    shared.push_str(&text)
                }
            }
        }
    }
    (shared, rules)
}

/// The pack with each rule `copies` times, under names and ids of their own.
fn source(copies: usize) -> (String, usize) {
    let (shared, rules) = pack();
    let mut text = shared;
    let mut count = 0;
    for copy in 0..copies {
        for file in &rules {
            for line in file.lines() {
                if let Some(rest) = line.strip_prefix("rule ") {
                    let (name, rest) = rest.split_once(' ').unwrap();
                    text.push_str(&format!("rule {name}_{copy} {rest}\n"));
                    count += 1;
                } else if line.starts_with("  id ") {
                    text.push_str(&format!("  id {:08x}-0000-4000-8000-{:012x}\n", count, copy));
                } else {
                    text.push_str(line);
                    text.push('\n');
                }
            }
        }
    }
    (text, count)
}

fn load(text: &str) -> Loaded {
    let mut sources = Sources::new();
    let id = sources.add("bench.det", text);
    let (project, findings) = sema::resolve(vec![syntax::parse(id, text)], &indexmap::IndexMap::new());
    assert!(findings.is_empty(), "{:?}", findings.first().map(|d| &d.message));
    Loaded { sources, project, targets: Targets::built_in(), ..Loaded::default() }
}

/// A project of simple rules, one a file.
fn simple_rules(folder: &Path, count: usize) {
    let config = "name: simple\nversion: 0.1.0\nsources: [rules]\ntargets: [sentinel]\ndocuments: [query]\n";
    std::fs::create_dir(folder.join("rules")).unwrap();
    std::fs::write(folder.join("arcanary.yaml"), config).unwrap();
    for n in 0..count {
        let text = format!(
            "/// Detects a tool.\nrule simple_{n} {{\n  title  \"Tool {n}\"\n  id     {n:08x}-0000-4000-8000-000000000000\n  level  low\n  \
             os     [windows]\n  attack [T1560.001]\n  detect process where process.name in [\"tool{n}.exe\", \"tool{n}x.exe\"]\n    \
             and (command_line contains \"-flag{n}\" or parent.name is \"parent{n}.exe\")\n}}\n"
        );
        std::fs::write(folder.join(format!("rules/simple_{n}.det")), text).unwrap();
    }
}

/// `arcanary build` in a folder, as it is started by hand.
fn whole_process(project: &Path) {
    let out = tempfile::tempdir().unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_arcanary"));
    let output = command.arg("build").arg(project).arg("--out").arg(out.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let targets: Vec<String> = Targets::built_in().all.into_keys().collect();
    for stage in ["read and check", "compile for all targets"] {
        let mut group = criterion.benchmark_group(stage);
        group.sample_size(10);
        for copies in [1, 10, 100, 1000] {
            let (text, rules) = source(copies);
            group.throughput(Throughput::Elements((rules * targets.len()) as u64));
            let id = BenchmarkId::from_parameter(format!("{rules} rules"));
            if stage == "read and check" {
                group.bench_function(id, |b| b.iter(|| load(&text)));
            } else {
                // A fresh project each time: nothing lowered before counts.
                group.bench_function(id, |b| {
                    b.iter_batched(|| load(&text), |loaded| build(&loaded, &targets), BatchSize::PerIteration)
                });
            }
        }
        group.finish();
    }
    let mut group = criterion.benchmark_group("a whole process");
    let simple = tempfile::tempdir().unwrap();
    simple_rules(simple.path(), 1_300);
    let pack = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
    for (name, project) in [("the pack on all targets", pack.as_path()), ("1300 simple rules on one", simple.path())] {
        group.bench_function(name, |b| b.iter(|| whole_process(project)));
    }
    group.finish();
    criterion.final_summary();
}
