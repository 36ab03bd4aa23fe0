//! Tests of a part of a column, said as tests of the whole column where that is exact: `Image|endswith: '\rar.exe'` for
//! the name `rar.exe`. Paths in logs are full native paths: a name has a separator before it.

use super::Language;
use super::bound::{Bound, BoundOp, BoundTest};
use super::column::{Column, How};
use crate::ir::pattern::{Glob, Part};
use crate::ir::regex::{alternatives, escape};
use crate::ir::{Matcher, Regex, Text};
use crate::source::Span;
use crate::vocabulary::Os;

/// The separators of native paths on some systems.
#[must_use]
pub fn separators(os: &[Os]) -> Vec<char> {
    let mut out = vec![];
    if os.contains(&Os::Windows) {
        out.push('\\');
    }
    if os.iter().any(|o| *o != Os::Windows) {
        out.push('/');
    }
    out
}

fn text(column: Column, matcher: Matcher, like: &Text, span: Span) -> Bound {
    let all = like.all;
    Bound::Test(BoundTest { column, op: BoundOp::Text(Text { matcher, all, cased: like.cased }), span })
}

fn no_separator(values: &[String]) -> bool {
    values.iter().all(|v| !v.contains(['\\', '/']))
}

/// The cheap forms: equality and endings. `None`: this test has none.
#[must_use]
pub fn cheap(column: &Column, test: &Text, os: &[Os], language: Language, span: Span) -> Option<Bound> {
    let whole = column.to_whole();
    match (column.how, &test.matcher) {
        // Kusto computes a name once and looks it up in a long list.
        (How::Name | How::Extension, Matcher::Exact(values)) if language == Language::Kql && values.len() > 2 => None,
        (How::Name, Matcher::Exact(values)) => {
            // A name never holds a separator: such a value equals no name.
            let values: Vec<&String> = values.iter().filter(|v| !v.contains(['\\', '/'])).collect();
            let ends = separators(os)
                .into_iter()
                .flat_map(|s| values.iter().map(move |v| format!("{s}{v}")))
                .collect::<Vec<_>>();
            if ends.is_empty() {
                return Some(Bound::Const(false));
            }
            Some(text(whole, Matcher::EndsWith(ends), test, span))
        }
        (How::Name, Matcher::EndsWith(values)) if no_separator(values) => {
            Some(text(whole, test.matcher.clone(), test, span))
        }
        (How::Extension, Matcher::Exact(values)) => {
            let ends: Vec<String> =
                values.iter().filter(|v| !v.contains(['\\', '/', '.'])).map(|v| format!(".{v}")).collect();
            if ends.is_empty() {
                return Some(Bound::Const(false));
            }
            Some(text(whole, Matcher::EndsWith(ends), test, span))
        }
        // Neither a user's name nor a domain holds a backslash: such a value equals none.
        (How::Account | How::Domain, Matcher::Exact(values)) => {
            let values: Vec<String> = values.iter().filter(|v| !v.contains('\\')).cloned().collect();
            if values.is_empty() {
                return Some(Bound::Const(false));
            }
            if column.how == How::Domain {
                let starts = values.iter().map(|v| format!("{v}\\")).collect();
                return Some(text(whole, Matcher::StartsWith(starts), test, span));
            }
            let ends = values.iter().map(|v| format!("\\{v}")).collect();
            let same = text(whole.clone(), Matcher::Exact(values), test, span);
            Some(Bound::Or(vec![text(whole, Matcher::EndsWith(ends), test, span), same]))
        }
        _ => None,
    }
}

