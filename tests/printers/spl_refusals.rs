//! What the state of `streamstats` cannot say is refused, at the step that needs more, with the reason.

use arcanary::compile::compile;
use arcanary::sema::{Project, resolve};
use arcanary::source::Sources;
use arcanary::target::Targets;

const WORDS: &str = "utility zip \"Zip\" { os [windows] image [\"zip.exe\"] verb create = default }";

fn project(detect: &str) -> (Project, Sources) {
    let text = format!(
        "rule r {{ title \"R\" id 00000000-0000-4000-8000-000000000001 level low os [windows]\n{detect}\n}}\n{WORDS}"
    );
    let mut sources = Sources::new();
    let file = sources.add("r.det", &text);
    let (project, found) = resolve(vec![arcanary::syntax::parse(file, &text)], &indexmap::IndexMap::new());
    assert!(found.is_empty(), "{found:?}");
    (project, sources)
}

/// What a target says to a rule: the place, and why. Nothing where it takes it.
fn refused(detect: &str, target: &str) -> Option<(String, String)> {
    let (project, sources) = project(detect);
    let targets = Targets::built_in();
    let found = compile(&project.rules["r"], &project, &targets.all[target]).err()?;
    assert_eq!(found.len(), 1, "{found:?}");
    let label = &found[0].labels[0];
    let text = &sources.get(label.span.file).expect("a file").text;
    Some((text[label.span.start..label.span.end].to_owned(), label.text.clone()))
}

fn assert_refused(detect: &str, target: &str, place: &str, why: &str) {
    let (at, text) = refused(detect, target).unwrap_or_else(|| panic!("{target} takes {detect}"));
    assert!(at == place && text.contains(why), "`{at}`: {text}\n{detect}");
}

/// Steps on Sysmon: `refused` at the step of this name.
fn steps(detect: &str, place: &str, why: &str) {
    assert_refused(detect, "splunk-sysmon", place, why);
}

#[test]
fn a_step_that_names_one_before_the_last_by_what_that_does_not_share() {
    steps(
        "detect sequence by host within 5m {
           a: process where command_line contains \"a\"
           b: network where destination.port is 443 and process is a.process
           c: file where file.action is created and user.name is a.user.name
         }",
        "c",
        "names an earlier step by a field that `b` does not share",
    );
}

#[test]
fn one_event_in_two_steps_where_the_state_cannot_keep_it_out() {
    steps(
        "detect sequence by host within 5m {
           a: process where command_line contains \"a\"
           b: network where destination.port is 443
           c: process where command_line contains \"c\"
         }",
        "c",
        "both `a` and `c`, which are not neighbours",
    );
    steps(
        "detect sequence by host within 5m {
           a: process where command_line contains \"a\"
           b: network where destination.port is 443 and process is a.process
           c: network where destination.port is 80
           d: network where destination.domain contains \"d\"
         }",
        "d",
        "both `b` and `d`, which are not neighbours",
    );
    steps(
        "detect sequence by host within 5m {
           a: process where command_line contains \"a\"
           b: network where destination.domain contains \"b\" and process is a.process
           c: network where destination.domain contains \"c\"
         }",
        "c",
        "both `b` and `c` where they are joined by another key",
    );
    steps(
        "detect together by host within 5m {
           a: process where command_line contains \"a\"
           b: process where command_line contains \"b\"
           c: network where destination.port is 443
         }",
        "b",
        "both `a` and `b` among three steps or more",
    );
    steps(
        "detect sequence by host within 5m {
           a: process where command_line contains \"a\"
           b: network where destination.port is 443
           optional c: network where destination.domain contains \"c\"
         }",
        "c",
        "both `b` and `c`",
    );
}

#[test]
fn a_wider_key_behind_three_steps() {
    steps(
        "detect sequence by host within 5m {
           a: process where command_line contains \"a\"
           b: file where file.action is created and process is a.process
           c: network where destination.port is 443 and process is a.process
           d: library where dll.name is \"d.dll\"
         }",
        "d",
        "`d` follows more than two by another key",
    );
}

#[test]
fn a_without_that_the_state_cannot_place() {
    steps(
        "detect sequence by host within 5m {
           a: process where command_line contains \"a\"
           b: network where destination.port is 443 and process is a.process
           without x: file where file.action is deleted
           c: library where dll.name is \"c.dll\"
         }",
        "x",
        "cannot tell what stands between `b` and `c`",
    );
    steps(
        "detect sequence by host within 5m {
           a: process where command_line contains \"a\"
           without x: file where file.action is deleted and process is a.process
           b: network where destination.port is 443
         }",
        "x",
        "fields that `b` does not share",
    );
    steps(
        "detect sequence by host within 5m {
           a: process where command_line contains \"a\"
           b: network where destination.port is 443
           without x: process where command_line contains \"x\"
           c: file where file.action is created
         }",
        "x",
        "an event of `a` from being `x` too",
    );
    steps(
        "detect sequence by host within 5m {
           a: process where command_line contains \"a\"
           without x: process where command_line contains \"x\" and process is a.parent
           b: process where process.name is \"b.exe\" and process is a.parent
         }",
        "x",
        "they have other keys",
    );
    steps(
        "detect sequence by host within 5m {
           a: process where command_line contains \"a\"
           without x: file where file.action is deleted and not user.name is a.user.name
           b: network where destination.port is 443
         }",
        "x",
        "`x` is joined by equal fields only",
    );
}

