//! Text that a field never holds, judged by how logs write the field: a name has no folder, a path starts with its drive, an
//! extension has no dot. Each such value is a warning with the condition that was meant.

use super::condition::Lower;
use super::operand::{Operand, used};
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::FieldRef;
use crate::ir::pattern::{Glob, Part};
use crate::source::Span;
use crate::syntax::ast::{Path, TextOp};
use crate::vocabulary::Os;

/// How a condition compares text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compare {
    /// `is`, and `in` for each element.
    Is,
    /// An operator of text.
    Text(TextOp),
}

const CONTAINS: Compare = Compare::Text(TextOp::Contains);
const STARTS: Compare = Compare::Text(TextOp::StartsWith);
const ENDS: Compare = Compare::Text(TextOp::EndsWith);
const LIKE: Compare = Compare::Text(TextOp::Like);

/// How logs write the values of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Name,
    Path,
    Folder,
    Extension,
    Account,
    Domain,
    Sid,
    /// A name of another sort, without wildcards.
    Word,
    /// It starts with the name of a program.
    Line,
}

/// Fields, how logs write them, and the field that holds the rest.
const FORMS: [(&str, Form, &str); 19] = [
    ("process.name", Form::Name, "executable"),
    ("parent.name", Form::Name, "parent.executable"),
    ("file.name", Form::Name, "file.path"),
    ("dll.name", Form::Name, "dll.path"),
    ("executable", Form::Path, "process.name"),
    ("parent.executable", Form::Path, "parent.name"),
    ("file.path", Form::Path, "file.name"),
    ("dll.path", Form::Path, "dll.name"),
    ("file.directory", Form::Folder, "file.path"),
    ("file.extension", Form::Extension, "file.name"),
    ("user.name", Form::Account, "user.domain"),
    ("user.domain", Form::Domain, "user.name"),
    ("user.id", Form::Sid, "user.name"),
    ("original_name", Form::Word, ""),
    ("parent.original_name", Form::Word, ""),
    ("host.name", Form::Word, ""),
    ("destination.domain", Form::Word, ""),
    ("command_line", Form::Line, ""),
    ("parent.command_line", Form::Line, ""),
];

/// What logs write in place of a path for processes of the kernel.
const WITHOUT_PATH: [&str; 8] =
    ["System", "Registry", "MemCompression", "Secure System", "vmmem", "Idle", "[System Process]", "<unknown process>"];

/// Why a value never occurs, and the tests that were meant instead: on the field itself or on the other one.
#[derive(Debug, PartialEq, Eq)]
struct Wrong {
    why: &'static str,
    meant: Vec<(Field, Compare, String)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Own,
    Other,
}

/// Warns of values that a field never holds.
pub(super) fn check(
    l: &mut Lower,
    (field, path): (FieldRef, &Path),
    (op, cased): (Compare, bool),
    texts: &[(&str, Span)],
    (operand, span): (Operand, Span),
) {
    // A `let` alone does not say on which systems it is used. Its users do.
    if l.alone {
        return;
    }
    let Some((own, form, other)) = FORMS.iter().find(|(name, ..)| *name == field.id.short()) else { return };
    for (text, at) in texts {
        let Some(wrong) = wrong(*form, op, text, l.place.os) else { continue };
        let verb = match op {
            Compare::Is => "is never".to_owned(),
            Compare::Text(TextOp::Contains) => "never contains".to_owned(),
            Compare::Text(TextOp::StartsWith) => "never starts with".to_owned(),
            Compare::Text(TextOp::EndsWith) => "never ends with".to_owned(),
            Compare::Text(_) => "is never like".to_owned(),
        };
        let message = format!("`{}` {verb} `{text}`", path.dotted());
        let diagnostic = Diagnostic::new(Code::NeverHolds, message).at(*at, wrong.why);
        let step = path.parts.first().filter(|p| l.place.steps.iter().any(|s| s.name == p.text));
        let step = step.map_or_else(String::new, |p| format!("{}.", p.text));
        let tests: Option<Vec<String>> = wrong
            .meant
            .iter()
            .map(|(field, op, value)| {
                let name = if *field == Field::Own { own } else { other };
                Some(format!("{step}{name} {} {}", word(*op, cased), literal(value)?))
            })
            .collect();
        let Some(tests) = tests.filter(|tests| !tests.is_empty()) else {
            l.report.push(used(diagnostic, operand));
            continue;
        };
        let whole = if let [one] = tests.as_slice() { one.clone() } else { format!("({})", tests.join(" and ")) };
        let cure = format!("write `{}`", tests.join(" and "));
        let patched = match (operand.single, wrong.meant.as_slice()) {
            (true, _) => diagnostic.patch(cure.clone(), span, whole),
            (false, [(Field::Own, same, value)]) if *same == op => {
                let element = literal(value).unwrap_or_default();
                diagnostic.patch(format!("write `{element}`"), *at, element)
            }
            _ => diagnostic,
        };
        let diagnostic = used(patched, operand);
        l.report.push(if diagnostic.help.is_empty() { diagnostic.help(cure) } else { diagnostic });
    }
}

