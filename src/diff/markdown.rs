//! A comparison as a pull request's comment: a table, then each rule's diffs folded up, never longer than a comment may be.

use super::{Difference, DocumentDiff, RuleDiff};
use crate::pack::changelog::escape;
use std::fmt::Write as _;

/// The most characters of a whole comment; GitHub takes 65,536.
const MOST: usize = 60_000;
/// The most lines of one document's diff.
const MOST_LINES: usize = 120;
/// The most rules in the table.
const MOST_ROWS: usize = 200;

/// The whole comparison.
#[must_use]
pub fn to_markdown(difference: &Difference) -> String {
    let mut out = format!("### Rules: {}\n", difference.summary());
    if difference.is_empty() {
        return out + &format!("\nNothing differs from `{}`.\n", code(&difference.against));
    }
    let _ = writeln!(out, "\nAgainst `{}`.", code(&difference.against));
    if !difference.rules.is_empty() {
        out.push_str("\n| rule | version | change | lines |\n|---|---|---|---|\n");
        difference.rules.iter().take(MOST_ROWS).for_each(|r| row(&mut out, r));
        if difference.rules.len() > MOST_ROWS {
            let _ = writeln!(out, "\n… and {} rules more.", difference.rules.len() - MOST_ROWS);
        }
    }
    let mut left = 0;
    let named = |d: &DocumentDiff| format!("<code>{}</code>", html(&d.paths()));
    for document in difference.rules.iter().flat_map(|r| &r.documents).chain(&difference.documents) {
        let details = details(&named(document), document);
        if out.chars().count() + details.chars().count() + 200 > MOST {
            left += 1;
        } else {
            out.push_str(&details);
        }
    }
    if left > 0 {
        let _ = writeln!(out, "\n{left} documents more differ than fit here: `arcanary diff` shows them all.");
    }
    out
}

fn row(out: &mut String, rule: &RuleDiff) {
    let sum = |f: fn(&DocumentDiff) -> usize| rule.documents.iter().map(f).sum::<usize>();
    let lines = match (sum(|d| d.added), sum(|d| d.removed)) {
        (0, 0) => String::new(),
        (added, removed) => format!("+{added} −{removed}"),
    };
    let title = escape(&rule.title);
    let _ = writeln!(
        out,
        "| **{}**<br>{title} | {} | {} | {lines} |",
        escape(&rule.rule),
        rule.versions(),
        escape(&rule.words())
    );
}

fn details(name: &str, document: &DocumentDiff) -> String {
    let lines: Vec<&str> = document.diff.lines().collect();
    let shown = lines.iter().take(MOST_LINES).copied().collect::<Vec<_>>().join("\n");
    let more = match lines.len().saturating_sub(MOST_LINES) {
        0 => String::new(),
        more => format!("\n… and {more} lines more"),
    };
    // No run of backticks in the diff ends the block.
    let longest = shown.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    let counts = format!("+{} −{}", document.added, document.removed);
    format!("\n<details><summary>{name} {counts}</summary>\n\n{fence}diff\n{shown}{more}\n{fence}\n\n</details>\n")
}

/// Inside backticks.
fn code(text: &str) -> String {
    text.replace('`', "'")
}

/// Inside a tag.
fn html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
