//! Mistakes of KQL's lowering: changes of its tree.

use super::Mistake;
use arcanary::backend::stage::Change;
use arcanary::backend::stage::trees::kql::{Expr, Pipeline, Query, Step};
use std::mem::{replace, take};

const fn kql(what: &'static str, change: fn(&mut Query)) -> Mistake {
    Mistake::new(what, Change::Kql(change))
}

/// Operators by how they take letters' case: in any case, and exactly.
const OPERATORS: [(&str, &str); 6] = [
    ("=~", "=="),
    ("in~", "in"),
    ("has", "has_cs"),
    ("contains", "contains_cs"),
    ("startswith", "startswith_cs"),
    ("endswith", "endswith_cs"),
];

/// Of rules over single events.
pub const MISTAKES: [Mistake; 16] = [
    kql("`not` is left out", |query| {
        each_condition(query, &|e| {
            if let Expr::Not(inner) = e {
                *e = take_expr(inner);
            }
        });
    }),
    kql("letters' case counts in operators", |query| {
        each_operator(query, &|op| OPERATORS.iter().find(|(any, _)| *any == op).map(|(_, exact)| *exact));
    }),
    kql("`cased` is ignored in operators", |query| {
        each_operator(query, &|op| OPERATORS.iter().find(|(_, exact)| *exact == op).map(|(any, _)| *any));
    }),
    kql("letters' case counts in regular expressions", |query| {
        query.each_mut(&mut |e| {
            if let Expr::Matches(_, pieces) = e {
                pieces[0].text = pieces[0].text.replacen("(?i)", "", 1).replacen("(?is)", "(?s)", 1);
            }
        });
    }),
    kql("`has` stands for `contains`", |query| {
        each_operator(query, &|op| match op {
            "contains" => Some("has"),
            "contains_cs" => Some("has_cs"),
            _ => None,
        });
    }),
    kql("one of the values of `contains all` is enough", |query| query.each_mut(&mut all_is_any)),
    kql("`startswith` is `contains`", |query| {
        each_operator(query, &|op| match op {
            "startswith" => Some("contains"),
            "startswith_cs" => Some("contains_cs"),
            _ => None,
        });
    }),
    kql("a missing number is compared without a guard", |query| {
        each_conjunction(query, &|all| all.retain(|e| !matches!(e, Expr::Call("isnotnull", _))));
    }),
    kql("what is no address makes a network test null", |query| {
        query.each_mut(&mut |e| {
            if let Expr::Call("coalesce", all) = e
                && all[1] == Expr::Bool(false)
            {
                *e = all.swap_remove(0);
            }
        });
    }),
    kql("a filler exists", |query| {
        each_conjunction(query, &|all| {
            if all.iter().any(|e| matches!(e, Expr::Call("isnotempty", _))) {
                all.retain(|e| !matches!(e, Expr::Binary("!=", ..)));
            }
        });
    }),
    kql("`>=` is `>`", |query| {
        query.each_mut(&mut |e| {
            if let Expr::Binary(op @ (">=" | "<="), a, _) = e
                && **a != Expr::column("Score")
            {
                *op = &op[..1];
            }
        });
    }),
    kql("an exception is demanded", |query| {
        each_pipeline(query, &mut |pipeline| {
            for place in 1..pipeline.steps.len() {
                if let [Step::Comment(_), Step::Where(Expr::Not(inner))] = &mut pipeline.steps[place - 1..=place] {
                    pipeline.steps[place] = Step::Where(take_expr(inner));
                }
            }
        });
    }),
    kql("a score must pass its threshold", |query| {
        query.each_mut(&mut |e| {
            if let Expr::Binary(op @ ">=", a, _) = e
                && **a == Expr::column("Score")
            {
                *op = ">";
            }
        });
    }),
    kql("alternatives that are computed once are a conjunction", |query| {
        each_step(query, &mut |step| {
            if let Step::Extend(columns) = step {
                columns.iter_mut().for_each(|(_, e)| {
                    if let Expr::Or(all) = e {
                        *e = Expr::And(take(all));
                    }
                });
            }
        });
    }),
    kql("the cheap filter that leads lacks an alternative", |query| {
        query.each_filter(&mut |e| match e {
            Expr::Or(all) | Expr::In(_, _, all) if all.len() > 1 => drop(all.pop()),
            _ => {}
        });
    }),
    kql("what is asked behind the filter that leads is left out", |query| {
        each_pipeline(query, &mut |pipeline| {
            if let Some(place) = pipeline.steps.iter().position(|s| matches!(s, Step::Filter(_)))
                && matches!(pipeline.steps.get(place + 1), Some(Step::Where(_)))
            {
                pipeline.steps.remove(place + 1);
            }
        });
    }),
];

