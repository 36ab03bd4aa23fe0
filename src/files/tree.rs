//! The files below one folder. Each folder on the way to them is opened once, and held open.

use super::folder::Folder;
use super::lock::Lock;
use super::write::{Owner, put, sweep_in};
use super::{LOCK, OWN, PART, TEMPORARY, named, parts};
use cap_std::fs::OpenOptions;
use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The most folders that one tree holds open; some systems allow a process 256 files.
const MOST_OPEN: usize = 64;

/// A folder, and what was found below it so far.
///
/// Under its lock, nobody else of Arcanary writes there. Without it, a folder that comes or goes meanwhile may be missed.
#[derive(Debug)]
pub struct Tree {
    base: PathBuf,
    /// How the base is opened.
    open: fn(&Path) -> io::Result<Option<Folder>>,
    lock: Option<Lock>,
    /// Folders by path from the base; `None` for one that is not there.
    folders: Mutex<HashMap<String, Option<Arc<Folder>>>>,
}

impl Tree {
    /// The files below `base`, which need not be there. Links on the way to it are followed.
    #[must_use]
    pub fn new(base: &Path) -> Tree {
        Tree { base: base.to_path_buf(), open: Folder::open, lock: None, folders: Mutex::default() }
    }

    /// The files below a folder for output, as [`super::output`] or [`super::below`] found it. It need not be there.
    #[must_use]
    pub fn output(base: &Path) -> Tree {
        Tree { open: Folder::reach, ..Tree::new(base) }
    }

    /// The files below an open folder.
    pub(super) fn over(folder: Folder) -> Tree {
        let tree = Tree::new(folder.shown());
        tree.remember("", Some(Arc::new(folder)));
        tree
    }

    /// As [`Tree::output`]. The folder is made if it is not there, and locked for `what`. `waiting` is called once if another
    /// process has the lock.
    ///
    /// # Errors
    /// What the system says, with the path.
    pub fn lock(base: &Path, what: &str, waiting: &dyn Fn()) -> io::Result<Tree> {
        let tree = Tree::output(base);
        let lock = Lock::take_in(&tree.make("")?, OsStr::new(&format!("{OWN}{what}{LOCK}")), waiting)?;
        Ok(Tree { lock: Some(lock), ..tree })
    }

