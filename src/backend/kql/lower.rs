//! From a plan to KQL's syntax tree: the cheapest exact form of each test, cheap tests first.

use super::Pretests;
use super::ast::{Expr, Let, Pipeline, Query, Step};
use super::share::share;
use crate::backend::output::{self, Words};
use crate::backend::{Output, capital, exception_line, exception_titles, rank};
use crate::ir::{Cheap, Matcher, Regex, Score, Text};
use crate::mutant::{Mutant, on};
use crate::sema::Rule;
use crate::target::{Bound, BoundOp, BoundTest, Column, How, Plan, Scalar, SourceQuery, Target, Unsupported};

/// More pre-tests than this in front of a regular expression cost more than they spare.
const MOST_PRETESTS: usize = 3;
/// The column of a rule's score.
const SCORE: &str = "Score";
/// The column of the exceptions.
const EXCEPTIONS: &str = "Exceptions";

/// A query whose result has these columns.
pub fn query(rule: &Rule, plan: &Plan, columns: &[Output], pretests: Pretests) -> Result<Query, Vec<Unsupported>> {
    let titles = exception_titles(rule, plan);
    let mut tail = vec![];
    if !titles.is_empty() {
        tail.push(Step::Extend(vec![(EXCEPTIONS.to_owned(), Expr::Text(titles.join("; ")))]));
    }
    tail.push(Step::Project(columns.iter().map(|c| (None, Expr::Column(c.name.clone()))).collect()));
    if let [only] = plan.queries.as_slice() {
        let mut main = pipeline(rule, plan.target, only, pretests)?;
        main.steps.extend(tail);
        return Ok(Query { lets: vec![], main });
    }
    let mut lets = vec![];
    for (i, source) in plan.queries.iter().enumerate() {
        let number = if plan.queries.len() > 1 { (i + 1).to_string() } else { String::new() };
        let name = format!("{}{number}", capital(source.kind.word()));
        lets.push(Let { name, body: pipeline(rule, plan.target, source, pretests)?, kept: false });
    }
    let names = lets.iter().map(|l| l.name.clone()).collect();
    Ok(Query { lets, main: Pipeline { source: names, steps: tail } })
}

fn pipeline(
    rule: &Rule,
    target: &Target,
    source: &SourceQuery,
    pretests: Pretests,
) -> Result<Pipeline, Vec<Unsupported>> {
    let flags = source.flags.iter().map(|(_, b)| b);
    let asked = [&source.detect].into_iter().chain(source.exceptions.iter().map(|(_, b)| b)).chain(flags);
    let shown = source.show.iter().map(|(name, column)| (name.as_str(), column));
    let lower = Lower { target, pretests, computed: computed(shown, asked) };
    let mut first = vec![];
    for (column, values) in source.source.filter.iter().filter(|_| !on(Mutant::KqlFilterLost)) {
        first.push(Step::Where(lower.any_of(&Expr::Column(column.clone()), values)));
    }
    if !lower.computed.is_empty() {
        first.push(Step::Extend(lower.computed.iter().map(|(c, n)| (n.clone(), part(c))).collect()));
    }
    let mut steps = vec![];
    for conjunct in rank::by_cost(source.detect.conjuncts()) {
        steps.push(Step::Where(lower.expr(conjunct, false)));
    }
    for (index, bound) in &source.exceptions {
        steps.push(Step::Comment(exception_line(rule, *index)));
        let excepted = lower.expr(bound, true);
        let wanted = on(Mutant::KqlExceptionWanted);
        steps.push(Step::Where(if wanted { excepted } else { Expr::Not(Box::new(excepted)) }));
    }
    let mut taken: Vec<&str> =
        source.show.iter().map(|(_, c)| c.name.as_str()).chain(target.columns.iter().map(String::as_str)).collect();
    taken.push(EXCEPTIONS);
    if source.score.is_some() {
        taken.push(SCORE);
    }
    if let Some((name, _)) = source.flags.iter().find(|(n, _)| taken.contains(&n.as_str())) {
        return Err(vec![Unsupported {
            span: rule.span,
            why: format!("has a column `{name}` already, which the flag would hide"),
        }]);
    }
    if !source.flags.is_empty() {
        let flags = source.flags.iter().map(|(n, b)| (n.clone(), lower.expr(b, true))).collect();
        steps.push(Step::Extend(flags));
    }
    if let Some(score) = &source.score {
        steps.push(Step::Extend(vec![(SCORE.to_owned(), sum(score, &source.flags))]));
        let threshold = i64::try_from(score.threshold).unwrap_or(i64::MAX);
        steps.push(Step::Where(Expr::Binary(
            if on(Mutant::KqlScoreStrict) { ">" } else { ">=" },
            Box::new(Expr::Column(SCORE.to_owned())),
            Box::new(Expr::Number(threshold)),
        )));
    }
    let shared = share(&mut steps);
    if !shared.is_empty() {
        let implied = rank::implied(&source.detect).filter(|_| pretests == Pretests::All);
        first.extend(implied.map(|b| Step::Where(lower.expr(&b, false))));
        first.extend(shared);
    }
    first.append(&mut steps);
    Ok(Pipeline { source: vec![source.source.table.clone().unwrap_or_default()], steps: first })
}

