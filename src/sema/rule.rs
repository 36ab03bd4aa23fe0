//! Rules: metadata, detection, flags, exceptions, tests, and what tenants tune.

mod tune;

pub(super) use tune::apply_tunes;
pub use tune::{Disabled, Gone};

use super::condition::{Allowed, Lower, Place, StepScope};
use super::made::made;
use super::meta::{Meta, Reader};
use super::{Project, Report, size, temporal, test, weights};
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::{Body, Flag, Meaning, Pred, Score};
use crate::source::{FileId, Span};
use crate::syntax::ast::{self, Detect, Except, Expr, RulePartKind};
use crate::vocabulary::{FieldId, Kind, Os};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// An exception of a rule, its own or a shared one.
#[derive(Clone, Debug)]
pub struct Exception {
    /// Its title: results and messages name it so.
    pub title: String,
    /// Why.
    pub because: String,
    /// The last day on which it is meant to hold.
    pub until: Option<String>,
    /// Where that stands.
    pub until_span: Option<Span>,
    /// The step that it reads.
    pub step: Option<usize>,
    /// What it excepts, as written.
    pub expr: Expr,
    /// A tune brought it.
    pub tuned: bool,
    /// The name of the shared exception that it is.
    shared: Option<String>,
    span: Span,
}

impl Exception {
    /// Where its title or name stands.
    #[must_use]
    pub fn span(&self) -> Span {
        self.span
    }
}

/// Rules over several events lowered so far, by name and systems.
pub(super) type Meanings = Mutex<HashMap<(String, Vec<Os>), Meaning>>;

/// Rules lowered so far, by name, kind of event and systems: most targets ask for the same.
pub(super) type Bodies = Mutex<HashMap<(String, Kind, Vec<Os>), Arc<Body>>>;

/// A resolved rule.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Its name, and so its files' name.
    pub name: String,
    /// What it says about itself.
    pub meta: Meta,
    /// Its version, from the project's lock; `1.0.0` without one.
    pub version: String,
    /// How many times it was released, from the project's lock; 1 without one.
    pub revision: u64,
    /// The kinds of event that it reads; of a rule over several events, all of them.
    pub kinds: Vec<Kind>,
    /// Its exceptions, in order.
    pub exceptions: Vec<Exception>,
    /// Fire at this score.
    pub threshold: Option<(u64, Span)>,
    /// The threshold that a tune replaced.
    pub threshold_before: Option<(u64, Span)>,
    /// Its tests, its tunes' tests behind them.
    pub tests: Vec<ast::Test>,
    /// A tenant has switched it off: why.
    pub disabled: Option<Disabled>,
    /// Where its name stands.
    pub span: Span,
    /// Where its detection stands.
    pub detect_span: Span,
    /// It did not parse in full, or has findings: it is never compiled.
    pub broken: bool,
    /// It did not parse in full: nothing is missing in it for sure.
    pub(super) partial: bool,
    /// It names an exception that does not exist.
    pub(super) lacks_exceptions: bool,
    /// Tests and values in its conditions so far.
    tests_held: usize,
    detect: Option<Detect>,
    flags: Vec<ast::Flag>,
    steps: Vec<StepScope>,
    tuned: Vec<(String, Span)>,
}

impl Rule {
    /// The form of a rule over several events, in the plural, and where it stands.
    #[must_use]
    pub fn over_several_events(&self) -> Option<(&'static str, Span)> {
        match &self.detect {
            Some(Detect::Count(_)) => Some(("counts", self.detect_span)),
            Some(Detect::Steps(s)) if s.ordered => Some(("sequences", self.detect_span)),
            Some(Detect::Steps(_)) => Some(("`together`", self.detect_span)),
            _ => None,
        }
    }

    /// What the rule means on some systems. Findings were made when it was resolved.
    #[must_use]
    pub fn meaning(&self, project: &Project, os: &[Os]) -> Meaning {
        if self.over_several_events().is_none() {
            return Meaning::Single(self.kinds.iter().map(|kind| self.body(project, *kind, os)).collect());
        }
        let key = (self.name.clone(), os.to_vec());
        let meanings = || project.meanings.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(meaning) = meanings().get(&key) {
            return meaning.clone();
        }
        let meaning = temporal::meaning(self, project, os, &mut Report::default());
        let meaning = meaning.unwrap_or_else(|| Meaning::Single(vec![]));
        meanings().insert(key, meaning.clone());
        meaning
    }

