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
/// A path that no archive can hold, or two that are one on some system.
pub fn tar_gz(top: &str, files: &Files) -> io::Result<Vec<u8>> {
    if let Some(path) = files.keys().find(|path| !is_plain(path)) {
        return Err(io::Error::other(no_name(path)));
    }
    match clash(files) {
        Some(why) => Err(io::Error::other(why)),
        None => written(top, files),
    }
}

fn written(top: &str, files: &Files) -> io::Result<Vec<u8>> {
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
/// What is wrong: no archive, anything but plain files, a path that leads elsewhere, two that are one on some system, too much.
pub fn read_tar_gz(bytes: &[u8], top: &str) -> Result<Files, String> {
    read_within(bytes, top, MOST)
}

fn read_within(bytes: &[u8], top: &str, most: u64) -> Result<Files, String> {
    let mut archive = Archive::new(GzDecoder::new(bytes).take(most));
    let files = read_entries(&mut archive, top);
    // What ends there, well or not, was cut off.
    if archive.into_inner().limit() == 0 {
        return Err(format!("it holds more than an archive may, which is {most} bytes"));
    }
    let files = files?;
    match clash(&files) {
        Some(why) => Err(why),
        None => Ok(files),
    }
}

/// Why not all of these files can lie in one folder, where letters' case does not count: two have one name, or one lies in
/// the other.
fn clash(files: &Files) -> Option<String> {
    let mut alike: BTreeMap<String, &str> = BTreeMap::new();
    for path in files.keys() {
        if let Some(other) = alike.insert(path.to_lowercase(), path) {
            let (other, path) = (other.escape_debug(), path.escape_debug());
            return Some(format!("`{other}` and `{path}` are one file where letters' case does not count"));
        }
    }
    alike.iter().find_map(|(folded, path)| {
        let mut folders = folded.match_indices('/').filter_map(|(at, _)| folded.get(..at));
        let file = folders.find_map(|above| alike.get(above))?;
        Some(format!("`{}` is a file, and `{}` lies in it", file.escape_debug(), path.escape_debug()))
    })
}

fn read_entries(archive: &mut Archive<impl io::Read>, top: &str) -> Result<Files, String> {
    let mut files = Files::new();
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
            return Err(format!("`{shown}` does not lie in `{top}`, or not on every system"));
        };
        let mut text = vec![];
        entry.read_to_end(&mut text).map_err(|e| no_archive(&e))?;
        if files.insert(below.to_owned(), text).is_some() {
            return Err(format!("`{shown}` is there twice"));
        }
    }
    Ok(files)
}

/// Why a path that is not [plain](is_plain) goes into no archive.
#[must_use]
pub fn no_name(path: &str) -> String {
    format!("`{}` is no name that an archive can hold for every system: give it another one", path.escape_debug())
}

fn no_archive(error: &io::Error) -> String {
    format!("it cannot be read: {error}")
}

/// Whether a path stays in its folder on every system and plants no repository: plain names with `/` between them.
#[must_use]
pub fn is_plain(path: &str) -> bool {
    path.split('/').all(is_plain_name)
}

fn is_plain_name(name: &str) -> bool {
    // Windows drops a dot or a blank at the end, so that `.git.` would be `.git` there, and `...` the folder above.
    let ends_plainly = !name.is_empty() && !name.ends_with(['.', ' ']);
    let odd = |c: char| c.is_control() || is_unseen(c) || matches!(c, '\\' | ':');
    ends_plainly && !name.chars().any(odd) && !is_repository(name) && !is_device(name)
}

/// Characters that HFS+ passes over when it looks for a name.
fn is_unseen(c: char) -> bool {
    matches!(c, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// A folder whose settings git runs programs from; `git~1` is its short name on Windows.
fn is_repository(name: &str) -> bool {
    [".git", "git~1"].iter().any(|git| name.eq_ignore_ascii_case(git))
}

/// Whether Windows takes a name for a device's, whatever extension it has.
#[must_use]
pub fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or("").trim_end_matches(' ').to_ascii_lowercase();
    let port = |kind: &str| stem.strip_prefix(kind).is_some_and(|n| matches!(n.as_bytes(), [b'1'..=b'9']));
    matches!(stem.as_str(), "con" | "prn" | "aux" | "nul") || port("com") || port("lpt")
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
    fn names_that_plant_a_repository_or_that_windows_reads_otherwise_are_refused_on_both_ways() {
        let bad = [
            ".git/config",
            "a/.GIT/config",
            ".git./config",
            ".git /config",
            "git~1/config",
            ".g\u{200c}it/config",
            "a.",
            "a ",
            "con",
            "PRN.yml",
            "x/aux.tar.gz",
            "nul .det",
            "com1",
            "Lpt9.det",
        ];
        for path in bad {
            let found = read_tar_gz(&archive(&format!("top/{path}"), EntryType::Regular), "top").expect_err(path);
            assert!(found.contains("does not lie in"), "{path}: {found}");
            let found = tar_gz("top", &Files::from([(path.to_owned(), vec![])])).expect_err(path).to_string();
            assert!(found.contains("is no name that an archive can hold"), "{path}: {found}");
        }
        for path in [".gitignore", ".github/a.yml", "git/a", "console.det", "com0", "com10", "lpt", "a.con", "null.det"]
        {
            assert!(is_plain(path), "{path}");
        }
    }

    #[test]
    fn links_and_folders_are_refused() {
        for kind in [EntryType::Symlink, EntryType::Link, EntryType::Directory, EntryType::Char, EntryType::Fifo] {
            assert_eq!(read_tar_gz(&archive("top/x", kind), "top"), Err("`top/x` is no plain file".into()));
        }
    }

    #[test]
    fn an_archive_over_the_limit_is_told_by_it() {
        let bytes = tar_gz("t", &files()).expect("an archive");
        let whole = std::io::Read::bytes(GzDecoder::new(bytes.as_slice())).count() as u64;
        assert_eq!(read_within(&bytes, "t", whole + 1), Ok(files()));
        // At the end of a file, in the middle of one, and in a header.
        for most in [512, 1024, 70_000, whole - 1024, 100] {
            let found = read_within(&bytes, "t", most).expect_err("too much");
            assert_eq!(found, format!("it holds more than an archive may, which is {most} bytes"));
        }
    }

    #[test]
    fn a_file_in_the_place_of_a_folder_is_refused() {
        for (path, file) in [("rules/x", "rules"), ("a/b/c", "a"), ("A/b", "a")] {
            let both = Files::from([(path.into(), vec![]), (file.into(), vec![]), ("a-b".into(), vec![])]);
            let bytes = written("t", &both).expect("an archive");
            let why = format!("`{file}` is a file, and `{path}` lies in it");
            assert_eq!(read_tar_gz(&bytes, "t"), Err(why.clone()));
            assert_eq!(tar_gz("t", &both).expect_err("a clash").to_string(), why);
        }
    }

    #[test]
    fn files_whose_names_differ_in_case_only_are_refused() {
        for (one, other) in [("rules/Win.det", "rules/win.det"), ("Rules/a.det", "rules/a.det"), ("É.det", "é.det")] {
            let both = Files::from([(one.into(), vec![]), (other.into(), vec![]), ("b.det".into(), vec![])]);
            let bytes = written("t", &both).expect("an archive");
            let why = format!("`{one}` and `{other}` are one file where letters' case does not count");
            assert_eq!(read_tar_gz(&bytes, "t"), Err(why.clone()));
            assert_eq!(tar_gz("t", &both).expect_err("a clash").to_string(), why);
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
