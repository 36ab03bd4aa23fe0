//! What the tests of a rule reach: each operand of an `or`, each utility of a group, each flag, each exception.
//!
//! * An operand of an `or`, or a utility of a group, is reached when a test has an event for which it is true together
//!   with everything around it. In the detection that is any event, in a flag one that fires, in an exception one that is
//!   detected.
//! * Below `not` an operand keeps events out. It is reached when it does so alone: without it the whole would hold.
//! * A flag is reached when it is true of an event that fires, an exception when it holds for one that is detected.
//!
//! In a rule over several events, each step is taken as a detection of its own, and so is what a count counts. A condition of it that
//! names another step is not taken apart, nor are flags and exceptions.
//!
//! Elements of lists are no operands. What stands in a `let` counts in each rule that uses it, once. What can be true of no
//! event, such as a utility of a group that lacks the verb, is left out.

use super::run::{Seen, foreign_system};
use crate::event::Event;
use crate::event::clauses::{Clause, Clauses, Says};
use crate::project::Loaded;
use crate::sema::{Project, Rule};
use crate::source::{Sources, Span};
use crate::syntax::ast::{Detect, Expr, Operator, Path, Query, TextOperand, Value, Values};
use crate::vocabulary::Kind;
use indexmap::IndexMap;
use std::fmt;

/// What a part of a rule is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PartKind {
    /// An operand of an `or`.
    Branch,
    /// A utility of a group.
    Utility,
    /// A flag.
    Flag,
    /// An exception.
    Exception,
}

impl PartKind {
    /// `branch`, `utility`, `flag` or `exception`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            PartKind::Branch => "branch",
            PartKind::Utility => "utility",
            PartKind::Flag => "flag",
            PartKind::Exception => "exception",
        }
    }
}

/// A part of a rule that a test can reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// What it is.
    pub kind: PartKind,
    /// Its name; of a branch, what is written there, in one line and cut.
    pub name: String,
    /// Where it stands; of a utility, where its group is named.
    pub span: Span,
    /// What holds a branch or a utility: `the detection`, a flag or an exception.
    pub within: String,
    /// The group that a utility is named by.
    pub group: Option<String>,
    /// Whether a test reaches it.
    pub reached: bool,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let (what, name, within) = (self.kind.word(), &self.name, &self.within);
        match (&self.group, self.kind) {
            (Some(group), _) => write!(f, "{what} `{name}` of `{group}` in {within}"),
            (None, PartKind::Branch) => write!(f, "{what} `{name}` of {within}"),
            (None, _) => write!(f, "{what} `{name}`"),
        }
    }
}

/// What a part is known by: one condition may be written once and stand in several places.
type Key = (PartKind, Span, String);

struct Parts<'a> {
    project: &'a Project,
    sources: &'a Sources,
    /// With whether some event can reach it.
    all: IndexMap<Key, (Part, bool)>,
}

/// The parts of a rule over single events, in the order of its source, and which of them these events reach.
pub(super) fn of(rule: &Rule, loaded: &Loaded, seen: &[Seen]) -> Vec<Part> {
    let mut parts = Parts { project: &loaded.project, sources: &loaded.sources, all: IndexMap::new() };
    let kinds: Vec<Clauses> = rule.kinds.iter().filter_map(|kind| Clauses::new(rule, &loaded.project, *kind)).collect();
    for clauses in &kinds {
        parts.list(rule, clauses);
    }
    for Seen { given, verdict } in seen {
        let Some(clauses) = kinds.iter().find(|c| c.kind == given.event.kind) else { continue };
        // An event that is not looked at, or whose score is too low, reaches nothing.
        if foreign_system(rule, &given.event).is_some() || clauses.detect.holds(&given.event) && !verdict.detected {
            continue;
        }
        parts.reach(&clauses.detect, &given.event);
        if verdict.detected {
            for (exception, clause) in rule.exceptions.iter().zip(&clauses.exceptions) {
                parts.reach(clause, &given.event);
                if verdict.excepted_by.contains(&exception.title) {
                    parts.mark((PartKind::Exception, exception.span(), String::new()));
                }
            }
        }
        if verdict.fires() {
            for (flag, clause) in rule.flags().iter().zip(&clauses.flags) {
                parts.reach(clause, &given.event);
                if verdict.flags.contains(&flag.name.text) {
                    parts.mark((PartKind::Flag, flag.name.span, String::new()));
                }
            }
        }
    }
    parts.possible()
}

