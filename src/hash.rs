//! Hashes: what a rule means, what it says about itself, what a file holds.
//!
//! A rule's logic is hashed as its meaning in normal form, with the operands of connectives, the elements of lists, flags
//! and exceptions sorted: comments, layout, names of `let`s and the order in which alternatives are written do not count;
//! what a utility, list or param brings in does. Tests count in neither hash: they reach no document.

use crate::ir::{Body, Drop, FieldRef, Joint, Matcher, Meaning, OneEvent, Op, Pred, StepField, Steps, Text};
use crate::ir::{Count, Equal, Key, Role, Step, Test};
use crate::ir::{Score, pattern};
use crate::sema::{Project, Rule, Technique};
use crate::vocabulary::{FieldId, Os};
use regex_syntax::ast::Ast;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

/// The format of the lock, and of what its hashes are made of. Hashes of two formats are not compared.
pub const FORMAT: u32 = 1;

/// The hash of some bytes as it stands in locks and manifests: `sha256:` and 64 hexadecimal digits.
#[must_use]
pub fn of_bytes(bytes: &[u8]) -> String {
    format!("sha256:{}", hex(bytes))
}

/// SHA-256 in hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The hash of what a rule means, on all of its systems together and on each alone.
#[must_use]
pub fn logic(rule: &Rule, project: &Project) -> String {
    of_bytes(canonical(rule, project).to_string().as_bytes())
}

/// The hash of what [`says`] a rule about itself.
///
/// [`says`]: texts
#[must_use]
pub fn text(rule: &Rule) -> String {
    of_bytes(json!(texts(rule)).to_string().as_bytes())
}

/// What a rule says about itself, by the language's keys: metadata, and why its exceptions are there.
#[must_use]
pub fn texts(rule: &Rule) -> BTreeMap<&'static str, Value> {
    let meta = &rule.meta;
    let exception = |e: &crate::sema::Exception| json!([e.title, e.because, e.until]);
    let mut all = BTreeMap::from([
        ("title", json!(meta.title)),
        ("description", json!(meta.description)),
        ("level", json!(meta.level.word())),
        ("status", json!(meta.status)),
        ("attack", json!(meta.attack.iter().map(Technique::written).collect::<Vec<_>>())),
        ("author", json!(meta.author)),
        ("license", json!(meta.license)),
        ("date", json!(meta.date)),
        ("modified", json!(meta.modified)),
        ("references", json!(meta.references)),
        ("related", json!(meta.related)),
        ("tags", json!(meta.tags)),
        ("false_positives", json!(meta.false_positives)),
        ("triage", json!(meta.triage)),
        ("show", json!(meta.show.as_ref().map(|s| s.iter().map(|(field, _)| field).collect::<Vec<_>>()))),
        ("entities", json!(meta.entities)),
        ("schedule", json!(meta.schedule.map(|s| [s.every, s.over]))),
        ("throttle", json!(meta.throttle.as_ref().map(|t| json!([t.period, t.keys])))),
        ("except", Value::from(rule.exceptions.iter().map(exception).collect::<Vec<_>>())),
        ("disable", json!(rule.disabled.as_ref().map(crate::sema::Disabled::words))),
    ]);
    all.retain(|_, value| !matches!(value, Value::Null) && value.as_array().is_none_or(|a| !a.is_empty()));
    all
}

/// What is hashed as a rule's logic.
fn canonical(rule: &Rule, project: &Project) -> Value {
    let os = &rule.meta.os;
    let together = std::iter::once(os.clone()).filter(|os| os.len() != 1);
    let systems = together.chain(os.iter().map(|os| vec![*os]));
    let on = |os: Vec<Os>| {
        let words: Vec<&str> = os.iter().map(|os| os.word()).collect();
        json!([words, meaning(rule, &rule.meaning(project, &os))])
    };
    json!({
        "format": FORMAT,
        "disabled": rule.disabled.is_some(),
        "means": Value::from(systems.map(on).collect::<Vec<_>>()),
    })
}

