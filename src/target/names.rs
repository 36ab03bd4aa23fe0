//! Names in target files: each language has its own rule for what a column, table or macro may be called. Printers put
//! names into queries, so what is no name is refused when the file is read.

use super::load::Check;
use super::{Case, Identifier, Language, Mapping, Part, Target};
use crate::vocabulary::{FieldId, Kind, Type, fields};
use std::collections::{BTreeMap, BTreeSet};

/// Words that mean something to Splunk where a field's name may stand.
const SPL_WORDS: [&str; 12] = ["and", "or", "not", "xor", "in", "like", "by", "as", "where", "over", "true", "false"];

/// The keys by which Sigma names a log source.
const LOG_SOURCE: [&str; 3] = ["category", "product", "service"];

/// The most characters of a name; Kusto's limit.
const MOST: usize = 1024;

/// What is wrong with a column's name.
fn column(language: Language, name: &str) -> Option<&'static str> {
    let others = match language {
        Language::Kql => "_.- ",
        Language::Spl => "_.-:@{} ",
        Language::Sigma => "_.-@/() ",
    };
    let fits = |c: char| c.is_ascii_alphanumeric() || others.contains(c);
    let ends = !name.starts_with(' ') && !name.ends_with(' ');
    if name.is_empty() || !ends || name.chars().count() > MOST || !name.chars().all(fits) {
        return Some(match language {
            Language::Kql => "is no name of a column: letters, digits, `_`, `.`, `-` and blanks inside",
            Language::Spl => "is no name of a field: letters, digits, `_`, `.`, `-`, `:`, `@`, `{}` and blanks inside",
            Language::Sigma => {
                "is no name of a field: letters, digits, `_`, `.`, `-`, `@`, `/`, `()` and blanks inside"
            }
        });
    }
    let word = language == Language::Spl && SPL_WORDS.contains(&name.to_ascii_lowercase().as_str());
    word.then_some("is a word of Splunk's own and no name of a field")
}

/// Letters, digits and `_`, not a digit in front; some other signs inside.
fn is_word(name: &str, others: &str) -> bool {
    let first = name.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    first
        && name.chars().count() <= MOST
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || others.contains(c))
}

/// Text that stands on one line.
fn is_line(text: &str) -> bool {
    !text.trim().is_empty()
        && !text.chars().any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}'))
}

/// Whether a macro is a search filter: it closes its own quotes and brackets only, and starts no command or subsearch.
fn is_filter(text: &str) -> bool {
    let (mut open, mut quoted, mut chars) = (0_usize, false, text.chars());
    while let Some(c) = chars.next() {
        match c {
            '\\' if chars.next().is_none() => return false,
            '"' => quoted = !quoted,
            _ if quoted => {}
            '(' => open += 1,
            ')' if open == 0 => return false,
            ')' => open -= 1,
            '|' | '[' | ']' => return false,
            _ => {}
        }
    }
    open == 0 && !quoted
}

impl Target {
    /// Every column that it names.
    fn named_columns(&self) -> impl Iterator<Item = &str> {
        let parts = self.identity.values().flat_map(|all| all.values()).flatten().chain(&self.event);
        let mapped = self.every.values().chain(self.fields.values().flat_map(|all| all.values())).flatten();
        let sources = self.sources.values().flatten();
        let own = sources.flat_map(|s| s.filter.keys().chain(s.columns.keys()).chain(s.columns.values().flatten()));
        let entities = self.alert.entities.values().flatten().flat_map(|entity| entity.identifiers.values());
        let entities = entities.filter_map(|of| match of {
            Identifier::Column(column) => Some(column.as_str()),
            Identifier::Field(_) | Identifier::Part(..) => None,
        });
        let computed =
            self.computed.iter().flat_map(|(name, all)| all.iter().flat_map(Case::columns).chain([name.as_str()]));
        let columns =
            self.columns.iter().chain(own).map(String::as_str).chain(mapped.map(Mapping::column)).chain(computed);
        columns.chain(parts.map(|p: &Part| p.column.as_str())).chain(entities)
    }
}

