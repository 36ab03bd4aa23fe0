//! SPL's syntax tree as text. The one place that quotes, escapes and parenthesises SPL.

use super::ast::{Base, Eval, Model, Order, Piece, Query, Search, Stat, Step};
use std::fmt::Write as _;

/// Lines longer than this are broken where an operand ends.
const WIDTH: usize = 120;

/// Whose macros a query calls where it reads data models.
#[derive(Clone, Copy, Debug)]
pub enum Macros<'a> {
    /// The target's, for summaries; `None`: it has none.
    Own(Option<&'a str>),
    /// Those of Splunk's own content. The one for summaries fills in what is missing, too.
    Content,
}

impl Macros<'_> {
    /// What stands behind `tstats`.
    fn summaries(self, filler: &str) -> String {
        let mut out = match self {
            Macros::Content => return format!("`{}`", super::CONTENT_MACROS[0]),
            Macros::Own(Some(name)) => format!("`{name}` fillnull_value="),
            Macros::Own(None) => "summariesonly=false fillnull_value=".to_owned(),
        };
        quote(&mut out, filler);
        out
    }
}

pub fn query(query: &Query, macros: Macros) -> String {
    let mut out = match &query.base {
        Base::Search(search_) => conjunction(search_, "    "),
        Base::Tstats { datamodel, filler, filter, times, by } => {
            let mut out = format!("| tstats {} count", macros.summaries(filler));
            if let Some((first, last)) = times {
                let _ = write!(out, " min(_time) AS {} max(_time) AS {}\n   ", field(first), field(last));
            }
            from(&mut out, datamodel, filter.as_ref(), by);
            out
        }
        Base::Models { filler, models } => {
            let one = |(i, model): (usize, &Model)| {
                let append = if i > 0 { " append=t" } else { "" };
                let summaries = macros.summaries(filler);
                let mut out = format!("| tstats prestats=t{append} {summaries} count min(_time) max(_time)\n   ");
                from(&mut out, &model.datamodel, model.filter.as_ref(), &model.by);
                out
            };
            models.iter().enumerate().map(one).collect::<Vec<_>>().join("\n")
        }
    };
    for step in &query.steps {
        out.push('\n');
        match (step, macros) {
            (Step::Unprefix(prefix), Macros::Content) => {
                let _ = write!(out, "| `{}({prefix})`", super::CONTENT_MACROS[1]);
            }
            _ => self::step(&mut out, step),
        }
    }
    out.push('\n');
    out
}

/// A data model, what is asked of its events, and what makes a row of them.
fn from(out: &mut String, datamodel: &str, filter: Option<&Search>, by: &[String]) {
    let prefix = datamodel.rsplit('.').next().unwrap_or(datamodel);
    let _ = write!(out, " from datamodel={datamodel}");
    if let Some(filter) = filter {
        let _ = write!(out, "\n    where {}", conjunction(filter, "    "));
    }
    let by: Vec<String> = by.iter().map(|f| field(&format!("{prefix}.{f}"))).collect();
    let _ = write!(out, "\n    by _time span=1s{}", wrapped(&by, " ", "        "));
}

