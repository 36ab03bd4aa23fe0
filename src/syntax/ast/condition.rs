//! Conditions: connectives, tool conditions, operators.

use super::value::{Ident, Path, Value, Values};
use crate::source::Span;

/// A condition.
#[derive(Clone, Debug)]
pub enum Expr {
    /// All of them.
    And(Vec<Expr>, Span),
    /// Any of them.
    Or(Vec<Expr>, Span),
    /// Not this.
    Not(Box<Expr>, Span),
    /// `(…)`
    Group(Box<Expr>, Span),
    /// `… when available`
    WhenAvailable(Box<Expr>, Span),
    /// `parent runs U to V with S`
    Tool(Tool),
    /// A field and an operator.
    Test(Path, Operator, Span),
    /// A bare path: a boolean field or a `let`.
    Bare(Path),
}

impl Expr {
    /// Where.
    #[must_use]
    pub fn span(&self) -> Span {
        match self {
            Expr::And(_, s)
            | Expr::Or(_, s)
            | Expr::Not(_, s)
            | Expr::Group(_, s)
            | Expr::WhenAvailable(_, s)
            | Expr::Test(_, _, s) => *s,
            Expr::Tool(t) => t.span,
            Expr::Bare(p) => p.span,
        }
    }
}

/// How a tool condition looks at the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToolVerb {
    /// By file name or original name.
    Runs,
    /// Original name, but another file name.
    Renamed,
    /// File name, but another folder.
    Relocated,
    /// By its command line only.
    Resembles,
}

impl ToolVerb {
    /// The keyword.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            ToolVerb::Runs => "runs",
            ToolVerb::Renamed => "renamed",
            ToolVerb::Relocated => "relocated",
            ToolVerb::Resembles => "resembles",
        }
    }
}

/// `parent runs U to V with S`
#[derive(Clone, Debug)]
pub struct Tool {
    /// `parent`, or a step's process.
    pub subject: Option<Path>,
    /// Which test.
    pub verb: ToolVerb,
    /// The keyword's place.
    pub verb_span: Span,
    /// A utility or a group.
    pub utility: Ident,
    /// `to …`
    pub to: Option<Pick>,
    /// `with …`
    pub with: Option<Pick>,
    /// All of it.
    pub span: Span,
}

/// A name, or several with `any` or `all`.
#[derive(Clone, Debug)]
pub struct Pick {
    /// `all`; a single name counts as all of itself.
    pub all: bool,
    /// Whether brackets were written.
    pub bracketed: bool,
    /// The names.
    pub names: Vec<Ident>,
    /// All of it.
    pub span: Span,
}

/// The text operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextOp {
    /// `contains`
    Contains,
    /// `starts with`
    StartsWith,
    /// `ends with`
    EndsWith,
    /// `like`
    Like,
    /// `matches`
    Matches,
    /// `under`
    Under,
}

impl TextOp {
    /// The keyword.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            TextOp::Contains => "contains",
            TextOp::StartsWith => "starts with",
            TextOp::EndsWith => "ends with",
            TextOp::Like => "like",
            TextOp::Matches => "matches",
            TextOp::Under => "under",
        }
    }
}

/// The order operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    /// `>=`
    AtLeast,
    /// `<=`
    AtMost,
    /// `>`
    More,
    /// `<`
    Less,
}

impl Order {
    /// The sign.
    #[must_use]
    pub fn sign(self) -> &'static str {
        match self {
            Order::AtLeast => ">=",
            Order::AtMost => "<=",
            Order::More => ">",
            Order::Less => "<",
        }
    }
}

/// What follows a text operator.
#[derive(Clone, Debug)]
pub enum TextOperand {
    /// One value.
    One(Value),
    /// `any L` or `all L`
    Many {
        /// `all`
        all: bool,
        /// The elements.
        values: Values,
    },
}

/// An operator with what it is compared with.
#[derive(Clone, Debug)]
pub enum Operator {
    /// `exists`
    Exists,
    /// `is [cased] V`
    Is {
        /// `cased`
        cased: bool,
        /// The value.
        value: Value,
    },
    /// `in [cased] L`
    In {
        /// `cased`
        cased: bool,
        /// The values.
        values: Values,
    },
    /// `in cidr L`
    Cidr(Values),
    /// `>= V`
    Order(Order, Value),
    /// `contains [cased] …`
    Text {
        /// Which.
        op: TextOp,
        /// `cased`
        cased: bool,
        /// The operand.
        operand: TextOperand,
    },
}
