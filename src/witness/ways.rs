//! The ways in which a condition can hold: its disjunctive normal form, within a bound.

use super::atom::{Lit, Tree};

/// More ways than this are not looked at.
pub const MOST: usize = 2_000;

/// Literals of all ways of a condition together: longer ways are fewer.
const MOST_LITERALS: usize = 100_000;

/// Ways in which a condition can hold.
#[derive(Clone, Debug, Default)]
pub struct Ways {
    /// Each is a row of literals that together make the condition true.
    pub all: Vec<Vec<Lit>>,
    /// There are more: those that are here still take each alternative at least once, as far as [`MOST`] goes.
    pub cut: bool,
}

/// The ways in which `tree` can hold.
#[must_use]
pub fn of(tree: &Tree) -> Ways {
    match tree {
        Tree::Const(true) => Ways { all: vec![vec![]], cut: false },
        Tree::Const(false) => Ways::default(),
        Tree::Lit(lit) => Ways { all: vec![vec![*lit]], cut: false },
        Tree::Or(all) => {
            let mut out = Ways::default();
            for part in all {
                let ways = of(part);
                out.cut |= ways.cut;
                for way in ways.all {
                    if out.all.len() >= MOST {
                        out.cut = true;
                        return out;
                    }
                    if !out.all.contains(&way) {
                        out.all.push(way);
                    }
                }
            }
            out
        }
        Tree::And(all) => all.iter().fold(Ways { all: vec![vec![]], cut: false }, |ways, part| both(ways, of(part))),
    }
}

/// Each way of one with each of the other; where these are too many, each way of both at least once.
fn both(a: Ways, b: Ways) -> Ways {
    let (x, y) = (a.all.len(), b.all.len());
    let cut = a.cut || b.cut;
    let longest = |ways: &Ways| ways.all.iter().map(Vec::len).max().unwrap_or(0);
    let most = MOST.min(MOST_LITERALS / (longest(&a) + longest(&b)).max(1)).max(1);
    if x.saturating_mul(y) <= most {
        let pairs = a.all.iter().flat_map(|one| b.all.iter().filter_map(move |other| joined(one, other)));
        return Ways { all: pairs.collect(), cut };
    }
    let pairs = (0..x.max(y).min(most)).filter_map(|i| joined(a.all.get(i % x)?, b.all.get(i % y)?));
    Ways { all: pairs.collect(), cut: true }
}

/// `None`: a literal of one is denied by the other.
fn joined(a: &[Lit], b: &[Lit]) -> Option<Vec<Lit>> {
    let mut out = a.to_vec();
    for lit in b {
        if out.contains(&lit.flipped()) {
            return None;
        }
        if !out.contains(lit) {
            out.push(*lit);
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lit(atom: usize, positive: bool) -> Tree {
        Tree::Lit(Lit { atom, positive })
    }

    #[test]
    fn alternatives_are_ways_and_contradictions_are_none() {
        let tree =
            Tree::And(vec![Tree::Or(vec![lit(0, true), lit(1, true)]), Tree::Or(vec![lit(0, false), lit(2, true)])]);
        let ways = of(&tree);
        assert_eq!(ways.all.len(), 3);
        assert!(!ways.cut);
    }

    #[test]
    fn a_hostile_number_of_ways_is_cut_and_no_alternative_is_lost() {
        let or = |from: usize| Tree::Or((from..from + 40).map(|i| lit(i, true)).collect());
        let ways = of(&Tree::And(vec![or(0), or(40), or(80)]));
        assert!(ways.cut && ways.all.len() <= MOST);
        for i in 0..120 {
            assert!(ways.all.iter().flatten().any(|l| l.atom == i), "atom {i}");
        }
        let deep = Tree::Or((0..5_000).map(|i| lit(i, true)).collect());
        assert!(of(&deep).cut && of(&deep).all.len() == MOST);
    }
}
