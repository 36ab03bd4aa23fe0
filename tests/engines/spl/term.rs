//! The pieces of a search expression: words, values, field names, time modifiers.

use super::lex::name_char;
use super::search::Search;
use super::{Result, SplError};

/// Characters of an unquoted word or value: what Splunk's list of characters to quote leaves, without the unusual rest.
pub(super) fn bare_char(c: char) -> bool {
    c.is_alphanumeric() || "_*.:/\\@$#%-".contains(c)
}

pub(super) fn word(text: &str, at: usize) -> Result<Search> {
    if text.chars().all(|c| c == '*') {
        return Ok(Search::Everything);
    }
    if ["and", "or", "not", "in", "xor"].contains(&text.to_ascii_lowercase().as_str()) {
        return Err(SplError::syntax(
            at,
            format!("`{text}` is no operator here: it would be searched as a word, or is misplaced"),
        ));
    }
    if text.starts_with('-') {
        return Err(SplError::style(at, "put a word with a leading dash into double quotes"));
    }
    Ok(Search::Word(unescape_bare(text, at)?))
}

/// A backslash in an unquoted value is doubled, as in a quoted one.
pub(super) fn unescape_bare(text: &str, at: usize) -> Result<String> {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c == '\\' && chars.next() != Some('\\') {
            return Err(SplError::syntax(at, "a single backslash; write `\\\\`"));
        }
        out.push(c);
    }
    Ok(out)
}

pub(super) fn check_field(field: &str, at: usize) -> Result<()> {
    if field.contains('*') {
        return Err(SplError::syntax(at, "a wildcard in the name of a compared field"));
    }
    let odd = |c: char| !name_char(c) && c != ' ';
    match field.is_empty() || field.contains(odd) || field.starts_with(['-', ' ']) {
        true => Err(SplError::syntax(at, format!("`{field}` is no field name"))),
        false => Ok(()),
    }
}

/// `now`, an epoch, or `[+-]<int><unit>` and a snap such as `@d`.
pub(super) fn time_modifier(value: &str, at: usize) -> Result<()> {
    let fail = || Err(SplError::syntax(at, format!("`{value}` is no time modifier")));
    let unit = |text: &str| {
        ["s", "m", "h", "d", "w", "mon", "q", "y"].contains(&text.trim_end_matches(|c: char| c.is_ascii_digit()))
    };
    if value == "now" || (!value.is_empty() && value.chars().all(|c| c.is_ascii_digit())) {
        return Ok(());
    }
    let (offset, snap) = value.split_once('@').map_or((value, None), |(offset, snap)| (offset, Some(snap)));
    if snap.is_some_and(|snap| !unit(snap)) {
        return fail();
    }
    let amount = offset.trim_start_matches(['+', '-']);
    let digits = amount.trim_start_matches(|c: char| c.is_ascii_digit());
    let signed = offset.len() == amount.len() + 1;
    match (offset.is_empty() && snap.is_some())
        || (signed && unit(digits) && !digits.ends_with(|c: char| c.is_ascii_digit()))
    {
        true => Ok(()),
        false => fail(),
    }
}
