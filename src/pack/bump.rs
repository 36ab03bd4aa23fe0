//! `pack --bump`: versions move by rule.
//!
//! A rule's logic moves its minor version, its text, name or documents its patch version; an id never changes; a rule that
//! goes leaves a tombstone. The pack's version moves with the largest change. What breaks these rules is refused, and
//! then nothing is written.

use super::state::{RuleState, State, state};
use crate::build::build;
use crate::diagnostic::{Code, Diagnostic};
use crate::file_names::PROJECT;
use crate::files;
use crate::hash::FORMAT;
use crate::project::identity::identity;
use crate::project::lock::{self, Change, FILE_NAME, Lock, LockedRule, Moved, Release, Tombstone};
use crate::project::{self, Loaded};
use semver::Version;
use std::collections::BTreeSet;
use std::io;
use std::path::Path;

/// Which rules go, and why.
#[derive(Clone, Debug, Default)]
pub struct Removal {
    /// Their names.
    pub rules: Vec<String>,
    /// Why.
    pub because: String,
    /// The day.
    pub date: String,
}

/// A lock that fits the project, and what moved.
#[derive(Clone, Debug)]
pub struct Bumped {
    /// The new lock.
    pub lock: Lock,
    /// The pack's version before; `None`: it had no lock.
    pub from: Option<Version>,
    /// What moved.
    pub moved: Vec<Moved>,
}

/// The lock that fits `loaded`, which has no errors and all its rules. Its rules and the project get their new versions.
///
/// # Errors
/// `E0807` for each thing that breaks the rules; `E09…` for what a target cannot say and nobody skips.
pub fn bump(loaded: &mut Loaded, targets: &[String], removal: &Removal) -> Result<Bumped, Vec<Diagnostic>> {
    let asked = identity(loaded).map_err(|d| vec![d])?;
    let before = loaded.lock.clone();
    if let Some(lock) = &before {
        // Documents that carry the pack's version are compared under the version that they had.
        loaded.config.version = lock.version.to_string();
    }
    let now = state_of(loaded, targets)?;
    let empty = Lock {
        format: FORMAT,
        pack: loaded.config.name.clone(),
        version: asked.clone(),
        packs: vec![],
        rules: vec![],
        documents: Default::default(),
        removed: vec![],
        history: vec![],
    };
    let old = before.as_ref().unwrap_or(&empty);
    refuse(old, &now, removal, loaded)?;
    let ends = Ends { removal, loaded };
    let moved = moves(old, &now, &ends)?;
    let version = match before {
        None => asked,
        Some(_) => next_version(old, &now, &moved, &asked, old.pack != loaded.config.name)?,
    };
    if before.as_ref().is_some_and(|lock| lock.version == version && lock.pack == loaded.config.name) {
        return Ok(Bumped { lock: old.clone(), from: Some(version), moved: vec![] });
    }
    set_versions(loaded, old, &version, &moved);
    let built = state_of(loaded, targets)?;
    let lock = locked(loaded, old, &built, &version, &moved, &Ends { removal, loaded });
    Ok(Bumped { lock, from: before.map(|lock| lock.version), moved })
}

fn state_of(loaded: &Loaded, targets: &[String]) -> Result<State, Vec<Diagnostic>> {
    let built = build(loaded, targets);
    let errors: Vec<Diagnostic> = built.diagnostics.iter().filter(|d| d.is_error()).cloned().collect();
    if errors.is_empty() { Ok(state(loaded, &built)) } else { Err(errors) }
}

fn broken(message: String, help: impl Into<String>) -> Diagnostic {
    Diagnostic::new(Code::LockRules, message).help(help)
}

