//! What a log of a target holds of an event, and what the event is once it is read back from there.
//!
//! Both follow the target's file alone. A log may hold less than the event (a field has no column), and more (a column
//! is one whole: a folder for a name, an account for a domain), so it is the event as read back that the oracle is asked
//! about. Logs hold native full paths: that is what the compiler takes for granted.

use super::super::oracle::{Event, Value};
use arcanary::target::{Case, CaseValue, How, Language, Mapping, Scalar, Source, Target};
use arcanary::vocabulary::{FieldId, Kind, Os, Type, fields};
use serde_json::{Map, Value as Json};

/// How a log writes what an event lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Missing {
    /// Not at all.
    Absent,
    /// As this text.
    As(String),
}

/// The ways in which a target's logs write a missing value.
pub fn missing(target: &Target) -> Vec<Missing> {
    let fillers = target.filler.iter().cloned().map(Missing::As);
    let mut all = vec![Missing::Absent];
    // A string of Kusto is never null: absent and empty are one.
    if target.language != Language::Kql {
        all.push(Missing::As(String::new()));
    }
    all.extend(fillers);
    all
}

/// One event in one log of a target.
#[derive(Clone, Debug)]
pub struct Logged<'t> {
    /// The log.
    pub source: &'t Source,
    /// The kind of event.
    pub kind: Kind,
    /// The system that it comes from.
    pub os: Os,
    /// It is another event than those that the target looks for in this log.
    pub decoy: bool,
    /// When: results name rows so.
    pub seconds: i64,
    /// Its columns. A missing number is always absent.
    pub row: Map<String, Json>,
    /// What the row says.
    pub event: Event,
}

impl Logged<'_> {
    /// The same columns in an event of another sort, where the log's filter tells events apart.
    pub fn decoy(&self, target: &Target, seconds: i64) -> Option<Self> {
        let (column, values) = self.source.filter.first()?;
        let mut row = self.row.clone();
        let other = match values.first()? {
            Scalar::Number(_) => Json::from(9999),
            Scalar::Text(_) => Json::from("SomethingElse"),
        };
        row.insert(column.clone(), other);
        row.insert(time(target)?.to_owned(), Json::from(seconds));
        Some(Logged { decoy: true, seconds, row, ..self.clone() })
    }

    /// The columns without the time that only tells rows apart.
    pub fn row_but_time(&self, target: &Target) -> Map<String, Json> {
        let mut row = self.row.clone();
        if let Some(time) = time(target) {
            row.shift_remove(time);
        }
        row
    }
}

/// The column of an event's time.
pub fn time(target: &Target) -> Option<&str> {
    let field = FieldId::find("event.time").expect("a field");
    target.every.get(&field)?.as_ref().map(Mapping::column)
}

/// The system that an event comes from: as it says, or as its paths look.
pub fn system(event: &Event) -> Os {
    if let Some(Value::Text(word)) = event.named("host.os") {
        return Os::from_word(word).expect("a system");
    }
    let paths = event.fields.iter().filter(|(id, _)| id.def().ty == Type::Path);
    let unix = paths.into_iter().any(|(_, v)| v.text().starts_with('/') && !v.text().starts_with("//"));
    if unix { Os::Linux } else { Os::Windows }
}

/// The event in the log of the target that would hold it, if there is one.
pub fn logged<'t>(target: &'t Target, event: &Event, missing: &Missing, seconds: i64) -> Option<Logged<'t>> {
    let os = system(event);
    let sources = target.sources.get(&event.kind).map_or(&[][..], Vec::as_slice);
    for source in sources.iter().filter(|s| s.os.contains(&os)) {
        let mut event = event.clone();
        let admitted = source.when.iter().all(|(field, words)| match event.get(*field) {
            Some(value) => words.iter().any(|w| w == value.text()),
            None => {
                let word = words.first().expect("a word").clone();
                event.fields.insert(*field, Value::Text(word));
                true
            }
        });
        if admitted {
            let row = row(target, source, &event, os, missing, seconds);
            let event = read(target, source, &event, os, &row);
            return Some(Logged { source, kind: event.kind, os, decoy: false, seconds, row, event });
        }
    }
    None
}

/// Fields of a kind of event that have a column.
fn mapped<'t>(target: &'t Target, source: &'t Source, kind: Kind) -> Vec<(FieldId, &'t Mapping)> {
    let known = fields::all().filter(|f| f.def().has_kind(kind));
    known.filter_map(|f| target.mapping_in(source, f, kind).map(|m| (f, m))).collect()
}

fn json(scalar: &Scalar) -> Json {
    match scalar {
        Scalar::Number(n) => Json::from(*n),
        Scalar::Text(t) => Json::from(t.as_str()),
    }
}

