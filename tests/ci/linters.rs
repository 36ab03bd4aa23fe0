//! Workflows, the action, scripts and the Dockerfile pass real linters; pins and build contexts hold.

use crate::runner::yaml;
use crate::{fine, root, run, tools};
use serde_yaml::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const TEMPLATE: &str = "templates/new/detections.yml";
const WORKFLOWS: [&str; 3] = [".github/workflows/ci.yml", ".github/workflows/release.yml", TEMPLATE];

fn read(name: &str) -> String {
    fs::read_to_string(root(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

fn lint(tools: &Path, program: &str, options: &[&str], files: &[PathBuf]) -> Output {
    run(Command::new(tools.join(program)).args(options).args(files))
}

/// A file that holds what a file of the repository holds, with a fault in it.
fn broken(folder: &Path, name: &str, from: &str, to: &str) -> PathBuf {
    let text = read(name);
    assert!(text.contains(from), "{name}: {from}");
    let file = folder.join(Path::new(name).file_name().expect("a name"));
    fs::write(&file, text.replacen(from, to, 1)).expect("written");
    file
}

#[test]
fn workflows_the_action_and_dependabots_settings_fit_githubs_schemas() {
    let Some(tools) = tools() else { return };
    let check =
        |schema: &str, files: &[PathBuf]| lint(&tools, "check-jsonschema", &["--builtin-schema", schema], files);
    fine(check("vendor.github-workflows", &WORKFLOWS.map(root)));
    fine(check("vendor.github-actions", &[root("action.yml")]));
    fine(check("vendor.dependabot", &[root(".github/dependabot.yml")]));
    let folder = tempfile::tempdir().expect("a folder");
    for name in WORKFLOWS {
        let bad = broken(folder.path(), name, "runs-on:", "runs-at:");
        assert!(!check("vendor.github-workflows", &[bad]).status.success(), "the schema refuses something");
    }
}

#[test]
fn zizmor_finds_no_hole_in_workflows_and_the_action() {
    let Some(tools) = tools() else { return };
    let options = ["--offline", "--no-progress", "--min-severity", "medium", "--min-confidence", "medium"];
    let files: Vec<PathBuf> = WORKFLOWS.iter().chain(&["action.yml"]).map(|name| root(name)).collect();
    fine(lint(&tools, "zizmor", &options, &files));
    let folder = tempfile::tempdir().expect("a folder");
    let injected = broken(folder.path(), "action.yml", "read -r -a words <<< \"$COMMAND\"", "${{ inputs.command }}");
    let said = lint(&tools, "zizmor", &options, &[injected]);
    assert!(String::from_utf8_lossy(&said.stdout).contains("template-injection"), "zizmor finds something");
}

#[test]
fn shellcheck_and_hadolint_find_nothing() {
    let Some(tools) = tools() else { return };
    let scripts = [".ci/run", ".ci/install", ".ci/notes", "test", "tests/engines/setup.sh", "fuzz/run.sh"];
    fine(lint(&tools, "shellcheck", &[], &scripts.map(root)));
    fine(lint(&tools, "hadolint", &[], &[root("Dockerfile")]));
    let folder = tempfile::tempdir().expect("a folder");
    let unquoted = broken(folder.path(), ".ci/install", "cd \"$root\"", "cd $root");
    assert!(!lint(&tools, "shellcheck", &[], &[unquoted]).status.success(), "shellcheck finds something");
    let relative = broken(folder.path(), "Dockerfile", "WORKDIR /work", "WORKDIR work");
    assert!(!lint(&tools, "hadolint", &[], &[relative]).status.success(), "hadolint finds something");
}

/// The values of a key, however deep.
fn values<'v>(of: &'v Value, key: &str, found: &mut Vec<&'v str>) {
    if let Some(map) = of.as_mapping() {
        found.extend(map.get(key).and_then(Value::as_str));
        map.values().for_each(|inner| values(inner, key, found));
    }
    of.as_sequence().into_iter().flatten().for_each(|inner| values(inner, key, found));
}

/// A tag can be moved to other code, a commit cannot. The comment is the version, for people and for Dependabot.
#[test]
fn every_action_is_pinned_by_its_commit_and_says_its_version() {
    let mut commits = std::collections::BTreeMap::new();
    for name in WORKFLOWS.iter().chain(&["action.yml"]) {
        let (file, text) = (yaml(&root(name)), read(name));
        let mut uses = vec![];
        values(&file, "uses", &mut uses);
        assert!(!uses.is_empty(), "{name}");
        for action in uses.into_iter().filter(|action| !action.starts_with("./")) {
            let (repository, commit) = action.split_once('@').expect("a ref");
            assert!(commit.len() == 40 && commit.chars().all(|c| c.is_ascii_hexdigit()), "{name}: {action}");
            let comments: Vec<&str> = text
                .lines()
                .filter_map(|line| line.split_once(&format!("uses: {action} # ")))
                .map(|(_, v)| v)
                .collect();
            assert!(!comments.is_empty(), "{name}: {action} has no version beside it");
            for version in comments {
                let same = commits.entry(repository.to_owned()).or_insert((commit.to_owned(), version.to_owned()));
                assert_eq!(*same, (commit.to_owned(), version.to_owned()), "{name}: {repository}");
            }
        }
    }
}

/// `(instruction, arguments)` of each line of the Dockerfile.
fn dockerfile() -> Vec<(String, Vec<String>)> {
    let text = read("Dockerfile");
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    lines
        .map(|line| {
            assert!(!line.ends_with('\\'), "the test reads one line an instruction: {line}");
            let mut words = line.split_whitespace().map(str::to_owned);
            (words.next().expect("an instruction"), words.collect())
        })
        .collect()
}

#[test]
fn the_image_is_pinned_runs_as_nobody_and_takes_only_what_it_needs() {
    let instructions = dockerfile();
    let of = |name: &str| instructions.iter().filter(|(i, _)| i == name).map(|(_, words)| words).collect::<Vec<_>>();
    for from in of("FROM") {
        let digest = from[0].split_once("@sha256:").map_or("", |(_, digest)| digest);
        assert!(digest.len() == 64 && digest.chars().all(|c| c.is_ascii_hexdigit()), "{from:?}");
    }
    let last = instructions.iter().rposition(|(name, _)| name == "FROM").expect("a base");
    let image = &instructions[last..];
    let user = image.iter().rposition(|(name, _)| name == "USER").expect("a user");
    let ids: Vec<u32> = image[user].1[0].split(':').map(|id| id.parse().expect("a number")).collect();
    assert!(ids.len() == 2 && !ids.contains(&0), "{ids:?}");
    assert!(image[user..].iter().all(|(name, _)| name != "RUN"), "all that runs as root runs before");
    let tail: Vec<String> =
        image[user + 1..].iter().map(|(name, words)| format!("{name} {}", words.join(" "))).collect();
    assert_eq!(tail, ["WORKDIR /work", "ENTRYPOINT [\"/usr/local/bin/arcanary\"]", "CMD [\"--help\"]"]);

    // The context is what is copied, and what is copied holds all that the sources include.
    let mut copied: Vec<String> = of("COPY")
        .into_iter()
        .filter(|words| !words[0].starts_with("--from"))
        .flat_map(|words| words[..words.len() - 1].to_vec())
        .collect();
    copied.sort();
    let ignored = read(".dockerignore");
    let mut allowed: Vec<String> =
        ignored.lines().filter_map(|line| line.strip_prefix('!')).map(str::to_owned).collect();
    allowed.sort();
    assert_eq!(copied, allowed);
    assert_eq!(ignored.lines().find(|line| !line.starts_with('#')), Some("*"), "all else stays out");
    assert!(copied.iter().all(|name| root(name).exists()), "{copied:?}");
    let rust = yaml(&root(".github/workflows/release.yml"))["env"]["RUST"].as_str().expect("a version").to_owned();
    assert!(
        of("FROM")[0][0].starts_with(&format!("rust:{}-", rust.rsplit_once('.').expect("X.Y.Z").0)),
        "one Rust for both"
    );
}

/// What the sources include lies in the folders that the image copies and that the action's hash covers.
#[test]
fn the_image_and_the_hash_of_sources_cover_all_that_the_program_is_made_from() {
    let script = read(".ci/install");
    let listed = script.split_once("find Cargo.toml").expect("find").1.split_once(" -type f").expect("its end").0;
    let hashed: Vec<&str> = listed.split_whitespace().collect();
    let copied: Vec<String> =
        dockerfile().into_iter().filter(|(name, _)| name == "COPY").flat_map(|(_, words)| words).collect();
    let mut seen = 0;
    let mut folders = vec![root("src")];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = fs::read_to_string(&path).expect("a source");
            let code = text.split("#[cfg(test)]").next().unwrap_or("");
            for included in code.split("include_str!(\"").chain(code.split("#[grammar = \"")) {
                let Some(included) = included.strip_prefix("../") else { continue };
                let included = included.split('"').next().expect("a path");
                seen += 1;
                let top = included.trim_start_matches("../").split('/').next().expect("a folder");
                assert!(
                    hashed.contains(&top) && copied.iter().any(|name| name == top),
                    "{}: {included}",
                    path.display()
                );
            }
        }
    }
    assert!(seen > 10, "{seen} includes");
}
