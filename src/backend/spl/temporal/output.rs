//! The columns of a result: times, keys, what is shown of each step, flags and exceptions.

use super::Scene;
use super::make::{choose, field, text};
use super::wide::{Slot, parts};
use crate::backend::one_line;
use crate::backend::spl::ast::{Eval, Step};
use crate::backend::spl::lower::unique;
use crate::target::How;
use crate::target::temporal::Wide;

impl Scene<'_> {
    /// Everything behind the match.
    pub fn output(&mut self, required: &[usize], first: &str) {
        let mut made: Vec<(String, Eval)> = vec![];
        if self.meant.ordered
            && let Some(columns) = required.last().and_then(|p| self.columns.get(*p))
        {
            made.push((columns.time.clone(), field("_time")));
            let place = required.last().copied().unwrap_or(0);
            let wanted = columns.values.iter().filter(|(slot, ..)| self.is_told(place, *slot));
            made.extend(wanted.map(|(_, name, value)| (name.clone(), value.clone())));
        }
        if !made.is_empty() {
            self.rows.push(Step::Eval(made));
        }
        self.optional_in_window(first);
        let mut made = vec![];
        for (name, wide) in &self.plan.flags {
            // One that asks a single step is a column already.
            if !matches!(wide, Wide::Asked(..)) {
                made.push((name.clone(), choose(self.wide(wide, None), text("true"), text("false"))));
            }
        }
        let titles = self.titles();
        if !titles.is_empty() {
            made.push(("exceptions".to_owned(), text(&titles.join("; "))));
        }
        let exceptions = !titles.is_empty();
        if !made.is_empty() {
            self.rows.push(Step::Eval(made));
        }
        let mut columns = self.rows.target.columns.clone();
        columns.extend(self.shown_keys(required));
        let with_event = |s: &&super::wide::Columns| !s.time.is_empty();
        columns.extend(self.columns.iter().filter(with_event).map(|c| c.time.clone()));
        columns.extend(self.plan.show.iter().map(|c| self.column(c.step, Slot::Value(c.column)).to_owned()));
        columns.extend(self.plan.flags.iter().map(|(name, _)| name.clone()));
        columns.extend(exceptions.then(|| "exceptions".to_owned()));
        self.rows.push(Step::Table(unique(columns)));
    }

    /// Whether a column is shown, or a flag reads it.
    fn is_told(&self, place: usize, slot: Slot) -> bool {
        let mut read: Vec<(usize, Slot)> = self.plan.show.iter().map(|c| (c.step, Slot::Value(c.column))).collect();
        self.plan.flags.iter().for_each(|(_, w)| parts(w, &mut read));
        read.contains(&(place, slot))
    }

    /// Titles of all exceptions that the query applies.
    fn titles(&self) -> Vec<String> {
        let single =
            self.plan.steps.iter().flat_map(|s| s.sources.iter().flat_map(|s| s.exceptions.iter().map(|(i, _)| *i)));
        let mut all: Vec<usize> = single.chain(self.plan.exceptions.iter().map(|(i, _)| *i)).collect();
        all.sort_unstable();
        all.dedup();
        all.into_iter().filter_map(|i| self.rows.rule.exceptions.get(i)).map(|e| one_line(&e.title)).collect()
    }

    /// The columns of the keys, as the completing event has them.
    fn shown_keys(&self, required: &[usize]) -> Vec<String> {
        let mut out = vec![];
        let Some(last) = required.last() else { return out };
        for (class, key) in self.plan.classes.iter().zip(&self.keys) {
            let Some(carry) = class.of(*last).filter(|_| !class.lax.contains(last)) else { continue };
            let columns = self.plan.steps.get(carry.step).and_then(|s| s.carried.get(carry.column)).map(|c| &c.columns);
            let columns: Vec<_> = columns.into_iter().flatten().flatten().collect();
            let plain = columns.first().filter(|c| c.how == How::Whole && columns.iter().all(|d| d == *c));
            let logged = plain.filter(|_| key.uniform || self.meant.ordered);
            out.push(logged.map_or_else(|| key.name.clone(), |c| c.name.clone()));
        }
        out
    }
}
