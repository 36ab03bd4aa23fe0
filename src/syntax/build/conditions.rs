//! Conditions; connectives that mix, bare lists and operators of other languages are refused here.

use super::{Builder, P, R, held, only};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;
use crate::syntax::MAX_DEPTH;
use crate::syntax::ast::*;

impl Builder<'_> {
    pub(super) fn expr(&mut self, pair: P) -> Option<Expr> {
        let span = self.span(&pair);
        let mut operands = vec![];
        let mut words: Vec<(bool, Span)> = vec![];
        for inner in held(pair) {
            match inner.as_rule() {
                R::connective => {
                    let word = only(inner)?;
                    words.push((word.as_rule() == R::k_and, self.span(&word)));
                }
                // All operands are built, so that the findings of each are made.
                _ => operands.push(self.operand(inner)),
            }
        }
        let mut operands = operands.into_iter().collect::<Option<Vec<Expr>>>()?;
        if operands.len() == 1 {
            return operands.pop();
        }
        let and = words.first()?.0;
        if let Some((_, other)) = words.iter().find(|(a, _)| *a != and) {
            self.report_mixed(&operands, &words, words.first()?.1, *other);
            return Some(Expr::And(operands, span));
        }
        Some(if and { Expr::And(operands, span) } else { Expr::Or(operands, span) })
    }

    /// The patch puts parentheses around each run of `and`.
    pub(super) fn report_mixed(&mut self, operands: &[Expr], words: &[(bool, Span)], first: Span, other: Span) {
        let diagnostic = Diagnostic::new(Code::MixedConnectives, "`and` and `or` are mixed without parentheses")
            .at(other, "this could apply to either side")
            .also(first, "mixed with this");
        let mut patched = String::new();
        for (i, operand) in operands.iter().enumerate() {
            let and_before = i.checked_sub(1).and_then(|i| words.get(i)).is_some_and(|w| w.0);
            let and_behind = words.get(i).is_some_and(|w| w.0);
            let (open, close) = (and_behind && !and_before, and_before && !and_behind);
            let here = operand.span();
            let next = operands.get(i + 1).map_or(here.end, |o| o.span().start);
            patched.push_str(if open { "(" } else { "" });
            patched.push_str(self.text.get(here.start..here.end).unwrap_or(""));
            patched.push_str(if close { ")" } else { "" });
            patched.push_str(self.text.get(here.end..next).unwrap_or(""));
        }
        let whole = operands.first().zip(operands.last()).map_or(first, |(a, b)| a.span().to(b.span()));
        self.report(diagnostic.patch("add parentheses, for example", whole, patched));
    }

    pub(super) fn operand(&mut self, pair: P) -> Option<Expr> {
        let depth = self.depth;
        let expr = self.nested_operand(pair);
        self.depth = depth;
        expr
    }

    /// One level deeper; `None` once it is too deep, which is reported once for each condition.
    pub(super) fn descend(&mut self, at: Span) -> Option<()> {
        self.depth += 1;
        if self.depth == MAX_DEPTH + 1 {
            self.report(
                Diagnostic::new(Code::TooDeep, format!("this condition nests deeper than {MAX_DEPTH}"))
                    .at(at, "one too many")
                    .help("name a part of the condition with `let`"),
            );
        }
        (self.depth <= MAX_DEPTH).then_some(())
    }

    pub(super) fn nested_operand(&mut self, pair: P) -> Option<Expr> {
        let span = self.span(&pair);
        let mut nots = vec![];
        let mut expr = None;
        let mut available = None;
        for inner in held(pair) {
            let at = self.span(&inner);
            match inner.as_rule() {
                R::k_not => {
                    self.descend(at)?;
                    nots.push(at);
                }
                R::k_available => available = Some(at),
                R::group_expr => {
                    self.descend(at)?;
                    expr = Some(Expr::Group(Box::new(self.expr(only(inner)?)?), at));
                }
                R::tool => expr = Some(Expr::Tool(self.tool(inner)?)),
                _ => expr = Some(self.test_expr(inner)?),
            }
        }
        let mut expr = expr?;
        for not in nots.into_iter().rev() {
            let span = not.to(expr.span());
            expr = Expr::Not(Box::new(expr), span);
        }
        Some(match available {
            Some(_) => Expr::WhenAvailable(Box::new(expr), span),
            None => expr,
        })
    }

    pub(super) fn tool(&mut self, pair: P) -> Option<Tool> {
        let span = self.span(&pair);
        let mut inner = held(pair).peekable();
        let subject = inner.next_if(|p| p.as_rule() == R::path).map(|p| self.path(&p));
        let word = inner.next()?;
        let verb = match word.as_str() {
            "runs" => ToolVerb::Runs,
            "renamed" => ToolVerb::Renamed,
            "relocated" => ToolVerb::Relocated,
            _ => ToolVerb::Resembles,
        };
        let verb_span = self.span(&word);
        let utility = self.ident(&inner.next()?);
        let (mut to, mut with) = (None, None);
        for pick in inner {
            let is_to = pick.as_rule() == R::to_pick;
            let pick = Some(self.pick(only(pick)?)?);
            if is_to { to = pick } else { with = pick }
        }
        Some(Tool { subject, verb, verb_span, utility, to, with, span })
    }

    pub(super) fn pick(&mut self, pair: P) -> Option<Pick> {
        let span = self.span(&pair);
        let mut inner = held(pair);
        let first = inner.next()?;
        Some(match first.as_rule() {
            R::quantifier => {
                let names = self.names(inner.next()?).names;
                Pick { all: first.as_str() == "all", bracketed: true, names, span }
            }
            _ => Pick { all: true, bracketed: false, names: vec![self.ident(&first)], span },
        })
    }

    pub(super) fn test_expr(&mut self, pair: P) -> Option<Expr> {
        let span = self.span(&pair);
        let mut inner = held(pair);
        let path = self.path(&inner.next()?);
        let Some(operator) = inner.next() else { return Some(Expr::Bare(path)) };
        let operator = self.operator(only(operator)?, &path)?;
        Some(Expr::Test(path, operator, span))
    }

    pub(super) fn operator(&mut self, pair: P, path: &Path) -> Option<Operator> {
        let span = self.span(&pair);
        let rule = pair.as_rule();
        let mut inner = held(pair).peekable();
        Some(match rule {
            R::op_exists => Operator::Exists,
            R::op_cidr => Operator::Cidr(self.values(inner.next()?)?),
            R::op_in => {
                let cased = inner.next_if(|p| p.as_rule() == R::k_cased).is_some();
                Operator::In { cased, values: self.values(inner.next()?)? }
            }
            R::op_is => {
                let cased = inner.next_if(|p| p.as_rule() == R::k_cased).is_some();
                Operator::Is { cased, value: self.value(inner.next()?)? }
            }
            R::op_order => {
                let order = match inner.next()?.as_str() {
                    ">=" => Order::AtLeast,
                    "<=" => Order::AtMost,
                    ">" => Order::More,
                    _ => Order::Less,
                };
                Operator::Order(order, self.value(inner.next()?)?)
            }
            R::op_foreign => {
                self.foreign(span, &inner.next()?, path);
                return None;
            }
            _ => {
                let op = match inner.next()?.as_str().get(..2) {
                    Some("co") => TextOp::Contains,
                    Some("st") => TextOp::StartsWith,
                    Some("en") => TextOp::EndsWith,
                    Some("li") => TextOp::Like,
                    Some("ma") => TextOp::Matches,
                    _ => TextOp::Under,
                };
                let cased = inner.next_if(|p| p.as_rule() == R::k_cased).is_some();
                Operator::Text { op, cased, operand: self.text_operand(inner.next()?, inner.next(), op)? }
            }
        })
    }

    pub(super) fn text_operand(&mut self, first: P, second: Option<P>, op: TextOp) -> Option<TextOperand> {
        let span = self.span(&first);
        Some(match first.as_rule() {
            R::quantifier => TextOperand::Many { all: first.as_str() == "all", values: self.values(second?)? },
            R::list => {
                self.report(
                    Diagnostic::new(Code::BareList, format!("`{}` needs `any` or `all` before a list", op.word()))
                        .at(span, "one of these, or each of them?")
                        .patch("one of them is enough", Span::new(self.file, span.start, span.start), "any "),
                );
                TextOperand::Many { all: false, values: Values::List(self.list(first)?) }
            }
            _ => TextOperand::One(self.value(first)?),
        })
    }

    /// Reports an operator of another language, with the condition in ours.
    pub(super) fn foreign(&mut self, span: Span, sign: &P, path: &Path) {
        let at = self.span(sign);
        let text = sign.as_str().split_whitespace().collect::<Vec<_>>().join(" ");
        let operand = self.text.get(at.end..span.end).unwrap_or("").trim();
        let list =
            operand.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')).map(|inner| format!("[{inner}]"));
        let is_list = list.is_some() || operand.starts_with('[');
        let positive = text.strip_prefix("not ").or(text.strip_prefix('!')).unwrap_or(&text);
        let (word, cased) = positive.strip_suffix("_cs").map_or((positive, false), |word| (word, true));
        let ours = match word {
            "startswith" | "hasprefix" if is_list => "starts with any",
            "startswith" | "hasprefix" => "starts with",
            "endswith" | "hassuffix" if is_list => "ends with any",
            "endswith" | "hassuffix" => "ends with",
            "has_all" => "contains all",
            "has_any" => "contains any",
            "has" | "contains" if is_list => "contains any",
            "has" | "contains" => "contains",
            _ if is_list => "in",
            _ if matches!(word, "in" | "in~" | "IN") => "in",
            _ => "is",
        };
        let negated = positive.len() < text.len() || text == "<>";
        let help = match (text.as_str(), negated) {
            (_, true) => "write `not` before the whole test".to_owned(),
            ("==" | "=~", _) => "equality is `is`, and ignores case".to_owned(),
            ("=", _) => "equality is `is`".to_owned(),
            ("in" | "in~" | "IN", _) => "a list has brackets around it".to_owned(),
            _ => format!("write `{ours}`"),
        };
        let cased = if cased { " cased" } else { "" };
        let (not, operand) = (if negated { "not " } else { "" }, list.as_deref().unwrap_or(operand));
        // `cased` follows the operator's own words.
        let ours = match ours.strip_suffix(" any") {
            Some(verb) if !cased.is_empty() => format!("{verb}{cased} any"),
            _ => format!("{ours}{cased}"),
        };
        let message = match text.as_str() {
            "in" => "`in` takes a list in brackets".to_owned(),
            _ => format!("`{text}` is not an operator"),
        };
        self.report(Diagnostic::new(Code::ForeignOperator, message).at(at, "not an operator of this language").patch(
            help,
            path.span.to(span),
            format!("{not}{} {ours} {operand}", path.dotted()),
        ));
    }
}