/// Everything that breaks the rules.
fn refuse(old: &Lock, now: &State, removal: &Removal, loaded: &Loaded) -> Result<(), Vec<Diagnostic>> {
    let mut found = vec![];
    let mut renumbered = BTreeSet::new();
    for (id, rule) in &now.rules {
        if let Some(locked) = old.rules.iter().find(|l| l.rule == rule.name && l.id != *id) {
            renumbered.insert(locked.id.as_str());
            found.push(
                broken(format!("the id of `{}` changed", rule.name), format!("put `id {}` back", locked.id))
                    .at(rule.span, format!("now {id}"))
                    .note("a rule keeps its id for ever: platforms and analysts find it by the id")
                    .help("if this is another rule, give it another name, and remove the old one with `pack --bump --remove`"),
            );
        }
    }
    let gone: Vec<&LockedRule> = old.rules.iter().filter(|l| !now.rules.contains_key(&l.id)).collect();
    let ends = Ends { removal, loaded };
    let nobody = |l: &&&LockedRule| !removal.rules.contains(&l.rule) && ends.upstream(&l.id).is_none();
    for rule in gone.iter().filter(nobody).filter(|l| !renumbered.contains(l.id.as_str())) {
        let help = format!(
            "record why it was removed: arcanary pack --bump --remove {} --because \"…\" --date YYYY-MM-DD",
            rule.rule
        );
        found.push(
            broken(format!("rule `{}` was removed without a tombstone", rule.rule), help)
                .note(format!("{FILE_NAME} has it, with id {} and version {}", rule.id, rule.version)),
        );
    }
    for name in removal.rules.iter().filter(|name| !gone.iter().any(|l| l.rule == **name)) {
        let there = loaded.project.rules.contains_key(name);
        let (why, help) = match there {
            true => ("is still in the sources", "delete it there first"),
            false => ("is not in the lock", "name a rule of the lock that you deleted from the sources"),
        };
        found.push(broken(format!("`{name}` cannot be removed: it {why}"), help));
    }
    if found.is_empty() { Ok(()) } else { Err(found) }
}

fn minor(version: &Version) -> Result<Version, Diagnostic> {
    let minor = version.minor.checked_add(1).ok_or_else(|| at_its_end(version))?;
    Ok(Version::new(version.major, minor, 0))
}

fn patch(version: &Version) -> Result<Version, Diagnostic> {
    let patch = version.patch.checked_add(1).ok_or_else(|| at_its_end(version))?;
    Ok(Version::new(version.major, version.minor, patch))
}

fn at_its_end(version: &Version) -> Diagnostic {
    broken(format!("no version comes after {version}"), "write a lower version in arcanary.yaml or in the lock")
}

/// Why rules are gone.
struct Ends<'a> {
    removal: &'a Removal,
    loaded: &'a Loaded,
}

impl Ends<'_> {
    /// What a pack says that the project stands on.
    fn upstream(&self, id: &str) -> Option<&Tombstone> {
        let locks = self.loaded.packs.iter().filter_map(|pack| pack.lock.as_ref());
        locks.flat_map(|lock| &lock.removed).find(|tombstone| tombstone.id == id)
    }

    /// The end of a rule that the lock has, as the author tells it, else as its pack does.
    fn of(&self, rule: &LockedRule) -> Tombstone {
        let told = self.upstream(&rule.id).filter(|_| !self.removal.rules.contains(&rule.rule));
        let (date, because) =
            told.map_or((&self.removal.date, &self.removal.because), |upstream| (&upstream.date, &upstream.because));
        Tombstone {
            rule: rule.rule.clone(),
            id: rule.id.clone(),
            version: rule.version.clone(),
            date: date.clone(),
            because: because.clone(),
        }
    }
}

/// Every rule that changed, in the order of names.
fn moves(old: &Lock, now: &State, ends: &Ends) -> Result<Vec<Moved>, Vec<Diagnostic>> {
    let stepped = now.rules.iter().filter_map(|(id, rule)| step(old, id, rule).transpose());
    let mut moved = stepped.collect::<Result<Vec<Moved>, _>>().map_err(|d| vec![d])?;
    moved.extend(old.rules.iter().filter(|l| !now.rules.contains_key(&l.id)).map(|l| Moved {
        rule: l.rule.clone(),
        id: l.id.clone(),
        change: Change::Removed,
        title: l.rule.clone(),
        from: Some(l.version.clone()),
        to: None,
        was: None,
        because: Some(ends.of(l).because),
    }));
    moved.sort_by(|a, b| (&a.rule, &a.id).cmp(&(&b.rule, &b.id)));
    Ok(moved)
}

