//! Matches by search: the tightest one that an event completes, among all events of the window.
//!
//! Only steps that conditions join are searched; the others are assigned events (`assign`). Candidates are tried in
//! falling time, the first step first, so that of a sequence the first match found is the tightest; a condition is asked
//! as soon as all its events are bound. Of `together` the tightest is the one whose sorted times are greatest: what cannot
//! come before the best so far is not looked into. All of it is paid for from a budget, so that no log takes longer than
//! its length allows.

use super::assign::Latest;
use super::budget::Budget;
use super::joint::{Bound, Candidate, Cond, at};
use super::plan::{Guard, Sequence, Wanted};
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
        (step, event): (usize, &Rc<Candidate>),
        window: i64,
        excepted: bool,
        budget: &Budget,
    ) -> Option<Bound> {
        let cutoff = event.time.saturating_sub(window);
        let bound = vec![None; sequence.roles.len()];
        let wanted = sequence.wanted.iter().filter(|w| w.exception.is_none() || !excepted).collect();
        let last = (event.time, step);
        let mut search = Search { window: self, sequence, wanted, cutoff, last, excepted, bound, best: None, budget };
        if !search.bind(step, event) {
            return None;
        }
        if sequence.ordered { search.ordered(step, event) } else { search.together_with(step) }
    }

    /// The events of a step that are not later than `high`, the latest first.
    pub(super) fn falling(&self, step: usize, high: i64) -> impl Iterator<Item = &Rc<Candidate>> + use<'_> {
        let events = self.steps.get(step).into_iter();
        events.flat_map(move |all| all.range(..all.partition_point(|e| e.time <= high)).rev())
    }

    /// The events of a step that are not earlier than `low`, the earliest first.
    pub(super) fn rising(&self, step: usize, low: i64) -> impl Iterator<Item = &Rc<Candidate>> + use<'_> {
        let events = self.steps.get(step).into_iter();
        events.flat_map(move |all| all.range(all.partition_point(|e| e.time < low)..))
    }
}

pub(super) struct Search<'a> {
    pub(super) window: &'a Window,
    pub(super) sequence: &'a Sequence,
    /// The conditions over several required steps that are asked.
    wanted: Vec<&'a Wanted>,
    /// No event lies before it.
    pub(super) cutoff: i64,
    /// The completing event's time and step.
    pub(super) last: (i64, usize),
    excepted: bool,
    bound: Bound,
    /// Of `together`: the best match so far behind its sorted times.
    best: Option<(Vec<i64>, Bound)>,
    pub(super) budget: &'a Budget,
}

impl<'a> Search<'a> {
    fn ordered(mut self, step: usize, event: &'a Rc<Candidate>) -> Option<Bound> {
        if self.sequence.required.last() != Some(&step) {
            return None;
        }
        if self.wanted.is_empty()
            && self.sequence.guards.iter().all(|g| g.conds.is_empty())
            && let Latest::Found(bound) = self.latest_match(event)
        {
            return bound;
        }
        let latest = self.latest(event, &[])?;
        let highest: Vec<i64> = latest.iter().rev().skip(1).rev().map(|e| e.time).collect();
        self.next(0, &highest).then_some(self.bound)
    }

    fn together_with(mut self, step: usize) -> Option<Bound> {
        let joined = |s: &usize| self.wanted.iter().any(|w| w.steps.contains(s));
        let open = self.sequence.required.iter().copied().filter(|s| *s != step);
        let (searched, free): (Vec<usize>, Vec<usize>) = open.partition(joined);
        // Where the steps have no events of their own, no choice for those that are searched helps.
        if !searched.is_empty() {
            self.assign(&[&searched[..], &free[..]].concat())?;
        }
        self.together(&searched, &free);
        self.best.map(|(_, bound)| bound)
    }

    /// Whether no exception of its step takes an event away.
    pub(super) fn is_allowed(&self, event: &Candidate) -> bool {
        self.excepted || event.excepted().is_empty()
    }

    /// Binds an event, unless it is bound already or a condition fails.
    fn bind(&mut self, step: usize, event: &Rc<Candidate>) -> bool {
        if !self.budget.spend(1) || self.is_bound(event) || !self.is_allowed(event) {
            return false;
        }
        self.set(step, Some(event));
        let there = |steps: &[usize]| steps.iter().all(|s| at(&self.bound, *s).is_some());
        let mut asked = self.wanted.iter().filter(|w| w.steps.contains(&step) && there(&w.steps));
        let fits = asked.all(|w| w.cond.holds(&self.bound) == w.exception.is_none());
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

    pub(super) fn is_bound(&self, event: &Candidate) -> bool {
        self.bound.iter().flatten().any(|b| b.serial == event.serial)
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
            if event.time < low || self.budget.is_spent() {
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
        let looked_at = |_: &&Rc<Candidate>| _ = self.budget.spend(1);
        let between = self.window.falling(guard.step, to).take_while(|e| e.time >= from).inspect(looked_at);
        let between = between.filter(|e| all_bound || e.time < to);
        let mut others = between.filter(|e| self.is_allowed(e) && !self.is_bound(e));
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

    /// Binds the steps of `together` that are searched, assigns events to the free ones, and keeps the match if it is the
    /// best.
    fn together(&mut self, searched: &[usize], free: &[usize]) {
        let Some((step, rest)) = searched.split_first() else {
            let Some(events) = self.assign(free) else { return };
            let mut bound = self.bound.clone();
            for (step, event) in free.iter().zip(events) {
                if let Some(slot) = bound.get_mut(*step) {
                    *slot = Some(Rc::clone(event));
                }
            }
            let times = sorted(bound.iter().flatten().map(|e| e.time));
            if self.best.as_ref().is_none_or(|(best, _)| times > *best) {
                self.best = Some((times, bound));
            }
            return;
        };
        for event in self.candidates(*step) {
            if event.time < self.cutoff || self.budget.is_spent() {
                return;
            }
            if !self.bind(*step, event) {
                continue;
            }
            let hopeless = self.best.as_ref().is_some_and(|(best, _)| self.times(rest, free) <= *best);
            if !hopeless {
                self.together(rest, free);
            }
            self.set(*step, None);
            if hopeless {
                return;
            }
        }
    }

    /// The events of a step of `together` that the completing one may stand behind, the latest first: of events at the same
    /// time, that of the highest step completes the match.
    pub(super) fn candidates(&self, step: usize) -> impl Iterator<Item = &'a Rc<Candidate>> + use<'a> {
        let (time, of) = self.last;
        self.window.falling(step, if step > of { time.saturating_sub(1) } else { time })
    }

    /// The sorted times of the match, if each open step had its latest event.
    fn times(&self, rest: &[usize], free: &[usize]) -> Vec<i64> {
        let latest = |step: &usize| self.candidates(*step).next().map_or(i64::MIN, |e| e.time);
        sorted(self.bound.iter().flatten().map(|e| e.time).chain(rest.iter().chain(free).map(latest)))
    }
}

fn sorted(times: impl Iterator<Item = i64>) -> Vec<i64> {
    let mut out: Vec<i64> = times.collect();
    out.sort_unstable();
    out
}
