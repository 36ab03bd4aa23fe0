//! Names of the columns that a query makes: none hides one of the log's.

use crate::target::{Mapping, Target};
use std::collections::HashSet;

/// Which names are taken.
pub struct Names(HashSet<String>);

impl Names {
    /// The columns of a target are taken, and what is computed under a name of its own.
    pub fn new<'n>(target: &'n Target, own: impl IntoIterator<Item = &'n str>) -> Names {
        let mapped = target.every.values().chain(target.fields.values().flat_map(|f| f.values()));
        let mapped = mapped.flatten().map(Mapping::column);
        let identities = target.identity.values().flat_map(|i| i.values().flatten()).map(|part| part.column.as_str());
        let filters = target.sources.values().flatten().flat_map(|s| s.filter.keys().map(String::as_str));
        let columns = target.columns.iter().map(String::as_str);
        Names(mapped.chain(identities).chain(filters).chain(columns).chain(own).map(str::to_owned).collect())
    }

    /// Whether a column has this name.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains(name)
    }

    /// This name, or a longer one if it is taken.
    pub fn fresh(&mut self, wanted: &str) -> String {
        let mut name: String =
            wanted.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '_' }).collect();
        while !self.0.insert(name.clone()) {
            name.push('_');
        }
        name
    }
}
