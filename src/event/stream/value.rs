//! Values by which events are joined: two are equal if and only if these are.
//!
//! Names compare without case, opaque ids exactly, paths with either separator, addresses by what they say. An identity
//! is made of what its event has: a host of its name, a user of domain and name or else of an id, a process of its entity
//! id or else of host and number.

use crate::event::ask::{address, folded, separators_alike};
use crate::event::{Event, Value};
use crate::hash;
use crate::vocabulary::{FieldId, Kind, Type};
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::LazyLock;

/// How identities are told where an event does not say them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Naming {
    /// As logs have it: what an event lacks joins it with nothing.
    #[default]
    Logged,
    /// As the tests inside rules have it: host and user are one and the same unless given, and a process without
    /// an entity id is known by host and executable.
    Written,
}

/// A value to be compared.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// A text in the form in which it is compared; empty: what inline tests leave out.
    Text(Rc<str>),
    /// A number, a size, a time.
    Number(i64),
    /// True or false.
    Bool(bool),
    /// An address.
    Address(IpAddr),
    /// A user by domain, if given, and name.
    User(Rc<(Option<Rc<str>>, Rc<str>)>),
    /// A process by its entity id.
    Entity(Rc<str>),
    /// A process by host and executable.
    Image(Rc<(Rc<str>, Rc<str>)>),
    /// A process by host and number.
    Pid(Box<Pid>),
}

/// A process that is known by its number.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pid {
    /// On which host.
    pub host: Rc<str>,
    /// Its number.
    pub number: i64,
    /// The last start of that number on that host, once that is known.
    pub start: Option<i64>,
}

impl Part {
    /// As results show it.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            Part::Text(text) | Part::Entity(text) => text.to_string(),
            Part::Number(n) => n.to_string(),
            Part::Bool(value) => value.to_string(),
            Part::Address(address) => address.to_string(),
            Part::User(user) => match user.as_ref() {
                (Some(domain), name) => format!("{domain}\\{name}"),
                (None, name) => name.to_string(),
            },
            Part::Image(image) => format!("{} on {}", image.1, image.0),
            Part::Pid(pid) => format!("{} on {}", pid.number, pid.host),
        }
    }
}

struct Ids {
    host: Option<FieldId>,
    user: Option<FieldId>,
    domain: Option<FieldId>,
    user_id: Option<FieldId>,
    /// Entity id, number and executable: of the process, and of its parent.
    process: [Option<FieldId>; 3],
    parent: [Option<FieldId>; 3],
}

static IDS: LazyLock<Ids> = LazyLock::new(|| Ids {
    host: FieldId::find("host.name"),
    user: FieldId::find("user.name"),
    domain: FieldId::find("user.domain"),
    user_id: FieldId::find("user.id"),
    process: ["process.entity_id", "process.pid", "executable"].map(FieldId::find),
    parent: ["parent.entity_id", "parent.pid", "parent.executable"].map(FieldId::find),
});

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    Plain,
    Folded,
    Path { cased: bool },
    Address,
    Host,
    User,
    Process,
    Parent,
}

/// A field as it is taken from an event to be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Take {
    field: FieldId,
    how: How,
}

impl Take {
    /// A field of an equality.
    #[must_use]
    pub fn of(field: FieldId, cased: bool) -> Take {
        let how = match (field.def().ty, field.short()) {
            (Type::Identity, "host") => How::Host,
            (Type::Identity, "user") => How::User,
            (Type::Identity, "parent") => How::Parent,
            (Type::Identity, _) => How::Process,
            (Type::Ip, _) => How::Address,
            (Type::Path, _) => How::Path { cased },
            (Type::String | Type::Hash(_), _) if !cased => How::Folded,
            _ => How::Plain,
        };
        Take { field, how }
    }

    /// A field of which events are grouped, or values counted: opaque ids are compared exactly.
    #[must_use]
    pub fn key(field: FieldId) -> Take {
        let opaque = [IDS.process, IDS.parent].iter().any(|ids| ids.first() == Some(&Some(field)));
        Take::of(field, opaque)
    }

    /// Whether it is a process as such.
    #[must_use]
    pub fn is_process(self) -> bool {
        matches!(self.how, How::Process | How::Parent)
    }

