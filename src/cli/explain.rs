//! `arcanary explain`

use super::{Exit, Input, exit_of, explain_code, no_such_rule, print, report};
use crate::diagnostic::Code;
use crate::explain::explain;
use clap::Args;

/// Explain a rule and its queries, or a finding's code such as E0105
#[derive(Args)]
pub struct Explain {
    /// The rule's name, or a finding's code
    #[arg(value_name = "RULE|CODE")]
    rule: String,
    #[command(flatten)]
    input: Input,
    /// Show these targets only
    #[arg(long, value_name = "T", value_delimiter = ',')]
    target: Vec<String>,
}

impl Explain {
    pub fn run(&self) -> Exit {
        let loaded = self.input.load();
        // A code has an explanation without a project, or with a broken one. A rule of that name comes first.
        if let Some(code) = Code::find(&self.rule).filter(|_| !loaded.project.rules.contains_key(&self.rule)) {
            return explain_code(code);
        }
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
