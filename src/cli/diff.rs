//! `arcanary diff`

use super::format::print_json;
use super::{Exit, Input, complain, exit_of, here, print, report, tell};
use crate::build::build;
use crate::diff::side::DEFAULT;
use crate::diff::{Side, compare, json, markdown, text};
use crate::file_names::PROJECT;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// Show what a change does to rules, queries and documents
#[derive(Args)]
pub struct Diff {
    /// The project's folder [default: the project in this folder or above]
    #[arg(value_name = "PATH")]
    path: Option<PathBuf>,
    /// Compare with a commit, or with a folder that holds a project, a build or a release
    #[arg(long, value_name = "REF|DIR", default_value = DEFAULT)]
    against: String,
    /// Compare these targets only
    #[arg(long, value_name = "T", value_delimiter = ',')]
    target: Vec<String>,
    /// Print the comparison in this format
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Show changed lines of documents too, not only their number
    #[arg(long)]
    documents: bool,
    /// Exit with 1 if anything differs
    #[arg(long)]
    exit_code: bool,
}

/// The output format of a comparison.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people: unified diffs
    #[default]
    Text,
    /// For programs: one object
    Json,
    /// For a pull request's comment
    Markdown,
}

impl Diff {
    pub fn run(&self) -> Exit {
        let input = Input { paths: self.path.clone().into_iter().collect(), printed: super::Printed::default() };
        let loaded = input.load();
        let Some(targets) = input.targets(&self.target, &loaded) else { return Exit::Bad };
        if loaded.has_errors() {
            report(&loaded.diagnostics, &loaded.sources, super::Format::Text);
            return exit_of(&loaded.diagnostics);
        }
        let Some(root) = loaded.root.clone().filter(|_| loaded.selected.is_none()) else {
            return complain(&format!("`diff` compares whole projects: name a folder with {}", PROJECT));
        };
        let only = (!self.target.is_empty()).then_some(targets.as_slice());
        let old = match Side::find(&self.against, &here(), &root, only) {
            Ok(side) => side,
            Err(why) => return complain(&why),
        };
        let new = Side::of_project("now", &loaded, &build(&loaded, &targets));
        let difference = compare(&old, &new, only);
        match self.format {
            Format::Text => {
                print(&text::to_text(&difference, self.documents));
                tell(&format!("against {}: {}", self.against, difference.summary()));
            }
            Format::Json => {
                print_json(&json::to_json(&difference));
            }
            Format::Markdown => print(&markdown::to_markdown(&difference, self.documents)),
        }
        if self.exit_code && !difference.is_empty() { Exit::Findings } else { Exit::Fine }
    }
}
