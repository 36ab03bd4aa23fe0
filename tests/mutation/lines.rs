//! Mutants of the regular expressions of command lines and folders, put to the procedural reading of the tests.

use crate::oracle::arguments::{Ask, Folder, path_under, some_argument};
use crate::oracle::asked::{asked, generated, joined, questions, utilities};
use crate::oracle::random::{argument_pieces, each_line, lines, pieces, programs};
use crate::oracle::text::{cheap_holds, found};
use crate::oracle::{Event, Value, holds};
use crate::run::{events, report};
use arcanary::ir::{FieldRef, Pred, Regex, paths};
use arcanary::mutant::{self, Mutant, Part};
use arcanary::source::{Sources, Span};
use arcanary::vocabulary::{FieldId, Kind, Os, Utility};
use std::cell::RefCell;
use std::collections::HashMap;

/// Random lines for each utility, and for questions about arguments.
const LINES_EACH: u32 = 120;
const ARGUMENT_LINES: u32 = 600;

/// What the compiler makes of a question.
#[derive(PartialEq)]
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

    /// Everything that is asked, made with the mistakes of this moment.
    fn questions(&self) -> Vec<Question<'_>> {
        let mut out = vec![];
        for (utility, texts) in &self.of_utility {
            for asked in asked(utility).into_iter().chain(joined(utility)) {
                let (what, made) = (asked.what.clone(), Made::Line(asked.regexes.clone()));
                out.push(Question { what, made, read: Box::new(move |line| asked.read(utility, line)), texts });
            }
        }
        for (ask, cased) in questions() {
            if let Ask::Under(folder) = &ask {
                for os in [Os::Windows, Os::Linux] {
                    let field = FieldRef { id: FieldId::find("executable").unwrap(), step: None };
                    let place = Span::new(Sources::default().add("x", ""), 0, 0);
                    let made = paths::under(field, &[paths::Folder::parse(folder).unwrap()], &[os], cased, place);
                    let folder = folder.clone();
                    let read = move |path: &str| path_under(path, &Folder::parse(&folder), os == Os::Windows, cased);
                    out.push(Question {
                        what: format!("{ask:?} of a path on {}", os.word()),
                        made: Made::Path(made),
                        read: Box::new(read),
                        texts: &self.paths,
                    });
                }
            }
            if !matches!(ask, Ask::Exists) {
                let (what, made) = (format!("argument {ask:?}"), Made::Line(generated(&ask, cased)));
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
    let clean = texts.questions();
    let wrong: Vec<_> = clean.iter().filter_map(|q| Some((&q.what, q.wrong()?))).collect();
    assert!(wrong.is_empty(), "without a mutant: {wrong:?}");
    let clean: HashMap<(&String, usize), &Made> =
        clean.iter().enumerate().map(|(i, q)| ((&q.what, i), &q.made)).collect();
    let mut rows = vec![];
    let mut unnoticed: Vec<Mutant> = vec![];
    for (mutant, _, what) in Mutant::ALL.iter().filter(|(_, part, _)| *part == Part::Lines) {
        let all = mutant::with(*mutant, || texts.questions());
        let changed: Vec<&Question> =
            all.iter().enumerate().filter(|(i, q)| clean[&(&q.what, *i)] != &q.made).map(|(_, q)| q).collect();
        match changed.iter().find_map(|q| Some((q, q.wrong()?))) {
            Some((question, text)) => {
                let text = text.replace('\n', "\\n").replace('\r', "\\r").replace('\t', "\\t").replace('|', "\\|");
                let by = format!("`{}` of `{}`", question.what.replace('|', "\\|"), text.trim());
                rows.push([(*what).to_owned(), changed.len().to_string(), by]);
            }
            None => unnoticed.push(*mutant),
        }
    }
    assert!(unnoticed.is_empty(), "nobody notices {unnoticed:?}");
    let table = report::table(["what is broken", "expressions changed", "the first one that is noticed"], &rows);
    report::section("mutants of command lines", &format!("{} mutants, all noticed.\n\n{table}", rows.len()));
}
