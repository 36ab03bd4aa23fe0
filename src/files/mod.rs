//! Everything that Arcanary writes, moves or removes in a user's folders goes through here.
//!
//! * A file appears as a whole: it is written beside its place and moved there.
//! * No link is followed below the folder that a command writes to.
//! * What cannot be read counts as somebody else's: reading fails closed.
//! * Names that begin with `.arcanary-` are Arcanary's own. Each temporary file, or the folder that it is for, is locked
//!   while its writer lives, so the next run knows what a killed one left, and removes it.

mod fault;
mod folder;
mod lock;
mod output;
#[cfg(all(test, unix))]
mod races;
mod replacement;
mod tree;
mod write;

pub use lock::Lock;
pub use output::{below, output};
pub use replacement::{Replacement, files_in};
pub use tree::Tree;
pub use write::{rewrite, sweep};

use std::io;
use std::path::Path;

/// What the names of Arcanary's own files begin with.
const OWN: &str = ".arcanary-";
/// What the names of temporary files end with that their writer has locked.
const TEMPORARY: &str = ".tmp";
/// What the names of temporary files end with whose writer has locked the folder.
const PART: &str = ".part";
/// What the names of lock files end with.
const LOCK: &str = ".lock";

/// The bytes of the plain file `name` below `base`; `None` if there is nothing of this name.
///
/// # Errors
/// As for [`Tree::read`].
pub fn read(base: &Path, name: &str) -> io::Result<Option<Vec<u8>>> {
    Tree::new(base).read(name)
}

/// The bytes of the plain file `name` below `base`, which is there.
///
/// # Errors
/// As for [`Tree::read`]; there is nothing of this name.
pub fn read_there(base: &Path, name: &str) -> io::Result<Vec<u8>> {
    read(base, name)?.ok_or_else(|| named(&base.join(name), &io::ErrorKind::NotFound.into()))
}

/// Writes the file `name` below `base`, and the folders on the way. What stood there is replaced as a whole.
///
/// # Errors
/// As for [`Tree::read`].
pub fn write(base: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    Tree::new(base).write(name, bytes)
}

/// The names between the slashes of `name`, none of which leads elsewhere.
fn parts<'a>(base: &Path, name: &'a str) -> io::Result<Vec<&'a str>> {
    let elsewhere = |part: &str| matches!(part, "" | "." | "..") || part.contains(['\\', ':', '\0']);
    match name.split('/').any(elsewhere) {
        true => Err(refused(&base.join(name), "it is no file below the folder")),
        false => Ok(name.split('/').collect()),
    }
}

/// An error with the path that it is about.
pub(crate) fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

fn refused(path: &Path, why: &str) -> io::Error {
    io::Error::other(format!("{}: {why}", path.display()))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn plain_files_are_read_where_no_part_of_their_path_is_a_link() {
        let place = tempfile::tempdir().expect("a folder");
        let base = place.path();
        std::fs::create_dir(base.join("folder")).expect("a folder");
        std::fs::write(base.join("folder/file"), "text").expect("written");
        symlink("folder", base.join("other")).expect("a link");
        symlink("file", base.join("folder/again")).expect("a link");
        symlink("/dev/zero", base.join("zeros")).expect("a link");
        assert_eq!(read_there(base, "folder/file").expect("plain"), b"text");
        for (name, link) in [("folder/again", "folder/again"), ("other/file", "other"), ("zeros", "zeros")] {
            let error = read(base, name).expect_err(name).to_string();
            assert!(error.contains(&format!("{link}: it is a link")), "{error}");
        }
        for name in ["../a", "folder/../folder/file", "/etc/passwd", "", "folder//file", "c:x"] {
            let error = read(base, name).expect_err(name).to_string();
            assert!(error.contains("no file below the folder"), "{error}");
        }
        assert!(read(base, "folder").expect_err("a folder").to_string().contains("no plain file"));
        assert_eq!(read(base, "nothing").expect("nothing"), None);
        assert_eq!(read_there(base, "nothing").expect_err("nothing").kind(), io::ErrorKind::NotFound);
    }
}
