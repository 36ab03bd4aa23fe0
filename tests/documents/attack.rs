//! Techniques and tactics in documents: each platform's names, what a rule claims, and a project's own release of ATT&CK.

use crate::{all, common, data, written};
use arcanary::attack::Release;
use arcanary::build::{Built, build};
use arcanary::project::load;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A rule with this `attack`.
fn rule(attack: &str) -> String {
    format!(
        "rule r {{\n  title \"A Rule\" id 00000000-0000-4000-8000-000000000001 level low os [windows] attack {attack}\n  \
         detect process where process.name is \"a.exe\"\n}}"
    )
}

/// Builds a rule with this `attack` on every target, in a project with these files.
fn built(attack: &str, files: &[(&str, &str)]) -> Built {
    let place = tempfile::tempdir().expect("a folder");
    let rule = rule(attack);
    let mut all = vec![("arcanary.yaml", "name: p\nversion: 1.2.3\n"), ("rules/r.det", rule.as_str())];
    all.extend(files);
    let loaded = written(place.path(), &all);
    let built = build(&loaded, &loaded.own_targets());
    assert_eq!(built.diagnostics.iter().map(|d| &d.message).collect::<Vec<_>>(), Vec::<&String>::new());
    built
}

fn read(built: &Built, path: &str) -> Value {
    serde_yaml::from_str(&built.files[path]).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn arm(built: &Built, target: &str) -> Value {
    read(built, &format!("{target}/arm/r.json"))["resources"][0].clone()
}

/// What SigmaHQ's maintainers tag, read from their repository and not from our table.
fn sigmahq() -> BTreeMap<String, BTreeSet<String>> {
    serde_json::from_value(data("sigmahq-technique-tactics.json")["techniques"].clone()).expect("tactics by technique")
}

#[test]
fn the_built_in_table_has_the_tactics_that_sigmahq_tags() {
    let table = Release::default();
    let known = sigmahq();
    assert_eq!(known.len(), 400);
    for (id, tactics) in known {
        let ours = table.technique(&id).map(|t| t.tactics.iter().cloned().collect::<BTreeSet<_>>());
        assert_eq!(ours, Some(tactics), "{id}");
    }
}

#[test]
fn sigma_rules_are_tagged_with_all_tactics_of_their_techniques_and_no_others() {
    let known = sigmahq();
    let is_technique = |tag: &&str| tag.starts_with('t') && tag.chars().nth(1).is_some_and(|c| c.is_ascii_digit());
    let mut checked = 0;
    for (_, built) in all() {
        for (path, text) in built.files.iter().filter(|(path, _)| path.starts_with("sigma/")) {
            for document in serde_yaml::Deserializer::from_str(text) {
                let document: Value =
                    serde::Deserialize::deserialize(document).unwrap_or_else(|e| panic!("{path}: {e}"));
                let tags = document["tags"].as_array().into_iter().flatten().filter_map(Value::as_str);
                let tags: Vec<&str> = tags.filter_map(|tag| tag.strip_prefix("attack.")).collect();
                let (techniques, tactics): (Vec<&str>, Vec<&str>) = tags.into_iter().partition(is_technique);
                let Some(wanted) = techniques.iter().map(|t| known.get(&t.to_uppercase())).collect::<Option<Vec<_>>>()
                else {
                    continue;
                };
                let wanted: BTreeSet<&str> = wanted.into_iter().flatten().map(String::as_str).collect();
                assert_eq!(tactics.into_iter().collect::<BTreeSet<_>>(), wanted, "{path}");
                checked += 1;
            }
        }
    }
    assert!(checked > 40, "{checked} documents: the pack is not there");
}

/// Sigma's validators want all tactics of a technique; the other platforms show what the rule claims.
#[test]
fn a_claimed_tactic_is_the_only_one_on_sentinel_and_defender() {
    let built = built("[T1574.001 as [execution], T1685, T1070.004, T1560.001]", &[]);
    for target in ["sentinel", "sentinel-securityevent"] {
        let said = read(&built, &format!("{target}/analytics-rules/r.yaml"));
        assert_eq!(said["tactics"], json!(["Execution", "DefenseEvasion", "Collection"]), "{target}");
        assert_eq!(said["relevantTechniques"], json!(["T1574", "T1685", "T1070", "T1560"]), "{target}");
        assert_eq!(arm(&built, target)["properties"]["tactics"], said["tactics"], "{target}");
    }
    let tactics = &read(&built, "defender/detection-rules/r.json")["detectionAction"]["alertTemplate"]["tactics"];
    let technique = |id: &str, subs: &[&str]| json!({ "technique": id, "subTechniques": subs });
    let both = [technique("T1685", &[]), technique("T1070", &["T1070.004"])];
    assert_eq!(
        *tactics,
        json!([
            { "tactic": "Execution", "techniques": [technique("T1574", &["T1574.001"])] },
            { "tactic": "DefenseEvasion", "techniques": both },
            { "tactic": "Collection", "techniques": [technique("T1560", &["T1560.001"])] },
        ])
    );
    let sigma = built.files.iter().find(|(path, _)| path.starts_with("sigma/")).map(|(_, text)| text.as_str());
    let tags = "    - attack.execution\n    - attack.stealth\n    - attack.defense-impairment\n    - attack.collection\n    - attack.t1574.001\n";
    assert!(sigma.is_some_and(|text| text.contains(tags)), "{sigma:?}");
}

#[test]
fn strategies_and_analytics_stand_for_their_technique() {
    let one = built("[T1560]", &[]);
    assert_eq!(built("[AN1458, DET0526]", &[]).files, one.files);
    assert_eq!(read(&one, "sentinel/analytics-rules/r.yaml")["tactics"], json!(["Collection"]));
}

/// Every tactic of the release has a name that Sentinel's validators know.
#[test]
fn sentinel_knows_every_tactic() {
    let known: BTreeSet<String> =
        serde_json::from_value(data("sentinel-template-constraints.json")["tactics"].clone()).expect("tactics");
    let mut seen = 0;
    for technique in [
        "T1595", "T1583", "T1566", "T1059", "T1098", "T1068", "T1027", "T1685", "T1003", "T1082", "T1021", "T1005",
        "T1071", "T1041", "T1486",
    ] {
        let built = built(&format!("[{technique}]"), &[]);
        for target in ["sentinel", "sentinel-securityevent"] {
            let tactics: BTreeSet<String> =
                serde_json::from_value(arm(&built, target)["properties"]["tactics"].clone()).expect("tactics");
            assert!(!tactics.is_empty() && tactics.is_subset(&known), "{target}, {technique}: {tactics:?}");
        }
        seen += 1;
    }
    assert_eq!(seen, Release::default().tactics().len());
}

#[test]
fn sub_techniques_need_the_preview_of_sentinels_api() {
    let attack = "[T1560.001, T1574.001 as [stealth], T1005]";
    let stable = arm(&built(attack, &[]), "sentinel");
    assert_eq!(stable["apiVersion"], "2025-09-01");
    assert!(stable["properties"]["subTechniques"].is_null());
    let target = "name: sentinel\nextends: sentinel\nalert: { sub_techniques: true }\n";
    let mut preview = arm(&built(attack, &[("targets/sentinel.yaml", target)]), "sentinel");
    assert_eq!(preview["apiVersion"], "2025-07-01-preview");
    assert_eq!(preview["properties"]["subTechniques"], json!(["T1560.001", "T1574.001"]));
    // Everything else stays as the schema of the stable version asks.
    preview["apiVersion"] = stable["apiVersion"].clone();
    preview["properties"].as_object_mut().unwrap().remove("subTechniques");
    assert_eq!(preview, stable);
}

const TABLE: &str = "# ATT&CK Enterprise 99.0, ours\nTA0009\tCollection\tcollection\nTA0113\tTrickery\ttrickery\n\
                     T1560\tArchive Collected Data\tcollection trickery\nT1001\tOld\t\tT1560\n";

#[test]
fn a_project_names_its_own_table() {
    let config = ("arcanary.yaml", "name: p\nversion: 1.2.3\nattack: data/attack.tsv\ntargets: [sigma]\n");
    let built = built("[T1560]", &[config, ("data/attack.tsv", TABLE)]);
    let sigma = built.files.iter().find(|(path, _)| path.starts_with("sigma/")).map(|(_, text)| text.as_str());
    assert!(sigma.is_some_and(|text| text.contains("attack.collection\n    - attack.trickery\n")), "{sigma:?}");
    assert_eq!(read(&built, "navigator/layer.json")["versions"]["attack"], "99");
}

/// A tactic that Sentinel does not have is an error with the cure, and the target's file has the place for it.
#[test]
fn a_new_tactic_needs_a_word_of_sentinels() {
    let place = tempfile::tempdir().expect("a folder");
    let config = ("arcanary.yaml", "name: p\nversion: 1.2.3\nattack: attack.tsv\ntargets: [sentinel]\n");
    let rule = rule("[T1560]");
    let files = [config, ("attack.tsv", TABLE), ("rules/r.det", rule.as_str())];
    let found = |files: &[(&str, &str)]| -> Vec<(String, String)> {
        let loaded = written(place.path(), files);
        let built = build(&loaded, &["sentinel".to_owned()]);
        built.diagnostics.iter().map(|d| (d.labels[0].text.clone(), d.help[0].text.clone())).collect()
    };
    let [(why, cure)] = found(&files).try_into().expect("one finding");
    assert!(why.contains("`Trickery` is no tactic of Sentinel's") && cure.contains("alert: tactics"), "{why}, {cure}");
    let target = "name: sentinel\nextends: sentinel\nalert: { tactics: { trickery: DefenseEvasion } }\n";
    assert_eq!(found(&[("targets/sentinel.yaml", target)]), vec![]);
}

fn findings(folder: &Path) -> Vec<String> {
    load(&[], folder).diagnostics.iter().map(|d| format!("{} {}", d.code.id(), d.message)).collect()
}

#[test]
fn a_table_that_is_none_is_an_error_at_its_line() {
    let place = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| std::fs::write(place.path().join(name), text).expect("a file");
    write("r.det", &rule("[T1560]"));
    for (table, line, why) in [
        ("", 1, "the first line names the release, as in `# ATT&CK Enterprise 19.1`"),
        ("# ATT&CK Enterprise 99.0\nT1560\tX\tcollection\n", 2, "no line before this one has the tactic `collection`"),
    ] {
        write("arcanary.yaml", "attack: attack.tsv\n");
        write("attack.tsv", table);
        let loaded = load(&[], place.path());
        let found = loaded.diagnostics.iter().find(|d| d.code.id() == "E0814").expect("a finding");
        let span = found.span().expect("a place");
        let place = loaded.sources.get(span.file).expect("the table").line_column(span.start).0;
        assert_eq!((place, found.labels[0].text.as_str()), (line, why));
    }
    write("arcanary.yaml", "attack: ../attack.tsv\n");
    std::fs::write(place.path().parent().unwrap().join("attack.tsv"), TABLE).ok();
    assert!(findings(place.path()).iter().any(|f| f.starts_with("E0004")), "{:?}", findings(place.path()));
    write("arcanary.yaml", "attack: missing.tsv\n");
    assert!(findings(place.path()).iter().any(|f| f.starts_with("E0004")), "{:?}", findings(place.path()));
}

/// The table is made by the script that the documentation names: a bundle of what the script reads gives the lines of it.
#[test]
fn the_script_makes_the_table_of_a_bundle() {
    let place = tempfile::tempdir().expect("a folder");
    let named = |kind: &str, id: &str, more: Value| -> Value {
        let mut item = json!({ "type": kind, "id": id, "name": format!("Name of {id}") });
        item["external_references"] = json!([{ "source_name": "mitre-attack", "external_id": id }]);
        item.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        item
    };
    let phases = |names: &[&str]| -> Value {
        let phase = |name: &&str| json!({ "kill_chain_name": "mitre-attack", "phase_name": name });
        json!({ "kill_chain_phases": names.iter().map(phase).collect::<Vec<_>>() })
    };
    let relation = |kind: &str, from: &str, to: &str| json!({ "type": "relationship", "id": "r", "relationship_type": kind, "source_ref": from, "target_ref": to });
    let bundle = json!({ "objects": [
        { "type": "x-mitre-collection", "id": "c", "x_mitre_version": "20.0" },
        { "type": "x-mitre-matrix", "id": "m", "tactic_refs": ["TA0002", "TA0009"] },
        named("x-mitre-tactic", "TA0009", json!({ "x_mitre_shortname": "collection" })),
        named("x-mitre-tactic", "TA0002", json!({ "x_mitre_shortname": "execution" })),
        named("attack-pattern", "T1560", phases(&["collection", "execution"])),
        named("attack-pattern", "T1002", json!({ "revoked": true })),
        named("attack-pattern", "T1026", json!({ "x_mitre_deprecated": true })),
        named("x-mitre-analytic", "AN1458", json!({})),
        named("x-mitre-detection-strategy", "DET0526", json!({ "x_mitre_analytic_refs": ["AN1458"] })),
        relation("revoked-by", "T1002", "T1560"),
        relation("detects", "DET0526", "T1560"),
    ] });
    let file = place.path().join("bundle.json");
    std::fs::write(&file, bundle.to_string()).expect("a file");
    let out = std::process::Command::new("python3").arg(common::root().join(".ci/attack-table")).arg(&file).output();
    let out = out.expect("Python");
    let text = String::from_utf8(out.stdout).expect("UTF-8");
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    let wanted = [
        "TA0002\tName of TA0002\texecution",
        "TA0009\tName of TA0009\tcollection",
        "T1002\tName of T1002\t\tT1560",
        "T1026\tName of T1026\t",
        "T1560\tName of T1560\texecution collection",
        "DET0526\tAN1458\tT1560",
    ];
    assert_eq!(lines, wanted, "{}", String::from_utf8_lossy(&out.stderr));
    assert_eq!(arcanary::attack::Table::parse(&text).unwrap().version(), "20.0");
}
