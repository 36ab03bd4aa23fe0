//! Steps joined to matches, and the one match chosen for each completing event.
//!
//! An equality join where a process joins the steps; else the earlier side stands in two time buckets as wide as the
//! window, the later one in one, and the window itself is tested exactly.

use super::super::ast::{Expr, Let, Pipeline, Step};
use super::names::Names;
use super::names::own_columns;
use super::step::several_tables;
use crate::backend::Output;
use crate::backend::output;
use crate::ir::{Role, Steps};
use crate::target::temporal::{BoundStep, Carry, StepSource, StepsPlan, Wide};
use crate::target::{By, Scalar};

/// A query in the making.
pub struct Match<'p> {
    pub meant: &'p Steps,
    pub plan: &'p StepsPlan<'p>,
    pub names: &'p Names<'p>,
    pub ordered: bool,
    /// Microseconds.
    pub within: i64,
    /// What stands before the query in the making.
    pub lets: Vec<Let>,
    source: String,
    steps: Vec<Step>,
    /// Steps that its rows have events of, in the order in which they were joined.
    joined: Vec<usize>,
    /// The columns that tell its rows apart, once they were chosen.
    row: Vec<String>,
}

/// `a and b`, shortened.
pub fn all_of(mut all: Vec<Expr>) -> Expr {
    if all.len() == 1 { all.pop().unwrap_or(Expr::Bool(true)) } else { Expr::And(all) }
}

fn any_of(mut all: Vec<Expr>) -> Expr {
    if all.len() == 1 { all.pop().unwrap_or(Expr::Bool(false)) } else { Expr::Or(all) }
}

/// Whether one event may lie in both sources.
fn overlap(a: &StepSource, b: &StepSource) -> bool {
    let disjoint = |x: &[Scalar], y: &[Scalar]| x.iter().all(|v| !y.contains(v));
    let apart = |(column, values): (&String, &Vec<Scalar>)| {
        b.source.filter.get(column).is_some_and(|others| disjoint(values, others))
    };
    a.source.table == b.source.table && !a.source.filter.iter().any(apart)
}

/// Whether one event may be of both steps.
fn may_be_one(a: &BoundStep, b: &BoundStep) -> bool {
    a.sources.iter().any(|a| b.sources.iter().any(|b| overlap(a, b)))
}

impl<'p> Match<'p> {
    pub fn new(meant: &'p Steps, plan: &'p StepsPlan<'p>, names: &'p Names<'p>, lets: Vec<Let>) -> Self {
        let (ordered, within) = (meant.ordered, meant.within.micros);
        Match {
            meant,
            plan,
            names,
            ordered,
            within,
            lets,
            source: String::new(),
            steps: vec![],
            joined: vec![],
            row: vec![],
        }
    }

    fn of_role(&self, role: Role) -> Vec<usize> {
        let all = self.plan.steps.iter().enumerate();
        all.filter(|(_, s)| s.role == role).map(|(i, _)| i).collect()
    }

    fn time(&self, step: usize) -> Expr {
        Expr::column(self.names.time(step))
    }

    /// The time of the first event of a match.
    fn first_time(&self) -> Expr {
        match (self.ordered, self.joined.first()) {
            (true, Some(first)) => self.time(*first),
            _ => Expr::column("FirstTime"),
        }
    }

    /// Joins the required steps, drops what a `without` forbids or an exception excepts, chooses a match for each completing
    /// event, and adds the optional steps. `excepted` makes the steps of the exceptions.
    pub fn build(&mut self, excepted: Vec<Step>) {
        let required = self.of_role(Role::Required);
        let mut open = self.of_role(Role::Without);
        for (i, step) in required.iter().enumerate() {
            self.join_required(*step, required.get(i.wrapping_sub(1)).copied());
            let later = required.get(i + 1..).unwrap_or_default();
            let (now, rest) = open.iter().partition(|w| self.may_ask(**w, *step, later));
            open = rest;
            let now: Vec<usize> = now;
            now.into_iter().for_each(|without| self.without(without));
        }
        if !self.ordered {
            self.span(&required);
        }
        self.steps.extend(excepted);
        self.choose(&required);
        for optional in self.of_role(Role::Optional) {
            self.optional(optional);
        }
    }

