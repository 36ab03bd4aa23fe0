//! Which steps the state of `streamstats` can join, and how; what it cannot join is refused here.

use super::Scene;
use crate::ir::Role;
use crate::target::Unsupported;
use crate::target::temporal::{Carried, What};
use crate::vocabulary::{FieldId, Kind};

/// Between two neighbouring required steps.
pub struct Link {
    /// The earlier step.
    pub from: usize,
    /// The later one.
    pub to: usize,
    /// What the later one shares with any step before it.
    pub classes: Vec<usize>,
    /// The latest match under the key is the best one.
    pub latest: bool,
    /// One event may be both.
    pub overlap: bool,
}

impl Scene<'_> {
    /// Refuses what the state cannot say.
    pub fn check(&self, required: &[usize]) -> Result<(), Unsupported> {
        if self.rows.seconds.is_some() && (required.len() > 2 || !self.of_role(Role::Without).is_empty()) {
            let place = required.get(2).or(self.of_role(Role::Without).first()).copied().unwrap_or(0);
            return Err(self.refuse(
                place,
                "knows times of a data model by the second: it orders two steps, and neither a third one nor a `without`",
            ));
        }
        for (place, _) in &self.plan.conditions {
            if self.plan.steps.get(*place).is_some_and(|s| s.role != Role::Required) {
                let why =
                    format!("carries one event a step, so `{}` is joined by equal fields only", self.name(*place));
                return Err(self.refuse(*place, why));
            }
        }
        for (_, wide) in &self.plan.conditions {
            self.check_condition(&wide.steps())?;
        }
        for (index, wide) in &self.plan.exceptions {
            // An exception may be a tune's: its place is not the step's.
            let written = self.rows.rule.exceptions.get(*index).map(|exception| exception.span());
            let refused = |refused: Unsupported| Unsupported { span: written.unwrap_or(refused.span), ..refused };
            self.check_condition(&wide.steps()).map_err(refused)?;
        }
        Ok(())
    }

    /// A condition over several steps may follow the carry only if it has no choice of the earlier events.
    fn check_condition(&self, read: &[usize]) -> Result<(), Unsupported> {
        let Some(last) = read.iter().max() else { return Ok(()) };
        for place in read.iter().filter(|p| *p != last) {
            if !self.meant.ordered || !self.only_one(*place, *last) {
                let why = format!(
                    "carries one event of `{}` to `{}`, so a condition over both could miss a match with another one",
                    self.name(*place),
                    self.name(*last)
                );
                return Err(self.refuse(*last, why));
            }
        }
        Ok(())
    }

    /// Whether a later step's event names the one event that can be the earlier step: the start of a process that it names.
    fn only_one(&self, place: usize, later: usize) -> bool {
        let Some(step) = self.plan.steps.get(place) else { return false };
        let starts = step.sources.iter().all(|s| s.kind == Kind::Process);
        let Some(process) = FieldId::find("process") else { return false };
        let Some(parts) = self.plan.target.identity(process, Kind::Process) else { return false };
        starts
            && (0..parts.len()).all(|i| {
                self.plan.classes.iter().any(|c| {
                    let carried = c.of(place).and_then(|m| step.carried.get(m.column));
                    let same = carried.is_some_and(|carried| self.is_part(carried, process, i));
                    same && c.of(later).is_some()
                })
            })
    }

    /// Whether a carried column is this part of an identity, under whatever name it was first met.
    fn is_part(&self, carried: &Carried, id: FieldId, part: usize) -> bool {
        let parts = self.plan.target.identity(id, Kind::Process).unwrap_or(&[]);
        let column = parts.get(part).map(|p| p.column.as_str());
        carried.what == What::Part(id, part)
            || carried.columns.iter().flatten().all(|c| Some(c.name.as_str()) == column)
    }

    /// How each required step is joined to the one before it.
    pub fn links(&self, required: &[usize]) -> Result<Vec<Link>, Unsupported> {
        let mut out = vec![];
        let mut before: Vec<usize> = vec![];
        for (i, pair) in required.windows(2).enumerate() {
            let &[from, to] = pair else { continue };
            let earlier = required.get(..=i).unwrap_or(&[]);
            let classes = self.shared(to, earlier);
            if self.lacking(from, &classes).is_some() {
                let why = format!(
                    "carries state from `{}` to `{}`, which names an earlier step by a field that `{0}` does not share",
                    self.name(from),
                    self.name(to)
                );
                return Err(self.refuse(to, why));
            }
            let latest = before.iter().all(|c| classes.contains(c));
            if !latest && i > 1 {
                let why = format!(
                    "keeps the best of two steps at a wider key, and `{}` follows more than two by another key",
                    self.name(to)
                );
                return Err(self.refuse(to, why));
            }
            let overlap = !self.disjoint(from, to);
            if overlap && self.rows.seconds.is_some() {
                return Err(self.several_in_a_second(from, to));
            }
            if overlap && !latest {
                let why = format!(
                    "cannot keep one event from being both `{}` and `{}` where they are joined by another key",
                    self.name(from),
                    self.name(to)
                );
                return Err(self.refuse(to, why));
            }
            before.clone_from(&classes);
            out.push(Link { from, to, classes, latest, overlap });
        }
        for (i, a) in required.iter().enumerate() {
            if let Some(b) = required.iter().skip(i + 2).find(|b| !self.disjoint(*a, **b)) {
                let why = format!(
                    "cannot keep one event from being both `{}` and `{}`, which are not neighbours",
                    self.name(*a),
                    self.name(*b)
                );
                return Err(self.refuse(*b, why));
            }
        }
        Ok(out)
    }

    /// A row of a data model may be several events, so it cannot be told whether one of them is both steps.
    pub fn several_in_a_second(&self, a: usize, b: usize) -> Unsupported {
        let why = format!(
            "knows events of a data model by the second, and cannot keep one from being both `{}` and `{}`",
            self.name(a),
            self.name(b)
        );
        self.refuse(b, why)
    }
}
