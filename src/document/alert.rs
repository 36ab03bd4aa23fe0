//! What every platform's alerts need of a rule: when the query runs, which columns are entities, what an analyst reads.

use super::derived::Derived;
use crate::backend::{Printed, capital};
use crate::diagnostic::{Code, Diagnostic};
use crate::sema::{ENTITIES, Rule};
use crate::source::Span;
use crate::target::{EntityType, Identifier, Target};
use crate::vocabulary::FieldId;

/// What a platform would refuse in a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The part of the rule that causes it.
    pub span: Span,
    /// Why, to follow "it".
    pub why: String,
    /// What helps.
    pub cure: String,
}

impl Problem {
    /// The finding.
    #[must_use]
    pub fn diagnostic(&self, rule: &Rule, target: &Target, format: &str) -> Diagnostic {
        let message = format!("the {format} document of `{}` breaks a rule of target `{}`", rule.name, target.name);
        Diagnostic::new(Code::BadDocument, message).at(self.span, &self.why).help(&self.cure)
    }
}

/// When a query runs and how far it looks back, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// Frequency.
    pub every: u64,
    /// Look-back.
    pub period: u64,
}

/// A run sees its own stretch of time, what a match may reach back, and events that came in late; an author may ask for
/// more, not for less.
#[must_use]
pub fn run(rule: &Rule, target: &Target, printed: &Printed) -> Run {
    let every = rule.meta.schedule.map_or(target.alert.every, |s| s.every);
    let needed = every.saturating_add(printed.reach).saturating_add(target.alert.delay);
    Run { every, period: rule.meta.schedule.map_or(0, |s| s.over).max(needed) }
}

/// The platform's word for a rule's level.
#[must_use]
pub fn severity<'t>(rule: &Rule, target: &'t Target) -> &'t str {
    let word = rule.meta.level.word();
    target.alert.severity.get(word).map_or(word, |w| w)
}

/// The platform's word for a tactic of ATT&CK. It is the short name in Microsoft's spelling (`CredentialAccess`), unless the
/// target's file has another one.
#[must_use]
pub fn tactic_name(target: &Target, tactic: &str) -> String {
    let word = || tactic.split('-').map(capital).collect();
    target.alert.tactics.get(tactic).cloned().unwrap_or_else(word)
}

/// An entity of the rows of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entity {
    /// The word of the language: `host`.
    pub word: &'static str,
    /// The platform's type.
    pub kind: String,
    /// For each identifier the column that has it.
    pub columns: Vec<(String, String)>,
    /// Those of the columns that the document makes of the query's.
    pub derived: Vec<Derived>,
}

/// The column that has the value of a field in every row, in the event of a step where one is given.
#[must_use]
pub fn column<'p>(printed: &'p Printed, field: FieldId, step: Option<&str>) -> Option<&'p str> {
    printed.columns.iter().find(|c| c.is(field, step)).map(|c| c.name.as_str())
}

/// The column that has the value of a field in every row, in the event of the first step that has it.
#[must_use]
pub fn any_column<'p>(printed: &'p Printed, field: &str) -> Option<&'p str> {
    let field = FieldId::find(field)?;
    steps(printed).into_iter().find_map(|step| column(printed, field, step))
}

/// The steps whose events a result shows; of a rule over single events, one without a name.
fn steps(printed: &Printed) -> Vec<Option<&str>> {
    // Each step shows the time of its event, in the rule's order.
    let time = FieldId::find("event.time");
    let of_step = printed.columns.iter().flat_map(|c| c.shown()).filter(|s| Some(s.field) == time);
    let mut out: Vec<Option<&str>> = vec![];
    for name in of_step.filter_map(|s| s.step.as_deref()) {
        if !out.contains(&Some(name)) {
            out.push(Some(name));
        }
    }
    if out.is_empty() { vec![None] } else { out }
}

/// The entities that a query's own columns name: those that the rule asks for, or all if it asks for none or the rows have
/// none of them; the best of each word first. `fits` says whether a platform can tell an entity by these identifiers.
#[must_use]
pub fn entities(rule: &Rule, target: &Target, printed: &Printed, fits: impl Fn(&Entity) -> bool) -> Vec<Entity> {
    let asked = &rule.meta.entities;
    let mut words: Vec<&'static str> = ENTITIES.into_iter().filter(|word| asked.iter().any(|e| e == word)).collect();
    words.sort_by_key(|word| asked.iter().position(|e| e == word));
    let found = of_words(words, target, printed, &fits);
    if found.is_empty() { of_words(ENTITIES.to_vec(), target, printed, &fits) } else { found }
}

