//! What a log source itself decides: fields that are constant there, and what of a rule no source covers.

use super::Source;
use super::bind::Unsupported;
use crate::ir::{Matcher, Op, Pred, Test};
use crate::source::Span;
use crate::vocabulary::{FieldId, Kind, Os, Type};
use std::borrow::Cow;

/// A condition with what the log source itself decides put in.
pub(super) fn known_of_source<'p>(pred: &'p Pred, source: &Source, os: &[Os]) -> Cow<'p, Pred> {
    let mut known = Cow::Borrowed(pred);
    for (field, words) in &source.when {
        known = Cow::Owned(fix(&known, *field, &words.iter().map(String::as_str).collect::<Vec<_>>()));
    }
    match (os, source.os.as_slice(), FieldId::find("host.os")) {
        ([one], [_], Some(id)) if reads(&known, id) => Cow::Owned(fix(&known, id, &[one.word()])),
        _ => known,
    }
}

/// Whether a condition reads a field.
fn reads(pred: &Pred, field: FieldId) -> bool {
    let mut found = false;
    pred.each_test(&mut |t| found |= t.field.id == field);
    found
}

/// A condition where a field is known to be one of some words. Several words leave the test undecided.
fn fix(pred: &Pred, field: FieldId, words: &[&str]) -> Pred {
    match pred {
        Pred::Const(value) => Pred::Const(*value),
        Pred::Not(inner) => fix(inner, field, words).not(),
        Pred::And(all) => Pred::and(all.iter().map(|p| fix(p, field, words)).collect::<Vec<_>>()),
        Pred::Or(all) => Pred::or(all.iter().map(|p| fix(p, field, words)).collect::<Vec<_>>()),
        Pred::Droppable { pred, why, span } => match fix(pred, field, words) {
            Pred::Const(value) => Pred::Const(value),
            pred => Pred::Droppable { pred: Box::new(pred), why: why.clone(), span: *span },
        },
        Pred::Test(test) if test.field.id == field && test.field.step.is_none() => match &test.op {
            Op::Word(asked) if words.iter().all(|w| asked.contains(w)) => Pred::Const(true),
            Op::Word(asked) if words.iter().all(|w| !asked.contains(w)) => Pred::Const(false),
            Op::Exists => Pred::Const(true),
            _ => pred.clone(),
        },
        Pred::Test(_) => pred.clone(),
    }
}

/// The systems of a log source that a rule does not mean and whose events it finds all the same: those that neither names
/// of programs nor paths tell apart.
pub(super) fn not_told_apart(detect: &Pred, source: &Source, meant: &[Os]) -> Vec<Os> {
    let is_windows = |os: &Os| *os == Os::Windows;
    let others = || source.os.iter().copied().filter(|os| !meant.contains(os));
    let one_family = meant.iter().all(is_windows) || !meant.iter().any(is_windows);
    let told = one_family && tells(detect, meant.iter().all(is_windows));
    others().filter(|os| !told || is_windows(os) == meant.iter().any(is_windows)).collect()
}

/// Whether a condition holds for programs, or paths, of Windows only, or of the others only.
fn tells(pred: &Pred, windows: bool) -> bool {
    match pred {
        Pred::Const(value) => !value,
        Pred::Not(_) => false,
        Pred::And(all) => all.iter().any(|p| tells(p, windows)),
        Pred::Or(all) => all.iter().all(|p| tells(p, windows)),
        Pred::Droppable { pred, why, .. } => !why.value() && tells(pred, windows),
        Pred::Test(test) => test_tells(test, windows),
    }
}

fn test_tells(test: &Test, windows: bool) -> bool {
    let def = test.field.id.def();
    let name = def.short.trim_start_matches("parent.").trim_start_matches("process.");
    let Op::Text(text) = &test.op else { return false };
    if name == "original_name" {
        return windows;
    }
    let all = |values: &[String], fits: &dyn Fn(&str) -> bool| !values.is_empty() && values.iter().all(|v| fits(v));
    let program = |v: &str| {
        let v = v.to_ascii_lowercase();
        if windows { v.ends_with(".exe") || v.ends_with(".com") } else { !v.contains('.') }
    };
    let separator = |v: &str| v.contains(if windows { '\\' } else { '/' });
    match &text.matcher {
        Matcher::Exact(values) if name == "name" => all(values, &program),
        Matcher::Exact(values)
        | Matcher::StartsWith(values)
        | Matcher::Contains(values)
        | Matcher::EndsWith(values)
            if def.ty == Type::Path =>
        {
            all(values, &separator)
        }
        _ => false,
    }
}

/// The systems that the log sources of a kind serve, and what is constant in these.
#[derive(Default)]
pub(super) struct Served<'t> {
    pub(super) systems: Vec<Os>,
    constants: Vec<(FieldId, &'t str, Os)>,
}

impl<'t> Served<'t> {
    /// Adds a source: the systems that it serves among those that are wanted; `None` if there is none.
    pub(super) fn by(&mut self, source: &'t Source, wanted: &[Os]) -> Option<Vec<Os>> {
        let os: Vec<Os> = source.os.iter().copied().filter(|o| wanted.contains(o)).collect();
        self.systems.extend(&os);
        for (field, words) in &source.when {
            self.constants.extend(words.iter().flat_map(|w| os.iter().map(move |o| (*field, w.as_str(), *o))));
        }
        (!os.is_empty()).then_some(os)
    }

    /// Why an author's rule about these systems finds nothing here; `None`: some are served.
    pub(super) fn lacks(&self, kind: Kind, wanted: &[Os]) -> Option<String> {
        let systems: Vec<_> = wanted.iter().map(|o| o.word()).collect();
        let none = self.systems.is_empty();
        none.then(|| format!("has no log source for {} events of {}", kind.word(), systems.join(" or ")))
    }
}

/// A word of an enum field for which no log source exists, although the rule may fire on it.
pub(super) fn missing_words(detect: &dyn Fn(Os) -> Pred, place: Span, served: &Served) -> Vec<Unsupported> {
    let Served { systems, constants } = served;
    let mut out = vec![];
    let mut fields: Vec<FieldId> = constants.iter().map(|(f, ..)| *f).collect();
    fields.dedup();
    for field in fields {
        let Type::Enum(words) = field.def().ty else { continue };
        for os in systems {
            let detect = detect(*os);
            for word in words.iter().filter(|w| !constants.contains(&(field, **w, *os))) {
                if !fix(&detect, field, &[word]).is(false) {
                    let mut span = place;
                    detect.each_test(&mut |t| {
                        if t.field.id == field && matches!(&t.op, Op::Word(w) if w.contains(word)) {
                            span = t.span;
                        }
                    });
                    out.push(Unsupported::new(
                        span,
                        format!("has no log source for `{}` {word} on {}", field.short(), os.word()),
                    ));
                }
            }
        }
    }
    out
}
