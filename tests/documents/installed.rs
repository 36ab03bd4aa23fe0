//! What an installed document does: where a rule has its home, what arrives enabled, and what text becomes on a platform.

use crate::{RULE, common, on, sentinel, splunk, written};
use arcanary::build::{Built, build};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// A rule of a status and a level on the targets of all platforms.
fn built(status: &str, level: &str, entries: &str) -> Built {
    let rule = RULE
        .replace("level critical", &format!("level {level} {status}"))
        .replace("  detect", &format!("  {entries}\n  detect"));
    let place = tempfile::tempdir().expect("a folder");
    let loaded = written(place.path(), &[("arcanary.yaml", "name: p\n"), ("r.det", &rule)]);
    let made = build(&loaded, &["sentinel", "defender", "splunk-sysmon", "sigma"].map(str::to_owned));
    assert!(made.diagnostics.is_empty(), "{:?}", made.diagnostics);
    made
}

fn read(built: &Built, path: &str) -> Option<Value> {
    built.files.get(path).map(|text| serde_yaml::from_str(text).expect("YAML"))
}

#[test]
fn what_arrives_enabled_follows_from_status_and_level_alike_on_every_platform() {
    for (status, level, entries, enabled) in [
        ("", "high", "", false),
        ("status experimental", "critical", "", false),
        ("status test", "low", "", true),
        ("status stable", "high", "", true),
        ("status deprecated", "high", "", false),
    ] {
        let made = built(status, level, entries);
        let arm = read(&made, "sentinel/arm/r.json").expect("a template");
        assert_eq!(arm["resources"][0]["properties"]["enabled"], enabled, "{status} {level}");
        let defender = read(&made, "defender/detection-rules/r.json").expect("a detection");
        assert_eq!(defender["status"], if enabled { "enabled" } else { "disabled" }, "{status} {level}");
        let searches = &made.files["splunk-sysmon/app/p_splunk_sysmon/default/savedsearches.conf"];
        assert!(searches.contains(&format!("\ndisabled = {}\n", u8::from(!enabled))), "{status} {level}");
        let detection = read(&made, "splunk-sysmon/contentctl/detections/endpoint/r.yml").expect("a detection");
        assert_eq!(
            detection["enabled_by_default"],
            if enabled { json!(true) } else { Value::Null },
            "{status} {level}"
        );
    }
}

#[test]
fn a_rule_is_an_analytics_rule_or_a_hunting_query_and_never_both() {
    let homes = |made: &Built| -> Vec<&str> {
        let of = ["analytics-rules/r.yaml", "hunting-queries/r.yaml", "detection-rules/r.json"];
        of.into_iter().filter(|home| made.files.keys().any(|path| path.ends_with(home))).collect()
    };
    assert_eq!(homes(&built("status stable", "low", "")), ["analytics-rules/r.yaml", "detection-rules/r.json"]);
    for (level, entries) in [("high", "tags [\"detection.threat-hunting\"]"), ("informational", "")] {
        let made = built("status stable", level, entries);
        assert_eq!(homes(&made), ["hunting-queries/r.yaml"], "{level}");
        assert!(made.files.contains_key("defender/r.kql"), "a hunter runs the query itself");
        let arm = read(&made, "sentinel/arm/r.json").expect("a template");
        assert_eq!(arm["resources"][0]["properties"]["category"], "Hunting Queries", "{level}");
        let detection = read(&made, "splunk-sysmon/contentctl/detections/endpoint/r.yml").expect("a detection");
        let of_alerts = (&detection["rba"], &detection["deployment"]["alert_action"]["notable"]);
        assert_eq!((&detection["type"], of_alerts), (&json!("Hunting"), (&Value::Null, &Value::Null)), "{level}");
        let searches = &made.files["splunk-sysmon/app/p_splunk_sysmon/default/savedsearches.conf"];
        for (setting, is) in
            [("disabled = 1", true), ("alert.track = 0", true), ("action.risk", false), ("action.notable", false)]
        {
            assert_eq!(searches.contains(setting), is, "{level}: {setting}");
        }
        let folder = if entries.is_empty() { "rules" } else { "rules-threat-hunting" };
        let path = format!("sigma/sigmahq/{folder}/windows/process_creation/proc_creation_win_r.yml");
        assert!(made.files.contains_key(&path), "{level}: {:?}", made.files.keys());
    }
    // In the shipped pack, too.
    let pack = common::built(&common::project("rules"));
    let names = |folder: &str| -> BTreeSet<&str> {
        let paths = pack.files.keys().filter_map(|path| path.strip_prefix(folder)?.strip_suffix(".yaml"));
        paths.collect()
    };
    let (rules, hunts) = (names("sentinel/analytics-rules/"), names("sentinel/hunting-queries/"));
    assert!(rules.len() > 15 && hunts.len() > 3, "{} and {}", rules.len(), hunts.len());
    assert_eq!(rules.intersection(&hunts).count(), 0);
}

