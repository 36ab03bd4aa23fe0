//! YAML that people write: limits, keys that stand twice, and where everything stands.
//!
//! Every file is walked once before it is read into types: a file of brackets alone costs no time, a key that stands twice
//! is an error and not a value that is lost, and findings can point at what they mean.

use saphyr_parser::{Event, Parser, ScalarStyle};
use serde::de::DeserializeOwned;
use std::collections::HashSet;
use std::ops::Range;

/// The most bytes that a file written by people holds.
const MAX_BYTES: usize = 1 << 20;
/// The most bytes that a file written by this program holds.
const MAX_OWN_BYTES: usize = 256 << 20;
/// The most lists and maps in each other.
const MAX_DEPTH: usize = 64;

/// Why a file cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Byte range in the file.
    pub range: Range<usize>,
    /// What is wrong.
    pub message: String,
}

/// A value and where it stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Node {
    /// Byte range, quotes included.
    pub range: Range<usize>,
    /// What stands there.
    pub value: Value,
}

/// What a value is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Text, a number, a truth value or nothing.
    Scalar {
        /// As it is read.
        text: String,
        /// It stands in no quotes.
        plain: bool,
    },
    /// A list.
    List(Vec<Node>),
    /// Keys and values.
    Map(Vec<(Node, Node)>),
    /// A reference to a value elsewhere.
    Alias,
}

impl Default for Value {
    fn default() -> Self {
        Value::Scalar { text: String::new(), plain: true }
    }
}

impl Node {
    /// Its text, if it is one value.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// An entry of a map: key and value.
    #[must_use]
    pub fn entry(&self, key: &str) -> Option<&(Node, Node)> {
        self.entries().iter().find(|(k, _)| k.text() == Some(key))
    }

    /// The entries of a map.
    #[must_use]
    pub fn entries(&self) -> &[(Node, Node)] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The elements of a list; of anything else itself.
    #[must_use]
    pub fn elements(&self) -> &[Node] {
        match &self.value {
            Value::List(all) => all,
            _ => std::slice::from_ref(self),
        }
    }

    /// The first value, or key, that holds this text.
    #[must_use]
    pub fn find(&self, wanted: &str, keys: bool) -> Option<&Node> {
        match &self.value {
            Value::Scalar { text, .. } => (text == wanted).then_some(self),
            Value::List(all) => all.iter().find_map(|n| n.find(wanted, keys)),
            Value::Map(entries) => entries.iter().find_map(|(key, value)| {
                let key = if keys { key.find(wanted, true) } else { None };
                key.or_else(|| value.find(wanted, keys))
            }),
            Value::Alias => None,
        }
    }

    /// The narrowest value or key around a byte.
    fn around(&self, at: usize) -> Option<&Node> {
        let inner = match &self.value {
            Value::List(all) => all.iter().find_map(|n| n.around(at)),
            Value::Map(entries) => entries.iter().find_map(|(k, v)| k.around(at).or_else(|| v.around(at))),
            _ => None,
        };
        inner.or_else(|| (self.range.contains(&at) && self.text().is_some()).then_some(self))
    }
}

/// Reads a file that people write.
///
/// # Errors
/// The first thing that is wrong, and where.
pub fn read<T: DeserializeOwned>(text: &str) -> Result<(T, Node), Fault> {
    let tree = Walk::new(text, MAX_BYTES)?.walk(true)?;
    Ok((typed(text, &tree)?, tree))
}

/// Reads a file that this program writes: the limits hold, and no place is kept.
///
/// # Errors
/// The first thing that is wrong, and where.
pub fn read_own<T: DeserializeOwned>(text: &str) -> Result<T, Fault> {
    let tree = Walk::new(text, MAX_OWN_BYTES)?.walk(false)?;
    typed(text, &tree)
}

fn typed<T: DeserializeOwned>(text: &str, tree: &Node) -> Result<T, Fault> {
    serde_yaml::from_str(text).map_err(|error| {
        let at = error.location().map_or(0, |l| l.index());
        let at = text.char_indices().nth(at).map_or(text.len(), |(byte, _)| byte);
        let range = tree.around(at).map_or(at..at, |node| node.range.clone());
        let message = error.to_string();
        Fault { range, message: message.split(" at line ").next().unwrap_or("").to_owned() }
    })
}

/// A list or map that is open.
struct Open {
    begin: usize,
    value: Value,
    /// The key whose value comes next.
    key: Option<Node>,
    /// The keys of a map.
    keys: HashSet<String>,
}

struct Walk<'t> {
    text: &'t str,
    /// The byte of each character, where they differ.
    bytes: Option<Vec<usize>>,
}

impl<'t> Walk<'t> {
    fn new(text: &'t str, most: usize) -> Result<Self, Fault> {
        if text.len() > most {
            let message = format!("{} bytes, and {most} is the limit", text.len());
            return Err(Fault { range: 0..0, message });
        }
        let bytes = || text.char_indices().map(|(byte, _)| byte).collect();
        Ok(Self { text, bytes: (!text.is_ascii()).then(bytes) })
    }

    fn byte(&self, character: usize) -> usize {
        let byte = self.bytes.as_ref().map_or(Some(character), |b| b.get(character).copied());
        byte.unwrap_or(self.text.len()).min(self.text.len())
    }

