//! `sequence` and `together`: a correlation for each combination of log sources that can hold a match.
//!
//! A step that several log sources serve would need "one of these rules" inside a correlation, which has only "each of
//! these". The combinations are what that means, and a group fires if one of them does.

use super::apart::apart;
use super::fit;
use super::{Base, Correlation, Group, MOST_CORRELATIONS, Said, grouped, source_id, timespan, whole};
use crate::ir::Steps;
use crate::sema::{Project, Rule};
use crate::source::Span;
use crate::target::temporal::{Class, StepsPlan, What, Wide, bind_steps};
use crate::target::{Target, Unsupported};

/// Puts a rule over steps into correlations.
///
/// # Errors
/// What Sigma, or the target, cannot say.
pub fn said<'t>(
    rule: &Rule,
    steps: &Steps,
    project: &Project,
    target: &'t Target,
) -> Result<Said<'t>, Vec<Unsupported>> {
    let (fitting, mut notes) = fit(rule, steps)?;
    let timespan = timespan(steps.within).map_err(|u| vec![u])?;
    let plan = bind_steps(rule, &fitting, project, target)?;
    joined(&fitting, &plan)?;
    notes.extend(plan.notes.iter().cloned());
    let combinations = combinations(&plan).map_err(|why| vec![Unsupported::new(rule.detect_span, why)])?;
    for combination in &combinations {
        different_events(&fitting, &plan, combination)?;
    }
    let mut bases = bases(rule, &plan, &combinations);
    let mut correlations = vec![];
    for combination in &combinations {
        let mut groups: Vec<Group> = vec![];
        for class in &plan.classes {
            grouped(&mut groups, &class.name, columns(&fitting, &plan, class, combination)?);
        }
        let rules = places(&bases, combination);
        for group in &groups {
            for (base, column) in rules.iter().zip(&group.columns) {
                if let Some((base, _)) = bases.get_mut(*base).filter(|(base, _)| !base.keys.contains(column)) {
                    base.keys.push(column.clone());
                }
            }
        }
        let at_least = u64::try_from(rules.len()).unwrap_or(u64::MAX);
        let kind = if steps.ordered { "temporal_ordered" } else { "temporal" };
        let source =
            |(step, place): (usize, &usize)| plan.steps.get(step)?.sources.get(*place).map(|s| source_id(s.source));
        let sources: Vec<String> = combination.iter().enumerate().filter_map(source).collect();
        let sources = sources.join("&then&");
        correlations.push(Correlation {
            kind,
            rules,
            groups,
            timespan: timespan.clone(),
            field: None,
            at_least,
            sources,
        });
    }
    Ok(Said { correlations, bases: bases.into_iter().map(|(base, _)| base).collect(), notes })
}

/// Each class must join all steps, and nothing else may.
fn joined(steps: &Steps, plan: &StepsPlan) -> Result<(), Vec<Unsupported>> {
    let name = |place: usize| plan.steps.get(place).map_or("", |s| s.name.as_str());
    let mut refused = vec![];
    for class in &plan.classes {
        let Some(outside) = (0..plan.steps.len()).find(|place| class.of(*place).is_none()) else { continue };
        let inside: Vec<String> = class.members.iter().map(|c| format!("`{}`", name(c.step))).collect();
        let why = format!(
            "joins all steps of a correlation by the same fields, and `{}` is not joined as {} are",
            name(outside),
            inside.join(" and ")
        );
        let unsupported = Unsupported::new(equality(steps, plan, class).unwrap_or(steps.within.span), why);
        // An identity of several columns is several classes.
        if !refused.contains(&unsupported) {
            refused.push(unsupported);
        }
    }
    for (place, wide) in &plan.conditions {
        if *wide != Wide::Const(true) {
            let step = plan.steps.get(*place).and_then(|s| steps.steps.get(s.index));
            let why = format!("joins by fields, and cannot ask the rest of what `{}` is compared with", name(*place));
            refused.push(Unsupported::new(step.map_or(steps.within.span, |s| s.span), why));
        }
    }
    if refused.is_empty() { Ok(()) } else { Err(refused) }
}

/// Where the equality stands that made a class.
fn equality(steps: &Steps, plan: &StepsPlan, class: &Class) -> Option<Span> {
    let member = |index: usize| {
        let place = plan.steps.iter().position(|s| s.index == index)?;
        class.of(place)
    };
    let field = |index: usize| {
        let carry = member(index)?;
        match plan.steps.get(carry.step)?.carried.get(carry.column)?.what {
            What::Field(field) | What::Part(field, _) => Some(field),
        }
    };
    let all = steps.steps.iter().flat_map(|s| &s.equalities);
    let mut found =
        all.filter(|e| field(e.left.step) == Some(e.left.field) && field(e.right.step) == Some(e.right.field));
    found.next().map(|e| e.span)
}

