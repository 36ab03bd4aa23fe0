//! A condition in the forms that users' converters carry over: pySigma's backends for Splunk, Kusto and SQLite.
//!
//! Splunk's `search` knows neither regular expressions nor `?` nor a star that is a character; Kusto's network test says
//! nothing of what is no IPv4 address, and its converter breaks a text at its line break. Each rewriting says what it is for; none changes what a condition means.

use crate::ir::pattern::Part;
use crate::ir::regex::{alternatives, escape};
use crate::ir::{Matcher, Regex, Text};
use crate::target::{Bound, BoundOp, BoundTest, Column, MAPPED, Target};
use std::net::Ipv4Addr;

/// A network that is more beginnings of text than these stays a network.
const MOST_BEGINNINGS: usize = 32;

/// The condition in forms that converters carry over.
#[must_use]
pub fn shaped(bound: &Bound, target: &Target) -> Bound {
    below(bound, target, false)
}

/// The same of a condition that is to stand below a NOT.
#[must_use]
pub fn shaped_to_deny(bound: &Bound, target: &Target) -> Bound {
    below(bound, target, true)
}

/// Whether a condition asks for a verb or a switch that plain texts stand for.
#[must_use]
pub fn asks_plainly(bound: &Bound) -> bool {
    let mut found = false;
    bound.each_test(&mut |test| found |= regex_of(test).is_some_and(|regex| !regex.plain.is_empty()));
    found
}

/// `denied`: it stands below an odd number of NOTs.
fn below(bound: &Bound, target: &Target, denied: bool) -> Bound {
    let each = |all: &[Bound]| all.iter().map(|b| below(b, target, denied)).collect::<Vec<_>>();
    match bound {
        Bound::Const(value) => Bound::Const(*value),
        Bound::Not(inner) => below(inner, target, !denied).not(),
        Bound::And(all) => {
            let (not, mut and): (Vec<Bound>, Vec<Bound>) =
                each(all).into_iter().partition(|b| matches!(b, Bound::Not(_)));
            let not = not.into_iter().map(Bound::not).collect();
            and.extend(folded(not).into_iter().map(Bound::not));
            Bound::and(and)
        }
        Bound::Or(all) => Bound::or(folded(each(all))),
        Bound::Test(test) => one(test, target, denied),
    }
}

/// Whether a condition asks what Splunk's converter asks behind the search.
pub fn asks_behind(bound: &Bound) -> bool {
    let mut found = false;
    bound.each_test(&mut |test| found |= regex_of(test).is_some() || matches!(test.op, BoundOp::Same(..)));
    found
}

fn regex_of(test: &BoundTest) -> Option<&Regex> {
    match &test.op {
        BoundOp::Text(Text { matcher: Matcher::Regex(regex), .. }) => Some(regex),
        _ => None,
    }
}

fn one(test: &BoundTest, target: &Target, denied: bool) -> Bound {
    let made = |op: BoundOp| Bound::Test(BoundTest { op, ..test.clone() });
    match &test.op {
        // A filler is no value, and neither is nothing.
        BoundOp::Exists if !test.column.numeric => {
            let nothing = std::iter::once(String::new()).chain(target.filler.iter().cloned());
            let nothing = Matcher::Exact(nothing.collect());
            let nothing = made(BoundOp::Text(Text { matcher: nothing, all: false, cased: false }));
            Bound::and(vec![made(BoundOp::Exists), nothing.not()])
        }
        BoundOp::Cidr(networks) => {
            let (mut starts, mut same, mut rest) = (vec![], vec![], vec![]);
            for network in networks {
                let Some((texts, whole)) = beginnings(network) else {
                    rest.push(network.clone());
                    continue;
                };
                let list = if whole { &mut same } else { &mut starts };
                // An engine takes an IPv4 address that is written as one of IPv6 for one of IPv6.
                let mapped = texts.iter().map(|text| format!("{MAPPED}{text}")).collect::<Vec<_>>();
                match texts.len() <= MOST_BEGINNINGS && texts != [""] {
                    true => list.extend(texts),
                    false => rest.push(network.clone()),
                }
                list.extend(mapped);
            }
            let text = |matcher: Matcher| made(BoundOp::Text(Text { matcher, all: false, cased: false }));
            let mut parts = vec![];
            parts.extend((!starts.is_empty()).then(|| text(Matcher::StartsWith(starts))));
            parts.extend((!same.is_empty()).then(|| text(Matcher::Exact(same))));
            parts.extend((!rest.is_empty()).then(|| made(BoundOp::Cidr(rest))));
            Bound::or(parts)
        }
        // In Kusto a comparison with a missing number is null, and so is its negation.
        BoundOp::Order(..) | BoundOp::In(_) | BoundOp::Same(..) if denied && test.column.numeric => {
            Bound::and(vec![made(BoundOp::Exists), Bound::Test(test.clone())])
        }
        BoundOp::Text(Text { matcher: Matcher::Regex(regex), .. })
            if target.plain_command_lines && !regex.plain.is_empty() =>
        {
            made(BoundOp::Text(Text { matcher: Matcher::Contains(regex.plain.clone()), all: false, cased: false }))
        }
        BoundOp::Text(text) => texts(text, &made),
        _ => Bound::Test(test.clone()),
    }
}

