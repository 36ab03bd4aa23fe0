//! Conditions as expressions of `where` and `eval`. Fields are filled before, so none is null.

use super::ast::Eval;
use super::parts::Parts;
use crate::backend::rank;
use crate::ir::regex::{alternatives, escape};
use crate::ir::{Matcher, Text};
use crate::target::{Bound, BoundOp, BoundTest, Column, How, MAPPED, Scalar};

/// Lowers conditions.
pub struct Lower<'a> {
    /// The values that stand for a missing one.
    pub filler: &'a [String],
    /// Fields that the query may compute.
    pub parts: &'a Parts,
}

impl Lower<'_> {
    pub fn eval(&self, bound: &Bound) -> Eval {
        match bound {
            Bound::Const(value) => Eval::Call(if *value { "true" } else { "false" }, vec![]),
            Bound::Not(inner) => match &**inner {
                Bound::Test(BoundTest { column: of, op: BoundOp::Exists, .. }) => {
                    let nothing = std::iter::once(String::new()).chain(self.filler.iter().cloned()).map(Eval::Text);
                    one_of(column(of), nothing.collect())
                }
                inner => Eval::Not(Box::new(self.eval(inner))),
            },
            Bound::And(all) => Eval::And(rank::by_cost(all).into_iter().map(|b| self.eval(b)).collect()),
            Bound::Or(all) => Eval::Or(all.iter().map(|b| self.eval(b)).collect()),
            Bound::Test(test) => self.test(test),
        }
    }

    fn test(&self, test: &BoundTest) -> Eval {
        let value = column(&test.column);
        if let BoundOp::Text(text) = &test.op
            && let Some((name, names)) = self.parts.whole_names(&test.column, text)
        {
            return one_of(name, names.into_iter().map(Eval::Text).collect());
        }
        match &test.op {
            BoundOp::Exists => {
                let empty = [String::new()];
                let all = empty.iter().chain(self.filler).map(|f| binary("!=", value.clone(), Eval::Text(f.clone())));
                joined(all.collect(), true)
            }
            BoundOp::Order(order, n) => {
                let number = Eval::Call("tonumber", vec![value]);
                let compared = binary(order.sign(), number.clone(), Eval::Number(seconds(&test.column, *n)));
                Eval::And(vec![Eval::Call("isnotnull", vec![number]), compared])
            }
            BoundOp::In(values) => one_of(value, values.iter().map(|s| scalar(&test.column, s)).collect()),
            BoundOp::Same(other, true) => binary("=", value, column(other)),
            BoundOp::Same(other, false) => binary("=", lower(value), lower(column(other))),
            BoundOp::Cidr(networks) => {
                let field = || Eval::Field(test.column.name.clone());
                let computed = self.parts.address(&test.column.name).unwrap_or(value);
                let tests = networks.iter().map(|n| {
                    let address = if n.contains(':') { field() } else { computed.clone() };
                    Eval::Call("cidrmatch", vec![Eval::Text(n.clone()), address])
                });
                joined(tests.collect(), false)
            }
            BoundOp::Text(t) => text(value, t, self.small(&test.column)),
        }
    }

    /// A column in small letters.
    fn small(&self, of: &Column) -> Eval {
        let computed = self.parts.small(&of.name).filter(|_| of.how == How::Whole);
        computed.unwrap_or_else(|| lower(column(of)))
    }

    /// A column as a result shows it.
    pub fn shown(&self, of: &Column) -> Eval {
        match of.how {
            How::Name => self.parts.name_of(&of.name).unwrap_or_else(|| column(of)),
            How::Account => last(Eval::Field(of.name.clone()), "\\"),
            _ => column(of),
        }
    }
}

/// What stands behind the last separator of a text; of nothing it may be null.
pub fn last(value: Eval, separator: &str) -> Eval {
    let split = Eval::Call("split", vec![value, Eval::Text(separator.to_owned())]);
    Eval::Call("mvindex", vec![split, Eval::Number(-1)])
}

/// Splunk's times are seconds.
fn seconds(column: &Column, n: i64) -> i64 {
    if column.time { n.div_euclid(1_000_000) } else { n }
}

fn scalar(column: &Column, scalar: &Scalar) -> Eval {
    match scalar {
        Scalar::Number(n) if column.time => Eval::Number(seconds(column, *n)),
        // Fields come out of the log as text.
        Scalar::Number(n) => Eval::Text(n.to_string()),
        Scalar::Text(t) => Eval::Text(t.clone()),
    }
}

fn binary(op: &'static str, a: Eval, b: Eval) -> Eval {
    Eval::Binary(op, Box::new(a), Box::new(b))
}

fn lower(value: Eval) -> Eval {
    Eval::Call("lower", vec![value])
}

/// Whether a field has one of these values.
pub fn is_any(field: Eval, values: &[Scalar]) -> Eval {
    let text = |scalar: &Scalar| match scalar {
        Scalar::Number(n) => Eval::Text(n.to_string()),
        Scalar::Text(t) => Eval::Text(t.clone()),
    };
    one_of(field, values.iter().map(text).collect())
}

fn one_of(value: Eval, mut all: Vec<Eval>) -> Eval {
    if all.len() == 1 {
        return binary("=", value, all.pop().unwrap_or(Eval::Text(String::new())));
    }
    all.insert(0, value);
    Eval::Call("in", all)
}

