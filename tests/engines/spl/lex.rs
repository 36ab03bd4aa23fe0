//! What all commands share: comments, pipes, double quotes, field names.
//!
//! Comments are three backticks on either side; a macro is one backtick on either side. Both are looked for outside double
//! quotes only. `clean` blanks comments out byte for byte, so positions stay those of the text that was given.

use super::{Kind, Result, SplError};

/// Replaces comments by blanks and checks quotes, backticks and brackets of the whole query.
pub(super) fn clean(query: &str) -> Result<String> {
    let mut out = String::with_capacity(query.len());
    let (mut at, mut brackets) = (0, 0);
    while let Some(c) = query.get(at..).and_then(|rest| rest.chars().next()) {
        let rest = query.get(at..).unwrap_or_default();
        let len = match c {
            '"' => quote_len(rest).ok_or_else(|| SplError::syntax(at, "this double quote is never closed"))?,
            '`' if rest.starts_with("```") => {
                let len = span_len(rest, "```").ok_or_else(|| SplError::syntax(at, "this comment is never closed"))?;
                out.extend(std::iter::repeat_n(' ', len));
                at += len;
                continue;
            }
            '`' => span_len(rest, "`").ok_or_else(|| SplError::syntax(at, "this backtick is never closed"))?,
            '[' | ']' => {
                brackets += if c == '[' { 1 } else { -1 };
                if !(0..=1).contains(&brackets) {
                    return Err(SplError::new(
                        at,
                        Kind::Refused,
                        "a subsearch in a subsearch, or a bracket without one",
                    ));
                }
                1
            }
            '\\' if rest.starts_with("\\|") => {
                return Err(SplError::style(at, "put a value with a pipe into double quotes"));
            }
            other => other.len_utf8(),
        };
        out.push_str(rest.get(..len).unwrap_or_default());
        at += len;
    }
    match brackets {
        0 => Ok(out),
        _ => Err(SplError::syntax(at, "this subsearch is never closed")),
    }
}

/// Bytes of a quoted string at the start of `text`, quotes included.
fn quote_len(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// Bytes of a stretch at the start of `text` that begins and ends with `mark`.
fn span_len(text: &str, mark: &str) -> Option<usize> {
    let inner = text.get(mark.len()..)?;
    inner.find(mark).map(|at| at + 2 * mark.len())
}

/// Splits a stretch of cleaned text at the pipes outside quotes, backticks and subsearches; ranges of bytes, pipes left
/// out.
pub(super) fn stages(clean: &str, (from, to): (usize, usize)) -> Vec<(usize, usize)> {
    let mut out = Vec::new();
    let (mut start, mut at, mut inside) = (from, from, false);
    while let Some(rest) = clean.get(at..to).filter(|rest| !rest.is_empty()) {
        let len = match rest.chars().next() {
            Some('"') => quote_len(rest).unwrap_or(1),
            Some('`') => span_len(rest, "`").unwrap_or(1),
            Some(c @ ('[' | ']')) => {
                inside = c == '[';
                1
            }
            Some('|') if !inside => {
                out.push((start, at));
                start = at + 1;
                1
            }
            other => other.map_or(1, char::len_utf8),
        };
        at += len;
    }
    out.push((start, to));
    out
}

/// A place in the text, with an end it does not pass.
#[derive(Debug, Clone)]
pub(super) struct Cursor<'a> {
    text: &'a str,
    /// Byte offset in the whole query.
    pub at: usize,
    end: usize,
}

impl<'a> Cursor<'a> {
    pub fn new(text: &'a str, range: (usize, usize)) -> Self {
        Self { text, at: range.0, end: range.1 }
    }

