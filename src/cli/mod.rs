//! The command line: one module per subcommand. The work is done in the library.
//!
//! Exit codes: 0 success, 1 findings or differences, 2 invalid source or usage.

mod build;
mod check;
mod diff;
mod eval;
mod explain;
mod fetch_pack;
mod fmt;
mod format;
mod man;
mod new;
mod pack;
mod publish;
mod targets;
mod test;
mod verify;
mod witness;

use crate::credentials;
use crate::diagnostic::{self, Code, Diagnostic};
use crate::escape;
use crate::project::{self, Loaded};
use crate::tuning;
use clap::error::ContextValue;
use clap::{Args, CommandFactory as _, Parser, Subcommand};
use format::{Format, Printed, exit_of, report};
use indexmap::IndexSet;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

/// Findings beyond this number are counted, not shown.
const MOST_SHOWN: usize = 100;

/// Compile detection rules to KQL, Splunk SPL and Sigma.
#[derive(Parser)]
#[command(
    name = "arcanary",
    version,
    arg_required_else_help = true,
    after_help = "Exit codes: 0 success, 1 findings or differences, 2 invalid source or usage."
)]
struct Cli {
    /// Explain a finding's code, such as E0105
    #[arg(long, value_name = "CODE")]
    explain: Option<String>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Create a project in a new folder
    New(new::New),
    /// Check the rules, and whether each target can express them; write nothing
    Check(check::Check),
    /// Compile rules to queries and documents in OUT/<target>/
    Build(build::Build),
    /// Show what a change does to rules, queries and documents
    Diff(diff::Diff),
    /// Make a release in dist/, or update versions with --bump
    Pack(pack::Pack),
    /// Check that a release is complete and unchanged
    Verify(verify::Verify),
    /// Publish a project's release to a git repository
    Publish(publish::Publish),
    /// Fetch a published pack from a git repository, and check it
    FetchPack(fetch_pack::FetchPack),
    /// Run the tests inside rules, and report coverage
    Test(test::Test),
    /// Run rules over recorded events; print a line of JSON for each match
    Eval(eval::Eval),
    /// Generate events that a rule fires on, and near misses
    Witness(witness::WitnessArgs),
    /// Format rules
    Fmt(fmt::Fmt),
    /// List targets, or show one target's field mapping
    Targets(targets::TargetsArgs),
    /// Explain a rule and its queries, or a finding's code
    Explain(explain::Explain),
    /// Print a shell completion script
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print a man page
    Man(man::Man),
}

/// The rules that a command works on.
#[derive(Args)]
struct Input {
    /// Files or folders with rules [default: the project in this folder or above]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    printed: Printed,
}

impl Input {
    fn load(&self) -> Loaded {
        project::load(&self.paths, &here())
    }

    /// Returns the targets of the command line, else of the project, else all. Reports unknown ones and returns `None`.
    fn targets(&self, names: &[String], loaded: &Loaded) -> Option<Vec<String>> {
        let chosen: Vec<String> = if names.is_empty() { loaded.own_targets() } else { names.to_vec() };
        let known = |name: &&String| loaded.targets.all.contains_key(*name);
        let unknown: Vec<Diagnostic> =
            chosen.iter().filter(|n| !known(n)).map(|n| project::unknown_target(n, &loaded.targets)).collect();
        if unknown.is_empty() {
            // A target that is named twice counts once.
            return Some(chosen.into_iter().collect::<IndexSet<_>>().into_iter().collect());
        }
        // Loading has already reported unknown targets of the project file, with their places.
        let found = if names.is_empty() && loaded.has_errors() { &loaded.diagnostics } else { &unknown };
        report(found, &loaded.sources, self.printed.format);
        None
    }
}

/// The `--today` option.
#[derive(Args)]
struct Today {
    /// Warn about exceptions that expired before this day [default: SOURCE_DATE_EPOCH, else the last commit's day]
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day)]
    today: Option<String>,
}

impl Today {
    /// Returns the findings about tuning in a project without errors.
    fn findings(&self, loaded: &Loaded) -> Vec<Diagnostic> {
        match tuning::today(self.today.as_deref(), loaded) {
            Ok(today) => tuning::findings(loaded, today.as_deref()),
            Err(why) => vec![Diagnostic::new(Code::BadDay, why)],
        }
    }
}

/// Parses the day of an option.
fn day(text: &str) -> Result<String, String> {
    match text.parse::<jiff::civil::Date>() {
        Ok(date) if date.to_string() == text => Ok(text.to_owned()),
        _ => Err("expected a day, such as 2026-11-20".to_owned()),
    }
}

/// Prints which rules are disabled, and why.
fn tell_disabled(loaded: &Loaded) {
    for (rule, disabled) in loaded.rules().filter_map(|rule| Some((rule, rule.disabled.as_ref()?))) {
        tell(&format!("{} is disabled: {}", rule.name, disabled.words()));
    }
}

/// Says how many rules each target left out because it does not log their events.
fn tell_not_for(not_for: &BTreeMap<String, Vec<String>>) {
    let each: Vec<String> =
        not_for.iter().map(|(target, rules)| format!("{target} ({})", counted(rules.len(), "rule"))).collect();
    if !each.is_empty() {
        tell(&format!("left out where the target does not log such events: {}", each.join(", ")));
    }
}

