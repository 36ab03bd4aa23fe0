//! Questions about arguments, and folders of paths, read by hand: the second half of the procedural reading.

use super::reading::{argument_starts, behind_program, is_complete, is_quote, is_white, one_argument, opened};
use super::text::{behind, folded, glob};
use arcanary::ir::pattern::Glob;

fn is_separator(c: char) -> bool {
    matches!(c, '\\' | '/')
}

/// A question about arguments: true if some argument answers it.
#[derive(Clone, Debug)]
pub enum Ask {
    /// Is there any?
    Exists,
    /// `argument is V`
    Is(String),
    /// `argument like P`
    Like(String),
    /// `argument starts with V`
    StartsWith(String),
    /// `argument ends with V`
    EndsWith(String),
    /// `argument contains V`
    Contains(String),
    /// `argument under D`
    Under(String),
    /// `argument.is_unc`
    IsUnc,
    /// `argument.is_stream`
    IsStream,
}

/// Whether a command line answers the question with yes: some argument of it does, or the text behind the program.
pub fn some_argument(line: &str, ask: &Ask, cased: bool) -> bool {
    let behind = || behind_program(line);
    match ask {
        Ask::EndsWith(value) => return behind().is_some_and(|text| ends_with(text, value, cased)),
        Ask::Contains(value) => return behind().is_some_and(|t| folded(t, cased).contains(&folded(value, cased))),
        Ask::Under(folder) => return behind().is_some_and(|text| under(text, &Folder::parse(folder), cased)),
        _ => {}
    }
    argument_starts(line).into_iter().map(one_argument).any(|a| match ask {
        Ask::Exists => !a.is_empty(),
        Ask::Is(value) => whole(a, |text| folded(text, cased) == folded(value, cased)),
        Ask::Like(pattern) => {
            let parts = Glob::parse(pattern).expect("a pattern").parts;
            whole(a, |text| glob(&parts, text, cased, &|c| c != '"'))
        }
        Ask::StartsWith(value) => starts_with(a, value, cased),
        Ask::IsUnc => opened(a).any(names_a_share),
        Ask::IsStream => names_a_stream(a),
        Ask::EndsWith(_) | Ask::Contains(_) | Ask::Under(_) => unreachable!("asked of the whole text"),
    })
}

/// All of an argument without its quotes: between two double ones; or from its start, behind one `'` or not, to its
/// end or to a `'`.
fn whole(argument: &str, fits: impl Fn(&str) -> bool) -> bool {
    let quoted = argument.strip_prefix('"').and_then(|a| a.strip_suffix('"'));
    if quoted.is_some_and(|inner| !inner.contains('"') && fits(inner)) {
        return true;
    }
    [Some(argument), argument.strip_prefix('\'')].into_iter().flatten().any(|text| {
        let ends = text.match_indices('\'').map(|(at, _)| at).chain([text.len()]);
        ends.into_iter().any(|end| !text[..end].contains(is_white) && fits(&text[..end]))
    })
}

/// A value with white space is looked for within quotes only.
fn starts_with(argument: &str, value: &str, cased: bool) -> bool {
    if value.contains(is_white) {
        return argument.strip_prefix('"').is_some_and(|a| behind(a, value, cased).is_some());
    }
    opened(argument).any(|a| behind(a, value, cased).is_some())
}

/// The text somewhere, and a name ends behind it.
fn ends_with(text: &str, value: &str, cased: bool) -> bool {
    text.char_indices().any(|(at, _)| behind(&text[at..], value, cased).is_some_and(is_complete))
}

/// A folder of `under`.
pub struct Folder {
    root: Root,
    parts: Vec<String>,
}

enum Root {
    /// It may stand anywhere.
    None,
    /// Of any drive.
    AnyDrive,
    /// Of this drive.
    Drive(String),
    /// Two separators.
    Share,
    /// One separator, this one.
    Top(char),
}

impl Folder {
    /// Reads `C:\x`, `\\srv\x`, `/x`, `:\x` or `x\y`.
    pub fn parse(text: &str) -> Folder {
        let first = text.chars().next().expect("a folder");
        let (root, rest) = if let Some(rest) = text.strip_prefix(':') {
            (Root::AnyDrive, rest)
        } else if text.get(1..2) == Some(":") {
            (Root::Drive(text[..2].to_owned()), &text[2..])
        } else if is_separator(first) && text[1..].starts_with(is_separator) {
            (Root::Share, &text[2..])
        } else if is_separator(first) {
            (Root::Top(first), text)
        } else {
            (Root::None, text)
        };
        Folder { root, parts: rest.split(is_separator).filter(|p| !p.is_empty()).map(str::to_owned).collect() }
    }

