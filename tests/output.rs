//! What `build` writes and removes: its own files as it wrote them, in its own folder, and nothing else.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "packs/place.rs"]
#[allow(dead_code, reason = "the tests of packs use all of it")]
mod place;

use arcanary::files::Lock;
use arcanary::hash;
use place::{PACKED, Place, SHARED, UTILITIES, run_in};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const MANIFEST: &str = "build/manifest.json";

/// A project that was built.
fn built() -> Place {
    let place = Place::project();
    place.write(
        "arcanary.yaml",
        "name: acme\nversion: 0.1.0\nsources: [rules]\ntargets: [sentinel, sigma]\ndocuments: [query]\nout: build\n",
    );
    place.run(&["build"]).fine();
    place
}

/// Every file and link below a folder, with what it holds.
fn all(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut out = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type().expect("a kind").is_dir() {
            out.extend(all(&entry.path()).into_iter().map(|(path, bytes)| (format!("{name}/{path}"), bytes)));
        } else if entry.path().is_symlink() {
            out.insert(name, fs::read_link(entry.path()).expect("a link").as_os_str().as_encoded_bytes().to_vec());
        } else {
            out.insert(name, fs::read(entry.path()).expect("a file"));
        }
    }
    out
}

/// The manifest of the build, changed.
fn with_manifest(place: &Place, change: impl FnOnce(&mut Value)) {
    let mut manifest: Value = serde_json::from_str(&place.read(MANIFEST)).expect("JSON");
    change(&mut manifest);
    place.write(MANIFEST, &(serde_json::to_string_pretty(&manifest).expect("JSON") + "\n"));
}

/// A build is refused with this code, and nothing in the project's folder changes.
#[track_caller]
fn refused(place: &Place, arguments: &[&str], code: &str, says: &str) {
    let before = all(&place.path(""));
    let err = place.run(arguments).fails(2);
    assert!(err.contains(code) && err.contains(says), "{arguments:?}: {err}");
    assert_eq!(all(&place.path("")), before, "{arguments:?}");
}

// ---- what is its own ----

#[test]
fn a_generated_file_that_was_edited_is_kept_until_it_is_removed_or_force_is_given() {
    let place = built();
    place.write("build/sigma/packed.yml", "my own version");
    place.edit("rules/shared.det", "level low", "level high");
    let says = "sigma/packed.yml: it was edited since it was built, and would be overwritten";
    refused(&place, &["build"], "error[E0812]", says);
    refused(&place, &["build", "--target", "sigma"], "error[E0812]", "nothing was written");
    let check = place.run(&["build", "--check"]);
    assert!(check.code == 1 && check.out.contains("-my own version"), "{}", check.out);
    place.run(&["build", "--force"]).fine();
    assert!(place.read("build/sigma/packed.yml").starts_with("title: "));
    place.write("build/sigma/packed.yml", "my own version");
    place.remove("build/sigma/packed.yml");
    place.run(&["build"]).fine();
    assert!(place.read("build/sigma/packed.yml").starts_with("title: "));
}

#[test]
fn the_build_of_another_project_is_not_replaced() {
    let place = built();
    let elsewhere = tempfile::tempdir().expect("a folder");
    let out = elsewhere.path().join("build");
    let build = ["build", "--out", &out.display().to_string()];
    place.run(&build).fine();
    let before = all(&out);
    place.edit("arcanary.yaml", "name: acme", "name: other");
    place.remove("rules/shared.det");
    let err = place.run(&build).fails(2);
    assert!(err.contains("error[E0812]") && err.contains("contains the build of another project, `acme`"), "{err}");
    assert_eq!(all(&out), before);
    // The project's own folder, and what somebody says is the same project.
    place.run(&["build"]).fine();
    place.run(&[&build[..], &["--force"]].concat()).fine();
    assert!(!out.join("sigma/shared.yml").exists() && !place.path("build/sigma/shared.yml").exists());
}

#[test]
fn a_document_of_a_rule_that_is_gone_is_removed_only_as_it_was_written() {
    let place = built();
    place.write("build/sigma/shared.yml", "my own version");
    place.remove("rules/shared.det");
    refused(
        &place,
        &["build"],
        "error[E0812]",
        "sigma/shared.yml: it was edited since it was built, and would be removed",
    );
    place.run(&["build", "--force"]).fine();
    assert!(!place.path("build/sigma/shared.yml").exists() && !place.path("build/sentinel/shared.kql").exists());
    place.run(&["build", "--check"]).fine();
}

