//! The documents around queries: each reads, is what its platform's schema asks for, and is as it was reviewed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod attack;
#[path = "../common/mod.rs"]
mod common;
mod installed;
mod splunk;

use arcanary::build::{Built, build};
use arcanary::project::{Loaded, load};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

/// The shipped pack, and the language's cases.
fn all() -> Vec<(&'static str, Built)> {
    ["rules", "tests/cases"].into_iter().map(|folder| (folder, common::built(&common::project(folder)))).collect()
}

/// The documents of a folder of a target, `sentinel/arm`: path and text.
fn of<'b>(built: &'b Built, folder: &str) -> Vec<(&'b str, &'b str)> {
    let files = built.files.iter().filter(|(path, _)| path.rsplit_once('/').is_some_and(|(f, _)| f == folder));
    files.map(|(path, text)| (path.as_str(), text.as_str())).collect()
}

fn data(name: &str) -> Value {
    let text = std::fs::read_to_string(common::root().join("tests/data").join(name)).expect("a file of tests/data");
    serde_json::from_str(&text).expect("JSON")
}

/// Records with named properties take no other ones: a misspelt one would be lost without a word.
fn strict(schema: &mut Value) {
    if let Some(record) = schema.as_object_mut() {
        let named = record.get("properties").and_then(Value::as_object).is_some_and(|p| !p.is_empty());
        let is_schema = record.get("type").is_some_and(|t| t == "object");
        if named && is_schema && !record.contains_key("additionalProperties") {
            record.insert("additionalProperties".to_owned(), Value::Bool(false));
        }
        record.values_mut().for_each(strict);
    } else if let Some(all) = schema.as_array_mut() {
        all.iter_mut().for_each(strict);
    }
}

#[test]
fn every_arm_document_of_sentinel_is_valid_by_its_schema() {
    let mut schema = data("sentinel-alert-rule.schema.json");
    strict(&mut schema);
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let mut wrong = vec![];
    let (mut checked, mut hunts) = (0, 0);
    for (folder, built) in all() {
        for (path, text) in ["sentinel/arm", "sentinel-securityevent/arm"].iter().flat_map(|f| of(&built, f)) {
            let template: Value = serde_json::from_str(text).expect("JSON");
            let rule = &template["resources"][0];
            if rule["type"] == "Microsoft.OperationalInsights/workspaces/savedSearches" {
                hunts += 1;
                wrong.extend(saved_search(rule).map(|why| format!("{folder}/{path}: {why}")));
                continue;
            }
            assert_eq!(rule["apiVersion"], "2025-09-01", "{path}: the schema is of this version");
            let said = serde_json::json!({ "kind": rule["kind"], "properties": rule["properties"] });
            let found = validator.iter_errors(&said).map(|e| format!("{folder}/{path}: {}: {e}", e.instance_path()));
            wrong.extend(found);
            checked += 1;
        }
    }
    assert!(checked > 60 && hunts > 5, "{checked} and {hunts} documents: the pack is not there");
    assert_eq!(wrong, Vec::<String>::new());
    let bad = serde_json::json!({ "kind": "Scheduled", "properties": { "displayName": "x", "severity": "Critical" } });
    assert!(!validator.is_valid(&bad), "the schema refuses something");
}

/// What is wrong with a hunting query by the reference of saved searches, 2020-08-01, and by what Sentinel shows of one.
fn saved_search(resource: &Value) -> Option<String> {
    let said = &resource["properties"];
    let keys: Vec<&String> = said.as_object()?.keys().collect();
    let tags: Vec<&str> = said["tags"].as_array()?.iter().filter_map(|tag| tag["name"].as_str()).collect();
    let text = |key: &str| said[key].as_str().is_some_and(|t| !t.is_empty());
    let name = resource["name"].as_str().unwrap_or_default();
    let fits = resource["apiVersion"] == "2020-08-01"
        && name.starts_with("[concat(parameters('workspace'), '/")
        && keys == ["category", "displayName", "query", "version", "tags"]
        && said["category"] == "Hunting Queries"
        && text("displayName")
        && text("query")
        && (tags == ["description", "tactics", "techniques"] || tags == ["description"]);
    (!fits).then(|| resource.to_string())
}

