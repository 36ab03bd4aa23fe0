//! What Sentinel refuses in an analytics rule, said before it does: the limits of its API and those that the validators of
//! Microsoft's public repository ask of every template.

use super::super::alert::{Entity, Problem};
use super::{Analytics, MOST_ENTITIES};
use crate::duration::written;
use crate::source::Span;
use std::sync::LazyLock;

const NAME: usize = 256;
const DESCRIPTION: usize = 5000;
const QUERY: usize = 10_000;
const VERSION: usize = 20;
const DETAILS: usize = 20;
const DETAIL_KEY: usize = 20;
const DETAIL_VALUE: usize = 500;
/// Frequency and look-back, in seconds.
const SHORTEST: u64 = 5 * 60;
const LONGEST: u64 = 14 * DAY;
const DAY: u64 = 86_400;
const HOUR: u64 = 3600;
/// The longest time in which alerts become one incident.
const GROUPED: u64 = 7 * DAY;
const PLACEHOLDERS: usize = 3;

const SEVERITIES: [&str; 4] = ["Informational", "Low", "Medium", "High"];
const TACTICS: [&str; 16] = [
    "InitialAccess",
    "Execution",
    "Persistence",
    "PrivilegeEscalation",
    "DefenseEvasion",
    "CredentialAccess",
    "Discovery",
    "LateralMovement",
    "Collection",
    "Exfiltration",
    "CommandAndControl",
    "Impact",
    "Reconnaissance",
    "ResourceDevelopment",
    "ImpairProcessControl",
    "InhibitResponseFunction",
];

/// For each type of entity: its identifiers, those of which it needs one, and whether it needs all of these.
const ENTITIES: [(&str, &[&str], &[&str], bool); 6] = [
    (
        "Account",
        &[
            "Name",
            "FullName",
            "NTDomain",
            "DnsDomain",
            "UPNSuffix",
            "Sid",
            "AadTenantId",
            "AadUserId",
            "PUID",
            "IsDomainJoined",
            "DisplayName",
            "ObjectGuid",
        ],
        &["FullName", "Sid", "Name", "AadUserId", "PUID", "ObjectGuid"],
        false,
    ),
    (
        "Host",
        &[
            "DnsDomain",
            "NTDomain",
            "HostName",
            "FullName",
            "NetBiosName",
            "AzureID",
            "OMSAgentID",
            "OSFamily",
            "OSVersion",
            "IsDomainJoined",
        ],
        &["FullName", "HostName", "NetBiosName", "AzureID", "OMSAgentID"],
        false,
    ),
    (
        "Process",
        &["ProcessId", "CommandLine", "ElevationToken", "CreationTimeUtc"],
        &["CommandLine", "ProcessId"],
        false,
    ),
    ("File", &["Directory", "Name"], &["Name"], false),
    ("FileHash", &["Algorithm", "Value"], &["Algorithm", "Value"], true),
    ("IP", &["Address"], &["Address"], false),
];

/// Whether Sentinel can tell an entity by the identifiers that it has.
pub fn identifies(entity: &Entity) -> bool {
    let has = |wanted: &&str| entity.columns.iter().any(|(identifier, _)| identifier == wanted);
    ENTITIES.iter().any(|(kind, known, needed, all)| {
        let enough = if *all { needed.iter().all(has) } else { needed.iter().any(has) };
        *kind == entity.kind && enough && entity.columns.iter().all(|(i, _)| known.contains(&i.as_str()))
    })
}

/// What Sentinel would refuse.
pub fn problems(said: &Analytics) -> Vec<Problem> {
    let mut lint = Lint { span: said.rule.span, found: vec![] };
    lint.texts(said);
    lint.attack(said);
    lint.entities(said);
    lint.columns(said);
    // A hunting query has no schedule, and no details of alerts.
    if !said.rule.meta.hunts() {
        lint.times(said);
        lint.details(said);
    }
    lint.found
}

struct Lint {
    span: Span,
    found: Vec<Problem>,
}

impl Lint {
    fn refuse(&mut self, refused: bool, why: impl FnOnce() -> String, cure: &str) {
        if refused {
            self.found.push(Problem { span: self.span, why: why(), cure: cure.to_owned() });
        }
    }

