//! Atoms: the single questions of a rule, each once, in the form in which a value can be made for them.

use super::budget::Budget;
use super::machine::Machine;
use super::pattern::{Pattern, equal};
use super::search::Searches;
use crate::event::{Event, Value};
use crate::ir::{self, Matcher, Op, Pred};
use crate::source::Span;
use crate::syntax::ast::Order;
use crate::vocabulary::{FieldId, Type};
use std::cell::RefCell;
use std::collections::HashMap;
use std::net::IpAddr;
use std::rc::Rc;

/// One question about one field.
#[derive(Debug)]
pub struct Atom {
    /// The field.
    pub field: FieldId,
    /// What is asked.
    pub ask: Ask,
    /// Where it was written.
    pub span: Span,
    test: ir::Test,
}

/// What an atom asks.
#[derive(Debug)]
pub enum Ask {
    /// The event has the field.
    Present,
    /// It is true.
    True,
    /// Its number lies in one of these ranges, ends included.
    Number(Vec<(i64, i64)>),
    /// It is one of these words.
    Word(Vec<&'static str>),
    /// It equals another field.
    Same {
        /// The other field.
        other: FieldId,
        /// Letters' case counts.
        cased: bool,
    },
    /// Its address lies in one of these ranges, ends included.
    Address(Vec<(u128, u128)>),
    /// Its text matches.
    Text(Box<Pattern>),
}

/// An atom that must hold, or must not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Lit {
    /// Its place in [`Atoms`].
    pub atom: usize,
    /// It must hold.
    pub positive: bool,
}

impl Atom {
    /// The first value of its list.
    #[must_use]
    pub fn first_value(&self) -> Option<&str> {
        match &self.ask {
            Ask::Text(pattern) => pattern.forms.first()?.value.as_deref(),
            _ => None,
        }
    }
}

impl Lit {
    /// The opposite.
    #[must_use]
    pub fn flipped(self) -> Lit {
        Lit { positive: !self.positive, ..self }
    }
}

/// A condition over atoms, with negations at the atoms only.
#[derive(Clone, Debug)]
pub enum Tree {
    /// Always, or never.
    Const(bool),
    /// One atom.
    Lit(Lit),
    /// All of these.
    And(Vec<Tree>),
    /// Any of these.
    Or(Vec<Tree>),
}

/// All atoms of a rule.
#[derive(Debug, Default)]
pub struct Atoms {
    all: Vec<Atom>,
    machines: RefCell<HashMap<String, Option<Rc<Machine>>>>,
    /// Searches with these machines.
    pub searches: Searches,
    /// What all of this may cost.
    pub budget: Budget,
}

impl Atoms {
    /// None yet.
    #[must_use]
    pub fn new(budget: &Budget) -> Atoms {
        Atoms { budget: budget.clone(), ..Atoms::default() }
    }

    /// An atom.
    #[must_use]
    pub fn get(&self, lit: Lit) -> Option<&Atom> {
        self.all.get(lit.atom)
    }

    /// Takes a condition in.
    pub fn tree(&mut self, pred: &Pred, positive: bool) -> Tree {
        match pred {
            Pred::Const(value) => Tree::Const(*value == positive),
            Pred::Not(inner) => self.tree(inner, !positive),
            Pred::Droppable { pred, .. } => self.tree(pred, positive),
            Pred::And(all) | Pred::Or(all) => {
                let parts = all.iter().map(|p| self.tree(p, positive)).collect();
                if matches!(pred, Pred::And(_)) == positive { Tree::And(parts) } else { Tree::Or(parts) }
            }
            Pred::Test(test) => {
                let each: Vec<Tree> = singles(test)
                    .into_iter()
                    .map(|test| match self.add(test) {
                        Some(atom) => Tree::Lit(Lit { atom, positive }),
                        None => Tree::Const(!positive),
                    })
                    .collect();
                if positive { Tree::And(each) } else { Tree::Or(each) }
            }
        }
    }