/// What Microsoft's validators of its public repository ask, read from facts gathered there and not from our linter.
#[test]
fn every_sentinel_template_has_what_microsofts_validators_ask_for() {
    let facts = data("sentinel-template-constraints.json");
    let words = |value: &Value| -> BTreeSet<String> {
        value.as_array().unwrap().iter().map(|v| v.as_str().unwrap().to_owned()).collect()
    };
    let (limits, entities) = (&facts["limits"], &facts["entities"]);
    let most = |key: &str| usize::try_from(limits[key].as_u64().unwrap()).unwrap();
    let detail = regex::Regex::new(limits["custom_details_key_regex"].as_str().unwrap()).unwrap();
    let mut checked = 0;
    for (_, built) in all() {
        for (path, text) in
            ["sentinel", "sentinel-securityevent"].iter().flat_map(|t| of(&built, &format!("{t}/analytics-rules")))
        {
            let rule: Value = serde_yaml::from_str(text).unwrap_or_else(|e| panic!("{path}: {e}"));
            for key in words(&facts["template_required"]) {
                let key = key.split('(').next().unwrap();
                assert!(!rule[key].is_null(), "{path}: no `{key}`");
            }
            let length = |key: &str| rule[key].as_str().unwrap().chars().count();
            assert!(length("name") <= most("name_max") && length("description") <= most("description_max"), "{path}");
            assert!(length("query") <= most("query_max"), "{path}: {} characters", length("query"));
            assert!(words(&facts["severity"]).contains(rule["severity"].as_str().unwrap()), "{path}");
            assert!(words(&rule["tactics"]).is_subset(&words(&facts["tactics"])), "{path}: {}", rule["tactics"]);
            assert!(words(&rule["relevantTechniques"]).iter().all(|t| t.len() == 5), "{path}");
            let mapped = rule["entityMappings"].as_array().unwrap();
            assert!((1..=5).contains(&mapped.len()), "{path}: {} entities", mapped.len());
            for entity in mapped {
                let known = &entities[entity["entityType"].as_str().unwrap()];
                let fields = entity["fieldMappings"].as_array().unwrap();
                let ids: BTreeSet<String> =
                    fields.iter().map(|f| f["identifier"].as_str().unwrap().to_owned()).collect();
                assert!((1..=3).contains(&fields.len()) && ids.is_subset(&words(&known["ids"])), "{path}: {ids:?}");
                assert!(!ids.is_disjoint(&words(&known["required_any"])), "{path}: {ids:?}");
            }
            let details = rule["customDetails"].as_object().cloned().unwrap_or_default();
            assert!(details.len() <= most("custom_details_max"), "{path}");
            for key in details.keys() {
                assert!(key.len() <= most("custom_details_key_max") && detail.is_match(key), "{path}: {key}");
            }
            checked += 1;
        }
    }
    assert!(checked > 60, "{checked} documents: the pack is not there");
}

#[test]
fn a_layer_names_each_technique_of_the_pack_once_with_its_rules() {
    let loaded = common::project("rules");
    let built = common::built(&loaded);
    let layer: Value = serde_json::from_str(&built.files["navigator/layer.json"]).expect("JSON");
    assert_eq!((&layer["versions"]["layer"], &layer["domain"]), (&"4.5".into(), &"enterprise-attack".into()));
    let techniques = layer["techniques"].as_array().expect("techniques");
    let scored = techniques.iter().filter(|t| !t["score"].is_null());
    let named: Vec<&str> = scored.clone().map(|t| t["techniqueID"].as_str().unwrap()).collect();
    let wanted: BTreeSet<&str> =
        loaded.project.rules.values().flat_map(|r| r.meta.attack.iter().map(|t| t.id.as_str())).collect();
    assert_eq!(named, wanted.into_iter().collect::<Vec<_>>());
    for technique in scored {
        assert_eq!(technique["score"].as_u64(), technique["metadata"].as_array().map(|m| m.len() as u64));
    }
    let (least, most) = (&layer["gradient"]["minValue"], &layer["gradient"]["maxValue"]);
    assert!(most.as_u64() > least.as_u64(), "a gradient has two ends");
}

