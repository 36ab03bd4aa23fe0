//! Findings as text for people, drawn by annotate-snippets.
//!
//! Very long lines and very long spans are cut around the labels first, so that a 5 MB line costs a screenful at most.

use super::{Diagnostic, Severity};
use crate::source::{Source, Sources, Span};
use annotate_snippets::{renderer::DecorStyle, AnnotationKind, Group, Level, Patch, Renderer, Snippet};
use std::ops::Range;

/// Whether to use colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Plain ASCII.
    Plain,
    /// ANSI colours.
    Colour,
}

/// A line longer than this many bytes is cut to a window around the label.
const LONG_LINE: usize = 240;
/// A label over more lines than this shows its first lines only.
const LONG_SPAN: usize = 12;

/// One finding as text, with a final line break.
#[must_use]
pub fn to_text(diagnostic: &Diagnostic, sources: &Sources, style: Style) -> String {
    let level = match diagnostic.severity() {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let renderer = match style {
        Style::Plain => Renderer::plain(),
        Style::Colour => Renderer::styled(),
    }
    .decor_style(DecorStyle::Ascii);
    let windows = windows(diagnostic, sources);
    let mut group = Group::with_title(level.primary_title(&diagnostic.message).id(diagnostic.code.id()));
    for window in &windows {
        let annotations = window.labels.iter().map(|(range, text, primary)| {
            let kind = if *primary { AnnotationKind::Primary } else { AnnotationKind::Context };
            kind.span(range.clone()).label(text.as_str())
        });
        group = group.element(
            Snippet::source(window.text.as_str())
                .line_start(window.line)
                .path(window.name)
                .fold(true)
                .annotations(annotations),
        );
    }
    for note in &diagnostic.notes {
        group = group.element(Level::NOTE.message(note.as_str()));
    }
    let mut report = vec![];
    let mut patches = vec![];
    for help in &diagnostic.help {
        match help.patch.as_ref().and_then(|(span, text)| Some((Window::around(sources, *span)?, text))) {
            None => group = group.element(Level::HELP.message(help.text.as_str())),
            Some((window, text)) => patches.push((help.text.as_str(), window, text.as_str())),
        }
    }
    report.push(group);
    for (text, window, replacement) in &patches {
        let snippet = Snippet::source(window.text.as_str())
            .line_start(window.line)
            .path(window.name)
            .fold(true)
            .patch(Patch::new(window.place.clone(), *replacement));
        report.push(Level::HELP.secondary_title(*text).element(snippet));
    }
    let mut out = renderer.render(&report);
    out.push('\n');
    out
}

/// A piece of one file that holds labels, cut to size.
struct Window<'a> {
    name: &'a str,
    text: String,
    line: usize,
    labels: Vec<(Range<usize>, String, bool)>,
    place: Range<usize>,
}

impl<'a> Window<'a> {
    fn around(sources: &'a Sources, span: Span) -> Option<Window<'a>> {
        let file = sources.get(span.file)?;
        let (text, line, place) = cut(file, span);
        Some(Window { name: &file.name, text, line, labels: vec![], place })
    }
}

/// Labels that lie in one file and close together share a window; others get their own.
fn windows<'a>(diagnostic: &Diagnostic, sources: &'a Sources) -> Vec<Window<'a>> {
    let mut labels: Vec<_> = diagnostic.labels.iter().collect();
    labels.sort_by_key(|l| !l.primary);
    let mut out: Vec<Window<'a>> = vec![];
    let mut spans: Vec<(Span, Vec<_>)> = vec![];
    for label in labels {
        let near = spans.iter_mut().find(|(span, _)| {
            let Some(file) = sources.get(span.file) else { return false };
            span.file == label.span.file && {
                let all = span.to(label.span);
                let lines = file.line_column(all.end).0 - file.line_column(all.start).0;
                lines <= LONG_SPAN && all.end - all.start < LONG_LINE * 8
            }
        });
        match near {
            Some((span, group)) => {
                *span = span.to(label.span);
                group.push(label);
            }
            None => spans.push((label.span, vec![label])),
        }
    }
    for (span, group) in spans {
        let Some(file) = sources.get(span.file) else { continue };
        let (text, line, place) = cut(file, span);
        // `place` is where the joint span begins in the cut text: every label is moved by the same distance.
        let shift = |byte: usize| (byte.saturating_sub(span.start) + place.start).min(text.len());
        let labels = group
            .into_iter()
            .map(|l| {
                let (start, end) = (shift(l.span.start), shift(l.span.end));
                (floor(&text, start)..floor(&text, end.max(start)), l.text.clone(), l.primary)
            })
            .collect();
        out.push(Window { name: &file.name, text, line, labels, place });
    }
    out
}

/// The lines of a span, cut if they are very long: text, number of the first line, the span's range in the text.
fn cut(file: &Source, span: Span) -> (String, usize, Range<usize>) {
    let (line, _) = file.line_column(span.start);
    let (mut from, _) = file.line_range(span.start);
    let (last_start, mut to) = file.line_range(span.end.max(span.start));
    if to - from > LONG_LINE * 4 && (last_start == from || to - last_start > LONG_LINE) {
        to = to.min(ceil(&file.text, span.end + LONG_LINE / 2));
        to = to.min(ceil(&file.text, span.start + LONG_LINE * 8));
    }
    if span.start - from > LONG_LINE {
        from = floor(&file.text, span.start - LONG_LINE / 2);
    }
    let text = file.text.get(from..to).unwrap_or("");
    let end = (span.end.min(to)).max(span.start) - from;
    (text.to_owned(), line, (span.start - from).min(text.len())..end.min(text.len()))
}

fn floor(text: &str, mut at: usize) -> usize {
    at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn ceil(text: &str, mut at: usize) -> usize {
    at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at += 1;
    }
    at
}
