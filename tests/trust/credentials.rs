//! Credentials in the address of a repository are git's alone.

use crate::place::Place;
use std::fs;

/// A secret in every form in which an address can hold one; nothing listens there.
const ADDRESSES: [&str; 9] = [
    "https://user:hunter22@localhost:1/x.git",
    "https://hunter22@localhost:1/x.git",
    "https://user:p%40hunter22@localhost:1/x.git",
    "https://user:p@hunter22@localhost:1/x.git",
    "https://user:p/hunter22@localhost:1/x.git",
    "https://localhost:1/x.git?private_token=hunter22",
    "http://user:hunter22@localhost:1/x.git",
    "ssh://git:hunter22@localhost:1/x.git",
    "git:hunter22@localhost:x.git",
];

#[test]
fn no_message_of_a_command_holds_them() {
    let place = Place::locked();
    for address in ADDRESSES {
        for command in [
            &["publish", "--allow-dirty", "--repo"][..],
            &["fetch-pack", "--out", "got", "--repo"],
            &["publish"],
            &["diff", "--against"],
            &["check"],
            &["verify"],
            &["fmt"],
        ] {
            // Only a repository's address may be without a scheme.
            if !address.contains("://") && !command.contains(&"--repo") {
                continue;
            }
            let ran = place.run(&[command, &[address]].concat());
            assert_eq!(ran.code, 2, "{command:?} {address}");
            let said = format!("{}{}", ran.out, ran.err);
            assert!(!said.contains("hunter22") && !said.is_empty(), "{command:?} {address}: {said}");
        }
    }
}

#[test]
fn what_is_published_and_fetched_does_not_hold_them() {
    let place = Place::locked();
    place.git(&["init", "-q", "--bare", "-b", "main", "repo.git"]);
    // The user's own configuration leads the address to a folder.
    let config =
        format!("[url \"{}\"]\n\tinsteadOf = https://user:hunter22@host/repo.git\n", place.path("repo.git").display());
    place.write("home/config", &config);
    let run = |arguments: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_arcanary"));
        for who in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{who}_NAME"), "A").env(format!("GIT_{who}_EMAIL"), "a@b");
        }
        command.env("GIT_CONFIG_GLOBAL", place.path("home/config")).env("GIT_CONFIG_NOSYSTEM", "1");
        let output = command.args(arguments).current_dir(place.path(".")).output().expect("started");
        let said = [output.stdout, output.stderr].concat();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&said));
        String::from_utf8(said).expect("UTF-8")
    };
    let address = "https://user:hunter22@host/repo.git";
    let said = run(&["publish", "--allow-dirty", "--tag", "--repo", address]);
    assert!(said.starts_with("https://host/repo.git: 0.1.0 on main"), "{said}");
    let said = said + &run(&["fetch-pack", "--repo", address, "--out", "got"]);
    let said = said + &run(&["fetch-pack", "--repo", address, "--out", "sources", "--sources"]);
    assert!(!said.contains("hunter22"), "{said}");
    let mut stored = place.git(&["-C", "repo.git", "log", "--all", "--format=fuller", "-p"]);
    stored += &place.git(&["-C", "repo.git", "cat-file", "tag", "v0.1.0"]);
    for folder in ["got", "sources"] {
        for name in arcanary::files::files_in(&place.path(folder)).expect("files") {
            stored += &String::from_utf8_lossy(&fs::read(place.path(folder).join(name)).expect("read"));
        }
    }
    assert!(!stored.contains("hunter22") && stored.contains("acme 0.1.0"));
}

#[test]
fn a_project_or_target_file_with_credentials_is_refused_and_not_shown() {
    let place = Place::project();
    let before = place.read("arcanary.yaml");
    for line in [
        "out: https://user:hunter22@host/x",
        "packs: [\"https://hunter22@host/x\"]",
        "defaults: { author: 'see ssh://a:hunter22@host' }",
        "# https://user:p@hunter22@host",
        "params: { a: 'https://h/?access_token=hunter22' }",
    ] {
        place.write("arcanary.yaml", &format!("{before}{line}\n"));
        for format in ["text", "json", "sarif", "github", "junit"] {
            for command in [&["check"][..], &["build", "--out", "out"], &["pack"], &["publish", "--repo", "x"]] {
                let ran = place.run(&[command, &["--format", format]].concat());
                let said = format!("{}{}", ran.out, ran.err);
                assert!(
                    !said.contains("hunter22") && said.contains("contains credentials in a URL"),
                    "{command:?} {said}"
                );
                assert_eq!(ran.code, 2);
            }
        }
    }
    place.write("arcanary.yaml", &before);
    place.write("targets/own.yaml", "title: https://user:hunter22@host\n");
    let err = place.run(&["check"]).fails(2);
    assert!(
        err.contains("E0801") && err.contains("`targets/own.yaml` contains credentials") && !err.contains("hunter22")
    );
}
