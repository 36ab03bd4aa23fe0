//! Detections as Splunk's `contentctl` takes them into a content repository: a file for each, and beside them the macros
//! and the story that they name. <https://github.com/splunk/contentctl>

use super::super::{File, Pack, RawEvent, render_yaml};
use super::{Alarm, MACRO, conf, macros, message};
use crate::backend::{capital, one_line};
use crate::file_names::is_pack_name;
use crate::sema::Level;
use crate::target::{Target, log_of};
use indexmap::IndexSet;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use uuid::Uuid;

/// What a rule without a date has: contentctl asks for one.
const NO_DATE: &str = "1970-01-01";
const AUTHOR: usize = 255;
/// What Splunk's own content calls the test of a detection.
const TEST: &str = "True Positive Test";
const PRODUCTS: [&str; 3] = ["Splunk Enterprise", "Splunk Enterprise Security", "Splunk Cloud"];

/// The detection of a rule, and the attack data that its test replays.
pub fn files(said: &Alarm, target: &Target, pack: &Pack, replay: &[RawEvent]) -> Result<Vec<File>, String> {
    let mut files = vec![];
    let mut data: Vec<Value> = vec![];
    let logs: IndexSet<(&str, &str)> = replay.iter().map(|e| (&*e.log.source, &*e.log.sourcetype)).collect();
    for (source, sourcetype) in logs {
        let lines = replay.iter().filter(|e| e.log.source == source).enumerate().map(|(i, e)| e.xml(i + 1) + "\n");
        let name = file_name(&source.replace([':', ' '], "-"));
        let path = format!("attack_data/{}/{name}.log", said.called);
        data.push(json!({ "data": path, "source": source, "sourcetype": sourcetype }));
        files.push(File { path: format!("{}/contentctl/{path}", target.name), text: lines.collect() });
    }
    let tests = if data.is_empty() { json!([]) } else { json!([{ "name": TEST, "attack_data": data }]) };
    files.insert(0, detection(said, target, pack, tests)?);
    Ok(files)
}

fn detection(said: &Alarm, target: &Target, pack: &Pack, tests: Value) -> Result<File, String> {
    let meta = &said.rule.meta;
    let mut model = json!({
        "name": title_of(&said.called),
        "id": target.id_of(&meta.id),
        "version": said.rule.revision,
        "date": date(said),
        "author": author(meta.author.as_deref().unwrap_or(&pack.name)),
        "status": status(said),
        "type": kind(said),
        "enabled_by_default": meta.arrives_enabled().then_some(true),
        "description": format!("{}: {}", said.title, said.description),
        "data_source": said.data_sources,
        "search": without_comments(&said.content),
        "how_to_implement": how(said, target),
        "known_false_positives": harmless(said),
        "references": meta.references.iter().filter(|r| is_page(r)).collect::<Vec<_>>(),
        "deployment": deployment(said),
        "drilldown_searches": drilldowns(said),
        "rba": rba(said),
        "tags": tags(said, target, pack, tests == json!([])),
        "tests": tests,
    });
    if let Some(fields) = model.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
    }
    let path = format!("{}/contentctl/detections/{}/{}.yml", target.name, said.domain, said.called);
    Ok(File { path, text: render("splunk-detection", model)? })
}

/// Renders a document whose texts become values of a `.conf` file. A search ends with a macro and stays as it is.
fn render(template: &str, mut model: Value) -> Result<String, String> {
    settle(&mut model);
    render_yaml(template, &model, 2, vec![])
}

fn settle(value: &mut Value) {
    match value {
        Value::String(text) => *text = conf::settled(text),
        Value::Array(all) => all.iter_mut().for_each(settle),
        Value::Object(fields) => fields.iter_mut().filter(|(key, _)| *key != "search").for_each(|(_, v)| settle(v)),
        _ => {}
    }
}

