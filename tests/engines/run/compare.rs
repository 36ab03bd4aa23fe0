//! Rules × targets × events: what each document returns against what the oracle says.

use super::super::oracle::Event;
use super::engines::{self, Batch, Question, Returned};
use super::expect::{Expected, Meaning};
use super::side_by_side;
use super::view::{self, Logged, Missing};
use arcanary::compile::compile;
use arcanary::document::Status;
use arcanary::sema::{Project, Rule};
use arcanary::target::{Language, Source, Target};
use arcanary::vocabulary::{Kind, Os};
use std::collections::HashSet;
use std::fmt;

/// What was compared, and where the two disagree.
#[derive(Default)]
pub struct Comparison {
    /// Rules that became a document for some target.
    pub rules: usize,
    /// What was compared on each target.
    pub targets: Vec<OnTarget>,
    /// Where the two disagree: a report each.
    pub disagreements: Vec<Disagreement>,
}

/// One target's share.
#[derive(Default)]
pub struct OnTarget {
    /// The target.
    pub name: String,
    /// Documents that were run, exact and degraded.
    pub exact: usize,
    pub degraded: usize,
    /// Rules without a document.
    pub unsupported: usize,
    /// Rows that documents were run over.
    pub rows: usize,
    /// What each engine answered.
    pub engines: Vec<ByEngine>,
}

/// What one engine answered.
#[derive(Default)]
pub struct ByEngine {
    /// The engine.
    pub engine: &'static str,
    /// Rows that a document was asked about, and among them those that it had to return.
    pub verdicts: usize,
    pub returned: usize,
    /// Rows that the engine could not decide.
    pub undecided: usize,
    /// Columns that were compared.
    pub flags: usize,
}

impl Comparison {
    /// The sum over all engines.
    pub fn all(&self) -> ByEngine {
        let mut sum = ByEngine::default();
        for of in self.targets.iter().flat_map(|t| &t.engines) {
            sum.verdicts += of.verdicts;
            sum.returned += of.returned;
            sum.undecided += of.undecided;
            sum.flags += of.flags;
        }
        sum
    }
}

/// One document that does not answer as it must.
#[derive(Clone)]
pub struct Disagreement {
    /// The rule.
    pub rule: String,
    /// The target.
    pub target: String,
    /// What ran it.
    pub engine: &'static str,
    /// The engine did not run it.
    pub refused: bool,
    /// What is wrong, smallest row first.
    pub wrong: Vec<String>,
    /// How many rows are.
    pub count: usize,
    /// The document.
    pub document: String,
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sum = |count: fn(&OnTarget) -> usize| self.targets.iter().map(count).sum::<usize>();
        let all = self.all();
        write!(
            f,
            "{} rules; {} documents, {} of them degraded, {} refused; {} rows; {} verdicts, {} of them rows to return, {} flags, {} undecided; {} disagreements",
            self.rules,
            sum(|t| t.exact + t.degraded),
            sum(|t| t.degraded),
            sum(|t| t.unsupported),
            sum(|t| t.rows),
            all.verdicts,
            all.returned,
            all.flags,
            all.undecided,
            self.disagreements.len()
        )
    }
}

impl fmt::Display for Disagreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.refused { "refused".to_owned() } else { format!("{} rows", self.count) };
        writeln!(f, "{} on {} by {}: {what}", self.rule, self.target, self.engine)?;
        for wrong in &self.wrong {
            writeln!(f, "  {wrong}")?;
        }
        let body: Vec<&str> = self.document.lines().filter(|l| !l.starts_with("//") && !l.starts_with("```")).collect();
        let short: Vec<String> = body.iter().take(14).map(|l| l.chars().take(300).collect()).collect();
        write!(f, "    {}", short.join("\n    "))
    }
}

/// When an event happened that does not say so.
const START: i64 = 1_795_000_000;

/// Every so many events one is there as an event of another sort too.
const DECOYS: usize = 10;

