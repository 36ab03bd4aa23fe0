//! Random command lines from a fixed seed, made of what could matter: switches and their near neighbours, quotes that
//! open and do not close, tabs and line breaks, operands in every spelling.

use arcanary::vocabulary::{Shape, Utility, Verb};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use std::cell::RefCell;
use std::collections::BTreeMap;

/// Runs `check` on lines from a fixed seed.
pub fn each_line(cases: u32, lines: impl Strategy<Value = String>, check: impl Fn(&str) -> Result<(), TestCaseError>) {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let outcome = TestRunner::new_with_rng(config, rng).run(&lines, |line| check(&line));
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

/// A program and some pieces, each of any group, between separators that open and close quotes as they please.
pub fn lines(programs: Vec<String>, pieces: Vec<Vec<String>>) -> impl Strategy<Value = String> {
    let separators = [" ", " ", " ", " ", "  ", "\t", "\r\n", "\n", " \"", " '", "\" ", "' ", "", "\"", "'"];
    let piece = (select(separators.to_vec()), select(pieces).prop_flat_map(select), 0..5_u8).prop_map(
        |(separator, piece, case)| {
            let piece = match case {
                0 => piece.to_uppercase(),
                1 => piece.to_lowercase(),
                _ => piece,
            };
            format!("{separator}{piece}")
        },
    );
    (select(programs), prop::collection::vec(piece, 0..7)).prop_map(|(program, pieces)| program + &pieces.concat())
}

pub fn programs(utility: &Utility) -> Vec<String> {
    let mut all: Vec<String> = ["", "\"", "\"x y\"z"].map(String::from).to_vec();
    for image in &utility.image {
        let name = image.trim_end_matches(".exe");
        for before in ["", "", "", " ", r"C:\Tools\", r"C:\Program Files\x -p y\", "/usr/bin/", "\"", "\"C:\\my dir\\"]
        {
            let after = if before.starts_with('"') { "\"" } else { "" };
            all.push(format!("{before}{name}.exe{after}"));
            all.push(format!("{before}{name}{after}"));
        }
        all.push(format!(r"C:\a b\{name}x"));
        all.push(format!("\"{image}"));
    }
    all
}

pub const NOISE: [&str; 25] = [
    "-",
    "--",
    "/",
    "–",
    "―x",
    "-- ",
    "a",
    "x",
    "x.7z",
    r"C:\dir\f.txt",
    "\"C:\\my -p files\\a.txt\"",
    "\"\"",
    "\"",
    "'",
    "O'Brien",
    "@f",
    "u@h",
    "1",
    "0",
    "2g",
    "é",
    "=",
    ":",
    "5m\"",
    "-\"p\"X",
];

/// What could be a switch or a verb of the utility, and its near neighbours: a group for each shape.
pub fn pieces(utility: &Utility) -> Vec<Vec<String>> {
    let mut all: Vec<Vec<String>> = vec![NOISE.map(String::from).to_vec()];
    let values = utility.values.clone().unwrap_or_default();
    let verbs = utility.verbs.values().filter_map(|v| if let Verb::Shapes(s) = v { Some(s) } else { None });
    for shape in verbs.chain(utility.switches.values()).flatten() {
        let (starts, names): (Vec<String>, Vec<String>) = match shape {
            Shape::First(names) | Shape::Leading(names) | Shape::Word(names) => {
                (vec![String::new(), "-".into(), "(".into(), "[".into()], names.clone())
            }
            Shape::Alone(names) | Shape::Glued { names, .. } | Shape::Equals { names, .. } => {
                (utility.prefixes.clone(), names.clone())
            }
            Shape::Parameter { names, .. } => (utility.prefixes.clone(), beginnings(names)),
            Shape::Long { names, .. } => (vec!["--".to_owned(), "-".to_owned()], beginnings(names)),
            Shape::Dashless(letters) => {
                (vec![String::new(), "f".into(), "-".into()], letters.chars().map(String::from).collect())
            }
            Shape::Bundled { letters, .. } => {
                let before = ["-".to_owned(), "-q".to_owned(), "-9@".to_owned(), "/".to_owned()];
                let taken = values.chars().map(|v| format!("-{v}"));
                (before.into_iter().chain(taken).collect(), letters.chars().map(String::from).collect())
            }
        };
        let mut group = vec![];
        for (start, name) in starts.iter().flat_map(|s| names.iter().map(move |n| (s, n))) {
            for end in [
                "", "", "x", "5", "50m", "-", "-x", "+", "=", "=9", ":", "\"", "'", "\"5m\"", " 2g", " \"1", "=0", ")",
                " (",
            ] {
                group.push(format!("{start}{name}{end}"));
            }
        }
        // A verb has one place in a line, a switch has many.
        let often = if matches!(shape, Shape::First(_) | Shape::Dashless(_)) { 2 } else { 1 };
        all.extend(std::iter::repeat_n(group, often));
    }
    all
}

/// Names cut at every length, and more often as a whole: some programs take nothing shorter.
pub fn beginnings(names: &[String]) -> Vec<String> {
    let cuts = |n: &String| (1..=n.len()).map(|end| n[..end].to_owned()).collect::<Vec<_>>();
    names.iter().flat_map(|n| [cuts(n), vec![n.clone(); n.len() / 3]].concat()).collect()
}

/// Operands as they are, with other separators, in parts, and what may stand beside them.
pub fn argument_pieces() -> Vec<Vec<String>> {
    let mut all: Vec<String> = NOISE.map(String::from).to_vec();
    for text in [
        "-t7z",
        r"C:\Windows\Temp",
        "my file.txt",
        "O'Brien",
        "[x]+",
        "é.pst",
        r"D:\*.pdf",
        "a.pst",
        "axb",
        "xyxy",
        "-t",
        r"C:\",
        "'x'",
        "n'",
        r"\Temp\.pst",
        "/f",
        "$x^",
        r"C:\Program Files\x",
        r"C:\data",
        r"\\srv\share",
        r"\\srv\share\f",
        r"\root",
        r"\\?\C:\data",
        "/tmp",
        "/tmp/x",
        r"C:\Users\k\AppData\Local\Temp",
        r"x\Documents\y",
        "Documents",
        r"E:\My Documents\x",
        r"k\é\f",
        "file.txt:stream",
        r"c:\f.txt:s",
        "host:80",
    ] {
        let forms = [
            text.to_owned(),
            text.replace('\\', "/"),
            text.replace('\\', r"\\"),
            format!("-o{text}"),
            format!(r"{text}\a"),
            format!("{text}x"),
        ];
        all.extend(forms);
        all.extend([
            format!("\"{text}\""),
            format!("\"{text}"),
            format!("'{text}'"),
            format!("{text}\""),
            format!("x\"{text}\""),
        ]);
    }
    vec![all]
}

/// How often each question was answered with no and with yes.
#[derive(Default)]
pub struct Tally(RefCell<BTreeMap<String, [u32; 2]>>);

impl Tally {
    pub fn note(&self, what: &str, answer: bool) {
        let mut all = self.0.borrow_mut();
        if !all.contains_key(what) {
            all.insert(what.to_owned(), [0, 0]);
        }
        all.get_mut(what).unwrap()[usize::from(answer)] += 1;
    }

    /// Lines that never decide show nothing.
    pub fn assert_both(&self) {
        for (what, answers) in self.0.borrow().iter() {
            assert!(answers.iter().all(|n| *n >= 5), "{what}: no and yes {answers:?} times");
        }
    }
}
