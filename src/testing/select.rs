//! What the command line asks to be tested: names of rules, or paths.

use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::project::{Loaded, load};
use crate::sema::Rule;
use std::path::{Path, PathBuf};

/// A project, and which of its rules were asked for.
#[derive(Debug)]
pub struct Selected {
    /// The project; a word that is neither a rule nor a path is among its findings.
    pub loaded: Loaded,
    names: Vec<String>,
}

/// Takes each word for the name of a rule, else for a path. Rules have no `/`, `\` or `.` in their names, so `./x` is a
/// path always. Without names, paths mean what they mean for every command; beside names, the path of a whole project
/// only says where the names are looked up.
#[must_use]
pub fn select(words: &[String], here: &Path) -> Selected {
    let is_path = |word: &&String| word.contains(['/', '\\', '.']) || here.join(word).exists();
    let (paths, mut names): (Vec<String>, Vec<String>) = words.iter().cloned().partition(|w| is_path(&w));
    let mut loaded = load(&as_paths(&paths), here);
    let (rules, rest): (Vec<String>, Vec<String>) =
        paths.iter().cloned().partition(|p| loaded.project.rules.contains_key(p));
    if !rules.is_empty() {
        // A file or folder that is called like a rule.
        let without = load(&as_paths(&rest), here);
        if without.root.is_some() || !rest.is_empty() {
            loaded = without;
            names.extend(rules);
        }
    }
    if !loaded.has_errors() {
        let unknown: Vec<Diagnostic> =
            names.iter().filter(|n| !loaded.project.rules.contains_key(*n)).map(|n| unknown(n, &loaded)).collect();
        loaded.diagnostics.extend(unknown);
    }
    Selected { loaded, names }
}

fn as_paths(words: &[String]) -> Vec<PathBuf> {
    words.iter().map(PathBuf::from).collect()
}

fn unknown(name: &str, loaded: &Loaded) -> Diagnostic {
    let diagnostic = Diagnostic::new(Code::UnknownName, format!("`{name}` is neither a rule nor a path"));
    match nearest(name, loaded.project.rules.keys().map(String::as_str)) {
        Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
        None => diagnostic,
    }
}

impl Selected {
    /// The rules, in the order of their names.
    #[must_use]
    pub fn rules(&self) -> Vec<&Rule> {
        if self.names.is_empty() {
            return self.loaded.rules().collect();
        }
        let by_path = |rule: &Rule| self.loaded.selected.as_ref().is_some_and(|s| s.contains(&rule.name));
        let meant = |rule: &&Rule| self.names.contains(&rule.name) || by_path(rule);
        self.loaded.project.rules.values().filter(meant).collect()
    }
}
