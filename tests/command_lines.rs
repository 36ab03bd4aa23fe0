//! Command lines: what the generated regular expressions say of recorded ones and of random ones, and that they mean
//! the same on every engine. `tests/data/command-lines.jsonl` tells what each tool really does.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod oracle;
#[path = "command_lines/plain.rs"]
mod plain;

use arcanary::ir::cmdline::{self, Manner};
use arcanary::ir::paths::{self, Folder};
use arcanary::ir::pattern::Glob;
use arcanary::ir::{FieldRef, Regex};
use arcanary::sema::Project;
use arcanary::source::Span;
use arcanary::vocabulary::{FieldId, Kind, Os, Utility, Verb};
use oracle::arguments::{self, Ask, some_argument};
use oracle::asked::{Asked, asked, generated, joined, questions, utilities};
use oracle::project::{Loaded, files, load, root};
use oracle::random::{Tally, argument_pieces, each_line, lines, pieces, programs};
use oracle::text::{cheap_holds, found};
use oracle::{Event, Value, holds, portable};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// Verbs behind a program that Windows may have started.
const WINDOWS: Manner = Manner { free: false, windows: true };

// ---- recorded command lines ----

struct Case {
    utility: String,
    image: String,
    line: String,
    expect: BTreeMap<String, bool>,
    known_limit: Vec<String>,
}

fn cases() -> Vec<Case> {
    let text = std::fs::read_to_string(root("tests/data/command-lines.jsonl")).unwrap();
    let read = |json: &str| {
        let json: Json = serde_json::from_str(json).unwrap();
        let text = |key: &str| json[key].as_str().unwrap().to_owned();
        Case {
            utility: text("utility"),
            image: text("image"),
            line: text("command_line"),
            expect: serde_json::from_value(json["expect"].clone()).unwrap(),
            known_limit: serde_json::from_value(json.get("known_limit").cloned().unwrap_or_default())
                .unwrap_or_default(),
        }
    };
    text.lines().map(read).collect()
}

/// The event of a case. A copy under another name is known by its original one.
fn event(case: &Case, utility: &Utility) -> Event {
    let text = |s: &str| Value::Text(s.to_owned());
    let mut fields = vec![("executable", text(&case.image)), ("command_line", text(&case.line))];
    let name = case.image.rsplit(['\\', '/']).next().unwrap();
    if !utility.image.iter().any(|i| i.eq_ignore_ascii_case(name)) {
        fields.push(("original_name", text(&utility.original[0])));
    }
    Event::new(Kind::Process, fields)
}

/// The condition that a key of `expect` stands for. The data has the shell and its archive commands as one.
fn condition(utility: &str, key: &str, utilities: &indexmap::IndexMap<String, Utility>) -> String {
    let shell = ["powershell", "powershell_archive"];
    let names = if utility == "powershell" { &shell[..] } else { &[utility] };
    for name in names {
        let utility = utilities.get(*name).unwrap_or_else(|| panic!("no utility `{name}`"));
        match key {
            "unc" => return "argument.is_unc".to_owned(),
            "stream" => return "argument.is_stream".to_owned(),
            _ if utility.verbs.contains_key(key) => return format!("runs {name} to {key}"),
            // A switch of the archive commands is theirs without the word, too.
            _ if utility.switches.contains_key(key) => return format!("runs {name} with {key}"),
            _ => {}
        }
    }
    panic!("`{utility}` has neither a verb nor a switch `{key}`")
}

/// A folder's declarations with a rule for each question about a recorded command line; the rules' names by utility and key.
fn asked_rules(folder: &str) -> (Project, BTreeMap<(String, String), String>) {
    let paths = files(folder);
    let utilities = load(&paths, "").project.utilities;
    let (mut names, mut text) = (BTreeMap::new(), String::new());
    for case in &cases() {
        for key in case.expect.keys() {
            let number = names.len();
            names.entry((case.utility.clone(), key.clone())).or_insert_with(|| {
                let condition = condition(&case.utility, key, &utilities);
                text.push_str(&format!(
                    "rule asked_{number} {{ title \"x\" id 00000000-0000-4000-8000-{number:012} level low \
                     os [windows, linux, macos] detect process where {condition} }}\n"
                ));
                format!("asked_{number}")
            });
        }
    }
    (load(&paths, &text).project, names)
}

