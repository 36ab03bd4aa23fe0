//! Stage 1, first half: a file is cut into top-level items by a small scan that knows only brackets, strings and
//! comments.
//!
//! Guarantees: one item's mistake stays in that item, nothing nests deeper than [`MAX_DEPTH`] when the grammar
//! sees it, every comment is kept with its place, and the work is linear in the file's length.

use crate::diagnostic::{Code, Diagnostic};
use crate::source::{FileId, Span};

/// How deep brackets may nest. The examples need 5.
pub const MAX_DEPTH: usize = 64;

/// The words that begin a top-level item.
pub const ITEM_WORDS: [&str; 9] =
    ["utility", "exception", "rule", "tune", "group", "list", "param", "let", "extend"];

/// The words that are never names.
pub const RESERVED: [&str; 30] = [
    "and", "or", "not", "where", "is", "in", "any", "all", "cased", "contains", "starts", "ends", "within",
    "without", "with", "like", "matches", "under", "exists", "cidr", "runs", "renamed", "relocated", "resembles",
    "to", "when", "available", "by", "of", "optional",
];

/// A `//` comment.
#[derive(Clone, Debug)]
pub struct Comment {
    /// From its slashes to the end of its line.
    pub span: Span,
    /// Nothing but white space stands before it on its line.
    pub own_line: bool,
}

/// The text of one item.
#[derive(Clone, Debug, Default)]
pub struct Chunk {
    /// First byte: its keyword.
    pub start: usize,
    /// One past its last token.
    pub end: usize,
    /// First byte of its `///` lines, or `start`.
    pub doc_start: usize,
    /// Its `///` lines without slashes.
    pub docs: Vec<String>,
    /// A finding was made already; the grammar would only repeat it.
    pub broken: bool,
}

/// What a scan finds.
#[derive(Debug, Default)]
pub struct Split {
    /// Items in order.
    pub chunks: Vec<Chunk>,
    /// Comments in order.
    pub comments: Vec<Comment>,
    /// Findings about quotes, brackets and stray text.
    pub diagnostics: Vec<Diagnostic>,
}

/// A token as the scan sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token {
    /// Letters, digits and `_`.
    Word,
    /// A quoted text; `false` if it does not end on its line.
    Text(bool),
    /// `//` and the rest of the line.
    Comment,
    /// `///` and the rest of the line.
    Doc,
    /// `(`, `[` or `{`
    Open(u8),
    /// `)`, `]` or `}`
    Close(u8),
    /// Any other character.
    Other,
}

/// The tokens of a text with their byte ranges; white space is passed over.
pub fn tokens(text: &str) -> impl Iterator<Item = (Token, usize, usize)> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = text.get(at..)?;
        let start = at + (rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len());
        let rest = text.get(start..)?;
        let first = rest.chars().next()?;
        let (token, length) = match first {
            '"' => quoted(rest, '"', true),
            '\'' => quoted(rest, '\'', false),
            '(' | '[' | '{' => (Token::Open(first as u8), 1),
            ')' | ']' | '}' => (Token::Close(first as u8), 1),
            '/' if rest.starts_with("//") => {
                let doc = rest.starts_with("///") && !rest.starts_with("////");
                let length = rest.find('\n').unwrap_or(rest.len());
                let length = rest.get(..length).map_or(length, |line| line.trim_end().len());
                (if doc { Token::Doc } else { Token::Comment }, length)
            }
            c if is_word(c) => (Token::Word, rest.find(|c| !is_word(c)).unwrap_or(rest.len())),
            c => (Token::Other, c.len_utf8()),
        };
        at = start + length;
        Some((token, start, at))
    })
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

