//! The syntax tree: what was written, with spans, nothing resolved.
//!
//! Names follow the language reference. [`Expr::Group`] keeps redundant parentheses only so that the formatter
//! can drop them; later stages look through it.

mod condition;
mod value;

pub use condition::*;
pub use value::*;

use crate::source::Span;

/// One file's items.
#[derive(Clone, Debug, Default)]
pub struct File {
    /// Top-level items in source order.
    pub items: Vec<Item>,
}

/// A top-level item with its `///` lines.
#[derive(Clone, Debug)]
pub struct Item {
    /// The text of the `///` lines, without the slashes and one blank.
    pub docs: Vec<String>,
    /// What it is.
    pub kind: ItemKind,
    /// From its keyword to its last token.
    pub span: Span,
    /// From its first `///` line.
    pub start: usize,
}

impl Item {
    /// The name that the item defines, or for `extend` and `tune` refers to.
    #[must_use]
    pub fn name(&self) -> &Ident {
        match &self.kind {
            ItemKind::Utility(u) => &u.name,
            ItemKind::Exception(e) => &e.name,
            ItemKind::Rule(r) => &r.name,
            ItemKind::Tune(t) => &t.name,
            ItemKind::Group { name, .. }
            | ItemKind::List { name, .. }
            | ItemKind::Param { name, .. }
            | ItemKind::Let { name, .. }
            | ItemKind::Extend { name, .. } => name,
        }
    }
}

/// What a top-level item is.
#[derive(Clone, Debug)]
pub enum ItemKind {
    /// `utility NAME "title" { … }`
    Utility(Utility),
    /// `exception NAME "title" because … where …`
    Exception(Exception),
    /// `rule NAME { … }`
    Rule(Rule),
    /// `tune NAME { … }`
    Tune(Tune),
    /// `group NAME = [a, b]`
    Group {
        /// Its name.
        name: Ident,
        /// Utilities and groups.
        members: Names,
    },
    /// `list NAME = […]`
    List {
        /// Its name.
        name: Ident,
        /// Its elements.
        list: List,
    },
    /// `param NAME = value`
    Param {
        /// Its name.
        name: Ident,
        /// Its value unless a project sets another.
        value: Literal,
    },
    /// `let NAME = condition`
    Let {
        /// Its name.
        name: Ident,
        /// The condition.
        expr: Expr,
    },
    /// `extend NAME with […]`
    Extend {
        /// The list or group that grows.
        name: Ident,
        /// What is added.
        list: List,
    },
}

/// A utility.
#[derive(Clone, Debug)]
pub struct Utility {
    /// Its name.
    pub name: Ident,
    /// What people call it.
    pub title: Text,
    /// Its entries in source order.
    pub parts: Vec<UtilityPart>,
}

/// An entry of a utility.
#[derive(Clone, Debug)]
pub enum UtilityPart {
    /// `os`, `image`, `home`, `prefixes` with a list.
    Key {
        /// The key.
        key: Ident,
        /// What follows it.
        value: UtilityValue,
    },
    /// `original […] when available`
    Original {
        /// The word `original`.
        key: Span,
        /// PE original file names.
        values: Values,
        /// A target without the field may drop it.
        when_available: bool,
    },
    /// `cased`
    Cased(Span),
    /// `verb NAME = …`
    Verb {
        /// Its name.
        name: Ident,
        /// Its shapes; `None` is `default`.
        shapes: Option<Vec<Shape>>,
    },
    /// `switch NAME = …`
    Switch {
        /// Its name.
        name: Ident,
        /// Its shapes.
        shapes: Vec<Shape>,
    },
}

/// The value of a utility's key.
#[derive(Clone, Debug)]
pub enum UtilityValue {
    /// A list.
    List(List),
    /// Text.
    Text(Text),
    /// A bare word.
    Word(Ident),
}