fn step(old: &Lock, id: &str, rule: &RuleState) -> Result<Option<Moved>, Diagnostic> {
    let moved = |change, from: Option<&Version>, to, was| Moved {
        rule: rule.name.clone(),
        id: id.to_owned(),
        change,
        title: rule.title.clone(),
        from: from.cloned(),
        to: Some(to),
        was,
        because: None,
    };
    let Some(locked) = old.rule(id) else {
        // What comes back goes on from where it ended.
        let ended = old.removed.iter().find(|t| t.id == id).map(|t| &t.version);
        let begin = ended.map(minor).transpose()?.max(rule.upstream.clone()).unwrap_or_else(first_version);
        return Ok(Some(moved(Change::Added, ended, begin, None)));
    };
    let change = if rule.logic != locked.logic {
        Change::Logic
    } else if rule.text != locked.text || rule.name != locked.rule {
        Change::Text
    } else if rule.documents != locked.documents || rule.upstream.as_ref() > Some(&locked.version) {
        Change::Documents
    } else {
        return Ok(None);
    };
    let to = if change == Change::Logic { minor(&locked.version)? } else { patch(&locked.version)? };
    // Where the pack it comes from is further on, it follows; it never falls behind that.
    let to = rule.upstream.clone().map_or(to.clone(), |upstream| upstream.max(to));
    let was = (rule.name != locked.rule).then(|| locked.rule.clone());
    // One that had no documents was off already.
    let switched_off = rule.disabled.as_ref().filter(|_| !locked.documents.is_empty());
    let because = switched_off.map(|why| format!("disabled: {why}"));
    Ok(Some(Moved { because, ..moved(change, Some(&locked.version), to, was) }))
}

/// The version of a rule that no lock has.
#[must_use]
pub fn first_version() -> Version {
    Version::new(1, 0, 0)
}

/// The pack's version after these moves: what they ask for, or what the author set if that is more.
fn next_version(
    old: &Lock,
    now: &State,
    moved: &[Moved],
    asked: &Version,
    renamed: bool,
) -> Result<Version, Vec<Diagnostic>> {
    if asked < &old.version {
        let message = format!("arcanary.yaml has version {asked}, but the lock is already at {}", old.version);
        return Err(vec![broken(message, "versions never go down: write the lock's version in arcanary.yaml")]);
    }
    let grave = |m: &Moved| matches!(m.change, Change::Added | Change::Logic | Change::Removed);
    let needed = if moved.iter().any(grave) {
        minor(&old.version).map_err(|d| vec![d])?
    } else if renamed || !moved.is_empty() || now.documents != old.documents || now.packs != old.packs {
        patch(&old.version).map_err(|d| vec![d])?
    } else {
        old.version.clone()
    };
    Ok(needed.max(asked.clone()))
}

fn set_versions(loaded: &mut Loaded, old: &Lock, version: &Version, moved: &[Moved]) {
    loaded.config.version = version.to_string();
    for rule in loaded.project.rules.values_mut() {
        if let Some(to) = moved.iter().find(|m| m.id == rule.meta.id).and_then(|m| m.to.as_ref()) {
            rule.version = to.to_string();
            rule.revision = old.releases_of(&rule.meta.id).saturating_add(1);
        }
    }
}