fn here() -> PathBuf {
    std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."))
}

/// The path relative to the current folder, if it lies below.
fn short(path: &Path) -> &Path {
    std::env::current_dir().ok().and_then(|here| path.strip_prefix(here).ok()).unwrap_or(path)
}

/// The path for messages.
fn shown(path: &Path) -> String {
    escape::line(&short(path).display().to_string()).into_owned()
}

/// Says that another process has the lock on a folder.
fn waiting(out: &Path) {
    tell(&format!("waiting for another arcanary, which is writing to {}", shown(out)));
}

/// A command's exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exit {
    Fine = 0,
    Findings = 1,
    Bad = 2,
}

/// Runs the program with the process's arguments.
#[must_use]
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) if error.use_stderr() => {
            misused(&error);
            return ExitCode::from(Exit::Bad as u8);
        }
        Err(help) => {
            let _ = help.print();
            return ExitCode::from(Exit::Fine as u8);
        }
    };
    let exit = match (cli.explain, cli.command) {
        (Some(id), _) => match Code::find(&id) {
            Some(code) => explain_code(code),
            None => there_is_no("code", &id, Code::ALL.iter().map(|c| c.id())),
        },
        (None, Some(command)) => dispatch(command),
        (None, None) => Exit::Bad,
    };
    let exit = if UNWRITTEN.load(Ordering::Relaxed) { Exit::Bad } else { exit };
    ExitCode::from(exit as u8)
}

/// Tells what is wrong with the arguments. Names of files are among them, and those may be somebody else's.
fn misused(error: &clap::Error) {
    let mut text = error.render().to_string();
    let said = error.context().flat_map(|(_, value)| match value {
        ContextValue::String(said) => vec![said.clone()],
        ContextValue::Strings(said) => said.clone(),
        _ => vec![],
    });
    for said in said.filter(|said| said.contains(['\n', '\t'])) {
        text = text.replace(&said, &escape::line(&said));
    }
    tell(credentials::strip(&text).trim_end());
}

fn dispatch(command: Command) -> Exit {
    match command {
        Command::New(new) => new.run(),
        Command::Check(check) => check.run(),
        Command::Build(build) => build.run(),
        Command::Diff(diff) => diff.run(),
        Command::Pack(pack) => pack.run(),
        Command::Publish(publish) => publish.run(),
        Command::FetchPack(fetch) => fetch.run(),
        Command::Test(test) => test.run(),
        Command::Verify(verify) => verify.run(),
        Command::Eval(eval) => eval.run(),
        Command::Fmt(fmt) => fmt.run(),
        Command::Targets(targets) => targets.run(),
        Command::Explain(explain) => explain.run(),
        Command::Witness(witness) => witness.run(),
        Command::Completions { shell } => {
            let mut out = vec![];
            clap_complete::generate(shell, &mut Cli::command(), "arcanary", &mut out);
            print_as_is(&String::from_utf8_lossy(&out));
            Exit::Fine
        }
        Command::Man(man) => man.run(),
    }
}

fn explain_code(code: Code) -> Exit {
    print(&format!("{}: {}\n\n{}\n", code.id(), code.title(), code.explanation()));
    Exit::Fine
}

/// Set once a write to standard output failed.
static UNWRITTEN: AtomicBool = AtomicBool::new(false);

/// Prints text for people to standard output. Control characters and workflow commands in it are escaped.
fn print(text: &str) {
    print_as_is(&escape::text(text));
}

/// Prints data for programs to standard output. A closed pipe is not an error.
fn print_as_is(text: &str) {
    let mut out = std::io::stdout();
    // Report this once: later writes fail the same way.
    if let Err(error) = out.write_all(text.as_bytes()).and_then(|()| out.flush())
        && !UNWRITTEN.load(Ordering::Relaxed)
        && unwritten(&error).is_some()
    {
        UNWRITTEN.store(true, Ordering::Relaxed);
    }
}

/// Reports why standard output cannot be written. A reader that closed the pipe has what it needs, so that is no error.
fn unwritten(error: &std::io::Error) -> Option<Exit> {
    (error.kind() != std::io::ErrorKind::BrokenPipe).then(|| complain(&format!("standard output: {error}")))
}

/// Prints text for people to standard error, escaped as in [`print`].
fn tell(text: &str) {
    let _ = writeln!(std::io::stderr(), "{}", escape::text(text));
}

/// Reports that the project has no rule of this name.
fn no_such_rule(name: &str, loaded: &Loaded) -> Exit {
    there_is_no("rule", name, loaded.project.rules.keys().map(String::as_str))
}

/// Reports an unknown name of the command line, with the nearest of `known`.
fn there_is_no<'k>(what: &str, name: &str, known: impl Iterator<Item = &'k str>) -> Exit {
    let hint = diagnostic::nearest(name, known).map_or_else(String::new, |n| format!("; did you mean `{n}`?"));
    complain(&format!("there is no {what} `{}`{hint}", escape::line(name)))
}

fn complain(message: &str) -> Exit {
    tell(&format!("error: {}", credentials::strip(message)));
    Exit::Bad
}

/// Reports errors that quote text from files, one line each.
fn complain_of(lines: &[String]) -> Exit {
    for line in lines {
        complain(&escape::line(line));
    }
    Exit::Bad
}

fn counted(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}
