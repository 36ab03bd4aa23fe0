//! Windows and groups of correlations.

use super::{Group, grouped, timespan};
use crate::ir::Window;
use crate::source::Span;

#[test]
fn windows_stand_in_the_largest_unit_that_is_whole() {
    let text = |seconds: i64| timespan(Window { micros: seconds * 1_000_000, span: Span::default() });
    for (seconds, expected) in [(1, "1s"), (90, "90s"), (120, "2m"), (3600, "1h"), (5400, "90m"), (172_800, "2d")] {
        assert_eq!(text(seconds).as_deref(), Ok(expected));
    }
    assert!(timespan(Window { micros: 1_500_000, span: Span::default() }).is_err());
}

#[test]
fn a_key_is_grouped_by_once_and_aliases_have_names_of_their_own() {
    let mut groups: Vec<Group> = vec![];
    for columns in [["A", "A"], ["B", "C"], ["A", "A"], ["C", "B"]] {
        grouped(&mut groups, "process", columns.map(str::to_owned).to_vec());
    }
    let called: Vec<&str> = groups.iter().map(Group::called).collect();
    assert_eq!(called, ["A", "process_2", "process_3"]);
}
