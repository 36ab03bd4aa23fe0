//! Rules over several events in SPL: one base search, a column that says which step a row is, rows in order of time, and
//! state that `streamstats` carries from step to step.
//!
//! Guarantees: no command joins, appends or cuts time into buckets, so no pair is lost over an edge or behind a number of
//! rows. The state is one value for each key; a rule that needs more is refused with the step and the reason.

mod base;
mod count;
mod disjoint;
mod guards;
mod keys;
mod links;
mod make;
mod names;
mod narrow;
mod optional;
mod output;
mod rows;
mod sequence;
mod together;
mod wide;

pub use count::count;

use super::ast::Query;
use super::eval::Lower;
use crate::backend::{Output, Printed, hides};
use crate::ir::{Role, Steps};
use crate::sema::Rule;
use crate::source::Span;
use crate::target::temporal::{Carry, StepsPlan, What};
use crate::target::{By, Note, Unsupported};
use names::Names;
use rows::Rows;

/// Prints a rule over steps as SPL.
///
/// # Errors
/// What the state of `streamstats` cannot say, with the step that needs more.
pub fn steps(rule: &Rule, meant: &Steps, plan: &StepsPlan) -> Result<Printed, Vec<Unsupported>> {
    let parts = rows::parts(plan.target, &plan.steps);
    let own = plan.flags.iter().map(|(name, _)| name.as_str()).chain(["count"]).chain(parts.names());
    if let Some((name, _)) = plan.flags.iter().find(|(n, _)| Names::new(plan.target, []).has(n)) {
        return Err(vec![hides(rule, name)]);
    }
    let lower = Lower { filler: &plan.target.filler, parts: &parts };
    let rows = Rows::new(rule, plan.target, &plan.steps, Names::new(plan.target, own), &lower);
    let mut scene = Scene { meant, plan, rows, keys: vec![], columns: vec![], window: meant.within.micros / 1_000_000 };
    let (query, columns) = scene.query().map_err(|refused| vec![refused])?;
    Ok(scene.rows.printed(query, columns, plan.notes.clone()))
}

/// A rule over steps on its way into SPL.
struct Scene<'a> {
    meant: &'a Steps,
    plan: &'a StepsPlan<'a>,
    rows: Rows<'a>,
    /// The column of each class.
    keys: Vec<keys::Key>,
    /// What each step carries.
    columns: Vec<wide::Columns>,
    /// The window in seconds.
    window: i64,
}

impl Scene<'_> {
    fn query(&mut self) -> Result<(Query, Vec<Output>), Unsupported> {
        self.columns = self.carried();
        let required: Vec<usize> = self.of_role(Role::Required);
        self.check(&required)?;
        self.narrow()?;
        self.legend();
        let one_event = |a: &usize| required.iter().any(|b| a < b && !self.disjoint(*a, *b));
        let numbered = required.iter().any(one_event);
        self.rows.steps_of_rows(&self.guards(), numbered);
        self.key_columns();
        self.rows.times_of_seconds(self.meant.ordered);
        self.optional_columns(&required)?;
        self.sort();
        let first = if self.meant.ordered { self.sequence(&required)? } else { self.together(&required)? };
        let columns = self.output(&required, &first);
        self.notes();
        Ok((self.rows.finish(), columns))
    }

    /// Which number is which step.
    fn legend(&mut self) {
        let word = |role| match role {
            Role::Required => "",
            Role::Optional => " (optional)",
            Role::Without => " (none of it in between)",
        };
        let all = self.plan.steps.iter().enumerate().map(|(i, s)| format!("{} {}{}", i + 1, s.name, word(s.role)));
        let text = format!("steps: {}", all.collect::<Vec<_>>().join(", "));
        self.rows.comment(&text);
    }

    /// The places of the steps of a role.
    fn of_role(&self, role: Role) -> Vec<usize> {
        self.plan.steps.iter().enumerate().filter(|(_, s)| s.role == role).map(|(i, _)| i).collect()
    }

    fn name(&self, place: usize) -> &str {
        self.plan.steps.get(place).map_or("", |s| s.name.as_str())
    }

    fn span(&self, place: usize) -> Span {
        let index = self.plan.steps.get(place).map_or(0, |s| s.index);
        self.meant.steps.get(index).map_or(self.rows.rule.detect_span, |s| s.span)
    }

    fn refuse(&self, place: usize, why: impl Into<String>) -> Unsupported {
        Unsupported::new(self.span(place), why)
    }

    /// Whether no event can stand in both steps of a match.
    fn disjoint(&self, a: usize, b: usize) -> bool {
        self.rows.disjoint(a, b) || self.is_own_parent(a, b)
    }

    /// Whether an event in both steps would be about a process that is its own parent.
    fn is_own_parent(&self, a: usize, b: usize) -> bool {
        let process = |place: usize, carry: Option<Carry>| {
            let carried = self.plan.steps.get(place)?.carried.get(carry?.column)?;
            match carried.what {
                What::Part(id, _) if carried.by == By::Id => Some(id.short()),
                _ => None,
            }
        };
        self.plan.classes.iter().any(|class| {
            let both = (process(a, class.of(a)), process(b, class.of(b)));
            matches!(both, (Some("process"), Some("parent")) | (Some("parent"), Some("process")))
        })
    }

    fn notes(&mut self) {
        let wide = self.plan.conditions.iter().map(|(_, w)| w).chain(self.plan.exceptions.iter().map(|(_, w)| w));
        let places: Vec<usize> = wide.flat_map(|w| w.steps()).collect();
        if places.iter().any(|p| Some(p) != places.first()) {
            self.rows.note("A process is taken to start once: what is asked of several steps is asked of that start.");
        }
        if self.rows.seconds.is_some() {
            self.rows.note(
                "Rows of a data model are seconds: whether the steps match is exact, the completing row is a second and \
                 not an event.",
            );
        }
        self.rows.note(
            "Splunk documents that streamstats without a window looks at 10000 events by default (max_stream_window in \
             limits.conf). What is carried here is the latest value of each key.",
        );
    }
}

/// A note that loses nothing.
fn remark(text: &str) -> Note {
    Note { text: text.to_owned(), degraded: false }
}
