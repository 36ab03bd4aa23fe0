//! Splunk: an app with the searches of a target, and detections as `contentctl` takes them.
//!
//! The files of an app are of all rules of a target together, a detection is of one rule; both say what [`Alarm`] holds.
//! `savedsearches.conf.spec` and `macros.conf.spec` of Splunk 9, the parameters of Enterprise Security's risk and notable
//! actions as ESCU sets them, and the models of contentctl 5.

mod app;
mod conf;
mod contentctl;
mod cron;
mod lint;

use super::alert::{Entity, Problem, about, any_column, entities, missing, severity};
use super::{File, Pack, RawEvent, Refused};
use crate::backend::spl::CONTENT_QUERY;
use crate::backend::spl::alert::{Frame, TIMES, framed};
use crate::backend::{Fragment, Output, Printed, one_line};
use crate::document::Document;
use crate::sema::{Level, Rule};
use crate::target::{Format, Part, Target};
use crate::vocabulary::{FieldId, Kind, Type};
use indexmap::IndexSet;

pub use app::app_id;

/// Types of entities that gather risk; all others are what threatens them.
const AT_RISK: [&str; 3] = ["system", "user", "other"];
/// Threats that an alert names.
const MOST_THREATS: usize = 6;
/// What a macro of a log source is for.
const MACRO: &str = "Where the events lie. Name your index here: the search is cheap then.";
/// What the macro for summaries is for.
const SUMMARIES: &str =
    "How data models are read. summariesonly=true is fast and finds only what is summarised already.";

/// What a rule's saved search and its detection both say.
#[derive(Debug)]
struct Alarm<'a> {
    rule: &'a Rule,
    /// What its macros, and files of its own, are called.
    called: String,
    /// What the saved search is called.
    name: String,
    title: String,
    /// On one line.
    description: String,
    /// What an analyst reads.
    about: String,
    /// The query with its frame.
    search: String,
    /// The same with the macros of Splunk's own content.
    content: String,
    /// The target's macro for summaries, where the query reads data models.
    summaries: Option<String>,
    /// The macro that ends it.
    filter: String,
    /// Macros of the target that it uses.
    macros: Vec<String>,
    cron: String,
    earliest: String,
    latest: String,
    severity: String,
    /// Columns, and for how many seconds; no columns: no suppression.
    suppress: (Vec<String>, u64),
    /// Columns with their type: what is at risk, and what threatens it.
    risk: Vec<(String, String)>,
    threats: Vec<(String, String)>,
    score: u64,
    notable: bool,
    domain: &'static str,
    attack: Vec<String>,
    /// Splunk's names of the data sources that it reads.
    data_sources: Vec<String>,
}

/// The documents of a rule alone.
///
/// # Errors
/// What Splunk would refuse, in its app too.
pub fn files(
    rule: &Rule,
    target: &Target,
    document: &Document,
    formats: &[Format],
    pack: &Pack,
    replay: &[RawEvent],
) -> Result<Vec<File>, Refused> {
    let said = alarm(rule, target, document)?;
    if !formats.contains(&Format::SplunkContentctl) {
        return Ok(vec![]);
    }
    let problems = lint::detection(&said);
    if problems.is_empty() { Ok(contentctl::files(&said, target, pack, replay)?) } else { Err(problems.into()) }
}

/// Why there are no documents of all rules together.
#[derive(Debug)]
pub enum Clash<'a> {
    /// Rules that Splunk would not tell from another one.
    Twins(Vec<(&'a Rule, Problem)>),
    /// A template does not fit its data, or a document does not read as it was meant: a defect of this program.
    Internal(String),
}

impl From<String> for Clash<'_> {
    fn from(why: String) -> Self {
        Clash::Internal(why)
    }
}

/// The documents of all rules of a target together; what [`files`] refuses is left out.
///
/// # Errors
/// Searches that Splunk would take for one.
pub fn over_rules<'a>(
    rules: &[(&'a Rule, Document)],
    target: &Target,
    formats: &[Format],
    pack: &Pack,
) -> Result<Vec<File>, Clash<'a>> {
    let alarms: Vec<Alarm> = rules.iter().filter_map(|(rule, document)| alarm(rule, target, document).ok()).collect();
    let twins = lint::twins(&alarms);
    if !twins.is_empty() {
        return Err(Clash::Twins(twins));
    }
    let mut files = vec![];
    if formats.contains(&Format::SplunkApp) && !alarms.is_empty() {
        files.extend(app::files(&alarms, target, pack)?);
    }
    if formats.contains(&Format::SplunkContentctl) {
        files.extend(contentctl::shared(&alarms, target, pack)?);
    }
    Ok(files)
}

