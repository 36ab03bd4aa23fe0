//! Matches without a search over orders: which events stand for steps that no condition joins.
//!
//! `together` is a bipartite matching. Events are offered in falling time, each to the steps that it fits; one that
//! increases the matching stays in it. Such a greedy choice has the greatest sorted times (the events that can be matched
//! are the independent sets of a transversal matroid). A step that a failed try reaches can gain nothing any more, so at
//! most two tries a step are made.
//!
//! In a `sequence` each step takes the latest event that leaves the steps behind it their own. Only events of one instant
//! compete for steps, and steps that share an instant are neighbours: a matching of few events. No match has a later event
//! at any step. An event of a `without` lowers what is possible, never raises it, so the highest times are found by
//! lowering them until nothing stands in a gap.

use super::joint::{Bound, Candidate, at};
use super::plan::Guard;
use super::search::Search;
use std::rc::Rc;

/// An event with the open steps that it fits, by their places among these.
struct Offer<'a> {
    fits: Vec<Option<&'a Rc<Candidate>>>,
}

/// A matching of open steps with events.
struct Matching<'a> {
    offers: Vec<Offer<'a>>,
    /// For each open step the place of its event's offer.
    of_step: Vec<Option<usize>>,
    /// Steps that no further event can help.
    closed: Vec<bool>,
}

impl<'a> Matching<'a> {
    fn new(open: usize) -> Matching<'a> {
        Matching { offers: vec![], of_step: vec![None; open], closed: vec![false; open] }
    }

    /// Takes an event in if that matches one more step; if not, the steps that were reached are closed.
    fn offer(&mut self, offer: Offer<'a>) {
        self.offers.push(offer);
        let mut reached = self.closed.clone();
        if !self.place(self.offers.len() - 1, &mut reached) {
            self.offers.pop();
            self.closed = reached;
        }
    }

    fn place(&mut self, offer: usize, reached: &mut [bool]) -> bool {
        for step in 0..self.of_step.len() {
            let fits = self.offers.get(offer).is_some_and(|o| o.fits.get(step).is_some_and(Option::is_some));
            let Some(was @ false) = reached.get_mut(step).filter(|_| fits) else { continue };
            *was = true;
            let before = self.of_step.get(step).copied().flatten();
            if before.is_none_or(|other| self.place(other, reached)) {
                if let Some(slot) = self.of_step.get_mut(step) {
                    *slot = Some(offer);
                }
                return true;
            }
        }
        false
    }

    fn is_complete(&self) -> bool {
        self.of_step.iter().all(Option::is_some)
    }

    /// The event of each open step.
    fn events(&self) -> Option<Vec<&'a Rc<Candidate>>> {
        let of = |(step, offer): (usize, &Option<usize>)| *self.offers.get((*offer)?)?.fits.get(step)?;
        self.of_step.iter().enumerate().map(of).collect()
    }
}

/// Steps of a sequence whose events lie at one instant.
struct Instant<'a> {
    time: i64,
    /// Each with its level.
    placed: Vec<(usize, &'a Rc<Candidate>)>,
}

impl<'a> Instant<'a> {
    /// Finds an event for a level too, moving others; the completing event stays where it is.
    fn place(&mut self, search: &Search<'a>, level: usize, last: u64, tried: &mut Vec<u64>) -> bool {
        for event in search.at_instant(level, self.time) {
            if event.serial == last || tried.contains(&event.serial) || !search.is_allowed(event) {
                continue;
            }
            tried.push(event.serial);
            let owner = self.placed.iter().find(|(_, e)| e.serial == event.serial).map(|(level, _)| *level);
            if owner.is_none_or(|owner| self.place(search, owner, last, tried)) {
                match self.placed.iter_mut().find(|(l, _)| *l == level) {
                    Some(own) => own.1 = event,
                    None => self.placed.push((level, event)),
                }
                return true;
            }
        }
        false
    }
}

/// What a sequence without joining conditions comes to.
pub(super) enum Latest {
    /// The tightest match; `None`: there is none.
    Found(Option<Bound>),
    /// An event of a `without` may also stand for a step.
    Unclear,
}

