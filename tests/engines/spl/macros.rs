//! Macros: text between backticks, replaced by other text before Splunk reads the query.
//!
//! The replacement is textual, so a definition that holds an `OR` needs its own parentheses; the reader, which runs over
//! the expanded text again, reports it where it has none.

use super::{Kind, Result, SplError};
use std::collections::BTreeMap;

/// How deep macros may call macros.
const DEPTH: usize = 10;

/// Definitions of macros: `name`, or `name(a, b)` with `$a$` and `$b$` in the text.
#[derive(Debug, Clone, Default)]
pub struct Macros {
    definitions: BTreeMap<(String, usize), Definition>,
}

#[derive(Debug, Clone)]
struct Definition {
    arguments: Vec<String>,
    text: String,
}

impl Macros {
    /// Adds or replaces a definition.
    pub fn define(&mut self, signature: &str, text: &str) -> &mut Self {
        let (name, arguments) = split_call(signature);
        let definition = Definition { arguments: arguments.clone(), text: text.to_owned() };
        self.definitions.insert((name, arguments.len()), definition);
        self
    }

    /// Replaces all calls in `text`, and those that the replacements bring in.
    pub(super) fn expand(&self, text: &str) -> Result<String> {
        let mut text = text.to_owned();
        for _ in 0..DEPTH {
            if ranges(&text).is_empty() {
                return Ok(text);
            }
            text = self.once(&text)?;
            text = super::lex::clean(&text)?;
        }
        Err(SplError::new(0, Kind::Macro, format!("macros call each other more than {DEPTH} deep")))
    }

    fn once(&self, text: &str) -> Result<String> {
        let mut out = String::new();
        let mut from = 0;
        for (start, end) in ranges(text) {
            out.push_str(text.get(from..start).unwrap_or_default());
            out.push_str(&self.replacement(text.get(start + 1..end - 1).unwrap_or_default(), start)?);
            from = end;
        }
        out.push_str(text.get(from..).unwrap_or_default());
        Ok(out)
    }

    fn replacement(&self, call: &str, at: usize) -> Result<String> {
        let fail = |message: String| SplError::new(at, Kind::Macro, message);
        let (name, values) = split_call(call);
        if values.iter().any(|value| value.contains(['"', '='])) {
            return Err(SplError::unsupported(at, format!("quotes or a name in an argument of the macro `{name}`")));
        }
        let definition = self.definitions.get(&(name.clone(), values.len()));
        let definition =
            definition.ok_or_else(|| fail(format!("no macro `{name}` with {} arguments", values.len())))?;
        let mut text = definition.text.clone();
        for (argument, value) in definition.arguments.iter().zip(&values) {
            text = text.replace(&format!("${argument}$"), value);
        }
        Ok(text)
    }
}

/// `name(a, b)` as name and arguments.
fn split_call(call: &str) -> (String, Vec<String>) {
    let call = call.trim();
    let Some((name, arguments)) = call.strip_suffix(')').and_then(|call| call.split_once('(')) else {
        return (call.to_owned(), Vec::new());
    };
    (name.trim().to_owned(), arguments.split(',').map(|argument| argument.trim().to_owned()).collect())
}

/// Ranges of calls in cleaned text, backticks included.
fn ranges(clean: &str) -> Vec<(usize, usize)> {
    let mut out = Vec::new();
    let (mut quoted, mut escaped, mut open) = (false, false, None);
    for (at, c) in clean.char_indices() {
        match (c, open) {
            ('`', Some(start)) => {
                out.push((start, at + 1));
                open = None;
            }
            (_, Some(_)) => {}
            _ if escaped => escaped = false,
            ('\\', None) if quoted => escaped = true,
            ('"', None) => quoted = !quoted,
            ('`', None) if !quoted => open = Some(at),
            _ => {}
        }
    }
    out
}

/// The calls in cleaned text, each once, in order; names are of letters, digits and `_`.
pub(super) fn calls(clean: &str) -> Result<Vec<String>> {
    let mut out: Vec<String> = Vec::new();
    for (start, end) in ranges(clean) {
        let call = clean.get(start + 1..end - 1).unwrap_or_default().to_owned();
        let (name, _) = split_call(&call);
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return Err(SplError::syntax(start, format!("`{name}` is no name of a macro")));
        }
        if !out.contains(&call) {
            out.push(call);
        }
    }
    Ok(out)
}
