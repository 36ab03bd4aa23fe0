//! The query of a scheduled rule: of what it finds, only what came in since its last run.
//!
//! A run looks back farther than to the one before it, since a match has a window and events come in late; without this, it
//! would find again what that one found. The newest event of a row decides, by the time of its ingestion:
//! <https://learn.microsoft.com/azure/sentinel/ingestion-delay>.

use super::ast::{Expr, Pipeline, Query, Step};

const ARRIVED: &str = "Arrived";

/// The time at which a row came in; only rows of a table have one.
fn ingested() -> Expr {
    Expr::Call("ingestion_time", vec![])
}

fn since(time: Expr, every: u64) -> Step {
    let micros = i64::try_from(every).unwrap_or(i64::MAX).saturating_mul(1_000_000);
    Step::Where(time.op(">", Expr::Call("ago", vec![Expr::Span(micros)])))
}

/// The pipelines of tables, each with the name of its `let`; the query's own has none.
fn tables(query: &mut Query) -> impl Iterator<Item = (Option<&str>, &mut Pipeline)> {
    let names: Vec<String> = query.lets.iter().map(|l| l.name.clone()).collect();
    let all = query.lets.iter_mut().map(|l| (Some(l.name.as_str()), &mut l.body));
    let all = all.chain(std::iter::once((None, &mut query.main)));
    all.filter(move |(_, body)| body.source.iter().all(|source| !names.contains(source)))
}

/// A rule over single events: each event has come in since the last run.
pub fn events(mut query: Query, every: u64) -> Query {
    tables(&mut query).for_each(|(_, body)| body.steps.insert(0, since(ingested(), every)));
    query
}

/// A rule over steps: the newest event of a match has. `steps` are the required ones, each with its `let`s.
pub fn steps(mut query: Query, steps: &[(String, Vec<String>)], every: u64) -> Query {
    let column = |step: &str| format!("{step}{ARRIVED}");
    for (name, body) in tables(&mut query) {
        let step = steps.iter().find(|(_, lets)| lets.iter().any(|l| name == Some(l)));
        if let (Some((step, _)), Some(Step::Project(columns))) = (step, body.steps.last_mut()) {
            columns.push((Some(column(step)), ingested()));
        }
    }
    let newest = Expr::Call("max_of", steps.iter().map(|(s, _)| Expr::column(column(s))).collect());
    before_last(&mut query.main, since(newest, every));
    query
}

/// A count: the newest event of a burst has.
pub fn bursts(mut query: Query, every: u64) -> Query {
    for (_, body) in tables(&mut query) {
        if let Some(Step::Project(columns)) = body.steps.last_mut() {
            columns.push((Some(ARRIVED.to_owned()), ingested()));
        }
    }
    let sums = query.main.steps.iter_mut().rev().find_map(|step| match step {
        Step::Summarize(sums, _) => Some(sums),
        _ => None,
    });
    if let Some(sums) = sums {
        sums.insert(0, (Some(ARRIVED.to_owned()), Expr::Call("max", vec![Expr::column(ARRIVED)])));
        before_last(&mut query.main, since(Expr::column(ARRIVED), every));
    }
    query
}

/// In front of the columns of the result.
fn before_last(main: &mut Pipeline, step: Step) {
    main.steps.insert(main.steps.len().saturating_sub(1), step);
}
