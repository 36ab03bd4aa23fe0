//! Regular expressions as the compiler carries them, and the checks that keep them the same on every engine.

use crate::mutant::{Mutant, on};
use regex_syntax::ast::{self, Ast};
use std::ops::Range;

/// A regular expression, found anywhere in a text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Regex {
    /// Without flags in front.
    pub pattern: String,
    /// Letters' case counts.
    pub cased: bool,
    /// `.` matches line breaks too.
    pub dot_all: bool,
    /// Parts of the pattern that have a name, in order: byte range and part. Printers may give them a name of their own.
    pub fragments: Vec<(Range<usize>, Fragment)>,
    /// It may match a short text without white space or separators, such as a filler, or no text at all.
    pub loose: bool,
    /// If it matches, one of these occurs too; empty: nothing is known.
    pub implied: Vec<Cheap>,
    /// What a person would look for in its place, in any case: one of these texts. Empty: nothing stands for it.
    pub plain: Vec<String>,
}

/// A part that many regular expressions of command lines share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fragment {
    /// The program, up to the first white space outside quotes. Stands first.
    Program,
    /// An argument begins: white space outside quotes, perhaps a quote. Stands first.
    Argument,
    /// White space outside quotes. Stands first.
    Gap,
    /// A name ends.
    End,
    /// A folder's name ends.
    FolderEnd,
}

impl Fragment {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Fragment::Program => "Program",
            Fragment::Argument => "Argument",
            Fragment::Gap => "Gap",
            Fragment::End => "End",
            Fragment::FolderEnd => "FolderEnd",
        }
    }

    /// What it finds, in words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Fragment::Program => "the program, up to the first white space outside quotes",
            Fragment::Argument => "an argument begins: white space outside quotes, perhaps a quote",
            Fragment::Gap => "white space outside quotes",
            Fragment::End => "a name ends",
            Fragment::FolderEnd => "a folder's name ends",
        }
    }
}

/// A cheap test that a regular expression implies.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Cheap {
    /// This text occurs, and no letter or digit stands beside its ends.
    Term(String),
    /// This text occurs.
    Part(String),
    /// The whole text begins so.
    Start(String),
}

impl Cheap {
    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Cheap::Term(t) | Cheap::Part(t) | Cheap::Start(t) => t,
        }
    }
}

impl Regex {
    /// The flags that stand in front of the pattern.
    #[must_use]
    pub fn flags(&self) -> &'static str {
        match (self.cased, self.dot_all) {
            (true, false) => "",
            (true, true) => "(?s)",
            (false, false) => "(?i)",
            (false, true) => "(?is)",
        }
    }

    /// The pattern behind its flags.
    #[must_use]
    pub fn full(&self) -> String {
        format!("{}{}", self.flags(), self.pattern)
    }

    /// The pattern as it is where letters' case counts.
    #[must_use]
    pub fn with_case(&self) -> String {
        format!("{}{}", if self.dot_all { "(?s)" } else { "" }, self.pattern)
    }
}

/// Escapes `text` so that it stands for itself in Rust's, RE2's, PCRE's and Python's syntax.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '.' if on(Mutant::EscapeDot) => out.push(c),
            '\\' | '.' | '+' | '*' | '?' | '(' | ')' | '|' | '[' | ']' | '{' | '}' | '^' | '$' => {
                out.push('\\');
                out.push(c);
            }
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ => out.push(c),
        }
    }
    out
}

/// Escapes characters for use inside a class.
#[must_use]
pub fn escape_class(text: impl IntoIterator<Item = char>) -> String {
    let mut out = String::new();
    for c in text {
        if matches!(c, '\\' | ']' | '[' | '^' | '-' | '&' | '~') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// One of these characters: itself, or a class. A hyphen leads, where every engine takes it for itself.
#[must_use]
pub fn one_of(chars: impl IntoIterator<Item = char>) -> String {
    let mut all: Vec<char> = vec![];
    for c in chars {
        if !all.contains(&c) {
            all.push(c);
        }
    }
    if let [one] = all.as_slice() {
        return escape(&one.to_string());
    }
    let (hyphen, others): (Vec<char>, Vec<char>) = all.into_iter().partition(|c| *c == '-');
    format!("[{}{}]", hyphen.iter().collect::<String>(), escape_class(others))
}

/// Several alternatives as one piece: `a`, or `(?:a|b)`.
#[must_use]
pub fn alternatives(parts: &[String]) -> String {
    match parts {
        [one] if !has_top_level_bar(one) => one.clone(),
        many => format!("(?:{})", many.join("|")),
    }
}

fn has_top_level_bar(pattern: &str) -> bool {
    let (mut depth, mut class) = (0_usize, false);
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                chars.next();
            }
            '[' => class = true,
            ']' => class = false,
            '(' if !class => depth += 1,
            ')' if !class => depth = depth.saturating_sub(1),
            '|' if !class && depth == 0 => return true,
            _ => {}
        }
    }
    false
}

