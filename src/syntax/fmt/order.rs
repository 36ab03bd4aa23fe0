//! The order of the entries of a rule or a tune, and how wide a column their keys take.

use crate::syntax::META_KEYS;
use crate::syntax::ast::{RulePart, RulePartKind};

/// So many of the first keys of metadata are aligned.
const ALIGNED: usize = 10;

/// A part of a rule that is set off by blank lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Section {
    /// Metadata, and a tune's `disable`.
    Meta,
    /// `detect`
    Detect,
    /// Flags with the threshold.
    Flags,
    /// Exceptions.
    Excepts,
    /// Tests.
    Tests,
}

/// Where an entry stands: its section, and its place there among entries of other kinds.
pub(super) fn rank(part: &RulePart) -> (Section, usize) {
    match &part.kind {
        RulePartKind::Meta { key, .. } => {
            (Section::Meta, META_KEYS.iter().position(|k| *k == key.text).unwrap_or(META_KEYS.len()))
        }
        RulePartKind::Disable(_) => (Section::Meta, META_KEYS.len() + 1),
        RulePartKind::Detect(_) => (Section::Detect, 0),
        RulePartKind::Flag(_) => (Section::Flags, 0),
        RulePartKind::Threshold(..) => (Section::Flags, 1),
        RulePartKind::Except(_) => (Section::Excepts, 0),
        RulePartKind::Test(_) => (Section::Tests, 0),
    }
}

/// Whether a metadata key shares a column with its neighbours.
pub(super) fn is_aligned(key: &str) -> bool {
    META_KEYS.iter().take(ALIGNED).any(|k| *k == key)
}
