//! Regular expressions, read alike by PCRE and by Rust's `regex`.
//!
//! Splunk runs PCRE. Rust's engine evaluates here, so a construct that the two read differently is refused: possessive
//! quantifiers (Rust: a repeated repetition), set operators in classes, word-edge escapes, look-around, back-references
//! (Rust has none). Whether Splunk's PCRE works on characters or bytes is not documented: each pattern is compiled both
//! ways, and a subject on which they differ is an error. So is one on which `$` before a final line feed decides.

use super::{Result, SplError};
use regex::{Regex, bytes};

/// A compiled pattern.
#[derive(Debug, Clone)]
pub(super) struct Pattern {
    unicode: Regex,
    bytes: bytes::Regex,
    dollar: bool,
}

impl Pattern {
    /// Compiles the text of a literal whose string escapes are already resolved.
    pub fn new(text: &str, at: usize) -> Result<Self> {
        let fail = |why: String| SplError::syntax(at, format!("the regular expression {text:?} {why}"));
        let dollar = scan(text).map_err(|why| fail(why.to_owned()))?;
        let unicode = Regex::new(text).map_err(|error| fail(format!("does not compile: {error}")))?;
        let bytes = bytes::RegexBuilder::new(text).unicode(false).build();
        let bytes = bytes.map_err(|error| fail(format!("needs PCRE's UTF mode: {error}")))?;
        Ok(Self { unicode, bytes, dollar })
    }

    /// Whether it is found anywhere in `subject`.
    pub fn found(&self, subject: &str, at: usize) -> Result<bool> {
        let found = self.unicode.is_match(subject);
        if found != self.bytes.is_match(subject.as_bytes()) {
            return Err(SplError::undocumented(at, "the match depends on whether PCRE works on characters or bytes"));
        }
        if self.dollar && subject.strip_suffix('\n').is_some_and(|cut| self.unicode.is_match(cut) != found) {
            return Err(SplError::undocumented(at, "the match depends on `$` before a final line feed"));
        }
        Ok(found)
    }

    /// Replaces every match; `\1` in the replacement is a group.
    pub fn replace(&self, subject: &str, replacement: &str) -> String {
        let mut template = String::new();
        let mut chars = replacement.chars().peekable();
        while let Some(c) = chars.next() {
            match (c, chars.peek()) {
                ('\\', Some(digit)) if digit.is_ascii_digit() => {
                    template.push_str(&format!("${{{digit}}}"));
                    chars.next();
                }
                ('$', _) => template.push_str("$$"),
                (other, _) => template.push(other),
            }
        }
        self.unicode.replace_all(subject, template.as_str()).into_owned()
    }

    /// The named groups of the first match.
    pub fn groups(&self, subject: &str) -> Vec<(String, String)> {
        let Some(found) = self.unicode.captures(subject) else {
            return Vec::new();
        };
        let names = self.unicode.capture_names().flatten();
        names.filter_map(|name| found.name(name).map(|group| (name.to_owned(), group.as_str().to_owned()))).collect()
    }

    /// Whether it has a named group at all.
    pub fn named(&self) -> bool {
        self.unicode.capture_names().flatten().next().is_some()
    }
}

/// Whether the last thing was a quantifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Repeated {
    No,
    Yes,
    Lazily,
}

/// Looks for what the two engines read differently; answers whether there is a `$` outside classes.
fn scan(text: &str) -> std::result::Result<bool, &'static str> {
    let chars: Vec<char> = text.chars().collect();
    let next = |at: usize| chars.get(at + 1).copied();
    let (mut at, mut class, mut dollar, mut repeated) = (0, false, false, Repeated::No);
    while let Some(c) = chars.get(at).copied() {
        let mut repeats = Repeated::No;
        match (c, class) {
            ('\\', _) => {
                escape(next(at))?;
                at += 1;
            }
            ('[', true) if next(at) != Some(':') => return Err("has an unescaped `[` in a class"),
            ('[', true) => at += chars.iter().skip(at).position(|c| *c == ']').unwrap_or(0),
            ('&' | '-' | '~', true) if next(at) == Some(c) => {
                return Err("doubles `&`, `-` or `~` in a class");
            }
            (']', true) => class = false,
            (_, true) => {}
            ('[', false) => {
                class = true;
                at += usize::from(next(at) == Some('^'));
                if next(at) == Some(']') {
                    return Err("has an unescaped `]` at the start of a class");
                }
            }
            ('(', false) if next(at) == Some('?') => group(chars.get(at + 2..).unwrap_or_default())?,
            ('?', false) if repeated == Repeated::Yes => repeats = Repeated::Lazily,
            ('*' | '+' | '?' | '{', false) if repeated != Repeated::No => {
                return Err("repeats a repetition (in PCRE: possessive)");
            }
            ('*' | '+' | '?', false) => repeats = Repeated::Yes,
            ('{', false) => {
                if !next(at).is_some_and(|c| c.is_ascii_digit()) {
                    return Err("has a brace that does not begin a plain repetition");
                }
                at += chars.iter().skip(at).position(|c| *c == '}').unwrap_or(0);
                repeats = Repeated::Yes;
            }
            ('$', false) => dollar = true,
            _ => {}
        }
        repeated = repeats;
        at += 1;
    }
    Ok(dollar)
}

