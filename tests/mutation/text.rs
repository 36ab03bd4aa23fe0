//! Mistakes of the printers: changes of printed text, by its literals, its comments and its parentheses.

use super::Mistake;
use arcanary::backend::stage::Change;
use arcanary::backend::{Fragment, Printed};

const fn printed(what: &'static str, change: fn(&mut Printed)) -> Mistake {
    Mistake::new(what, Change::Printed(change))
}

/// KQL's.
pub const OF_KQL: [Mistake; 5] = [
    printed("a connective in another one stands without parentheses", |printed| {
        each(printed, "", &|text| {
            ungrouped(text, Literals::Kql, &|before, group| {
                kql_group(before) && !begins_line(before) && !group.contains('\n')
            })
        });
    }),
    printed("the same where it goes over several lines", |printed| {
        each(printed, "", &|text| {
            ungrouped(text, Literals::Kql, &|before, _| kql_group(before) && begins_line(before))
        });
    }),
    printed("a quote in a text is not escaped", |printed| {
        each(printed, "", &|text| {
            relettered(text, Literals::Kql, &|literal| {
                if literal.starts_with('@') { literal.to_owned() } else { unescaped(literal, '"') }
            })
        });
    }),
    printed("a quote in a verbatim text is not doubled", |printed| {
        each(printed, "", &|text| {
            relettered(text, Literals::Kql, &|literal| match literal.get(..2) {
                Some(start @ ("@\"" | "@'")) => {
                    let (quote, inside) = (&start[1..], &literal[2..literal.len() - 1]);
                    format!("{start}{}{quote}", inside.replace(&quote.repeat(2), quote))
                }
                _ => literal.to_owned(),
            })
        });
    }),
    printed("a text with backslashes is not verbatim", |printed| {
        each(printed, "", &|text| {
            relettered(text, Literals::Kql, &|literal| literal.trim_start_matches('@').to_owned())
        });
    }),
];

/// SPL's.
pub const OF_SPL: [Mistake; 7] = [
    printed("a connective in another one stands without parentheses in the base search", |printed| {
        each_base(printed, &|base| ungrouped(base, Literals::Spl, &|before, _| spl_group(before)));
    }),
    printed("the same in expressions", |printed| {
        each_rest(printed, &|rest| ungrouped(rest, Literals::Spl, &|before, _| spl_group(before)));
    }),
    printed("a backslash is not escaped in the base search", |printed| {
        each_base(printed, &|base| relettered(base, Literals::Spl, &|literal| unescaped(literal, '\\')));
    }),
    printed("a quote is not escaped in the base search", |printed| {
        each_base(printed, &|base| relettered(base, Literals::Spl, &|literal| unescaped(literal, '"')));
    }),
    printed("a backslash is not escaped in expressions", |printed| {
        each_rest(printed, &|rest| relettered(rest, Literals::Spl, &|literal| unescaped(literal, '\\')));
    }),
    printed("a quote is not escaped in expressions", |printed| {
        each_rest(printed, &|rest| relettered(rest, Literals::Spl, &|literal| unescaped(literal, '"')));
    }),
    printed("three backticks in a title end a comment", |printed| {
        each(printed, "", &|text| rewritten(text, Literals::Spl, Kind::Comment, &|said| said.replace("'''", "```")));
    }),
];

/// Sigma's.
pub const OF_SIGMA: [Mistake; 3] = [
    printed("a connective in another one stands without parentheses", |printed| {
        each(printed, "condition", &|line| line.replace(['(', ')'], ""));
    }),
    printed("a quote in a scalar is not doubled", |printed| {
        each(printed, "lines", &|line| quoted(line, &|text| format!("'{}'", text.replace("''", "'"))));
    }),
    printed("values stand without quotes", |printed| {
        each(printed, "lines", &|line| quoted(line, &str::to_owned));
    }),
];

/// Changes all printed text below a name; below the empty name, all of it.
pub fn each(printed: &mut Printed, below: &str, change: &dyn Fn(&str) -> String) {
    for (name, fragment) in &mut printed.fragments {
        inside(fragment, below, below.is_empty() || *name == below, change);
    }
}

fn inside(fragment: &mut Fragment, below: &str, here: bool, change: &dyn Fn(&str) -> String) {
    match fragment {
        Fragment::Text(text) if here => *text = change(text),
        Fragment::Text(_) => {}
        Fragment::List(all) => all.iter_mut().for_each(|f| inside(f, below, here, change)),
        Fragment::Record(all) => all.iter_mut().for_each(|(name, f)| inside(f, below, here || name == below, change)),
    }
}

/// Changes the lists of printed texts of a name.
pub fn each_list(printed: &mut Printed, name: &str, change: &dyn Fn(&mut Vec<String>)) {
    fn inside(fragment: &mut Fragment, here: bool, name: &str, change: &dyn Fn(&mut Vec<String>)) {
        match fragment {
            Fragment::Text(_) => {}
            Fragment::List(all) if here => {
                let text = |f: &Fragment| if let Fragment::Text(text) = f { text.clone() } else { String::new() };
                let mut texts = all.iter().map(text).collect();
                change(&mut texts);
                *all = texts.into_iter().map(Fragment::Text).collect();
            }
            Fragment::List(all) => all.iter_mut().for_each(|f| inside(f, false, name, change)),
            Fragment::Record(all) => all.iter_mut().for_each(|(n, f)| inside(f, n == name, name, change)),
        }
    }
    printed.fragments.iter_mut().for_each(|(_, f)| inside(f, false, name, change));
}

/// How a language writes literals.
#[derive(Clone, Copy, PartialEq)]
enum Literals {
    /// `"a\"b"`, `@"a""b"`, `@'a'`; `// …` is a comment.
    Kql,
    /// `"a\"b"`; ```` ```…``` ```` is a comment.
    Spl,
}

