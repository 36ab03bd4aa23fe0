//! Stage 5: documents around printed queries, as each platform takes them.
//!
//! A target's file names its formats. Each format prepares a *model* (what the document says, as a JSON value) from a
//! rule's metadata and its printed query, prints every scalar of it, and renders a template. The document is then read
//! again, and it must be the model: `render_yaml` and `render_json` are the only ways to a document with a model.

mod alert;
mod defender;
mod derived;
mod navigator;
pub mod query;
mod raw;
mod regression;
mod sentinel;
mod sigma;
mod splunk;
mod template;

use crate::backend::{Fragment, Printed, yaml};
use crate::diagnostic::{Code, Diagnostic};
use crate::sema::Rule;
use crate::target::{Format, Platform, Target};
use alert::Problem;
use indexmap::IndexMap;
pub use raw::RawEvent;
use serde_json::Value;
pub use splunk::app_id;

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

/// A file of a build beside the queries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its path from the output folder, with `/` between folders.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// What documents say of the pack that they belong to.
#[derive(Clone, Debug, Default)]
pub struct Pack {
    /// Its name.
    pub name: String,
    /// Its version, `X.Y.Z`.
    pub version: String,
    /// The release of ATT&CK that its techniques are of.
    pub attack: String,
    /// The formats that its project names; none: all.
    pub formats: Vec<Format>,
}

impl Pack {
    /// Whether documents of a format are asked for; of a project that names none, all are.
    #[must_use]
    pub fn wants(&self, format: Format) -> bool {
        self.formats.is_empty() || self.formats.contains(&format)
    }
}

/// Why there is no document.
#[derive(Debug)]
enum Refused {
    /// Its platform would refuse it.
    Platform(Vec<Problem>),
    /// A template does not fit its data, or the document does not read as it was meant: a defect of this program.
    Internal(String),
}

impl From<Vec<Problem>> for Refused {
    fn from(problems: Vec<Problem>) -> Refused {
        Refused::Platform(problems)
    }
}

impl From<String> for Refused {
    fn from(why: String) -> Refused {
        Refused::Internal(why)
    }
}

/// The documents of one rule on one target, beside its query. `replay` has the events of its firing tests.
///
/// # Errors
/// `E0905` for each rule of a platform that a document would break, with the place in the source.
pub fn of_rule(
    rule: &Rule,
    target: &Target,
    document: &Document,
    pack: &Pack,
    replay: &[RawEvent],
) -> Result<Vec<File>, Vec<Diagnostic>> {
    let formats: Vec<Format> = target.documents.iter().copied().filter(|f| pack.wants(*f)).collect();
    let mut files = vec![];
    let mut found: Vec<Diagnostic> = vec![];
    let of = |platform: Platform| formats.iter().copied().filter(|f| Platform::of(*f) == platform).collect::<Vec<_>>();
    for platform in [Platform::Sentinel, Platform::Defender, Platform::Sigma, Platform::Splunk] {
        let formats = of(platform);
        if formats.is_empty() {
            continue;
        }
        let made = match platform {
            Platform::Sentinel => sentinel::files(rule, target, document, &formats),
            Platform::Defender => defender::files(rule, target, document, &formats),
            Platform::Sigma => sigma::files(rule, target, document, &formats, replay),
            Platform::Splunk => splunk::files(rule, target, document, &formats, pack, replay),
            Platform::None => Ok(vec![]),
        };
        match made {
            Ok(more) => files.extend(more),
            Err(Refused::Platform(problems)) => {
                found.extend(problems.iter().map(|p| p.diagnostic(rule, target, platform.name())));
            }
            Err(Refused::Internal(why)) => {
                let message = format!("`{}` has no document for `{}`", rule.name, target.name);
                found.push(Diagnostic::new(Code::Internal, message).at(rule.span, why));
            }
        }
    }
    if found.is_empty() { Ok(files) } else { Err(found) }
}

/// The documents over all rules that one target can say.
///
/// # Errors
/// `E0905` for what would make two rules one on the platform.
pub fn of_target(rules: &[(&Rule, Document)], target: &Target, pack: &Pack) -> Result<Vec<File>, Vec<Diagnostic>> {
    let formats: Vec<Format> = target.documents.iter().copied().filter(|f| pack.wants(*f)).collect();
    if rules.is_empty() || !formats.iter().any(|f| Platform::of(*f) == Platform::Splunk) {
        return Ok(vec![]);
    }
    splunk::over_rules(rules, target, &formats, pack).map_err(|refused| match refused {
        splunk::Clash::Twins(twins) => {
            twins.iter().map(|(rule, problem)| problem.diagnostic(rule, target, Platform::Splunk.name())).collect()
        }
        splunk::Clash::Internal(why) => {
            let message = format!("documents over all rules of `{}`", target.name);
            vec![Diagnostic::new(Code::Internal, format!("{message}: {why}"))]
        }
    })
}

/// The documents over all rules of a project on all its targets; `rules` with the targets that can say each.
///
/// # Errors
/// A message for the developers of this program.
pub fn of_pack(rules: &[(&Rule, Vec<&Target>)], pack: &Pack) -> Result<Vec<File>, String> {
    if pack.wants(Format::Navigator) { Ok(vec![navigator::layer(rules, pack)?]) } else { Ok(vec![]) }
}

