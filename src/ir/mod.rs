//! Stage 3: what a rule means, with no trace of how it was written and none of any target.
//!
//! A [`Meaning`] is all of a rule; a [`Body`] is what it means for one kind of event, where it is about one event.
//! [`Steps`] and [`Count`] are rules over several. Conditions are [`Pred`]s over fields of the language; logic is
//! two-valued: a test on a field that an event lacks is false. Everything that a command line is asked has become a
//! [`Regex`] here, the same text for every target.

pub mod cmdline;
mod joint;
mod normal;
pub mod paths;
pub mod pattern;
mod plain;
pub mod portable;
pub mod regex;
mod score;
mod temporal;

pub use joint::{Equal, Joint, OneEvent};
pub(crate) use normal::Distinct;
pub use regex::{Cheap, Regex};
pub use score::Score;
pub use temporal::{Count, JointFlag, Key, Meaning, Role, Step, StepField, Steps, Window};

use crate::source::Span;
use crate::syntax::ast::Order;
use crate::vocabulary::{FieldId, Kind};

/// A field of an event; of a certain step's event while a condition is resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FieldRef {
    /// The field.
    pub id: FieldId,
    /// Index of the step, in rules over several events.
    pub step: Option<usize>,
}

/// A condition.
#[derive(Clone, Debug, PartialEq)]
pub enum Pred {
    /// Always, or never.
    Const(bool),
    /// Not this.
    Not(Box<Pred>),
    /// All of these.
    And(Vec<Pred>),
    /// Any of these.
    Or(Vec<Pred>),
    /// One test of one field.
    Test(Test),
    /// A part that a target which cannot say it may replace by a constant.
    Droppable {
        /// The condition.
        pred: Box<Pred>,
        /// Who allowed it.
        why: Drop,
        /// Where.
        span: Span,
    },
}

/// Who allowed a part to be dropped, and what then remains.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Drop {
    /// `when available` on an operand of `and`: the author; true remains, so alerts are added and none is lost.
    WhenAvailable,
    /// `when available` on an operand of `or`: the author; false remains, so this way of firing is lost.
    Alternative,
    /// `original … when available`: the utility; false remains, so renamed copies escape.
    OriginalName(String),
}

impl Drop {
    /// What stands in place of the dropped part.
    #[must_use]
    pub fn value(&self) -> bool {
        matches!(self, Drop::WhenAvailable)
    }
}

/// One test of one field.
#[derive(Clone, Debug, PartialEq)]
pub struct Test {
    /// The field.
    pub field: FieldRef,
    /// What is asked of it.
    pub op: Op,
    /// Where it was written.
    pub span: Span,
}

/// What a test asks.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// The event has it.
    Exists,
    /// A boolean field is true.
    IsTrue,
    /// A number compares so.
    Order(Order, i64),
    /// A number is one of these.
    Number(Vec<i64>),
    /// An enum field is one of these words.
    Word(Vec<&'static str>),
    /// It equals another field of the same event, or a field of another step.
    Same {
        /// The other field.
        other: FieldRef,
        /// Letters' case counts.
        cased: bool,
    },
    /// An address lies in one of these networks.
    Cidr(Vec<String>),
    /// Text matches.
    Text(Text),
}

/// A test of text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Text {
    /// The patterns.
    pub matcher: Matcher,
    /// Each of them must match, not one.
    pub all: bool,
    /// Letters' case counts.
    pub cased: bool,
}

/// How text is matched.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Matcher {
    /// Equal to one; on paths `\` and `/` alike.
    Exact(Vec<String>),
    /// Contains it.
    Contains(Vec<String>),
    /// Starts with it.
    StartsWith(Vec<String>),
    /// Ends with it.
    EndsWith(Vec<String>),
    /// The whole text has this form.
    Like(Vec<pattern::Glob>),
    /// Found anywhere.
    Regex(Regex),
}

impl Pred {
    /// All of `preds`, flattened and shortened.
    #[must_use]
    pub fn and(preds: impl IntoIterator<Item = Pred>) -> Pred {
        normal::join(preds, true)
    }

    /// Any of `preds`, flattened and shortened.
    #[must_use]
    pub fn or(preds: impl IntoIterator<Item = Pred>) -> Pred {
        normal::join(preds, false)
    }

