//! Events in Splunk, and what a query returns of them. One evaluator runs all targets: only where rows come from differs.

use super::super::super::oracle::temporal::{Burst, Happened, Row, bursts, rows};
use super::super::super::oracle::{Event, Value};
use super::super::super::spl;
use super::super::random::Dice;
use super::super::view::{Missing, logged, missing};
use super::assigned;
use arcanary::ir::{Count, Meaning, Role, Step, Steps};
use arcanary::sema::{Project, Rule};
use arcanary::target::{By, Target, Targets};
use arcanary::vocabulary::{FieldId, Kind, Os};
use arcanary::witness::{LoggedSets, Verdict};
use serde_json::Value as Json;

/// A rule with its query for a target.
pub struct Question<'p> {
    pub project: &'p Project,
    pub rule: &'p Rule,
    pub target: &'p Target,
    pub query: &'p str,
}

/// An event in a log: its row, and the event as the log tells of it.
#[derive(Clone)]
pub struct Logged {
    row: spl::Row,
    pub happened: Happened,
}

/// Between the columns of an identity.
const BETWEEN: &str = "|";

fn field(name: &str) -> FieldId {
    FieldId::find(name).expect(name)
}

/// The event in a target's log; `None` where the target has none for it.
fn log(target: &Target, happened: &Happened, missing: &Missing) -> Option<Logged> {
    let mut event = happened.event.clone();
    // No process is its own parent.
    if event.named("process") == event.named("parent") {
        event.fields.remove(&field("parent"));
    }
    for (identity, own) in [("host", "host.name"), ("process", "process.entity_id"), ("parent", "parent.entity_id")] {
        if let Some(value) = event.fields.remove(&field(identity)) {
            event.fields.insert(field(own), value);
        }
    }
    event.fields.remove(&field("user"));
    let logged = logged(target, &event, missing, happened.time / 1_000_000)?;
    let mut seen = logged.event.clone();
    for identity in ["host", "user", "process", "parent"].map(field) {
        if let Some(value) = identity_of(target, identity, &seen, &logged.row) {
            seen.fields.insert(identity, Value::Text(value));
        }
    }
    let place = logged.source.word().expect("a macro or data model");
    let row = stored(target, place, &logged.row, happened.time);
    Some(Logged { row, happened: Happened { time: happened.time, event: seen } })
}

/// A row as Splunk has it, behind a macro or in a data model.
fn stored(target: &Target, place: &str, columns: &serde_json::Map<String, Json>, time: i64) -> spl::Row {
    let definition = target.macros.get(place);
    let dataset = definition.is_none().then(|| place.rsplit('.').next().unwrap_or(place));
    let named = |name: &str| dataset.map_or_else(|| name.to_owned(), |d| format!("{d}.{name}"));
    let mut row: spl::Row = columns.iter().map(|(name, value)| (named(name), value.clone())).collect();
    row.shift_remove(&named("_time"));
    row.insert("_time".to_owned(), Json::from(time as f64 / 1e6));
    if dataset.is_some() {
        row.insert(named("is_member"), Json::from("true"));
    }
    if let Some(definition) = definition {
        let (_, rest) = definition.split_once("source=\"").expect("a macro names a source");
        row.insert("index".to_owned(), Json::from("main"));
        row.insert("source".to_owned(), Json::from(rest.split('"').next().expect("a source")));
    }
    row
}

/// Asks a query about witnesses; how many there are, and what it does not say of them as they do.
pub fn witnessed(question: &Question, sets: &LoggedSets) -> Result<usize, String> {
    let mut macros = spl::Macros::default();
    for (name, text) in &question.target.macros {
        macros.define(name, text);
    }
    let query = spl::read(question.query).map_err(|e| format!("{e}\n{}", question.query))?;
    let (mut rows, mut spans, mut number) = (vec![], vec![], 0);
    for witness in &sets.witnesses.all {
        let logged = sets.rows(witness, &mut number);
        let time = |row: &serde_json::Map<String, Json>| micros(row.get("_time")).expect("a time");
        let times: Vec<i64> = logged.iter().map(|(_, row)| time(row)).collect();
        spans.push((*times.iter().min().expect("events"), *times.iter().max().expect("events")));
        rows.extend(logged.iter().map(|(place, row)| stored(question.target, place, row, time(row))));
    }
    let returned = query.run(&rows, &macros).map_err(|e| format!("{e}\n{}", question.query))?;
    let told: Vec<i64> = returned.iter().filter_map(|row| micros(row.get("_time"))).collect();
    for (witness, (first, last)) in sets.witnesses.all.iter().zip(&spans) {
        let fires = told.iter().any(|t| first <= t && t <= last);
        if fires != (witness.verdict == Verdict::Fires) {
            let (rule, target) = (&question.rule.name, &question.target.name);
            return Err(format!("{rule} on {target}: {} is {fires}\n{witness:?}", witness.because.detail));
        }
    }
    Ok(spans.len())
}

