//! Which files the text of a file may change: a pack of somebody else's tunes, extends and sets what it brings along, and
//! nothing of the project's own or of other packs.

use crate::diagnostic::{Code, Diagnostic};
use crate::source::{FileId, Span};
use std::collections::{HashMap, HashSet};

/// The files of each pack that a project stands on. What is in none of them is the project's own, and reaches everything.
#[derive(Clone, Debug, Default)]
pub struct Reach {
    packs: Vec<Pack>,
    owners: HashMap<FileId, usize>,
}

#[derive(Clone, Debug)]
struct Pack {
    name: String,
    /// Its own files, and those of the packs that it stands on.
    files: HashSet<FileId>,
}

impl Reach {
    /// Adds a pack: the files in which it says something, and those that it brings along, with packs below it.
    pub fn add(&mut self, name: String, own: impl IntoIterator<Item = FileId>, all: HashSet<FileId>) {
        self.owners.extend(own.into_iter().map(|file| (file, self.packs.len())));
        self.packs.push(Pack { name, files: all });
    }

    /// The finding for what stands at `from` and changes what is defined at `to`, if it may not. `does` says what it does to
    /// what: ``tunes `name` ``.
    pub(crate) fn stops(&self, from: Span, does: &str, to: Span) -> Option<Diagnostic> {
        let pack = self.packs.get(*self.owners.get(&from.file)?)?;
        let stopped = !pack.files.contains(&to.file);
        stopped.then(|| {
            let message = format!("pack `{}` {does}, which it does not define", pack.name);
            Diagnostic::new(Code::BeyondPack, message)
                .at(from, "a pack may change only what it brings along")
                .also(to, "defined here")
                .help("if you want this change, make it in a file of your own")
        })
    }
}
