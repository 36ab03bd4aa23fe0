//! Hooks for pre-commit: those of this repository, and the configuration that `arcanary new` writes.

use crate::{Project, fine, root, run, tools};
use serde_yaml::Value;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

/// pre-commit in a project, with the program in the path.
fn pre_commit(tools: &Path, project: &Project, arguments: &[&str]) -> Output {
    let program = Path::new(env!("CARGO_BIN_EXE_arcanary")).parent().expect("its folder");
    let path = std::env::join_paths([program, tools, Path::new("/usr/bin"), Path::new("/bin")]).expect("a path");
    let home = project.path().join(".git/home");
    let mut command = Command::new(tools.join("pre-commit"));
    command.args(arguments).current_dir(project.path()).env("PATH", path).env("HOME", &home);
    run(command.env("PRE_COMMIT_HOME", home.join("pre-commit")).env("GIT_CONFIG_GLOBAL", "/dev/null"))
}

fn ids(hooks: &Value) -> Vec<&str> {
    hooks.as_sequence().expect("hooks").iter().map(|h| h["id"].as_str().expect("an id")).collect()
}

/// What each hook notices: its id, and a change that makes it alone, or with those that look at the same, fail.
const NOTICED: [(&str, &str, &str); 5] = [
    ("arcanary-fmt", "  level  medium", "  level medium"),
    ("arcanary-check", "runs archiver", "runs archivar"),
    ("arcanary-test", "-p\" silent", "-p\" fires"),
    ("arcanary-lock", "level  medium", "level  high"),
    ("arcanary-build", "level  medium", "level  low"),
];

/// The configuration in a project lets it pass, and each hook notices what it is there for.
fn tried(tools: &Path, project: &Project) {
    let clean = pre_commit(tools, project, &["run", "--all-files"]);
    let said = fine(clean);
    assert_eq!(said.matches("Passed").count(), NOTICED.len(), "{said}");
    for (id, from, to) in NOTICED {
        project.edit(from, to);
        let ran = pre_commit(tools, project, &["run", id, "--all-files"]);
        let said = String::from_utf8_lossy(&ran.stdout).into_owned();
        assert!(!ran.status.success() && said.contains(&format!("- hook id: {id}")), "{id}: {said}");
        project.git(&["checkout", "-q", "--", "rules"]);
    }
}

#[test]
fn a_new_project_passes_its_own_hooks_and_each_notices_what_it_is_there_for() {
    let Some(tools) = tools() else { return };
    let project = Project::new();
    fine(pre_commit(&tools, &project, &["validate-config", ".pre-commit-config.yaml"]));
    tried(&tools, &project);
}

/// The same by way of a repository that has this one's hooks: only how the program is installed is another, since building
/// it with cargo takes minutes.
#[test]
fn the_hooks_of_this_repository_run_in_the_projects_of_others() {
    let Some(tools) = tools() else { return };
    let project = Project::new();
    let manifest = root(".pre-commit-hooks.yaml");
    fine(pre_commit(&tools, &project, &["validate-manifest", &manifest.display().to_string()]));
    let text = fs::read_to_string(&manifest).expect("the manifest");
    let hooks: Value = serde_yaml::from_str(&text).expect("YAML");
    assert!(hooks.as_sequence().expect("hooks").iter().all(|h| h["language"] == "rust"));
    let hub = Project::new();
    fs::write(hub.path().join(".pre-commit-hooks.yaml"), text.replace("language: rust", "language: system"))
        .expect("written");
    hub.commit();
    let revision = hub.git(&["rev-parse", "HEAD"]);
    let listed: String = ids(&hooks).iter().map(|id| format!("      - id: {id}\n")).collect();
    let config =
        format!("repos:\n  - repo: {}\n    rev: {}\n    hooks:\n{listed}", hub.path().display(), revision.trim());
    fs::write(project.path().join(".pre-commit-config.yaml"), config).expect("written");
    project.commit();
    tried(&tools, &project);
}

#[test]
fn a_new_project_has_every_hook_of_this_repository() {
    let own: Value =
        serde_yaml::from_str(&fs::read_to_string(root(".pre-commit-hooks.yaml")).expect("hooks")).expect("YAML");
    let project = Project::new();
    let config: Value = serde_yaml::from_str(&project.read(".pre-commit-config.yaml")).expect("YAML");
    let new = &config["repos"][0]["hooks"];
    assert_eq!(ids(new), ids(&own));
    assert_eq!(ids(&own), NOTICED.map(|(id, _, _)| id));
    for (a, b) in new.as_sequence().expect("hooks").iter().zip(own.as_sequence().expect("hooks")) {
        for key in ["name", "entry", "files", "pass_filenames"] {
            assert_eq!(a.get(key), b.get(key), "{key} of {}", a["id"].as_str().unwrap_or(""));
        }
    }
}
