//! Finds the position of a word in `arcanary.yaml`.

use crate::yaml::Node;
use std::ops::Range;

/// The role of a word in the project file.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Role {
    /// A value of a top-level key.
    Value(&'static str),
    /// A value of a key inside an entry of a top-level key.
    Inner(&'static str, &'static str),
}

/// A rule that is named under `skip`.
pub(crate) const SKIPPED: Role = Role::Inner("skip", "rules");

/// Returns the byte range of `word` in its role, or of its key if the word is written differently there. Returns `None` if the
/// file does not have the key.
pub(super) fn find(file: &Node, role: Role, word: &str) -> Option<Range<usize>> {
    let (Role::Value(top) | Role::Inner(top, _)) = role;
    let (key, value) = file.entry(top)?;
    let found = match role {
        Role::Value(_) => value.find(word, false),
        Role::Inner(_, inner) => {
            let mut entries = value.elements().iter().filter_map(|entry| entry.entry(inner));
            entries.find_map(|(_, value)| value.find(word, false))
        }
    };
    Some(found.filter(|_| !word.is_empty()).unwrap_or(key).range.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "# print, many\nname: printers-a\npacks: [a] # b\n\"sources\":\n- b\nskip:\n  # print\n  - because: print \
                        says no\n    rules: [print]\n    targets:\n      - sigma\n  - { rules: ['other'], targets: [print] }\n\
                        params: { few: many, many: 3 }\n";

    fn tree(text: &str) -> Node {
        crate::yaml::read::<serde_yaml::Value>(text).expect("YAML").1
    }

    /// The text from the start of the line to the end of the place.
    fn before(text: &str, role: Role, word: &str) -> Option<String> {
        let range = find(&tree(text), role, word)?;
        let line = text[..range.start].rsplit('\n').next().unwrap_or("");
        Some(format!("{line}[{}]", &text[range]))
    }

    #[test]
    fn a_word_is_found_behind_its_key_and_nowhere_else() {
        for (role, word, place) in [
            (Role::Value("packs"), "a", "packs: [[a]"),
            (Role::Value("sources"), "b", "- [b]"),
            (SKIPPED, "print", "    rules: [[print]"),
            (Role::Inner("skip", "targets"), "sigma", "      - [sigma]"),
            (SKIPPED, "other", "  - { rules: [['other']"),
            (Role::Inner("skip", "targets"), "print", "  - { rules: ['other'], targets: [[print]"),
            (Role::Value("packs"), "b", "[packs]"),
            (Role::Value("name"), "", "[name]"),
        ] {
            assert_eq!(before(FILE, role, word).as_deref(), Some(place), "{role:?} {word}");
        }
        assert_eq!(find(&tree(FILE), Role::Value("version"), "a"), None);
    }

    #[test]
    fn a_file_in_braces_has_its_keys_too() {
        let text = "{ name: pack, packs: [pack], params: { packs: 1 } }\n";
        assert_eq!(before(text, Role::Value("packs"), "pack").as_deref(), Some("{ name: pack, packs: [[pack]"));
    }
}