/// Writes a project into a folder and loads it.
fn written(folder: &Path, files: &[(&str, &str)]) -> Loaded {
    for (name, text) in files {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).expect("a folder");
        std::fs::write(path, text).expect("a file");
    }
    let loaded = load(&[], folder);
    assert!(!loaded.has_errors(), "{:?}", loaded.diagnostics);
    loaded
}

const RULE: &str = r#"rule r {
  title "A Rule" id 00000000-0000-4000-8000-000000000001 level critical os [windows] attack [T1560.001, T1074]
  false_positives ["Backups"] triage ["Who?"]
  detect process where process.name is "a.exe"
}"#;

/// What a build says of one rule on Sentinel, and its analytics rule.
fn sentinel(rule: &str) -> (Vec<String>, Option<Value>) {
    on("sentinel", rule, "sentinel/analytics-rules/r.yaml")
}

/// What a build says of one rule on a target, and a document of it.
fn on(target: &str, rule: &str, path: &str) -> (Vec<String>, Option<Value>) {
    let place = tempfile::tempdir().expect("a folder");
    let config = format!("name: p\nversion: 1.2.3\nsources: [rules]\ntargets: [{target}]\n");
    let loaded = written(place.path(), &[("arcanary.yaml", &config), ("rules/r.det", rule)]);
    let built = build(&loaded, &[target.to_owned()]);
    let found = built.diagnostics.iter().map(|d| format!("{}: {} ({})", d.code.id(), d.labels[0].text, d.help[0].text));
    let document = built.files.get(path).map(|t| serde_yaml::from_str(t).expect("YAML"));
    (found.collect(), document)
}

#[test]
fn what_sentinel_would_refuse_is_an_error_with_the_cure() {
    let refused = |rule: &str, why: &str| {
        let (found, document) = sentinel(rule);
        assert!(found.iter().any(|f| f.starts_with("E0905: ") && f.contains(why)), "{why}: {found:?}");
        assert!(document.is_none(), "{why}");
    };
    let with = |entry: &str| RULE.replace("  detect", &format!("  {entry}\n  detect"));
    refused(&with("schedule every 1m over 5m"), "it runs every 1m, and Sentinel takes 5m to 14d");
    refused(&with("schedule every 10m over 3d"), "it looks back 3d every 10m");
    refused(&with("schedule every 330s over 1h"), "it runs every 330s, and Sentinel counts whole minutes");
    refused(&with("throttle 8d by host"), "its alerts are one incident for 8d");
    refused(&with("show [user.name] entities [process]"), "no column for the entity `process` (add `command_line`");
    refused(
        &with("show [host.name] throttle 4h by process"),
        "it throttles by `process`, and its rows have no entity for that (show and map it",
    );
    let long = "a".repeat(4990);
    refused(&format!("/// {long}\n{RULE}"), "and 5000 is the limit (shorten the description");
    let flag = with("").replace("\"a.exe\"\n", "\"a.exe\"\n  flag AFlagWithALongNameXYZ = user.name is \"x\"\n");
    refused(&flag, "`AFlagWithALongNameXYZ` has 21 letters, and 20 is the limit");
    let flags: String = (0..21).map(|i| format!("  flag F{i} = user.name is \"x{i}\"\n")).collect();
    refused(&with("").replace("\"a.exe\"\n", &format!("\"a.exe\"\n{flags}")), "it has 21 flags and figures");
}

