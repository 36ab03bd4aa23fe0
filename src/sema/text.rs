//! Text operators: on strings and paths the text itself, on arguments the command line that holds them.

use super::case;
use super::condition::{Lower, words};
use super::never::{self, Compare};
use super::operand::{
    Operand, command_line, empty_text, not_a_field, unknown_value, used, wrong_operator, wrong_value,
};
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::paths::{self, Folder};
use crate::ir::pattern::Glob;
use crate::ir::{FieldRef, Matcher, Op, Pred, Regex, Test, Text, cmdline, portable};
use crate::source::Span;
use crate::syntax::ast::{Literal, Path, TextOp, TextOperand, Value, Values};
use crate::vocabulary::{FieldId, Type};

#[allow(clippy::too_many_arguments, reason = "one operator, spelled out")]
pub(super) fn lower(
    l: &mut Lower,
    field: FieldRef,
    path: &Path,
    op: TextOp,
    cased: bool,
    operand: &TextOperand,
    span: Span,
) -> Pred {
    let ty = field.id.def().ty;
    let fits = match op {
        TextOp::Matches => matches!(ty, Type::String | Type::Path),
        TextOp::Under => matches!(ty, Type::Path | Type::Argument),
        _ => ty.is_text(),
    };
    if !fits {
        return wrong_operator(l.report, path, ty, op.word(), span);
    }
    let mut words = words(&format!("{} {}", path.dotted(), op.word()));
    let list = match operand {
        TextOperand::Many { values: Values::Path(list), .. } | TextOperand::One(Value::Path(list)) => {
            self::words(&list.dotted())
        }
        _ => vec![],
    };
    words.extend(list.iter().cloned());
    let place = match operand {
        TextOperand::One(value) => Operand::one(value.span()),
        TextOperand::Many { values, .. } => Operand::many(values.span()),
    };
    let (all, literals) = match operand {
        TextOperand::One(Value::Literal(literal)) => (true, vec![literal.clone()]),
        TextOperand::One(Value::Path(name)) => match one_value(l, name, op) {
            Some(literal) => (true, vec![literal]),
            None => return Pred::Const(false),
        },
        TextOperand::Many { all, values } => (*all, l.project.lists.values(values, l.report)),
    };
    let mut texts = vec![];
    for literal in &literals {
        match literal {
            Literal::Text(t) if t.value.is_empty() => l.report.push(used(empty_text(t.span), place)),
            Literal::Text(t) => texts.push((t.value.clone(), t.span, t.raw)),
            other => wrong_value(l.report, path, ty, other, place),
        }
    }
    if texts.is_empty() {
        return Pred::Const(false);
    }
    if !cased {
        let cure = format!("compare it as it is written, with `{} cased`, or leave the letter out", op.word());
        case::check(l.report, Some(op), texts.iter().map(|(t, span, _)| (t.as_str(), *span)), place, &cure);
    }
    let written: Vec<(&str, Span)> = texts.iter().map(|(text, at, _)| (text.as_str(), *at)).collect();
    never::check(l, (field, path), (Compare::Text(op), cased), &written, (place, span));
    if ty == Type::Argument {
        if !no_quotes(l, &literals, place) {
            return Pred::Const(false);
        }
        let pred = argument(l, field, op, cased, all, &texts, (place, span));
        l.name(words, &pred);
        return pred;
    }
    let pred = value(l, field, op, cased, all, texts, (place, span));
    if !list.is_empty() {
        l.name_list(list, &pred);
    }
    l.name(words, &pred);
    pred
}

fn one_value(l: &mut Lower, name: &Path, op: TextOp) -> Option<Literal> {
    let text = name.dotted();
    if let Some(literal) = l.project.lists.param(&text) {
        return Some(literal.clone());
    }
    if l.project.lists.named(&text).is_some() {
        l.report.push(
            Diagnostic::new(Code::BareList, format!("`{}` needs `any` or `all` before a list", op.word()))
                .at(name.span, "one of these, or each of them?")
                .patch("one of them is enough", name.span, format!("any {text}")),
        );
    } else if FieldId::find(&text).is_some() {
        l.report.push(not_a_field(op.word(), "text", name.span));
    } else if !l.project.is_broken(&text) {
        unknown_value(l, Type::String, &text, name.span);
    }
    None
}