/// The beginnings that the text of an IPv4 address has in this network, or all of its addresses. In the network of all
/// addresses it begins with nothing.
fn beginnings(network: &str) -> Option<(Vec<String>, bool)> {
    let (address, bits) = network.split_once('/')?;
    let (address, bits): (Ipv4Addr, u32) = (address.parse().ok()?, bits.parse().ok().filter(|b| *b <= 32)?);
    let octets = usize::try_from(bits.div_ceil(8)).ok()?;
    let free = (8 - bits % 8) % 8;
    let count = 1_u32 << free;
    if bits == 0 {
        return Some((vec![String::new()], false));
    }
    let first = u32::from(address) & (u32::MAX << (32 - bits));
    let text = |n: u32| {
        let octet: Vec<String> =
            Ipv4Addr::from(first + (n << (8 * (4 - bits.div_ceil(8))))).octets().iter().map(u8::to_string).collect();
        let kept = octet.get(..octets).unwrap_or_default().join(".");
        if octets == 4 { kept } else { format!("{kept}.") }
    };
    Some(((0..count).map(text).collect(), octets == 4))
}

/// Converters for Splunk and Kusto refuse `cased`, Splunk's takes `?` for a star, a star cannot be a character there, and
/// Kusto's prints a line break within quotes: a regular expression says the same.
fn texts(text: &Text, made: &impl Fn(BoundOp) -> Bound) -> Bound {
    let wild = |text: &str| text.contains(['*', '?']);
    let broken = |text: &str| text.contains(['\n', '\r']);
    let exact = |values: &[String]| !values.iter().any(|v| wild(v) || broken(v));
    let cased = text.cased;
    let plain = !cased
        && match &text.matcher {
            Matcher::Exact(v) | Matcher::Contains(v) | Matcher::StartsWith(v) | Matcher::EndsWith(v) => exact(v),
            Matcher::Like(globs) => globs.iter().flat_map(|g| &g.parts).all(|part| match part {
                Part::Literal(text) => !wild(text) && !broken(text),
                Part::One => false,
                Part::Any => true,
            }),
            Matcher::Regex(_) => true,
        };
    if plain {
        return made(BoundOp::Text(text.clone()));
    }
    let each = |before: &str, values: &[String], after: &str| -> Vec<String> {
        values.iter().map(|v| format!("{before}{}{after}", escape(v))).collect()
    };
    let patterns = match &text.matcher {
        Matcher::Exact(values) => each("^", values, "$"),
        Matcher::Contains(values) => each("", values, ""),
        Matcher::StartsWith(values) => each("^", values, ""),
        Matcher::EndsWith(values) => each("", values, "$"),
        Matcher::Like(globs) => globs.iter().map(|g| format!("(?s:^{}$)", g.to_regex(".*", "."))).collect(),
        Matcher::Regex(_) => return made(BoundOp::Text(text.clone())),
    };
    let regex = |pattern: String| {
        let regex = Regex { pattern, cased, loose: true, ..Regex::default() };
        made(BoundOp::Text(Text { matcher: Matcher::Regex(regex), all: false, cased }))
    };
    if text.all {
        return Bound::and(patterns.into_iter().map(regex).collect());
    }
    regex(if patterns.len() == 1 { patterns.concat() } else { alternatives(&patterns) })
}

