//! No command starts a program that a repository's configuration, attributes or hooks name.

use crate::keys::{KEYS, Key, PARTS, UNLISTED, WORDS};
use crate::place::{Place, git_in};
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

/// The hooks that `githooks` documents.
const HOOKS: [&str; 24] = [
    "pre-receive",
    "update",
    "proc-receive",
    "post-receive",
    "post-update",
    "applypatch-msg",
    "pre-applypatch",
    "post-applypatch",
    "pre-commit",
    "pre-merge-commit",
    "prepare-commit-msg",
    "commit-msg",
    "post-commit",
    "pre-rebase",
    "post-checkout",
    "post-merge",
    "pre-push",
    "reference-transaction",
    "push-to-checkout",
    "pre-auto-gc",
    "post-rewrite",
    "sendemail-validate",
    "fsmonitor-watchman",
    "post-index-change",
];

/// A program that leaves a trace with its name.
fn tracer(place: &Place, name: &str) -> String {
    let file: String = name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' }).collect();
    let path = place.path(&format!("programs/{file}"));
    let traces = place.path("traces");
    place.write(
        &format!("programs/{file}"),
        &format!("#!/bin/sh\nmkdir -p {0}; echo \"$@\" >> {0}/{file}\n", traces.display()),
    );
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a mode");
    path.display().to_string()
}

/// The traces that were left.
fn traces(place: &Place) -> BTreeSet<String> {
    let entries = fs::read_dir(place.path("traces")).into_iter().flatten();
    entries.map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
}

/// Plants every key that can start something into a repository, and hooks.
fn plant(place: &Place, folder: &Path, hooks: &[&str]) {
    let git_folder = if folder.join(".git").exists() { folder.join(".git") } else { folder.to_path_buf() };
    place.write("included", &format!("[core]\n\tfsmonitor = {}\n", tracer(place, "included")));
    for hook in hooks {
        tracer(place, &format!("hook-{hook}"));
        let path = git_folder.join("hooks").join(hook);
        fs::create_dir_all(git_folder.join("hooks")).expect("a folder");
        fs::copy(place.path(&format!("programs/hook-{hook}")), &path).expect("copied");
    }
    let mut lines = String::new();
    for (key, class) in KEYS {
        let (Key::Starts(value) | Key::Lets(value)) = class else { continue };
        let trace = tracer(place, key);
        let filled = |text: &str| {
            PARTS.iter().fold(text.to_owned(), |text, (part, by)| text.replace(part, by)).replace("TRACE", &trace)
        };
        let name = if *key == "protocol.<name>.allow" {
            "protocol.ext.allow".to_owned()
        } else {
            filled(&key.replace("<keyAlias>", "evil"))
        };
        let value = filled(value).replace("HOOKS", &git_folder.join("hooks").display().to_string());
        let value = value.replace("INCLUDED", &place.path("included").display().to_string());
        let (section, rest) = name.split_once('.').expect("a section");
        let section = match rest.rsplit_once('.') {
            Some((inner, _)) => format!("[{section} \"{inner}\"]"),
            None => format!("[{section}]"),
        };
        let variable = rest.rsplit('.').next().expect("a variable");
        lines.push_str(&format!("{section}\n\t{variable} = \"{value}\"\n"));
    }
    let config = git_folder.join("config");
    let before = fs::read_to_string(&config).expect("a configuration");
    fs::write(config, before + &lines).expect("written");
    fs::create_dir_all(git_folder.join("info")).expect("a folder");
    fs::write(git_folder.join("info/attributes"), "* filter=evil diff=evil merge=evil\n").expect("written");
}

/// A commit with a signature, which `log.showSignature` has checked.
fn sign(place: &Place) {
    let commit = place.git(&["cat-file", "commit", "HEAD"]);
    let (head, message) = commit.split_once("\n\n").expect("a message");
    let signature = "gpgsig -----BEGIN PGP SIGNATURE-----\n \n abcd\n -----END PGP SIGNATURE-----";
    place.write("commit", &format!("{head}\n{signature}\n\n{message}\n"));
    let object = place.git(&["hash-object", "-w", "-t", "commit", "commit"]);
    place.remove("commit");
    place.git(&["update-ref", "HEAD", &object]);
}

#[test]
fn every_key_that_sounds_as_if_it_started_something_is_known() {
    let output = Command::new("git").args(["help", "--config"]).output().expect("git");
    let listed = String::from_utf8(output.stdout).expect("UTF-8");
    let keys: BTreeSet<&str> = listed.lines().map(str::trim).filter(|line| line.contains('.')).collect();
    assert!(keys.len() > 500, "git lists its keys: {}", keys.len());
    let sounds = |key: &&&str| WORDS.iter().any(|word| key.to_ascii_lowercase().contains(word));
    let known: BTreeSet<String> = KEYS.iter().map(|(key, _)| key.to_ascii_lowercase()).collect();
    let unknown: Vec<_> = keys.iter().filter(sounds).filter(|key| !known.contains(&key.to_ascii_lowercase())).collect();
    assert!(unknown.is_empty(), "say in keys.rs what these can start: {unknown:?}");
    assert!(UNLISTED.iter().all(|key| known.contains(&key.to_ascii_lowercase())));
}

