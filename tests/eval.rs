//! `arcanary eval` as its users call it: what it prints of recorded events, and what it says of files that are not in order.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use serde_json::Value;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

const CASE: &str = "tests/cases/events/case-459-limacharlie.json";
const ATOMIC: &str = "tests/data/events/atomic.jsonl";

struct Ran {
    code: i32,
    matches: Vec<Value>,
    err: String,
}

impl Ran {
    /// Rules and positions of the matches.
    fn found(&self) -> Vec<(&str, u64)> {
        self.matches.iter().map(|m| (m["rule"].as_str().unwrap(), m["event"].as_u64().unwrap())).collect()
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn eval(arguments: &[&str], input: &[u8]) -> Ran {
    let mut child = Command::new(env!("CARGO_BIN_EXE_arcanary"))
        .arg("eval")
        .args(arguments)
        .current_dir(root())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("started");
    child.stdin.take().expect("a pipe").write_all(input).expect("written");
    let output = child.wait_with_output().expect("ended");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    let matches = text(output.stdout).lines().map(|l| serde_json::from_str(l).expect("a line of JSON")).collect();
    Ran { code: output.status.code().expect("a code"), matches, err: text(output.stderr) }
}

/// A process event of Sysmon's.
fn sysmon(line: &str) -> String {
    serde_json::json!({
        "EventID": 1, "ProcessGuid": "{1}", "UtcTime": "2026-11-20 08:30:00.500",
        "Image": r"C:\Program Files\7-Zip\7z.exe", "CommandLine": line
    })
    .to_string()
}

const PASSWORD: &str = "7z.exe a D:\\a.7z *.txt -pblue";

#[test]
fn case_459_is_silent_with_its_exception_and_fires_without() {
    let with = eval(&["rules", "--rule", "expand_cabinet_files", "--events", CASE], b"");
    assert_eq!((with.code, with.found()), (0, vec![]), "{}", with.err);
    let shown = eval(&["rules", "--rule", "expand_cabinet_files", "--show-excepted", "--events", CASE], b"");
    assert_eq!(shown.found(), [("expand_cabinet_files", 1)]);
    assert_eq!(shown.matches[0]["excepted_by"], serde_json::json!(["Dell SupportAssist"]));
    assert_eq!(shown.matches[0]["time"], "2026-03-19T06:29:39.334000Z");

    // The rule alone, without its exceptions and the tests that name them.
    let folder = tempfile::tempdir().unwrap();
    let names =
        ["extract/expand_cabinet_files", "lists", "utilities/archivers", "utilities/cabinets", "utilities/encoders"];
    for name in names.iter().chain(&["utilities/shells"]) {
        let text = std::fs::read_to_string(root().join(format!("rules/{name}.det"))).unwrap();
        let text: String = text.lines().filter(|l| !l.starts_with("  except ")).map(|l| format!("{l}\n")).collect();
        let text = text.find("\n  test ").map_or(text.clone(), |at| format!("{}\n}}\n", &text[..at]));
        std::fs::write(folder.path().join(format!("{}.det", name.replace('/', "-"))), text).unwrap();
    }
    let fires = eval(&[folder.path().to_str().unwrap(), "--events", CASE], b"");
    assert_eq!((fires.code, fires.found()), (0, vec![("expand_cabinet_files", 1)]), "{}", fires.err);
    assert!(fires.matches[0].get("excepted_by").is_none());
}

#[test]
fn rules_may_come_before_or_after_the_events() {
    let before = eval(&["rules", "--rule", "archive_via_utility", "--events", "-"], sysmon(PASSWORD).as_bytes());
    assert_eq!(before.found(), [("archive_via_utility", 1)]);
    for paths in [
        &["rules"][..],
        &["rules/create/archive_via_utility.det"],
        &["rules/lists.det", "rules/create/archive_via_utility.det"],
    ] {
        let arguments = [&["--rule", "archive_via_utility", "--events", "-"][..], paths].concat();
        let after = eval(&arguments, sysmon(PASSWORD).as_bytes());
        assert_eq!((after.code, after.found()), (0, before.found()), "{paths:?}: {}", after.err);
        assert!(after.matches[0].get("file").is_none(), "there is one file of events");
    }
}

#[test]
fn a_match_names_rule_record_time_flags_and_clauses() {
    let text = [sysmon("7z.exe l a.7z"), String::new(), sysmon(PASSWORD)].join("\n");
    let ran = eval(&["rules", "--rule", "archive_via_utility", "--events", "-"], text.as_bytes());
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let expected = serde_json::json!([{
        "rule": "archive_via_utility", "id": "7f0c2b0e-3d5e-4d0e-9a64-0d7f5a1f3c11", "event": 2, "line": 3,
        "time": "2026-11-20T08:30:00.500000Z", "flags": ["PasswordProtected", "ArchiveTool"],
        "clauses": ["runs archiver to create", "runs archiver with any [password, encrypt_header]"]
    }]);
    assert_eq!(Value::from(ran.matches), expected);
}

#[test]
fn several_files_packed_or_not_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let text = sysmon(PASSWORD);
    let mut gzip = flate2::write::GzEncoder::new(vec![], flate2::Compression::fast());
    gzip.write_all(text.as_bytes()).unwrap();
    let zstd = ruzstd::encoding::compress_to_vec(text.as_bytes(), ruzstd::encoding::CompressionLevel::Fastest);
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.display().to_string()
    };
    let files = [
        write("a.json", text.as_bytes()),
        write("b.json.gz", &gzip.finish().unwrap()),
        write("c.json.zst", &zstd),
        write("empty.json", b""),
    ];
    let mut arguments = vec!["rules", "--rule", "archive_via_utility", "--events"];
    arguments.extend(files.iter().map(String::as_str));
    let ran = eval(&arguments, b"");
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let named: Vec<&str> = ran.matches.iter().map(|m| m["file"].as_str().unwrap()).collect();
    assert_eq!(named, &files[..3]);
}

