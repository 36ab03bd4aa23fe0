//! Utilities: from their syntax to declarations that a command line can be read with.

use super::lists::Lists;
use super::{Os, Report};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;
use crate::syntax::ast;
use indexmap::IndexMap;

/// A utility as rules use it: one tool in one dialect.
#[derive(Clone, Debug)]
pub struct Utility {
    /// Its name.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// The systems it runs on.
    pub os: Vec<Os>,
    /// File names; empty: known by its command line only.
    pub image: Vec<String>,
    /// PE original file names.
    pub original: Vec<String>,
    /// A target without the field may drop `original`.
    pub original_when_available: bool,
    /// Folders it belongs in.
    pub home: Vec<String>,
    /// What stands before a switch.
    pub prefixes: Vec<String>,
    /// Letters' case counts.
    pub cased: bool,
    /// Letters of a bundle that take a value, if bundles were declared.
    pub values: Option<String>,
    /// Verbs by name.
    pub verbs: IndexMap<String, Verb>,
    /// Switches by name.
    pub switches: IndexMap<String, Vec<Shape>>,
    /// Where its name stands.
    pub span: Span,
}

/// A verb.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verb {
    /// A command line without any other verb.
    Default,
    /// An argument of one of these shapes.
    Shapes(Vec<Shape>),
}

/// An argument's shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// The first argument that begins with no prefix.
    First(Vec<String>),
    /// A prefix and the name.
    Alone(Vec<String>),
    /// A prefix, the name, then a value or nothing.
    Glued {
        /// The names.
        names: Vec<String>,
        /// A digit must follow.
        digits: bool,
        /// Just this character may not follow.
        except: Option<char>,
    },
    /// A prefix, the name, a separator.
    Equals {
        /// The names.
        names: Vec<String>,
        /// The separators.
        by: Vec<char>,
    },
    /// `-` and letters, one of these among them.
    Bundled {
        /// The letters.
        letters: String,
        /// At the bundle's end.
        last: bool,
        /// Before a value that begins with 1 to 9.
        nonzero: bool,
    },
    /// The first argument: letters without a prefix, one of these among them.
    Dashless(String),
    /// `--` and the name.
    Long {
        /// The names.
        names: Vec<String>,
        /// Shortened to this many letters or more.
        min: Option<usize>,
        /// Before a value that begins with 1 to 9.
        nonzero: bool,
    },
    /// This character and something behind it.
    Leading(Vec<String>),
    /// A cmdlet or a type's member.
    Word(Vec<String>),
    /// A cmdlet's parameter.
    Parameter {
        /// The names.
        names: Vec<String>,
        /// Shortened to this many letters or more.
        min: Option<usize>,
    },
}

impl Utility {
    /// All words of all `word` verbs.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        let shapes = self.verbs.values().filter_map(|v| match v {
            Verb::Shapes(shapes) => Some(shapes),
            Verb::Default => None,
        });
        shapes
            .flatten()
            .filter_map(|s| match s {
                Shape::Word(words) => Some(words.clone()),
                _ => None,
            })
            .flatten()
            .collect()
    }

    /// Letters and other characters that may stand in a bundle and take no value.
    #[must_use]
    pub fn bundle_characters(&self) -> Vec<char> {
        let mut all: Vec<char> = ('0'..='9').chain('A'..='Z').chain('a'..='z').collect();
        let shapes = self.verbs.values().filter_map(|v| match v {
            Verb::Shapes(s) => Some(s),
            Verb::Default => None,
        });
        for shape in shapes.chain(self.switches.values()).flatten() {
            if let Shape::Bundled { letters, .. } = shape {
                all.extend(letters.chars().filter(|c| !c.is_ascii_alphanumeric()));
            }
        }
        let values = self.values.clone().unwrap_or_default();
        all.retain(|c| !values.contains(*c));
        let mut seen = vec![];
        all.retain(|c| {
            let new = !seen.contains(c);
            seen.push(*c);
            new
        });
        all
    }
}

/// `windash` of Sigma: the dashes and the slash that Windows' own tools take.
pub const WINDASH: [&str; 5] = ["-", "/", "\u{2013}", "\u{2014}", "\u{2015}"];
/// What PowerShell takes before a parameter.
pub const PSDASH: [&str; 4] = ["-", "\u{2013}", "\u{2014}", "\u{2015}"];

