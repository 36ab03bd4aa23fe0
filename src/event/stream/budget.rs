//! How much looking for matches may cost: so much a rule, and so much more with each of its events. What a log costs is
//! so bounded by its length, whatever it holds.

use std::cell::Cell;

/// Events that may be tried before the first one comes in, and saved up at most.
const SAVED: usize = 2_000_000;
/// Events that may be tried more with each one that comes in.
const WITH_EACH: usize = 5_000;

/// What is left for one rule.
#[derive(Debug)]
pub(super) struct Budget {
    left: Cell<usize>,
}

impl Budget {
    pub(super) fn new() -> Budget {
        Budget { left: Cell::new(SAVED) }
    }

    /// So many events came in.
    pub(super) fn earn(&self, events: usize) {
        self.left.set(events.saturating_mul(WITH_EACH).saturating_add(self.left.get()).min(SAVED));
    }

    /// Takes as much away; `false` if nothing is left.
    pub(super) fn spend(&self, tried: usize) -> bool {
        self.left.set(self.left.get().saturating_sub(tried));
        self.left.get() > 0
    }

    /// Whether nothing is left: no match found since then need be the tightest, or the only one.
    pub(super) fn is_spent(&self) -> bool {
        self.left.get() == 0
    }
}
