//! Where a schema keeps its columns: a tree over the keys of its JSON, walked while the text is parsed, so that a record
//! never becomes a tree of its own.

use super::Column;
use super::cell::Cell;
use crate::event::emptied;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

/// The keys of a schema's records.
#[derive(Debug)]
pub(super) struct Shape {
    nodes: Vec<Node>,
    columns: usize,
}

/// What a key leads to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Edge {
    /// A column's value.
    column: Option<Column>,
    /// An object with columns.
    node: Option<usize>,
    /// A list of records.
    items: bool,
}

#[derive(Debug, Default)]
struct Node {
    edges: HashMap<Box<str>, Edge, foldhash::fast::FixedState>,
}

/// Collects columns, then lays out the tree.
pub(super) struct Builder {
    strip: Vec<String>,
    items: Vec<String>,
    columns: HashMap<String, Column>,
    paths: Vec<(String, Column)>,
}

impl Builder {
    pub(super) fn new(strip: &[String], items: &[String]) -> Builder {
        Builder { strip: strip.to_vec(), items: items.to_vec(), columns: HashMap::new(), paths: vec![] }
    }

    /// The column that lies at a path: keys joined by dots.
    pub(super) fn column(&mut self, path: &str) -> Column {
        let next = self.columns.len();
        match self.columns.get(path) {
            Some(column) => *column,
            None => {
                self.columns.insert(path.to_owned(), next);
                self.paths.push((path.to_owned(), next));
                next
            }
        }
    }

    /// Another path of a column; `false` if a column of its own lies there.
    pub(super) fn also(&mut self, column: &str, path: &str) -> bool {
        let column = self.column(column);
        self.paths.push((path.to_owned(), column));
        !self.columns.contains_key(path)
    }

    pub(super) fn build(self) -> Shape {
        let mut shape = Shape { nodes: vec![Node::default()], columns: self.columns.len() };
        for prefix in std::iter::once("").chain(self.strip.iter().map(String::as_str)) {
            for (path, column) in &self.paths {
                let full = if prefix.is_empty() { path.clone() } else { format!("{prefix}.{path}") };
                shape.add(&full, Edge { column: Some(*column), ..Edge::default() });
            }
        }
        for path in &self.items {
            shape.add(path, Edge { items: true, ..Edge::default() });
        }
        shape
    }
}

impl Shape {
    /// Adds a path, also under keys that hold several of its parts, dots included.
    fn add(&mut self, path: &str, leaf: Edge) {
        let parts: Vec<&str> = path.split('.').collect();
        let mut nodes = vec![0];
        for end in 1..parts.len() {
            let (Some(above), Some(part)) = (nodes.last().copied(), parts.get(end - 1)) else { return };
            let found = self.nodes.get(above).and_then(|n| n.edges.get(*part)).and_then(|e| e.node);
            let node = found.unwrap_or_else(|| {
                self.nodes.push(Node::default());
                self.nodes.len() - 1
            });
            nodes.push(node);
        }
        for (start, node) in nodes.iter().enumerate() {
            for end in start + 1..=parts.len() {
                let key = parts.get(start..end).unwrap_or_default().join(".");
                let Some(node) = self.nodes.get_mut(*node) else { continue };
                let edge = node.edges.entry(key.into()).or_default();
                match nodes.get(end) {
                    Some(below) => edge.node = Some(*below),
                    None => {
                        edge.column = edge.column.or(leaf.column);
                        edge.items |= leaf.items;
                    }
                }
            }
        }
    }

    /// Calls `f` with the columns of each record in a text.
    pub(super) fn each<'a>(
        &self,
        text: &'a [u8],
        kept: &mut Cells<'static>,
        f: &mut dyn FnMut(&[Option<Cell<'a>>]),
    ) -> Result<(), serde_json::Error> {
        // Checked as a whole, which is faster than text by text.
        let text = std::str::from_utf8(text).map_err(serde_json::Error::custom)?;
        let mut json = serde_json::Deserializer::from_str(text);
        Records { shape: self, found: Found { kept, f } }.deserialize(&mut json)?;
        json.end()
    }

    fn edge(&self, node: usize, key: &str) -> Option<Edge> {
        let edges = &self.nodes.get(node)?.edges;
        edges.get(key).copied().or_else(|| match key.contains(' ') {
            true => edges.get(key.replace(' ', "").as_str()).copied(),
            false => None,
        })
    }
}

/// A record's columns, by their place.
pub(super) type Cells<'a> = Vec<Option<Cell<'a>>>;

/// Where records go.
struct Found<'f, 'a> {
    /// Room for the columns of one, used again for the next.
    kept: &'f mut Cells<'static>,
    f: &'f mut dyn FnMut(&[Option<Cell<'a>>]),
}

