//! How large conditions become once their `let`s, lists and groups are put in. Conditions that are too large or too deep
//! are refused before anything is put in, so that no source exhausts the compiler: twenty lines, each of which uses the
//! line before twice, would mean a million tests.

use super::order::order;
use super::{Project, Report};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;
use crate::syntax::MAX_DEPTH;
use crate::syntax::ast::{Expr, Operator, TextOperand, Tool, Value, Values};
use std::collections::HashMap;

/// The most tests and values that a rule's conditions hold together, and that one `let` holds.
pub const MAX_TESTS: usize = 10_000;

/// How large a condition is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Size {
    /// Parentheses, `not`s and `let`s within each other.
    depth: usize,
    /// Tests and values.
    pub tests: usize,
}

/// Measures every `let`; those that are in a circle, too large or too deep are reported and left out.
pub(super) fn measure_lets(project: &mut Project, report: &mut Report) {
    let mut sizes = HashMap::new();
    let named = |name: &str| {
        let mut found = vec![];
        if let Some((_, expr)) = project.lets.get(name) {
            lets_in(expr, project, &mut found);
        }
        found
    };
    let order = order(project.lets.keys().map(String::as_str), named);
    for circle in &order.circles {
        if let Some((ident, _)) = circle.names.first().and_then(|n| project.lets.get(*n)) {
            report.push(super::lists::cycle("condition", ident, circle));
        }
    }
    for name in order.sorted {
        let Some((ident, expr)) = project.lets.get(name) else { continue };
        let Some(size) = measure(expr, project, &sizes) else { continue };
        if fits(size, size.tests, &format!("`{name}`"), ident.span, report) {
            sizes.insert(name.to_owned(), size);
        }
    }
    project.let_sizes = sizes;
}

/// Measures conditions that are compiled together. `tests` counts on; `false` if they are refused, which is reported.
pub(super) fn check<'a>(
    what: &str,
    all: impl IntoIterator<Item = &'a Expr>,
    tests: &mut usize,
    project: &Project,
    report: &mut Report,
) -> bool {
    for expr in all {
        // A `let` that was refused counts nothing: it was reported where it stands.
        let size = measure(expr, project, &project.let_sizes).unwrap_or_default();
        *tests = tests.saturating_add(size.tests);
        if !fits(size, *tests, what, expr.span(), report) {
            return false;
        }
    }
    true
}

fn fits(size: Size, tests: usize, what: &str, at: Span, report: &mut Report) -> bool {
    if size.depth > MAX_DEPTH {
        report.push(
            Diagnostic::new(Code::TooDeep, format!("{what} nests deeper than {MAX_DEPTH}"))
                .at(at, format!("{} levels of `let`, `not` and parentheses", size.depth)),
        );
    } else if tests > MAX_TESTS {
        report.push(
            Diagnostic::new(Code::TooLarge, format!("{what} is too large"))
                .at(at, format!("{tests} tests and values after expanding every `let`, list and group"))
                .note(format!("at most {MAX_TESTS} are compiled")),
        );
    }
    size.depth <= MAX_DEPTH && tests <= MAX_TESTS
}

/// The size of a condition; `None` if it uses a `let` that was refused.
fn measure(expr: &Expr, project: &Project, lets: &HashMap<String, Size>) -> Option<Size> {
    let leaf = |tests| Some(Size { depth: 0, tests });
    match expr {
        Expr::And(all, _) | Expr::Or(all, _) => {
            let mut out = Size::default();
            for expr in all {
                let size = measure(expr, project, lets)?;
                out.depth = out.depth.max(size.depth);
                out.tests = out.tests.saturating_add(size.tests);
            }
            Some(out)
        }
        Expr::WhenAvailable(inner, _) => measure(inner, project, lets),
        Expr::Not(inner, _) | Expr::Group(inner, _) => measure(inner, project, lets).map(deeper),
        Expr::Bare(path) => match path.single().filter(|n| project.lets.contains_key(&n.text)) {
            Some(name) => lets.get(&name.text).copied().map(deeper),
            None => leaf(1),
        },
        Expr::Tool(tool) => leaf(tool_tests(tool, project)),
        Expr::Test(_, operator, _) => leaf(values(operator, project).max(1)),
    }
}

fn deeper(size: Size) -> Size {
    Size { depth: size.depth + 1, ..size }
}

/// Each utility of a group is asked for itself.
fn tool_tests(tool: &Tool, project: &Project) -> usize {
    let utilities = project.groups.get(&tool.utility.text).map_or(1, Vec::len);
    let picks: usize = [&tool.to, &tool.with].into_iter().flatten().map(|p| p.names.len()).sum();
    utilities.max(1).saturating_mul(picks.max(1))
}

fn values(operator: &Operator, project: &Project) -> usize {
    let values = match operator {
        Operator::In { values, .. }
        | Operator::Cidr(values)
        | Operator::Text { operand: TextOperand::Many { values, .. }, .. } => values,
        _ => return 1,
    };
    let list = match values {
        Values::List(list) | Values::Encoded { list, .. } => list,
        Values::Path(path) => return project.lists.length(&path.dotted()),
    };
    let length = |v: &Value| match v {
        Value::Literal(_) => 1,
        Value::Path(path) => project.lists.length(&path.dotted()),
    };
    list.values.iter().map(length).fold(0, usize::saturating_add)
}

fn lets_in<'a>(expr: &Expr, project: &'a Project, out: &mut Vec<&'a str>) {
    match expr {
        Expr::And(all, _) | Expr::Or(all, _) => all.iter().for_each(|e| lets_in(e, project, out)),
        Expr::Not(inner, _) | Expr::Group(inner, _) | Expr::WhenAvailable(inner, _) => lets_in(inner, project, out),
        Expr::Bare(path) => {
            out.extend(path.single().and_then(|n| project.lets.get_key_value(&n.text)).map(|(k, _)| k.as_str()))
        }
        Expr::Tool(_) | Expr::Test(..) => {}
    }
}
