//! `pack.lock`, and how versions move.

use crate::place::{PACKED, Place, SHARED, run_in};
use arcanary::project::lock::{Change, Lock};

fn lock(place: &Place) -> Lock {
    Lock::parse(&place.read("pack.lock")).expect("a lock")
}

fn version(place: &Place, rule: &str) -> String {
    let lock = lock(place);
    lock.rules.iter().find(|r| r.rule == rule).unwrap_or_else(|| panic!("{rule}")).version.to_string()
}

fn hashes(place: &Place, rule: &str) -> (String, String) {
    let lock = lock(place);
    let rule = lock.rules.into_iter().find(|r| r.rule == rule).expect("a rule");
    (rule.logic, rule.text)
}

#[test]
fn the_first_lock_keeps_the_projects_version_and_begins_each_rule_at_one() {
    let place = Place::project();
    let ran = place.run(&["pack", "--bump"]);
    let next = "next: run `arcanary build`, review its changes, and commit them with the rules and pack.lock\n";
    assert!(ran.err.ends_with(next), "{}", ran.err);
    assert_eq!(ran.fine(), "packed 1.0.0: new\nshared 1.0.0: new\nacme 0.1.0: 2 rules\n");
    let lock = lock(&place);
    assert_eq!(lock.version.to_string(), "0.1.0");
    let documents = &lock.rules[0].documents;
    assert!(documents.contains_key("sentinel/packed.kql") && documents.contains_key("sigma/packed.yml"));
    assert!(documents.keys().all(|path| !path.contains("shared")), "{documents:?}");
    let text = place.read("pack.lock");
    let again = place.run(&["pack", "--bump"]);
    assert_eq!((again.err.as_str(), again.out.as_str()), ("", "acme 0.1.0: no changes\n"));
    assert_eq!(place.read("pack.lock"), text);
}

#[test]
fn comments_layout_tests_lets_and_the_order_of_operands_change_nothing() {
    let place = Place::locked();
    let before = place.read("pack.lock");
    place.edit("rules/packed.det", "detect process where", "// why\n  detect\n process where");
    place.edit("rules/packed.det", "test \"none\"", "test \"nothing\"");
    place.edit(
        "rules/shared.det",
        "runs rar to create and argument under any shares",
        "on_share and runs rar to create",
    );
    place.edit("rules/utilities.det", r"['\\srv\a', '\\srv\b']", r"['\\srv\b', '\\srv\a']");
    place.write("rules/lets.det", "let on_share = argument under any shares");
    place.run(&["pack", "--bump"]).fine();
    let (old, new) = (Lock::parse(&before).expect("a lock"), lock(&place));
    for (old, new) in old.rules.iter().zip(&new.rules) {
        assert_eq!((&old.logic, &old.text), (&new.logic, &new.text), "{}", old.rule);
    }
    assert_eq!(version(&place, "packed"), "1.0.0");
}

