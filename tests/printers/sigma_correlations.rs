//! What Sigma makes of rules over several events, and why it makes nothing of some.

use arcanary::compile::compile;
use arcanary::document::Document;
use arcanary::target::Targets;

/// What Sigma makes of a rule of these entries, or why it makes nothing.
fn said_on(os: &str, entries: &str) -> Result<Document, String> {
    let text = format!(
        "rule r {{ title \"R\" id 00000000-0000-4000-8000-000000000001 level low os [{os}]\n{entries}\n}}\n\
         list many = [\"a\", \"b\"]"
    );
    let mut sources = arcanary::source::Sources::new();
    let file = sources.add("r.det", &text);
    let parsed = vec![arcanary::syntax::parse(file, &text)];
    let (project, found) = arcanary::sema::resolve(parsed, &indexmap::IndexMap::new());
    assert!(found.is_empty(), "{found:?}");
    let targets = Targets::built_in();
    compile(&project.rules["r"], &project, &targets.all["sigma"]).map_err(|refused| refused[0].labels[0].text.clone())
}

fn said(entries: &str) -> Result<Document, String> {
    said_on("windows", entries)
}

/// A sequence of two steps on one log source.
fn two(first: &str, second: &str) -> Result<Document, String> {
    said(&format!("detect sequence by host within 1m {{ one: process where {first} two: process where {second} }}"))
}

fn lines(document: &Document, start: &str) -> Vec<String> {
    let all = document.text.lines().filter_map(|l| l.trim().strip_prefix(start));
    all.map(str::to_owned).collect()
}

#[test]
fn a_parent_and_its_child_share_an_alias() {
    let document = said(
        "detect sequence by host within 1m {\n\
           shell: process where process.name is \"cmd.exe\"\n\
           child: process where process.name is \"7z.exe\" and parent is shell.process }",
    )
    .expect("a correlation");
    assert_eq!(lines(&document, "r.shell: "), ["ProcessGuid"]);
    assert_eq!(lines(&document, "r.child: "), ["ParentProcessGuid"]);
}

#[test]
fn steps_that_one_event_can_be_are_refused() {
    for (first, second) in [
        ("process.name is \"a.exe\"", "process.name is \"b.exe\""),
        ("process.name in [\"a.exe\", \"b.exe\"]", "executable is 'C:\\c.exe'"),
        ("executable starts with 'C:\\a'", "executable starts with 'D:\\a'"),
        ("process.pid is 4", "process.pid is 5"),
        ("command_line contains \"x\"", "process.pid is 4 and not command_line contains \"x\""),
        ("process.name is \"a.exe\" or process.name is \"b.exe\"", "process.name is \"c.exe\""),
    ] {
        assert!(two(first, second).is_ok(), "{first} / {second}");
    }
    for (first, second) in [
        ("process.name is \"a.exe\"", "process.name in [\"b.exe\", \"A.exe\"]"),
        ("process.name is \"a.exe\"", "executable ends with 'a.exe'"),
        ("executable starts with 'C:\\a'", "executable ends with 'b.exe'"),
        ("command_line contains \"x\"", "command_line contains \"y\""),
        ("process.pid is 4", "process.pid >= 4"),
        ("command_line contains all many", "command_line is \"ab\""),
    ] {
        let why = two(first, second).expect_err("refused");
        assert!(why.contains("one that is both `one` and `two`"), "{why}");
    }
}

#[test]
fn what_a_correlation_does_not_know_is_refused_with_the_reason() {
    let steps = |last: &str| {
        said(&format!(
            "detect sequence by host within 1m {{\n\
               one: process where process.name is \"a.exe\"\n\
               {last} }}"
        ))
        .expect_err("refused")
    };
    for (last, reason) in [
        (
            "without two: file where file.action is created\n three: network where network.direction is outbound",
            "cannot demand that an event is missing, as `two` must be",
        ),
        ("two: file where file.action is created and user.name is one.user.name", "parts of columns"),
        ("two: file where file.action is created and executable is cased one.executable", "letters' case counts"),
        ("two: file where file.action is created and not process is one.process", "asks more of them together"),
        (
            "two: file where file.action is created and process is one.process\n three: library where dll.name is \"x\"",
            "`three` is not joined as `one` and `two` are",
        ),
    ] {
        let why = steps(last);
        assert!(why.contains(reason), "{why}");
    }
}

#[test]
fn an_equality_that_may_go_goes_with_a_note() {
    let document = said(
        "detect sequence by host within 1m {\n\
           one: process where process.name is \"a.exe\"\n\
           two: file where file.action is created and user.id is one.user.id when available }",
    )
    .expect("a correlation");
    assert_eq!(document.status, arcanary::document::Status::Degraded);
    assert!(document.printed.notes.iter().any(|n| n.text.contains("`user.id`")), "{:?}", document.printed.notes);
}

#[test]
fn too_many_combinations_of_log_sources_are_refused() {
    let step = |name: &str, program: &str| {
        format!("{name}: process or network or library or file where process.name is \"{program}\"\n")
    };
    let steps = [step("one", "a.exe"), step("two", "b.exe"), step("three", "c.exe")].concat();
    let steps = steps.replace("file where", "script where");
    let why = said(&format!("detect sequence by host within 1m {{\n{steps} }}")).expect_err("refused");
    assert!(why.contains("more than 16"), "{why}");
}

#[test]
fn a_host_has_one_system_and_a_user_has_any() {
    let count = |key: &str| {
        let document = said_on(
            "windows, linux",
            &format!(
                "detect sequence by {key} within 1m {{\n\
                   one: process where process.name is \"a\"\n\
                   two: file where file.action is created }}"
            ),
        );
        lines(&document.expect("correlations"), "type: temporal_ordered").len()
    };
    assert_eq!((count("host"), count("user")), (2, 4));
}

#[test]
fn different_processes_of_a_host_are_different_ids() {
    let document =
        said("detect distinct process >= 3 by host within 1h of network where network.direction is outbound");
    assert_eq!(lines(&document.expect("a count"), "field: "), ["ProcessGuid"]);
    let why = said("detect distinct file.directory >= 3 by host within 1h of file where file.action is created");
    assert!(why.expect_err("refused").contains("only as a part of `TargetFilename`"));
}
