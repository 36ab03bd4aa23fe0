//! Sections of pages that runs write: each stands between `<!-- NAME -->` and `<!-- end of NAME -->`, and is compared with what
//! the run says, or written anew with `UPDATE_DOCS=1`.

use super::project::root;
use std::sync::{Mutex, PoisonError};

/// Tests of one program run side by side.
static PAGE: Mutex<()> = Mutex::new(());

/// Compares a section of a page with what this run says, or writes it.
///
/// # Panics
/// When it is another one, or the page has no such section.
pub fn section(page: &str, name: &str, said: &str) {
    let _alone = PAGE.lock().unwrap_or_else(PoisonError::into_inner);
    let path = root(page);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let (before, rest) = text.split_once(&format!("<!-- {name} -->\n")).unwrap_or_else(|| panic!("no section {name}"));
    let (written, after) = rest.split_once(&format!("<!-- end of {name} -->\n")).expect("the section's end");
    let said = format!("\n{}\n\n", said.trim());
    if std::env::var("UPDATE_DOCS").is_ok_and(|v| v == "1") {
        let text = format!("{before}<!-- {name} -->\n{said}<!-- end of {name} -->\n{after}");
        std::fs::write(&path, text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        return;
    }
    assert_eq!(written, said, "{page}, section {name}: run again with UPDATE_DOCS=1");
}
