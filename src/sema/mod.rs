//! Stage 2: names and types. Trees of all files become one [`Project`] of resolved utilities, lists and rules.
//!
//! Guarantees: every finding about a source that does not depend on a target is made here, and a rule without
//! findings can be lowered for any kind of event and any system without a new one.

mod condition;
pub mod fields;
mod lists;
mod meta;
mod operand;
mod rule;
mod temporal;
mod test;
mod tool;
mod utility;

pub use condition::Place;
pub use fields::{FieldDef, FieldId, Kind, Os, Type, OS_WORDS};
pub use lists::Lists;
pub use meta::{Level, Meta, Schedule, Throttle};
pub use rule::{Exception, Rule};
pub use test::READERS;
pub use utility::{Shape, Utility, Verb, PSDASH, WINDASH};

use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;
use crate::syntax::ast::{self, Expr, Ident, Item, ItemKind, Literal};
use crate::syntax::Parsed;
use indexmap::IndexMap;
use std::collections::HashMap;

/// Where findings go.
#[derive(Debug, Default)]
pub struct Report {
    /// All findings so far.
    pub diagnostics: Vec<Diagnostic>,
}

impl Report {
    pub(crate) fn push(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    pub(crate) fn unknown<'a>(&mut self, what: &str, word: &str, span: Span, candidates: impl IntoIterator<Item = &'a str>) {
        self.push(
            Diagnostic::new(Code::UnknownName, format!("there is no {what} `{word}`"))
                .at(span, "not defined anywhere in this project")
                .did_you_mean(word, span, candidates),
        );
    }
}

/// A word that is none of a few.
pub(crate) fn unknown_word(what: &str, word: &str, span: Span, known: &[&str]) -> Diagnostic {
    Diagnostic::new(Code::UnknownWord, format!("`{word}` is no {what}"))
        .at(span, format!("expected {}", known.join(", ")))
        .did_you_mean(word, span, known.iter().copied())
}

/// What the files define, by name, before resolution.
#[derive(Debug, Default)]
pub struct Symbols {
    utilities: IndexMap<String, (ast::Utility, bool)>,
    groups: IndexMap<String, (Ident, Vec<Ident>)>,
    lists: IndexMap<String, (Ident, Vec<ast::List>)>,
    params: IndexMap<String, Literal>,
    lets: IndexMap<String, (Ident, Expr)>,
    exceptions: IndexMap<String, ast::Exception>,
    rules: IndexMap<String, (ast::Rule, Vec<String>, bool, Span)>,
    tunes: Vec<ast::Tune>,
    broken: Vec<String>,
}

impl Symbols {
    /// Whether a name belongs to an item that did not parse: nobody is blamed for using it.
    fn is_broken(&self, name: &str) -> bool {
        self.broken.iter().any(|b| b == name)
    }
}

/// A resolved project.
#[derive(Debug, Default)]
pub struct Project {
    /// Utilities by name.
    pub utilities: IndexMap<String, Utility>,
    /// Groups by name, flattened to utilities.
    pub groups: IndexMap<String, Vec<String>>,
    /// Lists and parameters.
    pub lists: Lists,
    lets: IndexMap<String, (Ident, Expr)>,
    exceptions: IndexMap<String, ast::Exception>,
    /// Rules by name, tunes applied.
    pub rules: IndexMap<String, Rule>,
    broken: Vec<String>,
    /// Regular expressions of command lines, made once for each utility and pick.
    pub(crate) patterns: crate::ir::cmdline::Cache,
}

impl Project {
    fn is_broken(&self, name: &str) -> bool {
        self.broken.iter().any(|b| b == name)
    }
}

/// Resolves the trees of all files of a project.
///
/// `params` are values that the project's configuration sets.
#[must_use]
pub fn resolve(files: Vec<Parsed>, params: &IndexMap<String, Literal>) -> (Project, Vec<Diagnostic>) {
    let mut report = Report::default();
    let mut symbols = collect(files, &mut report);
    override_params(&mut symbols, params, &mut report);
    let lists = Lists::resolve(&symbols, &mut report);
    let mut project = Project { lists, broken: symbols.broken.clone(), ..Project::default() };
    for (name, (ast, broken)) in &symbols.utilities {
        project.utilities.insert(name.clone(), utility::resolve(ast, &project.lists, *broken, &mut report));
    }
    for name in symbols.groups.keys() {
        let members = flatten_group(name, &symbols, &mut vec![], &mut report);
        project.groups.insert(name.clone(), members);
    }
    project.lets = std::mem::take(&mut symbols.lets);
    project.exceptions = std::mem::take(&mut symbols.exceptions);
    condition::check_lets(&project, &mut report);
    let tunes = std::mem::take(&mut symbols.tunes);
    for (ast, docs, broken, span) in std::mem::take(&mut symbols.rules).into_values() {
        let rule = rule::resolve(ast, docs, broken, span, &project, &mut report);
        project.rules.insert(rule.name.clone(), rule);
    }
    rule::apply_tunes(tunes, &mut project, &mut report);
    rule::check_all(&project, &mut report);
    let mut diagnostics = report.diagnostics;
    crate::diagnostic::sort(&mut diagnostics);
    (project, diagnostics)
}

