//! A strict reader and evaluator for the part of Splunk's SPL that this project prints.
//!
//! No package checks SPL, so the tests carry their own judge. It is written from Splunk's documented rules (Search
//! Reference and Search Manual) and shares nothing with the compiler. Two principles:
//!
//! * **Everything unknown is an error.** A command, option, function or spelling that is not listed here is refused, and
//!   so is what Splunk accepts but a careful author would not write: mixed `AND` and `OR` without parentheses, `sort`
//!   without `0`, a search word that is really a lower-case operator.
//! * **Where the documentation is silent, no guess.** If a result would hinge on an undocumented rule (what `NOT` makes of
//!   a null, say), [`Query::run`] answers [`Kind::Undocumented`] instead of a row, so that a query which leans on such a
//!   rule shows up in a test.
//!
//! | part | what it holds |
//! |---|---|
//! | `lex` | comments, pipes, quotes: what all commands share |
//! | `search`, `term`, `matching`, `words` | the language of `search`, its meaning, the segmentation behind bare words |
//! | `token`, `expr`, `eval`, `function`, `value`, `calc`, `call`, `text` | the language of `eval` and `where`, and its meaning |
//! | `pattern` | regular expressions: the subset that PCRE and Rust read alike |
//! | `command`, `arguments`, `tstats`, `aggregate` | the commands |
//! | `run`, `rows`, `stream` | what the commands do to rows |
//! | `macros` | textual expansion |

mod aggregate;
mod arguments;
mod calc;
mod call;
mod command;
mod eval;
mod expr;
mod function;
mod lex;
mod macros;
mod matching;
mod pattern;
mod rows;
mod run;
mod search;
mod stream;
mod term;
#[cfg(test)]
mod tests;
mod text;
mod token;
mod tstats;
mod value;
mod words;

use std::fmt;

pub use macros::Macros;

/// One event or result: a missing field is an absent key, a multivalue field is an array of strings or numbers.
pub type Row = serde_json::Map<String, serde_json::Value>;

/// Why a query was refused or could not be evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Splunk would not read it, or reads it as something else than it looks.
    Syntax,
    /// Splunk reads it; this project's rules for printed queries forbid it.
    Style,
    /// A command or directive that the project never prints.
    Refused,
    /// A macro without a definition, or one that does not expand.
    Macro,
    /// The result would hinge on something Splunk does not document.
    Undocumented,
    /// Read, but outside what the evaluator can compute (lookups, the clock).
    Unsupported,
}

/// A refusal, with the byte where it happened. While running a query with macros, the byte counts in the expanded text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SplError {
    /// Byte offset in the query.
    pub at: usize,
    /// What sort of refusal.
    pub kind: Kind,
    /// For people.
    pub message: String,
}

impl SplError {
    fn new(at: usize, kind: Kind, message: impl Into<String>) -> Self {
        Self { at, kind, message: message.into() }
    }

    fn syntax(at: usize, message: impl Into<String>) -> Self {
        Self::new(at, Kind::Syntax, message)
    }

    fn style(at: usize, message: impl Into<String>) -> Self {
        Self::new(at, Kind::Style, message)
    }

    fn undocumented(at: usize, message: impl Into<String>) -> Self {
        Self::new(at, Kind::Undocumented, message)
    }

    fn unsupported(at: usize, message: impl Into<String>) -> Self {
        Self::new(at, Kind::Unsupported, message)
    }
}

impl fmt::Display for SplError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} at byte {}: {}", self.kind, self.at, self.message)
    }
}

impl std::error::Error for SplError {}

/// Short for the results of this module.
type Result<T> = std::result::Result<T, SplError>;

/// A query that was read to the last byte.
#[derive(Debug, Clone)]
pub struct Query {
    text: String,
    commands: Vec<command::Command>,
    /// The macros it calls, as written between the backticks, in order of appearance, each once.
    pub macros: Vec<String>,
}

/// Reads a whole query, strictly.
///
/// Macros need no definition here; they are listed in [`Query::macros`].
pub fn read(query: &str) -> Result<Query> {
    read_as(query, search::Place::Search)
}

/// Reads a query that another program printed: its searches may mix AND with OR, and mean what Splunk makes of that.
#[allow(dead_code, reason = "the validation alone runs what converters print")]
pub fn read_foreign(query: &str) -> Result<Query> {
    read_as(query, search::Place::Foreign)
}

fn read_as(query: &str, place: search::Place) -> Result<Query> {
    let clean = lex::clean(query)?;
    let macros = macros::calls(&clean)?;
    let commands = command::pipeline(&clean, place)?;
    Ok(Query { text: clean, commands, macros })
}

impl Query {
    /// Runs the query over `rows`, oldest or newest first as given, after expanding `macros` as text.
    pub fn run(&self, rows: &[Row], macros: &Macros) -> Result<Vec<Row>> {
        if self.macros.is_empty() {
            return run::pipeline(&self.commands, rows);
        }
        let expanded = read(&macros.expand(&self.text)?)?;
        run::pipeline(&expanded.commands, rows)
    }

    /// The columns of the last `table` command, in order; empty where the query has none.
    pub fn columns(&self) -> Vec<String> {
        let last = self.commands.iter().rev().find_map(|command| match &command.what {
            command::What::Table(names) => Some(names.clone()),
            _ => None,
        });
        last.unwrap_or_default()
    }
}