fn quoted(rest: &str, quote: char, escapes: bool) -> (Token, usize) {
    let mut chars = rest.char_indices().skip(1);
    while let Some((i, c)) = chars.next() {
        match c {
            '\n' => return (Token::Text(false), i),
            '\\' if escapes => {
                if rest.get(i + 1..).is_some_and(|r| !r.starts_with('\n')) {
                    chars.next();
                }
            }
            c if c == quote => {
                let doubled = !escapes && rest.get(i + 1..).is_some_and(|r| r.starts_with(quote));
                if !doubled {
                    return (Token::Text(true), i + 1);
                }
                chars.next();
            }
            _ => {}
        }
    }
    (Token::Text(false), rest.len())
}

/// Cuts `text` into items.
#[must_use]
pub fn split(file: FileId, text: &str) -> Split {
    let mut scan = Scan { file, text, out: Split::default(), open: vec![], docs: vec![], doc_start: None, too_deep: false, done: false };
    let all: Vec<_> = tokens(text).collect();
    for (i, &(token, start, end)) in all.iter().enumerate() {
        if token == Token::Word && scan.begins_item(start, end, &all, i) {
            scan.close_item();
            scan.open_item(start, true);
        }
        scan.take(token, start, end);
    }
    scan.close_item();
    scan.stray_docs();
    scan.out
}

struct Scan<'a> {
    file: FileId,
    text: &'a str,
    out: Split,
    open: Vec<(u8, usize)>,
    docs: Vec<String>,
    doc_start: Option<usize>,
    too_deep: bool,
    /// The last item's closing brace has come.
    done: bool,
}

