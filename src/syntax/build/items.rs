//! Top-level items, and the entries of utilities, rules and tunes.

use super::{Builder, P, R, held, only};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;
use crate::syntax::ast::*;
use pest::iterators::Pairs;

impl Builder<'_> {
    pub(in crate::syntax) fn item(&mut self, mut pairs: Pairs<R>) -> Option<ItemKind> {
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
                let title = self.prose(&inner.next()?);
                let reason = self.reason(inner.next()?)?;
                ItemKind::Exception(Exception { name, title, reason, expr: self.expr(inner.next()?)? })
            }
            R::utility => {
                let title = self.prose(&inner.next()?);
                let parts = inner.filter_map(|p| self.utility_part(p)).collect();
                ItemKind::Utility(Utility { name, title, parts })
            }
            R::rule_item => ItemKind::Rule(Rule { name, parts: inner.filter_map(|p| self.rule_part(p)).collect() }),
            _ => ItemKind::Tune(Tune { name, parts: inner.filter_map(|p| self.rule_part(p)).collect() }),
        })
    }

    pub(in crate::syntax) fn utility_alone(&mut self, mut pairs: Pairs<R>) -> Option<UtilityPart> {
        let part = held(pairs.next()?).next()?;
        self.utility_part(part)
    }

    pub(in crate::syntax) fn rule_alone(&mut self, mut pairs: Pairs<R>) -> Option<RulePart> {
        let part = held(pairs.next()?).next()?;
        self.rule_part(part)
    }

    pub(super) fn reason(&mut self, pair: P) -> Option<Reason> {
        let mut inner = held(pair);
        let because = self.prose(&inner.next()?);
        if because.value.trim().is_empty() {
            self.report(
                Diagnostic::new(Code::WrongValue, "expected a reason")
                    .at(because.span, "a reason must not be blank")
                    .help("name a change, a ticket, or the person who asked for it"),
            );
        }
        let until = inner.next().map(|d| self.date(&d));
        Some(Reason { because, until })
    }

    pub(super) fn utility_part(&mut self, pair: P) -> Option<UtilityPart> {
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

    pub(super) fn shapes(&mut self, pair: P) -> Option<Vec<Shape>> {
        let shapes = held(pair).filter(|p| p.as_rule() == R::shape);
        shapes.map(|s| self.shape(s)).collect()
    }

    pub(super) fn shape(&mut self, pair: P) -> Option<Shape> {
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
                        Diagnostic::new(Code::Syntax, "a shape takes text").at(other.span(), "expected text in quotes"),
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

    pub(super) fn rule_part(&mut self, pair: P) -> Option<RulePart> {
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

    pub(super) fn meta_value(&mut self, pair: P) -> Option<MetaValue> {
        let span = self.span(&pair);
        Some(match pair.as_rule() {
            R::string | R::raw_string => MetaValue::Text(self.prose(&pair)),
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
                        R::string | R::raw_string => MetaElement::Text(self.prose(&inner)),
                        R::relation => {
                            let mut inner = held(inner);
                            let word = self.ident(&inner.next()?);
                            let uuid = inner.next()?;
                            MetaElement::Relation(word, uuid.as_str().to_lowercase(), self.span(&uuid))
                        }
                        R::claim => {
                            let mut inner = held(inner);
                            let technique = self.path(&inner.next()?);
                            let tactics = inner.next()?;
                            let span = self.span(&tactics);
                            MetaElement::Claim(technique, held(tactics).map(|t| self.ident(&t)).collect(), span)
                        }
                        _ => MetaElement::Path(self.path(&inner)),
                    });
                }
                MetaValue::List(elements, span)
            }
            _ => MetaValue::Path(self.path(&pair)),
        })
    }

    pub(super) fn keys(&self, pair: P) -> Vec<Path> {
        held(pair).map(|p| self.path(&p)).collect()
    }

    pub(super) fn except(&mut self, pair: P) -> Option<Except> {
        let inline = pair.as_rule() == R::inline_except;
        let mut inner = held(pair);
        let first = inner.next()?;
        Some(if inline {
            let title = self.prose(&first);
            let reason = self.reason(inner.next()?)?;
            Except::Inline { title, reason, expr: Box::new(self.expr(inner.next()?)?) }
        } else {
            Except::Named { name: self.ident(&first), step: inner.next().map(|s| self.ident(&s)) }
        })
    }
}
