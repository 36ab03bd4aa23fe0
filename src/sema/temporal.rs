//! Sequences and counts: which kinds and steps they have, their windows, numbers and keys; counts in full.

use super::condition::{Allowed, Found, Lower, Place, StepScope};
use super::joint::Splitter;
use super::made::all_made;
use super::{Project, Report, Rule};
use crate::diagnostic::{Code, Diagnostic};
use crate::duration::written;
use crate::ir::{self, Count, Key, Meaning, Role, Window};
use crate::source::Span;
use crate::syntax::ast::{self, Amount, Detect, Literal, Path, Query, StepRole};
use crate::vocabulary::{FieldId, Kind, Os, Type};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// The kinds that a detection reads, and its steps.
pub(super) fn kinds(detect: &Detect, report: &mut Report) -> (Vec<Kind>, Vec<StepScope>) {
    match detect {
        Detect::Query(query) => (query_kinds(query, report), vec![]),
        Detect::Count(count) => (query_kinds(&count.query, report), vec![]),
        Detect::Steps(steps) => {
            let mut all = vec![];
            let mut scopes: Vec<StepScope> = vec![];
            let mut seen: HashMap<&str, Span> = HashMap::new();
            for step in &steps.steps {
                let kinds = query_kinds(&step.query, report);
                all.extend(kinds.iter().copied());
                let first = *seen.entry(&step.name.text).or_insert(step.name.span);
                if first != step.name.span {
                    report.push(
                        Diagnostic::new(Code::RepeatedEntry, format!("two steps have the name `{}`", step.name.text))
                            .at(step.name.span, "again here")
                            .also(first, "first here"),
                    );
                }
                let role = match step.role {
                    StepRole::Required => Role::Required,
                    StepRole::Optional => Role::Optional,
                    StepRole::Without => Role::Without,
                };
                scopes.push(StepScope { name: step.name.text.clone(), kinds, role });
            }
            all.sort_unstable();
            all.dedup();
            (all, scopes)
        }
    }
}

/// The kinds of events in a detection that do not exist.
pub(super) fn unknown_kinds(detect: &Detect) -> impl Iterator<Item = &ast::Ident> {
    let (one, steps) = match detect {
        Detect::Query(query) => (Some(query), None),
        Detect::Count(count) => (Some(&count.query), None),
        Detect::Steps(steps) => (None, Some(&steps.steps)),
    };
    let queries = one.into_iter().chain(steps.into_iter().flatten().map(|step| &step.query));
    queries.flat_map(|query| &query.kinds).filter(|kind| Kind::from_word(&kind.text).is_none())
}

fn query_kinds(query: &Query, report: &mut Report) -> Vec<Kind> {
    let mut out = vec![];
    let mut all_known = true;
    for word in &query.kinds {
        match Kind::from_word(&word.text) {
            Some(kind) if out.contains(&kind) => {
                let first = query.kinds.iter().find(|k| k.text == word.text).map_or(word.span, |k| k.span);
                report.push(
                    Diagnostic::new(Code::RepeatedEntry, format!("`{}` is named twice", word.text))
                        .at(word.span, "again here")
                        .also(first, "first here"),
                );
            }
            Some(kind) => out.push(kind),
            None => {
                all_known = false;
                report.push(super::unknown_kind(word));
            }
        }
    }
    // What is meant is unknown, so no field can be of another kind.
    if all_known { out } else { Kind::ALL.to_vec() }
}

/// Lowers a rule over several events. Every finding about its steps, keys, flags and exceptions is made on the way.
pub(super) fn meaning(rule: &Rule, project: &Project, os: &[Os], report: &mut Report) -> Option<Meaning> {
    match rule.detect()? {
        Detect::Query(_) => None,
        Detect::Count(count) => Some(Meaning::Count(Arc::new(self::count(rule, count, project, os, report)))),
        Detect::Steps(steps) => {
            check_order(steps, report);
            let lowered = super::steps::lower(rule, steps, project, os, report);
            check_joined(&lowered, report);
            Some(Meaning::Steps(Arc::new(lowered)))
        }
    }
}

