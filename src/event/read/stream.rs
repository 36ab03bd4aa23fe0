//! Streams: the records of a file one after the other, however long it is.
//!
//! A file holds a record a line, or JSON that goes on over lines (one object, several, or lists). Its first line decides: if
//! that is a whole object, each line is one and a malformed line spoils nothing but itself. Values that go on over lines
//! are followed byte by byte (`scan`); one that breaks off ends where the next record begins.

use super::scan::{Scan, Step};
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
    /// Its bytes, or why there are none.
    pub text: Result<&'a [u8], Defect>,
}

/// What is wrong with a file where no bytes are handed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Defect {
    /// A record is longer than [`MOST_BYTES`] and is skipped.
    TooLong,
    /// A list has a comma without an element. All its records are read.
    EmptyElement,
    /// A list has no comma between two elements. Both are read.
    NoComma,
    /// The file ends inside a list. All that came before is read.
    NotClosed,
}

impl Defect {
    /// What is wrong, for a message.
    #[must_use]
    pub fn why(self) -> &'static str {
        match self {
            Defect::TooLong => "longer than 16 MiB",
            Defect::EmptyElement => "a list has a comma without an element before or behind it",
            Defect::NoComma => "a list has no comma between two elements",
            Defect::NotClosed => "the file ends inside a list: it was cut off",
        }
    }
}

/// Cuts what is read into pieces.
#[derive(Debug)]
pub struct Pieces<R> {
    input: R,
    buffer: Vec<u8>,
    /// How much of the buffer has been handed on.
    used: usize,
    /// The line at which that ends, from 1, and how many bytes of it.
    line: u64,
    column: usize,
    mode: Mode,
    /// A list is open: what comes next is one of its elements.
    listed: bool,
    /// What stands before that in the list.
    before: Before,
    /// A value broke off: what comes next begins where a record begins again, in this column or further left.
    lost: Option<usize>,
    /// A value broke off before; what closed it is nobody's.
    torn: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// Nothing was read.
    Unknown,
    /// A value a line.
    Lines,
    /// Values go on over lines.
    Values,
    /// Nothing is left.
    End,
}

/// What was read last of an open list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Before {
    /// Its bracket.
    Bracket,
    /// An element.
    Element,
    /// A comma behind an element.
    Comma,
    /// A comma without an element before it, which was told: more of them are the same mistake.
    Empty,
    /// What was malformed and told: what follows is taken as it comes.
    Anything,
}

/// Where a line ends.
enum Line {
    /// Behind so many bytes.
    Of(usize),
    TooLong,
    /// There is none.
    None,
}

impl<R: BufRead> Pieces<R> {
    /// Begins at the start of a file.
    pub fn new(input: R) -> Pieces<R> {
        Pieces {
            input,
            buffer: vec![],
            used: 0,
            line: 1,
            column: 0,
            mode: Mode::Unknown,
            listed: false,
            before: Before::Anything,
            lost: None,
            torn: false,
        }
    }