    /// What a rule over single events means for one kind of event on some systems.
    #[must_use]
    pub fn body(&self, project: &Project, kind: Kind, os: &[Os]) -> Arc<Body> {
        let key = (self.name.clone(), kind, os.to_vec());
        let bodies = || project.bodies.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(body) = bodies().get(&key) {
            return Arc::clone(body);
        }
        let body = Arc::new(self.lower(project, kind, os, &mut Report::default()));
        bodies().insert(key, Arc::clone(&body));
        body
    }

    fn lower(&self, project: &Project, kind: Kind, os: &[Os], report: &mut Report) -> Body {
        let place =
            |available| Place { kind, kinds: &self.kinds, os, steps: &[], step_kind: None, outside: false, available };
        let detect = match &self.detect {
            Some(Detect::Query(query)) => {
                let asked = Lower::new(project, place(Allowed::Operand), report).expr(&query.expr);
                made(kind, asked, self.detect_span)
            }
            _ => Pred::Const(true),
        };
        let exceptions =
            self.exceptions.iter().map(|e| Lower::new(project, place(Allowed::Anywhere), report).expr(&e.expr));
        let exceptions = exceptions.collect();
        let flags = self.flags.iter().map(|f| {
            let available = match f.weight {
                Some(_) => Allowed::Nowhere("without its flag the score would change"),
                None => Allowed::Anywhere,
            };
            let pred = Lower::new(project, place(available), report).expr(&f.expr);
            Flag { name: f.name.text.clone(), pred, weight: f.weight.map(|w| w.0), span: f.name.span }
        });
        let flags = flags.collect();
        Body { kind, detect, exceptions, flags, score: self.score(), names: std::mem::take(&mut report.names) }
    }

    /// The weights of its flags and its threshold, where it has them.
    fn score(&self) -> Option<Score> {
        let (threshold, _) = self.threshold?;
        let weights = self.flags.iter().enumerate().filter_map(|(i, f)| Some((i, f.weight?.0)));
        Some(Score { weights: weights.collect(), threshold })
    }

    /// Its steps, as conditions see them.
    pub(super) fn scopes(&self) -> &[StepScope] {
        &self.steps
    }

    /// What it detects, as written.
    #[must_use]
    pub fn detect(&self) -> Option<&Detect> {
        self.detect.as_ref()
    }

    /// Its flags, as written.
    #[must_use]
    pub fn flags(&self) -> &[ast::Flag] {
        &self.flags
    }

    /// What tunes set of it, and where: `level`, `threshold`, `disable` and so on, but for exceptions and tests.
    #[must_use]
    pub fn tuned(&self) -> &[(String, Span)] {
        &self.tuned
    }

    /// Whether a tune set something of it, or brought an exception.
    #[must_use]
    pub fn is_tuned(&self) -> bool {
        !self.tuned.is_empty() || self.exceptions.iter().any(|e| e.tuned)
    }

    /// The files that say something of it: its own, and those that tune it.
    pub fn files(&self) -> impl Iterator<Item = FileId> {
        let tuned = self.tuned.iter().map(|(_, span)| span);
        let exceptions = self.exceptions.iter().map(|e| &e.span);
        let tests = self.tests.iter().map(|test| &test.title.span);
        std::iter::once(&self.span).chain(tuned).chain(exceptions).chain(tests).map(|span| span.file)
    }

    /// Names of its flags.
    pub fn flag_names(&self) -> impl Iterator<Item = &str> {
        self.flags.iter().map(|f| f.name.text.as_str())
    }
}

