//! No source makes the compiler panic, hang, exhaust the stack or flood a terminal. Each test runs on a test thread with
//! its usual stack of 2 MiB; the limits on time are a hundred times what is needed, so that only a wrong order of
//! growth breaks them.

#![allow(clippy::expect_used, clippy::indexing_slicing, reason = "tests")]

use arcanary::diagnostic::{Code, Diagnostic, Style, to_json, to_text};
use arcanary::sema::{MAX_TESTS, resolve};
use arcanary::source::{Sources, Span};
use arcanary::syntax::{ITEM_WORDS, RESERVED, Token, parse, tokens};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The longest that one source may take, from text to findings, without optimisation on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// The longest that one finding may be drawn.
const DRAWING: Duration = Duration::from_secs(2);
/// The longest text or JSON of one finding, in bytes: a screenful or two.
const SCREENFUL: usize = 6000;
const FIVE_MEGABYTES: usize = 5_000_000;

/// A piece as often as it fits into so many bytes.
fn fill(piece: &str, bytes: usize) -> String {
    piece.repeat(bytes / piece.len())
}

/// What is found in a project of one file. Every finding is checked for its places, and some of them are drawn.
fn found(text: &str) -> Vec<Diagnostic> {
    let mut sources = Sources::new();
    let begin = Instant::now();
    let file = sources.add("robust.det", text);
    let (_, diagnostics) = resolve(vec![parse(file, text)], &indexmap::IndexMap::default());
    assert!(begin.elapsed() < PATIENCE, "{:?} for {} bytes", begin.elapsed(), text.len());
    let step = diagnostics.len() / 20 + 1;
    for (i, diagnostic) in diagnostics.iter().enumerate() {
        assert_places(diagnostic, &sources);
        if i % step == 0 {
            assert_drawn(diagnostic, &sources);
        }
    }
    diagnostics
}

fn assert_places(diagnostic: &Diagnostic, sources: &Sources) {
    assert!(diagnostic.span().is_some(), "{diagnostic:?}");
    let labels = diagnostic.labels.iter().map(|l| l.span);
    let patches = diagnostic.help.iter().filter_map(|h| h.patch.as_ref()).map(|(span, _)| *span);
    for Span { file, start, end } in labels.chain(patches) {
        let text = &sources.get(file).expect("a file of this run").text;
        assert!(start <= end && text.is_char_boundary(start) && text.is_char_boundary(end), "{diagnostic:?}");
    }
}

/// A finding is short, whatever is wrong, and quickly drawn.
fn assert_drawn(diagnostic: &Diagnostic, sources: &Sources) {
    let begin = Instant::now();
    let text = to_text(diagnostic, sources, Style::Plain);
    let json = to_json(std::slice::from_ref(diagnostic), sources).to_string();
    assert!(begin.elapsed() < DRAWING, "{:?}", begin.elapsed());
    assert!(text.len() < SCREENFUL, "{} bytes: {}", text.len(), &text[..2000]);
    assert!(json.len() < SCREENFUL, "{} bytes of JSON", json.len());
}

/// The codes that are found, each once.
fn codes(text: &str) -> Vec<Code> {
    let mut out = vec![];
    for diagnostic in found(text) {
        if !out.contains(&diagnostic.code) {
            out.push(diagnostic.code);
        }
    }
    out
}

/// A rule with these entries.
fn rule(entries: &str) -> String {
    format!(
        "rule example {{\n  title \"Example\" id 00000000-0000-4000-8000-000000000001 level low os [windows]\n{entries}\n}}\n"
    )
}

fn detecting(condition: &str) -> String {
    rule(&format!("  detect process where {condition}"))
}

fn lines(count: usize, line: impl Fn(usize) -> String) -> String {
    (0..count).map(|i| line(i) + "\n").collect()
}

// ---- depth ----

