//! Metadata: what a rule says about itself.

use super::condition::{Allowed, Found, Lower, Place};
use super::techniques::{self, Technique};
use super::{Project, Report, unknown_word};
use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::source::Span;
use crate::syntax::META_KEYS;
use crate::syntax::ast::{Ident, MetaElement, MetaValue, Path, Text};
use crate::vocabulary::{FieldId, Kind, OS_WORDS, Os};
use std::collections::HashMap;

/// How bad it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Not for alerts.
    Informational,
    /// Rarely an incident.
    Low,
    /// To be looked at.
    #[default]
    Medium,
    /// To be looked at soon.
    High,
    /// To be looked at now.
    Critical,
}

/// The levels' words.
pub const LEVELS: [&str; 5] = ["informational", "low", "medium", "high", "critical"];
/// How far a rule has come.
pub const STATUSES: [&str; 4] = ["experimental", "test", "stable", "deprecated"];
/// The words of `entities`.
pub const ENTITIES: [&str; 6] = ["host", "user", "process", "file", "ip", "dll"];
const RELATIONS: [&str; 5] = ["derived", "renamed", "merged", "obsolete", "similar"];

impl Level {
    /// The word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Level::Informational => "informational",
            Level::Low => "low",
            Level::Medium => "medium",
            Level::High => "high",
            Level::Critical => "critical",
        }
    }

    fn from_word(word: &str) -> Option<Level> {
        [Level::Informational, Level::Low, Level::Medium, Level::High, Level::Critical]
            .into_iter()
            .find(|l| l.word() == word)
    }
}

/// How often a scheduled query runs, and how far it looks back, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// Frequency.
    pub every: u64,
    /// Look-back.
    pub over: u64,
}

/// How long an alert suppresses its like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Throttle {
    /// Seconds.
    pub period: u64,
    /// Per value of these fields.
    pub keys: Vec<String>,
}

/// What a rule says about itself.
#[derive(Clone, Debug, Default)]
pub struct Meta {
    /// Title.
    pub title: String,
    /// UUID in small letters.
    pub id: String,
    /// The `///` lines.
    pub description: String,
    /// Level.
    pub level: Level,
    /// Status.
    pub status: Option<String>,
    /// Systems.
    pub os: Vec<Os>,
    /// Its techniques, each once.
    pub attack: Vec<Technique>,
    /// Author.
    pub author: Option<String>,
    /// SPDX identifier.
    pub license: Option<String>,
    /// First published.
    pub date: Option<String>,
    /// Last changed.
    pub modified: Option<String>,
    /// Pages.
    pub references: Vec<String>,
    /// Other rules: relation and UUID.
    pub related: Vec<(String, String)>,
    /// Other tags, such as `detection.threat-hunting`.
    pub tags: Vec<String>,
    /// Known causes of false alarms.
    pub false_positives: Vec<String>,
    /// An analyst's questions.
    pub triage: Vec<String>,
    /// Fields that a result shows, in order; `None`: those of the kind.
    pub show: Option<Vec<(String, Option<FieldId>)>>,
    /// Entities to map.
    pub entities: Vec<String>,
    /// Frequency and look-back.
    pub schedule: Option<Schedule>,
    /// Suppression.
    pub throttle: Option<Throttle>,
}

/// What may follow `detection.` in a tag: SigmaHQ's sorts of rules.
const DETECTIONS: [&str; 3] = ["dfir", "emerging-threats", "threat-hunting"];
/// The tag of rules for hunting.
const HUNTING: &str = "detection.threat-hunting";

impl Meta {
    /// Returns the ids of its techniques.
    #[must_use]
    pub fn technique_ids(&self) -> Vec<String> {
        self.attack.iter().map(|technique| technique.id.clone()).collect()
    }

    /// Whether the rule is for hunting: an analyst runs its query, and nothing raises alerts from it.
    #[must_use]
    pub fn hunts(&self) -> bool {
        self.level == Level::Informational || self.tags.iter().any(|tag| tag == HUNTING)
    }

