//! Counts without window functions: each group's times in a sorted list beside itself, shifted by one less than the number;
//! different values by what each event adds and what later leaves the window. One row for each burst.

use super::super::ast::{Expr, Let, Pipeline, Query, Step};
use super::super::lower::{lists, pascal};
use super::names::part_name;
use super::names::time;
use super::step::{compared, filtered, lower};
use crate::backend::output;
use crate::backend::{Output, Shows};
use crate::ir::Count;
use crate::sema::Rule;
use crate::target::temporal::{Carry, CountPlan, What};
use crate::target::{Column, Unsupported};

/// Columns of the query's own.
const EVENT: &str = "EventTime";
const FIRST: &str = "FirstSeen";
const LAST: &str = "LastSeen";

/// A query for a count.
///
/// # Errors
/// A number that is too large for a list.
pub fn query(rule: &Rule, count: &Count, plan: &CountPlan) -> Result<(Query, Vec<Output>), Vec<Unsupported>> {
    let at_least = i64::try_from(count.at_least).unwrap_or(i64::MAX);
    if at_least > LIST {
        let why = format!("counts {LIST} events of a group and no more");
        return Err(vec![Unsupported::new(count.at_least_span, why)]);
    }
    let all = Counting { plan, within: count.within.micros, at_least };
    let values = all.values();
    if let (Some(distinct), true, true) = (count.distinct, values.is_empty(), at_least > 1) {
        let why = format!("has one `{}` in each group of these keys", distinct.field.short());
        return Err(vec![Unsupported::new(distinct.span, why)]);
    }
    let mut lets = all.counted(rule);
    let met = if values.is_empty() { all.met() } else { all.met_by(&values) };
    lets.push(Let { name: "Met".to_owned(), body: met, kept: false });
    lets.push(Let { name: "Ordered".to_owned(), body: all.ordered(), kept: true });
    let columns = all.columns();
    let outputs = columns.iter().map(|(output, _)| output.clone()).collect();
    let lists = plan.events.sources.iter().flat_map(|s| lists(&s.names)).collect();
    Ok((Query { lets, main: all.bursts(columns), lists, ..Query::default() }, outputs))
}

/// Kusto's lists hold so many items.
const LIST: i64 = 1_048_576;

struct Counting<'p> {
    plan: &'p CountPlan<'p>,
    within: i64,
    at_least: i64,
}

fn column(name: &str) -> Expr {
    Expr::column(name)
}

fn plain(names: &[String]) -> Vec<(Option<String>, Expr)> {
    names.iter().map(|n| (None, Expr::column(n.clone()))).collect()
}

fn call(function: &'static str, name: &str) -> Expr {
    Expr::Call(function, vec![column(name)])
}

fn list(name: &str) -> Expr {
    call("make_list", name)
}

fn sorted(name: &str) -> (String, Expr) {
    (name.to_owned(), call("array_sort_asc", name))
}

/// A list from the `from`th item on.
fn behind(name: &str, from: i64) -> Expr {
    Expr::Call("array_slice", vec![column(name), Expr::Number(from), Expr::Number(-1)])
}

fn expand(name: &str, list: &str, ty: &'static str) -> (String, Expr, &'static str) {
    (name.to_owned(), column(list), ty)
}

fn assigned(name: &str, value: Expr) -> (Option<String>, Expr) {
    (Some(name.to_owned()), value)
}

/// Whether a column of this name is among some.
fn has(columns: &[(Option<String>, Expr)], name: &str) -> bool {
    columns.iter().any(|(alias, e)| alias.as_deref() == Some(name) || *e == column(name))
}

