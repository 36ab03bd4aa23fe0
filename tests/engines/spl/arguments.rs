//! The arguments of each command that has more than an expression.

use super::aggregate::{self, Aggregation};
use super::command::{Key, Streamstats, What};
use super::lex::{Cursor, boolean};
use super::pattern::Pattern;
use super::tstats;
use super::{Result, SplError};

pub(super) fn fields(cursor: &mut Cursor<'_>) -> Result<What> {
    cursor.skip_space();
    let keep = !cursor.eat("-");
    if keep {
        cursor.eat("+");
    }
    Ok(What::Fields { keep, names: cursor.fields(true, "")? })
}

pub(super) fn rename(cursor: &mut Cursor<'_>) -> Result<What> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    loop {
        let at = cursor.at;
        let from = cursor.field(true)?;
        if !cursor.keyword("AS") {
            return cursor.fail("AS was expected");
        }
        let to = cursor.field(true)?;
        if from.matches('*').count() != to.matches('*').count() {
            return Err(SplError::syntax(at, "old and new name must have the same number of stars"));
        }
        if pairs.iter().any(|(other_from, other_to)| *other_from == from || *other_to == to) {
            return Err(SplError::style(at, "a name twice in one rename"));
        }
        pairs.push((from, to));
        cursor.skip_space();
        let comma = cursor.eat(",");
        if cursor.done() && !comma {
            return Ok(What::Rename(pairs));
        }
    }
}

pub(super) fn fillnull(cursor: &mut Cursor<'_>) -> Result<What> {
    let at = cursor.at;
    let value = match cursor.option()? {
        None => "0".to_owned(),
        Some((name, value)) if name == "value" => value,
        Some((name, _)) => {
            return Err(SplError::syntax(at, format!("`{name}` is no option of fillnull")));
        }
    };
    let mut names = Vec::new();
    while !cursor.done() {
        names.push(cursor.field(false)?);
        cursor.skip_space();
        if cursor.peek() == Some(',') {
            return cursor.fail("the fields of fillnull are separated by blanks");
        }
    }
    Ok(What::Fillnull { value, names })
}

fn by_clause(cursor: &mut Cursor<'_>) -> Result<Vec<String>> {
    match cursor.keyword("BY") {
        true => cursor.fields(false, ""),
        false => Ok(Vec::new()),
    }
}

pub(super) fn aggregated(cursor: &mut Cursor<'_>) -> Result<(Vec<Aggregation>, Vec<String>)> {
    let aggregations = aggregate::list(cursor, &["BY"], false)?;
    Ok((aggregations, by_clause(cursor)?))
}

pub(super) fn streamstats(cursor: &mut Cursor<'_>) -> Result<What> {
    let (aggregations, by) = (Vec::new(), Vec::new());
    let mut found = Streamstats { window: 0, current: true, global: true, time_window: false, aggregations, by };
    options(cursor, &mut found)?;
    found.aggregations = aggregate::list(cursor, &["BY"], false)?;
    options(cursor, &mut found)?;
    found.by = by_clause(cursor)?;
    options(cursor, &mut found)?;
    Ok(What::Streamstats(Box::new(found)))
}

fn options(cursor: &mut Cursor<'_>, found: &mut Streamstats) -> Result<()> {
    loop {
        let at = cursor.at;
        let Some((name, value)) = cursor.option()? else {
            return Ok(());
        };
        match name.as_str() {
            "current" => found.current = boolean(&value, at)?,
            "global" => found.global = boolean(&value, at)?,
            "window" => match value.parse() {
                Ok(window) if window <= 10_000 => found.window = window,
                Ok(_) => {
                    return Err(SplError::syntax(at, "a window above max_stream_window, 10000 by default"));
                }
                Err(_) => return Err(SplError::syntax(at, "window= needs a number")),
            },
            "time_window" => {
                tstats::seconds(&value, at)?;
                found.time_window = true;
            }
            _ => {
                return Err(SplError::syntax(at, format!("`{name}` is no option of streamstats that is printed")));
            }
        }
    }
}

pub(super) fn sort(cursor: &mut Cursor<'_>, at: usize) -> Result<What> {
    cursor.skip_space();
    let mut ahead = cursor.clone();
    if ahead.take(|c| c.is_ascii_digit()) != "0" || ahead.peek().is_none_or(|c| !c.is_whitespace()) {
        return Err(SplError::style(at, "`sort` keeps 10000 rows unless it says `sort 0`"));
    }
    cursor.at = ahead.at;
    let mut keys = Vec::new();
    loop {
        keys.push(key(cursor)?);
        cursor.skip_space();
        if !cursor.eat(",") {
            return Ok(What::Sort(keys));
        }
    }
}

fn key(cursor: &mut Cursor<'_>) -> Result<Key> {
    cursor.skip_space();
    let descending = cursor.eat("-");
    if !descending {
        cursor.eat("+");
    }
    cursor.skip_space();
    let kind = ["auto", "num", "str", "ip"].into_iter().find(|kind| cursor.eat(&format!("{kind}(")));
    let name = cursor.field(false)?;
    if kind.is_some() && !cursor.eat(")") {
        return cursor.fail("the closing parenthesis was expected");
    }
    Ok(Key { descending, kind: kind.unwrap_or("auto"), name })
}