    /// Whether the rule arrives enabled on every platform. Without a status, a rule is experimental.
    #[must_use]
    pub fn arrives_enabled(&self) -> bool {
        matches!(self.status.as_deref(), Some("test" | "stable")) && !self.hunts()
    }
}

/// What a value is, with an article.
fn kind(value: &MetaValue) -> &'static str {
    match value {
        MetaValue::Text(_) => "text",
        MetaValue::Uuid(..) => "a UUID",
        MetaValue::Date(..) => "a date",
        MetaValue::Path(_) => "a word",
        MetaValue::List(..) => "a list",
        MetaValue::Schedule { .. } => "a schedule",
        MetaValue::Throttle { .. } => "a throttle",
    }
}

/// Reads metadata entries into `meta`.
pub(super) struct Reader<'a, 'r> {
    pub project: &'a Project,
    pub kinds: &'a [Kind],
    pub steps: &'a [super::condition::StepScope],
    pub report: &'r mut Report,
    seen: Vec<(String, Span)>,
}

impl<'a, 'r> Reader<'a, 'r> {
    pub(super) fn new(
        project: &'a Project,
        kinds: &'a [Kind],
        steps: &'a [super::condition::StepScope],
        report: &'r mut Report,
    ) -> Self {
        Self { project, kinds, steps, report, seen: vec![] }
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.seen.iter().any(|(k, _)| k == key)
    }

    pub(super) fn read(&mut self, key: &Ident, value: &MetaValue, meta: &mut Meta) {
        match self.seen.iter().find(|(k, _)| *k == key.text) {
            Some((_, first)) => {
                let first = *first;
                self.report.push(
                    Diagnostic::new(Code::RepeatedEntry, format!("`{}` is given twice", key.text))
                        .at(key.span, "again here")
                        .also(first, "first here"),
                );
            }
            None => self.seen.push((key.text.clone(), key.span)),
        }
        self.read_one(key, value, meta);
    }