#[test]
fn folders_that_a_build_leaves_empty_are_removed_and_all_others_stay() {
    let place = Place::project();
    let project = |name: &str| {
        let targets = "targets: [splunk-sysmon]\ndocuments: [query, splunk-app]\nout: build\n";
        place.write("arcanary.yaml", &format!("name: {name}\nversion: 0.1.0\nsources: [rules]\n{targets}"));
    };
    project("first");
    place.run(&["build"]).fine();
    let apps = place.path("build/splunk-sysmon/app");
    assert!(apps.join("first_splunk_sysmon/default").is_dir());
    place.write("build/splunk-sysmon/app/first_splunk_sysmon/local/macros.conf", "somebody's");
    project("second");
    place.run(&["build"]).fine();
    assert!(apps.join("second_splunk_sysmon/default").is_dir());
    assert!(!apps.join("first_splunk_sysmon/default").exists(), "empty");
    assert_eq!(place.read("build/splunk-sysmon/app/first_splunk_sysmon/local/macros.conf"), "somebody's");
    place.remove("build/splunk-sysmon/app/first_splunk_sysmon/local/macros.conf");
    project("third");
    place.run(&["build"]).fine();
    assert!(!apps.join("second_splunk_sysmon").exists(), "empty with all folders in it");
    // A target that is not built any more takes its folder along.
    place.write(
        "arcanary.yaml",
        "name: third\nversion: 0.1.0\nsources: [rules]\ntargets: [sigma]\ndocuments: [query]\nout: build\n",
    );
    place.run(&["build"]).fine();
    assert!(!place.path("build/splunk-sysmon/macros").exists() && place.path("build/sigma").is_dir());
    assert!(!apps.join("third_splunk_sysmon").exists());
}

#[test]
fn a_file_that_no_build_wrote_is_never_overwritten_in_silence() {
    let place = Place::project();
    place.write("out/sigma/packed.yml", "mine");
    let build = ["build", "--out", "out"];
    let says = "sigma/packed.yml: it was not written by a build that this manifest knows, and would be overwritten";
    refused(&place, &build, "error[E0812]", says);
    place.run(&["build", "--out", "out", "--force"]).fine();
    assert!(place.read("out/sigma/packed.yml").starts_with("title: "));
    // What a build would write anyway may be there already: in a clone without its manifest, or after a merge.
    place.remove("out/manifest.json");
    place.run(&build).fine();
    // A folder in the place of a file is no file of ours, whatever is asked.
    place.remove("out/sigma/packed.yml");
    place.write("out/sigma/packed.yml/mine", "mine");
    for more in [&[][..], &["--force"]] {
        refused(&place, &[&build[..], more].concat(), "out/sigma/packed.yml", "it is no plain file");
    }
}

#[test]
fn line_ends_that_git_changed_make_no_file_another_s() {
    let place = built();
    for name in ["build/sigma/packed.yml", "build/sigma/shared.yml", MANIFEST] {
        let text = place.read(name).replace('\n', "\r\n");
        place.write(name, &text);
    }
    place.edit("rules/packed.det", "level medium", "level high");
    place.remove("rules/shared.det");
    place.run(&["build"]).fine();
    assert!(
        place.read("build/sigma/packed.yml").contains("level: high\n")
            && !place.path("build/sigma/shared.yml").exists()
    );
}

#[test]
fn a_build_that_changes_nothing_touches_nothing() {
    let place = built();
    let times = || {
        let files = ["build/sigma/packed.yml", "build/sentinel/shared.kql", MANIFEST, "build", "build/sigma"];
        files.map(|f| fs::metadata(place.path(f)).and_then(|m| m.modified()).expect("a time"))
    };
    let before = times();
    std::thread::sleep(Duration::from_millis(20));
    place.run(&["build"]).fine();
    assert_eq!(times(), before);
}

// ---- manifests of strangers ----

