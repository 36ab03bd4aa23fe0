//! Splunk's documents: when searches run, what they raise, and what is refused.

use crate::{RULE, common, on, written};
use arcanary::build::{Built, build};
use arcanary::project::load;
use serde_json::Value;

/// What a build says of one rule on a target of Splunk, its detection, and its saved search.
pub fn said(target: &str, rule: &str) -> (Vec<String>, Option<Value>, String) {
    let (found, document) = on(target, rule, &detection(target));
    let place = tempfile::tempdir().expect("a folder");
    let loaded = written(place.path(), &[("arcanary.yaml", "name: p\nversion: 1.2.3\n"), ("r.det", rule)]);
    let built = build(&loaded, &[target.to_owned()]);
    let id = arcanary::document::app_id("p", target);
    let searches = built.files.get(&format!("{target}/app/{id}/default/savedsearches.conf"));
    (found, document, searches.cloned().unwrap_or_default())
}

/// Where the detection of rule `r` lies; a target beside another one calls it after itself, too.
fn detection(target: &str) -> String {
    let behind = if target == "splunk-sysmon" { String::new() } else { format!("_{}", target.replace('-', "_")) };
    format!("{target}/contentctl/detections/endpoint/r{behind}.yml")
}

#[test]
fn a_saved_search_reads_each_stretch_of_time_once_and_waits_for_late_events() {
    let times = |entries: &str| {
        let rule = RULE.replace("detect process where process.name is \"a.exe\"", entries);
        let (found, document, _) = said("splunk-sysmon", &rule);
        assert_eq!(found, Vec::<String>::new(), "{entries}");
        let document = document.expect("a document");
        let at = document["deployment"]["scheduling"].clone();
        let newest = document["search"]
            .as_str()
            .unwrap()
            .lines()
            .find_map(|l| l.strip_prefix("| where _time>=info_max_time - "));
        let text = |key: &str| at[key].as_str().unwrap().to_owned();
        format!(
            "{} {} {} {}",
            text("cron_schedule"),
            text("earliest_time"),
            text("latest_time"),
            newest.unwrap_or("all")
        )
    };
    let single = "detect process where process.name is \"a.exe\"";
    let steps = |window: &str| {
        format!(
            "detect sequence by host within {window} {{ a: process where process.name is \"a.exe\" b: process where process.name is \"b.exe\" }}"
        )
    };
    // An hour that ended ten minutes ago: the next run begins where this one ends.
    assert_eq!(times(single), "1 * * * * -70m@m -10m@m all");
    assert_eq!(times(&format!("schedule every 15m over 20m {single}")), "1-59/15 * * * * -25m@m -10m@m all");
    // What a match reaches back is read again, and found again: rows that an earlier run returned are left out.
    assert_eq!(times(&steps("30m")), "1 * * * * -100m@m -10m@m 3600");
    assert_eq!(times(&steps("90s")), "1 * * * * -72m@m -10m@m 3600", "whole minutes, no fewer");
    let count = "detect count >= 3 by host within 30m of process where process.name is \"a.exe\"";
    assert_eq!(times(count), "1 * * * * -130m@m -10m@m 3600");
    // A farther look-back would find what other runs find; cron has no seven minutes.
    assert_eq!(times(&format!("schedule every 15m over 2h {single}")), "1-59/15 * * * * -25m@m -10m@m all");
    assert_eq!(times(&format!("schedule every 7m over 10m {single}")), "1-59/6 * * * * -16m@m -10m@m all");
}

