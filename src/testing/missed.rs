//! Why a rule over several events found nothing: a step that no event fits, an event that lacks a key, or what joins the
//! events. For the last, each condition is left out in turn: what makes the rule fire when it is gone is what was missed.

use super::Reason;
use super::coverage::own_operands;
use super::temporal::{Asked, duration, happened};
use super::words::{Words, reason};
use crate::event::Event;
use crate::event::clauses::Clauses;
use crate::event::engine::Engine;
use crate::event::stream::{Fit, Row, rows};
use crate::ir::{Count, Key, Meaning, OneEvent, Role, Steps};
use crate::project::Loaded;
use crate::sema::Rule;
use crate::source::Span;
use crate::syntax::ast::{Detect, Expr};
use crate::vocabulary::Kind;
use std::sync::Arc;

/// Events that are told for one step that none fits.
const MOST_EVENTS: usize = 3;

/// The conditions that kept a rule silent.
pub(super) fn why(rule: &Rule, loaded: &Loaded, engine: &Engine, asked: &Asked) -> Vec<Reason> {
    let fits: Vec<Vec<Fit>> = asked.events.iter().map(|e| engine.fits(e, asked.naming)).collect();
    let missed = Missed { rule, loaded, asked, fits };
    let timeless = asked.events.iter().position(|event| happened(event).is_none());
    if let Some(position) = timeless {
        return vec![reason(rule.detect_span, format!("event {} has no time, so it takes no part", position + 1))];
    }
    match rule.meaning(&loaded.project, &rule.meta.os) {
        Meaning::Steps(steps) => missed.steps(&steps),
        Meaning::Count(count) => missed.count(&count),
        Meaning::Single(_) => vec![],
    }
}

struct Missed<'a> {
    rule: &'a Rule,
    loaded: &'a Loaded,
    asked: &'a Asked,
    /// For each event what the steps that may read it say.
    fits: Vec<Vec<Fit>>,
}

