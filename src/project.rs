//! A project on disk: `arcanary.yaml`, the `.det` files it names, and its own targets.

pub mod bounds;
pub(crate) mod identity;
pub mod lock;
pub mod packs;
mod params;
mod place;
pub mod receipt;
mod walk;

use crate::attack::Table;
use crate::credentials;
use crate::diagnostic::{Code, Diagnostic, nearest, sort};
use crate::escape::is_unclean;
use crate::file_names::PROJECT;
use crate::input;
use crate::parallel::in_parallel;
use crate::sema::{self, Meta, Rule, STATUSES};
use crate::source::{FileId, Sources, Span};
use crate::syntax::{self, Parsed};
use crate::target::{Format, Targets};
use crate::yaml::{self, Node};
use indexmap::IndexMap;
use lock::Lock;
use packs::Upstream;
pub(crate) use place::{Role, SKIPPED};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use std::collections::{BTreeSet, HashMap};
use std::io;
use std::path::{Component, Path, PathBuf};
use walk::{Strangers, collect};

/// `arcanary.yaml`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The pack's name.
    pub name: String,
    /// The pack's version.
    pub version: String,
    /// Files and folders with `.det` files, from the project's folder.
    pub sources: Vec<String>,
    /// Targets that `build` builds.
    pub targets: Vec<String>,
    /// Folders with fetched packs, as `fetch-pack --sources` wrote them.
    pub packs: Vec<String>,
    /// A folder with the project's own target files.
    pub target_files: Option<String>,
    /// A file with the table of a release of ATT&CK.
    pub attack: Option<String>,
    /// Where `build` writes.
    pub out: Option<String>,
    /// Values of parameters: `15m`, `20MB`, numbers, text.
    pub params: IndexMap<String, serde_yaml::Value>,
    /// Default metadata of rules.
    pub defaults: Defaults,
    /// Rules that are left out for a target, and why.
    pub skip: Vec<Skip>,
    /// Document formats that `build` makes. Empty: all formats of the targets.
    pub documents: Vec<String>,
}

impl Config {
    /// The document formats.
    #[must_use]
    pub fn formats(&self) -> Vec<Format> {
        self.documents.iter().filter_map(|word| Format::from_word(word)).collect()
    }
}

/// Default metadata: rules that set a value themselves keep it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Defaults {
    /// Author.
    pub author: Option<String>,
    /// SPDX identifier.
    pub license: Option<String>,
    /// Status.
    pub status: Option<String>,
    /// First published.
    pub date: Option<String>,
}

/// Rules that are left out for some targets.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Skip {
    /// The rules.
    pub rules: Vec<String>,
    /// The targets.
    pub targets: Vec<String>,
    /// Why.
    #[serde(deserialize_with = "reason")]
    pub because: String,
}

/// Reads a text that is not blank.
fn reason<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let text = String::deserialize(from)?;
    if text.trim().is_empty() { Err(D::Error::custom("`because` needs a reason")) } else { Ok(text) }
}

/// A project as loaded, with all findings about its files.
#[derive(Debug, Default)]
pub struct Loaded {
    /// All files.
    pub sources: Sources,
    /// The `.det` files among them, in order.
    pub files: Vec<(FileId, PathBuf)>,
    /// The project file.
    pub config: Config,
    /// Its folder.
    pub root: Option<PathBuf>,
    /// The project file in `sources`.
    pub config_file: Option<FileId>,
    /// The position of every value in it.
    pub config_places: Node,
    /// What `pack.lock` beside it says.
    pub lock: Option<Lock>,
    /// Its packs, each after the packs that it depends on.
    pub packs: Vec<Upstream>,
    /// For each file of a pack, the pack's index in `packs`.
    pub pack_files: HashMap<FileId, usize>,
    /// The resolved project.
    pub project: sema::Project,
    /// Built-in targets and the project's own.
    pub targets: Targets,
    /// Findings, sorted.
    pub diagnostics: Vec<Diagnostic>,
    /// The rules in the paths of the command line. `None`: all rules.
    pub selected: Option<BTreeSet<String>>,
}

