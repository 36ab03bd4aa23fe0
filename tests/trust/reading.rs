//! What is read: plain files, each folder once, up to limits that are told; and what goes into a release.

use crate::place::{PACKED, Place, Ran, UTILITIES, run_in};
use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::process::Command;
use std::time::{Duration, Instant};

fn fifo(place: &Place, name: &str) {
    fs::create_dir_all(place.path(name).parent().expect("a parent")).expect("a folder");
    assert!(Command::new("mkfifo").arg(place.path(name)).status().expect("mkfifo").success());
}

/// A command that must not hang.
fn soon(place: &Place, arguments: &[&str]) -> Ran {
    let begin = Instant::now();
    let ran = place.run(arguments);
    assert!(begin.elapsed() < Duration::from_secs(20), "{arguments:?} took {:?}", begin.elapsed());
    ran
}

const READERS: [&[&str]; 5] =
    [&["check", "."], &["build", "--out", "out"], &["test"], &["fmt", "--check", "."], &["pack", "--out", "dist"]];

#[test]
fn pipes_devices_and_sockets_among_the_sources_are_findings() {
    for kind in ["pipe", "socket", "zeros", "sources", "named"] {
        let place = Place::locked();
        match kind {
            "pipe" => fifo(&place, "rules/x.det"),
            "sources" | "named" => fifo(&place, "pipe"),
            _ => {}
        }
        let _socket = (kind == "socket").then(|| UnixListener::bind(place.path("rules/x.det")).expect("a socket"));
        if kind == "zeros" {
            symlink("/dev/zero", place.path("rules/x.det")).expect("a link");
        }
        if kind == "sources" {
            place.edit("arcanary.yaml", "[rules]", "[rules, pipe]");
        }
        for command in READERS {
            let named = [&command[..1], &["./pipe"]].concat();
            let command = if kind == "named" { named } else { command.to_vec() };
            // A file that is no source's by its name is passed over where its folder is named.
            if (kind, command[0]) == ("sources", "fmt") {
                continue;
            }
            // A named path of `pack` is a whole project.
            let err = soon(&place, &command).fails(2);
            assert!(err.contains("E0004") && err.contains("not a plain file"), "{kind} {command:?}: {err}");
        }
    }
}

#[test]
fn pipes_in_the_place_of_other_files_of_a_project_are_told() {
    for (name, more) in [
        ("pack.lock", ""),
        ("targets/own.yaml", ""),
        ("up/.arcanary-pack.json", "packs: [up]\n"),
        ("up/arcanary.yaml", "packs: [up]\n"),
    ] {
        let place = Place::project();
        let config = place.read("arcanary.yaml");
        place.write("arcanary.yaml", &(config + more));
        if name == "up/arcanary.yaml" {
            place.write("up/.arcanary-pack.json", "{\"pack\": \"x\", \"version\": \"0.1.0\", \"files\": {}}");
        }
        fifo(&place, name);
        for command in READERS.iter().filter(|command| command[0] != "fmt") {
            soon(&place, command).fails(2);
        }
    }
    let place = Place::project();
    place.edit("rules/packed.det", "  test \"none\"", "  test \"r\" fires recorded 'r.json' as ecs\n  test \"none\"");
    fifo(&place, "r.json");
    let ran = soon(&place, &["test"]);
    assert!(ran.err.contains("no plain file") || ran.err.contains("E01"), "{}", ran.err);
}

#[test]
fn a_link_out_of_the_project_is_told_and_not_followed() {
    let place = Place::project();
    let elsewhere = Place::empty();
    elsewhere.write("secret", "-----BEGIN PRIVATE KEY-----\n");
    elsewhere.write("folder/third.det", UTILITIES);
    symlink(elsewhere.path("secret"), place.path("rules/x.det")).expect("a link");
    for command in READERS {
        let err = soon(&place, command).fails(2);
        assert!(
            err.contains("E0004") && err.contains("is a link to a place outside of the project"),
            "{command:?} {err}"
        );
        assert!(!err.contains("PRIVATE"), "{err}");
    }
    place.remove("rules/x.det");
    for to in [elsewhere.path("folder"), "/".into(), "../..".into()] {
        symlink(to, place.path("rules/linked")).expect("a link");
        let ran = soon(&place, &["check"]);
        assert!(ran.code == 0 && ran.err.contains("warning[W0005]"), "{}", ran.err);
        assert!(ran.err.contains("2 rules for 2 targets: no errors"), "{}", ran.err);
        place.remove("rules/linked");
    }
}

