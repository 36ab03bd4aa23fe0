//! KQL's syntax tree as text. The one place that quotes, escapes and parenthesises KQL.

use super::ast::{Expr, Pipeline, Query, Step};
use std::fmt::Write as _;

/// Lines longer than this are broken where an operand ends.
const WIDTH: usize = 110;

/// A query whose lines are indented by `step` blanks a level.
pub fn query(query: &Query, step: usize) -> String {
    let mut out = String::new();
    for (name, pipeline_) in &query.lets {
        let body = pipeline(pipeline_, "    ");
        let _ = writeln!(out, "let {name} = {body};");
    }
    out.push_str(&pipeline(&query.main, ""));
    out.push('\n');
    reindented(&out, step)
}

/// Lines begin with blanks in steps of four; a narrower step makes a long query shorter. No literal spans lines.
fn reindented(text: &str, step: usize) -> String {
    if step == 4 {
        return text.to_owned();
    }
    text.lines().map(|l| format!("{}{}\n", " ".repeat((l.len() - l.trim_start().len()) / 4 * step), l.trim_start())).collect()
}

fn pipeline(pipeline: &Pipeline, indent: &str) -> String {
    let mut out = match pipeline.source.as_slice() {
        [table] => name(table),
        many => format!("union {}", many.join(", ")),
    };
    for step in &pipeline.steps {
        let _ = write!(out, "\n{indent}{}", self::step(step, indent));
    }
    out
}

fn step(step: &Step, indent: &str) -> String {
    match step {
        Step::Comment(text) => format!("// {text}"),
        Step::Where(expr) => format!("| where {}", broken(expr, &format!("{indent}    "), 8)),
        Step::Extend(columns) => {
            let inner = format!("{indent}    ");
            let all: Vec<String> = columns.iter().map(|(n, e)| format!("{} = {}", name(n), broken(e, &format!("{inner}    "), n.len() + 7))).collect();
            format!("| extend{}", list(&all, &inner))
        }
        Step::Project(columns) => {
            let all: Vec<String> = columns
                .iter()
                .map(|(alias, e)| match alias {
                    Some(alias) => format!("{} = {}", name(alias), expr(e)),
                    None => expr(e),
                })
                .collect();
            format!("| project {}", filled(&all, &format!("{indent}    ")))
        }
    }
}

/// One a line unless all fit on one.
fn list(all: &[String], indent: &str) -> String {
    let flat = all.join(", ");
    if flat.len() <= WIDTH && !flat.contains('\n') { format!(" {flat}") } else { format!("\n{indent}{}", all.join(&format!(",\n{indent}"))) }
}

/// As many a line as fit.
fn filled(all: &[String], indent: &str) -> String {
    let mut out = String::new();
    let mut width = 10;
    for (i, item) in all.iter().enumerate() {
        if i > 0 {
            out.push(',');
            if width + item.len() > WIDTH {
                let _ = write!(out, "\n{indent}");
                width = indent.len();
            } else {
                out.push(' ');
            }
        }
        out.push_str(item);
        width += item.len() + 2;
    }
    out
}

/// An expression that may go over several lines: the operands of its connectives begin lines.
fn broken(e: &Expr, indent: &str, used: usize) -> String {
    let flat = expr(e);
    if flat.len() + used <= WIDTH {
        return flat;
    }
    let deeper = format!("{indent}    ");
    match e {
        Expr::And(all) | Expr::Or(all) => {
            let word = if matches!(e, Expr::And(_)) { "and" } else { "or" };
            let parts: Vec<String> = all.iter().map(|o| operand(o, &deeper)).collect();
            parts.join(&format!("\n{indent}{word} "))
        }
        Expr::Not(inner) => format!("not({})", broken(inner, indent, used + 4)),
        _ => flat,
    }
}

fn operand(e: &Expr, indent: &str) -> String {
    match e {
        Expr::And(_) | Expr::Or(_) => format!("({})", broken(e, indent, indent.len())),
        _ => broken(e, indent, indent.len()),
    }
}

/// An expression on one line.
fn expr(e: &Expr) -> String {
    match e {
        Expr::Column(column) => name(column),
        Expr::Text(text) => quote(text),
        Expr::Number(n) => n.to_string(),
        Expr::Bool(b) => b.to_string(),
        Expr::Call(function, arguments) => format!("{function}({})", commas(arguments)),
        Expr::Binary(op, a, b) => format!("{} {op} {}", expr(a), expr(b)),
        Expr::In(op, a, all) => format!("{} {op} ({})", expr(a), commas(all)),
        Expr::Matches(a, pattern) => format!("{} matches regex {}", expr(a), quote(pattern)),
        Expr::And(all) => all.iter().map(grouped).collect::<Vec<_>>().join(" and "),
        Expr::Or(all) => all.iter().map(grouped).collect::<Vec<_>>().join(" or "),
        Expr::Not(inner) => format!("not({})", expr(inner)),
    }
}

fn grouped(e: &Expr) -> String {
    match e {
        Expr::And(_) | Expr::Or(_) => format!("({})", expr(e)),
        _ => expr(e),
    }
}

fn commas(all: &[Expr]) -> String {
    all.iter().map(expr).collect::<Vec<_>>().join(", ")
}

/// A string literal: verbatim if that spares backslashes. Never `h"…"`, which hides it from the log.
fn quote(text: &str) -> String {
    let control = text.chars().any(|c| (c as u32) < 0x20 || c == '\u{7f}');
    if text.contains('\\') && !control {
        // The quote that stands in the text less often needs less doubling.
        let quote = if text.matches('"').count() > text.matches('\'').count() { '\'' } else { '"' };
        return format!("@{quote}{}{quote}", text.replace(quote, &format!("{quote}{quote}")));
    }
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if (c as u32) < 0x20 || c == '\u{7f}' => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Words that a column's name may not be without brackets.
const KEYWORDS: [&str; 24] = [
    "and", "or", "not", "by", "in", "has", "let", "where", "project", "extend", "summarize", "join", "union", "on", "contains",
    "between", "true", "false", "null", "asc", "desc", "with", "of", "kind",
];

/// A column's name, in brackets where it is no plain word.
fn name(text: &str) -> String {
    let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !text.starts_with(|c: char| c.is_ascii_digit());
    if plain && !text.is_empty() && !KEYWORDS.contains(&text) { text.to_owned() } else { format!("['{}']", text.replace('\\', "\\\\").replace('\'', "\\'")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_verbatim_where_it_holds_backslashes() {
        assert_eq!(quote(r"C:\x"), r#"@"C:\x""#);
        assert_eq!(quote(r#"a\"b"#), r#"@'a\"b'"#);
        assert_eq!(quote(r#"\''""b"#), r#"@"\''""""b""#);
        assert_eq!(quote("a\"b\n"), r#""a\"b\n""#);
        assert_eq!(quote("\\\u{1}"), r#""\\\u0001""#);
    }

    #[test]
    fn connectives_inside_connectives_are_parenthesised() {
        let column = |n: &str| Expr::Column(n.to_owned());
        let e = Expr::And(vec![column("A"), Expr::Or(vec![column("B"), column("C")]), Expr::Not(Box::new(Expr::Or(vec![column("D"), column("E")])))]);
        assert_eq!(expr(&e), "A and (B or C) and not(D or E)");
    }

    #[test]
    fn odd_names_stand_in_brackets() {
        assert_eq!(name("FileName"), "FileName");
        assert_eq!(name("by"), "['by']");
        assert_eq!(name("a-b"), "['a-b']");
    }
}