#[test]
fn brackets_without_end_are_told_once() {
    for bracket in ["(", "[", "{", "([{"] {
        let many = bracket.repeat(200_000);
        for text in [many.clone(), format!("let x = {many}"), format!("list x = {many}"), detecting(&many), rule(&many)]
        {
            let found = found(&text);
            assert!((1..=2).contains(&found.len()), "{found:?}");
        }
    }
}

#[test]
fn brackets_with_partners_are_told_once() {
    for (open, close) in [("(", ")"), ("[", "]"), ("{", "}")] {
        let many = format!("{}process.pid is 4{}", open.repeat(200_000), close.repeat(200_000));
        for text in [format!("let x = {many}"), format!("list x = {many}"), detecting(&many), rule(&many)] {
            assert_eq!(codes(&text), [Code::TooDeep]);
        }
    }
}

#[test]
fn closing_brackets_without_end_are_told_briefly() {
    for bracket in [")", "]", "}", ")]}"] {
        let many = bracket.repeat(20_000);
        for text in [format!("let x = {many}"), detecting(&many)] {
            assert!(codes(&text).contains(&Code::UnclosedBracket));
        }
    }
}

#[test]
fn nots_without_end_are_told_once() {
    let many = "not ".repeat(200_000);
    for text in [format!("let x = {many}process.pid is 4"), detecting(&format!("{many}process.pid is 4"))] {
        assert_eq!(codes(&text), [Code::TooDeep]);
    }
    let parentheses = "not (".repeat(60) + "process.pid is 4" + &")".repeat(60);
    assert_eq!(codes(&detecting(&parentheses)), [Code::TooDeep]);
}

#[test]
fn the_deepest_condition_that_is_accepted_needs_little_stack() {
    let parentheses = "(".repeat(60) + "process.pid is 4 or process.pid is 5" + &")".repeat(60);
    assert_eq!(codes(&detecting(&parentheses)), []);
    let nots = "not (".repeat(31) + "process.pid is 4 or process.pid is 5" + &")".repeat(31);
    assert_eq!(codes(&detecting(&nots)), []);
    let lets = "let l0 = process.pid is 4\n".to_owned()
        + &lines(60, |i| format!("let l{} = l{i} or process.pid is {i}", i + 1));
    assert_eq!(codes(&(lets + &detecting("l60"))), []);
}

// ---- chains, circles and bombs ----

#[test]
fn a_chain_of_ten_thousand_lets_is_too_deep_once() {
    let chain =
        lines(10_000, |i| format!("let l{} = l{i} or process.pid is {i}", i + 1)) + "let l0 = process.pid is 0\n";
    let found = found(&(chain + &detecting("l10000")));
    assert_eq!(found.iter().map(|d| d.code).collect::<Vec<_>>(), [Code::TooDeep]);
}

#[test]
fn a_chain_of_ten_thousand_lists_or_groups_is_refused_for_its_size_once() {
    let lists = lines(10_000, |i| format!("list l{} = [l{i}, \"{i}\"]", i + 1)) + "list l0 = [\"a\"]\n";
    assert_eq!(found(&lists).iter().map(|d| d.code).collect::<Vec<_>>(), [Code::TooLarge]);
    let groups = lines(10_000, |i| format!("utility u{i} \"U\" {{ os [windows] }}\ngroup g{} = [g{i}, u{i}]", i + 1));
    let found = found(&(groups + "group g0 = [u0]\n"));
    assert_eq!(found.iter().map(|d| d.code).collect::<Vec<_>>(), [Code::TooLarge]);
}

#[test]
fn a_chain_of_ten_thousand_lists_without_elements_is_fine() {
    let lists = lines(10_000, |i| format!("list l{} = [l{i}]", i + 1)) + "list l0 = [\"a\"]\n";
    assert_eq!(codes(&(lists + &detecting("process.name in l10000"))), []);
}

