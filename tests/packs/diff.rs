//! `diff`: against commits, folders, builds and releases, in three formats.

use crate::place::{Place, SHARED};
use serde_json::Value;

/// A locked project in a repository with one commit.
fn committed() -> Place {
    let place = Place::locked();
    place.git(&["init", "-q", "-b", "main"]);
    place.commit();
    place
}

fn json(place: &Place, against: &str) -> Value {
    serde_json::from_str(&place.run(&["diff", "--against", against, "--format", "json"]).fine()).expect("JSON")
}

/// The difference of one document of a rule.
fn document<'a>(rule: &'a Value, path: &str) -> &'a Value {
    let all = rule["documents"].as_array().expect("documents");
    all.iter().find(|d| d["path"] == path).unwrap_or_else(|| panic!("{path}: {rule}"))
}

const PACKED_ID: &str = "0e2a7c54-5f0b-4c8e-9d51-6f0b8f3b1a20";
const SHARED_ID: &str = "0e2a7c54-5f0b-4c8e-9d51-6f0b8f3b1a21";

#[test]
fn nothing_differs_from_a_commit_that_is_checked_out() {
    let place = committed();
    let ran = place.run(&["diff", "--exit-code"]);
    assert_eq!(
        (ran.code, ran.out.as_str(), ran.err.as_str()),
        (0, "", "against HEAD: 0 added, 0 changed, 0 removed\n")
    );
    place.edit("rules/packed.det", "test \"none\"", "// a comment\n  test \"nothing\"");
    assert_eq!(place.run(&["diff", "--exit-code"]).code, 0);
}

#[test]
fn a_changed_list_shows_in_each_rule_that_uses_it_and_in_its_queries() {
    let place = committed();
    place.edit("rules/utilities.det", r"'\\srv\b'", r"'\\srv\c'");
    place.run(&["pack", "--bump"]).fine();
    let out = place.run(&["diff"]).fine();
    // What changed is another item than the rule: it is shown once, and the rule says that it uses it.
    let shared =
        "shared items\n--- rules/utilities.det (HEAD)\n+++ rules/utilities.det\n@@ -3,1 +3,1 @@\n-list shares = ";
    assert!(out.starts_with(shared), "{out}");
    let rule = "\nshared 1.0.0 → 1.1.0: logic changed\nuses list shares\nquery on sentinel\n@@ ";
    assert!(out.contains(rule) && !out.contains("shared.det"), "{out}");
    let lines: Vec<_> = out.lines().collect();
    assert!(lines.iter().any(|l| l.starts_with('-') && l.contains(r"srv[\\/]+(?:a|b)(?:")), "{out}");
    assert!(lines.iter().any(|l| l.starts_with('+') && l.contains(r"srv[\\/]+(?:a|c)(?:")), "{out}");
    assert!(out.contains("\nquery on sigma\n@@ ") && !out.contains("packed"), "{out}");
    assert!(out.contains("\ndocuments\n") && out.contains("\n  sentinel/shared.kql +1 −1\n"), "{out}");
    let full = place.run(&["diff", "--documents"]).fine();
    assert!(full.contains("\n--- sentinel/shared.kql (HEAD)\n+++ sentinel/shared.kql\n@@"), "{full}");
    // The query in JSON is compared line by line.
    let (_, arm) = full.split_once("--- sentinel/arm/").expect("an ARM template");
    let (arm, _) = arm.split_once("\n--- ").expect("a document behind it");
    assert!(arm.contains("\n           | where FileName =~ \"rar.exe\"\n") && !arm.contains("\\n| where"), "{arm}");
    assert_eq!(place.run(&["diff", "--exit-code"]).code, 1);
    let sigma = place.run(&["diff", "--target", "sigma"]).fine();
    assert!(sigma.contains("sigma/shared.yml") && !sigma.contains("sentinel"), "{sigma}");
}

