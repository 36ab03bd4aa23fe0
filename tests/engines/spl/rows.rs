//! Commands that look at one row after the other, or at all of them for their order.

use super::command::Key;
use super::matching::wild;
use super::pattern::Pattern;
use super::value::{Value, json_number, load, number, texts};
use super::{Result, Row, SplError};
use serde_json::Value as Json;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// `fields`: the named ones and, when keeping, the internal ones, whose names begin with `_`.
pub(super) fn fields(row: &Row, keep: bool, names: &[String]) -> Row {
    let named = |field: &str| names.iter().any(|name| wild(field, name));
    let stays = |field: &str| {
        if keep { named(field) || field.starts_with('_') } else { !named(field) }
    };
    row.iter().filter(|(field, _)| stays(field)).map(|(field, value)| (field.clone(), value.clone())).collect()
}

/// `table`: the named ones in that order; a star does not take internal fields.
pub(super) fn table(row: &Row, names: &[String]) -> Row {
    let mut out = Row::new();
    for name in names {
        let star = name.contains('*');
        let hits = row
            .iter()
            .filter(|(field, _)| wild(field, name) && !(star && field.starts_with('_') && !name.starts_with('_')));
        for (field, value) in hits.filter(|(_, value)| !value.is_null()) {
            out.entry(field.clone()).or_insert_with(|| value.clone());
        }
    }
    out
}

/// `rename`: a field that does not exist still empties the new name, as documented.
pub(super) fn rename(row: &Row, pairs: &[(String, String)], at: usize) -> Result<Row> {
    let mut out = row.clone();
    for (from, to) in pairs {
        let mut moves: Vec<(String, String)> = Vec::new();
        match from.contains('*') {
            false => moves.push((from.clone(), to.clone())),
            true => moves.extend(out.keys().filter_map(|field| renamed(field, from, to).map(|to| (field.clone(), to)))),
        }
        let mut targets: Vec<&String> = moves.iter().map(|(_, to)| to).collect();
        targets.sort();
        if targets.windows(2).any(|pair| pair.first() == pair.last()) {
            return Err(SplError::undocumented(at, "two fields renamed to one name"));
        }
        out = moved(&out, &moves);
    }
    Ok(out)
}

/// The row with fields moved; places are kept, a field in the way goes.
fn moved(row: &Row, moves: &[(String, String)]) -> Row {
    let mut out = Row::new();
    for (field, value) in row {
        match moves.iter().find(|(from, _)| from == field) {
            Some((_, to)) => {
                out.insert(to.clone(), value.clone());
            }
            None if moves.iter().any(|(_, to)| to == field) => {}
            None => {
                out.insert(field.clone(), value.clone());
            }
        }
    }
    out
}

/// The new name of `field`, if it fits the pattern; each star takes as little as it can.
fn renamed(field: &str, from: &str, to: &str) -> Option<String> {
    let mut parts = from.split('*');
    let mut rest = field.strip_prefix(parts.next()?)?;
    let parts: Vec<&str> = parts.collect();
    let mut new = to.split('*');
    let mut out = new.next()?.to_owned();
    for (index, part) in parts.iter().enumerate() {
        let at = if index + 1 == parts.len() {
            rest.ends_with(part).then(|| rest.len() - part.len())?
        } else {
            rest.find(part)?
        };
        out.push_str(rest.get(..at)?);
        out.push_str(new.next()?);
        rest = rest.get(at + part.len()..)?;
    }
    Some(out)
}

/// `fillnull`: without names, every field that some row has.
pub(super) fn fillnull(rows: &mut [Row], value: &str, names: &[String]) {
    let mut names = names.to_vec();
    if names.is_empty() {
        for field in rows.iter().flat_map(|row| row.keys()) {
            if !names.contains(field) {
                names.push(field.clone());
            }
        }
    }
    for row in rows {
        for name in &names {
            if row.get(name).is_none_or(Json::is_null) {
                row.insert(name.clone(), Json::String(value.to_owned()));
            }
        }
    }
}

/// `dedup`: the first `count` rows of each combination; a row without one of the fields goes unless `keepempty`.
pub(super) fn dedup(rows: &[Row], count: usize, keepempty: bool, names: &[String], at: usize) -> Result<Vec<Row>> {
    let mut seen: BTreeMap<Vec<Vec<String>>, usize> = BTreeMap::new();
    let mut out = Vec::new();
    for row in rows {
        let key: Vec<Vec<String>> = names.iter().map(|name| texts(row, name, at)).collect::<Result<_>>()?;
        if key.iter().any(Vec::is_empty) {
            out.extend(keepempty.then(|| row.clone()));
            continue;
        }
        let times = seen.entry(key).or_insert(0);
        *times += 1;
        out.extend((*times <= count).then(|| row.clone()));
    }
    Ok(out)
}

