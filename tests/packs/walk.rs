//! From an empty folder to a tenant whose tuning survives an update. `docs/walk.md` shows the same steps.

use crate::place::{Place, Ran, git_in, run_in};
use arcanary::files::files_in;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

const RULE: &str = "ours/rules/encrypted_archive.det";

/// The rule's second version says more in a flag, and has a test for it.
const FLAG: (&str, &str) = (
    "  flag Staged = argument under any staging_dirs\n",
    "  flag Staged = argument under any staging_dirs or argument under 'D:\\Outbox'\n",
);
const TEST: (&str, &str) = (
    "  test \"extraction\" silent\n",
    "  test \"into the outbox\" fires with [Staged]\n    process { executable 'C:\\Tools\\rar.exe', \
     command_line 'rar a -pblue D:\\Outbox\\q3.rar plans' }\n  test \"extraction\" silent\n",
);

const TUNING: &str = r#"tune encrypted_archive {
  level low
  except "Payroll" because "sends its archives, ticket 88" until 2027-06-30
    where host.name starts with "PAY-"
  test "payroll" excepted by "Payroll"
    process {
      executable   'C:\Tools\rar.exe',
      command_line 'rar a -pblue D:\pay.rar pay',
      host.name    "PAY-1",
    }
}
"#;

/// A folder's files with their bytes, but those of git.
fn bytes(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let names = files_in(folder).expect("a folder").into_iter().filter(|name| !name.starts_with(".git/"));
    names.map(|name| (name.clone(), fs::read(folder.join(&name)).expect("a file"))).collect()
}

#[test]
fn from_a_clean_folder_to_a_tuning_that_outlives_an_update() {
    let place = Place::empty();
    let ours = |arguments: &[&str]| -> Ran { run_in(&place.path("ours"), arguments) };
    let theirs = |arguments: &[&str]| -> Ran { run_in(&place.path("theirs"), arguments) };
    let commit = |message: &str| {
        git_in(&place.path("ours"), &["add", "-A"]);
        git_in(&place.path("ours"), &["commit", "-q", "-m", message]);
    };
    let reviewed = || {
        for step in [&["fmt", "--check"][..], &["check", "--locked"], &["test", "--missing"], &["build", "--check"]] {
            ours(step).fine();
        }
    };

    // A new project passes all that CI asks of it.
    place.git(&["init", "-q", "--bare", "-b", "main", "hub.git"]);
    place.run(&["new", "ours"]).fine();
    git_in(&place.path("ours"), &["init", "-q", "-b", "main"]);
    commit("Begin");
    reviewed();

    // Edit a rule, build, test, pack, publish.
    place.edit(RULE, "level  medium", "level  high");
    assert!(ours(&["check", "--locked"]).fails(1).contains("E0806"), "an edit that no bump has seen");
    assert!(ours(&["pack", "--bump"]).fine().starts_with("encrypted_archive 1.0.0 → 1.0.1: metadata changed"));
    assert_eq!(ours(&["build", "--check"]).code, 1, "and no build");
    ours(&["build"]).fine();
    reviewed();
    commit("A graver level");
    ours(&["pack"]).fine();
    ours(&["verify", "dist"]).fine();
    let first = bytes(&place.path("ours/dist"));
    ours(&["publish", "--repo", "../hub.git", "--tag"]).fine();

    // Change the rule, diff, publish again.
    place.edit(RULE, FLAG.0, FLAG.1);
    place.edit(RULE, TEST.0, TEST.1);
    assert!(ours(&["pack", "--bump"]).fine().starts_with("encrypted_archive 1.0.1 → 1.1.0: logic changed"));
    ours(&["build"]).fine();
    reviewed();
    let diff = ours(&["diff"]).fine();
    assert!(diff.starts_with("encrypted_archive 1.0.1 → 1.1.0: logic changed\n"), "{diff}");
    assert!(diff.lines().any(|l| l.starts_with('+') && l.contains("Outbox")), "{diff}");
    commit("The outbox is a staging folder");
    ours(&["publish", "--repo", "../hub.git", "--tag"]).fine();
    assert_eq!(git_in(&place.path("hub.git"), &["tag"]), "v0.1.1\nv0.2.0");

    // A consumer takes the first version and tunes it.
    place.write(
        "theirs/arcanary.yaml",
        "name: theirs\nversion: 0.1.0\npacks: [upstream]\ntargets: [defender]\nout: build\n",
    );
    place.write("theirs/tuning.det", TUNING);
    let fetch = ["fetch-pack", "--repo", "../hub.git", "--sources", "--out", "upstream"];
    theirs(&[&fetch[..], &["--version", "0.1.1"]].concat()).fine();
    theirs(&["test"]).fine();
    theirs(&["build"]).fine();
    let document = || place.read("theirs/build/defender/encrypted_archive.kql");
    let tuned = |document: &str| document.contains("// level: low") && document.contains("\"PAY-\"");
    assert!(tuned(&document()) && !document().contains("Outbox"), "{}", document());

    // The update brings what is new, and the tuning stays.
    theirs(&fetch).fine();
    theirs(&["test"]).fine();
    theirs(&["build"]).fine();
    assert!(tuned(&document()) && document().contains("Outbox"), "{}", document());
    assert_eq!(place.read("theirs/tuning.det"), TUNING);

    // What was published is what two clones of the sources make, to the byte; and the first release is as it was.
    let mut made = vec![];
    for (clone, breaks) in [("one", "input"), ("another/place", "true")] {
        // A clone whose git would write other line breaks, if the project's attributes did not say which.
        git_in(&place.path("."), &["-c", &format!("core.autocrlf={breaks}"), "clone", "-q", "ours", clone]);
        let folder = place.path(clone);
        assert_eq!(bytes(&folder.join("build")), bytes(&place.path("ours/build")), "the reviewed build");
        run_in(&folder, &["build", "--out", "fresh"]).fine();
        run_in(&folder, &["pack"]).fine();
        made.push((bytes(&folder.join("fresh")), bytes(&folder.join("dist"))));
    }
    assert_eq!(made[0], made[1]);
    assert_eq!(made[0].0, bytes(&place.path("ours/build")));
    for (version, release) in [("0.1.1", &first), ("0.2.0", &made[0].1)] {
        let out = format!("taken-{version}");
        place.run(&["fetch-pack", "--repo", "hub.git", "--version", version, "--out", &out]).fine();
        assert_eq!(bytes(&place.path(&out)), *release, "{version}");
    }
    for of in ["defender", "sources"] {
        assert!(made[0].1.contains_key(&format!("ours-0.2.0-{of}.tar.gz")), "{:?}", made[0].1.keys());
    }
}
