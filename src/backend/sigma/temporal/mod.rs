//! Rules over several events as Sigma correlations: the correlation, and a base rule for each log source of each step.
//!
//! Guarantees: a group of events fires exactly where the rule has a match, up to what engines decide (the resolution of
//! time, the case of group keys, how often a group fires again). Base rules ask that each group key has a value, since
//! engines do not agree on events that lack one. Their level is `informational`: by themselves they are no alerts.

mod apart;
mod count;
mod fit;
mod steps;
#[cfg(test)]
mod tests;

pub use fit::fit;

use super::detection::Detection;
use super::{detected, head, list, own_title, plain_note, suffix, tail, text};
use crate::backend::output::add_source;
use crate::backend::yaml::scalar;
use crate::backend::{Fragment, Printed};
use crate::duration;
use crate::ir::{Count, Key, OneEvent, Steps, Window};
use crate::sema::{Project, Rule};
use crate::source::Span;
use crate::target::temporal::StepSource;
use crate::target::{Column, How, Mapping, Note, Source, SourceQuery, Target, Unsupported};
use crate::vocabulary::FieldId;
use uuid::Uuid;

/// A rule that needs more correlations than this is none that anybody installs.
const MOST_CORRELATIONS: usize = 16;

/// What a rule over several events becomes.
struct Said<'t> {
    correlations: Vec<Correlation>,
    bases: Vec<Base<'t>>,
    notes: Vec<Note>,
}

/// A correlation.
struct Correlation {
    kind: &'static str,
    /// The base rules, by their place.
    rules: Vec<usize>,
    groups: Vec<Group>,
    timespan: String,
    /// The field whose values are counted.
    field: Option<String>,
    at_least: u64,
    /// Its log sources, for its id.
    sources: String,
}

/// A key of a correlation.
struct Group {
    /// Its alias, where the base rules call it differently.
    name: String,
    /// The column in each of the base rules.
    columns: Vec<String>,
}

impl Group {
    fn differs(&self) -> bool {
        self.columns.iter().any(|c| Some(c) != self.columns.first())
    }

    /// What a correlation calls it.
    fn called(&self) -> &str {
        self.columns.first().filter(|_| !self.differs()).map_or(&self.name, String::as_str)
    }
}

/// A rule that a correlation reads.
struct Base<'t> {
    /// What the correlation calls it.
    name: String,
    /// The step that it finds the events of.
    step: String,
    title: String,
    about: String,
    id: String,
    query: SourceQuery<'t>,
    /// Columns that must have a value.
    keys: Vec<String>,
}

impl<'t> Base<'t> {
    /// The base rule of one of a step's log sources; `first` is the first of them, `what` says in a title and in a
    /// description what it finds.
    fn new(rule: &Rule, step: &str, what: (&str, String), first: &StepSource<'t>, source: &StepSource<'t>) -> Base<'t> {
        let (first, query) = (query(first), query(source));
        let other = (!std::ptr::eq(first.source, query.source)).then(|| suffix(&first, &query));
        let on = other.as_ref().map_or_else(String::new, |other| format!(" ({other})"));
        let end = other.as_ref().map_or_else(String::new, |other| format!(".{}", slug(other)));
        Base {
            name: format!("{}.{step}{end}", rule.name),
            title: format!("{} - {}{on}", own_title(rule), what.0),
            step: step.to_owned(),
            about: what.1,
            id: id_of(rule, &format!("step={step}&{}", source_id(source.source))),
            query,
            keys: vec![],
        }
    }
}

fn query<'t>(source: &StepSource<'t>) -> SourceQuery<'t> {
    SourceQuery {
        source: source.source,
        kind: source.kind,
        os: source.os.clone(),
        detect: source.detect.clone(),
        exceptions: source.exceptions.clone(),
        flags: vec![],
        score: None,
        show: vec![],
        names: vec![],
    }
}

fn slug(words: &str) -> String {
    words.to_lowercase().replace(' ', "_")
}

/// What tells log sources apart in ids.
fn source_id(source: &Source) -> String {
    source.logsource.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join("&")
}

