//! Sigma in SigmaHQ's layout: one file for each log source, named as its conventions ask; a correlation and its base rules
//! are one file, since they name each other.

use super::alert::Problem;
use super::template::render;
use super::{File, RawEvent, Refused, query, regression};
use crate::backend::Fragment;
use crate::document::Document;
use crate::sema::Rule;
use crate::target::{Format, Target};
use indexmap::IndexMap;
use serde::Deserialize as _;
use serde_yaml::Value;

/// A file's name has so many characters at most, its ending included.
const LONGEST: usize = 70;
/// SigmaHQ's validators take no longer title.
const TITLE: usize = 120;

/// The files of a rule.
///
/// # Errors
/// What SigmaHQ's validators would refuse.
pub fn files(
    rule: &Rule,
    target: &Target,
    document: &Document,
    formats: &[Format],
    replay: &[RawEvent],
) -> Result<Vec<File>, Refused> {
    let problems = problems(rule, document)?;
    if !problems.is_empty() {
        return Err(problems.into());
    }
    let mut files = vec![];
    let replay = if formats.contains(&Format::SigmaRegression) { replay } else { &[] };
    for format in formats.iter().filter(|f| **f != Format::SigmaRegression) {
        let (folder, documents) = match format {
            Format::SigmaFilters => ("sigmahq-filters", "bare"),
            _ => ("sigmahq", "documents"),
        };
        let root = format!("{}/{folder}", target.name);
        if rule.over_several_events().is_some() {
            let listed = correlated(document)?;
            if !listed.is_empty() {
                let path = format!("{root}/correlations/{}", named(&format!("correlation_{}", rule.name), rule));
                files.push(File { path, text: query::sigma(&document.printed, listed)? });
            }
            continue;
        }
        rules(rule, document, documents, &root, replay, &mut files)?;
        if *format == Format::SigmaFilters {
            filters(rule, document, &root, &mut files)?;
        }
    }
    Ok(files)
}

/// What SigmaHQ's validators refuse and the rule alone can change.
fn problems(rule: &Rule, document: &Document) -> Result<Vec<Problem>, String> {
    let mut out = vec![];
    let mut refuse = |why: String, cure: &str| {
        out.push(Problem { span: rule.span, why, cure: cure.to_owned() });
    };
    let own = rule.meta.title.chars().count();
    let mut longest = 0;
    for one in printed(document, "documents") {
        let title = parsed(document, one)?.get("title").and_then(Value::as_str).map_or(0, |t| t.chars().count());
        longest = longest.max(title);
    }
    if longest > TITLE {
        let most = TITLE.saturating_sub(longest.saturating_sub(own));
        refuse(format!("its title has {own} characters, and {most} is the limit"), "shorten `title`");
    }
    let sorts = rule.meta.tags.iter().filter(|tag| tag.starts_with("detection."));
    if sorts.count() > 1 {
        refuse("it has several tags that begin with `detection.`, and 1 is the limit".to_owned(), "keep one of them");
    }
    Ok(out)
}

fn parsed(document: &Document, one: &Fragment) -> Result<Value, String> {
    let text = query::sigma(&document.printed, vec![one.clone()])?;
    serde_yaml::from_str(&text).map_err(|e| format!("it is no YAML: {e}"))
}

/// Whether a document names a field that SigmaHQ lists for its log source, or is a correlation.
fn is_listed(document: &Document, read: &Value) -> bool {
    let text = |key: &str| read.get("logsource").and_then(|l| l.get(key)).and_then(Value::as_str);
    let mut sources = document.printed.sources.iter().map(|(_, source)| source);
    let source = sources.find(|s| s.logsource.iter().all(|(key, value)| text(key) == Some(value)));
    let unlisted = source.map(|s| s.unlisted.as_slice()).unwrap_or_default();
    let mut keys = vec![];
    fields(read.get("detection").unwrap_or(&Value::Null), &mut keys);
    read.get("correlation").is_some() || !keys.iter().any(|key| unlisted.contains(key))
}

/// The fields below a detection.
fn fields(value: &Value, out: &mut Vec<String>) {
    match value {
        Value::Mapping(map) => {
            for (key, value) in map {
                out.extend(key.as_str().and_then(|k| k.split('|').next()).map(str::to_owned));
                fields(value, out);
            }
        }
        Value::Sequence(all) => all.iter().for_each(|value| fields(value, out)),
        _ => {}
    }
}

