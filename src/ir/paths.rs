//! Folders of `under`: text in a path, and a regular expression in a command line.
//!
//! Recorders write paths with their system's separators, each once. So a path lies under a folder if it contains, or begins
//! with, the folder's text between separators, which every index serves.

use super::regex::{Cheap, alternatives, escape};
use super::{FieldRef, Matcher, Op, Pred, Test, Text};
use crate::source::Span;
use crate::vocabulary::Os;

/// Where a folder begins.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Root {
    /// `:\x`: on any drive.
    AnyDrive,
    /// `C:\x`
    Drive(char),
    /// `\\server\share`
    Share,
    /// `/x` or `\x`, with that separator.
    Top(char),
    /// `x\y`: anywhere in a path.
    Anywhere,
}

impl Root {
    /// The regular expression of what stands before the first part, in a command line.
    #[must_use]
    pub fn pattern(&self) -> String {
        match self {
            Root::AnyDrive => format!(":{SEPARATORS}"),
            Root::Drive(letter) => format!("{letter}:{SEPARATORS}"),
            Root::Share => r"[\\/]{2}".to_owned(),
            Root::Top('/') => "/+".to_owned(),
            Root::Top(_) => r"\\+".to_owned(),
            Root::Anywhere => String::new(),
        }
    }
}

/// A folder as `under` takes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    root: Root,
    parts: Vec<String>,
}

const SEPARATORS: &str = r"[\\/]+";

impl Folder {
    /// Reads `C:\x`, `\\server\share`, `/x`, `:\x` (any drive) or `x\y` (anywhere).
    #[must_use]
    pub fn parse(text: &str) -> Option<Folder> {
        let is_separator = |c: char| c == '\\' || c == '/';
        let mut chars = text.chars();
        let (root, rest) = match (chars.next()?, chars.next(), chars.next()) {
            (':', Some(second), _) if is_separator(second) => (Root::AnyDrive, text.get(2..)?),
            (':', ..) => return None,
            (letter, Some(':'), third) if letter.is_ascii_alphabetic() && third.is_none_or(is_separator) => {
                (Root::Drive(letter), text.get(2..)?)
            }
            (first, Some(second), _) if is_separator(first) && is_separator(second) => (Root::Share, text.get(2..)?),
            (first, ..) if is_separator(first) => (Root::Top(first), text),
            _ => (Root::Anywhere, text),
        };
        let parts: Vec<String> = rest.split(is_separator).filter(|p| !p.is_empty()).map(str::to_owned).collect();
        let named = !parts.is_empty() || matches!(root, Root::Drive(_));
        (named && !text.contains('"')).then_some(Folder { root, parts })
    }

    /// Where it begins.
    #[must_use]
    pub fn root(&self) -> &Root {
        &self.root
    }

    /// It is a whole drive.
    #[must_use]
    pub fn is_drive(&self) -> bool {
        self.parts.is_empty()
    }

    /// The regular expression of its parts, with any run of separators between them.
    #[must_use]
    fn below(&self) -> String {
        let parts: Vec<String> = self.parts.iter().map(|p| escape(p)).collect();
        parts.join(self.between())
    }

    /// What follows the root of any of some folders: folders that begin with the same part share it.
    #[must_use]
    pub fn any_below(folders: &[&Folder]) -> Vec<String> {
        let mut groups: Vec<(&str, Vec<Folder>)> = vec![];
        for folder in folders {
            let Some((first, rest)) = folder.parts.split_first() else { continue };
            let rest = Folder { root: folder.root.clone(), parts: rest.to_vec() };
            match groups.iter_mut().find(|(part, _)| part == first) {
                Some((_, all)) => all.push(rest),
                None => groups.push((first, vec![rest])),
            }
        }
        let piece = |(first, rests): (&str, Vec<Folder>)| match rests.as_slice() {
            [] => escape(first),
            [one] if one.parts.is_empty() => escape(first),
            [one] => format!("{}{}{}", escape(first), one.between(), one.below()),
            many if many.iter().any(|f| f.parts.is_empty()) => escape(first),
            many => {
                let below = alternatives(&Folder::any_below(&many.iter().collect::<Vec<_>>()));
                format!("{}{}{below}", escape(first), many.first().map_or(SEPARATORS, Folder::between))
            }
        };
        groups.into_iter().map(piece).collect()
    }

    fn between(&self) -> &'static str {
        match &self.root {
            Root::Top('/') => "/+",
            _ => SEPARATORS,
        }
    }

    /// A term that every path below it holds.
    #[must_use]
    pub fn term(&self) -> Option<Cheap> {
        self.parts.iter().filter_map(|p| term(p)).max_by_key(String::len).map(Cheap::Term)
    }

    /// Its text in paths of some systems, behind and in front of a separator; `None`: no such system has it.
    fn native(&self, windows: bool) -> Option<String> {
        let separator = if windows { "\\" } else { "/" };
        let root = match &self.root {
            Root::AnyDrive if windows => ":\\".to_owned(),
            Root::Drive(letter) if windows => format!("{letter}:\\"),
            Root::Share if windows => r"\\".to_owned(),
            Root::Top('/') if !windows => "/".to_owned(),
            Root::Top('\\') if windows => "\\".to_owned(),
            Root::Anywhere => separator.to_owned(),
            _ => return None,
        };
        let end = if self.parts.is_empty() { "" } else { separator };
        Some(format!("{root}{}{end}", self.parts.join(separator)))
    }
}

