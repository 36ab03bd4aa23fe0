//! Mistakes of SPL's lowering of rules over single events: changes of its tree.

use super::Mistake;
use arcanary::backend::stage::Change;
use arcanary::backend::stage::trees::spl::{Base, Eval, Piece, Query, Search, Step};
use std::mem::{replace, take};

pub const fn spl(what: &'static str, change: fn(&mut Query)) -> Mistake {
    Mistake::new(what, Change::Spl(change))
}

/// All of them.
pub const MISTAKES: [Mistake; 25] = [
    spl("NOT takes the first operand only, in the base search", |query| {
        each_search(query, &|s| {
            if let Search::Not(inner) = s
                && let Search::And(all) | Search::Or(all) = &mut **inner
            {
                let first = replace(&mut all[0], Search::And(vec![]));
                all[0] = Search::Not(Box::new(first));
                *s = replace(&mut **inner, Search::And(vec![]));
            }
        });
    }),
    spl("NOT takes the first operand only, in expressions", |query| {
        each_condition(query, &|e| {
            if let Eval::Not(inner) = e
                && let Eval::And(all) | Eval::Or(all) = &mut **inner
            {
                all[0] = Eval::Not(Box::new(take_eval(&mut all[0])));
                *e = take_eval(inner);
            }
        });
    }),
    spl("NOT is left out of expressions", |query| {
        each_condition(query, &|e| {
            if let Eval::Not(inner) = e {
                *e = take_eval(inner);
            }
        });
    }),
    spl("`cased` is ignored in expressions", |query| {
        each_pattern(query, &|pattern| match pattern.strip_prefix("(?s)") {
            Some(rest) => format!("(?is){rest}"),
            None => format!("(?i){pattern}"),
        });
    }),
    spl("letters' case counts in expressions", |query| {
        each_pattern(query, &|pattern| pattern.replacen("(?i)", "", 1).replacen("(?is)", "(?s)", 1));
        each_condition(query, &case_counts);
    }),
    spl("a computed name keeps its letters' case", |query| {
        each_step(query, &|step| {
            if let Step::Eval(all) = step {
                all.iter_mut().for_each(|(_, e)| case_counts(e));
            }
        });
    }),
    spl("missing fields are not filled before they are asked", |query| {
        query.steps.retain(|step| !matches!(step, Step::FillNull(_)));
    }),
    spl("a computed name of nothing is null", |query| {
        let computed: Vec<String> = query.steps.iter().flat_map(|step| computed(step)).cloned().collect();
        each_step(query, &|step| {
            if let Step::FillNull(fields) = step {
                fields.retain(|field| !computed.contains(field));
            }
        });
    }),
    spl("a missing number is compared without a guard", |query| {
        each_conjunction(query, &|all| all.retain(|e| !matches!(e, Eval::Call("isnotnull", _))));
    }),
    spl("a filler exists", |query| {
        each_conjunction(query, &|all| {
            all.retain(|e| !matches!(e, Eval::Binary("!=", _, text) if **text != Eval::Text(String::new())));
        });
    }),
    spl("texts that look like numbers are compared as such", |query| {
        each_condition(query, &|e| {
            if let Eval::Call("match", all) = e
                && let Eval::Pattern(pattern) = &all[1]
                && let Some(text) =
                    pattern.trim_start_matches("(?i)").strip_prefix('^').and_then(|p| p.strip_suffix("\\z"))
                && text.parse::<f64>().is_ok()
            {
                *e = Eval::Binary("=", Box::new(all[0].clone()), Box::new(Eval::Text(text.to_owned())));
            }
        });
    }),
    spl("`$` stands for the very end of a text", |query| {
        each_pattern(query, &|pattern| pattern.replace("\\z", "$"));
    }),
    spl("what several texts end with is left out", |query| each_pattern(query, &without_suffix)),
    spl("one of the values of `contains all` is enough in the base search", |query| {
        each_search(query, &|s| {
            let Search::And(all) = s else { return };
            let field = |s: &Search| if let Search::Is(field, _) = s { Some(field.clone()) } else { None };
            if all.iter().all(|one| field(one).is_some() && field(one) == field(&all[0])) {
                *s = Search::Or(take(all));
            }
        });
    }),
    spl("`starts with` is `contains` in the base search", |query| {
        each_search(query, &|s| {
            if let Search::Is(_, pieces) = s
                && let [Piece::Text(_), Piece::Any] = pieces.as_slice()
            {
                pieces.insert(0, Piece::Any);
            }
        });
    }),
    spl("what the base search only implies is asked there alone", |query| {
        let of_exception = |steps: &[Step], place: usize| place > 0 && matches!(steps[place - 1], Step::Comment(_));
        let before = query.steps.clone();
        let mut place = 0;
        query.steps.retain(|step| {
            place += 1;
            !matches!(step, Step::Where(_)) || is_score(step) || of_exception(&before, place - 1)
        });
    }),
    spl("a condition of one log is asked of the others", |query| {
        let is_filter =
            |e: &Eval| matches!(e, Eval::Binary("=", field, _) if **field == Eval::Field("EventCode".to_owned()));
        each_conjunction(query, &|all| all.retain(|e| !is_filter(e)));
    }),
    spl("an exception is demanded", |query| {
        for place in 1..query.steps.len() {
            if let [Step::Comment(_), Step::Where(Eval::Not(inner))] = &mut query.steps[place - 1..=place] {
                query.steps[place] = Step::Where(take_eval(inner));
            }
        }
    }),
    spl("`>=` is `>`", |query| {
        each_search(query, &|s| {
            if let Search::Order(_, sign, _) = s {
                *sign = sign.trim_end_matches('=');
            }
        });
        each_step(query, &|step| {
            if !is_score(step) {
                expressions(step).into_iter().for_each(|e| walk(e, &strict));
            }
        });
    }),
    spl("a score must pass its threshold", |query| {
        each_step(query, &|step| {
            if is_score(step) {
                expressions(step).into_iter().for_each(strict);
            }
        });
    }),
    spl("what is read behind the base search, and not shown, is not carried by `tstats`", |query| {
        let shown: Vec<String> = query.steps.iter().flat_map(shown).cloned().collect();
        if let Base::Tstats { by, .. } = &mut query.base {
            by.retain(|field| shown.contains(field));
        }
    }),
    spl("names that tell alternatives apart are not asked behind the base search", |query| {
        each_condition(query, &|e| {
            let Eval::Or(ways) = e else { return };
            for way in ways {
                if let Eval::And(all) = way {
                    all.retain(|e| !is_equal(e));
                    if all.len() == 1 {
                        *way = all.remove(0);
                    }
                }
            }
        });
    }),
    spl("alternatives that are computed once are a conjunction", |query| {
        each_step(query, &|step| {
            let Step::Eval(columns) = step else { return };
            for (_, e) in columns {
                if let Eval::Call("if", all) = e
                    && let Eval::Or(ways) = &mut all[0]
                {
                    all[0] = Eval::And(take(ways));
                }
            }
        });
    }),
    spl("an alternative goes where another one holds for some of its names", |query| {
        each_search(query, &|s| {
            let Search::Or(ways) = s else { return };
            let listed: Vec<(String, Vec<Piece>)> = ways.iter().flat_map(values).collect();
            ways.retain(|way| {
                let Search::And(all) = way else { return true };
                !all.iter().flat_map(values).any(|value| listed.contains(&value))
            });
        });
    }),
    spl("a list lacks its last value", |query| {
        each_search(query, &|s| {
            if let Search::In(_, values) = s {
                values.pop();
            }
        });
    }),
];

