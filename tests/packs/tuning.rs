//! A tenant's project over a pack of others: what it tunes, what it may not, and what updates keep.

use crate::place::{Place, Ran, UTILITIES, git_in, run_in};
use arcanary::project::lock::Lock;
use serde_json::Value;
use std::fs;
use std::process::Command;

const PROJECT: &str = "name: ours\nversion: 0.1.0\nsources: [rules]\ntargets: [sentinel, sigma, splunk-4688]\n\
                       defaults: { author: Ours }\nparams: { many: 3 }\nskip:\n  - rules: [hashed]\n    targets: [splunk-4688]\n    \
                       because: no hashes there\n";
const PACKED: &str = r#"
rule packed {
  title "Archive with a Password" id 0e2a7c54-5f0b-4c8e-9d51-6f0b8f3b1a20 level medium os [windows]
  detect process where runs rar to create with password
  test "a password" fires process { executable 'C:\rar.exe', command_line 'rar a -px a.rar b' }
  test "recorded" fires events 'events/a.jsonl' as limacharlie
  test "none" silent process { executable 'C:\rar.exe', command_line 'rar a a.rar b' }
}
"#;
const OTHERS: &str = r#"
param many = 5
rule hashed {
  title "Known Hash" id 0e2a7c54-5f0b-4c8e-9d51-6f0b8f3b1a21 level low os [windows]
  detect process where process.name is "rar.exe" and process.hash.sha256 exists
}
rule counted {
  title "Many Archives" id 0e2a7c54-5f0b-4c8e-9d51-6f0b8f3b1a22 level low os [windows] author "A"
  detect count >= many by host within 1h of process where runs rar to create and not parent.name in trusted
  test "three" fires
    process { executable 'C:\rar.exe', command_line 'rar a a.rar b', parent.executable 'C:\cmd.exe' }
    +1s process { executable 'C:\rar.exe', command_line 'rar a b.rar b', parent.executable 'C:\cmd.exe' }
    +2s process { executable 'C:\rar.exe', command_line 'rar a c.rar b', parent.executable 'C:\cmd.exe' }
}
list trusted = ["agent.exe"]
"#;
const RECORDED: &str = "{\"event\": {\"FILE_PATH\": \"C:\\\\rar.exe\", \"COMMAND_LINE\": \"rar a -px b c\", \"PARENT\": \
                        {\"FILE_PATH\": \"C:\\\\agent\\\\run.exe\"}}, \"routing\": {\"event_type\": \"NEW_PROCESS\", \
                        \"event_time\": 1773901779334, \"plat\": 268435456, \"hostname\": \"a\"}}\n";

/// Two projects and a repository: `ours` is published, `theirs` stands on what was fetched of it.
struct Tenant(Place);

impl Tenant {
    fn new() -> Tenant {
        let tenant = Tenant(Place::empty());
        let place = &tenant.0;
        place.git(&["init", "-q", "--bare", "-b", "main", "hub.git"]);
        place.write("ours/arcanary.yaml", PROJECT);
        place.write("ours/rules/utilities.det", UTILITIES);
        place.write("ours/rules/packed.det", PACKED);
        place.write("ours/rules/others.det", OTHERS);
        place.write("ours/events/a.jsonl", RECORDED);
        tenant.publish(&[]);
        place.write(
            "theirs/arcanary.yaml",
            "name: theirs\nversion: 0.1.0\npacks: [upstream]\ntargets: [sentinel, sigma]\nout: build\n",
        );
        tenant.tune("");
        tenant.fetch();
        tenant
    }

    /// Moves the pack's versions, and publishes it.
    #[track_caller]
    fn publish(&self, removal: &[&str]) {
        let ours = self.0.path("ours");
        run_in(&ours, &[&["pack", "--bump"], removal].concat()).fine();
        run_in(&ours, &["publish", "--repo", "../hub.git", "--allow-dirty"]).fine();
    }

    #[track_caller]
    fn fetch(&self) {
        self.run(&["fetch-pack", "--repo", "../hub.git", "--sources", "--out", "upstream"]).fine();
    }

    fn tune(&self, text: &str) {
        self.0.write("theirs/tuning.det", text);
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        run_in(&self.0.path("theirs"), arguments)
    }

    fn read(&self, file: &str) -> String {
        self.0.read(&format!("theirs/{file}"))
    }

