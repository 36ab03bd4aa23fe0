//! Conditions, compiled: connectives over leaves, each different test once however many rules make it.

use super::Event;
use super::ask::Ask;
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
}

/// Leaves so far, and where each test's is.
#[derive(Debug, Default)]
pub(super) struct Leaves {
    pub(super) all: Vec<Leaf>,
    known: HashMap<(FieldRef, Op), usize>,
}

impl Leaves {
    /// The leaf of a test; `None`: it never holds.
    fn of(&mut self, field: FieldRef, op: &Op) -> Option<usize> {
        if let Some(index) = self.known.get(&(field, op.clone())) {
            return Some(*index);
        }
        let ask = Ask::of(field, op)?;
        self.all.push(Leaf { field: field.id, ask });
        self.known.insert((field, op.clone()), self.all.len() - 1);
        Some(self.all.len() - 1)
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
            Pred::And(all) => Node::And(all.iter().map(|p| Node::of(p, leaves)).collect()),
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
