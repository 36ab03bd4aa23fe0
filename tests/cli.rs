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
    assert_eq!((ran.code, ran.err.as_str()), (0, "6 documents for 2 targets in build\n"));
    assert!(place.read("build/sentinel/packed.kql").contains("DeviceProcessEvents"));
    assert!(place.read("build/sigma/packed.yml").contains("title: Archive with a Password"));
    let manifest: serde_json::Value = serde_json::from_str(&place.read("build/manifest.json")).expect("JSON");
    let packed = &manifest["targets"]["sentinel"]["packed"];
    assert_eq!((&packed["status"], &packed["file"]), (&"exact".into(), &"sentinel/packed.kql".into()));
    let around = packed["documents"].as_array().expect("the documents around it");
    assert!(
        around.iter().all(|d| place.path("build").join(d.as_str().expect("a path")).is_file()) && around.len() == 2
    );
    assert_eq!(manifest["version"], "1.0.0");
}

#[test]
fn the_layer_is_of_the_whole_project_and_only_the_documents_that_are_asked_for_are_made() {
    let place = project();
    assert_eq!(place.run(&["build", "--document", "query"]).err, "2 documents for 2 targets in build\n");
    assert!(!place.path("build/navigator").exists());
    assert_eq!(place.run(&["build", "--document", "navigator"]).code, 0);
    assert!(!place.path("build/sentinel/packed.kql").exists(), "the queries are not asked for any more");
    let layer: serde_json::Value = serde_json::from_str(&place.read("build/navigator/layer.json")).expect("JSON");
    assert_eq!(layer["versions"]["layer"], "4.5");
    let manifest: serde_json::Value = serde_json::from_str(&place.read("build/manifest.json")).expect("JSON");
    assert_eq!(manifest["documents"]["navigator"][0], "navigator/layer.json");
    // A part of the project says nothing about the whole of it.
    assert_eq!(place.run(&["build", "--target", "sigma"]).code, 0);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&place.read("build/navigator/layer.json")).ok(), Some(layer));
    let unknown = place.run(&["build", "--document", "sentinel"]);
    assert_eq!(unknown.code, 2, "{}", unknown.err);
    let print = place.run(&["build", "--print", "--document", "navigator"]).out;
    assert!(print.starts_with("==> navigator/layer.json <==\n{"), "{print}");
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
    assert!(
        ran.err.contains("error[E0901]: target `sentinel-securityevent` does not support rule `packed`"),
        "{}",
        ran.err
    );
    assert!(place.path("build/sentinel/packed.kql").is_file(), "the other target is built");
    place.write("arcanary.yaml", "sources: [rules]\ntargets: [sentinel, sentinel-securityevent]\nout: build\nskip:\n  - { rules: [packed], targets: [sentinel-securityevent], because: no name }\n");
    assert_eq!(place.run(&["build"]).code, 0);
    let manifest: serde_json::Value = serde_json::from_str(&place.read("build/manifest.json")).expect("JSON");
    assert_eq!(manifest["targets"]["sentinel-securityevent"]["packed"]["status"], "skipped");
    place.write(
        "arcanary.yaml",
        "sources: [rules]\ntargets: [sentinel]\nskip:\n  - { rules: [packed], targets: [sentinel], because: '' }\n",
    );
    let ran = place.run(&["check"]);
    assert!(ran.code == 2 && ran.err.contains("`because` needs a reason"), "{}", ran.err);
    place.write("arcanary.yaml", "sources: [rules]\ntargets: [sentinel]\nout: build\nskip:\n  - { rules: [packed], targets: [sentinel], because: no name }\n");
    let ran = place.run(&["check"]);
    assert!(ran.err.contains("warning[W0002]"), "{}", ran.err);
}

