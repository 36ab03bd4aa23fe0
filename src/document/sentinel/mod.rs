//! Microsoft Sentinel: analytics rules as the content hub takes them (YAML) and as a repository connection deploys them
//! (an ARM template), and hunting queries as Microsoft's repository keeps them.
//!
//! <https://learn.microsoft.com/azure/sentinel/sentinel-analytic-rules-creation> and the resource
//! `Microsoft.SecurityInsights/alertRules`, API 2025-09-01.

mod arm;
mod content;
mod lint;

use super::alert::{
    Entity, Problem, about, any_column, entities, missing, run, severity, tactic_name, without_placeholders,
};
use super::derived::extended;
use super::query::{self, Body};
use super::{File, Refused};
use crate::backend::{Shows, one_line};
use crate::document::Document;
use crate::sema::Rule;
use crate::target::{Format, Target};
use crate::vocabulary::FieldId;
use indexmap::{IndexMap, IndexSet};

/// A scheduled rule takes so many entity mappings, and each so many identifiers.
const MOST_ENTITIES: usize = 5;
const MOST_IDENTIFIERS: usize = 3;

/// What both forms of an analytics rule say.
#[derive(Debug)]
struct Analytics<'a> {
    rule: &'a Rule,
    /// Of the resource.
    id: String,
    name: String,
    description: String,
    severity: String,
    connectors: Vec<(String, Vec<String>)>,
    /// Seconds.
    every: u64,
    period: u64,
    tactics: Vec<String>,
    /// Without what follows the dot: the API takes no other ones here.
    techniques: Vec<String>,
    /// The sub-techniques, if the target asks for them: only the preview of the API has a place for them.
    sub_techniques: Option<Vec<String>>,
    /// It returns what came in since the last run; a hunting query returns all of it.
    query: String,
    entities: Vec<Entity>,
    /// Custom details: key and column.
    details: IndexMap<String, String>,
    /// Name and description of an alert, with the columns in their placeholders.
    title_format: String,
    about_format: String,
    placeholders: Vec<String>,
    /// What groups alerts into one incident: types of entities, and seconds; without types all of them.
    group_by: Vec<String>,
    grouped: u64,
    enabled: bool,
    version: String,
    /// The columns that the query returns.
    columns: Vec<String>,
}

/// The documents of a rule.
///
/// # Errors
/// What Sentinel would refuse.
pub fn files(rule: &Rule, target: &Target, document: &Document, formats: &[Format]) -> Result<Vec<File>, Refused> {
    let said = analytics(rule, target, document)?;
    let mut files = vec![];
    for format in formats {
        let (folder, extension, text) = match (format, rule.meta.hunts()) {
            (Format::SentinelYaml, false) => ("analytics-rules", "yaml", content::rule(&said)?),
            (Format::SentinelHunting, true) => ("hunting-queries", "yaml", content::hunting(&said)?),
            (Format::SentinelArm, false) => ("arm", "json", arm::rule(&said)?),
            (Format::SentinelArm, true) => ("arm", "json", arm::hunting(&said)?),
            _ => continue,
        };
        files.push(File { path: format!("{}/{folder}/{}.{extension}", target.name, rule.name), text });
    }
    Ok(files)
}

/// What all documents of a rule say.
fn analytics<'a>(rule: &'a Rule, target: &Target, document: &Document) -> Result<Analytics<'a>, Refused> {
    let printed = &document.printed;
    let mut found = entities(rule, target, printed, lint::identifies);
    let mut problems = missing(rule, target, &found);
    found.truncate(MOST_ENTITIES);
    found.iter_mut().for_each(|e| e.columns.truncate(MOST_IDENTIFIERS));
    let run = run(rule, target, printed);
    let (title_format, about_format, placeholders) = formats(rule, document);
    let (group_by, grouped) = match grouping(rule, target, &found) {
        Ok(grouping) => grouping,
        Err(problem) => {
            problems.push(problem);
            (vec![], target.alert.incident_within)
        }
    };
    let derived: Vec<String> = found.iter().flat_map(|e| &e.derived).map(|d| d.name.clone()).collect();
    let details = printed.columns.iter().filter(|c| matches!(c.shows, Shows::Flag | Shows::Score | Shows::Number));
    let claimed = rule.meta.attack.iter().flat_map(|technique| &technique.claimed);
    let ids = rule.meta.attack.iter().map(|technique| &technique.id);
    let made = Analytics {
        rule,
        id: target.id_of(&rule.meta.id),
        name: one_line(&rule.meta.title),
        description: about(rule),
        severity: severity(rule, target).to_owned(),
        connectors: connectors(target, document),
        every: run.every,
        period: run.period,
        tactics: distinct(claimed.map(|tactic| tactic_name(target, tactic))),
        techniques: distinct(ids.clone().map(|id| id.split('.').next().unwrap_or(id).to_owned())),
        sub_techniques: target.alert.sub_techniques.then(|| ids.filter(|id| id.contains('.')).cloned().collect()),
        query: extended(query::body(printed, if rule.meta.hunts() { Body::All } else { Body::New })?, &found),
        details: details.map(|c| (c.name.clone(), c.name.clone())).collect(),
        title_format,
        about_format,
        placeholders,
        group_by,
        grouped,
        enabled: rule.meta.arrives_enabled(),
        version: rule.version.clone(),
        columns: printed.columns.iter().map(|c| c.name.clone()).chain(derived).collect(),
        entities: found,
    };
    problems.extend(lint::problems(&made));
    if problems.is_empty() { Ok(made) } else { Err(problems.into()) }
}

