//! The `.det` files below a folder.

use super::{FILE_NAME, Loaded, normal, unreadable};
use crate::diagnostic::{Code, Diagnostic};
use crate::pack::fetch;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// `.det` files of a file or folder, sorted by name; hidden folders and `target` are passed over. A folder with a fetched
/// pack that the project does not stand on is a finding, and none of its files are the project's.
pub(super) fn collect(path: &Path, out: &mut Vec<PathBuf>, loaded: &mut Loaded) {
    let mut walk = Walk { root: loaded.root.as_deref().map(normal), packs: known_packs(loaded), ..Walk::default() };
    walk.enter(path);
    // What a link leads to may have been met on the way, and is read once.
    while let Some(link) = walk.links.pop_first() {
        walk.enter(&link);
    }
    out.append(&mut walk.files);
    loaded.diagnostics.append(&mut walk.found);
}

/// The folders of the packs that a project names, or that those name.
fn known_packs(loaded: &Loaded) -> BTreeSet<PathBuf> {
    let root = loaded.root.as_deref().unwrap_or(Path::new("."));
    let named = loaded.config.packs.iter().map(|name| normal(&root.join(name)));
    named.chain(loaded.packs.iter().map(|pack| pack.folder.clone())).collect()
}

/// A walk through folders.
#[derive(Default)]
struct Walk {
    /// The project's folder, if it is known.
    root: Option<PathBuf>,
    packs: BTreeSet<PathBuf>,
    /// Folders that were entered, without links in their paths.
    seen: BTreeSet<PathBuf>,
    /// Links to folders, to be entered at the end.
    links: BTreeSet<PathBuf>,
    files: Vec<PathBuf>,
    found: Vec<Diagnostic>,
}

impl Walk {
    fn enter(&mut self, path: &Path) {
        if path.is_file() {
            return self.files.push(path.to_path_buf());
        }
        let entries = std::fs::canonicalize(path).and_then(|real| Ok((real, std::fs::read_dir(path)?)));
        let (real, entries) = match entries {
            Ok(entries) => entries,
            Err(error) => return self.found.push(unreadable(path, &error.to_string())),
        };
        if !self.seen.insert(real) {
            return;
        }
        if let Some(finding) = self.stranger(path) {
            return self.found.push(finding);
        }
        let mut entries: Vec<PathBuf> = entries.filter_map(|e| e.ok().map(|e| e.path())).collect();
        entries.sort();
        for entry in entries {
            let name = entry.file_name().and_then(|n| n.to_str()).unwrap_or("");
            if name.starts_with('.') || name == "target" || name == "node_modules" {
                continue;
            }
            if entry.is_dir() {
                if entry.is_symlink() {
                    self.links.insert(entry);
                } else {
                    self.enter(&entry);
                }
            } else if entry.extension().is_some_and(|e| e == "det") {
                self.files.push(entry);
            }
        }
    }

    /// The finding for a fetched pack that the project does not name. In its own folder, a pack is the project.
    fn stranger(&self, folder: &Path) -> Option<Diagnostic> {
        let (root, whole) = (self.root.as_ref()?, normal(folder));
        if whole == *root || self.packs.contains(&whole) || !folder.join(fetch::RECEIPT).is_file() {
            return None;
        }
        let name = whole.strip_prefix(root).unwrap_or(&whole).display().to_string().replace('\\', "/");
        let message = format!("`{name}` is a fetched pack, and {FILE_NAME} does not name it");
        let finding = Diagnostic::new(Code::EditedPack, message).note("its rules are not the project's own");
        Some(finding.help(format!("add it to `packs` in {FILE_NAME}: `packs: [{name}]`")))
    }
}
