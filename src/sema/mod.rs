//! Stage 2: names and types. Trees of all files become one [`Project`] of resolved utilities, lists and rules.
//!
//! Guarantees: every finding about a source that does not depend on a target is made here, and a rule without
//! findings can be lowered for any kind of event and any system without a new one.

mod case;
mod condition;
mod joint;
mod lists;
mod made;
mod meta;
mod never;
mod operand;
mod order;
mod parts;
mod reach;
mod rule;
mod size;
mod steps;
mod techniques;
mod temporal;
mod test;
mod text;
mod tool;
mod utility;
mod weights;

pub use condition::Place;
pub use lists::Lists;
pub use meta::{ENTITIES, LEVELS, Level, Meta, STATUSES, Schedule, Throttle};
pub use parts::{Member, Part};
pub use reach::Reach;
pub use rule::{Disabled, Exception, Gone, Rule};
pub use size::MAX_TESTS;
pub use techniques::Technique;
pub use test::READERS;

use crate::attack::Release;
use crate::diagnostic::{Code, Diagnostic};
use crate::file_names::{LONGEST, is_device};
use crate::ir::Named;
use crate::source::Span;
use crate::syntax::Parsed;
use crate::syntax::ast::{self, Expr, Ident, Item, ItemKind, Literal};
use crate::vocabulary::{Kind, Type, Utility, fields, foreign};
use indexmap::{IndexMap, IndexSet};
use std::collections::{HashMap, HashSet};

/// Where findings go.
#[derive(Debug)]
pub struct Report {
    /// All findings so far.
    pub diagnostics: Vec<Diagnostic>,
    /// What the conditions that were lowered are called in the source.
    pub(crate) names: Vec<Named>,
    /// What may still be spent on finding names that are like wrong ones.
    budget: usize,
}

impl Default for Report {
    fn default() -> Self {
        Self { diagnostics: vec![], names: vec![], budget: 4_000_000 }
    }
}

impl Report {
    pub(crate) fn push(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// Adds `did you mean` if one of `candidates`, of which there may be any number, is close to `word`.
    pub(crate) fn did_you_mean<'a>(
        &mut self,
        diagnostic: Diagnostic,
        word: &str,
        span: Span,
        candidates: impl IntoIterator<Item = &'a str>,
    ) -> Diagnostic {
        match crate::diagnostic::nearest_within(word, candidates, &mut self.budget) {
            Some(best) => diagnostic.patch(format!("did you mean `{best}`?"), span, best),
            None => diagnostic,
        }
    }

    /// A name that the project does not define.
    pub(crate) fn unknown<'a>(
        &mut self,
        what: &str,
        word: &str,
        span: Span,
        candidates: impl IntoIterator<Item = &'a str>,
    ) {
        self.unknown_in("this project", what, word, span, candidates);
    }

    /// A name that is not defined in some place.
    pub(crate) fn unknown_in<'a>(
        &mut self,
        place: &str,
        what: &str,
        word: &str,
        span: Span,
        candidates: impl IntoIterator<Item = &'a str>,
    ) {
        let diagnostic = Diagnostic::new(Code::UnknownName, format!("there is no {what} `{word}`"))
            .at(span, format!("not defined anywhere in {place}"));
        let diagnostic = self.did_you_mean(diagnostic, word, span, candidates);
        self.push(diagnostic);
    }
}

/// Text where one of a few words belongs.
pub(crate) fn quoted_word(text: &ast::Text, known: &[&str]) -> Diagnostic {
    let found = known.iter().find(|k| k.eq_ignore_ascii_case(&text.value));
    let diagnostic =
        Diagnostic::new(Code::WrongValue, format!("`{}` is text, but a bare word is expected here", text.value))
            .at(text.span, format!("expected {}", known.join(", ")));
    match found {
        Some(word) => diagnostic.patch("write words without quotes", text.span, *word),
        None => diagnostic,
    }
}

