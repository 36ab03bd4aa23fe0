//! Questions about arguments, and folders of paths, read by hand: the second half of the procedural reading.

use super::reading::{argument_starts, is_complete, is_quote, is_white, one_argument, opened};
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

/// Whether some argument of a command line answers the question with yes.
pub fn some_argument(line: &str, ask: &Ask, cased: bool) -> bool {
    argument_starts(line).into_iter().map(one_argument).any(|a| match ask {
        Ask::Exists => !a.is_empty(),
        Ask::Is(value) => whole(a, |text| folded(text, cased) == folded(value, cased)),
        Ask::Like(pattern) => {
            let parts = Glob::parse(pattern).expect("a pattern").parts;
            whole(a, |text| glob(&parts, text, cased, &|c| c != '"'))
        }
        Ask::StartsWith(value) => starts_with(a, value, cased),
        Ask::EndsWith(value) => ends_with(a, value, cased),
        Ask::Contains(value) => folded(a, cased).contains(&folded(value, cased)),
        Ask::Under(folder) => under(a, &Folder::parse(folder), cased),
        Ask::IsUnc => opened(a).any(names_a_share),
        Ask::IsStream => names_a_stream(a),
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

/// An open quote has no end.
fn ends_with(argument: &str, value: &str, cased: bool) -> bool {
    if argument.matches('"').count() % 2 == 1 {
        return false;
    }
    let (text, value) = (folded(argument, cased), folded(value, cased));
    let bare = |text: &str| text.ends_with(&value) && !value.contains(is_white);
    text.strip_suffix('"').is_some_and(|inner| inner.ends_with(&value))
        || bare(&text)
        || text.strip_suffix('\'').is_some_and(bare)
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
    /// A separator, or two.
    Separators,
    /// A drive, which is the first part.
    Drive,
}

impl Folder {
    /// Reads `C:\x`, `\\srv\x`, `/x`, `:\x` or `x\y`.
    pub fn parse(text: &str) -> Folder {
        let (root, rest) = match text.strip_prefix(':') {
            Some(rest) => (Root::AnyDrive, rest),
            None if text.starts_with(is_separator) => (Root::Separators, text),
            None if text.get(1..2) == Some(":") => (Root::Drive, text),
            None => (Root::None, text),
        };
        Folder { root, parts: rest.split(is_separator).filter(|p| !p.is_empty()).map(str::to_owned).collect() }
    }

    fn is_rooted(&self) -> bool {
        !matches!(self.root, Root::None)
    }

    fn has_white(&self) -> bool {
        self.parts.iter().any(|p| p.contains(is_white))
    }

    /// What follows the folder in a text that begins with it.
    fn behind<'t>(&self, text: &'t str, cased: bool) -> Option<&'t str> {
        let mut rest = match self.root {
            Root::None | Root::Drive => text,
            Root::Separators => some_separators(text)?,
            Root::AnyDrive => {
                let rest = text.strip_prefix(|c: char| c.is_ascii_alphabetic())?.strip_prefix(':')?;
                some_separators(rest)?
            }
        };
        for (i, part) in self.parts.iter().enumerate() {
            if i > 0 {
                rest = some_separators(rest)?;
            }
            rest = behind(rest, part, cased)?;
        }
        Some(rest)
    }
}

fn some_separators(text: &str) -> Option<&str> {
    text.starts_with(is_separator).then(|| text.trim_start_matches(is_separator))
}

/// Whether a path is the folder or lies below it.
pub fn path_under(path: &str, folder: &Folder, cased: bool) -> bool {
    let ends = |rest: &str| rest.is_empty() || rest.starts_with(|c| is_separator(c) || c == '\n');
    let begins =
        path.char_indices().filter(|(at, _)| *at == 0 || !folder.is_rooted() && path[..*at].ends_with(is_separator));
    begins.into_iter().any(|(at, _)| folder.behind(&path[at..], cased).is_some_and(ends))
}

/// A rooted folder begins the argument. One without a root may also stand behind a separator, or at the beginning of
/// any quoted stretch. One with white space stands in quotes only.
fn under(argument: &str, folder: &Folder, cased: bool) -> bool {
    let ends_quoted = |rest: &str| rest.is_empty() || rest.starts_with(|c| is_separator(c) || c == '"' || c == '\n');
    let ends_bare = |rest: &str| is_complete(rest) || rest.starts_with(is_separator);
    let mut inside = false;
    let mut before = None;
    for (at, c) in argument.char_indices().chain([(argument.len(), '\0')]) {
        let first = at == 0 || at == 1 && before == Some('\'');
        let stretch = inside && before == Some('"');
        let may_begin = match folder.is_rooted() {
            true => first && !inside || stretch && at == 1,
            false => first && !inside || stretch || before.is_some_and(is_separator),
        };
        if may_begin && (inside || !folder.has_white()) {
            let ends: &dyn Fn(&str) -> bool = if inside { &ends_quoted } else { &ends_bare };
            if folder.behind(&argument[at..], cased).is_some_and(ends) {
                return true;
            }
        }
        inside ^= c == '"';
        before = Some(c);
    }
    false
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