/// Puts every recorded verdict to the declarations in a folder; returns how many were put.
fn check_recorded(folder: &str) -> usize {
    let (project, rules) = asked_rules(folder);
    let cases = cases();
    let (mut put, mut failures) = (0, vec![]);
    for case in &cases {
        assert!(case.known_limit.iter().all(|k| case.expect.contains_key(k)), "{}: a limit of nothing", case.line);
        for (key, truth) in &case.expect {
            let rule = &rules[&(case.utility.clone(), key.clone())];
            let body = project.rules[rule].body(&project, Kind::Process, &Os::ALL);
            let limit = case.known_limit.contains(key);
            put += 1;
            if holds(&body.detect, &event(case, &project.utilities[&case.utility])) != (*truth != limit) {
                let what = if limit { "the known limit is gone" } else { "wrong" };
                failures.push(format!("{what}: {} {key}, really {truth}: {}", case.utility, case.line));
            }
        }
    }
    assert!(failures.is_empty(), "{} of {put} verdicts:\n{}", failures.len(), failures.join("\n"));
    put
}

#[test]
fn recorded_command_lines_are_read_as_the_tools_read_them_but_for_known_limits() {
    for folder in ["rules", "tests/cases"] {
        assert_eq!(check_recorded(folder), 1904, "verdicts with the declarations in {folder}");
    }
}

// ---- the regular expressions themselves ----

/// A name with the letters of its class in order.
fn in_order(name: &str) -> String {
    let Some((before, rest)) = name.split_once('[') else { return name.to_owned() };
    let (letters, after) = rest.split_once(']').unwrap();
    let mut letters: Vec<char> = letters.chars().collect();
    letters.sort_unstable();
    format!("{before}[{}]{after}", letters.into_iter().collect::<String>())
}

/// One `(?i:…)` with its names in lower case and in order: declarations may list images as they like. Where the whole
/// expression ignores case, the group says nothing.
fn names_in_order(pattern: &str) -> String {
    let Some((before, rest)) = pattern.split_once(r"\\(?i:") else {
        return pattern.to_owned();
    };
    let (names, after) = rest.split_once(')').unwrap();
    let mut names: Vec<String> = names.split('|').map(|name| in_order(&name.to_lowercase())).collect();
    names.sort();
    format!(r"{before}\\(?i:{}){after}", names.join("|"))
}