fn take_eval(e: &mut Eval) -> Eval {
    replace(e, Eval::Number(0))
}

/// Changes every condition of the search command, from the inside out.
pub fn each_search(query: &mut Query, change: &dyn Fn(&mut Search)) {
    fn walk(s: &mut Search, change: &dyn Fn(&mut Search)) {
        match s {
            Search::And(all) | Search::Or(all) => all.iter_mut().for_each(|s| walk(s, change)),
            Search::Not(inner) | Search::Values { of: inner, .. } => walk(inner, change),
            Search::Macro(_) | Search::Is(..) | Search::In(..) | Search::Order(..) => {}
        }
        change(s);
    }
    match &mut query.base {
        Base::Search(s) => walk(s, change),
        Base::Tstats { filter, .. } => filter.iter_mut().for_each(|s| walk(s, change)),
        Base::Models { models, .. } => models.iter_mut().flat_map(|m| &mut m.filter).for_each(|s| walk(s, change)),
    }
}

pub fn each_step(query: &mut Query, change: &dyn Fn(&mut Step)) {
    query.steps.iter_mut().for_each(change);
}

fn expressions(step: &mut Step) -> Vec<&mut Eval> {
    match step {
        Step::Where(e) => vec![e],
        Step::Eval(all) => all.iter_mut().map(|(_, e)| e).collect(),
        _ => vec![],
    }
}

