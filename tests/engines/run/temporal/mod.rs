//! Rules over several events: random ones, events around their edges, and what a document returns of these against brute
//! force.

pub mod around;
pub mod events;
pub mod kusto;
pub mod rules;
pub mod splunk;
