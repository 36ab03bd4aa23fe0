//! `build`: every rule for every target.
//!
//! `OUT/<target>/<rule>.<kql|spl|yml>` for each query, `OUT/<target>/<format>/…` for the documents around them, and
//! `OUT/manifest.json` with what is exact, degraded or refused. See `output.rs` for how they are written.

mod manifest;
mod output;
mod replay;

use crate::compile::compile;
use crate::diagnostic::{Code, Diagnostic};
use crate::document::{self, Document, File, Pack, Status};
use crate::parallel::in_parallel;
use crate::project::{Loaded, SKIPPED, config_place};
use crate::sema::{Exception, Rule};
use crate::source::Span;
use crate::target::{Format, Target};
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

pub use manifest::{MANIFEST, Manifest, Unreadable};
pub use output::{Difference, Refusal, Writing};

/// What a build makes.
#[derive(Debug, Default)]
pub struct Built {
    /// Documents by path from the output folder, with `/` between folders.
    pub files: BTreeMap<String, String>,
    /// What the manifest says of each target.
    pub targets: IndexMap<String, BTreeMap<String, Entry>>,
    /// Documents over several rules, by their first folder. Those of one target need a build of all its rules, those of all
    /// targets a build of the whole project.
    pub over_rules: BTreeMap<String, Vec<String>>,
    /// It is of the whole project.
    whole: bool,
    /// What targets cannot say, and warnings.
    pub diagnostics: Vec<Diagnostic>,
    /// Each target with the rules whose events it does not log.
    pub not_for: BTreeMap<String, Vec<String>>,
    /// Rules whose queries read every event of a table, each with the targets of these queries.
    reads_all: IndexMap<String, Vec<String>>,
}

/// What the manifest says of one rule on one target.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct Entry {
    /// The rule's UUID.
    pub id: String,
    /// `exact`, `degraded`, `unsupported`, `not_for_target`, `skipped` or `disabled`.
    pub status: String,
    /// The query, from the output folder.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub file: Option<String>,
    /// The documents around it, from the output folder.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub documents: Vec<String>,
    /// Remarks, or why there is no document.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub notes: Vec<String>,
    /// The rule's exceptions.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub exceptions: Vec<Excepted>,
    /// What tunes set of the rule: keys.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub tuned: Vec<String>,
}

/// What a manifest says of an exception.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct Excepted {
    /// Its title.
    pub title: String,
    /// Why.
    pub because: String,
    /// The last day on which it is meant to hold.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub until: Option<String>,
    /// A tune brought it.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub tuned: bool,
}

impl Excepted {
    /// The exceptions of a rule, in order.
    #[must_use]
    pub fn of(rule: &Rule) -> Vec<Excepted> {
        let one = |e: &Exception| Excepted {
            title: e.title.clone(),
            because: e.because.clone(),
            until: e.until.clone(),
            tuned: e.tuned,
        };
        rule.exceptions.iter().map(one).collect()
    }
}

impl Entry {
    /// Everything that was made of the rule: paths from the output folder.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.file.iter().chain(&self.documents).map(String::as_str)
    }
}

