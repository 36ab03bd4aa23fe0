//! Tests inside rules: fields, values, flags and exceptions that they name must exist.

use super::{Report, Rule, temporal};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;
use crate::syntax::ast::{Event, EventValue, Literal, Test, TestInput, Verdict};
use crate::vocabulary::{FieldId, Kind, Type, fields, foreign};
use std::collections::HashMap;

/// Log schemas that recorded events can be read from.
pub const READERS: [&str; 8] =
    ["ecs", "sysmon", "windows_security", "defender", "sentinel", "limacharlie", "splunk", "labelled"];

pub(super) fn check(test: &Test, rule: &Rule, report: &mut Report) {
    match &test.verdict {
        Verdict::Fires(Some(flags)) => {
            for flag in &flags.names {
                if !rule.flag_names().any(|f| f == flag.text) && !rule.partial {
                    report.unknown_in("this rule", "flag", &flag.text, flag.span, rule.flag_names());
                }
            }
        }
        Verdict::Excepted(title) => {
            let known = || rule.exceptions.iter().map(|e| e.title.as_str());
            if !known().any(|t| t == title.value) && !rule.partial && !rule.lacks_exceptions {
                let diagnostic = Diagnostic::new(
                    Code::UnknownName,
                    format!("rule `{}` has no exception `{}`", rule.name, title.value),
                )
                .at(title.span, "not the title of an exception");
                report.push(match crate::diagnostic::nearest(&title.value, known()) {
                    Some(best) => diagnostic.patch(
                        format!("did you mean `{best}`?"),
                        title.span,
                        format!("'{}'", best.replace('\'', "''")),
                    ),
                    None => diagnostic,
                });
            }
        }
        _ => {}
    }
    match &test.input {
        TestInput::Recorded { path, reader } => {
            if !READERS.contains(&reader.text.as_str()) {
                report.push(super::unknown_word("log schema", &reader.text, reader.span, &READERS));
            }
            if path.value.starts_with(['/', '\\']) || path.value.contains("..") {
                report.push(
                    Diagnostic::new(Code::WrongValue, "a recorded event lies inside the project")
                        .at(path.span, "expected a path from the project's root, without `..`"),
                );
            }
        }
        TestInput::Events(events) => events.iter().for_each(|e| check_event(e, rule, report)),
    }
}

fn check_event(event: &Event, rule: &Rule, report: &mut Report) {
    let Some(kind) = Kind::from_word(&event.kind.text) else {
        let reported = rule.detect().is_some_and(|d| temporal::unknown_kinds(d).any(|k| k.text == event.kind.text));
        if !reported {
            report.push(super::unknown_kind(&event.kind));
        }
        return;
    };
    if !rule.kinds.contains(&kind) && !rule.partial {
        let kinds: Vec<_> = rule.kinds.iter().map(|k| k.word()).collect();
        report.push(
            Diagnostic::new(
                Code::TestOfOtherKind,
                format!("rule `{}` does not read {} events", rule.name, kind.word()),
            )
            .at(event.kind.span, "this event is never looked at")
            .also(rule.detect_span, format!("reads {} events", kinds.join(", "))),
        );
    }
    let mut seen: HashMap<FieldId, Span> = HashMap::new();
    for (path, value) in &event.fields {
        let name = path.dotted();
        let Some(id) = FieldId::find(&name) else {
            let diagnostic =
                Diagnostic::new(Code::UnknownField, format!("there is no field `{name}`")).at(path.span, "not a field");
            let diagnostic = match foreign::field(&name, &[kind]) {
                Some(ours) => diagnostic.patch(format!("the field is called `{ours}`"), path.span, ours),
                None => report.did_you_mean(diagnostic, &name, path.span, fields::names_of(&[kind])),
            };
            report.push(diagnostic);
            continue;
        };
        if !id.def().has_kind(kind) {
            let owners: Vec<_> = id.def().kinds.iter().map(|k| k.word()).collect();
            report.push(
                Diagnostic::new(Code::FieldOfOtherKind, format!("{} events have no `{name}`", kind.word()))
                    .at(path.span, format!("a field of {} events", owners.join(" or "))),
            );
        }
        let first = *seen.entry(id).or_insert(path.span);
        if first != path.span {
            report.push(
                Diagnostic::new(Code::RepeatedEntry, format!("`{name}` is given twice"))
                    .at(path.span, "again here")
                    .also(first, "first here"),
            );
        }
        check_value(id, &name, value, report);
    }
}

fn check_value(id: FieldId, name: &str, value: &EventValue, report: &mut Report) {
    let ty = id.def().ty;
    match (value, ty) {
        (EventValue::Word(word), Type::Enum(words)) if words.contains(&word.text.as_str()) => {}
        (EventValue::Word(word), Type::Enum(words)) => {
            report.push(super::unknown_word(&format!("value of `{name}`"), &word.text, word.span, words));
        }
        (EventValue::Word(word), _) => {
            let diagnostic = Diagnostic::new(Code::WrongType, format!("`{name}` is {}, not a word", ty.words()))
                .at(word.span, "a bare word");
            report.push(match ty.is_text() {
                true => diagnostic.patch("write text in quotes", word.span, format!("\"{}\"", word.text)),
                false => diagnostic,
            });
        }
        (EventValue::Literal(literal), _) if fits(literal, ty) => {}
        (EventValue::Literal(literal), _) => report.push(super::wrong_value(name, ty, literal)),
    }
}

fn fits(literal: &Literal, ty: Type) -> bool {
    matches!(
        (literal, ty),
        (Literal::Text(_), Type::String | Type::Path | Type::Ip | Type::Identity | Type::Hash(_) | Type::Time)
            | (Literal::Int(..), Type::Int | Type::Size)
            | (Literal::Size(..), Type::Size)
            | (Literal::Bool(..), Type::Bool)
            | (Literal::Date(..), Type::Time)
    )
}
