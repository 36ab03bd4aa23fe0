//! SPL's syntax tree as text. The one place that quotes, escapes and parenthesises SPL.

use super::ast::{Base, Eval, Piece, Query, Search, Step};
use std::fmt::Write as _;

/// Lines longer than this are broken where an operand ends.
const WIDTH: usize = 110;

pub fn query(query: &Query) -> String {
    let mut out = match &query.base {
        Base::Search(search_) => conjunction(search_, "    "),
        Base::Tstats { datamodel, filler, filter, by } => {
            let prefix = datamodel.rsplit('.').next().unwrap_or(datamodel);
            let mut out = format!("| tstats summariesonly=false fillnull_value={} count from datamodel={datamodel}", quote(filler));
            if let Some(filter) = filter {
                let _ = write!(out, "\n    where {}", conjunction(filter, "    "));
            }
            let by: Vec<String> = by.iter().map(|f| field(&format!("{prefix}.{f}"))).collect();
            let _ = write!(out, "\n    by _time span=1s{}", wrapped(&by, " ", "        "));
            out
        }
    };
    for step in &query.steps {
        let _ = write!(out, "\n{}", self::step(step));
    }
    out.push('\n');
    out
}

fn step(step: &Step) -> String {
    match step {
        Step::Comment(text) => format!("    ```{}```", super::comment(text)),
        Step::Unprefix(prefix) => format!("| rename {prefix}.* AS *"),
        Step::FillNull(fields) => format!("| fillnull value=\"\"{}", wrapped(&fields.iter().map(|f| field(f)).collect::<Vec<_>>(), " ", "    ")),
        Step::Where(eval_) => format!("| where {}", broken(eval_, "    ", 8)),
        Step::Eval(all) => {
            let all: Vec<String> = all.iter().map(|(n, e)| format!("{}={}", eval_field(n), broken(e, "        ", n.len() + 8))).collect();
            format!("| eval {}", all.join(",\n    "))
        }
        Step::Table(fields) => {
            let all: Vec<String> = fields.iter().map(|f| field(f)).collect();
            format!("| table{}", wrapped(&all, ", ", "    "))
        }
    }
}

/// Items behind a command, as many a line as fit; each line after the first is indented.
fn wrapped(all: &[String], separator: &str, indent: &str) -> String {
    let mut out = String::new();
    let mut width = 20;
    for (i, item) in all.iter().enumerate() {
        if i > 0 {
            out.push_str(separator.trim_end());
        }
        if width + item.len() > WIDTH {
            let _ = write!(out, "\n{indent}");
            width = indent.len();
        } else {
            out.push(' ');
        }
        out.push_str(item);
        width += item.len() + 2;
    }
    out
}

// ---- the search command ----

/// A conjunction without AND between its operands, each long one on a line of its own.
fn conjunction(s: &Search, indent: &str) -> String {
    let all = match s {
        Search::And(all) => all.as_slice(),
        other => std::slice::from_ref(other),
    };
    let mut out = String::new();
    let mut width = 0;
    for (i, operand) in all.iter().enumerate() {
        let text = search_operand(operand, indent);
        if i > 0 {
            if width + text.len() > WIDTH {
                let _ = write!(out, "\n{indent}");
                width = indent.len();
            } else {
                out.push(' ');
            }
        }
        width += text.len() + 1;
        out.push_str(&text);
    }
    out
}

fn search(s: &Search, indent: &str) -> String {
    match s {
        Search::Macro(name) => format!("`{name}`"),
        Search::Is(name, value) => format!("{}={}", field(name), pieces(value)),
        Search::In(name, values) => {
            format!("{} IN ({})", field(name), values.iter().map(|v| pieces(v)).collect::<Vec<_>>().join(", "))
        }
        Search::Order(name, sign, n) => format!("{}{sign}{n}", field(name)),
        Search::And(all) => lines(all, "AND", indent),
        Search::Or(all) => lines(all, "OR", indent),
        Search::Not(inner) => format!("NOT ({})", search(inner, indent)),
    }
}

