//! What an address means: a folder whose hooks are looked at, or another machine; never a folder that only git finds.

use crate::place::{Place, Ran, command};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// The program with a user's configuration of git in `HOME/config`, and a shell for other machines that only leaves a trace.
fn run(place: &Place, arguments: &[&str]) -> Ran {
    let mut command = command(env!("CARGO_BIN_EXE_arcanary"));
    command.args(arguments).current_dir(place.path("."));
    place.write("HOME/ssh", &format!("#!/bin/sh\ntouch {}\nexit 1\n", place.path("HOME/connected").display()));
    executable(&place.path("HOME/ssh"));
    command.env("HOME", place.path("HOME")).env("GIT_CONFIG_GLOBAL", place.path("HOME/config"));
    let output = command.env("GIT_SSH", place.path("HOME/ssh")).output().expect("started");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    Ran { code: output.status.code().expect("a code"), out: text(output.stdout), err: text(output.stderr) }
}

fn executable(path: &Path) {
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("a mode");
}

fn publish(place: &Place, address: &str, more: &[&str]) -> Ran {
    run(place, &[&["publish", "--allow-dirty", "--repo", address], more].concat())
}

/// A hook that leaves a trace, in the repository in a folder.
fn hook(place: &Place, repository: &str) {
    let path = place.path(repository).join("hooks/post-receive");
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::write(&path, format!("#!/bin/sh\ntouch {}\n", place.path("ran").display())).expect("written");
    executable(&path);
}

fn bare(place: &Place, name: &str) -> String {
    place.git(&["init", "-q", "--bare", "-b", "main", name]);
    place.path(name).display().to_string()
}

/// A locked project with a commit of its own, and a user's configuration.
fn project() -> Place {
    let place = Place::locked();
    place.write("HOME/config", "");
    place
}

#[test]
fn a_folder_that_only_git_finds_is_refused_and_starts_nothing() {
    for planted in ["hooks", "settings"] {
        let place = project();
        let whole = bare(&place, "repo.git");
        bare(&place, "HOME/repo.git");
        // An empty folder is no repository, and git passes it over.
        fs::create_dir(place.path("both")).expect("a folder");
        bare(&place, "both.git");
        for repository in ["repo.git", "HOME/repo.git", "both.git"] {
            if planted == "hooks" {
                hook(&place, repository);
            } else {
                hook(&place, "elsewhere");
                let hooks = place.path("elsewhere/hooks").display().to_string();
                place.git(&["--git-dir", repository, "config", "core.hooksPath", &hooks]);
            }
        }
        let without = whole.strip_suffix(".git").expect("an ending");
        let addresses = ["repo", without, &format!("file://{without}"), "~/repo.git", "both", "./repo/", "repo.git/.."];
        for address in addresses {
            let err = publish(&place, address, &[]).fails(2);
            assert!(err.contains("no repository") || err.contains("is not a git repository"), "{address}: {err}");
            run(&place, &["fetch-pack", "--repo", address, "--out", "got"]).fails(2);
            assert!(!place.path("ran").exists(), "{address}");
        }
        assert!(publish(&place, "repo", &[]).err.contains("did you mean the one with `.git` at the end?"));
        // git alone goes there.
        place.git(&["init", "-q", "-b", "main"]);
        place.commit();
        place.git(&["push", "-q", "./repo", "main"]);
        assert!(place.path("ran").exists(), "{planted}");
    }
}

#[test]
fn hooks_are_looked_for_where_the_users_configuration_leads() {
    let place = project();
    let hub = bare(&place, "hub.git");
    let plain = bare(&place, "plain.git");
    hook(&place, "hub.git");
    let folder = hub.strip_suffix("/hub.git").expect("a folder");
    for (configuration, address) in [
        (format!("[url \"{folder}/\"]\ninsteadOf = gh:\n"), "gh:hub.git"),
        (format!("[url \"file://{hub}\"]\ninsteadOf = https://host/hub\n"), "https://host/hub"),
        (format!("[url \"{hub}\"]\npushInsteadOf = {plain}\n"), plain.as_str()),
        (format!("[url \"{hub}\"]\npushInsteadOf = plain.git\n"), "plain.git"),
    ] {
        place.write("HOME/config", &configuration);
        let err = publish(&place, address, &[]).fails(2);
        assert!(err.contains("is a folder with hooks (post-receive)"), "{address}: {err}");
        assert!(!place.path("ran").exists(), "{address}");
    }
    publish(&place, "plain.git", &["--run-hooks"]).fine();
    assert!(place.path("ran").exists());
    assert_ne!(place.git(&["--git-dir", "hub.git", "for-each-ref"]), "");
    assert_eq!(place.git(&["--git-dir", "plain.git", "for-each-ref"]), "");
    // One that is rewritten, and once more as a path.
    place
        .write("HOME/config", &format!("[url \"{folder}/\"]\ninsteadOf = gh:\n[url \"{hub}\"]\ninsteadOf = {plain}\n"));
    let err = publish(&place, "gh:plain.git", &[]).fails(2);
    assert!(err.contains("your git configuration (`insteadOf`) rewrites the address to"), "{err}");
}