#[test]
fn a_circle_of_ten_thousand_is_told_once() {
    let circle = |item: fn(usize, usize) -> String| lines(10_000, |i| item(i, (i + 1) % 10_000));
    for text in [
        circle(|a, b| format!("let l{a} = l{b} or process.pid is {a}")),
        circle(|a, b| format!("list l{a} = [l{b}]")),
        circle(|a, b| format!("group g{a} = [g{b}]")),
    ] {
        assert_eq!(found(&text).iter().map(|d| d.code).collect::<Vec<_>>(), [Code::Cycle]);
    }
}

#[test]
fn what_uses_its_predecessor_twice_does_not_double() {
    let bombs: [fn(usize) -> String; 3] = [
        |i| format!("let l{} = l{i} or (l{i} and process.pid is {i})", i + 1),
        |i| format!("list l{} = [l{i}, l{i}]", i + 1),
        |i| format!("group l{} = [l{i}, l{i}]", i + 1),
    ];
    let begins =
        ["let l0 = process.pid is 0\n", "list l0 = [\"a\"]\n", "utility u \"U\" { os [windows] }\ngroup l0 = [u]\n"];
    let wanted: [&[Code]; 3] = [&[Code::TooLarge], &[Code::TooLarge], &[]];
    for ((bomb, begin), wanted) in bombs.into_iter().zip(begins).zip(wanted) {
        assert_eq!(codes(&(lines(30, bomb) + begin)), wanted);
    }
}

#[test]
fn conditions_that_are_large_in_themselves_are_refused() {
    let tests = (0..200_000).map(|i| format!("process.pid is {i}")).collect::<Vec<_>>().join(" or ");
    assert_eq!(codes(&detecting(&tests)), [Code::TooLarge]);
    let list = format!("list names = [{}]\n", "\"a.exe\", ".repeat(20_000));
    for operator in ["in", "contains any", "contains all", "under any", "like any"] {
        let field = if operator == "under any" { "executable" } else { "argument" };
        assert_eq!(codes(&(list.clone() + &detecting(&format!("{field} {operator} names")))), [Code::TooLarge]);
    }
}

#[test]
fn the_largest_conditions_that_are_accepted_are_compiled_in_time() {
    let list = |n: usize| format!("list names = [{}]\n", (0..n).map(|i| format!("\"n{i}.exe\", ")).collect::<String>());
    // Without optimisation, regular expressions of command lines take a while: these lists are shorter.
    for (count, condition) in [
        (MAX_TESTS, "process.name in names"),
        (MAX_TESTS, "executable under any names"),
        (MAX_TESTS, "command_line matches any names"),
        (2_000, "argument in names"),
        (2_000, "argument contains any names"),
        (2_000, "argument contains all names"),
        (2_000, "argument under any names"),
        (2_000, "argument like any names"),
    ] {
        assert_eq!(codes(&(list(count) + &detecting(condition))), [], "{condition}");
    }
    let tests = (0..MAX_TESTS).map(|i| format!("process.pid is {i}")).collect::<Vec<_>>().join(" or ");
    assert_eq!(codes(&detecting(&tests)), []);
}

#[test]
fn a_score_of_many_flags_is_checked_in_time() {
    let doubling = lines(60, |i| format!("  flag F{i} weight {} = process.pid is {i}", 1_u64 << i));
    found(&rule(&format!("  detect process where process.pid > 4\n{doubling}  threshold {}", (1_u64 << 60) - 1)));
    let many = lines(3_000, |i| format!("  flag F{i} weight {} = process.pid is {i}", i % 97 + 1));
    found(&rule(&format!("  detect process where process.pid > 4\n{many}  threshold 1000")));
}

// ---- width ----

