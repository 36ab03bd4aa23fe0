//! Whole folders: written beside their place, then moved there.
//!
//! For a folder `dist` these stand beside it while it is replaced:
//!
//! | name | |
//! |---|---|
//! | `.arcanary-dist.lock` | the lock |
//! | `.arcanary-dist.new` | the new folder, until it is complete |
//! | `.arcanary-dist.old` | the earlier folder, until the new one is in its place |
//! | `.arcanary-dist.gone` | the earlier folder while it is removed |

use super::folder::Folder;
use super::write::fill;
use super::{LOCK, Lock, OWN, Tree, named, refused};
use crate::input;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// Tells why a folder must not be replaced.
pub type Check<'a> = &'a dyn Fn(&Path) -> Result<(), String>;

/// A folder that is replaced as a whole.
#[derive(Debug)]
pub struct Replacement {
    /// Where it stands.
    parent: Arc<Folder>,
    out: OsString,
    new: OsString,
    old: OsString,
    gone: OsString,
    _lock: Lock,
}

impl Replacement {
    /// Locks the folder `out`, a path without links, and puts right what a killed run left: the earlier folder is in its
    /// place again. `waiting` is called once if another process writes to the folder.
    ///
    /// # Errors
    /// What the system says.
    pub fn begin(out: &Path, waiting: &dyn Fn()) -> io::Result<Replacement> {
        let (Some(parent), Some(name)) = (out.parent(), out.file_name()) else {
            return Err(refused(out, "it is no folder for output: name a folder of its own"));
        };
        let parent = Arc::new(Folder::make(parent)?);
        let beside = |what: &str| OsString::from(format!("{OWN}{}{what}", name.to_string_lossy()));
        let lock = Lock::take_in(&parent, &beside(LOCK), waiting)?;
        let (new, old, gone) = (beside(".new"), beside(".old"), beside(".gone"));
        let replacement = Replacement { parent, out: name.to_owned(), new, old, gone, _lock: lock };
        replacement.discard(&replacement.gone)?;
        replacement.discard(&replacement.new)?;
        if replacement.stands(&replacement.old)? && !replacement.stands(&replacement.out)? {
            replacement.shift(&replacement.old, &replacement.out)?;
        }
        Ok(replacement)
    }

    /// Puts files into the folder, all of them or none, in the place of what is there. A folder that is there and not empty
    /// goes only if `check` allows it.
    ///
    /// # Errors
    /// Why the folder must not go, or what the system says; the folder is then as it was, or the message tells where it is.
    pub fn finish(self, files: &BTreeMap<String, Vec<u8>>, check: Check) -> io::Result<()> {
        if self.stands(&self.old)? {
            // A run was killed when its new folder was in its place.
            self.allowed(&self.old, check)?;
            self.shift(&self.old, &self.gone)?;
            self.discard(&self.gone)?;
        }
        self.allowed(&self.out, check)?;
        let written = self.stage(files).and_then(|()| self.swap(check));
        if written.is_err() {
            // It is no more than a copy, and the next run removes what is left of it.
            let _ = self.discard(&self.new);
        }
        written
    }

    /// Writes the new folder beside its place.
    fn stage(&self, files: &BTreeMap<String, Vec<u8>>) -> io::Result<()> {
        // Messages name the place that the user knows.
        let new = Tree::over(self.parent.make_folder(&self.new)?.shown_as(&self.parent.path(&self.out)));
        let earlier = self.parent.folder(&self.out)?.map(Tree::over);
        for (path, bytes) in files {
            let (folder, name) = new.place(path)?;
            let write = || -> io::Result<()> {
                let mut file = folder.create(name, None)?;
                fill(&mut file, &folder.path(name), bytes)?;
                let before = earlier.as_ref().and_then(|earlier| earlier.open(path).ok()?);
                if let Some(before) = before.filter(|before| same(before, bytes)) {
                    // Its permissions and its time stay.
                    let metadata = before.metadata()?;
                    file.set_permissions(metadata.permissions())?;
                    file.set_modified(metadata.modified()?)?;
                }
                file.sync_all()
            };
            write().map_err(|error| named(&folder.path(name), &error))?;
        }
        Ok(())
    }

