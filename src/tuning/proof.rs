//! Proofs, by the engine that makes witnesses: that tuning left nothing of a rule, that an exception takes nothing.
//!
//! What is asked is whether any event meets some conditions together. An event that was made is an answer, and so is a
//! search that ended without one; a search that came to its bounds is none, and then nothing is said. Of a rule over
//! several events each step is asked alone: if no event fits a required one, nothing matches.

use crate::diagnostic::{Code, Diagnostic};
use crate::ir::{Body, Meaning, OneEvent, Pred};
use crate::project::Loaded;
use crate::sema::Rule;
use crate::source::Span;
use crate::vocabulary::Kind;
use crate::witness::{Budget, possible};

/// What a rule asks of one event: all of it, or a step that it cannot do without. For each kind of event what is detected, and
/// exceptions by their place in the rule.
struct Part(Vec<Asked>);

/// What is asked of one kind of event.
struct Asked {
    body: Body,
    exceptions: Vec<(usize, Pred)>,
}

/// Which exceptions an event must not meet.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Without {
    All,
    TheRulesOwn,
    None,
}

fn parts(rule: &Rule, loaded: &Loaded) -> Vec<Part> {
    match rule.meaning(&loaded.project, &rule.meta.os) {
        Meaning::Single(bodies) => {
            let asked = |body: &Body| {
                let exceptions = body.exceptions.iter().cloned().enumerate().collect();
                Asked { body: Body { exceptions: vec![], ..body.clone() }, exceptions }
            };
            vec![Part(bodies.iter().map(|body| asked(body)).collect())]
        }
        Meaning::Steps(steps) => steps.required().map(|(_, step)| of_events(&step.events, &step.exceptions)).collect(),
        Meaning::Count(count) => vec![of_events(&count.events, &count.exceptions)],
    }
}

fn of_events(events: &OneEvent, exceptions: &[(usize, OneEvent)]) -> Part {
    let asked = |(kind, pred): (Kind, &Pred)| Asked {
        body: Body { kind, detect: pred.clone(), exceptions: vec![], flags: vec![], score: None, names: vec![] },
        exceptions: exceptions.iter().map(|(i, e)| (*i, e.of(kind).clone())).collect(),
    };
    Part(events.each().map(asked).collect())
}

impl Part {
    /// Whether an event exists that is detected, meets the exception of index `also`, and none of those left; `None`:
    /// nobody knows. With another threshold, if one is given.
    fn possible(
        &self,
        rule: &Rule,
        loaded: &Loaded,
        also: Option<usize>,
        without: Without,
        threshold: Option<u64>,
        budget: &Budget,
    ) -> Option<bool> {
        let mut known = true;
        for asked in &self.0 {
            let is_left = |i: usize| match without {
                Without::All => true,
                Without::TheRulesOwn => rule.exceptions.get(i).is_some_and(|e| !e.tuned),
                Without::None => false,
            };
            let met = asked.exceptions.iter().filter(|(i, _)| Some(*i) == also).map(|(_, pred)| pred.clone());
            let left = asked.exceptions.iter().filter(|(i, _)| is_left(*i)).map(|(_, pred)| pred.clone().not());
            let detect = Pred::and(std::iter::once(asked.body.detect.clone()).chain(met).chain(left));
            let mut body = Body { detect, ..asked.body.clone() };
            if let (Some(score), Some(threshold)) = (&mut body.score, threshold) {
                score.threshold = threshold;
            }
            match possible(rule, &loaded.project, &body, budget) {
                Some(true) => return Some(true),
                Some(false) => {}
                None => known = false,
            }
        }
        known.then_some(false)
    }
}

/// The finding for a rule that fires on no event any more, where it is proved that it does not and did.
pub(super) fn taken_away(rule: &Rule, loaded: &Loaded, budget: &Budget) -> Option<Diagnostic> {
    let before = rule.threshold_before.map(|(threshold, _)| threshold);
    let is_taken = |part: &Part| {
        part.possible(rule, loaded, None, Without::All, None, budget) == Some(false)
            && part.possible(rule, loaded, None, Without::TheRulesOwn, before, budget) == Some(true)
    };
    let was_tuned = rule.exceptions.iter().any(|e| e.tuned) || before.is_some();
    let gone = was_tuned && parts(rule, loaded).iter().any(is_taken);
    gone.then(|| {
        let message = format!("`{}` can never fire with this tuning", rule.name);
        tuned_at(rule, Diagnostic::new(Code::TunedAway, message))
            .note("proved: no event makes it fire now, and some event did without the tuning")
            .help(format!(
                "make the exception narrower, or disable the rule: `tune {} {{ disable because \"…\" }}`",
                rule.name
            ))
    })
}

/// Points at what tunes set of a rule that leaves nothing of it.
fn tuned_at(rule: &Rule, diagnostic: Diagnostic) -> Diagnostic {
    let threshold = rule.tuned().iter().filter(|(key, _)| key == "threshold").map(|(_, span)| *span);
    let exceptions: Vec<_> = rule.exceptions.iter().filter(|e| e.tuned).map(|e| e.span()).collect();
    let own = rule.exceptions.iter().any(|e| !e.tuned);
    let takes = match (exceptions.len(), own) {
        (1, false) => "covers everything",
        (1, true) => "covers everything that the rule's own exceptions leave",
        (_, _) => "covers everything, together with the other exceptions",
    };
    let places: Vec<_> = exceptions
        .into_iter()
        .map(|span| (span, takes))
        .chain(threshold.map(|span| (span, "no remaining event reaches this score")))
        .collect();
    let point = |diagnostic: Diagnostic, (i, (span, text)): (usize, (Span, &str))| match i {
        0 => diagnostic.at(span, text),
        _ => diagnostic.also(span, text),
    };
    places.into_iter().enumerate().fold(diagnostic, point).also(rule.detect_span, "the rule detects this")
}

/// Warnings about exceptions of tunes that take nothing which the rule would find without them, where that is proved.
pub(super) fn without_effect(rule: &Rule, loaded: &Loaded, budget: &Budget) -> Vec<Diagnostic> {
    let tuned = rule.exceptions.iter().enumerate().filter(|(_, e)| e.tuned);
    if tuned.clone().next().is_none() {
        return vec![];
    }
    let parts = parts(rule, loaded);
    let mut found = vec![];
    for (i, exception) in tuned {
        let reads = |part: &&Part| part.0.iter().any(|asked| asked.exceptions.iter().any(|(e, _)| *e == i));
        let read: Vec<&Part> = parts.iter().filter(reads).collect();
        let never = |without| {
            read.iter().all(|part| part.possible(rule, loaded, Some(i), without, None, budget) == Some(false))
        };
        if read.is_empty() || !never(Without::TheRulesOwn) {
            continue;
        }
        let what = format!("exception `{}` of `{}`", exception.title, rule.name);
        found.push(if never(Without::None) {
            Diagnostic::new(Code::Covered, format!("{what} has no effect"))
                .at(exception.span(), "no event that the rule detects matches it")
                .also(rule.detect_span, "the rule detects this")
                .help("remove it from the tune")
        } else {
            let own = rule.exceptions.iter().filter(|e| !e.tuned);
            let at = Diagnostic::new(Code::Covered, format!("{what} is no longer needed"))
                .at(exception.span(), "the rule's own exceptions already cover it");
            own.fold(at, |d, e| d.also(e.span(), format!("`{}`", e.title))).help("remove it from the tune")
        });
    }
    found
}
