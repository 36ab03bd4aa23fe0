//! Witnesses: what is made for every shipped rule and every case is what the rule says, in the evaluator's reading and in
//! the oracle's, in the language's own fields and in every target's rows.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod common;
mod oracle;

use arcanary::diagnostic::{Style, to_text};
use arcanary::event::engine::Engine;
use arcanary::event::eval::Evaluator;
use arcanary::event::row;
use arcanary::event::stream::{self, Naming};
use arcanary::event::{Event, Value, read};
use arcanary::ir;
use arcanary::project::Loaded;
use arcanary::sema::{Project, Rule, resolve};
use arcanary::source::Sources;
use arcanary::syntax::parse;
use arcanary::target::{Mapping, Scalar, Target, bind};
use arcanary::vocabulary::FieldId;
use arcanary::witness::{Budget, Logged, Refused, Verdict, Witnesses, ecs, witnesses, witnesses_on, witnesses_within};
use engines::expect::Meaning;
use engines::view::{self, Missing};
use oracle::temporal::{self, Happened};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The oracle's own form of an event.
fn seen_by_oracle(event: &Event) -> oracle::Event {
    let value = |v: &Value| match v {
        Value::Text(text) => oracle::Value::Text(text.to_string()),
        Value::Number(n) => oracle::Value::Number(*n),
        Value::Bool(b) => oracle::Value::Bool(*b),
    };
    let fields = event.fields().map(|(id, v)| (id, value(v))).collect();
    oracle::Event { kind: event.kind, fields }
}

fn single_event_rules(loaded: &Loaded) -> impl Iterator<Item = &Rule> {
    loaded.project.rules.values().filter(|r| r.over_several_events().is_none())
}

/// How many of each sort: firing, near misses, excepted.
fn counts(made: &Witnesses) -> (usize, usize, usize) {
    let count = |f: fn(&Verdict) -> bool| made.all.iter().filter(|w| f(&w.verdict)).count();
    (count(|v| *v == Verdict::Fires), count(|v| *v == Verdict::NearMiss), count(|v| matches!(v, Verdict::Excepted(_))))
}

#[test]
fn every_witness_is_what_it_says_in_both_readings() {
    let (mut total, mut never_alone) = ((0, 0, 0), 0);
    for folder in ["rules", "tests/cases", "tests/oracle/corners.det"] {
        let loaded = common::project(folder);
        for rule in single_event_rules(&loaded) {
            let made = witnesses(rule, &loaded.project).unwrap_or_else(|e| panic!("{}: {e:?}", rule.name));
            let evaluator = Evaluator::new(rule, &loaded.project);
            for witness in &made.all {
                let [event] = witness.events.as_slice() else { panic!("{}: {witness:?}", rule.name) };
                let first = evaluator.verdict(event);
                let second = oracle::verdict(rule, &loaded.project, &seen_by_oracle(event));
                let right = match &witness.verdict {
                    Verdict::Fires => first.fires() && second.fires(),
                    Verdict::NearMiss => !first.detected && !second.detected,
                    Verdict::Excepted(title) => {
                        first.detected && first.excepted_by.contains(title) && second.excepted_by.contains(title)
                    }
                };
                assert!(right, "{}: {witness:?}: {first:?}, {second:?}", rule.name);
                assert_eq!(first.flags, second.flags, "{}: {witness:?}", rule.name);
            }
            let (fires, near, excepted) = counts(&made);
            assert!(!made.cut && fires > 0 && near + made.never_alone > 0, "{}", rule.name);
            assert_eq!(excepted, rule.exceptions.len(), "{}: a witness for each exception", rule.name);
            total = (total.0 + fires, total.1 + near, total.2 + excepted);
            never_alone += made.never_alone;
        }
    }
    assert!(total.0 > 1_000 && total.1 > 1_000 && total.2 > 10, "{total:?}");
    assert!(never_alone * 10 < total.1, "{never_alone} conditions without a near miss, {} with one", total.1);
}