#[test]
fn optional_steps_that_cannot_be_carried_backwards() {
    steps(
        "detect sequence by host within 5m {
           a: process where command_line contains \"a\"
           b: network where destination.port is 443
           optional c: file where file.action is created and process is a.process
         }",
        "c",
        "finds `c` behind `b`, which does not share all that joins it",
    );
    steps(
        "detect sequence by host within 5m {
           a: process where command_line contains \"a\"
           b: network where destination.port is 443
           optional c: file where file.action is created
           optional d: file where file.action is deleted
           optional e: library where dll.name is \"e.dll\"
         }",
        "e",
        "two optional steps backwards and no more",
    );
}

#[test]
fn a_condition_over_two_steps_unless_the_earlier_one_is_the_start_of_a_named_process() {
    let rule = |join: &str, first: &str| {
        format!(
            "detect sequence by host within 5m {{
               a: {first}
               b: network where destination.port is 443 and not user.name is a.user.name {join}
             }}"
        )
    };
    let why = "carries one event of `a` to `b`, so a condition over both could miss a match";
    steps(&rule("", "process where command_line contains \"a\""), "b", why);
    steps(&rule("and process is a.process", "file where file.action is created"), "b", why);
    let start = rule("and process is a.process", "process where command_line contains \"a\"");
    assert_eq!(refused(&start, "splunk-sysmon"), None);
    steps(&start.replace("sequence", "together"), "b", why);
}

#[test]
fn an_exception_over_two_steps_is_refused_where_it_is_written() {
    steps(
        "detect sequence by host within 5m {
           a: process where command_line contains \"a\"
           b: network where destination.port is 443
         }
         except \"backup\" because \"it sends\" where not b.user.name is a.user.name",
        "\"backup\"",
        "carries one event of `a` to `b`, so a condition over both could miss a match",
    );
}

#[test]
fn steps_in_any_order_under_several_keys() {
    steps(
        "detect together by host within 5m {
           a: process where command_line contains \"a\"
           b: file where file.action is created and process is a.process
           c: network where destination.port is 443
         }",
        "c",
        "`c` does not share what joins the others",
    );
}

#[test]
fn data_models_where_seconds_are_not_enough() {
    let cim = |detect: &str, place: &str, why: &str| assert_refused(detect, "splunk-cim", place, why);
    cim(
        "detect sequence by host within 5m {
           a: file where file.action is created
           b: file where file.action is modified
           c: file where file.action is deleted
         }",
        "c",
        "orders two steps, and neither a third one nor a `without`",
    );
    cim(
        "detect sequence by host within 5m {
           a: process where command_line contains \"a\"
           b: process where command_line contains \"b\"
         }",
        "b",
        "by the second, and cannot keep one from being both `a` and `b`",
    );
    cim(
        "detect together by host within 5m {
           a: process where command_line contains \"a\"
           b: process where command_line contains \"b\"
         }",
        "b",
        "by the second, and cannot keep one from being both `a` and `b`",
    );
}

#[test]
fn more_events_than_a_window_of_streamstats_holds() {
    let count = |n: u64| format!("detect count >= {n} by host within 1h of process where command_line contains \"a\"");
    steps(&count(10_001), "10_001".replace('_', "").as_str(), "counts at most 10,000 events");
    assert_eq!(refused(&count(10_000), "splunk-sysmon"), None);
}

#[test]
fn events_of_a_data_model_are_not_counted_though_their_values_are() {
    let events = "detect count >= 3 by host within 1h of process where command_line contains \"a\"";
    assert_refused(events, "splunk-cim", "3", "not which of several alike came when");
    assert_eq!(refused(&events.replace("count", "distinct user.name"), "splunk-cim"), None);
}

#[test]
fn a_flag_with_the_name_of_a_column() {
    let (_, why) = refused(
        "detect sequence by host within 5m {
           a: process where command_line contains \"a\"
           b: file where file.action is created
         }
         flag Image = a.user.name is \"kim\"",
        "splunk-sysmon",
    )
    .expect("a refusal");
    assert!(why.contains("has a column `Image` already"), "{why}");
}
