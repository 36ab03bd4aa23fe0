//! Authors' regular expressions: what the compiler accepts means the same on Rust's `regex`, RE2, PCRE2 and Python.
//!
//! `ARCANARY_RANDOM_REGEXES` and `ARCANARY_RANDOM_SEED` set how many pairs of an expression and a text there are, and which.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

#[path = "engines/checker.rs"]
mod checker;
#[path = "engines/run/random/dice.rs"]
mod dice;

use arcanary::ir::portable::portable;
use checker::Checker;
use dice::Dice;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::io::Write as _;

/// Pairs of an expression and a text, without `ARCANARY_RANDOM_REGEXES`.
const PAIRS: u64 = 20_000;

/// Texts for each expression.
const TEXTS: usize = 10;

/// Lines of one process: what they hold at once stays small.
const LINES: usize = 20_000;

const SEED: u64 = 1;

fn setting(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |n| n.parse().unwrap())
}

// ---- random expressions ----

const LETTERS: [&str; 15] = ["a", "a", "b", "c", "x", "y", "A", "1", "2", " ", ",", "é", "–", "\"", "'"];

const SIGNS: [&str; 24] = [
    "-", ":", ".", "=", "&", "~", "|", "^", "$", "[", "]", "{", "}", "(", ")", "/", "\\", "*", "+", "?", "#", "<", "%",
    "\n",
];

const ESCAPES: [&str; 34] = [
    r"\.", r"\-", r"\[", r"\]", r"\{", r"\}", r"\(", r"\)", r"\\", r"\/", r"\^", r"\$", r"\*", r"\+", r"\?", r"\|",
    r"\ ", r"\#", r"\&", r"\~", r#"\""#, r"\:", r"\=", r"\,", r"\n", r"\t", r"\x41", r"\x2d", r"\x5B", r"\x0a", r"\d",
    r"\w", r"\s", r"\S",
];

const RARE: [&str; 16] = [
    r"\b", r"\D", r"\W", r"\v", r"\1", r"\x{41}", r"\xe9", r"\A", r"\z", r"\<", r"\p{L}", r"\Q", r"\h", r"\0", "(?i)",
    "(?=a)",
];

const REPEATS: [&str; 12] = ["*", "+", "?", "*?", "+?", "??", "{2}", "{1,}", "{0,2}", "{1,2}?", "{0}", "{02}"];

const ODD_REPEATS: [&str; 14] =
    ["++", "*+", "?+", "**", "{2}{2}", "{ 2}", "{2 }", "{,2}", "{1, 2}", "{", "{x}", "{2", "{}", "???"];

const ODD_CLASSES: [&str; 26] = [
    "[:xyz:]",
    "[[:alpha:]]",
    "[=a=]",
    "[.a.]",
    "[.-.]",
    "[--a]",
    "[+--]",
    "[a-c-e]",
    "[a-]",
    "[-a]",
    "[^-a]",
    "[]a]",
    "[^]a]",
    "[a&&b]",
    "[a--b]",
    "[a~~b]",
    "[a||b]",
    "[[a]",
    "[a[b]",
    r"[\d-x]",
    r"[\w-]",
    r"[^\s\S]",
    r"[\s\S]",
    "[a^]",
    "[ -~]",
    "[:a]",
];

fn one_of<'a>(dice: &mut Dice, all: &[&'a str]) -> &'a str {
    all[dice.below(all.len())]
}

/// A class of random characters, escapes and ranges.
fn class(dice: &mut Dice) -> String {
    let mut out = String::from(if dice.one_in(3) { "[^" } else { "[" });
    for _ in 0..=dice.below(4) {
        match dice.below(8) {
            0..=2 => out.push_str(one_of(dice, &LETTERS)),
            3 => out.push_str(one_of(dice, &SIGNS)),
            4..=5 => out.push_str(one_of(dice, &ESCAPES)),
            6 => out.push_str(one_of(dice, &["a-c", "0-9", "A-c", "+-.", r"\--a", r"\x41-\x43", "é-–", "–-–"])),
            _ => out.push('-'),
        }
    }
    out + "]"
}

