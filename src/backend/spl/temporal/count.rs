//! Counts: a sliding window of so many rows for events, changes in order of time for different values.

use super::make::{all, any, binary, carry, choose, field, known, minus, null, only, span, stat, text};
use super::names::Names;
use super::rows::{self, Rows};
use crate::backend::output::{self, add};
use crate::backend::spl::ast::{Eval, Order, Stat, Step, Streamstats};
use crate::backend::spl::eval::Lower;
use crate::backend::{Output, Printed, Shown, Shows, exception_line};
use crate::ir::Count;
use crate::sema::Rule;
use crate::target::temporal::{Carry, CountPlan, What};
use crate::target::{By, Column, How, Unsupported};

/// The most rows that a window of `streamstats` holds.
const WINDOW: u64 = 10_000;

/// Prints a count as SPL.
///
/// # Errors
/// A number that no window of `streamstats` reaches, and events of a data model, which have no times of their own.
pub fn count(rule: &Rule, meant: &Count, plan: &CountPlan) -> Result<Printed, Vec<Unsupported>> {
    if meant.at_least > WINDOW {
        let why = "counts at most 10,000 events (max_stream_window in limits.conf)".to_owned();
        return Err(vec![Unsupported::new(meant.at_least_span, why)]);
    }
    let modelled = plan.events.sources.iter().any(|s| s.source.datamodel.is_some());
    if modelled && plan.distinct.is_empty() {
        let why = "knows events of a data model by the second, and not which of several alike came when: a count could be \
                   reached early";
        return Err(vec![Unsupported::new(meant.at_least_span, why)]);
    }
    let parts = rows::parts(plan.target, std::slice::from_ref(&plan.events));
    let lower = Lower { filler: &plan.target.filler, parts: &parts };
    let names = Names::new(plan.target, std::iter::once("count").chain(parts.names()));
    let rows = Rows::new(rule, plan.target, std::slice::from_ref(&plan.events), names, &lower);
    let window = meant.within.micros / 1_000_000;
    let mut counting = Counting { plan, rows, window, at_least: meant.at_least, keys: vec![], shown: vec![] };
    let columns = counting.query();
    let query = counting.rows.finish();
    Ok(counting.rows.printed(query, columns, plan.notes.clone()))
}

struct Counting<'a> {
    plan: &'a CountPlan<'a>,
    rows: Rows<'a>,
    /// Seconds.
    window: i64,
    at_least: u64,
    /// The columns that group.
    keys: Vec<String>,
    /// The columns of the result for them.
    shown: Vec<Output>,
}

