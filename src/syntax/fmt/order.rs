//! The order of the entries of a rule or a tune, and how wide a column their keys take.

use crate::syntax::ast::{RulePart, RulePartKind};

/// Metadata in the order of the language's reference. The first ones are aligned.
const KEYS: [&str; 19] = [
    "title",
    "id",
    "level",
    "status",
    "os",
    "attack",
    "author",
    "license",
    "date",
    "modified",
    "references",
    "related",
    "tags",
    "false_positives",
    "triage",
    "show",
    "entities",
    "schedule",
    "throttle",
];
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
            (Section::Meta, KEYS.iter().position(|k| *k == key.text).unwrap_or(KEYS.len()))
        }
        RulePartKind::Disable(_) => (Section::Meta, KEYS.len() + 1),
        RulePartKind::Detect(_) => (Section::Detect, 0),
        RulePartKind::Flag(_) => (Section::Flags, 0),
        RulePartKind::Threshold(..) => (Section::Flags, 1),
        RulePartKind::Except(_) => (Section::Excepts, 0),
        RulePartKind::Test(_) => (Section::Tests, 0),
    }
}

/// Whether a metadata key shares a column with its neighbours.
pub(super) fn is_aligned(key: &str) -> bool {
    KEYS.iter().take(ALIGNED).any(|k| *k == key)
}
