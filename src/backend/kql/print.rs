//! KQL's syntax tree as text. The one place that quotes, escapes and parenthesises KQL.

use super::ast::{Constant, Expr, Let, Piece, Pipeline, Query, Step};
use crate::escape::is_unclean;
use std::fmt::Write as _;

/// Lines longer than this are broken where an operand ends.
const WIDTH: usize = 120;

/// A query, with four blanks a level.
pub fn query(query: &Query) -> String {
    let mut out = String::with_capacity(4096);
    constants(&mut out, &query.constants);
    for Let { name, body, kept } in &query.lets {
        let _ = write!(out, "let {name} = ");
        if *kept {
            out.push_str("materialize(");
        }
        pipeline(&mut out, body, 4);
        out.push_str(if *kept { ");\n" } else { ";\n" });
    }
    pipeline(&mut out, &query.main, 0);
    out.push('\n');
    out
}

/// Constants, with what they are behind them.
fn constants(out: &mut String, all: &[Constant]) {
    let mut said = "";
    for Constant { name, value, words } in all {
        let _ = write!(out, "let {name} = ");
        expr(out, value);
        out.push(';');
        // The form of a part that counts letters' case stands behind the other one, and needs no words of its own.
        if !words.is_empty() && *words != said {
            let _ = write!(out, "  // {words}");
        }
        said = words;
        out.push('\n');
    }
}

fn pipeline(out: &mut String, pipeline: &Pipeline, indent: usize) {
    match pipeline.source.as_slice() {
        [table] => name(out, table),
        many => {
            let _ = write!(out, "union {}", many.join(", "));
        }
    }
    for s in &pipeline.steps {
        line(out, indent);
        step(out, s, indent);
    }
}

fn step(out: &mut String, step: &Step, indent: usize) {
    match step {
        Step::Comment(text) => {
            let _ = write!(out, "// {text}");
        }
        Step::Where(e) | Step::Filter(e) => {
            out.push_str("| where ");
            broken(out, e, indent + 4, 8);
        }
        Step::Extend(columns) => {
            out.push_str("| extend");
            let flat = columns.iter().try_fold(WIDTH, |room, (n, e)| left(e, room.checked_sub(n.len() + 5)?)).is_some();
            for (i, (n, e)) in columns.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                if flat {
                    out.push(' ')
                } else {
                    line(out, indent + 4)
                }
                name(out, n);
                out.push_str(" = ");
                broken(out, e, indent + 8, if flat { 0 } else { n.len() + 7 });
            }
        }
        Step::Project(columns) => {
            out.push_str("| project ");
            listed(out, columns.iter().map(named), indent + 4, 10);
        }
        Step::Summarize(aggregates, by) => {
            out.push_str("| summarize ");
            listed(out, aggregates.iter().map(named), indent + 4, 12);
            out.push_str(" by ");
            listed(out, by.iter().map(|n| column(n)), indent + 4, 30);
        }
        Step::Distinct(columns) => {
            out.push_str("| distinct ");
            listed(out, columns.iter().map(|n| column(n)), indent + 4, 11);
        }
        Step::Join(kind, right, on) => {
            let _ = write!(out, "| join kind={kind} ");
            joined(out, right, indent);
            out.push_str(" on ");
            listed(out, on.iter().map(|n| column(n)), indent + 4, 30);
        }
        Step::Expand(index, columns) => {
            out.push_str("| mv-expand ");
            if let Some(index) = index {
                let _ = write!(out, "with_itemindex = {index} ");
            }
            let item = |(name, e, ty): &(String, Expr, &str)| {
                format!("{} to typeof({ty})", named(&(Some(name.clone()), e.clone())))
            };
            listed(out, columns.iter().map(item), indent + 4, 30);
        }
    }
}

/// The right side of a join: a name, or a pipeline in parentheses, on one line if it is short.
fn joined(out: &mut String, right: &Pipeline, indent: usize) {
    let mut text = String::new();
    pipeline(&mut text, right, indent + 8);
    let flat: Vec<&str> = text.lines().map(str::trim).collect();
    let flat = flat.join(" ");
    match right.steps.as_slice() {
        [] => out.push_str(&text),
        _ if flat.len() + indent < WIDTH - 30 && !flat.contains("//") => {
            let _ = write!(out, "({flat})");
        }
        _ => {
            out.push('(');
            line(out, indent + 8);
            out.push_str(&text);
            out.push(')');
        }
    }
}

