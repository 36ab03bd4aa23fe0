//! Command lines and scripts: a program, then an argument for each condition, in an order that meets them all.

use super::budget::Budget;
use super::scene::Scene;
use super::search::{Constraint, completion};
use super::text::{Known, LIKED, respelled};
use crate::vocabulary::FieldId;

/// States that the search for one argument may look at.
const LIMIT: usize = 1_000;
/// Conditions whose arguments are tried in every order.
const MOST_ORDERED: usize = 4;

/// What a line begins with, and where its program lies.
pub struct Command<'k> {
    scene: &'k Scene<'k>,
    /// `"C:\Program Files\7-Zip\7z.exe"`, `7z.exe`; of a script, nothing.
    programs: Vec<String>,
    script: bool,
    parent: bool,
}

impl<'k> Command<'k> {
    /// The command line or script that a field holds; `None`: it holds neither.
    pub fn of(field: FieldId, known: &Known<'k>) -> Option<Command<'k>> {
        let path = match field.short() {
            "command_line" => "executable",
            "parent.command_line" => "parent.executable",
            "script.text" => {
                return Some(Command { scene: known.scene, programs: vec![], script: true, parent: false });
            }
            _ => return None,
        };
        let text = |name: &str| FieldId::find(name).and_then(|id| known.event.text(id));
        let name = text(if path == "executable" { "process.name" } else { "parent.name" });
        let mut programs = vec![];
        if let Some(path) = text(path).filter(|p| !p.contains('"')) {
            programs.push(if path.contains(' ') { format!("\"{path}\"") } else { path.to_owned() });
        }
        programs.extend(name.filter(|n| !n.contains([' ', '"'])).map(str::to_owned));
        if programs.is_empty() {
            programs.push(known.scene.file_name("executable").to_owned());
        }
        Some(Command { scene: known.scene, programs, script: false, parent: path != "executable" })
    }

    /// What a line may begin with.
    pub fn beginnings(&self) -> Vec<String> {
        self.programs.iter().flat_map(|p| [format!("{p} "), p.clone()]).collect()
    }

    /// A file that an argument may name.
    fn file(&self) -> String {
        format!("{}{}{}", self.scene.documents(), self.scene.separator(), "report.docx")
    }

    /// A line that is `met`, with an argument for each of `positive`.
    pub fn line(
        &self,
        positive: &[&Constraint],
        typical: &[&str],
        spelling: &[String],
        met: &dyn Fn(&str) -> bool,
        budget: &Budget,
    ) -> Option<String> {
        let none = [String::new()];
        let programs = if self.script { &none[..] } else { &self.programs };
        for program in programs {
            let lead = if program.is_empty() { String::new() } else { format!("{program} ") };
            let plain: Vec<String> =
                positive.iter().filter_map(|c| self.argument(c, &lead, typical, spelling, budget)).collect();
            let dressed: Vec<String> = plain
                .iter()
                .map(|a| self.dressed(a, |t| positive.iter().any(|c| fits(c, &lead, t) && fits(c, &lead, a))))
                .collect();
            for arguments in [dressed, plain] {
                if let Some(line) = self.arranged(program, &arguments, met, budget) {
                    return Some(line);
                }
            }
        }
        None
    }

    fn arranged(
        &self,
        program: &str,
        arguments: &[String],
        met: &dyn Fn(&str) -> bool,
        budget: &Budget,
    ) -> Option<String> {
        let file = self.file();
        let paths = arguments.iter().any(|a| a.contains([':', '\\']) || a.contains("/home"));
        let bare = paths || self.parent && arguments.is_empty();
        let tails: [&str; 2] = match (self.script && arguments.is_empty(), bare) {
            (true, _) => ["Get-ChildItem", ""],
            (_, true) => ["", &file],
            _ => [&file, ""],
        };
        for order in orders(arguments.len()) {
            if budget.is_spent() {
                return None;
            }
            let ordered: Vec<&str> = order.iter().filter_map(|i| arguments.get(*i)).map(String::as_str).collect();
            for tail in tails {
                let parts = [program].into_iter().chain(ordered.iter().copied()).chain([tail]);
                let line = parts.filter(|p| !p.is_empty()).collect::<Vec<_>>().join(" ");
                budget.charge(line.len());
                if met(&line) {
                    return Some(line);
                }
            }
        }
        None
    }

    /// The argument that one condition asks for; `None`: it holds without.
    fn argument(
        &self,
        c: &Constraint,
        lead: &str,
        typical: &[&str],
        spelling: &[String],
        budget: &Budget,
    ) -> Option<String> {
        if budget.is_spent() {
            return None;
        }
        if !lead.is_empty() && c.holds(Some(lead.trim_end())) {
            return None;
        }
        if let Some(text) = typical.iter().find(|t| fits(c, lead, t)) {
            return Some(self.in_a_path(c, lead, text).unwrap_or_else(|| (*text).to_owned()));
        }
        let search = |before: &str| completion(&c.machine, &format!("{lead}{before}"), LIKED, LIMIT, budget);
        let bare = search("")?;
        let path = self.file();
        let stem = path.strip_suffix(".docx").unwrap_or(&path);
        let fits_a_name = |t: &String| {
            let room = bare.len() + usize::from(t.starts_with(['\\', '/']));
            t.len() <= room && !t.contains([' ', '"', '\''])
        };
        let text = match search(stem).filter(fits_a_name) {
            // A folder stands below the user's own, a name's end behind a name.
            Some(t) if t.starts_with(['\\', '/']) => format!("{}{t}", self.scene.home()),
            Some(t) => format!("{stem}{t}"),
            None => bare,
        };
        Some(respelled(&text, spelling, budget, |t| fits(c, lead, t)))
    }

    /// A piece of a path, such as `.dmp` or `\AppData\`, in a whole path.
    fn in_a_path(&self, c: &Constraint, lead: &str, piece: &str) -> Option<String> {
        let path = self.file();
        let stem = path.strip_suffix(".docx").unwrap_or(&path);
        let whole = match piece.chars().next()? {
            '.' => format!("{stem}{piece}"),
            '\\' | '/' if !piece.starts_with("\\\\") => format!("{}{piece}", self.scene.home()),
            _ => return None,
        };
        (!piece.contains(' ') && fits(c, lead, &whole)).then_some(whole)
    }

    /// An argument with what usually follows: a file in a folder, a password behind its switch.
    fn dressed(&self, argument: &str, fits: impl Fn(&str) -> bool) -> String {
        let mut more = vec![];
        let switch = argument.starts_with(|c: char| !c.is_alphanumeric() && !"\\\"'@.".contains(c));
        let close = if argument.matches('"').count() % 2 == 1 { "\"" } else { "" };
        let last = argument.rsplit(['\\', '/']).next().unwrap_or("");
        let folder = argument.contains(['\\', '/']) && !last.contains(['.', ':', '*', '"']);
        if folder && !switch {
            let separator = self.scene.separator().to_string();
            let separator = if argument.ends_with(['\\', '/']) { "" } else { &separator };
            more.push(format!("{argument}{separator}report.docx{close}"));
        }
        if argument.starts_with(['-', '/']) && argument.len() <= 4 && !argument.ends_with(|c: char| c.is_ascii_digit())
        {
            more.push(format!("{argument}Secret1"));
        }
        if argument.starts_with('@') {
            more.push("@files.txt".to_owned());
        }
        if !close.is_empty() {
            more.push(format!("{argument}{close}"));
        }
        more.into_iter().find(|t| fits(t)).unwrap_or_else(|| argument.to_owned())
    }
}

fn fits(c: &Constraint, lead: &str, argument: &str) -> bool {
    c.holds(Some(&format!("{lead}{argument}")))
}

/// Every order of a few things; of many, the given one and each that brings another one to the front or the end.
fn orders(n: usize) -> Box<dyn Iterator<Item = Vec<usize>>> {
    if n > MOST_ORDERED {
        let given: Vec<usize> = (0..n).collect();
        let first = (1..n).map(move |i| std::iter::once(i).chain((0..n).filter(move |j| *j != i)).collect());
        let last = (0..n).map(move |i| (0..n).filter(|j| *j != i).chain([i]).collect());
        return Box::new(std::iter::once(given).chain(first).chain(last));
    }
    let mut out = vec![vec![]];
    for _ in 0..n {
        out = out
            .into_iter()
            .flat_map(|order: Vec<usize>| {
                (0..n).filter(|i| !order.contains(i)).map(|i| [order.clone(), vec![i]].concat()).collect::<Vec<_>>()
            })
            .collect();
    }
    Box::new(out.into_iter())
}
