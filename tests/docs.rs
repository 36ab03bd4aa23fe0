//! Tests of the documentation: every example in `README.md` and `docs/*.md` is compiled, loaded or run, every link leads
//! somewhere, and the tables of fields, targets and codes match the program's own.
//!
//! The info string of a fenced block decides how it is tested:
//!
//! | info string | the block |
//! |---|---|
//! | `det` | whole items, without any others |
//! | `det pack` | whole items, with the shipped pack's utilities, lists and exceptions |
//! | `det entries` | entries of a rule, with the same |
//! | `… error CODE` | has findings of exactly this code (`E09…`: when compiled; `E0703`: its tests fail) |
//! | `yaml target`, `yaml project` | loads as a target file, as `arcanary.yaml` |
//! | `yaml`, `json`, `jsonl` | parses |
//! | `text shapes` | declarations and conditions with their regular expressions, matching and other command lines |
//! | `console` | `$ arcanary …` prints the shown output |
//! | `… file=PATH` | is written to this file for the page's next `console` blocks |
//! | `console in=FOLDER` | starts in this folder |
//!
//! In `console` blocks, `…` stands for any text in a line or, on its own line, for any lines. The blocks of a page share a
//! folder with a copy of `rules`. `$ cd DIR`, `$ cat FILE`, `$ rm FILE`, `$ echo $?` and `$ git …` work; other commands are
//! skipped. `UPDATE_DOCS=1` writes `docs/diagnostics.md`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod oracle;

