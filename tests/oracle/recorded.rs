//! Recorded events: as much of each log schema as the project's recordings need.

use super::{Event, Value};
use arcanary::vocabulary::Kind;
use serde_json::Value as Json;

/// The events of a recording, read as `reader` says.
pub fn read(reader: &str, text: &str) -> Vec<Event> {
    let json: Json = serde_json::from_str(text).expect("JSON");
    match reader {
        "limacharlie" => vec![limacharlie(&json)],
        other => panic!("the oracle cannot read `{other}` yet"),
    }
}

/// A detection of LimaCharlie's with the `NEW_PROCESS` event that it is about.
fn limacharlie(json: &Json) -> Event {
    let detect = &json["detect"];
    assert_eq!(detect["routing"]["event_type"], "NEW_PROCESS");
    let mut fields = vec![];
    let mut take = |name: &'static str, value: &Json| {
        if let Some(text) = value.as_str() {
            fields.push((name, Value::Text(text.to_owned())));
        } else if let Some(number) = value.as_i64() {
            fields.push((name, Value::Number(number)));
        }
    };
    take("host.name", &detect["routing"]["hostname"]);
    for (key, own, parents) in [
        ("FILE_PATH", "executable", "parent.executable"),
        ("COMMAND_LINE", "command_line", "parent.command_line"),
        ("HASH", "process.hash.sha256", "parent.hash.sha256"),
        ("PROCESS_ID", "process.pid", "parent.pid"),
    ] {
        take(own, &detect["event"][key]);
        take(parents, &detect["event"]["PARENT"][key]);
    }
    Event::new(Kind::Process, fields)
}