/// A committed project with a reason to ask for the day, in a repository with every trap, beside a repository of packs.
fn trapped() -> Place {
    let place = Place::project();
    place.edit(
        "rules/shared.det",
        "  license",
        "  except \"a\" because \"b\" until 2027-01-01 where user.name is \"c\"\n  license",
    );
    place.write(".gitignore", "programs/\ntraces/\nincluded\nrepo.git/\nout/\ndist/\ngot/\nHOME/\n");
    place.write(".gitattributes", "* filter=evil diff=evil merge=evil\n");
    place.run(&["pack", "--bump"]).fine();
    place.git(&["init", "-q", "-b", "main"]);
    place.git(&["init", "-q", "--bare", "-b", "main", "repo.git"]);
    place.commit();
    sign(&place);
    plant(&place, &place.path("."), &HOOKS);
    place
}

#[test]
fn no_command_starts_what_a_repositorys_configuration_names() {
    let place = trapped();
    for command in [
        &["check", "--locked"][..],
        &["build", "--out", "out"],
        &["diff"],
        &["diff", "--against", "HEAD"],
        &["pack"],
        &["verify", "dist"],
        &["test"],
        &["fmt", "--check"],
        &["publish", "--repo", "repo.git", "--tag"],
        &["fetch-pack", "--repo", "repo.git", "--out", "got"],
    ] {
        let ran = place.run(command);
        assert_eq!(traces(&place), BTreeSet::new(), "{command:?}");
        // The sources are not in the canonical layout.
        assert_eq!(ran.code, i32::from(command[0] == "fmt"), "{command:?} {}{}", ran.out, ran.err);
    }
    assert!(place.run(&["diff"]).err.contains("against HEAD: 0 added, 0 changed, 0 removed"), "the commit was read");
}

#[test]
fn the_traps_do_spring() {
    let place = trapped();
    place.edit("rules/shared.det", "level low", "level high");
    for arguments in [
        &["update-ref", "refs/heads/other", "HEAD"][..],
        &["log", "-1"],
        &["status"],
        &["checkout", "HEAD", "--", "rules"],
        &["fetch", "origin"],
    ] {
        let mut command = Command::new("git");
        command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
        let _ = command.args(arguments).current_dir(place.path(".")).output().expect("git");
    }
    let sprung = traces(&place);
    for key in ["included", "gpg.program", "filter.-driver-.process", "remote.-name-.url", "hook-reference-transaction"]
    {
        assert!(sprung.contains(key), "{key}: {sprung:?}");
    }
}

#[test]
fn a_repository_of_packs_with_traps_is_read_and_published_to_without_starting_them() {
    let place = Place::locked();
    place.git(&["init", "-q", "--bare", "-b", "main", "repo.git"]);
    place.run(&["publish", "--repo", "repo.git", "--allow-dirty"]).fine();
    plant(&place, &place.path("repo.git"), &["pre-push"]);
    let alternate = place.path("alternate.git");
    place.git(&["init", "-q", "--bare", "alternate.git"]);
    fs::write(place.path("repo.git/objects/info/alternates"), format!("{}\n", alternate.join("objects").display()))
        .expect("written");
    for repository in ["repo.git".to_owned(), format!("file://{}", place.path("repo.git").display())] {
        place.run(&["fetch-pack", "--repo", &repository, "--out", "got"]).fine();
    }
    place.edit("rules/packed.det", "level medium", "level high");
    place.run(&["pack", "--bump"]).fine();
    let publish = ["publish", "--repo", "repo.git", "--allow-dirty", "--tag"];
    let err = place.run(&publish).fails(2);
    assert!(err.contains("repo.git is a folder with hooks (core.hooksPath), which would run as you"), "{err}");
    assert_eq!(traces(&place), BTreeSet::new());
    // So do settings that its own include.
    let config = place.read("repo.git/config");
    place.write("repo.git/more", &config);
    place.write("repo.git/config", "[core]\nrepositoryformatversion = 0\nbare = true\n[include]\npath = more\n");
    assert!(place.run(&publish).fails(2).contains("with hooks (core.hooksPath)"));
    assert_eq!(traces(&place), BTreeSet::new());
    // Without it nothing is told, and the others start nothing either.
    assert!(config.contains("hooksPath"));
    place.write("repo.git/more", &config.replace("hooksPath", "harmless"));
    place.run(&publish).fine();
    assert_eq!(traces(&place), BTreeSet::new());
}

