//! Command lines read by hand: what an argument, a switch and a verb is, without a regular expression.
//!
//! An argument starts behind white space that has an even number of `"` before it, and goes on to the next such white
//! space; one opening quote is skipped. A name is complete at white space, at a quote, or at the end. Since only white space
//! makes an argument, a program behind leading white space counts as one. For folders and text (`behind_program`) it does not.

use super::text::{behind, folded};
use arcanary::vocabulary::{Shape, Utility, Verb};

pub fn is_white(c: char) -> bool {
    c.is_whitespace()
}

pub fn is_quote(c: char) -> bool {
    matches!(c, '"' | '\'')
}

/// A name ends here.
pub fn is_complete(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with(|c| is_white(c) || is_quote(c))
}

/// What follows the white space at which arguments start, to the end of the line.
pub fn argument_starts(line: &str) -> Vec<&str> {
    let mut inside = false;
    let mut starts = vec![];
    for (at, c) in line.char_indices() {
        inside ^= c == '"';
        if is_white(c) && !inside {
            starts.push(&line[at + c.len_utf8()..]);
        }
    }
    starts
}

/// What follows the program and the first white space outside of quotes behind it. White space in front of the program is
/// passed over; a program whose quote is never closed has no end.
pub fn behind_program(line: &str) -> Option<&str> {
    let line = line.trim_start_matches(is_white);
    let mut inside = false;
    for (at, c) in line.char_indices() {
        inside ^= c == '"';
        if is_white(c) && !inside {
            return Some(&line[at + c.len_utf8()..]);
        }
    }
    None
}

/// One argument with its quotes: from its start to the next white space outside of quotes.
pub fn one_argument(start: &str) -> &str {
    let mut inside = false;
    let end = start.find(|c| {
        inside ^= c == '"';
        is_white(c) && !inside
    });
    &start[..end.unwrap_or(start.len())]
}

/// With and without one opening quote.
pub fn opened(start: &str) -> impl Iterator<Item = &str> {
    [Some(start), start.strip_prefix(is_quote)].into_iter().flatten()
}

/// Whether a command line, or for `word` and `parameter` a script, has an argument of this shape. `free` looks for
/// `first` verbs among all arguments.
pub fn has_shape(shape: &Shape, utility: &Utility, line: &str, free: bool) -> bool {
    let cased = utility.cased;
    match shape {
        Shape::First(names) if free => {
            argument_starts(line).into_iter().flat_map(opened).any(|a| is_one(a, names, cased))
        }
        Shape::First(names) => behind_image(utility, line).into_iter().any(|rest| first_verb(rest, names, utility)),
        Shape::Dashless(letters) => behind_image(utility, line).into_iter().any(|rest| {
            let rest = rest.trim_start_matches(is_white);
            opened(rest).any(|a| dashless(a, letters, cased))
        }),
        Shape::Word(words) => words.iter().any(|w| has_word(line, w, cased)),
        Shape::Parameter { names, min } => line.match_indices(is_white).any(|(at, white)| {
            let delimiters = |rest: &str| is_complete(rest) || rest.starts_with([':', ')', '}', '|', ';']);
            behind_prefix(&line[at + white.len()..], utility)
                .any(|a| names.iter().any(|n| shortened(a, n, *min, cased).any(delimiters)))
        }),
        _ => argument_starts(line).into_iter().flat_map(opened).any(|a| is_switch(shape, utility, a)),
    }
}

fn is_one(text: &str, names: &[String], cased: bool) -> bool {
    names.iter().any(|n| behind(text, n, cased).is_some_and(is_complete))
}

fn behind_prefix<'t>(text: &'t str, utility: &'t Utility) -> impl Iterator<Item = &'t str> {
    utility.prefixes.iter().filter_map(|p| text.strip_prefix(p.as_str()))
}

/// What follows a name that is shortened to `min` characters or more.
fn shortened<'t>(text: &'t str, name: &str, min: Option<usize>, cased: bool) -> impl Iterator<Item = &'t str> {
    let all: Vec<char> = name.chars().collect();
    let min = min.unwrap_or(all.len()).min(all.len());
    let beginnings: Vec<String> = (min..=all.len()).map(|n| all[..n].iter().collect()).collect();
    beginnings.into_iter().filter_map(move |n| behind(text, &n, cased))
}

/// Whether an argument without its opening quote is this switch.
fn is_switch(shape: &Shape, utility: &Utility, argument: &str) -> bool {
    let cased = utility.cased;
    let named = |names: &[String], f: &dyn Fn(&str) -> bool| {
        behind_prefix(argument, utility).any(|a| names.iter().any(|n| behind(a, n, cased).is_some_and(f)))
    };
    match shape {
        Shape::Alone(names) => named(names, &is_complete),
        Shape::Glued { names, digits: true, .. } => {
            named(names, &|rest| rest.strip_prefix('"').unwrap_or(rest).starts_with(|c: char| c.is_ascii_digit()))
        }
        Shape::Glued { names, except, .. } => named(names, &|rest| {
            // Not just that character.
            !except.is_some_and(|c| behind(rest, &c.to_string(), cased).is_some_and(is_complete))
        }),
        Shape::Equals { names, by } => named(names, &|rest| rest.starts_with(by.as_slice())),
        Shape::Bundled { letters, last, nonzero } => {
            argument.strip_prefix('-').is_some_and(|run| bundled(run, letters, *last, *nonzero, utility))
        }
        Shape::Long { names, min, nonzero } => argument.strip_prefix("--").is_some_and(|text| {
            let ends = |rest: &str| {
                if *nonzero {
                    rest.starts_with(|c| c == '=' || is_white(c)) && value_is_nonzero(rest)
                } else {
                    rest.starts_with('=') || is_complete(rest)
                }
            };
            names.iter().any(|n| shortened(text, n, *min, cased).any(ends))
        }),
        Shape::Leading(names) => {
            names.iter().any(|n| behind(argument, n, cased).is_some_and(|rest| !is_complete(rest)))
        }
        Shape::First(_) | Shape::Dashless(_) | Shape::Word(_) | Shape::Parameter { .. } => {
            unreachable!("no switch")
        }
    }
}

