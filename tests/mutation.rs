//! The mutation check: whatever [`Mistake`] a stage of the compiler could make, translation validation notices.
//!
//! A mistake is a change of what one stage hands over to the next. A fixed battery of rules is compiled with it; documents that
//! come out changed are run on the language's engines, beside the unchanged ones, and some must return what the oracle does
//! not say. Who refuses a document has noticed, too: the engine, or the compiler when it reads its own document again.
//! Regular expressions of command lines are put to the procedural reading, which needs no engine.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

#[path = "engines/checker.rs"]
mod checker;
#[path = "mutation/kql.rs"]
mod kql;
#[path = "mutation/lines.rs"]
mod lines;
#[path = "mutation/spl.rs"]
mod of_spl;
#[path = "mutation/spl_over_time.rs"]
mod of_spl_over_time;
mod oracle;
#[path = "mutation/over_time.rs"]
mod over_time;
#[path = "mutation/plan.rs"]
mod plan;
#[path = "engines/run/mod.rs"]
#[allow(dead_code, reason = "the validation of what is shipped uses all of it")]
mod run;
#[path = "mutation/sigma.rs"]
mod sigma;
#[path = "engines/spl/mod.rs"]
#[allow(dead_code, reason = "its own tests are run with the validation")]
mod spl;
#[path = "mutation/text.rs"]
mod text;

use arcanary::backend::stage::{self, Change};
use arcanary::compile::compile;
use arcanary::diagnostic::Diagnostic;
use arcanary::document::Document;
use arcanary::sema::{Project, Rule};
use arcanary::target::{Language, Target, Targets};
use oracle::Event;
use oracle::project::{files, load};
use oracle::sample::sample;
use run::compare::{Case, Disagreement, Forms, Meanings, ask, rows};
use run::engines::{Batch, Question};
use run::{events, report};
use std::collections::{HashMap, HashSet};
use std::io::Write as _;

/// Rules of the shipped pack in the battery, beside all corners: long ones, with shared columns.
const OF_THE_PACK: [&str; 2] = ["archive_via_utility", "expand_cabinet_files"];
/// A rule beside them, whose events lie in several tables.
const OF_TWO_TABLES: &str = r#"rule each_kind_in_a_table_of_its_own {
  title "x" id 00000000-0000-4000-8000-000000000099 level low os [windows]
  detect process or file where
    (process.name is "zipper.exe" and not file.action exists) or (file.action is created and file.name is "a.zip")
  test "a process" fires process { executable 'C:\zipper.exe' }
  test "a file" fires file { file.action created, file.path 'C:\a.zip' }
}"#;
/// Changed documents of a mistake that are run on a target at first; where none is noticed, all others follow.
const AT_FIRST: usize = 4;

/// A mistake on purpose.
#[derive(Clone, Copy)]
pub struct Mistake {
    /// What is broken.
    what: &'static str,
    made: Made,
    /// Languages in which there is nothing to break, and why.
    idle: &'static [(Language, &'static str)],
}

#[derive(Clone, Copy)]
enum Made {
    /// The target is another one.
    Target(fn(&mut Target)),
    /// What a stage hands over is.
    Stage(Change),
}

impl Mistake {
    const fn new(what: &'static str, change: Change) -> Mistake {
        Mistake { what, made: Made::Stage(change), idle: &[] }
    }

    const fn of_target(what: &'static str, change: fn(&mut Target)) -> Mistake {
        Mistake { what, made: Made::Target(change), idle: &[] }
    }

    const fn idle(self, idle: &'static [(Language, &'static str)]) -> Mistake {
        Mistake { idle, ..self }
    }

    /// Compiles a rule with the mistake.
    fn compile(&self, rule: &Rule, project: &Project, target: &Target) -> Result<Document, Vec<Diagnostic>> {
        match self.made {
            Made::Stage(change) => stage::with(change, || compile(rule, project, target)),
            Made::Target(change) => {
                let mut target = target.clone();
                change(&mut target);
                compile(rule, project, &target)
            }
        }
    }
}

