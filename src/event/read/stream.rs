//! Streams: the records of a file one after the other, however long it is.
//!
//! A file holds a record a line, or JSON that goes on over lines (one object, a list, or several objects). Its first line
//! decides: if that is a whole value, each line is one and a malformed line spoils nothing but itself.

use super::{Malformed, Reader, Record, Room};
use crate::event::Event;
use std::io::{self, BufRead};

/// The longest record, in bytes: longer ones are malformed, so that memory stays bounded.
pub const MOST_BYTES: usize = 16 << 20;

/// A piece of a file that should be one JSON value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece<'a> {
    /// The line on which it begins, from 1.
    pub line: u64,
    /// Its bytes, or why they are not kept.
    pub text: Result<&'a [u8], &'static str>,
}

/// Cuts what is read into pieces.
#[derive(Debug)]
pub struct Pieces<R> {
    input: R,
    /// Lines read so far.
    line: u64,
    buffer: Vec<u8>,
    /// How much of the buffer has been handed on.
    used: usize,
    mode: Mode,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// Nothing was read.
    Unknown,
    /// A value a line.
    Lines,
    /// Values go on over lines.
    Values,
    /// So do the elements of one list.
    Elements,
    /// Nothing is left.
    End,
}

impl<R: BufRead> Pieces<R> {
    /// Begins at the start of a file.
    pub fn new(input: R) -> Pieces<R> {
        Pieces { input, line: 0, buffer: vec![], used: 0, mode: Mode::Unknown }
    }

    /// The next piece; `None` at the end.
    ///
    /// # Errors
    /// What reading says.
    pub fn next_piece(&mut self) -> io::Result<Option<Piece<'_>>> {
        match self.mode {
            Mode::Unknown => self.first(),
            Mode::Lines => self.next_line(),
            Mode::Values | Mode::Elements => self.next_value(),
            Mode::End => Ok(None),
        }
    }

    /// The first line that is not blank tells how the file is written.
    fn first(&mut self) -> io::Result<Option<Piece<'_>>> {
        let mut fits = self.read_line()?;
        while fits == Some(true) && self.buffer.trim_ascii().is_empty() {
            self.buffer.clear();
            fits = self.read_line()?;
        }
        if fits == Some(true) && goes_on(first_value(&self.buffer)) {
            let list = first_value(&self.buffer).first() == Some(&b'[');
            self.mode = if list { Mode::Elements } else { Mode::Values };
            self.used = self.buffer.len() - first_value(&self.buffer).len() + usize::from(list);
            return self.next_value();
        }
        self.mode = Mode::Lines;
        let text = || first_value(&self.buffer).trim_ascii_end();
        Ok(fits.map(|fits| Piece { line: self.line, text: if fits { Ok(text()) } else { Err(TOO_LONG) } }))
    }

    fn next_line(&mut self) -> io::Result<Option<Piece<'_>>> {
        loop {
            self.buffer.clear();
            let Some(fits) = self.read_line()? else { return Ok(None) };
            if !fits || !self.buffer.trim_ascii().is_empty() {
                let text = if fits { Ok(self.buffer.trim_ascii()) } else { Err(TOO_LONG) };
                return Ok(Some(Piece { line: self.line, text }));
            }
        }
    }

    /// Adds a line to the buffer; `None` at the end, `Some(false)` if it is too long and not kept.
    fn read_line(&mut self) -> io::Result<Option<bool>> {
        let begin = self.buffer.len();
        let mut fits = true;
        loop {
            let chunk = self.input.fill_buf()?;
            if chunk.is_empty() {
                let some = self.buffer.len() > begin || !fits;
                self.line += u64::from(some);
                return Ok(some.then_some(fits));
            }
            let end = memchr::memchr(b'\n', chunk);
            let taken = end.map_or(chunk.len(), |e| e + 1);
            if self.buffer.len() + taken > MOST_BYTES {
                fits = false;
                self.buffer.truncate(begin);
            }
            if fits {
                self.buffer.extend_from_slice(chunk.get(..taken).unwrap_or_default());
            }
            self.input.consume(taken);
            if end.is_some() {
                self.line += 1;
                return Ok(Some(fits));
            }
        }
    }

    fn next_value(&mut self) -> io::Result<Option<Piece<'_>>> {
        self.buffer.drain(..self.used);
        self.used = 0;
        let mut scan = Scan::default();
        let mut at = 0;
        let mut begin: Option<(usize, u64)> = None;
        loop {
            while let Some(byte) = self.buffer.get(at) {
                at += 1;
                if begin.is_none() {
                    let between = self.mode == Mode::Elements && matches!(byte, b',' | b']');
                    if between || byte.is_ascii_whitespace() {
                        continue;
                    }
                    begin = Some((at - 1, self.line));
                }
                if scan.ends_with(*byte) {
                    self.used = at;
                    let (start, line) = begin.unwrap_or((0, self.line));
                    return Ok(Some(Piece { line, text: Ok(self.buffer.get(start..at).unwrap_or_default()) }));
                }
            }
            if begin.is_none() {
                self.buffer.clear();
                at = 0;
            }
            let more = self.read_line()?;
            if more == Some(true) {
                continue;
            }
            // The end of the file, or of what can be told apart, comes inside a value, if in any.
            self.mode = Mode::End;
            let rest = begin
                .filter(|_| more.is_none())
                .map(|(start, line)| Piece { line, text: Ok(self.buffer.get(start..).unwrap_or_default()) });
            let too_long = more.map(|_| Piece { line: begin.map_or(self.line, |b| b.1), text: Err(TOO_LONG) });
            return Ok(rest.or(too_long));
        }
    }
}

