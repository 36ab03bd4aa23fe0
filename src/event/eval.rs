//! The reference evaluator: a rule, compiled once, says of each event whether it fires, with which flags, and which
//! exceptions silence it.
//!
//! Regular expressions are compiled when the rule is, values are folded once, and a condition's cheap operands are asked
//! first; what an event lacks makes a test false and its negation true.

use super::{Event, Value};
use crate::ir::{FieldRef, Matcher, Op, Pred, Score, Test, Text};
use crate::sema::{FieldId, Kind, Os, Project, Rule, Type};
use crate::source::Span;
use crate::syntax::ast::Order;
use std::collections::HashSet;
use std::net::IpAddr;

/// A compiled rule over single events.
#[derive(Debug)]
pub struct Evaluator {
    systems: Vec<Os>,
    bodies: Vec<(Kind, Body)>,
    titles: Vec<String>,
    flags: Vec<String>,
    /// What the weighted flags must reach together, and where that is written.
    score: Option<(Score, Span)>,
}

#[derive(Debug)]
struct Body {
    detect: Node,
    exceptions: Vec<Node>,
    flags: Vec<Node>,
}

/// What a rule says of one event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Its detection holds, exceptions aside; in a rule with weights, its score is reached.
    pub detected: bool,
    /// What its weighted flags come to; `None` without weights, and where the condition itself does not hold.
    pub score: Option<u64>,
    /// Its flags that hold; none where the detection does not.
    pub flags: Vec<String>,
    /// Titles of its exceptions that hold; none where the detection does not.
    pub excepted_by: Vec<String>,
}

impl Verdict {
    /// Whether an alert comes out.
    #[must_use]
    pub fn fires(&self) -> bool {
        self.detected && self.excepted_by.is_empty()
    }
}

impl Evaluator {
    /// Compiles a rule over single events.
    #[must_use]
    pub fn new(rule: &Rule, project: &Project) -> Evaluator {
        let bodies = rule.kinds.iter().map(|kind| {
            let body = rule.body(project, *kind, &rule.meta.os);
            let body = Body {
                detect: Node::of(&body.detect),
                exceptions: body.exceptions.iter().map(Node::of).collect(),
                flags: body.flags.iter().map(|f| Node::of(&f.pred)).collect(),
            };
            (*kind, body)
        });
        Evaluator {
            systems: rule.meta.os.clone(),
            bodies: bodies.collect(),
            titles: rule.exceptions.iter().map(|e| e.title.clone()).collect(),
            flags: rule.flag_names().map(str::to_owned).collect(),
            score: rule.meaning(project, &rule.meta.os).score().cloned().zip(rule.threshold.map(|t| t.1)),
        }
    }

    fn body(&self, event: &Event) -> Option<&Body> {
        let os = FieldId::find("host.os").and_then(|id| event.text(id));
        let foreign = os.is_some_and(|os| !self.systems.iter().any(|s| s.word() == os));
        self.bodies.iter().find(|(kind, _)| *kind == event.kind && !foreign).map(|(_, body)| body)
    }

    /// What the rule says of an event.
    #[must_use]
    pub fn verdict(&self, event: &Event) -> Verdict {
        let Some(body) = self.body(event).filter(|b| b.detect.holds(event)) else { return Verdict::default() };
        let held: Vec<bool> = body.flags.iter().map(|flag| flag.holds(event)).collect();
        let score = self.score.as_ref().map(|(score, _)| score.of(|flag| held.get(flag) == Some(&true)));
        let reached = self.score.as_ref().is_none_or(|(all, _)| score.is_some_and(|s| s >= all.threshold));
        if !reached {
            return Verdict { score, ..Verdict::default() };
        }
        let flags = self.flags.iter().zip(&held).filter(|(_, held)| **held).map(|(name, _)| name.clone());
        let named = |nodes: &[Node], names: &[String]| {
            let held = nodes.iter().zip(names).filter(|(node, _)| node.holds(event));
            held.map(|(_, name)| name.clone()).collect()
        };
        Verdict { detected: true, score, flags: flags.collect(), excepted_by: named(&body.exceptions, &self.titles) }
    }

    /// The test in the source that decided whether the detection holds: the one that failed, or the last one that held;
    /// the threshold, where there is one and the detection's condition holds.
    #[must_use]
    pub fn decided_by(&self, event: &Event) -> Option<Span> {
        let body = self.body(event);
        if let (Some((_, threshold)), true) = (&self.score, body.is_some_and(|b| b.detect.holds(event))) {
            return Some(*threshold);
        }
        body.and_then(|b| b.detect.decided_by(event))
    }
}

