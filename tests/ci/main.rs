//! What users run in their CI, run: the workflow and the hooks of a new project, the action, the hooks of this repository, its release.
//!
//! GitHub's own parts (`uses:`) are left out; every `run:` step is run as a runner runs it. pre-commit is the real one.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod action;
mod hooks;
mod install;
mod linters;
mod release;
mod runner;
mod workflow;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// This repository's file.
fn root(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// The programs that `setup.sh` installs; `None`, after saying so, where it did not run.
///
/// # Panics
/// When `CI` is `true` and they are missing: there a test that is left out must not look like one that passed.
fn tools() -> Option<PathBuf> {
    let folder = std::env::var_os("ARCANARY_TOOLS").map_or_else(|| root(".tools"), PathBuf::from);
    if folder.join("ci.stamp").is_file() {
        return Some(folder.join("ci/bin"));
    }
    let message = "left out: run tests/engines/setup.sh";
    assert!(std::env::var("CI").map_or(true, |ci| ci != "true"), "{message}");
    drop(writeln!(std::io::stderr(), "{message}"));
    None
}

/// A new project in a repository, committed, with the branch that a pull request goes to.
struct Project {
    folder: tempfile::TempDir,
}

impl Project {
    fn new() -> Project {
        let project = Project { folder: tempfile::tempdir().expect("a folder") };
        project.arcanary(&["new", "."]);
        project.git(&["init", "-q", "-b", "main"]);
        project.commit();
        project.git(&["update-ref", "refs/remotes/origin/main", "main"]);
        project
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path().join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    /// Puts other text in the place of some that the rule holds.
    fn edit(&self, from: &str, to: &str) {
        let file = self.path().join("rules/encrypted_archive.det");
        let text = fs::read_to_string(&file).expect("the rule");
        assert!(text.contains(from), "{from}");
        fs::write(file, text.replacen(from, to, 1)).expect("written");
    }

    #[track_caller]
    fn arcanary(&self, arguments: &[&str]) -> String {
        fine(run(Command::new(env!("CARGO_BIN_EXE_arcanary")).args(arguments).current_dir(self.path())))
    }

    #[track_caller]
    fn git(&self, arguments: &[&str]) -> String {
        let mut git = Command::new("git");
        git.args(["-c", "user.name=A Tester", "-c", "user.email=tester@example.org"]).args(arguments);
        fine(run(git.current_dir(self.path()).env("GIT_CONFIG_GLOBAL", "/dev/null")))
    }

    fn commit(&self) {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", "a commit"]);
    }
}

fn run(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"))
}

/// Both streams of a program that was fine.
#[track_caller]
fn fine(output: Output) -> String {
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{text}");
    text
}

/// The findings of a SARIF log, but for the warning that a new project's searches name no index yet.
fn without_index(log: &serde_json::Value) -> serde_json::Value {
    let results = log["runs"][0]["results"].as_array().expect("results");
    results.iter().filter(|result| result["ruleId"] != "W0006").cloned().collect()
}
