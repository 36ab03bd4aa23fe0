//! What of a rule is left on a target: its meaning with the parts put in as constants that the author lets it drop.
//!
//! The answers are [`bind`](super::bind())'s own: a part is dropped if binding it alone is refused.

use super::Target;
use super::bind::{Binder, SourceQuery};
use super::constant::known_of_source;
use super::temporal::{BoundStep, CountPlan, StepsPlan};
use crate::ir::{Body, Count, Drop, Flag, Joint, OneEvent, Pred, Role, Steps};
use crate::sema::{Project, Rule};
use crate::source::Span;
use crate::vocabulary::{Kind, Os};

/// What a rule means in one log of a target, in the language's own fields. Exceptions and flags that were dropped never
/// hold.
#[must_use]
pub fn body(rule: &Rule, project: &Project, target: &Target, query: &SourceQuery) -> Body {
    let body = rule.body(project, query.kind, &query.os);
    let mut binder = Binder::new(target, query.source, query.kind, &rule.kinds, &query.os);
    let mut kept = |pred: &Pred, whole: bool| {
        let known = known_of_source(pred, query.source, &query.os);
        left(&mut binder, &known, whole)
    };
    let detect = kept(&body.detect, false);
    let exceptions = body.exceptions.iter().enumerate().map(|(i, pred)| {
        if query.exceptions.iter().any(|(n, _)| *n == i) { kept(pred, true) } else { Pred::Const(false) }
    });
    let exceptions = exceptions.collect();
    let flags = body.flags.iter().map(|flag| {
        let there = query.flags.iter().any(|(name, _)| *name == flag.name);
        let pred = if there { kept(&flag.pred, true) } else { Pred::Const(false) };
        Flag { pred, ..flag.clone() }
    });
    Body { kind: body.kind, detect, exceptions, flags: flags.collect(), score: body.score.clone(), names: vec![] }
}

/// A condition without what the target drops of it; `whole` parts keep what the author marked, or go as a whole.
fn left(binder: &mut Binder, pred: &Pred, whole: bool) -> Pred {
    match pred {
        Pred::Droppable { pred, why: Drop::WhenAvailable, .. } if whole => left(binder, pred, whole),
        Pred::Droppable { pred, why, .. } if !binder.says(pred) => Pred::Const(why.value()),
        Pred::Droppable { pred, why, .. } => {
            let lacking = binder.lacking(pred, why).into_iter().map(|there| Pred::Test(there).not());
            Pred::or(lacking.chain([left(binder, pred, whole)]).collect::<Vec<_>>())
        }
        Pred::Not(inner) => left(binder, inner, whole).not(),
        Pred::And(all) => Pred::and(all.iter().map(|p| left(binder, p, whole)).collect::<Vec<_>>()),
        Pred::Or(all) => Pred::or(all.iter().map(|p| left(binder, p, whole)).collect::<Vec<_>>()),
        Pred::Const(_) | Pred::Test(_) => pred.clone(),
    }
}

/// What a rule over steps means in a target's logs of one system. Steps that are left out have no events, exceptions that
/// were dropped are gone, and so are flags.
#[must_use]
pub fn steps(steps: &Steps, plan: &StepsPlan, os: Os) -> Steps {
    let mut out = steps.clone();
    for (index, step) in out.steps.iter_mut().enumerate() {
        let Some(bound) = plan.steps.iter().find(|s| s.index == index) else {
            step.events = nothing(&step.events);
            (step.role == Role::Optional).then(|| (step.equalities.clear(), step.conditions.clear()));
            continue;
        };
        step.events = event(plan.target, bound, os, &step.events, false);
        step.exceptions = exceptions(plan.target, bound, os, &step.exceptions);
        step.equalities.retain(|e| e.available.is_none_or(|part| !plan.dropped.contains(&part)));
        step.conditions = step.conditions.iter().map(|j| joint(plan, os, j, false)).collect();
    }
    out.exceptions.retain(|(index, _)| plan.exceptions.iter().any(|(i, _)| i == index));
    out.exceptions.iter_mut().for_each(|(_, j)| *j = joint(plan, os, j, true));
    out.flags.clear();
    out
}

/// What a count means in a target's logs of one system.
#[must_use]
pub fn count(count: &Count, plan: &CountPlan, os: Os) -> Count {
    let events = event(plan.target, &plan.events, os, &count.events, false);
    let exceptions = exceptions(plan.target, &plan.events, os, &count.exceptions);
    Count { events, exceptions, ..count.clone() }
}

fn nothing(events: &OneEvent) -> OneEvent {
    OneEvent::new(events.kinds().map(|kind| (kind, Pred::Const(false))).collect())
}

/// A condition on a step's events, as its log sources have it; kinds that none of them holds have none.
fn event(target: &Target, step: &BoundStep, os: Os, events: &OneEvent, whole: bool) -> OneEvent {
    let kinds: Vec<Kind> = events.kinds().collect();
    let of = |(kind, pred): (Kind, &Pred)| {
        let source = step.sources.iter().find(|s| s.kind == kind && s.os.contains(&os));
        let kept = source.map(|s| left(&mut Binder::new(target, s.source, kind, &kinds, &[os]), pred, whole));
        (kind, kept.unwrap_or(Pred::Const(false)))
    };
    OneEvent::new(events.each().map(of).collect())
}

fn exceptions(target: &Target, step: &BoundStep, os: Os, all: &[(usize, OneEvent)]) -> Vec<(usize, OneEvent)> {
    let there = |index: usize| step.sources.iter().any(|s| s.exceptions.iter().any(|(i, _)| *i == index));
    all.iter().filter(|(i, _)| there(*i)).map(|(i, e)| (*i, event(target, step, os, e, true))).collect()
}

/// A condition over several steps; `whole` parts keep what the author marked.
fn joint(plan: &StepsPlan, os: Os, part: &Joint, whole: bool) -> Joint {
    let dropped = |part: &Span| !whole && plan.dropped.contains(part);
    match part {
        Joint::Const(value) => Joint::Const(*value),
        Joint::Not(inner) => joint(plan, os, inner, whole).not(),
        Joint::And(all) => Joint::and(all.iter().map(|j| joint(plan, os, j, whole))),
        Joint::Or(all) => Joint::or(all.iter().map(|j| joint(plan, os, j, whole))),
        Joint::One(index, events) => match plan.steps.iter().find(|s| s.index == *index) {
            Some(step) => Joint::One(*index, event(plan.target, step, os, events, whole)),
            None => Joint::Const(events.holds_on_nothing()),
        },
        Joint::Equal(equal) if equal.available.as_ref().is_some_and(dropped) => Joint::Const(true),
        Joint::Droppable(_, part) if dropped(part) => Joint::Const(true),
        Joint::Droppable(inner, _) => joint(plan, os, inner, whole),
        Joint::Equal(_) => part.clone(),
    }
}
