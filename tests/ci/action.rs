//! `action.yml`.

use crate::runner::{Job, Runner, yaml};
use crate::{Project, fine, root, run, without_index};
use serde_json::Value;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// A runner on which an earlier step has installed the program, with the inputs' defaults and `inputs` in their place.
pub fn runner(project: &Project, inputs: &[(&str, &str)]) -> Runner {
    let action = yaml(&root("action.yml"));
    let mut runner = Runner::new(project.path());
    let binary = installed(&runner);
    fs::create_dir_all(binary.parent().expect("a folder")).expect("a folder");
    fs::copy(env!("CARGO_BIN_EXE_arcanary"), binary).expect("a copy");
    runner.path.remove(0);
    for (name, value) in [("RUNNER_OS", "Linux"), ("RUNNER_ARCH", "X64"), ("GITHUB_SERVER_URL", "https://github.com")] {
        runner.env.insert(name.to_owned(), value.to_owned());
    }
    runner.set("github.action_repository", "someone/arcanary");
    runner.set("github.token", "secret");
    runner.env.insert("GITHUB_ACTION_PATH".to_owned(), root("").display().to_string());
    let declared = action["inputs"].as_mapping().expect("inputs");
    let mut values: Vec<(String, String)> = declared
        .iter()
        .map(|(name, input)| (name.as_str().unwrap().to_owned(), input["default"].as_str().unwrap().to_owned()))
        .collect();
    for (name, value) in inputs {
        values.iter_mut().find(|(declared, _)| declared == name).expect("an input").1 = (*value).to_owned();
    }
    let of = |name: &str| values.iter().find(|(n, _)| n == name).map_or("", |(_, v)| v.as_str());
    let truth = |yes: bool| if yes { "true" } else { "false" };
    runner.set("inputs.command == ''", truth(of("command").is_empty()));
    runner.set("inputs.command != ''", truth(!of("command").is_empty()));
    runner.set(
        "inputs.command == '' && inputs.build == 'true'",
        truth(of("command").is_empty() && of("build") == "true"),
    );
    runner.set("inputs.sarif != ''", truth(!of("sarif").is_empty()));
    for (name, value) in &values {
        runner.set(&format!("inputs.{name}"), value);
    }
    runner
}

/// Where the action puts the program.
pub fn installed(runner: &Runner) -> PathBuf {
    let sources = fine(run(Command::new(root(".ci/install")).arg("sources")));
    runner.temp().join("arcanary").join(sources.trim()).join("bin/arcanary")
}

pub fn steps() -> serde_yaml::Value {
    yaml(&root("action.yml"))["runs"]["steps"].clone()
}

fn act(project: &Project, inputs: &[(&str, &str)]) -> Job {
    runner(project, inputs).run(&steps(), &[])
}

#[test]
fn a_new_project_passes_with_the_defaults() {
    let job = act(&Project::new(), &[]);
    let names: Vec<&str> = job.fine().steps.iter().map(|s| s.name.as_str()).collect();
    let checks = ["Layout", "Sources and targets", "Tests", "Reviewed build"];
    assert_eq!(names, [&["Download"][..], &checks].concat());
}

#[test]
fn findings_are_annotations_at_the_repositorys_files_and_a_sarif_file_where_one_is_wanted() {
    let project = Project::new();
    fs::create_dir(project.path().join("our rules")).expect("a folder");
    for name in ["arcanary.yaml", "rules", "build", "pack.lock"] {
        fs::rename(project.path().join(name), project.path().join("our rules").join(name)).expect("moved");
    }
    let inputs = [("path", "our rules"), ("sarif", "findings.sarif")];
    act(&project, &inputs).fine();
    let log = || -> Value { serde_json::from_str(&project.read("findings.sarif")).expect("JSON") };
    assert_eq!(without_index(&log()), serde_json::json!([]));
    let rule = project.path().join("our rules/rules/encrypted_archive.det");
    let text = fs::read_to_string(&rule).expect("the rule").replace("level  medium", "level  high");
    fs::write(&rule, text).expect("written");
    let job = act(&project, &inputs);
    assert_eq!(job.failed(), Some("Sources and targets"));
    let said = job.out("Sources and targets");
    assert!(said.contains("\n::error file=our rules/rules/encrypted_archive.det,line=2,"), "{said}");
    let results = without_index(&log()).as_array().expect("results").clone();
    let place = |result: &Value| result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].clone();
    // The app over all rules changes with the rule, and has no place of its own.
    let places: Vec<Value> = results.iter().map(place).collect();
    assert_eq!(places, ["our%20rules/arcanary.yaml", "our%20rules/rules/encrypted_archive.det"]);
    act(&project, &[("path", "our rules"), ("locked", "false"), ("build", "false")]).fine();
}

#[test]
fn each_check_fails_for_its_own_reason() {
    let cases = [
        ("Layout", "  level  medium", "  level medium"),
        ("Sources and targets", "runs archiver", "runs archivar"),
        ("Tests", "-p\" silent", "-p\" fires"),
    ];
    for (step, from, to) in cases {
        let project = Project::new();
        project.edit(from, to);
        assert_eq!(act(&project, &[]).failed(), Some(step));
    }
    let project = Project::new();
    fs::remove_file(project.path().join("build/defender/encrypted_archive.kql")).expect("removed");
    assert_eq!(act(&project, &[]).failed(), Some("Reviewed build"));
    project.edit("flag Staged = argument under any staging_dirs", "flag Odd = argument is \"odd\"");
    project.edit("fires with [Staged]", "fires");
    let inputs = [("locked", "false"), ("build", "false")];
    assert_eq!(act(&project, &inputs).failed(), Some("Tests"), "no test reaches the flag");
    act(&project, &[&inputs[..], &[("missing", "false")]].concat()).fine();
}

#[test]
fn a_command_runs_in_the_place_of_the_checks() {
    let project = Project::new();
    let job = act(&project, &[("command", "test encrypted_archive --format junit")]);
    assert_eq!(job.fine().steps.len(), 2);
    assert!(job.out("Command").contains("<testsuite name=\"encrypted_archive\" tests=\"5\""));
}

#[test]
fn no_input_becomes_a_part_of_a_script() {
    let project = Project::new();
    for nasty in
        ["$(touch pwned)", "`touch pwned`", "x; touch pwned", "\"; touch pwned; \"", "--version", "x\ntouch pwned"]
    {
        act(&project, &["locked", "missing", "build", "sarif"].map(|input| (input, nasty)));
        act(&project, &[("command", nasty)]);
        let path = act(&project, &[("path", nasty)]);
        assert_eq!(path.failed(), Some("Layout"), "{nasty} is a folder that there is not: {path:#?}");
        assert!(!project.path().join("pwned").exists(), "{nasty}");
    }
}
