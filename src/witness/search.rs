//! The shortest text that meets several conditions at once: a breadth-first walk through their machines side by side.
//!
//! Conditions may look at a part of the text, as `process.name` is a part of `executable`. Only one character of each
//! class that no machine tells apart is tried, so that a walk which comes to its end without a text proves that
//! there is none.

use super::budget::Budget;
use super::machine::Machine;
use indexmap::{IndexMap, IndexSet};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

/// The part of a text that a condition looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum View {
    /// All of it.
    Whole,
    /// The last component of a path.
    Name,
    /// What stands behind the last dot of that.
    Extension,
    /// A path without its last component.
    Folder,
}

impl View {
    /// The part of `text`; `None` where it has none.
    #[must_use]
    pub fn of(self, text: &str) -> Option<&str> {
        let name = || text.rsplit(SEPARATORS).next().unwrap_or("");
        let part = match self {
            View::Whole => text,
            View::Name => name(),
            View::Extension => name().rsplit_once('.')?.1,
            View::Folder => text.get(..text.rfind(SEPARATORS)?)?,
        };
        (!part.is_empty()).then_some(part)
    }
}

const SEPARATORS: [char; 2] = ['\\', '/'];

/// A condition on a part of a text.
#[derive(Clone, Debug)]
pub struct Constraint {
    /// What is looked for.
    pub machine: Rc<Machine>,
    /// Where.
    pub view: View,
    /// It must be found; else it must not.
    pub positive: bool,
}

/// How far a condition has read: the machine's state, and what its view must remember.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct At {
    state: usize,
    note: u8,
}

/// The part is not there, or empty so far.
const LACKING: u8 = 0;
/// The part has begun; of a folder: it ended, and the expression is not in it.
const BEGUN: u8 = 1;
/// Of an extension: a character of it was read; of a folder: it ended, and the expression is in it.
const INSIDE: u8 = 2;
/// Of a folder: something was read, and no separator has ended it yet.
const OPEN: u8 = 3;

impl Constraint {
    /// Whether it is met by a text; `None` is a field that the event lacks.
    #[must_use]
    pub fn holds(&self, text: Option<&str>) -> bool {
        let found = text.and_then(|t| self.view.of(t)).is_some_and(|part| self.machine.is_in(part));
        found == self.positive
    }

    fn start(&self) -> At {
        At { state: self.machine.start(), note: LACKING }
    }

    fn read(&self, text: &str) -> At {
        text.chars().fold(self.start(), |at, c| self.step(at, c))
    }

    fn step(&self, at: At, c: char) -> At {
        let next = |note| At { state: self.machine.step(at.state, c), note };
        let separator = SEPARATORS.contains(&c);
        match self.view {
            View::Whole => next(BEGUN),
            View::Name if separator => self.start(),
            View::Name => next(BEGUN),
            View::Extension if separator => self.start(),
            View::Extension if c == '.' => At { note: BEGUN, ..self.start() },
            View::Extension if at.note == LACKING => at,
            View::Extension => next(INSIDE),
            View::Folder if at.note == LACKING => next(OPEN),
            View::Folder if separator => next(if self.machine.accepts(at.state) { INSIDE } else { BEGUN }),
            View::Folder => next(at.note),
        }
    }

    fn met(&self, at: At) -> bool {
        let found = match self.view {
            View::Whole | View::Name => at.note != LACKING && self.machine.accepts(at.state),
            View::Extension => at.note == INSIDE && self.machine.accepts(at.state),
            View::Folder => at.note == INSIDE,
        };
        found == self.positive
    }

    /// Whether nothing that follows could meet it.
    fn is_hopeless(&self, at: At) -> bool {
        let settled = if self.positive { self.machine.is_lost(at.state) } else { self.machine.is_found(at.state) };
        self.view == View::Whole && settled
    }
}

/// Searches made so far.
#[derive(Debug)]
pub struct Searches {
    made: RefCell<HashMap<Vec<Begun>, Found>>,
    /// States that may still be looked at, in all searches together.
    left: Cell<usize>,
}

/// A condition, its machine by its place in memory, and how far it has read: what is found from there is the same
/// whatever was read.
type Begun = (usize, View, bool, At);

impl Default for Searches {
    fn default() -> Searches {
        Searches { made: RefCell::default(), left: Cell::new(WAY_STATES) }
    }
}

/// States that all searches for the ways of one rule may look at together.
const WAY_STATES: usize = 60_000;

/// States that the searches for its exceptions may look at beside those.
const EXCEPTION_STATES: usize = 20_000;