    /// Walks through the file; what it holds is kept, or only looked at.
    fn walk(&self, keep: bool) -> Result<Node, Fault> {
        let mut open: Vec<Open> = vec![];
        let mut root = Node::default();
        for event in Parser::new_from_str(self.text) {
            let (event, span) = event.map_err(|error| {
                let at = self.byte(error.marker().index());
                let message = if error.info().contains("recursion") { deep() } else { error.info().to_owned() };
                Fault { range: at..at, message }
            })?;
            let range = self.byte(span.start.index())..self.byte(span.end.index());
            if let Event::Scalar(.., Some(_)) | Event::SequenceStart(_, Some(_)) | Event::MappingStart(_, Some(_)) =
                event
            {
                return Err(Fault { range, message: "a tag, which nobody reads: leave it out".to_owned() });
            }
            let node = match event {
                Event::SequenceStart(..) | Event::MappingStart(..) => {
                    if open.len() >= MAX_DEPTH {
                        return Err(Fault { range, message: deep() });
                    }
                    let list = matches!(event, Event::SequenceStart(..));
                    let value = if list { Value::List(vec![]) } else { Value::Map(vec![]) };
                    open.push(Open { begin: range.start, value, key: None, keys: HashSet::new() });
                    continue;
                }
                Event::SequenceEnd | Event::MappingEnd => match open.pop() {
                    Some(closed) => Node { range: closed.begin..range.end, value: closed.value },
                    None => continue,
                },
                Event::Scalar(text, style, ..) => {
                    let written = self.text.get(range.clone()).unwrap_or("").trim_end().len();
                    let range = range.start..range.start + written;
                    Node { range, value: Value::Scalar { text: text.into_owned(), plain: style == ScalarStyle::Plain } }
                }
                Event::Alias(_) => Node { range, value: Value::Alias },
                _ => continue,
            };
            match open.last_mut() {
                Some(around) => around.add(node, keep)?,
                None => root = node,
            }
        }
        Ok(root)
    }
}

fn deep() -> String {
    format!("lists and maps are nested more than {MAX_DEPTH} deep")
}

impl Open {
    fn add(&mut self, node: Node, keep: bool) -> Result<(), Fault> {
        match (&mut self.value, self.key.take()) {
            (Value::List(all), _) if keep => all.push(node),
            (Value::Map(_), None) if node.value == Value::Alias => {
                return Err(Fault { range: node.range, message: "a key that is a reference: write it out".to_owned() });
            }
            (Value::Map(_), None) => {
                let twice = node.text().filter(|text| !self.keys.insert((*text).to_owned()));
                if let Some(text) = twice {
                    return Err(Fault { range: node.range.clone(), message: format!("duplicate key `{text}`") });
                }
                self.key = Some(node);
            }
            (Value::Map(entries), Some(key)) if keep => entries.push((key, node)),
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> (String, String) {
        let fault = read::<serde_yaml::Value>(text).expect_err(text);
        (text[fault.range].to_owned(), fault.message)
    }

    #[test]
    fn a_duplicate_key_is_found_where_it_stands() {
        for text in
            ["a: 1\n\"a\": 2\n", "é: {x: 1, b: 2, b: 3}\n", "- {}\n- k:\n    c: 1\n    'c': 2\n", "1: a\n1: b\n"]
        {
            let (piece, message) = fault(text);
            assert!(
                message.starts_with("duplicate key") && text.matches(&piece).count() > 0,
                "{text}: {piece} {message}"
            );
        }
        assert_eq!(fault("é: {x: 1, b: 2, \"b\": 3}\n").0, "\"b\"");
    }

    #[test]
    fn keys_that_are_references_and_tags_are_refused() {
        for text in ["params: {&a burst: 7, *a : 9}\n", "&a x: 1\ny: {z: 2, *a : 3}\n"] {
            let (piece, message) = fault(text);
            assert!(
                message.starts_with("a key that is a reference") && piece.starts_with("*a"),
                "{text}: {piece} {message}"
            );
        }
        for text in ["a: !!str 9\n", "a: !evil 9\n", "a: !!seq [1]\n", "!!map {a: 1}\n", "!x a: 1\n", "- !<tag:x> a\n"]
        {
            assert!(fault(text).1.starts_with("a tag"), "{text}");
        }
        assert!(read::<serde_yaml::Value>("a: &x [1]\nb: *x\nc: '!!str'\n").is_ok(), "a value may be a reference");
    }

    #[test]
    fn what_is_too_deep_or_too_long_is_told_at_once() {
        for piece in ["[", "{", "{a: ", "- ", "? ", "a: [", "[[{"] {
            let (_, message) = fault(&format!("x:\n {}", piece.repeat(100_000)));
            assert!(message.contains("deep") || message.contains("expected"), "{piece}: {message}");
        }
        assert!(fault(&"# comment\n".repeat(110_000)).1.contains("is the limit"));
        let deep = format!("a: {}1{}\n", "[".repeat(60), "]".repeat(60));
        assert!(read::<serde_yaml::Value>(&deep).is_ok());
    }

    #[test]
    fn a_node_knows_where_it_stands() {
        let text = "é: 'ü'\nlist: [a, \"b c\"]\nmap:\n  k: v\n";
        let (_, tree) = read::<serde_yaml::Value>(text).expect("YAML");
        for (word, place) in [("ü", "'ü'"), ("b c", "\"b c\""), ("v", "v"), ("k", "k"), ("é", "é")] {
            let node = tree.find(word, true).expect(word);
            assert_eq!(&text[node.range.clone()], place);
        }
        assert!(tree.find("k", false).is_none());
        assert_eq!(tree.entry("list").map(|(_, v)| v.elements().len()), Some(2));
    }
}
