//! Where a word stands in `arcanary.yaml`: behind its own key, as a whole word, outside comments.

/// What a word is in the project file.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Role {
    /// A value under a key of the file.
    Value(&'static str),
    /// A value of a key inside an entry under a key of the file.
    Inner(&'static str, &'static str),
    /// A key under a key of the file.
    Key(&'static str),
}

/// The byte at which `word` stands in its role, and how many bytes it takes; those of the file's key if it is written in
/// another way there. `None`: the file does not have the key.
pub(super) fn find(text: &str, role: Role, word: &str) -> Option<(usize, usize)> {
    let (Role::Value(top) | Role::Inner(top, _) | Role::Key(top)) = role;
    let (key, end) = section(text, top)?;
    let begin = key + top.len();
    let section = text.get(begin..end)?;
    let fits = |at: &usize| {
        let (before, behind) = (section.get(..*at).unwrap_or(""), section.get(at + word.len()..).unwrap_or(""));
        let whole = !before.ends_with(is_inside) && !behind.starts_with(is_inside);
        whole && !in_comment(before) && plays(role, before, behind)
    };
    let mut places = section.match_indices(word).map(|(at, _)| at);
    let at = places.find(|at| !word.is_empty() && fits(at));
    Some(at.map_or((key, top.len()), |at| (begin + at, word.len())))
}

/// Where a key of the file begins, and where what belongs to it ends.
fn section(text: &str, key: &str) -> Option<(usize, usize)> {
    let mut begin = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let outer = !line.starts_with(|c: char| c.is_whitespace() || matches!(c, '-' | '#' | ']' | '}'));
        let quote = usize::from(line.starts_with(['"', '\'']));
        let own = line.get(quote..).and_then(|l| l.strip_prefix(key)).map(|l| l.trim_start_matches(['"', '\'', ' ']));
        match begin {
            Some(begin) if outer => return Some((begin, at)),
            None if own.is_some_and(|rest| rest.starts_with(':')) => begin = Some(at + quote),
            _ => {}
        }
        at += line.len();
    }
    // A file in braces has all on a line.
    let inline = || {
        let mut places = text.match_indices(key).map(|(at, _)| at);
        places.find(|at| {
            let (before, behind) = (text.get(..*at).unwrap_or(""), text.get(at + key.len()..).unwrap_or(""));
            !before.ends_with(is_inside) && !in_comment(before) && is_key(behind)
        })
    };
    begin.or_else(inline).map(|begin| (begin, text.len()))
}

/// Whether a word goes on with this character.
fn is_inside(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/')
}

fn in_comment(before: &str) -> bool {
    let line = before.rsplit('\n').next().unwrap_or("");
    line.starts_with('#') || line.contains(" #")
}

/// Whether what stands before this is a key.
fn is_key(behind: &str) -> bool {
    behind.trim_start_matches(['"', '\'']).trim_start().starts_with(':')
}

fn plays(role: Role, before: &str, behind: &str) -> bool {
    match role {
        Role::Value(_) => true,
        Role::Key(_) => is_key(behind),
        Role::Inner(_, inner) => {
            let last = before.rsplit_once(':').map_or("", |(keys, _)| keys.trim_end_matches(['"', '\'', ' ']));
            last.strip_suffix(inner).is_some_and(|rest| !rest.ends_with(is_inside))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "# print, many\nname: printers-a\npacks: [a] # b\n\"sources\":\n- b\nskip:\n  # print\n  - because: print \
                        says no\n    rule: print\n    targets:\n      - sigma\n  - { rule: 'other', targets: [print] }\n\
                        params: { few: many, many: 3 }\n";

    /// What stands before the place, from the line's beginning.
    fn before(text: &str, role: Role, word: &str) -> Option<String> {
        let (at, length) = find(text, role, word)?;
        let line = text[..at].rsplit('\n').next().unwrap_or("");
        Some(format!("{line}[{}]", &text[at..at + length]))
    }

    #[test]
    fn a_word_is_found_behind_its_key_and_nowhere_else() {
        for (role, word, place) in [
            (Role::Value("packs"), "a", "packs: [[a]"),
            (Role::Value("sources"), "b", "- [b]"),
            (Role::Inner("skip", "rule"), "print", "    rule: [print]"),
            (Role::Inner("skip", "targets"), "sigma", "      - [sigma]"),
            (Role::Inner("skip", "rule"), "other", "  - { rule: '[other]"),
            (Role::Inner("skip", "targets"), "print", "  - { rule: 'other', targets: [[print]"),
            (Role::Key("params"), "many", "params: { few: many, [many]"),
            (Role::Value("packs"), "b", "[packs]"),
            (Role::Value("name"), "", "[name]"),
        ] {
            assert_eq!(before(FILE, role, word).as_deref(), Some(place), "{role:?} {word}");
        }
        assert_eq!(find(FILE, Role::Value("version"), "a"), None);
    }

    #[test]
    fn a_file_in_braces_has_its_keys_too() {
        let text = "{ name: pack, packs: [pack], params: { packs: 1 } }\n";
        assert_eq!(before(text, Role::Value("packs"), "pack").as_deref(), Some("{ name: pack, packs: [[pack]"));
    }
}
