//! Utilities: from their syntax to declarations that a command line can be read with.

use super::lists::Lists;
use super::operand::Operand;
use super::{Report, case};
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::paths::Folder;
use crate::source::Span;
use crate::syntax::UTILITY_KEYS;
use crate::syntax::ast::{self, Literal};
use crate::vocabulary::{Os, PSDASH, Shape, Utility, Verb, WINDASH};
use indexmap::IndexMap;
use std::collections::HashMap;

/// The shapes' words.
const SHAPES: [&str; 10] =
    ["first", "alone", "glued", "equals", "bundled", "dashless", "long", "leading", "word", "parameter"];

/// Resolves one utility. Findings go to `report`; what could be read is returned in any case.
pub(super) fn resolve(ast: &ast::Utility, lists: &Lists, broken: bool, report: &mut Report) -> Utility {
    let mut out = Utility {
        name: ast.name.text.clone(),
        title: ast.title.value.clone(),
        os: vec![],
        image: vec![],
        original: vec![],
        original_when_available: false,
        home: vec![],
        prefixes: vec!["-".to_owned()],
        cased: false,
        values: None,
        verbs: IndexMap::new(),
        switches: IndexMap::new(),
        span: ast.name.span,
    };
    let mut seen: Vec<(&str, Span)> = vec![];
    let mut names: HashMap<String, Span> = HashMap::new();
    for part in &ast.parts {
        if let ast::UtilityPart::Verb { name, .. } | ast::UtilityPart::Switch { name, .. } = part {
            named_once(name, &mut names, &out.name, report);
        }
        resolve_part(part, lists, &mut out, &mut seen, report);
    }
    if out.os.is_empty() {
        if !broken && !seen.iter().any(|(key, _)| *key == "os") {
            report.push(
                Diagnostic::new(Code::UtilityIncomplete, format!("utility `{}` names no `os`", out.name))
                    .at(out.span, "on which systems does it run?")
                    .help("add `os [windows]`, or several of windows, linux, macos"),
            );
        }
        out.os = Os::ALL.to_vec();
    }
    check(ast, &out, report);
    check_letters(ast, &out, lists, report);
    out
}

/// Refuses letters without one other case where the utility ignores case: in programs always, in names unless it is `cased`.
fn check_letters(ast: &ast::Utility, utility: &Utility, lists: &Lists, report: &mut Report) {
    let mut quiet = Report::default();
    for part in &ast.parts {
        let (literals, span) = match part {
            ast::UtilityPart::Key { key, value: ast::UtilityValue::List(list) }
                if matches!(key.text.as_str(), "image" | "home") =>
            {
                (lists.flat(list, &mut quiet), list.span)
            }
            ast::UtilityPart::Original { values, .. } => (lists.values(values, &mut quiet), values.span()),
            ast::UtilityPart::Verb { shapes: Some(shapes), .. } | ast::UtilityPart::Switch { shapes, .. }
                if !utility.cased =>
            {
                for shape in shapes {
                    let names = shape.names.iter().map(|n| (n.value.as_str(), n.span));
                    let cure = "make the utility `cased`, or leave the letter out";
                    case::check(report, None, names, Operand::many(shape.span), cure);
                }
                continue;
            }
            _ => continue,
        };
        let cure = "leave the letter out, or ask `process.name` with `cased`";
        case::check(report, None, case::texts(&literals), Operand::many(span), cure);
    }
}

fn once<'a>(key: &'a str, span: Span, seen: &mut Vec<(&'a str, Span)>, report: &mut Report) {
    match seen.iter().find(|(k, _)| *k == key) {
        Some((_, first)) => report.push(
            Diagnostic::new(Code::RepeatedEntry, format!("`{key}` is given twice"))
                .at(span, "again here")
                .also(*first, "first here"),
        ),
        None => seen.push((key, span)),
    }
}

fn resolve_part<'a>(
    part: &'a ast::UtilityPart,
    lists: &Lists,
    out: &mut Utility,
    seen: &mut Vec<(&'a str, Span)>,
    report: &mut Report,
) {
    match part {
        ast::UtilityPart::Cased(span) => {
            once("cased", *span, seen, report);
            out.cased = true;
        }
        ast::UtilityPart::Original { key, values, when_available } => {
            once("original", *key, seen, report);
            out.original = lists.texts(values, report);
            out.original_when_available = *when_available;
        }
        ast::UtilityPart::Key { key, value } => {
            once(&key.text, key.span, seen, report);
            resolve_key(key, value, lists, out, report);
        }
        ast::UtilityPart::Verb { name, shapes } => {
            let verb = match shapes {
                None => Verb::Default,
                Some(shapes) => Verb::Shapes(shapes.iter().filter_map(|s| shape(s, report)).collect()),
            };
            out.verbs.insert(name.text.clone(), verb);
        }
        ast::UtilityPart::Switch { name, shapes } => {
            let shapes = shapes.iter().filter_map(|s| shape(s, report)).collect();
            out.switches.insert(name.text.clone(), shapes);
        }
    }
}

