//! The program as its users call it: exit codes, files written, differences, output for people and for programs.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Place {
        Place { folder: tempfile::tempdir().expect("a folder") }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, text).expect("written");
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        run_in(self.folder.path(), arguments)
    }
}

struct Ran {
    code: i32,
    out: String,
    err: String,
}

fn run_in(folder: &Path, arguments: &[&str]) -> Ran {
    let Output { status, stdout, stderr } =
        Command::new(env!("CARGO_BIN_EXE_arcanary")).args(arguments).current_dir(folder).output().expect("started");
    let text = |b: Vec<u8>| String::from_utf8(b).expect("UTF-8");
    Ran { code: status.code().expect("a code"), out: text(stdout), err: text(stderr) }
}

const RULE: &str = r#"
utility rar "WinRAR" { os [windows] image ["rar.exe"] verb create = first "a" switch password = glued "p" except "-" }
/// Detects a password.
rule packed {
  title "Archive with a Password" id 0e2a7c54-5f0b-4c8e-9d51-6f0b8f3b1a20 level medium os [windows] attack [T1560.001]
  detect process where runs rar to create with password
}
"#;

fn project() -> Place {
    let place = Place::new();
    place.write("arcanary.yaml", "name: p\nversion: 1.0.0\nsources: [rules]\ntargets: [sentinel, sigma]\nout: build\n");
    place.write("rules/a.det", RULE);
    place
}

#[test]
fn build_writes_each_document_under_its_target_and_a_manifest() {
    let place = project();
    let ran = place.run(&["build"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, "2 documents for 2 targets in build\n"));
    assert!(place.read("build/sentinel/packed.kql").contains("DeviceProcessEvents"));
    assert!(place.read("build/sigma/packed.yml").contains("title: Archive with a Password"));
    let manifest: serde_json::Value = serde_json::from_str(&place.read("build/manifest.json")).expect("JSON");
    assert_eq!(manifest["targets"]["sentinel"]["packed"]["status"], "exact");
    assert_eq!(manifest["version"], "1.0.0");
}

