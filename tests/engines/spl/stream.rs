//! Statistics over rows: `stats`, `eventstats`, `streamstats`, `tstats`.
//!
//! `stats` and `tstats` leave rows without a by-field out. What `streamstats` and `eventstats` do with them is not
//! documented, so it is an error: fill the field first.

use super::aggregate::{Account, Aggregation};
use super::command::Streamstats;
use super::matching;
use super::tstats::Tstats;
use super::value::{Value, json_number, load, number, texts};
use super::{Result, Row, SplError};
use serde_json::Value as Json;
use std::collections::{BTreeMap, VecDeque};

/// The by-values of a row.
type Group = Vec<String>;

/// The group of a row; nothing where a by-field is missing.
fn group(row: &Row, by: &[String], at: usize) -> Result<Option<Group>> {
    let mut out = Vec::new();
    for name in by {
        let mut found = texts(row, name, at)?;
        match (found.pop(), found.is_empty()) {
            (None, _) => return Ok(None),
            (Some(text), true) => out.push(text),
            _ => {
                return Err(SplError::undocumented(at, format!("`{name}` has several values in a BY clause")));
            }
        }
    }
    Ok(Some(out))
}

fn required(row: &Row, by: &[String], at: usize) -> Result<Group> {
    group(row, by, at)?
        .ok_or_else(|| SplError::undocumented(at, format!("a row without one of `{}` in BY", by.join("`, `"))))
}

fn start(aggregations: &[Aggregation]) -> Vec<Account> {
    aggregations.iter().map(Aggregation::start).collect()
}

fn feed(aggregations: &[Aggregation], accounts: &mut [Account], row: &Row) -> Result<()> {
    aggregations.iter().zip(accounts).try_for_each(|(aggregation, account)| aggregation.feed(account, row))
}

/// Puts the results into `row`; those without a value take the field away.
fn write(aggregations: &[Aggregation], accounts: &[Account], row: &mut Row) -> Result<()> {
    for (aggregation, account) in aggregations.iter().zip(accounts) {
        match account.result()? {
            Some(value) => {
                row.insert(aggregation.name.clone(), value);
            }
            None if row.get(&aggregation.name).is_some_and(|value| !value.is_null()) => {
                return Err(SplError::undocumented(
                    aggregation.at,
                    format!("`{}` has a value and the statistic has none", aggregation.name),
                ));
            }
            None => {}
        }
    }
    Ok(())
}

/// `stats`: one row a group, ordered by the group.
pub(super) fn stats(rows: &[Row], aggregations: &[Aggregation], by: &[String], at: usize) -> Result<Vec<Row>> {
    let mut groups: BTreeMap<Group, Vec<Account>> = BTreeMap::new();
    if by.is_empty() {
        groups.insert(Vec::new(), start(aggregations));
    }
    for row in rows {
        if let Some(group) = group(row, by, at)? {
            feed(aggregations, groups.entry(group).or_insert_with(|| start(aggregations)), row)?;
        }
    }
    let mut out = Vec::new();
    for (group, accounts) in groups {
        let mut row: Row = by.iter().cloned().zip(group.into_iter().map(Json::String)).collect();
        write(aggregations, &accounts, &mut row)?;
        out.push(row);
    }
    Ok(out)
}

/// `eventstats`: the statistics of its group on every row.
pub(super) fn eventstats(rows: &[Row], aggregations: &[Aggregation], by: &[String], at: usize) -> Result<Vec<Row>> {
    let mut groups: BTreeMap<Group, Vec<Account>> = BTreeMap::new();
    for row in rows {
        feed(aggregations, groups.entry(required(row, by, at)?).or_insert_with(|| start(aggregations)), row)?;
    }
    let mut out = Vec::new();
    for row in rows {
        let mut row = row.clone();
        if let Some(accounts) = groups.get(&required(&row, by, at)?) {
            write(aggregations, accounts, &mut row)?;
        }
        out.push(row);
    }
    Ok(out)
}

/// `streamstats`: the statistics of the rows so far, of the same group, within the window.
pub(super) fn streamstats(rows: &[Row], command: &Streamstats, at: usize) -> Result<Vec<Row>> {
    if command.time_window {
        return Err(SplError::undocumented(at, "whether a row exactly as old as time_window is inside"));
    }
    if command.window == 0 && rows.len() > 10_000 {
        return Err(SplError::undocumented(at, "streamstats without a window over more than max_stream_window rows"));
    }
    match command.window {
        0 => cumulative(rows, command, at),
        _ => windowed(rows, command, at),
    }
}

fn cumulative(rows: &[Row], command: &Streamstats, at: usize) -> Result<Vec<Row>> {
    let aggregations = &command.aggregations;
    let mut groups: BTreeMap<Group, Vec<Account>> = BTreeMap::new();
    let mut out = Vec::new();
    for row in rows {
        let accounts = groups.entry(required(row, &command.by, at)?).or_insert_with(|| start(aggregations));
        let mut changed = row.clone();
        if command.current {
            feed(aggregations, accounts, row)?;
            write(aggregations, accounts, &mut changed)?;
        } else {
            write(aggregations, accounts, &mut changed)?;
            feed(aggregations, accounts, row)?;
        }
        out.push(changed);
    }
    Ok(out)
}

