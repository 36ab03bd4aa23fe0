//! A rule's firing tests as lines of logs, for platforms that replay them.
//!
//! The events are written as the target's logs, or the logs that fill its data models, hold them. They are read back from
//! there, and a test on which the rule then no longer fires is left out: such a log lacks what the test is about. A condition on
//! a field that a log lacks has been dropped there, which loses no match, so such fields keep their values. Only the original
//! name of a program may be dropped with a loss.

use crate::document::RawEvent;
use crate::event::{Event, Value, row, time};
use crate::project::Loaded;
use crate::sema::Rule;
use crate::target::{Language, Source, Target, log_of};
use crate::testing::{Checker, firing};
use crate::vocabulary::{FieldId, Os};
use serde_json::{Map, Value as Json};
use uuid::Uuid;

/// What a test's events have unless it says otherwise: host and user are one and the same there.
const HOST: &str = "ws1.corp.example";
const USER: &str = "kim";
const DOMAIN: &str = "CORP";
/// Columns that stand in an event's header.
const HEADER: [&str; 3] = ["_time", "EventCode", "Computer"];

/// Returns the events of a rule's firing tests as the logs behind a target hold them.
pub fn raw_events(rule: &Rule, loaded: &Loaded, target: &Target) -> Vec<RawEvent> {
    let checker = Checker::new(rule, loaded);
    let mut out = vec![];
    for test in firing(rule, loaded) {
        let events = test.into_iter().map(|event| completed(event, rule));
        let logged = events.map(|(event, os)| logged(&event, os, loaded, target)).collect::<Option<Vec<_>>>();
        let Some((raw, seen)): Option<(Vec<RawEvent>, Vec<Event>)> = logged.map(|all| all.into_iter().unzip()) else {
            continue;
        };
        let firing = checker.firing(&seen);
        out.extend(raw.into_iter().zip(firing).filter(|(_, fires)| *fires).map(|(raw, _)| raw));
    }
    out
}

/// The event with what every log has of it, and its system.
fn completed(mut event: Event<'static>, rule: &Rule) -> (Event<'static>, Os) {
    let own = FieldId::find("host.os").and_then(|id| Os::from_word(event.text(id)?));
    let os = own.or(rule.meta.os.first().copied()).unwrap_or(Os::Windows);
    let mut fill = |name: &str, value: Option<String>| {
        let missing = FieldId::find(name).filter(|id| id.def().has_kind(event.kind) && event.get(*id).is_none());
        if let (Some(id), Some(value)) = (missing, value) {
            event.set(id, Value::of(value));
        }
    };
    fill("host.name", Some(HOST.to_owned()));
    fill("user.name", Some(USER.to_owned()));
    fill("user.domain", (os == Os::Windows).then(|| DOMAIN.to_owned()));
    for (entity, executable) in [("process.entity_id", "executable"), ("parent.entity_id", "parent.executable")] {
        let text = |name: &str| FieldId::find(name).and_then(|id| event.text(id)).unwrap_or("").to_lowercase();
        let known_by = format!("{}\n{}", text("host.name"), text(executable));
        let guid = Uuid::new_v5(&Uuid::NAMESPACE_OID, known_by.as_bytes()).to_string().to_uppercase();
        let missing = FieldId::find(entity).filter(|id| id.def().has_kind(event.kind) && event.get(*id).is_none());
        if let Some(id) = missing {
            event.set(id, Value::of(format!("{{{guid}}}")));
        }
    }
    (event, os)
}

/// The event in its raw form, and as it is read back from there; `None`: no log behind the target holds it.
fn logged(event: &Event<'static>, os: Os, loaded: &Loaded, target: &Target) -> Option<(RawEvent, Event<'static>)> {
    let holds = |source: &&Source| {
        let constant =
            |(field, words): &(FieldId, Vec<String>)| event.text(*field).is_some_and(|t| words.iter().any(|w| w == t));
        source.os.contains(&os) && source.when.iter().all(constant)
    };
    let own = target.sources.get(&event.kind)?.iter().find(holds)?;
    // Sigma's logs are everybody's.
    let any = target.language == Language::Sigma;
    let wanted = own.data_sources.get(&os).map(Vec::as_slice).unwrap_or_default();
    let targets = std::iter::once(target).chain(loaded.targets.all.values());
    for raw in targets {
        let sources = raw.sources.get(&event.kind).into_iter().flatten().filter(|s| s.macro_name.is_some());
        for source in sources.filter(holds) {
            let row = row::write(raw, source, os, event);
            let code = row.get("EventCode").and_then(Json::as_u64);
            let names = source.data_sources.get(&os).into_iter().flatten().filter(|name| any || wanted.contains(name));
            let found = names.filter_map(|name| Some((name, log_of(name)?))).find(|(_, (_, id))| code == Some(*id));
            let Some((name, (log, id))) = found else { continue };
            let text = |column: &str| row.get(column).and_then(Json::as_str).unwrap_or_default().to_owned();
            let raw_event = RawEvent {
                data_source: name.clone(),
                log,
                id,
                time: event.time().map(time::format).unwrap_or_default(),
                computer: text("Computer"),
                data: data(&row),
                os,
                logsource: own.logsource.clone(),
            };
            let mut seen = row::read(raw, source, event.kind, &row);
            let lacking = event.fields().filter(|(id, _)| raw.mapping_in(source, *id, event.kind).is_none());
            for (id, value) in lacking.filter(|(id, _)| !id.short().ends_with("original_name")) {
                seen.set(id, value.clone());
            }
            return Some((raw_event, seen));
        }
    }
    None
}

fn data(row: &Map<String, Json>) -> Vec<(String, Json)> {
    let own = row.iter().filter(|(column, _)| !HEADER.contains(&column.as_str()));
    own.map(|(column, value)| (column.clone(), value.clone())).collect()
}
