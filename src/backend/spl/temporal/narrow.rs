//! Steps whose events no index tells from others: read through a subsearch on the processes of another step, or whole.
//!
//! A match has equal values in all steps of a class, so an event whose process is none of those of another step of the
//! match is in no match. A subsearch gives these processes, up to a limit.

use super::Scene;
use crate::backend::spl::ast::Search;
use crate::backend::spl::print;
use crate::backend::spl::search::Names as Fields;
use crate::ir::{Matcher, Role, Text};
use crate::target::temporal::{BoundStep, Class, StepSource};
use crate::target::{Bound, BoundOp, By, How, Scalar, Unsupported};

/// A text of fewer characters finds too much.
const SHORTEST: usize = 3;

impl Scene<'_> {
    /// Narrows each log source of a step that names nothing selective.
    pub fn narrow(&mut self) -> Result<(), Unsupported> {
        let steps = self.rows.steps;
        for (place, step) in steps.iter().enumerate() {
            for (index, source) in step.sources.iter().enumerate().filter(|(_, s)| !selective(s)) {
                match self.values(place, index) {
                    Some(values) => {
                        self.rows.narrowed.push((source, values));
                        self.tell_limit(step);
                    }
                    None if self.plan.target.refuse_unselective => {
                        let kind = source.kind.word();
                        return Err(self.refuse(
                            place,
                            format!("would read all {kind} events for `{}`, which names none of them", step.name),
                        ));
                    }
                    None => self.tell_cost(step, source),
                }
            }
        }
        Ok(())
    }

    /// The processes of another step that the events of a log source must share.
    fn values(&self, place: usize, index: usize) -> Option<Search> {
        let modelled = self.plan.steps.iter().flat_map(|s| &s.sources).any(|s| s.source.datamodel.is_some());
        let classes = self.plan.classes.iter().filter(|c| c.selective && c.by == By::Id && !modelled);
        let mut found: Vec<Search> = vec![];
        for class in classes {
            let Some(field) = self.column_of(class, place, index) else { continue };
            let others = self.of_role(Role::Required).into_iter().filter(|other| *other != place);
            found.extend(others.filter_map(|other| self.values_of(class, other, &field)));
        }
        found.into_iter().min_by_key(|search| print::search(search, "").len())
    }

    /// The values that the events of a step have.
    fn values_of(&self, class: &Class, place: usize, field: &str) -> Option<Search> {
        let step = self.rows.steps.get(place)?;
        let from = self.column_of(class, place, 0)?;
        let one = (0..step.sources.len()).all(|i| self.column_of(class, place, i).as_ref() == Some(&from));
        if !one || !step.sources.iter().all(selective) {
            return None;
        }
        let of = Box::new(self.rows.search_of(&step.sources.iter().collect::<Vec<_>>())?);
        Some(Search::Values { of, from, field: field.to_owned() })
    }

    /// The column that a step's events in a log source must have of a class.
    fn column_of(&self, class: &Class, place: usize, index: usize) -> Option<String> {
        let carry = class.of(place).filter(|_| !class.lax.contains(&place))?;
        let carried = self.plan.steps.get(place)?.carried.get(carry.column)?;
        let column = carried.columns.get(index)?.as_ref()?;
        (column.how == How::Whole).then(|| column.name.clone())
    }

    fn tell_limit(&mut self, step: &BoundStep) {
        let name = &step.name;
        let limit = format!(
            "Events of `{name}` are read by the processes that a subsearch finds: at most 10,000, within 60 seconds \
             (limits.conf)."
        );
        match step.role {
            Role::Optional => self.rows.note(&format!("{limit} Beyond that, columns of `{name}` stay empty.")),
            Role::Required => self.rows.degraded(&format!("{limit} Beyond that, matches are lost.")),
            Role::Without => self.rows.degraded(&format!("{limit} Beyond that, a match may be found that has one.")),
        }
    }

    fn tell_cost(&mut self, step: &BoundStep, source: &StepSource) {
        let (name, kind) = (&step.name, source.kind.word());
        self.rows.note(&format!(
            "Step `{name}` names nothing that an index finds: the search reads all {kind} events of its stretch of time."
        ));
    }
}

/// Whether few events are what a log source is asked for, and the base search can say so.
fn selective(source: &StepSource) -> bool {
    let fields = Fields::of_source(source.source);
    source.detect.conjuncts().into_iter().any(|b| names_something(b) && fields.implied(b).is_some())
}

/// Whether a condition names what few events have: a text, a number.
fn names_something(bound: &Bound) -> bool {
    match bound {
        Bound::Const(value) => !value,
        Bound::Not(_) => false,
        Bound::And(all) => all.iter().any(names_something),
        Bound::Or(all) => all.iter().all(names_something),
        Bound::Test(test) => match &test.op {
            BoundOp::Text(text) => long_enough(text),
            BoundOp::In(values) => values.iter().all(|v| matches!(v, Scalar::Number(_))),
            BoundOp::Exists | BoundOp::Order(..) | BoundOp::Same(..) | BoundOp::Cidr(_) => false,
        },
    }
}

fn long_enough(text: &Text) -> bool {
    let long = |t: &str| t.chars().count() >= SHORTEST;
    match &text.matcher {
        Matcher::Exact(v) | Matcher::Contains(v) | Matcher::StartsWith(v) | Matcher::EndsWith(v) => {
            v.iter().all(|t| long(t))
        }
        Matcher::Like(globs) => globs.iter().all(|g| long(g.longest())),
        Matcher::Regex(regex) => !regex.implied.is_empty() && regex.implied.iter().all(|c| long(c.text())),
    }
}