/// Of rules over several events.
pub const OVER_TIME: [Mistake; 9] = [
    kql("the order of two steps is not asked", |query| unasked(query, is_order)),
    kql("the window is not asked", |query| unasked(query, is_window)),
    kql("the window's very end is outside", |query| {
        query.each_mut(&mut |e| {
            if is_window(e)
                && let Expr::Binary(op, ..) = e
            {
                *op = "<";
            }
        });
    }),
    kql("one of the columns that join two steps is left out", |query| {
        each_step(query, &mut |step| {
            if let Step::Join("inner", _, on) = step {
                let keys = on.iter().filter(|name| *name != "Bucket").count();
                on.remove(if keys > 1 { keys - 1 } else { return });
            }
        });
    }),
    kql("a `without` is left out", |query| {
        each_pipeline(query, &mut |pipeline| pipeline.steps.retain(|step| !matches!(step, Step::Join("leftanti", ..))));
    }),
    kql("the earliest match is chosen, not the tightest", |query| {
        query.each_mut(&mut |e| {
            if let Expr::Call(function @ "arg_max", _) = e {
                *function = "arg_min";
            }
        });
    }),
    kql("letters' case counts in keys", |query| {
        query.each_mut(&mut |e| {
            if let Expr::Call("tolower", all) = e {
                *e = all.swap_remove(0);
            }
        });
    }),
    kql("events that lack a key are joined", |query| {
        each_pipeline(query, &mut |pipeline| {
            pipeline.steps.retain(|step| !matches!(step, Step::Where(e) if asks_existence(e)));
        });
    }),
    kql("a count must pass its number", |query| {
        query.each_mut(&mut |e| {
            if let Expr::Binary(op @ ">=", _, number) = e
                && matches!(**number, Expr::Number(_))
            {
                *op = ">";
            }
        });
    }),
];

fn take_expr(e: &mut Expr) -> Expr {
    replace(e, Expr::Bool(true))
}

fn each_pipeline(query: &mut Query, change: &mut dyn FnMut(&mut Pipeline)) {
    query.lets.iter_mut().map(|l| &mut l.body).chain([&mut query.main]).for_each(change);
}

fn each_step(query: &mut Query, change: &mut dyn FnMut(&mut Step)) {
    each_pipeline(query, &mut |pipeline| pipeline.steps.iter_mut().for_each(&mut *change));
}

/// Changes every expression but the `not` that makes a condition an exception.
fn each_condition(query: &mut Query, change: &dyn Fn(&mut Expr)) {
    each_pipeline(query, &mut |pipeline| {
        let mut excepted = false;
        for step in &mut pipeline.steps {
            match step {
                Step::Where(Expr::Not(inner)) if excepted => inner.each_mut(&mut |e| change(e)),
                Step::Where(e) | Step::Filter(e) => e.each_mut(&mut |e| change(e)),
                Step::Extend(columns) => columns.iter_mut().for_each(|(_, e)| e.each_mut(&mut |e| change(e))),
                _ => {}
            }
            excepted = matches!(step, Step::Comment(_));
        }
    });
}

/// Changes conjunctions; an only operand stands alone.
fn each_conjunction(query: &mut Query, change: &dyn Fn(&mut Vec<Expr>)) {
    query.each_mut(&mut |e| {
        let Expr::And(all) = e else { return };
        change(all);
        if all.len() == 1 {
            *e = all.remove(0);
        }
    });
}

/// Some tests hold.
fn unasked(query: &mut Query, which: fn(&Expr) -> bool) {
    query.each_mut(&mut |e| {
        if which(e) {
            *e = Expr::Bool(true);
        }
    });
}

/// Changes operators between a value and texts.
fn each_operator(query: &mut Query, change: &dyn Fn(&str) -> Option<&'static str>) {
    let is_text = |e: &Expr| matches!(e, Expr::Text(_));
    query.each_mut(&mut |e| {
        let op = match e {
            Expr::Binary(op, _, text) if is_text(text) => op,
            Expr::In(op, _, all) if all.iter().all(is_text) => op,
            _ => return,
        };
        *op = change(op).unwrap_or(op);
    });
}

/// Tests of one column that must all hold: one of them is enough.
fn all_is_any(e: &mut Expr) {
    let Expr::And(all) = e else { return };
    let column = |e: &Expr| match e {
        Expr::Binary("has" | "has_cs" | "contains" | "contains_cs", column, _) => Some(column.clone()),
        _ => None,
    };
    if all.iter().all(|one| column(one).is_some() && column(one) == column(&all[0])) {
        *e = Expr::Or(take(all));
    }
}

fn is_time(e: &Expr) -> bool {
    matches!(e, Expr::Column(name) if name.ends_with("Time"))
}

fn is_order(e: &Expr) -> bool {
    matches!(e, Expr::Binary(">=", a, b) if is_time(a) && is_time(b))
}

/// Whether a span of time is asked to be in the window.
fn is_window(e: &Expr) -> bool {
    matches!(e, Expr::Binary("<=", _, span) if matches!(**span, Expr::Span(_)))
}

/// Whether it is asked for nothing but that columns have values.
fn asks_existence(e: &Expr) -> bool {
    match e {
        Expr::Call("isnotempty" | "isnotnull", _) => true,
        Expr::Binary("!=", _, text) => matches!(**text, Expr::Text(_)),
        Expr::And(all) => all.iter().all(asks_existence),
        _ => false,
    }
}
