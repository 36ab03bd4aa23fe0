//! Conditions, compiled: connectives over leaves, each different test and each different condition asked once of an event,
//! however many rules make it.

use super::Event;
use super::ask::Ask;
use super::prefilter::Needs;
use super::scratch::Scratch;
use crate::ir::{FieldRef, Op, Pred, Test};
use crate::source::Span;
use crate::vocabulary::FieldId;
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
    /// Conditions of several parts, wherever they are written, and their places among the answers.
    joined: HashMap<(Join, Vec<Same>), usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Join {
    And,
    Or,
}

/// What a condition is, apart from where it is written: the same of two that must have the same answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Same {
    Const(bool),
    Not(Box<Same>),
    Joined(usize),
    Leaf(usize),
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

    /// Another event begins.
    pub(super) fn begin(&self, scratch: &mut Scratch) {
        scratch.next(self.all.iter().map(|leaf| leaf.needy), self.joined.len());
    }

    /// The place of a condition's answer.
    fn place(&mut self, join: Join, parts: &[Node]) -> usize {
        let next = self.joined.len();
        *self.joined.entry((join, parts.iter().map(Node::same).collect())).or_insert(next)
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
    /// All of these; equal conditions have one place for their answer.
    And(Vec<Node>, usize),
    /// One of these; likewise.
    Or(Vec<Node>, usize),
    Leaf {
        index: usize,
        span: Span,
    },
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
                let place = leaves.place(Join::And, &all);
                Node::And(all, place)
            }
            Pred::Or(all) => {
                let all: Vec<Node> = all.iter().map(|p| Node::of(p, leaves)).collect();
                let place = leaves.place(Join::Or, &all);
                Node::Or(all, place)
            }
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
            Node::And(all, place) => scratch.joined(*place).unwrap_or_else(|| {
                let holds = all.iter().all(|n| n.holds(leaves, event, scratch));
                scratch.keep(*place, holds)
            }),
            Node::Or(all, place) => scratch.joined(*place).unwrap_or_else(|| {
                let holds = all.iter().any(|n| n.holds(leaves, event, scratch));
                scratch.keep(*place, holds)
            }),
            Node::Leaf { index, .. } => {
                let Some(leaf) = leaves.get(*index) else { return false };
                scratch.holds(*index, |texts| leaf.ask.holds(leaf.field, event, texts))
            }
        }
    }

    fn same(&self) -> Same {
        match self {
            Node::Const(value) => Same::Const(*value),
            Node::Not(inner) => Same::Not(Box::new(inner.same())),
            Node::And(_, place) | Node::Or(_, place) => Same::Joined(*place),
            Node::Leaf { index, .. } => Same::Leaf(*index),
        }
    }

    fn cost(&self, leaves: &[Leaf]) -> usize {
        match self {
            Node::Const(_) => 0,
            Node::Not(inner) => inner.cost(leaves),
            Node::And(all, _) | Node::Or(all, _) => all.iter().map(|n| n.cost(leaves)).sum(),
            Node::Leaf { index, .. } => leaves.get(*index).map_or(0, Leaf::cost),
        }
    }

    /// The tests that make it hold: of a conjunction all, of a disjunction those that hold; `true` marks one below a `not`.
    pub(super) fn held(&self, leaves: &[Leaf], event: &Event, scratch: &mut Scratch, out: &mut Vec<(Span, bool)>) {
        match self {
            Node::Const(_) => {}
            Node::Leaf { span, .. } => out.push((*span, false)),
            Node::And(all, _) => all.iter().for_each(|n| n.held(leaves, event, scratch, out)),
            Node::Or(all, _) => {
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
            Node::And(all, _) | Node::Or(all, _) => all.iter().for_each(|n| n.each_leaf(f)),
        }
    }
}
