//! Steps: which log sources hold their events, and what they carry.

use super::class::{Node, classes, required_columns};
use super::count::as_step;
use super::{BoundStep, Carried, Carry, StepSource, StepsPlan, What, default_show, joint};
use crate::ir::{Joint, Key, Meaning, Named, Role, Step, Steps};
use crate::sema::{Project, Rule};
use crate::source::Span;
use crate::target::bind::{Binder, compared, is_said, mixed, reasons};
use crate::target::constant::{Served, known_of_source, missing_words, not_told_apart};
use crate::target::{Bound, By, Column, How, Language, Mapping, Note, Part, Source, Target, Unsupported};
use crate::vocabulary::{FieldId, Kind, Os, Type};
use std::sync::Arc;

/// Puts a rule over steps into a target's columns.
///
/// # Errors
/// What the target cannot say, each with its place in the source.
pub fn bind_steps<'t>(
    rule: &Rule,
    steps: &Steps,
    project: &Project,
    target: &'t Target,
) -> Result<StepsPlan<'t>, Vec<Unsupported>> {
    let optional: Vec<usize> = steps.of_role(Role::Optional).map(|(i, _)| i).collect();
    // What finds the events, and nothing else.
    let bare = Steps { exceptions: vec![], flags: vec![], show: Some(vec![]), ..steps.clone() };
    if bind_all(rule, &bare, project, target, optional.clone()).is_err() {
        return bind_all(rule, steps, project, target, optional);
    }
    let (mut left_out, mut notes): (Vec<usize>, Vec<Note>) = (vec![], vec![]);
    // An optional step decides nothing, so what the target cannot say of it costs no more than its columns.
    for (index, step) in steps.of_role(Role::Optional) {
        let joined = step.equalities.iter().map(|e| e.right.step).chain(step.conditions.iter().flat_map(Joint::steps));
        let gone = joined.filter(|i| left_out.contains(i)).find_map(|i| steps.steps.get(i));
        let others = optional.iter().copied().filter(|i| *i > index || left_out.contains(i)).collect();
        let why = match gone {
            Some(other) => format!("it is joined to `{}`", other.name),
            None => match bind_all(rule, &bare, project, target, others) {
                Ok(_) => continue,
                Err(refused) => format!("the target {}", reasons(refused)),
            },
        };
        left_out.push(index);
        notes.push(Note { text: format!("The optional step `{}` is left out: {why}.", step.name), degraded: false });
    }
    let mut plan = bind_all(rule, steps, project, target, left_out)?;
    notes.append(&mut plan.notes);
    Ok(StepsPlan { notes, ..plan })
}

/// Puts all steps but some optional ones into a target's columns.
fn bind_all<'t>(
    rule: &Rule,
    steps: &Steps,
    project: &Project,
    target: &'t Target,
    left_out: Vec<usize>,
) -> Result<StepsPlan<'t>, Vec<Unsupported>> {
    let mut binding = Binding::new(rule, project, target, steps);
    binding.left_out = left_out;
    binding.all_sources(steps);
    if !binding.refused.is_empty() {
        return Err(once(binding.refused));
    }
    let (classes, left) = classes(&mut binding, steps);
    let (mut conditions, mut exceptions, mut flags) = joint::bind(&mut binding, steps, left);
    // An optional event may be missing, and then it equals nothing.
    let required = |c: Carry| binding.steps.get(c.step).is_some_and(|s| s.role == Role::Required);
    let joined = |a: Carry, b: Carry| required(a) && required(b) && classes.iter().any(|c| c.joins(a, b));
    conditions.iter_mut().for_each(|(_, wide)| wide.known(&joined));
    exceptions.iter_mut().for_each(|(_, wide)| wide.known(&joined));
    flags.iter_mut().for_each(|(_, wide)| wide.known(&joined));
    let show = binding.show(steps);
    if !binding.refused.is_empty() {
        return Err(once(binding.refused));
    }
    let Binding { steps, notes, dropped, .. } = binding;
    Ok(StepsPlan { target, steps, classes, conditions, exceptions, flags, dropped, show, notes: once(notes) })
}

/// Each of these once, in order.
pub(super) fn once<T: PartialEq>(all: Vec<T>) -> Vec<T> {
    let mut out: Vec<T> = vec![];
    for one in all {
        if !out.contains(&one) {
            out.push(one);
        }
    }
    out
}