fn windowed(rows: &[Row], command: &Streamstats, at: usize) -> Result<Vec<Row>> {
    let mut windows: BTreeMap<Group, VecDeque<(Group, &Row)>> = BTreeMap::new();
    let mut out = Vec::new();
    for row in rows {
        let own = required(row, &command.by, at)?;
        let window = windows.entry(if command.global { Vec::new() } else { own.clone() }).or_default();
        if command.current {
            push(window, command.window, (own.clone(), row));
        }
        let mut accounts = start(&command.aggregations);
        for (_, seen) in window.iter().filter(|(group, _)| *group == own) {
            feed(&command.aggregations, &mut accounts, seen)?;
        }
        let mut changed = row.clone();
        write(&command.aggregations, &accounts, &mut changed)?;
        out.push(changed);
        if !command.current {
            push(window, command.window, (own, row));
        }
    }
    Ok(out)
}

fn push<'a>(window: &mut VecDeque<(Group, &'a Row)>, size: usize, entry: (Group, &'a Row)) {
    window.push_back(entry);
    if window.len() > size {
        window.pop_front();
    }
}

/// `tstats`: the rows are the data model's events, their fields named `Dataset.field`.
///
/// A row belongs to the dataset if it has at least one field of it. With `prestats` the statistics are still open: the rows
/// are those of the events, marked with what they are for, and only `stats` with the same statistics may end them.
pub(super) fn tstats(rows: &[Row], command: &Tstats, at: usize) -> Result<Vec<Row>> {
    let prefix = command.dataset.as_ref().map(|dataset| format!("{dataset}."));
    let mut kept = Vec::new();
    for row in rows {
        let member = prefix.as_ref().is_none_or(|prefix| row.keys().any(|field| field.starts_with(prefix.as_str())));
        let wanted = || match &command.filter {
            Some(filter) => matching::holds(filter, row),
            None => Ok(true),
        };
        if member && wanted()? {
            kept.push(prepared(row, command, at)?);
        }
    }
    if command.prestats {
        return kept.iter().map(|row| open(row, command, at)).collect();
    }
    let mut out = stats(&kept, &command.aggregations, &binned(&command.by), at)?;
    for row in &mut out {
        if let Some(time) = row.shift_remove(BIN) {
            let number = time.as_str().and_then(number).map(json_number);
            row.insert("_time".to_owned(), number.unwrap_or(time));
        }
    }
    Ok(out)
}

/// Columns of a row whose statistics are open: which ones, and the time of its event.
const OPEN: &str = "prestats: statistics";
const TIME: &str = "prestats: time";

/// A row with open statistics: its by-fields, and what `stats` needs.
fn open(row: &Row, command: &Tstats, at: usize) -> Result<Row> {
    let known = |aggregation: &Aggregation| aggregation.field().is_none_or(|field| field == "_time");
    if !command.aggregations.iter().all(known) {
        return Err(SplError::unsupported(at, "prestats of anything but the number of events and their times"));
    }
    let mut out = Row::new();
    for name in &command.by {
        let from = if name == "_time" { BIN } else { name };
        if let Some(value) = row.get(from) {
            out.insert(name.clone(), value.clone());
        }
    }
    out.insert(OPEN.to_owned(), Json::from(signature(&command.aggregations)));
    out.insert(TIME.to_owned(), row.get("_time").cloned().unwrap_or(Json::Null));
    Ok(out)
}

fn signature(aggregations: &[Aggregation]) -> String {
    let mut all: Vec<String> = aggregations.iter().map(Aggregation::kind).collect();
    all.sort();
    all.join(", ")
}

/// `stats` behind `tstats prestats=t`: the same statistics, over the events themselves.
pub(super) fn closing(rows: &[Row], aggregations: &[Aggregation], by: &[String], at: usize) -> Result<Vec<Row>> {
    let same = signature(aggregations);
    let mut plain = Vec::new();
    for row in rows {
        if row.get(OPEN).and_then(Json::as_str) != Some(&same) {
            return Err(SplError::undocumented(at, "statistics other than those that tstats prepared"));
        }
        let mut row = row.clone();
        row.shift_remove(OPEN);
        if let Some(bin) = row.insert("_time".to_owned(), row.get(TIME).cloned().unwrap_or(Json::Null)) {
            row.insert(BIN.to_owned(), bin);
        }
        row.shift_remove(TIME);
        plain.push(row);
    }
    let mut out = stats(&plain, aggregations, &binned(by), at)?;
    for row in &mut out {
        if let Some(time) = row.shift_remove(BIN) {
            let number = time.as_str().and_then(number).map(json_number);
            row.insert("_time".to_owned(), number.unwrap_or(time));
        }
    }
    Ok(out)
}

/// Whether statistics of these rows are open.
pub(super) fn is_open(rows: &[Row]) -> bool {
    rows.iter().any(|row| row.contains_key(OPEN))
}

/// The column that holds the bucket of `_time`, so that `min(_time)` still sees the time itself.
const BIN: &str = "_time's bucket";

fn binned(by: &[String]) -> Vec<String> {
    by.iter().map(|name| if name == "_time" { BIN.to_owned() } else { name.clone() }).collect()
}

fn prepared(row: &Row, command: &Tstats, at: usize) -> Result<Row> {
    let mut row = row.clone();
    if let (Some(span), Value::Num(time, _)) = (command.span, load(&row, "_time", at)?) {
        row.insert(BIN.to_owned(), json_number((time / span).floor() * span));
    }
    if let Some(value) = &command.fillnull {
        for name in &command.by {
            row.entry(name.clone()).or_insert_with(|| Json::String(value.clone()));
        }
    }
    Ok(row)
}