#[test]
fn one_line_of_five_megabytes_is_read() {
    let values = fill("\"some-name.exe\", ", FIVE_MEGABYTES);
    let long = fill("a", FIVE_MEGABYTES);
    for text in [
        format!("list x = [\"{long}\"]"),
        format!("list x = [{values}]"),
        format!("list x = [{values} 5m 5m]"),
        format!("list x = [\"{long}"),
        format!("let {long} = process.nam exists"),
        format!("// {long}\nlst x = [\"a\"]"),
        format!("/// {long}\nlst x = [\"a\"]"),
    ] {
        found(&text);
    }
    for garbage in ["@", "ä", "a", "a ", "\u{202e}", "'", "\"", "/", ";", "=", " ", "\t\r"] {
        found(&fill(garbage, FIVE_MEGABYTES));
    }
}

#[test]
fn findings_in_a_long_line_are_short() {
    let fill = |piece: &str| fill(piece, 500_000);
    let values = fill("\"a.exe\", ");
    for text in [
        fill("list "),
        format!("x \"{}\"", fill("a")),
        format!("list x = [{}]", fill("y, ")),
        format!("list x = ['{}", fill("''")),
        format!("let x = process.name is \"{}\" and process.nam exists", fill("ä")),
        format!("let x = process.name in [{values}] and process.pid == 4"),
        format!("let x = process.name == \"{}\"", fill("a")),
        format!("let x = process.name != {}", fill("a")),
        format!("let x = {}", fill("a")),
        format!("let x = {} is 4", fill("a.")),
        format!("let x = process.name matches '{}'", fill("a|")),
        format!("let x = executable under '{}'", fill("a\\")),
        format!("let x = process.name like '{}'", fill("*a")),
        format!("param x = {}", fill("9")),
        rule(&format!("  detect process where process.pid is 4 {}", fill("test "))),
        rule(&format!("  detect process where process.pid is 4 references [{values}]")),
        rule(&format!("  detect process where process.pid is 4 attack [{}]", fill("T9, "))),
        rule(&format!("  detect process where process.pid is 4 test \"{}\" silent process {{}}", fill("a"))),
        rule(&format!("  detect {} where process.pid is 4", fill("a"))),
    ] {
        found(&text);
    }
}

#[test]
fn a_label_over_many_lines_shows_the_first() {
    let steps = lines(50_000, |i| format!("    one: process where process.pid is {i}"));
    let two = format!("  detect sequence by host within 5m {{\n{steps}  }}\n  detect process where process.pid is 4");
    assert!(codes(&rule(&two)).contains(&Code::RepeatedEntry));
}

#[test]
fn five_thousand_mistakes_in_one_file_are_all_told() {
    for line in [
        "let l# = process.nam# is 4",
        "list l# = [\"a\" \"b\"]",
        "lst l# = [\"a\"]",
        "let l# = process.pid == 4",
        "list l# = [m#]",
        "list l# = [\"\\q\"]",
        "list l# = [\"a]",
        "tune r# { level high }",
        "let l# = runs zip#",
    ] {
        let text = lines(5_000, |i| line.replace('#', &i.to_string()));
        assert_eq!(found(&text).len(), 5_000, "{line}");
    }
}

#[test]
fn five_thousand_mistakes_in_one_item_are_all_told() {
    for entry in [
        "title# \"a\"",
        "flag F# = process.nam# is 4",
        "flag F# = process.pid == 4",
        "flag F# process.pid is 4",
        "test \"#\" fires with [G#] process { process.pid 4 }",
        "level = low",
        "title \"#",
        "except e#",
    ] {
        let entries = lines(5_000, |i| format!("  {}", entry.replace('#', &i.to_string())));
        let found = found(&rule(&format!("  detect process where process.pid is 4\n{entries}")));
        assert!(found.len() >= 5_000, "{entry}: {}", found.len());
    }
    let switches = lines(5_000, |i| format!("  switch s{i} = glued \"p\""));
    assert!(found(&format!("utility u \"U\" {{\n  os [windows]\n{switches}}}\n")).len() >= 4_999);
}