/// Why an author's regular expression is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Byte range in the pattern.
    pub range: std::ops::Range<usize>,
    /// What is wrong.
    pub why: String,
    /// What to write instead; empty if it is no regular expression at all.
    pub cure: &'static str,
}

/// Checks an author's regular expression and makes it mean the same on every engine: `\d`, `\w` and `\s` become their
/// ASCII classes, capturing groups become plain ones.
///
/// # Errors
/// The first construct that Kusto, RE2, PCRE and Python do not share.
pub fn portable(pattern: &str) -> Result<String, Refused> {
    let parsed = ast::parse::ParserBuilder::new().nest_limit(50).build().parse(pattern).map_err(|e| Refused {
        range: e.span().start.offset..e.span().end.offset,
        why: e.kind().to_string(),
        cure: match e.kind() {
            ast::ErrorKind::UnsupportedLookAround | ast::ErrorKind::UnsupportedBackreference => {
                "regular expressions keep to what RE2, PCRE and Rust share"
            }
            _ => "",
        },
    })?;
    let mut edits = vec![];
    walk(&parsed, pattern, &mut edits)?;
    repeats(&parsed, 1)?;
    if let Err(error) = regex_syntax::ParserBuilder::new().utf8(false).build().parse(pattern) {
        return Err(Refused {
            range: 0..pattern.len(),
            why: error.to_string().lines().last().unwrap_or("").to_owned(),
            cure: "simplify it",
        });
    }
    edits.sort_by_key(|(range, _): &(std::ops::Range<usize>, String)| std::cmp::Reverse(range.start));
    let mut out = pattern.to_owned();
    for (range, text) in edits {
        out.replace_range(range, &text);
    }
    Ok(out)
}

/// RE2 refuses repeats that nest to more than a thousand copies.
const MAX_REPEATS: u32 = 1000;

fn repeats(ast: &Ast, copies: u32) -> Result<(), Refused> {
    match ast {
        Ast::Repetition(r) => {
            let times = match &r.op.kind {
                ast::RepetitionKind::Range(ast::RepetitionRange::Exactly(n) | ast::RepetitionRange::AtLeast(n)) => *n,
                ast::RepetitionKind::Range(ast::RepetitionRange::Bounded(_, n)) => *n,
                _ => 1,
            };
            let copies = copies.saturating_mul(times.max(1));
            if copies > MAX_REPEATS {
                return Err(refuse(
                    &r.op.span,
                    "with what surrounds it, more than 1,000 copies",
                    "repeat less, or use `*` or `+`",
                ));
            }
            repeats(&r.ast, copies)
        }
        Ast::Group(g) => repeats(&g.ast, copies),
        Ast::Alternation(a) => a.asts.iter().try_for_each(|a| repeats(a, copies)),
        Ast::Concat(c) => c.asts.iter().try_for_each(|a| repeats(a, copies)),
        _ => Ok(()),
    }
}

fn refuse(span: &ast::Span, why: &str, cure: &'static str) -> Refused {
    Refused { range: span.start.offset..span.end.offset, why: why.to_owned(), cure }
}

fn perl(class: &ast::ClassPerl) -> &'static str {
    match class.kind {
        ast::ClassPerlKind::Digit => "0-9",
        ast::ClassPerlKind::Word => "0-9A-Za-z_",
        ast::ClassPerlKind::Space => " \\t\\r\\n\\x0b\\x0c",
    }
}

type Edits = Vec<(std::ops::Range<usize>, String)>;

fn walk(ast: &Ast, pattern: &str, edits: &mut Edits) -> Result<(), Refused> {
    match ast {
        Ast::Empty(_) | Ast::Dot(_) => Ok(()),
        Ast::Flags(f) => {
            Err(refuse(&f.span, "flags inside", "`cased` after the operator makes it exact; drop the flags"))
        }
        Ast::Literal(l) => literal(l),
        Ast::Assertion(a) => match a.kind {
            ast::AssertionKind::StartLine | ast::AssertionKind::EndLine => Ok(()),
            _ => Err(refuse(
                &a.span,
                "a word boundary or text anchor",
                "use `^`, `$`, or a class of the characters beside it",
            )),
        },
        Ast::ClassUnicode(c) => Err(refuse(&c.span, "a Unicode class", "write the characters out")),
        Ast::ClassPerl(c) => {
            let not = if c.negated { "^" } else { "" };
            edits.push((c.span.start.offset..c.span.end.offset, format!("[{not}{}]", perl(c))));
            Ok(())
        }
        Ast::ClassBracketed(c) => class_set(&c.kind, pattern, edits),
        Ast::Repetition(r) => walk(&r.ast, pattern, edits),
        Ast::Group(g) => {
            match &g.kind {
                ast::GroupKind::CaptureIndex(_) => {
                    let at = g.span.start.offset;
                    edits.push((at..at + 1, "(?:".to_owned()));
                }
                ast::GroupKind::CaptureName { .. } => {
                    return Err(refuse(&g.span, "a named group", "use a plain group"));
                }
                ast::GroupKind::NonCapturing(flags) if !flags.items.is_empty() => {
                    return Err(refuse(
                        &flags.span,
                        "flags inside",
                        "`cased` after the operator makes it exact; drop the flags",
                    ));
                }
                ast::GroupKind::NonCapturing(_) => {}
            }
            walk(&g.ast, pattern, edits)
        }
        Ast::Alternation(a) => a.asts.iter().try_for_each(|a| walk(a, pattern, edits)),
        Ast::Concat(c) => c.asts.iter().try_for_each(|a| walk(a, pattern, edits)),
    }
}

