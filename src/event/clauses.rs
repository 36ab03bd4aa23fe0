//! A rule's conditions as they are written, asked about events: which operand of an `or` holds, which utility of a group
//! runs, which part of a condition decides.
//!
//! [`eval`](super::eval) answers whether a rule fires; this answers why. Both compile what the same lowering makes, so a
//! detection holds here if and only if it holds there.

use super::Event;
use super::eval::Condition;
use crate::ir::{Op, Pred};
use crate::sema::{Part, Project, Rule};
use crate::source::Span;
use crate::syntax::ast::{Detect, Expr, Tool};
use crate::vocabulary::{FieldId, Kind};
use std::cell::OnceCell;

/// The conditions of a rule over single events, for one kind of event.
#[derive(Debug)]
pub struct Clauses<'a> {
    /// The kind of event.
    pub kind: Kind,
    /// What the rule detects.
    pub detect: Clause<'a>,
    /// Its exceptions, in the rule's order.
    pub exceptions: Vec<Clause<'a>>,
    /// Its flags, in the rule's order.
    pub flags: Vec<Clause<'a>>,
}

/// A condition with its operands; a name of a `let` is what it stands for.
#[derive(Debug)]
pub struct Clause<'a> {
    /// Where it is written, without parentheses around it; for a `let`, where it is named.
    pub span: Span,
    /// What it says.
    pub says: Says<'a>,
}

/// What a condition says.
#[derive(Debug)]
pub enum Says<'a> {
    /// All of these.
    All(Vec<Clause<'a>>),
    /// Any of these.
    Any(Vec<Clause<'a>>),
    /// Not this.
    Not(Box<Clause<'a>>),
    /// A test of a field.
    Test(&'a Expr, Asked),
    /// A tool condition, with what it asks of each utility.
    Runs(&'a Tool, Vec<Runs>),
}

/// What a tool condition asks of one utility.
#[derive(Debug)]
pub struct Runs {
    /// The utility.
    pub utility: String,
    /// What is asked, all of which must hold; or what the utility does not declare, so that this never holds.
    pub parts: Result<Vec<(Part, Asked)>, Part>,
}

/// A condition that is compiled when it is asked for the first time.
#[derive(Debug)]
pub struct Asked {
    /// What it means.
    pub pred: Pred,
    compiled: OnceCell<Box<Condition>>,
}

impl<'a> Clauses<'a> {
    /// A rule's conditions; `None` for a rule over several events.
    #[must_use]
    pub fn new(rule: &'a Rule, project: &'a Project, kind: Kind) -> Option<Clauses<'a>> {
        let Some(Detect::Query(query)) = rule.detect() else { return None };
        let of = Of { rule, project, kind };
        Some(Clauses {
            kind,
            detect: of.clause(&query.expr),
            exceptions: rule.exceptions.iter().map(|e| of.clause(&e.expr)).collect(),
            flags: rule.flags().iter().map(|f| of.clause(&f.expr)).collect(),
        })
    }

    /// One condition of a rule, which names no step.
    #[must_use]
    pub fn condition(rule: &'a Rule, project: &'a Project, kind: Kind, expr: &'a Expr) -> Clause<'a> {
        Of { rule, project, kind }.clause(expr)
    }
}

struct Of<'a> {
    rule: &'a Rule,
    project: &'a Project,
    kind: Kind,
}

impl<'a> Of<'a> {
    fn clause(&self, expr: &'a Expr) -> Clause<'a> {
        match expr {
            Expr::Group(inner, _) => self.clause(inner),
            _ => Clause { span: expr.span(), says: self.says(expr) },
        }
    }

    fn says(&self, expr: &'a Expr) -> Says<'a> {
        let each = |operands: &'a [Expr]| operands.iter().map(|o| self.clause(o)).collect();
        match expr {
            Expr::Group(inner, _) | Expr::WhenAvailable(inner, _) => self.says(inner),
            Expr::And(operands, _) => Says::All(each(operands)),
            Expr::Or(operands, _) => Says::Any(each(operands)),
            Expr::Not(inner, _) => Says::Not(Box::new(self.clause(inner))),
            Expr::Tool(tool) => Says::Runs(tool, self.runs(tool)),
            Expr::Bare(path) => match path.single().and_then(|name| self.project.named_condition(&name.text)) {
                Some(named) => self.says(named),
                None => self.test(expr),
            },
            Expr::Test(..) => self.test(expr),
        }
    }

    fn test(&self, expr: &'a Expr) -> Says<'a> {
        Says::Test(expr, Asked::new(self.rule.condition(self.project, self.kind, expr)))
    }

    fn runs(&self, tool: &Tool) -> Vec<Runs> {
        let members = self.rule.tool(self.project, self.kind, tool).into_iter().map(|member| {
            // What asks nothing, such as the program of `resembles`, is no part.
            let asked = |(part, pred): (Part, Pred)| (!pred.is(true)).then(|| (part, Asked::new(pred)));
            let parts = member.parts.map(|parts| parts.into_iter().filter_map(asked).collect());
            Runs { utility: member.utility, parts }
        });
        members.collect()
    }
}

impl Clause<'_> {
    /// Whether it holds for an event.
    #[must_use]
    pub fn holds(&self, event: &Event) -> bool {
        match &self.says {
            Says::All(all) => all.iter().all(|c| c.holds(event)),
            Says::Any(any) => any.iter().any(|c| c.holds(event)),
            Says::Not(inner) => !inner.holds(event),
            Says::Test(_, asked) => asked.holds(event),
            Says::Runs(_, members) => members.iter().any(|m| m.holds(event)),
        }
    }

    /// Whether no event of this kind can make it true.
    #[must_use]
    pub fn never(&self) -> bool {
        match &self.says {
            Says::All(all) => all.iter().any(Clause::never),
            Says::Any(any) => any.iter().all(Clause::never),
            Says::Not(_) => false,
            Says::Test(_, asked) => asked.pred.is(false),
            Says::Runs(_, members) => members.iter().all(Runs::never),
        }
    }
}

impl Runs {
    /// Whether all that is asked of the utility holds.
    #[must_use]
    pub fn holds(&self, event: &Event) -> bool {
        self.parts.as_ref().is_ok_and(|parts| parts.iter().all(|(_, asked)| asked.holds(event)))
    }

    /// Whether no event of this kind can be meant.
    #[must_use]
    pub fn never(&self) -> bool {
        self.parts.as_ref().map_or(true, |parts| parts.iter().any(|(_, asked)| asked.pred.is(false)))
    }
}

impl Asked {
    fn new(pred: Pred) -> Asked {
        Asked { pred, compiled: OnceCell::new() }
    }

    /// Whether it holds for an event.
    #[must_use]
    pub fn holds(&self, event: &Event) -> bool {
        self.compiled.get_or_init(|| Box::new(Condition::new(&self.pred))).holds(event)
    }

    /// The fields that it reads, each once, in the order in which they are asked.
    #[must_use]
    pub fn reads(&self) -> Vec<FieldId> {
        let mut out = vec![];
        self.pred.each_test(&mut |test| {
            let other = if let Op::Same { other, .. } = &test.op { Some(other.id) } else { None };
            for id in std::iter::once(test.field.id).chain(other) {
                if !out.contains(&id) {
                    out.push(id);
                }
            }
        });
        out
    }
}