fn named_once(name: &ast::Ident, seen: &mut HashMap<String, Span>, utility: &str, report: &mut Report) {
    let first = *seen.entry(name.text.clone()).or_insert(name.span);
    if first != name.span {
        report.push(
            Diagnostic::new(Code::RepeatedEntry, format!("`{utility}` has two verbs or switches `{}`", name.text))
                .at(name.span, "again here")
                .also(first, "first here")
                .help("join the shapes of one verb or switch with `or`"),
        );
    }
}

fn resolve_key(key: &ast::Ident, value: &ast::UtilityValue, lists: &Lists, out: &mut Utility, report: &mut Report) {
    let (span, kind) = match value {
        ast::UtilityValue::List(list) => (list.span, "a list"),
        ast::UtilityValue::Text(text) => (text.span, "text"),
        ast::UtilityValue::Word(word) => (word.span, "a bare word"),
    };
    let wanted = |what: &str| {
        Diagnostic::new(Code::WrongValue, format!("`{}` takes {what}", key.text)).at(span, format!("this is {kind}"))
    };
    match (key.text.as_str(), value) {
        ("os", ast::UtilityValue::List(list)) => out.os = systems(list, report),
        ("image", ast::UtilityValue::List(list)) => out.image = lists.flat_texts(list, report),
        ("home", ast::UtilityValue::List(list)) => out.home = folders(list, lists, report),
        ("prefixes", ast::UtilityValue::List(list)) => out.prefixes = lists.flat_texts(list, report),
        ("prefixes", ast::UtilityValue::Word(word)) if word.text == "windash" => {
            out.prefixes = WINDASH.map(str::to_owned).to_vec();
        }
        ("prefixes", ast::UtilityValue::Word(word)) if word.text == "psdash" => {
            out.prefixes = PSDASH.map(str::to_owned).to_vec();
        }
        ("values", ast::UtilityValue::Text(text)) => out.values = Some(text.value.clone()),
        ("prefixes", _) => report.push(wanted("a list of characters, `windash` or `psdash`")),
        ("values", _) => report.push(wanted("the letters that take a value, as one text")),
        ("os" | "image" | "home", _) => {
            let cure = match value {
                ast::UtilityValue::Word(word) => format!("[{}]", word.text),
                ast::UtilityValue::Text(text) => format!("['{}']", text.value.replace('\'', "''")),
                ast::UtilityValue::List(_) => String::new(),
            };
            report.push(wanted("a list in brackets").patch("put brackets around it", span, cure));
        }
        ("original", _) => report.push(wanted("a list in brackets")),
        (other, _) => report.push(
            Diagnostic::new(Code::UnknownKey, format!("a utility has no entry `{other}`"))
                .at(key.span, "not an entry of a utility")
                .did_you_mean(other, key.span, UTILITY_KEYS)
                .note(format!("entries are {}", UTILITY_KEYS.join(", "))),
        ),
    }
}

fn systems(list: &ast::List, report: &mut Report) -> Vec<Os> {
    let mut out = vec![];
    for value in &list.values {
        let path = match value {
            ast::Value::Path(path) => path,
            ast::Value::Literal(Literal::Text(text)) => {
                report.push(super::quoted_word(text, &crate::vocabulary::OS_WORDS));
                continue;
            }
            ast::Value::Literal(other) => {
                report.push(super::unknown_word("system", other.words(), other.span(), &crate::vocabulary::OS_WORDS));
                continue;
            }
        };
        match Os::from_word(&path.dotted()) {
            Some(os) => out.push(os),
            None => report.push(super::unknown_word("system", &path.dotted(), path.span, &crate::vocabulary::OS_WORDS)),
        }
    }
    out.dedup();
    out
}

fn folders(list: &ast::List, lists: &Lists, report: &mut Report) -> Vec<String> {
    for literal in lists.flat(list, &mut Report::default()) {
        if let Literal::Text(text) = literal
            && Folder::parse(&text.value).is_none()
        {
            report.push(super::text::bad_folder(&text.value, text.span));
        }
    }
    lists.flat_texts(list, report)
}

/// The longest name of a verb or switch, in characters: abbreviations of longer ones nest too deep for some engines.
const LONGEST_NAME: usize = 100;