/// A literal that is no value of a field.
pub(crate) fn wrong_value(field: &str, ty: Type, literal: &Literal) -> Diagnostic {
    let span = literal.span();
    let (message, text) = match (ty, literal) {
        (Type::Hash(_) | Type::Ip, Literal::Text(t)) => (format!("`{}` is not {}", t.value, ty.words()), Some(t)),
        (_, Literal::Text(t)) => (format!("`{field}` is {}, not text", ty.words()), Some(t)),
        _ => (format!("`{field}` is {}, not {}", ty.words(), literal.words()), None),
    };
    let diagnostic = Diagnostic::new(Code::WrongType, message).at(span, format!("expected {}", expected(ty)));
    let number = |text: &str| !text.is_empty() && text.len() < 19 && text.bytes().all(|b| b.is_ascii_digit());
    match (ty, literal, text) {
        (Type::Int | Type::Size, _, Some(t)) if number(&t.value) => {
            diagnostic.patch("write numbers without quotes", span, t.value.as_str())
        }
        (Type::Enum(words), _, Some(t)) => match words.iter().find(|w| w.eq_ignore_ascii_case(&t.value)) {
            Some(word) => diagnostic.patch("write words without quotes", span, *word),
            None => diagnostic,
        },
        (Type::String | Type::Path | Type::Argument, Literal::Int(n, _), _)
            if n.to_string().len() == span.end - span.start =>
        {
            diagnostic.patch("write text in quotes", span, format!("\"{n}\""))
        }
        _ => diagnostic,
    }
}

/// What a value of this type looks like.
fn expected(ty: Type) -> String {
    match ty {
        Type::String | Type::Path | Type::Argument => "text in quotes".to_owned(),
        Type::Hash(digits) => format!("{digits} hexadecimal digits in quotes"),
        Type::Ip => "an address such as \"10.0.0.1\"".to_owned(),
        Type::Size => "a size such as 10MB".to_owned(),
        Type::Time => "a date such as 2026-11-20".to_owned(),
        Type::Enum(words) => words.join(", "),
        Type::Bool | Type::Int | Type::Identity => ty.words().to_owned(),
    }
}

/// A word that is none of a few.
pub(crate) fn unknown_word(what: &str, word: &str, span: Span, known: &[&str]) -> Diagnostic {
    Diagnostic::new(Code::UnknownWord, format!("unknown {what}: `{word}`"))
        .at(span, format!("expected {}", known.join(", ")))
        .did_you_mean(word, span, known.iter().copied())
}

/// A kind of event that does not exist.
pub(crate) fn unknown_kind(word: &Ident) -> Diagnostic {
    let known = Kind::ALL.map(Kind::word);
    match foreign::kind(&word.text).map(Kind::word) {
        Some(ours) => Diagnostic::new(Code::UnknownWord, format!("unknown kind of event: `{}`", word.text))
            .at(word.span, format!("expected {}", known.join(", ")))
            .patch(format!("it is called `{ours}`"), word.span, ours),
        None => unknown_word("kind of event", &word.text, word.span, &known),
    }
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
    broken: HashSet<String>,
}

