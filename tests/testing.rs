//! The runner of rules' tests, as a library: what is said of tests that fail, in every format, and what counts as tested.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod common;

use arcanary::diagnostic::{Style, junit, to_github, to_text};
use arcanary::project::Loaded;
use arcanary::sema;
use arcanary::source::Sources;
use arcanary::syntax;
use arcanary::testing::{Outcome, PartKind, Results, report, run};

fn of(text: &str) -> Loaded {
    let mut sources = Sources::new();
    let id = sources.add("a.det", text);
    let (project, findings) = sema::resolve(vec![syntax::parse(id, text)], &indexmap::IndexMap::new());
    let shown: String = findings.iter().map(|d| to_text(d, &sources, Style::Plain)).collect();
    assert!(findings.is_empty(), "{shown}");
    Loaded { sources, project, ..Loaded::default() }
}

fn tested(loaded: &Loaded) -> Results {
    let rules: Vec<_> = loaded.project.rules.values().collect();
    run(loaded, &rules, &|_| {})
}

/// A rule with this detection and these entries, beside a few utilities.
fn rule(detect: &str, entries: &str) -> Loaded {
    of(&format!(
        "rule r {{ title \"R\" id 7f0c2b0e-3d5e-4d0e-9a64-0d7f5a1f3c99 level low os [windows] detect {detect} {entries} }}
        utility rar \"rar\" {{ os [windows] image [\"rar.exe\"] verb create = first \"a\" switch password = glued \"p\" }}
        utility zip \"zip\" {{ os [windows] image [\"zip.exe\"] verb create = default switch password = glued \"P\" }}
        utility gz \"gz\" {{ os [windows] image [\"gz.exe\"] verb create = default }}
        utility ditto \"ditto\" {{ os [macos] image [\"ditto\"] verb create = default switch password = alone \"p\" }}
        group archiver = [rar, zip, gz, ditto]
        let by_name = user.name is \"a\" or user.name is \"b\""
    ))
}

/// Every part of the rule: `+` before what is reached, `-` before what is not.
fn parts(loaded: &Loaded) -> Vec<String> {
    let results = tested(loaded);
    results.parts().map(|p| format!("{} {p}", if p.reached { '+' } else { '-' })).collect()
}