#[test]
fn malformed_records_are_told_counted_and_skipped_unless_strict() {
    let text =
        [sysmon(PASSWORD), "{\"EventID\":1,".to_owned(), "{\"EventID\":5}".to_owned(), sysmon(PASSWORD)].join("\n");
    let arguments = ["rules", "--rule", "archive_via_utility", "--events", "-"];
    let ran = eval(&arguments, text.as_bytes());
    assert_eq!((ran.code, ran.found()), (0, vec![("archive_via_utility", 1), ("archive_via_utility", 4)]));
    assert!(ran.err.contains("standard input:2: malformed record, skipped: EOF"), "{}", ran.err);
    assert!(ran.err.contains("2 events, 1 record of another kind or schema, 1 malformed and skipped"), "{}", ran.err);
    let strict = eval(&[&arguments[..], &["--strict"]].concat(), text.as_bytes());
    assert_eq!((strict.code, strict.found()), (2, vec![("archive_via_utility", 1)]));
    assert!(strict.err.contains("--strict"), "{}", strict.err);
    // Files behind it are not read.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("later.json");
    std::fs::write(&path, sysmon(PASSWORD)).unwrap();
    let strict = eval(&[&arguments[..], &[path.to_str().unwrap(), "--strict"]].concat(), text.as_bytes());
    assert_eq!((strict.code, strict.found()), (2, vec![("archive_via_utility", 1)]));
}

#[test]
fn records_that_were_passed_over_are_counted_also_where_others_were_read() {
    let ecs = serde_json::json!({"@timestamp": "2026-11-20T10:00:00Z", "event": {"category": "process"},
        "process": {"name": "rar.exe", "command_line": PASSWORD}});
    let others = vec![ecs.to_string(); 50].join("\n");
    let ran = eval(&["rules", "--events", "-"], format!("{}\n{others}\n", sysmon("notepad.exe")).as_bytes());
    assert_eq!((ran.code, ran.found()), (0, vec![]));
    assert_eq!(ran.err, "1 event, 50 records of another kind or schema\n");
}

#[test]
fn a_file_without_a_single_record_says_why_and_an_empty_export_has_no_match() {
    let says = |input: &[u8], code: i32, what: &str| {
        let ran = eval(&["rules", "--events", "-"], input);
        assert_eq!((ran.code, ran.found()), (code, vec![]), "{}", ran.err);
        assert!(if what.is_empty() { ran.err.is_empty() } else { ran.err.contains(what) }, "{}", ran.err);
    };
    let utf_16: Vec<u8> = "\u{feff}{\"a\": 1}\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    says(&utf_16, 2, "standard input: no JSON record in the first 2 lines; line 1: it is UTF-16; save it as UTF-8");
    says(b"\n{},\n{},\n", 2, "no JSON record in the first 2 lines; line 2: trailing characters");
    says(b"{\"a\": \"\xe9\"}\n", 2, "no JSON record in the first 1 line; line 1: invalid utf-8 sequence");
    // JSON by its grammar, but no text and no number that anybody reads.
    let surrogate = r#"{"EventID": 1, "UtcTime": "2026-03-19", "Image": "C:\rar.exe", "CommandLine": "a\ud800"}"#;
    says(surrogate.as_bytes(), 2, "no JSON record in the first 1 line; line 1: unexpected end of hex escape");
    let huge = format!("{{\"EventID\": 1, \"ProcessGuid\": \"{{g}}\", \"ProcessId\": 1{}}}", "0".repeat(400));
    says(huge.as_bytes(), 2, "no JSON record in the first 1 line; line 1: number out of range");
    says(b"{\"EventID\": 1e400, \"Image\": \"x\"}\n", 2, "line 1: number out of range");
    // Beside records of no schema, too.
    let mixed = format!("{{\"what\":\"ever\"}}\n{surrogate}\n");
    says(
        mixed.as_bytes(),
        2,
        "cannot detect the log schema from the first 2 records; name one with --schema: limacharlie,",
    );
    says(mixed.as_bytes(), 2, "; malformed: line 2: unexpected end of hex escape");
    for empty in ["", "\u{feff}", "[]", "{\"results\": []}"] {
        says(empty.as_bytes(), 0, "");
    }
    let ran = eval(&["rules", "--schema", "sysmon", "--events", "-"], b"{\"a\": 1}\n");
    assert_eq!((ran.code, ran.err.as_str()), (0, "0 events, 1 record of another kind or schema\n"));
}

