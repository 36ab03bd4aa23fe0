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

use super::fault::{self, Change};
use super::write::{fill, make};
use super::{LOCK, Lock, OWN, named, refused, standing};
use crate::input;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{Metadata, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

/// Tells why a folder must not be replaced.
pub type Check<'a> = &'a dyn Fn(&Path) -> Result<(), String>;

/// A folder that is replaced as a whole.
#[derive(Debug)]
pub struct Replacement {
    out: PathBuf,
    new: PathBuf,
    old: PathBuf,
    gone: PathBuf,
    _lock: Lock,
}

impl Replacement {
    /// Locks the folder `out`, and puts right what a killed run left: the earlier folder is in its place again. `waiting` is
    /// called once if another process writes to the folder.
    ///
    /// # Errors
    /// What the system says.
    pub fn begin(out: &Path, waiting: &dyn Fn()) -> io::Result<Replacement> {
        let (Some(parent), Some(name)) = (out.parent(), out.file_name()) else {
            return Err(refused(out, "it is no folder for output: name a folder of its own"));
        };
        make(parent)?;
        let beside = |what: &str| parent.join(format!("{OWN}{}{what}", name.to_string_lossy()));
        let lock = Lock::take(&beside(LOCK), waiting)?;
        let (new, old, gone) = (beside(".new"), beside(".old"), beside(".gone"));
        let replacement = Replacement { out: out.to_path_buf(), new, old, gone, _lock: lock };
        discard(&replacement.gone)?;
        discard(&replacement.new)?;
        if standing(&replacement.old)?.is_some() && standing(&replacement.out)?.is_none() {
            shift(&replacement.old, &replacement.out)?;
        }
        Ok(replacement)
    }

    /// Puts files into the folder, all of them or none, in the place of what is there. A folder that is there and not empty
    /// goes only if `check` allows it.
    ///
    /// # Errors
    /// Why the folder must not go, or what the system says; the folder is then as it was, or the message tells where it is.
    pub fn finish(self, files: &BTreeMap<String, Vec<u8>>, check: Check) -> io::Result<()> {
        if standing(&self.old)?.is_some() {
            // A run was killed when its new folder was in its place.
            allowed(&self.old, check)?;
            shift(&self.old, &self.gone)?;
            discard(&self.gone)?;
        }
        self.may_go(check)?;
        let written = self.stage(files).and_then(|()| self.swap(check));
        if written.is_err() {
            // It is no more than a copy, and the next run removes what is left of it.
            let _ = discard(&self.new);
        }
        written
    }

    /// Whether the folder is not there, is empty, or may go.
    fn may_go(&self, check: Check) -> io::Result<()> {
        match standing(&self.out)? {
            None => Ok(()),
            Some(metadata) if metadata.is_dir() => allowed(&self.out, check),
            Some(_) => Err(refused(&self.out, "it is no folder")),
        }
    }

    /// Writes the new folder beside its place.
    fn stage(&self, files: &BTreeMap<String, Vec<u8>>) -> io::Result<()> {
        fault::change(Change::Make, &self.new)
            .and_then(|()| std::fs::create_dir(&self.new))
            .map_err(|error| named(&self.new, &error))?;
        for (name, bytes) in files {
            let path = self.new.join(name);
            make(path.parent().unwrap_or(&self.new))?;
            let write = || -> io::Result<()> {
                fault::change(Change::Make, &path)?;
                let mut file = OpenOptions::new().write(true).create_new(true).open(&path)?;
                fill(&mut file, &path, bytes)?;
                if let Some(before) = self.unchanged(name, bytes)? {
                    file.set_permissions(before.permissions())?;
                    file.set_modified(before.modified()?)?;
                }
                file.sync_all()
            };
            // The message names the place that the user knows.
            write().map_err(|error| named(&self.out.join(name), &error))?;
        }
        Ok(())
    }

    /// What is known of a file of the earlier folder that the new one holds as it is: its permissions and its time stay.
    fn unchanged(&self, name: &str, bytes: &[u8]) -> io::Result<Option<Metadata>> {
        let path = self.out.join(name);
        let Ok(metadata) = std::fs::symlink_metadata(&path) else { return Ok(None) };
        let same = metadata.is_file()
            && metadata.len() == bytes.len() as u64
            && input::read(&path).is_ok_and(|old| old == bytes);
        Ok(same.then_some(metadata))
    }

    /// Moves the earlier folder aside and the new one to its place.
    fn swap(&self, check: Check) -> io::Result<()> {
        let there = standing(&self.out)?.is_some();
        if there {
            shift(&self.out, &self.old)?;
        }
        // Something may have come into it since it was looked at.
        let moved = if there { allowed(&self.old, check) } else { Ok(()) };
        if let Err(error) = moved.and_then(|()| shift(&self.new, &self.out)) {
            return Err(if there { self.put_back(error) } else { error });
        }
        if !there {
            return Ok(());
        }
        shift(&self.old, &self.gone).and_then(|()| discard(&self.gone)).map_err(|error| {
            let why = format!("{error}; the new folder is complete, and the next run removes the earlier one");
            io::Error::new(error.kind(), why)
        })
    }

    /// Puts the earlier folder back, or tells where it is.
    fn put_back(&self, error: io::Error) -> io::Error {
        match shift(&self.old, &self.out) {
            Ok(()) => error,
            Err(why) => {
                let place = self.old.display();
                io::Error::other(format!("{error}; what was there is in {place} now and could not be put back ({why})"))
            }
        }
    }
}

/// Whether a folder is empty or may go.
fn allowed(folder: &Path, check: Check) -> io::Result<()> {
    fault::read(folder)?;
    let mut entries = std::fs::read_dir(folder).map_err(|error| named(folder, &error))?;
    match entries.next() {
        None => Ok(()),
        Some(_) => check(folder).map_err(|why| refused(folder, &why)),
    }
}

fn shift(from: &Path, to: &Path) -> io::Result<()> {
    fault::change(Change::Move, to).and_then(|()| std::fs::rename(from, to)).map_err(|error| named(to, &error))
}

/// Removes a folder that this program made for itself; one that is not there is fine.
fn discard(folder: &Path) -> io::Result<()> {
    match standing(folder)? {
        None => return Ok(()),
        Some(metadata) if metadata.is_dir() => {}
        Some(_) => {
            return Err(refused(folder, "a folder of Arcanary's own has this name, and this is none: remove it"));
        }
    }
    let fail = |error: io::Error| named(folder, &error);
    for entry in std::fs::read_dir(folder).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        fault::change(Change::Remove, &entry.path()).map_err(fail)?;
        let removed = match entry.file_type().map_err(fail)?.is_dir() {
            true => std::fs::remove_dir_all(entry.path()),
            false => std::fs::remove_file(entry.path()),
        };
        removed.map_err(fail)?;
    }
    fault::change(Change::Remove, folder).and_then(|()| std::fs::remove_dir(folder)).map_err(fail)
}

/// The files below a folder, by path with `/`, in order; links and all else that is no folder count as files.
///
/// # Errors
/// What the system says.
pub fn files_in(folder: &Path) -> io::Result<BTreeSet<String>> {
    fn walk(folder: &Path, before: &str, out: &mut BTreeSet<String>) -> io::Result<()> {
        fault::read(folder)?;
        for entry in std::fs::read_dir(folder).map_err(|e| named(folder, &e))? {
            let entry = entry.map_err(|e| named(folder, &e))?;
            let name = format!("{before}{}", entry.file_name().to_string_lossy());
            if entry.file_type().map_err(|e| named(&entry.path(), &e))?.is_dir() {
                walk(&entry.path(), &format!("{name}/"), out)?;
            } else {
                out.insert(name);
            }
        }
        Ok(())
    }
    let mut out = BTreeSet::new();
    walk(folder, "", &mut out)?;
    Ok(out)
}