/// The id of a further document of a rule, the same on every build.
fn id_of(rule: &Rule, what: &str) -> String {
    let namespace = Uuid::parse_str(&rule.meta.id).unwrap_or(Uuid::NAMESPACE_URL);
    Uuid::new_v5(&namespace, what.as_bytes()).to_string()
}

/// Prints a rule over steps.
///
/// # Errors
/// What Sigma, or the target, cannot say.
pub fn steps(rule: &Rule, steps: &Steps, project: &Project, target: &Target) -> Result<Printed, Vec<Unsupported>> {
    let events: Vec<&OneEvent> = steps.required().map(|(_, step)| &step.events).collect();
    groupable(&events, steps.keys.iter(), target)?;
    print(rule, target, steps::said(rule, steps, project, target)?)
}

/// Prints a count.
///
/// # Errors
/// What Sigma, or the target, cannot say.
pub fn count(rule: &Rule, count: &Count, project: &Project, target: &Target) -> Result<Printed, Vec<Unsupported>> {
    groupable(&[&count.events], count.keys.iter().chain(&count.distinct), target)?;
    print(rule, target, count::said(rule, count, project, target)?)
}

/// Whether events can be grouped by these keys: a field must be a column as it is.
fn groupable<'a>(
    events: &[&OneEvent],
    keys: impl Iterator<Item = &'a Key>,
    target: &Target,
) -> Result<(), Vec<Unsupported>> {
    let mut refused: Vec<Unsupported> = vec![];
    for key in keys {
        for mapping in events.iter().flat_map(|e| e.kinds()).filter_map(|kind| target.mapping(key.field, kind)) {
            let why = match mapping {
                Mapping::Column(_) => continue,
                other => format!(
                    "has `{}` only as a part of `{}`, and Sigma computes nothing",
                    key.field.short(),
                    other.column()
                ),
            };
            let unsupported = Unsupported::new(key.span, why);
            if !refused.contains(&unsupported) {
                refused.push(unsupported);
            }
        }
    }
    if refused.is_empty() { Ok(()) } else { Err(refused) }
}

fn print(rule: &Rule, target: &Target, said: Said) -> Result<Printed, Vec<Unsupported>> {
    let mut documents = vec![];
    let mut refused = vec![];
    for base in &said.bases {
        match Detection::of(rule, &base.query, target, &base.keys) {
            Ok(detection) => documents.push(base_document(rule, base, &detection)),
            Err(mut errors) => refused.append(&mut errors),
        }
    }
    if !refused.is_empty() {
        return Err(refused);
    }
    // Base rules first: pySigma sorts rules by who refers to whom, and several correlations in front of their base rules
    // leave it with an order in which it converts none of them.
    for (index, correlation) in said.correlations.iter().enumerate() {
        documents.push(document(rule, &said, correlation, index));
    }
    let mut notes: Vec<Note> = vec![];
    for note in said.notes {
        if !notes.contains(&note) {
            notes.push(note);
        }
    }
    notes.extend(plain_note(target, said.bases.iter().map(|base| &base.query)));
    notes.extend(super::line_end::note(target, said.bases.iter().map(|base| &base.query)));
    let mut sources = vec![];
    said.bases.iter().for_each(|base| add_source(&mut sources, base.query.kind, base.query.source));
    let fragments = vec![("documents", Fragment::List(documents))];
    Ok(Printed { fragments, notes, sources, ..Printed::default() })
}

/// A window in Sigma's units.
fn timespan(window: Window) -> Result<String, Unsupported> {
    if window.micros % 1_000_000 != 0 {
        return Err(Unsupported::new(window.span, "counts time in whole seconds"));
    }
    Ok(duration::written(window.micros.unsigned_abs() / 1_000_000))
}

/// A column that events can be grouped by.
fn whole(field: FieldId, column: Option<&Option<Column>>, span: Span) -> Result<String, Unsupported> {
    let name = field.short();
    match column.and_then(Option::as_ref) {
        Some(column) if column.how == How::Whole => Ok(column.name.clone()),
        Some(column) => {
            let why = format!("has `{name}` only as a part of `{}`, and Sigma computes nothing", column.name);
            Err(Unsupported::new(span, why))
        }
        None => Err(Unsupported::new(span, format!("has no `{name}` in these events"))),
    }
}

