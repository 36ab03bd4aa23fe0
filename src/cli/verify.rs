//! `arcanary verify`

use super::{Exit, Format, Printed, complain, complain_of, counted, report, shown, tell};
use crate::diagnostic::{Code, Diagnostic};
use crate::pack::verify::verify;
use crate::source::Sources;
use clap::Args;
use std::path::PathBuf;

/// Check that a release is complete and unchanged
#[derive(Args)]
pub struct Verify {
    /// The folder that `arcanary pack` wrote
    #[arg(value_name = "DIR")]
    path: PathBuf,
    #[command(flatten)]
    printed: Printed,
}

impl Verify {
    pub fn run(&self) -> Exit {
        if !self.path.is_dir() {
            return complain(&format!(
                "there is no folder `{}`: name the folder that `arcanary pack` wrote",
                shown(&self.path)
            ));
        }
        match verify(&self.path) {
            Ok(release) => {
                let manifest = &release.manifest;
                let rules = counted(manifest.rules.len(), "rule");
                let archives = counted(manifest.archives.len(), "archive");
                self.report(&[]);
                tell(&format!("{} {}: {rules} in {archives}, no errors", manifest.name, manifest.version));
                Exit::Fine
            }
            Err(wrong) => {
                self.report(&wrong);
                tell(&format!("{} in {}", counted(wrong.len(), "finding"), shown(&self.path)));
                Exit::Findings
            }
        }
    }

    /// Prints a line for each finding. Findings in a release have no place in a source.
    fn report(&self, wrong: &[String]) {
        let findings = wrong.iter().map(|why| Diagnostic::new(Code::BadRelease, why.as_str()));
        match self.printed.format {
            Format::Text => {
                complain_of(wrong);
            }
            format => report(&findings.collect::<Vec<_>>(), &Sources::new(), format),
        }
    }
}
