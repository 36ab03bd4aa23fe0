//! Conditions that a query asks several times are computed once, in a column that is called what the source calls them:
//! `SevenZip`, `SevenZipCreates`, or the flag that they are.
//!
//! The columns stand in front of the first step that reads one, behind the filter on names, and are no part of the result.

use super::ast::{Expr, Step};
use std::collections::HashMap;
use std::hash::{Hash, Hasher};

/// What is shorter than this is better read in place.
const SHORTEST: usize = 40;
/// How many characters a column must spare.
const LEAST_SPARED: usize = 80;
/// A column's name is about as wide as this.
const NAME: usize = 12;

/// A condition that may become a column.
#[derive(Clone, Debug)]
pub struct Label {
    /// The column's name.
    pub name: String,
    /// The condition.
    pub expr: Expr,
    /// It is a column of the result: computed once wherever it is asked.
    pub flag: bool,
}

/// The steps with what stands more than once computed first. `labels` are conditions with names, flags first.
pub fn share(steps: Vec<Step>, labels: &[Label]) -> Vec<Step> {
    let (steps, labels) = grouped(steps, labels.to_vec());
    let mut graph = Graph::default();
    for expr in steps.iter().flat_map(expressions) {
        let id = graph.add(expr);
        graph.refer(id);
    }
    let mut names = Names { of_node: HashMap::new(), graph: &graph };
    for label in &labels {
        let Some(id) = graph.find(&label.expr) else { continue };
        let Some(node) = graph.nodes.get(id).filter(|_| !names.of_node.contains_key(&id)) else { continue };
        let spared = node.width.saturating_sub(NAME) * node.references.saturating_sub(1);
        let worth_it = label.flag || node.width >= SHORTEST && spared >= LEAST_SPARED;
        if node.sharable && node.references > 1 && worth_it && !names.of_node.values().any(|n| *n == label.name) {
            names.of_node.insert(id, label.name.clone());
        }
    }
    let first = steps.iter().position(|s| expressions(s).any(|e| names.has(e))).filter(|_| !names.of_node.is_empty());
    let columns = names.columns();
    let mut out = vec![];
    for (i, step) in steps.iter().enumerate() {
        if first == Some(i) {
            out.extend(columns.iter().cloned().map(Step::Extend));
        }
        out.extend(rewritten_step(step, &names));
    }
    out
}

/// A step with names for what is computed before it; `None`: nothing is left of it.
fn rewritten_step(step: &Step, names: &Names) -> Option<Step> {
    match step {
        Step::Where(expr) => Some(Step::Where(rewritten(expr, names, false))),
        Step::Extend(all) => {
            let all = all.iter().map(|(name, e)| (name.clone(), rewritten(e, names, false)));
            let all: Vec<(String, Expr)> = all.filter(|(name, e)| *e != Expr::Column(name.clone())).collect();
            (!all.is_empty()).then_some(Step::Extend(all))
        }
        other => Some(other.clone()),
    }
}

/// The conditions of a step.
fn expressions(step: &Step) -> Box<dyn Iterator<Item = &Expr> + '_> {
    match step {
        Step::Where(expr) => Box::new(std::iter::once(expr)),
        Step::Extend(all) => Box::new(all.iter().map(|(_, e)| e)),
        _ => Box::new(std::iter::empty()),
    }
}

/// Operands that together have a name become one operand, where that name is asked more than once.
fn grouped(mut steps: Vec<Step>, mut labels: Vec<Label>) -> (Vec<Step>, Vec<Label>) {
    let mut groups: Vec<Expr> = labels.iter().map(|l| l.expr.clone()).filter(|e| parts(e).is_some()).collect();
    groups.sort_by_key(|e| std::cmp::Reverse(width(e)));
    for group in groups {
        let found: usize = steps.iter().flat_map(expressions).map(|e| occurrences(e, &group)).sum();
        if found < 2 {
            continue;
        }
        let put = |expr: &mut Expr| expr.each_mut(&mut |e| gather(e, &group));
        for step in &mut steps {
            match step {
                Step::Where(expr) => put(expr),
                Step::Extend(all) => all.iter_mut().for_each(|(_, e)| put(e)),
                _ => {}
            }
        }
        labels.iter_mut().filter(|l| l.expr != group).for_each(|l| put(&mut l.expr));
    }
    (steps, labels)
}

/// The operands of a connective.
fn parts(expr: &Expr) -> Option<(&[Expr], bool)> {
    match expr {
        Expr::And(all) => Some((all, true)),
        Expr::Or(all) => Some((all, false)),
        _ => None,
    }
}