/// What is known so far.
pub(super) struct Binding<'a, 't> {
    pub rule: &'a Rule,
    pub project: &'a Project,
    pub target: &'t Target,
    /// The rule's meaning on all its systems.
    pub whole: &'a Steps,
    /// Optional steps that are left out, by their index in the rule.
    left_out: Vec<usize>,
    /// Parts under `when available` that are left out.
    pub dropped: Vec<Span>,
    pub steps: Vec<BoundStep<'t>>,
    pub notes: Vec<Note>,
    pub refused: Vec<Unsupported>,
    /// Systems that the rule does not mean, and whose events a required step finds, by its index.
    others: Vec<(usize, Vec<Os>)>,
}

impl<'a, 't> Binding<'a, 't> {
    pub(super) fn new(rule: &'a Rule, project: &'a Project, target: &'t Target, whole: &'a Steps) -> Self {
        let (left_out, dropped, steps, notes, refused) = (vec![], vec![], vec![], vec![], vec![]);
        Binding { rule, project, target, whole, left_out, dropped, steps, notes, refused, others: vec![] }
    }

    /// The columns of a key in the events of a step, which must have it.
    pub(super) fn key(&mut self, place: usize, key: Key) -> Vec<Carry> {
        if !self.comparable(place, key.field) {
            self.refuse(key.span, "cannot compare parts of columns with each other");
            return vec![];
        }
        let node = Node { place, field: key.field };
        let columns = required_columns(self, node, key.span, true).unwrap_or_default();
        columns.into_iter().map(|c| self.carry(place, c)).collect()
    }

    pub(super) fn refuse(&mut self, span: Span, why: impl Into<String>) {
        self.refused.push(Unsupported::new(span, why));
    }

    pub(super) fn note(&mut self, text: String, degraded: bool) {
        self.notes.push(Note { text, degraded });
    }

    /// The place in the plan of a step of the rule; `None`: the target lacks it, and it is optional.
    pub(super) fn place(&self, index: usize) -> Option<usize> {
        self.steps.iter().position(|s| s.index == index)
    }

    /// A step's meaning on some systems.
    fn meaning(&self, index: usize, os: &[Os]) -> Option<Step> {
        match self.rule.meaning(self.project, os) {
            Meaning::Steps(steps) => Arc::unwrap_or_clone(steps).steps.into_iter().nth(index),
            Meaning::Count(count) => as_step(&count, self.rule).steps.into_iter().nth(index),
            Meaning::Single(_) => None,
        }
    }

    /// What conditions are called in the source, on some systems.
    fn names(&self, os: &[Os]) -> Vec<Named> {
        match self.rule.meaning(self.project, os) {
            Meaning::Steps(steps) => steps.names.clone(),
            Meaning::Count(count) => count.names.clone(),
            Meaning::Single(_) => vec![],
        }
    }

    /// The log sources of all steps.
    pub(super) fn all_sources(&mut self, steps: &Steps) {
        let mut covered: Vec<Os> = self.rule.meta.os.clone();
        for (index, step) in steps.steps.iter().enumerate() {
            if self.left_out.contains(&index) {
                continue;
            }
            let before = self.refused.len();
            let (sources, served) = self.sources(index, step);
            if sources.is_empty() && step.role != Role::Without {
                // Of a step that is refused already, this is no news.
                if self.refused.len() == before {
                    let what = if self.counts() { "this" } else { &format!("`{}`", step.name) };
                    self.refuse(step.span, format!("has no log source in which {what} could be true"));
                }
            } else if !sources.is_empty() {
                let (name, role) = (step.name.clone(), step.role);
                self.steps.push(BoundStep { name, index, role, sources, carried: vec![], asked: vec![] });
            }
            if step.role == Role::Required {
                covered.retain(|os| served.contains(os));
            }
        }
        if covered.is_empty() && self.refused.is_empty() {
            let why = "has no system for which it logs all steps".to_owned();
            self.refused.push(Unsupported::no_events(self.rule.detect_span, why));
        }
        for os in self.rule.meta.os.iter().filter(|os| !covered.contains(os)) {
            let text = format!("Covers no {} events: the target has no log source for them.", os.word());
            self.notes.push(Note { text, degraded: true });
        }
        let found = self.others_found();
        self.notes.extend(mixed(found));
    }

    /// Systems that the rule does not mean, and on which it finds matches. All events of a match on one host are of one system.
    fn others_found(&self) -> Vec<Os> {
        let one_host = self.whole.keys.iter().any(|k| matches!(k.field.short(), "host" | "process" | "parent"));
        let all = self.others.iter().flat_map(|(_, others)| others);
        let by_each = |os: &Os| self.others.iter().all(|(_, others)| others.contains(os));
        all.copied().filter(|os| !one_host || by_each(os)).collect()
    }

