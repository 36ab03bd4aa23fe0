//! Stage 1: text becomes a syntax tree, and back.
//!
//! `split` cuts a file into items, [`parse()`] puts each through the grammar, `build` makes the tree from what the
//! grammar found, and [`fmt`] prints a tree in the one canonical layout.

pub mod ast;
mod build;
mod expected;
pub mod fmt;
pub mod parse;
mod split;

pub use parse::{Parsed, parse};
pub use split::{Comment, ITEM_WORDS, MAX_DEPTH, META_KEYS, RESERVED, Token, UTILITY_KEYS, tokens};
