//! `docs/validation.md`: each run owns the sections that it measured. No figure in it depends on time or machine.

use super::super::oracle::page;
use super::super::oracle::sample::is_whole;
use super::compare::Comparison;
use std::fmt::Write as _;

/// Compares a section with what this run measured, or writes it. A run of a sample has nothing to say of it.
///
/// # Panics
/// When it is another one, or the page has no such section.
pub fn section(name: &str, measured: &str) {
    if !is_whole() {
        return;
    }
    page::section("docs/validation.md", name, measured);
}

/// A table: heads, then rows.
pub fn table<const N: usize>(heads: [&str; N], rows: &[[String; N]]) -> String {
    let mut out = format!("| {} |\n|{}\n", heads.join(" | "), "---|".repeat(N));
    for row in rows {
        let _ = writeln!(out, "| {} |", row.join(" | "));
    }
    out
}

/// A number with commas between thousands.
pub fn number(n: usize) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// What was compared on each target by each engine, and all of it.
pub fn compared(done: &Comparison) -> String {
    let mut rows = vec![];
    for target in &done.targets {
        for of in &target.engines {
            let wrong = done.disagreements.iter().filter(|d| d.target == target.name && d.engine == of.engine).count();
            let counts = [target.exact + target.degraded, target.degraded, target.unsupported, target.rows];
            let compared = [of.verdicts, of.returned, of.flags, of.undecided, wrong];
            let mut row = vec![target.name.clone(), of.engine.to_owned()];
            row.extend(counts.into_iter().chain(compared).map(number));
            rows.push(<[String; 11]>::try_from(row).expect("as many as there are heads"));
        }
    }
    let heads = [
        "target",
        "engine",
        "documents",
        "degraded",
        "refused",
        "rows",
        "verdicts",
        "to return",
        "flags",
        "undecided",
        "disagreements",
    ];
    let all = done.all();
    format!(
        "{}\n{} rules: {} verdicts, {} flags, **{} disagreements**.",
        table(heads, &rows),
        done.rules,
        number(all.verdicts),
        number(all.flags),
        done.disagreements.len()
    )
}
