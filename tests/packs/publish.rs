//! `publish` and `fetch-pack`, with bare repositories on disk.

use crate::place::{PACKED, Place, Ran, SHARED, UTILITIES, git_in};
use serde_json::Value;
use std::fs;

/// A place with an empty bare repository `repo.git` beside a locked project's files, which lie in none.
fn bare() -> Place {
    let place = Place::locked();
    place.git(&["init", "-q", "--bare", "-b", "main", "repo.git"]);
    place
}

fn publish(place: &Place, more: &[&str]) -> Ran {
    place.run(&[&["publish", "--repo", "repo.git", "--allow-dirty"], more].concat())
}

/// The same of a project that has a history of its own.
fn publish_committed(place: &Place) -> Ran {
    place.run(&["publish", "--repo", "repo.git"])
}

/// The project's next version: `packed` has another level.
fn bump(place: &Place, from: &str, to: &str) {
    place.edit("rules/packed.det", &format!("level {from}"), &format!("level {to}"));
    place.run(&["pack", "--bump"]).fine();
}

fn repo(place: &Place, arguments: &[&str]) -> String {
    git_in(&place.path("repo.git"), arguments)
}

fn files(place: &Place) -> Vec<String> {
    repo(place, &["ls-tree", "-r", "--name-only", "main"]).lines().map(str::to_owned).collect()
}

fn show(place: &Place, path: &str) -> String {
    repo(place, &["show", &format!("main:{path}")])
}

/// Somebody else's commit: writes a file, or removes it.
fn elsewhere(place: &Place, path: &str, text: Option<&str>) {
    let clone = tempfile::tempdir().expect("a folder");
    git_in(clone.path(), &["clone", "-q", &place.path("repo.git").display().to_string(), "c"]);
    let clone = clone.path().join("c");
    let file = clone.join(path);
    match text {
        Some(text) => {
            fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
            fs::write(file, text).expect("written");
        }
        None => fs::remove_file(file).expect("removed"),
    }
    git_in(&clone, &["add", "-A"]);
    git_in(&clone, &["commit", "-q", "-m", "elsewhere"]);
    git_in(&clone, &["push", "-q", "origin", "HEAD:main"]);
}

#[test]
fn the_first_publish_makes_one_commit_with_documents_release_index_and_tag() {
    let place = bare();
    let told = publish(&place, &["--tag"]).fine();
    assert!(told.starts_with("repo.git: 0.1.0 on main, tag v0.1.0: "), "{told}");
    assert!(told.ends_with(&format!(": {} files written, 0 files removed\n", files(&place).len())), "{told}");
    assert_eq!(repo(&place, &["rev-list", "--count", "main"]), "1");
    assert_eq!(repo(&place, &["rev-parse", "v0.1.0^{commit}"]), repo(&place, &["rev-parse", "main"]));
    let message = repo(&place, &["log", "-1", "--format=%B", "main"]);
    assert!(message.starts_with("acme 0.1.0\n\nadded: `packed` 1.0.0: Archive with a Password\n"), "{message}");
    let there = files(&place);
    for file in ["acme/documents/sigma/packed.yml", "acme/releases/0.1.0/acme-0.1.0-sources.tar.gz", "index.json"] {
        assert!(there.iter().any(|f| f == file), "{there:?}");
    }
    let index: Value = serde_json::from_str(&show(&place, "index.json")).expect("JSON");
    let version = &index["packs"]["acme"]["versions"][0];
    assert_eq!((&version["version"], &version["tag"]), (&"0.1.0".into(), &"v0.1.0".into()));
}

#[test]
fn a_dry_run_shows_all_of_it_and_does_none_of_it() {
    let place = bare();
    let out = publish(&place, &["--tag", "--dry-run"]).fine();
    assert!(out.contains("+ acme/documents/sentinel/packed.kql\n") && out.contains("    acme 0.1.0\n"), "{out}");
    let count = out.lines().filter(|l| l.starts_with("+ ")).count();
    let last = format!("would be 0.1.0 on main, tag v0.1.0: {count} files written, 0 files removed\n");
    assert!(out.ends_with(&last), "{out}");
    assert_eq!(repo(&place, &["for-each-ref"]), "");
}

