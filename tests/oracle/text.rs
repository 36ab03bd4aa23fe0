//! Tests of text: letters' case, separators, wildcards, networks, and the cheap tests that Kusto knows.

use arcanary::ir::pattern::Part;
use arcanary::ir::{Cheap, Matcher, Text};
use arcanary::vocabulary::Type;
use regex::Regex;
use std::cell::RefCell;
use std::collections::HashMap;
use std::net::IpAddr;

thread_local! {
    static COMPILED: RefCell<HashMap<String, Regex>> = RefCell::new(HashMap::new());
}

/// Whether a regular expression is found in a text.
pub fn found(regex: &arcanary::ir::Regex, text: &str) -> bool {
    let full = regex.full();
    COMPILED.with_borrow_mut(|all| {
        all.entry(full).or_insert_with_key(|p| Regex::new(p).unwrap_or_else(|e| panic!("{p}: {e}"))).is_match(text)
    })
}

/// Letter by letter in lower case, unless case counts.
pub fn folded(text: &str, cased: bool) -> String {
    match (cased, text.is_ascii()) {
        (true, _) => text.to_owned(),
        // The same, and sooner.
        (false, true) => text.to_ascii_lowercase(),
        (false, false) => text.chars().flat_map(char::to_lowercase).collect(),
    }
}

/// Whether two values of one type are equal.
pub fn equal(a: &str, b: &str, cased: bool, ty: Type) -> bool {
    match ty {
        Type::Ip => address(a).is_some_and(|a| address(b) == Some(a)),
        Type::Path => folded(&a.replace('/', r"\"), cased) == folded(&b.replace('/', r"\"), cased),
        _ => folded(a, cased) == folded(b, cased),
    }
}

/// Whether a value of this type passes a test of text.
pub fn matches(test: &Text, value: &str, ty: Type) -> bool {
    let cased = test.cased;
    let text = folded(value, cased);
    match &test.matcher {
        Matcher::Exact(values) => some(test.all, values, |v| equal(value, v, cased, ty)),
        Matcher::Contains(values) => some(test.all, values, |v| text.contains(&folded(v, cased))),
        Matcher::StartsWith(values) => some(test.all, values, |v| text.starts_with(&folded(v, cased))),
        Matcher::EndsWith(values) => some(test.all, values, |v| text.ends_with(&folded(v, cased))),
        Matcher::Like(globs) => some(test.all, globs, |g| glob(&g.parts, value, cased, &|_| true)),
        Matcher::Regex(regex) => found(regex, value),
    }
}

/// One, or each.
fn some<T>(all: bool, items: &[T], f: impl Fn(&T) -> bool) -> bool {
    if all { items.iter().all(f) } else { items.iter().any(f) }
}

/// Whether the whole text has this form. Wildcards stand for characters of `wild` only.
pub fn glob(parts: &[Part], text: &str, cased: bool, wild: &dyn Fn(char) -> bool) -> bool {
    let Some((part, rest)) = parts.split_first() else {
        return text.is_empty();
    };
    match part {
        Part::Literal(literal) => behind(text, literal, cased).is_some_and(|text| glob(rest, text, cased, wild)),
        Part::One => without_first(text).is_some_and(|(c, text)| wild(c) && glob(rest, text, cased, wild)),
        Part::Any => {
            let longer = || without_first(text).is_some_and(|(c, text)| wild(c) && glob(parts, text, cased, wild));
            glob(rest, text, cased, wild) || longer()
        }
    }
}

fn without_first(text: &str) -> Option<(char, &str)> {
    let c = text.chars().next()?;
    Some((c, &text[c.len_utf8()..]))
}

/// What follows `start` in a text that begins with it.
pub fn behind<'t>(text: &'t str, start: &str, cased: bool) -> Option<&'t str> {
    let mut rest = text;
    for wanted in start.chars() {
        let (c, behind) = without_first(rest)?;
        let ascii = c.is_ascii() && wanted.is_ascii();
        let folds = || if ascii { c.eq_ignore_ascii_case(&wanted) } else { c.to_lowercase().eq(wanted.to_lowercase()) };
        let equal = c == wanted || !cased && folds();
        rest = equal.then_some(behind)?;
    }
    Some(rest)
}

