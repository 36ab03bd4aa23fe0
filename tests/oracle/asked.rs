//! What is asked of command lines: every verb and every switch of every utility, and every kind of question about
//! arguments, each with what the compiler makes of it and with what the procedural reading says.

use super::arguments::Ask;
use super::project::{files, load};
use super::reading::has_shape;
use super::text::found;
use arcanary::ir::Regex;
use arcanary::ir::cmdline::{self, Manner};
use arcanary::ir::paths::Folder;
use arcanary::ir::pattern::Glob;
use arcanary::vocabulary::{Shape, Utility, Verb};

/// Shapes that no utility of the project combines so.
pub const ODD_UTILITIES: &str = r#"
utility odd "Odd shapes" {
  os [windows]   image ["o.dd.exe", "od"]   prefixes ["-", "/", "+"]   values "v"
  verb   main   = first ["a", "a+b"] or dashless "q"
  verb   other  = bundled "XY" last or alone ["?", "*"]
  switch size   = bundled "s" nonzero or long ["size", "sz"] min 2 nonzero
  switch keep   = equals ["K", "key"] or glued "t" except "+"
  switch marked = leading ["@", "=="] or glued "w" digits
  switch many   = bundled "g" or bundled "h" or bundled "^" or long "grow" min 1
}
utility strict "Odd shapes, cased" {
  os [windows]   image ["st.exe"]   cased   prefixes psdash   values ""
  verb   main   = first ["Go", "go!"] or dashless "Zc"
  verb   call   = word ["Do-It", "[Some.Type]::Call"]
  switch plain  = parameter ["Force", "fast"] min 2 or alone "Bc"
  switch bundle = bundled "e" or bundled "d" last or bundled "B" nonzero
}
"#;

/// One verb or switch, as the compiler asks it and as the reference reads it.
pub struct Asked {
    pub what: String,
    pub shapes: Vec<Shape>,
    pub regexes: Vec<Regex>,
    pub free: bool,
}

impl Asked {
    pub fn new(what: &str, shapes: &[Shape], utility: &Utility, free: bool) -> Asked {
        let regexes = cmdline::shapes(shapes, utility, Manner { free, windows: true });
        assert!(!regexes.is_empty(), "{} {what} became nothing", utility.name);
        Asked { what: format!("{} {what}", utility.name), shapes: shapes.to_vec(), regexes, free }
    }

    pub fn holds(&self, line: &str) -> bool {
        self.regexes.iter().any(|r| found(r, line))
    }

    pub fn read(&self, utility: &Utility, line: &str) -> bool {
        self.shapes.iter().any(|s| has_shape(s, utility, line, self.free))
    }
}

/// Every verb and every switch of a utility.
pub fn asked(utility: &Utility) -> Vec<Asked> {
    let mut all = vec![];
    for (name, verb) in &utility.verbs {
        let Verb::Shapes(shapes) = verb else { continue };
        all.push(Asked::new(&format!("to {name}"), shapes, utility, false));
        if shapes.iter().any(|s| matches!(s, Shape::First(_))) {
            all.push(Asked::new(&format!("resembled to {name}"), shapes, utility, true));
        }
    }
    for (name, shapes) in &utility.switches {
        all.push(Asked::new(&format!("with {name}"), shapes, utility, false));
    }
    all
}

/// All switches in one expression, and all verbs behind a `default` one.
pub fn joined(utility: &Utility) -> Vec<Asked> {
    let switches: Vec<Shape> = utility.switches.values().flatten().cloned().collect();
    let verbs = utility.verbs.values().filter_map(|v| if let Verb::Shapes(s) = v { Some(s) } else { None });
    let verbs: Vec<Shape> = verbs.flatten().cloned().collect();
    let all = [("with any switch", switches), ("to any verb", verbs)];
    all.iter()
        .filter(|(_, shapes)| !shapes.is_empty())
        .map(|(what, shapes)| Asked::new(what, shapes, utility, false))
        .collect()
}

/// The pack's utilities, those of the acceptance cases that it lacks, and the odd ones.
pub fn utilities() -> Vec<Utility> {
    let pack = load(&files("rules"), ODD_UTILITIES).project.utilities;
    let cases = load(&files("tests/cases"), "").project.utilities;
    let more: Vec<Utility> = cases.into_values().filter(|u| !pack.contains_key(&u.name)).collect();
    pack.into_values().chain(more).collect()
}

// ---- arguments ----

/// Questions with every kind of operand, a third of them with case as well.
pub fn questions() -> Vec<(Ask, bool)> {
    let texts = |make: fn(String) -> Ask, all: &[&str]| all.iter().map(|t| make((*t).to_owned())).collect::<Vec<_>>();
    let all = [
        vec![Ask::Exists, Ask::IsUnc, Ask::IsStream],
        texts(Ask::Is, &["-t7z", r"C:\Windows\Temp", "my file.txt", "O'Brien", "[x]+", "é.pst"]),
        texts(Ask::Like, &[r"?:\[*].*", "*.pst", "my *.txt", "a?b", "*", "*x*y"]),
        texts(Ask::StartsWith, &["-t", r"C:\", "my f", "'x"]),
        texts(Ask::EndsWith, &[".pst", "e.txt", " file.txt", "n'"]),
        texts(Ask::Contains, &[r"\Temp", ".pst", "/f", "$x^", "my file"]),
        texts(
            Ask::Under,
            &[
                r":\Windows\Temp",
                r":\Program Files",
                r"C:\data",
                r"C:\",
                r"\\srv\share",
                r"\root",
                "/tmp",
                r"AppData\Local\Temp",
                "Documents",
                r"My Documents\x",
                "é",
            ],
        ),
    ];
    all.into_iter()
        .flatten()
        .enumerate()
        .flat_map(|(i, ask)| {
            let exact = (i % 3 == 0).then(|| (ask.clone(), true));
            [(ask, false)].into_iter().chain(exact)
        })
        .collect()
}

/// What the compiler makes of a question; `Exists` it words itself.
pub fn generated(ask: &Ask, cased: bool) -> Vec<Regex> {
    let one = |text: &String| vec![text.clone()];
    match ask {
        Ask::Exists => vec![],
        Ask::Is(v) => vec![cmdline::argument_is(&one(v), cased)],
        Ask::Like(v) => vec![cmdline::argument_like(&[Glob::parse(v).unwrap()], cased)],
        Ask::StartsWith(v) => vec![cmdline::argument_starts(&one(v), cased)],
        Ask::EndsWith(v) => vec![cmdline::argument_ends(&one(v), cased)],
        Ask::Contains(v) => vec![cmdline::argument_contains(&one(v), cased)],
        Ask::Under(v) => cmdline::argument_under(&[Folder::parse(v).unwrap()], cased),
        Ask::IsUnc => vec![cmdline::is_unc()],
        Ask::IsStream => vec![cmdline::is_stream()],
    }
}
