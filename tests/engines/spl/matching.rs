//! What a search expression means for one row.
//!
//! `=` and `!=` compare **text** ("1" is not "1.0"), ignoring case, with stars; a value that is a network in CIDR notation
//! holds for addresses inside. The order operators compare numbers if both sides are, text byte by byte otherwise. A
//! comparison with a missing field is false, `!=` included, so `NOT a=b` keeps rows without `a` and `a!=b` drops them.

use super::search::{Op, Search};
use super::value::{number, texts};
use super::{Result, Row, SplError, words};
use std::net::IpAddr;

/// Whether the search holds for `row`.
pub(super) fn holds(search: &Search, row: &Row) -> Result<bool> {
    match search {
        Search::Everything => Ok(true),
        Search::Word(text) | Search::Phrase(text) => Ok(words::contains(&raw(row)?, text)),
        Search::Compare { field, op, value, at } => compare(row, field, *op, value, *at),
        Search::In { field, values, at } => {
            let mut found = false;
            for value in values {
                found |= compare(row, field, Op::Eq, value, *at)?;
            }
            Ok(found)
        }
        Search::Time { at } => Err(SplError::unsupported(*at, "time ranges are not evaluated")),
        Search::Macro { at } => Err(SplError::unsupported(*at, "a macro that was not expanded")),
        Search::Subsearch(commands) => {
            let at = commands.first().map_or(0, |command| command.at);
            Err(SplError::undocumented(at, "a subsearch behind the first search of a query"))
        }
        Search::Not(inner) => Ok(!holds(inner, row)?),
        Search::And(parts) => all(parts, row, true),
        Search::Or(parts) => all(parts, row, false),
    }
}

/// Every part is evaluated, so that an undocumented one is reported whatever its neighbours say.
fn all(parts: &[Search], row: &Row, and: bool) -> Result<bool> {
    let mut out = and;
    for part in parts {
        let one = holds(part, row)?;
        out = if and { out && one } else { out || one };
    }
    Ok(out)
}

/// The text that words are looked for in: `_raw`, or all values, one a line, where a test has no `_raw`.
fn raw(row: &Row) -> Result<String> {
    if row.contains_key("_raw") {
        return Ok(texts(row, "_raw", 0)?.concat());
    }
    let mut out = Vec::new();
    for name in row.keys() {
        out.extend(texts(row, name, 0)?);
    }
    Ok(out.join("\n"))
}

fn compare(row: &Row, field: &str, op: Op, value: &str, at: usize) -> Result<bool> {
    let found = texts(row, field, at)?;
    if op == Op::Ne && found.len() > 1 {
        return Err(SplError::undocumented(at, format!("`!=` on `{field}`, which has several values")));
    }
    let mut any = false;
    for text in &found {
        any |= one(text, op, value, at)?;
    }
    Ok(any)
}

fn one(text: &str, op: Op, value: &str, at: usize) -> Result<bool> {
    match op {
        Op::Eq => equal(text, value, at),
        Op::Ne => Ok(!equal(text, value, at)?),
        _ => {
            let order = match (number(text), number(value)) {
                (Some(a), Some(b)) => a.partial_cmp(&b),
                _ => Some(text.cmp(value)),
            };
            Ok(order.is_some_and(|order| match op {
                Op::Lt => order.is_lt(),
                Op::Le => order.is_le(),
                Op::Gt => order.is_gt(),
                _ => order.is_ge(),
            }))
        }
    }
}

fn equal(text: &str, value: &str, at: usize) -> Result<bool> {
    if text.is_empty() && !value.is_empty() && value.chars().all(|c| c == '*') {
        return Err(SplError::undocumented(at, "whether a lone star matches an empty value"));
    }
    if let Some(inside) = network(value).and_then(|network| network_holds(network, text)) {
        return Ok(inside);
    }
    let ascii = wild(&text.to_ascii_lowercase(), &value.to_ascii_lowercase());
    let beyond = !text.is_ascii() || !value.is_ascii();
    if beyond && ascii != wild(&text.to_lowercase(), &value.to_lowercase()) {
        return Err(SplError::undocumented(at, "whether case is ignored beyond ASCII"));
    }
    Ok(ascii)
}

/// Whether `text` is `pattern` as a whole, a star being any run of characters.
pub(super) fn wild(text: &str, pattern: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(rest) = parts.next().and_then(|first| text.strip_prefix(first)) else {
        return false;
    };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else {
        return rest.is_empty();
    };
    let mut rest = rest;
    for part in middle {
        match rest.find(part) {
            Some(at) => rest = rest.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// A network in CIDR notation: address bits, prefix length, width.
pub(super) fn network(text: &str) -> Option<(u128, u32, u32)> {
    let (address, length) = text.split_once('/')?;
    let (bits, width) = address_bits(address)?;
    let length: u32 = length.parse().ok().filter(|length| *length <= width)?;
    Some((bits, length, width))
}

/// Whether `text` is an address in the network; nothing where it is no address.
pub(super) fn network_holds((bits, length, width): (u128, u32, u32), text: &str) -> Option<bool> {
    let (address, other) = address_bits(text)?;
    let shift = width - length;
    let cut = |bits: u128| if shift >= 128 { 0 } else { bits >> shift };
    Some(width == other && cut(bits) == cut(address))
}

fn address_bits(text: &str) -> Option<(u128, u32)> {
    match text.parse::<IpAddr>().ok()? {
        IpAddr::V4(address) => Some((u128::from(u32::from(address)), 32)),
        IpAddr::V6(address) => Some((u128::from(address), 128)),
    }
}

#[cfg(test)]
mod tests {
    use super::wild;

    #[test]
    fn stars_match_runs_and_the_whole_value_is_compared() {
        assert!(wild("abc", "a*c") && wild("ac", "a*c") && wild("abcabc", "a*c*"));
        assert!(!wild("abcd", "a*c") && !wild("ab", "ab*b") && !wild("xab", "ab"));
        assert!(wild("", "*") && wild("aXbXc", "*X*X*"));
    }
}