/// What a stretch of printed text is.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Code,
    Literal,
    Comment,
}

/// A text as stretches of code, literals and comments.
fn stretches(text: &str, literals: Literals) -> Vec<(Kind, &str)> {
    let mut out = vec![];
    let (mut start, mut at) = (0, 0);
    while at < text.len() {
        let rest = &text[at..];
        let (kind, length) = match literals {
            Literals::Kql if rest.starts_with("//") => (Kind::Comment, rest.find('\n').unwrap_or(rest.len())),
            Literals::Kql if rest.starts_with("@\"") || rest.starts_with("@'") => {
                (Kind::Literal, 1 + verbatim(&rest[1..]))
            }
            Literals::Spl if rest.starts_with("```") => (Kind::Comment, 6 + rest[3..].find("```").unwrap_or(0)),
            _ if rest.starts_with('"') => (Kind::Literal, escaped(rest)),
            _ => (Kind::Code, rest.chars().next().map_or(1, char::len_utf8)),
        };
        if kind != Kind::Code {
            out.push((Kind::Code, &text[start..at]));
            out.push((kind, &rest[..length]));
            start = at + length;
        }
        at += length;
    }
    out.push((Kind::Code, &text[start..]));
    out
}

/// The length of a literal that doubles its quote.
fn verbatim(text: &str) -> usize {
    let quote = &text[..1];
    let mut at = 1;
    while text[at..].starts_with(&quote.repeat(2)) || !text[at..].starts_with(quote) {
        at += if text[at..].starts_with(quote) { 2 } else { text[at..].chars().next().map_or(1, char::len_utf8) };
    }
    at + 1
}

/// The length of a literal in which a backslash takes the next character.
fn escaped(text: &str) -> usize {
    let mut taken = false;
    let end = text.char_indices().skip(1).find(|(_, c)| {
        let ends = *c == '"' && !taken;
        taken = *c == '\\' && !taken;
        ends
    });
    end.map_or(text.len(), |(at, _)| at + 1)
}

/// A text with other literals.
fn relettered(text: &str, literals: Literals, change: &dyn Fn(&str) -> String) -> String {
    rewritten(text, literals, Kind::Literal, change)
}

/// A text with other stretches of a kind.
fn rewritten(text: &str, literals: Literals, which: Kind, change: &dyn Fn(&str) -> String) -> String {
    let stretch = |(kind, text)| if kind == which { change(text) } else { text.to_owned() };
    stretches(text, literals).into_iter().map(stretch).collect()
}

/// A literal in which this character stands without its escape.
fn unescaped(literal: &str, which: char) -> String {
    let mut out = String::new();
    let mut rest = literal.chars();
    while let Some(c) = rest.next() {
        match (c, rest.clone().next()) {
            ('\\', Some(next)) => {
                out.extend((next != which).then_some(c));
                out.extend(rest.next());
            }
            _ => out.push(c),
        }
    }
    out
}

/// Changes the base search of a query in SPL.
fn each_base(printed: &mut Printed, change: &dyn Fn(&str) -> String) {
    each(printed, "", &|text| {
        let (base, rest) = text.split_at(text.find("\n|").unwrap_or(text.len()));
        change(base) + rest
    });
}

/// Changes what stands behind it.
fn each_rest(printed: &mut Printed, change: &dyn Fn(&str) -> String) {
    each(printed, "", &|text| {
        let (base, rest) = text.split_at(text.find("\n|").unwrap_or(text.len()));
        base.to_owned() + &change(rest)
    });
}

/// A text without the parentheses around some groups: `goes` is asked what stands before a group, and what is in it.
fn ungrouped(text: &str, literals: Literals, goes: &dyn Fn(&str, &str) -> bool) -> String {
    let mut code = vec![];
    let mut at = 0;
    for (kind, stretch) in stretches(text, literals) {
        if kind == Kind::Code {
            code.extend(stretch.char_indices().filter(|(_, c)| matches!(c, '(' | ')')).map(|(i, c)| (at + i, c)));
        }
        at += stretch.len();
    }
    let mut open: Vec<usize> = vec![];
    let mut lost = vec![];
    for (place, c) in code {
        if c == '(' {
            open.push(place);
        } else if let Some(start) = open.pop()
            && goes(&text[..start], &text[start + 1..place])
        {
            lost.extend([start, place]);
        }
    }
    text.char_indices().filter(|(i, _)| !lost.contains(i)).map(|(_, c)| c).collect()
}

/// Whether a parenthesis that stands behind this text groups operands, and is none of a call or of a list.
fn kql_group(before: &str) -> bool {
    before.ends_with('(') || [" and ", " or ", "where ", "= "].iter().any(|word| before.ends_with(word))
}

/// Whether what stands behind this text begins an operand of a connective that goes over several lines.
fn begins_line(before: &str) -> bool {
    let line = before.rsplit('\n').next().unwrap_or(before).trim_start();
    matches!(line, "and " | "or " | "| where ")
}

/// The same of SPL: a parenthesis of a list or of a NOT stays.
fn spl_group(before: &str) -> bool {
    let alone = before.is_empty() || before.ends_with(['(', ' ']);
    alone && !before.ends_with("IN ") && !before.ends_with("NOT ")
}

/// A line of YAML with another form of its value, if that stands in single quotes.
fn quoted(line: &str, change: &dyn Fn(&str) -> String) -> String {
    match (line.find('\''), line.strip_suffix('\'')) {
        (Some(start), Some(inside)) if inside.len() > start + 1 => {
            format!("{}{}", &line[..start], change(&inside[start + 1..]))
        }
        _ => line.to_owned(),
    }
}
