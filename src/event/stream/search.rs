//! Matches by search: the tightest one that an event completes, among all events of the window.
//!
//! Candidates are tried in falling time, the first step first, so that of a sequence the first match found is the
//! tightest; a condition is asked as soon as all its events are bound. Of `together` the tightest is the one whose sorted
//! times are greatest: what cannot come before the best so far is not looked into.

use super::joint::{Bound, Candidate, Cond, at};
use super::plan::{Guard, Sequence};
use std::collections::VecDeque;
use std::rc::Rc;

/// The events of the window, for one key.
#[derive(Debug, Default)]
pub(super) struct Window {
    /// For each step its events by time, then in the order in which they came in.
    steps: Vec<VecDeque<Rc<Candidate>>>,
}

impl Window {
    /// Takes an event in; events come in the order of their times.
    pub(super) fn add(&mut self, sequence: &Sequence, step: usize, event: Rc<Candidate>, window: i64) {
        let cutoff = event.time.saturating_sub(window);
        self.steps.resize_with(sequence.roles.len(), VecDeque::new);
        for events in &mut self.steps {
            while events.front().is_some_and(|e| e.time < cutoff) {
                events.pop_front();
            }
        }
        if let Some(events) = self.steps.get_mut(step) {
            events.push_back(event);
        }
    }

    /// How many events are held.
    pub(super) fn held(&self) -> usize {
        self.steps.iter().map(VecDeque::len).sum()
    }

    /// The tightest match that an event completes as `step`. `excepted`: exceptions are not asked.
    pub(super) fn completed(
        &self,
        sequence: &Sequence,
        step: usize,
        event: &Rc<Candidate>,
        window: i64,
        excepted: bool,
    ) -> Option<Bound> {
        let cutoff = event.time.saturating_sub(window);
        let bound = vec![None; sequence.roles.len()];
        let mut search =
            Search { window: self, sequence, cutoff, last: (event.time, step), excepted, bound, best: None };
        if !search.bind(step, event) {
            return None;
        }
        if sequence.ordered {
            if sequence.required.last() != Some(&step) {
                return None;
            }
            let highest = search.highest()?;
            return search.next(0, &highest).then_some(search.bound);
        }
        let others: Vec<usize> = sequence.required.iter().copied().filter(|s| *s != step).collect();
        search.together(&others);
        search.best.map(|(_, bound)| bound)
    }

    /// The events of a step that are not later than `high`, the latest first.
    fn falling(&self, step: usize, high: i64) -> impl Iterator<Item = &Rc<Candidate>> {
        let events = self.steps.get(step).into_iter();
        events.flat_map(move |all| all.range(..all.partition_point(|e| e.time <= high)).rev())
    }
}

struct Search<'a> {
    window: &'a Window,
    sequence: &'a Sequence,
    /// No event lies before it.
    cutoff: i64,
    /// The completing event's time and step.
    last: (i64, usize),
    excepted: bool,
    bound: Bound,
    /// Of `together`: the best match so far behind its sorted times.
    best: Option<(Vec<i64>, Bound)>,
}

