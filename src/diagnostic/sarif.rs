//! Findings as SARIF 2.1.0, which code scanners, editors and dashboards read.
//!
//! <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>. One run, whose rules are the codes that its results
//! have. Places are relative to the folder that the program ran in (`%SRCROOT%`); columns count characters.

use super::{Code, Diagnostic, Label, Severity};
use crate::file_names::PROJECT;
use crate::source::{Sources, Span};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write as _;

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
/// What places are relative to.
const ROOT: &str = "%SRCROOT%";
/// How a result is known again in a later run.
const FINGERPRINT: &str = "arcanaryFinding/v1";

/// All findings as one log with one run.
#[must_use]
pub fn to_sarif(diagnostics: &[Diagnostic], sources: &Sources) -> Value {
    let rules: Vec<Code> = Code::ALL.iter().copied().filter(|c| diagnostics.iter().any(|d| d.code == *c)).collect();
    let mut seen = BTreeMap::new();
    let results = diagnostics.iter().map(|d| result(d, &rules, sources, &mut seen)).collect::<Vec<_>>();
    let mut driver = json!({
        "name": "arcanary",
        "semanticVersion": env!("CARGO_PKG_VERSION"),
        "rules": rules.iter().map(|c| rule(*c)).collect::<Vec<_>>(),
    });
    // A page is named once the package has one.
    if let (Some(page), Some(driver)) =
        (option_env!("CARGO_PKG_REPOSITORY").filter(|p| !p.is_empty()), driver.as_object_mut())
    {
        driver.insert("informationUri".to_owned(), json!(page));
    }
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": driver },
            "columnKind": "unicodeCodePoints",
            "originalUriBaseIds": {
                ROOT: { "description": { "text": "The folder that the program ran in." } },
            },
            "results": results,
        }],
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

fn rule(code: Code) -> Value {
    json!({
        "id": code.id(),
        "shortDescription": { "text": code.title() },
        "fullDescription": { "text": code.explanation() },
        "help": { "text": code.explanation() },
        "defaultConfiguration": { "level": level(code.severity()) },
    })
}

fn result(diagnostic: &Diagnostic, rules: &[Code], sources: &Sources, seen: &mut BTreeMap<String, usize>) -> Value {
    let main = diagnostic.labels.iter().position(|l| Some(l.span) == diagnostic.span());
    let mut out = Map::new();
    let mut add = |name: &str, value: Value| out.insert(name.to_owned(), value);
    add("ruleId", json!(diagnostic.code.id()));
    add("ruleIndex", json!(rules.iter().position(|c| *c == diagnostic.code)));
    add("level", json!(level(diagnostic.severity())));
    add("message", json!({ "text": message(diagnostic) }));
    let place = main.and_then(|i| diagnostic.labels.get(i)).and_then(|l| location(l, None, sources));
    add("locations", Value::Array(place.or_else(|| of_project(sources)).into_iter().collect()));
    let others = diagnostic.labels.iter().enumerate().filter(|(i, _)| Some(*i) != main);
    let others: Vec<Value> = others.zip(1..).filter_map(|((_, l), id)| location(l, Some(id), sources)).collect();
    if !others.is_empty() {
        add("relatedLocations", Value::Array(others));
    }
    let fixes: Vec<Value> = diagnostic
        .help
        .iter()
        .filter_map(|help| {
            let (span, text) = help.patch.as_ref()?;
            fix(&help.text, *span, text, sources)
        })
        .collect();
    if !fixes.is_empty() {
        add("fixes", Value::Array(fixes));
    }
    add("partialFingerprints", json!({ FINGERPRINT: fingerprint(diagnostic, sources, seen) }));
    Value::Object(out)
}

/// The finding's line, then its notes and cures: readers show no others.
fn message(diagnostic: &Diagnostic) -> String {
    let notes = diagnostic.notes.iter().cloned();
    let help = diagnostic.help.iter().map(|h| format!("help: {}", h.text));
    std::iter::once(diagnostic.message.clone()).chain(notes).chain(help).collect::<Vec<_>>().join("\n")
}

fn location(label: &Label, id: Option<usize>, sources: &Sources) -> Option<Value> {
    let mut out = Map::new();
    if let Some(id) = id {
        out.insert("id".to_owned(), json!(id));
    }
    out.insert(
        "physicalLocation".to_owned(),
        json!({ "artifactLocation": artifact(label.span, sources)?, "region": region(label.span, sources)? }),
    );
    if !label.text.is_empty() {
        out.insert("message".to_owned(), json!({ "text": label.text }));
    }
    Some(Value::Object(out))
}

