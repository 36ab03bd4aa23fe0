//! Regular expressions as the compiler carries them, and characters that stand for themselves in each engine.

use crate::mutant::{Mutant, on};

/// A regular expression, found anywhere in a text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Regex {
    /// Without `(?i)` in front.
    pub pattern: String,
    /// Letters' case counts.
    pub cased: bool,
    /// It may match a short text without white space or separators, such as a filler, or no text at all.
    pub loose: bool,
    /// If it matches, one of these occurs too; empty: nothing is known.
    pub implied: Vec<Cheap>,
}

/// A cheap test that a regular expression implies.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Cheap {
    /// This text occurs, and no letter or digit stands beside its ends.
    Term(String),
    /// This text occurs.
    Part(String),
    /// The whole text begins so.
    Start(String),
}

impl Cheap {
    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Cheap::Term(t) | Cheap::Part(t) | Cheap::Start(t) => t,
        }
    }
}

impl Regex {
    /// With `(?i)` in front unless it is exact.
    #[must_use]
    pub fn full(&self) -> String {
        if self.cased { self.pattern.clone() } else { format!("(?i){}", self.pattern) }
    }
}

/// Escapes `text` so that it stands for itself in Rust's, RE2's, PCRE's and Python's syntax.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '.' if on(Mutant::EscapeDot) => out.push(c),
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

/// Several alternatives as one piece: `a`, or `(?:a|b)`.
#[must_use]
pub fn alternatives(parts: &[String]) -> String {
    match parts {
        [one] if !has_top_level_bar(one) => one.clone(),
        many => format!("(?:{})", many.join("|")),
    }
}

fn has_top_level_bar(pattern: &str) -> bool {
    let (mut depth, mut class) = (0_usize, false);
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                chars.next();
            }
            '[' => class = true,
            ']' => class = false,
            '(' if !class => depth += 1,
            ')' if !class => depth = depth.saturating_sub(1),
            '|' if !class && depth == 0 => return true,
            _ => {}
        }
    }
    false
}
