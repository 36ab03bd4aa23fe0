//! The part of SPL that we emit.

/// A whole query.
#[derive(Clone, Debug)]
pub struct Query {
    /// Where rows come from.
    pub base: Base,
    /// What is done to them.
    pub steps: Vec<Step>,
    /// Macros that the base names.
    pub macros: Vec<String>,
}

/// Where rows come from.
#[derive(Clone, Debug)]
pub enum Base {
    /// The search command.
    Search(Search),
    /// `| tstats … from datamodel=…`
    Tstats {
        /// `Endpoint.Processes`
        datamodel: String,
        /// What stands for a missing value.
        filler: String,
        /// The condition; fields carry the dataset's prefix.
        filter: Option<Search>,
        /// The times of the first and of the last event of a row, besides their number.
        times: Option<(String, String)>,
        /// The grouping fields, without prefix.
        by: Vec<String>,
    },
    /// `| tstats prestats=t …` for each of several data models, the later ones with `append=t`.
    Models {
        /// What stands for a missing value.
        filler: String,
        /// The data models.
        models: Vec<Model>,
    },
}

/// One of several data models.
#[derive(Clone, Debug)]
pub struct Model {
    /// `Endpoint.Processes`
    pub datamodel: String,
    /// The condition; fields carry the dataset's prefix.
    pub filter: Option<Search>,
    /// The grouping fields, without prefix.
    pub by: Vec<String>,
}

/// One command.
#[derive(Clone, Debug)]
pub enum Step {
    /// `` ```…``` ``
    Comment(String),
    /// `| rename Processes.* AS *`, or the macro that Splunk's own content has for it.
    Unprefix(String),
    /// `| fillnull value="" a b`
    FillNull(Vec<String>),
    /// `| where …`
    Where(Eval),
    /// `| eval a=…, b=…`
    Eval(Vec<(String, Eval)>),
    /// `| table a, b`
    Table(Vec<String>),
    /// `| sort 0 a, - b`: all rows.
    Sort(Vec<Order>),
    /// `| streamstats …`
    Streamstats(Streamstats),
    /// `| stats … BY …`
    Stats(Vec<Stat>, Vec<String>),
    /// `| eventstats … BY …`
    Eventstats(Vec<Stat>, Vec<String>),
    /// `| mvexpand a`
    Mvexpand(String),
    /// `| dedup a`
    Dedup(String),
    /// `| addinfo`: when the search runs, and what stretch of time it looks at.
    Addinfo,
    /// `| fields - a, b`
    Drop(Vec<String>),
    /// `` | `name` ``
    Macro(String),
}

/// A field to sort by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// Smallest first.
    Rising(String),
    /// Greatest first.
    Falling(String),
}

/// Statistics over the rows so far.
#[derive(Clone, Debug, Default)]
pub struct Streamstats {
    /// The row itself takes no part.
    pub before: bool,
    /// Over so many rows of a group, instead of all.
    pub window: Option<u64>,
    /// What is computed.
    pub stats: Vec<Stat>,
    /// Groups.
    pub by: Vec<String>,
}

/// One statistic, under its name.
#[derive(Clone, Debug)]
pub struct Stat {
    /// `last`, `min`, `count` …
    pub function: &'static str,
    /// Over this; `None`: rows.
    pub over: Option<Eval>,
    /// The field that holds it.
    pub name: String,
}

/// A condition of the search command.
#[derive(Clone, Debug, PartialEq)]
pub enum Search {
    /// `` `name` ``
    Macro(String),
    /// `field="value"`; parts are text or a wildcard.
    Is(String, Vec<Piece>),
    /// `field IN ("a", "b")`
    In(String, Vec<Vec<Piece>>),
    /// `field>=5`
    Order(String, &'static str, i64),
    /// All of these.
    And(Vec<Search>),
    /// Any of these.
    Or(Vec<Search>),
    /// Not this.
    Not(Box<Search>),
    /// A field has a value that events of another search have: `[search … | dedup a | rename a AS b | fields b]`.
    Values {
        /// The other search.
        of: Box<Search>,
        /// Its field.
        from: String,
        /// The field that has the value.
        field: String,
    },
}

/// A piece of a value of the search command.
#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    /// Text without a star.
    Text(String),
    /// `*`
    Any,
}

/// An expression of `eval` and `where`.
#[derive(Clone, Debug, PartialEq)]
pub enum Eval {
    /// A field.
    Field(String),
    /// Text.
    Text(String),
    /// A regular expression: text whose backslashes are its own.
    Pattern(String),
    /// A whole number.
    Number(i64),
    /// `f(…)`
    Call(&'static str, Vec<Eval>),
    /// `a OP b`
    Binary(&'static str, Box<Eval>, Box<Eval>),
    /// All of these.
    And(Vec<Eval>),
    /// Any of these.
    Or(Vec<Eval>),
    /// Not this.
    Not(Box<Eval>),
}
