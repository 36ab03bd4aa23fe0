//! `fetch-pack`: a version of a pack out of a repository, checked against its index and by its own sums.

use super::archive::{Files, is_plain};
use super::hash;
use super::index::VersionEntry;
use super::release::SUMS;
use super::remote::Remote;
use super::verify::{Release, verify_files};
use crate::files::{self, Replacement, files_in};
use semver::Version;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

/// What unpacked sources carry, so that an update knows what it may replace.
pub const RECEIPT: &str = ".arcanary-pack.json";

/// Keeps git from changing line ends of unpacked sources, whatever the consumer's settings say: their hashes would differ.
const ATTRIBUTES: (&str, &str) =
    (".gitattributes", "# Written by `arcanary fetch-pack`: a pack is kept to the byte.\n* -text\n");

/// What was unpacked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The pack.
    pub pack: String,
    /// Its version.
    pub version: Version,
    /// The hash of each file, by its path.
    pub files: BTreeMap<String, String>,
}

/// A sound release from a repository; without names, its only pack and that one's latest version.
///
/// # Errors
/// Everything that stands against it, a line each.
pub fn fetch(remote: &Remote, pack: Option<&str>, version: Option<&Version>) -> Result<Release, Vec<String>> {
    let one = |why: String| vec![why];
    let index = remote.index().map_err(one)?;
    let names: Vec<&str> = index.packs.keys().map(String::as_str).collect();
    let name = match (pack, names.as_slice()) {
        (_, []) => return Err(one(format!("branch `{}` holds no packs", remote.branch))),
        (Some(name), _) => name,
        (None, [name]) => name,
        (None, all) => return Err(one(format!("which pack? `--pack` names one of {}", all.join(", ")))),
    };
    let Some(entry) = index.packs.get(name) else {
        return Err(one(format!("there is no pack `{name}`; packs are {}", names.join(", "))));
    };
    let version = version.unwrap_or(&entry.latest);
    let Some(found) = entry.versions.iter().find(|v| v.version == *version) else {
        let known: Vec<String> = entry.versions.iter().map(|v| v.version.to_string()).collect();
        return Err(one(format!("`{name}` has no version {version}; versions are {}", known.join(", "))));
    };
    let release = read(remote, found)?;
    let manifest = &release.manifest;
    if manifest.name != name || manifest.version != *version {
        let is = format!("{} {}", manifest.name, manifest.version);
        return Err(one(format!("the index says {name} {version}, and its release is {is}")));
    }
    Ok(release)
}

fn read(remote: &Remote, version: &VersionEntry) -> Result<Release, Vec<String>> {
    let below = format!("{}/", version.release);
    let paths = remote.files.keys().filter(|path| path.starts_with(&below)).map(String::as_str);
    let files = remote.read(paths).map_err(|why| vec![why])?;
    let own = |(path, bytes): (String, Vec<u8>)| Some((path.strip_prefix(&below)?.to_owned(), bytes));
    let files: Files = files.into_iter().filter_map(own).collect();
    match files.get(SUMS) {
        Some(sums) if hash::of_bytes(sums) == version.sums => verify_files(files),
        Some(_) => Err(vec![format!("{below}{SUMS} is not what the index says")]),
        None => Err(vec![format!("{below}{SUMS} is not in the repository")]),
    }
}

/// Unpacks a release's sources into `out`, in the place of those of an earlier version. Sources that were edited since are
/// never replaced, and hidden files of others stay. `waiting` is called once if another process writes to the folder.
///
/// # Errors
/// What stands there, or what the system says.
pub fn unpack(release: &Release, out: &Path, waiting: &dyn Fn()) -> io::Result<()> {
    let mut files = release.sources().cloned().unwrap_or_default();
    let receipt = Receipt {
        pack: release.manifest.name.clone(),
        version: release.version().clone(),
        files: files.iter().map(|(path, bytes)| (path.clone(), hash::of_bytes(bytes))).collect(),
    };
    let text = serde_json::to_string_pretty(&receipt).map_err(io::Error::other)? + "\n";
    files.insert(RECEIPT.to_owned(), text.into_bytes());
    let replacement = Replacement::begin(out, waiting)?;
    let kept = kept(out)?;
    for (name, bytes) in &kept {
        files.entry(name.clone()).or_insert_with(|| bytes.clone());
    }
    files.entry(ATTRIBUTES.0.to_owned()).or_insert_with(|| ATTRIBUTES.1.into());
    replacement.finish(&files, &|folder| earlier(folder, &receipt.pack, &kept))
}