#[test]
fn paths_of_a_manifest_lead_nowhere_but_to_files_of_targets() {
    let place = built();
    let secrets = [".git/config", "evil/secret", "sigma/.hidden", "sigma/.git/config", "notes.txt"];
    for name in secrets {
        place.write(&format!("build/{name}"), "{}");
    }
    place.write("keep.txt", "{}");
    place.write("build/old/deep/er.json", "{}");
    let paths =
        ["../keep.txt", "sigma/../../keep.txt", "sigma//x", "manifest.json", "/etc/hostname", "sigma/../notes.txt"];
    let hash = hash::of_bytes(b"{}");
    with_manifest(&place, |manifest| {
        let files = manifest["files"].as_object_mut().expect("hashes");
        let names = secrets.iter().chain(&paths).chain(&["old/deep/er.json"]);
        names.clone().for_each(|name| drop(files.insert((*name).to_owned(), json!(hash))));
        manifest["documents"] = json!({ "old": names.collect::<Vec<_>>() });
    });
    place.run(&["build"]).fine();
    assert!(!place.path("build/old/deep/er.json").exists(), "a document of an earlier build goes");
    for name in secrets {
        assert_eq!(place.read(&format!("build/{name}")), "{}", "{name}");
    }
    assert_eq!(place.read("keep.txt"), "{}");
    assert!(place.path(MANIFEST).is_file());
}

#[test]
fn a_manifest_that_cannot_be_read_stops_everything_that_would_go_by_it() {
    let place = built();
    place.run(&["pack", "--bump"]).fine();
    place.run(&["build"]).fine();
    place.run(&["pack"]).fine();
    let good = place.read(MANIFEST);
    let merge = good.replacen("  \"targets\"", "<<<<<<< HEAD\n  \"targets\"", 1);
    let bad = [
        merge.as_bytes(),
        &good.as_bytes()[..good.len() / 2],
        b"",
        b"{}",
        b"[]",
        b"\xff\xfe",
        br#"{ "name": "a web app", "short_name": "app", "icons": [] }"#,
        br#"{ "generator": "another", "targets": {} }"#,
        &fs::read(place.path("dist/manifest.json")).expect("a release's manifest"),
    ];
    place.remove("rules/shared.det");
    for text in bad {
        fs::write(place.path(MANIFEST), text).expect("written");
        for arguments in [
            &["build"][..],
            &["build", "--check"],
            &["build", "--force"],
            &["build", "--target", "sigma"],
            &["build", "rules/packed.det"],
        ] {
            refused(
                &place,
                arguments,
                "error[E0811]",
                "put the last good one back (`git checkout HEAD -- build/manifest.json`)",
            );
        }
        refused(&place, &["diff", "--against", "build"], "is not the manifest of a build", "or empty ");
    }
    fs::write(place.path(MANIFEST), merge).expect("written");
    assert!(place.run(&["build"]).fails(2).contains("a merge left its marks in it"));
    // Both ways out are ways out.
    place.write(MANIFEST, &good);
    place.run(&["build"]).fine();
    assert!(!place.path("build/sigma/shared.yml").exists());
    place.write(MANIFEST, "<<<<<<<");
    fs::remove_dir_all(place.path("build")).expect("removed");
    place.run(&["build"]).fine();
    place.run(&["build", "--check"]).fine();
}

#[test]
fn a_manifest_of_an_earlier_release_goes_on_where_files_are_as_they_would_be_and_needs_force_elsewhere() {
    let place = built();
    let old = |manifest: &mut Value| drop(manifest.as_object_mut().expect("an object").remove("files"));
    with_manifest(&place, old);
    place.run(&["build"]).fine();
    place.run(&["build", "--check"]).fine();
    with_manifest(&place, old);
    place.remove("rules/shared.det");
    refused(&place, &["build"], "error[E0812]", "an earlier release of Arcanary wrote the manifest");
    place.run(&["build", "--force"]).fine();
    assert!(!place.path("build/sigma/shared.yml").exists());
}

#[test]
fn a_part_of_a_build_keeps_what_the_manifest_says_of_the_rest() {
    let place = built();
    let before: Value = serde_json::from_str(&place.read(MANIFEST)).expect("JSON");
    place.edit("rules/packed.det", "level medium", "level high");
    place.run(&["build", "--target", "sigma", "rules/packed.det"]).fine();
    let after: Value = serde_json::from_str(&place.read(MANIFEST)).expect("JSON");
    let differ: Vec<&String> = after["files"]
        .as_object()
        .unwrap()
        .iter()
        .filter(|(k, v)| before["files"][*k] != **v)
        .map(|(k, _)| k)
        .collect();
    assert_eq!((differ, &after["targets"]), (vec![&"sigma/packed.yml".to_owned()], &before["targets"]));
    assert_eq!(after["files"].as_object().map(|f| f.len()), Some(4));
    place.run(&["build"]).fine();
}

// ---- builds that were interrupted ----

