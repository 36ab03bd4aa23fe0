//! What is left when a command is killed, or the disk is full or read-only, at any of its writes: nothing of the user's is
//! lost, each file is whole, and the same command, run again, finishes.
//!
//! Each command runs once to count its steps, then once for every step and kind of fault, in a fresh copy of the same
//! folder (`./test` takes a sample of the steps). The steps are those of `src/files/fault.rs`, which is in the program only with the feature `faults`. Those of
//! `publish`, which writes with git alone, are its calls of git.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "../packs/place.rs"]
#[allow(dead_code, reason = "the tests of packs use all of it")]
mod place;
#[cfg(unix)]
mod publish;
#[path = "../oracle/sample.rs"]
#[allow(dead_code, reason = "the validation uses all of it")]
mod sample;

use place::{Place, SHARED, command, git_in};
use sample::sample;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Output;

/// Files by path.
type Files = BTreeMap<String, Vec<u8>>;

/// The kinds of fault at a step that changes something.
const KINDS: [&str; 4] = ["kill", "fail", "full", "read-only"];

fn all(folder: &Path) -> Files {
    let mut out = Files::new();
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type().expect("a kind").is_dir() {
            out.extend(all(&entry.path()).into_iter().map(|(path, bytes)| (format!("{name}/{path}"), bytes)));
        } else {
            out.insert(name, fs::read(entry.path()).expect("a file"));
        }
    }
    out
}

fn put(files: &Files, folder: &Path) {
    for (name, bytes) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, bytes).expect("written");
    }
}

/// Runs the program in a folder with a fault; what it did is one line for each step.
fn run(folder: &Path, arguments: &[&str], fault: &str) -> (Output, Vec<String>) {
    let log = tempfile::NamedTempFile::new().expect("a file");
    let output = command(env!("CARGO_BIN_EXE_arcanary"))
        .args(arguments)
        .current_dir(folder)
        .env("ARCANARY_FAULT", fault)
        .env("ARCANARY_FAULT_LOG", log.path())
        .output()
        .expect("started");
    let steps = fs::read_to_string(log.path()).expect("a log").lines().map(str::to_owned).collect();
    (output, steps)
}

/// A command that is hit by every fault at every step.
struct Trial<'a> {
    /// The folder before.
    before: Files,
    /// The command.
    arguments: &'a [&'a str],
    /// Files that only a whole run may change, and that are at each moment what they were or what they will be.
    written: &'a dyn Fn(&str) -> bool,
    /// Whether files, where the user finds them after a fault, are a state that the command may leave.
    sound: &'a dyn Fn(&Files) -> bool,
    /// The fewest steps that change something: fewer, and not all of it goes through the layer that fails.
    least: usize,
}

