//! `arcanary targets`

use super::{Exit, Printed, here, print, report};
use crate::project::{self, Loaded, unknown_target};
use crate::target::{Targets, describe};
use clap::{Args, Subcommand};

/// List targets, or show one
#[derive(Args)]
pub struct TargetsArgs {
    #[command(subcommand)]
    command: Option<Show>,
    #[command(flatten)]
    printed: Printed,
}

#[derive(Subcommand)]
enum Show {
    /// Show what each field becomes on a target, and what it cannot say
    Show {
        /// The target
        name: String,
    },
}

impl TargetsArgs {
    pub fn run(&self) -> Exit {
        // Targets of the project in this folder count too, where there is one.
        let loaded = project::load_targets(&here());
        if loaded.has_errors() {
            report(&loaded.diagnostics, &loaded.sources, self.printed.format);
            return Exit::Bad;
        }
        match &self.command {
            None => list(&loaded.targets),
            Some(Show::Show { name }) => show(name, &loaded, self.printed),
        }
    }
}

fn list(targets: &Targets) -> Exit {
    let width = targets.all.keys().map(String::len).max().unwrap_or(0);
    for target in targets.all.values() {
        let kinds: Vec<_> = target.sources.keys().map(|k| k.word()).collect();
        print(&format!("{:width$}  {}: {}\n", target.name, target.title, kinds.join(", ")));
    }
    Exit::Fine
}

fn show(name: &str, loaded: &Loaded, printed: Printed) -> Exit {
    match loaded.targets.all.get(name) {
        Some(target) => {
            print(&describe(target));
            Exit::Fine
        }
        None => {
            report(&[unknown_target(name, &loaded.targets)], &loaded.sources, printed.format);
            Exit::Bad
        }
    }
}
