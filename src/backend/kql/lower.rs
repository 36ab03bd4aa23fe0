//! From a plan to KQL's syntax tree: the cheapest exact form of each test, cheap tests first, names from the source.

use super::ast::{Expr, Let, Piece, Pipeline, Query, Step};
use super::first;
use super::share::{Label, share};
use crate::backend::known::given;
use crate::backend::output::{self, Words};
use crate::backend::{Output, capital, exception_line, hides, rank};
use crate::ir::{Matcher, Regex, Score, Text};
use crate::sema::Rule;
use crate::target::{
    Bound, BoundOp, BoundTest, Called, Case, CaseValue, Column, How, MAPPED, Plan, Scalar, Source, SourceQuery, Target,
    Unsupported,
};

/// The column of a rule's score.
const SCORE: &str = "Score";
/// A query whose result has these columns.
pub fn query(rule: &Rule, plan: &Plan, columns: &[Output]) -> Result<Query, Vec<Unsupported>> {
    let tail = Step::Project(columns.iter().map(|c| (None, Expr::Column(c.name.clone()))).collect());
    let lists = plan.queries.iter().flat_map(|q| lists(&q.names)).collect();
    if let [only] = plan.queries.as_slice() {
        let mut main = pipeline(rule, plan.target, only)?;
        main.steps.push(tail);
        return Ok(Query { main, lists, ..Query::default() });
    }
    let mut lets = vec![];
    for (i, source) in plan.queries.iter().enumerate() {
        let number = if plan.queries.len() > 1 { (i + 1).to_string() } else { String::new() };
        let name = format!("{}{number}", capital(source.kind.word()));
        lets.push(Let { name, body: pipeline(rule, plan.target, source)?, kept: false });
    }
    let names = lets.iter().map(|l| l.name.clone()).collect();
    Ok(Query { lets, main: Pipeline { source: names, steps: vec![tail] }, lists, ..Query::default() })
}

fn pipeline(rule: &Rule, target: &Target, source: &SourceQuery) -> Result<Pipeline, Vec<Unsupported>> {
    let mut taken: Vec<&str> =
        source.show.iter().map(|(_, c)| c.name.as_str()).chain(target.columns.iter().map(String::as_str)).collect();
    if source.score.is_some() {
        taken.push(SCORE);
    }
    if let Some((name, _)) = source.flags.iter().find(|(n, _)| taken.contains(&n.as_str())) {
        return Err(vec![hides(rule, name)]);
    }
    let flags = source.flags.iter().map(|(_, b)| b);
    let asked = [&source.detect].into_iter().chain(source.exceptions.iter().map(|(_, b)| b)).chain(flags);
    let shown = source.show.iter().map(|(name, column)| (name.as_str(), column));
    let lower = Lower { target, computed: computed(target, shown, asked) };
    let columns: Vec<(String, Expr)> = source.flags.iter().map(|(n, b)| (n.clone(), lower.expr(b, true))).collect();
    let filtered = Filtered {
        source: source.source,
        detect: &source.detect,
        exceptions: &source.exceptions,
        names: &source.names,
        guards: vec![],
    };
    let mut steps = lower.filtered(rule, &filtered, columns, &taken);
    if let Some(score) = &source.score {
        steps.push(Step::Extend(vec![(SCORE.to_owned(), sum(score, &source.flags))]));
        let threshold = i64::try_from(score.threshold).unwrap_or(i64::MAX);
        steps.push(Step::Where(Expr::Binary(
            ">=",
            Box::new(Expr::Column(SCORE.to_owned())),
            Box::new(Expr::Number(threshold)),
        )));
    }
    Ok(Pipeline { source: vec![source.source.table.clone().unwrap_or_default()], steps })
}

/// What lists of values are called.
pub(super) fn lists(names: &[Called]) -> Vec<(Vec<Expr>, String)> {
    let mut out = vec![];
    for Called { words, bound, .. } in names.iter().filter(|c| c.list) {
        let Bound::Test(BoundTest { op: BoundOp::Text(text), .. }) = bound else { continue };
        if let Matcher::Exact(values) | Matcher::Contains(values) = &text.matcher {
            out.push((values.iter().map(|v| Expr::Text(v.clone())).collect(), joined_words(words)));
        }
    }
    out
}

