//! Command lines: the regular expressions that verbs, switches and arguments become.
//!
//! One definition, one regular expression, the same text on every target. What an argument is, and the limits of all
//! this, is told in `docs/command-lines.md`. The rules that keep the engines in agreement: no `\s \w \d \b .`, no
//! capturing group, `$` only beside an alternative that takes a line break, non-ASCII characters as they are, and no
//! two unbounded repeats over the same characters nested in each other.

use super::pattern::Glob;
use super::regex::{Cheap, Regex, alternatives, escape, escape_class};
use crate::mutant::{Mutant, on};
use crate::sema::{Shape, Utility, Verb};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// White space inside a class.
const S: &str = r" \t\r\n";
/// An even number of double quotes.
const SKIP: &str = r#"[^"]*(?:"[^"]*"[^"]*)*"#;
const OPEN: &str = r#"["']?"#;
const END: &str = r#"(?:[ \t\r\n"']|$)"#;
/// The rest of one argument, quoted stretches included.
const REST: &str = r#"[^ \t\r\n"]*(?:"[^"]*"[^ \t\r\n"]*)*"#;
const W: &str = r"[ \t\r\n]";

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

fn regex(pattern: String, cased: bool, implied: Vec<Cheap>) -> Regex {
    let mistakes = [
        (Mutant::LineQuotesOpen, SKIP, "(?s:.*)"),
        (Mutant::LineQuoteBefore, OPEN, ""),
        (Mutant::LineNameGoesOn, END, ""),
    ];
    let pattern = mistakes.into_iter().filter(|(m, ..)| on(*m)).fold(pattern, |p, (_, from, to)| p.replace(from, to));
    Regex { pattern, cased: cased && !on(Mutant::LineCaseIgnored), loose: false, implied }
}

/// A prefix before a name: literal characters, never a class with non-ASCII ones, since PCRE without UTF works on bytes.
fn dash(prefixes: &[String]) -> String {
    let prefixes = prefixes.get(..1).filter(|_| on(Mutant::LineFirstPrefix)).unwrap_or(prefixes);
    let plain: Vec<char> = prefixes.iter().filter_map(|p| p.chars().next()).filter(char::is_ascii).collect();
    let mut parts: Vec<String> = vec![];
    match plain.as_slice() {
        [] => {}
        [one] => parts.push(escape(&one.to_string())),
        many => parts.push(format!("[{}]", escape_class(many.iter().copied()))),
    }
    parts.extend(prefixes.iter().filter(|p| !p.is_ascii()).cloned());
    match parts.as_slice() {
        [one] => one.clone(),
        many => format!("(?:{})", many.join("|")),
    }
}

fn escaped(names: &[String]) -> String {
    alternatives(&names.iter().map(|n| escape(n)).collect::<Vec<_>>())
}

/// `NAME` shortened to `min` letters or more: `NA(?:M(?:E)?)?`.
fn shortened(name: &str, min: Option<usize>) -> String {
    let chars: Vec<char> = name.chars().collect();
    let min = min.map_or(chars.len(), |m| if on(Mutant::LineShortened) { 1 } else { m }).clamp(1, chars.len());
    let mut out: String = chars.iter().take(min).map(|c| escape(&c.to_string())).collect();
    for c in chars.iter().skip(min) {
        out.push_str("(?:");
        out.push_str(&escape(&c.to_string()));
    }
    out.push_str(&")?".repeat(chars.len() - min));
    out
}