#[test]
fn level_throttle_and_entities_are_those_of_splunks_actions() {
    let with = |level: &str, entry: &str| {
        RULE.replace("level critical", &format!("level {level}")).replace("  detect", &format!("  {entry}\n  detect"))
    };
    let (found, document, search) = said("splunk-4688", &with("critical", "throttle 4h by host, user"));
    assert_eq!(found, Vec::<String>::new());
    let has = |search: &str, line: &str| search.lines().any(|l| l == line);
    assert!(has(&search, "alert.suppress.fields = Computer,user_name"), "{search}");
    assert!(has(&search, "alert.suppress.period = 14400s") && has(&search, "alert.severity = 5"), "{search}");
    assert!(has(&search, "alert.digest_mode = 0"), "one host would suppress the alerts of all: {search}");
    assert!(has(&said("splunk-4688", &with("critical", "")).2, "alert.digest_mode = 1"));
    let risk = r#"action.risk.param._risk = [{"risk_object_field":"dest","risk_object_type":"system","risk_score":90},{"risk_object_field":"user","risk_object_type":"user","risk_score":90},{"threat_object_field":"CommandLine","threat_object_type":"process"}]"#;
    assert!(has(&search, risk), "{search}");
    assert!(has(&search, r#"action.correlationsearch.annotations = {"mitre_attack":["T1560.001","T1074"]}"#));
    assert!(has(&search, "action.notable.param.rule_title = A Rule on $dest$ by $user$"));
    assert!(has(&search, "| eval dest=if(in(Computer, \"\", \"-\"), null(), Computer),\\"), "{search}");
    let document = document.expect("a document");
    assert_eq!(
        (&document["type"], &document["status"], &document["version"]),
        (&"TTP".into(), &"experimental".into(), &1.into())
    );
    assert_eq!(document["tags"]["throttling"]["fields"][0], "Computer");
    // Risk alone; then neither, which is a hunt.
    let (_, low, search) = said("splunk-4688", &with("low", ""));
    assert!(search.contains("action.risk = 1") && !search.contains("action.notable") && !search.contains("suppress"));
    assert_eq!(low.expect("a document")["type"], "Anomaly");
    let (_, hunt, search) = said("splunk-4688", &with("informational", ""));
    assert!(!search.contains("action.risk") && !search.contains("action.notable"));
    assert_eq!(hunt.expect("a document")["type"], "Hunting");
    // Nobody is at risk whose name no row has.
    let (_, _, search) = said("splunk-4688", &with("high", "show [command_line]"));
    assert!(
        !search.contains("action.risk") && search.contains("action.notable.param.rule_title = A Rule\n"),
        "{search}"
    );
}

#[test]
fn what_splunk_would_refuse_is_an_error_with_the_cure() {
    let refused = |rule: &str, why: &str| {
        let (found, document, _) = said("splunk-sysmon", rule);
        assert!(found.iter().any(|f| f.starts_with("E0905: ") && f.contains(why)), "{why}: {found:?}");
        assert!(document.is_none(), "{why}");
    };
    let with = |entry: &str| RULE.replace("  detect", &format!("  {entry}\n  detect"));
    refused(
        &RULE.replace("A Rule", &"x".repeat(84)),
        "its title has 84 characters, and 83 is the limit: its saved search is called after it (shorten `title`)",
    );
    refused(
        &with("show [command_line] throttle 4h by host"),
        "by `host`, which its rows do not show (add `host.name` to `show`",
    );
    refused(&with("show [command_line] throttle 4h by user.name"), "(add `user.name` to `show`");
    refused(&with("show [command_line] entities [host]"), "no column for the entity `host` (add `host.name` to `show`");
    refused(&RULE.replace("a.exe", "a`b`c"), "contentctl takes `b` for a macro");
    refused(
        &RULE.replace("process.name is \"a.exe\"", "command_line contains \" lookup x\""),
        "the word lookup for a lookup",
    );
    let long = RULE.replace("rule r {", &format!("rule {} {{", "r".repeat(68)));
    refused(&long, "its detection's name has 68 characters, and 67 is contentctl's limit");
    let second = RULE.replace("rule r {", "rule q {").replace("000001 level", "000002 level");
    let both = format!("{RULE}\n{second}");
    let (found, _, searches) = said("splunk-sysmon", &both);
    assert!(
        found
            .iter()
            .any(|f| f.contains("its saved search is called like that of `q` (give one of them another `title`)")),
        "{found:?}"
    );
    assert_eq!(searches, "", "no app of which a search is lost");
}

#[test]
fn a_build_of_some_rules_makes_no_app_and_one_of_a_target_makes_its_own() {
    let loaded = common::project("rules");
    let is_app = |built: &Built| built.files.keys().filter(|p| p.contains("/app/")).count();
    assert_eq!(is_app(&build(&loaded, &["splunk-cim".to_owned()])), 5);
    let part =
        load(&["rules/create/makecab.det".into(), "rules/utilities".into(), "rules/lists.det".into()], &common::root());
    let built = build(&part, &["splunk-cim".to_owned()]);
    assert!(part.selected.is_some() && is_app(&built) == 0 && built.files.keys().any(|p| p.contains("/contentctl/")));
}

#[test]
fn whatever_a_project_is_called_its_app_has_a_name_that_splunk_takes() {
    for (name, version, id) in [
        ("acme.edr-rules", "1.2.3", "acme_edr_rules_splunk_4688"),
        ("7 things\n[stanza]\nkey = x\\", "1.0\n[x]", "app_7_things__stanza__key___x__splunk_4688"),
        ("Übung", "2", "app__bung_splunk_4688"),
        ("", "", "arcanary_splunk_4688"),
    ] {
        let place = tempfile::tempdir().expect("a folder");
        let mut loaded = written(place.path(), &[("arcanary.yaml", ""), ("r.det", RULE)]);
        // A project file with most of these is refused: documents do not rely on that.
        (loaded.config.name, loaded.config.version) = (name.to_owned(), version.to_owned());
        let built = build(&loaded, &["splunk-4688".to_owned()]);
        let found: Vec<_> = built.diagnostics.iter().map(|d| &d.message).collect();
        assert!(found.is_empty(), "{name}: {found:?}");
        let conf = &built.files[&format!("splunk-4688/app/{id}/default/app.conf")];
        assert!(conf.contains(&format!("\nid = {id}\n")), "{conf}");
    }
}

#[test]
fn what_steers_a_terminal_or_ends_a_line_breaks_no_document() {
    // Neither sources nor texts for readers hold such characters (E0005); conditions do.
    let nasty = "e\u{2028}| where false //\u{7f}\u{85}";
    assert_eq!(arcanary::backend::one_line(nasty), "e | where false //");
    let closing = "e| where false //";
    let condition =
        r#"detect process where command_line is "a\tb" and command_line contains "e\u{202E}| where false //""#;
    let exception = format!("{condition}\n  except \"{closing}\" because \"b{closing}\" where user.name is \"y\"");
    let rule = RULE.replace("detect process where process.name is \"a.exe\"", &exception);
    let (found, document, searches) = said("splunk-sysmon", &rule);
    assert_eq!(found, Vec::<String>::new());
    let excepted = searches.lines().find(|line| line.contains("```except")).expect("a comment");
    assert!(searches.contains("a\tb") && excepted.contains("where false //```"), "{searches}");
    assert!(document.is_some());
    let (found, document) = on("sentinel", &rule, "sentinel/analytics-rules/r.yaml");
    assert_eq!(found, Vec::<String>::new());
    let query = document.expect("a document")["query"].to_string();
    assert!(query.contains("// except \\\"e") && query.contains("where false //\\n"), "{query}");
}
