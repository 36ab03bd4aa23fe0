//! State for each key, forgotten when nothing has touched it for a window.

use super::value::Part;
use foldhash::{HashMap, HashMapExt as _};
use std::rc::Rc;

/// What events have in common in one match or count.
pub(super) type Key = Rc<[Part]>;

#[derive(Debug)]
pub(super) struct Keyed<S> {
    known: HashMap<Key, Slot<S>>,
}

#[derive(Debug)]
struct Slot<S> {
    touched: i64,
    state: S,
}

impl<S: Default> Keyed<S> {
    pub(super) fn new() -> Keyed<S> {
        Keyed { known: HashMap::new() }
    }

    /// The state of a key, made if there is none.
    pub(super) fn touch(&mut self, key: &Key, now: i64) -> &mut S {
        let slot = self.known.entry(Rc::clone(key)).or_insert_with(|| Slot { touched: now, state: S::default() });
        slot.touched = now;
        &mut slot.state
    }

    /// The state of a key, if there is one.
    pub(super) fn get(&mut self, key: &Key) -> Option<&mut S> {
        self.known.get_mut(key).map(|slot| &mut slot.state)
    }

    /// Forgets what was touched last before `cutoff`. It looks at every key, so it is called a few times a window.
    pub(super) fn expire(&mut self, cutoff: i64) {
        self.known.retain(|_, slot| slot.touched >= cutoff);
        // A burst of keys leaves no empty table behind.
        if self.known.len() < self.known.capacity() / 8 {
            self.known.shrink_to_fit();
        }
    }

    pub(super) fn len(&self) -> usize {
        self.known.len()
    }

    pub(super) fn states(&self) -> impl Iterator<Item = &S> {
        self.known.values().map(|slot| &slot.state)
    }
}
