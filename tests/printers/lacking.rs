//! What a target lacks, of optional steps, counts and single log sources.

use crate::{on, refusals};

/// A process and a file of its host, and then these entries.
fn sequence(optional: &str) -> String {
    format!(
        "detect sequence by host within 5m {{
           a: process where command_line contains \"a\"
           b: file where file.action is created
           {optional}
         }}"
    )
}

/// The one remark of a document about a step that is left out.
fn left_out(target: &str, optional: &str) -> String {
    let document = on(target, &sequence(optional)).unwrap_or_else(|why| panic!("{target}: {why}"));
    let found: Vec<&str> = document.lines().filter(|l| l.contains("is left out")).collect();
    assert_eq!(found.len(), 1, "{document}");
    assert!(!document.contains("Degraded"), "{document}");
    found[0].to_owned()
}

#[test]
fn an_optional_step_without_the_identity_that_joins_it_is_left_out() {
    let found =
        left_out("splunk-sysmon", "optional c: script where script.text contains \"c\" and process is a.process");
    assert!(found.contains("'c' is left out: the target has no columns that identify the process"), "{found}");
}

#[test]
fn an_optional_step_without_a_key_of_the_rule_is_left_out() {
    let keyed = sequence("optional c: script where script.text contains \"c\"").replace("by host", "by host, user");
    let document = on("splunk-sysmon", &keyed).expect("a document");
    assert!(document.contains("'c' is left out: the target has no columns that identify the user"), "{document}");
}

#[test]
fn an_optional_step_of_which_one_kind_is_missing_is_left_out() {
    let found = left_out("splunk-cim", "optional c: network or library where user.name is \"kim\"");
    assert!(found.contains("'c' is left out: the target has no log source for library events"), "{found}");
}

#[test]
fn an_optional_step_that_asks_for_a_field_the_target_lacks_is_left_out() {
    let found = left_out("splunk-cim", "optional c: network where destination.domain is \"x.example\"");
    assert!(found.contains("'c' is left out: the target has no 'destination.domain'"), "{found}");
}

#[test]
fn an_optional_step_that_is_joined_to_one_left_out_goes_with_it() {
    let two = "optional c: library where dll.name is \"c.dll\"
               optional d: file where file.action is deleted and executable is c.executable";
    let document = on("splunk-cim", &sequence(two)).expect("a document");
    assert!(document.contains("'c' is left out: the target has no log source for library events"), "{document}");
    assert!(document.contains("'d' is left out: it is joined to 'c'"), "{document}");
    assert!(!document.contains("deleted"), "{document}");
}

#[test]
fn a_required_step_is_refused_where_an_optional_one_would_be_left_out() {
    let why = on("splunk-cim", &sequence("c: library where dll.name is \"c.dll\"")).expect_err("no library events");
    assert!(why.contains("has no log source for library events"), "{why}");
}

#[test]
fn an_optional_step_that_cannot_be_joined_to_another_one_is_left_out_alone() {
    let two = "optional c: file where file.action is modified
               optional d: file where file.action is deleted and executable is c.executable";
    let document = on("splunk-cim", &sequence(two)).expect("a document");
    assert!(document.contains("'d' is left out: the target has no 'executable' in file events"), "{document}");
    assert!(document.contains("modified") && !document.contains("'c' is left out"), "{document}");
}

#[test]
fn a_count_of_events_that_the_target_lacks_is_refused_once() {
    let count = "detect count >= 3 by host within 5m of file where file.action is created";
    assert_eq!(refusals("splunk-4688", count), ["it has no log source for file events of windows"]);
    let kinds = "detect distinct user.name >= 3 by host within 5m of library or file where user.name exists";
    assert_eq!(
        refusals("splunk-4688", kinds),
        ["it has no log source for library events of windows", "it has no log source for file events of windows"]
    );
}

#[test]
fn a_step_of_a_kind_that_the_target_lacks_is_refused_once() {
    let steps = sequence("c: library where dll.name is \"c.dll\"");
    assert_eq!(refusals("splunk-cim", &steps), ["it has no log source for library events of windows"]);
}

/// A process and a file of that process, which something was done with.
fn by_process(action: &str) -> String {
    format!(
        "detect sequence by host within 5m {{
           a: process where command_line contains \"a\"
           b: file where file.action {action} and process is a.process
         }}"
    )
}

#[test]
fn a_log_source_without_the_column_that_joins_its_events_is_refused_by_name() {
    let why = "it has no columns that identify the process for good in file_rename events";
    assert_eq!(refusals("sigma", &by_process("is moved")), [why]);
    assert_eq!(refusals("sigma", &by_process("in [created, moved]")), [why]);
    let document = on("sigma", &by_process("is created")).expect("a document");
    assert!(document.contains("ProcessGuid"), "{document}");
}

#[test]
fn a_log_source_may_lack_a_field_or_call_it_otherwise() {
    let file = |action: &str, field: &str| format!("detect file where file.action is {action} and {field}");
    let why = refusals("sigma", &file("opened", "process.entity_id is \"x\""));
    assert_eq!(why, ["it has no `process.entity_id` in file_access events"]);
    let document = on("sigma", &file("opened", "file.name is \"Login Data\"")).expect("a document");
    assert!(
        document.contains(r"FileName|endswith: '\Login Data'") && !document.contains("TargetFilename"),
        "{document}"
    );
}

#[test]
fn a_bare_number_of_a_process_joins_nothing_unless_its_author_lets_the_join_go() {
    let steps = |join: &str| {
        format!(
            "detect sequence by host within 5m {{
               a: process where command_line contains \"a\"
               b: process where process.name is \"b.exe\" and parent is a.process{join}
             }}"
        )
    };
    let why = "it knows the process in process events by its number alone, which is used again";
    assert_eq!(refusals("sentinel-securityevent", &steps("")), [why]);
    let document = on("sentinel-securityevent", &steps(" when available")).expect("a document");
    assert!(document.contains("A condition is left out, which may add alerts: the target knows"), "{document}");
}
