//! Events, and what rules say of them: the definition of what a rule means.
//!
//! An [`Event`] is a table of the language's fields. What it lacks is not in the table: an empty text never enters it, so
//! logic over events has two values. [`read`] makes events of logs, [`eval`] compiles a rule and asks it about events,
//! [`engine`] asks many rules at once; [`clauses`] tells which part of a condition decides.

mod ask;
pub mod clauses;
pub mod engine;
pub mod eval;
mod node;
mod prefilter;
pub mod read;
pub mod row;
mod scratch;
pub mod stream;
pub mod time;

use crate::syntax::ast::{self, EventValue, Literal};
use crate::vocabulary::{FieldId, Kind, Type, fields};
use std::borrow::Cow;
use std::sync::LazyLock;

static TIME: LazyLock<Option<FieldId>> = LazyLock::new(|| FieldId::find("event.time"));
static HOST_OS: LazyLock<Option<FieldId>> = LazyLock::new(|| FieldId::find("host.os"));

/// A field's value, in the text that it was read from where that is possible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// Text, a path, a hash, an address, an enum's word.
    Text(Cow<'a, str>),
    /// A number, bytes, or microseconds since 1970.
    Number(i64),
    /// True or false.
    Bool(bool),
}

impl<'a> Value<'a> {
    /// A text.
    pub fn of(text: impl Into<Cow<'a, str>>) -> Value<'a> {
        Value::Text(text.into())
    }
}

/// One event: a slot for each field of the language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event<'a> {
    /// Its kind.
    pub kind: Kind,
    slots: Slots<'a>,
}

/// A slot for each field of the language.
type Slots<'a> = Vec<Option<Value<'a>>>;

/// An empty list in the room of another one, whatever that borrowed from: the library collects in place.
fn emptied<A, B>(mut all: Vec<Option<A>>) -> Vec<Option<B>> {
    all.clear();
    all.into_iter().map(|_| None).collect()
}

impl<'a> Event<'a> {
    /// An event that has no field yet.
    #[must_use]
    pub fn new(kind: Kind) -> Event<'a> {
        Event::within(kind, vec![])
    }

    /// The same, in room that another event has left.
    fn within(kind: Kind, room: Slots<'static>) -> Event<'a> {
        let mut slots: Slots<'a> = emptied(room);
        slots.resize(FieldId::COUNT, None);
        Event { kind, slots }
    }

    /// Leaves its room.
    fn leave(self) -> Slots<'static> {
        emptied(self.slots)
    }

    /// Gives a field a value; an empty text is none, and takes away what was there.
    pub fn set(&mut self, id: FieldId, value: Value<'a>) {
        if let Some(slot) = self.slots.get_mut(id.index()) {
            *slot = Some(value).filter(|v| !matches!(v, Value::Text(text) if text.is_empty()));
        }
    }

    /// Takes a field away.
    pub fn remove(&mut self, id: FieldId) {
        if let Some(slot) = self.slots.get_mut(id.index()) {
            *slot = None;
        }
    }

    /// Takes a field away with what it would [follow](Event::derive) from.
    pub fn forget(&mut self, id: FieldId) {
        self.remove(id);
        DERIVED.iter().filter(|(_, to, _)| *to == id).for_each(|(from, ..)| self.forget(*from));
    }

    /// A field's value, unless the event lacks it.
    #[must_use]
    pub fn get(&self, id: FieldId) -> Option<&Value<'a>> {
        self.slots.get(id.index())?.as_ref()
    }

    /// The same event, apart from the text that it was read from.
    #[must_use]
    pub fn into_owned(self) -> Event<'static> {
        let own = |value| match value {
            Value::Text(text) => Value::Text(Cow::Owned(text.into_owned())),
            Value::Number(n) => Value::Number(n),
            Value::Bool(b) => Value::Bool(b),
        };
        Event { kind: self.kind, slots: self.slots.into_iter().map(|slot| slot.map(own)).collect() }
    }

    /// The fields that it has, in the order of the reference.
    pub fn fields(&self) -> impl Iterator<Item = (FieldId, &Value<'a>)> {
        fields::all().zip(&self.slots).filter_map(|(id, slot)| Some((id, slot.as_ref()?)))
    }

    /// A field's text, unless the event lacks it.
    #[must_use]
    pub fn text(&self, id: FieldId) -> Option<&str> {
        match self.get(id) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// When it happened, in microseconds since 1970, unless the event lacks that.
    #[must_use]
    pub fn time(&self) -> Option<i64> {
        match TIME.and_then(|id| self.get(id)) {
            Some(Value::Number(time)) => Some(*time),
            _ => None,
        }
    }

    /// Names, folders and extensions follow from paths unless they were given.
    pub fn derive(&mut self) {
        for (from, to, how) in DERIVED.iter() {
            if self.get(*to).is_some() {
                continue;
            }
            let derived: Option<Cow<'a, str>> = match self.get(*from) {
                Some(Value::Text(Cow::Borrowed(text))) => how(text).map(Cow::Borrowed),
                Some(Value::Text(Cow::Owned(text))) => how(text).map(|part| part.to_owned().into()),
                _ => None,
            };
            if let Some(text) = derived {
                self.set(*to, Value::Text(text));
            }
        }
    }

    /// The event that a rule's test writes out. What the resolver found wrong with it is left out.
    #[must_use]
    pub fn of_test(written: &ast::Event) -> Event<'static> {
        let mut event = Event::new(Kind::from_word(&written.kind.text).unwrap_or(Kind::Process));
        for (path, value) in &written.fields {
            let Some(id) = FieldId::find(&path.dotted()) else { continue };
            if let Some(value) = test_value(id.def().ty, value) {
                event.set(id, value);
            }
        }
        event.derive();
        event
    }
}

