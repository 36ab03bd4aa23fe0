//! Counts in a target's columns: which events, and per value of which columns.

use super::bind::{Binding, once};
use super::{BoundStep, Carry};
use crate::ir::{Count, Role, Step, Steps};
use crate::sema::{Project, Rule};
use crate::target::{Note, Target, Unsupported};

/// A count on a target.
#[derive(Clone, Debug)]
pub struct CountPlan<'t> {
    /// The target.
    pub target: &'t Target,
    /// The events that are counted, as one step.
    pub events: BoundStep<'t>,
    /// The grouping columns; an event that lacks one is not counted.
    pub keys: Vec<Carry>,
    /// The columns whose different values are counted; none: events are.
    pub distinct: Vec<Carry>,
    /// Remarks, each once.
    pub notes: Vec<Note>,
}

/// Puts a count into a target's columns.
///
/// # Errors
/// What the target cannot say, each with its place in the source.
pub fn bind_count<'t>(
    rule: &Rule,
    count: &Count,
    project: &Project,
    target: &'t Target,
) -> Result<CountPlan<'t>, Vec<Unsupported>> {
    let whole = as_step(count, rule);
    let mut binding = Binding::new(rule, project, target, &whole);
    binding.all_sources(&whole);
    if !binding.refused.is_empty() {
        return Err(once(binding.refused));
    }
    let mut columns = vec![vec![], vec![]];
    for (out, keys) in columns.iter_mut().zip([count.keys.as_slice(), count.distinct.as_slice()]) {
        for key in keys {
            out.extend(binding.key(0, *key));
        }
    }
    let (notes, refused) = (binding.notes, binding.refused);
    let (distinct, keys) = (columns.pop().unwrap_or_default(), columns.pop().unwrap_or_default());
    match binding.steps.pop() {
        Some(events) if refused.is_empty() => Ok(CountPlan { target, events, keys, distinct, notes: once(notes) }),
        _ => Err(once(refused)),
    }
}

/// The events of a count as a rule of one step.
pub(super) fn as_step(count: &Count, rule: &Rule) -> Steps {
    let step = Step {
        name: "counted".to_owned(),
        span: rule.detect_span,
        role: Role::Required,
        events: count.events.clone(),
        exceptions: count.exceptions.clone(),
        equalities: vec![],
        conditions: vec![],
    };
    Steps {
        ordered: true,
        keys: count.keys.clone(),
        within: count.within,
        steps: vec![step],
        exceptions: vec![],
        flags: vec![],
        show: Some(vec![]),
        names: count.names.clone(),
    }
}
