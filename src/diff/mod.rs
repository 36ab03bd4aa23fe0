//! `diff`: what a change of the sources changes, rule by rule: the source, each target's query, the documents around it.
//!
//! ```text
//! side ×2 ─ compare ─ text | json | markdown
//!  a project, a commit, a build or a release
//! ```
//!
//! [`source`] cuts the sources into items and knows which of them a rule uses; [`query`] takes the query out of a document;
//! [`lines`] compares two texts.

pub mod compare;
pub mod json;
pub mod lines;
pub mod markdown;
pub mod query;
pub mod side;
pub mod source;
pub mod text;

pub use compare::{Difference, DocumentDiff, QueryDiff, RuleDiff, compare};
pub use side::Side;
pub use source::SourceDiff;
