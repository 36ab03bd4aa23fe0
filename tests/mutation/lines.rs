//! Mistakes of the regular expressions of command lines and folders, put to the procedural reading of the tests: changes of
//! utilities before regular expressions are made of them, and of what was made.

use crate::oracle::arguments::{Ask, Folder, path_under, some_argument};
use crate::oracle::asked::{asked, generated, joined, questions, utilities};
use crate::oracle::random::{argument_pieces, each_line, lines, pieces, programs};
use crate::oracle::text::{cheap_holds, found};
use crate::oracle::{Event, Value, holds};
use crate::run::{events, report};
use arcanary::ir::{FieldRef, Matcher, Op, Pred, Regex, paths};
use arcanary::source::{Sources, Span};
use arcanary::vocabulary::{FieldId, Kind, Os, Shape, Utility, Verb};
use std::cell::RefCell;
use std::collections::HashMap;

/// Random lines for each utility, and for questions about arguments.
const LINES_EACH: u32 = 120;
const ARGUMENT_LINES: u32 = 600;

/// What is broken.
#[derive(Clone, Copy)]
enum Broken {
    /// A utility, before regular expressions are made of it.
    Utility(fn(&mut Utility)),
    /// A regular expression.
    Regex(fn(&mut Regex)),
    /// The values of a test of a path.
    Path(fn(&mut String)),
}

/// An even number of double quotes.
const SKIP: &str = r#"[^"]*(?:"[^"]*"[^"]*)*"#;