#[test]
fn paths_without_events_or_without_rules_are_errors() {
    let says = |arguments: &[&str], what: &str| {
        let ran = eval(arguments, b"");
        assert_eq!(ran.code, 2);
        assert!(ran.err.contains(what), "{}", ran.err);
    };
    says(&["--events", "rules"], "`--events` names rules only");
    says(&["rules/lists.det", "--events", "-"], "no rule to run");
    says(&["rules/lists.det", "--rule", "archive_via_utility", "--events", "-"], "no rule to run");
}

#[cfg(target_os = "linux")]
#[test]
fn matches_that_cannot_be_written_are_an_error() {
    let full = || std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let recorded = root().join("tests/data/events/atomic.jsonl");
    let recorded = recorded.to_str().unwrap();
    for arguments in [&["eval", "rules", "--events", recorded][..], &["test", "rules", "--format", "json"]] {
        let mut arcanary = Command::new(env!("CARGO_BIN_EXE_arcanary"));
        let ran = arcanary.current_dir(root()).args(arguments).stdout(full()).output().unwrap();
        let err = String::from_utf8(ran.stderr).unwrap();
        assert_eq!(ran.status.code(), Some(2), "{err}");
        assert_eq!(err.matches("error: standard output: No space left on device").count(), 1, "{err}");
    }
}

#[test]
fn a_schema_that_nothing_tells_is_asked_for() {
    let ran = eval(&["rules", "--events", "-"], b"{\"what\":\"ever\"}\n{}\n");
    assert_eq!(ran.code, 2);
    assert!(
        ran.err.contains("cannot detect the log schema from the first 2 records; name one with --schema: limacharlie,"),
        "{}",
        ran.err
    );
    // A log may begin with records that are anything.
    let late = ["{\"what\":\"ever\"}".to_owned(), sysmon(PASSWORD)].join("\n");
    let ran = eval(&["rules", "--rule", "archive_via_utility", "--events", "-"], late.as_bytes());
    assert_eq!((ran.code, ran.found()), (0, vec![("archive_via_utility", 2)]));
    let named = eval(&["rules", "--schema", "defender", "--events", "-"], late.as_bytes());
    assert_eq!((named.code, named.found()), (0, vec![]));
}

#[test]
fn files_and_rules_that_do_not_exist_are_errors() {
    let ran = eval(&["rules", "--events", "nowhere.json"], b"");
    assert_eq!(ran.code, 2);
    assert!(ran.err.starts_with("error: nowhere.json: No such file"), "{}", ran.err);
    let ran = eval(&["rules", "--rule", "nothing", "--events", ATOMIC], b"");
    assert_eq!((ran.code, ran.err.as_str()), (2, "error: there is no rule `nothing`\n"));
    assert_eq!(eval(&["rules", "--events", "src"], b"").code, 2);
}

/// A record of our own schema.
fn record(second: u64, host: &str, fields: serde_json::Value) -> String {
    let mut out = serde_json::json!({
        "@timestamp": format!("2026-11-20T08:00:{second:02}Z"), "host": { "name": host, "os": { "type": "windows" } },
    });
    out.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    out.to_string()
}

fn rar(second: u64, host: &str) -> String {
    let process =
        serde_json::json!({ "entity_id": "p1", "executable": r"C:\x\rar.exe", "command_line": "rar a b.rar c" });
    record(second, host, serde_json::json!({ "event": { "category": "process" }, "process": process }))
}

