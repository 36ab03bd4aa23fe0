//! Single conditions: every operator on every type of field.

use super::words::{Pair, argument, digest, encoded, folder, like, plain, quoted, regex};
use super::{Dice, Words};
use crate::oracle::Value;
use arcanary::vocabulary::{FieldId, Kind, Type, fields};

const TOOLS: [&str; 14] = [
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
    "runs shell to create",
    "runs shell with force",
];

/// Where conditions of a rule look.
#[derive(Clone, Copy)]
pub(super) struct Ground {
    /// At events of these kinds.
    pub kinds: &'static [Kind],
    /// Only at what nearly every log has: most targets take such a rule.
    pub common: bool,
}

/// What nearly every log of a kind has.
fn common(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Process => &[
            "command_line",
            "command_line",
            "command_line",
            "argument",
            "argument",
            "argument.is_unc",
            "argument.is_stream",
            "executable",
            "executable",
            "process.name",
            "process.name",
            "parent.executable",
            "parent.name",
            "user.name",
            "host.name",
            "event.time",
            "process.pid",
        ],
        Kind::File => {
            &["file.path", "file.path", "file.name", "file.name", "file.extension", "file.directory", "file.action"]
        }
        Kind::Library => &["dll.path", "dll.path", "dll.name", "dll.name", "executable", "process.name"],
        Kind::Network => &[
            "destination.ip",
            "destination.ip",
            "source.ip",
            "destination.port",
            "source.port",
            "network.direction",
            "network.transport",
        ],
        Kind::Script => &["script.text"],
    }
}

/// What some logs of a kind have.
fn special(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Process => &[
            "original_name",
            "user.domain",
            "user.id",
            "host.os",
            "parent.command_line",
            "parent.argument",
            "parent.pid",
            "process.pe.description",
            "process.pe.product",
            "process.entity_id",
            "process.working_directory",
            "process.hash.sha256",
            "process.hash.md5",
        ],
        Kind::File => &[
            "file.size",
            "file.size",
            "file.hash.sha256",
            "process.name",
            "executable",
            "process.pid",
            "user.name",
            "host.name",
        ],
        Kind::Library => &[
            "dll.hash.sha1",
            "dll.code_signature.exists",
            "dll.code_signature.trusted",
            "dll.code_signature.status",
            "user.name",
        ],
        Kind::Network => &["destination.domain", "executable", "process.name", "host.name"],
        Kind::Script => &["script.path", "host.name"],
    }
}

/// A field that one of these kinds has.
pub(super) fn field(dice: &mut Dice, ground: Ground) -> FieldId {
    let kind = *dice.pick(ground.kinds);
    if ground.common || dice.one_in(2) {
        return FieldId::find(dice.pick::<&str>(common(kind))).expect("a field");
    }
    if dice.one_in(6) {
        let all = fields::all().filter(|f| f.def().has_kind(kind) && f.def().ty != Type::Identity);
        return *dice.pick(&all.collect::<Vec<_>>());
    }
    FieldId::find(dice.pick::<&str>(special(kind))).expect("a field")
}

/// `FIELD OP VALUE`, with one value or several.
fn operand(
    dice: &mut Dice,
    (field, of): (&str, FieldId),
    op: &str,
    words: &mut Words,
    make: impl Fn(&mut Dice) -> Pair,
) -> String {
    let cased = if dice.one_in(4) { " cased" } else { "" };
    let all: Vec<String> = (0..1 + dice.below(3))
        .map(|_| {
            let (written, sample) = make(dice);
            words.put(of, Value::Text(sample));
            quoted(dice, &written)
        })
        .collect();
    let list = all.join(", ");
    match (op, all.as_slice()) {
        ("is", [one, ..]) => format!("{field} is{cased} {one}"),
        ("in", _) => format!("{field} in{cased} [{list}]"),
        (op, [one]) => format!("{field} {op}{cased} {one}"),
        (op, _) => format!("{field} {op}{cased} {} [{list}]", if dice.one_in(3) { "all" } else { "any" }),
    }
}

