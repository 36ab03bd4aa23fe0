//! Stage 4, first half: targets. A target is data: where its events lie, what its fields are called, what it cannot say.
//!
//! `load` reads target files, [`bind()`] puts a rule's meaning into a target's columns. Query languages are code, in
//! [`crate::backend`]; a new table or log source needs only a file.

mod alert;
pub mod bind;
mod bound;
mod column;
mod computed;
mod constant;
mod derive;
mod identity;
pub mod kept;
mod load;
mod logs;
mod names;
mod show;
pub mod temporal;

pub use alert::{Alert, EntityType, Format, Identifier, Platform};
pub use bind::{Called, Note, Plan, SourceQuery, Unsupported, bind};
pub use bound::{Bound, BoundOp, BoundTest};
pub use column::{Column, How, MAPPED};
pub use computed::{Case, CaseValue};
pub(crate) use derive::separators;
pub use identity::{By, Part};
use load::OneOrMany;
pub use load::{BUILT_IN, Targets};
pub(crate) use load::{MappingFile, mappings};
pub use logs::{Log, log_of};
pub use show::describe;

use crate::vocabulary::{FieldId, Kind, Os, fields};
use indexmap::IndexMap;

/// A query language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// Kusto.
    Kql,
    /// Splunk's.
    Spl,
    /// Sigma's YAML.
    Sigma,
}

impl Language {
    /// The extension of its documents.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Language::Kql => "kql",
            Language::Spl => "spl",
            Language::Sigma => "yml",
        }
    }

    /// Whether a column can be computed from another one inside a condition.
    #[must_use]
    pub fn computes(self) -> bool {
        self != Language::Sigma
    }
}

/// How KQL prints parts that several regular expressions of a query share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RegexParts {
    /// As `let`s that `strcat` puts together.
    Named,
    /// In each expression, which stays whole.
    Inline,
}

/// What a filter or an enum word is compared with in the logs.
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Deserialize)]
#[serde(untagged)]
pub enum Scalar {
    /// A number column.
    Number(i64),
    /// A string column.
    Text(String),
}

/// Where a field's value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mapping {
    /// A column as it is.
    Column(String),
    /// A part of a column.
    Part(How, String),
    /// `KEY=value` inside a column.
    Keyed {
        /// The column.
        column: String,
        /// The key.
        key: String,
        /// The column may also hold the value alone.
        bare: bool,
    },
    /// A boolean field: true where the column has this value.
    Equals {
        /// The column.
        column: String,
        /// The value.
        value: Scalar,
    },
    /// An enum field: what each word is called in the column.
    Words {
        /// The column.
        column: String,
        /// The words that the target has.
        words: IndexMap<String, Vec<Scalar>>,
    },
}

/// Whether a macro's definition names an index. One that calls another macro may do so there.
fn names_index(definition: &str) -> bool {
    let words = || definition.split(|c: char| c.is_whitespace() || matches!(c, '(' | ')'));
    let named = |w: &str| w.strip_prefix("index=").is_some_and(|name| !matches!(name, "*" | "\"*\"" | ""));
    let listed = words().zip(words().skip(1)).any(|(a, b)| a == "index" && b == "IN");
    definition.contains('`') || words().any(named) || listed
}

impl Mapping {
    /// The same out of another column.
    fn of(&self, other: &str) -> Mapping {
        let mut out = self.clone();
        let (Mapping::Column(column)
        | Mapping::Part(_, column)
        | Mapping::Keyed { column, .. }
        | Mapping::Equals { column, .. }
        | Mapping::Words { column, .. }) = &mut out;
        other.clone_into(column);
        out
    }

    /// The column that is read.
    #[must_use]
    pub fn column(&self) -> &str {
        match self {
            Mapping::Column(c) | Mapping::Part(_, c) => c,
            Mapping::Keyed { column, .. } | Mapping::Equals { column, .. } | Mapping::Words { column, .. } => column,
        }
    }
}

