//! Equalities become classes: all columns that must be equal in a match, whatever chain of equalities says so.

use super::bind::Binding;
use super::{Carry, Class, StepSource, What};
use crate::ir::{Equal, Role, Steps};
use crate::source::Span;
use crate::vocabulary::{FieldId, Type};

/// A field of a step in the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Node {
    pub place: usize,
    pub field: FieldId,
}

/// Fields that are equal in a match.
#[derive(Default)]
struct Draft {
    /// Fields that must have a value, with where the equality is written.
    strict: Vec<(Node, Span)>,
    /// Fields that may lack one, since only an optional step or a `without` is compared with them.
    lax: Vec<(Node, Span)>,
}

impl Draft {
    fn has(&self, node: Node) -> bool {
        self.all().any(|(n, _)| n == node)
    }

    fn all(&self) -> impl Iterator<Item = (Node, Span)> {
        self.strict.iter().chain(&self.lax).copied()
    }

    fn has_step(&self, place: usize) -> bool {
        self.all().any(|(n, _)| n.place == place)
    }
}

/// An equality that stays a condition.
pub(super) struct Left {
    /// The step that it belongs to.
    pub place: usize,
    pub a: Node,
    pub b: Node,
    pub cased: bool,
    pub span: Span,
}

/// The classes of a rule, and the equalities that stay conditions.
pub(super) fn classes(binding: &mut Binding, steps: &Steps) -> (Vec<Class>, Vec<Left>) {
    let (mut drafts, mut left) = (vec![], vec![]);
    for key in binding.keys() {
        let nodes = (0..binding.steps.len()).map(|place| (Node { place, field: key.field }, key.span));
        drafts.push(Draft { strict: nodes.collect(), lax: vec![] });
    }
    // Optional steps and `without`s are compared with classes that the required steps have made.
    for required in [true, false] {
        for (index, step) in steps.steps.iter().enumerate() {
            if (step.role == Role::Required) != required {
                continue;
            }
            for equal in &step.equalities {
                let (Some(a), Some(b)) = (binding.place(index), binding.place(equal.right.step)) else { continue };
                let (a, b) = (Node { place: a, field: equal.left.field }, Node { place: b, field: equal.right.field });
                if dropped(binding, equal, [a, b]) {
                    continue;
                }
                let plain =
                    !equal.cased && binding.comparable(a.place, a.field) && binding.comparable(b.place, b.field);
                if !plain || !add(&mut drafts, a, b, required, equal.span) {
                    left.push(Left { place: a.place, a, b, cased: equal.cased, span: equal.span });
                }
            }
        }
    }
    let mut out = vec![];
    for draft in drafts {
        finish(binding, draft, &mut out, &mut left);
    }
    (out, left)
}

/// Whether an equality is left out, as its author allowed.
fn dropped(binding: &mut Binding, equal: &Equal, nodes: [Node; 2]) -> bool {
    let lacking = nodes.iter().find(|n| binding.columns(n.place, n.field).is_none()).copied();
    if let (Some(node), Some(part)) = (lacking, equal.available) {
        binding.dropped.push(part);
        let why = lacks(binding, node);
        binding.note(format!("A condition is left out, which may add alerts: the target {why}."), true);
        return true;
    }
    false
}

/// What a target says of a field that a step's events lack.
pub(super) fn lacks(binding: &Binding, node: Node) -> String {
    let mut different: Vec<&str> = vec![];
    for step in binding.steps.get(node.place).into_iter().flat_map(|s| &s.sources) {
        // What other events of the kind have is the log source's to lack.
        let (field, of_kind) = (node.field, step.kind);
        let there =
            binding.target.mapping(field, of_kind).is_some() || binding.target.identity(field, of_kind).is_some();
        let word = step.source.word().filter(|_| there).unwrap_or_else(|| of_kind.word());
        if !different.contains(&word) {
            different.push(word);
        }
    }
    let events = different.join(" or ");
    let number = FieldId::find(&format!("{}.pid", node.field.short()));
    let numbered = |step: &StepSource| {
        let target = binding.target;
        target.identity(node.field, step.kind).is_none()
            && number.is_some_and(|n| target.mapping(n, step.kind).is_some())
    };
    if binding.steps.get(node.place).is_some_and(|s| s.sources.iter().all(numbered)) {
        let what = if node.field.short() == "parent" { "the parent process" } else { "the process" };
        return format!("knows {what} in {events} events by its number alone, which is used again");
    }
    lacks_in(&events, node.field)
}

fn lacks_in(events: &str, field: FieldId) -> String {
    let what = match (field.def().ty, field.short()) {
        (Type::Identity, "host") => "columns that identify the host".to_owned(),
        (Type::Identity, "user") => "columns that identify the user".to_owned(),
        (Type::Identity, "parent") => "columns that identify the parent process for good".to_owned(),
        (Type::Identity, _) => "columns that identify the process for good".to_owned(),
        (_, name) => format!("`{name}`"),
    };
    format!("has no {what} in {events} events")
}