#[test]
fn the_next_version_replaces_documents_keeps_releases_and_removes_what_tombstones_name() {
    let place = bare();
    publish(&place, &[]).fine();
    elsewhere(&place, "README.md", Some("theirs"));
    elsewhere(&place, "acme/documents/sigma/theirs.yml", Some("theirs"));
    let before = files(&place);
    place.remove("rules/shared.det");
    place.run(&["pack", "--bump", "--remove", "shared", "--because", "too loud", "--date", "2026-11-20"]).fine();
    let told = publish(&place, &[]).fine();
    assert!(told.starts_with("repo.git: 0.1.0 → 0.2.0 on main: "), "{told}");
    let there = files(&place);
    let gone = before.iter().filter(|file| !there.contains(file)).count();
    assert!(gone > 1 && told.ends_with(&format!(" {gone} files removed\n")), "{told}");
    let has = |file: &str| there.iter().any(|f| f == file);
    assert!(!has("acme/documents/sigma/shared.yml") && !has("acme/documents/sentinel/shared.kql"), "{there:?}");
    assert!(has("README.md") && has("acme/documents/sigma/theirs.yml") && has("acme/documents/sigma/packed.yml"));
    assert!(has("acme/releases/0.1.0/SHA256SUMS") && has("acme/releases/0.2.0/SHA256SUMS"), "{there:?}");
    let message = repo(&place, &["log", "-1", "--format=%B", "main"]);
    assert_eq!(message, "acme 0.2.0\n\nremoved: `shared` 1.0.0: too loud");
}

#[test]
fn versions_between_two_publications_are_all_in_the_message() {
    let place = bare();
    publish(&place, &[]).fine();
    bump(&place, "medium", "high");
    bump(&place, "high", "low");
    publish(&place, &[]).fine();
    let message = repo(&place, &["log", "-1", "--format=%B", "main"]);
    assert!(message.contains("\n0.1.2:\ntext: `packed` 1.0.1 → 1.0.2"), "{message}");
    assert!(message.contains("\n0.1.1:\ntext: `packed` 1.0.0 → 1.0.1") && !message.contains("added"), "{message}");
}

#[test]
fn a_version_that_does_not_move_and_an_older_one_are_refused() {
    let place = bare();
    let old = place.read("pack.lock");
    publish(&place, &[]).fine();
    assert!(publish(&place, &[]).fails(2).contains("acme 0.1.0 is published already"));
    bump(&place, "medium", "high");
    publish(&place, &[]).fine();
    place.write("pack.lock", &old);
    place.edit("arcanary.yaml", "0.1.1", "0.1.0");
    place.edit("rules/packed.det", "level high", "level medium");
    assert!(publish(&place, &[]).fails(2).contains("acme 0.1.0 is older than what is published"));
    assert_eq!(repo(&place, &["rev-list", "--count", "main"]), "2");
}

#[test]
fn a_tag_that_is_there_is_refused() {
    let place = bare();
    publish(&place, &[]).fine();
    repo(&place, &["tag", "v0.1.1", "main"]);
    bump(&place, "medium", "high");
    assert!(publish(&place, &["--tag"]).fails(2).contains("tag `v0.1.1` already"));
    publish(&place, &[]).fine();
}

#[test]
fn what_somebody_edited_or_removed_since_is_never_overwritten() {
    for text in [Some("edited"), None] {
        let place = bare();
        publish(&place, &[]).fine();
        elsewhere(&place, "acme/documents/sigma/packed.yml", text);
        bump(&place, "medium", "high");
        let err = publish(&place, &[]).fails(2);
        let says = if text.is_some() { "was edited since it was published" } else { "was published and is gone" };
        assert!(err.contains(&format!("acme/documents/sigma/packed.yml {says}")), "{err}");
        assert!(err.ends_with("nothing was published\n"), "{err}");
        assert_eq!(repo(&place, &["rev-list", "--count", "main"]), "2");
    }
}

#[test]
fn files_of_others_in_the_way_are_refused() {
    for (path, named) in [
        ("acme/documents/sigma/packed.yml", "acme/documents/sigma/packed.yml"),
        ("acme", "acme"),
        ("acme/releases/0.1.0/SHA256SUMS/x", "acme/releases/0.1.0/SHA256SUMS/x"),
    ] {
        let place = bare();
        elsewhere(&place, path, Some("theirs"));
        let err = publish(&place, &[]).fails(2);
        assert!(err.contains(&format!("error: {named} stands in the repository")), "{err}");
    }
    let place = bare();
    elsewhere(&place, "index.json", Some("{}"));
    assert!(publish(&place, &[]).fails(2).contains("index.json of the repository: missing field `format`"));
}