/// Each text once, in order.
fn distinct(texts: impl Iterator<Item = String>) -> Vec<String> {
    texts.collect::<IndexSet<String>>().into_iter().collect()
}

/// For each connector that fills a table of the query, those tables.
fn connectors(target: &Target, document: &Document) -> Vec<(String, Vec<String>)> {
    let sources = document.printed.sources.iter();
    let read: Vec<&String> = sources.filter_map(|(_, source)| source.table.as_ref()).collect();
    let mut out = vec![];
    for (connector, tables) in &target.alert.connectors {
        let used: Vec<String> = tables.iter().filter(|t| read.contains(t)).cloned().collect();
        if !used.is_empty() {
            out.push((connector.clone(), used));
        }
    }
    out
}

/// The name and the description of an alert, with columns as placeholders where the query has them.
fn formats(rule: &Rule, document: &Document) -> (String, String, Vec<String>) {
    let printed = &document.printed;
    let mut title = without_placeholders(&one_line(&rule.meta.title));
    let description = match rule.meta.description.trim() {
        "" => &rule.meta.title,
        text => text,
    };
    let mut about = without_placeholders(&one_line(description));
    let mut placeholders: Vec<String> = vec![];
    let host = any_column(printed, "host.name");
    if let Some(host) = host {
        title.push_str(&format!(" on {{{{{host}}}}}"));
    }
    for (word, field) in [("Host", "host.name"), ("User", "user.name"), ("Command line", "command_line")] {
        if let Some(column) = any_column(printed, field) {
            let lead = if placeholders.is_empty() { "\n\n" } else { "\n" };
            about.push_str(&format!("{lead}{word}: {{{{{column}}}}}"));
            placeholders.push(column.to_owned());
        }
    }
    (title, about, placeholders)
}

/// What makes alerts one incident: types of entities, and for how long. Sentinel's own suppression stops the whole rule,
/// whatever its keys are, and would lose other hosts' alerts; so what a rule throttles by groups its alerts into one incident.
/// Otherwise the target's entities do, as far as the rows have them.
fn grouping(rule: &Rule, target: &Target, entities: &[Entity]) -> Result<(Vec<String>, u64), Problem> {
    let kind = |word: &str| entities.iter().find(|e| e.word == word).map(|e| e.kind.clone());
    let (mut kinds, within) = match &rule.meta.throttle {
        None => {
            let by = target.alert.incident_by.iter().filter_map(|word| kind(word));
            (by.collect::<Vec<String>>(), target.alert.incident_within)
        }
        Some(throttle) => {
            let missing = |key: &String| Problem {
                span: rule.span,
                why: format!("it throttles by `{key}`, and its rows have no entity for that"),
                cure: format!("show and map it with `show` and `entities`, or take `{key}` out of `throttle`"),
            };
            let of = |key: &String| entity_of(key).and_then(kind).ok_or_else(|| missing(key));
            (throttle.keys.iter().map(of).collect::<Result<_, _>>()?, throttle.period)
        }
    };
    kinds.sort_unstable();
    kinds.dedup();
    Ok((kinds, within))
}

/// The word of the entity that a field belongs to.
fn entity_of(field: &str) -> Option<&'static str> {
    let name = FieldId::find(field)?.short();
    Some(match name.split('.').next()? {
        "host" => "host",
        "user" => "user",
        "file" => "file",
        "dll" => "dll",
        "source" | "destination" => "ip",
        _ => "process",
    })
}
