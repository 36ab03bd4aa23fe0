//! `verify`: whether a folder is a release as it was made: sums, manifest, archives, and nothing else.

use super::archive::{Budget, Files, MOST_BYTES, read_tar_gz};
use super::changelog;
use super::manifest::{self, ArchiveEntry, Manifest};
use super::release::{SOURCES, SUMS, app_of, archive_name};
use crate::document::app_id;
use crate::file_names::{is_pack_name, is_plain};
use crate::files::files_in;
use crate::hash;
use crate::input;
use crate::project::receipt::may_hold;
use semver::Version;
use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::path::Path;

/// A release that was read and is sound.
#[derive(Clone, Debug)]
pub struct Release {
    /// Its manifest.
    pub manifest: Manifest,
    /// The files of each archive, by the archive's name.
    pub archives: BTreeMap<String, Files>,
    /// Every file of the folder.
    pub files: Files,
}

/// Reads the release in a folder.
///
/// # Errors
/// Everything that is wrong with it, a line each.
pub fn verify(folder: &Path) -> Result<Release, Vec<String>> {
    if !folder.is_dir() {
        return Err(vec![format!("{} is not a folder: name the folder that `arcanary pack` wrote", folder.display())]);
    }
    let names = files_in(folder).map_err(|e| vec![e.to_string()])?;
    let mut files = Files::new();
    let mut wrong = vec![];
    let mut left = MOST_BYTES;
    for name in names {
        let path = folder.join(&name);
        let plain = std::fs::symlink_metadata(&path).is_ok_and(|m| m.is_file());
        match (plain, is_plain(&name)) {
            (true, true) => match input::read_within(&path, left) {
                Ok(bytes) => {
                    left -= bytes.len() as u64;
                    files.insert(name, bytes);
                }
                Err(error) if error.kind() == ErrorKind::FileTooLarge => {
                    return Err(vec![format!(
                        "{name}: a release holds at most {MOST_BYTES} bytes, and there are more"
                    )]);
                }
                Err(error) => wrong.push(format!("{name}: {error}")),
            },
            _ => wrong.push(format!("{name}: no plain file")),
        }
    }
    if wrong.is_empty() { verify_files(files) } else { Err(wrong) }
}

/// The same for files that were read already.
///
/// # Errors
/// Everything that is wrong, a line each.
pub fn verify_files(files: Files) -> Result<Release, Vec<String>> {
    // A repository's tree may hold names that no folder does.
    let odd = files.keys().filter(|name| !is_plain(name));
    let mut wrong: Vec<String> = odd.map(|name| format!("{}: no plain file", name.escape_debug())).collect();
    wrong.extend(sums(&files));
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let text = files.get(manifest::FILE_NAME).map(Vec::as_slice).unwrap_or_default();
    let manifest = match read_manifest(text) {
        Ok(manifest) => manifest,
        Err(why) => return Err(vec![format!("{}: {why}", manifest::FILE_NAME)]),
    };
    wrong.extend(checksums(&manifest, &files));
    wrong.extend(required(&manifest, &files));
    let mut archives = BTreeMap::new();
    let budget = Budget::default();
    for (name, entry) in &manifest.archives {
        match files.get(name).map(|bytes| read_tar_gz(bytes, &entry.folder, &budget)) {
            None => wrong.push(format!("{name}: the manifest names it, and it is not there")),
            Some(Err(why)) => wrong.push(format!("{name}: {why}")),
            Some(Ok(content)) => {
                wrong.extend(contents(name, entry, &content));
                archives.insert(name.clone(), content);
            }
        }
    }
    wrong.extend(documents(&manifest));
    if wrong.is_empty() { Ok(Release { manifest, archives, files }) } else { Err(wrong) }
}

/// Reads a manifest of this format.
pub(super) fn read_manifest(text: &[u8]) -> Result<Manifest, String> {
    #[derive(serde::Deserialize)]
    struct Head {
        format: u32,
    }
    let head: Head = serde_json::from_slice(text).map_err(|e| e.to_string())?;
    if head.format != manifest::FORMAT {
        return Err(format!("its format is {}, and this program reads format {}", head.format, manifest::FORMAT));
    }
    let manifest: Manifest = serde_json::from_slice(text).map_err(|e| e.to_string())?;
    if !is_pack_name(&manifest.name) {
        return Err(format!("`{}` cannot be the name of a pack", manifest.name.escape_debug()));
    }
    Ok(manifest)
}

/// The sums name every other file once, with its sum.
fn sums(files: &Files) -> Vec<String> {
    let Some(text) = files.get(SUMS) else { return vec![format!("there is no {SUMS}: this is no release")] };
    let Ok(text) = std::str::from_utf8(text) else { return vec![format!("{SUMS}: not UTF-8")] };
    let mut wrong = vec![];
    let mut named = BTreeSet::from([SUMS]);
    for line in text.lines() {
        match line.split_once("  ") {
            Some((sum, name)) => match files.get(name) {
                _ if !named.insert(name) => wrong.push(format!("{name}: {SUMS} names it twice")),
                None => wrong.push(format!("{name}: {SUMS} names it, and it is not there")),
                Some(bytes) if hash::hex(bytes) != sum => wrong.push(format!("{name}: its sum is not that of {SUMS}")),
                Some(_) => {}
            },
            None => wrong.push(format!("{SUMS}: `{}` is no sum and name", line.escape_debug())),
        }
    }
    let extra = files.keys().filter(|name| !named.contains(name.as_str()));
    wrong.extend(extra.map(|name| format!("{name}: {SUMS} does not name it")));
    wrong
}