#[test]
fn hooks_behind_a_file_a_worktree_an_escape_or_an_included_setting_are_told() {
    let place = project();
    bare(&place, "hub.git");
    hook(&place, "hub.git");
    place.git(&["init", "-q", "-b", "main", "--separate-git-dir", "apart", "file"]);
    hook(&place, "apart");
    place.git(&["init", "-q", "-b", "main", "checkout"]);
    let checkout = ["-C", "checkout"];
    place.git(&[&checkout[..], &["commit", "-q", "--allow-empty", "-m", "x"]].concat());
    place.git(&[&checkout[..], &["worktree", "add", "-q", "../linked"]].concat());
    hook(&place, "checkout/.git");
    std::os::unix::fs::symlink("hub.git", place.path("link")).expect("a link");
    let folder = place.path(".").canonicalize().expect("a folder").display().to_string();
    let escaped = format!("file://{folder}/hub%2Egit");
    for address in ["file", "file/.git", "linked", "checkout", "checkout/.git", "link", &escaped] {
        let err = publish(&place, address, &["--branch", "packs"]).fails(2);
        assert!(err.contains("is a folder with hooks (post-receive)"), "{address}: {err}");
    }
    bare(&place, "included.git");
    place.write("included.git/more", &format!("[core]\nhooksPath = {folder}/hub.git/hooks\n"));
    place.git(&["--git-dir", "included.git", "config", "include.path", "more"]);
    assert!(publish(&place, "included.git", &[]).fails(2).contains("is a folder with hooks (core.hooksPath)"));
    assert!(!place.path("ran").exists());
    publish(&place, "linked", &["--branch", "packs", "--run-hooks"]).fine();
    assert!(place.path("ran").exists());
}

#[test]
fn an_address_of_another_machine_is_no_folder_of_that_name() {
    let place = project();
    let other = ["git@host.invalid:acme", "host.invalid:acme.git", "https:/host.invalid/acme", "a:b"];
    for address in other {
        bare(&place, address);
        publish(&place, &format!("./{address}"), &[]).fine();
    }
    place.edit("rules/packed.det", "level medium", "level high");
    run(&place, &["pack", "--bump"]).fine();
    for address in other {
        publish(&place, address, &[]).fails(2);
        assert!(place.path("HOME/connected").exists(), "{address}: git asks the other machine");
        run(&place, &["fetch-pack", "--repo", address, "--out", "got"]).fails(2);
        let heads = place.git(&["--git-dir", address, "rev-list", "--count", "main"]);
        assert_eq!((heads.as_str(), place.path("got").exists()), ("1", false), "{address}");
        fs::remove_file(place.path("HOME/connected")).expect("removed");
    }
    let whole = place.path("a:b").display().to_string();
    for address in [whole.as_str(), &format!("file://{whole}")] {
        run(&place, &["fetch-pack", "--repo", address, "--out", "got"]).fine();
    }
}

#[test]
fn a_pipe_or_a_device_in_a_repository_of_packs_is_told_at_once() {
    let place = project();
    bare(&place, "hub.git");
    publish(&place, "hub.git", &[]).fine();
    place.git(&["--git-dir", "hub.git", "pack-refs", "--all"]);
    let zero = Path::new("/dev/zero");
    for file in [
        "HEAD",
        "config",
        "packed-refs",
        "shallow",
        "info/grafts",
        "objects/info/alternates",
        "refs/heads/zz",
        "refs/tags/a/b",
    ] {
        let path = place.path("hub.git").join(file);
        let kept = fs::read(&path).ok();
        for device in [false, true] {
            let _ = fs::remove_file(&path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            match device {
                true => std::os::unix::fs::symlink(zero, &path).expect("a link"),
                false => assert!(Command::new("mkfifo").arg(&path).status().expect("mkfifo").success()),
            }
            let begun = Instant::now();
            for command in [&["publish", "--allow-dirty"][..], &["fetch-pack", "--out", "got"]] {
                let err = run(&place, &[command, &["--repo", "hub.git"]].concat()).fails(2);
                assert!(err.contains("contains a pipe or a device") && err.contains(file), "{file}: {err}");
            }
            assert!(begun.elapsed() < Duration::from_secs(20), "{file}");
        }
        let _ = fs::remove_file(&path);
        kept.iter().for_each(|bytes| fs::write(&path, bytes).expect("written"));
    }
    run(&place, &["fetch-pack", "--repo", "hub.git", "--out", "got"]).fine();
}
