//! `arcanary check`

use super::{Exit, Format, Input, Today, counted, exit_of, report, tell, tell_disabled, tell_not_for};
use crate::build::{build, check, without_filter, without_index};
use crate::diagnostic::sort;
use crate::pack::state::unlocked;
use clap::Args;
use std::collections::BTreeMap;

/// Check the rules, and whether each target can express them
#[derive(Args)]
pub struct Check {
    #[command(flatten)]
    input: Input,
    /// Check these targets only
    #[arg(long, value_name = "T", value_delimiter = ',')]
    target: Vec<String>,
    /// Also fail if the build would not match pack.lock
    #[arg(long)]
    locked: bool,
    #[command(flatten)]
    today: Today,
}

impl Check {
    pub fn run(&self) -> Exit {
        let mut loaded = self.input.load();
        let Some(targets) = self.input.targets(&self.target, &loaded) else { return Exit::Bad };
        let mut not_for = BTreeMap::new();
        if !loaded.has_errors() {
            let tuning = self.today.findings(&loaded);
            loaded.diagnostics.extend(tuning);
            let built = if self.locked { build(&loaded, &targets) } else { check(&loaded, &targets) };
            if self.locked {
                let differences = unlocked(&loaded, &built);
                loaded.diagnostics.extend(differences);
            }
            let unfiltered = without_filter(&loaded, &built);
            loaded.diagnostics.extend(unfiltered);
            loaded.diagnostics.extend(built.diagnostics);
            not_for = built.not_for;
            let chosen: Vec<&String> = self.target.iter().chain(&loaded.config.targets).collect();
            let without = without_index(&loaded, targets.iter().filter(|t| chosen.contains(t)));
            loaded.diagnostics.extend(without);
            sort(&mut loaded.diagnostics);
        }
        report(&loaded.diagnostics, &loaded.sources, self.input.printed.format);
        let exit = exit_of(&loaded.diagnostics);
        if exit == Exit::Fine && self.input.printed.format == Format::Text {
            tell(&format!(
                "{} for {}: no errors",
                counted(loaded.rules().count(), "rule"),
                counted(targets.len(), "target")
            ));
            tell_not_for(&not_for);
            tell_disabled(&loaded);
        }
        exit
    }
}
