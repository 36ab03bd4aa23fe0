//! The ways in which one regular expression can match: narrower expressions, each with one alternative taken.
//!
//! What is narrowed is what an author would call alternatives: names, letters of a bundle, prefixes. What only delimits
//! them (white space, quotes, ends) stays as it is, and so does every loop: whatever a narrower expression matches, the
//! whole one matches too.

use regex_syntax::ast::{
    Ast, ClassSet, ClassSetItem, GroupKind, Literal, Repetition, RepetitionKind, RepetitionRange, parse::Parser,
};

/// More narrower expressions of one expression are not made.
pub const MOST: usize = 64;

/// Narrower expressions of `pattern`: the typical one first, then one for each alternative that it leaves out.
#[must_use]
pub fn of(pattern: &str) -> Vec<String> {
    match Parser::new().parse(pattern) {
        Ok(ast) => Narrow { pattern }.all(&ast),
        Err(_) => vec![pattern.to_owned()],
    }
}

struct Narrow<'p> {
    pattern: &'p str,
}

impl Narrow<'_> {
    fn verbatim(&self, ast: &Ast) -> String {
        let span = ast.span();
        self.pattern.get(span.start.offset..span.end.offset).unwrap_or("").to_owned()
    }

    fn all(&self, ast: &Ast) -> Vec<String> {
        let mut out = match ast {
            Ast::Concat(concat) => self.concat(&concat.asts),
            Ast::Alternation(all) if all.asts.iter().all(is_choice) => {
                // What holds a quote is the same argument in quotes: the bare one is the typical one.
                let (quoted, bare): (Vec<&Ast>, Vec<&Ast>) = all.asts.iter().partition(|a| is_quoted(a));
                bare.into_iter().chain(quoted).take(MOST).flat_map(|a| self.all(a)).collect()
            }
            Ast::Group(group) => {
                let flags = match &group.kind {
                    GroupKind::NonCapturing(flags) => {
                        self.pattern.get(flags.span.start.offset..flags.span.end.offset).unwrap_or("")
                    }
                    _ => "",
                };
                self.all(&group.ast).into_iter().map(|inner| format!("(?{flags}:{inner})")).collect()
            }
            Ast::Repetition(repetition) => self.repetition(repetition, ast),
            Ast::ClassBracketed(class) if !class.negated => match few(&class.kind) {
                Some(chars) => chars.into_iter().map(|c| crate::ir::regex::escape(&c.to_string())).collect(),
                None => vec![self.verbatim(ast)],
            },
            other => vec![self.verbatim(other)],
        };
        out.truncate(MOST);
        out
    }

    /// The typical form of all parts, then each part's other forms among the others' typical ones.
    fn concat(&self, parts: &[Ast]) -> Vec<String> {
        let forms: Vec<Vec<String>> = parts.iter().map(|p| self.all(p)).collect();
        let typical: Vec<&str> = forms.iter().map(|f| f.first().map_or("", String::as_str)).collect();
        let mut out = vec![typical.concat()];
        for (i, forms) in forms.iter().enumerate() {
            for form in forms.iter().skip(1).take(MOST) {
                let each = typical.iter().enumerate().map(|(j, t)| if i == j { form.as_str() } else { *t });
                out.push(each.collect());
            }
        }
        out
    }

    /// A name's letters that may be left out are there, then left out; other options are left to the search.
    fn repetition(&self, repetition: &Repetition, ast: &Ast) -> Vec<String> {
        let name = matches!(repetition.op.kind, RepetitionKind::ZeroOrOne) && begins_with_letter(&repetition.ast);
        if name {
            let whole = self.all(&repetition.ast).into_iter().next().unwrap_or_default();
            return vec![whole, String::new()];
        }
        match repetition.op.kind {
            RepetitionKind::Range(RepetitionRange::Exactly(1)) => self.all(&repetition.ast),
            _ => vec![self.verbatim(ast)],
        }
    }
}

/// The words that an expression spells out, two characters and longer.
#[must_use]
pub fn literals(pattern: &str) -> Vec<String> {
    let Ok(ast) = Parser::new().parse(pattern) else { return vec![] };
    let mut out = vec![String::new()];
    spell(&ast, &mut out);
    out.retain(|w| w.chars().count() > 1);
    out
}

