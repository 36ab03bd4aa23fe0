//! SigmaHQ's regression data: the events of a rule's firing tests, and what they must match. Its runner reads the events from
//! `.evtx` files, which only Windows writes; what is here is what evtx_dump says of them.
//! <https://github.com/SigmaHQ/sigma/tree/master/regression_data>

use super::{File, RawEvent, render_yaml};
use crate::sema::Rule;
use crate::vocabulary::Os;
use serde_json::json;
use serde_yaml::Value;
use uuid::Uuid;

/// Returns the path of the data of the rule file at this path, both from the repository's root.
#[must_use]
pub fn info(rule: &str) -> String {
    format!("{}/info.yml", folder(rule))
}

fn folder(rule: &str) -> String {
    format!("regression_data/{}", rule.strip_suffix(".yml").unwrap_or(rule))
}

/// The data of one rule file, `at` from the repository's root: none without events of Windows.
pub fn files<'e>(
    rule: &Rule,
    document: &Value,
    at: &str,
    root: &str,
    events: impl Iterator<Item = &'e RawEvent>,
) -> Result<Vec<File>, String> {
    let events: Vec<&RawEvent> = events.filter(|e| e.os == Os::Windows).collect();
    let Some(first) = events.first() else { return Ok(vec![]) };
    let text = |key: &str| document.get(key).and_then(Value::as_str).unwrap_or_default();
    let (id, folder) = (text("id"), folder(at));
    let namespace = Uuid::parse_str(id).unwrap_or(Uuid::NAMESPACE_URL);
    let meta = &rule.meta;
    let day = meta.modified.as_ref().or(meta.date.as_ref());
    let model = json!({
        "id": Uuid::new_v5(&namespace, b"regression").to_string(),
        "description": "Events of the rule's own tests",
        "date": day.map_or("N/A", String::as_str),
        "author": meta.author.as_deref().unwrap_or("N/A"),
        "rule_metadata": [{ "id": id, "title": text("title") }],
        "regression_tests_info": [{
            "name": "Positive Detection Test",
            "type": "evtx",
            "provider": first.log.provider,
            "match_count": events.len(),
            "path": format!("{folder}/{id}.evtx"),
        }],
    });
    let records = events.iter().enumerate().map(|(i, event)| format!("{:#}\n", event.json(i + 1)));
    let file = |name: &str, text: String| File { path: format!("{root}/{folder}/{name}"), text };
    Ok(vec![
        file("info.yml", render_yaml("sigma-regression", &model, 4, vec![])?),
        file(&format!("{id}.json"), records.collect()),
    ])
}