/// The receipt of a folder that holds what was unpacked there, and nothing else.
///
/// # Errors
/// What differs.
pub fn as_fetched(folder: &Path) -> Result<Receipt, String> {
    let receipt = match receipt(folder)? {
        Some(receipt) => receipt,
        None if folder.is_dir() => return Err(format!("it has no {RECEIPT}")),
        None => return Err("there is no such folder".to_owned()),
    };
    let names = files_in(folder).map_err(|why| why.to_string())?;
    if let Some(name) = receipt.files.keys().find(|name| !names.contains(*name)) {
        return Err(format!("`{name}` is missing"));
    }
    unchanged(folder, &names, &receipt)?;
    Ok(receipt)
}

/// The receipt in a folder; `None` if it has none.
fn receipt(folder: &Path) -> Result<Option<Receipt>, String> {
    let Some(bytes) = files::read(folder, RECEIPT).map_err(|why| why.to_string())? else { return Ok(None) };
    serde_json::from_slice(&bytes).map(Some).map_err(|why| format!("{RECEIPT} cannot be read: {why}"))
}

/// Whether a folder's files are as they were fetched: all that are the pack's, and no others but hidden ones.
fn unchanged(folder: &Path, names: &BTreeSet<String>, receipt: &Receipt) -> Result<(), String> {
    let mut read = names.iter().filter(|name| receipt.files.contains_key(*name) || !is_hidden(name));
    read.try_for_each(|name| as_received(folder, name, receipt))
}

/// Editors and systems leave hidden files, which no project reads, and no pack's sums count.
fn is_hidden(name: &str) -> bool {
    name.split('/').any(|part| part.starts_with('.'))
}

/// The hidden files of a folder that are not its pack's: they are somebody's, and an update leaves them.
fn kept(folder: &Path) -> io::Result<Files> {
    if !folder.exists() {
        return Ok(Files::new());
    }
    let Some(before) = receipt(folder).map_err(io::Error::other)? else { return Ok(Files::new()) };
    let theirs = |name: &String| is_hidden(name) && name != RECEIPT && !before.files.contains_key(name);
    let mut kept = Files::new();
    for name in files_in(folder)?.into_iter().filter(theirs) {
        // A link, or a file of a repository, goes nowhere: it stops the update.
        if is_plain(&name)
            && let Some(bytes) = files::read(folder, &name)?
        {
            kept.insert(name, bytes);
        }
    }
    Ok(kept)
}

/// Whether a file is one of a receipt.
fn as_received(folder: &Path, name: &str, receipt: &Receipt) -> Result<(), String> {
    let Some(hash) = receipt.files.get(name).filter(|_| is_plain(name)) else {
        return Err(format!("`{name}` there is none of the pack's files"));
    };
    match files::read(folder, name) {
        Ok(Some(bytes)) if hash::of_bytes(&bytes) == *hash => Ok(()),
        Ok(_) => {
            Err(format!("`{name}` was edited since it was fetched: a `tune` in a file of your own is kept by updates"))
        }
        Err(why) => Err(why.to_string()),
    }
}

/// Whether everything in a folder comes from an earlier version of this pack, but for hidden files that the new folder has.
fn earlier(folder: &Path, pack: &str, kept: &Files) -> Result<(), String> {
    let Some(before) = receipt(folder)? else {
        return Err("it holds files, and no pack was unpacked there; name another folder".to_owned());
    };
    if before.pack != pack {
        return Err(format!("it holds the pack `{}`; name another folder", before.pack));
    }
    let names = files_in(folder).map_err(|why| why.to_string())?;
    for name in names.iter().filter(|name| is_hidden(name) && *name != RECEIPT && !before.files.contains_key(*name)) {
        match files::read(folder, name) {
            Ok(Some(bytes)) if kept.get(name) == Some(&bytes) => {}
            Ok(_) => return Err(format!("`{name}` there is none of the pack's files")),
            Err(why) => return Err(why.to_string()),
        }
    }
    unchanged(folder, &names, &before)
}
