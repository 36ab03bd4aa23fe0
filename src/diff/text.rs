//! A comparison for people: a line for each rule, then the unified diff of each of its documents.

use super::{Difference, DocumentDiff};
use std::fmt::Write as _;

/// The whole comparison.
#[must_use]
pub fn to_text(difference: &Difference) -> String {
    let mut out = String::new();
    for rule in &difference.rules {
        let versions = rule.versions();
        let versions = if versions.is_empty() { String::new() } else { format!(" {versions}") };
        let _ = writeln!(out, "{}{versions}: {}", rule.rule, rule.words());
        rule.documents.iter().for_each(|d| document(&mut out, d, &difference.against));
    }
    if !difference.documents.is_empty() {
        out.push_str("documents of all rules together\n");
        difference.documents.iter().for_each(|d| document(&mut out, d, &difference.against));
    }
    out
}

fn document(out: &mut String, document: &DocumentDiff, against: &str) {
    let now = document.now.as_ref().unwrap_or(&document.path);
    let _ = write!(out, "--- {} ({against})\n+++ {now}\n{}", document.path, document.diff);
}
