//! The hash field of Splunk's data models holds `SHA256=…` among others, or a hash alone.

use super::{Log, check};
use arcanary::vocabulary::Kind;
use serde_json::json;

const SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const MD5: &str = "d41d8cd98f00b204e9800998ecf8427e";

fn logs() -> [(Log, &'static str, &'static str); 2] {
    let log = |kind, columns| Log { target: "splunk-cim", reader: Some("splunk"), log: (kind, 0), columns };
    [
        (
            log(Kind::Process, json!({ "process": "a b", "process_name": "a.exe", "dest": "h" })),
            "process",
            "process_hash",
        ),
        (
            log(Kind::File, json!({ "file_path": r"C:\a", "file_name": "a", "action": "created", "dest": "h" })),
            "file",
            "file_hash",
        ),
    ]
}

#[test]
fn both_forms_are_found_and_neither_passes_a_negation() {
    for (log, kind, column) in logs() {
        let rows = [
            (format!("SHA256={SHA256}"), true),
            (format!("MD5={MD5},SHA256={SHA256},IMPHASH={MD5}"), true),
            (SHA256.to_owned(), true),
            (SHA256.to_uppercase(), true),
            (format!("SHA256={}", SHA256.replace('e', "a")), false),
            (SHA256.replace('e', "a"), false),
            (MD5.to_owned(), false),
            (format!("MD5={MD5}"), false),
        ];
        let of = |denied: bool| rows.clone().map(|(hash, found)| (json!({ column: hash }), found != denied));
        check(&log, &format!("detect {kind} where {kind}.hash.sha256 is '{SHA256}'"), &of(false));
        check(&log, &format!("detect {kind} where not {kind}.hash.sha256 is '{SHA256}'"), &of(true));
        let two = format!("in ['{SHA256}', '{}']", "0".repeat(64));
        check(&log, &format!("detect {kind} where {kind}.hash.sha256 {two}"), &of(false));
    }
}

#[test]
fn a_hash_alone_is_the_one_that_its_length_says() {
    for (log, kind, column) in logs() {
        let row = |hash: &str, found: bool| (json!({ column: hash }), found);
        let md5 = [row(MD5, true), row(&format!("IMPHASH={MD5}"), false), row(SHA256, false)];
        check(&log, &format!("detect {kind} where {kind}.hash.md5 is '{MD5}'"), &md5);
        let there = [row(MD5, false), row(SHA256, true), row(&format!("SHA256={SHA256}"), true), row("unknown", false)];
        check(&log, &format!("detect {kind} where {kind}.hash.sha256 exists"), &there);
    }
}