    fn texts(&mut self, said: &Analytics) {
        let count = |text: &str| text.chars().count();
        self.refuse(
            count(&said.name) > NAME || said.name.is_empty(),
            || format!("its title has {} characters, and {NAME} is the limit", count(&said.name)),
            "shorten `title`",
        );
        let about = count(&said.description).max(count(&said.about_format));
        self.refuse(
            about > DESCRIPTION,
            || format!("what it says of itself has {about} characters, and {DESCRIPTION} is the limit"),
            "shorten the description, `triage`, `false_positives` or `references`",
        );
        self.refuse(
            count(&said.title_format) > NAME,
            || format!("the name of its alerts has {} characters, and {NAME} is the limit", count(&said.title_format)),
            "shorten `title`",
        );
        let query = count(&said.query);
        self.refuse(
            query == 0 || query > QUERY,
            || format!("its query has {query} characters, and {QUERY} is the limit"),
            "split the rule, or name fewer utilities and values",
        );
        self.refuse(
            !SEVERITIES.contains(&said.severity.as_str()),
            || format!("`{}` is no severity; these are {}", said.severity, SEVERITIES.join(", ")),
            "give the level one of these words under `alert: severity` in the target's file",
        );
        let parts: Vec<&str> = said.version.split('.').collect();
        let number = |p: &&str| !p.is_empty() && p.chars().all(|c| c.is_ascii_digit());
        self.refuse(
            parts.len() != 3 || !parts.iter().all(number) || said.version.len() > VERSION,
            || format!("`{}` is no version such as 1.0.0", said.version),
            "give the rule a version of three numbers with `arcanary pack --bump`",
        );
    }

    fn times(&mut self, said: &Analytics) {
        for (what, seconds) in [("runs every", said.every), ("looks back", said.period)] {
            self.refuse(
                !(SHORTEST..=LONGEST).contains(&seconds),
                || format!("it {what} {}, and Sentinel takes 5m to 14d", written(seconds)),
                "correct `schedule`, shorten the window, or set `alert: every` and `delay` in the target's file",
            );
            self.refuse(
                !seconds.is_multiple_of(60),
                || format!("it {what} {}, and Sentinel counts whole minutes", written(seconds)),
                "take whole minutes in `schedule` and `within`",
            );
        }
        self.refuse(
            said.period < said.every,
            || format!("it looks back {} and runs every {}", written(said.period), written(said.every)),
            "look back at least as far as the rule's frequency",
        );
        self.refuse(
            said.period >= 2 * DAY && said.every < HOUR,
            || format!("it looks back {} every {}", written(said.period), written(said.every)),
            "a rule that looks back 2d or more runs once an hour at most: `schedule every 1h over …`",
        );
        self.refuse(
            !(SHORTEST..=GROUPED).contains(&said.grouped),
            || format!("its alerts are one incident for {}, and Sentinel takes 5m to 7d", written(said.grouped)),
            "correct `throttle`",
        );
    }

    fn attack(&mut self, said: &Analytics) {
        for tactic in said.tactics.iter().filter(|t| !TACTICS.contains(&t.as_str())) {
            self.refuse(
                true,
                || format!("`{tactic}` is no tactic of Sentinel's"),
                "name a tactic of Sentinel's for it under `alert: tactics` in the target's file",
            );
        }
        let plain =
            |id: &&String| id.len() == 5 && id.starts_with('T') && id.chars().skip(1).all(|c| c.is_ascii_digit());
        for technique in said.techniques.iter().filter(|t| !plain(t)) {
            self.refuse(true, || format!("`{technique}` is no technique such as T1560"), "correct `attack`");
        }
    }

    fn entities(&mut self, said: &Analytics) {
        let count = said.entities.len();
        self.refuse(
            count == 0,
            || format!("its rows name no entity, and Sentinel takes 1 to {MOST_ENTITIES}"),
            "add `host.name`, `user.name` or `command_line` to `show`",
        );
        self.refuse(
            count > MOST_ENTITIES,
            || format!("it has {count} entities, and {MOST_ENTITIES} is the limit"),
            "name fewer `entities`",
        );
        for entity in said.entities.iter().filter(|e| !identifies(e)) {
            self.refuse(
                true,
                || format!("nothing identifies the entity `{}` as `{}`", entity.word, entity.kind),
                "correct `alert: entities` in the target's file",
            );
        }
        for kind in said.group_by.iter().filter(|kind| said.entities.iter().all(|e| e.kind != **kind)) {
            self.refuse(
                true,
                || format!("its alerts are grouped by `{kind}`, which is no entity of its own"),
                "throttle by what the rule shows",
            );
        }
    }

