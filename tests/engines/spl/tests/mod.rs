//! What the reader takes and refuses, and what queries answer: one test for each rule.

mod reading;
mod running;
mod streaming;