impl Loaded {
    /// Whether anything stops a build.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
    }

    /// Returns the targets of the project file, else all targets.
    #[must_use]
    pub fn own_targets(&self) -> Vec<String> {
        match self.config.targets.as_slice() {
            [] => self.targets.all.keys().cloned().collect(),
            own => own.to_vec(),
        }
    }

    /// The selected rules, ordered by name.
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.project.rules.values().filter(|r| self.selected.as_ref().is_none_or(|s| s.contains(&r.name)))
    }
}

/// Loads the project of `paths`. No path means the project in `here` or above it. A path inside a project selects the rules
/// there. Files and folders outside of any project are loaded without a project file.
#[must_use]
pub fn load(paths: &[PathBuf], here: &Path) -> Loaded {
    let mut loaded = Loaded { targets: Targets::built_in(), ..Loaded::default() };
    let mut chosen: Vec<PathBuf> = vec![];
    if paths.is_empty() {
        loaded.root = find_root(here);
        if loaded.root.is_none() {
            loaded.diagnostics.push(no_project());
            return loaded;
        }
    } else {
        choose(paths, here, &mut loaded, &mut chosen);
    }
    if let Some(root) = loaded.root.clone() {
        read_config(&root, here, &mut loaded);
        packs::read(&root, here, &mut loaded);
    }
    let project_files = project_files(&mut loaded);
    let mut all: Vec<PathBuf> = packs::source_files(&mut loaded);
    all.extend(project_files.iter().cloned());
    // A project's folder stands for its `sources`, not for every file below it.
    let root = loaded.root.as_deref().map(normal);
    let beside: Vec<PathBuf> = chosen.iter().filter(|c| Some(normal(c)) != root).cloned().collect();
    collect(&beside, Strangers::Named, &mut all, &mut loaded);
    let mut seen = BTreeSet::new();
    all.retain(|p| seen.insert(normal(p)));
    if all.is_empty() && loaded.diagnostics.is_empty() {
        loaded.diagnostics.push(Diagnostic::new(Code::Unreadable, "there are no `.det` files here"));
    }
    let parsed = read_files(&all, here, &mut loaded);
    loaded.pack_files = packs::files(&loaded);
    resolve(parsed, &mut loaded);
    select(&chosen, &project_files, &mut loaded);
    sort(&mut loaded.diagnostics);
    loaded
}

/// Loads the targets of the project in `here` or above it, or the built-in ones.
#[must_use]
pub fn load_targets(here: &Path) -> Loaded {
    let mut loaded = Loaded { targets: Targets::built_in(), root: find_root(here), ..Loaded::default() };
    if let Some(root) = loaded.root.clone() {
        read_config(&root, here, &mut loaded);
    }
    loaded
}

/// Returns the `.det` files to format, with findings. Files of a fetched pack or of another project are left out, unless
/// `paths` names that folder. A folder that contains the project in `here` is an error: it holds other files too.
#[must_use]
pub fn det_files(paths: &[PathBuf], here: &Path) -> (Vec<PathBuf>, Loaded) {
    let mut files = vec![];
    let mut loaded = Loaded::default();
    let project = find_root(here);
    let mut there = vec![];
    for path in paths {
        let Some(full) = existing(path, here, &mut loaded) else { continue };
        let named = normal(&full);
        if project.as_deref().map(normal).is_some_and(|root| root != named && root.starts_with(&named)) {
            let finding = unreadable(path, "it contains this project's folder, and so other files too");
            loaded
                .diagnostics
                .push(finding.help("name files or folders of the project, or no path for the whole project"));
        } else {
            there.push(full);
        }
    }
    collect(&there, Strangers::Passed, &mut files, &mut loaded);
    if paths.is_empty() {
        loaded.root = project;
        match loaded.root.clone() {
            Some(root) => {
                read_config(&root, here, &mut loaded);
                files = project_files(&mut loaded);
                leave_others(&mut files, &root, here, &mut loaded);
            }
            None => loaded.diagnostics.push(no_project()),
        }
    }
    (files, loaded)
}

