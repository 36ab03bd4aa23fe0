//! What the columns of a match are called: each step's under the step's name, those that join steps once.

use super::super::ast::Expr;
use super::super::lower::pascal;
use crate::target::temporal::{Carried, Carry, StepsPlan, What, Wide};
use crate::target::{By, Target};
use crate::vocabulary::FieldId;
use std::collections::HashSet;

/// Names that the match itself uses.
const TAKEN: [&str; 7] = ["Matches", "Candidates", "Bucket", "FirstTime", "LastTime", "Times", "Completing"];

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
        let mut taken: HashSet<String> = TAKEN.iter().chain(&tables).map(|name| (*name).to_owned()).collect();
        let mut steps: Vec<String> = vec![];
        for (place, step) in plan.steps.iter().enumerate() {
            let plain = pascal(&step.name);
            let free = (1..).map(|n| if n == 1 { plain.clone() } else { format!("{plain}{n}") }).find(|name| {
                !steps.iter().any(|s| s.eq_ignore_ascii_case(name))
                    && family(plan, place, name).iter().all(|one| !taken.contains(one))
            });
            let name = free.unwrap_or(plain);
            taken.extend(family(plan, place, &name));
            steps.push(name);
        }
        let mut classes: Vec<String> = vec![];
        for class in &plan.classes {
            let what =
                class.members.first().and_then(|c| plan.steps.get(c.step)?.carried.get(c.column)).map(|c| c.what);
            let plain = match what {
                Some(What::Part(field, part)) => part_name(plan.target, field, part, &class.name),
                _ if class.name.contains(['.', '_']) => pascal(&class.name),
                _ => class.name.clone(),
            };
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
        format!("{}{}", self.step(carry.step), carried.map_or_else(String::new, own_name))
    }

    /// A condition on a step's event: called after the flag that it is, or numbered.
    pub fn asked(&self, step: usize, asked: usize) -> String {
        format!("{}{}", self.step(step), asked_name(self.plan, step, asked))
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

/// A column of an identity by the shortest name that it has in events of any kind: `AccountName` for
/// `InitiatingProcessAccountName`. A parent is another process in events of other kinds.
pub fn part_name(target: &Target, field: FieldId, part: usize, column: &str) -> String {
    let everywhere = target.identity.values().filter_map(|all| all.get(&field)?.get(part)).map(|p| p.column.as_str());
    let shared = matches!(field.short(), "user" | "process");
    everywhere.filter(|_| shared).chain([column]).min_by_key(|name| name.len()).unwrap_or(column).to_owned()
}

/// What a carried column is called behind its step's name.
fn own_name(carried: &Carried) -> String {
    match carried.what {
        What::Field(field) => pascal(field.short()),
        What::Part(..) => carried.columns.iter().flatten().next().map_or_else(String::new, |c| c.name.clone()),
    }
}

/// What a condition on a step's event is called behind the step's name.
fn asked_name(plan: &StepsPlan, step: usize, asked: usize) -> String {
    match plan.flags.iter().find(|(_, wide)| *wide == Wide::Asked(step, asked)) {
        Some((flag, _)) => format!("Is{}", pascal(flag)),
        None => format!("Is{}", asked + 1),
    }
}

/// A step of this name, its tables, and all columns that carry its name before their own.
fn family(plan: &StepsPlan, place: usize, name: &str) -> Vec<String> {
    let Some(step) = plan.steps.get(place) else { return vec![] };
    let fixed = ["", "Time", "Table"].into_iter().map(str::to_owned);
    let tables = (1..=step.sources.len()).filter(|_| step.sources.len() > 1).map(|n| n.to_string());
    let carried = step.carried.iter().map(own_name);
    let asked = (0..step.asked.len()).map(|asked| asked_name(plan, place, asked));
    let behind = fixed.chain(tables).chain(own_columns(plan.target)).chain(carried).chain(asked);
    behind.map(|behind| format!("{name}{behind}")).collect()
}

/// The column of an event's time.
pub fn time(target: &Target) -> Expr {
    let field = crate::vocabulary::FieldId::find("event.time");
    let mapping = field.and_then(|field| target.every.get(&field)?.as_ref());
    Expr::Column(mapping.map_or_else(|| "Timestamp".to_owned(), |m| m.column().to_owned()))
}

/// Columns of the target that each step carries: those of every result, and those that tell events apart.
pub fn own_columns(target: &Target) -> Vec<String> {
    let mut out: Vec<String> = vec![];
    let Expr::Column(time) = time(target) else { return out };
    for column in target.event.iter().map(|p| &p.column).chain(&target.columns) {
        if *column != time && !out.contains(column) {
            out.push(column.clone());
        }
    }
    out
}
