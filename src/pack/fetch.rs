//! `fetch-pack`: a version of a pack out of a repository, checked against its index and by its own sums.

use super::archive::Files;
use super::index::VersionEntry;
use super::manifest;
use super::release::SUMS;
use super::remote::Remote;
use super::verify::{Release, read_manifest, verify_files};
use crate::file_names::is_plain;
use crate::files::{self, Replacement, files_in};
use crate::hash;
use crate::project::receipt::{RECEIPT, Receipt, is_hidden, receipt, unchanged};
use semver::Version;
use std::collections::BTreeSet;
use std::io;
use std::path::Path;

/// Keeps git from changing line ends of unpacked sources, whatever the consumer's settings say: their hashes would differ.
const ATTRIBUTES: (&str, &str) =
    (".gitattributes", "# Written by `arcanary fetch-pack`: a pack is kept to the byte.\n* -text\n");

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

/// The version of a pack that lies in a folder, as sources or as a release.
#[must_use]
pub fn standing(folder: &Path, pack: &str) -> Option<Version> {
    let sources = receipt(folder).ok().flatten().map(|receipt| (receipt.pack, receipt.version));
    let release = || {
        let manifest = read_manifest(&files::read(folder, manifest::FILE_NAME).ok()??).ok()?;
        Some((manifest.name, manifest.version))
    };
    sources.or_else(release).filter(|(name, _)| name == pack).map(|(_, version)| version)
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
/// never replaced, and hidden files of others stay as they are. `waiting` is called once if another process writes to the folder.
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
        if files.get(name).is_some_and(|new| new != bytes) {
            let shown = name.escape_debug();
            let why =
                format!("the new version of the pack contains `{shown}`, and you have a file of that name: move yours");
            return Err(io::Error::other(format!("{}: {why}", out.display())));
        }
        files.entry(name.clone()).or_insert_with(|| bytes.clone());
    }
    files.entry(ATTRIBUTES.0.to_owned()).or_insert_with(|| ATTRIBUTES.1.into());
    replacement.finish(&files, &|folder| earlier(folder, &receipt.pack, &kept))
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
            Ok(_) => return Err(format!("`{name}` does not belong to the pack")),
            Err(why) => return Err(why.to_string()),
        }
    }
    let around = |name: &String| {
        name.match_indices('/').map(|(at, _)| name.get(..at).unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    let known = names.iter().chain(before.files.keys()).flat_map(around).collect();
    match other_folder(folder, "", &known).map_err(|why| why.to_string())? {
        Some(name) => {
            Err(format!("`{}` is an empty folder that does not belong to the pack: remove it", name.escape_debug()))
        }
        None => unchanged(folder, &names, &before),
    }
}

/// A folder below `folder` that is none of `known`; links are not followed.
fn other_folder(folder: &Path, before: &str, known: &BTreeSet<String>) -> io::Result<Option<String>> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            let name = format!("{before}{}", entry.file_name().to_string_lossy());
            let found = match known.contains(&name) {
                true => other_folder(&entry.path(), &format!("{name}/"), known)?,
                false => Some(name),
            };
            if found.is_some() {
                return Ok(found);
            }
        }
    }
    Ok(None)
}
