//! Rules over several events in KQL. Every step is a `let` with its own filter and columns under the step's name; tables are
//! never joined bare.

mod count;
mod joins;
mod names;
mod step;

use super::ast::{Expr, Query, Step};
use crate::backend::{Output, Shows, exception_line};
use crate::ir::{Role, Steps};
use crate::sema::Rule;
use crate::target::Unsupported;
use crate::target::temporal::StepsPlan;
use joins::{Match, raw, wide_expr};
use names::Names;

pub use count::query as count;
pub use step::own_columns;

/// A query for a rule over steps.
///
/// # Errors
/// A flag that is called like another column of the result.
pub fn steps(rule: &Rule, steps: &Steps, plan: &StepsPlan) -> Result<(Query, Vec<Output>), Vec<Unsupported>> {
    let names = Names::new(plan);
    let lets = step::lets(rule, plan, &names, &raw(plan));
    let mut all = Match::new(steps, plan, &names, lets);
    let mut excepted = vec![];
    for (index, wide) in &plan.exceptions {
        excepted.push(Step::Comment(exception_line(rule, *index)));
        excepted.push(Step::Where(Expr::Not(Box::new(wide_expr(plan, &names, wide)))));
    }
    all.build(excepted);
    let more: Vec<(String, Expr)> =
        plan.flags.iter().map(|(name, wide)| (name.clone(), wide_expr(plan, &names, wide))).collect();
    let (lets, main, mut columns) = all.finish(more);
    let taken = |name: &str| columns.iter().any(|c| c.name == name);
    match plan.flags.iter().find(|(name, _)| taken(name)) {
        Some((name, _)) => Err(vec![Unsupported {
            span: rule.span,
            why: format!("has a column `{name}` already, which the flag would hide"),
        }]),
        None => {
            columns.extend(plan.flags.iter().map(|(name, _)| Output::new(name, Shows::Flag)));
            let sources = plan.steps.iter().flat_map(|s| &s.sources);
            let lists = sources.flat_map(|s| super::lower::lists(&s.names)).collect();
            Ok((Query { lets, main, lists, ..Query::default() }, columns))
        }
    }
}

/// The required steps by their names in the query, each with the `let`s that read its tables.
pub fn required(plan: &StepsPlan) -> Vec<(String, Vec<String>)> {
    let names = Names::new(plan);
    let all = plan.steps.iter().enumerate().filter(|(_, s)| s.role == Role::Required);
    let lets = |name: &str, tables: usize| match tables {
        1 => vec![name.to_owned()],
        _ => (1..=tables).map(|i| format!("{name}{i}")).collect(),
    };
    all.map(|(place, step)| (names.step(place).to_owned(), lets(names.step(place), step.sources.len()))).collect()
}

#[cfg(test)]
mod tests {
    use crate::compile::tests::on;

    /// A process after a process, joined as `by` and `and` say.
    fn pair(by: &str, and: &str) -> String {
        format!(
            "detect sequence by {by} within 10m {{
               one: process where process.name is \"a.exe\"
               two: process where process.name is \"b.exe\" {and}
             }}"
        )
    }

    #[test]
    fn a_process_joins_steps_directly_and_a_host_by_time_buckets() {
        let joined = on("defender", &pair("host", "and parent is one.process")).expect("a query");
        assert!(joined.contains("join kind=inner Two on DeviceId, ProcessId, ProcessCreationTime"), "{joined}");
        assert!(!joined.contains("Bucket"));
        let by_host = on("defender", &pair("host", "")).expect("a query");
        assert!(by_host.contains("pack_array(Bucket, Bucket + 10m)"), "{by_host}");
    }

    #[test]
    fn a_process_that_is_no_more_than_a_number_joins_nothing() {
        let joined = "and parent is one.process";
        let why = on("sentinel-securityevent", &pair("host", joined)).expect_err("refused");
        assert!(why.contains("knows the process in process events by its number alone"), "{why}");
        let why = on("sentinel-securityevent", &pair("process", "")).expect_err("refused");
        assert!(why.contains("by its number alone, which is used again"), "{why}");
        let dropped =
            on("sentinel-securityevent", &pair("host", &format!("{joined} when available"))).expect("a query");
        assert!(dropped.contains("// Note: A condition is left out, which may add alerts"), "{dropped}");
        assert!(dropped.contains("tolower(Computer)"), "{dropped}");
    }

    #[test]
    fn a_window_that_no_run_sees_is_refused_with_the_limit() {
        let steps = |within: &str, schedule: &str| pair("host", "").replace("10m", within) + schedule;
        let why = |text: &str| on("sentinel", text).expect_err("refused");
        assert!(why(&steps("15d", "")).contains("looks back 14d at most, and this rule needs 15d"));
        assert!(on("sentinel", &steps("14d", "")).is_ok());
        let hourly = steps("4h", "\nschedule every 1h over 5h");
        assert!(on("sentinel", &hourly).is_ok());
        let limited = on("defender", &hourly).expect_err("refused");
        assert!(limited.contains("looks back 4h at most at this frequency, and this rule needs 5h"), "{limited}");
        assert!(on("defender", &steps("3h", "\nschedule every 1h over 4h")).is_ok());
        let count = "detect count >= 3 by host within 8d of process where process.name is \"a.exe\"";
        assert!(why(count).contains("this rule needs 16d"), "a count needs two windows");
    }

    #[test]
    fn an_optional_step_that_the_target_lacks_is_left_out_with_a_note() {
        let steps = "detect sequence by host within 10m {
               one: process where process.name is \"a.exe\"
               two: process where process.name is \"b.exe\"
               optional read: script where script.text contains \"x\"
             }
             flag quiet = not read.script.text contains \"y\" and one.process.pid > 4
             show [one.command_line, read.script.text]";
        let query = on("defender", steps).expect("a query");
        assert!(query.contains("The optional step `read` is left out"), "{query}");
        assert!(query.contains("extend quiet = ") && !query.contains("Read"), "{query}");
        let needed = steps.replace("optional read", "read").replace("flag quiet", "// flag");
        assert!(on("defender", &needed).expect_err("refused").contains("no log source for script events"));
    }

    #[test]
    fn a_flag_that_would_hide_a_column_is_refused() {
        let why = on("defender", &(pair("host", "") + "\nflag OneTime = one.process.pid > 4")).expect_err("refused");
        assert!(why.contains("has a column `OneTime` already"), "{why}");
    }
}
