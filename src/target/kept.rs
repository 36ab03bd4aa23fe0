//! What of a rule is left on a target: its meaning with the parts put in as constants that the author lets it drop.
//!
//! The answers are [`bind`](super::bind())'s own: a part is dropped if binding it alone is refused.

use super::Target;
use super::bind::{Binder, SourceQuery};
use super::constant::known_of_source;
use crate::ir::{Body, Drop, Flag, Pred};
use crate::sema::{Project, Rule};

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
    Body { kind: body.kind, detect, exceptions, flags: flags.collect(), score: body.score.clone() }
}

/// A condition without what the target drops of it; `whole` parts keep what the author marked, or go as a whole.
fn left(binder: &mut Binder, pred: &Pred, whole: bool) -> Pred {
    match pred {
        Pred::Droppable { pred, why: Drop::WhenAvailable, .. } if whole => left(binder, pred, whole),
        Pred::Droppable { pred, why, .. } if !binder.says(pred) => Pred::Const(why.value()),
        Pred::Droppable { pred, .. } => left(binder, pred, whole),
        Pred::Not(inner) => left(binder, inner, whole).not(),
        Pred::And(all) => Pred::and(all.iter().map(|p| left(binder, p, whole)).collect::<Vec<_>>()),
        Pred::Or(all) => Pred::or(all.iter().map(|p| left(binder, p, whole)).collect::<Vec<_>>()),
        Pred::Const(_) | Pred::Test(_) => pred.clone(),
    }
}
