//! From a plan to SPL's syntax tree: as much as possible into the base search, the rest behind it.

use super::alert::TIMES;
use super::ast::{Base, Eval, Piece, Query, Search, Step};
use super::eval::{self, Lower};
use super::parts::Parts;
use super::search::{Names, joined};
use super::share::{self, Named, shared};
use crate::backend::known::given;
use crate::backend::output::{self, Words};
use crate::backend::{Output, Shows, exception_line, hides, rank};
use crate::ir::Score;
use crate::sema::Rule;
use crate::target::{Bound, Column, How, Plan, Scalar, Source, SourceQuery, Unsupported};

/// The field of a rule's score.
const SCORE: &str = "score";

/// The columns of the result.
pub fn outputs(plan: &Plan) -> Vec<Output> {
    let mut out = output::single(plan, &Words { part: alias, score: SCORE });
    if plan.queries.iter().any(|q| q.source.datamodel.is_some()) {
        let place = plan.target.columns.len().min(out.len());
        out.splice(place..place, TIMES.map(|name| Output::new(name, Shows::Own)));
    }
    out
}

/// A part of a column has a name of its own: `process_name`.
pub fn alias(field: &str) -> String {
    field.replace('.', "_")
}

/// A query whose result has these columns.
pub fn query(rule: &Rule, plan: &Plan, columns: &[Output]) -> Result<Query, Vec<Unsupported>> {
    let parts = parts(plan);
    let lower = Lower { filler: &plan.target.filler, parts: &parts };
    let refuse = |why: &str| Err(vec![Unsupported::new(rule.detect_span, why)]);
    let several = plan.queries.len() > 1;
    let tstats = plan.queries.iter().find_map(|q| q.source.datamodel.as_ref());
    if several && tstats.is_some() {
        return refuse("joins several data models only by subsearches, which stop at a number of rows");
    }
    if several && !told_apart(&plan.queries) {
        return refuse("cannot tell the rule's log sources apart");
    }
    let facts = plan.queries.iter().map(|q| facts(&Names::of_source(q.source), &q.detect)).collect();
    let mut tail = Tail { lower: &lower, rule, facts, steps: vec![], fields: vec![] };
    let base = match tstats {
        Some(datamodel) => tail.tstats(plan, datamodel)?,
        None => Base::Search(tail.searches(&plan.queries)),
    };
    tail.exceptions(&plan.queries, several);
    tail.columns(plan, columns, several)?;
    let mut steps = vec![];
    if let Some(datamodel) = tstats {
        steps.push(Step::Unprefix(dataset(datamodel).to_owned()));
    }
    steps.extend(filled(&parts, &tail.fields, &asked_first(plan)));
    steps.append(&mut tail.steps);
    let mut macros: Vec<String> = plan.queries.iter().filter_map(|q| q.source.macro_name.clone()).collect();
    macros.dedup();
    Ok(Query { base, steps, macros })
}

/// The fields that a query may compute.
fn parts(plan: &Plan) -> Parts {
    let mut asked: Vec<&Bound> = vec![];
    for query in &plan.queries {
        asked.push(&query.detect);
        asked.extend(query.exceptions.iter().map(|(_, b)| b));
        asked.extend(query.flags.iter().map(|(_, b)| b));
    }
    Parts::new(plan.target, plan.queries.iter().map(|q| (q.kind, q.source, q.os.as_slice())), &asked)
}

/// Columns of a filter that every log source has: each row has a value there.
fn asked_first(plan: &Plan) -> Vec<String> {
    let mut filters = plan.queries.iter().map(|q| &q.source.filter);
    let Some(first) = filters.next() else { return vec![] };
    let all: Vec<_> = filters.collect();
    first.keys().filter(|column| all.iter().all(|f| f.contains_key(*column))).cloned().collect()
}

/// Computes the fields among those that are read, and fills what may be missing. `there`: what never is.
pub fn filled(parts: &Parts, read: &[String], there: &[String]) -> Vec<Step> {
    let computed = parts.computed(read);
    let of_the_log = read.iter().filter(|f| *f != "_time" && !there.contains(f) && parts.names().all(|p| p != *f));
    let fill: Vec<String> = of_the_log.chain(computed.iter().map(|(name, _)| name)).cloned().collect();
    let mut steps = vec![];
    if !computed.is_empty() {
        steps.push(Step::Eval(computed));
    }
    if !fill.is_empty() {
        steps.push(Step::FillNull(fill));
    }
    steps
}

