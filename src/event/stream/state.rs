//! What is kept for one rule, and what it finds in the events of one instant.

use super::budget::Budget;
use super::chain::ChainState;
use super::count::Group;
use super::joint::{Bound, Candidate};
use super::keyed::{Key, Keyed};
use super::plan::{Form, Plan, Sequence};
use super::row::{Events, Row, Waiting, keys, titles};
use super::search::Window;
use crate::ir::Role;
use foldhash::{HashMap, HashMapExt as _, HashSet, HashSetExt as _};
use indexmap::IndexMap;
use std::collections::BTreeMap;
use std::rc::Rc;

/// An event that fits a step, in the group in which it is looked at.
#[derive(Debug)]
pub(super) struct Hit {
    pub(super) unit: usize,
    pub(super) step: usize,
    pub(super) key: Key,
    pub(super) event: Rc<Candidate>,
}

/// What is kept for one rule.
#[derive(Debug)]
pub(super) struct State {
    found: Found,
    waiting: HashMap<Key, Vec<Waiting>>,
    /// When rows stop waiting, by their numbers.
    deadlines: BTreeMap<(i64, u64), Key>,
    next: u64,
    budget: Budget,
    undecided: u64,
}

#[derive(Debug)]
enum Found {
    Chains(Keyed<ChainState>),
    Windows(Keyed<Window>),
    Groups(Keyed<Box<Groups>>),
}

/// A count with its exceptions and, where excepted rows are asked for, without.
#[derive(Debug, Default)]
struct Groups {
    counted: Group,
    all: Option<Box<Group>>,
}

impl State {
    pub(super) fn new(plan: &Plan, excepted: bool) -> State {
        let found = match &plan.form {
            Form::Count { .. } => Found::Groups(Keyed::new()),
            Form::Steps(s) if s.chain.is_some() && !(excepted && s.has_exceptions) => Found::Chains(Keyed::new()),
            Form::Steps(_) => Found::Windows(Keyed::new()),
        };
        State {
            found,
            waiting: HashMap::new(),
            deadlines: BTreeMap::new(),
            next: 0,
            budget: Budget::new(),
            undecided: 0,
        }
    }

    /// Forgets all that is kept; what it may cost, and how often that was too much, goes on.
    pub(super) fn begin_anew(&mut self, plan: &Plan, excepted: bool) {
        let anew = State::new(plan, excepted);
        (self.found, self.waiting, self.deadlines) = (anew.found, anew.waiting, anew.deadlines);
    }

    /// The events of one instant, by step and then in the order in which they came in.
    pub(super) fn instant(&mut self, plan: &Plan, now: i64, hits: &[Hit], excepted: bool, out: &mut Vec<Row>) {
        let Form::Steps(sequence) = &plan.form else {
            if let Found::Groups(groups) = &mut self.found {
                count(groups, plan, now, hits, excepted, out);
            }
            return;
        };
        let completed = match &mut self.found {
            Found::Chains(chains) => chained(chains, sequence, plan.window, hits),
            Found::Windows(windows) => {
                let events: HashSet<u64> = hits.iter().map(|hit| hit.event.serial).collect();
                self.budget.earn(events.len());
                let (completed, undecided) = searched(windows, sequence, plan.window, hits, excepted, &self.budget);
                self.undecided += undecided;
                completed
            }
            Found::Groups(_) => vec![],
        };
        for (key, waiting) in completed {
            self.wait(plan, sequence, key, waiting, out);
        }
        self.offer(plan, sequence, hits, out);
    }

    fn wait(&mut self, plan: &Plan, sequence: &Sequence, key: Key, mut waiting: Waiting, out: &mut Vec<Row>) {
        if waiting.is_complete(sequence) {
            out.push(waiting.row(plan, sequence, &key));
            return;
        }
        waiting.number = self.next;
        self.next += 1;
        self.deadlines.insert((waiting.deadline(sequence, plan.window), waiting.number), Rc::clone(&key));
        self.waiting.entry(key).or_default().push(waiting);
    }

