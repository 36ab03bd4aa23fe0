//! What a target's file says of the documents around its queries: which ones, and the platform's words for them.

use super::load::Check;
use super::{How, Language, OneOrMany, Target};
use crate::duration;
use crate::sema::{ENTITIES, LEVELS};
use crate::vocabulary::{FieldId, Type};
use indexmap::IndexMap;
use serde::Deserialize;
use uuid::Uuid;

/// A format of documents. Each target has its queries; the others it has where its file names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, clap::ValueEnum)]
pub enum Format {
    /// The query, or Sigma's YAML, as it is
    Query,
    /// Microsoft Sentinel: analytics rules as the content hub takes them
    SentinelYaml,
    /// Microsoft Sentinel: analytics rules as its repository connection deploys them
    SentinelArm,
    /// Microsoft Sentinel: hunting queries
    SentinelHunting,
    /// Microsoft Defender XDR: custom detections as Microsoft Graph takes them
    DefenderRule,
    /// Sigma in SigmaHQ's layout: a file for each log source, correlations apart
    SigmaHq,
    /// The same with exceptions apart, as Sigma's filters
    SigmaFilters,
    /// SigmaHQ's regression data, beside its layout: the events of the rules' firing tests
    SigmaRegression,
    /// Splunk: an app with all rules as saved searches, and its macros
    SplunkApp,
    /// Splunk: detections as contentctl takes them, with their macros and story
    SplunkContentctl,
    /// A layer for the ATT&CK Navigator, of all rules on all targets
    Navigator,
}

/// Whose documents a format's are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Platform {
    /// Microsoft Sentinel.
    Sentinel,
    /// Microsoft Defender XDR.
    Defender,
    /// Sigma.
    Sigma,
    /// Splunk.
    Splunk,
    /// Nobody's: the query itself, and what is of all targets.
    None,
}

impl Platform {
    /// Whose a format is.
    #[must_use]
    pub fn of(format: Format) -> Platform {
        match format {
            Format::SentinelYaml | Format::SentinelArm | Format::SentinelHunting => Platform::Sentinel,
            Format::DefenderRule => Platform::Defender,
            Format::SigmaHq | Format::SigmaFilters | Format::SigmaRegression => Platform::Sigma,
            Format::SplunkApp | Format::SplunkContentctl => Platform::Splunk,
            Format::Query | Format::Navigator => Platform::None,
        }
    }

    /// The language of its queries.
    #[must_use]
    pub fn language(self) -> Option<Language> {
        match self {
            Platform::Sentinel | Platform::Defender => Some(Language::Kql),
            Platform::Sigma => Some(Language::Sigma),
            Platform::Splunk => Some(Language::Spl),
            Platform::None => None,
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Platform::Sentinel => "Sentinel",
            Platform::Defender => "Defender",
            Platform::Sigma => "Sigma",
            Platform::Splunk => "Splunk",
            Platform::None => "",
        }
    }
}

impl Format {
    /// Every format.
    pub const ALL: [Format; 11] = [
        Format::Query,
        Format::SentinelYaml,
        Format::SentinelArm,
        Format::SentinelHunting,
        Format::DefenderRule,
        Format::SigmaHq,
        Format::SigmaFilters,
        Format::SigmaRegression,
        Format::SplunkApp,
        Format::SplunkContentctl,
        Format::Navigator,
    ];

    /// Whether its documents bring the events of a rule's firing tests along.
    #[must_use]
    pub fn replays(self) -> bool {
        matches!(self, Format::SplunkContentctl | Format::SigmaRegression)
    }

    /// The word in files and on the command line.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Format::Query => "query",
            Format::SentinelYaml => "sentinel-yaml",
            Format::SentinelArm => "sentinel-arm",
            Format::SentinelHunting => "sentinel-hunting",
            Format::DefenderRule => "defender-rule",
            Format::SigmaHq => "sigma-hq",
            Format::SigmaFilters => "sigma-filters",
            Format::SigmaRegression => "sigma-regression",
            Format::SplunkApp => "splunk-app",
            Format::SplunkContentctl => "splunk-contentctl",
            Format::Navigator => "navigator",
        }
    }

    /// From the word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Format> {
        Format::ALL.into_iter().find(|f| f.word() == word)
    }
}

