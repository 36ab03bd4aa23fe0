//! What tenants tune: another file's word on a rule's level, its score, its exceptions, or whether it is built at all.

use super::{Rule, add_exception, check_bodies};
use crate::diagnostic::{Code, Diagnostic};
use crate::sema::meta::Reader;
use crate::sema::{Project, Reach, Report, size, weights};
use crate::source::Span;
use crate::syntax::ast::{self, RulePartKind};
use std::collections::HashMap;

/// A rule that was there once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gone {
    /// Why it is gone, and since when.
    pub why: String,
    /// Its name now, if it has another.
    pub now: Option<String>,
}

/// Why a tenant has switched a rule off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disabled {
    /// Why.
    pub because: String,
    /// The last day on which it is meant to be off.
    pub until: Option<String>,
    /// Where that stands.
    pub span: Span,
}

impl Disabled {
    /// Why, and until when: for notes and messages.
    #[must_use]
    pub fn words(&self) -> String {
        self.until.as_ref().map_or_else(|| self.because.clone(), |day| format!("{} (until {day})", self.because))
    }
}

/// Applies tenants' tunes in the order of the files.
pub(in crate::sema) fn apply_tunes(
    tunes: Vec<ast::Tune>,
    gone: &HashMap<String, Gone>,
    reach: &Reach,
    project: &mut Project,
    report: &mut Report,
) {
    for tune in tunes {
        // The rule changes places with the last one while it is tuned; all are sorted in the end.
        let Some(mut rule) = project.rules.swap_remove(&tune.name.text) else {
            if !project.is_broken(&tune.name.text) {
                let known = project.rules.keys().map(String::as_str);
                tuned_gone(&tune.name, gone.get(&tune.name.text), known, report);
            }
            continue;
        };
        match reach.stops(tune.name.span, &format!("tunes `{}`", rule.name), rule.span) {
            Some(finding) => report.push(finding),
            None => tune.parts.into_iter().for_each(|part| apply_part(&mut rule, part, project, report)),
        }
        project.rules.insert(rule.name.clone(), rule);
    }
    project.rules.sort_keys();
}

/// A tune of a rule that is not there, or not any more.
fn tuned_gone<'a>(name: &ast::Ident, gone: Option<&Gone>, known: impl Iterator<Item = &'a str>, report: &mut Report) {
    let found = |gone: &Gone| {
        Diagnostic::new(Code::TunedGone, format!("the tuned rule `{}` is gone", name.text))
            .at(name.span, gone.why.as_str())
    };
    let diagnostic = match gone {
        Some(gone) => match &gone.now {
            Some(now) => found(gone).patch(format!("tune `{now}`"), name.span, now.as_str()),
            None => found(gone).help("take the tune out: nothing is left that it could change"),
        },
        None => report.did_you_mean(
            Diagnostic::new(Code::TunedGone, format!("there is no rule `{}` to tune", name.text))
                .at(name.span, "no rule of the project or its packs has this name"),
            &name.text,
            name.span,
            known,
        ),
    };
    report.push(diagnostic);
}

const TUNABLE: [&str; 4] = ["level", "status", "schedule", "throttle"];

fn apply_part(rule: &mut Rule, part: ast::RulePart, project: &Project, report: &mut Report) {
    let key = match &part.kind {
        RulePartKind::Meta { key, .. } => Some(key.text.clone()),
        RulePartKind::Threshold(..) => Some("threshold".to_owned()),
        RulePartKind::Disable(_) => Some("disable".to_owned()),
        _ => None,
    };
    if let Some(key) = key {
        if let Some((_, first)) = rule.tuned.iter().find(|(k, _)| *k == key) {
            report.push(
                Diagnostic::new(Code::TunedTwice, format!("`{key}` of `{}` is tuned twice", rule.name))
                    .at(part.span, "again here")
                    .also(*first, "first here"),
            );
        }
        rule.tuned.push((key, part.span));
    }
    match part.kind {
        RulePartKind::Meta { key, value } if TUNABLE.contains(&key.text.as_str()) => {
            let kinds = rule.kinds.clone();
            let steps = rule.steps.clone();
            Reader::new(project, &kinds, &steps, report).read(&key, &value, &mut rule.meta);
        }
        RulePartKind::Meta { key, .. } => report.push(
            Diagnostic::new(Code::UnknownKey, format!("a tune cannot set `{}`", key.text))
                .at(key.span, "belongs to the rule itself")
                .note("a tune takes except, level, status, threshold, schedule, throttle, disable and test"),
        ),
        RulePartKind::Threshold(n, span) => {
            rule.threshold_before = rule.threshold.replace((n, span));
            weights::check_threshold(rule, (n, span), report);
        }
        RulePartKind::Disable(reason) => {
            let (because, until) = (reason.because.value, reason.until.map(|u| u.0));
            rule.disabled = Some(Disabled { because, until, span: part.span });
        }
        RulePartKind::Except(except) => {
            let before = report.diagnostics.len();
            let others = rule.exceptions.len();
            add_exception(rule, (except, true), part.span, project, report);
            let added = rule.exceptions.iter().skip(others).map(|e| &e.expr);
            let what = format!("rule `{}`", rule.name);
            if size::check(&what, added, &mut rule.tests_held, project, report) {
                check_bodies(rule, project, report);
            }
            rule.broken |= report.diagnostics.iter().skip(before).any(Diagnostic::is_error);
        }
        RulePartKind::Test(test) => rule.tests.push(test),
        RulePartKind::Detect(_) | RulePartKind::Flag(_) => report.push(
            Diagnostic::new(Code::UnknownKey, "a tune does not change what a rule detects")
                .at(part.span, "belongs to the rule itself"),
        ),
    }
}
