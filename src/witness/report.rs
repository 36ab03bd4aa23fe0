//! What there is to say about witnesses: lines of JSON, and findings.

use super::{Because, Conflict, Refused, Verdict, Witness};
use crate::diagnostic::{Code, Diagnostic};
use crate::sema::Rule;
use crate::source::{Sources, Span};
use serde_json::{Map, Value as Json, json};

/// The finding for a rule without witnesses.
#[must_use]
pub fn finding(rule: &Rule, refused: &Refused) -> Diagnostic {
    match refused {
        Refused::Unsatisfiable(span, conflict) => unsatisfiable(rule, *span, conflict),
    }
}

fn unsatisfiable(rule: &Rule, span: Span, conflict: &Conflict) -> Diagnostic {
    if let Some(steps) = conflict.cut_off {
        let message = format!("the search for a witness of `{}` was cut off", rule.name);
        return Diagnostic::new(Code::Unsatisfiable, message)
            .at(span, "too much work: no event was found that fits all of this")
            .note(format!("the search takes {steps} steps at most: this is no proof that there is none"))
            .help("split the rule, or write a list in place of many conditions on one field");
    }
    let message = match conflict.certain {
        true => format!("`{}` cannot be satisfied: it fires on no event", rule.name),
        false => format!("no event was found on which `{}` fires", rule.name),
    };
    let mut conditions = conflict.conditions.iter();
    let mut diagnostic = Diagnostic::new(Code::Unsatisfiable, message);
    diagnostic = match conditions.next() {
        Some((span, what)) => diagnostic.at(*span, format!("asks {what}")),
        None if conflict.certain => diagnostic.at(span, "no way through this detection is open"),
        None => diagnostic.at(span, "nothing was found that fits all of this"),
    };
    for (span, what) in conditions {
        diagnostic = diagnostic.also(*span, format!("and {what}"));
    }
    match (conflict.certain, conflict.conditions.is_empty()) {
        (true, false) => diagnostic.note("no value meets these together"),
        (true, true) => diagnostic,
        (false, _) => diagnostic.note("the search is bounded: this is no proof that there is none"),
    }
}

/// Why a witness is what it is, in the words of the source.
#[must_use]
pub fn because(because: &Because, sources: &Sources) -> String {
    let written = |span: &Span| {
        let text = sources.on_one_line(*span);
        if because.negated.contains(span) { format!("not {text}") } else { text }
    };
    let clauses: Vec<String> = because.clauses.iter().map(written).collect();
    let joined = clauses.join(" and ");
    if because.detail.is_empty() { joined } else { format!("{joined}: {}", because.detail) }
}

/// A witness as an object: which rule, what it says, why, and the event apart; `place` is the log of a target.
#[must_use]
pub fn line(rule: &Rule, witness: &Witness, place: Option<&str>, event: Map<String, Json>, sources: &Sources) -> Json {
    let why = because(&witness.because, sources);
    let why = if witness.verdict == Verdict::NearMiss { format!("not: {why}") } else { why };
    let mut out = Map::new();
    out.insert("rule".into(), json!(rule.name));
    out.insert("witness".into(), json!(witness.verdict.words()));
    if let Verdict::Excepted(title) = &witness.verdict {
        out.insert("exception".into(), json!(title));
    }
    out.insert("because".into(), json!(why));
    if let Some(place) = place {
        out.insert("log".into(), json!(place));
    }
    out.insert("event".into(), Json::Object(event));
    Json::Object(out)
}

/// A witness of a rule over several events, with all its events; `logs` are those of a target in which these lie.
#[must_use]
pub fn line_of_several(
    rule: &Rule,
    witness: &Witness,
    logs: Option<&[String]>,
    events: Vec<Map<String, Json>>,
    sources: &Sources,
) -> Json {
    let mut out = line(rule, witness, None, Map::new(), sources);
    if let Some(out) = out.as_object_mut() {
        out.remove("event");
        if let Some(logs) = logs {
            out.insert("logs".into(), json!(logs));
        }
        out.insert("events".into(), json!(events));
    }
    out
}
