//! Archives: `tar.gz` that is the same to the byte for the same files, and a reader that trusts none.

use flate2::read::GzDecoder;
use flate2::{Compression, GzBuilder};
use std::collections::BTreeMap;
use std::io::{self, Read as _, Write as _};
use tar::{Archive, Builder, EntryType, Header};

/// Files by path, with `/` between folders.
pub type Files = BTreeMap<String, Vec<u8>>;

/// The most that an archive may hold, in bytes.
const MOST: u64 = 1 << 30;

/// What gzip writes where it does not tell the system.
const NO_SYSTEM: u8 = 255;

/// An archive of `files` below a folder `top`: paths in order, no times, no owners, one mode.
///
/// # Errors
/// A path that no archive can hold.
pub fn tar_gz(top: &str, files: &Files) -> io::Result<Vec<u8>> {
    let gzip = GzBuilder::new().mtime(0).operating_system(NO_SYSTEM).write(vec![], Compression::best());
    let mut builder = Builder::new(gzip);
    for (path, bytes) in files {
        let mut header = Header::new_ustar();
        header.set_entry_type(EntryType::Regular);
        header.set_mode(0o644);
        header.set_size(bytes.len() as u64);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        builder.append_data(&mut header, format!("{top}/{path}"), bytes.as_slice())?;
    }
    let mut gzip = builder.into_inner()?;
    gzip.flush()?;
    gzip.finish()
}

/// The files of an archive, all of which lie below the folder `top`.
///
/// # Errors
/// What is wrong: no archive, anything but plain files, a path that leads elsewhere, a path twice, too much.
pub fn read_tar_gz(bytes: &[u8], top: &str) -> Result<Files, String> {
    let mut files = Files::new();
    let mut archive = Archive::new(GzDecoder::new(bytes).take(MOST));
    let entries = archive.entries().map_err(|e| no_archive(&e))?;
    for entry in entries {
        let mut entry = entry.map_err(|e| no_archive(&e))?;
        let path = String::from_utf8(entry.path_bytes().into_owned())
            .map_err(|e| format!("a path is not UTF-8: {}", String::from_utf8_lossy(e.as_bytes()).escape_debug()))?;
        let shown = path.escape_debug();
        if entry.header().entry_type() != EntryType::Regular {
            return Err(format!("`{shown}` is no plain file"));
        }
        let below = path.strip_prefix(top).and_then(|rest| rest.strip_prefix('/'));
        let Some(below) = below.filter(|path| is_plain(path)) else {
            return Err(format!("`{shown}` does not lie in `{top}`"));
        };
        let mut text = vec![];
        entry.read_to_end(&mut text).map_err(|e| no_archive(&e))?;
        if files.insert(below.to_owned(), text).is_some() {
            return Err(format!("`{shown}` is there twice"));
        }
    }
    Ok(files)
}

fn no_archive(error: &io::Error) -> String {
    format!("it cannot be read: {error}")
}

/// Whether a path stays in its folder on every system: plain names with `/` between them.
#[must_use]
pub fn is_plain(path: &str) -> bool {
    let plain = |name: &str| {
        !matches!(name, "" | "." | "..") && !name.chars().any(|c| c.is_control() || matches!(c, '\\' | ':'))
    };
    path.split('/').all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> Files {
        let long = format!("{}/{}.kql", "folder".repeat(12), "name".repeat(20));
        Files::from([("b/c.yml".into(), b"text".to_vec()), ("a.kql".into(), vec![0; 70_000]), (long, vec![])])
    }

    fn archive(path: &str, kind: EntryType) -> Vec<u8> {
        let mut header = Header::new_ustar();
        let name = &mut header.as_old_mut().name;
        name[..path.len()].copy_from_slice(path.as_bytes());
        header.set_entry_type(kind);
        header.set_size(0);
        header.set_mode(0o644);
        header.set_cksum();
        let mut builder = Builder::new(flate2::write::GzEncoder::new(vec![], Compression::fast()));
        builder.append(&header, io::empty()).expect("an entry");
        builder.into_inner().expect("a tar").finish().expect("a gzip")
    }

    #[test]
    fn what_is_packed_is_read_again_and_two_archives_are_the_same_bytes() {
        let bytes = tar_gz("top-1.0", &files()).expect("an archive");
        assert_eq!(read_tar_gz(&bytes, "top-1.0"), Ok(files()));
        assert_eq!(tar_gz("top-1.0", &files()).expect("an archive"), bytes);
    }

    #[test]
    fn no_time_name_or_system_stands_in_the_gzip_header() {
        let bytes = tar_gz("t", &files()).expect("an archive");
        assert_eq!(bytes[..4], [0x1f, 0x8b, 8, 0]);
        assert_eq!(bytes[4..8], [0; 4]);
        assert_eq!(bytes[9], NO_SYSTEM);
    }

    #[test]
    fn paths_that_lead_elsewhere_are_refused() {
        for path in ["../x", "top/../x", "/top/x", "top//x", "top/./x", "top\\x", "top/c:x", "other/x", "top"] {
            let found = read_tar_gz(&archive(path, EntryType::Regular), "top").expect_err(path);
            assert!(found.contains("does not lie in"), "{path}: {found}");
        }
        assert_eq!(read_tar_gz(&archive("top/x", EntryType::Regular), "top").map(|f| f.len()), Ok(1));
    }

    #[test]
    fn links_and_folders_are_refused() {
        for kind in [EntryType::Symlink, EntryType::Link, EntryType::Directory, EntryType::Char, EntryType::Fifo] {
            assert_eq!(read_tar_gz(&archive("top/x", kind), "top"), Err("`top/x` is no plain file".into()));
        }
    }

    #[test]
    fn what_is_no_archive_or_ends_early_is_refused() {
        let bytes = tar_gz("t", &files()).expect("an archive");
        for bad in [b"no archive".as_slice(), &bytes[..bytes.len() / 2]] {
            assert!(read_tar_gz(bad, "t").expect_err("no archive").starts_with("it cannot be read"));
        }
    }
}
