//! What a target can say, in words: `arcanary targets show NAME`.

use super::{Case, CaseValue, How, Mapping, Scalar, Source, Target};
use crate::duration;
use crate::vocabulary::{FieldId, Kind, fields};
use std::fmt::Write as _;

/// A page about a target: its log sources, what each field becomes, and what it lacks.
#[must_use]
pub fn describe(target: &Target) -> String {
    let mut out = format!("{}: {}\n", target.name, target.title);
    if let Some(max) = target.max_characters {
        let _ = writeln!(out, "Queries have {max} characters at most.");
    }
    if !target.filler.is_empty() {
        let _ = writeln!(out, "These stand for a missing value: {}", target.filler.join(" "));
    }
    documents(target, &mut out);
    for (name, text) in &target.macros {
        let _ = writeln!(out, "Macro `{name}` is {text}");
    }
    for (name, cases) in &target.computed {
        let words: Vec<String> = cases.iter().map(case_words).collect();
        let _ = writeln!(out, "{name} is {}", words.join("; else "));
    }
    for kind in Kind::ALL {
        let Some(sources) = target.sources.get(&kind) else {
            let _ = writeln!(out, "\n{} events: none", kind.word());
            continue;
        };
        let _ = writeln!(out, "\n{} events", kind.word());
        for source in sources {
            let _ = writeln!(out, "  from {}", source_words(source));
        }
        let width = fields::all().filter(|f| f.def().has_kind(kind)).map(|f| f.short().len()).max().unwrap_or(0);
        let mut lacking = vec![];
        for field in fields::all().filter(|f| f.def().has_kind(kind) && is_column(*f)) {
            match target.mapping(field, kind) {
                Some(mapping) => {
                    let _ = writeln!(out, "    {:width$}  {}", field.short(), mapping_words(mapping));
                }
                None => match constant(field, kind, sources) {
                    Some(words) => {
                        let _ = writeln!(out, "    {:width$}  known of each log source: {words}", field.short());
                    }
                    None => lacking.push(field.short()),
                },
            }
        }
        if !lacking.is_empty() {
            let _ = writeln!(out, "  cannot say: {}", lacking.join(", "));
        }
    }
    out
}

fn case_words(case: &Case) -> String {
    let value = match &case.value {
        CaseValue::Column(column) => column.clone(),
        CaseValue::Text(text) => format!("\"{text}\""),
    };
    let filter: Vec<String> = case.filter.iter().map(|(column, all)| format!("{column} is {}", scalars(all))).collect();
    if filter.is_empty() { value } else { format!("{value} where {}", filter.join(" and ")) }
}

/// Which documents there are, and how often their rules run.
fn documents(target: &Target, out: &mut String) {
    if target.documents.is_empty() {
        return;
    }
    let words: Vec<&str> = target.documents.iter().map(|f| f.word()).collect();
    let _ = writeln!(out, "Documents around queries: {}", words.join(", "));
    let alert = &target.alert;
    if alert.every > 0 {
        let late = match alert.delay {
            0 => String::new(),
            delay => format!("; events may come in {} late", duration::written(delay)),
        };
        let _ = writeln!(out, "Rules run every {} unless they say otherwise{late}.", duration::written(alert.every));
    }
    if !alert.entities.is_empty() {
        let words: Vec<&str> = alert.entities.keys().map(String::as_str).collect();
        let _ = writeln!(out, "Entities: {}", words.join(", "));
    }
}

/// A field that the log sources themselves decide.
fn constant(field: FieldId, kind: Kind, sources: &[Source]) -> Option<String> {
    if field.short() == "host.os" && sources.iter().all(|s| s.os.len() == 1) {
        return Some(sources.iter().flat_map(|s| s.os.iter().map(|o| o.word())).collect::<Vec<_>>().join(", "));
    }
    let mut words: Vec<&str> = vec![];
    for source in sources.iter().filter(|_| field.def().has_kind(kind)) {
        for word in source.when.iter().filter(|(f, _)| *f == field).flat_map(|(_, w)| w) {
            if !words.contains(&word.as_str()) {
                words.push(word);
            }
        }
    }
    (!words.is_empty()).then(|| words.join(", "))
}

/// Identities and arguments are not mapped: the first are for sequences, the second are read from command lines.
fn is_column(field: FieldId) -> bool {
    let name = field.short().trim_start_matches("parent.");
    !matches!(name, "host" | "user" | "process" | "parent") && !name.starts_with("argument")
}

impl Source {
    /// The table, macro, data model or log source where its events lie.
    #[must_use]
    pub fn place(&self) -> String {
        match (&self.table, &self.macro_name, &self.datamodel) {
            (Some(table), ..) => table.clone(),
            (_, Some(name), _) => format!("`{name}`"),
            (.., Some(model)) => format!("datamodel {model}"),
            _ => self.logsource.iter().map(|(k, v)| format!("{k} {v}")).collect::<Vec<_>>().join(", "),
        }
    }
}

fn source_words(source: &Source) -> String {
    let systems: Vec<_> = source.os.iter().map(|o| o.word()).collect();
    let mut place = source.place();
    for (column, values) in &source.filter {
        let _ = write!(place, ", {column} = {}", scalars(values));
    }
    for (field, words) in &source.when {
        let _ = write!(place, ", {} = {}", field.short(), words.join(" or "));
    }
    for (column, own) in &source.columns {
        let _ = match own {
            Some(own) => write!(place, ", {column} is {own}"),
            None => write!(place, ", without {column}"),
        };
    }
    format!("{place} ({})", systems.join(", "))
}

fn scalars(values: &[Scalar]) -> String {
    let words: Vec<String> = values
        .iter()
        .map(|v| match v {
            Scalar::Number(n) => n.to_string(),
            Scalar::Text(t) => t.clone(),
        })
        .collect();
    words.join(" or ")
}

fn mapping_words(mapping: &Mapping) -> String {
    match mapping {
        Mapping::Column(column) => column.clone(),
        Mapping::Part(How::Computed, column) => format!("{column}, which the query computes"),
        Mapping::Part(how, column) => format!("{} {column}", how.word()),
        Mapping::Keyed { column, key, bare: false } => format!("{key}=… in {column}"),
        Mapping::Keyed { column, key, bare: true } => format!("{key}=… in {column}, or {column}"),
        Mapping::Equals { column, value } => format!("{column} = {}", scalars(std::slice::from_ref(value))),
        Mapping::Words { column, words } => {
            let words: Vec<String> = words.iter().map(|(w, v)| format!("{w} = {}", scalars(v))).collect();
            format!("{column}: {}", words.join(", "))
        }
    }
}
