//! What a project is now, in the lock's terms, and how that differs from a lock.

use crate::build::{Built, Entry};
use crate::diagnostic::{Code, Diagnostic};
use crate::hash;
use crate::project::Loaded;
use crate::project::lock::{FILE_NAME, Lock, LockedPack, LockedRule};
use crate::project::packs::Upstream;
use crate::sema::Disabled;
use crate::source::Span;
use semver::Version;
use std::collections::BTreeMap;

/// A project as it is built now.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// The packs that it stands on, in the order in which it names them.
    pub packs: Vec<LockedPack>,
    /// Rules by id.
    pub rules: BTreeMap<String, RuleState>,
    /// Documents that belong to no rule alone: path and hash.
    pub documents: BTreeMap<String, String>,
}

/// A rule as it is built now.
#[derive(Clone, Debug, Default)]
pub struct RuleState {
    /// Its name.
    pub name: String,
    /// Its title.
    pub title: String,
    /// Where its name stands.
    pub span: Span,
    /// The version that it has in the pack it comes from.
    pub upstream: Option<Version>,
    /// Why it is switched off.
    pub disabled: Option<String>,
    /// Hash of what it means.
    pub logic: String,
    /// Hash of what it says about itself.
    pub text: String,
    /// Its documents: path and hash.
    pub documents: BTreeMap<String, String>,
}

/// The state of what was built of `loaded`.
#[must_use]
pub fn state(loaded: &Loaded, built: &Built) -> State {
    let mut state = State { packs: packs(loaded), ..State::default() };
    for rule in loaded.rules() {
        let lock = loaded.pack_of(rule.span.file).and_then(|pack| pack.lock.as_ref());
        let own = RuleState {
            name: rule.name.clone(),
            title: rule.meta.title.clone(),
            span: rule.span,
            upstream: lock.and_then(|lock| Some(lock.rule(&rule.meta.id)?.version.clone())),
            disabled: rule.disabled.as_ref().map(Disabled::words),
            logic: hash::logic(rule, &loaded.project),
            text: hash::text(rule),
            documents: BTreeMap::new(),
        };
        state.rules.insert(rule.meta.id.clone(), own);
    }
    let owners = owners(&built.targets);
    for (path, text) in &built.files {
        let hash = hash::of_bytes(text.as_ref());
        let own = owners.get(path.as_str()).and_then(|id| state.rules.get_mut(*id));
        own.map_or(&mut state.documents, |rule| &mut rule.documents).insert(path.clone(), hash);
    }
    state
}

/// The packs that a project stands on, in a lock's terms.
fn packs(loaded: &Loaded) -> Vec<LockedPack> {
    let one = |pack: &Upstream| LockedPack {
        pack: pack.receipt.pack.clone(),
        version: pack.receipt.version.clone(),
        files: hash::of_bytes(serde_json::json!(pack.receipt.files).to_string().as_bytes()),
    };
    loaded.packs.iter().map(one).collect()
}

/// The rule, by its id, of each document that belongs to one rule alone.
#[must_use]
pub fn owners<'a>(
    targets: impl IntoIterator<Item = (&'a String, &'a BTreeMap<String, Entry>)>,
) -> BTreeMap<&'a str, &'a str> {
    let mut owners: BTreeMap<&str, Option<&str>> = BTreeMap::new();
    for entry in targets.into_iter().flat_map(|(_, entries)| entries.values()) {
        for path in entry.paths() {
            let shared = owners.get(path).is_some_and(|id| *id != Some(entry.id.as_str()));
            owners.insert(path, if shared { None } else { Some(entry.id.as_str()) });
        }
    }
    owners.into_iter().filter_map(|(path, id)| Some((path, id?))).collect()
}

/// What `--locked` finds: the project has no lock, or what was built differs from it.
#[must_use]
pub fn unlocked(loaded: &Loaded, built: &Built) -> Vec<Diagnostic> {
    match &loaded.lock {
        Some(lock) => differences(loaded, built, lock),
        None => vec![
            Diagnostic::new(Code::BadLock, format!("the project has no {FILE_NAME}"))
                .help("run `arcanary pack --bump`, and commit pack.lock"),
        ],
    }
}

