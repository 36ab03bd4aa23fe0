//! A rule's conditions part by part, for those who ask which part decided: coverage and explanations of tests.
//!
//! A part is lowered as it is within the whole, so the parts together say what the rule says.

use super::condition::{Allowed, Lower, Place};
use super::{Project, Report, Rule, tool};
use crate::ir::Pred;
use crate::syntax::ast::{Expr, Tool};
use crate::vocabulary::Kind;

/// What a tool condition asks of one utility.
#[derive(Clone, Debug)]
pub struct Member {
    /// The utility.
    pub utility: String,
    /// What is asked, all of which must hold; or what the utility does not declare, so that the condition is false.
    pub parts: Result<Vec<(Part, Pred)>, Part>,
}

impl Member {
    /// All of it.
    #[must_use]
    pub fn pred(self) -> Pred {
        match self.parts {
            Ok(parts) => Pred::and(parts.into_iter().map(|(_, pred)| pred)),
            Err(_) => Pred::Const(false),
        }
    }
}

/// A part of a tool condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The program: its file name, its original name, its folder.
    Image,
    /// One of the utility's commands occurs.
    Words,
    /// `to …`
    Verb,
    /// `with …`
    Switch,
}

impl Rule {
    /// What one condition of a rule over single events means for a kind of event. Findings were made when the rule was
    /// resolved.
    #[must_use]
    pub fn condition(&self, project: &Project, kind: Kind, expr: &Expr) -> Pred {
        self.lowered(project, kind, |l| l.expr(expr))
    }

    /// What one of its tool conditions asks of each utility that runs on the rule's systems, in the group's order.
    #[must_use]
    pub fn tool(&self, project: &Project, kind: Kind, tool: &Tool) -> Vec<Member> {
        self.lowered(project, kind, |l| tool::each_member(l, tool))
    }

    fn lowered<T>(&self, project: &Project, kind: Kind, f: impl FnOnce(&mut Lower) -> T) -> T {
        let mut report = Report::default();
        let place = Place {
            kind,
            kinds: &self.kinds,
            os: &self.meta.os,
            steps: &[],
            step_kind: None,
            outside: false,
            available: Allowed::Anywhere,
        };
        f(&mut Lower::new(project, place, &mut report))
    }
}

impl Project {
    /// The condition that a `let` names.
    #[must_use]
    pub fn named_condition(&self, name: &str) -> Option<&Expr> {
        self.lets.get(name).map(|(_, expr)| expr)
    }

    /// Whether a name is a group's, not a single utility's.
    #[must_use]
    pub fn is_group(&self, name: &str) -> bool {
        self.groups.contains_key(name)
    }
}
