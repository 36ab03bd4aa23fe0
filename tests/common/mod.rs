//! What several test programs share: the shipped pack and the language's cases, loaded and compiled.
#![allow(dead_code, reason = "each test program uses a part")]

use arcanary::build::{Built, build};
use arcanary::diagnostic::{Style, to_text};
use arcanary::project::{Loaded, load};
use std::path::{Path, PathBuf};

/// The repository's folder.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A project's folder, loaded; findings about its sources fail the test.
pub fn project(folder: &str) -> Loaded {
    let loaded = load(&[PathBuf::from(folder)], &root());
    let shown: String = loaded.diagnostics.iter().map(|d| to_text(d, &loaded.sources, Style::Plain)).collect();
    assert!(loaded.diagnostics.is_empty(), "{folder} has findings:\n{shown}");
    loaded
}

/// Every rule of a project for every target.
pub fn built(loaded: &Loaded) -> Built {
    let targets: Vec<String> = loaded.targets.all.keys().cloned().collect();
    build(loaded, &targets)
}

/// The queries of the shipped pack and of the language's cases: name, text.
pub fn documents(extension: &str) -> Vec<(String, String)> {
    let mut out = vec![];
    for folder in ["rules", "tests/cases"] {
        let loaded = project(folder);
        for (name, text) in built(&loaded).files {
            let query = name.split('/').count() == 2;
            if query && Path::new(&name).extension().is_some_and(|e| e == extension) {
                out.push((format!("{folder}/{name}"), text));
            }
        }
    }
    assert!(out.len() > 20, "{} documents of {extension}: the pack is not there", out.len());
    out
}
