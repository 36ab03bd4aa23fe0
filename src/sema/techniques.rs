//! The techniques of `attack`: ids that the release of ATT&CK has, and the tactics that a rule claims.

use super::Report;
use crate::attack::Table;
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;
use crate::syntax::ast::{Ident, MetaElement};

/// A technique that a rule detects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Technique {
    /// Its id, such as `T1560.001`.
    pub id: String,
    /// Its name.
    pub name: String,
    /// All its tactics, in the matrix's order.
    pub tactics: Vec<String>,
    /// The tactics that the rule claims: all of them, unless the author names some.
    pub claimed: Vec<String>,
}

impl Technique {
    /// Returns the id, with the claimed tactics unless they are all of them, as the source has it.
    #[must_use]
    pub fn written(&self) -> String {
        match self.claimed == self.tactics {
            true => self.id.clone(),
            false => format!("{} as [{}]", self.id, self.claimed.join(", ")),
        }
    }
}

/// Reads the elements of `attack`.
pub(super) fn read(elements: &[MetaElement], table: &Table, report: &mut Report) -> Vec<Technique> {
    let mut out: Vec<Technique> = vec![];
    for element in elements {
        let (id, span, tactics) = match element {
            MetaElement::Path(path) => (path.dotted(), path.span, None),
            MetaElement::Text(text) => (text.value.clone(), text.span, None),
            MetaElement::Relation(word, ..) => (word.text.clone(), word.span, None),
            MetaElement::Claim(path, tactics, list) => (path.dotted(), path.span, Some((tactics.as_slice(), *list))),
        };
        let mut found = match named(&id, span, table) {
            Ok(found) => found,
            Err(diagnostic) => {
                report.push(*diagnostic);
                continue;
            }
        };
        if let Some((tactics, list)) = tactics {
            claim(&mut found, &id, tactics, list, table, report);
        }
        for technique in found {
            match out.iter_mut().find(|there| there.id == technique.id) {
                Some(there) => {
                    let either =
                        |tactic: &&String| there.claimed.contains(*tactic) || technique.claimed.contains(*tactic);
                    there.claimed = there.tactics.iter().filter(either).cloned().collect();
                }
                None => out.push(technique),
            }
        }
    }
    out
}

/// The techniques that an id names: its own, or those of a detection strategy or an analytic.
fn named(id: &str, span: Span, table: &Table) -> Result<Vec<Technique>, Box<Diagnostic>> {
    let release = format!("in ATT&CK {}", table.version());
    let refuse = |message: String| Diagnostic::new(Code::UnknownTechnique, message);
    let technique = |id: &String| {
        let known = table.technique(id).filter(|t| !t.tactics.is_empty())?;
        let tactics = known.tactics.clone();
        Some(Technique { id: id.clone(), name: known.name.clone(), claimed: tactics.clone(), tactics })
    };
    if let Some(of) = table.detected_by(id) {
        let found: Vec<Technique> = of.iter().filter_map(technique).collect();
        return match found.is_empty() {
            true => Err(Box::new(
                refuse(format!("`{id}` detects no technique")).at(span, release).help("name the technique itself"),
            )),
            false => Ok(found),
        };
    }
    if let Some(found) = technique(&id.to_owned()) {
        return Ok(vec![found]);
    }
    let Some(gone) = table.technique(id) else { return Err(Box::new(unknown(id, span, table))) };
    let Some(successor) = table.successor(id) else {
        let diagnostic = refuse(format!("technique `{id}` is deprecated, without a successor"));
        return Err(Box::new(diagnostic.at(span, release).help("name another technique, or remove it")));
    };
    let name = table.technique(successor).map_or("", |t| &t.name);
    let diagnostic = refuse(format!("technique `{id}` ({}) is revoked", gone.name)).at(span, release);
    Err(Box::new(diagnostic.patch(format!("its successor is `{successor}` ({name})"), span, successor)))
}

fn unknown(id: &str, span: Span, table: &Table) -> Diagnostic {
    let message = format!("ATT&CK {} has no technique `{id}`", table.version());
    let diagnostic = Diagnostic::new(Code::UnknownTechnique, message).at(span, "not a technique");
    // The number of a sub-technique has three digits. Other ids are too close to each other to guess.
    let capital = id.to_uppercase();
    let padded = capital.split_once('.').map(|(main, sub)| format!("{main}.{sub:0>3}"));
    let is_known = |id: &String| table.technique(id).is_some() || table.detected_by(id).is_some();
    match padded.into_iter().chain([capital]).find(is_known) {
        Some(meant) => diagnostic.patch(format!("did you mean `{meant}`?"), span, meant),
        None => diagnostic,
    }
}

/// Narrows techniques to the tactics that the author names.
fn claim(found: &mut [Technique], id: &str, named: &[Ident], list: Span, table: &Table, report: &mut Report) {
    if named.is_empty() {
        return report.push(
            Diagnostic::new(Code::WrongValue, format!("`{id}` is claimed for no tactic"))
                .at(list, "name one at least")
                .help("without `as`, it stands for all its tactics"),
        );
    }
    let all: Vec<&String> = table.tactics().iter().filter(|t| found.iter().any(|f| f.tactics.contains(t))).collect();
    for tactic in named.iter().filter(|tactic| !all.iter().any(|t| **t == tactic.text)) {
        let message = match table.tactics().contains(&tactic.text) {
            true => format!("`{id}` does not belong to the tactic `{}`", tactic.text),
            false => format!("ATT&CK {} has no tactic `{}`", table.version(), tactic.text),
        };
        let words = all.iter().map(|t| format!("`{t}`")).collect::<Vec<_>>().join(", ");
        let diagnostic = Diagnostic::new(Code::WrongTactic, message).at(tactic.span, format!("`{id}` has {words}"));
        report.push(match all.as_slice() {
            [one] if named.iter().any(|n| n.text == **one) => diagnostic.help("remove it"),
            [one] => diagnostic.patch("it has this tactic alone", tactic.span, one.as_str()),
            _ => diagnostic.did_you_mean(&tactic.text, tactic.span, all.iter().map(|t| t.as_str())),
        });
    }
    for technique in found {
        technique.claimed.retain(|tactic| named.iter().any(|n| n.text == *tactic));
    }
}