/// The address that a text means: `::ffff:10.1.2.3` is an address of IPv4 in the form of IPv6.
fn address(text: &str) -> Option<IpAddr> {
    match text.parse().ok()? {
        IpAddr::V6(six) => match six.segments() {
            [0, 0, 0, 0, 0, 0xffff, a, b] => Some(IpAddr::V4((u32::from(a) << 16 | u32::from(b)).into())),
            _ => Some(IpAddr::V6(six)),
        },
        four => Some(four),
    }
}

/// Whether an address lies in `10.0.0.0/8` or its like.
pub fn in_network(address: &str, network: &str) -> bool {
    let (base, length) = network.split_once('/').expect("a network");
    let length: u32 = length.parse().expect("a prefix length");
    match (self::address(address), base.parse().expect("an address")) {
        (Some(IpAddr::V4(a)), IpAddr::V4(b)) => (a.to_bits() ^ b.to_bits()).leading_zeros() >= length,
        (Some(IpAddr::V6(a)), IpAddr::V6(b)) => (a.to_bits() ^ b.to_bits()).leading_zeros() >= length,
        _ => false,
    }
}

/// Whether a cheap test holds: Kusto's `contains` for a part, `has` for a term. At an end of
/// the term that is a letter or a digit, none may stand beside it.
pub fn cheap_holds(cheap: &Cheap, text: &str) -> bool {
    let (text, wanted) = (folded(text, false), folded(cheap.text(), false));
    let free = |beside: Option<char>, edge: Option<char>| {
        !edge.is_some_and(char::is_alphanumeric) || !beside.is_some_and(char::is_alphanumeric)
    };
    text.char_indices().any(|(at, _)| {
        let Some(after) = text[at..].strip_prefix(&wanted) else {
            return false;
        };
        match cheap {
            Cheap::Part(_) => true,
            Cheap::Term(_) => {
                free(text[..at].chars().next_back(), wanted.chars().next())
                    && free(after.chars().next(), wanted.chars().next_back())
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use arcanary::ir::pattern::Glob;

    #[test]
    fn a_glob_takes_the_whole_text() {
        let takes = |pattern: &str, text: &str| glob(&Glob::parse(pattern).unwrap().parts, text, false, &|_| true);
        assert!(takes(r"?:\*.pdf", r"d:\X.PDF") && takes("*", "") && takes("a*b*c", "abbbc") && takes("[*]", "*"));
        assert!(!takes("?", "") && !takes("a*b", "abc") && !takes("[*]", "x") && !takes("b", "abc"));
    }

    #[test]
    fn a_term_stands_between_what_is_no_letter_and_no_digit() {
        let has = |term: &str, text: &str| cheap_holds(&Cheap::Term(term.into()), text);
        assert!(has("encode", "x –ENCODE y") && has("encode", "decode encode") && has(".dmp", "lsass.dmp"));
        assert!(!has("encode", "xencode") && !has("encode", "encodé1 éencode encode1") && !has(".dmp", "a.dmps"));
        assert!(cheap_holds(&Cheap::Part("-P".into()), "7z -px") && !cheap_holds(&Cheap::Part("-x".into()), "7z -px"));
    }

    #[test]
    fn networks_hold_their_addresses() {
        assert!(
            in_network("10.255.0.1", "10.0.0.0/8")
                && in_network("8.8.8.8", "0.0.0.0/0")
                && in_network("fe80::1", "fe80::/10")
        );
        assert!(
            in_network("::ffff:10.1.2.3", "10.0.0.0/8")
                && in_network("::ffff:a01:203", "10.0.0.0/8")
                && !in_network("::ffff:11.1.2.3", "10.0.0.0/8")
                && !in_network("::ffff:10.1.2.3", "::/0")
                && !in_network("::fffe:10.1.2.3", "10.0.0.0/8")
        );
        assert!(
            !in_network("11.0.0.0", "10.0.0.0/8") && !in_network("::1", "0.0.0.0/0") && !in_network("", "0.0.0.0/0")
        );
    }
}
