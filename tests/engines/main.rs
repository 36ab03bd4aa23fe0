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