/// One command with its pipe.
pub fn step(out: &mut String, step: &Step) {
    match step {
        Step::Comment(text) => {
            let _ = write!(out, "    ```{}```", super::comment(text));
        }
        Step::Unprefix(prefix) => {
            let _ = write!(out, "| rename {prefix}.* AS *");
        }
        Step::FillNull(fields) => {
            out.push_str("| fillnull value=\"\"");
            out.push_str(&wrapped(&fields.iter().map(|f| field(f)).collect::<Vec<_>>(), " ", "    "));
        }
        Step::Where(e) => {
            out.push_str("| where ");
            broken(out, e, 4, 8);
        }
        Step::Eval(all) => {
            out.push_str("| eval ");
            for (i, (name, e)) in all.iter().enumerate() {
                if i > 0 {
                    out.push_str(",\n    ");
                }
                eval_field(out, name);
                out.push('=');
                broken(out, e, 8, name.len() + 8);
            }
        }
        Step::Table(fields) => {
            out.push_str("| table");
            out.push_str(&wrapped(&fields.iter().map(|f| field(f)).collect::<Vec<_>>(), ", ", "    "));
        }
        Step::Sort(keys) => {
            let keys: Vec<String> = keys.iter().map(order).collect();
            let _ = write!(out, "| sort 0 {}", keys.join(", "));
        }
        Step::Streamstats(s) => {
            out.push_str("| streamstats");
            if s.before {
                out.push_str(" current=f");
            }
            if let Some(window) = s.window {
                // Without global=f the window would count the rows of all groups.
                let _ = write!(out, " window={window} global=f");
            }
            stats(out, &s.stats, &s.by);
        }
        Step::Stats(all, by) => {
            out.push_str("| stats");
            stats(out, all, by);
        }
        Step::Eventstats(all, by) => {
            out.push_str("| eventstats");
            stats(out, all, by);
        }
        Step::Mvexpand(name) => {
            let _ = write!(out, "| mvexpand {}", field(name));
        }
        Step::Dedup(name) => {
            let _ = write!(out, "| dedup {}", field(name));
        }
        Step::Addinfo => out.push_str("| addinfo"),
        Step::Drop(fields) => {
            out.push_str("| fields -");
            out.push_str(&wrapped(&fields.iter().map(|f| field(f)).collect::<Vec<_>>(), ", ", "    "));
        }
        Step::Macro(name) => {
            let _ = write!(out, "| `{name}`");
        }
    }
}

fn order(key: &Order) -> String {
    match key {
        Order::Rising(name) => field(name),
        Order::Falling(name) => format!("- {}", field(name)),
    }
}

/// Statistics with their names and groups.
fn stats(out: &mut String, all: &[Stat], by: &[String]) {
    let one = |stat: &Stat| {
        let over = match &stat.over {
            None => String::new(),
            Some(Eval::Field(name)) => format!("({})", field(name)),
            Some(e) => format!("(eval({}))", printed(e)),
        };
        if stat.over.is_none() && stat.name == stat.function {
            return stat.name.clone();
        }
        format!("{}{over} AS {}", stat.function, field(&stat.name))
    };
    let all: Vec<String> = all.iter().map(one).collect();
    let list = wrapped(&all, ", ", "    ");
    out.push_str(&list);
    if by.is_empty() {
        return;
    }
    let by: Vec<String> = by.iter().map(|f| field(f)).collect();
    let length: usize = list.len() + by.iter().map(|f| f.len() + 2).sum::<usize>();
    let broken = list.contains('\n') || length > WIDTH;
    out.push_str(if broken { "\n    BY" } else { " BY" });
    out.push_str(&wrapped(&by, ", ", "        "));
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

/// Items of a list in parentheses, as many a line as fit.
fn list(out: &mut String, all: &[String], indent: usize, used: usize) {
    let mut width = used;
    for (i, item) in all.iter().enumerate() {
        let last = i + 1 == all.len();
        if i > 0 && width + item.len() + 2 > WIDTH {
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', indent));
            width = indent;
        } else if i > 0 {
            out.push(' ');
            width += 1;
        }
        out.push_str(item);
        out.push_str(if last { "" } else { "," });
        width += item.len() + 1;
    }
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
        let first = text.lines().next().unwrap_or("").len();
        if i > 0 {
            if width + first > WIDTH || text.contains('\n') {
                let _ = write!(out, "\n{indent}");
                width = indent.len();
            } else {
                out.push(' ');
            }
        }
        width += text.lines().last().unwrap_or("").len() + 1;
        out.push_str(&text);
    }
    out
}

