//! What the grammar expected where an item does not parse, in the language's words, and cures for what people bring
//! from other languages.

use super::parse::Rule;
use super::split::{ITEM_WORDS, RESERVED, Token, tokens};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::{FileId, Span};
use pest::error::{ErrorVariant, InputLocation};

/// A text that is to be parsed: a piece of a file.
#[derive(Clone, Copy)]
pub(super) struct Piece<'a> {
    pub file: FileId,
    /// The whole file.
    pub text: &'a str,
    pub start: usize,
    pub end: usize,
    /// It is one entry of an item, not an item.
    pub entry: bool,
}

impl<'a> Piece<'a> {
    pub(super) fn input(&self) -> &'a str {
        self.text.get(self.start..self.end).unwrap_or("")
    }
}

/// Why a piece does not parse.
pub(super) struct Failure {
    /// The token that was not expected, or the end of the piece.
    pub at: usize,
    /// It begins a line, and what stands before it is whole.
    pub whole_before: bool,
    pub diagnostic: Diagnostic,
}

/// Tells where and why a piece does not parse.
pub(super) fn failure(piece: Piece, error: &pest::error::Error<Rule>) -> Failure {
    let (InputLocation::Pos(at) | InputLocation::Span((at, _))) = error.location;
    let rules: &[Rule] = match &error.variant {
        ErrorVariant::ParsingError { positives, .. } => positives,
        ErrorVariant::CustomError { .. } => &[],
    };
    let label = match rules {
        // What stands behind `schedule` looked like the beginning of a throttle.
        [Rule::w_by] if piece.entry && piece.input().starts_with("schedule") => {
            "expected `every 15m over 1h`".to_owned()
        }
        _ => label(rules, piece.entry),
    };
    let from = piece.start + at;
    let rest = piece.text.get(from..piece.end).unwrap_or("");
    let token = tokens(rest).find(|(t, ..)| !matches!(t, Token::Comment | Token::Doc));
    let Some((_, start, end)) = token else {
        let last = tokens(piece.input()).filter(|(t, ..)| !matches!(t, Token::Comment | Token::Doc)).last();
        let (start, end) = last.map_or((0, 0), |(_, s, e)| (s, e));
        let span = Span::new(piece.file, piece.start + start, piece.start + end);
        let what = if piece.entry { "entry" } else { "item" };
        let diagnostic = Diagnostic::new(Code::Syntax, format!("this {what} ends too early"))
            .at(span, if label.contains("every") { label } else { format!("{label} behind this") });
        return Failure { at: piece.end, whole_before: false, diagnostic };
    };
    let span = Span::new(piece.file, from + start, from + end);
    let word = piece.text.get(span.start..span.end).unwrap_or("");
    let line = piece.text.get(..span.start).and_then(|t| t.rsplit('\n').next()).unwrap_or("");
    let whole_before = rules.contains(&Rule::EOI) && line.trim().is_empty();
    let diagnostic = if whole_before && line.is_empty() && !piece.entry {
        not_an_item(piece.text, span)
    } else {
        let message = format!("unexpected {}", shown(word));
        let diagnostic = Diagnostic::new(Code::Syntax, message).at(span, label);
        cure(diagnostic, piece, span, word)
    };
    Failure { at: span.start, whole_before, diagnostic }
}

/// Something at the top of a file that begins no item.
pub(super) fn not_an_item(text: &str, span: Span) -> Diagnostic {
    let word = text.get(span.start..span.end).unwrap_or("");
    let diagnostic = Diagnostic::new(Code::NotAnItem, format!("{} does not begin an item", shown(word)))
        .at(span, format!("expected {}", either(&ITEM_WORDS)))
        .did_you_mean(word, span, ITEM_WORDS);
    foreign(diagnostic, text, span, word)
}

/// `a, b or c`
fn either(words: &[impl AsRef<str>]) -> String {
    match words {
        [] => String::new(),
        [one] => one.as_ref().to_owned(),
        [most @ .., last] => {
            let most: Vec<&str> = most.iter().map(AsRef::as_ref).collect();
            format!("{} or {}", most.join(", "), last.as_ref())
        }
    }
}

fn label(rules: &[Rule], entry: bool) -> String {
    let mut expected: Vec<&str> = rules.iter().map(|r| describe(*r, entry)).filter(|e| !e.is_empty()).collect();
    expected.sort_by_key(|e| (e.starts_with("the end") || e.starts_with("the next"), *e));
    expected.dedup();
    match expected.as_slice() {
        [] => "not expected here".to_owned(),
        some => format!("expected {}", either(some)),
    }
}

/// A token in backticks; one that nobody would see by its number.
fn shown(token: &str) -> String {
    let mut chars = token.chars();
    match (chars.next(), chars.next()) {
        (Some(c), None) if !c.is_ascii_graphic() => {
            let visible =
                if c.is_control() || c.is_whitespace() || is_invisible(c) { String::new() } else { format!("`{c}`, ") };
            format!("character {visible}U+{:04X}", u32::from(c))
        }
        _ => format!("`{token}`"),
    }
}

fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// Cures for what people bring from other languages.
fn cure(diagnostic: Diagnostic, piece: Piece, span: Span, word: &str) -> Diagnostic {
    let before = piece.text.get(piece.start..span.start).unwrap_or("");
    match word {
        ":" | "=" if piece.entry && tokens(before).count() == 1 => {
            let sign = Span::new(span.file, piece.start + before.trim_end().len(), span.end);
            let blank = piece.text.get(span.end..).is_some_and(|t| t.starts_with([' ', '\t', '\r', '\n']));
            diagnostic.patch("an entry's value follows its name", sign, if blank { "" } else { " " })
        }
        "true" | "false" => diagnostic,
        _ if RESERVED.contains(&word) => diagnostic.note(format!("`{word}` is a reserved word")),
        _ => foreign(diagnostic, piece.text, span, word),
    }
}

fn foreign(diagnostic: Diagnostic, text: &str, span: Span, word: &str) -> Diagnostic {
    let pair = Span::new(span.file, span.start, span.start + 2);
    let two = text.get(pair.start..pair.end).unwrap_or("");
    match (word, two) {
        (";", _) => diagnostic.patch("there are no semicolons", span, ""),
        ("#", _) => diagnostic.patch("a comment begins with `//`", span, "//"),
        (_, "/*") => diagnostic.help("a comment begins with `//` and ends with its line"),
        (_, "&&") => diagnostic.patch("write `and`", pair, "and"),
        (_, "||") => diagnostic.patch("write `or`", pair, "or"),
        ("!", _) => diagnostic.patch("write `not`", span, "not"),
        ("AND" | "OR" | "NOT", _) => diagnostic.patch("write keywords in lower case", span, word.to_lowercase()),
        ("“" | "”" | "„" | "«" | "»", _) => diagnostic.help("write text in straight quotes: \"text\""),
        ("‘" | "’" | "‚" | "`", _) => diagnostic.help("write text in straight quotes: 'text'"),
        _ if word.chars().all(|c| c.is_whitespace() || is_invisible(c)) => {
            diagnostic.patch("put a plain blank in its place", span, " ")
        }
        _ => diagnostic,
    }
}

fn describe(rule: Rule, entry: bool) -> &'static str {
    match rule {
        Rule::EOI if entry => "the next entry",
        Rule::EOI => "the end of the item",
        Rule::p_comma => "`,`",
        Rule::p_equals => "`=`",
        Rule::p_colon => "`:`",
        Rule::p_least => "`>=`",
        Rule::p_list => "`[`",
        Rule::p_list_end => "`]`",
        Rule::p_block => "`{`",
        Rule::p_block_end => "`}`",
        Rule::p_group => "`(`",
        Rule::p_group_end => "`)`",
        Rule::string | Rule::raw_string | Rule::text | Rule::raw_text => "text in quotes",
        Rule::uuid => "a UUID",
        Rule::date => "a date such as 2026-11-20",
        Rule::integer => "a number",
        Rule::size | Rule::literal => "a value",
        Rule::duration => "a duration such as 15m",
        Rule::name | Rule::segment => "a name",
        Rule::path => "a field or a name",
        Rule::value | Rule::boolean => "a value",
        Rule::list | Rule::names | Rule::meta_list | Rule::names_like => "a list in brackets",
        Rule::values | Rule::encoded | Rule::encoding => "a list",
        Rule::utility | Rule::rule_item | Rule::tune | Rule::item | Rule::exception => "an item",
        Rule::utility_part => "an entry of a utility",
        Rule::rule_part | Rule::meta => "an entry of a rule",
        Rule::tune_part => "an entry of a tune",
        Rule::k_and => "`and`",
        Rule::k_or => "`or`",
        Rule::connective => "`and`, `or`",
        Rule::k_not | Rule::expr | Rule::operand | Rule::group_expr | Rule::test_expr | Rule::tool => "a condition",
        Rule::tool_verb
        | Rule::operator
        | Rule::op_exists
        | Rule::op_cidr
        | Rule::op_in
        | Rule::op_is
        | Rule::op_order
        | Rule::order_sign
        | Rule::op_text
        | Rule::text_verb
        | Rule::op_foreign
        | Rule::foreign_sign
        | Rule::foreign_list => "an operator",
        Rule::quantifier => "`any`, `all`",
        Rule::pick => "a verb or switch",
        Rule::shape | Rule::shapes => "a shape such as `alone`",
        Rule::u_default => "`default`",
        Rule::option | Rule::opt_flag | Rule::opt_min | Rule::opt_text | Rule::opt_word => "an option",
        Rule::verdict | Rule::v_fires | Rule::v_silent | Rule::v_excepted => "`fires`, `silent`, `excepted by`",
        Rule::events | Rule::event | Rule::recorded => "an event",
        Rule::event_field => "a field with its value",
        Rule::reason => "`because` and a reason",
        Rule::kinds | Rule::query => "a kind of event",
        Rule::steps | Rule::order => "`sequence`, `together`",
        Rule::step | Rule::k_optional | Rule::k_without => "a step",
        Rule::counted | Rule::count | Rule::distinct => "`count`, `distinct`",
        Rule::keys => "keys",
        Rule::meta_value | Rule::meta_element | Rule::schedule | Rule::throttle | Rule::relation | Rule::claim => {
            "a value"
        }
        Rule::tactic => "a tactic such as credential-access",
        Rule::tactics => "a list of tactics in brackets",
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
