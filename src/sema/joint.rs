//! Conditions of rules over several events, taken apart: what reads one event is lowered for each kind that it may be,
//! what joins two events becomes an equality.

use super::condition::{Allowed, Lower, Place, StepScope};
use super::{Project, Report};
use crate::ir::{Equal, FieldRef, Joint, OneEvent, Op, Pred, StepField, Test};
use crate::source::Span;
use crate::syntax::ast::{Expr, Operator, Path, TextOperand, Tool, Value, Values};
use crate::vocabulary::{Kind, Os};
use std::collections::BTreeSet;

/// Takes one condition apart.
pub(super) struct Splitter<'a, 'r> {
    pub project: &'a Project,
    pub os: &'a [Os],
    /// The steps that may be named.
    pub steps: &'a [StepScope],
    /// The step in which the condition stands; `None`: outside the steps.
    pub own: Option<(usize, &'a StepScope)>,
    pub report: &'r mut Report,
}

impl Splitter<'_, '_> {
    /// The condition over the steps that it reads.
    pub(super) fn joint(&mut self, expr: &Expr, available: Allowed) -> Joint {
        let mut read = BTreeSet::new();
        self.reads(expr, &mut read);
        if read.len() < 2 {
            return self.one(read.into_iter().next().flatten(), expr, available);
        }
        match expr {
            Expr::Group(inner, _) => self.joint(inner, available),
            Expr::And(all, _) => Joint::and(all.iter().map(|e| self.joint(e, available)).collect::<Vec<_>>()),
            Expr::Or(all, _) => {
                let available = available.narrowed();
                Joint::or(all.iter().map(|e| self.joint(e, available)).collect::<Vec<_>>())
            }
            Expr::Not(inner, _) => self.joint(inner, available.narrowed()).not(),
            Expr::WhenAvailable(inner, span) => {
                self.lower(None, None, available).may_be_dropped(*span);
                match self.joint(inner, available.narrowed()) {
                    Joint::Equal(equal) => Joint::Equal(Equal { available: Some(*span), ..equal }),
                    joint => Joint::Droppable(Box::new(joint), *span),
                }
            }
            Expr::Test(_, _, span) => self.equality(expr, *span, available),
            // These read one event at most.
            Expr::Tool(_) | Expr::Bare(_) => Joint::Const(false),
        }
    }

    /// The condition where it reads no step but its own.
    pub(super) fn event(&mut self, expr: &Expr, available: Allowed) -> OneEvent {
        let kinds = self.own.map_or(&[][..], |(_, scope)| &scope.kinds);
        let each = kinds.iter().map(|kind| (*kind, self.lower(Some(*kind), None, available).expr(expr)));
        OneEvent::new(each.collect())
    }

    /// A condition that reads one step alone, or none.
    fn one(&mut self, named: Option<usize>, expr: &Expr, available: Allowed) -> Joint {
        let own = self.own;
        let step = named.or(own.map(|(index, _)| index));
        let scope = match named {
            Some(index) => self.steps.get(index),
            None => own.map(|(_, scope)| scope),
        };
        let (Some(step), Some(scope)) = (step, scope) else {
            // It stands outside the steps and names none: that is reported.
            return match self.lower(None, None, available).expr(expr) {
                Pred::Const(value) => Joint::Const(value),
                _ => Joint::Const(false),
            };
        };
        let each = scope.kinds.iter().map(|kind| {
            let (own_kind, step_kind) = if named.is_some() { (None, Some(*kind)) } else { (Some(*kind), None) };
            (*kind, self.lower(own_kind, step_kind, available).expr(expr).of_one_event())
        });
        let event = OneEvent::new(each.collect());
        match event {
            event if event.is(true) => Joint::Const(true),
            event if event.is(false) => Joint::Const(false),
            event => Joint::One(step, event),
        }
    }

    /// A test of one step's field against another step's.
    fn equality(&mut self, expr: &Expr, span: Span, available: Allowed) -> Joint {
        let kinds: Vec<Option<Kind>> = match self.own {
            Some((_, scope)) => scope.kinds.iter().copied().map(Some).collect(),
            None => vec![None],
        };
        let own = self.own.map(|(index, _)| index);
        let place = |field: FieldRef| Some(StepField { step: field.step.or(own)?, field: field.id });
        for kind in kinds {
            if let Pred::Test(Test { field, op: Op::Same { other, cased }, .. }) =
                self.lower(kind, None, available).expr(expr)
                && let (Some(a), Some(b)) = (place(field), place(other))
            {
                let (left, right) = if a.step > b.step { (a, b) } else { (b, a) };
                return Joint::Equal(Equal { left, right, cased, available: None, span });
            }
        }
        Joint::Const(false)
    }

    fn lower(&mut self, kind: Option<Kind>, step_kind: Option<Kind>, available: Allowed) -> Lower<'_, '_> {
        let kinds = self.own.map_or(&Kind::ALL[..], |(_, scope)| &scope.kinds);
        let place = Place {
            kind: kind.or(kinds.first().copied()).unwrap_or(Kind::Process),
            kinds,
            os: self.os,
            steps: self.steps,
            step_kind,
            outside: self.own.is_none(),
            available,
        };
        Lower::new(self.project, place, self.report)
    }

    /// The steps that a condition reads; `None` is the one in which it stands.
    fn reads(&self, expr: &Expr, out: &mut BTreeSet<Option<usize>>) {
        match expr {
            Expr::And(all, _) | Expr::Or(all, _) => all.iter().for_each(|e| self.reads(e, out)),
            Expr::Not(inner, _) | Expr::Group(inner, _) | Expr::WhenAvailable(inner, _) => self.reads(inner, out),
            Expr::Tool(Tool { subject, .. }) => {
                out.insert(subject.as_ref().and_then(|path| self.named(path)));
            }
            Expr::Bare(path) => {
                out.insert(self.named(path));
            }
            Expr::Test(path, operator, _) => {
                out.insert(self.named(path));
                if let Some(other) = other_path(operator)
                    && let Some(step) = self.named(other)
                {
                    out.insert(Some(step));
                } else if let Some(other) = other_path(operator)
                    && self.is_own_field(other)
                {
                    out.insert(None);
                }
            }
        }
    }

    fn named(&self, path: &Path) -> Option<usize> {
        let first = path.parts.first()?;
        self.steps.iter().position(|s| s.name == first.text)
    }

    /// A field without a step's name, where a value could stand too.
    fn is_own_field(&self, path: &Path) -> bool {
        let value = path.single().is_some_and(|name| self.project.lists.param(&name.text).is_some());
        !value && crate::vocabulary::FieldId::find(&path.dotted()).is_some()
    }
}

/// The path that an operator compares with.
fn other_path(operator: &Operator) -> Option<&Path> {
    match operator {
        Operator::Is { value: Value::Path(path), .. }
        | Operator::Order(_, Value::Path(path))
        | Operator::In { values: Values::Path(path), .. }
        | Operator::Text { operand: TextOperand::One(Value::Path(path)), .. } => Some(path),
        _ => None,
    }
}
