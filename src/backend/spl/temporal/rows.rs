//! Rows: which steps an event is, and the commands so far.

use super::make::{all, any, binary, choose, field, is_step, not, number, only, text};
use super::names::Names;
use super::{disjoint, remark};
use crate::backend::output::sources_of_steps;
use crate::backend::spl::ast::{Eval, Query, Search, Stat, Step, Streamstats};
use crate::backend::spl::eval::{self, Lower};
use crate::backend::spl::lower::{dataset, filter_eval, filters_differ, split};
use crate::backend::spl::parts::Parts;
use crate::backend::spl::search::Names as Fields;
use crate::backend::spl::share::{self, Named, shared};
use crate::backend::{Output, Printed, exception_line, rank};
use crate::sema::Rule;
use crate::target::temporal::{BoundStep, StepSource};
use crate::target::{Bound, Column, How, Note, Source, Target};

/// The fields that a query over some steps may compute.
pub fn parts(target: &Target, steps: &[BoundStep]) -> Parts {
    let sources = || steps.iter().flat_map(|s| &s.sources);
    let mut asked: Vec<&Bound> = vec![];
    for source in sources() {
        asked.push(&source.detect);
        asked.extend(source.exceptions.iter().map(|(_, b)| b));
    }
    asked.extend(steps.iter().flat_map(|s| &s.asked).flat_map(|a| &a.bound));
    Parts::new(target, sources().map(|s| (s.kind, s.source, s.os.as_slice())), &asked)
}

/// The rows of a query over several events, and the commands so far.
pub struct Rows<'a> {
    pub rule: &'a Rule,
    pub target: &'a Target,
    pub steps: &'a [BoundStep<'a>],
    pub names: Names,
    pub lower: &'a Lower<'a>,
    /// The commands behind the base search.
    pub commands: Vec<Step>,
    /// Fields of the log that expressions read: they are filled first.
    pub read: Vec<String>,
    notes: Vec<Note>,
    /// The field that holds which step a row is.
    pub step: String,
    /// The number of an event, where an event may be several rows.
    pub event: Option<String>,
    /// For each step the field that says whether the event of a row is that step; where an event may be several.
    pub is: Vec<String>,
    /// First and last time of a row of a data model.
    pub seconds: Option<(String, String)>,
    /// The field that names a row's dataset, where there are several.
    pub dataset: Option<String>,
    /// Log sources of which only events with a value that other events have are read.
    pub narrowed: Vec<(&'a StepSource<'a>, Search)>,
}

