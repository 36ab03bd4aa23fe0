//! `pack.lock`: what every rule was when it got its version. It lies beside `arcanary.yaml`, is committed and reviewed.
//!
//! The text is sorted, so that one state of a project has one lock, and only `pack --bump` writes it.

use super::bounds;
use crate::diagnostic::{Code, Diagnostic};
use crate::files;
use crate::hash::FORMAT;
use crate::source::{FileId, Sources, Span};
use crate::yaml;
use semver::Version;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io;
use std::path::Path;

/// The lock's name.
pub const FILE_NAME: &str = "pack.lock";

const HEAD: &str = "# Written by `arcanary pack --bump`: commit it, review it, never edit it.\n";

/// A lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    /// [`FORMAT`].
    pub format: u32,
    /// The pack's name.
    pub pack: String,
    /// The pack's version.
    pub version: Version,
    /// The packs that it stands on, in the order in which the project names them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub packs: Vec<LockedPack>,
    /// Its rules, in the order of their names.
    pub rules: Vec<LockedRule>,
    /// Documents that belong to no rule alone: path and hash.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub documents: BTreeMap<String, String>,
    /// Rules that are gone, in the order of their names and ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<Tombstone>,
    /// What each version changed, the latest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<Release>,
}

/// A pack that a project stands on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedPack {
    /// Its name.
    pub pack: String,
    /// Its version.
    pub version: Version,
    /// Hash of what was fetched: each file's path and hash.
    pub files: String,
}

/// A rule in a lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedRule {
    /// Its name.
    pub rule: String,
    /// Its UUID.
    pub id: String,
    /// Its version.
    pub version: Version,
    /// Hash of what it means.
    pub logic: String,
    /// Hash of what it says about itself.
    pub text: String,
    /// Its documents: path from the output folder, and hash.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub documents: BTreeMap<String, String>,
}

/// A rule that is gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tombstone {
    /// Its name.
    pub rule: String,
    /// Its UUID.
    pub id: String,
    /// Its last version.
    pub version: Version,
    /// The day, as the author gave it.
    pub date: String,
    /// Why.
    pub because: String,
}

/// What one version of a pack changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Release {
    /// The pack's version.
    pub version: Version,
    /// Its changes, in the order of the rules' names.
    pub changes: Vec<Moved>,
}

/// How a rule changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// It is new, or there again.
    Added,
    /// It means something else.
    Logic,
    /// It says something else about itself, or has another name.
    Text,
    /// The same rule has other documents: its targets, the project's file or the compiler changed.
    Documents,
    /// It is gone.
    Removed,
}

impl Change {
    /// The word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Change::Added => "added",
            Change::Logic => "logic",
            Change::Text => "text",
            Change::Documents => "documents",
            Change::Removed => "removed",
        }
    }
}

/// A rule's step from one version to the next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Moved {
    /// Its name.
    pub rule: String,
    /// Its UUID.
    pub id: String,
    /// The gravest change.
    pub change: Change,
    /// Its title then; of a rule that is gone, its name.
    pub title: String,
    /// Its version before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Version>,
    /// Its version now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Version>,
    /// Its name before, where that was another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was: Option<String>,
    /// Why it is gone, or switched off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
}

impl Lock {
    /// The rule of this id.
    #[must_use]
    pub fn rule(&self, id: &str) -> Option<&LockedRule> {
        self.rules.iter().find(|r| r.id == id)
    }

    /// How many releases of the pack changed the rule of this id.
    #[must_use]
    pub fn releases_of(&self, id: &str) -> u64 {
        self.history.iter().filter(|release| release.changes.iter().any(|moved| moved.id == id)).map(|_| 1).sum()
    }

    /// Reads a lock.
    ///
    /// # Errors
    /// Why it is none, and the byte at which that shows.
    pub fn parse(text: &str) -> Result<Lock, (usize, String)> {
        #[derive(Deserialize)]
        struct Head {
            format: u32,
        }
        let read = |fault: yaml::Fault| (fault.range.start, fault.message);
        let head: Head = yaml::read_own(text).map_err(read)?;
        if head.format != FORMAT {
            return Err((0, format!("its format is {}, and this program reads format {FORMAT}", head.format)));
        }
        yaml::read_own(text).map_err(read)
    }

