//! The sources of a side, item by item, and which items a rule uses.

use super::lines::{Line, Lines, numbered};
use crate::file_names::PROJECT;
use crate::pack::archive::Files;
use crate::project::{Config, Loaded};
use crate::source::{FileId, Sources};
use crate::syntax::{self, Token, tokens};
use std::collections::{BTreeMap, BTreeSet};

/// An item's word (`rule`, `utility`, …), its name, and which of several of that name it is.
type Key = (String, String, usize);

/// The items of a side.
#[derive(Clone, Debug, Default)]
pub struct Items(BTreeMap<Key, Item>);

/// An item as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Item {
    path: String,
    line: usize,
    text: String,
}

/// How an item differs.
#[derive(Clone, Debug)]
pub struct SourceDiff {
    /// What it is called: `utility rar`.
    pub item: String,
    /// Its file; before, if it is gone or lies in another one now.
    pub path: String,
    /// Its file now, where that is another one.
    pub now: Option<String>,
    /// Its lines.
    pub lines: Lines,
}

impl Items {
    /// The items of a project.
    #[must_use]
    pub fn of_project(loaded: &Loaded) -> Items {
        let mut items = Items::default();
        let base = loaded.config_file.and_then(|id| loaded.sources.get(id));
        let base = base.and_then(|file| file.name.strip_suffix(PROJECT));
        for (id, _) in &loaded.files {
            let Some(file) = loaded.sources.get(*id) else { continue };
            let path = base.and_then(|base| file.name.strip_prefix(base)).unwrap_or(&file.name);
            items.add(*id, path, &file.text);
        }
        if let Some(config) = loaded.config_file.and_then(|id| loaded.sources.get(id)) {
            items.add_params(&loaded.config, &config.text);
        }
        items
    }

    /// The items of a release.
    #[must_use]
    pub fn of_files(files: &Files) -> Items {
        let mut items = Items::default();
        let mut sources = Sources::new();
        for (path, bytes) in files {
            let Ok(text) = std::str::from_utf8(bytes) else { continue };
            if path.ends_with(".det") {
                items.add(sources.add(path.as_str(), text), path, text);
            } else if path == PROJECT {
                items.add_params(&serde_yaml::from_str(text).unwrap_or_default(), text);
            }
        }
        items
    }

    /// Adds the values that a project file gives to params.
    fn add_params(&mut self, config: &Config, text: &str) {
        for name in config.params.keys() {
            let sets = |line: &str| line.trim_start().strip_prefix(name.as_str()).is_some_and(|l| l.starts_with(':'));
            if let Some((at, line)) = text.lines().enumerate().find(|(_, line)| sets(line)) {
                let item = Item { path: PROJECT.to_owned(), line: at + 1, text: line.to_owned() };
                self.0.insert(("value of param".to_owned(), name.clone(), 0), item);
            }
        }
    }

    /// Adds the items of a file.
    fn add(&mut self, id: FileId, path: &str, text: &str) {
        for item in syntax::parse(id, text).file.items {
            let Some(written) = text.get(item.start..item.span.end) else { continue };
            let word = text.get(item.span.start..item.span.end).and_then(|t| t.split_whitespace().next());
            let line = text.get(..item.start).unwrap_or_default().matches('\n').count() + 1;
            let item_of = |n| (word.unwrap_or_default().to_owned(), item.name().text.clone(), n);
            let free = (0..).map(item_of).find(|key| !self.0.contains_key(key));
            let Some(key) = free else { continue };
            self.0.insert(key, Item { path: path.to_owned(), line, text: written.to_owned() });
        }
    }

    /// The items of this name.
    fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = (&'a Key, &'a Item)> {
        self.0.iter().filter(move |(key, _)| key.1 == name)
    }

    /// The names that a rule uses, directly or by others.
    fn used(&self, rule: &str) -> BTreeSet<String> {
        let mut seen: BTreeSet<String> = BTreeSet::new();
        let mut next = vec![rule.to_owned()];
        while let Some(name) = next.pop() {
            let of_rules = |key: &Key| matches!(key.0.as_str(), "rule" | "tune");
            for (_, item) in self.named(&name).filter(|(key, _)| of_rules(key) == (name == rule)) {
                let words = tokens(&item.text).filter(|(token, ..)| *token == Token::Word);
                for word in words.filter_map(|(_, start, end)| item.text.get(start..end)) {
                    let known = self.named(word).any(|(key, _)| !of_rules(key));
                    if known && word != rule && seen.insert(word.to_owned()) {
                        next.push(word.to_owned());
                    }
                }
            }
        }
        seen
    }
}

