//! A comparison for people: the source of each rule, then its queries, then a line for each document.

use super::lines::Lines;
use super::{Difference, DocumentDiff, SourceDiff};
use std::fmt::Write as _;

/// The whole comparison, with the lines of documents if they are asked for.
#[must_use]
pub fn to_text(difference: &Difference, with_documents: bool) -> String {
    let against = &difference.against;
    let mut parts = vec![];
    if !difference.shared.is_empty() {
        let mut out = "shared items\n".to_owned();
        difference.shared.iter().for_each(|s| source(&mut out, s, against));
        parts.push(out);
    }
    for rule in &difference.rules {
        let versions = rule.versions();
        let versions = if versions.is_empty() { String::new() } else { format!(" {versions}") };
        let mut out = format!("{}{versions}: {}\n", rule.rule, rule.words());
        if !rule.through.is_empty() {
            let _ = writeln!(out, "uses {}", rule.through.join(", "));
        }
        rule.source.iter().for_each(|s| source(&mut out, s, against));
        for query in &rule.queries {
            let _ = write!(out, "query on {}\n{}", query.targets.join(", "), query.lines.diff);
        }
        documents(&mut out, "documents", &rule.documents, against, with_documents);
        parts.push(out);
    }
    if !difference.documents.is_empty() {
        let mut out = String::new();
        documents(&mut out, "documents of all rules together", &difference.documents, against, with_documents);
        parts.push(out);
    }
    parts.join("\n")
}

fn source(out: &mut String, source: &SourceDiff, against: &str) {
    unified(out, (&source.path, source.now.as_deref()), &source.lines, against);
}

fn unified(out: &mut String, (path, now): (&str, Option<&str>), lines: &Lines, against: &str) {
    let _ = write!(out, "--- {path} ({against})\n+++ {}\n{}", now.unwrap_or(path), lines.diff);
}

fn documents(out: &mut String, heading: &str, documents: &[DocumentDiff], against: &str, in_full: bool) {
    if documents.is_empty() {
        return;
    }
    let _ = writeln!(out, "{heading}");
    for document in documents {
        if in_full {
            unified(out, (&document.path, document.now.as_deref()), &document.lines, against);
        } else {
            let _ = writeln!(out, "  {} {}", document.paths(), document.lines.counts());
        }
    }
}
