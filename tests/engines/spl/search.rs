//! The language of the `search` command, of the implied search in front of the first pipe, and of `tstats … WHERE`.
//!
//! Terms are words, quoted phrases and comparisons of a field with a literal. NOT binds tightest, then **OR, then AND**,
//! the reverse of eval expressions, so a chain that mixes AND (written or implied) with OR is refused. A word or value
//! needs double quotes as soon as it holds a blank, comma, pipe, quote, parenthesis or bracket, or is an operator's name.
//! `=` stands between field and value without blanks. A star is a wildcard wherever it stands, in quotes too.

use super::command::{self, Command};
use super::lex::Cursor;
use super::matching::network;
use super::term::{bare_char, check_field, time_modifier, unescape_bare, word};
use super::{Kind, Result, SplError};

/// How deep parentheses may nest.
const DEPTH: usize = 100;

/// A search expression.
#[derive(Debug, Clone)]
pub(super) enum Search {
    /// A lone star.
    Everything,
    Word(String),
    Phrase(String),
    Compare {
        field: String,
        op: Op,
        value: String,
        at: usize,
    },
    In {
        field: String,
        values: Vec<String>,
        at: usize,
    },
    /// `earliest=` or `latest=`.
    Time {
        at: usize,
    },
    Not(Box<Search>),
    And(Vec<Search>),
    Or(Vec<Search>),
    /// Only in a query that was not expanded.
    Macro {
        at: usize,
    },
    /// `[search …]`
    Subsearch(Vec<Command>),
}

/// How a field is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Op {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

/// Which terms are allowed, and what ends the expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// A `search` command.
    Search,
    /// The same by another author: a chain may mix AND with OR, and Splunk takes OR first.
    Foreign,
    /// `WHERE` of `tstats`: comparisons only, up to `BY`.
    Tstats,
}

/// Reads an expression up to the end of the command (or `BY`, in `tstats`).
pub(super) fn expression(cursor: &mut Cursor<'_>, place: Place) -> Result<Search> {
    let found = Parser { cursor, place, depth: 0 }.terms()?;
    cursor.skip_space();
    if cursor.peek() == Some(')') {
        return cursor.fail("this parenthesis was never opened");
    }
    Ok(found)
}

struct Parser<'a, 'b> {
    cursor: &'b mut Cursor<'a>,
    place: Place,
    depth: usize,
}

impl Parser<'_, '_> {
    /// A chain as its author may write it.
    fn terms(&mut self) -> Result<Search> {
        if self.place == Place::Foreign { self.mixed() } else { self.chain() }
    }

    /// Operands joined by both kinds of operator: OR binds before AND.
    fn mixed(&mut self) -> Result<Search> {
        let mut all = vec![vec![self.operand()?]];
        loop {
            self.cursor.skip_space();
            if self.ends() {
                break;
            }
            let or = self.operator("OR");
            if !or {
                self.operator("AND");
            }
            let operand = self.operand()?;
            match all.last_mut().filter(|_| or) {
                Some(any) => any.push(operand),
                None => all.push(vec![operand]),
            }
        }
        let mut all: Vec<Search> =
            all.into_iter().map(|mut any| if any.len() == 1 { any.swap_remove(0) } else { Search::Or(any) }).collect();
        Ok(if all.len() == 1 { all.swap_remove(0) } else { Search::And(all) })
    }

    /// Operands joined by one kind of operator.
    fn chain(&mut self) -> Result<Search> {
        let mut operands = vec![self.operand()?];
        let mut any: Option<bool> = None;
        loop {
            self.cursor.skip_space();
            let at = self.cursor.at;
            if self.ends() {
                break;
            }
            let or = self.operator("OR");
            if !or {
                self.operator("AND");
            }
            if any.is_some_and(|any| any != or) {
                return Err(SplError::style(
                    at,
                    "AND (an implied one too) and OR in one chain: put parentheses, `search` takes OR first",
                ));
            }
            any = Some(or);
            operands.push(self.operand()?);
        }
        Ok(match (any, operands.len()) {
            (_, 1) => operands.swap_remove(0),
            (Some(true), _) => Search::Or(operands),
            _ => Search::And(operands),
        })
    }

