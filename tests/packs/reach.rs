//! What a fetched pack says reaches what it brings along, and nothing of the project's own or of other packs.

use crate::place::{Place, Ran, run_in};
use std::collections::BTreeMap;

/// What every project and pack here can define, with names that begin with a letter of its own.
fn definitions(letter: char, number: u32) -> String {
    format!(
        r#"utility {letter}tool "Tool {letter}" {{ os [windows] image ["{letter}.exe"] verb create = first "a" }}
group {letter}all = [{letter}tool]
list {letter}allow = ["ok.exe"]
param {letter}burst = 5
rule {letter}rule {{
  title "Rule {letter}"
  id 5f1f3c0a-7a53-4f0c-9f0b-6f1b8d6a2d{number}
  level critical
  os [windows]
  detect count >= {letter}burst by host.name within 5m of process where runs {letter}all to create and not parent.name in {letter}allow
}}
"#
    )
}

/// Every way in which a text may change what another defines: lines of `arcanary.yaml` and of a source, and what is said of it.
fn changes(letter: char) -> Vec<(String, String, String)> {
    let det = |text: String, does: &str| (String::new(), text, format!("{does} `{letter}{}`", does_to(does)));
    vec![
        (
            format!("skip:\n  - {{ rules: [{letter}rule], targets: [sigma], because: noise }}\n"),
            String::new(),
            format!("skips `{letter}rule`"),
        ),
        (format!("params: {{ {letter}burst: 99 }}\n"), String::new(), format!("sets `{letter}burst`")),
        det(format!("extend {letter}allow with [\"evil.exe\"]\n"), "extends"),
        (String::new(), format!("extend {letter}all with [{letter}tool]\n"), format!("extends `{letter}all`")),
        det(format!("tune {letter}rule {{ level low }}\n"), "tunes"),
        det(format!("tune {letter}rule {{ disable because \"noise\" }}\n"), "tunes"),
        det(format!("tune {letter}rule {{ except \"All\" because \"x\" where host.name is \"x\" }}\n"), "tunes"),
    ]
}

fn does_to(does: &str) -> &'static str {
    if does == "extends" { "allow" } else { "rule" }
}

/// Packs by folder, with the lines of their project files and their sources; those inside others come along with them.
fn write(place: &Place, packs: &[(&str, &str, &str, String)]) {
    let mut written: BTreeMap<String, String> = BTreeMap::new();
    // The innermost first: the outer ones name their receipts.
    let mut order: Vec<_> = packs.iter().collect();
    order.sort_by_key(|(folder, ..)| std::cmp::Reverse(folder.matches('/').count()));
    for (folder, name, config, det) in order {
        let config = format!("name: {name}\nversion: 1.0.0\nsources: [rules]\n{config}");
        written.insert(format!("{folder}/arcanary.yaml"), config);
        written.insert(format!("{folder}/rules/a.det"), det.clone());
        let own = written.iter().filter_map(|(path, text)| Some((path.strip_prefix(&format!("{folder}/"))?, text)));
        let hashes: BTreeMap<&str, String> =
            own.map(|(path, text)| (path, arcanary::hash::of_bytes(text.as_bytes()))).collect();
        let receipt = serde_json::json!({ "pack": name, "version": "1.0.0", "files": hashes });
        written.insert(format!("{folder}/.arcanary-pack.json"), receipt.to_string());
    }
    for (path, text) in &written {
        place.write(&format!("p/{path}"), text);
    }
}

/// A project `p` over the packs `one`, in whose folder lies `inner`, and `two`: `says` adds to each of them.
fn check(says: impl Fn(&str) -> (String, String)) -> Ran {
    let place = Place::empty();
    let of = |name: &str, letter: char, number: u32| {
        let (config, det) = says(name);
        (config, definitions(letter, number) + &det)
    };
    let ((one, one_det), (two, two_det), (inner, inner_det)) =
        (of("one", 'a', 10), of("two", 'b', 11), of("inner", 'c', 12));
    let one = format!("packs: [in/ner]\n{one}");
    write(
        &place,
        &[("one", "one", &one, one_det), ("two", "two", &two, two_det), ("one/in/ner", "inner", &inner, inner_det)],
    );
    let (own, own_det) = of("p", 'd', 13);
    let head = "name: p\nversion: 0.1.0\nsources: [own.det]\npacks: [one, two]\ntargets: [sigma]\nout: build\n";
    place.write("p/arcanary.yaml", &format!("{head}{own}"));
    place.write("p/own.det", &own_det);
    run_in(&place.path("p"), &["check"])
}