#[test]
fn braces_of_a_text_are_no_placeholders_on_sentinel_and_defender() {
    let braces = RULE
        .replace("A Rule", "A {{Rule}} {{{x}}}")
        .replace("\"Backups\"", "\"{{b}}\"")
        .replace("\"Who?\"", "\"Who is {{AccountName}}?\"");
    let braces = format!("/// Finds {{{{{{{{x}}}}}}}}.\n{braces}");
    let (_, defender) = on("defender", &braces, "defender/detection-rules/r.json");
    let alert = defender.expect("a document")["detectionAction"]["alertTemplate"].clone();
    let alert = [&alert["title"], &alert["description"], &alert["recommendedActions"]].map(Value::to_string).join(" ");
    let said = sentinel(&braces).1.expect("a document")["alertDetailsOverride"].clone();
    assert!(
        !alert.contains("{{") && alert.contains("A { {Rule}} { { {x}}}") && alert.contains("{ { { {x}}}}"),
        "{alert}"
    );
    for (key, columns) in [("alertDisplayNameFormat", 1), ("alertDescriptionFormat", 3)] {
        let text = said[key].as_str().unwrap();
        assert_eq!(text.matches("{{").count(), columns, "columns alone are placeholders: {text}");
    }
}

#[test]
fn a_row_that_lacks_the_entities_of_a_rule_is_mapped_by_those_that_it_has() {
    let asked = RULE.replace("  detect", "  entities [user]\n  detect");
    let place = tempfile::tempdir().expect("a folder");
    let target = "name: t\nextends: sentinel\nfields: { process: { user.name: ~, user.domain: ~, user.id: ~ } }\n";
    let files = [("arcanary.yaml", "name: p\n"), ("r.det", &*asked), ("targets/t.yaml", target)];
    let loaded = written(place.path(), &files);
    let types = |target: &str| -> Vec<String> {
        let made = build(&loaded, &[target.to_owned()]);
        assert!(made.diagnostics.is_empty(), "{:?}", made.diagnostics);
        let document = read(&made, &format!("{target}/analytics-rules/r.yaml")).expect("a document");
        let mapped = document["entityMappings"].as_array().unwrap();
        mapped.iter().map(|e| e["entityType"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(
        (types("sentinel"), types("t")),
        (vec!["Account".into()], vec!["Host".into(), "Process".into(), "File".into()])
    );
    // Rows without any entity are a finding.
    let target = "name: t\nextends: sentinel\nfields: { every: { host.name: ~ } }\n";
    let nothing = RULE.replace("  detect", "  show [event.time]\n  detect");
    let files = [("arcanary.yaml", "name: p\n"), ("r.det", &*nothing), ("targets/t.yaml", target)];
    let made = build(&written(place.path(), &files), &["t".to_owned()]);
    let found: Vec<&str> = made.diagnostics.iter().map(|d| d.labels[0].text.as_str()).collect();
    assert_eq!(found, ["its rows name no entity, and Sentinel takes 1 to 5"]);
}

#[test]
fn a_title_that_is_too_long_is_a_finding_that_names_the_limit() {
    let titled = |n: usize, entries: &str| {
        RULE.replace("A Rule", &"x".repeat(n)).replace("  detect", &format!("  {entries}\n  detect"))
    };
    let refused = |target: &str, rule: &str, why: &str| {
        let found = on(target, rule, "").0;
        assert!(found.iter().any(|f| f.starts_with("E0905: ") && f.contains(why)), "{why}: {found:?}");
    };
    refused("splunk-sysmon", &titled(84, ""), "its title has 84 characters, and 83 is the limit");
    assert_eq!(on("splunk-sysmon", &titled(83, ""), "").0, Vec::<String>::new());
    refused("sigma", &titled(121, ""), "its title has 121 characters, and 120 is the limit");
    assert_eq!(on("sigma", &titled(120, ""), "").0, Vec::<String>::new());
    // A document for another log source has more words in its title.
    let two = |n: usize| titled(n, "").replace("os [windows]", "os [windows, linux]");
    refused("sigma", &two(113), "its title has 113 characters, and 112 is the limit");
    assert_eq!(on("sigma", &two(112), "").0, Vec::<String>::new());
    let tags = r#"tags ["detection.dfir", "detection.threat-hunting"]"#;
    refused(
        "sigma",
        &titled(9, tags),
        "several tags that begin with `detection.`, and 1 is the limit (keep one of them)",
    );
}

#[test]
fn a_detection_replays_the_events_of_its_firing_tests_as_its_logs_write_them() {
    let tests = r#"  test "one" fires process { executable 'C:\a.exe', command_line "a.exe <&>" }
  test "none" silent process { executable 'C:\b.exe' }
  test "another" fires process { executable 'D:\a.exe', user.name "sam" }
}"#;
    let rule = RULE.replace("\"a.exe\"\n}", &format!("\"a.exe\"\n{tests}"));
    let lines = |target: &str, called: &str, log: &str| {
        let place = tempfile::tempdir().expect("a folder");
        let loaded = written(place.path(), &[("arcanary.yaml", "name: p\n"), ("r.det", &rule)]);
        let made = build(&loaded, &[target.to_owned()]);
        let path = format!("attack_data/{called}/{log}.log");
        let detection =
            read(&made, &format!("{target}/contentctl/detections/endpoint/{called}.yml")).expect("a detection");
        let data = &detection["tests"][0]["attack_data"][0];
        assert_eq!(
            (&detection["tests"][0]["name"], &data["data"]),
            (&"True Positive Test".into(), &path.clone().into())
        );
        let text = made.files[&format!("{target}/contentctl/{path}")].clone();
        (detection["data_source"].clone(), data["source"].clone(), text)
    };
    let sysmon = "xmlwineventlog_microsoft_windows_sysmon_operational";
    let (sources, source, text) = lines("splunk-sysmon", "r", sysmon);
    assert_eq!(
        (sources, source),
        (json!(["Sysmon EventID 1"]), "XmlWinEventLog:Microsoft-Windows-Sysmon/Operational".into())
    );
    assert_eq!(text.lines().count(), 2, "{text}");
    for part in [
        "<EventID>1</EventID>",
        "<Data Name='CommandLine'>a.exe &lt;&amp;&gt;</Data>",
        r"<Data Name='User'>CORP\kim</Data>",
        r"<Data Name='User'>CORP\sam</Data>",
        "SystemTime='2026-01-02T00:00:00",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    // Data models are filled by the same logs.
    let (sources, _, of_model) = lines("splunk-cim", "r_splunk_cim", sysmon);
    assert_eq!((sources, of_model), (json!(["Sysmon EventID 1", "Windows Event Log Security 4688"]), text));
    let (_, _, security) = lines("splunk-4688", "r_splunk_4688", "xmlwineventlog_security");
    assert!(
        security.contains("<EventID>4688</EventID>") && security.contains(r"<Data Name='NewProcessName'>C:\a.exe"),
        "{security}"
    );
}

#[test]
fn regression_data_of_sigmahq_is_made_of_the_firing_tests_where_a_target_asks_for_it() {
    let tests = r#"  test "one" fires process { executable 'C:\a.exe' } process { executable 'C:\b.exe' }
  test "none" silent process { executable 'C:\b.exe' }
}"#;
    let rule = RULE.replace("\"a.exe\"\n}", &format!("\"a.exe\"\n{tests}"));
    let place = tempfile::tempdir().expect("a folder");
    let target = "name: sigma\nextends: sigma\ndocuments: [sigma-hq, sigma-regression]\n";
    let files = [("arcanary.yaml", "name: p\n"), ("r.det", &*rule), ("targets/sigma.yaml", target)];
    let made = build(&written(place.path(), &files), &["sigma".to_owned()]);
    let (stem, id) = ("rules/windows/process_creation/proc_creation_win_r", "00000000-0000-4000-8000-000000000001");
    let folder = format!("regression_data/{stem}");
    let document = read(&made, &format!("sigma/sigmahq/{stem}.yml")).expect("a rule");
    assert_eq!(document["regression_tests_path"], format!("{folder}/info.yml"));
    let info = read(&made, &format!("sigma/sigmahq/{folder}/info.yml")).expect("data");
    assert_eq!(info["rule_metadata"], json!([{ "id": id, "title": "A Rule" }]));
    let test = &info["regression_tests_info"][0];
    // The second event of the test is none that the rule matches.
    assert_eq!((&test["match_count"], &test["provider"]), (&json!(1), &json!("Microsoft-Windows-Sysmon")));
    let event: Value = serde_json::from_str(&made.files[&format!("sigma/sigmahq/{folder}/{id}.json")]).expect("JSON");
    assert_eq!(event["Event"]["System"]["EventID"], 1);
    assert_eq!(event["Event"]["EventData"]["Image"], r"C:\a.exe");
    assert!(event["Event"]["EventData"]["ProcessGuid"].as_str().is_some_and(|guid| !guid.contains('{')));
    let plain = built("", "high", "");
    assert!(!plain.files.keys().any(|path| path.contains("regression")), "on request alone");
}

#[test]
fn a_backslash_at_the_end_of_a_line_swallows_nothing() {
    let rule = RULE
        .replace("A Rule", r"A Rule \\")
        .replace("\"Backups\"", r#""Folder C:\\Temp\\""#)
        .replace("  detect", "  author \"a\\\\\" references [\"https://x.example/a\\\\\"]\n  detect");
    let rule = format!("/// Finds C:\\\n{rule}");
    let (found, document, searches) = splunk::said("splunk-sysmon", &rule);
    assert_eq!(found, Vec::<String>::new());
    let lost = searches
        .lines()
        .zip(searches.lines().skip(1))
        .filter(|(a, b)| a.ends_with('\\') && b.contains(" = ") && !b.starts_with([' ', '|', '-']));
    assert_eq!(lost.collect::<Vec<_>>(), vec![], "{searches}");
    let mut texts = vec![];
    strings(&document.expect("a document"), &mut texts);
    assert!(texts.iter().any(|t| t.contains(r"C:\Temp\")) && texts.iter().all(|t| !t.ends_with('\\')), "{texts:?}");
}

fn strings(value: &Value, out: &mut Vec<String>) {
    match value {
        Value::String(text) => out.push(text.clone()),
        Value::Array(all) => all.iter().for_each(|v| strings(v, out)),
        Value::Object(fields) => fields.values().for_each(|v| strings(v, out)),
        _ => {}
    }
}
