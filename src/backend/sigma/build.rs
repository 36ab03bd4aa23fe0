//! A shaped condition as selections and a joint of their names.

use super::item::Value;
use super::item::{Items, items};
use super::joint::Joint;
use super::selection::{Selection, Selections, field_word, slug, subject};
use super::shape::{asks_behind, shaped_to_deny};
use crate::ir::{Matcher, Score, Text};
use crate::sema::Rule;
use crate::source::Span;
use crate::target::{Bound, BoundOp, BoundTest, SourceQuery, Target, Unsupported};
use indexmap::IndexMap;
use std::collections::HashMap;

/// More sets of flags than this are no rule that anybody reads.
const MOST_SETS: usize = 64;

/// Collects selections.
pub struct Builder {
    /// Those so far.
    pub selections: Selections,
    /// What Sigma cannot say.
    pub refused: Vec<Unsupported>,
    /// Where the rule's detection stands.
    span: Span,
    /// It is below a NOT.
    denied: bool,
    /// For each name that was asked for: the names that its selections got, and the number that is tried next.
    named: HashMap<String, (HashMap<Selection, String>, usize)>,
}

impl Builder {
    /// Nothing yet.
    pub fn new(rule: &Rule) -> Builder {
        Builder {
            selections: Selections::new(),
            refused: vec![],
            span: rule.detect_span,
            denied: false,
            named: HashMap::new(),
        }
    }

    /// The alternatives of the whole condition are numbered; a single one is not.
    pub fn top(&mut self, bound: &Bound) -> Joint {
        match bound {
            Bound::Or(all) if self.selection(bound).is_none() => self.alternatives(all, "selection"),
            other => self.branch(other, "selection"),
        }
    }

    /// Each of these columns is there and holds a value.
    pub fn has(&mut self, keys: &[String], filler: &[String]) -> [Joint; 2] {
        let there = keys.iter().map(|key| (format!("{key}|exists"), Value::Flag(true))).collect();
        let nothing: Vec<String> = std::iter::once(String::new()).chain(filler.iter().cloned()).collect();
        let lacking = keys.iter().map(|key| vec![(key.clone(), Value::Texts(nothing.clone()))]).collect();
        let there = self.add("selection_keys", Selection { maps: vec![there] });
        let lacking = self.add("filter_main_keys", Selection { maps: lacking });
        [Joint::Name(there), Joint::Name(lacking).not()]
    }

    /// That none of a rule's exceptions holds.
    pub fn excepted(&mut self, rule: &Rule, query: &SourceQuery, target: &Target) -> Option<Joint> {
        let name = |index: usize| {
            format!("filter_optional_{}", slug(rule.exceptions.get(index).map_or("", |e| e.title.as_str())))
        };
        let all: Vec<(String, Bound)> =
            query.exceptions.iter().map(|(index, bound)| (name(*index), shaped_to_deny(bound, target))).collect();
        match all.as_slice() {
            [] => None,
            [(name, bound)] => Some(self.denied(bound, name)),
            some => {
                self.denied = true;
                let any = Joint::or(some.iter().map(|(name, bound)| self.named(bound, name)).collect());
                self.denied = false;
                Some(any.not())
            }
        }
    }

    /// The sets of flags that reach the threshold; `None` if it is always reached.
    pub fn score(
        &mut self,
        score: &Score,
        flags: &[(String, Bound)],
        rule: &Rule,
    ) -> Result<Option<Joint>, Vec<Unsupported>> {
        let left = score.given(|index| match flags.get(index) {
            Some((_, Bound::Const(value))) => Some(*value),
            _ => None,
        });
        if left.threshold == 0 {
            return Ok(None);
        }
        let span = rule.threshold.map_or(rule.span, |(_, span)| span);
        let sets = left.minimal_sets(MOST_SETS).map_err(|reached| {
            let why = format!(
                "has no arithmetic, and the sets of flags that reach the threshold are more than {MOST_SETS}: \
                 {reached} were counted"
            );
            vec![Unsupported::new(span, why)]
        })?;
        let mut said = IndexMap::new();
        for index in sets.iter().flatten() {
            if let (Some((name, bound)), false) = (flags.get(*index), said.contains_key(index)) {
                said.insert(*index, self.named(bound, &format!("flag_{}", slug(name))));
            }
        }
        let set = |set: &Vec<usize>| Joint::and(set.iter().filter_map(|index| said.get(index).cloned()).collect());
        let ways: Vec<Joint> = sets.iter().map(set).collect();
        Ok(Some(Joint::or(ways)))
    }