/// A document to run: what is broken, unless it is as it should be; its rule's place in the battery; its text.
type Broken = (Option<&'static str>, usize, String);

/// One target: what documents should be, and what they must return.
struct Asked<'t> {
    target: &'t Target,
    meanings: Vec<Meanings<'t>>,
    /// The document of each rule; `None` where the target cannot say it.
    clean: Vec<Option<String>>,
}

impl<'t> Asked<'t> {
    fn new(target: &'t Target, cases: &[Case]) -> Asked<'t> {
        let clean = |(project, rule, _): &Case| compile(rule, project, target).ok().map(|d| d.text);
        let meaning = |(project, rule, _): &Case| Meanings::new(project, rule, target);
        Asked { target, meanings: cases.iter().map(meaning).collect(), clean: cases.iter().map(clean).collect() }
    }

    /// All documents without a mistake.
    fn unchanged(&self) -> Vec<Broken> {
        let all = self.clean.iter().enumerate();
        all.filter_map(|(case, text)| Some((None, case, text.clone()?))).collect()
    }

    /// Runs documents; what is wrong of each mistake.
    fn run(
        &self,
        cases: &[Case],
        events: &[Event],
        documents: Vec<Broken>,
    ) -> Vec<(Option<&'static str>, Disagreement)> {
        let meanings = documents.iter().map(|(_, case, _)| &self.meanings[*case]).collect();
        let mut names = HashMap::new();
        let question = |(broken, case, document): Broken| {
            let flags = if self.target.language == Language::Sigma { vec![] } else { self.meanings[case].flags() };
            let rule = &cases[case].2;
            let name = broken.map_or_else(|| rule.clone(), |what| format!("{rule}: {what}"));
            names.insert(name.clone(), (broken, rule.clone()));
            Question { name, document, flags }
        };
        let batch = Batch {
            converted: true,
            rows: rows(self.target, events, Forms::Each),
            questions: documents.into_iter().map(question).collect(),
        };
        let mut wrong = vec![];
        ask(&mut wrong, self.target, &[batch], &[meanings]);
        let named = |d: Disagreement| {
            let (broken, rule) = names[&d.rule].clone();
            (broken, Disagreement { rule, ..d })
        };
        wrong.into_iter().map(named).collect()
    }
}

/// What came of one mistake in one language.
struct Tried {
    mistake: Mistake,
    /// How many documents are changed.
    changed: usize,
    /// Those of each target that are still to be run.
    open: Vec<Vec<Broken>>,
    /// A rule whose document the compiler itself refuses.
    refused: Option<String>,
    noticed: Vec<Disagreement>,
}

impl Tried {
    /// What a mistake changes.
    fn new(mistake: Mistake, cases: &[Case], targets: &[Asked]) -> Tried {
        let mut refused = None;
        let mut of_target = |asked: &Asked| {
            let each = cases.iter().zip(&asked.clean).enumerate();
            let changed = each.filter_map(|(case, ((project, rule, name), clean))| {
                let clean = clean.as_ref()?;
                match mistake.compile(rule, project, asked.target) {
                    Ok(document) => (document.text != *clean).then_some((Some(mistake.what), case, document.text)),
                    Err(_) => {
                        refused.get_or_insert_with(|| name.clone());
                        None
                    }
                }
            });
            changed.collect::<Vec<_>>()
        };
        let open: Vec<_> = targets.iter().map(&mut of_target).collect();
        let changed = open.iter().map(Vec::len).sum();
        Tried { mistake, changed, open, refused, noticed: vec![] }
    }

