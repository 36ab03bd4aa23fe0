//! A project of one file is resolved; its findings can be drawn.
#![no_main]

mod common;

use arcanary::sema::resolve;
use arcanary::syntax::parse;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Some((sources, file, text)) = common::source(bytes) {
        let (_, diagnostics) = resolve(vec![parse(file, &text)], &indexmap::IndexMap::default());
        common::draw(&diagnostics, &sources);
    }
});
