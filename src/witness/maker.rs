//! One rule, one kind of event: its ways, and the events that take them or just miss them.

use super::atom::{Ask, Atom, Atoms, Lit, Tree};
use super::scene::{BEGINNING, Scene};
use super::solve::{Choice, Failure, Fields, Solver, forms};
use super::{Because, Conflict, Setting, Verdict, Witness, Witnesses, ways, words};
use crate::event::eval::{self, Evaluator};
use crate::event::{Event, Value};
use crate::ir::Body;
use crate::vocabulary::{FieldId, Os};
use std::collections::HashSet;

/// Events that are made for one rule and kind, tries included.
const MOST_TRIES: usize = 40_000;
/// Contradictions that are brought down to their core.
const MOST_REDUCED: usize = 8;
/// Sets of weighted flags that are looked at.
const MOST_SETS: usize = 100;
/// Steps of the budget that a try costs beside what its texts cost: for the event, and for what the rule says of it.
const STEPS_OF_A_TRY: usize = 2_000;
/// The same for each atom of the rule.
const STEPS_OF_AN_ATOM: usize = 50;
/// Tries for one witness.
const TRIES_FOR_ONE: usize = 24;

/// What a log makes of an event.
pub(super) struct Log<'a> {
    /// Whether it has a field.
    pub has: &'a dyn Fn(FieldId) -> bool,
    /// The event as read back from it.
    pub seen: &'a dyn Fn(&Event<'static>) -> Event<'static>,
}

pub(super) struct Maker<'a> {
    setting: &'a Setting<'a>,
    evaluator: &'a Evaluator,
    log: &'a Log<'a>,
    atoms: Atoms,
    fields: Fields,
    detect: Tree,
    /// The detection has more ways than the tree.
    cut: bool,
    exceptions: Vec<Tree>,
    tries: std::cell::Cell<usize>,
}

/// What an event is made for.
#[derive(Clone, Copy)]
enum Aim {
    Fires,
    Silent,
    Excepted(usize),
}

fn is_number(atom: &Atom) -> bool {
    matches!(atom.ask, Ask::Number(_))
}