use arcanary::diagnostic::{Code, Severity, Style, to_text};
use arcanary::ir::{Matcher, Op, Regex, Text, cmdline};
use arcanary::project::Config;
use arcanary::sema::Project;
use arcanary::source::Sources;
use arcanary::syntax::ast::{TestInput, Verdict};
use arcanary::target::Targets;
use arcanary::vocabulary::Verb;
use arcanary::vocabulary::fields::{self, FieldId, Kind, Type};
use arcanary::{compile, sema, syntax};
use oracle::{Event, Value};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn read(path: &str) -> String {
    fs::read_to_string(root(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// `README.md`, if it is there, and every page of `docs`.
fn pages() -> Vec<String> {
    let mut found: Vec<String> = fs::read_dir(root("docs"))
        .expect("docs")
        .map(|e| format!("docs/{}", e.expect("an entry").file_name().to_string_lossy()))
        .filter(|name| name.ends_with(".md"))
        .collect();
    found.sort();
    if root("README.md").exists() {
        found.insert(0, "README.md".to_owned());
    }
    assert!(found.len() > 5, "{found:?}");
    found
}

/// A fenced block.
struct Block {
    page: String,
    /// The line of its opening fence, from 1.
    line: usize,
    words: Vec<String>,
    text: String,
}

impl Block {
    fn place(&self) -> String {
        format!("{}:{}", self.page, self.line)
    }

    fn is(&self, words: &[&str]) -> bool {
        self.words.iter().map(String::as_str).take(words.len()).eq(words.iter().copied())
    }

    fn has(&self, word: &str) -> bool {
        self.words.iter().any(|w| w == word)
    }

    /// The codes that it is meant to be answered with.
    fn expected(&self) -> BTreeSet<&str> {
        let at = self.words.iter().position(|w| w == "error").unwrap_or(self.words.len());
        self.words.iter().skip(at + 1).map(String::as_str).filter(|w| !w.contains('=')).collect()
    }

    fn file(&self) -> Option<&str> {
        self.value("file=")
    }

    /// What stands behind `key` in the info string.
    fn value(&self, key: &str) -> Option<&str> {
        self.words.iter().find_map(|w| w.strip_prefix(key))
    }
}

fn blocks(page: &str) -> Vec<Block> {
    let mut found: Vec<Block> = vec![];
    let mut open: Option<(String, Block)> = None;
    for (i, line) in read(page).lines().enumerate() {
        let fence: String = line.trim_start().chars().take_while(|c| *c == '`').collect();
        match &mut open {
            Some((mark, _)) if *mark == line.trim() => found.extend(open.take().map(|(_, block)| block)),
            Some((_, block)) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            None if fence.len() >= 3 => {
                let words = line.trim().trim_start_matches('`').split_whitespace().map(str::to_owned).collect();
                open = Some((fence, Block { page: page.to_owned(), line: i + 1, words, text: String::new() }));
            }
            None => {}
        }
    }
    assert!(open.is_none(), "{page}: a fence is never closed");
    found
}

fn all_blocks() -> Vec<Block> {
    pages().iter().flat_map(|page| blocks(page)).collect()
}

/// Fails with every place at which something is wrong.
fn none_of(wrong: &[String]) {
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

// ---- the language ----

/// What `det entries` blocks leave out; the line breaks keep its findings' lines apart from theirs.
const HEAD: &str =
    "rule example { title \"Example\" id 00000000-0000-4000-8000-000000000001 level low os [windows, linux, macos]\n";

struct Compiled {
    sources: Sources,
    project: Project,
    findings: Vec<arcanary::diagnostic::Diagnostic>,
}

fn resolve(block: &Block) -> Compiled {
    let entries = block.has("entries");
    let mut files = vec![];
    if entries || block.has("pack") {
        files.extend(oracle::project::files("rules/utilities"));
        files.extend(["rules/lists.det", "rules/exceptions.det"].map(root));
    }
    let mut sources = Sources::new();
    let mut parsed = vec![];
    for file in files {
        let text = fs::read_to_string(&file).expect("a file of the pack");
        let id = sources.add(file.display().to_string(), text.clone());
        parsed.push(syntax::parse(id, &text));
    }
    let text = if entries { format!("{HEAD}{}}}\n", block.text) } else { block.text.clone() };
    let id = sources.add(format!("block at {}", block.place()), text.clone());
    parsed.push(syntax::parse(id, &text));
    let (project, findings) = sema::resolve(parsed, &indexmap::IndexMap::new());
    Compiled { sources, project, findings }
}

impl Compiled {
    /// What targets answer. Targets lack things, so `E0901` is no surprise unless it was asked for.
    fn compile(&self) -> BTreeSet<&'static str> {
        let targets = Targets::built_in();
        let rules = self.project.rules.values();
        rules
            .flat_map(|rule| targets.all.values().filter_map(|t| compile::compile(rule, &self.project, t).err()))
            .flatten()
            .map(|d| d.code.id())
            .collect()
    }

    /// The tests that rules over single events carry.
    fn failing_tests(&self) -> Vec<String> {
        let mut wrong = vec![];
        for rule in self.project.rules.values().filter(|r| r.over_several_events().is_none()) {
            for test in &rule.tests {
                let TestInput::Events(events) = &test.input else { continue };
                let seen = events
                    .iter()
                    .map(|e| oracle::verdict(rule, &self.project, &Event::inline(e)))
                    .next()
                    .unwrap_or_default();
                let flags: BTreeSet<&str> = seen.flags.iter().map(String::as_str).collect();
                let holds = match &test.verdict {
                    Verdict::Fires(None) => seen.fires(),
                    Verdict::Fires(Some(named)) => {
                        seen.fires() && flags == named.names.iter().map(|n| n.text.as_str()).collect()
                    }
                    Verdict::Silent => !seen.detected,
                    Verdict::Excepted(title) => seen.detected && seen.excepted_by.contains(&title.value),
                };
                if !holds {
                    wrong.push(format!("test {:?} of `{}`: {seen:?}", test.title.value, rule.name));
                }
            }
        }
        wrong
    }
}

fn judge(block: &Block) -> Result<(), String> {
    let compiled = resolve(block);
    let expected = block.expected();
    let shown = || compiled.findings.iter().map(|d| to_text(d, &compiled.sources, Style::Plain)).collect::<String>();
    let late = expected.iter().any(|c| c.starts_with("E09"));
    let tests_fail = expected.contains("E0703");
    if !expected.is_empty() && !late && !tests_fail {
        let found: BTreeSet<&str> = compiled.findings.iter().map(|d| d.code.id()).collect();
        return if found == expected { Ok(()) } else { Err(format!("{found:?}, not {expected:?}\n{}", shown())) };
    }
    if !compiled.findings.is_empty() {
        return Err(format!("does not resolve\n{}", shown()));
    }
    let mut answered = compiled.compile();
    // A rule that is not for some target is no error.
    answered.remove("E0906");
    if !late {
        answered.remove("E0901");
    }
    if !tests_fail && answered != expected {
        return Err(format!("targets answer {answered:?}, not {expected:?}"));
    }
    let failing = compiled.failing_tests();
    if failing.is_empty() != tests_fail { Ok(()) } else { Err(format!("failing tests: {}", failing.join("\n"))) }
}

#[test]
fn every_rule_utility_and_list_resolves_or_is_refused_as_said() {
    let blocks: Vec<Block> = all_blocks().into_iter().filter(|b| b.is(&["det"])).collect();
    assert!(blocks.len() > 10, "{} blocks", blocks.len());
    let wrong: Vec<String> =
        blocks.iter().filter_map(|b| judge(b).err().map(|why| format!("{}: {why}", b.place()))).collect();
    none_of(&wrong);
}

// ---- command lines ----

/// The regular expressions that a verb, a switch or a condition on the command line becomes.
fn patterns(declaration: &str) -> Vec<String> {
    let is_shape = |word: &str| declaration.split_whitespace().any(|w| w == word);
    let shape = is_shape("verb") || is_shape("switch");
    let text = if shape {
        format!("utility u \"U\" {{ os [windows] image [\"u.exe\"] values \"b\" {declaration} }}")
    } else {
        format!("{HEAD} detect process where {declaration}\n }}")
    };
    let mut sources = Sources::new();
    let id = sources.add(declaration, text.clone());
    let (project, findings) = sema::resolve(vec![syntax::parse(id, &text)], &indexmap::IndexMap::new());
    let shown: String = findings.iter().map(|d| to_text(d, &sources, Style::Plain)).collect();
    assert!(findings.is_empty(), "{shown}");
    if let Some(utility) = project.utilities.values().next() {
        let verbs =
            utility.verbs.values().filter_map(|v| if let Verb::Shapes(shapes) = v { Some(shapes) } else { None });
        let all: Vec<_> = verbs.chain(utility.switches.values()).flatten().cloned().collect();
        return cmdline::shapes(&all, utility, cmdline::Manner { free: false, windows: true })
            .iter()
            .map(Regex::full)
            .collect();
    }
    let mut found = vec![];
    let rule = project.rules.values().next().expect("a rule");
    rule.body(&project, Kind::Process, &rule.meta.os).detect.each_test(&mut |test| {
        if let Op::Text(Text { matcher: Matcher::Regex(regex), .. }) = &test.op {
            found.push(regex.full());
        }
    });
    found
}

/// What an entry of a `text shapes` block says that is not so.
fn wrong_shape(declaration: &str, claims: &[&str]) -> Vec<String> {
    let real = patterns(declaration);
    let of = |key: &str| claims.iter().filter_map(|c| c.trim().strip_prefix(key)).map(str::trim).collect::<Vec<_>>();
    let mut wrong = vec![];
    if of("regex ") != real {
        wrong.push(format!(
            "`{declaration}` becomes\n{}",
            real.iter().map(|r| format!("  regex {r}\n")).collect::<String>()
        ));
    }
    let compiled: Vec<regex::Regex> = real.iter().map(|r| regex::Regex::new(r).expect("valid")).collect();
    for (key, wanted) in [("yes ", true), ("no ", false)] {
        for example in of(key).into_iter().flat_map(|l| l.split(" · ")) {
            let line = format!("u.exe {}", example.trim());
            if compiled.iter().any(|r| r.is_match(&line)) != wanted {
                wrong.push(format!("`{declaration}` of `{line}` is not {wanted}"));
            }
        }
    }
    wrong
}

#[test]
fn every_shape_has_the_expression_and_the_verdicts_that_are_shown() {
    let (mut wrong, mut seen) = (vec![], 0);
    for block in all_blocks().iter().filter(|b| b.is(&["text", "shapes"])) {
        let lines: Vec<&str> = block.text.lines().filter(|l| !l.is_empty()).collect();
        let heads: Vec<usize> = lines.iter().enumerate().filter(|(_, l)| !l.starts_with(' ')).map(|(i, _)| i).collect();
        for (n, at) in heads.iter().enumerate() {
            let end = heads.get(n + 1).copied().unwrap_or(lines.len());
            seen += 1;
            wrong.extend(
                wrong_shape(lines[*at], &lines[at + 1..end]).into_iter().map(|why| format!("{}: {why}", block.place())),
            );
        }
    }
    assert!(seen > 10, "{seen} shapes");
    none_of(&wrong);
}

#[test]
fn the_measured_numbers_are_those_of_the_data() {
    let (mut lines, mut verdicts, mut limits) = (0, 0, 0);
    for line in read("tests/data/command-lines.jsonl").lines() {
        let case: serde_json::Value = serde_json::from_str(line).expect("JSON");
        lines += 1;
        verdicts += case["expect"].as_object().map_or(0, serde_json::Map::len);
        limits += case["known_limit"].as_array().map_or(0, Vec::len);
    }
    let rows = table("docs/command-lines.md", "measured");
    let shown: Vec<String> = rows[0].1.iter().map(|c| c.replace(',', "")).collect();
    assert_eq!(shown, [lines, verdicts, limits].map(|n: usize| n.to_string()), "docs/command-lines.md:{}", rows[0].0);
}

// ---- project and target files ----

fn yaml(block: &Block) -> Result<(), String> {
    if block.has("target") {
        let mut sources = Sources::new();
        let id = sources.add(format!("block at {}", block.place()), block.text.clone());
        let found = Targets::built_in().add(id, &sources);
        let codes: BTreeSet<&str> = found.iter().map(|d| d.code.id()).collect();
        let shown: String = found.iter().map(|d| to_text(d, &sources, Style::Plain)).collect();
        return if codes == block.expected() { Ok(()) } else { Err(shown) };
    }
    if block.has("project") {
        return serde_yaml::from_str::<Config>(&block.text).map(|_| ()).map_err(|e| e.to_string());
    }
    serde_yaml::from_str::<serde_yaml::Value>(&block.text).map(|_| ()).map_err(|e| e.to_string())
}

#[test]
fn every_project_file_target_file_and_manifest_loads() {
    let mut wrong = vec![];
    for block in all_blocks() {
        let answer = match block.words.first().map(String::as_str) {
            Some("yaml") => yaml(&block),
            Some("json") => {
                serde_json::from_str::<serde_json::Value>(&block.text).map(|_| ()).map_err(|e| e.to_string())
            }
            Some("jsonl") => {
                let mut lines = block.text.lines().map(serde_json::from_str::<serde_json::Value>);
                lines.try_for_each(|value| value.map(drop)).map_err(|e| e.to_string())
            }
            Some(
                "det" | "console" | "text" | "diff" | "ebnf" | "kql" | "spl" | "sh" | "bash" | "rust" | "toml"
                | "mermaid",
            ) => Ok(()),
            other => Err(format!("nothing is known of blocks tagged {other:?}: see tests/docs.rs")),
        };
        wrong.extend(answer.err().map(|why| format!("{}: {why}", block.place())));
    }
    none_of(&wrong);
}

// ---- the command line ----

/// The folder that a page's `console` blocks run in.
struct Terminal {
    folder: tempfile::TempDir,
    here: PathBuf,
    code: i32,
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry").path();
        let target = to.join(entry.file_name().expect("a name"));
        if entry.is_dir() { copy(&entry, &target) } else { fs::copy(&entry, &target).map(|_| ()).expect("a copy") }
    }
}

/// Words of a command, quotes taken off.
fn words(command: &str) -> Vec<String> {
    let mut out: Vec<String> = vec![];
    let (mut quote, mut inside) = (None, false);
    for c in command.chars() {
        match (quote, c) {
            (Some(q), c) if q == c => quote = None,
            (None, '\'' | '"') => quote = Some(c),
            (None, c) if c.is_whitespace() => {
                inside = false;
                continue;
            }
            (None, '|' | '>' | '<' | ';' | '&') => panic!("`{command}`: no shell is at work here"),
            (_, c) => {
                if inside {
                    out.last_mut().expect("a word").push(c)
                } else {
                    out.push(c.to_string())
                }
                inside = true;
                continue;
            }
        }
        if !inside {
            out.push(String::new());
            inside = true;
        }
    }
    out
}

impl Terminal {
    fn new() -> Terminal {
        let folder = tempfile::tempdir().expect("a folder");
        copy(&root("rules"), &folder.path().join("rules"));
        let here = folder.path().to_path_buf();
        Terminal { folder, here, code: 0 }
    }

    /// What a command prints, both streams in the order of writing; `None` for commands that are not run.
    fn run(&mut self, command: &str) -> Option<String> {
        let command = command.split(" #").next().unwrap_or(command);
        if !["arcanary", "git", "cd", "cat", "rm", "echo"].contains(&command.split(' ').next().unwrap_or("")) {
            return None;
        }
        let words = words(command);
        let rest: Vec<&str> = words.iter().skip(1).map(String::as_str).collect();
        match (words.first().map(String::as_str), rest.as_slice()) {
            (Some("arcanary"), args) => Some(self.program(env!("CARGO_BIN_EXE_arcanary"), args)),
            (Some("git"), args) => Some(self.program("git", args)),
            (Some("rm"), [file]) => {
                fs::remove_file(self.here.join(file)).unwrap_or_else(|e| panic!("{file}: {e}"));
                Some(String::new())
            }
            (Some("cd"), [folder]) => {
                self.here = self.here.join(folder);
                Some(String::new())
            }
            (Some("cat"), [file]) => {
                Some(fs::read_to_string(self.here.join(file)).unwrap_or_else(|e| panic!("{file}: {e}")))
            }
            (Some("echo"), ["$?"]) => Some(format!("{}\n", self.code)),
            _ => None,
        }
    }

    fn program(&mut self, program: &str, args: &[&str]) -> String {
        let mut out = tempfile::tempfile().expect("a file");
        let stream = || Stdio::from(out.try_clone().expect("a stream"));
        let mut command = Command::new(program);
        // A page's repositories know nothing of this machine's.
        command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
        for (role, name) in [("AUTHOR", "A Reader"), ("COMMITTER", "A Reader")] {
            command.env(format!("GIT_{role}_NAME"), name).env(format!("GIT_{role}_EMAIL"), "reader@example.org");
        }
        command.args(args).current_dir(&self.here).stdin(Stdio::null()).stdout(stream()).stderr(stream());
        for variable in ["CLICOLOR_FORCE", "FORCE_COLOR", "COLUMNS"] {
            command.env_remove(variable);
        }
        self.code = command.status().expect("the program").code().unwrap_or(-1);
        let mut text = String::new();
        std::io::Seek::rewind(&mut out).expect("a file");
        std::io::Read::read_to_string(&mut out, &mut text).expect("text");
        text
    }
}

/// Whether `shown` is `real`, with `…` for any text.
fn same_line(shown: &str, real: &str) -> bool {
    let (shown, real) = (shown.trim_end(), real.trim_end());
    let Some((head, tail)) = shown.split_once('…') else { return shown == real };
    let Some(mut rest) = real.strip_prefix(head) else { return false };
    let mut parts: Vec<&str> = tail.split('…').collect();
    let last = parts.pop().unwrap_or("");
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.len() >= last.len() && rest.ends_with(last)
}

/// The first shown line that has no real one, if any.
fn mismatch(shown: &[&str], real: &[&str]) -> Option<String> {
    match (shown.split_first(), real.split_first()) {
        (None, None) => None,
        (None, Some((extra, _))) => Some(format!("prints more: {extra}")),
        (Some((line, rest)), _) if line.trim() == "…" => {
            if rest.is_empty() || (0..=real.len()).any(|skip| mismatch(rest, &real[skip..]).is_none()) {
                return None;
            }
            Some(format!("behind `…` nothing fits: {}", rest[0]))
        }
        (Some((line, _)), None) => Some(format!("does not print: {line}")),
        (Some((line, rest)), Some((there, behind))) => {
            if same_line(line, there) {
                mismatch(rest, behind)
            } else {
                Some(format!("shows:  {line}\n  prints: {there}"))
            }
        }
    }
}

fn trimmed<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut lines: Vec<&str> = lines.collect();
    while lines.last().is_some_and(|l| l.trim().is_empty()) {
        lines.pop();
    }
    lines
}

fn play(block: &Block, terminal: &mut Terminal) -> Vec<String> {
    terminal.here = terminal.folder.path().join(block.value("in=").unwrap_or(""));
    let mut wrong = vec![];
    let lines: Vec<&str> = block.text.lines().collect();
    let commands: Vec<usize> = lines.iter().enumerate().filter(|(_, l)| l.starts_with("$ ")).map(|(i, _)| i).collect();
    for (n, at) in commands.iter().enumerate() {
        let end = commands.get(n + 1).copied().unwrap_or(lines.len());
        let Some(real) = terminal.run(&lines[*at][2..]) else { continue };
        let shown = trimmed(lines[at + 1..end].iter().copied());
        if let Some(why) = mismatch(&shown, &trimmed(real.lines())) {
            let line = block.line + 1 + at;
            let start: Vec<&str> = real.lines().take(40).collect();
            wrong.push(format!("{}:{line}: {}\n  {why}\n  it prints:\n{}", block.page, lines[*at], start.join("\n")));
        }
    }
    wrong
}

#[test]
fn every_command_prints_what_is_shown() {
    let (mut wrong, mut ran) = (vec![], 0);
    for page in pages() {
        let mut terminal = Terminal::new();
        for block in blocks(&page) {
            if let Some(file) = block.file() {
                let file = terminal.folder.path().join(file);
                fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
                fs::write(file, &block.text).expect("a file");
            }
            if block.is(&["console"]) {
                ran += 1;
                wrong.extend(play(&block, &mut terminal));
            }
        }
    }
    assert!(ran > 8, "{ran} blocks ran");
    none_of(&wrong);
}

#[test]
fn an_ellipsis_stands_for_any_text_and_any_lines() {
    assert!(same_line("a…d", "a b c d") && same_line("…", "") && same_line("x…", "x") && !same_line("a…d…e", "a d"));
    assert_eq!(mismatch(&["a", "…", "d"], &["a", "b", "c", "d"]), None);
    assert!(mismatch(&["a"], &["a", "b"]).is_some() && mismatch(&["a", "…", "e"], &["a", "b"]).is_some());
}

// ---- links ----

/// A page's lines outside of fenced blocks, each with its number.
fn prose(page: &str) -> Vec<(usize, String)> {
    let (mut open, mut found) = (None, vec![]);
    for (i, line) in read(page).lines().enumerate() {
        let fence: String = line.trim_start().chars().take_while(|c| *c == '`').collect();
        match &open {
            Some(mark) if *mark == line.trim() => open = None,
            None if fence.len() >= 3 => open = Some(fence),
            None => found.push((i + 1, line.to_owned())),
            Some(_) => {}
        }
    }
    found
}

/// A heading as GitHub makes an anchor of it.
fn anchor(heading: &str) -> String {
    let kept = heading.to_lowercase().replace(' ', "-");
    kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_')).collect()
}

/// The anchors of a page: its headings, and `<a id="…">`.
fn anchors(page: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (_, line) in prose(page) {
        if let Some(heading) = line.strip_prefix('#') {
            found.insert(anchor(heading.trim_start_matches('#').trim()));
        }
        found.extend(line.split("<a id=\"").skip(1).filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())));
    }
    found
}

