//! Lock files: of two commands that write to one folder, the second waits for the first.
//!
//! The system lets go of a lock when its process ends, however it ends. The file itself is removed with the lock; whoever
//! waited for it finds out that the path names another file now, and begins again.

use super::folder::Folder;
use super::{named, refused};
use cap_std::fs::OpenOptions;
use std::ffi::{OsStr, OsString};
use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;
use std::sync::Arc;

/// A lock that is held until it is dropped.
#[derive(Debug)]
pub struct Lock {
    folder: Arc<Folder>,
    name: OsString,
    /// The file system has locks, so nobody else has this one.
    sure: bool,
    /// Closing it lets go.
    _file: File,
}

impl Lock {
    /// Takes the lock file at `path`. `waiting` is called once if another process has it.
    ///
    /// # Errors
    /// What the system says, with the path.
    pub fn take(path: &Path, waiting: &dyn Fn()) -> io::Result<Lock> {
        let (folder, name) = Folder::around(path)?;
        Lock::take_in(&Arc::new(folder), name, waiting)
    }

    /// As [`Lock::take`], for the lock file `name` in a folder.
    pub(super) fn take_in(folder: &Arc<Folder>, name: &OsStr, waiting: &dyn Fn()) -> io::Result<Lock> {
        let fail = |error: io::Error| named(&folder.path(name), &error);
        let mut told = false;
        loop {
            let Some(file) = open(folder, name)? else { continue };
            let attempt = attempt(&file).map_err(fail)?;
            if matches!(attempt, Attempt::Busy) {
                if !told {
                    waiting();
                    told = true;
                }
                file.lock().map_err(fail)?;
            }
            if folder.holds(name, &file).map_err(fail)? {
                // As Cargo does: on a system without locks there is none to wait for.
                let sure = !matches!(attempt, Attempt::NoLocks);
                return Ok(Lock { folder: Arc::clone(folder), name: name.to_owned(), sure, _file: file });
            }
        }
    }

    /// Whether nobody else can have it; on a file system without locks somebody may.
    pub(super) fn is_sure(&self) -> bool {
        self.sure
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // A lock file that stays is in nobody's way: the next run takes it.
        let _ = self.folder.remove(&self.name);
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

/// The lock file, made if it is not there; `None`: it came and went meanwhile.
fn open(folder: &Folder, name: &OsStr) -> io::Result<Option<File>> {
    match folder.create(name, None) {
        Ok(file) => return Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(named(&folder.path(name), &error)),
    }
    match folder.standing(name)? {
        Some(metadata) if !metadata.is_file() => {
            Err(refused(&folder.path(name), "a lock file has this name, and this is no plain file: remove it"))
        }
        _ => folder.file(name, OpenOptions::new().write(true)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time_has_the_lock_although_its_file_comes_and_goes() {
        let place = tempfile::tempdir().expect("a folder");
        let (lock, number) = (place.path().join("x.lock"), place.path().join("number"));
        std::fs::write(&number, "0").expect("written");
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..100 {
                        let _held = Lock::take(&lock, &|| {}).expect("a lock");
                        let before: u32 = std::fs::read_to_string(&number).expect("a file").parse().expect("a number");
                        std::fs::write(&number, (before + 1).to_string()).expect("written");
                    }
                });
            }
        });
        assert_eq!(std::fs::read_to_string(&number).expect("a file"), "800");
        assert!(!lock.exists());
    }

    #[test]
    fn who_waits_is_told_once_and_a_lock_that_nobody_holds_is_taken() {
        let place = tempfile::tempdir().expect("a folder");
        let lock = place.path().join("x.lock");
        std::fs::write(&lock, "left by a killed run").expect("written");
        let held = Lock::take(&lock, &|| panic!("nobody has it")).expect("a lock");
        let told = std::sync::atomic::AtomicUsize::new(0);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let tell = || {
                    told.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                };
                drop(Lock::take(&lock, &tell).expect("a lock"));
            });
            std::thread::sleep(std::time::Duration::from_millis(100));
            drop(held);
        });
        assert_eq!(told.into_inner(), 1);
    }
}