#[test]
fn each_part_of_what_a_rule_means_changes_its_logic_alone() {
    let count = "detect count >= 5 by host within 1h of process where runs rar to create";
    let sequence = "detect sequence by host within 5m {\n a: process where runs rar to create\n\
                    c: process where process.name is \"a.exe\"\n\
                    b: file where file.action is created and file.extension is \"rar\" }";
    let score = "detect process where runs rar to create\n flag a weight 2 = argument is \"-r\"\n\
                 flag b weight 2 = argument is \"-s\"\n threshold 2";
    let except = "except \"x\" because \"y\" where user.name is \"backup\"";
    let pairs = [
        (count.to_owned(), count.replace("1h", "2h")),
        (count.to_owned(), count.replace(">= 5", ">= 6")),
        (count.to_owned(), count.replace("by host", "by host, user.name")),
        (
            count.to_owned(),
            count
                .replace("count", "distinct file.path")
                .replace("process where runs rar to create", "file where file.action is created"),
        ),
        (sequence.to_owned(), sequence.replace("sequence", "together")),
        (sequence.to_owned(), sequence.replace("5m", "6m")),
        (sequence.to_owned(), sequence.replace("b: file", "optional b: file")),
        (sequence.to_owned(), sequence.replace("\"rar\"", "\"zip\"")),
        (score.to_owned(), score.replace("threshold 2", "threshold 3")),
        (score.to_owned(), score.replace("b weight 2", "b weight 3")),
        (score.to_owned(), score.replace("flag b", "flag c")),
        (format!("{score} {except}"), format!("{score} {}", except.replace("\"backup\"", "\"other\""))),
        (format!("{score} {except}"), format!("{score} {}", except.replace("where user", "where not user"))),
        (score.to_owned(), score.replace("runs rar", "parent runs rar")),
        (score.to_owned(), score.replace("is \"-r\"", "is cased \"-r\"")),
        (score.to_owned(), score.replace("is \"-s\"", "starts with \"-s\"")),
    ];
    for (before, after) in pairs {
        assert_ne!(before, after);
        let place = Place::project();
        let rule = |entries: &str| {
            format!(
                "rule r {{ title \"R\" id 00000000-0000-4000-8000-000000000001 level low os [windows]\n{entries}\n}}"
            )
        };
        place.edit("arcanary.yaml", "[sentinel, sigma]", "[sentinel]");
        place.write("rules/r.det", &rule(&before));
        place.run(&["pack", "--bump"]).fine();
        let (logic, text) = hashes(&place, "r");
        place.write("rules/r.det", &rule(&after));
        place.run(&["pack", "--bump"]).fine();
        let now = hashes(&place, "r");
        assert_ne!(now.0, logic, "{before}\n{after}");
        assert_eq!(now.1, text, "{before}\n{after}");
        assert_eq!(version(&place, "r"), "1.1.0");
    }
}

#[test]
fn what_a_utility_list_or_param_brings_in_changes_the_logic_of_the_rules_that_use_it() {
    let place = Place::locked();
    place.edit("rules/utilities.det", r"'\\srv\b'", r"'\\srv\c'");
    let told = place.run(&["pack", "--bump"]).fine();
    assert_eq!(told, "shared 1.0.0 → 1.1.0: logic changed\nacme 0.1.0 → 0.2.0\n");
    place.edit("rules/utilities.det", "image [\"rar.exe\"]", "image [\"rar.exe\", \"winrar.exe\"]");
    let told = place.run(&["pack", "--bump"]).fine();
    assert!(told.contains("packed 1.0.0 → 1.1.0: logic") && told.contains("shared 1.1.0 → 1.2.0: logic"), "{told}");
    assert!(place.read("arcanary.yaml").contains("version: 0.3.0 # by hand once\n"), "{}", place.read("arcanary.yaml"));
}

#[test]
fn metadata_moves_the_patch_version_and_so_do_other_documents() {
    let place = Place::locked();
    place.edit("rules/packed.det", "level medium", "level high");
    let told = place.run(&["pack", "--bump"]).fine();
    assert_eq!(told, "packed 1.0.0 → 1.0.1: metadata changed\nacme 0.1.0 → 0.1.1\n");
    place.edit("arcanary.yaml", "[sentinel, sigma]", "[sentinel, sigma, defender]");
    let told = place.run(&["pack", "--bump"]).fine();
    assert!(told.contains("packed 1.0.1 → 1.0.2: documents changed\n"), "{told}");
    assert!(told.ends_with("acme 0.1.1 → 0.1.2\n"), "{told}");
}

#[test]
fn another_name_under_the_same_id_is_a_rename() {
    let place = Place::locked();
    place.edit("rules/packed.det", "rule packed", "rule with_password");
    let told = place.run(&["pack", "--bump"]).fine();
    assert_eq!(told, "with_password 1.0.0 → 1.0.1: renamed from `packed`\nacme 0.1.0 → 0.1.1\n");
    assert_eq!(lock(&place).history[0].changes[0].was.as_deref(), Some("packed"));
}

