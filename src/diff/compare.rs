//! Two sides, rule by rule: rules are the same by their id, documents by their path.

use super::lines::{Lines, numbered};
use super::query;
use super::side::{Side, SideRule};
use super::source::{self, Items, SourceDiff};
use crate::project::lock::Change;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// How two sides differ.
#[derive(Clone, Debug)]
pub struct Difference {
    /// What the old side is called.
    pub against: String,
    /// Rules that differ, in the order of their names.
    pub rules: Vec<RuleDiff>,
    /// What these rules share and use, and what differs: utilities, lists and so on, in the order of their names.
    pub shared: Vec<SourceDiff>,
    /// Documents of no rule alone that differ.
    pub documents: Vec<DocumentDiff>,
}

/// How a rule differs.
#[derive(Clone, Debug)]
pub struct RuleDiff {
    /// Its id.
    pub id: String,
    /// Its name; of a rule that is gone, its last one.
    pub rule: String,
    /// Its title.
    pub title: String,
    /// Its name before, where that was another.
    pub was: Option<String>,
    /// How it changed; several, where it means and says something else.
    pub changes: Vec<Change>,
    /// What it says about itself and changed: keys of its metadata, where both sides tell them.
    pub keys: Vec<String>,
    /// Why it was switched off before, and is now, where the sides tell.
    pub off: (Option<String>, Option<String>),
    /// Its version before and now, where the sides tell.
    pub versions: (Option<String>, Option<String>),
    /// What each target answered and answers, where that differs: `exact`, `skipped` and so on; empty: nothing.
    pub status: BTreeMap<String, (String, String)>,
    /// Its own text, and what tunes it.
    pub source: Vec<SourceDiff>,
    /// What it uses of all that rules share, and that differs: `utility rar`.
    pub through: Vec<String>,
    /// Its queries that are new or differ, in the order of their targets.
    pub queries: Vec<QueryDiff>,
    /// Its documents that differ, in the order of their paths.
    pub documents: Vec<DocumentDiff>,
}

/// How a document differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentDiff {
    /// Its target.
    pub target: String,
    /// Its path from the output folder; before, if it is gone or has another name now.
    pub path: String,
    /// Its path now, where that is another one.
    pub now: Option<String>,
    /// Its lines; a text of several lines in JSON is compared line by line.
    pub lines: Lines,
}

/// How a rule's query differs on some targets, without what it says about itself.
#[derive(Clone, Debug)]
pub struct QueryDiff {
    /// The targets on which it differs alike.
    pub targets: Vec<String>,
    /// The lines on the first of them.
    pub lines: Lines,
}

/// Compares two sides on the targets of `only`, or on all that one of them has.
#[must_use]
pub fn compare(old: &Side, new: &Side, only: Option<&[String]>) -> Difference {
    let all = || old.targets.union(&new.targets).map(String::as_str).collect();
    let targets: BTreeSet<&str> = only.map_or_else(all, |only| only.iter().map(String::as_str).collect());
    let ids: BTreeSet<&String> = old.rules.keys().chain(new.rules.keys()).collect();
    let shared = match (&old.items, &new.items) {
        (Some(old), Some(new)) => source::shared(old, new),
        _ => BTreeMap::new(),
    };
    let sides = Sides { old, new, targets, only, shared: &shared };
    let mut rules: Vec<RuleDiff> = ids.into_iter().filter_map(|id| sides.rule(id)).collect();
    rules.sort_by(|a, b| (&a.rule, &a.id).cmp(&(&b.rule, &b.id)));
    let used: BTreeSet<&String> = rules.iter().flat_map(|rule| &rule.through).collect();
    let shared = shared.values().flatten().filter(|diff| used.contains(&diff.item)).cloned().collect();
    Difference {
        against: old.name.clone(),
        rules,
        shared,
        // Those over all rules are made when all is built.
        documents: if only.is_some() { vec![] } else { documents(&old.documents, &new.documents, None, None) },
    }
}

struct Sides<'a> {
    old: &'a Side,
    new: &'a Side,
    targets: BTreeSet<&'a str>,
    only: Option<&'a [String]>,
    shared: &'a BTreeMap<String, Vec<SourceDiff>>,
}