#[test]
fn a_rule_about_events_that_a_target_does_not_log_is_left_out_there_and_this_is_said() {
    let place = project();
    let of_files =
        RULE.replace("process where runs rar to create with password", "file where file.extension is \"rar\"");
    place.write("rules/a.det", &of_files);
    place.write("rules/b.det", "// Another file.\n");
    let project = |targets: &str, more: &str| {
        place.write("arcanary.yaml", &format!("sources: [rules]\ntargets: {targets}\nout: build\n{more}"));
    };
    project("[sentinel, splunk-4688]", "");
    let told = "left out where the target does not log such events: splunk-4688 (1 rule)";
    let ran = place.run(&["build"]);
    assert!(ran.code == 0 && ran.err.contains(told), "{}", ran.err);
    let manifest: serde_json::Value = serde_json::from_str(&place.read("build/manifest.json")).expect("JSON");
    let entry = &manifest["targets"]["splunk-4688"]["packed"];
    assert_eq!(entry["status"], "not_for_target");
    assert_eq!(entry["notes"][0], "the target has no log source for file events of windows");
    assert!(place.run(&["check"]).err.contains(told));
    assert_eq!(place.run(&["check", "--target", "splunk-4688"]).code, 0, "it is for another target of the project");
    let shown = place.run(&["targets", "show", "splunk-4688"]).out;
    assert!(shown.contains("Rules whose events it does not log: packed"), "{shown}");
    assert!(!place.run(&["targets", "show", "sentinel"]).out.contains("does not log"));
    assert!(place.run(&["explain", "packed"]).out.contains("splunk-4688: not for this target"));
    // Asked for by name, or for no target at all.
    let alone = place.run(&["check", "rules/a.det", "--target", "splunk-4688"]);
    assert!(
        alone.code == 1 && alone.err.contains("error[E0906]: rule `packed` is not for target `splunk-4688`"),
        "{}",
        alone.err
    );
    project("[splunk-4688, sentinel-securityevent]", "");
    let ran = place.run(&["check"]);
    let none = "rule `packed` is not for targets `splunk-4688`, `sentinel-securityevent`";
    assert!(ran.code == 1 && ran.err.contains(none), "{}", ran.err);
    // A skip would say it once more.
    project("[sentinel, splunk-4688]", "skip: [{ rules: [packed], targets: [splunk-4688], because: no files }]\n");
    let ran = place.run(&["check"]);
    let stale = "warning[W0002]: the project skips `packed` for `splunk-4688`, which does not log its events anyway";
    assert!(ran.code == 0 && ran.err.contains(stale), "{}", ran.err);
}

#[test]
fn check_warns_where_a_chosen_target_names_no_index() {
    let place = project();
    place.write("arcanary.yaml", "sources: [rules]\nout: build\n");
    let warns = |args: &[&str]| place.run(args).err.contains("warning[W0006]");
    assert!(!warns(&["check"]), "nobody chose a target");
    assert!(warns(&["check", "--target", "splunk-sysmon"]) && !warns(&["check", "--target", "splunk-cim,sentinel"]));
    place.write("arcanary.yaml", "sources: [rules]\ntargets: [splunk-4688]\nout: build\n");
    assert!(warns(&["check"]));
    for (definition, warned) in [("index=* source=x", true), ("index=win source=x", false), ("`ours` source=x", false)]
    {
        let file =
            format!("name: splunk-4688\nextends: splunk-4688\nmacros: {{ arcanary_security: '{definition}' }}\n");
        place.write("targets/splunk.yaml", &file);
        assert_eq!(warns(&["check"]), warned, "{definition}");
    }
}

