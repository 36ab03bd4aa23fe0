//! Analytics rules and hunting queries as YAML, in the form of Microsoft's public repository.

use super::super::{pairs, render_yaml};
use super::Analytics;
use crate::duration;
use serde_json::{Map, Value, json};

/// An analytics rule.
pub fn rule(said: &Analytics) -> Result<String, String> {
    let mut fields = head(said);
    let overrides = json!({
        "alertDisplayNameFormat": said.title_format,
        "alertDescriptionFormat": said.about_format,
    });
    for (key, value) in [
        ("severity", json!(said.severity)),
        ("queryFrequency", json!(duration::written(said.every))),
        ("queryPeriod", json!(duration::written(said.period))),
        ("triggerOperator", json!("gt")),
        ("triggerThreshold", json!(0)),
        ("customDetails", json!(said.details)),
        ("alertDetailsOverride", overrides),
        ("incidentConfiguration", incident(said, duration::written)),
        ("eventGroupingSettings", json!({ "aggregationKind": "AlertPerResult" })),
        ("suppressionEnabled", json!(false)),
        ("suppressionDuration", json!("5h")),
        ("kind", json!("Scheduled")),
    ] {
        fields.insert(key.to_owned(), value);
    }
    if said.details.is_empty() {
        fields.shift_remove("customDetails");
    }
    render_yaml("sentinel-rule", &Value::Object(fields), 2, vec![("details", pairs(&said.details))])
}

/// A hunting query.
pub fn hunting(said: &Analytics) -> Result<String, String> {
    render_yaml("sentinel-hunting", &Value::Object(head(said)), 2, vec![])
}

/// What analytics rules and hunting queries both say.
fn head(said: &Analytics) -> Map<String, Value> {
    let connectors = said.connectors.iter();
    let connectors: Vec<Value> =
        connectors.map(|(id, tables)| json!({ "connectorId": id, "dataTypes": tables })).collect();
    let line = |text: &str| if text.contains('\n') { format!("{text}\n") } else { text.to_owned() };
    let fields = [
        ("id", json!(said.id)),
        ("name", json!(said.name)),
        ("description", json!(line(&said.description))),
        ("requiredDataConnectors", json!(connectors)),
        ("tactics", json!(said.tactics)),
        ("relevantTechniques", json!(said.techniques)),
        ("query", json!(line(&said.query))),
        ("entityMappings", entities(said)),
        ("version", json!(said.version)),
    ];
    fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

/// The entity mappings, the same in YAML and ARM.
pub(super) fn entities(said: &Analytics) -> Value {
    let mapping = |columns: &[(String, String)]| -> Vec<Value> {
        columns.iter().map(|(identifier, column)| json!({ "identifier": identifier, "columnName": column })).collect()
    };
    let all = said.entities.iter();
    all.map(|e| json!({ "entityType": e.kind, "fieldMappings": mapping(&e.columns) })).collect()
}

/// How alerts become incidents, with durations as `written` writes them.
pub(super) fn incident(said: &Analytics, written: fn(u64) -> String) -> Value {
    let method = if said.group_by.is_empty() { "AllEntities" } else { "Selected" };
    json!({
        "createIncident": true,
        "groupingConfiguration": {
            "enabled": true,
            "reopenClosedIncident": false,
            "lookbackDuration": written(said.grouped),
            "matchingMethod": method,
            "groupByEntities": said.group_by,
            "groupByAlertDetails": [],
            "groupByCustomDetails": [],
        },
    })
}
