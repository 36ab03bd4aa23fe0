//! Windows' own process events name two users: who started the process, and whom it runs as where that is somebody else.

use super::{Log, check, said};
use arcanary::target::Targets;
use arcanary::vocabulary::Kind;
use serde_json::{Value as Json, json};

fn logs() -> [Log; 3] {
    let log = |target, reader, columns| Log { target, reader: Some(reader), log: (Kind::Process, 0), columns };
    let name = r"C:\Windows\System32\cmd.exe";
    [
        log(
            "sentinel-securityevent",
            "sentinel",
            json!({ "EventID": 4688, "NewProcessName": name, "Computer": "WS1" }),
        ),
        log(
            "sentinel-securityevent",
            "windows_security",
            json!({ "EventID": 4688, "NewProcessName": name, "Computer": "WS1" }),
        ),
        log("splunk-4688", "splunk", json!({ "EventCode": 4688, "NewProcessName": name, "Computer": "WS1" })),
    ]
}

/// A row's Subject and Target: SID, name, domain.
fn row(subject: [&str; 3], target: [&str; 3]) -> Json {
    json!({
        "SubjectUserSid": subject[0], "SubjectUserName": subject[1], "SubjectDomainName": subject[2],
        "TargetUserSid": target[0], "TargetUserName": target[1], "TargetDomainName": target[2],
    })
}

const NOBODY: [&str; 3] = ["S-1-0-0", "-", "-"];
const SYSTEM: [&str; 3] = ["S-1-5-18", "WS1$", "CORP"];
const NETWORK: [&str; 3] = ["S-1-5-20", "WS1$", "CORP"];
const LOCAL: [&str; 3] = ["S-1-5-19", "LOCAL SERVICE", "NT AUTHORITY"];
const KIM: [&str; 3] = ["S-1-5-21-1-2-3-1104", "kim", "CORP"];
const LEE: [&str; 3] = ["S-1-5-21-1-2-3-1105", "lee", "CORP"];

fn check_all(entries: &str, rows: &[(Json, bool)]) {
    for log in logs() {
        check(&log, entries, rows);
    }
}

#[test]
fn the_user_of_a_process_is_whom_it_runs_as() {
    let rows = |found: fn(&str) -> bool| {
        [
            (row(KIM, NOBODY), found("kim")),
            (row(SYSTEM, KIM), found("kim")),
            (row(KIM, LEE), found("lee")),
            (row(SYSTEM, NOBODY), found("SYSTEM")),
            (row(KIM, SYSTEM), found("SYSTEM")),
            (row(SYSTEM, NETWORK), found("NETWORK SERVICE")),
            (row(NETWORK, NOBODY), found("NETWORK SERVICE")),
            (row(SYSTEM, LOCAL), found("LOCAL SERVICE")),
            // A log that keeps Subject alone.
            (json!({ "SubjectUserName": "kim" }), found("kim")),
        ]
    };
    check_all("detect process where user.name is \"kim\"", &rows(|user| user == "kim"));
    check_all("detect process where user.name is \"SYSTEM\"", &rows(|user| user == "SYSTEM"));
    check_all("detect process where not user.name is \"SYSTEM\"", &rows(|user| user != "SYSTEM"));
    check_all("detect process where user.name ends with \" service\"", &rows(|user| user.ends_with("SERVICE")));
    check_all("detect process where user.name ends with \"$\"", &rows(|_| false));
    check_all("detect process where user.name exists", &rows(|_| true));
}

#[test]
fn domain_and_id_are_of_the_same_user() {
    let rows = |found: fn(&str, &str) -> bool| {
        let of = |[id, _, domain]: [&str; 3]| {
            let system = matches!(id, "S-1-5-18" | "S-1-5-20");
            found(if system { "NT AUTHORITY" } else { domain }, id)
        };
        [
            (row(KIM, NOBODY), of(KIM)),
            (row(SYSTEM, KIM), of(KIM)),
            (row(KIM, SYSTEM), of(SYSTEM)),
            (row(SYSTEM, NOBODY), of(SYSTEM)),
            (row(SYSTEM, LOCAL), of(LOCAL)),
            (row(KIM, ["NULL SID", "-", "-"]), of(KIM)),
        ]
    };
    check_all("detect process where user.domain is \"CORP\"", &rows(|domain, _| domain == "CORP"));
    check_all("detect process where user.domain is \"NT AUTHORITY\"", &rows(|domain, _| domain == "NT AUTHORITY"));
    check_all("detect process where user.id is \"S-1-5-18\"", &rows(|_, id| id == "S-1-5-18"));
    check_all("detect process where user.id starts with \"S-1-5-21-\"", &rows(|_, id| id.starts_with("S-1-5-21-")));
}

#[test]
fn results_show_the_user_of_the_process_and_no_search_asks_for_it_before_it_is_computed() {
    let targets = Targets::built_in();
    let text = said(&targets.all["sentinel-securityevent"], "detect process where user.name is \"SYSTEM\"");
    let (computed, asked) =
        (text.find("UserName = case(").expect("computed"), text.find("UserName =~").expect("asked"));
    assert!(computed < asked && text.contains("Computer, UserName"), "{text}");
    let text = said(&targets.all["splunk-4688"], "detect process where user.name is \"SYSTEM\"");
    assert!(text.contains("user_name=case(") && !text.contains("user_name=\"SYSTEM\""), "{text}");
}

#[test]
fn a_source_that_cannot_say_whose_process_it_is_says_so() {
    let targets = Targets::built_in();
    for (target, told) in [("sigma", "SubjectUserName"), ("splunk-cim", "add-ons for event 4688 differ")] {
        let asked = said(&targets.all[target], "detect process where user.name is \"kim\"");
        assert!(asked.contains(told), "{asked}");
        let silent = said(&targets.all[target], "detect process where process.name is \"a.exe\"");
        assert!(!silent.contains(told), "{silent}");
    }
}
