//! Regular expressions as machines over characters, made deterministic as far as they are walked.
//!
//! A machine answers for each text whether its expression is found in it, and it can be walked character by character,
//! so that several can be walked side by side: that is how [`super::search`] finds a text that meets all of some
//! conditions, or shows that there is none.

use super::budget::Budget;
use indexmap::IndexSet;
use regex_syntax::hir::{Class, Hir, HirKind, Look};
use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;

/// Machines with more steps than this are not built.
const MOST_STEPS: usize = 20_000;

#[derive(Debug)]
enum Step {
    /// One character of these ranges.
    Chars(Vec<(char, char)>, usize),
    /// Any of these, without a character.
    Any(Vec<usize>),
    /// Only at the beginning of the text.
    Start(usize),
    /// Only at its end.
    End(usize),
    /// Found.
    Found,
}

/// Steps of the budget that a new state costs, for the memory that it takes.
const NEW_STATE: usize = 500;

/// The step that ends every walk.
const FOUND: usize = 0;

/// A regular expression, found anywhere in a text.
#[derive(Debug)]
pub struct Machine {
    steps: Vec<Step>,
    entry: usize,
    begin: OnceCell<usize>,
    walked: RefCell<Walked>,
    completions: RefCell<HashMap<usize, Option<String>>>,
    classes: OnceCell<Vec<Vec<(char, char)>>>,
    budget: Budget,
}

/// States met so far: sets of steps, by number.
#[derive(Debug, Default)]
struct Walked {
    sets: IndexSet<Vec<usize>>,
    /// Of each, whether a text may end there.
    accepts: Vec<bool>,
    /// Of each, where an ASCII character leads; [`UNKNOWN`] until it is asked.
    ascii: Vec<Vec<usize>>,
    other: HashMap<(usize, char), usize>,
}

/// A step that was not walked yet.
const UNKNOWN: usize = usize::MAX;

impl Walked {
    fn next(&self, state: usize, c: char) -> Option<usize> {
        if c.is_ascii() {
            return self.ascii.get(state)?.get(c as usize).copied().filter(|n| *n != UNKNOWN);
        }
        self.other.get(&(state, c)).copied()
    }

    fn is(&self, state: usize, set: &[usize]) -> bool {
        self.sets.get_index(state).is_some_and(|s| s == set)
    }
}

impl Machine {
    /// Builds one. `None`: it is no expression that this can walk, or too large, or the budget is spent.
    #[must_use]
    pub fn new(pattern: &str, budget: &Budget) -> Option<Machine> {
        if budget.is_spent() {
            return None;
        }
        let hir = regex_syntax::ParserBuilder::new().build().parse(pattern).ok()?;
        let mut machine = Machine {
            steps: vec![Step::Found],
            entry: FOUND,
            begin: OnceCell::new(),
            walked: RefCell::default(),
            completions: RefCell::default(),
            classes: OnceCell::new(),
            budget: budget.clone(),
        };
        machine.entry = machine.add(&hir, FOUND)?;
        budget.charge(pattern.len() + machine.steps.len());
        Some(machine)
    }

    fn push(&mut self, step: Step) -> Option<usize> {
        self.steps.push(step);
        (self.steps.len() <= MOST_STEPS).then_some(self.steps.len() - 1)
    }