impl Missed<'_> {
    fn steps(&self, steps: &Steps) -> Vec<Reason> {
        let Some(Detect::Steps(written)) = self.rule.detect() else { return vec![] };
        let names: Vec<&str> = written.steps.iter().map(|s| s.name.text.as_str()).collect();
        let mut out = vec![];
        for (i, step) in steps.required() {
            let expr = written.steps.get(i).map(|s| &s.query.expr);
            out.extend(self.step(i, (step.span, &step.name), &step.events, expr, &names));
            out.extend(self.lacking(i, &steps.keys));
        }
        if out.is_empty() { self.joined(steps) } else { out }
    }

    /// Why no event is one of a step's; nothing if one is.
    fn step(
        &self,
        index: usize,
        (span, name): (Span, &str),
        events: &OneEvent,
        expr: Option<&Expr>,
        names: &[&str],
    ) -> Vec<Reason> {
        let of_step = |fits: &Vec<Fit>| fits.iter().find(|f| f.step == index).cloned();
        if self.fits.iter().filter_map(of_step).any(|f| f.fits) {
            return vec![];
        }
        let of = if name.is_empty() { String::new() } else { format!(" `{name}`") };
        let mut out = vec![reason(span, format!("no event fits{of}"))];
        let asked = self.asked.events.iter().enumerate().filter(|(i, _)| self.fits.get(*i).and_then(of_step).is_some());
        for (i, event) in asked.take(MOST_EVENTS) {
            if let Some(expr) = expr {
                out.extend(
                    self.fails(event, expr, names)
                        .into_iter()
                        .map(|r| reason(r.span, format!("event {}: {}", i + 1, r.text))),
                );
            }
        }
        if out.len() == 1 {
            let kinds: Vec<&str> = events.kinds().map(Kind::word).collect();
            out.push(reason(span, format!("it reads {} events, and there is none", kinds.join(" or "))));
        }
        out
    }

    /// The operands of a step's condition that fail for an event, as far as they read its own fields.
    fn fails(&self, event: &Event<'static>, expr: &Expr, names: &[&str]) -> Vec<Reason> {
        let words = Words { rule: self.rule, loaded: self.loaded, event };
        let own = own_operands(expr, names);
        let clauses = own.map(|operand| Clauses::condition(self.rule, &self.loaded.project, event.kind, operand));
        clauses.filter(|c| !c.holds(event)).flat_map(|c| words.fails(&c)).collect()
    }

    /// Events that fit a step and lack a key, where none has all of them.
    fn lacking(&self, index: usize, keys: &[Key]) -> Vec<Reason> {
        let of_step = |fits: &Vec<Fit>| fits.iter().find(|f| f.step == index && f.fits).cloned();
        let fitting: Vec<(usize, Fit)> =
            self.fits.iter().enumerate().filter_map(|(i, fits)| Some((i, of_step(fits)?))).collect();
        if fitting.iter().any(|(_, f)| f.lacks.is_empty()) {
            return vec![];
        }
        let lacks = fitting.iter().flat_map(|(i, f)| f.lacks.iter().map(move |key| (i, *key)));
        lacks
            .map(|(i, place)| match keys.get(place) {
                Some(key) => reason(key.span, format!("event {} has no `{}`", i + 1, key.field.short())),
                None => reason(self.rule.detect_span, format!("event {} lacks a field by which it is joined", i + 1)),
            })
            .collect()
    }

    /// What joins the events, each part left out in turn.
    fn joined(&self, steps: &Steps) -> Vec<Reason> {
        let fires = |changed: Steps| self.fires(&Meaning::Steps(changed.into()));
        let without = |change: &dyn Fn(&mut Steps)| {
            let mut changed = steps.clone();
            change(&mut changed);
            fires(changed)
        };
        let mut out = vec![];
        if without(&|s| s.within.micros = i64::MAX) {
            let times: Vec<i64> = self.asked.events.iter().filter_map(happened).collect();
            let apart = times.iter().max().zip(times.iter().min()).map_or(0, |(max, min)| max.saturating_sub(*min));
            let text = format!(
                "the window is {}, and the events lie up to {} apart",
                duration(steps.within.micros),
                duration(apart)
            );
            out.push(reason(steps.within.span, text));
        }
        // Without an order there are no gaps either.
        let guarded = steps.of_role(Role::Without).next().is_some();
        if steps.ordered && !guarded && without(&|s| s.ordered = false) {
            out.push(reason(self.rule.detect_span, "the events are in another order".to_owned()));
        }
        for (i, key) in steps.keys.iter().enumerate() {
            if without(&|s| _ = s.keys.remove(i)) {
                out.push(reason(key.span, format!("the events differ in `{}`", key.field.short())));
            }
        }
        for (i, step) in steps.steps.iter().enumerate() {
            let never = OneEvent::new(step.events.kinds().map(|k| (k, crate::ir::Pred::Const(false))).collect());
            if step.role == Role::Without
                && without(&|s| {
                    if let Some(step) = s.steps.get_mut(i) {
                        step.events = never.clone()
                    }
                })
            {
                out.push(reason(
                    step.span,
                    format!("an event matches `{}`, which must not happen in between", step.name),
                ));
            }
            for (e, equal) in step.equalities.iter().enumerate() {
                if without(&|s| {
                    if let Some(step) = s.steps.get_mut(i) {
                        step.equalities.remove(e);
                    }
                }) {
                    out.push(reason(equal.span, "these are not equal".to_owned()));
                }
            }
            if !step.conditions.is_empty()
                && without(&|s| {
                    if let Some(step) = s.steps.get_mut(i) {
                        step.conditions.clear()
                    }
                })
            {
                out.push(reason(
                    step.span,
                    format!("what `{}` asks together with earlier steps does not hold", step.name),
                ));
            }
        }
        if out.is_empty() {
            out.push(reason(
                self.rule.detect_span,
                "each step has an event, but no combination of them is a match".to_owned(),
            ));
        }
        out
    }

    fn count(&self, count: &Count) -> Vec<Reason> {
        let Some(Detect::Count(written)) = self.rule.detect() else { return vec![] };
        let mut out = self.step(0, (self.rule.detect_span, ""), &count.events, Some(&written.query.expr), &[]);
        out.extend(self.lacking(0, &count.keys));
        if !out.is_empty() {
            return out;
        }
        let without = |change: &dyn Fn(&mut Count)| {
            let mut changed = count.clone();
            change(&mut changed);
            self.fires(&Meaning::Count(changed.into()))
        };
        let most = (1..count.at_least).rev().find(|n| without(&|c| c.at_least = *n)).unwrap_or(0);
        out.push(reason(count.at_least_span, format!("asked are {}, and there are {most} at most", count.at_least)));
        if without(&|c| c.within.micros = i64::MAX) {
            out.push(reason(
                count.within.span,
                format!("the window is {}, and the events lie further apart", duration(count.within.micros)),
            ));
        }
        for (i, key) in count.keys.iter().enumerate() {
            if without(&|c| _ = c.keys.remove(i)) {
                out.push(reason(key.span, format!("the events differ in `{}`", key.field.short())));
            }
        }
        out
    }

    fn fires(&self, meaning: &Meaning) -> bool {
        let engine = Arc::new(Engine::meaning(self.rule, meaning));
        rows(&engine, &self.asked.events, self.asked.naming).is_ok_and(|rows| rows.iter().any(Row::fires))
    }
}
