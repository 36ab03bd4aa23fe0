//! Scalars of YAML. Every one that we emit comes from here.
//!
//! YAML 1.1 readers, PyYAML among them, take `yes`, `off`, `1e3`, `0o7`, `1:30` and dates for something else than text, so
//! anything that is not plainly a word or a sentence stands in single quotes.

use crate::escape::is_unclean;

/// In single quotes, or in double quotes if it holds a line break or a control character.
#[must_use]
pub fn quoted(text: &str) -> String {
    let control = text.chars().any(|c| c.is_control() || is_break(c));
    if !control {
        return format!("'{}'", text.replace('\'', "''"));
    }
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if u32::from(c) > 0xffff && is_break(c) => out.push_str(&format!("\\U{:08x}", c as u32)),
            c if c.is_control() || is_break(c) => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Plain if every reader takes it for text, else quoted.
#[must_use]
pub fn scalar(text: &str) -> String {
    if is_plain(text) { text.to_owned() } else { quoted(text) }
}

/// Several lines as they are, below a key of the outermost record; quoted where a block would not read the same.
#[must_use]
pub fn block(text: &str, indent: usize) -> String {
    let control = |c: char| c != '\n' && (c.is_control() || is_break(c));
    if text.chars().any(control) || text.starts_with([' ', '\n']) || text.trim_end_matches('\n').len() + 1 < text.len()
    {
        return quoted(text);
    }
    let lead = " ".repeat(indent);
    let line = |l: &str| if l.is_empty() { String::new() } else { format!("{lead}{l}") };
    let lines: Vec<String> = text.lines().map(line).collect();
    let head = if text.ends_with('\n') { "|" } else { "|-" };
    format!("{head}\n{}", lines.join("\n"))
}

/// What may stand behind a `#`: one line for every reader.
#[must_use]
pub fn comment(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || is_break(c) { ' ' } else { c }).collect()
}

/// What some readers take for the end of a line, or for none of a text's characters, or what turns the text around it.
fn is_break(c: char) -> bool {
    matches!(c, '\u{85}' | '\u{feff}') || !c.is_control() && is_unclean(c)
}

fn is_plain(text: &str) -> bool {
    let Some(first) = text.chars().next() else { return false };
    let reserved = ["y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"];
    first.is_ascii_alphabetic()
        && !reserved.contains(&text.to_lowercase().as_str())
        && !text.ends_with([' ', ':'])
        && !text.contains(": ")
        && !text.contains(" #")
        && text.chars().all(|c| !c.is_control() && (c.is_ascii_alphanumeric() || " _-./,()'&:#?=%+;<>@!*|".contains(c)))
}

#[cfg(test)]
#[allow(clippy::expect_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn what_a_reader_of_yaml_1_1_takes_for_another_type_is_quoted() {
        for text in [
            "yes",
            "Off",
            "null",
            "~",
            "1e3",
            "0x1f",
            "2026-11-20",
            "1:30",
            "",
            "- a",
            "a: b",
            "a #b",
            "a:",
            "=",
            "<<",
            "é",
        ] {
            assert_eq!(scalar(text), format!("'{text}'"));
        }
        for text in ["Self-Extracting Package", "attack.t1560.001", "it's fine", "https://example.org/a?b=c#d"] {
            assert_eq!(scalar(text), text);
        }
    }

    #[test]
    fn a_block_reads_as_its_text_and_what_would_not_is_quoted() {
        for text in ["a: b\n# c\n\n  d \n", "a\nb", "a\n\nb\n"] {
            let written = format!("k: {}\nl: 1\n", block(text, 2));
            let read: serde_yaml::Value = serde_yaml::from_str(&written).expect("YAML");
            assert!(written.starts_with("k: |"), "{written}");
            assert_eq!(read.get("k").and_then(|v| v.as_str()), Some(text));
        }
        for text in [" a\nb", "\na", "a\n\n", "a\n\u{1}b", "a\n\u{2028}b"] {
            assert_eq!(block(text, 2), quoted(text));
        }
    }

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(quoted("a\n\u{1}'\""), "\"a\\n\\u0001'\\\"\"");
        assert_eq!(quoted("it's"), "'it''s'");
    }
}