/// The forms as a regular expression, for languages that compute nothing. `None`: it cannot be said.
#[must_use]
pub fn regex(column: &Column, test: &Text, span: Span) -> Option<Bound> {
    let (before, inner) = match column.how {
        How::Name => (r"(?:^|[\\/])", r"[^\\/]"),
        How::Extension => (r"\.", r"[^.\\/]"),
        _ => return None,
    };
    let run = format!("{inner}*");
    let pattern = |body: String, anchored: bool, tail: bool| {
        let start = if anchored { before.to_owned() } else { format!("{before}{run}") };
        let end = if tail { run.clone() } else { String::new() };
        format!("{start}{body}{end}$")
    };
    let each = |values: &[String], f: &dyn Fn(String) -> String| -> Option<Vec<String>> {
        if values.iter().any(|v| v.contains(['\\', '/'])) {
            return None;
        }
        Some(values.iter().map(|v| f(escape(v))).collect())
    };
    let patterns = match &test.matcher {
        Matcher::Contains(v) => each(v, &|v| pattern(v, false, true))?,
        Matcher::StartsWith(v) => each(v, &|v| pattern(v, true, true))?,
        Matcher::EndsWith(v) => each(v, &|v| pattern(v, false, false))?,
        Matcher::Like(globs) => {
            if globs.iter().any(|g| g.any_literal(|c| c == '\\' || c == '/')) {
                return None;
            }
            globs.iter().map(|g| pattern(g.to_regex(&run, inner), true, false)).collect()
        }
        Matcher::Exact(_) | Matcher::Regex(_) => return None,
    };
    let whole = column.to_whole();
    let made = |pattern: String| {
        let regex = Regex { pattern, cased: test.cased, loose: true, ..Regex::default() };
        let all = Text { matcher: Matcher::Regex(regex.clone()), all: false, cased: test.cased };
        text(whole.clone(), Matcher::Regex(regex), &all, span)
    };
    if test.all {
        return Some(Bound::And(patterns.into_iter().map(made).collect()));
    }
    Some(made(alternatives(&patterns)))
}

/// Each of several values as a test of its own: only `contains` has a form for all of them in every language.
fn each_alone(text: &Text) -> Option<Vec<Text>> {
    let one = |matcher: Matcher| Text { matcher, all: false, cased: text.cased };
    let each = |values: &[String], made: fn(Vec<String>) -> Matcher| {
        values.iter().map(|v| one(made(vec![v.clone()]))).collect()
    };
    match &text.matcher {
        Matcher::Exact(values) => Some(each(values, Matcher::Exact)),
        Matcher::StartsWith(values) => Some(each(values, Matcher::StartsWith)),
        Matcher::EndsWith(values) => Some(each(values, Matcher::EndsWith)),
        Matcher::Contains(values) if text.cased => Some(each(values, Matcher::Contains)),
        _ => None,
    }
}

/// Patterns that need no wildcard are said without.
#[must_use]
pub fn simplify(text: Text) -> Vec<Text> {
    if let (true, Some(values)) = (text.all, each_alone(&text)) {
        return values;
    }
    let Matcher::Like(globs) = &text.matcher else { return vec![text] };
    if text.all {
        // Each pattern is a test of its own.
        let one = |g: &Glob| Text { matcher: Matcher::Like(vec![g.clone()]), all: false, cased: text.cased };
        return globs.iter().flat_map(|g| simplify(one(g))).collect();
    }
    let (mut exact, mut starts, mut ends, mut contains, mut rest) = (vec![], vec![], vec![], vec![], vec![]);
    for glob in globs {
        match glob.parts.as_slice() {
            [Part::Literal(t)] => exact.push(t.clone()),
            [Part::Literal(t), Part::Any] => starts.push(t.clone()),
            [Part::Any, Part::Literal(t)] => ends.push(t.clone()),
            [Part::Any, Part::Literal(t), Part::Any] => contains.push(t.clone()),
            _ => rest.push(glob.clone()),
        }
    }
    let lists =
        [Matcher::Exact(exact), Matcher::StartsWith(starts), Matcher::EndsWith(ends), Matcher::Contains(contains)];
    let mut out: Vec<Text> = lists
        .into_iter()
        .filter(|m| !matches!(m, Matcher::Exact(v) | Matcher::StartsWith(v) | Matcher::EndsWith(v) | Matcher::Contains(v) if v.is_empty()))
        .map(|matcher| Text { matcher, all: false, cased: text.cased })
        .collect();
    if !rest.is_empty() {
        out.push(Text { matcher: Matcher::Like(rest), all: false, cased: text.cased });
    }
    out
}