/// The sum of the weights of the flags that hold. Flags are never null.
fn sum(score: &Score, flags: &[(String, Bound)]) -> Expr {
    let weighted = score.weights.iter().filter_map(|(index, weight)| {
        let flag = Expr::Column(flags.get(*index)?.0.clone());
        Some(Expr::Call("iff", vec![flag, Expr::Number(i64::try_from(*weight).ok()?), Expr::Number(0)]))
    });
    let sum = weighted.reduce(|sum, one| Expr::Binary("+", Box::new(sum), Box::new(one)));
    sum.unwrap_or(Expr::Number(0))
}

/// Parts of columns that a query shows or asks: each is computed once, under a name of its own.
pub(super) fn computed<'b>(
    shown: impl Iterator<Item = (&'b str, &'b Column)>,
    asked: impl Iterator<Item = &'b Bound>,
) -> Vec<(Column, String)> {
    let mut out: Vec<(Column, String)> = vec![];
    for (name, column) in shown {
        if column.how != How::Whole && !out.iter().any(|(c, _)| c == column) {
            out.push((column.clone(), pascal(name)));
        }
    }
    let mut add = |column: &Column| {
        if column.how != How::Whole && !out.iter().any(|(c, _)| c == column) {
            out.push((column.clone(), format!("{}{}", pascal(column.how.word()), column.name)));
        }
    };
    for bound in asked {
        bound.each_test(&mut |t| {
            add(&t.column);
            if let BoundOp::Same(other, _) = &t.op {
                add(other);
            }
        });
    }
    out
}

/// `process.name` as a column's name: `ProcessName`.
pub(super) fn pascal(name: &str) -> String {
    name.split(['.', '_']).map(capital).collect()
}

/// The columns of the result.
pub fn outputs(plan: &Plan) -> Vec<Output> {
    output::single(plan, &Words { part: pascal, score: SCORE, exceptions: EXCEPTIONS })
}

/// The expression that takes a part of a column. Folders and names may hold line breaks.
pub(super) fn part(column: &Column) -> Expr {
    let name = || Expr::Column(column.name.clone());
    let extract = |pattern: &str| Expr::Call("extract", vec![Expr::Text(pattern.to_owned()), Expr::Number(1), name()]);
    match column.how {
        How::Whole => name(),
        How::Name => extract(r"([^\\/]*)$"),
        How::Extension => extract(r"\.([^.\\/]*)$"),
        How::Folder => extract(r"(?s)^(.*)[\\/]"),
        How::Account => extract(r"([^\\]*)$"),
        How::Domain => extract(r"^([^\\]*)\\"),
        How::Hex => Expr::Call("tolong", vec![name()]),
    }
}

/// Lowers conditions on one event.
pub(super) struct Lower<'a> {
    pub(super) target: &'a Target,
    pub(super) pretests: Pretests,
    pub(super) computed: Vec<(Column, String)>,
}

