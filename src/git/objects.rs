//! What commits hold.

use super::Git;
use crate::file_names::is_plain;
use std::path::Path;

/// The most bytes of all files of a commit that are unpacked.
const MOST_UNPACKED: u64 = 256 << 20;
/// Files of more bytes are not unpacked: no project reads one.
const MOST_OF_A_FILE: u64 = 16 << 20;
/// Files whose contents are asked for at once.
const AT_ONCE: usize = 64;

/// An entry of a commit that is no folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blob {
    /// What it is.
    pub kind: Kind,
    /// Its object's name.
    pub object: String,
    /// How many bytes a file has.
    pub size: u64,
    /// Its path from the repository's top.
    pub path: String,
}

/// What an entry of a commit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A plain file.
    File,
    /// A link.
    Link,
    /// A commit of another repository, which lies there.
    Submodule,
}

impl Git {
    /// The files of a commit below a folder, all if it is empty, in order.
    ///
    /// # Errors
    /// What git says.
    pub fn tree(&self, commit: &str, below: &str) -> Result<Vec<Blob>, String> {
        let mut arguments = vec!["ls-tree", "-r", "-l", "-z", "--full-tree", commit];
        if !below.is_empty() {
            arguments.extend(["--", below]);
        }
        let listed = self.run(&arguments)?;
        let blob = |line: &[u8]| {
            let line = String::from_utf8(line.to_vec()).ok()?;
            let (head, path) = line.split_once('\t')?;
            let mut words = head.split_ascii_whitespace();
            let (mode, kind, object, size) = (words.next()?, words.next()?, words.next()?, words.next()?);
            let kind = match kind {
                "blob" if mode.starts_with("100") => Kind::File,
                "commit" => Kind::Submodule,
                _ => Kind::Link,
            };
            let size = size.parse().unwrap_or(0);
            Some(Blob { kind, object: object.to_owned(), size, path: path.to_owned() })
        };
        Ok(listed.split(|byte| *byte == 0).filter_map(blob).collect())
    }

    /// What some blobs hold, in their order, up to `most` bytes.
    ///
    /// # Errors
    /// What git says.
    pub fn contents(&self, blobs: &[&Blob], most: u64) -> Result<Vec<Vec<u8>>, String> {
        let asked: String = blobs.iter().map(|b| format!("{}\n", b.object)).collect();
        let answer = self.answer(&["cat-file", "--batch"], asked.as_bytes(), most)?;
        let mut rest = answer.as_slice();
        let mut out = vec![];
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let (head, behind) = rest.split_at(end);
            let size = String::from_utf8_lossy(head).rsplit(' ').next().and_then(|n| n.parse::<usize>().ok());
            let bytes = size.and_then(|size| behind.get(1..=size)).ok_or("git answered with no blob")?;
            out.push(bytes.to_vec());
            rest = behind.get(bytes.len() + 2..).unwrap_or_default();
        }
        if out.len() == blobs.len() { Ok(out) } else { Err("git did not answer for every blob".to_owned()) }
    }

    /// The plain files of a commit below a folder, all if it is empty, unpacked into `to`; none that is larger than any source.
    ///
    /// # Errors
    /// What git or the system says.
    pub fn unpack(&self, commit: &str, below: &str, to: &Path) -> Result<(), String> {
        let tree = self.tree(commit, below)?;
        let wanted = |b: &&Blob| b.kind == Kind::File && b.size <= MOST_OF_A_FILE && is_plain(&b.path);
        let files: Vec<&Blob> = tree.iter().filter(wanted).collect();
        let mut left = MOST_UNPACKED;
        for some in files.chunks(AT_ONCE) {
            for (file, bytes) in some.iter().zip(self.contents(some, left)?) {
                left = left.saturating_sub(bytes.len() as u64);
                let place = to.join(&file.path);
                let folder = place.parent().unwrap_or(to);
                let written = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&place, bytes));
                written.map_err(|error| format!("{}: {error}", place.display()))?;
            }
        }
        Ok(())
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn a_file_that_is_larger_than_any_source_is_not_unpacked() {
        let place = tempfile::tempdir().expect("a folder");
        let git = |arguments: &[&str]| {
            let user = ["-c", "user.name=a", "-c", "user.email=a@b"];
            let ran = Command::new("git").args(user).args(arguments).current_dir(place.path()).output().expect("git");
            assert!(ran.status.success(), "{arguments:?}");
        };
        let most = usize::try_from(MOST_OF_A_FILE).expect("a number");
        for (name, size) in [("small", 1), ("largest", most), ("larger", most + 1)] {
            std::fs::write(place.path().join(name), vec![b'x'; size]).expect("written");
        }
        git(&["init", "-q"]);
        git(&["add", "-A"]);
        git(&["commit", "-qm", "x"]);
        let to = tempfile::tempdir().expect("a folder");
        Git::around(place.path()).unpack("HEAD", "", to.path()).expect("unpacked");
        let names: Vec<bool> = ["small", "largest", "larger"].map(|name| to.path().join(name).exists()).to_vec();
        assert_eq!(names, [true, true, false]);
    }
}