fn of_words(
    words: Vec<&'static str>,
    target: &Target,
    printed: &Printed,
    fits: &impl Fn(&Entity) -> bool,
) -> Vec<Entity> {
    let mut by_word: Vec<Vec<Entity>> = vec![];
    for word in words {
        let mut ranked: Vec<(usize, Entity)> = vec![];
        for step in steps(printed) {
            let kinds = target.alert.entities.get(word).into_iter().flatten();
            let mut each = kinds.map(|kind| entity(word, kind, printed, step)).enumerate();
            ranked.extend(each.find(|(_, entity)| fits(entity)));
        }
        // What a file event is about stands before the image of a process.
        ranked.sort_by_key(|(rank, _)| *rank);
        by_word.push(without_parts(ranked.into_iter().map(|(_, entity)| entity).collect()));
    }
    let most = by_word.iter().map(Vec::len).max().unwrap_or(0);
    let place = |i: usize| by_word.iter().filter_map(move |found| found.get(i).cloned());
    (0..most).flat_map(place).collect()
}

/// Entities but for those of which another one says as much.
fn without_parts(found: Vec<Entity>) -> Vec<Entity> {
    let within = |a: &Entity, b: &Entity| a.kind == b.kind && a.columns.iter().all(|c| b.columns.contains(c));
    let mut out: Vec<Entity> = vec![];
    for entity in found {
        if out.iter().any(|there| within(&entity, there)) {
            continue;
        }
        out.retain(|there| !within(there, &entity));
        out.push(entity);
    }
    out
}

fn entity(word: &'static str, kind: &EntityType, printed: &Printed, step: Option<&str>) -> Entity {
    let mut derived = vec![];
    let mut named = |of: &Identifier| match of {
        Identifier::Field(field) => column(printed, *field, step).map(str::to_owned),
        Identifier::Part(how, field) => {
            let made = Derived::new(*how, *field, column(printed, *field, step)?, printed);
            derived.push(made.clone());
            Some(made.name)
        }
        Identifier::Column(own) => printed.columns.iter().any(|c| c.name == *own).then(|| own.clone()),
    };
    let columns = kind.identifiers.iter().filter_map(|(identifier, of)| Some((identifier.clone(), named(of)?)));
    let columns = columns.collect();
    Entity { word, kind: kind.name.clone(), columns, derived }
}

/// Entities that a rule asks for, that the target's logs have, and that the query's columns do not name.
#[must_use]
pub fn missing(rule: &Rule, target: &Target, found: &[Entity]) -> Vec<Problem> {
    let mut out = vec![];
    for word in &rule.meta.entities {
        if found.iter().any(|e| e.word == word) {
            continue;
        }
        let types = target.alert.entities.get(word).into_iter().flatten();
        let mut fields = types.filter_map(|t| match t.identifiers.values().next()? {
            Identifier::Field(field) | Identifier::Part(_, field) => Some(*field),
            Identifier::Column(_) => None,
        });
        let logged = |field: &FieldId| rule.kinds.iter().any(|kind| target.mapping(*field, *kind).is_some());
        let Some(field) = fields.find(logged) else { continue };
        out.push(Problem {
            span: rule.span,
            why: format!("it has no column for the entity `{word}`"),
            cure: format!("add `{}` to `show`, or take `{word}` out of `entities`", field.short()),
        });
    }
    out
}

/// Text in which Microsoft's alerts see no placeholder, which is a column in double braces.
#[must_use]
pub fn without_placeholders(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if c == '{' && out.ends_with('{') {
            out.push(' ');
        }
        out.push(c);
    }
    out
}

/// What an analyst reads: the description, what to ask, what may be harmless, where to read on.
#[must_use]
pub fn about(rule: &Rule) -> String {
    told(rule, &[("Questions", &rule.meta.triage)])
}

/// The same without the questions, for platforms that have a place for these.
#[must_use]
pub fn about_without_questions(rule: &Rule) -> String {
    told(rule, &[])
}

fn told(rule: &Rule, first: &[(&str, &Vec<String>)]) -> String {
    let meta = &rule.meta;
    let description = meta.description.trim();
    let mut out = if description.is_empty() { meta.title.clone() } else { description.to_owned() };
    let rest = [("Known harmless causes", &meta.false_positives), ("References", &meta.references)];
    for (head, lines) in first.iter().chain(&rest).filter(|(_, lines)| !lines.is_empty()) {
        out.push_str(&format!("\n\n{head}:"));
        lines.iter().for_each(|line| out.push_str(&format!("\n- {}", line.trim())));
    }
    if !meta.attack.is_empty() {
        out.push_str(&format!("\n\nATT&CK: {}", meta.technique_ids().join(", ")));
    }
    out
}
