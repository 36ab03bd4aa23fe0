//! The apps for Splunk: AppInspect finds nothing in them, contentctl takes the detections, and a search of an app finds
//! what the query that it is made of finds.

use crate::checker::{self, Checker};
use crate::{common, spl};
use arcanary::build::{Built, build};
use arcanary::pack::archive::{Files, tar_gz};
use arcanary::pack::release::{App, apps, release};
use arcanary::project::load;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

const TARGETS: [&str; 3] = ["splunk-sysmon", "splunk-cim", "splunk-4688"];

/// Rules that say of themselves what a `.conf` file or a YAML file could take for something else.
const NASTY: &str = r#"
/// # No comment, [no stanza], key = value, 100% of $it$ and `this` "that" 'those' – „Übergröße“ \
/// A second line that ends in \
rule Nasty_ONE {
  title "[Nasty] = \"quoted\" $dest$ %name% `x` – ünïcödé \\"
  id 00000000-0000-4000-8000-0000000000a1 level critical status stable os [windows] attack [T1560, T1560.001]
  author "O'Neill \"x\" <o@x.example>" date 2026-01-02 modified 2026-03-04
  references ["https://x.example/a?b=%20c&d=$e$", "a book, page 5 \\"]
  false_positives ["A: b # c [d]", "\\"] triage ["Who? $user$ \\", "%what%"]
  throttle 90m by host, user.name
  test "a test" fires process { executable 'C:\a b.exe', command_line "\"a b.exe\" <&> \t\n" }
  detect process where command_line contains '\"$HOME$\%TEMP% [y] #' or process.name is "a b.exe"
  flag Odd = command_line contains "\n"
  except "an [odd] ` one $x$" because "it \\" until 2027-12-31 where user.name is 'a\'
}
/// Deprecated, without a host or a user in its rows.
rule nasty_two {
  title "Nasty" id 00000000-0000-4000-8000-0000000000a2 level high status deprecated os [windows]
  show [command_line]
  detect process where process.name is "b.exe"
}
rule nasty_three {
  title "Nobody is told" id 00000000-0000-4000-8000-0000000000a3 level informational status test os [windows]
  schedule every 7m over 3d
  detect process where process.name is "c.exe"
}
rule nasty_four {
  title "In order" id 00000000-0000-4000-8000-0000000000a4 level low status test os [windows] attack [T1560.001]
  detect sequence by host within 100s { a: process where process.name is "a.exe" b: process where process.name is "b.exe" }
}
"#;

/// A project of one source, built for Splunk.
fn of(rules: &str) -> Built {
    on(&TARGETS, rules)
}

/// The same on some targets.
fn on(targets: &[&str], rules: &str) -> Built {
    let place = tempfile::tempdir().expect("a folder");
    let config = "name: nasty-pack.1\nversion: 12.3.4\n";
    std::fs::write(place.path().join("arcanary.yaml"), config).expect("a file");
    std::fs::write(place.path().join("r.det"), rules).expect("a file");
    let loaded = load(&[], place.path());
    assert!(!loaded.has_errors(), "{:?}", loaded.diagnostics);
    let built = build(&loaded, &targets.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>());
    let found: Vec<_> = built.diagnostics.iter().filter(|d| d.is_error()).collect();
    assert!(found.is_empty(), "{found:?}");
    built
}

/// What AppInspect says of archives: how many of its checks found nothing, and what the others found.
fn inspected(archives: &[(String, Vec<u8>)]) -> Vec<(u64, Vec<String>)> {
    let place = tempfile::tempdir().expect("a folder");
    let line = |(name, bytes): &(String, Vec<u8>)| {
        let path = place.path().join(name);
        std::fs::write(&path, bytes).expect("a file");
        json!({ "name": name, "archive": path })
    };
    let said = |answer: Value| {
        let problems = answer["problems"].as_array().unwrap().iter().map(|p| p.as_str().unwrap().to_owned()).collect();
        (answer["checks"].as_u64().unwrap(), problems)
    };
    checker::run(Checker::Appinspect, archives.iter().map(line).collect()).into_iter().map(said).collect()
}

fn packed(app: &App) -> (String, Vec<u8>) {
    (format!("{}.tar.gz", app.id), tar_gz(&app.id, &app.files).expect("an archive"))
}

