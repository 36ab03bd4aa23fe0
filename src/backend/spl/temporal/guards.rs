//! `without`: events that must not lie between two steps.
//!
//! The latest of them is carried beside the earlier step; where an event of the steps may be such an event itself, they are
//! counted instead.

use super::Scene;
use super::links::Link;
use crate::ir::Role;
use crate::target::Unsupported;

/// A `without` between two steps.
pub struct Guard {
    pub place: usize,
    /// The column with its latest time, or with how many there were.
    pub name: String,
    pub by: Vec<String>,
    /// Events of the steps around it may be such events too: they are counted.
    pub counted: bool,
}

impl Scene<'_> {
    /// The `without`s between two steps.
    pub fn guards_of(&mut self, link: &Link) -> Result<Vec<Guard>, Unsupported> {
        let places: Vec<usize> =
            self.of_role(Role::Without).into_iter().filter(|x| link.from < *x && *x < link.to).collect();
        let mut out = vec![];
        for place in places {
            let (name, from, to) = (self.name(place).to_owned(), self.name(link.from), self.name(link.to));
            let classes = self.shared(place, &self.of_role(Role::Required));
            if !link.latest {
                let why = format!(
                    "keeps the best match before `{to}`, not the latest, so it cannot tell what stands between `{from}` and `{to}`"
                );
                return Err(self.refuse(place, why));
            }
            if self.lacking(link.to, &classes).is_some() {
                let why = format!("compares `{name}` with fields that `{to}` does not share");
                return Err(self.refuse(place, why));
            }
            let required = self.of_role(Role::Required);
            let far = required.iter().find(|p| **p != link.from && **p != link.to && !self.disjoint(**p, place));
            if let Some(far) = far {
                let why = format!("cannot keep an event of `{}` from being `{name}` too", self.name(*far));
                return Err(self.refuse(place, why));
            }
            let counted = !self.disjoint(link.from, place) || !self.disjoint(place, link.to);
            let alike = classes.iter().all(|c| self.keys.get(*c).is_some_and(|k| k.uniform));
            if counted && (!alike || self.lacking(link.from, &classes).is_some()) {
                let why =
                    format!("cannot keep an event of `{from}` or `{to}` from being `{name}` too: they have other keys");
                return Err(self.refuse(place, why));
            }
            let wanted = if counted { format!("{name}_count") } else { format!("{name}_time") };
            let by = self.by(&classes);
            out.push(Guard { place, name: self.rows.names.fresh(&wanted), by, counted });
        }
        Ok(out)
    }
}
