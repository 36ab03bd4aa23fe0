//! Runs a pipeline: each command turns rows into rows.

use super::command::{Command, What};
use super::search::{Op, Search};
use super::value::texts;
use super::{Result, Row, SplError, calc, matching, rows, stream};

/// Runs all commands in order.
///
/// Between `tstats prestats=t` and the `stats` that ends it, no command may look at more than one row or take one away:
/// what those do to open statistics is not documented.
pub(super) fn pipeline(commands: &[Command], events: &[Row]) -> Result<Vec<Row>> {
    let generates = |command: &Command| matches!(&command.what, What::Search(_) | What::Tstats(_));
    let mut rows = if commands.first().is_some_and(generates) { vec![] } else { events.to_vec() };
    let mut last = 0;
    for (index, command) in commands.iter().enumerate() {
        last = command.at;
        let appends = matches!(&command.what, What::Tstats(tstats) if tstats.append);
        if appends && index > 0 {
            if let What::Tstats(tstats) = &command.what {
                rows.extend(stream::tstats(events, tstats, command.at)?);
            }
            continue;
        }
        rows = match &command.what {
            What::Search(search) if index == 0 => {
                let search = subsearched(search, events)?;
                let mut found = vec![];
                for row in events {
                    if matching::holds(&search, row)? {
                        found.push(row.clone());
                    }
                }
                found
            }
            What::Tstats(tstats) if index == 0 => stream::tstats(events, tstats, command.at)?,
            What::Stats { aggregations, by } if stream::is_open(&rows) => {
                stream::closing(&rows, aggregations, by, command.at)?
            }
            What::Eval(_) | What::Fillnull { .. } | What::Rename(_) => step(command, rows)?,
            _ if stream::is_open(&rows) => {
                return Err(SplError::undocumented(command.at, "this command on the rows of tstats prestats=t"));
            }
            _ => step(command, rows)?,
        };
    }
    match stream::is_open(&rows) {
        true => Err(SplError::undocumented(last, "tstats prestats=t without the stats that ends it")),
        false => Ok(rows),
    }
}

/// The most results that a subsearch gives (maxout in limits.conf).
const RESULTS: usize = 10_000;

/// The search with what its subsearches give in their place: `field="value"` for each result, any of which may hold, and
/// what holds nowhere for none.
fn subsearched(search: &Search, events: &[Row]) -> Result<Search> {
    let each = |parts: &[Search]| parts.iter().map(|part| subsearched(part, events)).collect::<Result<Vec<_>>>();
    Ok(match search {
        Search::Not(inner) => Search::Not(Box::new(subsearched(inner, events)?)),
        Search::And(parts) => Search::And(each(parts)?),
        Search::Or(parts) => Search::Or(each(parts)?),
        Search::Subsearch(commands) => {
            let at = commands.first().map_or(0, |command| command.at);
            let mut found = Vec::new();
            for row in pipeline(commands, events)?.into_iter().take(RESULTS) {
                for field in row.keys().filter(|name| !name.starts_with('_')) {
                    let values = texts(&row, field, at)?.into_iter();
                    let is = |value| Search::Compare { field: field.clone(), op: Op::Eq, value, at };
                    found.extend(values.map(is));
                }
            }
            Search::Or(found)
        }
        other => other.clone(),
    })
}

fn step(command: &Command, mut given: Vec<Row>) -> Result<Vec<Row>> {
    let at = command.at;
    match &command.what {
        What::Search(search) => filter(given, |row| matching::holds(search, row)),
        What::Where(expr) => filter(given, |row| calc::holds(expr, row)),
        What::Regex { name, wanted, pattern } => filter(given, |row| rows::regex(row, name, *wanted, pattern, at)),
        What::Eval(assignments) => {
            for row in &mut given {
                for (name, expr) in assignments {
                    match calc::value(expr, row)?.store() {
                        Some(value) => row.insert(name.clone(), value),
                        None => row.shift_remove(name),
                    };
                }
            }
            Ok(given)
        }
        What::Fields { keep, names } => Ok(given.iter().map(|row| rows::fields(row, *keep, names)).collect()),
        What::Table(names) => Ok(given.iter().map(|row| rows::table(row, names)).collect()),
        What::Rename(pairs) => given.iter().map(|row| rows::rename(row, pairs, at)).collect(),
        What::Fillnull { value, names } => {
            rows::fillnull(&mut given, value, names);
            Ok(given)
        }
        What::Tstats(tstats) => stream::tstats(&given, tstats, at),
        What::Stats { aggregations, by } => stream::stats(&given, aggregations, by, at),
        What::Eventstats { aggregations, by } => stream::eventstats(&given, aggregations, by, at),
        What::Streamstats(streamstats) => stream::streamstats(&given, streamstats, at),
        What::Sort(keys) => rows::sort(&given, keys, at),
        What::Head(count) => {
            given.truncate(*count);
            Ok(given)
        }
        What::Dedup { count, keepempty, names } => rows::dedup(&given, *count, *keepempty, names, at),
        What::Makemv { delimiter, name } => given.iter().map(|row| rows::makemv(row, delimiter, name, at)).collect(),
        What::Mvexpand(name) => {
            let expanded: Vec<Vec<Row>> =
                given.iter().map(|row| rows::mvexpand(row, name, at)).collect::<Result<_>>()?;
            Ok(expanded.concat())
        }
        What::Rex { name, pattern } => given.iter().map(|row| rows::rex(row, name, pattern, at)).collect(),
        What::Bin { name, span, target } => given.iter().map(|row| rows::bin(row, name, *span, target, at)).collect(),
        What::Other(what) => Err(SplError::unsupported(at, format!("{what} is not evaluated"))),
    }
}

fn filter(rows: Vec<Row>, test: impl Fn(&Row) -> Result<bool>) -> Result<Vec<Row>> {
    let mut out = Vec::new();
    for row in rows {
        if test(&row)? {
            out.push(row);
        }
    }
    Ok(out)
}