#[test]
fn events_in_ecs_are_read_again_as_they_were() {
    let (loaded, mut seen) = (common::project("tests/cases"), 0);
    for rule in single_event_rules(&loaded) {
        for event in witnesses(rule, &loaded.project).unwrap().all.iter().flat_map(|w| &w.events) {
            let line = serde_json::Value::Object(ecs::object(event)).to_string();
            let reader = read::detect(line.as_bytes()).unwrap_or_else(|| panic!("no reader knows {line}"));
            let mut again = vec![];
            let result = reader.read(line.as_bytes(), &mut read::Room::default(), &mut |record| match record {
                read::Record::Event(event) => again.push(event.clone().into_owned()),
                read::Record::Other => panic!("no event: {line}"),
            });
            assert!(result.is_ok() && reader.name == "ecs" && again == [event.clone()], "{line}\n{again:?}");
            seen += 1;
        }
    }
    assert!(seen > 800, "{seen}");
}

fn project(text: &str) -> Project {
    let mut sources = Sources::new();
    let file = sources.add("here.det", text);
    let (project, findings) = resolve(vec![parse(file, text)], &indexmap::IndexMap::default());
    let errors: String = findings.iter().map(|d| to_text(d, &sources, Style::Plain)).collect();
    assert!(findings.iter().all(|d| !d.is_error()), "{errors}");
    project
}

/// The witnesses of the one rule with this detection.
fn of(detect: &str) -> Result<Witnesses, Refused> {
    let project = ruled(detect);
    witnesses(&project.rules["here"], &project)
}

/// A project with one rule, `here`, of this detection.
fn ruled(detect: &str) -> Project {
    project(&format!(
        "rule here {{ title \"Here\" id 6c1e6b0d-6d52-4c8e-9d0e-3f3d9b6a0c02 level low os [windows]\n{detect}\n}}\n{TOOL}"
    ))
}

const TOOL: &str = r#"utility tool "Tool" {
  os [windows] image ["tool.exe"] original ["Tool"] when available home [':\\Tools'] prefixes windash
  verb pack = first ["a", "u"] or long "pack" min 2   switch key = glued "k" except "-" or equals "key"
}"#;

/// The values of a field in the witnesses of one sort.
fn values(made: &Witnesses, verdict: &Verdict, field: &str) -> Vec<String> {
    let id = FieldId::find(field).expect(field);
    let of_sort = made.all.iter().filter(|w| w.verdict == *verdict).flat_map(|w| &w.events);
    of_sort.map(|e| e.text(id).unwrap_or("").to_owned()).collect()
}

#[test]
fn each_shape_verb_and_prefix_is_taken_by_a_witness() {
    let made = of("detect process where runs tool to pack with key").unwrap();
    let lines = values(&made, &Verdict::Fires, "command_line").join("\n");
    for piece in [" a ", " u ", " --pack ", " --pa ", " -k", " /k", " \u{2013}k", " \u{2015}k", "key=", "key:"] {
        assert!(lines.contains(piece), "no `{piece}` in\n{lines}");
    }
    let names = values(&made, &Verdict::Fires, "process.name");
    assert!(names.contains(&"tool.exe".into()) && names.iter().any(|n| n != "tool.exe"), "{names:?}");
}