/// The macros and data sources of the detections, and the story that they belong to. contentctl makes the filters itself.
pub fn shared(alarms: &[Alarm], target: &Target, pack: &Pack) -> Result<Vec<File>, String> {
    let mut files = vec![];
    for (name, definition) in macros(alarms, target) {
        let model = json!({ "name": name, "definition": definition, "description": MACRO });
        let path = format!("{}/contentctl/macros/{}.yml", target.name, file_name(name));
        files.push(File { path, text: render("splunk-macro", model)? });
    }
    let names: BTreeSet<&String> = alarms.iter().flat_map(|a| &a.data_sources).collect();
    for name in names {
        let Some((log, _)) = log_of(name) else { continue };
        let model = json!({
            "name": name,
            "id": id_of("data source", name),
            "version": 1,
            "date": NO_DATE,
            "author": author(&pack.name),
            "description": format!("Data source object for {name}"),
            "source": log.source,
            "sourcetype": log.sourcetype,
        });
        let path = format!("{}/contentctl/data_sources/{}.yml", target.name, file_name(name));
        files.push(File { path, text: render("splunk-data-source", model)? });
    }
    if is_pack_name(&pack.name) && !alarms.is_empty() {
        let text = story(alarms, target, pack)?;
        let name = file_name(&story_name(target, pack));
        files.push(File { path: format!("{}/contentctl/stories/{name}.yml", target.name), text });
    }
    Ok(files)
}

fn story_name(target: &Target, pack: &Pack) -> String {
    title_of(&file_name(&target.name_of(&pack.name, '-')))
}

fn story(alarms: &[Alarm], target: &Target, pack: &Pack) -> Result<String, String> {
    let name = story_name(target, pack);
    let model = json!({
        "name": name,
        "id": id_of("story", &name),
        "version": 1,
        "date": alarms.iter().map(date).max().unwrap_or(NO_DATE),
        "author": author(&pack.name),
        "status": "production",
        "description": format!("The detections of {} for {}.", pack.name, target.title),
        "narrative": format!("The rules of {} are written once and compiled for each platform.", pack.name),
        "references": [],
        "tags": { "category": ["Adversary Tactics"], "product": PRODUCTS, "usecase": "Advanced Threat Detection" },
    });
    render("splunk-story", model)
}

/// The id of what has none in the pack.
fn id_of(what: &str, name: &str) -> String {
    Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("arcanary:{what}:{name}").as_bytes()).to_string()
}

/// The name of a detection: contentctl derives those of its file and of its filter macro from it, and they are the rule's.
fn title_of(rule: &str) -> String {
    rule.split('_').map(capital).collect::<Vec<_>>().join(" ")
}

/// The name of the file of something with this name.
fn file_name(name: &str) -> String {
    name.replace([' ', '-', '.', '/'], "_").to_lowercase()
}

fn date<'a>(said: &'a Alarm) -> &'a str {
    let meta = &said.rule.meta;
    meta.modified.as_deref().or(meta.date.as_deref()).unwrap_or(NO_DATE)
}

fn author(name: &str) -> String {
    let name = if name.trim().is_empty() { "unknown" } else { name };
    one_line(name).chars().take(AUTHOR).collect()
}

fn status(said: &Alarm) -> &'static str {
    match said.rule.meta.status.as_deref() {
        Some("deprecated") => "deprecated",
        Some("stable" | "test") => "production",
        _ => "experimental",
    }
}

/// What contentctl makes of a match: a notable event and risk, risk, or nothing.
fn kind(said: &Alarm) -> &'static str {
    match said.rule.meta.level {
        _ if said.rule.meta.hunts() => "Hunting",
        Level::Low => "Anomaly",
        _ => "TTP",
    }
}

/// A search as contentctl gets it: it looks for lookups in comments too.
pub fn without_comments(search: &str) -> String {
    let comment = |line: &&str| line.trim_start().starts_with("```") && line.ends_with("```");
    search.lines().filter(|line| !comment(line)).collect::<Vec<_>>().join("\n")
}

fn how(said: &Alarm, target: &Target) -> String {
    let macros: Vec<String> = said.macros.iter().map(|name| format!("`{name}`")).collect();
    let events = if macros.is_empty() {
        "The data models that it reads must be filled.".to_owned()
    } else {
        format!("Say in {} where the events lie.", macros.join(" and "))
    };
    format!("It reads the events of {}. {events}", target.title)
}

fn harmless(said: &Alarm) -> String {
    let known: Vec<String> = said.rule.meta.false_positives.iter().map(|f| one_line(f)).collect();
    if known.iter().all(String::is_empty) {
        "None are known.".to_owned()
    } else {
        format!("Known: {}", known.join("; "))
    }
}