#[derive(Debug)]
enum Node {
    Const(bool),
    Not(Box<Node>),
    And(Vec<Node>),
    Or(Vec<Node>),
    Test { field: FieldId, ask: Ask, span: Span },
}

#[derive(Debug)]
enum Ask {
    Exists,
    IsTrue,
    Order(Order, i64),
    Number(Vec<i64>),
    Word(Vec<&'static str>),
    Same { other: FieldId, cased: bool, ty: Type },
    Cidr(Vec<Network>),
    Address(Vec<IpAddr>),
    Exact { values: HashSet<String>, cased: bool, path: bool },
    Contains { values: Vec<String>, all: bool, cased: bool },
    StartsWith { values: Vec<String>, all: bool, cased: bool },
    EndsWith { values: Vec<String>, all: bool, cased: bool },
    Patterns { regexes: Vec<regex::Regex>, all: bool },
}

impl Node {
    fn of(pred: &Pred) -> Node {
        match pred {
            Pred::Const(value) => Node::Const(*value),
            Pred::Not(inner) => Node::Not(Box::new(Node::of(inner))),
            Pred::And(all) => Node::And(all.iter().map(Node::of).collect()),
            Pred::Or(all) => Node::Or(all.iter().map(Node::of).collect()),
            Pred::Droppable { pred, .. } => Node::of(pred),
            Pred::Test(Test { field, op, span }) => match ask(*field, op) {
                Some(ask) => Node::Test { field: field.id, ask, span: *span },
                None => Node::Const(false),
            },
        }
    }

    fn holds(&self, event: &Event) -> bool {
        match self {
            Node::Const(value) => *value,
            Node::Not(inner) => !inner.holds(event),
            Node::And(all) => all.iter().all(|n| n.holds(event)),
            Node::Or(all) => all.iter().any(|n| n.holds(event)),
            Node::Test { field, ask, .. } => event.get(*field).is_some_and(|value| ask.holds(value, event)),
        }
    }

    fn decided_by(&self, event: &Event) -> Option<Span> {
        match self {
            Node::Const(_) => None,
            Node::Test { span, .. } => Some(*span),
            Node::Not(inner) => inner.decided_by(event),
            Node::And(all) => {
                let failed = all.iter().find(|n| !n.holds(event));
                failed.or(all.last()).and_then(|n| n.decided_by(event))
            }
            Node::Or(all) => {
                let held = all.iter().find(|n| n.holds(event));
                held.or(all.last()).and_then(|n| n.decided_by(event))
            }
        }
    }
}

fn folded(text: &str, cased: bool) -> String {
    if cased { text.to_owned() } else { text.chars().flat_map(char::to_lowercase).collect() }
}

fn separators_alike(text: &str) -> String {
    text.replace('/', "\\")
}

/// `None`: the test can never hold.
fn ask(field: FieldRef, op: &Op) -> Option<Ask> {
    let ty = field.id.def().ty;
    Some(match op {
        Op::Exists => Ask::Exists,
        Op::IsTrue => Ask::IsTrue,
        Op::Order(order, n) => Ask::Order(*order, *n),
        Op::Number(all) => Ask::Number(all.clone()),
        Op::Word(all) => Ask::Word(all.clone()),
        Op::Same { other, cased } => Ask::Same { other: other.id, cased: *cased, ty },
        Op::Cidr(all) => Ask::Cidr(all.iter().filter_map(|n| Network::parse(n)).collect()),
        Op::Text(text) => ask_text(text, ty),
    })
}

fn ask_text(text: &Text, ty: Type) -> Ask {
    let (all, cased) = (text.all, text.cased);
    let fold = |values: &[String]| values.iter().map(|v| folded(v, cased)).collect();
    match &text.matcher {
        Matcher::Exact(values) if ty == Type::Ip => {
            Ask::Address(values.iter().filter_map(|v| v.parse().ok()).collect())
        }
        Matcher::Exact(values) => {
            let path = ty == Type::Path;
            let values = values.iter().map(|v| folded(&if path { separators_alike(v) } else { v.clone() }, cased));
            Ask::Exact { values: values.collect(), cased, path }
        }
        Matcher::Contains(values) => Ask::Contains { values: fold(values), all, cased },
        Matcher::StartsWith(values) => Ask::StartsWith { values: fold(values), all, cased },
        Matcher::EndsWith(values) => Ask::EndsWith { values: fold(values), all, cased },
        Matcher::Like(globs) => {
            let flags = if cased { "(?s)" } else { "(?is)" };
            patterns(globs.iter().map(|g| format!("{flags}^{}$", g.to_regex(".*", "."))), all)
        }
        Matcher::Regex(regex) => patterns([regex.full()], false),
    }
}

/// A regular expression that does not compile was refused by the resolver; here it matches nothing.
fn patterns(all_of: impl IntoIterator<Item = String>, all: bool) -> Ask {
    Ask::Patterns { regexes: all_of.into_iter().filter_map(|p| regex::Regex::new(&p).ok()).collect(), all }
}

/// One, or each.
fn some<T>(all: bool, items: &[T], f: impl Fn(&T) -> bool) -> bool {
    if all { items.iter().all(f) } else { items.iter().any(f) }
}

impl Ask {
    fn holds(&self, value: &Value, event: &Event) -> bool {
        match (self, value) {
            (Ask::Exists, _) => true,
            (Ask::IsTrue, Value::Bool(value)) => *value,
            (Ask::Order(order, bound), Value::Number(n)) => match order {
                Order::AtLeast => n >= bound,
                Order::AtMost => n <= bound,
                Order::More => n > bound,
                Order::Less => n < bound,
            },
            (Ask::Number(all), Value::Number(n)) => all.contains(n),
            (Ask::Same { other, cased, ty }, value) => {
                event.get(*other).is_some_and(|other| same(value, other, *cased, *ty))
            }
            (ask, Value::Text(text)) => ask.text_holds(text),
            _ => false,
        }
    }

