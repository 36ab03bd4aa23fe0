//! `eval`: recorded events against rules, one after the other; memory does not grow with the file.
//!
//! Rules over several events run beside those over one, in a [`Stream`]; what they find comes out when it is decided.

use crate::event::engine::{Detected, Engine, Session};
use crate::event::read::stream::{Defect, Piece, Pieces};
use crate::event::read::{self, Reader, Record, Room};
use crate::event::stream::{self, Events, Held, Naming, Place, Row, Stream};
use crate::event::time;
use crate::project::Loaded;
use crate::sema::Rule;
use crate::source::{Sources, Span};
use crate::syntax::ast::Detect;
use foldhash::HashMap;
use indexmap::IndexMap;
use serde::Serialize;
use std::io::{self, BufRead};
use std::sync::Arc;

/// How a run goes about.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Detected events that an exception silences are matches too.
    pub excepted: bool,
    /// Stop at the first malformed record or list.
    pub strict: bool,
    /// How late a record may come, for rules over several events: microseconds of the events' own time.
    pub tolerance: i64,
    /// The most events that rules over several may hold at a time; without it, as many as there are.
    pub most_held: Option<usize>,
}

/// A rule that fires on an event, as it is written.
#[derive(Debug, Serialize)]
pub struct Match<'r> {
    /// The rule.
    pub rule: &'r str,
    /// Its id.
    pub id: &'r str,
    /// The file, if there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<&'r str>,
    /// Which record of the file it is, from 1.
    pub event: u64,
    /// The line on which that begins.
    pub line: u64,
    /// When it happened.
    pub time: Option<String>,
    /// The rule's flags that hold.
    pub flags: Vec<String>,
    /// The conditions that decided, in the words of the source; of a rule over one event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clauses: Option<Vec<&'r str>>,
    /// What the events of a rule over several have in common, as it is compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keys: Option<IndexMap<&'r str, String>>,
    /// The events of a rule over several, by step; of a count the first and the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events: Option<IndexMap<&'r str, Step<'r>>>,
    /// How many events, or different values, a count found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<usize>,
    /// The exceptions that silence it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub excepted_by: Vec<String>,
}

/// An event of a rule over several.
#[derive(Debug, Serialize)]
pub struct Step<'r> {
    /// The file, if there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<&'r str>,
    /// Which record of the file it is, from 1.
    pub event: u64,
    /// The line on which that begins.
    pub line: u64,
    /// When it happened.
    pub time: String,
}

/// What was seen.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Events.
    pub events: u64,
    /// Records that the language has no kind of event for.
    pub other: u64,
    /// Records that are no JSON and were skipped.
    pub malformed: u64,
    /// Places where a list of records is malformed; the records around them are read.
    pub lists: u64,
    /// For each rule how often it fired, and how often an exception silenced it.
    pub rules: Vec<(u64, u64)>,
}

/// What is malformed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// A record, which is skipped.
    Record,
    /// A list of records, none of which is skipped.
    List,
}

/// What is said while it runs.
pub trait Sink {
    /// A rule fires. `false` ends the run.
    fn matched(&mut self, found: &Match) -> bool;
    /// Something is malformed.
    fn malformed(&mut self, file: &str, line: u64, what: Malformed, why: &str);
}

/// Why a file was not read to its end.
#[derive(Debug)]
pub enum Stopped {
    /// Reading failed.
    Io(io::Error),
    /// No reader knows its records.
    UnknownSchema {
        /// How many were looked at.
        looked: usize,
        /// Why the first that is no record is none.
        why: Option<String>,
        /// None of them is a record at all.
        none: bool,
    },
    /// A malformed record or list, which has been told.
    Malformed,
    /// Nobody listens any more.
    Closed,
    /// Rules over several events would have to hold more than they may.
    Full,
}

/// Records that are looked at until one tells the schema.
const LOOKED_AT: usize = 20;

/// Rules, ready to be asked.
pub struct Run<'p> {
    rules: Vec<&'p Rule>,
    sources: &'p Sources,
    stream: Stream,
    /// The files so far, as matches name them.
    files: Vec<Option<String>>,
    session: Session,
    room: Room,
    said: Said,
    options: Options,
    /// What was seen so far.
    pub tally: Tally,
}