impl Lower<'_> {
    pub(super) fn column(&self, column: &Column) -> Expr {
        let alias = self.computed.iter().find(|(c, _)| c == column).map(|(_, n)| n);
        Expr::Column(alias.unwrap_or(&column.name).clone())
    }

    /// `guarded`: null and false differ here, so numbers get a guard.
    pub(super) fn expr(&self, bound: &Bound, guarded: bool) -> Expr {
        match bound {
            Bound::Const(value) => Expr::Bool(*value),
            Bound::Not(inner) if on(Mutant::KqlNotLost) => self.expr(inner, true),
            Bound::Not(inner) => negated(self.expr(inner, true)),
            Bound::And(all) => {
                let parts = rank::by_cost(all).into_iter().map(|b| self.expr(b, guarded));
                // A pre-test and its expression are two more operands.
                let flat = parts.flat_map(|e| if let Expr::And(inner) = e { inner } else { vec![e] });
                Expr::And(flat.collect())
            }
            Bound::Or(all) => Expr::Or(all.iter().map(|b| self.expr(b, guarded)).collect()),
            Bound::Test(test) => self.test(test, guarded),
        }
    }

    fn test(&self, test: &BoundTest, guarded: bool) -> Expr {
        let value = self.column(&test.column);
        let plain = match &test.op {
            BoundOp::Exists => return self.exists(&test.column),
            BoundOp::Order(order, n) => {
                let sign = if on(Mutant::KqlOrderStrict) { order.sign().trim_end_matches('=') } else { order.sign() };
                Expr::Binary(sign, Box::new(value.clone()), Box::new(number(&test.column, *n)))
            }
            BoundOp::In(values) if test.column.time => times(&value, values),
            BoundOp::In(values) => self.any_of(&value, values),
            BoundOp::Same(other, cased) => {
                let sign = if *cased || test.column.numeric { "==" } else { "=~" };
                Expr::Binary(sign, Box::new(value.clone()), Box::new(self.column(other)))
            }
            BoundOp::Cidr(networks) => return cidr(&value, networks),
            BoundOp::Text(t) => return text(&value, t, self.pretests),
        };
        if guarded && test.column.numeric && !on(Mutant::KqlNumberUnguarded) {
            return Expr::And(vec![Expr::Call("isnotnull", vec![value]), plain]);
        }
        plain
    }

    pub(super) fn exists(&self, column_: &Column) -> Expr {
        let value = self.column(column_);
        if column_.numeric {
            return Expr::Call("isnotnull", vec![value]);
        }
        let filled = Expr::Call("isnotempty", vec![value.clone()]);
        let fillers: Vec<Expr> = self.target.filler.iter().map(|f| value.clone().with("!=", f)).collect();
        if fillers.is_empty() || on(Mutant::KqlFillerExists) {
            filled
        } else {
            Expr::And([filled].into_iter().chain(fillers).collect())
        }
    }

    pub(super) fn any_of(&self, value: &Expr, values: &[Scalar]) -> Expr {
        let literal = |s: &Scalar| match s {
            Scalar::Number(n) => Expr::Number(*n),
            Scalar::Text(t) => Expr::Text(t.clone()),
        };
        match values {
            [one] => Expr::Binary("==", Box::new(value.clone()), Box::new(literal(one))),
            many => Expr::In("in", Box::new(value.clone()), many.iter().map(literal).collect()),
        }
    }
}

/// `not(inner)`
fn negated(inner: Expr) -> Expr {
    match inner {
        Expr::And(mut all) if on(Mutant::KqlPretestOutsideNot) => {
            let last = all.pop().map(|e| Expr::Not(Box::new(e)));
            all.extend(last);
            Expr::And(all)
        }
        inner => Expr::Not(Box::new(inner)),
    }
}

fn number(column: &Column, n: i64) -> Expr {
    if column.time { Expr::Time(n) } else { Expr::Number(n) }
}

fn times(value: &Expr, values: &[Scalar]) -> Expr {
    let all = values.iter().filter_map(|s| if let Scalar::Number(n) = s { Some(Expr::Time(*n)) } else { None });
    Expr::In("in", Box::new(value.clone()), all.collect())
}

