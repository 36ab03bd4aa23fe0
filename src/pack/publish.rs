//! `publish`: a release into a git repository, as one commit, with a tag if it is asked for, or not at all.
//!
//! Only files that the repository's index lists are ever overwritten or removed, and only while they hold what was
//! published. Two who publish at once: git takes the first push and refuses the second, which may run again.

use super::archive::{Files, MOST_BYTES};
use super::changelog;
use super::index::{Index, PackEntry, VersionEntry};
use super::release::SUMS;
use super::remote::Remote;
use super::verify::Release;
use crate::file_names::PACK_INDEX;
use crate::git::{Blob, Git, Kind, submodule};
use crate::hash;
use crate::project::lock::Lock;
use semver::Version;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// What publishing does to a repository.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The new version.
    pub version: Version,
    /// The version before, if there was one.
    pub before: Option<Version>,
    /// The branch.
    pub branch: String,
    /// The tag.
    pub tag: Option<String>,
    /// Files to write.
    pub write: Files,
    /// Files to remove.
    pub remove: Vec<String>,
    /// The commit's message.
    pub message: String,
}

/// What would be done; nothing is done yet.
///
/// # Errors
/// Everything that stands against it, a line each.
pub fn plan(remote: &Remote, release: &Release, lock: &Lock, tagged: bool) -> Result<Plan, Vec<String>> {
    let mut index = remote.index().map_err(|why| vec![why])?;
    let (name, version) = (&release.manifest.name, release.version());
    let old = index.packs.get(name).cloned();
    // What stands behind `+` makes no version newer.
    let order = |old: &PackEntry| old.latest.cmp_precedence(version);
    if let Some(old) = old.as_ref().filter(|old| order(old).is_ge()) {
        let why = if order(old).is_eq() { "is published already" } else { "is older than what is published" };
        return Err(vec![format!(
            "{name} {version} {why}: the repository has {}; run `arcanary pack --bump` after a change",
            old.latest
        )]);
    }
    let tag = tagged.then(|| tag_name(&index, name, version));
    let mut wrong: Vec<String> = tag.iter().filter(|t| remote.tags.contains(t)).map(|t| taken(t)).collect();
    let below = |(path, bytes): (String, Vec<u8>)| (format!("{name}/documents/{path}"), bytes);
    let documents: Files = release.documents().into_iter().map(below).collect();
    let folder = format!("{name}/releases/{version}");
    let mut write: Files = documents.clone();
    write.extend(release.files.iter().map(|(file, bytes)| (format!("{folder}/{file}"), bytes.clone())));
    let published: BTreeMap<String, String> = old.as_ref().map(|o| o.documents.clone()).unwrap_or_default();
    wrong.extend(edited(remote, &published).map_err(|why| vec![why])?);
    wrong.extend(strangers(remote, &write, &published));
    if let Some(old) = &old {
        wrong.extend(without_tombstone(remote, release, old).map_err(|why| vec![why])?);
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let remove = published.keys().filter(|path| !documents.contains_key(*path)).cloned().collect();
    let sums = release.files.get(SUMS).map(|bytes| hash::of_bytes(bytes)).unwrap_or_default();
    let entry = VersionEntry { version: version.clone(), release: folder, sums, tag: tag.clone() };
    let mut versions = vec![entry];
    versions.extend(old.iter().flat_map(|o| o.versions.iter().cloned()));
    let hashes = documents.iter().map(|(path, bytes)| (path.clone(), hash::of_bytes(bytes))).collect();
    index.packs.insert(name.clone(), PackEntry { latest: version.clone(), versions, documents: hashes });
    write.insert(PACK_INDEX.to_owned(), index.to_text().into_bytes());
    let before = old.map(|o| o.latest);
    let message = changelog::message(lock, before.as_ref());
    Ok(Plan { version: version.clone(), before, branch: remote.branch.clone(), tag, write, remove, message })
}

/// Files that go into the release of the project in `root` and that its repository does not have as they are: changed,
/// untracked, or ignored by git.
///
/// # Errors
/// What git says, above all that there is no repository: nothing then shows where the sources come from.
pub fn uncommitted(root: &Path, release: &Release) -> Result<Vec<String>, String> {
    let git = Git::around(root);
    let unknown = |why: String| format!("git does not tell whether the sources are committed: {why}");
    let below = git.line(&["rev-parse", "--show-prefix"]).map_err(unknown)?;
    let mut committed = BTreeMap::new();
    // Without a commit nothing is.
    if let Ok(head) = git.line(&["rev-parse", "--verify", "--quiet", "HEAD^{commit}"]) {
        committed = files_of(&git, &head, &below, root).map_err(unknown)?;
    }
    let mut open = BTreeSet::new();
    let mut by_repository: BTreeMap<&Path, Vec<Source>> = BTreeMap::new();
    for (path, bytes) in release.sources().into_iter().flatten() {
        match committed.get(path) {
            Some((git, blob)) => by_repository.entry(git.folder()).or_default().push((path, bytes, git, blob)),
            None => _ = open.insert(path.clone()),
        }
    }
    for files in by_repository.values() {
        let Some((.., git, _)) = files.first() else { continue };
        let blobs: Vec<&Blob> = files.iter().map(|(.., blob)| *blob).collect();
        let contents = git.contents(&blobs, MOST_BYTES).map_err(unknown)?;
        let differ = files.iter().zip(contents).filter(|((_, bytes, ..), blob)| !is_committed(bytes, blob));
        open.extend(differ.map(|((path, ..), _)| (*path).clone()));
    }
    // A source that is gone is in no release any more. What a sparse checkout leaves out is not gone.
    let listed = git.run(&["ls-files", "-t", "-z", "--", "."]).map_err(unknown)?;
    let listed = String::from_utf8_lossy(&listed);
    let sparse: BTreeSet<&str> = listed.split('\0').filter_map(|line| line.strip_prefix("S ")).collect();
    let gone = committed.into_keys().filter(|path| root.join(path).symlink_metadata().is_err());
    open.extend(gone.filter(|path| !sparse.contains(path.as_str())));
    Ok(open.into_iter().collect())
}

/// A source of a release: its path and bytes, the repository that has it, and what that has.
type Source<'a> = (&'a String, &'a Vec<u8>, &'a Git, &'a Blob);

/// The files of a commit below a folder, by their path from there, with the repository that has them: those of submodules are
/// in their own.
fn files_of(git: &Git, commit: &str, below: &str, folder: &Path) -> Result<BTreeMap<String, (Git, Blob)>, String> {
    let mut files = BTreeMap::new();
    for blob in git.tree(commit, below)? {
        let Some(path) = blob.path.strip_prefix(below).map(str::to_owned) else { continue };
        match blob.kind {
            Kind::Submodule => {
                let Some(inner) = submodule(folder, &path) else { continue };
                let inside = files_of(&inner, &blob.object, "", inner.folder())?;
                files.extend(inside.into_iter().map(|(name, found)| (format!("{path}/{name}"), found)));
            }
            Kind::File => {
                files.insert(path, (git.clone(), blob));
            }
            Kind::Link => {}
        }
    }
    Ok(files)
}

/// Whether a file is what a commit has of it: to the byte, but for line breaks, which git changes as it is told to, and for
/// files that Git LFS keeps elsewhere, by their sum. To ask git itself would run the programs that do both.
fn is_committed(bytes: &[u8], blob: &[u8]) -> bool {
    let lines = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).map(|text| text.replace("\r\n", "\n"));
    let pointer = || {
        let text =
            std::str::from_utf8(blob).ok().filter(|t| t.starts_with("version https://git-lfs.github.com/spec/"))?;
        text.lines().find_map(|line| line.strip_prefix("oid ")).map(|sum| sum == hash::of_bytes(bytes))
    };
    bytes == blob || pointer() == Some(true) || lines(bytes).is_ok_and(|text| Ok(text) == lines(blob))
}

