//! Mistakes of targets and of the binding: changes of a target, and of a rule's meaning in its columns. Each language lowers
//! what is changed.

use super::Mistake;
use arcanary::backend::stage::Change;
use arcanary::ir::pattern::{Glob, Part};
use arcanary::ir::{Matcher, Text};
use arcanary::target::{Bound, BoundOp, BoundTest, Column, How, Language, Plan, Target};
use arcanary::vocabulary::Os;
use std::mem::{discriminant, take};

const fn target(what: &'static str, change: fn(&mut Target)) -> Mistake {
    Mistake::of_target(what, change)
}

const fn plan(what: &'static str, change: fn(&mut Plan<'_>)) -> Mistake {
    Mistake::new(what, Change::Plan(change))
}

/// All of them.
pub const MISTAKES: [Mistake; 22] = [
    plan("a test that a missing value would pass has no guard", |plan| {
        each(plan, &|bound| unguarded(bound, &|op| matches!(op, BoundOp::Text(_))));
    }),
    plan("a test that a filler would pass has no guard", |plan| {
        let filler = plan.target.filler.clone();
        let holds = |value: &String| filler.iter().any(|f| !value.is_empty() && f.contains(value));
        let asked = |op: &BoundOp| values(op).is_some_and(|all| all.iter().any(holds));
        each(plan, &|bound| unguarded(bound, &asked));
    }),
    plan("exceptions are left out", |plan| plan.queries.iter_mut().for_each(|q| q.exceptions.clear())),
    plan("the first flag is left out", |plan| plan.queries.iter_mut().for_each(first_flag_lost)),
    plan("one of the values of `all` is enough", |plan| each(plan, &all_is_any)),
    plan("tests with and without `cased` share a list", |plan| each(plan, &merged_across_case)),
    plan("a file name may end another name", |plan| {
        each_text(plan, |text| {
            if let Matcher::EndsWith(values) = &mut text.matcher {
                values.iter_mut().for_each(|v| *v = v.trim_start_matches(['\\', '/']).to_owned());
            }
        });
    }),
    plan("whole paths are compared with the other system's separators", |plan| {
        each_text(plan, |text| {
            if let Matcher::Exact(values) = &mut text.matcher {
                values.iter_mut().for_each(|v| *v = v.replace('\\', "/"));
            }
        });
    }),
    plan("a value among others is found under any key", |plan| {
        each_text(plan, |text| {
            if let Matcher::Contains(values) = &mut text.matcher {
                values.iter_mut().for_each(|v| *v = without_key(v));
            }
        });
    })
    .idle(&[(Language::Kql, "no column holds several values")]),
    plan("an account without a domain is not found", |plan| each(plan, &domain_wanted))
        .idle(&[(Language::Kql, "accounts and domains have columns of their own")]),
    plan("two missing fields are equal", |plan| {
        each(plan, &|bound| unguarded(bound, &|op| matches!(op, BoundOp::Same(..))));
    }),
    plan("of several values of a list the first one is looked for", |plan| {
        each_test(plan, |test| {
            if let BoundOp::In(values) = &mut test.op {
                values.truncate(1);
            }
        });
    })
    .idle(&[(Language::Sigma, "each word has one value, and no rule of the battery lists numbers there")]),
    plan("a utility whose original name is not logged is any program", |plan| {
        if plan.notes.iter().any(|note| note.text.starts_with("Renamed copies of")) {
            each(plan, &any_program);
        }
    }),
    target("a part that may go is asked of events that lack its field", |target| target.may_lack.clear()).idle(&[
        (Language::Kql, "all sources of a table fill the same fields"),
        (Language::Sigma, "all sources of a category fill the same fields"),
    ]),
    target("a log of one action is taken for a log of another", |target| {
        let other = |word: &str| if word == "created" { "deleted" } else { "created" }.to_owned();
        let constants = target.sources.values_mut().flatten().flat_map(|source| &mut source.when);
        constants.flat_map(|(_, words)| words).for_each(|word| *word = other(word));
    }),
    target("a log of one system is taken for a log of another", |target| {
        for source in target.sources.values_mut().flatten() {
            if let [system] = source.os.as_mut_slice() {
                *system = if *system == Os::Windows { Os::Linux } else { Os::Windows };
            }
        }
    }),
    target("a log's filter is left out", |target| {
        target.sources.values_mut().flatten().for_each(|source| source.filter.clear());
    })
    .idle(&[(Language::Sigma, "log sources are named and need no filter")]),
    plan("only the first log source is asked", |plan| plan.queries.truncate(1)),
    plan("what holds of two alternatives is taken for known of one", |plan| {
        plan.queries.iter_mut().for_each(|query| {
            let facts: Vec<Bound> = query.detect.conjuncts().into_iter().cloned().collect();
            query.flags.iter_mut().for_each(|(_, bound)| walk(bound, &|bound| known_of_some(bound, &facts)));
        });
    })
    .idle(&[(Language::Sigma, "flags without a weight are no part of a rule")]),
    plan("a star in a text is a wildcard", |plan| each_text(plan, star_is_wildcard)),
    plan("alternatives must hold together", |plan| {
        each(plan, &|bound| {
            if let Bound::Or(all) = bound {
                *bound = Bound::And(take(all));
            }
        });
    }),
    plan("one of several conditions is enough", |plan| {
        each(plan, &|bound| {
            if let Bound::And(all) = bound {
                *bound = Bound::or(take(all));
            }
        });
    }),
];

