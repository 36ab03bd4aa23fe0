//! From a resolved rule to a target's document: bind, print, wrap.

use crate::backend;
use crate::backend::Printed;
use crate::diagnostic::{Code, Diagnostic};
use crate::document::query;
use crate::sema::{Project, Rule};
use crate::target::{Target, Unsupported};

/// How far a document says what its rule means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// In full.
    Exact,
    /// Parts were dropped as their author allowed, or a part rests on what the platform does not document; notes say which.
    Degraded,
}

/// A rule on a target.
#[derive(Clone, Debug)]
pub struct Document {
    /// The document's text.
    pub text: String,
    /// How far it says what the rule means.
    pub status: Status,
    /// The query in parts, its columns and its notes.
    pub printed: Printed,
}

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

#[cfg(test)]
pub(crate) mod tests {
    use super::compile;
    use crate::target::Targets;

    /// The document of a rule of these entries on a built-in target, or why there is none.
    pub(crate) fn on(target: &str, entries: &str) -> Result<String, String> {
        compiled(target, entries).map_err(|refused| refused.first().cloned().unwrap_or_default())
    }

    /// All that a built-in target says to a rule of these entries that it refuses.
    pub(crate) fn refusals(target: &str, entries: &str) -> Vec<String> {
        compiled(target, entries).expect_err("a rule that the target cannot say")
    }

    fn compiled(target: &str, entries: &str) -> Result<String, Vec<String>> {
        let text = format!(
            "rule r {{ title \"R\" id 00000000-0000-4000-8000-000000000001 level low os [windows]\n{entries}\n}}"
        );
        let mut sources = crate::source::Sources::new();
        let file = sources.add("r.det", &text);
        let parsed = vec![crate::syntax::parse(file, &text)];
        let (project, found) = crate::sema::resolve(parsed, &indexmap::IndexMap::new());
        assert!(found.is_empty(), "{found:?}");
        let document = compile(&project.rules["r"], &project, &Targets::built_in().all[target]);
        document.map(|d| d.text).map_err(|refused| refused.iter().map(|d| d.labels[0].text.clone()).collect())
    }
}