    /// The next piece; `None` at the end.
    ///
    /// # Errors
    /// What reading says.
    pub fn next_piece(&mut self) -> io::Result<Option<Piece<'_>>> {
        match self.mode {
            Mode::Unknown => self.first(),
            Mode::Lines if !self.listed => self.next_line(),
            Mode::Lines | Mode::Values => self.next_value(),
            Mode::End => Ok(None),
        }
    }

    /// What was read and not handed on.
    fn rest(&self) -> &[u8] {
        self.buffer.get(self.used..).unwrap_or_default()
    }

    /// Reads on; `false` at the end.
    fn more(&mut self) -> io::Result<bool> {
        if self.used > self.buffer.len() / 2 {
            self.buffer.drain(..self.used);
            self.used = 0;
        }
        let chunk = self.input.fill_buf()?;
        self.buffer.extend_from_slice(chunk);
        let read = chunk.len();
        self.input.consume(read);
        Ok(read > 0)
    }

    /// Hands on so many bytes.
    fn take(&mut self, many: usize) {
        let taken = self.buffer.get(self.used..self.used + many).unwrap_or_default();
        match memchr::memrchr(b'\n', taken) {
            None => self.column += many,
            Some(last) => {
                self.line += memchr::memchr_iter(b'\n', taken).count() as u64;
                self.column = many - last - 1;
            }
        }
        self.used += many;
    }

    fn piece(&self, line: u64, from: usize, to: usize) -> Piece<'_> {
        Piece { line, text: Ok(self.buffer.get(from..to).unwrap_or_default()) }
    }

    /// The first line that is not blank tells how the file is written.
    fn first(&mut self) -> io::Result<Option<Piece<'_>>> {
        while self.rest().len() < MARK.len() && self.more()? {}
        if self.rest().starts_with(MARK) {
            self.used += MARK.len();
        }
        loop {
            let blank = self.rest().len() - self.rest().trim_ascii_start().len();
            self.take(blank);
            if !self.rest().is_empty() {
                break;
            }
            if !self.more()? {
                self.mode = Mode::End;
                return Ok(None);
            }
        }
        let over_lines = self.rest().first() == Some(&b'[')
            || matches!(self.line_end()?, Line::Of(end) if goes_on(self.rest().get(..end).unwrap_or_default()));
        self.mode = if over_lines { Mode::Values } else { Mode::Lines };
        self.next_piece()
    }

    fn next_line(&mut self) -> io::Result<Option<Piece<'_>>> {
        loop {
            let line = self.line;
            let end = match self.line_end()? {
                Line::Of(end) => end,
                Line::TooLong => {
                    self.skip_line()?;
                    return Ok(Some(Piece { line, text: Err(Defect::TooLong) }));
                }
                Line::None => {
                    self.mode = Mode::End;
                    return Ok(None);
                }
            };
            let text = self.rest().get(..end).unwrap_or_default();
            let (blank, text) = (text.len() - text.trim_ascii_start().len(), text.trim_ascii());
            match (text.first(), text.len()) {
                (None, _) => self.take(end),
                (Some(b'['), _) => {
                    self.take(blank);
                    return self.next_value();
                }
                (Some(_), length) => {
                    let from = self.used + blank;
                    self.take(end);
                    return Ok(Some(self.piece(line, from, from + length)));
                }
            }
        }
    }

    /// Where the line ends of which the rest begins.
    fn line_end(&mut self) -> io::Result<Line> {
        let mut looked = 0;
        loop {
            if let Some(end) = memchr::memchr(b'\n', self.rest().get(looked..).unwrap_or_default()) {
                let end = looked + end + 1;
                return Ok(if end > MOST_BYTES { Line::TooLong } else { Line::Of(end) });
            }
            looked = self.rest().len();
            if looked > MOST_BYTES {
                return Ok(Line::TooLong);
            }
            if !self.more()? {
                return Ok(if looked == 0 { Line::None } else { Line::Of(looked) });
            }
        }
    }

    fn skip_line(&mut self) -> io::Result<()> {
        loop {
            if let Some(end) = memchr::memchr(b'\n', self.rest()) {
                self.take(end + 1);
                return Ok(());
            }
            self.take(self.rest().len());
            if !self.more()? {
                return Ok(());
            }
        }
    }

    fn next_value(&mut self) -> io::Result<Option<Piece<'_>>> {
        if let Some(column) = self.lost.take() {
            self.find_record(column)?;
        }
        loop {
            match self.rest().first().copied() {
                None => {
                    if self.more()? {
                        continue;
                    }
                    self.mode = Mode::End;
                    let cut = std::mem::take(&mut self.listed);
                    return Ok(cut.then_some(Piece { line: self.line, text: Err(Defect::NotClosed) }));
                }
                Some(byte) if byte.is_ascii_whitespace() => self.take(1),
                Some(b',') if self.listed => {
                    let line = self.line;
                    self.take(1);
                    let separates = matches!(self.before, Before::Element | Before::Anything);
                    let told = self.before == Before::Empty;
                    self.before = if separates { Before::Comma } else { Before::Empty };
                    if !separates && !told {
                        return Ok(Some(Piece { line, text: Err(Defect::EmptyElement) }));
                    }
                }
                Some(b']') if self.listed => {
                    let line = self.line;
                    self.take(1);
                    self.listed = false;
                    if self.before == Before::Comma {
                        return Ok(Some(Piece { line, text: Err(Defect::EmptyElement) }));
                    }
                    if self.mode == Mode::Lines {
                        return self.next_line();
                    }
                }
                Some(b'[') if !self.listed => {
                    self.take(1);
                    self.listed = true;
                    self.before = Before::Bracket;
                }
                Some(b',' | b']' | b'}') if self.torn => self.take(1),
                Some(_) if self.listed && self.before == Before::Element => {
                    self.before = Before::Anything;
                    return Ok(Some(Piece { line: self.line, text: Err(Defect::NoComma) }));
                }
                Some(_) => {
                    self.before = Before::Element;
                    return self.value();
                }
            }
        }
    }

    /// The value that begins here; where it breaks off, what there is of it.
    fn value(&mut self) -> io::Result<Option<Piece<'_>>> {
        let (line, mut column) = (self.line, self.column);
        let mut scan = Scan::new(column);
        let mut at = 0;
        loop {
            while let Some(byte) = self.buffer.get(self.used + at) {
                let step = scan.step(*byte, column);
                column = if *byte == b'\n' { 0 } else { column + 1 };
                let end = match step {
                    Step::On if at < MOST_BYTES => {
                        at += 1;
                        continue;
                    }
                    Step::On => {
                        self.broken(&scan, at, false);
                        return Ok(Some(Piece { line, text: Err(Defect::TooLong) }));
                    }
                    Step::Broken => {
                        let (from, to) = self.broken(&scan, at, true);
                        return Ok(Some(self.piece(line, from, to)));
                    }
                    Step::Ended => at + 1,
                    Step::EndedBefore => at,
                };
                let from = self.used;
                self.take(end);
                return Ok(Some(self.piece(line, from, from + end)));
            }
            if !self.more()? {
                let (from, to) = self.broken(&scan, at, false);
                return Ok(Some(self.piece(line, from, to)));
            }
        }
    }

    /// A value breaks off at a byte that cannot stand there, or (unless `there`) at the end of what is read: goes on where
    /// the next record begins. Where what there is of the value lies in the buffer.
    fn broken(&mut self, scan: &Scan, at: usize, there: bool) -> (usize, usize) {
        let from = self.used;
        let text = self.rest().get(..at).unwrap_or_default();
        let column = scan.record_column(self.listed);
        let next_line = memchr::memchr_iter(b'\n', text).map(|end| end + 1).find_map(|begin| {
            let line = text.get(begin..).unwrap_or_default();
            let blank = line.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
            (blank <= column && line.get(blank) == Some(&b'{')).then_some(begin + blank)
        });
        let here = self.rest().get(at).filter(|_| there);
        let next = next_line.or_else(|| match here {
            Some(b'{') if at > 0 => Some(at),
            Some(b']') if self.listed && at > 0 => Some(at),
            Some(_) => begun_before(text),
            None => None,
        });
        match next {
            Some(next) => self.take(next),
            None => {
                self.take((at + usize::from(there)).min(self.rest().len()));
                self.lost = Some(column);
            }
        }
        self.torn |= !self.listed;
        self.before = Before::Anything;
        // A reader is shown the byte that breaks it, and no record that is read again.
        (from, from + next_line.unwrap_or(at + usize::from(there)))
    }

    /// Passes over what is left of a broken value, up to where a record begins: on a line of its own, no further to the right
    /// than the broken one, or behind another record.
    fn find_record(&mut self, column: usize) -> io::Result<()> {
        let mut blank = self.column == 0;
        let mut behind = [0; 2];
        loop {
            let Some(byte) = self.rest().first().copied() else { if self.more()? { continue } else { return Ok(()) } };
            let begins = blank && self.column <= column;
            let found = match byte {
                b'{' => begins || behind == *b"},",
                b'[' => begins && !self.listed,
                b']' => begins && self.listed,
                _ => false,
            };
            if found {
                return Ok(());
            }
            self.take(1);
            match byte {
                b'\n' => (blank, behind) = (true, [0; 2]),
                b' ' | b'\t' | b'\r' => {}
                _ => {
                    blank = false;
                    behind = [behind[1], byte];
                }
            }
        }
    }
}