pub(super) fn count(cursor: &mut Cursor<'_>) -> Result<usize> {
    cursor.skip_space();
    match cursor.take(|c| c.is_ascii_digit()).parse() {
        Ok(count) if count > 0 => Ok(count),
        _ => cursor.fail("a number of rows was expected"),
    }
}

pub(super) fn dedup(cursor: &mut Cursor<'_>) -> Result<What> {
    cursor.skip_space();
    let count = if cursor.peek().is_some_and(|c| c.is_ascii_digit()) { count(cursor)? } else { 1 };
    let names = cursor.fields(false, "")?;
    let mut keepempty = false;
    let at = cursor.at;
    match cursor.option()? {
        None => {}
        Some((name, value)) if name == "keepempty" => keepempty = boolean(&value, at)?,
        Some((name, _)) => {
            return Err(SplError::syntax(at, format!("`{name}` is no option of dedup that is printed")));
        }
    }
    Ok(What::Dedup { count, keepempty, names })
}

pub(super) fn makemv(cursor: &mut Cursor<'_>) -> Result<What> {
    let at = cursor.at;
    match cursor.option()? {
        Some((name, delimiter)) if name == "delim" && !delimiter.is_empty() => {
            Ok(What::Makemv { delimiter, name: cursor.field(false)? })
        }
        _ => Err(SplError::syntax(at, "makemv needs delim=")),
    }
}

pub(super) fn rex(cursor: &mut Cursor<'_>) -> Result<What> {
    let at = cursor.at;
    let name = match cursor.option()? {
        Some((option, name)) if option == "field" => name,
        _ => return Err(SplError::style(at, "rex needs field=, or it reads _raw")),
    };
    let pattern = compiled(cursor)?;
    match pattern.named() {
        true => Ok(What::Rex { name, pattern: Box::new(pattern) }),
        false => Err(SplError::syntax(at, "rex needs a named group")),
    }
}

fn compiled(cursor: &mut Cursor<'_>) -> Result<Pattern> {
    cursor.skip_space();
    let at = cursor.at;
    match cursor.peek() {
        Some('"') => Pattern::new(&cursor.quoted()?, at),
        _ => cursor.fail("a regular expression in double quotes was expected"),
    }
}

pub(super) fn regex(cursor: &mut Cursor<'_>) -> Result<What> {
    let name = cursor.field(false)?;
    let wanted = !cursor.eat("!");
    if !cursor.eat("=") {
        return cursor.fail("regex needs `field=` or `field!=`");
    }
    Ok(What::Regex { name, wanted, pattern: Box::new(compiled(cursor)?) })
}

pub(super) fn bin(cursor: &mut Cursor<'_>) -> Result<What> {
    let mut span = None;
    let mut name = None;
    while !cursor.done() {
        let at = cursor.at;
        match cursor.option()? {
            Some((option, value)) if option == "span" && span.is_none() => span = Some(tstats::seconds(&value, at)?),
            Some((option, _)) => return Err(SplError::syntax(at, format!("`{option}` in bin"))),
            None if name.is_some() && cursor.keyword("AS") => {
                let target = cursor.field(false)?;
                name = name.map(|(name, _): (String, String)| (name, target));
            }
            None if name.is_some() => return cursor.fail("one field only"),
            None => {
                let field = cursor.field(false)?;
                name = Some((field.clone(), field));
            }
        }
    }
    match (name, span) {
        (Some((name, target)), Some(span)) => Ok(What::Bin { name, span, target }),
        _ => cursor.fail("bin needs a field and span="),
    }
}

pub(super) fn convert(cursor: &mut Cursor<'_>) -> Result<What> {
    const FUNCTIONS: [&str; 10] =
        ["auto", "ctime", "dur2sec", "memk", "mktime", "mstime", "none", "num", "rmcomma", "rmunit"];
    let at = cursor.at;
    if let Some((name, _)) = cursor.option()?.filter(|(name, _)| name != "timeformat") {
        return Err(SplError::syntax(at, format!("`{name}` is no option of convert")));
    }
    loop {
        cursor.skip_space();
        let word = cursor.take(|c| c.is_ascii_alphanumeric());
        if !FUNCTIONS.contains(&word) || !cursor.eat("(") {
            return cursor.fail("a conversion such as ctime(field) was expected");
        }
        cursor.field(true)?;
        if !cursor.eat(")") {
            return cursor.fail("the closing parenthesis was expected");
        }
        if cursor.keyword("AS") {
            cursor.field(true)?;
        }
        cursor.skip_space();
        cursor.eat(",");
        if cursor.done() {
            return Ok(What::Other("convert"));
        }
    }
}

pub(super) fn lookup(cursor: &mut Cursor<'_>) -> Result<What> {
    cursor.field(false)?;
    let mut output = false;
    let mut count = 0;
    while !cursor.done() {
        if cursor.keyword("OUTPUT") || cursor.keyword("OUTPUTNEW") {
            if output || count == 0 {
                return cursor.fail("OUTPUT stands once, behind the fields that are looked up");
            }
            (output, count) = (true, 0);
            continue;
        }
        cursor.field(false)?;
        if cursor.keyword("AS") {
            cursor.field(false)?;
        }
        count += 1;
        cursor.skip_space();
        cursor.eat(",");
    }
    match count {
        0 => cursor.fail("lookup needs fields"),
        _ => Ok(What::Other("lookup")),
    }
}