/// The log sources of each match that can be: of each step, in order, the place of one among its sources. Where the steps
/// share a host they share its system.
fn combinations(plan: &StepsPlan) -> Result<Vec<Vec<usize>>, String> {
    let of_host = |class: &Class| {
        let carried = class.members.first().and_then(|c| plan.steps.get(c.step)?.carried.get(c.column));
        carried.is_some_and(|c| matches!(c.what, What::Part(field, _) if field.short() != "user"))
    };
    let one_host = plan.classes.iter().any(of_host);
    let mut out: Vec<(Vec<usize>, Option<Vec<crate::vocabulary::Os>>)> = vec![(vec![], None)];
    for step in &plan.steps {
        let mut longer = vec![];
        for (combination, os) in &out {
            for (place, source) in step.sources.iter().enumerate() {
                let shared: Vec<_> = match os {
                    Some(os) => source.os.iter().copied().filter(|o| os.contains(o)).collect(),
                    None => source.os.clone(),
                };
                if shared.is_empty() && one_host {
                    continue;
                }
                let combination: Vec<usize> = combination.iter().copied().chain([place]).collect();
                longer.push((combination, Some(if one_host { shared } else { source.os.clone() })));
            }
        }
        out = longer;
        if out.len() > MOST_CORRELATIONS {
            return Err(format!(
                "needs a correlation for each combination of the steps' log sources, and they are more than \
                 {MOST_CORRELATIONS}"
            ));
        }
    }
    if out.is_empty() {
        return Err("has no log sources of one system that hold all steps".to_owned());
    }
    Ok(out.into_iter().map(|(combination, _)| combination).collect())
}

/// No event may be two of a match's.
fn different_events(steps: &Steps, plan: &StepsPlan, combination: &[usize]) -> Result<(), Vec<Unsupported>> {
    let source = |step: usize| plan.steps.get(step)?.sources.get(*combination.get(step)?);
    for later in 0..plan.steps.len() {
        for earlier in 0..later {
            let (Some(a), Some(b)) = (source(earlier), source(later)) else { continue };
            if apart(a, b) {
                continue;
            }
            let (Some(first), Some(second)) = (plan.steps.get(earlier), plan.steps.get(later)) else { continue };
            let why = format!(
                "cannot ask for two different events: one that is both `{}` and `{}` would be a match alone",
                first.name, second.name
            );
            let span = steps.steps.get(second.index).map_or(steps.within.span, |s| s.span);
            return Err(vec![Unsupported::new(span, why)]);
        }
    }
    Ok(())
}

/// The columns of a class in a combination of log sources.
fn columns(
    steps: &Steps,
    plan: &StepsPlan,
    class: &Class,
    combination: &[usize],
) -> Result<Vec<String>, Vec<Unsupported>> {
    let mut out = vec![];
    for (step, place) in combination.iter().enumerate() {
        let Some(carry) = class.of(step) else { continue };
        let Some(carried) = plan.steps.get(step).and_then(|s| s.carried.get(carry.column)) else { continue };
        let (What::Field(field) | What::Part(field, _)) = carried.what;
        let key = steps.keys.iter().find(|k| k.field == field).map(|k| k.span);
        let span = key.or_else(|| equality(steps, plan, class)).unwrap_or(steps.within.span);
        out.push(whole(field, carried.columns.get(*place), span).map_err(|u| vec![u])?);
    }
    Ok(out)
}

/// A base rule for each log source that a combination uses, with its step and its place there.
fn bases<'t>(rule: &Rule, plan: &StepsPlan<'t>, combinations: &[Vec<usize>]) -> Vec<(Base<'t>, (usize, usize))> {
    let mut out: Vec<(Base<'t>, (usize, usize))> = vec![];
    for (step, bound) in plan.steps.iter().enumerate() {
        let used = |place: &usize| combinations.iter().any(|c| c.get(step) == Some(place));
        let places: Vec<usize> = (0..bound.sources.len()).filter(used).collect();
        let first = places.first().and_then(|p| bound.sources.get(*p));
        for place in &places {
            let (Some(first), Some(source)) = (first, bound.sources.get(*place)) else { continue };
            let title = format!("Step {}", bound.name.replace('_', " "));
            let about = format!(
                "Step `{}` of the correlation rule \"{}\": it makes no alert by itself.",
                bound.name,
                crate::backend::one_line(&rule.meta.title)
            );
            out.push((Base::new(rule, &bound.name, (&title, about), first, source), (step, *place)));
        }
    }
    out
}

/// The places of a combination's base rules, in step order.
fn places(bases: &[(Base, (usize, usize))], combination: &[usize]) -> Vec<usize> {
    let find = |(step, place): (usize, &usize)| bases.iter().position(|(_, at)| *at == (step, *place));
    combination.iter().enumerate().filter_map(find).collect()
}
