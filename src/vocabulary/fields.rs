//! The fields of the language: names, types, kinds of event. One table; the reference page is checked against it.
//!
//! Names are those of the Elastic Common Schema, with the short aliases of the language.

use std::collections::HashMap;
use std::sync::LazyLock;

/// A kind of event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A process starts.
    Process,
    /// Something happens to a file.
    File,
    /// A library is loaded.
    Library,
    /// A connection.
    Network,
    /// A script block.
    Script,
}

impl Kind {
    /// Every kind, in the order of the reference.
    pub const ALL: [Kind; 5] = [Kind::Process, Kind::File, Kind::Library, Kind::Network, Kind::Script];

    /// The keyword.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Kind::Process => "process",
            Kind::File => "file",
            Kind::Library => "library",
            Kind::Network => "network",
            Kind::Script => "script",
        }
    }

    /// From the keyword.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|k| k.word() == word)
    }
}

/// An operating system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Os {
    /// Windows.
    Windows,
    /// Linux.
    Linux,
    /// macOS.
    Macos,
}

impl Os {
    /// Every system.
    pub const ALL: [Os; 3] = [Os::Windows, Os::Linux, Os::Macos];

    /// The word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Os::Windows => "windows",
            Os::Linux => "linux",
            Os::Macos => "macos",
        }
    }

    /// From the word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Os> {
        Os::ALL.into_iter().find(|o| o.word() == word)
    }
}

/// A field's type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// Text.
    String,
    /// A path of a file or folder.
    Path,
    /// Any argument of a command line.
    Argument,
    /// True or false.
    Bool,
    /// A whole number.
    Int,
    /// A number of bytes.
    Size,
    /// A point in time.
    Time,
    /// A hexadecimal digest with this many digits.
    Hash(usize),
    /// An IP address.
    Ip,
    /// One of these words.
    Enum(&'static [&'static str]),
    /// A host, user or process as such.
    Identity,
}

impl Type {
    /// In words, with an article.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Type::String => "a string",
            Type::Path => "a path",
            Type::Argument => "an argument",
            Type::Bool => "true or false",
            Type::Int => "a number",
            Type::Size => "a size",
            Type::Time => "a time",
            Type::Hash(_) => "a hash",
            Type::Ip => "an IP address",
            Type::Enum(_) => "one of a few words",
            Type::Identity => "an identity",
        }
    }

    /// The regular expression of a hash: its digits alone.
    #[must_use]
    pub fn digest(self) -> Option<String> {
        if let Type::Hash(digits) = self { Some(format!("^[0-9a-f]{{{digits}}}$")) } else { None }
    }

    /// Strings, paths and arguments.
    #[must_use]
    pub fn is_text(self) -> bool {
        matches!(self, Type::String | Type::Path | Type::Argument)
    }
}

/// The words of `host.os`.
pub const OS_WORDS: [&str; 3] = ["windows", "linux", "macos"];
/// The words of `file.action`.
pub const FILE_ACTIONS: [&str; 5] = ["created", "modified", "moved", "deleted", "opened"];
/// The words of `event.outcome`.
pub const OUTCOMES: [&str; 2] = ["success", "failure"];
const TRANSPORTS: [&str; 2] = ["tcp", "udp"];
const DIRECTIONS: [&str; 2] = ["inbound", "outbound"];

/// A field, by its place in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldId(u16);

/// What the table says of a field.
#[derive(Clone, Debug)]
pub struct FieldDef {
    /// Name in the Elastic Common Schema (our own where it has none).
    pub ecs: String,
    /// The name that `fmt` writes.
    pub short: String,
    /// Its type.
    pub ty: Type,
    /// The kinds of event that have it; empty: every kind.
    pub kinds: &'static [Kind],
    /// It belongs to the parent process.
    pub parent: bool,
}

impl FieldDef {
    /// Whether events of this kind may have the field.
    #[must_use]
    pub fn has_kind(&self, kind: Kind) -> bool {
        self.kinds.is_empty() || self.kinds.contains(&kind)
    }
}

impl FieldId {
    /// How many fields there are.
    pub const COUNT: usize = OTHER.len() + 2 * (PROCESS.len() + ARGUMENT.len());

