//! `$` at the end of a regular expression. Rust, RE2 and Kusto take it for the end of the text; PCRE and Python also for the
//! place before a line feed that ends it. No spelling means the end alone on all of them: Python had no `\z` before 3.14 and
//! pySigma reads every expression with it, and look-ahead is in PCRE and Python only. So the rule says what may differ.

use super::shape::shaped;
use crate::ir::Matcher;
use crate::target::{Bound, BoundOp, BoundTest, Note, SourceQuery, Target};
use crate::vocabulary::{Os, Type, fields};
use regex_syntax::ast::{self, Ast};

const TEXT: &str = "A regular expression ends with `$`. PCRE and Python, and so Splunk, also match a text that has a line feed after \
                    that end.";

/// What is said where a text that ends with a line feed is found by some engines and not by others.
pub(super) fn note<'q>(target: &Target, mut queries: impl Iterator<Item = &'q SourceQuery<'q>>) -> Option<Note> {
    let differs = |query: &SourceQuery, test: &BoundTest| match &test.op {
        BoundOp::Text(text) => match &text.matcher {
            Matcher::Regex(regex) => may_differ(&regex.pattern) && !is_windows_path(target, query, test),
            _ => false,
        },
        _ => false,
    };
    let asks = |query: &SourceQuery| {
        let exceptions = query.exceptions.iter().map(|(_, bound)| bound);
        let flags = query.flags.iter().map(|(_, bound)| bound).filter(|_| query.score.is_some());
        std::iter::once(&query.detect).chain(exceptions).chain(flags).any(|bound: &Bound| {
            let mut found = false;
            shaped(bound, target).each_test(&mut |test| found |= differs(query, test));
            found
        })
    };
    queries.any(asks).then(|| Note { text: TEXT.to_owned(), degraded: true })
}

/// Windows has no name of a file with a line feed.
fn is_windows_path(target: &Target, query: &SourceQuery, test: &BoundTest) -> bool {
    let mut paths = fields::all().filter(|field| field.def().ty == Type::Path);
    let mapping = |field| target.mapping_in(query.source, field, query.kind);
    query.os == [Os::Windows] && paths.any(|field| mapping(field).is_some_and(|m| m.column() == test.column.name))
}

/// Whether a line feed at the end of a text can make a difference to a pattern.
fn may_differ(pattern: &str) -> bool {
    ast::parse::Parser::new().parse(pattern).is_ok_and(|parsed| ends_early(&parsed, pattern))
}

fn ends_early(ast: &Ast, pattern: &str) -> bool {
    let is_end = |ast: &Ast| matches!(ast, Ast::Assertion(a) if a.kind == ast::AssertionKind::EndLine);
    match ast {
        Ast::Alternation(all) => {
            // `(?:\s|$)` finds the line feed itself.
            let found = |one: &Ast| {
                let text = pattern.get(one.span().start.offset..one.span().end.offset).unwrap_or("");
                regex::Regex::new(&format!(r"\A(?:{text})\z")).is_ok_and(|regex| regex.is_match("\n"))
            };
            let takes_it = all.asts.iter().any(is_end) && all.asts.iter().any(|one| !is_end(one) && found(one));
            all.asts.iter().any(|one| ends_early(one, pattern) && !(is_end(one) && takes_it))
        }
        Ast::Group(group) => ends_early(&group.ast, pattern),
        Ast::Repetition(repetition) => ends_early(&repetition.ast, pattern),
        Ast::Concat(all) => all.asts.iter().any(|one| ends_early(one, pattern)),
        end => is_end(end),
    }
}

#[cfg(test)]
mod tests {
    use super::may_differ;

    #[test]
    fn a_line_feed_makes_a_difference_where_nothing_else_finds_it() {
        for pattern in ["evil$", "^(?:a|b$)", "(?:x|y)$", r"a(?:b|$)", r"(?:[a-z]|$)", r"^a$|\s", "(?s:^a.*$)", r"\\$"]
        {
            assert!(may_differ(pattern), "{pattern}");
        }
        for pattern in ["evil", r"evil\$", r"[$]", r"a(?:\s|$)", r#"a(?:[\s"']|$)|b"#, r"a(?:[^\-]|$)", r"^\s*x"] {
            assert!(!may_differ(pattern), "{pattern}");
        }
    }
}
