//! The events of a test: written out in the rule, or recorded in a file that a reader understands.

use super::{ShownEvent, ShownField};
use crate::event::{Event, read};
use crate::project::{Loaded, bounds};
use crate::source::Span;
use crate::syntax::ast::{self, TestInput};
use crate::vocabulary::FieldId;
use std::path::Path;

/// An event of a test.
pub(super) struct Given {
    pub event: Event<'static>,
    /// The fields that the test writes, in its order; of a recorded event, all that it has.
    written: Vec<FieldId>,
}

/// All events of a test.
///
/// # Errors
/// A recording cannot be read: where it is named, and why.
pub(super) fn events(test: &ast::Test, loaded: &Loaded) -> Result<Vec<Given>, (Span, String)> {
    match &test.input {
        TestInput::Events(events) => Ok(events.iter().map(inline).collect()),
        TestInput::Recorded { path, reader } => {
            let root = loaded.root_of(path.span.file);
            let events = match loaded.pack_of(path.span.file) {
                Some(pack) if !pack.brought(&root.join(&path.value)) => {
                    Err("the pack did not bring it along".to_owned())
                }
                _ => recorded(&path.value, &reader.text, &root),
            };
            events.map_err(|why| (path.span, why))
        }
    }
}

fn inline(written: &ast::Event) -> Given {
    let ids = written.fields.iter().filter_map(|(path, _)| FieldId::find(&path.dotted()));
    Given { event: Event::of_test(written), written: ids.collect() }
}

fn recorded(path: &str, reader: &str, root: &Path) -> Result<Vec<Given>, String> {
    let reader = read::find(reader).ok_or_else(|| format!("there is no reader `{reader}`"))?;
    let bytes = bounds::read(root, &root.join(path)).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => "no such file".to_owned(),
        _ => error.to_string(),
    })?;
    let events = read::stream::read_all(reader, &bytes).map_err(|(line, why)| format!("line {line}: {why}"))?;
    if events.is_empty() {
        return Err(format!("`{}` knows no event in it", reader.name));
    }
    let given = |event: Event<'static>| Given { written: event.fields().map(|(id, _)| id).collect(), event };
    Ok(events.into_iter().map(given).collect())
}

impl Given {
    /// As a failure shows it.
    pub fn shown(&self, index: usize, of: usize) -> ShownEvent {
        let field = |id: FieldId, derived| Some(ShownField { id, value: self.event.get(id)?.clone(), derived });
        let written = self.written.iter().filter_map(|id| field(*id, false));
        let derived = self.event.fields().filter(|(id, _)| !self.written.contains(id));
        let derived = derived.filter_map(|(id, _)| field(id, true));
        ShownEvent {
            position: index + 1,
            of,
            offset: None,
            kind: self.event.kind,
            fields: written.chain(derived).collect(),
        }
    }
}