impl Symbols {
    /// Whether a name belongs to an item that did not parse: nobody is blamed for using it.
    fn is_broken(&self, name: &str) -> bool {
        self.broken.contains(name)
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
    /// The release of ATT&CK that its rules name.
    pub attack: Release,
    lets: IndexMap<String, (Ident, Expr)>,
    exceptions: IndexMap<String, ast::Exception>,
    /// Rules by name, tunes applied.
    pub rules: IndexMap<String, Rule>,
    /// Every `let` that is neither in a circle nor too large.
    let_sizes: HashMap<String, size::Size>,
    broken: HashSet<String>,
    /// Regular expressions of command lines, made once for each utility and pick.
    pub(crate) patterns: crate::ir::cmdline::Cache,
    /// Rules lowered so far.
    bodies: rule::Bodies,
    /// Rules over several events lowered so far.
    meanings: rule::Meanings,
}

impl Project {
    fn is_broken(&self, name: &str) -> bool {
        self.broken.contains(name)
    }
}

/// Resolves the trees of all files of a project.
///
/// `params` are values that the project's configuration sets.
#[must_use]
pub fn resolve(files: Vec<Parsed>, params: &IndexMap<String, Literal>) -> (Project, Vec<Diagnostic>) {
    resolve_after(files, params, &HashMap::new(), &Reach::default(), Release::default())
}

/// [`resolve`], where rules that were there once, by name, are known with why they are not any more, and what packs may
/// change; with a release of ATT&CK.
#[must_use]
pub fn resolve_after(
    files: Vec<Parsed>,
    params: &IndexMap<String, Literal>,
    gone: &HashMap<String, Gone>,
    reach: &Reach,
    attack: Release,
) -> (Project, Vec<Diagnostic>) {
    let mut report = Report::default();
    let mut symbols = collect(files, reach, &mut report);
    override_params(&mut symbols, params, reach, &mut report);
    let lists = Lists::resolve(&symbols, &mut report);
    let mut project = Project { lists, attack, broken: symbols.broken.clone(), ..Project::default() };
    for (name, (ast, broken)) in &symbols.utilities {
        project.utilities.insert(name.clone(), utility::resolve(ast, &project.lists, *broken, &mut report));
    }
    project.groups = flatten_groups(&symbols, &mut report);
    project.lets = std::mem::take(&mut symbols.lets);
    project.exceptions = std::mem::take(&mut symbols.exceptions);
    size::measure_lets(&mut project, &mut report);
    condition::check_lets(&project, &mut report);
    let tunes = std::mem::take(&mut symbols.tunes);
    for (ast, docs, broken, span) in std::mem::take(&mut symbols.rules).into_values() {
        let rule = rule::resolve(ast, docs, broken, span, &project, &mut report);
        project.rules.insert(rule.name.clone(), rule);
    }
    rule::apply_tunes(tunes, gone, reach, &mut project, &mut report);
    rule::check_all(&project, &mut report);
    let mut diagnostics = report.diagnostics;
    crate::diagnostic::sort(&mut diagnostics);
    (project, diagnostics)
}

fn collect(files: Vec<Parsed>, reach: &Reach, report: &mut Report) -> Symbols {
    let mut symbols = Symbols::default();
    let mut places: HashMap<String, Span> = HashMap::new();
    let mut rules: HashMap<String, Ident> = HashMap::new();
    let mut extensions = vec![];
    for parsed in files {
        for (keyword, name) in &parsed.broken {
            if keyword != "tune" && keyword != "extend" {
                symbols.broken.insert(name.text.clone());
            }
        }
        report.diagnostics.extend(parsed.diagnostics);
        for item in parsed.file.items {
            let broken = symbols.broken.contains(&item.name().text);
            let defines = !matches!(item.kind, ItemKind::Extend { .. } | ItemKind::Tune(_));
            if defines && !define(&item, &mut places, report) {
                continue;
            }
            if matches!(item.kind, ItemKind::Rule(_)) {
                check_rule_name(item.name(), &mut rules, report);
            }
            add(item, broken, &mut symbols, &mut extensions);
        }
    }
    for (name, list) in extensions {
        extend(name, list, reach, &mut symbols, report);
    }
    symbols
}

/// Records a definition; `false` if its name is taken.
fn define(item: &Item, places: &mut HashMap<String, Span>, report: &mut Report) -> bool {
    let name = item.name();
    if let Some(why) = fields::is_taken(&name.text) {
        report.push(
            Diagnostic::new(Code::TakenName, format!("`{}` is {why}", name.text))
                .at(name.span, "a bare word must have one meaning")
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

/// Refuses a rule's name that is no file's name on every system.
fn check_rule_name(name: &Ident, rules: &mut HashMap<String, Ident>, report: &mut Report) {
    let finding = |why: &str, label: String| {
        let message = match name.text.len() > LONGEST {
            true => format!("the name of a rule {why}"),
            false => format!("`{}` {why}", name.text),
        };
        Diagnostic::new(Code::BadRuleName, message).at(name.span, label)
    };
    let length = name.text.chars().count();
    if length > LONGEST {
        report.push(
            finding("is too long", format!("{length} characters, of {LONGEST} at most"))
                .note("documents are named after their rules"),
        );
    }
    if is_device(&name.text) {
        report.push(
            finding("is a name that Windows keeps for a device", "no file there can have it".to_owned())
                .help("choose another name"),
        );
    }
    let folded = name.text.to_lowercase();
    if let Some(first) = rules.get(&folded) {
        let label =
            format!("documents of `{}` and `{}` would be the same file on Windows and macOS", first.text, name.text);
        report.push(
            finding("differs from the name of another rule by the case of its letters alone", label)
                .also(first.span, "the other one")
                .help("choose another name"),
        );
    } else {
        rules.insert(folded, name.clone());
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

fn extend(name: Ident, list: ast::List, reach: &Reach, symbols: &mut Symbols, report: &mut Report) {
    let defined = symbols.lists.get(&name.text).map(|(ident, _)| ident);
    let defined = defined.or_else(|| symbols.groups.get(&name.text).map(|(ident, _)| ident));
    let does = format!("extends `{}`", name.text);
    if let Some(finding) = defined.and_then(|ident| reach.stops(name.span, &does, ident.span)) {
        return report.push(finding);
    }
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
                    Diagnostic::new(
                        Code::WrongValue,
                        format!("group `{}` can be extended with utilities and groups only", name.text),
                    )
                    .at(other.span(), "not the name of one"),
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

fn override_params(symbols: &mut Symbols, params: &IndexMap<String, Literal>, reach: &Reach, report: &mut Report) {
    for (name, value) in params {
        if symbols.is_broken(name) {
            continue;
        }
        let does = format!("sets `{name}`");
        let defined = symbols.params.get(name).map(Literal::span);
        if let Some(finding) = defined.and_then(|span| reach.stops(value.span(), &does, span)) {
            report.push(finding);
            continue;
        }
        match symbols.params.get_mut(name) {
            Some(old) if std::mem::discriminant(old) == std::mem::discriminant(value) => *old = value.clone(),
            Some(old) => report.push(
                Diagnostic::new(Code::WrongType, format!("arcanary.yaml sets `{name}` to another type"))
                    .at(value.span(), format!("set to {}", value.words()))
                    .also(old.span(), format!("this is {}", old.words())),
            ),
            None => {
                let message = format!("arcanary.yaml sets `{name}`, but there is no such param");
                let near = crate::diagnostic::nearest(name, symbols.params.keys().map(String::as_str));
                let diagnostic = Diagnostic::new(Code::UnknownName, message).at(value.span(), "set here");
                report.push(match near {
                    Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
                    None => diagnostic,
                });
            }
        }
    }
}

/// The most utilities that all groups of a project hold together.
const MAX_MEMBERS: usize = 100_000;

fn flatten_groups(symbols: &Symbols, report: &mut Report) -> IndexMap<String, Vec<String>> {
    let known = || symbols.utilities.keys().chain(symbols.groups.keys()).map(String::as_str);
    let named = |name: &str| {
        let members = symbols.groups.get(name).into_iter().flat_map(|(_, members)| members);
        members.filter_map(|m| symbols.groups.get_key_value(&m.text)).map(|(n, _)| n.as_str()).collect()
    };
    let order = order::order(symbols.groups.keys().map(String::as_str), named);
    for circle in &order.circles {
        if let Some((ident, _)) = circle.names.first().and_then(|n| symbols.groups.get(*n)) {
            report.push(lists::cycle("group", ident, circle));
        }
    }
    let mut flat: HashMap<&str, IndexSet<String>> = HashMap::new();
    let mut total = 0;
    for name in order.sorted {
        let Some((ident, members)) = symbols.groups.get(name) else { continue };
        let mut out = IndexSet::new();
        for member in members {
            if symbols.utilities.contains_key(&member.text) {
                out.insert(member.text.clone());
            } else if symbols.groups.contains_key(&member.text) {
                out.extend(flat.get(member.text.as_str()).into_iter().flatten().cloned());
            } else if !symbols.is_broken(&member.text) {
                report.unknown("utility or group", &member.text, member.span, known());
            }
        }
        if total <= MAX_MEMBERS && total + out.len() > MAX_MEMBERS {
            report.push(
                Diagnostic::new(Code::TooLarge, format!("group `{name}` is too large"))
                    .at(ident.span, format!("{} utilities, and the groups before it hold {total}", out.len()))
                    .note(format!("all groups of a project together hold {MAX_MEMBERS} utilities at most")),
            );
        }
        total += out.len();
        flat.insert(name, if total <= MAX_MEMBERS { out } else { IndexSet::new() });
    }
    // In the order of the files, as everything that reaches the user.
    let of = |name: &String| flat.remove(name.as_str()).unwrap_or_default().into_iter().collect();
    symbols.groups.keys().cloned().zip(symbols.groups.keys().map(of)).collect()
}
