//! Comments: which of them stand before, behind and inside of what is printed.
//!
//! The cursor hands out each comment once, in source order. A *slot* is a place that keeps its comments: a statement,
//! a step, an event or one of its fields, a list's element, an operand of `and` and `or`, a shape of a verb. A comment
//! in the middle of a slot moves to that slot's edge, never into another one.

use super::layout::{Doc, text};
use crate::syntax::{Comment, Token, tokens};

/// The comments that are not printed yet.
pub(super) struct Cursor<'a> {
    source: &'a str,
    comments: &'a [Comment],
    /// Comments of a head, put back for the slot that the head belongs to.
    heads: Vec<Note<'a>>,
    /// A comment that moved to the end of its slot, where the next gap takes it.
    moved: Option<Note<'a>>,
}

/// A comment's text, and whether nothing stands before it on its line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Note<'a> {
    pub(super) text: &'a str,
    pub(super) own_line: bool,
    /// A blank line stands before it.
    pub(super) blank: bool,
    pub(super) start: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(source: &'a str, comments: &'a [Comment]) -> Self {
        Self { source, comments, heads: vec![], moved: None }
    }

    /// Source text between two bytes.
    pub(super) fn slice(&self, start: usize, end: usize) -> &'a str {
        self.source.get(start..end).unwrap_or("")
    }

    /// The comments that begin before a byte.
    pub(super) fn take(&mut self, before: usize) -> Vec<Note<'a>> {
        let mut taken: Vec<_> = self.moved.take().into_iter().collect();
        while let [first, rest @ ..] = self.comments {
            let (start, end) = (first.span.start, first.span.end);
            if start >= before {
                break;
            }
            self.comments = rest;
            let (text, blank) = (self.slice(start, end), self.blank_before(start));
            taken.push(Note { text, own_line: first.own_line, blank, start });
        }
        taken
    }

    /// The comments inside of a slot that none of its own slots took: those for the lines before it, and one for the
    /// end of its line, if no other stands there.
    pub(super) fn strays(&mut self, end: usize) -> (Vec<Note<'a>>, Option<Note<'a>>) {
        let mut lead = std::mem::take(&mut self.heads);
        let mut strays = self.take(end);
        let next = self.comments.first().filter(|c| !c.own_line);
        let taken = next.is_some_and(|c| !self.slice(end, c.span.start).contains('\n'));
        let last = strays.pop_if(|last| !last.own_line && !taken);
        lead.append(&mut strays);
        (lead, last)
    }

    /// Leaves a comment behind the slot that it stood in.
    pub(super) fn move_behind(&mut self, note: Option<Note<'a>>) {
        self.moved = note;
    }

    /// Gives a head's comments back, once all slots behind the head are done: they belong to the slot around it.
    pub(super) fn put_back(&mut self, head: Vec<Note<'a>>) {
        self.heads.extend(head);
    }

    /// Whether a blank line stands right before a byte.
    pub(super) fn blank_before(&self, at: usize) -> bool {
        let before = self.slice(0, at);
        let space = before.get(before.trim_end().len()..).unwrap_or("");
        space.matches('\n').count() > 1
    }

    /// The first byte, and the one past the last, of the next token at or behind `from`.
    pub(super) fn token(&self, from: usize) -> (usize, usize) {
        let rest = self.source.get(from..).unwrap_or("");
        let mut code = tokens(rest).filter(|(t, ..)| !matches!(t, Token::Comment | Token::Doc));
        code.next().map_or((from, from), |(_, start, end)| (from + start, from + end))
    }
}

/// What separates two slots: `separator`, or line breaks with the comments between them.
pub(super) fn gap(notes: &[Note], separator: Doc) -> Doc {
    if notes.is_empty() {
        return separator;
    }
    let mut docs = lines(notes);
    docs.push(Doc::Hard);
    Doc::Concat(docs)
}

/// Comments, the first of them at the end of the line if it stood there, else each behind a line break.
pub(super) fn lines(notes: &[Note]) -> Vec<Doc> {
    let mut docs = vec![];
    for (i, note) in notes.iter().enumerate() {
        if i == 0 && !note.own_line {
            docs.push(Doc::Suffix(note.text.to_owned(), 0));
        } else {
            docs.extend([Doc::Hard, text(note.text)]);
        }
    }
    docs
}
