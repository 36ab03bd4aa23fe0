//! What a query returns: each column's name and what it shows, as the printer that writes the query says it.
//!
//! Documents around queries name columns (entities, details, titles with placeholders); they take the names from here.

use crate::target::temporal::{BoundStep, Carried, What};
use crate::target::{Column, How, Mapping, Plan, Source, SourceQuery, Target};
use crate::vocabulary::{FieldId, Kind};

/// A column of a query's result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Its name.
    pub name: String,
    /// What it shows.
    pub shows: Shows,
}

/// What a column of a result shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shows {
    /// A field; several: its value is that of each of them.
    Field(Vec<Shown>),
    /// One field in the rows of one log source, another in those of another.
    Mixed(Vec<Shown>),
    /// Whether a flag holds.
    Flag,
    /// The score of a rule with weights.
    Score,
    /// How many events a count has found.
    Number,
    /// A column of the target that is no field of the language.
    Own,
}

/// A field of a match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The step whose event has it; `None` in rules over single events and in counts, and where all steps have the value.
    pub step: Option<String>,
    /// The field.
    pub field: FieldId,
}

impl Output {
    /// A column with something else than a field.
    #[must_use]
    pub fn new(name: impl Into<String>, shows: Shows) -> Output {
        Output { name: name.into(), shows }
    }

    /// A column with the value of each of these fields; none: the target's own.
    #[must_use]
    pub fn fields(name: impl Into<String>, fields: Vec<Shown>) -> Output {
        Output::new(name, if fields.is_empty() { Shows::Own } else { Shows::Field(fields) })
    }

    /// The time of the event of a step.
    #[must_use]
    pub fn time(name: impl Into<String>, step: Option<&str>) -> Output {
        let field = FieldId::find("event.time");
        Output::fields(name, field.map(|field| Shown { step: step.map(str::to_owned), field }).into_iter().collect())
    }

    /// The fields that it shows in every row.
    #[must_use]
    pub fn shown(&self) -> &[Shown] {
        match &self.shows {
            Shows::Field(all) => all,
            _ => &[],
        }
    }

    /// The column has the value of other fields too.
    pub(super) fn also(&mut self, other: Shows) {
        let Shows::Field(more) = other else { return };
        match &mut self.shows {
            Shows::Field(all) => all.extend(more.into_iter().filter(|m| !all.contains(m)).collect::<Vec<_>>()),
            Shows::Own => self.shows = Shows::Field(more),
            _ => {}
        }
    }

    /// Whether the column has the value of a field, in the event of a step where one is given, in every row.
    #[must_use]
    pub fn is(&self, field: FieldId, step: Option<&str>) -> bool {
        self.shown()
            .iter()
            .any(|s| s.field == field && (step.is_none() || s.step.is_none() || s.step.as_deref() == step))
    }
}

/// The log sources that a query reads, each once, with the kind of event.
pub type Sources = Vec<(Kind, Source)>;

/// Adds a log source.
pub fn add_source(sources: &mut Sources, kind: Kind, source: &Source) {
    if !sources.iter().any(|(k, s)| *k == kind && s == source) {
        sources.push((kind, source.clone()));
    }
}

/// The log sources of a rule over single events.
pub(super) fn sources_of(plan: &Plan) -> Sources {
    let mut out = vec![];
    plan.queries.iter().for_each(|q| add_source(&mut out, q.kind, q.source));
    out
}

/// The log sources of steps.
pub(super) fn sources_of_steps<'s, 't: 's>(steps: impl IntoIterator<Item = &'s BoundStep<'t>>) -> Sources {
    let mut out = vec![];
    steps.into_iter().flat_map(|s| &s.sources).for_each(|s| add_source(&mut out, s.kind, s.source));
    out
}

/// Columns that have the same value in all rows, or a name of their own.
pub(super) struct Words {
    /// How a language names a column that is a part of another one.
    pub part: fn(&str) -> String,
    /// The column of a score.
    pub score: &'static str,
}

impl Words {
    fn column(&self, name: &str, column: &Column) -> String {
        if matches!(column.how, How::Whole | How::Computed) { column.name.clone() } else { (self.part)(name) }
    }
}

