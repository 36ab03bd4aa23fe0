//! What a person who writes Sigma looks for in place of a verb or a switch: texts in the command line, of which one is enough.
//!
//! They stand behind a blank, as SigmaHQ's rules have them: `' -p'`, `' a '`. What they find and miss beside the regular
//! expression is measured in `docs/command-lines.md`.

use crate::vocabulary::{Shape, Utility};

/// Names of so many letters or fewer end with a blank: `' a '`, `' -F '`.
const SHORT: usize = 2;

/// The texts that stand for these shapes; empty: there are none.
#[must_use]
pub fn needles(shapes: &[&Shape], utility: &Utility) -> Vec<String> {
    let mut out: Vec<String> = vec![];
    let mut add = |text: String| {
        if !out.contains(&text) {
            out.push(text);
        }
    };
    let end = |name: &str| if name.chars().count() <= SHORT { " " } else { "" };
    for shape in shapes {
        match shape {
            Shape::First(names) => names.iter().for_each(|n| add(format!(" {n} "))),
            Shape::Alone(names) => prefixed(names, utility, |n| end(n).to_owned()).for_each(&mut add),
            Shape::Glued { names, .. } => prefixed(names, utility, |_| String::new()).for_each(&mut add),
            Shape::Equals { names, by } => {
                by.iter().for_each(|by| prefixed(names, utility, |_| by.to_string()).for_each(&mut add));
            }
            Shape::Bundled { letters, .. } => letters.chars().for_each(|c| add(format!(" -{c}"))),
            // The letters that stand with it: a file's name follows, in most cases with `v` or a compression.
            Shape::Dashless(letters) => {
                for c in letters.chars() {
                    ["f", "vf", "zf", "zvf", "vzf"].iter().for_each(|rest| add(format!(" {c}{rest}")));
                }
            }
            Shape::Long { names, min, .. } => names.iter().for_each(|n| add(format!(" --{}", shortest(n, *min)))),
            Shape::Leading(names) => names.iter().for_each(|n| add(format!(" {n}"))),
            Shape::Word(words) => words.iter().for_each(|w| add(w.strip_prefix('[').unwrap_or(w).to_owned())),
            Shape::Parameter { names, min } => {
                let names: Vec<String> = names.iter().map(|n| shortest(n, *min)).collect();
                prefixed(&names, utility, |_| String::new()).for_each(&mut add);
            }
        }
    }
    out
}

fn shortest(name: &str, min: Option<usize>) -> String {
    name.chars().take(min.unwrap_or(usize::MAX).max(1)).collect()
}

fn prefixed(names: &[String], utility: &Utility, end: impl Fn(&str) -> String) -> impl Iterator<Item = String> {
    let each = |name: &String| {
        utility.prefixes.iter().map(|prefix| format!(" {prefix}{name}{}", end(name))).collect::<Vec<_>>()
    };
    names.iter().flat_map(each).collect::<Vec<_>>().into_iter()
}