/// Whether a column is a number.
pub fn is_number(ty: Type, mapping: &Mapping) -> bool {
    matches!(ty, Type::Int | Type::Size | Type::Time) && matches!(mapping, Mapping::Column(_))
}

fn row(target: &Target, source: &Source, event: &Event, os: Os, missing: &Missing, seconds: i64) -> Map<String, Json> {
    let all = mapped(target, source, event.kind);
    let mut row = Map::new();
    for (field, mapping) in &all {
        let Some(value) = event.get(*field) else { continue };
        if let Mapping::Column(column) = mapping {
            let value = match value {
                Value::Text(text) if field.def().ty == Type::Path => Json::from(native(text, os)),
                Value::Text(text) => Json::from(text.as_str()),
                Value::Number(n) => Json::from(*n),
                Value::Bool(b) => panic!("{b} in the column {column}"),
            };
            row.insert(column.clone(), value);
        }
    }
    let text = |name: FieldId| event.get(name).map(|v| v.text().to_owned());
    for (field, mapping) in &all {
        let Some(value) = event.get(*field) else { continue };
        match mapping {
            Mapping::Column(_) => {}
            Mapping::Words { column, words } => {
                // Each of the values that stand for a word has its turn.
                let mut all = words.get(value.text()).cloned().unwrap_or_default();
                // The log source holds no other ones.
                all.retain(|scalar| source.filter.get(column).is_none_or(|known| known.contains(scalar)));
                if !all.is_empty() {
                    let turn = usize::try_from(seconds).unwrap_or(0) / 10 % all.len();
                    row.entry(column.clone()).or_insert_with(|| json(&all[turn]));
                }
            }
            Mapping::Equals { column, value: yes } => {
                let no = if matches!(yes, Scalar::Text(t) if t == "true") { "false" } else { "Unavailable" };
                let value = if *value == Value::Bool(true) { json(yes) } else { Json::from(no) };
                row.entry(column.clone()).or_insert(value);
            }
            // Where a column may hold one hash alone, every other row does.
            Mapping::Keyed { column, bare: true, .. } if seconds % 20 < 10 => {
                row.entry(column.clone()).or_insert_with(|| Json::from(value.text()));
            }
            Mapping::Keyed { column, key, .. } => {
                let one = format!("{key}={}", value.text());
                let before = row.get(column).and_then(Json::as_str).map_or(String::new(), |b| format!("{b},"));
                row.insert(column.clone(), Json::from(before + &one));
            }
            // Each of the columns that may say it has its turn; where it is not the last one, that says something else.
            Mapping::Part(How::Computed, column) => {
                let mut all = own_columns(&target.computed[column]);
                all.sort_unstable();
                let turn = usize::try_from(seconds).unwrap_or(0) / 10 % all.len();
                for other in &all[..turn] {
                    row.insert((*other).to_owned(), Json::from("STARTER$"));
                }
                row.insert(all[turn].to_owned(), Json::from(value.text()));
            }
            Mapping::Part(how, column) if !row.contains_key(column) => {
                let whole = match how {
                    How::Whole | How::Address | How::Computed => panic!("{column} is a part of nothing"),
                    How::Name => native(value.text(), os),
                    How::Hex => format!("{:#x}", value.number()),
                    How::Extension => native(&format!("x.{}", value.text()), os),
                    How::Folder => format!("{}{}x", value.text(), if os == Os::Windows { '\\' } else { '/' }),
                    // Both parts of an account are written when its name, or else its domain, is met.
                    How::Account | How::Domain => {
                        let part = |wanted: How| {
                            let found = all.iter().find(|(_, m)| **m == Mapping::Part(wanted, column.clone()));
                            found.and_then(|(f, _)| text(*f))
                        };
                        match (part(How::Domain), part(How::Account)) {
                            // No log has a domain's name without an account of it.
                            (Some(domain), account) => {
                                format!("{domain}\\{}", account.unwrap_or_else(|| "someone".to_owned()))
                            }
                            (None, account) => account.unwrap_or_default(),
                        }
                    }
                };
                row.insert(column.clone(), Json::from(whole));
            }
            Mapping::Part(..) => {}
        }
    }
    if let Missing::As(filler) = missing {
        for (field, mapping) in &all {
            for column in target.logged_columns(mapping.column()).filter(|_| !is_number(field.def().ty, mapping)) {
                row.entry(column.to_owned()).or_insert_with(|| Json::from(filler.as_str()));
            }
        }
    }
    for (i, (column, values)) in source.filter.iter().enumerate() {
        let turn = usize::try_from(seconds).unwrap_or(0) / 10 + i;
        if !values.iter().any(|value| row.get(column) == Some(&json(value))) {
            row.insert(column.clone(), json(&values[turn % values.len()]));
        }
    }
    if let Some(time) = time(target) {
        row.insert(time.to_owned(), Json::from(seconds));
    }
    row
}