fn locked(loaded: &Loaded, old: &Lock, built: &State, version: &Version, moved: &[Moved], ends: &Ends) -> Lock {
    let version_of = |id: &str| {
        let moved = moved.iter().find(|m| m.id == id).and_then(|m| m.to.clone());
        moved.or_else(|| Some(old.rule(id)?.version.clone())).unwrap_or_else(first_version)
    };
    let rules = built.rules.iter().map(|(id, rule)| LockedRule {
        rule: rule.name.clone(),
        id: id.clone(),
        version: version_of(id),
        logic: rule.logic.clone(),
        text: rule.text.clone(),
        documents: rule.documents.clone(),
    });
    let mut rules: Vec<LockedRule> = rules.collect();
    rules.sort_by(|a, b| a.rule.cmp(&b.rule));
    let gone = old.rules.iter().filter(|l| !built.rules.contains_key(&l.id)).map(|l| ends.of(l));
    let mut removed: Vec<Tombstone> =
        old.removed.iter().filter(|t| !built.rules.contains_key(&t.id)).cloned().chain(gone).collect();
    removed.sort_by(|a, b| (&a.rule, &a.id).cmp(&(&b.rule, &b.id)));
    let mut history = vec![Release { version: version.clone(), changes: moved.to_vec() }];
    history.extend(old.history.iter().cloned());
    Lock {
        format: FORMAT,
        pack: loaded.config.name.clone(),
        version: version.clone(),
        packs: built.packs.clone(),
        rules,
        documents: built.documents.clone(),
        removed,
        history,
    }
}

/// Writes the lock, and its version into `arcanary.yaml`. If only the first of the two could be written, the same command
/// writes the second.
///
/// # Errors
/// What the system says, or that the version's line cannot be found.
pub fn write(bumped: &Bumped, root: &Path) -> io::Result<()> {
    files::sweep(root);
    // Neither may be a link: that is found before one of them is written.
    files::read(root, lock::FILE_NAME)?;
    let old = files::read(root, PROJECT)?.unwrap_or_default();
    let text = String::from_utf8(old.clone()).map_err(io::Error::other)?;
    let version = bumped.lock.version.to_string();
    let text = with_version(&text, &version).ok_or_else(|| {
        io::Error::other(format!("the line of `version` in {}: set it to {version} by hand", PROJECT))
    })?;
    if text.as_bytes() != old {
        files::rewrite(&root.join(PROJECT), &old, text.as_bytes())?;
    }
    bumped.lock.write(root)
}

/// The text of a project file with another version, all else as it was; `None`: its version's line is not a plain one.
fn with_version(text: &str, version: &str) -> Option<String> {
    let config = |text: &str| serde_yaml::from_str::<project::Config>(text).ok();
    let mut wanted = config(text)?;
    wanted.version = version.to_owned();
    let changed: String = text
        .split_inclusive('\n')
        .map(|line| match line.strip_prefix("version:") {
            Some(rest) => {
                let value = rest.split(" #").next().unwrap_or("").trim_end();
                format!("version: {version}{}", rest.get(value.len()..).unwrap_or(""))
            }
            None => line.to_owned(),
        })
        .collect();
    (format!("{:?}", config(&changed)?) == format!("{wanted:?}")).then_some(changed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_versions_line_changes_and_nothing_else() {
        let text = "# a pack\nname: p\nversion: \"0.1.0\"   # moved by pack --bump\r\nparams: { version: 3 }\n";
        let expected = "# a pack\nname: p\nversion: 0.2.0   # moved by pack --bump\r\nparams: { version: 3 }\n";
        assert_eq!(with_version(text, "0.2.0").as_deref(), Some(expected));
    }

    #[test]
    fn a_version_that_is_no_plain_line_is_left_to_the_author() {
        assert_eq!(with_version("{ name: p, version: 0.1.0 }\n", "0.2.0"), None);
        assert_eq!(with_version("version:\n  0.1.0\n", "0.2.0"), None);
        assert_eq!(
            with_version("name: |\n a\nversion: 0.1.0\n", "0.2.0").as_deref(),
            Some("name: |\n a\nversion: 0.2.0\n")
        );
    }
}
