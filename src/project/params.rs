//! Params in the project file.

use crate::diagnostic::{Code, Diagnostic};
use crate::source::{FileId, Span};
use crate::syntax::ast::{Literal, Text};
use crate::yaml::{Node, Value};
use indexmap::IndexMap;

/// Reads the params of a project file: whole numbers, sizes, durations, true, false or text. Other values are findings.
pub(super) fn read(file: FileId, places: &Node) -> (IndexMap<String, Literal>, Vec<Diagnostic>) {
    let (mut params, mut found) = (IndexMap::new(), vec![]);
    let entries = places.entry("params").map_or(&[][..], |(_, all)| all.entries());
    for (key, value) in entries {
        let Some(name) = key.text() else { continue };
        let of = |node: &Node| Span::new(file, node.range.start, node.range.end);
        match literal(value, of(key)) {
            Ok(literal) => {
                params.insert(name.to_owned(), literal);
            }
            Err(what) => {
                // An empty value has no place, so point at the key.
                let shown = if value.range.is_empty() { of(key) } else { of(value) };
                found.push(
                    Diagnostic::new(Code::BadProject, format!("param `{name}` is set to {what}"))
                        .at(shown, "not a value of a param")
                        .help("write a whole number, a size such as `20MB`, a duration such as `15m`, true, false, or text; quote text that looks like a number"),
                );
            }
        }
    }
    (params, found)
}

fn literal(node: &Node, span: Span) -> Result<Literal, &'static str> {
    let (text, plain) = match &node.value {
        Value::Scalar { text, plain } => (text, *plain),
        Value::List(_) => return Err("a list"),
        Value::Map(_) => return Err("a map"),
        Value::Alias => return Err("a reference"),
    };
    if plain {
        match serde_yaml::from_str::<serde_yaml::Value>(text) {
            Ok(serde_yaml::Value::Bool(value)) => return Ok(Literal::Bool(value, span)),
            Ok(serde_yaml::Value::Null) => return Err("nothing"),
            Ok(serde_yaml::Value::Number(number)) => {
                if number.as_u64().is_none() || !text.bytes().all(|b| b.is_ascii_digit()) {
                    return Err("a number that is not whole");
                }
                return whole(text, 1).map(|n| Literal::Int(n, span)).ok_or(TOO_LARGE);
            }
            _ => {}
        }
    }
    amount(text, span)
}

/// Reads a size such as `20MB`, a duration such as `15m`, or text.
fn amount(text: &str, span: Span) -> Result<Literal, &'static str> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    type Make = fn(u64, Span) -> Literal;
    let (factor, make): (u64, Make) = match unit {
        "s" => (1, Literal::Duration),
        "m" => (60, Literal::Duration),
        "h" => (3600, Literal::Duration),
        "d" => (86_400, Literal::Duration),
        "B" => (1, Literal::Size),
        "KB" => (1 << 10, Literal::Size),
        "MB" => (1 << 20, Literal::Size),
        "GB" => (1 << 30, Literal::Size),
        _ => (0, Literal::Int),
    };
    if factor == 0 || number.is_empty() {
        return Ok(Literal::Text(Text { value: text.to_owned(), raw: false, span }));
    }
    whole(number, factor).map(|n| make(n, span)).ok_or(TOO_LARGE)
}

const TOO_LARGE: &str = "a number that is too large";

/// Reads a number, with the same limit as in rules: the largest signed 64-bit number.
fn whole(digits: &str, factor: u64) -> Option<u64> {
    digits.parse::<u64>().ok()?.checked_mul(factor).filter(|n| i64::try_from(*n).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Sources;

    /// Each param's value, or the finding with its place.
    fn params(text: &str) -> (Vec<String>, Vec<String>) {
        let mut sources = Sources::new();
        let file = sources.add("arcanary.yaml", text);
        let (_, places) = crate::yaml::read::<serde_yaml::Value>(text).expect("YAML");
        let (params, found) = read(file, &places);
        let shown = |l: &Literal| match l {
            Literal::Text(t) => format!("text {}", t.value),
            Literal::Int(n, _) | Literal::Size(n, _) | Literal::Duration(n, _) => format!("{} {n}", l.words()),
            Literal::Bool(b, _) => b.to_string(),
            Literal::Date(..) => "date".to_owned(),
        };
        let said = found.iter().map(|d| format!("{}: {}", sources.text(d.span().expect("a place")), d.message));
        (params.values().map(shown).collect(), said.collect())
    }

    #[test]
    fn what_a_parameter_can_be_is_read() {
        let text = "params: { a: 5, b: 20MB, c: 15m, d: true, e: word, f: \"1e3\", g: '5', h: \"-1\", i: '~', j: \"7d\", k: yes }";
        let (values, found) = params(text);
        assert_eq!(found, Vec::<String>::new());
        let expected = [
            "a number 5",
            "a size 20971520",
            "a duration 900",
            "true",
            "text word",
            "text 1e3",
            "text 5",
            "text -1",
            "text ~",
            "a duration 604800",
            "text yes",
        ];
        assert_eq!(values, expected);
    }

    #[test]
    fn what_it_cannot_be_is_an_error_at_its_place() {
        for (value, what) in [
            ("1e3", "not whole"),
            ("-1", "not whole"),
            ("5.5", "not whole"),
            (".5", "not whole"),
            (".inf", "not whole"),
            ("0x10", "not whole"),
            ("+5", "not whole"),
            ("~", "nothing"),
            ("null", "nothing"),
            ("[1]", "a list"),
            ("[]", "a list"),
            ("{x: 1}", "a map"),
            ("{}", "a map"),
            ("9223372036854775808", "too large"),
            ("9007199254740993GB", "too large"),
            ("99999999999999999999d", "too large"),
        ] {
            let (values, found) = params(&format!("params:\n  first: 1\n  second: {value}\n"));
            assert_eq!(values, ["a number 1"], "{value}");
            assert_eq!(found.len(), 1, "{value}: {found:?}");
            assert!(found[0].starts_with(&format!("{value}: ")) && found[0].contains(what), "{value}: {found:?}");
        }
        let (_, found) = params("params:\n  none:\n  other: 1\n");
        assert_eq!(found, ["none: param `none` is set to nothing"]);
    }
}