/// `vX.Y.Z`; in a repository of several packs the pack's name stands before it.
fn tag_name(index: &Index, name: &str, version: &Version) -> String {
    let alone = index.packs.keys().all(|pack| pack == name);
    if alone { format!("v{version}") } else { format!("{name}-v{version}") }
}

fn taken(tag: &str) -> String {
    format!("the repository has tag `{tag}` already, on another commit")
}

/// Files that were published and are not what was published.
fn edited(remote: &Remote, published: &BTreeMap<String, String>) -> Result<Vec<String>, String> {
    let there = remote.read(published.keys().map(String::as_str))?;
    let differs = |(path, hash): (&String, &String)| match there.get(path) {
        None => Some(format!("{path} was published and is gone: somebody removed it since")),
        Some(bytes) if hash::of_bytes(bytes) != *hash => {
            Some(format!("{path} was edited since it was published: put it back, and change the rule instead"))
        }
        Some(_) => None,
    };
    Ok(published.iter().filter_map(differs).collect())
}

/// Files that nobody published and that stand where one would be written.
fn strangers(remote: &Remote, write: &Files, published: &BTreeMap<String, String>) -> Vec<String> {
    let foreign = |path: &str| remote.files.contains_key(path) && !published.contains_key(path);
    let mut found = BTreeSet::new();
    for path in write.keys() {
        let above = path.match_indices('/').filter_map(|(at, _)| path.get(..at));
        found.extend(above.chain([path.as_str()]).filter(|p| foreign(p)).map(str::to_owned));
        let below = format!("{path}/");
        let inside = remote.files.range(below.clone()..).next().map(|(p, _)| p).filter(|p| p.starts_with(&below));
        found.extend(inside.cloned());
    }
    found.into_iter().map(|path| format!("{path} stands in the repository, and publishing did not write it")).collect()
}

