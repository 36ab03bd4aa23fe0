//! Conditions that a query holds several times become columns that are computed once: `Shared1`, `Shared2`, …
//!
//! A rule over a group of utilities asks the same of a command line in its detection and in its flags; written out each
//! time, such a query would not fit into a Sentinel rule. The columns stand behind a cheap test that the whole
//! condition implies, so that they are computed for few rows, and are not part of the result.

use super::ast::{Expr, Step};
use crate::mutant::{Mutant, on};
use std::collections::HashMap;
use std::hash::{Hash, Hasher};

/// What is shorter than this is better read in place.
const SHORTEST: usize = 60;
/// How many characters a column must spare.
const LEAST_SPARED: usize = 150;
/// A shared column's name is about as wide as this.
const NAME: usize = 8;

/// Replaces what stands in `steps` more than once; the columns to compute first, each behind those that it reads.
pub fn share(steps: &mut [Step]) -> Vec<Step> {
    let mut graph = Graph::default();
    for expr in steps.iter().flat_map(expressions) {
        let id = graph.add(expr);
        graph.refer(id);
    }
    let mut names = Names { of_node: HashMap::new(), graph: &graph };
    for (id, node) in graph.nodes.iter().enumerate() {
        // A part that occurs only inside one shared part is referred to once.
        if node.sharable
            && node.width >= SHORTEST
            && node.width.saturating_sub(NAME) * node.references.saturating_sub(1) >= LEAST_SPARED
        {
            names.of_node.insert(id, format!("Shared{}", names.of_node.len() + 1));
        }
    }
    if names.of_node.is_empty() {
        return vec![];
    }
    let columns = graph.nodes.iter().enumerate().filter_map(|(id, node)| {
        let name = names.of_node.get(&id)?;
        Some(Step::Extend(vec![(name.clone(), rewritten(node.expr, &names, true))]))
    });
    let columns = columns.collect();
    let new: Vec<Vec<Expr>> =
        steps.iter().map(|s| expressions(s).map(|e| rewritten(e, &names, false)).collect()).collect();
    for (step, new) in steps.iter_mut().zip(new) {
        put(step, new);
    }
    columns
}

/// The conditions of a step.
fn expressions(step: &Step) -> Box<dyn Iterator<Item = &Expr> + '_> {
    match step {
        Step::Where(expr) => Box::new(std::iter::once(expr)),
        Step::Extend(all) => Box::new(all.iter().map(|(_, e)| e)),
        _ => Box::new(std::iter::empty()),
    }
}

fn put(step: &mut Step, new: Vec<Expr>) {
    let mut new = new.into_iter();
    match step {
        Step::Where(expr) => {
            if let Some(e) = new.next() {
                *expr = e;
            }
        }
        Step::Extend(all) => {
            for ((_, expr), e) in all.iter_mut().zip(new) {
                *expr = e;
            }
        }
        _ => {}
    }
}

/// An expression with names for what is shared; `top`: the expression itself is what its name stands for.
fn rewritten(expr: &Expr, names: &Names, top: bool) -> Expr {
    if let (false, Some(name)) = (top, names.get(expr)) {
        return Expr::Column(name.clone());
    }
    let all = |all: &[Expr]| all.iter().map(|e| rewritten(e, names, false)).collect();
    match expr {
        Expr::And(operands) => Expr::And(all(operands)),
        Expr::Or(operands) => Expr::Or(all(operands)),
        Expr::Not(inner) => Expr::Not(Box::new(rewritten(inner, names, false))),
        leaf => leaf.clone(),
    }
}

/// Names for what is shared.
struct Names<'g, 'a> {
    of_node: HashMap<usize, String>,
    graph: &'g Graph<'a>,
}

impl Names<'_, '_> {
    fn get(&self, expr: &Expr) -> Option<&String> {
        self.of_node.get(self.graph.at.get(&address(expr))?)
    }
}

/// Where a part lies: the conditions do not move while their graph lives.
fn address(expr: &Expr) -> usize {
    std::ptr::from_ref(expr).addr()
}

/// Every different part once.
#[derive(Default)]
struct Graph<'a> {
    /// Parts; what a part holds stands before it.
    nodes: Vec<Node<'a>>,
    ids: HashMap<Key<'a>, usize>,
    /// Nodes by the address of each part that they stand for.
    at: HashMap<usize, usize>,
}

struct Node<'a> {
    expr: &'a Expr,
    /// About its width in print.
    width: usize,
    /// How many different parts, and conditions, hold it.
    references: usize,
    sharable: bool,
}

/// What tells parts apart: connectives by what they hold, all else by itself.
#[derive(PartialEq, Eq)]
enum Key<'a> {
    And(Vec<usize>),
    Or(Vec<usize>),
    Not(usize),
    Leaf(&'a Expr),
}

