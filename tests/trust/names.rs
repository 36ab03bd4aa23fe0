//! Names and text of files do nothing to a terminal or to what reads a workflow's log.

use crate::place::Place;
use std::path::Path;

/// Names that end a line, begin a command, colour or turn text.
const NAMES: [&str; 6] = [
    "a\n::error::owned",
    "::set-output name=x::y",
    "b\r##[error]owned",
    "##vso[task.setvariable variable=x]y",
    "c\u{1b}[2J\u{1b}]0;owned\u{7}",
    "d\u{202e}ted",
];

/// What reaches a terminal or a log.
fn assert_harmless(said: &str, of: &str) {
    for line in said.split('\n') {
        let begins = line.trim_start();
        let ours = ["::error file=", "::error title=", "::warning file=", "::warning title="];
        let ours = ours.iter().any(|command| line.starts_with(command));
        assert!(ours || !begins.starts_with("::") || begins.starts_with(":::"), "{of}: {line:?}");
        assert!(!line.contains("##[") && !line.contains("##vso["), "{of}: {line:?}");
        let bad = |c: char| (c.is_control() && c != '\t') || ('\u{202a}'..='\u{202e}').contains(&c);
        assert!(!line.contains(bad), "{of}: {line:?}");
    }
}

/// Every command in every format, in a place.
fn all(place: &Place, project: &str) {
    for command in [
        &["check", project][..],
        &["build", project, "--out", "out"],
        &["build", project, "--print"],
        &["build", project, "--out", "out", "--check"],
        &["test", project],
        &["fmt", "--check", project],
        &["pack", project],
        &["explain", "packed", project],
        &["witness", "packed", project],
        &["diff", project, "--against", project],
        &["verify", project],
        &["fetch-pack", "--repo", project, "--out", "got"],
        &["publish", project, "--repo", project, "--allow-dirty"],
        &["eval", project, "--events", "gone.json"],
        &["new", project],
    ] {
        let ran = place.run(command);
        assert_harmless(&format!("{}\n{}", ran.out, ran.err), &format!("{command:?}"));
    }
    for format in ["json", "sarif", "github", "junit"] {
        for command in [&["check", project][..], &["test", project], &["fmt", "--check", project]] {
            let ran = place.run(&[command, &["--format", format]].concat());
            assert_harmless(&format!("{}\n{}", ran.out, ran.err), &format!("{command:?} {format}"));
        }
    }
    place.run(&["fmt", project]);
}

#[test]
fn names_of_files_and_folders_are_escaped_by_every_command() {
    let place = Place::project();
    for name in NAMES {
        place.write(&format!("rules/{name}.det"), "rule broken {\n");
    }
    all(&place, ".");
    for name in NAMES {
        let place = Place::project();
        place.write(&format!("{name}/arcanary.yaml"), "name: acme\nversion: 0.1.0\ntargets: [sigma]\n");
        place.write(&format!("{name}/u.det"), &place.read("rules/utilities.det"));
        place.write(&format!("{name}/r.det"), &place.read("rules/packed.det"));
        all(&place, name);
    }
    let place = Place::locked();
    place.run(&["pack"]).fine();
    for name in NAMES {
        place.write(&format!("dist/{name}"), "");
    }
    for format in ["text", "json", "sarif", "github", "junit"] {
        let ran = place.run(&["verify", "dist", "--format", format]);
        assert_eq!(ran.code, 1);
        assert_harmless(&format!("{}\n{}", ran.out, ran.err), format);
    }
}

#[test]
fn text_of_sources_is_escaped_by_every_command() {
    let place = Place::project();
    let doc = "/// Detects ##[error]owned\n///\n/// ::error::owned\n/// ##vso[task.complete]\n";
    place.edit("rules/packed.det", "/// Detects a password.\n", doc);
    place.edit("rules/packed.det", "Archive with a Password", "::warning::a ##[group]");
    place.edit(
        "rules/packed.det",
        "'C:\\rar.exe', command_line 'rar a -px a.rar b'",
        "'C:\\rar.exe', command_line '::error::x'",
    );
    place.edit("rules/shared.det", "x.rar b'", "x.rar b' ::error::");
    all(&place, ".");
    place.edit("rules/shared.det", " ::error::", "");
    all(&place, ".");
    place.run(&["build", "--out", "out"]);
    place.edit("rules/packed.det", "::error::owned", "::debug::owned");
    all(&place, ".");
}

#[test]
fn text_of_a_project_file_is_escaped_by_every_command() {
    for line in [
        "skip: [{ rules: [\"packed\"], targets: [sigma], because: \"a\\n::error::b ##[c]\" }]",
        "targets: [\"::error::x\"]",
        "sources: [\"a\\n::error::b\"]",
        "\"::error::x\": 1",
    ] {
        let place = Place::project();
        let text = place.read("arcanary.yaml");
        let key = line.split(':').next().expect("a key");
        let kept: String = text.lines().filter(|l| !l.starts_with(key)).map(|l| format!("{l}\n")).collect();
        place.write("arcanary.yaml", &format!("{kept}{line}\n"));
        all(&place, ".");
    }
}

