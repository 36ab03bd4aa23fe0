//! Rows go in, documents are run on a real engine, and what each returned comes out.

use super::super::checker::{self, Checker};
use super::super::oracle::project::root;
use super::super::spl;
use super::converted;
use super::deviations;
use super::view::{Logged, time};
use arcanary::target::{Language, Target};
use serde_json::{Map, Value as Json, json};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// A document to run.
pub struct Question {
    /// What to call it.
    pub name: String,
    /// Its text.
    pub document: String,
    /// Its flags.
    pub flags: Vec<String>,
}

/// Documents and the rows to run them over.
pub struct Batch<'t> {
    /// The rows.
    pub rows: Vec<Logged<'t>>,
    /// The documents.
    pub questions: Vec<Question>,
    /// What users' converters make of the documents is run, too.
    pub converted: bool,
}

/// What a document returned.
#[derive(Default)]
pub struct Returned {
    /// Rows by their place, with their flags; an engine without columns gives none.
    pub rows: BTreeMap<usize, BTreeMap<String, bool>>,
    /// Rows that the engine cannot decide: what is known and why stands in `deviations.md`.
    pub undecided: BTreeSet<usize>,
}

/// For each document what it returned, or what the engine said.
pub type Answers = Vec<Result<Returned, String>>;

/// Runs documents of one target on each engine for its language: the engine's name, its answers for each batch.
pub fn run(target: &Target, batches: &[Batch]) -> Vec<(&'static str, Vec<Answers>)> {
    let sigma = |program| by_lines(program, batches, sigma_lines, sigma_answer);
    match target.language {
        Language::Kql => {
            vec![("duckdb-kql", by_lines(Checker::KustoRun, batches, |b| kql_lines(target, b), kql_answer))]
        }
        Language::Sigma => {
            let own = [("pySigma's SQLite", sigma(Checker::SigmaRun)), ("sigma-rust", sigma(Checker::SigmaRust))];
            let converted = if batches.iter().any(|b| b.converted) { converted::run(batches) } else { vec![] };
            own.into_iter().chain(converted).collect()
        }
        Language::Spl => vec![("spl", batches.iter().map(|b| splunk(target, &b.rows, &b.questions)).collect())],
    }
}

/// One process for all: of each batch a line with the rows, and one for each document.
fn by_lines(
    program: Checker,
    batches: &[Batch],
    lines: impl Fn(&Batch) -> Vec<Json>,
    read: impl Fn(&Places, &Batch, &Question, &Json) -> Result<Returned, String>,
) -> Vec<Answers> {
    let mut answers = checker::run(program, batches.iter().flat_map(lines).collect()).into_iter();
    let one = |batch: &Batch| {
        assert!(answers.next().is_some_and(|a| a["loaded"].is_u64()), "the rows");
        let places = Places::new(&batch.rows);
        let answer = |question: &Question| {
            let answer = answers.next().expect("an answer for every question");
            match answer["error"].as_str() {
                Some(error) => Err(error.to_owned()),
                None => read(&places, batch, question, &answer).map(|mut returned| {
                    let beyond = deviations::beyond(program, &question.document);
                    let places = 0..batch.rows.len();
                    returned.undecided.extend(places.filter(|place| beyond(&batch.rows[*place].row)));
                    returned
                }),
            }
        };
        batch.questions.iter().map(answer).collect()
    };
    batches.iter().map(one).collect()
}

/// Rows by the second in which they happened.
struct Places(HashMap<i64, usize>);

impl Places {
    fn new(rows: &[Logged]) -> Places {
        Places(rows.iter().enumerate().map(|(place, row)| (row.seconds, place)).collect())
    }

    fn of(&self, time: &Json) -> Result<usize, String> {
        let seconds = time.as_f64().or_else(|| time.as_str()?.parse().ok()).filter(|s| s.fract() == 0.0);
        #[allow(clippy::cast_possible_truncation, reason = "a whole number of seconds")]
        let found = seconds.and_then(|s| self.0.get(&(s as i64)).copied());
        found.ok_or_else(|| format!("a row of the result has the time {time}"))
    }
}

fn put(returned: &mut Returned, place: usize, flags: BTreeMap<String, bool>) -> Result<(), String> {
    match returned.rows.insert(place, flags) {
        None => Ok(()),
        Some(_) => Err(format!("row {place} came out twice")),
    }
}

