//! Utilities: what a command line can be read with.

use super::Os;
use crate::source::Span;
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

    /// Its file names on some systems. One that ends in `.exe` or `.com` is Windows', one without an extension is not.
    #[must_use]
    pub fn images_on(&self, systems: &[Os]) -> Vec<String> {
        let windows = systems.contains(&Os::Windows);
        let unix = systems.iter().any(|os| *os != Os::Windows);
        let asked = |name: &&String| {
            let name = name.to_ascii_lowercase();
            let program = name.ends_with(".exe") || name.ends_with(".com");
            windows && (program || name.contains('.')) || unix && !program
        };
        self.image.iter().filter(asked).cloned().collect()
    }

    /// The words of its name: those of its title where that spells the name, `IExpress` and `7-Zip`, which become `IExpress` and
    /// `Seven Zip`.
    #[must_use]
    pub fn words_of_name(&self) -> Vec<String> {
        const DIGITS: [&str; 10] = ["Zero", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine"];
        let spelled = |word: &str| match word.parse::<usize>() {
            Ok(digit) => DIGITS.get(digit).map_or(word.to_owned(), |w| (*w).to_owned()),
            Err(_) => word.to_owned(),
        };
        let split = |text: &str| -> Vec<String> {
            text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty()).map(spelled).collect()
        };
        let titled = split(&self.title);
        match titled.concat().eq_ignore_ascii_case(&self.name.replace('_', "")) {
            true => titled,
            false => split(&self.name),
        }
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
        all.retain(|c| !values.chars().any(|v| v == *c || !self.cased && v.eq_ignore_ascii_case(c)));
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