#[test]
fn every_link_leads_to_a_file_and_an_anchor_that_are_there() {
    let (mut wrong, mut seen) = (vec![], 0);
    let around = ["ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"].map(str::to_owned);
    for page in pages().into_iter().chain(around) {
        for (i, line) in prose(&page) {
            let links = line.split("](").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0));
            for link in links.filter(|link| !link.contains("://")) {
                seen += 1;
                let (path, anchor) = link.split_once('#').map_or((link, None), |(path, anchor)| (path, Some(anchor)));
                let folder = Path::new(&page).parent().unwrap_or(Path::new(""));
                let target = if path.is_empty() { page.clone() } else { folder.join(path).display().to_string() };
                let there = root(&target).exists()
                    && anchor.is_none_or(|a| target.ends_with(".md") && anchors(&target).contains(a));
                if !there {
                    wrong.push(format!("{page}:{i}: {link}"));
                }
            }
        }
    }
    assert!(seen > 100, "{seen} links");
    none_of(&wrong);
}

#[test]
fn an_anchor_is_what_github_makes_of_a_heading() {
    for (heading, expected) in [("`when available`", "when-available"), ("diff, pack, verify", "diff-pack-verify")] {
        assert_eq!(anchor(heading), expected);
    }
}

// ---- tables ----

