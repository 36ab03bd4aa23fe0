//! Which process a number means: the one that the last start of that number on that host began.

use super::value::Part;
use foldhash::{HashMap, HashMapExt as _};
use std::collections::VecDeque;
use std::rc::Rc;

type Number = (Rc<str>, i64);

/// Starts of processes, each kept as long as it may matter: until nothing has asked for it for a window.
#[derive(Debug)]
pub(super) struct Starts {
    known: HashMap<Number, Start>,
    /// One entry for each number, in the order in which they are looked at.
    expiry: VecDeque<(i64, Number)>,
}

#[derive(Debug)]
struct Start {
    time: i64,
    used: i64,
}

impl Starts {
    pub(super) fn new() -> Starts {
        Starts { known: HashMap::new(), expiry: VecDeque::new() }
    }

    /// A process starts. Starts at the same time are one: logs tell a start more than once.
    pub(super) fn add(&mut self, number: Number, time: i64) {
        let start = Start { time, used: time };
        if self.known.insert(number.clone(), start).is_none() {
            self.expiry.push_back((time, number));
        }
    }

    /// Tells a process by its start, if it is known by its number.
    pub(super) fn resolve(&mut self, part: &mut Part, now: i64) {
        let Part::Pid(process) = part else { return };
        let known = self.known.get_mut(&(Rc::clone(&process.host), process.number));
        process.start = known.map(|known| {
            known.used = now;
            known.time
        });
    }

    /// Forgets what was used last before `cutoff`: no event within a window from now can be compared with it.
    pub(super) fn expire(&mut self, cutoff: i64) {
        while let Some((time, number)) = self.expiry.pop_front() {
            if time >= cutoff {
                self.expiry.push_front((time, number));
                return;
            }
            match self.known.get(&number) {
                Some(start) if start.used >= cutoff => self.expiry.push_back((start.used, number)),
                _ => {
                    self.known.remove(&number);
                }
            }
        }
    }

    /// How many are kept.
    pub(super) fn len(&self) -> usize {
        self.known.len()
    }
}

#[cfg(test)]
mod tests {
    use super::super::value::Pid;
    use super::*;

    fn of(starts: &mut Starts, pid: i64, now: i64) -> Part {
        let mut part = Part::Pid(Box::new(Pid { host: "a".into(), number: pid, start: None }));
        starts.resolve(&mut part, now);
        part
    }

    #[test]
    fn a_later_start_of_a_number_is_another_process() {
        let mut starts = Starts::new();
        let unknown = of(&mut starts, 7, 5);
        starts.add(("a".into(), 7), 10);
        let first = of(&mut starts, 7, 10);
        assert_ne!(first, unknown);
        starts.add(("a".into(), 8), 11);
        assert_eq!(of(&mut starts, 7, 12), first);
        starts.add(("a".into(), 7), 20);
        assert_ne!(of(&mut starts, 7, 20), first);
        assert_eq!(starts.len(), 2);
    }

    #[test]
    fn a_start_is_forgotten_when_nothing_has_used_it_for_a_window() {
        let mut starts = Starts::new();
        starts.add(("a".into(), 7), 10);
        starts.add(("a".into(), 8), 10);
        let first = of(&mut starts, 7, 50);
        starts.expire(11);
        assert_eq!(starts.len(), 1);
        assert_eq!(of(&mut starts, 7, 60), first);
        starts.expire(61);
        assert_eq!(starts.len(), 0);
    }
}
