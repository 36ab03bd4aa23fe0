//! One step as rows of its own: filtered where it is logged, its columns under names of the match.

use super::super::ast::{Expr, Let, Pipeline, Step};
use super::super::lower::{Filtered, Lower, computed};
use super::names::{Names, own_columns, time};
use crate::ir::Role;
use crate::sema::Rule;
use crate::target::temporal::{BoundStep, Carried, Carry, Class, StepSource, StepsPlan, What};
use crate::target::{Bound, By, Column, How, Target};

/// The rows of each step, as `let`s.
pub fn lets(rule: &Rule, plan: &StepsPlan, names: &Names, raw: &[Carry]) -> Vec<Let> {
    let mut out = vec![];
    for (place, step) in plan.steps.iter().enumerate() {
        let name = names.step(place);
        let mut parts = vec![];
        for (index, source) in step.sources.iter().enumerate() {
            let lower = lower(plan.target, step, index);
            let guards = guards(plan, place, index);
            let mut steps = filtered(rule, &lower, source, guards, asked(names, place, index, step, &lower));
            steps.push(Step::Project(projected(plan, names, place, index, raw, &lower)));
            let body = Pipeline { source: vec![source.source.table.clone().unwrap_or_default()], steps };
            parts.push(body);
        }
        match parts.len() {
            1 => out.extend(parts.into_iter().map(|body| Let { name: name.to_owned(), body, kept: false })),
            _ => {
                let named = parts.into_iter().enumerate();
                let all: Vec<Let> =
                    named.map(|(i, body)| Let { name: format!("{name}{}", i + 1), body, kept: false }).collect();
                let source = all.iter().map(|l| l.name.clone()).collect();
                out.extend(all);
                out.push(Let { name: name.to_owned(), body: Pipeline { source, steps: vec![] }, kept: false });
            }
        }
    }
    out
}

/// Lowers conditions on the events of one source.
pub fn lower<'p>(target: &'p Target, step: &'p BoundStep, index: usize) -> Lower<'p> {
    let shown = step.carried.iter().filter_map(|carried| {
        let column = carried.columns.get(index)?.as_ref()?;
        let What::Field(field) = carried.what else {
            return Some(("", column)).filter(|_| column.how == How::Computed);
        };
        Some((field.short(), column))
    });
    let source = step.sources.get(index);
    let asked = source.iter().flat_map(|s| [&s.detect].into_iter().chain(s.exceptions.iter().map(|(_, b)| b)));
    let asked = asked.chain(step.asked.iter().filter_map(|a| a.bound.get(index)));
    Lower { target, computed: computed(target, shown, asked) }
}

/// The source's rows that the step means. `columns` are computed on what is left.
pub fn filtered(
    rule: &Rule,
    lower: &Lower,
    source: &StepSource,
    guards: Vec<&Column>,
    columns: Vec<(String, Expr)>,
) -> Vec<Step> {
    let of = Filtered {
        source: source.source,
        detect: &source.detect,
        exceptions: &source.exceptions,
        names: &source.names,
        guards,
    };
    lower.filtered(rule, &of, columns, &[])
}

/// Columns without which an event is in no match. What a step is joined with on equal values has been asked already.
fn guards<'p>(plan: &'p StepsPlan, place: usize, index: usize) -> Vec<&'p Column> {
    let required = |step: usize| plan.steps.get(step).is_some_and(|s| s.role == Role::Required);
    // Whether a name is a filler is asked of the name as it is logged.
    let kept = |by: By| by != By::Name || plan.target.filler.iter().all(|f| !f.chars().any(char::is_alphabetic));
    let asked = |class: &Class| {
        let first = class.members.iter().map(|m| m.step).find(|s| required(*s) && !class.lax.contains(s));
        kept(class.by) && first.is_some_and(|first| first < place)
    };
    let strict = plan.classes.iter().filter(|class| !class.lax.contains(&place) && !asked(class));
    let mut out: Vec<&Column> = vec![];
    for carry in strict.filter_map(|class| class.of(place)) {
        let column = plan.steps.get(place).and_then(|s| s.carried.get(carry.column)?.columns.get(index)?.as_ref());
        if let Some(column) = column
            && !out.contains(&column)
        {
            out.push(column);
        }
    }
    out
}

fn asked(names: &Names, place: usize, index: usize, step: &BoundStep, lower: &Lower) -> Vec<(String, Expr)> {
    let all = step.asked.iter().enumerate();
    all.map(|(i, a)| {
        let bound = a.bound.get(index).unwrap_or(&Bound::Const(false));
        (names.asked(place, i), lower.expr(bound, true))
    })
    .collect()
}

/// A carried column in one source; where events lack it, nothing. Tables differ in how wide a number is, and a union of two
/// types is two columns.
pub fn value(carried: &Carried, index: usize, lower: &Lower) -> Expr {
    match carried.columns.get(index) {
        Some(Some(column)) if carried.by == By::Number && carried.columns.len() > 1 => {
            Expr::Call("tolong", vec![lower.column(column)])
        }
        Some(Some(column)) => lower.column(column),
        _ => match carried.by {
            By::Id | By::Name => Expr::Text(String::new()),
            By::Number => Expr::Null("long"),
            By::Time => Expr::Null("datetime"),
        },
    }
}

/// A carried column as it is compared: names in small letters.
pub fn compared(carried: &Carried, index: usize, lower: &Lower) -> Expr {
    let value = value(carried, index, lower);
    if carried.by == By::Name { Expr::Call("tolower", vec![value]) } else { value }
}

fn projected(
    plan: &StepsPlan,
    names: &Names,
    place: usize,
    index: usize,
    raw: &[Carry],
    lower: &Lower,
) -> Vec<(Option<String>, Expr)> {
    let mut out = vec![(names.time(place), time(plan.target))];
    let mut add = |name: String, expr: Expr| {
        if !out.iter().any(|(n, _)| *n == name) {
            out.push((name, expr));
        }
    };
    let Some(step) = plan.steps.get(place) else { return vec![] };
    for (i, class) in plan.classes.iter().enumerate() {
        let carried = class.of(place).and_then(|c| step.carried.get(c.column));
        if let Some(carried) = carried {
            add(names.class(i).to_owned(), compared(carried, index, lower));
        }
    }
    for column in own_columns(plan.target) {
        add(names.own(place, &column), Expr::Column(column));
    }
    if several_tables(step) {
        let table = step.sources.get(index).and_then(|s| s.source.table.clone()).unwrap_or_default();
        add(names.table(place), Expr::Text(table));
    }
    for carry in raw.iter().filter(|c| c.step == place) {
        if let Some(carried) = step.carried.get(carry.column) {
            add(names.carried(*carry), value(carried, index, lower));
        }
    }
    for i in 0..step.asked.len() {
        add(names.asked(place, i), Expr::Column(names.asked(place, i)));
    }
    let plain = |name: &String, expr: &Expr| *expr == Expr::Column(name.clone());
    out.into_iter().map(|(name, expr)| if plain(&name, &expr) { (None, expr) } else { (Some(name), expr) }).collect()
}

/// Whether a step's events lie in several tables.
pub fn several_tables(step: &BoundStep) -> bool {
    let mut tables = step.sources.iter().map(|s| &s.source.table);
    let first = tables.next();
    tables.any(|t| Some(t) != first)
}
