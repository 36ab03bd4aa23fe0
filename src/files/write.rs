//! Single files: written beside their place and moved there.

use super::fault::{self, Change};
use super::lock::{Attempt, attempt, is_at};
use super::tree::left;
use super::{LOCK, OWN, PART, TEMPORARY, named, refused};
use std::fs::{OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::path::Path;
use tempfile::NamedTempFile;

/// Who tells others that the writer of a temporary file lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// The file itself, which is locked.
    File,
    /// The folder that a command writes to, which is locked.
    Folder,
}

/// Makes a folder and those around it; one that is there is fine.
///
/// # Errors
/// What the system says, with the folder's name.
pub(super) fn make(folder: &Path) -> io::Result<()> {
    if !folder.is_dir() {
        fault::change(Change::Make, folder)
            .and_then(|()| std::fs::create_dir_all(folder))
            .map_err(|error| named(folder, &error))?;
    }
    Ok(())
}

/// Puts other bytes into a file that the user wrote, and waits until they are on the disk.
///
/// # Errors
/// The file is a link or must not be written, it does not hold `old` any more, or what the system says.
pub fn rewrite(path: &Path, old: &[u8], new: &[u8]) -> io::Result<()> {
    let metadata = std::fs::symlink_metadata(path).map_err(|error| named(path, &error))?;
    if metadata.is_symlink() {
        let to = std::fs::read_link(path).map(|to| format!(" to {}", to.display())).unwrap_or_default();
        return Err(refused(path, &format!("it is a link{to}, and links are not followed: name the file itself")));
    }
    if metadata.permissions().readonly() {
        return Err(refused(path, "it is read-only"));
    }
    let now = std::fs::read(path).map_err(|error| named(path, &error))?;
    if now != old {
        return Err(refused(path, "somebody else changed it meanwhile: run the same command again"));
    }
    swap(path, new, Some(metadata.permissions()), Owner::File, true).map_err(|error| named(path, &error))
}

/// Writes a file beside its place and moves it there. It gets the permissions of the file that stood there.
pub(super) fn put(path: &Path, bytes: &[u8], permissions: Option<Permissions>, owner: Owner) -> io::Result<()> {
    swap(path, bytes, permissions, owner, false).map_err(|error| named(path, &error))
}

/// As [`put`]; a `lasting` file is on the disk before it is moved.
fn swap(path: &Path, bytes: &[u8], permissions: Option<Permissions>, owner: Owner, lasting: bool) -> io::Result<()> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = beside(folder, permissions, owner)?;
    fill(file.as_file_mut(), path, bytes)?;
    if lasting {
        file.as_file().sync_all()?;
    }
    fault::change(Change::Move, path)?;
    file.persist(path).map_err(|e| e.error)?;
    Ok(())
}

/// Writes bytes to a file; a fault that a test asked for hits in the middle of them.
pub(super) fn fill(file: &mut std::fs::File, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let middle = if cfg!(feature = "faults") { bytes.len() / 2 } else { 0 };
    let (begin, end) = bytes.split_at(middle);
    file.write_all(begin)?;
    fault::change(Change::Write, path)?;
    file.write_all(end)
}

/// A temporary file in a folder.
fn beside(folder: &Path, permissions: Option<Permissions>, owner: Owner) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(OWN).suffix(match owner {
        Owner::File => TEMPORARY,
        Owner::Folder => PART,
    });
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(permissions.unwrap_or_else(|| Permissions::from_mode(0o644)));
    }
    #[cfg(not(unix))]
    drop(permissions);
    loop {
        fault::change(Change::Make, folder)?;
        let file = builder.tempfile_in(folder)?;
        // Another run's `sweep` may have found it before it was locked, and taken it for one that nobody writes.
        if owner == Owner::Folder
            || !matches!(attempt(file.as_file())?, Attempt::Busy) && is_at(file.as_file(), file.path())?
        {
            return Ok(file);
        }
    }
}

/// Removes temporary and lock files that killed runs left in a folder. Those whose process lives are locked and stay.
/// What cannot be removed is in nobody's way, and stays too.
pub fn sweep(folder: &Path) {
    for path in left(folder, &[TEMPORARY, LOCK]) {
        let _ = sweep_one(&path);
    }
}

fn sweep_one(path: &Path) -> io::Result<()> {
    let file = OpenOptions::new().read(true).open(path)?;
    if matches!(attempt(&file)?, Attempt::Taken) && is_at(&file, path)? {
        fault::change(Change::Remove, path)?;
        std::fs::remove_file(path)?;
    }
    Ok(())
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
}