pub fn search(s: &Search, indent: &str) -> String {
    match s {
        Search::Macro(name) => format!("`{name}`"),
        Search::Is(name, value) => format!("{}={}", field(name), pieces(value)),
        Search::In(name, values) => {
            let mut out = format!("{} IN (", field(name));
            let values: Vec<String> = values.iter().map(|v| pieces(v)).collect();
            let used = indent.len() + out.len() + 4;
            list(&mut out, &values, indent.len() + 4, used);
            out.push(')');
            out
        }
        Search::Order(name, sign, n) => format!("{}{sign}{n}", field(name)),
        Search::And(all) => lines(all, "AND", indent),
        Search::Or(all) => lines(all, "OR", indent),
        Search::Not(inner) => format!("NOT ({})", search(inner, indent)),
        Search::Values { of, from, field: name } => {
            let deeper = format!("{indent}    ");
            let renamed =
                if from == name { String::new() } else { format!(" | rename {} AS {}", field(from), field(name)) };
            let of = conjunction(of, &deeper);
            format!("[search {of}\n{deeper}| dedup {}{renamed} | fields {}]", field(from), field(name))
        }
    }
}

fn lines(all: &[Search], word: &str, indent: &str) -> String {
    let deeper = format!("{indent}    ");
    let parts: Vec<String> = all.iter().map(|s| search_operand(s, &deeper)).collect();
    let flat = parts.join(&format!(" {word} "));
    if indent.len() + flat.len() <= WIDTH && !flat.contains('\n') {
        flat
    } else {
        parts.join(&format!("\n{deeper}{word} "))
    }
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

/// An expression that may go over several lines: the operands of its connectives begin lines.
fn broken(out: &mut String, e: &Eval, indent: usize, used: usize) {
    if left(e, WIDTH.saturating_sub(used)).is_some() {
        return eval(out, e);
    }
    match e {
        Eval::And(all) | Eval::Or(all) => {
            let word = if matches!(e, Eval::And(_)) { "AND " } else { "OR " };
            for (i, operand) in all.iter().enumerate() {
                if i > 0 {
                    out.push('\n');
                    out.extend(std::iter::repeat_n(' ', indent));
                    out.push_str(word);
                }
                let connective = is_grouped(operand);
                if connective {
                    out.push('(');
                }
                broken(out, operand, indent + 4, indent + 4);
                if connective {
                    out.push(')');
                }
            }
        }
        Eval::Not(inner) => {
            let call = matches!(**inner, Eval::Call(..));
            out.push_str(if call { "NOT " } else { "NOT (" });
            broken(out, inner, indent, used + 5);
            out.push_str(if call { "" } else { ")" });
        }
        Eval::Call("in", all) => {
            let all: Vec<String> = all.iter().map(printed).collect();
            out.push_str("in(");
            list(out, &all, indent, used + 3);
            out.push(')');
        }
        Eval::Call("case", all) => {
            out.push_str("case(");
            for (i, arm) in all.chunks(2).enumerate() {
                if i > 0 {
                    out.push(',');
                }
                out.push('\n');
                out.extend(std::iter::repeat_n(' ', indent));
                for (i, operand) in arm.iter().enumerate() {
                    if i > 0 {
                        out.push_str(", ");
                    }
                    broken(out, operand, indent + 4, indent + 8);
                }
            }
            out.push(')');
        }
        Eval::Call("if", all) => {
            out.push_str("if(");
            for (i, operand) in all.iter().enumerate() {
                if i > 0 {
                    out.push_str(", ");
                }
                broken(out, operand, indent, used + 3);
            }
            out.push(')');
        }
        _ => eval(out, e),
    }
}

/// The room that an expression leaves on a line; `None`: it does not fit. Looks no further than that.
fn left(e: &Eval, room: usize) -> Option<usize> {
    let each = |all: &[Eval], between: usize, room: usize| {
        all.iter()
            .enumerate()
            .try_fold(room, |room, (i, e)| left(e, room.checked_sub(if i > 0 { between } else { 0 })?))
    };
    match e {
        Eval::Field(name) => room.checked_sub(name.len()),
        Eval::Text(text) | Eval::Pattern(text) => room.checked_sub(text.len() + 2),
        Eval::Number(_) => room.checked_sub(4),
        Eval::Call(function, all) => each(all, 2, room.checked_sub(function.len() + 2)?),
        Eval::Binary(op, a, b) => left(b, left(a, room)?.checked_sub(op.len())?),
        Eval::And(all) | Eval::Or(all) => {
            let nested = all.iter().filter(|e| matches!(e, Eval::And(_) | Eval::Or(_))).count();
            each(all, 5, room.checked_sub(nested * 2)?)
        }
        Eval::Not(inner) => left(inner, room.checked_sub(6)?),
    }
}

/// How long an expression is on one line.
pub fn length(e: &Eval) -> usize {
    printed(e).len()
}

fn printed(e: &Eval) -> String {
    let mut out = String::new();
    eval(&mut out, e);
    out
}

pub fn eval(out: &mut String, e: &Eval) {
    match e {
        Eval::Field(name) => eval_field(out, name),
        Eval::Text(text) | Eval::Pattern(text) => quote(out, text),
        Eval::Number(n) => out.push_str(&n.to_string()),
        Eval::Call(function, all) => {
            out.push_str(function);
            out.push('(');
            separated(out, all, ", ", eval);
            out.push(')');
        }
        Eval::Binary(op, a, b) => {
            eval(out, a);
            out.push_str(op);
            eval(out, b);
        }
        Eval::And(all) => separated(out, all, " AND ", eval_operand),
        Eval::Or(all) => separated(out, all, " OR ", eval_operand),
        Eval::Not(inner) => {
            let call = matches!(**inner, Eval::Call(..));
            out.push_str(if call { "NOT " } else { "NOT (" });
            eval(out, inner);
            out.push_str(if call { "" } else { ")" });
        }
    }
}

fn separated(out: &mut String, all: &[Eval], separator: &str, print: fn(&mut String, &Eval)) {
    for (i, e) in all.iter().enumerate() {
        if i > 0 {
            out.push_str(separator);
        }
        print(out, e);
    }
}

/// A connective inside another one stands in parentheses.
fn is_grouped(e: &Eval) -> bool {
    matches!(e, Eval::And(_) | Eval::Or(_))
}

fn eval_operand(out: &mut String, e: &Eval) {
    let connective = is_grouped(e);
    if connective {
        out.push('(');
    }
    eval(out, e);
    if connective {
        out.push(')');
    }
}

/// A string of eval: backslashes and quotes are escaped, all else is itself.
fn quote(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        if c == '\\' || c == '"' {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
}

/// A field in an expression: in single quotes unless it is a plain word.
fn eval_field(out: &mut String, name: &str) {
    let plain =
        name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !name.starts_with(|c: char| c.is_ascii_digit());
    if plain && !name.is_empty() {
        out.push_str(name);
    } else {
        let _ = write!(out, "'{}'", name.replace('\\', "\\\\").replace('\'', "\\'"));
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
    fn a_pattern_has_two_layers_of_escapes() {
        assert_eq!(printed(|o| quote(o, r#"\\rar\.exe"$"#)), r#""\\\\rar\\.exe\"$""#);
    }

    #[test]
    fn every_connective_inside_another_is_parenthesised() {
        let field = |n: &str| Eval::Field(n.to_owned());
        let e = Eval::And(vec![field("a"), Eval::Or(vec![field("b"), field("c.d")]), Eval::Not(Box::new(field("e")))]);
        assert_eq!(printed(|o| eval(o, &e)), "a AND (b OR 'c.d') AND NOT (e)");
        let is = |n: &str| Search::Is(n.to_owned(), vec![Piece::Any, Piece::Text("x\\".into())]);
        let s = Search::Or(vec![
            is("a"),
            Search::And(vec![is("b"), Search::Not(Box::new(Search::Or(vec![is("c"), is("d")])))]),
        ]);
        assert_eq!(search(&s, ""), r#"a="*x\\" OR (b="*x\\" AND NOT (c="*x\\" OR d="*x\\"))"#);
    }
}
