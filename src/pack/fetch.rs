//! `fetch-pack`: a version of a pack out of a repository, checked against its index and by its own sums.

use super::archive::{Files, is_plain};
use super::hash;
use super::index::VersionEntry;
use super::release::{SUMS, files_in, replace};
use super::remote::Remote;
use super::verify::{Release, verify_files};
use crate::input;
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
/// never replaced, and hidden files of others stay.
///
/// # Errors
/// What stands there, or what the system says.
pub fn unpack(release: &Release, out: &Path) -> io::Result<()> {
    let mut files = release.sources().cloned().unwrap_or_default();
    let receipt = Receipt {
        pack: release.manifest.name.clone(),
        version: release.version().clone(),
        files: files.iter().map(|(path, bytes)| (path.clone(), hash::of_bytes(bytes))).collect(),
    };
    let text = serde_json::to_string_pretty(&receipt).map_err(io::Error::other)? + "\n";
    files.insert(RECEIPT.to_owned(), text.into_bytes());
    for (name, bytes) in kept(out)? {
        files.entry(name).or_insert(bytes);
    }
    files.entry(ATTRIBUTES.0.to_owned()).or_insert_with(|| ATTRIBUTES.1.into());
    replace(out, &files, &|folder| foreign(folder, &receipt.pack))
}

/// The receipt of a folder that holds what was unpacked there, and nothing else.
///
/// # Errors
/// What differs.
pub fn as_fetched(folder: &Path) -> Result<Receipt, String> {
    let Ok(text) = input::read_below(folder, RECEIPT) else {
        return Err(if folder.is_dir() {
            format!("it has no {RECEIPT}")
        } else {
            "there is no such folder".to_owned()
        });
    };
    let receipt: Receipt = serde_json::from_slice(&text).map_err(|why| format!("{RECEIPT} cannot be read: {why}"))?;
    let names = files_in(folder).map_err(|why| why.to_string())?;
    if let Some(name) = receipt.files.keys().find(|name| !names.contains(*name)) {
        return Err(format!("`{name}` is missing"));
    }
    changed(folder, &names, &receipt).map_or(Ok(receipt), Err)
}

/// The first of a folder's files that is not as it was fetched.
fn changed(folder: &Path, names: &BTreeSet<String>, receipt: &Receipt) -> Option<String> {
    let read = names.iter().filter(|name| receipt.files.contains_key(*name) || !is_hidden(name));
    read.into_iter().find_map(|name| differs(folder, name, receipt))
}

/// Editors and systems leave hidden files, which no project reads, and no pack's sums count.
fn is_hidden(name: &str) -> bool {
    name.split('/').any(|part| part.starts_with('.'))
}

/// Whether a hidden file can be carried over as a plain one: it is no link, and of no repository.
fn stays(folder: &Path, name: &str) -> bool {
    is_plain(name) && folder.join(name).symlink_metadata().is_ok_and(|m| m.is_file())
}

/// The receipt of what was unpacked in a folder before, whatever became of it.
fn earlier(folder: &Path) -> Option<Receipt> {
    serde_json::from_slice(&input::read_below(folder, RECEIPT).ok()?).ok()
}

/// The hidden files of a folder that are not its pack's: they are somebody's, and an update leaves them.
fn kept(folder: &Path) -> io::Result<Files> {
    let Some(before) = earlier(folder) else { return Ok(Files::new()) };
    let names = files_in(folder)?;
    let theirs = names.into_iter().filter(|name| is_hidden(name) && name != RECEIPT && stays(folder, name));
    let theirs = theirs.filter(|name| !before.files.contains_key(name));
    theirs.map(|name| input::read_below(folder, &name).map(|bytes| (name, bytes))).collect()
}

/// Why a file is not one of a receipt.
fn differs(folder: &Path, name: &str, receipt: &Receipt) -> Option<String> {
    match receipt.files.get(name) {
        None => Some(format!("`{name}` there is none of the pack's files")),
        Some(hash) => {
            let same = is_plain(name) && input::read_below(folder, name).is_ok_and(|b| hash::of_bytes(&b) == *hash);
            (!same).then(|| {
                format!("`{name}` was edited since it was fetched: a `tune` in a file of your own is kept by updates")
            })
        }
    }
}

/// What in a folder does not come from an earlier version of this pack.
fn foreign(folder: &Path, pack: &str) -> Option<String> {
    let names = files_in(folder).ok()?;
    if names.is_empty() {
        return None;
    }
    let Some(before) = earlier(folder) else {
        return Some("it holds files, and no pack was unpacked there".to_owned());
    };
    if before.pack != pack {
        return Some(format!("it holds the pack `{}`", before.pack));
    }
    let odd = names.iter().find(|name| is_hidden(name) && !stays(folder, name));
    odd.map(|name| format!("`{name}` there is none of the pack's files")).or_else(|| changed(folder, &names, &before))
}
