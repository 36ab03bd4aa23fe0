//! Conditions about one event in words: what the event holds there, and what was asked.

use super::Reason;
use super::coverage::written;
use crate::event::clauses::{Asked, Clause, Clauses, Runs, Says};
use crate::event::eval::Condition;
use crate::event::{Event, Value, time};
use crate::project::Loaded;
use crate::sema::{Part, Rule};
use crate::source::Span;
use crate::syntax::ast::{Expr, Ident, Operator, Pick, TextOp, TextOperand, Tool, ToolVerb};
use crate::vocabulary::{FieldId, Type};

/// The most characters of a value within a reason; the event is shown beside it in full.
const LONG_VALUE: usize = 100;

/// What begins a label of an operand of an `or`.
const BRANCH: &str = "this branch holds: ";

pub(super) fn reason(span: Span, text: String) -> Reason {
    Reason { span, text }
}

/// Reasons that are about a flag or an exception.
pub(super) fn titled(name: &str, what: &str, reasons: Vec<Reason>) -> Vec<Reason> {
    let text = |text: &str| format!("`{name}` {what}: {}", text.strip_prefix(BRANCH).unwrap_or(text));
    reasons.into_iter().map(|r| reason(r.span, text(&r.text))).collect()
}

/// An event, and conditions about it in words.
pub(super) struct Words<'a> {
    pub rule: &'a Rule,
    pub loaded: &'a Loaded,
    pub event: &'a Event<'static>,
}