#[test]
fn another_id_under_the_same_name_is_refused_and_nothing_is_written() {
    let place = Place::locked();
    let before = (place.read("pack.lock"), place.read("arcanary.yaml"));
    place.edit("rules/packed.det", "6f0b8f3b1a20", "6f0b8f3b1aff");
    let err = place.run(&["pack", "--bump"]).fails(2);
    assert!(err.contains("error[E0807]: the id of `packed` changed"), "{err}");
    assert!(err.contains("put `id 0e2a7c54-5f0b-4c8e-9d51-6f0b8f3b1a20` back"), "{err}");
    assert!(!err.contains("is gone"), "{err}");
    assert_eq!((place.read("pack.lock"), place.read("arcanary.yaml")), before);
}

#[test]
fn a_removal_needs_a_reason_and_a_day_and_leaves_a_tombstone() {
    let place = Place::locked();
    place.remove("rules/shared.det");
    let err = place.run(&["pack", "--bump"]).fails(2);
    assert!(err.contains("rule `shared` was removed without a tombstone"), "{err}");
    let bump = ["pack", "--bump", "--remove", "shared", "--because", "never fired", "--date"];
    place.run(&bump[..4]).fails(2);
    assert!(place.run(&[&bump[..], &["2026-13-01"]].concat()).fails(2).contains("expected a day"));
    let err = place.run(&[&bump[..], &["2026-11-20", "--remove", "packed"]].concat()).fails(2);
    assert!(err.contains("`packed` cannot be removed: it is still in the sources"), "{err}");
    let told = place.run(&[&bump[..], &["2026-11-20"]].concat()).fine();
    assert_eq!(told, "shared 1.0.0: removed: never fired\nacme 0.1.0 → 0.2.0\n");
    let tomb = &lock(&place).removed[0];
    assert_eq!(
        (tomb.rule.as_str(), tomb.date.as_str(), tomb.because.as_str()),
        ("shared", "2026-11-20", "never fired")
    );

    place.write("rules/shared.det", SHARED);
    let told = place.run(&["pack", "--bump"]).fine();
    assert_eq!(told, "shared 1.0.0 → 1.1.0: added again\nacme 0.2.0 → 0.3.0\n");
    assert_eq!(lock(&place).removed, []);
}

#[test]
fn the_author_may_move_the_pack_further_but_never_back() {
    let place = Place::locked();
    place.edit("rules/packed.det", "level medium", "level high");
    place.edit("arcanary.yaml", "0.1.0", "2.0.0");
    assert!(place.run(&["pack", "--bump"]).fine().ends_with("acme 0.1.0 → 2.0.0\n"));
    place.edit("arcanary.yaml", "2.0.0", "1.9.9");
    let err = place.run(&["pack", "--bump"]).fails(2);
    assert!(err.contains("arcanary.yaml has version 1.9.9, but the lock is already at 2.0.0"), "{err}");
}

#[test]
fn a_bump_that_wrote_the_version_and_not_the_lock_can_be_run_again() {
    let place = Place::locked();
    let before = place.read("pack.lock");
    place.edit("rules/packed.det", "level medium", "level high");
    place.run(&["pack", "--bump"]).fine();
    let after = place.read("pack.lock");
    place.write("pack.lock", &before);
    place.run(&["pack", "--bump"]).fine();
    assert_eq!(place.read("pack.lock"), after);
}

#[test]
fn history_tells_each_versions_changes_the_latest_first() {
    let place = Place::locked();
    place.edit("rules/packed.det", "level medium", "level high");
    place.run(&["pack", "--bump"]).fine();
    place.edit("rules/packed.det", "with password", "");
    place.run(&["pack", "--bump"]).fine();
    let told: Vec<_> =
        lock(&place).history.iter().map(|r| (r.version.to_string(), r.changes[0].change, r.changes.len())).collect();
    let expected = [("0.2.0", Change::Logic, 1), ("0.1.1", Change::Text, 1), ("0.1.0", Change::Added, 2)];
    assert_eq!(told, expected.map(|(v, c, n)| (v.to_owned(), c, n)));
}

