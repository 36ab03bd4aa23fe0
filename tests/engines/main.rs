//! Everything that the compiler emits goes through a real checker of its language, and none has anything to say.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod checker;
#[path = "../common/mod.rs"]
mod common;
mod selftests;
mod spl;
mod splunk_app;

use arcanary::compile::compile;
use arcanary::target::{Format, Language};
use checker::Checker;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The target's name in a document's name, `rules/sentinel/x.kql`.
fn target(name: &str) -> &str {
    name.rsplit('/').nth(1).unwrap_or("")
}

fn texts<'a>(value: &'a Value, key: &str) -> Vec<&'a Value> {
    value[key].as_array().map(|a| a.iter().collect()).unwrap_or_default()
}

#[test]
fn every_kql_query_binds_to_its_tables_without_a_diagnostic() {
    if checker::tools().is_none() {
        return;
    }
    let documents = common::documents("kql");
    let lines = documents.iter().map(|(name, text)| {
        let schema = if target(name) == "defender" { "defender" } else { "sentinel" };
        json!({ "name": name, "schema": schema, "query": text })
    });
    let answers = checker::run(Checker::Kusto, lines.collect());
    let mut wrong = vec![];
    for answer in &answers {
        wrong.extend(texts(answer, "diagnostics").iter().map(|d| format!("{}: {d}", answer["name"])));
        let columns: BTreeSet<&str> = texts(answer, "columns").iter().filter_map(|c| c["name"].as_str()).collect();
        let needed: &[&str] = match target(answer["name"].as_str().unwrap_or("")) {
            "defender" => &["Timestamp", "DeviceId", "ReportId"],
            _ => &["TimeGenerated"],
        };
        wrong.extend(
            needed.iter().filter(|n| !columns.contains(**n)).map(|n| format!("{}: returns no {n}", answer["name"])),
        );
    }
    assert_eq!(answers.len(), documents.len());
    assert!(wrong.is_empty(), "{} of {} queries:\n{}", wrong.len(), documents.len(), wrong.join("\n"));
}

/// The schema of a target's tables.
fn schema(target: &str) -> &'static str {
    if target == "defender" { "defender" } else { "sentinel" }
}

/// The names of the columns that a query returns, as Microsoft's binder finds them.
fn columns(answer: &Value) -> Vec<&str> {
    texts(answer, "columns").iter().filter_map(|c| c["name"].as_str()).collect()
}

#[test]
fn what_a_printer_says_of_a_querys_columns_is_what_the_binder_finds() {
    if checker::tools().is_none() {
        return;
    }
    let (mut lines, mut said) = (vec![], vec![]);
    for folder in ["rules", "tests/cases"] {
        let loaded = common::project(folder);
        for target in loaded.targets.all.values().filter(|t| t.language == Language::Kql) {
            for rule in loaded.project.rules.values() {
                let Ok(document) = compile(rule, &loaded.project, target) else { continue };
                let name = format!("{}/{}", target.name, rule.name);
                lines.push(json!({ "name": name, "schema": schema(&target.name), "query": document.text }));
                said.push(document.printed.columns.into_iter().map(|c| c.name).collect::<Vec<_>>());
            }
        }
    }
    assert!(said.len() > 100, "{} queries: the pack is not there", said.len());
    for (answer, said) in checker::run(Checker::Kusto, lines).iter().zip(said) {
        assert_eq!(columns(answer), said, "{}", answer["name"]);
    }
}

