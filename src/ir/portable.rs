//! Authors' regular expressions: what engines read differently is refused, all else is printed in a form that they share.
//!
//! The engines are Kusto (Rust's `regex`), RE2, PCRE and Python. What is printed is made from the syntax tree and not
//! from the author's text, so it holds nothing but constructs that all of them read alike.

use super::regex::{escape, escape_class};
use regex_syntax::ast::{self, Ast};
use std::fmt::Write as _;
use std::ops::Range;

/// Why an author's regular expression is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Byte range in the pattern.
    pub range: Range<usize>,
    /// What is wrong.
    pub why: String,
    /// What to write instead; empty if it is no regular expression at all.
    pub cure: &'static str,
}

/// Checks an author's regular expression and prints it in the form that every engine reads alike: `\d` and `\w` become
/// their ASCII classes, capturing groups plain ones, lazy repeats greedy ones, and each character has one spelling.
///
/// # Errors
/// The first construct that Kusto, RE2, PCRE and Python do not share.
pub fn portable(pattern: &str) -> Result<String, Refused> {
    let parsed =
        ast::parse::ParserBuilder::new().nest_limit(50).build().parse(pattern).map_err(|e| unread(pattern, &e))?;
    let mut printer = Printer { pattern, out: String::with_capacity(pattern.len()) };
    printer.print(&parsed)?;
    anchors(&parsed, false, false)?;
    sizes(&parsed, 1)?;
    if let Err(error) = regex_syntax::ParserBuilder::new().utf8(false).build().parse(pattern) {
        return Err(Refused {
            range: 0..pattern.len(),
            why: error.to_string().lines().last().unwrap_or("").to_owned(),
            cure: "simplify it",
        });
    }
    Ok(printer.out)
}

/// What Rust's own reader refuses.
fn unread(pattern: &str, error: &ast::Error) -> Refused {
    use ast::ErrorKind as Kind;
    let range = error.span().start.offset..error.span().end.offset;
    let brace = pattern.get(range.start..).is_some_and(|p| p.starts_with('{'));
    let cure = match error.kind() {
        Kind::UnsupportedLookAround | Kind::UnsupportedBackreference => {
            "regular expressions keep to what RE2, PCRE and Rust share"
        }
        Kind::RepetitionCountUnclosed
        | Kind::RepetitionCountDecimalEmpty
        | Kind::DecimalEmpty
        | Kind::DecimalInvalid => BRACE,
        Kind::RepetitionMissing if brace => BRACE,
        _ => "",
    };
    Refused { range, why: error.kind().to_string(), cure }
}

fn refuse<T>(span: &ast::Span, why: &str, cure: &'static str) -> Result<T, Refused> {
    Err(Refused { range: span.start.offset..span.end.offset, why: why.to_owned(), cure })
}

const FLAGS: &str = "`cased` after the operator makes it exact; drop the flags";
const WRITE_OUT: &str = "write the characters out";
const BRACE: &str = "write `{2}`, `{2,}` or `{2,5}`, without blanks or zeros in front; for the character itself, `\\{`";

struct Printer<'p> {
    pattern: &'p str,
    out: String,
}