#[test]
fn what_hides_the_text_around_it_is_a_finding_in_each_file_of_a_project() {
    for c in ['\u{202e}', '\u{1b}', '\u{ffff}', '\u{200b}', '\u{ad}', '\u{fe0f}'] {
        for file in ["rules/packed.det", "arcanary.yaml", "targets/own.yaml", "pack.lock"] {
            let place = Place::locked();
            let before = if Path::new(&place.path(file)).exists() { place.read(file) } else { String::new() };
            let comment = if file.ends_with("det") { "//" } else { "#" };
            place.write(file, &format!("{before}{comment} {c}\n"));
            for command in [&["check"][..], &["build", "--out", "out"], &["pack"]] {
                let err = place.run(command).fails(2);
                assert!(err.contains("error[E0005]") && !err.contains("E0904"), "{file} {c:?}: {err}");
            }
        }
    }
    let place = Place::project();
    let text = place.read("arcanary.yaml");
    for escape in ["\\ufffe", "\\u202e", "\\u200b", "\\u3164", "\\U000e0041", "\\e", "\\x7f"] {
        place.write("arcanary.yaml", &format!("{text}defaults: {{ author: \"a{escape}b\" }}\n"));
        let err = place.run(&["check"]).fails(2);
        assert!(err.contains("error[E0803]: an escape in `arcanary.yaml` stands for U+"), "{err}");
    }
}

#[test]
fn names_of_targets_and_macros_that_no_file_can_have_are_findings() {
    let [most, more] = [100, 101].map(|n| "n".repeat(n));
    for (name, why) in
        [("con", "keeps it for a device"), ("com1", "keeps it for a device"), (&more, "100 characters"), (&most, "")]
    {
        for file in [
            format!("name: {name}\nextends: sentinel\n"),
            format!("name: own\nextends: splunk-sysmon\nmacros: {{ {name}: 'index=x' }}\n"),
        ] {
            let place = Place::project();
            place.write("targets/own.yaml", &file);
            let ran = place.run(&["check"]);
            match why {
                "" => _ = ran.fine(),
                why => {
                    let err = ran.fails(2);
                    assert!(err.contains("error[E0801]") && err.contains(why), "{file}: {err}");
                }
            }
        }
    }
}

#[test]
fn a_rule_names_what_no_file_may_hold_by_its_number() {
    let place = Place::project();
    place.edit(
        "rules/shared.det",
        "runs rar to create and argument under any shares",
        "process.name contains \"\\u{202E}\"",
    );
    place.edit("rules/shared.det", "'C:\\rar.exe', command_line 'rar a \\\\srv\\a\\x.rar b'", "'C:\\rar.exe'");
    place.edit("rules/shared.det", "'C:\\rar.exe'", "\"C:\\\\a\\u{202E}fdp.exe\"");
    place.run(&["check"]).fine();
    place.run(&["test"]).fine();
}

#[test]
fn what_is_not_there_ends_with_2_and_nothing_is_no_name() {
    let place = Place::locked();
    assert!(place.run(&["verify", "nope"]).fails(2).contains("there is no folder `nope`"));
    assert!(place.run(&["verify", "pack.lock"]).fails(2).contains("there is no folder `pack.lock`"));
    place.run(&["verify", ""]).fails(2);
    assert!(place.run(&["diff", "--against", ""]).fails(2).contains("`--against` is empty"));
}

#[test]
fn text_of_a_log_is_escaped_by_eval() {
    let place = Place::project();
    place.write(
        "rules/twice.det",
        "rule twice { title \"Twice\" id 0e2a7c54-5f0b-4c8e-9d51-6f0b8f3b1a22 level low os [windows]\n\
         detect sequence by host within 1h { a: process where process.name is \"rar.exe\"\n\
         b: process where process.name is \"rar.exe\" } }\n",
    );
    let host =
        "##[error]a ##vso[task.complete] \u{1b}[31m\u{9b}31m\u{7f}\u{202e}\u{2028}\u{ffff}\u{e0041}\r\n::error::b";
    let records: String = ["08:30:00.500", "08:30:01.500"]
        .iter()
        .map(|time| {
            let time = format!("2026-11-20 {time}");
            let record = serde_json::json!({
                "EventID": 1, "ProcessGuid": time, "UtcTime": time, "Computer": host, "Image": "C:\\rar.exe", "CommandLine": "rar"
            });
            format!("{record}\n")
        })
        .collect();
    place.write("log.jsonl", &records);
    let out = place.run(&["eval", "rules", "--events", "log.jsonl"]).fine();
    let line = out.strip_suffix('\n').expect("a line");
    assert!(!line.contains("##[") && !line.contains("##vso[") && !line.contains('\n'), "{out:?}");
    assert!(!line.contains(arcanary::escape::is_unclean), "{out:?}");
    let found: serde_json::Value = serde_json::from_str(line).expect("JSON");
    assert_eq!(found["keys"]["host"], host, "{found}");
}

#[test]
fn arguments_that_no_command_knows_are_escaped() {
    let place = Place::project();
    let bad = ["x\u{1b}[31m\u{1b}]0;title\u{7}", "y\n::error::boo", "a##[error]x", "z\t\u{202e}y", "\n##vso[task.x]y"];
    for name in bad {
        let option = format!("--{name}");
        let short = format!("-{name}");
        let value = format!("--format={name}");
        for arguments in [
            &["fmt", option.as_str()][..],
            &["fmt", short.as_str()],
            &["check", value.as_str()],
            &["check", "--format", name],
            &["eval", "--tolerance", name, "--events", "x"],
            &["verify", "dist", name],
            &["publish", "--repo", "x", "--branch", "b", option.as_str()],
            &[name],
            &["--explain", name],
        ] {
            let ran = place.run(arguments);
            assert_eq!(ran.code, 2, "{arguments:?}: {}{}", ran.out, ran.err);
            assert_harmless(&format!("{}\n{}", ran.out, ran.err), &format!("{arguments:?}"));
            assert!(ran.err.split('\n').all(|line| !line.trim_start().starts_with("\\u{3a}")), "one line: {}", ran.err);
        }
    }
}
