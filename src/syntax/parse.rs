//! Stage 1, second half: each item goes through the grammar alone.
//!
//! An item that does not parse is tried again entry by entry, so that every wrong entry is reported and the good
//! ones reach the tree. Such an item, and one whose brackets or quotes are wrong, is remembered as broken: later
//! stages know its name and blame nobody for what is missing in it.

use super::ast::{File, Ident, Item, ItemKind, Rule as RuleItem, RulePart, Tune, Utility, UtilityPart};
use super::build::Builder;
use super::split::{self, tokens, Chunk, Comment, Token, ITEM_WORDS};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::{FileId, Span};
use pest::error::{ErrorVariant, InputLocation};
use pest::Parser as _;

#[allow(missing_docs, reason = "pest_derive makes a public enum without documentation")]
mod grammar {
    /// The grammar, compiled.
    #[derive(pest_derive::Parser)]
    #[grammar = "../grammar/arcanary.pest"]
    pub struct Grammar;
}
pub(super) use grammar::{Grammar, Rule};

/// What parsing a file gives.
#[derive(Debug, Default)]
pub struct Parsed {
    /// The tree of all that parsed.
    pub file: File,
    /// Items that did not parse in full: their keyword and name. The tree holds what was readable of them.
    pub broken: Vec<(String, Ident)>,
    /// Comments in source order.
    pub comments: Vec<Comment>,
    /// Findings.
    pub diagnostics: Vec<Diagnostic>,
}

/// Parses the text of one file.
#[must_use]
pub fn parse(file: FileId, text: &str) -> Parsed {
    let split = split::split(file, text);
    let mut out = Parsed { comments: split.comments, diagnostics: split.diagnostics, ..Parsed::default() };
    for chunk in &split.chunks {
        parse_chunk(file, text, chunk, &mut out);
    }
    out
}

fn parse_chunk(file: FileId, text: &str, chunk: &Chunk, out: &mut Parsed) {
    let Some(item) = text.get(chunk.start..chunk.end) else { return };
    let header = header(file, item, chunk.start);
    if chunk.broken {
        out.broken.extend(header);
        return;
    }
    let mut builder = Builder::new(file, chunk.start, text);
    let span = Span::new(file, chunk.start, chunk.end);
    let wrap = |kind| Item { docs: chunk.docs.clone(), kind, span, start: chunk.doc_start };
    match Grammar::parse(Rule::item, item) {
        Ok(pairs) => {
            match builder.item(pairs) {
                Some(kind) => out.file.items.push(wrap(kind)),
                None => out.broken.extend(header),
            }
            out.diagnostics.append(&mut builder.diagnostics);
        }
        Err(error) => {
            let salvaged = salvage(file, text, chunk, &mut builder);
            if builder.diagnostics.is_empty() {
                builder.diagnostics.push(syntax_error(file, text, chunk.start, chunk.end, &error));
            }
            out.diagnostics.append(&mut builder.diagnostics);
            out.file.items.extend(salvaged.map(wrap));
            out.broken.extend(header);
        }
    }
}

/// The keyword and name that an item begins with.
fn header(file: FileId, item: &str, offset: usize) -> Option<(String, Ident)> {
    let mut words = tokens(item).filter(|(t, ..)| !matches!(t, Token::Comment | Token::Doc));
    let (_, start, end) = words.next()?;
    let keyword = item.get(start..end).filter(|w| ITEM_WORDS.contains(w))?;
    let (token, start, end) = words.next()?;
    let name = item.get(start..end).filter(|_| token == Token::Word)?;
    let span = Span::new(file, offset + start, offset + end);
    Some((keyword.to_owned(), Ident { text: name.to_owned(), span }))
}

const RULE_WORDS: [&str; 27] = [
    "title", "id", "level", "status", "os", "attack", "author", "license", "date", "modified", "references",
    "false_positives", "tags", "triage", "show", "entities", "schedule", "throttle", "related", "detect", "flag",
    "threshold", "except", "test", "disable", "description", "severity",
];
const UTILITY_WORDS: [&str; 9] = ["os", "image", "original", "home", "prefixes", "cased", "values", "verb", "switch"];

