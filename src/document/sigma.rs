//! Sigma in SigmaHQ's layout: one file for each log source, named as its conventions ask; a correlation and its base rules
//! are one file, since they name each other.

use super::{File, Refused, query};
use crate::backend::Fragment;
use crate::compile::Document;
use crate::sema::Rule;
use crate::target::Target;

/// A file's name has so many characters at most, its ending included.
const LONGEST: usize = 70;

/// The files of a rule.
///
/// # Errors
/// A message for the developers of this program.
pub fn files(rule: &Rule, target: &Target, document: &Document) -> Result<Vec<File>, Refused> {
    let printed = &document.printed;
    if rule.over_several_events().is_some() {
        let name = named(&format!("correlation_{}", rule.name), rule);
        let path = format!("{}/sigmahq/correlations/{name}", target.name);
        return Ok(vec![File { path, text: document.text.clone() }]);
    }
    let documents = printed.fragments.iter().find_map(|(name, fragment)| match fragment {
        Fragment::List(all) if *name == "documents" => Some(all),
        _ => None,
    });
    let mut files: Vec<File> = vec![];
    for (one, (_, source)) in documents.into_iter().flatten().zip(&printed.sources) {
        let default = format!("rules/{}", source.logsource.values().cloned().collect::<Vec<_>>().join("_"));
        let prefix = source.path.as_ref().unwrap_or(&default);
        let (folder, lead) = prefix.rsplit_once('/').unwrap_or(("rules", prefix));
        let plain = format!("{lead}_{}", rule.name);
        let path = |name: &str| format!("{}/sigmahq/{folder}/{}", target.name, named(name, rule));
        let taken = |path: &String| files.iter().any(|f| f.path == *path);
        let free = (2..).map(|n| path(&format!("{plain}_{n}"))).find(|p| !taken(p)).unwrap_or_default();
        let path = Some(path(&plain)).filter(|p| !taken(p)).unwrap_or(free);
        files.push(File { path, text: query::sigma(printed, vec![one.clone()])? });
    }
    Ok(files)
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
