//! Events as flat objects with the names of the Elastic Common Schema, one a line.

use crate::event::{Event, Value, time};
use crate::vocabulary::{Kind, Type};
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::FieldId;

    #[test]
    fn an_object_says_what_sort_of_event_it_is() {
        let sort = |kind: Kind, action: Option<&'static str>| {
            let mut event = Event::new(kind);
            if let Some((field, word)) = FieldId::find("file.action").zip(action) {
                event.set(field, Value::of(word));
            }
            let object = object(&event);
            (object["event.category"][0].clone(), object["event.type"][0].clone(), object.get("event.code").cloned())
        };
        assert_eq!(sort(Kind::Process, None), ("process".into(), "start".into(), None));
        assert_eq!(sort(Kind::File, Some("created")), ("file".into(), "creation".into(), None));
        assert_eq!(sort(Kind::File, Some("moved")), ("file".into(), "change".into(), None));
        assert_eq!(sort(Kind::Script, None), ("process".into(), "info".into(), Some("4104".into())));
    }
}
