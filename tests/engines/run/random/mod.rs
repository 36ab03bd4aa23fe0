//! Random rules, as text, and events made of their own literals.
//!
//! Literals are put together from what the three languages and their tools treat in some special way; every operator stands
//! on every type of field, below every nesting of connectives, for every kind of event.

mod dice;
mod event;
mod leaf;
mod words;

use super::super::oracle::Value;
use super::tree::{Cond, Made};
use arcanary::compile::compile;
use arcanary::sema::Project;
use arcanary::target::Target;
use arcanary::vocabulary::{FieldId, Kind};
pub use dice::Dice;
pub use event::event;
use leaf::{Ground, leaf};

/// Utilities that random rules run.
const UTILITIES: &str = r#"
utility packer "Packer" {
  os [windows, linux]   image ["pack.exe", "pack"]   original ["Pack.exe"] when available   prefixes ["-", "/"]
  home [':\Windows\System32', '/usr/bin']
  verb create = first ["a", "u+"]   verb list = alone ["l", "list"]
  switch secret = glued "p"   switch volume = glued "v" digits   switch from = leading "@"
}
utility tarball "Tarball" {
  os [windows, linux]   image ["tarball"]   cased   values "f"
  verb create = dashless "c" or bundled "c" or long "create" min 2   verb other = default
  switch keep = equals "K" by ":" or bundled "k" last
}
utility shell "Cmdlets" {
  os [windows]   image ["shell.exe"]   prefixes psdash
  verb create = word "Pack-Files"   switch force = parameter "force" min 2
}
group packers = [packer, tarball]
"#;

/// The literals of a rule with the fields that are asked for them: events are made of these.
#[derive(Default)]
pub struct Words(Vec<(FieldId, Value)>);

impl Words {
    fn put(&mut self, id: FieldId, value: Value) {
        self.0.push((id, value));
    }
}

/// What a rule reads; processes most often.
const KINDS: [&[Kind]; 6] = [
    &[Kind::Process],
    &[Kind::File],
    &[Kind::Library],
    &[Kind::Network],
    &[Kind::Script],
    &[Kind::Process, Kind::Script],
];

fn cond(dice: &mut Dice, depth: usize, ground: Ground, words: &mut Words) -> Cond {
    let several = |dice: &mut Dice, words: &mut Words| {
        (0..2 + dice.below(2)).map(|_| cond(dice, depth - 1, ground, words)).collect::<Vec<_>>()
    };
    match if depth == 0 { 9 } else { dice.below(10) } {
        0..=2 => Cond::And(several(dice, words)),
        3..=5 => Cond::Or(several(dice, words)),
        6 | 7 => Cond::Not(Box::new(cond(dice, depth - 1, ground, words))),
        _ => Cond::Leaf(leaf(dice, ground, words)),
    }
}

/// Fields that are parts of columns somewhere. Sigma computes nothing, and what it cannot ask of a part it drops where it
/// may; which questions these are the oracle does not know.
const PARTS: [&str; 8] = [
    "process.name",
    "parent.name",
    "user.name",
    "user.domain",
    "file.name",
    "file.directory",
    "file.extension",
    "dll.name",
];

/// `when available` where the language takes it: on operands of the outermost `and`.
fn available(dice: &mut Dice, mut cond: Cond) -> Cond {
    let all = match &mut cond {
        Cond::And(all) => all.as_mut_slice(),
        one => std::slice::from_mut(one),
    };
    for operand in all {
        if let Cond::Leaf(text) = operand
            && !text.ends_with("when available")
            && !PARTS.iter().any(|p| text.contains(p))
            && dice.one_in(5)
        {
            text.push_str(" when available");
        }
    }
    cond
}

/// A rule, and the words that it is made of.
pub fn rule(dice: &mut Dice, number: u64) -> (Made, Words) {
    let mut words = Words::default();
    let kinds = KINDS[dice.below(12).saturating_sub(6)];
    let ground = Ground { kinds, common: !dice.one_in(3) };
    let depth = dice.below(4);
    let detect = cond(dice, depth, ground, &mut words);
    let detect = if matches!(detect, Cond::And(_)) { available(dice, detect) } else { detect };
    // A score wants flags that hold together now and then, and none of them may be dropped.
    let score = dice.one_in(4).then(|| {
        let weights: Vec<u64> = (0..2 + dice.below(4)).map(|_| *dice.pick(&[10, 10, 25, 25, 50])).collect();
        let threshold = *dice.pick(&[10, 25, 35, 50, 60]);
        (weights, threshold)
    });
    let count = score.as_ref().map_or_else(|| dice.below(3), |(weights, _)| weights.len());
    let flags = (0..count).map(|_| cond(dice, 1, ground, &mut words)).collect::<Vec<_>>();
    let flags = flags.into_iter().map(|f| if score.is_some() { f } else { available(dice, f) }).collect();
    let except = dice.one_in(3).then(|| cond(dice, 1, ground, &mut words));
    let except = except.map(|e| available(dice, e));
    let os = if dice.one_in(5) { "linux" } else { "windows" };
    (Made { name: format!("random_{number}"), number, kinds, os, detect, flags, except, score }, words)
}

/// A rule by its text, with its project; `None` if the language refuses it.
pub fn resolved(text: &str) -> Option<Project> {
    let all = format!("{UTILITIES}{text}");
    let mut sources = arcanary::source::Sources::new();
    let id = sources.add("random", &all);
    let (project, findings) =
        arcanary::sema::resolve(vec![arcanary::syntax::parse(id, &all)], &indexmap::IndexMap::new());
    (!findings.iter().any(arcanary::diagnostic::Diagnostic::is_error)).then_some(project)
}

/// A rule with the words that it is made of, and as the compiler knows it.
pub struct Asked {
    pub made: Made,
    pub words: Words,
    pub project: Project,
}

/// As many rules as are wanted, each one that some of the targets can say; also how many texts were refused on the way, by
/// the language or by all of these targets.
pub fn rules(dice: &mut Dice, wanted: usize, targets: &[&Target]) -> (Vec<Asked>, usize) {
    let (mut out, mut refused) = (vec![], 0);
    while out.len() < wanted {
        let (made, words) = rule(dice, out.len() as u64);
        match resolved(&made.text()) {
            Some(project) if said(&project, &made, targets) => out.push(Asked { made, words, project }),
            _ => refused += 1,
        }
    }
    (out, refused)
}

fn said(project: &Project, made: &Made, targets: &[&Target]) -> bool {
    targets.is_empty() || targets.iter().any(|t| compile(&project.rules[&made.name], project, t).is_ok())
}

/// Rules that share a set of events.
const A_ROUND: usize = 20;
/// Of so many rounds one is put to users' converters, too.
const CONVERTED: usize = 5;
/// Events made for each rule.
const EVENTS: usize = 8;

/// Rules in rounds, each with events made of the words of its rules.
pub fn rounds<'p>(dice: &mut Dice, rules: &'p [Asked]) -> Vec<super::compare::Round<'p>> {
    let one = |dice: &mut Dice, (place, all): (usize, &'p [Asked])| super::compare::Round {
        converted: place % CONVERTED == 0,
        cases: all.iter().map(|r| (&r.project, &r.project.rules[&r.made.name], r.made.name.clone())).collect(),
        events: super::events::unique(
            all.iter().flat_map(|r| (0..EVENTS).map(|_| event(dice, &r.made, &r.words)).collect::<Vec<_>>()).collect(),
        ),
        forms: super::compare::Forms::Each,
    };
    rules.chunks(A_ROUND).enumerate().map(|all| one(dice, all)).collect()
}