/// The columns of a rule over single events: the target's own, the shown ones, flags, score; each once.
pub(super) fn single(plan: &Plan, words: &Words) -> Vec<Output> {
    let mut out: Vec<Output> = vec![];
    let shown = plan.queries.iter().flat_map(|q| q.show.iter().map(|(name, column)| words.column(name, column)));
    for name in plan.target.columns.iter().cloned().chain(shown) {
        add(&mut out, of_rows(plan, words, name));
    }
    for (name, _) in plan.queries.iter().flat_map(|q| &q.flags) {
        add(&mut out, Output::new(name, Shows::Flag));
    }
    if plan.queries.iter().any(|q| q.score.is_some()) {
        add(&mut out, Output::new(words.score, Shows::Score));
    }
    out
}

/// Adds a column. One of its name is the same column: it shows what both say.
pub(super) fn add(out: &mut Vec<Output>, new: Output) {
    match out.iter_mut().find(|o| o.name == new.name) {
        Some(there) => there.also(new.shows),
        None => out.push(new),
    }
}

/// What a column is in the rows of each log source: a field only where it is that field in all of them. A log source that
/// shows nothing under its name may log something else there.
fn of_rows(plan: &Plan, words: &Words, name: String) -> Output {
    let each: Vec<Vec<FieldId>> = plan.queries.iter().map(|q| in_rows(plan.target, q, words, &name)).collect();
    let mut all: Vec<FieldId> = vec![];
    for field in each.iter().flatten() {
        if !all.contains(field) {
            all.push(*field);
        }
    }
    let shown = |fields: Vec<FieldId>| fields.into_iter().map(|field| Shown { step: None, field }).collect::<Vec<_>>();
    let common: Vec<FieldId> = all.iter().copied().filter(|f| each.iter().all(|here| here.contains(f))).collect();
    match (all.is_empty(), common.is_empty()) {
        (false, true) => Output::new(name, Shows::Mixed(shown(all))),
        _ => Output::fields(name, shown(common)),
    }
}

fn in_rows(target: &Target, query: &SourceQuery, words: &Words, name: &str) -> Vec<FieldId> {
    let shown = query.show.iter().filter(|(field, column)| words.column(field, column) == name);
    let shown: Vec<FieldId> = shown.filter_map(|(field, _)| FieldId::find(field)).collect();
    if shown.is_empty() { fields_of(target, query.kind, name) } else { shown }
}

/// The fields of a kind of event that a column is, all of it.
fn fields_of(target: &Target, kind: Kind, name: &str) -> Vec<FieldId> {
    let is_it = |field: &FieldId| {
        let mapping = target.mapping(*field, kind);
        field.def().has_kind(kind) && matches!(mapping, Some(Mapping::Column(column)) if column == name)
    };
    crate::vocabulary::fields::all().filter(is_it).collect()
}

/// The field of a column that the events of a step have.
fn in_step(target: &Target, step: &BoundStep, name: &str) -> Vec<FieldId> {
    let mut each = step.sources.iter().map(|s| fields_of(target, s.kind, name));
    let first = each.next().unwrap_or_default();
    each.fold(first, |all, here| all.into_iter().filter(|f| here.contains(f)).collect())
}

/// The fields that a carried column of a step is.
pub(super) fn carried(target: &Target, step: &BoundStep, carried: &Carried, of_step: bool) -> Vec<Shown> {
    let fields = match carried.what {
        What::Field(field) => vec![field],
        What::Part(..) => {
            let mut names = carried.columns.iter().flatten().filter(|c| c.how == How::Whole).map(|c| &c.name);
            let first = names.next();
            let same = first.filter(|f| names.all(|n| n == *f));
            same.map_or_else(Vec::new, |name| in_step(target, step, name))
        }
    };
    fields.into_iter().map(|field| Shown { step: of_step.then(|| step.name.clone()), field }).collect()
}

/// A column of the target in the one event of a match that has it: of these steps, the last one to come.
pub(super) fn own(target: &Target, steps: &[&BoundStep], name: &str) -> Output {
    let mut each = steps.iter().map(|step| in_step(target, step, name));
    let first = each.next().unwrap_or_default();
    let fields = each.fold(first, |all, here| all.into_iter().filter(|f| here.contains(f)).collect::<Vec<_>>());
    let step = match steps {
        [only] => Some(only.name.clone()),
        _ => None,
    };
    // Its time is the match's.
    let step = |field: FieldId| step.clone().filter(|_| FieldId::find("event.time") != Some(field));
    Output::fields(name, fields.into_iter().map(|field| Shown { step: step(field), field }).collect())
}

/// A column of the target in the last event of a count.
pub(super) fn of_events(target: &Target, events: &BoundStep, name: &str) -> Output {
    let fields = in_step(target, events, name).into_iter();
    Output::fields(name, fields.map(|field| Shown { step: None, field }).collect())
}
