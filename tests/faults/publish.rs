//! `publish` writes with git alone: into a folder of its own, and at last by one push. A program in the place of `git`
//! counts the calls and makes one of them go wrong.

use super::place::{Place, command, git_in};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Output;

/// Stands in the path as `git`. At call number `N` of the file `count` it kills the program before or after the real git
/// ran, or fails as git does where the disk is full.
const GIT: &str = r#"#!/bin/sh
echo "$*" >> "$FAULT_FOLDER/count"
n=$(wc -l < "$FAULT_FOLDER/count")
if [ "$n" -eq "$FAULT_AT" ]; then
  case "$FAULT_KIND" in
    before) kill -9 $PPID; exit 1 ;;
    after) "$REAL_GIT" "$@"; kill -9 $PPID; exit 1 ;;
    full) echo 'fatal: unable to write: No space left on device' >&2; exit 128 ;;
  esac
fi
exec "$REAL_GIT" "$@"
"#;

struct Faulty {
    folder: tempfile::TempDir,
    real: String,
}

impl Faulty {
    fn new() -> Faulty {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("git"), GIT).expect("written");
        fs::set_permissions(folder.path().join("git"), fs::Permissions::from_mode(0o755)).expect("set");
        let path = std::env::var_os("PATH").expect("a path");
        let real = std::env::split_paths(&path).map(|p| p.join("git")).find(|p| p.is_file()).expect("git");
        Faulty { folder, real: real.display().to_string() }
    }

    /// Publishes with a fault; how it ended, and how often git was called.
    fn publish(&self, place: &Place, repo: &Path, kind: &str, at: usize) -> (Output, Vec<String>) {
        let count = self.folder.path().join("count");
        let _ = fs::remove_file(&count);
        let old = std::env::var("PATH").expect("a path");
        let output = command(env!("CARGO_BIN_EXE_arcanary"))
            .args(["publish", "--allow-dirty", "--tag", "--repo"])
            .arg(repo)
            .current_dir(place.path(""))
            .env("PATH", format!("{}:{old}", self.folder.path().display()))
            .env("REAL_GIT", &self.real)
            .env("FAULT_FOLDER", self.folder.path())
            .env("FAULT_AT", at.to_string())
            .env("FAULT_KIND", kind)
            .output()
            .expect("started");
        let calls = fs::read_to_string(count).expect("calls").lines().map(str::to_owned).collect();
        (output, calls)
    }
}

/// The branch and the tags of a repository.
fn state(repo: &Path) -> String {
    git_in(repo, &["for-each-ref", "--format=%(refname) %(objecttype)"])
}

#[test]
fn publish_writes_all_or_nothing_and_is_run_again() {
    let place = super::project();
    place.run(&["pack", "--bump"]).fine();
    let before = super::all(&place.path(""));
    let git = Faulty::new();
    let bare = || {
        let hub = Place::empty();
        hub.git(&["init", "-q", "--bare", "-b", "main", "repo.git"]);
        hub
    };
    let hub = bare();
    let (output, calls) = git.publish(&place, &hub.path("repo.git"), "none", 0);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let whole = state(&hub.path("repo.git"));
    assert_eq!(whole, "refs/heads/main commit\nrefs/tags/v0.1.0 tag");
    let push = calls.iter().position(|call| call.contains(" push ")).expect("a push") + 1;
    for kind in ["before", "after", "full"] {
        for at in 1..=calls.len() {
            let hub = bare();
            let repo = hub.path("repo.git");
            let (output, _) = git.publish(&place, &repo, kind, at);
            let said = format!("{kind} {}: {}", calls[at - 1], String::from_utf8_lossy(&output.stderr));
            let pushed = kind == "after" && at >= push;
            assert!(!output.status.success(), "{said}");
            assert_eq!(state(&repo), if pushed { whole.clone() } else { String::new() }, "{said}");
            assert_eq!(super::all(&place.path("")), before, "{said}");
            let (again, _) = git.publish(&place, &repo, "none", 0);
            let err = String::from_utf8_lossy(&again.stderr);
            assert!(again.status.success() != pushed, "{said}: {err}");
            assert!(!pushed || err.contains("is published already"), "{said}: {err}");
            assert_eq!(state(&repo), whole, "{said}");
        }
    }
}
