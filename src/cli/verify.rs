//! `arcanary verify`

use super::{Exit, complain_of, counted, tell};
use crate::pack::verify::verify;
use clap::Args;
use std::path::PathBuf;

/// Check a release: sums, manifest, archives, and nothing else in it
#[derive(Args)]
pub struct Verify {
    /// The folder that `pack` wrote
    #[arg(value_name = "DIR")]
    path: PathBuf,
}

impl Verify {
    pub fn run(&self) -> Exit {
        match verify(&self.path) {
            Ok(release) => {
                let manifest = &release.manifest;
                let rules = counted(manifest.rules.len(), "rule");
                let archives = counted(manifest.archives.len(), "archive");
                tell(&format!("{} {}: {rules} in {archives}: sound", manifest.name, manifest.version));
                Exit::Fine
            }
            Err(wrong) => {
                complain_of(&wrong);
                tell(&format!("{} in {}", counted(wrong.len(), "finding"), self.path.display()));
                Exit::Findings
            }
        }
    }
}
