//! `--format`: every command that has findings prints them in every format, as programs read them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use quick_xml::Reader;
use quick_xml::events::Event;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const GOOD: &str = r#"rule packed {
  title "Archive with a Password"
  id    0e2a7c54-5f0b-4c8e-9d51-6f0b8f3b1a20
  level medium
  os    [windows]

  detect process where process.name is "rar.exe" and argument is "a"

  test "an archive" fires
    process { executable 'C:\rar.exe', command_line 'rar a x.rar b' }
  test "none" silent
    process { executable 'C:\rar.exe', command_line 'rar x x.rar' }
}
"#;

struct Place(tempfile::TempDir);

struct Ran {
    code: i32,
    out: String,
    err: String,
}

impl Place {
    /// A project with a lock and a build, one level below the folder that the program runs in.
    fn new() -> Place {
        let place = Place(tempfile::tempdir().expect("a folder"));
        place.write("p/arcanary.yaml", "name: p\nversion: 0.1.0\nsources: [rules]\ntargets: [sigma]\nout: build\n");
        place.write("p/rules/a b.det", GOOD);
        for arguments in [&["pack", "--bump", "p"][..], &["build", "p"], &["pack", "p"]] {
            let ran = place.run(arguments);
            assert_eq!(ran.code, 0, "{}", ran.err);
        }
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::create_dir_all(self.path(name).parent().expect("a folder")).expect("a folder");
        fs::write(self.path(name), text).expect("written");
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        let output = Command::new(env!("CARGO_BIN_EXE_arcanary"))
            .args(arguments)
            .current_dir(self.0.path())
            .output()
            .expect("ran");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        Ran { code: output.status.code().expect("a code"), out: text(output.stdout), err: text(output.stderr) }
    }

    fn edit(&self, from: &str, to: &str) {
        assert!(GOOD.contains(from), "{from}");
        self.write("p/rules/a b.det", &GOOD.replace(from, to));
    }
}

/// The code and place of each result of a log that is valid by the schema of OASIS.
fn sarif(text: &str) -> Vec<(String, String)> {
    let schema =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/sarif/sarif-schema-2.1.0.json"));
    // Its pattern for languages has a bracket too many, which only JavaScript takes.
    let schema = schema.expect("the schema").replace("{2}]?$", "{2}?$");
    let schema: Value = serde_json::from_str(&schema).expect("JSON");
    let log: Value = serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"));
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let wrong: Vec<String> = validator.iter_errors(&log).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert_eq!(wrong, Vec::<String>::new(), "{text}");
    let results = log["runs"][0]["results"].as_array().expect("results");
    let place = |result: &Value| {
        // A finding without a place: GitHub wants one all the same.
        if result["locations"][0]["message"]["text"] == "the project" {
            return String::new();
        }
        let physical = &result["locations"][0]["physicalLocation"];
        let line = &physical["region"]["startLine"];
        physical["artifactLocation"]["uri"].as_str().map_or_else(String::new, |uri| format!("{uri}:{line}"))
    };
    results.iter().map(|r| (r["ruleId"].as_str().expect("an id").to_owned(), place(r))).collect()
}

/// How many cases a document has, and how many of them did not pass.
fn junit(text: &str) -> (usize, usize) {
    let mut reader = Reader::from_str(text);
    let (mut cases, mut bad) = (0, 0);
    loop {
        match reader.read_event().unwrap_or_else(|e| panic!("{e}: {text}")) {
            Event::Start(e) | Event::Empty(e) => match e.name().as_ref() {
                "testcase" => cases += 1,
                "failure" | "error" => bad += 1,
                _ => {}
            },
            Event::Eof => return (cases, bad),
            _ => {}
        }
    }
}

/// Runs a command in each format; its findings, which are the same in all of them.
fn in_all(place: &Place, arguments: &[&str], code: i32) -> Vec<(String, String)> {
    let run = |format: &str| {
        let ran = place.run(&[arguments, &["--format", format]].concat());
        assert_eq!(ran.code, code, "{arguments:?} --format {format}: {}{}", ran.out, ran.err);
        ran.out
    };
    let text = place.run(arguments);
    assert_eq!(text.code, code, "{arguments:?}: {}{}", text.out, text.err);
    let found = sarif(&run("sarif"));
    let github = run("github");
    let lines: Vec<&str> = github.lines().collect();
    assert_eq!(lines.len(), found.len(), "{github}");
    for ((id, place), line) in found.iter().zip(lines) {
        assert!(line.contains(&format!("title={id}%3A ")), "{line}");
        let file = place.split(':').next().unwrap_or("").replace("%20", " ");
        assert!(file.is_empty() || line.contains(&format!("file={file},line=")), "{line} at {file}");
    }
    let json: Value = serde_json::from_str(&run("json")).expect("JSON");
    if let Some(all) = json.as_array() {
        assert_eq!(all.iter().map(|d| d["code"].as_str().unwrap()).collect::<Vec<_>>(), ids(&found));
    }
    let (cases, bad) = junit(&run("junit"));
    assert!(cases > 0, "servers take a document without cases for a run that broke");
    assert_eq!(bad, found.iter().filter(|(id, _)| !id.starts_with('W')).count());
    found
}

