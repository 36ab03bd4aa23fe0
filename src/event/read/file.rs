//! Reader files.

use super::cell::{Take, TakeCase, TakeValue};
use super::shape::Builder;
use super::{Column, Reader, Source};
use crate::diagnostic::Diagnostic;
use crate::target::{Case, CaseValue, How, Mapping, MappingFile, Scalar, Targets};
use crate::vocabulary::{FieldId, Kind, Type, fields};
use indexmap::IndexMap;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    title: String,
    /// Objects in which a record's columns may lie as well.
    #[serde(default)]
    strip: Vec<String>,
    /// Lists of records.
    #[serde(default)]
    items: Vec<String>,
    /// Other names of a column.
    #[serde(default)]
    also: IndexMap<String, Vec<String>>,
    /// Columns that only this schema has together.
    marks: Vec<Vec<String>>,
    #[serde(default)]
    filler: Vec<String>,
    /// Every field is a column of its own name.
    #[serde(default)]
    every_field: bool,
    #[serde(default)]
    fields: IndexMap<String, Option<MappingFile>>,
    kinds: Vec<KindFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KindFile {
    kind: String,
    /// Fields are those of this target.
    of: Option<String>,
    os: Option<String>,
    #[serde(default, rename = "where")]
    filter: IndexMap<String, OneOrMany>,
    #[serde(default)]
    unless: IndexMap<String, OneOrMany>,
    #[serde(default)]
    has: Vec<String>,
    #[serde(default)]
    without: Vec<String>,
    #[serde(default)]
    set: IndexMap<String, String>,
    #[serde(default)]
    fields: IndexMap<String, Option<MappingFile>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(Scalar),
    Many(Vec<Scalar>),
}

/// Reads a reader's file.
///
/// # Errors
/// What is wrong with it, in words.
pub(super) fn load(text: &str) -> Result<Reader, String> {
    let file: File = serde_yaml::from_str(text).map_err(|e| e.to_string())?;
    let mut builder = Builder::new(&file.strip, &file.items);
    let marks = file.marks.iter().map(|mark| mark.iter().map(|c| builder.column(c)).collect()).collect();
    let general = mappings(&file.fields)?;
    let mut kinds = vec![];
    for kind in &file.kinds {
        kinds.push(source(kind, &file, &general, &mut builder)?);
    }
    for (column, name) in file.also.iter().flat_map(|(column, names)| names.iter().map(move |n| (column, n))) {
        if !builder.also(column, name) {
            return Err(format!("`{name}` is a column, so `{column}` cannot be called so too"));
        }
    }
    Ok(Reader { name: file.name, title: file.title, shape: builder.build(), marks, kinds })
}

type Fields = IndexMap<FieldId, Option<Mapping>>;

fn source(file: &KindFile, all: &File, general: &Fields, builder: &mut Builder) -> Result<Source, String> {
    let kind = Kind::from_word(&file.kind).ok_or_else(|| format!("`{}` is no kind of event", file.kind))?;
    let mut mapped = Fields::new();
    if all.every_field {
        mapped.extend(fields::all().filter(|f| f.def().has_kind(kind)).map(|f| (f, Some(own_column(f)))));
    }
    let targets = Targets::built_in();
    let mut computed = None;
    let mut filler = all.filler.clone();
    if let Some(name) = &file.of {
        let target = targets.all.get(name).ok_or_else(|| format!("there is no target `{name}`"))?;
        mapped.extend(fields::all().filter_map(|f| Some((f, Some(target.mapping(f, kind)?.clone())))));
        computed = Some(&target.computed);
        filler.extend(target.filler.iter().filter(|f| !all.filler.contains(f)).cloned());
    }
    mapped.extend(general.clone());
    mapped.extend(mappings(&file.fields)?);
    let mut columns = |names: &[String]| names.iter().map(|n| builder.column(n)).collect::<Vec<Column>>();
    let (has, without) = (columns(&file.has), columns(&file.without));
    let mut values = |map: &IndexMap<String, OneOrMany>| -> Vec<(Column, Vec<Scalar>)> {
        let all = map.iter().map(|(column, values)| {
            let values = match values {
                OneOrMany::One(one) => vec![one.clone()],
                OneOrMany::Many(many) => many.clone(),
            };
            (builder.column(column), values)
        });
        all.collect()
    };
    let (filter, unless) = (values(&file.filter), values(&file.unless));
    let mut set = vec![];
    let os = file.os.as_ref().map(|os| ("host.os", os.as_str()));
    for (name, word) in file.set.iter().map(|(n, w)| (n.as_str(), w.as_str())).chain(os) {
        let field = FieldId::find(name).ok_or_else(|| format!("there is no field `{name}`"))?;
        let Type::Enum(words) = field.def().ty else { return Err(format!("`{name}` has no words")) };
        let known = words.iter().find(|w| **w == word).ok_or_else(|| format!("`{word}` is no word of `{name}`"))?;
        set.push((field, *known));
    }
    let fields = mapped.into_iter().filter_map(|(field, mapping)| {
        let mapping = mapping?;
        let cases = computed.and_then(|all| all.get(mapping.column()));
        if let (Mapping::Part(How::Computed, _), Some(cases)) = (&mapping, cases) {
            let cases = cases.iter().map(|case| taken(case, builder)).collect();
            return Some((field, Take::of_cases(cases, field.def().ty, mapping)));
        }
        Some((field, Take::new(builder.column(mapping.column()), field.def().ty, mapping)))
    });
    Ok(Source { kind, has, without, filter, unless, set, fields: fields.collect(), filler })
}

/// A case of a column that the target computes.
fn taken(case: &Case, builder: &mut Builder) -> TakeCase {
    let filter = case.filter.iter().map(|(column, values)| (builder.column(column), values.clone())).collect();
    let value = match &case.value {
        CaseValue::Column(column) => TakeValue::Column(builder.column(column)),
        CaseValue::Text(text) => TakeValue::Text(text.clone()),
    };
    TakeCase { filter, value }
}

/// A field's column in a schema that calls it as the language does.
fn own_column(field: FieldId) -> Mapping {
    let column = field.def().ecs.clone();
    match field.def().ty {
        Type::Bool => Mapping::Equals { column, value: Scalar::Text("true".to_owned()) },
        Type::Enum(words) => {
            let words = words.iter().map(|w| ((*w).to_owned(), vec![Scalar::Text((*w).to_owned())]));
            Mapping::Words { column, words: words.collect() }
        }
        _ => Mapping::Column(column),
    }
}

/// Mappings are written as in target files.
fn mappings(fields: &IndexMap<String, Option<MappingFile>>) -> Result<Fields, String> {
    let (mapped, findings) = crate::target::mappings(fields.clone());
    match findings.iter().find(|d| d.is_error()) {
        Some(Diagnostic { message, .. }) => Err(message.clone()),
        None => Ok(mapped),
    }
}
