//! What an engine is known not to do as its language says: such rows are not compared with it. `../deviations.md` has each
//! with a minimal case and the reason; nothing else may be left out.

use super::super::checker::Checker;
use super::converted::{Converter, in_sysmon};
use super::engines::logsources;
use super::required::required;
use regex::Regex;
use serde_json::{Map, Value as Json};
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv6Addr};

/// Splunk does not say whether its regular expressions read characters or bytes, so its evaluator does not decide.
pub const BYTES: &str = "characters or bytes";

/// Whether a row is left out.
pub type LeftOut<'d> = Box<dyn Fn(&Map<String, Json>) -> bool + 'd>;

/// Whether an engine's answer about a row says nothing of the document.
pub fn beyond(program: Checker, document: &str) -> LeftOut<'_> {
    match program {
        Checker::SigmaRust => {
            let all = document.contains("|fieldref:") || patterns(document).any(mark_behind_star);
            Box::new(move |_| all)
        }
        Checker::SigmaRun => {
            let cidr = document.contains("|cidr");
            let several = cidr && networks(document).any(is_several_patterns);
            let dollar = document.contains("$'") || document.contains("$\"");
            let long = |row: &Map<String, Json>| row.values().filter_map(Json::as_str).any(is_long_address);
            Box::new(move |row| several || cidr && long(row) || dollar && stops_before_newline(document, row))
        }
        Checker::Kusto
        | Checker::KustoRun
        | Checker::Sigma
        | Checker::SigmaConvert
        | Checker::SigmaCorrelate
        | Checker::Rsigma => Box::new(|_| false),
        // They run nothing.
        Checker::Appinspect | Checker::Contentctl | Checker::Regex => Box::new(|_| false),
    }
}

/// Whether what a converter makes of a Sigma rule is another condition, however the rule is written.
pub fn beyond_converter(converter: Converter, document: &str) -> bool {
    match converter {
        Converter::Splunk | Converter::Sysmon => document.contains("|fieldref:"),
        Converter::Kusto => networks(document).any(|(address, _)| address.is_ipv6()),
    }
}

/// Whether a converter refuses a rule, or Splunk its query, however the rule is written.
pub fn refused_by_converter(converter: Converter, document: &str, error: &str) -> bool {
    match converter {
        // Without a condition on the log source a query begins with the regular expressions, unless each event has some field.
        Converter::Splunk | Converter::Sysmon => {
            let nothing_in_front = ["no pipe in front of the first command", "the converter printed an empty query"];
            let mut rules = required(document).into_iter().zip(logsources(document));
            let bare = |(fields, source): (BTreeSet<String>, _)| {
                fields.is_empty() && (converter == Converter::Splunk || !in_sysmon(&source))
            };
            nothing_in_front.iter().any(|said| error.contains(said)) && rules.any(bare)
        }
        Converter::Kusto => {
            (document.contains("|fieldref:") && error.contains("Field reference"))
                || (lists_numbers(document) && error.contains("'lower(BIGINT)'"))
        }
    }
}

/// Whether several numbers are asked of a field.
fn lists_numbers(document: &str) -> bool {
    let number = |line: &str| line.trim().strip_prefix("- ").is_some_and(|n| n.parse::<i64>().is_ok());
    document.lines().any(number)
}

/// An address of IPv6 that is not in its short form.
fn is_long_address(text: &str) -> bool {
    text.parse::<Ipv6Addr>().is_ok_and(|address| address.to_string() != text)
}

/// Networks in quotes: an address and how many of its bits count.
fn networks(document: &str) -> impl Iterator<Item = (IpAddr, u32)> {
    let quoted = document.lines().filter_map(|line| line.trim_end().strip_suffix('\'')?.rsplit('\'').next());
    quoted.filter_map(|text| {
        let (address, bits) = text.split_once('/')?;
        Some((address.parse().ok()?, bits.parse().ok()?))
    })
}

/// Whether one pattern of text cannot stand for the network: it ends within a number of its text, holds every address, or
/// begins with zeros, which the short form leaves out.
fn is_several_patterns((address, bits): (IpAddr, u32)) -> bool {
    let zeros = matches!(address, IpAddr::V6(six) if six.segments()[0] == 0) && bits < 128;
    zeros || bits == 0 || bits % if address.is_ipv4() { 8 } else { 4 } != 0
}

/// Whether one of a Sigma rule's regular expressions holds of its field only if the `$` at its end may stand before a last
/// newline.
fn stops_before_newline(document: &str, row: &Map<String, Json>) -> bool {
    let newline_last = |text: &str| text.ends_with('\n');
    if !row.values().filter_map(Json::as_str).any(newline_last) {
        return false;
    }
    let mut regexes = vec![];
    if let Ok(rule) = serde_yaml::from_str::<Json>(document) {
        each_regex(&rule["detection"], &mut regexes);
    }
    let holds = |pattern: &str, text| Regex::new(pattern).is_ok_and(|regex| regex.is_match(text));
    regexes.iter().any(|(field, regex)| {
        let text = row.get(field).and_then(Json::as_str).filter(|text| newline_last(text));
        // Behind a backslash the sign is a letter.
        let pattern = regex.strip_suffix('$').filter(|rest| !rest.ends_with('\\'));
        let Some((pattern, text)) = pattern.zip(text) else { return false };
        holds(&format!("{pattern}\n$"), text) && !holds(&format!("{pattern}$"), text)
    })
}

