//! Utilities: how a tool is named and driven.

use super::conditions::{quoted, range};
use super::layout::{Doc, group, indent, text};
use super::{Body, Printer};
use crate::source::Span;
use crate::syntax::ast::*;

/// The longest keys, `original` and `prefixes`. Where verbs follow, every utility aligns to them.
const KEY: usize = 8;

/// `verb` and `switch` in one column.
const WORD: usize = 6;

/// Where the comments of a utility stand if its lines are short enough.
const COMMENTS: usize = 57;

impl<'a> Printer<'a> {
    /// The entries of a utility whose last token ends at `end`.
    pub(super) fn utility(&mut self, utility: &Utility, end: usize) -> Vec<Doc> {
        let mut docs = vec![text(format!("utility {} {} ", utility.name.text, quoted(&utility.title)))];
        let mut body = Body::default();
        let keys = Keys::of(&utility.parts);
        let (brace, mut at) = self.cursor.token(utility.title.span.end);
        let head = self.cursor.take(brace);
        for part in &utility.parts {
            let start = self.cursor.token(at).0;
            at = self.part_end(part);
            self.entry(&mut body, (start, at), |p| p.utility_part(part, &keys));
        }
        self.close(&mut body, end);
        for entry in &mut body.entries {
            entry.blank = false;
        }
        self.cursor.put_back(head);
        docs.push(Self::braces(body, COMMENTS));
        docs
    }

    /// Where an entry ends, since the tree does not say.
    fn part_end(&self, part: &UtilityPart) -> usize {
        let behind = |from: usize, tokens: usize| (0..tokens).fold(from, |at, _| self.cursor.token(at).1);
        match part {
            UtilityPart::Key { value: UtilityValue::List(list), .. } => list.span.end,
            UtilityPart::Key { value: UtilityValue::Text(text), .. } => text.span.end,
            UtilityPart::Key { value: UtilityValue::Word(word), .. } => word.span.end,
            UtilityPart::Original { values, when_available: false, .. } => values.span().end,
            UtilityPart::Original { values, .. } => behind(values.span().end, 2),
            UtilityPart::Cased(span) => span.end,
            UtilityPart::Verb { name, shapes: None } => behind(name.span.end, 2),
            UtilityPart::Verb { name, shapes: Some(shapes) } | UtilityPart::Switch { name, shapes } => {
                shapes.last().map_or(name.span.end, |shape| shape.span.end)
            }
        }
    }

    fn utility_part(&mut self, part: &UtilityPart, keys: &Keys) -> Vec<Doc> {
        let key = |word: &str| text(format!("{word:<width$} ", width = keys.key));
        match part {
            UtilityPart::Key { key: word, value } => {
                let value = match value {
                    UtilityValue::List(list) => self.list(list),
                    UtilityValue::Text(t) => text(quoted(t)),
                    UtilityValue::Word(word) => text(word.text.clone()),
                };
                vec![key(&word.text), value]
            }
            UtilityPart::Original { values, when_available, .. } => {
                let available = if *when_available { " when available" } else { "" };
                vec![key("original"), self.values(values), text(available)]
            }
            UtilityPart::Cased(_) => vec![text("cased")],
            UtilityPart::Verb { name, shapes: None } => vec![keys.head("verb", name), text(" default")],
            UtilityPart::Verb { name, shapes: Some(shapes) } => self.shapes(keys.head("verb", name), shapes),
            UtilityPart::Switch { name, shapes } => self.shapes(keys.head("switch", name), shapes),
        }
    }

    /// `verb NAME = shape or shape`; several that do not fit stand on a line each.
    fn shapes(&mut self, head: Doc, shapes: &[Shape]) -> Vec<Doc> {
        let mut docs = vec![];
        for (i, shape) in shapes.iter().enumerate() {
            let (separator, word) = match i {
                0 if shapes.len() == 1 => (text(" "), ""),
                0 => (Doc::Line, ""),
                _ => (Doc::Line, "or "),
            };
            docs.extend(self.slot(range(shape.span), separator, |p| vec![text(word), p.shape(shape)]));
        }
        vec![group(vec![head, indent(docs)])]
    }

    fn shape(&mut self, shape: &Shape) -> Doc {
        let mut docs = vec![text(format!("{} ", shape.kind.text))];
        if shape.bracketed {
            // Behind the last name stand the bracket, and perhaps a comma.
            let mut end = shape.names.last().map_or(shape.kind.span.end, |name| name.span.end);
            while end < shape.span.end && !self.cursor.slice(0, end).ends_with(']') {
                end = self.cursor.token(end).1;
            }
            let names = shape.names.iter().map(|n| (quoted(n), n.span, true)).collect();
            docs.push(self.bracket(names, end));
        } else {
            docs.extend(shape.names.iter().map(|name| text(quoted(name))));
        }
        for option in &shape.options {
            docs.push(text(match option {
                ShapeOption::Flag(word) => format!(" {}", word.text),
                ShapeOption::Min(number, _) => format!(" min {number}"),
                ShapeOption::Text(word, value) => format!(" {} {}", word.text, quoted(value)),
            }));
        }
        Doc::Concat(docs)
    }
}

/// The columns of a utility.
struct Keys {
    key: usize,
    name: usize,
}

impl Keys {
    fn of(parts: &[UtilityPart]) -> Self {
        let (mut keys, mut name) = (0, 0);
        for part in parts {
            match part {
                UtilityPart::Key { key, .. } => keys = keys.max(key.text.len()),
                UtilityPart::Original { key: Span { start, end, .. }, .. } => keys = keys.max(end - start),
                UtilityPart::Verb { name: n, .. } | UtilityPart::Switch { name: n, .. } => {
                    name = name.max(n.text.len())
                }
                UtilityPart::Cased(_) => {}
            }
        }
        Keys { key: if name > 0 { keys.max(KEY) } else { keys }, name }
    }

    fn head(&self, word: &str, name: &Ident) -> Doc {
        text(format!("{word:<WORD$} {:<width$} =", name.text, width = self.name))
    }
}