    /// Who noticed it: a wrong answer before a refusal.
    fn by(&self) -> Option<String> {
        let first = self.noticed.iter().find(|d| !d.refused).or(self.noticed.first());
        let how = |d: &Disagreement| if d.refused { "refused" } else { "noticed" };
        let by_engine = first.map(|d| format!("{} by {} on {}: `{}`", how(d), d.engine, d.target, d.rule));
        by_engine.or_else(|| Some(format!("refused by the compiler itself: `{}`", self.refused.as_ref()?)))
    }
}

/// The battery is asked about on some targets of one language.
fn check(language: Language, mistakes: Vec<Mistake>, names: &[&str]) {
    if checker::tools().is_none() {
        return;
    }
    let start = std::time::Instant::now();
    let corners = load(&[], &[include_str!("oracle/corners.det"), OF_TWO_TABLES].concat());
    let pack = load(&files("rules"), "");
    let of_corners = corners.project.rules.values().map(|r| (&corners.project, r, format!("corners/{}", r.name)));
    let of_pack = OF_THE_PACK.map(|name| (&pack.project, &pack.project.rules[name], format!("rules/{name}")));
    let cases: Vec<Case> = of_corners.chain(of_pack).collect();
    let events = events::unique(cases.iter().flat_map(|(_, rule, _)| events::of_rule(rule)).collect());
    let built_in = Targets::built_in();
    let targets: Vec<Asked> = names.iter().map(|name| Asked::new(&built_in.all[*name], &cases)).collect();

    let mistakes = plan::MISTAKES.into_iter().chain(mistakes);
    let mut all: Vec<Tried> =
        sample(mistakes).into_iter().map(|mistake| Tried::new(mistake, &cases, &targets)).collect();
    let told_apart: HashSet<_> = all.iter().map(|t| t.mistake.what).collect();
    assert_eq!(told_apart.len(), all.len(), "two mistakes are called alike");
    for most in [AT_FIRST, usize::MAX] {
        for (t, asked) in targets.iter().enumerate() {
            let mut documents = if most == AT_FIRST { asked.unchanged() } else { vec![] };
            for tried in all.iter_mut().filter(|t| t.noticed.is_empty()) {
                let open = &mut tried.open[t];
                documents.extend(open.drain(..most.min(open.len())));
            }
            for (broken, wrong) in asked.run(&cases, &events, documents) {
                let Some(what) = broken else { panic!("without a mistake: {wrong}") };
                all.iter_mut().filter(|t| t.mistake.what == what).for_each(|t| t.noticed.push(wrong.clone()));
            }
        }
    }
    drop(writeln!(std::io::stderr(), "{language:?}: {} mutants, {:.0} s", all.len(), start.elapsed().as_secs_f64()));
    tell(&all, language);
}

/// Every mistake is noticed, but for those that have nothing to break; the page says by whom.
fn tell(all: &[Tried], language: Language) {
    let idle = |tried: &Tried| tried.mistake.idle.iter().find(|(l, _)| *l == language).map(|(_, why)| *why);
    let unnoticed = all.iter().filter(|t| t.by().is_none() && idle(t).is_none());
    let unnoticed: Vec<_> = unnoticed.map(|t| (t.mistake.what, t.changed)).collect();
    assert!(unnoticed.is_empty(), "nobody notices, of so many documents: {unnoticed:?}");
    let listed: Vec<_> = all.iter().filter(|t| t.by().is_some() && idle(t).is_some()).map(|t| t.mistake.what).collect();
    assert!(listed.is_empty(), "they do have something to break: {listed:?}");
    let row = |tried: &Tried| {
        let by = tried.by().unwrap_or_else(|| format!("nothing to break: {}", idle(tried).unwrap_or("")));
        [tried.mistake.what.to_owned(), tried.changed.to_string(), by]
    };
    let rows: Vec<[String; 3]> = all.iter().map(row).collect();
    let table = report::table(["what is broken", "documents changed", "who notices"], &rows);
    let name = match language {
        Language::Kql => "KQL",
        Language::Spl => "SPL",
        Language::Sigma => "Sigma",
    };
    let told =
        format!("{} mutants, {} noticed.\n\n{table}", all.len(), all.iter().filter(|t| t.by().is_some()).count());
    report::section(&format!("mutants of {name}"), &told);
}

#[test]
fn mutants_of_kql_are_noticed() {
    check(Language::Kql, [&kql::MISTAKES[..], &text::OF_KQL].concat(), &["sentinel", "sentinel-securityevent"]);
}

#[test]
fn mutants_of_spl_are_noticed() {
    check(Language::Spl, [&of_spl::MISTAKES[..], &text::OF_SPL].concat(), &["splunk-sysmon", "splunk-cim"]);
}

#[test]
fn mutants_of_sigma_are_noticed() {
    check(Language::Sigma, [&sigma::MISTAKES[..], &text::OF_SIGMA].concat(), &["sigma"]);
}
