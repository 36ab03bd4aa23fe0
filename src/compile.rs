//! From a resolved rule to a target's document: bind, print, wrap.

use crate::backend;
use crate::diagnostic::{Code, Diagnostic};
use crate::document::{Document, Status, query};
use crate::sema::{Project, Rule};
use crate::target::{Target, Unsupported};

/// Compiles one rule for one target.
///
/// # Errors
/// `E0901` for each part that the target cannot say, `E0906` if it does not log the rule's events, `E0903` for a query that the
/// target would refuse.
pub fn compile(rule: &Rule, project: &Project, target: &Target) -> Result<Document, Vec<Diagnostic>> {
    let refused = |all: Vec<Unsupported>| refused(rule, target, &all);
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

/// What the target does not log of the rule's events: then it does not matter what else it lacks. Else each part that it lacks.
fn refused(rule: &Rule, target: &Target, all: &[Unsupported]) -> Vec<Diagnostic> {
    let elsewhere = all.iter().any(|part| part.no_events);
    let (code, message) = match elsewhere {
        true => (Code::NotForTarget, format!("rule `{}` is not for target `{}`", rule.name, target.name)),
        false => (Code::Unsupported, format!("target `{}` does not support rule `{}`", target.name, rule.name)),
    };
    let parts = all.iter().filter(|part| part.no_events == elsewhere);
    parts.map(|part| Diagnostic::new(code, message.clone()).at(part.span, format!("it {}", part.why))).collect()
}