    fn details(&mut self, said: &Analytics) {
        let count = said.details.len();
        self.refuse(
            count > DETAILS,
            || format!("it has {count} flags and figures, and {DETAILS} is the limit"),
            "join flags into fewer ones",
        );
        static KEY: LazyLock<Option<regex::Regex>> = LazyLock::new(|| regex::Regex::new(r"^[a-zA-Z]+\w*$").ok());
        let named = |text: &str| KEY.as_ref().is_some_and(|r| r.is_match(text));
        let mut wrong: Vec<(Span, String)> = vec![];
        for (key, column) in &said.details {
            let flag = said.rule.flags().iter().find(|f| f.name.text == *key).map(|f| f.name.span);
            let span = flag.unwrap_or(said.rule.span);
            let letters = key.chars().count();
            if letters > DETAIL_KEY {
                wrong.push((
                    span,
                    format!("`{key}` has {letters} letters, and {DETAIL_KEY} is the limit of a detail's name"),
                ));
            }
            if !named(key) {
                wrong.push((span, format!("a detail's name begins with a letter, and `{key}` does not")));
            }
            if column.chars().count() > DETAIL_VALUE {
                wrong.push((span, format!("the column of `{key}` has a name that is too long")));
            }
        }
        let cure = "give the flag another name".to_owned();
        self.found.extend(wrong.into_iter().map(|(span, why)| Problem { span, why, cure: cure.clone() }));
    }

    /// The commonest mistake in public templates: a column that the query does not return.
    fn columns(&mut self, said: &Analytics) {
        let of_entities = said.entities.iter().flat_map(|e| e.columns.iter().map(|(_, column)| column));
        let named = of_entities.chain(said.details.values()).chain(&said.placeholders);
        for column in named.filter(|c| !said.columns.contains(c)) {
            self.refuse(
                true,
                || format!("it names the column `{column}`, which the query does not return"),
                "please report this together with the rule",
            );
        }
        self.refuse(
            said.placeholders.len() > PLACEHOLDERS,
            || format!("its alerts' text has more than {PLACEHOLDERS} placeholders"),
            "please report this together with the rule",
        );
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn the_limits_are_those_of_microsofts_validators() {
        let facts: Value =
            serde_json::from_str(include_str!("../../../tests/data/sentinel-template-constraints.json")).unwrap();
        let limit = |key: &str| usize::try_from(facts["limits"][key].as_u64().unwrap()).unwrap();
        for (key, ours) in [
            ("name_max", NAME),
            ("description_max", DESCRIPTION),
            ("query_max", QUERY),
            ("version_max", VERSION),
            ("custom_details_max", DETAILS),
            ("custom_details_key_max", DETAIL_KEY),
            ("custom_details_value_max", DETAIL_VALUE),
        ] {
            assert_eq!(limit(key), ours, "{key}");
        }
        for (key, ours) in
            [("frequency_min", SHORTEST), ("period_min", SHORTEST), ("frequency_max", LONGEST), ("period_max", LONGEST)]
        {
            assert_eq!(facts["limits"][key], crate::duration::iso(ours), "{key}");
        }
        assert_eq!(facts["limits"]["entity_mappings"][1], MOST_ENTITIES);
        assert_eq!(facts["limits"]["field_mappings_per_entity"][1], super::super::MOST_IDENTIFIERS);
        assert_eq!(facts["severity"], serde_json::json!(SEVERITIES));
        assert_eq!(facts["tactics"], serde_json::json!(TACTICS));
        for (kind, known, needed, all) in ENTITIES {
            let fact = &facts["entities"][kind];
            assert_eq!(fact["ids"], serde_json::json!(known), "{kind}");
            assert_eq!(fact[if all { "required_all" } else { "required_any" }], serde_json::json!(needed), "{kind}");
        }
        assert_eq!(facts["entities"].as_object().unwrap().len(), ENTITIES.len());
    }
}
