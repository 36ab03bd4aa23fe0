//! What the shipped pack finds of labelled events, and what it raises on benign ones: the figures of `docs/coverage.md`.
//!
//! `ARCANARY_SIGMAHQ` names a folder with SigmaHQ's rules. With it, the same figures of those rules are measured on sigma-rust.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

#[path = "engines/checker.rs"]
mod checker;
mod oracle;

use checker::{Checker, run, tools};
use oracle::page;
use oracle::project::{files, load, root};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Files of attacks, and of what looks alike.
const ATTACKS: [&str; 2] = ["atomic", "attack"];
const BENIGN: [&str; 3] = ["benign", "benign-2", "benign-3"];

const LEVELS: [&str; 5] = ["informational", "low", "medium", "high", "critical"];
const MEDIUM: usize = 2;
const HIGH: usize = 3;

const PAGE: &str = "docs/coverage.md";

/// An event with the rules that fire on it: name and level.
struct Labelled {
    file: &'static str,
    event: Value,
    fired: Vec<(String, usize)>,
}

impl Labelled {
    fn text(&self, key: &str) -> &str {
        self.event[key].as_str().unwrap_or("")
    }

    fn level(&self) -> Option<usize> {
        self.fired.iter().map(|(_, level)| *level).max()
    }

    fn is_at(&self, level: usize) -> bool {
        self.level().is_some_and(|found| found >= level)
    }

    fn is_attack(&self) -> bool {
        ATTACKS.contains(&self.file)
    }

    /// A process event can show the behaviour.
    fn is_visible(&self) -> bool {
        self.is_attack() && self.event["visible"] != json!(false)
    }

    /// It deserves a medium alert.
    fn is_serious(&self) -> bool {
        self.is_visible() && level(self.text("expected_min_level")) >= MEDIUM
    }
}

fn level(word: &str) -> usize {
    LEVELS.iter().position(|l| *l == word).unwrap_or(1)
}

fn path(file: &str) -> PathBuf {
    root(&format!("tests/data/events/{file}.jsonl"))
}

/// All labelled events, before any rule was asked.
fn events() -> Vec<Labelled> {
    let all = ATTACKS.into_iter().chain(BENIGN).flat_map(|file| {
        let text = std::fs::read_to_string(path(file)).expect("labelled events");
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        lines.into_iter().map(move |event| Labelled { file, event, fired: vec![] })
    });
    all.collect()
}

/// What the shipped rules say, by `arcanary eval`.
fn by_the_pack() -> Vec<Labelled> {
    let mut all = events();
    let loaded = load(&files("rules"), "");
    for file in ATTACKS.into_iter().chain(BENIGN) {
        let ran = Command::new(env!("CARGO_BIN_EXE_arcanary"))
            .args(["eval", "rules", "--schema", "labelled", "--events"])
            .arg(path(file))
            .current_dir(root(""))
            .output()
            .expect("started");
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        let mut of_file: Vec<&mut Labelled> = all.iter_mut().filter(|l| l.file == file).collect();
        for line in String::from_utf8(ran.stdout).expect("UTF-8").lines() {
            let found: Value = serde_json::from_str(line).expect("JSON");
            let rule = found["rule"].as_str().expect("a rule");
            let at = usize::try_from(found["line"].as_u64().expect("a line")).unwrap() - 1;
            of_file[at].fired.push((rule.to_owned(), level(loaded.project.rules[rule].meta.level.word())));
        }
    }
    all
}

/// SigmaHQ's rules over process events of one system, as text with its name, level and system.
fn sigma_rules(folder: &Path, found: &mut Vec<(String, String, usize, String)>) {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder).expect("a folder").flatten().map(|e| e.path()).collect();
    entries.sort();
    for entry in entries {
        if entry.is_dir() {
            sigma_rules(&entry, found);
        } else if entry.extension().is_some_and(|e| e == "yml") {
            let text = std::fs::read_to_string(&entry).expect("a rule");
            let value = |key: &str| {
                let line = text.lines().find_map(|line| line.trim().strip_prefix(key)?.strip_prefix(':'));
                line.map(|v| v.trim().to_owned()).unwrap_or_default()
            };
            if value("category") == "process_creation" {
                let name = entry.file_stem().expect("a name").to_string_lossy().into_owned();
                found.push((name, value("product"), level(&value("level")), text));
            }
        }
    }
}

