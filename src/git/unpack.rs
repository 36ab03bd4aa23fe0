//! A commit's files in a folder, as a checkout would lay them out, without filters.
//!
//! Whoever reads the folder must find what the commit holds, or an error: a file that is left out would count as not there.

use super::objects::{Blob, Kind};
use super::{Git, input};
use crate::file_names::{is_repository, is_valid};
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// The most bytes of all files of a commit that are unpacked.
const MOST_UNPACKED: u64 = 256 << 20;
/// Of larger files, only those that a project reads are unpacked; an empty one of their size stands in for each other.
const MOST_OF_A_FILE: u64 = 16 << 20;
/// The ends of their names.
const READ: [&str; 4] = [".det", ".yaml", ".yml", ".lock"];
/// Files whose contents are asked for at once.
const AT_ONCE: usize = 64;

impl Git {
    /// The files of a commit below a folder, all if it is empty, in `to`. Links lead where they led, as long as that is in `to`, and
    /// nowhere else. Submodules are those that are checked out in the work tree `top`.
    ///
    /// # Errors
    /// What git or the system says; a name that no file may have here; a submodule that is not checked out.
    pub fn unpack(&self, commit: &str, below: &str, top: &Path, to: &Path) -> Result<(), String> {
        self.unpack_within(commit, below, top, to, &mut { MOST_UNPACKED })
    }

    fn unpack_within(&self, commit: &str, below: &str, top: &Path, to: &Path, left: &mut u64) -> Result<(), String> {
        let (mut files, mut links, mut submodules) = (vec![], vec![], vec![]);
        for (name, blob) in self.entries(commit, below)? {
            let place = place(&name, to).ok_or_else(|| {
                format!(
                    "the commit contains `{}`, which is not a valid file name on this system",
                    blob.path.escape_debug()
                )
            })?;
            match blob.kind {
                Kind::File if blob.size > MOST_OF_A_FILE && !READ.iter().any(|end| blob.path.ends_with(end)) => {
                    let size = blob.size.min(input::MOST + 1);
                    put(&place, |file| file.set_len(size)).map_err(|why| told(&blob, &why))?;
                }
                Kind::File => files.push((blob, place)),
                Kind::Link => links.push((blob, place)),
                Kind::Submodule => submodules.push((blob, place)),
            }
        }
        self.each(&files, left, |_, place, bytes| put(place, |file| file.write_all(bytes)))?;
        for (blob, place) in submodules {
            match submodule(top, &blob.path) {
                Some(inner) => inner.unpack_within(&blob.object, "", inner.folder(), &place, left)?,
                // It is empty on both sides.
                None if top.join(&blob.path).is_dir() => {}
                None => {
                    return Err(format!(
                        "`{}` is a submodule in that commit, but it is not checked out here: check out the commit in another folder, and compare with that folder",
                        blob.path.escape_debug()
                    ));
                }
            }
        }
        // Links come last: nothing is written through them.
        self.each(&links, left, link)
    }

    /// Hands over what each of some blobs holds.
    fn each(
        &self,
        blobs: &[(Blob, PathBuf)],
        left: &mut u64,
        put: impl Fn(&Blob, &Path, &[u8]) -> io::Result<()>,
    ) -> Result<(), String> {
        for some in blobs.chunks(AT_ONCE) {
            let asked: Vec<&Blob> = some.iter().map(|(blob, _)| blob).collect();
            for ((blob, place), bytes) in some.iter().zip(self.contents(&asked, *left)?) {
                *left = left.saturating_sub(bytes.len() as u64);
                put(blob, place, &bytes).map_err(|why| told(blob, &why))?;
            }
        }
        Ok(())
    }
}

fn told(blob: &Blob, why: &io::Error) -> String {
    format!("the commit's `{}` cannot be unpacked: {why}", blob.path.escape_debug())
}

/// The repository of a submodule that is checked out in a work tree. One behind a link is none: links lead round in circles, and
/// each round would double what is read.
#[must_use]
pub fn submodule(top: &Path, path: &str) -> Option<Git> {
    let folder = top.join(path);
    let real = std::fs::canonicalize(&folder).ok()?;
    let is_there = real == std::fs::canonicalize(top).ok()?.join(path) && folder.join(".git").exists();
    is_there.then(|| Git::around(folder))
}