fn is_page(reference: &str) -> bool {
    let rest = reference.strip_prefix("https://").or(reference.strip_prefix("http://"));
    rest.is_some_and(|rest| {
        rest.starts_with(|c: char| c.is_ascii_alphanumeric()) && !rest.contains(char::is_whitespace)
    })
}

/// Schedule and actions are the rule's own, in the place of those of its type.
fn deployment(said: &Alarm) -> Value {
    let fields: Vec<&str> = said.risk.iter().map(|(column, _)| column.as_str()).collect();
    // Text between two of `%` is contentctl's placeholder.
    let plain = |text: &str| text.replace('%', "\u{ff05}");
    let notable = json!({
        "rule_title": plain(&message(said)),
        "rule_description": plain(&super::plain(&said.about)),
        "nes_fields": fields,
    });
    let mut actions = json!({ "notable": notable, "rba": { "enabled": !said.risk.is_empty() } });
    if let (false, Some(actions)) = (said.notable, actions.as_object_mut()) {
        actions.shift_remove("notable");
    }
    json!({
        "scheduling": {
            "cron_schedule": said.cron,
            "earliest_time": said.earliest,
            "latest_time": said.latest,
            "schedule_window": "auto",
        },
        "alert_action": actions,
    })
}

fn drilldowns(said: &Alarm) -> Value {
    let objects: Vec<String> = said.risk.iter().map(|(column, _)| format!("\"${column}$\"")).collect();
    let mut own = "%original_detection_search%".to_owned();
    for (column, _) in said.risk.iter().take(2) {
        own.push_str(&format!(" | search {column}=\"${column}$\""));
    }
    let risk = format!(
        "| from datamodel:\"Risk.All_Risk\" | search normalized_risk_object IN ({}) | stats count min(_time) AS first \
         max(_time) AS last values(search_name) AS searches BY normalized_risk_object",
        objects.join(", ")
    );
    let at = |name: &str, search: &str, earliest: &str, latest: &str| json!({ "name": name, "search": search, "earliest_offset": earliest, "latest_offset": latest });
    let found = at("What the search found", &own, "$info_min_time$", "$info_max_time$");
    if said.risk.is_empty() {
        // contentctl asks for two.
        return json!([found, at("The same of the last seven days", &own, "7d", "0")]);
    }
    json!([found, at("Risk of the last seven days", &risk, "7d", "0")])
}

/// Nothing where nothing is at risk.
fn rba(said: &Alarm) -> Value {
    if said.risk.is_empty() {
        return Value::Null;
    }
    let risk = said.risk.iter().map(|(column, kind)| json!({ "field": column, "type": kind, "score": said.score }));
    let threats = said.threats.iter().map(|(column, kind)| json!({ "field": column, "type": kind }));
    json!({
        "message": message(said),
        "risk_objects": risk.collect::<Vec<_>>(),
        "threat_objects": threats.collect::<Vec<_>>(),
    })
}

fn tags(said: &Alarm, target: &Target, pack: &Pack, untested: bool) -> Value {
    let all = &said.attack;
    // Beside a technique's part contentctl takes the technique for a mistake.
    let part = |id: &String| all.iter().any(|o| o.strip_prefix(id.as_str()).is_some_and(|rest| rest.starts_with('.')));
    let attack: Vec<&String> = all.iter().filter(|id| !part(id)).collect();
    let mut tags = json!({
        "analytic_story": if is_pack_name(&pack.name) { vec![story_name(target, pack)] } else { vec![] },
        "asset_type": "Endpoint",
        "mitre_attack_id": attack,
        "product": PRODUCTS,
        "security_domain": said.domain,
    });
    let Some(fields) = tags.as_object_mut() else { return tags };
    if status(said) == "production" && untested {
        let why = "No log of this platform holds the events of the rule's own tests.";
        fields.insert("manual_test".to_owned(), json!(why));
    }
    let (columns, seconds) = &said.suppress;
    if !columns.is_empty() {
        fields.insert("throttling".to_owned(), json!({ "fields": columns, "period": format!("{seconds}s") }));
    }
    tags
}
