//! Runs Sigma correlations over events with `rsigma`, an engine that shares no code with pySigma.
//!
//! The same lines in and out as `../sigma/correlate.py`: for each set of events whether a correlation of the text fires.

use rsigma_eval::event::JsonEvent;
use rsigma_eval::{CorrelationConfig, CorrelationEngine, LogSourceExtractor};
use rsigma_parser::parse_sigma_yaml;
use serde_json::{Value, json};
use std::io::{self, BufRead, Write};

fn fires(engine: &mut CorrelationEngine, set: &Value) -> Result<bool, String> {
    let mut fired = false;
    for event in set.as_array().ok_or("a set is a list")? {
        let seconds = event["_seconds"].as_i64().ok_or("an event has a time")?;
        let results = engine.process_event_at(&JsonEvent::borrow(event), seconds);
        fired |= results.iter().any(|r| r.is_correlation());
    }
    Ok(fired)
}

fn answer(item: &Value) -> Result<Vec<bool>, String> {
    let collection = parse_sigma_yaml(item["yaml"].as_str().unwrap_or("")).map_err(|e| e.to_string())?;
    if !collection.errors.is_empty() {
        return Err(format!("{:?}", collection.errors));
    }
    let mut engine = CorrelationEngine::new(CorrelationConfig::default());
    engine.add_collection(&collection).map_err(|e| e.to_string())?;
    let extractor = LogSourceExtractor::new().with_field_names("_product", "_service", "_category");
    engine.set_logsource_extractor(Some(extractor));
    let sets = item["sets"].as_array().ok_or("no sets of events")?;
    sets.iter().map(|set| fires(&mut engine, set)).collect()
}

fn main() -> io::Result<()> {
    let mut out = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let item: Value = serde_json::from_str(&line?)?;
        let answer = match answer(&item) {
            Ok(fired) => json!({ "name": item["name"], "fired": fired }),
            Err(error) => json!({ "name": item["name"], "error": error }),
        };
        writeln!(out, "{answer}")?;
    }
    Ok(())
}