/// An operator as it is written.
fn word(op: Compare, cased: bool) -> String {
    let word = match op {
        Compare::Is => "is",
        Compare::Text(op) => op.word(),
    };
    if cased { format!("{word} cased") } else { word.to_owned() }
}

/// A text in quotes; `None` for one with characters that nobody would see.
fn literal(text: &str) -> Option<String> {
    match text {
        _ if text.chars().any(char::is_control) => None,
        _ if text.contains(['\\', '"']) => Some(format!("'{}'", text.replace('\'', "''"))),
        _ => Some(format!("\"{text}\"")),
    }
}

fn wrong(form: Form, op: Compare, text: &str, os: &[Os]) -> Option<Wrong> {
    if matches!(op, Compare::Text(TextOp::Matches | TextOp::Under)) {
        return None;
    }
    let windows = os.contains(&Os::Windows);
    let is_separator = |c: char| c == '/' || (c == '\\' && windows);
    if let Some(pattern) = as_pattern(form, op, text) {
        let why = "`*` and `?` are wildcards in `like` only";
        let meant = wrong(form, LIKE, &pattern, os).map_or(vec![(Field::Own, LIKE, pattern)], |deeper| deeper.meant);
        return Some(Wrong { why, meant });
    }
    let found = |why, meant: Vec<(Field, Compare, String)>| Some(Wrong { why, meant });
    match form {
        Form::Name if text.contains(is_separator) => {
            found("a name has no folder in front of it", name(op, text, is_separator))
        }
        Form::Path | Form::Folder => path(form, op, text, is_separator),
        Form::Extension if text.contains('.') => found("an extension has no dot", extension(op, text)),
        Form::Account if windows && text.contains('\\') => {
            found("the name of an account has no domain", account(op, text))
        }
        Form::Domain if windows && text.contains('\\') => {
            let meant = match text.strip_suffix('\\') {
                Some(domain) if !domain.contains('\\') => {
                    vec![(Field::Own, if op == ENDS { ENDS } else { Compare::Is }, domain.to_owned())]
                }
                _ => account(op, text).into_iter().map(|(field, op, text)| (field.swapped(), op, text)).collect(),
            };
            found("the name of a domain has no backslash", meant)
        }
        Form::Sid if os == [Os::Windows] && matches!(op, Compare::Is | STARTS) && !is_sid(text) => {
            found("on Windows, an id is a SID, such as S-1-5-18", vec![(Field::Other, op, text.to_owned())])
        }
        _ => None,
    }
}

impl Field {
    fn swapped(self) -> Field {
        if self == Field::Own { Field::Other } else { Field::Own }
    }
}

/// The pattern that was meant by a text with wildcards, where the field cannot hold them as characters.
fn as_pattern(form: Form, op: Compare, text: &str) -> Option<String> {
    let wild = match form {
        _ if op == LIKE => false,
        Form::Line => text.starts_with('*') && matches!(op, Compare::Is | STARTS),
        // Logs write `?:\` for a drive that they do not know.
        Form::Path | Form::Folder | Form::Sid => text.contains('*'),
        _ => text.contains(['*', '?']),
    };
    let text = text.replace('[', "[[]");
    let pattern = match op {
        CONTAINS => format!("*{text}*"),
        STARTS => format!("{text}*"),
        ENDS => format!("*{text}"),
        _ => text,
    };
    wild.then(|| pattern.replace("**", "*").replace("**", "*"))
}

/// What was meant by a name with a folder.
fn name(op: Compare, text: &str, is_separator: impl Fn(char) -> bool) -> Vec<(Field, Compare, String)> {
    let at = text.rfind(&is_separator).map_or(0, |at| at + 1);
    let (folder, last) = text.split_at(at);
    let folder = folder.trim_end_matches(&is_separator);
    let bare = folder.is_empty() || (op == LIKE && folder == "*");
    let meant = match op {
        _ if last.is_empty() && op != LIKE => (Field::Other, CONTAINS, text.to_owned()),
        Compare::Is | ENDS if bare => (Field::Own, Compare::Is, last.to_owned()),
        STARTS | CONTAINS if bare => (Field::Own, STARTS, last.to_owned()),
        LIKE if bare && !last.is_empty() => plainest(Field::Own, last),
        Compare::Is if can_start_path(text) => (Field::Other, Compare::Is, text.to_owned()),
        Compare::Is => (Field::Other, ENDS, led(text, &is_separator)),
        _ => (Field::Other, op, text.to_owned()),
    };
    vec![meant]
}