    fn version(&self, rule: &str) -> String {
        let lock = Lock::parse(&self.read("pack.lock")).expect("a lock");
        lock.rules.into_iter().find(|r| r.rule == rule).expect("the rule").version.to_string()
    }

    #[track_caller]
    fn bump(&self) -> String {
        self.run(&["pack", "--bump"]).fine()
    }
}

const LOW: &str = "tune packed { level low\n  except \"Agents\" because \"case 1\" until 2027-12-31 where parent.name is \"agent.exe\"\n}\n";

#[test]
fn an_update_replaces_the_pack_and_keeps_the_tuning() {
    let tenant = Tenant::new();
    tenant.tune(LOW);
    tenant.run(&["build"]).fine();
    let before = tenant.read("build/sigma/packed.yml");
    assert!(before.contains("level: low") && before.contains("filter_optional_agents"), "{before}");
    tenant.0.edit("ours/rules/packed.det", "Archive with", "RAR Archive with");
    tenant.0.edit("ours/rules/packed.det", "level medium", "level high");
    tenant.publish(&[]);
    tenant.fetch();
    assert_eq!(tenant.read("tuning.det"), LOW);
    tenant.run(&["test"]).fine();
    tenant.run(&["build"]).fine();
    assert_eq!(tenant.read("build/sigma/packed.yml"), before.replace("Archive with", "RAR Archive with"));
}

#[test]
fn defaults_params_and_skips_of_a_pack_hold_for_its_rules_and_the_projects_own_come_on_top() {
    let tenant = Tenant::new();
    tenant.0.edit("theirs/arcanary.yaml", "[sentinel, sigma]", "[sentinel, splunk-4688]\ndefaults: { author: Theirs }");
    tenant.0.write(
        "theirs/own.det",
        &PACKED
            .replace("rule packed", "rule own")
            .replace("title \"", "title \"Our ")
            .replace("1a20", "1a29")
            .replace("'events/a", "'upstream/events/a"),
    );
    let said = tenant.run(&["check"]).err;
    assert!(
        said.ends_with(
            "0 errors, 1 warning; for details run `arcanary explain W0006`\n4 rules for 2 targets: no errors\n"
        ),
        "{said}"
    );
    assert!(said.contains("warning[W0006]: the searches of `splunk-4688` name no index"), "{said}");
    tenant.run(&["build"]).fine();
    assert!(tenant.read("build/sentinel/packed.kql").contains("// author: Ours\n"));
    assert!(tenant.read("build/sentinel/own.kql").contains("// author: Theirs\n"));
    assert!(tenant.read("build/sentinel/counted.kql").contains(">= 3"));
    let manifest: Value = serde_json::from_str(&tenant.read("build/manifest.json")).expect("JSON");
    assert_eq!(manifest["targets"]["splunk-4688"]["hashed"]["notes"][0], "no hashes there");
    tenant.0.edit("theirs/arcanary.yaml", "out: build", "out: build\nparams: { many: 2 }");
    tenant.run(&["build"]).fine();
    assert!(tenant.read("build/sentinel/counted.kql").contains(">= 2"));
}

#[test]
fn recordings_are_found_in_the_folder_of_the_pack_or_project_that_names_them() {
    let tenant = Tenant::new();
    tenant.0.write("theirs/events/b.jsonl", &RECORDED.replace("run.exe", "agent.exe"));
    tenant.tune(
        &format!("{}  tune_test", LOW.trim_end().trim_end_matches('}'))
            .replace("tune_test", "test \"theirs\" excepted by \"Agents\" events 'events/b.jsonl' as limacharlie\n}\n"),
    );
    assert!(tenant.run(&["test"]).err.contains("5 tests: 5 passed"), "{}", tenant.run(&["test"]).err);
    // From elsewhere, too.
    run_in(&tenant.0.path("ours"), &["test", "../theirs"]).fine();
    // And from the release of who stands on it.
    tenant.bump();
    tenant.run(&["pack"]).fine();
    tenant.0.git(&["init", "-q", "--bare", "-b", "main", "next.git"]);
    tenant.run(&["publish", "--repo", "../next.git", "--allow-dirty"]).fine();
    tenant.0.write("third/arcanary.yaml", "name: third\nversion: 0.1.0\npacks: [theirs]\ntargets: [sigma]\n");
    let third = tenant.0.path("third");
    run_in(&third, &["fetch-pack", "--repo", "../next.git", "--sources", "--out", "theirs"]).fine();
    assert!(tenant.0.path("third/theirs/upstream/events/a.jsonl").is_file());
    assert!(run_in(&third, &["test"]).err.contains("5 tests: 5 passed"), "{}", run_in(&third, &["test"]).err);
    assert_eq!(run_in(&third, &["check"]).err, "3 rules for 1 target: no errors\n");
}