#[test]
fn an_alert_says_when_it_runs_what_it_groups_by_and_what_an_analyst_asks() {
    let (found, document) = sentinel(RULE);
    assert_eq!(found, Vec::<String>::new());
    let plain = document.expect("a document");
    assert_eq!((&plain["severity"], &plain["version"]), (&"High".into(), &"1.0.0".into()));
    // A run sees its own hour and a quarter of one in which events may come in late.
    assert_eq!((&plain["queryFrequency"], &plain["queryPeriod"]), (&"1h".into(), &"75m".into()));
    assert_eq!(plain["relevantTechniques"], serde_json::json!(["T1560", "T1074"]));
    let description = plain["description"].as_str().unwrap();
    assert!(description.contains("Questions:\n- Who?") && description.contains("harmless causes:\n- Backups"));
    assert_eq!(plain["alertDetailsOverride"]["alertDisplayNameFormat"], "A Rule on {{DeviceName}}");
    let grouping = |d: &Value| d["incidentConfiguration"]["groupingConfiguration"].clone();
    // A process is one of the entities, and its command line differs from alert to alert.
    let of_host = serde_json::json!(["Account", "Host"]);
    assert_eq!(
        (&grouping(&plain)["matchingMethod"], &grouping(&plain)["groupByEntities"]),
        (&"Selected".into(), &of_host)
    );
    assert_eq!((&grouping(&plain)["lookbackDuration"], &grouping(&plain)["enabled"]), (&"5h".into(), &true.into()));
    let of = |entries: &str| {
        grouping(&sentinel(&RULE.replace("  detect", &format!("  {entries}\n  detect"))).1.expect("a document"))
    };
    assert_eq!(
        of("throttle 1h by process")["groupByEntities"],
        serde_json::json!(["Process"]),
        "a rule says otherwise"
    );
    assert_eq!(of("show [host.name, command_line]")["groupByEntities"], serde_json::json!(["Host"]), "nobody is known");
    let timed = RULE.replace("  detect", "  schedule every 10m over 2h throttle 4h by host, user.name\n  detect");
    let timed = sentinel(&timed).1.expect("a document");
    assert_eq!((&timed["queryFrequency"], &timed["queryPeriod"]), (&"10m".into(), &"2h".into()));
    assert_eq!(grouping(&timed)["groupByEntities"], serde_json::json!(["Account", "Host"]));
    assert_eq!(grouping(&timed)["lookbackDuration"], "4h");
    assert_eq!(timed["suppressionEnabled"], false, "it would silence other hosts too");
    // Over several events a run sees the window too, over counts the window before it as well.
    let steps = "detect sequence by host within 30m { a: process where process.name is \"a.exe\" \
                 b: process where process.name is \"b.exe\" }";
    let over = RULE.replace("detect process where process.name is \"a.exe\"", steps);
    assert_eq!(sentinel(&over).1.expect("a document")["queryPeriod"], "105m");
    let count = "detect count >= 3 by host within 30m of process where process.name is \"a.exe\"";
    let over = RULE.replace("detect process where process.name is \"a.exe\"", count);
    assert_eq!(sentinel(&over).1.expect("a document")["queryPeriod"], "135m");
}

#[test]
fn a_scheduled_query_returns_what_came_in_since_its_last_run_and_a_hunt_all() {
    let query = |detect: &str, path: &str| {
        let rule = RULE.replace("detect process where process.name is \"a.exe\"", detect);
        let (found, document) = on("sentinel", &rule, path);
        assert_eq!(found, Vec::<String>::new());
        document.expect("a document")["query"].as_str().unwrap().to_owned()
    };
    let rule = |detect: &str| query(detect, "sentinel/analytics-rules/r.yaml");
    let single = "schedule every 10m over 1h detect process where process.name is \"a.exe\"";
    assert!(rule(single).contains("DeviceProcessEvents\n| where ingestion_time() > ago(10m)\n"), "{}", rule(single));
    let hunt = format!("tags [\"detection.threat-hunting\"] {single}");
    assert!(!query(&hunt, "sentinel/hunting-queries/r.yaml").contains("ingestion_time"));
    // A step of several tables has a `let` for each; a `without` and an optional step decide no arrival.
    let steps = "detect sequence by host within 30m {
        a: process or file where process.name is \"a.exe\"
        without w: process where process.name is \"w.exe\"
        b: process where process.name is \"b.exe\"
        optional c: network where network.direction is outbound
    }";
    let steps = rule(steps);
    assert_eq!(steps.matches("AArrived = ingestion_time()").count(), 2, "{steps}");
    assert_eq!(steps.matches("= ingestion_time()").count(), 3, "{steps}");
    assert!(steps.contains("| where max_of(AArrived, BArrived) > ago(1h)\n| project TimeGenerated"), "{steps}");
    let count = rule("detect count >= 3 by host within 30m of process where process.name is \"a.exe\"");
    assert!(count.contains("| summarize Arrived = max(Arrived), ") && count.contains("| where Arrived > ago(1h)\n"));
}