impl<'a> Maker<'a> {
    pub(super) fn new(setting: &'a Setting, body: &Body, evaluator: &'a Evaluator, log: &'a Log<'a>) -> Maker<'a> {
        let mut atoms = Atoms::new(&setting.budget);
        let fields = Fields::new(setting.kind, log.has);
        let (detect, cut) = detection(body, &mut atoms);
        let exceptions = body.exceptions.iter().map(|e| atoms.tree(e, true)).collect();
        Maker { setting, evaluator, log, atoms, fields, detect, cut, exceptions, tries: std::cell::Cell::new(0) }
    }

    /// Makes all witnesses and puts them behind those that are there.
    pub(super) fn run(&self, out: &mut Witnesses) {
        let ways = ways::of(&self.detect);
        out.cut |= ways.cut || self.cut;
        let mut seen: HashSet<String> = HashSet::new();
        let mut covered: HashSet<(usize, usize)> = HashSet::new();
        let mut fired: Vec<(Vec<Lit>, Event<'static>)> = vec![];
        for way in &ways.all {
            match self.make(way, None, Aim::Fires, None) {
                Ok(event) => {
                    let first =
                        self.push(out, &mut seen, Verdict::Fires, words::holds(&self.atoms, way, None, &event), &event);
                    // A usual number need not be the first one of a list.
                    let first_form = |l: &&Lit| l.positive && !self.atoms.get(**l).is_some_and(is_number);
                    covered.extend(way.iter().filter(first_form).map(|l| (l.atom, 0)));
                    self.others(way, out, &mut seen, &mut covered);
                    if first {
                        self.near(way, &event, out, &mut seen);
                    }
                    fired.push((way.clone(), event));
                }
                Err(_) if self.is_spent() => {}
                Err(failure) => out.impossible.push(self.conflict(way, failure, out.impossible.len())),
            }
            if self.is_spent() {
                break;
            }
            if self.tries.get() > MOST_TRIES {
                out.cut = true;
                break;
            }
        }
        self.atoms.searches.turn_to_exceptions();
        self.excepted(&fired, out, &mut seen);
        out.cut_off |= self.is_spent();
    }

    /// Whether any event takes any way; `None`: nobody knows.
    pub(super) fn possible(&self) -> Option<bool> {
        let ways = ways::of(&self.detect);
        let mut proved = !ways.cut && !self.cut;
        for way in &ways.all {
            match self.make(way, None, Aim::Fires, None) {
                Ok(_) => return Some(true),
                Err(failure) => proved &= failure.certain,
            }
            if self.is_spent() || self.tries.get() > MOST_TRIES {
                return None;
            }
        }
        proved.then_some(false)
    }

    fn is_spent(&self) -> bool {
        self.atoms.budget.is_spent()
    }

    /// One more event for each alternative of a way's conditions that no event took before.
    fn others(
        &self,
        way: &[Lit],
        out: &mut Witnesses,
        seen: &mut HashSet<String>,
        covered: &mut HashSet<(usize, usize)>,
    ) {
        for lit in way.iter().filter(|l| l.positive) {
            let Some(atom) = self.atoms.get(*lit) else { continue };
            out.cut |= matches!(&atom.ask, Ask::Text(p) if p.cut);
            for form in usize::from(!is_number(atom))..forms(atom) {
                if self.is_spent() {
                    return;
                }
                if !covered.insert((lit.atom, form)) {
                    continue;
                }
                let choice = Some((lit.atom, form));
                if let Ok(event) = self.make(way, choice, Aim::Fires, None) {
                    self.push(out, seen, Verdict::Fires, words::holds(&self.atoms, way, choice, &event), &event);
                }
            }
        }
    }

    /// A near miss for each condition of a way.
    fn near(&self, way: &[Lit], base: &Event<'static>, out: &mut Witnesses, seen: &mut HashSet<String>) {
        for lit in way {
            if self.is_spent() {
                return;
            }
            let turned: Vec<Lit> = way.iter().map(|l| if l == lit { l.flipped() } else { *l }).collect();
            match self.make(&turned, None, Aim::Silent, Some(base)) {
                Ok(event) => {
                    let because = words::turned(&self.atoms, way, *lit, base, &event);
                    self.push(out, seen, Verdict::NearMiss, because, &event);
                }
                Err(_) if self.is_spent() => {}
                Err(_) => out.never_alone += 1,
            }
        }
    }

    /// An event for each exception, beside the first way that it can hold with.
    fn excepted(&self, fired: &[(Vec<Lit>, Event<'static>)], out: &mut Witnesses, seen: &mut HashSet<String>) {
        for (i, tree) in self.exceptions.iter().enumerate() {
            let Some(exception) = self.setting.rule.exceptions.get(i) else { continue };
            let ways = ways::of(tree);
            out.cut |= ways.cut;
            let pairs = ways.all.iter().flat_map(|e| fired.iter().map(move |(way, base)| (e, way, base)));
            let made = pairs.take(200).take_while(|_| !self.is_spent()).find_map(|(e, way, base)| {
                let lits = joined(way, e)?;
                let kept = self.make(&lits, None, Aim::Excepted(i), Some(base));
                let event = kept.or_else(|_| self.make(&lits, None, Aim::Excepted(i), None)).ok()?;
                Some((words::holds(&self.atoms, e, None, &event), event))
            });
            if let Some((because, event)) = made {
                self.push(out, seen, Verdict::Excepted(exception.title.clone()), because, &event);
            }
        }
    }

    /// `false`: such an event is there already.
    fn push(
        &self,
        out: &mut Witnesses,
        seen: &mut HashSet<String>,
        verdict: Verdict,
        because: Because,
        event: &Event<'static>,
    ) -> bool {
        if !seen.insert(format!("{event:?}")) {
            return false;
        }
        let event = self.numbered(event.clone(), out.all.len());
        out.all.push(Witness { verdict, because, events: vec![event] });
        true
    }

    /// Times and process ids tell witnesses apart, where the rule asks for neither.
    fn numbered(&self, mut event: Event<'static>, number: usize) -> Event<'static> {
        let number = i64::try_from(number).unwrap_or(0);
        for (name, from, step) in [("event.time", BEGINNING, 1_000_000), ("process.pid", 4312, 4)] {
            let Some(field) = FieldId::find(name) else { continue };
            if event.get(field) == Some(&Value::Number(from)) && !self.atoms.ask_about(field) {
                event.set(field, Value::Number(from + number * step));
            }
        }
        event
    }

    /// An event in which all of `lits` hold and of which the rule says what is aimed at.
    fn make(
        &self,
        lits: &[Lit],
        choice: Choice,
        aim: Aim,
        base: Option<&Event<'static>>,
    ) -> Result<Event<'static>, Failure> {
        let mut failure = None;
        for os in self.systems(lits) {
            let scene =
                Scene { project: self.setting.project, kind: self.setting.kind, os, renamed: self.is_renamed(lits) };
            let solver = Solver { atoms: &self.atoms, scene, fillers: self.setting.fillers, fields: &self.fields };
            let found = self.search(&solver, lits, choice, aim, base);
            // What was answered behind the budget's end is no answer.
            if self.is_spent() {
                break;
            }
            match found {
                Ok(event) => return Ok(event),
                Err(found) => {
                    failure.get_or_insert(found);
                }
            }
        }
        let failure = failure.filter(|_| !self.is_spent());
        Err(failure.unwrap_or(Failure { lits: lits.to_vec(), certain: false }))
    }

    /// Whether a program is known by its original name alone.
    fn is_renamed(&self, lits: &[Lit]) -> bool {
        let asked = |names: &[&str]| {
            let positive = lits.iter().filter(|l| l.positive).filter_map(|l| self.atoms.get(*l));
            positive.into_iter().any(|a| names.contains(&a.field.short()))
        };
        asked(&["original_name"]) && !asked(&["process.name", "executable"])
    }

    /// The systems of the rule, the one that a condition on a path or program speaks of first.
    fn systems(&self, lits: &[Lit]) -> Vec<Os> {
        let mut all = self.setting.systems.clone();
        let positive = || lits.iter().filter(|l| l.positive).filter_map(|l| self.atoms.get(*l));
        let named = |os: &Os| {
            let scene = Scene { project: self.setting.project, kind: self.setting.kind, os: *os, renamed: false };
            positive().any(|a| {
                let name = matches!(a.field.short(), "process.name" | "parent.name");
                name && a.first_value().is_some_and(|v| scene.utility(v).is_some())
            })
        };
        let unix = positive().any(|a| a.first_value().is_some_and(|v| v.starts_with('/')));
        all.sort_by_key(|os| !named(os));
        if unix {
            all.sort_by_key(|os| *os == Os::Windows);
        }
        all
    }

    fn search(
        &self,
        solver: &Solver,
        lits: &[Lit],
        choice: Choice,
        aim: Aim,
        base: Option<&Event<'static>>,
    ) -> Result<Event<'static>, Failure> {
        let mut open: Vec<Vec<Lit>> = vec![lits.to_vec()];
        let mut failure: Option<Failure> = None;
        let mut met: HashSet<Vec<Lit>> = HashSet::new();
        for turn in 0..TRIES_FOR_ONE {
            let Some(now) = open.pop() else { break };
            if self.is_spent() {
                break;
            }
            self.tries.set(self.tries.get() + 1);
            self.atoms.budget.charge(STEPS_OF_A_TRY.saturating_add(self.atoms.len().saturating_mul(STEPS_OF_AN_ATOM)));
            let event = match solver.event(&now, choice, base) {
                Ok(event) => event,
                Err(found) => {
                    failure.get_or_insert(Failure { certain: found.certain && turn == 0, ..found });
                    continue;
                }
            };
            let seen = (self.log.seen)(&event);
            let verdict = self.evaluator.verdict(&seen);
            let holds = lits.iter().all(|l| self.atoms.holds(*l, &seen));
            let hindrance = self.hindrance(aim, &verdict, &seen);
            match hindrance {
                None if holds && self.is_reached(aim, &verdict) => return Ok(seen),
                None => {}
                Some(reason) => {
                    let mut next: Vec<Vec<Lit>> = vec![];
                    for lit in reason {
                        if !now.contains(&lit) && !now.contains(&lit.flipped()) {
                            let mut more = now.clone();
                            more.push(lit.flipped());
                            let mut key = more.clone();
                            key.sort_unstable();
                            if met.insert(key) {
                                next.push(more);
                            }
                        }
                    }
                    open.extend(next.into_iter().rev());
                }
            }
        }
        Err(failure.unwrap_or(Failure { lits: lits.to_vec(), certain: false }))
    }

    fn is_reached(&self, aim: Aim, verdict: &eval::Verdict) -> bool {
        match aim {
            Aim::Fires => verdict.fires(),
            Aim::Silent => !verdict.detected,
            Aim::Excepted(i) => {
                let title = self.setting.rule.exceptions.get(i).map(|e| &e.title);
                verdict.detected && title.is_some_and(|t| verdict.excepted_by.contains(t))
            }
        }
    }

    /// Literals that together make hold what must not.
    fn hindrance(&self, aim: Aim, verdict: &eval::Verdict, event: &Event<'static>) -> Option<Vec<Lit>> {
        match aim {
            Aim::Silent if verdict.detected => self.atoms.reason(&self.detect, event),
            Aim::Fires if !verdict.excepted_by.is_empty() => {
                self.exceptions.iter().find_map(|e| self.atoms.reason(e, event))
            }
            _ => None,
        }
    }

    /// What contradicts itself, without the literals that it contradicts itself without.
    fn conflict(&self, way: &[Lit], failure: Failure, known: usize) -> Conflict {
        let mut lits = if failure.lits.is_empty() { way.to_vec() } else { failure.lits };
        if failure.certain && known < MOST_REDUCED {
            for lit in lits.clone() {
                if self.is_spent() {
                    break;
                }
                let fewer: Vec<Lit> = lits.iter().copied().filter(|l| *l != lit).collect();
                if self.systems(way).into_iter().all(|os| self.contradict(&fewer, os)) {
                    lits = fewer;
                }
            }
        }
        let conditions = lits.iter().filter_map(|l| Some((self.atoms.get(*l)?.span, words::literal(&self.atoms, *l))));
        Conflict { conditions: conditions.collect(), certain: failure.certain, cut_off: None }
    }

    fn contradict(&self, lits: &[Lit], os: Os) -> bool {
        let scene = self.scene(lits, os);
        let solver = Solver { atoms: &self.atoms, scene, fillers: self.setting.fillers, fields: &self.fields };
        solver.event(lits, None, None).is_err_and(|f| f.certain) && !self.is_spent()
    }

    fn scene(&self, lits: &[Lit], os: Os) -> Scene<'a> {
        Scene { project: self.setting.project, kind: self.setting.kind, os, renamed: self.is_renamed(lits) }
    }
}