fn ids(found: &[(String, String)]) -> Vec<&str> {
    found.iter().map(|(id, _)| id.as_str()).collect()
}

fn found(id: &str, place: &str) -> Vec<(String, String)> {
    vec![(id.to_owned(), place.to_owned())]
}

#[test]
fn a_project_that_is_fine_has_no_finding_in_any_format() {
    let place = Place::new();
    for arguments in [
        &["check", "p", "--locked"][..],
        &["build", "p", "--check"],
        &["test", "p"],
        &["fmt", "--check", "p"],
        &["verify", "p/dist"],
    ] {
        assert_eq!(in_all(&place, arguments, 0), []);
    }
}

#[test]
fn every_command_that_reads_sources_says_what_is_wrong_with_them() {
    let place = Place::new();
    place.edit("process.name is", "process.nam is");
    let wrong = found("E0205", "p/rules/a%20b.det:7");
    for arguments in [
        &["check", "p"][..],
        &["build", "p"],
        &["build", "p", "--check"],
        &["test", "p"],
        &["pack", "p"],
        &["publish", "p", "--repo", "nowhere"],
        &["explain", "packed", "p"],
        &["witness", "packed", "p"],
        &["eval", "p", "--events", "nothing.jsonl"],
    ] {
        assert_eq!(in_all(&place, arguments, 2), wrong, "{arguments:?}");
    }
    place.edit("detect process where", "detect process whre");
    assert_eq!(in_all(&place, &["fmt", "p"], 2), found("E0101", "p/rules/a%20b.det:7"));
}

#[test]
fn a_wrong_project_file_is_named_from_the_folder_that_the_program_runs_in() {
    let place = Place::new();
    place.write("p/arcanary.yaml", "name: p\nversion: 0.1.0\nsources: [rules]\ntargets: [sigmo]\n");
    for arguments in [&["check", "p"][..], &["test", "p"]] {
        assert_eq!(in_all(&place, arguments, 2), found("E0802", "p/arcanary.yaml:4"));
    }
    place.write("p/arcanary.yaml", "nam: p\n");
    assert_eq!(in_all(&place, &["fmt", "p/rules"], 0), [], "a file is formatted whatever project it is of");
    assert_eq!(in_all(&place, &["check", "p"], 2), found("E0803", "p/arcanary.yaml:1"));
    place.write("p/arcanary.yaml", "name: p\nversion: 0.1.0\nsources: [rules]\ntargets: [sigma]\n");
    place.write("p/pack.lock", "what");
    assert_eq!(in_all(&place, &["check", "p"], 2), found("E0805", "p/pack.lock:1"));
}

#[test]
fn tests_that_fail_and_tests_that_are_missing_are_findings() {
    let place = Place::new();
    place.edit("\"an archive\" fires", "\"an archive\" silent");
    assert_eq!(in_all(&place, &["test", "p"], 1), found("E0703", "p/rules/a%20b.det:9"));
    assert_eq!(in_all(&place, &["pack", "p"], 1), found("E0703", "p/rules/a%20b.det:9"));
    place.write("p/rules/a b.det", &format!("{}}}\n", GOOD.split("\n  test").next().expect("a rule")));
    let missing = in_all(&place, &["test", "p", "--missing"], 1);
    assert_eq!(ids(&missing), ["E0704", "E0704"]);
}

#[test]
fn files_in_another_layout_point_at_the_first_line_that_differs() {
    let place = Place::new();
    place.edit("  os    [windows]", "  os [windows]");
    for option in ["--check", "--diff"] {
        assert_eq!(in_all(&place, &["fmt", option, "p"], 1), found("E0114", "p/rules/a%20b.det:5"));
    }
    let before = fs::read(place.path("p/rules/a b.det")).expect("the rule");
    place.run(&["fmt", "--check", "--format", "sarif", "p"]);
    assert_eq!(fs::read(place.path("p/rules/a b.det")).expect("the rule"), before);
}