impl<'p> Run<'p> {
    /// Compiles the rules that the command line means; `only` names rules, none means all.
    #[must_use]
    pub fn new(loaded: &'p Loaded, only: &[String], options: Options) -> Run<'p> {
        let wanted = |r: &&Rule| only.is_empty() || only.contains(&r.name);
        let rules: Vec<&Rule> = loaded.rules().filter(|r| r.disabled.is_none()).filter(wanted).collect();
        let engine = Arc::new(Engine::new(rules.iter().map(|rule| (*rule, &loaded.project))));
        let Options { excepted, tolerance, most_held: most, .. } = options;
        let stream = Stream::new(&engine, stream::Options { tolerance, excepted, naming: Naming::Logged, most });
        let tally = Tally { rules: vec![(0, 0); rules.len()], ..Tally::default() };
        let (session, room, said) = (Session::default(), Room::default(), Said::default());
        Run { rules, sources: &loaded.sources, stream, files: vec![], session, room, said, options, tally }
    }

    /// What rules over several events hold, and what they left out so far.
    #[must_use]
    pub fn held(&self) -> Held {
        self.stream.held()
    }

    /// Whether rules over several events would have had to hold more than they may.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.stream.is_full()
    }

    /// No record follows: what waited for later ones comes out.
    ///
    /// # Errors
    /// Nobody listens any more.
    pub fn finish(&mut self, sink: &mut dyn Sink) -> Result<(), Stopped> {
        self.stream.finish();
        if self.rows(sink) { Ok(()) } else { Err(Stopped::Closed) }
    }

    /// Tells what rules over several events have found; `false` if nobody listens any more.
    fn rows(&mut self, sink: &mut dyn Sink) -> bool {
        let mut open = true;
        while let Some(row) = self.stream.next_row() {
            count(&mut self.tally, row.rule, row.fires());
            let Some(rule) = self.rules.get(row.rule) else { continue };
            open = open && sink.matched(&shown(rule, &row, &self.files));
        }
        open
    }

    /// The rules, in the order of the tally.
    #[must_use]
    pub fn rules(&self) -> &[&'p Rule] {
        &self.rules
    }

    /// Asks the rules about all records of a file. Without a reader, the first records tell their schema.
    ///
    /// # Errors
    /// Why the file was not read to its end.
    pub fn file(
        &mut self,
        name: &str,
        shown: Option<&str>,
        input: impl BufRead,
        reader: Option<&Reader>,
        sink: &mut dyn Sink,
    ) -> Result<(), Stopped> {
        let mut pieces = Pieces::new(input);
        self.files.push(shown.map(str::to_owned));
        let mut file = File { name, shown, records: 0, run: self, sink };
        let mut reader = reader;
        let mut waiting: Vec<(u64, Result<Vec<u8>, Defect>)> = vec![];
        while let Some(piece) = pieces.next_piece().map_err(Stopped::Io)? {
            if reader.is_none() {
                reader = piece.text.ok().and_then(read::detect);
                if let Some(found) = reader {
                    for (line, text) in waiting.drain(..) {
                        file.piece(found, Piece { line, text: text.as_deref().map_err(|defect| *defect) })?;
                    }
                }
            }
            match reader {
                Some(reader) => file.piece(reader, piece)?,
                None if piece.text.is_ok_and(holds_nothing) => {}
                None => {
                    waiting.push((piece.line, piece.text.map(<[u8]>::to_vec)));
                    if waiting.len() == LOOKED_AT {
                        break;
                    }
                }
            }
        }
        match waiting.len() {
            0 => Ok(()),
            looked => {
                let (why, none) = no_records(&waiting);
                Err(Stopped::UnknownSchema { looked, why, none })
            }
        }
    }
}

/// An export without records.
fn holds_nothing(text: &[u8]) -> bool {
    let empty = |value: &serde_json::Value| value.as_array().is_some_and(Vec::is_empty);
    text.is_empty()
        || text.len() <= MOST_OF_NOTHING
            && serde_json::from_slice(text).is_ok_and(|value: serde_json::Value| {
                empty(&value) || value.as_object().is_some_and(|o| o.len() == 1 && o.values().all(empty))
            })
}

/// The longest text that may be such an export, in bytes.
const MOST_OF_NOTHING: usize = 100;