#[test]
fn rules_that_are_new_gone_renamed_or_say_something_else_are_told_apart() {
    let place = committed();
    place.edit("rules/packed.det", "rule packed", "rule with_password");
    place.edit("rules/packed.det", "level medium", "level high");
    place.remove("rules/shared.det");
    place.write("rules/new.det", &SHARED.replace("1a21", "1a22").replace("rule shared", "rule newer"));
    let told = json(&place, "HEAD");
    assert_eq!((&told["added"], &told["changed"], &told["removed"]), (&1.into(), &1.into(), &1.into()));
    let packed = &told["rules"][PACKED_ID];
    assert_eq!((&packed["rule"], &packed["was"]), (&"with_password".into(), &"packed".into()));
    assert_eq!((&packed["changes"], &packed["keys"]), (&serde_json::json!(["text"]), &serde_json::json!(["level"])));
    let sigma = document(packed, "sigma/packed.yml");
    assert_eq!((&sigma["path"], &sigma["now"]), (&"sigma/packed.yml".into(), &"sigma/with_password.yml".into()));
    assert_eq!(sigma["diff"].as_str().map(|d| d.contains("-level: medium\n+level: high\n")), Some(true));
    assert_eq!(told["rules"][SHARED_ID]["changes"], serde_json::json!(["removed"]));
    let newer = &told["rules"]["0e2a7c54-5f0b-4c8e-9d51-6f0b8f3b1a22"];
    assert_eq!((&newer["changes"], &newer["documents"][0]["removed"]), (&serde_json::json!(["added"]), &0.into()));
    let out = place.run(&["diff"]).fine();
    // The rule's own text is there, and its queries are as they were.
    let renamed = "\nwith_password: metadata changed (level); renamed from packed\n--- rules/packed.det (HEAD)\n+++ rules/packed.det\n@@ -2,";
    let (_, rest) = out.split_once(renamed).unwrap_or_else(|| panic!("{out}"));
    let (rest, documents) = rest.split_once("documents\n").expect("documents");
    assert!(rest.contains("\n-rule packed {\n") && !rest.contains("query on"), "{out}");
    assert!(documents.starts_with("  sentinel/"), "{out}");
    // One that is gone shows its text and no query, one that is new shows both.
    let (_, gone) =
        out.split_once("\nshared 1.0.0: removed\n--- rules/shared.det (HEAD)\n").unwrap_or_else(|| panic!("{out}"));
    assert!(gone.contains("-rule shared {\n") && !gone.contains("query on"), "{gone}");
    let (newer, _) = out.split_once("\nshared 1.0.0: removed\n").expect("a rule that is gone");
    assert!(newer.contains("newer 1.0.0: new\n--- rules/new.det (HEAD)\n"), "{newer}");
    assert!(newer.contains("+rule newer {\n") && newer.contains("query on sentinel\n@@ -0,0 +"), "{newer}");
}

#[test]
fn a_folder_is_a_project_a_build_or_a_release() {
    let place = committed();
    let copy = Place::project();
    copy.run(&["pack", "--bump"]).fine();
    copy.run(&["build", "--out", "out"]).fine();
    copy.run(&["pack"]).fine();
    let folder = |name: &str| copy.path(name).display().to_string();
    for against in [folder(""), folder("out"), folder("dist")] {
        let ran = place.run(&["diff", "--against", &against, "--exit-code"]);
        assert_eq!((ran.code, ran.out.as_str()), (0, ""), "{against}: {}", ran.err);
    }
    place.edit("rules/packed.det", "with password", "");
    for (against, changes) in [("", "logic"), ("out", "documents"), ("dist", "logic")] {
        let told = json(&place, &folder(against));
        assert_eq!(told["rules"][PACKED_ID]["changes"], serde_json::json!([changes]), "{against}");
        for path in ["sentinel/packed.kql", "sigma/packed.yml"] {
            let diff = document(&told["rules"][PACKED_ID], path)["diff"].to_string();
            assert!(diff.contains("@@") && !diff.contains("shared"), "{against}: {diff}");
        }
        assert_eq!(told["rules"].as_object().map(|r| r.len()), Some(1), "{against}");
    }
}

#[test]
fn a_commit_is_any_name_that_git_knows_and_the_project_may_lie_below_the_top() {
    let place = Place::empty();
    place.git(&["init", "-q", "-b", "main"]);
    place.write("README", "first");
    place.commit();
    for (name, text) in [
        ("arcanary.yaml", "name: p\nversion: 0.1.0\ntargets: [sigma]\n"),
        ("u.det", crate::place::UTILITIES),
        ("r.det", crate::place::PACKED),
    ] {
        place.write(&format!("some/where/{name}"), text);
    }
    // Files that git's archives leave out are compared all the same.
    place.write(".gitattributes", "*.det export-ignore\n");
    place.commit();
    place.git(&["tag", "v1"]);
    place.edit("some/where/r.det", "level medium", "level high");
    let run = |against: &str| place.run(&["diff", "some/where", "--against", against, "--format", "json"]).fine();
    let told: Value = serde_json::from_str(&run("v1")).expect("JSON");
    assert_eq!(told["rules"][PACKED_ID]["changes"], serde_json::json!(["text"]));
    let told: Value = serde_json::from_str(&run("HEAD~1")).expect("JSON");
    assert_eq!(told["rules"][PACKED_ID]["changes"], serde_json::json!(["added"]));
}