impl Trial<'_> {
    fn holds(&self) {
        let place = Place::empty();
        put(&self.before, &place.path(""));
        let (output, steps) = run(&place.path(""), self.arguments, "");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let after = all(&place.path(""));
        assert!(after != self.before && !after.keys().any(|name| is_own(name)), "{:?}", after.keys());
        let changes = steps.iter().filter(|step| !step.starts_with("Read")).count();
        assert!(changes >= self.least, "{steps:#?}");
        for kind in KINDS {
            for step in sample(1..=changes) {
                self.one(&format!("{kind}:{step}"), &after);
            }
        }
        for step in sample(1..=steps.len() - changes) {
            self.one(&format!("unreadable:{step}"), &after);
        }
    }

    /// One fault, then the same command without one.
    fn one(&self, fault: &str, after: &Files) {
        let place = Place::empty();
        put(&self.before, &place.path(""));
        let (output, steps) = run(&place.path(""), self.arguments, fault);
        let err = String::from_utf8_lossy(&output.stderr);
        let said = format!("{:?} {fault}: {err}{steps:#?}", self.arguments);
        let broken = all(&place.path(""));
        let killed = fault.starts_with("kill");
        assert!(!(killed && output.status.success()), "{said}");
        if output.status.success() {
            // What failed was no more than cleaning up.
            let others: Files =
                broken.iter().filter(|(n, _)| !is_own(n)).map(|(n, b)| (n.clone(), b.clone())).collect();
            assert_eq!(names(&others), names(after), "{said}");
            assert!(others == *after, "{said}");
        } else if !killed {
            assert!(output.status.code() == Some(2) && err.contains("error: cannot "), "{said}");
            assert!(!err.contains("nothing was written") || broken == self.before, "{said}");
        }
        let aside = broken.keys().any(|name| name.contains(".old/") || name.contains(".gone/"));
        assert!(killed || !aside || err.contains(".arcanary-"), "nobody says where the earlier folder is: {said}");
        for (name, bytes) in &self.before {
            if !(self.written)(name) {
                assert!(broken.get(name) == Some(bytes), "{name} of the user's is not as it was: {said}");
            }
        }
        for (name, bytes) in broken.iter().filter(|(name, _)| (self.written)(name) && !is_own(name)) {
            let whole = [&self.before, after].iter().any(|state| state.get(name) == Some(bytes));
            assert!(
                whole || name == "build/manifest.json",
                "{name} is neither what it was nor what it will be: {said}"
            );
        }
        assert!((self.sound)(&broken), "{:?}: {said}", names(&broken));
        let (output, _) = run(&place.path(""), self.arguments, "");
        let err = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "the next run, after {said}\n{err}");
        let repaired = all(&place.path(""));
        assert_eq!(names(&repaired), names(after), "{said}");
        assert!(repaired == *after, "{said}");
    }
}

fn names(files: &Files) -> Vec<&String> {
    files.keys().collect()
}

/// Whether a file is one of Arcanary's own.
fn is_own(name: &str) -> bool {
    name.split('/').any(|part| part.starts_with(".arcanary-") && part != ".arcanary-pack.json")
}

/// A project with a lock and files of the user's between all others; its rules have changed since it was built.
fn project() -> Place {
    let place = Place::project();
    place.write(
        "arcanary.yaml",
        "name: acme\nversion: 0.1.0\nsources: [rules]\ntargets: [sigma]\ndocuments: [query, navigator]\nout: build\n",
    );
    for name in ["notes.txt", "rules/notes.txt", "build/notes.txt", "build/sigma/mine.yml"] {
        place.write(name, "mine");
    }
    place
}

#[test]
fn build_is_finished_by_the_next_whatever_stopped_it() {
    let place = project();
    place.run(&["build"]).fine();
    // One document changes, one goes with its rule, one is new.
    place.edit("rules/packed.det", "level medium", "level high");
    place.write("rules/shared.det", &SHARED.replace("rule shared", "rule fresh").replace("1a21", "1a22"));
    Trial {
        before: all(&place.path("")),
        arguments: &["build"],
        written: &|name| name.starts_with("build/") && !name.ends_with("notes.txt") && !name.ends_with("mine.yml"),
        sound: &|files| {
            let manifest =
                files.get("build/manifest.json").map(|bytes| serde_json::from_slice::<serde_json::Value>(bytes));
            manifest.is_some_and(|manifest| manifest.is_ok_and(|m| m["targets"]["sigma"].is_object()))
        },
        least: 15,
    }
    .holds();
}

#[test]
fn a_first_build_is_finished_by_the_next_also_when_its_rules_are_gone_meanwhile() {
    let place = project();
    let before = all(&place.path(""));
    Trial {
        before: before.clone(),
        arguments: &["build"],
        written: &|name| name.starts_with("build/") && !before.contains_key(name),
        sound: &|_| true,
        least: 18,
    }
    .holds();
    for step in 1.. {
        let place = project();
        let (output, _) = run(&place.path(""), &["build"], &format!("kill:{step}"));
        place.remove("rules/shared.det");
        place.run(&["build"]).fine();
        let names: Vec<String> = all(&place.path("build")).into_keys().collect();
        let expected = ["manifest.json", "navigator/layer.json", "notes.txt", "sigma/mine.yml", "sigma/packed.yml"];
        assert_eq!(names, expected, "step {step}");
        if output.status.success() {
            return;
        }
    }
}