#[test]
fn an_entity_has_a_column_that_is_its_field_in_the_rows_of_every_log_source() {
    let types = |detect: &str| {
        let rule = RULE.replace("detect process where process.name is \"a.exe\"", detect);
        let document = sentinel(&rule).1.expect("a document");
        let said: Vec<String> = document["entityMappings"]
            .as_array()
            .unwrap()
            .iter()
            .map(|e| {
                format!(
                    "{} {}",
                    e["entityType"].as_str().unwrap(),
                    e["fieldMappings"][0]["columnName"].as_str().unwrap()
                )
            })
            .collect();
        said.join(", ")
    };
    let shown = "show [user.name, process.name, file.name]";
    let one = types(&format!("{shown} detect file where process.name is \"a.exe\" and file.action is created"));
    assert_eq!(one, "Host DeviceName, Account InitiatingProcessAccountName, File FileName");
    // FileName is a process in the rows of one table, a file in those of another; so is the account of the process before it.
    let two = types(&format!("{shown} detect process or file where process.name is \"a.exe\""));
    assert_eq!(two, "Host DeviceName");
}

/// What a target file is told.
fn told(target: &str) -> Vec<String> {
    let place = tempfile::tempdir().expect("a folder");
    std::fs::create_dir_all(place.path().join("targets")).expect("a folder");
    std::fs::write(place.path().join("arcanary.yaml"), "name: p\n").expect("a file");
    std::fs::write(place.path().join("targets/t.yaml"), target).expect("a file");
    std::fs::write(place.path().join("r.det"), RULE).expect("a file");
    load(&[], place.path()).diagnostics.iter().map(|d| format!("{}: {}", d.code.id(), d.message)).collect()
}

#[test]
fn a_target_file_says_which_documents_it_has_or_is_told_what_is_wrong() {
    assert_eq!(
        told("name: t\nextends: sentinel\ndocuments: [sentinel-arm]\nalert: { every: 30m }\n"),
        Vec::<String>::new()
    );
    let plain = "name: t\nlanguage: kql\nsources: { process: [{ os: [windows], table: T }] }\n";
    for (target, why) in [
        ("name: t\nextends: sentinel\ndocuments: [sentinel]\n", "`sentinel`: is no format of documents; formats are"),
        ("name: t\nextends: sentinel\ndocuments: [navigator]\n", "is of all targets"),
        ("name: t\nextends: sigma\ndocuments: [sentinel-arm]\n", "is no format for queries of this target's language"),
        ("name: t\nextends: sentinel\ndocuments: [splunk-app]\n", "is no format for queries of this target's language"),
        (
            "name: t\nlanguage: spl\nmacros: { m: x }\nsources: { process: [{ os: [windows], macro: m }] }\ndocuments: [splunk-app]\n",
            "the target needs `every` under `alert`",
        ),
        (&format!("{plain}documents: [sentinel-arm]\n"), "the target needs `every` under `alert`"),
        ("name: t\nextends: sentinel\nalert: { every: hourly }\n", "`hourly`: is no duration such as 15m"),
        ("name: t\nextends: sentinel\nalert: { severity: { grave: High } }\n", "`grave`: is no level"),
        (
            "name: t\nextends: sentinel\nalert: { entities: { vm: { Host: { FullName: host.name } } } }\n",
            "`vm`: is no entity",
        ),
        (
            "name: t\nextends: sentinel\nalert: { entities: { host: { Host: { FullName: hostname } } } }\n",
            "`hostname`: is no field",
        ),
        (
            "name: t\nextends: sigma\nsources: { process: [{ os: [windows], logsource: { product: windows }, path: ../x }] }\n",
            "`../x`: is no path",
        ),
    ] {
        let found = told(target);
        assert!(found.iter().any(|f| f.starts_with("E0801: ") && f.contains(why)), "{why}: {found:?}");
    }
}

/// What a build says of one rule on Defender, and its custom detection.
fn defender(rule: &str) -> (Vec<String>, Option<Value>) {
    on("defender", rule, "defender/detection-rules/r.json")
}

