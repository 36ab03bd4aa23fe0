//! One side of a comparison: a project as it lies there or in a commit, a build's output folder, or a release.

use super::source::Items;
use crate::build::{self, Built, Entry};
use crate::diagnostic::{Diagnostic, Style, to_text};
use crate::file_names::PROJECT;
use crate::files;
use crate::git::Git;
use crate::hash;
use crate::pack::release::SUMS;
use crate::pack::state::owners;
use crate::pack::verify::verify;
use crate::project::{self, Loaded};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The commit that is compared with unless the user names another side. It is never a folder.
pub const DEFAULT: &str = "HEAD";

/// One side.
#[derive(Clone, Debug, Default)]
pub struct Side {
    /// What it is called in headings.
    pub name: String,
    /// Its targets.
    pub targets: BTreeSet<String>,
    /// Its rules by id.
    pub rules: BTreeMap<String, SideRule>,
    /// Documents of no rule alone.
    pub documents: BTreeMap<String, String>,
    /// Its sources, where it has them.
    pub items: Option<Items>,
}

/// A rule of a side.
#[derive(Clone, Debug, Default)]
pub struct SideRule {
    /// Its name.
    pub name: String,
    /// Its title; its name where the side does not tell.
    pub title: String,
    /// Its version, where the side tells.
    pub version: Option<String>,
    /// Hash of what it means, where the side tells.
    pub logic: Option<String>,
    /// Hash of what it says about itself, where the side tells.
    pub text: Option<String>,
    /// What it says about itself, by key, where the side tells.
    pub says: Option<BTreeMap<&'static str, Value>>,
    /// Its documents: path from the output folder, and text.
    pub documents: BTreeMap<String, String>,
    /// What each target answers: `exact`, `degraded` and so on.
    pub status: BTreeMap<String, String>,
}

impl Side {
    /// A project that was built.
    #[must_use]
    pub fn of_project(name: &str, loaded: &Loaded, built: &Built) -> Side {
        let mut side =
            Side { name: name.to_owned(), targets: built.targets.keys().cloned().collect(), ..Side::default() };
        side.items = Some(Items::of_project(loaded));
        for rule in loaded.rules() {
            let status =
                built.targets.iter().filter_map(|(t, all)| Some((t.clone(), all.get(&rule.name)?.status.clone())));
            let own = SideRule {
                name: rule.name.clone(),
                title: rule.meta.title.clone(),
                version: loaded.lock.as_ref().map(|_| rule.version.clone()),
                logic: Some(hash::logic(rule, &loaded.project)),
                text: Some(hash::text(rule)),
                says: Some(hash::texts(rule)),
                documents: BTreeMap::new(),
                status: status.collect(),
            };
            side.rules.insert(rule.meta.id.clone(), own);
        }
        let owners = owners(&built.targets);
        for (path, text) in &built.files {
            side.put(owners.get(path.as_str()).copied(), path, text.clone());
        }
        side
    }

    fn put(&mut self, owner: Option<&str>, path: &str, text: String) {
        let own = owner.and_then(|id| self.rules.get_mut(id)).map(|rule| &mut rule.documents);
        own.unwrap_or(&mut self.documents).insert(path.to_owned(), text);
    }

    /// What `against` means for the project in `root`: a commit of the repository around the project, or a folder with a release,
    /// a project or a build. What may be either is an error: a change that adds a folder of that name would hide itself. Projects
    /// are built for `targets`, or for those that they build for themselves.
    ///
    /// # Errors
    /// Why there is no such side.
    pub fn find(against: &str, here: &Path, root: &Path, targets: Option<&[String]>) -> Result<Side, String> {
        if against.is_empty() {
            return Err(
                "`--against` is empty: name a commit, or a folder with a project, a build or a release".to_owned()
            );
        }
        let folder = here.join(against);
        if against == DEFAULT || against.starts_with("refs/") || !folder.is_dir() {
            return Side::of_commit(against, root, targets);
        }
        let in_repository = root.ancestors().any(|folder| folder.join(".git").symlink_metadata().is_ok());
        if in_repository && !is_path(against) {
            let commit = Git::around(root).commit(against).map_err(|why| {
                format!("`{against}` is a folder, and git does not tell whether it is a commit, too ({why}): `./{against}` is the folder")
            })?;
            if commit.is_some() {
                return Err(format!(
                    "`{against}` is both a folder and a commit: write `./{against}` for the folder, or `{against}^0` or `refs/…` for the commit"
                ));
            }
        }
        if folder.join(SUMS).is_file() {
            Side::of_release(against, &folder)
        } else if folder.join(PROJECT).is_file() {
            Side::of_folder(against, &folder, targets)
        } else if folder.join(build::MANIFEST).is_file() {
            Side::of_build(against, &folder)
        } else {
            let wanted = format!("{SUMS}, {} or {}", PROJECT, build::MANIFEST);
            Err(format!("`{against}` is not a release, a project or a build: it has no {wanted}"))
        }
    }

