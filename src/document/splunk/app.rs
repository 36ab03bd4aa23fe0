//! The app of a target: saved searches, macros, and what Splunk wants to know of an app.

use super::super::template::render;
use super::super::{File, Pack};
use super::{Alarm, MACRO, SUMMARIES, conf, message, number, plain, risk};
use crate::backend::{Fragment, one_line};
use crate::escape;
use crate::sema::Level;
use crate::target::Target;
use serde_json::json;

/// Most characters of an app's label.
const LABEL: usize = 80;
const MACROS: &str = "Your own definitions go into local/macros.conf: they come first, and updates leave them alone.";
const SEARCHES: &str = "Experimental and hunting searches are disabled: enable one in local/savedsearches.conf once you know what it finds.";

/// The name of an app, which is its folder's: letters, digits and `_`.
#[must_use]
pub fn app_id(pack: &str, target: &str) -> String {
    let name = if pack.is_empty() { "arcanary" } else { pack };
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
    let id: String = format!("{name}_{target}").chars().map(plain).collect();
    // A name that begins with a digit or `_` is no app's.
    if id.starts_with(|c: char| c.is_ascii_lowercase()) { id } else { format!("app_{id}") }
}

/// The files of the app.
pub fn files(alarms: &[Alarm], target: &Target, pack: &Pack) -> Result<Vec<File>, String> {
    let id = app_id(&pack.name, &target.name);
    let head = conf::settled(&one_line(&format!("{} {} for {}", pack_name(pack), pack.version, target.title)));
    let all = [
        ("default/app.conf", conf::file(&[&head], app(alarms, target, pack, &id))?),
        ("default/macros.conf", conf::file(&[&head, MACROS], macros(alarms, target))?),
        ("default/savedsearches.conf", conf::file(&[&head, SEARCHES], alarms.iter().map(search).collect())?),
        ("metadata/default.meta", conf::file(&[&head], vec![(String::new(), shared())])?),
        ("README.md", readme(alarms, target, pack, &id)?),
    ];
    let file = |(path, text): (&str, String)| File { path: format!("{}/app/{id}/{path}", target.name), text };
    Ok(all.into_iter().map(file).collect())
}

fn pack_name(pack: &Pack) -> String {
    let name = conf::settled(&one_line(&pack.name));
    if name.is_empty() { "Detections".to_owned() } else { name }
}

