//! What a product's own rows say, on the emitted query and in a reader alike: rows go in as the product writes them, the query
//! of each target runs on its engines, the reader reads the same rows for the evaluator, and both must find the same ones.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

#[path = "engines/checker.rs"]
mod checker;
mod oracle;
#[path = "engines/run/mod.rs"]
#[allow(dead_code, reason = "`tests/validation.rs` uses the rest")]
mod run;
#[path = "engines/spl/mod.rs"]
mod spl;

#[path = "fields/addresses.rs"]
mod addresses;
#[path = "fields/connections.rs"]
mod connections;
#[path = "fields/hashes.rs"]
mod hashes;
#[path = "fields/users.rs"]
mod users;

use arcanary::compile::compile;
use arcanary::event::eval::Evaluator;
use arcanary::event::read::{self, Record, Room};
use arcanary::target::{Target, Targets};
use arcanary::vocabulary::{Kind, Os};
use oracle::project::{Loaded, load};
use run::engines::{self, Batch, Question};
use run::view::{Logged, time};
use serde_json::{Map, Value as Json, json};

/// When the first row happened.
const START: i64 = 1_795_000_000;

/// A rule of these entries.
fn rule(entries: &str) -> Loaded {
    load(
        &[],
        &format!(
            "rule r {{ title \"R\" id 00000000-0000-4000-8000-000000000001 level low os [windows, linux]\n{entries}\n}}"
        ),
    )
}

/// The query of a rule on a target.
fn said(target: &Target, entries: &str) -> String {
    let Loaded { project, .. } = rule(entries);
    compile(&project.rules["r"], &project, target).unwrap_or_else(|e| panic!("{}: {e:?}", target.name)).text
}

/// Whether a target's engines, and what converters make of Sigma, find each of the rows of a log; `source`: which of the
/// target's logs for the kind of event.
fn found(target: &str, (kind, source): (Kind, usize), entries: &str, rows: &[Json]) -> Vec<(&'static str, Vec<bool>)> {
    let targets = Targets::built_in();
    let target = &targets.all[target];
    let source = &target.sources[&kind][source];
    let logged = rows.iter().enumerate().map(|(i, row)| {
        let seconds = START + i64::try_from(i).unwrap() * 10;
        let mut row: Map<String, Json> = row.as_object().expect("a row").clone();
        row.insert(time(target).unwrap_or("Time").to_owned(), Json::from(seconds));
        let event = oracle::Event { kind, fields: Default::default() };
        Logged { source, kind, os: Os::Windows, decoy: false, seconds, row, event }
    });
    let question = Question { name: target.name.clone(), document: said(target, entries), flags: vec![] };
    let batch = Batch { rows: logged.collect(), questions: vec![question], converted: true };
    let each = engines::run(target, &[batch]).into_iter().map(|(engine, mut answers)| {
        let returned =
            answers.remove(0).remove(0).unwrap_or_else(|e| panic!("{engine}: {e}\n{}", said(target, entries)));
        let found: Vec<bool> = (0..rows.len()).map(|i| returned.rows.contains_key(&i)).collect();
        (engine, found, returned.undecided.is_empty())
    });
    // What `deviations.md` leaves out is not compared.
    let decided: Vec<_> = each.filter(|(.., decided)| *decided).map(|(engine, found, _)| (engine, found)).collect();
    assert!(!decided.is_empty(), "no engine decides");
    decided
}

/// Whether a reader's events of these rows make a rule fire; what is no event does not.
fn read_as(reader: &str, entries: &str, rows: &[Json]) -> Vec<bool> {
    let Loaded { project, .. } = rule(entries);
    let evaluator = Evaluator::new(&project.rules["r"], &project);
    let reader = read::find(reader).expect("a reader");
    let fires = |row: &Json| {
        let mut fires = false;
        let text = row.to_string();
        let read = reader.read(text.as_bytes(), &mut Room::default(), &mut |record| {
            fires |= matches!(record, Record::Event(event) if evaluator.verdict(event).fires());
        });
        read.unwrap_or_else(|e| panic!("{}", e.why));
        fires
    };
    rows.iter().map(fires).collect()
}

/// A log of a target with the reader of its rows.
struct Log {
    target: &'static str,
    reader: Option<&'static str>,
    log: (Kind, usize),
    /// Columns that each row has.
    columns: Json,
}

/// A query and a reader must find these rows and no other ones: a row's own columns, and whether it is found.
fn check(log: &Log, entries: &str, rows: &[(Json, bool)]) {
    let wanted: Vec<bool> = rows.iter().map(|(_, found)| *found).collect();
    let whole = |(own, _): &(Json, bool)| {
        let mut row = log.columns.clone();
        for (column, value) in own.as_object().expect("columns") {
            row[column] = value.clone();
        }
        row
    };
    let rows: Vec<Json> = rows.iter().map(whole).collect();
    if let Some(reader) = log.reader {
        assert_eq!(read_as(reader, entries, &rows), wanted, "{reader} reads {entries} of {rows:#?}");
    }
    if checker::tools().is_none() {
        return;
    }
    for (engine, found) in found(log.target, log.log, entries, &rows) {
        assert_eq!(found, wanted, "{} on {engine}: {entries} of {rows:#?}", log.target);
    }
}

/// Process, file and network rows of the Device* tables and of Splunk's sources, for one value that they share.
fn logs(kind: Kind) -> Vec<Log> {
    let log = |target, reader, columns| Log { target, reader, log: (kind, 0), columns };
    let microsoft = match kind {
        Kind::Network => json!({ "ActionType": "ConnectionSuccess", "DeviceId": "d", "ReportId": 1 }),
        _ => json!({ "ActionType": "ProcessCreated", "DeviceId": "d", "ReportId": 1 }),
    };
    let sysmon =
        json!({ "EventCode": if kind == Kind::Network { 3 } else { 1 }, "ProcessGuid": "{1}", "Image": r"C:\a.exe" });
    vec![
        log("sentinel", Some("sentinel"), microsoft.clone()),
        log("defender", Some("defender"), microsoft),
        log("splunk-sysmon", Some("splunk"), sysmon.clone()),
        log("sigma", Some("sysmon"), sysmon),
    ]
}