    fn of_folder(name: &str, folder: &Path, targets: Option<&[String]>) -> Result<Side, String> {
        let loaded = project::load(&[], folder);
        if loaded.has_errors() {
            let errors = loaded.diagnostics.iter().filter(|d| d.is_error());
            let shown: Vec<String> =
                errors.take(3).map(|d: &Diagnostic| to_text(d, &loaded.sources, Style::Plain)).collect();
            return Err(format!("the sources of `{name}` do not compile\n{}", shown.join("\n").trim_end()));
        }
        let known = match targets {
            // A project may have brought its own targets since.
            Some(asked) => asked.iter().filter(|t| loaded.targets.all.contains_key(*t)).cloned().collect(),
            None => loaded.own_targets(),
        };
        Ok(Side::of_project(name, &loaded, &build::build(&loaded, &known)))
    }

    fn of_commit(name: &str, root: &Path, targets: Option<&[String]>) -> Result<Side, String> {
        if name.starts_with('-') {
            return Err(format!("`{name}` is not the name of a commit"));
        }
        let git = Git::around(root);
        let top = git
            .line(&["rev-parse", "--show-toplevel"])
            .map_err(|why| format!("`{name}` is not a folder, and the project is not in a git repository ({why})"))?;
        let commit = git
            .commit(name)?
            .ok_or_else(|| format!("`{name}` is neither a folder nor a commit of the repository {top}"))?;
        let below = git.line(&["rev-parse", "--show-prefix"])?;
        let place = tempfile::tempdir().map_err(|e| e.to_string())?;
        git.unpack(&commit, &below, Path::new(&top), place.path()).map_err(|why| format!("`{name}`: {why}"))?;
        let folder = place.path().join(&below);
        let project = folder.join(PROJECT);
        if project.symlink_metadata().is_err() {
            return Ok(Side { name: name.to_owned(), ..Side::default() });
        }
        if !project.is_file() {
            return Err(format!(
                "{PROJECT} of `{name}` is not a plain file, or is a link to a place outside of the project"
            ));
        }
        Side::of_folder(name, &folder, targets)
    }

    fn of_build(name: &str, folder: &Path) -> Result<Side, String> {
        let manifest = build::Manifest::read(folder).map_err(|why| why.to_string())?;
        if !manifest.unfinished.is_empty() {
            return Err(format!("the build in `{name}` was interrupted: run `arcanary build` again"));
        }
        let mut side =
            Side { name: name.to_owned(), targets: manifest.targets.keys().cloned().collect(), ..Side::default() };
        for (target, entries) in &manifest.targets {
            for (rule, entry) in entries {
                let own = side.rules.entry(entry.id.clone()).or_default();
                (own.name, own.title) = (rule.clone(), rule.clone());
                own.status.insert(target.clone(), entry.status.clone());
            }
        }
        let owners = owners(&manifest.targets);
        let listed = manifest.targets.values().flat_map(BTreeMap::values).flat_map(Entry::paths);
        let over_rules = manifest.documents.values().flatten().map(String::as_str);
        for path in listed.chain(over_rules).filter(|path| crate::file_names::is_plain(path)) {
            let bytes = files::read(folder, path).map_err(|why| why.to_string())?;
            let bytes = bytes.ok_or_else(|| format!("`{name}` lists `{path}`, which is missing"))?;
            side.put(owners.get(path).copied(), path, String::from_utf8_lossy(&bytes).into_owned());
        }
        Ok(side)
    }

    fn of_release(name: &str, folder: &Path) -> Result<Side, String> {
        let release =
            verify(folder).map_err(|wrong| format!("`{name}` is not a valid release: {}", wrong.join("; ")))?;
        let targets = release.manifest.targets.keys().cloned().collect();
        let items = release.sources().map(Items::of_files);
        let mut side = Side { name: name.to_owned(), targets, items, ..Side::default() };
        let mut claimed: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (id, rule) in &release.manifest.rules {
            let own = SideRule {
                name: rule.rule.clone(),
                title: rule.title.clone(),
                version: Some(rule.version.to_string()),
                logic: Some(rule.logic.clone()),
                text: Some(rule.text.clone()),
                says: None,
                documents: BTreeMap::new(),
                status: rule.targets.iter().map(|(t, on)| (t.clone(), on.status.clone())).collect(),
            };
            side.rules.insert(id.clone(), own);
            let paths = rule.targets.values().flat_map(|on| &on.documents);
            paths.for_each(|path| claimed.entry(path.as_str()).or_default().push(id.as_str()));
        }
        for (path, bytes) in release.documents() {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            match claimed.get(path.as_str()).map(Vec::as_slice) {
                Some([owner]) => side.put(Some(owner), &path, text),
                // What nobody claims is a licence.
                None if !release.manifest.documents.contains_key(&path) => {}
                _ => side.put(None, &path, text),
            }
        }
        Ok(side)
    }
}

/// Whether a text names a folder whatever git knows: no name of a commit begins with a dot or a slash, or ends with one.
fn is_path(text: &str) -> bool {
    text.starts_with('.') || text.ends_with(['/', '\\']) || Path::new(text).has_root() || Path::new(text).is_absolute()
}
