//! Command lines: the regular expressions that verbs, switches and arguments become.
//!
//! One definition, one regular expression, the same text on every target. `docs/command-lines.md` defines what an argument
//! is and lists the limits. These rules keep the engines in agreement: no `\w \d \b`, no capturing group, `$` only beside
//! an alternative that takes a line break, non-ASCII characters as they are, and no two unbounded repeats over the same
//! characters nested in each other. White space is each engine's own `\s`.

use super::paths::{Folder, Root};
use super::pattern::Glob;
use super::plain::needles;
use super::regex::{
    Cheap, Choice, Fragment, Regex, alternatives, escape, escape_class, one_of, one_of_texts, ungrouped,
};
use crate::vocabulary::{Shape, Utility, Verb};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// An even number of double quotes.
const SKIP: &str = r#"[^"]*(?:"[^"]*"[^"]*)*"#;
const OPEN: &str = r#"["']?"#;
const END: &str = r#"(?:[\s"']|$)"#;
const FOLDER_END: &str = r#"(?:[\\/\s"']|$)"#;
/// The rest of one argument, quoted stretches included.
const REST: &str = r#"[^\s"]*(?:"[^"]*"[^\s"]*)*"#;
/// The first token. It must begin with something, so that white space in front of it is not taken for its end.
const PROGRAM: &str = r#"^\s*(?:[^\s"]|"[^"]*")[^\s"]*(?:"[^"]*"[^\s"]*)*\s"#;

/// What stands for the image where a path with blanks is quoted.
const UNIX_IMAGE: &str = r#"(?:"[^"]*"|[^\s"]+)"#;
/// A long switch ends, or its value begins.
const LONG_END: &str = r#"(?:[=\s"']|$)"#;

/// Regular expressions made so far, by utility and pick.
#[derive(Debug, Default)]
pub struct Cache {
    made: Mutex<HashMap<(String, String), Vec<Regex>>>,
}

impl Cache {
    /// Makes them once.
    pub fn get(&self, utility: &str, pick: String, make: impl FnOnce() -> Vec<Regex>) -> Vec<Regex> {
        let key = (utility.to_owned(), pick);
        if let Some(made) = self.made.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return made.clone();
        }
        let made = make();
        self.made.lock().unwrap_or_else(PoisonError::into_inner).insert(key, made.clone());
        made
    }
}

/// A regular expression that is put together from named parts and text.
#[derive(Default)]
struct Pattern {
    text: String,
    fragments: Vec<(std::ops::Range<usize>, Fragment)>,
    choice: Option<Choice>,
}

impl Pattern {
    fn of(fragment: Fragment) -> Pattern {
        Pattern::default().part(fragment)
    }

    fn part(mut self, fragment: Fragment) -> Pattern {
        let text = match fragment {
            Fragment::Program => PROGRAM.to_owned(),
            Fragment::Argument => format!(r"^{SKIP}\s{OPEN}"),
            Fragment::Gap => format!(r"^{SKIP}\s"),
            Fragment::Verb => verb("-", UNIX_IMAGE),
            Fragment::End => END.to_owned(),
            Fragment::FolderEnd => FOLDER_END.to_owned(),
        };
        let start = self.text.len();
        self.text.push_str(&text);
        self.fragments.push((start..self.text.len(), fragment));
        self
    }

    fn then(mut self, text: &str) -> Pattern {
        self.text.push_str(text);
        self
    }

    /// One of some pieces. Other expressions of this form may add theirs.
    fn one_of(mut self, pieces: Vec<String>) -> Pattern {
        let start = self.text.len();
        self.text.push_str(&alternatives(&pieces));
        self.choice = Some(Choice { range: start..self.text.len(), pieces });
        self
    }

    fn regex(self, cased: bool, implied: Vec<Cheap>) -> Regex {
        let dot_all = self.fragments.first().is_some_and(|(_, f)| *f == Fragment::Program);
        Regex {
            pattern: self.text,
            cased,
            dot_all,
            fragments: self.fragments,
            choice: self.choice,
            loose: false,
            implied,
            plain: vec![],
        }
    }
}

