//! Columns that a query computes of others: the first of some cases that holds says the value.

use super::load::{Check, OneOrMany};
use super::{Language, Scalar, Target};
use indexmap::IndexMap;
use serde::Deserialize;

/// One case of a computed column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// Columns that have one of these values each.
    pub filter: IndexMap<String, Vec<Scalar>>,
    /// The value.
    pub value: CaseValue,
}

/// What a case says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CaseValue {
    /// The value of a column; without one, the case does not hold.
    Column(String),
    /// A text.
    Text(String),
}

/// A case, as files write it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CaseFile {
    #[serde(default, rename = "where")]
    filter: IndexMap<String, OneOrMany<Scalar>>,
    column: Option<String>,
    text: Option<String>,
}

impl Case {
    /// The columns that it reads.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        let own = if let CaseValue::Column(column) = &self.value { Some(column.as_str()) } else { None };
        self.filter.keys().map(String::as_str).chain(own)
    }
}

impl Target {
    /// The columns of the log that a column is made of: itself, unless it is computed.
    pub fn logged_columns<'a>(&'a self, column: &'a str) -> impl Iterator<Item = &'a str> {
        let cases = self.computed.get(column);
        let own = if cases.is_none() { Some(column) } else { None };
        cases.into_iter().flatten().flat_map(Case::columns).chain(own)
    }
}

impl Check {
    /// The cases of a computed column.
    pub(super) fn cases(&mut self, name: &str, cases: Vec<CaseFile>) -> Vec<Case> {
        let mut out = vec![];
        for case in cases {
            let value = match (case.column, case.text) {
                (Some(column), None) => CaseValue::Column(column),
                (None, Some(text)) => CaseValue::Text(text),
                _ => {
                    self.bad(name, "each of its cases has a `column` or a `text`, and perhaps `where`");
                    continue;
                }
            };
            let filter = case.filter.into_iter().map(|(column, values)| (column, values.all())).collect();
            out.push(Case { filter, value });
        }
        if out.is_empty() {
            self.bad(name, "has no cases");
        }
        out
    }

    /// Computed columns are made of columns of the log, by a language that computes.
    pub(super) fn computes(&mut self, target: &Target) {
        for (name, cases) in &target.computed {
            if target.language == Language::Sigma {
                self.bad(name, "Sigma computes no columns");
            }
            if target.sources.values().flatten().any(|source| source.datamodel.is_some()) {
                self.bad(name, "rows of data models have no computed columns");
            }
            for column in cases.iter().flat_map(Case::columns).filter(|column| target.computed.contains_key(*column)) {
                self.bad(column, "is computed itself, and cannot be a part of another column");
            }
        }
    }
}