/// The rows of all events in a target's logs, each at a second of its own, with each way of writing what is missing.
pub fn rows<'t>(target: &'t Target, events: &[Event], forms: Forms) -> Vec<Logged<'t>> {
    let mut rows: Vec<Logged> = vec![];
    let mut taken = HashSet::new();
    let mut free = move |mut second: i64| {
        while !taken.insert(second) {
            second += 1;
        }
        second
    };
    for (i, event) in events.iter().enumerate() {
        let start = START + i64::try_from(i).expect("few events") * 10;
        let given = event.named("event.time").map_or(start, |t| t.number() / 1_000_000);
        let mut missing = view::missing(target);
        if forms == Forms::InTurn {
            missing = vec![missing.swap_remove(i % missing.len())];
        }
        for missing in missing {
            let Some(logged) = view::logged(target, event, &missing, free(given)) else { break };
            let same = |before: &Logged| before.row_but_time(target) == logged.row_but_time(target);
            if forms == Forms::InTurn || missing == Missing::Absent || !rows.last().is_some_and(same) {
                rows.push(logged);
            }
        }
        if i % DECOYS == 0 {
            let decoy = rows.last().and_then(|row| row.decoy(target, free(given)));
            rows.extend(decoy);
        }
    }
    rows
}

/// A rule and the project that it belongs to.
pub type Case<'p> = (&'p Project, &'p Rule, String);

/// Rules, and the events that they are asked about.
pub struct Round<'p> {
    /// The rules.
    pub cases: Vec<Case<'p>>,
    /// The events.
    pub events: Vec<Event>,
    /// How missing values are written.
    pub forms: Forms,
    /// What users' converters make of the documents is run, too.
    pub converted: bool,
}

/// The ways in which a log writes a missing value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forms {
    /// A row for each of them.
    Each,
    /// One row, in each way in turn from event to event.
    InTurn,
}

/// Compares all rules on all targets.
pub fn compare(rounds: &[Round], targets: &[&Target]) -> Comparison {
    let mut done = Comparison::default();
    let mut compiled = HashSet::new();
    for (of, wrong, rules) in side_by_side(targets, |target| on_target(rounds, target)) {
        done.targets.push(of);
        done.disagreements.extend(wrong);
        compiled.extend(rules);
    }
    done.rules = compiled.len();
    done
}

