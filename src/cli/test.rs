//! `arcanary test`

use super::{Exit, Format, Input, complain, counted, exit_of, print, report, style, tell};
use crate::diagnostic::{Code, Diagnostic, to_text};
use crate::testing::{Outcome, Ran, missing, run};
use clap::Args;
use serde_json::json;

/// Run the tests inside rules
#[derive(Args)]
pub struct Test {
    #[command(flatten)]
    input: Input,
    /// Run the tests of these rules only
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    rule: Vec<String>,
    /// Fail for rules without both a firing and a silent test
    #[arg(long)]
    missing: bool,
}

impl Test {
    pub fn run(&self) -> Exit {
        let loaded = self.input.load();
        if loaded.has_errors() {
            report(&loaded.diagnostics, &loaded.sources, self.input.format);
            return exit_of(&loaded.diagnostics);
        }
        if let Some(name) = self.rule.iter().find(|n| !loaded.project.rules.contains_key(*n)) {
            return complain(&format!("there is no rule `{name}`"));
        }
        let ran = run(&loaded, &self.rule);
        let lacking = if self.missing { missing(&loaded, &self.rule) } else { vec![] };
        let mut findings: Vec<Diagnostic> = ran.iter().filter_map(failure).collect();
        findings.extend(lacking.iter().map(|(rule, span, what)| {
            Diagnostic::new(Code::TestFailed, format!("rule `{rule}` has {what}"))
                .at(*span, "its tests prove one side only")
        }));
        match self.input.format {
            Format::Json => {
                let all: Vec<_> = ran.iter().map(|r| as_json(r, &loaded.sources.place(r.span))).collect();
                print(&format!("{}\n", serde_json::to_string_pretty(&all).unwrap_or_default()));
            }
            Format::Text => {
                for finding in &findings {
                    tell(&to_text(finding, &loaded.sources, style()));
                }
            }
        }
        summary(&ran);
        if findings.is_empty() { Exit::Fine } else { Exit::Findings }
    }
}

/// What is to be said of a test that failed.
fn failure(ran: &Ran) -> Option<Diagnostic> {
    let Outcome::Failed { expected, got, decided_by } = &ran.outcome else { return None };
    let diagnostic = Diagnostic::new(Code::TestFailed, format!("test \"{}\" of `{}` fails", ran.title, ran.rule))
        .at(ran.span, format!("expected: {expected}; it is: {got}"));
    Some(match decided_by {
        Some(span) => diagnostic.also(*span, "this decided"),
        None => diagnostic,
    })
}

fn as_json(ran: &Ran, place: &str) -> serde_json::Value {
    let (outcome, detail) = match &ran.outcome {
        Outcome::Passed => ("passed", json!(null)),
        Outcome::Failed { expected, got, .. } => ("failed", json!({ "expected": expected, "got": got })),
        Outcome::LeftOut(why) => ("left out", json!(why)),
    };
    json!({ "rule": ran.rule, "test": ran.title, "place": place, "outcome": outcome, "detail": detail })
}

fn summary(ran: &[Ran]) {
    let count = |f: fn(&Outcome) -> bool| ran.iter().filter(|r| f(&r.outcome)).count();
    let (passed, failed) = (count(|o| *o == Outcome::Passed), count(|o| matches!(o, Outcome::Failed { .. })));
    let left = ran.len() - passed - failed;
    let left_out = if left > 0 { format!(", {left} left out") } else { String::new() };
    tell(&format!("{}: {passed} passed, {failed} failed{left_out}", counted(ran.len(), "test")));
    let mut reasons: Vec<&str> =
        ran.iter().filter_map(|r| if let Outcome::LeftOut(why) = r.outcome { Some(why) } else { None }).collect();
    reasons.dedup();
    reasons.sort_unstable();
    reasons.dedup();
    for reason in reasons {
        tell(&format!("left out: {reason}"));
    }
}
