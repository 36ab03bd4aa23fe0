//! Conditions, lists and values.

use super::layout::{Doc, group, indent, text};
use super::tree::{bare, operands, short, start};
use super::{Printer, comments};
use crate::duration;
use crate::escape::is_unclean;
use crate::source::Span;
use crate::syntax::ast::*;

/// A list whose elements are all literals no longer than this takes several of them on a line.
const SHORT: usize = 40;

pub(super) fn range(span: Span) -> (usize, usize) {
    (span.start, span.end)
}

/// Text as it is written, in the quotes that it had.
pub(super) fn quoted(text: &Text) -> String {
    if text.raw {
        return format!("'{}'", text.value.replace('\'', "''"));
    }
    let mut out = String::from('"');
    for c in text.value.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if is_unclean(c) => out.push_str(&format!("\\u{{{:04X}}}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

pub(super) fn words(idents: &[Ident], between: &str) -> String {
    idents.iter().map(|i| i.text.as_str()).collect::<Vec<_>>().join(between)
}

/// The first operand of a condition, and the further ones with the word that joins them.
fn terms(expr: &Expr) -> (Option<&Expr>, (Vec<&Expr>, &'static str)) {
    let expr = bare(expr);
    let (mut all, word) = match expr {
        Expr::And(list, _) => (operands(list, true), "and "),
        Expr::Or(list, _) => (operands(list, false), "or "),
        _ => (vec![expr], ""),
    };
    let rest = all.split_off(all.len().min(1));
    (all.pop(), (rest, word))
}

/// An element of a list: its text, where it is, and whether it is a literal.
type Element = (String, Span, bool);

impl Printer<'_> {
    /// A number or size as the source has it; a duration in its largest whole unit.
    pub(super) fn written(&self, span: Span) -> String {
        let text = self.cursor.slice(span.start, span.end);
        duration::parse(text).map_or_else(|| text.to_owned(), duration::written)
    }

    pub(super) fn literal(&self, literal: &Literal) -> String {
        match literal {
            Literal::Text(t) => quoted(t),
            other => self.written(other.span()),
        }
    }

    fn value(&self, value: &Value) -> String {
        match value {
            Value::Literal(l) => self.literal(l),
            Value::Path(p) => short(p),
        }
    }

    /// `[a, b]`; `end` is behind its closing bracket.
    pub(super) fn bracket(&mut self, elements: Vec<Element>, end: usize) -> Doc {
        let filled = elements.iter().all(|(text, _, literal)| *literal && text.chars().count() <= SHORT);
        let mut docs = vec![];
        let any = !elements.is_empty();
        for (i, (element, span, _)) in elements.into_iter().enumerate() {
            let separator = match (i, filled) {
                (0, _) => Doc::Soft,
                (_, true) => Doc::Fill,
                (_, false) => Doc::Line,
            };
            if i > 0 {
                docs.push(text(","));
            }
            docs.extend(self.slot(range(span), separator, |_| vec![text(element)]));
        }
        if any {
            docs.push(Doc::IfBroken(",".to_owned()));
        }
        docs.extend(comments::lines(&self.cursor.take(end)));
        group(vec![text("["), indent(docs), Doc::Soft, text("]")])
    }

    pub(super) fn list(&mut self, list: &List) -> Doc {
        let elements = list.values.iter();
        let elements = elements.map(|v| (self.value(v), v.span(), matches!(v, Value::Literal(_)))).collect();
        self.bracket(elements, list.span.end)
    }

    pub(super) fn names(&mut self, names: &[Ident], end: usize) -> Doc {
        self.bracket(names.iter().map(|n| (n.text.clone(), n.span, false)).collect(), end)
    }

    pub(super) fn values(&mut self, values: &Values) -> Doc {
        match values {
            Values::List(list) => self.list(list),
            Values::Path(path) => text(short(path)),
            Values::Encoded { wide, list, .. } => {
                let name = if *wide { "base64wide(" } else { "base64(" };
                let bracketed = self.cursor.slice(list.span.start, list.span.end).starts_with('[');
                let inner = match list.values.as_slice() {
                    [one] if !bracketed => text(self.value(one)),
                    _ => self.list(list),
                };
                Doc::Concat(vec![text(name), inner, text(")")])
            }
        }
    }

    /// A condition: `separator`, the first operand, and each further one behind a line of its own with its word in front.
    pub(super) fn chain(&mut self, expr: &Expr, separator: Doc) -> Vec<Doc> {
        let (first, rest) = terms(expr);
        let mut docs = first.map_or_else(Vec::new, |first| self.term(first, separator, ""));
        docs.extend(self.further(rest));
        docs
    }

    fn further(&mut self, (operands, word): (Vec<&Expr>, &str)) -> Vec<Doc> {
        operands.into_iter().flat_map(|operand| self.term(operand, Doc::Line, word)).collect()
    }

    fn term(&mut self, expr: &Expr, separator: Doc, word: &str) -> Vec<Doc> {
        self.slot((start(expr), expr.span().end), separator, |p| vec![text(word), p.operand(expr)])
    }

    fn operand(&mut self, expr: &Expr) -> Doc {
        match bare(expr) {
            Expr::Not(inner, _) => {
                let (mut nots, mut inner) = ("not ".to_owned(), bare(inner));
                while let Expr::Not(next, _) = inner {
                    nots.push_str("not ");
                    inner = bare(next);
                }
                Doc::Concat(vec![text(nots), self.tight(inner, false)])
            }
            Expr::WhenAvailable(inner, _) => {
                let inner = bare(inner);
                let doc = if matches!(inner, Expr::Not(..)) { self.operand(inner) } else { self.tight(inner, true) };
                Doc::Concat(vec![doc, text(" when available")])
            }
            Expr::Tool(tool) => self.tool(tool),
            Expr::Test(path, operator, _) => {
                let operator = self.operator(operator);
                Doc::Concat(vec![text(short(path)), operator])
            }
            Expr::Bare(path) => text(short(path)),
            other => self.tight(other, true),
        }
    }

    /// In parentheses, unless it is one test. An operand that begins with the parenthesis takes the comments that its
    /// first operand would have in front of it: behind the parenthesis, they would be the operand's the next time.
    fn tight(&mut self, expr: &Expr, begins: bool) -> Doc {
        let chain = match bare(expr) {
            Expr::Tool(_) | Expr::Test(..) | Expr::Bare(_) => return self.operand(expr),
            other if begins => {
                let (first, rest) = terms(other);
                let mut docs = vec![first.map_or_else(|| text(""), |first| self.operand(first))];
                let (lead, moved) = self.cursor.strays(first.map_or(0, |first| first.span().end));
                self.cursor.move_behind(moved);
                docs.extend(self.further(rest));
                self.cursor.put_back(lead);
                docs
            }
            other => self.chain(other, Doc::Concat(vec![])),
        };
        group(vec![text("("), indent(chain), text(")")])
    }

    fn tool(&mut self, tool: &Tool) -> Doc {
        let subject = tool.subject.as_ref().map_or_else(String::new, |s| format!("{} ", short(s)));
        let mut docs = vec![text(format!("{subject}{} {}", tool.verb.word(), tool.utility.text))];
        for (word, pick) in [(" to ", &tool.to), (" with ", &tool.with)] {
            let Some(pick) = pick else { continue };
            docs.push(text(word));
            if pick.bracketed {
                docs.push(text(if pick.all { "all " } else { "any " }));
                docs.push(self.names(&pick.names, pick.span.end));
            } else {
                docs.push(text(words(&pick.names, ", ")));
            }
        }
        Doc::Concat(docs)
    }

    fn operator(&mut self, operator: &Operator) -> Doc {
        let exact = |cased: &bool| if *cased { " cased " } else { " " };
        let (word, operand) = match operator {
            Operator::Exists => return text(" exists"),
            Operator::Is { cased, value } => (format!(" is{}", exact(cased)), text(self.value(value))),
            Operator::In { cased, values } => (format!(" in{}", exact(cased)), self.values(values)),
            Operator::Cidr(values) => (" in cidr ".to_owned(), self.values(values)),
            Operator::Order(order, value) => (format!(" {} ", order.sign()), text(self.value(value))),
            Operator::Text { op, cased, operand } => {
                let word = format!(" {}{}", op.word(), exact(cased));
                match operand {
                    TextOperand::One(value) => (word, text(self.value(value))),
                    TextOperand::Many { all, values } => {
                        (format!("{word}{} ", if *all { "all" } else { "any" }), self.values(values))
                    }
                }
            }
        };
        Doc::Concat(vec![text(word), operand])
    }
}