    fn ends(&self) -> bool {
        let by = self.place == Place::Tstats && self.depth == 0 && self.cursor.clone().keyword("by");
        by || matches!(self.cursor.peek(), None | Some(')'))
    }

    /// Takes an operator in capitals, if it stands here.
    fn operator(&mut self, word: &str) -> bool {
        let mut ahead = self.cursor.clone();
        let found = ahead.take(bare_char) == word && !matches!(ahead.peek(), Some('=' | '!' | '<' | '>'));
        if found {
            self.cursor.at = ahead.at;
        }
        found
    }

    fn operand(&mut self) -> Result<Search> {
        self.cursor.skip_space();
        if !self.operator("NOT") {
            return self.primary();
        }
        self.cursor.skip_space();
        if self.operator("NOT") {
            return Err(SplError::style(self.cursor.at, "NOT of NOT"));
        }
        if self.cursor.peek() == Some('`') {
            return Err(SplError::style(
                self.cursor.at,
                "NOT of a macro: its text may be a chain, put parentheses around it",
            ));
        }
        Ok(Search::Not(Box::new(self.primary()?)))
    }

    fn primary(&mut self) -> Result<Search> {
        let at = self.cursor.at;
        match self.cursor.peek() {
            None => self.cursor.fail("a search term was expected"),
            Some('(') => self.parenthesised(),
            Some('`') => {
                self.cursor.at += 1;
                self.cursor.take(|c| c != '`');
                self.cursor.eat("`");
                self.boundary()?;
                Ok(Search::Macro { at })
            }
            Some('[') if self.place == Place::Search => self.subsearch(),
            Some('"') => self.quoted(),
            Some('\'') => self.cursor.fail("single quotes mean nothing in a search; use double quotes"),
            Some(c) if bare_char(c) => self.bare(),
            Some(c) => self.cursor.fail(format!("`{c}` cannot begin a search term; put the term into double quotes")),
        }
    }

    fn subsearch(&mut self) -> Result<Search> {
        let Some((text, range)) = self.cursor.subsearch() else {
            return self.cursor.fail("this subsearch is never closed");
        };
        self.boundary()?;
        command::subsearch(text, range).map(Search::Subsearch)
    }

    fn parenthesised(&mut self) -> Result<Search> {
        let at = self.cursor.at;
        if self.depth >= DEPTH {
            return self.cursor.fail("parentheses nest too deep");
        }
        self.cursor.at += 1;
        self.depth += 1;
        let inner = self.terms()?;
        self.depth -= 1;
        self.cursor.skip_space();
        if !self.cursor.eat(")") {
            return Err(SplError::syntax(at, "this parenthesis is never closed"));
        }
        self.boundary()?;
        Ok(inner)
    }

    /// A phrase, or a comparison whose field name is in quotes.
    fn quoted(&mut self) -> Result<Search> {
        let at = self.cursor.at;
        let text = self.cursor.quoted()?;
        if matches!(self.cursor.peek(), Some('=' | '!' | '<' | '>')) {
            return self.comparison(text, at);
        }
        self.boundary()?;
        self.words_allowed(at)?;
        match text.trim().is_empty() {
            true => Err(SplError::syntax(at, "an empty phrase")),
            false => Ok(Search::Phrase(text)),
        }
    }

    /// A word, or a comparison.
    fn bare(&mut self) -> Result<Search> {
        let at = self.cursor.at;
        let text = self.cursor.take(bare_char).to_owned();
        match self.cursor.peek() {
            Some('=' | '!' | '<' | '>') => return self.comparison(text, at),
            Some('(') => {
                return Err(SplError::syntax(at, format!("`{text}(…)` is no search term that is printed")));
            }
            _ => {}
        }
        let mut ahead = self.cursor.clone();
        ahead.skip_space();
        if matches!(ahead.peek(), Some('=' | '!' | '<' | '>')) {
            return Err(SplError::style(ahead.at, "no blanks between field and operator in a search"));
        }
        if ahead.take(bare_char) == "IN" {
            self.cursor.at = ahead.at;
            return self.list(text, at);
        }
        self.boundary()?;
        self.words_allowed(at)?;
        word(&text, at)
    }

