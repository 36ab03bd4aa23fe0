//! `arcanary eval`

use super::{Exit, Input, complain, counted, exit_of, no_such_rule, report, shown, tell, unwritten};
use crate::duration;
use crate::escape;
use crate::event::read::{self, Reader, open::open};
use crate::matching::{Malformed, Match, Options, Run, Sink, Stopped};
use clap::Args;
use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::path::{Path, PathBuf};

/// Run rules over recorded events; a line of JSON on standard output for each match
#[derive(Args)]
#[command(override_usage = "arcanary eval [OPTIONS] [PATH]... --events <FILE>...")]
pub struct Eval {
    #[command(flatten)]
    input: Input,
    /// Files of events as JSON, plain, .gz or .zst; `-` is standard input
    #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
    events: Vec<PathBuf>,
    /// The events' log schema; without it, the first records tell
    #[arg(long, value_name = "SCHEMA", value_parser = read::names().to_vec())]
    schema: Option<String>,
    /// Ask these rules only
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    rule: Vec<String>,
    /// Print events that an exception silences, too
    #[arg(long)]
    show_excepted: bool,
    /// Stop at the first malformed record or list
    #[arg(long)]
    strict: bool,
    /// How late a record may come for rules over several events, in the records' own time: 90s, 5m, 1h
    #[arg(long, value_name = "DURATION", default_value = "1m", value_parser = tolerance)]
    tolerance: i64,
    /// The most events that rules over several events may hold in their windows; beyond that, stop
    #[arg(long, value_name = "EVENTS", default_value_t = 5_000_000)]
    max_held: usize,
}

/// Microseconds.
fn tolerance(text: &str) -> Result<i64, String> {
    let micros = duration::parse(text).and_then(|seconds| i64::try_from(seconds).ok()?.checked_mul(1_000_000));
    micros.ok_or_else(|| "expected a number with s, m, h or d, such as 90s".to_owned())
}

impl Eval {
    pub fn run(&self) -> Exit {
        let is_rules = |path: &&PathBuf| path.is_dir() || path.extension().is_some_and(|e| e == "det");
        if let Some(path) = self.events.iter().find(is_rules) {
            let shown = shown(path);
            return complain(&format!(
                "`{shown}` holds no events; rules stand before them: `arcanary eval {shown} --events FILE`"
            ));
        }
        let loaded = self.input.load();
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
            return complain("there is no rule to run: those that are named lie elsewhere or are switched off");
        }
        let reader = self.schema.as_deref().and_then(read::find);
        let live = self.events.iter().any(|path| path == Path::new("-"));
        let mut sink = Lines { out: BufWriter::new(io::stdout().lock()), live, told: 0, broken: None };
        let mut exit = Exit::Fine;
        for path in &self.events {
            match self.file(path, reader, &mut run, &mut sink) {
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

    /// `Err(None)`: nobody listens any more.
    fn file(
        &self,
        path: &Path,
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
        let shown = (self.events.len() > 1).then_some(name.as_str());
        match run.file(&name, shown, input, reader, sink) {
            Ok(()) => Ok(()),
            Err(Stopped::Closed) => Err(None),
            Err(Stopped::Full) => bad(format!(
                "stopped here: rules over several events would hold more than {} in their windows; run fewer rules \
                 (--rule), shorten windows or --tolerance, or allow more (--max-held)",
                counted(self.max_held, "event")
            )),
            Err(Stopped::Malformed) => bad("stopped here, as --strict asks".to_owned()),
            Err(Stopped::Io(error)) => bad(error.to_string()),
            Err(Stopped::UnknownSchema { looked, why: Some(why), none: true }) => {
                bad(format!("no record of JSON in its first {}; {why}", counted(looked, "line")))
            }
            Err(Stopped::UnknownSchema { looked, why, .. }) => bad(format!(
                "no schema fits its first {}; name one with --schema: {}{}",
                counted(looked, "record"),
                read::names().join(", "),
                why.map_or_else(String::new, |why| format!("; malformed: {why}"))
            )),
        }
    }
}

/// Malformed records and lists that are told one by one.
const MOST_TOLD: u64 = 20;

/// A line for each match.
struct Lines<W: Write> {
    out: W,
    /// Somebody waits for each line.
    live: bool,
    told: u64,
    /// Why a line could not be written.
    broken: Option<io::Error>,
}

impl<W: Write> Lines<W> {
    fn line(&mut self, found: &Match) -> io::Result<()> {
        // A log's text is its writer's: no terminal and no reader of workflows obeys it.
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

/// A table for people; whoever asks is told what was passed over, since no match in it says nothing.
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
            n => format!(", {} of other kinds or of another schema", counted_all(n, "record")),
        };
        tell(&format!("{}{other}{malformed}{lists}", counted_all(tally.events, "event")));
    }
    held(run);
}

fn counted_all(n: u64, what: &str) -> String {
    counted(usize::try_from(n).unwrap_or(usize::MAX), what)
}

/// What rules over several events held, and what they had to leave out.
fn held(run: &Run) {
    let held = run.held();
    let several = run.rules().iter().any(|r| r.over_several_events().is_some());
    if several && (io::stderr().is_terminal() || held.late + held.timeless + held.ahead > 0) {
        tell(&format!(
            "over several events: {} held at most; {} with {} at the end",
            counted(held.most, "event"),
            counted(held.events, "event"),
            counted(held.keys, "key")
        ));
    }
    if held.late > 0 {
        let events = counted_all(held.late, "event");
        tell(&format!("{events} too late for rules over several events, left out; --tolerance lets them be later"));
    }
    if held.timeless > 0 {
        let events = counted_all(held.timeless, "event");
        tell(&format!("{events} without a time, left out of rules over several events"));
    }
    if held.ahead > 0 {
        let events = counted_all(held.ahead, "event");
        tell(&format!(
            "{events} more than a day ahead of those around, left out of rules over several events: some clock is wrong"
        ));
    }
    if held.undecided > 0 {
        let events = counted_all(held.undecided, "event");
        tell(&format!(
            "{events} may complete a match of a rule over several events: too many combinations of others fit its steps"
        ));
    }
}