/// What is wrong with a path that starts with no drive or root, or a folder that ends with a separator.
fn path(form: Form, op: Compare, text: &str, is_separator: impl Fn(char) -> bool) -> Option<Wrong> {
    let folder = form == Form::Folder;
    let found = |why, field, op, text: String| Some(Wrong { why, meant: vec![(field, op, text)] });
    if matches!(op, Compare::Is | ENDS) && text.ends_with(&is_separator) && text.chars().count() > 3 {
        let bare = text.trim_end_matches(&is_separator).to_owned();
        return match folder {
            true => found("a folder has no separator at its end", Field::Own, op, bare),
            false => found(
                "a path ends with the name of a file",
                Field::Own,
                if op == ENDS { CONTAINS } else { STARTS },
                text.to_owned(),
            ),
        };
    }
    let why = "a path starts with its drive or root";
    let has_folder = text.contains(&is_separator);
    let start = match op {
        LIKE => match Glob::parse(text).ok()?.parts.into_iter().next()? {
            Part::Literal(start) => start,
            Part::Any | Part::One => return None,
        },
        _ => text.to_owned(),
    };
    let known = |exactly: bool| {
        let is = |name: &&str| match exactly {
            true => name.eq_ignore_ascii_case(text),
            false => name.to_ascii_lowercase().starts_with(&start.to_ascii_lowercase()),
        };
        WITHOUT_PATH.iter().any(is)
    };
    let fits = match op {
        Compare::Is => known(true) || text.contains(':') || (has_folder && can_start_path(text)),
        STARTS | LIKE => known(false) || can_start_path(&start),
        _ => true,
    };
    if fits {
        return None;
    }
    // One separator in front belongs to the end of a path.
    let is_name = !folder && !text.chars().skip(1).any(&is_separator);
    let (field, op, text) = match op {
        Compare::Is if is_name => (Field::Other, op, text.trim_start_matches(&is_separator).to_owned()),
        Compare::Is => (Field::Own, ENDS, led(text, &is_separator)),
        STARTS if is_name && !has_folder => (Field::Other, op, text.to_owned()),
        STARTS => (Field::Own, CONTAINS, led(text, &is_separator)),
        _ if is_name && !has_folder => plainest(Field::Other, text),
        _ => (Field::Own, LIKE, format!("*{}", led(text, &is_separator))),
    };
    found(why, field, op, text)
}

/// Whether a full path can start with this text: with a drive, a root, a server or a device.
fn can_start_path(text: &str) -> bool {
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some('/') | None, _) => true,
        (Some('\\'), None | Some('\\')) => true,
        (Some('\\'), _) => {
            let text = text.to_ascii_lowercase();
            let known = |lead: &&str| lead.starts_with(&text) || text.starts_with(lead);
            [r"\device\", r"\systemroot\", r"\??\"].iter().any(known)
        }
        (Some(drive), second) => (drive.is_ascii_alphabetic() || drive == '?') && second.is_none_or(|c| c == ':'),
    }
}

/// What was meant by an extension with a dot.
fn extension(op: Compare, text: &str) -> Vec<(Field, Compare, String)> {
    let bare = match op {
        LIKE => text.strip_prefix("*.").or(text.strip_prefix('.')),
        _ => text.strip_prefix('.'),
    };
    let dotted = if text.starts_with(['.', '*']) { text.to_owned() } else { format!(".{text}") };
    vec![match (op, bare.filter(|bare| !bare.is_empty() && !bare.contains('.'))) {
        (Compare::Is | ENDS, Some(bare)) => (Field::Own, Compare::Is, bare.to_owned()),
        (STARTS | CONTAINS, Some(bare)) => (Field::Own, STARTS, bare.to_owned()),
        (_, Some(bare)) => plainest(Field::Own, bare),
        (Compare::Is | ENDS, None) => (Field::Other, ENDS, dotted),
        (STARTS | CONTAINS, None) => (Field::Other, CONTAINS, text.to_owned()),
        (_, None) => (Field::Other, LIKE, format!("*{dotted}").replace("**", "*")),
    }]
}