/// Resolves one rule.
pub(super) fn resolve(
    ast: ast::Rule,
    docs: Vec<String>,
    broken: bool,
    span: Span,
    project: &Project,
    report: &mut Report,
) -> Rule {
    let before = report.diagnostics.len();
    let mut rule = Rule {
        name: ast.name.text.clone(),
        meta: Meta { description: docs.join("\n").trim().to_owned(), ..Meta::default() },
        version: "1.0.0".to_owned(),
        revision: 1,
        kinds: vec![],
        exceptions: vec![],
        threshold: None,
        threshold_before: None,
        tests: vec![],
        disabled: None,
        span: ast.name.span,
        detect_span: ast.name.span,
        broken,
        partial: broken,
        lacks_exceptions: false,
        tests_held: 0,
        detect: None,
        flags: vec![],
        steps: vec![],
        tuned: vec![],
    };
    detection(&ast, &mut rule, report);
    metadata(&ast, span, project, &mut rule, report);
    for part in ast.parts {
        match part.kind {
            RulePartKind::Flag(flag) => rule.flags.push(flag),
            RulePartKind::Except(except) => add_exception(&mut rule, (except, false), part.span, project, report),
            RulePartKind::Threshold(n, span) => match rule.threshold {
                Some((_, first)) => report.push(
                    Diagnostic::new(Code::RepeatedEntry, "`threshold` is given twice")
                        .at(span, "again here")
                        .also(first, "first here"),
                ),
                None => rule.threshold = Some((n, span)),
            },
            RulePartKind::Test(test) => rule.tests.push(test),
            RulePartKind::Disable(_) => report.push(
                Diagnostic::new(Code::UnknownKey, "a rule does not disable itself")
                    .at(part.span, "not an entry of a rule")
                    .help(format!("a tenant writes `tune {} {{ disable because \"…\" }}`", rule.name)),
            ),
            _ => {}
        }
    }
    check_flags(&rule, project, report);
    if conditions_fit(&mut rule, project, report) {
        check_bodies(&rule, project, report);
    }
    if rule.detect.as_ref().is_some_and(|detect| temporal::unknown_kinds(detect).next().is_some()) {
        // Nobody knows the fields of an unknown kind of event: its own finding is enough.
        let found = report.diagnostics.split_off(before.min(report.diagnostics.len()));
        report.diagnostics.extend(found.into_iter().filter(|d| d.code != Code::UnknownField));
    }
    rule.broken |= report.diagnostics.iter().skip(before).any(Diagnostic::is_error);
    rule
}

/// Whether the rule's conditions together are small enough to be looked at.
fn conditions_fit(rule: &mut Rule, project: &Project, report: &mut Report) -> bool {
    let detected: Vec<&Expr> = match &rule.detect {
        Some(Detect::Query(query)) => vec![&query.expr],
        Some(Detect::Count(count)) => vec![&count.query.expr],
        Some(Detect::Steps(steps)) => steps.steps.iter().map(|s| &s.query.expr).collect(),
        None => vec![],
    };
    let all =
        detected.into_iter().chain(rule.flags.iter().map(|f| &f.expr)).chain(rule.exceptions.iter().map(|e| &e.expr));
    let what = format!("rule `{}`", rule.name);
    let mut tests = 0;
    let fits = size::check(&what, all, &mut tests, project, report);
    rule.tests_held = tests;
    fits
}

/// The one `detect`, its kinds and its steps.
fn detection(ast: &ast::Rule, rule: &mut Rule, report: &mut Report) {
    let mut found = ast.parts.iter().filter_map(|p| match &p.kind {
        RulePartKind::Detect(d) => Some((d, p.span)),
        _ => None,
    });
    match found.next() {
        Some((detect, span)) => {
            rule.detect = Some(detect.clone());
            rule.detect_span = span;
            (rule.kinds, rule.steps) = temporal::kinds(detect, report);
        }
        None if !rule.broken => report.push(
            Diagnostic::new(Code::RuleIncomplete, format!("rule `{}` detects nothing", rule.name))
                .at(rule.span, "no `detect` in this rule")
                .help("add `detect process where …`"),
        ),
        None => {}
    }
    if let Some((_, again)) = found.next() {
        report.push(
            Diagnostic::new(Code::RepeatedEntry, "a rule has one `detect`")
                .at(again, "again here")
                .also(rule.detect_span, "first here"),
        );
    }
    if rule.kinds.is_empty() {
        rule.kinds = vec![Kind::Process];
    }
}

