//! Tests inside rules: fields, values, flags and exceptions that they name must exist.

use super::{FieldId, Kind, Report, Rule, Type};
use crate::diagnostic::{Code, Diagnostic};
use crate::syntax::ast::{Event, EventValue, Literal, Test, TestInput, Verdict};

/// Log schemas that recorded events can be read from.
pub const READERS: [&str; 7] = ["ecs", "sysmon", "windows_security", "defender", "sentinel", "limacharlie", "splunk"];

pub(super) fn check(test: &Test, rule: &Rule, report: &mut Report) {
    match &test.verdict {
        Verdict::Fires(Some(flags)) => {
            for flag in &flags.names {
                if !rule.flag_names().any(|f| f == flag.text) && !rule.broken {
                    report.unknown("flag", &flag.text, flag.span, rule.flag_names());
                }
            }
        }
        Verdict::Excepted(title) => {
            if !rule.exceptions.iter().any(|e| e.title == title.value) && !rule.broken {
                report.push(
                    Diagnostic::new(Code::UnknownName, format!("rule `{}` has no exception \"{}\"", rule.name, title.value))
                        .at(title.span, "not the title of an exception")
                        .did_you_mean(&title.value, title.span, rule.exceptions.iter().map(|e| e.title.as_str())),
                );
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
                    Diagnostic::new(Code::WrongValue, "a recorded event lies inside the project").at(path.span, "a path from the project's root"),
                );
            }
        }
        TestInput::Events(events) => events.iter().for_each(|e| check_event(e, rule, report)),
    }
}

fn check_event(event: &Event, rule: &Rule, report: &mut Report) {
    let known = Kind::ALL.map(Kind::word);
    let Some(kind) = Kind::from_word(&event.kind.text) else {
        report.push(super::unknown_word("kind of event", &event.kind.text, event.kind.span, &known));
        return;
    };
    if !rule.kinds.contains(&kind) && !rule.broken {
        report.push(
            Diagnostic::new(Code::TestOfOtherKind, format!("rule `{}` reads no {} events", rule.name, kind.word()))
                .at(event.kind.span, "this event is never looked at"),
        );
    }
    let mut seen: Vec<FieldId> = vec![];
    for (path, value) in &event.fields {
        let name = path.dotted();
        let Some(id) = FieldId::find(&name) else {
            report.push(
                Diagnostic::new(Code::UnknownField, format!("there is no field `{name}`"))
                    .at(path.span, "not a field")
                    .did_you_mean(&name, path.span, super::fields::all().map(FieldId::short)),
            );
            continue;
        };
        if !id.def().has_kind(kind) {
            report.push(
                Diagnostic::new(Code::FieldOfOtherKind, format!("{} events have no `{name}`", kind.word())).at(path.span, "a field of another kind"),
            );
        }
        if seen.contains(&id) {
            report.push(Diagnostic::new(Code::RepeatedEntry, format!("`{name}` is given twice")).at(path.span, "again here"));
        }
        seen.push(id);
        check_value(id, value, report);
    }
}

fn check_value(id: FieldId, value: &EventValue, report: &mut Report) {
    let ty = id.def().ty;
    let (fits, span) = match value {
        EventValue::Word(word) => (matches!(ty, Type::Enum(words) if words.contains(&word.text.as_str())), word.span),
        EventValue::Literal(literal) => (fits(literal, ty), literal.span()),
    };
    if !fits {
        let diagnostic = Diagnostic::new(Code::WrongType, format!("this is no value for `{}`", id.short())).at(span, format!("expected {}", ty.words()));
        report.push(match ty {
            Type::Enum(words) => diagnostic.note(format!("it is one of {}", words.join(", "))),
            _ => diagnostic,
        });
    }
}

fn fits(literal: &Literal, ty: Type) -> bool {
    match (literal, ty) {
        (Literal::Text(_), Type::String | Type::Path | Type::Ip | Type::Identity | Type::Hash(_) | Type::Time) => true,
        (Literal::Int(..), Type::Int | Type::Size) | (Literal::Size(..), Type::Size) => true,
        (Literal::Bool(..), Type::Bool) | (Literal::Date(..), Type::Time) => true,
        _ => false,
    }
}
