//! Regular expressions as the compiler carries them, and characters that stand for themselves in each engine.

use regex_syntax::ast::Ast;
use std::ops::Range;

/// A regular expression, found anywhere in a text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Regex {
    /// Without flags in front.
    pub pattern: String,
    /// Letters' case counts.
    pub cased: bool,
    /// `.` matches line breaks too.
    pub dot_all: bool,
    /// Parts of the pattern that have a name, in order: byte range and part. Printers may give them a name of their own.
    pub fragments: Vec<(Range<usize>, Fragment)>,
    /// Alternatives in the middle, to which others may be added.
    pub choice: Option<Choice>,
    /// It may match a short text without white space or separators, such as a filler, or no text at all.
    pub loose: bool,
    /// If it matches, one of these occurs too; empty: nothing is known.
    pub implied: Vec<Cheap>,
    /// What a person would look for in its place, in any case: one of these texts. Empty: nothing stands for it.
    pub plain: Vec<String>,
}

/// Alternatives within a pattern.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Choice {
    /// Where they stand.
    pub range: Range<usize>,
    /// Each of them.
    pub pieces: Vec<String>,
}

/// A part that many regular expressions of command lines share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fragment {
    /// The program, up to the first white space outside quotes. Stands first.
    Program,
    /// An argument begins: white space outside quotes, perhaps a quote. Stands first.
    Argument,
    /// White space outside quotes. Stands first.
    Gap,
    /// The first argument that is no switch begins, on systems where a path holds `/`. Stands first.
    Verb,
    /// A name ends.
    End,
    /// A folder's name ends.
    FolderEnd,
}

impl Fragment {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Fragment::Program => "Program",
            Fragment::Argument => "Argument",
            Fragment::Gap => "Gap",
            Fragment::Verb => "Verb",
            Fragment::End => "End",
            Fragment::FolderEnd => "FolderEnd",
        }
    }

    /// What it finds, in words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Fragment::Program => "skips the program",
            Fragment::Argument => "an argument begins",
            Fragment::Gap => "white space outside quotes",
            Fragment::Verb => "the first argument that is no switch begins",
            Fragment::End => "a name ends",
            Fragment::FolderEnd => "a folder's name ends",
        }
    }
}

/// A cheap test that a regular expression implies.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Cheap {
    /// This text occurs, and no letter or digit stands beside its ends.
    Term(String),
    /// This text occurs.
    Part(String),
}

impl Cheap {
    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Cheap::Term(t) | Cheap::Part(t) => t,
        }
    }
}

impl Regex {
    /// The flags that stand in front of the pattern.
    #[must_use]
    pub fn flags(&self) -> &'static str {
        match (self.cased, self.dot_all) {
            (true, false) => "",
            (true, true) => "(?s)",
            (false, false) => "(?i)",
            (false, true) => "(?is)",
        }
    }

    /// The pattern behind its flags.
    #[must_use]
    pub fn full(&self) -> String {
        format!("{}{}", self.flags(), self.pattern)
    }

    /// One expression for this one or another, if they differ in their alternatives only.
    #[must_use]
    pub fn or(&self, other: &Regex) -> Option<Regex> {
        let (mine, theirs) = (self.choice.as_ref()?, other.choice.as_ref()?);
        let around = |regex: &Regex, choice: &Choice| {
            let (before, behind) = (regex.pattern.get(..choice.range.start)?, regex.pattern.get(choice.range.end..)?);
            Some((before.to_owned(), behind.to_owned()))
        };
        let (before, behind) = around(self, mine)?;
        let alike = self.flags() == other.flags() && around(other, theirs)? == (before.clone(), behind.clone());
        if !alike {
            return None;
        }
        let mut pieces = mine.pieces.clone();
        pieces.extend(theirs.pieces.iter().filter(|p| !mine.pieces.contains(p)).cloned());
        let choice = alternatives(&pieces);
        let range = before.len()..before.len() + choice.len();
        let moved = |r: &Range<usize>| {
            if r.start < range.start {
                r.clone()
            } else {
                r.start - mine.range.end + range.end..r.end - mine.range.end + range.end
            }
        };
        let known = !self.implied.is_empty() && !other.implied.is_empty();
        let implied = self.implied.iter().chain(&other.implied).filter(|_| known).cloned().collect();
        Some(Regex {
            pattern: format!("{before}{choice}{behind}"),
            fragments: self.fragments.iter().map(|(r, f)| (moved(r), *f)).collect(),
            choice: Some(Choice { range, pieces }),
            loose: self.loose || other.loose,
            implied,
            plain: vec![],
            ..self.clone()
        })
    }

    /// The pattern as it is where letters' case counts.
    #[must_use]
    pub fn with_case(&self) -> String {
        format!("{}{}", if self.dot_all { "(?s)" } else { "" }, self.pattern)
    }
}

/// Escapes `text` so that it stands for itself in Rust's, RE2's, PCRE's and Python's syntax.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\\' | '.' | '+' | '*' | '?' | '(' | ')' | '|' | '[' | ']' | '{' | '}' | '^' | '$' => {
                out.push('\\');
                out.push(c);
            }
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ => out.push(c),
        }
    }
    out
}