#[test]
fn a_custom_detection_runs_as_often_as_defender_can_and_sees_a_whole_match() {
    let plain = defender(RULE).1.expect("a document");
    let alert = &plain["detectionAction"]["alertTemplate"];
    assert_eq!((&alert["severity"], &alert["recommendedActions"]), (&"high".into(), &"Who?".into()));
    assert_eq!(alert["entityMappings"]["hosts"][0]["deviceIdColumn"], "DeviceId");
    let techniques = serde_json::json!([
        { "technique": "T1560", "subTechniques": ["T1560.001"] },
        { "technique": "T1074", "subTechniques": [] },
    ]);
    assert_eq!(alert["tactics"], serde_json::json!([{ "tactic": "Collection", "techniques": techniques }]));
    let every = |entries: &str| {
        let (found, document) = defender(&RULE.replace("detect process where process.name is \"a.exe\"", entries));
        assert_eq!(found, Vec::<String>::new(), "{entries}");
        document.expect("a document")["schedule"]["frequency"].as_str().unwrap().to_owned()
    };
    let within = |window: &str| {
        format!(
            "detect sequence by host within {window} {{ a: process where process.name is \"a.exe\" \
             b: process where process.name is \"b.exe\" }}"
        )
    };
    assert_eq!(every(&within("3h")), "PT1H", "its look-back is 4h");
    assert_eq!(every(&within("4h")), "PT3H", "its look-back is 12h");
    assert_eq!(every(&within("9h")), "PT3H");
    assert_eq!(every(&within("29d")), "P1D");
    assert_eq!(every(&format!("schedule every 6h over 8h {}", within("1h"))), "PT3H", "not less often than asked");
    assert_eq!(every(&format!("schedule every 10m over 2h {}", within("1h"))), "PT1H", "there is nothing in between");
    let flags: String = (0..21).map(|i| format!("  flag F{i} = user.name is \"x{i}\"\n")).collect();
    let (found, document) = defender(&RULE.replace("\"a.exe\"\n", &format!("\"a.exe\"\n{flags}")));
    assert!(found[0].starts_with("E0905: it has 21 flags and figures, and 20 is the limit"), "{found:?}");
    assert!(document.is_none());
}

/// A document that SigmaHQ's field lists do not allow: Sysmon's `Computer` outside of Windows, and what is based on it.
fn not_for_sigmahq(document: &Value, left_out: &[&Value]) -> bool {
    let names: Vec<&Value> = left_out.iter().map(|d| &d["name"]).filter(|name| !name.is_null()).collect();
    match document["correlation"]["rules"].as_array() {
        Some(rules) => rules.iter().any(|rule| names.contains(&rule)),
        None => {
            let computer = document["detection"].to_string().contains("\"Computer");
            let used = left_out.iter().filter_map(|d| d["correlation"]["rules"].as_array());
            (computer && document["logsource"]["product"] != "windows")
                || used.flatten().any(|r| *r == document["name"])
        }
    }
}

#[test]
fn sigmahqs_layout_holds_each_document_of_a_rule_once() {
    use serde::Deserialize as _;
    let documents = |text: &str| -> Vec<Value> {
        serde_yaml::Deserializer::from_str(text).map(|d| Value::deserialize(d).expect("YAML")).collect()
    };
    for (folder, built) in all() {
        let sigma = built.targets["sigma"].iter();
        for (rule, entry) in sigma.filter(|(_, e)| e.file.is_some()) {
            let whole = documents(&built.files[entry.file.as_ref().unwrap()]);
            let parts: Vec<Value> = entry.documents.iter().flat_map(|path| documents(&built.files[path])).collect();
            let left_out: Vec<&Value> = whole.iter().filter(|d| !parts.contains(d)).collect();
            assert!(parts.iter().all(|d| whole.contains(d)), "{folder}: {rule}");
            assert!(left_out.iter().all(|d| not_for_sigmahq(d, &left_out)), "{folder}: {rule}: {left_out:?}");
            for path in &entry.documents {
                let name = path.rsplit('/').next().unwrap();
                assert!((10..=70).contains(&name.len()) && path.starts_with("sigma/sigmahq/"), "{path}");
                let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
                assert!(name.strip_suffix(".yml").unwrap().chars().all(plain), "{path}");
                let correlates = documents(&built.files[path]).iter().any(|d| d.get("correlation").is_some());
                assert_eq!(path.contains("/correlations/correlation_"), correlates, "{path}");
            }
        }
    }
    let long = RULE.replace("rule r {", &format!("rule {} {{", "long_".repeat(20)));
    let place = tempfile::tempdir().expect("a folder");
    let loaded = written(place.path(), &[("arcanary.yaml", "targets: [sigma]\n"), ("r.det", &long)]);
    let built = build(&loaded, &["sigma".to_owned()]);
    let found = built.files.keys().find(|p| p.contains("sigmahq")).expect("a file");
    let file = found.rsplit('/').next().unwrap();
    assert!(
        file.len() == 70 && file.ends_with("_00000000.yml") && file.starts_with("proc_creation_win_long_"),
        "{found}"
    );
}