/// Adds a key, unless there is one with the same columns; the name of an alias is free.
fn grouped(groups: &mut Vec<Group>, name: &str, columns: Vec<String>) {
    if groups.iter().any(|g| g.columns == columns) {
        return;
    }
    let name = name.replace('.', "_").to_lowercase();
    let taken = |name: &str| groups.iter().any(|g| g.name == name);
    let free = (2..).map(|n| format!("{name}_{n}")).find(|n| !taken(n));
    let name = if taken(&name) { free.unwrap_or(name) } else { name };
    groups.push(Group { name, columns });
}

fn document(rule: &Rule, said: &Said, correlation: &Correlation, index: usize) -> Fragment {
    let meta = &rule.meta;
    let mut related = meta.related.clone();
    let (mut id, mut title) = (meta.id.clone(), own_title(rule));
    if index > 0 {
        related.insert(0, ("similar".to_owned(), meta.id.clone()));
        id = id_of(rule, &correlation.sources);
        title = format!("{title} - {}", ending(said, correlation));
    }
    let mut fields = head(rule, &title, id, &related, &meta.description);
    fields.extend([("name", text("")), ("correlation", list(lines(said, correlation)))]);
    fields.extend(tail(rule));
    Fragment::record(fields)
}

/// What tells a further correlation from the first one: what all its log sources have in common, or else the steps whose
/// log source is another one.
fn ending(said: &Said, correlation: &Correlation) -> String {
    let base = |place: &usize| said.bases.get(*place);
    let first = said.correlations.first().map(|c| c.rules.as_slice()).unwrap_or_default();
    let mut words: Vec<(String, &str)> = vec![];
    for (a, b) in first.iter().zip(&correlation.rules) {
        let (Some(a), Some(b)) = (base(a), base(b)) else { continue };
        if !std::ptr::eq(a.query.source, b.query.source) {
            words.push((suffix(&a.query, &b.query), b.step.as_str()));
        }
    }
    match words.split_first() {
        Some(((word, _), rest)) if words.len() == first.len() && rest.iter().all(|(w, _)| w == word) => word.clone(),
        _ => {
            let all: Vec<String> =
                words.iter().map(|(w, step)| format!("{w} for {}", step.replace('_', " "))).collect();
            all.join(", ")
        }
    }
}

/// The lines below `correlation:`.
fn lines(said: &Said, correlation: &Correlation) -> Vec<String> {
    let names: Vec<String> =
        correlation.rules.iter().filter_map(|r| said.bases.get(*r)).map(|b| scalar(&b.name)).collect();
    let mut out = vec![format!("type: {}", correlation.kind), "rules:".to_owned()];
    out.extend(names.iter().map(|name| format!("    - {name}")));
    out.push("group-by:".to_owned());
    out.extend(correlation.groups.iter().map(|g| format!("    - {}", scalar(g.called()))));
    out.push(format!("timespan: {}", correlation.timespan));
    if correlation.groups.iter().any(Group::differs) {
        out.push("aliases:".to_owned());
    }
    for group in correlation.groups.iter().filter(|g| g.differs()) {
        out.push(format!("    {}:", scalar(&group.name)));
        let each = names.iter().zip(&group.columns);
        out.extend(each.map(|(name, column)| format!("        {name}: {}", scalar(column))));
    }
    out.push("condition:".to_owned());
    out.extend(correlation.field.iter().map(|field| format!("    field: {}", scalar(field))));
    out.push(format!("    gte: {}", correlation.at_least));
    out
}

fn base_document(rule: &Rule, base: &Base, detection: &Detection) -> Fragment {
    let mut fields = head(rule, &base.title, base.id.clone(), &[], &base.about);
    fields.extend([("name", text(scalar(&base.name))), ("correlation", list([]))]);
    fields.extend(detected(&base.query, detection));
    fields.extend([("falsepositives", list([])), ("level", text("informational"))]);
    Fragment::record(fields)
}
