//! Keys: one column for the values that the steps of a match share.

use super::Scene;
use super::make::{all, any, binary, field, is_step, number, text};
use crate::backend::spl::ast::{Eval, Step};
use crate::backend::spl::eval;
use crate::target::temporal::{Carry, Class, What};
use crate::target::{By, Column, How};

/// The column of a class.
#[derive(Clone, Debug)]
pub struct Key {
    /// Its name.
    pub name: String,
    /// It is made in one way for all steps.
    pub uniform: bool,
}

impl Scene<'_> {
    /// The columns of a member, one for each log source of its step.
    fn member(&self, carry: Carry) -> Vec<Column> {
        let carried = self.plan.steps.get(carry.step).and_then(|s| s.carried.get(carry.column));
        carried.map(|c| c.columns.iter().flatten().cloned().collect()).unwrap_or_default()
    }

    /// Places that must have a value of the class.
    fn strict(class: &Class) -> Vec<usize> {
        class.members.iter().map(|m| m.step).filter(|step| !class.lax.contains(step)).collect()
    }

    /// Whether every row must have it, and in the same columns.
    fn of_all(&self, class: &Class) -> bool {
        let mut columns = class.members.iter().flat_map(|m| self.member(*m));
        let first = columns.next();
        Self::strict(class).len() == self.plan.steps.len() && columns.all(|c| Some(c) == first)
    }

    /// For each step the columns, by log source, that its events must have, beside those of all rows.
    pub fn guards(&self) -> Vec<Vec<Vec<Column>>> {
        let of = |place: usize| {
            let classes = self.plan.classes.iter().filter(|c| !self.of_all(c));
            let classes = classes.filter(move |c| Self::strict(c).contains(&place));
            classes.filter_map(move |c| c.of(place)).map(|carry| self.member(carry)).collect()
        };
        (0..self.plan.steps.len()).map(of).collect()
    }

    /// Makes the columns, and keeps only rows that have what their step needs.
    pub fn key_columns(&mut self) {
        let classes = &self.plan.classes;
        let (mut made, mut kept): (Vec<(String, Eval)>, Vec<Eval>) = (vec![], vec![]);
        for class in classes {
            let (key, value) = self.key(class, &made);
            if let Some(value) = value {
                made.push((key.name.clone(), value));
            }
            let present = self.rows.exists(&field(&key.name));
            let strict = Self::strict(class);
            let others: Vec<usize> = (0..self.plan.steps.len()).filter(|p| !strict.contains(p)).collect();
            let step = &self.rows.step;
            // Rows of steps that may overlap have been asked one by one.
            if self.rows.is.is_empty() || self.of_all(class) {
                let test = match others.as_slice() {
                    [] => present,
                    _ => any(others.iter().map(|p| is_step(step, *p)).chain([present]).collect()),
                };
                if !kept.contains(&test) {
                    kept.push(test);
                }
            }
            self.keys.push(key);
        }
        if !made.is_empty() {
            self.rows.push(Step::Eval(made));
        }
        if !kept.is_empty() {
            self.rows.push(Step::Where(all(kept)));
        }
    }

    /// The column of a class and what makes it, if nothing `made` yet does.
    fn key(&mut self, class: &Class, made: &[(String, Eval)]) -> (Key, Option<Eval>) {
        let mut ways: Vec<(Eval, Vec<usize>)> = vec![];
        let mut plain: Vec<Column> = vec![];
        for member in &class.members {
            let columns = self.member(*member);
            plain.extend(columns.iter().cloned());
            let each = columns.iter().map(|c| self.rows.comparable(c, class.by)).collect();
            let value = self.rows.by_source(member.step, each, false);
            match ways.iter_mut().find(|(v, _)| *v == value) {
                Some((_, places)) => places.push(member.step),
                None => ways.push((value, vec![member.step])),
            }
        }
        let uniform = ways.len() <= 1;
        let whole = plain.first().filter(|c| c.how == How::Whole && plain.iter().all(|p| p == *c));
        if let Some(column) = whole.filter(|_| class.by != By::Name) {
            return (Key { name: column.name.clone(), uniform }, None);
        }
        if let ([(value, _)], true) = (ways.as_slice(), uniform)
            && let Some((name, _)) = made.iter().find(|(_, v)| v == value)
        {
            return (Key { name: name.clone(), uniform }, None);
        }
        let name = self.rows.names.fresh(&format!("{}_key", self.class_word(class)));
        let value = match ways.len() {
            0 | 1 => ways.pop().map_or_else(|| text(""), |(value, _)| value),
            _ => self.by_step(ways),
        };
        (Key { name, uniform }, Some(value))
    }

    fn by_step(&self, ways: Vec<(Eval, Vec<usize>)>) -> Eval {
        let step = &self.rows.step;
        let mut arms = vec![];
        for (value, places) in ways {
            let test = match places.as_slice() {
                [one] => is_step(step, *one),
                many => {
                    Eval::Call("in", std::iter::once(field(step)).chain(many.iter().map(|p| number(p + 1))).collect())
                }
            };
            arms.extend([test, value]);
        }
        arms.extend([Eval::Call("true", vec![]), text("")]);
        Eval::Call("case", arms)
    }

    /// What a class is of, in a word.
    fn class_word(&self, class: &Class) -> String {
        let carry = class.members.first();
        let carried = carry.and_then(|c| self.plan.steps.get(c.step)?.carried.get(c.column));
        let columns = || carried.into_iter().flat_map(|c| c.columns.iter().flatten());
        match carried.map(|c| c.what) {
            // A process is known by its host, too.
            Some(What::Part(..)) if columns().all(|c| self.is_host(c)) => "host".to_owned(),
            Some(What::Part(id, _) | What::Field(id)) => id.short().replace('.', "_"),
            None => class.name.clone(),
        }
    }

    fn is_host(&self, column: &Column) -> bool {
        let hosts = self.plan.target.identity.values().filter_map(|all| {
            let (_, parts) = all.iter().find(|(id, _)| id.short() == "host")?;
            parts.first().filter(|_| parts.len() == 1)
        });
        hosts.into_iter().any(|part| part.column == column.name)
    }

    /// The names of the key columns of some classes.
    pub fn by(&self, classes: &[usize]) -> Vec<String> {
        let mut out: Vec<String> = vec![];
        for name in classes.iter().filter_map(|c| self.keys.get(*c)).map(|k| &k.name) {
            if !out.contains(name) {
                out.push(name.clone());
            }
        }
        out
    }

    /// The classes, by index, that a step shares with one of these.
    pub fn shared(&self, place: usize, with: &[usize]) -> Vec<usize> {
        let has = |c: &Class, p: usize| c.of(p).is_some();
        let classes = self.plan.classes.iter().enumerate();
        classes.filter(|(_, c)| has(c, place) && with.iter().any(|p| has(c, *p))).map(|(i, _)| i).collect()
    }

    /// The first of these classes that a step lacks.
    pub fn lacking(&self, place: usize, classes: &[usize]) -> Option<&Class> {
        let all = &self.plan.classes;
        classes.iter().filter_map(|i| all.get(*i)).find(|c| c.of(place).is_none())
    }
}

impl super::rows::Rows<'_> {
    /// A column as it is compared with those of other events.
    pub fn comparable(&mut self, column: &Column, by: By) -> Eval {
        let value = self.column(column);
        match by {
            By::Name => Eval::Call("lower", vec![value]),
            _ if column.how == How::Hex => Eval::Call("coalesce", vec![value, text("")]),
            _ => value,
        }
    }
}

/// Whether two values are equal, which neither lacks.
pub fn same(rows: &super::rows::Rows, a: Eval, b: Eval, by: By) -> Eval {
    let present = rows.exists(&a);
    let lower = |e: Eval| if by == By::Name { Eval::Call("lower", vec![e]) } else { e };
    let mut read = vec![];
    eval::fields(&a, &mut read);
    all(vec![present, binary("=", lower(a), lower(b))])
}
