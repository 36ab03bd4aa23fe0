//! The text of one field that meets all literals about it, as a log might hold it.

use super::atom::{Ask, Atom, Atoms, Lit};
use super::budget::Budget;
use super::command::Command;
use super::pattern::{Pattern, equal};
use super::scene::Scene;
use super::search::{Constraint, Found, View};
use super::solve::{Choice, Group};
use crate::event::Event;
use crate::vocabulary::{FieldId, Type};
use std::cell::Cell;

/// States that one search may look at.
const LIMIT: usize = 4_000;
/// Places at which a text is edited.
const LONGEST_EDITED: usize = 400;
/// Characters that a made-up text takes, the likeliest first.
pub const LIKED: &str = "xabcdefghijklmnopqrstuvwyz0123456789\\/.-_:";

/// What is known when a text is made.
pub struct Known<'k> {
    /// Where the event is set.
    pub scene: &'k Scene<'k>,
    /// The fields so far.
    pub event: &'k Event<'static>,
    /// The event that is to be kept as far as possible.
    pub base: Option<&'k Event<'static>>,
}

/// All that is asked of one text.
pub struct Wanted<'w> {
    atoms: &'w Atoms,
    group: &'w Group,
    /// What must hold.
    all: Vec<Constraint>,
    /// Narrower forms of what must hold; the chosen ones may not be given up.
    narrow: Vec<(Constraint, bool)>,
    /// Texts that are likely to meet one of them: where, and the text.
    typical: Vec<(View, String)>,
    /// Letters as the author wrote them.
    spelling: Vec<String>,
    /// Lists too long to be walked.
    lists: Vec<(&'w Pattern, View, bool)>,
    /// No machine stands for some of it.
    blind: bool,
    /// Something must be there.
    positive: bool,
    /// Something is asked at all.
    asked: bool,
    /// Which of `all` failed last: it is asked first, since it is the likeliest to fail again.
    failed: Cell<usize>,
}