    /// The value of an event, unless the event lacks it.
    #[must_use]
    pub fn from(self, event: &Event, naming: Naming) -> Option<Part> {
        match self.how {
            How::Host => host(event, naming).map(Part::Text),
            How::User => user(event, naming),
            How::Process => process(event, &IDS.process, naming),
            How::Parent => process(event, &IDS.parent, naming),
            how => match event.get(self.field) {
                Some(value) => plain(value, how),
                None => self.left_out(naming),
            },
        }
    }

    fn left_out(self, naming: Naming) -> Option<Part> {
        let ours = [IDS.host, IDS.user, IDS.user_id].contains(&Some(self.field));
        (ours && naming == Naming::Written).then(|| Part::Text("".into()))
    }
}

fn plain(value: &Value, how: How) -> Option<Part> {
    Some(match (value, how) {
        (Value::Number(n), _) => Part::Number(*n),
        (Value::Bool(value), _) => Part::Bool(*value),
        (Value::Text(text), How::Address) => Part::Address(address(text)?),
        (Value::Text(text), How::Path { cased: true }) => Part::Text(kept(&separators_alike(text))),
        (Value::Text(text), How::Path { cased: false }) => Part::Text(path(text)),
        (Value::Text(text), How::Folded) => Part::Text(fold(text)),
        (Value::Text(text), _) => Part::Text(kept(text)),
    })
}

/// The most bytes that are kept of a text.
const LONGEST: usize = 1024;

/// A text as it is kept: of a long one its beginning, its length and its hash, so that what is held does not grow with what a
/// record holds. Whatever is kept whole is shorter than that.
fn kept(text: &str) -> Rc<str> {
    if text.len() <= LONGEST {
        return text.into();
    }
    let end = (0..=LONGEST).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let beginning = text.get(..end).unwrap_or_default();
    format!("{beginning}… ({} bytes, {})", text.len(), hash::of_bytes(text.as_bytes())).into()
}

fn fold(text: &str) -> Rc<str> {
    // Most names are in small letters already.
    if text.bytes().all(|b| b.is_ascii() && !b.is_ascii_uppercase()) {
        return kept(text);
    }
    kept(&folded(text, false))
}

fn path(text: &str) -> Rc<str> {
    fold(&separators_alike(text))
}

fn host(event: &Event, naming: Naming) -> Option<Rc<str>> {
    match (IDS.host.and_then(|id| event.text(id)), naming) {
        (Some(name), _) => Some(fold(name)),
        (None, Naming::Written) => Some("".into()),
        (None, Naming::Logged) => None,
    }
}

fn user(event: &Event, naming: Naming) -> Option<Part> {
    let text = |id: Option<FieldId>| id.and_then(|id| event.text(id)).map(fold);
    match (text(IDS.user), text(IDS.user_id)) {
        (Some(name), _) => Some(Part::User(Rc::new((text(IDS.domain), name)))),
        (None, Some(id)) => Some(Part::Text(id)),
        (None, None) => (naming == Naming::Written).then(|| Part::Text("".into())),
    }
}

fn process(event: &Event, [entity, pid, executable]: &[Option<FieldId>; 3], naming: Naming) -> Option<Part> {
    if let Some(id) = entity.and_then(|id| event.text(id)) {
        return Some(Part::Entity(kept(id)));
    }
    match naming {
        Naming::Written => {
            let executable = path(executable.and_then(|id| event.text(id))?);
            Some(Part::Image(Rc::new((host(event, naming)?, executable))))
        }
        Naming::Logged => {
            let (host, number) = (host(event, naming)?, number(event, *pid)?);
            Some(Part::Pid(Box::new(Pid { host, number, start: None })))
        }
    }
}

fn number(event: &Event, id: Option<FieldId>) -> Option<i64> {
    match id.and_then(|id| event.get(id)) {
        Some(Value::Number(n)) => Some(*n),
        _ => None,
    }
}

/// The host and number of a process that starts.
#[must_use]
pub fn started(event: &Event) -> Option<(Rc<str>, i64)> {
    let [_, pid, _] = &IDS.process;
    let pid = number(event, *pid).filter(|_| event.kind == Kind::Process)?;
    Some((host(event, Naming::Logged)?, pid))
}

