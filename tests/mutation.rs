//! The mutation check: whatever rule of the compiler a [`Mutant`] breaks, translation validation notices.
//!
//! A mutant is compiled over a fixed battery of rules; documents that come out changed are run on the language's engines,
//! beside the unchanged ones, and some must return what the oracle does not say. Who refuses a document has noticed, too:
//! the engine, or the compiler when it reads its own document again. Regular expressions of command lines are put to the
//! procedural reading, which needs no engine.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

#[path = "engines/checker.rs"]
mod checker;
#[path = "mutation/lines.rs"]
mod lines;
mod oracle;
#[path = "mutation/over_time.rs"]
mod over_time;
#[path = "engines/run/mod.rs"]
#[allow(dead_code, reason = "the validation of what is shipped uses all of it")]
mod run;
#[path = "engines/spl/mod.rs"]
#[allow(dead_code, reason = "its own tests are run with the validation")]
mod spl;

use arcanary::compile::compile;
use arcanary::mutant::{self, Mutant, Part};
use arcanary::target::{Language, Target, Targets};
use oracle::Event;
use oracle::project::{files, load};
use run::compare::{Case, Disagreement, Forms, Meanings, ask, rows};
use run::engines::{Batch, Question};
use run::{events, report};
use std::collections::HashMap;
use std::io::Write as _;

/// Rules of the shipped pack in the battery, beside all corners: long ones, with shared columns.
const OF_THE_PACK: [&str; 2] = ["archive_via_utility", "expand_cabinet_files"];
/// Changed documents of a mutant that are run on a target at first; where none is noticed, all others follow.
const AT_FIRST: usize = 4;

/// Where a mutant of the binding has nothing to break, and why.
const NOTHING_TO_BREAK: [(Mutant, Language, &str); 6] = [
    (Mutant::KeyLost, Language::Kql, "no column holds several values"),
    (Mutant::AccountWithDomainOnly, Language::Kql, "accounts and domains have columns of their own"),
    (Mutant::FirstWordOnly, Language::Spl, "each word has one value"),
    (Mutant::FirstWordOnly, Language::Sigma, "each word has one value"),
    (Mutant::SparseIsAsked, Language::Kql, "all sources of a table fill the same fields"),
    (Mutant::SparseIsAsked, Language::Sigma, "all sources of a category fill the same fields"),
];

/// A document to run: the mutant, unless it is as it should be; its rule's place in the battery; its text.
type Document = (Option<Mutant>, usize, String);

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

    /// All documents without a mutant.
    fn unchanged(&self) -> Vec<Document> {
        let all = self.clean.iter().enumerate();
        all.filter_map(|(case, text)| Some((None, case, text.clone()?))).collect()
    }

    /// Runs documents; what is wrong of each mutant.
    fn run(&self, cases: &[Case], events: &[Event], documents: Vec<Document>) -> Vec<(Option<Mutant>, Disagreement)> {
        let meanings = documents.iter().map(|(_, case, _)| &self.meanings[*case]).collect();
        let mut names = HashMap::new();
        let question = |(mutant, case, document): Document| {
            let flags = if self.target.language == Language::Sigma { vec![] } else { self.meanings[case].flags() };
            let rule = &cases[case].2;
            let name = mutant.map_or_else(|| rule.clone(), |mutant| format!("{rule} with {mutant:?}"));
            names.insert(name.clone(), (mutant, rule.clone()));
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
            let (mutant, rule) = names[&d.rule].clone();
            (mutant, Disagreement { rule, ..d })
        };
        wrong.into_iter().map(named).collect()
    }
}

/// What came of one mutant in one language.
struct Tried {
    mutant: Mutant,
    what: &'static str,
    /// How many documents are changed.
    changed: usize,
    /// Those of each target that are still to be run.
    open: Vec<Vec<Document>>,
    /// A rule whose document the compiler itself refuses.
    refused: Option<String>,
    noticed: Vec<Disagreement>,
}