impl<'w> Wanted<'w> {
    /// Nothing yet, but that a value is no filler.
    pub fn new(fillers: &[String], group: &'w Group, atoms: &'w Atoms) -> Wanted<'w> {
        let mut wanted = Wanted {
            atoms,
            group,
            all: vec![],
            narrow: vec![],
            typical: vec![],
            spelling: vec![],
            lists: vec![],
            blind: false,
            positive: false,
            asked: false,
            failed: Cell::new(0),
        };
        for filler in fillers {
            for (_, view) in &group.parts {
                wanted.push(&equal(filler, true, Type::String), *view, false);
            }
        }
        wanted.asked = false;
        wanted
    }

    fn push(&mut self, pattern: &str, view: View, positive: bool) {
        match self.atoms.machine(pattern) {
            Some(machine) => self.all.push(Constraint { machine, view, positive }),
            None => self.blind = true,
        }
        self.positive |= positive;
        self.asked = true;
    }

    /// The part must be there.
    pub fn exists(&mut self, view: View) {
        self.push("(?s).", view, true);
    }

    /// A part must equal a text, or must not.
    pub fn equal(&mut self, text: &str, cased: bool, field: FieldId, view: View, positive: bool) {
        self.push(&equal(text, cased, field.def().ty), view, positive);
        if positive {
            self.typical.push((view, text.to_owned()));
        }
    }

    /// A literal about a part.
    pub fn add(&mut self, lit: Lit, atom: &'w Atom, view: View, choice: Choice) {
        match &atom.ask {
            Ask::Present => self.push("(?s).", view, lit.positive),
            Ask::Text(pattern) => {
                self.asked = true;
                match pattern.machine(self.atoms) {
                    Some(machine) => self.all.push(Constraint { machine, view, positive: lit.positive }),
                    None => self.lists.push((pattern, view, lit.positive)),
                }
                if lit.positive {
                    self.positive = true;
                    self.narrow(lit, pattern, view, choice);
                }
            }
            _ => self.blind = true,
        }
    }

    fn budget(&self) -> &'w Budget {
        &self.atoms.budget
    }

    fn narrow(&mut self, lit: Lit, pattern: &Pattern, view: View, choice: Choice) {
        let chosen = choice.filter(|(atom, _)| *atom == lit.atom).map(|(_, form)| form);
        let Some(form) = pattern.forms.get(chosen.unwrap_or(0)) else { return };
        if let Some(machine) = self.atoms.machine(&form.pattern) {
            self.narrow.push((Constraint { machine, view, positive: true }, chosen.is_some()));
        }
        self.typical.extend(form.typical.iter().map(|t| (view, t.clone())));
        self.spelling.extend(form.spelling.iter().cloned());
    }

    /// Whether a text meets everything, and `more`.
    fn met(&self, text: Option<&str>, more: &[Constraint]) -> bool {
        let listed = |(pattern, view, positive): &(&Pattern, View, bool)| {
            text.and_then(|t| view.of(t)).is_some_and(|part| pattern.is_in(part, self.atoms)) == *positive
        };
        if self.all.get(self.failed.get()).is_some_and(|c| !c.holds(text)) {
            return false;
        }
        if let Some(failed) = self.all.iter().position(|c| !c.holds(text)) {
            self.failed.set(failed);
            return false;
        }
        more.iter().all(|c| c.holds(text)) && self.lists.iter().all(listed)
    }

    /// A text that meets everything; `None` where the field is better left out.
    ///
    /// # Errors
    /// No text was found; true: there is none.
    pub fn solve(&self, known: &Known) -> Result<Option<String>, bool> {
        let main = self.group.main;
        if let Some(base) = known.base {
            let before = base.text(main);
            if self.met(before, &[]) {
                return Ok(before.map(str::to_owned));
            }
            if let Some(text) = before.and_then(|t| edited(t, self.budget(), |t| self.met(Some(t), &[]))) {
                return Ok(Some(text));
            }
        }
        let narrow = |kept: bool| -> Vec<Constraint> {
            self.narrow.iter().filter(|(_, chosen)| *chosen || !kept).map(|(c, _)| c.clone()).collect()
        };
        let mut tried = vec![narrow(false)];
        if tried.first().is_some_and(|all| all.len() > narrow(true).len()) {
            tried.push(narrow(true));
        }
        for more in &tried {
            if let Some(text) = self.likely(known, more) {
                return Ok(Some(text));
            }
        }
        if !self.positive && self.met(None, &[]) {
            return Ok(None);
        }
        let mut certain = false;
        for more in &tried {
            let all: Vec<Constraint> = more.iter().chain(&self.all).cloned().collect();
            let search = |prefix: &str| self.atoms.searches.shortest(&all, prefix, LIKED, LIMIT, self.budget());
            let beginnings = self.beginnings(known);
            for beginning in beginnings.iter().map(String::as_str).chain([""]) {
                let found = search(beginning);
                // Only the search from nothing proves anything: behind another beginning there may be a text.
                certain = beginning.is_empty() && found == Found::Nothing;
                let Found::Text(text) = found else { continue };
                let text = respelled(&text, &self.spelling, self.budget(), |t| self.met(Some(t), more));
                if self.met(Some(&text), more) {
                    return Ok(Some(text));
                }
            }
        }
        let whole = !tried.last().is_some_and(|more| !more.is_empty() && self.narrow.iter().any(|(_, c)| *c));
        Err(certain && !self.budget().is_spent() && whole && !self.blind && self.lists.is_empty())
    }

    /// The first likely text that meets everything.
    fn likely(&self, known: &Known, more: &[Constraint]) -> Option<String> {
        let met = |text: &str| self.met(Some(text), more);
        let main = self.group.main;
        if !self.asked && !known.scene.shows(main) {
            return None;
        }
        if let Some(command) = Command::of(main, known) {
            let positive: Vec<&Constraint> = match more.is_empty() {
                true => self.all.iter().filter(|c| c.positive).collect(),
                false => more.iter().collect(),
            };
            let typical: Vec<&str> = self.typical.iter().map(|(_, t)| t.as_str()).collect();
            return command.line(&positive, &typical, &self.spelling, &met, self.budget());
        }
        let made = match main.def().ty {
            Type::Path => self.paths(known),
            _ => self.plain(known),
        };
        made.into_iter().find(|t| met(t))
    }

    fn typical(&self, view: View) -> Vec<String> {
        self.typical.iter().filter(|(v, _)| *v == view).map(|(_, t)| t.clone()).collect()
    }

    fn plain(&self, known: &Known) -> Vec<String> {
        let mut out = self.typical(View::Whole);
        out.extend(self.spelling.iter().cloned());
        let main = self.group.main;
        let scene = known.scene;
        match main.short() {
            "original_name" => out.extend(original_name(known)),
            name @ ("process.name" | "parent.name") => {
                out.push(
                    scene.file_name(if name == "parent.name" { "parent.executable" } else { "executable" }).to_owned(),
                );
            }
            "file.name" => out.push(scene.file_name("file.path").to_owned()),
            "dll.name" => out.push(scene.file_name("dll.path").to_owned()),
            _ => out.extend(scene.usual(main).map(str::to_owned)),
        }
        if self.asked {
            out.extend(match main.def().ty {
                Type::Hash(digits) => vec!["0123456789abcdef".repeat(4).chars().take(digits).collect()],
                _ => vec!["sample".to_owned()],
            });
        }
        out
    }

    /// Paths: each likely name in each likely folder.
    fn paths(&self, known: &Known) -> Vec<String> {
        let main = self.group.main.short();
        let scene = known.scene;
        if let Some(path) = scene.usual(self.group.main) {
            let mut out = self.typical(View::Whole);
            out.push(path.to_owned());
            return out;
        }
        let separator = scene.separator();
        let mut names = self.typical(View::Name);
        names.extend(self.typical(View::Extension).iter().map(|e| format!("report.{e}")));
        names.push(scene.file_name(main).to_owned());
        let mut folders: Vec<String> = self.typical(View::Folder).iter().flat_map(|f| scene.rooted(f)).collect();
        let whole: Vec<String> = self.typical(View::Whole).iter().flat_map(|t| scene.rooted(t)).collect();
        folders.extend(whole.iter().map(|t| t.trim_end_matches(['\\', '/']).to_owned()));
        let mut out = whole;
        for name in &names {
            let mut all = folders.clone();
            all.extend(if main.ends_with("executable") { scene.program_folders(name) } else { scene.folders(main) });
            out.extend(all.into_iter().map(|f| format!("{f}{separator}{name}")));
        }
        out
    }

    /// Beginnings behind which a text is searched, the likeliest first.
    fn beginnings(&self, known: &Known) -> Vec<String> {
        let mut out = vec![];
        if let Some(command) = Command::of(self.group.main, known) {
            out.extend(command.beginnings());
        } else if self.group.main.def().ty == Type::Path {
            let separator = known.scene.separator();
            out.extend(known.scene.program_folders("").into_iter().take(1).map(|f| format!("{f}{separator}")));
            out.push(known.scene.home().to_owned());
        }
        out
    }
}

