//! The columns of a result: times, keys, what is shown of each step, and flags.

use super::Scene;
use super::make::{choose, field, text};
use super::wide::{Slot, parts};
use crate::backend::output::{self, add};
use crate::backend::spl::ast::{Eval, Step};
use crate::backend::{Output, Shown, Shows};
use crate::target::How;
use crate::target::temporal::{BoundStep, Carry, Wide};

impl Scene<'_> {
    /// Everything behind the match; the columns of the result.
    pub fn output(&mut self, required: &[usize], first: &str) -> Vec<Output> {
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
        if !made.is_empty() {
            self.rows.push(Step::Eval(made));
        }
        let columns = self.result(required);
        self.rows.push(Step::Table(columns.iter().map(|c| c.name.clone()).collect()));
        columns
    }

    /// The columns of the result, each once.
    fn result(&self, required: &[usize]) -> Vec<Output> {
        let target = self.rows.target;
        let mut out: Vec<Output> = vec![];
        let all: Vec<&BoundStep> = required.iter().filter_map(|place| self.plan.steps.get(*place)).collect();
        let last = if self.meant.ordered { all.get(all.len().saturating_sub(1)..) } else { Some(&all[..]) };
        let last = last.unwrap_or_default();
        target.columns.iter().for_each(|name| add(&mut out, output::own(target, last, name)));
        self.shown_keys(required).into_iter().for_each(|key| add(&mut out, key));
        for (step, columns) in self.plan.steps.iter().zip(&self.columns).filter(|(_, c)| !c.time.is_empty()) {
            add(&mut out, Output::time(&columns.time, Some(&step.name)));
        }
        for carry in &self.plan.show {
            add(&mut out, Output::fields(self.column(carry.step, Slot::Value(carry.column)), self.fields(*carry)));
        }
        self.plan.flags.iter().for_each(|(name, _)| add(&mut out, Output::new(name, Shows::Flag)));
        out
    }

    /// The fields that a carried column is.
    fn fields(&self, carry: Carry) -> Vec<Shown> {
        let step = self.plan.steps.get(carry.step);
        let carried = step.and_then(|s| Some((s, s.carried.get(carry.column)?)));
        carried.map_or_else(Vec::new, |(step, carried)| output::carried(self.rows.target, step, carried, true))
    }

    /// Whether a column is shown, or a flag reads it.
    fn is_told(&self, place: usize, slot: Slot) -> bool {
        let mut read: Vec<(usize, Slot)> = self.plan.show.iter().map(|c| (c.step, Slot::Value(c.column))).collect();
        self.plan.flags.iter().for_each(|(_, w)| parts(w, &mut read));
        read.contains(&(place, slot))
    }

    /// The columns of the keys, as the completing event has them.
    fn shown_keys(&self, required: &[usize]) -> Vec<Output> {
        let mut out = vec![];
        let Some(last) = required.last() else { return out };
        for (class, key) in self.plan.classes.iter().zip(&self.keys) {
            let Some(carry) = class.of(*last).filter(|_| !class.lax.contains(last)) else { continue };
            let columns = self.plan.steps.get(carry.step).and_then(|s| s.carried.get(carry.column)).map(|c| &c.columns);
            let columns: Vec<_> = columns.into_iter().flatten().flatten().collect();
            let plain = columns.first().filter(|c| c.how == How::Whole && columns.iter().all(|d| d == *c));
            let logged = plain.filter(|_| key.uniform || self.meant.ordered);
            let name = logged.map_or_else(|| key.name.clone(), |c| c.name.clone());
            out.push(Output::fields(name, class.members.iter().flat_map(|m| self.fields(*m)).collect()));
        }
        out
    }
}
