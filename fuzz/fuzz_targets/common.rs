//! What every target does with its input and its findings.

use arcanary::diagnostic::{Diagnostic, Style, to_json, to_text};
use arcanary::source::{FileId, Sources};

/// More findings than this are not drawn: one looks like the next.
const DRAWN: usize = 20;

/// The input as a file; `None` if it is no text, which has then been told.
#[allow(dead_code, reason = "some targets read no source")]
pub fn source(bytes: &[u8]) -> Option<(Sources, FileId, String)> {
    let mut sources = Sources::new();
    match sources.add_bytes("fuzz.det", bytes) {
        Ok(file) => {
            let text = sources.get(file)?.text.clone();
            Some((sources, file, text))
        }
        Err(refused) => {
            draw(&[*refused], &sources);
            None
        }
    }
}

/// Checks that every place lies in its file and on character boundaries, and draws findings in both formats.
pub fn draw(diagnostics: &[Diagnostic], sources: &Sources) {
    for diagnostic in diagnostics {
        let labels = diagnostic.labels.iter().map(|l| l.span);
        let patches = diagnostic.help.iter().filter_map(|h| h.patch.as_ref()).map(|(span, _)| *span);
        for span in labels.chain(patches) {
            let file = sources.get(span.file).expect("a file of this run");
            assert!(file.text.get(span.start..span.end).is_some(), "{diagnostic:?}");
        }
    }
    for diagnostic in diagnostics.iter().take(DRAWN) {
        assert!(to_text(diagnostic, sources, Style::Plain).len() < 10_000, "{diagnostic:?}");
    }
    let _ = to_json(diagnostics, sources).to_string();
}