    /// What follows the folder in a text that begins with it. Runs of separators are one.
    fn behind<'t>(&self, text: &'t str, cased: bool) -> Option<&'t str> {
        let slash = matches!(self.root, Root::Top('/'));
        let separators = |text: &'t str| {
            let fits = |c: char| if slash { c == '/' } else { is_separator(c) };
            text.starts_with(fits).then(|| text.trim_start_matches(fits))
        };
        let mut rest = match &self.root {
            Root::None => text,
            Root::AnyDrive => separators(text.strip_prefix(':')?)?,
            Root::Drive(drive) => separators(behind(text, drive, cased)?)?,
            Root::Share => text.strip_prefix(is_separator)?.strip_prefix(is_separator)?,
            Root::Top(sign) => text.starts_with(*sign).then(|| text.trim_start_matches(*sign))?,
        };
        for (i, part) in self.parts.iter().enumerate() {
            if i > 0 {
                rest = separators(rest)?;
            }
            rest = behind(rest, part, cased)?;
        }
        Some(rest)
    }

    /// Whether it may begin behind this text: what stands between the program and it.
    fn may_follow(&self, before: &str) -> bool {
        let Some(last) = before.chars().next_back() else {
            return true;
        };
        match self.root {
            Root::AnyDrive | Root::Drive(_) => true,
            Root::None => is_separator(last) || is_white(last) || matches!(last, '"' | '\'' | '=' | ':'),
            Root::Share => !is_separator(last) && last != ':',
            // A slash behind a name goes on a path, behind a switch of one letter it begins one.
            Root::Top(_) => {
                let switch = before.strip_suffix(|c: char| c.is_ascii_alphabetic()).and_then(|b| b.strip_suffix('-'));
                is_white(last)
                    || matches!(last, '"' | '\'' | '=' | ':' | ',' | '@' | '(')
                    || switch.is_some_and(|b| b.is_empty() || b.ends_with(is_white))
            }
        }
    }

    /// Its text in a path of one system, with a separator behind it; `None`: no path there begins so.
    fn in_paths(&self, windows: bool) -> Option<(String, bool)> {
        let separator = if windows { "\\" } else { "/" };
        let below = format!("{}{separator}", self.parts.join(separator));
        let below = if self.parts.is_empty() { String::new() } else { below };
        match &self.root {
            Root::None => Some((format!("{separator}{below}"), false)),
            Root::AnyDrive => windows.then(|| (format!(":\\{below}"), false)),
            Root::Drive(drive) => windows.then(|| (format!("{drive}\\{below}"), true)),
            Root::Share => windows.then(|| (format!(r"\\{below}"), true)),
            Root::Top(sign) => (windows == (*sign == '\\')).then(|| (format!("{sign}{below}"), true)),
        }
    }
}

/// Whether a path as a recorder of this system writes it lies below the folder.
pub fn path_under(path: &str, folder: &Folder, windows: bool, cased: bool) -> bool {
    folder.in_paths(windows).is_some_and(|(text, first)| {
        let mut places = path.char_indices().filter(|(at, _)| !first || *at == 0);
        places.any(|(at, _)| behind(&path[at..], &text, cased).is_some())
    })
}

/// Somewhere behind the program a path names the folder, or something below it.
fn under(text: &str, folder: &Folder, cased: bool) -> bool {
    let drive = folder.parts.is_empty();
    let ends = |rest: &str| drive || is_complete(rest) || rest.starts_with(is_separator);
    text.char_indices()
        .any(|(at, _)| folder.may_follow(&text[..at]) && folder.behind(&text[at..], cased).is_some_and(ends))
}

/// `\\server\share`, but no `\\?\` and no `\\.\`.
fn names_a_share(argument: &str) -> bool {
    let ends = |c: char| is_separator(c) || is_white(c) || is_quote(c);
    let Some(server) = argument.strip_prefix(is_separator).and_then(|a| a.strip_prefix(is_separator)) else {
        return false;
    };
    if server.starts_with(['?', '.']) {
        return false;
    }
    let end = server.find(ends).unwrap_or(server.len());
    let share = server[end..].strip_prefix(is_separator);
    end > 0 && share.is_some_and(|share| share.starts_with(|c| !ends(c)))
}

/// `file:stream`: a name of two characters or more behind a drive or not, a colon, and something that is no path.
fn names_a_stream(argument: &str) -> bool {
    let (quoted, text) = argument.strip_prefix('"').map_or((false, argument), |inner| (true, inner));
    let outside = |c: char| {
        if quoted { c == '"' } else { is_white(c) || is_quote(c) }
    };
    let mut ways = vec![text];
    if text.starts_with(|c: char| c.is_ascii_alphabetic()) && text[1..].starts_with(':') {
        ways.push(&text[2..]);
    }
    ways.into_iter().any(|text| {
        let Some((name, stream)) = text.split_once(':') else {
            return false;
        };
        let is_name = name.chars().count() >= 2
            && !name.starts_with(['-', '/'])
            && !name.contains(|c| outside(c) || "*<>?|".contains(c));
        is_name && stream.starts_with(|c| !is_white(c) && !is_quote_of(c, quoted) && !"*/:<>?\\|".contains(c))
    })
}

/// Within double quotes a single one is a character like others.
fn is_quote_of(c: char, quoted: bool) -> bool {
    c == '"' || c == '\'' && !quoted
}