/// What SigmaHQ's rules say, by sigma-rust; the number of rules that it does not read.
fn by_sigmahq(folder: &Path) -> (Vec<Labelled>, usize, usize) {
    let mut all = events();
    let mut rules = vec![];
    sigma_rules(folder, &mut rules);
    let fields = [
        ("Image", "image"),
        ("OriginalFileName", "original_file_name"),
        ("CommandLine", "command_line"),
        ("ParentImage", "parent_image"),
        ("ParentCommandLine", "parent_command_line"),
        ("User", "user"),
        ("CurrentDirectory", "current_directory"),
    ];
    let rows: Vec<Value> = all
        .iter()
        .map(|l| {
            let known = fields.iter().filter(|(_, ours)| l.event[ours].is_string());
            known
                .map(|(theirs, ours)| ((*theirs).to_owned(), l.event[ours].clone()))
                .collect::<serde_json::Map<_, _>>()
                .into()
        })
        .collect();
    let asked = rules.iter().enumerate().map(|(index, (.., text))| json!({ "name": index, "yaml": text }));
    let asked = std::iter::once(json!({ "events": rows })).chain(asked);
    let mut unread = 0;
    for answer in run(Checker::SigmaRust, asked.collect()).into_iter().skip(1) {
        let (name, system, level, _) = &rules[usize::try_from(answer["name"].as_u64().expect("an index")).unwrap()];
        let Some(matched) = answer["matched"].as_array() else {
            unread += 1;
            continue;
        };
        for at in matched.iter().flat_map(|m| m.as_array().expect("a list")) {
            let labelled = &mut all[usize::try_from(at.as_u64().expect("an index")).unwrap()];
            if labelled.text("os") == system {
                labelled.fired.push((name.clone(), *level));
            }
        }
    }
    (all, rules.len(), unread)
}

fn of(part: usize, all: usize) -> String {
    match all {
        0 => "none".to_owned(),
        _ => format!("{part} of {all} ({} %)", (100 * part + all / 2) / all),
    }
}

/// One line for each group of events: how many were found, at each level.
fn table<'l>(head: &str, all: &'l [Labelled], group: impl Fn(&'l Labelled) -> Option<&'l str>) -> String {
    let mut groups: BTreeMap<&str, Vec<&Labelled>> = BTreeMap::new();
    for labelled in all {
        if let Some(name) = group(labelled) {
            groups.entry(name).or_default().push(labelled);
        }
    }
    let mut out = format!("| {head} | events | low or above | medium or above | high |\n|---|---|---|---|---|\n");
    for (name, events) in groups {
        let at = |level| of(events.iter().filter(|l| l.is_at(level)).count(), events.len());
        out += &format!("| {name} | {} | {} | {} | {} |\n", events.len(), at(1), at(MEDIUM), at(HIGH));
    }
    out
}

fn system(labelled: &Labelled) -> &str {
    labelled.text("os")
}

/// The figures of one set of rules.
fn figures(all: &[Labelled]) -> String {
    let serious: Vec<&Labelled> = all.iter().filter(|l| l.is_serious()).collect();
    let reached = serious.iter().filter(|l| l.is_at(MEDIUM)).count();
    let found: Vec<&Labelled> = all.iter().filter(|l| l.is_attack() && !l.fired.is_empty()).collect();
    let alerts: usize = found.iter().map(|l| l.fired.len()).sum();
    let each = match found.len() {
        0 => "none".to_owned(),
        events => {
            format!("{:.2}", f64::from(u32::try_from(alerts).unwrap()) / f64::from(u32::try_from(events).unwrap()))
        }
    };
    let on_atomic = |l: &&Labelled| l.file == "atomic";
    let atomic: Vec<Labelled> = all.iter().filter(on_atomic).map(copy).collect();
    let reports: Vec<Labelled> = all.iter().filter(|l| l.file == "attack" && l.is_visible()).map(copy).collect();
    let benign: Vec<Labelled> = all.iter().filter(|l| !l.is_attack()).map(copy).collect();
    format!(
        "**Atomic Red Team**\n\n{}\n**Commands from public reports** that a process event can show\n\n{}\nOf those that deserve a medium \
         alert, {} raise one. An attack that is found raises {each} alerts on average.\n\n**Benign look-alikes**: false alarms\n\n{}",
        table("system", &atomic, |l| Some(system(l))),
        table("system", &reports, |l| Some(system(l))),
        of(reached, serious.len()),
        table("file", &benign, |l| Some(l.file)),
    )
}

