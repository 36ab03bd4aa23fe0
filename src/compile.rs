//! From a resolved rule to a target's document: bind, print, wrap.

use crate::backend;
use crate::diagnostic::{Code, Diagnostic};
use crate::document::{Document, Status, query};
use crate::sema::{Project, Rule};
use crate::target::{Target, Unsupported};

/// Compiles one rule for one target.
///
/// # Errors
/// `E0901` for each part that the target cannot say, `E0903` for a query that the target would refuse.
pub fn compile(rule: &Rule, project: &Project, target: &Target) -> Result<Document, Vec<Diagnostic>> {
    let refused = |all: Vec<Unsupported>| all.iter().map(|u| unsupported(rule, target, u)).collect::<Vec<_>>();
    let printed = backend::print(rule, project, target).map_err(refused)?;
    let text = query::document(rule, target, &printed).map_err(|why| {
        vec![
            Diagnostic::new(Code::Internal, format!("`{}` has no document for `{}`", rule.name, target.name))
                .at(rule.span, why),
        ]
    })?;
    let characters = text.chars().count();
    if let Some(most) = target.max_characters.filter(|most| characters > *most) {
        return Err(vec![
            Diagnostic::new(
                Code::TooLong,
                format!("target `{}` takes no query as long as that of `{}`", target.name, rule.name),
            )
            .at(rule.detect_span, format!("{} characters, and {most} is the limit", characters))
            .help("split the rule, or name fewer utilities and values"),
        ]);
    }
    let status = if printed.notes.iter().any(|n| n.degraded) { Status::Degraded } else { Status::Exact };
    Ok(Document { text, status, printed })
}

fn unsupported(rule: &Rule, target: &Target, refused: &Unsupported) -> Diagnostic {
    Diagnostic::new(Code::Unsupported, format!("target `{}` does not support rule `{}`", target.name, rule.name))
        .at(refused.span, format!("it {}", refused.why))
}