#[test]
fn an_interrupted_build_is_told_and_finished_by_the_next() {
    let place = built();
    let before = place.read(MANIFEST);
    place.remove("rules/shared.det");
    place.write("rules/new.det", &SHARED.replace("rule shared", "rule fresh").replace("1a21", "1a22"));
    // What a build leaves that was killed when it had written one of its files.
    place.run(&["build"]).fine();
    let fresh = place.read("build/sigma/fresh.yml");
    place.run(&["build"]).fine();
    for name in ["build/sigma/shared.yml", "build/sentinel/shared.kql"] {
        place.write(name, "");
    }
    place.write(MANIFEST, &before);
    with_manifest(&place, |manifest| {
        let hash = |text: &str| json!(hash::of_bytes(text.as_bytes()));
        manifest["files"]["sigma/shared.yml"] = hash("");
        manifest["files"]["sentinel/shared.kql"] = hash("");
        manifest["unfinished"] = json!({ "sigma/fresh.yml": hash(&fresh), "sentinel/fresh.kql": hash("not yet") });
    });
    place.remove("build/sentinel/fresh.kql");
    assert!(place.run(&["diff", "--against", "build"]).code == 2);
    assert!(place.run(&["build", "--check"]).out.contains("-  \"unfinished\": {"));
    // The rule whose document was written is gone again when the next build runs.
    place.remove("rules/new.det");
    place.run(&["build"]).fine();
    let names: Vec<String> = all(&place.path("build")).into_keys().collect();
    assert_eq!(names, ["manifest.json", "sentinel/packed.kql", "sigma/packed.yml"]);
    assert!(!place.read(MANIFEST).contains("unfinished"));
}

#[test]
fn what_killed_runs_left_goes_and_what_living_ones_write_stays() {
    let place = built();
    let own = ["build/.arcanary-aaaaaa.tmp", "build/sigma/.arcanary-bbbbbb.tmp", "build/.arcanary-build.lock"];
    let others = ["build/.arcanary-pack.json", "build/.arcanary-notes", "build/sigma/x.tmp"];
    own.iter().chain(&others).for_each(|name| place.write(name, "left"));
    let lives = place.path("build/sigma/.arcanary-cccccc.tmp");
    let writer = fs::File::create(&lives).expect("a file");
    writer.lock().expect("locked");
    place.run(&["build"]).fine();
    assert!(lives.is_file() && others.iter().all(|name| place.path(name).is_file()));
    assert!(own.iter().all(|name| !place.path(name).exists()), "{:?}", all(&place.path("build")).keys());
    drop(writer);
    place.edit("rules/packed.det", "level medium", "level high");
    place.write(own[2], "");
    place.run(&["build"]).fine();
    assert!(!lives.exists() && !place.path(own[2]).exists());
    // `fmt` and `pack --bump` clean up beside the files that they write.
    place.write("rules/.arcanary-dddddd.tmp", "left");
    place.write(".arcanary-eeeeee.tmp", "left");
    place.run(&["fmt"]).fine();
    place.run(&["pack", "--bump"]).fine();
    assert!(!place.path("rules/.arcanary-dddddd.tmp").exists() && !place.path(".arcanary-eeeeee.tmp").exists());
}

// ---- links ----

#[cfg(unix)]
fn link(to: &Path, name: &Path) {
    std::os::unix::fs::symlink(to, name).expect("a link");
}

#[cfg(unix)]
#[test]
fn no_link_below_the_output_is_followed() {
    let place = built();
    let elsewhere = Place::empty();
    let files = ["sigma/packed.yml", "sigma/shared.yml", "manifest.json"];
    files.iter().for_each(|name| elsewhere.write(name, &place.read(&format!("build/{name}"))));
    let before = all(&elsewhere.path(""));
    place.edit("rules/packed.det", "level medium", "level high");
    place.remove("rules/shared.det");
    for name in
        ["build/sigma", "build/sigma/packed.yml", "build/sigma/shared.yml", MANIFEST, "build/.arcanary-build.lock"]
    {
        let (path, aside) = (place.path(name), place.path("aside"));
        let there = path.exists();
        if there {
            fs::rename(&path, &aside).expect("moved");
        }
        for to in [elsewhere.path(name.trim_start_matches("build/")), elsewhere.path("nowhere")] {
            link(&to, &path);
            for arguments in [&["build"][..], &["build", "--force"]] {
                let err = place.run(arguments).fails(2);
                assert!(err.contains(name), "{err}");
                assert_eq!(all(&elsewhere.path("")), before, "{name}");
            }
            fs::remove_file(&path).expect("removed");
        }
        if there {
            fs::rename(&aside, &path).expect("moved");
        }
    }
    place.run(&["build"]).fine();
}