impl Printer<'_> {
    fn print(&mut self, ast: &Ast) -> Result<(), Refused> {
        match ast {
            Ast::Empty(_) => {}
            Ast::Dot(_) => self.out.push('.'),
            Ast::Flags(f) => return refuse(&f.span, "flags inside", FLAGS),
            Ast::Literal(l) => {
                let c = self.literal(l)?;
                self.out.push_str(&hex(c).unwrap_or_else(|| escape(c.encode_utf8(&mut [0; 4]))));
            }
            Ast::Assertion(a) => match a.kind {
                ast::AssertionKind::StartLine => self.out.push('^'),
                ast::AssertionKind::EndLine => self.out.push('$'),
                _ => {
                    let cure = "use `^`, `$`, or a class of the characters beside it";
                    return refuse(&a.span, "a word boundary or text anchor", cure);
                }
            },
            Ast::ClassUnicode(c) => return refuse(&c.span, "a Unicode class", WRITE_OUT),
            Ast::ClassPerl(c) if c.kind == ast::ClassPerlKind::Space => self.space(c),
            Ast::ClassPerl(c) => {
                let not = if c.negated { "^" } else { "" };
                let _ = write!(self.out, "[{not}{}]", ascii(c));
            }
            Ast::ClassBracketed(c) => self.class(c)?,
            Ast::Repetition(r) => self.repetition(r)?,
            Ast::Group(g) => self.group(g)?,
            Ast::Alternation(a) => {
                for (i, one) in a.asts.iter().enumerate() {
                    self.out.push_str(if i > 0 { "|" } else { "" });
                    self.print(one)?;
                }
            }
            Ast::Concat(c) => c.asts.iter().try_for_each(|a| self.print(a))?,
        }
        Ok(())
    }

    fn group(&mut self, g: &ast::Group) -> Result<(), Refused> {
        match &g.kind {
            ast::GroupKind::CaptureName { .. } => return refuse(&g.span, "a named group", "use a plain group"),
            ast::GroupKind::NonCapturing(flags) if !flags.items.is_empty() => {
                return refuse(&flags.span, "flags inside", FLAGS);
            }
            ast::GroupKind::NonCapturing(_) | ast::GroupKind::CaptureIndex(_) => {}
        }
        self.out.push_str("(?:");
        self.print(&g.ast)?;
        self.out.push(')');
        Ok(())
    }

    /// A search asks whether something matches, not what: a lazy repeat is the greedy one.
    fn repetition(&mut self, r: &ast::Repetition) -> Result<(), Refused> {
        match &*r.ast {
            Ast::Literal(_) | Ast::Dot(_) | Ast::ClassPerl(_) | Ast::ClassBracketed(_) | Ast::Group(_) => {}
            Ast::Repetition(_) => {
                let why = "a repeat behind a repeat: possessive in PCRE and Java, refused by RE2 and Python";
                return refuse(&r.op.span, why, "leave one out, or put the first in a group: `(?:a*)+`");
            }
            _ => return refuse(&r.op.span, "a repeat of no character", "repeat a character, a class or a group"),
        }
        self.print(&r.ast)?;
        let op = match &r.op.kind {
            ast::RepetitionKind::ZeroOrOne => "?".to_owned(),
            ast::RepetitionKind::ZeroOrMore => "*".to_owned(),
            ast::RepetitionKind::OneOrMore => "+".to_owned(),
            ast::RepetitionKind::Range(ast::RepetitionRange::Exactly(n)) => format!("{{{n}}}"),
            ast::RepetitionKind::Range(ast::RepetitionRange::AtLeast(n)) => format!("{{{n},}}"),
            ast::RepetitionKind::Range(ast::RepetitionRange::Bounded(n, m)) => format!("{{{n},{m}}}"),
        };
        if self.text(&r.op.span).trim_end_matches('?') != op.trim_end_matches('?') {
            return refuse(&r.op.span, "a repeat in some engines, text in others", BRACE);
        }
        self.out.push_str(&op);
        Ok(())
    }

    fn text(&self, span: &ast::Span) -> &str {
        self.pattern.get(span.start.offset..span.end.offset).unwrap_or("")
    }

    fn space(&mut self, class: &ast::ClassPerl) {
        self.out.push_str(if class.negated { r"\S" } else { r"\s" });
    }

    /// The character that a literal stands for.
    fn literal(&self, literal: &ast::Literal) -> Result<char, Refused> {
        use ast::{HexLiteralKind, LiteralKind, SpecialLiteralKind as Special};
        match literal.kind {
            LiteralKind::Superfluous if literal.c.is_whitespace() => {
                refuse(&literal.span, "an escaped blank", "write the blank without the backslash")
            }
            LiteralKind::Verbatim | LiteralKind::Meta | LiteralKind::Superfluous => Ok(literal.c),
            LiteralKind::Special(Special::Tab | Special::LineFeed | Special::CarriageReturn) => Ok(literal.c),
            LiteralKind::HexFixed(HexLiteralKind::X) if literal.c.is_ascii() => Ok(literal.c),
            _ if literal.c.is_ascii() => refuse(
                &literal.span,
                "an escape that not every engine has",
                "write it as `\\x` and two digits: `\\x0b`",
            ),
            _ => refuse(&literal.span, "an escape that not every engine has", "write the character itself"),
        }
    }

    fn class(&mut self, class: &ast::ClassBracketed) -> Result<(), Refused> {
        doubled(self.text(&class.span), &class.span)?;
        let item = match &class.kind {
            ast::ClassSet::BinaryOp(op) => return refuse(&op.span, "an operation on classes", WRITE_OUT),
            ast::ClassSet::Item(item) => item,
        };
        let items = match item {
            ast::ClassSetItem::Union(union) => union.items.as_slice(),
            one => std::slice::from_ref(one),
        };
        self.out.push_str(if class.negated { "[^" } else { "[" });
        let begin = self.out.len();
        for (i, item) in items.iter().enumerate() {
            self.class_item(item, i == 0 || i + 1 == items.len())?;
        }
        if self.out.get(begin..).and_then(named).is_some() {
            self.out.insert(begin, '\\');
        }
        self.out.push(']');
        Ok(())
    }

    fn class_item(&mut self, item: &ast::ClassSetItem, at_an_end: bool) -> Result<(), Refused> {
        match item {
            ast::ClassSetItem::Empty(_) | ast::ClassSetItem::Union(_) => Ok(()),
            ast::ClassSetItem::Literal(l) => {
                let verbatim = l.kind == ast::LiteralKind::Verbatim;
                match l.c {
                    ']' if verbatim => refuse(&l.span, "`]` at the beginning of a class", "escape it: `\\]`"),
                    '-' if verbatim && !at_an_end => {
                        refuse(&l.span, "`-` beside a range or between two characters", "escape it: `\\-`")
                    }
                    _ => self.class_char(l),
                }
            }
            ast::ClassSetItem::Range(r) => {
                for end in [&r.start, &r.end] {
                    if end.kind == ast::LiteralKind::Verbatim && matches!(end.c, '-' | '[' | ']') {
                        return refuse(&r.span, "a range from or to `-`, `[` or `]`", "escape it: `\\-`");
                    }
                }
                self.class_char(&r.start)?;
                self.out.push('-');
                self.class_char(&r.end)
            }
            ast::ClassSetItem::Perl(p) if p.kind == ast::ClassPerlKind::Space => {
                self.space(p);
                Ok(())
            }
            ast::ClassSetItem::Perl(p) if !p.negated => {
                self.out.push_str(ascii(p));
                Ok(())
            }
            ast::ClassSetItem::Perl(p) => refuse(&p.span, "a negated class inside a class", WRITE_OUT),
            ast::ClassSetItem::Ascii(a) => refuse(&a.span, "a named class", WRITE_OUT),
            ast::ClassSetItem::Unicode(u) => refuse(&u.span, "a Unicode class", WRITE_OUT),
            ast::ClassSetItem::Bracketed(b) => refuse(&b.span, "a class inside a class", "escape the bracket: `\\[`"),
        }
    }

    fn class_char(&mut self, literal: &ast::Literal) -> Result<(), Refused> {
        let c = self.literal(literal)?;
        let text = match c {
            '\t' => r"\t".to_owned(),
            '\n' => r"\n".to_owned(),
            '\r' => r"\r".to_owned(),
            '|' if self.out.ends_with('|') => r"\|".to_owned(),
            _ => hex(c).unwrap_or_else(|| escape_class([c])),
        };
        self.out.push_str(&text);
        Ok(())
    }
}

