//! Findings as text for people, drawn by annotate-snippets.
//!
//! Very long lines and very long spans are cut around the labels first, so that a line of 5 MB costs a screenful at most.

use super::{Diagnostic, Severity};
use crate::escape;
use crate::source::{Sources, Span};
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Patch, Renderer, Snippet, renderer::DecorStyle};
use std::borrow::Cow;
use std::ops::Range;

/// Whether to use colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Plain ASCII.
    Plain,
    /// ANSI colours.
    Colour,
}

/// More bytes than this on either side of a label are cut.
const LONG_LINE: usize = 240;
/// A label over more lines than this shows its first line only.
const LONG_SPAN: usize = 12;
/// So does a label over more bytes than this.
const LONG_LABEL: usize = 2000;

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
        let snippet = Snippet::source(window.text.as_str()).line_start(window.line).fold(true).annotations(annotations);
        group = match window.column {
            None => group.element(snippet.path(window.name.as_ref())),
            Some((line, column)) => {
                group.element(Origin::path(window.name.as_ref()).line(line).char_column(column)).element(snippet)
            }
        };
    }
    for note in &diagnostic.notes {
        group = group.element(Level::NOTE.message(note.as_str()));
    }
    let mut report = vec![];
    let mut patches = vec![];
    for help in &diagnostic.help {
        match help.patch.as_ref().and_then(|(span, text)| Some((Window::around(sources, *span)?, text))) {
            None => group = group.element(Level::HELP.message(help.text.as_str())),
            // What a patch takes away must be seen in full.
            Some((window, text)) if window.place.len() == help.patch.as_ref().map_or(0, |(s, _)| s.end - s.start) => {
                patches.push((help.text.as_str(), window, text.as_str()));
            }
            Some(_) => group = group.element(Level::HELP.message(help.text.as_str())),
        }
    }
    report.push(group);
    for (text, window, replacement) in &patches {
        let snippet = Snippet::source(window.text.as_str())
            .line_start(window.line)
            .path(window.name.as_ref())
            .fold(true)
            .patch(Patch::new(window.place.clone(), *replacement));
        report.push(Level::HELP.secondary_title(*text).element(snippet));
    }
    escape::drawn(&renderer.render(&report)) + "\n"
}

/// A piece of one file that holds labels, cut to size.
struct Window<'a> {
    name: Cow<'a, str>,
    text: String,
    line: usize,
    /// The first label's line and column, if the piece does not begin where a line does.
    column: Option<(usize, usize)>,
    labels: Vec<(Range<usize>, String, bool)>,
    place: Range<usize>,
}

impl<'a> Window<'a> {
    /// What surrounds a span.
    fn around(sources: &'a Sources, span: Span) -> Option<Window<'a>> {
        let file = sources.get(span.file)?;
        let (start, end) = (floor(&file.text, span.start), ceil(&file.text, span.end.max(span.start)));
        let (line_start, line_end) = file.line_range(start);
        let (_, mut to) = file.line_range(end);
        let lines =
            file.text.get(start..end).map_or(0, |t| t.bytes().filter(|b| *b == b'\n').take(LONG_SPAN + 1).count());
        let mut end = end;
        if end - start > LONG_LABEL || lines > LONG_SPAN {
            to = line_end;
            end = ceil(&file.text, line_end.min(start + LONG_LINE));
        }
        let from = if start - line_start > LONG_LINE { floor(&file.text, start - LONG_LINE / 2) } else { line_start };
        let to = if to - end > LONG_LINE { ceil(&file.text, end + LONG_LINE / 2) } else { to };
        Some(Window {
            name: escape::line(&file.name),
            text: file.text.get(from..to).unwrap_or("").to_owned(),
            line: file.line_column(start).0,
            column: (from != line_start).then(|| file.line_column(start)),
            labels: vec![],
            place: start - from..end - from,
        })
    }
}

/// Labels that lie in one file and close together share a window; others get their own.
fn windows<'a>(diagnostic: &Diagnostic, sources: &'a Sources) -> Vec<Window<'a>> {
    let mut labels: Vec<_> = diagnostic.labels.iter().collect();
    labels.sort_by_key(|l| !l.primary);
    let mut spans: Vec<(Span, Vec<_>)> = vec![];
    for label in labels {
        let near = spans.iter_mut().find(|(span, _)| {
            let Some(file) = sources.get(span.file) else { return false };
            span.file == label.span.file && {
                let all = span.to(label.span);
                let lines = file.line_column(all.end).0 - file.line_column(all.start).0;
                lines <= LONG_SPAN && all.end - all.start <= LONG_LABEL
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
    let window = |(span, group): (Span, Vec<&super::Label>)| {
        let mut window = Window::around(sources, span)?;
        // `place` is where the joint span begins in the cut text: every label is moved by the same distance.
        let moved = |byte: usize| floor(&window.text, byte.saturating_sub(span.start) + window.place.start);
        let place = |l: &super::Label| {
            moved(l.span.start)..moved(l.span.end.max(l.span.start)).min(window.place.end.max(moved(l.span.start)))
        };
        window.labels = group.into_iter().map(|l| (place(l), l.text.clone(), l.primary)).collect();
        if let (Some(column), Some(first)) = (window.column.as_mut(), diagnostic.span().filter(|s| s.file == span.file))
        {
            *column = sources.get(first.file).map_or(*column, |f| f.line_column(first.start));
        }
        Some(window)
    };
    spans.into_iter().filter_map(window).collect()
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