/// One target's share of a build.
#[derive(Default)]
struct Share<'a> {
    files: Vec<(String, String)>,
    entries: BTreeMap<String, Entry>,
    /// Rule and finding.
    refused: Vec<(&'a str, Diagnostic)>,
    /// What the target can say.
    compiled: Vec<(&'a Rule, Document)>,
    /// Documents over all rules of the target.
    over_rules: Vec<File>,
    /// Rules whose events the target does not log.
    elsewhere: Vec<(&'a str, Diagnostic)>,
    /// Skips, by their place in the project file, of what the target really cannot say.
    useful: Vec<(usize, &'a str)>,
}

/// Compiles all rules of a project without errors for `targets`, as many at a time as there are processors.
#[must_use]
pub fn build(loaded: &Loaded, targets: &[String]) -> Built {
    compile_all(loaded, targets, Keep::Files)
}

/// What [`build`] finds, without files and entries: no document is held longer than its target is looked at, so a large
/// project needs little memory.
#[must_use]
pub fn check(loaded: &Loaded, targets: &[String]) -> Built {
    compile_all(loaded, targets, Keep::Findings)
}

/// The most rules times targets that are compiled before the next targets follow. It bounds the memory that documents take.
const AT_ONCE: usize = 4000;

/// What is kept of what is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keep {
    Files,
    Findings,
}

/// What documents say of a project as a pack. One without a version is `0.0.0`.
fn pack_of(loaded: &Loaded) -> Pack {
    let config = &loaded.config;
    let version = if config.version.is_empty() { "0.0.0" } else { &config.version };
    Pack {
        name: config.name.clone(),
        version: version.to_owned(),
        attack: loaded.project.attack.version().to_owned(),
        formats: config.formats(),
    }
}

fn compile_all(loaded: &Loaded, targets: &[String], keep: Keep) -> Built {
    let pack = &pack_of(loaded);
    let mut built = Built::default();
    let mut useful: Vec<(usize, &str, &str)> = vec![];
    let (mut refused, mut elsewhere): (Vec<Refused>, Vec<Refused>) = (vec![], vec![]);
    let mut said: IndexMap<&str, (&Rule, Vec<&Target>)> =
        loaded.rules().map(|rule| (rule.name.as_str(), (rule, vec![]))).collect();
    let known: Vec<&Target> = targets.iter().filter_map(|name| loaded.targets.all.get(name)).collect();
    let at_once = (AT_ONCE / loaded.rules().count().max(1)).max(1);
    for some in known.chunks(at_once) {
        for (target, share) in some.iter().copied().zip(shares(loaded, some, pack, keep)) {
            let name = target.name.as_str();
            built.files.extend(share.files);
            built.targets.insert(name.to_owned(), share.entries);
            built.over_rules(share.over_rules);
            useful.extend(share.useful.into_iter().map(|(index, rule)| (index, rule, name)));
            elsewhere.extend(share.elsewhere.into_iter().map(|(rule, diagnostic)| (rule, name, diagnostic)));
            refused.extend(share.refused.into_iter().map(|(rule, diagnostic)| (rule, name, diagnostic)));
            for (rule, document) in share.compiled {
                if document.printed.reads_all {
                    built.reads_all.entry(rule.name.clone()).or_default().push(name.to_owned());
                }
                said.entry(&rule.name).and_modify(|(_, targets)| targets.push(target));
            }
        }
    }
    built.whole = whole(loaded, targets);
    if built.whole {
        let said: Vec<_> = said.into_values().collect();
        match document::of_pack(&said, pack) {
            Ok(files) => built.over_rules(files),
            Err(why) => {
                built.diagnostics.push(Diagnostic::new(Code::Internal, format!("a document over all rules: {why}")))
            }
        }
    }
    let not_for: BTreeSet<(&str, &str)> = elsewhere.iter().map(|(rule, target, _)| (*rule, *target)).collect();
    for (rule, target) in &not_for {
        built.not_for.entry((*target).to_owned()).or_default().push((*rule).to_owned());
    }
    if built.whole || loaded.selected.is_some() {
        let own = |rule: &str| loaded.project.rules.get(rule).is_some_and(|r| loaded.pack_of(r.span.file).is_none());
        let for_none = |rule: &str| known.iter().all(|target| not_for.contains(&(rule, target.name.as_str())));
        refused.extend(elsewhere.into_iter().filter(|(rule, ..)| own(rule) && for_none(rule)));
    }
    built.diagnostics.extend(by_cause(refused, loaded));
    stale_skips(loaded, targets, &useful, &not_for, &mut built);
    built
}

/// Whether a build is of the whole project: documents over all rules are made then alone.
fn whole(loaded: &Loaded, targets: &[String]) -> bool {
    let all: Vec<&String> = match loaded.config.targets.is_empty() {
        true => loaded.targets.all.keys().collect(),
        false => loaded.config.targets.iter().collect(),
    };
    loaded.selected.is_none() && all.into_iter().all(|t| targets.contains(t))
}

/// Each target's share: every rule on every target, then what is over all rules of one.
fn shares<'a>(loaded: &'a Loaded, targets: &[&Target], pack: &Pack, keep: Keep) -> Vec<Share<'a>> {
    let rules: Vec<&'a Rule> = loaded.rules().collect();
    let pairs: Vec<(&Target, &'a Rule)> = targets.iter().flat_map(|t| rules.iter().map(|r| (*t, *r))).collect();
    let each = in_parallel(&pairs, |(target, rule)| {
        let mut share = Share::default();
        let entry = match &rule.disabled {
            Some(disabled) => without_document(rule, "disabled", vec![disabled.words()]),
            None => one(rule, loaded, target, pack, &mut share),
        };
        match keep {
            Keep::Files => _ = share.entries.insert(rule.name.clone(), entry),
            Keep::Findings => share.files.clear(),
        }
        share
    });
    let mut each = each.into_iter();
    let mut shares: Vec<Share> =
        targets.iter().map(|_| each.by_ref().take(rules.len()).fold(Share::default(), Share::with)).collect();
    if loaded.selected.is_none() {
        let asked: Vec<(&Target, &Share)> = targets.iter().copied().zip(&shares).collect();
        let over_rules = in_parallel(&asked, |(target, share)| document::of_target(&share.compiled, target, pack));
        for (share, made) in shares.iter_mut().zip(over_rules) {
            match made {
                Ok(files) => share.over_rules = files,
                Err(errors) => share.refused.extend(errors.into_iter().map(|d| ("", d))),
            }
        }
    }
    shares
}

impl<'a> Share<'a> {
    /// Both together.
    fn with(mut self, other: Share<'a>) -> Share<'a> {
        self.files.extend(other.files);
        self.entries.extend(other.entries);
        self.refused.extend(other.refused);
        self.elsewhere.extend(other.elsewhere);
        self.compiled.extend(other.compiled);
        self.useful.extend(other.useful);
        self
    }
}

fn one<'a>(rule: &'a Rule, loaded: &'a Loaded, target: &Target, pack: &Pack, share: &mut Share<'a>) -> Entry {
    let compiled = compile(rule, &loaded.project, target);
    if let Err(errors) = &compiled
        && errors.iter().any(|d| d.code == Code::NotForTarget)
    {
        let why = errors.iter().map(reason).collect();
        share.elsewhere.extend(errors.iter().map(|d| (rule.name.as_str(), d.clone())));
        return without_document(rule, "not_for_target", why);
    }
    if let Some((skip, index)) = loaded.skip_of(&rule.name, &target.name) {
        if compiled.is_err() {
            share.useful.extend(index.map(|index| (index, rule.name.as_str())));
        }
        return without_document(rule, "skipped", vec![skip.because.clone()]);
    }
    match compiled {
        Ok(document) => {
            let entry = made(rule, &document, (loaded, target), pack, share);
            share.compiled.push((rule, document));
            entry
        }
        Err(errors) => {
            let why = errors.iter().map(reason).collect();
            share.refused.extend(errors.into_iter().map(|d| (rule.name.as_str(), d)));
            without_document(rule, "unsupported", why)
        }
    }
}

fn without_document(rule: &Rule, status: &str, notes: Vec<String>) -> Entry {
    Entry {
        id: rule.meta.id.clone(),
        status: status.to_owned(),
        file: None,
        documents: vec![],
        notes,
        exceptions: Excepted::of(rule),
        tuned: rule.tuned().iter().map(|(key, _)| key.clone()).collect(),
    }
}

/// The query and the documents of a rule that a target can say.
fn made<'a>(
    rule: &'a Rule,
    document: &Document,
    (loaded, target): (&Loaded, &Target),
    pack: &Pack,
    share: &mut Share<'a>,
) -> Entry {
    let status = match document.status {
        Status::Exact => "exact",
        Status::Degraded => "degraded",
    };
    let notes = document.printed.notes.iter().map(|n| n.text.clone()).collect();
    let mut entry = without_document(rule, status, notes);
    if pack.wants(Format::Query) {
        let file = format!("{}/{}.{}", target.name, rule.name, target.language.extension());
        entry.file = Some(file.clone());
        share.files.push((file, document.text.clone()));
    }
    let replays = target.documents.iter().any(|f| f.replays() && pack.wants(*f));
    let replay = if replays { replay::raw_events(rule, loaded, target) } else { vec![] };
    match document::of_rule(rule, target, document, pack, &replay) {
        Ok(files) => {
            entry.documents = files.iter().map(|f| f.path.clone()).collect();
            share.files.extend(files.into_iter().map(|f| (f.path, f.text)));
        }
        Err(errors) => share.refused.extend(errors.into_iter().map(|d| (rule.name.as_str(), d))),
    }
    entry
}

