//! The language of `eval` and `where`.
//!
//! NOT binds tighter than AND, AND tighter than OR (the reverse of `search`), so here too a mixed chain is refused. Text is
//! in double quotes, an unquoted word is a field. A condition and a value are two things: `where` needs the first, `eval`
//! assigns the second only, and functions take what their signature says.

use super::expr::{Expr, Node};
use super::function::{self, Function, Signature, Sort};
use super::lex::Cursor;
use super::pattern::Pattern;
use super::search;
use super::token::{Placed, Token, tokens};
use super::{Result, SplError};

/// How deep parentheses and calls may nest.
const DEPTH: usize = 100;

/// `where`: a condition.
pub(super) fn condition(cursor: &mut Cursor<'_>) -> Result<Expr> {
    let mut parser = Parser::new(cursor)?;
    let found = parser.chain()?;
    parser.finish()?;
    needs_condition(&found)?;
    Ok(found)
}

/// `eval`: assignments, separated by commas.
pub(super) fn assignments(cursor: &mut Cursor<'_>) -> Result<Vec<(String, Expr)>> {
    let mut parser = Parser::new(cursor)?;
    let mut out = Vec::new();
    loop {
        let name = parser.target()?;
        let value = parser.chain()?;
        needs_value(&value)?;
        out.push((name, value));
        if !parser.eat(",") {
            parser.finish()?;
            return Ok(out);
        }
    }
}

/// An expression inside another command, such as `count(eval(…))`: the text between the parentheses.
pub(super) fn inner(cursor: &mut Cursor<'_>) -> Result<Expr> {
    let mut parser = Parser::new(cursor)?;
    let found = parser.chain()?;
    parser.finish()?;
    Ok(found)
}

fn needs_condition(expr: &Expr) -> Result<()> {
    match expr.condition() {
        true => Ok(()),
        false => Err(SplError::syntax(expr.at, "a condition was expected, this is a value")),
    }
}

fn needs_value(expr: &Expr) -> Result<()> {
    match expr.condition() {
        true => Err(SplError::syntax(expr.at, "a value was expected, this is a condition: use if(…, …, …)")),
        false => Ok(()),
    }
}

struct Parser {
    tokens: Vec<Placed>,
    next: usize,
    end: usize,
    depth: usize,
}

