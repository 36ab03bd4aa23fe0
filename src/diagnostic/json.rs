//! Findings as JSON: an array of objects with byte offsets and line and column (both from 1).

use super::Diagnostic;
use crate::source::{Sources, Span};
use serde_json::{Map, Value, json};

/// All findings as one JSON array.
#[must_use]
pub fn to_json(diagnostics: &[Diagnostic], sources: &Sources) -> Value {
    Value::Array(diagnostics.iter().map(|d| one(d, sources)).collect())
}

fn one(diagnostic: &Diagnostic, sources: &Sources) -> Value {
    json!({
        "code": diagnostic.code.id(),
        "severity": diagnostic.severity().word(),
        "title": diagnostic.code.title(),
        "message": diagnostic.message,
        "labels": diagnostic.labels.iter().map(|l| {
            place(l.span, sources, [("text", json!(l.text)), ("primary", json!(l.primary))])
        }).collect::<Vec<_>>(),
        "notes": diagnostic.notes,
        "help": diagnostic.help.iter().map(|h| json!({
            "text": h.text,
            "patch": h.patch.as_ref().map(|(span, text)| place(*span, sources, [("replacement", json!(text))])),
        })).collect::<Vec<_>>(),
    })
}

/// A place as an object, with what else is to be said there.
pub(crate) fn place(span: Span, sources: &Sources, more: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    let mut out = Map::new();
    if let Some(file) = sources.get(span.file) {
        let (line, column) = file.line_column(span.start);
        let (end_line, end_column) = file.line_column(span.end);
        let numbers = [span.start, span.end, line, column, end_line, end_column];
        let names = ["start", "end", "line", "column", "end_line", "end_column"];
        out.insert("file".to_owned(), json!(file.name));
        out.extend(names.into_iter().zip(numbers).map(|(name, n)| (name.to_owned(), json!(n))));
    }
    out.extend(more.into_iter().map(|(name, value)| (name.to_owned(), value)));
    Value::Object(out)
}
