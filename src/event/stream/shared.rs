//! Equalities that every step takes part in: they group events as keys do.

use super::value::Take;
use crate::ir::{Equal, Role, StepField, Steps};

/// A field of a step, as an equality compares it.
type Side = (StepField, bool);

/// Fields of different steps that are equal in every match: one of each step.
#[derive(Debug)]
pub(super) struct Class {
    sides: Vec<Side>,
    cased: bool,
    /// For each step its field.
    fields: Vec<StepField>,
}

impl Class {
    /// What a step's key takes.
    pub(super) fn take(&self, step: usize) -> Option<Take> {
        self.field(step).map(|f| Take::of(f.field, self.cased))
    }

    fn field(&self, step: usize) -> Option<&StepField> {
        self.fields.iter().find(|f| f.step == step)
    }

    /// Whether an equality is true wherever the keys are equal.
    pub(super) fn says(&self, equal: &Equal) -> bool {
        let chosen = |side: StepField| self.field(side.step) == Some(&side);
        equal.cased == self.cased && chosen(equal.left) && chosen(equal.right)
    }
}

/// The classes in which every step has a field.
pub(super) fn of(steps: &Steps) -> Vec<Class> {
    let mut classes: Vec<Vec<Side>> = vec![];
    for equal in steps.required().flat_map(|(_, step)| &step.equalities) {
        let pair = [(equal.left, equal.cased), (equal.right, equal.cased)];
        let (mut joined, apart): (Vec<_>, Vec<_>) =
            std::mem::take(&mut classes).into_iter().partition(|class| class.iter().any(|side| pair.contains(side)));
        let mut class: Vec<Side> = joined.drain(..).flatten().collect();
        class.extend(pair.iter().filter(|side| !class.contains(side)).copied().collect::<Vec<_>>());
        classes = apart;
        classes.push(class);
    }
    classes.into_iter().filter_map(|sides| class(sides, steps)).collect()
}

/// A class with a field for each step, unless a step has none.
fn class(sides: Vec<Side>, steps: &Steps) -> Option<Class> {
    let cased = sides.first()?.1;
    let mut class = Class { sides, cased, fields: vec![] };
    for (i, step) in steps.steps.iter().enumerate() {
        let field = match step.role {
            Role::Required => class.sides.iter().map(|(field, _)| *field).find(|f| f.step == i)?,
            // A step that stands aside is grouped by its own field where that equals one of the class.
            Role::Optional | Role::Without => {
                let joined = |e: &&Equal| e.cased == cased && class.fields.contains(&e.right);
                step.equalities.iter().find(joined)?.left
            }
        };
        class.fields.push(field);
    }
    Some(class)
}
