//! Packs as their users meet them: locks and versions, releases, differences, publishing and fetching.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod archives;
mod diff;
mod lock;
mod over_rules;
mod place;
mod publish;
mod reach;
mod release;
mod tuning;
mod walk;
