//! A second opinion: the meaning of rules, worked out event by event from the language's reference alone.
//!
//! Everything here is written to be read, not to be fast, and shares no code with lowering or printing: a predicate
//! is a tree that is walked, an event a table of fields, a missing field makes a test false. [`reading`] and [`arguments`]
//! read command lines without a single regular expression, so that the generated ones have something to be compared with.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "each test file uses a part of it, and a test ends where its own helpers are surprised"
)]

pub mod arguments;
pub mod asked;
pub mod event;
pub mod identity;
pub mod page;
pub mod portable;
pub mod project;
pub mod random;
pub mod reading;
pub mod recorded;
pub mod sample;
pub mod temporal;
pub mod text;

use arcanary::ir::{FieldRef, Op, Pred, Test};
use arcanary::sema::{Project, Rule};
use arcanary::syntax::ast::Order;
use arcanary::vocabulary::Type;
pub use event::{Event, Value};

/// What a rule says about one event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Its detection holds, exceptions aside.
    pub detected: bool,
    /// Its flags that hold, in order; none where the detection does not hold.
    pub flags: Vec<String>,
    /// The titles of its exceptions that hold; none where the detection does not hold.
    pub excepted_by: Vec<String>,
}

impl Verdict {
    /// Whether an alert comes out.
    pub fn fires(&self) -> bool {
        self.detected && self.excepted_by.is_empty()
    }
}

/// What `rule`, a rule over single events, says about `event`.
pub fn verdict(rule: &Rule, project: &Project, event: &Event) -> Verdict {
    assert_eq!(rule.over_several_events(), None, "`{}` looks at several events", rule.name);
    if !rule.kinds.contains(&event.kind) || !event.runs_on(&rule.meta.os) {
        return Verdict::default();
    }
    let body = rule.body(project, event.kind, &rule.meta.os);
    if !holds(&body.detect, event) {
        return Verdict::default();
    }
    let flags: Vec<String> = body.flags.iter().filter(|f| holds(&f.pred, event)).map(|f| f.name.clone()).collect();
    if !reached(rule, &flags) {
        return Verdict::default();
    }
    let titles = rule.exceptions.iter().map(|e| e.title.clone());
    assert_eq!(rule.exceptions.len(), body.exceptions.len(), "`{}`: an exception was lost", rule.name);
    let excepted = titles.zip(&body.exceptions).filter(|(_, pred)| holds(pred, event)).map(|(title, _)| title);
    Verdict { detected: true, flags, excepted_by: excepted.collect() }
}

/// Whether the weights, as they are written beside these flags, come to the threshold.
pub fn reached(rule: &Rule, flags: &[String]) -> bool {
    let Some((threshold, _)) = rule.threshold else {
        return true;
    };
    let mut score = 0;
    for flag in rule.flags() {
        if flags.contains(&flag.name.text) {
            score += flag.weight.map_or(0, |(weight, _)| weight);
        }
    }
    score >= threshold
}

/// Whether a condition holds. Logic has two values: what an event lacks makes a test false, and its negation true.
pub fn holds(pred: &Pred, event: &Event) -> bool {
    match pred {
        Pred::Const(value) => *value,
        Pred::Not(inner) => !holds(inner, event),
        Pred::And(all) => all.iter().all(|p| holds(p, event)),
        Pred::Or(all) => all.iter().any(|p| holds(p, event)),
        Pred::Droppable { pred, .. } => holds(pred, event),
        Pred::Test(test) => test_holds(test, event),
    }
}

fn field(field: FieldRef, event: &Event) -> Option<&Value> {
    assert_eq!(field.step, None, "`{}` of another step", field.id.short());
    event.get(field.id)
}

fn test_holds(test: &Test, event: &Event) -> bool {
    let Some(value) = field(test.field, event) else {
        return false;
    };
    let ty = test.field.id.def().ty;
    match &test.op {
        Op::Exists => true,
        Op::IsTrue => *value == Value::Bool(true),
        Op::Order(order, bound) => compare(value.number(), *order, *bound),
        Op::Number(numbers) => numbers.contains(&value.number()),
        Op::Word(words) => words.contains(&value.text()),
        Op::Cidr(networks) => networks.iter().any(|n| text::in_network(value.text(), n)),
        Op::Text(wanted) => text::matches(wanted, value.text(), ty),
        Op::Same { other, cased } => field(*other, event).is_some_and(|other| same(value, other, *cased, ty)),
    }
}

fn compare(number: i64, order: Order, bound: i64) -> bool {
    match order {
        Order::AtLeast => number >= bound,
        Order::AtMost => number <= bound,
        Order::More => number > bound,
        Order::Less => number < bound,
    }
}

/// Two fields of one event.
fn same(a: &Value, b: &Value, cased: bool, ty: Type) -> bool {
    match (a, b) {
        (Value::Text(a), Value::Text(b)) => text::equal(a, b, cased, ty),
        _ => a == b,
    }
}
