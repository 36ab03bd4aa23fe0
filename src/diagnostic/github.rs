//! Findings as workflow commands of GitHub Actions, which shows them at their lines of a pull request.
//!
//! <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands>

use super::{Diagnostic, Severity};
use crate::escape;
use crate::source::Sources;
use std::fmt::Write as _;

/// One line for each finding.
#[must_use]
pub fn to_github(diagnostics: &[Diagnostic], sources: &Sources) -> String {
    diagnostics.iter().map(|d| one(d, sources)).collect()
}

fn one(diagnostic: &Diagnostic, sources: &Sources) -> String {
    let command = match diagnostic.severity() {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let mut out = format!("::{command} ");
    if let Some((span, file)) = diagnostic.span().and_then(|s| Some((s, sources.get(s.file)?))) {
        let (line, column) = file.line_column(span.start);
        let (end_line, end_column) = file.line_column(span.end);
        let _ = write!(out, "file={},line={line},endLine={end_line},col={column},", property(&file.name));
        // GitHub takes an end column within one line only.
        if line == end_line {
            let _ = write!(out, "endColumn={end_column},");
        }
    }
    let title = format!("{}: {}", diagnostic.code.id(), diagnostic.message);
    let _ = writeln!(out, "title={}::{}", property(&title), data(&body(diagnostic, sources)));
    out
}

/// What the labels, notes and helps say, a line each; what is not about the finding's own place carries its own.
fn body(diagnostic: &Diagnostic, sources: &Sources) -> String {
    let mut lines = vec![];
    for label in diagnostic.labels.iter().filter(|l| !l.text.is_empty()) {
        match Some(label.span) == diagnostic.span() {
            true => lines.push(label.text.clone()),
            false => lines.push(format!("{}: {}", sources.place(label.span), label.text)),
        }
    }
    lines.extend(diagnostic.notes.iter().cloned());
    lines.extend(diagnostic.help.iter().map(|h| format!("help: {}", h.text)));
    if lines.is_empty() {
        lines.push(diagnostic.message.clone());
    }
    lines.join("\n")
}

/// Text behind `::`.
fn data(text: &str) -> String {
    escape::text(text).replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A value before it.
fn property(text: &str) -> String {
    data(&escape::line(text)).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Code;
    use crate::source::Span;

    #[test]
    fn what_would_end_a_command_or_a_property_is_escaped() {
        let mut sources = Sources::new();
        let file = sources.add("a,b:c%/x.det", "one\ntwo three\n");
        let finding = Diagnostic::new(Code::TestFailed, "test \"50%: a, b\" fails")
            .at(Span::new(file, 8, 13), "100% :: here")
            .also(Span::new(file, 0, 3), "because")
            .note("a note");
        assert_eq!(
            to_github(&[finding], &sources),
            "::error file=a%2Cb%3Ac%25/x.det,line=2,endLine=2,col=5,endColumn=10,\
             title=E0703%3A test \"50%25%3A a%2C b\" fails::\
             100%25 :: here%0Aa,b:c%25/x.det:1:1: because%0Aa note\n"
        );
    }

    #[test]
    fn a_finding_without_a_place_has_a_title_and_a_body_all_the_same() {
        let finding = Diagnostic::new(Code::StaleSkip, "the project skips `x`");
        assert_eq!(
            to_github(&[finding], &Sources::new()),
            "::warning title=W0002%3A the project skips `x`::the project skips `x`\n"
        );
    }
}
