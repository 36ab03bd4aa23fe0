//! Packs: a project with a version, rule by rule; what it was when it got it, and what is released of it.
//!
//! ```text
//! build ─ hash ─ state ─ lock ── bump            which version, and why
//!                          └ release ─ verify    archives, manifest, sums, changelogs
//!                               └ publish, fetch   into a git repository and out of it: remote, index
//! ```

pub mod archive;
pub mod bump;
pub mod changelog;
pub mod fetch;
pub mod index;
pub mod manifest;
pub mod publish;
pub mod release;
pub mod remote;
pub mod state;
pub mod verify;