#[cfg(unix)]
#[test]
fn a_comparison_follows_no_link_of_a_build() {
    let place = built();
    place.write("secret", "a secret");
    place.remove("build/sigma/packed.yml");
    link(&place.path("secret"), &place.path("build/sigma/packed.yml"));
    let ran = place.run(&["diff", "--against", "build"]);
    assert!(
        ran.code == 2 && !ran.out.contains("a secret") && ran.err.contains("it is a link"),
        "{}{}",
        ran.out,
        ran.err
    );
}

#[cfg(unix)]
#[test]
fn fmt_and_bump_write_through_no_link_and_put_no_copy_in_its_place() {
    let place = Place::project();
    let elsewhere = Place::empty();
    let messy = PACKED.replace("  detect", "    detect");
    elsewhere.write("packed.det", &messy);
    place.remove("rules/packed.det");
    link(&elsewhere.path("packed.det"), &place.path("rules/packed.det"));
    let err = place.run(&["fmt"]).fails(2);
    assert!(
        err.contains("rules/packed.det` is a link to a place outside of the project, and is not followed"),
        "{err}"
    );
    assert!(place.path("rules/packed.det").is_symlink());
    assert_eq!(elsewhere.read("packed.det"), messy);
    place.remove("rules/packed.det");
    place.write("elsewhere/packed.det", &messy);
    link(Path::new("../elsewhere/packed.det"), &place.path("rules/packed.det"));
    let err = place.run(&["fmt"]).fails(2);
    assert!(err.contains("rules/packed.det: it is a link to ") && err.contains("name the file itself"), "{err}");
    assert!(place.path("rules/packed.det").is_symlink());
    assert_eq!(place.read("elsewhere/packed.det"), messy);
    // A link to a file that is formatted in its own place is no second file.
    place.remove("rules/packed.det");
    place.write("rules/packed.det", &messy);
    link(Path::new("packed.det"), &place.path("rules/a.det"));
    place.run(&["fmt"]).fine();
    assert!(place.path("rules/a.det").is_symlink() && place.read("rules/packed.det") != messy);
    place.remove("rules/a.det");
    let inside = place.path("elsewhere");
    for (folder, says) in
        [(inside.as_path(), "it is a link"), (&elsewhere.path(""), "points outside of the project's folder")]
    {
        for name in ["pack.lock", "arcanary.yaml"] {
            place.run(&["pack", "--bump"]).fine();
            fs::rename(place.path(name), folder.join(name)).expect("moved");
            link(&folder.join(name), &place.path(name));
            place.edit("rules/shared.det", " on a Share", " again on a Share");
            let before = (place.read("arcanary.yaml"), place.read("pack.lock"));
            let err = place.run(&["pack", "--bump"]).fails(2);
            assert!(err.contains(name) && err.contains(says), "{err}");
            assert!(place.path(name).is_symlink());
            assert_eq!((place.read("arcanary.yaml"), place.read("pack.lock")), before);
            fs::rename(folder.join(name), place.path(name)).expect("moved");
        }
    }
}

#[cfg(unix)]
#[test]
fn fmt_leaves_a_read_only_file_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::project();
    let messy = PACKED.replace("  detect", "    detect");
    place.write("rules/packed.det", &messy);
    fs::set_permissions(place.path("rules/packed.det"), fs::Permissions::from_mode(0o444)).expect("set");
    assert!(place.run(&["fmt"]).fails(2).contains("it is read-only"));
    assert_eq!(place.read("rules/packed.det"), messy);
    fs::set_permissions(place.path("rules/packed.det"), fs::Permissions::from_mode(0o640)).expect("set");
    place.run(&["fmt"]).fine();
    assert_eq!(fs::metadata(place.path("rules/packed.det")).expect("a file").permissions().mode() & 0o777, 0o640);
}

// ---- which folder ----

#[test]
fn the_root_the_project_and_what_is_around_it_are_no_output() {
    let place = Place::empty();
    place.write("work/p/arcanary.yaml", "name: p\nsources: [rules]\ntargets: [sigma]\n");
    place.write("work/p/rules/a.det", &format!("{UTILITIES}{PACKED}"));
    let project = place.path("work/p");
    let before = all(&place.path(""));
    for out in ["/", ".", "..", "../..", "rules/..", "../p", &project.display().to_string()] {
        for more in [&[][..], &["--force"], &["--check"]] {
            let ran = run_in(&project, &[&["build", "--out", out], more].concat());
            assert!(ran.code == 2 && ran.err.contains("name a folder of its own"), "{out}: {}{}", ran.out, ran.err);
        }
        assert_eq!(all(&place.path("")), before, "{out}");
    }
    run_in(&project, &["build", "--out", "../beside"]).fine();
    assert!(place.path("work/beside/manifest.json").is_file());
}

