//! Tests of one field, compiled: values folded once, regular expressions and networks parsed once.

use super::scratch::Texts;
use super::{Event, Value};
use crate::ir::{FieldRef, Matcher, Op, Text};
use crate::syntax::ast::Order;
use crate::vocabulary::{FieldId, Type};
use foldhash::HashSet;
use std::borrow::Cow;
use std::net::IpAddr;

/// What is asked of a field's value.
#[derive(Debug)]
pub(super) enum Ask {
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

/// A text as it is compared: in small letters, unless letters' case counts.
pub(super) fn folded(text: &str, cased: bool) -> String {
    match (cased, text.is_ascii()) {
        (true, _) => text.to_owned(),
        (false, true) => text.to_ascii_lowercase(),
        (false, false) => text.chars().flat_map(char::to_lowercase).collect(),
    }
}

/// A path as it is compared.
pub(super) fn separators_alike(text: &str) -> Cow<'_, str> {
    if text.contains('/') { text.replace('/', "\\").into() } else { text.into() }
}

/// The address that a text means. An IPv4 address that is written as one of IPv6 is the IPv4 address.
pub(super) fn address(text: &str) -> Option<IpAddr> {
    text.parse().ok().map(|address: IpAddr| address.to_canonical())
}

impl Ask {
    /// Compiles a test; `None`: it can never hold.
    pub(super) fn of(field: FieldRef, op: &Op) -> Option<Ask> {
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
}

fn ask_text(text: &Text, ty: Type) -> Ask {
    let (all, cased) = (text.all, text.cased);
    let fold = |values: &[String]| values.iter().map(|v| folded(v, cased)).collect();
    match &text.matcher {
        Matcher::Exact(values) if ty == Type::Ip => Ask::Address(values.iter().filter_map(|v| address(v)).collect()),
        Matcher::Exact(values) => {
            let path = ty == Type::Path;
            let values = values.iter().map(|v| folded(&if path { separators_alike(v) } else { v.into() }, cased));
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
    /// Whether it holds of a field that the event has.
    pub(super) fn holds(&self, field: FieldId, event: &Event, texts: &mut Texts) -> bool {
        let Some(value) = event.get(field) else { return false };
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
            (ask, Value::Text(text)) => ask.text_holds(field, text, texts),
            _ => false,
        }
    }

    fn text_holds(&self, field: FieldId, text: &str, texts: &mut Texts) -> bool {
        let cased = match self {
            Ask::Exact { cased, .. }
            | Ask::Contains { cased, .. }
            | Ask::StartsWith { cased, .. }
            | Ask::EndsWith { cased, .. } => *cased,
            _ => true,
        };
        let text = if cased { text } else { texts.folded(field, text) };
        match self {
            Ask::Word(all) => all.contains(&text),
            Ask::Cidr(networks) => address(text).is_some_and(|address| networks.iter().any(|n| n.holds(address))),
            Ask::Address(all) => address(text).is_some_and(|address| all.contains(&address)),
            Ask::Exact { values, path: true, .. } => values.contains(separators_alike(text).as_ref()),
            Ask::Exact { values, path: false, .. } => values.contains(text),
            Ask::Contains { values, all, .. } => some(*all, values, |v| text.contains(v.as_str())),
            Ask::StartsWith { values, all, .. } => some(*all, values, |v| text.starts_with(v.as_str())),
            Ask::EndsWith { values, all, .. } => some(*all, values, |v| text.ends_with(v.as_str())),
            Ask::Patterns { regexes, all } => !regexes.is_empty() && some(*all, regexes, |r| r.is_match(text)),
            _ => false,
        }
    }
}

fn same(a: &Value, b: &Value, cased: bool, ty: Type) -> bool {
    match (a, b) {
        (Value::Text(a), Value::Text(b)) => match ty {
            Type::Ip => address(a).is_some_and(|a| address(b) == Some(a)),
            Type::Path => folded(&separators_alike(a), cased) == folded(&separators_alike(b), cased),
            _ => folded(a, cased) == folded(b, cased),
        },
        _ => a == b,
    }
}

/// An address and how many of its bits count.
#[derive(Debug)]
pub(super) struct Network {
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