/// Takes those out of a project's files that lie in another one's folder: its sources, or a link, may lead there.
fn leave_others(files: &mut Vec<PathBuf>, root: &Path, here: &Path, loaded: &mut Loaded) {
    let real = |path: &Path| std::fs::canonicalize(path).ok();
    let own = real(root);
    let others = files.extract_if(.., |file| real(file).and_then(|real| find_root(real.parent()?)) != own);
    let mut others: Vec<String> = others.map(|file| shown(&file, here)).collect();
    others.sort();
    if let Some(first) = others.first() {
        let message = match others.len() {
            1 => format!("`{first}` is outside of this project's folder, so it was left unchanged"),
            n => format!(
                "`{first}` and {} more are outside of this project's folder, so they were left unchanged",
                n - 1
            ),
        };
        let finding = Diagnostic::new(Code::Unreadable, message);
        loaded.diagnostics.push(finding.help("name them on the command line, or run the command in their project"));
    }
}

fn no_project() -> Diagnostic {
    Diagnostic::new(Code::BadProject, format!("there is no {PROJECT} in this folder or above it"))
        .help("name files or folders, or create a project with `arcanary new DIR`")
}

/// The nearest folder with a project file, from `here` upwards.
fn find_root(here: &Path) -> Option<PathBuf> {
    let here = std::path::absolute(here).ok()?;
    here.ancestors().find(|a| a.join(PROJECT).is_file()).map(Path::to_path_buf)
}

fn choose(paths: &[PathBuf], here: &Path, loaded: &mut Loaded, chosen: &mut Vec<PathBuf>) {
    for path in paths {
        let Some(full) = existing(path, here, loaded) else { continue };
        let start = if full.is_dir() { full.as_path() } else { full.parent().unwrap_or(here) };
        if let Some(root) = find_root(start) {
            match &loaded.root {
                Some(other) if *other != root => loaded.diagnostics.push(
                    Diagnostic::new(Code::BadProject, "these paths belong to two projects")
                        .note(format!("{} and {}", other.display(), root.display()))
                        .help("run the command once for each project"),
                ),
                _ => loaded.root = Some(root),
            }
        }
        chosen.push(full);
    }
}

/// Resolves a path of the command line, or reports why it cannot be used. An empty path is an error: it comes from an unset
/// variable.
fn existing(path: &Path, here: &Path, loaded: &mut Loaded) -> Option<PathBuf> {
    let full = here.join(path);
    if path.as_os_str().is_empty() {
        let finding = unreadable(path, "an empty path").help("name a file or folder; `.` is the folder you are in");
        loaded.diagnostics.push(finding);
    } else if std::fs::canonicalize(&full).is_ok_and(|real| real.parent().is_none()) {
        let finding = unreadable(path, "it is the root of a file system").help("name the folder with your rules");
        loaded.diagnostics.push(finding);
    } else if full.exists() {
        return Some(full);
    } else {
        loaded.diagnostics.push(unreadable(path, "no such file or folder"));
    }
    None
}

fn unreadable(path: &Path, why: &str) -> Diagnostic {
    let name = credentials::shown(&path.display().to_string());
    Diagnostic::new(Code::Unreadable, format!("`{name}` cannot be read: {why}"))
}

fn read_config(root: &Path, here: &Path, loaded: &mut Loaded) {
    let path = root.join(PROJECT);
    let bytes = match bounds::read(root, &path) {
        Ok(bytes) => bytes,
        Err(error) => return loaded.diagnostics.push(unreadable(&path, &error.to_string())),
    };
    let id = match add_yaml(&mut loaded.sources, shown(&path, here), &bytes, Code::BadProject) {
        Ok(id) => id,
        Err(diagnostic) => return loaded.diagnostics.push(*diagnostic),
    };
    loaded.config_file = Some(id);
    match parse_config(id, &loaded.sources) {
        Ok((config, places)) => (loaded.config, loaded.config_places) = (config, places),
        Err(diagnostic) => loaded.diagnostics.push(*diagnostic),
    }
    read_targets(root, here, loaded);
    read_attack(root, here, loaded);
    match lock::read(root, &shown(&root.join(lock::FILE_NAME), here), &mut loaded.sources) {
        Ok(lock) => loaded.lock = lock.map(|(_, lock)| lock),
        Err(diagnostic) => loaded.diagnostics.push(*diagnostic),
    }
}