pub fn joined(mut all: Vec<Eval>, and: bool) -> Eval {
    match (all.len(), and) {
        (1, _) => all.pop().unwrap_or(Eval::Call("false", vec![])),
        (_, true) => Eval::And(all),
        _ => Eval::Or(all),
    }
}

fn matches(value: &Eval, pattern: String) -> Eval {
    Eval::Call("match", vec![value.clone(), Eval::Pattern(pattern)])
}

fn text(value: Eval, text: &Text, small: Eval) -> Eval {
    let exact = text.cased;
    let flags = if exact { "" } else { "(?i)" };
    let end = r"\z";
    // One alternation for any, one test each for all.
    let anchored = |values: &[String], before: &str, after: &str| {
        let tests: Vec<&[String]> = if text.all { values.chunks(1).collect() } else { vec![values] };
        let tests = tests.into_iter().map(|v| matches(&value, format!("{flags}{before}{}{after}", one_pattern(v))));
        joined(tests.collect(), true)
    };
    match &text.matcher {
        // Texts that look like numbers would be compared as numbers: 007 is 7 to eval.
        Matcher::Exact(values) if values.iter().any(|v| v.trim().parse::<f64>().is_ok()) => anchored(values, "^", end),
        Matcher::Exact(values) if exact => one_of(value, values.iter().map(|v| Eval::Text(v.clone())).collect()),
        Matcher::Exact(values) => one_of(small, values.iter().map(|v| Eval::Text(v.to_lowercase())).collect()),
        Matcher::Contains(values) => anchored(values, "", ""),
        Matcher::StartsWith(values) => anchored(values, "^", ""),
        Matcher::EndsWith(values) => anchored(values, "", end),
        Matcher::Like(globs) => {
            let flags = if exact { "(?s)" } else { "(?is)" };
            let tests = globs.iter().map(|g| matches(&value, format!("{flags}^{}{end}", g.to_regex(".*", "."))));
            joined(tests.collect(), text.all)
        }
        Matcher::Regex(regex) => matches(&value, pcre(&regex.full())),
    }
}

/// A pattern for one of several texts. What all of them begin or end with stands outside.
fn one_pattern(values: &[String]) -> String {
    let texts: Vec<Vec<char>> = values.iter().map(|v| v.chars().collect()).collect();
    let least = texts.iter().map(Vec::len).min().unwrap_or(0);
    let alike = |at: &dyn Fn(&Vec<char>, usize) -> Option<char>, most: usize| {
        let same = |i: &usize| texts.windows(2).all(|pair| matches!(pair, [a, b] if at(a, *i) == at(b, *i)));
        if texts.len() < 2 { 0 } else { (0..most).take_while(same).count() }
    };
    let before = alike(&|t, i| t.get(i).copied(), least);
    let after = alike(&|t, i| t.iter().rev().nth(i).copied(), least - before);
    let piece = |text: &[char]| escape(&text.iter().collect::<String>());
    let end = texts.first().map_or_else(String::new, |t| piece(t.get(t.len() - after..).unwrap_or_default()));
    let middles: Vec<String> =
        texts.iter().map(|t| piece(t.get(before..t.len() - after).unwrap_or_default())).collect();
    let start = texts.first().map_or_else(String::new, |t| piece(t.get(..before).unwrap_or_default()));
    format!("{start}{}{end}", alternatives(&middles))
}

/// `$` of an author means the very end; PCRE's would also match before a final line break.
fn pcre(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    let (mut class, mut escaped) = (false, false);
    for c in pattern.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '[' => class = true,
            ']' => class = false,
            '$' if !class => {
                out.push_str(r"\z");
                continue;
            }
            _ => {}
        }
        out.push(c);
    }
    out
}

/// A column, or the expression that takes the part of it. Folders and names may hold line breaks.
pub fn column(column: &Column) -> Eval {
    let field = || Eval::Field(column.name.clone());
    let without = |pattern: &str| {
        Eval::Call("replace", vec![field(), Eval::Pattern(pattern.to_owned()), Eval::Text(String::new())])
    };
    let only_if = |pattern: &str, value: Eval| {
        let found = Eval::Call("match", vec![field(), Eval::Pattern(pattern.to_owned())]);
        Eval::Call("if", vec![found, value, Eval::Text(String::new())])
    };
    match column.how {
        How::Whole | How::Computed => field(),
        How::Name => without(r"(?s)^.*[\\/]"),
        How::Extension => only_if(r"\.[^.\\/]*\z", without(r"(?s)^.*\.")),
        How::Folder => only_if(r"[\\/]", without(r"[\\/][^\\/]*\z")),
        How::Account => without(r"(?s)^.*\\"),
        How::Domain => only_if(r"\\", without(r"(?s)\\.*\z")),
        How::Hex => Eval::Call("tonumber", vec![without("^0x"), Eval::Number(16)]),
        How::Address => without(&format!("^{MAPPED}")),
    }
}

/// The fields that an expression reads.
pub fn fields(eval: &Eval, out: &mut Vec<String>) {
    match eval {
        Eval::Field(name) => {
            if !out.contains(name) {
                out.push(name.clone());
            }
        }
        Eval::Text(_) | Eval::Pattern(_) | Eval::Number(_) => {}
        Eval::Call(_, all) | Eval::And(all) | Eval::Or(all) => all.iter().for_each(|e| fields(e, out)),
        Eval::Binary(_, a, b) => {
            fields(a, out);
            fields(b, out);
        }
        Eval::Not(inner) => fields(inner, out),
    }
}