/// The branches and utilities of a rule over several events, and which of them these events reach.
pub(super) fn of_several(rule: &Rule, loaded: &Loaded, events: &[Event]) -> Vec<Part> {
    let mut parts = Parts { project: &loaded.project, sources: &loaded.sources, all: IndexMap::new() };
    let (asked, names): (Vec<(String, &Query)>, Vec<&str>) = match rule.detect() {
        Some(Detect::Steps(steps)) => {
            let of_steps = steps.steps.iter().map(|s| (format!("step `{}`", s.name.text), &s.query));
            (of_steps.collect(), steps.steps.iter().map(|s| s.name.text.as_str()).collect())
        }
        Some(Detect::Count(count)) => (vec![("the detection".to_owned(), &count.query)], vec![]),
        Some(Detect::Query(_)) | None => return vec![],
    };
    for (within, query) in asked {
        for kind in query.kinds.iter().filter_map(|kind| Kind::from_word(&kind.text)) {
            let own = own_operands(&query.expr, &names);
            let own = own.map(|operand| Clauses::condition(rule, &loaded.project, kind, operand));
            let clause = Clause { span: query.expr.span(), says: Says::All(own.collect()) };
            parts.within(&clause, &within);
            let of_kind = events.iter().filter(|event| event.kind == kind && foreign_system(rule, event).is_none());
            of_kind.for_each(|event| parts.reach(&clause, event));
        }
    }
    parts.possible()
}

/// The operands of a step's condition that read its own event only.
pub(super) fn own_operands<'e>(expr: &'e Expr, steps: &[&str]) -> impl Iterator<Item = &'e Expr> {
    let operands = match expr {
        Expr::And(all, _) => all.as_slice(),
        one => std::slice::from_ref(one),
    };
    operands.iter().filter(|operand| !reads(operand, steps))
}

/// Whether a condition names a step.
fn reads(expr: &Expr, steps: &[&str]) -> bool {
    let named = |path: &Path| path.parts.first().is_some_and(|first| steps.contains(&first.text.as_str()));
    match expr {
        Expr::And(all, _) | Expr::Or(all, _) => all.iter().any(|e| reads(e, steps)),
        Expr::Not(inner, _) | Expr::Group(inner, _) | Expr::WhenAvailable(inner, _) => reads(inner, steps),
        Expr::Tool(tool) => tool.subject.as_ref().is_some_and(named),
        Expr::Bare(path) => named(path),
        Expr::Test(path, operator, _) => {
            let other = match operator {
                Operator::Is { value: Value::Path(path), .. }
                | Operator::Order(_, Value::Path(path))
                | Operator::In { values: Values::Path(path), .. }
                | Operator::Text { operand: TextOperand::One(Value::Path(path)), .. } => named(path),
                _ => false,
            };
            named(path) || other
        }
    }
}

/// How a condition takes part in what comes out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// It is true, with everything around it.
    Holds,
    /// It is false in a whole that holds.
    Fails,
    /// It is false, and if it were true the whole would hold.
    Blocks,
    /// It stands below `not` and is true, and if it were false the whole would hold.
    KeepsOut,
}

