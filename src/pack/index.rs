//! `index.json`: which packs a repository holds, in which versions, and which of its files publishing wrote.
//!
//! ```text
//! index.json
//! PACK/documents/TARGET/…          the latest version, as files to review
//! PACK/releases/VERSION/…          every version, as `pack` made it
//! ```

use crate::file_names::{is_pack_name, is_plain};
use semver::Version;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Its format.
pub const FORMAT: u32 = 1;

/// What a repository holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Index {
    /// [`FORMAT`].
    pub format: u32,
    /// Packs by name.
    pub packs: BTreeMap<String, PackEntry>,
}

/// A pack in an index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackEntry {
    /// The latest version.
    pub latest: Version,
    /// All versions, the latest first.
    pub versions: Vec<VersionEntry>,
    /// The documents of the latest version: path from the repository's top, and hash.
    pub documents: BTreeMap<String, String>,
}

/// A version of a pack in an index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionEntry {
    /// The version.
    pub version: Version,
    /// The folder of its release.
    pub release: String,
    /// The hash of the release's sums, and so of all of it.
    pub sums: String,
    /// The tag of its commit, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
}

impl Default for Index {
    fn default() -> Index {
        Index { format: FORMAT, packs: BTreeMap::new() }
    }
}

impl Index {
    /// Reads an index. What it names lies below its packs' folders.
    ///
    /// # Errors
    /// Why it is none.
    pub fn parse(text: &[u8]) -> Result<Index, String> {
        #[derive(Deserialize)]
        struct Head {
            format: u32,
        }
        let head: Head = serde_json::from_slice(text).map_err(|e| e.to_string())?;
        if head.format != FORMAT {
            return Err(format!("its format is {}, and this program reads format {FORMAT}", head.format));
        }
        let index: Index = serde_json::from_slice(text).map_err(|e| e.to_string())?;
        for (name, pack) in &index.packs {
            let own = |path: &str, folder: &str| is_plain(path) && path.starts_with(&format!("{name}/{folder}/"));
            let foreign = pack.documents.keys().find(|path| !own(path, "documents"));
            let foreign = foreign.or(pack.versions.iter().map(|v| &v.release).find(|path| !own(path, "releases")));
            if let Some(path) = foreign.filter(|_| is_pack_name(name)) {
                return Err(format!("`{}` does not lie in the folder of `{name}`", path.escape_debug()));
            }
            if !is_pack_name(name) {
                return Err(format!("`{}` cannot be the name of a pack", name.escape_debug()));
            }
        }
        Ok(index)
    }

    /// As text, the same for the same index.
    #[must_use]
    pub fn to_text(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(name: &str, document: &str, release: &str) -> Index {
        let version = Version::new(0, 1, 0);
        let entry =
            VersionEntry { version: version.clone(), release: release.into(), sums: "sha256:1".into(), tag: None };
        let documents = BTreeMap::from([(document.to_owned(), "sha256:2".to_owned())]);
        let pack = PackEntry { latest: version, versions: vec![entry], documents };
        Index { format: FORMAT, packs: BTreeMap::from([(name.to_owned(), pack)]) }
    }

    #[test]
    fn an_index_names_nothing_outside_its_packs_folders() {
        let good = index("p", "p/documents/sigma/a.yml", "p/releases/0.1.0");
        assert_eq!(Index::parse(good.to_text().as_bytes()), Ok(good));
        for bad in [
            index("p", "README.md", "p/releases/0.1.0"),
            index("p", "p/documents/../../x", "p/releases/0.1.0"),
            index("p", "p/documents/a", "q/releases/0.1.0"),
            index("..", "../documents/a", "../releases/0.1.0"),
        ] {
            assert!(Index::parse(bad.to_text().as_bytes()).is_err(), "{bad:?}");
        }
        assert!(Index::parse(br#"{"format": 2, "packs": {}}"#).expect_err("newer").contains("format is 2"));
    }
}