    /// Adds an expression before the step `then`; returns where it begins.
    fn add(&mut self, hir: &Hir, then: usize) -> Option<usize> {
        match hir.kind() {
            HirKind::Empty => Some(then),
            HirKind::Literal(literal) => {
                let text = std::str::from_utf8(&literal.0).ok()?;
                text.chars().rev().try_fold(then, |then, c| self.push(Step::Chars(vec![(c, c)], then)))
            }
            HirKind::Class(Class::Unicode(class)) => {
                let ranges = class.iter().map(|r| (r.start(), r.end())).collect();
                self.push(Step::Chars(ranges, then))
            }
            HirKind::Class(Class::Bytes(class)) => {
                let ranges = class.iter().map(|r| (char::from(r.start()), char::from(r.end()))).collect();
                self.push(Step::Chars(ranges, then))
            }
            HirKind::Look(Look::Start) => self.push(Step::Start(then)),
            HirKind::Look(Look::End) => self.push(Step::End(then)),
            HirKind::Look(_) => None,
            HirKind::Capture(capture) => self.add(&capture.sub, then),
            HirKind::Concat(all) => all.iter().rev().try_fold(then, |then, hir| self.add(hir, then)),
            HirKind::Alternation(all) => {
                let entries = all.iter().map(|hir| self.add(hir, then)).collect::<Option<Vec<_>>>()?;
                self.push(Step::Any(entries))
            }
            HirKind::Repetition(r) => {
                let mut from = then;
                match r.max {
                    Some(max) => {
                        for _ in r.min..max {
                            let entry = self.add(&r.sub, from)?;
                            from = self.push(Step::Any(vec![entry, then]))?;
                        }
                    }
                    None => {
                        from = self.push(Step::Any(vec![]))?;
                        let entry = self.add(&r.sub, from)?;
                        if let Some(step) = self.steps.get_mut(from) {
                            *step = Step::Any(vec![entry, then]);
                        }
                    }
                }
                (0..r.min).try_fold(from, |from, _| self.add(&r.sub, from))
            }
        }
    }

    /// Where `steps` lead without a character. What is found once stays found.
    fn closure(&self, steps: Vec<usize>, at_start: bool, at_end: bool) -> Vec<usize> {
        let mut open = steps;
        let mut seen = vec![false; self.steps.len()];
        let mut out = vec![];
        self.budget.charge(self.steps.len() / 16);
        while let Some(at) = open.pop() {
            self.budget.charge(1);
            match seen.get_mut(at) {
                Some(before) if !*before => *before = true,
                _ => continue,
            }
            match self.steps.get(at) {
                Some(Step::Found) => return vec![FOUND],
                Some(Step::Any(all)) => open.extend(all),
                Some(Step::Start(then)) if at_start => open.push(*then),
                Some(Step::End(then)) if at_end => open.push(*then),
                Some(Step::Chars(..) | Step::End(_)) => out.push(at),
                Some(Step::Start(_)) | None => {}
            }
        }
        out.sort_unstable();
        out
    }

    fn number(&self, set: Vec<usize>) -> usize {
        let known = self.walked.borrow().sets.get_index_of(&set);
        if let Some(number) = known {
            return number;
        }
        self.budget.charge(NEW_STATE);
        let accepts = set == [FOUND] || self.closure(set.clone(), false, true) == [FOUND];
        let mut walked = self.walked.borrow_mut();
        walked.accepts.push(accepts);
        walked.ascii.push(vec![UNKNOWN; 128]);
        walked.sets.insert_full(set).0
    }

    /// The state before the first character.
    #[must_use]
    pub fn start(&self) -> usize {
        *self.begin.get_or_init(|| self.number(self.closure(vec![self.entry], true, false)))
    }

    /// The state behind one more character.
    #[must_use]
    pub fn step(&self, state: usize, c: char) -> usize {
        let known = self.walked.borrow().next(state, c);
        known.unwrap_or_else(|| self.walk(state, c))
    }

    fn walk(&self, state: usize, c: char) -> usize {
        let set = self.walked.borrow().sets.get_index(state).cloned().unwrap_or_default();
        let next = if set == [FOUND] {
            state
        } else {
            let mut reached = vec![self.entry];
            for at in set {
                if let Some(Step::Chars(ranges, then)) = self.steps.get(at)
                    && ranges.iter().any(|(from, to)| (*from..=*to).contains(&c))
                {
                    reached.push(*then);
                }
            }
            self.number(self.closure(reached, false, false))
        };
        let mut walked = self.walked.borrow_mut();
        if c.is_ascii() {
            if let Some(place) = walked.ascii.get_mut(state).and_then(|row| row.get_mut(c as usize)) {
                *place = next;
            }
        } else {
            walked.other.insert((state, c), next);
        }
        next
    }

