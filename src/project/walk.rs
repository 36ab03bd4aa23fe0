//! Finds `.det` files below folders. Reads plain files only, and each folder once. Too many or too deep folders are findings.

use super::receipt::RECEIPT;
use super::{Loaded, find_root, normal, unreadable};
use crate::diagnostic::{Code, Diagnostic};
use crate::file_names::PROJECT;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The deepest nesting below a named folder.
const DEEPEST: usize = 64;
/// The largest number of entries in all folders.
const MOST: usize = 200_000;

/// How to treat files of packs and other projects below a named folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Strangers {
    /// A fetched pack is a finding unless the project lists it.
    Named,
    /// Fetched packs are skipped; another project is a finding.
    Passed,
}

/// Collects the `.det` files of files and folders, sorted by name. Skips hidden folders and `target`. Follows a link only if
/// it stays in the project or in one of `paths`.
pub(super) fn collect(paths: &[PathBuf], strangers: Strangers, out: &mut Vec<PathBuf>, loaded: &mut Loaded) {
    let mut walk =
        Walk { root: loaded.root.as_deref().map(normal), packs: known_packs(loaded), strangers, ..Walk::default() };
    let mut named = vec![];
    for path in paths {
        match std::fs::canonicalize(path) {
            Ok(real) => {
                let root = if real.is_dir() { find_root(path) } else { None };
                walk.bounds.extend(root.and_then(|root| std::fs::canonicalize(root).ok()));
                walk.bounds.insert(real.clone());
                named.push((path, real));
            }
            Err(error) => walk.found.push(unreadable(path, &error.to_string())),
        }
    }
    walk.bounds.extend(loaded.root.as_deref().and_then(|root| std::fs::canonicalize(root).ok()));
    for (path, real) in named {
        walk.named(path, real);
    }
    // The target of a link may already be in the list; read it once.
    while let Some((link, real)) = walk.links.pop_first() {
        walk.folder(&link, real, 0);
    }
    out.append(&mut walk.files);
    loaded.diagnostics.append(&mut walk.found);
}

/// The folders of a project's packs, and of their packs.
fn known_packs(loaded: &Loaded) -> BTreeSet<PathBuf> {
    let root = loaded.root.as_deref().unwrap_or(Path::new("."));
    let named = loaded.config.packs.iter().map(|name| normal(&root.join(name)));
    named.chain(loaded.packs.iter().map(|pack| pack.folder.clone())).collect()
}

/// A walk through folders.
struct Walk {
    /// The project's folder, if it is known.
    root: Option<PathBuf>,
    packs: BTreeSet<PathBuf>,
    strangers: Strangers,
    /// Allowed targets of links: folders and files whose paths have no links.
    bounds: BTreeSet<PathBuf>,
    /// Visited folders, by their paths without links.
    seen: BTreeSet<PathBuf>,
    /// Links to folders, with their targets, to visit at the end.
    links: BTreeMap<PathBuf, PathBuf>,
    entries: usize,
    /// The largest number of entries.
    most: usize,
    files: Vec<PathBuf>,
    found: Vec<Diagnostic>,
}

impl Default for Walk {
    fn default() -> Walk {
        Walk {
            root: None,
            packs: BTreeSet::new(),
            strangers: Strangers::Named,
            bounds: BTreeSet::new(),
            seen: BTreeSet::new(),
            links: BTreeMap::new(),
            entries: 0,
            most: MOST,
            files: vec![],
            found: vec![],
        }
    }
}

impl Walk {
    /// Adds a file or folder of the command line or the project file.
    fn named(&mut self, path: &Path, real: PathBuf) {
        if real.is_file() {
            self.files.push(path.to_path_buf());
        } else if real.is_dir() {
            self.folder(path, real, 0);
        } else {
            self.found.push(no_file(path));
        }
    }

