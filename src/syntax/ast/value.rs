//! Names, literals and lists.

use crate::source::Span;

/// A name as written.
#[derive(Clone, Debug)]
pub struct Ident {
    /// The word.
    pub text: String,
    /// Where.
    pub span: Span,
}

/// A dotted path: a field, or a name with one part.
#[derive(Clone, Debug)]
pub struct Path {
    /// The parts, at least one.
    pub parts: Vec<Ident>,
    /// All of it.
    pub span: Span,
}

impl Path {
    /// As written: `parent.command_line`.
    #[must_use]
    pub fn dotted(&self) -> String {
        self.parts.iter().map(|p| p.text.as_str()).collect::<Vec<_>>().join(".")
    }

    /// The only part, if there is one only.
    #[must_use]
    pub fn single(&self) -> Option<&Ident> {
        match self.parts.as_slice() {
            [one] => Some(one),
            _ => None,
        }
    }
}

/// Text with its quotes taken off.
#[derive(Clone, Debug)]
pub struct Text {
    /// What it means.
    pub value: String,
    /// Written with single quotes.
    pub raw: bool,
    /// Where, quotes included.
    pub span: Span,
}

/// A literal.
#[derive(Clone, Debug)]
pub enum Literal {
    /// `"text"` or `'raw'`.
    Text(Text),
    /// A whole number.
    Int(u64, Span),
    /// `10MB`, in bytes.
    Size(u64, Span),
    /// `15m`, in seconds.
    Duration(u64, Span),
    /// `2026-11-20`.
    Date(String, Span),
    /// `true` or `false`.
    Bool(bool, Span),
}

impl Literal {
    /// Where.
    #[must_use]
    pub fn span(&self) -> Span {
        match self {
            Literal::Text(t) => t.span,
            Literal::Int(_, s)
            | Literal::Size(_, s)
            | Literal::Duration(_, s)
            | Literal::Date(_, s)
            | Literal::Bool(_, s) => *s,
        }
    }
}

impl Literal {
    /// What it is, with an article.
    #[must_use]
    pub fn words(&self) -> &'static str {
        match self {
            Literal::Text(_) => "text",
            Literal::Int(..) => "a number",
            Literal::Size(..) => "a size",
            Literal::Duration(..) => "a duration",
            Literal::Date(..) => "a date",
            Literal::Bool(..) => "true or false",
        }
    }
}

/// A literal or a path (a field, parameter, list or enum value).
#[derive(Clone, Debug)]
pub enum Value {
    /// A literal.
    Literal(Literal),
    /// A path.
    Path(Path),
}

impl Value {
    /// Where.
    #[must_use]
    pub fn span(&self) -> Span {
        match self {
            Value::Literal(l) => l.span(),
            Value::Path(p) => p.span,
        }
    }
}

/// `[a, b]`
#[derive(Clone, Debug)]
pub struct List {
    /// The elements.
    pub values: Vec<Value>,
    /// Brackets included.
    pub span: Span,
}

/// `[a, b]` of names.
#[derive(Clone, Debug)]
pub struct Names {
    /// The elements.
    pub names: Vec<Ident>,
    /// Brackets included.
    pub span: Span,
}

/// What stands where an operator takes several values.
#[derive(Clone, Debug)]
pub enum Values {
    /// A list.
    List(List),
    /// A list's name.
    Path(Path),
    /// `base64("x")`, `base64wide(["x"])`
    Encoded {
        /// UTF-16LE before Base64.
        wide: bool,
        /// The texts to encode.
        list: List,
        /// All of it.
        span: Span,
    },
}

impl Values {
    /// Where.
    #[must_use]
    pub fn span(&self) -> Span {
        match self {
            Values::List(l) => l.span,
            Values::Path(p) => p.span,
            Values::Encoded { span, .. } => *span,
        }
    }
}