    fn offer(&mut self, plan: &Plan, sequence: &Sequence, hits: &[Hit], out: &mut Vec<Row>) {
        if self.waiting.is_empty() {
            return;
        }
        for hit in hits.iter().filter(|h| sequence.roles.get(h.step) == Some(&Role::Optional)) {
            let Some(rows) = self.waiting.get_mut(&hit.key) else { continue };
            rows.iter_mut().for_each(|row| row.offer(sequence, hit.step, &hit.event));
            let mut complete = vec![];
            rows.retain(|row| {
                let done = row.is_complete(sequence);
                if done {
                    complete.push((row.deadline(sequence, plan.window), row.number));
                    out.push(row.row(plan, sequence, &hit.key));
                }
                !done
            });
            if rows.is_empty() {
                self.waiting.remove(&hit.key);
            }
            for stopped in complete {
                self.deadlines.remove(&stopped);
            }
        }
    }

    /// The first instant behind which a row has waited long enough.
    pub(super) fn deadline(&self) -> Option<i64> {
        self.deadlines.first_key_value().map(|((time, _), _)| *time)
    }

    /// Rows that have waited long enough before `now`.
    pub(super) fn due(&mut self, plan: &Plan, now: i64, out: &mut Vec<Row>) {
        let Form::Steps(sequence) = &plan.form else { return };
        while self.deadline().is_some_and(|d| d < now || now == i64::MAX)
            && let Some(((_, number), key)) = self.deadlines.pop_first()
        {
            let Some(rows) = self.waiting.get_mut(&key) else { continue };
            if let Some(at) = rows.iter().position(|row| row.number == number) {
                out.push(rows.remove(at).row(plan, sequence, &key));
            }
            if rows.is_empty() {
                self.waiting.remove(&key);
            }
        }
    }

    /// Forgets the keys that nothing has touched for a window.
    pub(super) fn expire(&mut self, cutoff: i64) {
        match &mut self.found {
            Found::Chains(all) => all.expire(cutoff),
            Found::Windows(all) => all.expire(cutoff),
            Found::Groups(all) => all.expire(cutoff),
        }
    }

    /// Events of which it was not found out whether they complete a match: too many others had to be tried.
    pub(super) fn undecided(&self) -> u64 {
        self.undecided
    }

    /// How many events are held, and for how many keys.
    pub(super) fn held(&self) -> (usize, usize) {
        let waiting: usize = self.waiting.values().flatten().map(|w| w.bound.iter().flatten().count()).sum();
        let (events, keys) = match &self.found {
            Found::Chains(all) => (all.states().map(ChainState::held).sum::<usize>(), all.len()),
            Found::Windows(all) => (all.states().map(Window::held).sum(), all.len()),
            Found::Groups(all) => {
                (all.states().map(|g| g.counted.held() + g.all.as_ref().map_or(0, |all| all.held())).sum(), all.len())
            }
        };
        (events + waiting, keys)
    }
}

type Completed = Vec<(Key, Waiting)>;

fn waiting(bound: Bound, last: &Rc<Candidate>, excepted: bool) -> Waiting {
    Waiting { number: 0, bound, last: Rc::clone(last), excepted }
}

fn chained(chains: &mut Keyed<ChainState>, sequence: &Sequence, window: i64, hits: &[Hit]) -> Completed {
    let mut out = vec![];
    let Some(chain) = &sequence.chain else { return out };
    for hit in hits.iter().filter(|h| sequence.roles.get(h.step) != Some(&Role::Optional)) {
        let first = sequence.required.first() == Some(&hit.step);
        // Before the first step there is nothing that any other event could matter to.
        let state = match first {
            true => Some(chains.touch(&hit.key, hit.event.time)),
            false => chains.get(&hit.key),
        };
        let Some(state) = state else { continue };
        if let Some(bound) = state.add(sequence, chain, hit.step, Rc::clone(&hit.event), window) {
            out.push((Rc::clone(&hit.key), waiting(bound, &hit.event, false)));
        }
    }
    out
}