/// A document's query, and the columns that the document names elsewhere.
fn named(path: &str, text: &str) -> Option<(String, BTreeSet<String>)> {
    let document: Value = serde_yaml::from_str(text).expect("YAML, or JSON");
    let mut out = BTreeSet::new();
    let all = |value: &Value| -> Vec<String> {
        value.as_object().into_iter().flat_map(|d| d.values()).filter_map(Value::as_str).map(str::to_owned).collect()
    };
    if path.contains("/detection-rules/") {
        let alert = &document["detectionAction"]["alertTemplate"];
        let kinds = alert["entityMappings"].as_object().into_iter().flat_map(|kinds| kinds.values());
        out.extend(kinds.flat_map(|kind| kind.as_array().unwrap()).flat_map(all));
        out.extend(all(&alert["customDetails"]));
        return Some((document["queryCondition"]["queryText"].as_str()?.to_owned(), out));
    }
    let said = if path.contains("/arm/") { &document["resources"][0]["properties"] } else { &document };
    for entity in texts(said, "entityMappings") {
        out.extend(texts(entity, "fieldMappings").iter().filter_map(|f| f["columnName"].as_str()).map(str::to_owned));
    }
    out.extend(all(&said["customDetails"]));
    for text in all(&said["alertDetailsOverride"]) {
        out.extend(text.split("{{").skip(1).filter_map(|t| Some(t.split_once("}}")?.0.to_owned())));
    }
    Some((said["query"].as_str()?.to_owned(), out))
}

#[test]
fn every_column_that_a_document_names_is_one_of_its_querys() {
    if checker::tools().is_none() {
        return;
    }
    let (mut lines, mut wanted) = (vec![], vec![]);
    for folder in ["rules", "tests/cases"] {
        for (path, text) in common::built(&common::project(folder)).files {
            let parts: Vec<&str> = path.split('/').collect();
            let [target, _, _] = parts.as_slice() else { continue };
            let Some((query, columns)) = named(&path, &text).filter(|_| *target != "sigma") else { continue };
            lines.push(json!({ "name": path, "schema": schema(target), "query": query }));
            wanted.push(columns);
        }
    }
    assert!(wanted.iter().map(BTreeSet::len).sum::<usize>() > 500, "documents name columns");
    for (answer, wanted) in checker::run(Checker::Kusto, lines).iter().zip(wanted) {
        assert!(texts(answer, "diagnostics").is_empty(), "{}: {}", answer["name"], answer["diagnostics"]);
        let found = columns(answer);
        let lost: Vec<_> = wanted.iter().filter(|w| !found.contains(&w.as_str())).collect();
        assert!(lost.is_empty(), "{} names {lost:?}, and its query returns {found:?}", answer["name"]);
    }
}

#[test]
fn every_sigma_rule_is_valid_loads_and_converts() {
    if checker::tools().is_none() {
        return;
    }
    let documents = common::documents("yml");
    // Ids and titles must be unique within a project, so each project has its own process.
    let (pack, cases): (Vec<_>, Vec<_>) = documents.iter().partition(|(name, _)| name.starts_with("rules/"));
    let answers: Vec<Value> = [pack, cases]
        .into_iter()
        .flat_map(|all| {
            checker::run(Checker::Sigma, all.iter().map(|(name, text)| json!({ "name": name, "yaml": text })).collect())
        })
        .collect();
    let wrong: Vec<String> = answers
        .iter()
        .flat_map(|a| texts(a, "problems").into_iter().map(move |p| format!("{}: {p}", a["name"])))
        .collect();
    assert_eq!(answers.len(), documents.len());
    assert!(wrong.is_empty(), "{} problems in {} documents:\n{}", wrong.len(), documents.len(), wrong.join("\n"));
}