/// The shapes' words.
const SHAPES: [&str; 10] =
    ["first", "alone", "glued", "equals", "bundled", "dashless", "long", "leading", "word", "parameter"];
const KEYS: [&str; 9] = ["os", "image", "original", "home", "prefixes", "cased", "values", "verb", "switch"];

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
    for part in &ast.parts {
        resolve_part(part, lists, &mut out, &mut seen, report);
    }
    if out.os.is_empty() && !broken {
        report.push(
            Diagnostic::new(Code::UtilityIncomplete, format!("utility `{}` names no `os`", out.name))
                .at(out.span, "on which systems does it run?")
                .help("add `os [windows]`, or several of windows, linux, macos"),
        );
        out.os = Os::ALL.to_vec();
    }
    check(ast, &out, report);
    out
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
    part: &'a ast::UtilityPart, lists: &Lists, out: &mut Utility, seen: &mut Vec<(&'a str, Span)>, report: &mut Report,
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
            named_once(name, out, report);
            out.verbs.insert(name.text.clone(), verb);
        }
        ast::UtilityPart::Switch { name, shapes } => {
            named_once(name, out, report);
            let shapes = shapes.iter().filter_map(|s| shape(s, report)).collect();
            out.switches.insert(name.text.clone(), shapes);
        }
    }
}

fn named_once(name: &ast::Ident, out: &Utility, report: &mut Report) {
    if out.verbs.contains_key(&name.text) || out.switches.contains_key(&name.text) {
        report.push(
            Diagnostic::new(Code::RepeatedEntry, format!("`{}` has two verbs or switches `{}`", out.name, name.text))
                .at(name.span, "again here")
                .help("join the shapes of one verb with `or`"),
        );
    }
}

fn resolve_key(key: &ast::Ident, value: &ast::UtilityValue, lists: &Lists, out: &mut Utility, report: &mut Report) {
    let wanted = |what: &str| {
        Diagnostic::new(Code::WrongValue, format!("`{}` takes {what}", key.text)).at(key.span, "this entry")
    };
    match (key.text.as_str(), value) {
        ("os", ast::UtilityValue::List(list)) => out.os = systems(list, report),
        ("image", ast::UtilityValue::List(list)) => out.image = lists.flat_texts(list, report),
        ("home", ast::UtilityValue::List(list)) => out.home = lists.flat_texts(list, report),
        ("prefixes", ast::UtilityValue::List(list)) => out.prefixes = lists.flat_texts(list, report),
        ("prefixes", ast::UtilityValue::Word(word)) if word.text == "windash" => {
            out.prefixes = WINDASH.map(str::to_owned).to_vec();
        }
        ("prefixes", ast::UtilityValue::Word(word)) if word.text == "psdash" => {
            out.prefixes = PSDASH.map(str::to_owned).to_vec();
        }
        ("values", ast::UtilityValue::Text(text)) => out.values = Some(text.value.clone()),
        ("os" | "image" | "home", _) => report.push(wanted("a list")),
        ("prefixes", _) => report.push(wanted("a list of characters, `windash` or `psdash`")),
        ("values", _) => report.push(wanted("the letters that take a value, in quotes")),
        ("original", _) => report.push(wanted("a list")),
        (other, _) => report.push(
            Diagnostic::new(Code::UnknownKey, format!("a utility has no entry `{other}`"))
                .at(key.span, "not an entry of a utility")
                .did_you_mean(other, key.span, KEYS)
                .note(format!("entries are {}", KEYS.join(", "))),
        ),
    }
}

fn systems(list: &ast::List, report: &mut Report) -> Vec<Os> {
    let mut out = vec![];
    for value in &list.values {
        let word = match value {
            ast::Value::Path(path) => path.dotted(),
            ast::Value::Literal(_) => String::new(),
        };
        match Os::from_word(&word) {
            Some(os) => out.push(os),
            None => report.push(super::unknown_word("system", &word, value.span(), &super::OS_WORDS)),
        }
    }
    out.dedup();
    out
}

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
    if let Some(name) = ast.names.iter().find(|n| n.value.is_empty() || n.value.contains(['"', ' ', '\t', '\r', '\n'])) {
        report.push(
            Diagnostic::new(Code::BadShapeName, "a name without characters, or with a quote or white space in it")
                .at(name.span, "no argument can be this")
                .help("an argument's name is one word, written without its prefix"),
        );
        return None;
    }
    let mut letters = || {
        if ast.bracketed {
            report.push(
                Diagnostic::new(Code::WrongValue, format!("`{kind}` takes its letters as one text"))
                    .at(ast.span, "a list here")
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
        _ => Shape::Parameter { names, min: options.min },
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
            let takes = if allowed.is_empty() { "no options".to_owned() } else { allowed.join(", ") };
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
                        Diagnostic::new(Code::WrongValue, "`except` takes one character").at(text.span, "this"),
                    );
                }
            }
            ast::ShapeOption::Text(_, text) => {
                self.by = Some(text.value.chars().collect());
                if text.value.is_empty() {
                    report.push(Diagnostic::new(Code::WrongValue, "`by` takes a character or more").at(text.span, "this"));
                }
            }
        }
    }
}