/// A control character that has no letter of its own; queries hold none as they are.
fn hex(c: char) -> Option<String> {
    (c.is_ascii_control() && !matches!(c, '\t' | '\n' | '\r')).then(|| format!(r"\x{:02x}", u32::from(c)))
}

fn ascii(class: &ast::ClassPerl) -> &'static str {
    match class.kind {
        ast::ClassPerlKind::Digit => "0-9",
        ast::ClassPerlKind::Word => "0-9A-Za-z_",
        ast::ClassPerlKind::Space => r"\s",
    }
}

/// The sign at both ends of a class that PCRE takes for the name of one.
fn named(class: &str) -> Option<char> {
    [':', '.', '='].into_iter().find(|c| class.len() > 1 && class.starts_with(*c) && class.ends_with(*c))
}

/// Signs that stand twice in a class are set operations somewhere, and so are `[:x:]`, `[.x.]` and `[=x=]` names.
fn doubled(class: &str, span: &ast::Span) -> Result<(), Refused> {
    let inner = class.trim_start_matches('[').trim_start_matches('^').trim_end_matches(']');
    if let Some(c) = named(inner) {
        return refuse(span, &format!("a class that begins and ends with `{c}` is a name to PCRE"), WRITE_OUT);
    }
    let mut before = None;
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        if c == '\\' {
            chars.next();
            before = None;
            continue;
        }
        if matches!(c, '-' | '&' | '~' | '|') && before == Some(c) {
            let cure = "write each character once, with a backslash before `-`, `&` and `~`";
            return refuse(span, &format!("`{c}{c}` in a class is an operation on classes in some engines"), cure);
        }
        before = Some(c);
    }
    Ok(())
}