/// One condition on one field, or of one tool.
pub(super) fn leaf(dice: &mut Dice, ground: Ground, words: &mut Words) -> String {
    let tools = ground.kinds.iter().any(|k| matches!(k, Kind::Process | Kind::Script));
    if tools && dice.one_in(8) {
        return (*dice.pick(&TOOLS)).to_owned();
    }
    let id = field(dice, ground);
    let name = id.short();
    match dice.below(20) {
        0 => return format!("{name} exists"),
        1 => {
            if let Some(other) = twin(dice, id, ground) {
                let cased = if id.def().ty.is_text() && dice.one_in(3) { " cased" } else { "" };
                return format!("{name} is{cased} {}", other.short());
            }
        }
        _ => {}
    }
    match id.def().ty {
        Type::String => string(dice, id, words),
        Type::Path => {
            let op =
                *dice.pick(&["is", "in", "contains", "starts with", "ends with", "like", "matches", "under", "under"]);
            match op {
                "like" => operand(dice, (name, id), op, words, like),
                "matches" => operand(dice, (name, id), op, words, regex),
                "under" | "is" | "in" => operand(dice, (name, id), op, words, folder),
                _ => operand(dice, (name, id), op, words, plain),
            }
        }
        Type::Argument => of_argument(dice, id, words),
        Type::Bool => {
            words.put(id, Value::Bool(dice.one_in(2)));
            if dice.one_in(2) { name.to_owned() } else { format!("{name} is false") }
        }
        Type::Int | Type::Size => {
            let n = *dice.pick(&[0, 4, 10, 443, 4711]);
            words.put(id, Value::Number(n));
            let op = *dice.pick(&[">=", "<=", ">", "<", "is"]);
            if dice.one_in(4) { format!("{name} in [{n}, 8]") } else { format!("{name} {op} {n}") }
        }
        Type::Time => {
            // The first seconds of March 2026.
            let (date, second) = *dice.pick(&[("2026-03-01", 1_772_323_200), ("2026-03-02", 1_772_409_600)]);
            words.put(id, Value::Number(second * 1_000_000));
            format!("{name} {} {date}", dice.pick(&[">=", "<=", ">", "<"]))
        }
        Type::Hash(digits) => {
            let some: Vec<String> = (0..1 + dice.below(2)).map(|_| digest(dice, digits)).collect();
            words.put(id, Value::Text(some[0].clone()));
            let list = some.iter().map(|d| format!("'{d}'")).collect::<Vec<_>>().join(", ");
            if some.len() == 1 { format!("{name} is {list}") } else { format!("{name} in [{list}]") }
        }
        Type::Ip => address(dice, id, words),
        Type::Enum(all) => {
            let word = *dice.pick(all);
            words.put(id, Value::Text(word.to_owned()));
            let other = *dice.pick(all);
            if dice.one_in(2) { format!("{name} is {word}") } else { format!("{name} in [{word}, {other}]") }
        }
        Type::Identity => format!("{name} exists"),
    }
}

/// Another field of the same type.
fn twin(dice: &mut Dice, id: FieldId, ground: Ground) -> Option<FieldId> {
    let found = (0..20).map(|_| field(dice, ground)).find(|f| *f != id && f.def().ty == id.def().ty);
    found.filter(|_| id.def().ty != Type::Argument)
}

fn string(dice: &mut Dice, id: FieldId, words: &mut Words) -> String {
    let name = id.short();
    if dice.one_in(24) {
        let (list, sample) = encoded(dice);
        words.put(id, Value::Text(sample));
        return format!("{name} contains cased any {list}");
    }
    let op = *dice.pick(&["is", "in", "contains", "starts with", "ends with", "like", "matches", "contains", "in"]);
    match op {
        "like" => operand(dice, (name, id), op, words, like),
        "matches" => operand(dice, (name, id), op, words, regex),
        _ => operand(dice, (name, id), op, words, plain),
    }
}

fn of_argument(dice: &mut Dice, id: FieldId, words: &mut Words) -> String {
    let line = FieldId::find(if id.def().parent { "parent.command_line" } else { "command_line" }).expect("a field");
    let named = (id.short(), line);
    let op = *dice.pick(&["is", "in", "contains", "starts with", "ends with", "like", "under", "under"]);
    match op {
        "under" => operand(dice, named, op, words, |d| {
            let (written, real) = folder(d);
            (written, format!("x \"{real}\" y"))
        }),
        "like" => operand(dice, named, op, words, |d| {
            let (pattern, sample) = like(d);
            (pattern.replace('"', "'"), format!("x \"{}\"", sample.replace('"', "'")))
        }),
        _ => operand(dice, named, op, words, argument),
    }
}

/// Networks and addresses, with one inside.
fn address(dice: &mut Dice, id: FieldId, words: &mut Words) -> String {
    let all = [
        ("10.0.0.0/8", "10.255.0.1"),
        ("192.168.4.0/22", "192.168.7.255"),
        ("0.0.0.0/0", "8.8.8.8"),
        ("fd00::/8", "fdff::1"),
        ("fe80::/10", "febf::2"),
        ("::1/128", "::1"),
        ("100.0.0.0/9", "::ffff:100.5.0.1"),
        ("::/16", "0:ff::1"),
    ];
    let some: Vec<_> = (0..1 + dice.below(2)).map(|_| *dice.pick(&all)).collect();
    words.put(id, Value::Text(some[0].1.to_owned()));
    let list = |of: fn(&(&'static str, &'static str)) -> &'static str| {
        some.iter().map(|pair| format!("'{}'", of(pair))).collect::<Vec<_>>().join(", ")
    };
    match dice.below(4) {
        0 => format!("{} is '{}'", id.short(), some[0].1),
        1 => format!("{} in [{}]", id.short(), list(|p| p.1)),
        _ => format!("{} in cidr [{}]", id.short(), list(|p| p.0)),
    }
}
