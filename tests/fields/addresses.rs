//! An address of IPv4 that a log writes as one of IPv6 is the address of IPv4.

use super::{check, logs, said};
use arcanary::target::Targets;
use arcanary::vocabulary::Kind;
use serde_json::json;

/// The column of the destination's address in each log.
fn column(target: &str) -> &'static str {
    if matches!(target, "sentinel" | "defender") { "RemoteIP" } else { "DestinationIp" }
}

fn check_all(entries: &str, addresses: &[(&str, bool)]) {
    for log in logs(Kind::Network) {
        let rows: Vec<_> = addresses.iter().map(|(a, found)| (json!({ column(log.target): a }), *found)).collect();
        check(&log, entries, &rows);
    }
}

#[test]
fn a_mapped_address_is_in_the_network_of_its_ipv4_address() {
    let addresses = [
        ("10.1.2.3", true),
        ("::ffff:10.1.2.3", true),
        ("::ffff:11.1.2.3", false),
        ("11.1.2.3", false),
        ("fe80::1", false),
        ("::ffff:172.31.0.9", true),
        ("::ffff:172.32.0.9", false),
    ];
    let all = "['10.0.0.0/8', '172.16.0.0/12']";
    check_all(&format!("detect network where destination.ip in cidr {all}"), &addresses);
    let others = addresses.map(|(address, found)| (address, !found));
    check_all(&format!("detect network where destination.ip exists and not destination.ip in cidr {all}"), &others);
}

#[test]
fn a_mapped_address_is_the_ipv4_address_and_no_other() {
    let addresses = [("10.1.2.3", true), ("::ffff:10.1.2.3", true), ("::ffff:10.1.2.4", false), ("10.1.2.30", false)];
    for written in ["10.1.2.3", "::ffff:10.1.2.3", "::ffff:a01:203"] {
        check_all(&format!("detect network where destination.ip is '{written}'"), &addresses);
        check_all(
            &format!("detect network where destination.ip exists and not destination.ip in ['{written}', '::5']"),
            &addresses.map(|(address, found)| (address, !found)),
        );
    }
}

#[test]
fn a_network_around_mapped_addresses_holds_those_of_ipv6_only() {
    let addresses = [("::1", true), ("::ffff:10.1.2.3", false), ("fe80::1", false)];
    for log in logs(Kind::Network).into_iter().filter(|log| log.target != "sigma") {
        let rows: Vec<_> = addresses.iter().map(|(a, found)| (json!({ column(log.target): a }), *found)).collect();
        check(&log, "detect network where destination.ip in cidr ['::/16']", &rows);
    }
}

#[test]
fn two_addresses_are_equal_in_either_form() {
    for log in logs(Kind::Network).into_iter().filter(|log| log.target != "sigma") {
        let own = if log.target == "splunk-sysmon" { "SourceIp" } else { "LocalIP" };
        let row = |a: &str, b: &str| json!({ own: a, column(log.target): b });
        let rows = [
            (row("10.1.2.3", "10.1.2.3"), true),
            (row("::ffff:10.1.2.3", "10.1.2.3"), true),
            (row("10.1.2.3", "::ffff:10.1.2.4"), false),
        ];
        check(&log, "detect network where source.ip is destination.ip", &rows);
    }
    let targets = Targets::built_in();
    let sigma = said(&targets.all["sigma"], "detect network where source.ip is destination.ip");
    assert!(sigma.contains("# Note: Addresses are compared as they are written"), "{sigma}");
}

#[test]
fn a_network_that_is_written_in_ipv6_is_the_one_of_ipv4() {
    let targets = Targets::built_in();
    let of = |network: &str| {
        said(&targets.all["sentinel"], &format!("detect network where destination.ip in cidr ['{network}']"))
    };
    assert_eq!(of("::ffff:10.0.0.0/104"), of("10.0.0.0/8"));
    assert!(of("10.0.0.0/8").contains(r#"ipv4_is_in_range(replace_string(RemoteIP, "::ffff:", ""), "10.0.0.0/8")"#));
}

#[test]
fn a_wide_network_names_the_beginnings_of_mapped_addresses_in_sigma() {
    let targets = Targets::built_in();
    let of = |network: &str| {
        said(&targets.all["sigma"], &format!("detect network where destination.ip in cidr ['{network}']"))
    };
    let wide = of("100.0.0.0/9");
    assert!(wide.contains("DestinationIp|cidr: '100.0.0.0/9'") && wide.contains("- '::ffff:100.127.'"), "{wide}");
    let all = of("0.0.0.0/0");
    assert!(all.contains("DestinationIp|cidr: '0.0.0.0/0'") && all.contains("startswith: '::ffff:'"), "{all}");
}