#[test]
fn out_and_target_decide_what_is_written_where() {
    let place = project();
    let ran = place.run(&["build", "rules/a.det", "--target", "splunk-sysmon,defender", "--out", "elsewhere"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(place.path("elsewhere/splunk-sysmon/packed.spl").is_file());
    assert!(place.path("elsewhere/defender/packed.kql").is_file());
    assert!(!place.path("build").exists());
}

#[test]
fn files_without_a_project_are_compiled_as_they_are() {
    let place = Place::new();
    place.write("x/one.det", RULE);
    let ran = place.run(&["build", "x", "--target", "sigma", "--out", "o"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(place.path("o/sigma/packed.yml").is_file());
    let ran = place.run(&["build"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("there is no arcanary.yaml"), "{}", ran.err);
}

#[test]
fn check_shows_a_readable_difference_writes_nothing_and_exits_with_1() {
    let place = project();
    assert_eq!(place.run(&["build", "--check"]).code, 1, "nothing is there yet");
    assert!(!place.path("build").exists());
    assert_eq!(place.run(&["build"]).code, 0);
    assert_eq!(place.run(&["build", "--check"]).code, 0);
    place.write("rules/a.det", &RULE.replace("level medium", "level high"));
    let before = place.read("build/sigma/packed.yml");
    let ran = place.run(&["build", "--check"]);
    assert_eq!(ran.code, 1);
    assert!(ran.out.contains("-level: medium\n+level: high"), "{}", ran.out);
    assert_eq!(place.read("build/sigma/packed.yml"), before);
}

#[test]
fn a_bad_source_exits_with_2_and_leaves_the_last_good_build() {
    let place = project();
    place.run(&["build"]);
    let before = place.read("build/sentinel/packed.kql");
    place.write("rules/a.det", &RULE.replace("with password", "with pasword"));
    let ran = place.run(&["build"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("error[E0207]") && ran.err.contains("did you mean `password`?"), "{}", ran.err);
    assert_eq!(place.read("build/sentinel/packed.kql"), before);
}

#[test]
fn what_a_rule_no_longer_makes_is_removed_and_strangers_stay() {
    let place = project();
    place.run(&["build"]);
    place.write("build/sentinel/mine.kql", "mine");
    place.write("rules/a.det", &RULE.replace("rule packed", "rule later"));
    let ran = place.run(&["build", "--check"]);
    assert_eq!(ran.code, 1);
    assert!(ran.out.contains("packed.kql"), "{}", ran.out);
    assert_eq!(place.run(&["build"]).code, 0);
    assert!(!place.path("build/sentinel/packed.kql").exists());
    assert!(place.path("build/sentinel/later.kql").is_file());
    assert_eq!(place.read("build/sentinel/mine.kql"), "mine");
}

#[test]
fn what_a_target_cannot_say_is_a_finding_until_it_is_skipped_with_a_reason() {
    let place = project();
    place.write(
        "rules/a.det",
        &RULE
            .replace("runs rar to create with password", "renamed rar")
            .replace("image [\"rar.exe\"]", "image [\"rar.exe\"] original [\"WinRAR.exe\"]"),
    );
    place.write("arcanary.yaml", "sources: [rules]\ntargets: [sentinel, sentinel-securityevent]\nout: build\n");
    let ran = place.run(&["build"]);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("error[E0901]: target `sentinel-securityevent` cannot say rule `packed`"), "{}", ran.err);
    assert!(place.path("build/sentinel/packed.kql").is_file(), "the other target is built");
    place.write("arcanary.yaml", "sources: [rules]\ntargets: [sentinel, sentinel-securityevent]\nout: build\nskip:\n  - { rule: packed, targets: [sentinel-securityevent], because: no name }\n");
    assert_eq!(place.run(&["build"]).code, 0);
    let manifest: serde_json::Value = serde_json::from_str(&place.read("build/manifest.json")).expect("JSON");
    assert_eq!(manifest["targets"]["sentinel-securityevent"]["packed"]["status"], "skipped");
    place.write("arcanary.yaml", "sources: [rules]\ntargets: [sentinel]\nout: build\nskip:\n  - { rule: packed, targets: [sentinel], because: no name }\n");
    let ran = place.run(&["check"]);
    assert!(ran.err.contains("warning[W0002]"), "{}", ran.err);
}

#[test]
fn a_query_longer_than_its_target_takes_is_a_finding_with_both_lengths() {
    let place = project();
    place.write("targets/short.yaml", "name: short\nextends: sentinel\nlimits: { characters: 100 }\n");
    let ran = place.run(&["build", "--target", "sentinel,short"]);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("error[E0903]: target `short` takes no query as long as that of `packed`"), "{}", ran.err);
    assert!(ran.err.contains("characters, and 100 is the limit"), "{}", ran.err);
    assert!(place.path("build/sentinel/packed.kql").is_file() && !place.path("build/short").exists());
}

#[test]
fn findings_come_as_json_on_standard_output() {
    let place = project();
    place.write("rules/a.det", &RULE.replace("level medium", "level bad"));
    let ran = place.run(&["check", "--format", "json"]);
    assert_eq!(ran.code, 2);
    let json: serde_json::Value = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!(json[0]["code"], "E0208");
    assert_eq!(json[0]["labels"][0]["line"], 5);
    assert_eq!(ran.err, "");
}

#[test]
fn a_parameter_of_the_project_reaches_the_query() {
    let place = project();
    place.write("rules/a.det", &format!("{RULE}param port = 443\nrule far {{ title \"T\" id 1e2a7c54-5f0b-4c8e-9d51-6f0b8f3b1a20 level low os [windows] detect network where destination.port is port }}"));
    place.write("arcanary.yaml", "sources: [rules]\ntargets: [sentinel]\nout: build\nparams: { port: 8443 }\n");
    assert_eq!(place.run(&["build"]).code, 0);
    assert!(place.read("build/sentinel/far.kql").contains("RemotePort == 8443"));
    place.write("arcanary.yaml", "sources: [rules]\nparams: { prt: 8443 }\n");
    let ran = place.run(&["check"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("did you mean `port`?"), "{}", ran.err);
}

#[test]
fn a_user_overrides_a_field_of_a_target_without_rust() {
    let place = project();
    place.write(
        "targets/sentinel.yaml",
        "name: sentinel\nextends: sentinel\nfields:\n  process:\n    command_line: MyCommandLine\n",
    );
    place.write("targets/mine.yaml", "name: mine\nlanguage: kql\nsources:\n  process:\n    - { os: [windows], table: MyEvents }\nfields:\n  process:\n    process.name: Name\n    command_line: Line\n");
    let ran = place.run(&["build", "--target", "sentinel,mine"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(place.read("build/sentinel/packed.kql").contains("MyCommandLine matches regex"));
    assert!(place.read("build/mine/packed.kql").starts_with("// Archive with a Password"));
    assert!(place.run(&["targets"]).out.contains("mine"));
    assert!(place.run(&["targets", "show", "mine"]).out.contains("command_line"));
}

#[test]
fn a_bad_target_file_is_told_with_its_place_and_a_cure() {
    for (text, expected) in [
        ("name: x\nlanguage: kql\nsources:\n  proces:\n    - { os: [windows], table: T }\n", "is no kind of event"),
        ("name: x\nextends: sentinell\n", "did you mean `sentinel`?"),
        ("name: x\nextends: sentinel\nfields:\n  process:\n    comand_line: C\n", "did you mean `command_line`?"),
        ("name: x\nextends: sentinel\nfields:\n  process:\n    executable: { nam_of: X }\n", "takes a column"),
        ("name: x\nlanguage: kql\n", "has no `sources`"),
        ("name: x\nextends: sentinel\ncolour: red\n", "unknown field"),
        ("name: [\n", "cannot be read"),
        (
            "name: x\nlanguage: spl\nsources:\n  process:\n    - { os: [windows], macro: m }\n",
            "no definition under `macros`",
        ),
        (
            "name: x\nextends: sentinel\nfields:\n  file:\n    file.action: ActionType\n",
            "does not say what its values mean",
        ),
    ] {
        let place = project();
        place.write("targets/x.yaml", text);
        let ran = place.run(&["check"]);
        assert_eq!(ran.code, 2, "{text}\n{}", ran.err);
        assert!(
            ran.err.contains("error[E0801]") && ran.err.contains("targets/x.yaml:") && ran.err.contains(expected),
            "{text}\n{}",
            ran.err
        );
    }
}

#[test]
fn a_bad_project_file_and_an_unknown_target_are_told() {
    let place = project();
    place.write("arcanary.yaml", "sorces: [rules]\n");
    let ran = place.run(&["check"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("error[E0803]"), "{}", ran.err);
    let ran = project().run(&["build", "--target", "sentinal"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("error[E0802]") && ran.err.contains("did you mean `sentinel`?"), "{}", ran.err);
    let ran = project().run(&["check", "nowhere"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("error[E0004]"), "{}", ran.err);
}

#[test]
fn fmt_checks_shows_and_writes_the_canonical_layout() {
    let place = project();
    let ran = place.run(&["fmt", "--check"]);
    assert_eq!(ran.code, 1, "{}", ran.err);
    assert!(ran.err.contains("rules/a.det"), "{}", ran.err);
    assert!(place.run(&["fmt", "--diff"]).out.contains("+utility rar \"WinRAR\" {"));
    assert_eq!(place.read("rules/a.det"), RULE);
    assert_eq!(place.run(&["fmt"]).code, 0);
    assert_eq!(place.run(&["fmt", "--check"]).code, 0);
    assert_eq!(place.run(&["build"]).code, 0);
    place.write("rules/a.det", "rule x {");
    assert_eq!(place.run(&["fmt"]).code, 2);
    assert_eq!(place.read("rules/a.det"), "rule x {");
}

#[test]
fn test_runs_the_tests_in_rules_and_shows_what_decided() {
    let place = project();
    let tests = r#"
  test "a password" fires process { executable 'C:\x\rar.exe', command_line 'rar a -pblue a.rar' }
  test "none" silent process { executable 'C:\x\rar.exe', command_line 'rar a a.rar' }
}
"#;
    let rule = RULE.trim_end().strip_suffix('}').expect("a rule");
    place.write("rules/a.det", &format!("{rule}{tests}"));
    let ran = place.run(&["test"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, "2 tests: 2 passed, 0 failed\n"));
    assert_eq!(place.run(&["test", "--missing"]).code, 0);
    place.write("rules/a.det", &format!("{rule}{}", tests.replace("-pblue", "-p-")));
    let ran = place.run(&["test"]);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("error[E0703]: test \"a password\" of `packed` fails"), "{}", ran.err);
    assert!(ran.err.contains("expected: fires; it is: silent") && ran.err.contains("this decided"), "{}", ran.err);
    let ran = place.run(&["test", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!((json[0]["outcome"].as_str(), json[1]["outcome"].as_str()), (Some("failed"), Some("passed")));
    place.write("rules/a.det", RULE);
    let ran = place.run(&["test", "--missing"]);
    assert!(ran.code == 1 && ran.err.contains("rule `packed` has no test that fires"), "{}", ran.err);
}

#[test]
fn explain_says_what_a_rule_matches_and_what_a_code_means() {
    let place = project();
    let ran = place.run(&["explain", "packed"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(
        ran.out.contains("the process is WinRAR, by its file name or original name, told to create, with password"),
        "{}",
        ran.out
    );
    assert!(ran.out.contains("sentinel: exact"), "{}", ran.out);
    let ran = place.run(&["explain", "pakced"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("did you mean `packed`?"), "{}", ran.err);
    assert!(place.run(&["--explain", "E0105"]).out.starts_with("E0105: "));
    assert_eq!(place.run(&["--explain", "E9999"]).code, 2);
}

#[test]
fn a_new_project_builds_at_once_and_is_in_the_canonical_layout() {
    let place = Place::new();
    let ran = place.run(&["new", "mine"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let mine = place.path("mine");
    assert_eq!(run_in(&mine, &["check"]).code, 0, "{}", run_in(&mine, &["check"]).err);
    assert_eq!(run_in(&mine, &["build"]).code, 0);
    assert_eq!(run_in(&mine, &["build", "--check"]).code, 0);
    let formatted = run_in(&mine, &["fmt", "--diff"]);
    assert_eq!((formatted.code, formatted.out.as_str()), (0, ""));
    assert_eq!(place.run(&["new", "mine"]).code, 2, "a folder with files in it is not touched");
}

#[test]
fn two_builds_are_the_same_bytes() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let place = Place::new();
    for out in ["a", "b"] {
        let ran = run_in(root, &["build", "rules", "--out", &place.path(out).display().to_string()]);
        assert_eq!(ran.code, 0, "{}", ran.err);
    }
    let list = |name: &str| {
        let mut all = vec![];
        for target in fs::read_dir(place.path(name)).expect("a folder").flatten().filter(|t| t.path().is_dir()) {
            for file in fs::read_dir(target.path()).expect("a folder").flatten() {
                let name = format!("{}/{}", target.file_name().to_string_lossy(), file.file_name().to_string_lossy());
                all.push((name, fs::read(file.path()).expect("a file")));
            }
        }
        all.sort();
        all
    };
    let (a, b) = (list("a"), list("b"));
    assert!(a.len() > 100 && a == b);
}

#[test]
fn completions_man_help_and_version_are_there() {
    let place = Place::new();
    for arguments in [&["completions", "bash"][..], &["man"], &["--help"], &["--version"], &["build", "--help"]] {
        let ran = place.run(arguments);
        assert_eq!(ran.code, 0, "{arguments:?}");
        assert!(ran.out.contains("arcanary"), "{arguments:?}");
    }
    assert_eq!(place.run(&["bulid"]).code, 2);
    assert!(!place.run(&["check", "nowhere"]).err.contains('\u{1b}'), "no colour where no terminal is");
}