/// `glued "p" except "-"`
#[derive(Clone, Debug)]
pub struct Shape {
    /// The shape's word.
    pub kind: Ident,
    /// Its names, or letters.
    pub names: Vec<Text>,
    /// Whether the names were written as a list.
    pub bracketed: bool,
    /// Its options.
    pub options: Vec<ShapeOption>,
    /// All of it.
    pub span: Span,
}

/// An option behind a shape.
#[derive(Clone, Debug)]
pub enum ShapeOption {
    /// `digits`, `nonzero`, `last`
    Flag(Ident),
    /// `min 2`
    Min(u64, Span),
    /// `except "-"`, `by ":"`
    Text(Ident, Text),
}

/// `because "…" until 2027-01-31`
#[derive(Clone, Debug)]
pub struct Reason {
    /// Why.
    pub because: Text,
    /// Until when.
    pub until: Option<(String, Span)>,
}

/// A named exception.
#[derive(Clone, Debug)]
pub struct Exception {
    /// Its name.
    pub name: Ident,
    /// Its title.
    pub title: Text,
    /// Why, and until when.
    pub reason: Reason,
    /// What it excepts.
    pub expr: Expr,
}

/// A rule.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Its name.
    pub name: Ident,
    /// Its entries in source order.
    pub parts: Vec<RulePart>,
}

/// A tune.
#[derive(Clone, Debug)]
pub struct Tune {
    /// The rule that it tunes.
    pub name: Ident,
    /// Its entries in source order.
    pub parts: Vec<RulePart>,
}

/// An entry of a rule or a tune, with its span.
#[derive(Clone, Debug)]
pub struct RulePart {
    /// What.
    pub kind: RulePartKind,
    /// Where.
    pub span: Span,
}

/// What an entry of a rule or a tune is.
#[derive(Clone, Debug)]
pub enum RulePartKind {
    /// `title "…"` and its like.
    Meta {
        /// The key.
        key: Ident,
        /// The value.
        value: MetaValue,
    },
    /// `detect …`
    Detect(Detect),
    /// `flag NAME = …`
    Flag(Flag),
    /// `threshold 50`
    Threshold(u64, Span),
    /// `except …`
    Except(Except),
    /// `test "…" …`
    Test(Test),
    /// `disable because "…"`
    Disable(Reason),
}

/// A metadata value.
#[derive(Clone, Debug)]
pub enum MetaValue {
    /// Text.
    Text(Text),
    /// A UUID.
    Uuid(String, Span),
    /// A date.
    Date(String, Span),
    /// A word, technique or field.
    Path(Path),
    /// A list.
    List(Vec<MetaElement>, Span),
    /// `every 15m over 1h`, in seconds.
    Schedule {
        /// Frequency.
        every: (u64, Span),
        /// Look-back.
        over: (u64, Span),
    },
    /// `4h by host`, in seconds.
    Throttle {
        /// How long.
        period: (u64, Span),
        /// One alert per value of these.
        keys: Vec<Path>,
    },
}

impl MetaValue {
    /// Where.
    #[must_use]
    pub fn span(&self) -> Span {
        match self {
            MetaValue::Text(t) => t.span,
            MetaValue::Uuid(_, s) | MetaValue::Date(_, s) | MetaValue::List(_, s) => *s,
            MetaValue::Path(p) => p.span,
            MetaValue::Schedule { every, over } => every.1.to(over.1),
            MetaValue::Throttle { period, keys } => keys.last().map_or(period.1, |k| period.1.to(k.span)),
        }
    }
}

/// An element of a metadata list.
#[derive(Clone, Debug)]
pub enum MetaElement {
    /// Text.
    Text(Text),
    /// A word, technique or field.
    Path(Path),
    /// `derived UUID`
    Relation(Ident, String, Span),
    /// `T1574.001 as [stealth]`: the technique, its tactics, their list.
    Claim(Path, Vec<Ident>, Span),
}

/// What a rule detects.
#[derive(Clone, Debug)]
pub enum Detect {
    /// One event.
    Query(Query),
    /// Many events in a window.
    Count(Count),
    /// Several events in a window.
    Steps(Steps),
}

