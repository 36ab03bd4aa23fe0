//! The syntax tree of eval expressions.

use super::function::Function;
use super::pattern::Pattern;
use super::search::Search;

/// An expression; each knows where it stands.
#[derive(Debug, Clone)]
pub(super) struct Expr {
    pub at: usize,
    pub node: Node,
}

/// What an expression is.
#[derive(Debug, Clone)]
pub(super) enum Node {
    Number(f64),
    Text(String),
    Field(String),
    Negative(Box<Expr>),
    /// `+ - * / % .`
    Binary(&'static str, Box<Expr>, Box<Expr>),
    /// `== != < <= > >=`
    Compare(&'static str, Box<Expr>, Box<Expr>),
    Not(Box<Expr>),
    And(Vec<Expr>),
    Or(Vec<Expr>),
    Xor(Vec<Expr>),
    Call(Function, Vec<Expr>),
    /// Arguments of `match` and `replace`, `like`, and `searchmatch` that were compiled while reading.
    Regex(Box<Pattern>),
    Search(Box<Search>),
}

impl Expr {
    /// Whether it is a condition.
    pub fn condition(&self) -> bool {
        match &self.node {
            Node::Compare(..) | Node::Not(_) | Node::And(_) | Node::Or(_) | Node::Xor(_) => true,
            Node::Call(function, _) => function.condition(),
            _ => false,
        }
    }
}