fn snapshot(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../snapshots/failing");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

#[test]
fn each_failing_test_is_told_with_its_event_and_the_conditions_that_decided() {
    let loaded = common::project("tests/failing/failing.det");
    let results = tested(&loaded);
    assert!(results.tests().all(|t| !matches!(t.outcome, Outcome::Passed)));
    let findings = report::failures(&results);
    assert_eq!(findings.len(), results.tests().count());
    let text: String = findings.iter().map(|d| to_text(d, &loaded.sources, Style::Plain) + "\n").collect();
    snapshot("text", &text);
    snapshot("github", &to_github(&findings, &loaded.sources));
}

#[test]
fn failing_tests_over_several_events_are_told_with_all_events_and_the_step_that_failed() {
    let loaded = common::project("tests/failing/several.det");
    let results = tested(&loaded);
    assert!(results.tests().all(|t| !matches!(t.outcome, Outcome::Passed)));
    let findings = report::failures(&results);
    let text: String = findings.iter().map(|d| to_text(d, &loaded.sources, Style::Plain) + "\n").collect();
    snapshot("several", &text);
    let json = report::to_object(&results, &[], &loaded.sources);
    let test = json["tests"].as_array().unwrap().iter().find(|t| t["test"] == "too late").unwrap();
    let offsets: Vec<&str> = test["events"].as_array().unwrap().iter().map(|e| e["offset"].as_str().unwrap()).collect();
    assert_eq!(offsets, ["0s", "16m"]);
}

#[test]
fn tests_over_several_events_pass_by_rows_flags_and_exceptions_and_reach_them() {
    let loaded = rule(
        "sequence by host within 10s {
            a: process where process.name is \"a\"
            b: process where process.name is \"b\"
            optional c: file where file.action is created
        }",
        "flag Same = a.user.name is b.user.name
        flag Seen = c.file.path exists
        except \"Ours\" because \"x\" where b.user.name is \"me\"
        except \"Never\" because \"x\" where a.user.name is \"you\"
        test \"at the edge\" fires with []
            +5s process { process.name \"a\", user.name \"x\" } +15s process { process.name \"b\", user.name \"y\" }
        test \"behind it\" silent process { process.name \"a\" } +11s process { process.name \"b\" }
        test \"flags of the first row, which an optional event behind it fills\" fires with [Same, Seen]
            process { process.name \"a\", user.name \"x\" } +1s process { process.name \"b\", user.name \"X\" }
            +2s file { file.action created, file.path 'C:\\x' } +3s process { process.name \"b\", user.name \"y\" }
        test \"excepted\" excepted by \"Ours\"
            process { process.name \"a\" } +1s process { process.name \"b\", user.name \"me\" }
        test \"what an exception silences is not silent\" excepted by \"Ours\"
            process { process.name \"a\" } +1s process { process.name \"b\", user.name \"me\" }
            +2s process { process.name \"b\" }",
    );
    let results = tested(&loaded);
    let failed: Vec<_> = results.tests().filter(|t| !matches!(t.outcome, Outcome::Passed)).collect();
    assert!(failed.is_empty(), "{failed:#?}");
    let reached = ["+ flag `Same`", "+ flag `Seen`", "+ exception `Ours`", "- exception `Never`"];
    assert_eq!(parts(&loaded), reached);
}

#[test]
fn branches_and_utilities_of_steps_and_counts_are_reached_by_events_that_are_such_a_step() {
    let loaded = rule(
        "sequence by host within 10s {
            a: process where (runs archiver to create with password or process.name is \"x\") and user.name exists
            b: process or file where file.name is \"b\" or process.name is a.process.name
            c: file where (file.extension is \"zip\" or file.extension is \"cab\") and (file.size > 1 or user.name is a.user.name)
        }",
        "test \"one way\" fires
            process { process.name \"rar.exe\", command_line 'rar a -pk x', user.name \"u\" }
            +1s file { file.action created, file.path 'C:\\b', process.name \"rar.exe\" }
            +2s file { file.action created, file.path 'C:\\c.zip', file.size 2 }
        test \"no user, so it is no such step\" silent process { process.name \"x\", user.name \"\" }",
    );
    let expected = [
        "+ branch `runs archiver to create with password` of step `a`",
        "+ utility `rar` of `archiver` in step `a`",
        "- utility `zip` of `archiver` in step `a`",
        "- branch `process.name is \"x\"` of step `a`",
        "+ branch `file.extension is \"zip\"` of step `c`",
        "- branch `file.extension is \"cab\"` of step `c`",
    ];
    // What names another step is not taken apart.
    assert_eq!(parts(&loaded), expected);
    let counted = rule(
        "count >= 2 by host within 1m of process where process.name is \"a\" or process.name is \"b\"",
        "test \"two\" fires process { process.name \"a\" } +1s process { process.name \"a\" }",
    );
    let expected =
        ["+ branch `process.name is \"a\"` of the detection", "- branch `process.name is \"b\"` of the detection"];
    assert_eq!(parts(&counted), expected);
}

#[test]
fn what_json_says_of_a_failing_test_is_what_text_says() {
    let loaded = common::project("tests/failing/failing.det");
    let json = report::to_object(&tested(&loaded), &[], &loaded.sources);
    let test = json["tests"].as_array().unwrap().iter().find(|t| t["test"] == "flags").unwrap();
    assert_eq!(test["outcome"], "failed");
    assert_eq!(test["expected"]["flags"], serde_json::json!(["Shell"]));
    assert_eq!(test["got"]["flags"], serde_json::json!(["Staged"]));
    assert_eq!(test["event"]["fields"]["parent.name"], "cmd.com");
    assert_eq!(test["event"]["derived"], serde_json::json!(["process.name", "parent.name"]));
    let texts: Vec<&str> = test["reasons"].as_array().unwrap().iter().map(|r| r["text"].as_str().unwrap()).collect();
    assert_eq!(texts.len(), 3, "{texts:?}");
    assert!(texts[0].contains("is under `'C:\\ProgramData'`"), "{texts:?}");
    let silent = json["tests"].as_array().unwrap().iter().find(|t| t["test"] == "one branch").unwrap();
    assert_eq!((&silent["expected"]["verdict"], &silent["got"]["verdict"]), (&"silent".into(), &"fires".into()));
}

#[test]
fn a_suite_is_a_rule_and_a_case_is_a_test() {
    let loaded = common::project("tests/failing/failing.det");
    let results = tested(&loaded);
    let suites = report::suites(&results, &loaded.sources);
    let sizes: Vec<(&str, usize)> = suites.iter().map(|s| (s.name.as_str(), s.cases.len())).collect();
    assert_eq!(sizes, [("lacking", 2), ("many", 1), ("packed", 16), ("scored", 2), ("several", 2)]);
    let (cases, errors) = (results.tests().count(), 1);
    let head = format!("tests=\"{cases}\" failures=\"{}\" errors=\"{errors}\" skipped=\"0\"", cases - errors);
    let xml = junit::to_junit(&suites, &loaded.sources);
    assert!(xml.contains(&head), "{xml}");
    assert_eq!(xml.matches("<testcase ").count(), cases);
}

#[test]
fn operands_of_or_count_nested_ones_and_those_of_lets_too_but_no_elements_of_lists() {
    let detect = "process where command_line contains any [\"x\", \"y\"] and (by_name or (parent.name is \"p\" and (process.pid >= 5 or argument is \"q\")))";
    let test = |fields: &str| format!("test \"t\" fires process {{ {fields} }}");
    assert_eq!(
        parts(&rule(detect, &test("command_line 'x q', user.name \"b\""))),
        [
            "+ branch `by_name` of the detection",
            "- branch `user.name is \"a\"` of the detection",
            "+ branch `user.name is \"b\"` of the detection",
            "- branch `parent.name is \"p\" and (process.pid >= 5 or argument is \"q\")` of the detection",
            "- branch `process.pid >= 5` of the detection",
            "- branch `argument is \"q\"` of the detection",
        ],
        "`argument is` holds here, and what surrounds it does not"
    );
    let all = parts(&rule(detect, &test("command_line 'y q', process.pid 7, parent.name \"p\", user.name \"a\"")));
    assert_eq!(all.iter().filter(|p| p.starts_with('+')).count(), 5, "all but user b: {all:#?}");
}

#[test]
fn an_event_that_is_not_detected_reaches_nothing() {
    let loaded = rule(
        "process where command_line contains \"x\" and by_name",
        "test \"t\" silent process { command_line 'y', user.name \"a\" }",
    );
    assert_eq!(
        parts(&loaded),
        ["- branch `user.name is \"a\"` of the detection", "- branch `user.name is \"b\"` of the detection"]
    );
}

#[test]
fn utilities_of_a_group_count_where_they_can_be_meant() {
    let loaded = rule(
        "process where runs archiver to create with password",
        "test \"t\" fires process { executable 'C:\\rar.exe', command_line 'rar a -pX y' }
         test \"u\" silent process { executable 'C:\\zip.exe', command_line 'zip y' }",
    );
    let expected = ["+ utility `rar` of `archiver` in the detection", "- utility `zip` of `archiver` in the detection"];
    assert_eq!(parts(&loaded), expected, "gz has no password, ditto does not run on Windows, rar alone is no group");
}

#[test]
fn below_not_an_operand_counts_where_it_alone_keeps_an_event_out() {
    let detect = "process where command_line contains \"x\" and not (user.name is \"a\" or parent.name is \"p\" or runs archiver)";
    let test = |verdict: &str, fields: &str| format!("test 't' {verdict} process {{ {fields} }}");
    let reached = |tests: &[String]| -> Vec<String> {
        let all = parts(&rule(detect, &tests.join(" ")));
        assert_eq!(all.len(), 6, "{all:#?}");
        all.into_iter().filter_map(|p| Some(p.strip_prefix("+ ")?.split('`').nth(1)?.to_owned())).collect()
    };
    assert_eq!(reached(&[test("fires", "command_line 'x'")]), [] as [&str; 0]);
    assert_eq!(reached(&[test("silent", "command_line 'x', user.name \"a\", parent.name \"p\"")]), [] as [&str; 0]);
    assert_eq!(reached(&[test("silent", "command_line 'y', user.name \"a\"")]), [] as [&str; 0]);
    assert_eq!(reached(&[test("silent", "command_line 'x', user.name \"a\"")]), ["user.name is \"a\""]);
    assert_eq!(
        reached(&[test("silent", "command_line 'x', executable 'C:\\zip.exe'")]),
        ["runs archiver", "zip"],
        "a utility of a group is an operand"
    );
}

#[test]
fn an_event_whose_score_is_too_low_reaches_nothing() {
    let entries = "flag F weight 5 = user.name is \"a\" flag G weight 5 = parent.name is \"p\" threshold 10";
    let detect = "process where command_line contains \"x\" and (process.pid is 1 or process.pid is 2)";
    let low = "test \"low\" silent process { command_line 'x', process.pid 1, user.name \"a\" }";
    let all = parts(&rule(detect, &format!("{entries} {low}")));
    assert!(all.len() == 4 && all.iter().all(|p| p.starts_with('-')), "{all:#?}");
    let high = "test \"high\" fires process { command_line 'x', process.pid 2, user.name \"a\", parent.name \"p\" }";
    let all = parts(&rule(detect, &format!("{entries} {low} {high}")));
    assert_eq!(all.iter().filter(|p| p.starts_with('+')).count(), 3, "{all:#?}");
}

#[test]
fn flags_count_on_what_fires_and_exceptions_on_what_is_detected() {
    let entries = "flag F = user.name is \"a\" or user.name is \"b\" flag G = process.pid exists
        except \"E\" because \"e\" where parent.name is \"p\" or parent.name is \"q\"
        except \"U\" because \"u\" where parent.name is \"u\"";
    let with = |tests: &str| parts(&rule("process where command_line contains \"x\"", &format!("{entries} {tests}")));
    let both = with(
        "test \"t\" excepted by \"E\" process { command_line 'x', parent.name \"q\", user.name \"a\", process.pid 1 }
         test \"s\" silent process { command_line 'y', parent.name \"u\", user.name \"b\" }
         test \"f\" fires with [F] process { command_line 'x', user.name \"b\" }",
    );
    assert_eq!(
        both,
        [
            "+ flag `F`",
            "- branch `user.name is \"a\"` of flag `F`",
            "+ branch `user.name is \"b\"` of flag `F`",
            "- flag `G`",
            "+ exception `E`",
            "- branch `parent.name is \"p\"` of exception `E`",
            "+ branch `parent.name is \"q\"` of exception `E`",
            "- exception `U`",
        ]
    );
}

#[test]
fn a_condition_that_a_rule_uses_twice_counts_once_and_each_kind_of_event_reaches_it() {
    let loaded = rule(
        "process or script where (by_name or script.text exists) and not user.name is \"c\"",
        "flag F = by_name
         test \"t\" fires script { script.text 'x', user.name \"a\" }
         test \"u\" fires process { user.name \"b\" }",
    );
    assert_eq!(
        parts(&loaded),
        [
            "+ branch `by_name` of the detection",
            "+ branch `user.name is \"a\"` of the detection",
            "+ branch `user.name is \"b\"` of the detection",
            "+ branch `script.text exists` of the detection",
            "+ flag `F`",
        ]
    );
}

#[test]
fn tests_of_a_tune_run_and_count() {
    let text = "rule r { title \"R\" id 7f0c2b0e-3d5e-4d0e-9a64-0d7f5a1f3c99 level low os [windows] detect process where process.name is \"x\" }
        tune r { except \"E\" because \"e\" where user.name is \"a\"
          test \"tuned\" excepted by \"E\" process { process.name \"x\", user.name \"a\" }
          test \"wrong\" silent process { process.name \"x\" } }";
    let loaded = of(text);
    let results = tested(&loaded);
    let outcomes: Vec<_> = results.tests().map(|t| (t.title.as_str(), matches!(t.outcome, Outcome::Passed))).collect();
    assert_eq!(outcomes, [("tuned", true), ("wrong", false)]);
    assert!(results.parts().any(|p| p.kind == PartKind::Exception && p.reached));
    assert!(!results.rules[0].has_firing && results.rules[0].has_silent);
}

#[test]
fn results_come_in_the_order_of_the_rules_whichever_thread_is_first() {
    let mut text = String::new();
    for i in 0..200 {
        text.push_str(&format!("rule r{i:03} {{ title \"R\" id 7f0c2b0e-3d5e-4d0e-9a64-000000000{i:03} level low os [windows]
            detect process where command_line matches 'a{{{}}}b' test \"t\" silent process {{ command_line 'ab' }} }}\n", 2 + i % 50));
    }
    let loaded = of(&text);
    let through = std::sync::atomic::AtomicUsize::new(0);
    let rules: Vec<_> = loaded.project.rules.values().rev().collect();
    let results = run(&loaded, &rules, &|_| {
        through.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    });
    let names: Vec<&str> = results.rules.iter().map(|r| r.rule.as_str()).collect();
    assert_eq!(names, rules.iter().map(|r| r.name.as_str()).collect::<Vec<_>>());
    assert_eq!(through.into_inner(), 200);
    assert!(results.tests().all(|t| matches!(t.outcome, Outcome::Passed)));
}

#[test]
fn every_rule_of_the_shipped_pack_is_tested_through_and_through() {
    let loaded = common::project("rules");
    let results = tested(&loaded);
    let shown = |findings: &[arcanary::diagnostic::Diagnostic]| -> String {
        findings.iter().map(|d| to_text(d, &loaded.sources, Style::Plain)).collect()
    };
    assert!(results.tests().count() > 200 && results.parts().count() > 80);
    assert_eq!(shown(&report::failures(&results)), "");
    assert_eq!(shown(&report::missing(&results)), "");
}
