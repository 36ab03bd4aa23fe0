//! What identifies hosts, users and processes, as brute force takes it: fields of text.

use super::Value;
use super::temporal::Happened;
use arcanary::vocabulary::{FieldId, Kind};

/// With its identities as fields. A process without an entity id is its host's number since the last start of it.
pub fn identified(events: &[Happened]) -> Vec<Happened> {
    let host = |h: &Happened| h.event.named("host.name").map(|v| v.text().to_lowercase());
    let started = |h: &Happened| (h.event.kind == Kind::Process).then(|| h.event.named("process.pid").cloned())?;
    let process = |h: &Happened, of: &str| match h.event.named(&format!("{of}.entity_id")) {
        Some(id) => Some(format!("id {}", id.text())),
        None => {
            let (host, pid) = (host(h)?, h.event.named(&format!("{of}.pid"))?);
            let same = |s: &&Happened| started(s).as_ref() == Some(pid) && self::host_of(s) == Some(host.clone());
            let start = events.iter().filter(same).map(|s| s.time).filter(|t| *t <= h.time).max();
            Some(format!("{host} {} {start:?}", pid.number()))
        }
    };
    let user = |h: &Happened| {
        let name = h.event.named("user.name")?.text().to_lowercase();
        let domain = h.event.named("user.domain").map(|d| d.text().to_lowercase());
        Some(format!("{domain:?} {name}"))
    };
    let mut out = events.to_vec();
    for (now, before) in out.iter_mut().zip(events) {
        let identities = [
            ("host", host(before)),
            ("user", user(before)),
            ("process", process(before, "process")),
            ("parent", process(before, "parent")),
        ];
        for (name, identity) in identities {
            if let Some(text) = identity {
                now.event.fields.insert(FieldId::find(name).unwrap(), Value::Text(text));
            }
        }
    }
    out
}

fn host_of(happened: &Happened) -> Option<String> {
    happened.event.named("host.name").map(|v| v.text().to_lowercase())
}