fn metadata(ast: &ast::Rule, span: Span, project: &Project, rule: &mut Rule, report: &mut Report) {
    let kinds = rule.kinds.clone();
    let steps = rule.steps.clone();
    let mut reader = Reader::new(project, &kinds, &steps, report);
    for part in &ast.parts {
        if let RulePartKind::Meta { key, value } = &part.kind {
            reader.read(key, value, &mut rule.meta);
            if let (Some(Detect::Count(count)), "show", ast::MetaValue::List(elements, _)) =
                (&rule.detect, key.text.as_str(), value)
            {
                shown_of_count(count, elements, reader.report);
            }
        }
    }
    let missing: Vec<_> = ["title", "id", "level", "os"].into_iter().filter(|k| !reader.has(k)).collect();
    if !missing.is_empty() && !rule.broken {
        let listed = missing.iter().map(|k| format!("`{k}`")).collect::<Vec<_>>().join(", ");
        let mut diagnostic = Diagnostic::new(Code::RuleIncomplete, format!("rule `{}` has no {listed}", rule.name))
            .at(rule.span, "every rule has title, id, level and os");
        if missing.contains(&"id") {
            let id = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_URL, format!("{}{}", rule.name, span.start).as_bytes());
            diagnostic = diagnostic.help(format!("a new id: `id {id}`"));
        }
        reader.report.push(diagnostic);
    }
    if rule.meta.os.is_empty() {
        rule.meta.os = Os::ALL.to_vec();
    }
}

/// A row of a count shows its keys.
fn shown_of_count(count: &ast::Count, elements: &[ast::MetaElement], report: &mut Report) {
    let keys: Vec<_> = count.keys.iter().filter_map(|k| FieldId::find(&k.dotted())).collect();
    for element in elements {
        if let ast::MetaElement::Path(path) = element
            && FieldId::find(&path.dotted()).is_some_and(|id| !keys.contains(&id) && !temporal::is_argument(id))
        {
            report.push(temporal::of_many(path.span, &format!("`{}`", path.dotted())));
        }
    }
}

fn add_exception(rule: &mut Rule, (except, tuned): (Except, bool), span: Span, project: &Project, report: &mut Report) {
    let exception = match except {
        Except::Inline { title, reason, expr } => Exception {
            title: title.value,
            because: reason.because.value,
            until_span: reason.until.as_ref().map(|u| u.1),
            until: reason.until.map(|u| u.0),
            step: None,
            expr: *expr,
            tuned,
            shared: None,
            span: title.span,
        },
        Except::Named { name, step } => {
            let Some(shared) = project.exceptions.get(&name.text) else {
                if !project.is_broken(&name.text) {
                    report.unknown("exception", &name.text, name.span, project.exceptions.keys().map(String::as_str));
                }
                rule.lacks_exceptions = true;
                return;
            };
            let index = step.as_ref().and_then(|s| rule.steps.iter().position(|r| r.name == s.text));
            if let (Some(step), None) = (&step, index) {
                report.unknown_in(
                    "this rule",
                    "step",
                    &step.text,
                    step.span,
                    rule.steps.iter().map(|s| s.name.as_str()),
                );
                rule.lacks_exceptions = true;
                return;
            }
            if step.is_none() && !rule.steps.is_empty() {
                let steps: Vec<_> = rule.steps.iter().map(|s| format!("`on {}`", s.name)).collect();
                rule.lacks_exceptions = true;
                report.push(
                    Diagnostic::new(Code::StepMissing, format!("`{}` in which step?", name.text))
                        .at(span, "a shared exception reads one event")
                        .help(format!("add {}", steps.join(" or "))),
                );
                return;
            }
            Exception {
                title: shared.title.value.clone(),
                because: shared.reason.because.value.clone(),
                until: shared.reason.until.as_ref().map(|u| u.0.clone()),
                until_span: shared.reason.until.as_ref().map(|u| u.1),
                step: index,
                expr: shared.expr.clone(),
                tuned,
                shared: Some(name.text),
                span: name.span,
            }
        }
    };
    if let Some(twin) = rule.exceptions.iter().find(|e| e.title == exception.title) {
        let same = twin.shared.is_some() && (&twin.shared, twin.step) == (&exception.shared, exception.step);
        if tuned && !twin.tuned && same {
            report.push(
                Diagnostic::new(Code::Covered, format!("`{}` has this exception itself", rule.name))
                    .at(exception.span, "changes nothing")
                    .also(twin.span, "already here")
                    .help("take it out of the tune"),
            );
            return;
        }
        let mut diagnostic =
            Diagnostic::new(Code::RepeatedEntry, format!("two exceptions have the title `{}`", exception.title))
                .at(exception.span, "again here")
                .also(twin.span, "first here");
        if tuned && !twin.tuned {
            diagnostic = diagnostic.help("remove it from the tune, or give it another title");
        }
        report.push(diagnostic);
    }
    rule.exceptions.push(exception);
}