#[test]
fn locked_fails_for_whatever_differs_and_says_what() {
    let place = Place::project();
    assert!(place.run(&["check", "--locked"]).fails(2).contains("the project has no pack.lock"));
    place.run(&["pack", "--bump"]).fine();
    place.run(&["check", "--locked"]).fine();
    place.edit("rules/packed.det", "level medium", "level high");
    let err = place.run(&["check", "--locked"]).fails(1);
    assert!(err.contains("error[E0806]: `packed` does not match pack.lock"), "{err}");
    assert!(err.contains("changed since 1.0.0: metadata"), "{err}");
    assert!(err.contains("~ sentinel/packed.kql\n") && err.contains("~ sigma/packed.yml\n"), "{err}");
    assert!(err.contains("run `arcanary pack --bump`"), "{err}");
    assert!(!err.contains("`shared`"), "{err}");
    let err = place.run(&["build", "--locked", "--out", "o"]).fails(1);
    assert!(err.ends_with("nothing was written\n") && !place.path("o").exists(), "{err}");

    place.write("rules/packed.det", PACKED);
    place.run(&["build", "--locked", "--out", "o"]).fine();
    place.write("rules/new.det", &SHARED.replace("1a21", "1a22").replace("rule shared", "rule newer"));
    assert!(place.run(&["check", "--locked"]).fails(1).contains("rule `newer` is not in pack.lock"));
    place.remove("rules/new.det");
    place.remove("rules/shared.det");
    assert!(
        place.run(&["check", "--locked"]).fails(1).contains("rule `shared` is in pack.lock, but not in the project")
    );
    place.edit("arcanary.yaml", "0.1.0", "0.1.1");
    assert!(place.run(&["check", "--locked"]).fails(1).contains("the project is `acme 0.1.1`"));
}

#[test]
fn locked_compares_a_part_with_its_part_of_the_lock() {
    let place = Place::locked();
    place.run(&["check", "--locked", "--target", "sigma"]).fine();
    place.run(&["check", "--locked", "rules/packed.det"]).fine();
    place.edit("rules/shared.det", "level low", "level high");
    place.run(&["check", "--locked", "rules/packed.det"]).fine();
    place.run(&["check", "--locked", "rules/shared.det"]).fails(1);
}

#[test]
fn a_lock_that_is_none_stops_every_command_with_its_place() {
    let place = Place::locked();
    let text = place.read("pack.lock");
    place.write("pack.lock", &text.replace("version: 1.0.0", "version: one"));
    let err = place.run(&["check"]).fails(2);
    assert!(err.contains("error[E0805]: pack.lock cannot be read") && err.contains("--> pack.lock:"), "{err}");
    place.write("pack.lock", &format!("<<<<<<< HEAD\n{text}"));
    place.run(&["check"]).fails(2);
}

#[test]
fn a_name_or_version_that_is_none_is_refused_before_anything_is_written() {
    for (from, to, says) in
        [("name: acme", "name: Acme Corp", "cannot be the name of a pack"), ("0.1.0", "1.0", "is not a version")]
    {
        let place = Place::project();
        place.edit("arcanary.yaml", from, to);
        let err = place.run(&["pack", "--bump"]).fails(2);
        assert!(err.contains("error[E0803]") && err.contains(says), "{err}");
        assert!(!place.path("pack.lock").exists());
    }
}

#[test]
fn the_shipped_pack_is_what_its_lock_says() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    run_in(root, &["check", "rules", "--locked"]).fine();
}

#[test]
fn a_version_after_which_none_comes_is_an_error_and_no_panic() {
    let last = u64::MAX;
    let ends = [("version: 0.1.0", format!("version: 0.{last}.0")), ("version: 1.0.0", format!("version: 1.{last}.0"))];
    for (from, to) in ends {
        let place = Place::project();
        place.edit("arcanary.yaml", "[sentinel, sigma]", "[sigma]");
        place.run(&["pack", "--bump"]).fine();
        place.edit("pack.lock", from, &to);
        if from == "version: 0.1.0" {
            place.edit("arcanary.yaml", from, &to);
        }
        place.edit("rules/packed.det", "to create with password", "to create");
        place.edit("rules/packed.det", "\"none\" silent", "\"none\" fires");
        let before = place.read("pack.lock");
        let err = place.run(&["pack", "--bump"]).fails(2);
        assert!(err.contains("error[E0807]: no version comes after") && err.contains(&last.to_string()), "{err}");
        assert_eq!(place.read("pack.lock"), before);
    }
}
