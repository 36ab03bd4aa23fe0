//! Values that a query holds several times: parts of regular expressions and lists become `let`s with a name of their own.

use super::ast::{Constant, Expr, Piece, Query};
use std::collections::HashMap;

/// A list of this many values that stands twice gets a name.
const LONG_LIST: usize = 6;
/// So does one that prints as many characters.
const WIDE_LIST: usize = 40;

/// A part of a regular expression that stands twice gets a name, and a short one, such as the end of a name, only where it
/// stands often: its name would make the query longer.
const SHORT_PART: usize = 20;
const OFTEN: usize = 6;

/// Gives names to what stands twice or more; what stands once stands in its place. `inline`: regular expressions stay whole.
pub fn share(query: &mut Query, inline: bool) {
    parts(query, inline);
    // The names of several programs stand together in front, as one list.
    let mut leading = vec![];
    query.each_filter(&mut |e| {
        if matches!(e, Expr::Or(_)) {
            leading.push(std::mem::replace(e, Expr::All));
        }
    });
    lists(query);
    let mut leading = leading.into_iter();
    query.each_filter(&mut |e| {
        if *e == Expr::All {
            *e = leading.next().unwrap_or(Expr::All);
        }
    });
    query.each_mut(&mut |e| {
        if let Expr::Or(all) = e {
            merge(all);
            if let [only] = all.as_mut_slice() {
                *e = std::mem::replace(only, Expr::All);
            }
        }
    });
}

/// Whether a column, or a table of the query's own, has this name.
fn is_taken(query: &mut Query, name: &str) -> bool {
    let mut taken = query.lets.iter().any(|l| l.name == name);
    query.each_mut(&mut |e| taken |= matches!(e, Expr::Column(column) if column == name));
    taken
}

/// Named parts of regular expressions.
fn parts(query: &mut Query, inline: bool) {
    if !inline {
        one_case(query);
    }
    let mut uses: Vec<(Piece, usize)> = vec![];
    query.each_mut(&mut |e| {
        let Expr::Matches(_, pieces) = e else { return };
        for piece in pieces.iter().filter(|p| p.part.is_some()) {
            match uses.iter_mut().find(|(p, _)| p == piece) {
                Some((_, n)) => *n += 1,
                None => uses.push((piece.clone(), 1)),
            }
        }
    });
    uses.retain(|(piece, n)| !inline && *n >= if piece.text.len() < SHORT_PART { OFTEN } else { 2 });
    uses.retain(|(piece, _)| piece.part.is_some_and(|(name, _)| !is_taken(query, name)));
    uses.sort_by_key(|(piece, _)| piece.part);
    let shared: Vec<&Piece> = uses.iter().map(|(piece, _)| piece).collect();
    query.each_mut(&mut |e| {
        let Expr::Matches(_, pieces) = e else { return };
        let mut out: Vec<Piece> = vec![];
        for mut piece in std::mem::take(pieces) {
            if !shared.contains(&&piece) {
                piece.part = None;
            }
            match out.last_mut() {
                Some(last) if last.part.is_none() && piece.part.is_none() => last.text.push_str(&piece.text),
                _ => out.push(piece),
            }
        }
        *pieces = out;
    });
    let constant = |piece: &Piece| {
        let (name, words) = piece.part.unwrap_or_default();
        Constant { name: name.to_owned(), value: Expr::Text(piece.text.clone()), words }
    };
    query.constants.extend(uses.iter().map(|(piece, _)| constant(piece)));
}

/// One name for beginnings that differ only in whether letters' case counts: it is what the rest says again. No letter that
/// such a beginning looks for has a case.
fn one_case(query: &mut Query) {
    let mut ignoring: Vec<Piece> = vec![];
    query.each_mut(&mut |e| {
        if let Expr::Matches(_, pieces) = e {
            ignoring.extend(pieces.first().filter(|p| p.part.is_some() && p.text.starts_with("(?i")).cloned());
        }
    });
    query.each_mut(&mut |e| {
        let Expr::Matches(_, pieces) = e else { return };
        let Some(first) = pieces.first_mut() else { return };
        let Some(twin) = ignoring.iter().find(|p| p.part == first.part && p.text != first.text) else { return };
        *first = twin.clone();
        pieces.insert(1, Piece::text("(?-i)"));
    });
}

/// Lists that stand twice, by the name that the source has for them.
fn lists(query: &mut Query) {
    let mut uses: HashMap<Vec<Expr>, usize> = HashMap::new();
    query.each_mut(&mut |e| {
        if let Expr::In(_, _, all) = e {
            *uses.entry(all.clone()).or_default() += 1;
        }
    });
    let width =
        |all: &[Expr]| -> usize { all.iter().map(|e| if let Expr::Text(text) = e { text.len() + 4 } else { 6 }).sum() };
    let mut named: Vec<(Vec<Expr>, String)> = vec![];
    for (list, name) in std::mem::take(&mut query.lists) {
        let long = list.len() >= LONG_LIST || width(&list) >= WIDE_LIST;
        let twice = uses.get(&list).is_some_and(|n| *n > 1);
        if !long || !twice || named.iter().any(|(l, _)| *l == list) {
            continue;
        }
        let free = (1..).map(|n| if n == 1 { name.clone() } else { format!("{name}{n}") });
        let mut free = free.filter(|name| !named.iter().any(|(_, n)| n == name) && !is_taken(query, name));
        if let Some(name) = free.next() {
            named.push((list, name));
        }
    }
    query.each_mut(&mut |e| {
        if let Expr::In(_, _, all) = e
            && let Some((_, name)) = named.iter().find(|(list, _)| list == all)
        {
            *all = vec![Expr::Column(name.clone())];
        }
    });
    query.constants.extend(named.into_iter().map(|(list, name)| Constant { name, value: Expr::List(list), words: "" }));
}

/// Alternatives on one column are one list, but for lists that have a name.
fn merge(all: &mut Vec<Expr>) {
    let mut out: Vec<Expr> = vec![];
    for expr in std::mem::take(all) {
        let (op, column, values) = match expr {
            Expr::In(op, column, values) if !values.iter().any(|v| matches!(v, Expr::Column(_))) => {
                (op, column, values)
            }
            Expr::Binary("=~", column, value) if matches!(*value, Expr::Text(_)) => ("in~", column, vec![*value]),
            Expr::Binary("has", column, value) => ("has_any", column, vec![*value]),
            other => {
                out.push(other);
                continue;
            }
        };
        let there = out.iter_mut().find_map(|e| match e {
            Expr::In(o, c, all) if *o == op && *c == column && !all.iter().any(|v| matches!(v, Expr::Column(_))) => {
                Some(all)
            }
            _ => None,
        });
        match there {
            Some(there) => {
                for value in values {
                    if !there.contains(&value) {
                        there.push(value);
                    }
                }
            }
            None => out.push(Expr::In(op, column, values)),
        }
    }
    *all = out.into_iter().map(single).collect();
}

/// One value is no list.
fn single(expr: Expr) -> Expr {
    match expr {
        Expr::In(op @ ("in~" | "has_any"), column, mut values)
            if values.len() == 1 && matches!(values.first(), Some(Expr::Text(_))) =>
        {
            Expr::Binary(if op == "in~" { "=~" } else { "has" }, column, Box::new(values.remove(0)))
        }
        other => other,
    }
}