impl Searches {
    /// From here on, searches are for exceptions. They get states of their own, because the ways may have used up all others.
    pub fn turn_to_exceptions(&self) {
        self.left.set(self.left.get() + EXCEPTION_STATES);
    }

    /// [`shortest`], once from where the conditions stand behind `prefix`. The machines must outlive this.
    pub fn shortest(&self, all: &[Constraint], prefix: &str, liked: &str, limit: usize, budget: &Budget) -> Found {
        if budget.is_spent() {
            return Found::GaveUp;
        }
        budget.charge(all.len().saturating_mul(prefix.len() + 8));
        let mut key: Vec<Begun> = all
            .iter()
            .map(|c| (Rc::as_ptr(&c.machine).addr(), c.view, c.positive, c.read(prefix)))
            .chain([(0, View::Whole, prefix.is_empty(), At { state: 0, note: LACKING })])
            .collect();
        key.sort_unstable();
        key.dedup();
        let whole = |found: Found| match found {
            Found::Text(rest) => Found::Text(format!("{prefix}{rest}")),
            other => other,
        };
        if let Some(found) = self.made.borrow().get(&key) {
            return whole(found.clone());
        }
        let (found, looked_at) = search(all, prefix, liked, limit.min(self.left.get()), budget);
        self.left.set(self.left.get().saturating_sub(looked_at));
        self.made.borrow_mut().insert(key, found.clone());
        whole(found)
    }
}

/// What a search ends with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// A text that meets all conditions.
    Text(String),
    /// There is none.
    Nothing,
    /// None was found within the limit.
    GaveUp,
}

/// The shortest text behind `prefix` that meets all conditions; of several, the one whose characters come first in
/// `liked`. At most `limit` states are looked at.
#[must_use]
pub fn shortest(all: &[Constraint], prefix: &str, liked: &str, limit: usize, budget: &Budget) -> Found {
    match search(all, prefix, liked, limit, budget).0 {
        Found::Text(rest) => Found::Text(format!("{prefix}{rest}")),
        other => other,
    }
}

/// What stands behind the prefix, and how many states were looked at.
fn search(all: &[Constraint], prefix: &str, liked: &str, limit: usize, budget: &Budget) -> (Found, usize) {
    if budget.is_spent() {
        return (Found::GaveUp, 0);
    }
    let start: Vec<At> = all.iter().map(|c| c.read(prefix)).collect();
    let met = |states: &[At]| all.iter().zip(states).all(|(c, at)| c.met(*at));
    if !prefix.is_empty() && met(&start) {
        return (Found::Text(String::new()), 1);
    }
    let alphabet = alphabet(all, liked, budget);
    let mut seen: IndexMap<Vec<At>, (usize, char)> = IndexMap::new();
    seen.insert(start, (0, ' '));
    let mut now = 0;
    while let Some((states, _)) = seen.get_index(now) {
        let states = states.clone();
        for c in &alphabet {
            budget.charge(2 * all.len() + 8);
            let next: Vec<At> = all.iter().zip(&states).map(|(one, at)| one.step(*at, *c)).collect();
            if all.iter().zip(&next).any(|(one, at)| one.is_hopeless(*at)) || seen.contains_key(&next) {
                continue;
            }
            let done = met(&next);
            seen.insert(next, (now, *c));
            if done {
                return (Found::Text(spelled(&seen)), seen.len());
            }
            if seen.len() > limit || budget.is_spent() {
                return (Found::GaveUp, seen.len());
            }
        }
        if budget.is_spent() {
            return (Found::GaveUp, seen.len());
        }
        now += 1;
    }
    (Found::Nothing, seen.len())
}

/// The shortest text that, behind `prefix`, lets one expression be found; what was found once is remembered.
#[must_use]
pub fn completion(machine: &Rc<Machine>, prefix: &str, liked: &str, limit: usize, budget: &Budget) -> Option<String> {
    let state = machine.walk_on(machine.start(), prefix);
    machine.completion(state, || {
        let all = [Constraint { machine: Rc::clone(machine), view: View::Whole, positive: true }];
        match shortest(&all, prefix, liked, limit, budget) {
            Found::Text(text) => text.get(prefix.len()..).map(str::to_owned),
            Found::Nothing | Found::GaveUp => None,
        }
    })
}

/// The way to the state that was met last.
fn spelled(seen: &IndexMap<Vec<At>, (usize, char)>) -> String {
    let mut out = vec![];
    let mut at = seen.len().saturating_sub(1);
    while at > 0 {
        let Some((_, (from, c))) = seen.get_index(at) else { break };
        out.push(*c);
        at = *from;
    }
    out.into_iter().rev().collect()
}