    /// Whether nothing that a `without` could be mistaken for is still to be joined.
    fn may_ask(&self, without: usize, last: usize, later: &[usize]) -> bool {
        let step = |i: usize| self.plan.steps.get(i);
        let Some(this) = step(without) else { return true };
        last > without && !later.iter().filter_map(|i| step(*i)).any(|other| may_be_one(this, other))
    }

    fn join_required(&mut self, step: usize, before: Option<usize>) {
        let Some(before) = before else {
            step_name(self.names, step).clone_into(&mut self.source);
            self.joined.push(step);
            let own = self.conditions(step);
            self.filter(own);
            return;
        };
        let anchor = self.joined.first().map_or(Expr::column("FirstTime"), |first| self.time(*first));
        let joined = self.beside(step, anchor, !self.ordered);
        self.steps.extend(joined);
        let mut tests = vec![];
        if self.ordered {
            tests.push(self.time(step).op(">=", self.time(before)));
            tests.push(self.in_window(self.time(step).op("-", self.first_time())));
        } else {
            let times: Vec<Expr> = self.joined.iter().chain([&step]).map(|s| self.time(*s)).collect();
            let span = Expr::Call("max_of", times.clone()).op("-", Expr::Call("min_of", times));
            tests.push(self.in_window(span));
        }
        tests.extend(self.different(step));
        self.joined.push(step);
        tests.extend(self.conditions(step));
        self.filter(tests);
    }

    /// That a span of time is not longer than the window.
    fn in_window(&self, span: Expr) -> Expr {
        span.op("<=", Expr::Span(self.within))
    }

    fn filter(&mut self, tests: Vec<Expr>) {
        if !tests.is_empty() {
            self.steps.push(Step::Where(all_of(tests)));
        }
    }

    /// The classes that a step shares with those joined so far.
    fn shared(&self, step: usize) -> Vec<usize> {
        let both = |class: &crate::target::temporal::Class| {
            class.of(step).is_some() && self.joined.iter().any(|j| class.of(*j).is_some())
        };
        self.plan.classes.iter().enumerate().filter(|(_, c)| both(c)).map(|(i, _)| i).collect()
    }

    /// The join with a step: on what both share, and on time buckets around `anchor` where that is shared by many events.
    fn beside(&self, step: usize, anchor: Expr, both_ways: bool) -> Vec<Step> {
        let shared = self.shared(step);
        let mut columns: Vec<String> = shared.iter().map(|c| self.names.class(*c).to_owned()).collect();
        let selective = shared.iter().any(|c| self.plan.classes.get(*c).is_some_and(|c| c.selective));
        let mut right = Pipeline { source: vec![step_name(self.names, step).to_owned()], steps: vec![] };
        if selective {
            return vec![Step::Join("inner", right, columns)];
        }
        let bucket = || Expr::column("Bucket");
        let bin = |time: Expr| Expr::Call("bin", vec![time, Expr::Span(self.within)]);
        right.steps.push(Step::Extend(vec![("Bucket".to_owned(), bin(self.time(step)))]));
        columns.push("Bucket".to_owned());
        let mut buckets = vec![bucket(), bucket().op("+", Expr::Span(self.within))];
        if both_ways {
            buckets.insert(0, bucket().op("-", Expr::Span(self.within)));
        }
        vec![
            Step::Extend(vec![("Bucket".to_owned(), bin(anchor))]),
            Step::Expand(None, vec![("Bucket".to_owned(), Expr::Call("pack_array", buckets), "datetime")]),
            Step::Join("inner", right, columns),
        ]
    }