#[test]
fn splunks_inspection_finds_nothing_in_an_app() {
    if checker::tools().is_none() {
        return;
    }
    let loaded = common::project("rules");
    let released = release(&loaded, &common::built(&loaded), loaded.lock.as_ref().expect("a lock")).expect("a release");
    let of_pack = released.into_iter().filter(|(name, _)| name.ends_with("-app.tar.gz"));
    let nasty = apps(&of(NASTY));
    let all: Vec<(String, Vec<u8>)> = of_pack.chain(nasty.values().map(packed)).collect();
    assert_eq!(all.len(), 2 * TARGETS.len(), "an app for each target");
    for ((name, _), (checks, problems)) in all.iter().zip(inspected(&all)) {
        assert!(problems.is_empty(), "{name}: {problems:#?}");
        assert!(checks > 50, "{name}: {checks} checks looked at it");
    }
}

#[test]
fn splunks_inspection_finds_what_is_wrong_with_an_app() {
    if checker::tools().is_none() {
        return;
    }
    let app = apps(&of(NASTY)).remove("splunk-sysmon").expect("an app");
    let broken = |path: &str, from: &str, to: &str| {
        let mut app = app.clone();
        let text = String::from_utf8(app.files[path].clone()).expect("UTF-8");
        assert!(text.contains(from), "{path} has {from}");
        app.files.insert(path.to_owned(), text.replacen(from, to, 1).into_bytes());
        packed(&app)
    };
    let mut hidden = app.clone();
    hidden.files.insert(".hidden".into(), b"x".to_vec());
    let all = [
        broken("default/app.conf", "version = 12.3.4", "version = twelve"),
        broken("default/savedsearches.conf", "cron_schedule = ", "cron_schedule = 61 "),
        broken("default/app.conf", "id = nasty", "id = other"),
        packed(&hidden),
    ];
    for (i, (_, problems)) in inspected(&all).iter().enumerate() {
        assert!(!problems.is_empty(), "{i}");
    }
}

/// The files of a target's content repository.
fn repository(built: &Built, target: &str) -> BTreeMap<String, String> {
    let folder = format!("{target}/contentctl/");
    let files =
        built.files.iter().filter_map(|(path, text)| Some((path.strip_prefix(&folder)?.to_owned(), text.clone())));
    files.collect()
}

/// What contentctl says of content repositories, and the searches that it builds of each.
fn checked(repositories: Vec<(String, BTreeMap<String, String>)>) -> Vec<(String, Vec<String>, String)> {
    let lines = repositories.into_iter().map(|(name, files)| json!({ "name": name, "files": files }));
    let answers = checker::run(Checker::Contentctl, lines.collect());
    let said = |answer: Value| {
        let problems = answer["problems"].as_array().unwrap().iter().map(|p| p.as_str().unwrap().to_owned()).collect();
        let text = |key: &str| answer[key].as_str().unwrap().to_owned();
        (text("name"), problems, text("searches"))
    };
    answers.into_iter().map(said).collect()
}

#[test]
fn contentctl_takes_every_detection_and_builds_an_app_of_them() {
    if checker::tools().is_none() {
        return;
    }
    let mut repositories = vec![];
    for (folder, built) in [("rules", common::built(&common::project("rules"))), ("nasty", of(NASTY))] {
        repositories.extend(TARGETS.map(|target| (format!("{folder}/{target}"), repository(&built, target))));
    }
    let detections = |files: &BTreeMap<String, String>| files.keys().filter(|p| p.starts_with("detections/")).count();
    let wanted: Vec<usize> = repositories.iter().map(|(_, files)| detections(files)).collect();
    assert!(wanted.iter().sum::<usize>() > 70, "{wanted:?} detections: the pack is not there");
    let schedules: Vec<BTreeSet<String>> = repositories
        .iter()
        .map(|(_, files)| {
            let of =
                |text: &String| serde_yaml::from_str::<Value>(text).expect("YAML")["deployment"]["scheduling"].clone();
            let all = files.iter().filter(|(p, _)| p.starts_with("detections/")).map(|(_, text)| of(text));
            all.map(|s| s["cron_schedule"].as_str().unwrap().to_owned()).collect()
        })
        .collect();
    for (i, (name, problems, searches)) in checked(repositories).into_iter().enumerate() {
        assert!(problems.is_empty(), "{name}: {}", problems.join("\n"));
        let stanzas = searches.lines().filter(|l| l.starts_with('[') && l.ends_with(" - Rule]")).count();
        assert_eq!(stanzas, wanted[i], "{name}: searches in the app");
        let crons = searches.lines().filter_map(|l| l.strip_prefix("cron_schedule = ")).map(str::to_owned);
        assert_eq!(crons.collect::<BTreeSet<_>>(), schedules[i], "{name}: a rule's schedule is its own");
        // No text takes the setting behind it along.
        for (stanza, said) in conf(&searches).iter().filter(|(stanza, _)| stanza.ends_with(" - Rule")) {
            for key in ["description", "how_to_implement", "known_false_positives", "creation_date"] {
                let key = if key == "description" { key.to_owned() } else { format!("action.escu.{key}") };
                assert!(
                    said.get(&key).is_some_and(|text| !text.contains("action.")),
                    "{name}: {stanza}: {key}: {said:#?}"
                );
            }
            let keys = ["cron_schedule", "disabled", "search", "action.correlationsearch.label"];
            assert!(keys.iter().all(|key| said.contains_key(*key)), "{name}: {stanza}: {said:#?}");
        }
    }
}

