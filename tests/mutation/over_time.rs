//! Mutants of what joins several events: random rules, and sets of events around their edges, against brute force.

use crate::checker;
use crate::kql;
use crate::of_spl_over_time;
use crate::oracle;
use crate::oracle::sample::sample;
use crate::run::correlations;
use crate::run::random::{self, Dice};
use crate::run::report;
use crate::run::temporal::{events, kusto, rules, splunk};
use crate::{Mistake, sigma};
use arcanary::compile::compile;
use arcanary::ir::Meaning;
use arcanary::sema::{Project, Rule};
use arcanary::target::{Target, Targets};

const SEED: u64 = 1;
/// Random rules that each language can say, and sets of events for each window or rule.
const RULES: usize = 100;
const SETS: usize = 40;
/// Changed documents of a mutant that are run at a time, until one is noticed.
const AT_ONCE: usize = 10;

/// A step that names nothing selective, whose processes are known by another field than those of the step before it.
const NARROWED: &str = r#"rule narrowed {
  title "Narrowed" id 00000000-0000-4000-8000-000000009001 level low os [windows]
  detect sequence by host within 60s {
    one: process where process.pid is 11
    two: process where command_line contains "b" and parent is one.process
  }
}"#;

/// A random rule, its window in seconds, and its document as it should be.
struct Case {
    name: String,
    within: i64,
    project: Project,
    clean: String,
}

impl Case {
    /// `None`: the language, or the target, cannot say it.
    fn new(text: &str, name: &str, within: i64, target: &Target) -> Option<Case> {
        let project = random::resolved(text)?;
        let document = compile(&project.rules[name], &project, target).ok()?;
        // The oracle knows all steps.
        let whole = !document.printed.notes.iter().any(|n| n.text.contains("left out"));
        whole.then(|| Case { name: name.to_owned(), within, project, clean: document.text })
    }

    fn rule(&self) -> &Rule {
        &self.project.rules[&self.name]
    }
}

/// Documents, each with the place of its case; the places of those that are noticed.
type Run<'r> = &'r mut dyn FnMut(&[(usize, String)]) -> Vec<usize>;

/// Who notices mistakes in a language.
fn noticed(mistakes: &[Mistake], language: &str, target: &Target, cases: &[Case], run: Run) -> Vec<[String; 4]> {
    let clean: Vec<(usize, String)> = cases.iter().map(|c| c.clean.clone()).enumerate().collect();
    let wrong = run(&clean);
    assert!(wrong.is_empty(), "without a mistake: {:?}", wrong.iter().map(|i| &cases[*i].clean).next());
    let mut out = vec![];
    let mut unnoticed = vec![];
    for mistake in sample(mistakes) {
        let changed = cases.iter().enumerate().filter_map(|(place, case)| {
            let document = mistake.compile(case.rule(), &case.project, target).ok()?.text;
            (document != case.clean).then_some((place, document))
        });
        let changed: Vec<(usize, String)> = changed.collect();
        match changed.chunks(AT_ONCE).find_map(|some| run(some).first().copied()) {
            Some(place) => out.push([
                language.to_owned(),
                mistake.what.to_owned(),
                changed.len().to_string(),
                format!("`{}`", cases[place].name),
            ]),
            None => unnoticed.push((mistake.what, changed.len())),
        }
    }
    assert!(unnoticed.is_empty(), "nobody notices, of so many documents: {unnoticed:?}");
    out
}

/// Random rules that a target can say.
fn timed(dice: &mut Dice, target: &Target) -> Vec<Case> {
    let mut cases = vec![];
    let mut tried = 0;
    while cases.len() < RULES {
        tried += 1;
        let made = if dice.one_in(4) { rules::count(dice, tried) } else { rules::steps(dice, tried) };
        cases.extend(Case::new(&made.text, &made.name, made.within, target));
    }
    cases
}

