//! Reading target files: the built-in ones, then the project's own, which may add targets or change built-in ones.

use super::alert::{Alert, AlertFile};
use super::computed::CaseFile;
use super::logs::log_of;
use super::{By, How, Language, Mapping, Part, RegexParts, Scalar, Source, Target};
use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::duration;
use crate::file_names::{LONGEST, is_device};
use crate::source::{FileId, Sources, Span};
use crate::vocabulary::{FieldId, Kind, Os, Type};
use crate::yaml::{self, Node};
use indexmap::IndexMap;
use serde::Deserialize;
use std::sync::LazyLock;

/// The targets that come with the compiler: name and file.
pub const BUILT_IN: [(&str, &str); 7] = [
    ("sentinel", include_str!("../../targets/sentinel.yaml")),
    ("defender", include_str!("../../targets/defender.yaml")),
    ("sentinel-securityevent", include_str!("../../targets/sentinel-securityevent.yaml")),
    ("splunk-sysmon", include_str!("../../targets/splunk-sysmon.yaml")),
    ("splunk-cim", include_str!("../../targets/splunk-cim.yaml")),
    ("splunk-4688", include_str!("../../targets/splunk-4688.yaml")),
    ("sigma", include_str!("../../targets/sigma.yaml")),
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    title: Option<String>,
    language: Option<Language>,
    extends: Option<String>,
    columns: Option<Vec<String>>,
    #[serde(default)]
    limits: Limits,
    regex_parts: Option<RegexParts>,
    filler: Option<Vec<String>>,
    #[serde(default)]
    macros: IndexMap<String, String>,
    summaries: Option<String>,
    #[serde(default)]
    computed: IndexMap<String, Vec<CaseFile>>,
    #[serde(default)]
    caveats: IndexMap<String, IndexMap<String, String>>,
    may_lack: Option<Vec<String>>,
    #[serde(default)]
    sources: IndexMap<String, Vec<SourceFile>>,
    #[serde(default)]
    fields: IndexMap<String, IndexMap<String, Option<MappingFile>>>,
    #[serde(default)]
    identity: IndexMap<String, IndexMap<String, Vec<PartFile>>>,
    event: Option<Vec<PartFile>>,
    documents: Option<Vec<String>>,
    command_lines: Option<String>,
    #[serde(default)]
    alert: AlertFile,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Limits {
    characters: Option<usize>,
    unselective: Option<Unselective>,
    lookback: Option<IndexMap<String, String>>,
}

/// What becomes of a step for which all events of a kind would be read.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Unselective {
    Note,
    Refuse,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum PartFile {
    Id(String),
    By(IndexMap<String, String>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SourceFile {
    os: Vec<String>,
    table: Option<String>,
    #[serde(rename = "macro")]
    macro_name: Option<String>,
    datamodel: Option<String>,
    #[serde(default)]
    logsource: IndexMap<String, String>,
    definition: Option<String>,
    path: Option<String>,
    #[serde(default)]
    unlisted: Vec<String>,
    #[serde(default)]
    data_source: IndexMap<String, OneOrMany<String>>,
    #[serde(default)]
    filter: IndexMap<String, OneOrMany<Scalar>>,
    #[serde(default)]
    when: IndexMap<String, Vec<String>>,
    #[serde(default)]
    columns: IndexMap<String, Option<String>>,
}

#[derive(Clone, Deserialize)]
#[serde(untagged)]
pub(crate) enum OneOrMany<T> {
    One(T),
    Many(Vec<T>),
}

impl<T> OneOrMany<T> {
    pub(super) fn all(self) -> Vec<T> {
        match self {
            OneOrMany::One(one) => vec![one],
            OneOrMany::Many(many) => many,
        }
    }
}

/// Where a field's value comes from, as files write it.
#[derive(Clone, Deserialize)]
#[serde(untagged)]
pub(crate) enum MappingFile {
    Column(String),
    Map(IndexMap<String, OneOrMany<Scalar>>),
}

/// All targets of a run, by name.
#[derive(Clone, Debug, Default)]
pub struct Targets {
    /// Built-in ones first, in their order.
    pub all: IndexMap<String, Target>,
}

static BUILT: LazyLock<Targets> = LazyLock::new(|| {
    let mut targets = Targets::default();
    let mut sources = Sources::new();
    for (name, text) in BUILT_IN {
        let id = sources.add(format!("targets/{name}.yaml"), text);
        targets.add(id, &sources);
    }
    targets
});

impl Targets {
    /// The built-in targets.
    #[must_use]
    pub fn built_in() -> Targets {
        BUILT.clone()
    }

    /// Adds a target file, or changes the target that it extends. Findings leave the targets as they were.
    pub fn add(&mut self, file: FileId, sources: &Sources) -> Vec<Diagnostic> {
        let text = sources.get(file).map_or("", |s| s.text.as_str());
        let (parsed, places): (File, Node) = match yaml::read(text) {
            Ok(read) => read,
            Err(fault) => {
                let span = Span::new(file, fault.range.start, fault.range.end);
                let message = "this target file cannot be read";
                return vec![Diagnostic::new(Code::BadTarget, message).at(span, fault.message)];
            }
        };
        let mut check = Check { file, places, diagnostics: vec![] };
        let target = self.build(parsed, &mut check);
        if let (true, Some(target)) = (check.diagnostics.is_empty(), target) {
            self.all.insert(target.name.clone(), target);
        }
        check.diagnostics
    }

    fn build(&self, file: File, check: &mut Check) -> Option<Target> {
        let valid =
            |n: &str| !n.is_empty() && n.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        if !valid(&file.name) {
            check.bad(&file.name, "a target's name has small letters, digits and dashes");
        }
        for name in std::iter::once(&file.name).chain(file.macros.keys()) {
            if name.chars().count() > LONGEST {
                check.bad(name, &format!("this becomes the name of a file: it has {LONGEST} characters at most"));
            } else if is_device(name) {
                check.bad(name, "this becomes the name of a file, and Windows keeps it for a device");
            }
        }
        let mut target = match &file.extends {
            Some(base) => match self.all.get(base) {
                Some(base) => base.clone(),
                None => {
                    let near = nearest(base, self.all.keys().map(String::as_str));
                    let help = near.map_or_else(String::new, |n| format!("; did you mean `{n}`?"));
                    check.bad(base, &format!("extends a target that does not exist{help}"));
                    return None;
                }
            },
            None => Target {
                name: String::new(),
                title: file.name.clone(),
                language: match file.language {
                    Some(language) => language,
                    None => {
                        check.bad(
                            &file.name,
                            "names neither its `language` (kql, spl, sigma) nor a target that it `extends`",
                        );
                        return None;
                    }
                },
                columns: vec![],
                max_characters: None,
                refuse_unselective: false,
                regex_parts: RegexParts::Named,
                filler: vec![],
                may_lack: vec![],
                summaries: None,
                macros: IndexMap::new(),
                computed: IndexMap::new(),
                caveats: IndexMap::new(),
                sources: IndexMap::new(),
                every: IndexMap::new(),
                fields: IndexMap::new(),
                identity: IndexMap::new(),
                event: vec![],
                lookback: vec![],
                documents: vec![],
                alert: Alert::default(),
                plain_command_lines: false,
            },
        };
        if file.language.is_some_and(|l| l != target.language) {
            check.bad("language", "a target keeps the language of the target that it extends");
        }
        // One that is made of another one stands beside it.
        target.alert.namesake &= target.name == file.name;
        target.name = file.name;
        target.title = file.title.unwrap_or(target.title);
        target.columns = file.columns.unwrap_or(target.columns);
        target.filler = file.filler.unwrap_or(target.filler);
        target.regex_parts = file.regex_parts.unwrap_or(target.regex_parts);
        target.max_characters = file.limits.characters.or(target.max_characters);
        target.refuse_unselective = match file.limits.unselective {
            Some(Unselective::Refuse) => true,
            Some(Unselective::Note) => false,
            None => target.refuse_unselective,
        };
        target.macros.extend(file.macros);
        if let Some(names) = file.may_lack {
            target.may_lack = names.iter().filter_map(|name| check.known_field(name)).collect();
        }
        target.summaries = file.summaries.or(target.summaries);
        for (name, cases) in file.computed {
            let cases = check.cases(&name, cases);
            target.computed.insert(name, cases);
        }
        for (kind, caveats) in file.caveats {
            let Some(kind) = check.kind(&kind) else { continue };
            let caveats = caveats.into_iter().filter_map(|(name, text)| Some((check.known_field(&name)?, text)));
            let caveats: Vec<_> = caveats.collect();
            target.caveats.entry(kind).or_default().extend(caveats);
        }
        for (kind, sources) in file.sources {
            let Some(kind) = check.kind(&kind) else { continue };
            let sources = sources.into_iter().map(|s| check.source(s, target.language)).collect();
            target.sources.insert(kind, sources);
        }
        for (kind, fields) in file.fields {
            let fields = fields.into_iter().filter_map(|(name, m)| check.field(&name, m)).collect::<Vec<_>>();
            if kind == "every" {
                target.every.extend(fields);
            } else if let Some(kind) = check.kind(&kind) {
                target.fields.entry(kind).or_default().extend(fields);
            }
        }
        for (kind, all) in file.identity {
            let all: Vec<_> = all.into_iter().filter_map(|(name, parts)| check.identity(&name, parts)).collect();
            let kind = if kind == "every" { None } else { check.kind(&kind).map(Some).unwrap_or_default() };
            target.identity.entry(kind).or_default().extend(all);
        }
        if let Some(parts) = file.event {
            target.event = parts.into_iter().filter_map(|p| check.part(p)).collect();
        }
        if let Some(lookback) = file.limits.lookback {
            target.lookback = lookback.iter().filter_map(|(every, back)| check.lookback(every, back)).collect();
            target.lookback.sort_unstable();
        }
        match file.command_lines.as_deref() {
            None => {}
            Some(_) if target.language != Language::Sigma => {
                check.bad("command_lines", "only Sigma's targets choose between exact and plain command lines");
            }
            Some("plain") => target.plain_command_lines = true,
            Some("exact") => target.plain_command_lines = false,
            Some(other) => check.bad(other, "`command_lines` is `exact` or `plain`"),
        }
        if let Some(documents) = file.documents {
            target.documents = check.formats(&documents);
        }
        check.alert(file.alert, &target.columns, &mut target.alert);
        check.parts_of_paths(target.language, &target.alert);
        check.fitting(&target.documents, target.language, &target.alert);
        if target.sources.is_empty() {
            check.bad("name", "has no `sources`: it could say nothing");
        }
        for name in target.sources.values().flatten().filter_map(|s| s.macro_name.as_ref()).chain(&target.summaries) {
            if !target.macros.contains_key(name) {
                check.bad(name, "this macro has no definition under `macros`");
            }
        }
        check.names(&target);
        check.computes(&target);
        check.types(&target);
        target.settle();
        for column in target.sources.values().flatten().flat_map(|s| s.columns.keys()) {
            if !target.knows(column) {
                check.bad(column, "is the column of no field: a source's `columns` say what it calls one, or `~`");
            }
        }
        Some(target)
    }
}

/// Reads the fields of a built-in file in another format that writes mappings as target files do.
pub(crate) fn mappings(
    fields: IndexMap<String, Option<MappingFile>>,
) -> (IndexMap<FieldId, Option<Mapping>>, Vec<Diagnostic>) {
    let mut check = Check { file: FileId::default(), places: Node::default(), diagnostics: vec![] };
    let mapped = fields.into_iter().filter_map(|(name, mapping)| check.field(&name, mapping)).collect();
    (mapped, check.diagnostics)
}

/// Collects findings about one file; a finding points at the first key or value that has the text.
pub(super) struct Check {
    file: FileId,
    places: Node,
    diagnostics: Vec<Diagnostic>,
}

impl Check {
    pub(super) fn bad(&mut self, at: &str, why: &str) {
        let range = self.places.find(at, true).map_or(0..0, |node| node.range.clone());
        let span = Span::new(self.file, range.start, range.end);
        self.diagnostics.push(Diagnostic::new(Code::BadTarget, format!("`{at}`: {why}")).at(span, "in this entry"));
    }

    fn kind(&mut self, word: &str) -> Option<Kind> {
        let kind = Kind::from_word(word);
        if kind.is_none() {
            self.bad(
                word,
                "is no kind of event; kinds are process, file, library, network, script (fields have `every` too)",
            );
        }
        kind
    }

    fn source(&mut self, s: SourceFile, language: Language) -> Source {
        let mut os = vec![];
        for word in &s.os {
            match Os::from_word(word) {
                Some(o) => os.push(o),
                None => self.bad(word, "is no system; systems are windows, linux, macos"),
            }
        }
        let place = match language {
            Language::Kql => s.table.is_some(),
            Language::Spl => s.macro_name.is_some() != s.datamodel.is_some(),
            Language::Sigma => !s.logsource.is_empty(),
        };
        if !place || os.is_empty() {
            let wanted = match language {
                Language::Kql => "a source of a KQL target names its `table` and `os`",
                Language::Spl => "a source of an SPL target names its `macro` or `datamodel`, and `os`",
                Language::Sigma => "a source of a Sigma target names its `logsource` and `os`",
            };
            self.bad("sources", wanted);
        }
        let mut when = vec![];
        for (name, words) in s.when {
            match FieldId::find(&name) {
                Some(id) => {
                    let Type::Enum(known) = id.def().ty else {
                        self.bad(&name, "only fields with a few words can be constant in a source");
                        continue;
                    };
                    if let Some(bad) = words.iter().find(|w| !known.contains(&w.as_str())) {
                        self.bad(bad, "is no word of this field");
                    }
                    when.push((id, words));
                }
                None => self.unknown_field(&name),
            }
        }
        let plain = |p: &&str| {
            !p.is_empty() && p.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-'))
        };
        if let Some(path) = s.path.as_ref().filter(|p| !p.split('/').all(|part| plain(&part))) {
            self.bad(path, "is no path: small letters, digits, `_`, `-`, with `/` between folders");
        }
        let mut data_sources = IndexMap::new();
        for (word, names) in s.data_source {
            let names = names.all();
            for name in names.iter().filter(|name| log_of(name).is_none()) {
                self.bad(name, "is no data source of Splunk's that is known here, such as `Sysmon EventID 1`");
            }
            match Os::from_word(&word).filter(|system| os.contains(system)) {
                Some(system) => _ = data_sources.insert(system, names),
                None => self.bad(&word, "is no system of this source"),
            }
        }
        Source {
            os,
            table: s.table,
            macro_name: s.macro_name,
            datamodel: s.datamodel,
            logsource: s.logsource,
            definition: s.definition,
            path: s.path,
            unlisted: s.unlisted,
            data_sources,
            filter: s.filter.into_iter().map(|(k, v)| (k, v.all())).collect(),
            when,
            columns: s.columns,
            ..Source::default()
        }
    }

    fn identity(&mut self, name: &str, parts: Vec<PartFile>) -> Option<(FieldId, Vec<Part>)> {
        let id = FieldId::find(name).filter(|id| id.def().ty == Type::Identity);
        if id.is_none() {
            self.bad(name, "is no identity; identities are host, user, process, parent");
        }
        if parts.is_empty() {
            self.bad(name, "an identity has a column");
        }
        let parts = parts.into_iter().filter_map(|p| self.part(p)).collect();
        id.map(|id| (id, parts))
    }

    fn part(&mut self, part: PartFile) -> Option<Part> {
        let map = match part {
            PartFile::Id(column) => return Some(Part { column, by: By::Id }),
            PartFile::By(map) => map,
        };
        let only = map.iter().next().filter(|_| map.len() == 1);
        let made = only.and_then(|(word, column)| Some(Part { column: column.clone(), by: By::from_word(word)? }));
        if made.is_none() {
            let at = map.keys().next().map_or("identity", String::as_str).to_owned();
            self.bad(&at, "takes a column, or one of id, name, number, time with a column");
        }
        made
    }

    fn lookback(&mut self, every: &str, back: &str) -> Option<(u64, u64)> {
        let pair = duration::parse(every).zip(duration::parse(back));
        if pair.is_none() {
            self.bad(every, "`lookback` has a duration such as 12h for each frequency, such as 3h");
        }
        pair
    }

    pub(super) fn unknown_field(&mut self, name: &str) {
        let near = nearest(name, crate::vocabulary::fields::all().map(FieldId::short));
        let help = near.map_or_else(String::new, |n| format!("; did you mean `{n}`?"));
        self.bad(name, &format!("is no field of the language{help}"));
    }

    /// A field of the language by its name.
    fn known_field(&mut self, name: &str) -> Option<FieldId> {
        let id = FieldId::find(name);
        if id.is_none() {
            self.unknown_field(name);
        }
        id
    }

    fn field(&mut self, name: &str, mapping: Option<MappingFile>) -> Option<(FieldId, Option<Mapping>)> {
        let id = self.known_field(name)?;
        let ty = id.def().ty;
        let mapping = match mapping {
            None => None,
            Some(MappingFile::Column(column)) if matches!(ty, Type::Bool | Type::Enum(_)) => {
                self.bad(
                    name,
                    &format!(
                        "`{column}` alone does not say what its values mean: use `equals` with `value`, or `words`"
                    ),
                );
                return None;
            }
            Some(MappingFile::Column(column)) => Some(Mapping::Column(column)),
            Some(MappingFile::Map(map)) => Some(self.mapping(name, ty, map)?),
        };
        Some((id, mapping))
    }

    fn mapping(&mut self, name: &str, ty: Type, map: IndexMap<String, OneOrMany<Scalar>>) -> Option<Mapping> {
        let mut map: IndexMap<String, Vec<Scalar>> = map.into_iter().map(|(k, v)| (k, v.all())).collect();
        let text = |v: &[Scalar]| match v {
            [Scalar::Text(t)] => Some(t.clone()),
            _ => None,
        };
        let parts = [How::Name, How::Extension, How::Folder, How::Account, How::Domain, How::Hex];
        // Keys stand in any order; what is no way to read a column is a word of the field.
        let is_way = |key: &str| matches!(key, "keyed" | "equals" | "words") || parts.iter().any(|p| p.word() == key);
        let way = map.keys().position(|key| is_way(key));
        let (how, value) = way.and_then(|place| map.shift_remove_index(place)).unwrap_or_default();
        let column = text(&value);
        let made = match (how.as_str(), column) {
            ("keyed", Some(column)) => {
                let key = map.shift_remove("key").and_then(|k| text(&k));
                // What else stands behind `or` is left, and so refused.
                let bare = map.get("or").is_some_and(|or| text(or).as_deref() == Some("bare"));
                map.retain(|key, _| !bare || key != "or");
                key.map(|key| Mapping::Keyed { column, key, bare })
            }
            ("equals", Some(column)) if ty == Type::Bool => {
                let value = map.shift_remove("value").and_then(|mut v| v.pop());
                value.map(|value| Mapping::Equals { column, value })
            }
            ("words", Some(column)) => {
                if let Type::Enum(known) = ty {
                    if let Some(bad) = map.keys().find(|w| !known.contains(&w.as_str())) {
                        self.bad(&bad.clone(), &format!("is no word of `{name}`"));
                    }
                    let words = std::mem::take(&mut map);
                    Some(Mapping::Words { column, words })
                } else {
                    None
                }
            }
            (how, Some(column)) => parts.into_iter().find(|p| p.word() == how).map(|p| Mapping::Part(p, column)),
            (_, None) => None,
        };
        if made.is_none() || !map.is_empty() {
            self.bad(
                name,
                "takes a column, or one of name_of, extension_of, folder_of, account_of, domain_of, hex with a column, \
                 keyed with key and perhaps `or: bare`, equals with value (true or false), words with a value for each word",
            );
            return None;
        }
        made
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::{fields, foreign};

    #[test]
    fn a_source_renames_no_column_that_no_field_reads() {
        let text = "name: t\nextends: sigma\nsources:\n  file:\n    - os: [windows]\n      \
                    logsource: { category: file_event }\n      columns: { ProcessGuid: Guid, Missing: ~ }\n";
        let mut sources = Sources::new();
        let id = sources.add("t.yaml", text);
        let found: Vec<_> = Targets::built_in().add(id, &sources).into_iter().map(|d| d.message).collect();
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("`Missing`: is the column of no field"), "{found:?}");
    }

    #[test]
    fn only_sigma_chooses_how_command_lines_are_asked() {
        let found = |base: &str, how: &str| -> Vec<String> {
            let mut sources = Sources::new();
            let id = sources.add("t.yaml", format!("name: t\nextends: {base}\ncommand_lines: {how}\n"));
            Targets::built_in().add(id, &sources).into_iter().map(|d| d.message).collect()
        };
        assert_eq!(found("sigma", "plain"), Vec::<String>::new());
        assert_eq!(found("sigma", "short"), ["`short`: `command_lines` is `exact` or `plain`"]);
        assert!(found("defender", "plain")[0].contains("only Sigma's targets"), "{:?}", found("defender", "plain"));
    }

    /// Who writes a column of a target in a rule is told the field. A new column belongs into `vocabulary/foreign.rs`.
    #[test]
    fn a_column_of_a_built_in_target_leads_to_its_field() {
        let (mut wrong, mut checked) = (vec![], 0);
        for (target, kind) in Targets::built_in().all.values().flat_map(|t| Kind::ALL.map(|kind| (t, kind))) {
            for field in fields::all().filter(|f| f.def().has_kind(kind)) {
                let Some(Mapping::Column(column)) = target.mapping(field, kind) else { continue };
                if target.sources.contains_key(&kind) && FieldId::find(column).is_none() {
                    checked += 1;
                    let found = foreign::field(column, &[kind]);
                    wrong.extend((found != Some(field.short())).then(|| (column.clone(), kind, field.short(), found)));
                }
            }
        }
        assert!(wrong.is_empty() && checked > 200, "{checked} columns, {wrong:?}");
    }

    #[test]
    fn built_in_targets_load_without_findings() {
        let mut targets = Targets::default();
        let mut sources = Sources::new();
        for (name, text) in BUILT_IN {
            let id = sources.add(name, text);
            let found: Vec<_> = targets.add(id, &sources).into_iter().map(|d| d.message).collect();
            assert_eq!(found, Vec::<String>::new(), "{name}");
            assert_eq!(targets.all.get(name).map(|t| t.name.as_str()), Some(name));
        }
    }
}
