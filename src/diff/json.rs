//! A comparison for programs, keyed by rule id.

use super::{Difference, DocumentDiff, RuleDiff};
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
        "documents": rule.documents.iter().map(document).collect::<Vec<_>>(),
    })
}

fn document(document: &DocumentDiff) -> Value {
    json!({
        "target": document.target,
        "path": document.path,
        "now": document.now,
        "added": document.added,
        "removed": document.removed,
        "diff": document.diff,
    })
}