/// What `build --check` finds: files of the output folder that are not what was built, each with whether it is there at all;
/// a finding for each rule, and one for all that belongs to no rule alone.
#[must_use]
pub fn outdated<'a>(
    loaded: &Loaded,
    built: &Built,
    folder: &str,
    names: impl IntoIterator<Item = (&'a str, bool)>,
) -> Vec<Diagnostic> {
    let owners = owners(&built.targets);
    let mut by_rule: BTreeMap<Option<&str>, Vec<String>> = BTreeMap::new();
    for (name, there) in names {
        let what = match (there, built.files.contains_key(name) || !name.contains('/')) {
            (false, _) => "is missing",
            (true, true) => "differs",
            (true, false) => "is stale",
        };
        by_rule.entry(owners.get(name).copied()).or_default().push(format!("{name}: {what}"));
    }
    let finding = |(id, lines): (Option<&str>, Vec<String>)| {
        let rule = loaded.rules().find(|r| Some(r.meta.id.as_str()) == id);
        let diagnostic = match rule {
            Some(rule) => Diagnostic::new(Code::StaleBuild, format!("{folder} is not up to date with `{}`", rule.name))
                .at(rule.span, "this rule"),
            None => Diagnostic::new(Code::StaleBuild, format!("{folder} is not up to date with the project")),
        };
        diagnostic.lines(lines).help("run `arcanary build`, review the changes, and commit them")
    };
    by_rule.into_iter().map(finding).collect()
}

/// How what was built differs from the lock; a part of the rules or of the targets is compared with that part of the lock.
fn differences(loaded: &Loaded, built: &Built, lock: &Lock) -> Vec<Diagnostic> {
    let state = state(loaded, built);
    let built_here = |path: &str| path.split_once('/').is_some_and(|(target, _)| built.targets.contains_key(target));
    let part = |documents: &BTreeMap<String, String>| -> BTreeMap<String, String> {
        documents.iter().filter(|(path, _)| built_here(path)).map(|(p, h)| (p.clone(), h.clone())).collect()
    };
    let mut found = vec![];
    if loaded.config.version != lock.version.to_string() || loaded.config.name != lock.pack {
        let message = format!(
            "the project is `{} {}`, but {FILE_NAME} is for `{} {}`",
            loaded.config.name, loaded.config.version, lock.pack, lock.version
        );
        found.push(stale(message));
    }
    if state.packs != lock.packs {
        let lines = other_packs(&lock.packs, &state.packs);
        found.push(stale("the project's packs do not match the lock".to_owned()).lines(lines));
    }
    for (id, rule) in &state.rules {
        found.extend(match lock.rule(id) {
            None => {
                Some(stale(format!("rule `{}` is not in {FILE_NAME}", rule.name)).at(rule.span, format!("id {id}")))
            }
            Some(locked) => differs(rule, locked, &part(&locked.documents)),
        });
    }
    if loaded.selected.is_none() {
        let gone = lock.rules.iter().filter(|r| !state.rules.contains_key(&r.id));
        found.extend(gone.map(|r| stale(format!("rule `{}` is in {FILE_NAME}, but not in the project", r.rule))));
    }
    // Documents over all rules are made, and compared, when all of the project is built.
    if loaded.selected.is_none() && loaded.own_targets().iter().all(|t| built.targets.contains_key(t)) {
        let lines = changed(&lock.documents, &state.documents);
        if !lines.is_empty() {
            found.push(stale("documents that cover all rules do not match the lock".to_owned()).lines(lines));
        }
    }
    found
}

/// What is not the same in both, a line each.
fn other_packs(before: &[LockedPack], now: &[LockedPack]) -> Vec<String> {
    let line = |sign: char, p: &LockedPack| format!("{sign} {} {}, {}", p.pack, p.version, p.files);
    let gone = before.iter().filter(|p| !now.contains(p)).map(|p| line('-', p));
    gone.chain(now.iter().filter(|p| !before.contains(p)).map(|p| line('+', p))).collect()
}

fn stale(message: String) -> Diagnostic {
    Diagnostic::new(Code::StaleLock, message)
        .help("run `arcanary pack --bump`, review the new versions, and commit pack.lock")
}

fn differs(rule: &RuleState, locked: &LockedRule, documents: &BTreeMap<String, String>) -> Option<Diagnostic> {
    let mut what = vec![];
    if rule.logic != locked.logic {
        what.push("logic");
    }
    if rule.text != locked.text {
        what.push("metadata");
    }
    if rule.name != locked.rule {
        what.push("name");
    }
    let lines = changed(documents, &rule.documents);
    if what.is_empty() && lines.is_empty() {
        return None;
    }
    let label = match what.as_slice() {
        [] => "only its documents changed".to_owned(),
        all => format!("changed since {}: {}", locked.version, all.join(", ")),
    };
    let diagnostic = stale(format!("`{}` does not match {FILE_NAME}", rule.name)).at(rule.span, label);
    Some(if lines.is_empty() { diagnostic } else { diagnostic.lines(lines) })
}

/// The documents that differ, a line each.
fn changed(before: &BTreeMap<String, String>, now: &BTreeMap<String, String>) -> Vec<String> {
    let gone = before.keys().filter(|path| !now.contains_key(*path)).map(|path| format!("- {path}"));
    let differ = now.iter().filter_map(|(path, hash)| match before.get(path) {
        None => Some(format!("+ {path}")),
        Some(old) if old != hash => Some(format!("~ {path}")),
        Some(_) => None,
    });
    gone.chain(differ).collect()
}
