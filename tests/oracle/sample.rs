//! How much of the long checks is run. `./test` sets `ARCANARY_SAMPLE=N` and takes every N-th rule, event, mutant and step;
//! `./test --all` and a bare `cargo test` take all.

use std::sync::LazyLock;

static EVERY: LazyLock<usize> = LazyLock::new(|| {
    let Ok(given) = std::env::var("ARCANARY_SAMPLE") else { return 1 };
    given.parse().ok().filter(|n| *n > 0).unwrap_or_else(|| panic!("ARCANARY_SAMPLE is a number from 1, not {given}"))
});

/// Every N-th, the first among them.
pub fn sample<T>(all: impl IntoIterator<Item = T>) -> Vec<T> {
    all.into_iter().step_by(*EVERY).collect()
}

/// A number of random things to make.
pub fn share(number: usize) -> usize {
    number.div_ceil(*EVERY)
}

/// Whether all is run, so that figures of it are those of the pages.
pub fn is_whole() -> bool {
    *EVERY == 1
}
