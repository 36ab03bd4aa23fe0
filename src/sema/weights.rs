//! Weights and thresholds: whether a score can decide, and whether each weighted flag can make the difference.

use super::{Report, Rule};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;
use crate::syntax::ast;
use std::collections::BTreeSet;

/// Checks that weights and a threshold come together, in a rule about one event, and fit.
pub(super) fn check(rule: &Rule, report: &mut Report) {
    let weights: Vec<_> = rule.flags().iter().filter_map(|f| f.weight).collect();
    match (rule.threshold, weights.first()) {
        (Some((_, span)), None) => report.push(
            Diagnostic::new(Code::BadWeights, "a threshold without weights")
                .at(span, "no flag of this rule has a `weight`"),
        ),
        (None, Some((_, span))) => report.push(
            Diagnostic::new(Code::BadWeights, "weights without a threshold")
                .at(*span, "from which score does the rule fire?")
                .help("add `threshold …`"),
        ),
        (Some((_, span)), Some(_)) if rule.over_several_events().is_some() => report.push(
            Diagnostic::new(Code::BadWeights, "weights belong to rules about one event")
                .at(span, "this rule looks at several")
                .also(rule.detect_span, "here"),
        ),
        (Some(threshold), Some(_)) => check_threshold(rule, threshold, report),
        (None, None) => {}
    }
}

/// Checks a threshold against the rule's weights.
pub(super) fn check_threshold(rule: &Rule, (threshold, span): (u64, Span), report: &mut Report) {
    let weights: Vec<(u64, &ast::Flag)> = rule.flags().iter().filter_map(|f| f.weight.map(|w| (w.0, f))).collect();
    for (weight, flag) in &weights {
        if *weight == 0 {
            report.push(
                Diagnostic::new(Code::BadWeights, "a weight of 0")
                    .at(flag.weight.map_or(span, |w| w.1), "weights are 1 or more"),
            );
        }
    }
    let sum: u64 = weights.iter().map(|(w, _)| w).fold(0, |a, b| a.saturating_add(*b));
    if sum > MOST_SUM {
        report.push(
            Diagnostic::new(Code::BadWeights, "weights too large to be added on every target")
                .at(span, format!("all weights together are more than {MOST_SUM}")),
        );
    }
    if threshold == 0 {
        report.push(Diagnostic::new(Code::BadWeights, "a threshold of 0").at(span, "thresholds are 1 or more"));
    } else if threshold > sum {
        report.push(
            Diagnostic::new(Code::BadWeights, format!("rule `{}` never reaches its threshold", rule.name))
                .at(span, format!("all weights together are {sum}")),
        );
    } else {
        for (i, (weight, flag)) in weights.iter().enumerate().take(MOST_WEIGHTS) {
            if *weight > 0 && !ever_needed(&weights, i, threshold) {
                report.push(
                    Diagnostic::new(Code::BadWeights, format!("`{}` never makes a difference", flag.name.text))
                        .at(flag.weight.map_or(span, |w| w.1), "it never changes whether the rule fires"),
                );
            }
        }
    }
}

/// Whole numbers end here where numbers are doubles, as in Splunk.
const MOST_SUM: u64 = 1 << 53;
/// Flags that are looked at, and sums that are kept while looking at one: what is left out is taken to matter.
const MOST_WEIGHTS: usize = 64;
const MOST_SUMS: usize = 2048;

/// A flag is in some minimal set if some sum of the others lies below the threshold and within its weight of it.
fn ever_needed(weights: &[(u64, &ast::Flag)], index: usize, threshold: u64) -> bool {
    let own = weights.get(index).map_or(0, |w| w.0);
    let decides = |sum: &u64| sum.saturating_add(own) >= threshold;
    let mut sums = BTreeSet::from([0_u64]);
    for (i, (weight, _)) in weights.iter().enumerate() {
        if i != index {
            let more: Vec<u64> = sums.iter().map(|s| s.saturating_add(*weight)).filter(|s| *s < threshold).collect();
            sums.extend(more);
        }
        if sums.len() > MOST_SUMS || sums.last().is_some_and(decides) {
            return true;
        }
    }
    sums.iter().any(decides)
}