impl Check {
    /// Names that the target's language would not take for names.
    pub(super) fn names(&mut self, target: &Target) {
        let language = target.language;
        let columns: BTreeSet<&str> = target.named_columns().collect();
        for (name, why) in columns.into_iter().filter_map(|name| Some((name, column(language, name)?))) {
            self.bad(name, why);
        }
        let keyed = target.every.values().chain(target.fields.values().flat_map(|all| all.values())).flatten();
        for mapping in keyed {
            if let Mapping::Keyed { key, .. } = mapping
                && !is_word(key, "-")
            {
                self.bad(key, "is no `key`: letters, digits, `_` and `-`");
            }
        }
        for filler in target.filler.iter().filter(|filler| !is_line(filler)) {
            self.bad(filler, "is no `filler`: text on one line that is not empty");
        }
        if !is_line(&target.title) {
            self.bad(&target.title, "is no `title`: text on one line");
        }
        for (name, definition) in &target.macros {
            if !is_word(name, "-") {
                self.bad(name, "is no name of a macro: letters, digits, `_` and `-`");
            }
            if !is_line(definition) {
                self.bad(definition, "is no definition of a macro: a search on one line");
            } else if !is_filter(definition) {
                self.bad(
                    definition,
                    "is no search filter: close its quotes and brackets, and leave out `|`, `[` and a `\\` at the end",
                );
            }
        }
        for source in target.sources.values().flatten() {
            if let Some(table) = source.table.as_ref().filter(|t| column(Language::Kql, t).is_some()) {
                self.bad(table, "is no name of a table: letters, digits, `_`, `.`, `-` and blanks inside");
            }
            let model = |name: &&String| {
                let parts: Vec<&str> = name.split('.').collect();
                parts.len() != 2 || !parts.iter().all(|part| is_word(part, ""))
            };
            if let Some(name) = source.datamodel.as_ref().filter(model) {
                self.bad(name, "is no data model and dataset such as Endpoint.Processes");
            }
            for (key, value) in &source.logsource {
                if !LOG_SOURCE.contains(&key.as_str()) {
                    self.bad(key, "is no key of a log source; keys are category, product, service");
                }
                if !is_word(value, "-.") {
                    self.bad(value, "is no log source: letters, digits, `_`, `-` and `.`");
                }
            }
            if let Some(definition) = source.definition.as_ref().filter(|text| !is_line(text)) {
                self.bad(definition, "is no `definition`: text on one line");
            }
        }
    }
}

/// The type of what a column holds; `None`: the values that the file gives say it.
fn held(mapping: &Mapping, field: FieldId) -> Option<&'static str> {
    match (mapping, field.def().ty) {
        (Mapping::Column(_), Type::Int | Type::Size) => Some("a number"),
        (Mapping::Column(_), Type::Time) => Some("a time"),
        (Mapping::Column(_) | Mapping::Part(..) | Mapping::Keyed { .. }, _) => Some("text"),
        (Mapping::Equals { .. } | Mapping::Words { .. }, _) => None,
    }
}

