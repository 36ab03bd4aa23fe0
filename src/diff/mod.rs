//! `diff`: what a change of the sources changes, rule by rule, down to the lines of each target's documents.
//!
//! ```text
//! side ×2 ─ compare ─ text | json | markdown
//!  a project, a commit, a build or a release
//! ```

pub mod compare;
pub mod json;
pub mod markdown;
pub mod side;
pub mod text;

pub use compare::{Difference, DocumentDiff, RuleDiff, compare};
pub use side::Side;