impl Counting<'_> {
    /// The whole query; the columns of its result.
    fn query(&mut self) -> Vec<Output> {
        let mut tests = self.rows.conditions();
        let keys = self.key_columns(&self.plan.keys);
        let values = self.key_columns(&self.plan.distinct);
        self.shown = keys.iter().map(|k| Output::fields(&k.shown, k.fields.clone())).collect();
        self.keys = keys.iter().map(|k| k.name.clone()).collect();
        let made: Vec<(String, Eval)> =
            keys.iter().chain(&values).filter_map(|k| Some((k.name.clone(), k.value.clone()?))).collect();
        tests.retain(|t| *t != Eval::And(vec![]));
        if self.plan.events.sources.len() > 1 || !tests.is_empty() {
            self.rows.push(Step::Where(all(tests)));
        }
        for (index, made) in self.rows.exceptions_of_all() {
            self.rows.push(Step::Comment(exception_line(self.rows.rule, index)));
            self.rows.push(Step::Where(super::make::not(made)));
        }
        if !made.is_empty() {
            self.rows.push(Step::Eval(made));
        }
        let present = keys.iter().chain(&values).map(|k| self.rows.exists(&field(&k.name))).collect();
        self.rows.push(Step::Where(all(present)));
        let first = self.rows.names.fresh("first_seen");
        let number = self.rows.names.fresh("n");
        let events = self.rows.names.fresh("events");
        let values: Vec<String> = values.into_iter().map(|k| k.name).collect();
        if values.is_empty() {
            self.events(&first, &number, &events);
        } else {
            self.changes(&values, &first, [&number, &events]);
        }
        self.bursts();
        self.output(&first, &events)
    }

    /// As many rows as are wanted, within the window.
    fn events(&mut self, first: &str, number: &str, events: &str) {
        self.rows.push(Step::Sort(vec![Order::Rising("_time".to_owned())]));
        let counted = Stat { function: "count", over: None, name: number.to_owned() };
        let stats = vec![stat("min", "_time", first), counted];
        self.stream(Streamstats { window: Some(self.at_least), stats, ..Streamstats::default() });
        let full = binary("=", field(number), self.wanted());
        let inside = binary("<=", span(field("_time"), field(first)), Eval::Number(self.window));
        self.rows.push(Step::Where(all(vec![full, inside])));
        // The first row of an instant is kept; those behind it are events of the same window.
        let at_once = self.rows.names.fresh("at_once");
        let counted = Stat { function: "count", over: None, name: at_once.clone() };
        self.rows.push(Step::Eventstats(vec![counted], self.instant()));
        let sum = minus(binary(" + ", field(number), field(&at_once)), Eval::Number(1));
        self.rows.push(Step::Eval(vec![(events.to_owned(), sum)]));
    }

    /// The columns of an instant of a group.
    fn instant(&self) -> Vec<String> {
        self.keys.iter().cloned().chain(["_time".to_owned()]).collect()
    }

    /// Each event adds one; the next event with its value takes that away again, or the end of the window does.
    fn changes(&mut self, values: &[String], first: &str, [number, events]: [&str; 2]) {
        let (begins, ends) = self.rows.seconds.clone().unwrap_or_else(|| ("_time".to_owned(), "_time".to_owned()));
        let next = self.rows.names.fresh("next_time");
        self.rows.comment(
            "a value adds one, and, unless it comes again, takes it away at the end of the window; phases order what \
             happens at one time",
        );
        let until = self.last_of_value(values, [&begins, &ends]);
        let mut falling = vec![Order::Falling("_time".to_owned())];
        falling.extend((until != ends).then(|| Order::Falling(until.clone())));
        self.rows.push(Step::Sort(falling));
        let stats = vec![stat("last", &begins, &next)];
        let by = self.keys.iter().chain(values).cloned().collect();
        self.rows.push(Step::Streamstats(Streamstats { before: true, stats, by, ..Streamstats::default() }));
        let stays = all(vec![known(&next), binary("<=", span(field(&next), field(&until)), Eval::Number(self.window))]);
        let [phase, seen, delta, again, entered] =
            ["phase", "seen", "change", "again", "entered"].map(|name| self.rows.names.fresh(name));
        let one = Eval::Number(1);
        let phases = vec![text("1"), text("2"), only(binary("=", field(&again), one.clone()), text("0"))];
        self.rows.push(Step::Eval(vec![
            (again.clone(), choose(stays, one.clone(), Eval::Number(0))),
            (seen.clone(), field(&begins)),
            (phase.clone(), Eval::Call("mvappend", phases)),
        ]));
        self.rows.push(Step::Mvexpand(phase.clone()));
        let is = |n: i64| binary("=", field(&phase), Eval::Number(n));
        let rounded = |e: Eval| Eval::Call("round", vec![e, Eval::Number(6)]);
        let minus_one = minus(Eval::Number(0), one.clone());
        let still = all(vec![is(2), binary("=", field(&again), Eval::Number(0))]);
        let change = vec![is(1), one.clone(), any(vec![is(0), still]), minus_one, is(2), Eval::Number(0)];
        let leaves = rounded(binary(" + ", field(&until), Eval::Number(self.window)));
        let time = vec![is(1), rounded(field(&begins)), is(0), rounded(field(&next)), is(2), leaves];
        let own = if self.rows.seconds.is_some() { field("count") } else { one };
        let gone = minus(Eval::Number(0), own.clone());
        let enters = vec![is(1), own, is(0), Eval::Number(0), is(2), gone];
        let arms = |arms: Vec<Eval>| Eval::Call("case", arms);
        self.rows.push(Step::Eval(vec![
            (phase.clone(), Eval::Call("tonumber", vec![field(&phase)])),
            (delta.clone(), arms(change)),
            (entered.clone(), arms(enters)),
            ("_time".to_owned(), arms(time)),
        ]));
        self.rows.comment("the next event to leave the window is the first one in it");
        self.rows.push(Step::Sort(vec![Order::Falling("_time".to_owned()), Order::Falling(phase.clone())]));
        self.rows.push(Step::Eval(vec![(first.to_owned(), choose(is(2), field(&seen), null()))]));
        self.rows.push(carry(&[first.to_owned()], &self.keys));
        self.rows.push(Step::Sort(vec![Order::Rising("_time".to_owned()), Order::Rising(phase.clone())]));
        let stats = vec![stat("sum", &delta, number), stat("sum", &entered, events)];
        self.stream(Streamstats { stats, ..Streamstats::default() });
        self.rows.push(Step::Where(all(vec![is(1), binary(">=", field(number), self.wanted())])));
        self.rows.push(Step::Eventstats(vec![stat("max", events, events)], self.instant()));
        self.rows.note("mvexpand stops at a limit of memory (max_mem_usage_mb in limits.conf) and says so.");
        if self.rows.seconds.is_some() {
            self.rows.note(
                "Rows of a data model are seconds: whether a group fires is exact. Which events are still in its window, and \
                 whether another burst follows, is told by the second.",
            );
        }
    }

    /// The field that holds a row's last time. Rows of a data model are seconds, and those of one value may overlap: each
    /// lasts as long as any that began before it.
    fn last_of_value(&mut self, values: &[String], [begins, ends]: [&str; 2]) -> String {
        if self.rows.seconds.is_none() {
            return ends.to_owned();
        }
        let until = self.rows.names.fresh("last_of_value");
        self.rows.push(Step::Eval(vec![("_time".to_owned(), field(begins))]));
        self.rows.push(Step::Sort(vec![Order::Rising("_time".to_owned()), Order::Rising(ends.to_owned())]));
        let by = self.keys.iter().chain(values).cloned().collect();
        let stats = vec![stat("max", ends, &until)];
        self.rows.push(Step::Streamstats(Streamstats { stats, by, ..Streamstats::default() }));
        until
    }

    /// One row a burst: where none before it is within the window.
    fn bursts(&mut self) {
        self.rows.comment("one row a burst");
        let before = self.rows.names.fresh("previous_time");
        let stats = vec![stat("last", "_time", &before)];
        self.stream(Streamstats { before: true, stats, ..Streamstats::default() });
        let alone = Eval::Call("isnull", vec![field(&before)]);
        let later = binary(">", span(field("_time"), field(&before)), Eval::Number(self.window));
        self.rows.push(Step::Where(any(vec![alone, later])));
        self.rows.note(
            "Splunk documents that streamstats looks at 10000 events by default (max_stream_window in limits.conf). What \
             is carried here without a window is the latest value, or the sum, of each key.",
        );
    }

    fn output(&mut self, first: &str, events: &str) -> Vec<Output> {
        let mut out: Vec<Output> = vec![];
        let target = self.rows.target;
        target.columns.iter().for_each(|name| add(&mut out, output::of_events(target, &self.plan.events, name)));
        std::mem::take(&mut self.shown).into_iter().for_each(|key| add(&mut out, key));
        add(&mut out, Output::time(first, None));
        add(&mut out, Output::new(events, Shows::Number));
        self.rows.push(Step::Table(out.iter().map(|c| c.name.clone()).collect()));
        out
    }

    fn stream(&mut self, command: Streamstats) {
        self.rows.push(Step::Streamstats(Streamstats { by: self.keys.clone(), ..command }));
    }

    fn wanted(&self) -> Eval {
        Eval::Number(i64::try_from(self.at_least).unwrap_or(i64::MAX))
    }

    fn key_columns(&mut self, carries: &[Carry]) -> Vec<CountKey> {
        let events = &self.plan.events;
        let mut out = vec![];
        for carried in carries.iter().filter_map(|c| events.carried.get(c.column)) {
            let columns: Vec<Column> = carried.columns.iter().flatten().cloned().collect();
            let each = columns.iter().map(|c| self.rows.comparable(c, carried.by)).collect();
            let value = self.rows.by_source(0, each, false);
            let plain = columns.first().filter(|c| c.how == How::Whole && columns.iter().all(|d| d == *c));
            let shown = plain.map(|c| c.name.clone());
            let fields = output::carried(self.rows.target, events, carried, false);
            if let Some(name) = shown.clone().filter(|_| carried.by != By::Name) {
                out.push(CountKey { shown: name.clone(), name, value: None, fields });
                continue;
            }
            let word = match carried.what {
                What::Field(id) | What::Part(id, _) => id.short().replace('.', "_"),
            };
            let name = self.rows.names.fresh(&format!("{word}_key"));
            out.push(CountKey { shown: shown.unwrap_or_else(|| name.clone()), name, value: Some(value), fields });
        }
        out
    }
}

/// A column that groups.
struct CountKey {
    name: String,
    /// What makes it; `None`: it is in the log.
    value: Option<Eval>,
    /// The column that a result shows for it.
    shown: String,
    /// The fields that it is.
    fields: Vec<Shown>,
}