    fn text_holds(&self, text: &str) -> bool {
        match self {
            Ask::Word(all) => all.contains(&text),
            Ask::Cidr(networks) => text.parse().is_ok_and(|address| networks.iter().any(|n| n.holds(address))),
            Ask::Address(all) => text.parse().is_ok_and(|address| all.contains(&address)),
            Ask::Exact { values, cased, path: true } => values.contains(&folded(&separators_alike(text), *cased)),
            Ask::Exact { values, cased, path: false } => values.contains(&folded(text, *cased)),
            Ask::Contains { values, all, cased } => {
                let text = folded(text, *cased);
                some(*all, values, |v| text.contains(v.as_str()))
            }
            Ask::StartsWith { values, all, cased } => {
                let text = folded(text, *cased);
                some(*all, values, |v| text.starts_with(v.as_str()))
            }
            Ask::EndsWith { values, all, cased } => {
                let text = folded(text, *cased);
                some(*all, values, |v| text.ends_with(v.as_str()))
            }
            Ask::Patterns { regexes, all } => !regexes.is_empty() && some(*all, regexes, |r| r.is_match(text)),
            _ => false,
        }
    }
}

fn same(a: &Value, b: &Value, cased: bool, ty: Type) -> bool {
    match (a, b) {
        (Value::Text(a), Value::Text(b)) => match ty {
            Type::Ip => a.parse::<IpAddr>().is_ok_and(|a| b.parse() == Ok(a)),
            Type::Path => folded(&separators_alike(a), cased) == folded(&separators_alike(b), cased),
            _ => folded(a, cased) == folded(b, cased),
        },
        _ => a == b,
    }
}

/// An address and how many of its bits count.
#[derive(Debug)]
struct Network {
    base: IpAddr,
    bits: u32,
}

impl Network {
    fn parse(text: &str) -> Option<Network> {
        let (base, bits) = text.split_once('/')?;
        Some(Network { base: base.parse().ok()?, bits: bits.parse().ok()? })
    }

    fn holds(&self, address: IpAddr) -> bool {
        match (self.base, address) {
            (IpAddr::V4(base), IpAddr::V4(address)) => {
                let mask = u32::MAX.checked_shl(32 - self.bits.min(32)).unwrap_or(0);
                u32::from(base) & mask == u32::from(address) & mask
            }
            (IpAddr::V6(base), IpAddr::V6(address)) => {
                let mask = u128::MAX.checked_shl(128 - self.bits.min(128)).unwrap_or(0);
                u128::from(base) & mask == u128::from(address) & mask
            }
            _ => false,
        }
    }
}