const MISTAKES: [(&str, Broken); 14] = [
    ("white space within quotes separates arguments", Broken::Regex(|regex| swap(regex, SKIP, "(?s:.*)"))),
    ("no quote may stand before an argument", Broken::Regex(|regex| swap(regex, r#"["']?"#, ""))),
    ("a name may go on", Broken::Regex(|regex| swap(regex, r#"(?:[\s"']|$)"#, ""))),
    ("the name of a folder on a command line may go on", Broken::Regex(|regex| swap(regex, r#"(?:[\\/\s"']|$)"#, ""))),
    ("only the first prefix counts", Broken::Utility(|utility| utility.prefixes.truncate(1))),
    (
        "a letter that takes a value does not end a bundle",
        Broken::Utility(|utility| utility.values = Some(String::new())),
    ),
    (
        "a long name may be shortened to one letter",
        Broken::Utility(|utility| {
            each_shape(utility, |shape| {
                if let Shape::Long { min: Some(min), .. } | Shape::Parameter { min: Some(min), .. } = shape {
                    *min = 1;
                }
            });
        }),
    ),
    (
        "what follows a glued switch may be what is excepted",
        Broken::Utility(|utility| {
            each_shape(utility, |shape| {
                if let Shape::Glued { except, .. } = shape {
                    *except = None;
                }
            });
        }),
    ),
    (
        "no digit need follow",
        Broken::Utility(|utility| {
            each_shape(utility, |shape| {
                if let Shape::Glued { digits, .. } = shape {
                    *digits = false;
                }
            });
        }),
    ),
    ("names of a cased utility ignore case", Broken::Utility(|utility| utility.cased = false)),
    ("a cheap test is implied by some of the alternatives", Broken::Regex(|regex| regex.implied.truncate(1))),
    ("a run of separators is one", Broken::Regex(|regex| swap(regex, r"[\\/]+", r"[\\/]"))),
    ("a folder's name may go on", Broken::Path(|value| value.truncate(value.trim_end_matches(['\\', '/']).len()))),
    ("a dot in a text is any character", Broken::Regex(|regex| swap(regex, r"\.", "."))),
];

fn swap(regex: &mut Regex, from: &str, to: &str) {
    regex.pattern = regex.pattern.replace(from, to);
}

fn each_shape(utility: &mut Utility, change: fn(&mut Shape)) {
    let verbs = utility.verbs.values_mut().filter_map(|v| if let Verb::Shapes(all) = v { Some(all) } else { None });
    verbs.chain(utility.switches.values_mut()).flatten().for_each(change);
}

/// Changes the values of tests of a path.
fn each_value(pred: &mut Pred, change: fn(&mut String)) {
    match pred {
        Pred::Not(inner) | Pred::Droppable { pred: inner, .. } => each_value(inner, change),
        Pred::And(all) | Pred::Or(all) => all.iter_mut().for_each(|p| each_value(p, change)),
        Pred::Test(test) => {
            if let Op::Text(text) = &mut test.op
                && let Matcher::StartsWith(values) | Matcher::Contains(values) = &mut text.matcher
            {
                values.iter_mut().for_each(change);
            }
        }
        Pred::Const(_) => {}
    }
}

impl Broken {
    fn utility(self, utility: &Utility) -> Utility {
        let mut utility = utility.clone();
        if let Broken::Utility(change) = self {
            change(&mut utility);
        }
        utility
    }

    fn made(self, mut made: Made) -> Made {
        match (self, &mut made) {
            (Broken::Regex(change), Made::Line(all)) => all.iter_mut().for_each(change),
            (Broken::Path(change), Made::Path(asked)) => each_value(asked, change),
            _ => {}
        }
        made
    }
}

/// What the compiler makes of a question.
#[derive(Clone, PartialEq)]
enum Made {
    /// One of these holds for a command line.
    Line(Vec<Regex>),
    /// This holds for a path.
    Path(Pred),
}

/// Something that is asked of texts: what the compiler makes of it, and the reading by hand.
struct Question<'t> {
    what: String,
    made: Made,
    read: Box<dyn Fn(&str) -> bool + 't>,
    texts: &'t [String],
}

impl Question<'_> {
    /// A text on which the two disagree, or that a cheap test would hide.
    fn wrong(&self) -> Option<&String> {
        self.texts.iter().find(|text| match &self.made {
            Made::Path(asked) => {
                let path = Event::new(Kind::Process, [("executable", Value::Text((*text).clone()))]);
                holds(asked, &path) != (self.read)(text)
            }
            Made::Line(made) => {
                let said = made.iter().any(|r| found(r, text));
                let hides = |r: &Regex| !r.implied.is_empty() && !r.implied.iter().any(|c| cheap_holds(c, text));
                said != (self.read)(text) || made.iter().any(|r| found(r, text) && hides(r))
            }
        })
    }
}

/// What the questions are put to.
struct Texts {
    of_utility: Vec<(Utility, Vec<String>)>,
    arguments: Vec<String>,
    paths: Vec<String>,
}

fn drawn(count: u32, from: impl proptest::strategy::Strategy<Value = String>) -> Vec<String> {
    let all = RefCell::new(vec![]);
    each_line(count, from, |line| {
        all.borrow_mut().push(line.to_owned());
        Ok(())
    });
    all.into_inner()
}

/// Also with another character for each dot.
fn with_other_signs(texts: Vec<String>) -> Vec<String> {
    let other: Vec<String> = texts.iter().map(|t| t.replace('.', "x")).collect();
    texts.into_iter().chain(other).collect()
}

impl Texts {
    fn new() -> Texts {
        let recorded: Vec<String> =
            events::command_lines().iter().filter_map(|e| Some(e.named("command_line")?.text().to_owned())).collect();
        let of_utility = utilities().into_iter().map(|utility| {
            let random = drawn(LINES_EACH, lines(programs(&utility), pieces(&utility)));
            (utility, recorded.iter().cloned().chain(random).collect())
        });
        Texts {
            of_utility: of_utility.collect(),
            arguments: with_other_signs(drawn(ARGUMENT_LINES, lines(vec!["x".to_owned()], argument_pieces()))),
            paths: with_other_signs(argument_pieces().concat()),
        }
    }

    /// Everything that is asked, made with a mistake.
    fn questions(&self, broken: Option<Broken>) -> Vec<Question<'_>> {
        let made = |made: Made| broken.map_or_else(|| made.clone(), |broken| broken.made(made.clone()));
        let mut out = vec![];
        for (utility, texts) in &self.of_utility {
            let all = |utility: &Utility| asked(utility).into_iter().chain(joined(utility));
            let other = broken.map_or_else(|| utility.clone(), |broken| broken.utility(utility));
            for (asked, other) in all(utility).zip(all(&other)) {
                let (what, made) = (asked.what.clone(), made(Made::Line(other.regexes)));
                out.push(Question { what, made, read: Box::new(move |line| asked.read(utility, line)), texts });
            }
        }
        for (ask, cased) in questions() {
            if let Ask::Under(folder) = &ask {
                for os in [Os::Windows, Os::Linux] {
                    let field = FieldRef { id: FieldId::find("executable").unwrap(), step: None };
                    let place = Span::new(Sources::default().add("x", ""), 0, 0);
                    let asked = paths::under(field, &[paths::Folder::parse(folder).unwrap()], &[os], cased, place);
                    let folder = folder.clone();
                    let read = move |path: &str| path_under(path, &Folder::parse(&folder), os == Os::Windows, cased);
                    out.push(Question {
                        what: format!("{ask:?} of a path on {}", os.word()),
                        made: made(Made::Path(asked)),
                        read: Box::new(read),
                        texts: &self.paths,
                    });
                }
            }
            if !matches!(ask, Ask::Exists) {
                let (what, made) = (format!("argument {ask:?}"), made(Made::Line(generated(&ask, cased))));
                let read = move |line: &str| some_argument(line, &ask, cased);
                out.push(Question { what, made, read: Box::new(read), texts: &self.arguments });
            }
        }
        out
    }
}

#[test]
fn mutants_of_command_lines_are_noticed() {
    let texts = Texts::new();
    let clean = texts.questions(None);
    let wrong: Vec<_> = clean.iter().filter_map(|q| Some((&q.what, q.wrong()?))).collect();
    assert!(wrong.is_empty(), "without a mistake: {wrong:?}");
    let clean: HashMap<(&String, usize), &Made> =
        clean.iter().enumerate().map(|(i, q)| ((&q.what, i), &q.made)).collect();
    let mut rows = vec![];
    let mut unnoticed = vec![];
    for (what, broken) in MISTAKES {
        let all = texts.questions(Some(broken));
        let changed: Vec<&Question> =
            all.iter().enumerate().filter(|(i, q)| clean[&(&q.what, *i)] != &q.made).map(|(_, q)| q).collect();
        match changed.iter().find_map(|q| Some((q, q.wrong()?))) {
            Some((question, text)) => {
                let text = text.replace('\n', "\\n").replace('\r', "\\r").replace('\t', "\\t").replace('|', "\\|");
                let by = format!("`{}` of `{}`", question.what.replace('|', "\\|"), text.trim());
                rows.push([what.to_owned(), changed.len().to_string(), by]);
            }
            None => unnoticed.push(what),
        }
    }
    assert!(unnoticed.is_empty(), "nobody notices {unnoticed:?}");
    let table = report::table(["what is broken", "expressions changed", "the first one that is noticed"], &rows);
    report::section("mutants of command lines", &format!("{} mutants, all noticed.\n\n{table}", rows.len()));
}