/// What is completed, and how many events it was not found out of.
fn searched(
    windows: &mut Keyed<Window>,
    sequence: &Sequence,
    window: i64,
    hits: &[Hit],
    excepted: bool,
    budget: &Budget,
) -> (Completed, u64) {
    let aside = |hit: &&Hit| sequence.roles.get(hit.step) != Some(&Role::Optional);
    let first = sequence.required.first();
    for hit in hits.iter().filter(aside) {
        let needed = !sequence.ordered || first == Some(&hit.step);
        let state = match needed {
            true => Some(windows.touch(&hit.key, hit.event.time)),
            false => windows.get(&hit.key),
        };
        if let Some(state) = state {
            state.add(sequence, hit.step, Rc::clone(&hit.event), window);
        }
    }
    let last = sequence.required.last();
    let completes = |hit: &&Hit| {
        let role = sequence.roles.get(hit.step) == Some(&Role::Required);
        if sequence.ordered { last == Some(&hit.step) } else { role }
    };
    // By the number of the completing event: there is one row for each, whichever of its steps it completes.
    let mut out: IndexMap<u64, (Key, Waiting)> = IndexMap::new();
    let mut undecided: HashSet<u64> = HashSet::new();
    for hit in hits.iter().filter(completes) {
        let Some(state) = windows.get(&hit.key) else { continue };
        let found = |excepted: bool| {
            let bound = state.completed(sequence, (hit.step, &hit.event), window, excepted, budget)?;
            Some(waiting(bound, &hit.event, excepted))
        };
        let row = found(false).or_else(|| if excepted && sequence.has_exceptions { found(true) } else { None });
        if budget.is_spent() {
            undecided.insert(hit.event.serial);
        }
        let Some(row) = row else { continue };
        if out.get(&hit.event.serial).is_none_or(|(_, other)| is_tighter(&row, other)) {
            out.insert(hit.event.serial, (Rc::clone(&hit.key), row));
        }
    }
    out.retain(|completing, _| !undecided.contains(completing));
    (out.into_values().collect(), undecided.len() as u64)
}

/// A match that fires comes before one that is excepted, then the one whose sorted times are greater.
fn is_tighter(row: &Waiting, other: &Waiting) -> bool {
    let times = |row: &Waiting| {
        let mut times: Vec<i64> = row.bound.iter().flatten().map(|e| e.time).collect();
        times.sort_unstable();
        (!row.excepted, times)
    };
    times(row) > times(other)
}

fn count(groups: &mut Keyed<Box<Groups>>, plan: &Plan, now: i64, hits: &[Hit], excepted: bool, out: &mut Vec<Row>) {
    let Form::Count { at_least, distinct } = plan.form else { return };
    let mut by_key: IndexMap<&Key, Vec<&Rc<Candidate>>> = IndexMap::new();
    for hit in hits {
        by_key.entry(&hit.key).or_default().push(&hit.event);
    }
    for (key, events) in by_key {
        let group = groups.touch(key, now);
        let counted = events.iter().filter(|e| e.excepted().is_empty()).map(|e| Rc::clone(e));
        let (mut met, mut burst) = (false, None);
        // An instant is one at which something that counts happens.
        if events.iter().any(|e| e.excepted().is_empty()) {
            (met, burst) = group.counted.add(now, counted, (at_least, distinct), plan.window);
        }
        let mut excepted_by = vec![];
        if excepted && !plan.titles.is_empty() {
            let all = events.iter().map(|e| Rc::clone(e));
            let (_, silenced) = group.all.get_or_insert_default().add(now, all, (at_least, distinct), plan.window);
            if let Some(silenced) = silenced.filter(|_| !met) {
                excepted_by = titles(plan, &silenced.excepted);
                burst = Some(silenced);
            }
        }
        if let Some(burst) = burst {
            out.push(Row {
                rule: plan.rule,
                time: now,
                place: burst.last.1,
                events: Events::Counted { first: burst.first, last: burst.last, count: burst.count },
                keys: keys(plan, key),
                flags: vec![],
                excepted_by,
            });
        }
    }
}
