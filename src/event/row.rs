//! Rows of a log: an event in a target's columns, and the event that is read back from there.
//!
//! Both follow the target's file alone. A log may hold less than the event (a field has no column), so what a query
//! answers about a row is what the rule says of the event as read back.

use super::{Event, Value};
use crate::target::{Case, CaseValue, How, Language, Mapping, Scalar, Source, Target};
use crate::vocabulary::{FieldId, Kind, Os, Type, fields};
use serde_json::{Map, Value as Json};

/// Fields of a kind of event that have a column.
fn mapped<'t>(target: &'t Target, source: &'t Source, kind: Kind) -> impl Iterator<Item = (FieldId, &'t Mapping)> {
    let known = fields::all().filter(move |f| f.def().has_kind(kind));
    known.filter_map(move |f| target.mapping_in(source, f, kind).map(|m| (f, m)))
}

fn json(scalar: &Scalar) -> Json {
    match scalar {
        Scalar::Number(n) => Json::from(*n),
        Scalar::Text(t) => Json::from(t.as_str()),
    }
}

/// An event as a row of one of a target's logs.
#[must_use]
pub fn write(target: &Target, source: &Source, os: Os, event: &Event) -> Map<String, Json> {
    let mut row = Map::new();
    for (field, mapping) in mapped(target, source, event.kind) {
        if let (Mapping::Column(column), Some(value)) = (mapping, event.get(field)) {
            row.insert(column.clone(), column_value(target, field, value, os));
        }
    }
    for (field, mapping) in mapped(target, source, event.kind) {
        let Some(value) = event.get(field) else { continue };
        let column = mapping.column();
        if let (Some(cases), Value::Text(text)) = (target.computed.get(column), value) {
            // The last case needs nothing of the others.
            if let Some(CaseValue::Column(own)) = cases.last().map(|case| &case.value) {
                row.insert(own.clone(), Json::from(text.as_ref()));
            }
        } else if let (Mapping::Keyed { key, .. }, Value::Text(text)) = (mapping, value) {
            let before = row.get(column).and_then(Json::as_str).map_or_else(String::new, |b| format!("{b},"));
            row.insert(column.to_owned(), Json::from(format!("{before}{key}={text}")));
        } else if !row.contains_key(column)
            && let Some(value) = part_value((target, source), event, mapping, value, os)
        {
            row.insert(column.to_owned(), value);
        }
    }
    for (column, values) in &source.filter {
        let fits = |row: &Map<String, Json>| values.iter().any(|v| row.get(column) == Some(&json(v)));
        if let Some(first) = values.first().filter(|_| !fits(&row)) {
            row.insert(column.clone(), json(first));
        }
    }
    row
}

/// Columns that every row of a result has and no field of the language stands for.
#[must_use]
pub fn identifiers(target: &Target, row: &Map<String, Json>, number: usize) -> Map<String, Json> {
    let mut out = Map::new();
    for column in target.columns.iter().filter(|c| !row.contains_key(*c)) {
        let value = match column.as_str() {
            "DeviceId" => Json::from("4c1f0e5d9a7b3c2e8f6d1a0b5c4e3f2d1a0b9c8e"),
            "ReportId" => Json::from(10_000 + number),
            _ => continue,
        };
        out.insert(column.clone(), value);
    }
    out
}

fn column_value(target: &Target, field: FieldId, value: &Value, os: Os) -> Json {
    match value {
        Value::Text(text) if field.def().ty == Type::Path => Json::from(native(text, os)),
        Value::Text(text) => Json::from(text.as_ref()),
        // Splunk counts seconds; Kusto reads a time as ISO 8601 writes it.
        Value::Number(n) if field.def().ty == Type::Time && target.language == Language::Spl => match n % 1_000_000 {
            0 => Json::from(n / 1_000_000),
            rest => serde_json::from_str(&format!("{}.{rest:06}", n / 1_000_000)).unwrap_or(Json::Null),
        },
        Value::Number(n) if field.def().ty == Type::Time => Json::from(super::time::format(*n)),
        Value::Number(n) => Json::from(*n),
        Value::Bool(b) => Json::from(*b),
    }
}

/// The column that a field is a part of, or a word of.
fn part_value(log: (&Target, &Source), event: &Event, mapping: &Mapping, value: &Value, os: Os) -> Option<Json> {
    Some(match (mapping, value) {
        (Mapping::Words { words, column }, Value::Text(text)) => {
            let known = log.1.filter.get(column);
            let fits = |value: &&Scalar| known.is_none_or(|all| all.contains(value));
            json(words.get(text.as_ref())?.iter().find(fits)?)
        }
        (Mapping::Equals { value: yes, .. }, Value::Bool(true)) => json(yes),
        (Mapping::Equals { value: yes, .. }, Value::Bool(false)) => match yes {
            Scalar::Number(n) => Json::from(i64::from(*n == 0)),
            Scalar::Text(t) if t == "true" => Json::from("false"),
            Scalar::Text(t) if t == "false" => Json::from("true"),
            Scalar::Text(_) => Json::from("Unavailable"),
        },
        (Mapping::Part(How::Hex, _), Value::Number(n)) => Json::from(format!("{n:#x}")),
        (Mapping::Part(how, column), Value::Text(text)) => Json::from(match how {
            How::Whole | How::Hex | How::Address | How::Computed => return None,
            How::Name => native(text, os),
            How::Extension => native(&format!("report.{text}"), os),
            How::Folder => native(&format!("{text}/report"), os),
            How::Account | How::Domain => account(log, event, column),
        }),
        _ => return None,
    })
}

