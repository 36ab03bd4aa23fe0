//! Arcanary compiles detections: one rule about archive utilities becomes KQL, Splunk SPL and Sigma that mean the same.
//!
//! The stages:
//!
//! ```text
//! source ─ syntax ─ sema ─ ir ─ target::bind ─ backend ─ document ─ build
//!  files   text to  names  what  in a target's  a query   a document  on disk
//!          a tree   types  it    columns        language
//!                          means
//! ```
//!
//! [`project::load`] runs the first half for a folder, [`compile::compile`] the second for one rule and target.

// The parser that pest derives names it, without its own probe of the stack: `syntax::MAX_DEPTH` bounds the depth.
extern crate alloc;

pub mod attack;
pub mod backend;
pub mod build;
pub mod cli;
pub mod compile;
pub mod credentials;
pub mod diagnostic;
pub mod diff;
pub mod document;
pub mod duration;
pub mod escape;
pub mod event;
pub mod explain;
pub mod file_names;
pub mod files;
pub mod git;
pub mod hash;
pub mod input;
pub mod ir;
pub mod matching;
pub mod pack;
pub mod parallel;
pub mod project;
pub mod scaffold;
pub mod sema;
pub mod source;
pub mod syntax;
pub mod target;
pub mod testing;
pub mod tuning;
pub mod vocabulary;
pub mod witness;
pub mod yaml;
