//! `| tstats … FROM datamodel=… WHERE … BY …`: statistics over a data model.
//!
//! Every field of the model carries its dataset's name (`Processes.user`); only the fields that all events have go without.
//! No wildcards and no eval() in aggregations and BY; `_time` in BY needs a span, of whole seconds at least. WHERE is a
//! search of comparisons. An event without a by-field is left out unless `fillnull_value` is given.

use super::aggregate::{self, Aggregation};
use super::lex::{Cursor, boolean};
use super::search::{self, Place, Search};
use super::{Result, SplError};

/// Fields that exist outside a data model's dataset.
const COMMON: [&str; 9] =
    ["_time", "index", "sourcetype", "source", "host", "splunk_server", "nodename", "earliest", "latest"];

/// A `tstats` command.
#[derive(Debug, Clone)]
pub(super) struct Tstats {
    pub prestats: bool,
    pub append: bool,
    pub fillnull: Option<String>,
    pub aggregations: Vec<Aggregation>,
    /// The root dataset, such as `Processes`.
    pub dataset: Option<String>,
    pub filter: Option<Search>,
    pub by: Vec<String>,
    /// Seconds.
    pub span: Option<f64>,
}

/// Reads what follows the word `tstats`.
pub(super) fn read(cursor: &mut Cursor<'_>) -> Result<Tstats> {
    let at = cursor.at;
    let (mut prestats, mut append, mut fillnull) = (false, false, None);
    loop {
        cursor.skip_space();
        if cursor.eat("`") {
            cursor.take(|c| c != '`');
            cursor.eat("`");
            continue;
        }
        let here = cursor.at;
        let Some((name, value)) = cursor.option()? else {
            break;
        };
        match name.as_str() {
            "prestats" => prestats = boolean(&value, here)?,
            "append" => append = boolean(&value, here)?,
            "fillnull_value" => fillnull = Some(value),
            "local" | "summariesonly" | "include_reduced_buckets" | "allow_old_summaries" => {
                boolean(&value, here)?;
            }
            "chunk_size" if value.parse::<u64>().is_ok_and(|size| size >= 10_000) => {}
            _ => {
                return Err(SplError::syntax(here, format!("`{name}={value}` is no option of tstats")));
            }
        }
    }
    if append && !prestats {
        return Err(SplError::syntax(at, "`append=t` works with `prestats=t` only"));
    }
    let aggregations = aggregate::list(cursor, &["FROM", "WHERE", "BY"], true)?;
    let dataset = if cursor.keyword("FROM") { Some(dataset(cursor)?) } else { None };
    let filter = if cursor.keyword("WHERE") { Some(search::expression(cursor, Place::Tstats)?) } else { None };
    let (by, span) = if cursor.keyword("BY") { by(cursor)? } else { (Vec::new(), None) };
    cursor.finish()?;
    let found = Tstats { prestats, append, fillnull, aggregations, dataset, filter, by, span };
    found.check(at)?;
    Ok(found)
}

/// `datamodel=Model.Dataset`
fn dataset(cursor: &mut Cursor<'_>) -> Result<String> {
    let at = cursor.at;
    match cursor.option()? {
        Some((name, value)) if name == "datamodel" => match value.split_once('.') {
            Some((model, dataset)) if !model.is_empty() && !dataset.is_empty() && !dataset.contains('.') => {
                Ok(dataset.to_owned())
            }
            _ => Err(SplError::syntax(at, "datamodel= names a model and its root dataset: `Endpoint.Processes`")),
        },
        _ => Err(SplError::syntax(at, "FROM needs datamodel=")),
    }
}

fn by(cursor: &mut Cursor<'_>) -> Result<(Vec<String>, Option<f64>)> {
    let mut span = None;
    let mut names = Vec::new();
    while !cursor.done() {
        let at = cursor.at;
        match cursor.option()? {
            Some((name, value)) if name == "span" && span.is_none() && !names.is_empty() => {
                span = Some(seconds(&value, at)?)
            }
            Some((name, value)) => {
                return Err(SplError::syntax(at, format!("`{name}={value}` in a BY clause")));
            }
            None => names.extend(cursor.fields(false, "")?),
        }
    }
    if names.is_empty() {
        return cursor.fail("BY needs fields");
    }
    Ok((names, span))
}

/// A span such as `1s`, `5m`, `1h`, `1d`, in seconds.
pub(super) fn seconds(text: &str, at: usize) -> Result<f64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = text.get(digits.len()..).unwrap_or_default();
    let factor = match unit {
        "" | "s" | "sec" | "secs" | "second" | "seconds" => 1.0,
        "m" | "min" | "mins" | "minute" | "minutes" => 60.0,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3600.0,
        "d" | "day" | "days" => 86_400.0,
        _ => {
            return Err(SplError::syntax(at, format!("`{text}` is no span of seconds, minutes, hours or days")));
        }
    };
    match digits.parse::<u32>() {
        Ok(amount) if amount > 0 => Ok(f64::from(amount) * factor),
        _ => Err(SplError::syntax(at, format!("`{text}` is no span"))),
    }
}

impl Tstats {
    fn check(&self, at: usize) -> Result<()> {
        if self.span.is_some() != self.by.iter().any(|name| name == "_time") {
            return Err(SplError::syntax(at, "`_time` in BY and span= belong together"));
        }
        let Some(dataset) = &self.dataset else {
            return Ok(());
        };
        let mut names: Vec<&str> = self.by.iter().map(String::as_str).collect();
        names.extend(self.aggregations.iter().filter_map(Aggregation::field));
        if let Some(filter) = &self.filter {
            compared(filter, &mut names);
        }
        let known = |name: &str| {
            COMMON.contains(&name) || name.strip_prefix(dataset.as_str()).is_some_and(|rest| rest.starts_with('.'))
        };
        match names.into_iter().find(|name| !known(name)) {
            Some(name) => Err(SplError::syntax(
                at,
                format!("`{name}` is no field of the dataset: its name begins with `{dataset}.`"),
            )),
            None => Ok(()),
        }
    }
}

/// The fields that a search compares.
fn compared<'a>(search: &'a Search, out: &mut Vec<&'a str>) {
    match search {
        Search::Compare { field, .. } | Search::In { field, .. } => out.push(field),
        Search::Not(inner) => compared(inner, out),
        Search::And(parts) | Search::Or(parts) => parts.iter().for_each(|part| compared(part, out)),
        _ => {}
    }
}
