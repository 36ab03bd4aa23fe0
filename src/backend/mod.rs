//! Stage 4, second half: query languages. Each backend lowers a plan to its own syntax tree and
//! prints that tree; parentheses and escaping live in its printer and nowhere else.

pub mod kql;
pub mod sigma;
pub mod spl;
pub(crate) mod yaml;

mod known;
mod output;
mod rank;
#[cfg(not(feature = "mutants"))]
mod stage;
#[cfg(feature = "mutants")]
pub mod stage;

pub use output::{Output, Shown, Shows, Sources};

use crate::duration;
use crate::escape::is_unclean;
use crate::ir::Meaning;
use crate::sema::{Project, Rule};
use crate::source::Span;
use crate::target::temporal::{bind_count, bind_steps};
use crate::target::{Language, Note, Target, Unsupported, bind};
use std::collections::BTreeSet;

/// A printed query with what is to be said about it.
#[derive(Clone, Debug, Default)]
pub struct Printed {
    /// The parts of the document, by name, for the template.
    pub fragments: Vec<(&'static str, Fragment)>,
    /// Remarks of the plan and of the language.
    pub notes: Vec<Note>,
    /// The columns of the query's result, in order; none in Sigma.
    pub columns: Vec<Output>,
    /// The log sources that it reads.
    pub sources: Sources,
    /// How many seconds before an event, and the run that finds it, other events of its match may lie.
    pub reach: u64,
    /// KQL: no cheap filter leads, so the query asks dear conditions of every event of a table.
    pub reads_all: bool,
}

/// What templates may print: text made by a printer, or a list or record of such.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fragment {
    /// Text as it goes into the document.
    Text(String),
    /// Several.
    List(Vec<Fragment>),
    /// By name.
    Record(Vec<(String, Fragment)>),
}

impl Fragment {
    /// Several by name.
    #[must_use]
    pub fn record(fields: Vec<(&str, Fragment)>) -> Fragment {
        Fragment::Record(fields.into_iter().map(|(name, fragment)| (name.to_owned(), fragment)).collect())
    }
}

/// Prints a rule in its target's language.
///
/// # Errors
/// What the target or its language cannot say.
pub fn print(rule: &Rule, project: &Project, target: &Target) -> Result<Printed, Vec<Unsupported>> {
    let meaning = rule.meaning(project, &rule.meta.os);
    let (within, reach) = reach(rule, &meaning);
    // Correlations run as events come in; a query runs on a schedule.
    if target.language != Language::Sigma {
        lookback(rule, within, reach, target)?;
    }
    let mut printed = match (&meaning, target.language) {
        (Meaning::Single(_), language) => {
            let mut plan = bind(rule, project, target)?;
            stage::plan(&mut plan);
            match language {
                Language::Kql => kql::print(rule, &plan)?,
                Language::Spl => spl::print(rule, &plan)?,
                Language::Sigma => sigma::print(rule, &plan)?,
            }
        }
        (Meaning::Steps(steps), Language::Kql) => kql::steps(rule, steps, &bind_steps(rule, steps, project, target)?)?,
        (Meaning::Count(count), Language::Kql) => kql::count(rule, count, &bind_count(rule, count, project, target)?)?,
        (Meaning::Steps(steps), Language::Spl) => spl::steps(rule, steps, &bind_steps(rule, steps, project, target)?)?,
        (Meaning::Count(count), Language::Spl) => spl::count(rule, count, &bind_count(rule, count, project, target)?)?,
        (Meaning::Steps(steps), Language::Sigma) => sigma::temporal::steps(rule, steps, project, target)?,
        (Meaning::Count(count), Language::Sigma) => sigma::temporal::count(rule, count, project, target)?,
    };
    stage::printed(&mut printed);
    let notes = printed.notes.iter().cloned().chain(unseen(&printed.fragments)).collect();
    Ok(Printed { reach, notes, ..printed })
}

/// The note about characters that nobody sees and that the language has no escape for: the query holds them raw.
fn unseen(fragments: &[(&'static str, Fragment)]) -> Option<Note> {
    let mut found = BTreeSet::new();
    fragments.iter().for_each(|(_, fragment)| find_unseen(fragment, &mut found));
    let numbers: Vec<String> = found.into_iter().map(|c| format!("U+{:04X}", u32::from(c))).collect();
    (!numbers.is_empty()).then(|| Note {
        text: format!("The query holds {}, which nobody sees: copy it from its file.", numbers.join(", ")),
        degraded: false,
    })
}

fn find_unseen(fragment: &Fragment, found: &mut BTreeSet<char>) {
    match fragment {
        Fragment::Text(text) => found.extend(text.chars().filter(|c| is_unclean(*c))),
        Fragment::List(all) => all.iter().for_each(|f| find_unseen(f, found)),
        Fragment::Record(all) => all.iter().for_each(|(_, f)| find_unseen(f, found)),
    }
}

/// Why a flag cannot be a column: the query returns one of this name already.
fn hides(rule: &Rule, flag: &str) -> Unsupported {
    Unsupported::new(rule.span, format!("has a column `{flag}` already, which the flag would hide"))
}

/// How many seconds back a match may begin before the event that completes it, and where that is written.
fn reach(rule: &Rule, meaning: &Meaning) -> (Span, u64) {
    let (within, windows) = match meaning {
        Meaning::Single(_) => return (rule.detect_span, 0),
        Meaning::Steps(steps) => (steps.within, 1),
        // Whether a burst began earlier shows in the window before the window.
        Meaning::Count(count) => (count.within, 2),
    };
    (within.span, u64::try_from(within.micros).unwrap_or(0).div_ceil(1_000_000).saturating_mul(windows))
}

/// A scheduled query must see its frequency and its reach, or it loses matches between two runs.
fn lookback(rule: &Rule, span: Span, reach: u64, target: &Target) -> Result<(), Vec<Unsupported>> {
    if reach == 0 {
        return Ok(());
    }
    let every = rule.meta.schedule.map(|s| s.every);
    let needed = every.unwrap_or(0).saturating_add(reach);
    match target.farthest(every) {
        Some(most) if needed > most => {
            let how = if every.is_some() { " at this frequency" } else { "" };
            let why = format!(
                "looks back {} at most{how}, and this rule needs {}",
                duration::written(most),
                duration::written(needed)
            );
            Err(vec![Unsupported::new(span, why)])
        }
        _ => Ok(()),
    }
}

/// One line about an exception, for a comment.
#[must_use]
pub fn exception_line(rule: &Rule, index: usize) -> String {
    let Some(exception) = rule.exceptions.get(index) else { return String::new() };
    let until = exception.until.as_ref().map_or_else(String::new, |u| format!(" (until {u})"));
    format!("except \"{}\": {}{until}", one_line(&exception.title), one_line(&exception.because))
}

/// Text on one line: what any of the languages and documents takes for the end of one, and other characters that steer a
/// terminal, become blanks.
#[must_use]
pub fn one_line(text: &str) -> String {
    text.split(|c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}'))
        .map(str::trim)
        .filter(|l| !l.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// A word with a capital letter.
#[must_use]
pub fn capital(word: &str) -> String {
    format!("{}{}", word.get(..1).unwrap_or("").to_uppercase(), word.get(1..).unwrap_or(""))
}