/// Whether a process event says its process by more than a number.
#[must_use]
pub fn is_known(event: &Event) -> bool {
    let [entity, ..] = &IDS.process;
    entity.and_then(|id| event.text(id)).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(fields: &[(&str, &str)]) -> Event<'static> {
        let mut event = Event::new(Kind::File);
        for (name, text) in fields {
            let value = text.parse().map_or_else(|_| Value::of((*text).to_owned()), Value::Number);
            event.set(FieldId::find(name).expect(name), value);
        }
        event
    }

    fn taken(field: &str, fields: &[(&str, &str)], naming: Naming) -> Option<Part> {
        Take::key(FieldId::find(field).expect(field)).from(&event(fields), naming)
    }

    #[test]
    fn names_compare_without_case_and_opaque_ids_exactly() {
        let same =
            |field, a, b| taken(field, &[(field, a)], Naming::Logged) == taken(field, &[(field, b)], Naming::Logged);
        assert!(same("host.name", "WS-É", "ws-é"));
        assert!(same("file.path", "C:/Data/x", r"c:\data\X"));
        assert!(same("destination.ip", "::1", "0:0:0:0:0:0:0:1"));
        assert!(!same("process.entity_id", "a1", "A1"));
        let process = |id| taken("process", &[("process.entity_id", id)], Naming::Logged);
        assert_ne!(process("a1"), process("A1"));
    }

    #[test]
    fn of_a_long_text_no_more_is_kept_than_tells_it_from_others() {
        let long = |end: &str| format!("{}{end}", "x".repeat(10_000_000));
        for field in ["host.name", "file.path", "command_line", "process.entity_id", "user.name"] {
            let part = |text: &str| taken(field, &[(field, text)], Naming::Logged).expect(field);
            let shown = part(&long("a")).shown();
            assert!(shown.len() < 1200, "{field}: {} bytes", shown.len());
            assert_eq!(part(&long("a")), part(&long("a")), "{field}");
            assert_ne!(part(&long("a")), part(&long("b")), "{field}");
            assert_ne!(part(&shown), part(&long("a")), "{field}: nobody writes what is kept of a long one");
        }
        let case = |text: &str| taken("host.name", &[("host.name", text)], Naming::Logged);
        assert_eq!(case(&"É".repeat(1000)), case(&"é".repeat(1000)));
        assert_eq!(case(&"a".repeat(LONGEST)).map(|part| part.shown()), Some("a".repeat(LONGEST)));
    }

    #[test]
    fn an_identity_is_made_of_what_the_event_has() {
        let user = |fields: &[(&str, &str)]| taken("user", fields, Naming::Logged);
        assert_eq!(
            user(&[("user.name", "Kim"), ("user.domain", "CORP")]),
            user(&[("user.name", "kim"), ("user.domain", "corp"), ("user.id", "s")])
        );
        assert_ne!(user(&[("user.name", "kim")]), user(&[("user.name", "kim"), ("user.domain", "corp")]));
        assert!(user(&[("user.id", "S-1-5")]).is_some());
        assert_eq!(user(&[("user.domain", "corp")]), None);
        let process = |fields: &[(&str, &str)]| taken("process", fields, Naming::Logged);
        assert_eq!(process(&[("process.pid", "7")]), None, "a number means nothing without its host");
        assert_eq!(
            process(&[("host.name", "A"), ("process.pid", "7")]),
            Some(Part::Pid(Box::new(Pid { host: "a".into(), number: 7, start: None })))
        );
        assert_eq!(process(&[("host.name", "a"), ("executable", "/x")]), None);
    }

    #[test]
    fn inline_tests_share_a_host_and_a_user_unless_given() {
        let written = |field, fields: &[(&str, &str)]| taken(field, fields, Naming::Written);
        for field in ["host", "host.name", "user", "user.name"] {
            assert!(written(field, &[]).is_some(), "{field}");
            assert_eq!(taken(field, &[], Naming::Logged), None, "{field}");
        }
        assert_ne!(written("host", &[]), written("host", &[("host.name", "a")]));
        assert_eq!(
            written("process", &[("executable", r"C:\X")]),
            written("process", &[("executable", "c:/x"), ("process.pid", "7")])
        );
        assert_eq!(written("process", &[]), None);
        assert_eq!(written("file.path", &[]), None);
    }
}
