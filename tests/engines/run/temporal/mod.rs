//! Rules over several events: random ones, events around their edges, and what a document returns of these against brute
//! force.

pub mod around;
pub mod events;
pub mod kusto;
pub mod rules;
pub mod splunk;

use super::super::oracle::temporal::Happened;

/// A set of events for a report, a line each, with their times from the first one on.
fn listing(set: &[Happened]) -> String {
    let start = set.iter().map(|h| h.time).min().unwrap_or(0);
    let line =
        |(i, h): (usize, &Happened)| format!("  {i}: +{:.6}s {}", (h.time - start) as f64 / 1e6, h.event.written());
    set.iter().enumerate().map(line).collect::<Vec<_>>().join("\n")
}