pub(super) fn no_quotes(l: &mut Lower, literals: &[Literal], operand: Operand) -> bool {
    let mut fine = true;
    for literal in literals {
        if let Literal::Text(t) = literal
            && t.value.contains('"')
        {
            fine = false;
            let diagnostic =
                Diagnostic::new(Code::QuoteInArgument, "an argument is compared without its double quotes")
                    .at(t.span, "contains a double quote")
                    .help("leave the quotes out, or ask `command_line`");
            l.report.push(used(diagnostic, operand));
        }
    }
    fine
}

/// The most wildcards of one pattern: engines try every way to fill them.
const MOST_WILDCARDS: usize = 100;

fn globs(l: &mut Lower, texts: &[(String, Span, bool)], operand: Operand) -> Vec<Glob> {
    let mut out = vec![];
    for (text, span, raw) in texts {
        match Glob::parse(text) {
            Ok(glob) if glob.wildcards() > MOST_WILDCARDS => {
                let diagnostic = Diagnostic::new(Code::BadPattern, "this pattern has too many wildcards")
                    .at(*span, format!("{} of `*` and `?`", glob.wildcards()))
                    .note(format!("at most {MOST_WILDCARDS} are compiled"))
                    .help("write what the text holds with `contains` or `matches`");
                l.report.push(used(diagnostic, operand));
            }
            Ok(glob) => out.push(glob),
            Err(at) => {
                let place = if *raw && !text.contains('\'') {
                    Span::new(span.file, span.start + 1 + at, span.start + 2 + at)
                } else {
                    *span
                };
                let diagnostic = Diagnostic::new(Code::BadPattern, "unescaped `[` in this pattern")
                    .at(place, "expected `[*]`, `[?]` or `[[]`");
                let cure = "for the character itself write `[[]`";
                let diagnostic =
                    if place == *span { diagnostic.help(cure) } else { diagnostic.patch(cure, place, "[[]") };
                l.report.push(used(diagnostic, operand));
            }
        }
    }
    out
}

fn folders(l: &mut Lower, texts: &[(String, Span, bool)], operand: Operand) -> Vec<Folder> {
    let mut out = vec![];
    for (text, span, _) in texts {
        match Folder::parse(text) {
            Some(folder) => out.push(folder),
            None => l.report.push(used(bad_folder(text, *span), operand)),
        }
    }
    out
}

pub(super) fn bad_folder(text: &str, span: Span) -> Diagnostic {
    Diagnostic::new(Code::BadFolder, format!("`{text}` is not a folder"))
        .at(span, r"expected C:\x, \\server\share, /x, :\x (any drive) or x\y (anywhere)")
}

#[allow(clippy::too_many_arguments, reason = "one operator, spelled out")]
fn argument(
    l: &mut Lower,
    field: FieldRef,
    op: TextOp,
    cased: bool,
    all: bool,
    texts: &[(String, Span, bool)],
    (operand, span): (Operand, Span),
) -> Pred {
    let plain: Vec<String> = texts.iter().map(|(t, ..)| t.clone()).collect();
    let groups: Vec<Vec<usize>> =
        if all { (0..texts.len()).map(|i| vec![i]).collect() } else { vec![(0..texts.len()).collect()] };
    let mut parts = vec![];
    let globs = if op == TextOp::Like { globs(l, texts, operand) } else { vec![] };
    let folders = if op == TextOp::Under { folders(l, texts, operand) } else { vec![] };
    for group in groups {
        let some: Vec<String> = group.iter().filter_map(|i| plain.get(*i).cloned()).collect();
        let regexes = match op {
            TextOp::Contains => vec![cmdline::argument_contains(&some, cased)],
            TextOp::StartsWith => vec![cmdline::argument_starts(&some, cased)],
            TextOp::EndsWith => vec![cmdline::argument_ends(&some, cased)],
            TextOp::Like => {
                let some: Vec<Glob> = group.iter().filter_map(|i| globs.get(*i).cloned()).collect();
                if some.is_empty() { vec![] } else { vec![cmdline::argument_like(&some, cased)] }
            }
            _ => {
                let some: Vec<Folder> = group.iter().filter_map(|i| folders.get(*i).cloned()).collect();
                cmdline::argument_under(&some, cased)
            }
        };
        parts.push(Pred::or(regexes.into_iter().map(|r| command_line(field, r, span)).collect::<Vec<_>>()));
    }
    Pred::and(parts)
}

