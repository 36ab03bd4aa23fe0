//! `pack`: a release is a folder of archives, one for each target and one of the sources, with a manifest, changelogs
//! and sums. Two releases of one state of a project are the same bytes on every machine.

use super::archive::{Budget, Files, no_name, tar_gz};
use super::changelog;
use super::manifest::{self, ArchiveEntry, Manifest};
use super::state::unlocked;
use super::verify::{read_manifest, verify};
use crate::build::{Built, build};
use crate::diagnostic::Diagnostic;
use crate::file_names::{PROJECT, is_plain};
use crate::files::{Replacement, named, read_there};
use crate::hash;
use crate::project::lock::{self, Lock};
use crate::project::receipt::{RECEIPT, may_hold};
use crate::project::{self, Loaded, normal};
use crate::sema::Rule;
use crate::syntax::ast::TestInput;
use crate::testing;
use crate::tuning;
use semver::Version;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

/// The name of the sums in a release.
pub const SUMS: &str = "SHA256SUMS";
/// What the archive of the sources is called where others have their target's name.
pub const SOURCES: &str = "sources";

/// What the archive of a target's app is called behind its target's name.
const APP: &str = "-app";

/// The name of the archive of a target.
#[must_use]
pub fn archive_name(pack: &str, version: &Version, target: &str) -> String {
    format!("{pack}-{version}-{target}.tar.gz")
}

/// Why there is no release.
#[derive(Debug)]
pub enum Refusal {
    /// Findings: of targets, of tests, of the lock.
    Found(Vec<Diagnostic>),
    /// What the system says.
    System(io::Error),
}

/// All files of the release of a project without errors. Its lock must fit, its tests must pass, and each target must support
/// each rule that is not skipped there and is for that target.
///
/// # Errors
/// Why not.
pub fn ready(loaded: &Loaded, targets: &[String]) -> Result<Files, Refusal> {
    let built = build(loaded, targets);
    // A release does not depend on the day.
    let tuned = tuning::findings(loaded, None);
    let mut found: Vec<Diagnostic> = tuned.iter().chain(&built.diagnostics).filter(|d| d.is_error()).cloned().collect();
    found.extend(unlocked(loaded, &built));
    let rules: Vec<&Rule> = loaded.rules().collect();
    found.extend(testing::report::failures(&testing::run(loaded, &rules, &|_| ())));
    match &loaded.lock {
        Some(lock) if found.is_empty() => release(loaded, &built, lock).map_err(Refusal::System),
        _ => Err(Refusal::Found(found)),
    }
}

/// All files of the release of a locked project.
///
/// # Errors
/// A source that cannot be read or lies outside the project's folder.
pub fn release(loaded: &Loaded, built: &Built, lock: &Lock) -> io::Result<Files> {
    let root = loaded.root.as_deref().unwrap_or(Path::new("."));
    let licenses = licenses(root)?;
    let mut manifest = Manifest::of(loaded, built, lock);
    let mut files = Files::new();
    let budget = Budget::default();
    let mut add = |name: &str, folder: Option<String>, content: Files, manifest: &mut Manifest| -> io::Result<()> {
        budget.take(&content)?;
        let file = archive_name(&lock.pack, &lock.version, name);
        let folder = folder.unwrap_or_else(|| file.trim_end_matches(".tar.gz").to_owned());
        let hashes = content.iter().map(|(path, bytes)| (path.clone(), hash::of_bytes(bytes))).collect();
        files.insert(file.clone(), tar_gz(&folder, &content)?);
        let entry = ArchiveEntry { of: name.to_owned(), folder, files: hashes };
        match manifest.archives.insert(file, entry) {
            None => Ok(()),
            Some(_) => Err(io::Error::other(format!("a target must not be called `{name}` in a pack"))),
        }
    };
    for (folder, documents) in by_folder(built) {
        add(folder, None, documents.into_iter().chain(licenses.clone()).collect(), &mut manifest)?;
    }
    for (target, app) in apps(built) {
        let content = app.files.into_iter().chain(licenses.clone()).collect();
        add(&format!("{target}{APP}"), Some(app.id), content, &mut manifest)?;
    }
    add(SOURCES, None, sources(loaded, root, licenses)?, &mut manifest)?;
    let loose = built.files.iter().filter(|(path, _)| !path.contains('/'));
    files.extend(loose.map(|(path, text)| (path.clone(), text.clone().into_bytes())));
    files.insert(changelog::MARKDOWN.to_owned(), changelog::markdown(lock).into_bytes());
    files.insert(changelog::JSON.to_owned(), changelog::json(lock).into_bytes());
    manifest.checksums = files.iter().map(|(name, bytes)| (name.clone(), hash::of_bytes(bytes))).collect();
    files.insert(manifest::FILE_NAME.to_owned(), manifest.to_text().into_bytes());
    let sums: String = files.iter().map(|(name, bytes)| format!("{}  {name}\n", hash::hex(bytes))).collect();
    files.insert(SUMS.to_owned(), sums.into_bytes());
    Ok(files)
}

