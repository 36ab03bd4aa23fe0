//! Sigma in SigmaHQ's layout: one file for each log source, named as its conventions ask; a correlation and its base rules
//! are one file, since they name each other.

use super::template::render;
use super::{File, Refused, query};
use crate::backend::Fragment;
use crate::document::Document;
use crate::sema::Rule;
use crate::target::{Format, Target};
use indexmap::IndexMap;
use serde::Deserialize as _;

/// A file's name has so many characters at most, its ending included.
const LONGEST: usize = 70;

/// The files of a rule.
///
/// # Errors
/// A message for the developers of this program.
pub fn files(rule: &Rule, target: &Target, document: &Document, formats: &[Format]) -> Result<Vec<File>, Refused> {
    let mut files = vec![];
    for format in formats {
        let (folder, documents) = match format {
            Format::SigmaFilters => ("sigmahq-filters", "bare"),
            _ => ("sigmahq", "documents"),
        };
        let root = format!("{}/{folder}", target.name);
        if rule.over_several_events().is_some() {
            let path = format!("{root}/correlations/{}", named(&format!("correlation_{}", rule.name), rule));
            files.push(File { path, text: document.text.clone() });
            continue;
        }
        rules(rule, document, documents, &root, &mut files)?;
        if *format == Format::SigmaFilters {
            filters(rule, document, &root, &mut files)?;
        }
    }
    Ok(files)
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
fn rules(rule: &Rule, document: &Document, which: &str, root: &str, files: &mut Vec<File>) -> Result<(), String> {
    let all = &document.printed;
    for (one, (_, source)) in printed(document, which).iter().zip(&all.sources) {
        let default = format!("rules/{}", source.logsource.values().cloned().collect::<Vec<_>>().join("_"));
        let prefix = source.path.as_ref().unwrap_or(&default);
        let (folder, lead) = prefix.rsplit_once('/').unwrap_or(("rules", prefix));
        let folder = folder.replacen("rules", top_folder(rule), 1);
        let text = query::sigma(all, vec![one.clone()])?;
        push(files, |more| format!("{root}/{folder}/{}", named(&format!("{lead}_{}{more}", rule.name), rule)), text);
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
        let documents = serde_yaml::Deserializer::from_str(&text).map(serde_yaml::Value::deserialize);
        let says = |d: &serde_yaml::Value| d.get("filter").is_some_and(|f| f.get("condition").is_some());
        let read = documents.filter(|d| d.as_ref().is_ok_and(says)).count();
        if read != count {
            return Err(format!("the filters of `{}` do not read as they were written", rule.name));
        }
        push(files, |more| format!("{root}/filters/{}", named(&format!("mf_{}_{name}{more}", rule.name), rule)), text);
    }
    Ok(())
}
/// Adds a file under a name that no other one of the rule has.
fn push(files: &mut Vec<File>, path: impl Fn(&str) -> String, text: String) {
    let taken = |path: &String| files.iter().any(|f| f.path == *path);
    let mut names = (1..).map(|n| if n == 1 { path("") } else { path(&format!("_{n}")) });
    let free = names.find(|p| !taken(p)).unwrap_or_default();
    files.push(File { path: free, text });
}

/// A name of SigmaHQ's length: one that is too long ends with the beginning of the rule's id.
fn named(name: &str, rule: &Rule) -> String {
    let most = LONGEST - ".yml".len();
    if name.len() <= most {
        return format!("{name}.yml");
    }
    let id: String = rule.meta.id.chars().take(8).collect();
    let kept: String = name.chars().take(most - id.len() - 1).collect();
    format!("{kept}_{id}.yml")
}
