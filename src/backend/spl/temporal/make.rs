//! Short ways to build expressions and commands.

use crate::backend::spl::ast::{Eval, Stat, Step, Streamstats};

pub fn field(name: &str) -> Eval {
    Eval::Field(name.to_owned())
}

pub fn text(value: &str) -> Eval {
    Eval::Text(value.to_owned())
}

pub fn null() -> Eval {
    Eval::Call("null", vec![])
}

pub fn binary(op: &'static str, a: Eval, b: Eval) -> Eval {
    Eval::Binary(op, Box::new(a), Box::new(b))
}

pub fn minus(a: Eval, b: Eval) -> Eval {
    binary(" - ", a, b)
}

pub fn choose(condition: Eval, yes: Eval, no: Eval) -> Eval {
    Eval::Call("if", vec![condition, yes, no])
}

/// The value where the condition holds, else nothing.
pub fn only(condition: Eval, value: Eval) -> Eval {
    choose(condition, value, null())
}

pub fn known(name: &str) -> Eval {
    Eval::Call("isnotnull", vec![field(name)])
}

pub fn number(n: usize) -> Eval {
    Eval::Number(i64::try_from(n).unwrap_or(i64::MAX))
}

/// `step==1`; steps are counted from 1.
pub fn is_step(step: &str, place: usize) -> Eval {
    binary("=", field(step), number(place + 1))
}

/// All of these; connectives of one kind inside are opened.
pub fn all(parts: Vec<Eval>) -> Eval {
    let mut out = vec![];
    for part in parts {
        match part {
            Eval::And(inner) => out.extend(inner),
            other => out.push(other),
        }
    }
    crate::backend::spl::eval::joined(out, true)
}

/// Any of these.
pub fn any(parts: Vec<Eval>) -> Eval {
    let mut out = vec![];
    for part in parts {
        match part {
            Eval::Or(inner) => out.extend(inner),
            other => out.push(other),
        }
    }
    crate::backend::spl::eval::joined(out, false)
}

pub fn not(inner: Eval) -> Eval {
    Eval::Not(Box::new(inner))
}

/// Times are doubles: a difference is compared with its six digits only.
pub fn span(later: Eval, earlier: Eval) -> Eval {
    Eval::Call("round", vec![minus(later, earlier), Eval::Number(6)])
}

pub fn stat(function: &'static str, over: &str, name: &str) -> Stat {
    Stat { function, over: Some(field(over)), name: name.to_owned() }
}

/// Carries the latest value of each field down.
pub fn carry(names: &[String], by: &[String]) -> Step {
    let stats = names.iter().map(|n| stat("last", n, n)).collect();
    Step::Streamstats(Streamstats { stats, by: by.to_vec(), ..Streamstats::default() })
}
