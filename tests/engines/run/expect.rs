//! What a target's document must answer: the oracle's verdict on the event as the target sees it.

use super::super::oracle::{Event, holds, reached};
use arcanary::ir::{Body, Drop, Op, Pred, Test};
use arcanary::sema::{Project, Rule};
use arcanary::target::{Mapping, Source, Target};
use arcanary::vocabulary::{FieldId, Kind, Os};
use std::collections::BTreeMap;

/// What a document must say of one row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    /// It returns the row.
    pub returned: bool,
    /// Its flags, where it does.
    pub flags: BTreeMap<String, bool>,
}

/// A rule as a target can say it: what its author lets a target drop is dropped where the target lacks a field.
pub struct Meaning {
    detect: Pred,
    exceptions: Vec<Pred>,
    flags: Vec<(String, Pred)>,
    rule: Rule,
}

impl Meaning {
    /// A rule's meaning for events of one log; `None` if the rule does not look there.
    pub fn new(rule: &Rule, project: &Project, target: &Target, source: &Source, kind: Kind) -> Option<Meaning> {
        let os: Vec<Os> = source.os.iter().copied().filter(|o| rule.meta.os.contains(o)).collect();
        if os.is_empty() || !rule.kinds.contains(&kind) {
            return None;
        }
        let body = rule.body(project, kind, &os);
        let Body { detect, exceptions, flags, .. } = &*body;
        let lacks = |id: FieldId, words: &[&str]| {
            let constant = source.when.iter().any(|(f, _)| *f == id) || id.short() == "host.os" && source.os.len() == 1;
            let unlogged = |m: &Mapping| match m {
                Mapping::Words { words: known, .. } => words.iter().any(|w| !known.contains_key(*w)),
                _ => false,
            };
            // What is logged with another of the rule's kinds is a field that events of this one lack, not one that the
            // target has not.
            let nowhere = || rule.kinds.iter().all(|k| target.mapping(id, *k).is_none());
            let known = target.mapping(id, kind).is_some();
            !constant && target.mapping_in(source, id, kind).map_or_else(|| known || nowhere(), unlogged)
        };
        let of = Of { lacks: &lacks, may_lack: &target.may_lack };
        let whole = |pred: &Pred| {
            let pred = degraded(pred, of, true);
            (!asks_what_lacks(&pred, &lacks)).then_some(pred)
        };
        Some(Meaning {
            detect: degraded(detect, of, false),
            exceptions: exceptions.iter().filter_map(&whole).collect(),
            flags: flags.iter().filter_map(|f| Some((f.name.clone(), whole(&f.pred)?))).collect(),
            rule: rule.clone(),
        })
    }

    /// What must be said of an event.
    pub fn of(&self, event: &Event) -> Expected {
        let flags: BTreeMap<String, bool> =
            self.flags.iter().map(|(name, pred)| (name.clone(), holds(pred, event))).collect();
        let held: Vec<String> = flags.iter().filter(|(_, held)| **held).map(|(name, _)| name.clone()).collect();
        let returned = holds(&self.detect, event)
            && reached(&self.rule, &held)
            && !self.exceptions.iter().any(|e| holds(e, event));
        Expected { returned, flags: if returned { flags } else { BTreeMap::new() } }
    }

    /// The names of its flags.
    pub fn flags(&self) -> impl Iterator<Item = &str> {
        self.flags.iter().map(|(name, _)| name.as_str())
    }
}

/// Whether a target lacks a field, or one of the words that an enum field is asked for.
type Lacks<'l> = &'l dyn Fn(FieldId, &[&str]) -> bool;

/// What a target lacks, and the fields that not each of its sources fills.
#[derive(Clone, Copy)]
struct Of<'l> {
    lacks: Lacks<'l>,
    may_lack: &'l [FieldId],
}

/// Droppable parts that ask for what the target lacks become constants, and the author's `when available` holds for events
/// without a field that a source may not fill. In exceptions and flags (`whole`) it drops all, not a part.
fn degraded(pred: &Pred, of: Of, whole: bool) -> Pred {
    let each = |all: &[Pred]| all.iter().map(|p| degraded(p, of, whole)).collect::<Vec<_>>();
    match pred {
        Pred::Droppable { pred, why, .. } => {
            let inner = degraded(pred, of, whole);
            let available = *why == Drop::WhenAvailable;
            if asks_what_lacks(&inner, of.lacks) && !(whole && available) {
                return Pred::Const(why.value());
            }
            let mut ways = vec![];
            inner.each_test(&mut |test| {
                if of.may_lack.contains(&test.field.id) && available && !whole {
                    let there = Pred::Test(Test { op: Op::Exists, ..test.clone() });
                    ways.push(Pred::Not(Box::new(there)));
                }
            });
            ways.push(inner);
            Pred::Or(ways)
        }
        Pred::Not(inner) => Pred::Not(Box::new(degraded(inner, of, whole))),
        Pred::And(all) => Pred::And(each(all)),
        Pred::Or(all) => Pred::Or(each(all)),
        other => other.clone(),
    }
}

fn asks_what_lacks(pred: &Pred, lacks: Lacks) -> bool {
    let mut found = false;
    pred.each_test(&mut |test| {
        let words: &[&str] = if let Op::Word(words) = &test.op { words } else { &[] };
        found |= lacks(test.field.id, words);
        if let Op::Same { other, .. } = &test.op {
            found |= lacks(other.id, &[]);
        }
    });
    found
}