impl<'a> Rows<'a> {
    pub fn new(
        rule: &'a Rule,
        target: &'a Target,
        steps: &'a [BoundStep<'a>],
        mut names: Names,
        lower: &'a Lower<'a>,
    ) -> Rows<'a> {
        let step = names.fresh("step");
        let modelled = steps.iter().flat_map(|s| &s.sources).any(|s| s.source.datamodel.is_some());
        let seconds = modelled.then(|| (names.fresh("first_in_second"), names.fresh("last_in_second")));
        let mut models: Vec<_> = steps.iter().flat_map(|s| &s.sources).map(|s| &s.source.datamodel).collect();
        models.sort_unstable();
        models.dedup();
        let dataset = (models.len() > 1).then(|| names.fresh("dataset"));
        Rows {
            rule,
            target,
            steps,
            names,
            lower,
            commands: vec![],
            read: vec![],
            notes: vec![],
            step,
            event: None,
            is: vec![],
            seconds,
            dataset,
            narrowed: vec![],
        }
    }

    pub fn note(&mut self, text: &str) {
        self.notes.push(remark(text));
    }

    pub fn degraded(&mut self, text: &str) {
        self.notes.push(Note { text: text.to_owned(), degraded: true });
    }

    pub fn push(&mut self, step: Step) {
        self.commands.push(step);
    }

    pub fn comment(&mut self, text: &str) {
        self.push(Step::Comment(text.to_owned()));
    }

    /// A condition of one log source.
    pub fn bound(&mut self, bound: &Bound) -> Eval {
        let made = self.lower.eval(bound);
        eval::fields(&made, &mut self.read);
        made
    }

    /// Computes once what the commands ask more than once, under the name that the source gives it.
    pub fn share(&mut self) {
        let mut names: Vec<Named> = vec![];
        for called in self.branches().into_iter().flat_map(|(_, s)| &s.names).filter(|c| !c.list) {
            let name = share::name(&called.words);
            if !self.names.has(&name) {
                names.push(Named { name, asked: self.lower.eval(&called.bound), flag: false });
            }
        }
        let mut asked: Vec<&mut Eval> = self.commands.iter_mut().flat_map(share::expressions).collect();
        let first = shared(names, &mut vec![], &mut asked);
        if !first.is_empty() {
            let comments = self.commands.iter().take_while(|c| matches!(c, Step::Comment(_))).count();
            self.commands.insert(comments, Step::Eval(first.iter().map(Named::computed).collect()));
        }
    }

    /// A column of the log.
    pub fn column(&mut self, column: &Column) -> Eval {
        let made = match column.how {
            How::Name => self.lower.shown(column),
            _ => eval::column(column),
        };
        eval::fields(&made, &mut self.read);
        made
    }

    /// That an expression has a value: it is neither empty nor a filler.
    pub fn exists(&self, value: &Eval) -> Eval {
        let fillers = self.lower.filler.iter().map(String::as_str);
        all(std::iter::once("").chain(fillers).map(|f| binary("!=", value.clone(), text(f))).collect())
    }

    pub fn branches(&self) -> Vec<(usize, &'a StepSource<'a>)> {
        let steps = self.steps;
        steps.iter().enumerate().flat_map(|(place, s)| s.sources.iter().map(move |source| (place, source))).collect()
    }

    /// Whether no event can be both steps.
    pub fn disjoint(&self, a: usize, b: usize) -> bool {
        matches!((self.steps.get(a), self.steps.get(b)), (Some(a), Some(b)) if disjoint::disjoint(a, b))
    }

    /// Whether an event may be several steps.
    fn overlap(&self) -> bool {
        let places = || 0..self.steps.len();
        places().any(|a| places().any(|b| a < b && !self.disjoint(a, b)))
    }

    /// That a row is of a log source.
    fn of_source(&self, source: &Source) -> Vec<Eval> {
        let mut parts = filter_eval(source);
        if let (Some(field_), Some(model)) = (&self.dataset, &source.datamodel) {
            parts.push(binary("=", field(field_), text(dataset(model))));
        }
        parts
    }

    /// What an event of a log source must be; `alone`: the base search has asked what it can say already. `only`: there is no
    /// other log source.
    fn asked(&mut self, source: &StepSource, alone: bool, only: bool) -> Eval {
        let mut parts = if only { vec![] } else { self.of_source(source.source) };
        let rest = match alone {
            true => split(&Fields::of_source(source.source), &source.detect).1,
            false => rank::by_cost(source.detect.conjuncts()).into_iter().cloned().collect(),
        };
        parts.extend(rest.iter().map(|b| self.bound(b)));
        let made = all(parts);
        eval::fields(&made, &mut self.read);
        made
    }

    /// The condition of each step, in order of places.
    pub fn conditions(&mut self) -> Vec<Eval> {
        let branches = self.branches();
        let mut each: Vec<Vec<Eval>> = vec![vec![]; self.steps.len()];
        for (i, (place, source)) in branches.iter().enumerate() {
            let others = branches.iter().enumerate().filter(|(j, _)| *j != i);
            let differ = |s: &StepSource| {
                filters_differ(source.source, s.source) || source.source.datamodel != s.source.datamodel
            };
            let alone = others.map(|(_, (_, s))| s).all(|s| differ(s));
            let made = self.asked(source, alone, branches.len() == 1);
            if let Some(out) = each.get_mut(*place) {
                out.push(made);
            }
        }
        each.into_iter().map(any).collect()
    }

    /// One expression for the events of a step, from one for each of its log sources.
    pub fn by_source(&mut self, place: usize, mut each: Vec<Eval>, truth: bool) -> Eval {
        let Some(step) = self.steps.get(place) else { return text("") };
        if each.iter().skip(1).all(|e| Some(e) == each.first()) {
            return each.pop().unwrap_or_else(|| text(""));
        }
        let mut arms = vec![];
        for (source, value) in step.sources.iter().zip(each) {
            let mut filter = self.of_source(source.source);
            eval::fields(&all(filter.clone()), &mut self.read);
            if truth {
                filter.push(value);
                arms.push(all(filter));
            } else {
                arms.extend([all(filter), value]);
            }
        }
        if truth { any(arms) } else { Eval::Call("case", arms) }
    }

    /// Makes the field that says which step a row is. `guards`: what the events of each step must have beside.
    /// `numbered`: two required steps must be kept from being one event.
    pub fn steps_of_rows(&mut self, guards: &[Vec<Vec<Column>>], numbered: bool) {
        let conditions = self.conditions();
        if self.overlap() {
            self.several_steps_of_rows(conditions, guards, numbered);
        } else {
            let step = self.step.clone();
            let arms = conditions.into_iter().enumerate().flat_map(|(i, c)| [c, number(i + 1)]);
            self.push(Step::Eval(vec![(step.clone(), Eval::Call("case", arms.collect()))]));
            self.push(Step::Where(Eval::Call("isnotnull", vec![field(&step)])));
            for (index, place, made) in self.exceptions() {
                self.push(Step::Comment(exception_line(self.rule, index)));
                self.push(Step::Where(not(all(vec![is_step(&step, place), made]))));
            }
        }
    }

    /// An event that may be several steps becomes a row for each.
    fn several_steps_of_rows(&mut self, conditions: Vec<Eval>, guards: &[Vec<Vec<Column>>], numbered: bool) {
        let (step, steps) = (self.step.clone(), self.steps);
        self.is = steps.iter().map(|s| self.names.fresh(&format!("is_{}", s.name))).collect();
        let is = self.is.clone();
        let mut made = vec![];
        for (place, (name, condition)) in is.iter().zip(conditions).enumerate() {
            let mut parts = vec![condition];
            for class in guards.get(place).into_iter().flatten() {
                let each = class.iter().map(|c| self.column(c)).collect();
                let value = self.by_source(place, each, false);
                parts.push(self.exists(&value));
            }
            made.push((name.clone(), choose(all(parts), Eval::Number(1), Eval::Number(0))));
        }
        self.push(Step::Eval(made));
        let yes = |name: &str| binary("=", field(name), Eval::Number(1));
        for (index, place, excepted) in self.exceptions() {
            let Some(name) = is.get(place) else { continue };
            self.push(Step::Comment(exception_line(self.rule, index)));
            let stays = all(vec![yes(name), not(excepted)]);
            self.push(Step::Eval(vec![(name.clone(), choose(stays, Eval::Number(1), Eval::Number(0)))]));
        }
        self.push(Step::Where(any(is.iter().map(|n| yes(n)).collect())));
        if numbered {
            let event = self.names.fresh("event");
            let counted = vec![Stat { function: "count", over: None, name: event.clone() }];
            self.push(Step::Streamstats(Streamstats { stats: counted, ..Streamstats::default() }));
            self.event = Some(event);
        }
        let roles = is.iter().enumerate().map(|(i, n)| only(yes(n), text(&(i + 1).to_string()))).collect();
        self.push(Step::Eval(vec![(step.clone(), Eval::Call("mvappend", roles))]));
        self.push(Step::Mvexpand(step.clone()));
        self.push(Step::Eval(vec![(step.clone(), Eval::Call("tonumber", vec![field(&step)]))]));
        self.note(
            "An event that may be several steps becomes a row for each by mvexpand, which stops at a limit of memory \
             (max_mem_usage_mb in limits.conf) and says so.",
        );
    }

    /// Exceptions that read one step: index in the rule, step, condition.
    fn exceptions(&mut self) -> Vec<(usize, usize, Eval)> {
        let mut out = vec![];
        for (place, step) in self.steps.iter().enumerate() {
            let mut indexes: Vec<usize> =
                step.sources.iter().flat_map(|s| s.exceptions.iter().map(|(i, _)| *i)).collect();
            indexes.sort_unstable();
            indexes.dedup();
            for index in indexes {
                let of = |s: &StepSource| {
                    let found = s.exceptions.iter().find(|(i, _)| *i == index);
                    found.map_or(Bound::Const(false), |(_, b)| b.clone())
                };
                let each = step.sources.iter().map(|s| self.bound(&of(s))).collect();
                out.push((index, place, self.by_source(place, each, true)));
            }
        }
        out.sort_by_key(|(index, ..)| *index);
        out
    }

    /// Exceptions, where there is one step only.
    pub fn exceptions_of_all(&mut self) -> Vec<(usize, Eval)> {
        self.exceptions().into_iter().map(|(index, _, made)| (index, made)).collect()
    }

    /// Rows of a data model are seconds. An earlier step counts from its first event, a later one until its last.
    pub fn times_of_seconds(&mut self, ordered: bool) {
        let Some((first, last)) = self.seconds.clone() else { return };
        let time = match ordered {
            true => choose(is_step(&self.step, 0), field(&first), field(&last)),
            false => field(&first),
        };
        self.push(Step::Eval(vec![("_time".to_owned(), time)]));
    }

    /// The printed query with all notes.
    pub fn printed(&self, query: Query, columns: Vec<Output>, mut notes: Vec<Note>) -> Printed {
        notes.extend(self.notes.iter().cloned());
        notes.extend(crate::backend::spl::macro_notes(&query, self.target));
        let fragments = crate::backend::spl::fragments(query, self.target);
        Printed { fragments, notes, columns, sources: sources_of_steps(self.steps), ..Printed::default() }
    }
}
