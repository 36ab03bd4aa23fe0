//! The search command's share of a condition: what it can say exactly, and what it can say that is implied.

use super::ast::{Piece, Search};
use super::lower::dataset;
use crate::ir::{Matcher, Text};
use crate::target::{Bound, BoundOp, BoundTest, How, Scalar, Source};

/// The length from which a text that must occur is worth a test of its own.
const WORTH: usize = 3;

/// Where fields of the search command come from.
pub struct Names<'a> {
    /// The dataset's name before each field, or nothing.
    pub prefix: &'a str,
}

impl<'a> Names<'a> {
    /// The fields of a log source.
    pub fn of_source(source: &'a Source) -> Names<'a> {
        Names { prefix: source.datamodel.as_deref().map_or("", dataset) }
    }
}

impl Names<'_> {
    fn of(&self, name: &str) -> String {
        if self.prefix.is_empty() { name.to_owned() } else { format!("{}.{name}", self.prefix) }
    }

    /// The same condition as a search; `None` if the search command cannot say it exactly.
    pub fn exact(&self, bound: &Bound) -> Option<Search> {
        match bound {
            Bound::Const(_) => None,
            Bound::Not(inner) => Some(Search::Not(Box::new(self.exact(inner)?))),
            Bound::And(all) => Some(Search::And(all.iter().map(|b| self.exact(b)).collect::<Option<_>>()?)),
            Bound::Or(all) => joined(all.iter().map(|b| self.exact(b)).collect::<Option<_>>()?, false),
            Bound::Test(test) => self.exact_test(test),
        }
    }

    /// A search that holds wherever the condition does; `None` if there is none worth having.
    pub fn implied(&self, bound: &Bound) -> Option<Search> {
        if let Some(exact) = self.exact(bound) {
            return Some(exact);
        }
        match bound {
            Bound::And(all) => {
                let said = self.parts(all.iter()).into_iter().filter_map(|(said, _)| said);
                joined(said.collect(), true)
            }
            Bound::Or(all) => joined(all.iter().map(|b| self.implied(b)).collect::<Option<Vec<_>>>()?, false),
            Bound::Test(test) => self.implied_test(test),
            Bound::Const(_) | Bound::Not(_) => None,
        }
    }