/// Where the events of one kind lie.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// The systems whose events lie there; more than one: the target does not tell them apart.
    pub os: Vec<Os>,
    /// KQL: a table.
    pub table: Option<String>,
    /// SPL: a macro that finds the events.
    pub macro_name: Option<String>,
    /// SPL: a data model and dataset, `Endpoint.Processes`.
    pub datamodel: Option<String>,
    /// Sigma: category, product, service.
    pub logsource: IndexMap<String, String>,
    /// Sigma: what must be switched on.
    pub definition: Option<String>,
    /// Sigma: the folder of its rules in a repository, and what their files' names begin with.
    pub path: Option<String>,
    /// Sigma: columns that SigmaHQ's field lists lack for this log source; its repository refuses rules that name one.
    pub unlisted: Vec<String>,
    /// Splunk's names of the data sources that these events come from, by system.
    pub data_sources: IndexMap<Os, Vec<String>>,
    /// Columns that mark these events among others.
    pub filter: IndexMap<String, Vec<Scalar>>,
    /// Enum fields that are constant there.
    pub when: Vec<(FieldId, Vec<String>)>,
    /// Columns of the target's fields that are called otherwise there; `None`: its events lack them.
    pub columns: IndexMap<String, Option<String>>,
    /// Fields that differ by these columns.
    fields: IndexMap<FieldId, Option<Mapping>>,
    /// Identities that differ by these columns.
    identity: IndexMap<FieldId, Option<Vec<Part>>>,
}

impl Source {
    /// What a reader calls it among the log sources of its kind of event.
    #[must_use]
    pub fn word(&self) -> Option<&str> {
        let named = [&self.table, &self.macro_name, &self.datamodel].into_iter().flatten().next();
        named.or_else(|| self.logsource.get("category")).map(String::as_str)
    }
}

/// A target.
#[derive(Clone, Debug)]
pub struct Target {
    /// Its name, and so its folder's name.
    pub name: String,
    /// In words.
    pub title: String,
    /// Its language.
    pub language: Language,
    /// Columns that every result begins with.
    pub columns: Vec<String>,
    /// Longest query, in characters.
    pub max_characters: Option<usize>,
    /// A step for which all events of a kind would be read is refused.
    pub refuse_unselective: bool,
    /// KQL: how parts of regular expressions are printed that stand several times.
    pub regex_parts: RegexParts,
    /// What sources write where they have no value.
    pub filler: Vec<String>,
    /// Fields that not every log source fills: a part of a rule that may go holds where an event lacks them.
    pub may_lack: Vec<FieldId>,
    /// The macro among `macros` that says how `tstats` uses summaries.
    pub summaries: Option<String>,
    /// SPL macros that its queries use.
    pub macros: IndexMap<String, String>,
    /// Columns that queries compute, with the cases that make their values.
    pub computed: IndexMap<String, Vec<Case>>,
    /// What is to be said of a field of a kind of event where a rule asks it.
    pub caveats: IndexMap<Kind, IndexMap<FieldId, String>>,
    /// Where events lie.
    pub sources: IndexMap<Kind, Vec<Source>>,
    /// Fields of all kinds.
    pub every: IndexMap<FieldId, Option<Mapping>>,
    /// Fields by kind; `None` takes a field of all kinds away.
    pub fields: IndexMap<Kind, IndexMap<FieldId, Option<Mapping>>>,
    /// Columns that together are a host, user, process or parent, by kind of event; under `None` those of all kinds.
    pub identity: IndexMap<Option<Kind>, IndexMap<FieldId, Vec<Part>>>,
    /// Columns that tell events of one log source and one time apart.
    pub event: Vec<Part>,
    /// How far a scheduled query may look back, in seconds, for each frequency, in seconds, up to which that holds.
    pub lookback: Vec<(u64, u64)>,
    /// The documents that it has beside its queries.
    pub documents: Vec<Format>,
    /// How its platform raises alerts.
    pub alert: Alert,
    /// Sigma: plain texts stand for verbs and switches.
    pub plain_command_lines: bool,
}

impl Target {
    /// The columns that together are an identity in events of a kind; `None`: nothing there is.
    #[must_use]
    pub fn identity(&self, field: FieldId, kind: Kind) -> Option<&[Part]> {
        let of = |kind: Option<Kind>| self.identity.get(&kind)?.get(&field);
        of(Some(kind)).or_else(|| of(None)).map(Vec::as_slice)
    }

    /// The same in one of its log sources.
    #[must_use]
    pub fn identity_in<'a>(&'a self, source: &'a Source, field: FieldId, kind: Kind) -> Option<&'a [Part]> {
        match source.identity.get(&field) {
            Some(own) => own.as_deref(),
            None => self.identity(field, kind),
        }
    }

