//! What the functions of eval expressions answer.

use super::calc::{filter, holds, multi, truth, value};
use super::expr::{Expr, Node};
use super::function::Function;
use super::matching::{self, network, network_holds};
use super::text::{like, text_at, texty, whole};
use super::value::{Truth, Value, compare, number};
use super::{Result, Row, SplError};
use std::cmp::Ordering;

/// Functions whose result is a condition. A null in front of a test makes the test null.
pub(super) fn condition(function: Function, arguments: &[Expr], row: &Row, at: usize) -> Result<Truth> {
    let given = |index| argument(arguments, index, row, at);
    Ok(match function {
        Function::True => Truth::known(true),
        Function::False => Truth::known(false),
        Function::Isnull => Truth::known(given(0)? == Value::Null),
        Function::Isnotnull => Truth::known(given(0)? != Value::Null),
        Function::Isnum => Truth::known(matches!(given(0)?, Value::Num(..))),
        Function::Isstr => Truth::known(matches!(given(0)?, Value::Text(_))),
        Function::Match => match (single(&given(0)?, at)?, arguments.get(1).map(|expr| &expr.node)) {
            (Some(subject), Some(Node::Regex(pattern))) => Truth::known(pattern.found(&subject, at)?),
            _ => Truth::NULL,
        },
        Function::Like => match (single(&given(0)?, at)?, single(&given(1)?, at)?) {
            (Some(subject), Some(pattern)) => {
                let (subject, pattern): (Vec<char>, Vec<char>) = (subject.chars().collect(), pattern.chars().collect());
                Truth::known(like(&subject, &pattern))
            }
            _ => Truth::NULL,
        },
        Function::In => one_of(arguments, row, at)?,
        Function::Cidrmatch => match (given(0)?.text().as_deref().and_then(network), single(&given(1)?, at)?) {
            (None, _) => {
                return Err(SplError::syntax(at, "cidrmatch() needs a network in CIDR notation"));
            }
            (_, None) => Truth::NULL,
            (Some(network), Some(text)) => Truth::known(network_holds(network, &text).unwrap_or(false)),
        },
        Function::Searchmatch => match arguments.first().map(|expr| &expr.node) {
            Some(Node::Search(search)) => Truth::known(matching::holds(search, row)?),
            _ => Truth::NULL,
        },
        _ => {
            return Err(SplError::syntax(at, "a value where a condition was expected"));
        }
    })
}

fn one_of(arguments: &[Expr], row: &Row, at: usize) -> Result<Truth> {
    let first = argument(arguments, 0, row, at)?;
    let mut out = Truth::known(false);
    for other in arguments.iter().skip(1) {
        out = out.or(compare(&first, &value(other, row)?, Ordering::is_eq, true, at)?);
    }
    Ok(out)
}

fn argument(arguments: &[Expr], index: usize, row: &Row, at: usize) -> Result<Value> {
    match arguments.get(index) {
        Some(expr) => value(expr, row),
        None => Err(SplError::syntax(at, "an argument is missing")),
    }
}

/// The one text of a value; several are an error where the function's documentation knows one.
fn single(value: &Value, at: usize) -> Result<Option<String>> {
    match value {
        Value::Multi(_) => Err(SplError::undocumented(at, "this function on a field with several values")),
        other => Ok(other.text()),
    }
}

/// Functions whose result is a value.
pub(super) fn value_of(function: Function, arguments: &[Expr], row: &Row, at: usize) -> Result<Value> {
    use Function::{Case, Coalesce, If, Mvfilter, Null, Nullif, Tostring, Typeof, Validate};
    match function {
        If => {
            let [test, yes, no] = arguments else {
                return Err(SplError::syntax(at, "if() takes three arguments"));
            };
            value(if holds(test, row)? { yes } else { no }, row)
        }
        Case => pairs(arguments, row, true),
        Validate => pairs(arguments, row, false),
        Coalesce => first_known(arguments, row),
        Null => Ok(Value::Null),
        Nullif => {
            let (a, b) = (argument(arguments, 0, row, at)?, argument(arguments, 1, row, at)?);
            let same = compare(&a, &b, Ordering::is_eq, true, at)?.holds(at)?;
            Ok(if same { Value::Null } else { a })
        }
        Mvfilter => arguments.first().map_or(Ok(Value::Null), |expr| filter(expr, row)),
        Tostring | Typeof => described(function, arguments, row, at),
        _ => {
            let values: Vec<Value> = arguments.iter().map(|expr| plain(expr, row)).collect::<Result<_>>()?;
            computed(function, &values, arguments, at)
        }
    }
}

/// Regular expressions are no values; they are looked up in the arguments instead.
fn plain(expr: &Expr, row: &Row) -> Result<Value> {
    match expr.node {
        Node::Regex(_) | Node::Search(_) => Ok(Value::Null),
        _ => value(expr, row),
    }
}

