//! The workflow that `arcanary new` writes.

use crate::runner::{Job, Runner, yaml};
use crate::{Project, fine, run, without_index};
use serde_json::Value;
use std::process::Command;

const FILE: &str = ".github/workflows/detections.yml";

fn runner(project: &Project, pull_request: bool) -> Runner {
    let mut runner = Runner::new(project.path());
    for (expression, value) in [
        ("vars.ARCANARY_GIT", ""),
        ("vars.ARCANARY_REV", ""),
        ("github.base_ref", "main"),
        ("github.actor", "octo"),
        ("secrets.PACKS_TOKEN || github.token", "secret"),
        ("github.event_name == 'pull_request'", if pull_request { "true" } else { "false" }),
    ] {
        runner.set(expression, value);
    }
    runner
}

fn job(runner: &mut Runner, project: &Project, name: &str) -> Job {
    let workflow = yaml(&project.path().join(FILE));
    let job = &workflow["jobs"][name];
    runner.run(&job["steps"], &[&workflow, job])
}

/// What becomes of a pull request with the project as it lies there.
fn pull_request(project: &Project) -> Job {
    job(&mut runner(project, true), project, "check")
}

#[test]
fn a_new_project_passes_its_own_workflow() {
    let project = Project::new();
    let job = job(&mut runner(&project, false), &project, "check");
    assert_eq!(job.fine().steps.len(), 6, "all but the comparison, which is for pull requests: {job:#?}");
    assert!(job.out("Install Arcanary").contains(concat!("arcanary ", env!("CARGO_PKG_VERSION"))));
    assert_eq!(project.git(&["status", "--porcelain"]), "", "what the workflow writes is ignored");
}

#[test]
fn a_reviewed_change_passes_and_is_summed_up() {
    let project = Project::new();
    project.edit("level  medium", "level  high");
    project.arcanary(&["pack", "--bump"]);
    project.arcanary(&["build"]);
    project.commit();
    let job = pull_request(&project);
    job.fine();
    assert!(job.summary.starts_with("### Rules: 0 added, 1 changed, 0 removed\n"), "{}", job.summary);
    assert!(
        job.summary.contains("defender/encrypted\\_archive.kql")
            || job.summary.contains("defender/encrypted_archive.kql")
    );
    assert!(
        project.read("test-results.xml").contains("<testsuite name=\"encrypted_archive\" tests=\"5\" failures=\"0\"")
    );
    for name in ["check.sarif", "test.sarif"] {
        let log: Value = serde_json::from_str(&project.read(name)).expect("JSON");
        assert_eq!(without_index(&log), serde_json::json!([]), "{name}");
    }
}

#[test]
fn each_step_notices_what_it_is_there_for() {
    type Change = fn(&Project);
    let cases: [(&str, &str, Change); 5] = [
        ("Format", "::error file=rules/encrypted_archive.det,line=5,", |p| p.edit("  level  medium", "  level medium")),
        ("Sources, targets and lock", "title=E0201%3A ", |p| p.edit("runs archiver", "runs archivar")),
        ("Sources, targets and lock", "title=E0806%3A ", |p| p.edit("level  medium", "level  high")),
        ("Tests", "title=E0703%3A ", |p| p.edit("-p\" silent", "-p\" fires")),
        ("Reviewed build", "title=E0808%3A ", |p| {
            p.edit("level  medium", "level  high");
            p.arcanary(&["pack", "--bump"]);
        }),
    ];
    for (step, says, change) in cases {
        let project = Project::new();
        change(&project);
        let job = pull_request(&project);
        assert_eq!(job.failed(), Some(step), "{job:#?}");
        assert!(job.out(step).contains(says), "{}", job.out(step));
        let last = job.steps.last().expect("a step");
        assert_eq!((last.name.as_str(), last.code), ("Findings as files", 0), "{job:#?}");
    }
}

#[test]
fn findings_reach_the_files_for_code_scanning() {
    let project = Project::new();
    project.edit("level  medium", "level  high");
    project.edit("-p\" silent", "-p\" fires");
    pull_request(&project);
    for (name, code) in [("check.sarif", "E0806"), ("test.sarif", "E0703")] {
        let log: Value = serde_json::from_str(&project.read(name)).expect("JSON");
        assert_eq!(log["runs"][0]["results"][0]["ruleId"], code, "{name}");
    }
}

#[test]
fn a_tag_publishes_its_version_and_no_other() {
    let project = Project::new();
    let hub = tempfile::tempdir().expect("a folder");
    fine(run(Command::new("git").args(["init", "-q", "--bare", "-b", "main"]).arg(hub.path())));
    let mut runner = runner(&project, false);
    let repo = hub.path().display().to_string();
    runner.set("vars.PACKS_REPO || format('{0}/{1}', github.server_url, github.repository)", &repo);
    runner.env.insert("GITHUB_REF_NAME".to_owned(), "v0.2.0".to_owned());
    assert_eq!(job(&mut runner, &project, "publish").failed(), Some("The tag is the version"));
    runner.env.insert("GITHUB_REF_NAME".to_owned(), "v0.1.0".to_owned());
    let published = job(&mut runner, &project, "publish");
    let said = published.fine().out("Publish");
    assert!(said.contains("0.1.0 on packs: "), "{said}");
    let author =
        Command::new("git").args(["log", "-1", "--format=%an <%ae>", "packs"]).current_dir(hub.path()).output();
    assert_eq!(fine(author.expect("git")), "octo <octo@users.noreply.github.com>\n");
    assert_eq!(job(&mut runner, &project, "publish").failed(), Some("Publish"), "a version is published once");
}

#[test]
fn a_runner_without_the_program_installs_the_revision_that_the_repository_names() {
    let project = Project::new();
    let mut runner = runner(&project, true);
    runner.stub("cargo", "#!/bin/sh\necho \"cargo $*\"\nprintf '#!/bin/sh\\necho stub\\n' > \"$HOME/stubs/arcanary\"\nchmod +x \"$HOME/stubs/arcanary\"\n");
    let none = job(&mut runner, &project, "check");
    assert_eq!(none.failed(), Some("Install Arcanary"));
    assert!(none.out("Install Arcanary").contains("::error::set the variables ARCANARY_GIT and ARCANARY_REV"));
    runner.set("vars.ARCANARY_GIT", "https://git.example/a b");
    runner.set("vars.ARCANARY_REV", "v1");
    let installed = job(&mut runner, &project, "check");
    let said = "cargo install --locked --git https://git.example/a b --rev v1 arcanary\nstub\n";
    assert_eq!(installed.out("Install Arcanary"), said);
}
