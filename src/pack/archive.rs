//! Archives: `tar.gz` that is the same to the byte for the same files, and a reader that trusts none: an archive is what would
//! be written for its files, so that every program unpacks the same of it.

use crate::file_names::is_plain;
use flate2::bufread::GzDecoder;
use flate2::{Compression, GzBuilder};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::{self, Read as _, Write as _};
use std::time::{Duration, Instant};
use tar::{Archive, Builder, EntryType, Header};
use unicode_normalization::UnicodeNormalization as _;

/// Files by path, with `/` between folders.
pub type Files = BTreeMap<String, Vec<u8>>;

/// The most bytes of all archives of a release together, unpacked, and of all of its files.
pub const MOST_BYTES: u64 = 256 << 20;
/// The most files of all archives of a release together.
const MOST_FILES: usize = 100_000;
/// The most folders around a file in an archive.
const DEEPEST: usize = 32;
/// The most time for all archives of a release together.
const LONGEST: Duration = Duration::from_secs(120);

/// What is left of the limits that all archives of a release share.
#[derive(Debug)]
pub struct Budget {
    most: u64,
    bytes: Cell<u64>,
    files: Cell<usize>,
    until: Instant,
}

impl Default for Budget {
    fn default() -> Budget {
        Budget::new(MOST_BYTES, MOST_FILES, LONGEST)
    }
}

impl Budget {
    fn new(bytes: u64, files: usize, time: Duration) -> Budget {
        Budget { most: bytes, bytes: Cell::new(bytes), files: Cell::new(files), until: Instant::now() + time }
    }

    /// Takes the files that go into an archive out of the budget.
    ///
    /// # Errors
    /// They are too many or too large, or lie too deep: nobody could read the release.
    pub fn take(&self, files: &Files) -> io::Result<()> {
        files.iter().try_for_each(|(path, bytes)| {
            self.file(path).and_then(|()| self.bytes(bytes.len() as u64)).map_err(io::Error::other)
        })
    }

    fn file(&self, path: &str) -> Result<(), String> {
        if path.matches('/').count() > DEEPEST {
            return Err(format!("`{}` lies deeper than {DEEPEST} folders", path.escape_debug()));
        }
        let left = self.files.get().checked_sub(1);
        self.files.set(left.ok_or_else(|| format!("a release holds at most {MOST_FILES} files, and there are more"))?);
        Ok(())
    }

    fn bytes(&self, bytes: u64) -> Result<(), String> {
        let left = self.bytes.get().checked_sub(bytes);
        let over = || format!("a release holds at most {} bytes, all archives unpacked, and there are more", self.most);
        self.bytes.set(left.ok_or_else(over)?);
        Ok(())
    }

    fn time(&self) -> Result<(), String> {
        let over =
            || format!("to unpack a release takes at most {} seconds, and this one takes more", LONGEST.as_secs());
        if Instant::now() > self.until { Err(over()) } else { Ok(()) }
    }
}

/// A stream that takes what is read of it out of a budget.
struct Metered<'b, R> {
    inner: R,
    budget: &'b Budget,
    over: Option<String>,
}

impl<R: io::Read> io::Read for Metered<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(out)?;
        match self.budget.bytes(read as u64).and_then(|()| self.budget.time()) {
            Ok(()) => Ok(read),
            Err(why) => {
                self.over = Some(why.clone());
                Err(io::Error::other(why))
            }
        }
    }
}

/// What gzip writes where it does not tell the system.
const NO_SYSTEM: u8 = 255;
/// How every archive begins: deflated as well as can be, and no name, comment, time or system.
const BEGINNING: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, NO_SYSTEM];

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
    let mut gzip = tar(top, files, gzip)?;
    gzip.flush()?;
    gzip.finish()
}

fn tar<W: io::Write>(top: &str, files: &Files, to: W) -> io::Result<W> {
    let mut builder = Builder::new(to);
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
    builder.into_inner()
}

