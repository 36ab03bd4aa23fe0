//! The files of a new project: rules with tests, utilities, a lock, a build and a CI workflow. `arcanary new` writes them,
//! and they pass every check.

use crate::build::{Refusal, Writing, build};
use crate::diagnostic::Diagnostic;
use crate::file_names::{PROJECT, near_pack_name};
use crate::files;
use crate::pack::bump::{self, Removal};
use crate::project::lock;
use crate::project::{self, Loaded};
use std::io;
use std::path::{Path, PathBuf};

/// Each file's name in the project, and its text.
const FILES: [(&str, &str); 8] = [
    (PROJECT, include_str!("../templates/new/arcanary.yaml")),
    ("rules/utilities.det", include_str!("../templates/new/utilities.det")),
    ("rules/encrypted_archive.det", include_str!("../templates/new/encrypted_archive.det")),
    ("README.md", include_str!("../templates/new/README.md")),
    (".github/workflows/detections.yml", include_str!("../templates/new/detections.yml")),
    (".pre-commit-config.yaml", include_str!("../templates/new/pre-commit-config.yaml")),
    (".gitignore", include_str!("../templates/new/gitignore")),
    (".gitattributes", include_str!("../templates/new/gitattributes")),
];
/// The `out` of its project file.
const OUT: &str = "build";

/// Writes a new project into `dir`, locks it and builds it. Returns the names of its files and of the build's folder.
///
/// # Errors
/// `dir` is not empty, or a file cannot be written.
pub fn new_project(dir: &Path) -> io::Result<Vec<String>> {
    let empty = match std::fs::read_dir(dir) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    };
    if !empty {
        let message = format!("{} exists and is not an empty folder; name a new one", dir.display());
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, message));
    }
    let dir = &files::output(dir, &[])?;
    let name = name(dir);
    for (file, text) in FILES {
        files::write(dir, file, text.replace("PROJECT", &name).as_bytes())?;
    }
    lock_and_build(dir)?;
    let files = FILES.iter().map(|(file, _)| (*file).to_owned());
    Ok(files.chain([lock::FILE_NAME.to_owned(), format!("{OUT}/")]).collect())
}

/// The folder's name as a pack's name.
fn name(dir: &Path) -> String {
    let whole = std::path::absolute(dir).unwrap_or_else(|_| dir.to_path_buf());
    let name = whole.file_name().and_then(|name| near_pack_name(&name.to_string_lossy()));
    name.unwrap_or_else(|| "detections".to_owned())
}

fn lock_and_build(dir: &Path) -> io::Result<()> {
    let load = || project::load(&[PathBuf::from(dir)], &std::env::current_dir().unwrap_or_default());
    let mut loaded = load();
    sound(&loaded, &loaded.diagnostics)?;
    let targets = loaded.own_targets();
    let bumped = bump::bump(&mut loaded, &targets, &Removal::default()).or_else(|found| {
        sound(&loaded, &found)?;
        Err(io::Error::other("the new project cannot be locked"))
    })?;
    bump::write(&bumped, dir)?;
    // Documents carry their rules' versions, which are in the lock only now.
    let loaded = load();
    let built = build(&loaded, &targets);
    sound(&loaded, &built.diagnostics)?;
    let how = Writing { force: false, waiting: &|| {} };
    match built.write(&loaded, &dir.join(OUT), &how) {
        Ok(_) => Ok(()),
        Err(Refusal::System(error)) => Err(error),
        Err(Refusal::Found(found)) => sound(&loaded, &[*found]),
    }
}

/// A finding in the files of this module is a defect of Arcanary.
fn sound(loaded: &Loaded, found: &[Diagnostic]) -> io::Result<()> {
    match found.first() {
        None => Ok(()),
        Some(d) => {
            let place = crate::diagnostic::place(d, &loaded.sources);
            Err(io::Error::other(format!("the new project is not sound: {place}: {}", d.message)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folders_name_becomes_a_packs_name() {
        for (folder, expected) in [
            ("/x/My Detections", "my-detections"),
            ("/x/true", "true"),
            ("/x/.hidden", "hidden"),
            ("/x/---", "detections"),
            ("/", "detections"),
        ] {
            assert_eq!(name(Path::new(folder)), expected, "{folder}");
        }
        assert_eq!(name(Path::new(&format!("/x/{}", "a".repeat(70)))), "detections");
    }
}