/// Adds a YAML file, which becomes part of releases. Credentials and invisible characters in it are errors, escaped ones
/// too.
fn add_yaml(sources: &mut Sources, name: String, bytes: &[u8], code: Code) -> Result<FileId, Box<Diagnostic>> {
    let text = String::from_utf8_lossy(bytes);
    if let Some(place) = credentials::find(&text, 0) {
        // The finding must not show them either.
        let id = sources.add(name.as_str(), credentials::strip(&text));
        let place = Span::new(id, place.start, place.start);
        let finding =
            Diagnostic::new(code, format!("`{name}` contains credentials in a URL")).at(place, "they were here");
        let finding = finding.note("the file becomes part of releases and of the git repository");
        return Err(Box::new(finding.help("remove them, and revoke them: treat them as leaked")));
    }
    let id = sources.add_bytes(name.as_str(), bytes)?;
    // Raw invisible characters were rejected above, so only an escape can still hold one.
    let value =
        text.contains('\\').then(|| yaml::read::<serde_yaml::Value>(&text).ok()).flatten().map(|(value, _)| value);
    match value.as_ref().and_then(unclean) {
        None => Ok(id),
        Some(c) => {
            let number = format!("U+{:04X}", u32::from(c));
            let message = format!("an escape in `{name}` stands for {number}, an invisible character");
            Err(Box::new(Diagnostic::new(code, message).at(Span::new(id, 0, 0), format!("remove {number}"))))
        }
    }
}

/// Returns the first invisible character of a value.
fn unclean(value: &serde_yaml::Value) -> Option<char> {
    match value {
        serde_yaml::Value::String(text) => text.chars().find(|c| is_unclean(*c)),
        serde_yaml::Value::Sequence(all) => all.iter().find_map(unclean),
        serde_yaml::Value::Mapping(all) => all.iter().find_map(|(key, value)| unclean(key).or_else(|| unclean(value))),
        serde_yaml::Value::Tagged(tagged) => unclean(&tagged.value),
        _ => None,
    }
}

fn parse_config(id: FileId, sources: &Sources) -> Result<(Config, Node), Box<Diagnostic>> {
    let text = sources.get(id).map_or("", |f| f.text.as_str());
    let (config, places): (Option<Config>, Node) = yaml::read(text).map_err(|fault| {
        let span = Span::new(id, fault.range.start, fault.range.end);
        Diagnostic::new(Code::BadProject, format!("{PROJECT} cannot be read")).at(span, fault.message)
    })?;
    Ok((config.unwrap_or_default(), places))
}

/// Returns the project's own target files, in order. The default folder may be missing.
///
/// # Errors
/// The folder leads out of the project's folder, or cannot be read.
pub(crate) fn target_files(root: &Path, config: &Config) -> io::Result<Vec<PathBuf>> {
    let folder = root.join(config.target_files.as_deref().unwrap_or("targets"));
    let entries = match bounds::stays(root, &folder).and_then(|()| std::fs::read_dir(&folder)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && config.target_files.is_none() => return Ok(vec![]),
        read => read.and_then(Iterator::collect::<io::Result<Vec<_>>>)?,
    };
    let mut files: Vec<PathBuf> = entries.iter().map(std::fs::DirEntry::path).collect();
    files.retain(|p| p.extension().is_some_and(|e| e == "yaml" || e == "yml"));
    files.sort();
    Ok(files)
}

fn read_targets(root: &Path, here: &Path, loaded: &mut Loaded) {
    let files = match target_files(root, &loaded.config) {
        Ok(files) => files,
        Err(error) => {
            let folder = loaded.config.target_files.as_deref().unwrap_or("targets");
            return loaded.diagnostics.push(unreadable(&root.join(folder), &error.to_string()));
        }
    };
    for path in files {
        let name = shown(&path, here);
        match bounds::read(root, &path) {
            Err(error) => loaded.diagnostics.push(unreadable(&path, &error.to_string())),
            Ok(bytes) => match add_yaml(&mut loaded.sources, name, &bytes, Code::BadTarget) {
                Err(diagnostic) => loaded.diagnostics.push(*diagnostic),
                Ok(id) => {
                    let found = loaded.targets.add(id, &loaded.sources);
                    loaded.diagnostics.extend(found);
                }
            },
        }
    }
}