/// `DOMAIN\user`; without a domain, the user alone.
fn account((target, source): (&Target, &Source), event: &Event, column: &str) -> String {
    let part = |how: How| {
        let wanted = Mapping::Part(how, column.to_owned());
        mapped(target, source, event.kind).find(|(_, m)| **m == wanted).and_then(|(f, _)| event.text(f))
    };
    match (part(How::Domain), part(How::Account)) {
        (Some(domain), account) => format!("{domain}\\{}", account.unwrap_or("SYSTEM")),
        (None, account) => account.unwrap_or("").to_owned(),
    }
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

/// The event that a row tells of; fillers are missing values.
#[must_use]
pub fn read(target: &Target, source: &Source, kind: Kind, row: &Map<String, Json>) -> Event<'static> {
    let mut event = Event::new(kind);
    let is_missing = |text: &str| text.is_empty() || target.filler.iter().any(|f| f == text);
    for (field, mapping) in mapped(target, source, kind) {
        let made = target.computed.get(mapping.column()).map(|cases| of_cases(cases, row, &is_missing));
        let Some(stored) = made.as_ref().map_or_else(|| row.get(mapping.column()), Option::as_ref) else { continue };
        if stored.as_str().is_some_and(is_missing) {
            continue;
        }
        let value = field_value(field, mapping, stored);
        if let Some(value) = value.filter(|v| !matches!(v, Value::Text(t) if is_missing(t))) {
            event.set(field, value);
        }
    }
    for (field, words) in &source.when {
        if let Some(word) = words.first() {
            event.set(*field, Value::of(word.clone()));
        }
    }
    if let ([os], Some(id)) = (source.os.as_slice(), FieldId::find("host.os")) {
        event.set(id, Value::of(os.word()));
    }
    event
}

/// What the first case that holds says.
fn of_cases(cases: &[Case], row: &Map<String, Json>, is_missing: &impl Fn(&str) -> bool) -> Option<Json> {
    let holds = |case: &&Case| {
        let is = |(column, values): (&String, &Vec<Scalar>)| values.iter().any(|v| row.get(column) == Some(&json(v)));
        let there = match &case.value {
            CaseValue::Column(column) => row.get(column).and_then(Json::as_str).is_some_and(|text| !is_missing(text)),
            CaseValue::Text(_) => true,
        };
        there && case.filter.iter().all(is)
    };
    match &cases.iter().find(holds)?.value {
        CaseValue::Column(column) => row.get(column).cloned(),
        CaseValue::Text(text) => Some(Json::from(text.as_str())),
    }
}

fn field_value(field: FieldId, mapping: &Mapping, stored: &Json) -> Option<Value<'static>> {
    let text = stored.as_str();
    let is = |scalar: &Scalar| json(scalar) == *stored;
    match mapping {
        Mapping::Column(_) => match (field.def().ty, stored) {
            (Type::Time, Json::String(text)) => super::time::parse(text).map(Value::Number),
            (Type::Time, Json::Number(n)) => seconds(&n.to_string()).map(Value::Number),
            (Type::Int | Type::Size, _) => stored.as_i64().map(Value::Number),
            (Type::Bool, _) => stored.as_bool().map(Value::Bool),
            _ => text.map(|t| Value::of(t.to_owned())),
        },
        Mapping::Part(How::Hex, _) => i64::from_str_radix(text?.strip_prefix("0x")?, 16).ok().map(Value::Number),
        Mapping::Part(how, _) => part(*how, text?).map(|t| Value::of(t.to_owned())),
        Mapping::Keyed { key, bare, .. } => {
            let is_alone = |t: &&str| {
                matches!(field.def().ty, Type::Hash(n) if *bare && t.len() == n)
                    && t.bytes().all(|b| b.is_ascii_hexdigit())
            };
            if let Some(alone) = text.filter(is_alone) {
                return Some(Value::of(alone.to_owned()));
            }
            let pairs = text?.split(',').filter_map(|pair| pair.split_once('='));
            pairs.filter(|(k, _)| k == key).map(|(_, v)| Value::of(v.to_owned())).next()
        }
        Mapping::Equals { value, .. } => Some(Value::Bool(is(value))),
        Mapping::Words { words, .. } => {
            words.iter().find(|(_, scalars)| scalars.iter().any(is)).map(|(word, _)| Value::of(word.clone()))
        }
    }
}