/// The rows of the table between `<!-- NAME -->` and `<!-- /NAME -->`: line number, cells without backticks.
fn table(page: &str, name: &str) -> Vec<(usize, Vec<String>)> {
    let (text, open, close) = (read(page), format!("<!-- {name} -->"), format!("<!-- /{name} -->"));
    let lines = text.lines().enumerate().skip_while(|(_, l)| *l != open).take_while(|(_, l)| *l != close);
    let rows = lines.filter(|(_, l)| l.starts_with('|') && !l.starts_with("|--")).skip(1);
    let cells = |l: &str| l.trim_matches('|').split(" | ").map(|c| c.trim().replace('`', "")).collect();
    let found: Vec<_> = rows.map(|(i, l)| (i + 1, cells(l))).collect();
    assert!(!found.is_empty(), "{page} has no table `{name}`");
    found
}

fn type_word(ty: Type) -> String {
    match ty {
        Type::String => "string".into(),
        Type::Path => "path".into(),
        Type::Argument => "argument".into(),
        Type::Bool => "bool".into(),
        Type::Int => "int".into(),
        Type::Size => "size".into(),
        Type::Time => "time".into(),
        Type::Hash(64) => "SHA-256".into(),
        Type::Hash(40) => "SHA-1".into(),
        Type::Hash(_) => "MD5".into(),
        Type::Ip => "ip".into(),
        Type::Identity => "identity".into(),
        Type::Enum(words) => words.join(", "),
    }
}