/// Parses the entries of an item with braces one by one; the good ones make a tree.
fn salvage(file: FileId, text: &str, chunk: &Chunk, builder: &mut Builder) -> Option<ItemKind> {
    let item = text.get(chunk.start..chunk.end)?;
    let (keyword, name) = header(file, item, chunk.start)?;
    let (alone, words): (Rule, &[&str]) = match keyword.as_str() {
        "utility" => (Rule::utility_alone, &UTILITY_WORDS),
        "rule" => (Rule::rule_alone, &RULE_WORDS),
        "tune" => (Rule::tune_alone, &RULE_WORDS),
        _ => return None,
    };
    let entries = entries(item, words)?;
    let mut parts: Vec<RulePart> = vec![];
    let mut utility_parts: Vec<UtilityPart> = vec![];
    for (start, end) in entries {
        let entry = item.get(start..end)?;
        builder.offset = chunk.start + start;
        match Grammar::parse(alone, entry) {
            Ok(pairs) if keyword == "utility" => utility_parts.extend(builder.utility_alone(pairs)),
            Ok(pairs) => parts.extend(builder.rule_alone(pairs)),
            Err(error) => {
                let at = chunk.start + start;
                builder.diagnostics.push(syntax_error(file, text, at, chunk.start + end, &error));
            }
        }
    }
    Some(match keyword.as_str() {
        "utility" => {
            let title = builder.text_of(name.text.clone(), name.span);
            ItemKind::Utility(Utility { name, title, parts: utility_parts })
        }
        "rule" => ItemKind::Rule(RuleItem { name, parts }),
        _ => ItemKind::Tune(Tune { name, parts }),
    })
}

/// The byte ranges of the entries between an item's braces, each from its keyword to the last token before the next.
fn entries(item: &str, words: &[&str]) -> Option<Vec<(usize, usize)>> {
    let all: Vec<_> = tokens(item).filter(|(t, ..)| !matches!(t, Token::Comment | Token::Doc)).collect();
    let mut depth = 0_usize;
    let mut starts: Vec<usize> = vec![];
    let mut ends: Vec<usize> = vec![];
    let mut last_end = 0;
    for (i, &(token, start, end)) in all.iter().enumerate() {
        match token {
            Token::Open(_) => depth += 1,
            Token::Close(_) => depth = depth.saturating_sub(1),
            Token::Word if depth == 1 => {
                let word = item.get(start..end)?;
                let glued = start > 0 && item.get(start - 1..start) == Some(".");
                let next = all.get(i + 1).and_then(|(_, s, e)| item.get(*s..*e)).unwrap_or("");
                let operator = matches!(next, "=" | "," | ":" | "." | "is" | "in" | "contains" | "exists");
                let first = starts.is_empty();
                if first || (words.contains(&word) && !glued && !operator) {
                    if !first {
                        ends.push(last_end);
                    }
                    starts.push(start);
                }
            }
            _ => {}
        }
        if depth == 0 && matches!(token, Token::Close(b'}')) {
            break;
        }
        last_end = end;
    }
    ends.push(last_end);
    Some(starts.into_iter().zip(ends).collect())
}

/// What the grammar expected, in the language's words.
fn syntax_error(
    file: FileId, text: &str, offset: usize, end: usize, error: &pest::error::Error<Rule>,
) -> Diagnostic {
    let at = offset
        + match error.location {
            InputLocation::Pos(p) => p,
            InputLocation::Span((p, _)) => p,
        };
    let mut expected: Vec<&str> = match &error.variant {
        ErrorVariant::ParsingError { positives, .. } => positives.iter().map(|r| describe(*r)).collect(),
        ErrorVariant::CustomError { .. } => vec![],
    };
    expected.sort_unstable();
    expected.dedup();
    expected.retain(|e| !e.is_empty());
    let label = match expected.as_slice() {
        [] => "not expected here".to_owned(),
        [one] => format!("expected {one}"),
        [most @ .., last] => format!("expected {} or {last}", most.join(", ")),
    };
    let token = text.get(at..end).and_then(|rest| tokens(rest).next());
    let Some((_, s, e)) = token else {
        let span = Span::new(file, end.saturating_sub(1).max(offset), end);
        return Diagnostic::new(Code::Syntax, "this entry ends too early").at(span, label);
    };
    let span = Span::new(file, at + s, at + e);
    let word = text.get(span.start..span.end).unwrap_or("");
    let shown: String = word.chars().take(40).collect();
    let diagnostic = Diagnostic::new(Code::Syntax, format!("unexpected `{shown}`")).at(span, label);
    cure(diagnostic, text, span, word)
}

/// Cures for what people bring from other languages.
fn cure(diagnostic: Diagnostic, text: &str, span: Span, word: &str) -> Diagnostic {
    let two = text.get(span.start..span.start + 2).unwrap_or("");
    match word {
        ";" => diagnostic.patch("entries need no semicolon", span, ""),
        "#" => diagnostic.patch("a comment begins with `//`", span, "//"),
        "&" if two == "&&" => diagnostic.patch("write `and`", Span::new(span.file, span.start, span.start + 2), "and"),
        "|" if two == "||" => diagnostic.patch("write `or`", Span::new(span.file, span.start, span.start + 2), "or"),
        "AND" | "OR" | "NOT" => {
            let lower = word.to_lowercase();
            diagnostic.patch("keywords are written in small letters", span, lower)
        }
        _ if super::RESERVED.contains(&word) => diagnostic.note(format!("`{word}` is a reserved word")),
        _ => diagnostic,
    }
}