    /// What the base search asks of each operand of a conjunction, and what is left of it to ask behind.
    ///
    /// Beside names, a text that a regular expression implies says too little for its length: rows of other programs are
    /// gone, and the regular expression is asked where the rows are. Rows of a data model travel first, so all is asked.
    pub fn parts<'b>(&self, all: impl Iterator<Item = &'b Bound> + Clone) -> Vec<(Option<Search>, Option<Bound>)> {
        let named = self.prefix.is_empty() && all.clone().any(|b| self.names(b));
        let part = |b: &Bound| match named && self.exact(b).is_none() && !self.names(b) {
            true => (None, Some(b.clone())),
            false => (self.implied(b), self.rest(b)),
        };
        all.map(part).collect()
    }

    /// Whether a condition holds only where a field has one of some names, and the base search can ask for them.
    fn names(&self, bound: &Bound) -> bool {
        match bound {
            Bound::And(all) => all.iter().any(|b| self.names(b)),
            Bound::Or(all) => all.iter().all(|b| self.names(b)),
            Bound::Test(BoundTest { op: BoundOp::Text(text), .. }) => {
                matches!(text.matcher, Matcher::Exact(_) | Matcher::EndsWith(_)) && self.implied(bound).is_some()
            }
            Bound::Const(_) | Bound::Not(_) | Bound::Test(_) => false,
        }
    }

    /// What is left to ask behind a base search that asks for what a condition implies; `None`: nothing.
    pub fn rest(&self, bound: &Bound) -> Option<Bound> {
        if self.exact(bound).is_some() {
            return None;
        }
        match bound {
            Bound::And(all) => {
                let rest = self.parts(all.iter()).into_iter().filter_map(|(_, rest)| rest);
                Some(Bound::and(rest.collect()))
            }
            Bound::Or(all) if self.implied(bound).is_some() => {
                let open: Vec<&Bound> = all.iter().filter(|b| self.exact(b).is_none()).collect();
                // Where all others fail, the base search has asked for what the only open one implies. Of two open ones it
                // has not said which it is.
                let one = open.len() == 1;
                let left = |b: &Bound| if one { self.rest(b).unwrap_or_else(|| b.clone()) } else { b.clone() };
                Some(Bound::or(all.iter().map(left).collect()))
            }
            other => Some(other.clone()),
        }
    }

    fn exact_test(&self, test: &BoundTest) -> Option<Search> {
        if test.column.how != How::Whole || test.column.time {
            return None;
        }
        let field = self.of(&test.column.name);
        match &test.op {
            BoundOp::Text(text) if !text.cased => self.exact_text(field, text),
            BoundOp::In(values) => Some(one_of(field, values.iter().map(|s| vec![Piece::Text(scalar(s))]).collect())),
            BoundOp::Order(order, n) => Some(Search::Order(field, order.sign(), *n)),
            _ => None,
        }
    }

    fn exact_text(&self, field: String, text: &Text) -> Option<Search> {
        let (before, after, values) = match &text.matcher {
            Matcher::Exact(v) => (false, false, v),
            Matcher::StartsWith(v) => (false, true, v),
            Matcher::EndsWith(v) => (true, false, v),
            Matcher::Contains(v) => (true, true, v),
            Matcher::Like(_) | Matcher::Regex(_) => return None,
        };
        let values = values.iter().map(|v| pieces(v, before, after)).collect::<Option<Vec<_>>>()?;
        if text.all {
            return Some(Search::And(values.into_iter().map(|v| Search::Is(field.clone(), v)).collect()));
        }
        Some(one_of(field, values))
    }

    fn implied_test(&self, test: &BoundTest) -> Option<Search> {
        if test.column.how != How::Whole {
            return None;
        }
        let field = self.of(&test.column.name);
        let BoundOp::Text(text) = &test.op else { return None };
        if let Matcher::Regex(regex) = &text.matcher {
            // What nearly every row holds is not worth a test: `*-p*`.
            if regex.implied.iter().any(|c| c.text().len() < WORTH) {
                return None;
            }
            let values: Option<Vec<_>> = regex.implied.iter().map(|c| pieces(c.text(), true, true)).collect();
            return values.filter(|v| !v.is_empty()).map(|v| one_of(field, v));
        }
        let literals: Vec<&str> = match &text.matcher {
            // Exact letters imply the same letters in any case.
            Matcher::Exact(_) | Matcher::StartsWith(_) | Matcher::EndsWith(_) | Matcher::Contains(_) if text.cased => {
                return self.exact_text(field, &Text { cased: false, ..text.clone() });
            }
            Matcher::Like(globs) => globs.iter().map(|g| g.longest()).collect(),
            _ => return None,
        };
        if literals.is_empty() || literals.iter().any(|l| l.is_empty()) {
            return None;
        }
        let values = literals.into_iter().map(|l| pieces(l, true, true)).collect::<Option<Vec<_>>>()?;
        Some(one_of(field, values))
    }
}

fn scalar(scalar: &Scalar) -> String {
    match scalar {
        Scalar::Number(n) => n.to_string(),
        Scalar::Text(t) => t.clone(),
    }
}

/// A star cannot be escaped, case is folded for ASCII only, and control characters have no escape: `None` for these.
fn pieces(text: &str, before: bool, after: bool) -> Option<Vec<Piece>> {
    if text.contains('*') || !text.is_ascii() || text.chars().any(char::is_control) {
        return None;
    }
    let mut out = vec![];
    if before {
        out.push(Piece::Any);
    }
    out.push(Piece::Text(text.to_owned()));
    if after {
        out.push(Piece::Any);
    }
    Some(out)
}

fn one_of(field: String, mut values: Vec<Vec<Piece>>) -> Search {
    if values.len() == 1 {
        return Search::Is(field, values.pop().unwrap_or_default());
    }
    Search::In(field, values)
}

