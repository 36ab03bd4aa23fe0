//! Optional steps: carried backwards in time, so that a completing event has the earliest one behind it.

use super::Scene;
use super::make::{all, binary, carry, choose, field, is_step, known, number, only, span, text};
use super::wide::Slot;
use crate::backend::spl::ast::{Eval, Order, Step};
use crate::ir::Role;
use crate::target::Unsupported;

impl Scene<'_> {
    /// The events after which an optional step may stand.
    fn check_optional(&self, place: usize, required: &[usize], before: &[usize]) -> Result<(), Unsupported> {
        let name = self.name(place);
        if let Some(other) = required.iter().chain(before).find(|p| !self.disjoint(**p, place)) {
            let why = format!("cannot keep one event from being both `{}` and `{name}`", self.name(*other));
            return Err(self.refuse(place, why));
        }
        let everyone: Vec<usize> = (0..self.plan.steps.len()).filter(|p| *p != place).collect();
        let classes = self.shared(place, &everyone);
        let last = required.last().copied();
        let rows = if self.meant.ordered { last.into_iter().collect() } else { required.to_vec() };
        for row in rows.iter().chain(before) {
            if self.lacking(*row, &classes).is_some() {
                let why =
                    format!("finds `{name}` behind `{}`, which does not share all that joins it", self.name(*row));
                return Err(self.refuse(place, why));
            }
        }
        Ok(())
    }

    /// Gives each row the optional events behind it.
    pub fn optional_columns(&mut self, required: &[usize]) -> Result<(), Unsupported> {
        let optional = self.of_role(Role::Optional);
        if optional.is_empty() {
            return Ok(());
        }
        if let Some(third) = optional.get(2) {
            return Err(self.refuse(*third, "carries two optional steps backwards and no more"));
        }
        for (i, place) in optional.iter().enumerate() {
            self.check_optional(*place, required, optional.get(..i).unwrap_or(&[]))?;
        }
        let step = self.rows.step.clone();
        self.rows.comment("backwards in time: the earliest optional event behind each row");
        self.rows.push(Step::Sort(vec![Order::Falling("_time".to_owned()), Order::Falling(step.clone())]));
        // The last one first: it is carried to the one before it, and on with that one.
        let mut behind: Vec<String> = vec![];
        for place in optional.iter().rev() {
            let Some(columns) = self.columns.get(*place).cloned() else { continue };
            let row = is_step(&step, *place);
            let mut made = vec![(columns.time.clone(), only(row.clone(), field("_time")))];
            made.extend(columns.values.iter().map(|(_, n, v)| (n.clone(), only(row.clone(), v.clone()))));
            let mut names = columns.names();
            for name in &behind {
                let next = self.rows.names.fresh(&format!("next_{name}"));
                // No later one: the text keeps that of an older row from showing through.
                let value = Eval::Call("coalesce", vec![field(name), text("")]);
                made.push((next.clone(), only(row.clone(), value)));
                names.push(next);
            }
            self.rows.push(Step::Eval(made));
            let everyone: Vec<usize> = (0..self.plan.steps.len()).filter(|p| p != place).collect();
            let by = self.by(&self.shared(*place, &everyone));
            self.rows.push(carry(&names, &by));
            behind = columns.names();
        }
        let last = required.last().copied().unwrap_or(0);
        self.rows.push(Step::Where(binary("<=", field(&step), number(last + 1))));
        Ok(())
    }

    /// Keeps of the optional events those within the window.
    pub fn optional_in_window(&mut self, first: &str) {
        let optional = self.of_role(Role::Optional);
        let mut before: Option<(usize, String)> = None;
        for place in optional {
            let Some(columns) = self.columns.get(place).cloned() else { continue };
            let time = columns.time.clone();
            let mut made = vec![];
            if let Some((step, earlier)) = &before {
                let here = known(earlier);
                let needs = self.plan.asks(self.meant, place, *step);
                for name in columns.names() {
                    let next = field(&format!("next_{name}"));
                    let next = if name == time { Eval::Call("tonumber", vec![next]) } else { next };
                    let value = if needs { only(here.clone(), next) } else { choose(here.clone(), next, field(&name)) };
                    made.push((name.clone(), value));
                }
            }
            let inside = binary("<=", span(field(&time), field(first)), Eval::Number(self.window));
            made.push((time.clone(), only(all(vec![known(&time), inside]), field(&time))));
            for (slot, name, _) in &columns.values {
                let nothing = match slot {
                    Slot::Value(_) => "",
                    Slot::Truth(i) => {
                        let asked = self.plan.steps.get(place).and_then(|s| s.asked.get(*i));
                        if asked.is_some_and(|a| a.on_nothing) { "true" } else { "false" }
                    }
                };
                made.push((name.clone(), choose(known(&time), field(name), text(nothing))));
            }
            self.rows.push(Step::Eval(made));
            before = Some((place, time));
        }
    }
}