    /// The bytes of the plain file `name`; `None` if there is nothing of this name.
    ///
    /// # Errors
    /// A link or anything else that is no plain file or folder stands there or on the way, or what the system says, with
    /// the file's name.
    pub fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        let (path, name) = self.split(name)?;
        self.folder(path)?.map_or(Ok(None), |folder| folder.read(name))
    }

    /// Writes the file `name`, and makes the folders on the way. What stood there is replaced as a whole.
    ///
    /// # Errors
    /// As for [`Tree::read`].
    pub fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let (folder, name) = self.place(name)?;
        let permissions = folder.plain(name)?.map(|metadata| metadata.permissions());
        let owner = if self.lock.is_some() { Owner::Folder } else { Owner::File };
        put(&folder, OsStr::new(name), bytes, permissions, owner)
    }

    /// Removes the plain file `name`; one that is gone is fine.
    ///
    /// # Errors
    /// As for [`Tree::read`].
    pub fn remove(&self, name: &str) -> io::Result<()> {
        let (path, name) = self.split(name)?;
        let Some(folder) = self.folder(path)? else { return Ok(()) };
        if folder.plain(name)?.is_none() {
            return Ok(());
        }
        match folder.remove(name) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(named(&folder.path(name), &error)),
            _ => Ok(()),
        }
    }

    /// Removes `folder`, a path from the base, and those around it, as far as they are empty. A folder that cannot be removed
    /// stays.
    pub fn prune(&self, folder: &str) {
        let mut next = Some(folder);
        while let Some(folder) = next {
            let (above, name) = folder.rsplit_once('/').unwrap_or(("", folder));
            let Ok(Some(around)) = self.folder(above) else { return };
            // One that is held open cannot go on every system.
            self.known().remove(folder);
            if around.remove_empty(name).is_err() {
                return;
            }
            next = Some(above).filter(|above| !above.is_empty());
        }
    }

    /// Removes what killed runs left in `folder`, a path from the base. What cannot be removed is in nobody's way, and stays.
    pub fn sweep(&self, folder: &str) {
        let Ok(Some(folder)) = self.folder(folder) else { return };
        sweep_in(&folder);
        // Their writers held the lock that this process has now.
        if self.lock.as_ref().is_some_and(Lock::is_sure) {
            for name in folder.left(&[PART]) {
                let _ = folder.remove(&name);
            }
        }
    }

    /// Whether a file of Arcanary's own is left in `folder`, a path from the base.
    #[must_use]
    pub fn has_left(&self, folder: &str) -> bool {
        let folder = self.folder(folder).ok().flatten();
        folder.is_some_and(|folder| folder.left(&[TEMPORARY, PART, LOCK]).next().is_some())
    }

    /// As [`Tree::read`], the file opened for reading.
    pub(super) fn open(&self, name: &str) -> io::Result<Option<File>> {
        let (path, name) = self.split(name)?;
        self.folder(path)?.map_or(Ok(None), |folder| folder.file(name, OpenOptions::new().read(true)))
    }

    /// The folder of a file, made if it is not there, and the file's name in it.
    pub(super) fn place<'a>(&self, name: &'a str) -> io::Result<(Arc<Folder>, &'a str)> {
        let (path, name) = self.split(name)?;
        Ok((self.make(path)?, name))
    }

    /// The path of a file's folder from the base, and the file's name in it.
    fn split<'a>(&self, name: &'a str) -> io::Result<(&'a str, &'a str)> {
        parts(&self.base, name)?;
        Ok(name.rsplit_once('/').unwrap_or(("", name)))
    }

    /// A folder by its path from the base; `None` if it is not there, or one on the way to it.
    fn folder(&self, path: &str) -> io::Result<Option<Arc<Folder>>> {
        if let Some(known) = self.known().get(path) {
            return Ok(known.clone());
        }
        let folder = if path.is_empty() {
            (self.open)(&self.base)?
        } else {
            let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
            match self.folder(above)? {
                Some(above) => above.folder(name)?,
                None => None,
            }
        };
        let folder = folder.map(Arc::new);
        self.remember(path, folder.clone());
        Ok(folder)
    }

    /// As [`Tree::folder`]; it and those on the way to it are made if they are not there.
    fn make(&self, path: &str) -> io::Result<Arc<Folder>> {
        if let Some(folder) = self.folder(path)? {
            return Ok(folder);
        }
        let folder = if path.is_empty() {
            Folder::make(&self.base)?
        } else {
            let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
            self.make(above)?.make_folder(name)?
        };
        let folder = Arc::new(folder);
        self.remember(path, Some(Arc::clone(&folder)));
        Ok(folder)
    }

    /// Holds a folder open for the next who asks. If too many are open, all below the base are let go of.
    fn remember(&self, path: &str, folder: Option<Arc<Folder>>) {
        let mut known = self.known();
        if known.len() >= MOST_OPEN {
            known.retain(|path, _| path.is_empty());
        }
        known.insert(path.to_owned(), folder);
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, Option<Arc<Folder>>>> {
        self.folders.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
    fn a_tree_with_thousands_of_folders_holds_few_of_them_open() {
        let place = tempfile::tempdir().expect("a folder");
        let tree = Tree::new(place.path());
        let names: Vec<String> = (0..2_000).map(|number| format!("{}/{number}/x", number % 3)).collect();
        for name in &names {
            tree.write(name, name.as_bytes()).expect("written");
            assert!(tree.known().len() <= MOST_OPEN);
        }
        for name in &names {
            assert_eq!(tree.read(name).expect("read").as_deref(), Some(name.as_bytes()));
            tree.remove(name).expect("removed");
            assert!(tree.known().len() <= MOST_OPEN);
        }
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
