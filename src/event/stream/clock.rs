//! Clocks that are wrong by more than a day: one event from the future must not make all others late.
//!
//! No wall clock says what is right, for logs are replayed; the events around one do. An event that lies more than a day
//! (or the tolerance, if that is longer) ahead of all before it is put aside until a majority of those behind it agrees
//! that time went on so far, or does not. The first few events of a stream have nothing before them, so while they are
//! few, events that lie as far behind them are put aside as well: a majority of these begins anew.

use super::Arrival;
use std::collections::VecDeque;

const DAY: i64 = 86_400_000_000;
/// As many events of one opinion decide.
const VOTES: u32 = 16;

/// What is known of the time by the events that came in.
#[derive(Debug)]
pub(super) struct Clock {
    /// How far from the newest one an event is believed.
    slack: i64,
    /// The latest time that is believed.
    newest: Option<i64>,
    /// How many events agreed with it, up to as many as decide.
    support: u32,
    aside: VecDeque<Aside>,
}

/// An event whose time is not believed yet.
#[derive(Debug)]
pub(super) struct Aside {
    pub(super) time: i64,
    /// What of it waits to be held; `true` for what nobody misses.
    pub(super) arrivals: Vec<(Arrival, bool)>,
    agree: u32,
    against: u32,
}

/// What became of an event that was put aside.
#[derive(Debug)]
pub(super) enum Decided {
    /// Time went on: it is held like others.
    Believed(Aside),
    /// Its clock is ahead.
    Ahead,
    /// The events before it were ahead, so many of them.
    Anew(Aside, u32),
    /// It comes late.
    Late(Aside),
}

impl Clock {
    pub(super) fn new(tolerance: i64) -> Clock {
        Clock { slack: tolerance.max(DAY), newest: None, support: 0, aside: VecDeque::new() }
    }

    /// Whether an event of this time must be put aside.
    pub(super) fn doubts(&self, time: i64) -> bool {
        self.newest.is_some_and(|newest| {
            time > newest.saturating_add(self.slack) || self.support < VOTES && time < newest.saturating_sub(self.slack)
        })
    }

    /// An event came in. What it decides of those that were put aside.
    pub(super) fn seen(&mut self, time: i64, arrivals: Vec<(Arrival, bool)>) -> Vec<Decided> {
        let doubted = self.doubts(time);
        if !doubted {
            self.newest = self.newest.max(Some(time));
            self.support = (self.support + 1).min(VOTES);
        }
        if self.aside.is_empty() && !doubted {
            return vec![];
        }
        let newest = self.newest.unwrap_or(time);
        for aside in &mut self.aside {
            let agrees = match aside.time > newest {
                true => time >= aside.time.saturating_sub(self.slack),
                false => time <= aside.time.saturating_add(self.slack),
            };
            *(if agrees { &mut aside.agree } else { &mut aside.against }) += 1;
        }
        if doubted {
            self.aside.push_back(Aside { time, arrivals, agree: 0, against: 0 });
        }
        self.decide(|aside| match (aside.agree >= VOTES, aside.against >= VOTES) {
            (true, _) => Some(true),
            (_, true) => Some(false),
            _ => None,
        })
    }

    /// No event comes in any more: what nothing speaks against is believed, if it lies ahead.
    pub(super) fn finish(&mut self) -> Vec<Decided> {
        let newest = self.newest.unwrap_or(i64::MIN);
        self.decide(|aside| Some(aside.agree > aside.against || aside.time > newest && aside.agree == aside.against))
    }

    fn decide(&mut self, opinion: impl Fn(&Aside) -> Option<bool>) -> Vec<Decided> {
        let mut out = vec![];
        while let Some((place, believed)) = self.next_decided(&opinion)
            && let Some(aside) = self.aside.remove(place)
        {
            let newest = self.newest.unwrap_or(aside.time);
            let ahead = aside.time > newest.saturating_add(self.slack);
            let behind = aside.time < newest.saturating_sub(self.slack);
            out.push(match (believed, ahead, behind) {
                (false, true, _) => Decided::Ahead,
                (false, ..) => Decided::Late(aside),
                (true, _, true) => {
                    self.newest = Some(aside.time);
                    Decided::Anew(aside, std::mem::replace(&mut self.support, VOTES))
                }
                (true, ..) => {
                    self.newest = Some(newest.max(aside.time));
                    self.support = VOTES;
                    Decided::Believed(aside)
                }
            });
        }
        out
    }

    /// The first event that is decided: by opinion, or since it is near enough to what is believed by now.
    fn next_decided(&self, opinion: &impl Fn(&Aside) -> Option<bool>) -> Option<(usize, bool)> {
        let newest = self.newest?;
        let near = |aside: &Aside| {
            aside.time <= newest.saturating_add(self.slack) && aside.time >= newest.saturating_sub(self.slack)
        };
        let decided = |(place, aside): (usize, &Aside)| {
            let believed = if near(aside) { Some(true) } else { opinion(aside) };
            Some((place, believed?))
        };
        self.aside.iter().enumerate().find_map(decided)
    }

    /// The latest time that is believed.
    pub(super) fn newest(&self) -> Option<i64> {
        self.newest
    }

    /// How many arrivals wait aside.
    pub(super) fn held(&self) -> usize {
        self.aside.iter().map(|aside| aside.arrivals.len()).sum()
    }
}
