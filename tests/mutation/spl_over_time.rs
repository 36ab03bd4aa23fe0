//! Mistakes of SPL's lowering of rules over several events: changes of its tree.

use super::Mistake;
use super::of_spl::{case_counts, each_condition, each_search, each_step, spl, strict, walk};
use arcanary::backend::stage::trees::spl::{Eval, Order, Query, Search, Step};

/// All of them.
pub const MISTAKES: [Mistake; 10] = [
    spl("rows stand in the order of steps, whatever their times", |query| {
        each_order(query, &|keys| drop(keys.remove(0)))
    }),
    spl("rows of one time stand in any order", |query| each_order(query, &|keys| keys.truncate(1))),
    spl("the window is not asked", |query| {
        each_condition(query, &|e| {
            if is_window(e) {
                *e = Eval::Call("true", vec![]);
            }
        });
    }),
    spl("the window's very end is outside", |query| {
        each_condition(query, &|e| {
            if is_window(e) {
                strict(e);
            }
        });
    }),
    spl("one of the columns that join two steps is left out", |query| {
        each_step(query, &|step| {
            if let Step::Streamstats(s) = step
                && s.by.len() > 1
            {
                s.by.pop();
            }
        });
    }),
    spl("a `without` is left out", |query| {
        each_condition(query, &|e| {
            if is_without(e) {
                *e = Eval::Call("true", vec![]);
            }
        });
    }),
    spl("the earliest value of each key is carried, not the latest", |query| {
        each_step(query, &|step| {
            if let Step::Streamstats(s) = step {
                s.stats.iter_mut().filter(|stat| stat.function == "last").for_each(|stat| stat.function = "first");
            }
        });
    }),
    spl("letters' case counts in keys", |query| {
        each_step(query, &|step| {
            if let Step::Eval(all) = step {
                all.iter_mut().filter(|(name, _)| name.ends_with("_key")).for_each(|(_, e)| walk(e, &case_counts));
            }
        });
    }),
    spl("a count must pass its number", |query| {
        each_step(query, &|step| match step {
            Step::Streamstats(s) => s.window = s.window.map(|rows| rows + 1),
            Step::Where(e) => walk(e, &|e| {
                if let Eval::Binary("=" | ">=", field, number) = e
                    && let (Eval::Field(name), Eval::Number(n)) = (&**field, &mut **number)
                    && name == "n"
                {
                    *n += 1;
                }
            }),
            _ => {}
        });
    }),
    spl("a subsearch takes its values from the field that is to have them", |query| {
        each_search(query, &|s| {
            if let Search::Values { from, field, .. } = s {
                from.clone_from(field);
            }
        });
    }),
];

/// Changes the order of the rows of steps.
fn each_order(query: &mut Query, change: &dyn Fn(&mut Vec<Order>)) {
    each_step(query, &|step| {
        if let Step::Sort(keys) = step
            && let [Order::Rising(time), Order::Rising(step), ..] = keys.as_slice()
            && time == "_time"
            && step.starts_with("step")
        {
            change(keys);
        }
    });
}

/// Whether a span of time is asked to be in the window.
fn is_window(e: &Eval) -> bool {
    matches!(e, Eval::Binary("<=", span, _) if matches!(**span, Eval::Call("round", _)))
}

/// Whether it is asked that no event of a `without` lies between two steps: the latest one came before, or none was counted.
fn is_without(e: &Eval) -> bool {
    match e {
        Eval::Or(all) => match all.as_slice() {
            [Eval::Call("isnull", none), Eval::Binary("<", latest, _)] => none[0] == **latest,
            _ => false,
        },
        Eval::Binary("=", _, before) => matches!(&**before, Eval::Field(name) if name.ends_with("_before")),
        _ => false,
    }
}