#[test]
fn a_pack_that_is_not_as_it_was_fetched_is_refused() {
    let tenant = Tenant::new();
    let says = |says: &str| {
        let err = tenant.run(&["check"]).fails(2);
        assert!(err.contains("error[E0810]") && err.contains(says) && err.contains("arcanary.yaml:3"), "{err}");
    };
    let det = tenant.read("upstream/rules/packed.det");
    tenant.0.edit("theirs/upstream/rules/packed.det", "level medium", "level low");
    says("`rules/packed.det` was edited since it was fetched");
    tenant.0.remove("theirs/upstream/rules/packed.det");
    says("`rules/packed.det` is missing");
    tenant.0.write("theirs/upstream/rules/packed.det", &det);
    tenant.0.write("theirs/upstream/rules/.packed.det.swp", "an editor's");
    tenant.run(&["check"]).fine();
    tenant.0.write("theirs/upstream/rules/more.det", "");
    says("`rules/more.det` does not belong to the pack");
    tenant.0.remove("theirs/upstream/.arcanary-pack.json");
    says("it has no .arcanary-pack.json");
    tenant.0.edit("theirs/arcanary.yaml", "[upstream]", "[downstream]");
    says("there is no such folder");
}

#[test]
fn a_pack_stays_as_it_was_fetched_in_a_clone_where_git_changes_line_ends() {
    let tenant = Tenant::new();
    let crlf = tenant.0.read("ours/rules/packed.det").replace('\n', "\r\n");
    tenant.0.write("ours/rules/packed.det", &crlf);
    tenant.0.edit("ours/rules/packed.det", "level medium", "level high");
    tenant.publish(&[]);
    tenant.fetch();
    for (setting, attributes) in [("true", ""), ("false", "* text eol=lf\n"), ("false", "* text eol=crlf\n")] {
        tenant.0.write("theirs/.gitattributes", attributes);
        let theirs = tenant.0.path("theirs");
        git_in(&theirs, &["init", "-q", "-b", "main"]);
        git_in(&theirs, &["-c", &format!("core.autocrlf={setting}"), "add", "-A"]);
        git_in(&theirs, &["commit", "-q", "-m", "all"]);
        let clone = ["-c", &format!("core.autocrlf={setting}"), "clone", "-q", "theirs", "clone"];
        tenant.0.git(&clone);
        let changed = attributes != "* text eol=lf\n";
        assert_eq!(tenant.0.read("clone/arcanary.yaml").contains('\r'), changed, "git changes line ends");
        assert_eq!(tenant.0.read("clone/upstream/rules/packed.det"), tenant.read("upstream/rules/packed.det"));
        run_in(&tenant.0.path("clone"), &["check"]).fine();
        fs::remove_dir_all(tenant.0.path("clone")).expect("removed");
        fs::remove_dir_all(tenant.0.path("theirs/.git")).expect("removed");
    }
    // An update knows the file that says so, and leaves what somebody added to it.
    tenant.0.edit("theirs/upstream/.gitattributes", "* -text", "* -text linguist-vendored");
    tenant.fetch();
    assert!(tenant.read("upstream/.gitattributes").ends_with("\n* -text linguist-vendored\n"));
}

