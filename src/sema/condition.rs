//! Conditions: from syntax to predicates for one kind of event on some systems, with every finding about names and
//! types on the way.

use super::{Project, Report, operand, tool};
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::{Drop, FieldRef, Named, Op, Pred, Role};
use crate::source::Span;
use crate::syntax::ast::{Expr, Path};
use crate::vocabulary::{FieldId, Kind, Os, Type, fields, foreign};

/// Where `when available` may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allowed {
    /// On an operand of `and`: without it more alerts come.
    Operand,
    /// On an operand of `or`: without it a way of firing is lost.
    Alternative,
    /// Anywhere: what holds it can go as a whole.
    Anywhere,
    /// Nowhere, for this reason.
    Nowhere(&'static str),
}

impl Allowed {
    /// Below `not`, and inside of what may go itself.
    pub(super) fn narrowed(self) -> Allowed {
        match self {
            Allowed::Operand | Allowed::Alternative => Allowed::Nowhere("dropping this could lose an alert"),
            other => other,
        }
    }

    /// On the operands of a connective.
    fn of_operands(self, and: bool) -> Allowed {
        match (self, and) {
            (Allowed::Operand | Allowed::Alternative, true) => Allowed::Operand,
            (Allowed::Operand | Allowed::Alternative, false) => Allowed::Alternative,
            (other, _) => other,
        }
    }
}

/// A step of a rule over several events, as conditions see it.
#[derive(Clone, Debug)]
pub struct StepScope {
    /// Its name.
    pub name: String,
    /// Its kinds of event.
    pub kinds: Vec<Kind>,
    /// How it takes part.
    pub role: Role,
}

/// What surrounds a condition.
#[derive(Clone, Debug)]
pub struct Place<'a> {
    /// The kind of event that the condition is lowered for.
    pub kind: Kind,
    /// All kinds that the condition is written for.
    pub kinds: &'a [Kind],
    /// The systems.
    pub os: &'a [Os],
    /// Steps that may be named.
    pub steps: &'a [StepScope],
    /// The kind of event that a named step's is taken to be; `None`: any of the step's.
    pub step_kind: Option<Kind>,
    /// Fields carry a step's name: the condition stands outside the steps.
    pub outside: bool,
    /// Where `when available` may stand.
    pub available: Allowed,
}

/// The most names of conditions that a rule keeps.
const MOST_NAMES: usize = 400;

/// Lowers one condition.
pub(super) struct Lower<'a, 'r> {
    pub project: &'a Project,
    pub place: Place<'a>,
    pub report: &'r mut Report,
    /// `let`s are checked where they stand and not put in.
    pub alone: bool,
}

/// The words of a name: `staging_dirs`, `process.name`.
pub(super) fn words(name: &str) -> Vec<String> {
    name.split(['_', '.', ' ']).filter(|w| !w.is_empty()).map(str::to_owned).collect()
}

/// A path that names a field, seen from a place.
pub(super) enum Found {
    /// A field that the kind of event has.
    Field(FieldRef),
    /// A field of another kind among the condition's: events of this one lack it.
    Elsewhere(FieldId),
}

impl<'a, 'r> Lower<'a, 'r> {
    pub(super) fn new(project: &'a Project, place: Place<'a>, report: &'r mut Report) -> Self {
        Self { project, place, report, alone: false }
    }

    pub(super) fn expr(&mut self, expr: &Expr) -> Pred {
        match expr {
            Expr::Group(inner, _) => self.expr(inner),
            Expr::And(operands, _) => Pred::and(self.operands(operands, true)),
            Expr::Or(operands, _) => Pred::or(self.operands(operands, false)),
            Expr::Not(inner, _) => self.with(self.place.available.narrowed(), |l| l.expr(inner)).not(),
            Expr::WhenAvailable(inner, span) => self.when_available(inner, *span),
            Expr::Tool(tool) => tool::lower(self, tool),
            Expr::Test(path, operator, span) => operand::lower(self, path, operator, *span),
            Expr::Bare(path) => self.bare(path),
        }
    }

    /// Keeps what a condition is called in the source.
    pub(super) fn name(&mut self, words: Vec<String>, pred: &Pred) {
        self.keep_name(words, pred, false);
    }

