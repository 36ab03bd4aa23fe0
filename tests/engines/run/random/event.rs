//! Events around the words of a rule.

use super::leaf::{Ground, field};
use super::words::PIECES;
use super::{Dice, Words};
use crate::oracle::{Event, Value};
use crate::run::tree::Made;
use arcanary::vocabulary::{FieldId, Type};
use std::collections::BTreeMap;

const LINES: [&str; 14] = [
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
    "shell (Pack-Files) \u{2013}force",
    "shell\tPack-Files\r\n-fo",
];
const IMAGES: [&str; 5] =
    [r"C:\Windows\System32\pack.exe", r"D:\x\PACK.exe", "/opt/tarball", "/usr/bin/pack", r"C:\shell.exe"];

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

/// The value itself, or one that a careless query takes for it.
fn close(dice: &mut Dice, id: FieldId, value: &Value) -> Value {
    match (id.def().ty, value) {
        (Type::Enum(words), _) if dice.one_in(3) => Value::Text((*dice.pick(words)).to_owned()),
        (Type::Enum(_), value) => value.clone(),
        (Type::Ip, _) if dice.one_in(3) => Value::Text(
            (*dice.pick(&["10.1.1.1", "11.0.0.1", "192.168.8.0", "fe80::1", "::2", "localhost", "::ffff:11.0.0.1"]))
                .to_owned(),
        ),
        // As systems write an IPv4 address of a socket that takes both.
        (Type::Ip, Value::Text(text)) if !text.contains(':') && dice.one_in(3) => Value::Text(format!("::ffff:{text}")),
        (Type::Ip, value) => value.clone(),
        (Type::Hash(_), Value::Text(text)) if dice.one_in(3) => Value::Text(text.to_ascii_uppercase()),
        (Type::Hash(_), Value::Text(text)) if dice.one_in(3) => Value::Text(text.replace('a', "b")),
        (Type::Hash(_), value) => value.clone(),
        (Type::Time, Value::Number(n)) => {
            Value::Number(n + (i64::try_from(dice.below(3)).unwrap_or(0) - 1) * 1_000_000)
        }
        (_, Value::Number(n)) => Value::Number((n + i64::try_from(dice.below(3)).unwrap_or(0) - 1).max(0)),
        (_, Value::Bool(value)) => Value::Bool(*value ^ dice.one_in(3)),
        (_, Value::Text(text)) => Value::Text(near(dice, text)),
    }
}

/// What logs hold, and what the compiler takes for granted: names hold no separators, paths end in a name, and neither
/// name is a filler. Whatever else a rule's words are stays.
fn fitting(id: FieldId, text: String, linux: bool) -> String {
    let is_path = id.def().ty == Type::Path;
    let names = ["process.name", "parent.name", "user.name", "user.domain", "file.name", "file.extension", "dll.name"];
    let is_name = names.contains(&id.short());
    let mut text = match (is_path, is_name) {
        (true, _) if linux => text.replace('\\', "/"),
        (_, true) if id.short() == "file.extension" => text.replace(['\\', '/', '.'], ""),
        (_, true) => text.replace(['\\', '/'], ""),
        _ => text,
    };
    let name = text.rsplit(['\\', '/']).next().unwrap_or("");
    if (is_path || is_name) && !text.is_empty() && matches!(name, "" | "-" | "unknown") {
        text.push('n');
    }
    text
}

/// An event of one of the rule's kinds.
pub fn event(dice: &mut Dice, made: &Made, words: &Words) -> Event {
    let kinds = &made.kinds[dice.below(made.kinds.len())..][..1];
    let kind = kinds[0];
    let linux = made.os == "linux";
    let mut fields: BTreeMap<FieldId, Value> = BTreeMap::new();
    let mut put = |id: FieldId, value: Value| {
        let value = match value {
            Value::Text(text) => Value::Text(fitting(id, text, linux)),
            other => other,
        };
        if id.def().has_kind(kind) {
            fields.entry(id).or_insert(value);
        }
    };
    let named = |name: &str| FieldId::find(name).expect("a field");
    put(named("host.os"), Value::Text(made.os.to_owned()));
    let mut all: Vec<&(FieldId, Value)> = words.0.iter().collect();
    // Another order each time: the first value of a field stays.
    for i in (1..all.len()).rev() {
        all.swap(i, dice.below(i + 1));
    }
    for (id, value) in all {
        if !dice.one_in(4) {
            let value = close(dice, *id, value);
            put(*id, value);
        }
    }
    for (name, all) in [("command_line", &LINES[..]), ("executable", &IMAGES), ("script.text", &LINES)] {
        if dice.one_in(2) {
            put(named(name), Value::Text((*dice.pick(all)).to_owned()));
        }
    }
    for _ in 0..4 {
        let id = field(dice, Ground { kinds, common: false });
        let value = match id.def().ty {
            Type::String | Type::Path => {
                Value::Text((*dice.pick(&["-", "unknown", "", "Pack.exe", "q", "--", "NULL"])).to_owned())
            }
            Type::Int | Type::Size => Value::Number(i64::try_from(dice.below(12)).unwrap_or(0)),
            _ => continue,
        };
        put(id, value);
    }
    Event::new(kind, fields.iter().map(|(id, value)| (id.short(), value.clone())))
}
