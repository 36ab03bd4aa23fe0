//! Random rules over processes, as text, and events made of their own literals.
//!
//! Literals are put together from what the three languages and their tools treat in some special way.

use super::super::oracle::{Event, Value};
use super::tree::{Cond, Made};
use arcanary::sema::Kind;

/// A generator of pseudo-random numbers (SplitMix64).
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// 0 to `n` less one.
    pub fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() >> 33).unwrap_or(0) % n
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

/// Utilities that random rules run.
pub const UTILITIES: &str = r#"
utility packer "Packer" {
  os [windows, linux]   image ["pack.exe", "pack"]   original ["Pack.exe"] when available   prefixes ["-", "/"]
  home [':\Windows\System32', '/usr/bin']
  verb create = first ["a", "u+"]   verb list = alone ["l", "list"]
  switch secret = glued "p"   switch volume = glued "v" digits   switch from = leading "@"
}
utility tarball "Tarball" {
  os [windows, linux]   image ["tarball"]   cased   values "f"
  verb create = dashless "c" or bundled "c" or long "create" min 2   verb other = default
  switch keep = equals "K" by ":" or bundled "k" last
}
group packers = [packer, tarball]
"#;

const TOOLS: [&str; 12] = [
    "runs packer",
    "runs packer to create",
    "runs packer with secret",
    "runs packers to create",
    "renamed packer when available",
    "relocated packer",
    "resembles packer to create",
    "runs tarball to other",
    "runs tarball with keep",
    "runs packer with any [secret, volume, from]",
    "parent runs packer",
    "runs packer to list",
];
const LINES: [&str; 12] = [
    "pack.exe a -pSecret x.7z",
    "\"C:\\Program Files\\pack.exe\" u+ x @list -v5m",
    "pack l",
    "pack /list /p",
    "tarball cf x.tar d",
    "tarball --cr -K:x",
    "tarball -xk",
    "pack.exe",
    "pack \"-p two\" a",
    "x \\\\srv\\share\\f f.txt:s",
    "pack a '-pX' -v",
    "tarball -fc x",
];

/// What most targets have stands there more than once.
const STRINGS: [&str; 16] = [
    "command_line",
    "process.name",
    "original_name",
    "user.name",
    "user.domain",
    "host.name",
    "parent.name",
    "parent.command_line",
    "process.pe.description",
    "process.pe.product",
    "process.entity_id",
    "user.id",
    "command_line",
    "command_line",
    "process.name",
    "parent.name",
];
const PATHS: [&str; 5] =
    ["executable", "process.working_directory", "parent.executable", "executable", "parent.executable"];
const NUMBERS: [&str; 2] = ["process.pid", "parent.pid"];

const PIECES: [&str; 52] = [
    "a", "Ab", "x", "7z", "rar", "é", "–", "日", "*", "?", "%", "_", "$", "$x$", "[", "]", "[z]", "{", "}", "`", "'",
    "\"", "\\", "\\\\", "/", "^", "(", ")", "|", ".", "+", "#", ",", ";", ":", "=", "&", "&&", "<", ">", "!", "~", "@",
    "-", "--", "//", " ", "  ", "null", "true", "10", "007",
];

fn literal(dice: &mut Dice) -> String {
    let n = 1 + dice.below(4);
    (0..n).map(|_| *dice.pick(&PIECES)).collect()
}

/// Text in either kind of quotes.
fn quoted(dice: &mut Dice, text: &str) -> String {
    if dice.one_in(2) {
        format!("'{}'", text.replace('\'', "''"))
    } else {
        format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n").replace('\t', "\\t"))
    }
}