impl Parts<'_> {
    /// Takes in every part.
    fn list(&mut self, rule: &Rule, clauses: &Clauses) {
        self.within(&clauses.detect, "the detection");
        for (flag, clause) in rule.flags().iter().zip(&clauses.flags) {
            let name = &flag.name.text;
            self.add(PartKind::Flag, flag.name.span, name.clone(), "", None, clause.never());
            self.within(clause, &format!("flag `{name}`"));
        }
        for (exception, clause) in rule.exceptions.iter().zip(&clauses.exceptions) {
            let title = &exception.title;
            self.add(PartKind::Exception, exception.span(), title.clone(), "", None, clause.never());
            self.within(clause, &format!("exception `{title}`"));
        }
    }

    fn possible(self) -> Vec<Part> {
        self.all.into_values().filter_map(|(part, possible)| possible.then_some(part)).collect()
    }

    fn within(&mut self, clause: &Clause, within: &str) {
        match &clause.says {
            Says::All(operands) => operands.iter().for_each(|o| self.within(o, within)),
            Says::Any(operands) => {
                for operand in operands {
                    let name = written(self.sources, operand.span);
                    self.add(PartKind::Branch, operand.span, name, within, None, operand.never());
                    self.within(operand, within);
                }
            }
            Says::Not(inner) => self.within(inner, within),
            Says::Runs(tool, members) if self.project.is_group(&tool.utility.text) => {
                for member in members {
                    let group = Some(tool.utility.text.clone());
                    let name = member.utility.clone();
                    self.add(PartKind::Utility, tool.utility.span, name, within, group, member.never());
                }
            }
            Says::Runs(..) | Says::Test(..) => {}
        }
    }

    fn add(&mut self, kind: PartKind, span: Span, name: String, within: &str, group: Option<String>, never: bool) {
        let key = (kind, span, if group.is_some() { name.clone() } else { String::new() });
        let part = Part { kind, name, span, within: within.to_owned(), group, reached: false };
        let (_, possible) = self.all.entry(key).or_insert((part, false));
        *possible |= !never;
    }

    fn mark(&mut self, key: Key) {
        if let Some((part, _)) = self.all.get_mut(&key) {
            part.reached = true;
        }
    }

    fn reach(&mut self, clause: &Clause, event: &Event) {
        let role = if clause.holds(event) { Role::Holds } else { Role::Blocks };
        self.walk(clause, event, role);
    }

    fn walk(&mut self, clause: &Clause, event: &Event, role: Role) {
        match (&clause.says, role) {
            (Says::Not(inner), Role::Holds) => self.walk(inner, event, Role::Fails),
            (Says::Not(inner), Role::Fails) => self.walk(inner, event, Role::Holds),
            (Says::Not(inner), Role::Blocks) => self.walk(inner, event, Role::KeepsOut),
            (Says::Not(inner), Role::KeepsOut) => self.walk(inner, event, Role::Blocks),
            (Says::All(operands), Role::Holds | Role::KeepsOut) | (Says::Any(operands), Role::Fails | Role::Blocks) => {
                operands.iter().for_each(|o| self.walk(o, event, role));
            }
            (Says::All(operands), Role::Fails | Role::Blocks) => {
                let failed: Vec<_> = operands.iter().filter(|o| !o.holds(event)).collect();
                if role == Role::Fails || failed.len() == 1 {
                    failed.into_iter().for_each(|o| self.walk(o, event, role));
                }
            }
            (Says::Any(operands), Role::Holds | Role::KeepsOut) => {
                let held: Vec<_> = operands.iter().filter(|o| o.holds(event)).collect();
                if role == Role::Holds || held.len() == 1 {
                    for operand in held {
                        self.mark((PartKind::Branch, operand.span, String::new()));
                        self.walk(operand, event, role);
                    }
                }
            }
            (Says::Runs(tool, members), Role::Holds | Role::KeepsOut) => {
                let held: Vec<_> = members.iter().filter(|m| m.holds(event)).collect();
                if role == Role::Holds || held.len() == 1 {
                    for member in held {
                        self.mark((PartKind::Utility, tool.utility.span, member.utility.clone()));
                    }
                }
            }
            (Says::Runs(..), Role::Fails | Role::Blocks) | (Says::Test(..), _) => {}
        }
    }
}

/// The most characters of a branch that name it.
const LONG_BRANCH: usize = 60;

/// What is written there, in one line.
pub(super) fn written(sources: &Sources, span: Span) -> String {
    let line = sources.on_one_line(span);
    match line.char_indices().nth(LONG_BRANCH) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or("")),
        None => line,
    }
}
