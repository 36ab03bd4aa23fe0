//! How much looking for matches may cost: so much a rule, and so much more with each of its events. What a log costs is
//! so bounded by its length, whatever it holds.

/// Events that may be tried before the first one comes in, and saved up at most.
const SAVED: usize = 2_000_000;
/// Events that may be tried more with each one that comes in.
const WITH_EACH: usize = 5_000;

/// What is left for one rule.
#[derive(Debug)]
pub(super) struct Budget {
    left: usize,
}

impl Budget {
    pub(super) fn new() -> Budget {
        Budget { left: SAVED }
    }

    /// So many events came in.
    pub(super) fn earn(&mut self, events: usize) {
        self.left = events.saturating_mul(WITH_EACH).saturating_add(self.left).min(SAVED);
    }

    /// Takes as much away; `false` if nothing is left.
    pub(super) fn spend(&mut self, tried: usize) -> bool {
        self.left = self.left.saturating_sub(tried);
        self.left > 0
    }

    /// Whether nothing is left: no match found since then need be the tightest, or the only one.
    pub(super) fn is_spent(&self) -> bool {
        self.left == 0
    }
}
