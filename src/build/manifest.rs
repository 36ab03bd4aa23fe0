//! `manifest.json` of an output folder: what a build made, and the hash of each file, by which the next build knows its own.

use super::{Built, Entry};
use crate::diagnostic::{Code, Diagnostic};
use crate::file_names::is_plain;
use crate::files::{self, Tree};
use crate::hash;
use crate::project::Loaded;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

/// The manifest's name in the output folder.
pub const MANIFEST: &str = "manifest.json";

/// The manifest of an output folder.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Manifest {
    /// The project's name.
    #[serde(default)]
    pub name: String,
    /// The project's version.
    #[serde(default)]
    pub version: String,
    /// The program that wrote it.
    pub generator: String,
    /// What was made of each rule, by target and name.
    pub targets: BTreeMap<String, BTreeMap<String, Entry>>,
    /// Documents over several rules, by their first folder.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub documents: BTreeMap<String, Vec<String>>,
    /// The hash of each file, by path from the output folder.
    #[serde(default)]
    pub files: BTreeMap<String, String>,
    /// While a build runs, or after it was interrupted: the hash of each file that it writes. A finished build has none.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub unfinished: BTreeMap<String, String>,
}

/// Why there is no manifest to go by.
#[derive(Debug)]
pub enum Unreadable {
    /// It is none.
    Bad(Box<Diagnostic>),
    /// What the system says.
    System(io::Error),
}

impl std::fmt::Display for Unreadable {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        match self {
            Unreadable::Bad(diagnostic) => {
                let help = diagnostic.help.iter().map(|help| format!("; {}", help.text)).collect::<String>();
                write!(f, "{}{help}", diagnostic.message)
            }
            Unreadable::System(error) => write!(f, "{error}"),
        }
    }
}

impl Manifest {
    /// Reads the manifest of an output folder; an empty one if there is none.
    ///
    /// # Errors
    /// `E0811` for a file that is no manifest of a build, or what the system says.
    pub fn read(out: &Path) -> Result<Manifest, Unreadable> {
        match files::read(out, MANIFEST).map_err(Unreadable::System)? {
            Some(bytes) => Manifest::parse(out, &bytes),
            None => Ok(Manifest::default()),
        }
    }

    /// Reads the bytes of the manifest of an output folder.
    pub(super) fn parse(out: &Path, bytes: &[u8]) -> Result<Manifest, Unreadable> {
        match serde_json::from_slice::<Manifest>(bytes) {
            Ok(manifest) if manifest.generator.starts_with("arcanary ") => Ok(manifest),
            Ok(_) => Err(bad(out, "no build of Arcanary wrote it")),
            Err(_) if bytes.split(|b| *b == b'\n').any(|line| line.starts_with(b"<<<<<<<")) => {
                Err(bad(out, "a merge left its marks in it"))
            }
            Err(error) => Err(bad(out, &error.to_string())),
        }
    }

    /// As text.
    ///
    /// # Errors
    /// What the JSON writer says.
    pub(super) fn to_text(&self) -> io::Result<String> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    /// The files that it lists.
    pub(super) fn listed(&self) -> BTreeSet<&str> {
        let of_rules = self.targets.values().flat_map(BTreeMap::values).flat_map(Entry::paths);
        let over_rules = self.documents.values().flatten().map(String::as_str);
        of_rules.chain(over_rules).collect()
    }

    /// Everything that a build may have written: what it lists, and what an interrupted build wrote. A manifest may come
    /// from somebody else, so these are plain names in the folder of a target or format that it lists, and no others.
    pub(super) fn own(&self) -> BTreeSet<&str> {
        let hashed = self.files.keys().map(String::as_str);
        self.listed().into_iter().chain(hashed).filter(|file| self.is_own(file)).collect()
    }

    fn is_own(&self, file: &str) -> bool {
        let folder = file.split_once('/').map_or("", |(folder, _)| folder);
        let known = self.targets.contains_key(folder) || self.documents.contains_key(folder);
        known && is_plain(file) && !file.split('/').any(|part| part.starts_with('.'))
    }

