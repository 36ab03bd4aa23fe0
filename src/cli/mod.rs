//! The command line: one file a subcommand, no logic of its own.
//!
//! Exit codes: 0 fine, 1 findings or differences, 2 bad source or usage.

mod build;
mod check;
mod diff;
mod eval;
mod explain;
mod fetch_pack;
mod fmt;
mod format;
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
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

/// More findings than this are counted, not shown.
const MOST_SHOWN: usize = 100;

/// Compile detections of archive-utility behaviour to KQL, Splunk SPL and Sigma.
#[derive(Parser)]
#[command(
    name = "arcanary",
    version,
    arg_required_else_help = true,
    after_help = "Exit codes: 0 fine, 1 findings or differences, 2 bad source or usage."
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
    /// Begin a project in a new folder
    New(new::New),
    /// Read and check sources, and ask every target whether it can say them; write nothing
    Check(check::Check),
    /// Compile rules to documents: OUT/<target>/<rule>.<kql|spl|yml>
    Build(build::Build),
    /// Show what a change of the sources changes: rules, queries, documents of each target
    Diff(diff::Diff),
    /// Make the release of a project: archives, manifest, sums, changelogs; or move its versions
    Pack(pack::Pack),
    /// Check a release: sums, manifest, archives, and nothing else in it
    Verify(verify::Verify),
    /// Put a project's release into a git repository: one commit, one push
    Publish(publish::Publish),
    /// Take a pack out of a repository that `publish` writes to, and check it
    FetchPack(fetch_pack::FetchPack),
    /// Run the tests inside rules, and tell what no test reaches
    Test(test::Test),
    /// Run rules over recorded events: a line of JSON for each match
    Eval(eval::Eval),
    /// Make events that a rule fires on, and others that it just misses
    Witness(witness::WitnessArgs),
    /// Put sources into the one canonical layout
    Fmt(fmt::Fmt),
    /// List targets, or show what each field becomes on one of them
    Targets(targets::TargetsArgs),
    /// Say in plain words what a rule matches, and how each target says it
    Explain(explain::Explain),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man,
}

/// What to compile.
#[derive(Args)]
struct Input {
    /// Files or folders; none: the project in this folder or above
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    printed: Printed,
}

impl Input {
    fn load(&self) -> Loaded {
        project::load(&self.paths, &here())
    }

    /// The targets of the command line, else of the project, else all; `None` after unknown ones were reported.
    fn targets(&self, names: &[String], loaded: &Loaded) -> Option<Vec<String>> {
        let chosen: Vec<String> = if names.is_empty() { loaded.own_targets() } else { names.to_vec() };
        let known = |name: &&String| loaded.targets.all.contains_key(*name);
        let unknown: Vec<Diagnostic> =
            chosen.iter().filter(|n| !known(n)).map(|n| project::unknown_target(n, &loaded.targets)).collect();
        if unknown.is_empty() {
            // The same one twice is one.
            return Some(chosen.into_iter().collect::<IndexSet<_>>().into_iter().collect());
        }
        // Loading has found those of the project file, with their places.
        let found = if names.is_empty() && loaded.has_errors() { &loaded.diagnostics } else { &unknown };
        report(found, &loaded.sources, self.printed.format);
        None
    }
}

/// The day that warnings about days count from.
#[derive(Args)]
struct Today {
    /// Warn of exceptions past this day; else past that of SOURCE_DATE_EPOCH, else of the last commit
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day)]
    today: Option<String>,
}

impl Today {
    /// What is found about the tuning of a project without errors.
    fn findings(&self, loaded: &Loaded) -> Vec<Diagnostic> {
        tuning::findings(loaded, tuning::today(self.today.as_deref(), loaded).as_deref())
    }
}

/// A day as an option gives it.
fn day(text: &str) -> Result<String, String> {
    match text.parse::<jiff::civil::Date>() {
        Ok(date) if date.to_string() == text => Ok(text.to_owned()),
        _ => Err("a day is wanted, such as 2026-11-20".to_owned()),
    }
}

/// Names the rules that are switched off, and why.
fn tell_disabled(loaded: &Loaded) {
    for (rule, disabled) in loaded.rules().filter_map(|rule| Some((rule, rule.disabled.as_ref()?))) {
        tell(&format!("{} is switched off: {}", rule.name, disabled.words()));
    }
}

fn here() -> PathBuf {
    std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."))
}

/// A path from here, if it lies below.
fn short(path: &Path) -> &Path {
    std::env::current_dir().ok().and_then(|here| path.strip_prefix(here).ok()).unwrap_or(path)
}

/// The same for messages.
fn shown(path: &Path) -> String {
    escape::line(&short(path).display().to_string()).into_owned()
}

/// Tells that another process writes to a folder.
fn waiting(out: &Path) {
    tell(&format!("another arcanary writes to {}: waiting for it", shown(out)));
}

/// What a command ends with.
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
        (Some(code), _) => explain_code(&code),
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
        Command::Man => {
            let mut out = vec![];
            match clap_mangen::Man::new(Cli::command()).render(&mut out) {
                Ok(()) => {
                    print_as_is(&String::from_utf8_lossy(&out));
                    Exit::Fine
                }
                Err(error) => complain(&error.to_string()),
            }
        }
    }
}

fn explain_code(id: &str) -> Exit {
    match Code::find(id) {
        Some(code) => {
            print(&format!("{}: {}\n\n{}\n", code.id(), code.title(), code.explanation()));
            Exit::Fine
        }
        None => there_is_no("code", id, Code::ALL.iter().map(|c| c.id())),
    }
}

/// Something could not be written to standard output.
static UNWRITTEN: AtomicBool = AtomicBool::new(false);

/// Prints text for people to standard output: what others wrote in it does nothing to a terminal or a workflow.
fn print(text: &str) {
    print_as_is(&escape::text(text));
}

/// Prints what programs read to standard output; a closed pipe is no error of ours.
fn print_as_is(text: &str) {
    let mut out = std::io::stdout();
    // Told once: what follows cannot be written either.
    if let Err(error) = out.write_all(text.as_bytes()).and_then(|()| out.flush())
        && !UNWRITTEN.load(Ordering::Relaxed)
        && unwritten(&error).is_some()
    {
        UNWRITTEN.store(true, Ordering::Relaxed);
    }
}

/// Tells why standard output could not be written to. Whoever listens no more has what he wants.
fn unwritten(error: &std::io::Error) -> Option<Exit> {
    (error.kind() != std::io::ErrorKind::BrokenPipe).then(|| complain(&format!("standard output: {error}")))
}

/// Prints text for people to standard error: what others wrote in it does nothing to a terminal or a workflow.
fn tell(text: &str) {
    let _ = writeln!(std::io::stderr(), "{}", escape::text(text));
}

/// A rule that the command line names is none of the project's.
fn no_such_rule(name: &str, loaded: &Loaded) -> Exit {
    there_is_no("rule", name, loaded.project.rules.keys().map(String::as_str))
}

/// A name that the command line gives means nothing; one of `known` may be meant.
fn there_is_no<'k>(what: &str, name: &str, known: impl Iterator<Item = &'k str>) -> Exit {
    let hint = diagnostic::nearest(name, known).map_or_else(String::new, |n| format!("; did you mean `{n}`?"));
    complain(&format!("there is no {what} `{}`{hint}", escape::line(name)))
}

fn complain(message: &str) -> Exit {
    tell(&format!("error: {}", credentials::strip(message)));
    Exit::Bad
}

/// Complaints that name what others wrote, a line each.
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