#[test]
fn a_hundred_thousand_items_are_read() {
    let lists = lines(100_000, |i| format!("list l{i} = [\"a{i}\"]"));
    assert_eq!(codes(&lists), []);
    let broken = lines(100_000, |i| format!("list l{i} = [\"a{i}\" \"b\"]"));
    assert_eq!(found(&broken).len(), 100_000);
    let rules = lines(20_000, |i| {
        let id = format!("{i:08}-0000-4000-8000-000000000001");
        format!(
            "rule r{i} {{ title \"R\" id {id} level low os [windows] detect process where process.pid is {i} }}\ntune r{i} {{ level high }}"
        )
    });
    assert_eq!(codes(&rules), []);
}

#[test]
fn numbers_of_any_length_are_told() {
    let many = "9".repeat(100_000);
    for text in [
        format!("param x = {many}"),
        format!("param x = {many}MB"),
        format!("param x = {many}d"),
        format!("let x = file.size > {many}GB"),
        rule(&format!("  threshold {many}\n  detect process where process.pid is 4")),
        rule(&format!("  schedule every {many}m over {many}h\n  detect process where process.pid is 4")),
        format!("utility u \"U\" {{ os [windows] switch s = long \"create\" min {many} }}"),
    ] {
        assert!(codes(&text).contains(&Code::NumberTooLarge), "{}", &text[..60]);
    }
}

#[test]
fn regular_expressions_that_explode_are_refused_in_time() {
    let nested = "(?:".repeat(200) + "a" + &"){9}".repeat(200);
    for pattern in [
        "(?:a{1000}){1000}",
        "a{1001}",
        "((((a{30}){30}){30}){30}){30}",
        nested.as_str(),
        &"(".repeat(100_000),
        &"a{2}".repeat(100_000),
        &"[a-z]".repeat(100_000),
        &"(?:a|".repeat(1000),
        "[\\w\\d\\s]{1000}",
        &"a?".repeat(20_000),
        "x{99999999999999999999}",
    ] {
        found(&detecting(&format!("command_line matches '{pattern}'")));
    }
    assert_eq!(codes(&detecting("command_line matches '(?:a{1000}){1000}'")), [Code::BadRegex]);
}

#[test]
fn names_of_a_megabyte_are_told_briefly() {
    let name = "n".repeat(1_000_000);
    for text in [
        format!("list {name} = [{name}]"),
        format!("let x = {name}"),
        format!("let x = runs {name} to {name} with {name}"),
        format!("let created = {name}.{name} is {name}"),
        format!("{name} x = 4"),
        format!("group {name} = [{name}a]"),
        format!("list {name} = [\"a\"]\nlist {name} = [\"b\"]"),
        format!("tune {name} {{ {name} {name} }}"),
        format!("utility {name} \"U\" {{ {name} \"a\" verb v = {name} \"a\" verb w = bundled \"{name}\" }}"),
        rule(&format!(
            "  {name} \"a\"\n  status {name}\n  os [{name}]\n  show [{name}]\n  detect {name} where process.pid is 4"
        )),
        rule(&format!(
            "  detect process where process.pid is 4\n  test \"{name}\" fires with [{name}] {name} {{ {name} {name} }}"
        )),
        rule(&format!(
            "  detect process where process.pid is 4\n  test \"a\" excepted by \"{name}\" process {{ process.pid 4 }}"
        )),
    ] {
        assert!(!found(&text).is_empty(), "{}", &text[..20]);
    }
}

// ---- bytes ----

