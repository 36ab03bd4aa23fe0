//! What a stranger's files can make the program do: nothing. Each module is a promise of SECURITY.md.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod addresses;
mod commits;
mod credentials;
mod git;
mod keys;
mod links;
mod names;
#[path = "../packs/place.rs"]
#[allow(dead_code, reason = "shared with the tests of packs")]
mod place;
mod promises;
mod reading;