    /// Its place among all fields, below [`FieldId::COUNT`].
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }

    /// What the table says of it.
    #[must_use]
    pub fn def(self) -> &'static FieldDef {
        let table = &TABLE.fields;
        // An id is only ever made from the table itself; the first row is a harmless stand-in.
        table.get(self.0 as usize).unwrap_or(&TABLE.first)
    }

    /// The name that `fmt` writes.
    #[must_use]
    pub fn short(self) -> &'static str {
        &self.def().short
    }

    /// By either name.
    #[must_use]
    pub fn find(name: &str) -> Option<FieldId> {
        TABLE.names.get(name).copied()
    }

    /// The same field of the parent process.
    #[must_use]
    pub fn of_parent(self) -> Option<FieldId> {
        let def = self.def();
        if def.parent {
            return None;
        }
        match def.ecs.strip_prefix("process.") {
            Some(rest) => FieldId::find(&format!("process.parent.{rest}")),
            None => FieldId::find(&format!("parent.{}", def.short)),
        }
    }
}

/// Every field, in the order of the reference.
pub fn all() -> impl Iterator<Item = FieldId> {
    (0..TABLE.fields.len()).map(|i| FieldId(u16::try_from(i).unwrap_or(0)))
}

/// The names of fields that events of these kinds may have: the short ones first, then those of the Elastic Common Schema.
pub fn names_of<'a>(kinds: &'a [Kind]) -> impl Iterator<Item = &'a str> {
    let there = || all().filter(|f| kinds.iter().any(|kind| f.def().has_kind(*kind)));
    let shorts = there().map(|f| -> &'a str { f.short() });
    shorts.chain(there().map(|f| -> &'a str { &f.def().ecs }))
}

/// Words that no name may be: enum values and the first words of fields' short names.
#[must_use]
pub fn is_taken(word: &str) -> Option<&'static str> {
    let enums = [&OS_WORDS[..], &FILE_ACTIONS[..], &OUTCOMES[..], &TRANSPORTS[..], &DIRECTIONS[..]];
    if enums.iter().any(|e| e.contains(&word)) {
        return Some("an enum value");
    }
    TABLE.first_words.contains(&word.to_owned()).then_some("a field's first word")
}

struct Table {
    fields: Vec<FieldDef>,
    names: HashMap<String, FieldId>,
    first_words: Vec<String>,
    first: FieldDef,
}

/// `process.` fields of the acting process: name behind `process.`, short name, type.
const PROCESS: [(&str, &str, Type); 17] = [
    ("executable", "executable", Type::Path),
    ("name", "process.name", Type::String),
    ("command_line", "command_line", Type::String),
    ("pid", "process.pid", Type::Int),
    ("entity_id", "process.entity_id", Type::String),
    ("working_directory", "process.working_directory", Type::Path),
    ("pe.original_file_name", "original_name", Type::String),
    ("pe.description", "process.pe.description", Type::String),
    ("pe.product", "process.pe.product", Type::String),
    ("pe.company", "process.pe.company", Type::String),
    ("hash.sha256", "process.hash.sha256", Type::Hash(64)),
    ("hash.sha1", "process.hash.sha1", Type::Hash(40)),
    ("hash.md5", "process.hash.md5", Type::Hash(32)),
    ("code_signature.exists", "process.code_signature.exists", Type::Bool),
    ("code_signature.trusted", "process.code_signature.trusted", Type::Bool),
    ("code_signature.status", "process.code_signature.status", Type::String),
    ("code_signature.subject_name", "process.code_signature.subject_name", Type::String),
];
const ARGUMENT: [(&str, Type); 3] =
    [("argument", Type::Argument), ("argument.is_unc", Type::Bool), ("argument.is_stream", Type::Bool)];

const F: &[Kind] = &[Kind::File];
const L: &[Kind] = &[Kind::Library];
const N: &[Kind] = &[Kind::Network];
const S: &[Kind] = &[Kind::Script];

/// All other fields: name, short name, type, kinds.
const OTHER: [(&str, &str, Type, &[Kind]); 38] = [
    ("host", "host", Type::Identity, &[]),
    ("user", "user", Type::Identity, &[]),
    ("process", "process", Type::Identity, &[]),
    ("parent", "parent", Type::Identity, &[]),
    ("host.name", "host.name", Type::String, &[]),
    ("host.os.type", "host.os", Type::Enum(&OS_WORDS), &[]),
    ("user.name", "user.name", Type::String, &[]),
    ("user.domain", "user.domain", Type::String, &[]),
    ("user.id", "user.id", Type::String, &[]),
    ("@timestamp", "event.time", Type::Time, &[]),
    ("event.action", "file.action", Type::Enum(&FILE_ACTIONS), F),
    ("file.path", "file.path", Type::Path, F),
    ("file.directory", "file.directory", Type::Path, F),
    ("file.name", "file.name", Type::String, F),
    ("file.extension", "file.extension", Type::String, F),
    ("file.size", "file.size", Type::Size, F),
    ("file.hash.sha256", "file.hash.sha256", Type::Hash(64), F),
    ("file.hash.sha1", "file.hash.sha1", Type::Hash(40), F),
    ("file.hash.md5", "file.hash.md5", Type::Hash(32), F),
    ("dll.path", "dll.path", Type::Path, L),
    ("dll.name", "dll.name", Type::String, L),
    ("dll.hash.sha256", "dll.hash.sha256", Type::Hash(64), L),
    ("dll.hash.sha1", "dll.hash.sha1", Type::Hash(40), L),
    ("dll.hash.md5", "dll.hash.md5", Type::Hash(32), L),
    ("dll.code_signature.exists", "dll.code_signature.exists", Type::Bool, L),
    ("dll.code_signature.trusted", "dll.code_signature.trusted", Type::Bool, L),
    ("dll.code_signature.status", "dll.code_signature.status", Type::String, L),
    ("dll.code_signature.subject_name", "dll.code_signature.subject_name", Type::String, L),
    ("source.ip", "source.ip", Type::Ip, N),
    ("source.port", "source.port", Type::Int, N),
    ("destination.ip", "destination.ip", Type::Ip, N),
    ("destination.port", "destination.port", Type::Int, N),
    ("destination.domain", "destination.domain", Type::String, N),
    ("network.transport", "network.transport", Type::Enum(&TRANSPORTS), N),
    ("network.direction", "network.direction", Type::Enum(&DIRECTIONS), N),
    ("event.outcome", "event.outcome", Type::Enum(&OUTCOMES), N),
    ("powershell.file.script_block_text", "script.text", Type::String, S),
    ("script.path", "script.path", Type::Path, S),
];

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let mut fields = vec![];
    let mut add = |ecs: String, short: String, ty, kinds, parent| {
        fields.push(FieldDef { ecs, short, ty, kinds, parent });
    };
    for (ecs, short, ty, kinds) in OTHER {
        add(ecs.to_owned(), short.to_owned(), ty, kinds, false);
    }
    for parent in [false, true] {
        for (name, short, ty) in PROCESS {
            let (ecs, short) = if parent {
                let short = short.strip_prefix("process.").unwrap_or(short);
                (format!("process.parent.{name}"), format!("parent.{short}"))
            } else {
                (format!("process.{name}"), short.to_owned())
            };
            add(ecs, short, ty, &[] as &[Kind], parent);
        }
        for (name, ty) in ARGUMENT {
            let name = if parent { format!("parent.{name}") } else { name.to_owned() };
            add(name.clone(), name, ty, &[] as &[Kind], parent);
        }
    }
    let mut names = HashMap::new();
    let mut first_words: Vec<String> = vec![];
    for (i, def) in fields.iter().enumerate() {
        let id = FieldId(u16::try_from(i).unwrap_or(0));
        for name in [&def.ecs, &def.short] {
            names.insert(name.clone(), id);
        }
        let word = def.short.split('.').next().unwrap_or("").to_owned();
        if !first_words.contains(&word) {
            first_words.push(word);
        }
        // `parent.original_name` and `parent.pe.original_file_name` alike.
        if let Some(rest) = def.ecs.strip_prefix("process.parent.") {
            names.insert(format!("parent.{rest}"), id);
        }
    }
    // The first row is used where an id does not come from this table, which cannot happen.
    let first = FieldDef { ecs: "host".into(), short: "host".into(), ty: Type::Identity, kinds: &[], parent: false };
    Table { fields, names, first_words, first }
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_long_names_are_one_field() {
        for (short, ecs) in [
            ("executable", "process.executable"),
            ("original_name", "process.pe.original_file_name"),
            ("parent.original_name", "process.parent.pe.original_file_name"),
            ("parent.name", "process.parent.name"),
            ("parent.executable", "process.parent.executable"),
            ("host.os", "host.os.type"),
            ("script.text", "powershell.file.script_block_text"),
            ("event.time", "@timestamp"),
            ("file.action", "event.action"),
        ] {
            let field = FieldId::find(short).expect(short);
            assert_eq!(Some(field), FieldId::find(ecs), "{short} is {ecs}");
            assert_eq!(field.short(), short);
        }
    }

    #[test]
    fn every_process_field_has_a_twin_of_the_parent() {
        for name in ["executable", "process.name", "command_line", "argument", "argument.is_unc", "process.hash.md5"] {
            let field = FieldId::find(name).expect(name);
            let parent = field.of_parent().expect(name);
            assert!(parent.def().parent, "{name}");
            assert_eq!(parent.def().ty, field.def().ty, "{name}");
        }
    }

    #[test]
    fn taken_words_are_enum_values_and_first_words() {
        assert_eq!(is_taken("created"), Some("an enum value"));
        assert_eq!(is_taken("parent"), Some("a field's first word"));
        assert_eq!(is_taken("sevenzip"), None);
    }
}