    /// The event of a step is none of those joined so far.
    fn different(&self, step: usize) -> Vec<Expr> {
        let Some(this) = self.plan.steps.get(step) else { return vec![] };
        let like = |j: &usize| self.plan.steps.get(*j).is_some_and(|other| may_be_one(this, other));
        self.joined.iter().copied().filter(like).map(|other| self.unequal(step, other)).collect()
    }

    fn unequal(&self, a: usize, b: usize) -> Expr {
        let mut ways = vec![self.time(a).op("!=", self.time(b))];
        if self.plan.steps.get(b).is_some_and(|s| s.role == Role::Optional) {
            ways.insert(0, Expr::Call("isnull", vec![self.time(b)]));
        }
        for part in &self.plan.target.event {
            let (x, y) = (self.names.own(a, &part.column), self.names.own(b, &part.column));
            if x != y {
                ways.push(Expr::column(x).op("!=", Expr::column(y)));
            }
        }
        let table = |step: usize| match self.plan.steps.get(step) {
            Some(s) if several_tables(s) => Some(Expr::column(self.names.table(step))),
            Some(s) => s.sources.first().and_then(|s| s.source.table.clone()).map(Expr::Text),
            None => None,
        };
        if let (Some(x), Some(y)) = (table(a), table(b))
            && x != y
        {
            ways.push(x.op("!=", y));
        }
        any_of(ways)
    }

    /// The conditions that can be asked once a step is joined, and could not before.
    fn conditions(&self, step: usize) -> Vec<Expr> {
        let ready = |(place, wide): &&(usize, Wide)| {
            let mut read = wide.steps();
            read.push(*place);
            read.contains(&step) && read.iter().all(|s| self.joined.contains(s) || *s == step)
        };
        self.plan.conditions.iter().filter(ready).map(|(_, wide)| wide_expr(self.plan, self.names, wide)).collect()
    }

    /// Takes away the matches that have a forbidden event in their gap.
    fn without(&mut self, without: usize) {
        let before = self.joined.iter().copied().filter(|j| *j < without).max();
        let behind = self.joined.iter().copied().filter(|j| *j > without).min();
        let (Some(before), Some(behind)) = (before, behind) else { return };
        let kept = self.keep("Candidates");
        let mut steps = self.beside(without, self.first_time(), false);
        let mut tests =
            vec![self.time(without).op(">=", self.time(before)), self.time(without).op("<=", self.time(behind))];
        tests.extend(self.different(without));
        tests.extend(self.conditions(without));
        steps.push(Step::Where(all_of(tests)));
        let told_by = self.told_by(without, [before, behind]);
        steps.push(Step::Distinct(told_by.clone()));
        let name = self.free(&format!("With{}", step_name(self.names, without)));
        self.lets.push(Let { name: name.clone(), body: Pipeline { source: vec![kept], steps }, kept: false });
        self.steps.push(Step::Join("leftanti", Pipeline { source: vec![name], steps: vec![] }, told_by));
    }

    /// The columns of a match that decide whether a forbidden event belongs to it.
    fn told_by(&self, without: usize, gap: [usize; 2]) -> Vec<String> {
        let mut out: Vec<String> = self.shared(without).iter().map(|c| self.names.class(*c).to_owned()).collect();
        let mut add = |name: String| {
            if !out.contains(&name) {
                out.push(name);
            }
        };
        gap.iter().for_each(|step| add(self.names.time(*step)));
        let this = self.plan.steps.get(without);
        for step in &self.joined {
            if this.zip(self.plan.steps.get(*step)).is_some_and(|(a, b)| may_be_one(a, b)) {
                self.event(*step).into_iter().for_each(&mut add);
            }
        }
        for (_, wide) in self.plan.conditions.iter().filter(|(place, _)| *place == without) {
            columns(self.names, wide).into_iter().filter(|(step, _)| *step != without).for_each(|(_, name)| add(name));
        }
        out
    }