/// `^` behind a character and `$` before one can never hold: the author means the characters, or forgot what they do.
/// PCRE2 10.47 also misses the `a` in `^x(?:^y|)|a`.
fn anchors(ast: &Ast, behind: bool, before: bool) -> Result<(), Refused> {
    match ast {
        Ast::Assertion(a) => match a.kind {
            ast::AssertionKind::StartLine if behind => {
                refuse(&a.span, "`^` behind a character holds nowhere", "for the character itself, write `\\^`")
            }
            ast::AssertionKind::EndLine if before => {
                refuse(&a.span, "`$` before a character holds nowhere", "for the character itself, write `\\$`")
            }
            _ => Ok(()),
        },
        Ast::Group(g) => anchors(&g.ast, behind, before),
        Ast::Repetition(r) => anchors(&r.ast, behind, before),
        Ast::Alternation(a) => a.asts.iter().try_for_each(|a| anchors(a, behind, before)),
        Ast::Concat(c) => {
            let first = c.asts.iter().position(takes_a_character).unwrap_or(c.asts.len());
            let last = c.asts.iter().rposition(takes_a_character).unwrap_or(0);
            let each = |(i, part)| anchors(part, behind || i > first, before || i < last);
            c.asts.iter().enumerate().try_for_each(each)
        }
        _ => Ok(()),
    }
}

/// Whether every match of it takes a character.
fn takes_a_character(ast: &Ast) -> bool {
    match ast {
        Ast::Empty(_) | Ast::Flags(_) | Ast::Assertion(_) => false,
        Ast::Literal(_) | Ast::Dot(_) | Ast::ClassUnicode(_) | Ast::ClassPerl(_) | Ast::ClassBracketed(_) => true,
        Ast::Repetition(r) => least(&r.op.kind) > 0 && takes_a_character(&r.ast),
        Ast::Group(g) => takes_a_character(&g.ast),
        Ast::Alternation(a) => a.asts.iter().all(takes_a_character),
        Ast::Concat(c) => c.asts.iter().any(takes_a_character),
    }
}

fn least(kind: &ast::RepetitionKind) -> u32 {
    match kind {
        ast::RepetitionKind::ZeroOrOne | ast::RepetitionKind::ZeroOrMore => 0,
        ast::RepetitionKind::OneOrMore => 1,
        ast::RepetitionKind::Range(
            ast::RepetitionRange::Exactly(n) | ast::RepetitionRange::AtLeast(n) | ast::RepetitionRange::Bounded(n, _),
        ) => *n,
    }
}

/// RE2 refuses repeats that nest to more than a thousand copies.
const MAX_REPEATS: u32 = 1000;

/// PCRE holds 64 KB of a compiled expression: 40 a class, a few a character, a dozen a group, times their copies.
const MAX_SIZE: u32 = 50_000;