#[test]
fn what_is_neither_a_folder_nor_a_commit_is_refused() {
    let place = committed();
    assert!(place.run(&["diff", "--against", "nowhere"]).fails(2).contains("is neither a folder nor a commit"));
    assert!(place.run(&["diff", "--against=--all"]).fails(2).contains("is not the name of a commit"));
    assert!(place.run(&["diff", "--against", "rules"]).fails(2).contains("is not a release, a project or a build"));
    let other = Place::project();
    assert!(other.run(&["diff"]).fails(2).contains("is not in a git repository"));
    place.edit("rules/packed.det", "with password", "with pasword");
    place.commit();
    place.edit("rules/packed.det", "with pasword", "with password");
    let err = place.run(&["diff"]).fails(2);
    assert!(err.contains("the sources of `HEAD` do not compile") && err.contains("did you mean `password`"), "{err}");
}

#[test]
fn a_comment_folds_the_diffs_and_nothing_in_it_can_break_out() {
    let place = committed();
    place.edit("rules/packed.det", "Archive with a Password", "Archive </details> | ``` [x](y) @all");
    let out = place.run(&["diff", "--format", "markdown"]).fine();
    assert!(out.starts_with("### Rules: 0 added, 1 changed, 0 removed\n\nAgainst `HEAD`.\n"), "{out}");
    let row = out.lines().find(|l| l.starts_with("| **packed**")).expect("a row");
    assert!(row.contains(r"Archive \</details\> \| \`\`\` \[x\](y) \@all"), "{row}");
    assert!(out.matches("<details>").count() > 1);
    assert_eq!(out.matches("<details>").count(), out.matches("</details>\n").count());
    assert!(out.contains("rule packed in <code>rules/packed.det</code>\n\n````diff\n@@"), "{out}");
    place.run(&["pack", "--bump"]).fine();
    place.commit();
    let out = place.run(&["diff", "--format", "markdown"]).fine();
    assert_eq!(out, "### Rules: 0 added, 0 changed, 0 removed\n\nNothing differs from `HEAD`.\n");
}

#[test]
fn a_comment_is_never_longer_than_one_may_be() {
    let place = Place::empty();
    place.git(&["init", "-q", "-b", "main"]);
    place.write("README", "first");
    place.commit();
    place.write("arcanary.yaml", "name: p\nversion: 0.1.0\ntargets: [sigma, sentinel, splunk-sysmon]\n");
    place.write("u.det", crate::place::UTILITIES);
    for n in 0..220 {
        let rule = crate::place::PACKED.replace("6f0b8f3b1a20", &format!("{n:012}"));
        place.write(&format!("r{n}.det"), &rule.replace("rule packed", &format!("rule packed_{n:03}")));
    }
    let out = place.run(&["diff", "--format", "markdown"]).fine();
    assert!(out.chars().count() <= 60_000 && out.contains("… and 20 more rules."), "{}", out.len());
    assert!(out.contains("\n**Truncated:** ") && out.contains("do not fit into a comment"), "{}", out.len());
    assert_eq!(out.matches("<details>").count(), out.matches("</details>").count());
}

#[test]
fn targets_on_which_a_query_changes_alike_share_its_lines() {
    let place = Place::project();
    place.edit("arcanary.yaml", "[sentinel, sigma]", "[defender, sentinel, sigma]");
    place.git(&["init", "-q", "-b", "main"]);
    place.commit();
    place.edit("rules/utilities.det", "[\"rar.exe\"]", "[\"rar.exe\", \"rar5.exe\"]");
    let out = place.run(&["diff"]).fine();
    assert_eq!(out.matches("\nquery on defender, sentinel\n@@ ").count(), 2, "{out}");
    assert_eq!(out.matches("\nuses utility rar\n").count(), 2, "{out}");
    assert_eq!(out.matches("--- rules/utilities.det (HEAD)\n").count(), 1, "{out}");
    let told = json(&place, "HEAD");
    assert_eq!(told["rules"][PACKED_ID]["queries"][0]["targets"], serde_json::json!(["defender", "sentinel"]));
    assert_eq!((&told["shared"][0]["item"], &told["shared"][0]["added"]), (&"utility rar".into(), &1.into()));
}