#[test]
fn pack_keeps_the_earlier_release_until_the_new_one_is_there() {
    let place = project();
    place.run(&["pack", "--bump"]).fine();
    place.run(&["pack"]).fine();
    let before = all(&place.path("dist"));
    place.edit("rules/packed.det", "level medium", "level high");
    place.run(&["pack", "--bump"]).fine();
    let next = project();
    put(&all(&place.path("")), &next.path(""));
    next.run(&["pack"]).fine();
    let after = all(&next.path("dist"));
    let below = |files: &Files, folder: &str| -> Files {
        files.iter().filter_map(|(name, bytes)| Some((name.strip_prefix(folder)?.to_owned(), bytes.clone()))).collect()
    };
    let either = |files: &Files| *files == before || *files == after;
    Trial {
        before: all(&place.path("")),
        arguments: &["pack"],
        written: &|name| name.starts_with("dist/"),
        // There is always a whole release: in its place, or beside it for the moment between two moves.
        sound: &|files| either(&below(files, "dist/")) || either(&below(files, ".arcanary-dist.old/")),
        least: 25,
    }
    .holds();
}

#[test]
fn bump_moves_the_version_and_the_lock_or_is_run_again() {
    let place = project();
    place.run(&["pack", "--bump"]).fine();
    place.edit("rules/packed.det", "level medium", "level high");
    Trial {
        before: all(&place.path("")),
        arguments: &["pack", "--bump"],
        written: &|name| matches!(name, "arcanary.yaml" | "pack.lock"),
        sound: &|_| true,
        least: 6,
    }
    .holds();
}

#[test]
fn fmt_keeps_every_source_whole() {
    let place = project();
    for name in ["rules/packed.det", "rules/shared.det"] {
        place.edit(name, "  detect", "      detect");
    }
    place.run(&["fmt", "rules/utilities.det"]).fine();
    Trial {
        before: all(&place.path("")),
        arguments: &["fmt"],
        written: &|name| matches!(name, "rules/packed.det" | "rules/shared.det"),
        sound: &|_| true,
        least: 6,
    }
    .holds();
}

/// A repository beside the folders, with two versions of a pack.
fn hub() -> (Place, String) {
    let place = project();
    let hub = Place::empty();
    hub.git(&["init", "-q", "--bare", "-b", "main", "repo.git"]);
    let repo = hub.path("repo.git").display().to_string();
    for (from, to) in [("level medium", "level medium"), ("level medium", "level high")] {
        place.edit("rules/packed.det", from, to);
        place.run(&["pack", "--bump"]).fine();
        place.run(&["publish", "--allow-dirty", "--repo", &repo]).fine();
    }
    (hub, repo)
}

/// An update of what was fetched, of the sources or of the release.
fn fetched(sources: bool) {
    let (hub, repo) = hub();
    let fetch = ["fetch-pack", "--repo", &repo, "--out", "upstream"];
    let fetch: Vec<&str> = fetch.iter().copied().chain(sources.then_some("--sources")).collect();
    let place = Place::empty();
    place.write("notes.txt", "mine");
    place.run(&[&fetch[..], &["--version", "0.1.0"]].concat()).fine();
    if sources {
        // A hidden file is somebody's, and an update leaves it.
        place.write("upstream/.mine", "mine");
    }
    Trial {
        before: all(&place.path("")),
        arguments: &fetch,
        written: &|name| name.starts_with("upstream/"),
        sound: &|files| {
            let places = ["upstream/", ".arcanary-upstream.old/"];
            let file = if sources { ".mine" } else { "SHA256SUMS" };
            places.iter().any(|place| files.contains_key(&format!("{place}{file}")))
        },
        least: 25,
    }
    .holds();
    assert_eq!(git_in(&hub.path("repo.git"), &["rev-list", "--count", "main"]), "2");
}

#[test]
fn fetch_pack_keeps_the_sources_that_were_fetched_until_the_new_ones_are_there() {
    fetched(true);
}

#[test]
fn fetch_pack_keeps_the_release_that_was_fetched_until_the_new_one_is_there() {
    fetched(false);
}