/// Why none of these is a record, if none is: what is wrong with the first.
fn no_records(all: &[(u64, Result<Vec<u8>, Defect>)]) -> (Option<String>, bool) {
    let wrong = all.iter().map(|(line, text)| {
        let why = match text {
            Err(defect) => defect.why().to_owned(),
            Ok(text) if is_utf_16(text) => "it is UTF-16; save it as UTF-8".to_owned(),
            Ok(text) => match std::str::from_utf8(text) {
                Err(error) => error.to_string(),
                Ok(text) => serde_json::from_str::<serde_json::Value>(text).err()?.to_string(),
            },
        };
        Some(format!("line {line}: {why}"))
    });
    // As values and not in passing: a number or an escape that no text holds is no record either.
    let wrong: Vec<Option<String>> = wrong.collect();
    let none = wrong.iter().all(Option::is_some);
    (wrong.into_iter().flatten().next(), none)
}

/// Whether a first line is text in UTF-16: with its mark, or with a NUL beside each character.
fn is_utf_16(line: &[u8]) -> bool {
    let (marked, little) = match line {
        [0xff, 0xfe, ..] => (true, true),
        [0xfe, 0xff, ..] => (true, false),
        [_, 0, ..] => (false, true),
        _ => (false, false),
    };
    let unit = |pair: &[u8]| match (pair, little) {
        ([a, b], true) => u16::from_le_bytes([*a, *b]),
        ([a, b], false) => u16::from_be_bytes([*a, *b]),
        _ => 0,
    };
    let is_text = |c: &char| !c.is_control() || c.is_ascii_whitespace();
    let units = line.chunks_exact(2).skip(usize::from(marked)).map(unit);
    let Ok(text) = char::decode_utf16(units).collect::<Result<String, _>>() else { return false };
    // Keys are ASCII, whatever the values are; without a mark all of the first line must be.
    let ascii = text.bytes().filter(u8::is_ascii).count();
    let enough = if marked { text.chars().count().div_ceil(3) } else { text.len() };
    line.len() >= 4 && text.chars().all(|c| is_text(&c)) && ascii > 0 && ascii >= enough
}

/// A file that is being read.
struct File<'f, 'p> {
    name: &'f str,
    shown: Option<&'f str>,
    records: u64,
    run: &'f mut Run<'p>,
    sink: &'f mut dyn Sink,
}

impl File<'_, '_> {
    fn piece(&mut self, reader: &Reader, piece: Piece) -> Result<(), Stopped> {
        let mut open = true;
        let read = match piece.text {
            Err(Defect::TooLong) => Err((Malformed::Record, Defect::TooLong.why().to_owned())),
            Err(defect) => Err((Malformed::List, defect.why().to_owned())),
            Ok(text) => {
                let mut room = std::mem::take(&mut self.run.room);
                let read = reader.read(text, &mut room, &mut |record| open = open && self.record(record, piece.line));
                self.run.room = room;
                read.map_err(|malformed| (Malformed::Record, malformed.why))
            }
        };
        if let Err((what, why)) = read {
            match what {
                Malformed::Record => {
                    self.run.tally.malformed += 1;
                    self.records += 1;
                }
                Malformed::List => self.run.tally.lists += 1,
            }
            self.sink.malformed(self.name, piece.line, what, &why);
            if self.run.options.strict {
                return Err(Stopped::Malformed);
            }
        }
        match open {
            true => Ok(()),
            false if self.run.is_full() => Err(Stopped::Full),
            false => Err(Stopped::Closed),
        }
    }

    /// `false` if no record is wanted any more: nobody listens any more.
    fn record(&mut self, record: &Record, line: u64) -> bool {
        self.records += 1;
        let Record::Event(event) = record else {
            self.run.tally.other += 1;
            return true;
        };
        let Run { rules, sources, stream, files, session, said, options, tally, .. } = &mut *self.run;
        tally.events += 1;
        let mut open = true;
        let place = Place { file: files.len().saturating_sub(1), event: self.records, line };
        stream.take(event, session, place, |mut detected| {
            let fires = detected.verdict.fires();
            count(tally, detected.rule, fires);
            let Some(rule) = rules.get(detected.rule).filter(|_| open && (fires || options.excepted)) else { return };
            let clauses = clauses(&mut detected, sources, said);
            let found = Match {
                rule: &rule.name,
                id: &rule.meta.id,
                file: self.shown,
                event: self.records,
                line,
                time: event.time().map(time::format),
                flags: std::mem::take(&mut detected.verdict.flags),
                clauses: Some(clauses),
                keys: None,
                events: None,
                count: None,
                excepted_by: std::mem::take(&mut detected.verdict.excepted_by),
            };
            open = self.sink.matched(&found);
        });
        open && self.run.rows(self.sink) && !self.run.is_full()
    }
}