/// The longest run of three or more ASCII letters and digits that has nothing but ASCII signs beside it.
fn term(part: &str) -> Option<String> {
    part.split(|c: char| c.is_ascii() && !c.is_ascii_alphanumeric())
        .filter(|run| run.len() >= 3 && run.is_ascii())
        .max_by_key(|run| run.len())
        .map(str::to_owned)
}

/// A path of these systems lies in one of these folders. A field that holds a folder may be one of them itself.
#[must_use]
pub fn under(field: FieldRef, folders: &[Folder], os: &[Os], cased: bool, span: Span) -> Pred {
    let holds_folder = field.id.short().ends_with("working_directory");
    let (mut starts, mut contains, mut equals, mut ends) = (vec![], vec![], vec![], vec![]);
    let systems = [(true, os.contains(&Os::Windows)), (false, os.iter().any(|o| *o != Os::Windows))];
    for (windows, _) in systems.into_iter().filter(|(_, asked)| *asked) {
        for folder in folders {
            let Some(text) = folder.native(windows) else { continue };
            let itself = text.trim_end_matches(['\\', '/']).to_owned();
            let (below, alone) = match folder.root {
                Root::AnyDrive | Root::Anywhere => (&mut contains, &mut ends),
                _ => (&mut starts, &mut equals),
            };
            if holds_folder && !itself.is_empty() {
                alone.push(itself);
            }
            below.push(text);
        }
    }
    let test = |(matcher, some): (Matcher, bool)| {
        let op = Op::Text(Text { matcher, all: false, cased });
        some.then_some(Pred::Test(Test { field, op, span }))
    };
    let some = [!starts.is_empty(), !contains.is_empty(), !equals.is_empty(), !ends.is_empty()];
    let all =
        [Matcher::StartsWith(starts), Matcher::Contains(contains), Matcher::Exact(equals), Matcher::EndsWith(ends)];
    Pred::or(all.into_iter().zip(some).filter_map(test))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Sources;
    use crate::vocabulary::FieldId;

    #[test]
    fn roots_are_told_apart() {
        let roots = [
            (r"C:\x", Root::Drive('C')),
            ("c:", Root::Drive('c')),
            (r"\\srv\x", Root::Share),
            ("//srv/x", Root::Share),
            ("/x", Root::Top('/')),
            (r"\x", Root::Top('\\')),
            (r":\x", Root::AnyDrive),
            (r"x\y", Root::Anywhere),
        ];
        for (text, root) in roots {
            assert_eq!(Folder::parse(text).map(|f| f.root), Some(root), "{text}");
        }
        for text in ["", ":", r":\", "/", r"\\", ":x", "a\"b"] {
            assert_eq!(Folder::parse(text), None, "{text}");
        }
    }

    fn tests(field: &str, folders: &[&str], os: &[Os]) -> Vec<Matcher> {
        let folders: Vec<Folder> = folders.iter().map(|t| Folder::parse(t).expect("a folder")).collect();
        let field = FieldRef { id: FieldId::find(field).expect("a field"), step: None };
        let mut out = vec![];
        let place = Span::new(Sources::default().add("x", ""), 0, 0);
        under(field, &folders, os, false, place).each_test(&mut |t| {
            if let Op::Text(text) = &t.op {
                out.push(text.matcher.clone());
            }
        });
        out
    }

    #[test]
    fn a_path_under_a_folder_is_told_by_text_with_separators_at_its_edges() {
        let texts = |all: &[&str]| all.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>();
        let folders = [r":\Program Files", "C:/data", r"\\srv\share", "/opt/x", r"AppData\Local"];
        assert_eq!(
            tests("executable", &folders, &[Os::Windows]),
            [
                Matcher::StartsWith(texts(&[r"C:\data\", r"\\srv\share\"])),
                Matcher::Contains(texts(&[r":\Program Files\", r"\AppData\Local\"])),
            ]
        );
        assert_eq!(
            tests("executable", &folders, &[Os::Linux]),
            [Matcher::StartsWith(texts(&["/opt/x/"])), Matcher::Contains(texts(&["/AppData/Local/"]))]
        );
    }

    #[test]
    fn a_field_that_holds_a_folder_may_be_the_folder_itself() {
        let texts = |text: &str| vec![text.to_owned()];
        assert_eq!(
            tests("process.working_directory", &[r":\Temp", r"D:\x"], &[Os::Windows]),
            [
                Matcher::StartsWith(texts(r"D:\x\")),
                Matcher::Contains(texts(r":\Temp\")),
                Matcher::Exact(texts(r"D:\x")),
                Matcher::EndsWith(texts(r":\Temp")),
            ]
        );
    }
}