    /// Whether a build wrote these bytes to a file. Git may have changed the line ends since.
    pub(super) fn wrote(&self, file: &str, bytes: &[u8]) -> bool {
        self.files.get(file).is_some_and(|hash| is_of(bytes, hash))
    }

    /// Takes up what an interrupted build wrote: each of its files that holds what it was to hold is a file of ours.
    pub(super) fn settle(&mut self, out: &Tree) -> io::Result<()> {
        for (file, hash) in std::mem::take(&mut self.unfinished) {
            if self.is_own(&file) && out.read(&file)?.is_some_and(|bytes| is_of(&bytes, &hash)) {
                self.files.insert(file, hash);
            }
        }
        Ok(())
    }

    /// The manifest after a build; what this one says of other targets and, in a partial build, of other rules, stays.
    pub(super) fn after(&self, built: &Built, loaded: &Loaded) -> Manifest {
        let mut targets = self.targets.clone();
        for (name, entries) in &built.targets {
            if loaded.selected.is_some() {
                targets.entry(name.clone()).or_default().extend(entries.clone());
            } else {
                targets.insert(name.clone(), entries.clone());
            }
        }
        // What an interrupted build only began has no entries.
        targets.retain(|name, entries| !entries.is_empty() || built.targets.contains_key(name));
        let mut documents = self.documents.clone();
        documents.retain(|_, files| !files.is_empty() && !built.whole);
        documents.extend(built.over_rules.clone());
        let mut after = Manifest {
            name: loaded.config.name.clone(),
            version: loaded.config.version.clone(),
            generator: generator(),
            targets,
            documents,
            files: BTreeMap::new(),
            unfinished: BTreeMap::new(),
        };
        let hashes = after.listed().into_iter().filter_map(|file| {
            let made = built.files.get(file).map(|text| hash::of_bytes(text.as_bytes()));
            Some((file.to_owned(), made.or_else(|| self.files.get(file).cloned())?))
        });
        after.files = hashes.collect();
        after
    }

    /// The manifest while a build writes these files.
    pub(super) fn during<'a>(&self, built: &Built, write: impl Iterator<Item = (&'a str, &'a str)>) -> Manifest {
        let unfinished = write.map(|(file, text)| (file.to_owned(), hash::of_bytes(text.as_bytes()))).collect();
        let mut during = Manifest { generator: generator(), unfinished, ..self.clone() };
        // The folders that files go to, by which the next build knows them.
        for target in built.targets.keys() {
            during.targets.entry(target.clone()).or_default();
        }
        for folder in built.over_rules.keys() {
            during.documents.entry(folder.clone()).or_default();
        }
        during
    }
}

fn generator() -> String {
    format!("arcanary {}", env!("CARGO_PKG_VERSION"))
}

/// Whether bytes have a hash, as they are or with the line ends that Arcanary writes.
fn is_of(bytes: &[u8], hash: &str) -> bool {
    hash == hash::of_bytes(bytes) || (bytes.contains(&b'\r') && hash == hash::of_bytes(&without_returns(bytes)))
}

fn without_returns(bytes: &[u8]) -> Vec<u8> {
    let returns = bytes.iter().zip(bytes.iter().skip(1).chain([&0]));
    returns.filter(|(byte, next)| (**byte, **next) != (b'\r', b'\n')).map(|(byte, _)| *byte).collect()
}

fn bad(out: &Path, why: &str) -> Unreadable {
    let place = out.join(MANIFEST);
    let folder = out.display();
    Unreadable::Bad(Box::new(
        Diagnostic::new(Code::BadManifest, format!("`{}` is not the manifest of a build: {why}", place.display()))
            .note("without it, nobody knows which files in the folder Arcanary wrote")
            .help(format!(
                "put the last good one back (`git checkout HEAD -- {}`) or empty {folder}; then run `arcanary build`",
                place.display()
            )),
    ))
}
