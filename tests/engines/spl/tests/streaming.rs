//! What statistics and order answer.

use super::running::{answer, run, undocumented};
use crate::spl::Kind;
use serde_json::json;

#[test]
fn sort_takes_numbers_as_numbers_and_puts_missing_ones_last() {
    let given = json!([{"a": "10"}, {"b": 1}, {"a": 9}, {"a": "-1"}]);
    assert_eq!(answer("* | sort 0 a", given.clone()), json!([{"a": "-1"}, {"a": 9}, {"a": "10"}, {"b": 1}]));
    assert_eq!(answer("* | sort 0 - a", given), json!([{"a": "10"}, {"a": 9}, {"a": "-1"}, {"b": 1}]));
    let text = json!([{"a": "b"}, {"a": "B"}, {"a": "a"}]);
    assert_eq!(answer("* | sort 0 a", text), json!([{"a": "B"}, {"a": "a"}, {"a": "b"}]));
    let ips = json!([{"a": "10.0.0.2"}, {"a": "9.0.0.1"}]);
    assert_eq!(answer("* | sort 0 a", ips), json!([{"a": "9.0.0.1"}, {"a": "10.0.0.2"}]));
}

#[test]
fn sort_is_stable_and_goes_by_keys_in_turn() {
    let given =
        json!([{"t": 1, "s": 2, "n": 1}, {"t": 1, "s": 1, "n": 2}, {"t": 1, "s": 2, "n": 3}, {"t": 0, "s": 9, "n": 4}]);
    let order = answer("* | sort 0 t, s | table n", given.clone());
    assert_eq!(order, json!([{"n": 4}, {"n": 2}, {"n": 1}, {"n": 3}]));
    assert_eq!(answer("* | sort 0 -t, +s | table n", given), json!([{"n": 2}, {"n": 1}, {"n": 3}, {"n": 4}]));
}

#[test]
fn an_order_that_is_documented_both_ways_is_an_error() {
    undocumented("* | sort 0 a", json!([{"a": "9.1.a"}, {"a": "10.1.a"}]));
    undocumented("* | sort 0 a", json!([{"a": "9"}, {"a": "x"}]));
    undocumented("* | sort 0 num(a)", json!([{"a": "x"}]));
    assert_eq!(answer("* | sort 0 str(a)", json!([{"a": "9"}, {"a": "10"}])), json!([{"a": "10"}, {"a": "9"}]));
}

#[test]
fn stats_leaves_rows_without_a_by_field_out() {
    let given = json!([{"h": "a", "x": 3}, {"h": "b", "x": "10"}, {"h": "a", "x": 9}, {"x": 1}, {"h": "a"}]);
    let found =
        answer("* | stats count, count(x) AS n, min(x), max(x) AS top, sum(x) AS s, dc(x) AS d BY h", given.clone());
    assert_eq!(
        found,
        json!([
            {"h": "a", "count": 3, "n": 2, "min(x)": 3, "top": 9, "s": 12, "d": 2},
            {"h": "b", "count": 1, "n": 1, "min(x)": 10, "top": 10, "s": 10, "d": 1},
        ])
    );
    assert_eq!(answer("* | stats count, avg(x) AS m", given.clone()), json!([{"count": 5, "m": 5.75}]));
    assert_eq!(answer("* | stats count(eval(x>3)) AS n", given), json!([{"n": 2}]));
    assert_eq!(answer("* | stats count", json!([])), json!([{"count": 0}]));
}

#[test]
fn stats_collects_values() {
    let given = json!([{"x": "b", "_time": 2}, {"x": "a", "_time": 1}, {"x": "c", "_time": 3}, {"y": 1, "_time": 9}]);
    let found = answer(
        "* | stats values(x) AS v, list(x) AS l, first(x) AS f, last(x) AS z, earliest(x) AS e, min(x) AS m",
        given,
    );
    assert_eq!(found, json!([{"v": ["a", "b", "c"], "l": ["b", "a", "c"], "f": "b", "z": "c", "e": "a", "m": "a"}]));
    undocumented("* | stats min(x)", json!([{"x": 1}, {"x": "a"}]));
}