#[test]
fn contentctl_finds_what_is_wrong_with_a_detection() {
    if checker::tools().is_none() {
        return;
    }
    let files = repository(&of(NASTY), "splunk-sysmon");
    let path = "detections/endpoint/nasty_one.yml";
    let broken = |from: &str, to: &str| {
        let mut files = files.clone();
        let text = files.get_mut(path).expect("a detection");
        assert!(text.contains(from), "{from}");
        *text = text.replace(from, to);
        (from.to_owned(), files)
    };
    let without = |folder: &str| {
        let mut files = files.clone();
        files.retain(|path, _| !path.starts_with(folder));
        files
    };
    let alone = without("macros/");
    let all = vec![
        broken("| `nasty_one_filter`", "| `other_filter`"),
        broken("type: system", "type: host"),
        broken("    - field: dest", "    - field: nowhere"),
        ("no macros".to_owned(), alone),
        ("no data sources".to_owned(), without("data_sources/")),
        ("no attack data".to_owned(), without("attack_data/")),
    ];
    for (name, problems, _) in checked(all) {
        assert!(!problems.is_empty(), "{name}");
    }
}

/// Settings by stanza and key, by the rules of Splunk's documentation: a backslash in front of a line break goes on.
fn conf(text: &str) -> BTreeMap<String, BTreeMap<String, String>> {
    let mut out: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    let mut stanza = String::new();
    for line in text.replace("\\\n", "\0").lines().filter(|l| !l.is_empty() && !l.starts_with('#')) {
        if let Some(name) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
            stanza = name.to_owned();
            assert!(out.insert(stanza.clone(), BTreeMap::new()).is_none(), "two stanzas {stanza}");
            continue;
        }
        let (key, value) = line.split_once('=').unwrap_or_else(|| panic!("no setting: {line}"));
        let settings = out.get_mut(&stanza).unwrap_or_else(|| panic!("no stanza: {line}"));
        let there = settings.insert(key.trim().to_owned(), value.trim().replace('\0', "\n"));
        assert!(there.is_none(), "{stanza}: two of {key}");
    }
    out
}

/// A file of a target's app.
fn file(built: &Built, target: &str, name: &str) -> BTreeMap<String, BTreeMap<String, String>> {
    let app: Files = apps(built).remove(target).expect("an app").files;
    conf(std::str::from_utf8(&app[name]).expect("UTF-8"))
}

/// The search with what `addinfo` says of a stretch of time that ends at `latest`: the reader of the tests has no clock.
fn at(search: &str, latest: f64) -> String {
    search.replace(
        "| addinfo\n",
        &format!("| eval info_min_time=0, info_max_time={latest}, info_search_time=0, info_sid=\"\"\n"),
    )
}

/// The columns that a search returns: those of its last `table`, and what the `eval` behind it names.
fn columns(search: &str) -> BTreeSet<String> {
    let (_, table) = search.rsplit_once("\n| table ").unwrap_or_else(|| panic!("no table in {search}"));
    let (table, frame) = table.split_once("\n| ").expect("a frame");
    let mut out: BTreeSet<String> = table.split(',').map(|c| c.trim().trim_matches('"').to_owned()).collect();
    for line in frame.lines() {
        let made = line.strip_prefix("eval ").or_else(|| line.strip_prefix("| eval ")).unwrap_or(line).trim();
        out.extend(made.split_once("=if(in(").map(|(name, _)| name.trim_matches('\'').to_owned()));
    }
    out
}

