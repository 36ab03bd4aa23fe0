//! From literals to an event: each field, or each path with the names that follow from it, is given a value that meets
//! all literals about it.
//!
//! Likely values are tried first, then the shortest text is searched that meets everything; where that search ends
//! without a text, the literals contradict each other and the caller is told so.

use super::atom::{Ask, Atom, Atoms, Lit, V4, within};
use super::scene::Scene;
use super::search::View;
use super::text::{Known, Wanted};
use crate::event::{Event, Value};
use crate::vocabulary::{FieldId, Kind, Type, fields};
use std::collections::HashMap;
use std::net::{Ipv4Addr, Ipv6Addr};

/// Literals that no value meets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// They contradict each other, in the order of the rule.
    pub lits: Vec<Lit>,
    /// It is certain; else nothing was found within the limit.
    pub certain: bool,
}

/// A field with those that follow from it.
#[derive(Clone, Debug)]
pub struct Group {
    /// The field that gets a value.
    pub main: FieldId,
    /// All fields, the main one too, and the part of its text that each is.
    pub parts: Vec<(FieldId, View)>,
}

/// Which alternative of which atom an event is to take.
pub type Choice = Option<(usize, usize)>;

/// Makes events of one kind on one system.
pub struct Solver<'a> {
    /// The rule's atoms.
    pub atoms: &'a Atoms,
    /// Where the events are set.
    pub scene: Scene<'a>,
    /// What a log writes where it has no value: no value may be this.
    pub fillers: &'a [String],
    /// The fields that get values.
    pub fields: &'a Fields,
}

/// The fields of a kind of event, in groups.
#[derive(Debug)]
pub struct Fields {
    groups: Vec<Group>,
    by_field: HashMap<FieldId, (usize, View)>,
}

impl Fields {
    /// Those of one kind of event; `has` says which of them the log has.
    #[must_use]
    pub fn new(kind: Kind, has: &dyn Fn(FieldId) -> bool) -> Fields {
        let groups = groups(kind, has);
        let each = groups.iter().enumerate();
        let by_field = each.flat_map(|(i, g)| g.parts.iter().map(move |(field, view)| (*field, (i, *view)))).collect();
        Fields { groups, by_field }
    }

    fn place(&self, field: FieldId) -> Option<(usize, View)> {
        self.by_field.get(&field).copied()
    }
}