#[test]
fn a_rule_that_is_published_and_gone_needs_its_tombstone() {
    let place = bare();
    publish(&place, &[]).fine();
    place.remove("rules/shared.det");
    place.run(&["pack", "--bump", "--remove", "shared", "--because", "x", "--date", "2026-11-20"]).fine();
    let lock = place.read("pack.lock");
    let (head, rest) = lock.split_once("removed:\n").expect("a tombstone");
    let (_, tail) = rest.split_once("history:\n").expect("a history");
    place.write("pack.lock", &format!("{head}history:\n{tail}"));
    let err = publish(&place, &[]).fails(2);
    assert!(
        err.contains("rule `shared` (0e2a7c54-5f0b-4c8e-9d51-6f0b8f3b1a21) is published, and the lock has no"),
        "{err}"
    );
}

#[test]
fn a_push_that_the_server_refuses_leaves_nothing_and_can_be_run_again() {
    let place = bare();
    let hook = place.path("repo.git/hooks/pre-receive");
    place.write("repo.git/hooks/pre-receive", "#!/bin/sh\necho 'frozen until monday' >&2\nexit 1\n");
    executable(&hook);
    let err = publish(&place, &["--tag"]).fails(2);
    assert!(err.contains("is a folder with hooks (pre-receive)") && err.contains("nothing was published"), "{err}");
    let err = publish(&place, &["--tag", "--run-hooks"]).fails(2);
    assert!(err.contains("nothing was pushed") && err.contains("frozen until monday"), "{err}");
    assert_eq!(repo(&place, &["for-each-ref"]), "");
    fs::remove_file(hook).expect("removed");
    publish(&place, &["--tag"]).fine();
    assert_eq!(repo(&place, &["for-each-ref", "--format=%(refname)"]), "refs/heads/main\nrefs/tags/v0.1.0");
}

fn executable(path: &std::path::Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("a mode");
    }
    let _ = path;
}

