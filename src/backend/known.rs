//! What is known of a row already, and so is not asked again.

use crate::target::Bound;

/// A condition where some others hold: what they decide is put in.
pub fn given(bound: &Bound, facts: &[&Bound]) -> Bound {
    if let Some(value) = facts.iter().find_map(|fact| decided(bound, fact)) {
        return Bound::Const(value);
    }
    let each = |all: &[Bound]| all.iter().map(|b| given(b, facts)).collect();
    match bound {
        Bound::Not(inner) => given(inner, facts).not(),
        Bound::And(all) => Bound::and(each(all)),
        Bound::Or(all) => Bound::or(each(all)),
        Bound::Const(_) | Bound::Test(_) => bound.clone(),
    }
}

/// What a fact says of a condition.
fn decided(bound: &Bound, fact: &Bound) -> Option<bool> {
    if fact.same(bound) {
        return Some(true);
    }
    match (fact, bound) {
        (Bound::Not(fact), _) if fact.same(bound) => Some(false),
        // More alternatives hold wherever fewer do.
        (Bound::Or(some), Bound::Or(all)) => {
            let among = |b: &Bound| all.iter().any(|a| a.same(b));
            some.iter().all(among).then_some(true)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::given;
    use crate::ir::{Matcher, Text};
    use crate::source::Span;
    use crate::target::{Bound, BoundOp, BoundTest, Column};
    use crate::vocabulary::Type;

    fn is(column: &str) -> Bound {
        let text = Text { matcher: Matcher::Exact(vec!["x".to_owned()]), all: false, cased: false };
        let column = Column::whole(column, Type::String);
        Bound::Test(BoundTest { column, op: BoundOp::Text(text), span: Span::default() })
    }

    #[test]
    fn a_fact_decides_what_repeats_it_and_nothing_else() {
        let both = Bound::or(vec![is("a"), is("b")]);
        let asked = Bound::and(vec![both.clone(), is("c")]);
        assert_eq!(given(&asked, &[&both]), is("c"));
        assert_eq!(given(&asked.clone().not(), &[&both]), is("c").not());
        assert_eq!(given(&Bound::or(vec![is("a"), is("d"), is("b")]), &[&both]), Bound::Const(true));
        assert_eq!(given(&is("a"), &[&both]), is("a"));
        assert_eq!(given(&Bound::or(vec![is("a"), is("d")]), &[&both]), Bound::or(vec![is("a"), is("d")]));
        assert_eq!(given(&is("a"), &[&is("a").not()]), Bound::Const(false));
    }
}