/// An identity as the columns of a row tell it; `None` where one of them has no value.
fn identity_of(
    target: &Target,
    identity: FieldId,
    event: &Event,
    row: &serde_json::Map<String, Json>,
) -> Option<String> {
    let parts = target.identity(identity, event.kind)?.iter().map(|part| {
        let text = row.get(&part.column)?.as_str()?;
        let there = !text.is_empty() && !target.filler.iter().any(|f| f == text);
        there.then(|| if part.by == By::Name { text.to_lowercase() } else { text.to_owned() })
    });
    Some(parts.collect::<Option<Vec<_>>>()?.join(BETWEEN))
}

impl Question<'_> {
    /// A set of events in the target's log, each missing value written in one of its ways.
    pub fn log(&self, set: &[Happened], dice: &mut Dice) -> Vec<Logged> {
        let ways = missing(self.target);
        let logged = set.iter().filter_map(|h| log(self.target, h, dice.pick(&ways))).collect();
        if self.rests_on_starts() { each_process_once(logged) } else { logged }
    }

    /// What the rule means on those of its systems that the target logs.
    fn meaning(&self) -> Meaning {
        let logged = |os: &Os| self.target.sources.values().flatten().any(|source| source.os.contains(os));
        let systems: Vec<Os> = self.rule.meta.os.iter().copied().filter(logged).collect();
        self.rule.meaning(self.project, &systems)
    }

    /// Whether the rule asks something of several steps together, which rests on a process starting once.
    fn rests_on_starts(&self) -> bool {
        match self.meaning() {
            Meaning::Steps(s) => {
                let together = |s: &Step| !s.conditions.is_empty() || s.equalities.iter().any(|e| e.cased);
                !s.exceptions.is_empty() || s.steps.iter().any(together)
            }
            _ => false,
        }
    }
}

/// The set without a second start of any process.
fn each_process_once(set: Vec<Logged>) -> Vec<Logged> {
    let mut seen = std::collections::HashSet::new();
    let start = |l: &Logged| {
        let process = l.happened.event.named("process").map(|v| v.text().to_owned());
        process.filter(|_| l.happened.event.kind == arcanary::vocabulary::Kind::Process)
    };
    set.into_iter().filter(|l| start(l).is_none_or(|process| seen.insert(process))).collect()
}

/// Sysmon with one log of files, for rules that ask a file event for no action.
pub fn sysmon() -> Target {
    let mut target = Targets::built_in().all["splunk-sysmon"].clone();
    let files = target.sources.get_mut(&Kind::File).expect("a log of files");
    files.truncate(1);
    files.iter_mut().for_each(|s| s.when.clear());
    target
}

/// Asks a query about sets of events that lie far apart; how many rows it returned, and what is wrong with them.
pub fn compare(question: &Question, sets: &[Vec<Logged>]) -> Result<usize, String> {
    let mut macros = spl::Macros::default();
    for (name, text) in &question.target.macros {
        macros.define(name, text);
    }
    let query = spl::read(question.query).map_err(|e| format!("{e}\n{}", question.query))?;
    let events: Vec<spl::Row> = sets.iter().flatten().map(|l| l.row.clone()).collect();
    let mut left = query.run(&events, &macros).map_err(|e| format!("{e}\n{}", question.query))?;
    let mut total = 0;
    for set in sets.iter().filter(|s| !s.is_empty()) {
        let times = || set.iter().map(|l| l.happened.time);
        let (first, last) = (times().min().expect("events"), times().max().expect("events"));
        let inside = |row: &spl::Row| micros(row.get("_time")).is_some_and(|t| first <= t && t <= last);
        let (own, others): (Vec<_>, Vec<_>) = left.into_iter().partition(inside);
        left = others;
        let happened: Vec<Happened> = set.iter().map(|l| l.happened.clone()).collect();
        let seconds = set.iter().any(|l| l.row.keys().any(|k| k.ends_with(".is_member")));
        let judged = match question.meaning() {
            Meaning::Steps(steps) if seconds => judge_seconds(&steps, &happened, &own),
            Meaning::Count(count) if seconds => judge_count_of_seconds(&count, &happened, &own, &query.columns()),
            Meaning::Steps(steps) => judge_steps(&steps, &happened, &own),
            Meaning::Count(count) => judge_count(&count, &happened, &own, &query.columns()),
            Meaning::Single(_) => panic!("a rule over one event"),
        };
        total += judged.map_err(|why| report(question, &happened, &why))?;
    }
    if left.is_empty() { Ok(total) } else { Err(format!("rows of no set: {left:?}\n{}", question.query)) }
}

fn micros(value: Option<&Json>) -> Option<i64> {
    let seconds = match value? {
        Json::String(text) => text.parse().ok()?,
        other => other.as_f64()?,
    };
    Some((seconds * 1e6).round() as i64)
}

