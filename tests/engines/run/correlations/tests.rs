//! The tests inside rules as sets of events: what fires by its own test must fire on the engines.

use super::super::super::oracle::{Event, Value};
use super::super::view::{self, Missing};
use super::Question;
use arcanary::compile::compile;
use arcanary::document::Status;
use arcanary::sema::{Project, Rule};
use arcanary::syntax::ast::{self, TestInput, Verdict};
use arcanary::target::Target;
use arcanary::vocabulary::{FieldId, Os, Type};
use serde_json::{Value as Json, json};

/// The tests of a rule over several events; `None` where the target cannot say it.
pub fn question(rule: &Rule, project: &Project, target: &Target) -> Option<Question> {
    let document = compile(rule, project, target).ok()?;
    let set = |(n, test): (usize, &ast::Test)| {
        let TestInput::Events(events) = &test.input else { panic!("`{}` is tested on recorded events", rule.name) };
        let wanted = match &test.verdict {
            Verdict::Fires(_) => Some(true),
            // Without a condition that the target lacks it may fire.
            _ if document.status == Status::Degraded => None,
            Verdict::Silent | Verdict::Excepted(_) => Some(false),
        };
        // An event without a path is of the system of the others; what is not Windows is what the events say, or what the
        // rule is written for.
        let told = events.iter().find_map(|e| Os::from_word(Event::inline(e).named("host.os")?.text()));
        let unix = rule.meta.os.iter().copied().find(|os| *os != Os::Windows).unwrap_or(Os::Linux);
        let any_unix = events.iter().any(|e| view::system(&Event::inline(e)) != Os::Windows);
        let os = told.unwrap_or(if any_unix { unix } else { Os::Windows });
        // Tests lie a month apart, which is longer than any window.
        let start = 1_795_000_000 + i64::try_from(n).expect("few tests") * 30 * 86_400;
        let mut rows: Vec<Json> = events.iter().filter_map(|e| row(e, os, start, target)).collect();
        rows.sort_by_key(|row| row["_seconds"].as_i64());
        (rows, wanted)
    };
    let sets = rule.tests.iter().enumerate().map(set).collect();
    Some(Question { name: rule.name.clone(), document: document.text, sets })
}

/// An event of a test in the log that holds it. Host and user are one and the same unless given, a process is known by its
/// host and path.
fn row(written: &ast::Event, os: Os, start: i64, target: &Target) -> Option<Json> {
    let mut event = Event::inline(written);
    if view::system(&event) != Os::Windows || !event.fields.keys().any(|id| id.def().ty == Type::Path) {
        event.fields.insert(FieldId::find("host.os").expect("a field"), Value::Text(os.word().to_owned()));
    }
    let mut fill = |name: &str, value: Option<Value>| {
        let id = FieldId::find(name).expect("a field");
        if let Some(value) = value.filter(|_| id.def().has_kind(event.kind)) {
            event.fields.entry(id).or_insert(value);
        }
    };
    let text = |t: &str| Some(Value::Text(t.to_owned()));
    fill("host.name", text("host"));
    fill("user.name", text("somebody"));
    let (own, parent) = (Event::inline(written), Event::inline(written));
    fill("process.entity_id", own.named("executable").cloned().or_else(|| text("unknown")));
    fill("parent.entity_id", parent.named("parent.executable").cloned());
    let seconds = start + written.offset.map_or(0, |(seconds, _)| i64::try_from(seconds).expect("seconds"));
    let logged = view::logged(target, &event, &Missing::Absent, seconds)?;
    let mut row = logged.row;
    for key in ["product", "category"] {
        row.insert(format!("_{key}"), json!(logged.source.logsource[key]));
    }
    row.insert("_seconds".to_owned(), json!(seconds));
    Some(Json::Object(row))
}