/// The manifest has the hash of every file but itself and the sums.
fn checksums(manifest: &Manifest, files: &Files) -> Vec<String> {
    let own = |name: &&String| !matches!(name.as_str(), manifest::FILE_NAME | SUMS);
    let missing = manifest.checksums.keys().filter(|name| !files.contains_key(*name));
    let missing = missing.map(|name| format!("{name}: the manifest names it, and it is not there"));
    let differ =
        files.iter().filter(|(name, _)| own(name)).filter_map(|(name, bytes)| match manifest.checksums.get(name) {
            None => Some(format!("{name}: the manifest does not name it")),
            Some(sum) if *sum != hash::of_bytes(bytes) => Some(format!("{name}: its sum is not that of the manifest")),
            Some(_) => None,
        });
    missing.chain(differ).collect()
}

/// What every release has.
fn required(manifest: &Manifest, files: &Files) -> Vec<String> {
    let mut wrong: Vec<String> = [changelog::MARKDOWN, changelog::JSON]
        .into_iter()
        .filter(|name| !files.contains_key(*name))
        .map(|name| format!("{name}: it is not there"))
        .collect();
    let archive = |of: &str| archive_name(&manifest.name, &manifest.version, of);
    let needed = manifest.targets.keys().map(|t| archive(t)).chain([archive(SOURCES)]);
    let missing = needed.filter(|name| !manifest.archives.contains_key(name));
    wrong.extend(missing.map(|name| format!("{name}: the manifest does not name it as an archive")));
    for (name, entry) in &manifest.archives {
        let folder = match app_of(manifest, &entry.of) {
            Some(target) => Some(app_id(&manifest.name, target)),
            None => name.strip_suffix(".tar.gz").map(str::to_owned),
        };
        if *name != archive(&entry.of) || Some(&entry.folder) != folder.as_ref() {
            wrong.push(format!("{name}: it is not called like what it holds"));
        }
    }
    for (target, entry) in &manifest.targets {
        if entry.archive != archive(target) {
            wrong.push(format!("{}: the archive of `{target}` has another name", manifest::FILE_NAME));
        }
    }
    wrong
}

/// An archive holds what the manifest says, and nothing else.
fn contents(name: &str, entry: &ArchiveEntry, content: &Files) -> Vec<String> {
    let missing = entry.files.keys().filter(|path| !content.contains_key(*path));
    let missing = missing.map(|path| format!("{name}: `{path}` is missing in it"));
    let differ = content.iter().filter_map(|(path, bytes)| match entry.files.get(path) {
        None => Some(format!("{name}: the manifest does not name `{}` in it", path.escape_debug())),
        Some(sum) if *sum != hash::of_bytes(bytes) => Some(format!("{name}: `{path}` in it is another one")),
        Some(_) => None,
    });
    let hidden = content.keys().filter(|path| entry.of == SOURCES && !may_hold(path));
    let hidden =
        hidden.map(|path| format!("{name}: `{}` is hidden, and sources hold no such files", path.escape_debug()));
    missing.chain(differ).chain(hidden).collect()
}

/// Each document lies in the archive of its first folder, or loose in the release.
fn documents(manifest: &Manifest) -> Vec<String> {
    let lies = |path: &str| match path.split_once('/') {
        Some((of, rest)) => manifest.archives.values().any(|a| a.of == of && a.files.contains_key(rest)),
        None => manifest.checksums.contains_key(path),
    };
    let of_rules = manifest.rules.values().flat_map(|r| r.targets.values()).flat_map(|on| &on.documents);
    let missing = of_rules.chain(manifest.documents.keys()).filter(|path| !lies(path));
    missing.map(|path| format!("{}: `{path}` is in no archive", manifest::FILE_NAME)).collect()
}

impl Release {
    /// The files of the sources' archive.
    #[must_use]
    pub fn sources(&self) -> Option<&Files> {
        self.archives.get(&archive_name(&self.manifest.name, &self.manifest.version, SOURCES))
    }

    /// The documents' files and licences, by path from the output folder: an app's are in its target's archive too.
    #[must_use]
    pub fn documents(&self) -> Files {
        let of = |(name, entry): (&String, &ArchiveEntry)| Some((entry.of.clone(), self.archives.get(name)?));
        let archives = self.manifest.archives.iter().filter(|(_, entry)| entry.of != SOURCES);
        let archives = archives.filter(|(_, entry)| app_of(&self.manifest, &entry.of).is_none()).filter_map(of);
        let inside = archives.flat_map(|(of, files)| files.iter().map(move |(p, b)| (format!("{of}/{p}"), b.clone())));
        let loose = self.manifest.documents.keys().filter(|path| !path.contains('/'));
        let loose = loose.filter_map(|path| Some((path.clone(), self.files.get(path)?.clone())));
        inside.chain(loose).collect()
    }

    /// The pack's version.
    #[must_use]
    pub fn version(&self) -> &Version {
        &self.manifest.version
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_a_release_have_plain_names_wherever_they_come_from() {
        for name in ["../x", "a/../x", "/x", "a//x", ".git/hooks/pre-commit", "a/.GIT/config", "con", "a\\x", "a\u{1b}"]
        {
            let files = Files::from([(name.to_owned(), vec![])]);
            let wrong = verify_files(files).expect_err(name);
            assert!(wrong.contains(&format!("{}: no plain file", name.escape_debug())), "{wrong:?}");
        }
    }
}