/// Joined, flattened, each once; `None` for nothing.
pub fn joined(all: Vec<Search>, and: bool) -> Option<Search> {
    let mut out: Vec<Search> = vec![];
    for search in all {
        let inner = match (search, and) {
            (Search::And(all), true) | (Search::Or(all), false) => all,
            (other, _) => vec![other],
        };
        for search in inner {
            if !out.contains(&search) {
                out.push(search);
            }
        }
    }
    if !and {
        out = absorbed(merged(out));
    }
    match out.len() {
        0 => None,
        1 => out.pop(),
        _ if and => Some(Search::And(out)),
        _ => Some(Search::Or(out)),
    }
}

/// Without the alternatives that hold only where another one does: `a IN (x, y) OR (a=x AND b=z)` is `a IN (x, y)`.
fn absorbed(all: Vec<Search>) -> Vec<Search> {
    let goes = |s: &Search| matches!(s, Search::And(operands) if operands.iter().any(|o| covered(o, &all)));
    let stays: Vec<bool> = all.iter().map(|s| !goes(s)).collect();
    all.into_iter().zip(stays).filter(|(_, stays)| *stays).map(|(s, _)| s).collect()
}

/// Whether one of some alternatives holds wherever a search does.
fn covered(search: &Search, by: &[Search]) -> bool {
    let values = |s: &Search| match s {
        Search::Is(field, value) => Some((field.clone(), vec![value.clone()])),
        Search::In(field, values) => Some((field.clone(), values.clone())),
        _ => None,
    };
    let within = |other: &Search| match (values(search), values(other)) {
        (Some((a, some)), Some((b, all))) => a == b && some.iter().all(|v| all.contains(v)),
        _ => other == search,
    };
    by.iter().any(within) || matches!(search, Search::Or(all) if all.iter().all(|s| covered(s, by)))
}

/// Alternatives on one field are one list.
fn merged(all: Vec<Search>) -> Vec<Search> {
    let mut out: Vec<Search> = vec![];
    for search in all {
        let (field, values) = match search {
            Search::Is(field, value) => (field, vec![value]),
            Search::In(field, values) => (field, values),
            other => {
                out.push(other);
                continue;
            }
        };
        let there = out.iter_mut().find_map(|s| match s {
            Search::In(f, there) if *f == field => Some(there),
            _ => None,
        });
        match there {
            Some(there) => {
                for value in values {
                    if !there.contains(&value) {
                        there.push(value);
                    }
                }
            }
            None => out.push(Search::In(field, values)),
        }
    }
    out.into_iter().map(|s| if let Search::In(field, values) = s { one_of(field, values) } else { s }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::spl::print;

    fn is(field: &str, value: &str) -> Search {
        Search::Is(field.to_owned(), vec![Piece::Text(value.to_owned())])
    }

    fn any(all: Vec<Search>) -> String {
        joined(all, false).map_or_else(String::new, |s| print::search(&s, ""))
    }

    #[test]
    fn an_alternative_goes_where_another_one_holds_whenever_it_does() {
        let both = |a: Search, b: Search| Search::And(vec![a, b]);
        let either = || Search::Or(vec![is("a", "x"), is("b", "y")]);
        assert_eq!(any(vec![is("a", "x"), is("a", "y"), both(is("a", "y"), is("b", "z"))]), r#"a IN ("x", "y")"#);
        assert_eq!(any(vec![is("a", "x"), is("b", "y"), both(is("c", "z"), either())]), r#"a="x" OR b="y""#);
        let stays = r#"a="x" OR (c="z" AND (a="x" OR b="y"))"#;
        assert_eq!(any(vec![is("a", "x"), both(is("c", "z"), either())]), stays);
        let other = Search::Not(Box::new(is("a", "x")));
        assert_eq!(any(vec![is("a", "x"), both(other, is("b", "y"))]), r#"a="x" OR (NOT (a="x") AND b="y")"#);
    }
}