    /// The lock as a text, the same for the same lock.
    ///
    /// # Errors
    /// What the YAML writer says.
    pub fn to_text(&self) -> io::Result<String> {
        let mut sorted = self.clone();
        sorted.rules.sort_by(|a, b| (&a.rule, &a.id).cmp(&(&b.rule, &b.id)));
        sorted.removed.sort_by(|a, b| (&a.rule, &a.id).cmp(&(&b.rule, &b.id)));
        let yaml = serde_yaml::to_string(&sorted).map_err(io::Error::other)?;
        Ok(format!("{HEAD}{yaml}"))
    }

    /// Writes the lock of the project in `root`, as a whole or not at all.
    ///
    /// # Errors
    /// The lock there is a link, or what the system says, with the file's name.
    pub fn write(&self, root: &Path) -> io::Result<()> {
        let text = self.to_text()?;
        match files::read(root, FILE_NAME)? {
            Some(old) if old == text.as_bytes() => Ok(()),
            Some(old) => files::rewrite(&root.join(FILE_NAME), &old, text.as_bytes()),
            None => files::write(root, FILE_NAME, text.as_bytes()),
        }
    }
}

/// The lock of the project in `root`, if it has one; `name` is what messages call the file.
///
/// # Errors
/// `E0805` for a file that is no lock.
pub fn read(root: &Path, name: &str, sources: &mut Sources) -> Result<Option<(FileId, Lock)>, Box<Diagnostic>> {
    let bad = |message: String| Diagnostic::new(Code::BadLock, message);
    let bytes = match bounds::read(root, &root.join(FILE_NAME)) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Box::new(bad(format!("{FILE_NAME} cannot be read: {error}")))),
    };
    let file = sources.add_bytes(name, &bytes)?;
    let text = sources.get(file).map_or("", |f| f.text.as_str());
    match Lock::parse(text) {
        Ok(lock) => Ok(Some((file, lock))),
        Err((at, why)) => {
            let at = (0..=at.min(text.len())).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0);
            Err(Box::new(
                bad(format!("{FILE_NAME} cannot be read"))
                    .at(Span::new(file, at, at), why)
                    .help("take the committed one back (`git checkout pack.lock`), then run `arcanary pack --bump`"),
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(name: &str, id: &str) -> LockedRule {
        LockedRule {
            rule: name.into(),
            id: id.into(),
            version: Version::new(1, 2, 3),
            logic: "sha256:1".into(),
            text: "sha256:2".into(),
            documents: BTreeMap::from([(format!("sigma/{name}.yml"), "sha256:3".into())]),
        }
    }

    fn lock() -> Lock {
        let moved = Moved {
            rule: "yes".into(),
            id: "1e5".into(),
            change: Change::Removed,
            title: "a: \"b\" # c\n\u{85}x".into(),
            from: Some(Version::new(1, 0, 0)),
            to: None,
            was: Some("0x10".into()),
            because: Some("2026-11-20".into()),
        };
        Lock {
            format: FORMAT,
            pack: "1.0".into(),
            version: Version::new(0, 1, 0),
            packs: vec![LockedPack { pack: "p".into(), version: Version::new(1, 0, 0), files: "sha256:4".into() }],
            rules: vec![rule("b", "2"), rule("a", "1")],
            documents: BTreeMap::new(),
            removed: vec![],
            history: vec![Release { version: Version::new(0, 1, 0), changes: vec![moved] }],
        }
    }

    #[test]
    fn what_is_written_is_sorted_and_read_again() {
        let text = lock().to_text().expect("a text");
        let again = Lock::parse(&text).expect("a lock");
        assert_eq!(again.rules.iter().map(|r| r.rule.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!((&again.history, &again.packs), (&lock().history, &lock().packs));
        assert_eq!(again.to_text().expect("a text"), text);
    }

    #[test]
    fn another_format_and_an_unknown_key_are_refused() {
        let text = lock().to_text().expect("a text");
        let newer = text.replacen("format: 1", "format: 2", 1);
        assert_eq!(Lock::parse(&newer).expect_err("newer").1, "its format is 2, and this program reads format 1");
        assert!(Lock::parse(&text.replacen("version: 0.1.0", "version: 0.1", 1)).is_err());
        assert!(Lock::parse(&format!("{text}more: 1\n")).expect_err("a key").1.contains("more"));
        assert!(Lock::parse("").is_err());
    }
}