#[test]
fn a_query_that_has_no_file_of_its_own_is_taken_out_of_its_documents() {
    let place = Place::project();
    place.edit("arcanary.yaml", "targets: [sentinel, sigma]", "targets: [sentinel]\ndocuments: [sentinel-arm]");
    place.git(&["init", "-q", "-b", "main"]);
    place.commit();
    place.edit("rules/packed.det", "with password", "");
    let out = place.run(&["diff"]).fine();
    let (_, query) = out.split_once("\nquery on sentinel\n@@ ").unwrap_or_else(|| panic!("{out}"));
    assert!(query.contains("\n | where FileName =~ \"rar.exe\"\n") && query.contains("\n  sentinel/arm/packed.json +"));
}

#[test]
fn a_param_that_the_project_file_sets_is_shown_where_rules_use_it() {
    let place = Place::project();
    place.write("rules/param.det", "param most = 3\nparam other = 4\n");
    place.edit("rules/packed.det", "with password", "with password and process.pid < most");
    place.write("arcanary.yaml", &(place.read("arcanary.yaml") + "params:\n  most: 5\n"));
    place.git(&["init", "-q", "-b", "main"]);
    place.commit();
    place.edit("arcanary.yaml", "most: 5", "most: 6");
    let out = place.run(&["diff"]).fine();
    assert!(
        out.starts_with("shared items\n--- arcanary.yaml (HEAD)\n+++ arcanary.yaml\n@@ -6,1 +6,1 @@\n-  most: 5\n"),
        "{out}"
    );
    assert!(out.contains("\nuses value of param most\n") && !out.contains("shared:"), "{out}");
}

#[test]
fn a_target_that_the_project_takes_up_or_drops_shows_in_every_rule() {
    let place = committed();
    place.edit("arcanary.yaml", "[sentinel, sigma]", "[defender, sigma]");
    let told = json(&place, "HEAD");
    let packed = &told["rules"][PACKED_ID];
    assert_eq!(packed["changes"], serde_json::json!(["documents"]));
    assert_eq!(packed["status"]["defender"], serde_json::json!({ "before": "", "now": "exact" }));
    assert_eq!(packed["status"]["sentinel"], serde_json::json!({ "before": "exact", "now": "" }));
    let out = place.run(&["diff"]).fine();
    let line = "packed: documents changed; defender: nothing → exact; sentinel: exact → nothing\n";
    assert!(out.contains(line), "{out}");
    assert!(out.contains("\nquery on defender\n@@ -0,0 +") && !out.contains("query on sentinel"), "{out}");
    assert!(out.contains("\n  sentinel/packed.kql +0 −"), "{out}");
    assert_eq!(place.run(&["diff", "--target", "sigma"]).fine(), "");
}

/// A committed project with a changed rule, and the changed project once more in each of these folders.
#[cfg(unix)]
fn with_copies(folders: &[&str]) -> Place {
    let place = committed();
    place.git(&["update-ref", "refs/remotes/origin/main", "HEAD"]);
    place.edit("rules/packed.det", "level medium", "level high");
    place.write(".gitignore", "*\n");
    for folder in folders {
        for file in ["arcanary.yaml", "pack.lock", "rules/utilities.det", "rules/packed.det", "rules/shared.det"] {
            place.write(&format!("{folder}/{file}"), &place.read(file));
        }
    }
    place
}