impl<'a> Found<'_, 'a> {
    fn again(&mut self) -> Found<'_, 'a> {
        Found { kept: self.kept, f: self.f }
    }
}

/// A record, or a list of records.
struct Records<'s, 'f, 'a> {
    shape: &'s Shape,
    found: Found<'f, 'a>,
}

impl<'a> DeserializeSeed<'a> for Records<'_, '_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'a> Visitor<'a> for Records<'_, '_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a JSON object, or a list of them")
    }

    fn visit_map<M: MapAccess<'a>>(mut self, map: M) -> Result<(), M::Error> {
        let mut cells: Cells<'a> = emptied(std::mem::take(self.found.kept));
        cells.resize(self.shape.columns, None);
        let mut listed = false;
        let items = Some(self.found.again());
        let fill = Fill { shape: self.shape, node: Some(0), cells: &mut cells, items, listed: &mut listed };
        fill.visit_map(map)?;
        if !listed {
            (self.found.f)(&cells);
        }
        *self.found.kept = emptied(cells);
        Ok(())
    }

    fn visit_seq<S: SeqAccess<'a>>(mut self, mut seq: S) -> Result<(), S::Error> {
        while seq.next_element_seed(Records { shape: self.shape, found: self.found.again() })?.is_some() {}
        Ok(())
    }
}

/// A value of a record: a cell, or an object with values that go into the record's cells.
struct Fill<'s, 'c, 'f, 'a> {
    shape: &'s Shape,
    /// Where an object's keys are looked up; without it, an object is passed over.
    node: Option<usize>,
    cells: &'c mut Vec<Option<Cell<'a>>>,
    /// At the top of a text: where a list's records go, and that there was a list.
    items: Option<Found<'f, 'a>>,
    listed: &'c mut bool,
}

impl<'s, 'a> Fill<'s, '_, '_, 'a> {
    /// The same record, further inside.
    fn within(&mut self, node: Option<usize>) -> Fill<'s, '_, '_, 'a> {
        Fill { shape: self.shape, node, cells: &mut *self.cells, items: None, listed: &mut *self.listed }
    }
}

impl<'a> DeserializeSeed<'a> for Fill<'_, '_, '_, 'a> {
    type Value = Option<Cell<'a>>;

    fn deserialize<D: Deserializer<'a>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'a> Visitor<'a> for Fill<'_, '_, '_, 'a> {
    type Value = Option<Cell<'a>>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_map<M: MapAccess<'a>>(mut self, mut map: M) -> Result<Self::Value, M::Error> {
        let Some(node) = self.node else {
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            return Ok(None);
        };
        while let Some(edge) = map.next_key_seed(Key { shape: self.shape, node })? {
            let Some(edge) = edge else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let value = match (edge, &mut self.items) {
                (Edge { items: true, .. }, Some(found)) => {
                    *self.listed = true;
                    map.next_value_seed(Records { shape: self.shape, found: found.again() })?;
                    None
                }
                (Edge { node, .. }, _) => map.next_value_seed(self.within(node))?,
            };
            let slot = edge.column.and_then(|column| self.cells.get_mut(column));
            if let (Some(slot @ None), Some(value)) = (slot, value) {
                *slot = Some(value);
            }
        }
        Ok(None)
    }

    /// A list of values; objects in it have no columns.
    fn visit_seq<S: SeqAccess<'a>>(mut self, mut seq: S) -> Result<Self::Value, S::Error> {
        let mut all = vec![];
        while let Some(value) = seq.next_element_seed(self.within(None))? {
            all.extend(value);
        }
        Ok(if all.len() > 1 { Some(Cell::Many(all)) } else { all.pop() })
    }

    fn visit_borrowed_str<E>(self, text: &'a str) -> Result<Self::Value, E> {
        Ok(Some(Cell::Text(Cow::Borrowed(text))))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(Cell::Text(Cow::Owned(text.to_owned()))))
    }

    fn visit_i64<E>(self, n: i64) -> Result<Self::Value, E> {
        Ok(Some(Cell::Number(n)))
    }

    #[allow(clippy::cast_precision_loss, reason = "a number that no field holds")]
    fn visit_u64<E>(self, n: u64) -> Result<Self::Value, E> {
        Ok(Some(i64::try_from(n).map_or(Cell::Fraction(n as f64), Cell::Number)))
    }

    fn visit_f64<E>(self, n: f64) -> Result<Self::Value, E> {
        Ok(Some(Cell::Fraction(n)))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Some(Cell::Bool(value)))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}

/// A key: what it leads to.
struct Key<'s> {
    shape: &'s Shape,
    node: usize,
}

impl<'a> DeserializeSeed<'a> for Key<'_> {
    type Value = Option<Edge>;

    fn deserialize<D: Deserializer<'a>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = Option<Edge>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.shape.edge(self.node, key))
    }
}