fn of_kql() -> Vec<[String; 4]> {
    let mut dice = Dice::new(SEED);
    let target = &Targets::built_in().all["defender"];
    let cases = timed(&mut dice, target);
    let mut group = |within: &i64| kusto::Group {
        within: *within,
        sets: (0..SETS).map(|n| events::set(&mut dice, *within, n)).collect(),
    };
    let groups: Vec<kusto::Group> = rules::WINDOWS.iter().map(&mut group).collect();
    let mut run = |documents: &[(usize, String)]| {
        let question = |(place, query): &(usize, String)| {
            let case = &cases[*place];
            kusto::Question { project: &case.project, rule: case.rule(), within: case.within, query: query.clone() }
        };
        let questions: Vec<kusto::Question> = documents.iter().map(question).collect();
        let done = kusto::compare(&questions, &groups);
        let of = |report: &String| cases.iter().position(|c| report.starts_with(&format!("{}:", c.name)));
        done.wrong.iter().map(|report| of(report).unwrap_or_else(|| panic!("of no rule: {report}"))).collect()
    };
    noticed(&kql::OVER_TIME, "KQL", target, &cases, &mut run)
}

fn of_spl() -> Vec<[String; 4]> {
    let mut dice = Dice::new(SEED);
    let target = &splunk::sysmon();
    let mut cases = timed(&mut dice, target);
    cases.push(Case::new(NARROWED, "narrowed", 60, target).expect("a rule that the target can say"));
    let mut sets = |case: &Case| {
        let question = splunk::Question { project: &case.project, rule: case.rule(), target, query: "" };
        let set = |n| {
            let set = events::set(&mut dice, case.within, n);
            question.log(&set, &mut dice)
        };
        (0..SETS).map(set).collect::<Vec<_>>()
    };
    let sets: Vec<Vec<Vec<splunk::Logged>>> = cases.iter().map(&mut sets).collect();
    let mut run = |documents: &[(usize, String)]| {
        let wrong = |(place, query): &&(usize, String)| {
            let case = &cases[*place];
            let question = splunk::Question { project: &case.project, rule: case.rule(), target, query };
            splunk::compare(&question, &sets[*place]).is_err()
        };
        documents.iter().filter(wrong).map(|(place, _)| *place).collect()
    };
    noticed(&of_spl_over_time::MISTAKES, "SPL", target, &cases, &mut run)
}

fn of_sigma() -> Vec<[String; 4]> {
    let mut dice = Dice::new(SEED);
    let target = &Targets::built_in().all["sigma"];
    let (mut cases, mut sets) = (vec![], vec![]);
    let mut tried = 0;
    while cases.len() < RULES {
        tried += 1;
        let steps = !dice.one_in(4);
        let made = if steps { correlations::rules::steps } else { correlations::rules::count }(&mut dice, tried);
        let Some(case) = Case::new(&made.text, &made.name, 0, target) else { continue };
        let meaning = case.rule().meaning(&case.project, &case.rule().meta.os);
        let set = |n| {
            let (events, rows): (Vec<_>, Vec<_>) = correlations::rules::set(&mut dice, &made, n).into_iter().unzip();
            let fires = match &meaning {
                Meaning::Steps(steps) => !oracle::temporal::rows(steps, &events).is_empty(),
                Meaning::Count(count) => !oracle::temporal::bursts(count, &events).is_empty(),
                Meaning::Single(_) => panic!("a rule over one event"),
            };
            (rows, Some(fires))
        };
        sets.push((0..SETS).map(set).collect::<Vec<_>>());
        cases.push(case);
    }
    let mut run = |documents: &[(usize, String)]| {
        let question = |(place, document): &(usize, String)| correlations::Question {
            name: format!("{}\n", cases[*place].name),
            document: document.clone(),
            sets: sets[*place].clone(),
        };
        let questions: Vec<correlations::Question> = documents.iter().map(question).collect();
        let done = correlations::compare(&questions);
        let of = |report: &String| cases.iter().position(|c| report.starts_with(&format!("{}\n", c.name)));
        done.wrong.iter().map(|report| of(report).unwrap_or_else(|| panic!("of no rule: {report}"))).collect()
    };
    noticed(&sigma::OVER_TIME, "Sigma", target, &cases, &mut run)
}

#[test]
fn mutants_of_rules_over_several_events_are_noticed() {
    if checker::tools().is_none() {
        return;
    }
    let rows = [of_kql(), of_spl(), of_sigma()].concat();
    let table = report::table(["language", "what is broken", "documents changed", "noticed first in"], &rows);
    report::section("mutants over time", &format!("{} mutants, all noticed.\n\n{table}", rows.len()));
}
