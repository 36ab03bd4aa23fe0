//! Single files: written beside their place and moved there.

use super::fault::{self, Change};
use super::folder::Folder;
use super::lock::{Attempt, attempt};
use super::{LOCK, OWN, PART, TEMPORARY, named, refused};
use cap_std::fs::{OpenOptions, Permissions};
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Who tells others that the writer of a temporary file lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// The file itself, which is locked.
    File,
    /// The folder that a command writes to, which is locked.
    Folder,
}

/// Puts other bytes into a file that the user wrote, and waits until they are on the disk.
///
/// # Errors
/// The file is a link or must not be written, it does not hold `old` any more, or what the system says.
pub fn rewrite(path: &Path, old: &[u8], new: &[u8]) -> io::Result<()> {
    let (folder, name) = Folder::around(path)?;
    if folder.standing(name)?.is_some_and(|metadata| metadata.is_symlink()) {
        let to = folder.leads_to(name).map(|to| format!(" to {}", to.display())).unwrap_or_default();
        return Err(refused(path, &format!("it is a link{to}, and links are not followed: name the file itself")));
    }
    let permissions = folder.plain(name)?.map(|metadata| metadata.permissions());
    if permissions.as_ref().is_some_and(Permissions::readonly) {
        return Err(refused(path, "it is read-only"));
    }
    if folder.read(name)?.as_deref() != Some(old) {
        return Err(refused(path, "somebody else changed it meanwhile: run the same command again"));
    }
    swap(&folder, name, new, permissions, Owner::File, true).map_err(|error| named(path, &error))
}

/// Writes a file beside its place and moves it there. It gets the permissions of the file that stood there.
pub(super) fn put(
    folder: &Folder,
    name: &OsStr,
    bytes: &[u8],
    permissions: Option<Permissions>,
    owner: Owner,
) -> io::Result<()> {
    swap(folder, name, bytes, permissions, owner, false).map_err(|error| named(&folder.path(name), &error))
}

/// As [`put`]; a `lasting` file is on the disk before it is moved.
fn swap(
    folder: &Folder,
    name: &OsStr,
    bytes: &[u8],
    permissions: Option<Permissions>,
    owner: Owner,
    lasting: bool,
) -> io::Result<()> {
    let (mut file, temporary) = beside(folder, permissions, owner)?;
    let written = fill(&mut file, &folder.path(name), bytes)
        .and_then(|()| if lasting { file.sync_all() } else { Ok(()) })
        .and_then(|()| folder.rename(&temporary, name));
    if written.is_err() {
        // It is no more than a copy, and the next run removes what is left of it.
        let _ = folder.remove(&temporary);
    }
    written
}

/// Writes bytes to a file; a fault that a test asked for hits in the middle of them.
pub(super) fn fill(file: &mut File, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let middle = if cfg!(feature = "faults") { bytes.len() / 2 } else { 0 };
    let (begin, end) = bytes.split_at(middle);
    file.write_all(begin)?;
    fault::change(Change::Write, path)?;
    file.write_all(end)
}

/// A temporary file in a folder, and its name.
fn beside(folder: &Folder, permissions: Option<Permissions>, owner: Owner) -> io::Result<(File, String)> {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let ending = match owner {
        Owner::File => TEMPORARY,
        Owner::Folder => PART,
    };
    loop {
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("{OWN}{}-{count}{ending}", std::process::id());
        let file = match folder.create(&name, permissions.clone()) {
            Ok(file) => file,
            // A process of the same number, on another machine or long ago, made it.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
            Err(error) => return Err(error),
        };
        // Another run's `sweep` may have found it before it was locked, and taken it for one that nobody writes.
        if owner == Owner::Folder || !matches!(attempt(&file)?, Attempt::Busy) && folder.holds(&name, &file)? {
            return Ok((file, name));
        }
    }
}

/// Removes temporary and lock files that killed runs left in a folder. Those whose process lives are locked and stay.
/// What cannot be removed is in nobody's way, and stays too.
pub fn sweep(folder: &Path) {
    if let Ok(Some(folder)) = Folder::open(folder) {
        sweep_in(&folder);
    }
}

/// As [`sweep`], for an open folder.
pub(super) fn sweep_in(folder: &Folder) {
    for name in folder.left(&[TEMPORARY, LOCK]) {
        let _ = sweep_one(folder, &name);
    }
}

fn sweep_one(folder: &Folder, name: &str) -> io::Result<()> {
    match folder.file(name, OpenOptions::new().read(true))? {
        Some(file) if matches!(attempt(&file)?, Attempt::Taken) && folder.holds(name, &file)? => folder.remove(name),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_changed_since_it_was_read_is_not_overwritten() {
        let place = tempfile::tempdir().expect("a folder");
        let path = place.path().join("a.det");
        std::fs::write(&path, "as an editor saved it").expect("written");
        let error = rewrite(&path, b"as it was read", b"as it would be").expect_err("changed").to_string();
        assert!(error.contains("somebody else changed it meanwhile"), "{error}");
        assert_eq!(std::fs::read(&path).expect("a file"), b"as an editor saved it");
        rewrite(&path, b"as an editor saved it", b"as it is now").expect("written");
        assert_eq!(std::fs::read(&path).expect("a file"), b"as it is now");
        assert_eq!(std::fs::read_dir(place.path()).expect("a folder").count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_file_keeps_its_permissions_whatever_the_umask_is() {
        use std::os::unix::fs::PermissionsExt as _;
        let place = tempfile::tempdir().expect("a folder");
        let path = place.path().join("a.det");
        let mode = || std::fs::metadata(&path).expect("a file").permissions().mode() & 0o7777;
        for kept in [0o600, 0o640, 0o666, 0o755] {
            std::fs::write(&path, "old").expect("written");
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(kept)).expect("set");
            rewrite(&path, b"old", b"new").expect("written");
            assert_eq!(mode(), kept);
            crate::files::write(place.path(), "a.det", b"newer").expect("written");
            assert_eq!(mode(), kept);
        }
    }
}
