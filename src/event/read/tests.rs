use super::stream::{Defect, Pieces, read_all};
use super::*;

fn events(reader: &str, text: &str) -> Vec<Event<'static>> {
    read_all(find(reader).expect(reader), text.as_bytes()).expect("well-formed")
}

/// An event's fields by their short names, as text.
fn fields(event: &Event) -> Vec<(String, String)> {
    let text = |value: &super::super::Value| match value {
        super::super::Value::Text(text) => text.to_string(),
        super::super::Value::Number(n) => n.to_string(),
        super::super::Value::Bool(b) => b.to_string(),
    };
    event.fields().map(|(id, value)| (id.short().to_owned(), text(value))).collect()
}

fn check(event: &Event, expected: &[(&str, &str)]) {
    let got = fields(event);
    for (name, value) in expected {
        let found = got.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
        assert_eq!(found, Some(*value), "{name} of {got:?}");
    }
}

#[test]
fn every_built_in_reader_loads() {
    for (name, text) in BUILT_IN {
        let reader = file::load(text).unwrap_or_else(|why| panic!("{name}: {why}"));
        assert_eq!(reader.name, name);
    }
    assert_eq!(names().len(), all().count());
}

#[test]
fn sysmon_is_read_flat_and_nested() {
    let flat = r#"{"EventID":1,"UtcTime":"2026-03-19 06:29:39.334","Computer":"pc1","ProcessGuid":"{a}","ProcessId":"4711",
        "Image":"C:\\Program Files\\7-Zip\\7z.exe","OriginalFileName":"-","CommandLine":"7z a x","User":"LAB\\kim",
        "Hashes":"MD5=0123456789abcdef0123456789abcdef,SHA256=ff","ParentImage":"C:\\Windows\\explorer.exe"}"#;
    let nested = r##"{"Event":{"System":{"Provider":{"Name":"Sysmon"},"EventID":{"#text":"1","Qualifiers":""},"Computer":"pc1",
        "TimeCreated":{"@SystemTime":"2026-03-19T06:29:39.334Z"}},
        "EventData":{"Process Guid":"{a}","Process Id":4711,"Image":"C:\\Program Files\\7-Zip\\7z.exe","Original File Name":"-",
        "CommandLine":"7z a x","User":"LAB\\kim","Hashes":"MD5=0123456789abcdef0123456789abcdef,SHA256=ff",
        "ParentImage":"C:\\Windows\\explorer.exe"}}}"##;
    for text in [nested, flat] {
        let all = events("sysmon", text);
        assert_eq!((all.len(), all[0].kind), (1, Kind::Process));
        check(
            &all[0],
            &[
                ("process.name", "7z.exe"),
                ("process.pid", "4711"),
                ("process.entity_id", "{a}"),
                ("command_line", "7z a x"),
                ("user.name", "kim"),
                ("user.domain", "LAB"),
                ("process.hash.md5", "0123456789abcdef0123456789abcdef"),
                ("parent.name", "explorer.exe"),
                ("host.name", "pc1"),
                ("event.time", "1773901779334000"),
            ],
        );
        assert_eq!(all[0].get(FieldId::find("original_name").unwrap()), None, "`-` is a filler");
        assert_eq!(detect(text.as_bytes()).map(|r| r.name.as_str()), Some("sysmon"));
    }
}

#[test]
fn numbers_of_4688_are_hexadecimal() {
    let text = r#"{"EventID":4688,"Channel":"Security","NewProcessName":"C:\\Windows\\System32\\makecab.exe","NewProcessId":"0x1f4",
        "ProcessId":"0x10","CommandLine":"makecab a b","SubjectUserName":"kim","ParentProcessName":"-"}"#;
    let all = events("windows_security", text);
    check(&all[0], &[("process.pid", "500"), ("parent.pid", "16"), ("host.os", "windows"), ("user.name", "kim")]);
    assert_eq!(all[0].text(FieldId::find("parent.executable").unwrap()), None);
    assert_eq!(detect(text.as_bytes()).map(|r| r.name.as_str()), Some("windows_security"));
}

