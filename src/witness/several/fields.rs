//! Fields that join events, an identity's among them.

use crate::event::{Event, Value};
use crate::vocabulary::{FieldId, Type};

pub(super) fn id(name: &str) -> Option<FieldId> {
    FieldId::find(name)
}

pub(super) fn set(event: &mut Event<'static>, name: &str, value: Value<'static>) {
    if let Some(id) = id(name) {
        event.set(id, value);
    }
}

/// The fields of which an identity is made, behind the name that they share with a process's.
pub(super) fn parts(field: FieldId) -> Vec<&'static str> {
    match (field.def().ty, field.short()) {
        (Type::Identity, "host") => vec!["host.name"],
        (Type::Identity, "user") => vec!["user.name", "user.domain", "user.id"],
        (Type::Identity, "parent") => vec!["parent.entity_id", "parent.pid"],
        (Type::Identity, _) => vec!["process.entity_id", "process.pid"],
        _ => vec![],
    }
}

/// Makes a field of one event equal to one of another.
pub(super) fn copy(from: &Event<'static>, (left, right): (FieldId, FieldId), to: &mut Event<'static>) {
    let pairs: Vec<(Option<FieldId>, Option<FieldId>)> = match parts(left).is_empty() {
        true => vec![(Some(left), Some(right))],
        false => parts(left).into_iter().map(id).zip(parts(right).into_iter().map(id)).collect(),
    };
    for (left, right) in pairs {
        if let (Some(left), Some(right)) = (left, right) {
            match from.get(right).cloned() {
                Some(value) => to.set(left, value),
                None => to.remove(left),
            }
        }
    }
}

/// Takes a field away, or gives it a value that nothing else has.
pub(super) fn change(event: &mut Event<'static>, field: FieldId, remove: bool) {
    let names = parts(field);
    let fields = if names.is_empty() { vec![field] } else { names.into_iter().filter_map(id).collect() };
    for field in fields {
        match event.get(field).cloned() {
            Some(_) if remove => event.forget(field),
            Some(Value::Text(text)) => event.set(field, Value::of(format!("{text}-2"))),
            Some(Value::Number(n)) => event.set(field, Value::Number(n.saturating_add(1_000))),
            _ => {}
        }
    }
}

/// Gives an event a process of its own; ids that look like a sensor's go on to do so.
pub(super) fn another_process(event: &mut Event<'static>, number: i64) {
    let [Some(entity), Some(pid)] = ["process.entity_id", "process.pid"].map(id) else { return };
    if let Some(text) = event.text(entity).map(str::to_owned) {
        let kept = text.char_indices().rev().nth(3).and_then(|(at, _)| text.get(..at)).unwrap_or("");
        event.set(entity, Value::of(format!("{kept}{:04x}", 0x400 + 4 * number)));
    }
    if let Some(Value::Number(n)) = event.get(pid).cloned() {
        event.set(pid, Value::Number(n.saturating_add(4 * number)));
    }
}
