//! Which columns say which host, user or process an event belongs to, and which tell two events apart.

/// One column of an identity, with how its values compare.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Part {
    /// The column.
    pub column: String,
    /// How its values compare.
    pub by: By,
}

/// How the values of a column compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum By {
    /// An opaque id: exactly.
    Id,
    /// A name: in any case.
    Name,
    /// A number.
    Number,
    /// A point in time.
    Time,
}

impl By {
    /// The word in target files; a column without one is an id.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            By::Id => "id",
            By::Name => "name",
            By::Number => "number",
            By::Time => "time",
        }
    }

    /// From the word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<By> {
        [By::Id, By::Name, By::Number, By::Time].into_iter().find(|b| b.word() == word)
    }
}