    /// The columns that tell a step's event from all others.
    fn event(&self, step: usize) -> Vec<String> {
        let mut out: Vec<String> =
            self.plan.target.event.iter().map(|part| self.names.own(step, &part.column)).collect();
        out.push(self.names.time(step));
        if self.plan.steps.get(step).is_some_and(several_tables) {
            out.push(self.names.table(step));
        }
        out
    }

    /// What was made so far under a name, computed once.
    fn keep(&mut self, name: &str) -> String {
        let name = self.free(name);
        if self.steps.is_empty() {
            return self.source.clone();
        }
        let source = std::mem::replace(&mut self.source, name.clone());
        let body = Pipeline { source: vec![source], steps: std::mem::take(&mut self.steps) };
        self.lets.push(Let { name: name.clone(), body, kept: true });
        name
    }

    fn free(&self, name: &str) -> String {
        let taken = |name: &String| self.lets.iter().any(|l| l.name == *name);
        let mut names = (1..).map(|n| if n == 1 { name.to_owned() } else { format!("{name}{n}") });
        names.find(|n| !taken(n)).unwrap_or_default()
    }

    /// Without an order: the first and the last time, and the event that completes the match.
    fn span(&mut self, required: &[usize]) {
        let times: Vec<Expr> = required.iter().map(|s| self.time(*s)).collect();
        let mut columns = vec![];
        if times.len() > 2 {
            let sorted = Expr::Call("array_sort_asc", vec![Expr::Call("pack_array", times.clone())]);
            self.steps.push(Step::Extend(vec![("Times".to_owned(), sorted)]));
            for i in 0..times.len() - 1 {
                let item = Expr::Item(Box::new(Expr::column("Times")), i64::try_from(i).unwrap_or(0));
                columns.push((nth_time(i), Expr::Call("todatetime", vec![item])));
            }
        } else {
            columns.push((nth_time(0), Expr::Call("min_of", times.clone())));
        }
        columns.push(("LastTime".to_owned(), Expr::Call("max_of", times)));
        self.steps.push(Step::Extend(columns));
        let mut own: Vec<(String, Vec<Expr>)> = vec![];
        for column in own_columns(self.plan.target) {
            own.push((
                format!("Last{column}"),
                required.iter().map(|s| Expr::column(self.names.own(*s, &column))).collect(),
            ));
        }
        let tables: Vec<Expr> = required.iter().filter_map(|s| self.table_of(*s)).collect();
        if tables.iter().any(|t| Some(t) != tables.first()) {
            own.push(("LastTable".to_owned(), tables));
        }
        let same = |all: &[Expr]| all.iter().all(|e| Some(e) == all.first());
        let chosen = own.into_iter().filter(|(_, each)| !same(each));
        let columns: Vec<(String, Expr)> = chosen.map(|(name, each)| (name, self.of_last(required, each))).collect();
        if !columns.is_empty() {
            self.steps.push(Step::Extend(columns));
        }
    }

    fn table_of(&self, step: usize) -> Option<Expr> {
        match self.plan.steps.get(step) {
            Some(s) if several_tables(s) => Some(Expr::column(self.names.table(step))),
            Some(s) => s.sources.first().and_then(|s| s.source.table.clone()).map(Expr::Text),
            None => None,
        }
    }

    /// The value of the step whose event came last; of the highest one at equal times.
    fn of_last(&self, required: &[usize], each: Vec<Expr>) -> Expr {
        let mut pairs: Vec<(usize, Expr)> = required.iter().copied().zip(each).collect();
        let Some((_, other)) = (!pairs.is_empty()).then(|| pairs.remove(0)) else { return Expr::Text(String::new()) };
        let mut arguments = vec![];
        for (step, value) in pairs.into_iter().rev() {
            arguments.push(self.time(step).op("==", Expr::column("LastTime")));
            arguments.push(value);
        }
        arguments.push(other);
        Expr::Call(if arguments.len() == 3 { "iff" } else { "case" }, arguments)
    }

