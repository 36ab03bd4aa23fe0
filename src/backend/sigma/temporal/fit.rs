//! What of a rule over steps a correlation can say at all, before any column is looked up.

use crate::backend::one_line;
use crate::ir::{Joint, OneEvent, Role, Step, Steps};
use crate::sema::Rule;
use crate::source::Span;
use crate::target::{Note, Unsupported};

/// The required steps with nothing but keys and equalities between them, and remarks about what was left out.
///
/// # Errors
/// Each part that decides whether the rule fires and that no correlation knows.
pub fn fit(rule: &Rule, steps: &Steps) -> Result<(Steps, Vec<Note>), Vec<Unsupported>> {
    let mut fit = Fit { steps, notes: vec![], refused: vec![] };
    fit.guards();
    let mut out = steps.clone();
    // Optional steps stand behind all others, so that indexes stay what they are.
    out.steps.truncate(steps.required().last().map_or(0, |(i, _)| i + 1));
    for step in &mut out.steps {
        fit.equalities(step);
        let conditions = std::mem::take(&mut step.conditions);
        let unsaid: Vec<Joint> = conditions.into_iter().filter(|joint| !fit.left_out(joint)).collect();
        for joint in &unsaid {
            fit.several(joint);
        }
    }
    for (index, joint) in std::mem::take(&mut out.exceptions) {
        fit.exception(rule, index, &joint);
    }
    out.flags.clear();
    // Nothing is shown: only what joins the steps is looked up.
    out.show = Some(vec![]);
    fit.optional();
    fit.flags();
    if fit.refused.is_empty() { Ok((out, fit.notes)) } else { Err(fit.refused) }
}

struct Fit<'a> {
    steps: &'a Steps,
    notes: Vec<Note>,
    refused: Vec<Unsupported>,
}

impl Fit<'_> {
    fn refuse(&mut self, span: Span, why: String) {
        self.refused.push(Unsupported::new(span, why));
    }

    fn note(&mut self, text: String, degraded: bool) {
        self.notes.push(Note { text, degraded });
    }

    fn names(&self, joint: &Joint) -> String {
        let all = joint.steps();
        let names: Vec<String> =
            all.iter().filter_map(|i| self.steps.steps.get(*i)).map(|s| format!("`{}`", s.name)).collect();
        names.join(" and ")
    }

    fn guards(&mut self) {
        let all: Vec<(Span, String)> =
            self.steps.of_role(Role::Without).map(|(_, s)| (s.span, s.name.clone())).collect();
        for (span, name) in all {
            self.refuse(span, format!("cannot demand that an event is missing, as `{name}` must be: a correlation finds events that are there"));
        }
    }

    fn equalities(&mut self, step: &mut Step) {
        let (cased, rest) = std::mem::take(&mut step.equalities).into_iter().partition(|e| e.cased);
        step.equalities = rest;
        let cased: Vec<crate::ir::Equal> = cased;
        for equal in cased {
            let field = equal.left.field.short();
            let why = format!("groups by `{field}` and does not say whether letters' case counts");
            match equal.available {
                Some(_) => self.dropped(&why),
                None => self.refuse(equal.span, why),
            }
        }
    }

    fn dropped(&mut self, why: &str) {
        self.note(format!("A condition is left out, which may add alerts: the target {why}."), true);
    }

    fn left_out(&mut self, joint: &Joint) -> bool {
        let droppable = matches!(joint, Joint::Droppable(..));
        if droppable {
            let why = format!("knows no condition over {} but equal fields", self.names(joint));
            self.dropped(&why);
        }
        droppable
    }

    fn several(&mut self, joint: &Joint) {
        let why = format!("joins {} by equal fields alone, and this asks more of them together", self.names(joint));
        self.refuse(place(joint).unwrap_or(self.steps.within.span), why);
    }

    fn exception(&mut self, rule: &Rule, index: usize, joint: &Joint) {
        let Some(exception) = rule.exceptions.get(index) else { return };
        let title = one_line(&exception.title);
        let why = format!("cannot except a match for what {} are together", self.names(joint));
        if matches!(joint, Joint::Droppable(..)) {
            self.note(format!("The exception \"{title}\" is left out: the target {why}."), true);
        } else {
            self.refuse(exception.span(), why);
        }
    }

    fn optional(&mut self) {
        let names: Vec<String> = self.steps.of_role(Role::Optional).map(|(_, s)| s.name.clone()).collect();
        if !names.is_empty() {
            let text = format!(
                "Sigma's correlations show no columns, so these optional steps, which never decide, are not part of the \
                 rule: {}.",
                names.join(", ")
            );
            self.note(text, false);
        }
    }

    fn flags(&mut self) {
        let names: Vec<&str> = self.steps.flags.iter().map(|f| f.name.as_str()).collect();
        if !names.is_empty() {
            let text = super::super::flags_note(&names);
            self.notes.push(text);
        }
    }
}

/// Where a condition over steps is written.
fn place(joint: &Joint) -> Option<Span> {
    match joint {
        Joint::Const(_) => None,
        Joint::Not(inner) => place(inner),
        Joint::And(all) | Joint::Or(all) => all.iter().find_map(place),
        Joint::One(_, event) => first_test(event),
        Joint::Equal(equal) => Some(equal.span),
        Joint::Droppable(_, span) => Some(*span),
    }
}

fn first_test(event: &OneEvent) -> Option<Span> {
    let mut found = None;
    for (_, pred) in event.each() {
        pred.each_test(&mut |test| found = found.or(Some(test.span)));
    }
    found
}
