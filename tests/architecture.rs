//! The floors of the house: `src/` is built from rooms, and a room uses only rooms that stand above it in ARCHITECTURE.md.

#![allow(clippy::expect_used, clippy::panic, reason = "tests")]

use std::path::{Path, PathBuf};

/// The files that hold the rooms together.
const HALLS: [&str; 2] = ["lib.rs", "main.rs"];

fn at(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The rooms in the order of the plan: a line of two blanks and `room/` or `room.rs`.
fn plan(architecture: &str) -> Vec<String> {
    let begin = architecture.split_once("\nsrc/\n").expect("the plan of src").1;
    let inside = begin.lines().take_while(|line| line.starts_with("  "));
    let names = inside.filter(|line| !line.starts_with("   ")).flat_map(|line| {
        let (names, _) = line.trim().split_once("  ").unwrap_or((line.trim(), ""));
        names.split(' ').map(|name| name.trim_end_matches('/').trim_end_matches(".rs").to_owned()).collect::<Vec<_>>()
    });
    names.collect()
}

/// Each file below a folder, by its path from there.
fn files(folder: &Path, below: &str, found: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let entry = entry.expect("an entry");
        let name = format!("{below}{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            files(&entry.path(), &format!("{name}/"), found);
        } else {
            found.push((name, std::fs::read_to_string(entry.path()).expect("a file")));
        }
    }
}

fn room(file: &str) -> &str {
    file.split('/').next().unwrap_or(file).trim_end_matches(".rs")
}

/// What each line of a file uses of other rooms: line and room. Comments do not count: a link is no dependency.
fn uses(text: &str) -> Vec<(usize, String)> {
    let mut found = vec![];
    for (i, line) in text.lines().enumerate() {
        let code = line.split("//").next().unwrap_or("");
        assert!(!code.contains("use crate::{"), "one `use` a room: {line}");
        for (at, path) in code.match_indices("crate::") {
            let part_of_a_name = code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
            let rest = code.get(at + path.len()..).unwrap_or("");
            let name: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
            if !part_of_a_name && !name.is_empty() {
                found.push((i + 1, name));
            }
        }
    }
    found
}

/// Arrows that run up, each with its file and line.
fn wrong(plan: &[String], files: &[(String, String)]) -> Vec<String> {
    let floor = |name: &str| plan.iter().position(|room| room == name);
    let mut wrong = vec![];
    for (file, text) in files {
        let own = room(file);
        for (line, used) in uses(text).into_iter().filter(|(_, used)| used != own) {
            if floor(&used) >= floor(own) || floor(&used).is_none() {
                wrong.push(format!("src/{file}:{line}: `{own}` uses `{used}`, which does not stand above it"));
            }
        }
    }
    wrong
}

#[test]
fn each_room_uses_only_those_above_it_in_the_plan() {
    let plan = plan(&std::fs::read_to_string(at("ARCHITECTURE.md")).expect("the plan"));
    let mut sources = vec![];
    files(&at("src"), "", &mut sources);
    sources.retain(|(file, _)| !HALLS.contains(&file.as_str()));
    let mut rooms: Vec<&str> = sources.iter().map(|(file, _)| room(file)).collect();
    rooms.sort_unstable();
    rooms.dedup();
    let mut planned: Vec<&str> = plan.iter().map(String::as_str).collect();
    planned.sort_unstable();
    assert_eq!(rooms, planned, "the rooms of src/, and those of the plan");
    let wrong = wrong(&plan, &sources);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn an_arrow_that_runs_up_is_named_with_its_file_and_line() {
    let plan = plan("text\nsrc/\n  low.rs high/   two rooms\n                 and more words\n  top.rs  one\ntests/\n");
    assert_eq!(plan, ["low", "high", "top"]);
    let file = |name: &str, text: &str| (name.to_owned(), text.to_owned());
    let fine = file(
        "high/a.rs",
        "use crate::low::X;\n// crate::top is no dependency\nuse crate::high::b;\nfn f() { low_crate::top(); }\n",
    );
    let upwards = file("low.rs", "use std::io;\nuse crate::high::a::X;\n");
    let inline = file("high/b.rs", "fn f() -> crate::top::T {}\nfn g() { crate::attic::h() }\n");
    assert_eq!(
        wrong(&plan, &[fine, upwards, inline]),
        [
            "src/low.rs:2: `low` uses `high`, which does not stand above it",
            "src/high/b.rs:1: `high` uses `top`, which does not stand above it",
            "src/high/b.rs:2: `high` uses `attic`, which does not stand above it",
        ]
    );
}