/// Where a name of a commit lies in a folder, if a file may have it: git's own folder and `..` come from a forged commit alone.
fn place(name: &[u8], to: &Path) -> Option<PathBuf> {
    let fits = |part: &[u8]| !matches!(part, b"" | b"." | b"..") && !is_repository(part);
    let text = std::str::from_utf8(name);
    if !name.split(|byte| *byte == b'/').all(fits) || cfg!(windows) && !text.is_ok_and(is_valid) {
        return None;
    }
    #[cfg(unix)]
    let name = <std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(name);
    #[cfg(not(unix))]
    let name = text.ok()?;
    Some(to.join(name))
}

/// A new file: two names that are one here are told.
fn put(place: &Path, fill: impl Fn(&mut File) -> io::Result<()>) -> io::Result<()> {
    place.parent().map_or(Ok(()), std::fs::create_dir_all)?;
    fill(&mut File::create_new(place)?)
}

/// A link as it was if it leads to something below the folder that the commit is unpacked in, else one to itself: whoever reads
/// it gets an error.
#[cfg(unix)]
fn link(blob: &Blob, place: &Path, target: &[u8]) -> io::Result<()> {
    use std::os::unix::ffi::OsStrExt as _;
    place.parent().map_or(Ok(()), std::fs::create_dir_all)?;
    let target = std::ffi::OsStr::from_bytes(target);
    let itself = place.file_name().unwrap_or_default();
    std::os::unix::fs::symlink(if leads_inside(&blob.path, target.as_bytes()) { target } else { itself }, place)
}

/// A link as git checks it out where there are none: a file with what it leads to.
#[cfg(not(unix))]
fn link(_: &Blob, place: &Path, target: &[u8]) -> io::Result<()> {
    put(place, |file| file.write_all(target))
}

