//! `arcanary build`

use super::{
    Exit, Format, Input, Today, complain, counted, exit_of, print, report, short, shown, tell, tell_disabled,
    tell_not_for, waiting,
};
use crate::build::{Built, Refusal, Writing, build};
use crate::diagnostic::{Diagnostic, sort};
use crate::escape;
use crate::files;
use crate::pack::state::{outdated, unlocked};
use crate::project::Loaded;
use crate::target;
use clap::Args;
use std::path::{Path, PathBuf};

/// Compile rules to queries and documents
#[derive(Args)]
pub struct Build {
    #[command(flatten)]
    input: Input,
    /// Build for these targets only
    #[arg(long, value_name = "T", value_delimiter = ',')]
    target: Vec<String>,
    /// Make documents of these formats only [default: the project's `documents`, else all of the target's]
    #[arg(long, value_name = "F", value_delimiter = ',', value_enum)]
    document: Vec<target::Format>,
    /// Write to this folder [default: the project's `out`]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Write nothing; show what would change, and exit with 1 if anything would
    #[arg(long)]
    check: bool,
    /// Fail if the build does not match pack.lock
    #[arg(long)]
    locked: bool,
    /// Overwrite and remove files even if they were edited, or another program wrote them
    #[arg(long, conflicts_with_all = ["check", "print"])]
    force: bool,
    /// Print the queries instead of writing them, or the documents that `--document` names
    #[arg(long, conflicts_with_all = ["out", "check"])]
    print: bool,
    #[command(flatten)]
    today: Today,
}

impl Build {
    pub fn run(&self) -> Exit {
        let mut loaded = self.input.load();
        let Some(targets) = self.input.targets(&self.target, &loaded) else { return Exit::Bad };
        if !loaded.has_errors() {
            let tuning = self.today.findings(&loaded);
            loaded.diagnostics.extend(tuning);
            sort(&mut loaded.diagnostics);
        }
        if loaded.has_errors() {
            report(&loaded.diagnostics, &loaded.sources, self.input.printed.format);
            tell("nothing was written");
            return exit_of(&loaded.diagnostics);
        }
        let whole = self.locked.then(|| build(&loaded, &targets));
        let stale = whole.as_ref().map(|built| unlocked(&loaded, built)).unwrap_or_default();
        if !stale.is_empty() {
            report(&stale, &loaded.sources, self.input.printed.format);
            tell("nothing was written");
            return exit_of(&stale);
        }
        let chosen = match self.document.as_slice() {
            [] if self.print => &[target::Format::Query],
            chosen => chosen,
        };
        // The lock covers all documents, so a build of some formats cannot be reused for it.
        let whole = whole.filter(|_| chosen.is_empty());
        if !chosen.is_empty() {
            loaded.config.documents = chosen.iter().map(|f| f.word().to_owned()).collect();
        }
        let mut built = whole.unwrap_or_else(|| build(&loaded, &targets));
        loaded.diagnostics.append(&mut built.diagnostics);
        sort(&mut loaded.diagnostics);
        let out = match self.folder(&loaded) {
            Ok(out) => out,
            Err(error) => return complain(&format!("cannot write to {error}")),
        };
        if let (true, Some(out)) = (self.check, &out) {
            return self.differences(&built, &mut loaded, out);
        }
        if self.print || out.is_none() {
            report(&loaded.diagnostics, &loaded.sources, self.input.printed.format);
        }
        match out {
            _ if self.print => {
                for (name, text) in &built.files {
                    print(&format!("==> {name} <==\n{text}\n"));
                }
                exit_of(&loaded.diagnostics)
            }
            Some(out) => self.write(&built, &mut loaded, &out, targets.len()),
            None => complain("no output folder: pass `--out DIR`, or set `out` in arcanary.yaml"),
        }
    }

    /// Returns the output folder, if one is named.
    fn folder(&self, loaded: &Loaded) -> std::io::Result<Option<PathBuf>> {
        let keep: Vec<&Path> = loaded.root.as_deref().into_iter().collect();
        match (&self.out, &loaded.config.out, &loaded.root) {
            _ if self.print => Ok(None),
            (Some(out), ..) => files::output(out, &keep).map(Some),
            (None, Some(out), Some(root)) => files::below(root, out).map(Some),
            _ => Ok(None),
        }
        .map(|out| out.map(|out| short(&out).to_path_buf()))
    }

    fn write(&self, built: &Built, loaded: &mut Loaded, out: &Path, targets: usize) -> Exit {
        let written = built.write(loaded, out, &Writing { force: self.force, waiting: &|| waiting(out) });
        let written = match written {
            Err(Refusal::Found(found)) => return self.refused(*found, loaded, true),
            Err(Refusal::System(error)) => Err(error),
            Ok(count) => Ok(count),
        };
        report(&loaded.diagnostics, &loaded.sources, self.input.printed.format);
        match written {
            Ok(count) => {
                if self.input.printed.format == Format::Text {
                    tell(&format!(
                        "{} for {} in {}",
                        counted(count, "document"),
                        counted(targets, "target"),
                        shown(out)
                    ));
                    tell_not_for(&built.not_for);
                    tell_disabled(loaded);
                }
                exit_of(&loaded.diagnostics)
            }
            Err(error) => complain(&format!("cannot write {}", escape::line(&error.to_string()))),
        }
    }

    /// Reports why the build cannot be written, with the other findings.
    fn refused(&self, found: Diagnostic, loaded: &mut Loaded, writes: bool) -> Exit {
        loaded.diagnostics.push(found);
        sort(&mut loaded.diagnostics);
        report(&loaded.diagnostics, &loaded.sources, self.input.printed.format);
        if writes {
            tell("nothing was written");
        }
        Exit::Bad
    }

    /// Reports how the folder differs: as diffs in text, else as findings.
    fn differences(&self, built: &Built, loaded: &mut Loaded, out: &Path) -> Exit {
        let differences = match built.differences(loaded, out) {
            Ok(differences) => differences,
            Err(Refusal::Found(found)) => return self.refused(*found, loaded, false),
            Err(Refusal::System(error)) => return complain(&format!("cannot read {error}")),
        };
        let exit = exit_of(&loaded.diagnostics);
        let format = self.input.printed.format;
        if format != Format::Text {
            let names = differences.iter().map(|(name, old, _)| (name.as_str(), old.is_some()));
            let found = outdated(loaded, built, &shown(out), names);
            loaded.diagnostics.extend(found);
            sort(&mut loaded.diagnostics);
        }
        report(&loaded.diagnostics, &loaded.sources, format);
        for (name, old, new) in differences.iter().filter(|_| format == Format::Text) {
            let (old, new) = (old.as_deref().unwrap_or(""), new.as_deref().unwrap_or(""));
            let diff = similar::TextDiff::from_lines(old, new);
            let header = format!("{} (on disk)", shown(&out.join(name)));
            print(&diff.unified_diff().context_radius(3).header(&header, "from the sources").to_string());
        }
        if differences.is_empty() {
            return exit;
        }
        tell(&format!(
            "{} in {}; run `arcanary build` and review the change",
            counted(differences.len(), "difference"),
            shown(out)
        ));
        if exit == Exit::Bad { exit } else { Exit::Findings }
    }
}