    fn read_one(&mut self, key: &Ident, value: &MetaValue, meta: &mut Meta) {
        match (key.text.as_str(), value) {
            ("title", MetaValue::Text(t)) => {
                if t.value.trim().is_empty() || t.value.contains('\n') || t.value.chars().count() > 256 {
                    self.wrong(key, value, "one line of 1 to 256 characters");
                }
                meta.title.clone_from(&t.value);
            }
            ("id", MetaValue::Uuid(id, _)) => meta.id.clone_from(id),
            ("level", MetaValue::Path(p)) => match Level::from_word(&p.dotted()) {
                Some(level) => meta.level = level,
                None => self.report.push(unknown_word("level", &p.dotted(), p.span, &LEVELS)),
            },
            ("status", MetaValue::Path(p)) => {
                self.word("status", p, &STATUSES);
                meta.status = Some(p.dotted());
            }
            ("os", MetaValue::List(..)) => {
                meta.os = self.words(key, value, "system", &OS_WORDS).iter().filter_map(|w| Os::from_word(w)).collect();
                meta.os.sort_unstable();
                meta.os.dedup();
            }
            ("attack", MetaValue::List(elements, _)) => {
                meta.attack = techniques::read(elements, &self.project.attack, self.report)
            }
            ("author", MetaValue::Text(t)) => meta.author = Some(t.value.clone()),
            ("license", MetaValue::Text(t)) => meta.license = Some(t.value.clone()),
            ("date", MetaValue::Date(d, _)) => meta.date = Some(d.clone()),
            ("modified", MetaValue::Date(d, _)) => meta.modified = Some(d.clone()),
            ("references", MetaValue::List(..)) => meta.references = self.texts(key, value),
            ("false_positives", MetaValue::List(..)) => meta.false_positives = self.texts(key, value),
            ("triage", MetaValue::List(..)) => meta.triage = self.texts(key, value),
            ("tags", MetaValue::List(..)) => meta.tags = self.tags(key, value),
            ("related", MetaValue::List(elements, _)) => meta.related = self.related(key, elements),
            ("show", MetaValue::List(elements, _)) => {
                let show = elements.iter().filter_map(|e| self.shown(key, e)).collect();
                meta.show = Some(show);
            }
            ("entities", MetaValue::List(elements, _)) => {
                meta.entities = self.words(key, value, "entity", &ENTITIES);
                elements.iter().for_each(|element| self.fitting_entity(element));
            }
            ("schedule", MetaValue::Schedule { every, over }) => {
                self.positive(key, *every);
                if over.0 < every.0 {
                    self.report.push(
                        Diagnostic::new(Code::BadSchedule, "the look-back is shorter than the frequency")
                            .at(over.1, "events between two runs would be missed")
                            .also(every.1, "runs this often"),
                    );
                }
                meta.schedule = Some(Schedule { every: every.0, over: over.0 });
            }
            ("throttle", MetaValue::Throttle { period, keys }) => {
                self.positive(key, *period);
                let keys = keys.iter().filter(|k| self.key_field(k)).map(Path::dotted).collect();
                meta.throttle = Some(Throttle { period: period.0, keys });
            }
            (known, _) if META_KEYS.contains(&known) => {
                let wanted = match known {
                    "title" | "author" | "license" => "text in quotes",
                    "id" => "a UUID",
                    "level" => "one of informational, low, medium, high, critical",
                    "status" => "one of experimental, test, stable, deprecated",
                    "date" | "modified" => "a date",
                    "schedule" => "`every 15m over 1h`",
                    "throttle" => "`4h by host`",
                    _ => "a list in brackets",
                };
                self.wrong(key, value, wanted);
            }
            (other, _) => {
                let diagnostic = Diagnostic::new(Code::UnknownKey, format!("a rule has no entry `{other}`"))
                    .at(key.span, "not an entry of a rule");
                let diagnostic = match other.to_lowercase().as_str() {
                    "description" => diagnostic.help("the `///` lines before a rule are its description"),
                    "severity" => diagnostic.patch("its severity is its level", key.span, "level"),
                    "falsepositives" => {
                        diagnostic.patch("did you mean `false_positives`?", key.span, "false_positives")
                    }
                    _ => diagnostic.did_you_mean(
                        other,
                        key.span,
                        META_KEYS.into_iter().chain(["detect", "flag", "threshold", "except", "test"]),
                    ),
                };
                self.report.push(match diagnostic.help.is_empty() {
                    true => diagnostic
                        .note(format!("entries are {}, detect, flag, threshold, except, test", META_KEYS.join(", "))),
                    false => diagnostic,
                });
            }
        }
    }

    /// Refuses a duration of no time.
    fn positive(&mut self, key: &Ident, (seconds, span): (u64, Span)) {
        if seconds == 0 {
            let message = format!("`{}` takes a time longer than zero", key.text);
            self.report.push(Diagnostic::new(Code::WrongValue, message).at(span, "this is zero"));
        }
    }

    fn wrong(&mut self, key: &Ident, value: &MetaValue, wanted: &str) {
        let (span, kind) = (value.span(), kind(value));
        let kind =
            if wanted.starts_with(kind) { "this is something else".to_owned() } else { format!("this is {kind}") };
        let diagnostic = Diagnostic::new(Code::WrongValue, format!("`{}` takes {wanted}", key.text)).at(span, kind);
        let bare = |t: &str| !t.is_empty() && t.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
        self.report.push(match (key.text.as_str(), value) {
            ("id" | "date" | "modified" | "level" | "status", MetaValue::Text(t)) if bare(&t.value) => {
                diagnostic.patch("write it without quotes", span, t.value.as_str())
            }
            ("title" | "author" | "license", MetaValue::Path(p)) => {
                diagnostic.patch("put it in quotes", span, format!("\"{}\"", p.dotted()))
            }
            (_, MetaValue::Path(p)) if wanted.starts_with("a list") => {
                diagnostic.patch("put brackets around it", span, format!("[{}]", p.dotted()))
            }
            (_, MetaValue::Text(_)) if wanted.starts_with("a list") => diagnostic.help("put brackets around it"),
            _ => diagnostic,
        });
    }

