//! `arcanary new`

use super::{Exit, complain, tell};
use crate::escape;
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
                    tell(&format!("  {}", escape::line(&self.dir.join(file).display().to_string())));
                }
                tell(&format!("next: cd {} && arcanary test", escape::line(&self.dir.display().to_string())));
                Exit::Fine
            }
            Err(error) => complain(&escape::line(&error.to_string())),
        }
    }
}