#[test]
fn hidden_files_stop_no_update_and_outlive_it_and_a_repository_is_never_replaced() {
    let tenant = Tenant::new();
    tenant.0.write("theirs/upstream/.DS_Store", "a system's");
    tenant.0.write("theirs/upstream/rules/.idea/a.xml", "an editor's");
    #[cfg(unix)]
    let mode = |mode: Option<u32>| {
        use std::os::unix::fs::PermissionsExt as _;
        let path = tenant.0.path("theirs/upstream/.DS_Store");
        if let Some(mode) = mode {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("a mode");
        }
        fs::metadata(&path).expect("a file").permissions().mode() & 0o777
    };
    #[cfg(unix)]
    mode(Some(0o600));
    tenant.0.edit("ours/rules/packed.det", "level medium", "level high");
    tenant.publish(&[]);
    tenant.run(&["check"]).fine();
    tenant.fetch();
    assert!(tenant.read("upstream/rules/packed.det").contains("level high"));
    assert_eq!(tenant.read("upstream/.DS_Store"), "a system's");
    #[cfg(unix)]
    assert_eq!(mode(None), 0o600, "what nobody but the user may read stays so");
    assert_eq!(tenant.read("upstream/rules/.idea/a.xml"), "an editor's");
    tenant.run(&["check"]).fine();
    git_in(&tenant.0.path("theirs/upstream"), &["init", "-q"]);
    let again = ["fetch-pack", "--repo", "../hub.git", "--sources", "--out", "upstream"];
    assert!(tenant.run(&again).fails(2).contains("`.git/HEAD` does not belong to the pack"));
    assert!(tenant.0.path("theirs/upstream/.git/HEAD").is_file());
}

#[test]
fn a_fetched_pack_that_the_project_does_not_name_is_told_and_not_taken_for_its_own() {
    let tenant = Tenant::new();
    let own = PACKED.replace("rule packed", "rule own").replace("1a20", "1a29").replace("test \"recorded\"", "// ");
    tenant.tune(&format!("{UTILITIES}{own}"));
    for named in ["", "sources: [upstream, tuning.det]\n"] {
        tenant.0.write("theirs/arcanary.yaml", &format!("name: theirs\nversion: 0.1.0\n{named}targets: [sigma]\n"));
        for command in [&["check"][..], &["build"], &["pack", "--bump"]] {
            let err = tenant.run(command).fails(2);
            assert!(
                err.contains("error[E0810]: `upstream` is a fetched pack that arcanary.yaml does not list"),
                "{err}"
            );
            assert!(err.contains("`packs: [upstream]`") && err.contains("1 error"), "{err}");
        }
    }
    tenant.0.write("theirs/arcanary.yaml", "name: theirs\nversion: 0.1.0\nsources: [tuning.det]\ntargets: [sigma]\n");
    assert_eq!(tenant.run(&["check"]).err, "1 rule for 1 target: no errors\n", "who does not read it may have it");
    // In its own folder it is a project like any other, and so are packs beside files of no project.
    run_in(&tenant.0.path("theirs/upstream"), &["test"]).fine();
    tenant.run(&["check", "upstream"]).fine();
    tenant.0.remove("theirs/arcanary.yaml");
    tenant.0.remove("theirs/tuning.det");
    let err = tenant.run(&["check", "."]).err;
    assert!(err.contains("upstream/rules/others.det") && !err.contains("E0810"), "{err}");
}

#[cfg(unix)]
#[test]
fn a_link_to_a_folder_around_it_adds_nothing_and_one_to_another_folder_is_read() {
    let place = Place::project();
    let check = || place.run(&["check"]).err;
    std::os::unix::fs::symlink(".", place.path("rules/loop")).expect("a link");
    std::os::unix::fs::symlink("../rules", place.path("rules/again")).expect("a link");
    assert_eq!(check(), "2 rules for 2 targets: no errors\n");
    let third = crate::place::PACKED.replace("rule packed", "rule third").replace("1a20", "1a22");
    place.write("elsewhere/third.det", &third.replace("Archive with", "One with"));
    std::os::unix::fs::symlink("../elsewhere", place.path("rules/third")).expect("a link");
    assert_eq!(check(), "3 rules for 2 targets: no errors\n");
}

#[test]
fn findings_about_the_project_file_point_at_the_word_they_mean() {
    let place = Place::project();
    let says = |more: &str, code: &str, at: &str| {
        place.write("arcanary.yaml", &format!("name: printers-a\nversion: 0.1.0\ntargets: [sigma]\n{more}\n"));
        let err = place.run(&["check"]).err;
        assert!(err.contains(code) && err.contains(&format!("arcanary.yaml:{at}\n")), "{err}");
    };
    says("skip:\n  - { rules: [print], targets: [sigma], because: print }", "W0002", "5:15");
    says("packs: [a]", "E0810", "4:9");
    says("params: { sigma: 3 }", "E0201", "4:11");
    says("sources: [print]", "E0803", "4:11");
    says("defaults: { status: bogus }", "`status` under `defaults` takes one of experimental", "4:21");
    says("defaults: { author: A, date: 2026-13-40 }", "`date` under `defaults` takes a day", "4:30");
    says("defaults: { date: '0000-01-01' }", "`date` under `defaults` takes a day", "4:19");
    says("defaults: { author: \"A\\nlevel: low\" }", "`author` under `defaults` takes text of one line", "4:21");
    says("defaults: { license: ' ' }", "`license` under `defaults` takes text of one line", "4:22");
}

