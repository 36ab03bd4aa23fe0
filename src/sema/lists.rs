//! Lists and parameters: flattened, with what `extend` adds, cycles refused.

use super::{Report, Symbols};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;
use crate::syntax::ast::{Ident, List, Literal, Value, Values};
use base64::Engine as _;
use indexmap::IndexMap;

/// Every list of the project, flattened, and every parameter with its value.
#[derive(Clone, Debug, Default)]
pub struct Lists {
    lists: IndexMap<String, Vec<Literal>>,
    params: IndexMap<String, Literal>,
}

impl Lists {
    /// Flattens all lists of `symbols`.
    pub(super) fn resolve(symbols: &Symbols, report: &mut Report) -> Lists {
        let mut out = Lists { params: symbols.params.clone(), ..Lists::default() };
        for name in symbols.lists.keys() {
            let mut open = vec![];
            out.flatten_named(name, symbols, &mut open, report);
        }
        out
    }

    fn flatten_named(&mut self, name: &str, symbols: &Symbols, open: &mut Vec<String>, report: &mut Report) -> Vec<Literal> {
        if let Some(done) = self.lists.get(name) {
            return done.clone();
        }
        let Some((ident, lists)) = symbols.lists.get(name) else { return vec![] };
        if open.iter().any(|n| n == name) {
            report.push(cycle("list", ident, open));
            return vec![];
        }
        open.push(name.to_owned());
        let mut out = vec![];
        for value in lists.iter().flat_map(|l| &l.values) {
            match value {
                Value::Literal(literal) => out.push(literal.clone()),
                Value::Path(path) => match path.single() {
                    Some(inner) if symbols.lists.contains_key(&inner.text) => {
                        out.extend(self.flatten_named(&inner.text, symbols, open, report));
                    }
                    Some(inner) if self.params.contains_key(&inner.text) => {
                        out.extend(self.params.get(&inner.text).cloned());
                    }
                    _ => unknown_list(&path.dotted(), path.span, symbols.lists.keys(), symbols, report),
                },
            }
        }
        open.pop();
        self.lists.insert(name.to_owned(), out.clone());
        out
    }

    /// The literals of a list written in place.
    pub(super) fn flat(&self, list: &List, report: &mut Report) -> Vec<Literal> {
        let mut out = vec![];
        for value in &list.values {
            match value {
                Value::Literal(literal) => out.push(literal.clone()),
                Value::Path(path) => match self.named(&path.dotted()) {
                    Some(literals) => out.extend(literals),
                    None => report.unknown("list or parameter", &path.dotted(), path.span, self.names()),
                },
            }
        }
        out
    }

    /// The literals of a named list or parameter.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<Vec<Literal>> {
        self.lists.get(name).cloned().or_else(|| self.params.get(name).map(|p| vec![p.clone()]))
    }

    /// A parameter's value.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&Literal> {
        self.params.get(name)
    }

    /// Names of lists and parameters.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.lists.keys().chain(self.params.keys()).map(String::as_str)
    }

    /// The literals that an operator's operand stands for.
    pub(super) fn values(&self, values: &Values, report: &mut Report) -> Vec<Literal> {
        match values {
            Values::List(list) => self.flat(list, report),
            Values::Path(path) => self.named(&path.dotted()).unwrap_or_else(|| {
                report.unknown("list", &path.dotted(), path.span, self.names());
                vec![]
            }),
            Values::Encoded { wide, list, .. } => {
                let texts = self.flat(list, report);
                let encoded = texts.into_iter().filter_map(|l| match l {
                    Literal::Text(t) => Some((encodings(&t.value, *wide), t)),
                    other => {
                        report.push(Diagnostic::new(Code::WrongType, "only text can be encoded").at(other.span(), "not text"));
                        None
                    }
                });
                encoded
                    .flat_map(|(texts, t)| texts.into_iter().map(move |value| Literal::Text(crate::syntax::ast::Text { value, ..t.clone() })))
                    .collect()
            }
        }
    }

    /// The texts of a list; anything else in it is a finding.
    pub(super) fn flat_texts(&self, list: &List, report: &mut Report) -> Vec<String> {
        only_texts(self.flat(list, report), report)
    }

    /// The texts of an operand; anything else in it is a finding.
    pub(super) fn texts(&self, values: &Values, report: &mut Report) -> Vec<String> {
        only_texts(self.values(values, report), report)
    }
}

fn only_texts(literals: Vec<Literal>, report: &mut Report) -> Vec<String> {
    let mut out = vec![];
    for literal in literals {
        match literal {
            Literal::Text(t) => out.push(t.value),
            other => report.push(Diagnostic::new(Code::WrongType, "expected text").at(other.span(), "this is not text")),
        }
    }
    out
}

fn unknown_list<'a>(
    name: &str, span: Span, lists: impl Iterator<Item = &'a String>, symbols: &Symbols, report: &mut Report,
) {
    if !symbols.is_broken(name) {
        report.unknown("list", name, span, lists.map(String::as_str));
    }
}

/// The finding for something that contains itself.
pub(super) fn cycle(what: &str, ident: &Ident, open: &[String]) -> Diagnostic {
    let first = open.iter().position(|n| *n == ident.text).unwrap_or(0);
    let round: Vec<_> = open.iter().skip(first).map(|n| format!("`{n}`")).collect();
    Diagnostic::new(Code::Cycle, format!("{what} `{}` contains itself", ident.text))
        .at(ident.span, "defined here")
        .note(format!("the circle is {} and back to `{}`", round.join(", "), ident.text))
}

/// Base64 of `text` as it looks at each of the three offsets, without the characters that depend on neighbours.
#[must_use]
pub fn encodings(text: &str, wide: bool) -> Vec<String> {
    let bytes: Vec<u8> = if wide { text.encode_utf16().flat_map(u16::to_le_bytes).collect() } else { text.bytes().collect() };
    (0..3)
        .map(|offset| {
            let mut padded = vec![0_u8; offset];
            padded.extend(&bytes);
            let encoded = base64::engine::general_purpose::STANDARD_NO_PAD.encode(&padded);
            // The first characters mix with what stands before, the last one with what comes behind.
            let skip = [0, 2, 3].get(offset).copied().unwrap_or(0);
            let whole = padded.len() / 3 * 4 + [0, 1, 2].get(padded.len() % 3).copied().unwrap_or(0);
            encoded.get(skip..whole).unwrap_or("").to_owned()
        })
        .filter(|e| !e.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::encodings;
    use base64::Engine as _;

    #[test]
    fn some_offset_is_found_wherever_the_text_stands() {
        for wide in [false, true] {
            for (before, after) in [("", ""), ("x", "y"), ("xy", "zz"), ("xyz", "!"), ("{", "-Path C:\\")] {
                let text = format!("{before}Compress-Archive{after}");
                let bytes: Vec<u8> = if wide { text.encode_utf16().flat_map(u16::to_le_bytes).collect() } else { text.into_bytes() };
                let all = base64::engine::general_purpose::STANDARD.encode(bytes);
                let found = encodings("Compress-Archive", wide).iter().any(|e| all.contains(e));
                assert!(found, "{all}");
            }
        }
    }
}