impl Scan<'_> {
    fn span(&self, start: usize, end: usize) -> Span {
        Span::new(self.file, start, end)
    }

    fn text(&self, start: usize, end: usize) -> &str {
        self.text.get(start..end).unwrap_or("")
    }

    fn at_line_start(&self, start: usize) -> bool {
        start == 0 || self.text(start - 1, start) == "\n"
    }

    /// An item begins at its keyword where a name follows: outside brackets anywhere, and at the first column
    /// even inside of them, since that is what a forgotten bracket looks like.
    fn begins_item(&self, start: usize, end: usize, all: &[(Token, usize, usize)], i: usize) -> bool {
        if !(self.open.is_empty() || self.at_line_start(start)) || !ITEM_WORDS.contains(&self.text(start, end)) {
            return false;
        }
        if start > 0 && self.text(start - 1, start) == "." {
            return false;
        }
        let next = all.iter().skip(i + 1).find(|(t, ..)| !matches!(t, Token::Comment | Token::Doc));
        // `group list = …` names a group; it does not begin a list.
        let names_an_item = self.out.chunks.last().is_some_and(|c| {
            !c.broken && ITEM_WORDS.contains(&self.text(c.start, c.end)) && c.end <= start && c.start < start
        });
        !names_an_item
            && next.is_some_and(|&(t, s, e)| {
                let word = self.text(s, e);
                t == Token::Word && !RESERVED.contains(&word) && !word.starts_with(|c: char| c.is_ascii_digit())
            })
    }

    fn open_item(&mut self, start: usize, known: bool) {
        let docs = if known { std::mem::take(&mut self.docs) } else { vec![] };
        let doc_start = if known { self.doc_start.take() } else { None };
        self.out.chunks.push(Chunk { start, end: start, doc_start: doc_start.unwrap_or(start), docs, broken: !known });
        self.too_deep = false;
        self.done = false;
    }

    fn close_item(&mut self) {
        if let Some(&(bracket, at)) = self.open.last() {
            let bracket = char::from(bracket);
            self.report(
                Diagnostic::new(Code::UnclosedBracket, format!("this `{bracket}` is never closed"))
                    .at(self.span(at, at + 1), "opened here"),
            );
            self.break_item();
        }
        self.open.clear();
    }

    fn break_item(&mut self) {
        if let Some(chunk) = self.out.chunks.last_mut() {
            chunk.broken = true;
        }
    }

    fn report(&mut self, diagnostic: Diagnostic) {
        self.out.diagnostics.push(diagnostic);
    }

    fn take(&mut self, token: Token, start: usize, end: usize) {
        match token {
            Token::Comment => {
                let line = self.text.get(..start).and_then(|t| t.rsplit('\n').next()).unwrap_or("");
                let comment = Comment { span: self.span(start, end), own_line: line.trim().is_empty() };
                self.out.comments.push(comment);
                return;
            }
            Token::Doc => return self.take_doc(start, end),
            _ => {}
        }
        if self.out.chunks.is_empty() || self.done {
            self.open_item(start, false);
            self.report_stray(start, end);
        }
        if let Some(chunk) = self.out.chunks.last_mut() {
            chunk.end = end;
        }
        match token {
            Token::Text(false) => {
                self.report(
                    Diagnostic::new(Code::UnterminatedText, "this text has no closing quote on its line")
                        .at(self.span(start, start + 1), "opened here")
                        .help("close it on the same line; write `\\n` in double quotes for a line break"),
                );
                self.break_item();
            }
            Token::Open(bracket) => {
                self.open.push((bracket, start));
                if self.open.len() > MAX_DEPTH && !self.too_deep {
                    self.too_deep = true;
                    self.report(
                        Diagnostic::new(Code::TooDeep, format!("brackets nest deeper than {MAX_DEPTH}"))
                            .at(self.span(start, end), "one too many"),
                    );
                    self.break_item();
                }
            }
            Token::Close(bracket) => self.take_close(bracket, start, end),
            _ => {}
        }
    }

    fn take_close(&mut self, bracket: u8, start: usize, end: usize) {
        let wanted = match bracket {
            b')' => b'(',
            b']' => b'[',
            _ => b'{',
        };
        let bracket = char::from(bracket);
        match self.open.last() {
            Some(&(open, _)) if open == wanted => {
                self.open.pop();
                self.done = wanted == b'{' && self.open.is_empty();
            }
            Some(&(open, at)) => {
                self.report(
                    Diagnostic::new(Code::UnclosedBracket, format!("`{}` is closed by `{bracket}`", char::from(open)))
                        .at(self.span(start, end), "this closes another kind of bracket")
                        .also(self.span(at, at + 1), "opened here"),
                );
                self.break_item();
                // Take the nearest bracket that fits as closed, so that one slip is one finding.
                if let Some(i) = self.open.iter().rposition(|(b, _)| *b == wanted) {
                    self.open.truncate(i);
                }
            }
            None => {
                let already = self.out.chunks.last().is_some_and(|c| c.broken);
                if !already {
                    self.report(
                        Diagnostic::new(Code::UnclosedBracket, format!("`{bracket}` closes nothing"))
                            .at(self.span(start, end), "no bracket is open here"),
                    );
                }
                self.break_item();
            }
        }
    }

    fn take_doc(&mut self, start: usize, end: usize) {
        let inside = !self.open.is_empty();
        if inside {
            self.report(misplaced_doc(self.span(start, end)));
            return;
        }
        let line = self.text(start, end).trim_start_matches('/');
        let line = line.strip_prefix(' ').unwrap_or(line).to_owned();
        self.doc_start.get_or_insert(start);
        self.docs.push(line);
    }

    fn stray_docs(&mut self) {
        if let Some(start) = self.doc_start {
            let end = self.text.get(start..).map_or(start, |t| start + t.find('\n').unwrap_or(t.len()));
            self.report(misplaced_doc(self.span(start, end)));
        }
    }

    fn report_stray(&mut self, start: usize, end: usize) {
        let word = self.text(start, end).to_owned();
        let span = self.span(start, end);
        self.report(
            Diagnostic::new(Code::NotAnItem, format!("`{word}` does not begin an item"))
                .at(span, "expected utility, rule, group, list, param, let, exception, extend or tune")
                .did_you_mean(&word, span, ITEM_WORDS),
        );
    }
}

fn misplaced_doc(span: Span) -> Diagnostic {
    Diagnostic::new(Code::MisplacedDoc, "this `///` describes nothing")
        .at(span, "descriptions stand before an item")
        .patch("make it a comment", Span::new(span.file, span.start, span.start + 3), "//")
}
