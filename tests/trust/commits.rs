//! What a commit holds is what its objects say: nothing in a repository or in the environment puts others in their place.

use crate::place::{Place, Ran, command, git_in};
use std::time::{Duration, Instant};

fn run(place: &Place, variables: &[(&str, &str)], arguments: &[&str]) -> Ran {
    let mut command = command(env!("CARGO_BIN_EXE_arcanary"));
    command.args(arguments).current_dir(place.path(".")).envs(variables.iter().copied());
    let output = command.output().expect("started");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    Ran { code: output.status.code().expect("a code"), out: text(output.stdout), err: text(output.stderr) }
}

/// A committed project with an edit, beside an empty repository of packs.
fn edited() -> Place {
    let place = Place::locked();
    place.git(&["init", "-q", "-b", "main"]);
    place.git(&["init", "-q", "--bare", "-b", "main", "hub.git"]);
    place.write(".gitignore", "hub.git\n");
    place.commit();
    place.edit("rules/packed.det", "level medium", "level high");
    place.run(&["pack", "--bump"]).fine();
    place
}

/// The edit is seen by both commands.
fn sees_the_edit(place: &Place, variables: &[(&str, &str)], case: &str) {
    let err = run(place, variables, &["publish", "--repo", "hub.git", "--dry-run"]).fails(2);
    assert!(err.contains("error: rules/packed.det has changes that are not committed\n"), "{case}: {err}");
    let ran = run(place, variables, &["diff"]);
    assert!(ran.err.contains("against HEAD: 0 added, 1 changed, 0 removed"), "{case}: {}", ran.err);
}

/// A commit of the files as they lie there, which no branch has.
fn hidden_commit(place: &Place) -> String {
    place.git(&["add", "-A"]);
    let tree = place.git(&["write-tree"]);
    place.git(&["reset", "-q"]);
    place.git(&["commit-tree", &tree, "-m", "hidden"])
}

#[test]
fn replaced_objects_are_not_believed() {
    for variables in [&[][..], &[("GIT_NO_REPLACE_OBJECTS", "0")], &[("GIT_REPLACE_REF_BASE", "refs/evil/")]] {
        let place = edited();
        let (head, hidden) = (place.git(&["rev-parse", "HEAD"]), hidden_commit(&place));
        let base =
            variables.first().map_or("refs/replace/", |(_, base)| if *base == "0" { "refs/replace/" } else { base });
        place.git(&["update-ref", &format!("{base}{head}"), &hidden]);
        place.git(&["config", "core.useReplaceRefs", "true"]);
        sees_the_edit(&place, variables, "a commit");
        place.git(&["update-ref", "-d", &format!("{base}{head}")]);
        for file in ["rules/packed.det", "pack.lock", "arcanary.yaml"] {
            let old = place.git(&["rev-parse", &format!("HEAD:{file}")]);
            let new = place.git(&["rev-parse", &format!("{hidden}:{file}")]);
            place.git(&["update-ref", &format!("{base}{old}"), &new]);
        }
        sees_the_edit(&place, variables, "files");
        // git alone believes them.
        if variables.is_empty() {
            assert!(place.git(&["cat-file", "blob", "HEAD:rules/packed.det"]).contains("level high"));
        }
    }
}

#[test]
fn no_variable_of_the_caller_leads_to_other_objects() {
    let place = edited();
    let hidden = hidden_commit(&place);
    let other = Place::empty();
    git_in(&other.path("."), &["init", "-q", "-b", "main"]);
    let folder = place.path(".").display().to_string();
    git_in(&other.path("."), &["fetch", "-q", &folder, "main"]);
    place.git(&["update-ref", "refs/namespaces/evil/HEAD", &hidden]);
    let elsewhere = other.path(".git").display().to_string();
    let nothing = other.path("nothing").display().to_string();
    for (name, value) in [
        ("GIT_DIR", elsewhere.as_str()),
        ("GIT_COMMON_DIR", &elsewhere),
        ("GIT_WORK_TREE", &elsewhere),
        ("GIT_INDEX_FILE", &nothing),
        ("GIT_OBJECT_DIRECTORY", &nothing),
        ("GIT_ALTERNATE_OBJECT_DIRECTORIES", &nothing),
        ("GIT_NAMESPACE", "evil"),
        ("GIT_PREFIX", "rules/"),
        ("GIT_GRAFT_FILE", &nothing),
        ("GIT_SHALLOW_FILE", &nothing),
        ("GIT_ATTR_SOURCE", "nowhere"),
        ("GIT_DEFAULT_HASH", "sha256"),
        ("GIT_DEFAULT_REF_FORMAT", "nonsense"),
        ("GIT_LITERAL_PATHSPECS", "1"),
        ("GIT_ICASE_PATHSPECS", "1"),
        ("GIT_QUARANTINE_PATH", &nothing),
        ("GIT_TEST_ANYTHING", "1"),
    ] {
        sees_the_edit(&place, &[(name, value)], name);
    }
}

#[test]
fn links_that_lead_round_in_circles_through_submodules_cost_nothing() {
    let place = Place::locked();
    place.git(&["init", "-q", "-b", "main"]);
    place.git(&["init", "-q", "--bare", "-b", "main", "hub.git"]);
    place.write(".gitignore", "hub.git\na\nb\n");
    place.commit();
    // Each commit holds the one before as two submodules.
    for _ in 0..14 {
        let before = place.git(&["rev-parse", "HEAD"]);
        for name in ["a", "b"] {
            place.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{before},{name}")]);
        }
        place.git(&["commit", "-qm", "again"]);
    }
    for name in ["a", "b"] {
        std::os::unix::fs::symlink(".", place.path(name)).expect("a link");
    }
    let begun = Instant::now();
    place.run(&["publish", "--repo", "hub.git", "--dry-run"]).fine();
    place.run(&["diff"]).fine();
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}
