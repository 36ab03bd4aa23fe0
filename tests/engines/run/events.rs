//! Events to ask about: of every rule's tests, its witnesses, the labelled recordings, the examples of command lines.

use super::super::oracle::project::root;
use super::super::oracle::{Event, Value, recorded};
use arcanary::event as product;
use arcanary::sema::{Project, Rule};
use arcanary::syntax::ast::TestInput;
use arcanary::target::{Target, bind};
use arcanary::vocabulary::Kind;
use arcanary::witness::{Witnesses, witnesses as witnesses_of, witnesses_on};
use serde_json::Value as Json;
use std::collections::HashSet;

/// The events of all tests of all rules.
pub fn of_tests(project: &Project) -> Vec<Event> {
    project.rules.values().flat_map(of_rule).collect()
}

/// The events of all tests of a rule.
pub fn of_rule(rule: &Rule) -> Vec<Event> {
    let mut out = vec![];
    for test in &rule.tests {
        match &test.input {
            TestInput::Events(events) => out.extend(events.iter().map(Event::inline)),
            TestInput::Recorded { path, reader } => {
                let file = root("tests/cases").join(&path.value);
                let text = std::fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
                out.extend(recorded::read(&reader.text, &text));
            }
        }
    }
    out
}

fn lines(file: &str) -> Vec<Json> {
    let path = root("tests").join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    text.lines().map(|l| serde_json::from_str(l).unwrap_or_else(|e| panic!("{file}: {e}: {l}"))).collect()
}

fn process(fields: &[(&'static str, Option<&str>)]) -> Event {
    let known = fields.iter().filter_map(|(name, value)| Some((*name, Value::Text((*value)?.to_owned()))));
    Event::new(Kind::Process, known)
}

/// Labelled events: attacks and what is like them.
pub fn labelled() -> Vec<Event> {
    let mut out = vec![];
    for json in ["data/events/atomic.jsonl", "data/events/benign.jsonl"].into_iter().flat_map(lines) {
        let text = |name: &str| json[name].as_str();
        let (domain, user) = match text("user") {
            Some(user) => user.split_once('\\').map_or((None, Some(user)), |(d, u)| (Some(d), Some(u))),
            None => (None, None),
        };
        assert_eq!(text("category"), Some("process_creation"), "{json}");
        out.push(process(&[
            ("host.os", text("os")),
            ("executable", text("image")),
            ("original_name", text("original_file_name")),
            ("command_line", text("command_line")),
            ("parent.executable", text("parent_image")),
            ("parent.command_line", text("parent_command_line")),
            ("user.domain", domain),
            ("user.name", user),
            ("process.working_directory", text("current_directory")),
        ]));
    }
    out
}

/// Examples of command lines, as processes.
pub fn command_lines() -> Vec<Event> {
    let all = lines("data/command-lines.jsonl");
    all.iter()
        .map(|json| process(&[("executable", json["image"].as_str()), ("command_line", json["command_line"].as_str())]))
        .collect()
}

/// What the program makes of a rule: events for each way in which it fires, near misses and excepted ones, in the language's own
/// fields and in those of each target's logs.
pub fn witnesses(project: &Project, rule: &Rule, targets: &[&Target]) -> Vec<Event> {
    let mut out = vec![];
    let mut add = |made: &Witnesses| out.extend(made.all.iter().flat_map(|w| &w.events).map(of_product));
    witnesses_of(rule, project).iter().for_each(&mut add);
    for target in targets {
        let Ok(plan) = bind(rule, project, target) else { continue };
        witnesses_on(rule, project, &plan).iter().flatten().for_each(|logged| add(&logged.witnesses));
    }
    unique(out)
}

fn of_product(event: &product::Event) -> Event {
    let value = |value: &product::Value| match value {
        product::Value::Text(text) => Value::Text(text.to_string()),
        product::Value::Number(n) => Value::Number(*n),
        product::Value::Bool(b) => Value::Bool(*b),
    };
    Event::new(event.kind, event.fields().map(|(id, v)| (id.short(), value(v))))
}

/// Each event once.
pub fn unique(all: Vec<Event>) -> Vec<Event> {
    let mut seen = HashSet::new();
    all.into_iter().filter(|event| seen.insert(format!("{event:?}"))).collect()
}
