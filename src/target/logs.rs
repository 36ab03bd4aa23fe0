//! Logs as Windows and Splunk's add-ons write them: what stands around the columns of an event in its raw form.

use crate::yaml;
use serde::Deserialize;
use std::sync::LazyLock;

/// A log.
#[derive(Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// Splunk's name of its data sources, without the number of the event.
    name: String,
    /// Splunk's `source`.
    pub source: String,
    /// Splunk's `sourcetype`.
    pub sourcetype: String,
    /// The name of the event provider.
    pub provider: String,
    /// The provider's GUID, in braces.
    pub guid: String,
    /// The channel.
    pub channel: String,
}

static LOGS: LazyLock<Vec<Log>> =
    LazyLock::new(|| yaml::read_own(include_str!("../../targets/logs.yaml")).unwrap_or_default());

/// Returns the log and the event's number that a data source of Splunk stands for, such as `Sysmon EventID 1`.
#[must_use]
pub fn log_of(data_source: &str) -> Option<(&'static Log, u64)> {
    let (name, number) = data_source.rsplit_once(' ')?;
    Some((LOGS.iter().find(|log| log.name == name)?, number.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::Targets;

    #[test]
    fn every_data_source_of_a_built_in_target_is_an_event_of_a_log() {
        let targets = Targets::built_in();
        let sources = targets.all.values().flat_map(|t| t.sources.values().flatten());
        let names: Vec<&String> = sources.flat_map(|s| s.data_sources.values().flatten()).collect();
        assert!(names.len() > 10, "{names:?}");
        assert!(names.iter().all(|name| log_of(name).is_some()), "{names:?}");
        assert_eq!(
            log_of("Sysmon EventID 1").map(|(log, n)| (log.provider.as_str(), n)),
            Some(("Microsoft-Windows-Sysmon", 1))
        );
        assert_eq!((log_of("Sysmon EventID x"), log_of("Sysmon")), (None, None));
    }
}