fn count(tally: &mut Tally, rule: usize, fires: bool) {
    if let Some((fired, excepted)) = tally.rules.get_mut(rule) {
        *fired += u64::from(fires);
        *excepted += u64::from(!fires);
    }
}

/// What a rule over several events has found, as it is written.
fn shown<'r>(rule: &'r Rule, row: &Row, files: &'r [Option<String>]) -> Match<'r> {
    let file = |place: &Place| files.get(place.file).and_then(Option::as_deref);
    let step = |time: i64, place: &Place| Step {
        file: file(place),
        event: place.event,
        line: place.line,
        time: time::format(time),
    };
    let name = |index: usize| match rule.detect() {
        Some(Detect::Steps(steps)) => steps.steps.get(index).map(|s| s.name.text.as_str()),
        _ => None,
    };
    let (events, count) = match &row.events {
        Events::Steps(all) => {
            let each = all.iter().filter_map(|(index, time, place)| Some((name(*index)?, step(*time, place))));
            (each.collect(), None)
        }
        Events::Counted { first, last, count } => {
            let ends = [("first", step(first.0, &first.1)), ("last", step(last.0, &last.1))];
            (IndexMap::from(ends), Some(*count))
        }
    };
    Match {
        rule: &rule.name,
        id: &rule.meta.id,
        file: file(&row.place),
        event: row.place.event,
        line: row.place.line,
        time: Some(time::format(row.time)),
        flags: row.flags.clone(),
        clauses: None,
        keys: Some(row.keys.iter().map(|(field, value)| (field.short(), value.clone())).collect()),
        events: Some(events),
        count,
        excepted_by: row.excepted_by.clone(),
    }
}

/// Conditions as the source writes them, for those that decided so far; one that had to fail says so.
type Said = HashMap<(Span, bool), String>;

/// The conditions that decided, in the words of the source.
fn clauses<'s>(detected: &mut Detected, sources: &Sources, said: &'s mut Said) -> Vec<&'s str> {
    let decided = detected.clauses();
    for (span, negated) in &decided {
        said.entry((*span, *negated)).or_insert_with(|| {
            let text = sources.on_one_line(*span);
            if *negated { format!("not {text}") } else { text }
        });
    }
    let mut out: Vec<&str> = vec![];
    for text in decided.iter().filter_map(|clause| said.get(clause)) {
        if !out.contains(&text.as_str()) {
            out.push(text);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::is_utf_16;

    #[test]
    fn utf_16_is_told_by_its_mark_or_by_what_it_begins_with_and_nothing_else_is() {
        let of = |text: &str, big: bool| -> Vec<u8> {
            text.encode_utf16().flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
        };
        for text in ["\u{feff}{\"a\": \"\u{e9}\u{1f600}\"}", "{\"a\": 1}\r", "[{\"a\""] {
            assert!(is_utf_16(&of(text, false)), "{text}");
        }
        assert!(is_utf_16(&of("\u{feff}{\"a\": 1}", true)));
        let mut state = 7_u64;
        let mut random = |length: usize| -> Vec<u8> {
            let mut next = || {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                (state >> 24) as u8
            };
            (0..length).map(|_| next()).collect()
        };
        for length in (16..200).cycle().take(5000) {
            let mut bytes = random(length);
            assert!(!is_utf_16(&bytes), "{bytes:?}");
            // A mark alone makes no text.
            bytes.splice(..2, [0xff, 0xfe]);
            assert!(!is_utf_16(&bytes), "{bytes:?}");
            bytes.iter_mut().step_by(7).for_each(|b| *b = 0);
            assert!(!is_utf_16(&bytes), "{bytes:?}");
        }
        for bytes in [&b"{\"a\": 1}"[..], b"\x01\0\x02\0", b"\0\0\0\0", b"ab\0cd\0", b"", b"\xff\xfe"] {
            assert!(!is_utf_16(bytes), "{bytes:?}");
        }
    }
}