impl Search<'_> {
    /// Binds an event, unless it is bound already or a condition fails.
    fn bind(&mut self, step: usize, event: &Rc<Candidate>) -> bool {
        if self.is_bound(event) || (!self.excepted && !event.excepted.is_empty()) {
            return false;
        }
        self.set(step, Some(event));
        let there = |steps: &[usize]| steps.iter().all(|s| at(&self.bound, *s).is_some());
        let asked = self.sequence.wanted.iter().filter(|w| w.steps.contains(&step) && there(&w.steps));
        let fits = asked.into_iter().all(|w| match w.exception {
            None => w.cond.holds(&self.bound),
            Some(_) => self.excepted || !w.cond.holds(&self.bound),
        });
        if !fits {
            self.set(step, None);
        }
        fits
    }

    fn set(&mut self, step: usize, event: Option<&Rc<Candidate>>) {
        if let Some(slot) = self.bound.get_mut(step) {
            *slot = event.map(Rc::clone);
        }
    }

    fn is_bound(&self, event: &Candidate) -> bool {
        self.bound.iter().flatten().any(|b| b.serial == event.serial)
    }

    /// For each required step but the last, the latest time that its event can have.
    fn highest(&self) -> Option<Vec<i64>> {
        let mut out = vec![];
        let mut high = self.last.0;
        for step in self.sequence.required.iter().rev().skip(1) {
            high = self.window.falling(*step, high).next().map(|e| e.time).filter(|t| *t >= self.cutoff)?;
            out.push(high);
        }
        out.reverse();
        Some(out)
    }

    /// Binds the required steps from this place on, the last of which is bound.
    fn next(&mut self, level: usize, highest: &[i64]) -> bool {
        let (Some(step), Some(high)) = (self.sequence.required.get(level).copied(), highest.get(level)) else {
            return self.sequence.guards.iter().all(|guard| self.stands_in(guard, true).is_none());
        };
        let before = level.checked_sub(1).and_then(|l| at(&self.bound, *self.sequence.required.get(l)?));
        let mut low = before.map_or(self.cutoff, |b| b.time);
        let window = self.window;
        for event in window.falling(step, *high) {
            if event.time < low {
                return false;
            }
            if !self.bind(step, event) {
                continue;
            }
            let fits = match self.guarded(level) {
                Some(time) => {
                    low = low.max(time);
                    false
                }
                None => self.next(level + 1, highest),
            };
            if fits {
                return true;
            }
            self.set(step, None);
        }
        false
    }

    /// Whether an event stands in a gap that the event just bound closes, whatever else is bound: then the time before
    /// which no event of this step need be tried.
    fn guarded(&self, level: usize) -> Option<i64> {
        let behind_last = self.sequence.required.len().checked_sub(2)?;
        for guard in &self.sequence.guards {
            let opens = guard.before == level && level == behind_last;
            let closes = guard.before + 1 == level;
            if (opens || closes)
                && let Some(time) = self.stands_in(guard, opens)
            {
                // Without conditions it stands behind every earlier event of this step, too.
                return Some(if opens && guard.conds.is_empty() { time } else { i64::MIN });
            }
        }
        None
    }

    /// The time of an event in a guard's gap. Unless all steps are bound, one at the gap's end may be a later step's.
    fn stands_in(&self, guard: &Guard, all_bound: bool) -> Option<i64> {
        let around = |level: usize| at(&self.bound, *self.sequence.required.get(level)?).map(|e| e.time);
        let (from, to) = (around(guard.before)?, around(guard.before + 1)?);
        let between = self.window.falling(guard.step, to).take_while(|e| e.time >= from);
        let between = between.filter(|e| all_bound || e.time < to);
        let mut others = between.filter(|e| (self.excepted || e.excepted.is_empty()) && !self.is_bound(e));
        if guard.conds.is_empty() {
            return others.next().map(|e| e.time);
        }
        let mut bound = self.bound.clone();
        others
            .find(|event| {
                if let Some(slot) = bound.get_mut(guard.step) {
                    *slot = Some(Rc::clone(event));
                }
                guard.conds.iter().all(|c: &Cond| c.holds(&bound))
            })
            .map(|e| e.time)
    }

    /// Binds the other steps of `together`, and keeps the match if it is the best.
    fn together(&mut self, open: &[usize]) {
        let Some((step, rest)) = open.split_first() else {
            let times = self.times(&[]);
            if self.best.as_ref().is_none_or(|(best, _)| times > *best) {
                self.best = Some((times, self.bound.clone()));
            }
            return;
        };
        let window = self.window;
        for event in window.falling(*step, self.last.0) {
            if event.time < self.cutoff {
                return;
            }
            // Of events at the same time, that of the highest step completes the match.
            if (event.time, *step) > self.last || !self.bind(*step, event) {
                continue;
            }
            let hopeless = self.best.as_ref().is_some_and(|(best, _)| self.times(rest) <= *best);
            if !hopeless {
                self.together(rest);
            }
            self.set(*step, None);
            if hopeless {
                return;
            }
        }
    }

    /// The sorted times of the match, if each open step had its latest event.
    fn times(&self, open: &[usize]) -> Vec<i64> {
        let latest = |step: &usize| self.window.falling(*step, self.last.0).next().map_or(i64::MIN, |e| e.time);
        let mut out: Vec<i64> = self.bound.iter().flatten().map(|e| e.time).chain(open.iter().map(latest)).collect();
        out.sort_unstable();
        out
    }
}
