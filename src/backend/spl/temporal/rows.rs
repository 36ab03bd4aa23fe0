//! Rows: the base search, and which steps an event is.

use super::make::{all, any, binary, choose, field, is_step, not, number, only, stat, text};
use super::names::Names;
use super::{disjoint, remark};
use crate::backend::spl::ast::{Base, Eval, Model, Query, Search, Stat, Step, Streamstats};
use crate::backend::spl::eval::{self, Lower};
use crate::backend::spl::lower::{dataset, filter_eval, filter_search, filters_differ, split, unique};
use crate::backend::spl::search::{Names as Fields, joined};
use crate::backend::{Fragment, Printed, exception_line, rank};
use crate::sema::Rule;
use crate::target::temporal::{BoundStep, StepSource};
use crate::target::{Bound, Column, Note, Source, Target};

/// The rows of a query over several events, and the commands so far.
pub struct Rows<'a> {
    pub rule: &'a Rule,
    pub target: &'a Target,
    pub steps: &'a [BoundStep<'a>],
    pub names: Names,
    lower: &'a Lower<'a>,
    /// The commands behind the base search.
    pub commands: Vec<Step>,
    /// Fields of the log that expressions read: they are filled first.
    read: Vec<String>,
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
    dataset: Option<String>,
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

    /// A column of the log.
    pub fn column(&mut self, column: &Column) -> Eval {
        let made = eval::column(column);
        eval::fields(&made, &mut self.read);
        made
    }

    /// That an expression has a value: it is neither empty nor a filler.
    pub fn exists(&self, value: &Eval) -> Eval {
        let fillers = self.lower.filler.iter().map(String::as_str);
        all(std::iter::once("").chain(fillers).map(|f| binary("!=", value.clone(), text(f))).collect())
    }

    fn branches(&self) -> Vec<(usize, &'a StepSource<'a>)> {
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
            parts.push(binary("==", field(field_), text(dataset(model))));
        }
        parts
    }

    /// What an event of a log source must be; `alone`: the base search has asked what it can say already. `only`: there is no
    /// other log source.
    fn asked(&mut self, source: &StepSource, alone: bool, only: bool) -> Eval {
        let mut parts = if only { vec![] } else { self.of_source(source.source) };
        let rest = match alone {
            true => split(&Fields { prefix: "" }, &source.detect).1,
            false => rank::by_cost(source.detect.conjuncts()),
        };
        parts.extend(rest.into_iter().map(|b| self.bound(b)));
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
        let yes = |name: &str| binary("==", field(name), Eval::Number(1));
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

    /// What the base search asks of the events of some log sources; nothing where one is asked nothing.
    fn asked_first(&self, of: &[&StepSource], prefix: &str, shared: bool) -> Option<Search> {
        let mut ways = vec![];
        for source in of {
            let own = source.source.macro_name.iter().filter(|_| !shared);
            let mut parts: Vec<Search> = own.map(|m| Search::Macro(m.clone())).collect();
            parts.extend(filter_search(source.source));
            parts.extend(split(&Fields { prefix }, &source.detect).0);
            ways.push(joined(parts, true)?);
        }
        joined(ways, false)
    }

    /// The base search, now that it is known what is read behind it.
    fn base(&self) -> Base {
        let all: Vec<&StepSource> = self.branches().into_iter().map(|(_, s)| s).collect();
        let models = unique(all.iter().filter_map(|s| s.source.datamodel.clone()).collect());
        if models.is_empty() {
            let mut macros: Vec<Option<String>> = all.iter().map(|s| s.source.macro_name.clone()).collect();
            macros.dedup();
            let shared = if let [Some(name)] = macros.as_slice() { Some(name.clone()) } else { None };
            let ways = self.asked_first(&all, "", shared.is_some());
            let parts = shared.map(Search::Macro).into_iter().chain(ways).collect();
            return Base::Search(joined(parts, true).unwrap_or(Search::And(vec![])));
        }
        let filler = self.target.filler.first().cloned().unwrap_or_else(|| "unknown".to_owned());
        let model = |datamodel: String| {
            let own: Vec<&StepSource> =
                all.iter().copied().filter(|s| s.source.datamodel.as_ref() == Some(&datamodel)).collect();
            let filter = self.asked_first(&own, dataset(&datamodel), true);
            let by = self.filled().into_iter().filter(|f| models.len() == 1 || self.has(&own, f)).collect();
            Model { datamodel, filter, by }
        };
        let mut made: Vec<Model> = models.iter().cloned().map(model).collect();
        match (made.pop(), made.is_empty()) {
            (Some(Model { datamodel, filter, by }), true) => {
                Base::Tstats { datamodel, filler, filter, times: self.seconds.clone(), by }
            }
            (last, _) => {
                made.extend(last);
                Base::Models { filler, models: made }
            }
        }
    }

    /// Whether some of these log sources have a column.
    fn has(&self, of: &[&StepSource], column: &str) -> bool {
        let mapped = |kind| crate::sema::fields::all().filter_map(move |f| self.target.mapping(f, kind));
        let part = |kind| {
            let identities = crate::sema::fields::all().filter_map(move |f| self.target.identity(f, kind));
            identities.flatten().any(|p| p.column == column)
        };
        of.iter().any(|s| mapped(s.kind).any(|m| m.column() == column) || part(s.kind))
    }

    /// The fields of the log that are read.
    fn filled(&self) -> Vec<String> {
        let own = |f: &&String| *f != "_time" && Some(*f) != self.dataset.as_ref();
        self.read.iter().filter(own).cloned().collect()
    }

    /// Brings the rows of several data models together, as rows of one.
    fn together(&self, models: &[Model]) -> Vec<Step> {
        let Some((dataset_field, (first, last))) = self.dataset.as_ref().zip(self.seconds.as_ref()) else {
            return vec![];
        };
        let column = |model: &Model, name: &str| field(&format!("{}.{name}", dataset(&model.datamodel)));
        let mut arms = vec![];
        for model in models {
            // What tstats fills is there in each row of the model, and in no other.
            let Some(one) = model.by.first() else { continue };
            arms.push(Eval::Call("isnotnull", vec![column(model, one)]));
            arms.push(text(dataset(&model.datamodel)));
        }
        let mut made = vec![(dataset_field.clone(), Eval::Call("case", arms))];
        for name in self.filled() {
            let mut of: Vec<Eval> = models.iter().filter(|m| m.by.contains(&name)).map(|m| column(m, &name)).collect();
            let value = if of.len() == 1 { of.pop() } else { Some(Eval::Call("coalesce", of)) };
            made.extend(value.map(|v| (name.clone(), v)));
        }
        let stats = vec![
            Stat { function: "count", over: None, name: "count".to_owned() },
            stat("min", "_time", first),
            stat("max", "_time", last),
        ];
        let by = ["_time".to_owned(), dataset_field.clone()].into_iter().chain(self.filled()).collect();
        vec![Step::Eval(made), Step::FillNull(self.filled()), Step::Stats(stats, by)]
    }

    /// The whole query.
    pub fn finish(&mut self) -> Query {
        let base = self.base();
        let mut steps = vec![];
        match &base {
            Base::Models { models, .. } => steps.extend(self.together(models)),
            Base::Tstats { datamodel, .. } => steps.push(Step::Unprefix(dataset(datamodel).to_owned())),
            Base::Search(_) => {}
        }
        let filled = self.filled();
        if !filled.is_empty() && self.dataset.is_none() {
            steps.push(Step::FillNull(filled));
        }
        if self.dataset.is_some() {
            self.degraded(
                "Rows of several data models come together by tstats with prestats and append; Splunk does not document \
                 which commands may stand before the stats that ends this.",
            );
        }
        for command in self.commands.drain(..) {
            match (steps.last_mut(), command) {
                // One eval computes from left to right, like several.
                (Some(Step::Eval(before)), Step::Eval(more)) => before.extend(more),
                (_, command) => steps.push(command),
            }
        }
        let macros = self.branches().iter().filter_map(|(_, s)| s.source.macro_name.clone()).collect();
        Query { base, steps, macros: unique(macros) }
    }

    /// The printed query with all notes.
    pub fn printed(&self, query: Query, mut notes: Vec<Note>) -> Printed {
        notes.extend(self.notes.iter().cloned());
        notes.extend(crate::backend::spl::macro_notes(&query, self.target));
        let text = crate::backend::spl::print::query(&query);
        Printed { fragments: vec![("query", Fragment::Text(text))], notes }
    }
}
