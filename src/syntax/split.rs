//! Stage 1, first half: a file is cut into top-level items by a small scan that knows only brackets, strings and
//! comments.
//!
//! Guarantees: one item's mistake stays in that item, nothing nests deeper than [`MAX_DEPTH`] when the grammar
//! sees it, every comment is kept with its place, and the work is linear in the file's length.

use super::expected::not_an_item;
use crate::diagnostic::{Code, Diagnostic};
use crate::source::{FileId, Span};

/// How deep brackets may nest, and conditions with their `let`s put in. The examples need 5.
pub const MAX_DEPTH: usize = 64;

/// The words that begin a top-level item.
pub const ITEM_WORDS: [&str; 9] = ["utility", "exception", "rule", "tune", "group", "list", "param", "let", "extend"];

/// The words that are never names.
pub const RESERVED: [&str; 30] = [
    "and",
    "or",
    "not",
    "where",
    "is",
    "in",
    "any",
    "all",
    "cased",
    "contains",
    "starts",
    "ends",
    "within",
    "without",
    "with",
    "like",
    "matches",
    "under",
    "exists",
    "cidr",
    "runs",
    "renamed",
    "relocated",
    "resembles",
    "to",
    "when",
    "available",
    "by",
    "of",
    "optional",
];

/// The keys of metadata, in the order of the language's reference and of `fmt`.
pub const META_KEYS: [&str; 19] = [
    "title",
    "id",
    "level",
    "status",
    "os",
    "attack",
    "author",
    "license",
    "date",
    "modified",
    "references",
    "related",
    "tags",
    "false_positives",
    "triage",
    "show",
    "entities",
    "schedule",
    "throttle",
];

/// The keys of a utility's entries.
pub const UTILITY_KEYS: [&str; 9] =
    ["os", "image", "original", "home", "prefixes", "cased", "values", "verb", "switch"];

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
    /// Its brackets have partners, so its entries can be told apart though it is broken.
    pub balanced: bool,
    /// Where findings about its texts were made.
    pub reported: Vec<usize>,
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
                let length = rest.get(..length).map_or(length, |line| line.trim_end_matches([' ', '\t', '\r']).len());
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
            '\\' if escapes && rest.get(i + 1..).is_some_and(|r| !r.starts_with('\n')) => {
                chars.next();
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
    let mut scan = Scan {
        file,
        text,
        out: Split::default(),
        open: vec![],
        docs: vec![],
        misplaced: vec![],
        too_deep: false,
        line: (0, 0),
        done: true,
    };
    let all: Vec<_> = tokens(text).collect();
    for (i, &(token, start, end)) in all.iter().enumerate() {
        match scan.begins_item(token, start, end, all.get(i + 1..).unwrap_or(&[])) {
            Begins::Nothing => {}
            Begins::Item => {
                scan.close_item();
                scan.open_item(start, true);
            }
            Begins::Unknown => {
                scan.close_item();
                scan.open_item(start, false);
                scan.report(not_an_item(text, Span::new(file, start, end)));
            }
        }
        scan.take(token, start, end);
    }
    scan.close_item();
    scan.stray_docs();
    scan.out
}

/// What a token begins at the top of a file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Begins {
    Nothing,
    Item,
    /// An item by its look, and its keyword is none.
    Unknown,
}