#[test]
fn check_warns_of_a_query_that_reads_every_event_and_not_of_the_pack() {
    let place = project();
    place.write("rules/a.det", &RULE.replace("runs rar to create with password", "command_line matches '7z'"));
    let ran = place.run(&["check", "--target", "sentinel,splunk-4688"]);
    assert!(ran.err.contains("warning[W0007]: the query of `packed` reads every event on `sentinel`"), "{}", ran.err);
    assert_eq!(ran.code, 0);
    assert!(!place.run(&["check", "--target", "splunk-4688"]).err.contains("W0007"));
    let pack = concat!(env!("CARGO_MANIFEST_DIR"), "/rules");
    assert!(!place.run(&["check", pack]).err.contains("W0007"));
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
fn fmt_leaves_other_projects_and_all_around_the_project_alone() {
    let place = Place::new();
    let rule = "rule a { title \"A\" id 0c7f1c2e-52a3-4c53-8a67-d3a6f0c1b701 level low os [windows]\n detect process where process.name is \"x\" }\n";
    for project in ["mine", "mine/inner", "other"] {
        place.write(&format!("{project}/arcanary.yaml"), "name: p\nversion: 0.1.0\n");
        place.write(&format!("{project}/a.det"), rule);
    }
    let mine = place.path("mine");
    for around in ["..", "../", "../../", "../mine/.."] {
        let ran = run_in(&mine, &["fmt", around]);
        assert!(ran.code == 2 && ran.err.contains("it contains this project's folder"), "{around}: {}", ran.err);
    }
    // To be read only: were it not refused, it would be the whole machine.
    let ran = run_in(&mine, &["fmt", "--check", "/"]);
    assert!(ran.code == 2 && ran.err.contains("it is the root of a file system"), "{}", ran.err);
    assert!(run_in(&mine, &["check", "/"]).err.contains("it is the root of a file system"));
    let ran = run_in(place.folder.path(), &["fmt", "mine"]);
    assert!(ran.code == 2 && ran.err.contains("it is another project"), "{}", ran.err);
    assert_ne!(place.read("mine/a.det"), rule);
    assert_eq!((place.read("mine/inner/a.det"), place.read("other/a.det")), (rule.to_owned(), rule.to_owned()));
    assert_eq!(run_in(&mine, &["fmt", "../other", "inner"]).code, 0);
    assert_eq!(place.read("mine/inner/a.det"), place.read("other/a.det"));
    assert_ne!(place.read("other/a.det"), rule);
}

#[test]
fn titles_are_text_in_the_readme_of_an_app() {
    let place = Place::new();
    place.write("arcanary.yaml", "name: p\nversion: 0.1.0\nout: build\ntargets: [splunk-sysmon]\n");
    place.write(
        "a.det",
        "rule a { title \"<!-- <img src=x> @everyone *A*\" id 0c7f1c2e-52a3-4c53-8a67-d3a6f0c1b701 level low os [windows]\n detect process where process.name is \"x\" }\n",
    );
    assert_eq!(place.run(&["build"]).code, 0);
    let readme = place.read("build/splunk-sysmon/app/p_splunk_sysmon/README.md");
    assert!(readme.contains(r"\<\!-- \<img src=x\> \@everyone \*A\*"), "{readme}");
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
    let why = "`command_line` is 'rar a -p- a.rar' and does not match switch `password` of `rar`";
    assert!(ran.err.contains("expected: fires; got: silent") && ran.err.contains(why), "{}", ran.err);
    assert!(ran.err.contains("process.name  'rar.exe'  (derived)"), "{}", ran.err);
    let ran = place.run(&["test", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&ran.out).expect("JSON");
    let outcome = |i: usize| json["tests"][i]["outcome"].as_str();
    assert_eq!((ran.code, outcome(0), outcome(1)), (1, Some("failed"), Some("passed")));
    assert_eq!(json["tests"][0]["reasons"][0]["text"], why);
    place.write("rules/a.det", RULE);
    let ran = place.run(&["test", "--missing"]);
    assert!(ran.code == 1 && ran.err.contains("rule `packed` has no test that fires"), "{}", ran.err);
}

/// The project of [`project`], with a rule for each of these and its tests.
fn tested(rules: &[(&str, &str)]) -> Place {
    let place = project();
    let rule = RULE.trim_end().strip_suffix('}').expect("a rule");
    place.write("rules/a.det", &format!("{rule}{} }}", rules[0].1));
    for (i, (name, tests)) in rules.iter().enumerate().skip(1) {
        let detect = "process where runs rar and (user.name is \"a\" or user.name is \"b\")";
        let id = format!("0e2a7c54-5f0b-4c8e-9d51-00000000000{i}");
        let text = format!("rule {name} {{ title \"T\" id {id} level low os [windows] detect {detect} {tests} }}");
        place.write(&format!("rules/{name}.det"), &text);
    }
    place
}

const FIRES: &str = "test \"a\" fires process { executable 'C:\\rar.exe', user.name \"a\", command_line 'rar a -px' }";
const SILENT: &str = "test \"s\" silent process { executable 'C:\\x.exe' }";

#[test]
fn test_takes_names_of_rules_and_paths() {
    let place = tested(&[("packed", FIRES), ("other", FIRES), ("third", &format!("{FIRES} {SILENT}"))]);
    let count = |arguments: &[&str]| {
        let ran = place.run(&[&["test"], arguments].concat());
        assert_eq!(ran.code, 0, "{arguments:?}: {}", ran.err);
        ran.err.split(' ').next().expect("a word").parse::<usize>().expect("a number")
    };
    assert_eq!(count(&[]), 4);
    assert_eq!(count(&["third"]), 2);
    assert_eq!(count(&["packed", "other"]), 2);
    assert_eq!(count(&["rules/third.det"]), 2);
    assert_eq!(count(&["rules/third.det", "other"]), 3, "these and those");
    assert_eq!(count(&[".", "other"]), 1, "a whole project only says where names are looked up");
    place.write("third/x.det", "list unused = [\"a\"]");
    assert_eq!(count(&["third"]), 2, "a rule, not the folder of its name");
    assert_eq!(count(&["./third"]), 0, "the folder");
    let ran = place.run(&["test", "thrid"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("`thrid` is neither a rule nor a path") && ran.err.contains("did you mean `third`?"));
    let ran = place.run(&["test", "rules/none.det"]);
    assert!(ran.code == 2 && ran.err.contains("`rules/none.det` cannot be read"), "{}", ran.err);
    let elsewhere = Place::new();
    let ran = elsewhere.run(&["test", &place.path("rules").display().to_string(), "other"]);
    assert!(ran.code == 0 && ran.err.starts_with("1 test: 1 passed"), "{}", ran.err);
}

#[test]
fn what_no_test_reaches_is_counted_listed_and_with_missing_a_finding() {
    let place = tested(&[("packed", FIRES), ("other", &format!("{FIRES} {SILENT}"))]);
    let ran = place.run(&["test", "other"]);
    let summary = "2 tests: 2 passed, 0 failed\n1 of 2 branches, utilities, flags and exceptions covered";
    assert_eq!((ran.code, ran.out.as_str()), (0, ""));
    assert_eq!(ran.err, format!("{summary}; `--coverage` lists the others\n"));
    let ran = place.run(&["test", "other", "--coverage"]);
    assert_eq!((ran.code, ran.err), (0, format!("{summary}\n")));
    assert_eq!(ran.out, "other: 1 of 2\n  rules/other.det:1:142: branch `user.name is \"b\"` of the detection\n");
    let ran = place.run(&["test", "--missing"]);
    assert_eq!(ran.code, 1);
    let branch = "error[E0704]: no test of `other` covers branch `user.name is \"b\"` of the detection";
    assert!(ran.err.contains(branch), "{}", ran.err);
    assert!(ran.err.contains("error[E0704]: rule `packed` has no silent test"), "{}", ran.err);
    assert_eq!(ran.err.matches("error[").count(), 2, "{}", ran.err);
    let ran = place.run(&["test", "--missing", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!(
        (json["findings"].as_array().expect("findings").len(), &json["findings"][1]["code"]),
        (2, &"E0704".into())
    );
    assert_eq!(json["coverage"][0]["parts"][1]["reached"], false);
    assert_eq!(json["coverage"][1]["has_silent_test"], false);
}

#[test]
fn junit_is_well_formed_and_counts_what_it_holds() {
    let failing = FIRES.replace("-px", "<&>").replace("\"a\" fires", "\"<a> & 'b'\" fires");
    let place = tested(&[("packed", &format!("{failing} {SILENT}")), ("other", &format!("{FIRES} {SILENT}"))]);
    let ran = place.run(&["test", "--missing", "--format", "junit"]);
    assert_eq!(ran.code, 1);
    let mut reader = quick_xml::Reader::from_str(&ran.out);
    let mut seen = vec![];
    let mut head = String::new();
    loop {
        use quick_xml::events::Event;
        match reader.read_event().expect("well-formed") {
            Event::Start(e) | Event::Empty(e) => {
                if e.name().as_ref() == "testsuites" {
                    head = e
                        .attributes()
                        .map(|a| a.expect("an attribute").value.into_owned())
                        .collect::<Vec<_>>()
                        .join(" ");
                }
                seen.push(e.name().as_ref().to_owned());
            }
            Event::Eof => break,
            _ => {}
        }
    }
    let count = |name: &str| seen.iter().filter(|s| *s == name).count();
    assert_eq!((count("testsuite"), count("testcase"), count("failure"), count("error")), (3, 5, 2, 0), "{}", ran.out);
    assert_eq!(head, "arcanary 5 2 0 0", "name, tests, failures, errors, skipped");
    assert_eq!(ran.out, place.run(&["test", "--missing", "--format", "junit"]).out, "no times");
    place.write("rules/a.det", "rule x {");
    let ran = place.run(&["test", "--format", "junit"]);
    assert!(ran.code == 2 && ran.out.contains("<error message="), "{}", ran.out);
}

#[test]
fn github_is_told_each_failure_at_its_line() {
    let place = tested(&[("packed", &FIRES.replace("-px", "100%"))]);
    let ran = place.run(&["test", "--format", "github"]);
    assert_eq!(ran.code, 1);
    let line = ran.out.lines().next().expect("a line");
    assert!(line.starts_with("::error file=rules/a.det,line=7,endLine=7,col="), "{line}");
    assert!(line.contains(",title=E0703%3A test \"a\" of `packed` fails::expected: fires; got: silent%0A"), "{line}");
    assert!(line.contains("100%25"), "{line}");
    assert_eq!(ran.out.lines().count(), 1);
}

#[test]
fn a_recorded_event_is_read_as_it_stands() {
    let place = project();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let recorded = fs::read_to_string(root.join("tests/cases/events/case-459-limacharlie.json")).expect("a recording");
    place.write("events/case-459.json", &recorded);
    let rule = |verdict: &str| {
        format!(
            "utility expand \"expand\" {{ os [windows] image [\"expand.exe\"] prefixes [\"-\", \"/\"] verb extract = default }}
             rule r {{ title \"T\" id 0e2a7c54-5f0b-4c8e-9d51-6f0b8f3b1a21 level low os [windows]
             detect process where runs expand to extract and argument under ':\\ProgramData'
             except \"Dell\" because \"case 459\" where parent.executable under ':\\Program Files\\Dell\\SupportAssistAgent'
             test \"case 459\" {verdict} events 'events/case-459.json' as limacharlie }}"
        )
    };
    place.write("rules/a.det", &rule("excepted by \"Dell\""));
    let ran = place.run(&["test"]);
    assert!(ran.code == 0 && ran.err.starts_with("1 test: 1 passed"), "{}", ran.err);
    place.write("rules/a.det", &rule("fires"));
    let ran = place.run(&["test"]);
    assert!(ran.code == 1 && ran.err.contains("expected: fires; got: excepted by \"Dell\""), "{}", ran.err);
    assert!(ran.err.contains("parent.executable"), "{}", ran.err);
    place.write("events/case-459.json", "{\"routing\":");
    let ran = place.run(&["test"]);
    assert!(ran.code == 1 && ran.err.contains("cannot be read: line 1: "), "{}", ran.err);
    place.write("events/case-459.json", "{}");
    assert!(place.run(&["test"]).err.contains("`limacharlie` knows no event in it"));
}

#[test]
fn explain_says_what_a_rule_matches_and_what_a_code_means() {
    let place = project();
    let ran = place.run(&["explain", "packed"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(
        ran.out
            .contains("the process is WinRAR, by file name or original name, with verb create, with switch password"),
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
fn explain_takes_a_code_too_and_needs_no_project_for_it() {
    let place = project();
    let flag = place.run(&["--explain", "E0105"]).out;
    for code in ["E0105", "e0105"] {
        let ran = place.run(&["explain", code]);
        assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, flag.as_str(), ""));
    }
    assert_eq!(Place::new().run(&["explain", "E0105"]).out, flag);
    // The hint under findings names a command that works, in the broken project too.
    place.write("rules/b.det", "rule x {");
    let broken = place.run(&["check"]);
    assert!(broken.err.ends_with("for details run `arcanary explain E0103`\n"), "{}", broken.err);
    assert!(place.run(&["explain", "E0103"]).out.starts_with("E0103: "));
    // A rule of that name comes first.
    place.write(
        "rules/b.det",
        &RULE[RULE.find("rule").expect("a rule")..].replace("packed", "E0105").replace("f3b1a20", "f3b1a21"),
    );
    assert!(place.run(&["explain", "E0105"]).out.starts_with("E0105: Archive with a Password"));
}

#[test]
fn explain_shows_durations_in_their_largest_unit() {
    let place = project();
    place.write(
        "rules/b.det",
        "param window = 1800s
         rule several { title \"Several\" id 0e2a7c54-5f0b-4c8e-9d51-6f0b8f3b1a22 level low os [windows]
           detect sequence by host within window {
             one: process where process.name is \"a.exe\"
             two: process where process.name is \"b.exe\"
           }
         }
         rule burst { title \"Burst\" id 0e2a7c54-5f0b-4c8e-9d51-6f0b8f3b1a23 level low os [windows]
           detect count >= 5 by host within 5400s of process where process.name is \"a.exe\"
         }",
    );
    let out = place.run(&["explain", "several", "--target", "sentinel"]).out;
    assert!(out.contains("for one host, within 30m (parameter window):"), "{out}");
    let out = place.run(&["explain", "burst", "--target", "sentinel"]).out;
    assert!(out.contains("at least 5 events fall within 90m of"), "{out}");
}

#[test]
fn a_name_or_version_that_no_pack_can_have_is_refused_by_check() {
    for (from, to, at, says) in [
        ("name: p", "name: \"Acme SOC\"", "arcanary.yaml:1:7", "`Acme SOC` cannot be the name of a pack"),
        ("name: p", "name: con", "arcanary.yaml:1:7", "`con` cannot be the name of a pack"),
        ("1.0.0", "1.0", "arcanary.yaml:2:10", "`1.0` is not a version"),
    ] {
        let place = project();
        place.write("arcanary.yaml", &place.read("arcanary.yaml").replace(from, to));
        for command in ["check", "build", "test"] {
            let ran = place.run(&[command]);
            assert_eq!(ran.code, 2, "{to}: {command}: {}", ran.err);
            assert!(ran.err.contains(at) && ran.err.contains(says), "{command}: {}", ran.err);
        }
    }
    let place = project();
    place.write("arcanary.yaml", &place.read("arcanary.yaml").replace("name: p", "name: Acme SOC"));
    assert!(place.run(&["check"]).err.contains("write `name: acme-soc`"));
    place.write("arcanary.yaml", "sources: [rules]\ntargets: [sigma]\n");
    assert_eq!(place.run(&["check"]).code, 0, "a project that is never released needs neither");
}

#[test]
fn new_says_what_to_do_next_and_quotes_a_path_with_blanks() {
    let place = Place::new();
    assert!(place.run(&["new", "mine"]).err.ends_with("\nnext: cd mine && arcanary test\n"));
    assert!(place.run(&["new", "my rules"]).err.ends_with("\nnext: cd \"my rules\" && arcanary test\n"));
}

#[test]
fn a_new_project_is_locked_built_tested_and_in_the_canonical_layout() {
    let place = Place::new();
    let ran = place.run(&["new", "mine"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let mine = place.path("mine");
    let checked = run_in(&mine, &["check", "--locked"]);
    assert_eq!(checked.code, 0, "{}", checked.err);
    assert_eq!(run_in(&mine, &["build", "--check"]).code, 0);
    let tested = run_in(&mine, &["test", "--missing"]);
    assert_eq!(tested.code, 0, "{}", tested.err);
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
    let (a, b) = (below(&place.path("a")), below(&place.path("b")));
    assert!(a.len() > 200 && a == b, "{} files", a.len());
}

/// Every file below a folder by its path from there, with its bytes.
fn below(folder: &Path) -> std::collections::BTreeMap<String, Vec<u8>> {
    let mut out = std::collections::BTreeMap::new();
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_dir() {
            out.extend(below(&entry.path()).into_iter().map(|(path, bytes)| (format!("{name}/{path}"), bytes)));
        } else {
            out.insert(name, fs::read(entry.path()).expect("a file"));
        }
    }
    out
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

#[test]
fn every_subcommand_has_a_manual_page() {
    let place = Place::new();
    let page = place.run(&["man"]).out.replace("\\-", "-");
    let names: Vec<&str> =
        page.lines().filter_map(|line| line.strip_prefix("arcanary-")?.strip_suffix("(1)")).collect();
    assert!(names.contains(&"fetch-pack") && !names.contains(&"help"), "{names:?}");
    for name in names {
        let ran = place.run(&["man", name]);
        assert_eq!(ran.code, 0, "{name}: {}", ran.err);
        let title = format!(".TH arcanary-{name} 1  \"arcanary {}\"", env!("CARGO_PKG_VERSION"));
        assert!(ran.out.contains(&title), "{name}: {}", ran.out);
    }
    assert!(place.run(&["man", "targets", "show"]).out.contains(".TH arcanary-targets-show 1"));
    let ran = place.run(&["man", "biuld"]);
    assert_eq!((ran.code, ran.err.as_str()), (2, "error: there is no subcommand `biuld`; did you mean `build`?\n"));
    assert_eq!(place.run(&["man", "build", "show"]).err, "error: there is no subcommand `show`\n");
}

// ---- witness ----

fn lines(out: &str) -> Vec<serde_json::Value> {
    out.lines().map(|l| serde_json::from_str(l).unwrap_or_else(|e| panic!("{l}: {e}"))).collect()
}

#[test]
fn witness_writes_a_line_of_json_for_each_event_and_why() {
    let place = project();
    let ran = place.run(&["witness", "packed"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, "1 firing, 3 near misses, 0 excepted\n"), "{}", ran.out);
    let all = lines(&ran.out);
    let of = |i: usize, key: &str| all[i][key].as_str().unwrap_or("").to_owned();
    assert_eq!((of(0, "rule"), of(0, "witness")), ("packed".into(), "fires".into()));
    assert_eq!(of(0, "because"), "runs rar to create with password: process.name 'rar.exe'");
    let event = &all[0]["event"];
    assert_eq!(
        event["process.command_line"],
        r"C:\Windows\System32\rar.exe a -pSecret1 C:\Users\kim\Documents\report.docx"
    );
    assert_eq!(
        (&event["@timestamp"], &event["event.category"][0]),
        (&"2026-01-01T00:00:00.000000Z".into(), &"process".into())
    );
    let missed = all.iter().filter(|l| l["witness"] == "near miss").map(|l| l["because"].as_str().unwrap());
    assert!(missed.clone().count() == 3 && missed.clone().all(|b| b.starts_with("not: runs rar to create")), "{all:?}");
}

#[test]
fn witness_writes_rows_of_a_target_alone_to_be_injected() {
    let place = project();
    let ran = place.run(&["witness", "packed", "--target", "splunk-sysmon", "--raw"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let all = lines(&ran.out);
    assert_eq!(all.len(), 4);
    for (i, row) in all.iter().enumerate() {
        assert_eq!(
            (&row["EventCode"], &row["_time"], &row["User"]),
            (&1.into(), &(1_767_225_600 + i).into(), &r"CORP\kim".into())
        );
        assert!(
            row["Image"].is_string() && row.get("rule").is_none() && row.get("process.executable").is_none(),
            "{row}"
        );
    }
    assert_eq!(ran.out, place.run(&["witness", "packed", "--target", "splunk-sysmon", "--raw"]).out);
    let other = place.run(&["witness", "packed", "--target", "defender"]);
    let row = &lines(&other.out)[0];
    assert_eq!((&row["log"], &row["event"]["ActionType"]), (&"DeviceProcessEvents".into(), &"ProcessCreated".into()));
    assert_eq!(row["event"]["Timestamp"], "2026-01-01T00:00:00.000000Z");
}

#[test]
fn eval_says_of_witnesses_what_they_say_of_themselves_in_each_schema() {
    let place = project();
    for target in [None, Some("splunk-sysmon"), Some("splunk-4688"), Some("sentinel"), Some("defender")] {
        let option = target.map(|t| vec!["--target", t]).unwrap_or_default();
        let raw = place.run(&[&["witness", "packed", "--raw"], option.as_slice()].concat());
        place.write("events.jsonl", &raw.out);
        let all = lines(&place.run(&[&["witness", "packed"], option.as_slice()].concat()).out);
        let firing = (1_u64..).zip(&all).filter(|(_, l)| l["witness"] == "fires").map(|(n, _)| n);
        let matches = lines(&place.run(&["eval", "--rule", "packed", "--events", "events.jsonl"]).out);
        let matched: Vec<u64> = matches.iter().map(|m| m["event"].as_u64().unwrap()).collect();
        assert_eq!(matched, firing.collect::<Vec<_>>(), "{target:?}");
        assert!(!matched.is_empty() && matched.len() < all.len(), "{target:?}");
    }
}

#[test]
fn witness_writes_the_rows_of_several_events_with_their_logs() {
    let place = project();
    let rule = "rule both { title \"T\" id 0e2a7c54-5f0b-4c8e-9d51-6f0b8f3b1a32 level low os [windows]
        detect sequence by host within 1h {
          a: process where process.name is \"a.exe\"
          b: file where file.action is created and process is a.process
        } }";
    place.write("rules/more.det", rule);
    let ran = place.run(&["witness", "both", "--target", "defender"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let first = &lines(&ran.out)[0];
    assert_eq!(first["logs"], serde_json::json!(["DeviceProcessEvents", "DeviceFileEvents"]));
    let [process, file] = [&first["events"][0], &first["events"][1]];
    for (own, acting) in [
        ("DeviceId", "DeviceId"),
        ("ProcessId", "InitiatingProcessId"),
        ("ProcessCreationTime", "InitiatingProcessCreationTime"),
    ] {
        assert!(!process[own].is_null() && process[own] == file[acting], "{first}");
    }
    assert_ne!(process["ReportId"], file["ReportId"]);
    let again = lines(&ran.out).into_iter().find(|l| l["because"].to_string().contains("used again")).expect("a line");
    assert_eq!(again["witness"], "near miss");
    assert_ne!(again["events"][0]["ProcessCreationTime"], again["events"][2]["InitiatingProcessCreationTime"]);
    // A log without a column for it has the time beside the others.
    let sigma = lines(&place.run(&["witness", "both", "--target", "sigma", "--raw"]).out);
    assert!(sigma.len() > 4 && sigma.iter().all(|row| row["@timestamp"].is_string()), "{sigma:?}");
}

#[test]
fn witness_refuses_what_has_none() {
    let place = project();
    let rule = |name: &str, id: u8, detect: &str| {
        format!(
            "rule {name} {{ title \"T\" id 0e2a7c54-5f0b-4c8e-9d51-6f0b8f3b1a{id:02} level low os [windows]\n{detect}\n}}\n"
        )
    };
    let more = [
        rule("never", 31, "detect process where process.name is \"a.exe\" and process.name ends with \".dll\""),
        rule("parents", 33, "detect process where parent.command_line exists"),
    ];
    place.write("rules/more.det", &more.concat());
    for (arguments, code, message) in [
        (vec!["never"], 1, "error[E0510]: `never` cannot be satisfied: it fires on no event"),
        (vec!["never", "--target", "sigma"], 1, "error[E0510]"),
        (
            vec!["parents", "--target", "splunk-4688"],
            1,
            "error[E0901]: target `splunk-4688` does not support rule `parents`",
        ),
        (vec!["packd"], 2, "there is no rule `packd`; did you mean `packed`?"),
        (vec!["packed", "--target", "sigm"], 2, "there is no target `sigm`"),
    ] {
        let ran = place.run(&[&["witness"], arguments.as_slice()].concat());
        assert_eq!((ran.code, ran.out.as_str()), (code, ""), "{arguments:?}: {}", ran.err);
        assert!(ran.err.contains(message), "{arguments:?}: {}", ran.err);
    }
}

#[test]
fn the_same_target_twice_is_one_on_the_command_line_and_a_finding_in_the_project() {
    let place = project();
    let mut many = vec!["check"];
    many.extend(std::iter::repeat_n(["--target", "sigma"], 2_000).flatten());
    let ran = place.run(&many);
    assert_eq!((ran.code, ran.err.as_str()), (0, "1 rule for 1 target: no errors\n"));
    place.write("arcanary.yaml", "name: p\nversion: 1.0.0\nsources: [rules]\ntargets: [sigma, sentinel, sigma]\n");
    let ran = place.run(&["check"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("error[E0803]: `sigma` is listed twice under `targets`"), "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("arcanary.yaml:4:28"), "{}", ran.out);
}

#[test]
fn hundreds_of_targets_are_built_by_a_few_threads() {
    let place = project();
    let names: Vec<String> = (0..300).map(|i| format!("t{i}")).collect();
    for name in &names {
        place.write(&format!("targets/{name}.yaml"), &format!("name: {name}\nextends: sigma\n"));
    }
    place.write(
        "arcanary.yaml",
        &format!("name: p\nversion: 1.0.0\nsources: [rules]\ndocuments: [query]\ntargets: [{}]\n", names.join(", ")),
    );
    let ran = place.run(&["check"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, "1 rule for 300 targets: no errors\n"));
}

#[test]
fn an_empty_path_is_not_the_folder_one_is_in() {
    let place = project();
    for arguments in
        [&["test", ""][..], &["check", ""], &["fmt", "--check", ""], &["build", "rules", ""], &["witness", ""]]
    {
        let ran = place.run(arguments);
        assert_eq!(ran.code, 2, "{arguments:?}: {}{}", ran.out, ran.err);
    }
    assert!(place.run(&["test", ""]).err.contains("an empty path"));
}

#[test]
fn what_the_project_file_sets_and_no_rule_knows_is_an_error_at_its_place() {
    for (entry, place_of, said) in [
        ("params: { few: 1e3 }", "arcanary.yaml:4:16", "`few` is set to a number that is not whole"),
        ("params: { fw: 3 }", "arcanary.yaml:4:11", "sets `fw`, but there is no such param"),
        ("params: { few: true }", "arcanary.yaml:4:11", "sets `few` to another type"),
        ("params: { few: 1, \"few\": 2 }", "arcanary.yaml:4:19", "duplicate key `few`"),
        ("name: q", "arcanary.yaml:4:1", "duplicate key `name`"),
        ("nme: q", "arcanary.yaml:4:1", "unknown field `nme`"),
        ("params: [1]", "arcanary.yaml:4:9", "params"),
    ] {
        let place = project();
        place.write("rules/b.det", "param few = 5\n");
        place.write("arcanary.yaml", &format!("name: p\nversion: 1.0.0\nsources: [rules]\n{entry}\n"));
        let ran = place.run(&["check"]);
        assert_eq!(ran.code, 2, "{entry}");
        assert!(ran.err.contains(said) && ran.err.contains(place_of), "{entry}:\n{}", ran.err);
    }
}

#[test]
fn a_selection_of_more_than_26_parts_loses_none_in_sigma() {
    let place = project();
    let parts: Vec<String> =
        (0..40).map(|i| format!("(command_line contains \"x{i}\" or not command_line contains \"y{i}\")")).collect();
    let rule = format!(
        "rule many {{ title \"Many\" id 0e2a7c54-5f0b-4c8e-9d51-6f0b8f3b1a21 level low os [windows]\n  \
         detect process where {} }}\n",
        parts.join("\n    and ")
    );
    place.write("rules/a.det", &rule);
    let ran = place.run(&["build", "--target", "sigma"]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let text = place.read("build/sigma/many.yml");
    for i in 0..40 {
        assert!(text.contains(&format!("'x{i}'")) && text.contains(&format!("'y{i}'")), "{i}:\n{text}");
    }
}

#[test]
fn steps_that_are_all_alike_are_tested_and_witnessed_in_time() {
    for word in ["together", "sequence"] {
        let place = project();
        let steps: String = (0..12).map(|i| format!("    s{i}: process where process.name is \"a.exe\"\n")).collect();
        let events = |many: usize| -> String {
            let event = |i: usize| {
                format!("{}process {{ process.name \"a.exe\", host.name \"h\" }}", if i == 0 { "" } else { "+1s " })
            };
            (0..many).map(event).collect::<Vec<_>>().join("\n    ")
        };
        let rule = format!(
            "rule alike {{\n  title \"Alike\" id 0e2a7c54-5f0b-4c8e-9d51-6f0b8f3b1a22 level low os [windows]\n  \
             detect {word} by host within 1h {{\n{steps}  }}\n  \
             test \"twelve\" fires\n    {}\n  test \"eleven\" silent\n    {}\n}}\n",
            events(12),
            events(11)
        );
        place.write("rules/alike.det", &rule);
        for arguments in [&["test"][..], &["test", "--missing"], &["witness", "alike"]] {
            let begin = std::time::Instant::now();
            let ran = place.run(arguments);
            assert!(begin.elapsed().as_secs() < 30, "{word} {arguments:?} took {:?}", begin.elapsed());
            assert!(
                arguments == ["test", "--missing"] || ran.code == 0,
                "{word} {arguments:?}: {}{}",
                ran.out,
                ran.err
            );
        }
    }
}
