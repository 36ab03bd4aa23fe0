//! Runs Sigma rules over events with `sigma-rust`, an engine that shares no code with pySigma.
//!
//! The same lines in and out as `../sigma/run.py`: of each rule of a text, whatever its log source, the indexes of the
//! events that it selects.

use serde_json::{Value, json};
use sigma_rust::{Event, event_from_json, rule_from_yaml};
use std::io::{self, BufRead, Write};

fn matched(text: &str, events: &[Event]) -> Result<Vec<Vec<usize>>, String> {
    let documents = text.split("\n---\n").filter(|d| d.contains("\ndetection:"));
    documents
        .map(|document| {
            let rule = rule_from_yaml(document).map_err(|e| e.to_string())?;
            Ok(events.iter().enumerate().filter(|(_, e)| rule.is_match(e)).map(|(i, _)| i).collect())
        })
        .collect()
}

fn main() -> io::Result<()> {
    let mut events: Vec<Event> = vec![];
    let mut out = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let item: Value = serde_json::from_str(&line?)?;
        let answer = if let Some(all) = item["events"].as_array() {
            events = all.iter().map(|e| event_from_json(&e.to_string())).collect::<Result<_, _>>()?;
            json!({ "loaded": events.len() })
        } else {
            match matched(item["yaml"].as_str().unwrap_or(""), &events) {
                Ok(matched) => json!({ "name": item["name"], "matched": matched }),
                Err(error) => json!({ "name": item["name"], "error": error }),
            }
        };
        writeln!(out, "{answer}")?;
    }
    Ok(())
}
