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
use crate::sema::Kind;
use foldhash::{HashMap, HashMapExt as _};
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
    times: Box<[i64]>,
    event: Rc<Candidate>,
    before: Option<Rc<Link>>,
}

/// What is kept for one key.
#[derive(Debug, Default)]
pub(super) struct ChainState {
    best: Vec<HashMap<Values, Rc<Link>>>,
    /// When something was kept, in order.
    expiry: VecDeque<(i64, usize, Values)>,
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
                let link = self.best.get(below)?.get(&values(&event, lookup)?)?;
                Some(Rc::clone(link).within(cutoff)?)
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
        let mut times = before.as_ref().map_or_else(Vec::new, |l| l.times.to_vec());
        times.push(event.time);
        let link = Rc::new(Link { times: times.into(), event, before });
        if self.best.len() <= level {
            self.best.resize_with(level + 1, HashMap::new);
        }
        let kept = self.best.get_mut(level)?;
        if kept.get(&under).is_none_or(|old| link.times >= old.times) {
            self.expiry.push_back((link.event.time, level, under.clone()));
            kept.insert(under, link);
        }
        None
    }

    fn take_away(&mut self, chain: &Chain, step: usize, event: &Candidate) {
        let Some((_, level, slots)) = chain.guards.iter().find(|(s, ..)| *s == step) else { return };
        let Some(kept) = self.best.get_mut(*level) else { return };
        match slots {
            None => kept.clear(),
            // An event that lacks a value equals none.
            Some(slots) => {
                if let Some(under) = values(event, slots) {
                    kept.remove(&under);
                }
            }
        }
    }

    fn expire(&mut self, cutoff: i64) {
        while let Some((time, level, under)) = self.expiry.front() {
            if *time >= cutoff {
                return;
            }
            if let Some(kept) = self.best.get_mut(*level)
                && kept.get(under).is_some_and(|link| link.event.time < cutoff)
            {
                kept.remove(under);
            }
            self.expiry.pop_front();
        }
    }

    /// How many events are held.
    pub(super) fn held(&self) -> usize {
        self.best.iter().map(HashMap::len).sum::<usize>() + self.expiry.len()
    }
}

fn fill(bound: &mut Bound, step: usize, event: &Rc<Candidate>) {
    if let Some(slot) = bound.get_mut(step) {
        *slot = Some(Rc::clone(event));
    }
}

impl Link {
    /// Itself, unless its first event lies outside the window.
    fn within(self: Rc<Link>, cutoff: i64) -> Option<Rc<Link>> {
        (*self.times.first()? >= cutoff).then_some(self)
    }
}