#[test]
fn the_expressions_that_were_measured_are_the_ones_generated() {
    let expected = [
        ("sevenzip", &["password"][..], r#"(?i)^[^"]*(?:"[^"]*"[^"]*)*\s["']?-p"#),
        (
            "rar",
            &["password", "encrypt_header"],
            r#"(?i)^[^"]*(?:"[^"]*"[^"]*)*\s["']?[-/](?:p(?:-[^\s"']|[^\-]|$)|hp)"#,
        ),
        (
            "sevenzip",
            &["create"],
            concat!(
                r#"(?i)^\s*(?:"[^"]*"|[^\s"]+|[A-Za-z]:\\[^"*/:<>?|]*\\(?:7z|7za|7zr|7zG|7zz|NanaZipC)(?:\.exe)?)"#,
                r#"(?:\s+(?:'?-|"-[^"]*")[^\s"]*(?:"[^"]*"[^\s"]*)*)*\s+["']?[au](?:[\s"']|$)"#
            ),
        ),
        ("certutil", &["encode"], r#"(?i)^[^"]*(?:"[^"]*"[^"]*)*\s["']?(?:[-/]|–|—|―)encode(?:hex)?(?:[\s"']|$)"#),
        (
            "zip",
            &["password"],
            r#"^[^"]*(?:"[^"]*"[^"]*)*\s["']?(?:-[0-9A-NQS-Yac-hj-mo-ru-wyz@]*P|--pass(?:w(?:o(?:rd?)?)?)?(?:[=\s"']|$))"#,
        ),
    ];
    for folder in ["rules", "tests/cases"] {
        let utilities = load(&files(folder), "").project.utilities;
        for (name, picks, wanted) in expected {
            let utility = &utilities[name];
            let shapes = picks.iter().flat_map(|pick| match utility.verbs.get(*pick) {
                Some(Verb::Shapes(shapes)) => shapes.clone(),
                _ => utility.switches[*pick].clone(),
            });
            let made = cmdline::shapes(&shapes.collect::<Vec<_>>(), utility, WINDOWS);
            let made: Vec<String> = made.iter().map(|r| names_in_order(&r.full())).collect();
            assert_eq!(made, [wanted], "{name} {picks:?} in {folder}");
        }
    }
}

#[test]
fn every_expression_means_the_same_on_every_engine_and_stays_short() {
    let mut seen = 0;
    let mut check = |what: &str, regex: &Regex, longest: usize| {
        let full = regex.full();
        seen += 1;
        assert_eq!(portable::fault(&full), None, "{what}: {full}");
        assert!(full.chars().count() <= longest, "{what} has {} characters: {full}", full.chars().count());
        regex::Regex::new(&full).unwrap_or_else(|e| panic!("{what}: {e}"));
        for filler in ["", "-"] {
            assert!(regex.loose || !found(regex, filler), "{what} matches the filler {filler:?}: {full}");
        }
    };
    for utility in utilities() {
        let alone = asked(&utility).into_iter().map(|a| (a, 400));
        // All switches of a utility in one pattern are more than any rule of the pack asks for.
        for (asked, longest) in alone.chain(joined(&utility).into_iter().map(|a| (a, 800))) {
            asked.regexes.iter().for_each(|regex| check(&asked.what, regex, longest));
        }
        for verb in utility.verbs.keys() {
            let others = cmdline::other_verbs(&utility, verb, WINDOWS);
            others.iter().for_each(|regex| check(&format!("{} not to {verb}", utility.name), regex, 800));
        }
    }
    for (ask, cased) in questions() {
        generated(&ask, cased).iter().for_each(|regex| check(&format!("{ask:?}"), regex, 400));
    }
    assert!(seen >= 200, "only {seen} expressions");
}

// ---- random command lines ----

/// If an expression matches, one of its cheap tests holds.
fn implied(what: &str, regexes: &[Regex], line: &str) -> Result<(), TestCaseError> {
    for regex in regexes.iter().filter(|r| !r.implied.is_empty()) {
        let skipped = found(regex, line) && !regex.implied.iter().any(|c| cheap_holds(c, line));
        prop_assert!(!skipped, "{what}: {:?} would hide {line:?}", regex.implied);
    }
    Ok(())
}

/// Lines for each utility: 20 utilities make 30,000.
const LINES_EACH: u32 = 1_500;

#[test]
fn verbs_and_switches_of_random_lines_are_those_of_the_procedural_reading() {
    let utilities = utilities();
    assert!(utilities.len() * LINES_EACH as usize >= 20_000, "{} utilities", utilities.len());
    let tally = Tally::default();
    for utility in &utilities {
        let asked: Vec<Asked> = asked(utility).into_iter().chain(joined(utility)).collect();
        each_line(LINES_EACH, lines(programs(utility), pieces(utility)), |line| {
            for asked in &asked {
                let (said, read) = (asked.holds(line), asked.read(utility, line));
                prop_assert_eq!(said, read, "{} in {:?}\n{}", &asked.what, line, asked.regexes[0].full());
                tally.note(&asked.what, said);
                implied(&asked.what, &asked.regexes, line)?;
            }
            Ok(())
        });
    }
    tally.assert_both();
}

// ---- arguments ----

#[test]
fn arguments_of_random_lines_are_those_of_the_procedural_reading() {
    let questions: Vec<_> = questions().into_iter().filter(|(ask, _)| !matches!(ask, Ask::Exists)).collect();
    let made: Vec<_> =
        questions.iter().map(|(ask, cased)| (format!("{ask:?}, cased {cased}"), generated(ask, *cased))).collect();
    let tally = Tally::default();
    let programs =
        ["x", "x.exe", " x", "\"C:\\Program Files\\x.exe\"", r"C:\Program Files\x.exe", "\"x", "", "a\"b c\"d"]
            .map(String::from)
            .to_vec();
    each_line(20_000, lines(programs, argument_pieces()), |line| {
        for ((ask, cased), (what, regexes)) in questions.iter().zip(&made) {
            let said = regexes.iter().any(|r| found(r, line));
            prop_assert_eq!(said, some_argument(line, ask, *cased), "{} in {:?}\n{}", what, line, regexes[0].full());
            tally.note(what, said);
            implied(what, regexes, line)?;
        }
        Ok(())
    });
    tally.assert_both();
}

#[test]
fn several_operands_are_any_of_them() {
    let texts = ["my file.txt", "-t7z", r"C:\data", "Documents", "/tmp"].map(String::from);
    let globs: Vec<Glob> = texts.iter().map(|t| Glob::parse(&format!("{t}*")).unwrap()).collect();
    let folders: Vec<Folder> = texts.iter().map(|t| Folder::parse(t).unwrap()).collect();
    type Make = fn(String) -> Ask;
    let all: [(Make, Vec<Regex>, &[String]); 6] = [
        (Ask::Is, vec![cmdline::argument_is(&texts, false)], &texts),
        (|t| Ask::Like(t + "*"), vec![cmdline::argument_like(&globs, false)], &texts),
        (Ask::StartsWith, vec![cmdline::argument_starts(&texts, false)], &texts),
        (Ask::EndsWith, vec![cmdline::argument_ends(&texts, false)], &texts),
        (Ask::Contains, vec![cmdline::argument_contains(&texts, false)], &texts),
        (Ask::Under, cmdline::argument_under(&folders, false), &texts),
    ];
    let tally = Tally::default();
    each_line(3_000, lines(vec!["x".to_owned()], argument_pieces()), |line| {
        for (make, regexes, texts) in &all {
            let what = format!("{:?} and others", make(String::new()));
            let said = regexes.iter().any(|r| found(r, line));
            let read = texts.iter().any(|t| some_argument(line, &make(t.clone()), false));
            prop_assert_eq!(said, read, "{} in {:?}", &what, line);
            tally.note(&what, said);
            implied(&what, regexes, line)?;
        }
        Ok(())
    });
    tally.assert_both();
}

#[test]
fn an_argument_exists_where_something_follows_the_program() {
    let rule = "rule asked { title \"x\" id 00000000-0000-4000-8000-000000000000 level low os [windows] detect process where argument exists }";
    let Loaded { project, .. } = load(&[], rule);
    let detect = project.rules["asked"].body(&project, Kind::Process, &[Os::Windows]).detect.clone();
    let tally = Tally::default();
    let programs = ["x", " x", "\"a b\"", "\"a b", ""].map(String::from).to_vec();
    each_line(2_000, lines(programs, vec![["", "", "", "x", "\""].map(String::from).to_vec()]), |line| {
        let said = holds(&detect, &Event::process("x.exe", line));
        prop_assert_eq!(said, some_argument(line, &Ask::Exists, true), "{:?}", line);
        tally.note("exists", said);
        Ok(())
    });
    tally.assert_both();
}

#[test]
fn paths_lie_under_the_folders_of_the_procedural_reading() {
    let folders: Vec<String> =
        questions().into_iter().filter_map(|(ask, _)| if let Ask::Under(f) = ask { Some(f) } else { None }).collect();
    let mut steps: Vec<String> = ["C:", "d:", "x", "é", "", "Temp", "data", "srv", "\n"].map(String::from).to_vec();
    for folder in &folders {
        let bare = folder.trim_start_matches(':');
        steps.extend([
            bare.to_owned(),
            bare.replace('\\', "/"),
            bare.replace('\\', r"\\"),
            bare.to_uppercase(),
            format!("{bare}x"),
            format!(r"C:{bare}\x"),
            format!(r"{bare}\x"),
        ]);
    }
    let step = (select(steps), select(vec!["\\", "/", "\\\\", "", ""]));
    let path = prop::collection::vec(step, 0..4);
    let path = path.prop_map(|all| all.into_iter().map(|(step, separator)| step + separator).collect::<String>());
    let tally = Tally::default();
    each_line(20_000, path, |path| {
        let event = Event::new(Kind::Process, [("executable", Value::Text(path.to_owned()))]);
        for folder in &folders {
            for (cased, os) in [(false, Os::Windows), (true, Os::Windows), (false, Os::Linux), (true, Os::Linux)] {
                let field = FieldRef { id: FieldId::find("executable").unwrap(), step: None };
                let place = Span::new(arcanary::source::Sources::default().add("x", ""), 0, 0);
                let asked = paths::under(field, &[Folder::parse(folder).unwrap()], &[os], cased, place);
                let said = holds(&asked, &event);
                let read = arguments::path_under(path, &arguments::Folder::parse(folder), os == Os::Windows, cased);
                prop_assert_eq!(said, read, "{:?} under {} on {}", path, folder, os.word());
                tally.note(folder, said);
            }
        }
        Ok(())
    });
    tally.assert_both();
}

// ---- cheap tests ----

/// A recorded line as it is and as somebody else might write it.
fn mutations(line: &str) -> Vec<String> {
    let quoted = line.split(' ').map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(" ");
    let single = line.replacen(' ', " '", 3);
    let open = line.replacen(' ', " \"", 1);
    let mut all = vec![line.to_owned(), line.replace(' ', "\t"), line.replace(' ', "\r\n"), quoted, single, open];
    for i in 0..all.len() {
        all.push(all[i].to_uppercase());
        all.push(all[i].to_lowercase());
    }
    all
}

#[test]
fn cheap_tests_never_hide_a_recorded_command_line() {
    let lines: Vec<String> = cases().iter().flat_map(|c| mutations(&c.line)).collect();
    let (mut checked, mut spared) = (0, 0);
    for utility in utilities() {
        for asked in asked(&utility).iter().chain(&joined(&utility)) {
            for regex in asked.regexes.iter().filter(|r| !r.implied.is_empty()) {
                for line in &lines {
                    checked += 1;
                    let passes = regex.implied.iter().any(|c| cheap_holds(c, line));
                    spared += usize::from(!passes);
                    assert!(passes || !found(regex, line), "{}: {:?} would hide {line:?}", asked.what, regex.implied);
                }
            }
        }
    }
    // A test that every line passes would be cheap and worthless.
    assert!(spared * 2 > checked, "{spared} of {checked} spared");
}
