//! A project may be somebody else's: what it says and the links in it show and change nothing outside of its folder.

use crate::place::{PACKED, Place, UTILITIES, run_in};
use std::fs;
use std::os::unix::fs::symlink;

/// A line that no output may hold.
const SECRET: &str = "aws_secret_access_key = hunter22";

/// A folder with something of the user's, and a stranger's project beside it.
fn places() -> Place {
    let place = Place::empty();
    for name in ["secret", "secret.yaml", "secret.json", "folder/secret.yaml", "folder/secret.yml"] {
        place.write(&format!("mine/{name}"), &format!("{SECRET}\n"));
    }
    place.write("p/arcanary.yaml", "name: p\nversion: 0.1.0\nsources: [rules]\ntargets: [sigma]\n");
    place.write("p/rules/u.det", UTILITIES);
    place.write("p/rules/r.det", PACKED);
    place
}

/// No command shows the line, in any format, and `check` fails with this.
#[track_caller]
fn hidden(place: &Place, says: &str) {
    let project = place.path("p");
    for command in
        [&["check"][..], &["build", "--out", "o"], &["test"], &["targets"], &["fmt", "--check"], &["pack"], &["diff"]]
    {
        let ran = run_in(&project, command);
        assert!(!ran.out.contains("hunter22") && !ran.err.contains("hunter22"), "{command:?}: {}{}", ran.out, ran.err);
    }
    for format in ["json", "sarif", "github", "junit"] {
        let ran = run_in(&project, &["check", "--format", format]);
        assert!(ran.code == 2 && !ran.out.contains("hunter22"), "{format}: {}", ran.out);
    }
    let err = run_in(&project, &["check"]).fails(2);
    assert!(err.contains(says), "{err}");
    // Named from elsewhere, it is no more the user's than before.
    run_in(&place.path("."), &["check", "p"]).fails(2);
}

#[test]
fn links_in_the_place_of_files_of_a_project_are_not_followed_out_of_it() {
    for (link, to, says) in [
        ("p/arcanary.yaml", "mine/secret", "arcanary.yaml` cannot be read: it points outside of the project's folder"),
        ("p/pack.lock", "mine/secret", "pack.lock cannot be read: it points outside of the project's folder"),
        (
            "p/targets/x.yaml",
            "mine/secret.yaml",
            "targets/x.yaml` cannot be read: it points outside of the project's folder",
        ),
        ("p/targets", "mine/folder", "targets` cannot be read: it points outside of the project's folder"),
        ("p/rules/x.det", "mine/secret", "is a link to a place outside of the project"),
    ] {
        let place = places();
        let link = place.path(link);
        fs::create_dir_all(link.parent().expect("a parent")).expect("a folder");
        let _ = fs::remove_file(&link);
        symlink(place.path(to), &link).expect("a link");
        hidden(&place, says);
    }
}

#[test]
fn what_a_project_file_names_is_read_in_the_projects_folder_or_is_a_source() {
    for (key, value, says) in [
        ("target_files", "../mine/folder", "cannot be read: it points outside of the project's folder"),
        ("target_files", "lk", "cannot be read: it points outside of the project's folder"),
        ("target_files", "{HERE}/mine/folder", "cannot be read: it points outside of the project's folder"),
        ("sources", "[rules, ../mine/secret]", "error[E0803]: `../mine/secret` is not a `.det` file"),
        ("sources", "[rules, '{HERE}/mine/secret']", "mine/secret` is an absolute path"),
        ("sources", "[rules, '{HERE}/mine']", "mine` is an absolute path"),
        ("sources", "[rules, lk]", "error[E0803]: `lk` points outside of the project's folder"),
        ("sources", "[rules, lk.det]", "error[E0803]: `lk.det` is not a `.det` file"),
        ("sources", "[rules, ../mine/lk.det]", "error[E0803]: `../mine/lk.det` is not a `.det` file"),
    ] {
        let place = places();
        symlink("../mine/folder", place.path("p/lk")).expect("a link");
        symlink("../mine/secret", place.path("p/lk.det")).expect("a link");
        symlink("secret", place.path("mine/lk.det")).expect("a link");
        let here = place.path(".").display().to_string().trim_end_matches("/.").to_owned();
        let config = place.read("p/arcanary.yaml").replace("sources: [rules]\n", "");
        let sources = if key == "sources" { "" } else { "sources: [rules]\n" };
        place.write("p/arcanary.yaml", &format!("{config}{sources}{key}: {}\n", value.replace("{HERE}", &here)));
        hidden(&place, says);
    }
}

