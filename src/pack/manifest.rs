//! The manifest of a release: what it holds, what that needs, and the hash of everything.

use crate::build::{Built, Entry, Excepted};
use crate::hash;
use crate::project::Loaded;
use crate::project::lock::{Lock, Tombstone};
use crate::sema::Rule;
use crate::target::Target;
use semver::Version;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The manifest's name in a release.
pub const FILE_NAME: &str = "manifest.json";
/// Its format.
pub const FORMAT: u32 = 1;

/// The manifest of a release.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: u32,
    /// The pack's name.
    pub name: String,
    /// Its version.
    pub version: Version,
    /// The program that made it.
    pub generator: String,
    /// Targets by name.
    pub targets: BTreeMap<String, TargetEntry>,
    /// Rules by id.
    pub rules: BTreeMap<String, RuleEntry>,
    /// Documents of no rule alone: path from the output folder, and hash.
    pub documents: BTreeMap<String, String>,
    /// The names of the rules of each ATT&CK technique.
    pub attack: BTreeMap<String, Vec<String>>,
    /// The names of the rules under each licence; rules that tell none are not here.
    pub licenses: BTreeMap<String, Vec<String>>,
    /// Rules that are gone.
    pub removed: Vec<Tombstone>,
    /// Archives by file name.
    pub archives: BTreeMap<String, ArchiveEntry>,
    /// The hash of every file of the release but the manifest and the sums.
    pub checksums: BTreeMap<String, String>,
}

/// A target in a manifest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TargetEntry {
    /// In words.
    pub title: String,
    /// `kql`, `spl` or `yml`: the extension of its queries.
    pub language: String,
    /// The archive with its documents.
    pub archive: String,
    /// Tables and log sources that its rules read.
    pub requires: BTreeSet<String>,
}

/// A rule in a manifest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RuleEntry {
    /// Its name.
    pub rule: String,
    /// Its title.
    pub title: String,
    /// Its version.
    pub version: Version,
    /// Its level.
    pub level: String,
    /// Its status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Its systems.
    pub os: Vec<String>,
    /// Its techniques.
    pub attack: Vec<String>,
    /// Its author.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// Its licence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub license: Option<String>,
    /// Hash of what it means.
    pub logic: String,
    /// Hash of what it says about itself.
    pub text: String,
    /// Its exceptions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exceptions: Vec<Excepted>,
    /// What tunes set of it: keys.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tuned: Vec<String>,
    /// What each target makes of it.
    pub targets: BTreeMap<String, OnTarget>,
}

/// A rule on a target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OnTarget {
    /// `exact`, `degraded`, `not_for_target`, `skipped` or `disabled`.
    pub status: String,
    /// Remarks, or why there is no document.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Its documents, from the output folder: the first folder is called like the archive that holds them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub documents: Vec<String>,
    /// Tables and log sources that it reads.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub requires: BTreeSet<String>,
}

/// An archive in a manifest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ArchiveEntry {
    /// The target whose documents it holds, `TARGET-app` with its app alone, another folder of the output, or `sources`.
    pub of: String,
    /// The folder in it that holds everything.
    pub folder: String,
    /// The hash of each of its files, by path from that folder.
    pub files: BTreeMap<String, String>,
}

impl Manifest {
    /// What is known of a release before its files are made: no archives, no checksums.
    #[must_use]
    pub fn of(loaded: &Loaded, built: &Built, lock: &Lock) -> Manifest {
        let mut manifest = Manifest {
            format: FORMAT,
            name: lock.pack.clone(),
            version: lock.version.clone(),
            generator: format!("arcanary {}", env!("CARGO_PKG_VERSION")),
            targets: BTreeMap::new(),
            rules: BTreeMap::new(),
            documents: lock.documents.clone(),
            attack: BTreeMap::new(),
            licenses: BTreeMap::new(),
            removed: lock.removed.clone(),
            archives: BTreeMap::new(),
            checksums: BTreeMap::new(),
        };
        for rule in loaded.rules() {
            manifest.rules.insert(rule.meta.id.clone(), rule_entry(rule, loaded, built, lock));
            for technique in rule.meta.technique_ids() {
                manifest.attack.entry(technique).or_default().push(rule.name.clone());
            }
            if let Some(license) = &rule.meta.license {
                manifest.licenses.entry(license.clone()).or_default().push(rule.name.clone());
            }
        }
        manifest.attack.values_mut().chain(manifest.licenses.values_mut()).for_each(|rules| rules.sort_unstable());
        for target in built.targets.keys().filter_map(|name| loaded.targets.all.get(name)) {
            let on = manifest.rules.values().filter_map(|r| r.targets.get(&target.name));
            let entry = TargetEntry {
                title: target.title.clone(),
                language: target.language.extension().to_owned(),
                archive: super::release::archive_name(&manifest.name, &manifest.version, &target.name),
                requires: on.flat_map(|t| t.requires.iter().cloned()).collect(),
            };
            manifest.targets.insert(target.name.clone(), entry);
        }
        manifest
    }

    /// As text.
    #[must_use]
    pub fn to_text(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }
}

fn rule_entry(rule: &Rule, loaded: &Loaded, built: &Built, lock: &Lock) -> RuleEntry {
    let meta = &rule.meta;
    let on = |(name, entries): (&String, &BTreeMap<String, Entry>)| {
        let (entry, target) = (entries.get(&rule.name)?, loaded.targets.all.get(name)?);
        Some((name.clone(), on_target(rule, entry, target)))
    };
    RuleEntry {
        rule: rule.name.clone(),
        title: meta.title.clone(),
        version: lock.rule(&meta.id).map_or_else(super::bump::first_version, |r| r.version.clone()),
        level: meta.level.word().to_owned(),
        status: meta.status.clone(),
        os: meta.os.iter().map(|os| os.word().to_owned()).collect(),
        attack: meta.technique_ids(),
        author: meta.author.clone(),
        license: meta.license.clone(),
        logic: hash::logic(rule, &loaded.project),
        text: hash::text(rule),
        exceptions: Excepted::of(rule),
        tuned: rule.tuned().iter().map(|(key, _)| key.clone()).collect(),
        targets: built.targets.iter().filter_map(on).collect(),
    }
}

fn on_target(rule: &Rule, entry: &Entry, target: &Target) -> OnTarget {
    let documents: Vec<String> = entry.paths().map(str::to_owned).collect();
    let sources = rule.kinds.iter().filter_map(|kind| target.sources.get(kind)).flatten();
    let read = sources.filter(|s| !documents.is_empty() && s.os.iter().any(|os| rule.meta.os.contains(os)));
    OnTarget {
        status: entry.status.clone(),
        notes: entry.notes.clone(),
        requires: read.map(crate::target::Source::place).collect(),
        documents,
    }
}
