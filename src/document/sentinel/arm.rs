//! Analytics rules and hunting queries as ARM templates: what a repository connection deploys, and what Sentinel's own
//! import takes. A hunting query is a saved search of the workspace, in Sentinel's category.
//! <https://learn.microsoft.com/azure/templates/microsoft.operationalinsights/workspaces/savedsearches>

use super::super::{pairs, render_json};
use super::Analytics;
use super::content::{entities, incident};
use crate::duration::iso;
use serde_json::{Value, json};

const SCHEMA: &str = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#";

/// An ARM template with one hunting query.
pub fn hunting(said: &Analytics) -> Result<String, String> {
    let tag = |name: &str, value: String| (!value.is_empty()).then(|| json!({ "name": name, "value": value }));
    let tags = [
        tag("description", said.description.clone()),
        tag("tactics", said.tactics.join(",")),
        tag("techniques", said.techniques.join(",")),
    ];
    let properties = literal(json!({
        "category": "Hunting Queries",
        "displayName": said.name,
        "query": said.query,
        "version": 2,
        "tags": tags.into_iter().flatten().collect::<Vec<_>>(),
    }));
    let model = json!({
        "$schema": SCHEMA,
        "contentVersion": format!("{}.0", said.version),
        "parameters": { "workspace": { "type": "String" } },
        "resources": [{
            "type": "Microsoft.OperationalInsights/workspaces/savedSearches",
            "apiVersion": "2020-08-01",
            "name": format!("[concat(parameters('workspace'), '/{}')]", said.id),
            "properties": properties,
        }],
    });
    render_json("sentinel-arm-hunting", &model, vec![])
}

/// The version of the API, and the preview that has `subTechniques`.
const STABLE: &str = "2025-09-01";
const PREVIEW: &str = "2025-07-01-preview";

/// An ARM template with one analytics rule.
pub fn rule(said: &Analytics) -> Result<String, String> {
    let id = &said.id;
    let mut properties = json!({
        "displayName": said.name,
        "description": said.description,
        "severity": said.severity,
        "enabled": said.enabled,
        "query": said.query,
        "queryFrequency": iso(said.every),
        "queryPeriod": iso(said.period),
        "triggerOperator": "GreaterThan",
        "triggerThreshold": 0,
        "suppressionEnabled": false,
        "suppressionDuration": "PT5H",
        "tactics": said.tactics,
        "techniques": said.techniques,
        "entityMappings": entities(said),
        "customDetails": said.details,
        "alertDetailsOverride": {
            "alertDisplayNameFormat": said.title_format,
            "alertDescriptionFormat": said.about_format,
        },
        "incidentConfiguration": incident(said, iso),
        "eventGroupingSettings": { "aggregationKind": "AlertPerResult" },
    });
    if let Some(properties) = properties.as_object_mut() {
        if let Some(ids) = &said.sub_techniques {
            properties.insert("subTechniques".to_owned(), json!(ids));
        }
        // An empty record is refused.
        if said.details.is_empty() {
            properties.shift_remove("customDetails");
        }
    }
    let properties = literal(properties);
    let provider = "resourceId('Microsoft.OperationalInsights/workspaces/providers', parameters('workspace'), \
                    'Microsoft.SecurityInsights')";
    let model = json!({
        "$schema": SCHEMA,
        "contentVersion": format!("{}.0", said.version),
        "parameters": { "workspace": { "type": "String" } },
        "resources": [{
            "id": format!("[concat({provider}, '/alertRules/{id}')]"),
            "name": format!("[concat(parameters('workspace'), '/Microsoft.SecurityInsights/{id}')]"),
            "type": "Microsoft.OperationalInsights/workspaces/providers/alertRules",
            "kind": "Scheduled",
            "apiVersion": if said.sub_techniques.is_some() { PREVIEW } else { STABLE },
            "properties": properties,
        }],
    });
    render_json("sentinel-arm", &model, vec![("details", pairs(&said.details))])
}

/// In an ARM template, text in brackets is an expression unless its bracket is doubled.
fn literal(value: Value) -> Value {
    match value {
        Value::String(text) if text.starts_with('[') && text.ends_with(']') => Value::String(format!("[{text}")),
        Value::Array(all) => all.into_iter().map(literal).collect(),
        Value::Object(fields) => fields.into_iter().map(|(k, v)| (k, literal(v))).collect(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_in_brackets_is_no_expression() {
        assert_eq!(literal(json!({ "a": ["[x]", "[x", "x]"] })), json!({ "a": ["[[x]", "[x", "x]"] }));
    }
}
