//! Readers: from a log's JSON to events.
//!
//! A reader is a file beside the targets (`targets/readers/`): where a schema keeps its columns, what tells the kinds of
//! event apart, and which column is which field, most often as one of the targets has it. No field is known to the code.
//!
//! ```text
//! bytes ─ stream ─ shape ─ cell
//!  of a    one      its     its
//!  file    record   columns fields
//! ```

mod cell;
mod file;
mod native;
pub mod open;
mod scan;
mod shape;
pub mod stream;

use super::{Event, Slots};
use crate::vocabulary::{FieldId, Kind};
use cell::Cell;
use indexmap::IndexMap;
use shape::{Cells, Shape};
use std::sync::LazyLock;

/// The log schemas that come with the compiler: name and file. The first whose marks are found in a record reads it.
const BUILT_IN: [(&str, &str); 8] = [
    ("limacharlie", include_str!("../../../targets/readers/limacharlie.yaml")),
    ("splunk", include_str!("../../../targets/readers/splunk.yaml")),
    ("defender", include_str!("../../../targets/readers/defender.yaml")),
    ("sentinel", include_str!("../../../targets/readers/sentinel.yaml")),
    ("windows_security", include_str!("../../../targets/readers/windows_security.yaml")),
    ("sysmon", include_str!("../../../targets/readers/sysmon.yaml")),
    ("labelled", include_str!("../../../targets/readers/labelled.yaml")),
    ("ecs", include_str!("../../../targets/readers/ecs.yaml")),
];

/// A column of a reader, by its place.
type Column = usize;

/// A reader of one log schema.
#[derive(Debug)]
pub struct Reader {
    /// Its name.
    pub name: String,
    /// In words.
    pub title: String,
    shape: Shape,
    marks: Vec<Vec<Column>>,
    kinds: Vec<Source>,
}

/// One kind of event among a schema's records.
#[derive(Debug)]
struct Source {
    kind: Kind,
    has: Vec<Column>,
    without: Vec<Column>,
    filter: Vec<(Column, Vec<crate::target::Scalar>)>,
    unless: Vec<(Column, Vec<crate::target::Scalar>)>,
    set: Vec<(FieldId, &'static str)>,
    fields: Vec<(FieldId, cell::Take)>,
    filler: Vec<String>,
}

/// What a record is.
#[derive(Debug)]
pub enum Record<'a> {
    /// An event.
    Event(Event<'a>),
    /// Something that the language has no kind of event for.
    Other,
}

/// What readers keep from one record to the next, so that they need not ask for memory again.
#[derive(Debug, Default)]
pub struct Room {
    cells: Cells<'static>,
    slots: Slots<'static>,
}

/// Why a text is no record.
#[derive(Debug)]
pub struct Malformed {
    /// What is wrong with it.
    pub why: String,
}

static ALL: LazyLock<IndexMap<&'static str, Reader>> = LazyLock::new(|| {
    // A file that cannot be read would leave its reader out; a test sees that none is.
    BUILT_IN.iter().filter_map(|(name, text)| Some((*name, file::load(text).ok()?))).collect()
});

/// Every reader, in the order in which a schema is looked for.
pub fn all() -> impl Iterator<Item = &'static Reader> {
    ALL.values()
}

/// Every reader's name.
#[must_use]
pub fn names() -> [&'static str; BUILT_IN.len()] {
    BUILT_IN.map(|(name, _)| name)
}

/// A reader by its name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Reader> {
    ALL.get(name)
}

/// The reader whose marks are found in a record.
#[must_use]
pub fn detect(record: &[u8]) -> Option<&'static Reader> {
    all().find(|reader| reader.knows(record))
}

impl Reader {
    /// Whether the text is a record, or a list of records, of this schema.
    #[must_use]
    pub fn knows(&self, text: &[u8]) -> bool {
        let mut known = false;
        let read = self.shape.each(text, &mut vec![], &mut |cells| {
            let has = |columns: &Vec<Column>| columns.iter().all(|c| matches!(cells.get(*c), Some(Some(_))));
            known |= self.marks.iter().any(has);
        });
        read.is_ok() && known
    }

    /// Calls `f` for each record in a text: one object, or a list of them. What one reading has taken of `room`, the next
    /// one uses again.
    ///
    /// # Errors
    /// The text is no JSON; records before the mistake were handed on.
    pub fn read(&self, text: &[u8], room: &mut Room, f: &mut dyn FnMut(&Record)) -> Result<(), Malformed> {
        let Room { cells, slots } = room;
        let read = self.shape.each(text, cells, &mut |cells| {
            let record = self.record(cells, slots);
            f(&record);
            if let Record::Event(event) = record {
                *slots = event.leave();
            }
        });
        read.map_err(|error| Malformed { why: error.to_string() })
    }

    fn record<'c>(&self, cells: &'c [Option<Cell>], slots: &mut Slots<'static>) -> Record<'c> {
        let cell = |column: &Column| cells.get(*column).and_then(Option::as_ref);
        let is = |(column, values): &(Column, Vec<_>)| cell(column).is_some_and(|c| c.is_any(values));
        let found = self.kinds.iter().find(|source| {
            source.filter.iter().all(is)
                && source.has.iter().all(|c| cell(c).is_some())
                && !source.without.iter().any(|c| cell(c).is_some())
                && !source.unless.iter().any(is)
        });
        let Some(source) = found else { return Record::Other };
        let mut event = Event::within(source.kind, std::mem::take(slots));
        for (field, take) in &source.fields {
            if let Some(value) = take.among(cell, &source.filler) {
                event.set(*field, value);
            }
        }
        for (field, word) in &source.set {
            event.set(*field, super::Value::of(*word));
        }
        event.derive();
        Record::Event(event)
    }
}

#[cfg(test)]
mod tests;
