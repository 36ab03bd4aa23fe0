//! Events as rows of Defender's tables, and what a query returns of them.

use super::super::super::checker::{self, Checker};
use super::super::super::oracle::Event;
use super::super::super::oracle::project::root;
use super::super::super::oracle::temporal::{Burst, Happened, Row, bursts, rows};
use super::assigned;
use super::events::PROCESSES;
use arcanary::ir::{Count, Meaning, Steps};
use arcanary::sema::{Project, Rule};
use arcanary::target::Target;
use arcanary::vocabulary::Kind;
use arcanary::witness::{LoggedSets, Verdict};
use serde_json::{Map, Value as Json, json};

/// Sets of events, far enough apart in time for rules of one window.
pub struct Group {
    /// The window in seconds.
    pub within: i64,
    pub sets: Vec<Vec<Happened>>,
}

/// A rule with its query, which is asked about the sets of its window.
pub struct Question<'p> {
    pub project: &'p Project,
    pub rule: &'p Rule,
    pub within: i64,
    pub query: String,
}

/// What was compared.
#[derive(Default, Debug)]
pub struct Done {
    pub sets: usize,
    pub rows: usize,
    pub wrong: Vec<String>,
}

const TABLES: [(Kind, &str); 3] =
    [(Kind::Process, "DeviceProcessEvents"), (Kind::File, "DeviceFileEvents"), (Kind::Network, "DeviceNetworkEvents")];

/// Columns of the tables: those that the rules' fields are mapped to, and those of the target itself.
const COLUMNS: [(&str, &str); 21] = [
    ("Timestamp", "datetime"),
    ("DeviceId", "string"),
    ("ReportId", "long"),
    ("ActionType", "string"),
    ("AccountName", "string"),
    ("AccountDomain", "string"),
    ("InitiatingProcessAccountName", "string"),
    ("InitiatingProcessAccountDomain", "string"),
    ("ProcessId", "long"),
    ("ProcessCreationTime", "datetime"),
    ("InitiatingProcessId", "long"),
    ("InitiatingProcessCreationTime", "datetime"),
    ("InitiatingProcessParentId", "long"),
    ("InitiatingProcessParentCreationTime", "datetime"),
    ("ProcessCommandLine", "string"),
    ("FileName", "string"),
    ("FolderPath", "string"),
    ("InitiatingProcessFileName", "string"),
    ("RemoteUrl", "string"),
    ("RemoteIP", "string"),
    ("FileSize", "long"),
];
const MORE: [(&str, &str); 4] = [
    ("RemotePort", "long"),
    ("InitiatingProcessCommandLine", "string"),
    ("InitiatingProcessFolderPath", "string"),
    ("InitiatingProcessParentFileName", "string"),
];

fn columns() -> impl Iterator<Item = (&'static str, &'static str)> {
    COLUMNS.into_iter().chain(MORE)
}

fn seconds(micros: i64) -> Json {
    // Whole microseconds: numbers of this size are exact to less than one.
    json!(micros as f64 / 1e6)
}

/// An event's number in its table; events of different tables have the same ones.
fn number(set: &[Happened], place: usize) -> usize {
    set[..=place].iter().filter(|h| h.event.kind == set[place].event.kind).count()
}

/// An event's row.
fn row(set: &[Happened], place: usize) -> Map<String, Json> {
    let happened = &set[place];
    let event = &happened.event;
    let mut row = Map::new();
    let mut put = |column: &str, value: Json| drop(row.insert(column.to_owned(), value));
    let text = |name: &str| event.named(name).map(|v| json!(v.text()));
    put("Timestamp", seconds(happened.time));
    put("ReportId", json!(number(set, place)));
    put(
        "ActionType",
        json!(match event.kind {
            Kind::Process => "ProcessCreated",
            Kind::File => "FileCreated",
            _ => "ConnectionSuccess",
        }),
    );
    let (created, acting, parent) = ("Process", "InitiatingProcess", "InitiatingProcessParent");
    let (own, above, account) = if event.kind == Kind::Process {
        (created, acting, "Account")
    } else {
        (acting, parent, "InitiatingProcessAccount")
    };
    for (name, column) in [
        ("host", "DeviceId"),
        ("command_line", "ProcessCommandLine"),
        ("file.name", "FileName"),
        ("destination.domain", "RemoteUrl"),
    ] {
        text(name).into_iter().for_each(|v| put(column, v));
    }
    text("user.name").into_iter().for_each(|v| put(&format!("{account}Name"), v));
    text("user").into_iter().for_each(|_| put(&format!("{account}Domain"), json!("corp")));
    for (name, column) in [("process", own), ("parent", above)] {
        let known = |event: &Event| {
            let wanted = event.named(name)?.text().rsplit('/').next()?.to_owned();
            PROCESSES.iter().find(|(n, ..)| *n == wanted).copied()
        };
        if let Some((_, pid, born)) = known(event) {
            put(&format!("{column}Id"), json!(pid));
            put(&format!("{column}CreationTime"), seconds(born * 1_000_000));
        }
    }
    row
}