/// The fields of a page's section: those of one kind, or of every kind.
fn section(field: FieldId) -> &'static str {
    let def = field.def();
    match def.kinds {
        [kind] => kind.word(),
        _ if def.ecs.starts_with("process.") || def.ecs.starts_with("argument") => "acting",
        _ => "every",
    }
}

#[test]
fn the_reference_lists_every_field_with_its_names_and_type() {
    let page = "docs/language.md";
    let mut wrong = vec![];
    let sections =
        ["every", "acting"].into_iter().chain(Kind::ALL.into_iter().map(Kind::word).filter(|k| *k != "process"));
    for name in sections {
        let rows = table(page, &format!("fields {name}"));
        let mut missing: Vec<FieldId> = fields::all().filter(|f| !f.def().parent && section(*f) == name).collect();
        for (line, cells) in rows {
            let found = missing.iter().position(|f| f.short() == cells[0]).map(|i| missing.remove(i));
            let Some(field) = found else {
                wrong.push(format!("{page}:{line}: `{}` is no such field, or stands there twice", cells[0]));
                continue;
            };
            let def = field.def();
            if cells[1] != def.ecs || cells[2] != type_word(def.ty) {
                wrong.push(format!("{page}:{line}: `{}` is {} of type {}", def.short, def.ecs, type_word(def.ty)));
            }
            let parent = field.of_parent().filter(|_| name == "acting").map(FieldId::short);
            if parent.is_some_and(|p| cells[3] != p) {
                wrong.push(format!("{page}:{line}: the parent's is {parent:?}"));
            }
        }
        wrong.extend(missing.iter().map(|f| format!("{page}: table `fields {name}` lacks `{}`", f.short())));
    }
    none_of(&wrong);
}

