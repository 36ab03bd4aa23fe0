//! Random rules over several events whose steps exclude each other, and sets of events around the edges of their windows.

use super::super::super::oracle::temporal::Happened;
use super::super::super::oracle::{Event, Value};
use super::super::random::Dice;
use arcanary::vocabulary::{Kind, Os};
use serde_json::{Map, Value as Json, json};
use std::fmt::Write as _;

/// A rule, its window in seconds and its systems.
pub struct Made {
    pub name: String,
    pub text: String,
    pub within: i64,
    pub os: Vec<Os>,
    /// Of each step the categories of its log sources, and its programs.
    steps: Vec<Vec<&'static str>>,
}

const WINDOWS: [i64; 4] = [10, 60, 900, 7200];
const NAMES: [&str; 4] = ["one", "two", "three", "four"];
/// Names of programs by step: two for each.
const PROGRAMS: [[&str; 2]; 4] = [["a", "aa"], ["b", "bb"], ["c", "cc"], ["d", "dd"]];
/// What reads the events of a step, with the log source that holds them.
const QUERIES: [(&str, Kind, &str); 5] = [
    ("process where ", Kind::Process, "process_creation"),
    ("file where file.action is created and ", Kind::File, "file_event"),
    ("file where file.action is deleted and ", Kind::File, "file_delete"),
    ("network where network.direction is outbound and ", Kind::Network, "network_connection"),
    ("library where ", Kind::Library, "image_load"),
];

fn program(dice: &mut Dice, step: usize) -> String {
    let [a, b] = PROGRAMS[step];
    match dice.below(3) {
        0 => format!("process.name is \"{a}\""),
        1 => format!("process.name in [\"{a}\", \"{b}\"]"),
        _ => format!("executable ends with any ['\\{a}', '/{b}']"),
    }
}

/// A step's query and the categories that it reads: mostly one, at times two.
fn query(dice: &mut Dice, step: usize) -> (String, Vec<&'static str>) {
    let program = program(dice, step);
    let (text, kind, category) = *dice.pick(&QUERIES);
    if kind == Kind::File || !dice.one_in(4) {
        return (format!("{text}{program}"), vec![category]);
    }
    let (words, other) = match kind {
        Kind::Process => ("process or network", "network_connection"),
        Kind::Network => ("network or library", "image_load"),
        _ => ("library or process", "process_creation"),
    };
    (format!("{words} where {program}"), vec![category, other])
}

/// A sequence, or steps together.
pub fn steps(dice: &mut Dice, number: usize) -> Made {
    let count = 2 + usize::from(dice.one_in(3)) + usize::from(dice.one_in(8));
    let ordered = !dice.one_in(3);
    let within = *dice.pick(&WINDOWS);
    let key = *dice.pick(&["host", "host", "host, user", "user", "process", "host, process.pid"]);
    let join = dice.below(6);
    let form = if ordered { "sequence" } else { "together" };
    let mut text = format!("  detect {form} by {key} within {within}s {{\n");
    let mut steps = vec![];
    for (step, name) in NAMES.iter().enumerate().take(count) {
        // The parent's identity is known of new processes alone.
        let ((what, categories), joined) = match (step, join) {
            (0, _) => (query(dice, 0), ""),
            (_, 0) => (query(dice, step), " and process is one.process"),
            (_, 1) => {
                let what = format!("process where {}", program(dice, step));
                ((what, vec!["process_creation"]), " and parent is one.process")
            }
            _ => (query(dice, step), ""),
        };
        let _ = writeln!(text, "    {name}: {what}{joined}");
        steps.push(categories);
    }
    if dice.one_in(4) {
        let _ = writeln!(text, "    optional late: network where network.direction is outbound");
    }
    text.push_str("  }\n");
    if dice.one_in(3) {
        let step = NAMES[dice.below(count)];
        let _ = writeln!(text, "  except \"Pid\" because \"a ticket\" where {step}.process.pid is 7");
    }
    made(dice, number, &text, within, steps)
}

/// A count of events or of different values.
pub fn count(dice: &mut Dice, number: usize) -> Made {
    let within = *dice.pick(&WINDOWS);
    let key = *dice.pick(&["host", "host, user", "user", "process"]);
    let n = 1 + dice.below(4);
    // Of one process there is one.
    let fields = if key == "process" { ["process.pid", "executable"] } else { ["process", "executable"] };
    let what = if dice.one_in(2) { "count".to_owned() } else { format!("distinct {}", *dice.pick(&fields)) };
    let (query, categories) = query(dice, 0);
    let mut text = format!("  detect {what} >= {n} by {key} within {within}s of {query}\n");
    if dice.one_in(3) {
        text.push_str("  except \"Pid\" because \"a ticket\" where process.pid is 7\n");
    }
    made(dice, number, &text, within, vec![categories])
}

