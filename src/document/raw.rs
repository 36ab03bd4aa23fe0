//! Events as they stand in a log of Windows or of Sysmon: the XML that Splunk's add-ons read, and the JSON of evtx_dump.

use crate::target::Log;
use crate::vocabulary::Os;
use indexmap::IndexMap;
use serde_json::{Value, json};

const NAMESPACE: &str = "http://schemas.microsoft.com/win/2004/08/events/event";
/// The account that writes the log: the system.
const WRITER: &str = "S-1-5-18";

/// An event in its raw form.
#[derive(Clone, Debug)]
pub struct RawEvent {
    /// Splunk's name of its data source.
    pub data_source: String,
    /// Its log.
    pub log: &'static Log,
    /// Its number there.
    pub id: u64,
    /// When it was written, as ISO 8601.
    pub time: String,
    /// The computer.
    pub computer: String,
    /// Its other columns.
    pub data: Vec<(String, Value)>,
    /// Its system.
    pub os: Os,
    /// Sigma: its log source.
    pub logsource: IndexMap<String, String>,
}

impl RawEvent {
    /// The event as one line of XML; `number` tells the events of one log apart.
    #[must_use]
    pub fn xml(&self, number: usize) -> String {
        let RawEvent { log, id, time, computer, .. } = self;
        let system = format!(
            "<System><Provider Name='{}' Guid='{}'/><EventID>{id}</EventID><Version>1</Version><Level>4</Level>\
             <Task>{id}</Task><Opcode>0</Opcode><Keywords>0x8000000000000000</Keywords><TimeCreated SystemTime='{}'/>\
             <EventRecordID>{number}</EventRecordID><Correlation/><Execution ProcessID='1' ThreadID='1'/>\
             <Channel>{}</Channel><Computer>{}</Computer><Security UserID='{WRITER}'/></System>",
            escaped(&log.provider),
            escaped(&log.guid),
            escaped(time),
            escaped(&log.channel),
            escaped(computer),
        );
        let data = self.data.iter().map(|(name, value)| {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            format!("<Data Name='{}'>{}</Data>", escaped(name), escaped(&text))
        });
        let data: String = data.collect();
        format!("<Event xmlns='{NAMESPACE}'>{system}<EventData>{data}</EventData></Event>")
    }

    /// The event as evtx_dump writes it.
    #[must_use]
    pub fn json(&self, number: usize) -> Value {
        let attributes = |value: Value| json!({ "#attributes": value });
        // evtx_dump writes GUIDs without braces.
        let bare = |text: &str| text.strip_prefix('{').and_then(|t| t.strip_suffix('}')).unwrap_or(text).to_owned();
        let guid = bare(&self.log.guid);
        let data = self.data.iter().map(|(name, value)| {
            let value =
                value.as_str().filter(|_| name.ends_with("Guid")).map_or_else(|| value.clone(), |t| bare(t).into());
            (name.clone(), value)
        });
        json!({
            "Event": {
                "#attributes": { "xmlns": NAMESPACE },
                "System": {
                    "Provider": attributes(json!({ "Name": self.log.provider, "Guid": guid })),
                    "EventID": self.id,
                    "Version": 1,
                    "Level": 4,
                    "Task": self.id,
                    "Opcode": 0,
                    "Keywords": "0x8000000000000000",
                    "TimeCreated": attributes(json!({ "SystemTime": self.time })),
                    "EventRecordID": number,
                    "Correlation": null,
                    "Execution": attributes(json!({ "ProcessID": 1, "ThreadID": 1 })),
                    "Channel": self.log.channel,
                    "Computer": self.computer,
                    "Security": attributes(json!({ "UserID": WRITER })),
                },
                "EventData": data.collect::<serde_json::Map<_, _>>(),
            }
        })
    }
}

/// Text inside an element or a quoted attribute, on one line; XML has no other control characters than these.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\'' => out.push_str("&apos;"),
            '"' => out.push_str("&quot;"),
            '\t' | '\n' | '\r' => out.push_str(&format!("&#{};", u32::from(c))),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_value_holds_stays_inside_its_element_and_its_line() {
        assert_eq!(escaped("a&b<c>d'e\"f\n\u{1}ü"), "a&amp;b&lt;c&gt;d&apos;e&quot;f&#10;\u{fffd}ü");
    }
}
