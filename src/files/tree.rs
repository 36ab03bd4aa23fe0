//! The files below one folder. What stands on the way to them is looked up once.

use super::fault::{self, Change};
use super::lock::Lock;
use super::write::{Owner, make, put, sweep};
use super::{LOCK, OWN, PART, TEMPORARY, named, parts, refused, standing};
use crate::input;
use std::collections::HashMap;
use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A folder, and what was found below it so far.
///
/// Under its lock, nobody else of Arcanary writes there. Without it, a folder that comes or goes meanwhile may be missed.
#[derive(Debug)]
pub struct Tree {
    base: PathBuf,
    lock: Option<Lock>,
    /// Folders by path from the base, and whether they are there.
    folders: Mutex<HashMap<String, bool>>,
}

impl Tree {
    /// The files below `base`, which need not be there.
    #[must_use]
    pub fn new(base: &Path) -> Tree {
        Tree { base: base.to_path_buf(), lock: None, folders: Mutex::default() }
    }

    /// Makes the folder if it is not there, and locks it for `what`. `waiting` is called once if another process has the
    /// lock.
    ///
    /// # Errors
    /// What the system says, with the path.
    pub fn lock(base: &Path, what: &str, waiting: &dyn Fn()) -> io::Result<Tree> {
        make(base)?;
        let lock = Lock::take(&base.join(format!("{OWN}{what}{LOCK}")), waiting)?;
        Ok(Tree { lock: Some(lock), ..Tree::new(base) })
    }

