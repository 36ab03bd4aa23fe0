//! Findings as JSON: an array of objects with byte offsets and line and column (both from 1).

use super::Diagnostic;
use crate::source::{Sources, Span};
use serde_json::{json, Value};

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
            let mut label = place(l.span, sources);
            label["text"] = json!(l.text);
            label["primary"] = json!(l.primary);
            label
        }).collect::<Vec<_>>(),
        "notes": diagnostic.notes,
        "help": diagnostic.help.iter().map(|h| json!({
            "text": h.text,
            "patch": h.patch.as_ref().map(|(span, text)| {
                let mut patch = place(*span, sources);
                patch["replacement"] = json!(text);
                patch
            }),
        })).collect::<Vec<_>>(),
    })
}

fn place(span: Span, sources: &Sources) -> Value {
    let Some(file) = sources.get(span.file) else { return json!({}) };
    let (line, column) = file.line_column(span.start);
    let (end_line, end_column) = file.line_column(span.end);
    json!({
        "file": file.name, "start": span.start, "end": span.end,
        "line": line, "column": column, "end_line": end_line, "end_column": end_column,
    })
}