    pub fn rest(&self) -> &'a str {
        self.text.get(self.at..self.end).unwrap_or_default()
    }

    pub fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub fn skip_space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    pub fn done(&self) -> bool {
        self.rest().trim_start().is_empty()
    }

    /// Takes `mark` if it stands here, without skipping blanks.
    pub fn eat(&mut self, mark: &str) -> bool {
        let found = self.rest().starts_with(mark);
        if found {
            self.at += mark.len();
        }
        found
    }

    /// Takes characters while `keep` holds.
    pub fn take(&mut self, keep: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let len = rest.find(|c| !keep(c)).unwrap_or(rest.len());
        self.at += len;
        rest.get(..len).unwrap_or_default()
    }

    /// Takes a subsearch, from the bracket that opens it to the one that closes it; the whole text, and the range inside.
    pub fn subsearch(&mut self) -> Option<(&'a str, (usize, usize))> {
        let start = self.at + 1;
        let mut ahead = self.at + 1;
        while let Some(rest) = self.text.get(ahead..self.end).filter(|rest| !rest.is_empty()) {
            ahead += match rest.chars().next() {
                Some('"') => quote_len(rest).unwrap_or(1),
                Some(']') => {
                    self.at = ahead + 1;
                    return Some((self.text, (start, ahead)));
                }
                other => other.map_or(1, char::len_utf8),
            };
        }
        None
    }

    /// The same text from here up to `end`.
    pub fn until(&self, end: usize) -> Self {
        Self { end, ..self.clone() }
    }

    /// Where the parenthesis that is open here closes; quotes are passed over.
    pub fn closing(&self) -> Result<usize> {
        let mut ahead = self.clone();
        let mut depth = 1;
        while let Some(c) = ahead.peek() {
            match c {
                '"' => {
                    ahead.at += quote_len(ahead.rest()).unwrap_or(1);
                    continue;
                }
                '(' => depth += 1,
                ')' if depth == 1 => return Ok(ahead.at),
                ')' => depth -= 1,
                _ => {}
            }
            ahead.at += c.len_utf8();
        }
        self.fail("this parenthesis is never closed")
    }

    /// Takes a keyword such as `AS`, in any case, if it stands here as a word of its own.
    pub fn keyword(&mut self, word: &str) -> bool {
        let mut ahead = self.clone();
        ahead.skip_space();
        let found = ahead.take(name_char).eq_ignore_ascii_case(word);
        if found {
            self.at = ahead.at;
        }
        found
    }

    pub fn fail<T>(&self, message: impl Into<String>) -> Result<T> {
        Err(SplError::syntax(self.at, message))
    }

    /// Nothing but blanks may follow.
    pub fn finish(&mut self) -> Result<()> {
        self.skip_space();
        match self.peek() {
            None => Ok(()),
            Some(c) => self.fail(format!("unexpected `{c}`")),
        }
    }

    /// A double-quoted string outside eval expressions.
    ///
    /// Documented escapes: `\\`, `\"`, `\|`. Splunk passes others through unchanged; here they are errors, since a
    /// printer that relies on that also relies on no escape ever being added. `\*` in particular does not escape the star.
    pub fn quoted(&mut self) -> Result<String> {
        self.string(&['\\', '"', '|'])
    }

    /// A double-quoted string in an eval expression: `\\` and `\"` only (a `\t` there is documented to be a tab).
    pub fn literal(&mut self) -> Result<String> {
        self.string(&['\\', '"'])
    }

    fn string(&mut self, escapes: &[char]) -> Result<String> {
        let start = self.at;
        let mut out = String::new();
        let mut chars = self.rest().char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.at = start + at + 1;
                    return Ok(out);
                }
                '\\' => match chars.next() {
                    Some((_, next)) if escapes.contains(&next) => out.push(next),
                    Some((_, '*')) => {
                        return Err(SplError::syntax(
                            start + at,
                            "a backslash does not escape a star; write `\\\\` for a backslash",
                        ));
                    }
                    _ => {
                        return Err(SplError::syntax(
                            start + at,
                            "not a documented escape here; write `\\\\` for a backslash",
                        ));
                    }
                },
                other => out.push(other),
            }
        }
        Err(SplError::syntax(start, "this double quote is never closed"))
    }

    /// A field name outside eval expressions: bare, or in double quotes if it holds anything else.
    pub fn field(&mut self, wildcards: bool) -> Result<String> {
        self.skip_space();
        let start = self.at;
        let name = match self.peek() {
            Some('"') => self.quoted()?,
            Some('\'') => {
                return self.fail("single quotes around a field name belong to eval expressions; use double quotes");
            }
            _ => self.take(|c| name_char(c) || c == '*').to_owned(),
        };
        if name.trim().is_empty() || name.starts_with(['-', '+']) {
            return Err(SplError::syntax(start, "a field name was expected"));
        }
        if name.contains('*') && !wildcards {
            return Err(SplError::syntax(start, "no wildcard in a field name here"));
        }
        Ok(name)
    }

    /// A list of field names, separated by blanks or commas, to the end or to the keyword `stop`.
    pub fn fields(&mut self, wildcards: bool, stop: &str) -> Result<Vec<String>> {
        let mut names = Vec::new();
        let mut comma = false;
        loop {
            self.skip_space();
            let end = self.done() || (!stop.is_empty() && self.clone().keyword(stop)) || self.option_ahead();
            if end && (comma || names.is_empty()) {
                return self.fail("a field name was expected");
            }
            if end {
                return Ok(names);
            }
            names.push(self.field(wildcards)?);
            self.skip_space();
            comma = self.eat(",");
        }
    }

    /// Whether `word=` stands here.
    pub fn option_ahead(&self) -> bool {
        let mut ahead = self.clone();
        ahead.skip_space();
        !ahead.take(|c| c.is_ascii_alphanumeric() || c == '_').is_empty() && ahead.peek() == Some('=')
    }

    /// Takes `word=value` if it stands here; no blanks around the sign, value bare or in double quotes.
    pub fn option(&mut self) -> Result<Option<(String, String)>> {
        if !self.option_ahead() {
            return Ok(None);
        }
        self.skip_space();
        let name = self.take(|c| c.is_ascii_alphanumeric() || c == '_').to_owned();
        self.at += 1;
        let value = match self.peek() {
            Some('"') => self.quoted()?,
            _ => self.take(|c| name_char(c) || c == '*').to_owned(),
        };
        if value.is_empty() && !self.text.get(..self.at).is_some_and(|before| before.ends_with("\"\"")) {
            return self.fail(format!("`{name}=` needs a value right behind the sign"));
        }
        Ok(Some((name, value)))
    }
}

/// Characters of a field name that needs no quotes outside eval expressions.
pub(super) fn name_char(c: char) -> bool {
    c.is_alphanumeric() || "_.:{}@-".contains(c)
}

/// Splunk's spelling of booleans.
pub(super) fn boolean(text: &str, at: usize) -> Result<bool> {
    match text.to_ascii_lowercase().as_str() {
        "t" | "true" | "yes" | "1" => Ok(true),
        "f" | "false" | "no" | "0" => Ok(false),
        _ => Err(SplError::syntax(at, format!("`{text}` is not a boolean"))),
    }
}
