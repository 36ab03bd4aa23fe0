//! What a project reads lies in its folder. The project may be somebody else's: no link in it, and nothing that its file says,
//! shows a file of the user's. Sources alone may lie beside it; they end with `.det`.

use crate::input;
use std::io;
use std::path::Path;

/// A plain file that belongs to the project in `root`.
///
/// # Errors
/// It lies elsewhere, or as for [`input::read`].
pub fn read(root: &Path, path: &Path) -> io::Result<Vec<u8>> {
    stays(root, path)?;
    input::read(path)
}

/// Whether what a path leads to lies in the folder `root`.
///
/// # Errors
/// It does not, or what the system says.
pub(super) fn stays(root: &Path, path: &Path) -> io::Result<()> {
    let root = if root.as_os_str().is_empty() { Path::new(".") } else { root };
    match std::fs::canonicalize(path)?.starts_with(std::fs::canonicalize(root)?) {
        true => Ok(()),
        false => Err(io::Error::other("it points outside of the project's folder; replace it with a copy")),
    }
}

/// Why a source that the project in `root` names is not read.
pub(super) fn refused(root: &Path, source: &str) -> Option<&'static str> {
    let path = root.join(source);
    let is_det = |path: &Path| path.extension().is_some_and(|e| e == "det");
    let real = std::fs::canonicalize(&path).ok()?;
    if Path::new(source).is_absolute() {
        Some("is an absolute path")
    } else if real.is_file() && !(is_det(&path) && is_det(&real)) {
        Some("is not a `.det` file")
    } else if super::normal(&path).starts_with(super::normal(root)) && stays(root, &path).is_err() {
        Some("points outside of the project's folder")
    } else {
        None
    }
}
