//! The packs of a project: fetched folders, compared with their receipts. Their sources, params, defaults and skips belong
//! to the project. The project's own settings override them.

use super::lock::{self, Lock};
use super::receipt::{RECEIPT, Receipt, as_fetched};
use super::walk::{Strangers, collect};
use super::{
    Config, Loaded, Role, SKIPPED, Skip, add_yaml, config_place, find_root, normal, own_sources, params as literals,
    parse_config, place,
};
use crate::diagnostic::{Code, Diagnostic};
use crate::file_names::{PROJECT, is_plain};
use crate::files;
use crate::sema::{Gone, Reach};
use crate::source::{FileId, Span};
use crate::syntax::ast::Literal;
use crate::yaml::Node;
use indexmap::IndexMap;
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

/// A fetched pack.
#[derive(Clone, Debug)]
pub struct Upstream {
    /// Its folder, absolute.
    pub folder: PathBuf,
    /// The receipt: what was fetched.
    pub receipt: Receipt,
    /// Its `arcanary.yaml`.
    pub config: Config,
    /// Its `pack.lock`.
    pub lock: Option<Lock>,
    /// The params that it sets, with findings about invalid ones.
    params: (IndexMap<String, Literal>, Vec<Diagnostic>),
    /// Its `arcanary.yaml` in the project's sources, and where everything in it stands.
    config_file: FileId,
    config_places: Node,
}

impl Upstream {
    /// Whether a file is one of those that were fetched.
    #[must_use]
    pub fn brought(&self, file: &Path) -> bool {
        let file = normal(file);
        let below = file.strip_prefix(&self.folder).ok().and_then(Path::to_str).map(|path| path.replace('\\', "/"));
        below.is_some_and(|path| self.receipt.files.contains_key(&path))
    }
}

impl Loaded {
    /// Returns why a rule is skipped for a target, with the entry's index if it is in the project's own file.
    #[must_use]
    pub fn skip_of(&self, rule: &str, target: &str) -> Option<(&Skip, Option<usize>)> {
        let fits = |skip: &Skip| skip.rules.iter().any(|r| r == rule) && skip.targets.iter().any(|t| t == target);
        let own = self.config.skip.iter().enumerate().find(|(_, s)| fits(s)).map(|(i, s)| (s, Some(i)));
        own.or_else(|| self.packs.iter().flat_map(|p| &p.config.skip).find(|s| fits(s)).map(|s| (s, None)))
    }

    /// Returns the pack of a file, or `None` for the project's own files.
    #[must_use]
    pub fn pack_of(&self, file: FileId) -> Option<&Upstream> {
        self.packs.get(*self.pack_files.get(&file)?)
    }

    /// Returns the folder to which the paths in a file are relative: the folder of its pack, else of the nearest project, else
    /// the current folder.
    #[must_use]
    pub fn root_of(&self, file: FileId) -> PathBuf {
        if let Some(pack) = self.pack_of(file) {
            return pack.folder.clone();
        }
        let path = self.files.iter().find(|(id, _)| *id == file).map(|(_, path)| path);
        path.and_then(|p| find_root(p.parent()?)).or_else(|| self.root.clone()).unwrap_or_default()
    }
}

/// Reads the packs of the project in `root`, and the packs of these.
pub(super) fn read(root: &Path, here: &Path, loaded: &mut Loaded) {
    let names = loaded.config.packs.clone();
    let mut seen = BTreeSet::from([normal(root)]);
    for name in names {
        if let Err(diagnostic) = one(&root.join(&name), &name, (&mut seen, here), loaded) {
            let diagnostic = config_place(loaded, Role::Value("packs"), &name, *diagnostic, "named under `packs`");
            loaded.diagnostics.push(diagnostic);
        }
    }
}

fn one(
    folder: &Path,
    name: &str,
    (seen, here): (&mut BTreeSet<PathBuf>, &Path),
    loaded: &mut Loaded,
) -> Result<(), Box<Diagnostic>> {
    let folder = normal(folder);
    if !is_plain(&format!("{name}/{PROJECT}")) {
        return Err(Box::new(bad(format!("`{name}` is not a folder below the project's folder, where packs belong"))));
    }
    if !seen.insert(folder.clone()) {
        return Err(Box::new(bad(format!("pack `{name}` is named twice"))));
    }
    let receipt = as_fetched(&folder).map_err(|why| {
        let message = format!("`{name}` is not an unchanged fetched pack: {why}");
        Box::new(bad(message).help(format!("fetch it with `arcanary fetch-pack --repo … --sources --out {name}`")))
    })?;
    let shown = |file: &str| super::shown(&folder.join(file), here);
    let bytes = files::read_there(&folder, PROJECT)
        .map_err(|why| Box::new(bad(format!("`{}` cannot be read: {why}", shown(PROJECT)))))?;
    let config_file = add_yaml(&mut loaded.sources, shown(PROJECT), &bytes, Code::BadProject)?;
    let (config, config_places) = parse_config(config_file, &loaded.sources)?;
    let params = literals::read(config_file, &config_places);
    let lock = lock::read(&folder, &shown(lock::FILE_NAME), &mut loaded.sources)?.map(|(_, lock)| lock);
    for inner in &config.packs {
        if is_plain(inner) && !receipt.files.contains_key(&format!("{inner}/{RECEIPT}")) {
            return Err(Box::new(bad(format!("`{name}` names the pack `{inner}`, and did not bring it along"))));
        }
        one(&folder.join(inner), &format!("{name}/{inner}"), (seen, here), loaded)?;
    }
    loaded.packs.push(Upstream { folder, receipt, config, lock, params, config_file, config_places });
    Ok(())
}