    /// The columns that tell completing events apart; of the target, those of every result.
    fn completing(&self, column: &str) -> String {
        let required = self.of_role(Role::Required);
        let names: Vec<String> = required.iter().map(|s| self.names.own(*s, column)).collect();
        match (self.ordered, names.first(), names.last()) {
            (false, Some(first), _) if names.iter().all(|n| n == first) => first.clone(),
            (false, ..) => format!("Last{column}"),
            (true, _, last) => last.cloned().unwrap_or_default(),
        }
    }

    /// The time of the completing event.
    fn last_time(&self) -> Expr {
        match (self.ordered, self.of_role(Role::Required).last()) {
            (true, Some(last)) => self.time(*last),
            _ => Expr::column("LastTime"),
        }
    }

    /// One row for each completing event: the match whose times, from the first on, are greatest. The last of them is
    /// maximised first, for each choice of those before it.
    fn choose(&mut self, required: &[usize]) {
        let mut row: Vec<String> = self.plan.target.event.iter().map(|p| self.completing(&p.column)).collect();
        let earlier: Vec<String> = if self.ordered {
            let last = required.last().copied();
            row.extend(last.map(|last| self.names.time(last)));
            row.extend(
                last.filter(|l| self.plan.steps.get(*l).is_some_and(several_tables)).map(|l| self.names.table(l)),
            );
            required.iter().rev().skip(1).rev().map(|s| self.names.time(*s)).collect()
        } else {
            row.push("LastTime".to_owned());
            let tables: Vec<Option<Expr>> = required.iter().map(|s| self.table_of(*s)).collect();
            if tables.iter().any(|t| Some(t) != tables.first()) {
                row.push("LastTable".to_owned());
            }
            (0..required.len().saturating_sub(1)).map(nth_time).collect()
        };
        row = once(row);
        for (i, time) in earlier.iter().enumerate().rev() {
            let by = row.iter().chain(earlier.iter().take(i)).cloned().collect();
            let greatest = Expr::Call("arg_max", vec![Expr::column(time.clone()), Expr::All]);
            self.steps.push(Step::Summarize(vec![(None, greatest)], by));
        }
        self.row = row;
    }

    /// Adds an optional step: its earliest event at or after what is there already, in the window of the first event.
    fn optional(&mut self, step: usize) {
        let kept = self.keep("Matches");
        let mut steps = self.beside(step, self.first_time(), false);
        let optional = |place: &usize| self.plan.steps.get(*place).is_some_and(|s| s.role == Role::Optional);
        let earlier: Vec<usize> = self.joined.iter().rev().copied().filter(optional).collect();
        let mut after: Vec<Expr> = earlier.iter().map(|j| self.time(*j)).collect();
        after.push(self.last_time());
        let after = if after.len() == 1 { self.last_time() } else { Expr::Call("coalesce", after) };
        let asked = earlier.into_iter().filter(|j| self.plan.asks(self.meant, step, *j));
        let mut tests: Vec<Expr> = asked.map(|j| Expr::Call("isnotnull", vec![self.time(j)])).collect();
        tests.push(self.time(step).op(">=", after));
        tests.push(self.time(step).op("-", self.first_time()).op("<=", Expr::Span(self.within)));
        tests.extend(self.different(step));
        tests.extend(self.conditions(step));
        steps.push(Step::Where(all_of(tests)));
        let least = Expr::Call("arg_min", vec![self.time(step), Expr::All]);
        steps.push(Step::Summarize(vec![(None, least)], self.row.clone()));
        let columns = self.row.iter().chain(&self.new_columns(step)).map(|n| (None, Expr::column(n.clone()))).collect();
        steps.push(Step::Project(columns));
        let right = Pipeline { source: vec![kept], steps };
        self.steps.push(Step::Join("leftouter", right, self.row.clone()));
        self.joined.push(step);
    }