/// Adds an equality to the drafts; `false` if it must stay a condition.
fn add(drafts: &mut Vec<Draft>, a: Node, b: Node, required: bool, span: Span) -> bool {
    let find = |drafts: &[Draft], node: Node| drafts.iter().position(|d| d.has(node));
    if !required {
        match find(drafts, b).and_then(|i| drafts.get_mut(i)) {
            Some(draft) if draft.has(a) => {}
            Some(draft) if draft.has_step(a.place) => return false,
            Some(draft) => draft.strict.push((a, span)),
            None => drafts.push(Draft { strict: vec![(a, span)], lax: vec![(b, span)] }),
        }
        return true;
    }
    match (find(drafts, a), find(drafts, b)) {
        (Some(i), Some(j)) if i != j => {
            let merged = drafts.remove(i.max(j));
            if let Some(draft) = drafts.get_mut(i.min(j)) {
                draft.strict.extend(merged.strict);
                draft.lax.extend(merged.lax);
            }
        }
        (Some(_), Some(_)) => {}
        (Some(i), None) | (None, Some(i)) => {
            let new = if drafts.get(i).is_some_and(|d| d.has(a)) { b } else { a };
            if let Some(draft) = drafts.get_mut(i) {
                draft.strict.push((new, span));
            }
        }
        (None, None) => drafts.push(Draft { strict: vec![(a, span), (b, span)], lax: vec![] }),
    }
    true
}

/// One class for each column of a draft.
fn finish(binding: &mut Binding, draft: Draft, out: &mut Vec<Class>, left: &mut Vec<Left>) {
    let mut members: Vec<(Node, Span, bool)> = vec![];
    let strict = draft.strict.iter().map(|(n, s)| (*n, *s, true));
    for (node, span, strict) in strict.chain(draft.lax.iter().map(|(n, s)| (*n, *s, false))) {
        match members.iter().find(|(n, ..)| n.place == node.place) {
            // Two fields of one event that must be equal: the event itself is asked.
            Some((first, ..)) if *first != node => {
                left.push(Left { place: node.place, a: node, b: *first, cased: false, span });
            }
            Some(_) => {}
            None => members.push((node, span, strict)),
        }
    }
    members.sort_by_key(|(n, ..)| n.place);
    let mut columns: Vec<Vec<Carry>> = vec![];
    let mut shape: Option<Vec<super::By>> = None;
    for (node, span, strict) in &members {
        let Some(carried) = required_columns(binding, *node, *span, *strict) else { return };
        let by: Vec<super::By> = carried.iter().map(|c| c.by).collect();
        if shape.get_or_insert_with(|| by.clone()) != &by {
            binding.refuse(*span, "compares these by different columns");
            return;
        }
        columns.push(carried.into_iter().map(|c| binding.carry(node.place, c)).collect());
    }
    let lax: Vec<usize> = members.iter().filter(|(.., strict)| !strict).map(|(n, ..)| n.place).collect();
    for (i, by) in shape.unwrap_or_default().into_iter().enumerate() {
        let carries: Vec<Carry> = columns.iter().filter_map(|c| c.get(i)).copied().collect();
        // What shares a column with another class is equal to all of that one: hosts of several processes, for one.
        let fits = |class: &Class| {
            let no_other = carries.iter().all(|c| class.of(c.step).is_none_or(|there| there == *c));
            class.by == by && class.lax.is_empty() && no_other && carries.iter().any(|c| class.of(c.step) == Some(*c))
        };
        if let Some(class) = out.iter_mut().find(|class| lax.is_empty() && fits(class)) {
            class.members.extend(carries.iter().filter(|c| class.of(c.step).is_none()).copied().collect::<Vec<_>>());
            class.members.sort_by_key(|c| c.step);
            continue;
        }
        let (name, selective) = named(binding, carries.first().copied());
        out.push(Class { name, by, selective, members: carries, lax: lax.clone() });
    }
}

/// The columns of a member. Sources that lack a strict one go; a step that lacks it everywhere is refused.
pub(super) fn required_columns(
    binding: &mut Binding,
    node: Node,
    span: Span,
    strict: bool,
) -> Option<Vec<super::Carried>> {
    let Some(columns) = binding.columns(node.place, node.field) else {
        let why = lacks(binding, node);
        binding.refuse(span, why);
        return None;
    };
    let gone: Vec<usize> = columns
        .first()
        .map(|c| c.columns.iter().enumerate().filter(|(_, c)| c.is_none()).map(|(i, _)| i).collect())
        .unwrap_or_default();
    if !strict || gone.is_empty() {
        return Some(columns);
    }
    let source = |place: usize| binding.steps.get(node.place)?.sources.get(place);
    // Its events are what the author asks for by a field's word, such as `file.action`: nobody allowed to lose them.
    let alone = gone.iter().filter_map(|i| source(*i)).find(|s| {
        let of_kind = binding.steps.get(node.place).into_iter().flat_map(|step| step.sources.iter().enumerate());
        of_kind.filter(|(_, other)| other.kind == s.kind).any(|(i, _)| !gone.contains(&i))
    });
    if let Some(place) = alone.map(|s| s.source.word().unwrap_or_else(|| s.kind.word())) {
        let why = lacks_in(place, node.field);
        binding.refuse(span, why);
        return None;
    }
    for place in &gone {
        let kind = binding.steps.get(node.place).and_then(|s| s.sources.get(*place)).map_or("", |s| s.kind.word());
        let text = format!("{kind} events have no `{}` here: none of them is part of a match.", node.field.short());
        binding.note(text, false);
    }
    binding.without_sources(node.place, &gone);
    binding.columns(node.place, node.field)
}

/// A class is called after its first member; whether it is of a process.
fn named(binding: &Binding, first: Option<Carry>) -> (String, bool) {
    let carried = first.and_then(|c| binding.steps.get(c.step)?.carried.get(c.column));
    let Some(carried) = carried else { return (String::new(), false) };
    let column = carried.columns.iter().flatten().next().map_or("", |c| c.name.as_str());
    match carried.what {
        What::Part(field, _) => (column.to_owned(), matches!(field.short(), "process" | "parent")),
        What::Field(field) => (field.short().to_owned(), field.short().ends_with(".entity_id")),
    }
}
