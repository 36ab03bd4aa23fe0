//! Packs: a project with a version, rule by rule; what it was when it got it, and what is released of it.
//!
//! ```text
//! build ─ hash ─ state ─ lock ── bump            which version, and why
//!                          └ release ─ verify    archives, manifest, sums, changelogs
//! ```

pub mod archive;
pub mod bump;
pub mod changelog;
pub mod hash;
pub mod lock;
pub mod manifest;
pub mod release;
pub mod state;
pub mod verify;
