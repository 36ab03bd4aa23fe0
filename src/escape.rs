//! What others wrote, as it may be shown: no character of it moves a cursor, turns the direction of a line or ends one, and
//! no line of it is a command to what reads the log of a workflow.

use std::borrow::Cow;

/// Whether nobody sees a character: control characters but tab and line feed, changes of direction, what draws nothing, line
/// and paragraph separators, and what Unicode calls noncharacters.
#[must_use]
pub fn is_unclean(c: char) -> bool {
    match c {
        '\n' | '\t' => false,
        '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{fff9}'..='\u{fffb}' => true,
        '\u{fdd0}'..='\u{fdef}' => true,
        c if draws_nothing(c) => true,
        c => c.is_control() || u32::from(c) & 0xfffe == 0xfffe,
    }
}

/// Whether a character draws nothing by itself: Unicode's property `Default_Ignorable_Code_Point`.
///
/// <https://www.unicode.org/Public/16.0.0/ucd/DerivedCoreProperties.txt>
#[must_use]
pub fn draws_nothing(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fff8}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// One line: line feeds and tabs are escaped, too.
#[must_use]
pub fn line(text: &str) -> Cow<'_, str> {
    escaped(text, |c| is_unclean(c) || matches!(c, '\n' | '\t'))
}

/// Text of several lines.
#[must_use]
pub fn text(text: &str) -> Cow<'_, str> {
    match escaped(text, is_unclean) {
        Cow::Borrowed(clean) => commands(clean),
        Cow::Owned(clean) => Cow::Owned(commands(&clean).into_owned()),
    }
}

/// What a renderer drew around text of others: escape sequences are its own, since it shows those of others as pictures.
#[must_use]
pub fn drawn(text: &str) -> String {
    commands(&escaped(text, |c| is_unclean(c) && c != '\u{1b}')).into_owned()
}