/// What was compared on a target, where the two disagree, and the rules that became a document, each with its round.
fn on_target<'r>(rounds: &'r [Round], target: &Target) -> (OnTarget, Vec<Disagreement>, Vec<(usize, &'r str)>) {
    let mut of = OnTarget { name: target.name.clone(), ..OnTarget::default() };
    let (mut batches, mut asked, mut wrong, mut compiled) = (vec![], vec![], vec![], vec![]);
    for (i, round) in rounds.iter().enumerate() {
        let mut questions = vec![];
        let mut meanings = vec![];
        for (project, rule, name) in &round.cases {
            let Ok(document) = compile(rule, project, target) else {
                of.unsupported += 1;
                continue;
            };
            compiled.push((i, name.as_str()));
            match document.status {
                Status::Exact => of.exact += 1,
                Status::Degraded => of.degraded += 1,
            }
            let meaning = Meanings::new(project, rule, target);
            let flags = if target.language == Language::Sigma { vec![] } else { meaning.flags() };
            questions.push(Question { name: name.clone(), document: document.text, flags });
            meanings.push(meaning);
        }
        batches.push(Batch { rows: rows(target, &round.events, round.forms), questions, converted: round.converted });
        asked.push(meanings);
    }
    let asked: Vec<Vec<&Meanings>> = asked.iter().map(|all| all.iter().collect()).collect();
    of.rows = batches.iter().map(|b| b.rows.len()).sum();
    of.engines = ask(&mut wrong, target, &batches, &asked);
    (of, wrong, compiled)
}

/// Runs documents of one target; what each returns is compared with the meaning beside it.
pub fn ask(
    wrong: &mut Vec<Disagreement>,
    target: &Target,
    batches: &[Batch],
    meanings: &[Vec<&Meanings>],
) -> Vec<ByEngine> {
    let mut all = vec![];
    for (engine, answers) in engines::run(target, batches) {
        let mut of = ByEngine { engine, ..ByEngine::default() };
        for ((batch, meanings), answers) in batches.iter().zip(meanings).zip(answers) {
            for ((question, meaning), answer) in batch.questions.iter().zip(meanings).zip(answers) {
                wrong.extend(judge(&mut of, target, &batch.rows, question, meaning, answer));
            }
        }
        all.push(of);
    }
    all
}

/// A rule's meaning in each log of a target.
pub struct Meanings<'t> {
    systems: Vec<Os>,
    by_log: Vec<(&'t Source, Kind, Option<Meaning>)>,
}

impl<'t> Meanings<'t> {
    /// A rule on a target.
    pub fn new(project: &Project, rule: &Rule, target: &'t Target) -> Meanings<'t> {
        let sources = target.sources.iter().flat_map(|(kind, all)| all.iter().map(move |s| (*kind, s)));
        let by_log = sources.map(|(kind, source)| (source, kind, Meaning::new(rule, project, target, source, kind)));
        Meanings { systems: rule.meta.os.clone(), by_log: by_log.collect() }
    }

    /// The flags that its rows must carry.
    pub fn flags(&self) -> Vec<String> {
        let mut out: Vec<String> = vec![];
        for name in self.by_log.iter().filter_map(|(.., m)| m.as_ref()).flat_map(Meaning::flags) {
            if !out.iter().any(|n| n == name) {
                out.push(name.to_owned());
            }
        }
        out
    }

    /// Where a log mixes systems, a rule says nothing of those that it is not for: `None`.
    fn of(&self, logged: &Logged) -> Option<Expected> {
        if logged.decoy {
            return Some(Expected::default());
        }
        if logged.source.os.len() > 1 && !self.systems.contains(&logged.os) {
            return None;
        }
        let found =
            self.by_log.iter().find(|(source, kind, _)| std::ptr::eq(*source, logged.source) && *kind == logged.kind);
        found
            .and_then(|(.., meaning)| meaning.as_ref())
            .map(|m| m.of(&logged.event))
            .or_else(|| Some(Expected::default()))
    }
}

fn judge(
    of: &mut ByEngine,
    target: &Target,
    rows: &[Logged],
    question: &Question,
    meaning: &Meanings,
    answer: Result<Returned, String>,
) -> Option<Disagreement> {
    let mut wrong: Vec<String> = vec![];
    let refused = answer.is_err();
    match answer {
        Err(error) => wrong.push(format!("it does not run: {error}")),
        Ok(returned) => {
            for (place, logged) in rows.iter().enumerate() {
                if returned.undecided.contains(&place) {
                    of.undecided += 1;
                    continue;
                }
                let Some(expected) = meaning.of(logged) else { continue };
                of.verdicts += 1;
                of.returned += usize::from(expected.returned);
                let shown = || serde_json::to_string(&logged.row_but_time(target)).expect("JSON");
                match (returned.rows.get(&place), expected.returned) {
                    (None, true) => wrong.push(format!("it loses {}", shown())),
                    (Some(_), false) => wrong.push(format!("it returns {}", shown())),
                    (Some(flags), true) => {
                        for name in &question.flags {
                            let must = expected.flags.get(name).copied().unwrap_or(false);
                            of.flags += 1;
                            if flags.get(name) != Some(&must) {
                                wrong.push(format!(
                                    "{name} is {must} and comes out {:?} for {}",
                                    flags.get(name),
                                    shown()
                                ));
                            }
                        }
                    }
                    (None, false) => {}
                }
            }
        }
    }
    if wrong.is_empty() {
        return None;
    }
    wrong.sort_by_key(String::len);
    let count = wrong.len();
    wrong.truncate(3);
    Some(Disagreement {
        rule: question.name.clone(),
        target: target.name.clone(),
        engine: of.engine,
        refused,
        wrong,
        count,
        document: question.document.clone(),
    })
}
