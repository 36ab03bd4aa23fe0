//! Projects as tests take them: files of this repository and text written in place.

use arcanary::diagnostic::{Style, to_text};
use arcanary::sema::Project;
use arcanary::source::Sources;
use arcanary::syntax;
use std::path::{Path, PathBuf};

/// A project without errors.
pub struct Loaded {
    /// What its files mean.
    pub project: Project,
    /// Its files.
    pub sources: Sources,
}

/// A path below the repository's root.
pub fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Every `.det` file below a folder of the repository, in order of names.
pub fn files(folder: &str) -> Vec<PathBuf> {
    let mut found = vec![];
    let mut open = vec![root(folder)];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())) {
            let path = entry.expect("a folder's entry").path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|e| e == "det") {
                found.push(path);
            }
        }
    }
    assert!(!found.is_empty(), "no .det file below {folder}");
    found.sort();
    found
}

/// Resolves these files and `more` text. An error in them ends the test with the compiler's own message.
pub fn load(paths: &[PathBuf], more: &str) -> Loaded {
    let mut sources = Sources::new();
    let mut parsed = vec![];
    for path in paths {
        let name = path.strip_prefix(root("")).unwrap_or(path).display().to_string();
        let bytes = std::fs::read(path).unwrap_or_else(|e| panic!("{name}: {e}"));
        let id = sources.add_bytes(name, &bytes).unwrap_or_else(|d| panic!("{}: {}", path.display(), d.message));
        parsed.push(syntax::parse(id, &sources.get(id).expect("just added").text));
    }
    let id = sources.add("written in the test", more);
    parsed.push(syntax::parse(id, more));
    let (project, findings) = arcanary::sema::resolve(parsed, &indexmap::IndexMap::new());
    let errors: Vec<String> =
        findings.iter().filter(|d| d.is_error()).map(|d| to_text(d, &sources, Style::Plain)).collect();
    assert!(errors.is_empty(), "{}", errors.join("\n"));
    Loaded { project, sources }
}
