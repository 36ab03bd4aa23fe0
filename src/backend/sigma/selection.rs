//! Search identifiers, and words for their names.

use super::item::Items;
use crate::target::Bound;
use indexmap::IndexMap;

/// Selections by name.
pub type Selections = IndexMap<String, Selection>;

/// A search identifier: one map, or a list of maps of which one is enough.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct Selection {
    /// Each map: key and values.
    pub maps: Vec<Items>,
}

/// Words for a name: small letters, digits and `_`.
pub fn slug(text: &str) -> String {
    let words: String = text.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { ' ' }).collect();
    let slug = words.split_whitespace().collect::<Vec<_>>().join("_");
    if slug.is_empty() { "other".to_owned() } else { slug }
}

/// A word for what a condition looks at, as SigmaHQ abbreviates it.
pub fn subject(bound: &Bound) -> String {
    let mut name = String::new();
    bound.each_test(&mut |t| {
        if name.is_empty() {
            name.clone_from(&t.column.name);
        }
    });
    field_word(&name)
}

/// The same of a key.
pub fn field_word(key: &str) -> String {
    match key.split('|').next().unwrap_or("") {
        "Image" | "OriginalFileName" | "Description" => "img".to_owned(),
        "ParentImage" => "parent".to_owned(),
        "CommandLine" => "cli".to_owned(),
        "ParentCommandLine" => "parent_cli".to_owned(),
        "TargetFilename" => "file".to_owned(),
        "ImageLoaded" => "dll".to_owned(),
        other => slug(other),
    }
}