    /// Whether the expression is found in a text that ends here.
    #[must_use]
    pub fn accepts(&self, state: usize) -> bool {
        self.walked.borrow().accepts.get(state).copied().unwrap_or(false)
    }

    /// Whether it is found whatever follows.
    #[must_use]
    pub fn is_found(&self, state: usize) -> bool {
        self.walked.borrow().is(state, &[FOUND])
    }

    /// Whether it is not found whatever follows.
    #[must_use]
    pub fn is_lost(&self, state: usize) -> bool {
        self.walked.borrow().is(state, &[])
    }

    /// Whether it is found in `text`.
    #[must_use]
    pub fn is_in(&self, text: &str) -> bool {
        self.accepts(self.walk_on(self.start(), text))
    }

    /// The state behind a whole text.
    #[must_use]
    pub fn walk_on(&self, mut state: usize, text: &str) -> usize {
        if self.budget.is_spent() {
            return state;
        }
        self.budget.charge(text.len());
        let mut rest = text.chars();
        loop {
            let walked = self.walked.borrow();
            let stop = loop {
                let Some(c) = rest.next() else { return state };
                match walked.next(state, c) {
                    // What stays as it is is often found, or lost, for good.
                    Some(next) if next == state && (walked.is(state, &[FOUND]) || walked.is(state, &[])) => {
                        return state;
                    }
                    Some(next) => state = next,
                    None => break c,
                }
            };
            drop(walked);
            state = self.walk(state, stop);
        }
    }

    /// What `make` makes of a state: once, then remembered.
    pub fn completion(&self, state: usize, make: impl FnOnce() -> Option<String>) -> Option<String> {
        if let Some(made) = self.completions.borrow().get(&state) {
            return made.clone();
        }
        let made = make();
        self.completions.borrow_mut().insert(state, made.clone());
        made
    }

    /// The classes of characters that it tells apart, each once.
    pub fn classes(&self) -> &[Vec<(char, char)>] {
        self.classes.get_or_init(|| {
            let all = self.steps.iter().filter_map(|s| match s {
                Step::Chars(ranges, _) => Some(ranges.clone()),
                _ => None,
            });
            all.collect::<IndexSet<_>>().into_iter().collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_finds_what_the_regex_engine_finds() {
        let texts =
            ["", "a", "A", "ab", "xab", "abx", "aab", "aaab", "a b", "\"a b\" -p", "x -p", "x-p", "é–p", "a\nb"];
        for pattern in [
            "a",
            "(?i)A",
            "^a",
            "a$",
            "^a$",
            "^$",
            "a|b$",
            "^(?:a|ab)$",
            "a{2,3}b",
            "a*b",
            "(?:ab)?x$",
            "[^a]b",
            "",
            r#"^[^"]*(?:"[^"]*"[^"]*)*[ \t]["']?-p"#,
            "(?s)^a.b$",
            "(?:a|^)b",
            "é–",
            "^a{0}b",
            "(?:a*)*b$",
        ] {
            let machine = Machine::new(pattern, &Budget::default()).expect(pattern);
            let regex = regex::Regex::new(pattern).expect(pattern);
            for text in texts {
                assert_eq!(machine.is_in(text), regex.is_match(text), "{pattern} in {text:?}");
            }
        }
    }

    #[test]
    fn what_is_too_large_or_looks_around_is_refused() {
        assert!(Machine::new(r"\ba", &Budget::default()).is_none());
        assert!(
            Machine::new("(?:[ab]{1000}){1000}", &Budget::default()).is_none()
                && Machine::new("(", &Budget::default()).is_none()
        );
    }
}