/// Whether a link leads to something below the top: up first, by no more folders than there are, then down. Whatever other
/// links of this kind stand on the way, it stays inside.
#[cfg(unix)]
fn leads_inside(path: &str, target: &[u8]) -> bool {
    let mut parts = target.split(|byte| *byte == b'/').filter(|part| !matches!(*part, b"" | b"."));
    let folders = path.matches('/').count();
    let ups = parts.by_ref().take_while(|part| *part == b"..").count();
    let more = target.split(|byte| *byte == b'/').filter(|part| *part == b"..").count();
    !target.starts_with(b"/") && ups <= folders && more == ups
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    use std::process::{Command, Stdio};

    /// A repository in a folder.
    struct Repository(tempfile::TempDir);

    #[allow(clippy::expect_used, reason = "a test fails by panicking")]
    impl Repository {
        fn new() -> Repository {
            let repository = Repository(tempfile::tempdir().expect("a folder"));
            repository.git(&["init", "-q"], b"");
            repository
        }

        fn git(&self, arguments: &[&str], input: &[u8]) -> String {
            let mut command = Command::new("git");
            command.args(["-c", "user.name=a", "-c", "user.email=a@b"]).args(arguments).current_dir(&self.0);
            let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("git");
            child.stdin.take().expect("a pipe").write_all(input).expect("written");
            let output = child.wait_with_output().expect("git");
            assert!(output.status.success(), "{arguments:?}");
            String::from_utf8_lossy(&output.stdout).trim().to_owned()
        }

        fn commit(&self) {
            self.git(&["add", "-A"], b"");
            self.git(&["commit", "-qm", "x"], b"");
        }

        fn unpacked(&self) -> Result<tempfile::TempDir, String> {
            let to = tempfile::tempdir().expect("a folder");
            Git::around(self.0.path()).unpack("HEAD", "", self.0.path(), to.path())?;
            Ok(to)
        }
    }

    #[test]
    fn every_file_of_a_commit_is_there_whatever_its_name_and_size() {
        let repository = Repository::new();
        let most = usize::try_from(MOST_OF_A_FILE).expect("a number");
        let names: [&[u8]; 10] = [
            b"a",
            b"a:b.det",
            b"aux.det",
            b"x /y ",
            b"a*b",
            b"SOC: win/r.det",
            b"n\nl",
            b"\xff.det",
            b"d.",
            "\u{202e}".as_bytes(),
        ];
        let at = |folder: &Path, name: &[u8]| folder.join(OsStr::from_bytes(name));
        for (name, size) in names.into_iter().map(|name| (name, 1)).chain([
            (&b"most.bin"[..], most),
            (b"more.bin", most + 1),
            (b"more.det", most + 1),
            (b"more.yaml", most + 1),
        ]) {
            let path = at(repository.0.path(), name);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            std::fs::write(path, vec![b'x'; size]).expect("written");
        }
        repository.commit();
        let to = repository.unpacked().expect("unpacked");
        for name in names.into_iter().chain([&b"most.bin"[..], b"more.det", b"more.yaml"]) {
            let (here, there) = (at(repository.0.path(), name), at(to.path(), name));
            assert!(std::fs::read(here).ok() == std::fs::read(there).ok(), "{}", name.escape_ascii());
        }
        // One of the same size stands in for what no project reads.
        let more = std::fs::read(to.path().join("more.bin")).expect("a file");
        assert!(more.len() == most + 1 && more.iter().all(|byte| *byte == 0));
    }

    #[test]
    fn a_forged_name_is_an_error_and_leads_nowhere() {
        for name in ["..", ".", ".git", ".GIT", "git~1", "../x", "/abs", "a//b"] {
            let repository = Repository::new();
            let blob = repository.git(&["hash-object", "-w", "--stdin"], b"x");
            let object: Vec<u8> = blob
                .as_bytes()
                .chunks(2)
                .map(|hex| u8::from_str_radix(std::str::from_utf8(hex).expect("hex"), 16).expect("hex"))
                .collect();
            let tree = [format!("100644 {name}\0").as_bytes(), &object].concat();
            let tree = repository.git(&["hash-object", "-t", "tree", "-w", "--literally", "--stdin"], &tree);
            let commit = repository.git(&["commit-tree", &tree, "-m", "x"], b"");
            repository.git(&["update-ref", "HEAD", &commit], b"");
            assert!(repository.unpacked().expect_err(name).contains("is not a valid file name"), "{name}");
        }
    }

    #[test]
    fn links_lead_where_they_led_inside_and_nowhere_else() {
        let repository = Repository::new();
        let root = repository.0.path();
        std::fs::create_dir_all(root.join("p/q")).expect("a folder");
        std::fs::write(root.join("p/q/file"), "x").expect("written");
        let inside = [("a", "p/q/file"), ("p/b", "./q//file"), ("p/q/c", "../../p/q/file"), ("folder", "p")];
        let outside = [
            ("d", "/etc/hostname"),
            ("e", "../x"),
            ("p/f", "../../x"),
            ("up", "p/q/top/../../x"),
            ("p/q/twice", "../q/../../p/q/file"),
        ];
        for (name, target) in inside.into_iter().chain(outside).chain([("p/q/top", "../..")]) {
            std::os::unix::fs::symlink(target, root.join(name)).expect("a link");
        }
        repository.commit();
        let to = repository.unpacked().expect("unpacked");
        for (name, _) in &inside[..3] {
            assert_eq!(std::fs::read_to_string(to.path().join(name)).expect(name), "x");
        }
        assert!(to.path().join("folder/q/file").is_file() && to.path().join("p/q/top/a").is_file());
        for (name, _) in outside {
            let link = to.path().join(name);
            assert!(link.is_symlink() && link.canonicalize().is_err(), "{name}");
        }
    }

    #[test]
    fn submodules_are_their_own_commits_or_told() {
        let repository = Repository::new();
        let root = repository.0.path();
        for name in ["inner", "gone", "empty"] {
            repository.git(&["init", "-q", name], b"");
            std::fs::write(root.join(name).join("file"), "old").expect("written");
            for arguments in [&["add", "-A"][..], &["commit", "-qm", "x"]] {
                repository.git(&[&["-C", name], arguments].concat(), b"");
            }
        }
        repository.commit();
        std::fs::write(root.join("inner/file"), "new").expect("written");
        std::fs::remove_dir_all(root.join("empty")).expect("removed");
        std::fs::create_dir(root.join("empty")).expect("a folder");
        let to = repository.unpacked().expect("unpacked");
        assert_eq!(std::fs::read_to_string(to.path().join("inner/file")).expect("a file"), "old");
        assert!(to.path().join("gone/file").is_file() && !to.path().join("empty").exists());
        std::fs::remove_dir_all(root.join("gone")).expect("removed");
        assert!(repository.unpacked().expect_err("gone").contains("`gone` is a submodule in that commit"));
    }
}
