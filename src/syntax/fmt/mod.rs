//! Stage 1, backwards: a tree is printed in the one canonical layout.
//!
//! Guarantees: the result parses to a tree that says the same, which is checked here on every run; every comment
//! stays with its statement, element or operand; and what was formatted stays as it is. The layout follows from the
//! tree, the comments and the blank lines between items and between tests; other white space has no say.

mod comments;
mod conditions;
mod items;
mod layout;
mod order;
mod rules;
mod tree;
mod utilities;

use super::parse::{Parsed, parse};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::{FileId, Span};
use comments::{Cursor, Note, gap};
use layout::Doc;
use tree::Same;

/// The text of a file in the canonical layout, with `\n` as line break and one at the end.
///
/// # Errors
/// The file's syntax errors, their spans in `source_text` as it was given, under the default [`FileId`]. `E0904` if
/// the result would say something else, which is a defect of the formatter.
pub fn format(source_text: &str) -> Result<String, Vec<Diagnostic>> {
    format_file(FileId::default(), source_text)
}

/// The same for a file among others.
///
/// # Errors
/// As those of [`format()`], under this file.
pub fn format_file(file: FileId, source_text: &str) -> Result<String, Vec<Diagnostic>> {
    let source = blank_mark(source_text);
    let source = source.as_deref().unwrap_or(source_text);
    let parsed = parse(file, source);
    if !parsed.diagnostics.is_empty() {
        return Err(parsed.diagnostics);
    }
    let out = Printer { cursor: Cursor::new(source, &parsed.comments) }.file(&parsed.file);
    let again = parse(file, &out);
    match difference(source, &parsed, &out, &again) {
        None => Ok(out),
        Some(what) => Err(vec![
            Diagnostic::new(Code::Internal, format!("the formatter would change {what}"))
                .at(Span::new(file, 0, 0), "this file was left as it is")
                .help("this is a defect of the formatter: please report it with this file"),
        ]),
    }
}

/// The text with blanks for a byte order mark, so that all else keeps its place.
fn blank_mark(text: &str) -> Option<String> {
    text.strip_prefix('\u{feff}').map(|rest| format!("   {rest}"))
}

/// What `out` does not keep of `source`.
fn difference(source: &str, before: &Parsed, out: &str, after: &Parsed) -> Option<&'static str> {
    if !before.broken.is_empty() || !after.broken.is_empty() || !after.diagnostics.is_empty() {
        return Some("what can be parsed");
    }
    if !before.file.same(&after.file) {
        return Some("what this file says");
    }
    (comment_texts(source, before) != comment_texts(out, after)).then_some("its comments")
}

fn comment_texts<'a>(text: &'a str, parsed: &Parsed) -> Vec<&'a str> {
    let mut texts: Vec<_> = parsed.comments.iter().filter_map(|c| text.get(c.span.start..c.span.end)).collect();
    texts.sort_unstable();
    texts
}

/// Makes documents of the tree, in source order, since the comments come in that order.
struct Printer<'a> {
    cursor: Cursor<'a>,
}

/// The entries between two braces.
#[derive(Default)]
struct Body<'a> {
    /// A comment behind the opening brace.
    head: Option<Note<'a>>,
    entries: Vec<Entry<'a>>,
    /// Comments before the closing brace.
    tail: Vec<Note<'a>>,
}

/// A statement with the comments that belong to it.
struct Entry<'a> {
    lead: Vec<Note<'a>>,
    docs: Vec<Doc>,
    trail: Option<Note<'a>>,
    /// A blank line stood before it, or before its comments.
    blank: bool,
}

impl<'a> Printer<'a> {
    /// A slot: `separator` and the comments before it, then what `build` makes of it.
    fn slot(
        &mut self,
        (start, end): (usize, usize),
        separator: Doc,
        build: impl FnOnce(&mut Self) -> Vec<Doc>,
    ) -> Vec<Doc> {
        let mut lead = self.cursor.take(start);
        let inner = build(self);
        let (strays, last) = self.cursor.strays(end);
        lead.extend(strays.into_iter().map(|note| Note { own_line: true, ..note }));
        let mut docs = vec![gap(&lead, separator)];
        docs.extend(inner);
        self.cursor.move_behind(last);
        docs
    }

    /// Adds a statement to `body`.
    fn entry(&mut self, body: &mut Body<'a>, (start, end): (usize, usize), build: impl FnOnce(&mut Self) -> Vec<Doc>) {
        let mut lead = self.take_lead(body, start);
        let blank = self.cursor.blank_before(start) || lead.iter().any(|note| note.blank);
        let docs = build(self);
        let (strays, trail) = self.cursor.strays(end);
        lead.extend(strays);
        body.entries.push(Entry { lead, docs, trail, blank });
    }

    /// The comments before the closing brace.
    fn close(&mut self, body: &mut Body<'a>, end: usize) {
        body.tail = self.take_lead(body, end);
    }

    /// The comments up to a byte; one that stands behind the last statement, or behind the brace, goes there.
    fn take_lead(&mut self, body: &mut Body<'a>, before: usize) -> Vec<Note<'a>> {
        let mut notes = self.cursor.take(before);
        let place = body.entries.last_mut().map_or(&mut body.head, |entry| &mut entry.trail);
        if place.is_none() && notes.first().is_some_and(|note| !note.own_line) {
            *place = Some(notes.remove(0));
        }
        notes
    }
}
