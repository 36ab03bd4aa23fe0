//! `arcanary test`

use super::{Exit, MOST_SHOWN, counted, exit_of, here, print, report as report_findings, style, tell};
use crate::diagnostic::{Diagnostic, junit, to_github, to_text};
use crate::source::Sources;
use crate::testing::{Outcome, Results, report, run, select};
use clap::{Args, ValueEnum};
use std::io::{IsTerminal as _, Write as _};

/// Run the tests inside rules, and tell what no test reaches
#[derive(Args)]
pub struct Test {
    /// Names of rules, files or folders; none: the project in this folder or above
    #[arg(value_name = "RULE|PATH")]
    what: Vec<String>,
    /// List what no test reaches: operands of `or`, utilities of groups, flags, exceptions
    #[arg(long)]
    coverage: bool,
    /// Fail for rules without both a firing and a silent test, and for what no test reaches
    #[arg(long)]
    missing: bool,
    /// How results are printed
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// How results are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people: failures on standard error
    #[default]
    Text,
    /// For programs: one JSON object on standard output
    Json,
    /// For CI servers: JUnit XML on standard output
    Junit,
    /// For GitHub Actions: workflow commands on standard output
    Github,
}

impl Test {
    pub fn run(&self) -> Exit {
        let selected = select(&self.what, &here());
        let loaded = &selected.loaded;
        if loaded.has_errors() {
            match self.format {
                Format::Text => report_findings(&loaded.diagnostics, &loaded.sources, super::Format::Text),
                _ => self.show(&Results::default(), &loaded.diagnostics, &loaded.sources),
            }
            return exit_of(&loaded.diagnostics);
        }
        let rules = selected.rules();
        let progress = Progress::new(rules.len());
        let results = run(loaded, &rules, &|done| progress.draw(done));
        progress.clear();
        let missing = if self.missing { report::missing(&results) } else { vec![] };
        self.show(&results, &missing, &loaded.sources);
        if self.coverage && matches!(self.format, Format::Text | Format::Github) {
            print(&report::coverage(&results, &loaded.sources));
        }
        self.summary(&results);
        if missing.is_empty() && report::failures(&results).is_empty() { Exit::Fine } else { Exit::Findings }
    }

    /// Prints tests that failed, and findings that belong to no test.
    fn show(&self, results: &Results, findings: &[Diagnostic], sources: &Sources) {
        let all = || [report::failures(results), findings.to_vec()].concat();
        match self.format {
            Format::Text => {
                let all = all();
                all.iter().take(MOST_SHOWN).for_each(|d| tell(&to_text(d, sources, style())));
                if all.len() > MOST_SHOWN {
                    tell(&format!("… and {} more", all.len() - MOST_SHOWN));
                }
            }
            Format::Json => {
                let object = report::to_object(results, findings, sources);
                print(&format!("{}\n", serde_json::to_string_pretty(&object).unwrap_or_default()));
            }
            Format::Github => print(&to_github(&all(), sources)),
            Format::Junit => {
                let mut suites = report::suites(results, sources);
                if !findings.is_empty() {
                    suites.push(junit::of_findings("findings", findings, sources));
                }
                print(&junit::to_junit(&suites, sources));
            }
        }
    }

    fn summary(&self, results: &Results) {
        let count = |f: fn(&Outcome) -> bool| results.tests().filter(|r| f(&r.outcome)).count();
        let (all, passed) = (results.tests().count(), count(|o| matches!(o, Outcome::Passed)));
        tell(&format!("{}: {passed} passed, {} failed", counted(all, "test"), all - passed));
        let (parts, reached) = (results.parts().count(), results.parts().filter(|p| p.reached).count());
        if parts > 0 {
            let hint = if reached < parts && !self.coverage { "; `--coverage` lists the rest" } else { "" };
            tell(&format!("{reached} of {parts} branches, utilities, flags and exceptions reached{hint}"));
        }
    }
}

/// One line that is written anew, on a terminal only.
struct Progress {
    of: usize,
    shown: bool,
}

impl Progress {
    fn new(of: usize) -> Progress {
        Progress { of, shown: std::io::stderr().is_terminal() && std::env::var_os("CI").is_none() }
    }

    fn draw(&self, done: usize) {
        if self.shown {
            let _ = write!(std::io::stderr(), "\r{done} of {} rules tested", self.of);
        }
    }

    fn clear(&self) {
        if self.shown {
            let width = 2 * self.of.to_string().len() + " of  rules tested".len();
            let _ = write!(std::io::stderr(), "\r{:width$}\r", "");
        }
    }
}