impl Check {
    /// Columns that fields of two types are read from: a query would compare text with numbers.
    pub(super) fn types(&mut self, target: &Target) {
        let mut told = BTreeSet::new();
        for kind in Kind::ALL {
            let mut known: BTreeMap<&str, (FieldId, &str)> = BTreeMap::new();
            for field in fields::all().filter(|f| f.def().has_kind(kind)) {
                let Some(mapping) = target.mapping(field, kind) else { continue };
                let Some(holds) = held(mapping, field) else { continue };
                let (other, before) = *known.entry(mapping.column()).or_insert((field, holds));
                if before != holds && told.insert(mapping.column()) {
                    let (field, other) = (field.short(), other.short());
                    self.bad(
                        mapping.column(),
                        &format!("is {before} for `{other}` and {holds} for `{field}`; a column cannot be both"),
                    );
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Targets;
    use crate::source::Sources;

    /// What is found in a target's file, and where: the text that is underlined.
    fn found(text: &str) -> Vec<(String, String)> {
        let mut sources = Sources::new();
        let id = sources.add("t.yaml", format!("name: t\n{text}\n"));
        let all = Targets::built_in().add(id, &sources);
        all.iter().map(|d| (sources.text(d.span().expect("a place")).to_owned(), d.message.clone())).collect()
    }

    fn of(base: &str, entry: &str, name: &str) -> String {
        format!("extends: {base}\n{}", entry.replace('@', &serde_json::to_string(name).expect("JSON")))
    }

    const FIELD: &str = "fields: { process: { process.name: @ } }";
    const EVERYWHERE: [&str; 7] = [
        FIELD,
        "columns: [@]",
        "event: [@]",
        "identity: { process: { host: [{ name: @ }] } }",
        "fields: { process: { process.name: { name_of: @ } } }",
        "fields: { process: { process.hash.md5: { keyed: @, key: MD5 } } }",
        "fields: { library: { dll.code_signature.exists: { equals: @, value: \"true\" } } }",
    ];

    #[test]
    fn a_name_that_a_language_does_not_take_is_refused_where_it_stands() {
        let no_names = [
            "User: 'SYSTEM'\n        Cmd",
            "",
            " x",
            "x ",
            "a|endswith",
            "a'b",
            "a\"b",
            "a\\b",
            "a`b",
            "a\nb",
            "a;b",
            "a=b",
            "a*b",
            "a,b",
            "[x]",
            "a//b'",
            "é",
            "a\u{202e}b",
            "a\tb",
            "#a",
            "a'] | take 1 //",
        ];
        for (base, own) in [
            ("sigma", &["a:b", "{a}"][..]),
            ("sentinel", &["a(b", "a/b"]),
            ("splunk-sysmon", &["NOT", "Or", "in", "a(b", "BY"]),
        ] {
            for name in no_names.iter().chain(own) {
                let all = found(&of(base, FIELD, name));
                let shown = serde_json::to_string(name).expect("JSON");
                assert_eq!(all.len(), 1, "{base} {name:?}: {all:?}");
                assert!(all[0].0 == shown && all[0].1.contains(" no name "), "{base} {name:?}: {all:?}");
            }
            for entry in EVERYWHERE {
                assert!(!found(&of(base, entry, "a'b\n")).is_empty(), "{base} {entry}");
            }
        }
        for (base, name) in
            [("sigma", "@timestamp"), ("sigma", "event.data"), ("sentinel", "5 A-b.c"), ("splunk-sysmon", "a{}.b:c")]
        {
            assert_eq!(found(&of(base, FIELD, name)), [], "{base} {name}");
        }
    }

    #[test]
    fn tables_macros_models_log_sources_and_fillers_have_their_rules() {
        let source = |place: &str| format!("sources: {{ process: [{{ os: [windows], {place} }}] }}");
        for (base, entry) in [
            ("sentinel", source("table: @")),
            ("sentinel", source("table: T, filter: { @: 1 }")),
            ("sigma", source("logsource: { category: @ }")),
            ("sigma", source("logsource: { @: a }")),
            ("sigma", source("logsource: { category: a }, definition: @")),
            ("sigma", source("logsource: { category: a }, columns: { User: @ }")),
            ("splunk-sysmon", source("macro: @")),
            ("splunk-sysmon", "macros: { @: index=x }".to_owned()),
            ("splunk-sysmon", "macros: { arcanary_sysmon: @ }".to_owned()),
            ("splunk-cim", source("datamodel: @")),
            ("sigma", "filler: [@]".to_owned()),
            ("sigma", "title: @".to_owned()),
            ("splunk-sysmon", "fields: { process: { process.hash.md5: { key: @, keyed: Hashes } } }".to_owned()),
        ] {
            let all = found(&of(base, &entry, "a\nb: c"));
            assert!(!all.is_empty(), "{entry}");
            assert!(all.iter().all(|(piece, _)| piece == "\"a\\nb: c\""), "{entry}: {all:?}");
        }
        for wrong in ["index=a \"b", "index=a (b", "index=a) OR (b", "index=a | delete", "[search b]", "index=a\\"] {
            let all = found(&of("splunk-sysmon", "macros: { arcanary_sysmon: @ }", wrong));
            assert_eq!(all.len(), 1, "{wrong}: {all:?}");
        }
        let right = r#"(index IN (a, b) OR index="c|d(") source="XmlWinEventLog:*\"x""#;
        assert_eq!(found(&of("splunk-sysmon", "macros: { arcanary_sysmon: @ }", right)), []);
        assert_eq!(
            found(&of("splunk-sysmon", "fields: { process: { process.hash.md5: { key: @, keyed: Hashes } } }", "MD5")),
            []
        );
    }

    #[test]
    fn a_column_holds_values_of_one_type() {
        for (base, fields, column) in [
            ("sentinel", "process.pid: FileName", "FileName"),
            ("sentinel", "parent.name: { name_of: ProcessId }", "ProcessId"),
            ("splunk-sysmon", "command_line: UtcTime, process.pid: UtcTime", "UtcTime"),
            ("sentinel", "process.name: TimeGenerated", "TimeGenerated"),
        ] {
            let all = found(&format!("extends: {base}\nfields: {{ process: {{ {fields} }} }}"));
            assert_eq!(all.len(), 1, "{fields}: {all:?}");
            assert!(all[0].0 == column && all[0].1.contains("cannot be both"), "{fields}: {all:?}");
        }
    }
}
