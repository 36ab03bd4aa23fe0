//! State for each key, forgotten when nothing has touched it for a window.

use super::value::Part;
use foldhash::{HashMap, HashMapExt as _};
use std::collections::VecDeque;
use std::rc::Rc;

/// What events have in common in one match or count.
pub(super) type Key = Rc<[Part]>;

#[derive(Debug)]
pub(super) struct Keyed<S> {
    known: HashMap<Key, Slot<S>>,
    /// One entry for each key, in the order in which they are looked at.
    expiry: VecDeque<(i64, Key)>,
}

#[derive(Debug)]
struct Slot<S> {
    touched: i64,
    state: S,
}

impl<S: Default> Keyed<S> {
    pub(super) fn new() -> Keyed<S> {
        Keyed { known: HashMap::new(), expiry: VecDeque::new() }
    }

    /// The state of a key, made if there is none.
    pub(super) fn touch(&mut self, key: &Key, now: i64) -> &mut S {
        let expiry = &mut self.expiry;
        let slot = self.known.entry(Rc::clone(key)).or_insert_with(|| {
            expiry.push_back((now, Rc::clone(key)));
            Slot { touched: now, state: S::default() }
        });
        slot.touched = now;
        &mut slot.state
    }

    /// The state of a key, if there is one.
    pub(super) fn get(&mut self, key: &Key) -> Option<&mut S> {
        self.known.get_mut(key).map(|slot| &mut slot.state)
    }

    /// Forgets what was touched last before `cutoff`.
    pub(super) fn expire(&mut self, cutoff: i64) {
        while let Some((time, key)) = self.expiry.pop_front() {
            if time >= cutoff {
                self.expiry.push_front((time, key));
                return;
            }
            match self.known.get(&key) {
                Some(slot) if slot.touched >= cutoff => self.expiry.push_back((slot.touched, key)),
                _ => {
                    self.known.remove(&key);
                }
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        self.known.len()
    }

    pub(super) fn states(&self) -> impl Iterator<Item = &S> {
        self.known.values().map(|slot| &slot.state)
    }
}