fn is_letter_of(c: char, letters: &str, cased: bool) -> bool {
    folded(letters, cased).contains(&folded(&c.to_string(), cased))
}

/// A run of letters behind `-`. A letter that takes a value ends the bundle: what follows is that value.
fn bundled(run: &str, letters: &str, last: bool, nonzero: bool, utility: &Utility) -> bool {
    let values = utility.values.as_deref().unwrap_or_default();
    let signs = bundle_signs(utility);
    for (at, c) in run.char_indices() {
        let rest = &run[at + c.len_utf8()..];
        if is_letter_of(c, letters, utility.cased) {
            match (last, nonzero) {
                (true, _) => return is_complete(rest),
                (_, true) if !value_is_nonzero(rest) => {}
                _ => return true,
            }
        }
        if is_letter_of(c, values, utility.cased) || !(c.is_ascii_alphanumeric() || signs.contains(c)) {
            return false;
        }
    }
    false
}

/// What beside letters and digits the utility's bundles name.
fn bundle_signs(utility: &Utility) -> String {
    let verbs = utility.verbs.values().filter_map(|v| if let Verb::Shapes(shapes) = v { Some(shapes) } else { None });
    let letters = verbs.chain(utility.switches.values()).flatten().filter_map(|s| match s {
        Shape::Bundled { letters, .. } => Some(letters.as_str()),
        _ => None,
    });
    letters.flat_map(str::chars).filter(|c| !c.is_ascii_alphanumeric()).collect()
}

/// Behind a switch: glued, behind `=`, or the next argument begins with 1 to 9.
fn value_is_nonzero(rest: &str) -> bool {
    let value = rest.strip_prefix('=').unwrap_or_else(|| rest.trim_start_matches(is_white));
    opened(value).any(|v| v.starts_with(|c| matches!(c, '1'..='9')))
}

/// Letters and digits without a prefix, one of these among them.
fn dashless(argument: &str, letters: &str, cased: bool) -> bool {
    let run: String = argument.chars().take_while(char::is_ascii_alphanumeric).collect();
    is_complete(&argument[run.len()..]) && run.chars().any(|c| is_letter_of(c, letters, cased))
}

/// What follows the program, in every way in which it can be read: up to its closing quote; up to white space; or, since
/// Windows takes paths with blanks, up to white space behind one of the utility's names.
fn behind_image<'l>(utility: &Utility, line: &'l str) -> Vec<&'l str> {
    let line = line.trim_start_matches(is_white);
    let mut found = vec![];
    match line.strip_prefix('"') {
        Some(quoted) => found.extend(quoted.find('"').map(|end| &quoted[end + 1..])),
        None => found.extend(line.find(|c| is_white(c) || c == '"').map(|end| &line[end..])),
    }
    let drive = line.chars().take(3).collect::<String>();
    if drive.starts_with(|c: char| c.is_ascii_alphabetic()) && drive.get(1..) == Some(r":\") {
        let path = &line[3..];
        let path_end = path.find(['"', '*', '/', ':', '<', '>', '?', '|']).unwrap_or(path.len());
        for (at, _) in path[..path_end].match_indices('\\') {
            for image in &utility.image {
                let name = image.len().checked_sub(4).and_then(|end| Some((&image[..end], image.get(end..)?)));
                let name =
                    name.filter(|(_, end)| end.eq_ignore_ascii_case(".exe")).map_or(image.as_str(), |(name, _)| name);
                let Some(rest) = behind(&path[at + 1..], name, false) else {
                    continue;
                };
                found.push(rest);
                found.extend(behind(rest, ".exe", utility.cased));
            }
        }
    }
    found.retain(|rest| rest.starts_with(is_white));
    found
}

/// The first argument that begins with no prefix is one of these.
fn first_verb(mut rest: &str, names: &[String], utility: &Utility) -> bool {
    loop {
        rest = rest.trim_start_matches(is_white);
        let argument = one_argument(rest);
        let (quoted, inner) = match argument.strip_prefix('"') {
            Some(inner) => (true, inner),
            None => (false, argument.strip_prefix('\'').unwrap_or(argument)),
        };
        let is_switch = behind_prefix(inner, utility).next().is_some();
        if argument.is_empty() || !is_switch {
            return opened(rest).any(|a| is_one(a, names, utility.cased));
        }
        if quoted && !inner.contains('"') {
            return false;
        }
        rest = &rest[argument.len()..];
    }
}

/// A cmdlet between signs that end a word, or a type's member behind its bracket or namespace.
fn has_word(script: &str, word: &str, cased: bool) -> bool {
    let member = word.strip_prefix('[');
    script.char_indices().any(|(at, _)| {
        let before = script[..at].chars().next_back();
        let Some(rest) = behind(&script[at..], member.unwrap_or(word), cased) else {
            return false;
        };
        if member.is_some() {
            return matches!(before, Some('[' | '.')) && rest.starts_with([' ', '(']);
        }
        let starts = before.is_none_or(|c| is_white(c) || "\"'&(),;={|\\".contains(c));
        starts && rest.chars().next().is_none_or(|c| is_white(c) || "\"'&(),;|}".contains(c))
    })
}