    /// The columns that a step brings.
    fn new_columns(&self, place: usize) -> Vec<String> {
        let Some(step) = self.plan.steps.get(place) else { return vec![] };
        let mut out = vec![self.names.time(place)];
        out.extend(own_columns(self.plan.target).iter().map(|c| self.names.own(place, c)));
        if several_tables(step) {
            out.push(self.names.table(place));
        }
        let here = |class: &crate::target::temporal::Class| {
            class.of(place).is_some() && !self.joined.iter().any(|j| class.of(*j).is_some())
        };
        let classes = self.plan.classes.iter().enumerate().filter(|(_, c)| here(c));
        out.extend(classes.map(|(i, _)| self.names.class(i).to_owned()));
        out.extend(raw(self.plan).iter().filter(|c| c.step == place).map(|c| self.names.carried(*c)));
        out.extend((0..step.asked.len()).map(|i| self.names.asked(place, i)));
        out.retain(|name| !self.row.contains(name) && !self.shared_name(place, name));
        once(out)
    }

    /// Whether a name is that of a class which the match has already.
    fn shared_name(&self, step: usize, name: &str) -> bool {
        self.shared(step).iter().any(|c| self.names.class(*c) == name)
    }

    /// The result: the target's columns, times, keys, what is shown, and `more`; with what its columns show, but for `more`.
    pub fn finish(mut self, more: Vec<(String, Expr)>) -> (Vec<Let>, Pipeline, Vec<Output>) {
        let columns = self.columns();
        let shown = columns.iter().map(|(output, expr)| (output.name.clone(), expr.clone())).chain(more);
        let plain = |name: &String, expr: &Expr| *expr == Expr::column(name.clone());
        let projected = shown.map(|(name, expr)| if plain(&name, &expr) { (None, expr) } else { (Some(name), expr) });
        self.steps.push(Step::Project(projected.collect()));
        let outputs = columns.into_iter().map(|(output, _)| output).collect();
        (self.lets, Pipeline { source: vec![self.source], steps: self.steps }, outputs)
    }

    fn columns(&self) -> Vec<(Output, Expr)> {
        let target = self.plan.target;
        let mut out: Vec<(Output, Expr)> = vec![];
        let mut add = |output: Output, expr: Expr| match out.iter_mut().find(|(o, _)| o.name == output.name) {
            Some((there, value)) if *value == expr => there.also(output.shows),
            Some(_) => {}
            None => out.push((output, expr)),
        };
        let Expr::Column(time) = super::names::time(target) else { return vec![] };
        let required: Vec<&BoundStep> =
            self.of_role(Role::Required).into_iter().filter_map(|i| self.plan.steps.get(i)).collect();
        let completing =
            if self.ordered { required.get(required.len().saturating_sub(1)..) } else { Some(&required[..]) };
        for column in &target.columns {
            let value = if *column == time { self.last_time() } else { Expr::column(self.completing(column)) };
            add(output::own(target, completing.unwrap_or_default(), column), value);
        }
        for step in &self.joined {
            let name = self.plan.steps.get(*step).map(|s| s.name.as_str());
            add(Output::time(self.names.time(*step), name), self.time(*step));
        }
        let of = |carry: &Carry| {
            let step = self.plan.steps.get(carry.step);
            let carried = step.and_then(|s| Some((s, s.carried.get(carry.column)?)));
            carried.map_or_else(Vec::new, |(step, carried)| output::carried(target, step, carried, true))
        };
        for (i, class) in self.plan.classes.iter().enumerate().filter(|(_, class)| class.lax.is_empty()) {
            let name = self.names.class(i);
            let fields = class.members.iter().flat_map(of).collect();
            add(Output::fields(name, fields), Expr::column(name));
        }
        for carry in &self.plan.show {
            let name = self.names.carried(*carry);
            add(Output::fields(name.clone(), of(carry)), Expr::column(name));
        }
        out
    }
}

