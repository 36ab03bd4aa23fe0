//! Sigma's correlations run on real engines: a group fires where brute force finds a match, and where rules' own tests say so.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

#[path = "engines/checker.rs"]
mod checker;
mod oracle;
#[path = "engines/run/mod.rs"]
#[allow(dead_code, reason = "the validation of rules over one event uses all of it")]
mod run;
#[path = "engines/spl/mod.rs"]
#[allow(dead_code, reason = "its own tests are run with the validation")]
mod spl;

use arcanary::compile::compile;
use arcanary::ir::Meaning;
use arcanary::target::{Target, Targets};
use oracle::project::{files, load};
use run::correlations::{self, Done, Question};
use run::random::{self, Dice};
use run::report;
use std::io::Write as _;

/// The run whose figures are on the page.
const SEED: u64 = 1;
/// Random rules, unless the environment says otherwise, and sets of events for each.
const RULES: usize = 150;
const SETS: usize = 40;
/// Disagreements that are shown.
const REPORTS: usize = 8;

/// Straight to the stream: what a passing test prints is swallowed.
fn say(text: &str) {
    drop(writeln!(std::io::stderr(), "{text}"));
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|n| n.parse().unwrap_or_else(|_| panic!("{variable} is a number, not {n}")))
}

/// A random rule with sets of events; `None` if Sigma cannot say it.
fn question(dice: &mut Dice, number: usize, target: &Target) -> Option<Question> {
    let steps = !dice.one_in(4);
    let made = if steps { correlations::rules::steps } else { correlations::rules::count }(dice, number);
    let project = random::resolved(&made.text).unwrap_or_else(|| panic!("the language refuses\n{}", made.text));
    let rule = &project.rules[&made.name];
    let document = compile(rule, &project, target).ok()?.text;
    let meaning = rule.meaning(&project, &rule.meta.os);
    let set = |n| {
        let (events, rows): (Vec<_>, Vec<_>) = correlations::rules::set(dice, &made, n).into_iter().unzip();
        let fires = match &meaning {
            Meaning::Steps(steps) => !oracle::temporal::rows(steps, &events).is_empty(),
            Meaning::Count(count) => !oracle::temporal::bursts(count, &events).is_empty(),
            Meaning::Single(_) => panic!("a rule over one event"),
        };
        (rows, Some(fires))
    };
    let sets = (0..SETS).map(set).collect();
    Some(Question { name: format!("{}\n", made.text), document, sets })
}

fn agreed(done: &Done) {
    let shown: Vec<&str> = done.wrong.iter().take(REPORTS).map(String::as_str).collect();
    assert!(shown.is_empty(), "{} disagreements:\n{}", done.wrong.len(), shown.join("\n\n"));
}

#[test]
fn groups_of_random_correlations_fire_where_brute_force_finds_a_match() {
    if checker::tools().is_none() {
        return;
    }
    let start = std::time::Instant::now();
    let wanted = number("ARCANARY_TIMED_RULES").map_or(RULES, |n| usize::try_from(n).unwrap());
    let seed = number("ARCANARY_RANDOM_SEED").unwrap_or(SEED);
    let mut dice = Dice::new(seed);
    let target = &Targets::built_in().all["sigma"];
    let (mut questions, mut refused) = (vec![], 0);
    while questions.len() < wanted {
        match question(&mut dice, questions.len() + refused, target) {
            Some(question) => questions.push(question),
            None => refused += 1,
        }
    }
    let done = correlations::compare(&questions);
    let told = format!(
        "Seed {seed}, {} rules that Sigma can say and {refused} that it cannot: {} verdicts on two engines, a group fires in {}, \
         **{} disagreements**.",
        questions.len(),
        report::number(done.sets),
        report::number(done.fires),
        done.wrong.len()
    );
    say(&format!("correlations: {told} {:.0} s", start.elapsed().as_secs_f64()));
    assert!(done.fires * 5 > done.sets, "only {} of {} sets fire", done.fires, done.sets);
    agreed(&done);
    if (wanted, seed) == (RULES, SEED) {
        report::section("correlations", &told);
    }
}

#[test]
fn correlations_of_the_pack_and_of_the_cases_fire_as_their_tests_say() {
    if checker::tools().is_none() {
        return;
    }
    let target = &Targets::built_in().all["sigma"];
    let mut questions = vec![];
    for loaded in [load(&files("rules"), ""), load(&files("tests/cases"), "")] {
        let several = loaded.project.rules.values().filter(|r| r.over_several_events().is_some());
        questions.extend(several.filter_map(|r| correlations::tests::question(r, &loaded.project, target)));
    }
    let done = correlations::compare(&questions);
    let told = format!(
        "{} correlations of the pack and of the cases: {} verdicts on two engines, a group fires in {}, **{} disagreements**.",
        questions.len(),
        report::number(done.sets),
        report::number(done.fires),
        done.wrong.len()
    );
    say(&told);
    assert!(questions.len() >= 5 && done.fires >= 5, "the rules are not there");
    agreed(&done);
    report::section("correlations of rules", &told);
}