/// `sort 0`: stable; rows without the field last, in either direction.
pub(super) fn sort(rows: &[Row], keys: &[Key], at: usize) -> Result<Vec<Row>> {
    let mut placed: Vec<(Vec<Option<String>>, &Row)> = Vec::new();
    for row in rows {
        let mut values = Vec::new();
        for key in keys {
            let mut found = texts(row, &key.name, at)?;
            if found.len() > 1 {
                return Err(SplError::undocumented(at, "a sort by a field with several values"));
            }
            values.push(found.pop());
        }
        placed.push((values, row));
    }
    for (index, key) in keys.iter().enumerate() {
        let values = placed.iter().filter_map(|(values, _)| values.get(index).and_then(Option::as_deref));
        one_class(values, key, at)?;
    }
    placed.sort_by(|(a, _), (b, _)| {
        let pairs = keys.iter().zip(a.iter().zip(b));
        let orders = pairs.map(|(key, (a, b))| match (a, b) {
            (None, None) => Ordering::Equal,
            (None, _) => Ordering::Greater,
            (_, None) => Ordering::Less,
            (Some(a), Some(b)) if key.descending => order(b, a, key.kind),
            (Some(a), Some(b)) => order(a, b, key.kind),
        });
        orders.fold(Ordering::Equal, Ordering::then)
    });
    Ok(placed.into_iter().map(|(_, row)| row.clone()).collect())
}

/// How `sort` takes a value: number, address, text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Number,
    Address,
    Text,
}

fn class(text: &str) -> Class {
    match (number(text), text.parse::<IpAddr>()) {
        (Some(_), _) => Class::Number,
        (None, Ok(_)) => Class::Address,
        _ => Class::Text,
    }
}

/// All values of a key must be of one class. Texts that begin with a digit are documented both ways, so they are of none.
fn one_class<'a>(values: impl Iterator<Item = &'a str>, key: &Key, at: usize) -> Result<()> {
    let mut known = match key.kind {
        "str" => return Ok(()),
        "num" => Some(Class::Number),
        "ip" => Some(Class::Address),
        _ => None,
    };
    let mut first = None;
    for text in values {
        let class = class(text);
        let same = *first.get_or_insert(text) == text;
        let digit = class == Class::Text && text.starts_with(|c: char| c.is_ascii_digit() || c == '-');
        if *known.get_or_insert(class) != class || (digit && !same) {
            return Err(SplError::undocumented(
                at,
                format!("the place of `{text}` among the values of `{}`", key.name),
            ));
        }
    }
    Ok(())
}

/// Numbers as numbers, addresses as addresses, texts byte by byte.
fn order(a: &str, b: &str, kind: &str) -> Ordering {
    let numbers = number(a).zip(number(b)).and_then(|(a, b)| a.partial_cmp(&b));
    let addresses = a.parse::<IpAddr>().ok().zip(b.parse::<IpAddr>().ok()).map(|(a, b)| a.cmp(&b));
    match kind {
        "str" => a.cmp(b),
        _ => numbers.or(addresses).unwrap_or_else(|| a.cmp(b)),
    }
}

/// `makemv`: a text cut into several.
pub(super) fn makemv(row: &Row, delimiter: &str, name: &str, at: usize) -> Result<Row> {
    let mut out = row.clone();
    let parts: Vec<Json> =
        texts(row, name, at)?.iter().flat_map(|text| text.split(delimiter)).map(Json::from).collect();
    if !parts.is_empty() {
        out.insert(name.to_owned(), Json::Array(parts));
    }
    Ok(out)
}

/// `mvexpand`: one row for each value; a row without the field is not documented.
pub(super) fn mvexpand(row: &Row, name: &str, at: usize) -> Result<Vec<Row>> {
    let found = texts(row, name, at)?;
    if found.is_empty() {
        return Err(SplError::undocumented(at, format!("mvexpand of a row without `{name}`")));
    }
    let one = |text: String| {
        let mut out = row.clone();
        out.insert(name.to_owned(), Json::String(text));
        out
    };
    Ok(found.into_iter().map(one).collect())
}

/// `rex`: named groups become fields.
pub(super) fn rex(row: &Row, name: &str, pattern: &Pattern, at: usize) -> Result<Row> {
    let mut out = row.clone();
    if let Some(text) = load(row, name, at)?.text() {
        pattern.found(&text, at)?;
        for (group, value) in pattern.groups(&text) {
            out.insert(group, Json::String(value));
        }
    }
    Ok(out)
}

/// `regex`: whether the row stays. A missing field is not documented.
pub(super) fn regex(row: &Row, name: &str, wanted: bool, pattern: &Pattern, at: usize) -> Result<bool> {
    match load(row, name, at)?.text() {
        Some(text) => Ok(pattern.found(&text, at)? == wanted),
        None => Err(SplError::undocumented(at, format!("regex on a row without `{name}`"))),
    }
}

/// `bin`: down to a multiple of the span.
pub(super) fn bin(row: &Row, name: &str, span: f64, target: &str, at: usize) -> Result<Row> {
    let mut out = row.clone();
    match load(row, name, at)? {
        Value::Null => {}
        Value::Num(value, _) => {
            out.insert(target.to_owned(), json_number((value / span).floor() * span));
        }
        _ => return Err(SplError::undocumented(at, "bin of a text")),
    }
    Ok(out)
}