fn atom(dice: &mut Dice, depth: usize, odd: usize) -> String {
    let pick = |dice: &mut Dice, all: &[&str]| one_of(dice, all).to_owned();
    match dice.below(20) {
        0..=6 => pick(dice, &LETTERS),
        7..=8 => pick(dice, &ESCAPES),
        9 => ".".to_owned(),
        10..=11 => class(dice),
        12..=14 if depth > 0 => {
            let open = if dice.one_in(2) { "(" } else { "(?:" };
            format!("{open}{})", expression(dice, depth - 1, odd))
        }
        15 if dice.one_in(2) => pick(dice, &["^", "$"]),
        16 if dice.one_in(odd) => pick(dice, &ODD_CLASSES),
        17 if dice.one_in(odd) => pick(dice, &SIGNS),
        18 if dice.one_in(odd * 2) => pick(dice, &RARE),
        _ => pick(dice, &LETTERS),
    }
}

/// Alternatives of atoms with repeats; once in `odd` times something that no two engines read alike.
fn expression(dice: &mut Dice, depth: usize, odd: usize) -> String {
    let mut out = String::from(if dice.one_in(6) { "^" } else { "" });
    for i in 0..=dice.below(3) {
        out.push_str(if i > 0 && dice.one_in(3) { "|" } else { "" });
        if dice.one_in(12) {
            continue;
        }
        out.push_str(&atom(dice, depth, odd));
        match dice.below(9) {
            0..=1 => out.push_str(one_of(dice, &REPEATS)),
            2 if dice.one_in(odd) => out.push_str(one_of(dice, &ODD_REPEATS)),
            _ => {}
        }
    }
    out.push_str(if dice.one_in(6) { "$" } else { "" });
    out
}

/// Any characters at all: whatever a grammar forgets.
fn noise(dice: &mut Dice) -> String {
    let one = |dice: &mut Dice| {
        let signs = dice.one_in(2);
        one_of(dice, if signs { &SIGNS } else { &LETTERS })
    };
    (0..=dice.below(6)).map(|_| one(dice)).collect()
}

/// A text of pieces of the expression and of the characters that it is about.
fn text(dice: &mut Dice, pattern: &[char]) -> String {
    let mut out = String::new();
    for _ in 0..dice.below(5) {
        match dice.below(7) {
            0..=1 => out.push_str(one_of(dice, &LETTERS)),
            2 => out.push_str(one_of(dice, &SIGNS)),
            3 => out.push_str(one_of(dice, &["\t", "\r\n", "aa", "bab", "x2", "]", "-", "B", "É"])),
            // Pieces as they stand, then without what has a meaning in an expression.
            n => {
                let from = dice.below(pattern.len() + 1);
                let some = pattern[from..].iter().take(1 + dice.below(4));
                out.extend(some.filter(|c| n == 4 || c.is_alphanumeric() || c.is_whitespace() || **c == '-'));
            }
        }
    }
    out
}

// ---- what engines say ----

/// `$` as the printer for Splunk writes it: PCRE's own also stands before a last line break.
fn very_end(printed: &str) -> String {
    let (mut out, mut class, mut escaped) = (String::new(), false, false);
    for c in printed.chars() {
        let end = c == '$' && !class && !escaped;
        class = if escaped { class } else { c == '[' || class && c != ']' };
        escaped = !escaped && c == '\\';
        out.push_str(&if end { r"\z".to_owned() } else { c.to_string() });
    }
    out
}

struct Case {
    written: String,
    printed: String,
    cased: bool,
    texts: Vec<String>,
}

impl Case {
    fn full(&self, pattern: &str) -> String {
        if self.cased { pattern.to_owned() } else { format!("(?i){pattern}") }
    }

    /// Both forms for each engine: as it is printed, and as the author wrote it.
    fn line(&self) -> Json {
        let forms = |printed: &str| json!([self.full(printed), self.full(&self.written)]);
        json!({
            "patterns": {
                "python": forms(&self.printed), "re2": forms(&self.printed), "pcre2": forms(&very_end(&self.printed)),
            },
            "texts": self.texts,
        })
    }

    fn rust(&self, pattern: &str) -> String {
        let regex = regex::Regex::new(&self.full(pattern)).unwrap_or_else(|e| panic!("{}: {e}", self.printed));
        self.texts.iter().map(|t| if regex.is_match(t) { '1' } else { '0' }).collect()
    }

