//! `arcanary fmt`

use super::{Exit, Format, Printed, complain, counted, exit_of, here, print, report, tell};
use crate::diagnostic::{Code, Diagnostic, sort};
use crate::escape;
use crate::files;
use crate::input;
use crate::project;
use crate::source::{FileId, Sources, Span};
use crate::syntax::fmt::format_file;
use clap::Args;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Format rules
#[derive(Args)]
pub struct Fmt {
    /// Files or folders with rules [default: the project in this folder or above]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Write nothing; list files that are not formatted, and exit with 1 if there are any
    #[arg(long)]
    check: bool,
    /// Write nothing; show what would change
    #[arg(long)]
    diff: bool,
    #[command(flatten)]
    printed: Printed,
}

/// The result of a run.
#[derive(Default)]
struct Ran {
    sources: Sources,
    /// Files that cannot be formatted and, in machine formats, files that are not formatted.
    findings: Vec<Diagnostic>,
    changed: usize,
    /// A file could not be written.
    broken: bool,
}

impl Fmt {
    pub fn run(&self) -> Exit {
        let (paths, loaded) = project::det_files(&self.paths, &here());
        let mut ran = Ran { sources: loaded.sources, findings: loaded.diagnostics, ..Ran::default() };
        let writes = !self.check && !self.diff;
        if writes {
            // Remove temporary files that a killed run left.
            paths.iter().filter_map(|file| file.parent()).collect::<BTreeSet<_>>().into_iter().for_each(files::sweep);
        }
        each_once(&paths).into_iter().for_each(|file| self.one(file, &mut ran));
        sort(&mut ran.findings);
        report(&ran.findings, &ran.sources, self.printed.format);
        if ran.changed > 0 {
            let what = if writes { "formatted" } else { "not formatted" };
            tell(&format!("{} {what}", counted(ran.changed, "file")));
        }
        match exit_of(&ran.findings) {
            _ if ran.broken => Exit::Bad,
            Exit::Fine if ran.changed > 0 && !writes => Exit::Findings,
            exit => exit,
        }
    }

    /// Formats one file.
    fn one(&self, path: &Path, ran: &mut Ran) {
        let shown = path.strip_prefix(here()).unwrap_or(path).display().to_string();
        let bytes = match input::read(path) {
            Ok(bytes) => bytes,
            Err(error) => {
                let message = format!("`{shown}` cannot be read: {error}");
                return ran.findings.push(Diagnostic::new(Code::Unreadable, message));
            }
        };
        let id = match ran.sources.add_bytes(&shown, &bytes) {
            Ok(id) => id,
            Err(diagnostic) => return ran.findings.push(*diagnostic),
        };
        let text = ran.sources.get(id).map_or("", |f| f.text.as_str());
        match format_file(id, text) {
            Ok(new) if new.as_bytes() == bytes => {}
            Ok(new) => self.changes(path, (&shown, id), &bytes, &new, ran),
            Err(diagnostics) => ran.findings.extend(diagnostics),
        }
    }

    /// Shows, writes or reports a file that is not formatted.
    fn changes(&self, path: &Path, (shown, id): (&str, FileId), bytes: &[u8], new: &str, ran: &mut Ran) {
        if self.diff {
            let (old, name) = (String::from_utf8_lossy(bytes), escape::line(shown));
            let diff = similar::TextDiff::from_lines(old.as_ref(), new);
            let text = diff.unified_diff().context_radius(3).header(&name, &format!("{name} (formatted)")).to_string();
            if self.printed.format == Format::Text {
                print(&text);
            }
        } else if !self.check
            && let Err(error) = files::rewrite(path, bytes, new.as_bytes())
        {
            complain(&format!("cannot write {}", escape::line(&error.to_string())));
            ran.broken = true;
            return;
        }
        ran.changed += 1;
        if (self.check || self.diff) && self.printed.format != Format::Text {
            let old = ran.sources.get(id).map_or("", |f| f.text.as_str());
            ran.findings.push(unformatted(shown, id, old, new));
        } else if !self.diff {
            tell(&escape::line(shown));
        }
    }
}

/// Returns the files without links to other files of the list, so that each is formatted once.
fn each_once(files: &[PathBuf]) -> Vec<&PathBuf> {
    let real = |file: &&PathBuf| std::fs::canonicalize(file).ok();
    let (links, mut plain): (Vec<&PathBuf>, Vec<&PathBuf>) = files.iter().partition(|file| file.is_symlink());
    let own: BTreeSet<PathBuf> = plain.iter().filter_map(real).collect();
    plain.extend(links.into_iter().filter(|link| real(link).is_none_or(|file| !own.contains(&file))));
    plain
}

/// A finding at the first line that would change.
fn unformatted(name: &str, id: FileId, old: &str, new: &str) -> Diagnostic {
    let start: usize = old
        .split_inclusive('\n')
        .zip(new.split_inclusive('\n'))
        .take_while(|(a, b)| a == b)
        .map(|(a, _)| a.len())
        .sum();
    let end = old.get(start..).and_then(|rest| rest.lines().next()).map_or(start, |line| start + line.len());
    Diagnostic::new(Code::Layout, format!("`{name}` is not formatted"))
        .at(Span::new(id, start, end), "the first line that would change")
        .help("run `arcanary fmt`")
}