/// Text as Markdown shows it: nothing in it is a link, a tag, code or emphasis, and it is one line.
#[must_use]
pub fn markdown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        // GitHub makes links of bare addresses, too.
        let last = out.len().checked_sub(3).and_then(|at| out.get(at..)).unwrap_or("");
        let address = c == '/' && out.ends_with(":/") || c == '.' && last.eq_ignore_ascii_case("www");
        match c {
            '.' | '/' if address => out.extend(['\\', c]),
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '#' | '~' | '&' | '@' | '!' => out.extend(['\\', c]),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

fn escaped(text: &str, bad: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&bad) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match bad(c) {
            true => out.extend(c.escape_default()),
            false => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// Text none of whose lines is a workflow command: GitHub reads `::error::` where a line begins and `##[error]` anywhere,
/// Azure `##vso[`, TeamCity `##teamcity[`.
///
/// <https://github.com/actions/runner/blob/main/src/Runner.Common/ActionCommand.cs>
#[must_use]
pub fn commands(text: &str) -> Cow<'_, str> {
    // A third colon is a snippet's, and no command's name begins with one.
    let command = |line: &str| line.trim_start().strip_prefix("::").is_some_and(|rest| !rest.starts_with(':'));
    if !text.contains("##") && !text.split('\n').any(command) {
        return Cow::Borrowed(text);
    }
    let one = |line: &str| {
        let line = before_brackets(line);
        let blanks = line.len() - line.trim_start().len();
        match line.split_at_checked(blanks) {
            Some((blank, rest)) if command(rest) => format!("{blank}\\u{{3a}}{}", rest.get(1..).unwrap_or("")),
            _ => line,
        }
    };
    Cow::Owned(text.split('\n').map(one).collect::<Vec<_>>().join("\n"))
}

/// A line in which no word between `##` and `[` is a command's.
fn before_brackets(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find("##") {
        let behind = rest.get(at + 2..).unwrap_or("");
        let word = behind.trim_start_matches(|c: char| c.is_ascii_alphanumeric());
        out.push_str(rest.get(..at).unwrap_or(""));
        out.push_str(if word.starts_with('[') { "#\\u{23}" } else { "#" });
        rest = if word.starts_with('[') { behind } else { rest.get(at + 1..).unwrap_or("") };
    }
    out + rest
}

/// A text of JSON, in which `##[` is written with an escape: it stands in strings alone.
#[must_use]
pub fn json(text: &str) -> Cow<'_, str> {
    if !text.contains("##") && !text.contains(is_unclean) {
        return Cow::Borrowed(text);
    }
    let text = text.replace("##", "#\\u0023");
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match is_unclean(c) {
            true => c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04x}"))),
            false => out.push(c),
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_moves_turns_or_ends_a_line_is_left() {
        let nasty = "a\u{1b}[31m\r\u{7}\u{9b}\u{202e}\u{2066}\u{2028}\u{fffe}\u{ffff}\u{1ffff}\u{e0041}b";
        for shown in [line(nasty), text(nasty)] {
            let escapes =
                "a\\u{1b}[31m\\r\\u{7}\\u{9b}\\u{202e}\\u{2066}\\u{2028}\\u{fffe}\\u{ffff}\\u{1ffff}\\u{e0041}b";
            assert_eq!(shown, escapes);
        }
        assert_eq!(drawn("\u{1b}[1m::a\u{9b}\n::b"), "\u{1b}[1m::a\\u{9b}\n\\u{3a}:b");
        assert_eq!(line("a\n\tb"), "a\\n\\tb");
        assert_eq!(text("a\n\tb"), "a\n\tb");
        for clean in ["", "plain ümläut 日本 🙂", "שלום", "a ## b #[ c", "a::b"] {
            assert!(matches!(text(clean), Cow::Borrowed(_)) || text(clean) == clean, "{clean}");
            assert_eq!(line(clean), clean);
        }
    }

    #[test]
    fn what_draws_nothing_is_what_unicode_says() {
        let pattern = regex_syntax::Parser::new().parse(r"\p{Default_Ignorable_Code_Point}").expect("a property");
        let regex_syntax::hir::HirKind::Class(regex_syntax::hir::Class::Unicode(class)) = pattern.kind() else {
            panic!()
        };
        let theirs = |c: char| class.iter().any(|r| (r.start()..=r.end()).contains(&c));
        for c in '\0'..=char::MAX {
            assert_eq!(draws_nothing(c), theirs(c), "{c:?}");
            assert!(!draws_nothing(c) || is_unclean(c), "{c:?}");
        }
    }

    #[test]
    fn no_line_is_a_workflow_command() {
        for (given, shown) in [
            ("::error::x", "\\u{3a}:error::x"),
            ("a\n  ::set-output name=x::y\nb", "a\n  \\u{3a}:set-output name=x::y\nb"),
            ("\t\u{a0}::stop-commands::x", "\t\u{a0}\\u{3a}:stop-commands::x"),
            ("see ##[error]x ##vso[task.setvariable]y", "see #\\u{23}[error]x #\\u{23}vso[task.setvariable]y"),
            ("###[group]", "##\\u{23}[group]"),
            ("##teamcity[x]", "#\\u{23}teamcity[x]"),
            ("## heading", "## heading"),
            (" ::: a.det:1:2", " ::: a.det:1:2"),
        ] {
            assert_eq!(text(given), shown);
        }
        assert_eq!(text("\r::error::x"), "\\r::error::x");
    }

    #[test]
    fn no_bare_address_is_a_link_in_markdown() {
        for (given, shown) in [
            ("see https://host/x and FTP://y", "see https:/\\/host/x and FTP:/\\/y"),
            ("WWW.host.example, www.x", "WWW\\.host.example, www\\.x"),
            ("a/b c:/d e.f 1.2 ww.x", "a/b c:/d e.f 1.2 ww.x"),
            (".www", ".www"),
        ] {
            assert_eq!(markdown(given), shown);
        }
    }

    #[test]
    fn json_means_the_same() {
        let value = serde_json::json!({ "a": "##[error] \u{202e}\u{1ffff} ##", "b": ["###"] });
        let plain = serde_json::to_string_pretty(&value).expect("JSON");
        let shown = json(&plain);
        assert!(!shown.contains("##") && !shown.contains('\u{202e}'), "{shown}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).expect("JSON"), value);
        assert!(matches!(json("{\"a\": \"# ü\"}\n"), Cow::Borrowed(_)));
    }
}