#[test]
fn streamstats_carries_the_latest_value_that_is_not_null() {
    let given = json!([{"h": "a", "t": 1}, {"h": "b"}, {"h": "a"}, {"h": "a", "t": 5}, {"h": "b", "t": 7}]);
    let found = answer("* | streamstats last(t) AS t, count AS n BY h", given);
    assert_eq!(
        found,
        json!([{"h": "a", "t": 1, "n": 1}, {"h": "b", "n": 1}, {"h": "a", "t": 1, "n": 2}, {"h": "a", "t": 5, "n": 3}, {"h": "b", "t": 7, "n": 2}])
    );
}

#[test]
fn streamstats_without_the_current_row_sees_the_ones_before() {
    let found = answer(
        "* | streamstats current=f last(_time) AS p BY h | table p",
        json!([{"h": 1, "_time": 1}, {"h": 2, "_time": 2}, {"h": 1, "_time": 3}]),
    );
    assert_eq!(found, json!([{}, {}, {"p": 1}]));
}

#[test]
fn a_window_is_of_the_group_only_if_global_is_off() {
    let given = json!([{"h": 1, "t": 1}, {"h": 2, "t": 2}, {"h": 1, "t": 3}, {"h": 1, "t": 4}]);
    let own = answer("* | streamstats window=2 global=f min(t) AS m, count AS n BY h | table m n", given.clone());
    assert_eq!(own, json!([{"m": 1, "n": 1}, {"m": 2, "n": 1}, {"m": 1, "n": 2}, {"m": 3, "n": 2}]));
    let one = answer("* | streamstats window=2 min(t) AS m, count AS n BY h | table m n", given);
    assert_eq!(one, json!([{"m": 1, "n": 1}, {"m": 2, "n": 1}, {"m": 3, "n": 1}, {"m": 3, "n": 2}]));
}

#[test]
fn streamstats_and_eventstats_need_their_by_fields() {
    undocumented("* | streamstats count BY h", json!([{"x": 1}]));
    undocumented("* | eventstats count BY h", json!([{"x": 1}]));
    undocumented("* | streamstats time_window=5m count", json!([{"_time": 1}]));
    undocumented("* | streamstats current=f last(x) AS x", json!([{"x": 1}]));
    assert_eq!(
        answer("* | eventstats max(x) AS m BY h", json!([{"h": 1, "x": 1}, {"h": 1, "x": 2}])),
        json!([{"h": 1, "x": 1, "m": 2}, {"h": 1, "x": 2, "m": 2}])
    );
}

#[test]
fn tstats_filters_groups_and_drops_events_without_a_by_field() {
    let given = json!([
        {"_time": 1.5, "Processes.process_name": "RAR.exe", "Processes.dest": "a", "Processes.user": "u"},
        {"_time": 3, "Processes.process_name": "rar.exe", "Processes.dest": "a", "Processes.user": "v"},
        {"_time": 4, "Processes.process_name": "rar.exe", "Processes.user": "v"},
        {"_time": 5, "Processes.process_name": "7z.exe", "Processes.dest": "a"},
        {"_time": 6, "Filesystem.dest": "a"},
    ]);
    let query = "| tstats count min(_time) AS first max(_time) AS last values(Processes.user) AS users
        from datamodel=Endpoint.Processes where Processes.process_name=\"rar.*\" by Processes.dest | rename Processes.* AS *";
    assert_eq!(
        answer(query, given.clone()),
        json!([{"dest": "a", "count": 2, "first": 1.5, "last": 3, "users": ["u", "v"]}])
    );
    assert_eq!(answer("| tstats count from datamodel=Endpoint.Processes", given.clone()), json!([{"count": 4}]));
    let filled = "| tstats fillnull_value=\"-\" count from datamodel=Endpoint.Processes where Processes.user=v by Processes.dest";
    assert_eq!(
        answer(filled, given.clone()),
        json!([{"Processes.dest": "-", "count": 1}, {"Processes.dest": "a", "count": 1}])
    );
    let spanned = "| tstats count min(_time) AS m from datamodel=Endpoint.Processes where Processes.dest=a by _time span=2s Processes.dest";
    assert_eq!(
        answer(spanned, given),
        json!([
            {"Processes.dest": "a", "count": 1, "m": 1.5, "_time": 0},
            {"Processes.dest": "a", "count": 1, "m": 3, "_time": 2},
            {"Processes.dest": "a", "count": 1, "m": 5, "_time": 4},
        ])
    );
}

