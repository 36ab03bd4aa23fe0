//! Values of eval expressions, three-valued truth, and comparison.
//!
//! A field whose text is a plain decimal number is a number as well as a text; so is a JSON number. A string literal or the
//! result of a text function is text only. Splunk documents the comparison operators for two numbers or two texts; a mix is
//! answered only where both readings agree.
//!
//! A comparison with null is neither true nor false. What `NOT` makes of that is not documented for SPL, so [`Truth`] keeps
//! both candidates, Kleene's logic and "null is false", and whoever needs an answer gets an error where they differ.

use super::{Result, Row, SplError};
use serde_json::Value as Json;
use std::cmp::Ordering;

/// The value of an expression.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Null,
    /// A number, with its text where it came from a field.
    Num(f64, Option<String>),
    Text(String),
    Multi(Vec<String>),
}

/// A truth value under both readings of null.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Truth {
    kleene: Option<bool>,
    two_valued: bool,
}

impl Truth {
    pub const NULL: Self = Self { kleene: None, two_valued: false };

    pub fn known(value: bool) -> Self {
        Self { kleene: Some(value), two_valued: value }
    }

    pub fn not(self) -> Self {
        Self { kleene: self.kleene.map(|k| !k), two_valued: !self.two_valued }
    }

    pub fn and(self, other: Self) -> Self {
        let kleene = match (self.kleene, other.kleene) {
            (Some(false), _) | (_, Some(false)) => Some(false),
            (Some(true), Some(true)) => Some(true),
            _ => None,
        };
        Self { kleene, two_valued: self.two_valued && other.two_valued }
    }

    pub fn or(self, other: Self) -> Self {
        self.not().and(other.not()).not().with_two_valued(self.two_valued || other.two_valued)
    }

    pub fn xor(self, other: Self) -> Self {
        let kleene = self.kleene.zip(other.kleene).map(|(a, b)| a != b);
        Self { kleene, two_valued: self.two_valued != other.two_valued }
    }

    fn with_two_valued(self, two_valued: bool) -> Self {
        Self { two_valued, ..self }
    }

    /// Whether it is true; an error if that depends on what NOT makes of null.
    pub fn holds(self, at: usize) -> Result<bool> {
        match (self.kleene, self.two_valued) {
            (None, true) => Err(SplError::undocumented(at, "the result hinges on what NOT (or XOR) makes of a null")),
            (kleene, _) => Ok(kleene == Some(true)),
        }
    }
}

/// A plain decimal number; no exponent, no blanks, no hexadecimal.
pub(super) fn number(text: &str) -> Option<f64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let plain = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_digit());
    (plain(whole) && plain(fraction)).then(|| text.parse().ok()).flatten()
}

/// A number as Splunk would print it: no fraction for whole ones.
pub(super) fn print(number: f64) -> String {
    format!("{number}")
}

/// The texts of a field: none where it is missing, several for a multivalue field.
pub(super) fn texts(row: &Row, field: &str, at: usize) -> Result<Vec<String>> {
    let one = |value: &Json| match value {
        Json::String(text) => Ok(text.clone()),
        Json::Number(number) => {
            Ok(number.as_f64().filter(|_| number.is_f64()).map_or_else(|| number.to_string(), print))
        }
        Json::Bool(value) => Ok(value.to_string()),
        _ => Err(SplError::unsupported(at, format!("the field `{field}` holds an object or a nested list"))),
    };
    match row.get(field) {
        None | Some(Json::Null) => Ok(Vec::new()),
        Some(Json::Array(values)) => values.iter().map(one).collect(),
        Some(value) => Ok(vec![one(value)?]),
    }
}

/// The value of a field in an expression.
pub(super) fn load(row: &Row, field: &str, at: usize) -> Result<Value> {
    let mut found = texts(row, field, at)?;
    Ok(match (found.pop(), found.is_empty()) {
        (None, _) => Value::Null,
        (Some(text), true) => match number(&text) {
            Some(value) => Value::Num(value, Some(text)),
            None => Value::Text(text),
        },
        (Some(text), false) => {
            found.push(text);
            Value::Multi(found)
        }
    })
}

impl Value {
    /// What a row keeps; nothing for null.
    pub fn store(self) -> Option<Json> {
        match self {
            Self::Null => None,
            Self::Num(_, Some(text)) | Self::Text(text) => Some(Json::String(text)),
            Self::Num(value, None) => Some(json_number(value)),
            Self::Multi(values) => Some(Json::Array(values.into_iter().map(Json::String).collect())),
        }
    }