#[test]
fn rows_of_defender_and_sentinel_are_read_by_their_action() {
    let row = r#"{"Timestamp":"2026-03-19T06:29:39.334Z","ActionType":"FileRenamed","DeviceName":"pc1","FolderPath":"C:\\t\\a.7z",
        "FileName":"a.7z","FileSize":12,"InitiatingProcessFileName":"7z.exe"}"#;
    let sent = row.replace("Timestamp", "TimeGenerated");
    let streamed = format!(r#"{{"time":"x","category":"AdvancedHunting-DeviceFileEvents","properties":{row}}}"#);
    for (reader, text) in [("defender", row), ("sentinel", &sent), ("defender", &streamed)] {
        let all = events(reader, text);
        assert_eq!(all[0].kind, Kind::File);
        check(
            &all[0],
            &[("file.action", "moved"), ("file.size", "12"), ("file.extension", "7z"), ("file.directory", r"C:\t")],
        );
        assert_eq!(detect(text.as_bytes()).map(|r| r.name.as_str()), Some(reader), "{text}");
    }
    assert_eq!(events("defender", r#"{"Timestamp":"x","ActionType":"LogonSuccess"}"#).len(), 0);
}

#[test]
fn results_of_splunk_are_read_one_by_one_and_in_a_list() {
    let row = r#"{"_time":"2026-03-19T06:29:39.334+00:00","EventCode":"1","Image":"C:\\7z.exe","CommandLine":"7z a \"x y\""}"#;
    let cim = r#"{"_time":"1773901779.334","Processes.process":"7z a x","Processes.process_path":"unknown","Processes.dest":"pc1"}"#;
    let one = format!(r#"{{"preview":false,"offset":0,"result":{row}}}"#);
    let list = format!(r#"{{"preview":false,"results":[{row},{cim}]}}"#);
    check(&events("splunk", &one)[0], &[("command_line", "7z a \"x y\""), ("event.time", "1773901779334000")]);
    let all = events("splunk", &list);
    assert_eq!(all.len(), 2);
    check(&all[1], &[("command_line", "7z a x"), ("host.name", "pc1"), ("event.time", "1773901779334000")]);
    assert_eq!(all[1].text(FieldId::find("executable").unwrap()), None);
    for text in [&one, &list] {
        assert_eq!(detect(text.as_bytes()).map(|r| r.name.as_str()), Some("splunk"));
    }
}

#[test]
fn ecs_is_read_flat_and_nested_with_other_agents_words() {
    for text in [
        r#"{"@timestamp":"2026-03-19T06:29:39.334Z","event.category":"file","event.action":"deletion","file.path":"/tmp/a.tar.gz"}"#,
        r#"{"@timestamp":"2026-03-19T06:29:39.334Z","event":{"category":["file"],"action":"deletion"},"file":{"path":"/tmp/a.tar.gz"}}"#,
        r#"{"_source":{"event":{"category":["file"],"action":["deletion"]},"file.path":"/tmp/a.tar.gz"}}"#,
    ] {
        let all = events("ecs", text);
        assert_eq!(all[0].kind, Kind::File);
        check(&all[0], &[("file.action", "deleted"), ("file.name", "a.tar.gz"), ("file.extension", "gz")]);
        assert_eq!(detect(text.as_bytes()).map(|r| r.name.as_str()), Some("ecs"));
    }
    let process = r#"{"process":{"executable":"/usr/bin/tar","command_line":"tar c","parent":{"pid":1},"code_signature":{"exists":true}},
        "host":{"os":{"type":"linux"}}}"#;
    check(
        &events("ecs", process)[0],
        &[
            ("parent.pid", "1"),
            ("host.os", "linux"),
            ("process.code_signature.exists", "true"),
            ("process.name", "tar"),
        ],
    );
    let end = r#"{"event":{"category":["process"],"type":["end"]},"process":{"executable":"/usr/bin/tar"}}"#;
    assert_eq!(events("ecs", end).len(), 0, "a process that ends is no process that starts");
}

#[test]
fn the_detection_of_case_459_is_read_as_it_stands() {
    let text =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases/events/case-459-limacharlie.json"));
    let text = text.expect("the recording");
    assert_eq!(detect(text.as_bytes()).map(|r| r.name.as_str()), Some("limacharlie"));
    let all = events("limacharlie", &text);
    assert_eq!(all.len(), 1);
    check(
        &all[0],
        &[
            ("executable", r"C:\WINDOWS\SysWOW64\expand.exe"),
            ("parent.executable", r"C:\Program Files\Dell\SupportAssistAgent\SRE\SRE.exe"),
            ("parent.pid", "9256"),
            ("process.pid", "10652"),
            ("process.code_signature.exists", "true"),
            ("host.name", "desktop-3nfb237"),
            ("host.os", "windows"),
            ("event.time", "1773901779334000"),
        ],
    );
    assert!(all[0].text(FieldId::find("command_line").unwrap()).unwrap().starts_with("\"C:\\WINDOWS"));
}

#[test]
fn every_labelled_event_is_read() {
    for name in ["atomic", "attack", "benign", "benign-2", "benign-3"] {
        let path = format!("{}/tests/data/events/{name}.jsonl", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).expect("the events");
        assert_eq!(events("labelled", &text).len(), text.lines().count(), "{name}");
        assert_eq!(detect(text.lines().next().unwrap().as_bytes()).map(|r| r.name.as_str()), Some("labelled"));
    }
}

#[test]
fn what_a_field_cannot_hold_is_lacking() {
    let text = r#"{"EventID":1,"ProcessGuid":["a","b"],"ProcessId":"soon","Image":{"path":"x"},"UtcTime":"yesterday","CommandLine":null}"#;
    let event = &events("sysmon", text)[0];
    assert_eq!(fields(event), [("process.entity_id".to_owned(), "a".to_owned())]);
}

fn pieces(text: &str) -> Vec<(u64, Result<String, Defect>)> {
    let mut pieces = Pieces::new(std::io::BufReader::with_capacity(7, text.as_bytes()));
    let mut out = vec![];
    while let Some(piece) = pieces.next_piece().expect("memory reads") {
        out.push((piece.line, piece.text.map(|t| String::from_utf8(t.to_vec()).unwrap())));
    }
    out
}

fn owned(all: &[(u64, &str)]) -> Vec<(u64, Result<String, Defect>)> {
    all.iter().map(|(line, text)| (*line, Ok((*text).to_owned()))).collect()
}

#[test]
fn a_malformed_line_spoils_nothing_but_itself() {
    let text = "\n{\"a\":\"cut o\n{\"a\":1}\r\n\nnonsense\n{\"a\":2}";
    assert_eq!(pieces(text), owned(&[(2, "{\"a\":\"cut o"), (3, "{\"a\":1}"), (5, "nonsense"), (6, "{\"a\":2}")]));
}

#[test]
fn values_may_go_on_over_lines() {
    let two = "\u{feff}{\n  \"a\": \"}\\\"{\",\n  \"b\": [1,\n 2]\n}\n\n{\n\"c\": {} }";
    assert_eq!(pieces(two), owned(&[(1, "{\n  \"a\": \"}\\\"{\",\n  \"b\": [1,\n 2]\n}"), (7, "{\n\"c\": {} }")]));
    let list = "[\n  {\"a\": [1]}, {\"b\": 2},\n {\n\"c\": 3}\n]\n";
    assert_eq!(pieces(list), owned(&[(2, "{\"a\": [1]}"), (2, "{\"b\": 2}"), (3, "{\n\"c\": 3}")]));
    assert_eq!(pieces("{\n\"a\":"), owned(&[(1, "{\n\"a\":")]));
    assert_eq!(pieces(" \n\n"), []);
}

/// A file's records as one reads them, the malformed ones as `None`.
fn read_of(reader: &str, text: &str) -> Vec<Option<i64>> {
    let mut pieces = Pieces::new(std::io::BufReader::with_capacity(5, text.as_bytes()));
    let reader = find(reader).unwrap();
    let mut out = vec![];
    while let Some(piece) = pieces.next_piece().expect("memory reads") {
        let pid = FieldId::find("process.pid").unwrap();
        let read = piece.text.map_err(|defect| defect.why().to_owned()).and_then(|text| {
            let push = &mut |record: &Record| match record {
                Record::Event(event) => match event.get(pid) {
                    Some(super::super::Value::Number(n)) => out.push(Some(*n)),
                    _ => out.push(Some(0)),
                },
                Record::Other => out.push(Some(-1)),
            };
            reader.read(text, &mut Room::default(), push).map_err(|malformed| malformed.why)
        });
        if read.is_err() {
            out.push(None);
        }
    }
    out
}

/// A record of Sysmon's with a number.
fn numbered(n: i64) -> String {
    format!(
        r#"{{"EventID":1,"EventCode":"1","_time":"2026-03-19","ProcessGuid":"{{g}}","ProcessId":{n},"Image":"C:\\x.exe","List":[{{"a":1}},{{"a":2}}]}}"#
    )
}

#[test]
fn a_list_that_ends_in_the_middle_is_malformed() {
    let [one, two] = [1, 2].map(numbered);
    for (text, expected) in [
        (format!("[{one},\n{two}\n]"), vec![Some(1), Some(2)]),
        (format!("[{one},{two}]"), vec![Some(1), Some(2)]),
        (format!("[{one},\n{two}"), vec![Some(1), Some(2), None]),
        (format!("[{one},\n{two},\n"), vec![Some(1), Some(2), None]),
        (format!("[\n{one}\n,"), vec![Some(1), None]),
        (format!("[{one},{two}"), vec![Some(1), Some(2), None]),
        ("[".to_owned(), vec![None]),
        // Lists one after the other, and a list among lines.
        (format!("[{one}]\n[{two}]\n"), vec![Some(1), Some(2)]),
        (format!("{one}\n[{two},{one}]\n{two}\n"), vec![Some(1), Some(2), Some(1), Some(2)]),
        (format!("{one}\n[{two}\n"), vec![Some(1), Some(2), None]),
        // Commas that are missing, or that separate nothing.
        ("[]".to_owned(), vec![]),
        ("[ ]\n[\n]".to_owned(), vec![]),
        (format!("[{one} {two}]"), vec![Some(1), None, Some(2)]),
        (format!("[{one}\n{two}\n]"), vec![Some(1), None, Some(2)]),
        (format!("[{one},,{two}]"), vec![Some(1), None, Some(2)]),
        (format!("[{one} , , {two}]"), vec![Some(1), None, Some(2)]),
        (format!("[,{one}]"), vec![None, Some(1)]),
        (format!("[{one},]"), vec![Some(1), None]),
        (format!("[{one},\n]\n[{two}]"), vec![Some(1), None, Some(2)]),
        ("[,]".to_owned(), vec![None]),
        (format!("[{one} {two},,,{one},]"), vec![Some(1), None, Some(2), None, Some(1), None]),
        (format!("{one}\n[{two},,{one}]\n{two}\n"), vec![Some(1), Some(2), None, Some(1), Some(2)]),
        (format!("[{one},nonsense,{two}]"), vec![Some(1), None, Some(2)]),
    ] {
        assert_eq!(read_of("sysmon", &text), expected, "{text}");
    }
    // Of the last element a part is there.
    for cut in 1..two.len() {
        let text = format!("[{one},\n{}", &two[..cut]);
        let read = read_of("sysmon", &text);
        assert!(read.starts_with(&[Some(1)]) && read.contains(&None) && !read.contains(&Some(2)), "{text}: {read:?}");
    }
}

#[test]
fn behind_a_value_that_breaks_off_records_begin_again() {
    let [one, two, three, four] = [1, 2, 3, 4].map(numbered);
    let pretty = |n: i64| {
        format!(
            "  {{\n    \"EventID\": 1,\n    \"ProcessGuid\": \"g\",\n    \"ProcessId\": {n},\n    \"List\": [\n      {{\n        \"a\": 1\n      }}\n    ]\n  }}"
        )
    };
    let good = |read: &[Option<i64>]| {
        let good: Vec<i64> = read.iter().flatten().copied().filter(|n| *n > 0).collect();
        assert!(read.contains(&None), "what is broken is told: {read:?}");
        good
    };
    // An element a line, in one line, over lines; below a key, as Splunk exports results; one value behind the other.
    let in_list = two.find("[{").unwrap();
    for cut in 1..two.len() {
        let two = &two[..cut];
        for (reader, text, losable) in [
            ("sysmon", format!("[{one},\n{two}\n{three},\n{four}]"), false),
            ("sysmon", format!("[{one},\n{two},\n{three},\n{four}]"), false),
            ("sysmon", format!("[\n {one},\n {two},\n {three},\n {four}\n]\n"), false),
            ("splunk", format!("{{\"results\":[\n{one},\n{two},\n{three},\n{four}]}}"), false),
            ("splunk", format!("{{\"results\": [\n  {one},\n  {two},\n  {three},\n  {four}\n]}}"), false),
            ("sysmon", format!("[{one},{two},{three},{four}]"), true),
        ] {
            let read = read_of(reader, &text);
            let good = good(&read);
            // In one line, and in a list of the broken record's own, one record may look like a part of it.
            let fewer = (losable || cut > in_list) && (good == [1, 4] || good == [1] || good == [1, 2]);
            assert!(good == [1, 3, 4] || fewer, "{text}: {read:?}");
        }
    }
    let (first, broken, last) = (pretty(1), pretty(2), format!("{},\n{}", pretty(3), pretty(4)));
    for cut in 3..broken.len() - 1 {
        for between in ["\n", ",\n"] {
            let text = format!("[\n{first},\n{}{between}{last}\n]\n", &broken[..cut]);
            assert_eq!(good(&read_of("sysmon", &text)), [1, 3, 4], "{text}");
        }
    }
    // A record that is too long is passed over.
    let long = format!("[\n{one},\n{{\"a\":\"{}\"}},\n{two}\n]", "x".repeat(stream::MOST_BYTES));
    let mut all = Pieces::new(long.as_bytes());
    let mut read = vec![];
    while let Some(piece) = all.next_piece().expect("memory reads") {
        read.push((piece.line, piece.text.map(<[u8]>::len).is_ok()));
    }
    assert_eq!(read, [(2, true), (3, false), (4, true)]);
}

#[test]
fn epochs_are_read_by_their_size_and_none_is_beyond_the_calendar() {
    let expected = Some("1773901779334000".to_owned());
    let time = |written: &str| {
        let text = format!(r#"{{"@timestamp":{written},"event.category":"process","process.executable":"/x"}}"#);
        let all = events("ecs", &text);
        fields(&all[0]).into_iter().find(|(name, _)| name == "event.time").map(|(_, value)| value)
    };
    for written in [
        "1773901779.334",
        "1773901779334",
        "1773901779334000",
        "1773901779334000000",
        "1773901779334.0",
        "1773901779334000123",
        "1.773901779334e9",
    ] {
        assert_eq!(time(written), expected, "{written}");
        assert_eq!(time(&format!("\"{written}\"")), expected, "as text: {written}");
    }
    assert_eq!(time("1773901779"), Some("1773901779000000".to_owned()));
    assert_eq!(time("\"1773901779334.0005\""), Some("1773901779334001".to_owned()));
    for written in ["\"nan\"", "\"inf\"", "1e300", "1e30", "true", "\"soon\""] {
        assert_eq!(time(written), None, "{written}");
    }
}

#[test]
fn tests_name_just_the_readers_that_there_are() {
    let sorted = |mut names: Vec<&'static str>| {
        names.sort_unstable();
        names
    };
    assert_eq!(sorted(crate::sema::READERS.to_vec()), sorted(names().to_vec()));
}

/// Well-formed JSON and texts that are nearly so, over the keys that the schemas know.
fn scribble() -> impl proptest::strategy::Strategy<Value = String> {
    use proptest::prelude::*;
    let keys = prop::sample::select(vec![
        "EventID",
        "Event",
        "EventData",
        "detect",
        "event",
        "routing",
        "result",
        "results",
        "PARENT",
        "FILE_PATH",
        "Image",
        "process.executable",
        "process",
        "@timestamp",
        "_time",
        "ActionType",
        "category",
        "a b",
        "",
    ]);
    let word = prop_oneof![
        keys.prop_map(|k| format!("\"{k}\"")),
        "[\\[\\]{},:\"\\\\]",
        Just("\"\\u00e9\\ud83d\"".to_owned()),
        Just("\u{feff}".to_owned()),
        "-?[0-9]{1,25}(\\.[0-9]+)?(e[0-9]{1,3})?",
        "true|false|null|\n| ",
    ];
    prop::collection::vec(word, 0..40).prop_map(|words| words.concat())
}

proptest::proptest! {
    #[test]
    fn no_text_makes_a_reader_panic(text in scribble()) {
        for reader in all() {
            let mut pieces = Pieces::new(text.as_bytes());
            while let Some(piece) = pieces.next_piece().expect("memory reads") {
                let Ok(text) = piece.text else { continue };
                let _ = reader.read(text, &mut Room::default(), &mut |record| {
                    if let Record::Event(event) = record {
                        assert!(event.fields().all(|(id, _)| id.def().has_kind(event.kind)));
                    }
                });
            }
        }
    }
}
