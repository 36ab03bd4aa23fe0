//! Arcanary compiles detections: one rule about archive utilities becomes KQL, Splunk SPL and Sigma that mean the same.
#![warn(missing_docs)]
pub mod attack;
pub mod diagnostic;
pub mod ir;
pub mod sema;
pub mod source;
pub mod syntax;