#[test]
fn documents_of_shipped_rules_are_as_reviewed() {
    let rule = RULE.replace("  detect", "  throttle 4h by host\n  detect");
    reviewed("splunk-searches", &splunk::said("splunk-sysmon", &rule).2);
    let built = common::built(&common::project("rules"));
    for (name, path) in [
        ("sentinel-rule", "sentinel/analytics-rules/archive_prepared_on_windows.yaml"),
        ("sentinel-arm-of-steps", "sentinel/arm/archive_staged_by_utility.json"),
        ("sentinel-arm-of-a-count", "sentinel/arm/archive_volumes_burst.json"),
        ("sentinel-hunting", "sentinel-securityevent/hunting-queries/archive_via_utility.yaml"),
        ("sentinel-arm-hunting", "sentinel/arm/archive_via_utility.json"),
        ("defender-rule", "defender/detection-rules/archive_prepared_on_windows.json"),
        ("defender-rule-of-steps", "defender/detection-rules/archive_staged_by_utility.json"),
        ("sigma-hq", "sigma/sigmahq/rules/windows/process_creation/proc_creation_win_makecab_renamed.yml"),
        ("splunk-app", "splunk-sysmon/app/arcanary_archive_utilities_splunk_sysmon/default/app.conf"),
        ("splunk-macros", "splunk-sysmon/app/arcanary_archive_utilities_splunk_sysmon/default/macros.conf"),
        ("splunk-metadata", "splunk-sysmon/app/arcanary_archive_utilities_splunk_sysmon/metadata/default.meta"),
        ("splunk-readme", "splunk-4688/app/arcanary_archive_utilities_splunk_4688/README.md"),
        ("splunk-detection", "splunk-cim/contentctl/detections/endpoint/makecab_relocated_splunk_cim.yml"),
        ("splunk-detection-of-steps", "splunk-sysmon/contentctl/detections/endpoint/archive_staged_by_utility.yml"),
        ("splunk-story", "splunk-cim/contentctl/stories/arcanary_archive_utilities_splunk_cim.yml"),
        ("navigator", "navigator/layer.json"),
    ] {
        reviewed(name, &built.files[path]);
    }
}

fn reviewed(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../../snapshots/documents");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

#[test]
fn no_two_documents_of_one_platform_are_the_same_resource() {
    let built = common::built(&common::project("rules"));
    let named = |folder: &str, key: &str| {
        let mut seen: Vec<String> = vec![];
        for (path, text) in built.files.iter().filter(|(path, _)| path.contains(&format!("/{folder}/"))) {
            let document: Value = serde_yaml::from_str(text).expect(path);
            let value = document.pointer(key).and_then(Value::as_str).unwrap_or_else(|| panic!("{path}: no {key}"));
            seen.push(value.to_lowercase());
        }
        let different: BTreeSet<&String> = seen.iter().collect();
        let few = ["contentctl/stories", "hunting-queries"].contains(&folder);
        assert!(seen.len() > if few { 2 } else { 20 }, "{folder}: {} documents", seen.len());
        assert_eq!(different.len(), seen.len(), "{folder}: {key} of one document is that of another");
    };
    named("arm", "/resources/0/name");
    named("analytics-rules", "/id");
    named("hunting-queries", "/id");
    for key in ["/id", "/name"] {
        named("contentctl/detections", key);
        named("contentctl/stories", key);
    }
    let macros = built.files.iter().filter(|(path, _)| path.ends_with("/default/macros.conf"));
    let names: Vec<&str> = macros.flat_map(|(_, text)| text.lines().filter(|l| l.starts_with('['))).collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "macros are known in every app: {names:?}");
}
