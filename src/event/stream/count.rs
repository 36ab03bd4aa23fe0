//! Counts: a row at the first instant at which enough events, or different values, lie in the window, and none while one
//! instant after the other does.

use super::joint::{Candidate, Place};
use super::value::Part;
use foldhash::{HashMap, HashMapExt as _};
use std::collections::VecDeque;
use std::rc::Rc;

/// Events of one key.
#[derive(Debug, Default)]
pub(super) struct Group {
    /// By time; of a count of events the latest ones, as many as it takes.
    events: VecDeque<Counted>,
    /// Of a count of different values: when each was seen last.
    values: Option<Box<HashMap<Part, i64>>>,
    met: Option<i64>,
}

/// What is kept of an event that counts.
#[derive(Debug)]
struct Counted {
    at: (i64, Place),
    value: Option<Part>,
    excepted: Box<[usize]>,
}

/// A burst begins.
#[derive(Debug)]
pub(super) struct Burst {
    pub(super) first: (i64, Place),
    pub(super) last: (i64, Place),
    /// Events, or different values.
    pub(super) count: usize,
    /// Exceptions of the events in the window, by their place in the rule, each once.
    pub(super) excepted: Vec<usize>,
}

impl Group {
    /// All events of one instant, in the order in which they came in. Whether enough lie in the window; and the burst
    /// that begins, if one does.
    pub(super) fn add(
        &mut self,
        now: i64,
        events: impl Iterator<Item = Rc<Candidate>>,
        (at_least, distinct): (usize, bool),
        window: i64,
    ) -> (bool, Option<Burst>) {
        let cutoff = now.saturating_sub(window);
        self.expire(cutoff);
        for event in events {
            let value = if distinct { event.values.first().cloned().flatten() } else { None };
            if let Some(value) = &value {
                let seen = self.values.get_or_insert_with(|| Box::new(HashMap::new())).insert(value.clone(), now);
                if seen == Some(now) {
                    continue;
                }
            }
            // Most groups have one event in a window.
            if self.events.capacity() == 0 {
                self.events.reserve_exact(1);
            }
            let excepted = event.excepted().into();
            self.events.push_back(Counted { at: (event.time, event.place), value, excepted });
        }
        let count = self.values.as_ref().map_or(self.events.len(), |values| values.len());
        let met = count >= at_least;
        let begins = met && self.met.is_none_or(|before| before < cutoff);
        let burst = begins.then(|| self.burst(count)).flatten();
        if met {
            self.met = Some(now);
        }
        if !distinct {
            // More than these change nothing: enough lie in the window if the earliest of these does.
            while self.events.len() > at_least {
                self.events.pop_front();
            }
        }
        (met, burst)
    }

    fn burst(&self, count: usize) -> Option<Burst> {
        let at = |counted: &Counted| counted.at;
        let mut excepted: Vec<usize> = self.events.iter().flat_map(|c| c.excepted.iter().copied()).collect();
        excepted.sort_unstable();
        excepted.dedup();
        Some(Burst { first: self.events.front().map(at)?, last: self.events.back().map(at)?, count, excepted })
    }

    fn expire(&mut self, cutoff: i64) {
        while let Some(Counted { at: (time, _), value, .. }) = self.events.front() {
            if *time >= cutoff {
                return;
            }
            if let (Some(values), Some(value)) = (&mut self.values, value)
                && values.get(value) == Some(time)
            {
                values.remove(value);
            }
            self.events.pop_front();
        }
    }

    /// How many events are held.
    pub(super) fn held(&self) -> usize {
        self.events.len()
    }
}