#[test]
fn hooks_of_a_repository_that_is_a_folder_here_run_only_if_the_user_says_so() {
    for hook in ["pre-receive", "update", "reference-transaction", "post-receive", "post-update"] {
        let place = Place::locked();
        place.git(&["init", "-q", "--bare", "-b", "main", "repo.git"]);
        let path = place.path("repo.git/hooks").join(hook);
        fs::create_dir_all(place.path("repo.git/hooks")).expect("a folder");
        tracer(&place, hook);
        fs::copy(place.path(&format!("programs/{hook}")), &path).expect("copied");
        for address in ["repo.git".to_owned(), format!("file://{}", place.path("repo.git").display())] {
            let err = place.run(&["publish", "--repo", &address, "--allow-dirty"]).fails(2);
            assert!(err.contains(&format!("is a folder with hooks ({hook})")), "{err}");
        }
        assert_eq!(traces(&place), BTreeSet::new(), "{hook}");
        place.run(&["publish", "--repo", "repo.git", "--allow-dirty", "--run-hooks"]).fine();
        assert_eq!(traces(&place), BTreeSet::from([hook.to_owned()]));
    }
}

#[test]
fn objects_that_a_partial_clone_lacks_are_not_fetched() {
    let place = Place::locked();
    place.git(&["init", "-q", "-b", "main"]);
    place.commit();
    place.git(&["config", "uploadpack.allowFilter", "true"]);
    let url = format!("file://{}", place.path(".").display());
    place.git(&["clone", "-q", "--no-checkout", "--filter=blob:none", &url, "partial"]);
    let partial = place.path("partial");
    for name in ["arcanary.yaml", "pack.lock", "rules/utilities.det", "rules/packed.det", "rules/shared.det"] {
        place.write(&format!("partial/{name}"), &place.read(name));
    }
    let trace = tracer(&place, "fetched");
    for (key, value) in [("url", "ext::TRACE %S"), ("uploadpack", "TRACE")] {
        git_in(&partial, &["config", &format!("remote.origin.{key}"), &value.replace("TRACE", &trace)]);
    }
    git_in(&partial, &["config", "protocol.ext.allow", "always"]);
    let ran = crate::place::run_in(&partial, &["diff"]);
    assert_eq!((ran.code, traces(&place)), (2, BTreeSet::new()), "{}{}", ran.out, ran.err);
    let _ = Command::new("git").args(["cat-file", "-p", "HEAD:arcanary.yaml"]).current_dir(&partial).output();
    assert_eq!(traces(&place), BTreeSet::from(["fetched".to_owned()]), "git alone fetches them");
}

#[test]
fn a_bare_repository_inside_a_project_is_none_of_its_own() {
    let place = Place::project();
    place.git(&["init", "-q", "--bare", "-b", "main", "."]);
    plant(&place, &place.path("."), &HOOKS);
    let ran = place.run(&["diff"]);
    assert_eq!(traces(&place), BTreeSet::new());
    assert!(ran.fails(2).contains("cannot use bare repository"));
}

#[test]
fn addresses_that_run_a_program_are_refused_unless_the_user_allows_them() {
    let place = Place::locked();
    let trace = tracer(&place, "ext");
    for command in [&["publish", "--allow-dirty"][..], &["fetch-pack", "--out", "got"]] {
        let ran = place.run(&[command, &["--repo", &format!("ext::{trace} %S")]].concat());
        assert!(ran.fails(2).contains("transport 'ext' not allowed"));
    }
    assert_eq!(traces(&place), BTreeSet::new());
}

#[test]
fn a_submodule_is_compared_by_its_own_commit() {
    let place = Place::locked();
    place.git(&["init", "-q", "inner"]);
    place.write("inner/third.det", "// A file of another repository.\n");
    git_in(&place.path("inner"), &["add", "-A"]);
    git_in(&place.path("inner"), &["commit", "-qm", "a commit"]);
    place.git(&["init", "-q", "-b", "main"]);
    place.git(&["init", "-q", "--bare", "-b", "main", "repo.git"]);
    place.write(".gitignore", "repo.git\n");
    place.edit("arcanary.yaml", "[rules]", "[rules, inner]");
    place.run(&["pack", "--bump"]).fine();
    place.commit();
    place.run(&["publish", "--repo", "repo.git", "--dry-run"]).fine();
    place.write("inner/third.det", "// Edited.\n");
    let err = place.run(&["publish", "--repo", "repo.git", "--dry-run"]).fails(2);
    assert!(err.contains("error: inner/third.det has changes that are not committed\n"), "{err}");
}
