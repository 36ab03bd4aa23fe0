//! Folders of `under`, as regular expressions in which runs of `\` and `/` are alike.

use super::regex::{Cheap, Regex, alternatives, escape};
use crate::mutant::{Mutant, on};

/// A folder as `under` takes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    /// Its parts, joined so that any run of separators fits.
    pub pattern: String,
    /// It begins at a drive, a share or the root; else it may stand anywhere in a path.
    pub rooted: bool,
    /// A term that every path below it holds.
    pub term: Option<Cheap>,
    text: String,
}

const SEPARATORS: &str = r"[\\/]+";

impl Folder {
    /// Reads `C:\x`, `\\server\share`, `/x`, `:\x` (any drive) or `x\y` (anywhere).
    #[must_use]
    pub fn parse(text: &str) -> Option<Folder> {
        let is_separator = |c: char| c == '\\' || c == '/';
        let (root, rest) = if let Some(rest) = text.strip_prefix(':') {
            (format!("[A-Za-z]:{SEPARATORS}"), rest.strip_prefix(is_separator)?)
        } else if text.starts_with(is_separator) {
            (SEPARATORS.to_owned(), text)
        } else {
            (String::new(), text)
        };
        let parts: Vec<&str> = rest.split(is_separator).filter(|p| !p.is_empty()).collect();
        if parts.is_empty() || text.contains('"') {
            return None;
        }
        let drive = parts.first().is_some_and(|p| p.len() == 2 && p.ends_with(':'));
        let joined = parts.iter().map(|p| escape(p)).collect::<Vec<_>>();
        let joined = joined.join(if on(Mutant::UnderOneSeparator) { r"[\\/]" } else { SEPARATORS });
        Some(Folder {
            rooted: !root.is_empty() || drive,
            pattern: format!("{root}{joined}"),
            term: parts.iter().filter_map(|p| term(p)).max_by_key(String::len).map(Cheap::Term),
            text: text.to_owned(),
        })
    }

    /// Whether a part holds a blank.
    #[must_use]
    pub fn has_white_space(&self) -> bool {
        self.text.contains([' ', '\t', '\r', '\n'])
    }
}

/// The longest run of three or more ASCII letters and digits that has nothing but ASCII signs beside it.
fn term(part: &str) -> Option<String> {
    part.split(|c: char| c.is_ascii() && !c.is_ascii_alphanumeric())
        .filter(|run| run.len() >= 3 && run.is_ascii())
        .max_by_key(|run| run.len())
        .map(str::to_owned)
}

/// A path lies in one of these folders, or is one of them.
#[must_use]
pub fn under(folders: &[Folder], cased: bool) -> Regex {
    let pattern = |rooted: bool| {
        let some: Vec<String> = folders.iter().filter(|f| f.rooted == rooted).map(|f| f.pattern.clone()).collect();
        let before = if rooted { "^" } else { r"(?:^|[\\/])" };
        let end = if on(Mutant::UnderNeighbour) { "" } else { r"(?:[\\/\n]|$)" };
        (!some.is_empty()).then(|| format!("{before}{}{end}", alternatives(&some)))
    };
    let all: Vec<String> = [pattern(true), pattern(false)].into_iter().flatten().collect();
    let terms: Option<indexmap::IndexSet<Cheap>> = folders.iter().map(|f| f.term.clone()).collect();
    Regex {
        pattern: if all.len() == 1 { all.concat() } else { alternatives(&all) },
        cased,
        loose: false,
        implied: terms.unwrap_or_default().into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_are_told_apart() {
        for (text, rooted) in [(r"C:\x", true), (r"\\srv\x", true), ("/x", true), (r":\x", true), (r"x\y", false)] {
            assert_eq!(Folder::parse(text).map(|f| f.rooted), Some(rooted), "{text}");
        }
        assert_eq!(Folder::parse(""), None);
        assert_eq!(Folder::parse(r":\"), None);
    }

    #[test]
    fn under_takes_the_folder_itself_and_all_below_but_no_neighbour() {
        let folder = |t: &str| Folder::parse(t).expect("a folder");
        let regex = under(&[folder(r":\Program Files"), folder(r"AppData\Local")], false);
        let compiled = ::regex::Regex::new(&regex.full()).expect("valid");
        for path in
            [r"C:\Program Files\a.exe", "d:/PROGRAM FILES//x/y", r"C:\Program Files", r"C:\Users\k\AppData\Local\t"]
        {
            assert!(compiled.is_match(path), "{path}");
        }
        for path in [r"C:\Program Files (x86)\a", r"\C:\Program Files\a", r"C:\xAppData\Local\t", r"C:\AppData\Locals"]
        {
            assert!(!compiled.is_match(path), "{path}");
        }
    }
}
