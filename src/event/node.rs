//! Conditions, compiled: connectives over leaves, each different test once however many rules make it.

use super::Event;
use super::ask::Ask;
use super::prefilter::Needs;
use super::scratch::Scratch;
use crate::ir::{FieldRef, Op, Pred, Test};
use crate::sema::FieldId;
use crate::source::Span;
use std::collections::HashMap;

/// A test of one field.
#[derive(Debug)]
pub(super) struct Leaf {
    pub(super) field: FieldId,
    pub(super) ask: Ask,
    /// It cannot hold unless the prefilter has found a text that it needs.
    pub(super) needy: bool,
}

impl Leaf {
    /// What asking costs, by a rough guess.
    fn cost(&self) -> usize {
        match &self.ask {
            // What a text is needed for is asked of few events.
            Ask::Patterns { regexes, .. } if self.needy => 15 * regexes.len(),
            Ask::Patterns { regexes, .. } => 75 * regexes.len(),
            _ => 1,
        }
    }
}

/// Leaves so far, and where each test's is.
#[derive(Debug, Default)]
pub(super) struct Leaves {
    pub(super) all: Vec<Leaf>,
    /// What some need, by their index: a prefilter tells that cheaper than they themselves.
    pub(super) needs: Vec<(usize, Needs)>,
    known: HashMap<(FieldRef, Op), usize>,
}

impl Leaves {
    /// The leaf of a test; `None`: it never holds.
    fn of(&mut self, field: FieldRef, op: &Op) -> Option<usize> {
        if let Some(index) = self.known.get(&(field, op.clone())) {
            return Some(*index);
        }
        let ask = Ask::of(field, op)?;
        let index = self.all.len();
        let needs = Needs::of_op(field.id, op).filter(|needs| matches!(op, Op::Text(_)) && needs.is_rare());
        self.all.push(Leaf { field: field.id, ask, needy: needs.is_some() });
        self.needs.extend(needs.map(|needs| (index, needs)));
        self.known.insert((field, op.clone()), index);
        Some(index)
    }

    /// Leaves of other fields are asked without looking for what they need.
    pub(super) fn prefilter_only(&mut self, looked_up: impl Fn(FieldId) -> bool) {
        let Leaves { all, needs, .. } = self;
        all.iter_mut().for_each(|leaf| leaf.needy &= looked_up(leaf.field));
        needs.retain(|(index, _)| all.get(*index).is_some_and(|leaf| leaf.needy));
    }
}

/// A condition.
#[derive(Debug)]
pub(super) enum Node {
    Const(bool),
    Not(Box<Node>),
    And(Vec<Node>),
    Or(Vec<Node>),
    Leaf { index: usize, span: Span },
}

impl Node {
    pub(super) fn of(pred: &Pred, leaves: &mut Leaves) -> Node {
        match pred {
            Pred::Const(value) => Node::Const(*value),
            Pred::Not(inner) => Node::Not(Box::new(Node::of(inner, leaves))),
            Pred::And(all) => {
                let mut all: Vec<Node> = all.iter().map(|p| Node::of(p, leaves)).collect();
                // What is cheap decides first.
                all.sort_by_cached_key(|node| node.cost(&leaves.all));
                Node::And(all)
            }
            Pred::Or(all) => Node::Or(all.iter().map(|p| Node::of(p, leaves)).collect()),
            Pred::Droppable { pred, .. } => Node::of(pred, leaves),
            Pred::Test(Test { field, op, span }) => match leaves.of(*field, op) {
                Some(index) => Node::Leaf { index, span: *span },
                None => Node::Const(false),
            },
        }
    }

    pub(super) fn holds(&self, leaves: &[Leaf], event: &Event, scratch: &mut Scratch) -> bool {
        match self {
            Node::Const(value) => *value,
            Node::Not(inner) => !inner.holds(leaves, event, scratch),
            Node::And(all) => all.iter().all(|n| n.holds(leaves, event, scratch)),
            Node::Or(all) => all.iter().any(|n| n.holds(leaves, event, scratch)),
            Node::Leaf { index, .. } => scratch.holds(leaves, *index, event),
        }
    }

    fn cost(&self, leaves: &[Leaf]) -> usize {
        match self {
            Node::Const(_) => 0,
            Node::Not(inner) => inner.cost(leaves),
            Node::And(all) | Node::Or(all) => all.iter().map(|n| n.cost(leaves)).sum(),
            Node::Leaf { index, .. } => leaves.get(*index).map_or(0, Leaf::cost),
        }
    }

    /// The tests that make it hold: of a conjunction all, of a disjunction those that hold; `true` marks one below a `not`.
    pub(super) fn held(&self, leaves: &[Leaf], event: &Event, scratch: &mut Scratch, out: &mut Vec<(Span, bool)>) {
        match self {
            Node::Const(_) => {}
            Node::Leaf { span, .. } => out.push((*span, false)),
            Node::And(all) => all.iter().for_each(|n| n.held(leaves, event, scratch, out)),
            Node::Or(all) => {
                for node in all {
                    if node.holds(leaves, event, scratch) {
                        node.held(leaves, event, scratch, out);
                    }
                }
            }
            Node::Not(inner) => inner.each_leaf(&mut |span| out.push((span, true))),
        }
    }

    fn each_leaf(&self, f: &mut impl FnMut(Span)) {
        match self {
            Node::Const(_) => {}
            Node::Leaf { span, .. } => f(*span),
            Node::Not(inner) => inner.each_leaf(f),
            Node::And(all) | Node::Or(all) => all.iter().for_each(|n| n.each_leaf(f)),
        }
    }
}
