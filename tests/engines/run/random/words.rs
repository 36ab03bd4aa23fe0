//! Literals, patterns, expressions and folders, each with a text that it is about.

use super::Dice;
use base64::Engine as _;

/// What literals are put together from.
pub(super) const PIECES: [&str; 55] = [
    "a", "Ab", "x", "7z", "rar", "é", "–", "日", "*", "?", "%", "_", "$", "$x$", "[", "]", "[z]", "{", "}", "`", "```",
    "'", "\"", "\\", "\\\\", "/", "^", "(", ")", "|", ".", "+", "#", ",", ";", ":", "=", "&", "&&", "<", ">", "!", "~",
    "@", "-", "--", "//", " ", "  ", "null", "true", "10", "007", "\n", "\t",
];

/// One to four of them.
pub(super) fn literal(dice: &mut Dice) -> String {
    let n = 1 + dice.below(4);
    (0..n).map(|_| *dice.pick(&PIECES)).collect()
}

/// Text in either kind of quotes; a raw one holds no line break.
pub(super) fn quoted(dice: &mut Dice, text: &str) -> String {
    if dice.one_in(2) && !text.contains('\n') {
        format!("'{}'", text.replace('\'', "''"))
    } else {
        format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n").replace('\t', "\\t"))
    }
}

/// How a text is written in a rule, and a text that it is about.
pub(super) type Pair = (String, String);

pub(super) fn plain(dice: &mut Dice) -> Pair {
    let text = literal(dice);
    (text.clone(), text)
}

/// A pattern of `like`, and a text of that form.
pub(super) fn like(dice: &mut Dice) -> Pair {
    let (mut pattern, mut sample) = (String::new(), String::new());
    for _ in 0..1 + dice.below(4) {
        match dice.below(4) {
            0 => {
                pattern.push('*');
                let text = *dice.pick(&["", "q", "\\d\\", "x y", "\n"]);
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
pub(super) fn regex(dice: &mut Dice) -> Pair {
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

pub(super) fn folder(dice: &mut Dice) -> Pair {
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
pub(super) fn argument(dice: &mut Dice) -> Pair {
    let text: String = literal(dice).chars().filter(|c| *c != '"' && !c.is_whitespace()).collect();
    let text = if text.is_empty() { "q".to_owned() } else { text };
    let before = *dice.pick(&["x ", "x \"", "x '", "x y", "\"x y\" -", "x y\"", "x\t"]);
    let after = *dice.pick(&["", "\"", "'", " z", "z"]);
    (text.clone(), format!("{before}{text}{after}"))
}

/// `base64("x")` or `base64wide("x")`, and a text that holds it at some offset.
pub(super) fn encoded(dice: &mut Dice) -> Pair {
    let text = literal(dice);
    let wide = dice.one_in(2);
    let whole = format!("{}{text}{}", dice.pick(&["", "x", "xy"]), dice.pick(&["", "z"]));
    let bytes: Vec<u8> =
        if wide { whole.encode_utf16().flat_map(u16::to_le_bytes).collect() } else { whole.into_bytes() };
    let sample = format!("-e {}", base64::engine::general_purpose::STANDARD.encode(bytes));
    let written = quoted(dice, &text);
    (format!("{}({written})", if wide { "base64wide" } else { "base64" }), sample)
}

/// Some hexadecimal digests with `digits` digits.
pub(super) fn digest(dice: &mut Dice, digits: usize) -> String {
    dice.pick(&["0123456789abcdef", "fedcba98", "aa"]).repeat(digits).chars().take(digits).collect()
}