#[test]
fn the_reference_lists_the_reserved_words() {
    let text = read("docs/language.md");
    let line = text.lines().skip_while(|l| *l != "<!-- reserved -->").nth(1).unwrap_or("");
    let shown: BTreeSet<&str> = line.split('`').nth(1).unwrap_or("").split(' ').collect();
    let real: BTreeSet<&str> = syntax::RESERVED.into_iter().chain(["true", "false"]).collect();
    assert_eq!(shown, real);
}

#[test]
fn the_page_of_targets_lists_the_built_in_ones() {
    let page = "docs/targets.md";
    let targets = Targets::built_in();
    let rows: Vec<Vec<String>> = table(page, "targets").into_iter().map(|(_, cells)| cells).collect();
    let real: Vec<Vec<String>> = targets
        .all
        .values()
        .map(|t| {
            let kinds: Vec<&str> = t.sources.keys().map(|k| k.word()).collect();
            vec![t.name.clone(), t.title.clone(), t.language.extension().to_owned(), kinds.join(", ")]
        })
        .collect();
    let shown: Vec<Vec<String>> = rows.iter().map(|r| r[..4].to_vec()).collect();
    assert_eq!(shown, real, "{page}: name, title, extension, kinds");
}

// ---- seeds ----

/// The event that a cell of `docs/seeds.md` speaks of: "`COMMAND` (IMAGE, renamed NAME, under PARENT)", or a script block.
fn seed_event(cell: &str) -> Event {
    let (before, rest) = cell.split_once('`').expect("a command in backticks");
    let (command, after) = rest.split_once('`').expect("a command in backticks");
    let command = command.replace("\\|", "|");
    let text = |t: &str| Value::Text(t.to_owned());
    if before.trim() == "script block" {
        return Event::new(Kind::Script, [("script.text", text(&command))]);
    }
    let program = match command.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next(),
        None => command.split(' ').next(),
    };
    let (mut image, mut fields) = (program.unwrap_or("").to_owned(), vec![]);
    for remark in after.trim().trim_matches(['(', ')']).split(", ").filter(|r| !r.is_empty()) {
        match remark.split_once(' ') {
            Some(("renamed", name)) => fields.push(("original_name", text(name))),
            Some(("under", name)) => fields.push(("parent.executable", text(&format!(r"C:\Windows\System32\{name}")))),
            _ if !image.contains('\\') => image = remark.to_owned(),
            _ => {}
        }
    }
    if !image.contains('.') {
        image.push_str(".exe");
    }
    if !image.contains('\\') {
        image = format!(r"C:\Windows\System32\{image}");
    }
    fields.extend([("executable", text(&image)), ("command_line", text(&command))]);
    Event::new(Kind::Process, fields)
}