fn bad(message: String) -> Diagnostic {
    Diagnostic::new(Code::EditedPack, message)
}

/// The `.det` files of all packs.
pub(super) fn source_files(loaded: &mut Loaded) -> Vec<PathBuf> {
    let mut files = vec![];
    for pack in loaded.packs.clone() {
        let Upstream { folder, config, .. } = &pack;
        // A source outside of the pack's folder is not the pack's, so do not read it.
        let sources = own_sources(config).into_iter().map(|source| folder.join(source));
        let sources: Vec<PathBuf> = sources.filter(|source| normal(source).starts_with(folder)).collect();
        let mut own = vec![];
        collect(&sources, Strangers::Named, &mut own, loaded);
        let inner: BTreeSet<PathBuf> = config.packs.iter().map(|p| normal(&folder.join(p))).collect();
        let is_own = |file: &PathBuf| {
            let file = normal(file);
            file.starts_with(folder) && !file.ancestors().any(|above| inner.contains(above))
        };
        // Hidden folders hold files of others, which nothing has compared yet.
        let (fetched, others): (Vec<_>, Vec<_>) = own.into_iter().filter(is_own).partition(|file| pack.brought(file));
        loaded.diagnostics.extend(others.iter().map(|file| {
            bad(format!("`{}` does not belong to pack `{}`", file.display(), pack.receipt.pack)).help("take it out")
        }));
        files.extend(fetched);
    }
    files
}

/// Maps each file to its pack: the innermost one that contains it.
pub(super) fn files(loaded: &Loaded) -> HashMap<FileId, usize> {
    let around = |path: &Path| {
        let path = normal(path);
        let packs = loaded.packs.iter().enumerate().filter(|(_, pack)| path.starts_with(&pack.folder));
        packs.max_by_key(|(_, pack)| pack.folder.as_os_str().len()).map(|(index, _)| index)
    };
    loaded.files.iter().filter_map(|(id, path)| Some((*id, around(path)?))).collect()
}

/// What each pack may change: what lies in its folder, where the packs that it stands on lie too.
pub(super) fn reach(loaded: &Loaded) -> Reach {
    let mut reach = Reach::default();
    for (index, pack) in loaded.packs.iter().enumerate() {
        let own = loaded.pack_files.iter().filter(|(_, owner)| **owner == index).map(|(file, _)| *file);
        let below = |owner: &usize| loaded.packs.get(*owner).is_some_and(|p| p.folder.starts_with(&pack.folder));
        let all = loaded.pack_files.iter().filter(|(_, owner)| below(owner)).map(|(file, _)| *file);
        reach.add(pack.receipt.pack.clone(), own.chain([pack.config_file]), all.collect());
    }
    reach
}

/// Skips of packs that mean a rule of somebody else.
pub(super) fn skips_beyond(loaded: &Loaded, reach: &Reach) -> Vec<Diagnostic> {
    let mut found = vec![];
    for pack in &loaded.packs {
        for name in pack.config.skip.iter().flat_map(|skip| &skip.rules) {
            let place = place::find(&pack.config_places, SKIPPED, name).unwrap_or_default();
            let place = Span::new(pack.config_file, place.start, place.end);
            let rule = loaded.project.rules.get(name);
            found.extend(rule.and_then(|rule| reach.stops(place, &format!("skips `{name}`"), rule.span)));
        }
    }
    found
}

/// The params of the packs, overridden by those of the project, with findings about invalid ones.
pub(super) fn params(loaded: &Loaded) -> (IndexMap<String, Literal>, Vec<Diagnostic>) {
    let own = literals::read(loaded.config_file.unwrap_or_default(), &loaded.config_places);
    let (mut params, mut found) = (IndexMap::new(), vec![]);
    for (more, faults) in loaded.packs.iter().map(|pack| pack.params.clone()).chain([own]) {
        params.extend(more);
        found.extend(faults);
    }
    (params, found)
}

/// Why rules of the packs or of the project were removed or renamed.
pub(super) fn gone(loaded: &Loaded) -> HashMap<String, Gone> {
    let said = |pack: &str, lock: &Lock| -> Vec<(String, Gone)> {
        let removed = |id: &str| {
            let tombstone = lock.removed.iter().find(|t| t.id == id)?;
            let why = format!("{pack} removed it on {}: {}", tombstone.date, tombstone.because);
            Some(Gone { why, now: None })
        };
        let renamed = |id: &str| {
            let now = &lock.rule(id)?.rule;
            Some(Gone { why: format!("{pack} renamed it to `{now}`"), now: Some(now.clone()) })
        };
        let moved = lock.history.iter().flat_map(|release| &release.changes);
        let names = moved.filter_map(|m| Some((m.was.clone()?, renamed(&m.id).or_else(|| removed(&m.id))?)));
        names.chain(lock.removed.iter().filter_map(|t| Some((t.rule.clone(), removed(&t.id)?)))).collect()
    };
    let packs = loaded.packs.iter().filter_map(|pack| Some(said(&pack.receipt.pack, pack.lock.as_ref()?)));
    loaded.lock.iter().map(|lock| said("this project", lock)).chain(packs).flatten().collect()
}
