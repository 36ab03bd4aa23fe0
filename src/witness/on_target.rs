//! Witnesses as rows of a target's logs: what the rule means there, asked of the event that is read back from the row.

use super::maker::{Log, Maker};
use super::{Budget, Refused, Setting, Witnesses, finish};
use crate::event::Event;
use crate::event::eval::Evaluator;
use crate::event::row;
use crate::sema::{Project, Rule};
use crate::target::{Plan, Source, SourceQuery, kept};
use crate::vocabulary::{Kind, Os};
use serde_json::{Map, Value as Json};

/// The witnesses of one of a target's logs.
pub struct Logged<'p, 't> {
    plan: &'p Plan<'t>,
    query: &'p SourceQuery<'t>,
    /// The witnesses; events are as read back from their rows.
    pub witnesses: Witnesses,
}

impl Logged<'_, '_> {
    /// Where the log lies: a table, macro, data model or log source.
    #[must_use]
    pub fn place(&self) -> String {
        let source = self.query.source;
        let named = [&source.table, &source.macro_name, &source.datamodel];
        match named.into_iter().flatten().next() {
            Some(name) => name.clone(),
            None => source.logsource.values().cloned().collect::<Vec<_>>().join("/"),
        }
    }

    /// The log source.
    #[must_use]
    pub fn source(&self) -> &Source {
        self.query.source
    }

    /// The kind of event that it holds.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.query.kind
    }

    /// The row of a witness's event; `number` tells rows of one run apart.
    #[must_use]
    pub fn row(&self, event: &Event, number: usize) -> Map<String, Json> {
        let mut row = row::write(self.plan.target, self.query.source, self.system(), event);
        let identifiers = row::identifiers(self.plan.target, &row, number);
        row.extend(identifiers);
        row
    }

    fn system(&self) -> Os {
        self.query.os.first().copied().unwrap_or(Os::Windows)
    }
}

/// The witnesses of a rule in each log of a target, as its plan there has them: none of a rule over several events, for
/// which there is [`super::witnesses_of_several_on`].
///
/// # Errors
/// No event of any log makes it fire.
pub fn witnesses_on<'p, 't>(
    rule: &Rule,
    project: &Project,
    plan: &'p Plan<'t>,
) -> Result<Vec<Logged<'p, 't>>, Refused> {
    if rule.over_several_events().is_some() {
        return Ok(vec![]);
    }
    let budget = Budget::default();
    let mut out: Vec<Logged> = vec![];
    let mut refused = None;
    for (i, query) in plan.queries.iter().enumerate() {
        let made = budget.share(plan.queries.len() - i, |part| in_log(rule, project, plan, query, part));
        match finish(rule, made, &budget) {
            Ok(witnesses) => out.push(Logged { plan, query, witnesses }),
            Err(error) => {
                refused.get_or_insert(error);
            }
        }
    }
    match refused {
        Some(error) if out.is_empty() => Err(error),
        _ => Ok(out),
    }
}

fn in_log(rule: &Rule, project: &Project, plan: &Plan, query: &SourceQuery, budget: &Budget) -> Witnesses {
    let mut out = Witnesses::default();
    let target = plan.target;
    let body = kept::body(rule, project, target, query);
    let evaluator = Evaluator::of_body(rule, &body);
    for os in &query.os {
        let before = out.all.len();
        let (systems, fillers) = (vec![*os], &target.filler);
        let setting = Setting { project, rule, kind: query.kind, systems, fillers, budget: budget.clone() };
        let log = Log {
            has: &|field| target.mapping_in(query.source, field, query.kind).is_some(),
            seen: &|event| row::read(target, query.source, query.kind, &row::write(target, query.source, *os, event)),
        };
        Maker::new(&setting, &body, &evaluator, &log).run(&mut out);
        // One system's events show all ways, as long as they show any.
        if out.all.len() > before {
            break;
        }
    }
    out
}
