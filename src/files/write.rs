//! Single files: written beside their place and moved there.

use super::fault::{self, Change};
use super::lock::{Attempt, attempt, is_at};
use super::{LOCK, OWN, TEMPORARY, find, named, parts, refused};
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// Writes the file `name` below `base`, and the folders on the way. What stood there is replaced as a whole.
///
/// # Errors
/// A link or anything else that is no plain file or folder stands there or on the way, or what the system says, with the
/// file's name.
pub fn write(base: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    make(base)?;
    let mut folder = base.to_path_buf();
    let parts = parts(base, name)?;
    let (_, folders) = parts.split_last().unwrap_or((&"", &[]));
    find(base, name)?;
    for part in folders {
        folder.push(part);
        make(&folder)?;
    }
    put(&base.join(name), bytes, false)
}

/// Makes a folder and those around it; one that is there is fine.
///
/// # Errors
/// What the system says, with the folder's name.
pub fn make(folder: &Path) -> io::Result<()> {
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
    put(path, new, true)
}

/// Removes the plain file `name` below `base`; one that is gone is fine.
///
/// # Errors
/// A link or anything else that is no plain file or folder stands there or on the way, or what the system says.
pub fn remove(base: &Path, name: &str) -> io::Result<()> {
    let Some(path) = find(base, name)? else { return Ok(()) };
    match fault::change(Change::Remove, &path).and_then(|()| std::fs::remove_file(&path)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(named(&path, &error)),
        _ => Ok(()),
    }
}

/// Writes a file beside its place and moves it there; if `lasting`, it is on the disk before it is moved.
fn put(path: &Path, bytes: &[u8], lasting: bool) -> io::Result<()> {
    let folder =
        path.parent().filter(|p| !p.as_os_str().is_empty()).map_or_else(|| PathBuf::from("."), Path::to_path_buf);
    let write = || -> io::Result<()> {
        let mut file = beside(&folder, path)?;
        fill(file.as_file_mut(), path, bytes)?;
        if lasting {
            file.as_file().sync_all()?;
        }
        fault::change(Change::Move, path)?;
        file.persist(path).map_err(|e| e.error)?;
        Ok(())
    };
    write().map_err(|error| named(path, &error))
}

/// Writes bytes to a file; a fault that a test asked for hits in the middle of them.
pub(super) fn fill(file: &mut std::fs::File, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let middle = if cfg!(feature = "faults") { bytes.len() / 2 } else { 0 };
    let (begin, end) = bytes.split_at(middle);
    file.write_all(begin)?;
    fault::change(Change::Write, path)?;
    file.write_all(end)
}

/// A temporary file in a folder, with the permissions of the file that it will replace. It is locked, which tells
/// [`sweep`] that its writer lives.
fn beside(folder: &Path, path: &Path) -> io::Result<NamedTempFile> {
    loop {
        fault::change(Change::Make, folder)?;
        let mut builder = tempfile::Builder::new();
        builder.prefix(OWN).suffix(TEMPORARY);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::symlink_metadata(path).map_or(0o644, |m| m.permissions().mode());
            builder.permissions(std::fs::Permissions::from_mode(mode));
        }
        #[cfg(not(unix))]
        let _ = path;
        let file = builder.tempfile_in(folder)?;
        // Another run's `sweep` may have found it before it was locked, and taken it for one that nobody writes.
        if !matches!(attempt(file.as_file())?, Attempt::Busy) && is_at(file.as_file(), file.path())? {
            return Ok(file);
        }
    }
}

/// Removes temporary and lock files that killed runs left in a folder. Those whose process lives are locked and stay.
/// What cannot be removed is in nobody's way, and stays too.
pub fn sweep(folder: &Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let own = name.starts_with(OWN) && (name.ends_with(TEMPORARY) || name.ends_with(LOCK));
        if own && entry.file_type().is_ok_and(|kind| kind.is_file()) {
            let _ = sweep_one(&entry.path());
        }
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
    fn names_that_lead_elsewhere_are_refused() {
        let place = tempfile::tempdir().expect("a folder");
        for name in ["", ".", "..", "../x", "a/../x", "/x", "a//x", "a/", "a\\x", "c:x", "a/\0"] {
            assert!(write(place.path(), name, b"x").is_err(), "{name:?}");
            assert!(remove(place.path(), name).is_err(), "{name:?}");
            assert!(super::super::read(place.path(), name).is_err(), "{name:?}");
        }
        assert_eq!(std::fs::read_dir(place.path()).expect("a folder").count(), 0);
        write(place.path(), "a/b/c.txt", b"x").expect("written");
        remove(place.path(), "a/b/c.txt").expect("removed");
        remove(place.path(), "a/b/c.txt").expect("gone already");
    }

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