#[cfg(unix)]
#[test]
fn a_folder_that_is_called_like_a_commit_hides_no_change() {
    let place = with_copies(&["HEAD", "origin/main", "refs/remotes/origin/main", "copy", "origin/main^0"]);
    let summary = |against: &[&str]| place.run(&[&["diff", "--exit-code"], against].concat()).err;
    let changed = "0 added, 1 changed, 0 removed\n";
    for commit in [&[][..], &["--against", "HEAD"], &["--against", "refs/remotes/origin/main"]] {
        assert!(summary(commit).ends_with(changed), "{commit:?}: {}", summary(commit));
    }
    let told = "`origin/main` is both a folder and a commit: write `./origin/main` for the folder, or `origin/main^0` or `refs/…` for the commit";
    assert!(summary(&["--against", "origin/main"]).contains(told), "{}", summary(&["--against", "origin/main"]));
    assert!(summary(&["--against", "origin/main^0"]).contains("is both a folder and a commit"));
    assert!(summary(&["--against", "origin/main~0"]).ends_with(changed));
    let whole = place.path("origin/main").display().to_string();
    for folder in ["./origin/main", "./HEAD", "origin/main/", "../", &whole, "copy", "./refs/remotes/origin/main"] {
        if folder != "../" {
            assert!(summary(&["--against", folder]).ends_with("0 added, 0 changed, 0 removed\n"), "{folder}");
        }
    }
    // Whether there is such a commit, a broken repository does not tell.
    let config = place.read(".git/config");
    place.write(".git/config", "[broken");
    assert!(summary(&["--against", "copy"]).contains("git does not tell whether it is a commit, too"));
    assert!(summary(&["--against", "./copy"]).ends_with("0 added, 0 changed, 0 removed\n"));
    place.write(".git/config", &config);
    // Without a repository a name is a folder's.
    std::fs::remove_dir_all(place.path(".git")).expect("removed");
    assert!(summary(&["--against", "origin/main"]).ends_with("0 added, 0 changed, 0 removed\n"));
}

#[cfg(unix)]
#[test]
fn files_of_a_commit_whose_names_other_systems_refuse_count_as_they_are() {
    let place = Place::project();
    place.git(&["init", "-q", "-b", "main"]);
    let third = |level: &str| {
        let rule = SHARED.replace("1a21", "1a22").replace("rule shared", "rule third");
        rule.replace("level low", &format!("level {level}"))
    };
    for path in ["rules/a:b.det", "rules/aux.det", "rules/x /y .det", "rules/a*b?.det"] {
        place.write(path, &third("low"));
        place.commit();
        let summary = || place.run(&["diff"]).err;
        assert_eq!(summary(), "against HEAD: 0 added, 0 changed, 0 removed\n", "{path}");
        place.write(path, &third("high"));
        assert_eq!(summary(), "against HEAD: 0 added, 1 changed, 0 removed\n", "{path}");
        place.remove(path);
        assert_eq!(summary(), "against HEAD: 0 added, 0 changed, 1 removed\n", "{path}");
    }
    // The whole project in such a folder.
    let odd = Place::empty();
    odd.git(&["init", "-q", "-b", "main"]);
    for file in ["arcanary.yaml", "rules/utilities.det", "rules/packed.det", "rules/shared.det"] {
        odd.write(&format!("SOC: win/{file}"), &place.read(file));
    }
    odd.commit();
    let ran = crate::place::run_in(&odd.path("SOC: win"), &["diff"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, "against HEAD: 0 added, 0 changed, 0 removed\n"));
}

#[cfg(unix)]
#[test]
fn links_and_submodules_of_a_commit_count_as_they_are() {
    let place = Place::project();
    place.git(&["init", "-q", "-b", "main"]);
    place.git(&["init", "-q", "inner"]);
    let inner = place.path("inner");
    place.write("inner/third.det", &SHARED.replace("1a21", "1a22").replace("rule shared", "rule third"));
    crate::place::git_in(&inner, &["add", "-A"]);
    crate::place::git_in(&inner, &["commit", "-qm", "x"]);
    place.edit("arcanary.yaml", "[rules]", "[rules, inner]");
    place.write("store/fourth.det", &SHARED.replace("1a21", "1a23").replace("rule shared", "rule fourth"));
    std::os::unix::fs::symlink("../store/fourth.det", place.path("rules/fourth.det")).expect("a link");
    place.commit();
    let summary = || place.run(&["diff"]).err;
    assert_eq!(summary(), "against HEAD: 0 added, 0 changed, 0 removed\n");
    place.edit("inner/third.det", "level low", "level high");
    place.edit("store/fourth.det", "level low", "level high");
    assert_eq!(summary(), "against HEAD: 0 added, 2 changed, 0 removed\n");
    // A project file behind a link out of the commit is an error, not a project that was not there.
    let project = place.read("arcanary.yaml");
    place.remove("arcanary.yaml");
    std::os::unix::fs::symlink("/etc/hostname", place.path("arcanary.yaml")).expect("a link");
    place.commit();
    place.remove("arcanary.yaml");
    place.write("arcanary.yaml", &project);
    assert!(place.run(&["diff"]).fails(2).contains("arcanary.yaml of `HEAD` is not a plain file, or is a link"));
}