/// The server keeps the first push waiting until the second one is through.
#[cfg(unix)]
#[test]
fn of_two_who_publish_at_once_one_wins_and_the_other_loses_nothing() {
    for started in [true, false] {
        let place = bare();
        if started {
            publish(&place, &[]).fine();
            bump(&place, "medium", "high");
        }
        let other = Place::empty();
        other.write("arcanary.yaml", "name: other\nversion: 1.0.0\ntargets: [sigma]\n");
        other.write("u.det", UTILITIES);
        other.write("r.det", PACKED);
        other.run(&["pack", "--bump"]).fine();
        let hook = "#!/bin/sh\nif mkdir first 2>/dev/null; then\n  touch waiting\n  for i in $(seq 100); do [ -e through ] && exit 0; sleep 0.1; done\n  exit 1\nfi\n";
        place.write("repo.git/hooks/pre-receive", hook);
        executable(&place.path("repo.git/hooks/pre-receive"));
        let repository = place.path("repo.git").display().to_string();
        std::thread::scope(|scope| {
            let slow = scope.spawn(|| publish(&place, &["--tag", "--run-hooks"]));
            while !place.path("repo.git/waiting").exists() {
                assert!(!slow.is_finished());
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
            other.run(&["publish", "--allow-dirty", "--run-hooks", "--repo", &repository]).fine();
            place.write("repo.git/through", "");
            let err = slow.join().expect("ran").fails(2);
            assert!(err.contains("somebody else published meanwhile; nothing was pushed"), "{err}");
        });
        assert_eq!(repo(&place, &["tag"]), "", "no tag without its commit");
        publish(&place, &["--tag", "--run-hooks"]).fine();
        let index: Value = serde_json::from_str(&show(&place, "index.json")).expect("JSON");
        let packs: Vec<_> = index["packs"].as_object().expect("packs").keys().cloned().collect();
        assert_eq!(packs, ["acme", "other"]);
        assert_eq!(repo(&place, &["tag"]), if started { "acme-v0.1.1" } else { "acme-v0.1.0" });
        assert!(files(&place).iter().any(|f| f == "other/documents/sigma/packed.yml"));
    }
}

#[test]
fn a_project_with_sources_that_nobody_committed_is_not_published() {
    let place = Place::locked();
    place.git(&["init", "-q", "-b", "main"]);
    place.git(&["init", "-q", "--bare", "-b", "main", "repo.git"]);
    let err = publish_committed(&place).fails(2);
    assert!(
        err.contains("error: rules/packed.det has changes that are not committed") && !err.contains("repo.git/"),
        "{err}"
    );
    place.git(&["add", "rules", "arcanary.yaml", "pack.lock"]);
    place.git(&["commit", "-q", "-m", "all"]);
    place.run(&["pack"]).fine();
    publish_committed(&place).fine();
    bump(&place, "medium", "high");
    let err = publish_committed(&place).fails(2);
    for file in ["arcanary.yaml", "pack.lock", "rules/packed.det"] {
        assert!(err.contains(&format!("error: {file} has changes that are not committed\n")), "{err}");
    }
    publish(&place, &[]).fine();
    place.git(&["commit", "-qam", "bumped"]);
    place.write("rules/empty.det", "");
    place.git(&["add", "rules"]);
    place.git(&["commit", "-qm", "more"]);
    place.remove("rules/empty.det");
    bump(&place, "high", "low");
    assert!(publish_committed(&place).fails(2).contains("error: rules/empty.det has changes that are not committed"));
}

#[test]
fn sources_that_git_ignores_are_not_committed() {
    let place = bare();
    place.write(".gitignore", "rules/\nrepo.git/\n");
    place.git(&["init", "-q", "-b", "main"]);
    place.commit();
    let err = publish_committed(&place).fails(2);
    assert!(err.contains("error: rules/packed.det has changes that are not committed\n"), "{err}");
    assert!(!err.contains("arcanary.yaml") && err.contains("--allow-dirty"), "{err}");
    place.git(&["add", "-f", "rules"]);
    place.git(&["commit", "-qm", "rules"]);
    publish_committed(&place).fine();
}

#[test]
fn a_project_in_no_repository_or_in_one_that_git_cannot_read_is_not_published() {
    let place = bare();
    let says = |why: &str| {
        let err = publish_committed(&place).fails(2);
        assert!(
            err.contains("error: git does not tell whether the sources are committed: ") && err.contains(why),
            "{err}"
        );
        assert!(err.contains("--allow-dirty\nnothing was published"), "{err}");
    };
    says("not a git repository");
    place.git(&["init", "-q", "-b", "main"]);
    place.commit();
    place.write(".git/config", "[broken");
    says("bad config");
    assert_eq!(repo(&place, &["for-each-ref"]), "");
}

#[test]
fn a_stale_lock_a_bad_branch_and_no_repository_are_refused() {
    let place = bare();
    assert!(publish(&place, &["--branch", "a..b"]).fails(2).contains("`a..b` is no name of a branch"));
    assert!(place.run(&["publish", "--allow-dirty", "--repo", "nowhere"]).fails(2).contains("nothing was published"));
    assert!(place.run(&["publish", "--allow-dirty", "--repo=--upload-pack=x"]).fails(2).contains("is no repository"));
    place.edit("rules/packed.det", "level medium", "level high");
    publish(&place, &[]).fails(1);
    assert_eq!(repo(&place, &["for-each-ref"]), "");
}

#[test]
fn another_branch_is_another_state() {
    let place = bare();
    publish(&place, &["--branch", "staging"]).fine();
    publish(&place, &["--branch", "main"]).fine();
    let err = publish(&place, &["--branch", "staging"]).fails(2);
    assert!(err.contains("published already"), "{err}");
    assert_eq!(repo(&place, &["for-each-ref", "--format=%(refname:short)"]), "main\nstaging");
}

// ---- consumers ----

fn fetch(place: &Place, more: &[&str]) -> Ran {
    place.run(&[&["fetch-pack", "--repo", "repo.git", "--out"], more].concat())
}

#[test]
fn a_consumer_takes_the_latest_version_or_an_earlier_one_as_it_was_released() {
    let place = bare();
    place.run(&["pack", "--out", "first"]).fine();
    publish(&place, &[]).fine();
    bump(&place, "medium", "high");
    place.run(&["pack", "--out", "second"]).fine();
    publish(&place, &[]).fine();
    assert_eq!(fetch(&place, &["got"]).err, "acme 0.1.1: release in got\n");
    assert_eq!(fs::read(place.path("got/SHA256SUMS")).ok(), fs::read(place.path("second/SHA256SUMS")).ok());
    fetch(&place, &["got", "--version", "0.1.0"]).fine();
    assert_eq!(fs::read(place.path("got/SHA256SUMS")).ok(), fs::read(place.path("first/SHA256SUMS")).ok());
    place.run(&["verify", "got"]).fine();
    let err = fetch(&place, &["got", "--version", "0.9.0"]).fails(2);
    assert!(err.contains("`acme` has no version 0.9.0; versions are 0.1.1, 0.1.0"), "{err}");
    assert!(fetch(&place, &["got", "--pack", "acne"]).fails(2).contains("there is no pack `acne`; packs are acme"));
    assert!(fetch(&place, &["got", "--branch", "b"]).fails(2).contains("branch `b` holds no packs"));
}

#[test]
fn an_update_goes_back_only_where_a_version_is_named() {
    let place = bare();
    publish(&place, &[]).fine();
    bump(&place, "medium", "high");
    publish(&place, &[]).fine();
    for more in [&["got"][..], &["up", "--sources"]] {
        fetch(&place, more).fine();
    }
    let index = show(&place, "index.json").replace("\"latest\": \"0.1.1\"", "\"latest\": \"0.1.0\"");
    elsewhere(&place, "index.json", Some(&index));
    for more in [&["got"][..], &["up", "--sources"]] {
        let err = fetch(&place, more).fails(2);
        let says = format!(
            "{} contains acme 0.1.1, but the latest version in the repository is 0.1.0: pass `--version 0.1.0`",
            more[0]
        );
        assert!(err.contains(&says), "{err}");
        fetch(&place, &[more, &["--version", "0.1.0"]].concat()).fine();
    }
    // Another folder takes what there is.
    fetch(&place, &["new"]).fine();
}

#[test]
fn what_stands_behind_a_plus_makes_no_version_newer() {
    let place = bare();
    publish(&place, &[]).fine();
    for version in ["0.1.0+aa", "0.1.0+zz"] {
        let text = place.read("arcanary.yaml");
        let line = text.lines().find(|line| line.starts_with("version: ")).expect("a version");
        place.edit("arcanary.yaml", line, &format!("version: {version}"));
        place.run(&["pack", "--bump"]).fine();
        let err = publish(&place, &[]).fails(2);
        assert!(err.contains(&format!("acme {version} is published already: the repository has 0.1.0")), "{err}");
    }
}

#[test]
fn a_repository_of_sha_256_is_told() {
    let place = bare();
    place.git(&["init", "-q", "--object-format=sha256", "-b", "main", "other"]);
    git_in(&place.path("other"), &["commit", "-q", "--allow-empty", "-m", "x"]);
    let says = "other keeps objects by SHA-256, and packs are published by SHA-1 alone";
    for command in [&["publish", "--allow-dirty"][..], &["fetch-pack", "--out", "got"]] {
        let err = place.run(&[command, &["--repo", "other"]].concat()).fails(2);
        assert!(err.contains(says), "{err}");
    }
    // An empty one tells nothing before it is pushed to.
    place.git(&["init", "-q", "--bare", "--object-format=sha256", "empty.git"]);
    let err = place.run(&["publish", "--allow-dirty", "--repo", "empty.git"]).fails(2);
    assert!(err.contains("nothing was pushed: ") && err.contains("hash algorithm"), "{err}");
}

#[test]
fn a_release_that_was_tampered_with_is_not_taken() {
    let place = bare();
    publish(&place, &[]).fine();
    elsewhere(&place, "acme/releases/0.1.0/CHANGELOG.md", Some("other"));
    assert!(fetch(&place, &["got"]).fails(2).contains("CHANGELOG.md: its sum is not that of SHA256SUMS"));
    let sums = show(&place, "acme/releases/0.1.0/SHA256SUMS");
    elsewhere(&place, "acme/releases/0.1.0/SHA256SUMS", Some(&format!("{sums}\n# more")));
    assert!(fetch(&place, &["got"]).fails(2).contains("SHA256SUMS is not what the index says"));
    elsewhere(&place, "acme/releases/0.1.0/SHA256SUMS", None);
    assert!(fetch(&place, &["got"]).fails(2).contains("SHA256SUMS is not in the repository"));
    assert!(!place.path("got").exists());
}

#[test]
fn sources_are_updated_in_place_and_edits_of_them_are_never_lost() {
    let place = bare();
    publish(&place, &[]).fine();
    assert_eq!(fetch(&place, &["up", "--sources"]).err, "acme 0.1.0: sources in up\n");
    assert_eq!(place.read("up/rules/packed.det"), PACKED);
    bump(&place, "medium", "high");
    publish(&place, &[]).fine();
    let before = place.read("up/rules/shared.det");
    place.edit("up/rules/shared.det", "level low", "level high");
    let err = fetch(&place, &["up", "--sources"]).fails(2);
    assert!(err.contains("`rules/shared.det` was edited since it was fetched"), "{err}");
    place.write("up/rules/shared.det", &before);
    place.write("up/mine.det", SHARED);
    assert!(fetch(&place, &["up", "--sources"]).fails(2).contains("`mine.det` does not belong to the pack"));
    place.remove("up/mine.det");
    fetch(&place, &["up", "--sources"]).fine();
    assert!(place.read("up/rules/packed.det").contains("level high"));
    place.write("other/file", "mine");
    assert!(fetch(&place, &["other", "--sources"]).fails(2).contains("no pack was unpacked there"));
}
