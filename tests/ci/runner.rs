//! Runs the `run:` steps of a workflow's job or of an action as a runner of GitHub does: bash that stops at the first error,
//! the environment of the step, files for outputs, paths and summaries, `if:`, and failed steps that end a job but for
//! `always()`.
//!
//! Expressions are looked up, not evaluated: one that the test does not know fails it, and so does any inside a script.

use serde_yaml::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What runs steps.
pub struct Runner {
    /// Where scripts and GitHub's files go.
    temp: tempfile::TempDir,
    /// The checked out repository.
    workspace: PathBuf,
    /// The environment of every step.
    pub env: BTreeMap<String, String>,
    /// What stands for `${{ … }}`, and for the `if:` of a step: `true` or `false`.
    pub expressions: BTreeMap<String, String>,
    /// `PATH`, from the front.
    pub path: Vec<PathBuf>,
}

/// A step that ran.
#[derive(Debug)]
pub struct Ran {
    pub name: String,
    pub code: i32,
    /// Both streams.
    pub out: String,
}

/// A job that ran.
#[derive(Debug)]
pub struct Job {
    pub steps: Vec<Ran>,
    pub summary: String,
}

impl Job {
    /// The name of the first step that failed.
    pub fn failed(&self) -> Option<&str> {
        self.steps.iter().find(|s| s.code != 0).map(|s| s.name.as_str())
    }

    /// Fails with what the failing step printed.
    #[track_caller]
    pub fn fine(&self) -> &Job {
        let failed = self.steps.iter().find(|s| s.code != 0);
        assert!(failed.is_none(), "{failed:#?}");
        self
    }

    /// What a step printed.
    #[track_caller]
    pub fn out(&self, name: &str) -> &str {
        let step = self.steps.iter().find(|s| s.name == name);
        step.map_or_else(|| panic!("no step `{name}` ran: {:#?}", self.steps), |s| s.out.as_str())
    }
}