#[allow(clippy::too_many_arguments, reason = "one operator, spelled out")]
fn value(
    l: &mut Lower,
    field: FieldRef,
    op: TextOp,
    cased: bool,
    all: bool,
    texts: Vec<(String, Span, bool)>,
    (operand, span): (Operand, Span),
) -> Pred {
    let all = all && texts.len() > 1;
    let test = |matcher, all| Pred::Test(Test { field, op: Op::Text(Text { matcher, all, cased }), span });
    let plain = || texts.iter().map(|(t, ..)| t.clone()).collect::<Vec<_>>();
    match op {
        TextOp::Contains => test(Matcher::Contains(plain()), all),
        TextOp::StartsWith => test(Matcher::StartsWith(plain()), all),
        TextOp::EndsWith => test(Matcher::EndsWith(plain()), all),
        TextOp::Like => {
            let globs = globs(l, &texts, operand);
            if globs.is_empty() { Pred::Const(false) } else { test(Matcher::Like(globs), all) }
        }
        TextOp::Under => {
            let folders = folders(l, &texts, operand);
            if folders.is_empty() {
                return Pred::Const(false);
            }
            let groups: Vec<Vec<Folder>> =
                if all { folders.into_iter().map(|f| vec![f]).collect() } else { vec![folders] };
            // A file lies in a folder if its path does.
            let path = FieldId::find("file.path").filter(|_| field.id.short() == "file.directory");
            let field = FieldRef { id: path.unwrap_or(field.id), ..field };
            Pred::and(groups.into_iter().map(|g| paths::under(field, &g, l.place.os, cased, span)).collect::<Vec<_>>())
        }
        TextOp::Matches => {
            let regexes: Vec<Pred> = texts
                .iter()
                .filter_map(|t| author_regex(l, t, cased, operand))
                .map(|r| test(Matcher::Regex(r), false))
                .collect();
            match (regexes.is_empty(), all) {
                (true, _) => Pred::Const(false),
                (_, true) => Pred::and(regexes),
                _ => Pred::or(regexes),
            }
        }
    }
}

fn author_regex(
    l: &mut Lower,
    (text, span, raw): &(String, Span, bool),
    cased: bool,
    operand: Operand,
) -> Option<Regex> {
    match portable::portable(text) {
        Ok(pattern) => Some(Regex { pattern, cased, loose: true, ..Regex::default() }),
        Err(refused) => {
            let exact = *raw && !text.contains('\'');
            let place = if exact {
                let end = refused.range.end.max(refused.range.start + 1).min(text.len());
                Span::new(span.file, span.start + 1 + refused.range.start.min(text.len()), span.start + 1 + end)
            } else {
                *span
            };
            // In escaped text the place is not known: the label says which piece is meant.
            let piece = text.get(refused.range.clone()).filter(|p| !exact && !p.is_empty() && p.len() < text.len());
            let label = piece.map_or(refused.why.clone(), |p| format!("{}: `{p}`", refused.why));
            let diagnostic = match refused.cure {
                "" => Diagnostic::new(Code::BadRegex, "this is not a valid regular expression").at(place, label),
                cure => Diagnostic::new(Code::BadRegex, "this regular expression does not mean the same everywhere")
                    .at(place, label)
                    .help(cure),
            };
            l.report.push(used(diagnostic, operand));
            None
        }
    }
}