fn meaning(rule: &Rule, meaning: &Meaning) -> Value {
    match meaning {
        Meaning::Single(bodies) => set(bodies.iter().map(|b| body(rule, b))),
        Meaning::Steps(steps) => several(rule, steps),
        Meaning::Count(count) => counted(rule, count),
    }
}

/// Without order, and each once.
fn set(all: impl IntoIterator<Item = Value>) -> Value {
    let by_text: BTreeMap<String, Value> = all.into_iter().map(|v| (v.to_string(), v)).collect();
    Value::from(by_text.into_values().collect::<Vec<_>>())
}

fn title(rule: &Rule, index: usize) -> &str {
    rule.exceptions.get(index).map_or("", |e| e.title.as_str())
}

fn body(rule: &Rule, body: &Body) -> Value {
    let exceptions = body.exceptions.iter().enumerate().map(|(i, p)| json!([title(rule, i), pred(p)]));
    let flags = body.flags.iter().map(|f| json!([f.name, f.weight, pred(&f.pred)]));
    json!({
        "kind": body.kind.word(),
        "detect": pred(&body.detect),
        "except": set(exceptions),
        "flags": set(flags),
        "threshold": body.score.as_ref().map(|s: &Score| s.threshold),
    })
}

fn several(rule: &Rule, steps: &Steps) -> Value {
    let exceptions = steps.exceptions.iter().map(|(i, j)| json!([title(rule, *i), joint(j)]));
    json!({
        "ordered": steps.ordered,
        "keys": keys(&steps.keys),
        "within": steps.within.micros,
        "steps": Value::from(steps.steps.iter().map(|s| step(rule, s)).collect::<Vec<_>>()),
        "except": set(exceptions),
        "flags": set(steps.flags.iter().map(|f| json!([f.name, joint(&f.joint)]))),
    })
}

fn step(rule: &Rule, step: &Step) -> Value {
    let role = match step.role {
        Role::Required => "required",
        Role::Optional => "optional",
        Role::Without => "without",
    };
    // A step that must not happen has a name for messages alone; the others' names begin those of their columns.
    let name = if step.role == Role::Without { "" } else { step.name.as_str() };
    json!({
        "name": name,
        "role": role,
        "events": one_event(&step.events),
        "except": set(step.exceptions.iter().map(|(i, e)| json!([title(rule, *i), one_event(e)]))),
        "equal": set(step.equalities.iter().map(equal)),
        "and": set(step.conditions.iter().map(joint)),
    })
}

fn counted(rule: &Rule, count: &Count) -> Value {
    json!({
        "distinct": count.distinct.map(|k| k.field.short()),
        "at_least": count.at_least,
        "keys": keys(&count.keys),
        "within": count.within.micros,
        "events": one_event(&count.events),
        "except": set(count.exceptions.iter().map(|(i, e)| json!([title(rule, *i), one_event(e)]))),
    })
}

fn keys(all: &[Key]) -> Value {
    set(all.iter().map(|k| json!(k.field.short())))
}

fn one_event(event: &OneEvent) -> Value {
    set(event.each().map(|(kind, p)| json!([kind.word(), pred(p)])))
}

fn step_field(field: StepField) -> Value {
    json!([field.step, field.field.short()])
}

fn equal(equal: &Equal) -> Value {
    let sides = set([step_field(equal.left), step_field(equal.right)]);
    json!(["equal", sides, equal.cased, equal.available.is_some()])
}

fn joint(joint: &Joint) -> Value {
    let all = |parts: &[Joint]| set(parts.iter().map(self::joint));
    match joint {
        Joint::Const(value) => json!(value),
        Joint::Not(inner) => json!(["not", self::joint(inner)]),
        Joint::And(parts) => json!(["and", all(parts)]),
        Joint::Or(parts) => json!(["or", all(parts)]),
        Joint::One(step, event) => json!(["step", step, one_event(event)]),
        Joint::Equal(e) => equal(e),
        Joint::Droppable(inner, _) => json!(["when available", self::joint(inner)]),
    }
}