fn escape(c: Option<char>) -> std::result::Result<(), &'static str> {
    match c {
        None => Err("ends in a backslash"),
        Some(c) if c.is_ascii_alphanumeric() && !"dDwWsSbBnrtfAzxpP".contains(c) => {
            Err("has an escape that the engines do not share")
        }
        Some('<' | '>') => Err("has `\\<` or `\\>`, a word edge in one engine only"),
        Some(_) => Ok(()),
    }
}

/// What stands behind `(?`.
fn group(rest: &[char]) -> std::result::Result<(), &'static str> {
    match rest {
        [':', ..] => Ok(()),
        ['P', '<', c, ..] | ['<', c, ..] if c.is_ascii_alphabetic() || *c == '_' => Ok(()),
        [c, ..] if "ims-".contains(*c) => {
            let common = rest.iter().find(|c| !"ims-".contains(**c)).is_some_and(|end| ":)".contains(*end));
            if common { Ok(()) } else { Err("sets a flag that is not common to both engines") }
        }
        _ => Err("has look-around or another group that is not common to both engines"),
    }
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    fn found(pattern: &str, subject: &str) -> Option<bool> {
        Pattern::new(pattern, 0).ok()?.found(subject, 0).ok()
    }

    #[test]
    fn a_match_is_found_anywhere() {
        assert_eq!(found(r"(?i)\\rar\.exe$", r"C:\x\RAR.exe"), Some(true));
        assert_eq!(found(r"^rar", "unrar"), Some(false));
    }

    #[test]
    fn the_projects_switch_patterns_are_read() {
        let rar = r#"(?i)^[^"]*(?:"[^"]*"[^"]*)*[ \t\r\n]["']?(?:[\-/]p(?:-[^ \t\r\n"']|[^\-]|$)|[\-/]hp)"#;
        assert_eq!(found(rar, "rar a -psecret x.rar"), Some(true));
        assert_eq!(found(rar, "rar a -p- x.rar"), Some(false));
        let dash = r#"(?i)[ \t\r\n](?:[\-/]|–|—|―)(?:encode|encodehex)(?:[ \t\r\n"']|$)"#;
        assert_eq!(found(dash, "certutil \u{2013}encode a b"), Some(true));
    }

    #[test]
    fn what_the_engines_read_differently_is_refused() {
        let bad = [
            "a++",
            "a*+b",
            "a**",
            "(?=x)",
            "(?<!x)y",
            r"(a)\1",
            "[a&&b]",
            "[[a]]",
            "[a--b]",
            r"\<a",
            r"\Qa\E",
            "a{,3}",
            "a{",
            "(?>a)",
            "(?x)a b",
            "(?ix)a",
            "a+?+",
            "a???",
            r"\h",
            "[]a]",
            r"a\",
            "(a",
            "[\u{2013}-\u{2015}]",
        ];
        for pattern in bad {
            assert!(Pattern::new(pattern, 0).is_err(), "{pattern}");
        }
        for pattern in ["a+?", "a{2,3}?", "[[:alpha:]]", r"[\-\]\[]", "(?P<x>a)", "(?<x>a)", "(?:a|b)?", "a??"] {
            assert!(Pattern::new(pattern, 0).is_ok(), "{pattern}");
        }
    }

    #[test]
    fn a_subject_on_which_bytes_and_characters_differ_is_an_error() {
        assert_eq!(found("^a.b$", "a\u{e9}b"), None);
        assert_eq!(found("^a.+b$", "a\u{e9}b"), Some(true));
        assert_eq!(found("(?i)\u{e9}", "\u{c9}"), None);
        assert_eq!(found("(?i)k", "\u{212a}"), None);
    }

    #[test]
    fn a_dollar_before_a_final_line_feed_is_an_error_where_it_decides() {
        assert_eq!(found("a$", "a\n"), None);
        assert_eq!(found(r"a(?:[ \n]|$)", "a\n"), Some(true));
    }
}