fn made(dice: &mut Dice, number: usize, entries: &str, within: i64, steps: Vec<Vec<&'static str>>) -> Made {
    let os = if dice.one_in(3) { vec![Os::Windows, Os::Linux] } else { vec![Os::Windows] };
    let words: Vec<&str> = os.iter().map(|o| o.word()).collect();
    let name = format!("timed_{number}");
    let id = format!("00000000-0000-4000-8000-{number:012x}");
    let head = format!("title \"Timed {number}\" id {id} level low os [{}]", words.join(", "));
    Made { text: format!("rule {name} {{\n  {head}\n{entries}}}\n"), name, within, os, steps }
}

/// The nth set of events in order of time: as brute force reads it, and as Sigma's fields have it. Sets lie farther apart
/// than any window is long.
pub fn set(dice: &mut Dice, rule: &Made, n: usize) -> Vec<(Happened, Json)> {
    let w = rule.within;
    let start = 1_795_000_000 + i64::try_from(n).expect("few sets") * 10 * w;
    let edges = [0, 1, 2, w / 2, w / 2 + 1, w - 1, w, w + 1, w + w / 2, 2 * w, 2 * w + 1];
    let mut times: Vec<i64> = (0..3 + dice.below(9)).map(|_| *dice.pick(&edges)).collect();
    times.sort_unstable();
    times.dedup();
    // In half of the sets hardly anything is missing or of somebody else, and steps come in order.
    let tidy = dice.one_in(2);
    let last = times.len() - 1;
    let step = |dice: &mut Dice, i: usize| match tidy && !dice.one_in(5) {
        true => i * rule.steps.len() / (last + 1),
        false => dice.below(rule.steps.len()),
    };
    times
        .iter()
        .enumerate()
        .map(|(i, at)| (step(dice, i), at))
        .collect::<Vec<_>>()
        .into_iter()
        .map(|(step, at)| event(dice, rule, step, start + at, tidy))
        .collect()
}

fn event(dice: &mut Dice, rule: &Made, step: usize, seconds: i64, tidy: bool) -> (Happened, Json) {
    let rare = if tidy { 12 } else { 3 };
    // A host has one system for good.
    let host = usize::from(dice.one_in(rare));
    let os = rule.os[host % rule.os.len()];
    let category = if dice.one_in(rare) { dice.pick(&QUERIES).2 } else { *dice.pick(&rule.steps[step]) };
    // File deletions and image loads are Windows' alone.
    let category = match (os, category) {
        (Os::Linux, "file_delete" | "image_load") => "process_creation",
        (_, category) => category,
    };
    let kind = QUERIES.iter().find(|(.., c)| *c == category).expect("a log source").1;
    let step = if dice.one_in(rare) { dice.below(4) } else { step };
    let program = PROGRAMS[step][usize::from(dice.one_in(rare))];
    let executable = if os == Os::Linux { format!("/x/{program}") } else { format!(r"C:\x\{program}") };
    let mut row = Map::new();
    let mut fields: Vec<(&str, Value)> = vec![];
    let text = |t: &str| Value::Text(t.to_owned());
    let mut key = |dice: &mut Dice, column: &str, value: &str| {
        let lacking = !tidy && dice.one_in(9);
        match (lacking, dice.below(3)) {
            (true, 0) => {}
            (true, filler) => drop(row.insert(column.to_owned(), json!(["", "-"][filler - 1]))),
            (false, _) => drop(row.insert(column.to_owned(), json!(value))),
        }
        (!lacking).then(|| value.to_owned())
    };
    let known = key(dice, "Computer", &format!("h{host}"));
    let user = if dice.one_in(rare) { "bo" } else { "kim" };
    if let Some(user) = key(dice, "User", &format!(r"CORP\{user}")) {
        fields.push(("user", text(&user)));
    }
    let mut identities = vec![("process", "ProcessGuid")];
    if kind == Kind::Process {
        identities.push(("parent", "ParentProcessGuid"));
    }
    for (name, column) in identities {
        let guid = if dice.one_in(rare) { "p2" } else { "p1" };
        let guid = key(dice, column, guid);
        if let (Some(host), Some(guid)) = (&known, guid) {
            fields.push((name, Value::Text(format!("{host}/{guid}"))));
        }
    }
    fields.extend(known.as_deref().map(|host| ("host", text(host))));
    let pid = if dice.one_in(4) { 7 } else { 4 };
    fields.extend([("executable", text(&executable)), ("process.pid", Value::Number(pid))]);
    for (column, value) in [("Image", json!(executable)), ("ProcessId", json!(pid)), ("_seconds", json!(seconds))] {
        row.insert(column.to_owned(), value);
    }
    if kind == Kind::File {
        let action = if category == "file_event" { "created" } else { "deleted" };
        fields.push(("file.action", text(action)));
    }
    if kind == Kind::Network {
        let outbound = !dice.one_in(6);
        fields.push(("network.direction", text(if outbound { "outbound" } else { "inbound" })));
        row.insert("Initiated".to_owned(), json!(if outbound { "true" } else { "false" }));
    }
    row.insert("_product".to_owned(), json!(os.word()));
    row.insert("_category".to_owned(), json!(category));
    (Happened { time: seconds * 1_000_000, event: Event::new(kind, fields) }, Json::Object(row))
}
