//! What a step carries to the match, and conditions over it.

use super::Scene;
use super::keys::same;
use super::make::{all, any, binary, choose, field, not, text};
use crate::backend::spl::ast::Eval;
use crate::ir::Role;
use crate::target::temporal::{Carry, What, Wide};

/// The columns of one step.
#[derive(Clone, Debug, Default)]
pub struct Columns {
    /// The time of its event.
    pub time: String,
    /// Its other columns: which, name, and the value on its own row.
    pub values: Vec<(Slot, String, Eval)>,
}

/// What a column of a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// A carried column, by its place.
    Value(usize),
    /// The truth of a condition, by its place.
    Truth(usize),
}

impl Columns {
    /// All names, the time first.
    pub fn names(&self) -> Vec<String> {
        std::iter::once(&self.time).chain(self.values.iter().map(|(_, n, _)| n)).cloned().collect()
    }
}

/// The parts that a condition reads.
pub fn parts(wide: &Wide, out: &mut Vec<(usize, Slot)>) {
    match wide {
        Wide::Const(_) => {}
        Wide::Not(inner) => parts(inner, out),
        Wide::And(inner) | Wide::Or(inner) => inner.iter().for_each(|w| parts(w, out)),
        Wide::Asked(step, i) => out.push((*step, Slot::Truth(*i))),
        Wide::Equal(a, b) => out.extend([a, b].map(|c| (c.step, Slot::Value(c.column)))),
    }
}

impl Scene<'_> {
    /// What each step carries: what is shown, and what conditions of the match and flags read.
    pub fn carried(&mut self) -> Vec<Columns> {
        let mut needed: Vec<(usize, Slot)> = self.plan.show.iter().map(|c| (c.step, Slot::Value(c.column))).collect();
        let exceptions = self.plan.exceptions.iter().map(|(_, w)| w);
        let conditions = self.plan.conditions.iter().map(|(_, w)| w);
        for wide in conditions.chain(exceptions).chain(self.plan.flags.iter().map(|(_, w)| w)) {
            parts(wide, &mut needed);
        }
        let mut out = vec![];
        for (place, step) in self.plan.steps.iter().enumerate() {
            let mut columns = Columns::default();
            if step.role != Role::Without {
                columns.time = self.rows.names.fresh(&format!("{}_time", step.name));
            }
            for (_, slot) in needed.iter().filter(|(p, _)| *p == place) {
                if columns.values.iter().all(|(s, ..)| s != slot) {
                    let (name, value) = self.value(place, *slot);
                    columns.values.push((*slot, name, value));
                }
            }
            out.push(columns);
        }
        out
    }

    fn value(&mut self, place: usize, slot: Slot) -> (String, Eval) {
        let Some(step) = self.plan.steps.get(place) else { return (String::new(), text("")) };
        match slot {
            Slot::Value(column) => {
                let carried = step.carried.get(column);
                let word = match carried.map(|c| c.what) {
                    Some(What::Field(id)) => id.short().to_owned(),
                    Some(What::Part(id, i)) => format!("{}_{}", id.short(), i + 1),
                    None => String::new(),
                };
                let each = carried.map_or(&[][..], |c| c.columns.as_slice());
                let each = each.iter().map(|c| c.as_ref().map_or_else(|| text(""), |c| self.rows.column(c))).collect();
                let value = self.rows.by_source(place, each, false);
                (self.rows.names.fresh(&format!("{}_{}", step.name, word.replace('.', "_"))), value)
            }
            Slot::Truth(index) => {
                let bound = step.asked.get(index).map(|a| a.bound.clone()).unwrap_or_default();
                let each = bound.iter().map(|b| self.rows.bound(b)).collect();
                let holds = self.rows.by_source(place, each, true);
                // A flag that asks nothing else is this column.
                let flag = self.plan.flags.iter().find(|(_, w)| *w == Wide::Asked(place, index));
                let name = match flag {
                    Some((name, _)) => name.clone(),
                    None => self.rows.names.fresh(&format!("{}_if_{}", step.name, index + 1)),
                };
                (name, choose(holds, text("true"), text("false")))
            }
        }
    }

    /// The name of a step's column.
    pub fn column(&self, place: usize, slot: Slot) -> &str {
        let found = self.columns.get(place).and_then(|c| c.values.iter().find(|(s, ..)| *s == slot));
        found.map_or("", |(_, name, _)| name)
    }

    /// A condition over the columns of a match. Columns of `own` are read as they are on its row.
    pub fn wide(&self, wide: &Wide, own: Option<usize>) -> Eval {
        let each = |inner: &[Wide]| inner.iter().map(|w| self.wide(w, own)).collect::<Vec<_>>();
        let value = |place: usize, slot: Slot| {
            let column = self.columns.get(place).and_then(|c| c.values.iter().find(|(s, ..)| *s == slot));
            match column {
                Some((_, _, value)) if own == Some(place) => value.clone(),
                Some((_, name, _)) => field(name),
                None => text(""),
            }
        };
        match wide {
            Wide::Const(value) => Eval::Call(if *value { "true" } else { "false" }, vec![]),
            Wide::Not(inner) => not(self.wide(inner, own)),
            Wide::And(inner) => all(each(inner)),
            Wide::Or(inner) => any(each(inner)),
            Wide::Asked(place, i) => match value(*place, Slot::Truth(*i)) {
                Eval::Call("if", mut parts) if !parts.is_empty() => parts.swap_remove(0),
                column => binary("=", column, text("true")),
            },
            Wide::Equal(a, b) => {
                let read = |c: &Carry| value(c.step, Slot::Value(c.column));
                let by = self.plan.steps.get(a.step).and_then(|s| s.carried.get(a.column)).map(|c| c.by);
                same(&self.rows, read(a), read(b), by.unwrap_or(crate::target::By::Id))
            }
        }
    }
}