/// Names in backticks, or of a list; `silent` and `nothing` are none.
fn named(cell: &str) -> BTreeSet<String> {
    let words = cell.split([',', ' ', '`']).filter(|w| !w.is_empty() && !["silent", "nothing", "fires"].contains(w));
    words.map(str::to_owned).collect()
}

#[test]
fn the_page_of_seeds_says_what_the_rules_do() {
    let page = "docs/seeds.md";
    let pack = oracle::project::load(&oracle::project::files("rules"), "").project;
    let see = |rule: &str, event: &Event| oracle::verdict(&pack.rules[rule], &pack, event);
    let (mut seed, mut columns, mut wrong, mut seen) = (String::new(), vec![], vec![], 0);
    for (i, line) in read(page).lines().enumerate() {
        if let Some(title) = line.strip_prefix("## ") {
            seed = title.get(..3).unwrap_or("").to_owned();
        }
        if !line.starts_with("| ") {
            continue;
        }
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let first = cells[0].split(" (").next().unwrap_or("").trim_end();
        if first == "command line" {
            columns = cells.iter().map(|c| (*c).to_owned()).collect();
            continue;
        }
        let at = |name: &str| columns.iter().position(|c| c.starts_with(name)).and_then(|i| cells.get(i)).copied();
        let of = |prefixes: &[&str]| {
            let of_one_event = pack.rules.values().filter(|r| r.over_several_events().is_none()).map(|r| &r.name);
            of_one_event.filter(|r| prefixes.iter().any(|p| r.starts_with(p))).cloned().collect::<Vec<_>>()
        };
        let fire = |rules: Vec<String>, event: &Event| {
            rules.into_iter().filter(|r| see(r, event).fires()).collect::<BTreeSet<_>>()
        };
        let (said, real) = match (seed.as_str(), at("fires"), at("ours")) {
            ("000", Some(said), _) => (named(said), fire(of(&["makecab"]), &seed_event(cells[0]))),
            ("001", Some(said), _) => (
                named(said),
                fire(of(&["archive_created", "archive_staged_windows", "powershell_archive"]), &seed_event(cells[0])),
            ),
            ("002", _, Some(said)) => {
                (named(said), see("archive_via_utility", &seed_event(cells[0])).flags.into_iter().collect())
            }
            ("003", _, Some(said)) => {
                let fires = |yes: bool| BTreeSet::from([yes.to_string()]);
                (fires(said == "fires"), fires(see("iexpress_package_built", &seed_event(cells[0])).fires()))
            }
            _ => continue,
        };
        seen += 1;
        if said != real {
            wrong.push(format!("{page}:{}: says {said:?}, the rules {real:?}", i + 1));
        }
    }
    assert!(seen > 50, "{seen} rows");
    none_of(&wrong);
}