fn describe(rule: Rule) -> &'static str {
    match rule {
        Rule::EOI => "the end of the item",
        Rule::string | Rule::raw_string | Rule::text | Rule::raw_text => "text in quotes",
        Rule::uuid => "a UUID",
        Rule::date => "a date like 2026-11-20",
        Rule::size | Rule::integer | Rule::literal => "a value",
        Rule::duration => "a duration like 15m",
        Rule::name | Rule::segment => "a name",
        Rule::path => "a field or a name",
        Rule::value | Rule::boolean => "a value",
        Rule::list | Rule::names | Rule::meta_list | Rule::names_like => "a list in brackets",
        Rule::values | Rule::encoded | Rule::encoding => "a list",
        Rule::utility | Rule::rule_item | Rule::tune | Rule::item | Rule::exception => "an item",
        Rule::utility_part => "an entry of a utility",
        Rule::rule_part | Rule::meta | Rule::tune_part => "an entry of a rule",
        Rule::k_and | Rule::k_or | Rule::connective => "`and`, `or`",
        Rule::k_not | Rule::expr | Rule::operand | Rule::group_expr | Rule::test_expr | Rule::tool => "a condition",
        Rule::tool_verb | Rule::operator | Rule::op_exists | Rule::op_cidr | Rule::op_in | Rule::op_is
        | Rule::op_order | Rule::order_sign | Rule::op_text | Rule::text_verb | Rule::op_foreign
        | Rule::foreign_sign => "an operator",
        Rule::quantifier => "`any`, `all`",
        Rule::pick => "a verb or switch",
        Rule::shape | Rule::shapes => "a shape such as `alone`",
        Rule::u_default => "`default`",
        Rule::option | Rule::opt_flag | Rule::opt_min | Rule::opt_text | Rule::opt_word => "an option",
        Rule::verdict | Rule::v_fires | Rule::v_silent | Rule::v_excepted => "`fires`, `silent` or `excepted by`",
        Rule::events | Rule::event | Rule::recorded => "an event",
        Rule::event_field => "a field with its value",
        Rule::reason => "`because` and a reason",
        Rule::kinds | Rule::query => "a kind of event",
        Rule::steps | Rule::step | Rule::order | Rule::k_optional | Rule::k_without => "a step",
        Rule::counted | Rule::count | Rule::distinct => "`count` or `distinct`",
        Rule::keys => "keys",
        Rule::meta_value | Rule::meta_element | Rule::schedule | Rule::throttle | Rule::relation => "a value",
        Rule::weight => "`weight`",
        Rule::k_available => "`when available`",
        Rule::k_cased | Rule::u_cased => "`cased`",
        Rule::w_group => "`group`",
        Rule::w_list => "`list`",
        Rule::w_param => "`param`",
        Rule::w_let => "`let`",
        Rule::w_extend => "`extend`",
        Rule::w_exception => "`exception`",
        Rule::w_because => "`because`",
        Rule::w_until => "`until`",
        Rule::w_utility => "`utility`",
        Rule::w_original => "`original`",
        Rule::w_verb => "`verb`",
        Rule::w_switch => "`switch`",
        Rule::w_min => "`min`",
        Rule::w_rule => "`rule`",
        Rule::w_tune => "`tune`",
        Rule::w_disable => "`disable`",
        Rule::w_every => "`every`",
        Rule::w_over => "`over`",
        Rule::w_detect => "`detect`",
        Rule::w_flag => "`flag`",
        Rule::w_weight => "`weight`",
        Rule::w_threshold => "`threshold`",
        Rule::w_except => "`except`",
        Rule::w_on => "`on`",
        Rule::w_test => "`test`",
        Rule::w_fires => "`fires`",
        Rule::w_excepted => "`excepted`",
        Rule::w_events => "`events`",
        Rule::w_as => "`as`",
        Rule::w_where => "`where`",
        Rule::w_with => "`with`",
        Rule::w_within => "`within`",
        Rule::w_to => "`to`",
        Rule::w_by => "`by`",
        Rule::w_of => "`of`",
        Rule::w_in => "`in`",
        Rule::w_cidr => "`cidr`",
        Rule::w_is => "`is`",
        Rule::w_distinct => "`distinct`",
        _ => "",
    }
}
