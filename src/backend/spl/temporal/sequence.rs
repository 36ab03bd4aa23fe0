//! Ordered steps: each row takes up what the steps before it have left under its key.
//!
//! A row of a step needs the best match of the steps before it: the one with the greatest times, read from the first step.
//! Under one key that is the latest one, as long as each step's key holds all that joined the steps before it. A step with a
//! wider key takes the greatest first time, and what stands beside it.

use super::Scene;
use super::links::Link;
use super::make::{all, any, binary, carry, choose, field, is_step, known, not, only, span, stat};
use crate::backend::exception_line;
use crate::backend::spl::ast::{Eval, Order, Stat, Step, Streamstats};
use crate::ir::Role;
use crate::target::Unsupported;

impl Scene<'_> {
    /// Rows in order of time, at one time in order of steps.
    pub fn sort(&mut self) {
        let mut keys = [String::from("_time"), self.rows.step.clone()].map(Order::Rising).to_vec();
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
        self.not_longer(span(later, earlier))
    }

    /// That a span of time is not longer than the window.
    pub fn not_longer(&self, span: Eval) -> Eval {
        binary("<=", span, Eval::Number(self.window))
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
                out.push(binary("=", super::make::minus(field(&guard.name), is), field(&before)));
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
            (true, true) => {
                self.rows.comment("an event does not follow itself: the match before the latest one is carried, too");
                self.carry_two((link.from, link.to), &known(&own), &state, &state, &by);
            }
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

    /// Carries columns down, and some of them also as they were before the latest row that gave them: a row of the later step
    /// that is the very event of the latest takes these.
    pub fn carry_two(
        &mut self,
        pair: (usize, usize),
        gives: &Eval,
        names: &[String],
        doubled: &[String],
        by: &[String],
    ) {
        let Some(event) = self.rows.event.clone() else { return };
        let id = self.rows.names.fresh(&format!("{}_event", self.name(pair.0).to_owned()));
        let mut before: Vec<(String, String)> = vec![];
        for name in doubled {
            before.push((name.clone(), self.rows.names.fresh(&format!("previous_{name}"))));
        }
        self.rows.push(Step::Eval(vec![(id.clone(), only(gives.clone(), field(&event)))]));
        let stats = before.iter().map(|(name, old)| stat("last", name, old)).collect();
        self.rows.push(Step::Streamstats(Streamstats {
            before: true,
            stats,
            by: by.to_vec(),
            ..Streamstats::default()
        }));
        let kept = before.iter().map(|(_, old)| (old.clone(), only(gives.clone(), field(old))));
        self.rows.push(Step::Eval(kept.collect()));
        let old = before.iter().map(|(_, old)| old.clone());
        let all_names: Vec<String> = names.iter().cloned().chain([id.clone()]).chain(old).collect();
        self.rows.push(carry(&all_names, by));
        let itself = all(vec![is_step(&self.rows.step, pair.1), binary("=", field(&id), field(&event))]);
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
        let is_best = all(vec![known(&own), binary("=", field(first), field(&best))]);
        let keep = self.rows.names.fresh("is_best");
        let mut made = vec![(keep.clone(), choose(is_best, Eval::Number(1), Eval::Number(0)))];
        names.push(&own);
        let kept = binary("=", field(&keep), Eval::Number(1));
        made.extend(names.iter().map(|n| ((*n).clone(), only(kept.clone(), field(n)))));
        self.rows.push(Step::Eval(made));
        self.rows.push(carry(state, by));
    }
}
