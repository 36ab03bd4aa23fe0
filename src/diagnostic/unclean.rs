//! Files that are not clean UTF-8 are refused here, once, with a finding that says where and what to do.

use super::{Code, Diagnostic};
use crate::escape::{draws_nothing, is_unclean};
use crate::source::{FileId, Sources, Span};

impl Sources {
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