/// One character for each class that the conditions tell apart, the liked ones first.
fn alphabet(all: &[Constraint], liked: &str, budget: &Budget) -> Vec<char> {
    let mut classes: IndexSet<Vec<(char, char)>> = [vec![('\\', '\\'), ('/', '/')], vec![('.', '.')]].into();
    for constraint in all {
        classes.extend(constraint.machine.classes().iter().cloned());
    }
    let mut bounds: Vec<u32> = vec![0x20, 0x7f, 0xd800, 0xe000];
    bounds.extend(classes.iter().flatten().flat_map(|(from, to)| [u32::from(*from), u32::from(*to) + 1]));
    bounds.extend(liked.chars().flat_map(|c| [u32::from(c), u32::from(c) + 1]));
    bounds.sort_unstable();
    bounds.dedup();
    budget.charge(bounds.len().saturating_mul(classes.iter().map(Vec::len).sum()) / 2);
    let mut chosen: IndexMap<Vec<usize>, char> = IndexMap::new();
    // Characters of no class stand last, unprintable ones behind them.
    let firsts = bounds.iter().filter_map(|b| char::from_u32(*b));
    let (good, bad): (Vec<char>, Vec<char>) = firsts.partition(|c| c.is_ascii() && !c.is_control());
    for c in liked.chars().chain(good).chain(bad) {
        let signature: Vec<usize> = classes
            .iter()
            .enumerate()
            .filter(|(_, ranges)| ranges.iter().any(|(from, to)| (*from..=*to).contains(&c)))
            .map(|(i, _)| i)
            .collect();
        chosen.entry(signature).or_insert(c);
    }
    chosen.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is(pattern: &str, view: View, positive: bool) -> Constraint {
        Constraint { machine: Rc::new(Machine::new(pattern, &Budget::default()).expect(pattern)), view, positive }
    }

    fn find(all: &[Constraint], prefix: &str) -> Found {
        shortest(all, prefix, "abcdefghijklmnopqrstuvwxyz0123456789", 10_000, &Budget::default())
    }

    #[test]
    fn the_shortest_text_that_meets_all_is_found() {
        let all = [is("(?i)-P", View::Whole, true), is(" a ", View::Whole, true), is("^7z", View::Whole, true)];
        assert_eq!(find(&all, ""), Found::Text("7z a -p".into()));
        assert_eq!(find(&all, "7z.exe"), Found::Text("7z.exe a -p".into()));
        assert_eq!(find(&[is("^a", View::Whole, false)], ""), Found::Text("b".into()));
    }

    #[test]
    fn what_cannot_be_is_proved() {
        assert_eq!(find(&[is("^ab", View::Whole, true), is("b", View::Whole, false)], ""), Found::Nothing);
        assert_eq!(find(&[is("ab", View::Whole, true), is("b", View::Whole, false)], ""), Found::Nothing);
        assert_eq!(find(&[is("^a{30}$", View::Whole, true)], ""), Found::Text("a".repeat(30)));
        let long = is("^(?:[ab]*a[ab]{12})$", View::Whole, true);
        let other = is("^(?:[ab]*b[ab]{12})$", View::Whole, true);
        assert_eq!(shortest(&[long, other], "", "", 100, &Budget::default()), Found::GaveUp);
    }

    #[test]
    fn parts_of_a_path_are_looked_at_alone() {
        let all = [
            is(r"^rar\.exe$", View::Name, true),
            is(r"^C:", View::Whole, true),
            is("Program", View::Whole, false),
            is("^exe$", View::Extension, true),
            is("^C:.x$", View::Folder, true),
        ];
        let Found::Text(path) = find(&all, "") else { panic!("no path") };
        assert!(all.iter().all(|c| c.holds(Some(&path))), "{path}");
        assert_eq!((View::Name.of(&path), View::Extension.of(&path)), (Some("rar.exe"), Some("exe")));
    }

    #[test]
    fn walking_and_asking_agree_on_parts() {
        let texts = ["", "a", "a.b", r"\a", r"x\a.b", r"x\", "x/a.", r"x.a\b", "..a", r"\\a", r"a\\b", "a/b.c.a"];
        for view in [View::Whole, View::Name, View::Extension, View::Folder] {
            for pattern in ["a", "^a$", "(?s).", "b$"] {
                for positive in [true, false] {
                    let c = is(pattern, view, positive);
                    for text in texts {
                        let walked = c.met(text.chars().fold(c.start(), |at, x| c.step(at, x)));
                        let asked = c.holds(Some(text));
                        assert_eq!(walked, asked, "{view:?} {pattern} {positive} {text:?}");
                    }
                }
            }
        }
    }
}