/// The columns in placeholders: `$dest$`.
fn placeholders(text: &str) -> Vec<String> {
    text.split('$').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn every_column_that_a_saved_search_names_is_one_of_its_own_and_every_macro_is_the_apps() {
    let mut named = 0;
    for (folder, built) in
        [("rules", common::built(&common::project("rules"))), ("cases", common::built(&common::project("tests/cases")))]
    {
        for target in TARGETS {
            let macros = file(&built, target, "default/macros.conf");
            for (name, said) in file(&built, target, "default/savedsearches.conf") {
                let place = format!("{folder}/{target}/{name}");
                let search = &said["search"];
                let query = spl::read(&at(search, 0.0)).unwrap_or_else(|e| panic!("{place}: {e}\n{search}"));
                let lost: Vec<_> = query.macros.iter().filter(|m| !macros.contains_key(*m)).collect();
                assert!(lost.is_empty(), "{place}: {lost:?} are no macros of the app");
                assert!(search.ends_with("_filter`"), "{place}");
                let columns = columns(search);
                let mut wanted = vec![];
                if let Some(risk) = said.get("action.risk.param._risk") {
                    let risk: Value = serde_json::from_str(risk).expect("JSON");
                    let field = |o: &Value| {
                        ["risk_object_field", "threat_object_field"]
                            .iter()
                            .find_map(|k| o[k].as_str().map(str::to_owned))
                    };
                    wanted.extend(risk.as_array().unwrap().iter().map(|o| field(o).expect("a field")));
                }
                for key in ["action.notable.param.nes_fields", "alert.suppress.fields"] {
                    wanted.extend(said.get(key).iter().flat_map(|v| v.split(',')).map(str::to_owned));
                }
                for key in ["action.risk.param._risk_message", "action.notable.param.rule_title"] {
                    wanted.extend(said.get(key).iter().flat_map(|v| placeholders(v)));
                }
                named += wanted.len();
                let lost: Vec<_> = wanted.iter().filter(|w| !columns.contains(*w)).collect();
                assert!(lost.is_empty(), "{place} names {lost:?}, and returns {columns:?}");
            }
        }
    }
    assert!(named > 500, "{named} columns are named");
}

#[test]
fn text_stands_in_an_app_as_it_was_written_and_names_no_placeholder() {
    let built = of(NASTY);
    for target in TARGETS {
        let searches = file(&built, target, "default/savedsearches.conf");
        let nasty = &searches[&format!("(Nasty) = \"quoted\" ＄dest＄ %name% `x` – ünïcödé \\. ({target})")];
        assert!(
            nasty["description"].starts_with("# No comment, [no stanza], key = value, 100% of $it$ and"),
            "{target}"
        );
        let title = &nasty["action.notable.param.rule_title"];
        assert_eq!(title, "[Nasty] = \"quoted\" ＄dest＄ %name% `x` – ünïcödé \\. on $dest$ by $user$");
        assert_eq!(placeholders(&nasty["action.notable.param.rule_description"]), Vec::<String>::new());
        assert!(nasty["action.notable.param.rule_description"].contains("\n- Who? ＄user＄ \\\n- %what%\n"));
        assert_eq!(nasty["alert.severity"], "5");
        assert_eq!(nasty["disabled"], "0", "a stable rule runs");
        assert_eq!(searches[&format!("Nasty ({target})")]["disabled"], "1", "a deprecated rule does not");
    }
}

/// Two programs of a host within half an hour, searched for by the app for Sysmon.
const IN_ORDER: &str = r#"rule r {
  title "In order" id 00000000-0000-4000-8000-0000000000b1 level high os [windows]
  show [a.user.name]
  detect sequence by host within 30m {
    a: process where process.name is "a.exe"
    b: process where process.name is "b.exe"
  }
}"#;

fn event(time: u64, image: &str, user: &str) -> spl::Row {
    let row = json!({ "_time": time, "EventCode": 1, "Computer": "H1", "User": user, "index": "main",
        "Image": format!("C:\\{image}"), "source": "XmlWinEventLog:Microsoft-Windows-Sysmon/Operational" });
    row.as_object().unwrap().clone()
}