    /// The text, if there is exactly one.
    pub fn text(&self) -> Option<String> {
        match self {
            Self::Text(text) | Self::Num(_, Some(text)) => Some(text.clone()),
            Self::Num(value, None) => Some(print(*value)),
            Self::Null | Self::Multi(_) => None,
        }
    }

    /// All texts.
    pub fn list(&self) -> Vec<String> {
        match self {
            Self::Multi(values) => values.clone(),
            other => other.text().into_iter().collect(),
        }
    }
}

/// A number for a row: an integer where it is one.
pub(super) fn json_number(value: f64) -> Json {
    if value.fract() == 0.0 && value.abs() < 9_007_199_254_740_992.0 {
        return Json::from(value as i64);
    }
    serde_json::Number::from_f64(value).map_or_else(|| Json::String(print(value)), Json::Number)
}

/// Whether `wanted` holds for the order of two values.
pub(super) fn compare(a: &Value, b: &Value, wanted: fn(Ordering) -> bool, equality: bool, at: usize) -> Result<Truth> {
    use Value::{Multi, Null, Num, Text};
    let by_number = |a: f64, b: f64| a.partial_cmp(&b).map_or(Truth::NULL, |order| Truth::known(wanted(order)));
    match (a, b) {
        (Null, _) | (_, Null) => Ok(Truth::NULL),
        (Multi(_), _) | (_, Multi(_)) => Err(SplError::undocumented(at, "a comparison of a field with several values")),
        (Num(a, _), Num(b, _)) => Ok(by_number(*a, *b)),
        (Text(a), Text(b)) => Ok(Truth::known(wanted(a.cmp(b)))),
        (Num(n, text), Text(other)) => mixed(*n, text.as_ref(), other, wanted, false, equality, at),
        (Text(other), Num(n, text)) => mixed(*n, text.as_ref(), other, wanted, true, equality, at),
    }
}

/// A number against a text: only where comparing as numbers and as texts comes to the same.
fn mixed(
    n: f64,
    own: Option<&String>,
    other: &str,
    wanted: fn(Ordering) -> bool,
    flip: bool,
    equality: bool,
    at: usize,
) -> Result<Truth> {
    let turn = |order: Ordering| wanted(if flip { order.reverse() } else { order });
    let own = own.cloned().unwrap_or_else(|| print(n));
    let as_text = turn(own.as_str().cmp(other));
    match number(other).and_then(|other| n.partial_cmp(&other)) {
        Some(order) if turn(order) == as_text => Ok(Truth::known(as_text)),
        None if equality => Ok(Truth::known(as_text)),
        _ => Err(SplError::undocumented(at, format!("a comparison of the number `{own}` with the text `{other}`"))),
    }
}

#[cfg(test)]
mod tests {
    use super::{Truth, Value, compare, number};

    #[test]
    fn null_is_decided_only_where_every_reading_agrees() {
        let (t, f, n) = (Truth::known(true), Truth::known(false), Truth::NULL);
        assert_eq!(n.and(f).not().holds(0), Ok(true));
        assert_eq!(n.or(t).holds(0), Ok(true));
        assert_eq!(n.and(t).holds(0), Ok(false));
        assert_eq!(n.or(f).holds(0), Ok(false));
        assert!(n.not().holds(0).is_err());
        assert!(n.or(f).not().holds(0).is_err());
        assert!(n.and(t).not().holds(0).is_err());
        assert_eq!(n.not().and(f).holds(0), Ok(false));
        assert!(n.xor(t).holds(0).is_err());
    }

    #[test]
    fn numbers_are_plain_decimals() {
        assert_eq!(number("-1.50"), Some(-1.5));
        assert!(number("1e5").is_none() && number("0x1F").is_none() && number("").is_none() && number(".5").is_none());
    }

    #[test]
    fn a_number_and_a_text_compare_where_both_readings_agree() {
        let field = |text: &str| Value::Num(text.parse().unwrap_or_default(), Some(text.to_owned()));
        let text = |text: &str| Value::Text(text.to_owned());
        let equal = |a: &Value, b: &Value| compare(a, b, std::cmp::Ordering::is_eq, true, 0);
        assert_eq!(equal(&field("200"), &text("200")), Ok(Truth::known(true)));
        assert_eq!(equal(&field("200"), &text("abc")), Ok(Truth::known(false)));
        assert!(equal(&field("200.0"), &text("200")).is_err());
        assert!(compare(&field("9"), &text("10"), std::cmp::Ordering::is_lt, false, 0).is_err());
        assert_eq!(compare(&field("9"), &field("10"), std::cmp::Ordering::is_lt, false, 0), Ok(Truth::known(true)));
    }
}
