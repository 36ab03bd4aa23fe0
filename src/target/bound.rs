//! Conditions over columns, flattened and shortened as they are put together.

use super::Scalar;
use super::column::Column;
use crate::ir::pattern::{Glob, Part};
use crate::ir::{Distinct, Matcher, Regex, Text};
use crate::source::Span;
use crate::syntax::ast::Order;
use std::collections::{HashMap, HashSet};
use std::hash::{Hash, Hasher};
use std::mem::{Discriminant, discriminant};

/// A condition over columns.
#[derive(Clone, Debug, PartialEq)]
pub enum Bound {
    /// Always, or never.
    Const(bool),
    /// Not this.
    Not(Box<Bound>),
    /// All of these.
    And(Vec<Bound>),
    /// Any of these.
    Or(Vec<Bound>),
    /// One test of one column.
    Test(BoundTest),
}

/// One test of one column.
#[derive(Clone, Debug, PartialEq)]
pub struct BoundTest {
    /// The column.
    pub column: Column,
    /// What is asked of it.
    pub op: BoundOp,
    /// Where it was written.
    pub span: Span,
}

/// What a test asks of a column.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum BoundOp {
    /// It holds a value: not nothing, not empty, no filler.
    Exists,
    /// A number compares so.
    Order(Order, i64),
    /// It is one of these values.
    In(Vec<Scalar>),
    /// It equals another column.
    Same(Column, bool),
    /// An address lies in one of these networks.
    Cidr(Vec<String>),
    /// Text matches.
    Text(Text),
}

impl Bound {
    fn join(all: Vec<Bound>, and: bool) -> Bound {
        let mut out = Distinct::default();
        for bound in all {
            let inner = match (bound, and) {
                (Bound::And(all), true) | (Bound::Or(all), false) => all,
                (other, _) => vec![other],
            };
            for bound in inner {
                match bound {
                    Bound::Const(value) if value == and => {}
                    Bound::Const(value) => return Bound::Const(value),
                    other => out.add(other, |hasher, bound| bound.feed(hasher), Bound::same),
                }
            }
        }
        let mut out = if and { out.all } else { merged(out.all) };
        match out.len() {
            0 => Bound::Const(and),
            1 => out.pop().unwrap_or(Bound::Const(and)),
            _ if and => Bound::And(out),
            _ => Bound::Or(out),
        }
    }

    /// Equal but for the places in the source.
    #[must_use]
    pub fn same(&self, other: &Bound) -> bool {
        match (self, other) {
            (Bound::Test(a), Bound::Test(b)) => a.column == b.column && a.op == b.op,
            (Bound::Not(a), Bound::Not(b)) => a.same(b),
            (Bound::And(a), Bound::And(b)) | (Bound::Or(a), Bound::Or(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.same(b))
            }
            (a, b) => a == b,
        }
    }

    /// What conditions that are the same share.
    pub(crate) fn feed(&self, mut hasher: &mut dyn Hasher) {
        discriminant(self).hash(&mut hasher);
        match self {
            Bound::Const(value) => value.hash(&mut hasher),
            Bound::Test(test) => (&test.column, &test.op).hash(&mut hasher),
            Bound::Not(inner) => inner.feed(hasher),
            Bound::And(all) | Bound::Or(all) => all.iter().for_each(|b| b.feed(hasher)),
        }
    }

    /// All of these.
    #[must_use]
    pub fn and(all: Vec<Bound>) -> Bound {
        Bound::join(all, true)
    }

    /// Any of these.
    #[must_use]
    pub fn or(all: Vec<Bound>) -> Bound {
        Bound::join(all, false)
    }

    /// Not `self`.
    #[must_use]
    #[allow(clippy::should_implement_trait, reason = "a constructor beside `and` and `or`")]
    pub fn not(self) -> Bound {
        match self {
            Bound::Const(value) => Bound::Const(!value),
            Bound::Not(inner) => *inner,
            other => Bound::Not(Box::new(other)),
        }
    }

    /// The operands of a conjunction; itself alone if it is none.
    #[must_use]
    pub fn conjuncts(&self) -> Vec<&Bound> {
        match self {
            Bound::And(all) => all.iter().collect(),
            Bound::Const(true) => vec![],
            other => vec![other],
        }
    }

    /// Calls `f` for every test inside.
    pub fn each_test<'a>(&'a self, f: &mut impl FnMut(&'a BoundTest)) {
        match self {
            Bound::Const(_) => {}
            Bound::Not(inner) => inner.each_test(f),
            Bound::And(all) | Bound::Or(all) => all.iter().for_each(|b| b.each_test(f)),
            Bound::Test(test) => f(test),
        }
    }
}

/// That a column holds a value need not be asked where something else asks more of it.
pub(super) fn drop_implied(all: &mut Vec<Bound>, filler: &[String]) {
    let needless = |all: &[Bound], i: usize| {
        let Some(Bound::Test(BoundTest { column, op: BoundOp::Exists, .. })) = all.get(i) else { return false };
        all.iter().enumerate().any(|(j, other)| j != i && requires(other, column, filler))
    };
    while let Some(i) = (0..all.len()).find(|i| needless(all, *i)) {
        all.remove(i);
    }
}