/// A path as the system itself writes it; a bare name gets a folder.
fn native(path: &str, os: Os) -> String {
    let path = if os == Os::Windows { path.replace('/', "\\") } else { path.to_owned() };
    if path.contains(['\\', '/']) {
        return path;
    }
    let folder = if os == Os::Windows { r"C:\Windows\" } else { "/usr/bin/" };
    format!("{folder}{path}")
}

fn is_separator(c: char) -> bool {
    matches!(c, '\\' | '/')
}

fn part(how: How, whole: &str) -> Option<Value> {
    let name = || whole.rsplit(is_separator).next().unwrap_or("");
    let text = match how {
        How::Whole | How::Address | How::Computed => whole,
        How::Name => name(),
        How::Extension => name().rsplit_once('.')?.1,
        How::Folder => &whole[..whole.rfind(is_separator)?],
        How::Account => whole.rsplit('\\').next().unwrap_or(""),
        How::Domain => whole.split_once('\\')?.0,
        How::Hex => return i64::from_str_radix(whole.strip_prefix("0x")?, 16).ok().map(Value::Number),
    };
    (!text.is_empty()).then(|| Value::Text(text.to_owned()))
}

/// The columns whose values cases take over, each once.
fn own_columns(cases: &[Case]) -> Vec<&str> {
    let mut out = vec![];
    for case in cases {
        if let CaseValue::Column(column) = &case.value
            && !out.contains(&column.as_str())
        {
            out.push(column.as_str());
        }
    }
    out
}

/// What a computed column says of a row.
fn said(cases: &[Case], row: &Map<String, Json>, is_missing: &dyn Fn(&str) -> bool) -> Option<String> {
    for Case { filter, value } in cases {
        let meant = filter.iter().all(|(column, values)| {
            let stored = row.get(column).cloned().unwrap_or(Json::Null);
            values.iter().any(|value| json(value) == stored)
        });
        let text = match value {
            CaseValue::Text(text) => Some(text.clone()),
            CaseValue::Column(column) => {
                row.get(column).and_then(Json::as_str).filter(|text| !is_missing(text)).map(str::to_owned)
            }
        };
        if meant && text.is_some() {
            return text;
        }
    }
    None
}

/// The event that a row tells of.
fn read(target: &Target, source: &Source, from: &Event, os: Os, row: &Map<String, Json>) -> Event {
    let mut event = Event { kind: from.kind, fields: Default::default() };
    let is_missing = |text: &str| text.is_empty() || target.filler.iter().any(|f| f == text);
    for (field, mapping) in mapped(target, source, from.kind) {
        if let Some(cases) = target.computed.get(mapping.column()) {
            if let Some(text) = said(cases, row, &is_missing) {
                event.fields.insert(field, Value::Text(text));
            }
            continue;
        }
        let Some(stored) = row.get(mapping.column()) else { continue };
        if stored.as_str().is_some_and(is_missing) {
            continue;
        }
        let text = stored.as_str().unwrap_or("");
        let is = |scalar: &Scalar| json(scalar) == *stored;
        let value = match mapping {
            Mapping::Column(_) => match stored.as_i64() {
                Some(n) if field.def().ty == Type::Time => Some(Value::Number(n * 1_000_000)),
                Some(n) => Some(Value::Number(n)),
                None => Some(Value::Text(text.to_owned())),
            },
            Mapping::Part(how, _) => part(*how, text).filter(|v| !matches!(v, Value::Text(t) if is_missing(t))),
            Mapping::Keyed { key, bare, .. } => {
                let found = text.split(',').find_map(|pair| pair.strip_prefix(&format!("{key}=")));
                let digits = |n: usize| *bare && text.len() == n && text.chars().all(|c| c.is_ascii_hexdigit());
                let alone = matches!(field.def().ty, Type::Hash(n) if digits(n)).then_some(text);
                found.or(alone).map(|v| Value::Text(v.to_owned()))
            }
            Mapping::Equals { value, .. } => Some(Value::Bool(is(value))),
            Mapping::Words { words, .. } => {
                let found = words.iter().find(|(_, scalars)| scalars.iter().any(is));
                found.map(|(word, _)| Value::Text(word.clone()))
            }
        };
        if let Some(value) = value {
            event.fields.insert(field, value);
        }
    }
    for (field, _) in &source.when {
        if let Some(value) = from.get(*field) {
            event.fields.insert(*field, value.clone());
        }
    }
    if let ([_], Some(id)) = (source.os.as_slice(), FieldId::find("host.os")) {
        event.fields.insert(id, Value::Text(os.word().to_owned()));
    }
    event
}
