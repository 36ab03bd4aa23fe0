//! A comparison as a pull request's comment: a table, then for each rule its source, its queries folded up, and a line for
//! each document; never longer than a comment may be.

use super::lines::Lines;
use super::{Difference, DocumentDiff, RuleDiff, SourceDiff};
use crate::escape;
use std::fmt::Write as _;

/// The most characters of a whole comment; GitHub takes 65,536.
const MOST: usize = 60_000;
/// What is kept of them for the line that says what was cut.
const KEPT: usize = 200;
/// The most lines of one diff.
const MOST_LINES: usize = 120;
/// The most rules in the table.
const MOST_ROWS: usize = 200;

/// The whole comparison, with the lines of documents if they are asked for.
#[must_use]
pub fn to_markdown(difference: &Difference, with_documents: bool) -> String {
    let mut out = format!("### Rules: {}\n", difference.summary());
    if difference.is_empty() {
        return out + &format!("\nNothing differs from `{}`.\n", code(&difference.against));
    }
    let _ = writeln!(out, "\nAgainst `{}`.", code(&difference.against));
    if !difference.rules.is_empty() {
        out.push_str("\n| rule | version | change | source | queries |\n|---|---|---|---|---|\n");
        difference.rules.iter().take(MOST_ROWS).for_each(|r| row(&mut out, r));
        if difference.rules.len() > MOST_ROWS {
            let _ = writeln!(out, "\n… and {} more rules.", difference.rules.len() - MOST_ROWS);
        }
    }
    let mut comment = Comment { text: out, left: 0 };
    if !difference.shared.is_empty() {
        comment.add("\n#### Shared items\n".to_owned());
        difference.shared.iter().for_each(|s| comment.add(source(s)));
    }
    for rule in &difference.rules {
        // A heading without anything below it says nothing.
        let mut parts = rule.source.iter().map(source).collect::<Vec<_>>();
        for query in &rule.queries {
            parts.push(folded(&format!("query on {}", html(&query.targets.join(", "))), &query.lines));
        }
        parts.extend(documents(&rule.documents, with_documents));
        let uses = match rule.through.as_slice() {
            [] => String::new(),
            all => format!("\nUses {}.\n", escape::markdown(&all.join(", "))),
        };
        let heading = format!("\n#### {}\n{uses}", escape::markdown(&rule.rule));
        let mut parts = parts.into_iter();
        comment.add(parts.next().map_or(heading.clone(), |first| heading + &first));
        parts.for_each(|part| comment.add(part));
    }
    if !difference.documents.is_empty() {
        let mut parts = documents(&difference.documents, with_documents).into_iter();
        comment.add("\n#### Documents of all rules together\n".to_owned() + &parts.next().unwrap_or_default());
        parts.for_each(|part| comment.add(part));
    }
    comment.end()
}

/// A comment that stays as short as one must be.
struct Comment {
    text: String,
    /// How many parts were left out.
    left: usize,
}

impl Comment {
    fn add(&mut self, part: String) {
        if self.text.chars().count() + part.chars().count() + KEPT > MOST {
            self.left += 1;
        } else {
            self.text.push_str(&part);
        }
    }

    fn end(mut self) -> String {
        if self.left > 0 {
            let _ = writeln!(
                self.text,
                "\n**Truncated:** {} more parts do not fit into a comment. Run `arcanary diff` to see all of them.",
                self.left
            );
        }
        self.text
    }
}

fn row(out: &mut String, rule: &RuleDiff) {
    let sum = |all: &mut dyn Iterator<Item = &Lines>| {
        let (added, removed) = all.fold((0, 0), |(added, removed), l| (added + l.added, removed + l.removed));
        if (added, removed) == (0, 0) { String::new() } else { format!("+{added} −{removed}") }
    };
    let source = sum(&mut rule.source.iter().map(|s| &s.lines));
    let queries = sum(&mut rule.queries.iter().map(|q| &q.lines));
    let title = escape::markdown(&rule.title);
    let _ = writeln!(
        out,
        "| **{}**<br>{title} | {} | {} | {source} | {queries} |",
        escape::markdown(&rule.rule),
        rule.versions(),
        escape::markdown(&rule.words())
    );
}

fn source(source: &SourceDiff) -> String {
    let place = format!("\n{} in <code>{}</code>\n\n", escape::markdown(&source.item), html(&source.paths()));
    place + &fenced(&source.lines)
}

fn documents(documents: &[DocumentDiff], in_full: bool) -> Vec<String> {
    if in_full {
        return documents.iter().map(|d| folded(&format!("<code>{}</code>", html(&d.paths())), &d.lines)).collect();
    }
    if documents.is_empty() {
        return vec![];
    }
    let mut out = format!("\n<details><summary>{} documents</summary>\n\n", documents.len());
    for document in documents.iter().take(MOST_LINES) {
        let _ = writeln!(out, "* <code>{}</code> {}", html(&document.paths()), document.lines.counts());
    }
    if documents.len() > MOST_LINES {
        let _ = writeln!(out, "* … and {} more", documents.len() - MOST_LINES);
    }
    vec![out + "\n</details>\n"]
}

fn folded(name: &str, lines: &Lines) -> String {
    let counts = lines.counts();
    format!("\n<details><summary>{name} {counts}</summary>\n\n{}\n</details>\n", fenced(lines))
}

fn fenced(lines: &Lines) -> String {
    let lines: Vec<&str> = lines.diff.lines().collect();
    let shown = lines.iter().take(MOST_LINES).copied().collect::<Vec<_>>().join("\n");
    let more = match lines.len().saturating_sub(MOST_LINES) {
        0 => String::new(),
        more => format!("\n… and {more} more lines"),
    };
    // No run of backticks in the diff ends the block.
    let longest = shown.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}diff\n{shown}{more}\n{fence}\n")
}

/// Inside backticks.
fn code(text: &str) -> String {
    text.replace('`', "'")
}

/// Inside a tag.
fn html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
