//! `arcanary new`

use super::{Exit, complain, tell};
use crate::scaffold;
use clap::Args;
use std::path::PathBuf;

/// Begin a project in a new folder
#[derive(Args)]
pub struct New {
    /// The folder; it must not exist, or be empty
    dir: PathBuf,
}

impl New {
    pub fn run(&self) -> Exit {
        match scaffold::new_project(&self.dir) {
            Ok(files) => {
                for file in files {
                    tell(&format!("  {}", self.dir.join(file).display()));
                }
                tell(&format!("next: cd {} && arcanary test", self.dir.display()));
                Exit::Fine
            }
            Err(error) => complain(&error.to_string()),
        }
    }
}
