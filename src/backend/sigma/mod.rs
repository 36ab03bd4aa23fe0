//! Sigma rules as SigmaHQ would accept them: one document for each log source, exceptions as optional filters.
//!
//! Sigma computes no columns, so flags without a weight have no place in it; everything else is there or the rule is
//! refused.

mod build;
mod detection;
mod filter;
pub(crate) mod item;
pub(crate) mod joint;
mod line_end;
mod order;
pub(crate) mod selection;
mod shape;
pub mod temporal;

use super::output::sources_of;
use super::yaml::{self, quoted, scalar};
use super::{Fragment, Printed, capital, one_line};
use crate::sema::Rule;
use crate::target::{Note, Plan, SourceQuery, Target, Unsupported};
use crate::vocabulary::{Kind, Os};
use detection::Detection;
use item::Value;
use selection::Selection;
use uuid::Uuid;

/// Prints a rule as Sigma.
///
/// # Errors
/// What Sigma cannot say.
pub fn print(rule: &Rule, plan: &Plan) -> Result<Printed, Vec<Unsupported>> {
    let mut documents = vec![];
    let mut refused = vec![];
    for (i, query) in plan.queries.iter().enumerate() {
        match Detection::of(rule, query, plan.target, &[]) {
            Ok(detection) => documents.push(document(rule, plan, query, i, &detection)),
            Err(mut errors) => refused.append(&mut errors),
        }
    }
    if !refused.is_empty() {
        return Err(refused);
    }
    let mut notes = plan.notes.clone();
    let weighted = |q: &SourceQuery, i: usize| q.score.as_ref().is_some_and(|s| s.weights.iter().any(|w| w.0 == i));
    let all = plan.queries.iter().flat_map(|q| q.flags.iter().enumerate().map(move |(i, f)| (q, i, f.0.as_str())));
    let mut flags: Vec<&str> = all.filter(|(q, i, _)| !weighted(q, *i)).map(|(.., name)| name).collect();
    flags.dedup();
    if !flags.is_empty() {
        notes.push(flags_note(&flags));
    }
    if plan.queries.iter().any(|q| q.score.is_some()) {
        let text =
            "Sigma has no arithmetic: the condition names each smallest set of flags that reaches the threshold.";
        notes.push(Note { text: text.to_owned(), degraded: false });
    }
    notes.extend(plain_note(plan.target, plan.queries.iter()));
    notes.extend(line_end::note(plan.target, plan.queries.iter()));
    let (bare, filters) = filter::apart(rule, plan)?;
    let fragments = vec![
        ("documents", Fragment::List(documents)),
        ("bare", Fragment::List(bare)),
        ("filters", Fragment::List(filters)),
    ];
    Ok(Printed { fragments, notes, sources: sources_of(plan), ..Printed::default() })
}

/// What is said of flags that nothing depends on.
fn flags_note(names: &[&str]) -> Note {
    let text = format!("Sigma has no computed columns, so these flags are not part of the rule: {}.", names.join(", "));
    Note { text, degraded: false }
}

/// What is said where plain texts stand for verbs and switches.
fn plain_note<'q>(target: &Target, mut queries: impl Iterator<Item = &'q SourceQuery<'q>>) -> Option<Note> {
    let asks = |q: &SourceQuery| {
        let rest = q.exceptions.iter().map(|(_, bound)| bound).chain(q.flags.iter().map(|(_, bound)| bound));
        std::iter::once(&q.detect).chain(rest).any(shape::asks_plainly)
    };
    if !target.plain_command_lines || !queries.any(asks) {
        return None;
    }
    let text = "Verbs and switches are looked for as plain text behind a blank (`command_lines: plain`): one behind a tab or \
                a quote is missed, and so are some bundles of letters; text inside quotes, longer names and other case count.";
    Some(Note { text: text.to_owned(), degraded: true })
}

fn text(value: impl Into<String>) -> Fragment {
    Fragment::Text(value.into())
}

fn list(all: impl IntoIterator<Item = String>) -> Fragment {
    Fragment::List(all.into_iter().map(Fragment::Text).collect())
}

