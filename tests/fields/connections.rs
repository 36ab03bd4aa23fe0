//! A network event is a connection that was made; an attempt that failed is one for who asks `event.outcome`.

use super::{Log, check, logs, said};
use arcanary::target::{Scalar, Targets};
use arcanary::vocabulary::Kind;
use serde_json::json;

const TO: &str = "detect network where destination.port is 443";

/// What Defender calls its network events, with the outcome that is told of a connection.
const ACTIONS: [(&str, Option<&str>); 14] = [
    ("ConnectionSuccess", Some("success")),
    ("ConnectionRequest", Some("success")),
    ("ConnectionFound", Some("success")),
    ("InboundConnectionAccepted", Some("success")),
    ("ConnectionFailed", Some("failure")),
    ("ConnectionAttempt", None),
    ("ConnectionAcknowledged", None),
    ("InboundConnectionAttempt", None),
    ("ListeningConnectionCreated", None),
    ("HttpConnectionInspected", None),
    ("DnsConnectionInspected", None),
    ("SslConnectionInspected", None),
    ("IcmpConnectionInspected", None),
    ("NetworkSignatureInspected", None),
];

fn microsoft(source: usize) -> [Log; 2] {
    ["sentinel", "defender"].map(|target| Log {
        target,
        reader: Some(target),
        log: (Kind::Network, source),
        columns: json!({ "DeviceId": "d", "ReportId": 1, "RemotePort": 443 }),
    })
}

fn actions(wanted: &[&str]) -> Vec<(serde_json::Value, bool)> {
    let found = |outcome: Option<&str>| outcome.is_some_and(|word| wanted.contains(&word));
    ACTIONS.iter().map(|(action, outcome)| (json!({ "ActionType": action }), found(*outcome))).collect()
}

#[test]
fn defender_counts_connections_that_were_made() {
    for log in microsoft(0) {
        check(&log, TO, &actions(&["success"]));
        check(&log, &format!("{TO} and event.outcome is success"), &actions(&["success"]));
    }
}

#[test]
fn an_attempt_that_failed_is_found_by_who_asks_for_it() {
    for log in microsoft(1) {
        check(&log, &format!("{TO} and event.outcome is failure"), &actions(&["failure"]));
        check(&log, &format!("{TO} and event.outcome in [success, failure]"), &actions(&["success", "failure"]));
        check(&log, &format!("{TO} and not event.outcome is success"), &actions(&["failure"]));
    }
}

#[test]
fn the_direction_narrows_the_one_filter_of_the_table() {
    let outbound = format!("{TO} and network.direction is outbound");
    let rows: Vec<_> = ACTIONS
        .iter()
        .map(|(action, _)| {
            (json!({ "ActionType": action }), matches!(*action, "ConnectionSuccess" | "ConnectionRequest"))
        })
        .collect();
    let targets = Targets::built_in();
    for log in microsoft(0) {
        check(&log, &outbound, &rows);
        let text = said(&targets.all[log.target], &outbound);
        assert_eq!(text.matches("ActionType").count(), 1, "{text}");
        assert!(text.contains(r#"| where ActionType in ("ConnectionSuccess", "ConnectionRequest")"#), "{text}");
    }
}

#[test]
fn cim_leaves_blocked_connections_out() {
    let log = Log {
        target: "splunk-cim",
        reader: Some("splunk"),
        log: (Kind::Network, 0),
        columns: json!({ "src_ip": "10.0.0.1", "dest_ip": "203.0.113.9", "dest_port": 443, "dvc": "fw" }),
    };
    let rows = |failed: bool, made: bool| {
        [("allowed", made), ("blocked", failed), ("teardown", made)]
            .map(|(word, found)| (json!({ "action": word }), found))
    };
    check(&log, TO, &rows(false, true));
    check(&log, &format!("{TO} and event.outcome is failure"), &rows(true, false));
    check(&log, &format!("{TO} and event.outcome is success"), &rows(false, true));
    // A source that does not say whether it let the connection through.
    check(&log, TO, &[(json!({ "action": "unknown" }), true), (json!({}), true)]);
}

#[test]
fn sysmon_logs_what_was_made_and_nothing_else() {
    for log in logs(Kind::Network).into_iter().filter(|log| matches!(log.target, "splunk-sysmon" | "sigma")) {
        let row = [(json!({ "DestinationPort": 443 }), true)];
        check(&log, TO, &row);
        check(&log, &format!("{TO} and event.outcome is success"), &row);
        let targets = Targets::built_in();
        let plain = said(&targets.all[log.target], TO);
        assert!(!plain.contains("left out"), "{plain}");
    }
}

#[test]
fn a_denied_connection_in_ecs_is_an_attempt_that_failed() {
    let row = |kinds: &[&str]| json!({ "event": { "category": ["network"], "type": kinds }, "destination": { "ip": "203.0.113.9", "port": 443 } });
    let rows = [row(&["connection", "start"]), row(&["connection", "denied"]), row(&["end"])];
    assert_eq!(super::read_as("ecs", TO, &rows), [true, false, false]);
    assert_eq!(super::read_as("ecs", &format!("{TO} and event.outcome is failure"), &rows), [false, true, false]);
    let outcome = json!({ "event": { "category": ["network"], "outcome": "failure" }, "destination": { "ip": "203.0.113.9", "port": 443 } });
    assert_eq!(super::read_as("ecs", TO, &[outcome]), [false]);
}

/// A reader and its target tell the same rows apart.
#[test]
fn readers_know_the_action_types_of_their_tables() {
    let targets = Targets::built_in();
    for name in ["sentinel", "defender"] {
        let text =
            std::fs::read_to_string(super::oracle::project::root(&format!("targets/readers/{name}.yaml"))).unwrap();
        let reader: serde_json::Value = serde_yaml::from_str(&text).unwrap();
        let kinds = reader["kinds"].as_array().unwrap();
        let of = kinds.iter().filter(|kind| kind["of"] == name);
        let read: Vec<(String, Vec<String>)> = of
            .map(|kind| {
                let action = &kind["where"]["ActionType"];
                let all = action.as_array().cloned().unwrap_or_else(|| vec![action.clone()]);
                (
                    kind["kind"].as_str().unwrap().to_owned(),
                    all.iter().map(|a| a.as_str().unwrap().to_owned()).collect(),
                )
            })
            .collect();
        let sources = targets.all[name].sources.iter().flat_map(|(kind, all)| all.iter().map(move |s| (kind, s)));
        let asked: Vec<(String, Vec<String>)> = sources
            .map(|(kind, source)| {
                let text = |s: &Scalar| if let Scalar::Text(t) = s { t.clone() } else { panic!("{s:?}") };
                (kind.word().to_owned(), source.filter["ActionType"].iter().map(text).collect())
            })
            .collect();
        assert_eq!(read, asked, "{name}");
    }
}