/// Items behind commas; a new line begins where one does not fit.
fn listed(out: &mut String, items: impl Iterator<Item = String>, indent: usize, used: usize) {
    let mut width = used;
    for (i, item) in items.enumerate() {
        if i > 0 {
            out.push(',');
            if width + item.len() > WIDTH {
                line(out, indent);
                width = indent;
            } else {
                out.push(' ');
            }
        }
        width += item.len() + 2;
        out.push_str(&item);
    }
}

fn column(text: &str) -> String {
    let mut out = String::new();
    name(&mut out, text);
    out
}

fn named((alias, e): &(Option<String>, Expr)) -> String {
    let mut out = alias.as_ref().map_or_else(String::new, |alias| format!("{} = ", column(alias)));
    expr(&mut out, e);
    out
}

/// An expression that may go over several lines: the operands of its connectives begin lines.
fn broken(out: &mut String, e: &Expr, indent: usize, used: usize) {
    if fits(e, WIDTH.saturating_sub(used)) {
        return expr(out, e);
    }
    match e {
        Expr::And(all) | Expr::Or(all) => {
            let word = if matches!(e, Expr::And(_)) { "and " } else { "or " };
            for (i, inner) in all.iter().enumerate() {
                if i > 0 {
                    line(out, indent);
                    out.push_str(word);
                }
                operand(out, inner, indent + 4);
            }
        }
        Expr::Not(inner) => {
            out.push_str("not(");
            broken(out, inner, indent, used + 4);
            out.push(')');
        }
        // A condition and its value have a line.
        Expr::Call("case", all) => {
            out.push_str("case(");
            for (i, pair) in all.chunks(2).enumerate() {
                if i > 0 {
                    out.push(',');
                    line(out, indent);
                }
                separated(out, pair, ", ", expr);
            }
            out.push(')');
        }
        _ => expr(out, e),
    }
}

fn operand(out: &mut String, e: &Expr, indent: usize) {
    match e {
        Expr::And(_) | Expr::Or(_) => {
            out.push('(');
            broken(out, e, indent, indent);
            out.push(')');
        }
        _ => broken(out, e, indent, indent),
    }
}

fn line(out: &mut String, indent: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n(' ', indent));
}

/// Whether an expression is at most this wide; looks no further than that.
fn fits(e: &Expr, room: usize) -> bool {
    left(e, room).is_some()
}

/// The room that an expression leaves.
fn left(e: &Expr, room: usize) -> Option<usize> {
    let each = |all: &[Expr], between: usize, room: usize| {
        all.iter()
            .enumerate()
            .try_fold(room, |room, (i, e)| left(e, room.checked_sub(if i > 0 { between } else { 0 })?))
    };
    match e {
        Expr::Column(name) => room.checked_sub(name.len()),
        Expr::Text(text) => room.checked_sub(text.len() + 2),
        Expr::Number(_) | Expr::Bool(_) => room.checked_sub(5),
        Expr::Time(_) => room.checked_sub(20),
        Expr::Span(_) | Expr::All => room.checked_sub(4),
        Expr::Null(ty) => room.checked_sub(ty.len() + 6),
        Expr::Item(list, _) => left(list, room.checked_sub(4)?),
        Expr::Call(function, all) => each(all, 2, room.checked_sub(function.len() + 2)?),
        Expr::Binary(op, a, b) => left(b, left(a, room)?.checked_sub(op.len() + 2)?),
        Expr::In(op, a, all) => each(all, 2, left(a, room)?.checked_sub(op.len() + 4)?),
        Expr::List(all) => each(all, 2, room.checked_sub(11)?),
        Expr::Matches(a, pieces) => {
            let width: usize = pieces.iter().map(|p| p.part.map_or(p.text.len() + 5, |(name, _)| name.len() + 2)).sum();
            left(a, room)?.checked_sub(width + 18)
        }
        Expr::And(all) | Expr::Or(all) => {
            let nested = all.iter().filter(|e| matches!(e, Expr::And(_) | Expr::Or(_))).count();
            each(all, 5, room.checked_sub(nested * 2)?)
        }
        Expr::Not(inner) => left(inner, room.checked_sub(5)?),
    }
}