/// The literals of a rule and the fields that it asks, for events to be made of.
#[derive(Default)]
pub struct Words {
    texts: Vec<(&'static str, String)>,
    numbers: Vec<i64>,
}

fn values(
    dice: &mut Dice,
    field: &'static str,
    words: &mut Words,
    make: &dyn Fn(&mut Dice) -> (String, String),
) -> (String, Vec<String>) {
    let n = 1 + dice.below(3);
    let mut all = vec![];
    for _ in 0..n {
        let (written, sample) = make(dice);
        words.texts.push((field, sample));
        all.push(quoted(dice, &written));
    }
    (format!("[{}]", all.join(", ")), all)
}

fn operand(
    dice: &mut Dice,
    field: &'static str,
    op: &str,
    words: &mut Words,
    make: &dyn Fn(&mut Dice) -> (String, String),
) -> String {
    let cased = if dice.one_in(4) { " cased" } else { "" };
    let (list, all) = values(dice, field, words, make);
    match (op, all.as_slice()) {
        ("is", [one, ..]) => format!("{field} is{cased} {one}"),
        ("in", _) => format!("{field} in{cased} {list}"),
        (op, [one]) => format!("{field} {op}{cased} {one}"),
        (op, _) => format!("{field} {op}{cased} {} {list}", if dice.one_in(3) { "all" } else { "any" }),
    }
}

fn same(text: String) -> (String, String) {
    (text.clone(), text)
}

/// A pattern of `like`, and a text of that form.
fn like(dice: &mut Dice) -> (String, String) {
    let (mut pattern, mut sample) = (String::new(), String::new());
    for _ in 0..1 + dice.below(4) {
        match dice.below(4) {
            0 => {
                pattern.push('*');
                let text = *dice.pick(&["", "q", "\\d\\", "x y"]);
                sample.push_str(text);
            }
            1 => {
                pattern.push('?');
                let text = *dice.pick(&["q", "_", "\\", "*"]);
                sample.push_str(text);
            }
            _ => {
                let text = literal(dice);
                for c in text.chars() {
                    if matches!(c, '*' | '?' | '[') { pattern.extend(['[', c, ']']) } else { pattern.push(c) }
                }
                sample.push_str(&text);
            }
        }
    }
    (pattern, sample)
}

/// A regular expression, and a text in which it is found.
fn regex(dice: &mut Dice) -> (String, String) {
    let text = literal(dice);
    let escaped = arcanary::ir::regex::escape(&text);
    match dice.below(6) {
        0 => (format!("^{escaped}"), text),
        1 => (format!("{escaped}$"), text),
        2 => (format!("(?:{escaped}|zz)[0-9]+"), text + "42"),
        3 => (format!("{escaped}.?[^a-c\"]*q{{2}}"), text + "x qq"),
        4 => (format!("a+(b|{escaped})?\\d"), format!("aa{text}1")),
        _ => (escaped, text),
    }
}

fn folder(dice: &mut Dice) -> (String, String) {
    let part = *dice.pick(&["Temp", "My Docs", "a.b", "é", "$R", "[x]", "x+y", "O'B"]);
    let (written, real) = match dice.below(5) {
        0 => (format!(r"C:\{part}"), format!(r"C:\{part}")),
        1 => (format!(r":\{part}\d"), format!(r"D:\{part}\d")),
        2 => (format!(r"\\srv\{part}"), format!(r"\\srv\{part}")),
        3 => (format!("/{part}"), format!("/{part}")),
        _ => (format!(r"{part}\e"), format!(r"E:\q\{part}\e")),
    };
    (written, real + *dice.pick(&["", r"\f.exe", "x", r"\g h\f"]))
}

/// Text that an argument may be compared with.
fn argument(dice: &mut Dice) -> (String, String) {
    let text: String = literal(dice).chars().filter(|c| *c != '"' && !c.is_whitespace()).collect();
    let text = if text.is_empty() { "q".to_owned() } else { text };
    let before = *dice.pick(&["x ", "x \"", "x '", "x y", "\"x y\" -", "x y\"", "x\t"]);
    let after = *dice.pick(&["", "\"", "'", " z", "z"]);
    (text.clone(), format!("{before}{text}{after}"))
}

fn leaf(dice: &mut Dice, words: &mut Words) -> String {
    let text = |dice: &mut Dice| same(literal(dice));
    match dice.below(20) {
        0..=7 => {
            let field = *dice.pick(&STRINGS);
            let op =
                *dice.pick(&["is", "in", "contains", "starts with", "ends with", "like", "matches", "contains", "in"]);
            match op {
                "like" => operand(dice, field, op, words, &like),
                "matches" => operand(dice, field, op, words, &regex),
                _ => operand(dice, field, op, words, &text),
            }
        }
        8..=10 => {
            let field = *dice.pick(&PATHS);
            let op = *dice.pick(&["is", "in", "contains", "starts with", "ends with", "like", "under", "under"]);
            match op {
                "like" => operand(dice, field, op, words, &like),
                "under" | "is" | "in" => operand(dice, field, op, words, &folder),
                _ => operand(dice, field, op, words, &text),
            }
        }
        11..=13 => {
            let field = if dice.one_in(6) { "parent.argument" } else { "argument" };
            let line = if field == "argument" { "command_line" } else { "parent.command_line" };
            let op = *dice.pick(&["is", "in", "contains", "starts with", "ends with", "like", "under", "under"]);
            let made = match op {
                "under" => operand(dice, line, op, words, &|d| {
                    let (written, real) = folder(d);
                    (written, format!("x \"{real}\" y"))
                }),
                "like" => operand(dice, line, op, words, &|d| {
                    let (pattern, sample) = like(d);
                    (pattern.replace('"', "'"), format!("x \"{}\"", sample.replace('"', "'")))
                }),
                _ => operand(dice, line, op, words, &argument),
            };
            made.replacen(line, field, 1)
        }
        14 | 15 => {
            let field = *dice.pick(&NUMBERS);
            let n = *dice.pick(&[0, 4, 10, 4711]);
            words.numbers.push(n);
            let op = *dice.pick(&[">=", "<=", ">", "<", "is"]);
            if dice.one_in(4) { format!("{field} in [{n}, 8]") } else { format!("{field} {op} {n}") }
        }
        16 => format!("{} exists", if dice.one_in(3) { *dice.pick(&PATHS) } else { *dice.pick(&STRINGS) }),
        17 => match dice.below(4) {
            0 => "argument.is_unc".to_owned(),
            1 => "argument.is_stream".to_owned(),
            2 => format!("{} is {}", STRINGS[dice.below(4)], STRINGS[4 + dice.below(4)]),
            _ => format!("executable is{} parent.executable", if dice.one_in(2) { " cased" } else { "" }),
        },
        _ => (*dice.pick(&TOOLS)).to_owned(),
    }
}

fn cond(dice: &mut Dice, depth: usize, words: &mut Words) -> Cond {
    let several = |dice: &mut Dice, words: &mut Words| {
        (0..2 + dice.below(2)).map(|_| cond(dice, depth - 1, words)).collect::<Vec<_>>()
    };
    match if depth == 0 { 9 } else { dice.below(10) } {
        0..=2 => Cond::And(several(dice, words)),
        3..=5 => Cond::Or(several(dice, words)),
        6 | 7 => Cond::Not(Box::new(cond(dice, depth - 1, words))),
        _ => Cond::Leaf(leaf(dice, words)),
    }
}

/// A rule, and the words that it is made of.
pub fn rule(dice: &mut Dice, number: u64) -> (Made, Words) {
    let mut words = Words::default();
    let depth = dice.below(4);
    let detect = cond(dice, depth, &mut words);
    // A score wants flags that hold together now and then.
    let score = dice.one_in(4).then(|| {
        let weights: Vec<u64> = (0..2 + dice.below(4)).map(|_| *dice.pick(&[10, 10, 25, 25, 50])).collect();
        let threshold = *dice.pick(&[10, 25, 35, 50, 60]);
        (weights, threshold)
    });
    let count = score.as_ref().map_or_else(|| dice.below(3), |(weights, _)| weights.len());
    let flags = (0..count).map(|_| cond(dice, 1, &mut words)).collect();
    let except = dice.one_in(3).then(|| cond(dice, 1, &mut words));
    let os = if dice.one_in(5) { "linux" } else { "windows" };
    (Made { name: format!("random_{number}"), number, os, detect, flags, except, score }, words)
}

fn near(dice: &mut Dice, text: &str) -> String {
    match dice.below(10) {
        0 => text.to_ascii_uppercase(),
        1 => text.to_ascii_lowercase(),
        2 => format!("{text}{}", dice.pick(&PIECES)),
        3 => format!("{}{text}", dice.pick(&PIECES)),
        4 => text.chars().skip(1).collect(),
        5 => text.replace(['*', '?', '%', '_', '.'], "v"),
        6 => text.replace('\\', "/"),
        _ => text.to_owned(),
    }
}

/// What logs hold, and what the compiler takes for granted: names hold no separators, paths end in a name, and neither
/// name is a filler. Whatever else a rule's words are stays.
fn fitting(field: &str, text: String, linux: bool) -> String {
    let is_path = PATHS.contains(&field);
    let is_name = matches!(field, "process.name" | "parent.name" | "user.name" | "user.domain");
    let mut text = match (is_path, is_name) {
        (true, _) if linux => text.replace('\\', "/"),
        (_, true) => text.replace(['\\', '/'], ""),
        _ => text,
    };
    let name = text.rsplit(['\\', '/']).next().unwrap_or("");
    if (is_path || is_name) && !text.is_empty() && matches!(name, "" | "-" | "unknown") {
        text.push('n');
    }
    text
}

/// An event around the words of a rule.
pub fn event(dice: &mut Dice, made: &Made, words: &Words) -> Event {
    let linux = made.os == "linux";
    let mut fields: Vec<(&str, Value)> = vec![("host.os", Value::Text(made.os.to_owned()))];
    let mut put = |name: &'static str, text: String| {
        let text = fitting(name, text, linux);
        if !fields.iter().any(|(n, _)| *n == name) {
            fields.push((name, Value::Text(text)));
        }
    };
    let mut texts: Vec<&(&'static str, String)> = words.texts.iter().collect();
    // Another order each time: the first value of a field stays.
    for i in (1..texts.len()).rev() {
        texts.swap(i, dice.below(i + 1));
    }
    for (field, text) in texts {
        if !dice.one_in(4) {
            put(field, near(dice, text));
        }
    }
    for (field, all) in [
        ("command_line", &LINES[..]),
        ("executable", &[r"C:\Windows\System32\pack.exe", r"D:\x\PACK.exe", "/opt/tarball", "/usr/bin/pack"]),
    ] {
        if dice.one_in(2) {
            put(field, (*dice.pick(all)).to_owned());
        }
    }
    for field in STRINGS.into_iter().chain(PATHS) {
        if dice.one_in(8) {
            let text = *dice.pick(&["-", "unknown", "", "Pack.exe", "q", "--"]);
            put(field, text.to_owned());
        }
    }
    for name in NUMBERS {
        if !dice.one_in(3) {
            let n = if words.numbers.is_empty() || dice.one_in(4) { 8 } else { *dice.pick(&words.numbers) };
            let n = n + i64::try_from(dice.below(3)).unwrap_or(0) - 1;
            fields.push((name, Value::Number(n.max(0))));
        }
    }
    Event::new(Kind::Process, fields)
}