/// What was meant by an account with its domain.
fn account(op: Compare, text: &str) -> Vec<(Field, Compare, String)> {
    let (domain, name) = text.rsplit_once('\\').unwrap_or(("", text));
    let (for_domain, for_name) = match op {
        Compare::Is => (Compare::Is, Compare::Is),
        STARTS => (Compare::Is, STARTS),
        ENDS => (ENDS, Compare::Is),
        CONTAINS => (ENDS, STARTS),
        _ => (LIKE, LIKE),
    };
    let any = |part: &str| part.is_empty() || (op == LIKE && part == "*") || (op == Compare::Is && part == ".");
    let test = |field, op, part: &str| match op {
        LIKE => plainest(field, part),
        _ => (field, op, part.to_owned()),
    };
    let domain = (!any(domain)).then(|| test(Field::Other, for_domain, domain));
    let name = (!any(name)).then(|| test(Field::Own, for_name, name));
    domain.into_iter().chain(name).collect()
}

/// A pattern as `is` if it has no wildcards.
fn plainest(field: Field, pattern: &str) -> (Field, Compare, String) {
    match Glob::parse(pattern).map(|glob| glob.parts) {
        Ok(parts) => match parts.as_slice() {
            [Part::Literal(text)] => (field, Compare::Is, text.clone()),
            _ => (field, LIKE, pattern.to_owned()),
        },
        Err(_) => (field, LIKE, pattern.to_owned()),
    }
}

/// A text with a separator in front.
fn led(text: &str, is_separator: impl Fn(char) -> bool) -> String {
    let usual = if is_separator('\\') { '\\' } else { '/' };
    let separator = text.chars().find(|c| is_separator(*c)).unwrap_or(usual);
    if text.starts_with(is_separator) { text.to_owned() } else { format!("{separator}{text}") }
}

