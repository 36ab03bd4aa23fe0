//! The part of KQL that we emit.

/// A whole query.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// Values that stand several times.
    pub constants: Vec<Constant>,
    /// `let NAME = …;`
    pub lets: Vec<Let>,
    /// What it returns.
    pub main: Pipeline,
    /// What lists of values are called in the source.
    pub lists: Vec<(Vec<Expr>, String)>,
}

/// `let NAME = VALUE;  // WORDS`
#[derive(Clone, Debug)]
pub struct Constant {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: Expr,
    /// What it is; empty: its name says it.
    pub words: &'static str,
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

impl Query {
    /// Calls `f` for the filters that lead.
    pub fn each_filter(&mut self, f: &mut impl FnMut(&mut Expr)) {
        let all = self.lets.iter_mut().map(|l| &mut l.body).chain([&mut self.main]).flat_map(|p| &mut p.steps);
        all.for_each(|s| {
            if let Step::Filter(e) = s {
                f(e)
            }
        });
    }

    /// Calls `f` for every expression.
    pub fn each_mut(&mut self, f: &mut impl FnMut(&mut Expr)) {
        self.lets.iter_mut().for_each(|l| l.body.each_mut(f));
        self.main.each_mut(f);
    }
}

impl Pipeline {
    fn each_mut(&mut self, f: &mut impl FnMut(&mut Expr)) {
        self.steps.iter_mut().for_each(|step| step.each_mut(f));
    }
}

impl Step {
    fn each_mut(&mut self, f: &mut impl FnMut(&mut Expr)) {
        match self {
            Step::Where(e) | Step::Filter(e) => e.each_mut(f),
            Step::Extend(all) => all.iter_mut().for_each(|(_, e)| e.each_mut(f)),
            Step::Project(all) | Step::Summarize(all, _) => all.iter_mut().for_each(|(_, e)| e.each_mut(f)),
            Step::Expand(_, all) => all.iter_mut().for_each(|(_, e, _)| e.each_mut(f)),
            Step::Join(_, right, _) => right.each_mut(f),
            Step::Comment(_) | Step::Distinct(_) => {}
        }
    }

    /// Whether an expression of it reads a column.
    #[must_use]
    pub fn reads(mut self, name: &str) -> bool {
        let mut found = false;
        self.each_mut(&mut |e| found |= matches!(e, Expr::Column(column) if column == name));
        found
    }
}

/// One step of a pipeline.
#[derive(Clone, Debug)]
pub enum Step {
    /// `// …`
    Comment(String),
    /// `| where …`
    Where(Expr),
    /// The same: the cheap filter that leads, whose lists stay in place.
    Filter(Expr),
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
    /// `dynamic([a, b])`
    List(Vec<Expr>),
    /// `a matches regex "…"`, or `a matches regex strcat(Name, "…")`
    Matches(Box<Expr>, Vec<Piece>),
    /// `a and b`
    And(Vec<Expr>),
    /// `a or b`
    Or(Vec<Expr>),
    /// `not(a)`
    Not(Box<Expr>),
}

/// A piece of a regular expression.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Piece {
    /// The piece.
    pub text: String,
    /// A part that many share: its name, and what it finds, in words.
    pub part: Option<(&'static str, &'static str)>,
}

impl Piece {
    /// A piece without a name.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Piece {
        Piece { text: text.into(), part: None }
    }
}

impl Expr {
    /// A column.
    #[must_use]
    pub fn column(name: impl Into<String>) -> Expr {
        Expr::Column(name.into())
    }

    /// Calls `f` for this expression and for all in it, from the inside out.
    pub fn each_mut(&mut self, f: &mut impl FnMut(&mut Expr)) {
        match self {
            Expr::Item(a, _) | Expr::Matches(a, _) | Expr::Not(a) => a.each_mut(f),
            Expr::Binary(_, a, b) => {
                a.each_mut(f);
                b.each_mut(f);
            }
            Expr::In(_, a, all) => {
                a.each_mut(f);
                all.iter_mut().for_each(|e| e.each_mut(f));
            }
            Expr::Call(_, all) | Expr::And(all) | Expr::Or(all) | Expr::List(all) => {
                all.iter_mut().for_each(|e| e.each_mut(f));
            }
            Expr::Column(_)
            | Expr::Text(_)
            | Expr::Number(_)
            | Expr::Time(_)
            | Expr::Span(_)
            | Expr::Null(_)
            | Expr::All
            | Expr::Bool(_) => {}
        }
        f(self);
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
