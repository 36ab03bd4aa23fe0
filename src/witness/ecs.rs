//! Events as flat objects with the names of the Elastic Common Schema, one a line.

use crate::event::{Event, Value, time};
use crate::sema::{Kind, Type};
use serde_json::{Map, Value as Json, json};

/// An event as an object: `@timestamp`, what sort of event it is, then its fields.
#[must_use]
pub fn object(event: &Event) -> Map<String, Json> {
    let mut out = Map::new();
    let mut rest = Map::new();
    for (field, value) in event.fields() {
        let def = field.def();
        let value = match value {
            Value::Number(n) if def.ty == Type::Time => Json::from(time::format(*n)),
            Value::Number(n) => Json::from(*n),
            Value::Text(text) => Json::from(text.as_ref()),
            Value::Bool(b) => Json::from(*b),
        };
        let place = if def.ty == Type::Time { &mut out } else { &mut rest };
        place.insert(def.ecs.clone(), value);
    }
    let (category, ty) = match event.kind {
        Kind::Process => ("process", "start"),
        Kind::File => ("file", change(rest.get("event.action").and_then(Json::as_str))),
        Kind::Library => ("library", "start"),
        Kind::Network => ("network", "connection"),
        Kind::Script => ("process", "info"),
    };
    out.insert("event.kind".into(), json!("event"));
    out.insert("event.category".into(), json!([category]));
    out.insert("event.type".into(), json!([ty]));
    if event.kind == Kind::Script {
        out.insert("event.code".into(), json!("4104"));
    }
    out.extend(rest);
    out
}

/// The type of an event about a file.
fn change(action: Option<&str>) -> &'static str {
    match action {
        Some("created") => "creation",
        Some("deleted") => "deletion",
        Some("opened") => "access",
        _ => "change",
    }
}
