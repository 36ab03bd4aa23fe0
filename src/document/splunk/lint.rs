//! What Splunk and contentctl refuse in a saved search, or take for something else, said before they do.

use super::super::alert::Problem;
use super::contentctl::without_comments;
use super::{AT_RISK, Alarm, key_columns};
use crate::backend::spl::CONTENT_MACROS;
use crate::document::Document;
use crate::sema::Rule;
use crate::target::Target;
use regex::Regex;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// Enterprise Security takes no longer name of a search.
const NAME: usize = 99;
/// contentctl takes no longer name of a detection.
const RULE: usize = 67;
const DESCRIPTION: usize = 10_000;
const SEVERITIES: [&str; 6] = ["informational", "low", "medium", "high", "critical", "unknown"];
/// contentctl's `ThreatObjectType`.
const THREATS: [&str; 26] = [
    "certificate_common_name",
    "certificate_organization",
    "certificate_serial",
    "certificate_unit",
    "command",
    "domain",
    "email_address",
    "email_subject",
    "file_hash",
    "file_name",
    "file_path",
    "http_user_agent",
    "ip_address",
    "process",
    "process_name",
    "parent_process",
    "parent_process_name",
    "process_hash",
    "registry_path",
    "registry_value_name",
    "registry_value_text",
    "service",
    "signature",
    "system",
    "tls_hash",
    "url",
];

/// Columns that a saved search needs and the query does not return.
pub fn columns(rule: &Rule, target: &Target, document: &Document) -> Vec<Problem> {
    let printed = &document.printed;
    let mut out = vec![];
    if !printed.columns.iter().any(|c| c.name == "_time") {
        out.push(Problem {
            span: rule.span,
            why: "its rows have no `_time`, by which Splunk knows when an alert happened".to_owned(),
            cure: "name it under `columns` in the target's file".to_owned(),
        });
    }
    if target.alert.delay >= 86_400 {
        out.push(Problem {
            span: rule.span,
            why: "its events may be a day late, and it would run as late as that".to_owned(),
            cure: "give a shorter `delay` under `alert` in the target's file".to_owned(),
        });
    }
    let keys = rule.meta.throttle.iter().flat_map(|t| &t.keys);
    for key in keys.filter(|key| key_columns(key, rule, target, document).is_none()) {
        let missing = match key.as_str() {
            "host" | "user" => format!("{key}.name"),
            "process" | "parent" => format!("host.name` and `{key}.pid"),
            field => field.to_owned(),
        };
        out.push(Problem {
            span: rule.span,
            why: format!("it throttles by `{key}`, which its rows do not show"),
            cure: format!("add `{missing}` to `show`, or take `{key}` out of `throttle`"),
        });
    }
    out
}

/// What Splunk would refuse.
pub fn problems(said: &Alarm) -> Vec<Problem> {
    let mut out = vec![];
    let mut refuse = |refused: bool, why: String, cure: &str| {
        if refused {
            out.push(Problem { span: said.rule.span, why, cure: cure.to_owned() });
        }
    };
    let count = |text: &str| text.chars().count();
    let (name, own) = (count(&said.name), count(&said.rule.meta.title));
    let most = NAME.saturating_sub(name.saturating_sub(own));
    refuse(
        name > NAME || said.title.is_empty(),
        format!("its title has {own} characters, and {most} is the limit: its saved search is called after it"),
        "shorten `title`",
    );
    let name = count(&said.called);
    refuse(
        name > RULE,
        format!("its detection's name has {name} characters, and {RULE} is contentctl's limit"),
        "shorten the rule's name",
    );
    let about = count(&said.description).max(count(&said.about));
    refuse(
        about > DESCRIPTION,
        format!("what it says of itself has {about} characters, and {DESCRIPTION} is the limit"),
        "shorten the description, `triage`, `false_positives` or `references`",
    );
    refuse(
        !SEVERITIES.contains(&said.severity.as_str()),
        format!("`{}` is no severity; these are {}", said.severity, SEVERITIES.join(", ")),
        "give the level one of these words under `alert: severity` in the target's file",
    );
    refuse(
        said.search.contains(['\r', '\0']),
        "its search looks for a carriage return, or the character 0, which no setting holds".to_owned(),
        "look for other text, or name the project's `documents` without Splunk's",
    );
    let kinds = said.risk.iter().chain(&said.threats).map(|(_, kind)| kind.as_str());
    for kind in kinds.filter(|kind| !AT_RISK.contains(kind) && !THREATS.contains(kind)) {
        refuse(
            true,
            format!("`{kind}` is no type of what is at risk or threatens it"),
            "correct `alert: entities` in the target's file",
        );
    }
    out
}

/// What contentctl would take for a macro or a lookup although it stands in a string.
pub fn detection(said: &Alarm) -> Vec<Problem> {
    static MACRO: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new("`([^\\s]+)`").ok());
    static LOOKUP: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new("(?i)\\W(?:input|output)?lookup\\s").ok());
    let search = without_comments(&said.content);
    let of_content = |name: &str| {
        let called = name.split('(').next().unwrap_or(name);
        said.content != said.search && CONTENT_MACROS.contains(&called)
    };
    let known = |name: &str| said.filter == name || said.macros.iter().any(|m| m == name) || of_content(name);
    let calls = MACRO.iter().flat_map(|r| r.captures_iter(&search)).filter_map(|c| c.get(1)).map(|m| m.as_str());
    let mut strange: Vec<String> =
        calls.filter(|name| !known(name)).map(|name| format!("`{name}` for a macro")).collect();
    strange.extend(LOOKUP.iter().filter(|r| r.is_match(&search)).map(|_| "the word lookup for a lookup".to_owned()));
    let problem = |what: String| Problem {
        span: said.rule.span,
        why: format!("contentctl takes {what}, and it is text that the search looks for"),
        cure: "look for other text, or name the project's `documents` without `splunk-contentctl`".to_owned(),
    };
    strange.into_iter().map(problem).collect()
}

/// Rules whose searches or macros would be called alike: the later of each two.
pub fn twins<'a>(alarms: &[Alarm<'a>]) -> Vec<(&'a Rule, Problem)> {
    let mut names: BTreeMap<&str, &str> = BTreeMap::new();
    let mut filters: BTreeMap<&str, &str> = BTreeMap::new();
    let mut out = vec![];
    for said in alarms {
        let rule = said.rule.name.as_str();
        for (what, taken, cure) in [
            ("saved search", names.insert(&said.name, rule), "give one of them another `title`"),
            ("filter macro", filters.insert(&said.filter, rule), "give one of them another name"),
        ] {
            if let Some(other) = taken {
                let why = format!("its {what} is called like that of `{other}`");
                out.push((said.rule, Problem { span: said.rule.span, why, cure: cure.to_owned() }));
            }
        }
    }
    out
}
