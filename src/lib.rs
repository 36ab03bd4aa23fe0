//! Arcanary compiles detections: one rule about archive utilities becomes KQL, Splunk SPL and Sigma that mean the same.
pub mod attack;
pub mod backend;
pub mod compile;
pub mod diagnostic;
pub mod envelope;
pub mod ir;
pub mod sema;
pub mod source;
pub mod syntax;
pub mod target;
