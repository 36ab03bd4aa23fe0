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
#[path = "engines/run/mod.rs"]
#[allow(dead_code, reason = "the validation of what is shipped uses all of it")]
mod run;
#[path = "engines/spl/mod.rs"]
#[allow(dead_code, reason = "its own tests are run with the validation")]
mod spl;

use arcanary::compile::compile;
use arcanary::mutant::{self, Mutant, Part};
use arcanary::target::{Language, Target, Targets};
use oracle::project::{files, load};
use run::compare::{Case, Disagreement, Meanings, Round, ask, rows};
use run::engines::{Batch, Question};
use run::random::{self, Dice};
use run::{events, report};
use std::io::Write as _;

/// Rules of the shipped pack in the battery: long ones, with shared columns.
const OF_THE_PACK: [&str; 2] = ["archive_via_utility", "expand_cabinet_files"];
/// Random rules in the battery, and their seed.
const RANDOM_RULES: usize = 60;
const SEED: u64 = 7;
/// Changed documents of a mutant that are run on a target at first; where none is noticed, all others follow.
const AT_FIRST: usize = 4;

/// Where a mutant of the binding has nothing to break, and why.
const NOTHING_TO_BREAK: [(Mutant, Language, &str); 7] = [
    (Mutant::KeyLost, Language::Kql, "no column holds several values"),
    (Mutant::AccountWithDomainOnly, Language::Kql, "accounts and domains have columns of their own"),
    (Mutant::EveryWordLogged, Language::Kql, "a table holds all actions"),
    (Mutant::FirstWordOnly, Language::Spl, "each word has one value"),
    (Mutant::FirstWordOnly, Language::Sigma, "each word has one value"),
    (Mutant::DroppedHolds, Language::Sigma, "there is an original name"),
    (Mutant::FlagLost, Language::Sigma, "there are no flags"),
];

/// What came of one mutant in one language.
struct Tried {
    mutant: Mutant,
    what: &'static str,
    /// Changed documents of each target that are still to be run: target, round, case, text.
    open: Vec<(usize, usize, usize, String)>,
    /// How many documents are changed, and how many were run.
    changed: usize,
    run: usize,
    /// A rule whose document the compiler itself refuses.
    refused: Option<String>,
    noticed: Vec<Disagreement>,
}

impl Tried {
    /// Who noticed it: a wrong answer before a refusal.
    fn by(&self) -> Option<String> {
        let how = |d: &Disagreement| if d.refused { "refused" } else { "noticed" };
        let first = self.noticed.iter().find(|d| !d.refused).or(self.noticed.first());
        let rule = |d: &Disagreement| d.rule.split_once('|').map_or(String::new(), |(_, rule)| rule.to_owned());
        let by_engine = first.map(|d| format!("{} by {} on {}: `{}`", how(d), d.engine, d.target, rule(d)));
        by_engine.or_else(|| Some(format!("refused by the compiler itself: `{}`", self.refused.as_ref()?)))
    }
}

/// A document to run: its round, its rule's place there, mutant and rule, its text.
type Document = (usize, usize, String, String);

/// A document as it is without a mutant; `None` where the target cannot say the rule.
type Clean = Option<String>;

/// One target with what its documents must return.
struct Asked<'t> {
    target: &'t Target,
    meanings: Vec<Vec<Meanings<'t>>>,
    clean: Vec<Vec<Clean>>,
}