fn document(rule: &Rule, plan: &Plan, query: &SourceQuery, index: usize, detection: &Detection) -> Fragment {
    let meta = &rule.meta;
    let mut related: Vec<(String, String)> = meta.related.clone();
    let id = id_of(rule, query, index);
    if index > 0 {
        related.insert(0, ("similar".to_owned(), meta.id.clone()));
    }
    let suffix = plan.queries.first().filter(|_| index > 0).map(|first| format!(" - {}", suffix(first, query)));
    let title = format!("{}{}", own_title(rule), suffix.unwrap_or_default());
    let mut fields = head(rule, &title, id, &related, &meta.description);
    fields.extend([("name", text("")), ("correlation", list([]))]);
    fields.extend(detected(query, detection));
    fields.extend(tail(rule));
    Fragment::record(fields)
}

/// What every document begins with.
fn head(
    rule: &Rule,
    title: &str,
    id: String,
    related: &[(String, String)],
    about: &str,
) -> Vec<(&'static str, Fragment)> {
    let meta = &rule.meta;
    let related =
        related.iter().map(|(kind, id)| Fragment::record(vec![("id", text(id.clone())), ("type", text(kind.clone()))]));
    vec![
        ("title", text(scalar(&title_case(&one_line(title))))),
        ("id", text(id)),
        ("related", Fragment::List(related.collect())),
        ("status", text(scalar(meta.status.as_deref().unwrap_or("experimental")))),
        ("description", description(&described(about, &meta.title))),
        ("references", list(meta.references.iter().map(|r| scalar(r)))),
        ("author", text(meta.author.as_deref().map(scalar).unwrap_or_default())),
        ("date", text(meta.date.clone().unwrap_or_default())),
        ("modified", text(modified(rule))),
        ("license", text(meta.license.as_deref().map(scalar).unwrap_or_default())),
        ("tags", list(tags(rule).iter().map(|t| scalar(t)))),
    ]
}

fn logsource(query: &SourceQuery) -> Vec<Fragment> {
    query.source.logsource.iter().map(|(k, v)| text(format!("{}: {}", scalar(k), scalar(v)))).collect()
}

/// Log source and detection.
fn detected(query: &SourceQuery, detection: &Detection) -> Vec<(&'static str, Fragment)> {
    let mut logsource = logsource(query);
    if let Some(definition) = &query.source.definition {
        logsource.push(text(format!("definition: {}", quoted(definition))));
    }
    let selections = detection.selections.iter().map(|(name, s)| selection(name, s)).collect();
    vec![
        ("logsource", Fragment::List(logsource)),
        ("selections", Fragment::List(selections)),
        ("excepted", list(detection.excepted.iter().cloned())),
        ("condition", text(scalar(&detection.condition))),
    ]
}

/// What a document that alerts ends with.
fn tail(rule: &Rule) -> Vec<(&'static str, Fragment)> {
    let unknown = ["Unknown".to_owned()];
    let causes = &rule.meta.false_positives;
    let causes = if causes.is_empty() { &unknown[..] } else { causes };
    vec![("falsepositives", list(causes.iter().map(|f| scalar(&cause(f))))), ("level", text(rule.meta.level.word()))]
}

/// A rule's title as SigmaHQ takes it: without a dot at its end.
#[must_use]
pub fn own_title(rule: &Rule) -> String {
    without_trademarks(one_line(&rule.meta.title).trim_end_matches(['.', ' ']))
}

/// A cause of false positives: it begins with a capital letter.
fn cause(text: &str) -> String {
    capital(&without_trademarks(&one_line(text)))
}

/// What a rule detects; SigmaHQ requires a description.
fn described(about: &str, title: &str) -> String {
    without_trademarks(if about.trim().is_empty() { title } else { about })
}

/// When the rule was changed; SigmaHQ takes no day that is not after that of the rule.
fn modified(rule: &Rule) -> String {
    let meta = &rule.meta;
    meta.modified.iter().find(|day| meta.date.as_ref().is_some_and(|date| date < day)).cloned().unwrap_or_default()
}

/// Text without the name of ATT&CK, which SigmaHQ's repository does not take as a trademark.
fn without_trademarks(text: &str) -> String {
    text.replace("MITRE ATT&CK", "MITRE").replace("ATT&CK", "MITRE")
}

