//! `arcanary pack`

use super::{Exit, Format, Input, complain, counted, day, exit_of, here, print, report, tell, waiting};
use crate::diagnostic::Diagnostic;
use crate::escape;
use crate::files;
use crate::pack::bump::{self, Bumped, Removal};
use crate::pack::release::{self, Refusal, ready};
use crate::project::Loaded;
use crate::project::lock::{Change, Moved};
use clap::Args;
use std::path::PathBuf;

/// The default folder of a release, below the project's.
const OUT: &str = "dist";

/// Make a release, or update versions with --bump
#[derive(Args)]
pub struct Pack {
    #[command(flatten)]
    input: Input,
    /// Write the release to this folder [default: dist in the project's folder]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Update the versions of changed rules and of the pack, in pack.lock and arcanary.yaml
    #[arg(long, conflicts_with = "out")]
    bump: bool,
    /// Record that this rule was removed for good
    #[arg(long, value_name = "RULE", value_delimiter = ',', requires_all = ["bump", "because", "date"])]
    remove: Vec<String>,
    /// Why it was removed
    #[arg(long, value_name = "TEXT", requires = "remove", value_parser = one_line)]
    because: Option<String>,
    /// When it was removed
    #[arg(long, value_name = "YYYY-MM-DD", requires = "remove", value_parser = day)]
    date: Option<String>,
}

fn one_line(text: &str) -> Result<String, String> {
    let bad = text.trim().is_empty() || text.chars().any(char::is_control);
    if bad { Err("expected one line of text".to_owned()) } else { Ok(text.to_owned()) }
}

impl Pack {
    pub fn run(&self) -> Exit {
        let mut loaded = self.input.load();
        let Some(targets) = self.input.targets(&[], &loaded) else { return Exit::Bad };
        if loaded.has_errors() {
            return self.refused(&loaded.diagnostics, &loaded);
        }
        if loaded.root.is_none() || loaded.selected.is_some() {
            return complain("a pack is a whole project: name the project's folder, or no path");
        }
        if self.bump { self.bump(&mut loaded, &targets) } else { self.release(&mut loaded, &targets) }
    }

    fn release(&self, loaded: &mut Loaded, targets: &[String]) -> Exit {
        let files = match ready(loaded, targets) {
            Ok(files) => files,
            Err(refusal) => return told_refusal(refusal, loaded, self.input.printed.format),
        };
        let Some(root) = loaded.root.as_deref() else { return Exit::Bad };
        let own = || root.join(OUT);
        let out = self.out.clone().unwrap_or_else(own);
        let folder = match &self.out {
            Some(out) => files::output(out, &[root, &here()]),
            None => files::below(root, OUT),
        };
        let written = folder.and_then(|folder| release::write(&files, &folder, &|| waiting(&out)));
        if let Err(error) = written {
            return complain(&format!("cannot write {}", escape::line(&error.to_string())));
        }
        report(&loaded.diagnostics, &loaded.sources, self.input.printed.format);
        if self.input.printed.format == Format::Text {
            let name = format!("{} {}", loaded.config.name, loaded.config.version);
            let rules = counted(loaded.rules().count(), "rule");
            let targets = counted(targets.len(), "target");
            tell(&format!("{name}: {rules} for {targets} in {}", super::shown(&out)));
        }
        Exit::Fine
    }

    fn refused(&self, found: &[Diagnostic], loaded: &Loaded) -> Exit {
        told(found, loaded, self.input.printed.format)
    }

    fn bump(&self, loaded: &mut Loaded, targets: &[String]) -> Exit {
        let removal = Removal {
            rules: self.remove.clone(),
            because: self.because.clone().unwrap_or_default(),
            date: self.date.clone().unwrap_or_default(),
        };
        let bumped = match bump::bump(loaded, targets, &removal) {
            Ok(bumped) => bumped,
            Err(found) => return self.refused(&found, loaded),
        };
        let Some(root) = &loaded.root else { return Exit::Bad };
        if let Err(error) = bump::write(&bumped, root) {
            return complain(&format!("cannot write {}", escape::line(&error.to_string())));
        }
        report(&loaded.diagnostics, &loaded.sources, self.input.printed.format);
        if self.input.printed.format == Format::Text {
            print(&moves(&bumped));
            if bumped.from.as_ref() != Some(&bumped.lock.version) {
                tell("next: run `arcanary build`, review its changes, and commit them with the rules and pack.lock");
            }
        }
        Exit::Fine
    }
}

fn told(found: &[Diagnostic], loaded: &Loaded, format: Format) -> Exit {
    report(found, &loaded.sources, format);
    tell("nothing was written");
    exit_of(found)
}

/// Reports why there is no release.
pub fn told_refusal(refusal: Refusal, loaded: &Loaded, format: Format) -> Exit {
    match refusal {
        Refusal::Found(found) => told(&found, loaded, format),
        Refusal::System(error) => complain(&format!("cannot make the release: {}", escape::line(&error.to_string()))),
    }
}

/// A line for each rule whose version changed, and one for the pack.
fn moves(bumped: &Bumped) -> String {
    let lock = &bumped.lock;
    let lines = bumped.moved.iter().map(|m| format!("{}\n", moved(m)));
    let pack = match &bumped.from {
        None => format!("{} {}: {}", lock.pack, lock.version, counted(lock.rules.len(), "rule")),
        Some(from) if *from == lock.version => format!("{} {from}: no changes", lock.pack),
        Some(from) => format!("{} {from} → {}", lock.pack, lock.version),
    };
    lines.chain([pack + "\n"]).collect()
}

fn moved(m: &Moved) -> String {
    let versions = match (&m.from, &m.to) {
        (Some(from), Some(to)) => format!("{from} → {to}"),
        (None, Some(to)) => to.to_string(),
        (from, None) => from.as_ref().map(ToString::to_string).unwrap_or_default(),
    };
    let why = match (m.change, &m.was) {
        (Change::Added, _) if m.from.is_some() => "added again".to_owned(),
        (Change::Added, _) => "new".to_owned(),
        (Change::Logic | Change::Text, None) if m.because.is_some() => m.because.clone().unwrap_or_default(),
        (Change::Logic, Some(was)) => format!("logic changed, renamed from `{was}`"),
        (Change::Logic, None) => "logic changed".to_owned(),
        (Change::Text, Some(was)) => format!("renamed from `{was}`"),
        (Change::Text, None) => "metadata changed".to_owned(),
        (Change::Documents, _) => "documents changed".to_owned(),
        (Change::Removed, _) => format!("removed: {}", m.because.as_deref().unwrap_or("")),
    };
    format!("{} {versions}: {why}", m.rule)
}