    /// A conjunction: its plain tests become selections, what it negates becomes filters.
    fn branch(&mut self, bound: &Bound, prefix: &str) -> Joint {
        if let Some(selection) = self.selection(bound) {
            return Joint::Name(self.add(prefix, selection));
        }
        let number = prefix.strip_prefix("selection").unwrap_or("");
        let filter = |inner: &Bound| format!("filter_main{number}_{}", lacking_or_subject(inner));
        match bound {
            Bound::And(all) => {
                let (negative, positive): (Vec<&Bound>, Vec<&Bound>) =
                    all.iter().partition(|b| matches!(b, Bound::Not(_)));
                let mut joint = self.positives(&positive, prefix);
                for not in negative {
                    let Bound::Not(inner) = not else { continue };
                    joint.push(self.denied(inner, &filter(inner)));
                }
                Joint::and(joint)
            }
            Bound::Or(all) => self.alternatives(all, prefix),
            Bound::Not(inner) => self.denied(inner, &filter(inner)),
            Bound::Test(test) => {
                // What Sigma cannot say was refused when the test became an item.
                let refused = Unsupported::new(test.span, "cannot say this as one selection");
                if self.refused.is_empty() {
                    self.refused.push(refused);
                }
                Joint::Name(prefix.to_owned())
            }
            Bound::Const(_) => {
                self.refused.push(Unsupported::new(self.span, "cannot say a part that is always true or never"));
                Joint::Name(prefix.to_owned())
            }
        }
    }

    /// Not a condition. Splunk's converter negates each regular expression below a NOT by itself, so of a conjunction that
    /// asks one each operand is negated.
    fn denied(&mut self, bound: &Bound, name: &str) -> Joint {
        let before = std::mem::replace(&mut self.denied, true);
        let joint = self.negated(bound, name);
        self.denied = before;
        joint
    }

    fn negated(&mut self, bound: &Bound, name: &str) -> Joint {
        if let Bound::Not(inner) = bound {
            self.denied = false;
            return self.named(inner, name);
        }
        let Bound::And(all) = bound else { return self.named(bound, name).not() };
        if !asks_behind(bound) {
            return self.named(bound, name).not();
        }
        let base = name.rsplit_once('_').map_or(name, |(base, word)| if word == subject(bound) { base } else { name });
        let one = |b: &Bound| match b {
            Bound::Not(inner) => self.named(inner, &format!("{base}_{}", lacking_or_subject(inner))),
            other => self.denied(other, &format!("{base}_{}", subject(other))),
        };
        Joint::or(all.iter().map(one).collect())
    }

    /// Tests of different fields share a map; alternatives and second tests of a field get names of their own.
    fn positives(&mut self, all: &[&Bound], prefix: &str) -> Vec<Joint> {
        let mut parts: Vec<(String, Selection)> = vec![];
        let mut merged: Option<usize> = None;
        let mut joints = vec![];
        for bound in all {
            let Some(selection) = self.selection(bound) else {
                joints.push(*bound);
                continue;
            };
            if selection.maps.len() > 1 {
                parts.push((subject(bound), selection));
                continue;
            }
            for (key, value) in selection.maps.into_iter().flatten() {
                let map = merged.and_then(|i| parts.get_mut(i)).and_then(|(_, s)| s.maps.first_mut());
                match map {
                    Some(map) if !map.iter().any(|(k, _)| *k == key) => map.push((key, value)),
                    there => {
                        if there.is_none() {
                            merged = Some(parts.len());
                        }
                        parts.push((field_word(&key), Selection { maps: vec![vec![(key, value)]] }));
                    }
                }
            }
        }
        let many = parts.len() + joints.len() > 1;
        let mut out = vec![];
        for (word, selection) in parts {
            let name = if many { format!("{prefix}_{word}") } else { prefix.to_owned() };
            out.push(Joint::Name(self.add(&name, selection)));
        }
        // Several alternatives of one conjunction are told apart by letters.
        if let [only] = joints.as_slice() {
            out.push(self.branch(only, prefix));
            return out;
        }
        for (place, bound) in joints.into_iter().enumerate() {
            let letter = u8::try_from(place).ok().filter(|n| *n < 26).map(|n| char::from(b'a' + n).to_string());
            let word = letter.unwrap_or_else(|| format!("part{}", place + 1));
            out.push(self.branch(bound, &format!("{prefix}_{word}")));
        }
        out
    }

