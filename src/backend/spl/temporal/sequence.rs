//! Ordered steps: each row takes up what the steps before it have left under its key.
//!
//! A row of a step needs the best match of the steps before it: the one with the greatest times, read from the first step.
//! Under one key that is the latest one, as long as each step's key holds all that joined the steps before it. A step with a
//! wider key takes the greatest first time, and what stands beside it.

use super::Scene;
use super::make::{all, any, binary, carry, choose, field, is_step, known, not, only, span, stat};
use crate::backend::exception_line;
use crate::backend::spl::ast::{Eval, Order, Stat, Step, Streamstats};
use crate::ir::Role;
use crate::target::Unsupported;
use crate::target::temporal::What;

/// Between two neighbouring required steps.
struct Link {
    /// The earlier step.
    from: usize,
    /// The later one.
    to: usize,
    /// What the later one shares with any step before it.
    classes: Vec<usize>,
    /// The latest match under the key is the best one.
    latest: bool,
    /// One event may be both.
    overlap: bool,
}

impl Scene<'_> {
    /// Refuses what the state cannot say.
    pub fn check(&self, required: &[usize]) -> Result<(), Unsupported> {
        if self.rows.seconds.is_some() && (required.len() > 2 || !self.of_role(Role::Without).is_empty()) {
            let place = required.get(2).or(self.of_role(Role::Without).first()).copied().unwrap_or(0);
            return Err(self.refuse(
                place,
                "knows times of a data model by the second: it orders two steps, and neither a third one nor a `without`",
            ));
        }
        for (place, _) in &self.plan.conditions {
            if self.plan.steps.get(*place).is_some_and(|s| s.role != Role::Required) {
                let why =
                    format!("carries one event a step, so `{}` is joined by equal fields only", self.name(*place));
                return Err(self.refuse(*place, why));
            }
        }
        let wide = self.plan.conditions.iter().map(|(_, w)| w).chain(self.plan.exceptions.iter().map(|(_, w)| w));
        for wide in wide {
            self.check_condition(&wide.steps())?;
        }
        Ok(())
    }

    /// A condition over several steps may follow the carry only if it has no choice of the earlier events.
    fn check_condition(&self, read: &[usize]) -> Result<(), Unsupported> {
        let Some(last) = read.iter().max() else { return Ok(()) };
        for place in read.iter().filter(|p| *p != last) {
            if !self.meant.ordered || !self.only_one(*place, *last) {
                let why = format!(
                    "carries one event of `{}` to `{}`, so a condition over both could miss a match with another one",
                    self.name(*place),
                    self.name(*last)
                );
                return Err(self.refuse(*last, why));
            }
        }
        Ok(())
    }

    /// Whether a later step's event names the one event that can be the earlier step: the start of a process that it names.
    fn only_one(&self, place: usize, later: usize) -> bool {
        let Some(step) = self.plan.steps.get(place) else { return false };
        let starts = step.sources.iter().all(|s| s.kind == crate::sema::Kind::Process);
        let Some(process) = crate::sema::FieldId::find("process") else { return false };
        let Some(parts) = self.plan.target.identity(process, crate::sema::Kind::Process) else { return false };
        starts
            && (0..parts.len()).all(|i| {
                self.plan.classes.iter().any(|c| {
                    let carried = c.of(place).and_then(|m| step.carried.get(m.column));
                    let same = carried.is_some_and(|carried| self.is_part(carried, process, i));
                    same && c.of(later).is_some()
                })
            })
    }

    /// Whether a carried column is this part of an identity, under whatever name it was first met.
    fn is_part(&self, carried: &crate::target::temporal::Carried, id: crate::sema::FieldId, part: usize) -> bool {
        let parts = self.plan.target.identity(id, crate::sema::Kind::Process).unwrap_or(&[]);
        let column = parts.get(part).map(|p| p.column.as_str());
        carried.what == What::Part(id, part)
            || carried.columns.iter().flatten().all(|c| Some(c.name.as_str()) == column)
    }

    fn links(&self, required: &[usize]) -> Result<Vec<Link>, Unsupported> {
        let mut out = vec![];
        let mut before: Vec<usize> = vec![];
        for (i, pair) in required.windows(2).enumerate() {
            let &[from, to] = pair else { continue };
            let earlier = required.get(..=i).unwrap_or(&[]);
            let classes = self.shared(to, earlier);
            if self.lacking(from, &classes).is_some() {
                let why = format!(
                    "carries state from `{}` to `{}`, which names an earlier step by a field that `{0}` does not share",
                    self.name(from),
                    self.name(to)
                );
                return Err(self.refuse(to, why));
            }
            let latest = before.iter().all(|c| classes.contains(c));
            if !latest && i > 1 {
                let why = format!(
                    "keeps the best of two steps at a wider key, and `{}` follows more than two by another key",
                    self.name(to)
                );
                return Err(self.refuse(to, why));
            }
            let overlap = !self.disjoint(from, to);
            if overlap && self.rows.seconds.is_some() {
                return Err(self.several_in_a_second(from, to));
            }
            if overlap && !latest {
                let why = format!(
                    "cannot keep one event from being both `{}` and `{}` where they are joined by another key",
                    self.name(from),
                    self.name(to)
                );
                return Err(self.refuse(to, why));
            }
            before.clone_from(&classes);
            out.push(Link { from, to, classes, latest, overlap });
        }
        for (i, a) in required.iter().enumerate() {
            if let Some(b) = required.iter().skip(i + 2).find(|b| !self.disjoint(*a, **b)) {
                let why = format!(
                    "cannot keep one event from being both `{}` and `{}`, which are not neighbours",
                    self.name(*a),
                    self.name(*b)
                );
                return Err(self.refuse(*b, why));
            }
        }
        Ok(out)
    }

    /// A row of a data model may be several events, so it cannot be told whether one of them is both steps.
    pub fn several_in_a_second(&self, a: usize, b: usize) -> Unsupported {
        let why = format!(
            "knows events of a data model by the second, and cannot keep one from being both `{}` and `{}`",
            self.name(a),
            self.name(b)
        );
        self.refuse(b, why)
    }

    /// Rows in order of time, at one time in order of steps.
    pub fn sort(&mut self) {
        let mut keys = vec![Order::Rising("_time".to_owned()), Order::Rising(self.rows.step.clone())];
        let is = |places: Vec<usize>| places.into_iter().filter_map(|p| self.rows.is.get(p)).cloned();
        // Among events at one time the last one is carried. The one that is a `without` itself is better: it is no further
        // event. One that is the step before, too, is worse: it cannot follow itself.
        let guards = self.of_role(Role::Without).into_iter().filter(|x| self.may_be_neighbour(*x));
        keys.extend(is(guards.collect()).map(Order::Rising));
        let required = self.of_role(Role::Required);
        let pairs = required.windows(2).filter_map(|pair| Some((*pair.first()?, *pair.get(1)?)));
        let doubles = pairs.filter(|(a, b)| self.meant.ordered && !self.disjoint(*a, *b)).map(|(a, _)| a);
        keys.extend(is(doubles.collect()).map(Order::Falling));
        self.rows.push(Step::Sort(keys));
    }

    /// Whether an event of a `without` may be one of the steps around it.
    fn may_be_neighbour(&self, guard: usize) -> bool {
        self.of_role(Role::Required).iter().any(|p| !self.disjoint(*p, guard))
    }

    /// All steps; the name of the column with the first one's time.
    pub fn sequence(&mut self, required: &[usize]) -> Result<String, Unsupported> {
        let links = self.links(required)?;
        let first = required.first().and_then(|p| self.columns.get(*p)).map_or_else(String::new, |c| c.time.clone());
        let mut taken: Vec<Eval> = vec![];
        let mut carried: Vec<String> = vec![];
        for link in &links {
            let tests = self.tests(link.from, taken);
            taken = self.link(link, &first, tests, &mut carried)?;
        }
        let Some(last) = required.last() else { return Ok(first) };
        let mut tests = vec![is_step(&self.rows.step, *last), known(&first), self.in_window(*last, &first)];
        tests.append(&mut taken);
        tests.extend(self.conditions(*last));
        self.rows.push(Step::Where(all(tests)));
        self.exceptions(*last);
        Ok(first)
    }

    /// That the window reaches from the first step to this row.
    fn in_window(&self, _last: usize, first: &str) -> Eval {
        let (later, earlier) = match &self.rows.seconds {
            Some((begins, ends)) => (field(begins), field(&format!("latest_{ends}"))),
            None => (field("_time"), field(first)),
        };
        binary("<=", span(later, earlier), Eval::Number(self.window))
    }

    /// What makes a row of a step one of a match, beside its key: the tests of the link before it, and its conditions.
    pub fn tests(&mut self, place: usize, mut taken: Vec<Eval>) -> Vec<Eval> {
        taken.extend(self.conditions(place));
        // A sequence tests its last step in a filter of its own.
        let last = self.of_role(Role::Required).last().copied().filter(|_| self.meant.ordered);
        let exceptions = self.plan.exceptions.iter().filter(|(_, w)| w.steps().into_iter().max() == Some(place));
        let exceptions: Vec<(usize, Eval)> = exceptions.map(|(i, w)| (*i, self.wide(w, Some(place)))).collect();
        for (index, made) in exceptions.into_iter().filter(|_| last != Some(place)) {
            self.rows.push(Step::Comment(exception_line(self.rows.rule, index)));
            taken.push(not(made));
        }
        taken
    }

    /// The conditions that are decided at a step.
    fn conditions(&self, place: usize) -> Vec<Eval> {
        let at = |w: &crate::target::temporal::Wide, p: usize| w.steps().into_iter().max().unwrap_or(p) == place;
        let all = self.plan.conditions.iter().filter(|(p, w)| at(w, *p));
        all.map(|(_, w)| self.wide(w, Some(place))).collect()
    }

    /// Exceptions that are decided at the last step.
    fn exceptions(&mut self, place: usize) {
        let mine = self.plan.exceptions.iter().filter(|(_, w)| w.steps().into_iter().max() == Some(place));
        let mine: Vec<(usize, Eval)> = mine.map(|(i, w)| (*i, self.wide(w, Some(place)))).collect();
        for (index, made) in mine {
            self.rows.push(Step::Comment(exception_line(self.rows.rule, index)));
            self.rows.push(Step::Where(not(made)));
        }
    }

    /// Carries the steps up to one to the next; what is to be tested there beside the window.
    fn link(
        &mut self,
        link: &Link,
        first: &str,
        tests: Vec<Eval>,
        carried: &mut Vec<String>,
    ) -> Result<Vec<Eval>, Unsupported> {
        let by = self.by(&link.classes);
        let guards = self.guards_of(link)?;
        for guard in guards.iter().filter(|g| g.counted) {
            self.rows.comment(&format!(
                "an event may be `{}` beside another step: they are counted",
                self.name(guard.place).to_owned()
            ));
            let over = Some(is_step(&self.rows.step, guard.place));
            let stats = vec![Stat { function: "count", over, name: guard.name.clone() }];
            self.rows.push(Step::Streamstats(Streamstats { stats, by: guard.by.clone(), ..Streamstats::default() }));
        }
        let mut made = self.taken_up(link, first, tests, carried);
        let Some(own) = self.columns.get(link.from).map(|c| c.time.clone()) else { return Ok(vec![]) };
        let mut state = carried.clone();
        let mut out = vec![];
        let mut separate = vec![];
        for guard in &guards {
            let step = &self.rows.step;
            if guard.counted {
                let before = self.rows.names.fresh(&format!("{}_before", guard.name));
                let is = self.rows.is.get(guard.place).map(|n| field(n)).unwrap_or(Eval::Number(0));
                made.push((before.clone(), only(known(&own), binary(" + ", field(&guard.name), is.clone()))));
                state.push(before.clone());
                // Only these two events themselves may be such events.
                out.push(binary("==", super::make::minus(field(&guard.name), is), field(&before)));
                continue;
            }
            made.push((guard.name.clone(), only(is_step(step, guard.place), field("_time"))));
            match guard.by == by && link.latest && !link.overlap {
                true => state.push(guard.name.clone()),
                false => separate.push((guard.name.clone(), guard.by.clone())),
            }
            let earlier = binary("<", field(&guard.name), field(&own));
            out.push(any(vec![Eval::Call("isnull", vec![field(&guard.name)]), earlier]));
        }
        self.rows.push(Step::Eval(made));
        for (name, by) in separate {
            self.rows.push(carry(&[name], &by));
        }
        match (link.latest, link.overlap) {
            (true, false) => self.carry_latest(state, &by),
            (true, true) => self.carry_two(link, &own, &state, &by),
            (false, _) => self.carry_best(first, &own, &state, &by),
        }
        Ok(out)
    }

    /// The columns of the steps so far on rows of a step that completes them, else nothing.
    fn taken_up(
        &mut self,
        link: &Link,
        first: &str,
        tests: Vec<Eval>,
        carried: &mut Vec<String>,
    ) -> Vec<(String, Eval)> {
        let Some(columns) = self.columns.get(link.from).cloned() else { return vec![] };
        let row = is_step(&self.rows.step, link.from);
        let mut made: Vec<(String, Eval)> = vec![];
        let begins = carried.is_empty();
        if begins {
            let simple = tests.is_empty();
            let test = all(std::iter::once(row.clone()).chain(tests).collect());
            made.push((columns.time.clone(), only(test, field("_time"))));
            let row = if simple { row } else { known(&columns.time) };
            made.extend(columns.values.iter().map(|(_, name, value)| (name.clone(), only(row.clone(), value.clone()))));
            if let Some((_, ends)) = self.rows.seconds.clone() {
                let latest = self.rows.names.fresh(&format!("latest_{ends}"));
                made.push((latest, only(row, field(&ends))));
            }
        } else {
            let test = all([row, known(first)].into_iter().chain(tests).collect());
            made.push((first.to_owned(), only(test, field(first))));
            let done = known(first);
            let others = carried.iter().filter(|n| *n != first);
            made.extend(others.map(|n| (n.clone(), only(done.clone(), field(n)))));
            made.push((columns.time.clone(), only(done.clone(), field("_time"))));
            made.extend(
                columns.values.iter().map(|(_, name, value)| (name.clone(), only(done.clone(), value.clone()))),
            );
        }
        carried.extend(columns.names());
        made
    }

    fn carry_latest(&mut self, state: Vec<String>, by: &[String]) {
        let mut step = carry(&state, by);
        if let (Some((_, ends)), Step::Streamstats(s)) = (&self.rows.seconds, &mut step) {
            let latest = format!("latest_{ends}");
            s.stats.push(stat("max", &latest, &latest));
        }
        self.rows.push(step);
    }

    /// Carries the latest match and the one before it: an event must not follow itself.
    fn carry_two(&mut self, link: &Link, own: &str, state: &[String], by: &[String]) {
        let Some(event) = self.rows.event.clone() else { return };
        self.rows.comment("an event does not follow itself: the match before the latest one is carried, too");
        let id = self.rows.names.fresh(&format!("{}_event", self.name(link.from).to_owned()));
        let mut before: Vec<(String, String)> = vec![];
        for name in state {
            before.push((name.clone(), self.rows.names.fresh(&format!("previous_{name}"))));
        }
        self.rows.push(Step::Eval(vec![(id.clone(), only(known(own), field(&event)))]));
        let stats = before.iter().map(|(name, old)| stat("last", name, old)).collect();
        self.rows.push(Step::Streamstats(Streamstats {
            before: true,
            stats,
            by: by.to_vec(),
            ..Streamstats::default()
        }));
        self.rows.push(Step::Eval(before.iter().map(|(_, old)| (old.clone(), only(known(own), field(old)))).collect()));
        let names: Vec<String> =
            state.iter().cloned().chain([id.clone()]).chain(before.iter().map(|(_, old)| old.clone())).collect();
        self.rows.push(carry(&names, by));
        let itself = all(vec![is_step(&self.rows.step, link.to), binary("==", field(&id), field(&event))]);
        let chosen = before.iter().map(|(name, old)| (name.clone(), choose(itself.clone(), field(old), field(name))));
        self.rows.push(Step::Eval(chosen.collect()));
    }

    /// Carries the match with the greatest first time, at equal ones the latest.
    fn carry_best(&mut self, first: &str, own: &str, state: &[String], by: &[String]) {
        self.rows.comment("the tightest match under the wider key: the greatest first time, then the latest");
        let best = self.rows.names.fresh("best");
        let stats = vec![stat("max", first, &best)];
        self.rows.push(Step::Streamstats(Streamstats { stats, by: by.to_vec(), ..Streamstats::default() }));
        let mut names: Vec<&String> = state.iter().filter(|n| *n != own).collect();
        let own = own.to_owned();
        // Its own time last: the others are kept as long as it is there.
        let is_best = all(vec![known(&own), binary("==", field(first), field(&best))]);
        let keep = self.rows.names.fresh("is_best");
        let mut made = vec![(keep.clone(), choose(is_best, Eval::Number(1), Eval::Number(0)))];
        names.push(&own);
        let kept = binary("==", field(&keep), Eval::Number(1));
        made.extend(names.iter().map(|n| ((*n).clone(), only(kept.clone(), field(n)))));
        self.rows.push(Step::Eval(made));
        self.rows.push(carry(state, by));
    }

    /// The `without`s between two steps.
    fn guards_of(&mut self, link: &Link) -> Result<Vec<Guard>, Unsupported> {
        let places: Vec<usize> =
            self.of_role(Role::Without).into_iter().filter(|x| link.from < *x && *x < link.to).collect();
        let mut out = vec![];
        for place in places {
            let (name, from, to) = (self.name(place).to_owned(), self.name(link.from), self.name(link.to));
            let classes = self.shared(place, &self.of_role(Role::Required));
            if !link.latest {
                let why = format!(
                    "keeps the best match before `{to}`, not the latest, so it cannot tell what stands between `{from}` and `{to}`"
                );
                return Err(self.refuse(place, why));
            }
            if self.lacking(link.to, &classes).is_some() {
                let why = format!("compares `{name}` with fields that `{to}` does not share");
                return Err(self.refuse(place, why));
            }
            let required = self.of_role(Role::Required);
            let far = required.iter().find(|p| **p != link.from && **p != link.to && !self.disjoint(**p, place));
            if let Some(far) = far {
                let why = format!("cannot keep an event of `{}` from being `{name}` too", self.name(*far));
                return Err(self.refuse(place, why));
            }
            let counted = !self.disjoint(link.from, place) || !self.disjoint(place, link.to);
            let alike = classes.iter().all(|c| self.keys.get(*c).is_some_and(|k| k.uniform));
            if counted && (!alike || self.lacking(link.from, &classes).is_some()) {
                let why =
                    format!("cannot keep an event of `{from}` or `{to}` from being `{name}` too: they have other keys");
                return Err(self.refuse(place, why));
            }
            let wanted = if counted { format!("{name}_count") } else { format!("{name}_time") };
            let by = self.by(&classes);
            out.push(Guard { place, name: self.rows.names.fresh(&wanted), by, counted });
        }
        Ok(out)
    }
}

/// A `without` between two steps.
struct Guard {
    place: usize,
    /// The column with its latest time, or with how many there were.
    name: String,
    by: Vec<String>,
    /// Events of the steps around it may be such events too: they are counted.
    counted: bool,
}