fn shape(ast: &ast::Shape, report: &mut Report) -> Option<Shape> {
    let mut options = Options::default();
    let kind = ast.kind.text.as_str();
    let allowed: &[&str] = match kind {
        "glued" => &["digits", "except"],
        "equals" => &["by"],
        "bundled" => &["last", "nonzero"],
        "long" => &["min", "nonzero"],
        "parameter" => &["min"],
        _ => &[],
    };
    if !SHAPES.contains(&kind) {
        report.push(
            Diagnostic::new(Code::UnknownShape, format!("`{kind}` is not a shape"))
                .at(ast.kind.span, "not a shape")
                .did_you_mean(kind, ast.kind.span, SHAPES)
                .note(format!("shapes are {}", SHAPES.join(", "))),
        );
        return None;
    }
    for option in &ast.options {
        options.take(option, kind, allowed, report);
    }
    let names: Vec<String> = ast.names.iter().map(|n| n.value.clone()).collect();
    for name in &ast.names {
        let why = match name.value.as_str() {
            "" => "a name without characters",
            v if v.contains([' ', '\t', '\r', '\n']) => "a name with white space in it",
            v if v.contains('"') => "a name with a quote in it",
            v if v.chars().count() > LONGEST_NAME => "a name with more than 100 characters",
            _ => continue,
        };
        report.push(
            Diagnostic::new(Code::BadShapeName, why)
                .at(name.span, "no argument can be this")
                .help("an argument's name is one word of 100 characters at most, written without its prefix"),
        );
        return None;
    }
    let mut letters = || {
        if ast.bracketed {
            report.push(
                Diagnostic::new(Code::WrongValue, format!("`{kind}` takes its letters as one text"))
                    .at(ast.span, "this is a list")
                    .help(format!("write `{kind} \"{}\"`", names.concat())),
            );
        }
        names.concat()
    };
    Some(match kind {
        "first" => Shape::First(names),
        "alone" => Shape::Alone(names),
        "glued" => Shape::Glued { names, digits: options.digits, except: options.except },
        "equals" => Shape::Equals { names, by: options.by.unwrap_or_else(|| vec!['=', ':']) },
        "bundled" => Shape::Bundled { letters: letters(), last: options.last, nonzero: options.nonzero },
        "dashless" => Shape::Dashless(letters()),
        "long" => Shape::Long { names, min: options.min, nonzero: options.nonzero },
        "leading" => Shape::Leading(names),
        "word" => Shape::Word(names),
        "parameter" => Shape::Parameter { names, min: options.min },
        // A word of `SHAPES` that nothing here makes a shape of.
        _ => return None,
    })
}

#[derive(Default)]
struct Options {
    digits: bool,
    last: bool,
    nonzero: bool,
    min: Option<usize>,
    except: Option<char>,
    by: Option<Vec<char>>,
}

impl Options {
    fn take(&mut self, option: &ast::ShapeOption, kind: &str, allowed: &[&str], report: &mut Report) {
        let (word, span) = match option {
            ast::ShapeOption::Flag(word) | ast::ShapeOption::Text(word, _) => (word.text.as_str(), word.span),
            ast::ShapeOption::Min(_, span) => ("min", *span),
        };
        if !allowed.contains(&word) {
            let names: Vec<_> = allowed.iter().map(|a| format!("`{a}`")).collect();
            let takes =
                if allowed.is_empty() { "no options".to_owned() } else { format!("only {}", names.join(" and ")) };
            report.push(
                Diagnostic::new(Code::WrongOption, format!("`{kind}` has no option `{word}`"))
                    .at(span, format!("`{kind}` takes {takes}")),
            );
            return;
        }
        match option {
            ast::ShapeOption::Flag(_) if word == "digits" => self.digits = true,
            ast::ShapeOption::Flag(_) if word == "last" => self.last = true,
            ast::ShapeOption::Flag(_) => self.nonzero = true,
            ast::ShapeOption::Min(n, _) => self.min = usize::try_from(*n).ok(),
            ast::ShapeOption::Text(_, text) if word == "except" => {
                self.except = text.value.chars().next();
                if text.value.chars().count() != 1 {
                    report.push(
                        Diagnostic::new(Code::WrongValue, "`except` takes one character")
                            .at(text.span, format!("these are {}", text.value.chars().count())),
                    );
                }
            }
            ast::ShapeOption::Text(_, text) => {
                self.by = Some(text.value.chars().collect());
                if text.value.is_empty() {
                    report.push(
                        Diagnostic::new(Code::WrongValue, "`by` takes one character or more")
                            .at(text.span, "these are none"),
                    );
                }
            }
        }
    }
}

