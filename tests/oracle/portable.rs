//! What all engines agree on: a small reader of regular expressions that knows only what the generator may write.

/// What in a pattern is not the same on every engine, if anything.
pub fn fault(pattern: &str) -> Option<String> {
    let chars: Vec<char> = pattern.chars().collect();
    let flags = ["(?is)", "(?i)", "(?s)"].into_iter().find(|f| pattern.starts_with(f)).unwrap_or("");
    let mut at = flags.len();
    // For each open group, where it began.
    let mut open = vec![];
    while let Some(&c) = chars.get(at) {
        match c {
            '\\' => {
                let escaped = *chars.get(at + 1)?;
                if !(escaped.is_ascii_punctuation() || matches!(escaped, 't' | 'r' | 'n' | 's')) {
                    return Some(format!(r"`\{escaped}` at {at}"));
                }
                at += 1;
            }
            '.' if !flags.contains('s') => return Some(format!("`.` at {at}, which takes no line break everywhere")),
            '(' => {
                open.push(at);
                let head: String = chars[at..].iter().take(4).collect();
                at += match head.as_str() {
                    "(?i:" => 3,
                    h if h.starts_with("(?:") => 2,
                    _ => return Some(format!("a group of another kind at {at}")),
                };
            }
            ')' => drop(open.pop()),
            '[' => {
                let end = class_end(&chars, at)?;
                if let Some(fault) = class_fault(&chars[at + 1..end]) {
                    return Some(format!("{fault} in the class at {at}"));
                }
                at = end;
            }
            '$' => {
                let alone = chars.get(at - 1) == Some(&'|') && chars.get(at + 1) == Some(&')');
                let inside = open.last().map(|from| chars[*from..at].iter().collect::<String>());
                if !alone || !inside.is_some_and(|text| takes_line_break(&text)) {
                    return Some(format!("`$` at {at} without a line break beside it"));
                }
            }
            _ => {}
        }
        at += 1;
    }
    None
}

/// Whether one of the alternatives of a group that stands open is a class that takes a line break.
fn takes_line_break(group: &str) -> bool {
    let lists = |text: &str| text.contains(r"\n") || text.contains(r"\s");
    let listed = group.contains(r"\s") || group.contains(r"\n") && group.contains('[');
    let negated = group.split("|[^").skip(1).any(|class| !lists(class));
    listed || negated
}

fn class_end(chars: &[char], start: usize) -> Option<usize> {
    let mut at = start + 1;
    while let Some(&c) = chars.get(at) {
        match c {
            '\\' => at += 1,
            ']' => return Some(at),
            _ => {}
        }
        at += 1;
    }
    None
}

/// In classes `[` and `]` are escaped, and `-` leads or is part of a range; nothing is doubled that somewhere means a set.
fn class_fault(class: &[char]) -> Option<String> {
    let text: String = class.iter().collect();
    for bad in ["&&", "--", "~~"] {
        if text.contains(bad) {
            return Some(format!("`{bad}`"));
        }
    }
    let mut at = usize::from(class.first() == Some(&'^'));
    while let Some(&c) = class.get(at) {
        match c {
            '\\' => match class.get(at + 1)? {
                't' | 'r' | 'n' | 's' => at += 1,
                e if e.is_ascii_punctuation() => at += 1,
                e => return Some(format!(r"`\{e}`")),
            },
            '[' => return Some("`[`".to_owned()),
            '-' if at == 0 => {}
            '-' => {
                let neighbours = [class.get(at.wrapping_sub(1)), class.get(at + 1)];
                if !neighbours.iter().all(|n| n.is_some_and(|c| c.is_ascii_alphanumeric())) {
                    return Some("a loose `-`".to_owned());
                }
            }
            c if !c.is_ascii() => return Some(format!("`{c}`")),
            _ => {}
        }
        at += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::fault;

    #[test]
    fn what_engines_do_not_share_is_seen() {
        for pattern in [
            r"\S", r"\d+", r"\bx", "a.b", "(x)", "(?P<n>x)", "(?=x)", "[–]", "[a-]", "[^-a]", "[a&&b]", "[[]", "x$",
            "(?:a|$)", r"[\w]",
        ] {
            assert!(fault(pattern).is_some(), "{pattern}");
        }
    }

    #[test]
    fn what_they_share_passes() {
        for pattern in [
            r#"^[^"]*(?:"[^"]*")*[ \t\r\n]["']?[\-/]p"#,
            r#"(?:[ \t\r\n"']|$)"#,
            "(?:–|-)x",
            r"(?:\-[^ \t]|[^\-]|$)",
            r"(?i:a)\.\[[A-Za-z]",
            r#"(?is)^[^\s"]+\s.*[-/]x(?:[\s"']|$)"#,
        ] {
            assert_eq!(fault(pattern), None, "{pattern}");
        }
    }
}