/// What is new and what is gone of a rule's own text, and of what tunes it. Names are before and now.
#[must_use]
pub fn of_rule(old: Option<(&Items, &str)>, new: Option<(&Items, &str)>) -> Vec<SourceDiff> {
    let of = |side: Option<(&Items, &str)>| -> BTreeMap<(String, usize), Item> {
        let Some((items, name)) = side else { return BTreeMap::new() };
        let all = items.named(name).filter(|(key, _)| matches!(key.0.as_str(), "rule" | "tune"));
        all.map(|(key, item)| ((key.0.clone(), key.2), item.clone())).collect()
    };
    let name = new.or(old).map_or("", |(_, name)| name);
    let (before, after) = (of(old), of(new));
    let keys: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    keys.into_iter().filter_map(|key| differs(&key.0, name, before.get(key), after.get(key))).collect()
}

/// What is new, gone or other of all that rules share; comments do not count.
#[must_use]
pub fn shared(old: &Items, new: &Items) -> BTreeMap<String, Vec<SourceDiff>> {
    let keys: BTreeSet<&Key> = old.0.keys().chain(new.0.keys()).collect();
    let mut out: BTreeMap<String, Vec<SourceDiff>> = BTreeMap::new();
    for key in keys.into_iter().filter(|key| !matches!(key.0.as_str(), "rule" | "tune")) {
        let (before, after) = (old.0.get(key), new.0.get(key));
        let differ = before.map(|item| said(&item.text)) != after.map(|item| said(&item.text));
        if differ {
            out.entry(key.1.clone()).or_default().extend(differs(&key.0, &key.1, before, after));
        }
    }
    out
}

/// The names among these that a rule uses on one of two sides.
#[must_use]
pub fn uses<'a>(sides: &[Option<(&Items, &str)>], names: impl Iterator<Item = &'a String>) -> BTreeSet<String> {
    let used: BTreeSet<String> = sides.iter().flatten().flat_map(|(items, rule)| items.used(rule)).collect();
    names.filter(|name| used.contains(*name)).cloned().collect()
}

/// What a text says without comments and layout.
fn said(text: &str) -> Vec<&str> {
    let meant = tokens(text).filter(|(token, ..)| !matches!(token, Token::Comment | Token::Doc));
    meant.filter_map(|(_, start, end)| text.get(start..end)).collect()
}

fn differs(word: &str, name: &str, old: Option<&Item>, new: Option<&Item>) -> Option<SourceDiff> {
    let lines = |item: Option<&Item>| -> Vec<Line> { item.map_or(vec![], |i| numbered(&i.text, i.line)) };
    let any = old.or(new)?;
    let now = new.filter(|new| new.path != any.path).map(|new| new.path.clone());
    let lines = Lines::of(&lines(old), &lines(new));
    let differ = !lines.diff.is_empty() || now.is_some();
    differ.then(|| SourceDiff { item: format!("{word} {name}"), path: any.path.clone(), now, lines })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(text: &str) -> Items {
        let mut items = Items::default();
        items.add(Sources::new().add("a.det", text), "a.det", text);
        items
    }

    const TEXT: &str = "list a = [\"x\"]\nlet b = argument in a\n// c\nlet c = argument is \"b\"\n\n/// Says.\nrule r {\n  title \"c\" // c\n  detect process where b\n}\n";

    #[test]
    fn a_rule_uses_what_its_conditions_name_and_what_these_name() {
        assert_eq!(items(TEXT).used("r").into_iter().collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn an_item_differs_by_more_than_its_comments_and_layout() {
        let new = items(&TEXT.replace("[\"x\"]", "[ \"x\" // y\n]").replace("is \"b\"", "is \"d\""));
        let all = shared(&items(TEXT), &new);
        assert_eq!(all.keys().collect::<Vec<_>>(), ["c"]);
        assert_eq!(all["c"][0].lines.diff, "@@ -4,1 +5,1 @@\n-let c = argument is \"b\"\n+let c = argument is \"d\"\n");
    }

    #[test]
    fn a_rules_text_begins_with_its_description_and_keeps_its_lines() {
        let (old, new) = (items(TEXT), items(&TEXT.replace("/// Says.", "/// Tells.")));
        let all = of_rule(Some((&old, "r")), Some((&new, "r")));
        assert_eq!(all.len(), 1);
        assert!(all[0].lines.diff.starts_with("@@ -6,4 +6,4 @@\n-/// Says.\n+/// Tells.\n rule r {\n"), "{:?}", all[0]);
        assert_eq!(of_rule(None, Some((&new, "r")))[0].lines.added, 5);
    }
}
