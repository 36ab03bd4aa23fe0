//! Random rules over several events, as text. A step asks for a letter, events carry letters: so one event may be of
//! several steps.

use super::super::random::Dice;
use std::fmt::Write as _;

/// A rule, and its window in seconds.
#[derive(Clone, Debug)]
pub struct Made {
    pub name: String,
    pub text: String,
    pub within: i64,
}

/// Kinds of events and the field in which they carry their letters.
const KINDS: [(&str, &str); 3] =
    [("process", "command_line"), ("file", "file.name"), ("network", "destination.domain")];
/// Windows in seconds.
pub const WINDOWS: [i64; 3] = [10, 60, 900];
const NAMES: [&str; 4] = ["one", "two", "three", "four"];
const LETTERS: [&str; 4] = ["a", "b", "c", "d"];

fn letters(kinds: &[usize], letter: &str, step: Option<&str>) -> String {
    let before = step.map_or_else(String::new, |s| format!("{s}."));
    let asked: Vec<String> = kinds.iter().map(|k| format!("{before}{} contains \"{letter}\"", KINDS[*k].1)).collect();
    if asked.len() == 1 { asked[0].clone() } else { format!("({})", asked.join(" or ")) }
}

fn kinds(dice: &mut Dice) -> Vec<usize> {
    let first = dice.below(3);
    let second = dice.below(3);
    if dice.one_in(5) && first != second { vec![first, second] } else { vec![first] }
}

/// `process or file where … contains "a"`
fn query(kinds: &[usize], letter: &str) -> String {
    let words: Vec<&str> = kinds.iter().map(|k| KINDS[*k].0).collect();
    format!("{} where {}", words.join(" or "), letters(kinds, letter, None))
}

/// What joins a step to one before it.
fn join(dice: &mut Dice, before: &[&str]) -> String {
    if before.is_empty() {
        return String::new();
    }
    let one = *dice.pick(before);
    match dice.below(12) {
        0..=2 => format!(" and process is {one}.process"),
        3 => format!(" and parent is {one}.process"),
        4 => format!(" and user.name is {one}.user.name"),
        5 => format!(" and user is {one}.user"),
        6 => format!(" and (process is {one}.process or parent is {one}.process)"),
        7 => format!(" and not user.name is {one}.user.name"),
        8 => format!(" and user.name is cased {one}.user.name"),
        _ => String::new(),
    }
}

/// A sequence, or steps together.
pub fn steps(dice: &mut Dice, number: usize) -> Made {
    let ordered = !dice.one_in(3);
    let count = 2 + usize::from(dice.one_in(3)) + usize::from(dice.one_in(9));
    let key = *dice.pick(&["host", "host", "host, user.name", "process", "user.name", "user", "host, process"]);
    let within = *dice.pick(&WINDOWS);
    let mut text = format!("  detect {} by {key} within {within}s {{\n", if ordered { "sequence" } else { "together" });
    let mut named: Vec<&str> = vec![];
    let mut of: Vec<Vec<usize>> = vec![];
    for i in 0..count {
        if i > 0 && ordered && dice.one_in(3) {
            let kinds = kinds(dice);
            let _ = writeln!(text, "    without no{i}: {}{}", query(&kinds, "w"), join(dice, &named));
        }
        let kinds = if i > 0 && dice.one_in(3) { of[0].clone() } else { kinds(dice) };
        let letter = if dice.one_in(5) { "a" } else { LETTERS[i] };
        let _ = writeln!(text, "    {}: {}{}", NAMES[i], query(&kinds, letter), join(dice, &named));
        named.push(NAMES[i]);
        of.push(kinds);
    }
    let required = named.clone();
    for name in ["late", "later"] {
        if dice.one_in(4) {
            let kinds = kinds(dice);
            let _ = writeln!(text, "    optional {name}: {}{}", query(&kinds, "o"), join(dice, &named));
            named.push(name);
            of.push(kinds);
        }
    }
    text.push_str("  }\n");
    for i in 0..dice.below(3) {
        let step = dice.below(named.len());
        let name = named[step];
        let condition = match dice.below(4) {
            0 => letters(&of[step], "f", Some(name)),
            1 => format!("not {}", letters(&of[step], "f", Some(name))),
            2 => format!("{}.user.name is {}.user.name", named[0], named[named.len() - 1]),
            _ => format!("{name}.user.name exists and not {}", letters(&of[0], "b", Some(named[0]))),
        };
        let _ = writeln!(text, "  flag flag{i} = {condition}");
    }
    let step = dice.below(required.len());
    if dice.one_in(3) {
        let asked = letters(&of[step], "x", Some(required[step]));
        let _ = writeln!(text, "  except \"One\" because \"a ticket\" where {asked}");
    }
    if dice.one_in(4) {
        let (a, b) = (required[0], required[required.len() - 1]);
        let asked = letters(&of[0], "y", Some(a));
        let _ =
            writeln!(text, "  except \"Both\" because \"a ticket\" where {a}.user.name is {b}.user.name and {asked}");
    }
    made(number, &text, within)
}

/// A count of events or of different values.
pub fn count(dice: &mut Dice, number: usize) -> Made {
    let key = *dice.pick(&["host", "host", "user.name", "host, user.name", "process"]);
    let within = *dice.pick(&WINDOWS);
    let n = 1 + dice.below(4);
    let kinds = if dice.one_in(3) { kinds(dice) } else { vec![0, 1, 2] };
    let what = match dice.below(2) {
        0 => "count".to_owned(),
        _ => format!("distinct {}", *dice.pick(&["user.name", "process", "host", "process.pid"])),
    };
    let mut text = format!("  detect {what} >= {n} by {key} within {within}s of {}\n", query(&kinds, "a"));
    if dice.one_in(3) {
        let _ = writeln!(text, "  except \"One\" because \"a ticket\" where {}", letters(&kinds, "x", None));
    }
    made(number, &text, within)
}

fn made(number: usize, entries: &str, within: i64) -> Made {
    let name = format!("timed_{number}");
    let head = format!("title \"Timed {number}\" id 00000000-0000-4000-8000-{number:012x} level low os [windows]");
    Made { text: format!("rule {name} {{\n  {head}\n{entries}}}\n"), name, within }
}