#[test]
fn files_that_are_no_text_are_refused_briefly() {
    let mut utf16 = vec![0xFF, 0xFE];
    utf16.extend("list x = [\"a\"]".repeat(100_000).encode_utf16().flat_map(u16::to_le_bytes));
    let cases: [(Vec<u8>, Code); 6] = [
        (utf16.clone(), Code::Utf16),
        (utf16[2..].to_vec(), Code::Utf16),
        (vec![0; FIVE_MEGABYTES], Code::NulCharacter),
        ([b"a".repeat(FIVE_MEGABYTES), vec![0]].concat(), Code::NulCharacter),
        (vec![0xFF; FIVE_MEGABYTES], Code::NotUtf8),
        ([b"a".repeat(FIVE_MEGABYTES), vec![0xC3]].concat(), Code::NotUtf8),
    ];
    for (bytes, code) in cases {
        let mut sources = Sources::new();
        let refused = sources.add_bytes("robust.det", &bytes).expect_err("refused");
        assert_eq!(refused.code, code);
        assert_places(&refused, &sources);
        assert_drawn(&refused, &sources);
    }
}

#[test]
fn line_ends_of_windows_change_nothing() {
    for text in sources_of("rules").into_iter().chain(sources_of("tests/diagnostics")) {
        let places = |text: &str| {
            let mut sources = Sources::new();
            let file = sources.add("ends.det", text);
            let place = |d: &Diagnostic| (d.code.id(), d.message.clone(), d.span().map(|s| sources.place(s)));
            let (_, diagnostics) = resolve(vec![parse(file, text)], &indexmap::IndexMap::default());
            diagnostics.iter().map(place).collect::<Vec<_>>()
        };
        assert_eq!(places(&text), places(&text.replace('\n', "\r\n")));
    }
}

// ---- any input ----

fn sources_of(folder: &str) -> Vec<String> {
    let mut files: Vec<PathBuf> = vec![];
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            match path.is_dir() {
                true => folders.push(path),
                false if path.extension().is_some_and(|e| e == "det") => files.push(path),
                false => {}
            }
        }
    }
    files.sort();
    files.iter().map(|f| std::fs::read_to_string(f).expect("a source")).collect()
}

/// The items of all shipped rules, each a source of its own.
fn items() -> Vec<String> {
    let mut out = vec![];
    for text in sources_of("rules") {
        let mut sources = Sources::new();
        let file = sources.add("items.det", text.clone());
        let parsed = parse(file, &text);
        out.extend(parsed.file.items.iter().map(|i| text[i.span.start..i.span.end].to_owned()));
    }
    assert!(out.len() > 50);
    out
}

/// The tokens that are no comments.
fn code(text: &str) -> Vec<(Token, usize, usize)> {
    tokens(text).filter(|(t, ..)| !matches!(t, Token::Comment | Token::Doc)).collect()
}

/// Words and signs of the language besides [`ITEM_WORDS`] and [`RESERVED`], and some that are none.
const SOUP: [&str; 57] = [
    "true",
    "false",
    "os",
    "image",
    "original",
    "verb",
    "switch",
    "default",
    "glued",
    "bundled",
    "min",
    "title",
    "id",
    "level",
    "detect",
    "flag",
    "weight",
    "threshold",
    "except",
    "because",
    "until",
    "test",
    "fires",
    "silent",
    "events",
    "process",
    "file",
    "sequence",
    "count",
    "x",
    "y.z",
    "process.pid",
    "argument",
    "\"text\"",
    "'raw'",
    "\"open",
    "'open",
    "5",
    "15m",
    "10MB",
    "2026-11-20",
    "00000000-0000-4000-8000-000000000001",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    "=",
    ":",
    ">=",
    "+",
    ".",
    "// c",
    "/// d",
    "ü",
];

/// The reserved words and [`SOUP`].
fn inner_words() -> Vec<&'static str> {
    [&RESERVED[..], &SOUP].concat()
}