/// The mark of UTF-8.
const MARK: &[u8] = b"\xEF\xBB\xBF";

/// The last record that begins in a text behind a comma, where quotes are out of step.
fn begun_before(text: &[u8]) -> Option<usize> {
    let begins = |at: &usize| {
        let before = text.get(..*at).unwrap_or_default().trim_ascii_end();
        before.last() == Some(&b',')
    };
    memchr::memrchr_iter(b'{', text).take(MOST_LOOKED_AT).filter(|at| *at > 0).find(begins)
}

/// Brackets that are looked at for the beginning of a record.
const MOST_LOOKED_AT: usize = 16;

/// Whether a line begins a value that other lines end. One that was cut off within a text is a malformed line.
fn goes_on(line: &[u8]) -> bool {
    let begins = line.first() == Some(&b'{');
    let breaks = matches!(line.trim_ascii_end().last(), Some(b'{' | b'[' | b',' | b':' | b'}' | b']'));
    let mut values = serde_json::Deserializer::from_slice(line).into_iter::<serde::de::IgnoredAny>();
    begins && breaks && matches!(values.next(), Some(Err(error)) if error.is_eof())
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
        let text = piece.text.map_err(|defect| (piece.line, defect.why().to_owned()))?;
        let read = reader.read(text, &mut room, &mut |record| {
            if let Record::Event(event) = record {
                out.push(event.clone().into_owned());
            }
        });
        read.map_err(|Malformed { why }| (piece.line, why))?;
    }
    Ok(out)
}
