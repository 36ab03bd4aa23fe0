//! What users' converters make of a Sigma rule, run: pySigma's Splunk backend with the pipeline `splunk_windows`, alone and
//! behind `sysmon`, on the strict evaluator of these tests; its Kusto backend with `microsoft_xdr` on duckdb-kql.
//!
//! A converted query reads one event at a time: where Splunk documents no answer (what `regex` makes of a missing field), that
//! row is not compared and all others are.

use super::super::checker::{self, Checker};
use super::super::spl;
use super::deviations;
use super::engines::{Answers, Batch, Question, Returned, decided, is_of, logsources, of_their_sources, sigma_lines};
use super::view::Logged;
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};

/// A converter with its pipelines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Converter {
    /// Splunk with `splunk_windows`.
    Splunk,
    /// Splunk with `sysmon` and `splunk_windows`.
    Sysmon,
    /// Kusto with `microsoft_xdr`.
    Kusto,
}

/// Each of them: its name here, and in the answers of `sigma/convert.py`.
const ALL: [(Converter, &str, &str); 3] = [
    (Converter::Splunk, "pySigma's Splunk", "splunk"),
    (Converter::Sysmon, "pySigma's Splunk behind Sysmon's pipeline", "sysmon"),
    (Converter::Kusto, "pySigma's Kusto", "kusto"),
];

/// Converts and runs the documents of batches that ask for it with each converter; of others there are no answers.
pub fn run(batches: &[Batch]) -> Vec<(&'static str, Vec<Answers>)> {
    let mut answers =
        checker::run(Checker::SigmaConvert, batches.iter().filter(|b| b.converted).flat_map(sigma_lines).collect())
            .into_iter();
    let mut out: Vec<(&'static str, Vec<Answers>)> = ALL.map(|(_, name, _)| (name, vec![])).into();
    for batch in batches {
        if !batch.converted {
            out.iter_mut().for_each(|(_, all)| all.push(vec![]));
            continue;
        }
        assert!(answers.next().is_some_and(|a| a["loaded"].is_u64()), "the rows");
        out.iter_mut().for_each(|(_, all)| all.push(vec![]));
        let rows: Vec<spl::Row> = batch.rows.iter().enumerate().map(|(place, row)| in_splunk(place, row)).collect();
        for question in &batch.questions {
            let answer = answers.next().expect("an answer for every question");
            for ((converter, _, key), (_, all)) in ALL.iter().zip(&mut out) {
                all.last_mut().expect("a batch").push(one(*converter, batch, &rows, question, &answer[*key]));
            }
        }
    }
    out
}

fn one(
    converter: Converter,
    batch: &Batch,
    rows: &[spl::Row],
    question: &Question,
    answer: &Json,
) -> Result<Returned, String> {
    let undecided = || Returned { undecided: (0..batch.rows.len()).collect(), ..Returned::default() };
    if deviations::beyond_converter(converter, &question.document) {
        return Ok(undecided());
    }
    match ran(batch, rows, question, answer) {
        Err(error) if deviations::refused_by_converter(converter, &question.document, &error) => Ok(undecided()),
        other => other,
    }
}

fn ran(batch: &Batch, rows: &[spl::Row], question: &Question, answer: &Json) -> Result<Returned, String> {
    if let Some(error) = answer["error"].as_str() {
        return Err(error.to_owned());
    }
    if let Some(matched) = answer["matched"].as_array() {
        let places = |found: &Json| -> Vec<usize> { serde_json::from_value(found.clone()).expect("places") };
        return Ok(of_their_sources(batch, question, &matched.iter().map(places).collect::<Vec<_>>()));
    }
    let queries = answer["queries"].as_array().expect("queries").iter().map(|q| q.as_str().expect("text"));
    let (mut matched, mut undecided) = (vec![], BTreeSet::new());
    for (query, logsource) in queries.zip(logsources(&question.document)) {
        let read = spl::read_foreign(query).map_err(|e| format!("{e}\n{query}"))?;
        let own: Vec<usize> = (0..rows.len()).filter(|place| is_of(&batch.rows[*place], &logsource)).collect();
        let events: Vec<spl::Row> = own.iter().map(|place| rows[*place].clone()).collect();
        let undocumented = |error: &spl::SplError| error.kind == spl::Kind::Undocumented;
        let found = decided(&read, &events, &spl::Macros::default(), undocumented);
        let (found, open) = found.map_err(|error| format!("{error}\n{query}"))?;
        undecided.extend(open.into_iter().map(|n| own[n]));
        let place = |row: &spl::Row| row.get(PLACE).and_then(Json::as_u64).and_then(|n| usize::try_from(n).ok());
        let found = found.iter().map(|row| place(row).expect("a converted query keeps all fields")).collect();
        matched.push(found);
    }
    Ok(Returned { undecided, ..of_their_sources(batch, question, &matched) })
}

/// The code of each sort of event that Sysmon has.
const CODES: [(&str, u64); 5] =
    [("process_creation", 1), ("network_connection", 3), ("image_load", 7), ("file_event", 11), ("file_delete", 23)];

/// Whether the pipeline `sysmon` adds a condition for a log source.
pub fn in_sysmon(logsource: &BTreeMap<String, String>) -> bool {
    let is = |key: &str, value: &str| logsource.get(key).is_some_and(|found| found == value);
    is("product", "windows") && CODES.iter().any(|(category, _)| is("category", category))
}

/// The field that tells rows apart.
const PLACE: &str = "arcanary_place";

/// A row as Splunk has it from Sysmon: with its source, the code of its sort of event, and its place.
fn in_splunk(place: usize, logged: &Logged) -> spl::Row {
    let mut row = logged.row.clone();
    row.insert(PLACE.to_owned(), json!(place));
    let category = logged.source.logsource.get("category").expect("a category");
    let code = CODES.iter().find(|(name, _)| name == category);
    row.insert("source".to_owned(), Json::from("WinEventLog:Microsoft-Windows-Sysmon/Operational"));
    row.extend(code.map(|(_, code)| ("EventCode".to_owned(), json!(code))));
    row
}