#[test]
fn a_project_file_names_no_output_outside_of_its_folder() {
    let place = built();
    let text = place.read("arcanary.yaml");
    let before = all(&place.path("build"));
    place.write("rules/more.det", "");
    for out in [".", "..", "../elsewhere", "/tmp/arcanary-elsewhere", ".git", ".git/hooks", "rules/../.."] {
        place.write("arcanary.yaml", &text.replace("out: build", &format!("out: {out}")));
        let err = place.run(&["build"]).fails(2);
        assert!(err.contains("it is no folder below the project's"), "{out}: {err}");
        assert_eq!(all(&place.path("build")), before);
    }
    assert!(!Path::new("/tmp/arcanary-elsewhere").exists() && !place.path(".git").exists());
    place.run(&["build", "--out", "elsewhere"]).fine();
}

#[cfg(unix)]
#[test]
fn a_link_in_the_place_of_the_output_counts_for_where_it_leads() {
    let place = built();
    let elsewhere = Place::empty();
    fs::remove_dir_all(place.path("build")).expect("removed");
    link(&elsewhere.path(""), &place.path("build"));
    let err = place.run(&["build"]).fails(2);
    assert!(err.contains("it is no folder below the project's"), "{err}");
    assert!(all(&elsewhere.path("")).is_empty());
    place.run(&["build", "--out", "build"]).fine();
    assert!(elsewhere.path("manifest.json").is_file(), "who names it on the command line means where it leads");
}

// ---- two at once ----

fn start(place: &Place, arguments: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_arcanary"));
    command.args(arguments).current_dir(place.path("")).stderr(Stdio::piped()).stdout(Stdio::piped());
    command.spawn().expect("started")
}

#[test]
fn parts_that_are_built_at_once_lose_nothing_of_each_other() {
    let place = built();
    let build = ["sentinel", "sigma", "defender", "splunk-sysmon", "splunk-cim", "splunk-4688"];
    for round in 0..3 {
        fs::remove_dir_all(place.path("build")).expect("removed");
        let parts = build.iter().flat_map(|target| [("packed", target), ("shared", target)]);
        let running: Vec<Child> = parts
            .map(|(rule, target)| start(&place, &["build", &format!("rules/{rule}.det"), "--target", target]))
            .collect();
        for child in running {
            let output = child.wait_with_output().expect("ended");
            let err = String::from_utf8_lossy(&output.stderr);
            assert!(!err.contains("cannot") && !err.contains("E08"), "{err}");
        }
        let manifest: Value = serde_json::from_str(&place.read(MANIFEST)).expect("JSON");
        for target in build {
            for rule in ["packed", "shared"] {
                let entry = &manifest["targets"][target][rule];
                let file = entry["file"].as_str().filter(|f| place.path("build").join(f).is_file());
                let known = file.is_some_and(|f| manifest["files"][f].is_string());
                assert!(known || entry["status"] == "unsupported", "round {round}: {rule} on {target}: {entry}");
            }
        }
        let names = all(&place.path("build"));
        assert!(names.keys().all(|name| !name.contains(".arcanary-")), "{:?}", names.keys());
    }
}

#[test]
fn who_waits_for_another_is_told_and_goes_on_after_it() {
    let place = built();
    place.run(&["pack", "--bump"]).fine();
    for (lock, arguments, folder) in
        [("build/.arcanary-build.lock", &["build"][..], "build"), (".arcanary-dist.lock", &["pack"], "dist")]
    {
        place.remove("build/sigma/packed.yml");
        let held = Lock::take(&place.path(lock), &|| panic!("nobody else has it")).expect("a lock");
        let mut child = start(&place, arguments);
        std::thread::sleep(Duration::from_millis(1500));
        assert!(child.try_wait().expect("a state").is_none(), "it waits");
        drop(held);
        let output = child.wait_with_output().expect("ended");
        let err = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{err}");
        assert_eq!(
            err.lines().next(),
            Some(format!("waiting for another arcanary, which is writing to {folder}").as_str())
        );
        assert!(place.path(folder).is_dir() && !place.path(lock).exists());
    }
}
