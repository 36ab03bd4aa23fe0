//! The pipeline and the arguments of each command.
//!
//! The first stage is a search without the word, or begins with a pipe and a command that makes its own rows. Commands
//! that the project never prints (`join`, `append`, `transaction`, `map` …) are refused with that reason, since each has
//! limits that lose events silently; `sort` is refused without its explicit `0` for the same reason.

use super::aggregate::Aggregation;
use super::arguments;
use super::eval;
use super::expr::Expr;
use super::lex::{Cursor, stages};
use super::pattern::Pattern;
use super::search::{self, Place, Search};
use super::tstats::{self, Tstats};
use super::{Kind, Result, SplError};

/// A command and where it begins.
#[derive(Debug, Clone)]
pub(super) struct Command {
    pub at: usize,
    pub what: What,
}

/// What a command does.
#[derive(Debug, Clone)]
pub(super) enum What {
    Search(Search),
    Where(Expr),
    Eval(Vec<(String, Expr)>),
    Fields {
        keep: bool,
        names: Vec<String>,
    },
    Table(Vec<String>),
    Rename(Vec<(String, String)>),
    Fillnull {
        value: String,
        names: Vec<String>,
    },
    Tstats(Box<Tstats>),
    Stats {
        aggregations: Vec<Aggregation>,
        by: Vec<String>,
    },
    Eventstats {
        aggregations: Vec<Aggregation>,
        by: Vec<String>,
    },
    Streamstats(Box<Streamstats>),
    Sort(Vec<Key>),
    Head(usize),
    Dedup {
        count: usize,
        keepempty: bool,
        names: Vec<String>,
    },
    Makemv {
        delimiter: String,
        name: String,
    },
    Mvexpand(String),
    Rex {
        name: String,
        pattern: Box<Pattern>,
    },
    Regex {
        name: String,
        wanted: bool,
        pattern: Box<Pattern>,
    },
    Bin {
        name: String,
        span: f64,
        target: String,
    },
    /// Read but not evaluated: `lookup`, `inputlookup`, `convert`, a macro that was not expanded.
    Other(&'static str),
}

/// A key of `sort`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    pub descending: bool,
    /// `auto`, `num`, `str` or `ip`.
    pub kind: &'static str,
    pub name: String,
}

/// `streamstats`.
#[derive(Debug, Clone)]
pub(super) struct Streamstats {
    /// 0: all rows so far.
    pub window: usize,
    pub current: bool,
    pub global: bool,
    pub time_window: bool,
    pub aggregations: Vec<Aggregation>,
    pub by: Vec<String>,
}

/// Commands with a reason of their own for being refused.
const NEVER: [&str; 14] = [
    "join",
    "append",
    "appendcols",
    "appendpipe",
    "transaction",
    "map",
    "multisearch",
    "union",
    "collect",
    "outputlookup",
    "sendemail",
    "delete",
    "script",
    "foreach",
];
/// Commands that make rows and stand behind a leading pipe.
const GENERATING: [&str; 2] = ["tstats", "inputlookup"];

/// Reads a cleaned query; `place` says how its searches are written.
pub(super) fn pipeline(clean: &str, place: Place) -> Result<Vec<Command>> {
    let mut ranges = stages(clean, (0, clean.len()));
    let leading = clean.trim_start().starts_with('|');
    if leading {
        ranges.remove(0);
    }
    let mut out = Vec::new();
    for (index, range) in ranges.into_iter().enumerate() {
        let mut cursor = Cursor::new(clean, range);
        cursor.skip_space();
        if cursor.done() {
            return cursor.fail("a command was expected");
        }
        out.push(match (index, leading) {
            (0, false) => first(&mut cursor, place)?,
            _ => command(&mut cursor, index == 0, place)?,
        });
    }
    Ok(out)
}