#[cfg(unix)]
#[test]
fn files_that_are_not_there_or_cannot_be_read_are_findings() {
    let place = Place::new();
    std::os::unix::fs::symlink("nowhere", place.path("p/rules/gone.det")).expect("a link");
    assert_eq!(in_all(&place, &["fmt", "--check", "p"], 2), found("E0004", ""));
    assert_eq!(in_all(&place, &["check", "p"], 2), found("E0004", ""));
    for command in ["fmt", "check", "build", "test"] {
        assert_eq!(in_all(&place, &[command, "./elsewhere"], 2), found("E0004", ""), "{command}");
    }
}

#[test]
fn a_stale_lock_and_a_stale_build_are_found_at_their_rules() {
    let place = Place::new();
    place.edit("level medium", "level high");
    assert_eq!(in_all(&place, &["check", "p", "--locked"], 1), found("E0806", "p/rules/a%20b.det:1"));
    assert_eq!(in_all(&place, &["build", "p", "--check"], 1), found("E0808", "p/rules/a%20b.det:1"));
    let log: Value =
        serde_json::from_str(&place.run(&["build", "p", "--check", "--format", "sarif"]).out).expect("JSON");
    let message = log["runs"][0]["results"][0]["message"]["text"].as_str().expect("a message").to_owned();
    assert!(message.contains("p/build is not up to date with `packed`\nsigma/"), "{message}");
    place.edit("rule packed", "rule later");
    let stale = in_all(&place, &["build", "p", "--check"], 1);
    assert_eq!(stale, [found("E0808", ""), found("E0808", "p/rules/a%20b.det:1")].concat());
}

#[test]
fn a_bad_manifest_and_a_file_in_the_way_of_a_build_are_findings() {
    let place = Place::new();
    let good = fs::read_to_string(place.path("p/build/manifest.json")).expect("a manifest");
    place.write("p/build/manifest.json", "<<<<<<< HEAD");
    for arguments in [&["build", "p"][..], &["build", "p", "--check"], &["build", "p", "--force"]] {
        assert_eq!(in_all(&place, arguments, 2), found("E0811", ""), "{arguments:?}");
    }
    place.write("p/build/manifest.json", &good);
    place.write("p/build/sigma/packed.yml", "mine");
    assert_eq!(in_all(&place, &["build", "p"], 2), found("E0812", ""));
}

#[test]
fn an_unsound_release_is_a_finding_for_each_of_its_faults() {
    let place = Place::new();
    place.write("p/dist/CHANGELOG.md", "other");
    place.write("p/dist/stranger", "");
    let faults = in_all(&place, &["verify", "p/dist"], 1);
    assert_eq!(faults, [found("E0809", ""), found("E0809", "")].concat());
    let ran = place.run(&["verify", "p/dist"]);
    assert_eq!(ran.err.lines().filter(|l| l.starts_with("error: ")).count(), 2, "{}", ran.err);
}

#[test]
fn a_target_that_there_is_not_is_a_finding_of_every_command_that_takes_one() {
    let place = Place::new();
    for arguments in [
        &["check", "p", "--target", "sigmo"][..],
        &["build", "p", "--target", "sigmo"],
        &["targets", "show", "sigmo"],
        &["explain", "packed", "p", "--target", "sigmo"],
        &["witness", "packed", "p", "--target", "sigmo"],
    ] {
        assert_eq!(in_all(&place, arguments, 2), found("E0802", ""));
    }
}

#[test]
fn a_safe_patch_is_a_fix_and_other_places_are_related() {
    let place = Place::new();
    place.edit("process.name is", "process.nmae is");
    let log: Value = serde_json::from_str(&place.run(&["check", "p", "--format", "sarif"]).out).expect("JSON");
    let change = &log["runs"][0]["results"][0]["fixes"][0]["artifactChanges"][0];
    let replacement = &change["replacements"][0];
    let line = GOOD.lines().nth(6).expect("a line").replace("process.name is", "process.nmae is");
    let column =
        |name: &str| usize::try_from(replacement["deletedRegion"][name].as_u64().expect("a number")).unwrap() - 1;
    let mended = format!(
        "{}{}{}",
        &line[..column("startColumn")],
        replacement["insertedContent"]["text"].as_str().expect("text"),
        &line[column("endColumn")..]
    );
    assert_eq!(mended, GOOD.lines().nth(6).expect("a line"));
    place.write("p/rules/b.det", GOOD);
    let log: Value = serde_json::from_str(&place.run(&["check", "p", "--format", "sarif"]).out).expect("JSON");
    let results = log["runs"][0]["results"].as_array().expect("results");
    let twice = results.iter().find(|r| r["ruleId"] == "E0202").expect("defined twice");
    assert!(twice["relatedLocations"][0]["physicalLocation"]["artifactLocation"]["uri"].is_string(), "{twice}");
}