    /// Keeps what the values are called that a test compares with.
    pub(super) fn name_list(&mut self, words: Vec<String>, pred: &Pred) {
        if let Pred::Test(_) = pred {
            self.keep_name(words, pred, true);
        }
    }

    fn keep_name(&mut self, words: Vec<String>, pred: &Pred, list: bool) {
        if !matches!(pred, Pred::Const(_)) && self.place.step_kind.is_none() && !self.place.outside {
            let named = Named { words, list, pred: pred.clone().of_one_event() };
            // No query shows so many columns, and each is compared with those before it.
            if self.report.names.len() < MOST_NAMES && !self.report.names.contains(&named) {
                self.report.names.push(named);
            }
        }
    }

    fn operands(&mut self, operands: &[Expr], and: bool) -> Vec<Pred> {
        let available = self.place.available.of_operands(and);
        self.with(available, |l| operands.iter().map(|o| l.expr(o)).collect())
    }

    /// Lowers a part in which `when available` may stand elsewhere.
    fn with<T>(&mut self, available: Allowed, f: impl FnOnce(&mut Self) -> T) -> T {
        let before = std::mem::replace(&mut self.place.available, available);
        let out = f(self);
        self.place.available = before;
        out
    }

    /// Reports a `when available` that cannot stand here.
    pub(super) fn may_be_dropped(&mut self, span: Span) {
        if let Allowed::Nowhere(why) = self.place.available {
            self.report.push(
                Diagnostic::new(Code::WhenAvailable, "`when available` is not allowed here")
                    .at(span, why)
                    .help("put it on an operand of `and` or `or`, in an exception, or on an unweighted flag"),
            );
        }
    }

    fn when_available(&mut self, inner: &Expr, span: Span) -> Pred {
        self.may_be_dropped(span);
        let why = match self.place.available {
            Allowed::Alternative => Drop::Alternative,
            _ => Drop::WhenAvailable,
        };
        match self.with(self.place.available.narrowed(), |l| l.expr(inner)) {
            Pred::Const(value) => Pred::Const(value),
            pred => Pred::Droppable { pred: Box::new(pred), why, span },
        }
    }

    fn bare(&mut self, path: &Path) -> Pred {
        if let Some((ident, expr)) = path.single().and_then(|n| self.project.lets.get(&n.text)) {
            // One that is in a circle or too large was reported where it is defined.
            if self.alone || !self.project.let_sizes.contains_key(&ident.text) {
                return Pred::Const(false);
            }
            let pred = self.expr(expr);
            self.name(words(&ident.text), &pred);
            return pred;
        }
        match self.field(path) {
            None => Pred::Const(false),
            Some(Found::Elsewhere(id)) => {
                self.expect_bool(id, path);
                Pred::Const(false)
            }
            Some(Found::Field(field)) => {
                if !self.expect_bool(field.id, path) {
                    return Pred::Const(false);
                }
                operand::is_true(field, path.span)
            }
        }
    }

    fn expect_bool(&mut self, id: FieldId, path: &Path) -> bool {
        let ty = id.def().ty;
        if ty != Type::Bool {
            let diagnostic = Diagnostic::new(Code::WrongType, format!("`{}` alone is not a condition", path.dotted()))
                .at(path.span, format!("this is {}", ty.words()));
            self.report.push(match ty {
                Type::Identity => diagnostic,
                _ => diagnostic.patch("ask whether it is there", path.span, format!("{} exists", path.dotted())),
            });
        }
        ty == Type::Bool
    }