#[test]
fn fmt_and_the_projects_own_folder_leave_a_pack_alone() {
    let tenant = Tenant::new();
    for paths in [&["fmt"][..], &["fmt", "."], &["fmt", "../theirs"]] {
        tenant.run(paths).fine();
        assert_eq!(tenant.read("upstream/rules/packed.det"), PACKED);
    }
    assert_eq!(tenant.run(&["check"]).err, "3 rules for 2 targets: no errors\n");
}

#[test]
fn an_exception_that_silences_a_test_of_the_pack_stops_check_build_and_pack() {
    let tenant = Tenant::new();
    tenant.bump();
    tenant.tune("tune packed { except \"Runner\" because \"case 1\" where parent.name is \"run.exe\" }\n");
    for command in [&["check"][..], &["build"], &["pack"], &["build", "--print"], &["check", "tuning.det"]] {
        let ran = tenant.run(command);
        assert_eq!(ran.out, "");
        let err = ran.fails(2);
        assert!(err.contains("error[E0706]: a tune suppresses test \"recorded\" of `packed`"), "{err}");
        assert!(err.contains("tuning.det:1:22") && err.contains("upstream/rules/packed.det:6:8"), "{err}");
    }
    assert!(!tenant.0.path("theirs/build").exists() && !tenant.0.path("theirs/dist").exists());
}

#[test]
fn a_param_or_an_extend_that_silences_a_test_of_the_pack_is_an_error_too() {
    let tenant = Tenant::new();
    tenant.0.edit("theirs/arcanary.yaml", "out: build", "out: build\nparams: { many: 4 }");
    let err = tenant.run(&["check"]).fails(2);
    assert!(err.contains("error[E0706]: test \"three\" of `counted` no longer fires"), "{err}");
    assert!(err.contains("it fired when ours 0.1.0 was released"), "{err}");
    tenant.0.edit("theirs/arcanary.yaml", "many: 4", "many: 2");
    tenant.run(&["check"]).fine();
    tenant.tune("extend trusted with [\"cmd.exe\"]\n");
    assert!(tenant.run(&["check"]).fails(2).contains("error[E0706]"));
}

#[test]
fn a_tuned_rule_that_upstream_removed_is_told_with_its_reason_and_leaves_the_pack_s_tombstone() {
    let tenant = Tenant::new();
    tenant.tune(LOW);
    tenant.bump();
    tenant.0.remove("ours/rules/packed.det");
    tenant.publish(&["--remove", "packed", "--because", "too loud", "--date", "2026-11-20"]);
    tenant.fetch();
    let err = tenant.run(&["check"]).fails(2);
    assert!(err.contains("error[E0705]: the tuned rule `packed` is gone"), "{err}");
    assert!(err.contains("tuning.det:1:6") && err.contains("ours removed it on 2026-11-20: too loud"), "{err}");
    tenant.tune("");
    assert_eq!(tenant.bump(), "packed 1.0.0: removed: too loud\ntheirs 0.1.0 → 0.2.0\n");
    let lock = Lock::parse(&tenant.read("pack.lock")).expect("a lock");
    assert_eq!((lock.removed[0].rule.as_str(), lock.removed[0].date.as_str()), ("packed", "2026-11-20"));
    // Who does not take the pack any more has to say so.
    tenant.0.edit("theirs/arcanary.yaml", "packs: [upstream]\n", "sources: [own.det]\n");
    tenant.0.write(
        "theirs/own.det",
        &format!(
            "{UTILITIES}{}",
            PACKED
                .replace("1a20", "1a29")
                .replace("rule packed", "rule own")
                .replace("'events/a", "'upstream/events/a")
        ),
    );
    assert!(tenant.run(&["pack", "--bump"]).fails(2).contains("`counted` was removed without a tombstone"));
}

