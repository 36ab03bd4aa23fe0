//! `count` and `distinct`: one correlation over the base rules of all log sources, each event of which counts once.

use super::{Base, Correlation, Group, Said, grouped, source_id, timespan, whole};
use crate::ir::Count;
use crate::sema::{Project, Rule};
use crate::source::Span;
use crate::target::temporal::{Carry, CountPlan, What, bind_count};
use crate::target::{Target, Unsupported};

/// Puts a count into a correlation.
///
/// # Errors
/// What Sigma, or the target, cannot say.
pub fn said<'t>(
    rule: &Rule,
    count: &Count,
    project: &Project,
    target: &'t Target,
) -> Result<Said<'t>, Vec<Unsupported>> {
    let timespan = timespan(count.within).map_err(|u| vec![u])?;
    let plan = bind_count(rule, count, project, target)?;
    let mut groups: Vec<Group> = vec![];
    for key in &plan.keys {
        let (name, columns) = columns(rule, count, &plan, *key)?;
        grouped(&mut groups, &name, columns);
    }
    let field = distinct(rule, count, &plan, &groups)?;
    let first = plan.events.sources.first();
    let title = crate::backend::one_line(&rule.meta.title);
    let about = format!("The events that the correlation rule \"{title}\" counts: they make no alert by themselves.");
    let base = |(place, source)| {
        let mut base = Base::new(rule, &plan.events.name, ("Counted events", about.clone()), first?, source);
        base.keys = groups.iter().filter_map(|g| g.columns.get(place).cloned()).collect();
        base.keys.extend(field.clone().filter(|f| !base.keys.contains(f)));
        Some(base)
    };
    let bases: Vec<Base> = plan.events.sources.iter().enumerate().filter_map(base).collect();
    let sources: Vec<String> = plan.events.sources.iter().map(|s| source_id(s.source)).collect();
    let correlation = Correlation {
        kind: if field.is_some() { "value_count" } else { "event_count" },
        rules: (0..bases.len()).collect(),
        groups,
        timespan,
        field,
        at_least: count.at_least,
        sources: sources.join("&or&"),
    };
    Ok(Said { correlations: vec![correlation], bases, notes: plan.notes })
}

/// The name of a key, and its column in each log source.
fn columns(
    rule: &Rule,
    count: &Count,
    plan: &CountPlan,
    key: Carry,
) -> Result<(String, Vec<String>), Vec<Unsupported>> {
    let Some(carried) = plan.events.carried.get(key.column) else { return Ok((String::new(), vec![])) };
    let (What::Field(field) | What::Part(field, _)) = carried.what;
    let keys = count.keys.iter().chain(&count.distinct);
    let span = keys.into_iter().find(|k| k.field == field).map_or(rule.detect_span, |k| k.span);
    let places = 0..plan.events.sources.len();
    let columns: Result<Vec<String>, Unsupported> =
        places.map(|place| whole(field, carried.columns.get(place), span)).collect();
    Ok((field.short().to_owned(), columns.map_err(|u| vec![u])?))
}

/// The column whose different values are counted. Of an identity's columns those that events are grouped by do not vary.
fn distinct(
    rule: &Rule,
    count: &Count,
    plan: &CountPlan,
    groups: &[Group],
) -> Result<Option<String>, Vec<Unsupported>> {
    let mut varying: Vec<Vec<String>> = vec![];
    for key in &plan.distinct {
        let (_, columns) = columns(rule, count, plan, *key)?;
        if !groups.iter().any(|g| g.columns == columns) {
            varying.push(columns);
        }
    }
    let Some(key) = &count.distinct else { return Ok(None) };
    let refuse = |span: Span, why: &str| Err(vec![Unsupported::new(span, why)]);
    match varying.as_slice() {
        [one] => match one.split_first() {
            Some((first, rest)) if rest.iter().all(|c| c == first) => Ok(Some(first.clone())),
            _ => refuse(key.span, "counts the values of one field, and the log sources name it differently"),
        },
        [] => refuse(key.span, "counts the values of a field that events are not grouped by"),
        _ => refuse(key.span, "counts the values of one field, and this is several"),
    }
}