/// The files of an archive, all of which lie below the folder `top`, read as a stream within what is left of a budget.
///
/// # Errors
/// What is wrong: no archive, anything but plain files, a path that leads elsewhere, two that are one on some system, too much,
/// or other bytes than are written for these files.
pub fn read_tar_gz(bytes: &[u8], top: &str, budget: &Budget) -> Result<Files, String> {
    let mut archive = Archive::new(Metered { inner: GzDecoder::new(bytes), budget, over: None });
    let files = read_entries(&mut archive, top, budget);
    // An archive that was cut off at the limit has other faults for that.
    if let Some(over) = archive.into_inner().over {
        return Err(over);
    }
    let files = files?;
    if let Some(why) = clash(&files) {
        return Err(why);
    }
    as_written(bytes, top, &files)?;
    Ok(files)
}

/// Whether an archive is what is written for its files. Another one may hold more for other programs: a second archive
/// behind the first, names and rights in headers.
fn as_written(bytes: &[u8], top: &str, files: &Files) -> Result<(), String> {
    if !bytes.starts_with(&BEGINNING) {
        return Err("its gzip header differs from what `pack` writes".to_owned());
    }
    let mut same = Same(GzDecoder::new(bytes));
    tar(top, files, &mut same).map_err(|why| format!("its files are not packed as `pack` does it: {why}"))?;
    let Same(mut rest) = same;
    match rest.read(&mut [0]) {
        Ok(0) if rest.into_inner().is_empty() => Ok(()),
        Ok(0) => Err("there are more bytes after its end".to_owned()),
        Ok(_) => Err("there are more bytes after its last file".to_owned()),
        Err(error) => Err(no_archive(&error)),
    }
}

/// Compares what is written to it with what can be read.
struct Same<R>(R);

