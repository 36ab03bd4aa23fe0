//! Conditions over several steps, exceptions and flags among them, in a target's columns.

use super::bind::Binding;
use super::class::{Left, Node, lacks};
use super::{Asked, By, Carry, What, Wide};
use crate::ir::{Joint, OneEvent, Steps};
use crate::source::Span;
use crate::target::Bound;
use crate::target::bind::{Binder, has_when_available, reasons};
use crate::target::constant::known_of_source;
use crate::vocabulary::Kind;

/// Conditions by the place of their step, exceptions by index, flags by name.
pub(super) type Bound3 = (Vec<(usize, Wide)>, Vec<(usize, Wide)>, Vec<(String, Wide)>);

/// Binds what is asked of a match as a whole.
pub(super) fn bind(binding: &mut Binding, steps: &Steps, left: Vec<Left>) -> Bound3 {
    let mut conditions = vec![];
    for left in left {
        if let Some(wide) = equal(binding, left.a, left.b, left.cased, left.span) {
            conditions.push((left.place, wide));
        }
    }
    for (index, step) in steps.steps.iter().enumerate() {
        let Some(place) = binding.place(index) else { continue };
        for joint in &step.conditions {
            let wide = wide(binding, joint, false);
            conditions.push((place, wide));
        }
    }
    let mut exceptions = vec![];
    for (index, joint) in &steps.exceptions {
        let title = binding.rule.exceptions.get(*index).map_or_else(String::new, |e| e.title.clone());
        match whole(binding, joint, &format!("The exception \"{title}\"")) {
            None | Some(Wide::Const(false)) => {}
            Some(wide) => exceptions.push((*index, wide)),
        }
    }
    let mut flags = vec![];
    for flag in &steps.flags {
        if let Some(wide) = whole(binding, &flag.joint, &format!("The flag {}", flag.name)) {
            flags.push((flag.name.clone(), wide));
        }
    }
    (conditions, exceptions, flags)
}

/// An exception or flag: `None` if it was dropped as a whole, as its author allowed.
fn whole(binding: &mut Binding, joint: &Joint, what: &str) -> Option<Wide> {
    let before = binding.refused.len();
    let wide = wide(binding, joint, true);
    let mut spans = vec![];
    available(joint, &mut spans);
    let inside = |at: Span| spans.iter().any(|s| s.file == at.file && s.start <= at.start && at.end <= s.end);
    if binding.refused.len() > before && binding.refused.iter().skip(before).all(|u| inside(u.span)) {
        let why = reasons(binding.refused.drain(before..));
        binding.note(format!("{what} is left out: the target {why}."), true);
        return None;
    }
    Some(wide)
}

/// The parts that may go.
fn available(joint: &Joint, out: &mut Vec<Span>) {
    match joint {
        Joint::Const(_) => {}
        Joint::Not(inner) => available(inner, out),
        Joint::And(all) | Joint::Or(all) => all.iter().for_each(|j| available(j, out)),
        Joint::One(_, event) => event.each().for_each(|(_, pred)| crate::target::bind::available_spans(pred, out)),
        Joint::Equal(equal) => out.extend(equal.available),
        Joint::Droppable(_, span) => out.push(*span),
    }
}

fn wide(binding: &mut Binding, joint: &Joint, strict: bool) -> Wide {
    match joint {
        Joint::Const(value) => Wide::Const(*value),
        Joint::Not(inner) => wide(binding, inner, strict).not(),
        Joint::And(all) => Wide::and(all.iter().map(|j| wide(binding, j, strict)).collect()),
        Joint::Or(all) => Wide::or(all.iter().map(|j| wide(binding, j, strict)).collect()),
        Joint::One(step, event) => match binding.place(*step) {
            Some(place) => asked(binding, place, event, strict),
            None => Wide::Const(event.holds_on_nothing()),
        },
        Joint::Equal(e) => {
            let (Some(a), Some(b)) = (binding.place(e.left.step), binding.place(e.right.step)) else {
                return Wide::Const(false);
            };
            let (a, b) = (Node { place: a, field: e.left.field }, Node { place: b, field: e.right.field });
            let equal = |binding: &mut Binding| equal(binding, a, b, e.cased, e.span).unwrap_or(Wide::Const(false));
            match e.available.filter(|_| !strict) {
                Some(part) => may_go(binding, part, equal),
                None => equal(binding),
            }
        }
        Joint::Droppable(inner, _) if strict => wide(binding, inner, strict),
        Joint::Droppable(inner, part) => may_go(binding, *part, |binding| wide(binding, inner, strict)),
    }
}