/// Null for what is no address; `coalesce` makes that false.
fn cidr(value: &Expr, networks: &[String]) -> Expr {
    let tests: Vec<Expr> = networks
        .iter()
        .map(|n| {
            let function = if n.contains(':') { "ipv6_is_in_range" } else { "ipv4_is_in_range" };
            let test = Expr::Call(function, vec![value.clone(), Expr::Text(n.clone())]);
            if on(Mutant::KqlCidrNull) { test } else { Expr::Call("coalesce", vec![test, Expr::Bool(false)]) }
        })
        .collect();
    joined(tests, false)
}

fn joined(mut all: Vec<Expr>, and: bool) -> Expr {
    match (all.len(), and) {
        (1, _) => all.pop().unwrap_or(Expr::Bool(and)),
        (_, true) => Expr::And(all),
        _ => Expr::Or(all),
    }
}

fn text(value: &Expr, text: &Text, pretests: Pretests) -> Expr {
    let exact = (text.cased || on(Mutant::KqlCaseCounts)) && !on(Mutant::KqlCaseIgnored);
    let one_of = |values: &[String], insensitive: &'static str, cased: &'static str| {
        let op = if exact { cased } else { insensitive };
        let all = text.all && !on(Mutant::KqlAllIsAny);
        joined(values.iter().map(|v| value.clone().with(op, v)).collect(), all)
    };
    match &text.matcher {
        Matcher::Exact(values) => match values.as_slice() {
            [one] => value.clone().with(if exact { "==" } else { "=~" }, one),
            many => {
                let op = if exact { "in" } else { "in~" };
                Expr::In(op, Box::new(value.clone()), many.iter().map(|v| Expr::Text(v.clone())).collect())
            }
        },
        Matcher::Contains(values) if on(Mutant::KqlHasForContains) => one_of(values, "has", "has_cs"),
        Matcher::Contains(values) => one_of(values, "contains", "contains_cs"),
        Matcher::StartsWith(values) if on(Mutant::KqlStartsAnywhere) => one_of(values, "contains", "contains_cs"),
        Matcher::StartsWith(values) => one_of(values, "startswith", "startswith_cs"),
        Matcher::EndsWith(values) => one_of(values, "endswith", "endswith_cs"),
        Matcher::Like(globs) => {
            let flags = if text.cased { "(?s)" } else { "(?is)" };
            let tests = globs.iter().map(|g| {
                let regex = Expr::Matches(Box::new(value.clone()), format!("{flags}^{}$", g.to_regex(".*", ".")));
                match g.longest() {
                    literal if literal.chars().count() >= 2 && !text.cased && pretests == Pretests::All => {
                        Expr::And(vec![value.clone().with("contains", literal), regex])
                    }
                    _ => regex,
                }
            });
            joined(tests.collect(), text.all)
        }
        Matcher::Regex(r) => regex(value, r, pretests),
    }
}

/// A regular expression behind the cheap tests that it implies.
fn regex(value: &Expr, regex: &Regex, pretests: Pretests) -> Expr {
    let pattern = if on(Mutant::KqlRegexCase) { regex.pattern.clone() } else { regex.full() };
    let matches = Expr::Matches(Box::new(value.clone()), pattern);
    let parts = regex.implied.iter().filter(|c| matches!(c, Cheap::Part(_))).count();
    // An anchored expression is as cheap as the beginning that it implies.
    let anchored = regex.implied.iter().any(|c| matches!(c, Cheap::Start(_)));
    if pretests == Pretests::None || regex.implied.is_empty() || anchored || parts > MOST_PRETESTS {
        return matches;
    }
    let terms: Vec<Expr> =
        regex.implied.iter().filter(|c| matches!(c, Cheap::Term(_))).map(|c| Expr::Text(c.text().to_owned())).collect();
    let mut tests: Vec<Expr> = regex
        .implied
        .iter()
        .filter(|c| matches!(c, Cheap::Part(_)))
        .map(|c| value.clone().with(if on(Mutant::KqlPretestHas) { "has" } else { "contains" }, c.text()))
        .collect();
    match terms.as_slice() {
        [] => {}
        [Expr::Text(one)] => tests.push(value.clone().with("has", one)),
        _ => tests.push(Expr::In("has_any", Box::new(value.clone()), terms)),
    }
    if on(Mutant::KqlFirstPretest) {
        tests.truncate(1);
    }
    Expr::And(vec![joined(tests, false), matches])
}