/// Seconds with a fraction, as microseconds.
fn seconds(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits: String = fraction.chars().chain("000000".chars()).take(6).collect();
    whole.parse::<i64>().ok()?.checked_mul(1_000_000)?.checked_add(digits.parse().ok()?)
}

/// A part of a column's text.
fn part(how: How, whole: &str) -> Option<&str> {
    let name = || whole.rsplit(['\\', '/']).next().unwrap_or("");
    match how {
        How::Whole | How::Hex | How::Address | How::Computed => Some(whole),
        How::Name => Some(name()),
        How::Extension => name().rsplit_once('.').map(|(_, extension)| extension),
        How::Folder => whole.get(..whole.rfind(['\\', '/'])?),
        How::Account => whole.rsplit('\\').next(),
        How::Domain => whole.split_once('\\').map(|(domain, _)| domain),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::Targets;

    fn id(name: &str) -> FieldId {
        FieldId::find(name).expect(name)
    }

    /// An event with a value of every sort.
    fn event(kind: Kind) -> Event<'static> {
        let mut event = Event::new(kind);
        for (name, value) in [
            ("event.time", Value::Number(1_767_225_600_250_000)),
            ("host.name", Value::of("ws")),
            ("user.name", Value::of("kim")),
            ("user.domain", Value::of("CORP")),
            ("executable", Value::of("C:/Tools/7z.exe")),
            ("process.pid", Value::Number(255)),
            ("process.hash.md5", Value::of("d41d8cd98f00b204e9800998ecf8427e")),
            ("process.hash.sha1", Value::of("da39a3ee5e6b4b0d3255bfef95601890afd80709")),
            ("network.direction", Value::of("inbound")),
            ("dll.code_signature.exists", Value::Bool(false)),
        ] {
            if id(name).def().has_kind(kind) {
                event.set(id(name), value);
            }
        }
        event
    }

    fn row_of(target: &str, kind: Kind) -> (Map<String, Json>, Event<'static>) {
        let targets = Targets::built_in();
        let target = &targets.all[target];
        let source = &target.sources[&kind][0];
        let row = write(target, source, Os::Windows, &event(kind));
        let back = read(target, source, kind, &row);
        (row, back)
    }

    #[test]
    fn parts_keys_words_and_times_are_written_as_each_log_has_them() {
        let (row, back) = row_of("splunk-sysmon", Kind::Process);
        assert_eq!(row["User"], r"CORP\kim");
        assert_eq!(row["Image"], r"C:\Tools\7z.exe");
        assert_eq!(row["_time"].to_string(), "1767225600.25");
        assert_eq!(row["Hashes"], "SHA1=da39a3ee5e6b4b0d3255bfef95601890afd80709,MD5=d41d8cd98f00b204e9800998ecf8427e");
        assert_eq!(back.text(id("process.name")), Some("7z.exe"));
        assert_eq!(back.text(id("user.domain")), Some("CORP"));
        assert_eq!(back.get(id("event.time")), event(Kind::Process).get(id("event.time")));
        assert_eq!(back.text(id("process.hash.md5")), Some("d41d8cd98f00b204e9800998ecf8427e"));

        let (row, back) = row_of("sentinel-securityevent", Kind::Process);
        assert_eq!((&row["NewProcessId"], &row["EventID"]), (&"0xff".into(), &4688.into()));
        assert_eq!(row["TimeGenerated"], "2026-01-01T00:00:00.250000Z");
        assert_eq!(back.get(id("process.pid")), Some(&Value::Number(255)));
        assert_eq!(back.get(id("event.time")), event(Kind::Process).get(id("event.time")));

        let (row, back) = row_of("sigma", Kind::Network);
        assert_eq!(row["Initiated"], "false");
        assert_eq!(back.text(id("network.direction")), Some("inbound"));
        let (row, back) = row_of("sigma", Kind::Library);
        assert_eq!(
            (&row["Signed"], back.get(id("dll.code_signature.exists"))),
            (&"false".into(), Some(&Value::Bool(false)))
        );
    }

    #[test]
    fn fillers_and_empty_texts_are_read_as_missing() {
        let targets = Targets::built_in();
        let target = &targets.all["splunk-sysmon"];
        let source = &target.sources[&Kind::Process][0];
        let row = [("CommandLine", "-"), ("User", ""), ("OriginalFileName", r"a\-")];
        let row = row.into_iter().map(|(c, v)| (c.to_owned(), Json::from(v))).collect();
        let event = read(target, source, Kind::Process, &row);
        let there: Vec<&str> = event.fields().map(|(id, _)| id.short()).collect();
        assert_eq!(there, ["original_name"]);
    }
}