impl<'a> Solver<'a> {
    /// An event in which all `lits` hold. With a `base`, everything stays as it is there, as far as the literals let it.
    ///
    /// # Errors
    /// Literals about one field that no value was found for.
    pub fn event(
        &self,
        lits: &[Lit],
        choice: Choice,
        base: Option<&Event<'static>>,
    ) -> Result<Event<'static>, Failure> {
        for lit in lits {
            let atom = self.atoms.get(*lit);
            if lit.positive && atom.is_some_and(|a| self.fields.place(a.field).is_none()) {
                return Err(Failure { lits: vec![*lit], certain: true });
            }
        }
        let mut event = Event::new(self.scene.kind);
        for (number, group) in self.fields.groups.iter().enumerate() {
            let own: Vec<Lit> = lits.iter().copied().filter(|l| self.is_about(*l, number)).collect();
            let value = match group.main.def().ty {
                _ if own.is_empty() && base.is_some() => base.and_then(|b| b.get(group.main)).cloned(),
                _ if own.is_empty() && !self.scene.shows(group.main) => None,
                Type::String | Type::Path | Type::Hash(_) => {
                    self.text(number, group, &own, lits, choice, base, &event)?
                }
                _ => self.other(group.main, &own, choice, base, &event)?,
            };
            if let Some(value) = value {
                event.set(group.main, value);
                let one = group.parts.iter().filter(|(field, _)| *field != group.main);
                for (field, view) in one {
                    if let Some(part) = event.text(group.main).and_then(|t| view.of(t)).map(str::to_owned) {
                        event.set(*field, Value::of(part));
                    }
                }
            }
        }
        Ok(event)
    }

    /// Whether a literal asks about a group, by itself or as what another field equals.
    fn is_about(&self, lit: Lit, group: usize) -> bool {
        let is = |field: FieldId| self.fields.place(field).is_some_and(|(g, _)| g == group);
        self.atoms
            .get(lit)
            .is_some_and(|atom| is(atom.field) || matches!(atom.ask, Ask::Same { other, .. } if is(other)))
    }

    #[allow(clippy::too_many_arguments, reason = "all that one field's text depends on")]
    fn text(
        &self,
        number: usize,
        group: &Group,
        own: &[Lit],
        lits: &[Lit],
        choice: Choice,
        base: Option<&Event<'static>>,
        event: &Event<'static>,
    ) -> Result<Option<Value<'static>>, Failure> {
        let mut wanted = Wanted::new(self.fillers, group, self.atoms);
        for lit in own {
            let Some(atom) = self.atoms.get(*lit) else { continue };
            match &atom.ask {
                Ask::Same { other, cased } => {
                    let (mine, theirs) = self.sides(number, atom, *other);
                    let Some((_, view)) = self.fields.place(mine) else { continue };
                    match event.text(theirs) {
                        Some(text) => wanted.equal(text, *cased, mine, view, lit.positive),
                        None if lit.positive => {
                            wanted.exists(view);
                            self.lend(lits, theirs, view, choice, &mut wanted);
                        }
                        None => {}
                    }
                }
                _ => {
                    let view = self.fields.place(atom.field).map_or(View::Whole, |(_, view)| view);
                    wanted.add(*lit, atom, view, choice);
                }
            }
        }
        let known = Known { scene: &self.scene, event, base };
        match wanted.solve(&known) {
            Ok(text) => Ok(text.map(Value::of)),
            Err(certain) => Err(Failure { lits: own.to_vec(), certain: certain && !self.compares(own) }),
        }
    }

    fn compares(&self, lits: &[Lit]) -> bool {
        lits.iter().any(|l| self.atoms.get(*l).is_some_and(|a| matches!(a.ask, Ask::Same { .. })))
    }

    /// Of two fields that are compared, the one in this group and the other.
    fn sides(&self, group: usize, atom: &Atom, other: FieldId) -> (FieldId, FieldId) {
        let here = self.fields.place(atom.field).is_some_and(|(g, _)| g == group);
        if here { (atom.field, other) } else { (other, atom.field) }
    }

    /// What will be asked of a field that is to equal this one is asked of this one already.
    fn lend(&self, lits: &[Lit], theirs: FieldId, view: View, choice: Choice, wanted: &mut Wanted<'a>) {
        let Some((group, their_view)) = self.fields.place(theirs) else { return };
        for lit in lits {
            let Some(atom) = self.atoms.get(*lit) else { continue };
            let Some((g, v)) = self.fields.place(atom.field) else { continue };
            if matches!(atom.ask, Ask::Same { .. }) || g != group {
                continue;
            }
            if view == View::Whole && their_view == View::Whole {
                wanted.add(*lit, atom, v, choice);
            } else if atom.field == theirs {
                wanted.add(*lit, atom, view, choice);
            }
        }
    }

    /// Numbers, words, addresses and truth values.
    fn other(
        &self,
        field: FieldId,
        own: &[Lit],
        choice: Choice,
        base: Option<&Event<'static>>,
        event: &Event<'static>,
    ) -> Result<Option<Value<'static>>, Failure> {
        let before = base.and_then(|b| b.get(field)).cloned();
        let usual = self.usual(field);
        let mut candidates: Vec<Value<'static>> = vec![];
        if let Some((atom, form)) = choice
            && own.contains(&Lit { atom, positive: true })
        {
            candidates.extend(self.atoms.get(Lit { atom, positive: true }).and_then(|a| form_of(a, form)));
        } else if base.is_some() {
            candidates.extend(before.clone());
        } else if own.is_empty() {
            return Ok(usual);
        }
        if base.is_some() && own.is_empty() {
            return Ok(before);
        }
        candidates.extend(self.boundaries(field, own, event, before.as_ref().or(usual.as_ref())));
        candidates.extend(usual);
        let mut trial = event.clone();
        for value in candidates {
            trial.set(field, value.clone());
            if own.iter().all(|l| self.decided(*l, field, &trial)) {
                return Ok(Some(value));
            }
        }
        trial.remove(field);
        if own.iter().all(|l| self.decided(*l, field, &trial)) {
            return Ok(None);
        }
        Err(Failure { lits: own.to_vec(), certain: !self.compares(own) })
    }

    /// Whether a literal holds, as far as the fields it reads have been given values.
    fn decided(&self, lit: Lit, field: FieldId, event: &Event<'static>) -> bool {
        let later = match self.atoms.get(lit).map(|a| (a.field, &a.ask)) {
            Some((mine, Ask::Same { other, .. })) => {
                let theirs = if mine == field { *other } else { mine };
                self.fields.place(theirs) > self.fields.place(field)
            }
            _ => false,
        };
        later || self.atoms.holds(lit, event)
    }

    /// The value that a field has where nothing is asked of it.
    fn usual(&self, field: FieldId) -> Option<Value<'static>> {
        let number = self.scene.usual_number(field).map(Value::Number);
        number.or_else(|| self.scene.usual(field).map(Value::of))
    }

    /// Values on both sides of every border that the literals draw, the nearest to `near` first.
    fn boundaries(
        &self,
        field: FieldId,
        own: &[Lit],
        event: &Event<'static>,
        near: Option<&Value<'static>>,
    ) -> Vec<Value<'static>> {
        let asked = own.iter().filter_map(|l| self.atoms.get(*l));
        match field.def().ty {
            Type::Bool => vec![Value::Bool(true), Value::Bool(false)],
            Type::Enum(words) => words.iter().map(|w| Value::of(*w)).collect(),
            Type::Ip => {
                let mut all = vec![];
                for atom in asked {
                    match &atom.ask {
                        Ask::Address(ranges) => {
                            for (from, to) in ranges {
                                all.extend([from.saturating_add(1).min(*to), *from, *to]);
                                all.extend([to.saturating_add(1), from.saturating_sub(1)]);
                            }
                        }
                        Ask::Same { other, .. } => {
                            let theirs = if atom.field == field { *other } else { atom.field };
                            all.extend(event.text(theirs).and_then(super::atom::address));
                        }
                        _ => {}
                    }
                }
                all.extend([0x0a00_0405, 0xcb00_710a, 0xc0a8_0105].map(|n| V4 + n));
                all.push(0x2001_0db8_0000_0000_0000_0000_0000_0005);
                all.into_iter().map(|n| Value::of(spelled(n))).collect()
            }
            _ => {
                let near = match near {
                    Some(Value::Number(n)) => *n,
                    _ => 1,
                };
                let mut all: Vec<i64> = vec![near, near.saturating_add(1)];
                for atom in asked {
                    match &atom.ask {
                        Ask::Number(ranges) => all.extend(
                            ranges
                                .iter()
                                .flat_map(|(from, to)| [*from, *to, from.saturating_sub(1), to.saturating_add(1)]),
                        ),
                        Ask::Same { other, .. } => {
                            let theirs = if atom.field == field { *other } else { atom.field };
                            if let Some(Value::Number(n)) = event.get(theirs) {
                                all.push(*n);
                            }
                        }
                        _ => {}
                    }
                }
                all.retain(|n| *n >= 0);
                all.sort_by_key(|n| n.abs_diff(near));
                all.into_iter().map(Value::Number).collect()
            }
        }
    }
}

