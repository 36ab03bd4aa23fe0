//! How a build is written.
//!
//! Under a lock: what stands in the way is looked for first, and then nothing is written. Next the manifest says which
//! files will be written, so that a build that is interrupted is known to the next one. Then files are written, stale ones
//! are removed, and the manifest gets its final text.

use super::Built;
use super::manifest::{MANIFEST, Manifest, Unreadable};
use crate::diagnostic::{Code, Diagnostic};
use crate::files::Tree;
use crate::parallel::in_parallel;
use crate::project::{Loaded, normal};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

/// What the lock of the output folder is called.
const LOCK: &str = "build";

/// More files than this in the way are counted, not named.
const MOST_NAMED: usize = 10;

/// How to write.
pub struct Writing<'a> {
    /// Also overwrite and remove files that are not as a build wrote them.
    pub force: bool,
    /// Called once if another build writes to the folder, and this one waits.
    pub waiting: &'a dyn Fn(),
}

/// Why a build was not written.
#[derive(Debug)]
pub enum Refusal {
    /// A finding; nothing was written.
    Found(Box<Diagnostic>),
    /// What the system says; a part may be written, which the next build goes on with.
    System(io::Error),
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Refusal {
        Refusal::System(error)
    }
}

impl From<Unreadable> for Refusal {
    fn from(unreadable: Unreadable) -> Refusal {
        match unreadable {
            Unreadable::Bad(diagnostic) => Refusal::Found(diagnostic),
            Unreadable::System(error) => Refusal::System(error),
        }
    }
}

/// How a file differs from the build: its name, its text there, and its text as built.
pub type Difference = (String, Option<String>, Option<String>);

/// The manifest of an output folder, before and after a build.
struct Manifests {
    /// What it says before.
    before: Manifest,
    /// Its text before.
    old: Option<Vec<u8>>,
    /// What it says afterwards.
    after: Manifest,
    /// Its text afterwards.
    new: String,
    /// It changes in nothing but the hashes of files.
    only_hashes: bool,
}

/// What writing a build does to a folder.
struct Plan<'a> {
    manifests: Manifests,
    /// Files to write, with the bytes that are there.
    write: BTreeMap<&'a str, (&'a str, Option<Vec<u8>>)>,
    /// Files to remove, with their bytes.
    remove: BTreeMap<String, Vec<u8>>,
    /// Folders of files that this build does not make any more.
    left: BTreeSet<String>,
    /// Files among these that are not as a build wrote them, and why.
    in_the_way: BTreeMap<String, &'static str>,
}

impl Built {
    fn manifests(&self, loaded: &Loaded, out: &Path, tree: &Tree) -> Result<Manifests, Refusal> {
        let old = tree.read(MANIFEST)?;
        let mut before = old.as_deref().map_or_else(|| Ok(Manifest::default()), |old| Manifest::parse(out, old))?;
        let interrupted = !before.unfinished.is_empty();
        before.settle(tree)?;
        let after = before.after(self, loaded);
        let new = after.to_text()?;
        let hashed = Manifest { files: after.files.clone(), ..before.clone() };
        let only_hashes = !interrupted && hashed.to_text()? == new;
        Ok(Manifests { before, old, after, new, only_hashes })
    }

    fn plan(&self, manifests: Manifests, tree: &Tree) -> Result<Plan<'_>, Refusal> {
        let mut plan = Plan {
            manifests,
            write: BTreeMap::new(),
            remove: BTreeMap::new(),
            left: BTreeSet::new(),
            in_the_way: BTreeMap::new(),
        };
        for (name, text) in &self.files {
            let there = tree.read(name)?;
            match &there {
                Some(bytes) if bytes == text.as_bytes() => continue,
                Some(bytes) => plan.look_at(name, bytes),
                None => {}
            }
            plan.write.insert(name, (text, there));
        }
        let now = plan.manifests.after.listed();
        let own = plan.manifests.before.own().into_iter();
        let stale: Vec<String> =
            own.filter(|file| !now.contains(file) && !self.files.contains_key(*file)).map(str::to_owned).collect();
        for name in stale {
            plan.left.extend(name.rsplit_once('/').map(|(folder, _)| folder.to_owned()));
            if let Some(bytes) = tree.read(&name)? {
                plan.look_at(&name, &bytes);
                plan.remove.insert(name, bytes);
            }
        }
        Ok(plan)
    }

    /// Writes all documents to a folder that [`crate::files::output`] or [`crate::files::below`] found; how many there are.
    /// Each file appears as a whole or keeps its old content.
    ///
    /// # Errors
    /// Something stands in the way, and nothing was written; or what the system says, with the file's name.
    pub fn write(&self, loaded: &Loaded, out: &Path, how: &Writing) -> Result<usize, Refusal> {
        let tree = Tree::output(out);
        let manifests = self.manifests(loaded, out, &tree)?;
        if manifests.stay() {
            let folders = self.folders(&manifests.before);
            if self.plan(manifests, &tree)?.is_empty() {
                // Nothing has to be written, so a read-only folder is no error. A killed build's files stay there then.
                if folders.iter().any(|folder| tree.has_left(folder))
                    && let Ok(tree) = Tree::lock(out, LOCK, how.waiting)
                {
                    folders.iter().for_each(|folder| tree.sweep(folder));
                }
                return Ok(self.files.len());
            }
        }
        let tree = Tree::lock(out, LOCK, how.waiting)?;
        // Another build may have written meanwhile, so only what is found now counts.
        let plan = self.plan(self.manifests(loaded, out, &tree)?, &tree)?;
        if !how.force {
            plan.is_of_project(loaded, out)?;
            plan.may_go_on(out)?;
        }
        self.folders(&plan.manifests.before).iter().for_each(|folder| tree.sweep(folder));
        if !plan.is_empty() {
            plan.carry_out(self, &tree)?;
        }
        Ok(self.files.len())
    }

    /// The folders in which files are, were or will be.
    fn folders(&self, before: &Manifest) -> BTreeSet<String> {
        let names = self.files.keys().map(String::as_str).chain(before.own());
        names
            .map(|name| name.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned())
            .chain([String::new()])
            .collect()
    }

    /// How a folder that [`crate::files::output`] or [`crate::files::below`] found differs from this build.
    ///
    /// # Errors
    /// The folder's manifest is none, or what the system says.
    pub fn differences(&self, loaded: &Loaded, out: &Path) -> Result<Vec<Difference>, Refusal> {
        let tree = Tree::output(out);
        let plan = self.plan(self.manifests(loaded, out, &tree)?, &tree)?;
        let manifests = &plan.manifests;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let mut all: Vec<Difference> = vec![];
        // Where files differ, their hashes say nothing more.
        let said = manifests.only_hashes && !(plan.write.is_empty() && plan.remove.is_empty());
        if !manifests.stay() && !said {
            all.push((MANIFEST.to_owned(), manifests.old.as_deref().map(text), Some(manifests.new.clone())));
        }
        let write = plan.write.iter();
        all.extend(
            write.map(|(name, (new, old))| ((*name).to_owned(), old.as_deref().map(text), Some((*new).to_owned()))),
        );
        all.sort_by(|a, b| a.0.cmp(&b.0));
        all.extend(plan.remove.iter().map(|(name, old)| (name.clone(), Some(text(old)), None)));
        Ok(all)
    }
}