    /// Not `self`; a double negation goes.
    #[must_use]
    #[allow(clippy::should_implement_trait, reason = "a constructor beside `and` and `or`")]
    pub fn not(self) -> Pred {
        match self {
            Pred::Const(value) => Pred::Const(!value),
            Pred::Not(inner) => *inner,
            other => Pred::Not(Box::new(other)),
        }
    }

    /// A test of a field of the event itself.
    #[must_use]
    pub fn test(id: FieldId, op: Op, span: Span) -> Pred {
        Pred::Test(Test { field: FieldRef { id, step: None }, op, span })
    }

    /// Whether it is this constant.
    #[must_use]
    pub fn is(&self, value: bool) -> bool {
        *self == Pred::Const(value)
    }

    /// Calls `f` for every test inside.
    pub fn each_test<'a>(&'a self, f: &mut impl FnMut(&'a Test)) {
        match self {
            Pred::Const(_) => {}
            Pred::Not(inner) => inner.each_test(f),
            Pred::Droppable { pred, .. } => pred.each_test(f),
            Pred::And(all) | Pred::Or(all) => all.iter().for_each(|p| p.each_test(f)),
            Pred::Test(test) => f(test),
        }
    }

    /// Whether it holds on an event that lacks every field: no test does.
    #[must_use]
    pub fn holds_on_nothing(&self) -> bool {
        match self {
            Pred::Const(value) => *value,
            Pred::Not(inner) => !inner.holds_on_nothing(),
            Pred::Droppable { pred, .. } => pred.holds_on_nothing(),
            Pred::And(all) => all.iter().all(Pred::holds_on_nothing),
            Pred::Or(all) => all.iter().any(Pred::holds_on_nothing),
            Pred::Test(_) => false,
        }
    }

    /// The same condition with fields that carry no step: all of them are of one event.
    #[must_use]
    pub fn of_one_event(self) -> Pred {
        let each = |all: Vec<Pred>| all.into_iter().map(Pred::of_one_event).collect();
        match self {
            Pred::Const(value) => Pred::Const(value),
            Pred::Not(inner) => Pred::Not(Box::new(inner.of_one_event())),
            Pred::And(all) => Pred::And(each(all)),
            Pred::Or(all) => Pred::Or(each(all)),
            Pred::Droppable { pred, why, span } => Pred::Droppable { pred: Box::new(pred.of_one_event()), why, span },
            Pred::Test(mut test) => {
                test.field.step = None;
                if let Op::Same { other, .. } = &mut test.op {
                    other.step = None;
                }
                Pred::Test(test)
            }
        }
    }

    /// The operands of a conjunction; itself alone if it is none.
    #[must_use]
    pub fn conjuncts(self) -> Vec<Pred> {
        match self {
            Pred::And(all) => all,
            Pred::Const(true) => vec![],
            other => vec![other],
        }
    }
}

/// A condition that has a name in the source: a utility's, a verb's, a `let`'s, a list's.
#[derive(Clone, Debug, PartialEq)]
pub struct Named {
    /// The words of its name, for printers to join as their language does.
    pub words: Vec<String>,
    /// The name is that of the values which it compares with.
    pub list: bool,
    /// The condition. Fields carry no step.
    pub pred: Pred,
}

/// A rule's meaning for one kind of event.
#[derive(Clone, Debug)]
pub struct Body {
    /// The kind of event.
    pub kind: Kind,
    /// What it detects.
    pub detect: Pred,
    /// What it excepts, beside the titles in the rule.
    pub exceptions: Vec<Pred>,
    /// Its flags: name, condition, weight.
    pub flags: Vec<Flag>,
    /// What the weighted flags must reach together, beside `detect`.
    pub score: Option<Score>,
    /// What its conditions are called in the source, the larger ones behind their parts.
    pub names: Vec<Named>,
}

/// A flag.
#[derive(Clone, Debug)]
pub struct Flag {
    /// The column's name.
    pub name: String,
    /// When it is true.
    pub pred: Pred,
    /// Its weight in a score.
    pub weight: Option<u64>,
    /// Where.
    pub span: Span,
}
