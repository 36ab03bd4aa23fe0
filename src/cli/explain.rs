//! `arcanary explain`

use super::{Exit, Input, exit_of, no_such_rule, print, report};
use crate::explain::explain;
use clap::Args;

/// Say in plain words what a rule matches
#[derive(Args)]
pub struct Explain {
    /// The rule
    rule: String,
    #[command(flatten)]
    input: Input,
    /// Ask these targets only
    #[arg(long, value_name = "T", value_delimiter = ',')]
    target: Vec<String>,
}

impl Explain {
    pub fn run(&self) -> Exit {
        let loaded = self.input.load();
        if loaded.has_errors() {
            report(&loaded.diagnostics, &loaded.sources, self.input.printed.format);
            return exit_of(&loaded.diagnostics);
        }
        let Some(targets) = self.input.targets(&self.target, &loaded) else { return Exit::Bad };
        let Some(rule) = loaded.project.rules.get(&self.rule) else {
            return no_such_rule(&self.rule, &loaded);
        };
        print(&explain(rule, &loaded, &targets));
        Exit::Fine
    }
}