impl Words<'_> {
    /// Why a condition holds: every operand of an `and`, and of an `or` those that hold.
    pub fn holds(&self, clause: &Clause) -> Vec<Reason> {
        match &clause.says {
            Says::All(operands) => operands.iter().flat_map(|o| self.holds(o)).collect(),
            Says::Any(operands) => {
                let held = operands.iter().filter(|o| o.holds(self.event));
                held.flat_map(|o| self.branch(o)).collect()
            }
            Says::Not(inner) => self.fails(inner),
            Says::Test(expr, asked) => vec![reason(expr.span(), self.fact(expr, asked, true))],
            Says::Runs(tool, members) => {
                let held: Vec<&str> =
                    members.iter().filter(|m| m.holds(self.event)).map(|m| m.utility.as_str()).collect();
                vec![reason(tool.span, self.ran(tool, members, &held))]
            }
        }
    }

    /// What the weighted flags come to, and those that hold, or do not.
    pub fn score(&self, clauses: &Clauses, score: u64, holds: bool) -> Vec<Reason> {
        let Some((threshold, span)) = self.rule.threshold else { return vec![] };
        let sum = reason(
            span,
            format!("the score is {score}, and {threshold} {}", if holds { "is enough" } else { "is asked" }),
        );
        let weighted = self.rule.flags().iter().zip(&clauses.flags).filter(|(flag, _)| flag.weight.is_some());
        let decided = weighted.filter(|(_, clause)| clause.holds(self.event) == holds);
        let each = decided.flat_map(|(flag, clause)| match holds {
            true => titled(&flag.name.text, "holds", self.holds(clause)),
            false => titled(&flag.name.text, "does not hold", self.fails(clause)),
        });
        std::iter::once(sum).chain(each).collect()
    }

    /// An operand of an `or` that holds.
    fn branch(&self, operand: &Clause) -> Vec<Reason> {
        let inner = self.holds(operand);
        match (&operand.says, inner.as_slice()) {
            (Says::Test(..) | Says::Runs(..), [one]) if one.span == operand.span => {
                vec![reason(one.span, format!("{BRANCH}{}", one.text))]
            }
            _ => std::iter::once(reason(operand.span, "this branch holds".to_owned())).chain(inner).collect(),
        }
    }

    /// Why a condition does not hold: the operands of an `and` that fail, and of an `or` those that come nearest.
    pub fn fails(&self, clause: &Clause) -> Vec<Reason> {
        match &clause.says {
            Says::All(operands) => {
                let failed: Vec<&Clause> = operands.iter().filter(|o| !o.holds(self.event)).collect();
                // Of another program nothing else is worth asking.
                let other_program = failed.iter().find(|o| matches!(o.says, Says::Runs(..)) && self.held(o) == 0);
                match other_program {
                    Some(clause) => self.fails(clause),
                    None => failed.into_iter().flat_map(|o| self.fails(o)).collect(),
                }
            }
            Says::Any(operands) => {
                let nearest = operands.iter().map(|o| self.held(o)).max().unwrap_or(0);
                operands.iter().filter(|o| self.held(o) == nearest).flat_map(|o| self.fails(o)).collect()
            }
            Says::Not(inner) => self.holds(inner),
            Says::Test(expr, asked) => vec![reason(expr.span(), self.fact(expr, asked, false))],
            Says::Runs(tool, members) => vec![reason(tool.span, self.did_not_run(tool, members))],
        }
    }

    /// How much of a condition holds.
    fn held(&self, clause: &Clause) -> usize {
        match &clause.says {
            Says::All(operands) => operands.iter().map(|o| self.held(o)).sum(),
            Says::Any(operands) => operands.iter().map(|o| self.held(o)).max().unwrap_or(0),
            Says::Not(inner) => usize::from(!inner.holds(self.event)),
            Says::Test(_, asked) => usize::from(asked.holds(self.event)),
            Says::Runs(_, members) => members.iter().map(|m| self.passed(m)).max().unwrap_or(0),
        }
    }

    /// How many parts of what is asked of a utility hold, up to the first that does not.
    fn passed(&self, member: &Runs) -> usize {
        member.parts.as_ref().map_or(0, |parts| parts.iter().take_while(|(_, a)| a.holds(self.event)).count())
    }

    fn ran(&self, tool: &Tool, members: &[Runs], held: &[&str]) -> String {
        let mut reads: Vec<FieldId> = vec![];
        for member in members.iter().filter(|m| held.contains(&m.utility.as_str())) {
            let asked = member.parts.iter().flatten().map(|(_, asked)| asked);
            let present = asked.flat_map(Asked::reads).filter(|id| self.event.get(*id).is_some());
            for id in present {
                if !reads.contains(&id) {
                    reads.push(id);
                }
            }
        }
        let utility = held.first().copied().unwrap_or_default();
        let (to, with) = (self.found(tool, utility, false), self.found(tool, utility, true));
        let to = if to.is_empty() { to } else { format!(" to {to}") };
        let with = if with.is_empty() { with } else { format!(" with {with}") };
        format!("{}: {} `{}`{to}{with}", self.values(&reads), tool.verb.word(), held.join("`, `"))
    }

    /// Which of the verbs or switches that are asked a utility has been given.
    fn found(&self, tool: &Tool, utility: &str, with: bool) -> String {
        let Some(pick) = (if with { &tool.with } else { &tool.to }) else { return String::new() };
        let given = |name: &&Ident| {
            let one = Pick { names: vec![(*name).clone()], ..pick.clone() };
            let (to, with) = if with { (tool.to.clone(), Some(one)) } else { (Some(one), tool.with.clone()) };
            let all = self.rule.tool(&self.loaded.project, self.event.kind, &Tool { to, with, ..tool.clone() });
            let mut all = all.into_iter().filter(|m| m.utility == utility);
            all.any(|member| Condition::new(&member.pred()).holds(self.event))
        };
        pick.names.iter().filter(given).map(|n| format!("`{}`", n.text)).collect::<Vec<_>>().join(", ")
    }

    fn did_not_run(&self, tool: &Tool, members: &[Runs]) -> String {
        // A part behind the program, or without one before it, as in scripts.
        let telling = |m: &&Runs| {
            let first = m.parts.as_ref().ok().and_then(|parts| parts.first());
            self.passed(m) > 0 || members.len() == 1 && first.is_some_and(|(part, _)| *part != Part::Image)
        };
        let nearest = members.iter().rev().filter(telling).max_by_key(|m| self.passed(m));
        if let Some(Runs { utility, parts: Ok(parts) }) = nearest
            && let Some((part, asked)) = parts.iter().find(|(_, asked)| !asked.holds(self.event))
        {
            return self.part(tool, utility, *part, asked);
        }
        if let Some(lacks) = self.lacks(tool, members) {
            return lacks;
        }
        let mut reads: Vec<FieldId> = vec![];
        for (part, asked) in members.iter().filter_map(|m| m.parts.as_ref().ok()?.first()) {
            if *part == Part::Image || members.len() == 1 {
                reads.extend(asked.reads().into_iter().filter(|id| !reads.contains(id)).collect::<Vec<_>>());
            }
        }
        let name = &tool.utility.text;
        let what = match (self.loaded.project.is_group(name), tool.verb) {
            (true, ToolVerb::Runs) => format!("no utility of `{name}`"),
            (true, verb) => format!("no utility of `{name}` is {}", verb.word()),
            (false, ToolVerb::Runs) => format!("not `{name}`"),
            (false, ToolVerb::Resembles) => format!("nothing like `{name}`{}", picks(tool)),
            (false, verb) => format!("no {} `{name}`", verb.word()),
        };
        match reads.is_empty() {
            true => format!("{} events run {what}", self.event.kind.word()),
            false => format!("{}: {what}", self.values(&reads)),
        }
    }

    /// A utility that does run and does not declare what is asked.
    fn lacks(&self, tool: &Tool, members: &[Runs]) -> Option<String> {
        let bare = Tool { to: None, with: None, ..tool.clone() };
        let all = self.rule.tool(&self.loaded.project, self.event.kind, &bare);
        let mut running = all.into_iter().filter(|m| Condition::new(&m.clone().pred()).holds(self.event));
        running.find_map(|running| {
            let member = members.iter().find(|m| m.utility == running.utility)?;
            let (what, pick) = match member.parts.as_ref().err()? {
                Part::Verb => ("verb", tool.to.as_ref()),
                Part::Switch => ("switch", tool.with.as_ref()),
                Part::Image | Part::Words => return None,
            };
            Some(format!("this is `{}`, which declares no {what} {}", member.utility, names(pick?)))
        })
    }

    /// A part of a tool condition that does not hold, where those before it do.
    fn part(&self, tool: &Tool, utility: &str, part: Part, asked: &Asked) -> String {
        let reads = asked.reads();
        let values = self.values(&reads);
        let what = match part {
            Part::Image => return format!("{values}: not `{utility}`"),
            Part::Words => "any command".to_owned(),
            Part::Verb => picked("verb", tool.to.as_ref()),
            Part::Switch => picked("switch", tool.with.as_ref()),
        };
        match reads.iter().any(|id| self.event.get(*id).is_some()) {
            true => format!("{values} and does not match {what} of `{utility}`"),
            false => format!("{values}, so it does not match {what} of `{utility}`"),
        }
    }

    /// A test of a field: what the event holds, and what is asked.
    fn fact(&self, expr: &Expr, asked: &Asked, holds: bool) -> String {
        let reads = asked.reads();
        let (path, operator) = match expr {
            Expr::Test(path, operator, _) => (path, Some(operator)),
            Expr::Bare(path) => (path, None),
            _ => return self.values(&reads),
        };
        let name = path.dotted();
        if reads.is_empty() {
            return format!("{} events have no `{name}`", self.event.kind.word());
        }
        if let Some(missing) = reads.iter().find(|id| self.event.get(**id).is_none()) {
            return format!("the event has no `{}`", missing.short());
        }
        let values = self.values(&reads);
        let ty = FieldId::find(&name).map(|id| id.def().ty);
        match operator {
            None if ty == Some(Type::Bool) && name.starts_with("argument") | name.contains(".argument") => {
                format!("{values}, so `{name}` is {holds}")
            }
            None | Some(Operator::Exists) => values,
            Some(operator) => {
                let asked = self.asked(operator, holds && ty != Some(Type::Argument));
                match (ty, holds) {
                    (Some(Type::Argument), true) => {
                        format!("{values}; an argument {}", self.asked(operator, true))
                    }
                    (Some(Type::Argument), false) => {
                        format!("{values}; no argument {}", self.asked(operator, true))
                    }
                    (_, true) => format!("{values}, which {asked}"),
                    (_, false) => format!("{values} and {asked}"),
                }
            }
        }
    }

    /// `is in [..]`, `does not contain any of [..]`.
    fn asked(&self, operator: &Operator, holds: bool) -> String {
        let is = if holds { "is" } else { "is not" };
        let text = |span: Span| format!("`{}`", written(&self.loaded.sources, span));
        match operator {
            Operator::Exists => if holds { "is there" } else { "is not there" }.to_owned(),
            Operator::Is { value, .. } => format!("{is} {}", text(value.span())),
            Operator::In { values, .. } | Operator::Cidr(values) => format!("{is} in {}", text(values.span())),
            Operator::Order(order, value) => format!("{is} {} {}", order.sign(), text(value.span())),
            Operator::Text { op, operand, .. } => {
                let verb = match (op, holds) {
                    (TextOp::Like | TextOp::Under, _) => format!("{is} {}", op.word()),
                    (TextOp::Contains, true) => "contains".to_owned(),
                    (TextOp::StartsWith, true) => "starts with".to_owned(),
                    (TextOp::EndsWith, true) => "ends with".to_owned(),
                    (TextOp::Matches, true) => "matches".to_owned(),
                    (TextOp::Contains, false) => "does not contain".to_owned(),
                    (TextOp::StartsWith, false) => "does not start with".to_owned(),
                    (TextOp::EndsWith, false) => "does not end with".to_owned(),
                    (TextOp::Matches, false) => "does not match".to_owned(),
                };
                match operand {
                    TextOperand::One(value) => format!("{verb} {}", text(value.span())),
                    TextOperand::Many { all: true, values } => format!("{verb} all of {}", text(values.span())),
                    TextOperand::Many { all: false, values } => {
                        let any = if holds { "one of" } else { "any of" };
                        format!("{verb} {any} {}", text(values.span()))
                    }
                }
            }
        }
    }

    /// `` `a` is 'x', and the event lacks `b` ``
    fn values(&self, fields: &[FieldId]) -> String {
        let (there, lacking): (Vec<&FieldId>, Vec<&FieldId>) =
            fields.iter().partition(|id| self.event.get(**id).is_some());
        let is = |id: &&FieldId| {
            let value = self.event.get(**id).map(|v| shown(**id, v, LONG_VALUE)).unwrap_or_default();
            format!("`{}` is {value}", id.short())
        };
        let mut parts: Vec<String> = there.iter().map(is).collect();
        if !lacking.is_empty() {
            let names: Vec<&str> = lacking.iter().map(|id| id.short()).collect();
            parts.push(format!("the event has no `{}`", names.join("` and `")));
        }
        parts.join(", and ")
    }
}