fn tables(group: &Group) -> Json {
    let mut out = Map::new();
    for (kind, table) in TABLES {
        let all = group.sets.iter().flat_map(|set| (0..set.len()).map(move |i| (set, i)));
        let rows: Vec<Vec<Json>> = all
            .filter(|(set, i)| set[*i].event.kind == kind)
            .map(|(set, i)| {
                let row = row(set, i);
                columns().map(|(name, _)| row.get(name).cloned().unwrap_or(Json::Null)).collect()
            })
            .collect();
        let types: Map<String, Json> = columns().map(|(n, t)| (n.to_owned(), json!(t))).collect();
        out.insert(table.to_owned(), json!({ "columns": types, "rows": rows }));
    }
    json!({ "tables": out })
}

/// `ArchivingTime` of the step `archiving`.
fn time_column(step: &str) -> String {
    format!("{}{}Time", step[..1].to_uppercase(), &step[1..])
}

/// Asks each query about the sets of its window.
pub fn compare(questions: &[Question], groups: &[Group]) -> Done {
    let of = |group: &Group| questions.iter().filter(|q| q.within == group.within).collect::<Vec<_>>();
    let mut lines = vec![];
    for group in groups {
        lines.push(tables(group));
        for question in of(group) {
            let wanted = wanted(question);
            let name = &question.rule.name;
            lines.push(json!({ "name": name, "query": question.query, "id": "Timestamp", "flags": wanted }));
        }
    }
    let mut answers = checker::run(Checker::KustoRun, lines).into_iter();
    let mut done = Done::default();
    for group in groups {
        answers.next();
        for question in of(group) {
            let answer = answers.next().expect("an answer");
            match answer["error"].as_str() {
                Some(error) => done.wrong.push(format!("{}: {error}\n{}", question.rule.name, question.query)),
                None => by_set(&mut done, question, group, answer["rows"].as_array().expect("rows")),
            }
        }
    }
    done
}

/// Gives each set its rows: those of its time.
fn by_set(done: &mut Done, question: &Question, group: &Group, returned: &[Json]) {
    let mut left: Vec<&Vec<Json>> = returned.iter().map(|r| r.as_array().expect("a row")).collect();
    for set in &group.sets {
        let times = || set.iter().map(|h| h.time);
        let inside =
            |row: &&Vec<Json>| micros(&row[0]).is_some_and(|t| times().min() <= Some(t) && Some(t) <= times().max());
        let (own, others): (Vec<_>, Vec<_>) = left.into_iter().partition(inside);
        left = others;
        done.sets += 1;
        match judge(question, set, &own) {
            Ok(rows) => done.rows += rows,
            Err(why) => done.wrong.push(report(question, set, &why)),
        }
    }
    if !left.is_empty() {
        done.wrong.push(format!("{}: rows of no set: {left:?}", question.rule.name));
    }
}

fn meaning(question: &Question) -> Meaning {
    question.rule.meaning(question.project, &question.rule.meta.os)
}

/// The columns that are compared, beside the time.
fn wanted(question: &Question) -> Vec<String> {
    let mut out = vec!["DeviceId".to_owned(), "ReportId".to_owned()];
    match meaning(question) {
        Meaning::Steps(steps) => {
            let told = steps.steps.iter().filter(|s| s.role != arcanary::ir::Role::Without);
            out.extend(told.map(|s| time_column(&s.name)));
            out.extend(steps.flags.iter().map(|f| f.name.clone()));
        }
        Meaning::Count(_) => out.extend(["FirstSeen".to_owned(), "LastSeen".to_owned()]),
        Meaning::Single(_) => panic!("a rule over one event"),
    }
    out
}

fn micros(value: &Json) -> Option<i64> {
    value.as_f64().map(|seconds| (seconds * 1e6).round() as i64)
}

fn judge(question: &Question, set: &[Happened], returned: &[&Vec<Json>]) -> Result<usize, String> {
    match meaning(question) {
        Meaning::Steps(steps) => judge_steps(&steps, set, returned),
        Meaning::Count(count) => judge_count(&count, set, returned),
        Meaning::Single(_) => panic!("a rule over one event"),
    }
}

/// Each row is that of a completing event of its own, and tells what may be told of it.
fn judge_steps(steps: &Steps, set: &[Happened], returned: &[&Vec<Json>]) -> Result<usize, String> {
    let expected: Vec<Row> = rows(steps, set);
    let told: Vec<usize> =
        (0..steps.steps.len()).filter(|i| steps.steps[*i].role != arcanary::ir::Role::Without).collect();
    let may_be = |cells: &&Vec<Json>| -> Vec<usize> {
        let times: Vec<Option<i64>> = cells[3..3 + told.len()].iter().map(micros).collect();
        let flags: Vec<Option<bool>> = cells[3 + told.len()..].iter().map(Json::as_bool).collect();
        let is = |row: &Row| {
            let event = &set[row.completing];
            let number = json!(number(set, row.completing));
            let host = event.event.named("host").map_or("", |h| h.text());
            let way = |way: &super::super::super::oracle::temporal::Way| {
                told.iter().map(|i| way.times[*i]).eq(times.iter().copied())
                    && way.flags.iter().map(|f| Some(*f)).eq(flags.iter().copied())
            };
            micros(&cells[0]) == Some(event.time)
                && cells[1].as_str().unwrap_or("") == host
                && cells[2] == number
                && row.ways.iter().any(way)
        };
        (0..expected.len()).filter(|i| is(&expected[*i])).collect()
    };
    assigned(&returned.iter().map(may_be).collect::<Vec<_>>(), &expected, returned)
}