/// Escapes characters for use inside a class.
#[must_use]
pub fn escape_class(text: impl IntoIterator<Item = char>) -> String {
    let mut out = String::new();
    for c in text {
        if matches!(c, '\\' | ']' | '[' | '^' | '-' | '&' | '~') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// One of these characters: itself, or a class. A hyphen leads, where every engine takes it for itself.
#[must_use]
pub fn one_of(chars: impl IntoIterator<Item = char>) -> String {
    let mut all: Vec<char> = vec![];
    for c in chars {
        if !all.contains(&c) {
            all.push(c);
        }
    }
    if let [one] = all.as_slice() {
        return escape(&one.to_string());
    }
    let (hyphen, others): (Vec<char>, Vec<char>) = all.into_iter().partition(|c| *c == '-');
    format!("[{}{}]", hyphen.iter().collect::<String>(), escape_class(others))
}

/// Several texts as one piece, in which what all of them begin or end with stands once, and letters are a class.
#[must_use]
pub fn one_of_texts<T: AsRef<str>>(texts: &[T]) -> String {
    let all: Vec<&str> = texts.iter().map(AsRef::as_ref).collect();
    let [first, others @ ..] = all.as_slice() else { return "(?:)".to_owned() };
    if others.is_empty() {
        return escape(first);
    }
    let same =
        |c: char, at: usize, from: &dyn Fn(&str, usize) -> Option<char>| others.iter().all(|o| from(o, at) == Some(c));
    let ahead = |t: &str, at: usize| t.chars().nth(at);
    let back = |t: &str, at: usize| t.chars().rev().nth(at);
    let prefix: String = first.chars().enumerate().take_while(|(i, c)| same(*c, *i, &ahead)).map(|(_, c)| c).collect();
    if !prefix.is_empty() {
        let rests: Vec<&str> = all.iter().filter_map(|t| t.strip_prefix(&prefix)).collect();
        let (none, some): (Vec<&str>, Vec<&str>) = rests.into_iter().partition(|r| r.is_empty());
        let rest = one_of_texts(&some);
        return format!("{}{}", escape(&prefix), if none.is_empty() { rest } else { optional(&rest) });
    }
    let suffix: Vec<char> =
        first.chars().rev().enumerate().take_while(|(i, c)| same(*c, *i, &back)).map(|(_, c)| c).collect();
    let suffix: String = suffix.into_iter().rev().collect();
    if !suffix.is_empty() && all.iter().all(|t| t.len() > suffix.len()) {
        let rests: Vec<&str> = all.iter().filter_map(|t| t.strip_suffix(&suffix)).collect();
        return format!("{}{}", one_of_texts(&rests), escape(&suffix));
    }
    let (letters, words): (Vec<&str>, Vec<&str>) = all.iter().partition(|t| t.chars().count() == 1 && t.is_ascii());
    let class = (!letters.is_empty()).then(|| one_of(letters.iter().filter_map(|n| n.chars().next())));
    let parts: Vec<String> = class.into_iter().chain(words.into_iter().map(escape)).collect();
    alternatives(&parts)
}

/// A piece that may be missing.
#[must_use]
pub fn optional(piece: &str) -> String {
    if piece.chars().count() == 1 || is_one_piece(piece) { format!("{piece}?") } else { format!("(?:{piece})?") }
}

/// Whether a piece is one escaped character, one class or one group.
fn is_one_piece(piece: &str) -> bool {
    use regex_syntax::ast::parse::Parser;
    matches!(
        Parser::new().parse(piece),
        Ok(Ast::Literal(_) | Ast::ClassBracketed(_) | Ast::ClassPerl(_) | Ast::Group(_))
    )
}

/// Several alternatives as one piece: `a`, or `(?:a|b)`.
#[must_use]
pub fn alternatives(parts: &[String]) -> String {
    match parts {
        [one] if !has_top_level_bar(one) => one.clone(),
        many => format!("(?:{})", many.iter().map(|part| ungrouped(part)).collect::<Vec<_>>().join("|")),
    }
}

/// A piece without the group around all of it: as an alternative, a group of alternatives is as many.
#[must_use]
pub fn ungrouped(piece: &str) -> &str {
    let inside = piece.strip_prefix("(?:").and_then(|p| p.strip_suffix(')'));
    // The bracket that was taken off at the end may belong to another group: then one inside closes what is not open.
    inside.filter(|inside| outside_classes(inside).all(|(_, depth)| depth >= 0)).unwrap_or(piece)
}

fn has_top_level_bar(pattern: &str) -> bool {
    outside_classes(pattern).any(|(c, depth)| c == '|' && depth == 0)
}

/// The characters of a pattern that are neither escaped nor in a class, each with how many groups are open behind it.
fn outside_classes(pattern: &str) -> impl Iterator<Item = (char, i32)> {
    let (mut depth, mut class, mut escaped) = (0, false, false);
    pattern.chars().filter_map(move |c| {
        if std::mem::take(&mut escaped) {
            return None;
        }
        match c {
            '\\' => escaped = true,
            '[' => class = true,
            ']' => class = false,
            '(' if !class => depth += 1,
            ')' if !class => depth -= 1,
            _ => {}
        }
        (!escaped && !class).then_some((c, depth))
    })
}
