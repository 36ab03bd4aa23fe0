//! A project of one file without errors is compiled for every built-in target.
#![no_main]

mod common;

use arcanary::compile::compile;
use arcanary::diagnostic::Code;
use arcanary::sema::resolve;
use arcanary::syntax::parse;
use arcanary::target::Targets;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Some((sources, file, text)) = common::source(bytes) {
        let (project, diagnostics) = resolve(vec![parse(file, &text)], &indexmap::IndexMap::default());
        common::draw(&diagnostics, &sources);
        if diagnostics.iter().any(arcanary::diagnostic::Diagnostic::is_error) {
            return;
        }
        let targets = Targets::built_in();
        for rule in project.rules.values().filter(|r| !r.broken) {
            for target in targets.all.values() {
                if let Err(findings) = compile(rule, &project, target) {
                    assert!(findings.iter().all(|d| d.code != Code::Internal), "a document does not read as it was meant");
                    common::draw(&findings, &sources);
                }
            }
        }
    }
});
