//! Letters of which platforms disagree what their other case is.
//!
//! Splunk lowers both sides, KQL compares ordinally, regular expressions fold: for `é` and `я` that is the same, for `İ`,
//! `ı`, `ſ`, `ß`, `ς` or `K` (the sign of Kelvin) it is not. A condition that ignores case cannot mean the same everywhere
//! with such a letter, so it is refused.

use super::Report;
use super::operand::{Operand, used};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;
use crate::syntax::ast::{Literal, TextOp};
use regex_syntax::ast::{Ast, ClassSetItem, Visitor, parse::Parser, visit};
use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

/// Refuses letters without one other case in texts that are compared without regard to case.
pub(super) fn check<'t>(
    report: &mut Report,
    op: Option<TextOp>,
    texts: impl IntoIterator<Item = (&'t str, Span)>,
    operand: Operand,
    cure: &str,
) {
    for (text, span) in texts.into_iter().filter(|(text, _)| !text.is_ascii()) {
        let found = match op {
            Some(TextOp::Matches) => in_regex(text),
            _ => text.chars().find(|c| is_uncertain(*c)),
        };
        if let Some(c) = found {
            let message = format!("platforms disagree about the other case of `{c}` (U+{:04X})", u32::from(c));
            let diagnostic =
                Diagnostic::new(Code::UncertainCase, message).at(span, "is compared without case").help(cure);
            report.push(used(diagnostic, operand));
        }
    }
}

/// The texts among some values, each with its place.
pub(super) fn texts(literals: &[Literal]) -> impl Iterator<Item = (&str, Span)> {
    literals.iter().filter_map(|v| if let Literal::Text(t) = v { Some((t.value.as_str(), t.span)) } else { None })
}

/// Whether a letter has no single other case, or is not the other case of its other case.
pub(super) fn is_uncertain(c: char) -> bool {
    if c.is_ascii() {
        return false;
    }
    let (Some(small), Some(large)) = (only(c.to_lowercase()), only(c.to_uppercase())) else { return true };
    let folded = folded(c);
    if small == large {
        return folded.len() > 1;
    }
    let is_pair = only(large.to_lowercase()) == Some(small) && only(small.to_uppercase()) == Some(large);
    // The small form of a capital sigma depends on where it stands.
    let depends = format!("a{large}").to_lowercase() != format!("a{small}");
    !is_pair || depends || (c != small && c != large) || ![small, large].iter().all(|c| folded.contains(c))
}

/// The character of a mapping to one.
fn only(mut mapped: impl Iterator<Item = char>) -> Option<char> {
    let first = mapped.next()?;
    mapped.next().is_none().then_some(first)
}

/// All characters that a regular expression which ignores case takes for this one.
fn folded(c: char) -> Vec<char> {
    let mut class = ClassUnicode::new([ClassUnicodeRange::new(c, c)]);
    // Its tables are part of this program.
    let _ = class.try_case_fold_simple();
    class.iter().flat_map(|range| range.start()..=range.end()).collect()
}

/// The first such letter that an expression names, by itself or within a range.
fn in_regex(pattern: &str) -> Option<char> {
    // What is no expression is reported elsewhere.
    let ast = Parser::new().parse(pattern).ok()?;
    visit(&ast, Find(None)).unwrap_or_default()
}

struct Find(Option<char>);

impl Find {
    fn look(&mut self, from: char, to: char) {
        let from = from.max('\u{80}');
        if self.0.is_none() && from <= to {
            self.0 = (from..=to).find(|c| is_uncertain(*c));
        }
    }
}

impl Visitor for Find {
    type Output = Option<char>;
    type Err = ();

    fn finish(self) -> Result<Option<char>, ()> {
        Ok(self.0)
    }

    fn visit_pre(&mut self, ast: &Ast) -> Result<(), ()> {
        if let Ast::Literal(literal) = ast {
            self.look(literal.c, literal.c);
        }
        Ok(())
    }

    fn visit_class_set_item_pre(&mut self, item: &ClassSetItem) -> Result<(), ()> {
        match item {
            ClassSetItem::Literal(literal) => self.look(literal.c, literal.c),
            ClassSetItem::Range(range) => self.look(range.start.c, range.end.c),
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::expect_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn letters_with_two_cases_are_certain_and_others_are_not() {
        for c in "éÉñÖßẞ".chars().filter(|c| !"ßẞ".contains(*c)).chain("яЯоОдДåÅαωΩﬅ日ל٣🙂–'\u{e9}".chars())
        {
            assert_eq!(is_uncertain(c), c == 'ﬅ', "{c}");
        }
        for c in "\u{130}\u{131}\u{17f}\u{212a}\u{212b}\u{2126}ßẞςσΣŉǰǅ\u{fb01}\u{fb06}\u{1e9b}µ\u{3f4}\u{345}ΐ\u{1c82}"
            .chars()
        {
            assert!(is_uncertain(c), "{c} {:x}", u32::from(c));
        }
        assert!((0..128).filter_map(char::from_u32).all(|c| !is_uncertain(c)));
    }

    #[test]
    fn whatever_is_certain_has_one_partner_in_both_tables() {
        for c in ('\u{80}'..=char::MAX).filter(|c| !is_uncertain(*c)) {
            let other: String = if c.is_uppercase() { c.to_lowercase().collect() } else { c.to_uppercase().collect() };
            let mut chars = other.chars();
            let other = chars.next().expect("one");
            assert!(chars.next().is_none() && folded(c).contains(&other), "{c}");
            let back = [other.to_lowercase().to_string(), other.to_uppercase().to_string()];
            assert!(back.contains(&c.to_string()), "{c} {other}");
        }
    }

    #[test]
    fn an_expression_is_searched_in_its_literals_and_ranges() {
        for (pattern, found) in [
            ("a(b|ſ)*", Some('ſ')),
            ("[a-z]ü", None),
            ("[À-ÿ]", Some('ß')),
            ("[à-þ]", None),
            ("[^x\u{130}]", Some('\u{130}')),
            (r"\d\w\s.", None),
            ("(", None),
        ] {
            assert_eq!(in_regex(pattern), found, "{pattern}");
        }
    }
}
