//! Steps in any order: each row has the latest event of every step, its own among them.

use super::Scene;
use super::make::{all, any, binary, carry, field, is_step, known, not, only, span, stat};
use crate::backend::spl::ast::{Eval, Step, Streamstats};
use crate::target::Unsupported;

impl Scene<'_> {
    /// All steps; the name of the column with the first one's time.
    pub fn together(&mut self, required: &[usize]) -> Result<String, Unsupported> {
        let by = self.one_key(required)?;
        let overlap = self.pair_of_one_event(required)?;
        let (mut made, mut names) = (vec![], vec![]);
        self.rows_asked(required);
        for place in required.iter().copied() {
            let row = is_step(&self.rows.step, place);
            let Some(columns) = self.columns.get(place) else { continue };
            made.push((columns.time.clone(), only(row.clone(), field("_time"))));
            made.extend(columns.values.iter().map(|(_, n, v)| (n.clone(), only(row.clone(), v.clone()))));
            names.extend(columns.names());
        }
        self.rows.push(Step::Eval(made));
        let ends = self.ends(required, &by);
        match overlap {
            Some(pair) => {
                self.rows.comment("an event is not both steps: the event before the latest one is carried, too");
                let row = is_step(&self.rows.step, pair.0);
                let first = self.columns.get(pair.0).map(super::wide::Columns::names).unwrap_or_default();
                self.carry_two(pair, &row, &names, &first, &by);
            }
            None => self.rows.push(carry(&names, &by)),
        }
        let times: Vec<String> = required.iter().filter_map(|p| self.columns.get(*p)).map(|c| c.time.clone()).collect();
        let start = self.rows.names.fresh("start");
        let least = Eval::Call("min", times.iter().map(|t| field(t)).collect());
        let here = all(times.iter().map(|t| known(t)).collect());
        self.rows.push(Step::Where(here));
        self.rows.push(Step::Eval(vec![(start.clone(), least)]));
        let later = field("_time");
        let within = |earlier: Eval| self.not_longer(span(later.clone(), earlier));
        let test = match ends.as_slice() {
            [] => within(field(&start)),
            names => all(names.iter().map(|n| within(field(n))).collect()),
        };
        self.rows.push(Step::Where(test));
        if let (Some(event), true) = (self.rows.event.clone(), overlap.is_some()) {
            self.one_row(&event, &start);
        }
        Ok(start)
    }

    /// Keeps of each step's rows those of which what is asked beside the base search holds: any other would end a match of
    /// the rows before it. Conditions over several steps are refused.
    fn rows_asked(&mut self, required: &[usize]) {
        let mut asked = vec![];
        for place in required {
            let tests = self.tests(*place, vec![]);
            if !tests.is_empty() {
                asked.push(any(vec![not(is_step(&self.rows.step, *place)), all(tests)]));
            }
        }
        if !asked.is_empty() {
            self.rows.push(Step::Where(all(asked)));
        }
    }

    /// In a data model a step reaches until its last event of a second.
    fn ends(&mut self, required: &[usize], by: &[String]) -> Vec<String> {
        let Some((_, last)) = self.rows.seconds.clone() else { return vec![] };
        let mut made = vec![];
        for place in required {
            let name = self.rows.names.fresh(&format!("{}_until", self.name(*place).to_owned()));
            made.push((name, only(is_step(&self.rows.step, *place), field(&last))));
        }
        let names: Vec<String> = made.iter().map(|(n, _)| n.clone()).collect();
        self.rows.push(Step::Eval(made));
        let stats = names.iter().map(|n| stat("max", n, n)).collect();
        self.rows.push(Step::Streamstats(Streamstats { stats, by: by.to_vec(), ..Streamstats::default() }));
        names
    }

    /// One key for all steps: the state knows the latest event of each under it.
    fn one_key(&self, required: &[usize]) -> Result<Vec<String>, Unsupported> {
        for class in &self.plan.classes {
            let has: Vec<usize> = required.iter().copied().filter(|p| class.of(*p).is_some()).collect();
            let lacks = required.iter().find(|p| class.of(**p).is_none());
            if let (true, Some(place)) = (has.len() > 1, lacks) {
                let why = format!(
                    "carries steps in any order under one key, and `{}` does not share what joins the others",
                    self.name(*place)
                );
                return Err(self.refuse(*place, why));
            }
        }
        let shared = self.shared(required.first().copied().unwrap_or(0), required.get(1..).unwrap_or(&[]));
        Ok(self.by(&shared))
    }

    /// Two steps that one event may be, if they are all that there are.
    fn pair_of_one_event(&self, required: &[usize]) -> Result<Option<(usize, usize)>, Unsupported> {
        let after = |i: usize| required.iter().skip(i + 1).copied();
        let mut pairs = required.iter().enumerate().flat_map(|(i, a)| after(i).map(move |b| (*a, b)));
        let Some((a, b)) = pairs.find(|(a, b)| !self.disjoint(*a, *b)) else { return Ok(None) };
        if required.len() > 2 {
            let why = format!(
                "cannot keep one event from being both `{}` and `{}` among three steps or more",
                self.name(a),
                self.name(b)
            );
            return Err(self.refuse(b, why));
        }
        if self.rows.seconds.is_some() {
            return Err(self.several_in_a_second(a, b));
        }
        Ok(Some((a, b)))
    }

    /// An event that completes a match in both steps is one row: that of the tighter match.
    fn one_row(&mut self, event: &str, start: &str) {
        self.rows.comment("one row for each completing event");
        let best = self.rows.names.fresh("best");
        self.rows.push(Step::Eventstats(vec![stat("max", start, &best)], vec![event.to_owned()]));
        self.rows.push(Step::Where(binary("=", field(start), field(&best))));
        self.rows.push(Step::Dedup(event.to_owned()));
    }
}
