//! The formatter: the layout, the comments, and that nothing changes its meaning.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what went wrong by panicking"
)]

mod comments;
mod layout;
mod properties;

use arcanary::diagnostic::Code;
use arcanary::duration;
use arcanary::source::FileId;
use arcanary::syntax::fmt::format;
use arcanary::syntax::{Token, parse, tokens};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

// ---- the project's own files ----

fn det_files(folder: &Path, deep: bool, out: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    for path in entries.map(|e| e.unwrap().path()) {
        if deep && path.is_dir() {
            det_files(&path, deep, out);
        } else if path.extension().is_some_and(|e| e == "det") {
            out.push(path);
        }
    }
}

/// Name and text of every rule of the pack and of every language case that parses.
static FILES: LazyLock<Vec<(String, String)>> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = vec![];
    for (folder, deep) in [("rules", true), ("tests/cases", false)] {
        let mut paths = vec![];
        det_files(&root.join(folder), deep, &mut paths);
        assert!(!paths.is_empty(), "no .det file in {folder}");
        paths.sort();
        files.extend(paths.into_iter().map(|p| (p.display().to_string(), fs::read_to_string(&p).unwrap())));
    }
    files
});

fn formatted(text: &str) -> String {
    format(text).unwrap_or_else(|found| panic!("{found:#?}\n{text}"))
}

/// Formats `text` and holds the result against `expected`, which must stay as it is.
#[track_caller]
fn check(text: &str, expected: &str) {
    let expected = expected.trim_start_matches('\n');
    assert_eq!(formatted(text), expected, "from:\n{text}");
    assert_eq!(formatted(expected), expected, "formatted again");
}

/// Stays as it is.
#[track_caller]
fn stays(text: &str) {
    check(text, text);
}

/// What `text` says, token by token; a comma before a closing bracket says nothing.
fn code(text: &str) -> Vec<&str> {
    let all = tokens(text).filter(|(t, ..)| *t != Token::Comment);
    let all: Vec<_> = all.map(|(t, start, end)| (t, &text[start..end])).collect();
    let closes = |i: usize| matches!(all.get(i), Some((Token::Close(_), _)));
    (0..all.len()).filter(|&i| !(all[i].1 == "," && closes(i + 1))).map(|i| all[i].1).collect()
}

/// The first line in which two texts differ, for short messages.
fn first_difference(a: &str, b: &str) -> Option<(String, String)> {
    let mut lines = a.lines().map(Some).chain([None]).zip(b.lines().map(Some).chain([None]));
    lines.find(|(a, b)| a != b).map(|(a, b)| (format!("{a:?}"), format!("{b:?}")))
}

fn comments_of(text: &str) -> Vec<String> {
    let mut all: Vec<_> =
        tokens(text).filter(|(t, ..)| *t == Token::Comment).map(|(_, s, e)| text[s..e].to_owned()).collect();
    all.sort();
    all
}

#[test]
fn every_file_keeps_its_meaning_and_its_comments() {
    // That the trees are the same is checked by `format` itself; the words are counted here.
    for (name, text) in FILES.iter() {
        let out = format(text).unwrap_or_else(|found| panic!("{name}: {found:#?}"));
        let sorted = |text: &str| {
            // A duration may get another unit, so its seconds are counted.
            let word =
                |word: &str| duration::parse(word).map_or_else(|| word.to_owned(), |seconds| format!("{seconds}s"));
            let mut words: Vec<_> = code(text).into_iter().map(word).collect();
            words.sort();
            words.retain(|w| w != "(" && w != ")");
            words
        };
        assert_eq!(sorted(&out), sorted(text), "{name}");
        assert_eq!(comments_of(&out), comments_of(text), "{name}");
    }
}

#[test]
fn every_file_is_formatted_once_and_for_all() {
    for (name, text) in FILES.iter() {
        let once = formatted(text);
        assert_eq!(formatted(&once), once, "{name}");
    }
}

#[test]
fn only_text_that_cannot_be_broken_is_wider_than_120() {
    for (name, text) in FILES.iter() {
        for line in formatted(text).lines().filter(|l| l.chars().count() > 120) {
            let code = line.trim_start();
            let entry = code.contains(['\'', '"']) && code.ends_with(',');
            let prose = code.starts_with("//") || code.starts_with("test ");
            let condition = code.contains(" matches '") && code.ends_with('\'');
            assert!(entry || prose || condition || code.contains("//"), "{name}: {line}");
        }
    }
}

#[test]
fn line_endings_become_one_kind() {
    for (name, text) in FILES.iter() {
        assert_eq!(formatted(&text.replace('\n', "\r\n")), formatted(text), "{name}");
    }
    check("// a\r\nlist x = [1] // b\r\n\r\n\r\nlist y = [2]", "// a\nlist x = [1]  // b\n\nlist y = [2]\n");
}

#[test]
fn a_byte_order_mark_is_dropped() {
    check("\u{feff}list x = [1]", "list x = [1]\n");
}

#[test]
fn comments_may_end_in_any_blank() {
    let rule = "rule r {\n  title \"R\"\n  id 00000000-0000-4000-8000-000000000001\n  level low\n  os [windows]\n\n  detect process where process.name is \"x\"";
    for blank in ["\u{a0}", "\u{3000}", "\u{2003}", "\u{2003}\u{a0}"] {
        let text = format!(
            "// a comment{blank}\n\n/// A description{blank}\n{rule} // inside{blank}\n}}\n// the end{blank}\n"
        );
        let parsed = parse(FileId::default(), &text);
        assert!(parsed.diagnostics.is_empty(), "{blank:?}: {:?}", parsed.diagnostics);
        assert_eq!(parsed.file.items.len(), 1);
        let formatted = formatted(&text);
        assert_eq!(formatted.matches(blank).count(), 4, "{blank:?}\n{formatted}");
        stays(&formatted);
    }
}

#[test]
fn files_without_items() {
    check("", "");
    check(" \n\n ", "");
    check("\n\n// one\n\n\n// two", "// one\n\n// two\n");
}

#[test]
fn a_file_that_does_not_parse_is_refused() {
    for (text, code) in [
        ("list a = [", Code::UnclosedBracket),
        ("rule r { title }", Code::Syntax),
        ("let a = b and c or d", Code::MixedConnectives),
        ("let a = b != 'c'", Code::ForeignOperator),
        ("list a = ['b']\n/// of nothing", Code::MisplacedDoc),
        ("lsit a = ['b']", Code::NotAnItem),
        (&format!("let a = {} b", "not ".repeat(1_000_000)), Code::TooDeep),
    ] {
        let found = format(text).expect_err(text);
        assert_eq!(found[0].code, code, "{text}: {found:#?}");
    }
}

#[test]
fn a_huge_line_takes_no_quadratic_time() {
    let elements: Vec<_> = (0..400_000).map(|i| format!("'elem{i:06}'")).collect();
    let text = format!("list a = [{}]", elements.join(","));
    assert!(text.len() > 5_000_000);
    let out = formatted(&text);
    assert!(out.lines().count() > 40_000 && out.lines().all(|l| l.chars().count() <= 120));
}