    /// An element of a list that is not what the list takes.
    fn wrong_element(&mut self, key: &Ident, element: &MetaElement, wanted: &str) {
        let (span, kind) = match element {
            MetaElement::Text(t) => (t.span, "text"),
            MetaElement::Path(p) => (p.span, "a word"),
            MetaElement::Relation(word, _, span) => (word.span.to(*span), "a relation"),
            MetaElement::Claim(path, _, span) => (path.span.to(*span), "a technique with tactics"),
        };
        self.report.push(
            Diagnostic::new(Code::WrongValue, format!("`{}` takes {wanted}", key.text))
                .at(span, format!("this is {kind}")),
        );
    }

    fn word(&mut self, what: &str, path: &Path, known: &[&str]) {
        if !known.contains(&path.dotted().as_str()) {
            self.report.push(unknown_word(what, &path.dotted(), path.span, known));
        }
    }

    fn words(&mut self, key: &Ident, value: &MetaValue, what: &str, known: &[&str]) -> Vec<String> {
        let MetaValue::List(elements, span) = value else { return vec![] };
        if elements.is_empty() {
            self.report.push(
                Diagnostic::new(Code::WrongValue, format!("`{}` is empty", key.text)).at(*span, "name one at least"),
            );
        }
        let mut out = vec![];
        for element in elements {
            match element {
                MetaElement::Path(p) => {
                    self.word(what, p, known);
                    out.push(p.dotted());
                }
                MetaElement::Text(t) => self.report.push(super::quoted_word(t, known)),
                MetaElement::Relation(..) | MetaElement::Claim(..) => {
                    self.wrong_element(key, element, "a list of words")
                }
            }
        }
        out
    }

    /// An entity that no event of the rule's kinds has would leave alerts without it, on every platform.
    fn fitting_entity(&mut self, element: &MetaElement) {
        let MetaElement::Path(path) = element else { return };
        let wanted: &[Kind] = match path.dotted().as_str() {
            // The file of a process is its image.
            "file" => &[Kind::File, Kind::Process],
            "dll" => &[Kind::Library],
            "ip" => &[Kind::Network],
            _ => return,
        };
        if self.kinds.is_empty() || wanted.iter().any(|kind| self.kinds.contains(kind)) {
            return;
        }
        let has: Vec<&str> = self.kinds.iter().map(|kind| kind.word()).collect();
        let needed: Vec<&str> = wanted.iter().map(|kind| kind.word()).collect();
        let message = format!("only {} events have the entity `{}`", needed.join(" and "), path.dotted());
        self.report.push(
            Diagnostic::new(Code::WrongValue, message)
                .at(path.span, format!("the rule reads {} events", has.join(" and ")))
                .help("take it out of `entities`"),
        );
    }

    fn texts(&mut self, key: &Ident, value: &MetaValue) -> Vec<String> {
        self.placed_texts(key, value).into_iter().map(|t| t.value).collect()
    }

    fn placed_texts(&mut self, key: &Ident, value: &MetaValue) -> Vec<Text> {
        let MetaValue::List(elements, _) = value else { return vec![] };
        let mut seen: HashMap<&str, Span> = HashMap::new();
        let mut out = vec![];
        for element in elements {
            let MetaElement::Text(t) = element else {
                self.wrong_element(key, element, "a list of texts in quotes");
                continue;
            };
            let first = *seen.entry(&t.value).or_insert(t.span);
            if t.value.trim().is_empty() || t.value.contains('\n') {
                let label = if t.value.contains('\n') { "more lines" } else { "empty" };
                self.report.push(
                    Diagnostic::new(Code::WrongValue, format!("`{}` takes one line of text each", key.text))
                        .at(t.span, label),
                );
            } else if first != t.span {
                self.report.push(
                    Diagnostic::new(Code::RepeatedEntry, format!("`{}` is listed twice", t.value))
                        .at(t.span, "again here")
                        .also(first, "first here"),
                );
            } else {
                out.push(t.clone());
            }
        }
        out
    }