#[test]
fn a_near_miss_turns_one_condition_round_and_leaves_the_others() {
    let made =
        of("detect file where file.extension is \"7z\" and file.size >= 10MB and file.path under 'D:\\out'").unwrap();
    let [fires, near @ ..] = made.all.as_slice() else { panic!("{made:?}") };
    assert_eq!((&fires.verdict, near.len(), made.never_alone), (&Verdict::Fires, 3, 0), "{made:?}");
    let id = |name: &str| FieldId::find(name).expect(name);
    let size = |event: &Event| match event.get(id("file.size")) {
        Some(Value::Number(n)) => *n,
        other => panic!("{other:?}"),
    };
    let holds = |event: &Event| {
        let path = event.text(id("file.path")).unwrap();
        [path.ends_with(".7z"), size(event) >= 10 << 20, path.starts_with(r"D:\out\")]
    };
    assert_eq!(holds(&fires.events[0]), [true; 3]);
    for (i, miss) in near.iter().enumerate() {
        let wrong: Vec<usize> = (0..3).filter(|n| !holds(&miss.events[0])[*n]).collect();
        assert_eq!((&miss.verdict, wrong.len()), (&Verdict::NearMiss, 1), "{i}: {miss:?}");
    }
    assert!(near.iter().any(|w| size(&w.events[0]) == (10 << 20) - 1), "the border itself: {near:?}");
}

#[test]
fn conditions_that_contradict_each_other_are_refused_as_proved() {
    for detect in [
        "process.name is \"a.exe\" and process.name ends with \".dll\"",
        "command_line starts with \"abc\" and not command_line contains \"b\"",
        "command_line matches '^a+$' and command_line matches '^b+$'",
        "process.pid > 10 and process.pid < 10",
        "process.name is \"a.exe\" and executable ends with '\\b.exe'",
        "user.name exists and user.name is user.domain and not user.domain exists",
        "runs tool to pack with key and command_line matches '^[0-9]*$'",
        "executable under 'C:\\a' and executable under 'C:\\b'",
        "argument.is_unc and not command_line exists",
        "file.size >= 1 and not file.size exists",
    ] {
        let kind = if detect.contains("file.size") { "file" } else { "process" };
        match of(&format!("detect {kind} where {detect}")) {
            Err(Refused::Unsatisfiable(_, conflict)) => {
                assert!(conflict.conditions.len() > 1, "{detect}: {conflict:?}");
                assert!(conflict.certain || detect.contains("user.domain"), "{detect}: {conflict:?}");
            }
            other => panic!("{detect}: {other:?}"),
        }
    }
}

#[test]
fn an_exception_that_takes_everything_leaves_no_witness() {
    let refused = of(
        "detect process where process.name is \"a.exe\"\n except \"all\" because \"x\" where process.name is \"a.exe\"",
    );
    assert!(matches!(refused, Err(Refused::Unsatisfiable(..))), "{refused:?}");
}

/// How many rows a rule over several events has, by brute force; `applies` says which exceptions do.
fn by_brute_force(rule: &Rule, project: &Project, events: &[Event], applies: &dyn Fn(usize) -> bool) -> usize {
    let time = |event: &oracle::Event| event.named("event.time").expect("a time").number();
    let happened = |event| Happened { time: time(&event), event };
    let events: Vec<Happened> = events.iter().map(|e| happened(seen_by_oracle(e))).collect();
    let events = oracle::identity::identified(&events);
    match rule.meaning(project, &rule.meta.os) {
        ir::Meaning::Steps(steps) => {
            let mut steps = (*steps).clone();
            steps.exceptions.retain(|(i, _)| applies(*i));
            steps.steps.iter_mut().for_each(|s| s.exceptions.retain(|(i, _)| applies(*i)));
            temporal::rows(&steps, &events).len()
        }
        ir::Meaning::Count(count) => {
            let mut count = (*count).clone();
            count.exceptions.retain(|(i, _)| applies(*i));
            temporal::bursts(&count, &events).len()
        }
        ir::Meaning::Single(_) => panic!("`{}` looks at one event", rule.name),
    }
}

fn over_several(loaded: &Loaded) -> impl Iterator<Item = &Rule> {
    loaded.project.rules.values().filter(|r| r.over_several_events().is_some())
}

#[test]
fn witnesses_over_several_events_are_what_they_say_in_both_readings() {
    let (mut rules, mut total) = (0, (0, 0, 0));
    for folder in ["rules", "tests/cases"] {
        let loaded = common::project(folder);
        for rule in over_several(&loaded) {
            let made = witnesses(rule, &loaded.project).unwrap_or_else(|e| panic!("{}: {e:?}", rule.name));
            for witness in &made.all {
                let rows =
                    |applies: &dyn Fn(usize) -> bool| by_brute_force(rule, &loaded.project, &witness.events, applies);
                let right = match &witness.verdict {
                    Verdict::Fires => rows(&|_| true) > 0,
                    Verdict::NearMiss => rows(&|_| false) == 0,
                    Verdict::Excepted(title) => {
                        rows(&|_| true) == 0 && rows(&|i| rule.exceptions[i].title != *title) > 0
                    }
                };
                assert!(right, "{}: {witness:?}", rule.name);
            }
            let (fires, near, excepted) = counts(&made);
            assert!(fires > 1 && near > 2, "{}: {fires} and {near}", rule.name);
            let untold = rule.exceptions.len() - excepted;
            assert!(untold <= made.never_alone, "{}: a witness for each exception, or one is missed", rule.name);
            total = (total.0 + fires, total.1 + near, total.2 + excepted);
            rules += 1;
        }
    }
    assert!(rules > 10 && total.0 > 200 && total.1 > 150 && total.2 > 2, "{rules} rules: {total:?}");
}

#[test]
fn a_sequence_is_witnessed_at_every_edge() {
    let project = project(
        "rule r { title \"R\" id 7f0c2b0e-3d5e-4d0e-9a64-0d7f5a1f3c99 level low os [windows]
        detect sequence by host within 10m {
            a: process where process.name is \"a.exe\"
            without x: file where file.action is deleted and process is a.process
            b: file where file.action is created and process is a.process
        }
        except \"Lab\" because \"x\" where a.user.name is \"lab\" }",
    );
    let made = witnesses(&project.rules["r"], &project).unwrap();
    let told = |verdict: &str| {
        let of = made.all.iter().filter(|w| w.verdict.words() == verdict);
        of.map(|w| w.because.detail.as_str()).filter(|d| d.contains(' ') && !d.contains('\'')).collect::<Vec<_>>()
    };
    let fires = [
        "the last event at the very end of the window",
        "all at one time",
        "two beginnings, of which the later one is shown",
        "known by host and number",
        "beside an excepted event",
    ];
    assert_eq!(told("fires"), fires);
    let misses = [
        "the last event a millisecond behind the window",
        "the other way round",
        "the last event has another one",
        "the last event lacks it",
        "these differ",
        "the number was used again in between",
        "such an event in between",
        "such an event at the gap's beginning",
        "such an event at the gap's end",
    ];
    let near: Vec<&str> = made.all.iter().map(|w| w.because.detail.as_str()).filter(|d| misses.contains(d)).collect();
    assert_eq!(near, misses);
    assert_eq!((counts(&made).2, made.never_alone, made.cut), (1, 0, false));
}

#[test]
fn events_of_different_values_keep_to_the_condition() {
    for (distinct, values) in [
        ("destination.port >= 2 by host within 10m of network where destination.port in [80, 443]", "destination.port"),
        (
            "process.name >= 2 by host within 10m of process where process.name in [\"a.exe\", \"b.exe\"]",
            "process.name",
        ),
        (
            "destination.ip >= 3 by host within 10m of network where destination.ip in cidr [\"10.0.0.0/30\"]",
            "destination.ip",
        ),
    ] {
        let made = of(&format!("detect distinct {distinct}")).unwrap_or_else(|e| panic!("{distinct}: {e:?}"));
        let id = FieldId::find(values).expect(values);
        let first = made.all.iter().find(|w| w.verdict == Verdict::Fires).expect("one that fires");
        let different: BTreeSet<String> = first.events.iter().map(|e| format!("{:?}", e.get(id))).collect();
        assert_eq!(different.len(), first.events.len(), "{distinct}: {first:?}");
    }
}

#[test]
fn that_no_events_were_found_proves_nothing_where_several_are_joined() {
    let apart = "detect sequence by file.name within 5m {
        a: file where file.action is created and file.extension is 'zip'
        b: file where file.action is deleted and file.name starts with 'q' }";
    match of(apart) {
        Err(Refused::Unsatisfiable(_, conflict)) => assert!(!conflict.certain, "{conflict:?}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn near_misses_of_a_count_are_read_again_as_they_were_meant() {
    let loaded = common::project("rules");
    let made = witnesses(&loaded.project.rules["archives_in_many_folders"], &loaded.project).unwrap();
    let id = |name: &str| FieldId::find(name).expect(name);
    let lacking =
        made.all.iter().filter(|w| w.because.detail == "the last event lacks it").filter_map(|w| w.events.last());
    let mut folders = 0;
    for event in lacking.filter(|event| event.get(id("file.directory")).is_none()) {
        let mut read = event.clone();
        read.derive();
        assert_eq!(read.get(id("file.directory")), None, "{event:?}");
        folders += 1;
    }
    assert_eq!(folders, 1);
}

#[test]
fn what_must_not_hold_is_told_with_its_not() {
    let text = "rule here { title \"Here\" id 6c1e6b0d-6d52-4c8e-9d0e-3f3d9b6a0c02 level low os [windows]
        detect process where runs tool to pack and not user.name is \"bob\" }";
    let text = format!("{text}\n{TOOL}");
    let mut sources = Sources::new();
    sources.add("here.det", &text);
    let project = project(&text);
    let made = witnesses(&project.rules["here"], &project).unwrap();
    let told = |verdict: Verdict| -> Vec<String> {
        let of = made.all.iter().filter(|w| w.verdict == verdict);
        of.map(|w| arcanary::witness::report::because(&w.because, &sources)).collect()
    };
    let fires = told(Verdict::Fires);
    assert!(fires.iter().all(|b| b.starts_with("runs tool to pack and not user.name is \"bob\"")), "{fires:?}");
    let near = told(Verdict::NearMiss);
    assert!(near.iter().any(|b| b.starts_with("not user.name is \"bob\": user.name 'bob', not ")), "{near:?}");
    assert!(near.iter().any(|b| b.starts_with("runs tool to pack: ")), "{near:?}");
}

#[test]
fn witnesses_over_several_events_have_nothing_to_do_with_each_other() {
    let loaded = common::project("tests/cases");
    for rule in over_several(&loaded) {
        let made = witnesses(rule, &loaded.project).unwrap();
        let of: Vec<usize> = made.all.iter().enumerate().flat_map(|(i, w)| w.events.iter().map(move |_| i)).collect();
        let all: Vec<Event> = made.all.iter().flat_map(|w| w.events.clone()).collect();
        let engine = Arc::new(Engine::new([(rule, &loaded.project)]));
        let rows = stream::rows(&engine, &all, Naming::Logged).unwrap();
        let mut fired: Vec<usize> = rows.iter().filter(|r| r.fires()).map(|r| of[r.place.event as usize - 1]).collect();
        fired.dedup();
        let fires = made.all.iter().enumerate().filter(|(_, w)| w.verdict == Verdict::Fires).map(|(i, _)| i);
        assert_eq!(fired, fires.collect::<Vec<_>>(), "{}", rule.name);
    }
}

#[test]
fn the_same_rule_gives_the_same_witnesses() {
    let loaded = common::project("rules");
    for rule in loaded.project.rules.values().take(6) {
        let again = common::project("rules");
        let twin = &again.project.rules[&rule.name];
        assert_eq!(witnesses(rule, &loaded.project), witnesses(twin, &again.project), "{}", rule.name);
    }
}

#[test]
fn hostile_rules_are_cut_and_say_so() {
    let long: Vec<String> = (0..9_000).map(|i| format!("\"tool{i}.exe\"")).collect();
    let any = |field: &str| {
        let all: Vec<String> = (0..60).map(|i| format!("{field} contains \"x{i}\"")).collect();
        format!("({})", all.join(" or "))
    };
    let wide = format!("{} and {} and {}", any("command_line"), any("parent.command_line"), any("user.name"));
    let mut deep = "process.name is \"a.exe\"".to_owned();
    for i in 0..20 {
        deep = format!("(not {deep} or user.name is \"u{i}\")");
    }
    for (detect, cut) in [
        (format!("process.name in [{}]", long.join(", ")), true),
        (format!("not process.name in [{}] and executable exists", long.join(", ")), false),
        (wide, true),
        (deep, false),
        ("command_line matches '^(?:[ab]*a[ab]{40})$' and command_line matches '^(?:[ab]*b[ab]{40})$'".into(), false),
    ] {
        let shown: String = detect.chars().take(80).collect();
        match of(&format!("detect process where {detect}")) {
            Ok(made) => assert!(made.cut == cut && made.all.len() < 5_000, "{shown}: {} {}", made.cut, made.all.len()),
            Err(Refused::Unsatisfiable(_, conflict)) => assert!(!conflict.certain, "{shown}"),
        }
    }
}

#[test]
fn a_search_ends_with_its_budget_and_says_so() {
    let ands = |n: usize, one: &dyn Fn(usize) -> String| (0..n).map(one).collect::<Vec<_>>().join(" and ");
    let either = |i| format!("(command_line contains 'x{i}' or parent.command_line contains 'y{i}')");
    for (detect, steps) in [
        (ands(100, &|i| format!("command_line matches 'x{i}'")), 3_000_000),
        (ands(30, &either), 3_000_000),
        (ands(100, &either), 3_000_000),
        (ands(500, &|i| format!("command_line contains 'x{i}'")), 12_000_000),
        (ands(60, &|i| format!("command_line like '*x{i}*y?z*'")), 3_000_000),
        (ands(200, &|i| format!("not command_line contains 'x{i}'")), 3_000_000),
    ] {
        let shown: String = detect.chars().take(60).collect();
        let project = ruled(&format!("detect process where {detect}"));
        let rule = &project.rules["here"];
        let within = |steps| witnesses_within(rule, &project, &Budget::of(steps));
        let made = within(steps).unwrap_or_else(|e| panic!("{shown}: {e:?}"));
        assert!(made.cut_off && made.impossible.is_empty(), "{shown}: {:?}", made.impossible);
        assert_eq!(Ok(made), within(steps), "{shown}: steps are counted, not time");
        // Nothing was found yet: that is no proof.
        let Err(Refused::Unsatisfiable(_, conflict)) = within(1_000) else { panic!("{shown}: not cut off") };
        assert!(!conflict.certain && conflict.cut_off == Some(1_000), "{shown}: {conflict:?}");
    }
}

#[test]
fn one_step_leaves_steps_behind_it_a_share_of_the_budget() {
    let wide = |step: &str| {
        let either = |i| format!("(command_line contains '{step}{i}' or parent.command_line contains '{step}{i}')");
        format!("{step}: process where {}", (0..30).map(either).collect::<Vec<_>>().join(" and "))
    };
    let steps = [wide("a"), wide("b"), wide("c")].join("\n");
    let project = ruled(&format!("detect sequence by host within 1h {{\n{steps}\n}}"));
    let made = witnesses_within(&project.rules["here"], &project, &Budget::of(12_000_000)).unwrap();
    assert!(made.cut_off && counts(&made).0 > 0, "{:?}", counts(&made));
    let project = ruled(&format!("detect count >= 3 by host within 1h of {}", &wide("a")[3..]));
    let made = witnesses_within(&project.rules["here"], &project, &Budget::of(12_000_000)).unwrap();
    assert!(made.cut_off && counts(&made).0 > 0, "{:?}", counts(&made));
}

#[test]
fn what_contradicts_itself_is_not_said_to_do_so_when_the_search_was_cut_off() {
    let project = ruled("detect process where command_line contains 'abc' and not command_line contains 'b'");
    let rule = &project.rules["here"];
    let mut proved = 0;
    for steps in [0, 100, 1_000, 10_000, 100_000, 1_000_000] {
        let Err(refused) = witnesses_within(rule, &project, &Budget::of(steps)) else { panic!("{steps}") };
        let Refused::Unsatisfiable(_, conflict) = &refused;
        assert_ne!(conflict.certain, conflict.cut_off.is_some(), "{steps}: {conflict:?}");
        let message = arcanary::witness::report::finding(rule, &refused).message;
        assert_eq!(message.contains("cannot be satisfied"), conflict.certain, "{steps}: {message}");
        assert_eq!(message == "the search for a witness of `here` was cut off", !conflict.certain, "{message}");
        proved += usize::from(conflict.certain);
    }
    assert!((1..6).contains(&proved), "{proved}");
}

/// The log of an engine run, where the target's file is read by other code.
#[allow(dead_code, reason = "this program uses a part of it")]
mod engines {
    #[path = "run/expect.rs"]
    pub mod expect;
    #[path = "run/view.rs"]
    pub mod view;
}

#[test]
fn what_a_log_cannot_say_is_not_asked_of_its_rows() {
    let loaded = common::project("rules");
    let text = "rule here { title \"Here\" id 6c1e6b0d-6d52-4c8e-9d0e-3f3d9b6a0c02 level low os [windows]
        detect process where process.name is \"a.exe\" and original_name is \"A\" when available }";
    let project = project(text);
    let on = |target: &str| {
        let plan = bind(&project.rules["here"], &project, &loaded.targets.all[target]).unwrap();
        let logs = witnesses_on(&project.rules["here"], &project, &plan).unwrap();
        logs.iter().map(|log| counts(&log.witnesses)).collect::<Vec<_>>()
    };
    assert_eq!(on("splunk-4688"), [(1, 1, 0)], "events of 4688 have no original name, so none misses by it");
    assert_eq!(on("splunk-sysmon"), [(1, 2, 0)], "those of Sysmon do");
}

#[test]
fn every_row_is_what_its_witness_says_in_another_reading_of_the_target() {
    let projects = ["rules", "tests/cases", "tests/oracle/corners.det"].map(common::project);
    let counted: Vec<[usize; 3]> = std::thread::scope(|scope| {
        let targets = projects[0].targets.all.keys();
        let running: Vec<_> = targets.map(|target| scope.spawn(|| rows_of(target, &projects))).collect();
        running.into_iter().map(|r| r.join().expect("a target's rows")).collect()
    });
    let sum = |i: usize| counted.iter().map(|c| c[i]).sum::<usize>();
    assert!(sum(0) > 4_000 && sum(1) > 3_000 && sum(2) > 50, "{counted:?}");
}

/// Checks every row of a target; counts firing ones, near misses and excepted ones.
fn rows_of(target: &str, projects: &[Loaded]) -> [usize; 3] {
    let mut total = [0; 3];
    for loaded in projects {
        let target = &loaded.targets.all[target];
        for rule in single_event_rules(loaded) {
            let Ok(plan) = bind(rule, &loaded.project, target) else { continue };
            let logs = witnesses_on(rule, &loaded.project, &plan).unwrap_or_else(|e| panic!("{}: {e:?}", rule.name));
            assert_eq!(logs.len(), plan.queries.len(), "{} on {}: a log without witnesses", rule.name, target.name);
            for log in &logs {
                let meaning = Meaning::new(rule, &loaded.project, target, log.source(), log.kind()).expect("a meaning");
                for (n, witness) in log.witnesses.all.iter().enumerate() {
                    check_row(&format!("{} on {}: {witness:?}", rule.name, target.name), target, log, n, &meaning);
                }
                let (fires, near, excepted) = counts(&log.witnesses);
                for (sum, n) in total.iter_mut().zip([fires, near, excepted]) {
                    *sum += n;
                }
            }
        }
    }
    total
}

fn check_row(case: &str, target: &Target, log: &Logged, n: usize, meaning: &Meaning) {
    let witness = &log.witnesses.all[n];
    let [event] = witness.events.as_slice() else { panic!("{case}") };
    let asked = seen_by_oracle(event);
    let seconds = asked.named("event.time").map_or(0, |t| t.number() / 1_000_000);
    let mut row = log.row(event, n);
    // The other side writes a value that has several places or forms by turns of ten seconds.
    let forms =
        [seconds, seconds + 10].map(|seconds| view::logged(target, &asked, &Missing::Absent, seconds).expect(case));
    let alike = |theirs: &&view::Logged| theirs.row_but_time(target).iter().all(|(name, v)| row.get(name) == Some(v));
    let theirs = &forms[0];
    let mut other = forms.iter().find(alike).unwrap_or(theirs).row_but_time(target);
    let words = target.fields[&log.kind()].values().flatten().filter_map(|m| match m {
        Mapping::Words { column, words } => Some((column, words.values().flatten().cloned().collect::<Vec<_>>())),
        _ => None,
    });
    let several: Vec<_> = log.source().filter.iter().map(|(c, v)| (c, v.clone())).chain(words).collect();
    for (column, values) in several {
        // Of several values that mark these events, or stand for one word, each side takes one.
        let (mine, theirs) = (row.shift_remove(column), other.shift_remove(column));
        assert!(
            mine.iter().all(|m| values.iter().any(|v| *m == scalar(v))) && mine.is_some() == theirs.is_some(),
            "{case}"
        );
    }
    let added = row::identifiers(target, &Default::default(), n);
    row.retain(|column, _| view::time(target) != Some(column) && !added.contains_key(column));
    assert_eq!(sorted(&row), sorted(&other), "{case}");
    assert_eq!(meaning.of(&theirs.event).returned, witness.verdict == Verdict::Fires, "{case}");
}

fn scalar(value: &Scalar) -> serde_json::Value {
    match value {
        Scalar::Number(n) => (*n).into(),
        Scalar::Text(t) => t.as_str().into(),
    }
}

fn sorted(row: &serde_json::Map<String, serde_json::Value>) -> BTreeMap<&String, &serde_json::Value> {
    row.iter().collect()
}
