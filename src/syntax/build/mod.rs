//! From what the grammar found to the syntax tree; refuses what the grammar let through on purpose.
//!
//! A function returns `None` only after it has reported why, or where the grammar promises that it cannot happen.

mod conditions;
mod items;
mod rules;

use super::ast::*;
use super::parse::Rule as R;
use super::split::{Token, tokens};
use crate::diagnostic::{Code, Diagnostic};
use crate::escape::{draws_nothing, is_unclean};
use crate::source::{FileId, Span};
use pest::iterators::Pair;

type P<'i> = Pair<'i, R>;

/// Builds the tree of one item whose text begins `offset` bytes into its file.
pub(in crate::syntax) struct Builder<'a> {
    file: FileId,
    pub(in crate::syntax) offset: usize,
    text: &'a str,
    pub(in crate::syntax) diagnostics: Vec<Diagnostic>,
    /// How deep the condition that is being built nests here.
    depth: usize,
}

/// What a pair holds, without keywords and punctuation.
fn held(pair: P<'_>) -> impl Iterator<Item = P<'_>> {
    pair.into_inner().filter(|p| !is_keyword(p.as_rule()))
}

fn is_keyword(rule: R) -> bool {
    matches!(
        rule,
        R::w_group
            | R::w_list
            | R::w_param
            | R::w_let
            | R::w_extend
            | R::w_exception
            | R::w_because
            | R::w_until
            | R::w_utility
            | R::w_original
            | R::w_verb
            | R::w_switch
            | R::w_min
            | R::w_rule
            | R::w_tune
            | R::w_disable
            | R::w_every
            | R::w_over
            | R::w_detect
            | R::w_flag
            | R::w_weight
            | R::w_threshold
            | R::w_except
            | R::w_on
            | R::w_test
            | R::w_fires
            | R::w_excepted
            | R::w_events
            | R::w_as
            | R::w_where
            | R::w_with
            | R::w_within
            | R::w_to
            | R::w_by
            | R::w_of
            | R::w_in
            | R::w_cidr
            | R::w_is
            | R::w_distinct
            | R::p_comma
            | R::p_equals
            | R::p_colon
            | R::p_least
            | R::p_list
            | R::p_list_end
            | R::p_block
            | R::p_block_end
            | R::p_group
            | R::p_group_end
    )
}

fn only(pair: P<'_>) -> Option<P<'_>> {
    held(pair).next()
}

impl<'a> Builder<'a> {
    pub(in crate::syntax) fn new(file: FileId, offset: usize, text: &'a str) -> Self {
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

    pub(in crate::syntax) fn text_of(&self, value: String, span: Span) -> Text {
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

    /// A text for readers, which documents hold as it is: no escape of it writes what nobody sees.
    pub(super) fn prose(&mut self, pair: &P) -> Text {
        let text = self.text(pair);
        if let Some(c) = text.value.chars().find(|c| is_unclean(*c)) {
            let number = format!("U+{:04X}", u32::from(c));
            self.report(
                Diagnostic::new(Code::UncleanCharacter, format!("an escape in a text for readers writes {number}"))
                    .at(text.span, "it would be invisible in documents")
                    .help("remove it: only conditions and test events may contain such characters"),
            );
        }
        text
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
                'u' if text.get(i + 1..).is_some_and(|rest| rest.starts_with('{')) => {
                    let number =
                        text.get(i + 2..).and_then(|rest| rest.split_once('}')).map_or("", |(number, _)| number);
                    out.extend(self.numbered(number, at + i - 1));
                    // The braces, and what stands in them.
                    chars.nth(number.chars().count() + 1);
                }
                other => {
                    let span = Span::new(self.file, at + i - 1, at + i + other.len_utf8());
                    self.report(
                        Diagnostic::new(Code::Escape, format!("`\\{other}` is not an escape"))
                            .at(span, "escapes are \\\" \\\\ \\n \\t \\u{202E}")
                            .help("write paths and patterns in single quotes, where a backslash is itself"),
                    );
                    out.push(other);
                }
            }
        }
        out
    }

    /// The character of `\u{202E}`, which begins at byte `at`.
    fn numbered(&mut self, number: &str, at: usize) -> Option<char> {
        let hexadecimal = !number.is_empty() && number.len() <= 6 && number.bytes().all(|b| b.is_ascii_hexdigit());
        let c = u32::from_str_radix(number, 16).ok().and_then(char::from_u32).filter(|_| hexadecimal);
        let good = c.filter(|c| !matches!(c, '\n' | '\t') && (!is_unclean(*c) || draws_nothing(*c)));
        if good.is_none() {
            let span = Span::new(self.file, at, at + number.len() + 4);
            let diagnostic =
                Diagnostic::new(Code::Escape, format!("`\\u{{{number}}}` is not a character that text can contain"));
            self.report(diagnostic.at(span, "expected the number of a character, such as \\u{202E}"));
        }
        good
    }

    fn number(&mut self, digits: &str, factor: u64, span: Span) -> u64 {
        let value =
            digits.parse::<u64>().ok().and_then(|n| n.checked_mul(factor)).filter(|n| i64::try_from(*n).is_ok());
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
            self.report(Diagnostic::new(Code::BadDate, format!("`{text}` is not a date")).at(span, why));
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
}
