//! From what the grammar found to the syntax tree; refuses what the grammar let through on purpose.
//!
//! A function returns `None` only after it has reported why, or where the grammar promises that it cannot happen.

use super::ast::*;
use super::parse::Rule as R;
use super::split::{tokens, Token, MAX_DEPTH};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::{FileId, Span};
use pest::iterators::{Pair, Pairs};

type P<'i> = Pair<'i, R>;

/// Builds the tree of one item whose text begins `offset` bytes into its file.
pub(super) struct Builder<'a> {
    file: FileId,
    pub(super) offset: usize,
    text: &'a str,
    pub(super) diagnostics: Vec<Diagnostic>,
    /// How deep the condition that is being built nests here.
    depth: usize,
}

/// What a pair holds, without keywords and punctuation.
fn held(pair: P<'_>) -> impl Iterator<Item = P<'_>> {
    pair.into_inner().filter(|p| !is_keyword(p.as_rule()))
}

fn is_keyword(rule: R) -> bool {
    matches!(rule, R::w_group | R::w_list | R::w_param | R::w_let | R::w_extend | R::w_exception | R::w_because | R::w_until | R::w_utility | R::w_original | R::w_verb | R::w_switch | R::w_min | R::w_rule | R::w_tune | R::w_disable | R::w_every | R::w_over | R::w_detect | R::w_flag | R::w_weight | R::w_threshold | R::w_except | R::w_on | R::w_test | R::w_fires | R::w_excepted | R::w_events | R::w_as | R::w_where | R::w_with | R::w_within | R::w_to | R::w_by | R::w_of | R::w_in | R::w_cidr | R::w_is | R::w_distinct | R::p_comma | R::p_equals | R::p_colon | R::p_least | R::p_list | R::p_list_end | R::p_block | R::p_block_end | R::p_group | R::p_group_end)
}

fn only(pair: P<'_>) -> Option<P<'_>> {
    held(pair).next()
}

impl<'a> Builder<'a> {
    pub(super) fn new(file: FileId, offset: usize, text: &'a str) -> Self {
        Self { file, offset, text, diagnostics: vec![], depth: 0 }
    }

    fn span(&self, pair: &P) -> Span {
        let s = pair.as_span();
        // A pair may end in white space or comments that belong to nobody.
        let mut length = s.as_str().trim_end().len();
        let last_line = s.as_str().get(..length).and_then(|t| t.rsplit('\n').next()).unwrap_or("");
        if last_line.contains("//") {
            let code = tokens(s.as_str()).filter(|(t, ..)| *t != Token::Comment);
            length = code.last().map_or(length, |(_, _, end)| end);
        }
        Span::new(self.file, self.offset + s.start(), self.offset + s.start() + length)
    }

    fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    pub(super) fn text_of(&self, value: String, span: Span) -> Text {
        Text { value, raw: false, span }
    }

    fn ident(&self, pair: &P) -> Ident {
        Ident { text: pair.as_str().trim_end().to_owned(), span: self.span(pair) }
    }

    fn path(&self, pair: &P) -> Path {
        let span = self.span(pair);
        let mut at = span.start;
        let mut parts = vec![];
        for part in pair.as_str().trim_end().split('.') {
            parts.push(Ident { text: part.to_owned(), span: Span::new(self.file, at, at + part.len()) });
            at += part.len() + 1;
        }
        Path { parts, span }
    }

    fn text(&mut self, pair: &P) -> Text {
        let span = self.span(pair);
        let raw = pair.as_rule() == R::raw_string;
        let inner = pair.clone().into_inner().as_str();
        let value = if raw { inner.replace("''", "'") } else { self.unescape(inner, span.start + 1) };
        Text { value, raw, span }
    }

    fn unescape(&mut self, text: &str, at: usize) -> String {
        let mut out = String::with_capacity(text.len());
        let mut chars = text.char_indices();
        while let Some((_, c)) = chars.next() {
            if c != '\\' {
                out.push(c);
                continue;
            }
            let Some((i, c)) = chars.next() else { break };
            match c {
                '"' | '\\' => out.push(c),
                'n' => out.push('\n'),
                't' => out.push('\t'),
                other => {
                    let span = Span::new(self.file, at + i - 1, at + i + other.len_utf8());
                    self.report(
                        Diagnostic::new(Code::Escape, format!("`\\{other}` is not an escape"))
                            .at(span, "escapes are \\\" \\\\ \\n \\t")
                            .help("write paths and patterns in single quotes, where a backslash is itself"),
                    );
                    out.push(other);
                }
            }
        }
        out
    }

    fn number(&mut self, digits: &str, factor: u64, span: Span) -> u64 {
        let value = digits.parse::<u64>().ok().and_then(|n| n.checked_mul(factor)).filter(|n| i64::try_from(*n).is_ok());
        value.unwrap_or_else(|| {
            self.report(
                Diagnostic::new(Code::NumberTooLarge, "this number is too large")
                    .at(span, format!("the largest is {}", i64::MAX)),
            );
            0
        })
    }

    fn duration(&mut self, pair: &P) -> (u64, Span) {
        let span = self.span(pair);
        let text = pair.as_str();
        let (digits, unit) = text.split_at(text.len() - 1);
        let factor = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3600,
            _ => 86_400,
        };
        (self.number(digits, factor, span), span)
    }

    fn date(&mut self, pair: &P) -> (String, Span) {
        let span = self.span(pair);
        let text = pair.as_str().to_owned();
        let part = |from: usize, to: usize| text.get(from..to).and_then(|t| t.parse::<u32>().ok()).unwrap_or(0);
        let (year, month, day) = (part(0, 4), part(5, 7), part(8, 10));
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let days = match month {
            4 | 6 | 9 | 11 => 30,
            2 if leap => 29,
            2 => 28,
            1..=12 => 31,
            _ => 0,
        };
        let why = match (year, days, day) {
            (0, ..) => Some("there is no year 0".to_owned()),
            (_, 0, _) => Some(format!("there is no month {month}: a date is year-month-day")),
            (_, _, 0) => Some("there is no day 0".to_owned()),
            _ => (day > days).then(|| format!("this month has {days} days")),
        };
        if let Some(why) = why {
            self.report(Diagnostic::new(Code::BadDate, format!("`{text}` is no day")).at(span, why));
        }
        (text, span)
    }

    fn literal(&mut self, pair: P) -> Option<Literal> {
        let inner = only(pair)?;
        let span = self.span(&inner);
        let text = inner.as_str();
        Some(match inner.as_rule() {
            R::string | R::raw_string => Literal::Text(self.text(&inner)),
            R::date => {
                let (date, span) = self.date(&inner);
                Literal::Date(date, span)
            }
            R::duration => {
                let (seconds, span) = self.duration(&inner);
                Literal::Duration(seconds, span)
            }
            R::size => {
                let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
                let factor = match text.get(digits.len()..) {
                    Some("KB") => 1 << 10,
                    Some("MB") => 1 << 20,
                    Some("GB") => 1 << 30,
                    _ => 1,
                };
                Literal::Size(self.number(digits, factor, span), span)
            }
            R::boolean => Literal::Bool(text == "true", span),
            _ => Literal::Int(self.number(text, 1, span), span),
        })
    }

    fn value(&mut self, pair: P) -> Option<Value> {
        let inner = only(pair)?;
        Some(match inner.as_rule() {
            R::literal => Value::Literal(self.literal(inner)?),
            _ => Value::Path(self.path(&inner)),
        })
    }

    fn list(&mut self, pair: P) -> Option<List> {
        let span = self.span(&pair);
        let values = held(pair).filter_map(|v| self.value(v)).collect();
        Some(List { values, span })
    }

    fn names(&self, pair: P) -> Names {
        let span = self.span(&pair);
        Names { names: held(pair).map(|n| self.ident(&n)).collect(), span }
    }

    fn encoded(&mut self, pair: P) -> Option<Values> {
        let span = self.span(&pair);
        let mut inner = held(pair);
        let wide = inner.next()?.as_str().starts_with("base64wide");
        let operand = inner.next()?;
        let list = match operand.as_rule() {
            R::list => self.list(operand)?,
            _ => {
                let text = self.text(&operand);
                List { span: text.span, values: vec![Value::Literal(Literal::Text(text))] }
            }
        };
        Some(Values::Encoded { wide, list, span })
    }

    fn values(&mut self, pair: P) -> Option<Values> {
        let inner = only(pair)?;
        match inner.as_rule() {
            R::list => Some(Values::List(self.list(inner)?)),
            R::encoded => self.encoded(inner),
            _ => Some(Values::Path(self.path(&inner))),
        }
    }

    // ---- items ----

    pub(super) fn item(&mut self, mut pairs: Pairs<R>) -> Option<ItemKind> {
        let item = held(pairs.next()?).next()?;
        let rule = item.as_rule();
        let mut inner = held(item);
        let name = self.ident(&inner.next()?);
        Some(match rule {
            R::group => ItemKind::Group { name, members: self.names(inner.next()?) },
            R::list_item => ItemKind::List { name, list: self.list(inner.next()?)? },
            R::param => ItemKind::Param { name, value: self.literal(inner.next()?)? },
            R::let_item => ItemKind::Let { name, expr: self.expr(inner.next()?)? },
            R::extend => ItemKind::Extend { name, list: self.list(inner.next()?)? },
            R::exception => {
                let title = self.text(&inner.next()?);
                let reason = self.reason(inner.next()?)?;
                ItemKind::Exception(Exception { name, title, reason, expr: self.expr(inner.next()?)? })
            }
            R::utility => {
                let title = self.text(&inner.next()?);
                let parts = inner.filter_map(|p| self.utility_part(p)).collect();
                ItemKind::Utility(Utility { name, title, parts })
            }
            R::rule_item => ItemKind::Rule(Rule { name, parts: inner.filter_map(|p| self.rule_part(p)).collect() }),
            _ => ItemKind::Tune(Tune { name, parts: inner.filter_map(|p| self.rule_part(p)).collect() }),
        })
    }

    pub(super) fn utility_alone(&mut self, mut pairs: Pairs<R>) -> Option<UtilityPart> {
        let part = held(pairs.next()?).next()?;
        self.utility_part(part)
    }

    pub(super) fn rule_alone(&mut self, mut pairs: Pairs<R>) -> Option<RulePart> {
        let part = held(pairs.next()?).next()?;
        self.rule_part(part)
    }

    fn reason(&mut self, pair: P) -> Option<Reason> {
        let mut inner = held(pair);
        let because = self.text(&inner.next()?);
        let until = inner.next().map(|d| self.date(&d));
        Some(Reason { because, until })
    }

    fn utility_part(&mut self, pair: P) -> Option<UtilityPart> {
        let part = only(pair)?;
        let span = self.span(&part);
        Some(match part.as_rule() {
            R::u_cased => UtilityPart::Cased(span),
            R::u_original => {
                let key = Span::new(self.file, span.start, span.start + "original".len());
                let mut inner = held(part);
                let values = self.values(inner.next()?)?;
                UtilityPart::Original { key, values, when_available: inner.next().is_some() }
            }
            R::verb => {
                let mut inner = held(part);
                let name = self.ident(&inner.next()?);
                let what = inner.next()?;
                let shapes = match what.as_rule() {
                    R::u_default => None,
                    _ => Some(self.shapes(what)?),
                };
                UtilityPart::Verb { name, shapes }
            }
            R::switch => {
                let mut inner = held(part);
                let name = self.ident(&inner.next()?);
                UtilityPart::Switch { name, shapes: self.shapes(inner.next()?)? }
            }
            _ => {
                let mut inner = held(part);
                let key = self.ident(&inner.next()?);
                let what = inner.next()?;
                let value = match what.as_rule() {
                    R::names_like => {
                        let list = only(what)?;
                        match list.as_rule() {
                            R::list => UtilityValue::List(self.list(list)?),
                            _ => {
                                self.report(
                                    Diagnostic::new(Code::Syntax, "a utility takes plain lists")
                                        .at(self.span(&list), "expected a list in brackets"),
                                );
                                return None;
                            }
                        }
                    }
                    R::string | R::raw_string => UtilityValue::Text(self.text(&what)),
                    _ => UtilityValue::Word(self.ident(&what)),
                };
                UtilityPart::Key { key, value }
            }
        })
    }

    fn shapes(&mut self, pair: P) -> Option<Vec<Shape>> {
        let shapes = held(pair).filter(|p| p.as_rule() == R::shape);
        shapes.map(|s| self.shape(s)).collect()
    }

    fn shape(&mut self, pair: P) -> Option<Shape> {
        let span = self.span(&pair);
        let mut inner = held(pair);
        let kind = self.ident(&inner.next()?);
        let operand = inner.next()?;
        let bracketed = operand.as_rule() == R::list;
        let names = if bracketed {
            let list = self.list(operand)?;
            let mut names = vec![];
            for value in list.values {
                match value {
                    Value::Literal(Literal::Text(t)) => names.push(t),
                    other => self.report(
                        Diagnostic::new(Code::Syntax, "a shape takes text")
                            .at(other.span(), "expected text in quotes"),
                    ),
                }
            }
            names
        } else {
            vec![self.text(&operand)]
        };
        let mut options = vec![];
        for option in inner {
            let option = only(option)?;
            options.push(match option.as_rule() {
                R::opt_flag => ShapeOption::Flag(self.ident(&option)),
                R::opt_min => {
                    let span = self.span(&option);
                    let digits = only(option)?;
                    ShapeOption::Min(self.number(digits.as_str(), 1, span), span)
                }
                _ => {
                    let mut inner = held(option);
                    let word = self.ident(&inner.next()?);
                    ShapeOption::Text(word, self.text(&inner.next()?))
                }
            });
        }
        Some(Shape { kind, names, bracketed, options, span })
    }

    fn rule_part(&mut self, pair: P) -> Option<RulePart> {
        let part = only(pair)?;
        let span = self.span(&part);
        let kind = match part.as_rule() {
            R::detect => RulePartKind::Detect(self.detect(only(part)?)?),
            R::flag => {
                let mut inner = held(part).peekable();
                let name = self.ident(&inner.next()?);
                let weight = match inner.next_if(|p| p.as_rule() == R::weight) {
                    Some(w) => {
                        let digits = only(w)?;
                        let span = self.span(&digits);
                        Some((self.number(digits.as_str(), 1, span), span))
                    }
                    None => None,
                };
                RulePartKind::Flag(Flag { name, weight, expr: self.expr(inner.next()?)? })
            }
            R::threshold => {
                let digits = only(part)?;
                let at = self.span(&digits);
                RulePartKind::Threshold(self.number(digits.as_str(), 1, at), at)
            }
            R::except => {
                let inner = only(part)?;
                RulePartKind::Except(self.except(inner)?)
            }
            R::test => RulePartKind::Test(self.test(part)?),
            R::disable => RulePartKind::Disable(self.reason(only(part)?)?),
            _ => {
                let mut inner = held(part);
                let key = self.ident(&inner.next()?);
                let value = only(inner.next()?)?;
                RulePartKind::Meta { key, value: self.meta_value(value)? }
            }
        };
        Some(RulePart { kind, span })
    }

    fn meta_value(&mut self, pair: P) -> Option<MetaValue> {
        let span = self.span(&pair);
        Some(match pair.as_rule() {
            R::string | R::raw_string => MetaValue::Text(self.text(&pair)),
            R::uuid => MetaValue::Uuid(pair.as_str().to_lowercase(), span),
            R::date => {
                let (date, span) = self.date(&pair);
                MetaValue::Date(date, span)
            }
            R::schedule => {
                let mut inner = held(pair);
                let every = self.duration(&inner.next()?);
                let over = self.duration(&inner.next()?);
                MetaValue::Schedule { every, over }
            }
            R::throttle => {
                let mut inner = held(pair);
                let period = self.duration(&inner.next()?);
                let keys = self.keys(inner.next()?);
                MetaValue::Throttle { period, keys }
            }
            R::meta_list => {
                let mut elements = vec![];
                for element in held(pair) {
                    let inner = only(element)?;
                    elements.push(match inner.as_rule() {
                        R::string | R::raw_string => MetaElement::Text(self.text(&inner)),
                        R::relation => {
                            let mut inner = held(inner);
                            let word = self.ident(&inner.next()?);
                            let uuid = inner.next()?;
                            MetaElement::Relation(word, uuid.as_str().to_lowercase(), self.span(&uuid))
                        }
                        _ => MetaElement::Path(self.path(&inner)),
                    });
                }
                MetaValue::List(elements, span)
            }
            _ => MetaValue::Path(self.path(&pair)),
        })
    }

    fn keys(&self, pair: P) -> Vec<Path> {
        held(pair).map(|p| self.path(&p)).collect()
    }

    fn except(&mut self, pair: P) -> Option<Except> {
        let inline = pair.as_rule() == R::inline_except;
        let mut inner = held(pair);
        let first = inner.next()?;
        Some(if inline {
            let title = self.text(&first);
            let reason = self.reason(inner.next()?)?;
            Except::Inline { title, reason, expr: Box::new(self.expr(inner.next()?)?) }
        } else {
            Except::Named { name: self.ident(&first), step: inner.next().map(|s| self.ident(&s)) }
        })
    }

    // ---- detection ----

    fn detect(&mut self, pair: P) -> Option<Detect> {
        Some(match pair.as_rule() {
            R::query => Detect::Query(self.query(pair)?),
            R::counted => {
                let mut inner = held(pair);
                let what = inner.next()?;
                let distinct = match what.as_rule() {
                    R::distinct => only(what).map(|p| self.path(&p)),
                    _ => None,
                };
                Detect::Count(Count {
                    distinct,
                    at_least: self.amount(&inner.next()?),
                    keys: self.keys(inner.next()?),
                    within: self.amount(&inner.next()?),
                    query: self.query(inner.next()?)?,
                })
            }
            _ => {
                let mut inner = held(pair);
                let ordered = inner.next()?.as_str() == "sequence";
                let keys = self.keys(inner.next()?);
                let within = self.amount(&inner.next()?);
                let steps = inner.filter_map(|s| self.step(s)).collect();
                Detect::Steps(Steps { ordered, keys, within, steps })
            }
        })
    }

    fn amount(&mut self, pair: &P) -> Amount {
        match pair.as_rule() {
            R::duration => {
                let (n, span) = self.duration(pair);
                Amount::Literal(n, span)
            }
            R::integer => {
                let span = self.span(pair);
                Amount::Literal(self.number(pair.as_str(), 1, span), span)
            }
            _ => Amount::Param(self.ident(pair)),
        }
    }

    fn step(&mut self, pair: P) -> Option<Step> {
        let span = self.span(&pair);
        let mut inner = held(pair).peekable();
        let role = match inner.peek()?.as_rule() {
            R::k_optional => StepRole::Optional,
            R::k_without => StepRole::Without,
            _ => StepRole::Required,
        };
        if role != StepRole::Required {
            inner.next();
        }
        Some(Step { role, name: self.ident(&inner.next()?), query: self.query(inner.next()?)?, span })
    }

    fn query(&mut self, pair: P) -> Option<Query> {
        let mut inner = held(pair);
        let kinds = held(inner.next()?).filter(|p| p.as_rule() == R::name).map(|k| self.ident(&k)).collect();
        Some(Query { kinds, expr: self.expr(inner.next()?)? })
    }

    // ---- tests ----

    fn test(&mut self, pair: P) -> Option<Test> {
        let mut inner = held(pair);
        let title = self.text(&inner.next()?);
        let verdict = only(inner.next()?)?;
        let verdict = match verdict.as_rule() {
            R::v_silent => Verdict::Silent,
            R::v_excepted => Verdict::Excepted(self.text(&only(verdict)?)),
            _ => Verdict::Fires(only(verdict).map(|n| self.names(n))),
        };
        let input = inner.next()?;
        let input = match input.as_rule() {
            R::recorded => {
                let mut inner = held(input);
                let path = self.text(&inner.next()?);
                TestInput::Recorded { path, reader: self.ident(&inner.next()?) }
            }
            _ => TestInput::Events(held(input).filter_map(|e| self.event(e)).collect()),
        };
        Some(Test { title, verdict, input })
    }

    fn event(&mut self, pair: P) -> Option<Event> {
        let span = self.span(&pair);
        let mut inner = held(pair).peekable();
        let offset = inner.next_if(|p| p.as_rule() == R::duration).map(|d| self.duration(&d));
        let kind = self.ident(&inner.next()?);
        let mut fields = vec![];
        for field in inner {
            let mut field = held(field);
            let path = self.path(&field.next()?);
            let value = field.next()?;
            let value = match value.as_rule() {
                R::literal => EventValue::Literal(self.literal(value)?),
                _ => EventValue::Word(self.ident(&value)),
            };
            fields.push((path, value));
        }
        Some(Event { offset, kind, fields, span })
    }

    // ---- conditions ----

    fn expr(&mut self, pair: P) -> Option<Expr> {
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
    fn report_mixed(&mut self, operands: &[Expr], words: &[(bool, Span)], first: Span, other: Span) {
        let diagnostic = Diagnostic::new(Code::MixedConnectives, "`and` and `or` stand in one level")
            .at(other, "this binds no tighter and no looser")
            .also(first, "than this");
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
        self.report(diagnostic.patch("say which belong together, for example", whole, patched));
    }

    fn operand(&mut self, pair: P) -> Option<Expr> {
        let depth = self.depth;
        let expr = self.nested_operand(pair);
        self.depth = depth;
        expr
    }

    /// One level deeper; `None` once it is too deep, which is reported once for each condition.
    fn descend(&mut self, at: Span) -> Option<()> {
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

    fn nested_operand(&mut self, pair: P) -> Option<Expr> {
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

    fn tool(&mut self, pair: P) -> Option<Tool> {
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

    fn pick(&mut self, pair: P) -> Option<Pick> {
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

    fn test_expr(&mut self, pair: P) -> Option<Expr> {
        let span = self.span(&pair);
        let mut inner = held(pair);
        let path = self.path(&inner.next()?);
        let Some(operator) = inner.next() else { return Some(Expr::Bare(path)) };
        let operator = self.operator(only(operator)?, &path)?;
        Some(Expr::Test(path, operator, span))
    }

    fn operator(&mut self, pair: P, path: &Path) -> Option<Operator> {
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

    fn text_operand(&mut self, first: P, second: Option<P>, op: TextOp) -> Option<TextOperand> {
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

    fn foreign(&mut self, span: Span, sign: &P, path: &Path) {
        let at = self.span(sign);
        let text = sign.as_str().split_whitespace().collect::<Vec<_>>().join(" ");
        let operand = self.text.get(at.end..span.end).unwrap_or("").trim();
        let whole = path.span.to(span);
        let field = path.dotted();
        let (help, replacement) = match text.as_str() {
            "!=" => ("`not` stands in front of the whole test", format!("not {field} is {operand}")),
            "not in" => ("`not` stands in front of the whole test", format!("not {field} in {operand}")),
            "==" | "=~" => ("equality is `is`, and ignores case", format!("{field} is {operand}")),
            _ => ("equality is `is`", format!("{field} is {operand}")),
        };
        self.report(
            Diagnostic::new(Code::ForeignOperator, format!("`{text}` is not an operator"))
                .at(at, "of another language")
                .patch(help, whole, replacement),
        );
    }
}
