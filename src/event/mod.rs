//! Events, and what rules say of them: the definition of what a rule means.
//!
//! An [`Event`] is a table of the language's fields. What it lacks is not in the table: an empty text never enters it, so
//! logic over events has two values. [`eval`] compiles a rule and asks it about events.

pub mod eval;

use crate::sema::{FieldId, Kind, Type};
use crate::syntax::ast::{self, EventValue, Literal};
use std::collections::HashMap;

/// A field's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Text, a path, a hash, an address, an enum's word.
    Text(String),
    /// A number, bytes, or microseconds since 1970.
    Number(i64),
    /// True or false.
    Bool(bool),
}

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its kind.
    pub kind: Kind,
    fields: HashMap<FieldId, Value>,
}

impl Event {
    /// An event that has no field yet.
    #[must_use]
    pub fn new(kind: Kind) -> Event {
        Event { kind, fields: HashMap::new() }
    }

    /// Gives a field a value; an empty text is none.
    pub fn set(&mut self, id: FieldId, value: Value) {
        if value != Value::Text(String::new()) {
            self.fields.insert(id, value);
        }
    }

    /// A field's value, unless the event lacks it.
    #[must_use]
    pub fn get(&self, id: FieldId) -> Option<&Value> {
        self.fields.get(&id)
    }

    /// A field's text, unless the event lacks it.
    #[must_use]
    pub fn text(&self, id: FieldId) -> Option<&str> {
        match self.get(id) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// Names, folders and extensions follow from paths unless they were given.
    pub fn derive(&mut self) {
        for (path, name) in [
            ("executable", "process.name"),
            ("parent.executable", "parent.name"),
            ("file.path", "file.name"),
            ("dll.path", "dll.name"),
        ] {
            self.follow(path, name, |path| path.rsplit(['\\', '/']).next());
        }
        self.follow("file.path", "file.directory", |path| path.rfind(['\\', '/']).and_then(|end| path.get(..end)));
        self.follow("file.name", "file.extension", |name| name.rsplit_once('.').map(|(_, extension)| extension));
    }

    fn follow(&mut self, from: &str, to: &str, how: impl Fn(&str) -> Option<&str>) {
        let (Some(from), Some(to)) = (FieldId::find(from), FieldId::find(to)) else { return };
        let Some(text) = self.text(from).and_then(how).filter(|t| !t.is_empty()).map(str::to_owned) else { return };
        self.fields.entry(to).or_insert(Value::Text(text));
    }

    /// The event that a rule's test writes out. What the resolver found wrong with it is left out.
    #[must_use]
    pub fn of_test(written: &ast::Event) -> Event {
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

fn test_value(ty: Type, value: &EventValue) -> Option<Value> {
    Some(match value {
        EventValue::Word(word) => Value::Text(word.text.clone()),
        EventValue::Literal(Literal::Text(text)) if ty == Type::Time => Value::Number(microseconds(&text.value)?),
        EventValue::Literal(Literal::Text(text)) => Value::Text(text.value.clone()),
        EventValue::Literal(Literal::Date(date, _)) => Value::Number(microseconds(date)?),
        EventValue::Literal(Literal::Int(n, _) | Literal::Size(n, _) | Literal::Duration(n, _)) => {
            Value::Number(i64::try_from(*n).ok()?)
        }
        EventValue::Literal(Literal::Bool(value, _)) => Value::Bool(*value),
    })
}

/// `2026-11-20`, or `2026-11-20T08:30:00.5Z`, as microseconds since 1970.
#[must_use]
pub fn microseconds(text: &str) -> Option<i64> {
    let (date, clock) = text.split_once(['T', ' ']).unwrap_or((text, "00:00:00Z"));
    let days = crate::sema::day_number(date)?;
    let (clock, fraction) = clock.strip_suffix('Z')?.split_once('.').unwrap_or((clock.strip_suffix('Z')?, "0"));
    let mut parts = clock.split(':').map(|p| p.parse::<i64>().ok());
    let seconds = parts.next()?? * 3600 + parts.next()?? * 60 + parts.next()??;
    let digits: String = fraction.chars().chain("000000".chars()).take(6).collect();
    days.checked_mul(86_400)?.checked_add(seconds)?.checked_mul(1_000_000)?.checked_add(digits.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_folders_and_extensions_follow_from_paths() {
        let id = |name: &str| FieldId::find(name).expect(name);
        let mut event = Event::new(Kind::File);
        event.set(id("file.path"), Value::Text(r"C:\a.b\c.tar.GZ".into()));
        event.set(id("executable"), Value::Text(String::new()));
        event.derive();
        for (name, text) in [("file.name", "c.tar.GZ"), ("file.directory", r"C:\a.b"), ("file.extension", "GZ")] {
            assert_eq!(event.text(id(name)), Some(text));
        }
        assert_eq!(event.get(id("process.name")), None);
    }

    #[test]
    fn times_count_from_1970() {
        assert_eq!(microseconds("1970-01-02"), Some(86_400_000_000));
        assert_eq!(microseconds("2024-02-29T00:00:01.5Z"), Some(1_709_164_801_500_000));
        assert_eq!(microseconds("yesterday"), None);
    }
}