/// Alternatives of one column that are regular expressions become one of them: each that stands alone below an OR costs
/// Splunk a step over all events, and some rules their conversion.
fn folded(all: Vec<Bound>) -> Vec<Bound> {
    let mut out: Vec<Bound> = vec![];
    for bound in all {
        let twin = foldable(&bound)
            .and_then(|(column, _)| out.iter().position(|o| foldable(o).is_some_and(|(theirs, _)| theirs == column)));
        let joined = twin.and_then(|at| Some((at, join(out.get(at)?, &bound)?)));
        match joined {
            Some((at, joined)) => {
                if let Some(place) = out.get_mut(at) {
                    *place = joined;
                }
            }
            None => out.push(bound),
        }
    }
    out
}

/// A regular expression whose flags stand in no one's way.
fn foldable(bound: &Bound) -> Option<(&Column, &Regex)> {
    let Bound::Test(test) = bound else { return None };
    regex_of(test).filter(|regex| flags_are_scoped(&regex.pattern)).map(|regex| (&test.column, regex))
}

/// `(?s)x` holds to the end of what it stands in, and Python wants it at the very beginning.
fn flags_are_scoped(pattern: &str) -> bool {
    let flags = |rest: &str| rest.trim_start_matches(|c: char| c.is_ascii_alphabetic() || c == '-').starts_with(')');
    !pattern.match_indices("(?").any(|(at, _)| pattern.get(at + 2..).is_some_and(flags))
}

fn join(a: &Bound, b: &Bound) -> Option<Bound> {
    let (Bound::Test(test), (_, a), (_, b)) = (a, foldable(a)?, foldable(b)?) else { return None };
    let same = (a.cased, a.dot_all) == (b.cased, b.dot_all);
    let one = |r: &Regex| match r.flags().strip_suffix(')') {
        Some(flags) if !same => format!("{flags}:{})", r.pattern),
        _ => r.pattern.clone(),
    };
    let regex = Regex {
        pattern: format!("{}|{}", one(a), one(b)),
        cased: !same || a.cased,
        dot_all: same && a.dot_all,
        loose: a.loose || b.loose,
        ..Regex::default()
    };
    let cased = regex.cased;
    let op = BoundOp::Text(Text { matcher: Matcher::Regex(regex), all: false, cased });
    Some(Bound::Test(BoundTest { op, ..test.clone() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_the_beginnings_of_their_addresses() {
        let said = |network: &str| beginnings(network).map(|(all, whole)| (all.join(" "), whole));
        assert_eq!(said("10.0.0.0/8"), Some(("10.".into(), false)));
        assert_eq!(said("192.168.4.0/22"), Some(("192.168.4. 192.168.5. 192.168.6. 192.168.7.".into(), false)));
        assert_eq!(said("127.0.0.1/32"), Some(("127.0.0.1".into(), true)));
        assert_eq!(said("10.9.8.6/31"), Some(("10.9.8.6 10.9.8.7".into(), true)));
        assert_eq!(
            beginnings("172.16.0.0/12").map(|(all, _)| (all.len(), all[0].clone(), all[15].clone())),
            Some((16, "172.16.".to_owned(), "172.31.".to_owned()))
        );
        assert_eq!(said("0.0.0.0/0"), Some((String::new(), false)));
        assert_eq!(beginnings("100.0.0.0/9").map(|(all, _)| all.len()), Some(128));
        for kept in ["::1/128", "fe80::/10"] {
            assert_eq!(said(kept), None, "{kept}");
        }
    }

    #[test]
    fn a_flag_for_all_that_follows_keeps_a_regular_expression_apart() {
        assert!(flags_are_scoped("(?:a|b)(?i:c)") && !flags_are_scoped("(?s)a.b") && !flags_are_scoped("a(?i-s)b"));
    }
}