type Stanza = (String, Vec<(&'static str, String)>);

fn app(alarms: &[Alarm], target: &Target, pack: &Pack, id: &str) -> Vec<Stanza> {
    let label: String = format!("{} ({})", pack_name(pack), target.name).chars().take(LABEL).collect();
    let mut authors: Vec<&str> = alarms.iter().filter_map(|a| a.rule.meta.author.as_deref()).collect();
    authors.dedup();
    let author = match authors.as_slice() {
        [only] => conf::settled(&one_line(only)),
        _ => pack_name(pack),
    };
    let said = one_line(&format!("The detections of {} for {}", pack_name(pack), target.title));
    let stanza = |name: &str, settings: Vec<(&'static str, String)>| (name.to_owned(), settings);
    let version = ("version", conf::settled(&one_line(&pack.version)));
    vec![
        stanza("install", vec![("is_configured", "0".to_owned()), ("build", number(&pack.version).max(1).to_string())]),
        stanza("package", vec![("id", id.to_owned()), ("check_for_updates", "0".to_owned())]),
        stanza("id", vec![("name", id.to_owned()), version.clone()]),
        stanza("ui", vec![("is_visible", "0".to_owned()), ("label", conf::settled(&label))]),
        stanza("launcher", vec![("author", author), ("description", conf::settled(&said)), version]),
    ]
}

/// Searches and their macros are everybody's: Enterprise Security lists and runs what other apps share.
fn shared() -> Vec<(&'static str, String)> {
    let access = "read : [ * ], write : [ admin, sc_admin ]";
    vec![("access", access.to_owned()), ("export", "system".to_owned())]
}

fn macros(alarms: &[Alarm], target: &Target) -> Vec<Stanza> {
    let sources = super::macros(alarms, target).map(|(name, definition)| {
        (name.clone(), vec![("definition", conf::settled(definition)), ("description", MACRO.to_owned()), iseval()])
    });
    let summaries = target.summaries.iter().filter(|name| alarms.iter().any(|a| a.summaries.as_ref() == Some(name)));
    let summaries = summaries.map(|name| {
        let definition = target.macros.get(name).map_or("", String::as_str);
        let about = SUMMARIES.to_owned();
        (name.clone(), vec![("definition", conf::settled(definition)), ("description", about), iseval()])
    });
    let filters = alarms.iter().map(|said| {
        let about = format!("What {} leaves out here.", said.name);
        (said.filter.clone(), vec![("definition", "search *".to_owned()), ("description", about), iseval()])
    });
    sources.chain(summaries).chain(filters).collect()
}

fn iseval() -> (&'static str, String) {
    ("iseval", "0".to_owned())
}

/// One saved search.
fn search(said: &Alarm) -> Stanza {
    let flag = |name: &'static str| (name, "1".to_owned());
    let switch = |name: &'static str, on: bool| (name, u8::from(on).to_string());
    let (columns, seconds) = &said.suppress;
    let mut out = vec![
        ("search", said.search.clone()),
        ("description", said.description.clone()),
        switch("disabled", !said.rule.meta.arrives_enabled()),
        flag("enableSched"),
        ("cron_schedule", said.cron.clone()),
        ("dispatch.earliest_time", said.earliest.clone()),
        ("dispatch.latest_time", said.latest.clone()),
        // Every stretch of time is looked at once, also where the scheduler was late.
        ("realtime_schedule", "0".to_owned()),
        ("counttype", "number of events".to_owned()),
        ("relation", "greater than".to_owned()),
        ("quantity", "0".to_owned()),
        switch("alert.track", !said.rule.meta.hunts()),
        // Splunk suppresses by fields only where each result is an alert: otherwise one host would suppress all.
        switch("alert.digest_mode", columns.is_empty()),
        ("alert.severity", numbered(said.rule.meta.level).to_string()),
    ];
    if !columns.is_empty() {
        out.push(flag("alert.suppress"));
        out.push(("alert.suppress.fields", columns.join(",")));
        out.push(("alert.suppress.period", format!("{seconds}s")));
    }
    let annotations = if said.attack.is_empty() { json!({}) } else { json!({ "mitre_attack": said.attack }) };
    out.push(flag("action.correlationsearch.enabled"));
    out.push(("action.correlationsearch.label", said.name.clone()));
    out.push(("action.correlationsearch.annotations", annotations.to_string()));
    if !said.risk.is_empty() {
        out.push(flag("action.risk"));
        out.push(("action.risk.param._risk", json!(risk(said)).to_string()));
        out.push(("action.risk.param._risk_message", message(said)));
        out.push(("action.risk.param._risk_score", "0".to_owned()));
        out.push(("action.risk.param.verbose", "0".to_owned()));
    }
    if said.notable {
        out.extend(notable(said));
    }
    (said.name.clone(), out)
}

fn notable(said: &Alarm) -> Vec<(&'static str, String)> {
    let fields: Vec<&str> = said.risk.iter().map(|(column, _)| column.as_str()).collect();
    let mut out = vec![
        ("action.notable", "1".to_owned()),
        ("action.notable.param.rule_title", message(said)),
        ("action.notable.param.rule_description", plain(&said.about)),
        ("action.notable.param.security_domain", said.domain.to_owned()),
        ("action.notable.param.severity", said.severity.clone()),
    ];
    if !fields.is_empty() {
        out.push(("action.notable.param.nes_fields", fields.join(",")));
    }
    out.push(("action.notable.param.drilldown_searches", json!(drilldowns(said)).to_string()));
    out
}

/// The searches behind a notable event.
fn drilldowns(said: &Alarm) -> Vec<serde_json::Value> {
    let quoted = said.name.replace('\\', "\\\\").replace('"', "\\\"");
    let mut own = format!("| savedsearch \"{quoted}\" nosubstitution=true");
    for (column, _) in said.risk.iter().take(2) {
        own.push_str(&format!(" | search {column}=\"${column}$\""));
    }
    let at = |name: &str, search: String, earliest: &str, latest: &str| json!({ "name": name, "search": search, "earliest_offset": earliest, "latest_offset": latest });
    let mut out = vec![at("What the search found", own, "$info_min_time$", "$info_max_time$")];
    let objects: Vec<String> = said.risk.iter().map(|(column, _)| format!("\"${column}$\"")).collect();
    if !objects.is_empty() {
        let risk = format!(
            "| from datamodel:\"Risk.All_Risk\" | search normalized_risk_object IN ({}) \
             | stats count min(_time) AS first max(_time) AS last values(search_name) AS searches \
             values(risk_message) AS messages BY normalized_risk_object",
            objects.join(", ")
        );
        out.push(at("Risk of the last seven days", risk, "7d", "0"));
    }
    out
}

/// The level as Splunk's own alerts number it.
fn numbered(level: Level) -> u64 {
    match level {
        Level::Informational => 1,
        Level::Low => 2,
        Level::Medium => 3,
        Level::High => 4,
        Level::Critical => 5,
    }
}

/// What who installs the app reads.
fn readme(alarms: &[Alarm], target: &Target, pack: &Pack, id: &str) -> Result<String, String> {
    let text = |t: &str| Fragment::Text(conf::settled(&one_line(t)).replace('`', "'"));
    let shown = |t: &str| Fragment::Text(escape::markdown(&conf::settled(&one_line(t))));
    let macros = super::macros(alarms, target).map(|(name, definition)| {
        let without = target.macros_without_index().any(|n| n == name);
        let index = if without { "index=YOUR_INDEX " } else { "" };
        let definition = Fragment::Text(conf::settled(&format!("{index}{definition}")));
        Fragment::record(vec![("name", text(name)), ("definition", definition)])
    });
    let without: Vec<&str> = super::macros(alarms, target).map(|(name, _)| name.as_str()).collect();
    let without: Vec<&str> = target.macros_without_index().filter(|name| without.contains(name)).collect();
    let searches = alarms.iter().map(|said| {
        let attack = if said.attack.is_empty() { String::new() } else { format!(", {}", said.attack.join(", ")) };
        let switch = match &said.rule.meta {
            meta if meta.arrives_enabled() => "enabled",
            meta if meta.hunts() => "disabled, for hunting",
            _ => "disabled",
        };
        let level = format!("{}{attack}; {switch}", said.rule.meta.level.word());
        Fragment::record(vec![("name", shown(&said.name)), ("filter", text(&said.filter)), ("level", shown(&level))])
    });
    let data = vec![
        ("pack", shown(&pack_name(pack))),
        ("version", text(&pack.version)),
        ("target", shown(&target.title)),
        ("id", text(id)),
        ("macros", Fragment::List(macros.collect())),
        ("without", text(&without.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", "))),
        ("summaries", text(target.summaries.as_deref().unwrap_or(""))),
        ("searches", Fragment::List(searches.collect())),
    ];
    render("splunk-readme", data.into_iter().map(|(name, fragment)| (name.to_owned(), fragment)).collect())
}