fn step_name<'n>(names: &'n Names, step: usize) -> &'n str {
    names.step(step)
}

/// The column of the nth time of a match without order.
fn nth_time(n: usize) -> String {
    if n == 0 { "FirstTime".to_owned() } else { format!("Time{}", n + 1) }
}

fn once(all: Vec<String>) -> Vec<String> {
    let mut out: Vec<String> = vec![];
    for one in all {
        if !out.contains(&one) {
            out.push(one);
        }
    }
    out
}

/// Carried columns that are needed as they were logged.
pub fn raw(plan: &StepsPlan) -> Vec<Carry> {
    let mut out = plan.show.clone();
    let conditions = plan.conditions.iter().chain(&plan.exceptions).map(|(_, w)| w);
    for wide in conditions.chain(plan.flags.iter().map(|(_, w)| w)) {
        carries(wide, &mut out);
    }
    out
}

fn carries(wide: &Wide, out: &mut Vec<Carry>) {
    match wide {
        Wide::Const(_) | Wide::Asked(..) => {}
        Wide::Not(inner) => carries(inner, out),
        Wide::And(all) | Wide::Or(all) => all.iter().for_each(|w| carries(w, out)),
        Wide::Equal(a, b) => out.extend([*a, *b]),
    }
}

/// The columns that a condition reads, each with its step.
fn columns(names: &Names, wide: &Wide) -> Vec<(usize, String)> {
    match wide {
        Wide::Const(_) => vec![],
        Wide::Not(inner) => columns(names, inner),
        Wide::And(all) | Wide::Or(all) => all.iter().flat_map(|w| columns(names, w)).collect(),
        Wide::Asked(step, i) => vec![(*step, names.asked(*step, *i))],
        Wide::Equal(a, b) => [a, b].iter().map(|c| (c.step, names.carried(**c))).collect(),
    }
}

/// A condition over the columns of a match. It is true or false, never null.
pub fn wide_expr(plan: &StepsPlan, names: &Names, wide: &Wide) -> Expr {
    let each = |all: &[Wide]| all.iter().map(|w| wide_expr(plan, names, w)).collect();
    match wide {
        Wide::Const(value) => Expr::Bool(*value),
        Wide::Not(inner) => Expr::Not(Box::new(wide_expr(plan, names, inner))),
        Wide::And(all) => Expr::And(each(all)),
        Wide::Or(all) => Expr::Or(each(all)),
        Wide::Asked(step, i) => {
            let column = Expr::column(names.asked(*step, *i));
            let step = plan.steps.get(*step);
            let on_nothing = step.and_then(|s| s.asked.get(*i)).is_some_and(|a| a.on_nothing);
            match step.map(|s| s.role) {
                Some(Role::Optional) => Expr::Call("coalesce", vec![column, Expr::Bool(on_nothing)]),
                _ => column,
            }
        }
        Wide::Equal(a, b) => {
            let by = plan.steps.get(a.step).and_then(|s| s.carried.get(a.column)).map_or(By::Id, |c| c.by);
            let (x, y) = (Expr::column(names.carried(*a)), Expr::column(names.carried(*b)));
            let there = |e: &Expr| Expr::Call("isnotempty", vec![e.clone()]);
            let number = matches!(by, By::Number | By::Time);
            let mut tests = if number {
                [&x, &y].map(|e| Expr::Call("isnotnull", vec![e.clone()])).to_vec()
            } else {
                [there(&x)].into_iter().chain(plan.target.filler.iter().map(|f| x.clone().with("!=", f))).collect()
            };
            tests.push(x.op(if by == By::Name { "=~" } else { "==" }, y));
            Expr::And(tests)
        }
    }
}