#[test]
fn a_run_returns_a_match_that_its_own_stretch_completes_and_no_earlier_one() {
    let built = of(IN_ORDER);
    let said = &file(&built, "splunk-sysmon", "default/savedsearches.conf")["In order (splunk-sysmon)"];
    assert_eq!((said["dispatch.earliest_time"].as_str(), said["dispatch.latest_time"].as_str()), ("-100m@m", "-10m@m"));
    let mut macros = spl::Macros::default();
    for (name, settings) in file(&built, "splunk-sysmon", "default/macros.conf") {
        macros.define(&name, &settings["definition"]);
    }
    let first = 1_000_000_000;
    let found = |user: &str, latest: u64| {
        // The search sees what lies in its stretch of time.
        let stretch = latest - 90 * 60..latest;
        let events = [event(first, "a.exe", user), event(first + 600, "b.exe", user)];
        let events: Vec<_> = events.into_iter().filter(|e| stretch.contains(&e["_time"].as_u64().unwrap())).collect();
        spl::read(&at(&said["search"], latest as f64)).expect("a search").run(&events, &macros).expect("rows")
    };
    // Runs of every hour, each with its window: one of them finds the match, whenever the hours begin.
    for shift in [1, 599, 600, 601, 1799, 3000, 3599] {
        let runs: Vec<_> = (0..6).map(|n| found(r"CORP\kim", first - 3600 + shift + n * 3600)).collect();
        let rows: Vec<_> = runs.concat();
        assert_eq!(rows.len(), 1, "{shift}: {runs:?}");
        assert_eq!((&rows[0]["dest"], &rows[0]["user"]), (&json!("H1"), &json!("kim")), "{shift}");
        assert!(!rows[0].contains_key("info_max_time"), "{shift}");
    }
    let rows = found("-", first + 1000);
    assert_eq!(rows.len(), 1);
    assert!(!rows[0].contains_key("user"), "a host without a user: nobody is at risk, {rows:?}");
}

/// A burst of a program on a host.
const OFTEN: &str = r#"rule r {
  title "Often" id 00000000-0000-4000-8000-0000000000b2 level high os [windows]
  detect count >= 3 by host within 30m of process where process.name is "a.exe"
}"#;

#[test]
fn a_burst_is_found_once_though_it_goes_on_for_hours() {
    let built = on(&["splunk-sysmon"], OFTEN);
    let said = &file(&built, "splunk-sysmon", "default/savedsearches.conf")["Often (splunk-sysmon)"];
    assert_eq!(said["dispatch.earliest_time"], "-130m@m", "an hour, two windows, and the delay");
    let mut macros = spl::Macros::default();
    macros.define("arcanary_sysmon", "index=main").define("r_filter", "search *");
    let first = 1_000_000_000;
    let events: Vec<spl::Row> = (0..20).map(|n| event(first + n * 600, "a.exe", "kim")).collect();
    for shift in [1, 601, 1200, 1201, 1799, 3599] {
        let found = (0..9).flat_map(|n| {
            let latest = first - 3600 + shift + n * 3600;
            let stretch = latest - 120 * 60..latest;
            let seen = events.iter().filter(|e| stretch.contains(&e["_time"].as_u64().unwrap()));
            let seen: Vec<_> = seen.cloned().collect();
            spl::read(&at(&said["search"], latest as f64)).expect("a search").run(&seen, &macros).expect("rows")
        });
        assert_eq!(found.count(), 1, "{shift}");
    }
}

#[test]
fn a_filter_macro_leaves_out_what_a_tenant_says() {
    let built = of(IN_ORDER);
    let said = &file(&built, "splunk-sysmon", "default/savedsearches.conf")["In order (splunk-sysmon)"];
    let run = |filter: &str| {
        let mut macros = spl::Macros::default();
        macros.define("arcanary_sysmon", "index=main").define("r_filter", filter);
        let events = [event(1_000_000_000, "a.exe", "kim"), event(1_000_000_600, "b.exe", "kim")];
        let search = at(&said["search"], 1_000_001_000.0);
        spl::read(&search).expect("a search").run(&events, &macros).expect("rows").len()
    };
    assert_eq!((run("search *"), run("search NOT dest=\"h*\""), run("search dest=\"h*\"")), (1, 0, 1));
}