type Derived = (FieldId, FieldId, fn(&str) -> Option<&str>);

/// What follows from what, in an order in which later ones may follow from earlier ones.
static DERIVED: LazyLock<Vec<Derived>> = LazyLock::new(|| {
    let name: fn(&str) -> Option<&str> = |path| path.rsplit(['\\', '/']).next();
    let folder: fn(&str) -> Option<&str> = |path| path.get(..path.rfind(['\\', '/'])?);
    let extension: fn(&str) -> Option<&str> = |name| Some(name.rsplit_once('.')?.1);
    let table = [
        ("executable", "process.name", name),
        ("parent.executable", "parent.name", name),
        ("file.path", "file.name", name),
        ("dll.path", "dll.name", name),
        ("file.path", "file.directory", folder),
        ("file.name", "file.extension", extension),
    ];
    table.into_iter().filter_map(|(from, to, how)| Some((FieldId::find(from)?, FieldId::find(to)?, how))).collect()
});

fn test_value(ty: Type, value: &EventValue) -> Option<Value<'static>> {
    Some(match value {
        EventValue::Word(word) => Value::of(word.text.clone()),
        EventValue::Literal(Literal::Text(text)) if ty == Type::Time => Value::Number(time::parse(&text.value)?),
        EventValue::Literal(Literal::Text(text)) => Value::of(text.value.clone()),
        EventValue::Literal(Literal::Date(date, _)) => Value::Number(time::parse(date)?),
        EventValue::Literal(Literal::Int(n, _) | Literal::Size(n, _) | Literal::Duration(n, _)) => {
            Value::Number(i64::try_from(*n).ok()?)
        }
        EventValue::Literal(Literal::Bool(value, _)) => Value::Bool(*value),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_folders_and_extensions_follow_from_paths() {
        let id = |name: &str| FieldId::find(name).expect(name);
        let mut event = Event::new(Kind::File);
        event.set(id("file.path"), Value::of(r"C:\a.b\c.tar.GZ"));
        event.set(id("executable"), Value::of(""));
        event.derive();
        for (name, text) in [("file.name", "c.tar.GZ"), ("file.directory", r"C:\a.b"), ("file.extension", "GZ")] {
            assert_eq!(event.text(id(name)), Some(text));
        }
        assert_eq!(event.get(id("process.name")), None);
        event.forget(id("file.extension"));
        event.derive();
        assert_eq!((event.text(id("file.extension")), event.text(id("file.directory"))), (None, Some(r"C:\a.b")));
    }
}
