//! Every checker and every engine can fail: each proves it with cases of its own.

use super::checker::{Checker, run, self_test, tools};

#[test]
fn the_kusto_checker_can_fail() {
    self_test(Checker::Kusto);
}

#[test]
fn the_kql_runner_can_fail() {
    self_test(Checker::KustoRun);
}

#[test]
fn the_sigma_checker_can_fail() {
    self_test(Checker::Sigma);
}

#[test]
fn a_checker_answers_every_line_in_order() {
    if tools().is_none() {
        return;
    }
    let line = |name: &str, query: &str| serde_json::json!({"name": name, "schema": "defender", "query": query});
    let answers =
        run(Checker::Kusto, vec![line("a", "DeviceEvents | project DeviceId"), line("b", "Nowhere | take 1")]);
    let codes: Vec<_> = answers.iter().map(|answer| answer["diagnostics"][0]["code"].as_str()).collect();
    assert_eq!(codes, [None, Some("KS204")]);
    assert_eq!(answers[0]["columns"], serde_json::json!([{"name": "DeviceId", "type": "string"}]));
}

#[test]
fn both_engines_of_sigma_select_what_a_rule_means() {
    if tools().is_none() {
        return;
    }
    let rule = "title: X\nlogsource:\n    category: process_creation\n    product: windows\ndetection:\n    selection:\n        \
                Image|endswith: '\\rar.exe'\n    filter:\n        CommandLine|re: '(?i) -P'\n    condition: selection and not filter\n";
    let event = |image: &str, line: &str| serde_json::json!({"Image": image, "CommandLine": line});
    let events = [event(r"C:\RAR.exe", "rar a"), event(r"C:\rar.exe", "rar -px"), event("rar.exe", "rar a")];
    for engine in [Checker::SigmaRun, Checker::SigmaRust] {
        let lines = [serde_json::json!({"events": events}), serde_json::json!({"name": "x", "yaml": rule})];
        let answers = run(engine, lines.to_vec());
        assert_eq!(answers[1]["matched"], serde_json::json!([[0]]), "{engine:?}: {}", answers[1]);
    }
}