/// Each row is that of a completing event of its own, and tells what may be told of it.
fn judge_steps(steps: &Steps, set: &[Happened], returned: &[spl::Row]) -> Result<usize, String> {
    let expected: Vec<Row> = rows(steps, set);
    let fits: Vec<Vec<usize>> = returned
        .iter()
        .map(|row| (0..expected.len()).filter(|i| tells(steps, set, &expected[*i], row)).collect())
        .collect();
    assigned(&fits, &expected, returned)
}

/// Whether a returned row tells what may be told of a completing event.
fn tells(steps: &Steps, set: &[Happened], expected: &Row, row: &spl::Row) -> bool {
    let told: Vec<usize> = (0..steps.steps.len()).filter(|i| steps.steps[*i].role != Role::Without).collect();
    let time = |i: &usize| micros(row.get(&format!("{}_time", steps.steps[*i].name)));
    let times: Vec<Option<i64>> = told.iter().map(time).collect();
    let flags: Vec<Option<&str>> = steps.flags.iter().map(|f| row.get(&f.name).and_then(Json::as_str)).collect();
    let completing = &set[expected.completing];
    let host = completing.event.named("host").map(Value::text);
    micros(row.get("_time")) == Some(completing.time)
        && row.get("Computer").is_none_or(|c| c.as_str() == host)
        && expected.ways.iter().any(|way| {
            told.iter().map(|i| way.times[*i]).eq(times.iter().copied())
                && way.flags.iter().map(|f| Some(if *f { "true" } else { "false" })).eq(flags.iter().copied())
        })
}

/// In a data model the completing event is known to the second.
fn judge_seconds(steps: &Steps, set: &[Happened], returned: &[spl::Row]) -> Result<usize, String> {
    let second = |micros: i64| micros.div_euclid(1_000_000);
    let mut expected: Vec<i64> = rows(steps, set).iter().map(|r| second(set[r.completing].time)).collect();
    let mut seen: Vec<i64> = returned.iter().filter_map(|r| micros(r.get("_time"))).map(second).collect();
    for list in [&mut expected, &mut seen] {
        list.sort_unstable();
        list.dedup();
    }
    if expected == seen {
        Ok(seen.len())
    } else {
        Err(format!("expected the seconds {expected:?}\n  returned {returned:?}"))
    }
}

fn judge_count(count: &Count, set: &[Happened], returned: &[spl::Row], columns: &[String]) -> Result<usize, String> {
    let (expected, seen) = (expected_bursts(count, set), returned_bursts(returned, columns)?);
    if seen == expected { Ok(seen.len()) } else { Err(format!("expected {expected:?}\n  returned {seen:?}")) }
}

/// Bursts by brute force, with the keys as columns tell them, in order.
fn expected_bursts(count: &Count, set: &[Happened]) -> Vec<Burst> {
    let mut expected: Vec<Burst> = bursts(count, set);
    for burst in &mut expected {
        burst.keys = burst.keys.iter().flat_map(|k| k.split(BETWEEN).map(str::to_lowercase)).collect();
    }
    expected.sort();
    expected
}

/// Bursts that a query returned, in order.
fn returned_bursts(returned: &[spl::Row], columns: &[String]) -> Result<Vec<Burst>, String> {
    let keys: Vec<&String> =
        columns.iter().filter(|c| !["_time", "first_seen", "events"].contains(&c.as_str())).collect();
    let text = |row: &spl::Row, name: &str| row.get(name).and_then(Json::as_str).unwrap_or("").to_lowercase();
    let mut seen: Vec<Burst> = vec![];
    for row in returned {
        let (Some(first), Some(last)) = (micros(row.get("first_seen")), micros(row.get("_time"))) else {
            return Err(format!("a time is missing in {row:?}"));
        };
        let events = match row.get("events") {
            Some(Json::String(text)) => text.parse().ok(),
            other => other.and_then(Json::as_f64).map(|n| n as usize),
        };
        let keys = keys.iter().map(|k| text(row, k)).collect();
        seen.push(Burst { keys, first, last, events: events.ok_or_else(|| format!("no events in {row:?}"))? });
    }
    seen.sort();
    Ok(seen)
}

/// In a data model it is exact which groups fire, and when each does so first.
fn judge_count_of_seconds(
    count: &Count,
    set: &[Happened],
    returned: &[spl::Row],
    columns: &[String],
) -> Result<usize, String> {
    let (expected, seen) = (expected_bursts(count, set), returned_bursts(returned, columns)?);
    let firsts = |all: &[Burst]| {
        let mut first = std::collections::BTreeMap::new();
        for burst in all {
            let last = first.entry(burst.keys.clone()).or_insert(burst.last);
            *last = burst.last.min(*last);
        }
        first
    };
    if firsts(&expected) == firsts(&seen) {
        Ok(seen.len())
    } else {
        Err(format!("expected {expected:?}\n  returned {seen:?}"))
    }
}

fn report(question: &Question, set: &[Happened], why: &str) -> String {
    let query: Vec<&str> = question.query.lines().filter(|l| !l.starts_with("```")).collect();
    format!("{} on {}: {why}\n{}\n{}", question.rule.name, question.target.name, super::listing(set), query.join("\n"))
}
