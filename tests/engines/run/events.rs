//! Events to ask about: of every rule's tests, the labelled recordings, the examples of command lines.

use super::super::oracle::project::root;
use super::super::oracle::{Event, Value, recorded};
use arcanary::sema::{Kind, Project, Rule};
use arcanary::syntax::ast::TestInput;
use serde_json::Value as Json;

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
                let file = root("tests/data").join(&path.value);
                let text = std::fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
                out.extend(recorded::read(&reader.text, &text));
            }
        }
    }
    out
}

fn lines(file: &str) -> Vec<Json> {
    let path = root("tests/data").join(file);
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
    for json in ["events/atomic.jsonl", "events/benign.jsonl"].into_iter().flat_map(lines) {
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
    let all = lines("command-lines.jsonl");
    all.iter()
        .map(|json| process(&[("executable", json["image"].as_str()), ("command_line", json["command_line"].as_str())]))
        .collect()
}

/// Each event once.
pub fn unique(all: Vec<Event>) -> Vec<Event> {
    let mut out: Vec<Event> = vec![];
    for event in all {
        if !out.contains(&event) {
            out.push(event);
        }
    }
    out
}
