//! The line that joins selections, and its text.

use super::selection::{Selection, Selections};

/// A condition over the names of selections.
#[derive(Clone, Debug, PartialEq)]
pub enum Joint {
    /// A selection.
    Name(String),
    /// Not this.
    Not(Box<Joint>),
    /// All of these.
    And(Vec<Joint>),
    /// Any of these.
    Or(Vec<Joint>),
}

impl Joint {
    /// A conjunction without conjunctions inside.
    pub fn and(parts: Vec<Joint>) -> Joint {
        let mut all: Vec<Joint> = parts.into_iter().flat_map(Joint::operands).collect();
        if all.len() == 1 { all.remove(0) } else { Joint::And(all) }
    }

    /// Alternatives, or the only one.
    pub fn or(mut all: Vec<Joint>) -> Joint {
        if all.len() == 1 { all.remove(0) } else { Joint::Or(all) }
    }

    /// Not `self`.
    #[allow(clippy::should_implement_trait, reason = "a constructor beside `and` and `or`")]
    pub fn not(self) -> Joint {
        Joint::Not(Box::new(self))
    }

    /// The operands of a conjunction; itself alone if it is none.
    pub fn operands(self) -> Vec<Joint> {
        if let Joint::And(all) = self { all } else { vec![self] }
    }

    /// Calls `f` for each name, in the order in which the text has them.
    pub fn each_name<'a>(&'a self, f: &mut impl FnMut(&'a str)) {
        match self {
            Joint::Name(name) => f(name),
            Joint::Not(inner) => inner.each_name(f),
            Joint::And(all) | Joint::Or(all) => all.iter().for_each(|j| j.each_name(f)),
        }
    }

    /// The selection that it names, if it is a name.
    pub fn selection<'s>(&self, selections: &'s Selections) -> Option<&'s Selection> {
        if let Joint::Name(name) = self { selections.get(name) } else { None }
    }

    /// The condition's text. `all of x_*` and `1 of x_*` where these are exactly the names meant.
    pub fn line(&self, selections: &Selections) -> String {
        self.text(selections, true)
    }

    fn text(&self, selections: &Selections, outer: bool) -> String {
        let text = match self {
            Joint::Name(name) => return name.clone(),
            Joint::Not(inner) => {
                let inner = match &**inner {
                    Joint::Or(all) => shorthand(selections, all, "1 of"),
                    Joint::And(all) => shorthand(selections, all, "all of"),
                    _ => None,
                }
                .unwrap_or_else(|| inner.text(selections, false));
                return format!("not {inner}");
            }
            Joint::And(all) => {
                let name = |j: &Joint| matches!(j, Joint::Name(_));
                let runs = all.chunk_by(|a, b| name(a) && name(b));
                let parts: Vec<String> = runs
                    .map(|run| {
                        shorthand(selections, run, "all of").unwrap_or_else(|| {
                            run.iter().map(|j| j.text(selections, false)).collect::<Vec<_>>().join(" and ")
                        })
                    })
                    .collect();
                if let ([one], true) = (parts.as_slice(), all.iter().all(name))
                    && one.starts_with("all of ")
                {
                    return one.clone();
                }
                parts.join(" and ")
            }
            Joint::Or(all) => {
                if let Some(short) = shorthand(selections, all, "1 of") {
                    return short;
                }
                all.iter().map(|j| j.text(selections, false)).collect::<Vec<_>>().join(" or ")
            }
        };
        if outer { text } else { format!("({text})") }
    }
}

fn shorthand(selections: &Selections, all: &[Joint], word: &str) -> Option<String> {
    let name = |j: &'_ Joint| if let Joint::Name(name) = j { Some(name.clone()) } else { None };
    let names: Vec<String> = all.iter().map(name).collect::<Option<_>>()?;
    let first = names.first().filter(|_| names.len() > 1)?;
    let ends: Vec<usize> = first.match_indices('_').map(|(i, _)| i + 1).collect();
    ends.into_iter().rev().find_map(|end| {
        let prefix = first.get(..end)?;
        let meant = selections.keys().filter(|k| k.starts_with(prefix)).count();
        let within = names.iter().all(|n| n.starts_with(prefix));
        (within && meant == names.len()).then(|| format!("{word} {prefix}*"))
    })
}