    fn tags(&mut self, key: &Ident, value: &MetaValue) -> Vec<String> {
        let tags = self.placed_texts(key, value);
        let valid = |t: &str| {
            let fine = |s: &str| {
                !s.is_empty()
                    && s.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-' | '.'))
            };
            t.split_once('.').is_some_and(|(n, v)| fine(n) && !n.contains('.') && fine(v))
        };
        for tag in &tags {
            if !valid(&tag.value) {
                self.report.push(
                    Diagnostic::new(Code::WrongValue, format!("`{}` is not a tag", tag.value))
                        .at(tag.span, "a tag is namespace.value in small letters, such as detection.threat-hunting"),
                );
            } else if let Some(sort) = tag.value.strip_prefix("detection.")
                && !DETECTIONS.contains(&sort)
            {
                let known = DETECTIONS.map(|sort| format!("detection.{sort}"));
                let finding = Diagnostic::new(Code::UnknownWord, format!("unknown tag: `{}`", tag.value))
                    .at(tag.span, format!("expected {}", known.join(", ")));
                self.report.push(match nearest(&tag.value, known.iter().map(String::as_str)) {
                    Some(best) => finding.patch(format!("did you mean `{best}`?"), tag.span, format!("\"{best}\"")),
                    None => finding,
                });
            } else if tag.value.starts_with("attack.") {
                self.report.push(
                    Diagnostic::new(Code::WrongValue, format!("`{}` follows from `attack`", tag.value))
                        .at(tag.span, "not a tag of its own")
                        .help("write techniques in `attack [T1560.001]`; tactics follow from them"),
                );
            }
        }
        tags.into_iter().map(|t| t.value).collect()
    }

    fn related(&mut self, key: &Ident, elements: &[MetaElement]) -> Vec<(String, String)> {
        let mut out = vec![];
        for element in elements {
            match element {
                MetaElement::Relation(word, id, _) if RELATIONS.contains(&word.text.as_str()) => {
                    out.push((word.text.clone(), id.clone()))
                }
                MetaElement::Relation(word, ..) => {
                    self.report.push(unknown_word("relation", &word.text, word.span, &RELATIONS))
                }
                _ => self.wrong_element(key, element, "relations with UUIDs, such as [derived c2b478fc-…]"),
            }
        }
        out
    }

    fn lower(&mut self) -> Lower<'a, '_> {
        let kind = self.kinds.first().copied().unwrap_or(Kind::Process);
        let place = Place {
            kind,
            kinds: self.kinds,
            os: &Os::ALL,
            steps: self.steps,
            step_kind: None,
            outside: !self.steps.is_empty(),
            available: Allowed::Anywhere,
        };
        Lower::new(self.project, place, self.report)
    }

    fn shown(&mut self, key: &Ident, element: &MetaElement) -> Option<(String, Option<FieldId>)> {
        let MetaElement::Path(path) = element else {
            self.wrong_element(key, element, "a list of fields");
            return None;
        };
        let found = self.lower().field(path)?;
        let id = match found {
            Found::Field(f) => f.id,
            Found::Elsewhere(id) => id,
        };
        if super::temporal::is_argument(id) {
            self.report.push(
                Diagnostic::new(Code::WrongValue, format!("`{}` cannot be a column", path.dotted()))
                    .at(path.span, "arguments are read from a command line")
                    .patch("show the command line", path.span, "command_line"),
            );
            return None;
        }
        Some((path.dotted(), Some(id)))
    }

    fn key_field(&mut self, path: &Path) -> bool {
        let place_outside = !self.steps.is_empty();
        let mut lower = self.lower();
        // A throttle's keys are those of the rule's row: a step's name is not needed for them.
        if place_outside {
            lower.place.outside = false;
            lower.place.kinds = &Kind::ALL;
        }
        lower.field(path).is_some()
    }
}
