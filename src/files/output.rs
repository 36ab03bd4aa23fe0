//! Which folders a command may write to.

use super::{named, refused};
use crate::file_names::is_plain;
use std::io;
use std::path::{Component, Path, PathBuf};

/// The folder that the user named for output, without links in its path. `keep` are folders that must not be written to
/// as a whole, nor any folder around them: the project's, and for some commands the one that the program runs in.
///
/// # Errors
/// The folder is the file system's root, one of `keep` or around one of them, or its path leads nowhere.
pub fn output(out: &Path, keep: &[&Path]) -> io::Result<PathBuf> {
    let out = real(out)?;
    if out.parent().is_none() {
        return Err(refused(&out, "it is no folder for output: name a folder of its own"));
    }
    for kept in keep {
        if real(kept)?.starts_with(&out) {
            let why = format!("{} lies in it: name a folder of its own", kept.display());
            return Err(refused(&out, &why));
        }
    }
    Ok(out)
}

/// The folder that a project's file names for output. A project may be somebody else's, so the folder lies in it.
///
/// # Errors
/// It lies elsewhere, or its path leads nowhere.
pub fn below(root: &Path, name: &str) -> io::Result<PathBuf> {
    let root = real(root)?;
    let out = real(&root.join(name))?;
    let inside = out.strip_prefix(&root).ok().and_then(Path::to_str).map(|path| path.replace('\\', "/"));
    match inside {
        Some(path) if is_plain(&path) => Ok(out),
        _ => Err(refused(&root.join(name), "it is no folder below the project's: `--out` may name any other")),
    }
}

/// A path without links: that of what is there of it, and the rest as it is.
fn real(path: &Path) -> io::Result<PathBuf> {
    let whole = std::path::absolute(path).map_err(|error| named(path, &error))?;
    for above in whole.ancestors() {
        match std::fs::canonicalize(above) {
            Ok(real) => {
                let rest = whole.strip_prefix(above).unwrap_or(Path::new(""));
                if !rest.components().all(|part| matches!(part, Component::Normal(_))) {
                    return Err(refused(path, "a folder on the way is not there"));
                }
                return Ok(if rest.as_os_str().is_empty() { real } else { real.join(rest) });
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if std::fs::symlink_metadata(above).is_ok() {
                    return Err(refused(above, "it is a link that leads nowhere"));
                }
            }
            Err(error) => return Err(named(above, &error)),
        }
    }
    Err(refused(path, "no such folder"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_a_kept_folder_and_all_around_it_are_refused_by_every_name() {
        let place = tempfile::tempdir().expect("a folder");
        let project = place.path().join("work/project");
        std::fs::create_dir_all(project.join("inner")).expect("folders");
        for bad in ["", ".", "inner/..", "..", "../..", "../../..", "inner/../../project", "/"] {
            assert!(output(&project.join(bad), &[&project]).is_err(), "{bad}");
        }
        assert!(output(Path::new("/"), &[]).is_err());
        assert!(output(&project.join("missing/../../x"), &[&project]).is_err());
        for good in ["dist", "inner", "../other", "a/b/c"] {
            assert!(output(&project.join(good), &[&project]).is_ok(), "{good}");
        }
    }

    #[test]
    fn a_projects_own_folder_for_output_lies_below_it() {
        let place = tempfile::tempdir().expect("a folder");
        let project = place.path().join("project");
        std::fs::create_dir_all(project.join("inner")).expect("folders");
        for bad in ["", ".", "..", "../project2", "/tmp/x", ".git", ".git/hooks", "a/.GIT", "inner/../..", "con"] {
            assert!(below(&project, bad).is_err(), "{bad}");
        }
        for good in ["build", "./build", "build/", "inner/../build", "a/b", ".build"] {
            assert!(below(&project, good).is_ok(), "{good}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn links_count_for_where_they_lead() {
        let place = tempfile::tempdir().expect("a folder");
        let project = place.path().join("project");
        std::fs::create_dir_all(&project).expect("a folder");
        let link = |to: &str, name: &str| std::os::unix::fs::symlink(to, project.join(name)).expect("a link");
        link("..", "up");
        link("nowhere", "dangling");
        link("../elsewhere", "elsewhere");
        std::fs::create_dir_all(place.path().join("elsewhere")).expect("a folder");
        for bad in ["up", "up/project", "elsewhere", "elsewhere/x", "dangling", "dangling/x"] {
            assert!(below(&project, bad).is_err(), "{bad}");
        }
        assert!(output(&project.join("up"), &[&project]).is_err());
        assert!(output(&project.join("up/project"), &[&project]).is_err());
        assert!(output(&project.join("elsewhere"), &[&project]).is_ok());
    }
}