    /// Alternatives: those that are maps share a list, the others are numbered.
    fn alternatives(&mut self, all: &[Bound], prefix: &str) -> Joint {
        let mut maps = vec![];
        let mut others = vec![];
        for bound in all {
            match self.map(bound) {
                Some(map) => maps.push(map),
                None => others.push(bound),
            }
        }
        let mut joint = vec![];
        let mut number = 0;
        if !maps.is_empty() {
            number += 1;
            joint.push(Joint::Name(self.add(&format!("{prefix}_{number}"), Selection { maps })));
        }
        for bound in others {
            number += 1;
            joint.push(self.branch(bound, &format!("{prefix}_{number}")));
        }
        Joint::or(joint)
    }

    /// A condition under a name of its own.
    fn named(&mut self, bound: &Bound, name: &str) -> Joint {
        match self.selection(bound) {
            Some(selection) => Joint::Name(self.add(name, selection)),
            None => self.branch(bound, name),
        }
    }

    /// A condition as one selection, if it is one: a test, tests of different fields, or alternatives of these.
    pub fn selection(&mut self, bound: &Bound) -> Option<Selection> {
        match bound {
            Bound::Or(all) => {
                let maps = all.iter().map(|b| self.map(b)).collect::<Option<Vec<_>>>()?;
                Some(Selection { maps })
            }
            other => Some(Selection { maps: vec![self.map(other)?] }),
        }
    }

    fn map(&mut self, bound: &Bound) -> Option<Items> {
        let tests: Vec<&Bound> = match bound {
            Bound::And(all) => all.iter().collect(),
            other => vec![other],
        };
        let mut out: Items = vec![];
        for test in tests {
            let Bound::Test(test) = test else { return None };
            let items = match items(test, self.denied) {
                Ok(items) => items,
                Err(error) => {
                    if !self.refused.contains(&error) {
                        self.refused.push(error);
                    }
                    vec![]
                }
            };
            for (key, value) in items {
                if out.iter().any(|(k, _)| *k == key) {
                    return None;
                }
                out.push((key, value));
            }
        }
        Some(out)
    }

    /// Adds a selection under a free name; the same one is not added twice.
    fn add(&mut self, name: &str, selection: Selection) -> String {
        let (said, next) = self.named.entry(name.to_owned()).or_insert_with(|| (HashMap::new(), 1));
        loop {
            if let Some(there) = said.get(&selection) {
                return there.clone();
            }
            let free = if *next == 1 { name.to_owned() } else { format!("{name}_{next}") };
            *next += 1;
            // Under another name that was asked for, this one may be taken.
            let there = self.selections.entry(free.clone()).or_insert_with(|| selection.clone());
            said.entry(there.clone()).or_insert(free);
        }
    }
}

/// A word for what a filter looks at, or for that it looks for nothing.
fn lacking_or_subject(bound: &Bound) -> String {
    let word = subject(bound);
    match bound {
        Bound::Test(BoundTest { op: BoundOp::Text(Text { matcher: Matcher::Exact(values), .. }), .. })
            if values.first().is_some_and(String::is_empty) =>
        {
            format!("{word}_empty")
        }
        _ => word,
    }
}
