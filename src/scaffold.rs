//! `new`: the files that a project begins with.

use crate::build::write_whole;
use std::io;
use std::path::Path;

/// Name in the project, text.
const FILES: [(&str, &str); 5] = [
    ("arcanary.yaml", include_str!("../templates/new/arcanary.yaml")),
    ("rules/utilities.det", include_str!("../templates/new/utilities.det")),
    ("rules/encrypted_archive.det", include_str!("../templates/new/encrypted_archive.det")),
    ("README.md", include_str!("../templates/new/README.md")),
    (".gitignore", include_str!("../templates/new/gitignore")),
];

/// Writes a new project's files into `dir`; their names.
///
/// # Errors
/// `dir` holds something, or what the system says.
pub fn new_project(dir: &Path) -> io::Result<Vec<&'static str>> {
    if dir.is_file() || std::fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some()) {
        let message = format!("{} exists and is not an empty folder; name a new one", dir.display());
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, message));
    }
    let name = dir.file_name().map_or_else(|| "detections".to_owned(), |n| n.to_string_lossy().to_lowercase());
    let name: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    for (file, text) in FILES {
        write_whole(&dir.join(file), &text.replace("PROJECT", &name))?;
    }
    Ok(FILES.iter().map(|(file, _)| *file).collect())
}