    /// Adds the entries of a folder. `real` is its path without links.
    fn folder(&mut self, path: &Path, real: PathBuf, depth: usize) {
        if self.entries > self.most || self.seen.contains(&real) {
            return;
        }
        if depth > DEEPEST {
            let why =
                format!("it is nested more than {DEEPEST} folders deep; name a folder inside, or move its files up");
            return self.found.push(unreadable(path, &why));
        }
        if self.is_stranger(path, depth) {
            return;
        }
        let read = std::fs::read_dir(path).and_then(Iterator::collect::<std::io::Result<Vec<_>>>);
        let mut entries = match read {
            Ok(entries) => entries,
            Err(error) => return self.found.push(unreadable(path, &error.to_string())),
        };
        self.entries += entries.len();
        if self.entries > self.most {
            let most = self.most;
            let why = format!("there are more than {most} files and folders; list the ones with rules under `sources`");
            return self.found.push(unreadable(path, &why));
        }
        entries.sort_by_key(std::fs::DirEntry::file_name);
        self.seen.insert(real.clone());
        for entry in entries {
            let name = entry.file_name();
            if name.to_str().is_some_and(|n| n.starts_with('.') || n == "target" || n == "node_modules") {
                continue;
            }
            let (entry, real) = (entry.path(), (real.join(&name), entry.file_type()));
            let is_source = entry.extension().is_some_and(|e| e == "det");
            match real {
                (_, Err(error)) => self.found.push(unreadable(&entry, &error.to_string())),
                (real, Ok(kind)) if kind.is_dir() => self.folder(&entry, real, depth + 1),
                (_, Ok(kind)) if kind.is_symlink() => self.link(entry, is_source),
                (_, Ok(kind)) if kind.is_file() && is_source => self.files.push(entry),
                _ if is_source => self.found.push(no_file(&entry)),
                _ => {}
            }
        }
    }

    /// Handles a link in a folder. A link out of the project could make Arcanary read a private key, a device or the whole
    /// system, so it is not followed.
    fn link(&mut self, link: PathBuf, is_source: bool) {
        let real = match std::fs::canonicalize(&link) {
            Ok(real) => real,
            Err(error) if is_source => return self.found.push(unreadable(&link, &error.to_string())),
            Err(_) => return,
        };
        let inside = real.ancestors().any(|folder| self.bounds.contains(folder));
        match (real.is_dir(), inside) {
            (true, true) => {
                self.links.insert(link, real);
            }
            (true, false) => self.found.push(leads_out(Code::LinkOut, &link, &real)),
            (false, _) if !is_source => {}
            (false, _) if !real.is_file() => self.found.push(no_file(&link)),
            (false, true) => self.files.push(link),
            (false, false) => self.found.push(leads_out(Code::Unreadable, &link, &real)),
        }
    }

    /// Whether to skip a folder because it contains a fetched pack or another project. In its own folder, a pack is the project.
    fn is_stranger(&mut self, folder: &Path, depth: usize) -> bool {
        let receipt = || folder.join(RECEIPT).is_file();
        if self.strangers == Strangers::Passed {
            if depth == 0 || receipt() {
                return depth > 0;
            }
            let is_project = folder.join(PROJECT).is_file();
            if is_project {
                let finding = unreadable(folder, "it is another project, so its files were left unchanged");
                self.found.push(finding.help("name that folder, or run the command there"));
            }
            return is_project;
        }
        let Some(root) = &self.root else { return false };
        if !receipt() {
            return false;
        }
        let whole = normal(folder);
        if whole == *root || self.packs.contains(&whole) {
            return false;
        }
        let name = whole.strip_prefix(root).unwrap_or(&whole).display().to_string().replace('\\', "/");
        let message = format!("`{name}` is a fetched pack that {PROJECT} does not list");
        let finding = Diagnostic::new(Code::EditedPack, message)
            .note("without an entry under `packs`, its rules would count as the project's own");
        self.found.push(finding.help(format!("add it to `packs` in {PROJECT}: `packs: [{name}]`")));
        true
    }
}

fn no_file(path: &Path) -> Diagnostic {
    unreadable(path, "it is not a plain file, but a device, a pipe or a socket")
}

fn leads_out(code: Code, link: &Path, real: &Path) -> Diagnostic {
    let message = format!("`{}` is a link to a place outside of the project, and is not followed", link.display());
    let finding = Diagnostic::new(code, message).note(format!("it points to {}", real.display()));
    finding.help("replace it with a copy, or list its target under `sources`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_entries_than_the_limit_are_told_once() {
        let place = tempfile::tempdir().expect("a folder");
        for folder in ["a", "b", "c"] {
            std::fs::create_dir(place.path().join(folder)).expect("a folder");
            (0..4).for_each(|n| std::fs::write(place.path().join(format!("{folder}/{n}.det")), "").expect("written"));
        }
        for (most, files) in [(15, 12), (14, 8), (2, 0)] {
            let mut walk = Walk { most, ..Walk::default() };
            walk.folder(place.path(), place.path().to_path_buf(), 0);
            assert_eq!((walk.files.len(), walk.found.len()), (files, usize::from(files < 12)));
            assert!(walk.found.iter().all(|d| d.message.contains(&format!("more than {most} files and folders"))));
        }
    }
}
