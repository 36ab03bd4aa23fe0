//! Files: the items in their order, what stands between them, and the columns of neighbours.

use super::Printer;
use super::comments::Note;
use super::conditions::quoted;
use super::layout::{Doc, WIDTH, group, indent, render, text};
use super::rules::because;
use crate::syntax::ast::*;

/// An item with what belongs to it.
struct Printed<'a> {
    /// Comments before it.
    lead: Vec<Note<'a>>,
    /// A blank line stands between these and itself, or before it if there are none.
    blank: bool,
    /// Its `///` lines.
    docs: &'a [String],
    /// Keyword and name, if it may be aligned with its neighbours.
    head: Option<(&'static str, &'a str)>,
    /// All of it, or what follows the head.
    rest: Vec<Doc>,
    /// A comment behind its last token.
    trail: Option<Note<'a>>,
    /// How it looks.
    text: String,
}

impl<'a> Printer<'a> {
    /// The text of a file.
    pub(super) fn file(mut self, file: &'a File) -> String {
        let mut items: Vec<Printed<'a>> = vec![];
        for item in &file.items {
            let lead = self.between(&mut items, item.span.start);
            let printed = self.item(item, lead);
            items.push(printed);
        }
        let tail = self.between(&mut items, usize::MAX);
        separate(&mut items);
        align(&mut items);
        let mut out = String::new();
        for item in &items {
            item.write(&mut out);
        }
        for note in tail {
            line(&mut out, note.blank, note.text);
        }
        out
    }

    /// The comments between two items; one behind the first one's last token goes there.
    fn between(&mut self, items: &mut [Printed<'a>], start: usize) -> Vec<Note<'a>> {
        let mut notes = self.cursor.take(start);
        if let Some(last) = items.last_mut()
            && last.trail.is_none()
            && notes.first().is_some_and(|note| !note.own_line)
        {
            last.trail = Some(notes.remove(0));
        }
        notes
    }

    fn item(&mut self, item: &'a Item, mut lead: Vec<Note<'a>>) -> Printed<'a> {
        let start = if item.docs.is_empty() { item.span.start } else { item.start };
        // A comment between `///` and the item moves in front of both.
        let mut blank = self.cursor.blank_before(start) && lead.iter().all(|note| note.start < start);
        let (head, rest) = self.kind(&item.kind, item.span.end);
        let (strays, trail) = self.cursor.strays(item.span.end);
        lead.extend(strays.into_iter().map(|note| Note { blank: std::mem::take(&mut blank), ..note }));
        let text = render_item(head, &rest, 0);
        Printed { lead, blank, docs: &item.docs, head, rest, trail, text }
    }

    fn kind(&mut self, kind: &'a ItemKind, end: usize) -> (Option<(&'static str, &'a str)>, Vec<Doc>) {
        let (word, name, rest) = match kind {
            ItemKind::Utility(utility) => return (None, self.utility(utility, end)),
            ItemKind::Rule(rule) => return (None, self.parts("rule", &rule.name, &rule.parts, end)),
            ItemKind::Tune(tune) => return (None, self.parts("tune", &tune.name, &tune.parts, end)),
            ItemKind::Exception(Exception { name, title, reason, expr }) => {
                let head = format!("exception {} {} {}", name.text, quoted(title), because(reason));
                return (None, self.excepts(head, reason, expr));
            }
            ItemKind::Group { name, members } => {
                ("group", name, vec![text(" = "), self.names(&members.names, members.span.end)])
            }
            ItemKind::List { name, list } => ("list", name, vec![text(" = "), self.list(list)]),
            ItemKind::Param { name, value } => ("param", name, vec![text(format!(" = {}", self.literal(value)))]),
            ItemKind::Let { name, expr } => {
                let chain = self.chain(expr, Doc::Line);
                ("let", name, vec![group(vec![text(" ="), indent(chain)])])
            }
            ItemKind::Extend { name, list } => ("extend", name, vec![text(" with "), self.list(list)]),
        };
        (Some((word, &name.text)), rest)
    }
}

/// An item's text, with its name padded to `width`.
fn render_item(head: Option<(&str, &str)>, rest: &[Doc], width: usize) -> String {
    let before = head.map_or_else(String::new, |(word, name)| format!("{word} {name:<width$}"));
    render(&before, rest)
}

/// One blank line between items at least, but for definitions that stood together.
fn separate(items: &mut [Printed]) {
    let mut before: Option<bool> = None;
    for item in items {
        let definition = item.head.is_some();
        let together = before == Some(true) && definition && item.docs.is_empty();
        let apart = item.blank || item.lead.iter().any(|note| note.blank);
        let first = item.lead.first_mut().map_or(&mut item.blank, |note| &mut note.blank);
        if before.is_none() {
            *first = false;
        } else if !apart && !together {
            *first = true;
        }
        before = Some(definition);
    }
}

/// Neighbours on one line each, of one keyword and without a blank line between them, share a column, unless a line
/// becomes too long.
fn align(items: &mut [Printed]) {
    for run in items.chunk_by_mut(|a, b| a.flat() && b.flat() && b.follows(a)) {
        let names = run.iter().filter_map(|item| item.head).map(|(_, name)| name.len());
        let width = names.max().unwrap_or(0);
        if run.len() < 2 {
            continue;
        }
        let texts: Vec<String> = run.iter().map(|item| render_item(item.head, &item.rest, width)).collect();
        if texts.iter().all(|text| !text.contains('\n') && text.chars().count() <= WIDTH) {
            for (item, text) in run.iter_mut().zip(texts) {
                item.text = text;
            }
        }
    }
}

impl Printed<'_> {
    fn flat(&self) -> bool {
        self.head.is_some() && !self.text.contains('\n')
    }

    /// Whether it stands right behind `before` and defines a thing of the same sort.
    fn follows(&self, before: &Printed) -> bool {
        let word = |item: &Printed| item.head.map(|(word, _)| word);
        let apart = self.blank || self.lead.iter().any(|note| note.blank);
        word(self) == word(before) && !apart && self.docs.is_empty()
    }

    fn write(&self, out: &mut String) {
        for note in &self.lead {
            line(out, note.blank, note.text);
        }
        let mut blank = self.blank;
        for doc in self.docs {
            line(out, std::mem::take(&mut blank), format!("/// {doc}").trim_end_matches([' ', '\t']));
        }
        line(out, blank, &self.text);
        if let Some(note) = self.trail {
            out.pop();
            out.push_str("  ");
            out.push_str(note.text);
            out.push('\n');
        }
    }
}

fn line(out: &mut String, blank: bool, text: &str) {
    if blank && !out.is_empty() {
        out.push('\n');
    }
    out.push_str(text);
    out.push('\n');
}