impl Counting<'_> {
    fn name(&self, carry: Carry) -> String {
        let carried = self.plan.events.carried.get(carry.column);
        carried.map_or_else(String::new, |c| match c.what {
            What::Field(field) => pascal(field.short()),
            What::Part(field, part) => {
                let column = c.columns.iter().flatten().next().map_or("", |c| c.name.as_str());
                part_name(self.plan.target, field, part, column)
            }
        })
    }

    fn keys(&self) -> Vec<String> {
        self.plan.keys.iter().map(|c| self.name(*c)).collect()
    }

    /// The columns whose different values are counted, but for those that are keys: they have one value in a group.
    fn values(&self) -> Vec<String> {
        let keys = self.keys();
        self.plan.distinct.iter().map(|c| self.name(*c)).filter(|name| !keys.contains(name)).collect()
    }

    fn with(&self, more: &[&str]) -> Vec<String> {
        self.keys().into_iter().chain(more.iter().map(|m| (*m).to_owned())).collect()
    }

    /// Columns of every result that are neither time nor key.
    fn others(&self) -> Vec<String> {
        let Expr::Column(time) = time(self.plan.target) else { return vec![] };
        let keys = self.keys();
        self.plan.target.columns.iter().filter(|c| **c != time && !keys.contains(c)).cloned().collect()
    }

    /// The events that count, with their keys and values.
    fn counted(&self, rule: &Rule) -> Vec<Let> {
        let events = &self.plan.events;
        let carries: Vec<Carry> = self.plan.keys.iter().chain(&self.plan.distinct).copied().collect();
        let mut bodies = vec![];
        for (index, source) in events.sources.iter().enumerate() {
            let lower = lower(self.plan.target, events, index);
            let carried = || carries.iter().filter_map(|c| events.carried.get(c.column));
            let mut guards: Vec<&Column> = vec![];
            for column in carried().filter_map(|c| c.columns.get(index)?.as_ref()) {
                if !guards.contains(&column) {
                    guards.push(column);
                }
            }
            let mut steps = filtered(rule, &lower, source, guards, vec![]);
            let resolved = match self.plan.distinct.is_empty() {
                true => time(self.plan.target),
                false => Expr::Call("bin", vec![time(self.plan.target), Expr::Span(1)]),
            };
            let mut columns = vec![assigned(EVENT, resolved)];
            for (carry, carried) in carries.iter().zip(carried()) {
                let (name, value) = (self.name(*carry), compared(carried, index, &lower));
                if has(&columns, &name) {
                    continue;
                }
                let same = value == Expr::column(name.clone());
                columns.push((if same { None } else { Some(name) }, value));
            }
            let others: Vec<String> = self.others().into_iter().filter(|name| !has(&columns, name)).collect();
            columns.extend(plain(&others));
            steps.push(Step::Project(columns));
            bodies.push(Pipeline { source: vec![source.source.table.clone().unwrap_or_default()], steps });
        }
        let name = |i: usize| if bodies.len() == 1 { "Counted".to_owned() } else { format!("Counted{}", i + 1) };
        let names: Vec<String> = (0..bodies.len()).map(name).collect();
        let several = bodies.len() > 1;
        let mut lets: Vec<Let> =
            bodies.into_iter().zip(&names).map(|(body, n)| Let { name: n.clone(), body, kept: false }).collect();
        if several {
            let body = Pipeline { source: names, steps: vec![] };
            lets.push(Let { name: "Counted".to_owned(), body, kept: false });
        }
        lets
    }

    /// The instants at which a group has enough events: the times at which a window that begins with one ends.
    fn met(&self) -> Pipeline {
        let steps = vec![
            Step::Summarize(vec![assigned("Times", list(EVENT))], self.keys()),
            Step::Where(call("array_length", "Times").op(">=", Expr::Number(self.at_least))),
            Step::Extend(vec![sorted("Times")]),
            Step::Extend(vec![("Ends".to_owned(), behind("Times", self.at_least - 1))]),
            Step::Expand(None, vec![expand(FIRST, "Times", "datetime"), expand(LAST, "Ends", "datetime")]),
            Step::Where(column(LAST).op("-", column(FIRST)).op("<=", Expr::Span(self.within))),
            Step::Distinct(self.with(&[LAST])),
        ];
        Pipeline { source: vec!["Counted".to_owned()], steps }
    }

    /// The instants at which a group has enough different values. Each event adds its value at its time (phase 1) and takes
    /// it away where the value comes again within the window (phase 0) or else where the window ends (phase 2); behind
    /// the nth addition stand as many values as additions less removals before it.
    fn met_by(&self, values: &[String]) -> Pipeline {
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        let epoch = || Expr::Time(0);
        let unit = || Expr::Text("microsecond".to_owned());
        let phase = |time: Expr, phase: i64| time.op("*", Expr::Number(4)).op("+", Expr::Number(phase));
        let again = Expr::And(vec![
            Expr::Call("isnotnull", vec![column("Again")]),
            column("Again").op("-", column("Added")).op("<=", Expr::Number(self.within)),
        ]);
        let leaves = column("Added").op("*", Expr::Number(4)).op("+", Expr::Number(self.within.saturating_mul(4) + 2));
        let gone = Expr::Call("iff", vec![again, column("Again").op("*", Expr::Number(4)), leaves]);
        let micros = Expr::Call("datetime_diff", vec![unit(), column(EVENT), epoch()]);
        let seen = Expr::Call("datetime_add", vec![unit(), column("Change").op("/", Expr::Number(4)), epoch()]);
        // Places begin where all have as many digits: there are engines that sort lists of numbers as text.
        let place = column("Position").op("+", Expr::Number(LIST));
        let present = Expr::Number(2).op("*", column("Rank")).op("+", Expr::Number(LIST + 1)).op("-", column("Place"));
        let both = Expr::Call("pack_array", vec![phase(column("Added"), 1), gone]);
        let steps = vec![
            Step::Distinct(self.with(&[values.as_slice(), &[EVENT]].concat())),
            Step::Comment(
                "a value adds one at its time, and takes it away where it comes again or its window ends;".into(),
            ),
            Step::Comment("times count four to a microsecond, which orders what happens at one".into()),
            Step::Extend(vec![("Added".to_owned(), micros)]),
            Step::Summarize(vec![assigned("Times", list("Added"))], self.with(&values)),
            Step::Extend(vec![sorted("Times")]),
            Step::Extend(vec![("Repeats".to_owned(), behind("Times", 1))]),
            Step::Expand(None, vec![expand("Added", "Times", "long"), expand("Again", "Repeats", "long")]),
            Step::Expand(None, vec![("Change".to_owned(), both, "long")]),
            Step::Summarize(vec![assigned("Changes", list("Change"))], self.keys()),
            Step::Extend(vec![sorted("Changes")]),
            Step::Expand(Some("Position".to_owned()), vec![expand("Change", "Changes", "long")]),
            Step::Where(column("Change").op("%", Expr::Number(4)).op("==", Expr::Number(1))),
            Step::Extend(vec![("Place".to_owned(), place)]),
            Step::Summarize(
                vec![assigned("Additions", list("Change")), assigned("Places", list("Place"))],
                self.keys(),
            ),
            Step::Extend(vec![sorted("Additions"), sorted("Places")]),
            Step::Expand(
                Some("Rank".to_owned()),
                vec![expand("Change", "Additions", "long"), expand("Place", "Places", "long")],
            ),
            Step::Where(present.op(">=", Expr::Number(self.at_least))),
            Step::Extend(vec![(LAST.to_owned(), seen)]),
            Step::Distinct(self.with(&[LAST])),
        ];
        Pipeline { source: vec!["Counted".to_owned()], steps }
    }

    /// Each group's instants in order, numbered.
    fn ordered(&self) -> Pipeline {
        let steps = vec![
            Step::Summarize(vec![assigned("Ends", list(LAST))], self.keys()),
            Step::Extend(vec![sorted("Ends")]),
            Step::Expand(Some("Index".to_owned()), vec![expand(LAST, "Ends", "datetime")]),
        ];
        Pipeline { source: vec!["Met".to_owned()], steps }
    }

    /// The first instant of each burst, with what its window holds.
    fn bursts(&self, columns: Vec<(Output, Expr)>) -> Pipeline {
        let span = || Expr::Span(self.within);
        let mut previous = plain(&self.keys());
        previous.push(assigned("Index", column("Index").op("+", Expr::Number(1))));
        previous.push(assigned("PreviousSeen", column(LAST)));
        let previous = Pipeline { source: vec!["Ordered".to_owned()], steps: vec![Step::Project(previous)] };
        let first = Expr::Or(vec![
            call("isnull", "PreviousSeen"),
            column(LAST).op("-", column("PreviousSeen")).op(">", span()),
        ]);
        let bin = |time: &str| Expr::Call("bin", vec![column(time), span()]);
        let bucket = |time: &str| Step::Extend(vec![("Bucket".to_owned(), bin(time))]);
        let buckets = Expr::Call("pack_array", vec![column("Bucket").op("-", span()), column("Bucket")]);
        let counted = Pipeline { source: vec!["Counted".to_owned()], steps: vec![bucket(EVENT)] };
        let mut aggregates = vec![assigned(FIRST, call("min", EVENT)), assigned("Events", Expr::Call("count", vec![]))];
        let others = self.others();
        if !others.is_empty() {
            let arguments = [column(EVENT)].into_iter().chain(others.iter().map(|c| Expr::column(c.clone())));
            aggregates.push((None, Expr::Call("arg_max", arguments.collect())));
        }
        let inside =
            Expr::And(vec![column(EVENT).op("<=", column(LAST)), column(LAST).op("-", column(EVENT)).op("<=", span())]);
        let steps = vec![
            Step::Comment("one row a burst: nothing in the window before had enough".into()),
            Step::Join("leftouter", previous, self.with(&["Index"])),
            Step::Where(first),
            Step::Project(plain(&self.with(&[LAST]))),
            bucket(LAST),
            Step::Expand(None, vec![("Bucket".to_owned(), buckets, "datetime")]),
            Step::Join("inner", counted, self.with(&["Bucket"])),
            Step::Where(inside),
            Step::Summarize(aggregates, self.with(&[LAST])),
            Step::Project(columns.into_iter().map(|(output, expr)| shown(&output.name, expr)).collect()),
        ];
        Pipeline { source: vec!["Ordered".to_owned()], steps }
    }

    /// The columns of the result, with what makes them.
    fn columns(&self) -> Vec<(Output, Expr)> {
        let Expr::Column(time) = time(self.plan.target) else { return vec![] };
        let target = self.plan.target;
        let mut out: Vec<(Output, Expr)> = vec![];
        let mut add = |output: Output, expr: Expr| match out.iter_mut().find(|(o, _)| o.name == output.name) {
            Some((there, _)) => there.also(output.shows),
            None => out.push((output, expr)),
        };
        for name in &target.columns {
            let value = if *name == time { LAST } else { name };
            add(output::of_events(target, &self.plan.events, name), column(value));
        }
        add(Output::time(FIRST, None), column(FIRST));
        add(Output::new(LAST, Shows::Own), column(LAST));
        for carry in &self.plan.keys {
            let Some(carried) = self.plan.events.carried.get(carry.column) else { continue };
            let name = self.name(*carry);
            let fields = output::carried(target, &self.plan.events, carried, false);
            add(Output::fields(name.clone(), fields), Expr::column(name));
        }
        add(Output::new("Events", Shows::Number), column("Events"));
        out
    }
}

/// A column under its name.
fn shown(name: &str, value: Expr) -> (Option<String>, Expr) {
    if value == column(name) { (None, value) } else { assigned(name, value) }
}