/// `to` what and `with` what, as asked.
fn picks(tool: &Tool) -> String {
    let to = tool.to.as_ref().map_or_else(String::new, |p| format!(" to {}", names(p)));
    let with = tool.with.as_ref().map_or_else(String::new, |p| format!(" with {}", names(p)));
    format!("{to}{with}")
}

/// `` verb `a` ``, `` any of the verbs `a`, `b` ``
fn picked(what: &str, pick: Option<&Pick>) -> String {
    match pick {
        Some(pick) if pick.names.len() == 1 => format!("{what} {}", names(pick)),
        Some(pick) => {
            let plural = if what == "switch" { "switches" } else { "verbs" };
            format!("{} of the {plural} {}", if pick.all { "all" } else { "any" }, names(pick))
        }
        None => what.to_owned(),
    }
}

fn names(pick: &Pick) -> String {
    pick.names.iter().map(|n| format!("`{}`", n.text)).collect::<Vec<_>>().join(", ")
}

/// A value as a rule would write it, cut to `most` characters.
pub(super) fn shown(id: FieldId, value: &Value, most: usize) -> String {
    match value {
        Value::Number(n) if id.def().ty == Type::Time => time::format(*n),
        Value::Number(n) => n.to_string(),
        Value::Bool(value) => value.to_string(),
        Value::Text(word) if matches!(id.def().ty, Type::Enum(_)) => word.to_string(),
        Value::Text(text) => match text.char_indices().nth(most) {
            Some((end, _)) => format!("'{}…", text.get(..end).unwrap_or("").replace('\'', "''")),
            None => format!("'{}'", text.replace('\'', "''")),
        },
    }
}