impl<R: io::Read> io::Write for Same<R> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut there = vec![0; bytes.len()];
        self.0.read_exact(&mut there)?;
        match there == bytes {
            true => Ok(bytes.len()),
            false => Err(io::Error::other("headers, rights, times, order or bytes between files differ")),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Why not all of these files can lie in one folder on every system: two have one name, or one lies in the other.
fn clash(files: &Files) -> Option<String> {
    let mut alike: BTreeMap<String, &str> = BTreeMap::new();
    for path in files.keys() {
        if let Some(other) = alike.insert(folded(path), path) {
            let (one, two) = (other.escape_debug(), path.escape_debug());
            let why = match other.nfc().eq(path.nfc()) {
                true => "are one file where two ways to write a character do not count",
                false => "are one file where letters' case does not count",
            };
            return Some(format!("`{one}` and `{two}` {why}"));
        }
    }
    alike.iter().find_map(|(folded, path)| {
        let mut folders = folded.match_indices('/').filter_map(|(at, _)| folded.get(..at));
        let file = folders.find_map(|above| alike.get(above))?;
        Some(format!("`{}` is a file, and `{}` lies in it", file.escape_debug(), path.escape_debug()))
    })
}

/// A path as systems compare it that ignore letters' case, or how a character is written (`é` as one or as two).
fn folded(path: &str) -> String {
    let decomposed: String = path.nfd().collect();
    decomposed.to_uppercase().to_lowercase().nfc().collect()
}

fn read_entries(archive: &mut Archive<impl io::Read>, top: &str, budget: &Budget) -> Result<Files, String> {
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
            return Err(format!(
                "`{shown}` does not lie in `{top}`, or not on every system, or makes that a repository"
            ));
        };
        budget.file(below)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> Files {
        let long = format!("{}/{}.kql", "folder".repeat(12), "name".repeat(20));
        Files::from([("b/c.yml".into(), b"text".to_vec()), ("a.kql".into(), vec![0; 70_000]), (long, vec![])])
    }

    fn read(bytes: &[u8], top: &str) -> Result<Files, String> {
        read_tar_gz(bytes, top, &Budget::default())
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
        assert_eq!(read(&bytes, "top-1.0"), Ok(files()));
        assert_eq!(tar_gz("top-1.0", &files()).expect("an archive"), bytes);
    }

    /// Releases that are out have these bytes: with others, nobody could verify them any more.
    #[test]
    fn what_is_in_the_gzip_does_not_depend_on_the_release_that_writes_it() {
        let tar = tar("top-1.0", &files(), vec![]).expect("a tar");
        assert_eq!(
            (tar.len(), crate::hash::hex(&tar).as_str()),
            (73216, "6392a744745732c8d083d4e25f415aa4cb734ebe3b7babe949c9ef74100e3329")
        );
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
            let found = read(&archive(path, EntryType::Regular), "top").expect_err(path);
            assert!(found.contains("does not lie in"), "{path}: {found}");
        }
        let plain = tar_gz("top", &Files::from([("x".into(), vec![])])).expect("an archive");
        assert_eq!(read(&plain, "top").map(|f| f.len()), Ok(1));
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
            "com¹",
            "LPT³.det",
            "CONIN$",
            "a?b",
            "a*.det",
            "a<b>",
            "a|b",
            "a\"b",
            "a\tb",
            "a\u{202e}b",
            "a\u{fffe}",
        ];
        for path in bad {
            let found = read(&archive(&format!("top/{path}"), EntryType::Regular), "top").expect_err(path);
            assert!(found.contains("does not lie in"), "{path}: {found}");
            let found = tar_gz("top", &Files::from([(path.to_owned(), vec![])])).expect_err(path).to_string();
            assert!(found.contains("is no name that an archive can hold"), "{path}: {found}");
        }
        for path in
            ["com⁴", ".gitignore", ".github/a.yml", "git/a", "console.det", "com0", "com10", "lpt", "a.con", "null.det"]
        {
            assert!(is_plain(path), "{path}");
        }
    }

    #[test]
    fn links_and_folders_are_refused() {
        for kind in [EntryType::Symlink, EntryType::Link, EntryType::Directory, EntryType::Char, EntryType::Fifo] {
            assert_eq!(read(&archive("top/x", kind), "top"), Err("`top/x` is no plain file".into()));
        }
    }

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn an_archive_over_the_limit_is_told_by_it() {
        let bytes = tar_gz("t", &files()).expect("an archive");
        let whole = io::Read::bytes(GzDecoder::new(bytes.as_slice())).count() as u64;
        assert_eq!(read_tar_gz(&bytes, "t", &Budget::new(whole, 3, LONG)), Ok(files()));
        // At the end of a file, in the middle of one, and in a header.
        for most in [512, 1024, 70_000, whole - 1024, 100] {
            let found = read_tar_gz(&bytes, "t", &Budget::new(most, 3, LONG)).expect_err("too much");
            assert!(found.starts_with(&format!("a release holds at most {most} bytes")), "{found}");
        }
        let found = read_tar_gz(&bytes, "t", &Budget::new(whole, 2, LONG)).expect_err("too many");
        assert!(found.starts_with("a release holds at most 100000 files"), "{found}");
        let found = read_tar_gz(&bytes, "t", &Budget::new(whole, 3, Duration::ZERO)).expect_err("too slow");
        assert!(found.starts_with("to unpack a release takes at most 120 seconds"), "{found}");
    }

    #[test]
    fn all_archives_of_a_release_share_one_limit() {
        let bytes = tar_gz("t", &files()).expect("an archive");
        let whole = io::Read::bytes(GzDecoder::new(bytes.as_slice())).count() as u64;
        let budget = Budget::new(whole * 2 + 100, 100, LONG);
        for _ in 0..2 {
            assert_eq!(read_tar_gz(&bytes, "t", &budget), Ok(files()));
        }
        assert!(read_tar_gz(&bytes, "t", &budget).is_err());
        let budget = Budget::new(u64::MAX, 7, LONG);
        assert_eq!((0..3).filter(|_| read_tar_gz(&bytes, "t", &budget).is_ok()).count(), 2);
        let budget = Budget::new(100_000, 100, LONG);
        assert!(budget.take(&files()).is_ok(), "what is packed counts the same way");
        assert!(budget.take(&files()).is_err());
    }

    #[test]
    fn an_archive_of_nothing_but_zeros_names_or_headers_ends_at_the_limit() {
        let mut zeros = flate2::write::GzEncoder::new(vec![], Compression::best());
        io::copy(&mut io::repeat(b'a').take(3 << 20), &mut zeros).expect("packed");
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::GNULongName);
        header.set_size(3 << 20);
        header.set_cksum();
        let mut name = flate2::write::GzEncoder::new(vec![], Compression::best());
        name.write_all(header.as_bytes()).expect("packed");
        io::copy(&mut io::repeat(b'a').take(3 << 20), &mut name).expect("packed");
        let mut many = Builder::new(flate2::write::GzEncoder::new(vec![], Compression::best()));
        for number in 0..3000 {
            let mut header = Header::new_gnu();
            header.set_entry_type(EntryType::Regular);
            header.set_size(0);
            many.append_data(&mut header, format!("t/{number}"), io::empty()).expect("packed");
        }
        let many = many.into_inner().expect("a tar").finish().expect("a gzip");
        for bomb in [name.finish().expect("a gzip"), many] {
            assert!(bomb.len() < 40_000, "{}", bomb.len());
            let found = read_tar_gz(&bomb, "t", &Budget::new(1 << 20, 100_000, LONG)).expect_err("too much");
            assert!(found.starts_with("a release holds at most 1048576 bytes"), "{found}");
        }
        assert!(read(&zeros.finish().expect("a gzip"), "t").is_err());
    }

    #[test]
    fn a_file_in_too_many_folders_is_refused_on_both_ways() {
        for (folders, fine) in [(DEEPEST, true), (DEEPEST + 1, false)] {
            let deep = Files::from([(format!("{}x", "a/".repeat(folders)), vec![])]);
            assert_eq!(Budget::default().take(&deep).is_ok(), fine);
            assert_eq!(read(&tar_gz("t", &deep).expect("an archive"), "t").is_ok(), fine);
        }
    }

    #[test]
    fn a_file_in_the_place_of_a_folder_is_refused() {
        for (path, file) in [("rules/x", "rules"), ("a/b/c", "a"), ("A/b", "a")] {
            let both = Files::from([(path.into(), vec![]), (file.into(), vec![]), ("a-b".into(), vec![])]);
            let bytes = written("t", &both).expect("an archive");
            let why = format!("`{file}` is a file, and `{path}` lies in it");
            assert_eq!(read(&bytes, "t"), Err(why.clone()));
            assert_eq!(tar_gz("t", &both).expect_err("a clash").to_string(), why);
        }
    }

    #[test]
    fn files_whose_names_differ_in_case_only_are_refused() {
        for (one, other) in [
            ("strasse.det", "straße.det"),
            ("rules/Win.det", "rules/win.det"),
            ("Rules/a.det", "rules/a.det"),
            ("É.det", "é.det"),
        ] {
            let both = Files::from([(one.into(), vec![]), (other.into(), vec![]), ("b.det".into(), vec![])]);
            let bytes = written("t", &both).expect("an archive");
            let why = format!("`{one}` and `{other}` are one file where letters' case does not count");
            assert_eq!(read(&bytes, "t"), Err(why.clone()));
            assert_eq!(tar_gz("t", &both).expect_err("a clash").to_string(), why);
        }
    }

    #[test]
    fn files_whose_names_are_written_in_two_ways_are_refused() {
        for (one, other) in
            [("e\u{301}.det", "\u{e9}.det"), ("a/\u{1100}\u{1161}/x", "a/\u{ac00}/x"), ("\u{212b}", "\u{c5}")]
        {
            let both = Files::from([(one.into(), vec![]), (other.into(), vec![])]);
            let why = "are one file where two ways to write a character do not count";
            assert!(read(&written("t", &both).expect("an archive"), "t").expect_err(one).ends_with(why));
            assert!(tar_gz("t", &both).expect_err(one).to_string().ends_with(why));
        }
    }

    #[test]
    fn what_is_no_archive_or_ends_early_is_refused() {
        let bytes = tar_gz("t", &files()).expect("an archive");
        for bad in [b"no archive".as_slice(), &bytes[..bytes.len() / 2]] {
            assert!(read(bad, "t").expect_err("no archive").starts_with("it cannot be read"));
        }
    }
}
