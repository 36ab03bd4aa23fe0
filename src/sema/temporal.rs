//! Sequences and counts: their names and types. They are checked in full and not compiled yet.

use super::condition::{Allowed, Found, Lower, Place, StepScope};
use super::{Kind, Os, Project, Report, Type};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;
use crate::syntax::ast::{Amount, Detect, Literal, Path, Query, StepRole};
use std::collections::HashMap;

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
                        Diagnostic::new(Code::RepeatedEntry, format!("two steps are called `{}`", step.name.text))
                            .at(step.name.span, "again here")
                            .also(first, "first here"),
                    );
                }
                scopes.push(StepScope { name: step.name.text.clone(), kinds });
            }
            all.sort_unstable();
            all.dedup();
            (all, scopes)
        }
    }
}

fn query_kinds(query: &Query, report: &mut Report) -> Vec<Kind> {
    let mut out = vec![];
    let mut all_known = true;
    let known = Kind::ALL.map(Kind::word);
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
                report.push(super::unknown_word("kind of event", &word.text, word.span, &known));
            }
        }
    }
    // What is meant is unknown, so no field can be of another kind.
    if all_known { out } else { Kind::ALL.to_vec() }
}

/// Checks windows, numbers, keys and steps.
pub(super) fn check(detect: &Detect, scopes: &[StepScope], os: &[Os], project: &Project, report: &mut Report) {
    match detect {
        Detect::Query(_) => {}
        Detect::Count(count) => {
            let kinds = query_kinds(&count.query, &mut Report::default());
            amount(&count.within, true, project, report);
            amount(&count.at_least, false, project, report);
            let place = Place {
                kind: kinds.first().copied().unwrap_or(Kind::Process),
                kinds: &kinds,
                os,
                steps: &[],
                outside: false,
                available: Allowed::Outermost,
            };
            for key in count.keys.iter().chain(&count.distinct) {
                key_field(key, place.clone(), project, report);
            }
        }
        Detect::Steps(steps) => {
            amount(&steps.within, true, project, report);
            check_order(steps, report);
            for (i, step) in steps.steps.iter().enumerate() {
                let Some(scope) = scopes.get(i) else { continue };
                // A step may name the steps before it, but no `without`.
                let earlier = scopes.get(..i).unwrap_or(&[]);
                for kind in &scope.kinds {
                    let place = Place {
                        kind: *kind,
                        kinds: &scope.kinds,
                        os,
                        steps: earlier,
                        outside: false,
                        available: Allowed::Outermost,
                    };
                    Lower::new(project, place.clone(), report).expr(&step.query.expr);
                    for key in &steps.keys {
                        key_field(key, place.clone(), project, report);
                    }
                }
            }
        }
    }
}

fn check_order(steps: &crate::syntax::ast::Steps, report: &mut Report) {
    let required: Vec<usize> =
        steps.steps.iter().enumerate().filter(|(_, s)| s.role == StepRole::Required).map(|(i, _)| i).collect();
    let (first, last) = (required.first().copied().unwrap_or(0), required.last().copied().unwrap_or(0));
    for (i, step) in steps.steps.iter().enumerate() {
        let why = match step.role {
            StepRole::Optional if i < last => Some("optional steps come last"),
            StepRole::Without if !steps.ordered => Some("`without` needs an order, and `together` has none"),
            StepRole::Without if i < first || i > last => Some("`without` stands between two required steps"),
            _ => None,
        };
        if let Some(why) = why {
            report.push(
                Diagnostic::new(Code::BadStep, format!("step `{}` cannot stand here", step.name.text))
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

fn key_field(path: &Path, place: Place, project: &Project, report: &mut Report) {
    let found = Lower::new(project, place, report).field(path);
    if let Some(Found::Field(field)) = found
        && field.id.def().ty == Type::Argument
    {
        report.push(
            Diagnostic::new(Code::WrongType, format!("`{}` is no key", path.dotted()))
                .at(path.span, "a key has one value in an event, a command line has many arguments"),
        );
    }
}

fn amount(amount: &Amount, duration: bool, project: &Project, report: &mut Report) {
    let wanted = if duration { "a duration such as 15m" } else { "a number" };
    match amount {
        Amount::Literal(0, span) => report.push(
            Diagnostic::new(Code::WrongValue, format!("{} of 0", if duration { "a window" } else { "a count" }))
                .at(*span, "expected 1 or more"),
        ),
        Amount::Literal(..) => {}
        Amount::Param(name) => match (project.lists.param(&name.text), duration) {
            (Some(Literal::Duration(0, span) | Literal::Int(0, span)), _) => report.push(
                Diagnostic::new(Code::WrongValue, format!("{} of 0", if duration { "a window" } else { "a count" }))
                    .at(name.span, "expected 1 or more")
                    .also(*span, format!("`{}` is 0", name.text)),
            ),
            (Some(Literal::Duration(..)), true) | (Some(Literal::Int(..)), false) => {}
            (Some(other), _) => report.push(
                Diagnostic::new(Code::WrongType, format!("`{}` is {}", name.text, other.words()))
                    .at(name.span, format!("expected {wanted}"))
                    .also(other.span(), "its value"),
            ),
            (None, _) if project.is_broken(&name.text) => {}
            (None, _) => report.unknown("parameter", &name.text, name.span, project.lists.names()),
        },
    }
}