impl Sides<'_> {
    fn rule(&self, id: &str) -> Option<RuleDiff> {
        let (old, new) = (self.old.rules.get(id), self.new.rules.get(id));
        let now = new.or(old)?;
        let empty = SideRule::default();
        let (before, after) = (old.unwrap_or(&empty), new.unwrap_or(&empty));
        let renamed = old.is_some_and(|o| o.name != now.name).then_some((before.name.as_str(), now.name.as_str()));
        let documents = documents(&before.documents, &after.documents, self.only, renamed);
        let status = status(before, after, &self.targets);
        let changes = changes(old, new, renamed.is_some(), !(documents.is_empty() && status.is_empty()));
        if changes.is_empty() {
            return None;
        }
        let (source, through) = self.source(old, new);
        Some(RuleDiff {
            id: id.to_owned(),
            rule: now.name.clone(),
            title: now.title.clone(),
            was: renamed.map(|(was, _)| was.to_owned()),
            queries: queries(before, after, &self.targets),
            through: if changes == [Change::Text] { vec![] } else { through },
            changes,
            keys: keys(before, after),
            off: (off(before), off(after)),
            versions: (before.version.clone(), after.version.clone()),
            status,
            source,
            documents,
        })
    }

    /// What differs in a rule's own text, and in what it uses; nothing where a side that has the rule has no sources.
    fn source(&self, old: Option<&SideRule>, new: Option<&SideRule>) -> (Vec<SourceDiff>, Vec<String>) {
        let text = |side: &'_ Side, rule: Option<&'_ SideRule>| rule.map(|_| side.items.is_some());
        if text(self.old, old) == Some(false) || text(self.new, new) == Some(false) {
            return (vec![], vec![]);
        }
        fn with<'a>(items: Option<&'a Items>, rule: Option<&'a SideRule>) -> Option<(&'a Items, &'a str)> {
            Some((items?, rule?.name.as_str()))
        }
        let (before, after) = (with(self.old.items.as_ref(), old), with(self.new.items.as_ref(), new));
        let uses = match (before, after) {
            (Some(_), Some(_)) => source::uses(&[before, after], self.shared.keys()),
            _ => BTreeSet::new(),
        };
        let through = uses.iter().filter_map(|name| self.shared.get(name)).flatten().map(|diff| diff.item.clone());
        (source::of_rule(before, after), through.collect())
    }
}

fn changes(old: Option<&SideRule>, new: Option<&SideRule>, renamed: bool, elsewhere: bool) -> Vec<Change> {
    let (old, new) = match (old, new) {
        (None, _) => return vec![Change::Added],
        (_, None) => return vec![Change::Removed],
        (Some(old), Some(new)) => (old, new),
    };
    let differ = |a: &Option<String>, b: &Option<String>| a.is_some() && b.is_some() && a != b;
    let mut all = vec![];
    if differ(&old.logic, &new.logic) {
        all.push(Change::Logic);
    }
    if differ(&old.text, &new.text) || renamed {
        all.push(Change::Text);
    }
    if all.is_empty() && elsewhere {
        all.push(Change::Documents);
    }
    all
}

/// The queries that differ; targets on which the same lines go and come are one.
fn queries(old: &SideRule, new: &SideRule, targets: &BTreeSet<&str>) -> Vec<QueryDiff> {
    let mut out: Vec<QueryDiff> = vec![];
    for target in targets {
        let now = query::of(&new.documents, target);
        let lines = Lines::of(&query::of(&old.documents, target), &now);
        match out.iter_mut().find(|other| other.lines.changes().eq(lines.changes())) {
            // Of a query that is gone the line of its document says all.
            _ if now.is_empty() || lines.diff.is_empty() => {}
            Some(alike) => alike.targets.push((*target).to_owned()),
            None => out.push(QueryDiff { targets: vec![(*target).to_owned()], lines }),
        }
    }
    out
}

fn off(rule: &SideRule) -> Option<String> {
    Some(rule.says.as_ref()?.get("disable")?.as_str()?.to_owned())
}

fn keys(old: &SideRule, new: &SideRule) -> Vec<String> {
    let (Some(old), Some(new)) = (&old.says, &new.says) else { return vec![] };
    let all: BTreeSet<&&str> = old.keys().chain(new.keys()).collect();
    let differs = |key: &&&&str| old.get(**key) as Option<&Value> != new.get(**key);
    all.iter().filter(differs).map(|key| (**key).to_owned()).collect()
}

fn status(old: &SideRule, new: &SideRule, targets: &BTreeSet<&str>) -> BTreeMap<String, (String, String)> {
    let of = |rule: &SideRule, target: &str| rule.status.get(target).cloned().unwrap_or_default();
    let pairs = targets.iter().map(|t| ((*t).to_owned(), (of(old, t), of(new, t))));
    pairs.filter(|(_, (before, now))| before != now).collect()
}

