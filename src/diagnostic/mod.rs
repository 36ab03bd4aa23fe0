//! Everything the compiler has to say about a source: one type, one table of codes, one renderer per format.
//!
//! A [`Diagnostic`] has a stable [`Code`], a one-line message with names in backticks, a primary label that says
//! what is wrong, secondary labels that say why, and help that carries a patch where one is safe.

mod codes;
mod github;
mod json;
pub mod junit;
mod sarif;
mod text;
mod unclean;

pub use codes::{Code, Severity};
pub use github::to_github;
pub(crate) use json::place as place_as_json;
pub use json::to_json;
pub use sarif::to_sarif;
pub use text::{Style, to_text};

use crate::escape;
use crate::source::{Sources, Span};
use std::borrow::Cow;

/// A place with what is to be said about it.
#[derive(Clone, Debug)]
pub struct Label {
    /// Where.
    pub span: Span,
    /// What.
    pub text: String,
    /// The place the message is about.
    pub primary: bool,
}

/// A cure, with the text that would replace a span where that is safe.
#[derive(Clone, Debug)]
pub struct Help {
    /// What to do.
    pub text: String,
    /// Replace this span with this text.
    pub patch: Option<(Span, String)>,
}

/// One finding.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    /// Its code.
    pub code: Code,
    /// One line.
    pub message: String,
    /// Places; the first primary one is where the finding is.
    pub labels: Vec<Label>,
    /// Facts that help to understand it.
    pub notes: Vec<String>,
    /// Cures.
    pub help: Vec<Help>,
}

impl Diagnostic {
    /// A finding without a place yet.
    #[must_use]
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: short(message.into()), labels: Vec::new(), notes: Vec::new(), help: Vec::new() }
    }

    /// Adds the place the message is about.
    #[must_use]
    pub fn at(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: short(text.into()), primary: true });
        self
    }

    /// Adds a place that says why.
    #[must_use]
    pub fn also(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: short(text.into()), primary: false });
        self
    }

    /// Adds a fact.
    #[must_use]
    pub fn note(mut self, text: impl Into<String>) -> Self {
        self.notes.push(short(text.into()));
        self
    }

    /// Adds a fact of several lines, each of which is cut by itself.
    #[must_use]
    pub fn lines(mut self, lines: impl IntoIterator<Item = String>) -> Self {
        self.notes.push(lines.into_iter().map(short).collect::<Vec<_>>().join("\n"));
        self
    }

    /// Adds a cure in words.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help.push(Help { text: short(text.into()), patch: None });
        self
    }

    /// Adds a cure that can be applied as it stands. A very long replacement is left out: nobody would read it.
    #[must_use]
    pub fn patch(mut self, text: impl Into<String>, span: Span, replacement: impl Into<String>) -> Self {
        let replacement = replacement.into();
        let patch = (replacement.len() <= LONG_PATCH).then_some((span, replacement));
        self.help.push(Help { text: short(text.into()), patch });
        self
    }

    /// Adds `did you mean` if one of `candidates` is close to `word`.
    #[must_use]
    pub fn did_you_mean<'a>(self, word: &str, span: Span, candidates: impl IntoIterator<Item = &'a str>) -> Self {
        match nearest(word, candidates) {
            Some(best) => self.patch(format!("did you mean `{best}`?"), span, best),
            None => self,
        }
    }

    /// Where the finding is.
    #[must_use]
    pub fn span(&self) -> Option<Span> {
        self.labels.iter().find(|l| l.primary).or_else(|| self.labels.first()).map(|l| l.span)
    }

    /// How grave it is.
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.code.severity()
    }

    /// Whether it stops the build.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity() == Severity::Error
    }
}

/// Names in messages are cut to this many characters.
const LONG_NAME: usize = 60;
/// Messages, labels, notes and helps are cut to this many characters.
const LONG_TEXT: usize = 400;
/// Replacements longer than this many bytes are not shown.
const LONG_PATCH: usize = 1000;

/// Cuts what a source put into a message, so that no source can flood or disturb a terminal: long names in backticks,
/// then the whole, and control characters become escapes.
fn short(text: String) -> String {
    if text.len() <= LONG_NAME && matches!(escape::line(&text), Cow::Borrowed(_)) {
        return text;
    }
    let mut out = String::with_capacity(text.len().min(LONG_TEXT * 4));
    let mut written = 0;
    for (i, part) in text.split('`').enumerate() {
        out.push_str(if i == 0 { "" } else { "`" });
        let room = if i % 2 == 1 { LONG_NAME } else { LONG_TEXT };
        let mut chars = part.chars();
        let head: String = chars.by_ref().take(room).collect();
        out.push_str(&escape::line(&head));
        written += room.min(head.len());
        if chars.next().is_some() {
            out.push('…');
        }
        if written > LONG_TEXT {
            out.push('…');
            break;
        }
    }
    out
}

/// Words longer than this are nobody's misspelling.
const LONG_WORD: usize = 64;

/// The candidate that is closest to `word`, if it is close enough to be what was meant. Letters' case is no
/// difference; ties go to the first candidate.
#[must_use]
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let mut budget = usize::MAX;
    nearest_within(word, candidates, &mut budget)
}

/// Like [`nearest`], as long as `budget` lasts: looking at a candidate costs 1, comparing it 20. A run over many wrong
/// names among many good ones stays linear that way.
pub(crate) fn nearest_within<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
    budget: &mut usize,
) -> Option<&'a str> {
    let length = word.chars().take(LONG_WORD + 1).count();
    let limit = match length {
        0..=2 => 0,
        3..=5 => 1,
        6..=9 => 2,
        10..=LONG_WORD => 3,
        _ => return None,
    };
    let lower = word.to_lowercase();
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        *budget = budget.checked_sub(1)?;
        if candidate.chars().take(length + limit + 1).count().abs_diff(length) > limit || candidate == word {
            continue;
        }
        *budget = budget.checked_sub(20)?;
        let distance = strsim::damerau_levenshtein(&lower, &candidate.to_lowercase());
        if distance <= limit && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// Sorts findings by file, place and code, and drops exact repeats, so that a run prints them in the same order always.
pub fn sort(diagnostics: &mut Vec<Diagnostic>) {
    diagnostics.sort_by_cached_key(|d| (d.span(), d.code.id(), d.message.clone()));
    diagnostics.dedup_by(|a, b| a.span() == b.span() && a.code == b.code && a.message == b.message);
}

/// How many errors and warnings there are.
#[must_use]
pub fn count(diagnostics: &[Diagnostic]) -> (usize, usize) {
    let errors = diagnostics.iter().filter(|d| d.is_error()).count();
    (errors, diagnostics.len() - errors)
}

/// `name:line:column` of a diagnostic, empty if it has no place.
#[must_use]
pub fn place(diagnostic: &Diagnostic, sources: &Sources) -> String {
    diagnostic.span().map(|s| sources.place(s)).unwrap_or_default()
}