/// Reads the project's own table of ATT&CK.
fn read_attack(root: &Path, here: &Path, loaded: &mut Loaded) {
    let Some(name) = loaded.config.attack.clone() else { return };
    let path = root.join(&name);
    let bytes = match bounds::read(root, &path) {
        Ok(bytes) => bytes,
        Err(error) => {
            let finding = unreadable(&path, &error.to_string());
            let finding = config_place(loaded, Role::Value("attack"), &name, finding, "named under `attack`");
            return loaded.diagnostics.push(finding);
        }
    };
    let id = match loaded.sources.add_bytes(shown(&path, here), &bytes) {
        Ok(id) => id,
        Err(diagnostic) => return loaded.diagnostics.push(*diagnostic),
    };
    match Table::parse(loaded.sources.get(id).map_or("", |file| &file.text)) {
        Ok(table) => loaded.project.attack = table.into(),
        Err(fault) => {
            let finding = Diagnostic::new(Code::BadAttackTable, format!("`{name}` is not a table of ATT&CK"));
            loaded.diagnostics.push(finding.at(Span::new(id, fault.range.start, fault.range.end), fault.message));
        }
    }
}

fn project_files(loaded: &mut Loaded) -> Vec<PathBuf> {
    let Some(root) = loaded.root.clone() else { return vec![] };
    let (mut files, mut there) = (vec![], vec![]);
    for source in own_sources(&loaded.config) {
        let path = root.join(&source);
        let finding = if !path.exists() {
            Diagnostic::new(Code::BadProject, format!("`{source}` does not exist"))
        } else if is_around(&path, &root) {
            Diagnostic::new(Code::BadProject, format!("`{source}` contains the project's folder"))
                .help("list folders inside the project, or a folder beside it")
        } else if let Some(why) = bounds::refused(&root, &source) {
            Diagnostic::new(Code::BadProject, format!("`{source}` {why}"))
                .help("list `.det` files and folders, by paths relative to this file")
        } else {
            there.push(path);
            continue;
        };
        let finding = config_place(loaded, Role::Value("sources"), &source, finding, "named under `sources`");
        loaded.diagnostics.push(finding);
    }
    collect(&there, Strangers::Named, &mut files, loaded);
    // Files in a pack's folder belong to the pack, even if the folder is among the project's sources.
    let packs: BTreeSet<PathBuf> = loaded.config.packs.iter().map(|p| normal(&root.join(p))).collect();
    files.retain(|file| packs.is_empty() || !normal(file).ancestors().any(|folder| packs.contains(folder)));
    files
}

/// Whether a folder contains the project's folder, or is the root of a file system.
fn is_around(folder: &Path, root: &Path) -> bool {
    let real = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| normal(path));
    let (folder, root) = (real(folder), real(root));
    folder != root && (folder.parent().is_none() || root.starts_with(folder))
}

fn own_sources(config: &Config) -> Vec<String> {
    if config.sources.is_empty() { vec![".".to_owned()] } else { config.sources.clone() }
}

fn read_files(all: &[PathBuf], here: &Path, loaded: &mut Loaded) -> Vec<Parsed> {
    let mut ids = vec![];
    for path in all {
        let bytes = match input::read(path) {
            Ok(bytes) => bytes,
            Err(error) => {
                loaded.diagnostics.push(unreadable(path, &error.to_string()));
                continue;
            }
        };
        match loaded.sources.add_bytes(shown(path, here), &bytes) {
            Ok(id) => {
                loaded.files.push((id, path.clone()));
                ids.push(id);
            }
            Err(diagnostic) => loaded.diagnostics.push(*diagnostic),
        }
    }
    let text = |id| loaded.sources.get(id).map_or("", |f| f.text.as_str());
    in_parallel(&ids, |id| syntax::parse(*id, text(*id)))
}

