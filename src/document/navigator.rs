//! A layer for MITRE's ATT&CK Navigator, format 4.5: which techniques the pack detects, by which rules, on which targets.

use super::{File, Pack, render_json};
use crate::sema::Rule;
use crate::target::Target;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The layer of a pack; `rules` with the targets that can say each.
pub fn layer(rules: &[(&Rule, Vec<&Target>)], pack: &Pack) -> Result<File, String> {
    let mut covered: BTreeMap<&str, Vec<&(&Rule, Vec<&Target>)>> = BTreeMap::new();
    for entry in rules.iter().filter(|(_, targets)| !targets.is_empty()) {
        for technique in &entry.0.meta.attack {
            covered.entry(&technique.id).or_default().push(entry);
        }
    }
    let most = covered.values().map(Vec::len).max().unwrap_or(0).max(1);
    let subs = |id: &str| covered.keys().any(|other| other.strip_prefix(id).is_some_and(|rest| rest.starts_with('.')));
    let techniques: Vec<Value> =
        covered.iter().map(|(id, rules)| technique(id, rules, subs(id))).chain(parents(&covered)).collect();
    let name = if pack.name.is_empty() { "detections" } else { &pack.name };
    let model = json!({
        "name": name,
        "versions": { "attack": pack.attack.split('.').next(), "navigator": "5.1.0", "layer": "4.5" },
        "domain": "enterprise-attack",
        "description": format!("What {name} {} detects: the score of a technique is its number of rules.", pack.version),
        "techniques": techniques,
        // A gradient needs two different ends.
        "gradient": { "colors": ["#ffffff", "#66b1ff"], "minValue": 0, "maxValue": most },
    });
    Ok(File { path: "navigator/layer.json".to_owned(), text: render_json("navigator", &model, vec![])? })
}

fn technique(id: &str, rules: &[&(&Rule, Vec<&Target>)], subs: bool) -> Value {
    let named = rules.iter().flat_map(|(rule, _)| &rule.meta.attack);
    let name = named.filter(|technique| technique.id == id).map(|technique| technique.name.as_str()).next();
    let metadata = rules.iter().map(|(rule, targets)| {
        let on = targets.iter().map(|t| t.name.as_str()).collect::<Vec<_>>().join(", ");
        json!({ "name": rule.meta.title, "value": format!("{} on {on}", rule.name) })
    });
    json!({
        "techniqueID": id,
        "score": rules.len(),
        "comment": name,
        "metadata": metadata.collect::<Vec<_>>(),
        "showSubtechniques": subs,
    })
}

/// Techniques that are covered only by their sub-techniques are shown open, without a score of their own.
fn parents(covered: &BTreeMap<&str, Vec<&(&Rule, Vec<&Target>)>>) -> Vec<Value> {
    let mut ids: Vec<&str> = covered.keys().filter_map(|id| Some(id.split_once('.')?.0)).collect();
    ids.dedup();
    ids.retain(|id| !covered.contains_key(id));
    ids.into_iter().map(|id| json!({ "techniqueID": id, "showSubtechniques": true })).collect()
}
