//! The order in which a rule asks, so that Splunk's converter prints a query of the same meaning.
//!
//! pySigma's Splunk backend asks a regular expression behind the search: as a command of its own where it stands in the
//! outermost conjunction, else as a column that a second search reads. It then moves the `field="value"` terms that
//! the second search begins with in front of the first pipe, an OR behind the last of them or not. So of a rule with a
//! regular expression below an OR:
//!
//! * a single plain term stands first, one that says nothing new where there is no other; without one the query begins with a pipe,
//!   unless a pipeline adds a condition on the log source;
//! * alternatives that are regular expressions, groups or lists stand before single plain ones;
//! * alternatives of single plain terms only stand behind something that ends that run, and so does a value with a quote,
//!   which the converter takes for the value's end.

use super::item::Items;
use super::item::Value;
use super::joint::Joint;
use super::selection::{Selection, Selections, field_word};
use std::collections::BTreeSet;

/// What Splunk's converter prints of an operand at its place.
#[derive(Clone, Copy, PartialEq, Eq)]
enum First {
    /// `field="value"`.
    Single,
    /// Something that ends a run of these.
    Block,
    /// Alternatives that begin with one, or a value with a quote.
    Loose,
    /// Nothing: it is asked behind the search.
    Behind,
}

/// Whether an item is asked behind the search.
pub fn is_behind(key: &str) -> bool {
    key.split('|').skip(1).any(|modifier| modifier == "re" || modifier == "fieldref")
}

fn first_of(key: &str, value: &Value) -> First {
    let order = key.split('|').skip(1).any(|m| matches!(m, "gt" | "gte" | "lt" | "lte"));
    match value {
        _ if is_behind(key) => First::Behind,
        Value::Texts(all) if key.contains("|all") || (all.len() == 1 && !key.contains("|windash")) => {
            let quoted = all.iter().any(|t| t.contains('"'));
            if quoted { First::Loose } else { First::Single }
        }
        Value::Numbers(all) if all.len() == 1 && !order => First::Single,
        Value::Flag(_) => First::Single,
        Value::Texts(_) | Value::Numbers(_) => First::Block,
    }
}

/// What counts of a run is how it ends.
fn first_of_map(map: &Items) -> First {
    let printed: Vec<First> =
        map.iter().map(|(key, value)| first_of(key, value)).filter(|f| *f != First::Behind).collect();
    let end = printed.iter().find(|f| **f != First::Single).filter(|f| **f == First::Loose);
    *end.or(printed.first()).unwrap_or(&First::Behind)
}

/// The same below an OR, where a regular expression is a column and several items are a group.
fn first_below_or(map: &Items) -> First {
    match map.as_slice() {
        [(key, value)] if matches!(first_of(key, value), First::Single | First::Loose) => First::Loose,
        _ => First::Block,
    }
}

fn first(joint: &Joint, selections: &Selections) -> First {
    match joint {
        Joint::Name(_) => match joint.selection(selections).map(|s| s.maps.as_slice()).unwrap_or_default() {
            [map] => first_of_map(map),
            [map, ..] => first_below_or(map),
            [] => First::Block,
        },
        Joint::Not(inner) => match first(inner, selections) {
            First::Behind => First::Behind,
            _ => First::Block,
        },
        Joint::And(all) => all.first().map_or(First::Block, |j| first(j, selections)),
        Joint::Or(all) => all.first().map_or(First::Block, |j| alternative(j, selections)),
    }
}

fn alternative(joint: &Joint, selections: &Selections) -> First {
    match (joint, joint.selection(selections).map(|s| s.maps.as_slice())) {
        (_, Some([map, ..])) => first_below_or(map),
        (Joint::Or(_), _) => first(joint, selections),
        _ => First::Block,
    }
}

pub fn asks_behind(selection: &Selection) -> bool {
    selection.maps.iter().flatten().any(|(key, _)| is_behind(key))
}

/// Whether something that is asked behind the search stands below an OR.
fn is_deep(joint: &Joint, selections: &Selections, below_or: bool) -> bool {
    match joint {
        Joint::Name(_) => joint.selection(selections).is_some_and(|s| asks_behind(s) && (below_or || s.maps.len() > 1)),
        Joint::Not(inner) => is_deep(inner, selections, below_or),
        Joint::And(all) => all.iter().any(|j| is_deep(j, selections, below_or)),
        Joint::Or(all) => all.iter().any(|j| is_deep(j, selections, true)),
    }
}

/// The fields that an event must have for the condition to hold.
fn required(joint: &Joint, selections: &Selections) -> BTreeSet<String> {
    let of_map = |map: &Items| -> BTreeSet<String> {
        map.iter().filter_map(|(key, _)| key.split('|').next().map(str::to_owned)).collect()
    };
    let common = |all: Vec<BTreeSet<String>>| all.into_iter().reduce(|a, b| &a & &b).unwrap_or_default();
    match joint {
        Joint::Name(_) => common(joint.selection(selections).into_iter().flat_map(|s| &s.maps).map(of_map).collect()),
        Joint::Not(_) => BTreeSet::new(),
        Joint::And(all) => all.iter().flat_map(|j| required(j, selections)).collect(),
        Joint::Or(all) => common(all.iter().map(|j| required(j, selections)).collect()),
    }
}