fn resolve(parsed: Vec<Parsed>, loaded: &mut Loaded) {
    let (params, found) = packs::params(loaded);
    loaded.diagnostics.extend(found);
    let reach = packs::reach(loaded);
    let (mut project, diagnostics) =
        sema::resolve_after(parsed, &params, &packs::gone(loaded), &reach, loaded.project.attack.clone());
    loaded.diagnostics.extend(diagnostics);
    for rule in project.rules.values_mut() {
        let pack = loaded.pack_of(rule.span.file);
        apply_defaults(&mut rule.meta, pack.map_or(&loaded.config.defaults, |p| &p.config.defaults));
        let locks = loaded.lock.iter().chain(pack.and_then(|p| p.lock.as_ref()));
        if let Some((lock, locked)) = locks.filter_map(|lock| Some((lock, lock.rule(&rule.meta.id)?))).next() {
            rule.version = locked.version.to_string();
            rule.revision = lock.releases_of(&rule.meta.id).max(1);
        }
    }
    loaded.project = project;
    loaded.diagnostics.extend(packs::skips_beyond(loaded, &reach));
    check_names(loaded);
}

fn apply_defaults(meta: &mut Meta, defaults: &Defaults) {
    let fill = |own: &mut Option<String>, default: &Option<String>| {
        if own.is_none() {
            own.clone_from(default);
        }
    };
    fill(&mut meta.author, &defaults.author);
    fill(&mut meta.license, &defaults.license);
    fill(&mut meta.status, &defaults.status);
    fill(&mut meta.date, &defaults.date);
}

/// Checks the names in the project file: its own, and those of targets, formats and rules.
fn check_names(loaded: &mut Loaded) {
    let mut found = twice(loaded);
    // A project that is never released needs neither name nor version.
    if !loaded.config.name.is_empty() {
        found.extend(identity::check_name(loaded).err());
    }
    if !loaded.config.version.is_empty() {
        found.extend(identity::check_version(loaded).err());
    }
    found.extend(defaults(loaded));
    let own = loaded.config.targets.iter().map(|name| (Role::Value("targets"), name));
    let skipped = loaded.config.skip.iter().flat_map(|s| &s.targets).map(|name| (Role::Inner("skip", "targets"), name));
    for (role, name) in own.chain(skipped) {
        if !loaded.targets.all.contains_key(name) {
            let diagnostic = unknown_target(name, &loaded.targets);
            found.push(config_place(loaded, role, name, diagnostic, "named here"));
        }
    }
    for word in loaded.config.documents.iter().filter(|word| Format::from_word(word).is_none()) {
        let known: Vec<&str> = Format::ALL.iter().map(|f| f.word()).collect();
        let diagnostic = Diagnostic::new(Code::BadProject, format!("there is no document format `{word}`"))
            .note(format!("formats are {}", known.join(", ")));
        let near = nearest(word, known.iter().copied()).map(|near| format!("did you mean `{near}`?"));
        let diagnostic = near.into_iter().fold(diagnostic, Diagnostic::help);
        found.push(config_place(loaded, Role::Value("documents"), word, diagnostic, "named under `documents`"));
    }
    for rule in loaded.config.skip.iter().flat_map(|skip| &skip.rules) {
        if !loaded.project.rules.contains_key(rule) && !loaded.has_errors() {
            let message = format!("the project skips `{rule}`, but there is no such rule");
            let diagnostic = Diagnostic::new(Code::StaleSkip, message);
            found.push(config_place(loaded, SKIPPED, rule, diagnostic, "named under `skip`"));
        }
    }
    loaded.diagnostics.extend(found);
}