    fn add(&mut self, test: ir::Test) -> Option<usize> {
        if let Some(i) = self.all.iter().position(|a| a.test.field == test.field && a.test.op == test.op) {
            return Some(i);
        }
        let ask = ask(&test)?;
        self.all.push(Atom { field: test.field.id, ask, span: test.span, test });
        Some(self.all.len() - 1)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether any atom asks about a field.
    #[must_use]
    pub fn ask_about(&self, field: FieldId) -> bool {
        self.all.iter().any(|a| a.field == field || matches!(a.ask, Ask::Same { other, .. } if other == field))
    }

    /// A machine, built once.
    pub fn machine(&self, pattern: &str) -> Option<Rc<Machine>> {
        if let Some(made) = self.machines.borrow().get(pattern) {
            return made.clone();
        }
        let made = Machine::new(pattern, &self.budget).map(Rc::new);
        self.machines.borrow_mut().insert(pattern.to_owned(), made.clone());
        made
    }

    /// Whether an atom is as `lit` says in an event.
    #[must_use]
    pub fn holds(&self, lit: Lit, event: &Event) -> bool {
        let Some(atom) = self.get(lit) else { return false };
        event.get(atom.field).is_some_and(|value| self.asks(atom, value, event)) == lit.positive
    }

    fn asks(&self, atom: &Atom, value: &Value, event: &Event) -> bool {
        match (&atom.ask, value) {
            (Ask::Present, _) => true,
            (Ask::True, Value::Bool(value)) => *value,
            (Ask::Number(ranges), Value::Number(n)) => ranges.iter().any(|(from, to)| (from..=to).contains(&n)),
            (Ask::Word(words), Value::Text(text)) => words.contains(&&**text),
            (Ask::Address(ranges), Value::Text(text)) => address(text).is_some_and(|a| within(ranges, a)),
            (Ask::Text(pattern), Value::Text(text)) => pattern.is_in(text, self),
            (Ask::Same { other, cased }, value) => match (value, event.get(*other)) {
                (Value::Text(a), Some(Value::Text(b))) => {
                    let pattern = equal(a, *cased, atom.field.def().ty);
                    self.machine(&pattern).is_some_and(|m| m.is_in(b))
                }
                (a, Some(b)) => a == b,
                (_, None) => false,
            },
            _ => false,
        }
    }

    /// The part of a condition that holds in an event: literals that together make it true. `None`: it does not hold.
    #[must_use]
    pub fn reason(&self, tree: &Tree, event: &Event) -> Option<Vec<Lit>> {
        match tree {
            Tree::Const(value) => value.then(Vec::new),
            Tree::Lit(lit) => self.holds(*lit, event).then(|| vec![*lit]),
            Tree::And(all) => {
                let parts = all.iter().map(|t| self.reason(t, event)).collect::<Option<Vec<_>>>()?;
                Some(parts.concat())
            }
            Tree::Or(all) => all.iter().find_map(|t| self.reason(t, event)),
        }
    }
}

/// Whether an address lies in some ranges.
#[must_use]
pub fn within(ranges: &[(u128, u128)], address: u128) -> bool {
    ranges.iter().any(|(from, to)| (from..=to).contains(&&address))
}

/// An address as a number; one of IPv4 lies where IPv6 maps it.
#[must_use]
pub fn address(text: &str) -> Option<u128> {
    Some(match text.parse().ok()? {
        IpAddr::V4(four) => V4 + u128::from(u32::from(four)),
        IpAddr::V6(six) => u128::from(six),
    })
}

/// Where IPv6 maps the addresses of IPv4.
pub const V4: u128 = 0xffff_0000_0000;

fn network(text: &str) -> Option<(u128, u128)> {
    let (base, bits) = text.split_once('/')?;
    let bits: u32 = bits.parse().ok()?;
    let bits = if base.contains(':') { bits } else { bits + 96 };
    let free = u128::MAX.checked_shr(bits.min(128)).unwrap_or(0);
    let from = address(base)? & !free;
    Some((from, from | free))
}

/// A test of each of several texts is several tests.
fn singles(test: &ir::Test) -> Vec<ir::Test> {
    let Op::Text(text) = &test.op else { return vec![test.clone()] };
    let one = |matcher| {
        let op = Op::Text(ir::Text { matcher, all: false, cased: text.cased });
        ir::Test { field: test.field, op, span: test.span }
    };
    let each = |values: &[String], made: fn(Vec<String>) -> Matcher| {
        values.iter().map(|v| one(made(vec![v.clone()]))).collect()
    };
    match &text.matcher {
        _ if !text.all => vec![test.clone()],
        Matcher::Contains(values) => each(values, Matcher::Contains),
        Matcher::StartsWith(values) => each(values, Matcher::StartsWith),
        Matcher::EndsWith(values) => each(values, Matcher::EndsWith),
        Matcher::Like(globs) => globs.iter().map(|g| one(Matcher::Like(vec![g.clone()]))).collect(),
        other => vec![one(other.clone())],
    }
}

/// `None`: it never holds.
fn ask(test: &ir::Test) -> Option<Ask> {
    let ty = test.field.id.def().ty;
    Some(match &test.op {
        Op::Exists => Ask::Present,
        Op::IsTrue => Ask::True,
        Op::Order(Order::AtLeast, n) => Ask::Number(vec![(*n, i64::MAX)]),
        Op::Order(Order::More, n) => Ask::Number(vec![(n.checked_add(1)?, i64::MAX)]),
        Op::Order(Order::AtMost, n) => Ask::Number(vec![(i64::MIN, *n)]),
        Op::Order(Order::Less, n) => Ask::Number(vec![(i64::MIN, n.checked_sub(1)?)]),
        Op::Number(all) => Ask::Number(all.iter().map(|n| (*n, *n)).collect()),
        Op::Word(words) => Ask::Word(words.clone()),
        Op::Same { other, cased } => Ask::Same { other: other.id, cased: *cased },
        Op::Cidr(all) => Ask::Address(all.iter().filter_map(|n| network(n)).collect()),
        Op::Text(text) => match &text.matcher {
            Matcher::Exact(values) if ty == Type::Ip => {
                Ask::Address(values.iter().filter_map(|v| address(v)).map(|a| (a, a)).collect())
            }
            _ => Ask::Text(Box::new(Pattern::new(text, ty))),
        },
    })
}