/// What only the whole utility shows.
fn check(ast: &ast::Utility, utility: &Utility, report: &mut Report) {
    let defaults: Vec<_> = ast.parts.iter().filter_map(|p| match p {
        ast::UtilityPart::Verb { name, shapes: None } => Some(name.span),
        _ => None,
    }).collect();
    if let [first, second, ..] = defaults.as_slice() {
        report.push(
            Diagnostic::new(Code::TwoDefaults, format!("`{}` has two `default` verbs", utility.name))
                .at(*second, "a second one")
                .also(*first, "the first one"),
        );
    }
    for part in &ast.parts {
        let (name, shapes) = match part {
            ast::UtilityPart::Verb { name, shapes: Some(shapes) } | ast::UtilityPart::Switch { name, shapes } => (name, shapes),
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
                        .at(shape.kind.span, format!("in switch `{}`", name.text)),
                );
            }
            if shape.kind.text == "first" && matches!(part, ast::UtilityPart::Switch { .. }) {
                report.push(
                    Diagnostic::new(Code::VerbOnlyShape, "`first` is a shape of verbs")
                        .at(shape.kind.span, format!("in switch `{}`", name.text)),
                );
            }
        }
    }
    check_glued(ast, utility, report);
    let slash = utility.prefixes.iter().any(|p| p == "/");
    let bare = utility.image.iter().find(|i| !i.to_lowercase().ends_with(".exe"));
    if let (true, Some(bare)) = (slash, bare) {
        report.push(
            Diagnostic::new(Code::SlashOnUnix, format!("`/` is a prefix, and `{bare}` looks like a program of Linux or macOS"))
                .at(utility.span, "there a `/` begins a path")
                .help("declare the dialect of Linux and macOS as a utility of its own and join the two in a group"),
        );
    }
}

/// A glued letter swallows every other name that begins with it.
fn check_glued(ast: &ast::Utility, utility: &Utility, report: &mut Report) {
    let fold = |s: &str| if utility.cased { s.to_owned() } else { s.to_lowercase() };
    let mut all: Vec<(&ast::Ident, Shape, Span)> = vec![];
    for part in &ast.parts {
        let (name, shapes) = match part {
            ast::UtilityPart::Verb { name, shapes: Some(shapes) } | ast::UtilityPart::Switch { name, shapes } => (name, shapes),
            _ => continue,
        };
        for s in shapes {
            if let Some(resolved) = shape(s, &mut Report::default()) {
                all.push((name, resolved, s.span));
            }
        }
    }
    for (owner, glued, span) in &all {
        let Shape::Glued { names, digits, except } = glued else { continue };
        for (other, shape, other_span) in &all {
            let theirs = match shape {
                Shape::Alone(n) | Shape::Equals { names: n, .. } | Shape::Glued { names: n, .. } => n,
                _ => continue,
            };
            for (mine, their) in names.iter().flat_map(|m| theirs.iter().map(move |t| (m, t))) {
                let Some(rest) = fold(their).strip_prefix(&fold(mine)).map(str::to_owned) else { continue };
                let same = owner.text == other.text;
                let ruled_out = rest.is_empty() && (same || *digits)
                    || *digits && !rest.starts_with(|c: char| c.is_ascii_digit())
                    || except.is_some_and(|c| rest == c.to_string());
                if !ruled_out && !(same && span == other_span) && !same {
                    report.push(
                        Diagnostic::new(Code::GluedAmbiguous, format!("glued `{mine}` takes in `{their}` too"))
                            .at(*span, format!("`{}`: everything that begins with `{mine}`", owner.text))
                            .also(*other_span, format!("`{}` is one of these", other.text))
                            .help("rule it out with `digits` or `except`"),
                    );
                }
            }
        }
    }
}