    /// The farthest that a query of this frequency, in seconds, may look back; `None`: without limit. Without a frequency it
    /// is the farthest of all.
    #[must_use]
    pub fn farthest(&self, frequency: Option<u64>) -> Option<u64> {
        match frequency {
            Some(every) => {
                let fits = self.lookback.iter().find(|(most, _)| every <= *most);
                fits.or(self.lookback.last()).map(|(_, back)| *back)
            }
            None => self.lookback.iter().map(|(_, back)| *back).max(),
        }
    }

    /// Where a field's value comes from in events of a kind; `None`: nowhere.
    #[must_use]
    pub fn mapping(&self, field: FieldId, kind: Kind) -> Option<&Mapping> {
        let own = self.fields.get(&kind).and_then(|f| f.get(&field));
        own.or_else(|| self.every.get(&field))?.as_ref()
    }

    /// The same in one of its log sources.
    #[must_use]
    pub fn mapping_in<'a>(&'a self, source: &'a Source, field: FieldId, kind: Kind) -> Option<&'a Mapping> {
        match source.fields.get(&field) {
            Some(own) => own.as_ref(),
            None => self.mapping(field, kind),
        }
    }

    /// The columns that fields, identities, filters and results name, more than once where several do.
    #[must_use]
    pub fn own_columns(&self) -> Vec<&str> {
        let mapped = self.every.values().chain(self.fields.values().flat_map(IndexMap::values)).flatten();
        let identities = self.identity.values().flat_map(IndexMap::values).flatten().map(|part| part.column.as_str());
        let mapped = mapped.map(Mapping::column).chain(identities).flat_map(|column| self.logged_columns(column));
        let filters = self.sources.values().flatten().flat_map(|s| s.filter.keys().map(String::as_str));
        mapped.chain(filters).chain(self.columns.iter().map(String::as_str)).collect()
    }

    /// Macros of log sources whose definitions name no index, or all.
    pub fn macros_without_index(&self) -> impl Iterator<Item = &str> {
        let sources = self.sources.values().flatten().filter_map(|s| s.macro_name.as_deref());
        let without = |name: &&str| self.macros.get(*name).is_some_and(|definition| !names_index(definition));
        let all: indexmap::IndexSet<&str> = sources.filter(without).collect();
        all.into_iter()
    }

    /// The field that is this part of a column.
    #[must_use]
    pub fn field_of(&self, how: How, column: &str) -> Option<FieldId> {
        let is_it = |m: &Option<Mapping>| matches!(m, Some(Mapping::Part(h, c)) if *h == how && c == column);
        let mut all = self.fields.values().flatten().chain(&self.every);
        all.find(|(_, mapping)| is_it(mapping)).map(|(field, _)| *field)
    }

    /// Whether a field or an identity reads this column.
    fn knows(&self, column: &str) -> bool {
        let mut mapped = self.every.values().chain(self.fields.values().flat_map(IndexMap::values)).flatten();
        let mut parts = self.identity.values().flat_map(IndexMap::values).flatten();
        mapped.any(|m| m.column() == column) || parts.any(|p| p.column == column)
    }

    /// Works out what each log source's own columns change, and which columns are computed.
    fn settle(&mut self) {
        let computed = &self.computed;
        for mapping in self.every.values_mut().chain(self.fields.values_mut().flat_map(IndexMap::values_mut)).flatten()
        {
            if let Mapping::Column(column) = mapping
                && computed.contains_key(column)
            {
                *mapping = Mapping::Part(How::Computed, std::mem::take(column));
            }
        }

        let mut settled = std::mem::take(&mut self.sources);
        for (kind, sources) in &mut settled {
            for source in sources {
                let named = |column: &str| source.columns.get(column);
                let mappings = fields::all().filter_map(|f| {
                    let mapping = self.mapping(f, *kind)?;
                    let own = named(mapping.column())?;
                    Some((f, own.as_ref().map(|column| mapping.of(column))))
                });
                let mappings = mappings.collect();
                let identities = fields::all().filter_map(|f| {
                    let parts = self.identity(f, *kind)?;
                    parts.iter().find_map(|p| named(&p.column))?;
                    let part = |p: &Part| match named(&p.column) {
                        Some(own) => own.clone().map(|column| Part { column, by: p.by }),
                        None => Some(p.clone()),
                    };
                    Some((f, parts.iter().map(part).collect::<Option<Vec<Part>>>()))
                });
                source.identity = identities.collect();
                source.fields = mappings;
            }
        }
        self.sources = settled;
    }
}