/// The characters of a bundle as the inside of a class: runs of three or more as ranges.
fn letters_class(utility: &Utility, without: &str) -> String {
    let is_without = |c: char| without.chars().any(|w| w == c || !utility.cased && w.eq_ignore_ascii_case(&c));
    let known = utility.bundle_characters();
    let taken = utility.values.iter().flat_map(|v| v.chars()).filter(|_| on(Mutant::LineValueInBundle));
    let all: Vec<char> = known.into_iter().chain(taken).filter(|c| !is_without(*c)).collect();
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

fn one_of(letters: &str) -> String {
    if letters.chars().count() == 1 {
        return escape(letters);
    }
    format!("[{}]", escape_class(letters.chars()))
}

/// A switch-like shape behind the opening quote, and what it implies. `None` for shapes that are no switch.
fn switch(shape: &Shape, utility: &Utility) -> Option<(String, Vec<Cheap>)> {
    let dash = dash(&utility.prefixes);
    Some(match shape {
        Shape::Alone(names) => {
            let implied = names.iter().map(|n| alone_implies(n, &utility.prefixes)).collect::<Option<Vec<_>>>();
            (format!("{dash}{}{END}", escaped(names)), implied.unwrap_or_default().concat())
        }
        Shape::Glued { names, digits: true, .. } if !on(Mutant::LineDigitsLost) => {
            (format!("{dash}{}\"?[0-9]", escaped(names)), prefixed(names, &utility.prefixes, &[""]))
        }
        Shape::Glued { names, except: Some(c), .. } if !on(Mutant::LineExceptLost) => {
            let c = escape_class([*c]);
            let outside = escape(&c.replace('\\', ""));
            let tail = format!(r#"(?:{outside}[^{S}"']|[^{c}]|$)"#);
            (format!("{dash}{}{tail}", escaped(names)), prefixed(names, &utility.prefixes, &[""]))
        }
        Shape::Glued { names, .. } => (format!("{dash}{}", escaped(names)), prefixed(names, &utility.prefixes, &[""])),
        Shape::Equals { names, by } => {
            let by: String = by.iter().collect();
            let separators: Vec<String> = by.chars().map(String::from).collect();
            let separators: Vec<&str> = separators.iter().map(String::as_str).collect();
            (format!("{dash}{}{}", escaped(names), one_of(&by)), prefixed(names, &utility.prefixes, &separators))
        }
        Shape::Bundled { letters, last, nonzero } => {
            let without = if *last { letters.as_str() } else { "" };
            let class = letters_class(utility, without);
            let tail = match (last, nonzero) {
                (true, _) => END.to_owned(),
                (_, true) => format!("(?:=|{W}+)?{OPEN}[1-9]"),
                _ => String::new(),
            };
            let run = if class.is_empty() { String::new() } else { format!("[{class}]*") };
            (format!("-{run}{}{tail}", one_of(letters)), vec![])
        }
        Shape::Long { names, min, nonzero } => {
            let names_: Vec<String> = names.iter().map(|n| shortened(n, *min)).collect();
            let tail = if *nonzero { format!("(?:=|{W}+){OPEN}[1-9]") } else { r#"(?:[= \t\r\n"']|$)"#.to_owned() };
            let shortest = names.iter().map(|n| {
                let short: String = n.chars().take(min.unwrap_or(usize::MAX).max(1)).collect();
                Cheap::Part(format!("--{short}"))
            });
            (format!("--{}{tail}", alternatives(&names_)), shortest.collect())
        }
        Shape::Leading(names) => {
            (format!(r#"{}[^{S}"']"#, escaped(names)), names.iter().map(|n| Cheap::Part(n.clone())).collect())
        }
        _ => return None,
    })
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
    if all.len() > MOST_IMPLIED || all.iter().any(Vec::is_empty) && !on(Mutant::LineImpliedOfSome) {
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

/// What stands for the image at the beginning of a command line.
fn image_token(utility: &Utility) -> String {
    let mut names: Vec<String> = vec![];
    for image in &utility.image {
        let lower = image.to_lowercase();
        let name = if lower.ends_with(".exe") { image.get(..image.len() - 4).unwrap_or(image) } else { image };
        if !names.iter().any(|n| n.eq_ignore_ascii_case(name)) {
            names.push(name.to_owned());
        }
    }
    if names.is_empty() {
        return format!(r#"(?:"[^"]*"|[^{S}"]+)"#);
    }
    let names: Vec<String> = names.iter().map(|n| escape(n)).collect();
    format!(r#"(?:"[^"]*"|[^{S}"]+|[A-Za-z]:\\[^"*/:<>?|]*\\(?i:{})(?:\.exe)?)"#, names.join("|"))
}

fn word(words: &[String]) -> (String, Vec<Cheap>) {
    let mut plain = vec![];
    let mut parts = vec![];
    let mut implied = vec![];
    for word in words {
        match word.strip_prefix('[') {
            Some(member) => {
                parts.push(format!(r"[\[.]{}[ (]", escape(member)));
                implied.push(Cheap::Term(member.to_owned()));
            }
            None => {
                plain.push(escape(word));
                implied.push(Cheap::Term(word.clone()));
            }
        }
    }
    if !plain.is_empty() {
        let names = alternatives(&plain);
        parts.insert(0, format!(r#"(?:^|[{S}"'&(),;={{|\\]){names}(?:[{S}"'&(),;|}}]|$)"#));
    }
    // A term whose edge is a sign needs no boundary there; one that begins or ends with a letter has one beside it.
    (if parts.len() == 1 { parts.concat() } else { format!("(?:{})", parts.join("|")) }, implied)
}

/// The alternatives of some shapes: any of the expressions must be found. `free` looks for `first` verbs anywhere.
#[must_use]
pub fn shapes(all: &[Shape], utility: &Utility, free: bool) -> Vec<Regex> {
    let all = merge_bundles(all);
    let cased = utility.cased;
    let mut out = vec![];
    let firsts: Vec<String> =
        all.iter().filter_map(|s| if let Shape::First(n) = s { Some(n.clone()) } else { None }).flatten().collect();
    if !firsts.is_empty() {
        let verbs = escaped(&firsts);
        let pattern = if free {
            format!("^{SKIP}{W}{OPEN}{verbs}{END}")
        } else {
            let dash = dash(&utility.prefixes);
            format!(r#"^{W}*{}(?:{W}+(?:'?{dash}|"{dash}[^"]*"){REST})*{W}+{OPEN}{verbs}{END}"#, image_token(utility))
        };
        out.push(regex(pattern, cased, vec![]));
    }
    let words: Vec<String> =
        all.iter().filter_map(|s| if let Shape::Word(n) = s { Some(n.clone()) } else { None }).flatten().collect();
    if !words.is_empty() {
        let (pattern, implied) = word(&words);
        out.push(regex(pattern, cased, implied));
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
        let pattern = format!(r#"{W}{dash}{}(?:[:{S}"')}}|;]|$)"#, alternatives(&parameters));
        out.push(regex(pattern, cased, vec![]));
    }
    out.extend(switches(&all, utility));
    out
}

/// `dashless` and all switch-like shapes in one expression.
fn switches(all: &[Shape], utility: &Utility) -> Option<Regex> {
    let dashless: String =
        all.iter().filter_map(|s| if let Shape::Dashless(l) = s { Some(l.as_str()) } else { None }).collect();
    let (alternatives_, implied): (Vec<String>, Vec<Vec<Cheap>>) =
        all.iter().filter_map(|s| switch(s, utility)).unzip();
    let found = (!alternatives_.is_empty()).then(|| format!("{SKIP}{W}{OPEN}{}", alternatives(&alternatives_)));
    if dashless.is_empty() {
        return Some(regex(format!("^{}", found?), utility.cased, joined(implied)));
    }
    let run = format!("[A-Za-z0-9]*{}[A-Za-z0-9]*{END}", one_of(&dashless));
    let first = format!("{W}*{}{W}+{OPEN}{run}", image_token(utility));
    let pattern = match found {
        Some(found) => format!("^(?:{first}|{found})"),
        None => format!("^{first}"),
    };
    Some(regex(pattern, utility.cased, vec![]))
}

/// All shapes of all verbs but this one: where none of them occurs, a `default` verb holds.
#[must_use]
pub fn other_verbs(utility: &Utility, verb: &str) -> Vec<Regex> {
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
    if others.is_empty() { vec![] } else { shapes(&others, utility, false) }
}

// ---- arguments ----

fn has_white_space(text: &str) -> bool {
    text.contains([' ', '\t', '\r', '\n'])
}

/// Literals with white space are found within quotes only.
fn halves<T>(all: &[T], spaced: impl Fn(&T) -> bool) -> (Vec<&T>, Vec<&T>) {
    (all.iter().collect(), all.iter().filter(|t| !spaced(t)).collect())
}

fn each(texts: &[&String], f: impl Fn(&str) -> String) -> String {
    alternatives(&texts.iter().map(|t| f(t)).collect::<Vec<_>>())
}

fn parts(texts: &[String]) -> Vec<Cheap> {
    let all: Vec<Vec<Cheap>> = texts.iter().map(|t| vec![Cheap::Part(t.clone())]).collect();
    joined(all)
}

/// Some argument is one of `values`.
#[must_use]
pub fn argument_is(values: &[String], cased: bool) -> Regex {
    let (quoted, bare) = halves(values, |v| has_white_space(v));
    let mut pattern = format!(r#""{}"(?:{W}|$)"#, each(&quoted, escape));
    if !bare.is_empty() {
        pattern = format!(r"(?:{pattern}|'?{}(?:[{S}']|$))", each(&bare, escape));
    }
    regex(format!("^{SKIP}{W}{pattern}"), cased, parts(values))
}

/// Some argument has one of these forms.
#[must_use]
pub fn argument_like(globs: &[Glob], cased: bool) -> Regex {
    let (quoted, bare) = halves(globs, |g| g.any_literal(|c| has_white_space(&c.to_string())));
    let inner: Vec<String> = quoted.iter().map(|g| g.to_regex("[^\"]*", "[^\"]")).collect();
    let mut pattern = format!(r#""{}"(?:{W}|$)"#, alternatives(&inner));
    if !bare.is_empty() {
        let inner: Vec<String> = bare.iter().map(|g| g.to_regex(&format!("[^{S}\"]*"), &format!("[^{S}\"]"))).collect();
        pattern = format!(r"(?:{pattern}|'?{}(?:[{S}']|$))", alternatives(&inner));
    }
    let implied = globs.iter().map(|g| vec![Cheap::Part(g.longest().to_owned())]).collect();
    let known = globs.iter().all(|g| g.longest().len() > 1);
    regex(format!("^{SKIP}{W}{pattern}"), cased, if known { joined(implied) } else { vec![] })
}

/// Some argument starts with one of `values`.
#[must_use]
pub fn argument_starts(values: &[String], cased: bool) -> Regex {
    let (spaced, bare): (Vec<&String>, Vec<&String>) = values.iter().partition(|v| has_white_space(v));
    let mut alternatives_ = vec![];
    if !bare.is_empty() {
        alternatives_.push(format!("{OPEN}{}", each(&bare, escape)));
    }
    if !spaced.is_empty() {
        alternatives_.push(format!("\"{}", each(&spaced, escape)));
    }
    regex(format!("^{SKIP}{W}{}", alternatives(&alternatives_)), cased, parts(values))
}

/// Some argument ends with one of `values`.
#[must_use]
pub fn argument_ends(values: &[String], cased: bool) -> Regex {
    let (quoted, bare) = halves(values, |v| has_white_space(v));
    let mut pattern = format!(r#""[^"]*{}""#, each(&quoted, escape));
    if !bare.is_empty() {
        pattern = format!("(?:{pattern}|{}'?)", each(&bare, escape));
    }
    regex(format!("^{SKIP}{W}{REST}{pattern}(?:{W}|$)"), cased, parts(values))
}

/// Some argument contains one of `values`, none of which holds white space.
#[must_use]
pub fn argument_contains(values: &[String], cased: bool) -> Regex {
    let all: Vec<&String> = values.iter().collect();
    regex(format!(r#"^{REST}{W}[^"]*(?:"[^"]*)*{}"#, each(&all, escape)), cased, parts(values))
}

/// Some argument lies in one of these folders.
#[must_use]
pub fn argument_under(folders: &[super::paths::Folder], cased: bool) -> Vec<Regex> {
    let (rooted, free): (Vec<_>, Vec<_>) = folders.iter().partition(|f| f.rooted);
    let mut out = vec![];
    if !rooted.is_empty() {
        let (quoted, bare) = halves(&rooted, |f| f.has_white_space());
        let mut pattern = format!(r#""{}(?:[\\/"\n]|$)"#, folder_patterns(&quoted));
        if !bare.is_empty() {
            pattern = format!(r#"(?:{pattern}|'?{}(?:[\\/{S}"']|$))"#, folder_patterns(&bare));
        }
        out.push(regex(format!("^{SKIP}{W}{pattern}"), cased, folder_terms(&rooted)));
    }
    if !free.is_empty() {
        let (quoted, bare) = halves(&free, |f| f.has_white_space());
        let mut pattern = format!(r#"{REST}"(?:[^"]*[\\/])?{}(?:[\\/"\n]|$)"#, folder_patterns(&quoted));
        if !bare.is_empty() {
            pattern = format!(r#"(?:{pattern}|'?(?:{REST}[\\/])?{}(?:[\\/{S}"']|$))"#, folder_patterns(&bare));
        }
        out.push(regex(format!("^{SKIP}{W}{pattern}"), cased, folder_terms(&free)));
    }
    out
}

fn folder_patterns(folders: &[&&super::paths::Folder]) -> String {
    alternatives(&folders.iter().map(|f| f.pattern.clone()).collect::<Vec<_>>())
}

fn folder_terms(folders: &[&super::paths::Folder]) -> Vec<Cheap> {
    joined(folders.iter().map(|f| f.term.clone().map(|t| vec![t]).unwrap_or_default()).collect())
}

/// Some argument names a share: `\\server\share`. `\\?\` and `\\.\` are devices.
#[must_use]
pub fn is_unc() -> Regex {
    regex(format!(r#"^{SKIP}{W}{OPEN}[\\/]{{2}}[^\\/?.{S}"'][^\\/{S}"']*[\\/][^\\/{S}"']"#), true, vec![])
}

/// Some argument names an alternate data stream: `file:stream`.
#[must_use]
pub fn is_stream() -> Regex {
    let quoted = format!(r#""(?:[A-Za-z]:)?[^"*:<>?|\-/][^"*:<>?|]+:[^"*/:<>?\\|{S}]"#);
    let bare = format!(r#"(?:[A-Za-z]:)?[^{S}"'*:<>?|\-/][^{S}"'*:<>?|]+:[^{S}"'*/:<>?\\|]"#);
    regex(format!("^{SKIP}{W}(?:{quoted}|{bare})"), true, vec![])
}

/// An original file name, less trailing white space and `.mui`.
#[must_use]
pub fn original_name(names: &[String]) -> Regex {
    let starts = names.iter().map(|n| Cheap::Start(n.clone())).collect();
    regex(format!(r"^{}{W}*(?:\.mui{W}*)?$", escaped(names)), false, starts)
}
