//! Golden cases for findings: each `tests/diagnostics/*.det` says in comments which codes it must be told, and on which
//! lines. `//~ E0101` means this line, `//~^ E0101` the line above, one more `^` for each line further up.

#![allow(clippy::expect_used, reason = "a test that cannot go on")]

use arcanary::build::{build, without_filter};
use arcanary::diagnostic::{Code, Diagnostic, Style, sort, to_json, to_text};
use arcanary::project::Loaded;
use arcanary::sema::resolve;
use arcanary::source::{FileId, Sources};
use arcanary::syntax::parse;
use arcanary::target::Targets;
use arcanary::tuning;
use arcanary::witness::{report, witnesses};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Codes about files as bytes: no text can cause them, so the last tests of this file do.
const OF_BYTES: [Code; 4] = [Code::NotUtf8, Code::Utf16, Code::NulCharacter, Code::UncleanCharacter];

/// Codes about what surrounds the sources: the file system, targets and projects.
fn of_surroundings(code: Code) -> bool {
    let id = code.id();
    code.is_finding()
        || id.starts_with("E08")
        || id.starts_with("E09")
        || matches!(id, "E0004" | "W0002" | "W0005" | "W0006" | "W0007")
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Every case: its name without `.det`, and its text.
fn cases() -> Vec<(String, String)> {
    let entries = std::fs::read_dir(folder("tests/diagnostics")).expect("the cases' folder");
    let paths = entries.map(|e| e.expect("an entry").path());
    let mut cases: Vec<_> = paths
        .filter(|p| p.extension().is_some_and(|e| e == "det"))
        .map(|p| {
            let name = p.file_stem().expect("a name").to_string_lossy().into_owned();
            (name, std::fs::read_to_string(&p).expect("a case"))
        })
        .collect();
    cases.sort();
    cases
}

/// The day of every case.
const TODAY: &str = "2026-11-20";

/// A project of this one file: where it is, and what is found in it.
fn check(name: &str, text: &str) -> (Sources, Vec<Diagnostic>) {
    let mut loaded = Loaded::default();
    let file = loaded.sources.add(name, text);
    (loaded.project, loaded.diagnostics) = resolve(vec![parse(file, text)], &indexmap::IndexMap::default());
    if !loaded.has_errors() {
        let found = tuning::findings(&loaded, Some(TODAY));
        loaded.diagnostics.extend(found);
        sort(&mut loaded.diagnostics);
    }
    (loaded.sources, loaded.diagnostics)
}

fn render(diagnostics: &[Diagnostic], sources: &Sources) -> String {
    let all = diagnostics.iter().map(|d| to_text(d, sources, Style::Plain));
    all.collect::<Vec<_>>().join("\n")
}

/// The codes that a case's comments announce, each with its line.
fn announced(name: &str, text: &str) -> Vec<(usize, String)> {
    let mut out = vec![];
    for (number, line) in (1..).zip(text.lines()) {
        let Some((_, comment)) = line.split_once("//~") else {
            continue;
        };
        let codes = comment.trim_start_matches('^');
        let up = comment.len() - codes.len();
        assert!(!codes.trim().is_empty(), "{name}:{number}: no code behind `//~`");
        out.extend(codes.split_whitespace().map(|code| (number - up, code.to_owned())));
    }
    out.sort();
    out
}

fn reported(diagnostics: &[Diagnostic], sources: &Sources) -> Vec<(usize, String)> {
    let line = |d: &Diagnostic| {
        let span = d.span().expect("every finding about a source has a place");
        sources.get(span.file).expect("a file of this run").line_column(span.start).0
    };
    let mut out: Vec<_> = diagnostics.iter().map(|d| (line(d), d.code.id().to_owned())).collect();
    out.sort();
    out
}

/// Snapshots lie beside those of all other tests, under the case's name.
fn snapshots() -> insta::Settings {
    let mut settings = insta::Settings::new();
    settings.set_snapshot_path(folder("snapshots/diagnostics"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings
}

#[test]
fn each_case_is_told_what_its_comments_announce_and_nothing_else() {
    let mut wrong = vec![];
    for (name, text) in cases() {
        let (sources, diagnostics) = check(&format!("{name}.det"), &text);
        let (expected, found) = (announced(&name, &text), reported(&diagnostics, &sources));
        if expected != found {
            let text = render(&diagnostics, &sources);
            wrong.push(format!("{name}\n  announced {expected:?}\n  reported  {found:?}\n{text}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_case_announces_the_code_of_its_name() {
    for (name, text) in cases() {
        let code = name.split('-').next().expect("a first part");
        assert!(Code::find(code).is_some(), "{name}: `{code}` is no code");
        let announced = announced(&name, &text);
        assert!(announced.iter().any(|(_, c)| c == code), "{name} does not announce {code}");
    }
}

#[test]
fn every_code_that_a_source_can_cause_has_a_case() {
    let named: BTreeSet<String> =
        cases().iter().map(|(name, _)| name.split('-').next().unwrap_or("").to_owned()).collect();
    let wanted = Code::ALL.iter().filter(|c| !of_surroundings(**c) && !OF_BYTES.contains(c));
    let missing: Vec<_> = wanted.map(|c| c.id()).filter(|id| !named.contains(*id)).collect();
    assert!(missing.is_empty(), "no tests/diagnostics/CODE.det for {missing:?}");
}

#[test]
fn messages_read_as_they_were_reviewed() {
    snapshots().bind(|| {
        for (name, text) in cases() {
            let (sources, diagnostics) = check(&format!("{name}.det"), &text);
            insta::assert_snapshot!(name, render(&diagnostics, &sources));
        }
    });
}

#[test]
fn findings_as_json_carry_places_and_patches() {
    let text = "let a = process.pid == 4\n\nlet ü = process.nam is \"x\"\nlet b = file.size > 5 or file.pat exists\n";
    let (sources, diagnostics) = check("json.det", text);
    let json = serde_json::to_string_pretty(&to_json(&diagnostics, &sources)).expect("JSON");
    snapshots().bind(|| insta::assert_snapshot!("json", json));
}

#[test]
fn several_mistakes_are_told_in_one_run() {
    let (_, text) = cases().into_iter().find(|(n, _)| n == "E0101-many").expect("the case");
    let (_, diagnostics) = check("many.det", &text);
    let codes: BTreeSet<_> = diagnostics.iter().map(|d| d.code.id()).collect();
    assert!(codes.len() >= 8, "{codes:?}");
}

#[test]
fn patches_that_stand_alone_cure_the_finding() {
    for (name, text) in cases() {
        let (sources, diagnostics) = check(&name, &text);
        for diagnostic in &diagnostics {
            let [help] = diagnostic.help.as_slice() else {
                continue;
            };
            let Some((span, replacement)) = &help.patch else {
                continue;
            };
            let mut patched = text.clone();
            patched.replace_range(span.start..span.end, replacement);
            let (_, after) = check(&name, &patched);
            let same = |d: &&Diagnostic| d.code == diagnostic.code && d.message == diagnostic.message;
            let (before, after) = (diagnostics.iter().filter(same).count(), after.iter().filter(same).count());
            assert!(after < before, "{name}: the patch leaves\n{}", to_text(diagnostic, &sources, Style::Plain));
        }
    }
}

#[test]
fn a_rule_that_no_event_satisfies_is_shown_what_contradicts() {
    let text = "rule never {\n  title \"Never\" id 6c1e6b0d-6d52-4c8e-9d0e-3f3d9b6a0c02 level low os [windows]\n  \
                detect process where\n    process.name is \"7z.exe\"\n    and executable under 'C:\\Tools'\n    \
                and process.name ends with \".dll\"\n}\n";
    let mut sources = Sources::new();
    let file = sources.add("E0510.det", text);
    let (project, diagnostics) = resolve(vec![parse(file, text)], &indexmap::IndexMap::default());
    assert!(diagnostics.is_empty(), "{}", render(&diagnostics, &sources));
    let rule = project.rules.get("never").expect("the rule");
    let refused = witnesses(rule, &project).expect_err("no event");
    let finding = report::finding(rule, &refused);
    assert_eq!(finding.code, Code::Unsatisfiable);
    snapshots().bind(|| insta::assert_snapshot!("E0510", to_text(&finding, &sources, Style::Plain)));
}

#[test]
fn a_query_that_nothing_cheap_leads_is_a_warning() {
    let rule = |name: &str, id: u8, detect: &str| {
        format!(
            "rule {name} {{\n  title \"T\" id 6c1e6b0d-6d52-4c8e-9d0e-3f3d9b6a0c{id:02x} level low os [windows]\n  \
             detect {detect}\n}}\n"
        )
    };
    let text = [
        rule("by_text", 1, "process where command_line matches '[0-9]{8}\\.7z$'"),
        rule("by_one_of_two", 2, "process where process.name is \"7z.exe\" or command_line matches '\\.7z$'"),
        rule("by_name", 3, "process where process.name is \"7z.exe\" and command_line matches '\\.7z$'"),
        rule(
            "by_one_step",
            4,
            "sequence by host within 10m {\n    packed: process where process.name is \"7z.exe\"\n    sent: network where network.direction is outbound and destination.port > 1024\n  }",
        ),
    ];
    let text = text.concat();
    let mut loaded = Loaded { targets: Targets::built_in(), ..Loaded::default() };
    let file = loaded.sources.add("W0007.det", &text);
    (loaded.project, loaded.diagnostics) = resolve(vec![parse(file, &text)], &indexmap::IndexMap::default());
    assert!(loaded.diagnostics.is_empty(), "{}", render(&loaded.diagnostics, &loaded.sources));
    let targets = ["sentinel", "defender", "splunk-sysmon", "sigma"].map(str::to_owned);
    let found = without_filter(&loaded, &build(&loaded, &targets));
    assert!(found.iter().all(|d| d.code == Code::NoFilter) && found.len() == 2);
    snapshots().bind(|| insta::assert_snapshot!("W0007", render(&found, &loaded.sources)));
}

// ---- files that are no text ----

fn refused(bytes: &[u8]) -> (Sources, Diagnostic) {
    let mut sources = Sources::new();
    let refused = sources.add_bytes("bytes.det", bytes).expect_err("refused");
    (sources, *refused)
}

fn assert_refused(name: &str, bytes: &[u8], code: Code) {
    let (sources, diagnostic) = refused(bytes);
    assert_eq!(diagnostic.code, code);
    snapshots().bind(|| insta::assert_snapshot!(name, to_text(&diagnostic, &sources, Style::Plain)));
}

#[test]
fn bytes_that_are_no_utf8_are_refused_with_their_place() {
    assert_refused("E0001", b"// fine\nlist names = [\"M\xFCller\"]\n", Code::NotUtf8);
    assert_refused("E0001-cut", b"list names = [\"M\xC3", Code::NotUtf8);
}

#[test]
fn utf16_is_refused_in_either_byte_order() {
    assert_refused("E0002", b"\xFF\xFEl\0i\0s\0t\0", Code::Utf16);
    assert_eq!(refused(b"\xFE\xFF\0l\0i\0s\0t").1.code, Code::Utf16);
    assert_refused("E0002-unmarked", b"l\0i\0s\0t\0", Code::Utf16);
    assert_eq!(refused(b"\0l\0i\0s\0t").1.code, Code::Utf16);
}

#[test]
fn a_nul_character_is_refused_with_its_place() {
    assert_refused("E0003", b"list names = [\"a\0b\"]\n", Code::NulCharacter);
}

#[test]
fn characters_that_hide_what_a_file_says_are_refused_with_their_place() {
    assert_refused(
        "E0005",
        "// fine\nlist names = [\"a\u{202e}gnp.exe\"] // \u{2066}\n".as_bytes(),
        Code::UncleanCharacter,
    );
    for c in [
        '\u{1b}',
        '\u{7f}',
        '\u{9b}',
        '\u{c}',
        '\u{2028}',
        '\u{202a}',
        '\u{2069}',
        '\u{fffe}',
        '\u{ffff}',
        '\u{10ffff}',
        '\u{ad}',
        '\u{34f}',
        '\u{180e}',
        '\u{200b}',
        '\u{200d}',
        '\u{200f}',
        '\u{2060}',
        '\u{3164}',
        '\u{fe0f}',
        '\u{feff}',
        '\u{e0041}',
        '\u{e01ef}',
    ] {
        let (sources, finding) = refused(format!("// a\n// {c}b\n").as_bytes());
        assert_eq!(
            (finding.code, sources.place(finding.span().expect("a place"))),
            (Code::UncleanCharacter, "bytes.det:2:4".into())
        );
        let [help] = finding.help.as_slice() else { panic!("one cure") };
        let (span, text) = help.patch.as_ref().expect("a patch");
        assert_eq!((sources.text(*span), text.as_str()), (c.to_string().as_str(), ""));
        assert!(!to_text(&finding, &sources, Style::Plain).contains(c), "{c:?}");
    }
}

#[test]
fn a_byte_order_mark_of_utf8_is_no_mistake() {
    let mut sources = Sources::new();
    let file = sources.add_bytes("bom.det", b"\xEF\xBB\xBFlist a = [\"x\"]\r\n").expect("accepted");
    assert_eq!(parsed_items(&sources, file), 1);
    for text in ["// \t\u{1f468}\u{5e9}! \u{e9}e\u{301}\r\n", "// a\rb"] {
        assert!(sources.add_bytes("fine.det", text.as_bytes()).is_ok(), "{text:?}");
    }
}

fn parsed_items(sources: &Sources, file: FileId) -> usize {
    let parsed = parse(file, &sources.get(file).expect("this run's").text);
    assert!(parsed.diagnostics.is_empty());
    parsed.file.items.len()
}