/// Changes a condition and all in it, from the inside out.
fn walk(bound: &mut Bound, change: &dyn Fn(&mut Bound)) {
    match bound {
        Bound::Not(inner) => walk(inner, change),
        Bound::And(all) | Bound::Or(all) => all.iter_mut().for_each(|b| walk(b, change)),
        Bound::Const(_) | Bound::Test(_) => {}
    }
    change(bound);
}

/// Changes every condition of a plan, and what is called by a name likewise.
fn each(plan: &mut Plan, change: &dyn Fn(&mut Bound)) {
    for query in &mut plan.queries {
        let named = query.names.iter_mut().map(|called| &mut called.bound);
        let rest = query.exceptions.iter_mut().map(|(_, b)| b).chain(query.flags.iter_mut().map(|(_, b)| b));
        [&mut query.detect].into_iter().chain(rest).chain(named).for_each(|bound| walk(bound, change));
    }
}

fn each_test(plan: &mut Plan, change: fn(&mut BoundTest)) {
    each(plan, &|bound| {
        if let Bound::Test(test) = bound {
            change(test);
        }
    });
}

fn each_text(plan: &mut Plan, change: fn(&mut Text)) {
    each(plan, &|bound| {
        if let Some((_, text)) = text_of(bound) {
            change(text);
        }
    });
}

/// A test of text, and its column.
fn text_of(bound: &mut Bound) -> Option<(&Column, &mut Text)> {
    match bound {
        Bound::Test(BoundTest { column, op: BoundOp::Text(text), .. }) => Some((column, text)),
        _ => None,
    }
}

/// The values of a test that has a list of them.
fn values(op: &BoundOp) -> Option<&Vec<String>> {
    let BoundOp::Text(text) = op else { return None };
    match &text.matcher {
        Matcher::Exact(v) | Matcher::Contains(v) | Matcher::StartsWith(v) | Matcher::EndsWith(v) => Some(v),
        Matcher::Like(_) | Matcher::Regex(_) => None,
    }
}

/// A conjunction without the operands that `goes` names; an only operand stands alone.
fn retain(all: &mut Vec<Bound>, goes: impl Fn(&[Bound], &Bound) -> bool) {
    let before = all.clone();
    all.retain(|bound| !goes(&before, bound));
}

/// A conjunction, or alternatives, of one operand is that operand.
fn unwrap(bound: &mut Bound) {
    if let Bound::And(all) | Bound::Or(all) = bound
        && all.len() == 1
    {
        *bound = all.remove(0);
    }
}

fn is_test(bound: &Bound, column: &Column, asked: &dyn Fn(&BoundOp) -> bool) -> bool {
    matches!(bound, Bound::Test(test) if test.column.name == column.name && asked(&test.op))
}

/// That a column holds a value is not asked beside such a test of it.
fn unguarded(bound: &mut Bound, beside: &dyn Fn(&BoundOp) -> bool) {
    let Bound::And(all) = bound else { return };
    retain(all, |all, one| match one {
        Bound::Test(BoundTest { column, op: BoundOp::Exists, .. }) => all.iter().any(|b| is_test(b, column, beside)),
        _ => false,
    });
    unwrap(bound);
}

fn first_flag_lost(query: &mut arcanary::target::SourceQuery) {
    if !query.flags.is_empty() {
        query.flags.remove(0);
    }
    if let Some(score) = &mut query.score {
        score.weights.retain(|(flag, _)| *flag > 0);
        score.weights.iter_mut().for_each(|(flag, _)| *flag -= 1);
    }
}