    /// Finds the field that a path names. Findings are reported.
    pub(super) fn field(&mut self, path: &Path) -> Option<Found> {
        let dotted = path.dotted();
        let (first, rest) = path.parts.split_first()?;
        let step = self.place.steps.iter().position(|s| s.name == first.text);
        if let Some(index) = step {
            let name = rest.iter().map(|p| p.text.as_str()).collect::<Vec<_>>().join(".");
            let kinds = self.named_step(index, path.span)?;
            let id = self.known(&name, &kinds, path)?;
            self.of_kinds(id, &kinds, path)?;
            return Some(match self.place.step_kind {
                Some(kind) if !id.def().has_kind(kind) => Found::Elsewhere(id),
                _ => Found::Field(FieldRef { id, step: Some(index) }),
            });
        }
        let id = self.known(&dotted, self.place.kinds, path)?;
        if self.place.outside {
            let has = |s: &&StepScope| s.kinds.iter().any(|k| id.def().has_kind(*k));
            let steps: Vec<_> = self.place.steps.iter().filter(has).map(|s| format!("`{}.{dotted}`", s.name)).collect();
            self.report.push(
                Diagnostic::new(Code::StepMissing, format!("`{dotted}` of which step?"))
                    .at(path.span, "outside the steps, a field carries its step's name")
                    .help(format!("write {}", steps.join(" or "))),
            );
            return None;
        }
        self.of_kinds(id, self.place.kinds, path)?;
        if id.def().has_kind(self.place.kind) {
            Some(Found::Field(FieldRef { id, step: None }))
        } else {
            Some(Found::Elsewhere(id))
        }
    }

    /// The kinds of event of a step that is named; `None` for a `without`, which is reported.
    pub(super) fn named_step(&mut self, index: usize, span: Span) -> Option<Vec<Kind>> {
        let step = self.place.steps.get(index)?;
        if step.role == Role::Without {
            self.report.push(
                Diagnostic::new(Code::BadStep, format!("`{}` has no event", step.name))
                    .at(span, "a match is one without such an event, so nothing can be asked of it"),
            );
            return None;
        }
        Some(step.kinds.clone())
    }

    fn known(&mut self, name: &str, kinds: &[Kind], path: &Path) -> Option<FieldId> {
        let found = FieldId::find(name);
        if found.is_none() && !self.project.is_broken(name) {
            let project = self.project;
            let diagnostic = Diagnostic::new(Code::UnknownField, format!("there is no field `{name}`"))
                .at(path.span, "not a field, and no condition of this name is defined");
            let is_tool = project.utilities.contains_key(name) || project.groups.contains_key(name);
            let diagnostic = match foreign::field(name, kinds) {
                _ if is_tool => diagnostic.patch("a utility is run", path.span, format!("runs {name}")),
                Some(ours) => {
                    let lead = path.dotted().strip_suffix(name).unwrap_or("").to_owned();
                    diagnostic.patch(format!("the field is called `{ours}`"), path.span, format!("{lead}{ours}"))
                }
                None => {
                    let candidates = fields::names_of(kinds).chain(project.lets.keys().map(String::as_str));
                    self.report.did_you_mean(diagnostic, name, path.span, candidates)
                }
            };
            self.report.push(diagnostic);
        }
        found
    }

    fn of_kinds(&mut self, id: FieldId, kinds: &[Kind], path: &Path) -> Option<()> {
        if kinds.iter().any(|k| id.def().has_kind(*k)) {
            return Some(());
        }
        let words: Vec<_> = kinds.iter().map(|k| k.word()).collect();
        let owners: Vec<_> = id.def().kinds.iter().map(|k| k.word()).collect();
        self.report.push(
            Diagnostic::new(
                Code::FieldOfOtherKind,
                format!("{} events have no `{}`", words.join(" or "), path.dotted()),
            )
            .at(path.span, format!("a field of {} events", owners.join(" or "))),
        );
        None
    }
}

/// Lowers every `let` by itself, so that the findings of those are told too that no rule uses.
pub(super) fn check_lets(project: &Project, report: &mut Report) {
    for (_, (_, expr)) in project.lets.iter().filter(|(name, _)| project.let_sizes.contains_key(*name)) {
        let place = Place {
            kind: Kind::Process,
            kinds: &Kind::ALL,
            os: &Os::ALL,
            steps: &[],
            step_kind: None,
            outside: false,
            available: Allowed::Anywhere,
        };
        let mut lower = Lower::new(project, place, report);
        lower.alone = true;
        lower.expr(expr);
    }
}

/// A test of text that holds where an event has the field at all.
pub(super) fn exists(field: FieldRef, span: Span) -> Pred {
    Pred::Test(crate::ir::Test { field, op: Op::Exists, span })
}
