//! Changelogs of a pack, from the history in its lock: for people in Markdown, for machines in JSON by rule id.

use crate::escape;
use crate::project::lock::{Change, Lock, Moved, Release};
use semver::Version;
use serde_json::{Map, Value, json};

/// The name of the one for people.
pub const MARKDOWN: &str = "CHANGELOG.md";
/// The name of the one for machines.
pub const JSON: &str = "changelog.json";

const SECTIONS: [(Change, &str); 5] = [
    (Change::Added, "Added"),
    (Change::Logic, "Changed: what they detect"),
    (Change::Text, "Changed: what they say"),
    (Change::Documents, "Made anew: the same rules in other documents"),
    (Change::Removed, "Removed"),
];

/// The changelog for people, the latest version first.
#[must_use]
pub fn markdown(lock: &Lock) -> String {
    let versions = lock.history.iter().map(|release| format!("\n## {}\n{}", release.version, section(release)));
    format!("# Changes of {}\n{}", escape::markdown(&lock.pack), versions.collect::<String>())
}

/// What one version changed, in sections.
fn section(release: &Release) -> String {
    let mut out = String::new();
    for (change, head) in SECTIONS {
        let moved: Vec<&Moved> = release.changes.iter().filter(|m| m.change == change).collect();
        if !moved.is_empty() {
            out.push_str(&format!("\n### {head}\n\n"));
            moved.into_iter().for_each(|m| out.push_str(&line(m)));
        }
    }
    if out.is_empty() { "\nNo rule changed.\n".to_owned() } else { out }
}

fn line(moved: &Moved) -> String {
    let versions = match (&moved.from, &moved.to) {
        (Some(from), Some(to)) => format!("{from} → {to}"),
        (from, to) => to.as_ref().or(from.as_ref()).map(ToString::to_string).unwrap_or_default(),
    };
    let was = moved.was.as_ref().map(|was| format!(", was `{was}`")).unwrap_or_default();
    let text = match &moved.because {
        Some(because) => because,
        None => &moved.title,
    };
    format!("- `{}` {versions}{was}: {}\n", moved.rule, escape::markdown(text))
}

/// What changed after version `since`, for a commit's message: a line for each rule.
#[must_use]
pub fn message(lock: &Lock, since: Option<&Version>) -> String {
    let new: Vec<&Release> = lock.history.iter().take_while(|r| since.is_none_or(|s| r.version > *s)).collect();
    let mut out = format!("{} {}\n", lock.pack, lock.version);
    for release in &new {
        if new.len() > 1 {
            out.push_str(&format!("\n{}:\n", release.version));
        } else {
            out.push('\n');
        }
        let mut changes: Vec<&Moved> = release.changes.iter().collect();
        changes.sort_by_key(|m| m.change);
        for moved in changes {
            out.push_str(&format!("{}: {}", moved.change.word(), line(moved).trim_start_matches("- ")));
        }
    }
    out
}

/// The changelog for machines.
#[must_use]
pub fn json(lock: &Lock) -> String {
    let rule = |moved: &Moved| {
        let mut entry = Map::new();
        let mut put = |key: &str, value: Option<String>| {
            if let Some(value) = value {
                entry.insert(key.to_owned(), Value::from(value));
            }
        };
        put("rule", Some(moved.rule.clone()));
        put("change", Some(moved.change.word().to_owned()));
        put("title", Some(moved.title.clone()));
        put("from", moved.from.as_ref().map(Version::to_string));
        put("to", moved.to.as_ref().map(Version::to_string));
        put("was", moved.was.clone());
        put("because", moved.because.clone());
        (moved.id.clone(), Value::Object(entry))
    };
    let version = |release: &Release| {
        let rules: Map<String, Value> = release.changes.iter().map(rule).collect();
        json!({ "version": release.version.to_string(), "rules": rules })
    };
    let all = json!({
        "format": 1,
        "name": lock.pack,
        "version": lock.version.to_string(),
        "versions": lock.history.iter().map(version).collect::<Vec<_>>(),
    });
    serde_json::to_string_pretty(&all).unwrap_or_default() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moved(rule: &str, change: Change) -> Moved {
        Moved {
            rule: rule.into(),
            id: format!("id-{rule}"),
            change,
            title: format!("Title *{rule}*"),
            from: (change != Change::Added).then(|| Version::new(1, 0, 0)),
            to: (change != Change::Removed).then(|| Version::new(1, 1, 0)),
            was: None,
            because: (change == Change::Removed).then(|| "too loud".into()),
        }
    }

    fn lock() -> Lock {
        Lock {
            format: 1,
            pack: "acme".into(),
            version: Version::new(0, 2, 0),
            packs: vec![],
            rules: vec![],
            documents: Default::default(),
            removed: vec![],
            history: vec![
                Release {
                    version: Version::new(0, 2, 0),
                    changes: vec![moved("a", Change::Removed), moved("b", Change::Logic)],
                },
                Release { version: Version::new(0, 1, 0), changes: vec![moved("a", Change::Added)] },
            ],
        }
    }

    #[test]
    fn people_read_the_latest_version_first_in_sections() {
        let expected = "# Changes of acme\n\n## 0.2.0\n\n### Changed: what they detect\n\n\
            - `b` 1.0.0 → 1.1.0: Title \\*b\\*\n\n### Removed\n\n- `a` 1.0.0: too loud\n\n\
            ## 0.1.0\n\n### Added\n\n- `a` 1.1.0: Title \\*a\\*\n";
        assert_eq!(markdown(&lock()), expected);
    }

    #[test]
    fn machines_find_each_rule_by_its_id() {
        let value: Value = serde_json::from_str(&json(&lock())).expect("JSON");
        assert_eq!(value["versions"][0]["rules"]["id-b"]["change"], "logic");
        assert_eq!(value["versions"][0]["rules"]["id-a"]["because"], "too loud");
        assert_eq!(value["versions"][1]["rules"]["id-a"]["to"], "1.1.0");
    }

    #[test]
    fn a_message_tells_what_came_after_a_version() {
        let one = message(&lock(), Some(&Version::new(0, 1, 0)));
        assert_eq!(one, "acme 0.2.0\n\nlogic: `b` 1.0.0 → 1.1.0: Title \\*b\\*\nremoved: `a` 1.0.0: too loud\n");
        let all = message(&lock(), None);
        assert!(all.contains("\n0.2.0:\nlogic:") && all.contains("\n0.1.0:\nadded: `a` 1.1.0"), "{all}");
    }
}
