//! `docs/validation.md`: each run owns the sections that it measured. A section stands between `<!-- NAME -->` and
//! `<!-- end of NAME -->`; it is compared with the run, or written anew with `UPDATE_DOCS=1`. No figure in it depends on
//! time or machine.

use super::super::oracle::project::root;
use super::compare::Comparison;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};

/// Tests of one program run side by side.
static PAGE: Mutex<()> = Mutex::new(());

/// Compares a section with what this run measured, or writes it.
///
/// # Panics
/// When it is another one, or the page has no such section.
pub fn section(name: &str, measured: &str) {
    let _alone = PAGE.lock().unwrap_or_else(PoisonError::into_inner);
    let path = root("docs/validation.md");
    let page = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let (before, rest) = page.split_once(&format!("<!-- {name} -->\n")).unwrap_or_else(|| panic!("no section {name}"));
    let (written, after) = rest.split_once(&format!("<!-- end of {name} -->\n")).expect("the section's end");
    let measured = format!("\n{}\n\n", measured.trim());
    if std::env::var("UPDATE_DOCS").is_ok_and(|v| v == "1") {
        let page = format!("{before}<!-- {name} -->\n{measured}<!-- end of {name} -->\n{after}");
        std::fs::write(&path, page).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        return;
    }
    assert_eq!(written, measured, "docs/validation.md, section {name}: run again with UPDATE_DOCS=1");
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
