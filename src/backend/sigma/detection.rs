//! A condition as Sigma's selections and the line that joins them, in the shape in which SigmaHQ writes rules:
//! `all of selection_1_* or all of selection_2_*`, `selection and not 1 of filter_main_*`.

use super::build::Builder;
use super::joint::Joint;
use super::order::{asks_behind, ordered};
use super::selection::{Selection, Selections};
use super::shape::{shaped, shaped_to_deny};
use crate::backend::exception_line;
use crate::backend::stage;
use crate::backend::yaml::comment;
use crate::sema::Rule;
use crate::target::{Bound, SourceQuery, Target, Unsupported};

/// The detection part of a rule.
#[derive(Clone, Debug, Default)]
pub struct Detection {
    /// By name, in the order of the condition.
    pub selections: Selections,
    /// The line that joins them.
    pub condition: String,
    /// A comment for each exception: its title, why, until when.
    pub excepted: Vec<String>,
}

impl Detection {
    /// The detection of one log source, in events that have a value in each of the columns `keys`.
    ///
    /// # Errors
    /// What Sigma cannot say.
    pub fn of(
        rule: &Rule,
        query: &SourceQuery,
        target: &Target,
        keys: &[String],
    ) -> Result<Detection, Vec<Unsupported>> {
        let mut builder = Builder::new(rule);
        let mut parts = match shaped(&query.detect, target) {
            Bound::Const(_) => vec![],
            other => vec![builder.top(&other)],
        };
        if let Some(score) = &query.score {
            let flags: Vec<(String, Bound)> =
                query.flags.iter().map(|(name, bound)| (name.clone(), shaped(bound, target))).collect();
            parts.extend(builder.score(score, &flags, rule)?);
        }
        if !keys.is_empty() {
            parts.extend(builder.has(keys, &target.filler));
        }
        if parts.is_empty() {
            return Err(vec![Unsupported::new(rule.detect_span, "cannot say a condition that is always true")]);
        }
        parts.extend(builder.excepted(rule, query, target));
        let joint = gathered(Joint::and(parts), &builder.selections);
        let mut selections = std::mem::take(&mut builder.selections);
        let mut joint = ordered(joint, &mut selections);
        stage::sigma(&mut joint, &mut selections);
        let mut places = indexmap::IndexMap::new();
        joint.each_name(&mut |name| {
            let place = places.len();
            places.entry(name).or_insert(place);
        });
        selections.sort_by_cached_key(|name, _| places.get(name.as_str()).copied().unwrap_or(usize::MAX));
        let condition = joint.line(&selections);
        let excepted = query.exceptions.iter().map(|(index, _)| comment(&exception_line(rule, *index))).collect();
        if builder.refused.is_empty() {
            Ok(Detection { selections, condition, excepted })
        } else {
            Err(builder.refused)
        }
    }
}

/// Several filters of one sort are `not 1 of filter_main_*`. One that asks a regular expression stays by itself: it is a
/// plain step in Splunk there, and a column of its own below an OR.
fn gathered(joint: Joint, selections: &Selections) -> Joint {
    let Joint::And(mut all) = joint else { return joint };
    for prefix in ["filter_main_", "filter_optional_"] {
        let filter = |j: &Joint| match j {
            Joint::Not(inner) => {
                matches!(&**inner, Joint::Name(name) if name.starts_with(prefix))
                    && inner.selection(selections).is_some_and(|s| !asks_behind(s))
            }
            _ => false,
        };
        let meant = selections.keys().filter(|name| name.starts_with(prefix)).count();
        let found = all.iter().filter(|j| filter(j)).count();
        if found < 2 || found != meant {
            continue;
        }
        let (some, rest): (Vec<Joint>, Vec<Joint>) = all.into_iter().partition(filter);
        let some = some.into_iter().filter_map(|j| if let Joint::Not(inner) = j { Some(*inner) } else { None });
        all = rest;
        all.push(Joint::Or(some.collect()).not());
    }
    Joint::and(all)
}

/// An exception as one selection, if it is one: Sigma's filters hold no more.
pub fn exception(rule: &Rule, bound: &Bound, target: &Target) -> Option<Selection> {
    let mut builder = Builder::new(rule);
    builder.selection(&shaped_to_deny(bound, target)).filter(|_| builder.refused.is_empty())
}