/// `case` takes the first value whose condition is true, `validate` the first whose condition is not.
fn pairs(arguments: &[Expr], row: &Row, wanted: bool) -> Result<Value> {
    for pair in arguments.chunks(2) {
        let [test, result] = pair else { continue };
        let truth = truth(test, row)?;
        let taken = if wanted { truth.holds(test.at)? } else { truth.not().holds(test.at)? };
        if taken {
            return value(result, row);
        }
    }
    Ok(Value::Null)
}

fn first_known(arguments: &[Expr], row: &Row) -> Result<Value> {
    for expr in arguments {
        let found = value(expr, row)?;
        if found != Value::Null {
            return Ok(found);
        }
    }
    Ok(Value::Null)
}

fn described(function: Function, arguments: &[Expr], row: &Row, at: usize) -> Result<Value> {
    let Some(expr) = arguments.first() else {
        return Ok(Value::Null);
    };
    if arguments.len() > 1 {
        return Err(SplError::unsupported(at, "tostring() with a format is not evaluated"));
    }
    if expr.condition() {
        let text = if holds(expr, row)? { "True" } else { "False" };
        return Ok(Value::Text(if function == Function::Typeof { "Boolean" } else { text }.to_owned()));
    }
    let found = value(expr, row)?;
    let name = match found {
        Value::Num(..) => "Number",
        Value::Text(_) => "String",
        Value::Null => "Invalid",
        Value::Multi(_) => {
            return Err(SplError::undocumented(at, "this function on a field with several values"));
        }
    };
    match (function, found.text()) {
        (Function::Typeof, _) => Ok(Value::Text(name.to_owned())),
        (_, Some(text)) => Ok(Value::Text(text)),
        (_, None) => Ok(Value::Text("Null".to_owned())),
    }
}

/// Functions that only need their arguments' values; null where the first one is.
fn computed(function: Function, values: &[Value], arguments: &[Expr], at: usize) -> Result<Value> {
    use Function::{Max, Min, Mvappend, Mvcount, Mvindex, Mvjoin, Now, RelativeTime, Strftime, Strptime};
    let first = values.first().unwrap_or(&Value::Null);
    match function {
        Now | RelativeTime | Strftime | Strptime => {
            return Err(SplError::unsupported(at, "clock and calendar are not evaluated"));
        }
        Mvappend => return Ok(multi(values.iter().flat_map(Value::list).collect())),
        Min | Max => return extreme(values, function == Min, at),
        _ if *first == Value::Null => return Ok(Value::Null),
        Mvcount => return Ok(Value::Num(first.list().len() as f64, None)),
        Mvindex => return index(&first.list(), values, at),
        Mvjoin => return Ok(Value::Text(first.list().join(&text_at(values, 1)))),
        _ => {}
    }
    match function {
        Function::Round | Function::Tonumber => numeric(function, first, values, at),
        _ => texty(function, &single(first, at)?.unwrap_or_default(), values, arguments, at),
    }
}

fn numeric(function: Function, first: &Value, values: &[Value], at: usize) -> Result<Value> {
    if function == Function::Tonumber {
        if values.len() > 1 {
            return Err(SplError::unsupported(at, "tonumber() with a base is not evaluated"));
        }
        return Ok(first
            .text()
            .and_then(|text| number(text.trim()))
            .map_or(Value::Null, |number| Value::Num(number, None)));
    }
    let Value::Num(number, _) = first else {
        return Err(SplError::undocumented(at, "round() of a text"));
    };
    let digits = whole(values, 1, at)?.unwrap_or(0);
    let digits = usize::try_from(digits).map_err(|_| SplError::undocumented(at, "round() to fewer than no digits"))?;
    let scale = 10f64.powi(i32::try_from(digits).unwrap_or(i32::MAX));
    Ok(Value::Num((number * scale).round() / scale, None))
}

/// The least or greatest of numbers; texts count as greater than numbers, which no query here needs.
fn extreme(values: &[Value], least: bool, at: usize) -> Result<Value> {
    let numbers: Option<Vec<f64>> =
        values.iter().map(|value| if let Value::Num(number, _) = value { Some(*number) } else { None }).collect();
    let Some(numbers) = numbers else {
        return Err(SplError::undocumented(at, "min() or max() of something that is no number"));
    };
    let found = numbers.into_iter().reduce(if least { f64::min } else { f64::max });
    Ok(found.map_or(Value::Null, |number| Value::Num(number, None)))
}

/// Values `start` to `end`, counted from 0, negative ones from the end.
fn index(list: &[String], values: &[Value], at: usize) -> Result<Value> {
    let place = |position: i64| {
        if position < 0 { position + list.len() as i64 } else { position }
    };
    let start = place(whole(values, 1, at)?.unwrap_or(0));
    let end = whole(values, 2, at)?.map_or(start, place);
    match (usize::try_from(start), usize::try_from(end)) {
        (Ok(start), Ok(end)) if start <= end => Ok(multi(list.get(start..=end).unwrap_or_default().to_vec())),
        _ => Ok(Value::Null),
    }
}
