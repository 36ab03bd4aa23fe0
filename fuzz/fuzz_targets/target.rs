//! Bytes are read as a target file of a project; with each target that it makes or changes, one rule is compiled.
#![no_main]

mod common;

use arcanary::compile::compile;
use arcanary::diagnostic::{Code, Diagnostic};
use arcanary::sema::{Project, resolve};
use arcanary::source::Sources;
use arcanary::syntax::parse;
use arcanary::target::Targets;
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

const RULE: &str = r#"
rule r {
  title "R" id 00000000-0000-4000-8000-000000000001 level low os [windows]
  detect process where process.name in ["a.exe", "b'c\\\"d.exe"] and command_line contains "$x `y` %z" and user.name is "SYSTEM"
                       and executable under ['C:\a b'] when available and process.hash.sha256 exists when available
  flag Large = process.pid > 4
  show [command_line, executable]
}
"#;

static PROJECT: LazyLock<(Sources, Project)> = LazyLock::new(|| {
    let mut sources = Sources::new();
    let file = sources.add("rule.det", RULE);
    (sources.clone(), resolve(vec![parse(file, RULE)], &indexmap::IndexMap::default()).0)
});

fuzz_target!(|bytes: &[u8]| {
    let (sources, project) = &*PROJECT;
    let mut sources = sources.clone();
    let Ok(file) = sources.add_bytes("targets/fuzz.yaml", bytes) else { return };
    let mut targets = Targets::built_in();
    let before = targets.all.clone();
    let findings = targets.add(file, &sources);
    common::draw(&findings, &sources);
    if findings.iter().any(Diagnostic::is_error) {
        return;
    }
    let changed = targets.all.iter().filter(|(name, target)| before.get(*name).is_none_or(|b| format!("{b:?}") != format!("{target:?}")));
    for (_, target) in changed {
        for rule in project.rules.values() {
            if let Err(findings) = compile(rule, project, target) {
                assert!(findings.iter().all(|d| d.code != Code::Internal), "a document does not read as it was meant: {findings:?}");
                common::draw(&findings, &sources);
            }
        }
    }
});
