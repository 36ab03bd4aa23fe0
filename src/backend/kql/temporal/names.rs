//! What the columns of a match are called: each step's under the step's name, those that join steps once.

use super::super::lower::pascal;
use crate::target::By;
use crate::target::temporal::{Carry, StepsPlan, What, Wide};

/// Names that the match itself uses.
const TAKEN: [&str; 8] =
    ["Matches", "Candidates", "Bucket", "FirstTime", "LastTime", "Times", "Completing", "Exceptions"];

/// The names of a plan's steps and classes.
pub struct Names<'p> {
    plan: &'p StepsPlan<'p>,
    steps: Vec<String>,
    classes: Vec<String>,
}

impl<'p> Names<'p> {
    pub fn new(plan: &'p StepsPlan<'p>) -> Names<'p> {
        let tables: Vec<&str> =
            plan.steps.iter().flat_map(|s| s.sources.iter().filter_map(|s| s.source.table.as_deref())).collect();
        let mut steps: Vec<String> = vec![];
        for step in &plan.steps {
            let plain = pascal(&step.name);
            let taken = |name: &String| {
                TAKEN.contains(&name.as_str())
                    || tables.contains(&name.as_str())
                    || steps.iter().any(|s| s.eq_ignore_ascii_case(name))
            };
            let free = (1..).map(|n| if n == 1 { plain.clone() } else { format!("{plain}{n}") }).find(|n| !taken(n));
            steps.push(free.unwrap_or(plain));
        }
        let mut classes: Vec<String> = vec![];
        for class in &plan.classes {
            let plain = if class.name.contains(['.', '_']) { pascal(&class.name) } else { class.name.clone() };
            let first = class.members.first().and_then(|c| steps.get(c.step)).map_or("", String::as_str);
            let free = [plain.clone(), format!("{first}{plain}")].into_iter().find(|n| !classes.contains(n));
            classes.push(free.unwrap_or_else(|| format!("{first}{plain}{}", classes.len())));
        }
        Names { plan, steps, classes }
    }

    /// A step's name.
    pub fn step(&self, step: usize) -> &str {
        self.steps.get(step).map_or("", String::as_str)
    }

    /// The time of a step's event.
    pub fn time(&self, step: usize) -> String {
        format!("{}Time", self.step(step))
    }

    /// The table of a step's event, where it reads several.
    pub fn table(&self, step: usize) -> String {
        format!("{}Table", self.step(step))
    }

    /// The column of a class.
    pub fn class(&self, class: usize) -> &str {
        self.classes.get(class).map_or("", String::as_str)
    }

    /// A carried column as it was logged.
    pub fn carried(&self, carry: Carry) -> String {
        let carried = self.plan.steps.get(carry.step).and_then(|s| s.carried.get(carry.column));
        let own = carried.map_or_else(String::new, |c| match c.what {
            What::Field(field) => pascal(field.short()),
            What::Part(..) => c.columns.iter().flatten().next().map_or_else(String::new, |c| c.name.clone()),
        });
        format!("{}{own}", self.step(carry.step))
    }

    /// A condition on a step's event: called after the flag that it is, or numbered.
    pub fn asked(&self, step: usize, asked: usize) -> String {
        match self.plan.flags.iter().find(|(_, wide)| *wide == Wide::Asked(step, asked)) {
            Some((flag, _)) => format!("{}Is{}", self.step(step), pascal(flag)),
            None => format!("{}Is{}", self.step(step), asked + 1),
        }
    }

    /// A column of the target in a step's event: the one of a class where that has its very values.
    pub fn own(&self, step: usize, column: &str) -> String {
        let is_it = |class: &crate::target::temporal::Class| {
            let carried = class.of(step).and_then(|c| self.plan.steps.get(step)?.carried.get(c.column));
            let whole = |c: &crate::target::temporal::Carried| {
                c.columns.iter().all(|c| c.as_ref().is_some_and(|c| c.name == column))
            };
            class.by != By::Name && !class.lax.contains(&step) && carried.is_some_and(whole)
        };
        match self.plan.classes.iter().position(is_it) {
            Some(class) => self.class(class).to_owned(),
            None => format!("{}{column}", self.step(step)),
        }
    }
}