/// The original name of the program that runs: its utility's, or its file's.
fn original_name(known: &Known) -> Vec<String> {
    if known.scene.os != crate::vocabulary::Os::Windows || known.scene.kind != crate::vocabulary::Kind::Process {
        return vec![];
    }
    let name = FieldId::find("process.name").and_then(|id| known.event.text(id)).unwrap_or("");
    let utility = known.scene.utility(name).and_then(|u| u.original.first()).cloned();
    utility.into_iter().chain([name.to_owned()]).filter(|n| !n.is_empty()).collect()
}

/// The nearest neighbour of a text that is as it should be: one character more, or one less. What stands behind a
/// program comes before the program.
fn edited(text: &str, budget: &Budget, met: impl Fn(&str) -> bool) -> Option<String> {
    let places: Vec<usize> = text.char_indices().map(|(i, _)| i).chain([text.len()]).take(LONGEST_EDITED).collect();
    let program = match text.strip_prefix('"').and_then(|rest| rest.find('"')) {
        Some(end) => end + 2,
        None => text.find(' ').unwrap_or(0),
    };
    let (before, behind): (Vec<usize>, Vec<usize>) = places.iter().partition(|at| **at < program);
    let places = || behind.iter().chain(&before);
    let with = |at: &usize| Some(format!("{}x{}", text.get(..*at)?, text.get(*at..)?));
    let without = |at: &usize| {
        let rest = text.get(*at..)?;
        let next = rest.chars().next()?.len_utf8();
        Some(format!("{}{}", text.get(..*at)?, rest.get(next..)?))
    };
    let more = places().filter_map(with);
    let less = places().filter_map(without).filter(|t| !t.is_empty());
    let paid = |t: &String| {
        budget.charge(t.len() / 4);
        !budget.is_spent()
    };
    more.chain(less).take_while(paid).find(|t| met(t))
}

/// A text with the author's capitals where it holds his words.
pub fn respelled(text: &str, words: &[String], budget: &Budget, met: impl Fn(&str) -> bool) -> String {
    let mut out = text.to_owned();
    for word in words.iter().filter(|w| w.is_ascii() && w.len() > 1) {
        if budget.is_spent() {
            break;
        }
        budget.charge(out.len() / 2);
        let Some(at) = out.to_ascii_lowercase().find(&word.to_ascii_lowercase()) else { continue };
        let mut trial = out.clone();
        trial.replace_range(at..at + word.len(), word);
        if met(&trial) {
            out = trial;
        }
    }
    // Where any name would do, a drive and a share get the names that they often have.
    for (made_up, usual) in [(r"x:\", r"C:\"), (r"\\x\x", r"\\fileserver\share")] {
        let trial = out.replace(made_up, usual);
        if met(&trial) {
            out = trial;
        }
    }
    out
}