/// Whether a condition can hold only where the column has a value.
fn requires(bound: &Bound, column: &Column, filler: &[String]) -> bool {
    match bound {
        Bound::Test(test) if test.column == *column => match &test.op {
            BoundOp::Text(text) => !may_hold(text, "") && !filler.iter().any(|v| may_hold(text, v)),
            BoundOp::In(_) => true,
            _ => false,
        },
        Bound::And(all) => all.iter().any(|b| requires(b, column, filler)),
        Bound::Or(all) => all.iter().all(|b| requires(b, column, filler)),
        _ => false,
    }
}

/// Alternatives that ask one column in one way are one test with a longer list.
fn merged(all: Vec<Bound>) -> Vec<Bound> {
    let mut out: Vec<Bound> = vec![];
    let mut known: HashMap<Way, (usize, HashSet<String>)> = HashMap::new();
    for mut bound in all {
        let Some((way, values)) = way(&mut bound) else {
            out.push(bound);
            continue;
        };
        let Some((place, there)) = known.get_mut(&way) else {
            let cased = way.cased;
            known.insert(way, (out.len(), values.iter().map(|value| alike(value, cased)).collect()));
            out.push(bound);
            continue;
        };
        let cased = way.cased;
        let new: Vec<String> = values.drain(..).filter(|value| there.insert(alike(value, cased))).collect();
        if let Some(Bound::Test(BoundTest { op: BoundOp::Text(text), .. })) = out.get_mut(*place) {
            text.all = false;
            listed(&mut text.matcher).into_iter().for_each(|values| values.extend(new.iter().cloned()));
        }
    }
    merged_regexes(out)
}

/// Regular expressions that differ in their alternatives only are one.
fn merged_regexes(all: Vec<Bound>) -> Vec<Bound> {
    let mut out: Vec<Bound> = vec![];
    for bound in all {
        let joined = regex_of(&bound).and_then(|(column, theirs)| {
            out.iter_mut().find_map(|before| {
                let both = regex_of(before).filter(|(mine, _)| *mine == column)?.1.or(theirs)?;
                let Bound::Test(BoundTest { op: BoundOp::Text(text), .. }) = before else { return None };
                text.matcher = Matcher::Regex(both);
                Some(())
            })
        });
        if joined.is_none() {
            out.push(bound);
        }
    }
    out
}

/// A regular expression to which alternatives may be added, and the column that it is asked of.
fn regex_of(bound: &Bound) -> Option<(&Column, &Regex)> {
    let Bound::Test(BoundTest { column, op: BoundOp::Text(text), .. }) = bound else { return None };
    match &text.matcher {
        Matcher::Regex(regex) if regex.choice.is_some() => Some((column, regex)),
        _ => None,
    }
}

/// How a test asks a column: tests that ask in one way can share a list.
#[derive(PartialEq, Eq, Hash)]
struct Way {
    column: Column,
    matcher: Discriminant<Matcher>,
    cased: bool,
}

/// How a test asks for one of several values, and these.
fn way(bound: &mut Bound) -> Option<(Way, &mut Vec<String>)> {
    let Bound::Test(BoundTest { column, op: BoundOp::Text(text), .. }) = bound else { return None };
    let matcher = discriminant(&text.matcher);
    let values = listed(&mut text.matcher)?;
    (!text.all || values.len() == 1).then(|| (Way { column: column.clone(), matcher, cased: text.cased }, values))
}

/// A value in the form in which every engine compares it: ASCII letters ignore case unless case counts.
fn alike(value: &str, cased: bool) -> String {
    if cased { value.to_owned() } else { value.to_ascii_lowercase() }
}

/// Removes repeated values from a list, such as a folder that two lists name.
pub(super) fn without_repeated_values(text: &mut Text) {
    let (mut there, cased) = (HashSet::new(), text.cased);
    if let Some(values) = listed(&mut text.matcher) {
        values.retain(|value| there.insert(alike(value, cased)));
    }
}

/// The values of a test that may be longer.
fn listed(matcher: &mut Matcher) -> Option<&mut Vec<String>> {
    match matcher {
        Matcher::Exact(v) | Matcher::StartsWith(v) | Matcher::EndsWith(v) | Matcher::Contains(v) => Some(v),
        Matcher::Like(_) | Matcher::Regex(_) => None,
    }
}

/// Whether a test of text could hold on this short value, which stands for a missing one.
pub(super) fn may_hold(text: &Text, value: &str) -> bool {
    let (value, fold) = if text.cased { (value.to_owned(), false) } else { (value.to_lowercase(), true) };
    let folded = |t: &String| if fold { t.to_lowercase() } else { t.clone() };
    match &text.matcher {
        Matcher::Exact(all) => all.iter().any(|t| folded(t) == value),
        Matcher::Contains(all) => all.iter().any(|t| value.contains(&folded(t))),
        Matcher::StartsWith(all) => all.iter().any(|t| value.starts_with(&folded(t))),
        Matcher::EndsWith(all) => all.iter().any(|t| value.ends_with(&folded(t))),
        Matcher::Like(globs) => globs.iter().any(|g| glob_may_hold(g, &value, fold)),
        Matcher::Regex(regex) => regex.loose,
    }
}

/// Whether each literal of a pattern occurs in the value: enough to ask for a guard.
fn glob_may_hold(glob: &Glob, value: &str, fold: bool) -> bool {
    let least = glob.parts.iter().filter(|p| !matches!(p, Part::Any)).count();
    value.chars().count() >= least
        && glob.parts.iter().all(|p| match p {
            Part::Literal(t) => value.contains(&if fold { t.to_lowercase() } else { t.clone() }),
            _ => true,
        })
}
