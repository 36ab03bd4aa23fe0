//! A project of one file without errors is compiled for every built-in target.
#![no_main]

mod common;

use arcanary::sema::resolve;
use arcanary::syntax::parse;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Some((sources, file, text)) = common::source(bytes) {
        let (project, diagnostics) = resolve(vec![parse(file, &text)], &indexmap::IndexMap::default());
        common::draw(&diagnostics, &sources);
        if diagnostics.iter().any(arcanary::diagnostic::Diagnostic::is_error) {
            return;
        }
        for rule in project.rules.values().filter(|r| !r.broken) {
            for kind in &rule.kinds {
                let _ = rule.body(&project, *kind, &rule.meta.os);
            }
            // PLACE FOR: compile `rule` for every built-in target; findings are drawn with `common::draw`.
        }
    }
});
