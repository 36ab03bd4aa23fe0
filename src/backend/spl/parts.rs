//! Fields that a query computes once: the name at the end of a path, and a text in small letters.

use super::ast::Eval;
use super::eval::{column, is_any, joined, last};
use super::lower::alias;
use crate::ir::{Matcher, Text};
use crate::target::{Bound, BoundOp, Case, CaseValue, Column, How, Mapping, Source, Target, separators};
use crate::vocabulary::{FieldId, Kind, Os, fields};

/// What a computed field is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    /// What stands behind the last of these separators, in small letters.
    Name(Vec<char>),
    /// All of the column, in small letters.
    Small,
    /// An address, of IPv4 where it is written as one of IPv6.
    Address,
    /// What the first of some cases says that holds.
    Cases(Vec<Case>, Vec<String>),
}

/// A computed field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its name: that of the language's field.
    pub name: String,
    column: String,
    what: What,
}

/// The fields that a query may compute.
#[derive(Clone, Debug, Default)]
pub struct Parts(Vec<Part>);

impl Parts {
    /// The fields of some log sources. A text in small letters is worth a field where it is asked twice.
    pub fn new<'q>(
        target: &Target,
        sources: impl IntoIterator<Item = (Kind, &'q Source, &'q [Os])>,
        asked: &[&Bound],
    ) -> Parts {
        let mut out = Parts::default();
        let own = target.own_columns();
        let mut os: Vec<Os> = vec![];
        let sources: Vec<_> = sources.into_iter().collect();
        sources.iter().for_each(|(_, _, systems)| os.extend(*systems));
        for (name, cases) in &target.computed {
            let what = What::Cases(cases.clone(), target.filler.clone());
            out.0.push(Part { name: name.clone(), column: name.clone(), what });
        }
        let separators = separators(&os);
        for (kind, source, _) in sources {
            for field in fields::all().filter(|f| f.def().has_kind(kind)) {
                let what = match target.mapping_in(source, field, kind) {
                    Some(Mapping::Part(How::Name, _)) => What::Name(separators.clone()),
                    Some(Mapping::Column(column)) if asks_networks(asked, column) => What::Address,
                    Some(Mapping::Column(column)) if times(asked, column) > 1 => What::Small,
                    _ => continue,
                };
                let column = target.mapping_in(source, field, kind).map_or("", Mapping::column).to_owned();
                out.add(Part { name: name(field), column, what }, &own);
            }
        }
        out
    }

    /// Adds a part unless its name is taken.
    fn add(&mut self, part: Part, own: &[&str]) {
        if !own.contains(&part.name.as_str()) && !self.0.iter().any(|p| p.name == part.name) {
            self.0.push(part);
        }
    }

    /// Their names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|p| p.name.as_str())
    }

    /// The field with the name at the end of a column.
    pub fn name_of(&self, column: &str) -> Option<Eval> {
        let is = |p: &&Part| p.column == column && matches!(p.what, What::Name(_));
        self.0.iter().find(is).map(|p| Eval::Field(p.name.clone()))
    }

    /// The field that has a column in small letters.
    pub fn small(&self, column: &str) -> Option<Eval> {
        let is = |p: &&Part| p.column == column && p.what == What::Small;
        self.0.iter().find(is).map(|p| Eval::Field(p.name.clone()))
    }

    /// The field that has a column's addresses.
    pub fn address(&self, column: &str) -> Option<Eval> {
        let is = |p: &&Part| p.column == column && p.what == What::Address;
        self.0.iter().find(is).map(|p| Eval::Field(p.name.clone()))
    }

    /// A test of a column's ending that asks for whole names: the field, and the names in small letters.
    pub fn whole_names(&self, column: &Column, text: &Text) -> Option<(Eval, Vec<String>)> {
        let Matcher::EndsWith(values) = &text.matcher else { return None };
        if column.how != How::Whole || text.cased || text.all && values.len() > 1 {
            return None;
        }
        let part = self.0.iter().find(|p| p.column == column.name && matches!(p.what, What::Name(_)))?;
        let What::Name(separators) = &part.what else { return None };
        let behind = |separator: char| -> Vec<String> {
            let names = values.iter().filter_map(|v| v.strip_prefix(separator));
            names.map(str::to_lowercase).collect()
        };
        let names = behind(*separators.first()?);
        let of_each = separators.iter().all(|s| behind(*s) == names) && names.len() * separators.len() == values.len();
        let whole = |n: &String| !n.is_empty() && !n.contains(['\\', '/']) && n.trim().parse::<f64>().is_err();
        (of_each && names.iter().all(whole)).then(|| (Eval::Field(part.name.clone()), names))
    }

    /// The columns of the log that some fields are made of.
    pub fn columns<'s>(&'s self, read: &'s [String]) -> impl Iterator<Item = String> + 's {
        let of = |name: &String| self.0.iter().find(|p| p.name == *name).map_or(name, |p| &p.column).clone();
        read.iter().map(of)
    }

    /// What computes the fields among these, in their order.
    pub fn computed(&self, read: &[String]) -> Vec<(String, Eval)> {
        let wanted = self.0.iter().filter(|p| read.contains(&p.name));
        wanted.map(|p| (p.name.clone(), p.value())).collect()
    }
}

impl Part {
    fn value(&self) -> Eval {
        let field = Eval::Field(self.column.clone());
        let value = match &self.what {
            What::Small => field,
            What::Cases(cases, filler) => return first_of(cases, filler),
            What::Address => return column(&Column::part(self.column.clone(), How::Address)),
            What::Name(separators) => match separators.as_slice() {
                [one] => last(field, &one.to_string()),
                _ => column(&Column::part(self.column.clone(), How::Name)),
            },
        };
        Eval::Call("lower", vec![value])
    }
}

/// The value of the first case that holds. A comparison with what a row lacks is null, which no case takes for true.
fn first_of(cases: &[Case], filler: &[String]) -> Eval {
    let field = |name: &String| Eval::Field(name.clone());
    let mut out = vec![];
    for case in cases {
        let mut all: Vec<Eval> = case.filter.iter().map(|(name, values)| is_any(field(name), values)).collect();
        match &case.value {
            CaseValue::Column(name) => {
                let nothing = std::iter::once("").chain(filler.iter().map(String::as_str));
                all.extend(nothing.map(|t| Eval::Binary("!=", field(name).into(), Eval::Text(t.to_owned()).into())));
                out.extend([joined(all, true), field(name)]);
            }
            CaseValue::Text(text) => out.extend([joined(all, true), Eval::Text(text.clone())]),
        }
    }
    Eval::Call("case", out)
}

/// Whether conditions ask for networks of a column's addresses.
fn asks_networks(asked: &[&Bound], column: &str) -> bool {
    let mut found = false;
    for bound in asked {
        bound.each_test(&mut |test| found |= matches!(test.op, BoundOp::Cidr(_)) && test.column.name == column);
    }
    found
}

fn name(field: FieldId) -> String {
    alias(field.short())
}

/// How often conditions compare a column with whole texts in any case.
fn times(asked: &[&Bound], column: &str) -> usize {
    let mut times = 0;
    for bound in asked {
        bound.each_test(&mut |test| {
            let whole = matches!(&test.op, BoundOp::Text(t) if !t.cased && matches!(t.matcher, Matcher::Exact(_)));
            times += usize::from(whole && test.column.how == How::Whole && test.column.name == column);
        });
    }
    times
}