impl Tried {
    /// What a mutant changes.
    fn new(mutant: Mutant, what: &'static str, cases: &[Case], targets: &[Asked]) -> Tried {
        let mut refused = None;
        let mut of_target = |asked: &Asked| {
            let each = cases.iter().zip(&asked.clean).enumerate();
            let changed = each.filter_map(|(case, ((project, rule, name), clean))| {
                let clean = clean.as_ref()?;
                match mutant::with(mutant, || compile(rule, project, asked.target)) {
                    Ok(document) => (document.text != *clean).then_some((Some(mutant), case, document.text)),
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
        Tried { mutant, what, changed, open, refused, noticed: vec![] }
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
fn check(part: Part, language: Language, names: &[&str]) {
    if checker::tools().is_none() {
        return;
    }
    let start = std::time::Instant::now();
    let corners = load(&[], include_str!("oracle/corners.det"));
    let pack = load(&files("rules"), "");
    let of_corners = corners.project.rules.values().map(|r| (&corners.project, r, format!("corners/{}", r.name)));
    let of_pack = OF_THE_PACK.map(|name| (&pack.project, &pack.project.rules[name], format!("rules/{name}")));
    let cases: Vec<Case> = of_corners.chain(of_pack).collect();
    let events = events::unique(cases.iter().flat_map(|(_, rule, _)| events::of_rule(rule)).collect());
    let built_in = Targets::built_in();
    let targets: Vec<Asked> = names.iter().map(|name| Asked::new(&built_in.all[*name], &cases)).collect();

    let mutants = Mutant::ALL.iter().filter(|(_, of, _)| *of == part || *of == Part::Bind);
    let mut all: Vec<Tried> = mutants.map(|(mutant, _, what)| Tried::new(*mutant, what, &cases, &targets)).collect();
    for most in [AT_FIRST, usize::MAX] {
        for (t, asked) in targets.iter().enumerate() {
            let mut documents = if most == AT_FIRST { asked.unchanged() } else { vec![] };
            for tried in all.iter_mut().filter(|t| t.noticed.is_empty()) {
                let open = &mut tried.open[t];
                documents.extend(open.drain(..most.min(open.len())));
            }
            for (mutant, wrong) in asked.run(&cases, &events, documents) {
                let Some(mutant) = mutant else { panic!("without a mutant: {wrong}") };
                all.iter_mut().filter(|t| t.mutant == mutant).for_each(|t| t.noticed.push(wrong.clone()));
            }
        }
    }
    drop(writeln!(std::io::stderr(), "{part:?}: {} mutants, {:.0} s", all.len(), start.elapsed().as_secs_f64()));
    tell(&all, language);
}

/// Every mutant is noticed, but for those that have nothing to break; the page says by whom.
fn tell(all: &[Tried], language: Language) {
    let idle = |tried: &Tried| {
        let found = NOTHING_TO_BREAK.iter().find(|(m, l, _)| *m == tried.mutant && *l == language);
        found.map(|(.., why)| *why)
    };
    let unnoticed: Vec<_> = all.iter().filter(|t| t.by().is_none() && idle(t).is_none()).map(|t| t.mutant).collect();
    assert!(unnoticed.is_empty(), "nobody notices {unnoticed:?}");
    let listed: Vec<_> = all.iter().filter(|t| t.by().is_some() && idle(t).is_some()).map(|t| t.mutant).collect();
    assert!(listed.is_empty(), "they do have something to break: {listed:?}");
    let row = |tried: &Tried| {
        let by = tried.by().unwrap_or_else(|| format!("nothing to break: {}", idle(tried).unwrap_or("")));
        [tried.what.to_owned(), tried.changed.to_string(), by]
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
    check(Part::Kql, Language::Kql, &["sentinel", "sentinel-securityevent"]);
}

#[test]
fn mutants_of_spl_are_noticed() {
    check(Part::Spl, Language::Spl, &["splunk-sysmon", "splunk-cim"]);
}

#[test]
fn mutants_of_sigma_are_noticed() {
    check(Part::Sigma, Language::Sigma, &["sigma"]);
}