/// Why there is no document, for the manifest.
fn reason(diagnostic: &Diagnostic) -> String {
    let label = diagnostic.labels.first().map_or(diagnostic.message.as_str(), |l| l.text.as_str());
    label.strip_prefix("it ").map_or_else(|| label.to_owned(), |rest| format!("the target {rest}"))
}

/// A rule, a target, and why there is no document.
type Refused<'a> = (&'a str, &'a str, Diagnostic);

/// The rule, and what is wrong where.
type Cause<'a> = (&'a str, Code, Option<Span>, String);

/// Findings of one cause are one finding that names all its targets.
fn by_cause(refused: Vec<Refused>, loaded: &Loaded) -> Vec<Diagnostic> {
    let mut out: IndexMap<_, (Vec<&str>, Diagnostic)> = IndexMap::new();
    for (rule, target, diagnostic) in refused {
        let cause = (rule, diagnostic.code, diagnostic.span(), reason(&diagnostic));
        out.entry(cause).or_insert_with(|| (vec![], diagnostic)).0.push(target);
    }
    let named = |((rule, ..), (targets, mut diagnostic)): (Cause<'_>, (Vec<&str>, Diagnostic))| {
        let all = targets.iter().map(|t| format!("`{t}`")).collect::<Vec<_>>().join(", ");
        match diagnostic.code {
            Code::Unsupported if targets.len() > 1 => {
                diagnostic.message = format!("targets {all} do not support rule `{rule}`");
            }
            Code::Unsupported => {}
            Code::NotForTarget if targets.len() > 1 => {
                diagnostic.message = format!("rule `{rule}` is not for targets {all}");
                return diagnostic;
            }
            _ => return diagnostic,
        }
        let whole = loaded.project.rules.get(rule).is_some_and(|r| Some(r.detect_span) == diagnostic.span());
        diagnostic.help(match whole {
            true => format!("list the rule under `skip` in arcanary.yaml, for {all}"),
            false => {
                let skip = "list the rule under `skip` in arcanary.yaml";
                format!("if more alerts are fine there, add `when available` to this part; else {skip}")
            }
        })
    };
    out.into_iter().map(named).collect()
}