#[test]
fn a_recording_is_read_in_the_projects_folder() {
    let place = places();
    place.edit("p/rules/r.det", "  test \"none\"", "  test \"r\" fires events 'out.json' as ecs\n  test \"none\"");
    let event = |line: &str| {
        format!(
            "{{\"event.category\": \"process\", \"process.executable\": \"C:\\\\x.exe\", \"process.command_line\": \"{line}\"}}\n"
        )
    };
    place.write("mine/secret.json", &event("token=hunter22"));
    symlink("../mine/secret.json", place.path("p/out.json")).expect("a link");
    for format in ["text", "json", "github", "junit"] {
        let ran = run_in(&place.path("p"), &["test", "--format", format]);
        assert!(
            ran.code != 0 && !ran.out.contains("hunter22") && !ran.err.contains("hunter22"),
            "{}{}",
            ran.out,
            ran.err
        );
    }
    assert!(run_in(&place.path("p"), &["test"]).err.contains("it points outside of the project's folder"));
    place.remove("p/out.json");
    place.write("p/other.json", &event("rar a -px a b").replace("x.exe", "rar.exe"));
    symlink("other.json", place.path("p/out.json")).expect("a link");
    run_in(&place.path("p"), &["test"]).fine();
}

#[test]
fn what_the_user_names_is_read_wherever_a_link_to_it_leads() {
    let place = places();
    symlink("p", place.path("lk")).expect("a link");
    assert!(run_in(&place.path("."), &["check", "lk"]).err.contains("1 rule for 1 target: no errors"));
    assert!(run_in(&place.path("lk"), &["check"]).err.contains("1 rule for 1 target: no errors"));
    place.write("elsewhere/own.det", &UTILITIES.replace("rar", "own").replace("shares", "others"));
    symlink("../elsewhere/own.det", place.path("p/own.det")).expect("a link");
    let ran = run_in(&place.path("p"), &["check", "own.det"]);
    assert!(!ran.err.contains("outside of the project"), "{}", ran.err);
    // Links inside the project are its own business.
    fs::rename(place.path("p/arcanary.yaml"), place.path("p/rules/config.yaml")).expect("moved");
    symlink("rules/config.yaml", place.path("p/arcanary.yaml")).expect("a link");
    assert!(run_in(&place.path("p"), &["check"]).err.contains("1 rule for 1 target: no errors"));
}

#[test]
fn fmt_without_paths_changes_files_of_no_other_project() {
    const UGLY: &str = "list   q=[\"x\"]   // mine\n";
    for (sources, link) in [
        ("[rules, ../other]", None),
        ("[rules, ../other/rules/o.det]", None),
        ("[rules, inner]", None),
        ("[rules]", Some(("rules/lk", "../inner"))),
        ("[lk]", Some(("lk", "inner"))),
        ("[lk/o.det]", Some(("lk", "inner"))),
    ] {
        let place = places();
        place.edit("p/arcanary.yaml", "[rules]", sources);
        for name in ["other/rules/o.det", "other/o.det", "p/inner/o.det"] {
            place.write(name, UGLY);
        }
        place.write("other/arcanary.yaml", "name: other\nversion: 0.1.0\n");
        place.write("p/inner/arcanary.yaml", "name: inner\nversion: 0.1.0\n");
        place.write("p/rules/l.det", &UGLY.replace('q', "own"));
        if let Some((at, to)) = link {
            symlink(to, place.path(&format!("p/{at}"))).expect("a link");
        }
        let err = run_in(&place.path("p"), &["fmt"]).fails(2);
        assert!(err.contains("outside of this project's folder") && err.contains("left unchanged"), "{sources}: {err}");
        for name in ["other/rules/o.det", "other/o.det", "p/inner/o.det"] {
            assert_eq!(place.read(name), UGLY, "{sources}");
        }
        if sources.contains("rules,") || link.is_some_and(|(at, _)| at == "rules/lk") {
            assert_eq!(place.read("p/rules/l.det"), "list own = [\"x\"]  // mine\n", "its own are formatted");
        }
    }
}