/// SigmaHQ's title case: small words stay small, and so do names with a dot, a slash or an underscore in them.
fn title_case(title: &str) -> String {
    const SMALL: [&str; 19] = [
        "a", "an", "and", "as", "at", "by", "for", "from", "in", "of", "on", "or", "over", "the", "through", "to",
        "via", "with", "without",
    ];
    let word = |w: &str| {
        let lower = w.chars().any(char::is_alphabetic) && !w.chars().any(char::is_uppercase);
        if !lower || SMALL.contains(&w) || w.contains(['.', '/', '_']) || w.starts_with(|c: char| c.is_ascii_digit()) {
            return w.to_owned();
        }
        let at = w.find(char::is_alphabetic).unwrap_or(0);
        let (before, rest) = w.split_at(at);
        let mut letters = rest.chars();
        let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
        format!("{before}{first}{}", letters.as_str())
    };
    title.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

/// The id of a rule's document for a log source.
fn id_of(rule: &Rule, query: &SourceQuery, index: usize) -> String {
    if index == 0 { rule.meta.id.clone() } else { derived_id(&rule.meta.id, query) }
}

/// A rule for another log source has an id of its own, the same on every build.
fn derived_id(id: &str, query: &SourceQuery) -> String {
    let namespace = Uuid::parse_str(id).unwrap_or(Uuid::NAMESPACE_URL);
    let source: Vec<String> = query.source.logsource.iter().map(|(k, v)| format!("{k}={v}")).collect();
    Uuid::new_v5(&namespace, source.join("&").as_bytes()).to_string()
}

/// What tells a further document from the first one, for its title.
fn suffix(first: &SourceQuery, query: &SourceQuery) -> String {
    let system = match query.os.first() {
        Some(Os::Windows) => "Windows",
        Some(Os::Linux) => "Linux",
        _ => "MacOS",
    };
    let kind = match query.kind {
        Kind::Process => "Process",
        Kind::File => "File",
        Kind::Library => "Image Load",
        Kind::Network => "Network",
        Kind::Script => "PowerShell",
    };
    let other_kind = first.kind != query.kind;
    let other_os = first.os != query.os;
    let action = query.source.when.iter().flat_map(|(_, words)| words).map(|w| format!(" {}", capital(w)));
    match (other_kind, other_os) {
        (true, true) => format!("{kind} on {system}"),
        (true, false) => kind.to_owned(),
        (false, true) => system.to_owned(),
        (false, false) => format!("{kind}{}", action.collect::<String>()),
    }
}

fn description(about: &str) -> Fragment {
    let lines: Vec<&str> = about.lines().map(str::trim_end).collect();
    match lines.as_slice() {
        [] => text(""),
        [one] => text(scalar(one)),
        many => text(yaml::block(&format!("{}\n", many.join("\n")), 4)),
    }
}

/// All tactics of its techniques, whichever the rule claims, since SigmaHQ's validators want every one; then techniques and
/// own tags.
fn tags(rule: &Rule) -> Vec<String> {
    let mut out: Vec<String> = vec![];
    let mut add = |tag: String| {
        if !out.contains(&tag) {
            out.push(tag);
        }
    };
    for tactic in rule.meta.attack.iter().flat_map(|technique| &technique.tactics) {
        add(format!("attack.{tactic}"));
    }
    for technique in &rule.meta.attack {
        add(format!("attack.{}", technique.id.to_lowercase()));
    }
    for tag in &rule.meta.tags {
        add(tag.clone());
    }
    out
}

/// The lines of a selection below its name: a map, or a list of maps; a single value stands behind its key.
fn selection(name: &str, selection: &Selection) -> Fragment {
    let several = selection.maps.len() > 1;
    let mut lines = vec![];
    for map in &selection.maps {
        for (i, (key, value)) in map.iter().enumerate() {
            let lead = match (several, i) {
                (false, _) => "",
                (true, 0) => "- ",
                (true, _) => "  ",
            };
            let values: Vec<String> = match value {
                Value::Texts(all) => all.iter().map(|t| quoted(t)).collect(),
                Value::Numbers(all) => all.iter().map(ToString::to_string).collect(),
                Value::Flag(value) => vec![value.to_string()],
            };
            match values.as_slice() {
                [one] => lines.push(format!("{lead}{}: {one}", scalar(key))),
                many => {
                    lines.push(format!("{lead}{}:", scalar(key)));
                    let indent = if several { "      " } else { "    " };
                    lines.extend(many.iter().map(|v| format!("{indent}- {v}")));
                }
            }
        }
    }
    Fragment::record(vec![("name", text(name)), ("lines", list(lines))])
}

#[cfg(test)]
mod tests {
    use super::title_case;

    #[test]
    fn titles_are_cased_as_sigmahq_wants_them() {
        assert_eq!(title_case("Archive created with tar of Windows"), "Archive Created with Tar of Windows");
        assert_eq!(title_case("started by rundll32.exe or (dllhost) 7z"), "Started by rundll32.exe or (Dllhost) 7z");
    }
}