/// A file as YAML.
pub fn yaml(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_yaml::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

impl Runner {
    /// In a folder, with the program and the system's tools in the path.
    pub fn new(workspace: &Path) -> Runner {
        let program = Path::new(env!("CARGO_BIN_EXE_arcanary")).parent().expect("its folder").to_path_buf();
        let mut runner = Runner {
            temp: tempfile::tempdir().expect("a folder"),
            workspace: workspace.to_path_buf(),
            env: BTreeMap::new(),
            expressions: BTreeMap::new(),
            path: vec![program, "/usr/local/bin".into(), "/usr/bin".into(), "/bin".into()],
        };
        let temp = runner.temp().display().to_string();
        for (name, value) in [
            ("CI", "true"),
            ("HOME", temp.as_str()),
            ("RUNNER_TEMP", temp.as_str()),
            ("GITHUB_SERVER_URL", "https://github.example"),
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("LC_ALL", "C.UTF-8"),
        ] {
            runner.env.insert(name.to_owned(), value.to_owned());
        }
        runner
    }

    pub fn temp(&self) -> &Path {
        self.temp.path()
    }

    /// What stands for an expression.
    pub fn set(&mut self, expression: &str, value: &str) {
        self.expressions.insert(expression.to_owned(), value.to_owned());
    }

    /// An executable in front of the path, which holds nothing of the program's then.
    pub fn stub(&mut self, name: &str, script: &str) {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = self.temp().join("stubs");
        fs::create_dir_all(&folder).expect("a folder");
        fs::write(folder.join(name), script).expect("written");
        fs::set_permissions(folder.join(name), fs::Permissions::from_mode(0o755)).expect("executable");
        self.path = vec![folder, "/usr/bin".into(), "/bin".into()];
    }

    fn look_up(&self, expression: &str) -> &str {
        let expression = expression.trim();
        let found = self.expressions.get(expression);
        found.unwrap_or_else(|| panic!("the test knows nothing of `{expression}`"))
    }

    fn filled(&self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once("${{") {
            let (expression, after) = behind.split_once("}}").expect("an expression ends");
            out.push_str(before);
            out.push_str(self.look_up(expression));
            rest = after;
        }
        out + rest
    }

    fn variables(&self, of: &Value) -> Vec<(String, String)> {
        let all = of.get("env").and_then(Value::as_mapping).into_iter().flatten();
        let text = |v: &Value| v.as_str().map_or_else(|| serde_yaml::to_string(v).expect("YAML"), str::to_owned);
        all.map(|(name, value)| (text(name), self.filled(text(value).trim_end()))).collect()
    }

    /// Whether a step runs, after steps that failed or did not.
    fn runs(&self, step: &Value, failed: bool) -> bool {
        let Some(condition) = step.get("if").and_then(Value::as_str) else { return !failed };
        let always = condition.starts_with("always()");
        let rest = condition.trim_start_matches("always()").trim_start_matches(" && ");
        (always || !failed) && (rest.is_empty() || self.look_up(rest) == "true")
    }

    /// Runs the steps of a job or an action; `around` is what else has an `env:`.
    pub fn run(&mut self, steps: &Value, around: &[&Value]) -> Job {
        let mut job = Job { steps: vec![], summary: String::new() };
        for (i, step) in steps.as_sequence().expect("steps").iter().enumerate() {
            let Some(script) = step.get("run").and_then(Value::as_str) else {
                assert!(step.get("uses").is_some(), "{step:?}");
                continue;
            };
            let name = step["name"].as_str().expect("a step that runs has a name").to_owned();
            assert!(!script.contains("${{"), "an expression in the script of `{name}`");
            if !self.runs(step, job.failed().is_some()) {
                continue;
            }
            let ran = self.step(i, name, script, step, around, &mut job.summary);
            job.steps.push(ran);
        }
        job
    }

    fn step(
        &mut self,
        i: usize,
        name: String,
        script: &str,
        step: &Value,
        around: &[&Value],
        summary: &mut String,
    ) -> Ran {
        let file = |what: &str| self.temp().join(format!("{i}-{what}"));
        fs::write(file("script.sh"), script).expect("written");
        // What GitHub calls without and with `shell: bash`.
        let options: &[&str] = match step.get("shell").and_then(Value::as_str) {
            None => &["-e"],
            Some("bash") => &["--noprofile", "--norc", "-eo", "pipefail"],
            Some(other) => panic!("`{name}` runs in {other}"),
        };
        let path = std::env::join_paths(&self.path).expect("a path");
        let mut command = Command::new("bash");
        command.args(options).arg(file("script.sh")).current_dir(&self.workspace).env_clear().envs(&self.env);
        command.env("PATH", path);
        for of in around.iter().copied().chain([step]) {
            command.envs(self.variables(of));
        }
        for what in ["OUTPUT", "PATH", "STEP_SUMMARY", "ENV"] {
            fs::write(file(what), "").expect("written");
            command.env(format!("GITHUB_{what}"), file(what));
        }
        let output = command.output().expect("bash");
        let read = |what: &str| fs::read_to_string(file(what)).expect("a file of the runner");
        summary.push_str(&read("STEP_SUMMARY"));
        let (added, outputs) = (read("PATH"), read("OUTPUT"));
        added.lines().for_each(|folder| self.path.insert(0, folder.into()));
        if let Some(id) = step.get("id").and_then(Value::as_str) {
            for (key, value) in outputs.lines().filter_map(|line| line.split_once('=')) {
                self.set(&format!("steps.{id}.outputs.{key}"), value);
                self.set(
                    &format!("steps.{id}.outputs.{key} == 'true'"),
                    if value == "true" { "true" } else { "false" },
                );
            }
        }
        let out = [output.stdout, output.stderr].concat();
        Ran { name, code: output.status.code().unwrap_or(-1), out: String::from_utf8_lossy(&out).into_owned() }
    }
}