/// The words of a name as a column's name: `seven zip`, `SevenZip`.
fn joined_words(words: &[String]) -> String {
    words.iter().map(|w| capital(w)).collect()
}

/// Which events of a log source are meant.
pub(super) struct Filtered<'a> {
    pub source: &'a Source,
    pub detect: &'a Bound,
    pub exceptions: &'a [(usize, Bound)],
    /// What conditions are called in the source.
    pub names: &'a [Called],
    /// Columns without which an event is not meant.
    pub guards: Vec<&'a Column>,
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
    target: &Target,
    shown: impl Iterator<Item = (&'b str, &'b Column)>,
    asked: impl Iterator<Item = &'b Bound>,
) -> Vec<(Column, String)> {
    let mut out: Vec<(Column, String)> = vec![];
    for (name, column) in shown {
        if column.how == How::Computed {
            add_computed(&mut out, column);
        } else if column.how != How::Whole && !out.iter().any(|(c, _)| c == column) {
            out.push((column.clone(), pascal(name)));
        }
    }
    let mut add = |column: &Column| {
        if column.how == How::Computed {
            return add_computed(&mut out, column);
        }
        if !matches!(column.how, How::Whole | How::Address) && !out.iter().any(|(c, _)| c == column) {
            let field = target.field_of(column.how, &column.name).map(|f| pascal(f.short()));
            let free = field.filter(|name| !out.iter().any(|(_, n)| n == name));
            out.push((column.clone(), free.unwrap_or_else(|| format!("{}{}", pascal(column.how.word()), column.name))));
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

/// A column that the target names keeps its name.
fn add_computed(out: &mut Vec<(Column, String)>, column: &Column) {
    if !out.iter().any(|(c, _)| c == column) {
        out.push((column.clone(), column.name.clone()));
    }
}

/// `process.name` as a column's name: `ProcessName`.
pub(super) fn pascal(name: &str) -> String {
    name.split(['.', '_']).map(capital).collect()
}

/// The columns of the result.
pub fn outputs(plan: &Plan) -> Vec<Output> {
    output::single(plan, &Words { part: pascal, score: SCORE })
}

/// The expression that takes a part of a column. Folders and names may hold line breaks.
pub(super) fn part(column: &Column) -> Expr {
    let name = || Expr::Column(column.name.clone());
    let extract = |pattern: &str| Expr::Call("extract", vec![Expr::Text(pattern.to_owned()), Expr::Number(1), name()]);
    match column.how {
        How::Whole | How::Computed => name(),
        How::Name => extract(r"([^\\/]*)$"),
        How::Extension => extract(r"\.([^.\\/]*)$"),
        How::Folder => extract(r"(?s)^(.*)[\\/]"),
        How::Account => extract(r"([^\\]*)$"),
        How::Domain => extract(r"^([^\\]*)\\"),
        How::Hex => Expr::Call("tolong", vec![name()]),
        How::Address => {
            let texts = [MAPPED, ""].map(|text| Expr::Text(text.to_owned()));
            Expr::Call("replace_string", [name()].into_iter().chain(texts).collect())
        }
    }
}

/// Lowers conditions on one event.
pub(super) struct Lower<'a> {
    pub(super) target: &'a Target,
    pub(super) computed: Vec<(Column, String)>,
}

impl Lower<'_> {
    /// The events that are meant, with some columns more. The source's own filter leads, then a cheap one that the whole
    /// detection implies; nothing that costs more stands before these.
    pub(super) fn filtered(
        &self,
        rule: &Rule,
        of: &Filtered,
        columns: Vec<(String, Expr)>,
        taken: &[&str],
    ) -> Vec<Step> {
        let mut first = vec![];
        let (cheap, mut rest) = first::filter(of.detect);
        for (column, values) in &of.source.filter {
            // What the detection asks of the same column says more, and both are one step.
            let narrower = rest.iter().position(|bound| among(bound, column, values).is_some());
            let asked = narrower.map(|place| rest.remove(place)).and_then(|bound| among(bound, column, values));
            first.push(Step::Where(self.any_of(&Expr::Column(column.clone()), asked.unwrap_or(values))));
        }
        first.extend(cheap.map(Step::Filter));
        let mut steps = vec![];
        let mut facts = of.detect.conjuncts();
        facts.retain(|fact| !rest.iter().any(|left| std::ptr::eq(*left, *fact)));
        for conjunct in rank::by_cost(rest) {
            let asked = given(conjunct, &facts);
            facts.push(conjunct);
            if asked != Bound::Const(true) {
                steps.push(Step::Where(self.expr(&asked, false)));
            }
        }
        for (index, bound) in of.exceptions {
            steps.push(Step::Comment(exception_line(rule, *index)));
            let excepted = self.expr(&given(bound, &facts), true);
            steps.push(Step::Where(Expr::Not(Box::new(excepted))));
        }
        let exist: Vec<Expr> = of.guards.iter().map(|c| self.exists(c)).collect();
        match exist.len() {
            0 => {}
            1 => steps.extend(exist.into_iter().map(Step::Where)),
            _ => {
                let flat = exist.into_iter().flat_map(|e| if let Expr::And(inner) = e { inner } else { vec![e] });
                steps.push(Step::Where(Expr::And(flat.collect())));
            }
        }
        let labels = self.labels(of, &columns, taken);
        if !columns.is_empty() {
            steps.push(Step::Extend(columns));
        }
        let mut steps = share(steps, &labels);
        // Parts of columns are taken where the first step reads one; what is only shown, at the end.
        if !self.computed.is_empty() {
            let reads = |step: &Step| self.computed.iter().any(|(_, name)| step.clone().reads(name));
            let place = steps.iter().position(reads).unwrap_or(steps.len());
            let parts = self.computed.iter().map(|(c, n)| (n.clone(), self.made(c))).collect();
            steps.insert(place, Step::Extend(parts));
        }
        first.extend(steps);
        first
    }

    /// Conditions that have a name: flags, then what the source calls so.
    fn labels(&self, of: &Filtered, columns: &[(String, Expr)], taken: &[&str]) -> Vec<Label> {
        let flag = |(name, expr): &(String, Expr)| Label { name: name.clone(), expr: expr.clone(), flag: true };
        let mut out: Vec<Label> = columns.iter().map(flag).collect();
        let mut used: std::collections::HashSet<String> = taken.iter().map(|t| (*t).to_owned()).collect();
        used.extend(self.computed.iter().map(|(_, name)| name.clone()));
        of.detect.each_test(&mut |t| {
            used.insert(t.column.name.clone());
        });
        for Called { words, bound, .. } in of.names.iter().filter(|c| !c.list) {
            let plain = joined_words(words);
            let expr = self.expr(bound, false);
            // A column must not be null, so what differs there has no name.
            if expr != self.expr(bound, true) || out.iter().any(|l| l.expr == expr) {
                continue;
            }
            let free = (1..).map(|n| if n == 1 { plain.clone() } else { format!("{plain}{n}") });
            let is_free = |name: &String| !used.contains(name) && !out.iter().any(|l| l.name == *name);
            if let Some(name) = free.take(100).find(is_free) {
                out.push(Label { name, expr, flag: false });
            }
        }
        out
    }

    /// What makes a part of a column, or a computed one.
    fn made(&self, column: &Column) -> Expr {
        let cases = self.target.computed.get(&column.name).filter(|_| column.how == How::Computed);
        let Some((last, cases)) = cases.and_then(|all| all.split_last()) else { return part(column) };
        let value = |case: &Case| match &case.value {
            CaseValue::Column(name) => Expr::Column(name.clone()),
            CaseValue::Text(text) => Expr::Text(text.clone()),
        };
        let holds = |case: &Case| {
            let filter = case.filter.iter().map(|(name, values)| self.any_of(&Expr::column(name.clone()), values));
            let there = match &case.value {
                CaseValue::Column(name) => {
                    let nothing = std::iter::once(String::new()).chain(self.target.filler.iter().cloned());
                    Some(Expr::In("!in", Box::new(Expr::column(name.clone())), nothing.map(Expr::Text).collect()))
                }
                CaseValue::Text(_) => None,
            };
            joined(filter.chain(there).collect(), true)
        };
        let each = cases.iter().flat_map(|case| [holds(case), value(case)]);
        Expr::Call("case", each.chain([value(last)]).collect())
    }

    pub(super) fn column(&self, column: &Column) -> Expr {
        let alias = self.computed.iter().find(|(c, _)| c == column).map(|(_, n)| n);
        alias.map_or_else(|| part(column), |name| Expr::Column(name.clone()))
    }

    /// `guarded`: null and false differ here, so numbers get a guard.
    pub(super) fn expr(&self, bound: &Bound, guarded: bool) -> Expr {
        match bound {
            Bound::Const(value) => Expr::Bool(*value),
            Bound::Not(inner) => Expr::Not(Box::new(self.expr(inner, true))),
            Bound::And(all) => {
                let parts = rank::by_cost(all).into_iter().map(|b| self.expr(b, guarded));
                // A guard and what it guards are two more operands.
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
                Expr::Binary(order.sign(), Box::new(value.clone()), Box::new(number(&test.column, *n)))
            }
            BoundOp::In(values) if test.column.time => times(&value, values),
            BoundOp::In(values) => self.any_of(&value, values),
            BoundOp::Same(other, cased) => {
                let sign = if *cased || test.column.numeric { "==" } else { "=~" };
                Expr::Binary(sign, Box::new(value.clone()), Box::new(self.column(other)))
            }
            BoundOp::Cidr(networks) => return cidr(&test.column.name, &value, networks),
            BoundOp::Text(t) => return text(&value, t),
        };
        if guarded && test.column.numeric {
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
        if fillers.is_empty() { filled } else { Expr::And([filled].into_iter().chain(fillers).collect()) }
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

/// The values that a condition asks a column for, if they are some of these.
fn among<'b>(bound: &'b Bound, column: &str, values: &[Scalar]) -> Option<&'b [Scalar]> {
    match bound {
        Bound::Test(BoundTest { column: asked, op: BoundOp::In(all), .. }) => {
            let some = asked.name == column && asked.how == How::Whole && all.iter().all(|v| values.contains(v));
            some.then_some(all.as_slice())
        }
        _ => None,
    }
}

fn number(column: &Column, n: i64) -> Expr {
    if column.time { Expr::Time(n) } else { Expr::Number(n) }
}

fn times(value: &Expr, values: &[Scalar]) -> Expr {
    let all = values.iter().filter_map(|s| if let Scalar::Number(n) = s { Some(Expr::Time(*n)) } else { None });
    Expr::In("in", Box::new(value.clone()), all.collect())
}

/// Null for what is no address; `coalesce` makes that false. Networks of IPv6 are asked of the column as it is, those of IPv4 of
/// the value without what marks it as one of IPv6.
fn cidr(column: &str, value: &Expr, networks: &[String]) -> Expr {
    let (six, four): (Vec<&String>, Vec<&String>) = networks.iter().partition(|n| n.contains(':'));
    let test = |(version, networks): (&str, Vec<&String>)| {
        let texts: Vec<Expr> = networks.into_iter().map(|n| Expr::Text(n.clone())).collect();
        let value = if version == "6" { Expr::column(column.to_owned()) } else { value.clone() };
        let (function, networks) = match (version, texts.as_slice()) {
            (_, []) => return None,
            ("4", [one]) => ("ipv4_is_in_range", one.clone()),
            (_, [one]) => ("ipv6_is_in_range", one.clone()),
            ("4", _) => ("ipv4_is_in_any_range", Expr::List(texts)),
            _ => ("ipv6_is_in_any_range", Expr::List(texts)),
        };
        let test = Expr::Call(function, vec![value, networks]);
        Some(Expr::Call("coalesce", vec![test, Expr::Bool(false)]))
    };
    joined([("4", four), ("6", six)].into_iter().filter_map(test).collect(), false)
}

fn joined(mut all: Vec<Expr>, and: bool) -> Expr {
    match (all.len(), and) {
        (1, _) => all.pop().unwrap_or(Expr::Bool(and)),
        (_, true) => Expr::And(all),
        _ => Expr::Or(all),
    }
}

/// A test of text. Words between separators are found by the index: `has` asks no boundary beside a sign.
pub(super) fn text(value: &Expr, text: &Text) -> Expr {
    let exact = text.cased;
    let one_of = |values: &[String], insensitive: &'static str, cased: &'static str| {
        let op = if exact { cased } else { insensitive };
        joined(values.iter().map(|v| value.clone().with(op, v)).collect(), text.all)
    };
    match &text.matcher {
        Matcher::Exact(values) => match values.as_slice() {
            [one] => value.clone().with(if exact { "==" } else { "=~" }, one),
            many => {
                let op = if exact { "in" } else { "in~" };
                Expr::In(op, Box::new(value.clone()), many.iter().map(|v| Expr::Text(v.clone())).collect())
            }
        },
        Matcher::Contains(values) => {
            let (terms, parts): (Vec<String>, Vec<String>) = values.iter().cloned().partition(|v| is_indexed(v));
            let mut all = vec![];
            match terms.as_slice() {
                [_, _, ..] if !exact && !text.all => {
                    let terms = terms.iter().map(|t| Expr::Text(t.clone())).collect();
                    all.push(Expr::In("has_any", Box::new(value.clone()), terms));
                }
                _ => all.extend(terms.iter().map(|t| value.clone().with(if exact { "has_cs" } else { "has" }, t))),
            }
            let contains = if exact { "contains_cs" } else { "contains" };
            all.extend(parts.iter().map(|p| value.clone().with(contains, p)));
            joined(all, text.all)
        }
        Matcher::StartsWith(values) => one_of(values, "startswith", "startswith_cs"),
        Matcher::EndsWith(values) => one_of(values, "endswith", "endswith_cs"),
        Matcher::Like(globs) => {
            let flags = if text.cased { "(?s)" } else { "(?is)" };
            let tests = globs.iter().map(|g| {
                let pattern = Piece::text(format!("{flags}^{}$", g.to_regex(".*", ".")));
                Expr::Matches(Box::new(value.clone()), vec![pattern])
            });
            joined(tests.collect(), text.all)
        }
        Matcher::Regex(r) => Expr::Matches(Box::new(value.clone()), pieces(r)),
    }
}

/// Whether a text has signs at its edges and a term in it, so that `has` is `contains`, and quicker.
pub(super) fn is_indexed(text: &str) -> bool {
    let sign = |c: Option<char>| c.is_some_and(|c| c.is_ascii_punctuation());
    let term = text.split(|c: char| !c.is_ascii_alphanumeric()).any(|run| run.len() >= 3);
    sign(text.chars().next()) && sign(text.chars().next_back()) && term && text.is_ascii()
}

/// A regular expression in pieces: its named parts, and what stands between them.
fn pieces(regex: &Regex) -> Vec<Piece> {
    let flags = regex.flags();
    let mut out: Vec<Piece> = vec![];
    let mut at = 0;
    let between = |from: usize, to: usize| regex.pattern.get(from..to).map(class_of_dashes).unwrap_or_default();
    for (range, fragment) in &regex.fragments {
        // A part that begins the expression holds its flags; another one may stand at the end.
        let first = range.start == 0;
        if !first && range.end != regex.pattern.len() {
            continue;
        }
        if range.start > at {
            out.push(Piece::text(between(at, range.start)));
        }
        let text = regex.pattern.get(range.clone()).unwrap_or("");
        let text = if first { format!("{flags}{text}") } else { text.to_owned() };
        out.push(Piece { text, part: Some((fragment.name(), fragment.words())) });
        at = range.end;
    }
    if at < regex.pattern.len() {
        out.push(Piece::text(between(at, regex.pattern.len())));
    }
    match out.first_mut() {
        Some(first) if first.part.is_none() => first.text.insert_str(0, flags),
        _ => {}
    }
    out
}

/// Kusto reads characters, not bytes: all dashes are one class.
fn class_of_dashes(pattern: &str) -> String {
    pattern.replace("(?:[-/]|–|—|―)", "[-/–—―]").replace("(?:-|–|—|―)", "[-–—―]")
}