impl<'a> Search<'a> {
    /// Gives each of these open steps of `together` an event, so that the sorted times are greatest.
    pub(super) fn assign(&mut self, open: &[usize]) -> Option<Vec<&'a Rc<Candidate>>> {
        let mut lists: Vec<_> = open.iter().map(|step| self.candidates(*step).peekable()).collect();
        let mut matching = Matching::new(open.len());
        while !matching.is_complete() {
            self.budget.spend(1 + open.len() / 8);
            // The latest event that fits a step which is not closed.
            let mut latest: Option<(i64, u64)> = None;
            for (list, _) in lists.iter_mut().zip(&matching.closed).filter(|(_, closed)| !**closed) {
                let cannot = |e: &Rc<Candidate>| self.is_bound(e) || !self.is_allowed(e);
                let passed = std::iter::from_fn(|| list.next_if(|e| cannot(e))).count();
                self.budget.spend(passed);
                let next = list.peek().filter(|e| e.time >= self.cutoff).map(|e| (e.time, e.serial));
                latest = latest.max(next);
            }
            let (_, serial) = latest?;
            let open_lists = lists.iter_mut().zip(&matching.closed);
            let fits = open_lists.map(|(list, closed)| list.next_if(|e| !closed && e.serial == serial)).collect();
            matching.offer(Offer { fits });
        }
        matching.events()
    }

    /// The tightest match of a sequence that no condition joins.
    pub(super) fn latest_match(&mut self, event: &'a Rc<Candidate>) -> Latest {
        let mut caps = vec![i64::MAX; self.sequence.required.len()];
        loop {
            let Some(events) = self.latest(event, &caps) else { return Latest::Found(None) };
            let mut bound: Bound = vec![None; self.sequence.roles.len()];
            for (step, event) in self.sequence.required.iter().zip(&events) {
                if let Some(slot) = bound.get_mut(*step) {
                    *slot = Some(Rc::clone(event));
                }
            }
            let standing = self.sequence.guards.iter().find_map(|g| Some((g, self.first_standing(g, &bound)?)));
            let Some((guard, between)) = standing else { return Latest::Found(Some(bound)) };
            if self.fits_a_step(between) {
                return Latest::Unclear;
            }
            // No match has a later event before the gap, so this one stands in it unless the gap ends earlier.
            match caps.get_mut(guard.before + 1) {
                Some(cap) if guard.before + 2 < self.sequence.required.len() => *cap = between.time - 1,
                _ => return Latest::Found(None),
            }
            if self.budget.is_spent() {
                return Latest::Found(None);
            }
        }
    }

    /// The latest events that the required steps can have, order and difference alone asked; `caps`: none later.
    pub(super) fn latest(&mut self, event: &'a Rc<Candidate>, caps: &[i64]) -> Option<Vec<&'a Rc<Candidate>>> {
        let last = self.sequence.required.len().checked_sub(1)?;
        let mut events = vec![event; last + 1];
        let mut instant = Instant { time: event.time, placed: vec![] };
        for level in (0..last).rev() {
            let cap = caps.get(level).copied().unwrap_or(i64::MAX);
            self.budget.spend(1 + instant.placed.len() / 8);
            if cap < instant.time || !instant.place(self, level, event.serial, &mut vec![]) {
                take_over(&mut events, &instant);
                let step = *self.sequence.required.get(level)?;
                let earlier = self.window.falling(step, cap.min(instant.time - 1));
                let time =
                    earlier.filter(|e| self.is_allowed(e)).map(|e| e.time).next().filter(|t| *t >= self.cutoff)?;
                instant = Instant { time, placed: vec![] };
                instant.place(self, level, event.serial, &mut vec![]).then_some(())?;
            }
        }
        take_over(&mut events, &instant);
        Some(events)
    }

    fn at_instant(&self, level: usize, time: i64) -> impl Iterator<Item = &'a Rc<Candidate>> + use<'a> {
        let step = self.sequence.required.get(level).copied().unwrap_or(usize::MAX);
        self.window.falling(step, time).take_while(move |e| e.time == time)
    }

    /// The first event that stands in a gap.
    fn first_standing(&mut self, guard: &Guard, bound: &Bound) -> Option<&'a Rc<Candidate>> {
        let around = |level: usize| at(bound, *self.sequence.required.get(level)?).map(|e| e.time);
        let (from, to) = (around(guard.before)?, around(guard.before + 1)?);
        let other = |e: &&Rc<Candidate>| self.is_allowed(e) && !bound.iter().flatten().any(|b| b.serial == e.serial);
        self.window.rising(guard.step, from).take_while(|e| e.time <= to).find(other)
    }

    fn fits_a_step(&self, event: &Candidate) -> bool {
        let levels = 0..self.sequence.required.len();
        levels.into_iter().any(|level| self.at_instant(level, event.time).any(|e| e.serial == event.serial))
    }
}

fn take_over<'a>(events: &mut [&'a Rc<Candidate>], instant: &Instant<'a>) {
    for (level, event) in &instant.placed {
        if let Some(slot) = events.get_mut(*level) {
            *slot = event;
        }
    }
}