/// Reads what stands between the brackets of a subsearch: a search for the values of one field, each once.
///
/// `[search … | dedup a | rename a AS b | fields b]`; anything else has limits of its own that lose events silently.
pub(super) fn subsearch(clean: &str, range: (usize, usize)) -> Result<Vec<Command>> {
    let mut out = Vec::new();
    for (index, range) in stages(clean, range).into_iter().enumerate() {
        let mut cursor = Cursor::new(clean, range);
        cursor.skip_space();
        match index {
            0 if cursor.clone().keyword("search") => out.push(first(&mut cursor, Place::Search)?),
            0 => return cursor.fail("a subsearch begins with the word `search`"),
            _ => out.push(command(&mut cursor, false, Place::Search)?),
        }
    }
    let what: Vec<&What> = out.iter().skip(1).map(|command| &command.what).collect();
    let one = |names: &[String], name: &str| matches!(names, [only] if only == name);
    let fits = match what.as_slice() {
        [What::Dedup { count: 1, keepempty: false, names }, What::Fields { keep: true, names: kept }] => {
            names.first().is_some_and(|name| one(names, name) && one(kept, name))
        }
        [
            What::Dedup { count: 1, keepempty: false, names },
            What::Rename(pairs),
            What::Fields { keep: true, names: kept },
        ] => matches!(pairs.as_slice(), [(from, to)] if one(names, from) && one(kept, to)),
        _ => false,
    };
    match fits {
        true => Ok(out),
        false => Err(SplError::new(range.0, Kind::Refused, "a subsearch that gives more than the values of one field")),
    }
}

/// The search in front of the first pipe, with or without its word.
fn first(cursor: &mut Cursor<'_>, place: Place) -> Result<Command> {
    let at = cursor.at;
    let mut ahead = cursor.clone();
    let word = ahead.take(|c| c.is_ascii_alphanumeric() || c == '_');
    let alone = ahead.peek().is_none_or(char::is_whitespace);
    if alone && GENERATING.contains(&word) {
        return Err(SplError::syntax(at, format!("`{word}` at the start of a query needs a pipe in front")));
    }
    if alone && word == "search" {
        cursor.at = ahead.at;
    }
    let found = search::expression(cursor, place)?;
    cursor.finish()?;
    Ok(Command { at, what: What::Search(found) })
}

/// A command behind a pipe.
fn command(cursor: &mut Cursor<'_>, leading: bool, place: Place) -> Result<Command> {
    let at = cursor.at;
    if cursor.eat("`") {
        cursor.take(|c| c != '`');
        cursor.eat("`");
        cursor.finish()?;
        return Ok(Command { at, what: What::Other("a macro that was not expanded") });
    }
    let word = cursor.take(|c| c.is_ascii_alphanumeric() || c == '_').to_owned();
    if NEVER.contains(&word.as_str()) {
        return Err(SplError::new(at, Kind::Refused, format!("`{word}` is never printed by this project")));
    }
    if cursor.peek().is_some_and(|c| !c.is_whitespace()) {
        return cursor.fail(format!("a blank was expected behind the command `{word}`"));
    }
    let generating = GENERATING.contains(&word.as_str());
    if leading && !generating {
        return Err(SplError::syntax(
            at,
            format!("`{word}` makes no rows of its own: no pipe in front of the first command"),
        ));
    }
    let what = what(&word, cursor, at, place)?;
    let appends = matches!(&what, What::Tstats(tstats) if tstats.append);
    if generating && !leading && !appends {
        return Err(SplError::syntax(at, format!("`{word}` makes rows of its own: it stands at the start of a query")));
    }
    cursor.finish()?;
    Ok(Command { at, what })
}

fn what(word: &str, cursor: &mut Cursor<'_>, at: usize, place: Place) -> Result<What> {
    match word {
        "search" => Ok(What::Search(search::expression(cursor, place)?)),
        "where" => Ok(What::Where(eval::condition(cursor)?)),
        "eval" => Ok(What::Eval(eval::assignments(cursor)?)),
        "fields" => arguments::fields(cursor),
        "table" => Ok(What::Table(cursor.fields(true, "")?)),
        "rename" => arguments::rename(cursor),
        "fillnull" => arguments::fillnull(cursor),
        "tstats" => Ok(What::Tstats(Box::new(tstats::read(cursor)?))),
        "stats" => arguments::aggregated(cursor).map(|(aggregations, by)| What::Stats { aggregations, by }),
        "eventstats" => arguments::aggregated(cursor).map(|(aggregations, by)| What::Eventstats { aggregations, by }),
        "streamstats" => arguments::streamstats(cursor),
        "sort" => arguments::sort(cursor, at),
        "head" => Ok(What::Head(arguments::count(cursor)?)),
        "dedup" => arguments::dedup(cursor),
        "makemv" => arguments::makemv(cursor),
        "mvexpand" => Ok(What::Mvexpand(cursor.field(false)?)),
        "rex" => arguments::rex(cursor),
        "regex" => arguments::regex(cursor),
        "bin" | "bucket" => arguments::bin(cursor),
        "convert" => arguments::convert(cursor),
        "lookup" => arguments::lookup(cursor),
        "inputlookup" => cursor.field(false).map(|_| What::Other("inputlookup")),
        _ => Err(SplError::syntax(at, format!("`{word}` is no command that is printed"))),
    }
}
