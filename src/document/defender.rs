//! Microsoft Defender XDR: custom detections as Microsoft Graph takes them, `POST /security/rules/detectionRules`, v1.0.
//!
//! <https://learn.microsoft.com/graph/api/resources/security-detectionrule>: the form with `frequency`, `tactics` and
//! `entityMappings`; `period`, `mitreTechniques` and `impactedAssets` are the older one's.

use super::alert::{Entity, Problem, about_without_questions, entities, severity, tactic_name, without_placeholders};
use super::derived::extended;
use super::query::{self, Body};
use super::{Extra, File, Refused, render_json};
use crate::backend::{Shows, one_line};
use crate::document::Document;
use crate::duration::{iso, written};
use crate::sema::Rule;
use crate::target::{Format, Target};
use indexmap::{IndexMap, IndexSet};
use serde_json::{Map, Value, json};

/// The columns by which Defender knows the event of a row.
const NEEDED: [&str; 3] = ["Timestamp", "DeviceId", "ReportId"];
/// Most details of an alert.
const DETAILS: usize = 20;

/// The documents of a rule.
///
/// # Errors
/// What Defender would refuse.
pub fn files(rule: &Rule, target: &Target, document: &Document, formats: &[Format]) -> Result<Vec<File>, Refused> {
    let mut files = vec![];
    // What an analyst hunts with is the query: Microsoft Graph has no resource for it.
    if rule.meta.hunts() {
        return Ok(files);
    }
    for _ in formats.iter().filter(|f| **f == Format::DefenderRule) {
        let text = detection(rule, target, document)?;
        files.push(File { path: format!("{}/detection-rules/{}.json", target.name, rule.name), text });
    }
    Ok(files)
}

fn detection(rule: &Rule, target: &Target, document: &Document) -> Result<String, Refused> {
    let printed = &document.printed;
    let found = entities(rule, target, printed, |e| !e.columns.is_empty());
    let details = printed.columns.iter().filter(|c| matches!(c.shows, Shows::Flag | Shows::Score | Shows::Number));
    let details: Vec<String> = details.map(|c| c.name.clone()).collect();
    let every = frequency(rule, target, printed.reach);
    let problems = problems(rule, document, every, &details);
    if !problems.is_empty() {
        return Err(problems.into());
    }
    let mappings = Value::Object(mappings(&found));
    let custom = Value::Object(details.iter().map(|d| (d.clone(), json!(d))).collect());
    let mut alert = json!({
        "title": without_placeholders(&one_line(&rule.meta.title)),
        "description": without_placeholders(&about_without_questions(rule)),
        "severity": severity(rule, target),
        "recommendedActions": without_placeholders(&rule.meta.triage.join("\n")),
        "tactics": tactics(rule, target),
        "entityMappings": mappings,
        "customDetails": custom,
    });
    if let Some(fields) = alert.as_object_mut() {
        fields.retain(|_, value| !(value == "" || *value == json!([]) || *value == json!({})));
    }
    let model = json!({
        "displayName": one_line(&rule.meta.title),
        "description": one_line(if rule.meta.description.is_empty() { &rule.meta.title } else { &rule.meta.description }),
        "status": if rule.meta.arrives_enabled() { "enabled" } else { "disabled" },
        "queryCondition": { "queryText": extended(query::body(printed, Body::All)?, &found) },
        "schedule": { "frequency": every.map_or_else(String::new, iso) },
        "detectionAction": { "alertTemplate": alert },
    });
    let extra = vec![("mappings", Extra::Json(mappings, 6)), ("custom", Extra::Json(custom, 6))];
    Ok(render_json("defender-rule", &model, extra)?)
}

/// How often the rule runs: the look-back follows from that. The author's frequency, or the next more frequent one that
/// Defender has; without one, the most frequent whose look-back sees a whole match.
fn frequency(rule: &Rule, target: &Target, reach: u64) -> Option<u64> {
    let sees = |(every, back): &&(u64, u64)| every.saturating_add(reach) <= *back;
    match rule.meta.schedule {
        Some(schedule) => {
            let known = target.lookback.iter().filter(|(every, _)| *every <= schedule.every).max();
            known.or(target.lookback.first()).filter(sees).map(|(every, _)| *every)
        }
        None => target.lookback.iter().find(|l| l.0 >= target.alert.every && sees(l)).map(|(every, _)| *every),
    }
}

fn problems(rule: &Rule, document: &Document, every: Option<u64>, details: &[String]) -> Vec<Problem> {
    let columns: Vec<&str> = document.printed.columns.iter().map(|c| c.name.as_str()).collect();
    let mut out: Vec<Problem> = NEEDED
        .iter()
        .filter(|needed| !columns.contains(*needed))
        .map(|needed| Problem {
            span: rule.span,
            why: format!("its rows have no `{needed}`, by which Defender knows an event"),
            cure: "name it under `columns` in the target's file".to_owned(),
        })
        .collect();
    if every.is_none() {
        out.push(Problem {
            span: rule.detect_span,
            why: format!("no frequency of Defender's looks back far enough for {}", written(document.printed.reach)),
            cure: "shorten the window, or run the rule less often in `schedule`".to_owned(),
        });
    }
    if details.len() > DETAILS {
        out.push(Problem {
            span: rule.span,
            why: format!("it has {} flags and figures, and {DETAILS} is the limit", details.len()),
            cure: "join flags into fewer ones".to_owned(),
        });
    }
    out
}

/// Each tactic that the rule claims, with the techniques for which it does.
fn tactics(rule: &Rule, target: &Target) -> Vec<Value> {
    let mut tactics: IndexMap<String, IndexMap<&str, IndexSet<&str>>> = IndexMap::new();
    for technique in &rule.meta.attack {
        let id = technique.id.as_str();
        let (main, sub) = id.split_once('.').map_or((id, None), |(main, _)| (main, Some(id)));
        for tactic in &technique.claimed {
            let tactic = tactics.entry(tactic_name(target, tactic)).or_default();
            tactic.entry(main).or_default().extend(sub);
        }
    }
    let technique =
        |(technique, subs): (&str, IndexSet<&str>)| json!({ "technique": technique, "subTechniques": subs });
    let tactic = |(tactic, techniques): (String, IndexMap<&str, IndexSet<&str>>)| {
        let techniques: Vec<Value> = techniques.into_iter().map(technique).collect();
        json!({ "tactic": tactic, "techniques": techniques })
    };
    tactics.into_iter().map(tactic).collect()
}

/// The entities by kind, as the API has them: a list for each.
fn mappings(entities: &[Entity]) -> Map<String, Value> {
    let mut out: Map<String, Value> = Map::new();
    for entity in entities {
        let columns: Map<String, Value> = entity.columns.iter().map(|(i, c)| (i.clone(), json!(c))).collect();
        if let Value::Array(all) = out.entry(entity.kind.clone()).or_insert_with(|| json!([])) {
            all.push(Value::Object(columns));
        }
    }
    out
}
