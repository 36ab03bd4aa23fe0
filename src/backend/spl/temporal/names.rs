//! Names of the columns that a query makes: none hides one of the log's.

use crate::target::Target;
use std::collections::HashSet;

/// Which names are taken.
pub struct Names(HashSet<String>);

impl Names {
    /// The columns of a target are taken, and what is computed under a name of its own.
    pub fn new<'n>(target: &'n Target, own: impl IntoIterator<Item = &'n str>) -> Names {
        Names(target.own_columns().into_iter().chain(own).map(str::to_owned).collect())
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