/// An expression on one line.
fn expr(out: &mut String, e: &Expr) {
    match e {
        Expr::Column(column) => name(out, column),
        Expr::Text(text) => quote(out, text),
        Expr::Number(n) => out.push_str(&n.to_string()),
        Expr::Time(micros) => {
            let _ = write!(out, "datetime({})", day(*micros));
        }
        Expr::Span(micros) => out.push_str(&span(*micros)),
        Expr::Null(ty) => {
            let _ = write!(out, "{ty}(null)");
        }
        Expr::All => out.push('*'),
        Expr::Item(list, index) => {
            expr(out, list);
            let _ = write!(out, "[{index}]");
        }
        Expr::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Expr::Call(function, arguments) => {
            out.push_str(function);
            out.push('(');
            separated(out, arguments, ", ", expr);
            out.push(')');
        }
        Expr::Binary(op, a, b) => {
            expr(out, a);
            word(out, op);
            expr(out, b);
        }
        Expr::In(op, a, all) => {
            expr(out, a);
            word(out, op);
            out.push('(');
            separated(out, all, ", ", expr);
            out.push(')');
        }
        Expr::List(all) => {
            out.push_str("dynamic([");
            separated(out, all, ", ", expr);
            out.push_str("])");
        }
        Expr::Matches(a, pieces) => {
            expr(out, a);
            out.push_str(" matches regex ");
            regex(out, pieces);
        }
        Expr::And(all) => separated(out, all, " and ", grouped),
        Expr::Or(all) => separated(out, all, " or ", grouped),
        Expr::Not(inner) => {
            out.push_str("not(");
            expr(out, inner);
            out.push(')');
        }
    }
}

/// An expression as text.
pub fn one(e: &Expr) -> String {
    let mut out = String::new();
    expr(&mut out, e);
    out
}

/// A regular expression, put together of its named parts and the rest.
fn regex(out: &mut String, pieces: &[Piece]) {
    if let [only] = pieces {
        return piece(out, only);
    }
    out.push_str("strcat(");
    for (i, one) in pieces.iter().enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        piece(out, one);
    }
    out.push(')');
}

fn piece(out: &mut String, piece: &Piece) {
    match piece.part {
        Some((name, _)) => out.push_str(name),
        None => quote(out, &piece.text),
    }
}

fn word(out: &mut String, word: &str) {
    out.push(' ');
    out.push_str(word);
    out.push(' ');
}

fn separated(out: &mut String, all: &[Expr], separator: &str, print: fn(&mut String, &Expr)) {
    for (i, e) in all.iter().enumerate() {
        if i > 0 {
            out.push_str(separator);
        }
        print(out, e);
    }
}

fn grouped(out: &mut String, e: &Expr) {
    let connective = matches!(e, Expr::And(_) | Expr::Or(_));
    if connective {
        out.push('(');
    }
    expr(out, e);
    if connective {
        out.push(')');
    }
}

/// A timespan in its largest whole unit.
fn span(micros: i64) -> String {
    const UNITS: [(i64, &str); 5] =
        [(86_400_000_000, "d"), (3_600_000_000, "h"), (60_000_000, "m"), (1_000_000, "s"), (1000, "ms")];
    let unit = UNITS.iter().find(|(size, _)| micros % size == 0);
    unit.map_or_else(|| format!("{micros}microsecond"), |(size, word)| format!("{}{word}", micros / size))
}

