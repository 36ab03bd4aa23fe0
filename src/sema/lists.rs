//! Lists and parameters: flattened, with what `extend` adds, cycles refused.

use super::order::{Circle, order};
use super::{Report, Symbols};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;
use crate::syntax::ast::{Ident, List, Literal, Value, Values};
use base64::Engine as _;
use indexmap::IndexMap;
use std::collections::HashSet;

/// The most elements that one list holds, lists in it put in.
const MAX_LENGTH: usize = 100_000;
/// The most elements that all lists of a project hold together.
const MAX_TOTAL: usize = 1_000_000;

/// Every list of the project, flattened, and every parameter with its value.
#[derive(Clone, Debug, Default)]
pub struct Lists {
    lists: IndexMap<String, Vec<Literal>>,
    params: IndexMap<String, Literal>,
    /// Names of items that did not parse.
    broken: HashSet<String>,
}

impl Lists {
    /// Flattens all lists of `symbols`.
    pub(super) fn resolve(symbols: &Symbols, report: &mut Report) -> Lists {
        let mut out = Lists { params: symbols.params.clone(), broken: symbols.broken.clone(), ..Lists::default() };
        let named = |name: &str| {
            let paths = elements(name, symbols).filter_map(|v| match v {
                Value::Path(path) => path.single().map(|n| n.text.as_str()),
                Value::Literal(_) => None,
            });
            paths.filter_map(|n| symbols.lists.get_key_value(n)).map(|(n, _)| n.as_str()).collect()
        };
        let order = order(symbols.lists.keys().map(String::as_str), named);
        for circle in &order.circles {
            if let Some((ident, _)) = circle.names.first().and_then(|n| symbols.lists.get(*n)) {
                report.push(cycle("list", ident, circle));
            }
        }
        let mut total = 0;
        for name in order.sorted {
            let Some((ident, _)) = symbols.lists.get(name) else { continue };
            let length = elements(name, symbols).map(|v| out.element_length(v)).fold(0, usize::saturating_add);
            let fits = length <= MAX_LENGTH && total + length <= MAX_TOTAL;
            if !fits && total <= MAX_TOTAL {
                report.push(too_large(ident, length, total));
            }
            total += if length <= MAX_LENGTH { length } else { 0 };
            let flat = if fits { out.flatten(name, symbols, report) } else { vec![] };
            out.lists.insert(name.to_owned(), flat);
        }
        out
    }

    fn element_length(&self, value: &Value) -> usize {
        match value {
            Value::Literal(_) => 1,
            Value::Path(path) => self.length(&path.dotted()),
        }
    }

    /// Puts in what was flattened before; a list in a circle lacks what the circle would bring.
    fn flatten(&self, name: &str, symbols: &Symbols, report: &mut Report) -> Vec<Literal> {
        let mut out = vec![];
        for value in elements(name, symbols) {
            match value {
                Value::Literal(literal) => out.push(literal.clone()),
                Value::Path(path) => match self.named(&path.dotted()) {
                    Some(literals) => out.extend(literals),
                    None if symbols.lists.contains_key(&path.dotted()) => {}
                    None => self.unknown("list", &path.dotted(), path.span, report),
                },
            }
        }
        out
    }

    fn unknown(&self, what: &str, name: &str, span: Span, report: &mut Report) {
        if !self.broken.contains(name) {
            report.unknown(what, name, span, self.names());
        }
    }

    /// How many elements a list has; 1 for a parameter, 0 for what does not exist.
    #[must_use]
    pub fn length(&self, name: &str) -> usize {
        self.lists.get(name).map_or(usize::from(self.params.contains_key(name)), Vec::len)
    }

    /// The literals of a list written in place.
    pub(super) fn flat(&self, list: &List, report: &mut Report) -> Vec<Literal> {
        let mut out = vec![];
        for value in &list.values {
            match value {
                Value::Literal(literal) => out.push(literal.clone()),
                Value::Path(path) => match self.named(&path.dotted()) {
                    Some(literals) => out.extend(literals),
                    None => self.unknown("list or parameter", &path.dotted(), path.span, report),
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
                self.unknown("list", &path.dotted(), path.span, report);
                vec![]
            }),
            Values::Encoded { wide, list, .. } => {
                let texts = self.flat(list, report);
                let encoded = texts.into_iter().filter_map(|l| match l {
                    Literal::Text(t) => Some((encodings(&t.value, *wide), t)),
                    other => {
                        report.push(
                            Diagnostic::new(Code::WrongType, "only text can be encoded")
                                .at(other.span(), format!("this is {}", other.words())),
                        );
                        None
                    }
                });
                encoded
                    .flat_map(|(texts, t)| {
                        texts
                            .into_iter()
                            .map(move |value| Literal::Text(crate::syntax::ast::Text { value, ..t.clone() }))
                    })
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
            other => report.push(
                Diagnostic::new(Code::WrongType, "only text can stand here")
                    .at(other.span(), format!("this is {}", other.words()))
                    .help("put it in quotes"),
            ),
        }
    }
    out
}

fn elements<'a>(name: &str, symbols: &'a Symbols) -> impl Iterator<Item = &'a Value> {
    symbols.lists.get(name).into_iter().flat_map(|(_, lists)| lists).flat_map(|l| &l.values)
}

fn too_large(ident: &Ident, length: usize, total: usize) -> Diagnostic {
    let diagnostic = Diagnostic::new(Code::TooLarge, format!("list `{}` is too large", ident.text));
    match length > MAX_LENGTH {
        true => diagnostic
            .at(ident.span, format!("{length} elements after expanding its lists"))
            .note(format!("a list holds {MAX_LENGTH} elements at most")),
        false => diagnostic
            .at(ident.span, format!("{length} elements, and the lists before it hold {total}"))
            .note(format!("all lists of a project together hold {MAX_TOTAL} elements at most")),
    }
}

/// The finding for something that contains itself.
pub(super) fn cycle(what: &str, ident: &Ident, circle: &Circle) -> Diagnostic {
    let diagnostic =
        Diagnostic::new(Code::Cycle, format!("{what} `{}` contains itself", ident.text)).at(ident.span, "defined here");
    let mut way: Vec<_> = circle.names.iter().skip(1).map(|n| format!("`{n}`")).collect();
    if circle.more > 0 {
        way.push(format!("{} more", circle.more));
    }
    match way.is_empty() {
        true => diagnostic,
        false => diagnostic.note(format!("through {}", way.join(", then "))),
    }
}

/// Base64 of `text` as it looks at each of the three offsets, without the characters that depend on neighbours.
#[must_use]
pub fn encodings(text: &str, wide: bool) -> Vec<String> {
    let bytes: Vec<u8> =
        if wide { text.encode_utf16().flat_map(u16::to_le_bytes).collect() } else { text.bytes().collect() };
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
                let bytes: Vec<u8> =
                    if wide { text.encode_utf16().flat_map(u16::to_le_bytes).collect() } else { text.into_bytes() };
                let all = base64::engine::general_purpose::STANDARD.encode(bytes);
                let found = encodings("Compress-Archive", wide).iter().any(|e| all.contains(e));
                assert!(found, "{all}");
            }
        }
    }
}
