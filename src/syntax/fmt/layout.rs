//! Layout: a document says where a line may break, [`render`] decides where it does.
//!
//! A group stands on one line if it fits there, else all of its [`Doc::Line`]s break. The work is linear in the
//! document's size, and nothing recurses.

use std::slice::Iter;

/// A line is broken where it would be longer than this, in characters.
pub(super) const WIDTH: usize = 120;

/// How deep a level is indented.
pub(super) const STEP: usize = 2;

/// A piece of output.
#[derive(Debug)]
pub(super) enum Doc {
    /// Text without a line break.
    Text(String),
    /// A blank, or a line break if its group is broken.
    Line,
    /// Nothing, or a line break if its group is broken.
    Soft,
    /// A blank, or a line break if its group is broken and what comes up to the next break does not fit.
    Fill,
    /// A line break.
    Hard,
    /// Text if the group is broken.
    IfBroken(String),
    /// A comment for the end of the line, at this column or behind it.
    Suffix(String, usize),
    /// Lines that begin in here are indented deeper by this much.
    Indent(usize, Vec<Doc>),
    /// Lines that begin in here are indented to the column where it begins.
    Align(Vec<Doc>),
    /// On one line if possible.
    Group {
        /// What is in it.
        docs: Vec<Doc>,
        /// It holds a line break or a comment.
        forced: bool,
    },
    /// One behind the other.
    Concat(Vec<Doc>),
}

/// Text.
pub(super) fn text(text: impl Into<String>) -> Doc {
    Doc::Text(text.into())
}

/// A group of `docs`.
pub(super) fn group(docs: Vec<Doc>) -> Doc {
    let forced = forces(&docs);
    Doc::Group { docs, forced }
}

/// `docs`, indented by one level.
pub(super) fn indent(docs: Vec<Doc>) -> Doc {
    Doc::Indent(STEP, docs)
}

/// Whether a group of `docs` cannot stand on one line.
fn forces(docs: &[Doc]) -> bool {
    docs.iter().any(|doc| match doc {
        Doc::Hard | Doc::Suffix(..) => true,
        Doc::Indent(_, docs) | Doc::Align(docs) | Doc::Concat(docs) => forces(docs),
        Doc::Group { forced, .. } => *forced,
        Doc::Text(_) | Doc::Line | Doc::Soft | Doc::Fill | Doc::IfBroken(_) => false,
    })
}

/// The rest of a sequence, with what holds for it.
#[derive(Clone)]
struct Frame<'d> {
    indent: usize,
    flat: bool,
    rest: Iter<'d, Doc>,
}

/// Prints `head` and documents, without a line break at the end.
pub(super) fn render(head: &str, docs: &[Doc]) -> String {
    let mut writer = Writer::default();
    writer.write(head);
    let mut stack = vec![Frame { indent: 0, flat: false, rest: docs.iter() }];
    while let Some(frame) = stack.last_mut() {
        let (indent, flat) = (frame.indent, frame.flat);
        let Some(doc) = frame.rest.next() else {
            stack.pop();
            continue;
        };
        match doc {
            Doc::Text(text) => writer.write(text),
            Doc::IfBroken(text) if !flat => writer.write(text),
            Doc::Line | Doc::Fill if flat => writer.write(" "),
            Doc::Soft if flat => {}
            Doc::IfBroken(_) => {}
            Doc::Fill if fits(&stack, &[], writer.column + 1) => writer.write(" "),
            Doc::Line | Doc::Soft | Doc::Fill | Doc::Hard => writer.newline(indent),
            Doc::Suffix(text, column) => writer.suffix = Some((text.clone(), *column)),
            Doc::Indent(by, docs) => stack.push(Frame { indent: indent + by, flat, rest: docs.iter() }),
            Doc::Align(docs) => stack.push(Frame { indent: writer.column, flat, rest: docs.iter() }),
            Doc::Concat(docs) => stack.push(Frame { indent, flat, rest: docs.iter() }),
            Doc::Group { docs, forced } => {
                let flat = flat || (!forced && fits(&stack, docs, writer.column));
                stack.push(Frame { indent, flat, rest: docs.iter() });
            }
        }
    }
    writer.end_line();
    writer.out
}

/// Whether `docs`, and what follows them in `stack` up to the next line break, end within the line.
fn fits(stack: &[Frame], docs: &[Doc], mut column: usize) -> bool {
    let mut outer = stack.iter().rev();
    let mut local = vec![Frame { indent: 0, flat: true, rest: docs.iter() }];
    loop {
        let Some(frame) = local.last_mut() else {
            match outer.next() {
                Some(frame) => local.push(frame.clone()),
                None => return true,
            }
            continue;
        };
        let flat = frame.flat;
        let Some(doc) = frame.rest.next() else {
            local.pop();
            continue;
        };
        match doc {
            Doc::Text(text) => column += text.chars().count(),
            Doc::IfBroken(text) if !flat => column += text.chars().count(),
            Doc::Line | Doc::Fill if flat => column += 1,
            Doc::Soft if flat => {}
            Doc::IfBroken(_) | Doc::Suffix(..) => {}
            Doc::Line | Doc::Soft | Doc::Fill | Doc::Hard => return true,
            Doc::Indent(_, docs) | Doc::Align(docs) | Doc::Concat(docs) => {
                local.push(Frame { indent: 0, flat, rest: docs.iter() });
            }
            Doc::Group { docs, forced } => local.push(Frame { indent: 0, flat: flat || !forced, rest: docs.iter() }),
        }
        if column > WIDTH {
            return false;
        }
    }
}

#[derive(Default)]
struct Writer {
    out: String,
    column: usize,
    /// The line's indentation, until something is written on it.
    pending: usize,
    suffix: Option<(String, usize)>,
}

impl Writer {
    fn write(&mut self, text: &str) {
        self.out.extend(std::iter::repeat_n(' ', std::mem::take(&mut self.pending)));
        self.out.push_str(text);
        self.column += text.chars().count();
    }

    fn end_line(&mut self) {
        self.out.truncate(self.out.trim_end_matches(' ').len());
        if let Some((text, column)) = self.suffix.take() {
            let blanks = column.saturating_sub(self.column).max(2);
            self.out.extend(std::iter::repeat_n(' ', blanks));
            self.out.push_str(&text);
        }
    }

    fn newline(&mut self, indent: usize) {
        self.end_line();
        self.out.push('\n');
        self.column = indent;
        self.pending = indent;
    }
}
