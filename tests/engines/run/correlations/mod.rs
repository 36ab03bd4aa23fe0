//! Sigma's correlations on two engines that share no code: does a set of events make one fire?
//!
//! Engines differ in how often a group fires, at which of its events, and in fractions of a second; so sets keep to whole
//! seconds and different times, keys to one case, and nothing else is asked. `deviations.md` has each difference.

pub mod rules;
pub mod tests;

use super::super::checker::{self, Checker};
use serde_json::{Value as Json, json};

/// A document, and sets of events in order of time with what is expected of each; `None`: either will do.
pub struct Question {
    pub name: String,
    pub document: String,
    pub sets: Vec<(Vec<Json>, Option<bool>)>,
}

/// What came out.
#[derive(Default)]
pub struct Done {
    /// Sets that were judged, on each engine.
    pub sets: usize,
    /// Those that must fire.
    pub fires: usize,
    /// Where an engine says otherwise.
    pub wrong: Vec<String>,
}

/// Asks both engines.
pub fn compare(questions: &[Question]) -> Done {
    let mut done = Done::default();
    let line = |q: &Question| {
        let sets: Vec<&Vec<Json>> = q.sets.iter().map(|(events, _)| events).collect();
        json!({ "name": q.name, "yaml": q.document, "sets": sets })
    };
    for (engine, name) in [(Checker::SigmaCorrelate, "pySigma's SQLite"), (Checker::Rsigma, "rsigma")] {
        let answers = checker::run(engine, questions.iter().map(line).collect());
        for (question, answer) in questions.iter().zip(&answers) {
            if let Some(error) = answer["error"].as_str() {
                done.wrong.push(format!("{} on {name}: {error}\n{}", question.name, question.document));
                continue;
            }
            let fired = answer["fired"].as_array().expect("verdicts");
            assert_eq!(fired.len(), question.sets.len(), "{}: a verdict for each set", question.name);
            let judged = question.sets.iter().zip(fired).filter_map(|((e, wanted), f)| Some((e, (*wanted)?, f)));
            for (events, wanted, fired) in judged {
                done.sets += 1;
                done.fires += usize::from(wanted);
                if fired != &json!(wanted) {
                    let says = if wanted { "is silent" } else { "fires" };
                    done.wrong.push(report(question, name, says, events));
                }
            }
        }
    }
    done
}

fn report(question: &Question, engine: &str, says: &str, events: &[Json]) -> String {
    let events: Vec<String> = events.iter().map(|e| format!("  {e}")).collect();
    let document: Vec<&str> = question.document.lines().filter(|l| l.len() < 200).collect();
    format!("{}: {engine} {says} on\n{}\n{}", question.name, events.join("\n"), document.join("\n"))
}
