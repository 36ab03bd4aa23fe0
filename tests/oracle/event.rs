//! Events: fields with values, and the fields that follow from others.

use arcanary::syntax::ast::{self, EventValue, Literal};
use arcanary::vocabulary::{FieldId, Kind, Os, Type};
use std::collections::BTreeMap;

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

impl Value {
    /// The text of a textual field.
    pub fn text(&self) -> &str {
        match self {
            Value::Text(text) => text,
            other => panic!("{other:?} is no text"),
        }
    }

    /// The number of a numeric field.
    pub fn number(&self) -> i64 {
        match self {
            Value::Number(number) => *number,
            other => panic!("{other:?} is no number"),
        }
    }
}

/// One event. A field that is not in the table is lacking; an empty text never enters it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its kind.
    pub kind: Kind,
    /// Its fields.
    pub fields: BTreeMap<FieldId, Value>,
}

impl Event {
    /// An event with these fields, by either name, and with those that follow from them.
    pub fn new<'n>(kind: Kind, fields: impl IntoIterator<Item = (&'n str, Value)>) -> Event {
        let mut event = Event { kind, fields: BTreeMap::new() };
        for (name, value) in fields {
            let id = FieldId::find(name).unwrap_or_else(|| panic!("there is no field `{name}`"));
            assert!(id.def().has_kind(kind), "{} events have no `{name}`", kind.word());
            if value != Value::Text(String::new()) {
                event.fields.insert(id, value);
            }
        }
        event.derive();
        event
    }

    /// A process with an image and a command line.
    pub fn process(executable: &str, command_line: &str) -> Event {
        let fields = [("executable", executable), ("command_line", command_line)];
        Event::new(Kind::Process, fields.map(|(name, text)| (name, Value::Text(text.to_owned()))))
    }

    /// The event of a rule's inline test.
    pub fn inline(event: &ast::Event) -> Event {
        let kind = Kind::from_word(&event.kind.text).expect("a kind of event");
        let names: Vec<String> = event.fields.iter().map(|(path, _)| path.dotted()).collect();
        let values =
            event.fields.iter().zip(&names).map(|((_, value), name)| (name.as_str(), inline_value(name, value)));
        Event::new(kind, values)
    }

    /// The event as a test writes it.
    pub fn written(&self) -> String {
        let fields = self.fields.iter().map(|(id, value)| match value {
            Value::Text(text) => format!("{} {text:?}", id.short()),
            Value::Number(number) => format!("{} {number}", id.short()),
            Value::Bool(value) => format!("{} {value}", id.short()),
        });
        format!("{} {{ {} }}", self.kind.word(), fields.collect::<Vec<_>>().join(", "))
    }

    /// The value of a field, unless the event lacks it.
    pub fn get(&self, id: FieldId) -> Option<&Value> {
        self.fields.get(&id)
    }

    /// The value of a field, by either name.
    pub fn named(&self, name: &str) -> Option<&Value> {
        FieldId::find(name).and_then(|id| self.get(id))
    }

    /// Whether the event comes from one of these systems; one that does not say so may.
    pub fn runs_on(&self, systems: &[Os]) -> bool {
        self.named("host.os").is_none_or(|os| systems.iter().any(|s| s.word() == os.text()))
    }

    /// Names, folders and extensions follow from paths, unless they were given.
    fn derive(&mut self) {
        for (path, name) in [
            ("executable", "process.name"),
            ("parent.executable", "parent.name"),
            ("file.path", "file.name"),
            ("dll.path", "dll.name"),
        ] {
            self.follow(path, name, |path| path.rsplit(['\\', '/']).next());
        }
        self.follow("file.path", "file.directory", |path| Some(&path[..path.rfind(['\\', '/'])?]));
        self.follow("file.name", "file.extension", |name| name.rsplit_once('.').map(|(_, extension)| extension));
    }

    fn follow(&mut self, from: &str, to: &str, how: impl Fn(&str) -> Option<&str>) {
        let to = FieldId::find(to).expect("a field");
        let Some(text) = self.named(from).and_then(|from| how(from.text())).map(str::to_owned) else {
            return;
        };
        if !text.is_empty() {
            self.fields.entry(to).or_insert(Value::Text(text));
        }
    }
}

fn inline_value(name: &str, value: &EventValue) -> Value {
    let time = FieldId::find(name).is_some_and(|id| id.def().ty == Type::Time);
    match value {
        EventValue::Word(word) => Value::Text(word.text.clone()),
        EventValue::Literal(Literal::Text(text)) if time => Value::Number(microseconds(&text.value)),
        EventValue::Literal(Literal::Date(date, _)) => Value::Number(microseconds(date)),
        EventValue::Literal(Literal::Text(text)) => Value::Text(text.value.clone()),
        EventValue::Literal(Literal::Int(n, _) | Literal::Size(n, _) | Literal::Duration(n, _)) => {
            Value::Number(i64::try_from(*n).expect("a number within 64 bits"))
        }
        EventValue::Literal(Literal::Bool(value, _)) => Value::Bool(*value),
    }
}

/// `2026-11-20`, or `2026-11-20T08:30:00Z` with parts of a second or without, as microseconds since 1970.
fn microseconds(text: &str) -> i64 {
    let number = |s: &str| s.parse::<i64>().unwrap_or_else(|_| panic!("`{text}` is no time"));
    let (date, clock) = text.split_once(['T', ' ']).unwrap_or((text, "00:00:00Z"));
    let date: Vec<i64> = date.split('-').map(number).collect();
    let [year, month, day] = date[..] else { panic!("`{text}` has no date") };
    let is_leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let february = if is_leap(year) { 29 } else { 28 };
    let months = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let years: i64 = (1970..year).map(|y| if is_leap(y) { 366 } else { 365 }).sum();
    let days = years + months[..usize::try_from(month - 1).expect("a month")].iter().sum::<i64>() + day - 1;
    let clock = clock.strip_suffix('Z').unwrap_or_else(|| panic!("`{text}` is not in UTC"));
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let seconds = clock.split(':').map(number).fold(0, |sum, part| sum * 60 + part);
    (days * 86_400 + seconds) * 1_000_000 + number(&format!("{fraction:0<6}")[..6])
}

#[cfg(test)]
mod tests {
    use super::{Event, Value, microseconds};
    use arcanary::vocabulary::Kind;

    #[test]
    fn names_folders_and_extensions_follow_from_paths() {
        let text = |s: &str| Value::Text(s.to_owned());
        let file =
            Event::new(Kind::File, [("file.path", text(r"C:\a.b\c.tar.GZ")), ("executable", text("/usr/bin/tar"))]);
        for (name, value) in [
            ("file.name", "c.tar.GZ"),
            ("file.directory", r"C:\a.b"),
            ("file.extension", "GZ"),
            ("process.name", "tar"),
        ] {
            assert_eq!(file.named(name), Some(&text(value)), "{name}");
        }
        let bare = Event::new(Kind::File, [("file.path", text(r"C:\a.b\")), ("executable", text(""))]);
        for name in ["file.name", "file.extension", "executable", "process.name"] {
            assert_eq!(bare.named(name), None, "{name}");
        }
    }

    #[test]
    fn times_count_from_1970() {
        assert_eq!(microseconds("1970-01-02"), 86_400_000_000);
        assert_eq!(microseconds("2024-02-29T00:00:01.5Z"), 1_709_164_801_500_000);
    }
}