/// What only the whole utility shows.
fn check(ast: &ast::Utility, utility: &Utility, report: &mut Report) {
    let defaults: Vec<_> = ast
        .parts
        .iter()
        .filter_map(|p| match p {
            ast::UtilityPart::Verb { name, shapes: None } => Some(name.span),
            _ => None,
        })
        .collect();
    if let [first, second, ..] = defaults.as_slice() {
        report.push(
            Diagnostic::new(Code::TwoDefaults, format!("`{}` has two `default` verbs", utility.name))
                .at(*second, "a second one")
                .also(*first, "the first one"),
        );
    }
    for part in &ast.parts {
        let (name, shapes) = match part {
            ast::UtilityPart::Verb { name, shapes: Some(shapes) } | ast::UtilityPart::Switch { name, shapes } => {
                (name, shapes)
            }
            _ => continue,
        };
        for shape in shapes {
            if shape.kind.text == "bundled" && utility.values.is_none() {
                report.push(
                    Diagnostic::new(Code::BundledWithoutValues, "`bundled` needs the utility's `values`")
                        .at(shape.span, "which letters take a value and so end a bundle?")
                        .help("add `values \"bf\"` with these letters, or `values \"\"` if none does"),
                );
            }
            if shape.kind.text == "word" && matches!(part, ast::UtilityPart::Switch { .. }) {
                report.push(
                    Diagnostic::new(Code::VerbOnlyShape, "`word` is a shape of verbs")
                        .at(shape.kind.span, format!("in switch `{}`", name.text))
                        .help(format!("a cmdlet is what the utility does: `verb {}`", name.text)),
                );
            }
            if shape.kind.text == "first" && matches!(part, ast::UtilityPart::Switch { .. }) {
                report.push(
                    Diagnostic::new(Code::VerbOnlyShape, "`first` is a shape of verbs")
                        .at(shape.kind.span, format!("in switch `{}`", name.text))
                        .help(format!("the first argument is what the utility does: `verb {}`", name.text)),
                );
            }
        }
    }
    check_glued(ast, utility, report);
    let slash = utility.prefixes.iter().any(|p| p == "/");
    let bare = utility.image.iter().find(|i| !i.to_lowercase().ends_with(".exe"));
    if let (true, Some(bare)) = (slash, bare) {
        report.push(
            Diagnostic::new(
                Code::SlashOnUnix,
                format!("`/` is a prefix, and `{bare}` looks like a program of Linux or macOS"),
            )
            .at(utility.span, "there a `/` begins a path")
            .help("declare a separate utility for Linux and macOS, and put both in a group"),
        );
    }
}

/// A glued letter swallows every other name that begins with it. One finding for each shape is enough.
fn check_glued(ast: &ast::Utility, utility: &Utility, report: &mut Report) {
    let fold = |s: &str| if utility.cased { s.to_owned() } else { s.to_lowercase() };
    let mut all: Vec<(&ast::Ident, Shape, Span)> = vec![];
    for part in &ast.parts {
        let (name, shapes) = match part {
            ast::UtilityPart::Verb { name, shapes: Some(shapes) } | ast::UtilityPart::Switch { name, shapes } => {
                (name, shapes)
            }
            _ => continue,
        };
        for s in shapes {
            if let Some(resolved) = shape(s, &mut Report::default()) {
                all.push((name, resolved, s.span));
            }
        }
    }
    // The names of all switch-like shapes in order, so that those that begin alike are neighbours.
    let mut others: Vec<(String, &str, &ast::Ident, Span)> = vec![];
    for (owner, shape, span) in &all {
        if let Shape::Alone(names) | Shape::Equals { names, .. } | Shape::Glued { names, .. } = shape {
            others.extend(names.iter().map(|n| (fold(n), n.as_str(), *owner, *span)));
        }
    }
    others.sort_by(|a, b| (&a.0, a.3).cmp(&(&b.0, b.3)));
    for (owner, glued, span) in &all {
        let Shape::Glued { names, digits, except } = glued else { continue };
        let taken_in = names.iter().find_map(|mine| {
            let start = fold(mine);
            let from = others.partition_point(|o| o.0 < start);
            let begin_alike = others.iter().skip(from).map_while(|o| o.0.strip_prefix(&start).map(|rest| (o, rest)));
            let mut clashes = begin_alike.filter(|((_, _, other, _), rest)| {
                let ruled_out = *digits && !rest.starts_with(|c: char| c.is_ascii_digit())
                    || except.is_some_and(|c| *rest == c.to_string());
                !ruled_out && other.text != owner.text
            });
            clashes.next().map(|(other, _)| (mine, other))
        });
        if let Some((mine, (_, their, other, other_span))) = taken_in {
            report.push(
                Diagnostic::new(Code::GluedAmbiguous, format!("glued `{mine}` also matches `{their}`"))
                    .at(*span, format!("`{}`: everything that begins with `{mine}`", owner.text))
                    .also(*other_span, format!("`{}` is one of these", other.text))
                    .help("rule it out with `digits` or `except`"),
            );
        }
    }
}
