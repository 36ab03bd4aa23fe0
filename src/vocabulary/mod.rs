//! The words that rules, targets and logs share: kinds of events, their fields, systems, utilities.

pub mod fields;
pub mod foreign;
mod utility;

pub use fields::{FieldDef, FieldId, Kind, OS_WORDS, Os, Type};
pub use utility::{PSDASH, Shape, Utility, Verb, WINDASH};
