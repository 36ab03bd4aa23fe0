//! One test as an item of a Sigma selection: field, modifiers, values.

use crate::ir::pattern::{Glob, Part};
use crate::ir::{Matcher, Text};
use crate::syntax::ast::Order;
use crate::target::{BoundOp, BoundTest, How, Scalar, Unsupported};

/// The values of an item.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Value {
    /// Text.
    Texts(Vec<String>),
    /// Numbers.
    Numbers(Vec<i64>),
    /// True or false.
    Flag(bool),
}

/// Key and values of each item; several items are all required.
pub type Items = Vec<(String, Value)>;

/// A test of a shaped condition as items; `denied`: it stands below a NOT.
///
/// # Errors
/// A test of a part of a column, or of something that Sigma has no modifier for.
pub fn items(test: &BoundTest, denied: bool) -> Result<Items, Unsupported> {
    if test.column.how != How::Whole {
        let why = format!(
            "has `{}` only as a part of `{}`, and Sigma computes nothing",
            test.column.how.word(),
            test.column.name
        );
        return Err(Unsupported::new(test.span, why));
    }
    let name = &test.column.name;
    let key = |modifiers: &str| format!("{name}{modifiers}");
    Ok(match &test.op {
        BoundOp::Exists => vec![(key("|exists"), Value::Flag(true))],
        BoundOp::Order(order, n) => {
            let modifier = match order {
                Order::AtLeast => "|gte",
                Order::AtMost => "|lte",
                Order::More => "|gt",
                Order::Less => "|lt",
            };
            vec![(key(modifier), Value::Numbers(vec![*n]))]
        }
        BoundOp::In(values) => vec![(key(""), scalars(values))],
        BoundOp::Same(other, true) if !other.numeric => {
            return Err(Unsupported::new(
                test.span,
                format!("compares `{}` with `{}` in any case only", test.column.name, other.name),
            ));
        }
        BoundOp::Same(other, _) if other.how == How::Whole => {
            vec![(key("|fieldref"), Value::Texts(vec![other.name.clone()]))]
        }
        BoundOp::Same(other, _) => {
            return Err(Unsupported::new(test.span, format!("cannot compare with a part of `{}`", other.name)));
        }
        BoundOp::Cidr(networks) => vec![(key("|cidr"), Value::Texts(networks.clone()))],
        BoundOp::Text(text) => texts(&key, text, denied),
    })
}

fn scalars(values: &[Scalar]) -> Value {
    let numbers: Option<Vec<i64>> = values
        .iter()
        .map(|s| match s {
            Scalar::Number(n) => Some(*n),
            Scalar::Text(_) => None,
        })
        .collect();
    numbers.map_or_else(
        || {
            Value::Texts(
                values
                    .iter()
                    .map(|s| match s {
                        Scalar::Number(n) => n.to_string(),
                        Scalar::Text(t) => wildcard_free(t),
                    })
                    .collect(),
            )
        },
        Value::Numbers,
    )
}

fn texts(key: &impl Fn(&str) -> String, text: &Text, denied: bool) -> Items {
    let plain = |values: &[String]| Value::Texts(values.iter().map(|v| wildcard_free(v)).collect());
    let all = |modifier: &str, values: &[String]| match text.all {
        true if modifier == "|contains" => vec![(key("|contains|all"), plain(values))],
        true => values.iter().map(|v| (key(modifier), plain(std::slice::from_ref(v)))).collect(),
        false => vec![(key(modifier), plain(values))],
    };
    match &text.matcher {
        Matcher::Exact(values) => vec![(key(""), plain(values))],
        Matcher::Contains(values) => match any_dash(values).filter(|_| !text.all) {
            // Below a NOT, Splunk's converter loses the parentheses around what it makes of `windash`.
            Some(short) if !denied => {
                vec![(key("|contains|windash"), plain(&short))]
            }
            _ => all("|contains", values),
        },
        Matcher::StartsWith(values) => all("|startswith", values),
        Matcher::EndsWith(values) => all("|endswith", values),
        Matcher::Like(globs) => {
            let patterns = globs.iter().map(pattern).collect();
            vec![(key(""), Value::Texts(patterns))]
        }
        Matcher::Regex(regex) => vec![(key("|re"), Value::Texts(vec![regex.full()]))],
    }
}

/// The dashes that `windash` stands for.
const DASHES: [char; 5] = ['-', '/', '–', '—', '―'];

/// Texts that begin with a blank and any of the dashes, with `-` alone.
fn any_dash(values: &[String]) -> Option<Vec<String>> {
    let mut out: Vec<String> = vec![];
    for value in values {
        let mut chars = value.strip_prefix(' ')?.chars();
        chars.next().filter(|c| DASHES.contains(c))?;
        let (rest, short) = (chars.as_str(), format!(" -{}", chars.as_str()));
        // A dash further on would be any dash, too.
        if rest.contains(DASHES) || !DASHES.iter().all(|dash| values.contains(&format!(" {dash}{rest}"))) {
            return None;
        }
        if !out.contains(&short) {
            out.push(short);
        }
    }
    (!out.is_empty()).then_some(out)
}

fn pattern(glob: &Glob) -> String {
    let mut out = String::new();
    for part in &glob.parts {
        match part {
            Part::Literal(text) => out.push_str(&wildcard_free(text)),
            wildcard => {
                // A backslash at a literal's end would make the wildcard a character.
                if out.ends_with('\\') {
                    out.push('\\');
                }
                out.push(if *wildcard == Part::Any { '*' } else { '?' });
            }
        }
    }
    out
}

/// `*` and `?` get a backslash; a backslash is itself unless one of them, another backslash or the value's end follows.
fn wildcard_free(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    for (i, c) in chars.iter().enumerate() {
        match c {
            '*' | '?' => {
                out.push('\\');
                out.push(*c);
            }
            '\\' => {
                out.push('\\');
                // Before a wildcard or another backslash one backslash would be read as an escape.
                if matches!(chars.get(i + 1), Some('*' | '?' | '\\')) {
                    out.push('\\');
                }
            }
            c => out.push(*c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backslashes_are_doubled_only_where_they_would_be_read_as_escapes() {
        assert_eq!(wildcard_free(r"\rar.exe"), r"\rar.exe");
        assert_eq!(wildcard_free(r"C:\*"), r"C:\\\*");
        assert_eq!(wildcard_free(r"\\srv\x"), r"\\\srv\x");
        assert_eq!(wildcard_free("what?"), r"what\?");
        assert_eq!(wildcard_free(r"C:\x\"), r"C:\x\");
    }

    #[test]
    fn a_wildcard_behind_a_backslash_stays_a_wildcard() {
        let glob = |t: &str| pattern(&Glob::parse(t).expect("a pattern"));
        assert_eq!(glob(r"*\AppData\Local\Temp\7z*\*"), r"*\AppData\Local\Temp\7z*\\*");
        assert_eq!(glob(r"?:\[*].*"), r"?:\\\*.*");
    }
}