/// Collects fields and the regular expressions that are asked of them.
fn each_regex(detection: &Json, out: &mut Vec<(String, String)>) {
    match detection {
        Json::Object(items) => {
            for (key, value) in items {
                match key.split_once("|re") {
                    Some((field, _)) => {
                        let all = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
                        out.extend(all.iter().filter_map(|v| Some((field.to_owned(), v.as_str()?.to_owned()))));
                    }
                    None => each_regex(value, out),
                }
            }
        }
        Json::Array(all) => all.iter().for_each(|one| each_regex(one, out)),
        _ => {}
    }
}

/// Lines of a Sigma rule with values that are no regular expressions.
fn patterns(document: &str) -> impl Iterator<Item = &str> {
    let mut regex = false;
    document.lines().filter(move |line| {
        if !line.trim_start().starts_with("- '") {
            regex = line.contains("|re: ") || line.trim_end().ends_with("|re:");
        }
        !regex
    })
}

/// A wildcard `?` somewhere behind a wildcard `*`.
fn mark_behind_star(line: &str) -> bool {
    let mut star = false;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => drop(chars.next()),
            '*' => star = true,
            '?' if star => return true,
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_mark_behind_a_star_is_left_out() {
        let left_out = |line: &str| patterns(line).any(mark_behind_star);
        assert!(left_out("    Image: '*??'") && left_out("        - 'a*b?'"));
        assert!(
            !left_out("    Image: '??*'") && !left_out(r"    Image: '*\?'") && !left_out("    Image|re: '(?i).*a?'")
        );
        assert!(
            !left_out("    Image|re:\n        - '.*a?'")
                && left_out("    Image|re:\n        - 'x'\n    Image:\n        - '*a?'")
        );
    }

    #[test]
    fn only_a_dollar_that_a_newline_decides_is_left_out() {
        let left_out = |item: &str, user: &str| {
            let row = serde_json::json!({ "User": user, "Image": "a\n" });
            stops_before_newline(&format!("detection:\n  a:\n    {item}\n"), row.as_object().expect("a row"))
        };
        assert!(left_out("User|re: '^rar$'", "rar\n") && left_out("User|re:\n        - '(?i)^it''s$'", "IT's\n"));
        assert!(left_out(r"User|re: '\\rar$'", "a\\rar\n"));
        // It holds of neither or of both, or is no end at all, or is of another field.
        assert!(!left_out("User|re: '^rar$'", "rar") && !left_out("User|re: '^rar$'", "zip\n"));
        assert!(!left_out("User|re: '(?s)^rar.*$'", "rar\n") && !left_out(r"User|re: '^rar\$'", "rar\n"));
        assert!(!left_out("User|re: '^a$'", "rar\n") && !left_out("User: 'rar$'", "rar\n"));
    }

    #[test]
    fn a_query_without_a_beginning_is_left_out_where_nothing_gives_it_one() {
        let left_out = |converter, logsource: &str, condition: &str| {
            let text = format!(
                "logsource:\n  {logsource}\ndetection:\n  a:\n    User|re: 'x'\n  b:\n    Image: 'y'\n  condition: {condition}\n"
            );
            refused_by_converter(converter, &text, "no pipe in front of the first command")
        };
        let [windows, linux, script] =
            [("process_creation", "windows"), ("process_creation", "linux"), ("ps_script", "windows")]
                .map(|(category, product)| format!("category: {category}\n  product: {product}"));
        assert!(left_out(Converter::Splunk, &windows, "a or b") && !left_out(Converter::Sysmon, &windows, "a or b"));
        assert!(left_out(Converter::Sysmon, &linux, "a or b") && left_out(Converter::Sysmon, &script, "a or b"));
        assert!(!left_out(Converter::Splunk, &windows, "a and b") && !left_out(Converter::Sysmon, &linux, "a and b"));
    }

    #[test]
    fn only_a_list_of_numbers_is_no_list_for_kusto() {
        let left_out = |values: &str| {
            refused_by_converter(Converter::Kusto, &format!("detection:\n  a:\n    Port:{values}\n"), "'lower(BIGINT)'")
        };
        assert!(left_out("\n      - 4\n      - 8") && !left_out(" 4") && !left_out("\n      - '4'\n      - '8'"));
    }

    #[test]
    fn networks_that_are_one_pattern_of_text_are_compared() {
        let left_out = |network: &str| networks(&format!("    Ip|cidr: '{network}'\n")).any(is_several_patterns);
        assert!(left_out("192.168.4.0/22") && left_out("0.0.0.0/0") && left_out("fe80::/10"));
        assert!(left_out("::/16") && left_out("0:0:5::/48"));
        assert!(!left_out("10.0.0.0/8") && !left_out("::1/128") && !left_out("fd00::/8"));
        assert_eq!(networks("    Ip|cidr:\n        - '10.0.0.0/8'\n        - '::1/128'\n    Image: 'a/1'").count(), 2);
    }
}
