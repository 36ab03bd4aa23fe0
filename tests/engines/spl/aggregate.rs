//! Aggregations: `count`, `min(_time) AS first_seen`, `dc(x)`, `count(eval(a==1))`.
//!
//! Missing values take no part. `first` and `last` go by the order in which rows are seen, `earliest` and `latest` by
//! `_time`. `min` and `max` compare numbers where all values are numbers, texts where none is; a mix is not documented.

use super::calc;
use super::eval;
use super::expr::Expr;
use super::lex::Cursor;
use super::value::{Value, json_number, load, number, texts};
use super::{Result, Row, SplError};
use serde_json::Value as Json;
use std::collections::BTreeSet;

/// One aggregation and the name of its column.
#[derive(Debug, Clone)]
pub(super) struct Aggregation {
    pub at: usize,
    function: Function,
    over: Over,
    pub name: String,
}

#[derive(Debug, Clone)]
enum Over {
    Rows,
    Field(String),
    Expr(Box<Expr>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Function {
    Count,
    Distinct,
    Min,
    Max,
    Sum,
    Avg,
    Values,
    List,
    First,
    Last,
    Earliest,
    Latest,
}

const FUNCTIONS: [(&str, Function); 14] = [
    ("count", Function::Count),
    ("dc", Function::Distinct),
    ("distinct_count", Function::Distinct),
    ("min", Function::Min),
    ("max", Function::Max),
    ("sum", Function::Sum),
    ("avg", Function::Avg),
    ("mean", Function::Avg),
    ("values", Function::Values),
    ("list", Function::List),
    ("first", Function::First),
    ("last", Function::Last),
    ("earliest", Function::Earliest),
    ("latest", Function::Latest),
];

/// Reads aggregations up to a keyword, an option or the end; separated by blanks or commas.
pub(super) fn list(cursor: &mut Cursor<'_>, stops: &[&str], plain: bool) -> Result<Vec<Aggregation>> {
    let mut out: Vec<Aggregation> = Vec::new();
    loop {
        cursor.skip_space();
        let comma = !out.is_empty() && cursor.eat(",");
        let end = cursor.done() || cursor.option_ahead() || stops.iter().any(|stop| cursor.clone().keyword(stop));
        match (end, comma || out.is_empty()) {
            (true, true) => return cursor.fail("an aggregation such as `count` was expected"),
            (true, false) => return Ok(out),
            _ => {}
        }
        let next = one(cursor, plain)?;
        if out.iter().any(|other| other.name == next.name) {
            return Err(SplError::syntax(next.at, format!("two columns named `{}`", next.name)));
        }
        out.push(next);
    }
}

fn one(cursor: &mut Cursor<'_>, plain: bool) -> Result<Aggregation> {
    cursor.skip_space();
    let at = cursor.at;
    let word = cursor.take(|c| c.is_ascii_alphanumeric() || c == '_').to_owned();
    let Some((_, function)) = FUNCTIONS.into_iter().find(|(name, _)| *name == word) else {
        return Err(SplError::syntax(at, format!("`{word}` is no aggregation that is printed")));
    };
    let over = if cursor.eat("(") { argument(cursor, plain)? } else { Over::Rows };
    if matches!(over, Over::Rows) && function != Function::Count {
        return Err(SplError::syntax(at, format!("`{word}` needs a field in parentheses")));
    }
    let name = if cursor.keyword("AS") {
        cursor.field(false)?
    } else {
        match &over {
            Over::Rows => word,
            Over::Field(field) => format!("{word}({field})"),
            Over::Expr(_) => return cursor.fail("an aggregation over eval() needs AS and a name"),
        }
    };
    Ok(Aggregation { at, function, over, name })
}

fn argument(cursor: &mut Cursor<'_>, plain: bool) -> Result<Over> {
    cursor.skip_space();
    if cursor.eat(")") {
        return Ok(Over::Rows);
    }
    let over = if cursor.eat("eval(") {
        if plain {
            return cursor.fail("`tstats` takes no eval() in an aggregation");
        }
        let end = cursor.closing()?;
        let expr = eval::inner(&mut cursor.until(end))?;
        cursor.at = end + 1;
        Over::Expr(Box::new(expr))
    } else {
        Over::Field(cursor.field(false)?)
    };
    cursor.skip_space();
    match cursor.eat(")") {
        true => Ok(over),
        false => cursor.fail("the closing parenthesis of the aggregation was expected"),
    }
}

impl Aggregation {
    /// The field it reads, if it is one.
    pub fn field(&self) -> Option<&str> {
        match &self.over {
            Over::Field(field) => Some(field),
            _ => None,
        }
    }

    /// What it computes, whatever its name.
    pub fn kind(&self) -> String {
        format!("{:?} of {:?}", self.function, self.field())
    }

    /// An empty account.
    pub fn start(&self) -> Account {
        Account { function: self.function, at: self.at, ..Account::default() }
    }

    /// Adds one row to the account.
    pub fn feed(&self, account: &mut Account, row: &Row) -> Result<()> {
        match &self.over {
            Over::Rows => account.count += 1,
            Over::Field(field) => {
                let found = texts(row, field, self.at)?;
                account.add(&load(row, field, self.at)?, found, row.get(field), row)?;
            }
            Over::Expr(expr) if expr.condition() => account.count += u64::from(calc::holds(expr, row)?),
            Over::Expr(expr) => {
                let value = calc::value(expr, row)?;
                let (found, stored) = (value.list(), value.clone().store());
                account.add(&value, found, stored.as_ref(), row)?;
            }
        }
        Ok(())
    }
}

/// What an aggregation has seen so far.
#[derive(Debug, Clone)]
pub(super) struct Account {
    function: Function,
    at: usize,
    count: u64,
    sum: f64,
    numbers: Option<f64>,
    text: Option<String>,
    set: BTreeSet<String>,
    list: Vec<String>,
    kept: Option<Json>,
    time: Option<f64>,
}

impl Default for Account {
    fn default() -> Self {
        let (set, list) = (BTreeSet::new(), Vec::new());
        Self {
            function: Function::Count,
            at: 0,
            count: 0,
            sum: 0.0,
            numbers: None,
            text: None,
            set,
            list,
            kept: None,
            time: None,
        }
    }
}

impl Account {
    fn add(&mut self, value: &Value, found: Vec<String>, stored: Option<&Json>, row: &Row) -> Result<()> {
        if found.is_empty() {
            return Ok(());
        }
        if self.function == Function::Count && found.len() > 1 {
            return Err(SplError::undocumented(self.at, "count() of a field with several values"));
        }
        self.count += 1;
        match self.function {
            Function::Count => {}
            Function::Distinct | Function::Values => self.set.extend(found),
            Function::List => self.list.extend(found),
            Function::First => self.kept = self.kept.take().or_else(|| stored.cloned()),
            Function::Last => self.kept = stored.cloned(),
            Function::Earliest | Function::Latest => self.by_time(stored, row)?,
            Function::Min | Function::Max => found.iter().for_each(|text| self.extreme(text)),
            Function::Sum | Function::Avg => match value {
                Value::Num(number, _) => self.sum += number,
                _ => {
                    return Err(SplError::undocumented(self.at, "a sum of something that is no number"));
                }
            },
        }
        Ok(())
    }

    fn by_time(&mut self, stored: Option<&Json>, row: &Row) -> Result<()> {
        let Value::Num(time, _) = load(row, "_time", self.at)? else {
            return Err(SplError::undocumented(self.at, "earliest() or latest() without a `_time`"));
        };
        let newer =
            self.time.is_none_or(|known| if self.function == Function::Earliest { time < known } else { time > known });
        if self.time == Some(time) && self.kept.as_ref() != stored {
            return Err(SplError::undocumented(self.at, "earliest() or latest() of two values at one time"));
        }
        if newer {
            (self.time, self.kept) = (Some(time), stored.cloned());
        }
        Ok(())
    }

    fn extreme(&mut self, text: &str) {
        let least = self.function == Function::Min;
        match number(text) {
            Some(number) => {
                let best =
                    self.numbers.map_or(number, |known| if least { known.min(number) } else { known.max(number) });
                self.numbers = Some(best);
            }
            None => {
                let better = self
                    .text
                    .as_ref()
                    .is_none_or(|known| if least { text < known.as_str() } else { text > known.as_str() });
                if better {
                    self.text = Some(text.to_owned());
                }
            }
        }
    }

    /// The result; nothing where no value was seen.
    pub fn result(&self) -> Result<Option<Json>> {
        let several = |texts: Vec<String>| calc::multi(texts).store();
        Ok(match self.function {
            Function::Count => Some(Json::from(self.count)),
            Function::Distinct => Some(Json::from(self.set.len())),
            Function::Values => several(self.set.iter().cloned().collect()),
            Function::List => several(self.list.clone()),
            Function::Sum => (self.count > 0).then(|| json_number(self.sum)),
            Function::Avg => (self.count > 0).then(|| json_number(self.sum / self.count as f64)),
            Function::Min | Function::Max => match (self.numbers, &self.text) {
                (Some(_), Some(_)) => {
                    return Err(SplError::undocumented(self.at, "min() or max() over numbers and texts"));
                }
                (Some(number), None) => Some(json_number(number)),
                (None, text) => text.clone().map(Json::String),
            },
            _ => self.kept.clone(),
        })
    }
}