/// Rules that were published, are not in the release, and about which no tombstone says why.
fn without_tombstone(remote: &Remote, release: &Release, old: &PackEntry) -> Result<Vec<String>, String> {
    let Some(last) = old.versions.first() else { return Ok(vec![]) };
    let path = format!("{}/{}", last.release, super::manifest::FILE_NAME);
    let Some(text) = remote.read([path.as_str()])?.remove(&path) else {
        return Ok(vec![format!("{path} is gone from the repository")]);
    };
    let before: super::manifest::Manifest = serde_json::from_slice(&text).map_err(|e| format!("{path}: {e}"))?;
    let now = &release.manifest;
    let buried = |id: &String| now.rules.contains_key(id) || now.removed.iter().any(|t| t.id == *id);
    let gone = before.rules.iter().filter(|(id, _)| !buried(id));
    Ok(gone
        .map(|(id, r)| format!("rule `{}` ({id}) is published, and the lock has no tombstone for it", r.rule))
        .collect())
}

/// Commits and pushes what was planned, all of it or nothing.
///
/// # Errors
/// What git says; the repository is then as it was, and the same command may run again.
pub fn publish(remote: &Remote, plan: &Plan) -> Result<(), String> {
    let commit = remote.commit(&plan.write, &plan.remove, &plan.message);
    let commit = commit.map_err(|why| format!("nothing was pushed, since there is no commit: {why}"))?;
    let tag = plan.tag.as_deref().map(|tag| (tag, plan.message.as_str()));
    remote.push(&commit, tag).map_err(|why| {
        let rivals = [
            "non-fast-forward",
            "fetch first",
            "already exists",
            "cannot lock ref",
            "failed to update ref",
            "stale info",
        ];
        if rivals.iter().any(|r| why.contains(r)) {
            format!("somebody else published meanwhile; nothing was pushed, look at theirs and run this again ({why})")
        } else {
            format!("nothing was pushed: {why}")
        }
    })
}
