//! The query in a document: what is searched for, without what the document says about itself.

use super::lines::{Line, numbered};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The keys under which documents hold a query.
const KEYS: [&str; 3] = ["query", "queryText", "search"];
/// The keys of a Sigma rule that say what it finds.
const SIGMA: [&str; 4] = ["correlation", "logsource", "detection", "filter"];

/// The query of a rule on a target: the query's own file, or what another document holds of it.
#[must_use]
pub fn of(documents: &BTreeMap<String, String>, target: &str) -> Vec<Line> {
    let here = |path: &str| path.strip_prefix(target).and_then(|rest| rest.strip_prefix('/')).map(str::to_owned);
    let mut mine: Vec<(String, &str)> =
        documents.iter().filter_map(|(path, text)| Some((here(path)?, text.as_str()))).collect();
    // The query's own file lies in the target's folder, others lie below it.
    mine.sort_by_key(|(path, _)| path.contains('/'));
    mine.into_iter().find_map(|(path, text)| within(&path, text)).unwrap_or_default()
}

fn within(path: &str, text: &str) -> Option<Vec<Line>> {
    match path.rsplit_once('.')?.1 {
        "kql" | "spl" => Some(body(text)),
        "yml" | "yaml" if text.lines().any(is_sigma) => Some(sigma(text)),
        "yml" | "yaml" => find(&serde_yaml::from_str(text).ok()?).map(|query| numbered(&query, 1)),
        "json" => find(&serde_json::from_str(text).ok()?).map(|query| numbered(&query, 1)),
        _ => None,
    }
}

/// A query without its heading; notes say how far it means what the rule means, and stay.
fn body(text: &str) -> Vec<Line> {
    let heading = |line: &str| {
        let comment = line.strip_prefix("//").or_else(|| line.strip_prefix("```").filter(|l| l.ends_with("```")));
        comment.is_some_and(|said| !said.trim_start().starts_with("Note: "))
    };
    numbered(text, 1).into_iter().skip_while(|(_, line)| heading(line)).collect()
}

fn is_sigma(line: &str) -> bool {
    SIGMA.iter().any(|key| line.strip_prefix(key) == Some(":"))
}

/// The keys of Sigma rules that say what they find, and the notes.
fn sigma(text: &str) -> Vec<Line> {
    let mut kept = true;
    let meant = |(_, line): &Line| {
        if !line.starts_with(' ') {
            kept = is_sigma(line) || line.starts_with("# Note: ") || line.starts_with("---");
        }
        kept
    };
    numbered(text, 1).into_iter().filter(meant).collect()
}

fn find(value: &Value) -> Option<String> {
    match value {
        Value::Object(fields) => {
            let own = KEYS.iter().find_map(|key| fields.get(*key)?.as_str());
            own.map(str::to_owned).or_else(|| fields.values().find_map(find))
        }
        Value::Array(all) => all.iter().find_map(find),
        _ => None,
    }
}

/// A document as it is compared: a text of several lines in JSON stands there line by line.
#[must_use]
pub fn readable<'a>(path: &str, text: &'a str) -> Cow<'a, str> {
    if !path.ends_with(".json") || !text.contains("\\n") {
        return Cow::Borrowed(text);
    }
    let mut out = String::new();
    for line in text.lines() {
        let Some((before, value, after)) = several_lines(line) else {
            out.push_str(line);
            out.push('\n');
            continue;
        };
        let indent = " ".repeat(line.len() - line.trim_start().len() + 2);
        out.push_str(&format!("{before}\"\n"));
        value.lines().for_each(|l| out.push_str(&format!("{indent}{l}\n")));
        out.push_str(&format!("{}\"{after}\n", indent.get(2..).unwrap_or_default()));
    }
    Cow::Owned(out)
}

/// A line of printed JSON whose text has several lines: what stands before the text, the text, what stands behind.
fn several_lines(line: &str) -> Option<(&str, String, &str)> {
    let (head, after) = line.strip_suffix(',').map_or((line, ""), |head| (head, ","));
    let starts = head.find('"').into_iter().chain(head.find("\": ").map(|at| at + 3));
    starts
        .filter_map(|at| Some((head.get(..at)?, serde_json::from_str::<String>(head.get(at..)?).ok()?, after)))
        .find(|(_, text, _)| text.contains('\n'))
}

#[cfg(test)]
mod tests {
    use super::{of, readable};
    use std::collections::BTreeMap;

    fn query(path: &str, text: &str) -> Vec<(usize, String)> {
        of(&BTreeMap::from([(path.to_owned(), text.to_owned())]), "t")
    }

    #[test]
    fn a_query_is_what_is_searched_for_with_the_notes() {
        let kql = query("t/a.kql", "// Title\n// level: low\n// Note: n\nT\n// except \"x\"\n| where a\n");
        assert_eq!(kql[0], (3, "// Note: n".to_owned()));
        assert_eq!(kql.len(), 4);
        let spl = query("t/a.spl", "```Title```\n```Note: n```\n`macro` a=1\n");
        assert_eq!(spl.iter().map(|(n, _)| *n).collect::<Vec<_>>(), [2, 3]);
        let sigma = "# Note: n\ntitle: x\nlogsource:\n    product: windows\ndetection:\n    condition: a\nlevel: low\n";
        assert_eq!(query("t/a.yml", sigma).iter().map(|(n, _)| *n).collect::<Vec<_>>(), [1, 3, 4, 5, 6]);
    }

    #[test]
    fn a_query_without_a_file_of_its_own_is_found_in_documents() {
        let arm = r#"{ "resources": [{ "properties": { "severity": "Low", "query": "T\n| where a" } }] }"#;
        let lines = [(1, "T".to_owned()), (2, "| where a".to_owned())];
        assert_eq!(query("t/arm/a.json", arm), lines);
        assert_eq!(query("t/x/a.json", r#"{ "queryCondition": { "queryText": "T\n| where a" } }"#), lines);
        assert_eq!(query("t/x/a.yaml", "name: a\nquery: |-\n  T\n  | where a\n"), lines);
        assert_eq!(query("t/x/a.conf", "search = x\n"), []);
        assert_eq!(query("other/a.kql", "T\n"), []);
    }

    #[test]
    fn json_holds_a_text_of_several_lines_line_by_line() {
        let json = "{\n  \"query\": \"T\\n| where a == \\\"x\\\"\",\n  \"b\": [\n    \"one\\ntwo\"\n  ],\n  \"c\": \"\\\\n\"\n}\n";
        let lines = "{\n  \"query\": \"\n    T\n    | where a == \"x\"\n  \",\n  \"b\": [\n    \"\n      one\n      two\n    \"\n  ],\n  \"c\": \"\\\\n\"\n}\n";
        assert_eq!(readable("a.json", json), lines);
        assert_eq!(readable("a.yml", json), json);
    }
}
