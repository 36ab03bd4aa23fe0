//! The packs that a project stands on: fetched folders, found as they were fetched, whose sources, params, defaults and
//! skips belong to the project as if it had them itself. What the project says of its own comes on top.

use super::{Config, FILE_NAME, Loaded, collect, config_place, normal, own_sources, params as literals, parse_config};
use crate::diagnostic::{Code, Diagnostic};
use crate::pack::fetch::{self, Receipt};
use crate::pack::lock::{self, Lock};
use crate::source::FileId;
use crate::syntax::ast::Literal;
use indexmap::IndexMap;
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

/// A pack that somebody else wrote.
#[derive(Clone, Debug)]
pub struct Upstream {
    /// Its folder, absolute.
    pub folder: PathBuf,
    /// What was fetched.
    pub receipt: Receipt,
    /// Its `arcanary.yaml`.
    pub config: Config,
    /// Its `pack.lock`.
    pub lock: Option<Lock>,
    config_file: FileId,
}

/// Reads the packs that the project in `root` names, and those that they name.
pub(super) fn read(root: &Path, loaded: &mut Loaded) {
    let names = loaded.config.packs.clone();
    let mut seen = BTreeSet::from([normal(root)]);
    for name in names {
        if let Err(diagnostic) = one(&root.join(&name), &name, &mut seen, loaded) {
            let diagnostic = config_place(loaded, &name, *diagnostic, "named under `packs`");
            loaded.diagnostics.push(diagnostic);
        }
    }
}

fn one(folder: &Path, name: &str, seen: &mut BTreeSet<PathBuf>, loaded: &mut Loaded) -> Result<(), Box<Diagnostic>> {
    let folder = normal(folder);
    if !seen.insert(folder.clone()) {
        return Err(bad(format!("pack `{name}` is named twice")));
    }
    let receipt = fetch::as_fetched(&folder).map_err(|why| {
        let message = format!("`{name}` is not a pack as it was fetched: {why}");
        Box::new(bad(message).help(format!("`arcanary fetch-pack --repo … --sources --out {name}` puts a pack there")))
    })?;
    let shown = |file: &str| format!("{name}/{file}");
    let bytes = std::fs::read(folder.join(FILE_NAME))
        .map_err(|why| bad(format!("`{}` cannot be read: {why}", shown(FILE_NAME))))?;
    let config_file = loaded.sources.add_bytes(shown(FILE_NAME), &bytes)?;
    let config = parse_config(config_file, &loaded.sources)?;
    let lock = lock::read(&folder, &mut loaded.sources)?.map(|(_, lock)| lock);
    for inner in &config.packs {
        one(&folder.join(inner), &shown(inner), seen, loaded)?;
    }
    loaded.packs.push(Upstream { folder, receipt, config, lock, config_file });
    Ok(())
}

fn bad(message: String) -> Box<Diagnostic> {
    Box::new(Diagnostic::new(Code::EditedPack, message))
}

/// The `.det` files of all packs.
pub(super) fn source_files(loaded: &mut Loaded) -> Vec<PathBuf> {
    let mut files = vec![];
    for pack in &loaded.packs {
        for source in own_sources(&pack.config) {
            let mut own = vec![];
            collect(&pack.folder.join(source), &mut own, &mut loaded.diagnostics);
            let inner: Vec<PathBuf> = pack.config.packs.iter().map(|p| normal(&pack.folder.join(p))).collect();
            files.extend(own.into_iter().filter(|file| !inner.iter().any(|pack| normal(file).starts_with(pack))));
        }
    }
    files
}

/// The pack that each file belongs to, by its place: the innermost one around it.
pub(super) fn files(loaded: &Loaded) -> HashMap<FileId, usize> {
    let around = |path: &Path| {
        let path = normal(path);
        let packs = loaded.packs.iter().enumerate().filter(|(_, pack)| path.starts_with(&pack.folder));
        packs.max_by_key(|(_, pack)| pack.folder.as_os_str().len()).map(|(index, _)| index)
    };
    loaded.files.iter().filter_map(|(id, path)| Some((*id, around(path)?))).collect()
}

/// Params as the packs' own files set them, and as the project's file does, which has the last word.
pub(super) fn params(loaded: &Loaded) -> IndexMap<String, Literal> {
    let own = literals(&loaded.config, loaded.config_file.unwrap_or_default());
    loaded.packs.iter().flat_map(|pack| literals(&pack.config, pack.config_file)).chain(own).collect()
}

/// Why rules are gone that the packs, or the project, had once.
pub(super) fn gone(loaded: &Loaded) -> HashMap<String, String> {
    let said = |pack: &str, lock: &Lock| -> Vec<(String, String)> {
        let all = lock.removed.iter();
        all.map(|t| (t.rule.clone(), format!("{pack} removed it on {}: {}", t.date, t.because))).collect()
    };
    let packs = loaded.packs.iter().filter_map(|pack| Some(said(&pack.receipt.pack, pack.lock.as_ref()?)));
    loaded.lock.iter().map(|lock| said("this project", lock)).chain(packs).flatten().collect()
}
