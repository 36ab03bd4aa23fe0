//! Why a test failed: which of the rule's conditions decided, by what was expected and what came out.

use super::run::{Seen, answer, foreign_system};
use super::words::{Words, reason, titled};
use super::{Answer, Failure, MOST_REASONS, Outcome, Reason};
use crate::event::clauses::Clauses;
use crate::project::Loaded;
use crate::sema::Rule;

/// A test that expected something else than what came out.
pub(super) fn failure(rule: &Rule, loaded: &Loaded, seen: &[Seen], expected: Answer) -> Outcome {
    let fits = |s: &&Seen| s.verdict.detected && (s.verdict.fires() || !matches!(expected, Answer::Fires(_)));
    let index = seen.iter().position(|s| fits(&s)).or(seen.iter().position(|s| s.verdict.detected)).unwrap_or(0);
    let Some(decided) = seen.get(index) else {
        return Outcome::Unreadable(rule.span, "a test of this rule has no event".to_owned());
    };
    let got = answer(&decided.verdict);
    let mut reasons = why(rule, loaded, decided, &expected, &got);
    let mut known = vec![];
    reasons.retain(|r| {
        let new = !known.contains(&(r.span, r.text.clone()));
        known.push((r.span, r.text.clone()));
        new
    });
    let more = reasons.len().saturating_sub(MOST_REASONS);
    reasons.truncate(MOST_REASONS);
    let events = vec![decided.given.shown(index, seen.len())];
    let score = decided.verdict.score;
    Outcome::Failed(Box::new(Failure { expected, got, score, events, reasons, more }))
}

fn why(rule: &Rule, loaded: &Loaded, seen: &Seen, expected: &Answer, got: &Answer) -> Vec<Reason> {
    let event = &seen.given.event;
    if let Some(os) = foreign_system(rule, event) {
        let ours: Vec<&str> = rule.meta.os.iter().map(|s| s.word()).collect();
        return vec![reason(rule.span, format!("`host.os` is {os}, and the rule is for {}", ours.join(" and ")))];
    }
    let Some(clauses) = rule.kinds.contains(&event.kind).then(|| Clauses::new(rule, &loaded.project, event.kind))
    else {
        let kinds: Vec<&str> = rule.kinds.iter().map(|k| k.word()).collect();
        let text = format!("this is a {} event, and the rule reads {} events", event.kind.word(), kinds.join(" or "));
        return vec![reason(rule.detect_span, text)];
    };
    let Some(clauses) = clauses else { return vec![] };
    let words = Words { rule, loaded, event };
    let exceptions = rule.exceptions.iter().zip(&clauses.exceptions);
    match (expected, got) {
        (Answer::Fires(_) | Answer::Excepted(_), Answer::Silent) => match seen.verdict.score {
            Some(score) => words.score(&clauses, score, false),
            None => words.fails(&clauses.detect),
        },
        (Answer::Silent, _) => {
            let score = seen.verdict.score.map(|score| words.score(&clauses, score, true));
            words.holds(&clauses.detect).into_iter().chain(score.into_iter().flatten()).collect()
        }
        (Answer::Fires(_), Answer::Excepted(titles)) => {
            let silencing = exceptions.filter(|(e, _)| titles.contains(&e.title));
            silencing.flat_map(|(e, c)| titled(&e.title, "silences it", words.holds(c))).collect()
        }
        (Answer::Excepted(titles), _) => {
            let meant = exceptions.filter(|(e, _)| titles.contains(&e.title));
            meant.flat_map(|(e, c)| titled(&e.title, "does not hold", words.fails(c))).collect()
        }
        (Answer::Fires(wanted), Answer::Fires(flags)) => {
            let has = |flags: &Option<Vec<String>>, name| flags.as_ref().is_some_and(|f| f.contains(name));
            let each = rule.flags().iter().zip(&clauses.flags).flat_map(|(flag, clause)| {
                let name = &flag.name.text;
                match (has(wanted, name), has(flags, name)) {
                    (true, false) => titled(name, "does not hold", words.fails(clause)),
                    (false, true) => titled(name, "holds", words.holds(clause)),
                    _ => vec![],
                }
            });
            each.collect()
        }
    }
}