fn spell(ast: &Ast, out: &mut Vec<String>) {
    match ast {
        Ast::Literal(literal) => {
            if let Some(last) = out.last_mut() {
                last.push(literal.c);
            }
        }
        Ast::Concat(all) => all.asts.iter().for_each(|a| spell(a, out)),
        Ast::Group(group) => spell(&group.ast, out),
        Ast::Alternation(all) => {
            for one in &all.asts {
                out.push(String::new());
                spell(one, out);
            }
            out.push(String::new());
        }
        _ => out.push(String::new()),
    }
}

/// Whether an alternative is one that an author wrote: it holds a character that is more than a delimiter.
fn is_choice(ast: &Ast) -> bool {
    match ast {
        Ast::Literal(literal) => !matches!(literal.c, '"' | '\'' | ' ' | '\t' | '\r' | '\n' | '\\' | '/'),
        Ast::ClassBracketed(class) => !class.negated && few(&class.kind).is_some(),
        Ast::Group(group) => is_choice(&group.ast),
        Ast::Concat(concat) => concat.asts.iter().any(is_choice),
        Ast::Alternation(all) => all.asts.iter().all(is_choice),
        Ast::Repetition(r) => !r.op.kind.eq(&RepetitionKind::ZeroOrMore) && is_choice(&r.ast),
        _ => false,
    }
}

fn begins_with(ast: &Ast, f: &dyn Fn(&Literal) -> bool) -> bool {
    match ast {
        Ast::Literal(literal) => f(literal),
        Ast::Group(group) => begins_with(&group.ast, f),
        Ast::Concat(concat) => concat.asts.first().is_some_and(|a| begins_with(a, f)),
        _ => false,
    }
}

/// Whether a quote is part of what every match holds.
fn is_quoted(ast: &Ast) -> bool {
    match ast {
        Ast::Literal(literal) => literal.c == '"',
        Ast::Concat(concat) => concat.asts.iter().any(|a| matches!(a, Ast::Literal(l) if l.c == '"')),
        _ => false,
    }
}

fn begins_with_letter(ast: &Ast) -> bool {
    begins_with(ast, &|l| l.c.is_alphanumeric())
}

/// The characters of a class that lists a few, none of which delimits.
fn few(set: &ClassSet) -> Option<Vec<char>> {
    let ClassSet::Item(item) = set else { return None };
    let items = match item {
        ClassSetItem::Union(union) => union.items.as_slice(),
        one => std::slice::from_ref(one),
    };
    let chars = items.iter().map(|i| match i {
        ClassSetItem::Literal(literal) => Some(literal.c),
        _ => None,
    });
    let chars: Vec<char> = chars.collect::<Option<_>>()?;
    let delimits = |c: &char| c.is_whitespace() || matches!(c, '"' | '\'' | '\\');
    (chars.len() <= 16 && !chars.iter().any(delimits)).then_some(chars)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::cmdline;

    #[test]
    fn names_letters_and_prefixes_are_alternatives() {
        assert_eq!(of(r"^W(?:7z|rar)\.exe"), [r"^W(?:7z)\.exe", r"^W(?:rar)\.exe"]);
        assert_eq!(of("-[cr]x"), ["-cx", "-rx"]);
        assert_eq!(of(r"(?:[\-/]|–)p"), ["(?:-)p", "(?:/)p", "(?:–)p"]);
        assert_eq!(of("--up(?:d(?:a)?)?"), ["--up(?:d(?:a))", "--up"]);
    }

    #[test]
    fn what_only_delimits_stays() {
        for pattern in [r#"a(?:[ \t"']|$)"#, r#"(?:"[^"]*"|[^ "]+)a"#, r"[a-z]+x", "a|b*|$", "(?:a|b)*"] {
            assert_eq!(of(pattern), [pattern], "{pattern}");
        }
    }

    #[test]
    fn a_quoted_argument_comes_after_the_bare_one() {
        let regex = cmdline::argument_is(&["-t7z".to_owned()], false);
        let forms = of(&regex.pattern);
        assert!(forms.len() == 2 && !forms[0].contains(r#""-t7z""#) && forms[1].contains(r#""-t7z""#), "{forms:?}");
    }

    #[test]
    fn a_hostile_number_of_alternatives_is_cut() {
        let many: Vec<String> = (0..5_000).map(|i| format!("a{i}")).collect();
        assert_eq!(of(&format!("(?:{})", many.join("|"))).len(), MOST);
    }
}