impl Manifests {
    /// Whether the file stays as it is.
    fn stay(&self) -> bool {
        self.old.as_deref() == Some(self.new.as_bytes())
    }
}

impl Plan<'_> {
    /// Notes a file that a build did not write as it is.
    fn look_at(&mut self, name: &str, bytes: &[u8]) {
        if !self.manifests.before.wrote(name, bytes) {
            let why = match self.manifests.before.files.contains_key(name) {
                true => "was edited since it was built",
                false => "was not written by a build that this manifest knows",
            };
            self.in_the_way.insert(name.to_owned(), why);
        }
    }

    fn is_empty(&self) -> bool {
        self.write.is_empty() && self.remove.is_empty() && self.manifests.stay()
    }

    /// Refuses the build of a project with another name. In a project's own folder, it is the project's old name.
    fn is_of_project(&self, loaded: &Loaded, out: &Path) -> Result<(), Refusal> {
        let Manifests { before, after, .. } = &self.manifests;
        let is_own = loaded.root.as_deref().is_some_and(|root| normal(out).starts_with(normal(root)));
        if is_own || before.name.is_empty() || after.name.is_empty() || before.name == after.name {
            return Ok(());
        }
        let message = format!("`{}` contains the build of another project, `{}`", out.display(), before.name);
        Err(Refusal::Found(Box::new(Diagnostic::new(Code::InTheWay, message).help(format!(
            "name another folder; if `{}` is this project's old name, run `arcanary build --force`",
            before.name
        )))))
    }

    fn may_go_on(&self, out: &Path) -> Result<(), Refusal> {
        if self.in_the_way.is_empty() {
            return Ok(());
        }
        let lines = self.in_the_way.iter().take(MOST_NAMED).map(|(name, why)| {
            let what = if self.remove.contains_key(name) { "removed" } else { "overwritten" };
            format!("{name}: it {why}, and would be {what}")
        });
        let more = self.in_the_way.len().saturating_sub(MOST_NAMED);
        let more = (more > 0).then(|| format!("and {more} more"));
        let message = format!("files in `{}` are not as Arcanary wrote them", out.display());
        let diagnostic = Diagnostic::new(Code::InTheWay, message).lines(lines.chain(more));
        let before = &self.manifests.before;
        let diagnostic = match before.files.is_empty() && !before.targets.is_empty() {
            true => {
                diagnostic.note("an earlier release of Arcanary wrote the manifest, which holds no hashes of files")
            }
            false => diagnostic,
        };
        Err(Refusal::Found(Box::new(diagnostic.help(
            "keep what you need of them elsewhere, then remove them, or let `arcanary build --force` replace them",
        ))))
    }

    fn carry_out(&self, built: &Built, tree: &Tree) -> io::Result<()> {
        if !(self.write.is_empty() && self.remove.is_empty()) {
            let during = self.manifests.before.during(built, self.write.iter().map(|(name, (text, _))| (*name, *text)));
            tree.write(MANIFEST, during.to_text()?.as_bytes())?;
        }
        let unfinished = |error: io::Error| {
            io::Error::new(error.kind(), format!("{error}; the build is not finished: run the same command again"))
        };
        let failed = AtomicBool::new(false);
        let write: Vec<(&str, &str)> = self.write.iter().map(|(name, (text, _))| (*name, *text)).collect();
        let written = in_parallel(&write, |(name, text)| {
            if failed.load(Ordering::Relaxed) {
                return Ok(());
            }
            tree.write(name, text.as_bytes()).inspect_err(|_| failed.store(true, Ordering::Relaxed))
        });
        written.into_iter().collect::<io::Result<()>>().map_err(unfinished)?;
        for name in self.remove.keys() {
            tree.remove(name).map_err(unfinished)?;
        }
        self.left.iter().for_each(|folder| tree.prune(folder));
        tree.write(MANIFEST, self.manifests.new.as_bytes()).map_err(unfinished)
    }
}