/// The correlations that SigmaHQ's repository takes, behind their base rules.
fn correlated(document: &Document) -> Result<Vec<Fragment>, String> {
    let all = printed(document, "documents");
    let read = all.iter().map(|one| parsed(document, one)).collect::<Result<Vec<_>, _>>()?;
    let name = |read: &Value| read.get("name").and_then(Value::as_str).map(str::to_owned);
    let lost: Vec<String> = read.iter().filter(|r| !is_listed(document, r)).filter_map(name).collect();
    let based_on = |read: &Value| -> Vec<String> {
        let rules = read.get("correlation").and_then(|c| c.get("rules")).and_then(Value::as_sequence);
        rules.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let kept = |read: &Value| !based_on(read).iter().any(|base| lost.contains(base));
    let used: Vec<String> = read.iter().filter(|r| kept(r)).flat_map(based_on).collect();
    let stays = |read: &Value| match name(read) {
        Some(base) => used.contains(&base),
        None => kept(read),
    };
    Ok(all.iter().zip(&read).filter(|(_, read)| stays(read)).map(|(one, _)| one.clone()).collect())
}

/// The printed documents of a name.
fn printed<'d>(document: &'d Document, wanted: &str) -> &'d [Fragment] {
    let found = document.printed.fragments.iter().find_map(|(name, fragment)| match fragment {
        Fragment::List(all) if *name == wanted => Some(all.as_slice()),
        _ => None,
    });
    found.unwrap_or_default()
}

/// A file for each log source.
fn rules(
    rule: &Rule,
    document: &Document,
    which: &str,
    root: &str,
    replay: &[RawEvent],
    files: &mut Vec<File>,
) -> Result<(), String> {
    let all = &document.printed;
    for (one, (_, source)) in printed(document, which).iter().zip(&all.sources) {
        let read = parsed(document, one)?;
        if !is_listed(document, &read) {
            continue;
        }
        let default = format!("rules/{}", source.logsource.values().cloned().collect::<Vec<_>>().join("_"));
        let prefix = source.path.as_ref().unwrap_or(&default);
        let (folder, lead) = prefix.rsplit_once('/').unwrap_or(("rules", prefix));
        let folder = folder.replacen("rules", top_folder(rule), 1);
        let at = free(files, |more| format!("{folder}/{}", named(&format!("{lead}_{}{more}", rule.name), rule)), root);
        let data =
            regression::files(rule, &read, &at, root, replay.iter().filter(|e| e.logsource == source.logsource))?;
        let mut one = one.clone();
        if let (false, Fragment::Record(fields)) = (data.is_empty(), &mut one) {
            fields.push(("regression_tests_path".to_owned(), Fragment::Text(regression::info(&at))));
        }
        files.push(File { path: format!("{root}/{at}"), text: query::sigma(all, vec![one])? });
        files.extend(data);
    }
    Ok(())
}

/// SigmaHQ keeps rules of these sorts, which a tag names, in folders of their own.
fn top_folder(rule: &Rule) -> &'static str {
    const OWN: [(&str, &str); 3] = [
        ("detection.threat-hunting", "rules-threat-hunting"),
        ("detection.emerging-threats", "rules-emerging-threats"),
        ("detection.dfir", "rules-dfir"),
    ];
    OWN.iter().find(|(tag, _)| rule.meta.tags.iter().any(|t| t == tag)).map_or("rules", |(_, folder)| folder)
}

/// A file for each exception, with a document for each log source.
fn filters(rule: &Rule, document: &Document, root: &str, files: &mut Vec<File>) -> Result<(), String> {
    let mut by_name: IndexMap<&str, Vec<Fragment>> = IndexMap::new();
    for filter in printed(document, "filters") {
        let Fragment::Record(fields) = filter else { continue };
        let name = fields.iter().find_map(|(name, value)| match value {
            Fragment::Text(text) if name == "name" => Some(text.as_str()),
            _ => None,
        });
        by_name.entry(name.unwrap_or("other")).or_default().push(filter.clone());
    }
    for (name, filters) in by_name {
        let count = filters.len();
        let text = render("sigma-filter", vec![("filters".to_owned(), Fragment::List(filters))])?;
        let documents = serde_yaml::Deserializer::from_str(&text).map(Value::deserialize);
        let says = |d: &Value| d.get("filter").is_some_and(|f| f.get("condition").is_some());
        let read = documents.filter(|d| d.as_ref().is_ok_and(says)).count();
        if read != count {
            return Err(format!("the filters of `{}` do not read as they were written", rule.name));
        }
        let at =
            free(files, |more| format!("filters/{}", named(&format!("mf_{}_{name}{more}", rule.name), rule)), root);
        files.push(File { path: format!("{root}/{at}"), text });
    }
    Ok(())
}

/// Returns the path below `root` under which no other file of the rule lies.
fn free(files: &[File], path: impl Fn(&str) -> String, root: &str) -> String {
    let taken = |path: &String| files.iter().any(|f| f.path == format!("{root}/{path}"));
    let mut names = (1..).map(|n| if n == 1 { path("") } else { path(&format!("_{n}")) });
    names.find(|p| !taken(p)).unwrap_or_default()
}

/// A name of SigmaHQ's length: one that is too long ends with the beginning of the rule's id.
fn named(name: &str, rule: &Rule) -> String {
    let name = name.to_lowercase();
    let most = LONGEST - ".yml".len();
    if name.len() <= most {
        return format!("{name}.yml");
    }
    let id: String = rule.meta.id.chars().take(8).collect();
    let kept: String = name.chars().take(most - id.len() - 1).collect();
    format!("{kept}_{id}.yml")
}
