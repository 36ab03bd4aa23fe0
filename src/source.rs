//! Stage 0: source files, byte spans and line numbers.
//!
//! Guarantees: every [`Span`] that the compiler makes lies on character boundaries of its file, and a file
//! that is not clean UTF-8 is refused here, once, with a diagnostic that says where and what to do.

use crate::diagnostic::{Code, Diagnostic};
use crate::escape::{draws_nothing, is_unclean};

/// A file in [`Sources`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(u32);

/// A half-open range of bytes in one file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The file.
    pub file: FileId,
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Span {
    /// A span of `file`.
    #[must_use]
    pub fn new(file: FileId, start: usize, end: usize) -> Self {
        Self { file, start, end }
    }

    /// The smallest span that holds both; `other` is ignored if it lies in another file.
    #[must_use]
    pub fn to(self, other: Span) -> Span {
        if self.file != other.file {
            return self;
        }
        Span::new(self.file, self.start.min(other.start), self.end.max(other.end))
    }
}

/// One file: its name as the user gave it, and its text without a byte order mark.
#[derive(Clone, Debug)]
pub struct Source {
    /// Name for messages, with `/` between folders.
    pub name: String,
    /// Text.
    pub text: String,
    lines: Vec<usize>,
}

impl Source {
    fn new(name: String, text: String) -> Self {
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(i, _)| i + 1)).collect();
        Self { name, text, lines }
    }

    /// Line and column of a byte, both from 1; the column counts characters.
    #[must_use]
    pub fn line_column(&self, byte: usize) -> (usize, usize) {
        let line = self.lines.partition_point(|&start| start <= byte);
        let start = self.lines.get(line.saturating_sub(1)).copied().unwrap_or(0);
        let column = self.text.get(start..byte).map_or(0, |s| s.chars().count());
        (line, column + 1)
    }

    /// Byte range of the line that holds `byte`, without its line break.
    #[must_use]
    pub fn line_range(&self, byte: usize) -> (usize, usize) {
        let line = self.lines.partition_point(|&start| start <= byte);
        let start = self.lines.get(line.saturating_sub(1)).copied().unwrap_or(0);
        let end = self.lines.get(line).map_or(self.text.len(), |next| next - 1);
        (start, end.max(start))
    }
}

fn unclean(span: Span, c: char, text: &str) -> Diagnostic {
    let number = format!("U+{:04X}", u32::from(c));
    let what = match c {
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => "changes the direction of the text",
        c if draws_nothing(c) => "draws nothing",
        '\u{2028}' | '\u{2029}' => "ends a line in some programs alone",
        c if c.is_control() => "is a control character",
        c if u32::from(c) & 0xfffe == 0xfffe || matches!(c, '\u{fdd0}'..='\u{fdef}') => "is a noncharacter",
        _ => "is not shown",
    };
    let message = format!("character {number} in a source file {what}");
    let all = text.chars().filter(|c| *c != '\r' && is_unclean(*c)).count();
    let mut diagnostic = Diagnostic::new(Code::UncleanCharacter, message).at(span, "it is invisible");
    if all > 1 {
        diagnostic = diagnostic.note(format!("the file has {all} such characters"));
    }
    diagnostic.patch(format!("remove {number}"), span, "")
}

/// All files of one run.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    files: Vec<Source>,
}

impl Sources {
    /// No files.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds text that is known to be good.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> FileId {
        let id = FileId(u32::try_from(self.files.len()).unwrap_or(u32::MAX));
        self.files.push(Source::new(name.into(), text.into()));
        id
    }

    /// Adds a file as it lies on disk. A UTF-8 byte order mark is dropped.
    ///
    /// # Errors
    /// `E0001` for bytes that are not UTF-8, `E0002` for UTF-16, `E0003` for a NUL character, `E0005` for another that does
    /// something to the text around it. The file is then kept with the bad characters replaced, so that the message can show the place.
    pub fn add_bytes(&mut self, name: impl Into<String>, bytes: &[u8]) -> Result<FileId, Box<Diagnostic>> {
        let name = name.into();
        // Editors that leave the mark out are known by the NUL beside the first, surely ASCII, character.
        let unmarked = matches!(bytes, [0, 1..=127, ..] | [1..=127, 0, ..]);
        if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) || unmarked {
            let id = self.add(name, "");
            let why = if unmarked { "every other byte is NUL" } else { "starts with the mark of UTF-16" };
            return Err(Box::new(
                Diagnostic::new(Code::Utf16, "this file is UTF-16")
                    .at(Span::new(id, 0, 0), why)
                    .help("save it as UTF-8 in your editor"),
            ));
        }
        let bytes = bytes.strip_prefix(&[0xEF, 0xBB, 0xBF]).unwrap_or(bytes);
        match std::str::from_utf8(bytes) {
            Ok(text) => {
                let id = self.add(name, text);
                match text.char_indices().find(|(_, c)| *c != '\r' && is_unclean(*c)) {
                    None => Ok(id),
                    Some((at, '\0')) => Err(Box::new(
                        Diagnostic::new(Code::NulCharacter, "a NUL character in a source file")
                            .at(Span::new(id, at, at + 1), "no text can contain this")
                            .help("the file was damaged, or it is not a source file"),
                    )),
                    Some((at, c)) => Err(Box::new(unclean(Span::new(id, at, at + c.len_utf8()), c, text))),
                }
            }
            Err(error) => {
                let at = error.valid_up_to();
                let id = self.add(name, String::from_utf8_lossy(bytes));
                Err(Box::new(
                    Diagnostic::new(Code::NotUtf8, "this file is not UTF-8")
                        .at(Span::new(id, at, at), "the first byte that is not UTF-8")
                        .help("save it as UTF-8 in your editor"),
                ))
            }
        }
    }

    /// The file, or `None` for an id of another run.
    #[must_use]
    pub fn get(&self, id: FileId) -> Option<&Source> {
        self.files.get(id.0 as usize)
    }

    /// The text of a span; empty if it lies outside.
    #[must_use]
    pub fn text(&self, span: Span) -> &str {
        self.get(span.file).and_then(|f| f.text.get(span.start..span.end)).unwrap_or("")
    }

    /// The text of a span with a blank for each run of white space: on one line, for messages.
    #[must_use]
    pub fn on_one_line(&self, span: Span) -> String {
        self.text(span).split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// `name:line:column` of a span's start.
    #[must_use]
    pub fn place(&self, span: Span) -> String {
        self.get(span.file).map_or_else(String::new, |f| {
            let (line, column) = f.line_column(span.start);
            format!("{}:{line}:{column}", f.name)
        })
    }

    /// Every file with its id, in the order in which they were added.
    pub fn iter(&self) -> impl Iterator<Item = (FileId, &Source)> {
        self.files.iter().enumerate().map(|(i, f)| (FileId(u32::try_from(i).unwrap_or(u32::MAX)), f))
    }
}