/// Long texts are told apart by their lengths and ends; equality looks at all of them.
impl Hash for Key<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Key::And(ids) => (0_u8, ids).hash(state),
            Key::Or(ids) => (1_u8, ids).hash(state),
            Key::Not(id) => (2_u8, id).hash(state),
            Key::Leaf(Expr::Matches(value, pattern)) => {
                let tail = pattern.len().saturating_sub(24);
                let ends =
                    (pattern.len(), pattern.as_bytes().get(tail..), pattern.as_bytes().get(tail / 2..tail / 2 + 24));
                (3_u8, value, ends).hash(state);
            }
            Key::Leaf(leaf) => (4_u8, leaf).hash(state),
        }
    }
}

impl<'a> Graph<'a> {
    fn refer(&mut self, id: usize) {
        if let Some(node) = self.nodes.get_mut(id) {
            node.references += 1;
        }
    }

    fn add(&mut self, expr: &'a Expr) -> usize {
        let (key, held) = match expr {
            Expr::And(all) => {
                let ids: Vec<usize> = all.iter().map(|e| self.add(e)).collect();
                (Key::And(ids.clone()), ids)
            }
            Expr::Or(all) => {
                let ids: Vec<usize> = all.iter().map(|e| self.add(e)).collect();
                let key = if on(Mutant::KqlSharedMixed) { Key::And } else { Key::Or };
                (key(ids.clone()), ids)
            }
            Expr::Not(inner) => {
                let id = self.add(inner);
                (Key::Not(id), vec![id])
            }
            leaf => (Key::Leaf(leaf), vec![]),
        };
        if let Some(id) = self.ids.get(&key).copied() {
            self.at.insert(address(expr), id);
            return id;
        }
        let mut width = leaf_width(expr);
        for id in &held {
            self.refer(*id);
            width += self.nodes.get(*id).map_or(0, |n| n.width) + 5;
        }
        let sharable = matches!(expr, Expr::And(_) | Expr::Or(_) | Expr::Not(_) | Expr::Matches(..) | Expr::In(..));
        let id = self.nodes.len();
        self.nodes.push(Node { expr, width, references: 0, sharable });
        self.ids.insert(key, id);
        self.at.insert(address(expr), id);
        id
    }
}

/// The width of what holds no connective.
fn leaf_width(expr: &Expr) -> usize {
    let sum = |all: &[Expr]| all.iter().map(|e| leaf_width(e) + 2).sum::<usize>();
    match expr {
        Expr::Column(name) => name.len(),
        Expr::Text(text) => text.len() + 3,
        Expr::Number(_) | Expr::Bool(_) => 5,
        Expr::Time(_) => 20,
        Expr::Span(_) | Expr::All => 3,
        Expr::Null(ty) => ty.len() + 6,
        Expr::Item(list, _) => leaf_width(list) + 3,
        Expr::Call(name, all) => name.len() + 2 + sum(all),
        Expr::Binary(op, a, b) => leaf_width(a) + op.len() + 2 + leaf_width(b),
        Expr::In(op, a, all) => leaf_width(a) + op.len() + 4 + sum(all),
        Expr::Matches(a, pattern) => leaf_width(a) + pattern.len() + 18,
        Expr::And(_) | Expr::Or(_) | Expr::Not(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn long(letter: char) -> Expr {
        Expr::Matches(Box::new(Expr::Column("C".into())), letter.to_string().repeat(200))
    }

    #[test]
    fn what_stands_twice_becomes_a_column_and_its_parts_do_not() {
        let both = || Expr::And(vec![long('a'), long('b')]);
        let mut steps = vec![Step::Where(both()), Step::Extend(vec![("F".into(), Expr::Not(Box::new(both())))])];
        let columns = share(&mut steps);
        let [Step::Extend(only)] = columns.as_slice() else { panic!("{columns:?}") };
        assert_eq!(*only, [("Shared1".to_owned(), both())]);
        let Step::Where(left) = &steps[0] else { panic!() };
        assert_eq!(*left, Expr::Column("Shared1".into()));
    }

    #[test]
    fn a_column_stands_behind_those_that_it_reads() {
        let both = || Expr::And(vec![long('a'), long('b')]);
        let mut steps =
            vec![Step::Where(both()), Step::Where(Expr::Or(vec![both(), long('a')])), Step::Where(long('a'))];
        let columns = share(&mut steps);
        let names: Vec<String> = columns
            .iter()
            .map(|c| {
                if let Step::Extend(all) = c {
                    format!("{:?}", all[0].1).chars().take(30).collect()
                } else {
                    String::new()
                }
            })
            .collect();
        assert_eq!(columns.len(), 2, "{names:?}");
        let Step::Extend(second) = &columns[1] else { panic!() };
        assert_eq!(second[0].1, Expr::And(vec![Expr::Column("Shared1".into()), long('b')]));
    }
}