#[test]
fn a_tuned_rule_that_upstream_renamed_is_told_with_its_name_now() {
    let tenant = Tenant::new();
    tenant.tune(LOW);
    tenant.0.edit("ours/rules/packed.det", "rule packed", "rule rar_packed");
    tenant.publish(&[]);
    tenant.0.edit("ours/rules/packed.det", "rule rar_packed", "rule packed_by_rar");
    tenant.publish(&[]);
    tenant.fetch();
    let err = tenant.run(&["check"]).fails(2);
    assert!(
        err.contains("ours renamed it to `packed_by_rar`") && err.contains("tune packed_by_rar { level low"),
        "{err}"
    );
}

#[test]
fn a_pack_leads_nowhere_out_of_its_folder() {
    let tenant = Tenant::new();
    let place = &tenant.0;
    place.write("theirs/secret.jsonl", RECORDED);
    place.write("theirs/secret/own.det", "list own = [\"x\"]");
    let hash = |text: &str| arcanary::hash::of_bytes(text.as_bytes());
    // A pack that somebody made by hand, with a receipt that fits.
    let pack = |config: &str, det: &str| {
        fs::remove_dir_all(place.path("theirs/upstream")).expect("removed");
        place.write("theirs/upstream/arcanary.yaml", config);
        place.write("theirs/upstream/rules/a.det", det);
        let files = serde_json::json!({ "arcanary.yaml": hash(config), "rules/a.det": hash(det) });
        let receipt = serde_json::json!({ "pack": "evil", "version": "1.0.0", "files": files });
        place.write("theirs/upstream/.arcanary-pack.json", &receipt.to_string());
    };
    place.edit("theirs/arcanary.yaml", "out: build", "out: build\nsources: [tuning.det]");
    let det = format!("{UTILITIES}{}", PACKED.replace("events/a.jsonl", "../secret.jsonl"));
    pack("sources: [rules, ../secret]", &det);
    assert!(tenant.run(&["test"]).fails(2).contains("error[E0503]: a recorded event lies inside the project"));
    pack("sources: [rules, ../secret]", &det.replace("../secret", "secret").replace("test \"recorded\"", "// test"));
    let err = tenant.run(&["check"]).err;
    assert_eq!(err, "1 rule for 2 targets: no errors\n");
    pack("packs: [../../ours]", &det);
    let err = tenant.run(&["check"]).fails(2);
    assert!(err.contains("error[E0810]: `upstream/../../ours` is not a folder below the project's"), "{err}");
    place.edit("theirs/arcanary.yaml", "[upstream]", "[../ours]");
    assert!(tenant.run(&["check"]).fails(2).contains("`../ours` is not a folder below the project's"));
}

#[test]
fn metadata_moves_the_patch_logic_the_minor_version_and_none_falls_behind_the_pack() {
    let tenant = Tenant::new();
    tenant.0.edit("ours/rules/packed.det", "level medium", "level high");
    tenant.publish(&[]);
    tenant.fetch();
    // The pack has it as 1.0.1.
    tenant.bump();
    assert_eq!((tenant.version("packed"), tenant.version("counted")), ("1.0.1".into(), "1.0.0".into()));
    tenant.tune("tune packed { level low }\n");
    assert_eq!(tenant.bump(), "packed 1.0.1 → 1.0.2: metadata changed\ntheirs 0.1.0 → 0.1.1\n");
    tenant.tune(LOW);
    assert_eq!(tenant.bump(), "packed 1.0.2 → 1.1.0: logic changed\ntheirs 0.1.1 → 0.2.0\n");
    tenant.0.edit("ours/rules/packed.det", "with password", "with password and argument exists");
    tenant.publish(&[]);
    tenant.0.edit("ours/rules/packed.det", " and argument exists", "");
    tenant.publish(&[]);
    tenant.fetch();
    // The pack has it as 1.2.0 now.
    let told = tenant.bump();
    assert!(told.starts_with("packed 1.1.0 → 1.2.0: ") && told.ends_with("theirs 0.2.0 → 0.2.1\n"), "{told}");
    assert_eq!(tenant.bump(), "theirs 0.2.1: no changes\n");
    tenant.run(&["check", "--locked"]).fine();
}

