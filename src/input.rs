//! Reading files: plain files only, each up to a limit. A device, a pipe or a file without end is an error, not a hang.

use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::path::Path;

/// The most bytes of one file.
pub const MOST: u64 = 256 << 20;

/// What a plain file holds.
///
/// # Errors
/// What the system says; the path is no plain file; the file is too large.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    read_within(path, MOST)
}

/// What a plain file of at most `most` bytes holds.
///
/// # Errors
/// As for [`read`].
pub fn read_within(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    // Asked before the file is opened: opening a pipe waits for somebody who writes.
    plain(&std::fs::metadata(path)?)?;
    let file = File::open(path)?;
    // Another file may stand there since.
    plain(&file.metadata()?)?;
    read_open(&file, most)
}

/// What is left of an open plain file of at most `most` bytes.
///
/// # Errors
/// What the system says; the file is too large.
pub fn read_open(file: &File, most: u64) -> io::Result<Vec<u8>> {
    // One byte more than there should be, so that a single read sees the end.
    let expected = file.metadata()?.len().min(most).saturating_add(1);
    let mut bytes = Vec::with_capacity(usize::try_from(expected).unwrap_or(0));
    file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it has more than {most} bytes")));
    }
    Ok(bytes)
}

fn plain(kind: &Metadata) -> io::Result<()> {
    match (kind.is_file(), kind.is_dir()) {
        (true, _) => Ok(()),
        (_, true) => Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder, not a file")),
        _ => {
            Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a plain file, but a device, a pipe or a socket"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_up_to_its_limit() {
        let place = tempfile::tempdir().expect("a folder");
        let path = place.path().join("a");
        std::fs::write(&path, "12345").expect("written");
        assert_eq!(read_within(&path, 5).expect("fits"), b"12345");
        let error = read_within(&path, 4).expect_err("too large");
        assert_eq!((error.kind(), error.to_string()), (io::ErrorKind::FileTooLarge, "it has more than 4 bytes".into()));
        assert_eq!(read(place.path()).expect_err("a folder").kind(), io::ErrorKind::IsADirectory);
        assert_eq!(read(&place.path().join("b")).expect_err("nothing").kind(), io::ErrorKind::NotFound);
    }

    #[cfg(unix)]
    #[test]
    fn devices_pipes_and_sockets_are_refused_at_once() {
        use std::os::unix::fs::symlink;
        let place = tempfile::tempdir().expect("a folder");
        let at = |name: &str| place.path().join(name);
        let made = std::process::Command::new("mkfifo").arg(at("pipe")).status().expect("mkfifo");
        assert!(made.success());
        let _socket = std::os::unix::net::UnixListener::bind(at("socket")).expect("a socket");
        symlink("/dev/zero", at("zeros")).expect("a link");
        symlink("pipe", at("to-pipe")).expect("a link");
        for name in ["pipe", "socket", "zeros", "to-pipe"] {
            let error = read(&at(name)).expect_err(name);
            assert!(error.to_string().contains("not a plain file"), "{name}: {error}");
        }
    }
}