fn lines(all: &[Search], word: &str, indent: &str) -> String {
    let deeper = format!("{indent}    ");
    let parts: Vec<String> = all.iter().map(|s| search_operand(s, &deeper)).collect();
    let flat = parts.join(&format!(" {word} "));
    if flat.len() <= WIDTH && !flat.contains('\n') { flat } else { parts.join(&format!("\n{deeper}{word} ")) }
}

/// AND, OR and NOT inside another one stand in parentheses: the commands of Splunk disagree on which binds tighter.
fn search_operand(s: &Search, indent: &str) -> String {
    match s {
        Search::And(_) | Search::Or(_) => format!("({})", search(s, indent)),
        _ => search(s, indent),
    }
}

fn pieces(all: &[Piece]) -> String {
    let inner: String = all
        .iter()
        .map(|p| match p {
            Piece::Any => "*".to_owned(),
            Piece::Text(t) => escaped(t),
        })
        .collect();
    let bare = !inner.is_empty() && inner.chars().all(|c| c.is_ascii_digit());
    if bare { inner } else { format!("\"{inner}\"") }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

/// A field's name in search, table, fillnull and by.
fn field(name: &str) -> String {
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.'));
    if plain && !name.is_empty() { name.to_owned() } else { format!("\"{}\"", escaped(name)) }
}

// ---- eval ----

fn broken(e: &Eval, indent: &str, used: usize) -> String {
    let flat = eval(e);
    if flat.len() + used <= WIDTH {
        return flat;
    }
    let deeper = format!("{indent}    ");
    match e {
        Eval::And(all) | Eval::Or(all) => {
            let word = if matches!(e, Eval::And(_)) { "AND" } else { "OR" };
            let parts: Vec<String> = all
                .iter()
                .map(|o| match o {
                    Eval::And(_) | Eval::Or(_) => format!("({})", broken(o, &deeper, deeper.len())),
                    _ => broken(o, &deeper, deeper.len()),
                })
                .collect();
            parts.join(&format!("\n{indent}{word} "))
        }
        Eval::Not(inner) => format!("NOT ({})", broken(inner, indent, used + 5)),
        Eval::Call("if", all) => match all.as_slice() {
            [condition, yes, no] => format!("if({}, {}, {})", broken(condition, indent, used + 3), eval(yes), eval(no)),
            _ => flat,
        },
        _ => flat,
    }
}

fn eval(e: &Eval) -> String {
    match e {
        Eval::Field(name) => eval_field(name),
        Eval::Text(text) | Eval::Pattern(text) => quote(text),
        Eval::Number(n) => n.to_string(),
        Eval::Call(function, all) => format!("{function}({})", all.iter().map(eval).collect::<Vec<_>>().join(", ")),
        Eval::Binary(op, a, b) => format!("{}{op}{}", eval(a), eval(b)),
        Eval::And(all) => all.iter().map(eval_operand).collect::<Vec<_>>().join(" AND "),
        Eval::Or(all) => all.iter().map(eval_operand).collect::<Vec<_>>().join(" OR "),
        Eval::Not(inner) => format!("NOT ({})", eval(inner)),
    }
}

fn eval_operand(e: &Eval) -> String {
    match e {
        Eval::And(_) | Eval::Or(_) => format!("({})", eval(e)),
        _ => eval(e),
    }
}

/// A string of eval: backslashes and quotes are escaped, all else is itself.
fn quote(text: &str) -> String {
    format!("\"{}\"", escaped(text))
}

/// A field in an expression: in single quotes unless it is a plain word.
fn eval_field(name: &str) -> String {
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !name.starts_with(|c: char| c.is_ascii_digit());
    if plain && !name.is_empty() { name.to_owned() } else { format!("'{}'", name.replace('\\', "\\\\").replace('\'', "\\'")) }
}