fn check_flags(rule: &Rule, project: &Project, report: &mut Report) {
    let mut seen: HashMap<String, Span> = HashMap::new();
    for flag in &rule.flags {
        let (name, span) = (flag.name.text.as_str(), flag.name.span);
        let first = *seen.entry(name.to_ascii_lowercase()).or_insert(span);
        if first != span {
            report.push(
                Diagnostic::new(Code::RepeatedEntry, format!("two flags have the name `{name}`"))
                    .at(span, "again here")
                    .also(first, "first here")
                    .note("targets ignore case in column names"),
            );
        }
        taken(name, span, project, report);
    }
    if let Some(Detect::Steps(steps)) = &rule.detect {
        steps.steps.iter().for_each(|s| taken(&s.name.text, s.name.span, project, report));
    }
    weights::check(rule, report);
}

/// Flags and steps may not be called what something else of the project is called.
fn taken(name: &str, span: Span, project: &Project, report: &mut Report) {
    let global = project.utilities.contains_key(name)
        || project.groups.contains_key(name)
        || project.lists.named(name).is_some()
        || project.lets.contains_key(name)
        || project.exceptions.contains_key(name)
        || project.rules.contains_key(name);
    if let Some(why) = crate::vocabulary::fields::is_taken(name).or(global.then_some("a name of the project")) {
        report.push(
            Diagnostic::new(Code::TakenName, format!("`{name}` is {why}"))
                .at(span, "a bare word must have one meaning")
                .help("choose another name"),
        );
    }
}

/// Lowers the rule for every kind, so that every finding about its conditions is made.
fn check_bodies(rule: &Rule, project: &Project, report: &mut Report) {
    let never = match temporal::meaning(rule, project, &rule.meta.os, report) {
        Some(Meaning::Steps(steps)) => steps.required().any(|(_, s)| s.events.is(false)),
        Some(Meaning::Count(count)) => count.events.is(false),
        _ => {
            let lower = |kind: &Kind| rule.lower(project, *kind, &rule.meta.os, report);
            let lowered: Vec<Body> = rule.kinds.iter().map(lower).collect();
            rule.detect.is_some() && lowered.iter().all(|b| b.detect.is(false))
        }
    };
    if never && !report.diagnostics.iter().any(Diagnostic::is_error) {
        report.push(
            Diagnostic::new(Code::NeverFires, format!("rule `{}` never fires", rule.name))
                .at(rule.detect_span, "no event of these kinds and systems can match"),
        );
    }
}

/// What only all rules together show: tests against exceptions and flags, ids used twice.
pub(super) fn check_all(project: &Project, report: &mut Report) {
    let mut ids: HashMap<&str, &Rule> = HashMap::new();
    for rule in project.rules.values() {
        for test in &rule.tests {
            test::check(test, rule, report);
        }
        if !rule.broken {
            temporal::check_schedule(rule, project, report);
        }
    }
    let mut by_place: Vec<&Rule> = project.rules.values().filter(|r| !r.meta.id.is_empty()).collect();
    by_place.sort_by_key(|r| r.span);
    for rule in by_place {
        let first = *ids.entry(rule.meta.id.as_str()).or_insert(rule);
        if first.span != rule.span {
            report.push(
                Diagnostic::new(Code::DefinedTwice, format!("`{}` and `{}` have one id", first.name, rule.name))
                    .at(rule.span, format!("id {}", rule.meta.id))
                    .also(first.span, "the same id")
                    .help("each rule needs its own id, which never changes"),
            );
        }
    }
}
