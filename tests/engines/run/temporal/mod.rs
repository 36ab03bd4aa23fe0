//! Rules over several events: random ones, events around their edges, and what a document returns of these against brute
//! force.

pub mod around;
pub mod events;
pub mod kusto;
pub mod rules;
pub mod splunk;

use super::super::oracle::temporal::Happened;
use std::fmt::Debug;

/// Gives each returned row an expected one of its own, out of those that it may be: events at one time cannot be told apart.
fn assigned<E: Debug, R: Debug>(may_be: &[Vec<usize>], expected: &[E], returned: &[R]) -> Result<usize, String> {
    let mut owner: Vec<Option<usize>> = vec![None; expected.len()];
    for (place, row) in returned.iter().enumerate() {
        if !assign(place, may_be, &mut owner, &mut vec![false; expected.len()]) {
            return Err(format!("it returns {row:?}\n  of {expected:?}"));
        }
    }
    match owner.iter().position(Option::is_none) {
        Some(lost) => Err(format!("it loses {:?}\n  returned {returned:?}", expected[lost])),
        None => Ok(expected.len()),
    }
}

/// Moves other rows where that makes room.
fn assign(place: usize, may_be: &[Vec<usize>], owner: &mut [Option<usize>], seen: &mut [bool]) -> bool {
    for &expected in &may_be[place] {
        if !std::mem::replace(&mut seen[expected], true)
            && owner[expected].is_none_or(|other| assign(other, may_be, owner, seen))
        {
            owner[expected] = Some(place);
            return true;
        }
    }
    false
}

#[test]
fn a_row_that_may_be_two_leaves_the_other_its_only_one() {
    assert_eq!(assigned(&[vec![0, 1], vec![0]], &["a", "b"], &["x", "y"]), Ok(2));
    assert!(assigned(&[vec![0], vec![0]], &["a", "b"], &["x", "y"]).is_err_and(|e| e.starts_with("it returns \"y\"")));
    assert!(assigned(&[vec![1]], &["a", "b"], &["x"]).is_err_and(|e| e.starts_with("it loses \"a\"")));
}

/// A set of events for a report, a line each, with their times from the first one on.
fn listing(set: &[Happened]) -> String {
    let start = set.iter().map(|h| h.time).min().unwrap_or(0);
    let line =
        |(i, h): (usize, &Happened)| format!("  {i}: +{:.6}s {}", (h.time - start) as f64 / 1e6, h.event.written());
    set.iter().enumerate().map(line).collect::<Vec<_>>().join("\n")
}