/// Warns where a target's searches would look into whatever indexes a role searches by default. Only of targets that
/// somebody asked for: a build for all of them is none for Splunk.
#[must_use]
pub fn without_index<'t>(loaded: &Loaded, targets: impl Iterator<Item = &'t String>) -> Vec<Diagnostic> {
    let mut out = vec![];
    for target in targets.filter_map(|t| loaded.targets.all.get(t)) {
        for name in target.macros_without_index() {
            let message = format!("the searches of `{}` name no index: the macro `{name}` has none", target.name);
            let help = format!(
                "name your index under `macros` in a file of the `targets` folder that extends `{}`",
                target.name
            );
            out.push(Diagnostic::new(Code::NoIndex, message).help(help));
        }
    }
    out
}

/// Warns of queries that no cheap filter leads.
#[must_use]
pub fn without_filter(loaded: &Loaded, built: &Built) -> Vec<Diagnostic> {
    let rules = loaded.rules().filter_map(|rule| Some((rule, built.reads_all.get(&rule.name)?)));
    let warned = rules.map(|(rule, targets)| {
        let all = targets.iter().map(|t| format!("`{t}`")).collect::<Vec<_>>().join(", ");
        Diagnostic::new(Code::NoFilter, format!("the query of `{}` reads every event on {all}", rule.name))
            .at(rule.detect_span, "no name, path or word that every match has")
            .help("add a condition such as `runs …`, `process.name in […]` or `under` on a path")
    });
    warned.collect()
}

/// A skip that hides a document is worth a word.
fn stale_skips(
    loaded: &Loaded,
    targets: &[String],
    useful: &[(usize, &str, &str)],
    not_for: &BTreeSet<(&str, &str)>,
    built: &mut Built,
) {
    for (index, skip) in loaded.config.skip.iter().enumerate() {
        let rules = loaded.rules().filter(|r| skip.rules.contains(&r.name) && r.disabled.is_none());
        let pairs = rules.flat_map(|rule| skip.targets.iter().map(move |target| (rule.name.as_str(), target)));
        for (rule, target) in pairs.filter(|(_, target)| targets.contains(target)) {
            if useful.contains(&(index, rule, target.as_str())) {
                continue;
            }
            let why = match not_for.contains(&(rule, target.as_str())) {
                true => "which does not log its events anyway",
                false => "which supports it",
            };
            let message = format!("the project skips `{rule}` for `{target}`, {why}");
            let diagnostic = Diagnostic::new(Code::StaleSkip, message).help("take it out of `skip`");
            built.diagnostics.push(config_place(loaded, SKIPPED, rule, diagnostic, "named under `skip`"));
        }
    }
}

impl Built {
    /// Adds documents over several rules.
    fn over_rules(&mut self, files: Vec<File>) {
        for file in files {
            let folder = file.path.split('/').next().unwrap_or_default().to_owned();
            self.over_rules.entry(folder).or_default().push(file.path.clone());
            self.files.insert(file.path, file.text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::in_parallel;
    use std::collections::HashSet;

    #[test]
    fn forty_thousand_targets_share_a_thread_for_each_processor() {
        let all: Vec<usize> = (0..40_000).collect();
        let done = in_parallel(&all, |n| (*n, std::thread::current().id()));
        assert!(done.iter().map(|(n, _)| *n).eq(0..40_000), "in order");
        let threads: HashSet<_> = done.iter().map(|(_, thread)| *thread).collect();
        let most = std::thread::available_parallelism().map_or(1, usize::from);
        assert!((1..=most).contains(&threads.len()), "{} threads", threads.len());
        assert!(in_parallel(&[], |n: &usize| *n).is_empty());
    }
}
