//! Stage 4, second half: query languages. Each backend lowers a [`Plan`] to its own syntax tree and
//! prints that tree; parentheses and escaping live in its printer and nowhere else.

pub mod kql;
pub mod sigma;
pub mod spl;

mod rank;

use crate::sema::Rule;
use crate::target::{Language, Note, Plan, Unsupported};

/// A printed query with what is to be said about it.
#[derive(Clone, Debug)]
pub struct Printed {
    /// The parts of the document, by name, for the template.
    pub fragments: Vec<(&'static str, Fragment)>,
    /// Remarks of the plan and of the language.
    pub notes: Vec<Note>,
}

/// What templates may print: text made by a printer, or a list or record of such.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fragment {
    /// Text as it goes into the document.
    Text(String),
    /// Several.
    List(Vec<Fragment>),
    /// By name.
    Record(Vec<(&'static str, Fragment)>),
}

/// Prints a rule in its target's language.
///
/// # Errors
/// What the language cannot say.
pub fn print(rule: &Rule, plan: &Plan) -> Result<Printed, Vec<Unsupported>> {
    match plan.target.language {
        Language::Kql => kql::print(rule, plan),
        Language::Spl => spl::print(rule, plan),
        Language::Sigma => sigma::print(rule, plan),
    }
}

/// One line about an exception, for a comment.
#[must_use]
pub fn exception_line(rule: &Rule, index: usize) -> String {
    let Some(exception) = rule.exceptions.get(index) else { return String::new() };
    let until = exception.until.as_ref().map_or_else(String::new, |u| format!(" (until {u})"));
    one_line(&format!("except \"{}\": {}{until}", exception.title, exception.because))
}

/// Text on one line.
#[must_use]
pub fn one_line(text: &str) -> String {
    text.split(['\n', '\r']).map(str::trim).filter(|l| !l.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Titles of the exceptions that a query applies, for its result.
#[must_use]
pub fn exception_titles(rule: &Rule, plan: &Plan) -> Vec<String> {
    let mut indexes: Vec<usize> = plan.queries.iter().flat_map(|q| q.exceptions.iter().map(|(i, _)| *i)).collect();
    indexes.sort_unstable();
    indexes.dedup();
    indexes.into_iter().filter_map(|i| rule.exceptions.get(i)).map(|e| one_line(&e.title)).collect()
}