/// What all documents of a rule say.
fn alarm<'a>(rule: &'a Rule, target: &Target, document: &Document) -> Result<Alarm<'a>, Refused> {
    let printed = &document.printed;
    let found = entities(rule, target, printed, |e| e.columns.len() == 1);
    let mut problems = missing(rule, target, &found);
    problems.extend(lint::columns(rule, target, document));
    let (names, risk, threats) = objects(&found, document);
    let every = cron::even(rule.meta.schedule.map_or(target.alert.every, |s| s.every));
    let (earliest, latest) = stretch(every, target, printed);
    let called = target.name_of(&rule.name, '_').to_lowercase();
    let filter = format!("{called}_filter");
    let newest = (printed.reach > 0).then_some(every);
    let frame = Frame { names, filler: target.filler.clone(), newest, times: None, filter: filter.clone() };
    let title = conf::settled(&one_line(&rule.meta.title));
    let description = if rule.meta.description.trim().is_empty() { &rule.meta.title } else { &rule.meta.description };
    let made = Alarm {
        rule,
        called,
        // In drilldowns a name stands among placeholders.
        name: conf::name(&format!("{} ({})", plain(&title), target.name)),
        title,
        description: conf::settled(&one_line(description)),
        about: conf::settled(&about(rule)),
        search: framed(query(printed)?, &frame),
        content: framed(
            fragment(printed, CONTENT_QUERY).map_or_else(|| query(printed), Ok)?,
            &Frame { times: Some(times(printed)), ..frame },
        ),
        summaries: target.summaries.clone().filter(|_| fragment(printed, CONTENT_QUERY).is_some()),
        filter,
        macros: used(document),
        cron: cron::schedule(every, &rule.meta.id),
        earliest,
        latest,
        severity: severity(rule, target).to_owned(),
        suppress: suppress(rule, target, document),
        notable: rule.meta.level >= Level::Medium && !rule.meta.hunts(),
        score: score(rule.meta.level),
        risk: if rule.meta.hunts() { vec![] } else { risk },
        threats,
        domain: if rule.kinds.iter().all(|kind| *kind == Kind::Network) { "network" } else { "endpoint" },
        attack: rule.meta.technique_ids(),
        data_sources: data_sources(rule, document),
    };
    problems.extend(lint::problems(&made));
    if problems.is_empty() { Ok(made) } else { Err(problems.into()) }
}

/// The stretch of time that a run looks at: its own, as late as events may come in, and what a match reaches back before
/// that. A farther look-back would find what other runs find.
fn stretch(every: u64, target: &Target, printed: &Printed) -> (String, String) {
    let delay = minutes(target.alert.delay);
    let back = minutes(every.saturating_add(printed.reach)).saturating_add(delay);
    (format!("-{back}m@m"), format!("-{delay}m@m"))
}

/// The columns with the times of a match's events; none: the rows have those of their first and last event already.
fn times(printed: &Printed) -> Vec<String> {
    let has = |name: &str| printed.columns.iter().any(|c| c.name == name);
    if TIMES.iter().all(|name| has(name)) {
        return vec![];
    }
    let time = FieldId::find("event.time");
    let of_event = |c: &&Output| c.name != "_time" && c.shown().iter().any(|s| Some(s.field) == time);
    let columns = printed.columns.iter().filter(of_event).map(|c| c.name.clone());
    columns.chain(std::iter::once("_time".to_owned()).filter(|_| has("_time"))).collect()
}

/// The printed query, without a header.
fn query(printed: &Printed) -> Result<&str, String> {
    fragment(printed, "query").ok_or_else(|| "no printer made the fragment `query`".to_owned())
}

fn fragment<'p>(printed: &'p Printed, wanted: &str) -> Option<&'p str> {
    printed.fragments.iter().find_map(|(name, fragment)| match fragment {
        Fragment::Text(text) if *name == wanted => Some(text.as_str()),
        _ => None,
    })
}

/// The target's macros that searches use, each with its definition.
fn macros<'t>(alarms: &[Alarm], target: &'t Target) -> impl Iterator<Item = (&'t String, &'t String)> {
    target.macros.iter().filter(|(name, _)| alarms.iter().any(|a| a.macros.contains(name)))
}

/// A version as one number that grows with it.
fn number(version: &str) -> u64 {
    let parts = version.split('.').map(|part| part.chars().take_while(char::is_ascii_digit).collect::<String>());
    parts.take(3).fold(0, |n, part| n * 1000 + part.parse::<u64>().unwrap_or(0).min(999))
}

/// Whole minutes, no fewer.
fn minutes(seconds: u64) -> u64 {
    seconds.div_ceil(60)
}