/// What stands side by side on the page of seeds: the seed, how its text is tagged, our rule and the target.
const SIDE_BY_SIDE: [(&str, &str, &str, &str); 3] = [
    ("002.kql", "kql", "archive_via_utility", "defender"),
    ("003.yml", "yaml", "iexpress_package_built", "sigma"),
    ("", "kql", "expand_cabinet_files", "defender"),
];

#[test]
fn the_page_of_seeds_shows_each_query_beside_ours() {
    let pack = arcanary::project::load(&[], &root("rules"));
    assert!(!pack.has_errors());
    for (seed, tag, rule, target) in SIDE_BY_SIDE {
        let ours = compile::compile(&pack.project.rules[rule], &pack.project, &pack.targets.all[target]);
        let ours = ours.unwrap_or_else(|e| panic!("{rule}: {e:?}")).text;
        let size = |text: &str| format!("{} lines, {} characters", text.lines().count(), text.chars().count());
        let shown = |who: &str, text: &str| format!("{who}, {}:\n\n```{tag}\n{}\n```\n\n", size(text), text.trim_end());
        let mut said = String::new();
        if !seed.is_empty() {
            said.push_str(&shown("**The original**", &read(&format!("tests/data/seeds/{seed}"))));
        }
        said.push_str(&shown(&format!("**Ours**, `{rule}` on `{target}`"), &ours));
        oracle::page::section("docs/seeds.md", &format!("query of {rule}"), &said);
    }
}

// ---- codes ----

const GROUPS: [(&str, &str); 11] = [
    ("E00", "Files"),
    ("E01", "Syntax"),
    ("E02", "Names"),
    ("E03", "Types and values"),
    ("E04", "Utilities"),
    ("E05", "Rules"),
    ("E06", "Conditions and steps"),
    ("E07", "Tests and tunes"),
    ("E08", "Project and target files"),
    ("E09", "Targets"),
    ("W", "Warnings"),
];

fn codes_page() -> String {
    let mut out = String::from(
        "# Diagnostics\n\n\
         <!-- Generated from the program's table: `UPDATE_DOCS=1 cargo test --test docs`. Do not edit. -->\n\n\
         Every finding has a code, and `arcanary explain` prints its explanation:\n\n\
         ```console\n$ arcanary explain E0304\n",
    );
    let shown = Code::ListNeedsIn;
    let _ = write!(out, "{}: {}\n\n{}\n```\n\n", shown.id(), shown.title(), shown.explanation());
    out.push_str(
        "A code never changes its meaning and is never reused. Its effect decides the exit code:\n\n\
         | effect | what happens | exit code |\n\
         |---|---|---|\n\
         | error | the source is invalid; nothing is built | 2 |\n\
         | finding | one rule is left out for one target; everything else is built | 1 |\n\
         | warning | everything is built | 0 |\n",
    );
    let mut left: BTreeSet<&str> = Code::ALL.iter().map(|c| c.id()).collect();
    for (prefix, title) in GROUPS {
        let _ = write!(out, "\n## {title}\n\n| code | effect | title | explanation |\n|---|---|---|---|\n");
        for code in Code::ALL.iter().filter(|c| c.id().starts_with(prefix)) {
            left.remove(code.id());
            let effect = match (code.severity(), code.is_finding()) {
                (Severity::Warning, _) => "warning",
                (_, true) => "finding",
                _ => "error",
            };
            let cell = |text: &str| text.replace('|', "\\|");
            let _ =
                writeln!(out, "| `{}` | {effect} | {} | {} |", code.id(), cell(code.title()), cell(code.explanation()));
        }
    }
    assert!(left.is_empty(), "in no group: {left:?}");
    out
}

#[test]
fn the_page_of_events_lists_every_log_schema() {
    let rows: Vec<Vec<String>> = table("docs/events.md", "readers").into_iter().map(|(_, cells)| cells).collect();
    let readers = arcanary::event::read::all().map(|r| vec![r.name.clone(), r.title.clone()]);
    assert_eq!(rows, readers.collect::<Vec<_>>());
}

#[test]
fn the_page_of_codes_is_the_programs_own_table() {
    let page = codes_page();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(root("docs/diagnostics.md"), &page).expect("docs/diagnostics.md");
    }
    let there = fs::read_to_string(root("docs/diagnostics.md")).unwrap_or_default();
    let place = there.lines().zip(page.lines()).take_while(|(a, b)| a == b).count() + 1;
    assert!(there == page, "docs/diagnostics.md:{place}: out of date; UPDATE_DOCS=1 cargo test --test docs");
}
