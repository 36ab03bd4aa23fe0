//! `--format`: how every command prints its findings.

use super::{Exit, MOST_SHOWN, counted, print_as_is, tell};
use crate::diagnostic::{self, Diagnostic, Style, junit, to_github, to_json, to_sarif, to_text};
use crate::escape;
use crate::source::Sources;
use clap::{Args, ValueEnum};
use serde_json::Value;
use std::io::Write as _;

/// The output format of findings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people, on standard error
    #[default]
    Text,
    /// For programs: JSON on standard output
    Json,
    /// For code scanners and editors: SARIF 2.1.0 on standard output
    Sarif,
    /// For GitHub Actions: workflow commands on standard output
    Github,
    /// For CI servers: JUnit XML on standard output
    Junit,
}

/// The `--format` option.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct Printed {
    /// Print findings in this format
    #[arg(long, value_enum, default_value_t, global = true)]
    pub format: Format,
}

/// Prints findings in the chosen format.
pub fn report(diagnostics: &[Diagnostic], sources: &Sources, format: Format) {
    match format {
        Format::Text => {
            as_text(diagnostics, sources);
            let (errors, warnings) = diagnostic::count(diagnostics);
            let gravest = diagnostics.iter().find(|d| d.is_error()).or(diagnostics.first());
            if let Some(code) = gravest.map(|d| d.code.id()) {
                let (errors, warnings) = (counted(errors, "error"), counted(warnings, "warning"));
                tell(&format!("{errors}, {warnings}; for details run `arcanary explain {code}`"));
            }
        }
        Format::Json => print_json(&to_json(diagnostics, sources)),
        Format::Sarif => print_json(&to_sarif(diagnostics, sources)),
        Format::Github => print_as_is(&to_github(diagnostics, sources)),
        Format::Junit => {
            let suite = junit::of_findings("findings", diagnostics, sources);
            print_as_is(&junit::to_junit(&[suite], sources));
        }
    }
}

/// Prints the first findings as text, and counts the rest.
pub fn as_text(diagnostics: &[Diagnostic], sources: &Sources) {
    let style = style();
    // `to_text` escapes text from files. The colours are ours, so they are printed as they are.
    let shown = |d: &Diagnostic| _ = writeln!(std::io::stderr(), "{}", to_text(d, sources, style));
    diagnostics.iter().take(MOST_SHOWN).for_each(shown);
    if diagnostics.len() > MOST_SHOWN {
        tell(&format!("… and {} more", diagnostics.len() - MOST_SHOWN));
    }
}

/// Prints a value to standard output.
pub fn print_json(value: &Value) {
    print_as_is(&format!("{}\n", escape::json(&serde_json::to_string_pretty(value).unwrap_or_default())));
}

fn style() -> Style {
    match anstream::AutoStream::choice(&std::io::stderr()) {
        anstream::ColorChoice::Never => Style::Plain,
        _ => Style::Colour,
    }
}

/// The exit code for these findings.
pub fn exit_of(diagnostics: &[Diagnostic]) -> Exit {
    if diagnostics.iter().any(|d| d.is_error() && !d.code.is_finding()) {
        Exit::Bad
    } else if diagnostics.iter().any(Diagnostic::is_error) {
        Exit::Findings
    } else {
        Exit::Fine
    }
}