/// A prefix before a name: literal characters, never a class with non-ASCII ones, since PCRE without UTF works on bytes.
fn dash(prefixes: &[String]) -> String {
    let plain: Vec<char> = prefixes.iter().filter_map(|p| p.chars().next()).filter(char::is_ascii).collect();
    let mut parts: Vec<String> = vec![];
    if !plain.is_empty() {
        parts.push(one_of(plain));
    }
    parts.extend(prefixes.iter().filter(|p| !p.is_ascii()).cloned());
    match parts.as_slice() {
        [one] => one.clone(),
        many => format!("(?:{})", many.join("|")),
    }
}

/// `NAME` shortened to `min` letters or more: `NA(?:M(?:E)?)?`.
fn shortened(name: &str, min: Option<usize>) -> String {
    let chars: Vec<char> = name.chars().collect();
    let min = min.unwrap_or(chars.len()).clamp(1, chars.len());
    let escaped = |c: &char| escape(&c.to_string());
    let mut out: String = chars.iter().take(min).map(escaped).collect();
    let rest = chars.get(min..).unwrap_or_default();
    let Some((last, inner)) = rest.split_last() else { return out };
    inner.iter().for_each(|c| out.extend(["(?:", &escaped(c)]));
    out.extend([&escaped(last), "?"]);
    inner.iter().for_each(|_| out.push_str(")?"));
    out
}

/// The characters of a bundle as the inside of a class: runs of three or more as ranges.
fn letters_class(utility: &Utility, without: &str) -> String {
    let is_without = |c: char| without.chars().any(|w| w == c || !utility.cased && w.eq_ignore_ascii_case(&c));
    let all: Vec<char> = utility.bundle_characters().into_iter().filter(|c| !is_without(*c)).collect();
    let mut out = String::new();
    let mut rest = all.as_slice();
    while let [first, tail @ ..] = rest {
        let mut length = 1;
        for (i, c) in tail.iter().enumerate() {
            let follows = u32::from(*c) == u32::from(*first) + u32::try_from(i).unwrap_or(0) + 1;
            if !(follows && first.is_ascii_alphanumeric() && c.is_ascii_alphanumeric()) {
                break;
            }
            length += 1;
        }
        let run: Vec<char> = rest.iter().take(length).copied().collect();
        match run.as_slice() {
            [a, .., z] if length > 2 => {
                out.push(*a);
                out.push('-');
                out.push(*z);
            }
            short => out.push_str(&escape_class(short.iter().copied())),
        }
        rest = rest.get(length..).unwrap_or(&[]);
    }
    out
}

/// A switch-like shape: what stands before its name, the rest of it, whether a name must end there, and what it implies.
struct Switch {
    dash: String,
    body: String,
    ends: bool,
    implied: Vec<Cheap>,
}

