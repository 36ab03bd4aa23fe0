//! `arcanary fmt`

use super::{Exit, Format, counted, here, print, report, tell};
use crate::build::write_whole;
use crate::project;
use crate::source::Sources;
use crate::syntax::fmt::format;
use clap::Args;
use std::path::PathBuf;

/// Put sources into the one canonical layout
#[derive(Args)]
pub struct Fmt {
    /// Files or folders; none: the project in this folder or above
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Write nothing; name files that are not in the canonical layout and exit with 1 if there are any
    #[arg(long)]
    check: bool,
    /// Write nothing; show what would change
    #[arg(long)]
    diff: bool,
}

impl Fmt {
    pub fn run(&self) -> Exit {
        let (files, problems) = project::det_files(&self.paths, &here());
        report(&problems, &Sources::new(), Format::Text);
        let mut exit = if problems.is_empty() { Exit::Fine } else { Exit::Bad };
        let mut changed = 0;
        for file in &files {
            match self.one(file) {
                Ok(false) => {}
                Ok(true) => changed += 1,
                Err(()) => exit = Exit::Bad,
            }
        }
        if self.check || self.diff {
            if changed > 0 {
                tell(&format!("{} not in the canonical layout", counted(changed, "file")));
                if exit == Exit::Fine {
                    exit = Exit::Findings;
                }
            }
        } else if changed > 0 {
            tell(&format!("{} changed", counted(changed, "file")));
        }
        exit
    }

    /// Formats one file; whether it changes.
    fn one(&self, path: &PathBuf) -> Result<bool, ()> {
        let shown = path.strip_prefix(here()).unwrap_or(path).display().to_string();
        let bytes = std::fs::read(path).map_err(|e| tell(&format!("error: {shown}: {e}")))?;
        let mut sources = Sources::new();
        let id = match sources.add_bytes(&shown, &bytes) {
            Ok(id) => id,
            Err(diagnostic) => {
                report(&[*diagnostic], &sources, Format::Text);
                return Err(());
            }
        };
        let text = sources.get(id).map_or("", |f| f.text.as_str());
        let new = match format(text) {
            Ok(new) => new,
            Err(diagnostics) => {
                report(&diagnostics, &sources, Format::Text);
                return Err(());
            }
        };
        if new.as_bytes() == bytes {
            return Ok(false);
        }
        if self.diff {
            let old = String::from_utf8_lossy(&bytes);
            let diff = similar::TextDiff::from_lines(old.as_ref(), new.as_str());
            print(&diff.unified_diff().context_radius(3).header(&shown, &format!("{shown} (canonical)")).to_string());
        } else if self.check {
            tell(&shown);
        } else {
            write_whole(path, &new).map_err(|e| tell(&format!("error: cannot write {e}")))?;
            tell(&shown);
        }
        Ok(true)
    }
}