/// Where a finding without a place is shown: GitHub refuses a whole log for one result without a location.
fn of_project(sources: &Sources) -> Option<Value> {
    let (id, _) = sources.iter().find(|(_, f)| f.name.rsplit('/').next() == Some(PROJECT))?;
    let label = Label { span: Span::new(id, 0, 0), text: "the project".to_owned(), primary: true };
    location(&label, None, sources)
}

fn region(span: Span, sources: &Sources) -> Option<Value> {
    let file = sources.get(span.file)?;
    let (line, column) = file.line_column(span.start);
    let (end_line, end_column) = file.line_column(span.end.max(span.start));
    Some(json!({ "startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column }))
}

fn artifact(span: Span, sources: &Sources) -> Option<Value> {
    let uri = uri(&sources.get(span.file)?.name);
    // Nothing above the root is relative to it.
    let below = !uri.starts_with("file:") && !uri.starts_with("../");
    Some(if below { json!({ "uri": uri, "uriBaseId": ROOT }) } else { json!({ "uri": uri }) })
}

/// A file's name as a URI: relative, or `file:` where it is absolute.
fn uri(name: &str) -> String {
    let name = name.replace('\\', "/");
    let name = name.strip_prefix("./").unwrap_or(&name);
    let drive = matches!(name.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic());
    let mut out = match (drive, name.starts_with('/')) {
        (true, _) => "file:///".to_owned(),
        (_, true) => "file://".to_owned(),
        _ => String::new(),
    };
    for byte in name.bytes() {
        match byte {
            b'/' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ if byte.is_ascii_alphanumeric() => out.push(char::from(byte)),
            _ => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}

fn fix(text: &str, span: Span, replacement: &str, sources: &Sources) -> Option<Value> {
    Some(json!({
        "description": { "text": text },
        "artifactChanges": [{
            "artifactLocation": artifact(span, sources)?,
            "replacements": [{
                "deletedRegion": region(span, sources)?,
                "insertedContent": { "text": replacement },
            }],
        }],
    }))
}

/// Of what a finding says and of the text that it is about, not of its line: text that is put above it changes nothing. Equal
/// findings are counted.
fn fingerprint(diagnostic: &Diagnostic, sources: &Sources, seen: &mut BTreeMap<String, usize>) -> String {
    let mut hash = Sha256::new();
    let span = diagnostic.span();
    let file = span.and_then(|s| sources.get(s.file)).map_or("", |f| f.name.as_str());
    let about = span.map(|s| sources.on_one_line(s)).unwrap_or_default();
    for part in [diagnostic.code.id(), file, &diagnostic.message, &about] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let mut out = String::new();
    for byte in hash.finalize().iter().take(16) {
        let _ = write!(out, "{byte:02x}");
    }
    let count = seen.entry(out.clone()).or_default();
    *count += 1;
    format!("{out}:{count}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The schema as OASIS publishes it: tests/data/sarif.
    const OFFICIAL: &str = include_str!("../../tests/data/sarif/sarif-schema-2.1.0.json");

    fn valid(log: &Value) -> Vec<String> {
        // Its pattern for languages has a bracket too many, which only JavaScript takes.
        let schema: Value = serde_json::from_str(&OFFICIAL.replace("{2}]?$", "{2}?$")).expect("JSON");
        let validator = jsonschema::validator_for(&schema).expect("a schema");
        validator.iter_errors(log).map(|e| format!("{}: {e}", e.instance_path())).collect()
    }

    fn sources() -> (Sources, crate::source::FileId) {
        let mut sources = Sources::new();
        let file = sources.add("rules/ü b%.det", "one\n\u{1F600}twö three\r\nfour\n");
        (sources, file)
    }

    #[test]
    fn a_finding_has_its_rule_place_other_places_fix_and_fingerprint() {
        let (sources, file) = sources();
        let finding = Diagnostic::new(Code::UnknownName, "there is no `three`")
            .also(Span::new(file, 0, 3), "because")
            .at(Span::new(file, 13, 18), "here")
            .note("a note")
            .patch("did you mean `tree`?", Span::new(file, 13, 18), "tree");
        let late = Diagnostic::new(Code::StaleSkip, "nowhere");
        let log = to_sarif(&[late, finding], &sources);
        assert_eq!(valid(&log), Vec::<String>::new());
        let run = &log["runs"][0];
        // In the order of the table, whatever comes first in a run.
        let rules = run["tool"]["driver"]["rules"].as_array().expect("rules");
        assert_eq!([&rules[0]["id"], &rules[1]["id"]], ["E0201", "W0002"]);
        assert_eq!(rules[1]["defaultConfiguration"]["level"], "warning");
        assert_eq!(rules[0]["help"]["text"], Code::UnknownName.explanation());
        let result = &run["results"][1];
        assert_eq!(
            (&result["ruleId"], &result["ruleIndex"], &result["level"]),
            (&"E0201".into(), &0.into(), &"error".into())
        );
        assert_eq!(result["message"]["text"], "there is no `three`\na note\nhelp: did you mean `tree`?");
        // The smiling face is one character, and two units of UTF-16.
        let region = json!({ "startLine": 2, "startColumn": 6, "endLine": 2, "endColumn": 11 });
        let artifact = json!({ "uri": "rules/%C3%BC%20b%25.det", "uriBaseId": "%SRCROOT%" });
        assert_eq!(
            result["locations"],
            json!([{
                "physicalLocation": { "artifactLocation": artifact, "region": region },
                "message": { "text": "here" },
            }])
        );
        assert_eq!(result["relatedLocations"][0]["id"], 1);
        assert_eq!(result["relatedLocations"][0]["message"]["text"], "because");
        assert_eq!(
            result["fixes"][0]["artifactChanges"],
            json!([{
                "artifactLocation": artifact,
                "replacements": [{ "deletedRegion": region, "insertedContent": { "text": "tree" } }],
            }])
        );
        assert_eq!(run["results"][0]["locations"], json!([]));
        assert_eq!(run["columnKind"], "unicodeCodePoints");
    }

    #[test]
    fn a_finding_without_a_place_is_shown_at_the_project_file() {
        let (mut sources, _) = sources();
        sources.add("ours/arcanary.yaml", "name: ours\n");
        let log = to_sarif(&[Diagnostic::new(Code::StaleLock, "nowhere")], &sources);
        let location = &log["runs"][0]["results"][0]["locations"][0];
        assert_eq!(location["physicalLocation"]["artifactLocation"]["uri"], "ours/arcanary.yaml");
        assert_eq!(location["physicalLocation"]["region"]["startLine"], 1);
        assert_eq!(valid(&log), Vec::<String>::new());
    }

    #[test]
    fn fingerprints_outlive_what_is_put_above_and_tell_equal_findings_apart() {
        let prints = |text: &str| {
            let mut sources = Sources::new();
            let file = sources.add("a.det", text);
            let at = |n: usize| text.match_indices("bad").nth(n).map_or(0, |(i, _)| i);
            let finding = |n| Diagnostic::new(Code::Syntax, "wrong").at(Span::new(file, at(n), at(n) + 3), "");
            let log = to_sarif(&[finding(0), finding(1)], &sources);
            let results = log["runs"][0]["results"].as_array().expect("results").clone();
            results.iter().map(|r| r["partialFingerprints"][FINGERPRINT].to_string()).collect::<Vec<_>>()
        };
        let before = prints("bad\nbad\n");
        assert_eq!(before, prints("// a line\n\nbad\nbad\n"));
        assert_ne!(before[0], before[1]);
    }

    #[test]
    fn names_become_uris() {
        assert_eq!(uri("./rules\\a#b?.det"), "rules/a%23b%3F.det");
        assert_eq!(uri("/x/a b"), "file:///x/a%20b");
        assert_eq!(uri("C:\\x"), "file:///C%3A/x");
        let mut sources = Sources::new();
        let file = sources.add("../a.det", "x");
        let finding = Diagnostic::new(Code::Syntax, "wrong").at(Span::new(file, 0, 1), "");
        let log = to_sarif(&[finding], &sources);
        let place = &log["runs"][0]["results"][0]["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"], json!({ "uri": "../a.det" }));
        assert_eq!(valid(&log), Vec::<String>::new());
    }

    #[test]
    fn the_schema_refuses_something() {
        let mut log = to_sarif(&[], &Sources::new());
        assert_eq!(valid(&log), Vec::<String>::new());
        log["runs"][0]["columnKind"] = json!("bytes");
        assert!(!valid(&log).is_empty());
    }
}