/// Defaults that no rule could give itself.
fn defaults(loaded: &Loaded) -> Vec<Diagnostic> {
    let Defaults { author, license, status, date } = &loaded.config.defaults;
    let one_line = |text: &str| !text.trim().is_empty() && !text.contains(['\n', '\t']);
    let is_date = |text: &str| text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok_and(|date| date.year() > 0);
    let wrong = [
        ("author", author, "text of one line", author.as_deref().is_some_and(one_line)),
        ("license", license, "text of one line", license.as_deref().is_some_and(one_line)),
        (
            "status",
            status,
            "one of experimental, test, stable, deprecated",
            status.as_deref().is_some_and(|s| STATUSES.contains(&s)),
        ),
        ("date", date, "a day such as 2026-11-20", date.as_deref().is_some_and(is_date)),
    ];
    let wrong = wrong.into_iter().filter(|(.., fits)| !fits);
    let finding = |(key, value, wanted, _): (&'static str, &Option<String>, &str, bool)| {
        let value = value.as_ref()?;
        let diagnostic = Diagnostic::new(Code::BadProject, format!("`{key}` under `defaults` takes {wanted}"));
        Some(config_place(loaded, Role::Inner("defaults", key), value, diagnostic, "this is something else"))
    };
    wrong.filter_map(finding).collect()
}

/// Findings for targets and formats that the project file lists twice.
fn twice(loaded: &Loaded) -> Vec<Diagnostic> {
    let file = loaded.config_file.unwrap_or_default();
    let lists = ["targets", "documents"].into_iter().filter_map(|key| Some((key, &loaded.config_places.entry(key)?.1)));
    let mut found = vec![];
    for (key, list) in lists {
        let mut seen = BTreeSet::new();
        for (name, node) in list.elements().iter().filter_map(|node| Some((node.text()?, node))) {
            if !seen.insert(name) {
                let message = format!("`{name}` is listed twice under `{key}`");
                let span = Span::new(file, node.range.start, node.range.end);
                found.push(Diagnostic::new(Code::BadProject, message).at(span, "the second one").help("remove it"));
            }
        }
    }
    found
}

/// The finding for an unknown target.
#[must_use]
pub fn unknown_target(name: &str, targets: &Targets) -> Diagnostic {
    let known: Vec<&str> = targets.all.keys().map(String::as_str).collect();
    let diagnostic = Diagnostic::new(Code::UnknownTarget, format!("there is no target `{name}`"))
        .note(format!("targets are {}", known.join(", ")));
    match nearest(name, known.iter().copied()) {
        Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
        None => diagnostic,
    }
}

/// Adds the place of `text` in the project file to a finding.
pub(crate) fn config_place(loaded: &Loaded, role: Role, text: &str, diagnostic: Diagnostic, label: &str) -> Diagnostic {
    match loaded.config_file.zip(place::find(&loaded.config_places, role, text)) {
        Some((file, range)) => diagnostic.at(Span::new(file, range.start, range.end), label),
        None => diagnostic,
    }
}

/// Selects the rules that are defined or tuned in the paths of the command line, if the paths are a part of the project.
fn select(chosen: &[PathBuf], project_files: &[PathBuf], loaded: &mut Loaded) {
    let whole = chosen.iter().any(|c| loaded.root.as_ref().is_some_and(|r| normal(c) == normal(r)));
    if chosen.is_empty() || loaded.root.is_none() || whole {
        return;
    }
    let chosen: Vec<PathBuf> = chosen.iter().map(|c| normal(c)).collect();
    let meant = |path: &Path| chosen.iter().any(|c| normal(path).starts_with(c));
    if loaded.packs.is_empty() && project_files.iter().all(|p| meant(p)) {
        return;
    }
    let files: Vec<FileId> = loaded.files.iter().filter(|(_, p)| meant(p)).map(|(id, _)| *id).collect();
    let rules = loaded.project.rules.values().filter(|rule| rule.files().any(|file| files.contains(&file)));
    loaded.selected = Some(rules.map(|rule| rule.name.clone()).collect());
}

/// An absolute path without `.` and `..`.
pub(crate) fn normal(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                out.pop();
            }
            Component::CurDir => {}
            other => out.push(other),
        }
    }
    out
}

/// A path for messages: relative to `here` if it lies below, with `/` as separator.
fn shown(path: &Path, here: &Path) -> String {
    let (full, base) = (normal(path), normal(here));
    let short = full.strip_prefix(&base).map_or_else(|_| path.to_path_buf(), Path::to_path_buf);
    short.components().map(|c| c.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/").replace("//", "/")
}
