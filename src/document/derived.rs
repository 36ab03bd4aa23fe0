//! Columns that only entities need: a file's name and folder, out of a path that the query returns. They stand behind the query
//! in documents that map entities, and nowhere else.

use super::alert::Entity;
use crate::backend::{Printed, capital, kql};
use crate::target::How;
use crate::vocabulary::FieldId;

/// A column that is made of one of the query's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Derived {
    /// Its name.
    pub name: String,
    /// Which part it is.
    pub how: How,
    /// Of which column.
    pub of: String,
}

impl Derived {
    /// A part of a column with a path: `WrittenFileName` of the step's column `WrittenFilePath`, `FileName` of `FolderPath`.
    pub fn new(how: How, field: FieldId, of: &str, printed: &Printed) -> Derived {
        let words = |text: &str| text.split(['.', '_']).map(capital).collect::<String>();
        let step = of.strip_suffix(&words(field.short())).unwrap_or("");
        let of_what = match field.short().split_once('.') {
            Some((what, _)) => words(what),
            None => "Process".to_owned(),
        };
        let end = if how == How::Name { "Name" } else { "Directory" };
        let plain = format!("{step}{of_what}{end}");
        let taken = printed.columns.iter().any(|c| c.name == plain);
        Derived { name: if taken { format!("{plain}Part") } else { plain }, how, of: of.to_owned() }
    }
}

/// A query with the columns that the entities of its rows need more.
pub fn extended(query: String, entities: &[Entity]) -> String {
    let mut made: Vec<&Derived> = vec![];
    for derived in entities.iter().flat_map(|entity| &entity.derived) {
        if !made.contains(&derived) {
            made.push(derived);
        }
    }
    if made.is_empty() {
        return query;
    }
    let each: Vec<String> = made.iter().map(|d| format!("{} = {}", d.name, kql::part(d.how, &d.of))).collect();
    format!("{query}\n| extend {}", each.join(",\n    "))
}