/// How a platform raises alerts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// How often rules without a `schedule` run, in seconds; 0: the target does not say.
    pub every: u64,
    /// How long events may take to come in, in seconds.
    pub delay: u64,
    /// The platform's word for each level.
    pub severity: IndexMap<String, String>,
    /// The platform's words for tactics of ATT&CK that it calls differently, by their short names.
    pub tactics: IndexMap<String, String>,
    /// Sentinel: ARM templates name sub-techniques, which only a preview of the API takes.
    pub sub_techniques: bool,
    /// What an entity of the language may be: the platform's entities, the best first: the
    /// first one is taken for which a query has columns.
    pub entities: IndexMap<String, Vec<EntityType>>,
    /// Alerts become one incident if they have these entities in common: words of `entities`.
    pub incident_by: Vec<String>,
    /// For how long alerts join an incident, in seconds.
    pub incident_within: u64,
    /// For each connector the tables that it fills.
    pub connectors: IndexMap<String, Vec<String>>,
    /// Documents carry the rule's own id and name. Those of other targets have ones made of it: one workspace may hold both,
    /// and the second would take the first one's place.
    pub namesake: bool,
}

impl Default for Alert {
    fn default() -> Self {
        Self {
            every: 0,
            delay: 0,
            severity: IndexMap::new(),
            entities: IndexMap::new(),
            tactics: IndexMap::new(),
            sub_techniques: false,
            incident_by: vec!["host".to_owned(), "user".to_owned()],
            incident_within: 5 * 3600,
            connectors: IndexMap::new(),
            namesake: false,
        }
    }
}

/// An entity of a platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntityType {
    /// Its type.
    pub name: String,
    /// For each identifier what has it, the one that the platform asks for first.
    pub identifiers: IndexMap<String, Identifier>,
}

/// What has an identifier of an entity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identifier {
    /// A field.
    Field(FieldId),
    /// A part of a path.
    Part(How, FieldId),
    /// A column of every result that is no field of the language.
    Column(String),
}

/// A platform's type of entity with its identifiers, and the field of each.
type EntityFile = IndexMap<String, IndexMap<String, IdentifierFile>>;

/// A field or a column, or `name_of` or `folder_of` with a field.
#[derive(Deserialize)]
#[serde(untagged)]
enum IdentifierFile {
    Whole(String),
    Part(IndexMap<String, String>),
}

/// `alert`, as files write it.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct AlertFile {
    every: Option<String>,
    delay: Option<String>,
    severity: IndexMap<String, String>,
    tactics: IndexMap<String, String>,
    sub_techniques: Option<bool>,
    entities: IndexMap<String, OneOrMany<EntityFile>>,
    incidents: IncidentsFile,
    connectors: IndexMap<String, Vec<String>>,
    namesake: Option<bool>,
}

/// What makes alerts one incident.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct IncidentsFile {
    by: Option<Vec<String>>,
    within: Option<String>,
}

impl Target {
    /// The id that the documents of a rule with this id have.
    #[must_use]
    pub fn id_of(&self, rule: &str) -> String {
        match Uuid::parse_str(rule) {
            Ok(namespace) if !self.alert.namesake => Uuid::new_v5(&namespace, self.name.as_bytes()).to_string(),
            _ => rule.to_owned(),
        }
    }

    /// A name for what documents call after a rule or a pack.
    #[must_use]
    pub fn name_of(&self, name: &str, between: char) -> String {
        match self.alert.namesake {
            true => name.to_owned(),
            false => format!("{name}{between}{}", self.name.replace('-', &between.to_string())),
        }
    }
}

impl Check {
    /// The formats that a target's file names.
    pub(super) fn formats(&mut self, words: &[String]) -> Vec<Format> {
        let mut out = vec![];
        for word in words {
            match Format::from_word(word) {
                Some(Format::Navigator) => self.bad(word, "is of all targets, and no target's own"),
                Some(format) => out.push(format),
                None => {
                    let known: Vec<&str> = Format::ALL.iter().map(|f| f.word()).collect();
                    self.bad(word, &format!("is no format of documents; formats are {}", known.join(", ")));
                }
            }
        }
        out
    }