const TOO_LONG: &str = "longer than 16 MiB; write one record a line";

/// A file's first line without what may stand before its first value.
fn first_value(line: &[u8]) -> &[u8] {
    line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line).trim_ascii_start()
}

/// Whether a line begins a value that other lines end. One that was cut off within a text is a malformed line.
fn goes_on(line: &[u8]) -> bool {
    let begins = matches!(line.first(), Some(b'{' | b'['));
    let breaks = matches!(line.trim_ascii_end().last(), Some(b'{' | b'[' | b',' | b':' | b'}' | b']'));
    let mut values = serde_json::Deserializer::from_slice(line).into_iter::<serde::de::IgnoredAny>();
    begins && breaks && matches!(values.next(), Some(Err(error)) if error.is_eof())
}

/// Where a value ends: its brackets are closed.
#[derive(Default)]
struct Scan {
    depth: usize,
    quoted: bool,
    escaped: bool,
}

impl Scan {
    /// Takes one more byte; whether the value ends with it.
    fn ends_with(&mut self, byte: u8) -> bool {
        match (self.quoted, self.escaped, byte) {
            (true, true, _) => self.escaped = false,
            (true, false, b'\\') => self.escaped = true,
            (true, false, b'"') => self.quoted = false,
            (true, ..) => {}
            (false, _, b'"') => self.quoted = true,
            (false, _, b'{' | b'[') => self.depth += 1,
            (false, _, b'}' | b']') => {
                self.depth = self.depth.saturating_sub(1);
                return self.depth == 0;
            }
            _ => {}
        }
        false
    }
}

/// All events of a recording.
///
/// # Errors
/// The line of the first record that is malformed, and what is wrong with it.
pub fn read_all(reader: &Reader, text: &[u8]) -> Result<Vec<Event<'static>>, (u64, String)> {
    let mut pieces = Pieces::new(text);
    let mut out = vec![];
    let mut room = Room::default();
    // Reading from memory does not fail.
    while let Ok(Some(piece)) = pieces.next_piece() {
        let text = piece.text.map_err(|why| (piece.line, why.to_owned()))?;
        let read = reader.read(text, &mut room, &mut |record| {
            if let Record::Event(event) = record {
                out.push(event.clone().into_owned());
            }
        });
        read.map_err(|Malformed { why }| (piece.line, why))?;
    }
    Ok(out)
}