/// The macros of a query's log sources.
fn used(document: &Document) -> Vec<String> {
    let mut out: Vec<String> = vec![];
    for name in document.printed.sources.iter().filter_map(|(_, source)| source.macro_name.as_ref()) {
        if !out.contains(name) {
            out.push(name.clone());
        }
    }
    out
}

/// The data sources of a query's log sources on the rule's systems.
fn data_sources(rule: &Rule, document: &Document) -> Vec<String> {
    let sources = document.printed.sources.iter().flat_map(|(_, source)| &source.data_sources);
    let names = sources.filter(|(os, _)| rule.meta.os.contains(os)).flat_map(|(_, names)| names.iter().cloned());
    names.collect::<IndexSet<_>>().into_iter().collect()
}

/// The columns that a rule throttles by; keys that its query lacks are the linter's.
fn suppress(rule: &Rule, target: &Target, document: &Document) -> (Vec<String>, u64) {
    let Some(throttle) = &rule.meta.throttle else { return (vec![], 0) };
    let mut columns: Vec<String> = vec![];
    for column in throttle.keys.iter().filter_map(|key| key_columns(key, rule, target, document)).flatten() {
        if !columns.contains(&column) {
            columns.push(column);
        }
    }
    (columns, throttle.period)
}

/// The columns of a query that have a key: of a host, user or process those that identify it, else its name.
fn key_columns(key: &str, rule: &Rule, target: &Target, document: &Document) -> Option<Vec<String>> {
    let field = FieldId::find(key)?;
    let printed = &document.printed;
    let one = |name: &str| any_column(printed, name).map(str::to_owned);
    if field.def().ty != Type::Identity {
        return Some(vec![one(key)?]);
    }
    let shown = |parts: &[Part]| -> Option<Vec<String>> {
        let name = |part: &Part| printed.columns.iter().any(|c| c.name == part.column).then(|| part.column.clone());
        parts.iter().map(name).collect()
    };
    let identity = rule.kinds.first().and_then(|kind| target.identity(field, *kind)).and_then(shown);
    identity.or_else(|| {
        let names: &[&str] = match field.short() {
            "host" => &["host.name"],
            "user" => &["user.name"],
            "process" => &["host.name", "process.pid"],
            _ => &["host.name", "parent.pid"],
        };
        names.iter().map(|name| one(name)).collect()
    })
}

/// The middle of the range in which contentctl and Enterprise Security call a score by the level's word.
fn score(level: Level) -> u64 {
    match level {
        Level::Informational => 10,
        Level::Low => 30,
        Level::Medium => 50,
        Level::High => 70,
        Level::Critical => 90,
    }
}

/// Columns with a word each: a new name and its column, or a column and its type.
type Pairs = Vec<(String, String)>;

/// What is at risk goes under the name that assets and identities are looked up by, where the query has no other column of
/// that name.
fn objects(found: &[Entity], document: &Document) -> (Pairs, Pairs, Pairs) {
    let (mut names, mut risk, mut threats): (Pairs, Pairs, Pairs) = (vec![], vec![], vec![]);
    let has = |name: &String| document.printed.columns.iter().any(|c| c.name == *name);
    for entity in found {
        let Some((known, column)) = entity.columns.first() else { continue };
        if !AT_RISK.contains(&entity.kind.as_str()) {
            let threat = (column.clone(), entity.kind.clone());
            if threats.len() < MOST_THREATS && !threats.contains(&threat) {
                threats.push(threat);
            }
            continue;
        }
        let free = !has(known) && !names.iter().any(|(name, _)| name == known);
        let name = if free { known } else { column };
        names.push((name.clone(), column.clone()));
        risk.push((name.clone(), entity.kind.clone()));
    }
    (names, risk, threats)
}

/// Text in which Enterprise Security sees no placeholder.
fn plain(text: &str) -> String {
    text.replace('$', "\u{ff04}")
}

/// What an alert says in one sentence, with columns in placeholders.
fn message(said: &Alarm) -> String {
    let mut out = plain(&said.title);
    for (kind, word) in [("system", "on"), ("user", "by")] {
        if let Some((column, _)) = said.risk.iter().find(|(_, k)| k == kind) {
            out.push_str(&format!(" {word} ${column}$"));
        }
    }
    out
}

/// The JSON of the risk action.
fn risk(said: &Alarm) -> Vec<serde_json::Value> {
    let risk = said.risk.iter().map(|(column, kind)| {
        serde_json::json!({ "risk_object_field": column, "risk_object_type": kind, "risk_score": said.score })
    });
    let threats = said.threats.iter();
    let threats =
        threats.map(|(column, kind)| serde_json::json!({ "threat_object_field": column, "threat_object_type": kind }));
    risk.chain(threats).collect()
}
