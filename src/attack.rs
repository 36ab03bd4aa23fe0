//! ATT&CK Enterprise: which techniques there are, and which tactics each belongs to.
//!
//! The table is `targets/attack.tsv`, reduced from the release named in its first line.
//! © The MITRE Corporation, reproduced under the ATT&CK terms of use.

use std::collections::HashMap;
use std::sync::LazyLock;

/// The release that the table was reduced from.
pub const VERSION: &str = "18.1";

/// A technique.
#[derive(Clone, Debug)]
pub struct Technique {
    /// Its name.
    pub name: &'static str,
    /// Short names of its tactics, in the matrix's order; empty: revoked or deprecated.
    pub tactics: Vec<&'static str>,
}

static TABLE: LazyLock<HashMap<&'static str, Technique>> = LazyLock::new(|| {
    let lines = include_str!("../targets/attack.tsv").lines().filter(|l| !l.starts_with('#'));
    lines
        .filter_map(|line| {
            let mut cells = line.split('\t');
            let (id, name, tactics) = (cells.next()?, cells.next()?, cells.next()?);
            Some((id, Technique { name, tactics: tactics.split(' ').filter(|t| !t.is_empty()).collect() }))
        })
        .collect()
});

/// A technique or sub-technique by its id.
#[must_use]
pub fn technique(id: &str) -> Option<&'static Technique> {
    TABLE.get(id)
}

/// Every id, in order.
pub fn ids() -> impl Iterator<Item = &'static str> {
    let mut ids: Vec<&str> = TABLE.keys().copied().collect();
    ids.sort_unstable();
    ids.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tactics_follow_from_techniques() {
        assert_eq!(technique("T1560.001").map(|t| t.tactics.clone()), Some(vec!["collection"]));
        assert_eq!(technique("T1218").map(|t| t.tactics.clone()), Some(vec!["defense-evasion"]));
        assert!(technique("T9999").is_none());
    }
}
