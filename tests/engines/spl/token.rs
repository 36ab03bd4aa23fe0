//! Tokens of eval expressions: numbers, `"text"`, `'field name'`, plain names, operators.
//!
//! A name without single quotes is a letter or `_` followed by letters, digits and `_`, nothing else. `Processes.x` would
//! be read as two fields put together, `a-b` as a difference: both are reported when they are written without blanks.

use super::lex::Cursor;
use super::{Result, SplError};

/// One token.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Number(f64, String),
    Text(String),
    /// In single quotes.
    Quoted(String),
    Name(String),
    Op(&'static str),
}

/// A token and where it begins.
pub(super) type Placed = (Token, usize);

/// Longest first.
const OPS: [&str; 17] = ["==", "!=", "<=", ">=", "=", "<", ">", "(", ")", ",", "+", "-", "*", "/", "%", ".", "`"];

/// Cuts the rest of the command into tokens.
pub(super) fn tokens(cursor: &mut Cursor<'_>) -> Result<Vec<Placed>> {
    let mut out: Vec<(Token, usize, usize)> = Vec::new();
    loop {
        cursor.skip_space();
        let at = cursor.at;
        if cursor.peek().is_none() {
            break;
        }
        let token = one(cursor)?;
        out.push((token, at, cursor.at));
        glued(&out)?;
    }
    Ok(out.into_iter().map(|(token, at, _)| (token, at)).collect())
}

fn one(cursor: &mut Cursor<'_>) -> Result<Token> {
    match cursor.peek() {
        Some('"') => cursor.literal().map(Token::Text),
        Some('\'') => quoted(cursor),
        Some(c) if c.is_ascii_digit() => numeral(cursor),
        Some(c) if c.is_ascii_alphabetic() || c == '_' => Ok(Token::Name(cursor.take(plain).to_owned())),
        Some('`') => cursor.fail("a macro is printed as a whole command or search term only, never in an expression"),
        Some(c) => match OPS.into_iter().find(|op| cursor.eat(op)) {
            Some(op) => Ok(Token::Op(op)),
            None => cursor
                .fail(format!("`{c}` in an expression: put field names into single quotes, text into double quotes")),
        },
        None => cursor.fail("an expression was expected"),
    }
}

fn plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

fn quoted(cursor: &mut Cursor<'_>) -> Result<Token> {
    let at = cursor.at;
    cursor.at += 1;
    let name = cursor.take(|c| c != '\'').to_owned();
    if !cursor.eat("'") {
        return Err(SplError::syntax(at, "this single quote is never closed"));
    }
    if name.is_empty() || name.starts_with(' ') || name.contains(['"', '\\', '*']) {
        return Err(SplError::syntax(at, format!("`{name}` is no field name")));
    }
    Ok(Token::Quoted(name))
}

fn numeral(cursor: &mut Cursor<'_>) -> Result<Token> {
    let at = cursor.at;
    let mut text = cursor.take(|c| c.is_ascii_digit()).to_owned();
    let mut ahead = cursor.clone();
    if ahead.eat(".") && ahead.peek().is_some_and(|c| c.is_ascii_digit()) {
        text = format!("{text}.{}", ahead.take(|c| c.is_ascii_digit()));
        cursor.at = ahead.at;
    }
    if cursor.peek().is_some_and(plain) {
        return Err(SplError::syntax(at, "a field name that begins with a digit needs single quotes"));
    }
    match text.parse() {
        Ok(value) => Ok(Token::Number(value, text)),
        Err(_) => Err(SplError::syntax(at, "no number")),
    }
}

/// Reports `a.b` and `a-b` without blanks, whose look and meaning differ.
fn glued(tokens: &[(Token, usize, usize)]) -> Result<()> {
    let [.., (Token::Name(a), at, a_end), (Token::Op(op @ ("." | "-")), op_at, op_end), (Token::Name(b), b_at, _)] =
        tokens
    else {
        return Ok(());
    };
    match a_end == op_at && op_end == b_at {
        true => Err(SplError::syntax(
            *at,
            format!("`{a}{op}{b}` is two fields and an operator; a field of that name needs single quotes"),
        )),
        false => Ok(()),
    }
}