    /// `$` of Python, and of PCRE in an author's form, stands before a last line break, too (`engines/deviations.md`).
    fn last_line(&self, text: &str) -> bool {
        self.printed.contains('$') && text.ends_with('\n')
    }

    /// `\d`, `\w` and their opposites are printed as ASCII classes, on purpose.
    fn beyond_ascii(&self, text: &str) -> bool {
        [r"\d", r"\w", r"\D", r"\W"].iter().any(|class| self.written.contains(class)) && !text.is_ascii()
    }
}

/// One expression and its texts on all engines.
fn compare(case: &Case, answer: &Json, tally: &mut BTreeMap<&'static str, usize>) -> Vec<String> {
    let mut wrong = vec![];
    let expected = case.rust(&case.printed);
    let no_text = |_: &str| false;
    let last_line = |text: &str| case.last_line(text);
    let as_written = |text: &str| case.last_line(text) || case.beyond_ascii(text);
    let mut check = |engine: &str, form: &str, said: &str, spared: &dyn Fn(&str) -> bool| {
        for ((said, expected), text) in said.chars().zip(expected.chars()).zip(&case.texts) {
            if said != '?' && said != expected && !spared(text) {
                wrong.push(format!(
                    "{engine} says {said} of {text:?} ({form}), Rust {expected}: {:?} printed {:?}, cased {}",
                    case.written, case.printed, case.cased
                ));
            }
        }
    };
    check("Rust", "as written", &case.rust(&case.written), &|text| case.beyond_ascii(text));
    for engine in ["python", "re2", "pcre2"] {
        match answer[engine][0].as_str() {
            Some(said) => check(engine, "as printed", said, if engine == "python" { &last_line } else { &no_text }),
            None => check(engine, &format!("as printed: {}", answer[engine][0]["error"]), &"-".repeat(TEXTS), &no_text),
        }
        // An engine may refuse what an author wrote and take what is printed; if it takes both, they are one.
        if let Some(said) = answer[engine][1].as_str() {
            *tally.entry("as written").or_default() += 1;
            check(engine, "as written", said, &as_written);
        }
    }
    *tally.entry("found").or_default() += expected.matches('1').count();
    *tally.entry("texts").or_default() += expected.len();
    wrong
}

#[test]
fn random_expressions_that_are_accepted_mean_the_same_on_every_engine() {
    if checker::tools().is_none() {
        return;
    }
    let wanted = usize::try_from(setting("ARCANARY_RANDOM_REGEXES", PAIRS)).unwrap() / TEXTS;
    let mut dice = Dice::new(setting("ARCANARY_RANDOM_SEED", SEED));
    let (mut refused, mut done, mut wrong, mut tally) = (0_usize, 0_usize, vec![], BTreeMap::new());
    while done < wanted {
        let mut cases = vec![];
        while cases.len() < LINES.min(wanted - done) {
            let written = if dice.one_in(4) { noise(&mut dice) } else { expression(&mut dice, 2, 4) };
            let Ok(printed) = portable(&written) else {
                refused += 1;
                continue;
            };
            let chars: Vec<char> = written.chars().collect();
            let texts = (0..TEXTS).map(|_| text(&mut dice, &chars)).collect();
            cases.push(Case { written, printed, cased: dice.one_in(2), texts });
        }
        done += cases.len();
        let answers = checker::run(Checker::Regex, cases.iter().map(Case::line).collect());
        for (case, answer) in cases.iter().zip(&answers) {
            wrong.extend(compare(case, answer, &mut tally));
        }
    }
    let text = format!("{done} expressions accepted, {refused} refused; {tally:?}; {} disagreements", wrong.len());
    drop(writeln!(std::io::stderr(), "{text}"));
    assert!(wrong.is_empty(), "{text}\n{}", wrong.into_iter().take(40).collect::<Vec<_>>().join("\n"));
    // Texts that are always, or never, found would show nothing.
    let (found, texts) = (tally["found"], tally["texts"]);
    assert!(found * 10 > texts && found * 10 < texts * 9, "{text}");
    assert!(refused * 20 > done && tally["as written"] > done, "{text}");
}