fn count(rule: &Rule, count: &ast::Count, project: &Project, os: &[Os], report: &mut Report) -> Count {
    let scope = StepScope { name: String::new(), kinds: rule.kinds.clone(), role: Role::Required };
    let mut all = Splitter { project, os, steps: &[], own: Some((0, &scope)), report };
    let mut asked = |expr, available| all.event(expr, available);
    let events = all_made(&asked(&count.query.expr, Allowed::Operand), rule.detect_span);
    let exceptions = rule.exceptions.iter().enumerate().map(|(i, e)| (i, asked(&e.expr, Allowed::Anywhere))).collect();
    if !rule.flags().is_empty() {
        let at = rule.flags().first().map_or(rule.span, |f| f.name.span);
        report.push(of_many(at, "a flag"));
    }
    let key = |path: &Path, report: &mut Report| key(path, &scope, os, project, report);
    let keys = different(count.keys.iter().filter_map(|path| key(path, report)));
    let distinct = count.distinct.as_ref().and_then(|path| key(path, report));
    if let Some((distinct, twin)) = distinct.and_then(|d| Some((d, keys.iter().find(|k| k.field == d.field)?))) {
        report.push(
            Diagnostic::new(Code::RepeatedEntry, format!("`{}` has one value in each group", distinct.field.short()))
                .at(distinct.span, "its values are counted")
                .also(twin.span, "and events are grouped by it"),
        );
    }
    Count {
        distinct,
        at_least: amount(&count.at_least, false, project, report),
        at_least_span: count.at_least.span(),
        keys,
        within: window(&count.within, project, report),
        events,
        exceptions,
        names: std::mem::take(&mut report.names),
    }
}

/// A run must see its frequency and the window before it (of a count, also the one before that: a burst may have begun
/// there), or matches across two runs are seen by none.
pub(super) fn check_schedule(rule: &Rule, project: &Project, report: &mut Report) {
    let Some(schedule) = rule.meta.schedule.filter(|_| rule.over_several_events().is_some()) else { return };
    let (within, windows) = match rule.meaning(project, &rule.meta.os) {
        Meaning::Steps(steps) => (steps.within, 1),
        Meaning::Count(count) => (count.within, 2),
        Meaning::Single(_) => return,
    };
    let window = u64::try_from(within.micros / 1_000_000).unwrap_or(0).saturating_mul(windows);
    let needed = schedule.every.saturating_add(window);
    if schedule.over < needed {
        let what = if windows == 1 { "frequency and window" } else { "frequency and twice the window" };
        report.push(
            Diagnostic::new(Code::BadSchedule, format!("the look-back of `{}` is shorter than {what}", rule.name))
                .at(
                    within.span,
                    format!("the rule needs {}, and looks back {}", written(needed), written(schedule.over)),
                )
                .help("increase the look-back: `schedule every … over …`"),
        );
    }
}

/// A count's row has keys and times: no event of it is *the* event.
pub(super) fn of_many(at: Span, what: &str) -> Diagnostic {
    Diagnostic::new(Code::OfManyEvents, format!("{what} reads one event, and a count finds many"))
        .at(at, "a row of a count has its keys, its first and its last time")
}

fn check_order(steps: &crate::syntax::ast::Steps, report: &mut Report) {
    let required: Vec<usize> =
        steps.steps.iter().enumerate().filter(|(_, s)| s.role == StepRole::Required).map(|(i, _)| i).collect();
    let (first, last) = (required.first().copied().unwrap_or(0), required.last().copied().unwrap_or(0));
    for (i, step) in steps.steps.iter().enumerate() {
        let why = match step.role {
            StepRole::Optional if i < last => Some("optional steps come last"),
            StepRole::Without if !steps.ordered => Some("`without` needs an order, and `together` has none"),
            StepRole::Without if i < first || i > last => Some("`without` belongs between two required steps"),
            _ => None,
        };
        if let Some(why) = why {
            report.push(
                Diagnostic::new(Code::BadStep, format!("step `{}` is not allowed here", step.name.text))
                    .at(step.name.span, why),
            );
        }
    }
    if required.len() < 2
        && let Some(step) = steps.steps.first()
    {
        let word = if steps.ordered { "sequence" } else { "together" };
        report.push(
            Diagnostic::new(Code::BadStep, format!("`{word}` has fewer than two required steps"))
                .at(step.name.span, "it joins two events or more")
                .help("a rule about one event is `detect process where …`"),
        );
    }
}

/// The most steps of a rule.
const MAX_STEPS: usize = 32;
/// The most required steps that are joined by more than equalities of all of them. Which events stand for the others is
/// found by matching; for these combinations have to be tried.
const MAX_JOINED: usize = 8;

fn check_joined(steps: &ir::Steps, report: &mut Report) {
    let too_many =
        |what: String, step: &ir::Step, label: String| Diagnostic::new(Code::TooManySteps, what).at(step.span, label);
    if let Some(step) = steps.steps.get(MAX_STEPS) {
        let label = format!("the first one behind {MAX_STEPS}");
        report.push(too_many(format!("a rule of {} steps", steps.steps.len()), step, label));
        return;
    }
    let joined = joined(steps);
    if let Some(step) = joined.iter().nth(MAX_JOINED).and_then(|i| steps.steps.get(*i)) {
        let label = format!("the first one behind {MAX_JOINED}");
        report.push(
            too_many(format!("{} steps that conditions join", joined.len()), step, label)
                .help("compare one field of all steps, or name it behind `by`"),
        );
    }
}

