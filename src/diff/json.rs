//! A comparison for programs, keyed by rule id.

use super::lines::Lines;
use super::{Difference, DocumentDiff, QueryDiff, RuleDiff, SourceDiff};
use serde_json::{Map, Value, json};

/// The whole comparison.
#[must_use]
pub fn to_json(difference: &Difference) -> Value {
    let (added, removed, changed) = difference.counts();
    let rules: Map<String, Value> = difference.rules.iter().map(|r| (r.id.clone(), rule(r))).collect();
    json!({
        "against": difference.against,
        "added": added,
        "changed": changed,
        "removed": removed,
        "shared": difference.shared.iter().map(source).collect::<Vec<_>>(),
        "rules": rules,
        "documents": difference.documents.iter().map(document).collect::<Vec<_>>(),
    })
}

fn rule(rule: &RuleDiff) -> Value {
    let status = |(target, (before, now)): (&String, &(String, String))| {
        (target.clone(), json!({ "before": before, "now": now }))
    };
    json!({
        "rule": rule.rule,
        "title": rule.title,
        "was": rule.was,
        "changes": rule.changes.iter().map(|c| c.word()).collect::<Vec<_>>(),
        "keys": rule.keys,
        "from": rule.versions.0,
        "to": rule.versions.1,
        "status": rule.status.iter().map(status).collect::<Map<_, _>>(),
        "through": rule.through,
        "source": rule.source.iter().map(source).collect::<Vec<_>>(),
        "queries": rule.queries.iter().map(query).collect::<Vec<_>>(),
        "documents": rule.documents.iter().map(document).collect::<Vec<_>>(),
    })
}

fn source(source: &SourceDiff) -> Value {
    with_lines(json!({ "item": source.item, "path": source.path, "now": source.now }), &source.lines)
}

fn query(query: &QueryDiff) -> Value {
    with_lines(json!({ "targets": query.targets }), &query.lines)
}

fn document(document: &DocumentDiff) -> Value {
    with_lines(json!({ "target": document.target, "path": document.path, "now": document.now }), &document.lines)
}

fn with_lines(mut of: Value, lines: &Lines) -> Value {
    if let Value::Object(fields) = &mut of {
        let told =
            [("added", lines.added.into()), ("removed", lines.removed.into()), ("diff", lines.diff.clone().into())];
        fields.extend(told.map(|(key, value): (&str, Value)| (key.to_owned(), value)));
    }
    of
}