fn collect(files: Vec<Parsed>, report: &mut Report) -> Symbols {
    let mut symbols = Symbols::default();
    let mut places: HashMap<String, Span> = HashMap::new();
    let mut extensions = vec![];
    let mut broken_items = vec![];
    for parsed in files {
        for (keyword, name) in &parsed.broken {
            if keyword != "tune" && keyword != "extend" {
                symbols.broken.push(name.text.clone());
                broken_items.push(name.clone());
            }
        }
        report.diagnostics.extend(parsed.diagnostics);
        for item in parsed.file.items {
            let broken = symbols.broken.contains(&item.name().text);
            let defines = !matches!(item.kind, ItemKind::Extend { .. } | ItemKind::Tune(_));
            if defines && !define(&item, &mut places, report) {
                continue;
            }
            add(item, broken, &mut symbols, &mut extensions);
        }
    }
    for (name, list) in extensions {
        extend(name, list, &mut symbols, report);
    }
    symbols
}

/// Records a definition; `false` if its name is taken.
fn define(item: &Item, places: &mut HashMap<String, Span>, report: &mut Report) -> bool {
    let name = item.name();
    if let Some(why) = fields::is_taken(&name.text) {
        report.push(
            Diagnostic::new(Code::TakenName, format!("`{}` is {why}", name.text))
                .at(name.span, "a bare word must mean one thing")
                .help("choose another name"),
        );
    }
    match places.get(&name.text) {
        Some(first) => {
            report.push(
                Diagnostic::new(Code::DefinedTwice, format!("`{}` is defined twice", name.text))
                    .at(name.span, "again here")
                    .also(*first, "first here")
                    .note("all names of a project share one space, whatever they name"),
            );
            false
        }
        None => {
            places.insert(name.text.clone(), name.span);
            true
        }
    }
}

fn add(item: Item, broken: bool, symbols: &mut Symbols, extensions: &mut Vec<(Ident, ast::List)>) {
    let key = item.name().text.clone();
    match item.kind {
        ItemKind::Utility(utility) => {
            symbols.utilities.insert(key, (utility, broken));
        }
        ItemKind::Group { name, members } => {
            symbols.groups.insert(key, (name, members.names));
        }
        ItemKind::List { name, list } => {
            symbols.lists.insert(key, (name, vec![list]));
        }
        ItemKind::Param { value, .. } => {
            symbols.params.insert(key, value);
        }
        ItemKind::Let { name, expr } => {
            symbols.lets.insert(key, (name, expr));
        }
        ItemKind::Exception(exception) => {
            symbols.exceptions.insert(key, exception);
        }
        ItemKind::Rule(rule) => {
            symbols.rules.insert(key, (rule, item.docs, broken, item.span));
        }
        ItemKind::Tune(tune) => symbols.tunes.push(tune),
        ItemKind::Extend { name, list } => extensions.push((name, list)),
    }
}

fn extend(name: Ident, list: ast::List, symbols: &mut Symbols, report: &mut Report) {
    if let Some((_, lists)) = symbols.lists.get_mut(&name.text) {
        lists.push(list);
        return;
    }
    if let Some((_, members)) = symbols.groups.get_mut(&name.text) {
        for value in list.values {
            match value {
                ast::Value::Path(path) if path.single().is_some() => {
                    members.extend(path.parts);
                }
                other => report.push(
                    Diagnostic::new(Code::WrongValue, "a group grows by utilities and groups")
                        .at(other.span(), "not a name"),
                ),
            }
        }
        return;
    }
    if !symbols.is_broken(&name.text) {
        let known: Vec<&str> = symbols.lists.keys().chain(symbols.groups.keys()).map(String::as_str).collect();
        report.unknown("list or group", &name.text, name.span, known);
    }
}

fn override_params(symbols: &mut Symbols, params: &IndexMap<String, Literal>, report: &mut Report) {
    for (name, value) in params {
        if symbols.is_broken(name) {
            continue;
        }
        match symbols.params.get_mut(name) {
            Some(old) if std::mem::discriminant(old) == std::mem::discriminant(value) => *old = value.clone(),
            Some(old) => report.push(
                Diagnostic::new(Code::WrongType, format!("the configuration sets `{name}` to another type"))
                    .at(old.span(), "its type is that of this value"),
            ),
            None => {
                let message = format!("the configuration sets `{name}`, and no such parameter exists");
                let near = crate::diagnostic::nearest(name, symbols.params.keys().map(String::as_str));
                let diagnostic = Diagnostic::new(Code::UnknownName, message);
                report.push(match near {
                    Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
                    None => diagnostic,
                });
            }
        }
    }
}

fn flatten_group(name: &str, symbols: &Symbols, open: &mut Vec<String>, report: &mut Report) -> Vec<String> {
    let Some((ident, members)) = symbols.groups.get(name) else { return vec![] };
    if open.iter().any(|n| n == name) {
        report.push(lists::cycle("group", ident, open));
        return vec![];
    }
    open.push(name.to_owned());
    let mut out: Vec<String> = vec![];
    for member in members {
        if symbols.utilities.contains_key(&member.text) {
            out.push(member.text.clone());
        } else if symbols.groups.contains_key(&member.text) {
            out.extend(flatten_group(&member.text, symbols, open, report));
        } else if !symbols.is_broken(&member.text) {
            let known: Vec<&str> = symbols.utilities.keys().chain(symbols.groups.keys()).map(String::as_str).collect();
            report.unknown("utility or group", &member.text, member.span, known);
        }
    }
    open.pop();
    let mut seen = std::collections::HashSet::new();
    out.retain(|n| seen.insert(n.clone()));
    out
}
