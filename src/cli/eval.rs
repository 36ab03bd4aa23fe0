//! `arcanary eval`

use super::{Exit, Input, complain, counted, exit_of, no_such_rule, report, shown, tell, unwritten};
use crate::duration;
use crate::escape;
use crate::event::read::{self, Reader, open::open};
use crate::matching::{Malformed, Match, Options, Run, Sink, Stopped};
use clap::Args;
use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::path::{Path, PathBuf};

/// Run rules over recorded events; print a line of JSON for each match
#[derive(Args)]
#[command(override_usage = "arcanary eval [OPTIONS] [PATH]... --events <FILE>...")]
pub struct Eval {
    #[command(flatten)]
    input: Input,
    /// Files of JSON events, plain, .gz or .zst; `-` is standard input
    #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
    events: Vec<PathBuf>,
    /// The log schema of the events [default: detected from the first records]
    #[arg(long, value_name = "SCHEMA", value_parser = read::names().to_vec())]
    schema: Option<String>,
    /// Run these rules only
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    rule: Vec<String>,
    /// Also print matches that an exception suppresses
    #[arg(long)]
    show_excepted: bool,
    /// Stop at the first malformed record or list
    #[arg(long)]
    strict: bool,
    /// How late a record may arrive for rules over several events, in event time: 90s, 5m, 1h
    #[arg(long, value_name = "DURATION", default_value = "1m", value_parser = tolerance)]
    tolerance: i64,
    /// Stop if rules over several events would hold more events than this
    #[arg(long, value_name = "EVENTS", default_value_t = 5_000_000)]
    max_held: usize,
}

/// Parses a duration to microseconds.
fn tolerance(text: &str) -> Result<i64, String> {
    let micros = duration::parse(text).and_then(|seconds| i64::try_from(seconds).ok()?.checked_mul(1_000_000));
    micros.ok_or_else(|| "expected a duration with s, m, h or d, such as 90s".to_owned())
}

impl Eval {
    pub fn run(&self) -> Exit {
        // `--events` takes every path behind it. Folders and `.det` files among them are rules.
        let is_rules = |path: &&PathBuf| path.is_dir() || path.extension().is_some_and(|e| e == "det");
        let (rules, events): (Vec<&PathBuf>, Vec<&PathBuf>) = self.events.iter().partition(is_rules);
        if events.is_empty() {
            return complain("`--events` names rules only; it needs a file of events, or `-` for standard input");
        }
        let paths = self.input.paths.iter().chain(rules).cloned().collect();
        let loaded = Input { paths, printed: self.input.printed }.load();
        if loaded.has_errors() {
            report(&loaded.diagnostics, &loaded.sources, self.input.printed.format);
            return exit_of(&loaded.diagnostics);
        }
        if let Some(name) = self.rule.iter().find(|n| !loaded.project.rules.contains_key(*n)) {
            return no_such_rule(name, &loaded);
        }
        let options = Options {
            excepted: self.show_excepted,
            strict: self.strict,
            tolerance: self.tolerance,
            most_held: Some(self.max_held),
        };
        let mut run = Run::new(&loaded, &self.rule, options);
        if run.rules().is_empty() {
            return complain("no rule to run: the named rules are disabled, or are not in these paths");
        }
        let reader = self.schema.as_deref().and_then(read::find);
        let live = events.iter().any(|path| *path == Path::new("-"));
        let mut sink = Lines { out: BufWriter::new(io::stdout().lock()), live, told: 0, broken: None };
        let mut exit = Exit::Fine;
        let several = events.len() > 1;
        for path in events {
            match self.file(path, several, reader, &mut run, &mut sink) {
                Ok(()) => {}
                Err(None) => return sink.broken.as_ref().and_then(unwritten).unwrap_or(exit),
                Err(Some(bad)) => {
                    exit = bad;
                    if self.strict || run.is_full() {
                        break;
                    }
                }
            }
        }
        let written = run.finish(&mut sink).is_ok() && sink.flushed();
        if !written {
            return sink.broken.as_ref().and_then(unwritten).unwrap_or(exit);
        }
        drop(sink);
        summary(&run);
        exit
    }

