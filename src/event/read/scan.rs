//! Where a JSON value ends, byte by byte, and where it breaks off: at a byte that can stand in no value.

/// Deeper values are no records.
const MOST_DEEP: usize = 128;

/// A value that is being read.
#[derive(Debug)]
pub(super) struct Scan {
    /// Which of the open brackets are of objects, the innermost in the lowest bit.
    objects: u128,
    depth: usize,
    expected: Expected,
    text: Text,
    /// The column in which it begins, and in which an element of a list right below it does.
    columns: (usize, Option<usize>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    Value,
    /// Behind the bracket of a list.
    ValueOrEnd,
    Key,
    /// Behind the bracket of an object.
    KeyOrEnd,
    Colon,
    CommaOrEnd,
}

/// Inside a text, or a word such as a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Text {
    None,
    Word,
    Quoted { key: bool },
    Escaped { key: bool },
}

/// What one more byte means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The value goes on.
    On,
    /// It ends with this byte.
    Ended,
    /// It ended before this byte.
    EndedBefore,
    /// This byte cannot stand here.
    Broken,
}

impl Scan {
    /// A value that begins in a column.
    pub(super) fn new(column: usize) -> Scan {
        Scan { objects: 0, depth: 0, expected: Expected::Value, text: Text::None, columns: (column, None) }
    }

    /// The column in which the record begins that is being read: an element of a list right below, unless the value is an
    /// element itself.
    pub(super) fn record_column(&self, is_element: bool) -> usize {
        self.columns.1.filter(|_| !is_element).unwrap_or(self.columns.0)
    }

    /// Takes one more byte.
    pub(super) fn step(&mut self, byte: u8, column: usize) -> Step {
        match (self.text, byte) {
            (Text::Escaped { key }, _) => self.text = Text::Quoted { key },
            (Text::Quoted { .. }, 0..0x20) => return Step::Broken,
            (Text::Quoted { key }, b'\\') => self.text = Text::Escaped { key },
            (Text::Quoted { key }, b'"') => {
                self.text = Text::None;
                if !key {
                    return self.ended(Step::Ended);
                }
                self.expected = Expected::Colon;
            }
            (Text::Quoted { .. }, _) => {}
            (Text::Word, b',' | b':' | b'"' | b'{' | b'}' | b'[' | b']' | b' ' | b'\t' | b'\n' | b'\r') => {
                self.text = Text::None;
                if self.ended(Step::EndedBefore) == Step::EndedBefore {
                    return Step::EndedBefore;
                }
                return self.structure(byte, column);
            }
            (Text::Word, _) => {}
            (Text::None, _) => return self.structure(byte, column),
        }
        Step::On
    }

    fn structure(&mut self, byte: u8, column: usize) -> Step {
        use Expected::{Colon, CommaOrEnd, Key, KeyOrEnd, Value, ValueOrEnd};
        let in_object = self.objects & 1 == 1;
        match (self.expected, byte) {
            (_, b' ' | b'\t' | b'\n' | b'\r') => {}
            (Value | ValueOrEnd, b'{' | b'[') => return self.open(byte == b'{', column),
            (Value | ValueOrEnd, b'"') => self.text = Text::Quoted { key: false },
            (ValueOrEnd, b']') | (KeyOrEnd, b'}') => return self.close(),
            (Value | ValueOrEnd, b',' | b':' | b'}' | b']') => return Step::Broken,
            (Value | ValueOrEnd, _) => self.text = Text::Word,
            (Key | KeyOrEnd, b'"') => self.text = Text::Quoted { key: true },
            (Colon, b':') => self.expected = Value,
            (CommaOrEnd, b',') => self.expected = if in_object { Key } else { Value },
            (CommaOrEnd, b'}') if in_object => return self.close(),
            (CommaOrEnd, b']') if !in_object => return self.close(),
            _ => return Step::Broken,
        }
        Step::On
    }

    fn open(&mut self, object: bool, column: usize) -> Step {
        if self.depth == MOST_DEEP {
            return Step::Broken;
        }
        if object && self.depth == 2 && self.objects & 1 == 0 {
            self.columns.1 = Some(column);
        }
        self.depth += 1;
        self.objects = self.objects << 1 | u128::from(object);
        self.expected = if object { Expected::KeyOrEnd } else { Expected::ValueOrEnd };
        Step::On
    }

    fn close(&mut self) -> Step {
        self.depth = self.depth.saturating_sub(1);
        self.objects >>= 1;
        self.ended(Step::Ended)
    }

    /// A value ends; if no bracket is open, all of it.
    fn ended(&mut self, step: Step) -> Step {
        self.expected = Expected::CommaOrEnd;
        if self.depth == 0 { step } else { Step::On }
    }
}