/// How a scalar is written; with how deep it stands in records, or `None` within a list.
type Print<'p> = &'p dyn Fn(&Value, Option<usize>) -> String;

/// A model as fragments.
fn fragments(model: &Value, print: Print, depth: Option<usize>) -> Vec<(String, Fragment)> {
    let Value::Object(fields) = model else { return vec![] };
    fields.iter().map(|(name, value)| (name.clone(), fragment(value, print, depth))).collect()
}

fn fragment(value: &Value, print: Print, depth: Option<usize>) -> Fragment {
    match value {
        Value::Array(all) => Fragment::List(all.iter().map(|v| fragment(v, print, None)).collect()),
        Value::Object(_) => Fragment::Record(fragments(value, print, depth.map(|d| d + 1))),
        scalar => Fragment::Text(print(scalar, depth)),
    }
}

/// A part of a model whose keys are data, for a template that cannot name them.
enum Extra {
    /// A record: a list of `key` and `value`.
    Pairs(Vec<(String, String)>),
    /// JSON as a whole, so many columns deep.
    Json(Value, usize),
}

fn pairs(record: &IndexMap<String, String>) -> Extra {
    Extra::Pairs(record.iter().map(|(key, value)| (key.clone(), value.clone())).collect())
}

/// Such parts by the names that the template has for them.
type Extras = Vec<(&'static str, Extra)>;

impl Extra {
    fn fragment(self, print: Print) -> Fragment {
        match self {
            Extra::Pairs(pairs) => {
                let text = |text: String| Fragment::Text(print(&Value::String(text), None));
                let pair = |(key, value)| Fragment::record(vec![("key", text(key)), ("value", text(value))]);
                Fragment::List(pairs.into_iter().map(pair).collect())
            }
            Extra::Json(value, indent) => {
                let text = serde_json::to_string_pretty(&value).unwrap_or_default();
                Fragment::Text(text.replace('\n', &format!("\n{}", " ".repeat(indent))))
            }
        }
    }
}

/// Renders a YAML document, `indent` deep, and reads it again.
fn render_yaml(template: &str, model: &Value, indent: usize, extra: Extras) -> Result<String, String> {
    let print = |value: &Value, depth: Option<usize>| match (value, depth) {
        (Value::String(text), Some(depth)) if text.contains('\n') => yaml::block(text, indent * depth),
        (Value::String(text), _) => yaml::scalar(text),
        (other, _) => other.to_string(),
    };
    let mut data = fragments(model, &print, Some(1));
    data.extend(extra.into_iter().map(|(name, extra)| (name.to_owned(), extra.fragment(&print))));
    let text = template::render(template, data)?;
    let read: Value = serde_yaml::from_str(&text).map_err(|e| format!("it is no YAML: {e}"))?;
    compared(model, &read, text)
}

/// Renders a JSON document and reads it again.
fn render_json(template: &str, model: &Value, extra: Extras) -> Result<String, String> {
    let print = |value: &Value, _| value.to_string();
    let mut data = fragments(model, &print, None);
    data.extend(extra.into_iter().map(|(name, extra)| (name.to_owned(), extra.fragment(&print))));
    let text = template::render(template, data)?;
    let read: Value = serde_json::from_str(&text).map_err(|e| format!("it is no JSON: {e}"))?;
    compared(model, &read, text)
}

fn compared(model: &Value, read: &Value, text: String) -> Result<String, String> {
    match difference(model, read, "") {
        None => Ok(text),
        Some(place) => Err(format!("it does not read as it was meant at `{place}`")),
    }
}

/// The first place where two values differ.
fn difference(a: &Value, b: &Value, place: &str) -> Option<String> {
    let below = |name: &str| if place.is_empty() { name.to_owned() } else { format!("{place}.{name}") };
    match (a, b) {
        (Value::Object(x), Value::Object(y)) => {
            let lost = x.keys().find(|k| !y.contains_key(*k)).or(y.keys().find(|k| !x.contains_key(*k)));
            lost.map(|k| below(k)).or_else(|| x.iter().find_map(|(k, v)| difference(v, y.get(k)?, &below(k))))
        }
        (Value::Array(x), Value::Array(y)) if x.len() == y.len() => {
            x.iter().zip(y).enumerate().find_map(|(i, (v, w))| difference(v, w, &below(&i.to_string())))
        }
        _ => (a != b).then(|| place.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_first_difference_is_named() {
        let model = json!({ "a": [{ "b": 1 }, { "b": "x" }], "c": true });
        assert_eq!(difference(&model, &model, ""), None);
        let other = json!({ "a": [{ "b": 1 }, { "b": "y" }], "c": true });
        assert_eq!(difference(&model, &other, "").as_deref(), Some("a.1.b"));
        assert_eq!(difference(&model, &json!({ "a": [], "c": true }), "").as_deref(), Some("a"));
        assert_eq!(difference(&json!({}), &json!({ "new": 1 }), "").as_deref(), Some("new"));
    }
}