#[test]
fn every_file_in_sigmahqs_layout_is_named_as_its_validators_ask_and_loads() {
    if checker::tools().is_none() {
        return;
    }
    let (mut problems, mut checked) = (vec![], 0);
    for folder in ["rules", "tests/cases"] {
        let built = common::built(&common::project(folder));
        let files = built.files.iter().filter(|(path, _)| path.starts_with("sigma/sigmahq/"));
        let lines: Vec<Value> = files
            .map(|(path, text)| json!({ "name": format!("{folder}/{path}"), "yaml": text, "path": path }))
            .collect();
        checked += lines.len();
        for answer in checker::run(Checker::Sigma, lines) {
            // The base rules of a correlation stand in its file, and a file has one name.
            let of_base = |p: &Value| {
                let message = p["message"].as_str().unwrap_or("");
                message.starts_with("SigmahqFilenamePrefix ") && message.contains("filename=correlation_")
            };
            let found = texts(&answer, "problems").into_iter().filter(|p| !of_base(p));
            problems.extend(found.map(|p| format!("{}: {p}", answer["name"])));
        }
    }
    assert!(checked > 60, "{checked} files: the pack is not there");
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// The files of a pack's Sigma rules with their exceptions apart, by rule.
fn with_filters(folder: &str) -> Vec<(String, String, String)> {
    let mut loaded = common::project(folder);
    loaded.targets.all.get_mut("sigma").unwrap().documents = vec![Format::SigmaFilters];
    let built = common::built(&loaded);
    let entries = built.targets["sigma"].iter().filter(|(_, e)| e.documents.iter().any(|d| d.contains("/filters/")));
    let text = |paths: &[String]| paths.iter().map(|p| built.files[p].as_str()).collect::<Vec<_>>().join("---\n");
    entries
        .map(|(rule, e)| {
            (format!("{folder}/{rule}"), built.files[e.file.as_ref().unwrap()].clone(), text(&e.documents))
        })
        .collect()
}

#[test]
fn a_rule_with_its_exceptions_as_filters_selects_what_it_selects_with_them_inside() {
    if checker::tools().is_none() {
        return;
    }
    let of_pack: Vec<_> = ["rules", "tests/cases"].into_iter().flat_map(with_filters).collect();
    assert!(of_pack.len() > 3, "{} rules with exceptions: the pack is not there", of_pack.len());
    let run = |name: &str, yaml: &str, events: &Value| {
        let answer = checker::run(Checker::Sigma, vec![json!({ "name": name, "yaml": yaml, "events": events })]);
        assert!(texts(&answer[0], "problems").is_empty(), "{name}: {}", answer[0]["problems"]);
        answer[0]["matched"].clone()
    };
    for (name, _, apart) in &of_pack {
        run(name, apart, &json!([]));
    }
    let expand = of_pack.iter().find(|(name, ..)| name == "rules/expand_cabinet_files").expect("case 459's rule");
    let event = |parent: &str| {
        json!({
            "Image": r"C:\Windows\System32\expand.exe",
            "OriginalFileName": "expand.exe",
            "CommandLine": r"expand.exe -F:* C:\ProgramData\Dell\SupportAssist\a.cab C:\Users\kim\Favorites",
            "ParentImage": parent,
        })
    };
    let dell = r"C:\Program Files\Dell\SupportAssistAgent\bin\SupportAssistAgent.exe";
    let events = json!([event(r"C:\Windows\explorer.exe"), event(dell)]);
    let inside = run("inside", &expand.1, &events);
    assert_eq!(inside, run("apart", &expand.2, &events));
    let (bare, _) = expand.2.split_once("---").expect("a rule and a filter");
    assert_ne!(inside, run("bare", bare, &events), "without the filter the exception is gone");
}

#[test]
fn every_spl_query_reads_strictly_and_names_only_macros_of_its_target() {
    let documents = common::documents("spl");
    let targets = arcanary::target::Targets::built_in();
    let mut wrong = vec![];
    for (name, text) in &documents {
        match spl::read(text) {
            Ok(query) => {
                let known = &targets.all[target(name)].macros;
                wrong.extend(
                    query.macros.iter().filter(|m| !known.contains_key(*m)).map(|m| format!("{name}: macro {m}")),
                );
            }
            Err(error) => wrong.push(format!(
                "{name}: {error:?}\n{}",
                text.get(error.at..).unwrap_or("").chars().take(80).collect::<String>()
            )),
        }
    }
    assert!(wrong.is_empty(), "{} of {} queries:\n{}", wrong.len(), documents.len(), wrong.join("\n"));
}
