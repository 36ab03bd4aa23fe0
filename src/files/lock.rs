//! Lock files: of two commands that write to one folder, the second waits for the first.
//!
//! The system lets go of a lock when its process ends, however it ends. The file itself is removed with the lock; whoever
//! waited for it finds out that the path names another file now, and begins again.

use super::fault::{self, Change};
use super::{kind, named, refused};
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// A lock that is held until it is dropped.
#[derive(Debug)]
pub struct Lock {
    path: PathBuf,
    /// Closing it lets go.
    _file: File,
}

impl Lock {
    /// Takes the lock file at `path`. `waiting` is called once if another process has it.
    ///
    /// # Errors
    /// What the system says, with the path.
    pub fn take(path: &Path, waiting: &dyn Fn()) -> io::Result<Lock> {
        let fail = |error: io::Error| named(path, &error);
        let mut told = false;
        loop {
            let Some(file) = open(path)? else { continue };
            let held = match attempt(&file).map_err(fail)? {
                Attempt::Taken => true,
                // As Cargo does: on a system without locks there is none to wait for.
                Attempt::NoLocks => true,
                Attempt::Busy => false,
            };
            if !held {
                if !told {
                    waiting();
                    told = true;
                }
                file.lock().map_err(fail)?;
            }
            if is_at(&file, path).map_err(fail)? {
                return Ok(Lock { path: path.to_path_buf(), _file: file });
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // A lock file that stays is in nobody's way: the next run takes it.
        let _ = fault::change(Change::Remove, &self.path).and_then(|()| std::fs::remove_file(&self.path));
    }
}

/// What came of trying to lock a file.
pub(super) enum Attempt {
    /// It is locked now.
    Taken,
    /// Another process has it.
    Busy,
    /// The file system has no locks.
    NoLocks,
}

/// Locks a file, unless another process has it.
pub(super) fn attempt(file: &File) -> io::Result<Attempt> {
    match file.try_lock() {
        Ok(()) => Ok(Attempt::Taken),
        Err(TryLockError::WouldBlock) => Ok(Attempt::Busy),
        Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => Ok(Attempt::NoLocks),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Whether a path still names an open file.
pub(super) fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    // A link in its place would be followed here, but it never is the file.
    let there = match same_file::Handle::from_path(path) {
        Ok(there) => there,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    Ok(same_file::Handle::from_file(file.try_clone()?)? == there)
}

/// The lock file, made if it is not there; `None`: it came and went meanwhile.
fn open(path: &Path) -> io::Result<Option<File>> {
    fault::change(Change::Make, path).map_err(|error| named(path, &error))?;
    match OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(file) => return Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(named(path, &error)),
    }
    match kind(path)? {
        None => return Ok(None),
        Some(kind) if kind.is_file() => {}
        Some(_) => return Err(refused(path, "a lock file has this name, and this is no plain file: remove it")),
    }
    match OpenOptions::new().write(true).open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(named(path, &error)),
    }
}