#[test]
fn folders_are_read_once_in_linear_time_and_too_many_of_them_are_told() {
    let place = Place::project();
    // Deeper than what one call of the system takes.
    let script = "cd rules && for i in $(seq 1500); do mkdir d && cd d || exit 1; done";
    let status = Command::new("sh").args(["-c", script]).current_dir(place.path(".")).status().expect("sh");
    assert!(status.success());
    for command in READERS {
        let err = soon(&place, command).fails(2);
        assert!(err.contains("E0004") && err.contains("more than 64 folders deep"), "{command:?}: {err}");
    }
    let place = Place::project();
    let sources = vec!["rules"; 2000].join(", ");
    place.edit("arcanary.yaml", "[rules]", &format!("[{sources}]"));
    assert!(soon(&place, &["check"]).err.contains("2 rules for 2 targets: no errors"));
    for folder in 0..200 {
        for link in 0..20 {
            fs::create_dir_all(place.path(&format!("rules/{folder}"))).expect("a folder");
            symlink("..", place.path(&format!("rules/{folder}/{link}"))).expect("a link");
        }
    }
    assert!(soon(&place, &["check"]).err.contains("2 rules for 2 targets: no errors"));
}

#[test]
fn a_source_around_the_project_is_refused_and_not_walked_through() {
    for around in ["/", "..", "../..", "rules/../..", "root", "above"] {
        let place = Place::empty();
        for (name, text) in [("utilities", UTILITIES), ("packed", PACKED)] {
            place.write(&format!("a/p/rules/{name}.det"), text);
        }
        symlink("/", place.path("a/p/root")).expect("a link");
        symlink("..", place.path("a/p/above")).expect("a link");
        let config = format!("name: p\nversion: 0.1.0\nsources: [rules, {around}]\ntargets: [sigma]\n");
        place.write("a/p/arcanary.yaml", &config);
        for command in ["check", "build", "test", "pack"] {
            let begin = Instant::now();
            let err = run_in(&place.path("a/p"), &[command]).fails(2);
            assert!(begin.elapsed() < Duration::from_secs(20), "{command} took {:?}", begin.elapsed());
            assert!(err.contains(&format!("error[E0803]: `{around}` contains the project's folder")), "{err}");
            assert!(err.contains("arcanary.yaml:3:18"), "{err}");
        }
    }
    // A folder beside the project's, and the project's own, are meant.
    let place = Place::project();
    place.write("beside/arcanary.yaml", "name: q\nversion: 0.1.0\nsources: [., ../rules]\ntargets: [sigma]\n");
    assert!(run_in(&place.path("beside"), &["check"]).err.contains("2 rules for 1 target: no errors"));
}

#[test]
fn a_folder_of_targets_that_cannot_be_read_is_told() {
    for (name, more) in [("targets", ""), ("own", "target_files: own\n")] {
        let place = Place::locked();
        let config = place.read("arcanary.yaml");
        place.write("arcanary.yaml", &(config + more));
        // A file stands where the folder should: this fails for every user, root too.
        place.write(name, "");
        for command in ["check", "build", "test", "pack"] {
            let err = place.run(&[command]).fails(2);
            assert!(err.contains("error[E0004]") && err.contains(name), "{command}: {err}");
        }
        assert!(!place.path("dist").exists() && !place.path("build").exists());
    }
}

