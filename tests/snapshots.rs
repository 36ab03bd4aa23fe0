//! Each language case and each shipped rule on each target, as `snapshots/<project>/<target>/<rule>.snap`: the document,
//! or why there is none. A change in what is emitted is reviewed there.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod common;

use arcanary::compile::compile;
use arcanary::diagnostic::{Style, to_text};
use arcanary::project::Loaded;
use std::collections::BTreeSet;

/// Compares one project; the snapshots that it has.
fn compare(loaded: &Loaded, folder: &str) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    for target in loaded.targets.all.values() {
        for rule in loaded.project.rules.values() {
            let text = match compile(rule, &loaded.project, target) {
                Ok(document) => document.text,
                Err(refused) => refused.iter().map(|d| to_text(d, &loaded.sources, Style::Plain)).collect(),
            };
            let mut settings = insta::Settings::clone_current();
            settings.set_snapshot_path(format!("../snapshots/{folder}/{}", target.name));
            settings.set_prepend_module_to_snapshot(false);
            settings.set_omit_expression(true);
            settings.bind(|| insta::assert_snapshot!(rule.name.as_str(), text));
            seen.insert(format!("{}/{}.snap", target.name, rule.name));
        }
    }
    seen
}

/// Snapshots of rules and targets that are gone.
fn left_over(folder: &str, seen: &BTreeSet<String>) -> Vec<String> {
    let mut out = vec![];
    let root = common::root().join("snapshots").join(folder);
    for target in std::fs::read_dir(&root).expect("the snapshots' folder").flatten() {
        for file in std::fs::read_dir(target.path()).expect("a target's folder").flatten() {
            let name = format!("{}/{}", target.file_name().to_string_lossy(), file.file_name().to_string_lossy());
            if name.ends_with(".snap") && !seen.contains(&name) {
                out.push(name);
            }
        }
    }
    out
}

#[test]
fn shipped_rules_on_every_target_are_as_reviewed() {
    let seen = compare(&common::project("rules"), "rules");
    assert_eq!(left_over("rules", &seen), Vec::<String>::new());
}

#[test]
fn language_cases_on_every_target_are_as_reviewed() {
    let seen = compare(&common::project("tests/cases"), "cases");
    assert_eq!(left_over("cases", &seen), Vec::<String>::new());
}