#[test]
fn the_lock_tells_which_packs_were_built() {
    let tenant = Tenant::new();
    tenant.bump();
    tenant.run(&["check", "--locked"]).fine();
    tenant.0.edit("ours/rules/packed.det", "test \"none\"", "test \"no password\"");
    tenant.0.edit("ours/arcanary.yaml", "version: 0.1.0", "version: 0.1.1");
    tenant.publish(&[]);
    tenant.fetch();
    let err = tenant.run(&["check", "--locked"]).fails(1);
    assert!(err.contains("error[E0806]: the project's packs do not match the lock"), "{err}");
    assert!(err.contains("- ours 0.1.0, sha256:") && err.contains("+ ours 0.1.1, sha256:"), "{err}");
    assert_eq!(tenant.bump(), "theirs 0.1.0 → 0.1.1\n");
    tenant.run(&["check", "--locked"]).fine();
}

#[test]
fn a_rule_that_is_switched_off_goes_everywhere_and_says_why_without_a_tombstone() {
    let tenant = Tenant::new();
    tenant.0.git(&["init", "-q", "--bare", "-b", "main", "docs.git"]);
    tenant.bump();
    tenant.run(&["build"]).fine();
    tenant.run(&["publish", "--repo", "../docs.git", "--allow-dirty"]).fine();
    let theirs = tenant.0.path("theirs");
    git_in(&theirs, &["init", "-q"]);
    git_in(&theirs, &["add", "-A"]);
    git_in(&theirs, &["commit", "-q", "-m", "a commit"]);
    tenant.tune("tune packed { disable because \"all of them pack\" until 2027-01-31 }\n");
    let ran = tenant.run(&["build"]);
    assert!(ran.err.ends_with("packed is disabled: all of them pack (until 2027-01-31)\n"), "{}", ran.err);
    ran.fine();
    assert!(!tenant.0.path("theirs/build/sigma/packed.yml").exists());
    let manifest: Value = serde_json::from_str(&tenant.read("build/manifest.json")).expect("JSON");
    let entry = &manifest["targets"]["sigma"]["packed"];
    assert_eq!(
        (&entry["status"], &entry["notes"][0]),
        (&"disabled".into(), &"all of them pack (until 2027-01-31)".into())
    );
    let diff = tenant.run(&["diff"]).fine();
    let says =
        "packed: disabled: all of them pack (until 2027-01-31); metadata changed (disable); sentinel: exact → disabled";
    assert!(diff.contains(says), "{diff}");
    assert!(diff.contains("\n--- tuning.det (HEAD)\n") && diff.contains("\n  sigma/packed.yml +0 −"), "{diff}");
    assert!(tenant.bump().starts_with("packed 1.0.0 → 1.1.0: disabled: all of them pack (until 2027-01-31)\n"));
    assert!(Lock::parse(&tenant.read("pack.lock")).expect("a lock").removed.is_empty());
    tenant.run(&["publish", "--repo", "../docs.git", "--allow-dirty"]).fine();
    let files = git_in(&tenant.0.path("docs.git"), &["ls-tree", "-r", "--name-only", "main"]);
    assert!(
        !files.contains("theirs/documents/sigma/packed.yml") && files.contains("theirs/documents/sigma/counted.yml"),
        "{files}"
    );
    let message = git_in(&tenant.0.path("docs.git"), &["log", "-1", "--format=%B", "main"]);
    assert!(message.contains("logic: `packed` 1.0.0 → 1.1.0: disabled: all of them pack"), "{message}");
}

