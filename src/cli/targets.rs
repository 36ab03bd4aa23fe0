//! `arcanary targets`

use super::{Exit, Printed, here, print, report};
use crate::build;
use crate::project::{self, Loaded, unknown_target};
use crate::target::{Targets, describe};
use clap::{Args, Subcommand};

/// List targets, or show one target's field mapping
#[derive(Args)]
pub struct TargetsArgs {
    #[command(subcommand)]
    command: Option<Show>,
    #[command(flatten)]
    printed: Printed,
}

#[derive(Subcommand)]
enum Show {
    /// Show a target's field mapping, which fields it lacks, and which rules of the project are not for it
    Show {
        /// The target's name
        name: String,
    },
}

impl TargetsArgs {
    pub fn run(&self) -> Exit {
        // Includes the targets of the project in this folder, if there is one.
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

/// The rules of the project in this folder that are not for a target; empty without a project or without such rules.
fn rules_elsewhere(target: &str) -> String {
    let loaded = project::load(&[], &here());
    if loaded.has_errors() {
        return String::new();
    }
    let built = build::check(&loaded, &[target.to_owned()]);
    match built.not_for.get(target) {
        Some(rules) => format!("\nRules whose events it does not log: {}\n", rules.join(", ")),
        None => String::new(),
    }
}

fn show(name: &str, loaded: &Loaded, printed: Printed) -> Exit {
    match loaded.targets.all.get(name) {
        Some(target) => {
            print(&describe(target));
            print(&rules_elsewhere(name));
            Exit::Fine
        }
        None => {
            report(&[unknown_target(name, &loaded.targets)], &loaded.sources, printed.format);
            Exit::Bad
        }
    }
}
