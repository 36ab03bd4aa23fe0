//! The part of KQL that we emit.

/// A whole query.
#[derive(Clone, Debug)]
pub struct Query {
    /// `let NAME = …;`
    pub lets: Vec<Let>,
    /// What it returns.
    pub main: Pipeline,
}

/// `let NAME = …;`
#[derive(Clone, Debug)]
pub struct Let {
    /// Its name.
    pub name: String,
    /// Its rows.
    pub body: Pipeline,
    /// `materialize(…)`: it is read more than once, and computed once.
    pub kept: bool,
}

/// A source and what is done to its rows.
#[derive(Clone, Debug, Default)]
pub struct Pipeline {
    /// A table, or names to be united.
    pub source: Vec<String>,
    /// Steps.
    pub steps: Vec<Step>,
}

/// One step of a pipeline.
#[derive(Clone, Debug)]
pub enum Step {
    /// `// …`
    Comment(String),
    /// `| where …`
    Where(Expr),
    /// `| extend A = …, B = …`
    Extend(Vec<(String, Expr)>),
    /// `| project A, B = …`
    Project(Vec<(Option<String>, Expr)>),
    /// `| summarize A = …, … by B`
    Summarize(Vec<(Option<String>, Expr)>, Vec<String>),
    /// `| distinct A, B`
    Distinct(Vec<String>),
    /// `| join kind=KIND (…) on A, B`
    Join(&'static str, Pipeline, Vec<String>),
    /// `| mv-expand with_itemindex = I A = … to typeof(T), …`
    Expand(Option<String>, Vec<(String, Expr, &'static str)>),
}

/// An expression.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Expr {
    /// A column.
    Column(String),
    /// Text.
    Text(String),
    /// A whole number.
    Number(i64),
    /// `datetime(…)`, in microseconds since 1970.
    Time(i64),
    /// `15m`, in microseconds.
    Span(i64),
    /// `long(null)`: the null of a type.
    Null(&'static str),
    /// `*`: all columns.
    All,
    /// `a[1]`
    Item(Box<Expr>, i64),
    /// `true` or `false`.
    Bool(bool),
    /// `f(…)`
    Call(&'static str, Vec<Expr>),
    /// `a OP b`
    Binary(&'static str, Box<Expr>, Box<Expr>),
    /// `a OP (b, c)`
    In(&'static str, Box<Expr>, Vec<Expr>),
    /// `a matches regex "…"`
    Matches(Box<Expr>, String),
    /// `a and b`
    And(Vec<Expr>),
    /// `a or b`
    Or(Vec<Expr>),
    /// `not(a)`
    Not(Box<Expr>),
}

impl Expr {
    /// A column.
    #[must_use]
    pub fn column(name: impl Into<String>) -> Expr {
        Expr::Column(name.into())
    }

    /// `self OP other`
    #[must_use]
    pub fn op(self, op: &'static str, other: Expr) -> Expr {
        Expr::Binary(op, Box::new(self), Box::new(other))
    }

    /// `self OP text`
    #[must_use]
    pub fn with(self, op: &'static str, text: &str) -> Expr {
        Expr::Binary(op, Box::new(self), Box::new(Expr::Text(text.to_owned())))
    }
}
