//! `arcanary test`

use super::format::{as_text, print_json};
use super::{Exit, Format, Printed, counted, exit_of, here, print, print_as_is, report as report_findings, tell};
use crate::diagnostic::{Diagnostic, junit};
use crate::source::Sources;
use crate::testing::{Outcome, Results, report, run, select};
use clap::Args;
use std::io::{IsTerminal as _, Write as _};

/// Run the tests inside rules, and report coverage
#[derive(Args)]
pub struct Test {
    /// Rule names, files or folders [default: the project in this folder or above]
    #[arg(value_name = "RULE|PATH")]
    what: Vec<String>,
    /// List what no test covers: operands of `or`, utilities of groups, flags, exceptions
    #[arg(long)]
    coverage: bool,
    /// Fail for uncovered parts, and for rules without a firing and a silent test
    #[arg(long)]
    missing: bool,
    #[command(flatten)]
    printed: Printed,
}

impl Test {
    pub fn run(&self) -> Exit {
        let selected = select(&self.what, &here());
        let loaded = &selected.loaded;
        if loaded.has_errors() {
            match self.printed.format {
                Format::Text => report_findings(&loaded.diagnostics, &loaded.sources, Format::Text),
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
        if self.coverage && matches!(self.printed.format, Format::Text | Format::Github) {
            print(&report::coverage(&results, &loaded.sources));
        }
        self.summary(&results);
        if missing.is_empty() && report::failures(&results).is_empty() { Exit::Fine } else { Exit::Findings }
    }

    /// Prints failed tests, and the other findings.
    fn show(&self, results: &Results, findings: &[Diagnostic], sources: &Sources) {
        let all = || [report::failures(results), findings.to_vec()].concat();
        match self.printed.format {
            Format::Text => as_text(&all(), sources),
            Format::Json => print_json(&report::to_object(results, findings, sources)),
            Format::Sarif | Format::Github => report_findings(&all(), sources, self.printed.format),
            Format::Junit => {
                let mut suites = report::suites(results, sources);
                if !findings.is_empty() {
                    suites.push(junit::of_findings("findings", findings, sources));
                }
                print_as_is(&junit::to_junit(&suites, sources));
            }
        }
    }

    fn summary(&self, results: &Results) {
        let count = |f: fn(&Outcome) -> bool| results.tests().filter(|r| f(&r.outcome)).count();
        let (all, passed) = (results.tests().count(), count(|o| matches!(o, Outcome::Passed)));
        tell(&format!("{}: {passed} passed, {} failed", counted(all, "test"), all - passed));
        let (parts, reached) = (results.parts().count(), results.parts().filter(|p| p.reached).count());
        if parts > 0 {
            let hint = if reached < parts && !self.coverage { "; `--coverage` lists the others" } else { "" };
            tell(&format!("{reached} of {parts} branches, utilities, flags and exceptions covered{hint}"));
        }
    }
}

/// A progress line, on terminals only.
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
