//! The query itself behind a header of comments; on Sigma, its YAML.

use super::template::render;
use crate::backend::sigma::own_title;
use crate::backend::{Fragment, Printed, kql, one_line, spl};
use crate::sema::Rule;
use crate::target::{Language, Target};
use serde::Deserialize as _;

/// Fragments of other documents.
const OTHERS: [&str; 3] = ["scheduled", "bare", "filters"];

/// The query of a rule on a target.
///
/// # Errors
/// A message for the developers of this program: a template that does not fit its data, or a document that does not
/// read as it was meant. No source can cause it.
pub fn document(rule: &Rule, target: &Target, printed: &Printed) -> Result<String, String> {
    let language = target.language;
    let (template, comment): (&str, fn(&str) -> String) = match language {
        Language::Kql => ("kql", kql::comment),
        Language::Spl => ("spl", spl::comment),
        Language::Sigma => ("sigma", one_line),
    };
    let lines = |all: Vec<String>| Fragment::List(all.iter().map(|l| Fragment::Text(comment(l))).collect());
    let mut data: Vec<(String, Fragment)> = printed
        .fragments
        .iter()
        .filter(|(name, _)| !OTHERS.contains(name))
        .map(|(name, fragment)| ((*name).to_owned(), fragment.clone()))
        .collect();
    data.push(("notes".to_owned(), lines(printed.notes.iter().map(|n| n.text.clone()).collect())));
    if language != Language::Sigma {
        header(rule, comment, &lines, &mut data);
    }
    let rendered = render(template, data)?;
    if language == Language::Sigma {
        read_again(rule, &rendered)?;
    }
    Ok(rendered)
}

/// Some of the documents of a Sigma rule, behind its notes.
///
/// # Errors
/// A message for the developers of this program.
pub fn sigma(printed: &Printed, documents: Vec<Fragment>) -> Result<String, String> {
    let notes = printed.notes.iter().map(|n| Fragment::Text(one_line(&n.text))).collect();
    let data = [("documents", Fragment::List(documents)), ("notes", Fragment::List(notes))];
    let text = render("sigma", data.into_iter().map(|(name, fragment)| (name.to_owned(), fragment)).collect())?;
    for document in serde_yaml::Deserializer::from_str(&text) {
        serde_yaml::Value::deserialize(document).map_err(|e| format!("it is no YAML: {e}"))?;
    }
    Ok(text)
}

/// Which KQL query of a rule a document holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// All that it finds.
    All,
    /// What came in since the last run.
    New,
}

/// The KQL query of a rule behind its notes alone, for documents that say the rest in places of their own.
///
/// # Errors
/// A message for the developers of this program.
pub fn body(printed: &Printed, which: Body) -> Result<String, String> {
    let name = if which == Body::New { "scheduled" } else { "query" };
    let query = printed.fragments.iter().find(|(n, _)| *n == name).map(|(_, fragment)| fragment.clone());
    let query = query.ok_or_else(|| format!("no printer made the fragment `{name}`"))?;
    let notes = printed.notes.iter().map(|n| Fragment::Text(kql::comment(&n.text))).collect();
    let data = vec![("query".to_owned(), query), ("notes".to_owned(), Fragment::List(notes))];
    render("kql-body", data).map(|text| text.trim_end().to_owned())
}

/// What the comments in front of a query say.
fn header(
    rule: &Rule,
    comment: fn(&str) -> String,
    lines: &impl Fn(Vec<String>) -> Fragment,
    data: &mut Vec<(String, Fragment)>,
) {
    let meta = &rule.meta;
    let attack =
        if meta.attack.is_empty() { String::new() } else { format!(", ATT&CK: {}", meta.technique_ids().join(", ")) };
    let line = |key: &str, value: &Option<String>| value.as_ref().map(|v| format!("{key}: {v}"));
    let credits = [line("author", &meta.author), line("license", &meta.license)].into_iter().flatten().collect();
    let description = meta.description.lines().map(str::to_owned).filter(|l| !l.trim().is_empty()).collect();
    let text = |t: &str| Fragment::Text(comment(t));
    for (name, fragment) in [
        ("title", text(&meta.title)),
        ("id", text(&meta.id)),
        ("level", text(&format!("{}{attack}", meta.level.word()))),
        ("credits", lines(credits)),
        ("description", lines(description)),
    ] {
        data.push((name.to_owned(), fragment));
    }
}

/// A Sigma document must read as YAML and carry the rule's own id, title and level; the level of base rules of a correlation is
/// `informational`.
fn read_again(rule: &Rule, text: &str) -> Result<(), String> {
    let several = rule.over_several_events().is_some();
    let mut main = false;
    for (i, document) in serde_yaml::Deserializer::from_str(text).enumerate() {
        let document = serde_yaml::Value::deserialize(document)
            .map_err(|e| format!("the document of `{}` is not YAML: {e}", rule.name))?;
        let field = |key: &str| document.get(key).and_then(|v| v.as_str()).unwrap_or("").to_owned();
        let title = own_title(rule).to_lowercase();
        let alerts = !several || document.get("correlation").is_some();
        let same = field("title").to_lowercase().starts_with(&title)
            && field("level") == if alerts { rule.meta.level.word() } else { "informational" }
            && (i > 0 || several || field("id") == rule.meta.id);
        main |= alerts && field("id") == rule.meta.id;
        if !same {
            return Err(format!("the document of `{}` does not read as it was written", rule.name));
        }
    }
    if main { Ok(()) } else { Err(format!("no document of `{}` carries its id", rule.name)) }
}