// ---- KQL ----

/// Types of columns by table, as Microsoft documents them.
fn schema(target: &Target) -> Map<String, Json> {
    let text = std::fs::read_to_string(root("tests/data/kql-tables.json")).expect("the tables' columns");
    let all: Json = serde_json::from_str(&text).expect("JSON");
    let name = if target.name == "defender" { "defender" } else { "sentinel" };
    all[name].as_object().expect("tables").clone()
}

fn kql_lines(target: &Target, batch: &Batch) -> Vec<Json> {
    let schema = schema(target);
    let time = time(target).expect("a column of time");
    let mut tables = Map::new();
    for (kind, source) in target.sources.iter().flat_map(|(k, all)| all.iter().map(move |s| (k, s))) {
        let table = source.table.as_deref().expect("a table");
        let known = schema[table].as_object().expect("columns");
        let mapped = arcanary::vocabulary::fields::all().filter_map(|f| target.mapping(f, *kind));
        let mapped = mapped.flat_map(|m| target.logged_columns(m.column()));
        let own =
            target.columns.iter().map(String::as_str).chain([time]).chain(source.filter.keys().map(String::as_str));
        let columns: BTreeSet<&str> = mapped.chain(own).filter(|c| known.contains_key(*c)).collect();
        let of_table = batch.rows.iter().filter(|r| r.source.table.as_deref() == Some(table));
        let stored: Vec<Vec<&Json>> =
            of_table.map(|r| columns.iter().map(|c| r.row.get(*c).unwrap_or(&Json::Null)).collect()).collect();
        let types: Map<String, Json> = columns.iter().map(|c| ((*c).to_owned(), known[*c].clone())).collect();
        tables.insert(table.to_owned(), json!({ "columns": types, "rows": stored }));
    }
    let mut lines = vec![json!({ "tables": tables })];
    lines.extend(
        batch.questions.iter().map(|q| json!({ "name": q.name, "query": q.document, "id": time, "flags": q.flags })),
    );
    lines
}

fn kql_answer(places: &Places, _: &Batch, question: &Question, answer: &Json) -> Result<Returned, String> {
    let mut returned = Returned::default();
    for row in answer["rows"].as_array().expect("rows") {
        let flags = question.flags.iter().enumerate().map(|(i, name)| match row[i + 1].as_bool() {
            Some(value) => Ok((name.clone(), value)),
            None => Err(format!("the flag {name} is {}, columns are {}", row[i + 1], answer["columns"])),
        });
        put(&mut returned, places.of(&row[0])?, flags.collect::<Result<_, _>>()?)?;
    }
    Ok(returned)
}

// ---- SPL ----

/// What a macro looks for in events: `source="…"` of its definition.
fn source_of(definition: &str) -> &str {
    let (_, rest) = definition.split_once("source=\"").expect("a macro names a source");
    rest.split('"').next().unwrap_or("")
}

fn splunk(target: &Target, rows: &[Logged], questions: &[Question]) -> Vec<Result<Returned, String>> {
    let mut macros = spl::Macros::default();
    for (name, text) in &target.macros {
        macros.define(name, text);
    }
    let events: Vec<spl::Row> = rows
        .iter()
        .map(|logged| {
            let dataset = logged.source.datamodel.as_deref().map(|m| m.rsplit('.').next().unwrap_or(m));
            let column = |name: &str| match dataset {
                Some(dataset) if name != "_time" => format!("{dataset}.{name}"),
                _ => name.to_owned(),
            };
            let mut row: spl::Row = logged.row.iter().map(|(name, value)| (column(name), value.clone())).collect();
            if let Some(dataset) = dataset {
                // An event belongs to a dataset whichever of its fields it lacks.
                row.insert(format!("{dataset}.is_member"), Json::from("true"));
            }
            if let Some(name) = &logged.source.macro_name {
                row.insert("index".to_owned(), Json::from("main"));
                row.insert("source".to_owned(), Json::from(source_of(&target.macros[name])));
            }
            row
        })
        .collect();
    let places = Places::new(rows);
    let one = |question: &Question| {
        let query = spl::read(&question.document).map_err(|e| e.to_string())?;
        let mut returned = Returned::default();
        let bytes = |error: &spl::SplError| error.message.contains(deviations::BYTES);
        let (out, undecided) = decided(&query, &events, &macros, bytes).map_err(|e| e.to_string())?;
        returned.undecided = undecided;
        for row in out {
            let flags = question.flags.iter().map(|name| match row.get(name).and_then(Json::as_str) {
                Some("true") => Ok((name.clone(), true)),
                Some("false") => Ok((name.clone(), false)),
                other => Err(format!("the flag {name} is {other:?}")),
            });
            put(&mut returned, places.of(&row["_time"])?, flags.collect::<Result<_, _>>()?)?;
        }
        Ok(returned)
    };
    questions.iter().map(one).collect()
}

