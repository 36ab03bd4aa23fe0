//! When two trees say the same: spans, redundant parentheses, long and short field names, and the order of different
//! statements in a rule make no difference.

use super::order::rank;
use crate::source::Span;
use crate::syntax::ast::*;
use crate::vocabulary::fields;

/// An expression without parentheses around it.
pub(super) fn bare(mut expr: &Expr) -> &Expr {
    while let Expr::Group(inner, _) = expr {
        expr = inner;
    }
    expr
}

/// Where an expression begins, its parentheses not counted.
pub(super) fn start(expr: &Expr) -> usize {
    match bare(expr) {
        Expr::And(list, span) | Expr::Or(list, span) => list.first().map_or(span.start, start),
        Expr::WhenAvailable(inner, _) => start(inner),
        other => other.span().start,
    }
}

/// The operands of `and` (or of `or`), those of redundant parentheses included. Parentheses around a `when available`
/// are not redundant, since it may stand in the outermost level only.
pub(super) fn operands<'a>(list: &'a [Expr], and: bool) -> Vec<&'a Expr> {
    let mut out: Vec<&'a Expr> = vec![];
    for expr in list {
        let expr = bare(expr);
        match expr {
            Expr::And(inner, _) if and && !holds_available(inner) => out.extend(operands(inner, and)),
            Expr::Or(inner, _) if !and && !holds_available(inner) => out.extend(operands(inner, and)),
            _ => out.push(expr),
        }
    }
    out
}

fn holds_available(list: &[Expr]) -> bool {
    list.iter().any(|e| match bare(e) {
        Expr::WhenAvailable(..) => true,
        Expr::And(inner, _) | Expr::Or(inner, _) => holds_available(inner),
        _ => false,
    })
}

/// A path with the short name of the field that it ends in.
pub(super) fn short(path: &Path) -> String {
    let dotted = path.dotted();
    if let Some(field) = fields::FieldId::find(&dotted) {
        return field.short().to_owned();
    }
    // In a sequence, a step's name stands before the field.
    let Some((step, rest)) = dotted.split_once('.') else { return dotted };
    match fields::FieldId::find(rest) {
        Some(field) if fields::is_taken(step).is_none() => format!("{step}.{}", field.short()),
        _ => dotted,
    }
}

/// Equality of what was said.
pub(super) trait Same {
    /// Whether both say the same.
    fn same(&self, other: &Self) -> bool;
}

impl Same for Span {
    fn same(&self, _: &Self) -> bool {
        true
    }
}

impl<T: Same> Same for Vec<T> {
    fn same(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().zip(other).all(|(a, b)| a.same(b))
    }
}

impl<T: Same> Same for Option<T> {
    fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Some(a), Some(b)) => a.same(b),
            (a, b) => a.is_none() && b.is_none(),
        }
    }
}

impl<A: Same, B: Same> Same for (A, B) {
    fn same(&self, other: &Self) -> bool {
        self.0.same(&other.0) && self.1.same(&other.1)
    }
}

impl Same for Path {
    fn same(&self, other: &Self) -> bool {
        short(self) == short(other)
    }
}

/// Parts of one kind in their order, the kinds in the order of the canonical layout.
fn sorted(parts: &[RulePart]) -> Vec<&RulePart> {
    let mut parts: Vec<_> = parts.iter().collect();
    parts.sort_by_key(|p| rank(p));
    parts
}

fn same_parts(a: &[RulePart], b: &[RulePart]) -> bool {
    let (a, b) = (sorted(a), sorted(b));
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.kind.same(&b.kind))
}

impl Same for Rule {
    fn same(&self, other: &Self) -> bool {
        self.name.same(&other.name) && same_parts(&self.parts, &other.parts)
    }
}

impl Same for Tune {
    fn same(&self, other: &Self) -> bool {
        self.name.same(&other.name) && same_parts(&self.parts, &other.parts)
    }
}

impl Same for Expr {
    fn same(&self, other: &Self) -> bool {
        let all = |a: &[Expr], b: &[Expr], and| {
            let (a, b) = (operands(a, and), operands(b, and));
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.same(b))
        };
        match (bare(self), bare(other)) {
            (Expr::And(a, _), Expr::And(b, _)) => all(a, b, true),
            (Expr::Or(a, _), Expr::Or(b, _)) => all(a, b, false),
            (Expr::Not(a, _), Expr::Not(b, _)) | (Expr::WhenAvailable(a, _), Expr::WhenAvailable(b, _)) => a.same(b),
            (Expr::Tool(a), Expr::Tool(b)) => a.same(b),
            (Expr::Test(p, a, _), Expr::Test(q, b, _)) => p.same(q) && a.same(b),
            (Expr::Bare(a), Expr::Bare(b)) => a.same(b),
            _ => false,
        }
    }
}

