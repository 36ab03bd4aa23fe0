//! SPL for Splunk, as raw searches behind macros or as `tstats` on data models.
//!
//! Two expression types that never mix: `Search`, which ignores case, knows wildcards and takes a missing field
//! for false; and `Eval`, which is exact, and before which every field that it reads is filled, because what
//! Splunk makes of a missing one under NOT is documented nowhere.

pub mod alert;
pub(crate) mod ast;
mod eval;
mod lower;
mod parts;
mod print;
mod search;
mod share;
mod temporal;

use super::output::sources_of;
use super::{Fragment, Printed};
use crate::backend::stage;
use crate::sema::Rule;
use crate::target::{Note, Plan, Target, Unsupported};
pub use temporal::{count, steps};

/// Prints a rule as SPL.
///
/// # Errors
/// What the language cannot say.
pub fn print(rule: &Rule, plan: &Plan) -> Result<Printed, Vec<Unsupported>> {
    let columns = lower::outputs(plan);
    let query = lower::query(rule, plan, &columns)?;
    let mut notes = plan.notes.clone();
    notes.extend(macro_notes(&query, plan.target));
    let fragments = fragments(query, plan.target);
    Ok(Printed { fragments, notes, columns, sources: sources_of(plan), ..Printed::default() })
}

/// The query that documents hold, and, where it reads data models, the one with the macros of Splunk's own content.
fn fragments(mut query: ast::Query, target: &Target) -> Vec<(&'static str, Fragment)> {
    stage::spl(&mut query);
    let own = print::query(&query, print::Macros::Own(target.summaries.as_deref()));
    let mut out = vec![("query", Fragment::Text(own))];
    if reads_models(&query) {
        out.push((CONTENT_QUERY, Fragment::Text(print::query(&query, print::Macros::Content))));
    }
    out
}

/// Macros of Splunk's own content: how `tstats` uses summaries and fills what is missing; fields without their dataset; a time
/// written out.
pub const CONTENT_MACROS: [&str; 3] = ["security_content_summariesonly", "drop_dm_object_name", alert::CTIME];

/// The fragment with the macros of Splunk's own content.
pub const CONTENT_QUERY: &str = "content_query";

fn reads_models(query: &ast::Query) -> bool {
    !matches!(query.base, ast::Base::Search(_))
}

/// What each macro of a query stands for.
fn macro_notes(query: &ast::Query, target: &Target) -> Vec<Note> {
    let summaries = target.summaries.iter().filter(|_| reads_models(query));
    let defined = query.macros.iter().chain(summaries).filter_map(|name| Some((name, target.macros.get(name)?)));
    defined.map(|(name, text)| Note { text: format!("Macro `{name}`: {text}"), degraded: false }).collect()
}

/// `text` inside a comment of three backticks.
#[must_use]
pub fn comment(text: &str) -> String {
    super::one_line(text).replace('`', "'")
}