    fn words_allowed(&self, at: usize) -> Result<()> {
        match self.place {
            Place::Search | Place::Foreign => Ok(()),
            Place::Tstats => {
                Err(SplError::syntax(at, "`tstats … WHERE` takes comparisons of indexed fields, no words"))
            }
        }
    }

    fn comparison(&mut self, field: String, at: usize) -> Result<Search> {
        check_field(&field, at)?;
        let op = self.op()?;
        let time = ["earliest", "latest"].contains(&field.as_str());
        if time && op != Op::Eq {
            return Err(SplError::syntax(at, "a time modifier takes `=`"));
        }
        let value = self.value(time)?;
        self.boundary()?;
        if time {
            return time_modifier(&value, at).map(|()| Search::Time { at });
        }
        if !matches!(op, Op::Eq | Op::Ne) && value.contains('*') {
            return Err(SplError::syntax(at, "a wildcard with an order operator"));
        }
        if self.place == Place::Tstats && network(&value).is_some() {
            return Err(SplError::style(
                at,
                "`tstats` matches networks as text and may return too much; test them behind it",
            ));
        }
        Ok(Search::Compare { field, op, value, at })
    }

    fn op(&mut self) -> Result<Op> {
        let ops = [("!=", Op::Ne), ("<=", Op::Le), (">=", Op::Ge), ("=", Op::Eq), ("<", Op::Lt), (">", Op::Gt)];
        match ops.into_iter().find(|(text, _)| self.cursor.eat(text)) {
            Some((_, op)) => Ok(op),
            None => self.cursor.fail("a comparison operator was expected"),
        }
    }

    fn list(&mut self, field: String, at: usize) -> Result<Search> {
        check_field(&field, at)?;
        self.cursor.skip_space();
        if !self.cursor.eat("(") {
            return self.cursor.fail("IN needs a list in parentheses");
        }
        let mut values = Vec::new();
        loop {
            self.cursor.skip_space();
            values.push(self.value(false)?);
            self.cursor.skip_space();
            if self.cursor.eat(")") {
                break;
            }
            if !self.cursor.eat(",") {
                return self.cursor.fail("a comma or the closing parenthesis of the IN list was expected");
            }
        }
        self.boundary()?;
        Ok(Search::In { field, values, at })
    }

    /// A literal behind an operator, or in a list.
    fn value(&mut self, time: bool) -> Result<String> {
        let at = self.cursor.at;
        if time && self.cursor.eat("+") {
            return Ok(format!("+{}", self.cursor.take(bare_char)));
        }
        match self.cursor.peek() {
            Some('"') => return self.cursor.quoted(),
            Some(c) if c.is_whitespace() => {
                return Err(SplError::style(at, "no blanks between operator and value in a search"));
            }
            _ => {}
        }
        let text = self.cursor.take(bare_char);
        if text.is_empty() {
            return self.cursor.fail("a value was expected; put anything but plain characters into double quotes");
        }
        if ["AND", "OR", "NOT", "XOR", "IN", "AS", "BY"].contains(&text.to_ascii_uppercase().as_str()) {
            return Err(SplError::syntax(
                at,
                format!("the value `{text}` is an operator or keyword: put it into double quotes"),
            ));
        }
        unescape_bare(text, at)
    }

    /// A term must end where it seems to end.
    fn boundary(&self) -> Result<()> {
        match self.cursor.peek() {
            None | Some(')' | ',') => Ok(()),
            Some(c) if c.is_whitespace() => Ok(()),
            Some(c) => {
                self.cursor.fail(format!("`{c}` right behind a search term: a blank or double quotes are missing"))
            }
        }
    }
}

/// Reads the argument of `searchmatch("…")`, which is a search of its own.
pub(super) fn embedded(text: &str, at: usize) -> Result<Search> {
    let outer = |error: SplError| SplError { at, ..error };
    let clean = super::lex::clean(text).map_err(outer)?;
    if clean.contains(['|', '`', '[']) {
        return Err(SplError::new(at, Kind::Refused, "a pipe, a macro or a subsearch in searchmatch()"));
    }
    let mut cursor = Cursor::new(&clean, (0, clean.len()));
    let found = expression(&mut cursor, Place::Search).map_err(outer)?;
    cursor.finish().map_err(outer)?;
    Ok(found)
}
