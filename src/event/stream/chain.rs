//! Sequences in constant time for each event: of all matches of the first steps, only the one with the greatest times is
//! kept for each set of values that a later step may ask for.
//!
//! That is exact where each step compares its event with just those values of earlier ones that any later step still asks
//! for, and where no event fits two steps. An event of a `without` step takes away what it stands behind: everything kept
//! for its gap so far. Other sequences are searched.

use super::joint::{Bound, Candidate, Cond, Slot};
use super::plan::Sequence;
use super::value::Part;
use crate::ir::{Role, Steps};
use crate::vocabulary::Kind;
use foldhash::HashMap;
use std::cmp::Ordering;
use std::collections::VecDeque;
use std::rc::Rc;

/// Which values of an event are looked up, and under which it is kept, by step.
#[derive(Debug)]
pub(super) struct Chain {
    levels: Vec<Level>,
    /// For each `without`: the level that it takes from, and its own values for that; `None`: it takes all.
    guards: Vec<(usize, usize, Option<Vec<usize>>)>,
}

#[derive(Debug)]
struct Level {
    step: usize,
    /// Own slots with the values under which the level before is kept.
    lookup: Vec<usize>,
    /// Own slots with the values under which this level is kept.
    keep: Vec<usize>,
}

impl Chain {
    pub(super) fn of(sequence: &Sequence, steps: &Steps) -> Option<Chain> {
        let kinds: Vec<Kind> =
            steps.steps.iter().filter(|s| s.role != Role::Optional).flat_map(|s| s.events.kinds()).collect();
        let disjoint = kinds.iter().enumerate().all(|(i, kind)| !kinds.iter().skip(i + 1).any(|k| k == kind));
        let excepted = sequence.wanted.iter().any(|w| w.exception.is_some());
        if !sequence.ordered || !disjoint || excepted {
            return None;
        }
        let equalities: Vec<(Slot, Slot)> = sequence.wanted.iter().map(|w| equality(&w.cond)).collect::<Option<_>>()?;
        let mut guards: Vec<(usize, Vec<(Slot, Slot)>)> = vec![];
        for guard in &sequence.guards {
            let all: Vec<(Slot, Slot)> = guard.conds.iter().map(equality).collect::<Option<_>>()?;
            if all.iter().any(|(left, _)| left.step != guard.step) {
                return None;
            }
            guards.push((guard.before, all));
        }
        // The values of events up to a level that are asked for behind it.
        let level_of = |step: usize| sequence.required.iter().position(|r| *r == step);
        let needed = |level: usize| {
            let mut out: Vec<Slot> = vec![];
            let later = equalities.iter().filter(|(left, _)| level_of(left.step).is_some_and(|l| l > level));
            let guarding = guards.iter().filter(|(before, _)| *before >= level).flat_map(|(_, all)| all);
            for (_, right) in later.chain(guarding) {
                if level_of(right.step).is_some_and(|l| l <= level) && !out.contains(right) {
                    out.push(*right);
                }
            }
            out
        };
        // The own slots of `step` that are compared with each of `nodes`: one for one, and no others.
        let aligned = |step: usize, nodes: &[Slot], all: &[(Slot, Slot)]| -> Option<Vec<usize>> {
            let own: Vec<&(Slot, Slot)> = all.iter().filter(|(left, _)| left.step == step).collect();
            let one = |node: &Slot| own.iter().find(|(_, right)| right == node).map(|(left, _)| left.slot);
            (own.len() == nodes.len()).then(|| nodes.iter().map(one).collect())?
        };
        let mut levels: Vec<Level> = vec![];
        let mut before: Vec<Slot> = vec![];
        for (l, step) in sequence.required.iter().enumerate() {
            let lookup = aligned(*step, &before, &equalities)?;
            let nodes = needed(l);
            let own = |node: &Slot| {
                let carried = || before.iter().position(|b| b == node).and_then(|at| lookup.get(at).copied());
                if node.step == *step { Some(node.slot) } else { carried() }
            };
            let keep = nodes.iter().map(own).collect::<Option<_>>()?;
            levels.push(Level { step: *step, lookup, keep });
            before = nodes;
        }
        let guarding = sequence.guards.iter().zip(&guards).map(|(guard, (level, all))| match all.is_empty() {
            true => Some((guard.step, *level, None)),
            false => Some((guard.step, *level, Some(aligned(guard.step, &needed(*level), all)?))),
        });
        let guards = guarding.collect::<Option<_>>()?;
        Some(Chain { levels, guards })
    }
}

/// The two sides of an equality: of the later step, and of an earlier one.
fn equality(cond: &Cond) -> Option<(Slot, Slot)> {
    match cond {
        Cond::Equal(left, right) if left.step > right.step => Some((*left, *right)),
        _ => None,
    }
}

type Values = Box<[Part]>;

/// A match of the first steps.
#[derive(Debug)]
struct Link {
    event: Rc<Candidate>,
    before: Option<Rc<Link>>,
}

impl Link {
    /// When its first event happened.
    fn first(&self) -> i64 {
        self.before.as_ref().map_or(self.event.time, |before| before.first())
    }

    /// By the times of the steps, from the first one on.
    fn compared(&self, other: &Link) -> Ordering {
        let before = match (&self.before, &other.before) {
            (Some(own), Some(other)) => own.compared(other),
            (own, other) => own.is_some().cmp(&other.is_some()),
        };
        before.then(self.event.time.cmp(&other.event.time))
    }
}

/// What is kept for one key.
#[derive(Debug, Default)]
pub(super) struct ChainState(Kept);

