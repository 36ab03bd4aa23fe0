//! `--format`: the one way in which every command prints its findings.

use super::{Exit, MOST_SHOWN, counted, print_as_is, tell};
use crate::diagnostic::{self, Diagnostic, Style, junit, to_github, to_json, to_sarif, to_text};
use crate::escape;
use crate::source::Sources;
use clap::{Args, ValueEnum};
use serde_json::Value;
use std::io::Write as _;

/// How findings are printed.
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

/// The option.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct Printed {
    /// How findings are printed
    #[arg(long, value_enum, default_value_t, global = true)]
    pub format: Format,
}

/// Prints findings in the chosen format.
pub fn report(diagnostics: &[Diagnostic], sources: &Sources, format: Format) {
    match format {
        Format::Text => {
            as_text(diagnostics, sources);
            let (errors, warnings) = diagnostic::count(diagnostics);
            if errors + warnings > 0 {
                tell(&format!(
                    "{}, {}; `arcanary --explain CODE` tells more",
                    counted(errors, "error"),
                    counted(warnings, "warning")
                ));
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

/// Findings for people, as many as anybody reads.
pub fn as_text(diagnostics: &[Diagnostic], sources: &Sources) {
    let style = style();
    // What others wrote is escaped there; the colours are ours.
    let shown = |d: &Diagnostic| _ = writeln!(std::io::stderr(), "{}", to_text(d, sources, style));
    diagnostics.iter().take(MOST_SHOWN).for_each(shown);
    if diagnostics.len() > MOST_SHOWN {
        tell(&format!("… and {} more", diagnostics.len() - MOST_SHOWN));
    }
}

/// Prints a value on standard output.
pub fn print_json(value: &Value) {
    print_as_is(&format!("{}\n", escape::json(&serde_json::to_string_pretty(value).unwrap_or_default())));
}

fn style() -> Style {
    match anstream::AutoStream::choice(&std::io::stderr()) {
        anstream::ColorChoice::Never => Style::Plain,
        _ => Style::Colour,
    }
}

/// What findings mean for the exit code.
pub fn exit_of(diagnostics: &[Diagnostic]) -> Exit {
    if diagnostics.iter().any(|d| d.is_error() && !d.code.is_finding()) {
        Exit::Bad
    } else if diagnostics.iter().any(Diagnostic::is_error) {
        Exit::Findings
    } else {
        Exit::Fine
    }
}