macro_rules! plain {
    ($($type:ty),*) => { $(impl Same for $type {
        fn same(&self, other: &Self) -> bool { self == other }
    })* };
}
plain!(String, bool, u64, usize, ToolVerb, TextOp, Order, StepRole);

/// Field by field; a field that is missing here does not compile.
macro_rules! fields_of {
    ($($type:ident { $($field:ident),* })*) => { $(impl Same for $type {
        fn same(&self, other: &Self) -> bool {
            let $type { $($field),* } = self;
            $($field.same(&other.$field))&&*
        }
    })* };
}
fields_of! {
    Text { value, raw, span }
    List { values, span }
    Names { names, span }
    File { items }
    Utility { name, title, parts }
    Shape { kind, names, bracketed, options, span }
    Reason { because, until }
    Exception { name, title, reason, expr }
    Query { kinds, expr }
    Count { distinct, at_least, keys, within, query }
    Steps { ordered, keys, within, steps }
    Step { role, name, query, span }
    Flag { name, weight, expr }
    Test { title, verdict, input }
    Event { offset, kind, fields, span }
    Tool { subject, verb, verb_span, utility, to, with, span }
    Pick { all, bracketed, names, span }
    Ident { text, span }
}

impl Same for Item {
    fn same(&self, other: &Self) -> bool {
        self.docs.same(&other.docs) && self.kind.same(&other.kind)
    }
}

/// Variant by variant; a variant that is missing here, or a field of one, does not compile.
macro_rules! variants_of {
    ($($type:ident {
        $($variant:ident $(($($a:ident $b:ident),*))? $({ $($field:ident $twin:ident),* })?),*
    })*) => { $(impl Same for $type {
        fn same(&self, other: &Self) -> bool {
            match self { $(
                $type::$variant $(($($a),*))? $({ $($field),* })? => match other {
                    $type::$variant $(($($b),*))? $({ $($field: $twin),* })? => {
                        true $($(&& $a.same($b))*)? $($(&& $field.same($twin))*)?
                    }
                    #[allow(unreachable_patterns, reason = "a type with one variant")]
                    _ => false,
                },
            )* }
        }
    })* };
}
variants_of! {
    Literal { Text(a b), Int(a b, s t), Size(a b, s t), Duration(a b, s t), Date(a b, s t), Bool(a b, s t) }
    Value { Literal(a b), Path(a b) }
    Values { List(a b), Path(a b), Encoded { wide w, list l, span s } }
    ItemKind {
        Utility(a b), Exception(a b), Rule(a b), Tune(a b), Group { name n, members m }, List { name n, list l },
        Param { name n, value v }, Let { name n, expr e }, Extend { name n, list l }
    }
    UtilityPart {
        Key { key k, value v }, Original { key k, values v, when_available w }, Cased(a b),
        Verb { name n, shapes s }, Switch { name n, shapes s }
    }
    UtilityValue { List(a b), Text(a b), Word(a b) }
    ShapeOption { Flag(a b), Min(a b, s t), Text(a b, c d) }
    RulePartKind {
        Meta { key k, value v }, Detect(a b), Flag(a b), Threshold(a b, s t), Except(a b), Test(a b), Disable(a b)
    }
    MetaValue {
        Text(a b), Uuid(a b, s t), Date(a b, s t), Path(a b), List(a b, s t), Schedule { every e, over o },
        Throttle { period p, keys k }
    }
    MetaElement { Text(a b), Path(a b), Relation(a b, c d, s t), Claim(a b, c d, s t) }
    Detect { Query(a b), Count(a b), Steps(a b) }
    Amount { Literal(a b, s t), Param(a b) }
    Except { Inline { title t, reason r, expr e }, Named { name n, step s } }
    Verdict { Fires(a b), Silent, Excepted(a b) }
    TestInput { Events(a b), Recorded { path p, reader r } }
    EventValue { Literal(a b), Word(a b) }
    Operator {
        Exists, Is { cased c, value v }, In { cased c, values v }, Cidr(a b), Order(a b, c d),
        Text { op o, cased c, operand a }
    }
    TextOperand { One(a b), Many { all a, values v } }
}