struct Scan<'a> {
    file: FileId,
    text: &'a str,
    out: Split,
    open: Vec<(u8, usize)>,
    /// `///` lines that wait for their item.
    docs: Vec<(usize, usize)>,
    /// `///` lines in a row that describe nothing.
    misplaced: Vec<(usize, usize)>,
    too_deep: bool,
    /// The last token, and how many brackets were open where its line begins.
    line: (usize, usize),
    /// No item has begun, or the last one's closing brace has come.
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
    /// even inside of them, since that is what a forgotten bracket looks like. At the first column outside brackets
    /// nothing else can be meant, so there a keyword needs no name, and `lst names = …` needs no keyword.
    fn begins_item(&self, token: Token, start: usize, end: usize, rest: &[(Token, usize, usize)]) -> Begins {
        let outside = self.open.is_empty();
        let at_line_start = self.at_line_start(start);
        let word = self.text(start, end);
        if token != Token::Word || !(outside || at_line_start) || (start > 0 && self.text(start - 1, start) == ".") {
            return Begins::Nothing;
        }
        // `group list = …` names a group; it does not begin a list.
        let names_an_item = self.out.chunks.last().is_some_and(|c| {
            !c.broken && ITEM_WORDS.contains(&self.text(c.start, c.end)) && c.end <= start && c.start < start
        });
        if names_an_item {
            return Begins::Nothing;
        }
        let mut following = rest.iter().filter(|(t, ..)| !matches!(t, Token::Comment | Token::Doc));
        let named = following.next().is_some_and(|&(t, s, e)| {
            let word = self.text(s, e);
            t == Token::Word && !RESERVED.contains(&word) && !word.starts_with(|c: char| c.is_ascii_digit())
        });
        if ITEM_WORDS.contains(&word) {
            return if named || outside && at_line_start { Begins::Item } else { Begins::Nothing };
        }
        let looks = following.next().is_some_and(|&(t, s, e)| {
            matches!(t, Token::Open(b'{') | Token::Text(_)) || t == Token::Other && self.text(s, e) == "="
        });
        match outside && at_line_start && !RESERVED.contains(&word) && named && looks {
            true => Begins::Unknown,
            false => Begins::Nothing,
        }
    }

    fn open_item(&mut self, start: usize, known: bool) {
        let docs = std::mem::take(&mut self.docs);
        let doc_start = docs.first().map_or(start, |(s, _)| *s);
        let line = |(s, e): &(usize, usize)| {
            let line = self.text(*s, *e).trim_start_matches('/');
            line.strip_prefix(' ').unwrap_or(line).to_owned()
        };
        let docs = docs.iter().map(line).collect();
        let chunk = Chunk { start, end: start, doc_start, docs, broken: !known, balanced: known, reported: vec![] };
        self.out.chunks.push(chunk);
        self.too_deep = false;
        self.done = false;
    }

    fn close_item(&mut self) {
        self.flush_misplaced();
        if let Some(&(bracket, at)) = self.open.last() {
            if !self.swallowed(at) && !self.too_deep {
                let bracket = char::from(bracket);
                self.report(
                    Diagnostic::new(Code::UnclosedBracket, format!("this `{bracket}` is never closed"))
                        .at(self.span(at, at + 1), "opened here"),
                );
            }
            self.break_item(false);
        }
        self.open.clear();
    }

    /// Whether a text without closing quote stands behind a bracket: it may have swallowed the partner.
    fn swallowed(&self, bracket: usize) -> bool {
        self.out.chunks.last().and_then(|c| c.reported.last()).is_some_and(|text| *text > bracket)
    }

    fn break_item(&mut self, balanced: bool) {
        if let Some(chunk) = self.out.chunks.last_mut() {
            chunk.broken = true;
            chunk.balanced &= balanced;
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
            Token::Doc if self.open.is_empty() => return self.docs.push((start, end)),
            Token::Doc => return self.misplaced.push((start, end)),
            _ => {}
        }
        if self.done {
            if let Token::Close(bracket) = token {
                return self.closes_nothing(bracket, start, end);
            }
            self.open_item(start, false);
            self.report(not_an_item(self.text, self.span(start, end)));
        }
        // A line before this token described an item that had begun already.
        self.misplaced.append(&mut self.docs);
        self.flush_misplaced();
        if let Some(chunk) = self.out.chunks.last_mut() {
            chunk.end = end;
        }
        if self.text.get(self.line.0..start).is_none_or(|between| between.contains('\n')) {
            self.line.1 = self.open.len();
        }
        self.line.0 = start;
        match token {
            Token::Text(false) => self.take_unterminated(start),
            Token::Open(bracket) => {
                self.open.push((bracket, start));
                if self.open.len() > MAX_DEPTH && !self.too_deep {
                    self.too_deep = true;
                    self.report(
                        Diagnostic::new(Code::TooDeep, format!("brackets nest deeper than {MAX_DEPTH}"))
                            .at(self.span(start, end), "one too many")
                            .help("name a part of the condition with `let`"),
                    );
                    self.break_item(false);
                }
            }
            Token::Close(bracket) => self.take_close(bracket, start, end),
            _ => {}
        }
    }

    fn take_unterminated(&mut self, start: usize) {
        let double = self.text(start, start + 1) == "\"";
        let diagnostic = Diagnostic::new(Code::UnterminatedText, "this text has no closing quote on its line")
            .at(self.span(start, start + 1), "opened here");
        self.report(match double {
            true => diagnostic.help("close it on the same line; a line break inside is written `\\n`"),
            false => diagnostic.help("close it on the same line; a quote inside is written twice"),
        });
        self.break_item(true);
        if let Some(chunk) = self.out.chunks.last_mut() {
            chunk.reported.push(start);
        }
        // It took the rest of its line, and with it the partners of the brackets that the line opened.
        self.open.truncate(self.line.1);
    }

    fn take_close(&mut self, bracket: u8, start: usize, end: usize) {
        let wanted = match bracket {
            b')' => b'(',
            b']' => b'[',
            _ => b'{',
        };
        let Some(&(open, at)) = self.open.last() else {
            if !self.out.chunks.last().is_some_and(|c| c.broken) {
                self.closes_nothing(bracket, start, end);
            }
            return self.break_item(false);
        };
        if open == wanted {
            self.open.pop();
            self.done = wanted == b'{' && self.open.is_empty();
            return;
        }
        let (open, close) = (char::from(open), char::from(bracket));
        let partner = self.open.iter().rposition(|(b, _)| *b == wanted);
        if !self.swallowed(at) && !self.too_deep {
            self.report(match partner {
                Some(_) => Diagnostic::new(Code::UnclosedBracket, format!("this `{open}` is never closed"))
                    .at(self.span(at, at + 1), "opened here")
                    .also(self.span(start, end), format!("this `{close}` closes what is around it")),
                None => Diagnostic::new(Code::UnclosedBracket, format!("`{open}` is closed by `{close}`"))
                    .at(self.span(start, end), "this closes another kind of bracket")
                    .also(self.span(at, at + 1), "opened here"),
            });
        }
        self.break_item(self.swallowed(at) && partner.is_some());
        // Take the nearest bracket that fits as closed, so that one slip is one finding.
        self.open.truncate(partner.unwrap_or(self.open.len() - 1));
        self.done = wanted == b'{' && self.open.is_empty();
    }

    fn closes_nothing(&mut self, bracket: u8, start: usize, end: usize) {
        let bracket = char::from(bracket);
        self.report(
            Diagnostic::new(Code::UnclosedBracket, format!("unmatched `{bracket}`"))
                .at(self.span(start, end), "no bracket is open here"),
        );
    }

    /// Reports lines in a row once: the patch makes comments of all of them.
    fn flush_misplaced(&mut self) {
        let lines = std::mem::take(&mut self.misplaced);
        let (Some(&(start, end)), Some(&(_, last))) = (lines.first(), lines.last()) else { return };
        let diagnostic = Diagnostic::new(Code::MisplacedDoc, "this `///` describes nothing")
            .at(self.span(start, end), "a description comes before an item");
        let text = if lines.len() == 1 { "make it a comment" } else { "make these lines comments" };
        let slashes = self.span(start, start + 3);
        let patched = self.text(start, last).replace("///", "//");
        self.report(match lines.len() {
            1 => diagnostic.patch(text, slashes, "//"),
            _ => diagnostic.patch(text, self.span(start, last), patched),
        });
    }

    fn stray_docs(&mut self) {
        self.misplaced = std::mem::take(&mut self.docs);
        self.flush_misplaced();
    }
}