/// The day of a time in microseconds since 1970; the language's times are days.
fn day(micros: i64) -> String {
    let days = micros.div_euclid(86_400_000_000) + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let of_year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let day_of_year = of_era - (365 * of_year + of_year / 4 - of_year / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = of_year + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

/// Whether a character is written by its number: one that does not print, or that does something to the text around it.
fn steers(c: char) -> bool {
    c.is_control() || is_unclean(c) && c <= '\u{ffff}'
}

/// A string literal: verbatim if that spares backslashes. Never `h"…"`, which hides it from the log.
fn quote(out: &mut String, text: &str) {
    let control = text.chars().any(steers);
    if text.contains('\\') && !control {
        // The quote that stands in the text less often needs less doubling.
        let quote = if text.matches('"').count() > text.matches('\'').count() { '\'' } else { '"' };
        out.push('@');
        out.push(quote);
        for c in text.chars() {
            out.push(c);
            if c == quote {
                out.push(c);
            }
        }
        out.push(quote);
        return;
    }
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if steers(c) => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

/// Words that a column's name may not be without brackets: operators, and types, which begin literals.
const KEYWORDS: [&str; 40] = [
    "and",
    "or",
    "not",
    "by",
    "in",
    "has",
    "let",
    "where",
    "project",
    "extend",
    "summarize",
    "join",
    "union",
    "on",
    "contains",
    "between",
    "true",
    "false",
    "null",
    "asc",
    "desc",
    "with",
    "of",
    "kind",
    "bool",
    "boolean",
    "date",
    "datetime",
    "decimal",
    "double",
    "dynamic",
    "guid",
    "int",
    "long",
    "real",
    "string",
    "time",
    "timespan",
    "typeof",
    "uuid",
];

/// A column's name, in brackets where it is no plain word.
fn name(out: &mut String, text: &str) {
    let plain =
        text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !text.starts_with(|c: char| c.is_ascii_digit());
    if plain && !text.is_empty() && !KEYWORDS.contains(&text) {
        out.push_str(text);
    } else {
        let _ = write!(out, "['{}']", text.replace('\\', "\\\\").replace('\'', "\\'"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(print: impl Fn(&mut String)) -> String {
        let mut out = String::new();
        print(&mut out);
        out
    }

    #[test]
    fn text_is_verbatim_where_it_holds_backslashes() {
        assert_eq!(printed(|o| quote(o, r"C:\x")), r#"@"C:\x""#);
        assert_eq!(printed(|o| quote(o, r#"a\"b"#)), r#"@'a\"b'"#);
        assert_eq!(printed(|o| quote(o, r#"\''""b"#)), r#"@"\''""""b""#);
        assert_eq!(printed(|o| quote(o, "a\"b\n")), r#""a\"b\n""#);
        assert_eq!(printed(|o| quote(o, "\\\u{1}")), r#""\\\u0001""#);
        assert_eq!(printed(|o| quote(o, "a\u{85}\u{2028}é")), r#""a\u0085\u2028é""#);
    }

    #[test]
    fn connectives_inside_connectives_are_parenthesised() {
        let column = |n: &str| Expr::Column(n.to_owned());
        let e = Expr::And(vec![
            column("A"),
            Expr::Or(vec![column("B"), column("C")]),
            Expr::Not(Box::new(Expr::Or(vec![column("D"), column("E")]))),
        ]);
        assert_eq!(printed(|o| expr(o, &e)), "A and (B or C) and not(D or E)");
    }

    #[test]
    fn spans_print_in_their_largest_unit() {
        for (micros, text) in
            [(900_000_000, "15m"), (5_400_000_000, "90m"), (172_800_000_000, "2d"), (1_000, "1ms"), (1, "1microsecond")]
        {
            assert_eq!(printed(|o| expr(o, &Expr::Span(micros))), text);
        }
    }

    #[test]
    fn times_print_as_their_day() {
        for (micros, text) in [
            (0, "1970-01-01"),
            (1_767_225_600_000_000, "2026-01-01"),
            (1_709_164_800_000_000, "2024-02-29"),
            (-86_400_000_000, "1969-12-31"),
        ] {
            assert_eq!(day(micros), text);
        }
    }

    #[test]
    fn odd_names_stand_in_brackets() {
        assert_eq!(printed(|o| name(o, "FileName")), "FileName");
        assert_eq!(printed(|o| name(o, "by")), "['by']");
        assert_eq!(printed(|o| name(o, "a-b")), "['a-b']");
        assert_eq!(printed(|o| name(o, "long")), "['long']");
    }
}