/// How many alternatives an atom has.
#[must_use]
pub fn forms(atom: &Atom) -> usize {
    match &atom.ask {
        Ask::Text(pattern) => pattern.forms.len(),
        Ask::Number(ranges) => ranges.len().min(super::variants::MOST),
        Ask::Word(words) => words.len(),
        Ask::Address(ranges) => ranges.len().min(super::variants::MOST),
        Ask::Present | Ask::True | Ask::Same { .. } => 1,
    }
}

/// One alternative of an atom that is no text.
fn form_of(atom: &Atom, form: usize) -> Option<Value<'static>> {
    match &atom.ask {
        Ask::Number(ranges) => ranges.get(form).map(|(from, _)| Value::Number(*from)),
        Ask::Word(words) => words.get(form).map(|w| Value::of(*w)),
        Ask::Address(ranges) => {
            let (from, to) = ranges.get(form)?;
            let inside = from.saturating_add(1).min(*to);
            Some(Value::of(spelled(if within(&[(*from, *to)], inside) { inside } else { *from })))
        }
        _ => None,
    }
}

/// An address in text.
fn spelled(number: u128) -> String {
    match number.checked_sub(V4).map(u32::try_from) {
        Some(Ok(four)) => Ipv4Addr::from(four).to_string(),
        _ => Ipv6Addr::from(number).to_string(),
    }
}

/// Fields that follow from a path.
const FOLLOWING: [(&str, &[(&str, View)]); 4] = [
    ("executable", &[("process.name", View::Name)]),
    ("parent.executable", &[("parent.name", View::Name)]),
    ("file.path", &[("file.name", View::Name), ("file.directory", View::Folder), ("file.extension", View::Extension)]),
    ("dll.path", &[("dll.name", View::Name)]),
];

/// The fields of a kind of event in the order in which they get values: paths first, then what tells of them.
fn groups(kind: Kind, has: &dyn Fn(FieldId) -> bool) -> Vec<Group> {
    let has = |f: FieldId| f.def().has_kind(kind) && is_stored(f) && has(f);
    let mut out: Vec<Group> = vec![];
    let mut done: Vec<FieldId> = vec![];
    for (main, parts) in FOLLOWING {
        let Some(main) = FieldId::find(main).filter(|f| has(*f)) else { continue };
        let parts = parts.iter().filter_map(|(name, view)| Some((FieldId::find(name)?, *view)));
        let mut group = Group { main, parts: vec![(main, View::Whole)] };
        group.parts.extend(parts.filter(|(f, _)| has(*f)));
        done.extend(group.parts.iter().map(|(f, _)| *f));
        out.push(group);
    }
    let alone = fields::all().filter(|f| has(*f) && !done.contains(f));
    out.extend(alone.map(|main| Group { main, parts: vec![(main, View::Whole)] }));
    out
}

/// Whether a log holds the field itself: identities and arguments are read from others.
fn is_stored(field: FieldId) -> bool {
    let def = field.def();
    !matches!(def.ty, Type::Identity | Type::Argument) && !def.ecs.contains("argument")
}