/// `process or script where …`
#[derive(Clone, Debug)]
pub struct Query {
    /// The kinds of event.
    pub kinds: Vec<Ident>,
    /// The condition.
    pub expr: Expr,
}

/// A number, size or duration that a parameter may give.
#[derive(Clone, Debug)]
pub enum Amount {
    /// Written out.
    Literal(u64, Span),
    /// A parameter's name.
    Param(Ident),
}

impl Amount {
    /// Where.
    #[must_use]
    pub fn span(&self) -> Span {
        match self {
            Amount::Literal(_, s) => *s,
            Amount::Param(p) => p.span,
        }
    }
}

/// `count >= 5 by host within 1h of …`
#[derive(Clone, Debug)]
pub struct Count {
    /// The field whose different values are counted, or all events.
    pub distinct: Option<Path>,
    /// At least this many.
    pub at_least: Amount,
    /// Per value of these.
    pub keys: Vec<Path>,
    /// Within this many seconds.
    pub within: Amount,
    /// Of these events.
    pub query: Query,
}

/// `sequence by host within 15m { … }`
#[derive(Clone, Debug)]
pub struct Steps {
    /// `sequence`, not `together`.
    pub ordered: bool,
    /// Joined on these.
    pub keys: Vec<Path>,
    /// Within this many seconds.
    pub within: Amount,
    /// The steps in source order.
    pub steps: Vec<Step>,
}

/// How a step takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepRole {
    /// It must happen.
    Required,
    /// It fills columns if it happens.
    Optional,
    /// It must not happen between its neighbours.
    Without,
}

/// `archiving: process where …`
#[derive(Clone, Debug)]
pub struct Step {
    /// How it takes part.
    pub role: StepRole,
    /// Its name.
    pub name: Ident,
    /// Its events.
    pub query: Query,
    /// All of it.
    pub span: Span,
}

/// `flag NAME weight 50 = …`
#[derive(Clone, Debug)]
pub struct Flag {
    /// Its name.
    pub name: Ident,
    /// Its weight in a score.
    pub weight: Option<(u64, Span)>,
    /// When it is true.
    pub expr: Expr,
}

/// `except …` in a rule or a tune.
#[derive(Clone, Debug)]
pub enum Except {
    /// `except "title" because "…" where …`
    Inline {
        /// Its title.
        title: Text,
        /// Why, and until when.
        reason: Reason,
        /// What it excepts.
        expr: Box<Expr>,
    },
    /// `except NAME on STEP`
    Named {
        /// The exception's name.
        name: Ident,
        /// The step that it reads.
        step: Option<Ident>,
    },
}

/// `test "…" fires …`
#[derive(Clone, Debug)]
pub struct Test {
    /// What it shows.
    pub title: Text,
    /// What must come out.
    pub verdict: Verdict,
    /// What goes in.
    pub input: TestInput,
}

/// What a test expects.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// The rule fires, with exactly these flags if given.
    Fires(Option<Names>),
    /// The detection itself does not hold.
    Silent,
    /// The detection holds and this exception silences it.
    Excepted(Text),
}

/// The events of a test.
#[derive(Clone, Debug)]
pub enum TestInput {
    /// Written out.
    Events(Vec<Event>),
    /// `events 'file' as READER`
    Recorded {
        /// Path from the project's root.
        path: Text,
        /// The log schema.
        reader: Ident,
    },
}

/// `+40s file { … }`
#[derive(Clone, Debug)]
pub struct Event {
    /// Seconds after the test's start.
    pub offset: Option<(u64, Span)>,
    /// The kind of event.
    pub kind: Ident,
    /// Fields with values.
    pub fields: Vec<(Path, EventValue)>,
    /// All of it.
    pub span: Span,
}

/// A field's value in a test's event.
#[derive(Clone, Debug)]
pub enum EventValue {
    /// A literal.
    Literal(Literal),
    /// An enum value.
    Word(Ident),
}