    /// Only KQL's documents make parts of paths for entities.
    pub(super) fn parts_of_paths(&mut self, language: Language, alert: &Alert) {
        let all = alert.entities.values().flatten().flat_map(|entity| &entity.identifiers);
        for (identifier, _) in all.filter(|(_, of)| language != Language::Kql && matches!(of, Identifier::Part(..))) {
            self.bad(identifier, "only targets of KQL take a part of a path for an entity");
        }
    }

    /// Documents must be of the target's language, and alerts need a frequency.
    pub(super) fn fitting(&mut self, documents: &[Format], language: Language, alert: &Alert) {
        for format in documents {
            let platform = Platform::of(*format);
            if platform.language().is_some_and(|l| l != language) {
                self.bad(format.word(), "is no format for queries of this target's language");
            } else if matches!(platform.language(), Some(Language::Kql | Language::Spl)) && alert.every == 0 {
                self.bad(format.word(), "says how often a rule runs: the target needs `every` under `alert`");
            }
        }
    }

    /// Adds what a file says of alerts to what its target says already.
    pub(super) fn alert(&mut self, file: AlertFile, columns: &[String], alert: &mut Alert) {
        for (text, seconds) in [
            (file.every, &mut alert.every),
            (file.delay, &mut alert.delay),
            (file.incidents.within, &mut alert.incident_within),
        ] {
            match text.as_deref().map(|text| (text, duration::parse(text))) {
                None => {}
                Some((_, Some(parsed))) => *seconds = parsed,
                Some((text, None)) => self.bad(text, "is no duration such as 15m"),
            }
        }
        for level in file.severity.keys().filter(|level| !LEVELS.contains(&level.as_str())) {
            self.bad(level, &format!("is no level; levels are {}", LEVELS.join(", ")));
        }
        alert.severity.extend(file.severity);
        alert.tactics.extend(file.tactics);
        alert.sub_techniques = file.sub_techniques.unwrap_or(alert.sub_techniques);
        let by = file.incidents.by;
        for entity in file.entities.keys().chain(by.iter().flatten()).filter(|e| !ENTITIES.contains(&e.as_str())) {
            self.bad(entity, &format!("is no entity; entities are {}", ENTITIES.join(", ")));
        }
        alert.incident_by = by.unwrap_or_else(|| std::mem::take(&mut alert.incident_by));
        for (entity, types) in file.entities {
            let types = types.all().into_iter().flatten().map(|(name, fields)| self.entity(name, fields, columns));
            let types = types.collect();
            alert.entities.insert(entity, types);
        }
        alert.connectors.extend(file.connectors);
        alert.namesake = file.namesake.unwrap_or(alert.namesake);
    }

    fn entity(&mut self, name: String, fields: IndexMap<String, IdentifierFile>, columns: &[String]) -> EntityType {
        let mut identifiers = IndexMap::new();
        for (identifier, of) in fields {
            let of = match of {
                IdentifierFile::Whole(of) => of,
                IdentifierFile::Part(part) => {
                    let only = part.iter().next().filter(|_| part.len() == 1);
                    let how = |word: &str| [How::Name, How::Folder].into_iter().find(|how| how.word() == word);
                    let path = |field: &str| FieldId::find(field).filter(|id| id.def().ty == Type::Path);
                    match only.and_then(|(word, field)| Some(Identifier::Part(how(word)?, path(field)?))) {
                        Some(part) => drop(identifiers.insert(identifier, part)),
                        None => self.bad(&identifier, "takes a field, or `name_of` or `folder_of` with a path"),
                    }
                    continue;
                }
            };
            match FieldId::find(&of) {
                Some(id) => {
                    identifiers.insert(identifier, Identifier::Field(id));
                }
                None if columns.contains(&of) => {
                    identifiers.insert(identifier, Identifier::Column(of));
                }
                None => self.unknown_field(&of),
            }
        }
        EntityType { name, identifiers }
    }
}