    /// The bytes of the plain file `name`; `None` if there is nothing of this name.
    ///
    /// # Errors
    /// A link or anything else that is no plain file or folder stands there or on the way, or what the system says, with
    /// the file's name.
    pub fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        let (path, standing) = self.find(name)?;
        if standing.is_none() {
            return Ok(None);
        }
        fault::read(&path)?;
        match input::read_found(&path, input::MOST) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            read => read.map(Some).map_err(|error| named(&path, &error)),
        }
    }

    /// Writes the file `name`, and makes the folders on the way. What stood there is replaced as a whole.
    ///
    /// # Errors
    /// As for [`Tree::read`].
    pub fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let (path, standing) = self.find(name)?;
        if let Some((folder, _)) = name.rsplit_once('/') {
            self.make(folder)?;
        } else {
            make(&self.base)?;
        }
        let owner = if self.lock.is_some() { Owner::Folder } else { Owner::File };
        put(&path, bytes, standing.map(|metadata| metadata.permissions()), owner)
    }

    /// Removes the plain file `name`; one that is gone is fine.
    ///
    /// # Errors
    /// As for [`Tree::read`].
    pub fn remove(&self, name: &str) -> io::Result<()> {
        let (path, standing) = self.find(name)?;
        if standing.is_none() {
            return Ok(());
        }
        match fault::change(Change::Remove, &path).and_then(|()| std::fs::remove_file(&path)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(named(&path, &error)),
            _ => Ok(()),
        }
    }

    /// Removes `folder`, a path from the base, and those around it, as far as they are empty. A folder that cannot be removed
    /// stays.
    pub fn prune(&self, folder: &str) {
        let mut next = Some(folder);
        while let Some(folder) = next.filter(|folder| self.has(folder).unwrap_or(false)) {
            let path = self.base.join(folder);
            if fault::change(Change::Remove, &path).and_then(|()| std::fs::remove_dir(&path)).is_err() {
                return;
            }
            self.known().remove(folder);
            next = folder.rsplit_once('/').map(|(above, _)| above);
        }
    }

    /// Removes what killed runs left in `folder`, a path from the base. What cannot be removed is in nobody's way, and stays.
    pub fn sweep(&self, folder: &str) {
        let folder = self.base.join(folder);
        sweep(&folder);
        // Their writers held the lock that this process has now.
        if self.lock.as_ref().is_some_and(Lock::is_sure) {
            for path in left(&folder, &[PART]) {
                let _ = fault::change(Change::Remove, &path).and_then(|()| std::fs::remove_file(&path));
            }
        }
    }

    /// Whether a file of Arcanary's own is left in `folder`, a path from the base.
    #[must_use]
    pub fn has_left(&self, folder: &str) -> bool {
        left(&self.base.join(folder), &[TEMPORARY, PART, LOCK]).next().is_some()
    }

    /// The place of a file, and what is known of the plain file that stands there.
    fn find(&self, name: &str) -> io::Result<(PathBuf, Option<Metadata>)> {
        parts(&self.base, name)?;
        let path = self.base.join(name);
        let folder = name.rsplit_once('/').map_or("", |(folder, _)| folder);
        if !self.has(folder)? {
            return Ok((path, None));
        }
        match unlinked(&path)? {
            Some(metadata) if !metadata.is_file() => Err(refused(&path, "it is no plain file")),
            standing => Ok((path, standing)),
        }
    }

    /// Whether a folder is there, and all on the way to it.
    fn has(&self, folder: &str) -> io::Result<bool> {
        if folder.is_empty() {
            return Ok(true);
        }
        if let Some(known) = self.known().get(folder).copied() {
            return Ok(known);
        }
        let path = self.base.join(folder);
        let has = self.has(folder.rsplit_once('/').map_or("", |(above, _)| above))?
            && match unlinked(&path)? {
                Some(metadata) if !metadata.is_dir() => return Err(refused(&path, "it is no folder")),
                standing => standing.is_some(),
            };
        self.known().insert(folder.to_owned(), has);
        Ok(has)
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, bool>> {
        self.folders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a folder and those on the way to it.
    fn make(&self, folder: &str) -> io::Result<()> {
        if !self.has(folder)? {
            match folder.rsplit_once('/') {
                Some((above, _)) => self.make(above)?,
                None => make(&self.base)?,
            }
            make(&self.base.join(folder))?;
            self.known().insert(folder.to_owned(), true);
        }
        Ok(())
    }
}

/// What stands at a path that is no link; `None` if nothing does.
fn unlinked(path: &Path) -> io::Result<Option<Metadata>> {
    match standing(path)? {
        Some(metadata) if metadata.is_symlink() => {
            Err(refused(path, "it is a link, and links are not followed; put a plain file in its place"))
        }
        standing => Ok(standing),
    }
}

/// The plain files of a folder whose names are Arcanary's own and end with one of `endings`.
pub(super) fn left(folder: &Path, endings: &[&str]) -> impl Iterator<Item = PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let own = entries.filter(|entry| {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        name.starts_with(OWN) && endings.iter().any(|ending| name.ends_with(ending))
    });
    own.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file())).map(|entry| entry.path())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        let place = tempfile::tempdir().expect("a folder");
        let tree = Tree::new(place.path());
        for name in ["", ".", "..", "../x", "a/../x", "/x", "a//x", "a/", "a\\x", "c:x", "a/\0"] {
            assert!(tree.write(name, b"x").is_err(), "{name:?}");
            assert!(tree.remove(name).is_err(), "{name:?}");
            assert!(tree.read(name).is_err(), "{name:?}");
        }
        assert_eq!(std::fs::read_dir(place.path()).expect("a folder").count(), 0);
        tree.write("a/b/c.txt", b"x").expect("written");
        tree.remove("a/b/c.txt").expect("removed");
        tree.remove("a/b/c.txt").expect("gone already");
    }

    #[test]
    fn only_who_holds_the_lock_removes_what_another_who_held_it_left() {
        let place = tempfile::tempdir().expect("a folder");
        let names = || -> Vec<String> {
            let entries = std::fs::read_dir(place.path()).expect("a folder");
            let mut names: Vec<String> =
                entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
            names.sort();
            names
        };
        for name in [".arcanary-a.part", ".arcanary-b.tmp", "c.part"] {
            std::fs::write(place.path().join(name), "left").expect("written");
        }
        let tree = Tree::new(place.path());
        assert!(tree.has_left(""));
        tree.sweep("");
        assert_eq!(names(), [".arcanary-a.part", "c.part"]);
        let tree = Tree::lock(place.path(), "build", &|| panic!("nobody has it")).expect("a lock");
        tree.sweep("");
        assert_eq!(names(), [".arcanary-build.lock", "c.part"]);
        drop(tree);
        assert_eq!(names(), ["c.part"]);
    }
}