#[test]
fn a_pack_holds_no_file_that_a_link_leads_to() {
    let secret = Place::empty();
    secret.write("key", "hunter22");
    let refused = |place: &Place, says: &str| {
        let err = soon(place, &["pack", "--out", "dist"]).fails(2);
        assert!(err.contains("cannot make the release: ") && err.contains(says), "{err}");
        assert!(!place.path("dist").exists());
    };
    for name in ["LICENSE", "NOTICE.txt", "README.md"] {
        let place = Place::locked();
        symlink(secret.path("key"), place.path(name)).expect("a link");
        refused(&place, &format!("{name}: it is a link"));
        place.remove(name);
        symlink("nowhere", place.path(name)).expect("a link");
        refused(&place, &format!("{name}: it is a link"));
        place.remove(name);
        fifo(&place, name);
        refused(&place, "no plain file");
        place.remove(name);
        symlink("/dev/zero", place.path(name)).expect("a link");
        refused(&place, &format!("{name}: it is a link"));
    }
    // A source, and a source in a folder, behind links inside the project, which a check follows.
    let place = Place::locked();
    place.write("shared/more.det", "// nothing\n");
    symlink("../shared/more.det", place.path("rules/more.det")).expect("a link");
    place.run(&["check"]).fine();
    refused(&place, "rules/more.det: it is a link");
    place.remove("rules/more.det");
    symlink("../shared", place.path("rules/more")).expect("a link");
    place.run(&["check"]).fine();
    refused(&place, "rules/more: it is a link");
    place.remove("rules/more");
    fs::rename(place.path("rules"), place.path("real")).expect("moved");
    symlink("real", place.path("rules")).expect("a link");
    refused(&place, "rules: it is a link");
    for name in ["arcanary.yaml", "pack.lock"] {
        let place = Place::locked();
        fs::create_dir(place.path("more")).expect("a folder");
        fs::rename(place.path(name), place.path(&format!("more/{name}"))).expect("moved");
        symlink(format!("more/{name}"), place.path(name)).expect("a link");
        refused(&place, &format!("{name}: it is a link"));
    }
}

#[test]
fn archives_that_unpack_to_gigabytes_are_refused_before_they_do() {
    use arcanary::pack::archive::{Budget, tar_gz};
    let place = Place::locked();
    place.run(&["pack"]).fine();
    let big = arcanary::pack::archive::Files::from([("a".to_owned(), vec![0; 200 << 20])]);
    let budget = Budget::default();
    assert!(budget.take(&big).is_ok() && budget.take(&big).is_err(), "two of them are too much together");
    let bomb = tar_gz("acme-0.1.0-sigma", &big).expect("an archive");
    assert!(bomb.len() < 1 << 20);
    for target in ["sigma", "sentinel"] {
        fs::write(place.path(&format!("dist/acme-0.1.0-{target}.tar.gz")), &bomb).expect("written");
    }
    let mut manifest: serde_json::Value = serde_json::from_str(&place.read("dist/manifest.json")).expect("JSON");
    for target in ["sigma", "sentinel"] {
        let name = format!("acme-0.1.0-{target}.tar.gz");
        manifest["checksums"][&name] = format!("sha256:{}", arcanary::hash::hex(&bomb)).into();
        manifest["archives"][&name]["folder"] = "acme-0.1.0-sigma".into();
    }
    place.write("dist/manifest.json", &manifest.to_string());
    let sums: String = arcanary::files::files_in(&place.path("dist"))
        .expect("files")
        .into_iter()
        .filter(|name| name != "SHA256SUMS")
        .map(|name| {
            format!("{}  {name}\n", arcanary::hash::hex(&fs::read(place.path(&format!("dist/{name}"))).expect("read")))
        })
        .collect();
    place.write("dist/SHA256SUMS", &sums);
    let err = place.run(&["verify", "dist"]).fails(1);
    assert!(err.contains("a release holds at most 268435456 bytes, all archives unpacked"), "{err}");
    // Files that are too large as they lie there are not read either.
    fs::File::create(place.path("dist/big")).expect("a file").set_len(1 << 40).expect("a sparse file");
    let err = soon(&place, &["verify", "dist"]).fails(1);
    assert!(err.contains("big: a release holds at most 268435456 bytes"), "{err}");
}
