//! In which order things that name each other can be resolved. Nothing here recurses: a chain may be of any length.

use std::collections::{HashMap, HashSet};

/// What [`order`] finds.
pub(super) struct Order<'a> {
    /// Every name once, behind all that it names unless they form a circle.
    pub sorted: Vec<&'a str>,
    /// Circles, one for each name at which one closes.
    pub circles: Vec<Circle<'a>>,
}

/// Names of which each names the next, and the last one the first.
pub(super) struct Circle<'a> {
    /// The first few.
    pub names: Vec<&'a str>,
    /// How many more there are.
    pub more: usize,
}

/// More names of a circle are counted, not told.
const LONG_CIRCLE: usize = 8;

/// Sorts `names`; `named` gives those of them that one names.
pub(super) fn order<'a>(names: impl Iterator<Item = &'a str>, named: impl Fn(&str) -> Vec<&'a str>) -> Order<'a> {
    let mut out = Order { sorted: vec![], circles: vec![] };
    // Where a name stands on the path, or `None` once it is sorted.
    let mut seen: HashMap<&str, Option<usize>> = HashMap::new();
    let mut closed: HashSet<&str> = HashSet::new();
    for root in names {
        let mut path = vec![];
        let mut next = (!seen.contains_key(root)).then_some(root);
        loop {
            if let Some(name) = next.take() {
                seen.insert(name, Some(path.len()));
                path.push((name, named(name).into_iter()));
            }
            let Some((name, rest)) = path.last_mut() else { break };
            match rest.next().map(|n| (n, seen.get(n).copied())) {
                None => {
                    seen.insert(name, None);
                    out.sorted.push(name);
                    path.pop();
                }
                Some((_, Some(None))) => {}
                Some((n, None)) => next = Some(n),
                Some((n, Some(Some(at)))) => {
                    if closed.insert(n) {
                        let names: Vec<_> = path.iter().skip(at).take(LONG_CIRCLE).map(|(n, _)| *n).collect();
                        let more = path.len() - at - names.len();
                        out.circles.push(Circle { names, more });
                    }
                }
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::order;

    fn sorted(edges: &[(&'static str, &[&'static str])]) -> (Vec<&'static str>, Vec<Vec<&'static str>>) {
        let named = |name: &str| edges.iter().find(|e| e.0 == name).map(|e| e.1.to_vec()).unwrap_or_default();
        let order = order(edges.iter().map(|e| e.0), named);
        (order.sorted, order.circles.into_iter().map(|c| c.names).collect())
    }

    #[test]
    fn each_name_stands_behind_those_that_it_names() {
        let (sorted, circles) = sorted(&[("a", &["b", "c"]), ("b", &["c"]), ("c", &[])]);
        assert_eq!(sorted, ["c", "b", "a"]);
        assert!(circles.is_empty());
    }

    #[test]
    fn a_circle_is_told_once_wherever_it_is_entered() {
        let (sorted, circles) = sorted(&[("x", &["b"]), ("a", &["b"]), ("b", &["c"]), ("c", &["a", "b"])]);
        assert_eq!(circles, [vec!["b", "c", "a"]]);
        assert_eq!(sorted.len(), 4);
    }
}