/// Whether a SID can start with this text.
fn is_sid(text: &str) -> bool {
    let text = text.to_ascii_uppercase();
    text.starts_with("S-1-") || "S-1-".starts_with(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The meant form: of the own field `own`, of the other one `other`.
    fn meant(form: Form, op: Compare, text: &str, os: &[Os]) -> Option<String> {
        let wrong = wrong(form, op, text, os)?;
        let test = |(field, op, value): &(Field, Compare, String)| {
            format!(
                "{} {} {}",
                if *field == Field::Own { "own" } else { "other" },
                word(*op, false),
                literal(value).unwrap_or_default()
            )
        };
        Some(wrong.meant.iter().map(test).collect::<Vec<_>>().join(" and "))
    }

    #[test]
    fn each_form_knows_what_was_meant() {
        for (form, op, text, wanted) in [
            (Form::Name, Compare::Is, r"\7z.exe", r#"own is "7z.exe""#),
            (Form::Name, Compare::Is, r"C:\x\7z.exe", r"other is 'C:\x\7z.exe'"),
            (Form::Name, Compare::Is, r"x\7z.exe", r"other ends with '\x\7z.exe'"),
            (Form::Name, ENDS, r"\7z.exe", r#"own is "7z.exe""#),
            (Form::Name, ENDS, r"\x\7z.exe", r"other ends with '\x\7z.exe'"),
            (Form::Name, STARTS, r"\7z", r#"own starts with "7z""#),
            (Form::Name, CONTAINS, r"\Temp\", r"other contains '\Temp\'"),
            (Form::Name, LIKE, r"*\7z.exe", r#"own is "7z.exe""#),
            (Form::Name, LIKE, r"*\7z*.exe", r#"own like "7z*.exe""#),
            (Form::Name, LIKE, r"C:\*\7z.exe", r"other like 'C:\*\7z.exe'"),
            (Form::Name, Compare::Is, "*7z*", r#"own like "*7z*""#),
            (Form::Name, Compare::Is, r"*\7z.exe", r#"own is "7z.exe""#),
            (Form::Name, CONTAINS, "7z?a", r#"own like "*7z?a*""#),
            (Form::Name, ENDS, "*[1].exe", r#"own like "*[[]1].exe""#),
            (Form::Path, Compare::Is, "7z.exe", r#"other is "7z.exe""#),
            (Form::Path, Compare::Is, r"\7z.exe", r#"other is "7z.exe""#),
            (Form::Path, Compare::Is, r"x\7z.exe", r"own ends with '\x\7z.exe'"),
            (Form::Path, Compare::Is, r"é\7z.exe", r"own ends with '\é\7z.exe'"),
            (Form::Path, Compare::Is, r"C:\*\7z.exe", r"own like 'C:\*\7z.exe'"),
            (Form::Path, STARTS, "7z", r#"other starts with "7z""#),
            (Form::Path, STARTS, r"Users\", r"own contains '\Users\'"),
            (Form::Path, ENDS, r"\Temp\", r"own contains '\Temp\'"),
            (Form::Path, LIKE, "7z*.exe", r#"other like "7z*.exe""#),
            (Form::Path, LIKE, r"x\7z*.exe", r"own like '*\x\7z*.exe'"),
            (Form::Folder, Compare::Is, r"C:\Temp\", r"own is 'C:\Temp'"),
            (Form::Folder, Compare::Is, "Temp", r"own ends with '\Temp'"),
            (Form::Folder, ENDS, r"\Temp\", r"own ends with '\Temp'"),
            (Form::Extension, Compare::Is, ".zip", r#"own is "zip""#),
            (Form::Extension, ENDS, ".zip", r#"own is "zip""#),
            (Form::Extension, Compare::Is, "tar.gz", r#"other ends with ".tar.gz""#),
            (Form::Extension, LIKE, "*.zip", r#"own is "zip""#),
            (Form::Extension, Compare::Is, "z*", r#"own like "z*""#),
            (Form::Account, Compare::Is, r"CORP\kim", r#"other is "CORP" and own is "kim""#),
            (Form::Account, Compare::Is, r".\kim", r#"own is "kim""#),
            (Form::Account, ENDS, r"\kim", r#"own is "kim""#),
            (Form::Account, STARTS, r"CORP\", r#"other is "CORP""#),
            (Form::Account, LIKE, r"*\adm*", r#"own like "adm*""#),
            (Form::Domain, Compare::Is, r"CORP\", r#"own is "CORP""#),
            (Form::Domain, Compare::Is, r"CORP\kim", r#"own is "CORP" and other is "kim""#),
            (Form::Sid, Compare::Is, "SYSTEM", r#"other is "SYSTEM""#),
            (Form::Word, Compare::Is, "7z*", r#"own like "7z*""#),
            (Form::Line, Compare::Is, "*7z*", r#"own like "*7z*""#),
        ] {
            assert_eq!(meant(form, op, text, &[Os::Windows]).as_deref(), Some(wanted), "{form:?} {op:?} {text}");
        }
    }

    #[test]
    fn what_a_log_may_hold_is_no_mistake() {
        for (form, op, text) in [
            (Form::Name, Compare::Is, "7z.exe"),
            (Form::Name, LIKE, "*7z*"),
            (Form::Path, Compare::Is, r"C:\x\7z.exe"),
            (Form::Path, Compare::Is, r"?:\x\7z.exe"),
            (Form::Path, Compare::Is, r"\\srv\x\7z.exe"),
            (Form::Path, Compare::Is, r"\Device\HarddiskVolume3\7z.exe"),
            (Form::Path, Compare::Is, "/usr/bin/7z"),
            (Form::Path, Compare::Is, "System"),
            (Form::Path, STARTS, "C"),
            (Form::Path, STARTS, "Sys"),
            (Form::Path, STARTS, r"\"),
            (Form::Path, ENDS, r"\7z.exe"),
            (Form::Path, CONTAINS, r"\Temp\"),
            (Form::Path, LIKE, r"*\7z.exe"),
            (Form::Folder, Compare::Is, r"C:\"),
            (Form::Folder, Compare::Is, r"C:\Temp"),
            (Form::Folder, ENDS, "Temp"),
            (Form::Extension, Compare::Is, "zip"),
            (Form::Account, Compare::Is, "kim"),
            (Form::Account, Compare::Is, "kim@corp.example"),
            (Form::Sid, Compare::Is, "s-1-5-18"),
            (Form::Sid, STARTS, "S-"),
            (Form::Line, Compare::Is, "7z a x.7z *"),
            (Form::Line, CONTAINS, "*.zip"),
        ] {
            assert_eq!(meant(form, op, text, &[Os::Windows]), None, "{form:?} {op:?} {text}");
        }
        // On Linux, a backslash is a character of names, and an id is a number.
        for (form, text) in [(Form::Name, r"a\b"), (Form::Account, r"CORP\kim"), (Form::Sid, "0")] {
            assert_eq!(meant(form, Compare::Is, text, &[Os::Linux]), None, "{form:?} {text}");
        }
        assert_eq!(
            meant(Form::Name, Compare::Is, "/usr/bin/7z", &[Os::Linux]).as_deref(),
            Some(r#"other is "/usr/bin/7z""#)
        );
    }
}