    /// Returns `Err(None)` if the reader closed standard output.
    fn file(
        &self,
        path: &Path,
        several: bool,
        reader: Option<&Reader>,
        run: &mut Run,
        sink: &mut Lines<impl Write>,
    ) -> Result<(), Option<Exit>> {
        let name = if path == Path::new("-") { "standard input".into() } else { shown(path) };
        let bad = |why: String| Err(Some(complain(&format!("{name}: {why}"))));
        let input = match open(path) {
            Ok(input) => input,
            Err(error) => return bad(error.to_string()),
        };
        let shown = several.then_some(name.as_str());
        match run.file(&name, shown, input, reader, sink) {
            Ok(()) => Ok(()),
            Err(Stopped::Closed) => Err(None),
            Err(Stopped::Full) => bad(format!(
                "stopped: rules over several events would hold more than {}; run fewer rules (--rule), shorten windows \
                 or --tolerance, or raise --max-held",
                counted(self.max_held, "event")
            )),
            Err(Stopped::Malformed) => bad("stopped at a malformed record, because of --strict".to_owned()),
            Err(Stopped::Io(error)) => bad(error.to_string()),
            Err(Stopped::UnknownSchema { looked, why: Some(why), none: true }) => {
                bad(format!("no JSON record in the first {}; {why}", counted(looked, "line")))
            }
            Err(Stopped::UnknownSchema { looked, why, .. }) => bad(format!(
                "cannot detect the log schema from the first {}; name one with --schema: {}{}",
                counted(looked, "record"),
                read::names().join(", "),
                why.map_or_else(String::new, |why| format!("; malformed: {why}"))
            )),
        }
    }
}

/// Malformed records and lists that are reported one by one.
const MOST_TOLD: u64 = 20;

/// Prints a line for each match.
struct Lines<W: Write> {
    out: W,
    /// Flush after each line: the input is live.
    live: bool,
    told: u64,
    /// Why a line could not be written.
    broken: Option<io::Error>,
}

impl<W: Write> Lines<W> {
    fn line(&mut self, found: &Match) -> io::Result<()> {
        // Log text is not trusted: escape what a terminal or a workflow would obey.
        self.out.write_all(escape::json(&serde_json::to_string(found)?).as_bytes())?;
        self.out.write_all(b"\n")?;
        if self.live { self.out.flush() } else { Ok(()) }
    }

    fn flushed(&mut self) -> bool {
        self.broken = self.out.flush().err();
        self.broken.is_none()
    }
}

impl<W: Write> Sink for Lines<W> {
    fn matched(&mut self, found: &Match) -> bool {
        self.broken = self.line(found).err();
        self.broken.is_none()
    }

    fn malformed(&mut self, file: &str, line: u64, what: Malformed, why: &str) {
        self.told += 1;
        if self.told <= MOST_TOLD {
            let what = match what {
                Malformed::Record => "malformed record, skipped",
                Malformed::List => "malformed list",
            };
            tell(&format!("{file}:{line}: {what}: {}", escape::line(why)));
        }
    }
}

/// Prints a table for people, and always how many records were skipped: a missing match could be one of them.
fn summary(run: &Run) {
    let tally = &run.tally;
    let malformed = match tally.malformed {
        0 => String::new(),
        n => format!(", {n} malformed and skipped"),
    };
    let lists = match tally.lists {
        0 => String::new(),
        n => format!(", {} in lists", counted_all(n, "error")),
    };
    if io::stderr().is_terminal() {
        let mut rows: Vec<(&str, u64, u64)> = vec![];
        for (rule, (fired, excepted)) in run.rules().iter().zip(&tally.rules) {
            if fired + excepted > 0 {
                rows.push((&rule.name, *fired, *excepted));
            }
        }
        let width = rows.iter().map(|r| r.0.chars().count()).max().unwrap_or(0).max(4);
        tell(&format!("{:width$}  {:>9}  {:>9}", "rule", "fired", "excepted"));
        for (name, fired, excepted) in rows {
            tell(&format!("{name:width$}  {fired:>9}  {excepted:>9}"));
        }
    }
    if io::stderr().is_terminal() || tally.malformed + tally.lists + tally.other > 0 {
        let other = match tally.other {
            0 => String::new(),
            n => format!(", {} of another kind or schema", counted_all(n, "record")),
        };
        tell(&format!("{}{other}{malformed}{lists}", counted_all(tally.events, "event")));
    }
    held(run);
}

fn counted_all(n: u64, what: &str) -> String {
    counted(usize::try_from(n).unwrap_or(usize::MAX), what)
}

/// Prints how many events rules over several events held, and which they left out.
fn held(run: &Run) {
    let held = run.held();
    let several = run.rules().iter().any(|r| r.over_several_events().is_some());
    if several && (io::stderr().is_terminal() || held.late + held.timeless + held.ahead > 0) {
        tell(&format!(
            "rules over several events held at most {}; {} with {} at the end",
            counted(held.most, "event"),
            counted(held.events, "event"),
            counted(held.keys, "key")
        ));
    }
    if held.late > 0 {
        let events = counted_all(held.late, "event");
        tell(&format!("left out of rules over several events: {events} arrived too late; raise --tolerance"));
    }
    if held.timeless > 0 {
        let events = counted_all(held.timeless, "event");
        tell(&format!("left out of rules over several events: {events} without a time"));
    }
    if held.ahead > 0 {
        let events = counted_all(held.ahead, "event");
        tell(&format!(
            "left out of rules over several events: {events} more than a day ahead of the others; a clock is wrong"
        ));
    }
    if held.undecided > 0 {
        let events = counted_all(held.undecided, "event");
        tell(&format!("{events} may complete a match of a rule over several events: too many combinations to try"));
    }
}