fn literal(literal: &ast::Literal) -> Result<(), Refused> {
    match literal.kind {
        ast::LiteralKind::Verbatim | ast::LiteralKind::Meta | ast::LiteralKind::Superfluous => Ok(()),
        ast::LiteralKind::Special(
            ast::SpecialLiteralKind::Tab | ast::SpecialLiteralKind::LineFeed | ast::SpecialLiteralKind::CarriageReturn,
        ) => Ok(()),
        ast::LiteralKind::HexFixed(ast::HexLiteralKind::X) if literal.c.is_ascii() => Ok(()),
        _ => Err(refuse(&literal.span, "an escape that not every engine has", "write the character itself")),
    }
}

fn class_set(set: &ast::ClassSet, pattern: &str, edits: &mut Edits) -> Result<(), Refused> {
    match set {
        ast::ClassSet::BinaryOp(op) => Err(refuse(&op.span, "an operation on classes", "write the characters out")),
        ast::ClassSet::Item(item) => class_item(item, pattern, edits),
    }
}

fn class_item(item: &ast::ClassSetItem, pattern: &str, edits: &mut Edits) -> Result<(), Refused> {
    match item {
        ast::ClassSetItem::Empty(_) => Ok(()),
        ast::ClassSetItem::Literal(l) => class_literal(l, pattern, edits),
        ast::ClassSetItem::Range(r) => {
            literal(&r.start)?;
            literal(&r.end)
        }
        ast::ClassSetItem::Perl(p) if !p.negated => {
            edits.push((p.span.start.offset..p.span.end.offset, perl(p).to_owned()));
            Ok(())
        }
        ast::ClassSetItem::Perl(p) => {
            Err(refuse(&p.span, "a negated class inside a class", "write the characters out"))
        }
        ast::ClassSetItem::Ascii(a) => Err(refuse(&a.span, "a named class", "write the characters out")),
        ast::ClassSetItem::Unicode(u) => Err(refuse(&u.span, "a Unicode class", "write the characters out")),
        ast::ClassSetItem::Bracketed(b) => Err(refuse(&b.span, "a class inside a class", "escape the bracket: `\\[`")),
        ast::ClassSetItem::Union(u) => u.items.iter().try_for_each(|i| class_item(i, pattern, edits)),
    }
}

/// `[`, `&` and `~` mean set operations in some engines: escaped, they are characters in all.
fn class_literal(l: &ast::Literal, pattern: &str, edits: &mut Edits) -> Result<(), Refused> {
    literal(l)?;
    let range = l.span.start.offset..l.span.end.offset;
    let verbatim = l.kind == ast::LiteralKind::Verbatim;
    if verbatim && matches!(l.c, '[' | '&' | '~') && pattern.get(range.clone()) == Some(l.c.to_string().as_str()) {
        edits.push((range, format!("\\{}", l.c)));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_of_perl_become_ascii() {
        assert_eq!(portable(r"\d+[\w.]\S").expect("shared"), r"[0-9]+[0-9A-Za-z_.][^ \t\r\n\x0b\x0c]");
    }

    #[test]
    fn capturing_groups_become_plain() {
        assert_eq!(portable(r"(a|b)(?:c)").expect("shared"), r"(?:a|b)(?:c)");
    }

    #[test]
    fn what_engines_do_not_share_is_refused() {
        for pattern in [
            r"\bx",
            r"(?i)x",
            r"(?=x)",
            r"\p{L}",
            r"[[:alpha:]]",
            r"\x{e9}",
            r"(?P<n>x)",
            r"[a&&b]",
            r"\1",
            "(",
            "x{1001}",
            "(?:x{32}){32}",
        ] {
            assert!(portable(pattern).is_err(), "{pattern}");
        }
    }
}