/// Puts a condition, and the items of its selections, into the order that converters need.
pub fn ordered(joint: Joint, selections: &mut Selections) -> Joint {
    let joint = alternatives_ordered(joint, selections);
    let deep = is_deep(&joint, selections, false);
    let operands = joint.clone().operands();
    let mut behind = 0;
    joint.each_name(&mut |name| behind += selections.get(name).map_or(0, |s| s.maps.iter().map(Vec::len).sum()));
    let unsaid = behind > 1 && operands.iter().all(|j| first(j, selections) == First::Behind);
    if !deep && !unsaid {
        return joint;
    }
    let mut operands = led(operands, selections);
    if deep {
        for operand in &operands {
            lists_first(operand, selections);
        }
        let blocked = operands.iter().any(|j| !matches!(j, Joint::Not(_)) && first(j, selections) == First::Block);
        operands.sort_by_key(|j| match (first(j, selections), j) {
            (First::Single, _) => 0,
            (First::Behind | First::Block, Joint::Not(_)) => {
                if blocked {
                    3
                } else {
                    1
                }
            }
            (First::Behind | First::Block, _) => 1,
            (First::Loose, _) => 2,
        });
    }
    Joint::and(operands)
}

/// In alternatives of which some are asked behind the search, those that begin with a single plain term come last.
fn alternatives_ordered(joint: Joint, selections: &Selections) -> Joint {
    let each = |all: Vec<Joint>| all.into_iter().map(|j| alternatives_ordered(j, selections)).collect::<Vec<_>>();
    match joint {
        Joint::Name(name) => Joint::Name(name),
        Joint::Not(inner) => alternatives_ordered(*inner, selections).not(),
        Joint::And(all) => Joint::And(each(all)),
        Joint::Or(all) => {
            let mut all = each(all);
            if all.iter().any(|j| is_deep(j, selections, true)) {
                all.sort_by_key(|j| alternative(j, selections) == First::Loose);
            }
            Joint::Or(all)
        }
    }
}

/// Plain alternatives that begin with a list end a run of single terms.
fn lists_first(joint: &Joint, selections: &mut Selections) {
    if let Joint::Name(name) = joint
        && let Some(selection) = selections.get_mut(name).filter(|s| s.maps.len() > 1)
    {
        selection.maps.sort_by_key(|map| first_below_or(map) == First::Loose);
    }
}

/// The operands with a single plain term in front, if one is implied.
fn led(mut operands: Vec<Joint>, selections: &mut Selections) -> Vec<Joint> {
    let is_single = |(key, value): &(String, Value)| first_of(key, value) == First::Single;
    let plain = |s: &Selection| matches!(s.maps.as_slice(), [map] if map.iter().any(is_single));
    let place = operands.iter().position(|j| j.selection(selections).is_some_and(plain));
    if let Some(place) = place {
        let lead = operands.remove(place);
        if let Some(map) = only_map(&lead, selections) {
            map.sort_by_key(|item| !is_single(item));
        }
        operands.extend(quoted_apart(&lead, selections));
        operands.insert(0, lead);
        return operands;
    }
    let all = Joint::And(operands.clone());
    let Some(field) = required(&all, selections).into_iter().next() else { return operands };
    let there = (format!("{field}|exists"), Value::Flag(true));
    let asks = |s: &Selection| matches!(s.maps.as_slice(), [map] if map.iter().any(|(k, _)| k.split('|').next() == Some(&field)));
    let own = operands.iter().position(|j| j.selection(selections).is_some_and(asks));
    let lead = match own {
        Some(place) => operands.remove(place),
        None => inserted(&field, vec![], selections),
    };
    if let Some(map) = only_map(&lead, selections) {
        map.insert(0, there);
    }
    operands.extend(quoted_apart(&lead, selections));
    operands.insert(0, lead);
    operands
}

fn only_map<'s>(joint: &Joint, selections: &'s mut Selections) -> Option<&'s mut Items> {
    let Joint::Name(name) = joint else { return None };
    selections.get_mut(name)?.maps.first_mut()
}

/// A selection of one map, named for a field.
fn inserted(field: &str, map: Items, selections: &mut Selections) -> Joint {
    let name = format!("selection_{}", field_word(field));
    let free = (1..).map(|n| if n == 1 { name.clone() } else { format!("{name}_{n}") });
    let name = free.into_iter().find(|n| !selections.contains_key(n)).unwrap_or(name);
    selections.insert(name.clone(), Selection { maps: vec![map] });
    Joint::Name(name)
}

/// Takes values with a quote out of the map that stands first: they must stand behind the end of the run.
fn quoted_apart(lead: &Joint, selections: &mut Selections) -> Option<Joint> {
    let map = only_map(lead, selections)?;
    let (quoted, rest): (Items, Items) =
        std::mem::take(map).into_iter().partition(|(key, value)| first_of(key, value) == First::Loose);
    *map = rest;
    let field = quoted.first()?.0.clone();
    Some(inserted(&field, quoted, selections))
}