fn archive(second: u64, host: &str) -> String {
    let file = serde_json::json!({ "path": r"C:\ProgramData\b.rar", "size": 20_000_000 });
    let process = serde_json::json!({ "entity_id": "p1", "executable": r"C:\x\rar.exe" });
    let event = serde_json::json!({ "category": "file", "action": "created" });
    record(second, host, serde_json::json!({ "event": event, "process": process, "file": file }))
}

const STAGED: [&str; 4] = ["tests/cases", "--rule", "archive_staged_after_utility", "--schema"];

fn staged(more: &[&str], records: &[String]) -> Ran {
    eval(&[&STAGED[..], &["ecs"], more, &["--events", "-"]].concat(), records.join("\n").as_bytes())
}

#[test]
fn a_match_over_several_events_names_each_by_its_step() {
    let ran = staged(&[], &[rar(1, "WS-1"), archive(2, "ws-2"), archive(3, "ws-1")]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let expected = serde_json::json!([{
        "rule": "archive_staged_after_utility", "id": "3b0d3a7e-9a57-4d0e-8f4a-2f9a1f0f6c11", "event": 3, "line": 3,
        "time": "2026-11-20T08:00:03.000000Z", "flags": [], "keys": { "host": "ws-1" },
        "events": {
            "archiving": { "event": 1, "line": 1, "time": "2026-11-20T08:00:01.000000Z" },
            "staged": { "event": 3, "line": 3, "time": "2026-11-20T08:00:03.000000Z" },
        }
    }]);
    assert_eq!(Value::from(ran.matches), expected);
}

#[test]
fn late_records_are_waited_for_within_the_tolerance_and_counted_behind_it() {
    // The last record shows that its predecessor comes late.
    let records = [rar(1, "ws-1"), archive(50, "other"), archive(9, "ws-1")];
    let waits = staged(&[], &records);
    assert_eq!((waits.found().len(), waits.err.as_str()), (1, ""));
    let strict = staged(&["--tolerance", "40s"], &records);
    assert!(strict.matches.is_empty());
    assert!(
        strict.err.contains("left out of rules over several events: 1 event arrived too late; raise --tolerance"),
        "{}",
        strict.err
    );
    let just = staged(&["--tolerance", "41s"], &records);
    assert_eq!((just.found().len(), just.err.as_str()), (1, ""));
    let wrong = eval(&["rules", "--tolerance", "soon", "--events", ATOMIC], b"");
    assert!(wrong.code == 2 && wrong.err.contains("such as 90s"), "{}", wrong.err);
}

#[test]
fn a_clock_that_is_days_ahead_is_told_and_set_aside() {
    let ahead = rar(2, "ws-1").replace("2026-11-20", "2031-01-01");
    let mut records = vec![ahead, rar(1, "ws-1")];
    records.extend((2..50).map(|second| archive(second, "ws-1")));
    let ran = staged(&[], &records);
    assert_eq!((ran.code, ran.found().len()), (0, 48), "{}", ran.err);
    let told = "left out of rules over several events: 1 event more than a day ahead of the others; a clock is wrong";
    assert!(ran.err.contains(told) && !ran.err.contains("too late"), "{}", ran.err);
}

#[test]
fn more_events_than_may_be_held_end_the_run_with_a_message() {
    let records: Vec<String> = (0..50).map(|i| rar(i, &format!("ws-{i}"))).collect();
    let fits = staged(&["--max-held", "60"], &records);
    assert_eq!((fits.code, fits.err.as_str()), (0, ""));
    let ran = staged(&["--max-held", "20"], &records);
    assert_eq!(ran.code, 2);
    let told = "standard input: stopped: rules over several events would hold more than 20 events";
    assert!(ran.err.contains(told), "{}", ran.err);
}

#[test]
fn combinations_that_are_too_many_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let rule = r#"rule many {
  title "Many" id 00000000-0000-4000-8000-000000000001 level low os [windows]
  detect together by host within 1h {
    a: process where process.name is "rar.exe"
    b: process where process.name is "rar.exe" and not user.name is a.user.name
    c: process where process.name is "rar.exe"
    d: process where process.name is "rar.exe" and not user.name is c.user.name
  }
}"#;
    std::fs::write(folder.path().join("many.det"), rule).unwrap();
    let records: Vec<String> =
        (0..400).map(|i| rar(i % 60, "ws-1").replacen('{', r#"{"user.name":"kim","#, 1)).collect();
    let path = folder.path().to_str().unwrap();
    let ran = eval(&[path, "--schema", "ecs", "--events", "-"], records.join("\n").as_bytes());
    assert_eq!((ran.code, ran.found()), (0, vec![]));
    let told = "may complete a match of a rule over several events: too many combinations to try";
    assert!(ran.err.contains(told), "{}", ran.err);
}

#[test]
fn a_list_that_was_cut_off_is_told_and_an_error_where_that_is_asked() {
    let [good, last] = [sysmon(PASSWORD), sysmon(PASSWORD)];
    for text in [format!("[{good},\n{last}"), format!("[\n{good},\n{last},\n"), format!("[{good},{last}")] {
        let arguments = ["rules", "--rule", "archive_via_utility", "--events", "-"];
        let ran = eval(&arguments, text.as_bytes());
        assert_eq!((ran.code, ran.matches.len()), (0, 2), "{text}");
        assert!(
            ran.err.contains("malformed list: the file ends inside a list: it was cut off")
                && !ran.err.contains("skipped"),
            "{}",
            ran.err
        );
        let strict = eval(&[&arguments[..], &["--strict"]].concat(), text.as_bytes());
        assert_eq!((strict.code, strict.matches.len()), (2, 2), "{text}");
    }
}

#[test]
fn random_bytes_are_no_text() {
    let bytes = [0x8f, 0x00, 0xf3, 0x1b, 0x00, 0x9c, 0xff, 0x01];
    let ran = eval(&["rules", "--events", "-"], &bytes);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("line 1: invalid utf-8 sequence") && !ran.err.contains("UTF-16"), "{}", ran.err);
}