/// What must hold for a rule to fire, exceptions aside: its condition and, with weights, the flags of one of the smallest
/// sets that reach the threshold. True: there are more sets.
fn detection(body: &Body, atoms: &mut Atoms) -> (Tree, bool) {
    let condition = atoms.tree(&body.detect, true);
    let Some(score) = &body.score else { return (condition, false) };
    let (sets, cut) = match score.minimal_sets(MOST_SETS) {
        Ok(sets) => (sets, false),
        Err(_) => (vec![score.weights.iter().map(|(flag, _)| *flag).collect()], true),
    };
    let set = |flags: Vec<usize>, atoms: &mut Atoms| {
        let held = flags.iter().filter_map(|i| body.flags.get(*i));
        Tree::And(held.map(|flag| atoms.tree(&flag.pred, true)).collect())
    };
    let sets = sets.into_iter().map(|flags| set(flags, atoms)).collect();
    (Tree::And(vec![condition, Tree::Or(sets)]), cut)
}

/// `None`: a literal of one is denied by the other.
fn joined(a: &[Lit], b: &[Lit]) -> Option<Vec<Lit>> {
    if b.iter().any(|l| a.contains(&l.flipped())) {
        return None;
    }
    let new = b.iter().filter(|l| !a.contains(l));
    Some(a.iter().chain(new).copied().collect())
}