impl<'t> Asked<'t> {
    fn new(target: &'t Target, rounds: &[Round]) -> Asked<'t> {
        let each = |round: &Round| {
            let clean = |(project, rule, _): &Case| compile(rule, project, target).ok().map(|d| d.text);
            let meaning = |(project, rule, _): &Case| Meanings::new(project, rule, target);
            (round.cases.iter().map(meaning).collect(), round.cases.iter().map(clean).collect())
        };
        let (meanings, clean) = rounds.iter().map(each).unzip();
        Asked { target, meanings, clean }
    }

    /// All documents without a mutant.
    fn unchanged(&self, rounds: &[Round]) -> Vec<Document> {
        let mut out = vec![];
        for (i, round) in self.clean.iter().enumerate() {
            for (c, text) in round.iter().enumerate() {
                let name = format!("|{}", rounds[i].cases[c].2);
                out.extend(text.iter().map(|text| (i, c, name.clone(), text.clone())));
            }
        }
        out
    }

    /// Runs some documents, each named by mutant and rule.
    fn run(&self, rounds: &[Round], documents: &[Document]) -> Vec<Disagreement> {
        let (mut batches, mut meanings) = (vec![], vec![]);
        for (i, round) in rounds.iter().enumerate() {
            let of_round: Vec<_> = documents.iter().filter(|d| d.0 == i).collect();
            let question = |(_, case, name, text): &&Document| Question {
                name: name.clone(),
                document: text.clone(),
                flags: match self.target.language {
                    Language::Sigma => vec![],
                    _ => self.meanings[i][*case].flags(),
                },
            };
            let questions: Vec<Question> = of_round.iter().map(question).collect();
            if !questions.is_empty() {
                batches.push(Batch { rows: rows(self.target, &round.events), questions });
                meanings.push(of_round.iter().map(|d| &self.meanings[i][d.1]).collect());
            }
        }
        let mut wrong = vec![];
        ask(&mut wrong, self.target, &batches, &meanings);
        wrong
    }
}

/// What a mutant changes.
fn tried(mutant: Mutant, what: &'static str, rounds: &[Round], targets: &[Asked]) -> Tried {
    let mut out = Tried { mutant, what, open: vec![], changed: 0, run: 0, refused: None, noticed: vec![] };
    for (t, asked) in targets.iter().enumerate() {
        for (i, round) in rounds.iter().enumerate() {
            for (c, (project, rule, name)) in round.cases.iter().enumerate() {
                let Some(clean) = &asked.clean[i][c] else { continue };
                match mutant::with(mutant, || compile(rule, project, asked.target)) {
                    Ok(document) if document.text == *clean => {}
                    Ok(document) => out.open.push((t, i, c, document.text)),
                    Err(_) => out.refused = out.refused.or(Some(name.clone())),
                }
            }
        }
    }
    out.changed = out.open.len();
    out
}

/// Runs of each mutant that nobody has noticed yet `most` more documents of each target; `clean`: and all that are as they
/// should be.
fn run_more(all: &mut [Tried], most: usize, clean: bool, rounds: &[Round], targets: &[Asked]) {
    for (t, asked) in targets.iter().enumerate() {
        let mut taken = if clean { asked.unchanged(rounds) } else { vec![] };
        for tried in all.iter_mut().filter(|t| t.noticed.is_empty()) {
            let mut left = most;
            tried.open.retain_mut(|(of, round, case, text)| {
                let take = *of == t && left > 0;
                if take {
                    left -= 1;
                    tried.run += 1;
                    let name = format!("{:?}|{}", tried.mutant, rounds[*round].cases[*case].2);
                    taken.push((*round, *case, name, std::mem::take(text)));
                }
                !take
            });
        }
        for wrong in asked.run(rounds, &taken) {
            let mutant = wrong.rule.split('|').next().unwrap().to_owned();
            assert!(!mutant.is_empty(), "without a mutant: {wrong}");
            let tried = all.iter_mut().find(|t| format!("{:?}", t.mutant) == mutant).unwrap();
            tried.noticed.push(wrong);
        }
    }
}

/// The battery, asked about on some targets of one language.
fn check(part: Part, language: Language, names: &[&str]) {
    if checker::tools().is_none() {
        return;
    }
    let start = std::time::Instant::now();
    let corners = load(&[], include_str!("oracle/corners.det"));
    let pack = load(&files("rules"), "");
    let mut dice = Dice::new(SEED);
    let (made, _) = random::rules(&mut dice, RANDOM_RULES, &[]);
    let of_pack = pack.project.rules.values().filter(|r| OF_THE_PACK.contains(&r.name.as_str()));
    let corners_first = corners.project.rules.values().map(|r| (&corners.project, r, format!("corners/{}", r.name)));
    let cases: Vec<Case> =
        corners_first.chain(of_pack.map(|r| (&pack.project, r, format!("rules/{}", r.name)))).collect();
    let of_tests = cases.iter().flat_map(|(_, rule, _)| events::of_rule(rule)).collect();
    let mut rounds = vec![Round { cases, events: events::unique(of_tests) }];
    rounds.extend(random::rounds(&mut dice, &made));
    let built_in = Targets::built_in();
    let targets: Vec<Asked> = names.iter().map(|name| Asked::new(&built_in.all[*name], &rounds)).collect();

    let mutants = Mutant::ALL.iter().filter(|(_, of, _)| *of == part || *of == Part::Bind);
    let mut all: Vec<Tried> = mutants.map(|(mutant, _, what)| tried(*mutant, what, &rounds, &targets)).collect();
    run_more(&mut all, AT_FIRST, true, &rounds, &targets);
    run_more(&mut all, usize::MAX, false, &rounds, &targets);
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
