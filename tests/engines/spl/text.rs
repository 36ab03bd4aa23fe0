//! Functions of eval expressions that cut and change texts, and `like`.

use super::calc::multi;
use super::expr::{Expr, Node};
use super::function::Function;
use super::value::Value;
use super::{Result, SplError};

/// `%` is any run, `_` one character; case counts.
pub(super) fn like(text: &[char], pattern: &[char]) -> bool {
    let (mut at, mut next, mut retry) = (0, 0, None);
    while at < text.len() {
        match pattern.get(next) {
            Some('%') => {
                next += 1;
                retry = Some((at, next));
            }
            Some(c) if *c == '_' || Some(c) == text.get(at) => (at, next) = (at + 1, next + 1),
            _ => match retry {
                Some((from, then)) => {
                    retry = Some((from + 1, then));
                    (at, next) = (from + 1, then);
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(next).all(|c| *c == '%')
}

pub(super) fn texty(function: Function, text: &str, values: &[Value], arguments: &[Expr], at: usize) -> Result<Value> {
    let cut: Vec<char> = match values.get(1) {
        Some(_) => text_at(values, 1).chars().collect(),
        None => vec![' ', '\t'],
    };
    Ok(Value::Text(match function {
        Function::Lower => text.to_lowercase(),
        Function::Upper => text.to_uppercase(),
        Function::Len => return Ok(Value::Num(text.chars().count() as f64, None)),
        Function::Substr => return substr(text, values, at),
        Function::Trim => text.trim_matches(cut.as_slice()).to_owned(),
        Function::Rtrim => text.trim_end_matches(cut.as_slice()).to_owned(),
        Function::Ltrim => text.trim_start_matches(cut.as_slice()).to_owned(),
        Function::Urldecode => return urldecode(text, at),
        Function::Split => return split(text, &text_at(values, 1), at),
        Function::Replace => match arguments.get(1).map(|expr| &expr.node) {
            Some(Node::Regex(pattern)) => {
                pattern.found(text, at)?;
                pattern.replace(text, &text_at(values, 2))
            }
            _ => return Ok(Value::Null),
        },
        _ => {
            return Err(SplError::syntax(at, "a condition where a value was expected"));
        }
    }))
}

pub(super) fn text_at(values: &[Value], index: usize) -> String {
    values.get(index).and_then(Value::text).unwrap_or_default()
}

pub(super) fn whole(values: &[Value], index: usize, at: usize) -> Result<Option<i64>> {
    match values.get(index) {
        None => Ok(None),
        Some(Value::Num(number, _)) if number.fract() == 0.0 => Ok(Some(*number as i64)),
        Some(_) => Err(SplError::undocumented(at, "a position that is no whole number")),
    }
}

/// Characters from `start`, counted from 1, negative ones from the end.
fn substr(text: &str, values: &[Value], at: usize) -> Result<Value> {
    let chars: Vec<char> = text.chars().collect();
    let start = match whole(values, 1, at)? {
        Some(0) | None => return Err(SplError::undocumented(at, "substr() from position 0")),
        Some(start) if start < 0 => (start + chars.len() as i64).max(0),
        Some(start) => start - 1,
    };
    let length = whole(values, 2, at)?.unwrap_or(i64::MAX);
    let (start, length) = (usize::try_from(start).unwrap_or(0), usize::try_from(length).unwrap_or(0));
    Ok(Value::Text(chars.into_iter().skip(start).take(length).collect()))
}

fn split(text: &str, delimiter: &str, at: usize) -> Result<Value> {
    if delimiter.is_empty() {
        return Err(SplError::undocumented(at, "split() at nothing"));
    }
    // What it makes of an empty text is documented nowhere: nothing is what a query must be ready for.
    if text.is_empty() {
        return Ok(Value::Null);
    }
    Ok(multi(text.split(delimiter).map(str::to_owned).collect()))
}

fn urldecode(text: &str, at: usize) -> Result<Value> {
    let mut out = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let code = tail
            .get(..2)
            .and_then(|code| std::str::from_utf8(code).ok())
            .and_then(|code| u8::from_str_radix(code, 16).ok());
        let (byte, skip) = code.filter(|_| *first == b'%').map_or((*first, 0), |byte| (byte, 2));
        out.push(byte);
        rest = tail.get(skip..).unwrap_or_default();
    }
    match String::from_utf8(out) {
        Ok(text) => Ok(Value::Text(text)),
        Err(_) => Err(SplError::undocumented(at, "urldecode() to something that is not UTF-8")),
    }
}