/// What the base search says exactly, and so holds in each row.
fn facts(names: &Names, detect: &Bound) -> Vec<Bound> {
    detect.conjuncts().into_iter().filter(|b| names.exact(b).is_some()).cloned().collect()
}

/// The dataset of a data model is the prefix of its fields.
pub fn dataset(datamodel: &str) -> &str {
    datamodel.rsplit('.').next().unwrap_or(datamodel)
}

/// Log sources are told apart by the columns of their filters.
fn told_apart(queries: &[SourceQuery]) -> bool {
    queries.iter().enumerate().all(|(i, a)| queries.iter().skip(i + 1).all(|b| filters_differ(a.source, b.source)))
}

/// Whether no event can pass the filters of both log sources.
pub fn filters_differ(a: &Source, b: &Source) -> bool {
    let other = |column| b.filter.get(column);
    a.filter.iter().any(|(column, values)| other(column).is_some_and(|v| v.iter().all(|v| !values.contains(v))))
}

pub fn filter_search(source: &Source) -> Vec<Search> {
    let text = |s: &Scalar| match s {
        Scalar::Number(n) => vec![Piece::Text(n.to_string())],
        Scalar::Text(t) => vec![Piece::Text(t.clone())],
    };
    source
        .filter
        .iter()
        .map(|(column, values)| match values.as_slice() {
            [one] => Search::Is(column.clone(), text(one)),
            many => Search::In(column.clone(), many.iter().map(text).collect()),
        })
        .collect()
}

pub fn filter_eval(source: &Source) -> Vec<Eval> {
    let value = |s: &Scalar| match s {
        Scalar::Number(n) => Eval::Number(*n),
        Scalar::Text(t) => Eval::Text(t.clone()),
    };
    let field = |c: &String| Eval::Field(c.clone());
    source
        .filter
        .iter()
        .map(|(column, values)| match values.as_slice() {
            [one] => Eval::Binary("=", Box::new(field(column)), Box::new(value(one))),
            many => Eval::Call("in", [field(column)].into_iter().chain(many.iter().map(value)).collect()),
        })
        .collect()
}

/// Conjuncts that the search command can say, or others that they imply; what is left to ask behind it.
pub fn split(names: &Names, detect: &Bound) -> (Vec<Search>, Vec<Bound>) {
    let (mut said, mut rest) = (vec![], vec![]);
    let facts = facts(names, detect);
    let facts: Vec<&Bound> = facts.iter().collect();
    for (asked, left) in names.parts(rank::by_cost(detect.conjuncts()).into_iter()) {
        rest.extend(left.map(|left| given(&left, &facts)));
        said.extend(asked);
    }
    rest.retain(|b| *b != Bound::Const(true));
    // What a row is stands before what it is not.
    said.sort_by_key(|s| matches!(s, Search::Not(_)));
    (said, rest)
}

/// What follows the base search.
struct Tail<'a> {
    lower: &'a Lower<'a>,
    rule: &'a Rule,
    /// What the base search says of each log source's rows.
    facts: Vec<Vec<Bound>>,
    steps: Vec<Step>,
    /// Fields that expressions read.
    fields: Vec<String>,
}