/// `None` for shapes that are no switch.
fn switch(shape: &Shape, utility: &Utility) -> Option<Switch> {
    let dash = dash(&utility.prefixes);
    let plain = |body: String, names: &[String]| Switch {
        dash: dash.clone(),
        body,
        ends: false,
        implied: prefixed(names, &utility.prefixes, &[""]),
    };
    Some(match shape {
        Shape::Alone(names) => {
            let implied = names.iter().map(|n| alone_implies(n, &utility.prefixes)).collect::<Option<Vec<_>>>();
            Switch { ends: true, implied: implied.unwrap_or_default().concat(), ..plain(one_of_texts(names), names) }
        }
        Shape::Glued { names, digits: true, .. } => plain(format!("{}\"?[0-9]", one_of_texts(names)), names),
        Shape::Glued { names, except: Some(c), .. } => {
            let inside = escape_class([*c]);
            let tail = format!(r#"(?:{}[^\s"']|[^{inside}]|$)"#, escape(&c.to_string()));
            plain(format!("{}{tail}", one_of_texts(names)), names)
        }
        Shape::Glued { names, .. } => plain(one_of_texts(names), names),
        Shape::Equals { names, by } => {
            let separators: Vec<String> = by.iter().map(|c| c.to_string()).collect();
            let separators: Vec<&str> = separators.iter().map(String::as_str).collect();
            let body = format!("{}{}", one_of_texts(names), one_of(by.iter().copied()));
            Switch { implied: prefixed(names, &utility.prefixes, &separators), ..plain(body, names) }
        }
        Shape::Bundled { letters, last, nonzero } => {
            let without = if *last { letters.as_str() } else { "" };
            let class = letters_class(utility, without);
            let tail = if *nonzero && !*last { format!(r"(?:=|\s+)?{OPEN}[1-9]") } else { String::new() };
            let run = if class.is_empty() { String::new() } else { format!("[{class}]*") };
            let body = format!("{run}{}{tail}", one_of(letters.chars()));
            Switch { dash: "-".to_owned(), body, ends: *last, implied: vec![] }
        }
        Shape::Long { names, min, nonzero } => {
            let names_: Vec<String> = names.iter().map(|n| shortened(n, *min)).collect();
            let tail = if *nonzero { format!(r"(?:=|\s+){OPEN}[1-9]") } else { LONG_END.to_owned() };
            let shortest = names.iter().map(|n| {
                let short: String = n.chars().take(min.unwrap_or(usize::MAX).max(1)).collect();
                Cheap::Part(format!("--{short}"))
            });
            let body = format!("{}{tail}", alternatives(&names_));
            Switch { dash: "--".to_owned(), body, ends: false, implied: shortest.collect() }
        }
        Shape::Leading(names) => {
            let implied = names.iter().map(|n| Cheap::Part(n.clone())).collect();
            Switch { dash: String::new(), body: format!(r#"{}[^\s"']"#, one_of_texts(names)), ends: false, implied }
        }
        // Not a switch: `shapes` has their expressions.
        Shape::First(_) | Shape::Word(_) | Shape::Parameter { .. } | Shape::Dashless(_) => return None,
    })
}

/// All switches as one expression behind where an argument begins. What several of them share stands once.
fn joined_switches(all: &[Switch]) -> (String, bool) {
    let mut dashes: Vec<&str> = vec![];
    for switch in all {
        if !dashes.contains(&switch.dash.as_str()) {
            dashes.push(&switch.dash);
        }
    }
    let ends = all.iter().all(|s| s.ends);
    let groups = dashes.iter().map(|dash| {
        let bodies = |ended: bool| {
            let here = all.iter().filter(|s| s.dash == *dash && s.ends == ended);
            let (mut names, mut bodies) = (vec![], vec![]);
            for switch in here {
                match switch.body.strip_suffix(LONG_END) {
                    Some(name) => names.push(name.to_owned()),
                    None => bodies.push(switch.body.clone()),
                }
            }
            bodies.extend((!names.is_empty()).then(|| format!("{}{LONG_END}", alternatives(&names))));
            bodies
        };
        let mut some = bodies(false);
        match bodies(true) {
            ended if ended.is_empty() => {}
            ended if ends => some.extend(ended),
            ended => some.push(format!("{}{END}", alternatives(&ended))),
        }
        format!("{dash}{}", alternatives(&some))
    });
    (alternatives(&groups.collect::<Vec<_>>()), ends)
}

/// A name of three letters or digits and more is a term of its own behind a prefix; of `mhe=on` that is `mhe`.
fn alone_implies(name: &str, prefixes: &[String]) -> Option<Vec<Cheap>> {
    let term: String = name.chars().take_while(char::is_ascii_alphanumeric).collect();
    if term.len() >= 3 {
        return Some(vec![Cheap::Term(term)]);
    }
    Some(prefixed(&[name.to_owned()], prefixes, &[""]))
}

/// `-p`, or `/p`: every prefix with every name.
fn prefixed(names: &[String], prefixes: &[String], suffixes: &[&str]) -> Vec<Cheap> {
    let mut out = vec![];
    for name in names {
        for prefix in prefixes {
            for suffix in suffixes {
                out.push(Cheap::Part(format!("{prefix}{name}{suffix}")));
            }
        }
    }
    out
}

/// More cheap tests than this spare nothing.
const MOST_IMPLIED: usize = 200;

/// Joins what alternatives imply: known only if it is known of each. A text that holds another one is implied by it.
fn joined(all: Vec<Vec<Cheap>>) -> Vec<Cheap> {
    if all.len() > MOST_IMPLIED || all.iter().any(Vec::is_empty) {
        return vec![];
    }
    let flat: Vec<(String, Cheap)> = all.into_iter().flatten().map(|c| (c.text().to_lowercase(), c)).collect();
    let mut out: Vec<(String, Cheap)> = vec![];
    for (text, cheap) in &flat {
        let covered = flat.iter().any(|(theirs, other)| {
            let shorter = theirs.len() < text.len() || theirs == text && matches!(cheap, Cheap::Term(_));
            matches!(other, Cheap::Part(_)) && shorter && text.contains(theirs.as_str())
        });
        let same = |c: &Cheap| std::mem::discriminant(c) == std::mem::discriminant(cheap);
        if !covered && !out.iter().any(|(t, c)| t == text && same(c)) {
            out.push((text.clone(), cheap.clone()));
        }
    }
    out.into_iter().map(|(_, cheap)| cheap).collect()
}

/// The program, then switches, then the beginning of the first argument that is none.
fn verb(dash: &str, image: &str) -> String {
    let switches = format!(r#"(?:\s+(?:'?{dash}|"{dash}[^"]*"){REST})*"#);
    format!(r"^\s*{image}{switches}\s+{OPEN}")
}

/// Neighbouring plain bundles share a class.
fn merge_bundles(shapes: &[Shape]) -> Vec<Shape> {
    let mut out: Vec<Shape> = vec![];
    for shape in shapes {
        if let Shape::Bundled { letters, last: false, nonzero: false } = shape {
            let twin = out.iter_mut().find_map(|s| match s {
                Shape::Bundled { letters, last: false, nonzero: false } => Some(letters),
                _ => None,
            });
            if let Some(twin) = twin {
                twin.push_str(letters);
                continue;
            }
        }
        out.push(shape.clone());
    }
    out
}

/// What stands for the image at the beginning of a command line. Windows also starts an unquoted path with blanks in it.
fn image_token(utility: &Utility, windows: bool) -> String {
    let mut names: Vec<String> = vec![];
    for image in &utility.image {
        let lower = image.to_lowercase();
        let name = if lower.ends_with(".exe") { image.get(..image.len() - 4).unwrap_or(image) } else { image };
        if !names.iter().any(|n| n.eq_ignore_ascii_case(name)) {
            names.push(name.to_owned());
        }
    }
    if names.is_empty() || !windows {
        return UNIX_IMAGE.to_owned();
    }
    let names = one_of_texts(&names);
    let names = if utility.cased { format!("(?i:{})", ungrouped(&names)) } else { names };
    format!(r#"(?:"[^"]*"|[^\s"]+|[A-Za-z]:\\[^"*/:<>?|]*\\{names}(?:\.exe)?)"#)
}

fn word(words: &[String]) -> (String, Vec<Cheap>) {
    let mut plain = vec![];
    let mut parts = vec![];
    let mut implied = vec![];
    let mut members = vec![];
    for word in words {
        match word.strip_prefix('[') {
            Some(member) => {
                members.push(escape(member));
                implied.push(Cheap::Term(member.to_owned()));
            }
            None => {
                plain.push(escape(word));
                implied.push(Cheap::Term(word.clone()));
            }
        }
    }
    if !members.is_empty() {
        parts.push(format!(r"[\[.]{}[ (]", alternatives(&members)));
    }
    if !plain.is_empty() {
        let names = alternatives(&plain);
        parts.insert(0, format!(r#"(?:^|[\s"'&(),;={{|\\]){names}(?:[\s"'&(),;|}}]|$)"#));
    }
    // A term whose edge is a sign needs no boundary there; one that begins or ends with a letter has one beside it.
    (if parts.len() == 1 { parts.concat() } else { format!("(?:{})", parts.join("|")) }, implied)
}

/// How shapes are asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Manner {
    /// `first` verbs may be any argument: the program is not known.
    pub free: bool,
    /// The command lines are (also) those of Windows.
    pub windows: bool,
}

/// The alternatives of some shapes: any of the expressions must be found.
#[must_use]
pub fn shapes(all: &[Shape], utility: &Utility, manner: Manner) -> Vec<Regex> {
    let all = merge_bundles(all);
    let cased = utility.cased;
    let mut out = vec![];
    let firsts: Vec<String> =
        all.iter().filter_map(|s| if let Shape::First(n) = s { Some(n.clone()) } else { None }).flatten().collect();
    if !firsts.is_empty() {
        let verbs = one_of_texts(&firsts);
        let before = if manner.free {
            Pattern::of(Fragment::Argument)
        } else {
            match (dash(&utility.prefixes).as_str(), image_token(utility, manner.windows).as_str()) {
                ("-", UNIX_IMAGE) => Pattern::of(Fragment::Verb),
                (dash, image) => Pattern::default().then(&verb(dash, image)),
            }
        };
        let plain = plainly(&all, utility, |s| matches!(s, Shape::First(_)));
        out.push(Regex { plain, ..before.then(&verbs).part(Fragment::End).regex(cased, vec![]) });
    }
    let words: Vec<String> =
        all.iter().filter_map(|s| if let Shape::Word(n) = s { Some(n.clone()) } else { None }).flatten().collect();
    if !words.is_empty() {
        let (pattern, implied) = word(&words);
        let plain = plainly(&all, utility, |s| matches!(s, Shape::Word(_)));
        out.push(Regex { plain, ..Pattern::default().then(&pattern).regex(cased, implied) });
    }
    let parameters: Vec<String> = all
        .iter()
        .filter_map(|s| {
            if let Shape::Parameter { names, min } = s {
                Some(names.iter().map(|n| shortened(n, *min)).collect::<Vec<_>>())
            } else {
                None
            }
        })
        .flatten()
        .collect();
    if !parameters.is_empty() {
        let dash = dash(&utility.prefixes);
        let pattern = format!(r#"\s{dash}{}(?:[:\s"')}}|;]|$)"#, alternatives(&parameters));
        let plain = plainly(&all, utility, |s| matches!(s, Shape::Parameter { .. }));
        out.push(Regex { plain, ..Pattern::default().then(&pattern).regex(cased, vec![]) });
    }
    let others = |s: &Shape| !matches!(s, Shape::First(_) | Shape::Word(_) | Shape::Parameter { .. });
    let plain = plainly(&all, utility, others);
    out.extend(switches(&all, utility, manner).map(|regex| Regex { plain, ..regex }));
    out
}

/// What a person would look for in place of some of these shapes.
fn plainly(all: &[Shape], utility: &Utility, which: impl Fn(&Shape) -> bool) -> Vec<String> {
    needles(&all.iter().filter(|s| which(s)).collect::<Vec<_>>(), utility)
}

/// `dashless` and all switch-like shapes in one expression.
fn switches(all: &[Shape], utility: &Utility, manner: Manner) -> Option<Regex> {
    let dashless: String =
        all.iter().filter_map(|s| if let Shape::Dashless(l) = s { Some(l.as_str()) } else { None }).collect();
    let switches: Vec<Switch> = all.iter().filter_map(|s| switch(s, utility)).collect();
    let (found, ends) = joined_switches(&switches);
    let implied = joined(switches.iter().map(|s| s.implied.clone()).collect());
    if dashless.is_empty() {
        let pattern = (!switches.is_empty()).then(|| Pattern::of(Fragment::Argument).then(&found))?;
        let pattern = if ends { pattern.part(Fragment::End) } else { pattern };
        return Some(pattern.regex(utility.cased, implied));
    }
    let run = format!("[A-Za-z0-9]*{}[A-Za-z0-9]*{END}", one_of(dashless.chars()));
    let first = format!(r"\s*{}\s+{OPEN}{run}", image_token(utility, manner.windows));
    let end = if ends { END } else { "" };
    let pattern = match switches.is_empty() {
        false => format!(r"^(?:{first}|{SKIP}\s{OPEN}{found}{end})"),
        true => format!("^{first}"),
    };
    Some(Pattern::default().then(&pattern).regex(utility.cased, vec![]))
}

/// All shapes of all verbs but this one: where none of them occurs, a `default` verb holds.
#[must_use]
pub fn other_verbs(utility: &Utility, verb: &str, manner: Manner) -> Vec<Regex> {
    let others: Vec<Shape> = utility
        .verbs
        .iter()
        .filter(|(name, _)| name.as_str() != verb)
        .filter_map(|(_, v)| match v {
            Verb::Shapes(s) => Some(s.clone()),
            Verb::Default => None,
        })
        .flatten()
        .collect();
    if others.is_empty() { vec![] } else { shapes(&others, utility, manner) }
}

// ---- arguments ----

fn has_white_space(text: &str) -> bool {
    text.contains(char::is_whitespace)
}

/// Literals with white space are found within quotes only.
fn halves<T>(all: &[T], spaced: impl Fn(&T) -> bool) -> (Vec<&T>, Vec<&T>) {
    (all.iter().collect(), all.iter().filter(|t| !spaced(t)).collect())
}

fn each<T: AsRef<str>>(texts: &[T], f: impl Fn(&str) -> String) -> String {
    alternatives(&texts.iter().map(|t| f(t.as_ref())).collect::<Vec<_>>())
}

fn parts(texts: &[String]) -> Vec<Cheap> {
    let all: Vec<Vec<Cheap>> = texts.iter().map(|t| vec![Cheap::Part(t.clone())]).collect();
    joined(all)
}

/// Some argument is one of `values`.
#[must_use]
pub fn argument_is(values: &[String], cased: bool) -> Regex {
    let (quoted, bare) = halves(values, |v| has_white_space(v));
    let mut pattern = format!(r#""{}"(?:\s|$)"#, each(&quoted, escape));
    if !bare.is_empty() {
        pattern = format!(r"(?:{pattern}|'?{}(?:[\s']|$))", each(&bare, escape));
    }
    Pattern::of(Fragment::Gap).then(&pattern).regex(cased, parts(values))
}

/// Some argument has one of these forms.
#[must_use]
pub fn argument_like(globs: &[Glob], cased: bool) -> Regex {
    let (quoted, bare) = halves(globs, |g| g.any_literal(char::is_whitespace));
    let inner: Vec<String> = quoted.iter().map(|g| g.to_regex("[^\"]*", "[^\"]")).collect();
    let mut pattern = format!(r#""{}"(?:\s|$)"#, alternatives(&inner));
    if !bare.is_empty() {
        let inner: Vec<String> = bare.iter().map(|g| g.to_regex(r#"[^\s"]*"#, r#"[^\s"]"#)).collect();
        pattern = format!(r"(?:{pattern}|'?{}(?:[\s']|$))", alternatives(&inner));
    }
    let implied = globs.iter().map(|g| vec![Cheap::Part(g.longest().to_owned())]).collect();
    let known = globs.iter().all(|g| g.longest().len() > 1);
    Pattern::of(Fragment::Gap).then(&pattern).regex(cased, if known { joined(implied) } else { vec![] })
}

/// Some argument starts with one of `values`.
#[must_use]
pub fn argument_starts(values: &[String], cased: bool) -> Regex {
    let (spaced, bare): (Vec<&String>, Vec<&String>) = values.iter().partition(|v| has_white_space(v));
    if spaced.is_empty() {
        return Pattern::of(Fragment::Argument).one_of(vec![one_of_texts(&bare)]).regex(cased, parts(values));
    }
    let mut all = vec![];
    if !bare.is_empty() {
        all.push(format!("{OPEN}{}", each(&bare, escape)));
    }
    all.push(format!("\"{}", each(&spaced, escape)));
    Pattern::of(Fragment::Gap).then(&alternatives(&all)).regex(cased, parts(values))
}

/// The text behind the program holds one of `values`, and a name ends there.
#[must_use]
pub fn argument_ends(values: &[String], cased: bool) -> Regex {
    let pattern = Pattern::of(Fragment::Program).then(".*").one_of(vec![one_of_texts(values)]);
    pattern.part(Fragment::End).regex(cased, parts(values))
}

/// The text behind the program holds one of `values`.
#[must_use]
pub fn argument_contains(values: &[String], cased: bool) -> Regex {
    Pattern::of(Fragment::Program).then(".*").one_of(vec![one_of_texts(values)]).regex(cased, parts(values))
}

/// The text behind the program names one of these folders, or something below it.
#[must_use]
pub fn argument_under(folders: &[Folder], cased: bool) -> Vec<Regex> {
    let before = |root: &Root| match root {
        Root::AnyDrive | Root::Drive(_) => ".*",
        // Behind a drive, two separators are one that is written twice.
        Root::Share => r"(?:.*[^:\\/])?",
        // What stands before a path's first separator: nothing, a delimiter, or a switch of one letter.
        Root::Top(_) => r#"(?:.*[\s"'=:,@(]|(?:.*\s)?-[A-Za-z])?"#,
        Root::Anywhere => r#"(?:.*[\\/\s"'=:])?"#,
    };
    // A whole drive ends with its separator, a folder where its name does.
    let (drives, named): (Vec<&Folder>, Vec<&Folder>) = folders.iter().partition(|f| f.is_drive());
    let regex = |all: Vec<&Folder>, end: bool| {
        let mut roots: Vec<(&Root, Vec<&Folder>)> = vec![];
        for folder in all.iter().copied() {
            match roots.iter_mut().find(|(root, _)| *root == folder.root()) {
                Some((_, below)) => below.push(folder),
                None => roots.push((folder.root(), vec![folder])),
            }
        }
        let pattern = Pattern::of(Fragment::Program);
        let pattern = match roots.as_slice() {
            [(root, below)] => pattern.then(before(root)).then(&root.pattern()).one_of(Folder::any_below(below)),
            many => {
                let each = many.iter().map(|(root, below)| {
                    format!("{}{}{}", before(root), root.pattern(), alternatives(&Folder::any_below(below)))
                });
                pattern.one_of(each.collect())
            }
        };
        let pattern = if end { pattern.part(Fragment::FolderEnd) } else { pattern };
        pattern.regex(cased, folder_terms(&all))
    };
    let each = [(named, true), (drives, false)].into_iter().filter(|(all, _)| !all.is_empty());
    each.map(|(all, end)| regex(all, end)).collect()
}

fn folder_terms(folders: &[&Folder]) -> Vec<Cheap> {
    joined(folders.iter().map(|f| f.term().map(|t| vec![t]).unwrap_or_default()).collect())
}

/// There is an argument.
#[must_use]
pub fn argument_exists() -> Regex {
    Pattern::of(Fragment::Gap).then(r"\s*[^\s]").regex(false, vec![])
}

/// Some argument names a share: `\\server\share`. `\\?\` and `\\.\` are devices.
#[must_use]
pub fn is_unc() -> Regex {
    let share = r#"[\\/]{2}[^\\/?.\s"'][^\\/\s"']*[\\/][^\\/\s"']"#;
    Pattern::of(Fragment::Argument).then(share).regex(false, vec![])
}

/// Some argument names an alternate data stream: `file:stream`.
#[must_use]
pub fn is_stream() -> Regex {
    let quoted = r#""(?:[A-Za-z]:)?[^"*:<>?|\-/][^"*:<>?|]+:[^"*/:<>?\\|\s]"#;
    let bare = r#"(?:[A-Za-z]:)?[^\s"'*:<>?|\-/][^\s"'*:<>?|]+:[^\s"'*/:<>?\\|]"#;
    Pattern::of(Fragment::Gap).then(&format!("(?:{quoted}|{bare})")).regex(false, vec![])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_be_shortened_to_its_first_letters() {
        for (name, min, expected) in [
            ("name", Some(2), "na(?:m(?:e)?)?".replace("(?:e)?", "e?")),
            ("name", Some(1), "n(?:a(?:me?)?)?".to_owned()),
            ("name", Some(3), "name?".to_owned()),
            ("name", Some(4), "name".to_owned()),
            ("name", Some(9), "name".to_owned()),
            ("name", None, "name".to_owned()),
            ("a.b+", Some(1), r"a(?:\.(?:b\+?)?)?".to_owned()),
            ("é", Some(0), "é".to_owned()),
        ] {
            assert_eq!(shortened(name, min), expected, "{name} {min:?}");
        }
    }

    #[test]
    fn shortening_a_long_name_takes_time_in_step_with_its_length() {
        // Nested 100,000 deep: asking a parser at each level would take hours.
        let long = "x".repeat(100_000);
        assert_eq!(shortened(&long, Some(1)).len(), 1 + 4 * 99_998 + 2 + 2 * 99_998);
    }
}