fn documents(
    old: &BTreeMap<String, String>,
    new: &BTreeMap<String, String>,
    only: Option<&[String]>,
    renamed: Option<(&str, &str)>,
) -> Vec<DocumentDiff> {
    let target = |path: &str| path.split_once('/').map_or("", |(target, _)| target).to_owned();
    let meant = |path: &str| only.is_none_or(|only| only.contains(&target(path)));
    // A rule with another name has other paths, and still the same documents.
    let later = |path: &str| renamed.and_then(|(was, is)| under_name(path, was, is)).unwrap_or_else(|| path.to_owned());
    let mut out = vec![];
    let mut seen = BTreeSet::new();
    for (path, before) in old.iter().filter(|(path, _)| meant(path)) {
        let now = if new.contains_key(path) { path.clone() } else { later(path) };
        let after = new.get(&now).map_or("", String::as_str);
        seen.insert(now.clone());
        if before != after || now != *path && new.contains_key(&now) {
            let moved = (now != *path && new.contains_key(&now)).then_some(now);
            out.push(document(target(path), path, moved, before, after));
        }
    }
    let fresh = new.iter().filter(|(path, _)| meant(path) && !seen.contains(*path));
    out.extend(fresh.map(|(path, after)| document(target(path), path, None, "", after)));
    out.sort_by(|a, b| a.path.cmp(&b.path));
    out
}

/// A document's path once its rule is called otherwise: files end with the name of their rule.
fn under_name(path: &str, was: &str, is: &str) -> Option<String> {
    let (before, extension) = path.rsplit_once('.')?;
    Some(format!("{}{is}.{extension}", before.strip_suffix(was)?))
}

fn document(target: String, path: &str, now: Option<String>, before: &str, after: &str) -> DocumentDiff {
    let lines = |path: &str, text: &str| numbered(&query::readable(path, text), 1);
    let lines = Lines::of(&lines(path, before), &lines(now.as_deref().unwrap_or(path), after));
    DocumentDiff { target, path: path.to_owned(), now, lines }
}

impl Difference {
    /// Whether nothing differs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty() && self.documents.is_empty()
    }

    /// How many rules are new, gone, and changed.
    #[must_use]
    pub fn counts(&self) -> (usize, usize, usize) {
        let of = |change| self.rules.iter().filter(|r| r.changes.contains(&change)).count();
        let (added, removed) = (of(Change::Added), of(Change::Removed));
        (added, removed, self.rules.len() - added - removed)
    }

    /// The counts in words.
    #[must_use]
    pub fn summary(&self) -> String {
        let (added, removed, changed) = self.counts();
        format!("{added} added, {changed} changed, {removed} removed")
    }
}

impl RuleDiff {
    /// How it changed, in words.
    #[must_use]
    pub fn words(&self) -> String {
        let mut all: Vec<String> = self
            .changes
            .iter()
            .map(|change| match change {
                Change::Added => "new".to_owned(),
                Change::Removed => "removed".to_owned(),
                Change::Logic => match &self.off {
                    (None, Some(why)) => format!("disabled: {why}"),
                    (Some(_), None) => "enabled again".to_owned(),
                    _ => "logic changed".to_owned(),
                },
                Change::Text if self.keys.is_empty() => "metadata changed".to_owned(),
                Change::Text => format!("metadata changed ({})", self.keys.join(", ")),
                Change::Documents => "documents changed".to_owned(),
            })
            .collect();
        if let Some(was) = &self.was {
            all.push(format!("renamed from {was}"));
        }
        let status = self
            .status
            .iter()
            .filter(|_| !self.changes.contains(&Change::Added))
            .filter(|_| !self.changes.contains(&Change::Removed));
        all.extend(
            status.map(|(target, (before, now))| format!("{target}: {} → {}", or_nothing(before), or_nothing(now))),
        );
        all.join("; ")
    }

    /// Its versions, `1.0.0 → 1.1.0`; empty if they did not move or no side tells.
    #[must_use]
    pub fn versions(&self) -> String {
        match &self.versions {
            (Some(before), Some(now)) if before == now => String::new(),
            (Some(before), Some(now)) => format!("{before} → {now}"),
            (before, now) => now.as_ref().or(before.as_ref()).cloned().unwrap_or_default(),
        }
    }
}

fn or_nothing(status: &str) -> &str {
    if status.is_empty() { "nothing" } else { status }
}

impl DocumentDiff {
    /// Its path, or both where it has another now.
    #[must_use]
    pub fn paths(&self) -> String {
        paths(&self.path, self.now.as_deref())
    }
}

impl SourceDiff {
    /// Its path, or both where it lies in another file now.
    #[must_use]
    pub fn paths(&self) -> String {
        paths(&self.path, self.now.as_deref())
    }
}

fn paths(path: &str, now: Option<&str>) -> String {
    now.map_or_else(|| path.to_owned(), |now| format!("{path} → {now}"))
}

#[cfg(test)]
mod tests {
    use super::under_name;

    #[test]
    fn a_renamed_rules_documents_are_found_by_the_end_of_their_names() {
        assert_eq!(under_name("sigma/a.yml", "a", "b").as_deref(), Some("sigma/b.yml"));
        assert_eq!(under_name("sigma/x/proc_win_a.yml", "a", "b").as_deref(), Some("sigma/x/proc_win_b.yml"));
        assert_eq!(under_name("sigma/all.yml", "a", "b"), None);
    }
}