impl Tail<'_> {
    fn eval(&mut self, bound: &Bound) -> Eval {
        let made = self.lower.eval(bound);
        eval::fields(&made, &mut self.fields);
        made
    }

    /// A condition on the rows of a log source.
    fn asked(&mut self, bound: &Bound, query: usize) -> Eval {
        let facts: Vec<&Bound> = self.facts.get(query).into_iter().flatten().collect();
        self.eval(&given(bound, &facts))
    }

    fn searches(&mut self, queries: &[SourceQuery]) -> Search {
        let names = Names { prefix: "" };
        let mut branches = vec![];
        let mut left: Vec<(Vec<Eval>, Vec<Eval>)> = vec![];
        for query in queries {
            let (said, rest) = split(&names, &query.detect);
            let mut all: Vec<Search> = query.source.macro_name.iter().map(|m| Search::Macro(m.clone())).collect();
            all.extend(filter_search(query.source));
            all.extend(said);
            branches.push(joined(all, true).unwrap_or(Search::And(vec![])));
            left.push((filter_eval(query.source), rest.iter().map(|b| self.eval(b)).collect()));
        }
        if let [(_, rest)] = left.as_mut_slice() {
            let rest = std::mem::take(rest);
            self.steps.extend(rest.into_iter().map(Step::Where));
        } else if left.iter().any(|(_, rest)| !rest.is_empty()) {
            let branches =
                left.into_iter().map(|(filter, rest)| eval::joined(filter.into_iter().chain(rest).collect(), true));
            let all = Eval::Or(branches.collect());
            eval::fields(&all, &mut self.fields);
            self.steps.push(Step::Where(all));
        }
        joined(branches, false).unwrap_or(Search::And(vec![]))
    }

    fn tstats(&mut self, plan: &Plan, datamodel: &str) -> Result<Base, Vec<Unsupported>> {
        let Some(query) = plan.queries.first() else { return Err(vec![]) };
        let prefix = dataset(datamodel);
        let (said, rest) = split(&Names { prefix }, &query.detect);
        let rest: Vec<Eval> = rest.iter().map(|b| self.eval(b)).collect();
        self.steps.extend(rest.into_iter().map(Step::Where));
        // Rows carry what is shown, and what is read behind the base search.
        let mut by: Vec<String> = query.show.iter().map(|(_, c)| c.name.clone()).collect();
        by.extend(self.lower.parts.columns(&self.fields));
        for (_, bound) in &query.exceptions {
            bound.each_test(&mut |t| by.push(t.column.name.clone()));
        }
        for (_, bound) in query.flags.iter() {
            bound.each_test(&mut |t| by.push(t.column.name.clone()));
        }
        let mut seen = std::collections::HashSet::new();
        by.retain(|f| f != "_time" && seen.insert(f.clone()));
        let filler = plan.target.filler.first().cloned().unwrap_or_else(|| "unknown".to_owned());
        let filter = joined(said, true);
        Ok(Base::Tstats {
            datamodel: datamodel.to_owned(),
            filler,
            filter,
            times: Some(TIMES.map(str::to_owned).into()),
            by,
        })
    }

    fn exceptions(&mut self, queries: &[SourceQuery], several: bool) {
        let mut indexes: Vec<usize> = queries.iter().flat_map(|q| q.exceptions.iter().map(|(i, _)| *i)).collect();
        indexes.sort_unstable();
        indexes.dedup();
        for index in indexes {
            let mut branches = vec![];
            for (place, query) in queries.iter().enumerate() {
                let Some((_, bound)) = query.exceptions.iter().find(|(i, _)| *i == index) else { continue };
                let made = self.asked(bound, place);
                branches.push(self.of_source(made, query, several));
            }
            self.steps.push(Step::Comment(exception_line(self.rule, index)));
            let excepted = eval::joined(branches, false);
            self.steps.push(Step::Where(Eval::Not(Box::new(excepted))));
        }
    }

    /// A condition that belongs to one of several log sources.
    fn of_source(&mut self, made: Eval, query: &SourceQuery, several: bool) -> Eval {
        if !several {
            return made;
        }
        let all = eval::joined(filter_eval(query.source).into_iter().chain([made]).collect(), true);
        eval::fields(&all, &mut self.fields);
        all
    }

    fn columns(&mut self, plan: &Plan, columns: &[Output], several: bool) -> Result<(), Vec<Unsupported>> {
        let mut evals: Vec<(String, Eval)> = vec![];
        for (name, column) in plan.queries.iter().flat_map(|q| &q.show) {
            self.shown(name, column, &mut evals);
        }
        let score = plan.queries.iter().find_map(|q| Some((q.score.as_ref()?, q)));
        let mut flags = self.flags(plan, columns, several)?;
        self.share(plan, columns, &mut flags);
        evals.extend(flags.iter().map(Named::computed));
        if let Some((score, query)) = score {
            self.steps.push(Step::Eval(std::mem::take(&mut evals)));
            self.steps.extend(scored(score, &query.flags));
        }
        if !evals.is_empty() {
            self.steps.push(Step::Eval(evals));
        }
        self.steps.push(Step::Table(columns.iter().map(|c| c.name.clone()).collect()));
        Ok(())
    }

    /// The rule's flags, each with its condition.
    fn flags(&mut self, plan: &Plan, columns: &[Output], several: bool) -> Result<Vec<Named>, Vec<Unsupported>> {
        let score = plan.queries.iter().any(|q| q.score.is_some());
        let taken = |name: &str| columns.iter().any(|c| c.name == name && c.shows != Shows::Flag);
        let names: Vec<String> = plan.queries.iter().flat_map(|q| q.flags.iter().map(|(n, _)| n.clone())).collect();
        let mut out = vec![];
        for name in unique(names) {
            if taken(&name) || score && name == SCORE || self.lower.parts.names().any(|p| p == name) {
                return Err(vec![hides(self.rule, &name)]);
            }
            let mut branches = vec![];
            for (place, query) in plan.queries.iter().enumerate() {
                let Some((_, bound)) = query.flags.iter().find(|(n, _)| *n == name) else { continue };
                let made = self.asked(bound, place);
                branches.push(self.of_source(made, query, several));
            }
            out.push(Named { name, asked: eval::joined(branches, false), flag: true });
        }
        Ok(out)
    }

    /// Computes what is asked more than once, and flags that the detection asks, in front of what asks them.
    fn share(&mut self, plan: &Plan, columns: &[Output], flags: &mut Vec<Named>) {
        let own = plan.target.own_columns();
        let taken = |name: &str| own.contains(&name) || columns.iter().any(|c| c.name == name);
        let mut names = vec![];
        if let [query] = plan.queries.as_slice() {
            let facts: Vec<&Bound> = self.facts.iter().flatten().collect();
            for called in query.names.iter().filter(|c| !c.list) {
                let name = share::name(&called.words);
                if !taken(&name) && self.lower.parts.names().all(|p| p != name) {
                    names.push(Named { name, asked: self.lower.eval(&given(&called.bound, &facts)), flag: false });
                }
            }
        }
        let mut asked: Vec<&mut Eval> = self.steps.iter_mut().flat_map(share::expressions).collect();
        let first = shared(names, flags, &mut asked);
        if !first.is_empty() {
            self.steps.insert(0, Step::Eval(first.iter().map(Named::computed).collect()));
        }
    }

    /// What makes a shown column that is a part of another one.
    fn shown(&mut self, name: &str, column: &Column, evals: &mut Vec<(String, Eval)>) {
        if column.how == How::Whole {
            return;
        }
        let (made, name) = (self.lower.shown(column), alias(name));
        let computed = made == Eval::Field(name.clone());
        if computed || column.how != How::Account {
            eval::fields(&made, &mut self.fields);
        }
        if !computed && !evals.iter().any(|(n, _)| *n == name) {
            evals.push((name, made));
        }
    }
}

/// The sum of the weights of the flags that hold, and the test of it. Each log source has the same flags.
fn scored(score: &Score, flags: &[(String, Bound)]) -> [Step; 2] {
    let binary = |op, a, b| Eval::Binary(op, Box::new(a), Box::new(b));
    let number = |n: u64| Eval::Number(i64::try_from(n).unwrap_or(i64::MAX));
    let weighted = score.weights.iter().filter_map(|(index, weight)| {
        let flag = Eval::Field(flags.get(*index)?.0.clone());
        let holds = binary("=", flag, Eval::Text("true".to_owned()));
        Some(Eval::Call("if", vec![holds, number(*weight), number(0)]))
    });
    let sum = weighted.reduce(|sum, one| binary("+", sum, one)).unwrap_or(Eval::Number(0));
    let reached = binary(">=", Eval::Field(SCORE.to_owned()), number(score.threshold));
    [Step::Eval(vec![(SCORE.to_owned(), sum)]), Step::Where(reached)]
}

pub fn unique(mut names: Vec<String>) -> Vec<String> {
    let mut seen = std::collections::HashSet::new();
    names.retain(|n| seen.insert(n.clone()));
    names
}
