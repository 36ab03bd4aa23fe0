//! Starts the real checkers: Microsoft's KQL language service, pySigma with its converters, Splunk's AppInspect and
//! contentctl; and the engines that run what they checked: duckdb-kql, pySigma's SQLite backend, sigma-rust, rsigma; RE2 and PCRE2.
//!
//! Each is one process that reads JSON lines and answers with as many, in the same order; what a line holds is
//! said at the top of its `check.cjs`, `check.py` or `run.py`. `setup.sh` installs them.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Once;

use serde_json::Value;

/// A program that knows one of the languages we print.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(dead_code, reason = "each test program runs some of them")]
pub enum Checker {
    /// `{"name", "schema": "defender" | "sentinel", "query"}` → `{"name", "diagnostics", "columns"}`.
    Kusto,
    /// `{"name", "yaml"}`, optionally `"path"` and `"events"` → `{"name", "problems", "limits", "converted"}`.
    Sigma,
    /// `kusto_run/run.py`: `{"tables"}` → `{"loaded"}`, `{"name", "query", "id", "flags"}` → `{"name", "rows", "columns"}`.
    KustoRun,
    /// `sigma/run.py`: `{"events"}` → `{"loaded"}`, `{"name", "yaml"}` → `{"name", "matched"}`.
    SigmaRun,
    /// `sigma/convert.py`: the same lines → `{"name", "splunk", "sysmon", "kusto"}`.
    SigmaConvert,
    /// `sigma_rust`: the same lines as `sigma/run.py`, another engine.
    SigmaRust,
    /// `sigma/correlate.py`: `{"name", "yaml", "sets"}` → `{"name", "fired"}`.
    SigmaCorrelate,
    /// `rsigma`: the same lines, another engine.
    Rsigma,
    /// `regex/run.py`: `{"patterns", "texts"}` → for each engine the verdicts of each of its patterns.
    Regex,
    /// `{"name", "archive"}` → `{"name", "checks", "problems"}`.
    Appinspect,
    /// `{"name", "files"}` → `{"name", "problems", "searches"}`.
    Contentctl,
}

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What says that a checker is installed.
const STAMPS: [&str; 7] = [
    "python.stamp",
    "node.stamp",
    "regex.stamp",
    "appinspect.stamp",
    "contentctl.stamp",
    "sigma-rust.stamp",
    "rsigma.stamp",
];

/// The folder of the installed checkers; `None`, after saying so, where they were not set up.
///
/// # Panics
/// When `CI` is `true` and they are missing: there a test that is left out must not look like one that passed.
pub fn tools() -> Option<PathBuf> {
    let folder = std::env::var_os("ARCANARY_TOOLS").map_or_else(|| project().join(".tools"), PathBuf::from);
    if STAMPS.iter().all(|stamp| folder.join(stamp).is_file()) {
        return Some(folder);
    }
    let message = "left out: run tests/engines/setup.sh";
    assert!(std::env::var("CI").map_or(true, |ci| ci != "true"), "{message}");
    // Straight to the stream: `eprintln!` is swallowed in a test that passes.
    drop(writeln!(std::io::stderr(), "{message}"));
    None
}

/// Sends `input_lines` through one process of `program`; one answer a line, in the same order.
///
/// # Panics
/// When [`tools`] are missing, or the program fails, with what it wrote to its standard error.
pub fn run(program: Checker, input_lines: Vec<Value>) -> Vec<Value> {
    let expected = input_lines.len();
    let mut input = String::new();
    for line in &input_lines {
        input.push_str(&line.to_string());
        input.push('\n');
    }
    let answers: Vec<Value> = start(program, &[], input)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{program:?} answered {line:?}: {error}")))
        .collect();
    assert_eq!(answers.len(), expected, "{program:?} answers every line");
    answers
}

/// Runs `program` with `more` arguments; what it wrote to its standard output.
fn start(program: Checker, more: &[&str], input: String) -> String {
    let tools = tools().expect("run tests/engines/setup.sh");
    let engines = project().join("tests/engines");
    let data = project().join("tests/data");
    let python = |script: &str| {
        let mut command = Command::new(tools.join("python/bin/python"));
        command.arg("-B").arg(engines.join(script));
        command
    };
    let own = |name: &str, script: &str| {
        let mut command = Command::new(tools.join(name).join("bin/python"));
        command.arg("-B").arg(engines.join(name).join(script));
        command
    };
    let mut command = match program {
        Checker::Kusto => {
            let mut command = Command::new("node");
            command.arg(engines.join("kusto/check.cjs")).arg(data.join("kql-tables.json"));
            command.env("ARCANARY_NODE_MODULES", tools.join("kusto/node_modules"));
            command
        }
        Checker::Sigma => {
            let mut command = python("sigma/check.py");
            command.arg(data.join("sigma")).arg(project().join("targets/attack.tsv"));
            command
        }
        Checker::KustoRun => python("kusto_run/run.py"),
        Checker::SigmaRun => python("sigma/run.py"),
        Checker::SigmaConvert => python("sigma/convert.py"),
        Checker::SigmaRust => Command::new(tools.join("sigma-rust/bin/sigma-run")),
        Checker::SigmaCorrelate => python("sigma/correlate.py"),
        Checker::Appinspect => own("appinspect", "check.py"),
        Checker::Contentctl => own("contentctl", "check.py"),
        Checker::Regex => own("regex", "run.py"),
        Checker::Rsigma => Command::new(tools.join("rsigma/bin/rsigma-run")),
    };
    let mut child = command
        .args(more)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{program:?} does not start: {error}"));
    // Its own thread, since a program may answer before it has read everything.
    let mut stdin = child.stdin.take().expect("stdin is piped");
    let feeding = std::thread::spawn(move || {
        // A program that died has closed the pipe; its status and standard error say why.
        let _ = stdin.write_all(input.as_bytes());
    });
    let output = child.wait_with_output().expect("the checker can be waited for");
    feeding.join().expect("feeding does not panic");
    let said = String::from_utf8_lossy(&output.stderr);
    let answer = String::from_utf8(output.stdout).expect("a checker answers in UTF-8");
    assert!(output.status.success(), "{program:?} failed ({}):\n{answer}\n{said}", output.status);
    if program == Checker::Sigma && more.is_empty() {
        // Which validators are left out, and why: once, past the capturing of a passing test's output.
        static ONCE: Once = Once::new();
        ONCE.call_once(|| drop(write!(std::io::stderr(), "{said}")));
    }
    answer
}

/// Runs a program's own test: what it says must be that nothing failed.
#[allow(dead_code, reason = "one of the test programs that share this file does")]
pub fn self_test(program: Checker) {
    if tools().is_none() {
        return;
    }
    let said = start(program, &["--self-test"], String::new());
    assert!(said.contains(" 0 failed"), "{said}");
}