fn copy(labelled: &Labelled) -> Labelled {
    Labelled { file: labelled.file, event: labelled.event.clone(), fired: labelled.fired.clone() }
}

#[test]
fn the_page_says_what_the_pack_finds() {
    let all = by_the_pack();
    page::section(PAGE, "pack", &figures(&all));
    let reports: Vec<Labelled> = all.iter().filter(|l| l.file == "attack" && l.is_visible()).map(copy).collect();
    page::section(PAGE, "behaviours", &table("behaviour", &reports, |l| Some(l.text("behaviour"))));
    let mut alarms: BTreeMap<(usize, &str), usize> = BTreeMap::new();
    for (rule, level) in all.iter().filter(|l| !l.is_attack()).flat_map(|l| &l.fired) {
        *alarms.entry((LEVELS.len() - level, rule)).or_default() += 1;
    }
    let lines =
        alarms.iter().map(|((level, rule), n)| format!("| `{rule}` | {} | {n} |\n", LEVELS[LEVELS.len() - level]));
    let lines: String = lines.collect();
    page::section(PAGE, "alarms", &format!("| rule | level | benign events |\n|---|---|---|\n{lines}"));
    let missed: BTreeSet<String> = all
        .iter()
        .filter(|l| l.is_visible() && !l.is_at(1))
        .map(|l| {
            format!(
                "| {} | {} | `{}` |\n",
                l.file,
                l.text("os"),
                l.text("command_line").replace('|', "\\|").replace('`', "'")
            )
        })
        .collect();
    let missed: String = missed.into_iter().collect();
    page::section(PAGE, "missed", &format!("| file | system | command |\n|---|---|---|\n{missed}"));
}

#[test]
fn visible_attacks_are_found_and_benign_events_raise_little() {
    let all = by_the_pack();
    let shown = |those: &[&Labelled]| -> String {
        those.iter().map(|l| format!("{:?} {}: {}\n", l.fired, l.text("os"), l.text("command_line"))).collect()
    };
    let missed: Vec<&Labelled> = all.iter().filter(|l| l.is_visible() && !l.is_at(1)).collect();
    assert!(missed.is_empty(), "{}", shown(&missed));
    let serious: Vec<&Labelled> = all.iter().filter(|l| l.is_serious()).collect();
    let low: Vec<&Labelled> = serious.iter().copied().filter(|l| !l.is_at(MEDIUM)).collect();
    assert!(10 * low.len() <= serious.len(), "{}", shown(&low));
    let benign: Vec<&Labelled> = all.iter().filter(|l| !l.is_attack()).collect();
    let high: Vec<&Labelled> = benign.iter().copied().filter(|l| l.is_at(HIGH)).collect();
    assert!(high.is_empty(), "{}", shown(&high));
    let medium: Vec<&Labelled> = benign.iter().copied().filter(|l| l.is_at(MEDIUM)).collect();
    assert!(100 * medium.len() <= 8 * benign.len(), "{}", shown(&medium));
    let found: Vec<&Labelled> = all.iter().filter(|l| l.is_attack() && !l.fired.is_empty()).collect();
    let alerts: usize = found.iter().map(|l| l.fired.len()).sum();
    assert!(10 * alerts <= 13 * found.len(), "{alerts} alerts of {} attacks", found.len());
}

#[test]
fn the_page_says_what_sigmahq_finds() {
    let (Some(folder), Some(_)) = (std::env::var_os("ARCANARY_SIGMAHQ"), tools()) else {
        eprintln!("left out: SigmaHQ's rules over the labelled events (ARCANARY_SIGMAHQ names no folder)");
        return;
    };
    let (all, rules, unread) = by_sigmahq(Path::new(&folder));
    let said = format!(
        "{rules} rules over process events, of which sigma-rust reads {}.

{}",
        rules - unread,
        figures(&all)
    );
    page::section(PAGE, "sigmahq", &said);
}