fn all_is_any(bound: &mut Bound) {
    if let Some((_, text)) = text_of(bound) {
        text.all = false;
    }
    let Bound::And(all) = bound else { return };
    let columns: Vec<Option<Column>> = all.iter_mut().map(|b| Some(text_of(b)?.0.clone())).collect();
    if columns.iter().all(|column| column.is_some() && *column == columns[0]) {
        *bound = Bound::or(take(all));
    }
}

fn merged_across_case(bound: &mut Bound) {
    let Bound::Or(all) = bound else { return };
    let mut out: Vec<Bound> = vec![];
    for mut one in take(all) {
        let joined = text_of(&mut one).and_then(|(column, text)| {
            let found = out.iter_mut().filter_map(text_of).find(|(theirs, other)| {
                *theirs == column
                    && other.cased != text.cased
                    && discriminant(&other.matcher) == discriminant(&text.matcher)
            });
            match (&mut found?.1.matcher, &text.matcher) {
                (Matcher::Exact(all), Matcher::Exact(more)) | (Matcher::EndsWith(all), Matcher::EndsWith(more)) => {
                    all.extend(more.iter().cloned());
                    Some(())
                }
                _ => None,
            }
        });
        if joined.is_none() {
            out.push(one);
        }
    }
    *all = out;
    unwrap(bound);
}

/// `KEY=value` without its key.
fn without_key(text: &str) -> String {
    match text.split_once('=') {
        Some((key, value)) if key.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit()) => value.to_owned(),
        _ => text.to_owned(),
    }
}

/// A name that is all of a column is not looked for beside `\name` at its end.
fn domain_wanted(bound: &mut Bound) {
    let Bound::Or(all) = bound else { return };
    retain(all, |all, one| {
        let Bound::Test(BoundTest { column, op: BoundOp::Text(Text { matcher: Matcher::Exact(names), .. }), .. }) = one
        else {
            return false;
        };
        let ends: Vec<String> = names.iter().map(|name| format!("\\{name}")).collect();
        all.iter().any(|b| {
            is_test(b, column, &|op| matches!(op, BoundOp::Text(t) if t.matcher == Matcher::EndsWith(ends.clone())))
        })
    });
    unwrap(bound);
}

/// Tests of programs' names hold.
fn any_program(bound: &mut Bound) {
    let is_name = |(column, text): (&Column, &mut Text)| match &text.matcher {
        Matcher::EndsWith(values) => values.iter().all(|v| v.starts_with(['\\', '/'])),
        Matcher::Exact(_) => column.how == How::Name,
        _ => false,
    };
    if text_of(bound).is_some_and(is_name) {
        *bound = Bound::Const(true);
    }
    *bound = match take_bound(bound) {
        Bound::And(all) => Bound::and(all),
        Bound::Or(all) => Bound::or(all),
        Bound::Not(inner) => inner.not(),
        other => other,
    };
}

fn take_bound(bound: &mut Bound) -> Bound {
    std::mem::replace(bound, Bound::Const(true))
}

/// Alternatives of which a fact names one hold.
fn known_of_some(bound: &mut Bound, facts: &[Bound]) {
    let among = |all: &[Bound], some: &[Bound]| some.iter().any(|s| all.iter().any(|a| a.same(s)));
    let known =
        matches!(bound, Bound::Or(all) if facts.iter().any(|fact| matches!(fact, Bound::Or(some) if among(all, some))));
    if known {
        *bound = Bound::Const(true);
    }
}

fn star_is_wildcard(text: &mut Text) {
    let (before, after, values) = match &text.matcher {
        Matcher::Exact(values) => (None, None, values),
        Matcher::StartsWith(values) => (None, Some(Part::Any), values),
        Matcher::EndsWith(values) => (Some(Part::Any), None, values),
        Matcher::Contains(values) => (Some(Part::Any), Some(Part::Any), values),
        Matcher::Like(_) | Matcher::Regex(_) => return,
    };
    if !values.iter().any(|value| value.contains('*')) {
        return;
    }
    let glob = |value: &String| {
        let mut parts: Vec<Part> = before.iter().cloned().collect();
        for (place, literal) in value.split('*').enumerate() {
            parts.extend((place > 0).then_some(Part::Any));
            parts.extend((!literal.is_empty()).then(|| Part::Literal(literal.to_owned())));
        }
        parts.extend(after.iter().cloned());
        parts.dedup();
        Glob { parts }
    };
    text.matcher = Matcher::Like(values.iter().map(glob).collect());
}