fn fixed() -> ProptestConfig {
    ProptestConfig {
        cases: 400,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(20_261_120),
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(fixed())]

    #[test]
    fn random_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let mut sources = Sources::new();
        match sources.add_bytes("random.det", &bytes) {
            Ok(id) => {
                let text = sources.get(id).expect("just added").text.clone();
                found(&text);
            }
            Err(refused) => {
                assert_places(&refused, &sources);
                assert_drawn(&refused, &sources);
            }
        }
    }

    #[test]
    fn random_characters_are_read(text in "\\PC{0,200}") {
        found(&text);
    }

    #[test]
    fn random_tokens_are_read(
        words in proptest::collection::vec((proptest::sample::select([&ITEM_WORDS[..], &inner_words()].concat()), prop_oneof![Just(" "), Just("\n"), Just("")]), 0..80),
    ) {
        let text: String = words.iter().map(|(word, blank)| format!("{word}{blank}")).collect();
        found(&text);
    }

    #[test]
    fn random_tokens_in_a_rule_are_read(
        words in proptest::collection::vec((proptest::sample::select(inner_words()), prop_oneof![Just(" "), Just("\n")]), 0..40),
    ) {
        let text: String = words.iter().map(|(word, blank)| format!("{word}{blank}")).collect();
        found(&rule(&text));
        found(&detecting(&text));
    }

    #[test]
    fn shipped_rules_with_tokens_lost_doubled_or_swapped_are_read(
        item in proptest::sample::select(items()), edits in proptest::collection::vec((0..3_u8, any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..4),
    ) {
        let mut words: Vec<String> = code(&item).iter().map(|(_, s, e)| item[*s..*e].to_owned()).collect();
        for (edit, a, b) in edits {
            if words.is_empty() {
                break;
            }
            let (a, b) = (a.index(words.len()), b.index(words.len()));
            match edit {
                0 => drop(words.remove(a)),
                1 => words.insert(b, words[a].clone()),
                _ => words.swap(a, b),
            }
        }
        found(&words.join(" "));
        found(&words.join("\n"));
    }

    #[test]
    fn a_stray_sign_anywhere_in_a_shipped_rule_is_told(item in proptest::sample::select(items()), at in any::<prop::sample::Index>()) {
        let code = code(&item);
        let (_, _, end) = code[at.index(code.len())];
        let text = format!("{} § {}", &item[..end], &item[end..]);
        prop_assert!(found(&text).iter().any(|d| d.code == Code::Syntax || d.code == Code::NotAnItem), "{text}");
    }

    #[test]
    fn a_lost_bracket_or_quote_in_a_shipped_rule_is_told(item in proptest::sample::select(items()), at in any::<prop::sample::Index>()) {
        let needed: Vec<_> = code(&item).into_iter().filter(|(t, ..)| matches!(t, Token::Open(_) | Token::Close(_) | Token::Text(_))).collect();
        prop_assume!(!needed.is_empty());
        let (_, _, end) = needed[at.index(needed.len())];
        let text = format!("{}{}", &item[..end - 1], &item[end..]);
        let lost: Vec<_> = found(&text).into_iter().filter(|d| d.code.id().starts_with("E01")).collect();
        prop_assert!(!lost.is_empty(), "{text}");
    }
}

#[test]
fn a_shipped_rule_that_ends_early_is_told_wherever_it_ends() {
    let items = items();
    let smallest =
        |prefix: &str| items.iter().filter(|i| i.starts_with(prefix)).min_by_key(|i| i.len()).expect("one").clone();
    for item in [smallest("rule"), smallest("utility")] {
        for end in (1..item.len()).filter(|e| item.is_char_boundary(*e)) {
            assert!(!found(&item[..end]).is_empty(), "{}", &item[..end]);
        }
    }
    for item in items.iter().filter(|i| i.starts_with("rule") || i.starts_with("utility")) {
        let code = code(item);
        for (_, _, end) in code.iter().take(code.len() - 1).step_by(7) {
            assert!(!found(&item[..*end]).is_empty(), "{}", &item[..*end]);
        }
    }
}

#[test]
fn other_shipped_items_may_end_anywhere() {
    for item in items().iter().filter(|i| !i.starts_with("rule") && !i.starts_with("utility")) {
        for end in (0..item.len()).filter(|e| item.is_char_boundary(*e)).step_by(5) {
            found(&item[..end]);
        }
    }
}
