//! What targets make of single rules: the shape of queries, and why some are refused.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

#[path = "printers/kql.rs"]
mod kql;
#[path = "printers/lacking.rs"]
mod lacking;
#[path = "printers/sigma.rs"]
mod sigma;
#[path = "printers/sigma_correlations.rs"]
mod sigma_correlations;
#[path = "printers/spl_refusals.rs"]
mod spl_refusals;
#[path = "printers/unseen.rs"]
mod unseen;

use arcanary::compile::compile;
use arcanary::target::Targets;

/// The document of a rule of these entries on a built-in target, or why there is none.
fn on(target: &str, entries: &str) -> Result<String, String> {
    compiled(target, entries).map_err(|refused| refused.first().cloned().unwrap_or_default())
}

/// All that a built-in target says to a rule of these entries that it refuses.
fn refusals(target: &str, entries: &str) -> Vec<String> {
    compiled(target, entries).expect_err("a rule that the target cannot say")
}

fn compiled(target: &str, entries: &str) -> Result<String, Vec<String>> {
    let text =
        format!("rule r {{ title \"R\" id 00000000-0000-4000-8000-000000000001 level low os [windows]\n{entries}\n}}");
    let mut sources = arcanary::source::Sources::new();
    let file = sources.add("r.det", &text);
    let parsed = vec![arcanary::syntax::parse(file, &text)];
    let (project, found) = arcanary::sema::resolve(parsed, &indexmap::IndexMap::new());
    assert!(found.is_empty(), "{found:?}");
    let document = compile(&project.rules["r"], &project, &Targets::built_in().all[target]);
    document.map(|d| d.text).map_err(|refused| refused.iter().map(|d| d.labels[0].text.clone()).collect())
}