    /// The sources of a step that may hold its events, and the systems that are served.
    fn sources(&mut self, index: usize, step: &Step) -> (Vec<StepSource<'t>>, Vec<Os>) {
        let (mut out, mut all_served) = (vec![], vec![]);
        let kinds: Vec<Kind> = step.events.kinds().collect();
        let (target, rule) = (self.target, self.rule);
        for kind in &kinds {
            let mut served = Served::default();
            for source in target.sources.get(kind).map_or(&[][..], Vec::as_slice) {
                if let Some(os) = served.by(source, &rule.meta.os) {
                    out.extend(self.source(index, source, *kind, &kinds, os));
                }
            }
            if let Some(lacks) = served.lacks(*kind, &rule.meta.os) {
                self.refused.push(Unsupported::no_events(step.span, lacks));
                continue;
            }
            let detect = |os: Os| {
                self.meaning(index, &[os]).map_or(crate::ir::Pred::Const(false), |s| s.events.of(*kind).clone())
            };
            let missing = missing_words(&detect, step.span, &served);
            self.refused.extend(missing);
            all_served.extend(served.systems);
        }
        (out, all_served)
    }

    fn source(
        &mut self,
        index: usize,
        source: &'t Source,
        kind: Kind,
        kinds: &[Kind],
        os: Vec<Os>,
    ) -> Option<StepSource<'t>> {
        let step = self.meaning(index, &os)?;
        let detect = known_of_source(step.events.of(kind), source, &os).into_owned();
        if detect.is(false) {
            return None;
        }
        if step.role == Role::Required {
            let others = not_told_apart(&detect, source, &self.rule.meta.os);
            match self.others.iter_mut().find(|(i, _)| *i == index) {
                Some((_, all)) => all.extend(others),
                None => self.others.push((index, others)),
            }
        }
        let mut binder =
            Binder { target: self.target, source, kind, kinds, os: &os, notes: vec![], refused: vec![], strict: false };
        let detect = binder.pred(&detect);
        let mut silenced = detect == Bound::Const(false);
        let mut exceptions = vec![];
        for (i, event) in &step.exceptions {
            let title = self.rule.exceptions.get(*i).map_or("", |e| e.title.as_str());
            let pred = known_of_source(event.of(kind), source, &os);
            match binder.whole(&pred, &format!("The exception \"{title}\"")) {
                None | Some(Bound::Const(false)) => {}
                Some(Bound::Const(true)) => silenced = true,
                Some(bound) => exceptions.push((*i, bound)),
            }
        }
        let names = binder.names(&self.names(&os));
        let (notes, refused) = (binder.notes, binder.refused);
        self.notes.extend(notes);
        self.refused.extend(refused);
        (!silenced).then_some(StepSource { source, kind, os, detect, exceptions, names })
    }

    /// The columns of a field in a step's events: several for an identity. `None`: no source of the step has them, or they
    /// compare it in different ways.
    pub(super) fn columns(&self, place: usize, field: FieldId) -> Option<Vec<Carried>> {
        let step = self.steps.get(place)?;
        let each: Vec<Option<Vec<(What, By, Column)>>> =
            step.sources.iter().map(|source| self.of_source(field, source.source, source.kind)).collect();
        let first = each.iter().flatten().next().cloned()?;
        let alike = |other: &Vec<(What, By, Column)>| {
            other.len() == first.len() && other.iter().zip(&first).all(|(a, b)| a.1 == b.1)
        };
        if !each.iter().flatten().all(alike) {
            return None;
        }
        let column = |i: usize| each.iter().map(|c| Some(c.as_ref()?.get(i)?.2.clone())).collect();
        let all = first.iter().enumerate();
        Some(all.map(|(i, (what, by, _))| Carried { what: *what, by: *by, columns: column(i) }).collect())
    }

    fn of_source(&self, field: FieldId, source: &Source, kind: Kind) -> Option<Vec<(What, By, Column)>> {
        let ty = field.def().ty;
        if ty == Type::Identity {
            let parts = self.target.identity_in(source, field, kind)?.iter().enumerate();
            let column = |p: &Part| match self.target.computed.contains_key(&p.column) {
                true => Column::part(p.column.clone(), How::Computed),
                false => whole(&p.column, p.by),
            };
            return Some(parts.map(|(i, p)| (What::Part(field, i), p.by, column(p))).collect());
        }
        let mapping = self.target.mapping_in(source, field, kind)?;
        let by = match ty {
            Type::Int | Type::Size => By::Number,
            Type::Time => By::Time,
            _ => By::Name,
        };
        // What stands in a column among other things is shown with them.
        let column = match mapping {
            Mapping::Column(_) | Mapping::Part(..) => compared(mapping, ty, self.target.language),
            other => Column::whole(other.column(), Type::String),
        };
        Some(vec![(What::Field(field), by, column)])
    }

    /// Whether values of a field can be compared with those of other events.
    pub(super) fn comparable(&self, place: usize, field: FieldId) -> bool {
        let Some(step) = self.steps.get(place) else { return true };
        let plain = |kind: Kind| match self.target.mapping(field, kind) {
            Some(Mapping::Column(_)) | None => true,
            Some(Mapping::Part(..)) => self.target.language.computes(),
            Some(_) => false,
        };
        field.def().ty == Type::Identity || step.sources.iter().all(|s| plain(s.kind))
    }

    /// Adds a column to what a step carries.
    pub(super) fn carry(&mut self, place: usize, carried: Carried) -> Carry {
        let Some(step) = self.steps.get_mut(place) else { return Carry { step: place, column: 0 } };
        // The host is a part of its processes' identities: one column, whatever it is a part of.
        let part = |c: &Carried| matches!(c.what, What::Part(..));
        let same = |c: &Carried| part(c) && part(&carried) && c.by == carried.by && c.columns == carried.columns;
        let there = step.carried.iter().position(|c| *c == carried || same(c));
        let column = there.unwrap_or_else(|| {
            step.carried.push(carried);
            step.carried.len() - 1
        });
        Carry { step: place, column }
    }

    /// Takes sources away from a step: their events can be in no match.
    pub(super) fn without_sources(&mut self, place: usize, gone: &[usize]) {
        let Some(step) = self.steps.get_mut(place) else { return };
        let keep = |i: usize| !gone.contains(&i);
        let mut i = 0;
        step.sources.retain(|_| {
            i += 1;
            keep(i - 1)
        });
        for carried in &mut step.carried {
            let columns = std::mem::take(&mut carried.columns);
            carried.columns = columns.into_iter().enumerate().filter(|(i, _)| keep(*i)).map(|(_, c)| c).collect();
        }
    }

    /// Whether the events of a count are bound, which are no step of the rule.
    fn counts(&self) -> bool {
        self.whole.steps.len() == 1
    }

    /// The keys of the rule.
    pub(super) fn keys(&self) -> Vec<Key> {
        self.whole.keys.clone()
    }

    /// The columns of a result: the author's, or those of the steps' kinds; what the target lacks is left out.
    fn show(&mut self, steps: &Steps) -> Vec<Carry> {
        let chosen = steps.show.is_some();
        let all: Vec<(usize, FieldId)> = match &steps.show {
            Some(fields) => fields.iter().map(|f| (f.step, f.field)).collect(),
            None => {
                let shown = |s: &Step| {
                    let each = s.events.each().flat_map(|(kind, asked)| {
                        // The domain is for the entities of Microsoft's alerts.
                        let domain = self.target.language == Language::Kql;
                        let names = default_show(kind).iter().filter(|n| domain || **n != "user.domain");
                        let fields = names.filter_map(|n| FieldId::find(n));
                        fields.filter(|field| !is_said(asked, *field)).collect::<Vec<_>>()
                    });
                    each.collect::<Vec<_>>()
                };
                let of = steps.steps.iter().enumerate().filter(|(_, s)| s.role != Role::Without);
                let mut all: Vec<_> = of.flat_map(|(i, s)| shown(s).into_iter().map(move |field| (i, field))).collect();
                // Steps of one process have one name.
                let name = FieldId::find("process.name");
                let first = all.iter().find(|(_, field)| Some(*field) == name).copied();
                if steps.keys.iter().any(|key| key.field.short() == "process") {
                    all.retain(|shown| Some(shown.1) != name || Some(*shown) == first);
                }
                all
            }
        };
        let mut out = vec![];
        for (index, field) in all {
            let name = steps.steps.get(index).map_or("", |s| s.name.as_str());
            let Some(place) = self.place(index) else { continue };
            match self.columns(place, field) {
                Some(columns) => {
                    for column in columns {
                        let carry = self.carry(place, column);
                        if !out.contains(&carry) {
                            out.push(carry);
                        }
                    }
                }
                None if chosen => {
                    let text = format!("Results show no `{name}.{}`: the target has none.", field.short());
                    self.note(text, false);
                }
                None => {}
            }
        }
        out
    }
}

pub(super) fn whole(column: &str, by: By) -> Column {
    let ty = match by {
        By::Id | By::Name => Type::String,
        By::Number => Type::Int,
        By::Time => Type::Time,
    };
    Column::whole(column, ty)
}
