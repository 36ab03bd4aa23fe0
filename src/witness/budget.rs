//! The work that the search for a rule's witnesses may cost.
//!
//! Steps are counted, not time: the same rule gives the same events on every machine.

use std::cell::Cell;
use std::rc::Rc;

/// Steps for one rule. None of the shipped rules takes a tenth of this.
const STEPS: u64 = 200_000_000;

/// Steps that are left, shared by everything that searches for one rule.
///
/// A step is about one character that a machine reads. When none are left, machines and searches answer at once, and their
/// answers mean nothing: ask [`Budget::is_spent`] before you use one.
#[derive(Clone, Debug)]
pub struct Budget {
    left: Rc<Cell<u64>>,
    /// Steps at the beginning.
    share: u64,
    /// Those of the whole rule.
    all: u64,
}

impl Default for Budget {
    fn default() -> Budget {
        Budget::of(STEPS)
    }
}

impl Budget {
    /// A budget of so many steps.
    #[must_use]
    pub fn of(steps: u64) -> Budget {
        Budget { left: Rc::new(Cell::new(steps)), share: steps, all: steps }
    }

    /// Works with one of `parts` equal shares of what is left, so that the first part of a rule leaves something to the others.
    pub fn share<R>(&self, parts: usize, work: impl FnOnce(&Budget) -> R) -> R {
        let share = self.left.get() / u64::try_from(parts.max(1)).unwrap_or(u64::MAX);
        let part = Budget { left: Rc::new(Cell::new(share)), share, all: self.all };
        let made = work(&part);
        self.left.set(self.left.get().saturating_sub(part.taken()));
        made
    }

    /// Takes steps away.
    pub fn charge(&self, steps: usize) {
        let steps = u64::try_from(steps).unwrap_or(u64::MAX);
        self.left.set(self.left.get().saturating_sub(steps));
    }

    /// Whether no step is left.
    #[must_use]
    pub fn is_spent(&self) -> bool {
        self.left.get() == 0
    }

    /// Steps taken so far.
    #[must_use]
    pub fn taken(&self) -> u64 {
        self.share - self.left.get()
    }

    /// Steps that the whole rule may take.
    #[must_use]
    pub fn all(&self) -> u64 {
        self.all
    }
}