fn pred(pred: &Pred) -> Value {
    let all = |parts: &[Pred]| set(parts.iter().map(self::pred));
    match pred {
        Pred::Const(value) => json!(value),
        Pred::Not(inner) => json!(["not", self::pred(inner)]),
        Pred::And(parts) => json!(["and", all(parts)]),
        Pred::Or(parts) => json!(["or", all(parts)]),
        Pred::Test(test) => self::test(test),
        Pred::Droppable { pred, why: Drop::WhenAvailable | Drop::Alternative, .. } => {
            json!(["when available", self::pred(pred)])
        }
        Pred::Droppable { pred, why: Drop::OriginalName(utility), .. } => {
            json!(["original when available", utility, self::pred(pred)])
        }
    }
}

fn field(field: FieldRef) -> Value {
    let short = |id: FieldId| id.short();
    match field.step {
        None => json!(short(field.id)),
        Some(step) => json!([step, short(field.id)]),
    }
}

fn test(test: &Test) -> Value {
    let of = field(test.field);
    match &test.op {
        Op::Exists => json!([of, "exists"]),
        Op::IsTrue => json!([of, "true"]),
        Op::Order(order, value) => json!([of, order.sign(), value]),
        Op::Number(all) => json!([of, "in", set(all.iter().map(|n| json!(n)))]),
        Op::Word(all) => json!([of, "in", set(all.iter().map(|w| json!(w)))]),
        Op::Same { other, cased } => json!([of, "same", field(*other), cased]),
        Op::Cidr(all) => json!([of, "cidr", texts_of(all)]),
        Op::Text(text) => matched(&of, text),
    }
}

fn texts_of(all: &[String]) -> Value {
    set(all.iter().map(|t| json!(t)))
}

fn matched(of: &Value, text: &Text) -> Value {
    let (how, what) = match &text.matcher {
        Matcher::Exact(all) => ("is", texts_of(all)),
        Matcher::Contains(all) => ("contains", texts_of(all)),
        Matcher::StartsWith(all) => ("starts with", texts_of(all)),
        Matcher::EndsWith(all) => ("ends with", texts_of(all)),
        Matcher::Like(all) => ("like", set(all.iter().map(glob))),
        // What the expression implies follows from it.
        Matcher::Regex(regex) => ("matches", json!([sorted(&regex.pattern), regex.cased, regex.dot_all])),
    };
    json!([of, how, what, text.all, text.cased])
}

/// A regular expression with its alternatives sorted: their order decides what is captured, never whether it matches.
fn sorted(pattern: &str) -> String {
    let Ok(mut ast) = regex_syntax::ast::parse::Parser::new().parse(pattern) else { return pattern.to_owned() };
    if sort(&mut ast) { ast.to_string() } else { pattern.to_owned() }
}

/// Sorts every alternation; `false` if flags are set on the way, which hold for what stands behind them.
fn sort(ast: &mut Ast) -> bool {
    match ast {
        Ast::Flags(_) => false,
        Ast::Group(group) => sort(&mut group.ast),
        Ast::Repetition(repetition) => sort(&mut repetition.ast),
        Ast::Concat(concat) => concat.asts.iter_mut().all(sort),
        Ast::Alternation(alternation) => {
            let plain = alternation.asts.iter_mut().all(sort);
            alternation.asts.sort_by_cached_key(ToString::to_string);
            plain
        }
        _ => true,
    }
}

fn glob(glob: &pattern::Glob) -> Value {
    let part = |part: &pattern::Part| match part {
        pattern::Part::Literal(text) => json!(text),
        pattern::Part::Any => json!(["*"]),
        pattern::Part::One => json!(["?"]),
    };
    Value::from(glob.parts.iter().map(part).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::sorted;

    #[test]
    fn alternatives_are_sorted_at_every_depth_and_nothing_else_is() {
        assert_eq!(sorted("(?:c|a(?:z|y)+|b)$"), sorted("(?:b|a(?:y|z)+|c)$"));
        assert_ne!(sorted("(?:a|b)c"), sorted("(?:a|c)b"));
        assert_ne!(sorted("ab"), sorted("ba"));
        assert_eq!(sorted("a|(?i)b|A"), "a|(?i)b|A");
    }
}