    /// Moves the earlier folder aside and the new one to its place.
    fn swap(&self, check: Check) -> io::Result<()> {
        let there = self.stands(&self.out)?;
        if there {
            self.shift(&self.out, &self.old)?;
        }
        // Something may have come into it since it was looked at.
        let moved = if there { self.allowed(&self.old, check) } else { Ok(()) };
        if let Err(error) = moved.and_then(|()| self.shift(&self.new, &self.out)) {
            return Err(if there { self.put_back(error) } else { error });
        }
        if !there {
            return Ok(());
        }
        self.shift(&self.old, &self.gone).and_then(|()| self.discard(&self.gone)).map_err(|error| {
            let why = format!("{error}; the new folder is complete, and the next run removes the earlier one");
            io::Error::new(error.kind(), why)
        })
    }

    /// Puts the earlier folder back, or tells where it is.
    fn put_back(&self, error: io::Error) -> io::Error {
        match self.shift(&self.old, &self.out) {
            Ok(()) => error,
            Err(why) => {
                let place = self.parent.path(&self.old);
                let place = place.display();
                io::Error::other(format!("{error}; what was there is in {place} now and could not be put back ({why})"))
            }
        }
    }

    fn stands(&self, name: &OsStr) -> io::Result<bool> {
        Ok(self.parent.standing(name)?.is_some())
    }

    /// Whether a folder is not there, is empty, or may go.
    fn allowed(&self, name: &OsStr, check: Check) -> io::Result<()> {
        let Some(folder) = self.parent.folder(name)? else { return Ok(()) };
        let path = self.parent.path(name);
        match folder.entries()?.next() {
            None => Ok(()),
            Some(_) => check(&path).map_err(|why| refused(&path, &why)),
        }
    }

    fn shift(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        self.parent.rename(from, to).map_err(|error| named(&self.parent.path(to), &error))
    }

    /// Removes a folder that this program made for itself; one that is not there is fine.
    fn discard(&self, name: &OsStr) -> io::Result<()> {
        let path = self.parent.path(name);
        match self.parent.standing(name)? {
            None => return Ok(()),
            Some(metadata) if metadata.is_dir() => {}
            Some(_) => {
                return Err(refused(&path, "a folder of Arcanary's own has this name, and this is none: remove it"));
            }
        }
        let fail = |error: io::Error| named(&path, &error);
        let Some(folder) = self.parent.folder(name)? else { return Ok(()) };
        for entry in folder.entries()? {
            let entry = entry.map_err(fail)?;
            match entry.file_type().map_err(fail)?.is_dir() {
                true => folder.remove_folder(&entry.file_name()),
                false => folder.remove(&entry.file_name()),
            }
            .map_err(fail)?;
        }
        self.parent.remove_folder(name).map_err(fail)
    }
}

/// Whether a file holds these bytes.
fn same(file: &File, bytes: &[u8]) -> bool {
    file.metadata().is_ok_and(|metadata| metadata.len() == bytes.len() as u64)
        && input::read_open(file, input::MOST).is_ok_and(|old| old == bytes)
}

/// The files below a folder, by path with `/`, in order; links and all else that is no folder count as files.
///
/// # Errors
/// What the system says.
pub fn files_in(folder: &Path) -> io::Result<BTreeSet<String>> {
    fn walk(folder: &Folder, before: &str, out: &mut BTreeSet<String>) -> io::Result<()> {
        // The list is closed before the folders below are opened.
        for entry in folder.entries()?.collect::<Vec<_>>() {
            let entry = entry.map_err(|error| named(folder.shown(), &error))?;
            let name = entry.file_name();
            let path = format!("{before}{}", name.to_string_lossy());
            if !entry.file_type().map_err(|error| named(&folder.path(&name), &error))?.is_dir() {
                out.insert(path);
            } else if let Some(below) = folder.folder(&name)? {
                walk(&below, &format!("{path}/"), out)?;
            }
        }
        Ok(())
    }
    let base = Folder::open(folder)?.ok_or_else(|| named(folder, &io::ErrorKind::NotFound.into()))?;
    let mut out = BTreeSet::new();
    walk(&base, "", &mut out)?;
    Ok(out)
}