/// The required steps that conditions join, or equalities that do not hold between all of them.
fn joined(steps: &ir::Steps) -> BTreeSet<usize> {
    let required: BTreeSet<usize> = steps.required().map(|(i, _)| i).collect();
    let conditions = steps.required().flat_map(|(_, s)| &s.conditions).chain(steps.exceptions.iter().map(|(_, e)| e));
    let mut out: BTreeSet<usize> = conditions.flat_map(ir::Joint::steps).collect();
    // Fields that are equal in every match.
    let mut classes: Vec<Vec<(ir::StepField, bool)>> = vec![];
    for equal in steps.required().flat_map(|(_, s)| &s.equalities) {
        let mut class = vec![(equal.left, equal.cased), (equal.right, equal.cased)];
        let (same, others): (Vec<_>, Vec<_>) =
            std::mem::take(&mut classes).into_iter().partition(|c| c.iter().any(|side| class.contains(side)));
        class.extend(same.into_iter().flatten());
        classes = others;
        classes.push(class);
    }
    for class in classes {
        let of: BTreeSet<usize> = class.iter().map(|(field, _)| field.step).collect();
        if !of.is_superset(&required) {
            out.extend(of);
        }
    }
    out
}

/// A field that joins or groups events.
pub(super) fn key(path: &Path, scope: &StepScope, os: &[Os], project: &Project, report: &mut Report) -> Option<Key> {
    let place = Place {
        kind: scope.kinds.first().copied().unwrap_or(Kind::Process),
        kinds: &scope.kinds,
        os,
        steps: &[],
        step_kind: None,
        outside: false,
        available: Allowed::Anywhere,
    };
    let id = match Lower::new(project, place, report).field(path)? {
        Found::Field(field) => field.id,
        Found::Elsewhere(id) => id,
    };
    if is_argument(id) {
        report.push(
            Diagnostic::new(Code::WrongType, format!("`{}` cannot be a key", path.dotted()))
                .at(path.span, "a key has one value in an event, a command line has many arguments"),
        );
        return None;
    }
    Some(Key { field: id, span: path.span })
}

/// A question about arguments, which has no column.
pub(super) fn is_argument(field: FieldId) -> bool {
    field.def().ty == Type::Argument || field.short().contains("argument.")
}

/// Each key once.
pub(super) fn different(keys: impl IntoIterator<Item = Key>) -> Vec<Key> {
    let mut out: Vec<Key> = vec![];
    for key in keys {
        if !out.iter().any(|k| k.field == key.field) {
            out.push(key);
        }
    }
    out
}

/// A window; a wrong one is reported.
pub(super) fn window(within: &Amount, project: &Project, report: &mut Report) -> Window {
    let seconds = amount(within, true, project, report);
    let micros = i64::try_from(seconds).ok().and_then(|s| s.checked_mul(1_000_000));
    if micros.is_none() {
        report.push(
            Diagnostic::new(Code::WrongValue, "no window is that long")
                .at(within.span(), "more microseconds than 9,223,372,036,854,775,807"),
        );
    }
    Window { micros: micros.unwrap_or(1).max(1), span: within.span() }
}

/// A number, or seconds; what is wrong with it is reported, and it is 1.
fn amount(amount: &Amount, duration: bool, project: &Project, report: &mut Report) -> u64 {
    let wanted = if duration { "a duration such as 15m" } else { "a number" };
    match amount {
        Amount::Literal(0, span) => report.push(
            Diagnostic::new(Code::WrongValue, format!("{} of 0", if duration { "a window" } else { "a count" }))
                .at(*span, "expected 1 or more"),
        ),
        Amount::Literal(n, _) => return *n,
        Amount::Param(name) => match (project.lists.param(&name.text), duration) {
            (Some(Literal::Duration(0, span) | Literal::Int(0, span)), _) => report.push(
                Diagnostic::new(Code::WrongValue, format!("{} of 0", if duration { "a window" } else { "a count" }))
                    .at(name.span, "expected 1 or more")
                    .also(*span, format!("`{}` is 0", name.text)),
            ),
            (Some(Literal::Duration(n, _)), true) | (Some(Literal::Int(n, _)), false) => return *n,
            (Some(other), _) => report.push(
                Diagnostic::new(Code::WrongType, format!("`{}` is {}", name.text, other.words()))
                    .at(name.span, format!("expected {wanted}"))
                    .also(other.span(), "its value"),
            ),
            (None, _) if project.is_broken(&name.text) => {}
            (None, _) => report.unknown("parameter", &name.text, name.span, project.lists.names()),
        },
    }
    1
}