#[test]
fn several_data_models_come_together_with_open_statistics_that_stats_ends() {
    let given = json!([
        {"Processes.dest": "a", "_time": 1.5}, {"Processes.dest": "a", "_time": 1.9}, {"Files.dest": "a", "_time": 1.7},
    ]);
    let models = "| tstats prestats=t count min(_time) max(_time) from datamodel=Endpoint.Processes by _time span=1s Processes.dest
        | tstats prestats=t append=t count min(_time) max(_time) from datamodel=Endpoint.Files by _time span=1s Files.dest";
    let named = "| eval set=if(isnotnull('Files.dest'), \"f\", \"p\"), dest=coalesce('Processes.dest', 'Files.dest')";
    let ends = "| stats count min(_time) AS a max(_time) AS b BY _time, set, dest";
    assert_eq!(
        answer(&format!("{models} {named} {ends} | table _time, set, dest, count, a, b"), given.clone()),
        json!([
            {"_time": 1, "set": "f", "dest": "a", "count": 1, "a": 1.7, "b": 1.7},
            {"_time": 1, "set": "p", "dest": "a", "count": 2, "a": 1.5, "b": 1.9},
        ])
    );
    undocumented(&format!("{models} {named}"), given.clone());
    undocumented(&format!("{models} {named} | where set==\"p\" {ends}"), given.clone());
    undocumented(&format!("{models} {named} | stats count BY _time, set, dest"), given.clone());
    let other = "| tstats prestats=t dc(Processes.dest) from datamodel=Endpoint.Processes | stats dc(Processes.dest)";
    assert_eq!(run(other, given).map_err(|error| error.kind), Err(Kind::Unsupported));
}

#[test]
fn bin_goes_down_to_a_multiple() {
    assert_eq!(answer("* | bin _time span=5m AS b | table b", json!([{"_time": 601}])), json!([{"b": 600}]));
}

/// The shape for two steps of one process: fires at W, not a millisecond later, and not for another process.
#[test]
fn the_sequence_shape_fires_at_the_edge_of_its_window() {
    let query = r#"Computer=* | eval step=case(EventCode==1, 1, EventCode==11, 2) | where isnotnull(step) AND isnotnull(Computer)
        | fillnull value="" ProcessGuid | sort 0 _time, step
        | eval archiving_time=if(step==1, _time, null()), cmd=if(step==1, coalesce(CommandLine, ""), null())
        | streamstats last(archiving_time) AS archiving_time, last(cmd) AS cmd BY Computer, ProcessGuid
        | where step==2 AND ProcessGuid!="" AND round(_time - archiving_time, 6) <= 900
        | table _time, cmd"#;
    let start = json!({"_time": 1000.1, "EventCode": 1, "Computer": "h", "ProcessGuid": "p", "CommandLine": "7z a"});
    let end =
        |time: f64, process: &str| json!({"_time": time, "EventCode": 11, "Computer": "h", "ProcessGuid": process});
    let given = json!([start, end(1900.1, "p"), end(1900.101, "p"), end(1500.0, "q"), {"_time": 1500, "EventCode": 11, "Computer": "h"}]);
    assert_eq!(answer(query, given), json!([{"_time": 1900.1, "cmd": "7z a"}]));
}