#[test]
fn exceptions_are_named_in_every_document_with_their_reason_and_their_day() {
    let tenant = Tenant::new();
    tenant.0.edit("theirs/arcanary.yaml", "[sentinel, sigma]", "[sentinel, defender, splunk-sysmon, sigma]");
    tenant.tune(LOW);
    tenant.run(&["build", "--document", "query,sentinel-hunting,sigma-filters"]).fine();
    let line = "except \"Agents\": case 1 (until 2027-12-31)";
    for file in ["sentinel/packed.kql", "defender/packed.kql", "splunk-sysmon/packed.spl", "sigma/packed.yml"] {
        assert!(tenant.read(&format!("build/{file}")).contains(line), "{file}");
    }
    let manifest: Value = serde_json::from_str(&tenant.read("build/manifest.json")).expect("JSON");
    let entry = &manifest["targets"]["sigma"]["packed"];
    let expected =
        serde_json::json!([{ "title": "Agents", "because": "case 1", "until": "2027-12-31", "tuned": true }]);
    assert_eq!((&entry["exceptions"], &entry["tuned"]), (&expected, &serde_json::json!(["level"])));
    let said = tenant.run(&["explain", "packed", "--target", "sigma"]).fine();
    assert!(
        said.contains("Set by a tune: level.")
            && said.contains("Except \"Agents\" (case 1, until 2027-12-31, by a tune)"),
        "{said}"
    );
    tenant.bump();
    tenant.run(&["pack"]).fine();
    let manifest: Value = serde_json::from_str(&tenant.read("dist/manifest.json")).expect("JSON");
    let rule = &manifest["rules"]["0e2a7c54-5f0b-4c8e-9d51-6f0b8f3b1a20"];
    assert_eq!((&rule["exceptions"], &rule["tuned"]), (&expected, &serde_json::json!(["level"])));
    tenant.0.write("events.jsonl", &RECORDED.replace("run.exe", "agent.exe"));
    let seen = tenant.run(&["eval", "--events", "../events.jsonl", "--rule", "packed", "--show-excepted"]).fine();
    assert!(seen.contains("Agents"), "{seen}");
}

#[test]
fn the_day_is_asked_for_or_that_of_the_sources_and_no_clock_s() {
    let tenant = Tenant::new();
    tenant.tune(&LOW.replace("2027-12-31", "2026-01-31"));
    assert_eq!(tenant.run(&["check"]).err, "3 rules for 2 targets: no errors\n");
    assert_eq!(tenant.run(&["check", "--today", "2026-01-31"]).err, "3 rules for 2 targets: no errors\n");
    let ran = tenant.run(&["check", "--today", "2026-02-01"]);
    assert!(ran.err.contains("warning[W0003]: exception `Agents` expired on 2026-01-31"), "{}", ran.err);
    ran.fine();
    assert!(tenant.run(&["check", "--today", "soon"]).fails(2).contains("expected a day, such as 2026-11-20"));
    let program = |epoch: Option<&str>| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_arcanary"));
        command.arg("check").current_dir(tenant.0.path("theirs")).env_remove("SOURCE_DATE_EPOCH");
        epoch.iter().for_each(|seconds| {
            command.env("SOURCE_DATE_EPOCH", seconds);
        });
        String::from_utf8(command.output().expect("started").stderr).expect("UTF-8")
    };
    assert!(program(Some("1795219200")).contains("it is 2026-11-21, and the exception still applies"));
    for wrong in ["", "soon", "9223372036854775807"] {
        assert!(
            program(Some(wrong)).contains("error[E0815]: SOURCE_DATE_EPOCH must be a number of seconds"),
            "{wrong}"
        );
    }
    let theirs = tenant.0.path("theirs");
    git_in(&theirs, &["init", "-q"]);
    git_in(&theirs, &["add", "-A"]);
    let mut commit = Command::new("git");
    commit.args(["-c", "user.name=A", "-c", "user.email=a@example.org", "commit", "-q", "-m", "a commit"]);
    commit.env("GIT_COMMITTER_DATE", "2026-03-04T23:59:59Z").current_dir(&theirs);
    assert!(commit.status().expect("git").success());
    assert!(program(None).contains("it is 2026-03-04, and the exception still applies"), "{}", program(None));
}

#[test]
fn what_upstream_takes_up_is_a_warning_and_the_update_still_builds() {
    let tenant = Tenant::new();
    tenant.tune(LOW);
    tenant.0.edit(
        "ours/rules/packed.det",
        "\n  test \"a password\"",
        "\n  except \"Packers\" because \"they pack\" where parent.name starts with \"agent\"\n  test \"a password\"",
    );
    tenant.publish(&[]);
    tenant.fetch();
    let ran = tenant.run(&["build"]);
    assert!(ran.err.contains("warning[W0004]: exception `Agents` of `packed` is no longer needed"), "{}", ran.err);
    assert!(ran.err.contains("the rule's own exceptions already cover it"), "{}", ran.err);
    ran.fine();
    assert!(fs::exists(tenant.0.path("theirs/build/sigma/packed.yml")).expect("a folder"));
}