#[test]
fn records_without_a_time_are_left_out_and_counted() {
    let timeless = archive(3, "ws-1").replace("@timestamp", "nothing");
    let ran = staged(&[], &[rar(1, "ws-1"), timeless, archive(3, "ws-1")]);
    assert_eq!(ran.found(), [("archive_staged_after_utility", 3)]);
    assert!(ran.err.contains("left out of rules over several events: 1 event without a time"), "{}", ran.err);
    assert!(ran.err.contains("rules over several events held at most 2 events"), "{}", ran.err);
}

#[test]
fn steps_may_lie_in_several_files() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: String| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let (files, processes) = (write("files", archive(3, "ws-1")), write("processes", rar(1, "ws-1")));
    let ran = eval(&[&STAGED[..], &["ecs", "--events", &files, &processes]].concat(), b"");
    assert_eq!((ran.code, ran.matches.len()), (0, 1), "{}", ran.err);
    let found = &ran.matches[0];
    assert_eq!((&found["file"], &found["events"]["archiving"]["file"]), (&files.into(), &processes.into()));
}

#[test]
fn labelled_attacks_match_as_the_evaluator_says() {
    let ran = eval(&["rules", "--events", ATOMIC], b"");
    assert_eq!(ran.code, 0);
    let rules = ["archive_via_utility", "archive_sweep", "secrets_archived"];
    let alone: usize =
        rules.map(|rule| eval(&["rules", "--rule", rule, "--events", ATOMIC], b"").matches.len()).iter().sum();
    let together = ran.found().iter().filter(|(rule, _)| rules.iter().any(|name| rule == name)).count();
    assert!(alone > 10, "{alone}");
    assert_eq!(together, alone, "rules do not disturb each other");
}

#[test]
fn a_list_with_commas_that_separate_nothing_is_told_and_an_error_where_that_is_asked() {
    let good = sysmon(PASSWORD);
    for (text, matches, before, what) in [
        (format!("[{good} {good},,,{good},]"), 3, 1, "a list has no comma between two elements"),
        (format!("[{good},{good},,{good}]"), 3, 2, "a list has a comma without an element before or behind it"),
        (format!("[\n{good},\n{good},\n]\n"), 2, 2, "a list has a comma without an element before or behind it"),
    ] {
        let arguments = ["rules", "--rule", "archive_via_utility", "--events", "-"];
        let ran = eval(&arguments, text.as_bytes());
        assert_eq!((ran.code, ran.matches.len()), (0, matches), "{text}");
        let told = ran.err.matches(": malformed list: ").count();
        let counted = format!("{matches} events, {told} error{} in lists", if told == 1 { "" } else { "s" });
        assert!(ran.err.contains(what) && ran.err.contains(&counted), "{}", ran.err);
        assert!(!ran.err.contains("skipped"), "every record is read: {}", ran.err);
        let numbers: Vec<u64> = ran.matches.iter().filter_map(|found| found["event"].as_u64()).collect();
        assert_eq!(numbers, (1..=matches as u64).collect::<Vec<_>>(), "{text}");
        let strict = eval(&[&arguments[..], &["--strict"]].concat(), text.as_bytes());
        assert_eq!((strict.code, strict.matches.len()), (2, before), "{text}: {}", strict.err);
    }
}
