//! Why a witness is what it is, in the source's places and in words.

use super::Because;
use super::atom::{Ask, Atoms, Lit};
use super::solve::Choice;
use crate::event::{Event, Value};
use crate::source::Span;

/// The clauses of literals, each once, in the order of the source.
fn clauses(atoms: &Atoms, lits: &[Lit]) -> Vec<Span> {
    let mut out: Vec<Span> = lits.iter().filter_map(|l| atoms.get(*l)).map(|a| a.span).collect();
    out.sort_unstable();
    out.dedup();
    out
}

/// Clauses of which nothing may hold. A tool condition asks that a verb is absent and is none, for it asks for a program too.
fn negated(atoms: &Atoms, lits: &[Lit]) -> Vec<Span> {
    let of = |positive: bool| lits.iter().filter(move |l| l.positive == positive).copied().collect::<Vec<Lit>>();
    let asked = clauses(atoms, &of(true));
    clauses(atoms, &of(false)).into_iter().filter(|span| !asked.contains(span)).collect()
}

/// Why an event fires, or is excepted: these hold, by these values.
#[must_use]
pub fn holds(atoms: &Atoms, lits: &[Lit], choice: Choice, event: &Event) -> Because {
    let taken = |lit: &Lit| {
        let atom = atoms.get(*lit).filter(|_| lit.positive)?;
        let form = match choice {
            Some((chosen, form)) if chosen == lit.atom => form,
            Some(_) => return None,
            None => 0,
        };
        let Ask::Text(pattern) = &atom.ask else { return None };
        let value = pattern.forms.get(form)?.value.as_ref();
        match value {
            Some(value) => Some(format!("{} {}", atom.field.short(), quoted(value))),
            None if choice.is_some() => {
                let text = event.text(atom.field).unwrap_or("");
                Some(format!("{} {}", atom.field.short(), quoted(text)))
            }
            None => None,
        }
    };
    let taken: Vec<String> = lits.iter().filter_map(taken).collect();
    Because { clauses: clauses(atoms, lits), negated: negated(atoms, lits), detail: taken.join(", ") }
}

/// Why an event just misses: this of a way does not hold any more, by this change.
#[must_use]
pub fn turned(atoms: &Atoms, way: &[Lit], lit: Lit, before: &Event, after: &Event) -> Because {
    let field = atoms.get(lit).map(|a| a.field);
    let value = |event: &Event| field.and_then(|f| event.get(f)).map_or("nothing".to_owned(), value);
    let name = field.map_or("", |f| f.short());
    let detail = format!("{name} {}, not {}", value(after), value(before));
    let clauses = clauses(atoms, &[lit]);
    let negated = negated(atoms, way).into_iter().filter(|span| clauses.contains(span)).collect();
    Because { clauses, negated, detail }
}

fn value(value: &Value) -> String {
    match value {
        Value::Text(text) => quoted(text),
        Value::Number(n) => n.to_string(),
        Value::Bool(b) => b.to_string(),
    }
}

fn quoted(text: &str) -> String {
    format!("'{text}'")
}

/// What a literal asks, to stand beside its place in the source.
#[must_use]
pub fn literal(atoms: &Atoms, lit: Lit) -> String {
    let field = atoms.get(lit).map_or("", |a| a.field.short());
    format!("{}this of `{field}`", if lit.positive { "" } else { "not " })
}