#[derive(Debug)]
enum Kept {
    /// The tightest beginnings, each with its level and the values under which it is kept.
    Few(Vec<(usize, Values, Rc<Link>)>),
    /// More than a few of them.
    Many(Box<Many>),
}

#[derive(Debug, Default)]
struct Many {
    /// By level.
    best: Vec<HashMap<Values, Rc<Link>>>,
    /// When something was kept, in order.
    expiry: VecDeque<(i64, usize, Values)>,
}

impl Many {
    fn keep(&mut self, level: usize, under: Values, link: Rc<Link>) {
        if self.best.len() <= level {
            self.best.resize_with(level + 1, HashMap::default);
        }
        self.expiry.push_back((link.event.time, level, under.clone()));
        if let Some(kept) = self.best.get_mut(level) {
            kept.insert(under, link);
        }
    }
}

/// As many are looked through one by one.
const FEW: usize = 8;

impl Default for Kept {
    fn default() -> Kept {
        Kept::Few(vec![])
    }
}

fn values(event: &Candidate, slots: &[usize]) -> Option<Values> {
    slots.iter().map(|slot| event.values.get(*slot).cloned().flatten()).collect()
}

impl ChainState {
    /// An event that fits a required or `without` step; the events of one instant come in the order of their steps. The
    /// match that it completes, if any.
    pub(super) fn add(
        &mut self,
        sequence: &Sequence,
        chain: &Chain,
        step: usize,
        event: Rc<Candidate>,
        window: i64,
    ) -> Option<Bound> {
        let cutoff = event.time.saturating_sub(window);
        self.expire(cutoff);
        let Some(level) = chain.levels.iter().position(|l| l.step == step) else {
            self.take_away(chain, step, &event);
            return None;
        };
        let Level { lookup, keep, .. } = chain.levels.get(level)?;
        let before = match level.checked_sub(1) {
            None => None,
            Some(below) => {
                let link = self.get(below, &values(&event, lookup)?)?;
                Some(Rc::clone(link)).filter(|link| link.first() >= cutoff)?.into()
            }
        };
        if level + 1 == chain.levels.len() {
            let mut bound: Bound = vec![None; sequence.roles.len()];
            fill(&mut bound, step, &event);
            let (mut link, mut levels) = (before, chain.levels.iter().rev().skip(1));
            while let (Some(found), Some(level)) = (link, levels.next()) {
                fill(&mut bound, level.step, &found.event);
                link = found.before.clone();
            }
            return Some(bound);
        }
        let under = values(&event, keep)?;
        let link = Rc::new(Link { event, before });
        if self.get(level, &under).is_none_or(|old| link.compared(old).is_ge()) {
            self.keep(level, under, link);
        }
        None
    }

    fn get(&self, level: usize, under: &Values) -> Option<&Rc<Link>> {
        match &self.0 {
            Kept::Few(all) => all.iter().find(|(l, u, _)| *l == level && u == under).map(|(.., link)| link),
            Kept::Many(many) => many.best.get(level)?.get(under),
        }
    }

    fn keep(&mut self, level: usize, under: Values, link: Rc<Link>) {
        if let Kept::Few(all) = &mut self.0 {
            if let Some((.., kept)) = all.iter_mut().find(|(l, u, _)| *l == level && *u == under) {
                *kept = link;
                return;
            }
            if all.len() < FEW {
                // Most keys keep one.
                all.reserve_exact(1);
                all.push((level, under, link));
                return;
            }
            all.sort_by_key(|(.., link)| link.event.time);
            let mut many = Box::<Many>::default();
            std::mem::take(all).into_iter().for_each(|(level, under, link)| many.keep(level, under, link));
            self.0 = Kept::Many(many);
        }
        if let Kept::Many(many) = &mut self.0 {
            many.keep(level, under, link);
        }
    }

    fn take_away(&mut self, chain: &Chain, step: usize, event: &Candidate) {
        let Some((_, level, slots)) = chain.guards.iter().find(|(s, ..)| *s == step) else { return };
        // An event that lacks a value equals none.
        let under = match slots {
            None => None,
            Some(slots) => match values(event, slots) {
                None => return,
                under => under,
            },
        };
        match &mut self.0 {
            Kept::Few(all) => all.retain(|(l, u, _)| l != level || under.as_ref().is_some_and(|under| u != under)),
            Kept::Many(many) => match (many.best.get_mut(*level), under) {
                (Some(kept), Some(under)) => _ = kept.remove(&under),
                (Some(kept), None) => kept.clear(),
                (None, _) => {}
            },
        }
    }

    fn expire(&mut self, cutoff: i64) {
        let many = match &mut self.0 {
            Kept::Few(all) => {
                all.retain(|(.., link)| link.event.time >= cutoff);
                return;
            }
            Kept::Many(many) => many,
        };
        while let Some((time, ..)) = many.expiry.front()
            && *time < cutoff
            && let Some((_, level, under)) = many.expiry.pop_front()
        {
            if let Some(kept) = many.best.get_mut(level)
                && kept.get(&under).is_some_and(|link| link.event.time < cutoff)
            {
                kept.remove(&under);
            }
        }
        if many.expiry.is_empty() {
            self.0 = Kept::default();
        }
    }

    /// How many events are held.
    pub(super) fn held(&self) -> usize {
        match &self.0 {
            Kept::Few(all) => all.len(),
            Kept::Many(many) => many.best.iter().map(HashMap::len).sum::<usize>() + many.expiry.len(),
        }
    }
}

fn fill(bound: &mut Bound, step: usize, event: &Rc<Candidate>) {
    if let Some(slot) = bound.get_mut(step) {
        *slot = Some(Rc::clone(event));
    }
}