/// Whether a connective holds all operands of another one of its sort.
fn holds(expr: &Expr, group: &Expr) -> bool {
    match (parts(expr), parts(group)) {
        (Some((all, and)), Some((wanted, sort))) => and == sort && wanted.iter().all(|w| all.contains(w)),
        _ => false,
    }
}

fn occurrences(expr: &Expr, group: &Expr) -> usize {
    let inner: usize = match expr {
        Expr::And(all) | Expr::Or(all) => all.iter().map(|e| occurrences(e, group)).sum(),
        Expr::Not(inner) => occurrences(inner, group),
        _ => 0,
    };
    inner + usize::from(holds(expr, group))
}

fn gather(expr: &mut Expr, group: &Expr) {
    if expr == group || !holds(expr, group) {
        return;
    }
    let Some((wanted, _)) = parts(group) else { return };
    if let Expr::And(all) | Expr::Or(all) = expr {
        let place = all.iter().position(|e| wanted.contains(e)).unwrap_or(0);
        all.retain(|e| !wanted.contains(e));
        all.insert(place.min(all.len()), group.clone());
    }
}

/// An expression with names for what is computed before; `top`: the expression itself is what its name stands for.
fn rewritten(expr: &Expr, names: &Names, top: bool) -> Expr {
    if let (false, Some(name)) = (top, names.get(expr)) {
        return Expr::Column(name.clone());
    }
    // A group that got no name is no group.
    let each = |all: &[Expr]| all.iter().map(|e| rewritten(e, names, false)).collect::<Vec<_>>();
    match expr {
        Expr::And(operands) => {
            let flat = each(operands).into_iter().flat_map(|e| if let Expr::And(inner) = e { inner } else { vec![e] });
            Expr::And(flat.collect())
        }
        Expr::Or(operands) => {
            let flat = each(operands).into_iter().flat_map(|e| if let Expr::Or(inner) = e { inner } else { vec![e] });
            Expr::Or(flat.collect())
        }
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

    /// Whether an expression reads a column.
    fn has(&self, expr: &Expr) -> bool {
        self.get(expr).is_some()
            || match expr {
                Expr::And(all) | Expr::Or(all) => all.iter().any(|e| self.has(e)),
                Expr::Not(inner) => self.has(inner),
                _ => false,
            }
    }

    /// The columns: those of one step read none of each other.
    fn columns(&self) -> Vec<Vec<(String, Expr)>> {
        let mut levels: HashMap<&str, usize> = HashMap::new();
        let mut out: Vec<Vec<(String, Expr)>> = vec![];
        for (id, node) in self.graph.nodes.iter().enumerate() {
            let Some(name) = self.of_node.get(&id) else { continue };
            let made = rewritten(node.expr, self, true);
            let mut level = 0;
            let mut read = made.clone();
            read.each_mut(&mut |e| {
                if let Expr::Column(column) = e
                    && let Some(of) = levels.get(column.as_str())
                {
                    level = level.max(of + 1);
                }
            });
            levels.insert(name, level);
            if out.len() <= level {
                out.resize(level + 1, vec![]);
            }
            if let Some(step) = out.get_mut(level) {
                step.push((name.clone(), made));
            }
        }
        out
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

/// Regular expressions are told apart by their last piece; equality looks at all of them.
impl Hash for Key<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Key::And(ids) => (0_u8, ids).hash(state),
            Key::Or(ids) => (1_u8, ids).hash(state),
            Key::Not(id) => (2_u8, id).hash(state),
            Key::Leaf(Expr::Matches(value, pieces)) => {
                (3_u8, value, pieces.len(), pieces.iter().rev().find(|p| p.part.is_none())).hash(state);
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

    /// The node of an expression that is equal to one of the graph's.
    fn find(&self, expr: &'a Expr) -> Option<usize> {
        let each = |all: &'a [Expr]| all.iter().map(|e| self.find(e)).collect::<Option<Vec<_>>>();
        let key = match expr {
            Expr::And(all) => Key::And(each(all)?),
            Expr::Or(all) => Key::Or(each(all)?),
            Expr::Not(inner) => Key::Not(self.find(inner)?),
            leaf => Key::Leaf(leaf),
        };
        self.ids.get(&key).copied()
    }

    fn add(&mut self, expr: &'a Expr) -> usize {
        let (key, held) = match expr {
            Expr::And(all) => {
                let ids: Vec<usize> = all.iter().map(|e| self.add(e)).collect();
                (Key::And(ids.clone()), ids)
            }
            Expr::Or(all) => {
                let ids: Vec<usize> = all.iter().map(|e| self.add(e)).collect();
                (Key::Or(ids.clone()), ids)
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
        for id in held {
            self.refer(id);
        }
        let sharable = matches!(expr, Expr::And(_) | Expr::Or(_) | Expr::Not(_) | Expr::Matches(..) | Expr::In(..));
        let id = self.nodes.len();
        self.nodes.push(Node { expr, width: width(expr), references: 0, sharable });
        self.ids.insert(key, id);
        self.at.insert(address(expr), id);
        id
    }
}

/// About the width of an expression in print.
fn width(expr: &Expr) -> usize {
    let sum = |all: &[Expr]| all.iter().map(|e| width(e) + 2).sum::<usize>();
    match expr {
        Expr::Column(name) => name.len(),
        Expr::Text(text) => text.len() + 3,
        Expr::Number(_) | Expr::Bool(_) => 5,
        Expr::Time(_) => 20,
        Expr::Span(_) | Expr::All => 3,
        Expr::Null(ty) => ty.len() + 6,
        Expr::Item(list, _) => width(list) + 3,
        Expr::Call(name, all) => name.len() + 2 + sum(all),
        Expr::List(all) => 10 + sum(all),
        Expr::Binary(op, a, b) => width(a) + op.len() + 2 + width(b),
        Expr::In(op, a, all) => width(a) + op.len() + 4 + sum(all),
        Expr::Matches(a, pieces) => {
            let parts = pieces.iter().map(|p| p.part.map_or(p.text.len() + 5, |(name, _)| name.len() + 2));
            width(a) + parts.sum::<usize>() + 18
        }
        Expr::And(all) | Expr::Or(all) => sum(all) + 3 * all.len(),
        Expr::Not(inner) => width(inner) + 5,
    }
}

#[cfg(test)]
mod tests {
    use super::super::ast::Piece;
    use super::*;

    fn long(letter: char) -> Expr {
        Expr::Matches(Box::new(Expr::column("C")), vec![Piece::text(letter.to_string().repeat(200))])
    }

    fn label(name: &str, expr: Expr, flag: bool) -> Label {
        Label { name: name.to_owned(), expr, flag }
    }

    fn both() -> Expr {
        Expr::And(vec![long('a'), long('b')])
    }

    #[test]
    fn what_stands_twice_becomes_a_column_of_its_name_in_front_of_the_first_that_reads_it() {
        let steps = vec![
            Step::Where(long('c')),
            Step::Where(Expr::Or(vec![both(), long('c')])),
            Step::Extend(vec![("F".into(), Expr::Not(Box::new(both())))]),
        ];
        let out = share(steps, &[label("Both", both(), false), label("A", long('a'), false)]);
        let [Step::Where(first), Step::Extend(columns), Step::Where(second), Step::Extend(_)] = out.as_slice() else {
            panic!("{out:?}")
        };
        assert_eq!(*first, long('c'));
        assert_eq!(*columns, [("Both".to_owned(), both())]);
        assert_eq!(*second, Expr::Or(vec![Expr::column("Both"), long('c')]));
    }

    #[test]
    fn operands_that_have_a_name_together_are_found_among_others() {
        let with = |more: char| Expr::And(vec![long('a'), long(more), long('b')]);
        let out = share(vec![Step::Where(with('x')), Step::Where(with('y'))], &[label("Both", both(), false)]);
        assert!(matches!(&out[1], Step::Where(e) if *e == Expr::And(vec![Expr::column("Both"), long('x')])), "{out:?}");
    }

    #[test]
    fn a_flag_that_is_asked_is_computed_once_and_keeps_its_name() {
        let steps =
            vec![Step::Where(Expr::Or(vec![long('a'), long('b')])), Step::Extend(vec![("F".into(), long('a'))])];
        let out = share(steps, &[label("F", long('a'), true), label("Other", long('a'), false)]);
        let [Step::Extend(columns), Step::Where(_)] = out.as_slice() else { panic!("{out:?}") };
        assert_eq!(*columns, [("F".to_owned(), long('a'))]);
    }

    #[test]
    fn what_has_no_name_stands_where_it_is_asked() {
        let steps = || vec![Step::Where(both()), Step::Extend(vec![("F".into(), Expr::Not(Box::new(both())))])];
        assert_eq!(format!("{:?}", share(steps(), &[])), format!("{:?}", steps()));
    }

    #[test]
    fn a_column_stands_behind_those_that_it_reads() {
        let steps = vec![Step::Where(both()), Step::Where(Expr::Or(vec![both(), long('a')])), Step::Where(long('a'))];
        let out = share(steps, &[label("Both", both(), false), label("A", long('a'), false)]);
        let [Step::Extend(first), Step::Extend(second), ..] = out.as_slice() else { panic!("{out:?}") };
        assert_eq!(first[0].0, "A");
        assert_eq!(*second, [("Both".to_owned(), Expr::And(vec![Expr::column("A"), long('b')]))]);
    }
}