/// A part that is left out where it cannot be said.
fn may_go(binding: &mut Binding, part: Span, make: impl FnOnce(&mut Binding) -> Wide) -> Wide {
    let before = binding.refused.len();
    let made = make(binding);
    if binding.refused.len() == before {
        return made;
    }
    binding.dropped.push(part);
    let why = reasons(binding.refused.drain(before..));
    binding.note(format!("A condition is left out, which may add alerts: the target {why}."), true);
    Wide::Const(true)
}

/// A condition on one step's event.
fn asked(binding: &mut Binding, place: usize, event: &OneEvent, strict: bool) -> Wide {
    let Some(step) = binding.steps.get(place) else { return Wide::Const(false) };
    let kinds: Vec<Kind> = step.sources.iter().map(|s| s.kind).collect();
    let (mut bound, mut notes, mut refused) = (vec![], vec![], vec![]);
    for source in &step.sources {
        let pred = known_of_source(event.of(source.kind), source.source, &source.os);
        let strict = strict && has_when_available(&pred);
        let (kind, os) = (source.kind, source.os.as_slice());
        let mut binder = Binder {
            target: binding.target,
            source: source.source,
            kind,
            kinds: &kinds,
            os,
            notes: vec![],
            refused: vec![],
            strict,
        };
        bound.push(binder.pred(&pred));
        notes.append(&mut binder.notes);
        refused.append(&mut binder.refused);
    }
    binding.notes.append(&mut notes);
    binding.refused.append(&mut refused);
    if let Some(Bound::Const(value)) = bound.first()
        && bound.iter().all(|b| *b == Bound::Const(*value))
        && *value == event.holds_on_nothing()
    {
        return Wide::Const(*value);
    }
    let Some(step) = binding.steps.get_mut(place) else { return Wide::Const(false) };
    let there = step.asked.iter().position(|a| a.bound == bound);
    let index = there.unwrap_or_else(|| {
        step.asked.push(Asked { bound, on_nothing: event.holds_on_nothing() });
        step.asked.len() - 1
    });
    Wide::Asked(place, index)
}

/// Two fields are equal; `None` after a refusal.
fn equal(binding: &mut Binding, a: Node, b: Node, cased: bool, span: Span) -> Option<Wide> {
    let mut sides: Vec<Vec<Carry>> = vec![];
    let mut shapes: Vec<Vec<By>> = vec![];
    for node in [a, b] {
        if !binding.comparable(node.place, node.field) {
            binding.refuse(span, "cannot compare parts of columns with each other");
            return None;
        }
        let Some(columns) = binding.columns(node.place, node.field) else {
            let why = lacks(binding, node);
            binding.refuse(span, why);
            return None;
        };
        shapes.push(columns.iter().map(|c| c.by).collect());
        let exact = |by: By| if cased && by == By::Name { By::Id } else { by };
        let field = |c: &super::Carried| matches!(c.what, What::Field(_));
        let columns =
            columns.into_iter().map(|c| super::Carried { by: if field(&c) { exact(c.by) } else { c.by }, ..c });
        let columns: Vec<_> = columns.collect();
        sides.push(columns.into_iter().map(|c| binding.carry(node.place, c)).collect());
    }
    if shapes.first() != shapes.last() {
        binding.refuse(span, "compares these by different columns");
        return None;
    }
    let (Some(left), Some(right)) = (sides.first(), sides.last()) else { return None };
    Some(Wide::and(left.iter().zip(right).map(|(a, b)| Wide::Equal(*a, *b)).collect()))
}