/// The size of an expression that stands in `copies` copies; an error where an engine would not hold it.
fn sizes(ast: &Ast, copies: u32) -> Result<u32, Refused> {
    let sum = |all: &[Ast]| all.iter().try_fold(0_u32, |sum, a| Ok(sum.saturating_add(sizes(a, copies)?)));
    let size = match ast {
        Ast::Empty(_) | Ast::Flags(_) | Ast::Assertion(_) => copies,
        Ast::Literal(_) => copies.saturating_mul(4),
        Ast::Dot(_) => copies.saturating_mul(10),
        Ast::ClassPerl(_) | Ast::ClassUnicode(_) | Ast::ClassBracketed(_) => copies.saturating_mul(40),
        Ast::Group(g) => sizes(&g.ast, copies)?.saturating_add(copies.saturating_mul(12)),
        Ast::Alternation(a) => sum(&a.asts)?,
        Ast::Concat(c) => sum(&c.asts)?,
        Ast::Repetition(r) => {
            let times = match &r.op.kind {
                ast::RepetitionKind::Range(ast::RepetitionRange::Bounded(_, n)) => *n,
                other => least(other),
            };
            let copies = copies.saturating_mul(times.max(1));
            if copies > MAX_REPEATS {
                let why = "with what surrounds it, more than 1,000 copies";
                return refuse(&r.op.span, why, "repeat less, or use `*` or `+`");
            }
            sizes(&r.ast, copies)?
        }
    };
    if size > MAX_SIZE {
        return refuse(
            ast.span(),
            "larger than what PCRE holds once its repeats are written out",
            "repeat less, or split it",
        );
    }
    Ok(size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_construct_has_one_spelling() {
        for (written, printed) in [
            (r"\d+[\w.]\S\s[\s\Sx]", r"[0-9]+[0-9A-Za-z_.]\S\s[\s\Sx]"),
            (r"(a|b)(?:c)", r"(?:a|b)(?:c)"),
            (r"a+?b{2,}?c??", r"a+b{2,}c?"),
            (r#"\/\-\"\'\#\&\~\%"#, r#"/-"'#&~%"#),
            (r"\x41\x2e\x0B\x5c\x00", r"A\.\x0b\\\x00"),
            (r"a]b}", r"a\]b\}"),
            (r"[a-c-][-x][^-][\]\[&~|]", r"[a-c\-][\-x][^\-][\]\[\&\~|]"),
            ("[\t\n\u{b}]\u{7f}", r"[\t\n\x0b]\x7f"),
            (r"[.][:.][.-:][\.x\x2e][x|\x7c]", r"[.][:.][.-:][\.x.][x|\|]"),
            (r"^(|a)|b$", r"^(?:|a)|b$"),
        ] {
            assert_eq!(portable(written).as_deref(), Ok(printed), "{written}");
            assert_eq!(portable(printed).as_deref(), Ok(printed), "again: {printed}");
        }
    }

    #[test]
    fn what_engines_do_not_share_is_refused_with_what_to_write() {
        for pattern in [
            r"\bx",
            r"(?i)x",
            r"(?i:x)",
            r"(?=x)",
            r"\p{L}",
            r"[\p{L}]",
            r"[[:alpha:]]",
            r"\x{e9}",
            r"\u00e9",
            r"\xe9",
            r"(?P<n>x)",
            r"(?<n>x)",
            r"[a&&b]",
            r"\1",
            r"x{1001}",
            r"(?:x{32}){32}",
            r"\v",
            r"\f",
            r"\a",
            r"[\D]",
            "x++y",
            "x*+",
            "x?+",
            "x**",
            "x+*",
            "x{2}+",
            "a{2}{2}",
            "a*??",
            "^*x",
            "$?",
            "(?:a|^+)",
            "x{ 2}y",
            "x{2 }",
            "x{2, 3}",
            "x{02}",
            "x{1,03}",
            "x{,5}",
            "x{",
            "{",
            "x{a}",
            "a|{2}",
            "[:xyz:]x",
            "[.x.]",
            "[=x=]",
            "[^:x:]",
            "[::]",
            "[--a]",
            "[+--]",
            "[a-c-e]",
            "[a-c-e-g]",
            "[--]",
            "[a~~b]",
            "[a||b]",
            "[]a]",
            "[^]a]",
            r"a\ b",
            "[\\ ]",
            r"a^b",
            r"a$b",
            r"x+^",
            r"x(?:^y|)|a",
            r"(?:a|b$)c",
            r"$(?:\n|b)",
            r"\<a",
            r"\Aa",
            r"a\z",
            "(?:[a-c][b-d][c-e]){1000}",
        ] {
            match portable(pattern) {
                Ok(printed) => panic!("{pattern} became {printed}"),
                Err(refused) => assert!(!refused.cure.is_empty(), "{pattern}: {refused:?}"),
            }
        }
        for broken in ["*", "(?:+)", "[[a]", "(", "a)", "[a", "x{2,1}", "[z-a]", "\\"] {
            assert!(portable(broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn a_refusal_points_at_the_construct() {
        for (pattern, piece) in [
            ("ab++c", "+"),
            ("x{ 2}y", "{ 2}"),
            ("q[a-c-e]", "-"),
            (r"a\ b", r"\ "),
            ("q[]a]", "]"),
            ("x[+--]y", "[+--]"),
        ] {
            let refused = portable(pattern).expect_err(pattern);
            assert_eq!(&pattern[refused.range], piece, "{pattern}: {}", refused.why);
        }
    }
}
