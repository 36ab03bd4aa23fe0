//! The value of an eval expression for one row.
//!
//! Null goes through arithmetic and most functions; division by zero is null. Numbers are doubles. `+` puts texts together
//! too, `.` always does. Everything that Splunk leaves open for the values at hand is an error, not a guess.

use super::call;
use super::expr::{Expr, Node};
use super::value::{Truth, Value, compare, load};
use super::{Result, Row, SplError};
use std::cmp::Ordering;

/// Whether a condition holds: true and nothing else, null is not.
pub(super) fn holds(expr: &Expr, row: &Row) -> Result<bool> {
    truth(expr, row)?.holds(expr.at)
}

/// The truth of a condition.
pub(super) fn truth(expr: &Expr, row: &Row) -> Result<Truth> {
    match &expr.node {
        Node::Compare(op, a, b) => {
            let (wanted, equality): (fn(Ordering) -> bool, bool) = match *op {
                "==" => (Ordering::is_eq, true),
                "!=" => (Ordering::is_ne, true),
                "<" => (Ordering::is_lt, false),
                "<=" => (Ordering::is_le, false),
                ">" => (Ordering::is_gt, false),
                _ => (Ordering::is_ge, false),
            };
            compare(&value(a, row)?, &value(b, row)?, wanted, equality, expr.at)
        }
        Node::Not(inner) => Ok(truth(inner, row)?.not()),
        Node::And(parts) => fold(parts, row, Truth::and),
        Node::Or(parts) => fold(parts, row, Truth::or),
        Node::Xor(parts) => fold(parts, row, Truth::xor),
        Node::Call(function, arguments) => call::condition(*function, arguments, row, expr.at),
        _ => Err(SplError::syntax(expr.at, "a value where a condition was expected")),
    }
}

fn fold(parts: &[Expr], row: &Row, join: fn(Truth, Truth) -> Truth) -> Result<Truth> {
    let mut parts = parts.iter().map(|part| truth(part, row));
    let first = parts.next().unwrap_or(Ok(Truth::NULL))?;
    parts.try_fold(first, |sum, part| Ok(join(sum, part?)))
}

/// The value of an expression.
pub(super) fn value(expr: &Expr, row: &Row) -> Result<Value> {
    match &expr.node {
        Node::Number(number) => Ok(Value::Num(*number, None)),
        Node::Text(text) => Ok(Value::Text(text.clone())),
        Node::Field(name) => load(row, name, expr.at),
        Node::Negative(inner) => match value(inner, row)? {
            Value::Null => Ok(Value::Null),
            Value::Num(number, _) => Ok(Value::Num(-number, None)),
            _ => Err(SplError::undocumented(expr.at, "minus in front of a text")),
        },
        Node::Binary(op, a, b) => binary(op, &value(a, row)?, &value(b, row)?, expr.at),
        Node::Call(function, arguments) => call::value_of(*function, arguments, row, expr.at),
        _ => Err(SplError::syntax(expr.at, "a condition where a value was expected")),
    }
}

fn binary(op: &str, a: &Value, b: &Value, at: usize) -> Result<Value> {
    use Value::{Multi, Null, Num, Text};
    match (op, a, b) {
        (_, Null, _) | (_, _, Null) => Ok(Null),
        (_, Multi(_), _) | (_, _, Multi(_)) => {
            Err(SplError::undocumented(at, format!("`{op}` on a field with several values")))
        }
        (".", a, b) => Ok(Text(a.text().unwrap_or_default() + &b.text().unwrap_or_default())),
        ("+", Text(a), Text(b)) => Ok(Text(format!("{a}{b}"))),
        ("/" | "%", Num(..), Num(b, _)) if *b == 0.0 => Ok(Null),
        (op, Num(a, _), Num(b, _)) => Ok(Num(
            match op {
                "+" => a + b,
                "-" => a - b,
                "*" => a * b,
                "/" => a / b,
                _ => a % b,
            },
            None,
        )),
        _ => Err(SplError::undocumented(at, format!("`{op}` on a text that is no number"))),
    }
}

/// Names of the fields an expression reads.
pub(super) fn fields(expr: &Expr, out: &mut Vec<String>) {
    match &expr.node {
        Node::Field(name) if !out.contains(name) => out.push(name.clone()),
        Node::Negative(inner) | Node::Not(inner) => fields(inner, out),
        Node::Binary(_, a, b) | Node::Compare(_, a, b) => {
            fields(a, out);
            fields(b, out);
        }
        Node::And(parts) | Node::Or(parts) | Node::Xor(parts) | Node::Call(_, parts) => {
            parts.iter().for_each(|part| fields(part, out));
        }
        _ => {}
    }
}

/// `mvfilter(condition)`: the values of the one field it names for which it holds.
pub(super) fn filter(expr: &Expr, row: &Row) -> Result<Value> {
    let mut names = Vec::new();
    fields(expr, &mut names);
    let [name] = names.as_slice() else {
        return Err(SplError::syntax(expr.at, "mvfilter() takes a condition on exactly one field"));
    };
    let mut kept = Vec::new();
    for text in load(row, name, expr.at)?.list() {
        let mut single = row.clone();
        single.insert(name.clone(), serde_json::Value::String(text.clone()));
        if holds(expr, &single)? {
            kept.push(text);
        }
    }
    Ok(multi(kept))
}

/// Several values, one, or none.
pub(super) fn multi(mut values: Vec<String>) -> Value {
    match (values.pop(), values.is_empty()) {
        (None, _) => Value::Null,
        (Some(only), true) => Value::Text(only),
        (Some(last), false) => {
            values.push(last);
            Value::Multi(values)
        }
    }
}
