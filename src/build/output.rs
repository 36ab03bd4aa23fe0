//! How a build is written.
//!
//! Under a lock: what stands in the way is looked for first, and then nothing is written. Next the manifest says which
//! files will be written, so that a build that is interrupted is known to the next one. Then files are written, stale ones
//! are removed, and the manifest gets its final text.

use super::Built;
use super::manifest::{MANIFEST, Manifest, Unreadable};
use crate::diagnostic::{Code, Diagnostic};
use crate::files::{self, Lock};
use crate::project::Loaded;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

/// The lock's name in the output folder.
const LOCK: &str = ".arcanary-build.lock";

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

/// What writing a build does to a folder.
struct Plan<'a> {
    /// What the manifest says before.
    before: Manifest,
    /// The manifest's text before.
    old: Option<Vec<u8>>,
    /// The manifest's text afterwards.
    new: String,
    /// The manifest changes in nothing but the hashes of files.
    only_hashes: bool,
    /// Files to write, with the bytes that are there.
    write: BTreeMap<&'a str, (&'a str, Option<Vec<u8>>)>,
    /// Files to remove, with their bytes.
    remove: BTreeMap<String, Vec<u8>>,
    /// Files among these that are not as a build wrote them, and why.
    in_the_way: BTreeMap<String, &'static str>,
}

impl Built {
    fn plan(&self, loaded: &Loaded, out: &Path) -> Result<Plan<'_>, Refusal> {
        let mut before = Manifest::read(out)?;
        let old = files::read(out, MANIFEST)?;
        let interrupted = !before.unfinished.is_empty();
        before.settle(out)?;
        let after = before.after(self, loaded);
        let new = after.to_text()?;
        let hashed = Manifest { files: after.files.clone(), ..before.clone() };
        let mut plan = Plan {
            only_hashes: !interrupted && hashed.to_text()? == new,
            old,
            new,
            write: BTreeMap::new(),
            remove: BTreeMap::new(),
            in_the_way: BTreeMap::new(),
            before,
        };
        for (name, text) in &self.files {
            let there = files::read(out, name)?;
            match &there {
                Some(bytes) if bytes == text.as_bytes() => continue,
                Some(bytes) => plan.look_at(name, bytes),
                None => {}
            }
            plan.write.insert(name, (text, there));
        }
        let now = after.listed();
        let stale = plan.before.own().into_iter().filter(|file| !now.contains(file) && !self.files.contains_key(*file));
        for name in stale.map(str::to_owned).collect::<Vec<_>>() {
            if let Some(bytes) = files::read(out, &name)? {
                plan.look_at(&name, &bytes);
                plan.remove.insert(name, bytes);
            }
        }
        Ok(plan)
    }

    /// Writes all documents; how many there are. Each file appears as a whole or keeps its old content.
    ///
    /// # Errors
    /// Something stands in the way, and nothing was written; or what the system says, with the file's name.
    pub fn write(&self, loaded: &Loaded, out: &Path, how: &Writing) -> Result<usize, Refusal> {
        // What a killed build left goes, also where this one has nothing to write.
        let leftovers =
            |plan: &Plan| self.folders(&plan.before).iter().for_each(|folder| files::sweep(&out.join(folder)));
        let plan = self.plan(loaded, out)?;
        if plan.is_empty() {
            leftovers(&plan);
            return Ok(self.files.len());
        }
        files::make(out)?;
        let _lock = Lock::take(&out.join(LOCK), how.waiting)?;
        // Another build may have written meanwhile, so only what is found now counts.
        let plan = self.plan(loaded, out)?;
        plan.may_go_on(out, how.force)?;
        leftovers(&plan);
        plan.carry_out(self, out)?;
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

    /// How the output folder differs from this build.
    ///
    /// # Errors
    /// The folder's manifest is none, or what the system says.
    pub fn differences(&self, loaded: &Loaded, out: &Path) -> Result<Vec<Difference>, Refusal> {
        let plan = self.plan(loaded, out)?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let mut all: Vec<Difference> = vec![];
        // Where files differ, their hashes say nothing more.
        let said = plan.only_hashes && !(plan.write.is_empty() && plan.remove.is_empty());
        if plan.old.as_deref() != Some(plan.new.as_bytes()) && !said {
            all.push((MANIFEST.to_owned(), plan.old.as_deref().map(text), Some(plan.new.clone())));
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

impl Plan<'_> {
    /// Notes a file that a build did not write as it is.
    fn look_at(&mut self, name: &str, bytes: &[u8]) {
        if !self.before.wrote(name, bytes) {
            let why = match self.before.files.contains_key(name) {
                true => "was edited since it was built",
                false => "was not written by a build that this manifest knows",
            };
            self.in_the_way.insert(name.to_owned(), why);
        }
    }

    fn is_empty(&self) -> bool {
        self.write.is_empty() && self.remove.is_empty() && self.old.as_deref() == Some(self.new.as_bytes())
    }

    fn may_go_on(&self, out: &Path, force: bool) -> Result<(), Refusal> {
        if force || self.in_the_way.is_empty() {
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
        let diagnostic = match self.before.files.is_empty() && !self.before.targets.is_empty() {
            true => {
                diagnostic.note("an earlier release of Arcanary wrote the manifest, which holds no hashes of files")
            }
            false => diagnostic,
        };
        Err(Refusal::Found(Box::new(diagnostic.help(
            "keep what you need of them elsewhere, then remove them, or let `arcanary build --force` replace them",
        ))))
    }

    fn carry_out(&self, built: &Built, out: &Path) -> io::Result<()> {
        if !(self.write.is_empty() && self.remove.is_empty()) {
            let during = self.before.during(built, self.write.iter().map(|(name, (text, _))| (*name, *text)));
            files::write(out, MANIFEST, during.to_text()?.as_bytes())?;
        }
        let unfinished = |error: io::Error| {
            io::Error::new(error.kind(), format!("{error}; the build is not finished: run the same command again"))
        };
        for (name, (text, _)) in &self.write {
            files::write(out, name, text.as_bytes()).map_err(unfinished)?;
        }
        for name in self.remove.keys() {
            files::remove(out, name).map_err(unfinished)?;
        }
        files::write(out, MANIFEST, self.new.as_bytes()).map_err(unfinished)
    }
}