/// Rows that are asked about together where a query fails on some: few fail, and each row alone takes long.
const TOGETHER: usize = 32;

/// What a query over single events returns of all but those on which it fails by an error that leaves them undecided, and the
/// places of these.
pub fn decided(
    query: &spl::Query,
    events: &[spl::Row],
    macros: &spl::Macros,
    leaves_undecided: fn(&spl::SplError) -> bool,
) -> Result<(Vec<spl::Row>, BTreeSet<usize>), spl::SplError> {
    let (mut out, mut undecided) = (vec![], BTreeSet::new());
    let mut ask = |first: usize, events: &[spl::Row]| match query.run(events, macros) {
        Err(error) if leaves_undecided(&error) => {
            if events.len() == 1 {
                undecided.insert(first);
            }
            Ok(false)
        }
        other => other.map(|rows| out.extend(rows)).map(|()| true),
    };
    if !ask(0, events)? {
        for (n, some) in events.chunks(TOGETHER).enumerate() {
            if !ask(n * TOGETHER, some)? && some.len() > 1 {
                for (i, one) in some.iter().enumerate() {
                    ask(n * TOGETHER + i, std::slice::from_ref(one))?;
                }
            }
        }
    }
    Ok((out, undecided))
}

// ---- Sigma ----

/// The log sources of a text's rules, in order.
pub fn logsources(text: &str) -> Vec<BTreeMap<String, String>> {
    use serde::Deserialize as _;
    let documents = serde_yaml::Deserializer::from_str(text).map(|d| serde_yaml::Value::deserialize(d).expect("YAML"));
    let sources = documents.filter_map(|d| d.get("logsource").cloned());
    let read = |source: serde_yaml::Value| {
        let pairs = source.as_mapping().expect("a log source").iter();
        let pairs = pairs.map(|(k, v)| (k.as_str().unwrap_or("").to_owned(), v.as_str().unwrap_or("").to_owned()));
        pairs.filter(|(k, _)| k != "definition").collect()
    };
    sources.map(read).collect()
}

pub fn sigma_lines(batch: &Batch) -> Vec<Json> {
    let events: Vec<&Map<String, Json>> = batch.rows.iter().map(|r| &r.row).collect();
    let questions = batch.questions.iter().map(|q| json!({ "name": q.name, "yaml": q.document }));
    [json!({ "events": events })].into_iter().chain(questions).collect()
}

fn sigma_answer(_: &Places, batch: &Batch, question: &Question, answer: &Json) -> Result<Returned, String> {
    let places = |found: &Json| -> Vec<usize> { serde_json::from_value(found.clone()).expect("places") };
    let matched: Vec<Vec<usize>> = answer["matched"].as_array().expect("matches").iter().map(places).collect();
    Ok(of_their_sources(batch, question, &matched))
}

/// Of the rows that each rule of a text selects, those of its log source.
pub fn of_their_sources(batch: &Batch, question: &Question, matched: &[Vec<usize>]) -> Returned {
    let sources = logsources(&question.document);
    assert_eq!(matched.len(), sources.len(), "{}: rules and log sources", question.name);
    let mut returned = Returned::default();
    for (matched, source) in matched.iter().zip(&sources) {
        let own = matched.iter().filter(|place| is_of(&batch.rows[**place], source));
        returned.rows.extend(own.map(|place| (*place, BTreeMap::new())));
    }
    returned
}

/// Whether a row is of a rule's log source.
pub fn is_of(row: &Logged, logsource: &BTreeMap<String, String>) -> bool {
    let own = &row.source.logsource;
    own.len() == logsource.len() && own.iter().all(|(k, v)| logsource.get(k) == Some(v))
}
