//! Scores: weighted flags, and from which sum on a rule fires.

/// The weights of some of a rule's flags, and its threshold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Score {
    /// Index of each weighted flag among the rule's flags, with its weight, 1 or more; in source order.
    pub weights: Vec<(usize, u64)>,
    /// The rule fires from this sum on; 1 or more, and at most the sum of all weights.
    pub threshold: u64,
}

impl Score {
    /// The score of an event on which these flags hold.
    #[must_use]
    pub fn of(&self, holds: impl Fn(usize) -> bool) -> u64 {
        let held = self.weights.iter().filter(|(flag, _)| holds(*flag));
        held.fold(0, |sum, (_, weight)| sum.saturating_add(*weight))
    }

    /// What is still to be reached where some flags are known to hold, or not to: the other flags and the rest of the
    /// threshold, which may be 0 by then.
    #[must_use]
    pub fn given(&self, known: impl Fn(usize) -> Option<bool>) -> Score {
        let reached = self.of(|flag| known(flag) == Some(true));
        let weights = self.weights.iter().filter(|(flag, _)| known(*flag).is_none());
        Score { weights: weights.copied().collect(), threshold: self.threshold.saturating_sub(reached) }
    }

    /// The smallest sets of flags that reach the threshold, for languages without arithmetic: the score is reached exactly
    /// where all flags of one of them hold. Flags and sets are in source order.
    ///
    /// # Errors
    /// How many sets were found when there were more than `most`.
    pub fn minimal_sets(&self, most: usize) -> Result<Vec<Vec<usize>>, usize> {
        let mut falling = self.weights.clone();
        falling.sort_by_key(|(_, weight)| std::cmp::Reverse(*weight));
        let left = sums_from_each(&falling);
        let (mut at, mut sum, mut taken, mut sets) = (0, 0_u64, vec![], vec![]);
        // Flags are taken by falling weight. The last one taken is the smallest, so a set that it completes needs each of
        // its flags, and each such set is met once.
        while sets.len() <= most {
            match (falling.get(at), left.get(at)) {
                (Some((flag, weight)), Some(left)) if sum.saturating_add(*left) >= self.threshold => {
                    if sum.saturating_add(*weight) >= self.threshold {
                        let others = taken.iter().map(|(_, flag, _)| *flag);
                        let mut set: Vec<usize> = others.chain([*flag]).collect();
                        set.sort_unstable();
                        sets.push(set);
                    } else {
                        taken.push((at, *flag, *weight));
                        sum += weight;
                    }
                    at += 1;
                }
                _ => match taken.pop() {
                    Some((position, _, weight)) => (at, sum) = (position + 1, sum - weight),
                    None => break,
                },
            }
        }
        if sets.len() > most {
            return Err(sets.len());
        }
        sets.sort();
        Ok(sets)
    }
}

/// At each position, the sum of the weights from there on.
fn sums_from_each(weights: &[(usize, u64)]) -> Vec<u64> {
    let mut sums: Vec<u64> = weights
        .iter()
        .rev()
        .scan(0_u64, |sum, (_, weight)| {
            *sum = sum.saturating_add(*weight);
            Some(*sum)
        })
        .collect();
    sums.reverse();
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(weights: &[u64], threshold: u64) -> Score {
        Score { weights: weights.iter().copied().enumerate().collect(), threshold }
    }

    #[test]
    fn one_heavy_flag_or_any_two_of_three() {
        let sets = score(&[50, 25, 25, 25], 50).minimal_sets(64);
        assert_eq!(sets, Ok(vec![vec![0], vec![1, 2], vec![1, 3], vec![2, 3]]));
        assert_eq!(score(&[40, 25, 25, 25], 50).minimal_sets(64).map(|s| s.len()), Ok(6));
    }

    #[test]
    fn too_many_sets_are_refused_with_the_number_reached() {
        assert_eq!(score(&[1; 8], 4).minimal_sets(69), Err(70));
        assert_eq!(score(&[1; 8], 4).minimal_sets(70).map(|s| s.len()), Ok(70));
        assert_eq!(score(&[1; 60], 30).minimal_sets(64), Err(65));
    }

    /// Every subset of up to eight flags, asked one by one.
    #[test]
    fn the_sets_are_those_that_trying_every_subset_finds() {
        let mut state = 7_u64;
        let mut dice = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        for _ in 0..3_000 {
            let weights: Vec<u64> = (0..1 + dice(8)).map(|_| 1 + dice(9)).collect();
            let all = score(&weights, 1 + dice(weights.iter().sum()));
            let reaches = |set: usize| all.of(|flag| set & (1 << flag) != 0) >= all.threshold;
            let minimal = |set: &usize| {
                reaches(*set) && (0..weights.len()).all(|f| *set & (1 << f) == 0 || !reaches(*set & !(1 << f)))
            };
            let subsets = (0..1_usize << weights.len()).filter(minimal);
            let mut expected: Vec<Vec<usize>> =
                subsets.map(|set| (0..weights.len()).filter(|f| set & (1 << f) != 0).collect()).collect();
            expected.sort();
            assert_eq!(all.minimal_sets(256), Ok(expected), "{all:?}");
        }
    }
}