impl Parser {
    fn new(cursor: &mut Cursor<'_>) -> Result<Self> {
        let tokens = tokens(cursor)?;
        Ok(Self { tokens, next: 0, end: cursor.at, depth: 0 })
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next).map(|(token, _)| token)
    }

    fn at(&self) -> usize {
        self.tokens.get(self.next).map_or(self.end, |(_, at)| *at)
    }

    fn fail<T>(&self, message: impl Into<String>) -> Result<T> {
        Err(SplError::syntax(self.at(), message))
    }

    fn eat(&mut self, op: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Op(found)) if *found == op);
        self.next += usize::from(found);
        found
    }

    fn word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Name(found)) if found == word);
        self.next += usize::from(found);
        found
    }

    fn op(&mut self, ops: &[&'static str]) -> Option<&'static str> {
        let found = match self.peek() {
            Some(Token::Op(op)) => ops.iter().find(|candidate| *candidate == op).copied(),
            _ => None,
        };
        self.next += usize::from(found.is_some());
        found
    }

    fn finish(&self) -> Result<()> {
        match self.peek() {
            None => Ok(()),
            Some(Token::Name(name))
                if ["and", "or", "not", "xor", "like", "in"].contains(&name.to_lowercase().as_str()) =>
            {
                self.fail(format!(
                    "`{name}` here is no operator: operators are in capitals, and stand between operands"
                ))
            }
            Some(_) => self.fail("the expression ends here, but the command goes on"),
        }
    }

    /// The left side of an assignment, and the sign.
    fn target(&mut self) -> Result<String> {
        let at = self.at();
        let name = match self.tokens.get(self.next) {
            Some((Token::Name(name) | Token::Quoted(name) | Token::Text(name), _)) => name.clone(),
            _ => return self.fail("the name of a field was expected"),
        };
        self.next += 1;
        if name.contains(['{', '}']) {
            return Err(SplError::style(at, "braces make the field's name out of another field's value"));
        }
        match self.eat("=") {
            true => Ok(name),
            false => self.fail("`=` was expected"),
        }
    }

    /// Operands of one of AND, OR, XOR.
    fn chain(&mut self) -> Result<Expr> {
        self.depth += 1;
        if self.depth > DEPTH {
            return self.fail("the expression nests too deep");
        }
        let at = self.at();
        let mut operands = vec![self.negation()?];
        let mut used: Option<&str> = None;
        loop {
            let here = self.at();
            let Some(word) = ["AND", "OR", "XOR"].into_iter().find(|word| self.word(word)) else {
                break;
            };
            if used.is_some_and(|used| used != word) {
                return Err(SplError::style(here, "mixed AND, OR, XOR in one chain: put parentheses"));
            }
            used = Some(word);
            operands.push(self.negation()?);
        }
        self.depth -= 1;
        let Some(used) = used else {
            return Ok(operands.swap_remove(0));
        };
        operands.iter().try_for_each(needs_condition)?;
        let node = match used {
            "AND" => Node::And(operands),
            "OR" => Node::Or(operands),
            _ => Node::Xor(operands),
        };
        Ok(Expr { at, node })
    }

    fn negation(&mut self) -> Result<Expr> {
        let at = self.at();
        if !self.word("NOT") {
            return self.comparison();
        }
        if self.word("NOT") {
            return Err(SplError::style(at, "NOT of NOT"));
        }
        let inner = self.comparison()?;
        needs_condition(&inner)?;
        Ok(Expr { at, node: Node::Not(Box::new(inner)) })
    }

    fn comparison(&mut self) -> Result<Expr> {
        const OPS: [&str; 7] = ["==", "=", "!=", "<=", ">=", "<", ">"];
        let at = self.at();
        let left = self.sum()?;
        let node = if let Some(op) = self.op(&OPS) {
            let right = self.sum()?;
            needs_value(&left)?;
            needs_value(&right)?;
            Node::Compare(if op == "=" { "==" } else { op }, Box::new(left), Box::new(right))
        } else if self.word("LIKE") {
            let right = self.sum()?;
            Node::Call(Function::Like, self.arguments("like", vec![left, right], at)?)
        } else if self.word("IN") {
            return Err(SplError::style(at, "IN in capitals is documented for searches only; write `in(field, …)`"));
        } else if self.word("in") {
            let mut values = vec![left];
            values.extend(self.list()?);
            Node::Call(Function::In, self.arguments("in", values, at)?)
        } else {
            return Ok(left);
        };
        match self.op(&OPS) {
            Some(_) => self.fail("one comparison after another; put parentheses"),
            None => Ok(Expr { at, node }),
        }
    }

    /// `+ -`, or `.`; which of them binds tighter is not documented, so not both.
    fn sum(&mut self) -> Result<Expr> {
        let at = self.at();
        let mut left = self.product()?;
        let mut used: Option<bool> = None;
        while let Some(op) = self.op(&["+", "-", "."]) {
            let text = op == ".";
            if used.is_some_and(|used| used != text) {
                return Err(SplError::style(
                    at,
                    "`.` with `+` or `-` without parentheses: their order is not documented",
                ));
            }
            used = Some(text);
            left = self.binary(op, left, Self::product, at)?;
        }
        Ok(left)
    }

    fn product(&mut self) -> Result<Expr> {
        let at = self.at();
        let mut left = self.unary()?;
        while let Some(op) = self.op(&["*", "/", "%"]) {
            left = self.binary(op, left, Self::unary, at)?;
        }
        Ok(left)
    }

    fn binary(
        &mut self,
        op: &'static str,
        left: Expr,
        right: fn(&mut Self) -> Result<Expr>,
        at: usize,
    ) -> Result<Expr> {
        let right = right(self)?;
        needs_value(&left)?;
        needs_value(&right)?;
        Ok(Expr { at, node: Node::Binary(op, Box::new(left), Box::new(right)) })
    }

    fn unary(&mut self) -> Result<Expr> {
        let at = self.at();
        if !self.eat("-") {
            return self.primary();
        }
        let inner = self.primary()?;
        needs_value(&inner)?;
        Ok(Expr { at, node: Node::Negative(Box::new(inner)) })
    }

    fn primary(&mut self) -> Result<Expr> {
        let Some((token, at)) = self.tokens.get(self.next).cloned() else {
            return self.fail("an operand was expected");
        };
        self.next += 1;
        let node = match token {
            Token::Number(value, _) => Node::Number(value),
            Token::Text(text) => Node::Text(text),
            Token::Quoted(name) => Node::Field(name),
            Token::Name(name) if matches!(self.peek(), Some(Token::Op("("))) => {
                return self.call(&name, at);
            }
            Token::Name(name) => field(name, at)?,
            Token::Op("(") => {
                let inner = self.chain()?;
                if !self.eat(")") {
                    return Err(SplError::syntax(at, "this parenthesis is never closed"));
                }
                return Ok(Expr { at, node: inner.node });
            }
            Token::Op(op) => {
                return Err(SplError::syntax(at, format!("`{op}` where an operand was expected")));
            }
        };
        Ok(Expr { at, node })
    }

    fn call(&mut self, name: &str, at: usize) -> Result<Expr> {
        let Some(signature) = function::find(name) else {
            return Err(SplError::syntax(at, format!("`{name}` is no function that is printed")));
        };
        let found = self.list()?;
        let arguments = self.arguments(name, found, at)?;
        Ok(Expr { at, node: Node::Call(signature.function, arguments) })
    }

    /// `(a, b)`
    fn list(&mut self) -> Result<Vec<Expr>> {
        let mut out = Vec::new();
        if !self.eat("(") {
            return self.fail("`(` was expected");
        }
        if self.eat(")") {
            return Ok(out);
        }
        loop {
            out.push(self.chain()?);
            if self.eat(")") {
                return Ok(out);
            }
            if !self.eat(",") {
                return self.fail("a comma or the closing parenthesis was expected");
            }
        }
    }

    fn arguments(&self, name: &str, found: Vec<Expr>, at: usize) -> Result<Vec<Expr>> {
        let Some(signature) = function::find(name).filter(|signature| signature.takes(found.len())) else {
            return Err(SplError::syntax(at, format!("`{name}` does not take {} arguments", found.len())));
        };
        found.into_iter().enumerate().map(|(index, expr)| argument(signature, index, expr)).collect()
    }
}

fn field(name: String, at: usize) -> Result<Node> {
    let lower = name.to_lowercase();
    if ["and", "or", "not", "xor", "in", "like"].contains(&lower.as_str()) {
        return Err(SplError::syntax(at, format!("`{name}` is an operator in the wrong place or in small letters")));
    }
    if ["true", "false", "null"].contains(&lower.as_str()) {
        return Err(SplError::syntax(at, format!("`{name}` is read as a field; write `{lower}()`")));
    }
    Ok(Node::Field(name))
}

/// Checks one argument against the signature, and compiles patterns.
fn argument(signature: &Signature, index: usize, expr: Expr) -> Result<Expr> {
    let at = expr.at;
    let wrong =
        |what: &str| SplError::syntax(at, format!("argument {} of `{}` must be {what}", index + 1, signature.name));
    match (signature.sort(index), &expr.node) {
        (Sort::Regex, Node::Text(text)) => Ok(Expr { at, node: Node::Regex(Box::new(Pattern::new(text, at)?)) }),
        (Sort::Literal, Node::Text(text)) if signature.function == Function::Searchmatch => {
            Ok(Expr { at, node: Node::Search(Box::new(search::embedded(text, at)?)) })
        }
        (Sort::Literal, Node::Text(_)) => Ok(expr),
        (Sort::Regex | Sort::Literal, _) => Err(wrong("a string literal")),
        (Sort::Bool, _) if !expr.condition() => Err(wrong("a condition")),
        (Sort::Value, _) if expr.condition() => Err(wrong("a value")),
        _ => Ok(expr),
    }
}