/// The documents by their first folder, with their paths from there; a target without documents has a folder all the same.
fn by_folder(built: &Built) -> BTreeMap<&str, Files> {
    let mut folders: BTreeMap<&str, Files> = built.targets.keys().map(|t| (t.as_str(), Files::new())).collect();
    for (path, text) in &built.files {
        if let Some((folder, rest)) = path.split_once('/') {
            folders.entry(folder).or_default().insert(rest.to_owned(), text.clone().into_bytes());
        }
    }
    folders
}

/// An app that a platform installs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct App {
    /// Its name, which is its folder's.
    pub id: String,
    /// Its files, by path from that folder.
    pub files: Files,
}

/// The app of each target that has one: it lies in the target's archive too, and in one of its own to be installed from.
#[must_use]
pub fn apps(built: &Built) -> BTreeMap<String, App> {
    let mut out: BTreeMap<String, App> = BTreeMap::new();
    for (path, text) in &built.files {
        let mut parts = path.splitn(4, '/');
        let (Some(target), Some("app"), Some(id), Some(rest)) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            continue;
        };
        let app = out.entry(target.to_owned()).or_insert_with(|| App { id: id.to_owned(), files: Files::new() });
        app.files.insert(rest.to_owned(), text.clone().into_bytes());
    }
    out
}

/// The target whose app an archive of this name holds.
#[must_use]
pub fn app_of<'a>(manifest: &Manifest, of: &'a str) -> Option<&'a str> {
    of.strip_suffix(APP).filter(|target| manifest.targets.contains_key(*target) && !manifest.targets.contains_key(of))
}

/// The licence files in the project's folder: they go into every archive.
fn licenses(root: &Path) -> io::Result<Files> {
    let mut files = Files::new();
    for entry in std::fs::read_dir(root).map_err(|e| named(root, &e))? {
        let path = entry?.path();
        let name = path.file_name().and_then(|n| n.to_str()).unwrap_or("");
        let capital = name.to_uppercase();
        let first = capital.split(['.', '-', '_']).next().unwrap_or("");
        // A folder of that name may hold anything; whatever else is no plain file is refused below.
        if matches!(first, "LICENSE" | "LICENCE" | "LICENSES" | "LICENCES" | "COPYING" | "NOTICE") && !path.is_dir() {
            files.insert(name.to_owned(), read_there(root, name)?);
        }
    }
    Ok(files)
}

/// What a consumer needs to build and tune the pack: its own files as they lie in the project's folder.
fn sources(loaded: &Loaded, root: &Path, licenses: Files) -> io::Result<Files> {
    let mut paths: BTreeSet<PathBuf> = loaded.files.iter().map(|(_, path)| path.clone()).collect();
    paths.extend([PROJECT, lock::FILE_NAME].map(|name| root.join(name)));
    paths.extend(Some(root.join("README.md")).filter(|p| p.symlink_metadata().is_ok_and(|m| !m.is_dir())));
    paths.extend(project::target_files(root, &loaded.config)?);
    paths.extend(loaded.config.attack.iter().map(|name| root.join(name)));
    for test in loaded.rules().flat_map(|rule| &rule.tests) {
        if let TestInput::Recorded { path, .. } = &test.input {
            paths.insert(loaded.root_of(path.span.file).join(&path.value));
        }
    }
    for pack in &loaded.packs {
        paths.extend(pack.receipt.files.keys().map(|file| pack.folder.join(file)));
        paths.insert(pack.folder.join(RECEIPT));
    }
    let mut files = licenses;
    for path in paths.iter().map(|p| normal(p)).collect::<BTreeSet<_>>() {
        let whole = normal(&path);
        let below = whole.strip_prefix(normal(root)).ok().and_then(|p| p.to_str()).map(|p| p.replace('\\', "/"));
        let Some(below) = below else {
            let message = format!("{} lies outside the project's folder: a pack holds its own sources", path.display());
            return Err(io::Error::other(message));
        };
        if !is_plain(&below) {
            return Err(io::Error::other(no_name(&below)));
        }
        if !may_hold(&below) {
            let message =
                format!("`{}` is hidden, and a pack contains no hidden files: rename it", below.escape_debug());
            return Err(io::Error::other(message));
        }
        let bytes = read_there(root, &below)?;
        files.insert(below, bytes);
    }
    Ok(files)
}

/// Puts the files of a release into the folder `out`: all of them, in the place of an earlier release, or none. `waiting`
/// is called once if another process writes to the folder.
///
/// # Errors
/// `out` holds something else than a release of the same pack, or what the system says.
pub fn write(files: &Files, out: &Path, waiting: &dyn Fn()) -> io::Result<()> {
    let manifest = files.get(manifest::FILE_NAME).map(Vec::as_slice).unwrap_or_default();
    let pack = read_manifest(manifest).map_err(io::Error::other)?.name;
    let earlier = |folder: &Path| match verify(folder) {
        Ok(release) if release.manifest.name == pack => Ok(()),
        Ok(release) => Err(format!("it holds a release of `{}`; name another folder", release.manifest.name)),
        Err(wrong) => {
            let why = wrong.first().map_or("", String::as_str);
            Err(format!("it holds something else than a release ({why}); name another folder"))
        }
    };
    Replacement::begin(out, waiting)?.finish(files, &earlier)
}
