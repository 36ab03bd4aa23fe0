//! Detections, steps and tests.

use super::{Builder, P, R, held, only};
use crate::syntax::ast::*;

impl Builder<'_> {
    pub(super) fn detect(&mut self, pair: P) -> Option<Detect> {
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

    pub(super) fn amount(&mut self, pair: &P) -> Amount {
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

    pub(super) fn step(&mut self, pair: P) -> Option<Step> {
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

    pub(super) fn query(&mut self, pair: P) -> Option<Query> {
        let mut inner = held(pair);
        let kinds = held(inner.next()?).filter(|p| p.as_rule() == R::name).map(|k| self.ident(&k)).collect();
        Some(Query { kinds, expr: self.expr(inner.next()?)? })
    }

    // ---- tests ----

    pub(super) fn test(&mut self, pair: P) -> Option<Test> {
        let mut inner = held(pair);
        let title = self.prose(&inner.next()?);
        let verdict = only(inner.next()?)?;
        let verdict = match verdict.as_rule() {
            R::v_silent => Verdict::Silent,
            R::v_excepted => Verdict::Excepted(self.prose(&only(verdict)?)),
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

    pub(super) fn event(&mut self, pair: P) -> Option<Event> {
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
}