#[test]
fn a_pack_changes_nothing_that_it_did_not_bring_along() {
    assert_eq!(check(|_| (String::new(), String::new())).fine(), "");
    for (who, whose) in [("one", 'd'), ("one", 'b'), ("two", 'a'), ("two", 'c'), ("inner", 'a'), ("inner", 'd')] {
        for (config, det, does) in changes(whose) {
            let ran =
                check(|name| if name == who { (config.clone(), det.clone()) } else { (String::new(), String::new()) });
            let err = ran.fails(2);
            let told = format!("error[E0813]: pack `{who}` {does}, which it does not define");
            assert_eq!(err.matches("error[").count(), 1, "{who} {does}: {err}");
            let folder = if who == "inner" { "one/in/ner" } else { who };
            let file = if det.is_empty() { "arcanary.yaml" } else { "rules/a.det" };
            assert!(err.contains(&told) && err.contains(&format!("--> {folder}/{file}:")), "{who} {does}: {err}");
        }
    }
}

#[test]
fn a_pack_changes_its_own_and_what_lies_in_its_folder_and_the_project_everything() {
    let may =
        [("one", 'a'), ("one", 'c'), ("two", 'b'), ("inner", 'c'), ("p", 'a'), ("p", 'b'), ("p", 'c'), ("p", 'd')];
    for (who, whose) in may {
        for (config, det, does) in changes(whose) {
            let ran =
                check(|name| if name == who { (config.clone(), det.clone()) } else { (String::new(), String::new()) });
            assert!(!ran.err.contains("E0813"), "{who} {does}: {}", ran.err);
            // To name a utility twice is an error of its own.
            assert!(ran.code == 0 || det.contains("all with"), "{who} {does}: {}", ran.err);
        }
    }
}

#[test]
fn a_file_in_a_hidden_folder_that_a_pack_names_is_none_of_its_files() {
    let place = Place::empty();
    let more = "sources: [rules, .hidden]\n";
    write(&place, &[("one", "one", "", definitions('a', 10))]);
    let config = format!("name: one\nversion: 1.0.0\n{more}");
    place.write("p/one/arcanary.yaml", &config);
    let receipt = place.read("p/one/.arcanary-pack.json");
    let mut receipt: serde_json::Value = serde_json::from_str(&receipt).expect("JSON");
    receipt["files"]["arcanary.yaml"] = arcanary::hash::of_bytes(config.as_bytes()).into();
    place.write("p/one/.arcanary-pack.json", &receipt.to_string());
    place.write("p/arcanary.yaml", "name: p\nversion: 0.1.0\npacks: [one]\ntargets: [sigma]\n");
    place.write("p/one/.hidden/evil.det", &definitions('b', 11));
    let err = run_in(&place.path("p"), &["check"]).fails(2);
    assert!(err.contains("error[E0810]") && err.contains("evil.det` does not belong to pack `one`"), "{err}");
    // A pack in a hidden folder is one, too.
    let config = "name: one\nversion: 1.0.0\nsources: [rules]\npacks: [.hidden]\n";
    place.write("p/one/arcanary.yaml", config);
    receipt["files"]["arcanary.yaml"] = arcanary::hash::of_bytes(config.as_bytes()).into();
    place.write("p/one/.arcanary-pack.json", &receipt.to_string());
    let err = run_in(&place.path("p"), &["check"]).fails(2);
    assert!(err.contains("`one` names the pack `.hidden`, and did not bring it along"), "{err}");
}
