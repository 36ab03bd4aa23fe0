//! Names of files, and names that become such, on every system.

use crate::escape::is_unclean;

/// The name of a project's file.
pub const PROJECT: &str = "arcanary.yaml";
/// The name of the index of a repository of packs.
pub const PACK_INDEX: &str = "index.json";

/// The longest name of a rule, target or macro, in characters: some file systems take 255 bytes, and documents put words
/// around it.
pub const LONGEST: usize = 100;

/// Whether Windows takes a name for a device's, whatever extension it has.
#[must_use]
pub fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or("").trim_end_matches(' ').to_ascii_lowercase();
    // <https://learn.microsoft.com/en-us/windows/win32/fileio/naming-a-file>: digits that stand above the line count, too.
    let numbers = |kind: &str| stem.strip_prefix(kind).map(str::chars);
    let port = |kind: &str| {
        numbers(kind).is_some_and(|mut n| matches!((n.next(), n.next()), (Some('1'..='9' | '¹' | '²' | '³'), None)))
    };
    matches!(stem.as_str(), "con" | "prn" | "aux" | "nul" | "conin$" | "conout$") || port("com") || port("lpt")
}

/// Whether a path stays in its folder on every system and plants no repository.
#[must_use]
pub fn is_plain(path: &str) -> bool {
    is_valid(path) && !is_head(path)
}

/// Whether every system can hold a file at this path, and the path stays in its folder: plain names with `/` between them.
pub(crate) fn is_valid(path: &str) -> bool {
    path.split('/').all(is_plain_name)
}

/// A file that makes the folder around it a repository without a `.git`: git looks for none where it is missing.
fn is_head(path: &str) -> bool {
    path.rsplit('/').next().is_some_and(|name| name.eq_ignore_ascii_case("HEAD"))
}

/// The most bytes of a name that every file system takes.
const LONGEST_NAME: usize = 255;

fn is_plain_name(name: &str) -> bool {
    // Windows drops a dot or a blank at the end, so that `.git.` would be `.git` there, and `...` the folder above.
    let ends_plainly = !name.is_empty() && !name.ends_with(['.', ' ']) && name.len() <= LONGEST_NAME;
    // What HFS+ passes over when it looks for a name is unclean, too.
    let odd = |c: char| is_unclean(c) || "\n\t\\:?*<>|\"".contains(c);
    ends_plainly && !name.chars().any(odd) && !is_repository(name.as_bytes()) && !is_device(name)
}

/// Whether git runs programs from the settings in a folder of this name; `git~1` is the short name of `.git` on Windows.
pub(crate) fn is_repository(name: &[u8]) -> bool {
    [&b".git"[..], b"git~1"].iter().any(|git| name.eq_ignore_ascii_case(git))
}

/// A pack's name made from any text: `Acme SOC` becomes `acme-soc`.
#[must_use]
pub fn near_pack_name(text: &str) -> Option<String> {
    let fit = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    let name: String = text.to_lowercase().chars().map(fit).collect();
    Some(name.trim_matches('-').to_owned()).filter(|name| is_pack_name(name))
}

/// Whether a text can be a pack's name, and so a part of file names and tags, and a folder beside a repository's index.
#[must_use]
pub fn is_pack_name(name: &str) -> bool {
    if name == PACK_INDEX || name.ends_with('.') || name.contains("..") || is_device(name) {
        return false;
    }
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.');
    let first = name.chars().next();
    first.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit()) && name.len() <= 64 && name.chars().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_known_with_any_extension() {
        for name in ["con", "NUL", "com1", "lpt9", "aux.yml", "conin$", "prn .kql", "com²"] {
            assert!(is_device(name), "{name}");
        }
        for name in ["console", "com", "com0", "com10", "null", "lpt", "a.con", "_nul"] {
            assert!(!is_device(name), "{name}");
        }
    }

    #[test]
    fn names_of_packs_are_plain_parts_of_file_names() {
        for good in ["p", "acme-detections", "a_1.b", "index", "console"] {
            assert!(is_pack_name(good), "{good}");
        }
        for bad in ["", ".a", "-a", "A", "a/b", "a b", "ä", "index.json", "a.", "a..b", "con", "nul.x", &"a".repeat(65)]
        {
            assert!(!is_pack_name(bad), "{bad}");
        }
    }
}