/// Changes an expression and all in it, from the inside out.
pub fn walk(e: &mut Eval, change: &dyn Fn(&mut Eval)) {
    match e {
        Eval::Call(_, all) | Eval::And(all) | Eval::Or(all) => all.iter_mut().for_each(|e| walk(e, change)),
        Eval::Binary(_, a, b) => [a, b].into_iter().for_each(|e| walk(e, change)),
        Eval::Not(inner) => walk(inner, change),
        Eval::Field(_) | Eval::Text(_) | Eval::Pattern(_) | Eval::Number(_) => {}
    }
    change(e);
}

/// Changes every expression but the NOT that makes a condition an exception, and those of computed names.
pub fn each_condition(query: &mut Query, change: &dyn Fn(&mut Eval)) {
    let mut excepted = false;
    for step in &mut query.steps {
        match &mut *step {
            Step::Where(Eval::Not(inner)) if excepted => walk(inner, change),
            step => {
                let asked = expressions(step).into_iter().filter(|e| !matches!(e, Eval::Call("lower", _)));
                asked.for_each(|e| walk(e, change));
            }
        }
        excepted = matches!(step, Step::Comment(_));
    }
}

/// Changes conjunctions; an only operand stands alone.
fn each_conjunction(query: &mut Query, change: &dyn Fn(&mut Vec<Eval>)) {
    each_condition(query, &|e| {
        let Eval::And(all) = e else { return };
        change(all);
        if all.len() == 1 {
            *e = all.remove(0);
        }
    });
}

/// Changes the regular expressions that texts are asked for.
fn each_pattern(query: &mut Query, change: &dyn Fn(&str) -> String) {
    each_condition(query, &|e| {
        if let Eval::Call("match", all) = e
            && let Eval::Pattern(pattern) = &mut all[1]
        {
            *pattern = change(pattern);
        }
    });
}

pub fn case_counts(e: &mut Eval) {
    if let Eval::Call("lower", all) = e {
        *e = all.remove(0);
    }
}

/// The names that a command computes in small letters.
fn computed(step: &Step) -> Vec<&String> {
    let Step::Eval(all) = step else { return vec![] };
    all.iter().filter(|(_, e)| matches!(e, Eval::Call("lower", _))).map(|(name, _)| name).collect()
}

fn shown(step: &Step) -> &[String] {
    if let Step::Table(fields) = step { fields } else { &[] }
}

/// A pattern for one of several texts without what stands behind the last group.
fn without_suffix(pattern: &str) -> String {
    match pattern.rsplit_once(')') {
        Some((texts, end)) if texts.contains("(?:") && end.starts_with("\\.") => {
            format!("{texts}){}", if end.ends_with("\\z") { "\\z" } else { "" })
        }
        _ => pattern.to_owned(),
    }
}

/// Whether a command asks a score for its threshold.
fn is_score(step: &Step) -> bool {
    matches!(step, Step::Where(Eval::Binary(">=", field, _)) if **field == Eval::Field("score".to_owned()))
}

/// `>=` becomes `>`, `<=` becomes `<`.
pub fn strict(e: &mut Eval) {
    if let Eval::Binary(op @ (">=" | "<="), ..) = e {
        *op = &op[..1];
    }
}

/// Whether a field is asked for a value, or for one of several.
fn is_equal(e: &Eval) -> bool {
    match e {
        Eval::Binary("=", field, _) => matches!(**field, Eval::Field(_)),
        Eval::Call("in", all) => matches!(all[0], Eval::Field(_)),
        _ => false,
    }
}

/// The values of a field that a condition of the search command asks for.
fn values(s: &Search) -> Vec<(String, Vec<Piece>)> {
    match s {
        Search::Is(field, value) => vec![(field.clone(), value.clone())],
        Search::In(field, values) => values.iter().map(|value| (field.clone(), value.clone())).collect(),
        _ => vec![],
    }
}