fn judge_count(count: &Count, set: &[Happened], returned: &[&Vec<Json>]) -> Result<usize, String> {
    let expected: Vec<Burst> = bursts(count, set);
    let mut times: Vec<(i64, i64)> = expected.iter().map(|b| (b.first, b.last)).collect();
    times.sort_unstable();
    let mut seen: Vec<(i64, i64)> = vec![];
    for cells in returned {
        let (Some(first), Some(last)) = (micros(&cells[3]), micros(&cells[4])) else {
            return Err(format!("a time is missing in {cells:?}"));
        };
        let real = |(i, h): (usize, &Happened)| h.time == last && cells[2] == json!(number(set, i));
        if micros(&cells[0]) != Some(last) || !set.iter().enumerate().any(real) {
            return Err(format!("no event is {cells:?}"));
        }
        seen.push((first, last));
    }
    seen.sort_unstable();
    if seen == times { Ok(seen.len()) } else { Err(format!("expected {expected:?}\n  returned {returned:?}")) }
}

/// Asks queries about their witnesses; how many there are, and what is said of them that they do not say of themselves.
pub fn witnessed(target: &Target, questions: &[(String, String, LoggedSets)]) -> (usize, Vec<String>) {
    let time = target.columns.first().expect("a column of time");
    let known = std::fs::read_to_string(root("tests/data/kql-tables.json")).expect("the tables' columns");
    let known: Json = serde_json::from_str(&known).expect("JSON");
    let schema = &known[if target.name == "defender" { "defender" } else { "sentinel" }];
    let types = |table: &str| -> Map<String, Json> {
        let all = schema[table].as_object().expect("columns").clone();
        // DuckDB's names ignore case; Kusto has both LogonID and LogonId.
        let mut seen = std::collections::HashSet::new();
        all.into_iter().filter(|(name, kind)| kind != "dynamic" && seen.insert(name.to_lowercase())).collect()
    };
    let (mut lines, mut spans, mut number) = (vec![], vec![], 0);
    for (name, query, sets) in questions {
        let mut tables: Map<String, Json> = Map::new();
        for table in target.sources.values().flatten().filter_map(|s| s.table.as_ref()) {
            tables.insert(table.clone(), json!({ "columns": types(table), "rows": [] }));
        }
        for witness in &sets.witnesses.all {
            let mut times = vec![];
            for (table, row) in sets.rows(witness, &mut number) {
                times.push(at(&row[time]));
                let types = types(&table);
                let value = |(column, kind): (&String, &Json)| match row.get(column) {
                    Some(text) if kind == "datetime" => seconds(at(text)),
                    other => other.cloned().unwrap_or(Json::Null),
                };
                let cells: Vec<Json> = types.iter().map(value).collect();
                tables[table.as_str()]["rows"].as_array_mut().expect("rows").push(json!(cells));
            }
            spans.push((*times.iter().min().expect("events"), *times.iter().max().expect("events")));
        }
        lines.push(json!({ "tables": tables }));
        lines.push(json!({ "name": name, "query": query, "id": time, "flags": [] }));
    }
    let mut answers = checker::run(Checker::KustoRun, lines).into_iter();
    let (mut wrong, mut spans) = (vec![], spans.iter());
    for (name, query, sets) in questions {
        answers.next();
        let answer = answers.next().expect("an answer");
        let cells = answer["rows"].as_array().cloned().unwrap_or_default();
        let told: Vec<i64> = cells.iter().filter_map(|row| micros(&row[0])).collect();
        if let Some(error) = answer["error"].as_str() {
            wrong.push(format!("{name} on {}: {error}\n{query}", target.name));
        }
        for (witness, (first, last)) in sets.witnesses.all.iter().zip(spans.by_ref()) {
            let fires = told.iter().any(|t| first <= t && t <= last);
            if fires != (witness.verdict == Verdict::Fires) {
                wrong.push(format!("{name} on {}: {fires}: {witness:?}", target.name));
            }
        }
    }
    (questions.iter().map(|(.., sets)| sets.witnesses.all.len()).sum(), wrong)
}

fn at(text: &Json) -> i64 {
    arcanary::event::time::parse(text.as_str().expect("a time")).expect("a time")
}

fn report(question: &Question, set: &[Happened], why: &str) -> String {
    let query: Vec<&str> = question.query.lines().filter(|l| !l.starts_with("//")).collect();
    format!("{}: {why}\n{}\n{}", question.rule.name, super::listing(set), query.join("\n"))
}
