//! Bytes become a syntax tree, or findings that can be drawn.
#![no_main]

mod common;

use arcanary::syntax::parse;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Some((sources, file, text)) = common::source(bytes) {
        let parsed = parse(file, &text);
        common::draw(&parsed.diagnostics, &sources);
        for item in &parsed.file.items {
            assert!(text.get(item.start..item.span.end).is_some(), "{:?}", item.span);
        }
    }
});
